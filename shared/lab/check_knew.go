package lab

import (
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// cleanSweep is a sweep that nothing disturbed: it was over within a lease, every
// call that it made was answered well and as things were, and no other run was
// there that could hold a group's lease. Whatever stood when it began it has read,
// and has kept.
type cleanSweep struct{ from, until time.Time }

// cleanSweeps picks the sweeps that nothing disturbed.
func cleanSweeps(runs []Run, calls []sim.CallRecord, lease, skew time.Duration) []cleanSweep {
	disturbed := map[string]bool{}
	for _, call := range calls {
		if call.Code != "" || call.Fault != "" {
			disturbed[call.Process] = true
		}
	}
	var out []cleanSweep
	for i, run := range runs {
		if run.Function != Sweep || !run.Finished || disturbed[run.name(i)] || run.Ended.Sub(run.Started) >= lease {
			continue
		}
		other := func(r Run) bool {
			return r.Process != run.Process && r.Started.Before(run.Ended) &&
				(r.Ended.IsZero() || r.Ended.After(run.Started) || !r.Finished && r.Ended.After(run.Started.Add(-lease-skew)))
		}
		if !slices.ContainsFunc(runs, other) {
			out = append(out, cleanSweep{from: run.Started, until: run.Ended})
		}
	}
	return out
}

// knew reports whether Detour must have known, before an instant, that the entry's
// last route stood there: it wrote the route, or swept the network while no entry of
// the group stood on another path. What came before the group was declared as it is
// now, or before an operator had it adopted anew, does not count.
func (l *ledger) knew(e *declaredEntry, before time.Time) bool {
	g, last := e.group, e.points[len(e.points)-1]
	since := l.declaredSince(g.Name)
	for _, r := range l.requests {
		if r.concerns(g.Name) && !r.Clear && r.Request.Kind == protection.AdoptAnew && r.At.After(since) {
			since = r.At
		}
	}
	if last.by != "" && !isForeign(last.by) && !last.at.Before(since) && last.at.Before(before) {
		return true
	}
	return slices.ContainsFunc(l.sweeps, func(s cleanSweep) bool {
		return !s.from.Before(since) && s.until.Before(before) && g.together(s.from)
	})
}

// sawBefore reports whether Detour must have seen the group, as it is declared at the
// end, before an instant: since then it knows that the group is on its path.
func (l *ledger) sawBefore(group string, at time.Time) bool {
	since := l.declaredSince(group)
	return slices.ContainsFunc(l.sweeps, func(s cleanSweep) bool { return !s.from.Before(since) && s.until.Before(at) })
}

// declaredSince is when the group's declaration became what it is at the end.
func (l *ledger) declaredSince(group string) time.Time {
	since := l.last().from
	for i := len(l.eras) - 1; i > 0 && sameGroup(l.eras[i-1].config, l.eras[i].config, group); i-- {
		since = l.eras[i-1].from
	}
	return since
}

// together reports whether, just before the instant, all entries of the group that
// stood on a path stood on the same one.
func (g *declared) together(at time.Time) bool {
	return slices.ContainsFunc(g.Paths, func(p config.Path) bool {
		return !slices.ContainsFunc(g.entries, func(e *declaredEntry) bool {
			target := e.targetBefore(at)
			return e.declaredTarget(target) && !e.on(p.Name, target)
		})
	})
}
