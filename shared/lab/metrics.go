package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

// Metrics are the figures of a run. Counts and seconds are of the World's call
// log and tables; only Switchovers and DecisionToLastWriteSeconds look at the
// journal, to know when a decision was committed.
type Metrics struct {
	// Switchovers counts committed moves.
	Switchovers int `json:"switchovers"`
	// Writes counts route writes that took effect, Reads the calls that read.
	Writes int `json:"writes"`
	Reads  int `json:"reads"`
	// Throttled counts calls that were answered RequestLimitExceeded.
	Throttled int `json:"throttled"`
	// RoutelessSeconds are entry-seconds in the World without a static route, and where
	// a path's route is a learned one also without that.
	RoutelessSeconds float64 `json:"routelessSeconds"`
	// DeadPathSeconds are entry-seconds aimed at a path that was truly down while
	// another was truly up.
	DeadPathSeconds float64 `json:"deadPathSeconds"`
	// DecisionToLastWriteSeconds is the largest time from a committed move to its
	// last write; 0 if there was no move.
	DecisionToLastWriteSeconds float64 `json:"decisionToLastWriteSeconds"`
}

// ByName returns the figure of that name in the JSON output.
func (m Metrics) ByName(name string) (float64, bool) {
	switch name {
	case "switchovers":
		return float64(m.Switchovers), true
	case "writes":
		return float64(m.Writes), true
	case "reads":
		return float64(m.Reads), true
	case "throttled":
		return float64(m.Throttled), true
	case "routelessSeconds":
		return m.RoutelessSeconds, true
	case "deadPathSeconds":
		return m.DeadPathSeconds, true
	case "decisionToLastWriteSeconds":
		return m.DecisionToLastWriteSeconds, true
	default:
		return 0, false
	}
}

const codeThrottled = "RequestLimitExceeded"

func isReadAction(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Search") || strings.HasPrefix(action, "Get")
}

func (res *Result) measure() Metrics {
	var m Metrics
	for _, call := range res.ledger.calls {
		if isForeign(call.Process) {
			continue
		}
		switch {
		case call.Code == codeThrottled:
			m.Throttled++
		case isReadAction(call.Action):
			m.Reads++
		case call.Write != nil:
			m.Writes++
		}
	}
	for _, era := range res.ledger.eras {
		for _, g := range era.groups {
			for _, e := range g.entries {
				m.RoutelessSeconds += res.ledger.seconds(era, e, func(at time.Time, target string) bool { return target == "" && !e.carriedAt(at) })
				m.DeadPathSeconds += res.ledger.seconds(era, e, func(at time.Time, target string) bool { return res.ledger.onDeadPath(e, target, at) })
			}
		}
	}
	for _, name := range res.groupNames() {
		moves := res.moves(name)
		m.Switchovers += len(moves)
		for i, move := range moves {
			until := res.ledger.end
			if i+1 < len(moves) {
				until = moves[i+1].At
			}
			g := res.ledger.groupAt(name, move.At)
			if g == nil {
				continue
			}
			until = g.movedBy(move.Decision.To, move.At, until)
			m.DecisionToLastWriteSeconds = max(m.DecisionToLastWriteSeconds, res.ledger.lastWrite(g, move.At, until).Sub(move.At).Seconds())
		}
	}
	for _, seconds := range []*float64{&m.RoutelessSeconds, &m.DeadPathSeconds, &m.DecisionToLastWriteSeconds} {
		*seconds = round3(*seconds)
	}
	return m
}

// round3 rounds seconds to milliseconds, which is how they are printed.
func round3(seconds float64) float64 { return math.Round(seconds*1000) / 1000 }

// groupNames are the names of all groups of all configurations, in the order of
// their first declaration.
func (res *Result) groupNames() []string {
	var out []string
	for _, c := range res.Scenario.configs() {
		for _, g := range c.GroupList {
			if !slices.Contains(out, g.Name) {
				out = append(out, g.Name)
			}
		}
	}
	return out
}

// groupAt is the group as it is declared at an instant, or nil.
func (l *ledger) groupAt(name string, at time.Time) *declared {
	for _, g := range l.eraAt(at).groups {
		if g.Name == name {
			return g
		}
	}
	return nil
}

// seconds adds up the time of an era for which the condition holds of an entry.
// It can change only where the entry or a path changes.
func (l *ledger) seconds(era *era, e *declaredEntry, holds func(at time.Time, target string) bool) float64 {
	cuts := []time.Time{era.from, era.until}
	for _, p := range e.points {
		if p.at.After(era.from) && p.at.Before(era.until) {
			cuts = append(cuts, p.at)
		}
	}
	for _, r := range e.shown {
		if r.at.After(era.from) && r.at.Before(era.until) {
			cuts = append(cuts, r.at)
		}
	}
	for _, p := range e.group.Paths {
		cuts = append(cuts, changesIn(l.health.truth, l.health.signalsOf(p), era.from, era.until)...)
	}
	slices.SortFunc(cuts, time.Time.Compare)
	total := 0.0
	for i := 1; i < len(cuts); i++ {
		// The state between two cuts is the one just before the later.
		if cuts[i].After(cuts[i-1]) && holds(cuts[i-1], e.targetBefore(cuts[i])) {
			total += cuts[i].Sub(cuts[i-1]).Seconds()
		}
	}
	return total
}

func (l *ledger) onDeadPath(e *declaredEntry, target string, at time.Time) bool {
	onDead, alive := false, false
	for _, p := range e.group.Paths {
		up := l.health.trulyUp(p, at)
		switch {
		case e.on(p.Name, target) && up:
			return false
		case e.on(p.Name, target):
			onDead = true
		default:
			alive = alive || up
		}
	}
	return onDead && alive
}

// movedBy is just after the first instant at which every entry of the group
// stands on the path, or at which somebody else writes one: what is written
// later is no part of the move.
func (g *declared) movedBy(path string, from, until time.Time) time.Time {
	for _, e := range g.entries {
		for _, p := range e.points {
			after := p.at.Add(time.Nanosecond)
			if p.at.After(from) && after.Before(until) && (isForeign(p.by) || slices.Contains(g.wholly(after), path)) {
				until = after
			}
		}
	}
	return until
}

// moves are the group's committed moves, oldest first.
func (res *Result) moves(group string) []controller.JournalEntry {
	history := slices.DeleteFunc(res.journal(group), func(j controller.JournalEntry) bool { return j.WouldBe || j.Decision.Action != protection.Move })
	return slices.CompactFunc(history, func(a, b controller.JournalEntry) bool { return a.Decision.Epoch == b.Decision.Epoch })
}

// journal is a group's, oldest entry first.
func (res *Result) journal(group string) []controller.JournalEntry {
	history, err := res.Rig.Store.History(context.Background(), controller.GroupKey(group), 1<<20)
	if err != nil {
		panic(err) // Neither store has a fault between.
	}
	slices.Reverse(history)
	return history
}

// lastWrite is the time of the last write to the group's entries from one
// instant until another, or the former if there is none.
func (l *ledger) lastWrite(g *declared, from, until time.Time) time.Time {
	last := from
	for _, e := range g.entries {
		for i, p := range e.points {
			if i > 0 && !isForeign(p.by) && p.at.After(last) && p.at.Before(until) && p.target != e.points[i-1].target {
				last = p.at
			}
		}
	}
	return last
}

// boundMetrics compares the figures with the scenario's bounds.
func (res *Result) boundMetrics(s *Scenario) {
	names := make([]string, 0, len(s.Expect.Metrics))
	for name := range s.Expect.Metrics {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		bound := s.Expect.Metrics[name]
		got, known := res.Metrics.ByName(name)
		switch {
		case !known:
			res.Failures = append(res.Failures, fmt.Sprintf("metric %q is not known", name))
		case bound.Exactly != nil && got != *bound.Exactly:
			res.Failures = append(res.Failures, fmt.Sprintf("%s is %g, expected exactly %g", name, got, *bound.Exactly))
		case bound.Min != nil && got < *bound.Min:
			res.Failures = append(res.Failures, fmt.Sprintf("%s is %g, expected at least %g", name, got, *bound.Min))
		case bound.Max != nil && got > *bound.Max:
			res.Failures = append(res.Failures, fmt.Sprintf("%s is %g, expected at most %g", name, got, *bound.Max))
		}
	}
}
