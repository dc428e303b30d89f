package states

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"detour/shared/sim"
)

// Invocation is a function's invocation by a Task.
type Invocation struct {
	// Execution is the ARN, State the name.
	Execution, State string
	// Function is what the definition calls it: a name or an ARN.
	Function string
	Payload  []byte
	// Answer takes the answer, from any goroutine and without the Engine's lock. Only
	// the first one counts, and only while the Task still waits for it: a function
	// whose Task has timed out or whose execution was stopped goes on by itself.
	Answer func(Answer)
}

// Answer is what came of an invocation. Source: Developer Guide, "Handling errors
// in Step Functions workflows": a function's own error has its type as its name,
// one of the service the prefix Lambda.; a function that ran out of its time is
// Sandbox.Timedout, one that died Lambda.Unknown or Runtime.ExitError.
type Answer struct {
	// Payload is the function's answer, as JSON.
	Payload []byte
	// Error is the name of the error; empty: there was none.
	Error, Cause string
}

// Options are what an Engine is made from.
type Options struct {
	Keeper sim.Timekeeper
	// Invoke invokes a function. It must not block, and is called without the lock.
	Invoke func(Invocation)
	// Pause is how long Step Functions takes from one state to the next; nil: no
	// time. AWS publishes no figure.
	Pause func() time.Duration
	// Changed is told each start and end of an execution; nil: nobody is.
	Changed func(Execution)
}

// Engine holds state machines and runs their executions. Its methods may be called
// from several goroutines; none holds the lock while it calls the Timekeeper or a
// function of the Options.
type Engine struct {
	opts Options

	mu         sync.Mutex
	machines   map[string]*machine
	executions map[string]*execution
	tokens     map[string]*attempt
	serial     int
}

// machine is a state machine.
type machine struct {
	Machine
	definition *Definition
	// executions in the order of their start.
	executions []*execution
}

// Machine is a state machine as others see it.
type Machine struct {
	ARN, Name, Role, Account, Region string
	Definition                       string
	CreatedAt                        time.Time
}

// The states of an execution. Source: API reference, DescribeExecution, status.
const (
	Running   = "RUNNING"
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	TimedOut  = "TIMED_OUT"
	Aborted   = "ABORTED"
)

// Execution is an execution as others see it.
type Execution struct {
	ARN, Name, Machine, Account, Region string
	Status                              string
	StartedAt, EndedAt                  time.Time
	Input, Output                       string
	Error, Cause                        string
	// State is the name of the state that it is in, or was in last.
	State string
}

// New returns an Engine without state machines.
func New(opts Options) *Engine {
	if opts.Pause == nil {
		opts.Pause = func() time.Duration { return 0 }
	}
	return &Engine{opts: opts, machines: map[string]*machine{}, executions: map[string]*execution{}, tokens: map[string]*attempt{}}
}

// Create makes a state machine, and returns its ARN.
func (e *Engine) Create(account, region, name, role string, d *Definition) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	arn := fmt.Sprintf("arn:%s:states:%s:%s:stateMachine:%s", partition(region), region, account, name)
	e.machines[arn] = &machine{definition: d, Machine: Machine{
		ARN: arn, Name: name, Role: role, Account: account, Region: region, Definition: d.source, CreatedAt: e.opts.Keeper.Now(),
	}}
	return arn
}

// partition is the AWS partition of a Region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// later is what an action leaves to be done once the lock is released, in order.
type later []func()

func (l *later) then(fn func()) { *l = append(*l, fn) }

// do runs fn with the lock held, and then without it what was left to be done.
func (e *Engine) do(fn func(now time.Time, l *later)) {
	var left later
	now := e.opts.Keeper.Now()
	func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		fn(now, &left)
	}()
	for _, after := range left {
		after()
	}
}

// at has fn done at an instant, if the execution still runs then.
func (e *Engine) at(l *later, x *execution, due time.Time, name string, fn func(now time.Time, l *later)) {
	l.then(func() {
		e.opts.Keeper.At(due, "state machine "+name, func() {
			e.do(func(now time.Time, l *later) {
				if x.Status == Running {
					fn(now, l)
				}
			})
		})
	})
}

// Error is the answer to a call that is refused. Source: API reference, the errors
// of each action; the texts as recorded from AWS.
type Error struct{ Code, Message string }

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// MachineByARN returns a state machine.
func (e *Engine) MachineByARN(arn string) (Machine, *Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.machine(arn)
	if err != nil {
		return Machine{}, err
	}
	return m.Machine, nil
}

func (e *Engine) machine(arn string) (*machine, *Error) {
	m := e.machines[arn]
	switch {
	case m != nil:
		return m, nil
	case !isARN(arn, "stateMachine", 7):
		return nil, refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	default:
		return nil, refuse("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
}

func isARN(arn, kind string, parts int) bool {
	part := strings.Split(arn, ":")
	return len(part) == parts && part[0] == "arn" && part[2] == "states" && part[5] == kind
}

// Machines returns an account's state machines in a Region, by name.
func (e *Engine) Machines(account, region string) []Machine {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Machine
	for _, m := range e.machines {
		if m.Account == account && m.Region == region {
			out = append(out, m.Machine)
		}
	}
	slices.SortFunc(out, func(a, b Machine) int { return strings.Compare(a.ARN, b.ARN) })
	return out
}

// Executions returns the executions of a state machine, the last started first. A
// status narrows them.
func (e *Engine) Executions(machine, status string) ([]Execution, *Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.machine(machine)
	if err != nil {
		return nil, err
	}
	var out []Execution
	for _, x := range slices.Backward(m.executions) {
		if status == "" || x.Status == status {
			out = append(out, x.view())
		}
	}
	return out, nil
}

// Execution returns an execution.
func (e *Engine) Execution(arn string) (Execution, *Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, err := e.execution(arn)
	if err != nil {
		return Execution{}, err
	}
	return x.view(), nil
}

// History returns the events of an execution so far.
func (e *Engine) History(arn string) ([]Event, *Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, err := e.execution(arn)
	if err != nil {
		return nil, err
	}
	return slices.Clone(x.events), nil
}

func (e *Engine) execution(arn string) (*execution, *Error) {
	x := e.executions[arn]
	switch {
	case x != nil:
		return x, nil
	case !isARN(arn, "execution", 8):
		return nil, refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	default:
		return nil, refuse("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
}

const (
	// maxName is how long the name of an execution may be. Source: API reference,
	// StartExecution.
	maxName = 80
	// maxPayload is the size of an input, output or result in bytes. Source:
	// Developer Guide, "Service quotas".
	maxPayload = 256 << 10
)

// Start starts an execution. While one of the same name runs, the same input
// changes nothing and answers as its start did. Source: API reference,
// StartExecution. An empty name is replaced.
func (e *Engine) Start(machine, name, input string) (x Execution, refused *Error) {
	e.do(func(now time.Time, l *later) { x, refused = e.start(now, l, machine, name, input) })
	return x, refused
}

func (e *Engine) start(now time.Time, l *later, arn, name, input string) (Execution, *Error) {
	m, err := e.machine(arn)
	if err != nil {
		return Execution{}, err
	}
	if name == "" {
		e.serial++
		name = fmt.Sprintf("00000000-0000-4000-8f00-%012x", e.serial)
	}
	if len(name) > maxName || strings.ContainsFunc(name, forbidden) {
		return Execution{}, refuse("InvalidName", "Invalid Name: '%s'", name)
	}
	data, bad := decode(input)
	if bad != nil || len(input) > maxPayload {
		return Execution{}, refuse("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", bad)
	}
	id := strings.Replace(arn, ":stateMachine:", ":execution:", 1) + ":" + name
	if old := e.executions[id]; old != nil {
		if old.Status == Running && old.Input == input {
			return old.view(), nil
		}
		return Execution{}, refuse("ExecutionAlreadyExists", "Execution Already Exists: '%s'", id)
	}
	x := &execution{engine: e, machine: m, input: data, Execution: Execution{
		ARN: id, Name: name, Machine: arn, Account: m.Account, Region: m.Region, Status: Running, StartedAt: now, Input: input,
	}}
	e.executions[id] = x
	m.executions = append(m.executions, x)
	x.note(now, "ExecutionStarted", "executionStartedEventDetails", map[string]any{"input": input, "inputDetails": whole, "roleArn": m.Role})
	x.told(l)
	if d := m.definition.timeout; d > 0 {
		e.at(l, x, now.Add(d), "timeout", x.timeOut)
	}
	x.proceed(now, l, m.definition.startAt, data)
	return x.view(), nil
}

// forbidden says whether a name must not contain the character. Source: API
// reference, StartExecution, name.
func forbidden(r rune) bool {
	return r <= ' ' || r >= 0x7f && r <= 0x9f || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r)
}

// Stop aborts an execution: no Catch runs, and what its functions still do is
// theirs. One that has ended stays as it is. Source: API reference, StopExecution.
func (e *Engine) Stop(arn, name, cause string) (x Execution, refused *Error) {
	e.do(func(now time.Time, l *later) {
		running, err := e.execution(arn)
		if err != nil {
			refused = err
			return
		}
		if running.Status == Running {
			running.end(now, l, Aborted, "ExecutionAborted", "executionAbortedEventDetails", &failure{name, cause})
		}
		x = running.view()
	})
	return x, refused
}

// Succeed answers a Task that waits for its token. Source: API reference,
// SendTaskSuccess.
func (e *Engine) Succeed(token, output string) (refused *Error) {
	e.do(func(now time.Time, l *later) {
		data, bad := decode(output)
		if bad != nil || len(output) > maxPayload {
			refused = refuse("InvalidOutput", "Invalid Output: '%v'", bad)
			return
		}
		var a *attempt
		if a, refused = e.waiting(token); refused == nil {
			a.succeed(now, l, data)
		}
	})
	return refused
}

// Fail fails a Task that waits for its token. Source: API reference,
// SendTaskFailure.
func (e *Engine) Fail(token, name, cause string) (refused *Error) {
	e.do(func(now time.Time, l *later) {
		var a *attempt
		if a, refused = e.waiting(token); refused == nil {
			a.fail(now, l, &failure{name, cause})
		}
	})
	return refused
}

// tokenPrefix begins each token before it is encoded.
const tokenPrefix = "simulated task token "

// newToken makes a task token, which is opaque to everybody else.
func (e *Engine) newToken(a *attempt) string {
	e.serial++
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d of %s", tokenPrefix, e.serial, a.x.ARN))
	e.tokens[token] = a
	return token
}

// waiting finds the Task that waits for a token.
func (e *Engine) waiting(token string) (*attempt, *Error) {
	a := e.tokens[token]
	text, err := base64.StdEncoding.DecodeString(token)
	switch {
	case a == nil && (err != nil || !strings.HasPrefix(string(text), tokenPrefix)):
		return nil, refuse("InvalidToken", "Invalid Token: 'Invalid token'")
	case a == nil:
		return nil, refuse("TaskDoesNotExist", "Task does not exist: '%s'", "the token is of no task here")
	case !a.current():
		return nil, refuse("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	}
	return a, nil
}
