package failback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"detour/shared/protection"
)

// The bounds of what is carried. The loops of the definition end at the same numbers.
const (
	// maxLooks is how often the precheck looks for a path that is stable.
	maxLooks = 12
	// maxSteps is how many steps a failback has at most; where the batch asks for more,
	// the steps are larger.
	maxSteps = 100
	// maxPayload bounds what a task is given: twice what a state machine carries (Step
	// Functions Developer Guide, quotas). maxInput bounds what people write into it,
	// maxText one text of theirs, and maxName the name of an execution.
	maxPayload = 512 << 10
	maxInput   = 4 << 10
	maxText    = 500
	maxName    = 80
)

// Next is what a task says comes next.
type Next string

// What can come next. The definition knows no others.
const (
	NextAsk     Next = "ask"
	NextWait    Next = "wait"
	NextAdvance Next = "advance"
	NextClose   Next = "close"
)

// Input is what an execution is started with.
type Input struct {
	// Group is the group that goes back to its working path.
	Group string `json:"group"`
	// By is who started it, as claimed, and Why the reason.
	By  string `json:"by,omitempty"`
	Why string `json:"why,omitempty"`
	// Unproven: the learned routes of the working path need no proof.
	Unproven bool `json:"unproven,omitempty"`
}

// Approval is the answer of whoever approves: the output of SendTaskSuccess.
type Approval struct {
	// Plan is the digest of the plan that is approved.
	Plan string `json:"plan"`
	By   string `json:"by"`
}

// Caught is an error that the state machine caught.
type Caught struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// State is what the workflow carries from task to task. Each task answers it whole.
type State struct {
	// Execution is the name of the execution, and the failback's id.
	Execution string `json:"execution"`
	// Input is that of the execution, as it came.
	Input json.RawMessage `json:"input"`
	// Opened: the failback has been opened in the group's record.
	Opened bool `json:"opened"`
	// Looks counts the looks of the precheck, and Step is the step that comes next or is
	// under way, from 1. Steps is how many there are.
	Looks int `json:"looks"`
	Step  int `json:"step"`
	Steps int `json:"steps"`

	Next Next `json:"next"`
	// WaitSeconds is how long to wait for the next look, SoakSeconds how long for the
	// verification of a step, and ApprovalSeconds how long for an approval.
	WaitSeconds     int `json:"waitSeconds"`
	SoakSeconds     int `json:"soakSeconds"`
	ApprovalSeconds int `json:"approvalSeconds"`

	// Approval is what answered the question, as it came.
	Approval json.RawMessage `json:"approval,omitempty"`
	// Caught is the error for which the workflow goes no further, and UndoCaught the one
	// of an undo.
	Caught     *Caught `json:"error,omitempty"`
	UndoCaught *Caught `json:"undoError,omitempty"`

	// Reason is why nothing more is to be done, End what it came to, and Why says it to
	// people.
	Reason protection.Reason      `json:"reason,omitempty"`
	End    protection.FailbackEnd `json:"end"`
	Why    string                 `json:"why"`
}

// payload is what a task's function is given.
type payload struct {
	Task Task `json:"task"`
	// Again: it is the precheck after the approval.
	Again bool  `json:"again"`
	State State `json:"state"`
	// Token answers the question (Ask).
	Token string `json:"token"`
}

// readPayload reads what a task's function is given.
func readPayload(task Task, raw []byte) (payload, error) {
	var out payload
	if len(raw) > maxPayload {
		return out, Invalid{Field: "the input", Problem: fmt.Sprintf("has %d bytes, and a task takes %d", len(raw), maxPayload), Remedy: inputForm}
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, Invalid{Field: "the input", Problem: "is not what a task is given: " + inputProblem(err), Remedy: "start an execution of the state machine, which gives it to its tasks"}
	}
	if out.Task != task {
		return out, Invalid{
			Field: "task", Value: quoted(string(out.Task)), Problem: "is not the task of this function, which is " + string(task),
			Remedy: "deploy the state machine and its functions together",
		}
	}
	for _, caught := range []*Caught{out.State.Caught, out.State.UndoCaught} {
		if caught != nil {
			caught.Cause = short(caught.Cause, maxInput)
		}
	}
	return out, nil
}

// checkName refuses a name of an execution that cannot be a failback's.
func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, notOfName) {
		return Invalid{
			Field: "the execution's name", Value: quoted(name), Problem: "cannot be the name of a failback",
			Remedy: fmt.Sprintf("write at most %d letters, digits, hyphens and underscores", maxName),
		}
	}
	return nil
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// inputForm is what an execution is started with, for whoever got it wrong.
const inputForm = `start the execution with {"group": "NAME", "by": "YOU", "why": "REASON"}, and "unproven": true where you mean it`

// readInput reads what the execution was started with.
func readInput(raw json.RawMessage) (Input, error) {
	var out Input
	if len(raw) > maxInput {
		return out, Invalid{Field: "the execution's input", Value: quoted(string(raw)), Problem: fmt.Sprintf("has %d bytes, and %d are enough", len(raw), maxInput), Remedy: inputForm}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields() // A misspelt key would be passed over.
	err := decoder.Decode(&out)
	if err == nil {
		_, err = decoder.Token()
		if errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		return out, Invalid{Field: "the execution's input", Value: quoted(string(raw)), Problem: "cannot be read: " + inputProblem(err), Remedy: inputForm}
	}
	if out.Group == "" {
		return out, Invalid{Field: "group", Problem: "is missing", Remedy: inputForm}
	}
	for _, text := range []struct{ field, value string }{{"by", out.By}, {"why", out.Why}} {
		switch {
		case len(text.value) > maxText:
			return out, Invalid{Field: text.field, Problem: fmt.Sprintf("has %d bytes", len(text.value)), Remedy: fmt.Sprintf("write at most %d, and refer to a ticket for the rest", maxText)}
		case strings.ContainsFunc(text.value, unicode.IsControl):
			return out, Invalid{Field: text.field, Value: quoted(text.value), Problem: "has a line break or another control character in it", Remedy: "write one line"}
		}
	}
	return out, nil
}

// inputProblem says what is wrong with JSON in words that name the field.
func inputProblem(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return fmt.Sprintf("it is a JSON %s and no object", wrong.Value)
		}
		return fmt.Sprintf("%s is a JSON %s and should be a %s", wrong.Field, wrong.Value, wrong.Type)
	}
	if errors.Is(err, io.EOF) {
		return "it is empty"
	}
	return oneLine(strings.TrimPrefix(err.Error(), "json: "))
}

// readApproval reads what answered the question. Whoever has the token writes it.
func readApproval(raw json.RawMessage) (Approval, error) {
	var out Approval
	const remedy = `approve with detour failback approve GROUP; SendTaskSuccess takes the output {"plan": DIGEST, "by": "YOU"}`
	if len(raw) > maxInput {
		return out, Invalid{Field: "the approval", Value: quoted(string(raw)), Problem: fmt.Sprintf("has %d bytes, and %d are enough", len(raw), maxInput), Remedy: remedy}
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, Invalid{Field: "the approval", Value: quoted(string(raw)), Problem: "cannot be read: " + inputProblem(err), Remedy: remedy}
	}
	switch {
	case out.Plan == "":
		return out, Invalid{Field: "the approval's plan", Problem: "is missing", Remedy: remedy}
	case len(out.By) > maxText || strings.ContainsFunc(out.By, unicode.IsControl):
		return out, Invalid{Field: "the approval's by", Value: quoted(out.By), Problem: "is no name", Remedy: remedy}
	}
	return out, nil
}

// quoted shows the beginning of a value.
func quoted(value string) string { return fmt.Sprintf("%q", short(value, 100)) }

// short is the beginning of a text, of so many bytes at most.
func short(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// oneLine makes a text fit for one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
