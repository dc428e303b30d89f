package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"detour/shared/adapter/awsstates"
	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/operator"
	"detour/shared/protection"
	"detour/shared/sim/states"
	"detour/shared/sim/statesapi"
	"detour/shared/workflow"
)

// machine is the state machine of failbacks in a world's time: its real definition on
// the simulated Step Functions, with the real tasks, over the wire.
type machine struct {
	w      *world
	tasks  *failback.Runner
	engine *states.Engine
	due    []timer
	busy   bool
	events *[]controller.Event
	// dead keeps the functions from answering, lost has the next answers of Step
	// Functions lost after their effect, and down has all calls refused.
	dead, down bool
	lost       int
	// after is called after each task.
	after func(failback.Task)
}

type timer struct {
	at time.Time
	fn func()
}

// told are the events that were published.
type told struct{ events *[]controller.Event }

func (t told) Publish(_ context.Context, event controller.Event) error {
	*t.events = append(*t.events, event)
	return nil
}

// withFailbacks gives a world a state machine.
func (w *world) withFailbacks() *machine {
	w.t.Helper()
	m := &machine{w: w, events: &[]controller.Event{}}
	m.tasks = failback.New(w.runner, failback.Options{Publish: told{m.events}, Clock: w.clock, Settle: settle})
	functions := map[string]string{}
	for _, task := range failback.Tasks() {
		functions[task.Substitution()] = string(task)
	}
	definition, err := states.Load([]byte(failback.Definition()), functions)
	if err != nil {
		w.t.Fatal(err)
	}
	m.engine = states.New(states.Options{Keeper: m, Invoke: m.invoke})
	arn := m.engine.Create(account, region, "detour-failback", "", definition)
	face := statesapi.New(m.engine)
	config := aws.Config{
		Region: region, HTTPClient: face, Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	w.flows = &flows{Machine: awsstates.New(config, awsstates.Options{ARN: arn, Clock: w.clock, CallTimeout: 5 * time.Second}), m: m}
	w.build()
	return m
}

func (m *machine) Now() time.Time { return m.w.clock.Now() }

func (m *machine) At(at time.Time, _ string, fn func()) { m.due = append(m.due, timer{at, fn}) }

// invoke runs a task when the machine is pumped next.
func (m *machine) invoke(call states.Invocation) {
	m.At(m.Now(), "", func() {
		if m.dead {
			return
		}
		task, ok := failback.TaskOf(call.Function)
		if !ok {
			m.w.t.Fatalf("there is no task %q", call.Function)
		}
		result := m.tasks.Run(m.w.t.Context(), task, call.Payload)
		if m.after != nil {
			m.after(task)
		}
		body, err := result.Body()
		if err != nil {
			cause, _ := json.Marshal(map[string]string{"errorMessage": err.Error()}) // Two strings can be written.
			call.Answer(states.Answer{Error: failback.ErrorName(err), Cause: string(cause)})
			return
		}
		call.Answer(states.Answer{Payload: body})
	})
}

// pump runs what is due, and what becomes due by it.
func (m *machine) pump() {
	if m.busy {
		return
	}
	m.busy = true
	defer func() { m.busy = false }()
	for {
		i := slices.IndexFunc(m.due, func(t timer) bool { return !t.at.After(m.Now()) })
		if i < 0 {
			return
		}
		next := m.due[i]
		m.due = slices.Delete(m.due, i, i+1)
		next.fn()
	}
}

// pass lets time pass, in steps, with what is due in it.
func (w *world) pass(d time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.clock.Advance(time.Second)
		w.wakeUp()
	}
}

// flows are the executions as the operator's tool reaches them.
type flows struct {
	*awsstates.Machine
	m *machine
}

var errDown = errors.New("nobody answers for Step Functions")

// call makes a call, whose answer can be lost.
func (f *flows) call(effect func() error) error {
	if f.m.down {
		return errDown
	}
	err := effect()
	f.m.pump()
	if f.m.lost > 0 {
		f.m.lost--
		return errDown
	}
	return err
}

func (f *flows) Start(ctx context.Context, name string, input []byte) (out workflow.Execution, err error) {
	err = f.call(func() error { out, err = f.Machine.Start(ctx, name, input); return err })
	return out, err
}

func (f *flows) Describe(ctx context.Context, name string) (out workflow.Execution, err error) {
	if f.m.down {
		return out, errDown
	}
	return f.Machine.Describe(ctx, name)
}

func (f *flows) Stage(ctx context.Context, name string) (out workflow.Stage, err error) {
	if f.m.down {
		return out, errDown
	}
	return f.Machine.Stage(ctx, name)
}

func (f *flows) List(ctx context.Context, limit int) (out []workflow.Execution, err error) {
	if f.m.down {
		return nil, errDown
	}
	return f.Machine.List(ctx, limit)
}

func (f *flows) Succeed(ctx context.Context, token string, output []byte) error {
	return f.call(func() error { return f.Machine.Succeed(ctx, token, output) })
}

func (f *flows) Fail(ctx context.Context, token, name, cause string) error {
	return f.call(func() error { return f.Machine.Fail(ctx, token, name, cause) })
}

// away is a world whose group has left A for B, and whose A has been up again for a
// while.
func away(t *testing.T, units int, up time.Duration) (*world, *machine) {
	t.Helper()
	g := group("paris", units)
	g.Failback = protection.FailbackSettings{Stability: 10 * time.Minute, Soak: time.Minute, ApprovalTimeout: time.Hour}
	w := newWorld(t, g)
	m := w.withFailbacks()
	w.adopted()
	w.down["vpn-parisA"] = true
	w.run()
	w.pass(2 * settle)
	w.run()
	w.down["vpn-parisA"] = false
	w.run()
	w.pass(up)
	w.run()
	if s := w.status(); s.Path != "B" || !s.Settled {
		t.Fatalf("the group is not away: %+v", s)
	}
	return w, m
}

// begin starts a failback, and follows it to its question.
func (w *world) begin(why string) operator.Ending {
	w.t.Helper()
	p, err := w.tool.ProposeFailback(w.t.Context(), "paris", why, false)
	if err != nil || p.Stopped() {
		w.t.Fatalf("%v, %+v", err, p)
	}
	id, err := w.tool.StartFailback(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.followed(id, operator.ToTheQuestion)
}

func (w *world) followed(id string, how operator.Follow) operator.Ending {
	w.t.Helper()
	out, err := w.tool.FollowFailback(w.t.Context(), "paris", id, how, time.Hour, func(operator.Progress) {})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// failback is the last failback of the group.
func (w *world) failback() *operator.FailbackStatus {
	w.t.Helper()
	out, err := w.tool.Failback(w.t.Context(), "paris")
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
