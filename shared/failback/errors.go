package failback

import (
	"fmt"
	"reflect"

	"detour/shared/protection"
)

// The errors of the tasks. Their types' names are the errors' names in the
// definition, which retries Busy, Throttled and Unsettled, and nothing else of these.

// Invalid is an input that no task can work on.
type Invalid struct{ Field, Value, Problem, Remedy string }

func (e Invalid) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s %s; %s", e.Field, e.Problem, e.Remedy)
	}
	return fmt.Sprintf("%s: %s %s; %s", e.Field, e.Value, e.Problem, e.Remedy)
}

// Refused says that the failback may not go on, and why.
type Refused struct {
	Reason protection.Reason
	Detail string
}

func (e Refused) Error() string { return refusal("the failback may not go on", e.Reason, e.Detail) }

// Unverified says that what was written, or the path that it leads to, is not as it
// should be.
type Unverified struct{ Detail string }

func (e Unverified) Error() string { return "not verified: " + e.Detail }

// Busy says that another run has the group.
type Busy struct{ Detail string }

func (e Busy) Error() string { return "busy: " + e.Detail }

// Unsettled says that it cannot be told yet: something could not be read, or routes
// are on their way.
type Unsettled struct {
	Reason protection.Reason
	Detail string
}

func (e Unsettled) Error() string { return refusal("not yet", e.Reason, e.Detail) }

// Throttled says that AWS or the record store did not take a call.
type Throttled struct{ Detail string }

func (e Throttled) Error() string { return "throttled: " + e.Detail }

func refusal(what string, reason protection.Reason, detail string) string {
	out := what
	if reason != "" {
		out += ": " + string(reason)
	}
	if detail != "" {
		out += ": " + detail
	}
	return out
}

// ErrorName is the name by which the state machine knows an error: that of its type,
// as Lambda reports it.
func ErrorName(err error) string {
	t := reflect.TypeOf(err)
	if t == nil {
		return ""
	}
	if t.Kind() == reflect.Pointer {
		return t.Elem().Name()
	}
	return t.Name()
}
