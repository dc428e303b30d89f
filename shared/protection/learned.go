package protection

import (
	"slices"
	"time"

	"detour/shared/health"
)

// A learned route is moved to by deleting the static that hides it, the one write
// that can open a gap. LearnWithin is how long the destination may be without the
// route; then the static stands again. LearnWait is how long the route is waited
// for: the rest is for the calls that bring the static back.
const (
	LearnWithin = 15 * time.Second
	LearnWait   = LearnWithin - 2*time.Second
)

// Hinders reports whether the reason for which an entry is not ready for a learned
// route keeps its static from being deleted. To do without proof helps against
// everything but a route that cannot come.
func Hinders(why Reason, unproven bool) bool {
	return why == ReasonNotPropagated || why != "" && !unproven
}

// notReady says why the group cannot be moved to the path: an entry that is to be
// a learned route there, and stands elsewhere, has nothing that proves the route.
// Empty: it can be. The first entry that is not ready gives the reason.
func (d *decider) notReady(path string) Reason { return d.hindrance(path, false) }

// hindrance is notReady for a move that may do without proof.
func (d *decider) hindrance(path string, unproven bool) Reason {
	for _, e := range d.in.Standing.Entries {
		if why := e.ReadyFor(path); Hinders(why, unproven) && d.ours(e) {
			return why
		}
	}
	return ""
}

// ours: a static of the group's stands, and may be deleted.
func (d *decider) ours(e EntryStanding) bool {
	return !e.Untouchable && !e.Foreign && !slices.Contains(d.out.Next.Contended, e.Entry)
}

// tellNotReady lists the paths that the group cannot be moved to.
func (d *decider) tellNotReady() {
	for _, path := range d.in.Group.Paths {
		if why := d.notReady(path.Name); why != "" {
			d.out.NotReady = append(d.out.NotReady, NotReady{path.Name, why})
		}
	}
}

// refusesLearned says why a switch cannot go to the path, by its learned routes.
func (d *decider) refusesLearned(request Request, path string) Reason {
	switch {
	case path == d.in.Record.Decision.To && d.expectationFailed() != "":
		return d.expectationFailed()
	case d.there(path, request.Extent):
		return ""
	default:
		return d.hindrance(path, request.Unproven)
	}
}

// awaitsReading: what keeps the request from being followed is only what could not be
// read on this run.
func (d *decider) awaitsReading(request Request, path string) bool {
	return unread(d.hindrance(path, request.Unproven))
}

// unread: the observation table, or what propagates into an entry's own, could not be
// read.
func unread(why Reason) bool {
	return why == ReasonObservationUnreadable || why == ReasonPropagationsUnreadable
}

// portion is how many units a switch moves now; 0: all. Where nothing proves the
// learned routes they are the first units up to one with such a route, and the
// others once those routes show.
func (d *decider) portion(request Request, path string) int {
	cur := d.in.Record.Decision
	first, ok := d.firstUnproven(path)
	switch {
	case !request.Unproven:
	case cur.To == path && d.partial() && !d.shows(path, cur.Extent):
		return cur.Extent
	case cur.To == path && d.partial():
	case ok && (request.Extent == 0 || first < request.Extent):
		return first
	}
	return request.Extent
}

// aim is the decision's Aim if the request is followed to the extent.
func (d *decider) aim(request Request, extent int) int {
	aim := d.in.Group.Steps()
	if request.Extent > 0 {
		aim = min(request.Extent, aim)
	}
	if extent == 0 || extent >= aim {
		return 0
	}
	return aim
}

// chooseRemainder ends a switch in portions whose request is gone: nobody asked for a
// group that stands half on one path and half on another. The other units follow once
// the learned routes of the first ones show; if theirs cannot come, all go back.
func (d *decider) chooseRemainder() (choice, bool) {
	cur := d.in.Record.Decision
	if !d.partial() || cur.Aim <= cur.Extent {
		return choice{}, false
	}
	if why := d.hindrance(cur.To, true); why != "" {
		back, ok := d.back(cur.To)
		return choice{to: back, action: Move, reason: why}, ok
	}
	return d.remainder(cur.Reason), preference(d.health(cur.To)) == 3 && d.shows(cur.To, cur.Extent)
}

// restMayFollow: the old path is the one that failed, and nothing is usable by proof; but
// who asked for the move does without, its first units have shown, and its target is
// alive.
func (d *decider) restMayFollow(failed string) bool {
	cur := d.in.Record.Decision
	asked := d.undoPending() && d.out.Next.Failback.Unproven || cur.Aim > cur.Extent
	return asked && failed == cur.From && preference(d.health(cur.To)) > 0 && d.hindrance(cur.To, true) == "" && d.shows(cur.To, cur.Extent)
}

// remainder has the units follow that a move without proof has left behind.
func (d *decider) remainder(reason Reason) choice {
	if d.undoPending() {
		return d.complete(reason)
	}
	cur := d.in.Record.Decision
	return choice{to: cur.To, extent: cur.Aim, action: Move, reason: reason, unproven: true}
}

// firstUnproven is the extent of a move to the path that has one unit with an entry
// whose learned route nothing proves.
func (d *decider) firstUnproven(path string) (extent int, ok bool) {
	for _, e := range d.in.Standing.Entries {
		if step := d.step(e.Unit) + 1; e.ReadyFor(path) != "" && d.ours(e) && (!ok || step < extent) {
			extent, ok = step, true
		}
	}
	return extent, ok
}

// shows reports whether the learned routes of the first units show, for all that are
// the group's to move.
func (d *decider) shows(path string, extent int) bool {
	for _, e := range d.in.Standing.Entries {
		if d.step(e.Unit) < extent && d.ours(e) && slices.Contains(e.Learning, path) && (!e.On(path) || e.Learned != health.RouteShown) {
			return false
		}
	}
	return len(d.out.Next.Proving) == 0
}

// prove takes the entries off the list whose learned route shows by now, and those
// before which a static stands again.
func (d *decider) prove() {
	next := &d.out.Next
	path := next.Decision.To
	next.Proving = slices.DeleteFunc(next.Proving, func(proof Proof) bool {
		at := slices.IndexFunc(d.in.Standing.Entries, func(e EntryStanding) bool { return e.Entry == proof.Entry })
		if at < 0 || d.in.Standing.StartedAt.Before(proof.At) {
			return at < 0
		}
		e := d.in.Standing.Entries[at]
		if e.On(path) && e.Learned == health.RouteShown {
			d.out.Proved = append(d.out.Proved, proof)
			return true
		}
		return !e.On(path)
	})
	if len(next.Proving) == 0 {
		next.Proving = nil
	}
	if len(d.in.Record.Proving) > 0 && next.Proving == nil && len(d.out.Proved) > 0 {
		next.Unmet = slices.DeleteFunc(next.Unmet, func(u Unmet) bool { return u.Path == path })
	}
}

// expectationFailed says that the decision's learned routes did not come, or that
// its statics can be deleted no more because nothing proves the routes by now, or, in a
// move that does without proof, because they cannot come. The
// group does not wait then on a path that it cannot come to.
func (d *decider) expectationFailed() Reason {
	rec := d.in.Record
	if !d.in.Standing.Complete || d.in.Group.Mode != Enforce {
		return ""
	}
	for _, proof := range d.out.Next.Proving {
		if !d.in.Standing.StartedAt.Before(proof.At.Add(LearnWait)) {
			return ReasonRouteNotLearned
		}
	}
	if rec.Settled || rec.Decision.Action == Adopt || rec.Decision.From == rec.Decision.To {
		return ""
	}
	for _, e := range d.in.Standing.Entries {
		// What somebody put back is contention, and no reason to leave the path.
		undone := slices.ContainsFunc(d.out.Next.Reversals, func(r Reversal) bool { return r.Entry == e.Entry })
		if why := e.ReadyFor(rec.Decision.To); Hinders(why, rec.Decision.Unproven) && !undone && d.ours(e) && d.step(e.Unit) < rec.Decision.Extent {
			return why
		}
	}
	return ""
}

// back is where a group goes whose learned routes did not come: to where it came
// from, whose statics stood before, unless that is known to be dead.
func (d *decider) back(failed string) (string, bool) {
	from := d.in.Record.Decision.From
	a := d.health(from)
	if from != failed && a.State != health.AdminDown && a.State != health.Down && a.Evidence != health.Down && d.notReady(from) == "" {
		return from, true
	}
	return d.best(failed)
}

// finishes: the choice ends a change that is under way, for which a freeze that is
// not immediate waits: to bring back the statics behind which no route came, or to
// leave the middle of a failback.
func (d *decider) finishes(c choice) bool {
	cur := d.in.Record.Decision
	leavesMiddle := d.in.Record.failbackMoving() && d.partial() && (c.to == cur.To || c.to == cur.From)
	return !d.out.Freeze.Immediate && (c.failback || leavesMiddle || c.reason == ReasonRouteNotLearned && len(d.in.Record.Proving) > 0)
}

// noteUnmet remembers the path whose learned routes did not come.
func (d *decider) noteUnmet(c choice) {
	if c.reason != ReasonRouteNotLearned || len(d.in.Record.Proving) == 0 {
		return
	}
	next, failed := &d.out.Next, d.in.Record.Decision.To
	next.Unmet = slices.DeleteFunc(next.Unmet, func(u Unmet) bool { return u.Path == failed || !d.in.Group.HasPath(u.Path) })
	next.Unmet = append(next.Unmet, Unmet{failed, d.in.Now})
}

func (d *decider) isUnmet(path string) bool {
	return slices.ContainsFunc(d.in.Record.Unmet, func(u Unmet) bool { return u.Path == path })
}
