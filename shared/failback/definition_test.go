package failback_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detour/shared/failback"
)

// machine is the definition, as far as the tests look at it.
type machine struct {
	StartAt        string
	TimeoutSeconds int
	States         map[string]state
}

type state struct {
	Type               string
	Resource           string
	Next               string
	Default            string
	SecondsPath        string
	TimeoutSeconds     int
	TimeoutSecondsPath string
	InputPath          string
	OutputPath         string
	ResultPath         string
	Cause              string
	CausePath          string
	Parameters         struct {
		FunctionName string
		Payload      map[string]any
	}
	Choices []rule
	Retry   []struct {
		ErrorEquals     []string
		IntervalSeconds int
		MaxAttempts     int
		BackoffRate     float64
		MaxDelaySeconds int
	}
	Catch []struct {
		ErrorEquals []string
		ResultPath  string
		Next        string
	}
}

// rule is one choice, or one of the conditions of one.
type rule struct {
	Variable              string
	StringEquals          *string
	NumericLessThanEquals *int
	And                   []rule
	Next                  string
}

// next are the states that a state can lead to, sorted.
func (s state) next() []string {
	out := []string{s.Next, s.Default}
	for _, c := range s.Choices {
		out = append(out, c.Next)
	}
	for _, c := range s.Catch {
		out = append(out, c.Next)
	}
	out = slices.DeleteFunc(out, func(name string) bool { return name == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// read reads the definition.
func read(t *testing.T) machine {
	t.Helper()
	var out machine
	if err := json.Unmarshal([]byte(failback.Definition()), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// tasksOf are the task states, each with the task whose function it invokes.
func (m machine) tasksOf(t *testing.T) map[string]failback.Task {
	t.Helper()
	out := map[string]failback.Task{}
	for name, s := range m.States {
		if s.Type != "Task" {
			continue
		}
		for _, task := range failback.Tasks() {
			if s.Parameters.FunctionName == "${"+task.Substitution()+"}" {
				out[name] = task
			}
		}
		if out[name] == "" {
			t.Errorf("%s invokes %q, which is no task's function", name, s.Parameters.FunctionName)
		}
	}
	return out
}

// TestEveryTaskEnds: each has a time limit, and each error is caught.
func TestEveryTaskEnds(t *testing.T) {
	m := read(t)
	// All looks, the approval and all steps, each for as long as a configuration can ask:
	// 24 hours, 24 hours and one hour.
	if least := (failback.MaxLooks*24 + 24 + failback.MaxSteps) * 3600; m.TimeoutSeconds <= least || m.TimeoutSeconds > 2*least {
		t.Errorf("an execution ends after %d s, and can need %d s", m.TimeoutSeconds, least)
	}
	for name, task := range m.tasksOf(t) {
		s := m.States[name]
		switch {
		case task == failback.Ask && s.TimeoutSecondsPath != "$.approvalSeconds":
			t.Errorf("%s has the time limit %q", name, s.TimeoutSecondsPath)
		case task != failback.Ask && s.TimeoutSeconds <= 300:
			t.Errorf("%s ends after %d s, before its function does", name, s.TimeoutSeconds)
		}
		// States.ALL is every error but this one (Step Functions Developer Guide, error names).
		if len(s.Catch) != 2 || !slices.Equal(s.Catch[0].ErrorEquals, []string{"States.DataLimitExceeded"}) || !slices.Equal(s.Catch[1].ErrorEquals, []string{"States.ALL"}) {
			t.Errorf("%s catches %v", name, s.Catch)
			continue
		}
		if path := s.Catch[1].ResultPath; path == "" || path == "$" {
			t.Errorf("%s loses what the workflow carries when it catches an error", name)
		}
		if s.Catch[0].ResultPath != s.Catch[1].ResultPath || s.Catch[0].Next != s.Catch[1].Next {
			t.Errorf("%s does not do the same with both: %v", name, s.Catch)
		}
		want := "Close"
		switch task { //nolint:exhaustive // The rest has moved nothing.
		case failback.Close:
			want = "Unclosed"
		case failback.Advance, failback.Verify:
			want = "Undo"
		}
		if s.Catch[0].Next != want {
			t.Errorf("an error of %s leads to %s, want %s", name, s.Catch[0].Next, want)
		}
	}
}

// TestOnlyWhatIsWorthIt is tried again: errors of Lambda itself, a function that died,
// and those three of a task's own.
func TestOnlyWhatIsWorthIt(t *testing.T) {
	m := read(t)
	service := []string{"Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException"}
	own := []string{failback.ErrorName(failback.Busy{}), failback.ErrorName(failback.Throttled{}), failback.ErrorName(failback.Unsettled{})}
	died := []string{"Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"}
	for name, task := range m.tasksOf(t) {
		var got [][]string
		total := 0.0
		for _, r := range m.States[name].Retry {
			got = append(got, r.ErrorEquals)
			if r.MaxAttempts < 1 || r.IntervalSeconds < 1 || r.BackoffRate < 1 {
				t.Errorf("%s tries %v %d times, every %d s", name, r.ErrorEquals, r.MaxAttempts, r.IntervalSeconds)
			}
			wait := float64(r.IntervalSeconds)
			for range r.MaxAttempts {
				total += wait
				if wait *= r.BackoffRate; r.MaxDelaySeconds > 0 {
					wait = min(wait, float64(r.MaxDelaySeconds))
				}
			}
		}
		if !reflect.DeepEqual(got, [][]string{service, own, died}) {
			t.Errorf("%s tries again after %v", name, got)
		}
		// The authority lasts five minutes after a task; only at its end is there none to lose.
		if task != failback.Close && total > 280 {
			t.Errorf("%s waits %.0f s between its tries, and the authority ends", name, total)
		}
	}
}

// TestTheErrorsHaveTheNamesOfTheirTypes, as Lambda reports them.
func TestTheErrorsHaveTheNamesOfTheirTypes(t *testing.T) {
	for want, err := range map[string]error{
		"Invalid": failback.Invalid{}, "Refused": failback.Refused{}, "Unverified": failback.Unverified{},
		"Busy": failback.Busy{}, "Unsettled": failback.Unsettled{}, "Throttled": &failback.Throttled{}, "": nil,
	} {
		if got := failback.ErrorName(err); got != want {
			t.Errorf("%T is called %q", err, got)
		}
	}
}

// TestTheTaskTokenIsPassedOn, and to nobody but the task that asks.
func TestTheTaskTokenIsPassedOn(t *testing.T) {
	m := read(t)
	for name, task := range m.tasksOf(t) {
		s := m.States[name]
		token, has := s.Parameters.Payload["token.$"]
		waits := strings.HasSuffix(s.Resource, ".waitForTaskToken")
		if want := task == failback.Ask; has != want || waits != want || want && token != "$$.Task.Token" {
			t.Errorf("%s waits: %t, and is given the token %v", name, waits, token)
		}
		if s.Parameters.Payload["task"] != string(task) || s.Parameters.Payload["state.$"] != "$" {
			t.Errorf("%s is given %v", name, s.Parameters.Payload)
		}
		if task != failback.Ask && (s.OutputPath != "$.Payload" || s.ResultPath != "") {
			t.Errorf("%s puts its answer to %q %q", name, s.OutputPath, s.ResultPath)
		}
	}
	if strings.Count(failback.Definition(), "$$.Task.Token") != 1 {
		t.Error("the token is read in more than one place")
	}
}

// TestEveryNameIsATask: all that is to be put in is the ARN of a task's function, and
// every task is there.
func TestEveryNameIsATask(t *testing.T) {
	var want []string
	for _, task := range failback.Tasks() {
		want = append(want, "${"+task.Substitution()+"}")
		if got, ok := failback.TaskOf(string(task)); !ok || got != task {
			t.Errorf("%s is not found", task)
		}
	}
	if _, ok := failback.TaskOf("other"); ok {
		t.Error("there is a task that is none")
	}
	got := regexp.MustCompile(`\$\{[^}]*\}`).FindAllString(failback.Definition(), -1)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("the names are %v, want %v", got, want)
	}
}

// TestEveryPathEnds in one of the four ends, or in the state that knows none: from every
// state one can be reached, every state is reached, and no state is a dead end.
func TestEveryPathEnds(t *testing.T) {
	m := read(t)
	ends := map[string]string{"Restored": "Succeed", "AsBefore": "Succeed", "Superseded": "Fail", "HeldPartial": "Fail", "Unclosed": "Fail"}
	for name, s := range m.States {
		if want, end := ends[name]; end != (s.Type == "Succeed" || s.Type == "Fail") || end && s.Type != want || len(s.next()) == 0 != end {
			t.Errorf("%s is a %s and leads to %v", name, s.Type, s.next())
		}
		if s.Type == "Fail" && s.CausePath != "$.why" && (name != "Unclosed" || !strings.Contains(s.Cause, "detour failback status")) {
			t.Errorf("%s does not say why", name)
		}
		if s.Type == "Choice" && s.Default == "" {
			t.Errorf("%s knows nothing for what it was not told of", name)
		}
		for _, next := range s.next() {
			if _, there := m.States[next]; !there {
				t.Errorf("%s leads to %s, which is not there", name, next)
			}
		}
	}
	reached := m.reachable(m.StartAt, nil)
	for name := range m.States {
		if !reached[name] {
			t.Errorf("%s is never reached", name)
		}
		after := m.reachable(name, nil)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(ends)), func(end string) bool { return after[end] }) {
			t.Errorf("%s never ends", name)
		}
	}
}

// reachable are the states that can come after one, that one included, by ways that
// use no edge that is without.
func (m machine) reachable(from string, without func(from, to string) bool) map[string]bool {
	out := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range m.States[queue[0]].next() {
			if !out[next] && (without == nil || !without(queue[0], next)) {
				out[next] = true
				queue = append(queue, next)
			}
		}
	}
	return out
}

// TestEveryLoopIsBounded: who takes away the choices that compare a counter with a
// number leaves no loop. The counters are those that a task raises each time
// (TestTheCountersRise).
func TestEveryLoopIsBounded(t *testing.T) {
	m := read(t)
	bounded := map[[2]string]bool{}
	for name, s := range m.States {
		for _, choice := range s.Choices {
			for _, condition := range choice.And {
				if condition.NumericLessThanEquals == nil {
					continue
				}
				if condition.Variable != "$.looks" && condition.Variable != "$.step" {
					t.Errorf("%s compares %s, which nobody counts", name, condition.Variable)
				}
				bounded[[2]string{name, choice.Next}] = true
			}
		}
	}
	if want := 2; len(bounded) != want {
		t.Errorf("there are %d bounded choices, want %d", len(bounded), want)
	}
	for name, s := range m.States {
		for _, next := range s.next() {
			if bounded[[2]string{name, next}] {
				continue
			}
			if m.reachable(next, func(from, to string) bool { return bounded[[2]string{from, to}] })[name] {
				t.Errorf("from %s a way leads through %s back to it, and nothing bounds it", name, next)
			}
		}
	}
}

// TestEveryChoiceIsKnown: the definition chooses by what the tasks answer, and by
// nothing else.
func TestEveryChoiceIsKnown(t *testing.T) {
	m := read(t)
	answers := map[string][]string{
		"$.next": {string(failback.NextAsk), string(failback.NextWait), string(failback.NextAdvance), string(failback.NextClose)},
		"$.end":  {"restored", "as-before", "superseded", "held-partial"},
	}
	var look func(name string, r rule)
	look = func(name string, r rule) {
		if r.StringEquals != nil && !slices.Contains(answers[r.Variable], *r.StringEquals) {
			t.Errorf("%s asks whether %s is %q, which no task answers", name, r.Variable, *r.StringEquals)
		}
		for _, inner := range r.And {
			look(name, inner)
		}
	}
	for name, s := range m.States {
		for _, r := range s.Choices {
			look(name, r)
		}
	}
	// What is chosen by and waited for is in every answer, even if it is empty.
	body, err := json.Marshal(failback.State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range regexp.MustCompile(`"\$\.([a-zA-Z]+)"`).FindAllStringSubmatch(failback.Definition(), -1) {
		name := path[1]
		if slices.Contains([]string{"Payload", "error", "undoError", "closeError", "approval"}, name) {
			continue // Set by the definition.
		}
		if !strings.Contains(string(body), fmt.Sprintf("%q:", name)) {
			t.Errorf("the definition reads $.%s, which an answer can lack: %s", name, body)
		}
	}
}

// TestTheBoundsAreThoseOfTheTasks: the definition lets the tasks judge first.
func TestTheBoundsAreThoseOfTheTasks(t *testing.T) {
	m := read(t)
	got := map[string]int{}
	for _, s := range m.States {
		for _, choice := range s.Choices {
			for _, condition := range choice.And {
				if condition.NumericLessThanEquals != nil {
					got[condition.Variable] = *condition.NumericLessThanEquals
				}
			}
		}
	}
	if got["$.looks"] != failback.MaxLooks || got["$.step"] != failback.MaxSteps {
		t.Errorf("the definition has the bounds %v, and the tasks %d and %d", got, failback.MaxLooks, failback.MaxSteps)
	}
}
