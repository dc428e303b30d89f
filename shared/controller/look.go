package controller

import (
	"context"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// readAttempts bounds how often something that could not be read is read again
// within a run.
const readAttempts = 3

// look is what a run read.
type look struct {
	facts     []health.Fact
	bySubject map[health.Subject][]health.Fact
	readings  []route.Reading
	lists     []route.ListReading
}

// look reads evidence and tables of the groups at the same time.
func (c *Controller) look(ctx context.Context, groups []*protection.Group) look {
	tables, subjects := union(groups)
	var out look
	waitFacts := c.ports.Clock.Go(ctx, func(ctx context.Context) { out.facts = c.readFacts(ctx, subjects) })
	waitLists := func() {}
	if lists := prefixLists(groups); len(lists) > 0 {
		waitLists = c.ports.Clock.Go(ctx, func(ctx context.Context) { out.lists = c.readLists(ctx, lists) })
	}
	out.readings = c.readTables(ctx, tables)
	waitFacts()
	waitLists()
	out.bySubject = make(map[health.Subject][]health.Fact, len(subjects))
	for _, fact := range out.facts {
		out.bySubject[fact.Subject] = append(out.bySubject[fact.Subject], fact)
	}
	return out
}

// about returns the facts that the path is judged by.
func (l look) about(spec health.Spec) []health.Fact {
	var out []health.Fact
	for _, subject := range spec.Subjects() {
		out = append(out, l.bySubject[subject]...)
	}
	return out
}

// usedSince is when the group came onto the path: the last write of its move
// there, or the move itself where nothing had to be written. Zero: the path is
// not in use.
func usedSince(record protection.Record, path string) time.Time {
	switch {
	case record.Decision.Epoch == 0 || record.Decision.To != path:
		return time.Time{}
	case !record.WroteAt.IsZero():
		return record.WroteAt
	default:
		return time.UnixMilli(record.Decision.Epoch)
	}
}

// readTables reads the tables, and those that could not be read whole again.
func (c *Controller) readTables(ctx context.Context, tables []route.Table) []route.Reading {
	readings := c.ports.Tables.Read(ctx, tables)
	for attempt := 1; attempt < readAttempts; attempt++ {
		var again []route.Table
		for _, r := range readings {
			if !r.Complete && worthAnother(r.Problem) {
				again = append(again, r.Table)
			}
		}
		if len(again) == 0 || c.pause(ctx, attempt) != nil {
			return readings
		}
		readings = merge(readings, c.ports.Tables.Read(ctx, again))
	}
	return readings
}

// prefixLists returns the prefix lists of the groups' entries, sorted, each once.
func prefixLists(groups []*protection.Group) []route.ListRef {
	var out []route.ListRef
	for _, group := range groups {
		out = append(out, group.PrefixLists()...)
	}
	slices.SortFunc(out, route.ListRef.Compare)
	return slices.Compact(out)
}

// readLists reads the prefix lists, and those that could not be read again.
func (c *Controller) readLists(ctx context.Context, lists []route.ListRef) []route.ListReading {
	readings := c.ports.Lists.Read(ctx, lists)
	for attempt := 1; attempt < readAttempts; attempt++ {
		var again []route.ListRef
		for _, r := range readings {
			if !r.Complete && worthAnother(r.Problem) {
				again = append(again, r.List)
			}
		}
		if len(again) == 0 || c.pause(ctx, attempt) != nil {
			return readings
		}
		for _, newer := range c.ports.Lists.Read(ctx, again) {
			at := slices.IndexFunc(readings, func(r route.ListReading) bool { return r.List == newer.List })
			readings[at] = newer
		}
	}
	return readings
}

func (c *Controller) readFacts(ctx context.Context, subjects []health.Subject) []health.Fact {
	facts := c.ports.Evidence.Read(ctx, subjects)
	for attempt := 1; attempt < readAttempts; attempt++ {
		var again []health.Subject
		for _, f := range facts {
			if f.Kind == health.FactUnreadable && worthAnother(f.Problem) {
				again = append(again, f.Subject)
			}
		}
		if len(again) == 0 || c.pause(ctx, attempt) != nil {
			return facts
		}
		facts = mergeFacts(facts, again, c.ports.Evidence.Read(ctx, again))
	}
	return facts
}

// worthAnother: what is denied, gone or malformed stays so within a run.
func worthAnother(p route.Problem) bool {
	return p == route.ProblemThrottled || p == route.ProblemTimeout
}

// pause waits before the next attempt: 500 ms, then 1 s.
func (c *Controller) pause(ctx context.Context, attempt int) error {
	return c.ports.Clock.Sleep(ctx, time.Duration(attempt)*500*time.Millisecond)
}

// merge puts newer readings in the place of older ones of the same table.
func merge(old, newer []route.Reading) []route.Reading {
	byTable := make(map[route.Table]route.Reading, len(newer))
	for _, r := range newer {
		byTable[r.Table] = r
	}
	out := make([]route.Reading, len(old))
	for i, r := range old {
		out[i] = r
		if n, ok := byTable[r.Table]; ok {
			out[i] = n
		}
	}
	return out
}

func mergeFacts(old []health.Fact, again []health.Subject, newer []health.Fact) []health.Fact {
	replaced := make(map[health.Subject]bool, len(again))
	for _, s := range again {
		replaced[s] = true
	}
	out := make([]health.Fact, 0, len(old)+len(newer))
	for _, f := range old {
		if !replaced[f.Subject] {
			out = append(out, f)
		}
	}
	return append(out, newer...)
}

// decision is everything that is decided for one group, without effects.
type decision struct {
	output  protection.Output
	health  []protection.PathHealth
	hint    protection.HintTracking
	plan    plan.Plan
	pending bool // the item or the tables would change
}

// decide is the pure part of a run: health, protection, plan.
func (c *Controller) decide(group *protection.Group, item Item, control Control, trigger Trigger, seen look, now time.Time) decision {
	record := item.Record.Clone()
	if item.Abandoned && record.Decision.Epoch != 0 && !record.Settled {
		// The last holder may have written until its lease ended.
		record.WroteAt = now
	}
	var out decision
	for _, path := range group.Paths {
		use := health.Use{Locked: isLocked(item.Requests, path.Name), Since: usedSince(record, path.Name)}
		out.health = append(out.health, protection.PathHealth{
			Path:       path.Name,
			Assessment: health.Judge(path.Spec, seen.about(path.Spec), use, record.Memory(path.Name), now),
		})
	}
	out.hint = protection.TrackHint(record.Hint, hintFor(group, trigger), seen.facts, now)
	record.Hint = out.hint.Hint
	standing := plan.Standing(group, seen.readings, seen.lists, c.settings.Never)
	out.output = protection.Decide(protection.Input{
		Group: group, Health: out.health, Requests: item.Requests, Record: record,
		Standing: standing, Budget: c.budget(item.Key, control, now), Freeze: control.Freeze, Now: now,
	})
	out.output.Deadline = earliest(out.output.Deadline, out.hint.Deadline)
	out.plan = c.build(group, out.output, plan.Revive(standing, out.output.Next, alive(out.health)))
	out.pending = !out.output.Next.Equal(item.Record) || len(out.output.Ended) > 0 ||
		(out.output.Writes(group.Mode) && len(out.plan.Changes) > 0)
	return out
}

// alive reports whether a path carries traffic, by its state and by the facts.
func alive(paths []protection.PathHealth) func(path string) bool {
	return func(path string) bool {
		return slices.ContainsFunc(paths, func(p protection.PathHealth) bool {
			return p.Path == path && p.State.Alive() && p.Evidence.Alive()
		})
	}
}

// build plans the changes towards the committed decision. Where nothing may be
// written it plans what would be.
func (c *Controller) build(group *protection.Group, output protection.Output, standing protection.Standing) plan.Plan {
	if output.WouldBe && output.Decision.Epoch != 0 {
		return plan.Build(group, output.Decision, output.Next.Contended, standing)
	}
	if output.Next.Decision.Epoch == 0 {
		return plan.Plan{Group: group.Name, Complete: standing.Complete}
	}
	built := plan.Build(group, output.Next.Decision, output.Next.Contended, standing)
	if !output.Writes(group.Mode) {
		built.Changes = nil // What is left alone is reported all the same.
	}
	return built
}

// budget is what the blast radius leaves for the group. A group that is in the
// window already does not use it up again: one flapping group must not stop the
// others.
func (c *Controller) budget(key Key, control Control, now time.Time) protection.Budget {
	others := map[Key]bool{}
	for _, move := range control.Moves {
		if move.Key != key && move.At.After(now.Add(-c.settings.MoveWindow)) {
			others[move.Key] = true
		}
	}
	return protection.Budget{Remaining: c.settings.MaxMoves - len(others), ReleasedAt: control.ReleasedAt}
}

func isLocked(requests []protection.Request, path string) bool {
	for _, r := range requests {
		if r.Kind == protection.Lockout && r.Path == path {
			return true
		}
	}
	return false
}

// hintFor picks the trigger's hint that is about one of the group's subjects.
func hintFor(group *protection.Group, trigger Trigger) protection.Hint {
	for _, hint := range trigger.Hints {
		for _, path := range group.Paths {
			if slices.Contains(path.Spec.Subjects(), hint.Subject) {
				return hint
			}
		}
	}
	return protection.Hint{}
}
