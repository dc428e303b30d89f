package states_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/states"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	role    = "arn:aws:iam::111122223333:role/machine"
)

var start = time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)

// rig is Step Functions in virtual time with functions that answer by a script.
type rig struct {
	tb     testing.TB
	time   *sim.Scheduler
	engine *states.Engine
	arn    string
	// script has what each function answers, one call after the other; the last
	// answer is given again.
	script map[string][]reply
	calls  map[string]int
	seen   []states.Invocation
	told   []string
	pause  time.Duration
	// answer is what every function answers at once, in the place of the script.
	answer *states.Answer
}

// reply is a function's answer after a while; one that is silent never comes.
type reply struct {
	after  time.Duration
	answer states.Answer
	silent bool
}

func ok(payload string) reply            { return reply{answer: states.Answer{Payload: []byte(payload)}} }
func bad(name, cause string) reply       { return reply{answer: states.Answer{Error: name, Cause: cause}} }
func (r reply) in(d time.Duration) reply { r.after = d; return r }

func newRig(tb testing.TB, definition string) *rig {
	tb.Helper()
	r := &rig{tb: tb, time: sim.NewScheduler(1, start), script: map[string][]reply{}, calls: map[string]int{}}
	tb.Cleanup(r.time.Close)
	d, err := states.Load([]byte(definition), nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.engine = states.New(states.Options{
		Keeper: r.time, Invoke: r.invoke, Pause: func() time.Duration { return r.pause },
		Changed: func(x states.Execution) { r.told = append(r.told, x.Name+" "+x.Status) },
	})
	r.arn = r.engine.Create(account, region, "machine", role, d)
	return r
}

func (r *rig) invoke(call states.Invocation) {
	if r.answer != nil {
		call.Answer(*r.answer)
		return
	}
	r.seen = append(r.seen, call)
	replies := r.script[call.Function]
	if len(replies) == 0 {
		r.tb.Fatalf("no script for the function %s", call.Function)
	}
	n := min(r.calls[call.Function], len(replies)-1)
	r.calls[call.Function]++
	if replies[n].silent {
		return
	}
	r.time.At(r.time.Now().Add(replies[n].after), "answer", func() { call.Answer(replies[n].answer) })
}

// start starts an execution and runs it for a while.
func (r *rig) start(name, input string, d time.Duration) states.Execution {
	r.tb.Helper()
	x, err := r.engine.Start(r.arn, name, input)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.time.RunUntil(r.time.Now().Add(d))
	return r.look(x.ARN)
}

func (r *rig) look(arn string) states.Execution {
	r.tb.Helper()
	x, err := r.engine.Execution(arn)
	if err != nil {
		r.tb.Fatal(err)
	}
	return x
}

// history is an execution's history, a line for each event: seconds, type, and
// what matters of its details.
func (r *rig) history(arn string) string {
	r.tb.Helper()
	events, err := r.engine.History(arn)
	if err != nil {
		r.tb.Fatal(err)
	}
	var lines []string
	for i, e := range events {
		previous := i
		if i == 1 {
			previous = 0
		}
		if e.ID != i+1 || e.Previous != previous {
			r.tb.Errorf("event %d has the id %d and the previous one %d", i+1, e.ID, e.Previous)
		}
		line := fmt.Sprintf("%g %s", e.At.Sub(start).Seconds(), e.Type)
		for _, key := range []string{"name", "error", "cause", "input", "output", "timeoutInSeconds"} {
			if value, there := e.Details[key]; there {
				line += fmt.Sprintf(" %v", value)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// machine is a definition of states that begins with the first one named.
func machine(first string, more ...string) string {
	return fmt.Sprintf(`{"StartAt":%q,"States":{%s}}`, first, strings.Join(more, ","))
}

// task is a Task that invokes the function of its own name, and ends; fields are
// further ones.
func task(name, fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	if !hasNext(fields) {
		fields += `,"End":true`
	}
	return fmt.Sprintf(`%q:{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":%q,"Payload.$":"$"}%s}`, name, name, fields)
}

// hasNext reports whether the fields have a Next of their own.
func hasNext(fields string) bool {
	var object map[string]any
	return json.Unmarshal([]byte("{"+strings.TrimPrefix(fields, ",")+"}"), &object) == nil && object["Next"] != nil
}

// equal compares texts line by line.
func equal(tb testing.TB, got, want string) {
	tb.Helper()
	got, want = strings.TrimSpace(got), strings.TrimSpace(want)
	if got != want {
		tb.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
