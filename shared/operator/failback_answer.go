package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/failback"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// CheckPlan refuses the beginning of a digest that is none, or too short to tell plans
// apart.
func CheckPlan(digest string) error {
	switch {
	case strings.Trim(digest, "0123456789abcdef") != "":
		return fmt.Errorf("--plan is %q, which is not the beginning of a digest; copy the one that detour failback status shows", digest)
	case len(digest) < explain.ShortPlan:
		return fmt.Errorf("--plan is %q, which has %d characters; write the %d that detour failback status shows, or all 64", digest, len(digest), explain.ShortPlan)
	case len(digest) > 64:
		return fmt.Errorf("--plan has %d characters, and a digest has 64; copy the one that detour failback status shows", len(digest))
	}
	return nil
}

// CheckAnswer refuses an answer to a failback that waits for none. digest is the plan
// that whoever approves has seen; empty: they are shown it now.
func (f *FailbackStatus) CheckAnswer(group, digest string) error {
	switch {
	case f == nil:
		return fmt.Errorf("group %s has no failback, so nothing waits for an answer; start one with detour failback start %s", group, group)
	case !f.Open():
		return fmt.Errorf("the last failback of group %s, %s, is over (%s), so nothing waits for an answer; start another one with detour failback start %s", group, f.ID, overText(f), group)
	case f.answered():
		return fmt.Errorf("%s was answered already, and looks once more before anything moves; to end it run detour failback abort %s", f.name(), group)
	case f.Phase == PhasePrecheck:
		return fmt.Errorf("%s does not ask yet: %s; look again with detour failback status %s", f.name(), f.doing(), group)
	case f.Phase != PhaseAsking:
		return fmt.Errorf("%s was approved by %s and goes on; to end it run detour failback abort %s", f.name(), shown(or(f.Approved, "somebody")), group)
	case digest != "" && !strings.HasPrefix(f.Plan, digest):
		return fmt.Errorf("--plan is %s, and %s asks about plan %s; look at that one with detour failback status %s", digest, f.name(), shortPlan(f.Plan), group)
	}
	return nil
}

// CheckApproval refuses an approval that would be void.
func (f *FailbackStatus) CheckApproval() error {
	switch {
	case f.Show == nil:
		return fmt.Errorf("a table of group %s could not be read whole, so it cannot be seen whether the plan still holds; look with detour status %s, and ask again", f.Group, f.Group)
	case f.Changed:
		return fmt.Errorf("since plan %s was shown what would be written has become another plan, %s, so an approval would be void; reject it with detour failback reject %s, and start another one",
			shortPlan(f.Plan), shortPlan(f.Show.Plan), f.Group)
	}
	return nil
}

func shortPlan(digest string) string { return digest[:min(len(digest), explain.ShortPlan)] }

// ApproveFailback approves the plan that the failback has shown.
func (o *Operator) ApproveFailback(ctx context.Context, f *FailbackStatus, why string) error {
	output, err := json.Marshal(failback.Approval{Plan: f.Plan, By: o.options.By})
	if err != nil {
		return fmt.Errorf("writing the approval: %w", err)
	}
	return o.answer(ctx, f, ActFailbackApproved, why, func(w Workflows) error { return w.Succeed(ctx, f.token, output) })
}

// RejectFailback answers the question with a no.
func (o *Operator) RejectFailback(ctx context.Context, f *FailbackStatus, why string) error {
	return o.answer(ctx, f, ActFailbackRejected, why, func(w Workflows) error { return w.Fail(ctx, f.token, "Rejected", o.cause(why)) })
}

// cause says who ends a failback, and why: what Step Functions keeps with it.
func (o *Operator) cause(why string) string {
	if strings.TrimSpace(why) == "" {
		return "by " + o.options.By
	}
	return "by " + o.options.By + ": " + why
}

// answer writes the journal, and then gives the answer. It is given again while it is
// not known whether it arrived; that nobody waits for it then says that it did, or that
// it came too late, and what follows shows which.
func (o *Operator) answer(ctx context.Context, f *FailbackStatus, act controller.Act, why string, give func(Workflows) error) error {
	home, err := o.home(f.Group)
	if err != nil {
		return err
	}
	if home.Workflows == nil {
		return errNoMachine(home)
	}
	if err := o.noteFailback(ctx, home, f.Group, act, f.ID, f.Plan, why); err != nil {
		return fmt.Errorf("nothing was answered, because the journal cannot be written: %w", err)
	}
	unsure, refused := false, error(nil)
	err = o.again(ctx, func() error {
		err := give(home.Workflows)
		if errors.Is(err, workflow.ErrNotAwaited) {
			if !unsure {
				refused = fmt.Errorf("%s does not wait for an answer any more: it has got one, its time was over, or it was stopped; look with detour failback status %s", f.name(), f.Group)
			}
			return nil
		}
		unsure = unsure || err != nil
		return err
	})
	return errors.Join(refused, err)
}

// ProposeAbort works out what ending the group's failback would lead to; nil: no run
// has anything to end, since it has been opened by none yet.
func (o *Operator) ProposeAbort(ctx context.Context, f *FailbackStatus, why string) (*Proposal, error) {
	if f.At.IsZero() || !f.opened() {
		return nil, nil
	}
	if strings.TrimSpace(why) == "" {
		why = "no reason was given"
	}
	return o.Propose(ctx, Act{Kind: protection.FailbackAbort, Groups: []string{f.Group}, Why: why})
}

// CheckAbort refuses to end a failback that does not go on.
func (f *FailbackStatus) CheckAbort(group string) error {
	switch {
	case f == nil:
		return fmt.Errorf("group %s has no failback, so there is nothing to abort", group)
	case !f.Open():
		return fmt.Errorf("the last failback of group %s, %s, is over (%s), so there is nothing to abort", group, f.ID, overText(f))
	}
	return nil
}

// opened reports whether the failback is in the group's record.
func (f *FailbackStatus) opened() bool { return !f.Until.IsZero() }

// AbortFailback ends a failback: by a request to the group's next run, and, lest the
// workflow waits on, by an answer to the question or by stopping an execution that has
// opened nothing. late says why no wake-up was sent.
func (o *Operator) AbortFailback(ctx context.Context, f *FailbackStatus, p *Proposal, why string) (late, err error) {
	home, err := o.home(f.Group)
	if err != nil {
		return nil, err
	}
	if p != nil {
		if late, err = o.Carry(ctx, p); err != nil {
			return nil, err
		}
	}
	if home.Workflows == nil {
		return late, nil
	}
	switch {
	case f.Phase == PhaseAsking:
		err = home.Workflows.Fail(ctx, f.token, "Aborted", o.cause(why))
	case p == nil:
		if err = o.noteFailback(ctx, home, f.Group, ActFailbackRejected, f.ID, "", why); err == nil {
			err = home.Workflows.Stop(ctx, f.ID, "Aborted", o.cause(why))
		}
	}
	if errors.Is(err, workflow.ErrNotAwaited) {
		err = nil // It was answered meanwhile; the request ends it all the same.
	}
	return late, err
}
