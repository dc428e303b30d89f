package failback

import (
	"context"
	"errors"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
)

// shownRoutes is how many routes a notification has at most, and shownBytes how long its
// text is: an event has 256 KB with all that is around it (EventBridge quotas), and so
// has a message of SNS. In JSON a line takes some bytes more.
const (
	shownRoutes = 1000
	shownBytes  = 200 << 10
)

// ask shows the plan, and leaves the token with which it is answered in the record.
func (j *job) ask(ctx context.Context) error {
	if j.token == "" {
		return Invalid{Field: "token", Problem: "is missing", Remedy: "let the state machine invoke the function with .waitForTaskToken, and pass $$.Task.Token"}
	}
	seen, err := j.look(ctx)
	switch {
	case err != nil:
		return err
	case seen.Digest == "":
		return Unsettled{protection.ReasonIncomplete, "group " + j.input.Group}
	}
	wait := time.Duration(j.ApprovalSeconds) * time.Second
	answer, _, err := j.tell(ctx, protection.FailbackStep{
		Kind: protection.FailbackAsk, Plan: seen.Digest, Steps: plan.DigestsOf(seen.Steps), Lists: seen.Lists, Token: j.token,
		For: wait + protection.FailbackAuthority,
	}, false)
	switch {
	case err != nil:
		return err
	case !answer.Accepted:
		return refused(answer)
	}
	now := j.options.Clock.Now()
	event := controller.Event{
		Kind: controller.EventFailbackAsked, Group: j.input.Group, At: now, Decision: seen.Report.Decision,
		Detail: j.shown(seen, now.Add(wait)),
	}
	if err := j.options.Publish.Publish(ctx, event); err != nil {
		// Whoever started it can see the question with detour failback status. A token that
		// is in the record is not to be made anew for a notice.
		j.reports[len(j.reports)-1].Err = errors.Join(j.reports[len(j.reports)-1].Err, err)
	}
	return nil
}

// shown is what those are told who are to approve.
func (j *job) shown(seen controller.FailbackSight, until time.Time) string {
	f := Show(seen)
	f.ID, f.By, f.Why, f.Unproven, f.Until = j.Execution, j.by(), j.input.Why, j.input.Unproven, until.UTC()
	routes := shownRoutes
	text := f.Text(routes)
	for ; len(text) > shownBytes && routes > 1; text = f.Text(routes) {
		routes /= 2
	}
	return text
}
