package states

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The error names of Step Functions that occur here. Source: Developer Guide,
// "Handling errors in Step Functions workflows", Error names.
const (
	errAll         = "States.ALL"
	errTaskFailed  = "States.TaskFailed"
	errTimeout     = "States.Timeout"
	errRuntime     = "States.Runtime"
	errResultPath  = "States.ResultPathMatchFailure"
	errDataLimit   = "States.DataLimitExceeded"
	errPermissions = "States.Permissions"
	// errHeartbeat does not occur, since HeartbeatSeconds is not supported, but may
	// be named.
	errHeartbeat = "States.HeartbeatTimeout"
)

// predefined are the names with the prefix States. that a retrier or catcher may
// name. States.Runtime is left out: nothing retries or catches it.
var predefined = []string{errAll, errTaskFailed, errTimeout, errResultPath, errDataLimit, errPermissions, errHeartbeat} //nolint:gochecknoglobals // A constant.

// failure is an error of a state: its name and its cause.
type failure struct{ name, cause string }

func runtimeError(format string, args ...any) *failure {
	return &failure{errRuntime, fmt.Sprintf(format, args...)}
}

// matches reports whether the failure is one of the names of a retrier or catcher.
// States.ALL matches every name but those that are terminal; States.TaskFailed
// every one but States.Timeout too. Source: Developer Guide, "Handling errors in
// Step Functions workflows".
//
// That States.DataLimitExceeded is not caught by States.ALL is what the guide says;
// in a history that LocalStack has recorded from AWS it was (test_states_errors).
// Here it is not: the worse case for a workflow.
func (f *failure) matches(names []string) bool {
	switch f.name {
	case errRuntime:
		return false
	case errDataLimit:
		return slices.Contains(names, f.name)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		return name == f.name || name == errAll || name == errTaskFailed && f.name != errTimeout
	})
}

// output is what a catcher passes on.
func (f *failure) output() any { return map[string]any{"Error": f.name, "Cause": f.cause} }

// encode writes data as JSON, without escapes for HTML.
func encode(data any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(data); err != nil {
		panic(fmt.Sprintf("states: %v", err)) // Data came from JSON.
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// decode reads JSON; numbers keep their digits.
func decode(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var data any
	if err := decoder.Decode(&data); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("it is no JSON: something follows the value")
	}
	return data, nil
}

// brief is data for a message.
func brief(data any) string {
	const limit = 256
	text := encode(data)
	if len(text) > limit {
		return text[:limit] + "…"
	}
	return text
}
