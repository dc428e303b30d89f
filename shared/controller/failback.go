package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"detour/shared/plan"
	"detour/shared/protection"
)

// Failback brings the word of the group's failback workflow into a run of the group,
// and reconciles it. lookOnly leaves the routes to the run of a wake-up. The answer is
// in the reports (AnswerOf).
func (c *Controller) Failback(ctx context.Context, group string, step protection.FailbackStep, lookOnly bool, event string) []Report {
	return c.Reconcile(ctx, Trigger{Groups: []string{group}, Event: event, Failback: &step, LookOnly: lookOnly})
}

// AnswerOf is what became of the workflow's word, by the reports of Failback: the last
// one that answers it. Where none does, it is worth asking again: another run had the
// lease, other groups' moves kept this one from committing, or the record store could
// not be used. There is no report of a group that the configuration does not have, and
// then it is not.
func AnswerOf(reports []Report) (answer protection.FailbackAnswer, last Report) {
	answer.Refused = protection.ReasonUnknownGroup
	for _, r := range reports {
		uncommitted := errors.Is(r.Err, ErrControlChanged)
		if last = r; r.Status == StatusBusy || r.Status == StatusFailed || r.Status == StatusFenced || uncommitted {
			answer = protection.FailbackAnswer{Refused: protection.ReasonBusy, Retry: true}
			continue
		}
		answer = r.Output.Failback
	}
	return answer, last
}

// planned are the digests of the steps to the working path, for the word of a
// workflow to be compared with; nil: there is no such word, or no plan can be made.
func planned(group *protection.Group, record protection.Record, trigger Trigger, standing protection.Standing) []string {
	if trigger.Failback == nil || !standing.Complete {
		return nil
	}
	return plan.DigestsOf(plan.Steps(group, plan.ToWorking(group, record, record.Failback.Unproven, standing)))
}

// leaveToWake leaves what the decision asks for to another run, at once. What cannot be
// known may be to write, too.
func (c *Controller) leaveToWake(h *hold) {
	if built := h.report.Plan; h.output.Writes(h.group.Mode) && (len(built.Changes) > 0 || !built.Complete) {
		h.report.Status = StatusUnfinished
		h.report.WakeAt = c.ports.Clock.Now()
	}
}

// failbackNote says what a commit does to the group's failback, for the journal; empty:
// nothing that people will want to read about. That a task was heard is no such thing.
func failbackNote(before, next protection.Record) string {
	was, is := before.Failback, next.Failback
	var told []string
	if was.ID != is.ID {
		was, before.Failback = protection.Failback{}, protection.Failback{}
		told = append(told, "opened by "+claimed(is.By)+because(is.Why))
	}
	if is.Plan != was.Plan {
		told = append(told, "plan "+is.Plan+" shown")
	}
	if is.Epoch != was.Epoch {
		told = append(told, "plan "+is.Plan+" approved by "+claimed(is.Approved))
	}
	if d := next.Decision; is.Open() && is.Epoch != 0 && d != before.Decision {
		told = append(told, fmt.Sprintf("%d of %d units go to %s", d.Extent, next.Steps, d.To))
	}
	if is.Over != was.Over {
		told = append(told, "over: "+string(is.Over))
	}
	if end := next.FailbackEnd(); end != "" && end != before.FailbackEnd() {
		told = append(told, string(end))
	}
	if len(told) == 0 {
		return ""
	}
	return "failback " + is.ID + ": " + strings.Join(told, ", ")
}

// claimed is who somebody says that they are.
func claimed(name string) string {
	if name == "" {
		return "somebody without a name"
	}
	return name + " (as claimed)"
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ", because: " + why
}

// failbackEvents tell that the authority of a failback ended, and what it came to.
func failbackEvents(before, next protection.Record) []Event {
	was, is := before.Failback, next.Failback
	if was.ID != is.ID {
		was, before.Failback = protection.Failback{}, protection.Failback{}
	}
	var out []Event
	if is.Over != was.Over {
		out = append(out, Event{Kind: EventFailbackOver, Detail: is.ID + ": " + string(is.Over)})
	}
	if end := next.FailbackEnd(); end != "" && end != before.FailbackEnd() {
		out = append(out, Event{Kind: EventFailbackEnded, Detail: is.ID + ": " + string(end)})
	}
	return out
}

// FailbackSight is what a failback of a group would be if it began now.
type FailbackSight struct {
	Preview
	// Unproven: learned routes need no proof.
	Unproven bool
	// Target is the working path, and Since when its state began.
	Target string
	Since  time.Time
	// Answer is what FailbackOpen would be answered, as by a new failback.
	Answer protection.FailbackAnswer
	// Plan is what brings the whole group to the target, from the tables as they stand,
	// step by step in Steps; Lists are the prefix lists in it.
	Plan  plan.Plan
	Steps []plan.Step
	Lists []protection.ListVersion
	// Digest is that of the plan; empty: a table could not be read whole.
	Digest string
}

// Failback says what a failback of the group would do. With unproven it may delete
// statics although nothing proves the learned routes behind them. ok is false for a
// group that was not looked at.
func (s *Sight) Failback(name string, unproven bool) (out FailbackSight, ok bool) {
	preview, ok := s.Decide(name, Supposed{})
	if !ok {
		return FailbackSight{}, false
	}
	record := preview.Item.Record
	out = FailbackSight{Preview: preview, Unproven: unproven, Target: preview.Group.Working()}
	for _, path := range preview.Report.Health {
		if path.Path == out.Target {
			out.Since = path.Since
		}
	}
	opened := protection.FailbackStep{Kind: protection.FailbackOpen, Unproven: unproven}
	d := s.controller.decide(preview.Group, preview.Item, s.control, Trigger{Groups: []string{name}, Failback: &opened}, s.look, s.at)
	out.Answer = d.output.Failback
	out.Plan = plan.ToWorking(preview.Group, record, unproven, preview.Standing)
	out.Lists = plan.ListVersions(preview.Lists)
	if out.Plan.Complete {
		out.Steps = plan.Steps(preview.Group, out.Plan)
		out.Digest = plan.Digest(name, record.Decision.Epoch, out.Target, out.Steps, out.Lists)
	}
	return out, true
}
