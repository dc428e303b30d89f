package failback

import (
	"context"
	"fmt"
	"time"

	"detour/shared/protection"
)

// advance moves the units of one step.
func (j *job) advance(ctx context.Context) error {
	approval, err := readApproval(j.Approval)
	if err != nil {
		return err
	}
	seen, err := j.look(ctx)
	if err != nil {
		return err
	}
	extents := extentsOf(seen.Group, j.input.Unproven)
	if j.Step < 1 || j.Step > len(extents) || j.Steps != len(extents) {
		return Refused{protection.ReasonConfiguration, fmt.Sprintf("step %d of %d, and there are %d by now", j.Step, j.Steps, len(extents))}
	}
	soak := time.Duration(j.SoakSeconds) * time.Second
	answer, _, err := j.tell(ctx, protection.FailbackStep{
		Kind: protection.FailbackAdvance, Extent: extents[j.Step-1], Plan: approval.Plan, Approver: approval.By,
		For: j.lasting(ctx) + soak,
	}, true)
	switch {
	case err != nil:
		return err
	case !answer.Accepted:
		return refused(answer)
	}
	return nil
}
