package states_test

import (
	"strings"
	"testing"
	"time"

	"detour/shared/sim/states"
)

// TestLoadRefuses: what the interpreter does not know is an error that names the
// state and the field.
func TestLoadRefuses(t *testing.T) {
	const done = `"D":{"Type":"Succeed"}`
	pass := func(fields string) string { return machine("P", `"P":{"Type":"Pass",`+fields+`}`) }
	tsk := func(fields string) string { return machine("T", task("T", fields), done) }
	choose := func(rule string) string {
		return machine("C", `"C":{"Type":"Choice","Choices":[{`+rule+`,"Next":"D"}]}`, done)
	}
	wait := func(fields string) string { return machine("W", `"W":{"Type":"Wait",`+fields+`,"End":true}`) }
	cases := []struct{ name, definition, want string }{
		{"no JSON", `{`, "the definition is no JSON"},
		{"no object", `[]`, "the state machine: it must be an object"},
		{"nothing", `{}`, "States: there is none"},
		{"a field of the machine", `{"StartAt":"D","States":{` + done + `},"Extra":1}`, "the state machine: Extra: this field is not supported here: use only Comment, QueryLanguage, StartAt, States, TimeoutSeconds, Version"},
		{"another version", `{"Version":"2.0","StartAt":"D","States":{` + done + `}}`, `Version: "2.0" is not 1.0`},
		{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"D","States":{` + done + `}}`, `the state machine: QueryLanguage: "JSONata" is not supported: use JSONPath`},
		{"JSONata in a state", pass(`"QueryLanguage":"JSONata","End":true`), "state P: QueryLanguage"},
		{"a machine's timeout", `{"TimeoutSeconds":0,"StartAt":"D","States":{` + done + `}}`, "TimeoutSeconds: 0 is no integer from 1"},
		{"no such start", machine("X", done), `StartAt leads to the state "X", which does not exist`},
		{"no such next", pass(`"Next":"X"`), `state P leads to the state "X", which does not exist`},
		{"unreachable", machine("D", done, `"U":{"Type":"Succeed"}`), "state U: nothing leads to it"},
		{"twice", pass(`"End":true,"End":true`), `state P: "End" stands there twice`},
		{"a state twice", `{"StartAt":"D","States":{` + done + `,` + done + `}}`, `States: "D" stands there twice`},
		{"a long name", machine(strings.Repeat("x", 81), `"`+strings.Repeat("x", 81)+`":{"Type":"Succeed"}`), "more than 80 characters"},
		{"no type", machine("D", `"D":{}`), "state D: Type: there is none"},
		{"Map", machine("M", `"M":{"Type":"Map","End":true}`), "state M: Type: Map is not supported: use only Task, Choice, Wait, Pass, Succeed, Fail"},
		{"Parallel", machine("M", `"M":{"Type":"Parallel","End":true}`), "state M: Type: Parallel is not supported"},
		{"no end", pass(`"Comment":"x"`), "state P: Next: exactly one of Next and End: true must be there"},
		{"both ends", pass(`"Next":"P","End":true`), "state P: Next: exactly one"},
		{"End false", pass(`"End":false`), "state P: Next: exactly one"},
		{"a field of a Pass", pass(`"TimeoutSeconds":1,"End":true`), "state P: TimeoutSeconds: this field is not supported here: use only Comment, End, InputPath"},
		{"a field of a Succeed", machine("D", `"D":{"Type":"Succeed","End":true}`), "state D: End: this field is not supported here"},
		{"a field of a Fail", machine("F", `"F":{"Type":"Fail","InputPath":"$"}`), "state F: InputPath: this field is not supported here"},
		{"a Fail's error twice", machine("F", `"F":{"Type":"Fail","Error":"E","ErrorPath":"$.e","Cause":"C","CausePath":"$.c"}`), "CausePath: Cause is there as well"},
		{"a wildcard", pass(`"InputPath":"$.a[*]","End":true`), `state P: InputPath: "$.a[*]" is no reference path of the form $.a.b`},
		{"an index", pass(`"ResultPath":"$.a[0]","End":true`), "state P: ResultPath"},
		{"a filter", pass(`"OutputPath":"$..a","End":true`), "state P: OutputPath"},
		{"brackets", pass(`"OutputPath":"$['a']","End":true`), "state P: OutputPath"},
		{"ResultPath into the context", pass(`"ResultPath":"$$.Execution.Name","End":true`), "state P: ResultPath: \"$$.Execution.Name\" must point into the state's input"},
		{"an intrinsic function", pass(`"Parameters":{"a":{"x.$":"States.UUID()"}},"End":true`), `state P: Parameters.a.x.$: "States.UUID()" is no path`},
		{"a path that is none", pass(`"Parameters":{"x.$":1},"End":true`), "state P: Parameters.x.$: it must be a path"},
		{"a member twice", pass(`"Parameters":{"x":1,"x.$":"$"},"End":true`), "x stands there twice"},
		{"no such context", pass(`"Parameters":{"x.$":"$$.Map.Item"},"End":true`), "the context object has only Execution, State, StateMachine, Task"},
		{"no such member", pass(`"Parameters":{"x.$":"$$.Execution.Version"},"End":true`), "Execution of the context object has only Id, Input, Name"},
		{"deeper", pass(`"Parameters":{"x.$":"$$.Execution.Name.x"},"End":true`), "Name of the context object is no object"},
		{"a token in a Pass", pass(`"Parameters":{"x.$":"$$.Task.Token"},"End":true`), "state P: Parameters: there is a task token only in the Parameters of arn:aws:states:::lambda:invoke.waitForTaskToken"},
		{"another resource", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{},"End":true}`), `state T: Resource: "arn:aws:states:::sns:publish" is not supported`},
		{"no arguments", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true}`), "state T: Parameters: it must be an object with FunctionName and Payload"},
		{"no payload", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true}`), "state T: Parameters: it must have FunctionName and Payload"},
		{"a function by path", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$.f","Payload":1},"End":true}`), "FunctionName must be a name or an ARN"},
		{"another argument", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload":1,"InvocationType":"Event"},"End":true}`), "InvocationType is not supported"},
		{"a token passed to nobody", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"f","Payload":1},"End":true}`), "nothing passes $$.Task.Token on"},
		{"a token that nobody waits for", machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$$.Task.Token"},"End":true}`), "there is a task token only"},
		{"a token in the selector", tsk(`"ResultSelector":{"x.$":"$$.Task.Token"}`), "state T: ResultSelector: there is a task token only"},
		{"a heartbeat", tsk(`"HeartbeatSeconds":5`), "state T: HeartbeatSeconds: this field is not supported here"},
		{"credentials", tsk(`"Credentials":{}`), "state T: Credentials: this field is not supported here"},
		{"a timeout of nothing", tsk(`"TimeoutSeconds":0`), "state T: TimeoutSeconds: 0 is no integer from 1 to 99999999"},
		{"a timeout as text", tsk(`"TimeoutSeconds":"5"`), `state T: TimeoutSeconds: "5" is no integer`},
		{"two timeouts", tsk(`"TimeoutSeconds":5,"TimeoutSecondsPath":"$.t"`), "TimeoutSecondsPath: TimeoutSeconds is there as well"},
		{"an empty Retry", tsk(`"Retry":[]`), "state T: Retry: it is empty"},
		{"a retrier of no error", tsk(`"Retry":[{"ErrorEquals":[]}]`), "state T: Retry[0]: ErrorEquals: it must name at least one error"},
		{"jitter", tsk(`"Retry":[{"ErrorEquals":["E"],"JitterStrategy":"FULL"}]`), "state T: Retry[0]: JitterStrategy: this field is not supported here: use only BackoffRate, Comment, ErrorEquals, IntervalSeconds, MaxAttempts, MaxDelaySeconds"},
		{"a small rate", tsk(`"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}]`), "Retry[0]: BackoffRate: 0.5 is no number of at least 1.0"},
		{"an interval", tsk(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":0}]`), "Retry[0]: IntervalSeconds: 0 is no integer from 1"},
		{"a bound", tsk(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":5,"MaxDelaySeconds":5}]`), "Retry[0]: MaxDelaySeconds: 5 must be more than IntervalSeconds, which is 5"},
		{"attempts", tsk(`"Retry":[{"ErrorEquals":["E"],"MaxAttempts":-1}]`), "Retry[0]: MaxAttempts: -1 is no integer from 0"},
		{"all with another", tsk(`"Retry":[{"ErrorEquals":["States.ALL","E"]}]`), "state T: Retry[0]: States.ALL must stand alone"},
		{"all too soon", tsk(`"Catch":[{"ErrorEquals":["States.ALL"],"Next":"D"},{"ErrorEquals":["E"],"Next":"D"}]`), "state T: Catch[0]: States.ALL must stand alone, and in the last one"},
		{"what nothing catches", tsk(`"Catch":[{"ErrorEquals":["States.Runtime"],"Next":"D"}]`), "Catch[0]: States.Runtime is neither retried nor caught"},
		{"no such error", tsk(`"Catch":[{"ErrorEquals":["States.Timedout"],"Next":"D"}]`), `Catch[0]: "States.Timedout": of the names that begin with States. only`},
		{"a catcher to nowhere", tsk(`"Catch":[{"ErrorEquals":["E"]}]`), "state T: Catch[0]: Next: there is none"},
		{"a catcher to no state", tsk(`"Catch":[{"ErrorEquals":["E"],"Next":"X"}]`), `state T leads to the state "X"`},
		{"a Retry of a Pass", pass(`"Retry":[{"ErrorEquals":["E"]}],"End":true`), "state P: Retry: this field is not supported here"},
		{"no choices", machine("C", `"C":{"Type":"Choice","Choices":[],"Default":"D"}`, done), "state C: Choices: there is none"},
		{"a choice that ends", machine("C", `"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"D"}],"End":true}`, done), "state C: End: this field is not supported here"},
		{"a choice to nowhere", machine("C", `"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true}],"Default":"D"}`, done), "state C: Choices[0]: Next: there is none"},
		{"another operator", choose(`"Variable":"$.a","StringMatches":"x*"`), "state C: Choices[0]: it must have exactly one of And, Or, Not"},
		{"two operators", choose(`"Variable":"$.a","NumericEquals":1,"StringEquals":"x"`), "state C: Choices[0]: it must have exactly one"},
		{"no variable", choose(`"NumericEquals":1`), "state C: Choices[0]: Variable: there is none"},
		{"another type", choose(`"Variable":"$.a","NumericEquals":"1"`), "Choices[0]: NumericEquals: it must be a number"},
		{"another type of text", choose(`"Variable":"$.a","StringEquals":1`), "Choices[0]: StringEquals: it must be a string"},
		{"another type of truth", choose(`"Variable":"$.a","IsPresent":"true"`), "Choices[0]: IsPresent: it must be true or false"},
		{"another field of a rule", choose(`"Variable":"$.a","IsPresent":true,"Assign":{}`), "Choices[0]: Assign: this field is not supported here"},
		{"deep inside", choose(`"And":[{"Not":{"Or":[{"Variable":"$.a","IsString":true}]}}]`), "state C: Choices[0]: And[0]: Not: Or[0]: it must have exactly one"},
		{"an empty And", choose(`"And":[]`), "state C: Choices[0]: And: it is empty"},
		{"a rule inside that leads on", choose(`"Not":{"Variable":"$.a","IsPresent":true,"Next":"D"}`), "Not: Next: this field is not supported here"},
		{"a timestamp", wait(`"Timestamp":"2026-01-01T00:00:00Z"`), "state W: Timestamp: this field is not supported here"},
		{"two waits", wait(`"Seconds":1,"SecondsPath":"$.s"`), "state W: Seconds: exactly one of Seconds and SecondsPath"},
		{"a wait for ever", wait(`"Seconds":100000000`), "state W: Seconds: 100000000 is no integer from 0 to 99999999"},
		{"half a second", wait(`"Seconds":0.5`), "state W: Seconds: 0.5 is no integer"},
		{"nothing to put in", pass(`"Comment":"${Name}","End":true`), "the definition has ${Name}, for which there is no substitution"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := states.Load([]byte(c.definition), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestPartitions: an integration has its partition in its ARN.
func TestPartitions(t *testing.T) {
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		if _, err := states.Load([]byte(strings.ReplaceAll(machine("T", task("T", "")), "arn:aws:", "arn:"+partition+":")), nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := states.Load([]byte(strings.ReplaceAll(machine("T", task("T", "")), "arn:aws:", "arn:aws-iso:")), nil); err == nil {
		t.Error("a partition that nobody knows was let through")
	}
}

func TestSubstitutions(t *testing.T) {
	d, err := states.Load([]byte(machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"${F}","Payload":"a \" ${Text}"},"End":true}`)), map[string]string{"F": "arn:aws:lambda:eu-west-1:111122223333:function:f", "Text": `say "x"`})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.Functions(), " "); got != "arn:aws:lambda:eu-west-1:111122223333:function:f" || !strings.Contains(d.Source(), `a \" say \"x\"`) {
		t.Errorf("got %s in %s", got, d.Source())
	}
	if got := strings.Join(d.States(), " "); got != "T" {
		t.Errorf("got %s", got)
	}
	if _, err := states.Load([]byte(d.Source()), map[string]string{"F": "f"}); err == nil || !strings.Contains(err.Error(), "there is a substitution for ${F}, which the definition does not have") {
		t.Errorf("got %v", err)
	}
	if _, err := states.Load([]byte(strings.Repeat(" ", 1<<20+1)), nil); err == nil || !strings.Contains(err.Error(), "of at most") {
		t.Errorf("got %v", err)
	}
}

// FuzzLoad loads any definition: what it loads it can also run for a while.
func FuzzLoad(f *testing.F) {
	f.Add(machine("P", `"P":{"Type":"Pass","InputPath":"$.a.b","ResultPath":"$.c.d","Next":"C"}`, `"C":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsPresent":true},{"Not":{"Variable":"$.a","NumericLessThanPath":"$.b"}}],"Next":"T"}]}`,
		task("T", `"Retry":[{"ErrorEquals":["E"],"BackoffRate":1.5}],"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":null,"Next":"W"}]`), `"W":{"Type":"Wait","SecondsPath":"$.a","Next":"F"}`, `"F":{"Type":"Fail","CausePath":"$.a"}`), `{"a":1,"b":2}`)
	f.Add(machine("T", asks, caught), `[]`)
	f.Fuzz(func(t *testing.T, definition, input string) {
		if _, err := states.Load([]byte(definition), nil); err != nil {
			return
		}
		r := newRig(t, definition)
		r.answer, r.pause = &states.Answer{Payload: []byte("{}")}, time.Millisecond
		if _, err := r.engine.Start(r.arn, "x", input); err == nil {
			r.time.RunUntil(start.Add(100 * time.Millisecond))
		}
	})
}
