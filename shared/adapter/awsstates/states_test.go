package awsstates_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"detour/shared/adapter/awsstates"
	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/workflow"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:detour-failback"
	token   = "AAAAKgAAAAIAAAAAAAAAAQ-planted-token"
)

// called is a call of an operation of Step Functions.
func called(operation string, body map[string]any) cannedtest.Call {
	return cannedtest.Call{Target: "AWSStepFunctions." + operation, Body: body}
}

// inTurn answers the n-th call with the n-th STATUS BODY, and all after with the last.
func inTurn(answers ...string) *cannedtest.JSON {
	doer := &cannedtest.JSON{}
	doer.Answer = func(cannedtest.Call) (int, string) {
		status, body, _ := strings.Cut(answers[min(len(doer.Calls), len(answers))-1], " ")
		code, _ := strconv.Atoi(status)
		return code, body
	}
	return doer
}

func open(t *testing.T, doer aws.HTTPClient) *awsstates.Machine {
	t.Helper()
	return awsstates.New(cannedtest.Config(t, doer, region), awsstates.Options{ARN: machine, Clock: recordstest.NewClock(), CallTimeout: 5 * time.Second})
}

func failed(kind string) string {
	return fmt.Sprintf(`400 {"__type":"com.amazonaws.states#%s","message":"what AWS says of %s"}`, kind, token)
}

func TestCalls(t *testing.T) {
	begun, ended := time.Unix(1_790_000_000, 0).UTC(), time.Unix(1_790_000_600, 0).UTC()
	execution := "arn:aws:states:eu-west-1:111122223333:execution:detour-failback:failback-paris-1-1"
	for name, c := range map[string]struct {
		answers []string
		do      func(m *awsstates.Machine) (any, error)
		want    any
		calls   []cannedtest.Call
	}{
		"start": {
			answers: []string{`200 {"executionArn":"x","startDate":1790000000}`},
			do: func(m *awsstates.Machine) (any, error) {
				return m.Start(t.Context(), "failback-paris-1-1", []byte(`{"group":"paris"}`))
			},
			want:  workflow.Execution{Name: "failback-paris-1-1", Status: workflow.Running, StartedAt: begun},
			calls: []cannedtest.Call{called("StartExecution", map[string]any{"stateMachineArn": machine, "name": "failback-paris-1-1", "input": `{"group":"paris"}`})},
		},
		"describe": {
			answers: []string{`200 {"status":"FAILED","startDate":1790000000,"stopDate":1790000600,"error":"Superseded","cause":"signal-fail","input":"{}","output":"[]"}`},
			do:      func(m *awsstates.Machine) (any, error) { return m.Describe(t.Context(), "failback-paris-1-1") },
			want: workflow.Execution{
				Name: "failback-paris-1-1", Status: workflow.Failed, StartedAt: begun, EndedAt: ended, Error: "Superseded", Cause: "signal-fail", Input: "{}", Output: "[]",
			},
			calls: []cannedtest.Call{called("DescribeExecution", map[string]any{"executionArn": execution})},
		},
		"stage, on the second page": {
			answers: []string{
				`200 {"events":[{"id":9,"type":"TaskScheduled","timestamp":1790000600}],"nextToken":"two"}`,
				`200 {"events":[{"id":2,"type":"TaskStateEntered","timestamp":1790000600,"stateEnteredEventDetails":{"name":"Ask"}},
					{"id":1,"type":"TaskStateEntered","timestamp":1790000000,"stateEnteredEventDetails":{"name":"Precheck"}}],"nextToken":"three"}`,
			},
			do:   func(m *awsstates.Machine) (any, error) { return m.Stage(t.Context(), "failback-paris-1-1") },
			want: workflow.Stage{State: "Ask", At: ended},
			calls: []cannedtest.Call{
				called("GetExecutionHistory", map[string]any{"executionArn": execution, "reverseOrder": true, "maxResults": 100.0, "includeExecutionData": false}),
				called("GetExecutionHistory", map[string]any{"executionArn": execution, "reverseOrder": true, "maxResults": 100.0, "includeExecutionData": false, "nextToken": "two"}),
			},
		},
		"no stage yet": {
			answers: []string{`200 {"events":[]}`},
			do:      func(m *awsstates.Machine) (any, error) { return m.Stage(t.Context(), "a") },
			want:    workflow.Stage{},
		},
		"list, of two pages as much as is wanted": {
			answers: []string{
				`200 {"executions":[{"name":"a","status":"RUNNING","startDate":1790000000}],"nextToken":"two"}`,
				`200 {"executions":[{"name":"b","status":"ABORTED","startDate":1790000000,"stopDate":1790000600},{"name":"c","status":"SUCCEEDED","startDate":1790000000}],"nextToken":"three"}`,
			},
			do: func(m *awsstates.Machine) (any, error) { return m.List(t.Context(), 2) },
			want: []workflow.Execution{
				{Name: "a", Status: workflow.Running, StartedAt: begun},
				{Name: "b", Status: workflow.Aborted, StartedAt: begun, EndedAt: ended},
			},
			calls: []cannedtest.Call{
				called("ListExecutions", map[string]any{"stateMachineArn": machine, "maxResults": 100.0}),
				called("ListExecutions", map[string]any{"stateMachineArn": machine, "maxResults": 100.0, "nextToken": "two"}),
			},
		},
		"list, in a circle": {
			answers: []string{`200 {"executions":[{"name":"a","status":"TIMED_OUT","startDate":1790000000}],"nextToken":"two"}`},
			do: func(m *awsstates.Machine) (any, error) {
				all, err := m.List(t.Context(), 1000)
				return len(all), err
			},
			want: 2,
		},
		"succeed": {
			answers: []string{`200 {}`},
			do: func(m *awsstates.Machine) (any, error) {
				return nil, m.Succeed(t.Context(), token, []byte(`{"plan":"ab"}`))
			},
			calls: []cannedtest.Call{called("SendTaskSuccess", map[string]any{"taskToken": token, "output": `{"plan":"ab"}`})},
		},
		"fail": {
			answers: []string{`200 {}`},
			do: func(m *awsstates.Machine) (any, error) {
				return nil, m.Fail(t.Context(), token, "Rejected", "not tonight")
			},
			calls: []cannedtest.Call{called("SendTaskFailure", map[string]any{"taskToken": token, "error": "Rejected", "cause": "not tonight"})},
		},
		"stop": {
			answers: []string{`200 {"stopDate":1790000600}`},
			do: func(m *awsstates.Machine) (any, error) {
				return nil, m.Stop(t.Context(), "failback-paris-1-1", "Aborted", "not tonight")
			},
			calls: []cannedtest.Call{called("StopExecution", map[string]any{"executionArn": execution, "error": "Aborted", "cause": "not tonight"})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			doer := inTurn(c.answers...)
			got, err := c.do(open(t, doer))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, got\n%+v\nwant\n%+v", err, got, c.want)
			}
			if c.calls != nil && !reflect.DeepEqual(doer.Calls, c.calls) {
				t.Errorf("called\n%+v\nwant\n%+v", doer.Calls, c.calls)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	for kind, want := range map[string]error{
		"ExecutionAlreadyExists": workflow.ErrExists, "ExecutionDoesNotExist": workflow.ErrUnknown,
		"StateMachineDoesNotExist": workflow.ErrMissing, "StateMachineDeleting": workflow.ErrMissing, "InvalidArn": workflow.ErrMissing,
		"TaskDoesNotExist": workflow.ErrNotAwaited, "TaskTimedOut": workflow.ErrNotAwaited, "InvalidToken": workflow.ErrNotAwaited,
		"ThrottlingException": nil,
	} {
		m := open(t, inTurn(failed(kind)))
		for what, do := range map[string]func() error{
			"start":    func() error { _, err := m.Start(t.Context(), "a", nil); return err },
			"describe": func() error { _, err := m.Describe(t.Context(), "a"); return err },
			"stage":    func() error { _, err := m.Stage(t.Context(), "a"); return err },
			"list":     func() error { _, err := m.List(t.Context(), 1); return err },
			"succeed":  func() error { return m.Succeed(t.Context(), token, nil) },
			"fail":     func() error { return m.Fail(t.Context(), token, "Rejected", "") },
			"stop":     func() error { return m.Stop(t.Context(), "a", "Aborted", "") },
		} {
			err := do()
			var answered smithy.APIError
			if err == nil || want != nil && !errors.Is(err, want) || want == nil && (what == "start" || what == "list") && !errors.As(err, &answered) {
				t.Errorf("%s, %s: %v", what, kind, err)
			}
			if (what == "succeed" || what == "fail") && strings.Contains(err.Error(), token) {
				t.Errorf("%s, %s: the error has the token: %v", what, kind, err)
			}
		}
	}
	if _, err := open(t, inTurn(failed("StateMachineDoesNotExist"))).List(t.Context(), 1); !strings.Contains(err.Error(), machine) {
		t.Errorf("the error does not name the state machine: %v", err)
	}
}

// never answers no call before its time is over, and then says something else.
type never struct{ cancel context.CancelFunc }

func (n never) Do(r *http.Request) (*http.Response, error) {
	n.cancel()
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(cannedtest.CutOff{Call: r.Context()})}, nil
}

// TestTheEndOfACallIsSaid: an operator's Ctrl-C is not read as a failure of AWS.
func TestTheEndOfACallIsSaid(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := open(t, never{cancel}).Describe(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
