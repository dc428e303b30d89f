package states

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The types of states.
const (
	typeTask    = "Task"
	typeChoice  = "Choice"
	typeWait    = "Wait"
	typePass    = "Pass"
	typeSucceed = "Succeed"
	typeFail    = "Fail"
)

// The resources of a Task. Source: Developer Guide, "Invoke an AWS Lambda function
// with Step Functions".
const (
	resourceInvoke = "arn:aws:states:::lambda:invoke"
	resourceWait   = resourceInvoke + ".waitForTaskToken"
)

const (
	// maxSeconds is the longest Wait or timeout, and a Task's without one. Source:
	// Developer Guide, "Task workflow state", "Wait workflow state".
	maxSeconds = 99999999
	// maxDefinition is the size of a definition. Source: Developer Guide, "Service
	// quotas".
	maxDefinition = 1 << 20
)

// Definition is a state machine that was loaded. It does not change.
type Definition struct {
	source  string
	startAt string
	// timeout is how long an execution may take; 0: for ever.
	timeout time.Duration
	states  map[string]*state
}

// state is one state. Which of the fields count depends on its type.
type state struct {
	name, kind string
	next       string // empty: it ends the execution

	input, output, result *choosable
	parameters, selector  *template

	// Of a Task: the function, its payload, and whether its result is what comes
	// back with the task token.
	function  string
	waits     bool
	timeout   int64 // seconds; 0: for ever
	timeoutAt *path
	retry     []retrier
	catch     []catcher

	choices  []choice
	fallback string

	seconds   int64
	secondsAt *path

	fixed *any // a Pass's Result

	err, cause     string
	errAt, causeAt *path
}

// Source returns the definition as it is run, with what was substituted.
func (d *Definition) Source() string { return d.source }

// States returns the names of the states, sorted.
func (d *Definition) States() []string { return slices.Sorted(maps.Keys(d.states)) }

// Functions returns what the Tasks invoke, sorted, each once.
func (d *Definition) Functions() []string {
	var out []string
	for _, s := range d.states {
		if s.kind == typeTask {
			out = append(out, s.function)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// Load reads a definition after each ${Name} in it was replaced by what the map
// has for it. Source: CloudFormation user guide, AWS::StepFunctions::StateMachine,
// DefinitionSubstitutions. The error joins all that is wrong or not supported.
func Load(raw []byte, substitutions map[string]string) (*Definition, error) {
	if len(raw) > maxDefinition {
		return nil, fmt.Errorf("the definition has %d bytes, of at most %d", len(raw), maxDefinition)
	}
	var errs []error
	used := map[string]bool{}
	text := placeholder.ReplaceAllStringFunc(string(raw), func(found string) string {
		name := found[2 : len(found)-1]
		value, known := substitutions[name]
		if !known {
			errs = append(errs, fmt.Errorf("the definition has %s, for which there is no substitution", found))
		}
		used[name] = true
		quoted, _ := json.Marshal(value) // A string always marshals.
		return string(quoted[1 : len(quoted)-1])
	})
	for _, name := range slices.Sorted(maps.Keys(substitutions)) {
		if !used[name] {
			errs = append(errs, fmt.Errorf("there is a substitution for ${%s}, which the definition does not have", name))
		}
	}
	if !json.Valid([]byte(text)) {
		return nil, errors.Join(append(errs, errors.New("the definition is no JSON"))...)
	}
	d := &Definition{source: text, states: map[string]*state{}}
	errs = append(errs, d.load(json.RawMessage(text)))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return d, nil
}

// load reads the top level. Source: Developer Guide, "State machine structure in
// Amazon States Language".
func (d *Definition) load(raw json.RawMessage) error {
	f := newFields("the state machine", raw)
	f.text("Comment")
	if version := f.text("Version"); version != "" && version != "1.0" {
		f.fail("Version", "%q is not 1.0", version)
	}
	f.onlyJSONPath()
	d.startAt = f.text("StartAt")
	d.timeout = time.Duration(f.number("TimeoutSeconds", 1, maxSeconds, 0)) * time.Second
	statesRaw, _ := f.take("States")
	all := newFields("States", statesRaw)
	names := slices.Sorted(maps.Keys(all.left))
	if len(names) == 0 {
		f.fail("States", "there is none")
	}
	for _, name := range names {
		raw, _ := all.take(name)
		s, err := loadState(name, raw)
		if len(name) > 80 {
			f.fail("States", "the name %q has more than 80 characters", name)
		}
		d.states[name] = s
		f.errs = append(f.errs, err)
	}
	f.absorb(all)
	f.errs = append(f.errs, d.checkTransitions())
	return f.done()
}

// onlyJSONPath refuses JSONata.
func (f *fields) onlyJSONPath() {
	if language := f.text("QueryLanguage"); language != "" && language != "JSONPath" {
		f.fail("QueryLanguage", "%q is not supported: use JSONPath", language)
	}
}

// loadState reads a state with the fields that its type has.
func loadState(name string, raw json.RawMessage) (*state, error) {
	f := newFields("state "+name, raw)
	s := &state{name: name, kind: f.text("Type")}
	f.text("Comment")
	f.onlyJSONPath()
	if s.kind != typeFail {
		s.input, s.output = f.choosable("InputPath"), f.choosable("OutputPath")
	}
	switch s.kind {
	case typeTask:
		s.loadTask(f)
	case typeChoice:
		s.loadChoice(f)
	case typeWait:
		s.loadWait(f)
	case typePass:
		s.parameters, s.result = f.template("Parameters"), f.resultPath("ResultPath")
		var fixed any
		if raw, there := f.take("Result"); there {
			fixed, _ = decode(string(raw)) // It is part of valid JSON.
			s.fixed = &fixed
		}
		s.loadNext(f)
	case typeSucceed:
	case typeFail:
		s.loadFail(f)
	case "":
		f.fail("Type", "there is none")
	default:
		f.fail("Type", "%s is not supported: use only %s", s.kind, strings.Join([]string{typeTask, typeChoice, typeWait, typePass, typeSucceed, typeFail}, ", "))
		return s, errors.Join(f.errs...)
	}
	const onlyThere = "there is a task token only in the Parameters of " + resourceWait
	if s.parameters != nil && s.parameters.tokens() && !s.waits {
		f.fail("Parameters", onlyThere)
	}
	if s.selector != nil && s.selector.tokens() {
		f.fail("ResultSelector", onlyThere)
	}
	return s, f.done()
}

// loadNext reads where a state leads: Next or End.
func (s *state) loadNext(f *fields) {
	s.next = f.text("Next")
	end := false
	f.into("End", &end, "true")
	if (s.next == "") == !end {
		f.fail("Next", "exactly one of Next and End: true must be there")
	}
}

// loadWait reads a Wait. Source: Developer Guide, "Wait workflow state".
func (s *state) loadWait(f *fields) {
	_, fixed := f.left["Seconds"]
	s.seconds = f.number("Seconds", 0, maxSeconds, 0)
	s.secondsAt = f.refPath("SecondsPath")
	if fixed == (s.secondsAt != nil) {
		f.fail("Seconds", "exactly one of Seconds and SecondsPath must be there; timestamps are not supported")
	}
	s.loadNext(f)
}

// loadFail reads a Fail. Source: Developer Guide, "Fail workflow state".
func (s *state) loadFail(f *fields) {
	s.err, s.errAt = f.text("Error"), f.refPath("ErrorPath")
	s.cause, s.causeAt = f.text("Cause"), f.refPath("CausePath")
	if s.err != "" && s.errAt != nil {
		f.fail("ErrorPath", "Error is there as well")
	}
	if s.cause != "" && s.causeAt != nil {
		f.fail("CausePath", "Cause is there as well")
	}
}

// checkTransitions refuses what leads nowhere, and what nothing leads to, as
// CreateStateMachine does (API reference, ValidateStateMachineDefinition:
// MISSING_TRANSITION_TARGET, and the guide's "unreachable state").
func (d *Definition) checkTransitions() error {
	var errs []error
	reached := map[string]bool{}
	var visit func(name, from string)
	visit = func(name, from string) {
		s := d.states[name]
		if s == nil {
			errs = append(errs, fmt.Errorf("%s leads to the state %q, which does not exist", from, name))
			return
		}
		if reached[name] {
			return
		}
		reached[name] = true
		for _, next := range s.targets() {
			visit(next, "state "+name)
		}
	}
	visit(d.startAt, "StartAt")
	for _, name := range slices.Sorted(maps.Keys(d.states)) {
		if !reached[name] {
			errs = append(errs, fmt.Errorf("state %s: nothing leads to it", name))
		}
	}
	return errors.Join(errs...)
}

// targets are the states that a state may lead to.
func (s *state) targets() []string {
	var out []string
	for _, name := range []string{s.next, s.fallback} {
		if name != "" {
			out = append(out, name)
		}
	}
	for _, c := range s.choices {
		out = append(out, c.next)
	}
	for _, c := range s.catch {
		out = append(out, c.next)
	}
	return out
}
