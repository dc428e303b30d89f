package controller

import (
	"context"
	"slices"
	"time"

	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// replans bounds how often a run plans again after the tables turned out to be
// other than they were read.
const replans = 3

// apply writes what is missing, reads the tables back, and plans again while
// something is left, a bounded number of times. What is left then is finished
// by a later run.
func (c *Controller) apply(ctx context.Context, h *hold) {
	standing := plan.Standing(h.group, h.look.readings, c.settings.Never)
	done := applied{}
	sent := false
	for round := 0; h.output.Writes(h.group.Mode); round++ {
		built := plan.Build(h.group, h.output.Next.Decision, h.output.Next.Contended, standing)
		h.report.Skipped = built.Skipped
		left := done.drop(built.Changes)
		if len(left) == 0 && built.Complete {
			break
		}
		if round == replans || !built.Complete || (round > 0 && c.pause(ctx, round) != nil) {
			c.leaveUnfinished(h)
			break
		}
		started := c.ports.Clock.Now()
		receipts, stopped := c.write(ctx, h, left)
		c.stage(h, StageWrite, started)
		h.report.Receipts = append(h.report.Receipts, receipts...)
		sent = sent || slices.ContainsFunc(receipts, func(r route.Receipt) bool { return r.Outcome != route.NotStarted })
		done.note(receipts)
		if h.lost || stopped {
			c.leaveUnfinished(h)
			break
		}
		standing = c.verify(ctx, h, left)
	}
	if sent && !h.lost {
		c.noteWritten(ctx, h)
	}
}

// applied holds what EC2 has accepted in this run. A read-back may be stale, and
// nothing is sent twice because of that.
type applied map[protection.EntryKey]route.NextHop

// note adds the receipts of what was applied.
func (a applied) note(receipts []route.Receipt) {
	for _, r := range receipts {
		if r.Outcome == route.Applied {
			a[protection.EntryKey{Table: r.Change.Table, Destination: r.Change.Destination}] = r.Change.After
		}
	}
}

// drop takes the changes out that have been applied.
func (a applied) drop(changes []route.Change) []route.Change {
	return slices.DeleteFunc(changes, func(ch route.Change) bool {
		after, ok := a[protection.EntryKey{Table: ch.Table, Destination: ch.Destination}]
		return ok && after == ch.After
	})
}

// leaveUnfinished asks for another run soon.
func (c *Controller) leaveUnfinished(h *hold) {
	if h.lost {
		return
	}
	h.report.Status = StatusUnfinished
	h.report.WakeAt = earliest(h.report.WakeAt, c.ports.Clock.Now().Add(c.settings.Settle))
}

// verify reads the tables of the changes back.
func (c *Controller) verify(ctx context.Context, h *hold, changes []route.Change) protection.Standing {
	started := c.ports.Clock.Now()
	defer c.stage(h, StageVerify, started)
	var tables []route.Table
	for _, ch := range changes {
		tables = append(tables, ch.Table)
	}
	slices.SortFunc(tables, route.Table.Compare)
	h.look.readings = merge(h.look.readings, c.readTables(ctx, slices.Compact(tables)))
	return plan.Standing(h.group, h.look.readings, c.settings.Never)
}

// noteWritten records when the last write can have taken effect, so that no
// reading that began too soon after it settles the group.
func (c *Controller) noteWritten(ctx context.Context, h *hold) {
	superseded := h.output.Next.WroteAt.Add(c.settings.Settle)
	h.output.Next.WroteAt = c.ports.Clock.Now()
	h.output.Starts, h.output.Ended, h.output.NewlyContended = false, nil, nil
	if h.output.Deadline.Equal(superseded) {
		// A reading at that time could settle nothing any more.
		h.output.Deadline = time.Time{}
	}
	h.output.Deadline = earliest(h.output.Deadline, h.output.Next.WroteAt.Add(c.settings.Settle))
	if err := c.commit(ctx, h); err != nil {
		c.failed(h, err)
	}
}

// mayStart reports whether enough of the lease is left for one more call.
func (c *Controller) mayStart(h *hold) bool {
	return h.leaseLeft(c.ports.Clock.Now()) >= c.settings.CallTimeout+c.settings.Skew
}

// timeLeft reports whether the run's own deadline leaves room for one more call
// and for the steps after it.
func (c *Controller) timeLeft(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || deadline.Sub(c.ports.Clock.Now())-wait >= 2*c.settings.CallTimeout
}
