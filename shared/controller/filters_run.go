package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	"detour/shared/filter"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// filterHold is one filter whose lease this run has.
type filterHold struct {
	hold
	filter *filter.Filter
	out    *FilterReport
	// next is what was last decided, and committed where it differs from the record
	// before.
	next filter.Decision
	// logged is that of the trigger.
	logged []filter.Logged
}

// Enforce brings the filters of the trigger to where they should be, as Reconcile
// does with groups: lease, read, judge, commit, write, read back, release. Filters
// do not wait for one another. All work has ended when it returns. The reports are
// in the order of the names; a filter has one for each time that the run went
// through its steps.
//
// Filters have no part in the blast radius. What that guards against is a sensor
// that is wrong about many paths at once. A filter acts upon what the table itself
// shows and upon rules that somebody wrote, within the tables and attachments that
// they name; and were a leak's measures counted, it would use up what the groups
// need to get away from it.
func (c *Controller) Enforce(ctx context.Context, trigger FilterTrigger) []FilterReport {
	filters := c.chosenFilters(trigger)
	reports, waits := make([][]FilterReport, len(filters)), make([]func(), len(filters))
	for i, f := range filters {
		waits[i] = c.ports.Clock.Go(ctx, func(ctx context.Context) { reports[i] = c.enforce(ctx, f, trigger) })
	}
	for _, wait := range waits {
		wait()
	}
	return slices.Concat(reports...)
}

// enforce runs one filter.
func (c *Controller) enforce(ctx context.Context, f *filter.Filter, trigger FilterTrigger) []FilterReport {
	h := &filterHold{filter: f, logged: trigger.Logged, hold: hold{
		key: FilterKey(f.Name), trigger: Trigger{Event: trigger.Event, Wake: trigger.Wake}, report: &Report{Status: StatusDone},
	}}
	h.out = newFilterReport(f, trigger.Event)
	var out []FilterReport
	c.take(ctx, &h.hold)
	for cycle := 1; !h.lost; cycle++ {
		if h.again {
			out = append(out, h.finished())
			h.again, h.trigger.Wake = false, true
			h.report, h.out = &Report{Status: StatusDone}, newFilterReport(f, trigger.Event)
			c.renew(ctx, &h.hold)
			h.setOutdated(false) // What follows reads anew.
			if h.lost {
				break
			}
		}
		if c.filterCycle(ctx, h, cycle >= maxCycles); !h.again {
			break
		}
	}
	c.afterFailure(ctx, &h.hold)
	return append(out, h.finished())
}

func newFilterReport(f *filter.Filter, event string) *FilterReport {
	return &FilterReport{Filter: f.Name, Mode: f.Mode, Event: event, Status: StatusDone}
}

// finished is the report with what the steps that groups have too noted.
func (h *filterHold) finished() FilterReport {
	r := h.report
	h.out.Status, h.out.Err, h.out.Stages, h.out.WakeAt, h.out.OutOfTime = r.Status, r.Err, r.Stages, r.WakeAt, r.OutOfTime
	h.out.Receipts = r.Receipts
	return *h.out
}

// filterCycle goes through the steps once.
func (c *Controller) filterCycle(ctx context.Context, h *filterHold, last bool) {
	started := c.ports.Clock.Now()
	seen := c.lookAround(ctx, filterTables([]*filter.Filter{h.filter}, []filter.Record{h.item.Filter}))
	seen.logged = h.logged
	c.stage(&h.hold, StageRead, started)
	done := &filterProgress{applied: map[route.Change]bool{}, refused: map[route.Change]bool{}, doubted: map[route.Change]bool{}, gone: map[route.Change]bool{}}
	for round := 0; ; round++ {
		c.judgeAndCommit(ctx, h, seen, round)
		if h.lost || h.out.WouldBe {
			break
		}
		left := done.left(h.next.Changes)
		h.out.Left = left
		if len(left) == 0 {
			break
		}
		if round > replans || (round > 0 && c.pause(ctx, round) != nil) {
			c.leaveFilter(h, done)
			break
		}
		receipts, stopped := c.writeStages(ctx, h, left)
		done.note(receipts)
		h.report.Receipts = append(h.report.Receipts, receipts...)
		if h.lost || stopped {
			if h.again = h.isOutdated() && !h.lost && !last && c.timeLeft(ctx, c.settings.CallTimeout); !h.again {
				c.leaveFilter(h, done)
			}
			break
		}
		seen = c.verifyFilter(ctx, h, left, seen)
		seen.gone = done.goneAttachments()
	}
	c.closeFilter(ctx, h, done, last)
}

// closeFilter arms the wake-up, gives the lease back, and tells what was done.
func (c *Controller) closeFilter(ctx context.Context, h *filterHold, done *filterProgress, last bool) {
	if h.lost || h.again {
		c.publishFilter(ctx, h)
		return
	}
	h.output.Deadline = h.next.Next
	if done.mayHaveTakenEffect {
		// What was written is looked at once more when every reading shows it.
		h.output.Deadline = earliest(h.output.Deadline, c.ports.Clock.Now().Add(c.settings.Settle))
	}
	if done.unfinished(h.next.Record) {
		h.report.Status = StatusUnfinished
	}
	c.armWake(ctx, &h.hold)
	c.release(ctx, &h.hold, last)
	c.publishFilter(ctx, h)
}

// leaveFilter says that changes are left, and asks for another run soon, but not
// again and again: one that a wake-up started and that got nothing written leaves it
// to the sweep.
func (c *Controller) leaveFilter(h *filterHold, done *filterProgress) {
	if h.lost {
		return
	}
	h.report.Status = StatusUnfinished
	if !h.trigger.Wake || len(done.applied) > 0 {
		h.report.WakeAt = earliest(h.report.WakeAt, c.ports.Clock.Now().Add(c.settings.Settle))
	}
}

// judged is a decision of one filter, and whether a run would do something.
type judged struct {
	filter.Decision
	ended  []protection.Ended
	frozen bool
	// untouchable: neverTouch covers something that would be written. config.Check
	// refuses such a filter; one that got past it writes nothing.
	untouchable bool
	// pending: the item or the tables would change.
	pending bool
}

// judge is the pure part of a filter's run. What an operator released is taken over
// into the record first.
func (c *Controller) judge(f *filter.Filter, item Item, control Control, seen filterLook, now time.Time) judged {
	out := judged{frozen: frozen(item.Requests, control)}
	record := item.Filter.Clone()
	if !out.frozen {
		record, out.ended = released(record, item.Requests)
	}
	out.Decision = filter.Judge(f, seen.views(f, record), record, now)
	out.untouchable = slices.ContainsFunc(out.Changes, func(ch route.Change) bool { return c.settings.Never.Covers(keyOf(ch)) })
	out.pending = !out.idle() && (!out.Record.Equal(item.Filter) || len(out.ended) > 0 || (!out.WouldBe && len(out.Changes) > 0))
	return out
}

// idle reports whether the decision is told and nothing else.
func (d judged) idle() bool { return d.frozen || d.untouchable }

// frozen reports whether nothing is written for the item now.
func frozen(requests []protection.Request, control Control) bool {
	return control.Freeze.On || slices.ContainsFunc(requests, func(r protection.Request) bool { return r.Kind == protection.Freeze })
}

// released ends the requests for a release: the measures that a person has to end,
// or that somebody else keeps undoing, or the one that the request names by its
// destination or attachment. A filter knows no other requests but the freeze.
func released(record filter.Record, requests []protection.Request) (filter.Record, []protection.Ended) {
	var ended []protection.Ended
	for _, r := range requests {
		switch r.Kind {
		case protection.Freeze:
			continue
		case protection.Release:
			for _, m := range record.Measures {
				if names(r, m.Key) || r.Path == "" && m.Manual {
					record.Released = append(record.Released, m.Key)
				}
			}
			for _, key := range record.Contended {
				if names(r, key) || r.Path == "" {
					record.Released = append(record.Released, key)
				}
			}
			ended = append(ended, protection.Ended{Request: r, Reason: protection.ReasonDone})
		default:
			ended = append(ended, protection.Ended{Request: r, Reason: protection.ReasonUnknownPath})
		}
	}
	slices.SortFunc(record.Released, filter.Key.Compare)
	record.Released = slices.Compact(record.Released)
	return record, ended
}

// names reports whether the request names what the measure acts upon.
func names(r protection.Request, key filter.Key) bool {
	return r.Path != "" && (r.Path == key.Destination.String() || r.Path == key.Attachment)
}

// judgeAndCommit decides, and commits what changed in one conditional write, before
// anything is written to a table.
func (c *Controller) judgeAndCommit(ctx context.Context, h *filterHold, seen filterLook, round int) {
	started := c.ports.Clock.Now()
	d := c.judge(h.filter, h.item, h.control, seen, started)
	h.out.note(d, seen, round == 0)
	h.next = d.Decision
	c.stage(&h.hold, StageDecide, started)
	if d.idle() || (d.Record.Equal(h.item.Filter) && len(d.ended) == 0) {
		return
	}
	committing := c.ports.Clock.Now()
	before := h.item.Filter
	err := c.commitFilter(ctx, h, d)
	c.stage(&h.hold, StageCommit, committing)
	if err == nil {
		h.out.tell(before, d)
	}
	c.failed(&h.hold, err)
}

// note keeps the decision. That of the first round is the one that is told about;
// later ones only add what began or ended meanwhile.
func (r *FilterReport) note(d judged, seen filterLook, first bool) {
	r.WouldBe, r.Frozen, r.NeverTouch, r.Problems = d.WouldBe || d.idle(), d.frozen, d.untouchable, seen.problems
	if first {
		r.Decision, r.Cost = d.Decision, plan.Predict(d.Changes)
	} else {
		changes := r.Decision.Changes
		r.Decision = d.Decision
		r.Decision.Changes = changes
	}
}

// tell adds what began and what ended by a decision that was committed.
func (r *FilterReport) tell(before filter.Record, d judged) {
	if d.WouldBe {
		return
	}
	for _, v := range d.Verdicts {
		switch newsOf(before, v, false) {
		case newsPlaced:
			r.Placed = append(r.Placed, v)
		case newsLifted:
			r.Lifted = append(r.Lifted, v)
			r.Held = slices.DeleteFunc(r.Held, func(held filter.Verdict) bool { return held.Key == v.Key }) // As it was a round before.
		case newsHeld:
			r.Held = append(r.Held, v)
		case newsNone:
		}
	}
}

// commitFilter writes the record as judged.
func (c *Controller) commitFilter(ctx context.Context, h *filterHold, d judged) error {
	commit := Commit{Item: h.item}
	commit.Item.Filter, commit.Item.Wakes = d.Record.Clone(), h.wakes
	for _, ended := range d.ended {
		commit.Ended = append(commit.Ended, ended.Request.ID)
	}
	entry := JournalEntry{Key: h.key, At: c.ports.Clock.Now(), Event: h.trigger.Event, Ended: d.ended, WouldBe: d.WouldBe}
	for _, v := range d.Verdicts {
		if newsOf(h.item.Filter, v, d.WouldBe) != newsNone {
			entry.Verdicts = append(entry.Verdicts, v.Clone())
		}
	}
	if n := len(entry.Verdicts); n > MaxVerdicts {
		entry.Verdicts, entry.Note = entry.Verdicts[:MaxVerdicts], fmt.Sprintf("and %d more", n-MaxVerdicts)
	}
	if len(entry.Verdicts) > 0 || len(d.ended) > 0 {
		commit.Journal = []JournalEntry{entry}
	}
	dirty := h.item.Dirty
	return c.retry(ctx, func() error {
		item, err := c.ports.Records.Commit(ctx, commit)
		if err == nil {
			item.Dirty = dirty // What came in since the item was read has not been looked at.
			h.setLease(item)
		}
		return err
	})
}
