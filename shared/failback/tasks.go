package failback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
)

// Controller is what the tasks need of the controller of the groups.
type Controller interface {
	Names() []string
	Preview(ctx context.Context, groups []string) (*controller.Sight, error)
	Failback(ctx context.Context, group string, step protection.FailbackStep, lookOnly bool, event string) []controller.Report
}

// Options are what the tasks need beside the controller.
type Options struct {
	// Publish tells people that their approval is waited for.
	Publish controller.Publisher
	Clock   controller.Clock
	// Settle is the time between two readings that have to agree.
	Settle time.Duration
	// Elsewhere are the groups whose home is another one, with that home, for whoever
	// starts a failback in the wrong place.
	Elsewhere map[string]string
}

// Runner runs the tasks. It may be used by several invocations at once.
type Runner struct {
	controller Controller
	options    Options
}

// New returns a runner for the groups of a controller.
func New(c Controller, options Options) *Runner { return &Runner{controller: c, options: options} }

// Result is what came of one task.
type Result struct {
	// Group and Execution are what it was for, as far as they could be read.
	Group     string
	Execution string
	// State is the answer, if Err is nil.
	State State
	// Reports are those of the controller's runs.
	Reports []controller.Report
	Err     error
}

// Body is the answer as JSON.
func (r Result) Body() ([]byte, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	body, err := json.Marshal(r.State)
	if err != nil {
		return nil, fmt.Errorf("writing the answer of a task: %w", err)
	}
	return body, nil
}

// Run runs a task on what its function was given.
func (r *Runner) Run(ctx context.Context, task Task, raw []byte) Result {
	given, err := readPayload(task, raw)
	j := &job{Runner: r, State: given.State, again: given.Again, token: given.Token}
	if err == nil {
		err = j.check()
	}
	switch {
	case task == Close && given.Task == Close:
		err = j.close(ctx, err)
	case err != nil:
	case task == Precheck && j.again:
		err = j.precheckAgain(ctx)
	case task == Precheck:
		err = j.precheck(ctx)
	case task == Ask:
		err = j.ask(ctx)
	case task == Advance:
		err = j.advance(ctx)
	case task == Verify:
		err = j.verify(ctx)
	case task == Undo:
		err = j.undo(ctx)
	}
	return Result{Group: j.input.Group, Execution: given.State.Execution, State: j.State, Reports: j.reports, Err: err}
}

// job is one run of a task.
type job struct {
	*Runner
	State

	input   Input
	again   bool
	token   string
	reports []controller.Report
}

// check reads what the execution was started with.
func (j *job) check() error {
	if err := checkName(j.Execution); err != nil {
		return err
	}
	input, err := readInput(j.Input)
	if err != nil {
		return err
	}
	names := j.controller.Names()
	if !slices.Contains(names, input.Group) {
		wrong := Invalid{Field: "group", Value: quoted(input.Group), Problem: "is not configured", Remedy: "name one of " + few(names)}
		if home := j.options.Elsewhere[input.Group]; home != "" {
			wrong.Problem, wrong.Remedy = "has its home in account "+home, "start the execution there"
		}
		return wrong
	}
	j.input = input
	return nil
}

// few names the first of many.
func few(names []string) string {
	const most = 10
	if len(names) == 0 {
		return "the groups of another home: there is none here"
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// tell brings the workflow's word to the record, in one run of the controller. What was
// refused for good is no error: err says that it is worth asking again.
func (j *job) tell(ctx context.Context, step protection.FailbackStep, writes bool) (protection.FailbackAnswer, controller.Report, error) {
	step.ID = j.Execution
	if step.For == 0 {
		step.For = j.lasting(ctx)
	}
	reports := j.controller.Failback(ctx, j.input.Group, step, !writes, j.Execution)
	j.reports = append(j.reports, reports...)
	answer, last := controller.AnswerOf(reports)
	if answer.Accepted || !answer.Retry {
		return answer, last, nil
	}
	detail := "group " + j.input.Group
	switch {
	case answer.Refused == protection.ReasonBusy && last.Err != nil:
		return answer, last, Throttled{detail + ": the record store could not be used"}
	case answer.Refused == protection.ReasonBusy:
		return answer, last, Busy{detail + ": another run has it"}
	case throttled(last):
		return answer, last, Throttled{detail + ": " + string(answer.Refused)}
	default:
		return answer, last, Unsettled{answer.Refused, detail}
	}
}

// lasting is how long the authority lasts from a task's word on. What follows is silence
// only once the task has ended, and it may take until its function's time is over.
func (j *job) lasting(ctx context.Context) time.Duration {
	until, ok := ctx.Deadline()
	if !ok {
		return protection.FailbackAuthority
	}
	return max(until.Sub(j.options.Clock.Now()), 0) + protection.FailbackAuthority
}

// throttled: AWS did not let the tables or lists be read.
func throttled(r controller.Report) bool {
	return slices.ContainsFunc(r.Problems, func(p controller.TableProblem) bool { return p.Problem == route.ProblemThrottled }) ||
		slices.ContainsFunc(r.ListProblems, func(p controller.ListProblem) bool { return p.Problem == route.ProblemThrottled })
}

// refused is the error of an answer that is final.
func refused(answer protection.FailbackAnswer) error {
	return Refused{Reason: answer.Refused, Detail: entries(answer.Entries)}
}

// entries names the first entries that stand in the way.
func entries(keys []protection.EntryKey) string {
	if len(keys) == 0 {
		return ""
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.String()
	}
	return few(names)
}

// look looks at the group without a lease.
func (j *job) look(ctx context.Context) (controller.FailbackSight, error) {
	sight, err := j.controller.Preview(ctx, []string{j.input.Group})
	if err != nil {
		return controller.FailbackSight{}, Throttled{"group " + j.input.Group + ": the record store could not be read"}
	}
	seen, ok := sight.Failback(j.input.Group, j.input.Unproven)
	if !ok {
		return seen, errors.New("a group that is configured was not looked at")
	}
	return seen, nil
}

// stop ends the workflow without an error: nothing has moved.
func (j *job) stop(reason protection.Reason, why string) {
	j.Next, j.Reason, j.Why = NextClose, reason, refusal("nothing was moved", reason, why)
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int { return int((max(d, 0) + time.Second - 1) / time.Second) }
