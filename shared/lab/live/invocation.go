package live

import (
	"context"
	"errors"
	"time"

	"detour/shared/config"
	"detour/shared/lab/lambdahost"
)

// The causes of an invocation.
const (
	// CauseEvent is a rule of EventBridge that matched.
	CauseEvent = "event"
	// CauseWakeUp is a batch of the queue.
	CauseWakeUp = "wake-up"
	// CauseSchedule is the schedule of the sweep.
	CauseSchedule = "schedule"
	// CauseWorkflow is a task of a state machine.
	CauseWorkflow = "workflow"
	// CauseLab is somebody who asked the lab for it.
	CauseLab = "lab"
)

// The results of an invocation.
const (
	// Succeeded: the function answered.
	Succeeded = "succeeded"
	// Failed: the function answered an error, ran into its timeout or died.
	Failed = "failed"
	// Throttled: all environments were busy; the function did not see the event.
	Throttled = "throttled"
	// Unavailable: the function could not be invoked, as with a 5xx of Lambda.
	Unavailable = "unavailable"
)

// Invocation is one attempt to have a function handle something.
type Invocation struct {
	Function string      `json:"function"`
	Home     config.Home `json:"home"`
	Cause    string      `json:"cause"`
	// Attempt counts from 1 to 1 plus the number of retry delays. A throttled
	// attempt is made again under the same number.
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Ended   time.Time `json:"ended"`
	Payload []byte    `json:"-"`

	Result    string `json:"result"`
	RequestID string `json:"requestId,omitempty"`
	// Answer is what the function answered.
	Answer []byte `json:"-"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
	// Cold: a new environment was started for it.
	Cold bool `json:"cold,omitempty"`
	// Start is how long the environment took to start, Took how long the function ran.
	Start time.Duration `json:"start,omitempty"`
	Took  time.Duration `json:"took,omitempty"`
	// MaxRSS is the environment's peak memory in bytes.
	MaxRSS int64 `json:"maxRss,omitempty"`
}

// invoker is a function that can be invoked: a lambdahost.Function, or a fake.
type invoker interface {
	Invoke(ctx context.Context, payload []byte) (lambdahost.Result, error)
}

// target is one function of one home, with what every way of invoking it needs.
type target struct {
	name string
	home config.Home
	host invoker
	now  func() time.Time
	// begins and ends are told of every attempt. They must not block.
	begins func(Invocation)
	ends   func(Invocation)
}

// invoke makes one attempt. The last result reports whether the context ended
// first, so that the attempt means nothing.
func (t *target) invoke(ctx context.Context, payload []byte, cause string, attempt int) (Invocation, bool) {
	in := Invocation{Function: t.name, Home: t.home, Cause: cause, Attempt: attempt, At: t.now(), Payload: payload}
	t.begins(in)
	result, err := t.host.Invoke(ctx, payload)
	in.Ended = t.now()
	in.fill(result, err)
	if err != nil && ctx.Err() != nil {
		return in, false
	}
	t.ends(in)
	return in, true
}

// fill writes down what came of the attempt.
func (in *Invocation) fill(result lambdahost.Result, err error) {
	in.RequestID, in.Answer, in.Error = result.RequestID, result.Payload, result.Error
	in.Cold, in.Start, in.Took, in.MaxRSS = result.Cold, result.Start, result.Took, result.MaxRSS
	switch {
	case errors.Is(err, lambdahost.ErrThrottled):
		in.Result, in.Error = Throttled, ""
	case errors.Is(err, lambdahost.ErrTooLarge):
		in.Result, in.Error = Failed, err.Error()
	case err != nil:
		in.Result, in.Error = Unavailable, err.Error()
	case result.Failed:
		in.Result = Failed
	default:
		in.Result = Succeeded
	}
}
