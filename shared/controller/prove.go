package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Gap is how long a destination was without a route for all that could be seen: from
// EC2's answer that the static was deleted to the reading that shows the learned
// route. The reading bounds it from above.
type Gap struct {
	Entry protection.EntryKey `json:"entry"`
	Took  time.Duration       `json:"took"`
}

// firstLook and longestLook are the pauses between two looks for a learned route;
// each pause is twice the one before.
const (
	firstLook   = 250 * time.Millisecond
	longestLook = 2 * time.Second
)

// writeInTurn sends the changes, those that delete a static last: not before all
// others took effect, and only where the run has the time to see what comes of it.
// What is not sent is left to the next round, or to another run.
func (c *Controller) writeInTurn(ctx context.Context, h *hold, changes []route.Change) (receipts []route.Receipt, stopped bool) {
	at := slices.IndexFunc(changes, func(ch route.Change) bool { return ch.Op == route.OpDelete })
	if at < 0 {
		return c.write(ctx, h, changes)
	}
	isDelete := func(ch route.Change) bool { return ch.Op == route.OpDelete }
	first := slices.DeleteFunc(slices.Clone(changes), isDelete)
	deletes := slices.DeleteFunc(slices.Clone(changes), func(ch route.Change) bool { return !isDelete(ch) })
	if len(first) > 0 {
		receipts, stopped = c.write(ctx, h, first)
	}
	stands := func(r route.Receipt) bool { return r.Outcome == route.Applied || r.Outcome == route.AlreadyInPlace }
	if stopped || h.lost || slices.ContainsFunc(receipts, func(r route.Receipt) bool { return !stands(r) }) {
		return receipts, stopped
	}
	if !c.timeLeft(ctx, protection.LearnWithin) {
		h.report.OutOfTime = true
		for _, ch := range deletes {
			receipts = append(receipts, route.Receipt{Change: ch, Outcome: route.NotStarted})
		}
		return receipts, true
	}
	if c.intend(ctx, h, deletes); h.lost {
		return receipts, true
	}
	deleted, stopped := c.write(ctx, h, deletes)
	return append(receipts, deleted...), stopped
}

// intend writes into the record which statics are about to be deleted, so that
// another run brings them back if this one dies before it can say that they are.
func (c *Controller) intend(ctx context.Context, h *hold, deletes []route.Change) {
	now := c.ports.Clock.Now()
	for _, ch := range deletes {
		h.intended = append(h.intended, keyOf(ch))
		h.output.Next.Proving = append(h.output.Next.Proving, protection.Proof{Entry: keyOf(ch), At: now})
	}
	h.output.Next.Proving = sortedProofs(h.output.Next.Proving)
	h.output.Starts, h.output.Ended, h.output.NewlyContended, h.output.Proved = false, nil, nil, nil
	if err := c.commit(ctx, h); err != nil {
		c.failed(h, err)
	}
}

// sortedProofs returns the proofs by entry, of each entry the last one given.
func sortedProofs(proofs []protection.Proof) []protection.Proof {
	out := slices.Clone(proofs)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b protection.Proof) int { return a.Entry.Compare(b.Entry) })
	return slices.CompactFunc(out, func(a, b protection.Proof) bool { return a.Entry == b.Entry })
}

// noteDeleted remembers when EC2 answered that a static was deleted. A call without
// an answer may have deleted it, too.
func (h *hold) noteDeleted(receipt route.Receipt, at time.Time) {
	if receipt.Change.Op != route.OpDelete || receipt.Outcome != route.Applied && receipt.Outcome != route.Failed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deleted == nil {
		h.deleted = map[protection.EntryKey]time.Time{}
	}
	h.deleted[keyOf(receipt.Change)] = at
}

// awaited returns the entries whose learned route is awaited: those known before,
// without those whose static was not deleted after all, and those of which this run
// deleted the static, sorted.
func (h *hold) awaited(before []protection.Proof) []protection.Proof {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(before), func(p protection.Proof) bool { return slices.Contains(h.intended, p.Entry) })
	for key, at := range h.deleted {
		out = append(out, protection.Proof{Entry: key, At: at})
	}
	return sortedProofs(out)
}

// deletedAny reports whether this pass deleted a static before a learned route.
func (h *hold) deletedAny() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.deleted) > 0
}

// forgetDeleted ends the account of a pass: the record has it.
func (h *hold) forgetDeleted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deleted, h.intended = nil, nil
}

// expect waits for the learned routes of the statics that were deleted, and reports
// whether the writing of this pass is over with it. The record says first what is
// awaited, so that another run brings the statics back if this one dies.
func (c *Controller) expect(ctx context.Context, h *hold, done *progress) (over bool) {
	if h.lost || !h.deletedAny() {
		return false
	}
	c.noteWritten(ctx, h, done.applied)
	h.forgetDeleted()
	done.mayHaveTakenEffect = false
	if h.lost {
		return true
	}
	started := c.ports.Clock.Now()
	proved := c.watch(ctx, h)
	c.stage(h, StageProve, started)
	c.noteProved(ctx, h, proved)
	switch next := h.output.Next; {
	case h.lost:
		return true
	case len(next.Proving) > 0:
		// It is decided anew, from a new reading: the statics are to stand again.
		h.again, h.report.Status = true, StatusUnfinished
	case next.Decision.Unproven && next.Decision.Extent < h.group.Steps():
		h.again = true // The other units follow the first.
	}
	return h.again
}

// watch reads the tables until every awaited route shows, or the first of them has
// been waited for long enough. It returns those that show, with the gaps.
func (c *Controller) watch(ctx context.Context, h *hold) []Gap {
	w := &wave{c: c, h: h}
	pause := firstLook
	var proved []Gap
	for {
		standing := c.readBack(ctx, h)
		now := c.ports.Clock.Now()
		expired := false
		h.output.Next.Proving = slices.DeleteFunc(h.output.Next.Proving, func(p protection.Proof) bool {
			if showsLearned(standing, p.Entry, h.output.Next.Decision.To) {
				proved = append(proved, Gap{p.Entry, now.Sub(p.At)})
				return true
			}
			expired = expired || !now.Before(p.At.Add(protection.LearnWait))
			return false
		})
		if len(h.output.Next.Proving) == 0 || expired || !w.mayGoOn(ctx) {
			return proved
		}
		due := h.output.Next.Proving[0].At
		for _, p := range h.output.Next.Proving {
			due = earliest(due, p.At)
		}
		// The last look comes when the wait is over.
		rest := max(due.Add(protection.LearnWait).Sub(now), time.Millisecond)
		if c.ports.Clock.Sleep(ctx, min(pause, rest)) != nil {
			return proved
		}
		pause = min(2*pause, longestLook)
	}
}

// readBack reads the tables of the awaited entries.
func (c *Controller) readBack(ctx context.Context, h *hold) protection.Standing {
	var tables []route.Table
	for _, p := range h.output.Next.Proving {
		tables = append(tables, p.Entry.Table)
	}
	slices.SortFunc(tables, route.Table.Compare)
	h.look = h.look.with(c.ports.Tables.Read(ctx, slices.Compact(tables)))
	return c.stands(h)
}

// showsLearned reports whether the learned route of the entry shows.
func showsLearned(standing protection.Standing, key protection.EntryKey, path string) bool {
	return slices.ContainsFunc(standing.Entries, func(e protection.EntryStanding) bool {
		return e.Entry == key && e.On(path) && e.Learned == health.RouteShown
	})
}

// noteProved writes what showed into record and journal.
func (c *Controller) noteProved(ctx context.Context, h *hold, proved []Gap) {
	if len(proved) == 0 {
		return
	}
	slices.SortFunc(proved, func(a, b Gap) int { return a.Entry.Compare(b.Entry) })
	h.report.Gaps = append(h.report.Gaps, proved...)
	h.proved = proved
	if err := c.commit(ctx, h); err != nil {
		c.failed(h, err)
	}
	h.proved = nil
}

// gapsOf are the gaps that a commit tells of: those that the run measured, or what a
// later run can say of routes that an earlier one awaited.
func gapsOf(h *hold) []Gap {
	if len(h.proved) > 0 {
		return h.proved
	}
	var out []Gap
	for _, p := range h.output.Proved {
		out = append(out, Gap{p.Entry, h.report.readAt.Sub(p.At)})
	}
	return out
}

// gapNote says how long the longest of the gaps was.
func gapNote(gaps []Gap) string {
	var longest time.Duration
	for _, g := range gaps {
		longest = max(longest, g.Took)
	}
	routes := "1 learned route took over"
	if len(gaps) != 1 {
		routes = fmt.Sprintf("%d learned routes took over", len(gaps))
	}
	return fmt.Sprintf("%s, with no route for at most %s", routes, longest.Round(time.Millisecond))
}
