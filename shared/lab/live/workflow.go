package live

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"

	"detour/shared/failback"
	"detour/shared/lab/stack"
	"detour/shared/sim/states"
)

// stateMachine is the name of the workflow, and of the binary of all of its tasks
// without the prefix of all functions.
const (
	stateMachine  = "detour-failback"
	failbackTasks = "failback"
)

// binaryOf is the name of the binary of a function: the tasks of failbacks share one.
func binaryOf(short string) string {
	if strings.HasPrefix(short, failbackTasks+"-") {
		return failbackTasks
	}
	return short
}

// runTask has a function do a task of a state machine. Step Functions invokes it
// synchronously, and does not repeat what fails by itself.
func (s *Server) runTask(call states.Invocation) {
	f := s.byARN[call.Function]
	if f == nil {
		call.Answer(states.Answer{Error: "Lambda.ResourceNotFoundException", Cause: "Function not found: " + call.Function})
		return
	}
	s.start(func(ctx context.Context) {
		if in, counts := f.async.invoke(ctx, call.Payload, CauseWorkflow, 1); counts {
			call.Answer(answerOf(in))
		}
	})
}

// answerOf is what Step Functions learns of an invocation. Source: Step Functions
// Developer Guide, "Handling errors in Step Functions workflows": an error of the
// function has its errorType as its name, one of the service the prefix Lambda.
func answerOf(in Invocation) states.Answer {
	switch in.Result {
	case Succeeded:
		return states.Answer{Payload: in.Answer}
	case Throttled:
		return states.Answer{Error: "Lambda.TooManyRequestsException", Cause: "Rate Exceeded."}
	case Unavailable:
		return states.Answer{Error: "Lambda.ServiceException", Cause: in.Error}
	}
	var document struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(in.Answer, &document) != nil || document.Type == "" {
		return states.Answer{Error: "Lambda.Unknown", Cause: in.Error}
	}
	return states.Answer{Error: document.Type, Cause: string(in.Answer)}
}

// tellExecution has a line for each start and end of an execution.
func (s *Server) tellExecution(x states.Execution) {
	what := "starts execution " + x.Name
	if x.Status != states.Running {
		what = fmt.Sprintf("ends execution %s in %s: %s", x.Name, x.State, strings.ToLower(x.Status))
		if x.Error != "" {
			what += ", " + x.Error
		}
	}
	s.lines.tell(line{Kind: kindExecution, Who: shortName(x.Machine[strings.LastIndex(x.Machine, ":")+1:]), What: what, Data: executionLine{
		Name: x.Name, Status: x.Status, State: x.State, Error: x.Error, Cause: x.Cause,
	}})
	s.change.signal()
}

// executionLine is what a program reads of an execution. Its input and output are the
// tasks' business.
type executionLine struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	State  string `json:"state,omitempty"`
	Error  string `json:"error,omitempty"`
	Cause  string `json:"cause,omitempty"`
}

// describeTask says which execution a task belongs to.
func describeTask(payload []byte) string {
	var task struct {
		State struct{ Execution string }
	}
	if json.Unmarshal(payload, &task) != nil || task.State.Execution == "" {
		return ""
	}
	return " for execution " + task.State.Execution
}

// workflowAt adds the state machine of failbacks and its functions to a home with
// groups.
func (s *Server) workflowAt(out *stack.Stack, environment map[string]string) error {
	arns := map[string]string{}
	for _, task := range failback.Tasks() {
		name := functionPrefix + task.Function()
		arns[task.Substitution()] = out.ARN("lambda", "function:"+name)
		own := maps.Clone(environment)
		own["DETOUR_TASK"] = string(task)
		out.Functions = append(out.Functions, stack.Function{
			Resource: stack.Resource{Name: name, ARN: arns[task.Substitution()]}, Timeout: s.opts.Visibility, MemoryMB: memoryMB, Environment: own,
		})
	}
	definition, err := states.Load([]byte(failback.DefinitionIn(out.Partition())), arns)
	if err != nil {
		return fmt.Errorf("loading the state machine of failbacks: %w", err)
	}
	out.StateMachines = []stack.StateMachine{{
		Resource: stack.Resource{Name: stateMachine, ARN: out.ARN("states", "stateMachine:"+stateMachine)}, Definition: definition, Role: out.RoleARN(stateMachine),
	}}
	return nil
}

// haveBinary reports a function whose executable is not there.
func (s *Server) haveBinary(name string) error {
	if _, err := os.Stat(bootstrap(s.opts.FunctionsDir, binaryOf(name))); err != nil {
		return fmt.Errorf("function %s: %w; run make build, which builds the functions, or name their folder with --functions-dir", name, err)
	}
	return nil
}

// withoutToken is a task's payload without its task token, with which whoever reads it
// could approve.
func withoutToken(payload []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil || members["token"] == nil {
		return payload
	}
	delete(members, "token")
	out, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return out
}
