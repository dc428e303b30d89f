package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// checkQuiet is invariant 4: once everything has converged nothing is written,
// and a write that changes nothing is made only when a reading was stale.
func (l *ledger) checkQuiet(c Checks) []Violation {
	var out []Violation
	for _, w := range l.ownWrites() {
		group := ""
		if w.entry != nil {
			group = w.entry.group.Name
		}
		if !c.ConvergedBy.IsZero() && w.call.EffectAt.After(c.ConvergedBy) && l.atRest(w, c.ConvergedBy.Add(-l.restTime())) {
			out = append(out, Violation{QuietIsQuiet, w.call.EffectAt, group, fmt.Sprintf("%s wrote %s %s after everything had converged",
				w.call.Process, w.call.Write.Table, w.call.Write.Destination)})
		}
		if !c.Stale && w.call.Write.Before == w.call.Write.After {
			out = append(out, Violation{QuietIsQuiet, w.call.EffectAt, group, fmt.Sprintf("%s wrote %s %s -> %s, where that stood already",
				w.call.Process, w.call.Write.Table, w.call.Write.Destination, w.call.Write.After)})
		}
	}
	return out
}

// atRest reports whether what the write follows has not changed since. A network need
// not come to rest: a router that learns the way to the far end of its own tunnels over
// them dies and comes back for ever. Filters follow what is learned, and a group what the
// APIs show of its paths; those are not at rest where they change until the end.
func (l *ledger) atRest(w ownWrite, since time.Time) bool {
	if w.entry == nil {
		return l.still.Before(since)
	}
	return !slices.ContainsFunc(w.entry.group.Paths, func(p config.Path) bool { return l.restless(p, since, w.call.EffectAt) })
}

// restless reports whether the path had begun to change between the instants, and went on
// until the end: a router that dies by what it learns does so about once in a minute. What
// the APIs show then for a second or two, no run need have read.
func (l *ledger) restless(p config.Path, since, before time.Time) bool {
	changed := changesIn(l.health.shown, l.health.signalsOf(p), since, l.end)
	return len(changed) > 0 && changed[0].Before(before) && changed[len(changed)-1].After(l.end.Add(-2*time.Minute))
}

// restTime is how long after the last change of the network there may still be something
// to do.
func (l *ledger) restTime() time.Duration {
	longest, timers := time.Duration(0), l.last().config.Timers
	for _, f := range l.last().config.FilterList {
		longest = max(longest, time.Duration(f.LiftAfter))
	}
	return longest + 4*time.Duration(timers.Damping.HalfLife+timers.SweepPeriod)
}

// checkConverged is invariant 7: at the end no group is spread over two paths,
// and its path is eligible unless none is. States in which Detour said that it
// would not act are left out.
func (l *ledger) checkConverged(c Checks) []Violation {
	if c.ConvergedBy.IsZero() {
		return nil
	}
	var out []Violation
	for _, g := range l.last().groups {
		if g.Mode != "enforce" || l.frozen(g.Name) || l.massFailurePossible() || l.unwritable(g) {
			continue
		}
		if text := l.notConverged(g, c.ConvergedBy); text != "" {
			out = append(out, Violation{Converges, c.ConvergedBy, g.Name, text})
		}
	}
	return out
}

func (l *ledger) notConverged(g *declared, at time.Time) string {
	common := map[string]bool{}
	for _, p := range g.Paths {
		common[p.Name] = true
	}
	var seen []string
	for _, unit := range g.steps() {
		held, free := l.apart(unit, at)
		for _, e := range free {
			seen = append(seen, fmt.Sprintf("%s %s -> %q", e.id.table, e.id.destination, e.targetBefore(at)))
		}
		for _, p := range g.Paths {
			common[p.Name] = common[p.Name] && (!allOn(held, p.Name, at) || allOn(free, p.Name, at))
		}
	}
	if text := l.deadRoutes(g, at); text != "" {
		return text
	}
	if text := l.standsBadly(g, at, common); text != "" {
		return text + ": " + strings.Join(seen, "; ")
	}
	return ""
}

// apart separates the entries of a unit that must stand on the path: held are
// those with a prefix list that may not be written, free the others. What is
// excepted is neither.
func (l *ledger) apart(unit []*declaredEntry, at time.Time) (held, free []*declaredEntry) {
	for _, e := range unit {
		switch {
		case l.maybeUntouchable(l.last(), e.id, l.end), e.foreign(e.targetBefore(at)): // It is left alone by itself.
		case l.blockedBy(l.last(), e) != "":
			held = append(held, e)
		case !l.excepted(e, e.targetBefore(at)):
			free = append(free, e)
		}
	}
	return held, free
}

func allOn(entries []*declaredEntry, path string, at time.Time) bool {
	for _, e := range entries {
		if !e.on(path, e.targetBefore(at)) {
			return false
		}
	}
	return true
}

// standsBadly judges the paths on which the whole group stands. Nothing is left
// because it became unknown, so only a path that is surely dead is a bad one.
func (l *ledger) standsBadly(g *declared, at time.Time, common map[string]bool) string {
	stands := l.footingOf(g, at, common)
	switch {
	case len(stands.onto) == 0 && !stands.eligible && l.refusing(g, at):
		return "" // AWS takes no route to the path, and no other is better.
	case len(stands.onto) == 0:
		return "does not stand wholly on one path"
	case stands.eligible && !stands.well:
		return fmt.Sprintf("stands on %s, which is not eligible, although another path is", strings.Join(stands.onto, " or "))
	default:
		return ""
	}
}

// footing is how a group stands: onto which paths, whether it may be on one of those,
// and whether any of its paths is eligible.
type footing struct {
	onto           []string
	well, eligible bool
}

func (l *ledger) footingOf(g *declared, at time.Time, common map[string]bool) footing {
	var out footing
	for _, p := range g.Paths {
		is := l.health.judge(p, l.health.shownAt(at), l.weightAt(g, p.Name, at))
		locked := l.lockedOut(g.Name, p.Name, at)
		out.eligible = out.eligible || is.alive() && !locked && l.learnable(g, p, at)
		if common[p.Name] {
			out.onto = append(out.onto, p.Name)
			out.well = out.well || is != dead && !locked && l.standsLearned(g, p, at) || l.ignoringHealth(g.Name, at)
		}
	}
	return out
}

// refusing reports whether a path of the group leads to what takes no routes: an
// attachment that is not available, or an interface that is deleted.
func (l *ledger) refusing(g *declared, at time.Time) bool {
	for _, p := range g.Paths {
		for _, e := range g.entries {
			hop := e.hops[p.Name]
			state := l.health.shownAt(at)(signal{hop, fieldAttachment, ""})
			status := signal{hop, fieldInterface, ""}
			deleted := len(l.health.shown[status]) > 0 && l.health.shownAt(at)(status) == ""
			if deleted || state != "" && state != valueAvailable {
				return true
			}
		}
	}
	return false
}

// heldUp: the entry's unit has a prefix list that may not be written, and so the
// unit may have stayed on a path that is not the decided one.
func (l *ledger) heldUp(g *declared, entry *declaredEntry) bool {
	for _, unit := range g.steps() {
		if held, _ := l.apart(unit, l.end); slices.Contains(unit, entry) && len(held) > 0 {
			return true
		}
	}
	return false
}

// unwritable reports whether AWS refuses the routes of one of the group's paths,
// since they point to a virtual private gateway that is off its VPC. Nothing that
// paths are judged by shows it, so the group may wait for that path for ever.
func (l *ledger) unwritable(g *declared) bool {
	return slices.ContainsFunc(g.entries, func(e *declaredEntry) bool {
		return slices.ContainsFunc(g.Paths, func(p config.Path) bool { return l.detached(e.hops[p.Name]) })
	})
}

// detached reports whether the target is a virtual private gateway that is off its
// VPC. Nothing that a path is judged by shows that, and to write the route again
// does not help.
func (l *ledger) detached(target string) bool {
	return valueAt(l.health.shown[signal{target, fieldGateway, ""}], l.end) == "detached"
}

// deadRoutes names the entries whose route drops traffic in the end although
// they stand on a path that has been up for long.
func (l *ledger) deadRoutes(g *declared, at time.Time) string {
	for _, e := range g.entries {
		if l.excepted(e, e.current()) || !l.blackholes[e.id] || l.detached(e.current()) || l.heldUp(g, e) {
			continue
		}
		for _, p := range g.Paths {
			if e.on(p.Name, e.current()) && !l.lockedOut(g.Name, p.Name, at) &&
				l.through(p, at.Add(-2*time.Minute), l.end, l.weights(g, p.Name), verdict.alive) {
				return fmt.Sprintf("%s %s points to %s, which is up, and is a blackhole", e.id.table, e.id.destination, p.Name)
			}
		}
	}
	return ""
}

// excepted entries are foreign now, beyond Detour's reach, or were undone so
// often that they may be contended.
func (l *ledger) excepted(e *declaredEntry, target string) bool {
	era := l.last()
	if l.untouchable(era, e.id, l.end) || l.blockedBy(era, e) != "" || e.foreign(target) || l.strayBlackhole(e) {
		return true
	}
	undone := 0
	for _, p := range e.points {
		if isForeign(p.by) {
			undone++
		}
	}
	return undone >= era.config.Timers.ContendedAfter
}

// strayBlackhole: the entry led to an attachment that was deleted since, and is no
// route of Detour's own: somebody else pointed it there, or Detour did not know yet
// that it stood there. EC2 shows a blackhole without a target, which is nobody's
// declared next hop (ADR 0012).
func (l *ledger) strayBlackhole(e *declaredEntry) bool {
	last := e.points[len(e.points)-1]
	state := signal{last.target, fieldAttachment, ""}
	if e.group.TakeOver || valueAt(l.health.shown[state], l.end) != "deleted" {
		return false
	}
	return isForeign(last.by) || !l.knew(e, l.health.changedAt(state, l.end))
}

// standing replays an operator's requests for a group up to an instant.
func (l *ledger) standing(group string, at time.Time) []protection.Request {
	var out []protection.Request
	for _, r := range l.requests {
		if !r.concerns(group) || r.At.After(at) {
			continue
		}
		if r.Clear {
			out = slices.DeleteFunc(out, func(s protection.Request) bool { return s.ID == r.Request.ID })
			continue
		}
		out = append(out, r.Request)
	}
	return out
}

func (l *ledger) lockedOut(group, path string, at time.Time) bool {
	return slices.ContainsFunc(l.standing(group, at), func(r protection.Request) bool {
		return r.Kind == protection.Lockout && r.Path == path
	})
}

func (l *ledger) frozen(group string) bool {
	return slices.ContainsFunc(l.standing(group, l.end), func(r protection.Request) bool { return r.Kind == protection.Freeze })
}

func (l *ledger) ignoringHealth(group string, at time.Time) bool {
	return slices.ContainsFunc(l.standing(group, at), func(r protection.Request) bool { return l.ignores(r, at) })
}

func (l *ledger) ignores(r protection.Request, at time.Time) bool {
	return r.Kind == protection.ForcedSwitch && r.IgnoreHealth && at.Sub(r.At) <= time.Duration(l.last().config.Timers.IgnoreHealthFor)+time.Minute
}

// lately are the requests that stood at any time so short before an instant
// that a run which is still under way may have read them.
func (l *ledger) lately(group string, at time.Time) []protection.Request {
	out := l.standing(group, at.Add(-longEnough))
	for _, r := range l.requests {
		if r.concerns(group) && !r.Clear && !r.At.Before(at.Add(-longEnough)) && !r.At.After(at) {
			out = append(out, r.Request)
		}
	}
	return out
}

func (l *ledger) ignoredHealthLately(group string, at time.Time) bool {
	return slices.ContainsFunc(l.lately(group, at), func(r protection.Request) bool {
		return r.Kind == protection.ForcedSwitch && r.IgnoreHealth && at.Sub(r.At) <= time.Duration(l.last().config.Timers.IgnoreHealthFor)+longEnough
	})
}

func (l *ledger) lockedLately(group, path string, at time.Time) bool {
	return slices.ContainsFunc(l.lately(group, at), func(r protection.Request) bool {
		return r.Kind == protection.Lockout && r.Path == path
	})
}

// massFailurePossible: the blast radius is so small that a group may be held.
func (l *ledger) massFailurePossible() bool {
	for _, era := range l.eras {
		if era.config.Limits.MaxMoves < len(era.groups) {
			return true
		}
	}
	return false
}

// checkFencing: once another run has written a group's routes, an earlier run
// never writes them again. Each run takes a group's lease once, so this holds
// exactly when the lease token fences.
func (l *ledger) checkFencing() []Violation {
	type sent struct {
		call  sim.CallRecord
		group string
	}
	var writes []sent
	for _, w := range l.ownWrites() {
		if w.entry != nil {
			writes = append(writes, sent{w.call, w.entry.group.Name})
		}
	}
	slices.SortStableFunc(writes, func(a, b sent) int { return a.call.SentAt.Compare(b.call.SentAt) })
	var out []Violation
	last := map[string]string{}
	past := map[[2]string]bool{}
	for _, w := range writes {
		if previous := last[w.group]; previous != "" && previous != w.call.Process {
			past[[2]string{w.group, previous}] = true
		}
		if past[[2]string{w.group, w.call.Process}] {
			out = append(out, Violation{Fencing, w.call.EffectAt, w.group, fmt.Sprintf("%s wrote %s %s after %s had taken over",
				w.call.Process, w.call.Write.Table, w.call.Write.Destination, last[w.group])})
			continue
		}
		last[w.group] = w.call.Process
	}
	return out
}
