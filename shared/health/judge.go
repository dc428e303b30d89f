package health

import (
	"math"
	"time"

	"detour/shared/route"
)

// Judge combines the facts of one run with the path's memory. locked says that
// an operator's lockout stands on the path. Facts about other subjects are
// passed over.
func Judge(spec Spec, facts []Fact, locked bool, memory Memory, now time.Time) Assessment {
	evidence := judgeEvidence(spec, facts, now)
	state, reason, worseSince := holdOff(spec, evidence, memory, now)
	if locked {
		state, reason = AdminDown, ReasonLockout
	}

	next := memory
	next.WorseSince = worseSince
	if state != memory.State || memory.Since.IsZero() {
		next.State, next.Since = state, now
	}
	penalize(spec.Damping, &next, state, now)
	if state == Up || state == Degraded || state == Down {
		next.Proven = state
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

func judgeEvidence(spec Spec, facts []Fact, now time.Time) evidence {
	up, seen, routesShort := 0, 0, 0
	sources := map[Source]bool{}
	for _, fact := range facts {
		if fact.Subject != spec.Subject {
			continue
		}
		if fact.Kind == FactUnreadable {
			return evidence{state: Unknown, reason: ReasonSensor}
		}
		if now.Sub(fact.ObservedAt) > spec.MaxAge {
			return evidence{state: Unknown, reason: ReasonStale}
		}
		sources[fact.Source] = true
		switch fact.Kind {
		case FactConnectionState:
			if fact.Value == ConnectionGone || fact.Value == ConnectionGoing {
				return evidence{state: Down, reason: ReasonConnectionGone, sources: len(sources)}
			}
		case FactTunnelStatus:
			seen++
			switch {
			case fact.Value == TunnelUp && fact.AcceptedRoutes >= spec.MinAcceptedRoutes:
				up++
			case fact.Value == TunnelUp:
				routesShort++
			case fact.Value != TunnelDown:
				return evidence{state: Unknown, reason: ReasonSensor}
			}
		case FactUnreadable:
			// Handled above, before the fact's age was looked at.
		}
	}
	return judgeTunnels(spec, up, seen, routesShort, len(sources))
}

func judgeTunnels(spec Spec, up, seen, routesShort, sources int) evidence {
	switch {
	case up >= spec.Tunnels:
		return evidence{Up, ReasonAllTunnelsUp, sources}
	case up >= spec.MinTunnels:
		return evidence{Degraded, ReasonSomeTunnelsUp, sources}
	case seen < spec.Tunnels:
		// A tunnel that the answer leaves out may be the one that is up.
		return evidence{state: Unknown, reason: ReasonNoEvidence}
	case up+routesShort >= spec.MinTunnels:
		return evidence{Down, ReasonTooFewRoutes, sources}
	default:
		return evidence{Down, ReasonTooFewTunnels, sources}
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
// the hold-off time (RFC 4427, section 4.1). It never turns missing evidence
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

// penalize adds the penalty of a Down transition and moves the path in and out
// of suppression (RFC 2439, section 4.2). A path that was never proven alive
// has nothing to transition from.
func penalize(d Damping, memory *Memory, state State, now time.Time) {
	if state == Down && (memory.Proven == Up || memory.Proven == Degraded) {
		memory.Penalty = math.Min(decayed(d, memory.Penalty, memory.PenaltyAt, now)+d.Penalty, d.Ceiling)
		memory.PenaltyAt = now
		if memory.Penalty >= d.Suppress {
			memory.Suppressed = true
		}
		return
	}
	if memory.Suppressed && decayed(d, memory.Penalty, memory.PenaltyAt, now) < d.Reuse {
		memory.Suppressed = false
		memory.Penalty, memory.PenaltyAt = 0, time.Time{}
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
// suppressed path is reused.
func deadline(spec Spec, memory Memory, now time.Time) time.Time {
	var at time.Time
	if !memory.WorseSince.IsZero() {
		at = memory.WorseSince.Add(spec.HoldOff)
	}
	if memory.Suppressed {
		reuse := reuseAt(spec.Damping, memory)
		if at.IsZero() || reuse.Before(at) {
			at = reuse
		}
	}
	if !at.After(now) {
		return time.Time{}
	}
	return at
}

// reuseAt is when a suppressed path's penalty has decayed below the reuse
// threshold.
func reuseAt(d Damping, memory Memory) time.Time {
	halfLives := math.Log2(memory.Penalty / d.Reuse)
	// One nanosecond more, since reuse needs less than the threshold.
	return memory.PenaltyAt.Add(time.Duration(halfLives*float64(d.HalfLife)) + time.Microsecond)
}

// Problems returns the problems that kept facts of the subject from being read.
func Problems(facts []Fact, subject Subject) []route.Problem {
	var out []route.Problem
	for _, fact := range facts {
		if fact.Subject == subject && fact.Kind == FactUnreadable {
			out = append(out, fact.Problem)
		}
	}
	return out
}
