package lab

import (
	"fmt"
	"slices"
	"time"
)

// checkPingPong is invariant 2: while every path is down, no entry is moved to
// and fro. One change is let pass: a move that was committed before may end.
func (l *ledger) checkPingPong() []Violation {
	var out []Violation
	for _, era := range l.eras {
		for _, g := range era.groups {
			for _, e := range g.entries {
				changes := 0
				var since time.Time
				for i, p := range e.points {
					if i == 0 || isForeign(p.by) || p.target == e.points[i-1].target || l.eraOf(p.by) != era {
						continue
					}
					if changes == 0 || !l.allDown(g, since, p.at) {
						since, changes = p.at, 0
					}
					if changes++; changes == 2 && !l.asked(g.Name, since.Add(-longEnough), p.at) && !g.meddled(since.Add(-longEnough), p.at) {
						out = append(out, Violation{NoPingPong, p.at, g.Name, fmt.Sprintf(
							"%s %s was moved twice within %s although every path was down", e.id.table, e.id.destination, p.at.Sub(since).Round(time.Second))})
					}
				}
			}
		}
	}
	return out
}

func (l *ledger) allDown(g *declared, from, to time.Time) bool {
	for _, p := range g.Paths {
		if !l.through(p, from, to, l.weights(g, p.Name), func(v verdict) bool { return v == dead }) {
			return false
		}
	}
	return true
}

// checkMoves is invariants 3 and 6: while the path in use has been up all along
// and nobody asked, nothing moves away from it; a revertive group may, to the
// working path, after that has been up for the wait-to-restore time.
func (l *ledger) checkMoves() []Violation {
	var out []Violation
	for _, w := range l.ownWrites() {
		if w.entry == nil || w.call.Write.Before == w.call.Write.After {
			continue
		}
		g, at, decided := w.entry.group, w.call.EffectAt, l.decidedAt(w)
		from := decided.Add(-longEnough)
		if from.Before(l.start) || l.asked(g.Name, from, at) || g.meddled(from, at) {
			continue
		}
		for _, path := range g.wholly(at) {
			if w.entry.on(path, w.call.Write.After) || !slices.Contains(g.wholly(from), path) || !l.upThrough(g, path, from, decided) {
				continue
			}
			if v, bad := l.judgeMove(w, decided, path); bad {
				out = append(out, v)
			}
		}
	}
	return out
}

// decidedAt is the instant at which the reason for a write must have stood: that of
// the commit while the committed move is under way, however late the last of its
// writes comes, else that of the write.
func (l *ledger) decidedAt(w ownWrite) time.Time {
	for _, m := range l.moves[w.entry.group.Name] {
		if !m.committed.After(w.call.SentAt) && w.call.SentAt.Before(m.over) && w.entry.on(m.to, w.call.Write.After) {
			return m.committed
		}
	}
	return w.call.EffectAt
}

// upThrough: the path had all that it should have, by what the APIs showed. An
// empty span holds.
func (l *ledger) upThrough(g *declared, path string, from, to time.Time) bool {
	if to.Before(from) {
		return true
	}
	for _, e := range g.entries {
		// A learned route that comes and goes is a reason of its own.
		learns := e.learnedFrom(path) != ""
		if learns && slices.ContainsFunc(e.shown, func(r shownRoute) bool { return r.at.After(from) && !r.at.After(to) }) {
			return false
		}
	}
	if !l.carries(g, g.path(path), to) {
		return false
	}
	return l.through(g.path(path), from, to, l.weights(g, path), func(v verdict) bool { return v == whole })
}

func (l *ledger) judgeMove(w ownWrite, decided time.Time, path string) (Violation, bool) {
	g := w.entry.group
	working := g.Paths[0]
	toWorking := w.entry.on(working.Name, w.call.Write.After)
	if toWorking && g.Revertive {
		wait := time.Duration(g.WaitToRestore)
		// What the run read can be older than that by as much as a run takes. A check
		// that follows the routes says nothing of a path that is not in use.
		from, to := decided.Add(-wait), decided.Add(-time.Minute)
		idle := func(time.Time) weight { return noWeight }
		if to.Before(from) || l.restless(working, from, to) || l.through(working, from, to, idle, func(v verdict) bool { return v == whole }) {
			return Violation{}, false
		}
	}
	invariant := StandbyMovesNothing
	if toWorking {
		invariant = SwitchbackByRequest
	}
	return Violation{invariant, w.call.EffectAt, g.Name, fmt.Sprintf("%s moved %s %s from %s to %s although path %s had been up for %s and nobody had asked",
		w.call.Process, w.entry.id.table, w.entry.id.destination, w.call.Write.Before, w.call.Write.After, path, longEnough)}, true
}

// checkBlastRadius: within any window no more than the allowed number of groups
// start to move, requests apart, and apart from those whose path two APIs show
// to be dead. A group's move starts when its entries leave the path on which
// they all stood.
func (l *ledger) checkBlastRadius() []Violation {
	var out []Violation
	for _, era := range l.eras {
		starts := l.startsIn(era)
		// A commit comes before its first write; the window shrinks by what a run
		// may take between the two.
		window := time.Duration(era.config.Limits.Window) - longEnough/2
		for i := range starts {
			moved := map[string]bool{}
			for j := i; j < len(starts) && starts[j].at.Sub(starts[i].at) < window; j++ {
				moved[starts[j].group] = true
			}
			if len(moved) > era.config.Limits.MaxMoves {
				out = append(out, Violation{BlastRadius, starts[i].at, starts[i].group, fmt.Sprintf(
					"%d groups started to move within %s; %d are allowed", len(moved), window, era.config.Limits.MaxMoves)})
				break
			}
		}
	}
	return out
}

// startOf is when a group began to move.
type startOf struct {
	at    time.Time
	group string
}

func (l *ledger) startsIn(era *era) []startOf {
	var starts []startOf
	for _, g := range era.groups {
		for _, e := range g.entries {
			for i, p := range e.points {
				if i == 0 || isForeign(p.by) || p.target == e.points[i-1].target || l.eraOf(p.by) != era {
					continue
				}
				left := g.wholly(p.at)
				if len(left) == 0 || l.asked(g.Name, p.at.Add(-longEnough), p.at) || g.meddled(p.at.Add(-longEnough), p.at) {
					continue
				}
				if !l.deadByTwo(g, left, p.at) {
					starts = append(starts, startOf{p.at, g.Name})
				}
			}
		}
	}
	slices.SortFunc(starts, func(a, b startOf) int { return a.at.Compare(b.at) })
	return starts
}

// misses reports whether the table of an entry showed no learned route of the path where
// it expects one.
func (g *declared) misses(path string, at time.Time) bool {
	return slices.ContainsFunc(g.entries, func(e *declaredEntry) bool {
		from := e.learnedFrom(path)
		return from != "" && !shownAt(e.shown, at).teaches(from)
	})
}

// deadByTwo reports whether two APIs showed one of the paths to be dead shortly
// before an instant: such a group may move beyond the allowed number.
func (l *ledger) deadByTwo(g *declared, paths []string, at time.Time) bool {
	for _, name := range paths {
		p := g.path(name)
		from := at.Add(-time.Minute)
		for _, look := range append(changesIn(l.health.shown, l.health.signalsOf(p), from, at), from) {
			counts := l.weightAt(g, name, look)
			generous := func(alarm string) certainty {
				if c := counts(alarm); c != perhaps {
					return c
				}
				return always // Detour may have taken it to count.
			}
			sources := l.health.deathSources(p, l.health.shownAt(look), generous)
			if sources > 0 && g.misses(name, look) {
				sources++ // The table itself is another API.
			}
			if sources >= 2 {
				return true
			}
		}
	}
	return false
}
