package controller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"detour/shared/plan"
	"detour/shared/protection"
)

// commitAttempts bounds how often a run decides again because other groups'
// moves changed the control item meanwhile.
const commitAttempts = 12

// decideAndCommit decides, and commits what changed in one conditional write,
// before any route is written.
func (c *Controller) decideAndCommit(ctx context.Context, h *hold) {
	for attempt := range commitAttempts {
		if attempt > 0 && c.ports.Clock.Sleep(ctx, time.Duration(attempt)*20*time.Millisecond) != nil {
			break
		}
		started := c.ports.Clock.Now()
		d := c.decide(h.group, h.item, h.control, h.trigger, h.look, started)
		c.note(h, d)
		c.stage(h, StageDecide, started)
		if h.output.Next.Equal(h.item.Record) && len(h.output.Ended) == 0 {
			return
		}
		committing := c.ports.Clock.Now()
		err := c.commit(ctx, h)
		c.stage(h, StageCommit, committing)
		if !errors.Is(err, ErrControlChanged) {
			c.failed(h, err)
			return
		}
		c.renew(ctx, h)
		if h.lost {
			return
		}
	}
	h.report.WakeAt = c.ports.Clock.Now().Add(c.settings.Settle)
	c.armWake(ctx, h)
	c.release(ctx, h, true)
	if h.report.Status == StatusDone {
		h.lose(StatusUnfinished, errors.Join(h.report.Err, ErrControlChanged))
	}
}

func (c *Controller) failed(h *hold, err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrFenced):
		h.lose(StatusFenced, nil)
	default:
		h.lose(StatusFailed, err)
	}
}

// note keeps the decision in the hold and in the report.
func (c *Controller) note(h *hold, d decision) {
	h.output = d.output
	r := h.report
	r.Before, r.Decision, r.WouldBe = h.item.Record.Decision, d.output.Decision, d.output.WouldBe || h.group.Mode == protection.Observe
	r.Output, r.Health, r.Facts = d.output, d.health, h.look.facts
	r.Unlearned = d.unlearned
	r.Skipped, r.Cost = d.plan.Skipped, plan.Predict(d.plan.Changes)
	r.before, r.readAt = h.item.Record, d.standing.StartedAt
	if gaps := gapsOf(h); len(gaps) > 0 {
		r.Gaps = gaps
	}
	r.Lag = max(r.Lag, d.hint.Lag)
	r.Writers, r.Unannounced = writersOf(h), unannounced(h)
	r.Plan, r.Lists = d.plan, h.look.listsOf(h.group.PrefixLists())
	r.Problems, r.ListProblems = nil, nil
	for _, reading := range h.look.readingsOf(h.group.Tables()) {
		if !reading.Complete {
			r.Problems = append(r.Problems, TableProblem{Table: reading.Table, Problem: reading.Problem})
		}
	}
	for _, reading := range r.Lists {
		if !reading.Complete {
			r.ListProblems = append(r.ListProblems, ListProblem{List: reading.List, Problem: reading.Problem})
		}
	}
}

// commit writes the record as decided.
func (c *Controller) commit(ctx context.Context, h *hold) error {
	commit := Commit{Item: h.item, MoveWindow: c.settings.MoveWindow, Control: h.control}
	commit.Item.Record = h.output.Next.Clone()
	commit.Item.Wakes = h.wakes
	for _, ended := range h.output.Ended {
		commit.Ended = append(commit.Ended, ended.Request.ID)
	}
	now := c.ports.Clock.Now()
	if h.output.Starts {
		commit.Move = now
	}
	if entry, ok := journal(h, JournalEntry{Key: h.item.Key, At: now, Decision: h.output.Decision, Event: h.trigger.Event}); ok {
		commit.Journal = []JournalEntry{entry}
	}
	dirty := h.item.Dirty
	err := c.retry(ctx, func() error {
		item, err := c.ports.Records.Commit(ctx, commit)
		if err == nil {
			// What came in since the item was read has not been looked at.
			item.Dirty = dirty
			h.setLease(item)
		}
		return err
	})
	if err == nil && h.output.Starts {
		// Later groups of this run go on from here.
		h.control.Moves = commit.Moves()
		h.control.Revision++
	}
	return err
}

// journal completes the entry of a commit that people will want to read about;
// others (a memory of health, a sighting) leave no line.
func journal(h *hold, entry JournalEntry) (JournalEntry, bool) {
	before, next, gaps := h.item.Record, h.output.Next, gapsOf(h)
	told := failbackNote(before, next)
	switch {
	case told != "":
		entry.Failback = next.Failback.ID
	case before.Decision != next.Decision, len(h.output.Ended) > 0, len(h.output.NewlyContended) > 0:
	case before.MassFailureAt.IsZero() && !next.MassFailureAt.IsZero():
	case before.Held != next.Held:
	case !before.Settled && next.Settled:
		entry.Note = "settled"
	case len(gaps) > 0:
	default:
		return JournalEntry{}, false
	}
	if len(gaps) > 0 {
		entry.Gaps = gaps
		if entry.Note == "" {
			entry.Note = gapNote(gaps)
		}
	}
	if by := undoers(h.output); len(by) > 0 {
		entry.Note = "written by " + strings.Join(by, ", ")
	}
	entry.Note = strings.Join(slices.DeleteFunc([]string{told, entry.Note}, func(s string) bool { return s == "" }), "; ")
	entry.Evidence, entry.Ended = next.Paths, h.output.Ended
	entry.WouldBe = h.output.WouldBe
	return entry, true
}
