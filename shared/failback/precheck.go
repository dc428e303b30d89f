package failback

import (
	"context"
	"fmt"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

// precheck opens the failback, and says what is missing.
func (j *job) precheck(ctx context.Context) error {
	j.Looks++
	j.Step, j.Reason, j.Why = 0, "", ""
	answer, _, err := j.tell(ctx, protection.FailbackStep{
		Kind: protection.FailbackOpen, By: j.by(), Why: j.input.Why, Unproven: j.input.Unproven,
	}, false)
	j.Opened = j.Opened || answer.Accepted
	switch {
	case err != nil:
		return err
	case !answer.ReadyAt.IsZero() && j.Looks > maxLooks:
		j.stop(protection.ReasonNotStable, fmt.Sprintf("after %d looks the working path was still not up unbroken for long enough", maxLooks))
		return nil
	case !answer.ReadyAt.IsZero():
		j.Next, j.WaitSeconds = NextWait, max(1, seconds(answer.ReadyAt.Sub(j.options.Clock.Now())))
		return nil
	case !answer.Accepted:
		j.stop(answer.Refused, entries(answer.Entries))
		return nil
	}
	seen, err := j.look(ctx)
	if err != nil {
		return err
	}
	j.Next, j.Steps = NextAsk, len(extentsOf(seen.Group, j.input.Unproven))
	j.ApprovalSeconds, j.SoakSeconds = max(1, seconds(seen.Group.Failback.ApprovalTimeout)), max(1, seconds(seen.Group.Failback.Soak))
	return nil
}

// by is who started the execution, as claimed.
func (j *job) by() string {
	if j.input.By == "" {
		return "execution " + j.Execution
	}
	return j.input.By
}

// precheckAgain looks once more after the approval, which can have taken its time.
func (j *job) precheckAgain(ctx context.Context) error {
	approval, err := readApproval(j.Approval)
	if err != nil {
		j.Approval = nil // It is void, and need not be carried on.
		j.stop(protection.ReasonNotApproved, err.Error())
		return nil
	}
	answer, _, err := j.tell(ctx, protection.FailbackStep{Kind: protection.FailbackBeat}, false)
	switch {
	case err != nil:
		return err
	case !answer.Accepted:
		j.stop(answer.Refused, entries(answer.Entries))
		return nil
	}
	seen, err := j.look(ctx)
	switch shown := seen.Item.Record.Failback.Plan; {
	case err != nil:
		return err
	case approval.Plan != shown:
		j.stop(protection.ReasonNotApproved, "the plan that was approved is not the one that was shown")
	case seen.Digest == "":
		return Unsettled{protection.ReasonIncomplete, "group " + j.input.Group}
	case seen.Digest != shown:
		j.stop(protection.ReasonPlanChanged, "the tables would take other changes by now than those that were approved")
	case stable(seen).After(seen.At):
		j.stop(protection.ReasonNotStable, "the working path has failed meanwhile, and would be stable again at "+stable(seen).UTC().Format(time.RFC3339))
	default:
		j.Next, j.Step = NextAdvance, 1
	}
	return nil
}

// stable is when the working path has been in its state for long enough.
func stable(seen controller.FailbackSight) time.Time {
	return seen.Since.Add(seen.Group.Failback.Stability)
}
