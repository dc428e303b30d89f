package health

import (
	"math"
	"time"
)

// Judge combines the facts of one run with the path's memory and with how the
// path is used. Facts about other subjects are passed over.
func Judge(spec Spec, facts []Fact, use Use, memory Memory, now time.Time) Assessment {
	evidence := judgeEvidence(spec, facts, use, now)
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
		Penalty: spec.Damping.Decayed(next.Penalty, next.PenaltyAt, now),
		Memory:  next,
	}
	out.Deadline = deadline(spec, next, now)
	return out
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
	penalty := d.Decayed(memory.Penalty, memory.PenaltyAt, now)
	if memory.Suppressed && !now.Before(d.ReuseAt(memory.Penalty, memory.PenaltyAt)) {
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
		due(spec.Damping.ReuseAt(memory.Penalty, memory.PenaltyAt))
	}
	return first
}
