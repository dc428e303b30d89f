package controller

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/route"
)

// FilterTrigger is what led to a run of filters.
type FilterTrigger struct {
	// Filters names the filters to enforce; unknown names are passed over.
	Filters []string
	// Event is the id of the message or wake-up, for the journal and the log.
	Event string
	// Wake says that a wake-up led to the run, as Trigger.Wake does.
	Wake bool
	// Logged are the announcements that the message told of, if it is of a BGP log.
	Logged []filter.Logged
}

// FilterReport is all that a run knows about one filter.
type FilterReport struct {
	Filter string      `json:"filter"`
	Mode   filter.Mode `json:"mode"`
	Status Status      `json:"status"`
	Event  string      `json:"event,omitempty"`
	// Decision is that of the run; its changes are those that were missing when it
	// was first made.
	Decision filter.Decision `json:"-"`
	// WouldBe: the decision is not acted upon, since the filter observes, since it is
	// frozen, which Frozen says, or since neverTouch covers what it wants.
	WouldBe    bool `json:"wouldBe,omitempty"`
	Frozen     bool `json:"frozen,omitempty"`
	NeverTouch bool `json:"neverTouch,omitempty"`
	// Placed, Lifted and Held are the verdicts by which something changed in this run:
	// a measure began, a measure ended, or one that is wanted began to be impossible.
	Placed []filter.Verdict `json:"placed,omitempty"`
	Lifted []filter.Verdict `json:"lifted,omitempty"`
	Held   []filter.Verdict `json:"held,omitempty"`
	// Receipts are what became of the changes, Left those that are still missing.
	Receipts []route.Receipt `json:"receipts,omitempty"`
	Left     []route.Change  `json:"left,omitempty"`
	Cost     plan.Cost       `json:"cost"`
	// Leftover are measures that stand although the configuration has no such filter:
	// nothing else is said then.
	Leftover []filter.Measure `json:"leftover,omitempty"`
	// Problems are the tables of which something could not be read whole: the routes,
	// the neighbors, or the tunnels beside them.
	Problems []TableProblem `json:"problems,omitempty"`
	// OutOfTime: the run's own deadline left no room for writes.
	OutOfTime bool        `json:"outOfTime,omitempty"`
	Stages    []StageTime `json:"stages,omitempty"`
	// WakeAt is when the filter is to be looked at again; zero: at the next sweep.
	WakeAt time.Time `json:"wakeAt,omitzero"`
	Err    error     `json:"-"`
}

func sortedFilters(filters []filter.Filter) []filter.Filter {
	out := slices.Clone(filters)
	slices.SortFunc(out, func(a, b filter.Filter) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// FilterNames returns the names of all filters, sorted.
func (c *Controller) FilterNames() []string {
	out := make([]string, 0, len(c.filters))
	for i := range c.filters {
		out = append(out, c.filters[i].Name)
	}
	return out
}

// Filtering returns the filters that judge the table or observe it, by name; for
// the empty id all of them. They must not be changed.
func (c *Controller) Filtering(tableID string) []*filter.Filter {
	var out []*filter.Filter
	for i := range c.filters {
		f := &c.filters[i]
		in := func(t route.Table) bool { return t.ID == tableID }
		if tableID == "" || slices.ContainsFunc(f.Tables(), in) || slices.ContainsFunc(f.ObservationTables(), in) {
			out = append(out, f)
		}
	}
	return out
}

// FilteringOver returns the filters that may judge what the VPN connections announce,
// by name. Where a group uses a connection with a learned next hop, its attachment is
// known, and so are the tables that it can teach: those of transit gateways for which
// the filter speaks of it. Of any other connection all filters may be meant.
func (c *Controller) FilteringOver(connections []string) []*filter.Filter {
	var attachments []string
	for _, connection := range connections {
		attachment := c.attachmentOf(connection)
		if attachment == "" {
			return c.Filtering("")
		}
		attachments = append(attachments, attachment)
	}
	var out []*filter.Filter
	for i := range c.filters {
		if slices.ContainsFunc(c.filters[i].Scopes, func(s filter.Scope) bool {
			return s.Table.Kind == route.TransitGatewayTable && slices.ContainsFunc(attachments, s.Names)
		}) {
			out = append(out, &c.filters[i])
		}
	}
	return out
}

// attachmentOf returns the attachment of a VPN connection to a transit gateway; empty:
// the configuration does not tell. A connection has one at most (EC2 API, type
// VpnConnection).
func (c *Controller) attachmentOf(connection string) string {
	for i := range c.groups {
		for _, path := range c.groups[i].Paths {
			if s := path.Spec; s.Subject.Kind == health.SubjectVPN && s.Subject.ID == connection && s.Attachment != "" {
				return s.Attachment
			}
		}
	}
	return ""
}

// chosenFilters returns the filters that the trigger names, each once, by name.
func (c *Controller) chosenFilters(trigger FilterTrigger) []*filter.Filter {
	var out []*filter.Filter
	for i := range c.filters {
		if slices.Contains(trigger.Filters, c.filters[i].Name) {
			out = append(out, &c.filters[i])
		}
	}
	return out
}
