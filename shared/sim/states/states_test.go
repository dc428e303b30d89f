package states_test

import (
	"strings"
	"testing"
	"time"

	"detour/shared/sim/states"
)

// TestDataFlow goes through the fields that choose and combine data. Source of the
// order: Developer Guide, "Processing input and output in Step Functions".
func TestDataFlow(t *testing.T) {
	const done = `"Done":{"Type":"Succeed"}`
	cases := []struct{ name, definition, input, want string }{
		{"InputPath and ResultPath", machine("P", `"P":{"Type":"Pass","InputPath":"$.a.b","ResultPath":"$.c.d","End":true}`), `{"a":{"b":[1]},"z":0}`, `{"a":{"b":[1]},"c":{"d":[1]},"z":0}`},
		{"InputPath null", machine("P", `"P":{"Type":"Pass","InputPath":null,"End":true}`), `{"a":1}`, `{}`},
		{"ResultPath null", machine("P", `"P":{"Type":"Pass","Result":{"x":1},"ResultPath":null,"End":true}`), `{"a":1}`, `{"a":1}`},
		{"ResultPath replaces", machine("P", `"P":{"Type":"Pass","Result":[true,null,"<&>"],"ResultPath":"$.a","End":true}`), `{"a":{"b":1}}`, `{"a":[true,null,"<&>"]}`},
		{"ResultPath whole", machine("P", `"P":{"Type":"Pass","Result":12345678901234567890,"ResultPath":"$","End":true}`), `{"a":1}`, `12345678901234567890`},
		{"OutputPath", machine("P", `"P":{"Type":"Pass","OutputPath":"$.a","End":true}`), `{"a":"x"}`, `"x"`},
		{"OutputPath null", machine("P", `"P":{"Type":"Pass","OutputPath":null,"End":true}`), `{"a":"x"}`, `{}`},
		{"Parameters", machine("P", `"P":{"Type":"Pass","InputPath":"$.a","Parameters":{"n":1,"whole.$":"$","list":[{"b.$":"$.b"},"$.b"],"deep":{"e":{},"f":[]}},"End":true}`), `{"a":{"b":"x"}}`, `{"deep":{"e":{},"f":[]},"list":[{"b":"x"},"$.b"],"n":1,"whole":{"b":"x"}}`},
		{
			"context object", machine("P", `"P":{"Type":"Pass","Parameters":{"id.$":"$$.Execution.Id","in.$":"$$.Execution.Input.a","name.$":"$$.Execution.Name","role.$":"$$.Execution.RoleArn","at.$":"$$.Execution.StartTime","redrives.$":"$$.Execution.RedriveCount","entered.$":"$$.State.EnteredTime","state.$":"$$.State.Name","retries.$":"$$.State.RetryCount","machine.$":"$$.StateMachine.Id","called.$":"$$.StateMachine.Name"},"End":true}`), `{"a":1}`,
			`{"at":"2026-01-05T03:00:00.000Z","called":"machine","entered":"2026-01-05T03:00:00.000Z","id":"arn:aws:states:eu-west-1:111122223333:execution:machine:x","in":1,"machine":"arn:aws:states:eu-west-1:111122223333:stateMachine:machine","name":"x","redrives":0,"retries":0,"role":"arn:aws:iam::111122223333:role/machine","state":"P"}`,
		},
		{"Succeed chooses", machine("S", `"S":{"Type":"Succeed","InputPath":"$.a","OutputPath":"$.b"}`), `{"a":{"b":2}}`, `2`},
		{"Choice chooses", machine("C", `"C":{"Type":"Choice","InputPath":"$.a","OutputPath":"$.b","Choices":[{"Variable":"$.b","NumericEquals":2,"Next":"Done"}]}`, done), `{"a":{"b":2}}`, `2`},
		{"Wait chooses", machine("W", `"W":{"Type":"Wait","InputPath":"$.a","OutputPath":"$.b","Seconds":0,"Next":"Done"}`, done), `{"a":{"b":2}}`, `2`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := newRig(t, c.definition).start("x", c.input, time.Second)
			if x.Status != states.Succeeded {
				t.Fatalf("it ended as %s: %s %s", x.Status, x.Error, x.Cause)
			}
			equal(t, x.Output, c.want)
		})
	}
}

// TestTaskData follows a task's data: selector, ResultPath, OutputPath.
func TestTaskData(t *testing.T) {
	r := newRig(t, machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","InputPath":"$.in","Parameters":{"FunctionName":"f","Payload":{"n.$":"$.n","who.$":"$$.Execution.Name"}},
		"ResultSelector":{"p.$":"$.Payload.out","code.$":"$.StatusCode","version.$":"$.ExecutedVersion"},"ResultPath":"$.result","OutputPath":"$.result","End":true}`))
	r.script["f"] = []reply{ok(`{"out":{"x":1}}`).in(2 * time.Second)}
	x := r.start("x", `{"in":{"n":7}}`, time.Minute)
	equal(t, x.Output, `{"code":200,"p":{"x":1},"version":"$LATEST"}`)
	if got := string(r.seen[0].Payload); got != `{"n":7,"who":"x"}` || r.seen[0].State != "T" || r.seen[0].Execution != x.ARN {
		t.Errorf("the function got %s", got)
	}
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {"in":{"n":7}}
0 TaskStateEntered T {"in":{"n":7}}
0 TaskScheduled
0 TaskStarted
2 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":{"out":{"x":1}},"StatusCode":200}
2 TaskStateExited T {"code":200,"p":{"x":1},"version":"$LATEST"}
2 ExecutionSucceeded {"code":200,"p":{"x":1},"version":"$LATEST"}`)
	if got := strings.Join(r.told, ", "); got != "x RUNNING, x SUCCEEDED" {
		t.Errorf("told %s", got)
	}
}

func TestChoices(t *testing.T) {
	const other = `"Yes":{"Type":"Succeed"},"No":{"Type":"Fail","Error":"No"}`
	cases := []struct {
		rule, input string
		want        bool
	}{
		{`"Variable":"$.a","StringEquals":"x"`, `{"a":"x"}`, true},
		{`"Variable":"$.a","StringEquals":"x"`, `{"a":"X"}`, false},
		{`"Variable":"$.a","StringEquals":"1"`, `{"a":1}`, false},
		{`"Variable":"$.a","StringEqualsPath":"$.b"`, `{"a":"x","b":"x"}`, true},
		{`"Variable":"$$.Execution.Name","StringEqualsPath":"$.b"`, `{"b":"x"}`, true},
		{`"Variable":"$.a","BooleanEquals":false`, `{"a":false}`, true},
		{`"Variable":"$.a","BooleanEquals":false`, `{"a":null}`, false},
		{`"Variable":"$.a","BooleanEqualsPath":"$.b"`, `{"a":true,"b":true}`, true},
		{`"Variable":"$.a","NumericEquals":1`, `{"a":1.0}`, true},
		{`"Variable":"$.a","NumericEquals":1`, `{"a":"1"}`, false},
		{`"Variable":"$.a","NumericLessThan":1`, `{"a":0.5}`, true},
		{`"Variable":"$.a","NumericLessThan":1`, `{"a":1}`, false},
		{`"Variable":"$.a","NumericLessThanEquals":1`, `{"a":1}`, true},
		{`"Variable":"$.a","NumericLessThanEqualsPath":"$.b"`, `{"a":3,"b":2}`, false},
		{`"Variable":"$.a","NumericGreaterThan":-1`, `{"a":0}`, true},
		{`"Variable":"$.a","NumericGreaterThan":0`, `{"a":0}`, false},
		{`"Variable":"$.a","NumericGreaterThanEquals":0`, `{"a":0}`, true},
		{`"Variable":"$.a","NumericGreaterThanEqualsPath":"$.b"`, `{"a":1,"b":2}`, false},
		{`"Variable":"$.a","IsPresent":true`, `{"a":null}`, true},
		{`"Variable":"$.a.b","IsPresent":true`, `{"a":1}`, false},
		{`"Variable":"$.a","IsPresent":false`, `{}`, true},
		{`"Not":{"Variable":"$.a","IsPresent":true}`, `{}`, true},
		{`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, `{}`, false},
		{`"And":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.a","NumericEquals":1}]`, `{"a":1}`, true},
		{`"Or":[{"Variable":"$.a","IsPresent":true},{"Variable":"$.b","NumericEquals":1}]`, `{"a":1}`, true},
		{`"Or":[{"Variable":"$.a","IsPresent":true},{"Not":{"Variable":"$.b","NumericEquals":1}}]`, `{"b":1}`, false},
	}
	for _, c := range cases {
		t.Run(strings.NewReplacer(`"`, "", " ", "").Replace(c.rule), func(t *testing.T) {
			r := newRig(t, machine("C", `"C":{"Type":"Choice","Choices":[{`+c.rule+`,"Next":"Yes"}],"Default":"No"}`, other))
			if x := r.start("x", c.input, time.Second); (x.Status == states.Succeeded) != c.want {
				t.Errorf("%s ended as %s %s %s", c.input, x.Status, x.Error, x.Cause)
			}
		})
	}
}

// TestRuntimeErrors are errors that nothing retries or catches. Source: Developer
// Guide, "Handling errors in Step Functions workflows", States.Runtime.
func TestRuntimeErrors(t *testing.T) {
	const all = `"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Done"}]`
	const done = `"Done":{"Type":"Succeed"}`
	const at = "An error occurred while executing the state 'S' (entered at the event id #2). "
	cases := []struct{ name, definition, input, err, cause string }{
		{"InputPath", machine("S", `"S":{"Type":"Pass","InputPath":"$.x","End":true}`), `{}`, "States.Runtime", at + "Invalid path '$.x' : the field 'InputPath' found no results in {}"},
		{"OutputPath", machine("S", `"S":{"Type":"Pass","OutputPath":"$.x","End":true}`), `{}`, "States.Runtime", at + "Invalid path '$.x'"},
		{"Parameters", machine("S", `"S":{"Type":"Pass","Parameters":{"y":[{"z.$":"$.x"}]},"End":true}`), `{}`, "States.Runtime", at + "The JSONPath '$.x' specified for the field 'z.$' could not be found in the input '{}'"},
		{"no rule holds", machine("S", `"S":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":1,"Next":"Done"}]}`, done), `{"a":2}`, "States.Runtime", at + "Failed to transition"},
		{"a rule's variable", machine("S", `"S":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":1,"Next":"Done"}]}`, done), `{}`, "States.Runtime", at + "Invalid path '$.a': The choice state's condition path references an invalid value."},
		{"a rule's other variable", machine("S", `"S":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEqualsPath":"$.b","Next":"Done"}]}`, done), `{"a":1}`, "States.Runtime", at + "Invalid path '$.b'"},
		{"SecondsPath", machine("S", `"S":{"Type":"Wait","SecondsPath":"$.a","End":true}`), `{"a":"5"}`, "States.Runtime", at + "The SecondsPath parameter does not reference a valid value"},
		{"SecondsPath of a fraction", machine("S", `"S":{"Type":"Wait","SecondsPath":"$.a","End":true}`), `{"a":5.5}`, "States.Runtime", at},
		{"SecondsPath below zero", machine("S", `"S":{"Type":"Wait","SecondsPath":"$.a","End":true}`), `{"a":-1}`, "States.Runtime", at},
		{"TimeoutSecondsPath", machine("S", task("S", `"TimeoutSecondsPath":"$.a",`+all), done), `{"a":0}`, "States.Runtime", at + "The TimeoutSecondsPath"},
		{"ResultSelector", machine("S", task("S", `"ResultSelector":{"a.$":"$.Payload.none"},`+all), done), `{}`, "States.Runtime", at + "The JSONPath '$.Payload.none'"},
		{"ErrorPath", machine("S", `"S":{"Type":"Fail","ErrorPath":"$.a"}`), `{"a":1}`, "States.Runtime", at + "The ErrorPath '$.a'"},
		{"CausePath", machine("S", `"S":{"Type":"Fail","CausePath":"$.a"}`), `{}`, "States.Runtime", at + "The CausePath '$.a'"},
		{"ResultPath", machine("S", `"S":{"Type":"Pass","Result":1,"ResultPath":"$.a.b","End":true}`), `{"a":1}`, "States.ResultPathMatchFailure", "Unable to apply ReferencePath $.a.b"},
		{"too much", machine("S", task("S", `"ResultPath":"$.more",`+all), done), `{"a":"` + strings.Repeat("x", 200<<10) + `"}`, "States.DataLimitExceeded", "The state/task 'S' returned a result with a size"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.definition)
			r.script["S"] = []reply{ok(`"` + strings.Repeat("y", 100<<10) + `"`)}
			x := r.start("x", c.input, time.Hour)
			if x.Status != states.Failed || x.Error != c.err || !strings.HasPrefix(x.Cause, c.cause) {
				t.Errorf("got %s: %s: %s", x.Status, x.Error, x.Cause)
			}
		})
	}
}

func TestWaitsAndFail(t *testing.T) {
	r := newRig(t, machine("W", `"W":{"Type":"Wait","Seconds":90,"Next":"V"}`, `"V":{"Type":"Wait","SecondsPath":"$.s","Next":"F"}`, `"F":{"Type":"Fail","Error":"E","Cause":"C"}`))
	r.pause = time.Second
	x := r.start("x", `{"s":3600}`, 2*time.Hour)
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {"s":3600}
1 WaitStateEntered W {"s":3600}
91 WaitStateExited W {"s":3600}
92 WaitStateEntered V {"s":3600}
3692 WaitStateExited V {"s":3600}
3693 FailStateEntered F {"s":3600}
3693 ExecutionFailed E C`)
	r = newRig(t, machine("F", `"F":{"Type":"Fail","ErrorPath":"$.e","CausePath":"$$.Execution.Name"}`))
	if x := r.start("x", `{"e":"E"}`, 0); x.Error != "E" || x.Cause != "x" || !x.EndedAt.Equal(start) {
		t.Errorf("got %+v", x)
	}
}

// TestLoopWithoutEnd: a history has an end.
func TestLoopWithoutEnd(t *testing.T) {
	r := newRig(t, machine("P", `"P":{"Type":"Pass","Next":"C"}`, `"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"Done"}],"Default":"P"}`, `"Done":{"Type":"Succeed"}`))
	if x := r.start("x", `{}`, 0); x.Status != states.Failed || x.Error != "States.Runtime" || !strings.Contains(x.Cause, "25000") {
		t.Errorf("got %s %s %s", x.Status, x.Error, x.Cause)
	}
}
