package controller

import (
	"cmp"
	"context"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Sight is one look at some groups: their items, and what evidence and tables
// show. Nothing was leased for it, and nothing written. It answers what a run
// would do now, also under what an operator only thinks of doing.
type Sight struct {
	controller *Controller
	at         time.Time
	look       look
	control    Control
	groups     []*protection.Group
	items      []Item
}

// Supposed is what an operator thinks of doing to a group. The zero value
// supposes nothing.
type Supposed struct {
	// Requests would stand beside those that do.
	Requests []protection.Request
	// Cleared are the ids of standing requests that would be cleared.
	Cleared []string
	// Control would change what concerns all groups.
	Control ControlChange
}

// Preview is what a run would decide, write and leave alone, had it begun when
// the Sight was taken.
type Preview struct {
	Group *protection.Group
	// At is when the preview was made from readings that ended before.
	At time.Time
	// Item and Control are the record store's items as they stand, without what is
	// supposed.
	Item    Item
	Control Control
	// Report is that of the run: decision, health, facts of the group, what is left
	// alone, cost. Its Status is quiet where nothing would change.
	Report Report
	// Plan is what the run would write. In a group that is observed or frozen it is
	// what would be written if it were not.
	Plan plan.Plan
	// Standing is what the tables show for the group's entries; Readings and Lists
	// are the tables and prefix lists themselves.
	Standing protection.Standing
	Readings []route.Reading
	Lists    []route.ListReading
}

// Preview looks at the groups as a sweep does: without a lease, and writing
// nothing. Unknown names are passed over. The error is the record store's.
func (c *Controller) Preview(ctx context.Context, names []string) (*Sight, error) {
	s := &Sight{controller: c, groups: c.chosen(Trigger{Groups: names})}
	keys := make([]Key, len(s.groups))
	for i, group := range s.groups {
		keys[i] = GroupKey(group.Name)
	}
	var err error
	if s.items, s.control, err = c.peek(ctx, keys); err != nil {
		return nil, err
	}
	s.look = c.look(ctx, s.groups)
	s.at = c.ports.Clock.Now()
	return s, nil
}

// Groups returns the names of the groups that were looked at, by priority.
func (s *Sight) Groups() []string {
	out := make([]string, 0, len(s.groups))
	for _, group := range s.groups {
		out = append(out, group.Name)
	}
	return out
}

// Decide decides for a group as a run does, by the same code, under what is
// supposed. It is pure. ok is false for a group that was not looked at.
func (s *Sight) Decide(name string, supposed Supposed) (preview Preview, ok bool) {
	i := slices.IndexFunc(s.groups, func(g *protection.Group) bool { return g.Name == name })
	if i < 0 {
		return Preview{}, false
	}
	group, item := s.groups[i], s.items[i]
	control := supposed.Control.apply(s.control)
	assumed := item
	assumed.Requests = supposed.apply(item.Requests)
	d := s.controller.decide(group, assumed, control, Trigger{Groups: []string{name}}, s.look, s.at)
	report := Report{Group: name, Status: StatusQuiet}
	s.controller.note(&hold{group: group, item: assumed, look: s.look, report: &report}, d)
	if d.pending {
		report.Status = StatusDone
	}
	report.WakeAt = d.output.Deadline
	report.Facts = factsAbout(group, s.look.facts)
	out := Preview{
		Group: group, At: s.at, Item: item, Control: s.control, Report: report, Plan: d.plan,
		Standing: d.standing,
	}
	tables, lists := group.Tables(), group.PrefixLists()
	for _, reading := range s.look.readings {
		if slices.Contains(tables, reading.Table) {
			out.Readings = append(out.Readings, reading)
		}
	}
	for _, reading := range s.look.lists {
		if slices.Contains(lists, reading.List) {
			out.Lists = append(out.Lists, reading)
		}
	}
	return out, true
}

// Toward is the plan of a switchover that brings the whole group to the path,
// from the tables as they stand.
func (p Preview) Toward(path string) plan.Plan {
	decision := protection.Decision{Group: p.Group.Name, From: p.Report.Before.To, To: path, Extent: p.Group.Steps(), Action: protection.Move}
	return plan.Build(p.Group, decision, p.Report.Output.Next.Contended, p.Standing)
}

// Worst is the path of the group whose switchover would cost most, with its
// plan: the longest wait, then the most calls, then the group's order.
func (p Preview) Worst() (path string, worst plan.Plan) {
	most := plan.Cost{Wait: -1}
	for _, candidate := range p.Group.Paths {
		built := p.Toward(candidate.Name)
		cost := plan.Predict(built.Changes)
		if cmp.Or(cmp.Compare(cost.Wait, most.Wait), cmp.Compare(calls(cost), calls(most))) > 0 {
			path, worst, most = candidate.Name, built, cost
		}
	}
	return path, worst
}

func calls(cost plan.Cost) int {
	n := 0
	for _, bucket := range cost.Calls {
		n += bucket.Calls
	}
	return n
}

// apply returns the requests as they would stand, in their order.
func (s Supposed) apply(standing []protection.Request) []protection.Request {
	out := slices.DeleteFunc(slices.Clone(standing), func(r protection.Request) bool { return slices.Contains(s.Cleared, r.ID) })
	out = append(out, s.Requests...)
	slices.SortFunc(out, protection.Request.Compare)
	return out
}

// apply returns the control item as it would be.
func (c ControlChange) apply(control Control) Control {
	if c.Freeze != nil {
		control.Freeze = *c.Freeze
	}
	if c.ReleasedAt != nil {
		control.ReleasedAt = *c.ReleasedAt
	}
	return control
}

// factsAbout returns the facts about the group's paths, sorted.
func factsAbout(group *protection.Group, facts []health.Fact) []health.Fact {
	subjects := group.Subjects()
	var out []health.Fact
	for _, fact := range facts {
		if slices.Contains(subjects, fact.Subject) {
			out = append(out, fact)
		}
	}
	slices.SortStableFunc(out, health.Fact.Compare)
	return out
}
