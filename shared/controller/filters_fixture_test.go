package controller_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// edge is what a world has around the tables of filters.
type edge struct {
	filters []filter.Filter
	// taught are the attachments that propagate into a table.
	taught map[route.Table][]filter.Neighbor
	// routed are those that are associated with it.
	routed map[route.Table][]filter.Neighbor
	// announced is what an attachment teaches, wherever it propagates.
	announced map[string][]string
	// deleted are the attachments that do not exist any more.
	deleted map[string]bool
	// unreadable are the tables whose neighbors cannot be read, with why.
	unreadable map[route.Table]route.Problem
}

func edgeTable(id string) route.Table {
	return route.Table{Kind: route.TransitGatewayTable, ID: id, Account: "111122223333", Region: "eu-west-1"}
}

var (
	main     = edgeTable("tgw-rtb-main")
	observed = edgeTable("tgw-rtb-observed")
	branch   = filter.Neighbor{Attachment: "tgw-attach-branch", Type: filter.TypeVPN, Resource: "vpn-branch", BGP: filter.SpeaksBGP}
	office   = filter.Neighbor{Attachment: "tgw-attach-office", Type: filter.TypeVPN, Resource: "vpn-office", BGP: filter.SpeaksBGP}
	vpc      = filter.Neighbor{Attachment: "tgw-attach-vpc", Type: filter.TypeVPC, Resource: "vpc-1", BGP: filter.SpeaksNoBGP}
)

// newFilter denies default-like routes in the table main, with an observation table of
// the branch.
func newFilter(name string, action filter.Action) filter.Filter {
	rule := func(text string) filter.Rule {
		r, err := filter.ParseRule(text)
		if err != nil {
			panic(err)
		}
		return r
	}
	var attachments []string // A blackhole acts on a destination, whoever announces it.
	if action == filter.Quarantine {
		attachments = []string{branch.Attachment}
	}
	return filter.Filter{
		Name: name, Account: main.Account, Region: main.Region, Mode: protection.Enforce,
		Scopes: []filter.Scope{{
			Table: main, Attachments: attachments,
			Observation: []filter.Observation{{Attachment: branch.Attachment, Table: observed}},
		}},
		Rules: []filter.Rule{rule("permit 10.0.0.0/8 le 24"), rule("deny default-like")}, Action: action, LiftAfter: 5 * time.Minute,
		Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
		Limits:  filter.Limits{SettleTime: settle, ContendedAfter: 3, ContendedWindow: 10 * time.Minute},
	}
}

// newEdge is a world with filters: the branch and the office teach the table main, to
// which a VPC is associated, and the branch alone the table observed.
func newEdge(t testing.TB, filters ...filter.Filter) *world {
	t.Helper()
	w := newWorld(t)
	w.edge = edge{
		filters: filters,
		taught:  map[route.Table][]filter.Neighbor{main: {branch, office}, observed: {branch}},
		routed:  map[route.Table][]filter.Neighbor{main: {vpc}},
		announced: map[string][]string{
			branch.Attachment: {"10.1.0.0/16", "10.2.0.0/16"},
			office.Attachment: {"10.9.0.0/16"},
		},
		unreadable: map[route.Table]route.Problem{},
		deleted:    map[string]bool{},
	}
	return w
}

// deleteBranch deletes the attachment of the branch: its static routes lead nowhere.
func (w *world) deleteBranch() {
	w.deleted[branch.Attachment] = true
	for table, taught := range w.taught {
		w.taught[table] = slices.DeleteFunc(slices.Clone(taught), func(n filter.Neighbor) bool { return n == branch })
	}
	for key, next := range w.tables {
		if next.ID == branch.Attachment {
			w.tables[key] = route.NextHop{Kind: route.Blackhole}
		}
	}
}

// leak has the branch announce the default route; heal ends it.
func (w *world) leak() { w.announce("10.1.0.0/16", "10.2.0.0/16", "0.0.0.0/0") }
func (w *world) heal() { w.announce("10.1.0.0/16", "10.2.0.0/16") }

func (w *world) announce(prefixes ...string) { w.announced[branch.Attachment] = prefixes }

// addTaught adds the learned routes that no static hides.
func (w *world) addTaught(routes map[route.Table][]route.Route) {
	for table, attachments := range w.taught {
		for _, a := range attachments {
			for _, prefix := range w.announced[a.Attachment] {
				destination := route.MustDestination(prefix)
				if _, hidden := w.tables[protection.EntryKey{Table: table, Destination: destination}]; !hidden {
					routes[table] = append(routes[table], route.Route{
						Table: table, Destination: destination, Origin: route.OriginPropagated, State: route.StateActive,
						NextHop: route.NextHop{Kind: route.TransitGatewayAttachment, ID: a.Attachment},
					})
				}
			}
		}
	}
	for table := range routes {
		slices.SortFunc(routes[table], route.Route.Compare)
	}
}

// wrote names a change in the log, where there are filters.
func (w *world) wrote(change route.Change) string {
	if len(w.filters) == 0 {
		return ""
	}
	return change.String()
}

// switchPropagation is Write for a switch.
func (f *ports) switchPropagation(ctx context.Context, change route.Change, attachment string, outcome route.Outcome, applies bool) route.Receipt {
	on := change.Op == route.OpEnablePropagation
	is := func(n filter.Neighbor) bool { return n.Attachment == attachment }
	there := f.w.taught[change.Table]
	if outcome == route.Applied && applies && slices.ContainsFunc(there, is) == on {
		outcome, applies = route.PreconditionFailed, false
	}
	switch {
	case !applies:
	case on:
		f.w.taught[change.Table] = append(slices.Clone(there), branch)
	default:
		f.w.taught[change.Table] = slices.DeleteFunc(slices.Clone(there), is)
	}
	if err := f.p.Sleep(ctx, writeTime/2); err != nil {
		return route.Receipt{Change: change, Outcome: route.Failed, Message: err.Error()}
	}
	return route.Receipt{Change: change, Outcome: outcome}
}

type neighbors ports

// Read implements controller.Neighbors.
func (f *neighbors) Read(ctx context.Context, tables []route.Table) []controller.NeighborReading {
	f.w.note("neighbors", "")
	slept := f.p.Sleep(ctx, readTime)
	out := make([]controller.NeighborReading, len(tables))
	for i, table := range tables {
		side := func(list []filter.Neighbor) filter.Neighbors {
			problem := f.w.unreadable[table]
			if slept != nil {
				problem = route.ProblemTimeout
			}
			if problem != route.NoProblem {
				return filter.Neighbors{Problem: problem}
			}
			list = slices.Clone(list)
			slices.SortFunc(list, filter.Neighbor.Compare)
			return filter.Neighbors{List: list, Complete: true}
		}
		out[i] = controller.NeighborReading{
			Table: table, Propagations: side(f.w.taught[table]), Associations: side(f.w.routed[table]),
			Outside: filter.Outsides{Complete: true, List: []filter.Outside{{Address: netip.MustParseAddr("203.0.113.9"), Resource: office.Resource}}},
		}
	}
	return out
}

// enforce enforces the filters, and waits for the end.
func (w *world) enforce(names ...string) (reports []controller.FilterReport) {
	w.t.Helper()
	w.await(w.run("routefilter", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		reports = c.Enforce(ctx, controller.FilterTrigger{Filters: names, Event: "event-1"})
	}))
	return reports
}

// sweepFilters looks at all filters, and waits for the end.
func (w *world) sweepFilters() (reports []controller.FilterReport) {
	w.t.Helper()
	w.await(w.run("sweep", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		reports = c.SweepFilters(ctx, "sweep")
	}))
	return reports
}

func onlyFilter(t *testing.T, reports []controller.FilterReport) controller.FilterReport {
	t.Helper()
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1: %+v", len(reports), reports)
	}
	return reports[0]
}

func (w *world) filterItem(name string) controller.Item {
	w.t.Helper()
	items, _, err := w.store.Peek(context.Background(), []controller.Key{controller.FilterKey(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return items[0]
}

// shows lists what stands in the table main: destination and next hop, learned routes
// with a star.
func (w *world) shows() []string {
	routes := map[route.Table][]route.Route{}
	for key, next := range w.tables {
		routes[key.Table] = append(routes[key.Table], route.Route{Table: key.Table, Destination: key.Destination, NextHop: next, Origin: route.OriginStatic})
	}
	w.addTaught(routes)
	var out []string
	for _, r := range routes[main] {
		text := r.Destination.String() + " " + r.NextHop.String()
		if r.Origin == route.OriginPropagated {
			text += "*"
		}
		out = append(out, text)
	}
	return out
}

// writes lists the changes that were sent, in order.
func (w *world) writes() []string {
	var out []string
	for _, what := range w.what() {
		if len(what) > 6 && what[:6] == "write " {
			out = append(out, what[6:])
		}
	}
	return out
}

// nameOf is how the log names an item: a group by its name.
func nameOf(key controller.Key) string {
	if name, ok := key.Group(); ok {
		return name
	}
	return string(key)
}
