package controller

import (
	"context"
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
// lease, or the record store could not be used. There is no report of a group that the
// configuration does not have, and then it is not.
func AnswerOf(reports []Report) (answer protection.FailbackAnswer, last Report) {
	answer.Refused = protection.ReasonUnknownGroup
	for _, r := range reports {
		if last = r; r.Status == StatusBusy || r.Status == StatusFailed || r.Status == StatusFenced {
			answer = protection.FailbackAnswer{Refused: protection.ReasonBusy, Retry: true}
			continue
		}
		answer = r.Output.Failback
	}
	return answer, last
}

// FailbackSight is what a failback of a group would be if it began now.
type FailbackSight struct {
	Preview
	// Target is the working path, Since when it has been Up, and ReadyAt when it will have
	// been so for long enough; zero: it has, or time is not what is missing.
	Target  string
	Since   time.Time
	ReadyAt time.Time
	// Answer is what FailbackOpen would be answered.
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
	out = FailbackSight{Preview: preview, Target: preview.Group.Working()}
	out.Plan = plan.ToWorking(preview.Group, record, unproven, preview.Standing)
	out.Lists = plan.ListVersions(preview.Lists)
	if out.Plan.Complete {
		out.Steps = plan.Steps(preview.Group, out.Plan)
		out.Digest = plan.Digest(name, record.Decision.Epoch, out.Target, out.Steps, out.Lists)
	}
	return out, true
}
