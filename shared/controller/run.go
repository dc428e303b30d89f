package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"detour/shared/protection"
)

// maxCycles bounds how often a run goes through its steps again because the
// item became dirty meanwhile, or the run stood still. What is left then waits
// for a wake-up. To bring statics back behind which no route came, it goes through
// them once more.
const maxCycles = 3

// hold is one item whose lease this run has: a group's, or within a filterHold a
// filter's, which has no group.
type hold struct {
	key      Key
	priority int // its place among those who want to write
	group    *protection.Group
	trigger  Trigger
	item     Item
	control  Control
	report   *Report
	output   protection.Output
	look     look
	lost     bool // the lease is gone, or the store cannot be used
	again    bool // go through the steps once more: the item is dirty, or what was read is outdated
	// earlier are the reports of the times that the run went through its steps
	// before.
	earlier []Report
	// wakes are the wake-ups that are armed, earliest first.
	wakes []time.Time

	mu    sync.Mutex // guards until, outdated and deleted; never held across a call
	until time.Time
	// deleted is when EC2 answered that a static was deleted before a learned route.
	deleted map[protection.EntryKey]time.Time
	// intended are the entries of which the record says that their static is about to
	// be deleted, and proved the gaps that the next commit tells of.
	intended []protection.EntryKey
	proved   []Gap
	// outdated: the lease had run out before it was renewed, so what was read may be
	// from long ago. Nothing is written from it.
	outdated bool
}

// leaseLeft is how long the lease still lasts.
func (h *hold) leaseLeft(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.until.Sub(now)
}

// isOutdated reports whether what was read may not be written from any more.
func (h *hold) isOutdated() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.outdated
}

// setOutdated says whether the run stood still since it read.
func (h *hold) setOutdated(outdated bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outdated = outdated
}

func (h *hold) setLease(item Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.item = item
	h.until = item.Lease.Until
}

// released is the item as it is given back, with the wake-ups that are armed by now.
func (h *hold) released() Item {
	item := h.item
	item.Wakes = h.wakes
	return item
}

// lose ends the run for the group: nothing more is written.
func (h *hold) lose(status Status, err error) {
	h.lost = true
	h.report.Status, h.report.Err = status, err
}

// Reconcile brings the groups of the trigger to where they should be. It takes
// their leases; a group that another run holds is left to that run, which goes
// through its steps once more. All work has ended when it returns. The reports
// are in the order of the groups' priority; a group has one for each time that
// the run went through its steps.
func (c *Controller) Reconcile(ctx context.Context, trigger Trigger) []Report {
	groups := c.chosen(trigger)
	holds := make([]*hold, len(groups))
	waits := make([]func(), len(groups))
	for i, group := range groups {
		holds[i] = &hold{
			key: GroupKey(group.Name), priority: group.Priority, group: group, trigger: trigger,
			report: &Report{Group: group.Name, Event: trigger.Event, Status: StatusDone},
		}
		h := holds[i]
		waits[i] = c.ports.Clock.Go(ctx, func(ctx context.Context) { c.take(ctx, h) })
	}
	for _, wait := range waits {
		wait()
	}
	active := slices.DeleteFunc(slices.Clone(holds), func(h *hold) bool { return h.lost })
	for cycle := 1; len(active) > 0; cycle++ {
		c.cycle(ctx, active, cycle >= maxCycles)
		active = slices.DeleteFunc(active, func(h *hold) bool { return h.lost || !h.again })
	}
	out := make([]Report, 0, len(holds))
	for _, h := range holds {
		c.afterFailure(ctx, h)
		out = append(append(out, h.earlier...), *h.report)
	}
	return out
}

// take takes the lease. A lost answer is asked for again with the same token.
func (c *Controller) take(ctx context.Context, h *hold) {
	started := c.ports.Clock.Now()
	token := c.ports.NewToken()
	err := c.retry(ctx, func() error {
		item, control, err := c.ports.Records.Take(ctx, h.key, token)
		if err == nil {
			h.control, h.wakes = control, item.Wakes
			h.setLease(item)
		}
		return err
	})
	switch {
	case errors.Is(err, ErrBusy):
		h.lose(StatusBusy, nil)
		c.passOnHints(ctx, h)
	case err != nil:
		h.lose(StatusFailed, err)
	}
	c.stage(h, StageTake, started)
}

// passOnHints asks for a wake-up when the hint of a run that found the lease held
// asks for another look. The holder looks once more, but knows nothing of the
// hint. Every look after that is the sweep's.
func (c *Controller) passOnHints(ctx context.Context, h *hold) {
	if h.group != nil && !hintFor(h.group, h.trigger).At.IsZero() {
		c.wake(ctx, h, c.ports.Clock.Now().Add(protection.FirstReread))
	}
}

// afterFailure asks for a wake-up when the lease of a run that the record store
// failed has surely ended: until then others find it held, and rely on a run that
// is over. A wake-up that failed comes again by itself.
func (c *Controller) afterFailure(ctx context.Context, h *hold) {
	if h.report.Status != StatusFailed || h.trigger.Wake {
		return
	}
	until := c.ports.Clock.Now().Add(c.settings.Lease) // The answer to Take was lost.
	if h.item.Key != "" {
		until = h.item.Lease.Until
	}
	c.wake(ctx, h, until.Add(c.settings.Skew))
}

// cycle goes through the steps once for the groups that are held.
func (c *Controller) cycle(ctx context.Context, holds []*hold, last bool) {
	for _, h := range holds {
		if h.again {
			h.again = false
			h.trigger.Wake = true // Who came meanwhile may have been a wake-up, and its deadline is still ahead.
			h.earlier = append(h.earlier, *h.report)
			h.report = &Report{Group: h.group.Name, Event: h.trigger.Event, Status: StatusDone}
			c.renew(ctx, h)
			h.setOutdated(false) // What follows reads anew.
		}
	}
	holds = slices.DeleteFunc(slices.Clone(holds), func(h *hold) bool { return h.lost })
	if len(holds) == 0 {
		return
	}
	for _, wait := range c.lookAndCommit(ctx, holds, last) {
		wait()
	}
}

// lookAndCommit reads, decides and commits. A group of which something could not
// be read waits until that was read again; the others go on meanwhile. What is
// returned waits for the groups' writes.
func (c *Controller) lookAndCommit(ctx context.Context, holds []*hold, last bool) []func() {
	started := c.ports.Clock.Now()
	seen := c.lookOnce(ctx, groupsOf(holds))
	var control Control
	waits := make([]func(), 0, len(holds))
	for attempt := 1; ; attempt++ {
		var later []*hold
		for _, h := range holds {
			if attempt < readAttempts && !seen.againFor([]*protection.Group{h.group}).none() {
				later = append(later, h)
				continue
			}
			c.stage(h, StageRead, started)
			h.look = seen
			if h.control.Revision < control.Revision {
				h.control = control // A group before this one has just started a move.
			}
			// In order of priority, since each move uses up the blast radius. Whoever
			// has committed writes at once, and does not wait for the rest.
			c.decideAndCommit(ctx, h)
			control = h.control
			if !h.lost {
				waits = append(waits, c.ports.Clock.Go(ctx, func(ctx context.Context) { c.finish(ctx, h, last) }))
			}
		}
		if holds = later; len(holds) == 0 {
			return waits
		}
		if c.pause(ctx, attempt) != nil {
			attempt = readAttempts // They are reported with what was read.
			continue
		}
		seen = c.lookAgain(ctx, seen, groupsOf(holds))
	}
}

func groupsOf(holds []*hold) []*protection.Group {
	out := make([]*protection.Group, len(holds))
	for i, h := range holds {
		out[i] = h.group
	}
	return out
}

// finish writes what the decision asks for, verifies it, arms the wake-up and
// releases the lease.
func (c *Controller) finish(ctx context.Context, h *hold, last bool) {
	if h.trigger.LookOnly {
		c.leaveToWake(h)
	} else {
		c.apply(ctx, h, last)
	}
	if h.lost || h.again {
		// The decision was committed, and no later run will see that it was new.
		c.publish(ctx, h)
		return
	}
	c.armWake(ctx, h)
	c.release(ctx, h, last)
	c.publish(ctx, h)
}

// release gives the lease back. On the last cycle, and where the deadline leaves
// no room for another, a dirty item is released all the same, after a wake-up was
// asked for.
func (c *Controller) release(ctx context.Context, h *hold, last bool) {
	started := c.ports.Clock.Now()
	defer c.stage(h, StageRelease, started)
	err := c.retry(ctx, func() error { return c.ports.Records.Release(ctx, h.released()) })
	switch {
	case err == nil:
		h.lost = true
	case errors.Is(err, ErrDirty) && !last && c.timeLeft(ctx, c.settings.CallTimeout):
		h.again = true
	case errors.Is(err, ErrDirty):
		c.releaseDirty(ctx, h)
	case errors.Is(err, ErrFenced):
		h.lose(StatusFenced, nil)
	default:
		// The lease runs out by itself; the next run sees that it was abandoned.
		h.lost = true
		h.report.Err = errors.Join(h.report.Err, err)
	}
}

// releaseDirty gives a lease back although something came in, and asks for a
// wake-up when the lease is surely free.
func (c *Controller) releaseDirty(ctx context.Context, h *hold) {
	c.renew(ctx, h)
	if h.lost {
		return
	}
	free := c.ports.Clock.Now()
	if err := c.ports.Records.Release(ctx, h.released()); err != nil {
		free = h.item.Lease.Until.Add(c.settings.Skew)
	}
	h.lost = true
	c.wake(ctx, h, free)
}

// renew makes the lease last its full time again, and reads the item anew. One that
// had run out is renewed as long as nobody took it, but who let it run out stood
// still: what was read before is as old as that.
func (c *Controller) renew(ctx context.Context, h *hold) {
	var item Item
	err := c.retry(ctx, func() error {
		renewed, control, err := c.ports.Records.Renew(ctx, h.item)
		if err == nil {
			item, h.control = renewed, control
		}
		return err
	})
	switch {
	case err == nil:
		h.setOutdated(h.isOutdated() || h.leaseLeft(c.ports.Clock.Now()) <= 0)
		h.setLease(item)
	case errors.Is(err, ErrFenced):
		h.lose(StatusFenced, nil)
	default:
		h.lose(StatusFailed, err)
	}
}

// retry calls the record store again when it is not known whether a call took
// effect. The store's own answers are final.
func (c *Controller) retry(ctx context.Context, call func() error) error {
	var err error
	for attempt := range 3 {
		if attempt > 0 {
			if c.ports.Clock.Sleep(ctx, time.Duration(attempt)*200*time.Millisecond) != nil {
				return err
			}
		}
		err = call()
		if err == nil || errors.Is(err, ErrBusy) || errors.Is(err, ErrFenced) || errors.Is(err, ErrDirty) || errors.Is(err, ErrControlChanged) {
			return err
		}
	}
	return err
}

func (c *Controller) stage(h *hold, stage Stage, started time.Time) {
	h.report.Stages = append(h.report.Stages, StageTime{Stage: stage, Took: c.ports.Clock.Now().Sub(started)})
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
