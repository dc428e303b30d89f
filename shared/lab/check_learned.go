package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// learnWithin is how long a destination may be without the learned route whose static
// was deleted, before a static stands again. learnSlack is for one call more.
const (
	learnWithin = 15 * time.Second
	learnSlack  = 5 * time.Second
)

// shownRoute is what a transit gateway table showed for a block from an instant on, or
// what a VPC table showed of what its gateway teaches.
type shownRoute struct {
	at      time.Time
	learned bool
	active  bool
	from    []string // its attachments, or the virtual private gateway
}

// readShown reads what the tables showed, of all blocks; of VPC tables what was learned.
func (l *ledger) readShown(w *sim.World) {
	for _, c := range w.RouteHistory() {
		id := entryID{c.Table, c.Destination}
		l.shown[id] = append(l.shown[id], shownRoute{
			at: c.At, learned: c.Type == typePropagated && c.List == "", active: c.State == "active",
			from: strings.Split(c.Target, ","),
		})
	}
	for _, c := range w.LearnedHistory() {
		id := entryID{c.Table, c.Destination}
		l.shown[id] = append(l.shown[id], shownRoute{at: c.At, learned: c.Target != "", active: c.State == "active", from: []string{c.Target}})
	}
	for id, line := range l.entries {
		line.shown = l.shown[id]
	}
}

// shownAt is what stood in a line of routes at an instant.
func shownAt(line []shownRoute, at time.Time) shownRoute {
	var out shownRoute
	for _, r := range line {
		if r.at.After(at) {
			break
		}
		out = r
	}
	return out
}

// teaches reports whether the route is the attachment's, learned and active.
func (r shownRoute) teaches(attachment string) bool {
	return r.learned && r.active && slices.Contains(r.from, attachment)
}

// learnedFrom is the attachment whose learned route is the path's; empty: the path's
// route is a static.
func (e *declaredEntry) learnedFrom(path string) string {
	id, ok := strings.CutPrefix(e.hops[path], "propagated:")
	if !ok {
		return ""
	}
	return id
}

// carriedAt reports whether a learned route of one of the entry's paths stood.
func (e *declaredEntry) carriedAt(at time.Time) bool {
	return slices.ContainsFunc(e.group.Paths, func(p config.Path) bool {
		from := e.learnedFrom(p.Name)
		return from != "" && shownAt(e.shown, at).teaches(from)
	})
}

// checkLearned looks at every static that Detour deleted: something proved what would
// take its place, or an operator did without; and what did not come was made up for.
func (l *ledger) checkLearned() []Violation {
	var out []Violation
	for _, w := range l.ownWrites() {
		if w.entry == nil || w.call.Write.After != "" {
			continue
		}
		add := func(text string) {
			out = append(out, Violation{LearnedRoutes, w.call.EffectAt, w.entry.group.Name, fmt.Sprintf("%s deleted the static %s %s -> %s: %s",
				w.call.Process, w.entry.id.table, w.entry.id.destination, w.call.Write.Before, text)})
		}
		if !l.provenBefore(w) && !l.askedUnproven(w.entry.group.Name, w.call.SentAt) {
			add("nothing showed that a learned route was behind it, and nobody asked for that")
		}
		if until := w.call.EffectAt.Add(l.madeUpWithin()); until.Before(l.end) && !w.entry.madeUp(w.call.EffectAt, until) && !l.frozen(w.entry.group.Name) && l.otherLives(w, until) {
			add(fmt.Sprintf("no learned route showed by %s, and no static was created again", until.Sub(l.start)))
		}
	}
	return out
}

// provenBefore reports whether an observation table of the entry's group showed the
// expected route within the time for which a fact counts, and its attachment propagated
// into the entry's own table, too.
func (l *ledger) provenBefore(w ownWrite) bool {
	oldest := w.call.SentAt.Add(-time.Duration(w.era.config.Timers.MaxFactAge))
	for _, p := range w.entry.group.Paths {
		from := w.entry.learnedFrom(p.Name)
		line := l.shown[entryID{p.Observation, w.entry.id.destination}]
		if from == "" || p.Observation == "" || !l.propagatedLately(w.entry.id.table, from, oldest, w.call.SentAt) {
			continue
		}
		if shownAt(line, oldest).teaches(from) || slices.ContainsFunc(line, func(r shownRoute) bool {
			return r.teaches(from) && r.at.After(oldest) && !r.at.After(w.call.SentAt)
		}) {
			return true
		}
	}
	return false
}

// propagatedLately reports whether the attachment taught the table routes at some time
// from one instant to another.
func (l *ledger) propagatedLately(table, attachment string, from, to time.Time) bool {
	if on, _ := l.propagates(table, attachment, from); on {
		return true
	}
	return slices.ContainsFunc(l.calls, func(c sim.CallRecord) bool {
		t, a, on, ok := switched(c)
		return ok && on && t == table && a == attachment && c.EffectAt.After(from) && !c.EffectAt.After(to)
	})
}

// propagatedThrough reports whether the attachment taught the table routes all the time
// from one instant to another.
func (l *ledger) propagatedThrough(table, attachment string, from, to time.Time) bool {
	if on, _ := l.propagates(table, attachment, from); !on {
		return false
	}
	return !slices.ContainsFunc(l.calls, func(c sim.CallRecord) bool {
		t, a, on, ok := switched(c)
		return ok && !on && t == table && a == attachment && c.EffectAt.After(from) && !c.EffectAt.After(to)
	})
}

// askedUnproven reports whether a request stood that does without proof. One that
// ended by itself may be counted, which only excuses.
func (l *ledger) askedUnproven(group string, at time.Time) bool {
	return slices.ContainsFunc(l.requests, func(r MadeRequest) bool {
		return r.concerns(group) && !r.Clear && r.Request.Unproven && !r.At.After(at)
	})
}

// madeUpWithin is how long a route may be missing after a static was deleted: a
// little longer than an undisturbed run takes, and where runs can be disturbed until
// another run has had the lease.
func (l *ledger) madeUpWithin() time.Duration {
	if !l.disturbed {
		return learnWithin + learnSlack
	}
	timers := l.last().config.Timers
	return learnWithin + learnSlack + time.Duration(timers.Lease+timers.ClockSkew+2*timers.SweepPeriod) + functionTimeout
}

// madeUp reports whether a learned route of the entry's paths or a static stood at some
// time after one instant and up to another.
func (e *declaredEntry) madeUp(from, to time.Time) bool {
	if e.carriedAt(to) || e.targetBefore(to) != "" {
		return true
	}
	return slices.ContainsFunc(e.shown, func(r shownRoute) bool { return !r.at.Before(from) && !r.at.After(to) && e.carriedAt(r.at) }) ||
		slices.ContainsFunc(e.points, func(p point) bool { return p.at.After(from) && !p.at.After(to) && p.target != "" })
}

// otherLives reports whether a path whose route is a static was alive, so that there
// was something to bring back.
func (l *ledger) otherLives(w ownWrite, at time.Time) bool {
	return slices.ContainsFunc(w.entry.group.Paths, func(p config.Path) bool {
		return w.entry.learnedFrom(p.Name) == "" && l.health.judge(p, l.health.shownAt(at), l.weightAt(w.entry.group, p.Name, at)).alive()
	})
}

// learnable reports whether a group could go by the path as far as routes are learned: it
// needs none, or its observation table has shown all of them for a while, and their
// attachment has propagated into the entries' tables as long.
func (l *ledger) learnable(g *declared, p config.Path, at time.Time) bool {
	before := at.Add(-2*time.Duration(l.last().config.Timers.SweepPeriod) - learnSlack)
	for _, e := range g.entries {
		from := e.learnedFrom(p.Name)
		if from == "" {
			continue
		}
		line := l.shown[entryID{p.Observation, e.id.destination}]
		if !l.propagatedThrough(e.id.table, from, before, at) {
			return false
		}
		if p.Observation == "" || !slices.Equal(l.beside[p.Observation].propagated, []string{from}) || !shownAt(line, before).teaches(from) {
			return false
		}
		if slices.ContainsFunc(line, func(r shownRoute) bool { return r.at.After(before) && !r.at.After(at) && !r.teaches(from) }) {
			return false
		}
	}
	return true
}

// carries reports whether the learned routes stand by which the group goes on the path.
func (l *ledger) carries(g *declared, p config.Path, at time.Time) bool {
	return !slices.ContainsFunc(g.entries, func(e *declaredEntry) bool {
		from := e.learnedFrom(p.Name)
		return from != "" && e.targetBefore(at) == "" && !shownAt(e.shown, at).teaches(from)
	})
}

// standsLearned reports whether the group can stand on the path as far as routes are
// learned: they carry it, or BGP chose the route of another attachment, and the path's own
// may be there behind it. That is BGP's business.
func (l *ledger) standsLearned(g *declared, p config.Path, at time.Time) bool {
	return !slices.ContainsFunc(g.entries, func(e *declaredEntry) bool {
		from := e.learnedFrom(p.Name)
		if from == "" || e.targetBefore(at) != "" {
			return false
		}
		now := shownAt(e.shown, at)
		beaten := now.learned && now.active && !l.withdrew(p, e, at)
		return !now.teaches(from) && !beaten
	})
}

// withdrew reports whether the path's observation table shows that its attachment does
// not announce the entry's block.
func (l *ledger) withdrew(p config.Path, e *declaredEntry, at time.Time) bool {
	from := e.learnedFrom(p.Name)
	beside, known := l.beside[p.Observation]
	return known && slices.Equal(beside.propagated, []string{from}) && len(beside.associated) == 0 &&
		!shownAt(l.shown[entryID{p.Observation, e.id.destination}], at).teaches(from)
}
