package lab

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/protection"
	"detour/shared/sim/states"
)

// What a failback can be expected to be beside its ends.
const (
	failbackNone   = "none"
	failbackOpen   = "open"
	failbackEnding = "ending"
)

// failbackIs are the words for how a failback stands.
func failbackIs() []string {
	return []string{
		failbackNone, failbackOpen, failbackEnding,
		string(protection.EndRestored), string(protection.EndAsBefore), string(protection.EndSuperseded), string(protection.EndHeldPartial),
	}
}

// standsAs is the word for how the record's failback stands.
func standsAs(record protection.Record) string {
	switch {
	case record.Failback.ID == "":
		return failbackNone
	case record.Failback.Open():
		return failbackOpen
	default:
		return cmp.Or(string(record.FailbackEnd()), failbackEnding)
	}
}

// expectFailback looks at the last failback of a group, in its record and in the
// state machine.
func (res *Result) expectFailback(e FailbackExpectation) {
	record, err := res.Rig.record(e.Group)
	if err != nil {
		res.Rig.fail(err)
		return
	}
	var said, wrong []string
	compare := func(what, got, want string) {
		if want == "" {
			return
		}
		said = append(said, what+" "+cmp.Or(got, "none"))
		if got != want {
			wrong = append(wrong, fmt.Sprintf("expected %s", want))
		}
	}
	compare("is", standsAs(record), e.Is)
	compare("over:", string(record.Failback.Over), e.Over)
	compare("state", res.Rig.stateOf(e.Group, e.Execution), e.State)
	res.observe(e.At, len(wrong) == 0, strings.Join(append([]string{"the failback of " + e.Group + " " + strings.Join(said, ", ")}, wrong...), ", "))
}

// stateOf is the state that an execution of the group is in, or was in last: the one of
// this name, or the one that was started last.
func (r *Rig) stateOf(group, name string) string {
	if r.workflow == nil {
		return ""
	}
	for _, s := range slices.Backward(r.workflow.Started) {
		if s.Group == group && (name == "" || strings.HasSuffix(s.ARN, ":"+name)) {
			x, _ := r.workflow.Engine.Execution(s.ARN) // It was started.
			return x.State
		}
	}
	return ""
}

// failbacks checks the expectations of failbacks.
func (k *scenarioCheck) failbacks() {
	for i, e := range k.s.Expect.Failbacks {
		path := fmt.Sprintf("expect.failbacks[%d]", i)
		k.at(path, e.At)
		k.oneOf(path+".group", e.Group, "is not a group of this file", k.groupsAt(e.At))
		if e.Is != "" {
			k.oneOf(path+".is", e.Is, "is not how a failback can stand", failbackIs())
		}
		if e.Is == "" && e.Over == "" && e.State == "" {
			k.add(path, "", "expects nothing", "write is:, over: or state:")
		}
	}
}

// span is when a failback of a group was under way: from its start until its end, and
// as long after it as its authority may last and two sweeps take.
type span struct {
	group       string
	from, until time.Time
}

// failbackSpans are those of a run.
func (r *Rig) failbackSpans(end time.Time) []span {
	if r.workflow == nil {
		return nil
	}
	after := protection.FailbackAuthority + 2*time.Duration(r.opts.Config.Timers.SweepPeriod) + longEnough
	var out []span
	for _, s := range r.workflow.Started {
		x, _ := r.workflow.Engine.Execution(s.ARN) // It was started.
		until := end
		if x.Status != states.Running {
			until = x.EndedAt.Add(after)
		}
		out = append(out, span{group: s.Group, from: s.At, until: until})
	}
	return out
}

// failbacks tells what the state machine does.
func (t *timeline) failbacks() {
	w := t.res.Rig.workflow
	if w == nil {
		return
	}
	for _, s := range w.Started {
		x, _ := w.Engine.Execution(s.ARN) // It was started.
		t.add(s.At, rankNetwork, "operator", loud, "starts a failback of %s (execution %s)", s.Group, x.Name)
		events, _ := w.Engine.History(s.ARN) // As above.
		for _, e := range events {
			text := func(name string) string { value, _ := e.Details[name].(string); return value }
			switch {
			case strings.HasSuffix(e.Type, "StateEntered") && !strings.HasPrefix(e.Type, "Choice") && !strings.HasPrefix(e.Type, "Pass"):
				t.add(e.At, rankAWS, "workflow", plain, "%s: %s", s.Group, text("name"))
			case e.Type == "TaskFailed", e.Type == "TaskTimedOut":
				t.add(e.At, rankAWS, "workflow", bad, "%s: the task fails: %s", s.Group, text("error"))
			case e.Type == "ExecutionAborted":
				t.add(e.At, rankNetwork, "operator", bad, "stops the execution of %s from outside", s.Group)
			}
		}
	}
}
