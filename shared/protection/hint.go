package protection

import (
	"time"

	"detour/shared/health"
)

// FirstReread is the first of the times after a hint came at which its group is
// read again.
const FirstReread = 5 * time.Second

// rereads are the times after a hint came at which its group is read again
// while the readings contradict it: telemetry lags behind events.
func rereads() [5]time.Duration {
	return [5]time.Duration{FirstReread, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}
}

// HintTracking is what became of a hint on one run.
type HintTracking struct {
	// Hint is the hint to keep; zero: none is open.
	Hint Hint
	// Deadline is when to read again; zero: not because of the hint.
	Deadline time.Time
	// Lag is how long the readings took to bear the hint out; zero: they did at
	// once, not yet, or never.
	Lag time.Duration
}

// TrackHint compares the open hint, or the one that has just come, with the
// facts of the run. A hint that the facts bear out is closed; one that they
// contradict is kept until the last re-read is past.
func TrackHint(open, arrived Hint, facts []health.Fact, now time.Time) HintTracking {
	hint := open
	if !arrived.At.IsZero() && !open.same(arrived) {
		hint = arrived
	}
	if hint.At.IsZero() {
		return HintTracking{}
	}
	if agrees(hint, facts) {
		out := HintTracking{}
		if hint.At.Equal(open.At) {
			out.Lag = now.Sub(hint.At)
		}
		return out
	}
	for _, after := range rereads() {
		if at := hint.At.Add(after); at.After(now) {
			return HintTracking{Hint: hint, Deadline: at}
		}
	}
	return HintTracking{}
}

// same: the hints claim the same, so the later one is a double of the earlier.
func (h Hint) same(other Hint) bool {
	return !h.At.IsZero() && h.Subject == other.Subject && h.Part == other.Part && h.Down == other.Down
}

// agrees: the facts bear the hint out. Without a fact about what it claims the
// hint stays open.
func agrees(hint Hint, facts []health.Fact) bool {
	for _, fact := range facts {
		if fact.Subject == hint.Subject && bearsOut(hint, fact) {
			return true
		}
	}
	return false
}

// bearsOut: the fact about the hint's subject says what the hint says. A hint
// about a tunnel names it, or means any of its connection. One about a Connect
// peer does not say which of the two BGP sessions it means, so either bears it
// out. An alarm that has too little data says neither.
func bearsOut(hint Hint, fact health.Fact) bool {
	switch fact.Kind {
	case health.FactTunnelStatus:
		return (hint.Part == "" || fact.Part == hint.Part) && (fact.Value != health.TunnelUp) == hint.Down
	case health.FactSessionStatus:
		return fact.Value == claimed(hint, health.SessionDown, health.SessionUp)
	case health.FactAlarmState:
		return fact.Value == claimed(hint, health.AlarmAlarm, health.AlarmOK)
	default:
		return false
	}
}

func claimed(hint Hint, down, up string) string {
	if hint.Down {
		return down
	}
	return up
}
