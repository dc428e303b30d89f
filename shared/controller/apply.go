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
func (c *Controller) apply(ctx context.Context, h *hold, last bool) {
	standing := c.stands(h)
	done := progress{applied: applied{}, refused: map[protection.EntryKey]bool{}, doubted: map[route.Change]bool{}}
	for round := 0; h.output.Writes(h.group.Mode); round++ {
		built := plan.Build(h.group, h.output.Next.Decision, h.output.Next.Contended, plan.Revive(standing, h.output.Next, alive(h.report.Health)))
		h.report.Skipped = built.Skipped
		left := done.left(built.Changes)
		if len(left) == 0 && built.Complete {
			c.leaveRefused(h, done)
			c.leaveBlocked(h, done)
			break
		}
		if round == replans || !built.Complete || (round > 0 && c.pause(ctx, round) != nil) {
			c.leaveUnfinished(h, done)
			break
		}
		started := c.ports.Clock.Now()
		receipts, stopped := c.writeInTurn(ctx, h, left)
		c.stage(h, StageWrite, started)
		done.note(done.notBorneOut(receipts))
		if c.expect(ctx, h, &done) {
			h.report.Receipts = append(h.report.Receipts, receipts...)
			return
		}
		if h.lost || stopped {
			h.report.Receipts = append(h.report.Receipts, receipts...)
			c.leaveStopped(ctx, h, done, last)
			break
		}
		standing = c.verify(ctx, h, left)
		h.report.Receipts = append(h.report.Receipts, inPlace(receipts, standing)...)
	}
	if done.mayHaveTakenEffect && !h.lost {
		c.noteWritten(ctx, h, done.applied)
	}
}

// progress is what a run has done to the tables so far.
type progress struct {
	applied applied
	// refused are the entries that the credentials may not write, that EC2 does not
	// take, or whose table or target stayed busy for as long as a wave tries. To try
	// them again within a run spends tokens that other groups need.
	refused map[protection.EntryKey]bool
	// doubted are the replacements that EC2 answered to with that there is no such
	// route.
	doubted map[route.Change]bool
	// wake: another run may soon do better than this one with what was refused.
	wake bool
	// mayHaveTakenEffect: some call succeeded, or it is not known whether it did.
	mayHaveTakenEffect bool
}

func (p *progress) note(receipts []route.Receipt) {
	p.applied.note(receipts)
	for _, r := range receipts {
		switch r.Outcome {
		case route.Applied, route.Failed:
			p.mayHaveTakenEffect = true
		case route.Denied, route.Refused:
			p.refused[keyOf(r.Change)] = true
		case route.Busy:
			p.refused[keyOf(r.Change)], p.wake = true, true
		case route.AlreadyInPlace, route.PreconditionFailed, route.Throttled, route.Allowed, route.NotStarted:
		}
	}
}

// notBorneOut turns the receipts of replacements that EC2 has answered twice with
// that there is no such route, although a reading in between shows it: the answer
// was about something else. Of a route that is to be created nothing else is said.
func (p *progress) notBorneOut(receipts []route.Receipt) []route.Receipt {
	for i, r := range receipts {
		switch {
		case r.Outcome != route.PreconditionFailed || r.Change.Op == route.OpCreate:
		case p.doubted[r.Change]:
			receipts[i].Outcome = route.Refused
		default:
			p.doubted[r.Change] = true
		}
	}
	return receipts
}

func (p *progress) left(changes []route.Change) []route.Change {
	return slices.DeleteFunc(p.applied.drop(changes), func(ch route.Change) bool { return p.refused[keyOf(ch)] })
}

// inPlace turns the receipts of changes that turned out not to be needed: the
// answer showed that the reading was old, and the reading after it shows the
// next hop that was wanted.
func inPlace(receipts []route.Receipt, standing protection.Standing) []route.Receipt {
	for i, r := range receipts {
		if r.Outcome == route.PreconditionFailed && slices.ContainsFunc(standing.Entries, func(e protection.EntryStanding) bool {
			return e.Entry == keyOf(r.Change) && e.NextHop == r.Change.After
		}) {
			receipts[i].Outcome = route.AlreadyInPlace
		}
	}
	return receipts
}

func keyOf(c route.Change) protection.EntryKey {
	return protection.EntryKey{Table: c.Table, Destination: c.Destination}
}

// applied holds what EC2 has accepted in this run. A read-back may be stale, and
// nothing is sent twice because of that.
type applied map[protection.EntryKey]route.NextHop

// note adds the receipts of what was applied.
func (a applied) note(receipts []route.Receipt) {
	for _, r := range receipts {
		if r.Outcome == route.Applied {
			a[keyOf(r.Change)] = r.Change.After
		}
	}
}

// keys adds the entries to those given, sorted, each once.
func (a applied) keys(more []protection.EntryKey) []protection.EntryKey {
	out := slices.Clone(more)
	for key := range a {
		out = append(out, key)
	}
	slices.SortFunc(out, protection.EntryKey.Compare)
	return slices.Compact(out)
}

// drop takes the changes out that have been applied.
func (a applied) drop(changes []route.Change) []route.Change {
	return slices.DeleteFunc(changes, func(ch route.Change) bool {
		after, ok := a[keyOf(ch)]
		return ok && after == ch.After
	})
}

// leaveRefused says that something is left that was refused. What is only busy is
// tried again soon; the rest is the sweep's.
func (c *Controller) leaveRefused(h *hold, done progress) {
	if len(done.refused) == 0 {
		return
	}
	h.report.Status = StatusUnfinished
	if done.wake {
		c.comeAgain(h, done)
	}
}

// comeAgain asks for another run soon. One that a wake-up started and that got
// nothing written does not: AWS would be asked the same for as long as it refuses.
// The sweep tries again.
func (c *Controller) comeAgain(h *hold, done progress) {
	if h.trigger.Wake && len(done.applied) == 0 {
		return
	}
	h.report.WakeAt = earliest(h.report.WakeAt, c.ports.Clock.Now().Add(c.settings.Settle))
}

// leaveBlocked says that something is left because a prefix list could not be
// read, and asks for another run if the list may be readable soon. What else
// blocks a list is not ended by waiting.
func (c *Controller) leaveBlocked(h *hold, done progress) {
	unreadable := func(s plan.Skipped) bool { return s.Reason == plan.SkipListUnreadable }
	if !slices.ContainsFunc(h.report.Skipped, unreadable) {
		return
	}
	h.report.Status = StatusUnfinished
	if slices.ContainsFunc(h.report.ListProblems, func(p ListProblem) bool { return worthAnother(p.Problem) }) {
		c.comeAgain(h, done)
	}
}

// leaveStopped goes through the steps once more if the writing ended because what was
// read is outdated, and else leaves what is left to another run.
func (c *Controller) leaveStopped(ctx context.Context, h *hold, done progress, last bool) {
	if h.again = h.isOutdated() && !h.lost && !last && c.timeLeft(ctx, c.settings.CallTimeout); !h.again {
		c.leaveUnfinished(h, done)
	}
}

// leaveUnfinished asks for another run soon, unless what is in the way is a
// reading that will not get better soon.
func (c *Controller) leaveUnfinished(h *hold, done progress) {
	if h.lost {
		return
	}
	h.report.Status = StatusUnfinished
	if slices.ContainsFunc(h.report.Problems, func(p TableProblem) bool { return !worthAnother(p.Problem) }) {
		return
	}
	c.comeAgain(h, done)
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
	h.look = h.look.with(c.readTables(ctx, slices.Compact(tables)))
	return c.stands(h)
}

// stands is what the tables show by now, orphans marked, and what proves learned
// routes.
func (c *Controller) stands(h *hold) protection.Standing {
	standing := plan.MarkOrphans(h.group, c.standing(h.group, h.look), h.output.Next.Blackholes, h.look.of)
	return plan.Prove(h.group, standing, h.look.of, c.ports.Clock.Now())
}

// noteWritten records when the last write can have taken effect, so that no
// reading that began too soon after it settles the group.
func (c *Controller) noteWritten(ctx context.Context, h *hold, done applied) {
	superseded := h.output.Next.WroteAt.Add(c.settings.Settle)
	h.output.Next.WroteAt = c.ports.Clock.Now()
	h.output.Next.Applied = done.keys(h.output.Next.Applied)
	h.output.Next.Proving = h.awaited(h.output.Next.Proving)
	h.output.Starts, h.output.Ended, h.output.NewlyContended, h.output.Proved = false, nil, nil, nil
	if h.output.Deadline.Equal(superseded) {
		// A reading at that time could settle nothing any more.
		h.output.Deadline = time.Time{}
	}
	if len(done) > 0 || !h.trigger.Wake {
		h.output.Deadline = earliest(h.output.Deadline, h.output.Next.WroteAt.Add(c.settings.Settle))
	}
	if err := c.commit(ctx, h); err != nil {
		c.failed(h, err)
	}
}

// mayStart reports whether enough of the lease is left for one more call, and what
// was read is good enough for it.
func (c *Controller) mayStart(h *hold) bool {
	return !h.isOutdated() && h.leaseLeft(c.ports.Clock.Now()) >= c.settings.CallTimeout+c.settings.Skew
}

// TimeLeft reports whether the context's deadline leaves room for a run that
// writes. Without a deadline it does.
func (c *Controller) TimeLeft(ctx context.Context) bool { return c.timeLeft(ctx, 0) }

// timeLeft reports whether the run's own deadline leaves room for one more call
// and for the steps after it.
func (c *Controller) timeLeft(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || deadline.Sub(c.ports.Clock.Now())-wait >= 2*c.settings.CallTimeout
}
