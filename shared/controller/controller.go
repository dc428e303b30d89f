// Package controller runs the loop. One run, for the groups that an event, a
// wake-up or the sweep names, goes through these steps in this order:
//
//	take     the lease of each group, with its record      (record store)
//	read     evidence, tables and lists, at the same time  (EC2)
//	decide   health, protection, plan                      (pure)
//	commit   the decision, before anything is written      (record store)
//	write    the changes, in parallel, paced to the buckets (EC2)
//	verify   by reading the tables back                    (EC2)
//	release  the lease, or run once more if the item is dirty
//
// Nothing is read before the lease is there: an older reading could lack what
// the last holder wrote. No list of pending changes is kept. Each run compares
// the tables with the decision, and so finishes what a dead run left.
//
// The package declares its ports; it knows no SDK, and its only source of time
// and goroutines is Clock.
package controller

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Ports are the outside world.
type Ports struct {
	Tables   RouteTables
	Lists    PrefixLists
	Evidence Evidence
	// Neighbors is needed where there are filters.
	Neighbors Neighbors
	Records   Records
	Wake      Wake
	Publish   Publisher
	Clock     Clock
	// NewToken makes a lease token that was never used before.
	NewToken func() string
}

// Settings are the limits of a run.
type Settings struct {
	// MaxMoves is how many groups may start a move within MoveWindow.
	MaxMoves   int
	MoveWindow time.Duration
	// Lease is how long a lease lasts; it is renewed at half.
	Lease time.Duration
	// CallTimeout bounds one AWS call, Skew the difference between clocks. No
	// write starts with less than their sum of the lease left.
	CallTimeout time.Duration
	Skew        time.Duration
	// Settle is the time after a write beyond which a reading shows it.
	Settle time.Duration
	Never  plan.NeverTouch
}

// Controller reconciles protection groups and filters. One may be used by several
// runs at once.
type Controller struct {
	ports    Ports
	settings Settings
	groups   []protection.Group
	byName   map[string]*protection.Group
	bySubj   map[health.Subject][]string
	byTable  map[string][]string
	byEntry  map[entryID][]string
	byList   map[string][]string
	filters  []filter.Filter
	pacer    *pacer
}

// New returns a controller of the groups and filters, which must have passed
// config.Check.
func New(groups []protection.Group, settings Settings, ports Ports, filters ...filter.Filter) *Controller {
	c := &Controller{
		ports: ports, settings: settings, groups: slices.Clone(groups), filters: sortedFilters(filters),
		byName: map[string]*protection.Group{}, bySubj: map[health.Subject][]string{},
		byTable: map[string][]string{}, byEntry: map[entryID][]string{}, byList: map[string][]string{},
		pacer: newPacer(),
	}
	slices.SortStableFunc(c.groups, func(a, b protection.Group) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
	for i := range c.groups {
		g := &c.groups[i]
		c.byName[g.Name] = g
		for _, s := range g.Subjects() {
			c.bySubj[s] = append(c.bySubj[s], g.Name)
			if s.Kind == health.SubjectRouteTable && !slices.Contains(c.byTable[s.ID], g.Name) {
				c.byTable[s.ID] = append(c.byTable[s.ID], g.Name)
			}
		}
		for _, t := range g.Tables() {
			c.byTable[t.ID] = append(c.byTable[t.ID], g.Name)
		}
		c.indexEntries(g)
	}
	return c
}

// Watching returns the names of the groups that watch the subject, by priority.
// An event about a subject that nobody watches concerns nobody.
func (c *Controller) Watching(subject health.Subject) []string { return c.bySubj[subject] }

// Using returns the names of the groups with an entry in the table, or whose
// observation table it is, by priority.
func (c *Controller) Using(tableID string) []string { return c.byTable[tableID] }

// UsingEntry returns the names of the groups with an entry for the destination in
// the table, by priority; for the zero destination those with any in it.
func (c *Controller) UsingEntry(tableID string, destination route.Destination) []string {
	if destination.IsZero() {
		return c.Using(tableID)
	}
	return c.byEntry[entryID{tableID, destination}]
}

// UsingList returns the names of the groups with an entry for the prefix list, by
// priority.
func (c *Controller) UsingList(listID string) []string { return c.byList[listID] }

// entryID is an entry as an event names it.
type entryID struct {
	table       string
	destination route.Destination
}

func (c *Controller) indexEntries(g *protection.Group) {
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			id := entryID{entry.Table.ID, entry.Destination}
			if !slices.Contains(c.byEntry[id], g.Name) {
				c.byEntry[id] = append(c.byEntry[id], g.Name)
			}
			if list := entry.Destination.List(); list != "" && !slices.Contains(c.byList[list], g.Name) {
				c.byList[list] = append(c.byList[list], g.Name)
			}
		}
	}
}

// Names returns the names of all groups, by priority.
func (c *Controller) Names() []string {
	out := make([]string, 0, len(c.groups))
	for i := range c.groups {
		out = append(out, c.groups[i].Name)
	}
	return out
}

// Trigger is what led to a run.
type Trigger struct {
	// Groups names the groups to reconcile; unknown names are passed over.
	Groups []string
	// Event is the id of the event or wake-up, for the journal and the log.
	Event string
	// Wake says that a wake-up led to the run: a deadline that is still ahead then
	// is armed again, since a wake-up may come early.
	Wake bool
	// Hints are what the event claims, as it came.
	Hints []protection.Hint
	// Writers are others who wrote to tables of the groups, as the event tells.
	Writers []protection.Writer
	// Sweep says that the schedule led to the run, and no event.
	Sweep bool
	// Failback is the word of a failback's workflow; nil: something else led to the run.
	Failback *protection.FailbackStep
	// LookOnly: no route is written. If the decision asks for writes, a wake-up is armed
	// at once, and the run that it starts makes them.
	LookOnly bool
}

// chosen returns the groups that the trigger names, each once, by priority.
func (c *Controller) chosen(trigger Trigger) []*protection.Group {
	var out []*protection.Group
	for i := range c.groups {
		if slices.Contains(trigger.Groups, c.groups[i].Name) {
			out = append(out, &c.groups[i])
		}
	}
	return out
}

// union returns the tables and subjects of the groups, sorted, each once.
func union(groups []*protection.Group) ([]route.Table, []health.Subject) {
	var tables []route.Table
	var subjects []health.Subject
	for _, g := range groups {
		tables = append(tables, g.Tables()...)
		subjects = append(subjects, g.Subjects()...)
	}
	slices.SortFunc(tables, route.Table.Compare)
	slices.SortFunc(subjects, health.Subject.Compare)
	return slices.Compact(tables), slices.Compact(subjects)
}
