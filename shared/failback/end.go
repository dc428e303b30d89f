package failback

import (
	"context"
	"encoding/json"
	"strings"

	"detour/shared/controller"
	"detour/shared/explain"
	"detour/shared/protection"
)

// undo ends the authority, and brings back what has moved.
func (j *job) undo(ctx context.Context) error {
	reason, _ := j.ending()
	// A refusal means that there is nothing of this failback to undo any more.
	_, _, err := j.tell(ctx, protection.FailbackStep{Kind: protection.FailbackUndo, Reason: reason}, true)
	if err == nil {
		j.Next = NextClose
	}
	return err
}

// close ends the failback in the record, and says what it came to. wrong says why the
// input means nothing.
func (j *job) close(ctx context.Context, wrong error) error {
	switch {
	case wrong != nil && j.Opened: // It did when the failback was opened.
		j.End, j.Why = protection.EndSuperseded, "the configuration was changed: "+wrong.Error()
		return nil
	case wrong != nil:
		j.End, j.Why = protection.EndAsBefore, "nothing was moved: "+wrong.Error()
		return nil //nolint:nilerr // As above.
	}
	reason, why := j.ending()
	kind := protection.FailbackClose
	if j.Caught != nil {
		// The undo may not have been heard. This role writes nothing: a run that is woken does.
		kind = protection.FailbackUndo
	}
	_, last, err := j.tell(ctx, protection.FailbackStep{Kind: kind, Reason: reason}, false)
	if err != nil {
		return err
	}
	if j.End = j.endOf(last); j.End == "" {
		return Unsettled{protection.ReasonNotSettled, "the group is still on its way to one path"}
	}
	j.Why = string(j.End)
	if over := last.Output.Next.Failback; over.ID == j.Execution && over.Over != "" && over.Over != protection.ReasonDone {
		j.Why += ": " + string(over.Over)
	}
	if why != "" {
		j.Why += ": " + why
	}
	return nil
}

// endOf is what the failback came to, by the record after the run; empty: that is not
// to be told yet.
func (j *job) endOf(last controller.Report) protection.FailbackEnd {
	switch next := last.Output.Next; {
	case next.Failback.ID == j.Execution:
		return next.FailbackEnd()
	case j.Opened:
		return protection.EndSuperseded // Another one has been opened since.
	default:
		return protection.EndAsBefore // It was refused.
	}
}

// ending is why the workflow goes no further, as a reason and in words.
func (j *job) ending() (protection.Reason, string) {
	if j.Reason != "" {
		return j.Reason, j.Why
	}
	if j.Caught == nil {
		return protection.ReasonDone, ""
	}
	words := j.Caught.words()
	asked := j.Opened && j.Step == 0 && j.Approval == nil
	switch {
	case j.Caught.Error == "Rejected":
		return protection.ReasonRejected, words
	case j.Caught.Error == "Aborted":
		return protection.ReasonAborted, words
	case j.Caught.Error == "States.Timeout" && asked:
		return protection.ReasonApprovalTimeout, "nobody approved in time"
	case j.Caught.Error == "States.DataLimitExceeded" && asked:
		return protection.ReasonNotApproved, "the answer is larger than the 256 KiB that Step Functions carries; approve with detour failback approve " + j.input.Group
	case j.Caught.Error == ErrorName(Unverified{}):
		return protection.ReasonVerifyFailed, words
	case j.Caught.Error == ErrorName(Refused{}) && refusedFor(words) != "":
		return refusedFor(words), words
	default:
		return protection.ReasonTaskFailed, j.Caught.Error + ": " + words
	}
}

// refusedFor is the reason in the words of a Refused; empty: there is none.
func refusedFor(words string) protection.Reason {
	rest, ok := strings.CutPrefix(words, Refused{}.Error()+": ")
	if !ok {
		return ""
	}
	reason, _, _ := strings.Cut(rest, ":")
	return protection.Reason(reason)
}

// words are what the error says. That of a function is in JSON (Lambda Developer
// Guide, function errors).
func (c Caught) words() string {
	var function struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(c.Cause), &function) == nil && function.Message != "" {
		return explain.Shown(short(oneLine(function.Message), maxText))
	}
	return explain.Shown(short(oneLine(c.Cause), maxText))
}
