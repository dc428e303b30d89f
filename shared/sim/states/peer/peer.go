// Package peer checks the interpreter of package states against others: it runs the
// same definition with the same answers of the tasks in npm's aws-local-stepfunctions
// and compares what happened, and has npm's asl-validator check definitions. It is for
// tests. Both packages are pinned in package.json and installed by make node_modules.
package peer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/states"
)

// Case is one execution of a definition.
type Case struct {
	Name string
	// Definition is as Load takes it, with nothing left to substitute.
	Definition string
	Input      string
	// Answers has what the task of each state answers, time after time; the last
	// answer is given again.
	Answers map[string][]Answer
}

// Answer is a task's answer: Result as JSON, or an error. An error States.Timeout is
// a task that does not answer in its time.
type Answer struct {
	Result       string
	Error, Cause string
}

// Outcome is what can be compared of an execution: what happened, in order, and the
// end.
type Outcome struct {
	Lines []string
	// Problems are what a validator finds wrong with the definition.
	Problems []string
}

// execution is the name of the execution in both interpreters, token its task token.
const (
	execution = "compared"
	token     = "the token"
)

// Compare runs the cases here and there, and reports where they differ. It skips the
// test where npm's packages are not installed.
func Compare(tb testing.TB, cases []Case) {
	tb.Helper()
	there := There(tb, cases)
	for i, c := range cases {
		here, err := Here(c)
		if err != nil {
			tb.Errorf("%s: %v", c.Name, err)
			continue
		}
		for _, problem := range there[i].Problems {
			tb.Errorf("%s: asl-validator: %s", c.Name, problem)
		}
		if len(there[i].Problems) == 0 {
			differ(tb, c.Name, here.Lines, there[i].Lines)
		}
	}
}

// differ reports the first line that is not the same.
func differ(tb testing.TB, name string, here, there []string) {
	tb.Helper()
	for i := range max(len(here), len(there)) {
		a, b := "nothing", "nothing"
		if i < len(here) {
			a = here[i]
		}
		if i < len(there) {
			b = there[i]
		}
		if a != b {
			tb.Errorf("%s: line %d, here:\n%s\nin aws-local-stepfunctions:\n%s", name, i+1, a, b)
			return
		}
	}
}

// Validate has asl-validator check a definition, its paths and ARNs too.
func Validate(tb testing.TB, definition string) {
	tb.Helper()
	for _, problem := range run(tb, []request{{Definition: json.RawMessage(definition), ValidateOnly: true}})[0].Problems {
		tb.Errorf("asl-validator: %s", problem)
	}
}

// request and response are what passes to and from peer.mjs.
type request struct {
	Definition   json.RawMessage         `json:"definition"`
	Input        json.RawMessage         `json:"input,omitempty"`
	Context      map[string]any          `json:"context,omitempty"`
	Answers      map[string][]wireAnswer `json:"answers,omitempty"`
	ValidateOnly bool                    `json:"validateOnly,omitempty"`
}

type wireAnswer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Cause  string          `json:"cause,omitempty"`
}

type response struct {
	Problems []string `json:"problems"`
	Calls    []struct {
		State   string          `json:"state"`
		Payload json.RawMessage `json:"payload"`
	} `json:"calls"`
	Events []struct {
		What  string          `json:"what"`
		State string          `json:"state"`
		Data  json.RawMessage `json:"data"`
		Error string          `json:"error"`
	} `json:"events"`
	Status string          `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  string          `json:"error"`
	Cause  string          `json:"cause"`
}

// There runs the cases in aws-local-stepfunctions. Waits and the intervals of retries
// take no time there.
func There(tb testing.TB, cases []Case) []Outcome {
	tb.Helper()
	requests := make([]request, len(cases))
	for i, c := range cases {
		r := request{
			Definition: json.RawMessage(c.Definition), Input: json.RawMessage(c.Input), Answers: map[string][]wireAnswer{},
			Context: map[string]any{
				"Execution": map[string]any{"Name": execution, "Input": json.RawMessage(c.Input)}, "Task": map[string]any{"Token": token},
			},
		}
		for name, answers := range c.Answers {
			for _, a := range answers {
				r.Answers[name] = append(r.Answers[name], wireAnswer{Result: json.RawMessage(a.Result), Error: a.Error, Cause: a.Cause})
			}
		}
		requests[i] = r
	}
	out := make([]Outcome, len(cases))
	for i, r := range run(tb, requests) {
		kinds := kindsOf(cases[i].Definition)
		out[i].Problems = r.Problems
		add := out[i].line
		for _, e := range r.Events {
			switch {
			case e.What == "caught", e.What == "exited" && kinds[e.State] == "Fail":
			case e.What == "failed" && kinds[e.State] != "Task":
			case e.What == "failed":
				add("%s failed %s", e.State, e.Error)
			case e.What == "retried":
				add("%s retried", e.State)
			default:
				add("%s %s %s", e.State, e.What, canonical(e.Data))
			}
		}
		for _, c := range r.Calls {
			add("%s called %s", c.State, canonical(c.Payload))
		}
		if r.Status == states.Succeeded {
			add("%s %s", r.Status, canonical(r.Output))
		} else {
			add("%s %s %s", r.Status, r.Error, r.Cause)
		}
	}
	return out
}

func (o *Outcome) line(format string, args ...any) {
	o.Lines = append(o.Lines, fmt.Sprintf(format, args...))
}

// kindsOf are the types of a definition's states.
func kindsOf(definition string) map[string]string {
	var d struct {
		States map[string]struct{ Type string }
	}
	_ = json.Unmarshal([]byte(definition), &d) // Load says what is wrong.
	out := map[string]string{}
	for name, s := range d.States {
		out[name] = s.Type
	}
	return out
}

// canonical is JSON with the members in order.
func canonical(raw []byte) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return string(raw)
	}
	out, err := json.Marshal(value)
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// run runs peer.mjs with the Node that package.json pins.
func run(tb testing.TB, requests []request) []response {
	tb.Helper()
	root, err := repository()
	if err != nil {
		tb.Fatal(err)
	}
	node := filepath.Join(root, "node_modules", ".bin", "node")
	for _, needed := range []string{node, filepath.Join(root, "node_modules", "aws-local-stepfunctions"), filepath.Join(root, "node_modules", "asl-validator")} {
		if _, err := os.Stat(needed); err != nil {
			tb.Skip("LEFT OUT: aws-local-stepfunctions and asl-validator are not installed; run make node_modules, which needs npm")
		}
	}
	input, err := json.Marshal(map[string]any{"cases": requests})
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.CommandContext(tb.Context(), node, filepath.Join(root, "shared", "sim", "states", "peer", "peer.mjs")) //nolint:gosec // Paths of this repository.
	command.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		tb.Fatalf("running peer.mjs: %v\n%s", err, complaint.String())
	}
	var responses []response
	if err := json.Unmarshal(output, &responses); err != nil || len(responses) != len(requests) {
		tb.Fatalf("peer.mjs answered %s: %v", output, err)
	}
	return responses
}

// repository is the folder that go.mod is in.
func repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", fmt.Errorf("there is no go.mod above %s", folder)
		}
		folder = above
	}
}

// Here runs a case in package states, in virtual time.
func Here(c Case) (Outcome, error) {
	d, err := states.Load([]byte(c.Definition), nil)
	if err != nil {
		return Outcome{}, err
	}
	start := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	clock := sim.NewScheduler(1, start)
	defer clock.Close()
	p := player{c: c, taken: map[string]int{}, clock: clock}
	p.engine = states.New(states.Options{Keeper: clock, Invoke: p.invoke})
	machine := p.engine.Create("111122223333", "eu-west-1", "machine", "arn:aws:iam::111122223333:role/machine", d)
	x, refused := p.engine.Start(machine, execution, c.Input)
	if refused != nil {
		return Outcome{}, refused
	}
	clock.RunUntil(start.Add(365 * 24 * time.Hour))
	x, refused = p.engine.Execution(x.ARN)
	if refused != nil {
		return Outcome{}, refused
	}
	events, refused := p.engine.History(x.ARN)
	if refused != nil {
		return Outcome{}, refused
	}
	out := lines(events)
	out.Lines = append(out.Lines, p.calls...)
	if x.Status == states.Succeeded {
		out.line("%s %s", x.Status, canonical([]byte(x.Output)))
	} else {
		out.line("%s %s %s", x.Status, x.Error, x.Cause)
	}
	return out, nil
}

// lines are the events as they can be compared.
func lines(events []states.Event) Outcome {
	var out Outcome
	var at string
	attempts := 0
	for _, e := range events {
		text := func(name string) string { value, _ := e.Details[name].(string); return value }
		switch {
		case strings.HasSuffix(e.Type, "StateEntered"):
			at, attempts = text("name"), 0
			out.line("%s entered %s", at, canonical([]byte(text("input"))))
		case strings.HasSuffix(e.Type, "StateExited"):
			out.line("%s exited %s", at, canonical([]byte(text("output"))))
		case e.Type == "TaskScheduled":
			if attempts++; attempts > 1 {
				out.line("%s retried", at)
			}
		case e.Type == "TaskFailed", e.Type == "TaskTimedOut":
			out.line("%s failed %s", at, text("error"))
		}
	}
	return out
}

// player plays the functions of a case.
type player struct {
	c      Case
	clock  *sim.Scheduler
	engine *states.Engine
	taken  map[string]int
	calls  []string
}

func (p *player) invoke(call states.Invocation) {
	answers := p.c.Answers[call.State]
	if len(answers) == 0 {
		call.Answer(states.Answer{Error: "NoAnswer", Cause: "the case has no answer for " + call.State})
		return
	}
	a := answers[min(p.taken[call.State], len(answers)-1)]
	p.taken[call.State]++
	payload := string(call.Payload)
	own := tokenIn(call.Payload)
	if own != "" {
		payload = strings.ReplaceAll(payload, own, token)
	}
	p.calls = append(p.calls, fmt.Sprintf("%s called %s", call.State, canonical([]byte(payload))))
	switch {
	case a.Error == "States.Timeout":
	case a.Error != "":
		call.Answer(states.Answer{Error: a.Error, Cause: a.Cause})
	case own != "":
		call.Answer(states.Answer{Payload: []byte("null")})
		_ = p.engine.Succeed(own, a.Result) // The history shows whether it did.
	default:
		call.Answer(states.Answer{Payload: []byte(a.Result)})
	}
}

// tokenIn finds the task token that a payload passes on at its top.
func tokenIn(payload []byte) string {
	var members map[string]any
	_ = json.Unmarshal(payload, &members) // It may be no object.
	text, _ := members["token"].(string)
	return text
}
