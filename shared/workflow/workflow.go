// Package workflow has what is said about executions of a workflow. The words are
// those of AWS Step Functions; the package knows nothing of what a workflow does.
package workflow

import (
	"errors"
	"time"
)

// Status says how far an execution has come.
type Status string

// The statuses of an execution (Step Functions API reference, DescribeExecution).
const (
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	TimedOut  Status = "timed-out"
	// Aborted: somebody stopped it from outside.
	Aborted Status = "aborted"
)

// Over reports whether an execution of this status does nothing any more.
func (s Status) Over() bool { return s != Running }

// Execution is one execution of a workflow.
type Execution struct {
	// Name is unique among the executions of the workflow.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// StartedAt and EndedAt bound it; it goes on while EndedAt is zero.
	StartedAt time.Time `json:"startedAt"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	// Input is what it was started with and Output what it came to, where that is told.
	Input  string `json:"-"`
	Output string `json:"-"`
	// Error and Cause say why it failed or was stopped, in its own words or those of
	// whoever stopped it.
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// Stage is a state that an execution has entered.
type Stage struct {
	State string    `json:"state"`
	At    time.Time `json:"at"`
}

// What can be wrong with a question about an execution, or an answer to it.
var (
	// ErrExists: an execution of that name runs with another input, or has ended.
	ErrExists = errors.New("an execution of that name exists")
	// ErrUnknown: there is no execution of that name. One that has just been started may
	// not be known yet.
	ErrUnknown = errors.New("there is no execution of that name")
	// ErrMissing: there is no such workflow.
	ErrMissing = errors.New("there is no such state machine")
	// ErrNotAwaited: nobody waits for the answer any more: it was given, its time is over,
	// or the execution has ended.
	ErrNotAwaited = errors.New("nobody waits for that answer any more")
)
