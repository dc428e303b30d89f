package health

import (
	"math"
	"time"
)

// Judge combines the facts of one run with the path's memory and with how the
// path is used. Facts about other subjects are passed over.
func Judge(spec Spec, facts []Fact, use Use, memory Memory, now time.Time) Assessment {
	evidence := judgeEvidence(spec, facts, now)
	state, reason, worseSince := holdOff(spec, evidence, memory, now)
	judged := state
	if use.Locked {
		state, reason = AdminDown, ReasonLockout
	}

	next := memory
	next.WorseSince = worseSince
	if state != memory.State || memory.Since.IsZero() {
		next.State, next.Since = state, now
	}
	// A lockout hides the path's state and does not change it.
	penalize(spec.Damping, &next, judged, now)
	if judged != Unknown {
		next.Proven = judged
	}

	out := Assessment{
		State: state, Reason: reason, Suppressed: next.Suppressed, Since: next.Since,
		Evidence: evidence.state, Sources: evidence.sources,
		Penalty: decayed(spec.Damping, next.Penalty, next.PenaltyAt, now),
		Memory:  next,
	}
	out.Deadline = deadline(spec, next, now)
	return out
}

// evidence is what the facts alone speak for.
type evidence struct {
	state   State
	reason  Reason
	sources int
}

// judgeEvidence does not depend on the order of the facts: what was not read
// comes before what is too old, and both before what was read.
func judgeEvidence(spec Spec, facts []Fact, now time.Time) evidence {
	stale := false
	gone := map[Source]bool{}
	tally := tunnelTally{alive: map[Source]bool{}, failed: map[Source]bool{}}
	for _, fact := range facts {
		if fact.Subject != spec.Subject {
			continue
		}
		stale = stale || now.Sub(fact.ObservedAt) > spec.MaxAge
		switch fact.Kind {
		case FactUnreadable:
			return evidence{state: Unknown, reason: ReasonSensor}
		case FactConnectionState:
			if fact.Value == ConnectionGone || fact.Value == ConnectionGoing {
				gone[fact.Source] = true
			}
		case FactTunnelStatus:
			tally.add(spec, fact)
		}
	}
	switch {
	case stale:
		return evidence{state: Unknown, reason: ReasonStale}
	case len(gone) > 0:
		return evidence{state: Down, reason: ReasonConnectionGone, sources: len(gone)}
	default:
		return tally.judge(spec)
	}
}

// tunnelTally counts tunnels, with the sources that call them alive or failed.
type tunnelTally struct {
	up, seen, routesShort, strange int
	alive, failed                  map[Source]bool
}

func (t *tunnelTally) add(spec Spec, fact Fact) {
	t.seen++
	switch {
	case fact.Value == TunnelUp && fact.AcceptedRoutes >= spec.MinAcceptedRoutes:
		t.up++
		t.alive[fact.Source] = true
	case fact.Value == TunnelUp:
		t.routesShort++
		t.failed[fact.Source] = true
	case fact.Value == TunnelDown:
		t.failed[fact.Source] = true
	default:
		t.strange++
	}
}

func (t *tunnelTally) judge(spec Spec) evidence {
	switch {
	case t.strange > 0:
		return evidence{state: Unknown, reason: ReasonSensor}
	case t.up >= spec.Tunnels:
		return evidence{Up, ReasonAllTunnelsUp, len(t.alive)}
	case t.up >= spec.MinTunnels:
		return evidence{Degraded, ReasonSomeTunnelsUp, len(t.alive)}
	case t.seen < spec.Tunnels:
		// A tunnel that the answer leaves out may be the one that is up.
		return evidence{state: Unknown, reason: ReasonNoEvidence}
	case t.up+t.routesShort >= spec.MinTunnels:
		return evidence{Down, ReasonTooFewRoutes, len(t.failed)}
	default:
		return evidence{Down, ReasonTooFewTunnels, len(t.failed)}
	}
}

// rank orders the proven states from bad to good.
func rank(s State) int {
	switch s {
	case Up:
		return 2
	case Degraded:
		return 1
	case Down, AdminDown, Unknown:
		return 0
	default:
		return 0
	}
}

// holdOff keeps the last proven state while worse evidence has not lasted for
// the hold-off time (RFC 4427). It never turns missing evidence
// into a state: Unknown evidence is Unknown at once, and does not restart the
// time.
func holdOff(spec Spec, ev evidence, memory Memory, now time.Time) (State, Reason, time.Time) {
	if ev.state == Unknown {
		return Unknown, ev.reason, memory.WorseSince
	}
	worse := memory.Proven != Unknown && rank(ev.state) < rank(memory.Proven)
	if spec.HoldOff <= 0 || !worse {
		return ev.state, ev.reason, time.Time{}
	}
	since := memory.WorseSince
	if since.IsZero() {
		since = now
	}
	if now.Sub(since) >= spec.HoldOff {
		return ev.state, ev.reason, time.Time{}
	}
	return memory.Proven, ReasonHoldOff, since
}

// penalize moves the path in and out of suppression, and adds the penalty of a
// Down transition (RFC 2439). A path that was never proven alive
// has nothing to transition from.
func penalize(d Damping, memory *Memory, state State, now time.Time) {
	penalty := decayed(d, memory.Penalty, memory.PenaltyAt, now)
	if penalty < d.Reuse {
		memory.Suppressed = false
	}
	if state != Down || !memory.Proven.Alive() || d.Penalty <= 0 {
		return
	}
	memory.Penalty, memory.PenaltyAt = math.Min(penalty+d.Penalty, d.Ceiling), now
	if memory.Penalty >= d.Suppress {
		memory.Suppressed = true
	}
}

// decayed is the penalty at now: it halves in every half-life.
func decayed(d Damping, penalty float64, at, now time.Time) float64 {
	if penalty <= 0 || d.HalfLife <= 0 || !now.After(at) {
		return penalty
	}
	return penalty * math.Exp2(-now.Sub(at).Seconds()/d.HalfLife.Seconds())
}

// deadline is the earliest instant after now at which hold-off ends or a
// suppressed path is reused; one that is past is no deadline.
func deadline(spec Spec, memory Memory, now time.Time) time.Time {
	var first time.Time
	due := func(at time.Time) {
		if at.After(now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !memory.WorseSince.IsZero() {
		due(memory.WorseSince.Add(spec.HoldOff))
	}
	if memory.Suppressed {
		due(reuseAt(spec.Damping, memory))
	}
	return first
}

// reuseAt is when a suppressed path's penalty has decayed below the reuse
// threshold.
func reuseAt(d Damping, memory Memory) time.Time {
	halfLives := math.Log2(memory.Penalty / d.Reuse)
	// A microsecond more, since reuse needs less than the threshold.
	return memory.PenaltyAt.Add(time.Duration(halfLives*float64(d.HalfLife)) + time.Microsecond)
}
