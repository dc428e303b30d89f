package controller

import (
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
)

// of returns the facts about the subject.
func (l look) of(subject health.Subject) []health.Fact { return l.bySubject[subject] }

// about returns the facts that the path is judged by.
func (l look) about(spec health.Spec) []health.Fact {
	var out []health.Fact
	for _, subject := range spec.Subjects() {
		out = append(out, l.bySubject[subject]...)
	}
	return out
}

// aboutPath returns the facts that the path is judged by, those included that the
// tables of its group show of routes that it should teach.
func (l look) aboutPath(group *protection.Group, path protection.Path, record protection.Record) []health.Fact {
	out := l.about(path.Spec)
	if len(path.Spec.Expect) == 0 {
		return out
	}
	return append(out, plan.Learned(group, path.Name, l.readingsOf(group.Tables()), record)...)
}

// decision is everything that is decided for one group, without effects.
type decision struct {
	output protection.Output
	health []protection.PathHealth
	// unlearned are the paths that are down because of it, with the routes.
	unlearned []Unlearned
	hint      protection.HintTracking
	plan      plan.Plan
	// standing is what the tables show, orphans marked.
	standing protection.Standing
	pending  bool // the item or the tables would change
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
		use := health.Use{Locked: isLocked(item.Requests, path.Name), Since: record.UsedSince(path.Name)}
		facts := seen.aboutPath(group, path, record)
		assessment := health.Judge(path.Spec, facts, use, record.Memory(path.Name), now)
		out.health = append(out.health, protection.PathHealth{Path: path.Name, Assessment: assessment})
		if assessment.Reason == health.ReasonRoutesNotLearned {
			out.unlearned = append(out.unlearned, Unlearned{Path: path.Name, Routes: missing(health.Expected(path.Spec, facts, now))})
		}
	}
	out.hint = protection.TrackHint(record.Hint, hintFor(group, trigger), seen.facts, now)
	record.Hint = out.hint.Hint
	standing := c.standing(group, seen)
	record.Blackholes = plan.Blackholes(group, standing, record, seen.of)
	standing = plan.Prove(group, plan.MarkOrphans(group, standing, record.Blackholes, seen.of), seen.of, now)
	out.standing = standing
	out.output = protection.Decide(protection.Input{
		Group: group, Health: out.health, Requests: item.Requests, Record: record,
		Standing: standing, Budget: c.budget(item.Key, control, now), Freeze: control.Freeze, Writers: trigger.Writers, Now: now,
		Failback: trigger.Failback, Planned: planned(group, record, trigger, standing),
	})
	out.output.Deadline = earliest(out.output.Deadline, out.hint.Deadline)
	out.plan = c.build(group, out.output, plan.Revive(standing, out.output.Next, alive(out.health)))
	out.pending = !out.output.Next.Equal(item.Record) || len(out.output.Ended) > 0 ||
		(out.output.Writes(group.Mode) && len(out.plan.Changes) > 0)
	return out
}

// missing keeps the routes that do not show.
func missing(routes []health.ExpectedRoute) []health.ExpectedRoute {
	return slices.DeleteFunc(routes, func(r health.ExpectedRoute) bool { return r.State == health.RouteShown })
}

// standing compares what was read with what the group declares.
func (c *Controller) standing(group *protection.Group, seen look) protection.Standing {
	return plan.Standing(group, seen.readingsOf(group.Tables()), seen.listsOf(group.PrefixLists()), c.settings.Never)
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
