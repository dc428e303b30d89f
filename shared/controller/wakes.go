package controller

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// furthestWake is how far ahead a wake-up is asked for at most: SQS delays a
	// message no longer (SQS API, SendMessage, DelaySeconds). To a deadline further
	// away leads a chain of them.
	furthestWake = 15 * time.Minute
	// maxArmed bounds an item's list of wake-ups.
	maxArmed = 16
)

// armWake asks for one wake-up: at the group's next deadline, or sooner if
// something was left unfinished. The run that it starts asks for what is still
// ahead. One that is armed already is not asked for again, however many runs see
// the same deadline before it comes: each would else add to those that come then.
func (c *Controller) armWake(ctx context.Context, h *hold) {
	h.report.WakeAt = earliest(h.output.Deadline, h.report.WakeAt)
	if h.report.WakeAt.IsZero() {
		return
	}
	now := c.ports.Clock.Now()
	come := now
	if h.trigger.Wake {
		come = now.Add(c.settings.Skew) // The clock that armed it may have been ahead.
	}
	h.wakes = ahead(h.wakes, come, now.Add(furthestWake+c.settings.Skew))
	if at, missing := nextWake(h.wakes, h.report.WakeAt, now); missing && c.wake(ctx, h, at) {
		h.wakes = arm(h.wakes, at)
	}
}

// wake asks for a wake-up of the group or the filter. One that cannot be armed is made up for
// by the sweep.
func (c *Controller) wake(ctx context.Context, h *hold, at time.Time) (armed bool) {
	if err := c.ports.Wake.At(ctx, h.key, at); err != nil {
		h.report.Err = errors.Join(h.report.Err, err)
		return false
	}
	return true
}

// ahead returns the wake-ups after come, and up to the furthest that can have been
// asked for: when one comes that is further away is not known.
func ahead(armed []time.Time, come, furthest time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(armed), func(at time.Time) bool { return !at.After(come) || at.After(furthest) })
}

// nextWake returns the wake-up that a run at the deadline needs, and whether it is
// missing among those that are armed. On the way to a deadline too far ahead for
// one wake-up any will do that is not due soon.
func nextWake(armed []time.Time, deadline, now time.Time) (at time.Time, missing bool) {
	if furthest := now.Add(furthestWake); deadline.After(furthest) {
		soon := now.Add(furthestWake / 2)
		return furthest, !slices.ContainsFunc(armed, func(at time.Time) bool { return at.After(soon) && !at.After(deadline) })
	}
	return deadline, !slices.ContainsFunc(armed, deadline.Equal)
}

// arm adds a wake-up to the list, earliest first. If there are too many, those that
// come first are forgotten: each is armed once more at the worst, while of one far
// ahead that would be once for each that comes before it.
func arm(armed []time.Time, at time.Time) []time.Time {
	out := append(slices.Clone(armed), at)
	slices.SortFunc(out, time.Time.Compare)
	return out[max(0, len(out)-maxArmed):]
}
