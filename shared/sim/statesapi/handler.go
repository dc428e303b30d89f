// Package statesapi is the wire face of AWS Step Functions in the simulated network:
// AWS JSON 1.0 over the engine of package states.
//
// It answers what starts, shows and ends executions of Standard workflows, and what
// answers task tokens; state machines are made in Go. All else is an error that names
// what is not supported. Source: Step Functions API reference; the texts of errors as
// LocalStack's tests have recorded them from AWS (tests/aws/services/stepfunctions).
package statesapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"detour/shared/sim/endpoint"
	"detour/shared/sim/states"
)

// Service is the name of Step Functions in credential scopes.
const Service = "states"

// Limits of a page. Source: API reference, ListExecutions, maxResults.
const (
	defaultPage = 100
	maxPage     = 1000
)

// Handler answers Step Functions requests. It is an http.Handler for a listener, and
// an HTTP client (Do) for an SDK in the same process. It may be used from several
// goroutines.
type Handler struct {
	engine *states.Engine
	face   *endpoint.JSON

	mu    sync.Mutex
	limit int
}

// New returns a Handler over an engine.
func New(engine *states.Engine) *Handler {
	h := &Handler{engine: engine}
	h.face = &endpoint.JSON{Version: "1.0", Service: Service, Target: "AWSStepFunctions", Operations: map[string]func(endpoint.Scope, []byte) (any, *endpoint.Error){
		"StartExecution": h.startExecution, "DescribeExecution": h.describeExecution, "ListExecutions": h.listExecutions,
		"GetExecutionHistory": h.getExecutionHistory, "StopExecution": h.stopExecution,
		"SendTaskSuccess": h.sendTaskSuccess, "SendTaskFailure": h.sendTaskFailure,
		"DescribeStateMachine": h.describeStateMachine, "ListStateMachines": h.listStateMachines,
	}}
	return h
}

// LimitPages makes a page hold at most n items, whatever a request says; 0 takes the
// limit away.
func (h *Handler) LimitPages(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limit = n
}

// Do answers the request in process; with it a Handler is an HTTPClient of the AWS
// SDK. A request whose context is over does not arrive.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return h.face.Do(r) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.face.ServeHTTP(w, r) }

// object is an answer. Members that are not there are left out by who makes it.
type object map[string]any

// seconds is a time as the protocol has it: seconds since 1970, with three digits.
func seconds(t time.Time) json.Number {
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64))
}

// fault is an error of the engine as the service sends it. UNVERIFIED: the namespace,
// which clients strip.
func fault(err *states.Error) *endpoint.Error {
	return &endpoint.Error{Type: "com.amazonaws.swf.service.v2.model#" + err.Code, Message: err.Message}
}

// invalid is an error about a parameter. Source: recorded answers of AWS.
func invalid(format string, args ...any) *endpoint.Error {
	return &endpoint.Error{Type: "com.amazon.coral.validate#ValidationException", Message: "1 validation error detected: " + fmt.Sprintf(format, args...)}
}

// request takes a request apart.
type request struct {
	name    string
	members map[string]json.RawMessage
	err     *endpoint.Error
}

func read(name string, raw []byte, known ...string) *request {
	members, err := endpoint.Members("the "+name+" request", raw, known...)
	return &request{name: name, members: members, err: err}
}

// into decodes a member, and reports whether it is there.
func (r *request) into(name string, v any) bool {
	if r.err != nil {
		return false
	}
	_, there := r.members[name]
	r.err = endpoint.Decode(r.members, name, v)
	return there && r.err == nil
}

// text reads a string; one that is needed must be there.
func (r *request) text(name string, needed bool) string {
	var text string
	there := r.into(name, &text)
	if needed && r.err == nil && (!there || text == "") {
		r.err = invalid("Value null at '%s' failed to satisfy constraint: Member must not be null", name)
	}
	return text
}

// own checks that an ARN is of the caller's account and Region. Another account's is
// denied, another Region's is not found there. UNVERIFIED: the texts.
func (r *request) own(scope endpoint.Scope, arn string) {
	part := strings.Split(arn, ":")
	if r.err != nil || len(part) < 7 {
		return // The engine says what is wrong with it.
	}
	switch {
	case part[3] != scope.Region:
		r.err = fault(&states.Error{Code: "InvalidArn", Message: fmt.Sprintf("Invalid Arn: 'Region mismatch: %s, which is not %s'", arn, scope.Region)})
	case part[4] != scope.AccessKey:
		r.err = &endpoint.Error{Type: "com.amazon.coral.service#AccessDeniedException", Message: fmt.Sprintf("The account %s is not authorized to access this resource: %s", scope.AccessKey, arn)}
	}
}

func (h *Handler) startExecution(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("StartExecution", raw, "stateMachineArn", "name", "input", "traceHeader")
	machine, name, input := r.text("stateMachineArn", true), r.text("name", false), "{}"
	r.into("input", &input)
	r.text("traceHeader", false)
	r.own(scope, machine)
	if r.err != nil {
		return nil, r.err
	}
	x, err := h.engine.Start(machine, name, input)
	if err != nil {
		return nil, fault(err)
	}
	return object{"executionArn": x.ARN, "startDate": seconds(x.StartedAt)}, nil
}

func (h *Handler) describeExecution(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("DescribeExecution", raw, "executionArn", "includedData")
	arn, data := r.text("executionArn", true), r.text("includedData", false)
	r.own(scope, arn)
	if r.err == nil && data != "" && data != "ALL_DATA" && data != "METADATA_ONLY" {
		r.err = invalid("Value '%s' at 'includedData' failed to satisfy constraint: Member must satisfy enum value set: [ALL_DATA, METADATA_ONLY]", data)
	}
	if r.err != nil {
		return nil, r.err
	}
	x, err := h.engine.Execution(arn)
	if err != nil {
		return nil, fault(err)
	}
	included := data != "METADATA_ONLY"
	out := summary(x)
	out["inputDetails"] = object{"included": included}
	if included {
		out["input"] = x.Input
	}
	if x.Status == states.Succeeded {
		out["outputDetails"] = object{"included": included}
		if included {
			out["output"] = x.Output
		}
	}
	if x.Status != states.Running {
		// A Standard execution that did not succeed can be redriven for 14 days.
		out["redriveStatus"] = "REDRIVABLE"
		if x.Status == states.Succeeded {
			out["redriveStatus"] = "NOT_REDRIVABLE"
		}
	} else {
		out["redriveStatus"] = "NOT_REDRIVABLE"
	}
	for name, text := range map[string]string{"error": x.Error, "cause": x.Cause} {
		if text != "" && included {
			out[name] = text
		}
	}
	return out, nil
}

// summary is what a list shows of an execution.
func summary(x states.Execution) object {
	out := object{
		"executionArn": x.ARN, "stateMachineArn": x.Machine, "name": x.Name, "status": x.Status, "startDate": seconds(x.StartedAt), "redriveCount": 0,
	}
	if !x.EndedAt.IsZero() {
		out["stopDate"] = seconds(x.EndedAt)
	}
	return out
}

func (h *Handler) stopExecution(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("StopExecution", raw, "executionArn", "error", "cause")
	arn, name, cause := r.text("executionArn", true), r.text("error", false), r.text("cause", false)
	r.own(scope, arn)
	if r.err != nil {
		return nil, r.err
	}
	x, err := h.engine.Stop(arn, name, cause)
	if err != nil {
		return nil, fault(err)
	}
	return object{"stopDate": seconds(x.EndedAt)}, nil
}

func (h *Handler) sendTaskSuccess(_ endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("SendTaskSuccess", raw, "taskToken", "output")
	token, output := r.text("taskToken", true), r.text("output", true)
	if r.err != nil {
		return nil, r.err
	}
	if err := h.engine.Succeed(token, output); err != nil {
		return nil, fault(err)
	}
	return object{}, nil
}

func (h *Handler) sendTaskFailure(_ endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("SendTaskFailure", raw, "taskToken", "error", "cause")
	token, name, cause := r.text("taskToken", true), r.text("error", false), r.text("cause", false)
	if r.err != nil {
		return nil, r.err
	}
	if err := h.engine.Fail(token, name, cause); err != nil {
		return nil, fault(err)
	}
	return object{}, nil
}

func (h *Handler) describeStateMachine(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("DescribeStateMachine", raw, "stateMachineArn", "includedData")
	arn := r.text("stateMachineArn", true)
	r.text("includedData", false)
	r.own(scope, arn)
	if r.err != nil {
		return nil, r.err
	}
	m, err := h.engine.MachineByARN(arn)
	if err != nil {
		return nil, fault(err)
	}
	out := machine(m)
	out["status"], out["definition"], out["roleArn"] = "ACTIVE", m.Definition, m.Role
	return out, nil
}

// machine is what a list shows of a state machine.
func machine(m states.Machine) object {
	return object{"stateMachineArn": m.ARN, "name": m.Name, "type": "STANDARD", "creationDate": seconds(m.CreatedAt)}
}
