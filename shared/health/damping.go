package health

import (
	"math"
	"time"
)

// Decayed returns what is left at now of a penalty that was counted at the given
// time: it halves in every half-life (RFC 2439, section 4.2).
func (d Damping) Decayed(penalty float64, at, now time.Time) float64 {
	if penalty <= 0 || d.HalfLife <= 0 || !now.After(at) {
		return penalty
	}
	return penalty * math.Exp2(-now.Sub(at).Seconds()/d.HalfLife.Seconds())
}

// ReuseAt returns when a penalty that was counted at the given time, and led to
// suppression, has decayed below the reuse threshold. Where damping is switched off,
// that is at once.
func (d Damping) ReuseAt(penalty float64, at time.Time) time.Time {
	if d.Penalty <= 0 || d.HalfLife <= 0 || d.Reuse <= 0 {
		return at
	}
	halfLives := math.Log2(penalty / d.Reuse)
	// A microsecond more, since reuse needs less than the threshold.
	return at.Add(time.Duration(halfLives*float64(d.HalfLife)) + time.Microsecond)
}
