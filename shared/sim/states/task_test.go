package states_test

import (
	"strings"
	"testing"
	"time"

	"detour/shared/sim/states"
)

const caught = `"Caught":{"Type":"Succeed"}`

// TestRetry: intervals grow by BackoffRate up to MaxDelaySeconds, and each retrier
// counts its own attempts.
func TestRetry(t *testing.T) {
	r := newRig(t, machine("T", task("T", `"Retry":[
		{"ErrorEquals":["A","B"],"IntervalSeconds":3,"BackoffRate":1.5,"MaxAttempts":4,"MaxDelaySeconds":8},
		{"ErrorEquals":["Never"],"MaxAttempts":0},
		{"ErrorEquals":["States.ALL"]}]`)))
	r.script["T"] = []reply{
		bad("A", "1").in(time.Second), bad("C", "2"), bad("B", "3"), bad("A", ""), bad("C", ""), bad("A", ""), ok("1"),
	}
	x := r.start("x", `{}`, time.Hour)
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {}
0 TaskStateEntered T {}
0 TaskScheduled
0 TaskStarted
1 TaskFailed A 1
4 TaskScheduled
4 TaskStarted
4 TaskFailed C 2
5 TaskScheduled
5 TaskStarted
5 TaskFailed B 3
9.5 TaskScheduled
9.5 TaskStarted
9.5 TaskFailed A
16.25 TaskScheduled
16.25 TaskStarted
16.25 TaskFailed C
18.25 TaskScheduled
18.25 TaskStarted
18.25 TaskFailed A
26.25 TaskScheduled
26.25 TaskStarted
26.25 TaskSucceeded {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
26.25 TaskStateExited T {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}
26.25 ExecutionSucceeded {"ExecutedVersion":"$LATEST","Payload":1,"StatusCode":200}`)
}

// TestRetryEnds: the defaults are 1 s, 3 attempts and 2.0; what a used-up retrier
// names no later one takes.
func TestRetryEnds(t *testing.T) {
	r := newRig(t, machine("T", task("T", `"Retry":[{"ErrorEquals":["A"]},{"ErrorEquals":["States.ALL"],"MaxAttempts":9}]`)))
	r.script["T"] = []reply{bad("A", "why")}
	x := r.start("x", `{}`, time.Hour)
	if r.calls["T"] != 4 || x.Status != states.Failed || x.Error != "A" || x.Cause != "why" || x.EndedAt.Sub(start) != 7*time.Second {
		t.Errorf("after %d calls and %s: %+v", r.calls["T"], x.EndedAt.Sub(start), x)
	}
	r = newRig(t, machine("T", task("T", `"Retry":[{"ErrorEquals":["A"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["A"],"Next":"Caught"}]`), caught))
	r.script["T"] = []reply{bad("A", "why")}
	if x := r.start("x", `{}`, time.Hour); x.Status != states.Succeeded || r.calls["T"] != 1 {
		t.Errorf("after %d calls: %+v", r.calls["T"], x)
	}
}

// TestRetriesAreCountedAnew: leaving a state forgets its attempts, and RetryCount
// counts them all while it is there.
func TestRetriesAreCountedAnew(t *testing.T) {
	again := `"Again":{"Type":"Choice","Choices":[{"Variable":"$.Payload","NumericEquals":2,"Next":"Caught"}],"Default":"T"}`
	r := newRig(t, machine("T", `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"T","Payload":{"n.$":"$$.State.RetryCount"}},
		"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1},{"ErrorEquals":["B"],"MaxAttempts":1}],"Next":"Again"}`, again, caught))
	r.script["T"] = []reply{bad("A", ""), bad("B", ""), ok("1"), bad("A", ""), ok("2")}
	x := r.start("x", `{}`, time.Hour)
	var payloads []string
	for _, call := range r.seen {
		payloads = append(payloads, string(call.Payload))
	}
	if got := strings.Join(payloads, " "); x.Status != states.Succeeded || got != `{"n":0} {"n":1} {"n":2} {"n":0} {"n":1}` {
		t.Errorf("%s after %s", x.Status, got)
	}
}

func TestCatch(t *testing.T) {
	cases := []struct{ name, catch, err, want string }{
		{"the whole output", `[{"ErrorEquals":["X","E"],"Next":"Caught"}]`, "E", `{"Cause":"why","Error":"E"}`},
		{"ResultPath", `[{"ErrorEquals":["E"],"ResultPath":"$.e.f","Next":"Caught"}]`, "E", `{"a":{"b":1},"e":{"f":{"Cause":"why","Error":"E"}}}`},
		{"ResultPath null", `[{"ErrorEquals":["E"],"ResultPath":null,"Next":"Caught"}]`, "E", `{"a":{"b":1}}`},
		{"the first that matches", `[{"ErrorEquals":["X"],"Next":"T"},{"ErrorEquals":["States.TaskFailed"],"ResultPath":"$","Next":"Caught"},{"ErrorEquals":["States.ALL"],"Next":"T"}]`, "E", `{"Cause":"why","Error":"E"}`},
		{"all", `[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`, "Lambda.Unknown", `{"Cause":"why","Error":"Lambda.Unknown"}`},
		{"by name", `[{"ErrorEquals":["States.DataLimitExceeded"],"Next":"Caught"}]`, "States.DataLimitExceeded", `{"Cause":"why","Error":"States.DataLimitExceeded"}`},
		{"terminal", `[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`, "States.DataLimitExceeded", ""},
		{"none", `[{"ErrorEquals":["X"],"Next":"Caught"}]`, "E", ""},
		{"a path that does not fit", `[{"ErrorEquals":["E"],"ResultPath":"$.a.b.c","Next":"Caught"}]`, "E", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, machine("T", task("T", `"InputPath":"$.a","OutputPath":"$.none","Catch":`+c.catch), caught))
			r.script["T"] = []reply{bad(c.err, "why")}
			x := r.start("x", `{"a":{"b":1}}`, time.Minute)
			if c.want == "" {
				if x.Status != states.Failed || x.Error != c.err || x.Cause != "why" {
					t.Errorf("got %+v", x)
				}
				return
			}
			equal(t, x.Output, c.want)
			if !strings.Contains(r.history(x.ARN), "0 TaskFailed "+c.err+" why\n0 TaskStateExited T "+c.want+"\n0 SucceedStateEntered Caught") {
				t.Error(r.history(x.ARN))
			}
		})
	}
}

// TestTimeout: a Task is given up after TimeoutSeconds, the function is not, and
// its late answer counts for nothing. States.TaskFailed does not name a timeout.
func TestTimeout(t *testing.T) {
	r := newRig(t, machine("T", task("T", `"TimeoutSecondsPath":"$.t","Retry":[{"ErrorEquals":["States.TaskFailed"]},{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`), caught))
	r.script["T"] = []reply{ok("1").in(11 * time.Second), {silent: true}}
	x := r.start("x", `{"t":10}`, time.Hour)
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {"t":10}
0 TaskStateEntered T {"t":10}
0 TaskScheduled 10
0 TaskStarted
10 TaskTimedOut States.Timeout
11 TaskScheduled 10
11 TaskStarted
21 TaskTimedOut States.Timeout
21 TaskStateExited T {"Cause":"","Error":"States.Timeout"}
21 SucceedStateEntered Caught {"Cause":"","Error":"States.Timeout"}
21 SucceedStateExited Caught {"Cause":"","Error":"States.Timeout"}
21 ExecutionSucceeded {"Cause":"","Error":"States.Timeout"}`)
}

// TestExecutionTimeout: nothing catches the end of an execution's own time.
func TestExecutionTimeout(t *testing.T) {
	definition := strings.Replace(machine("T", task("T", `"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}]`), caught), "{", `{"TimeoutSeconds":60,`, 1)
	r := newRig(t, definition)
	r.script["T"] = []reply{{silent: true}}
	x := r.start("x", `{}`, time.Hour)
	if x.Status != states.TimedOut || x.Error != "States.Timeout" || x.EndedAt.Sub(start) != time.Minute || !strings.HasSuffix(r.history(x.ARN), "60 ExecutionTimedOut States.Timeout") {
		t.Errorf("got %+v\n%s", x, r.history(x.ARN))
	}
}

const asks = `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"T","Payload":{"token.$":"$$.Task.Token"}},
	"TimeoutSeconds":3600,"ResultPath":"$.answer","Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":5}],"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"Caught"}],"End":true}`

// token is what the nth invocation got.
func (r *rig) token(n int) string {
	text := string(r.seen[n].Payload)
	return strings.TrimSuffix(strings.TrimPrefix(text, `{"token":"`), `"}`)
}

func TestTokenSucceeds(t *testing.T) {
	r := newRig(t, machine("T", asks, caught))
	r.script["T"] = []reply{bad("Busy", ""), ok(`{"shown":true}`).in(time.Second)}
	x := r.start("x", `{}`, time.Minute)
	if x.Status != states.Running || x.State != "T" {
		t.Fatalf("got %+v", x)
	}
	if err := r.engine.Succeed(r.token(0), `{}`); err == nil || err.Code != "TaskTimedOut" || err.Message != "Task Timed Out: 'Provided task does not exist anymore'" {
		t.Errorf("the first attempt's token: %v", err)
	}
	if err := r.engine.Succeed(r.token(1), `{"by":`); err == nil || err.Code != "InvalidOutput" {
		t.Errorf("an output that is no JSON: %v", err)
	}
	if err := r.engine.Succeed(r.token(1), `{"by":"me"}`); err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Succeed(r.token(1), `{"by":"me"}`); err == nil || err.Code != "TaskTimedOut" {
		t.Errorf("the token once more: %v", err)
	}
	if err := r.engine.Fail("bm90aGluZw==", "", ""); err == nil || err.Code != "InvalidToken" {
		t.Errorf("no token: %v", err)
	}
	r.time.RunUntil(start.Add(time.Hour))
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {}
0 TaskStateEntered T {}
0 TaskScheduled 3600
0 TaskStarted
0 TaskFailed Busy
5 TaskScheduled 3600
5 TaskStarted
6 TaskSubmitted {"ExecutedVersion":"$LATEST","Payload":{"shown":true},"StatusCode":200}
60 TaskSucceeded {"by":"me"}
60 TaskStateExited T {"answer":{"by":"me"}}
60 ExecutionSucceeded {"answer":{"by":"me"}}`)
	if err := newRig(t, machine("T", asks, caught)).engine.Fail(r.token(1), "", ""); err == nil || err.Code != "TaskDoesNotExist" {
		t.Errorf("a token of somewhere else: %v", err)
	}
}

func TestTokenFails(t *testing.T) {
	r := newRig(t, machine("T", asks, caught))
	r.script["T"] = []reply{ok(`{}`)}
	x := r.start("x", `{}`, time.Minute)
	if err := r.engine.Fail(r.token(0), "Rejected", "not today"); err != nil {
		t.Fatal(err)
	}
	r.time.RunUntil(start.Add(time.Hour))
	equal(t, r.look(x.ARN).Output, `{"error":{"Cause":"not today","Error":"Rejected"}}`)

	// One that gives no name is caught as well.
	x = r.start("y", `{}`, time.Minute)
	if err := r.engine.Fail(r.token(1), "", ""); err != nil {
		t.Fatal(err)
	}
	r.time.RunUntil(r.time.Now())
	equal(t, r.look(x.ARN).Output, `{"error":{"Cause":"","Error":""}}`)
}

// TestTokenTimesOut: the function's answer ends nothing, and the timeout counts
// from the start of the attempt.
func TestTokenTimesOut(t *testing.T) {
	r := newRig(t, machine("T", asks, caught))
	r.script["T"] = []reply{ok(`{}`).in(time.Minute)}
	x := r.start("x", `{}`, 2*time.Hour)
	if x.EndedAt.Sub(start) != time.Hour {
		t.Errorf("it ended after %s", x.EndedAt.Sub(start))
	}
	equal(t, x.Output, `{"error":{"Cause":"","Error":"States.Timeout"}}`)
	if err := r.engine.Succeed(r.token(0), `{}`); err == nil || err.Code != "TaskTimedOut" {
		t.Errorf("the token afterwards: %v", err)
	}
}

// TestTokenBeforeTheAnswer: a token may be used while its function still runs, or
// after the function failed to answer.
func TestTokenBeforeTheAnswer(t *testing.T) {
	r := newRig(t, machine("T", asks, caught))
	r.script["T"] = []reply{bad("E", "late").in(time.Minute)}
	x := r.start("x", `{}`, 0)
	if err := r.engine.Succeed(r.token(0), `1`); err != nil {
		t.Fatal(err)
	}
	r.time.RunUntil(start.Add(time.Hour))
	equal(t, r.look(x.ARN).Output, `{"answer":1}`)
}

// TestStop: an execution that was stopped runs no Catch, its functions go on, and
// its tokens are dead.
func TestStop(t *testing.T) {
	r := newRig(t, machine("T", asks, caught))
	r.script["T"] = []reply{ok(`{}`).in(time.Minute)}
	x := r.start("x", `{}`, 30*time.Second)
	stopped, err := r.engine.Stop(x.ARN, "Enough", "by hand")
	if err != nil || stopped.Status != states.Aborted || stopped.EndedAt.Sub(start) != 30*time.Second {
		t.Fatalf("got %+v, %v", stopped, err)
	}
	if err := r.engine.Succeed(r.token(0), `{}`); err == nil || err.Code != "TaskTimedOut" {
		t.Errorf("the token afterwards: %v", err)
	}
	r.time.RunUntil(start.Add(3 * time.Hour))
	equal(t, r.history(x.ARN), `
0 ExecutionStarted {}
0 TaskStateEntered T {}
0 TaskScheduled 3600
0 TaskStarted
30 ExecutionAborted Enough by hand`)
	if again, err := r.engine.Stop(x.ARN, "", ""); err != nil || !again.EndedAt.Equal(stopped.EndedAt) || again.Error != "Enough" {
		t.Errorf("stopped twice: %+v, %v", again, err)
	}

	// In a Wait.
	r = newRig(t, machine("W", `"W":{"Type":"Wait","Seconds":90,"End":true}`))
	x = r.start("x", `{}`, 30*time.Second)
	if _, err := r.engine.Stop(x.ARN, "", ""); err != nil {
		t.Fatal(err)
	}
	r.time.RunUntil(start.Add(time.Hour))
	if got := r.history(x.ARN); !strings.HasSuffix(got, "30 ExecutionAborted") {
		t.Error(got)
	}
}

// TestNames: one name, one execution. Source: API reference, StartExecution.
func TestNames(t *testing.T) {
	r := newRig(t, machine("W", `"W":{"Type":"Wait","Seconds":90,"End":true}`))
	first := r.start("x", `{"a":1}`, time.Second)
	if again, err := r.engine.Start(r.arn, "x", `{"a":1}`); err != nil || again.ARN != first.ARN || !again.StartedAt.Equal(start) {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	refused := func(name, input, code string) {
		t.Helper()
		if _, err := r.engine.Start(r.arn, name, input); err == nil || err.Code != code {
			t.Errorf("%q %s: %v, want %s", name, input, err, code)
		}
	}
	refused("x", `{"a":2}`, "ExecutionAlreadyExists")
	refused("a b", `{}`, "InvalidName")
	refused("a:b", `{}`, "InvalidName")
	refused(strings.Repeat("x", 81), `{}`, "InvalidName")
	refused("y", `{`, "InvalidExecutionInput")
	refused("y", `"`+strings.Repeat("x", 256<<10)+`"`, "InvalidExecutionInput")
	r.time.RunUntil(start.Add(time.Hour))
	refused("x", `{"a":1}`, "ExecutionAlreadyExists")
	a, b := r.start("", `{}`, 0), r.start("", `{}`, 0)
	if a.ARN == b.ARN {
		t.Error("two executions without a name are one")
	}
	if _, err := r.engine.Start(r.arn+"x", "x", `{}`); err == nil || err.Code != "StateMachineDoesNotExist" {
		t.Errorf("got %v", err)
	}
	if _, err := r.engine.Stop("x", "", ""); err == nil || err.Code != "InvalidArn" {
		t.Errorf("got %v", err)
	}
	if _, err := r.engine.History(first.ARN + "x"); err == nil || err.Code != "ExecutionDoesNotExist" {
		t.Errorf("got %v", err)
	}
	list, err := r.engine.Executions(r.arn, states.Running)
	if err != nil || len(list) != 2 || list[0].ARN != b.ARN {
		t.Errorf("got %v, %v", list, err)
	}
}
