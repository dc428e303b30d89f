package operator

import (
	"context"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// askEvery is how often Step Functions is asked while a failback is watched.
const askEvery = 3 * time.Second

// Follow is how far a failback is followed.
type Follow string

// How far a failback is followed.
const (
	// ToTheQuestion: until it asks for approval, waits for time, or is over.
	ToTheQuestion Follow = "question"
	// ToTheEnd: until it is known what it came to.
	ToTheEnd Follow = "end"
	// FromTheAnswer is ToTheEnd for whoever has just answered the question.
	FromTheAnswer Follow = "answer"
)

// FollowFailback looks at the record and the execution until the failback has come as
// far as wanted, for at most limit; 0 does not wait at all. The failback goes on
// whether anybody follows it or not.
func (o *Operator) FollowFailback(ctx context.Context, group, id string, how Follow, limit time.Duration, tell func(Progress)) (Ending, error) {
	out := Ending{Group: group, Request: id, Outcome: OutcomeStands}
	home, err := o.home(group)
	if err != nil {
		return out, err
	}
	g, err := o.group(group)
	if err != nil {
		return out, err
	}
	if limit <= 0 {
		out.Text = "goes on; look with detour failback status " + group
		return out, nil
	}
	w := &follower{operator: o, group: g, home: home, id: id, how: how, tell: tell}
	started := o.options.Clock.Now()
	for {
		w.look(ctx)
		now := o.options.Clock.Now()
		out.Waited, out.Seconds = true, now.Sub(started).Seconds()
		done := w.judge(&out)
		if done || ctx.Err() != nil || now.Sub(started) >= limit || o.options.Clock.Sleep(ctx, lookEvery) != nil {
			if !done {
				out.Text = "goes on; look with detour failback status " + group
			}
			return out, nil
		}
	}
}

// follower is somebody who follows a failback.
type follower struct {
	operator *Operator
	group    *protection.Group
	home     *Home
	id       string
	how      Follow
	tell     func(Progress)

	item      controller.Item
	status    *FailbackStatus // of the group's last failback, whichever it is
	execution workflow.Execution
	stage     workflow.Stage
	askedAt   time.Time
	told      string
}

// look reads the record, and now and then what Step Functions says. What cannot be
// read is read again next time.
func (w *follower) look(ctx context.Context) {
	now := w.operator.options.Clock.Now()
	items, _, err := w.home.Records.Peek(ctx, []controller.Key{controller.GroupKey(w.group.Name)})
	if err != nil {
		w.say(now, "the record store does not answer; trying again")
		return
	}
	w.item, w.status = items[0], failbackOf(w.group, items[0].Record)
	if w.home.Workflows != nil && now.Sub(w.askedAt) >= askEvery {
		w.askedAt = now
		if e, err := w.home.Workflows.Describe(ctx, w.id); err == nil {
			w.execution = e
		}
		if s, err := w.home.Workflows.Stage(ctx, w.id); err == nil {
			w.stage = s
		}
	}
	if text := w.text(); text != "" {
		w.say(now, text)
	}
}

func (w *follower) say(at time.Time, text string) {
	if w.told != text {
		w.told = text
		w.tell(Progress{Group: w.group.Name, At: at, Text: text})
	}
}

// own reports whether the record tells of the failback that is followed.
func (w *follower) own() bool { return w.status != nil && w.status.ID == w.id }

// text says how far the failback has come.
func (w *follower) text() string {
	if w.own() && w.how == FromTheAnswer && (w.status.Phase == PhaseAsking || w.status.answered()) {
		return "" // The answer is on its way.
	}
	if w.own() {
		return w.status.doing()
	}
	if meaning := stageMeaning(w.stage.State); meaning != "" {
		return meaning
	}
	return ""
}

// judge reports whether the failback has come as far as is wanted.
func (w *follower) judge(out *Ending) bool {
	out.Path = w.item.Record.Decision.To
	switch {
	case w.own() && w.status.Phase == PhaseOver:
		out.Outcome, out.Reason, out.End, out.Text = OutcomeEnded, w.status.Over, w.status.End, w.status.ending()
		if w.status.End == protection.EndRestored {
			out.Outcome = OutcomeDone
		}
		return true
	case w.how == ToTheQuestion && w.judgeQuestion(out):
		return true
	case !w.own() && w.ended():
		out.Outcome, out.Text = OutcomeEnded, "nothing was moved: "+executionText(w.execution)
		if w.status != nil && w.item.Record.Failback.At.After(w.execution.StartedAt) {
			out.Text = "another failback has begun: " + w.status.ID
		}
		return true
	}
	return false
}

// judgeQuestion reports whether the failback has come to its question, or waits for
// time.
func (w *follower) judgeQuestion(out *Ending) bool {
	switch {
	case w.own() && w.execution.Status == workflow.Aborted:
		out.Outcome, out.Text = OutcomeEnded, executionText(w.execution)+"; the authority ends by itself, or at once with detour failback abort "+w.group.Name
		return true
	case w.own() && w.status.Phase == PhaseAsking:
		out.Outcome, out.Text = OutcomeDone, w.status.doing()+": "+w.status.Approve
		return true
	case w.own() && w.status.Phase == PhaseMoving:
		out.Outcome, out.Text = OutcomeDone, w.status.doing()
		return true
	case w.stage.State == stageWaits:
		out.Text, out.Waited = stageMeaning(stageWaits)+"; then it asks for approval", false
		return true
	}
	return false
}

// ended reports whether the execution is over.
func (w *follower) ended() bool { return w.execution.Name != "" && w.execution.Status.Over() }

// executionText is how an execution stands, in words.
func executionText(e workflow.Execution) string {
	text := "the execution has " + map[workflow.Status]string{
		workflow.Running: "not ended", workflow.Succeeded: "ended", workflow.Failed: "failed", workflow.TimedOut: "run out of time", workflow.Aborted: "been stopped",
	}[e.Status]
	if why := whyOf(e); why != "" {
		text += ": " + shown(why)
	}
	return text
}
