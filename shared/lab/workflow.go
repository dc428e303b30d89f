package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/protection"
	"detour/shared/sim/states"
)

// stateMachine is the name of the workflow, and roleOfMachine that of its role.
const (
	stateMachine  = "detour-failback"
	roleOfMachine = "detour-failback"
)

// causeWorkflow is why a function runs that is a task.
const causeWorkflow = "workflow"

// Workflow is Step Functions in a rig, with the state machine of failbacks. The
// tasks are functions of the rig like the others.
type Workflow struct {
	rig    *Rig
	Engine *states.Engine
	// ARN is that of the state machine.
	ARN string
	// Started are the executions that somebody started, in order.
	Started []StartedFailback
	// ended is told of the end of each task before Step Functions is; nil: nobody is.
	ended func(*Run)
}

// StartedFailback is an execution that somebody started for a group.
type StartedFailback struct {
	At         time.Time
	Group, ARN string
}

// Workflow returns the workflow of the rig, which is made when it is first asked for.
func (r *Rig) Workflow() (*Workflow, error) {
	if r.workflow != nil {
		return r.workflow, nil
	}
	functions := map[string]string{}
	for _, task := range failback.Tasks() {
		functions[task.Substitution()] = fmt.Sprintf("arn:aws:lambda:%s:%s:function:detour-%s", r.homeRegion(), r.home, task.Function())
	}
	definition, err := states.Load([]byte(failback.Definition()), functions)
	if err != nil {
		return nil, fmt.Errorf("loading the state machine: %w", err)
	}
	w := &Workflow{rig: r}
	w.Engine = states.New(states.Options{Keeper: r.Scheduler, Invoke: w.invoke, Pause: w.pause})
	role := fmt.Sprintf("arn:aws:iam::%s:role/%s", r.home, roleOfMachine)
	w.ARN = w.Engine.Create(r.home, r.homeRegion(), stateMachine, role, definition)
	r.workflow = w
	return w, nil
}

// pause is how long Step Functions takes from state to state: some tens of
// milliseconds.
func (w *Workflow) pause() time.Duration {
	return time.Duration(20+w.rig.Scheduler.Rand().IntN(60)) * time.Millisecond
}

// invoke runs a task as its Lambda function. Lambda tries nothing again that is
// invoked so.
func (w *Workflow) invoke(call states.Invocation) {
	_, name, _ := strings.Cut(call.Function, ":function:detour-")
	w.rig.start(Function(name), call.Payload, causeWorkflow, 1, func(run *Run) {
		if w.ended != nil {
			w.ended(run)
		}
		call.Answer(answerOf(run))
	})
}

// answerOf is what Step Functions learns of a run. Sources: Step Functions Developer
// Guide, "Handling errors in Step Functions workflows"; Lambda Developer Guide, the
// errors of runtimes.
func answerOf(run *Run) states.Answer {
	fail := func(name, message string) states.Answer {
		cause, err := json.Marshal(map[string]string{"errorType": name, "errorMessage": message})
		if err != nil {
			panic(err) // A map of strings always marshals.
		}
		return states.Answer{Error: name, Cause: string(cause)}
	}
	switch {
	case !run.Finished && run.Ended.Sub(run.Started) >= functionTimeout:
		return fail("Sandbox.Timedout", fmt.Sprintf("Error: Task timed out after %.2f seconds", functionTimeout.Seconds()))
	case !run.Finished:
		return fail("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")
	}
	body, err := run.Outcome.Answer()
	if err != nil {
		return fail(failback.ErrorName(err), err.Error())
	}
	return states.Answer{Payload: body}
}

// failbacks does a step about a failback, as the command line does it.
func (r *Rig) failbacks(step Step) error {
	w, err := r.Workflow()
	if err != nil {
		return err
	}
	switch step.Do {
	case FailbackStart:
		return w.start(step)
	case FailbackApprove, FailbackReject:
		return w.answer(step)
	case FailbackAbort:
		return w.abort(step)
	default:
		return w.stop(step)
	}
}

// record is the group's record as it stands.
func (r *Rig) record(group string) (protection.Record, error) {
	items, _, err := r.Store.Peek(context.Background(), []controller.Key{controller.GroupKey(group)})
	if err != nil || len(items) == 0 {
		return protection.Record{}, fmt.Errorf("reading the record of group %s: %w", group, err)
	}
	return items[0].Record, nil
}

// start starts an execution under the next name that is free, or under the id of the
// step. One that runs by that name is left to run.
func (w *Workflow) start(step Step) error {
	record, err := w.rig.record(step.Group)
	if err != nil {
		return err
	}
	name := step.ID
	for attempt := 1; name == ""; attempt++ {
		name = failback.Name(step.Group, record.Decision.Epoch, attempt)
		if _, missing := w.Engine.Execution(w.execution(name)); missing == nil {
			name = ""
		}
	}
	input, err := json.Marshal(failback.Input{Group: step.Group, By: cmp.Or(step.By, "operator"), Unproven: step.Unproven})
	if err != nil {
		return err
	}
	started := StartedFailback{At: w.rig.Scheduler.Now(), Group: step.Group, ARN: w.execution(name)}
	switch _, refused := w.Engine.Start(w.ARN, name, string(input)); {
	case refused == nil:
		w.Started = append(w.Started, started)
		return nil
	case refused.Code == "ExecutionAlreadyExists": // The operator is told so.
		return nil
	default:
		return refused
	}
}

// execution is the ARN of the execution of that name.
func (w *Workflow) execution(name string) string {
	return strings.Replace(w.ARN, ":stateMachine:", ":execution:", 1) + ":" + name
}

// answer approves or rejects.
func (w *Workflow) answer(step Step) error {
	record, err := w.rig.record(step.Group)
	if err != nil {
		return err
	}
	f := record.Failback
	if !f.Open() || f.Token == "" {
		return fmt.Errorf("group %s waits for no approval of a failback", step.Group)
	}
	by := cmp.Or(step.By, "operator")
	if step.Do == FailbackReject {
		if refused := w.Engine.Fail(f.Token, "Rejected", "rejected by "+by); refused != nil {
			return refused
		}
		return nil
	}
	output, err := json.Marshal(failback.Approval{Plan: cmp.Or(step.Plan, f.Plan), By: by})
	if err != nil {
		return err
	}
	if refused := w.Engine.Succeed(f.Token, string(output)); refused != nil {
		return refused
	}
	return nil
}

// abort asks for the end of the authority, and answers the question if one waits.
func (w *Workflow) abort(step Step) error {
	record, err := w.rig.record(step.Group)
	if err != nil {
		return err
	}
	err = w.rig.request(Step{At: step.At, Do: MakeRequest, Group: step.Group, Kind: string(protection.FailbackAbort)})
	if err != nil || record.Failback.Token == "" {
		return err
	}
	_ = w.Engine.Fail(record.Failback.Token, "Aborted", "aborted by "+cmp.Or(step.By, "operator")) // The task may have ended by itself.
	return nil
}

// stop stops the group's execution that was started last, from outside.
func (w *Workflow) stop(step Step) error {
	for i := len(w.Started) - 1; i >= 0; i-- {
		if w.Started[i].Group != step.Group {
			continue
		}
		if _, refused := w.Engine.Stop(w.Started[i].ARN, "", "stopped by "+cmp.Or(step.By, "operator")); refused != nil {
			return refused
		}
		return nil
	}
	return fmt.Errorf("no execution was started for group %s", step.Group)
}

// isFailback reports whether the verb is about a failback.
func isFailback(verb Verb) bool {
	switch verb {
	case FailbackStart, FailbackApprove, FailbackReject, FailbackAbort, StopExecution:
		return true
	default:
		return false
	}
}

// taskOf is the task that a function is for.
func taskOf(fn Function) failback.Task {
	task, ok := failback.TaskOf(strings.TrimPrefix(string(fn), "failback-"))
	if !ok {
		panic("lab: there is no function " + string(fn))
	}
	return task
}
