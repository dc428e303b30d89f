package states

import (
	"time"
)

// maxEvents is how many events a history has at most. Source: Developer Guide,
// "Service quotas", Maximum execution event history size.
const maxEvents = 25000

// Event is one event of an execution's history. Source: API reference,
// HistoryEvent; order, ids and details as in histories recorded from AWS.
type Event struct {
	ID, Previous int
	At           time.Time
	Type         string
	// Member is the name under which the details stand, for instance
	// stateEnteredEventDetails; empty: there are none.
	Member  string
	Details map[string]any
}

// The members that hold the details of several types of events.
const (
	memberEntered = "stateEnteredEventDetails"
	memberExited  = "stateExitedEventDetails"
)

// whole says of a member that its text was not cut short.
var whole = map[string]any{"truncated": false} //nolint:gochecknoglobals // A constant.

// note adds an event to the history.
func (x *execution) note(now time.Time, kind, member string, details map[string]any) {
	e := Event{ID: len(x.events) + 1, Previous: len(x.events), At: now, Type: kind, Member: member, Details: details}
	if e.ID == 2 {
		e.Previous = 0 // So it is in AWS.
	}
	x.events = append(x.events, e)
}

// noteTask adds an event of the Task that is being run. An empty detail is left out.
func (x *execution) noteTask(now time.Time, kind, member string, details map[string]any) {
	for name, value := range details {
		if value == "" {
			delete(details, name)
		}
	}
	details["resourceType"], details["resource"] = "lambda", "invoke"
	if x.at.waits {
		details["resource"] = "invoke.waitForTaskToken"
	}
	x.note(now, kind, member, details)
}

// noteEnd adds the event that ends the execution.
func (x *execution) noteEnd(now time.Time, kind, member string, err *failure) {
	details := map[string]any{}
	if err != nil {
		if err.name != "" {
			details["error"] = err.name
		}
		if err.cause != "" {
			details["cause"] = err.cause
		}
	} else {
		details["output"], details["outputDetails"] = x.output, whole
	}
	x.note(now, kind, member, details)
}
