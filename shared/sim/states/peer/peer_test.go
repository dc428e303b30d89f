package peer_test

import (
	_ "embed"
	"strings"
	"testing"

	"detour/shared/sim/states"
	"detour/shared/sim/states/peer"
)

// everything is a definition that uses every state and field that the interpreter
// knows.
//
//go:embed testdata/everything.asl.json
var everything string

// TestAgainstAnotherInterpreter leaves out where aws-local-stepfunctions is known to
// do other than Step Functions: it compares a text with a number as JavaScript does,
// retries and catches States.Runtime as any other error, takes the ResultPath "$" for
// the name of a member, and looks up a TimeoutSecondsPath elsewhere (peer.mjs).
func TestAgainstAnotherInterpreter(t *testing.T) {
	const input = `{"n":1,"who":"me","seconds":5,"deep":{"a":{"b":[1,{"c":null}]},"text":"x"},"flag":true,"limit":2}`
	with := func(change string, answers map[string][]peer.Answer) peer.Case {
		from, to, _ := strings.Cut(change, " → ")
		all := map[string][]peer.Answer{
			"Look": {{Result: `{"found":{"x":1.5},"next":"ask"}`}}, "Ask": {{Result: `{"by":"me"}`}}, "Move": {{Result: `3`}}, "Undo": {{Result: `{"undone":true}`}},
		}
		for name, list := range answers {
			all[name] = list
		}
		return peer.Case{Name: change, Definition: everything, Input: strings.Replace(input, from, to, 1), Answers: all}
	}
	cases := []peer.Case{
		with("", nil),
		with(`"flag":true → "flag":false`, nil),
		with(`"n":1 → "n":2`, nil),
		with(`"n":1 → "n":7`, nil),
		with(`"n":1 → "n":9`, nil),
		with(`"text":"x" → "text":"me"`, nil),
		with(`"limit":2 → "limit":0`, nil),
		with("retried", map[string][]peer.Answer{"Look": {{Error: "Busy"}, {Error: "Lambda.ServiceException"}, {Error: "Busy", Cause: "b"}, {Result: `{"found":1}`}}}),
		with("retried to the end", map[string][]peer.Answer{"Look": {{Error: "Busy", Cause: "always"}}}),
		with("not retried", map[string][]peer.Answer{"Look": {{Error: "Fatal", Cause: `{"errorMessage":"why","errorType":"Fatal"}`}}}),
		with("rejected", map[string][]peer.Answer{"Ask": {{Error: "Rejected", Cause: "no"}}}),
		with("no answer", map[string][]peer.Answer{"Ask": {{Error: "States.Timeout"}}}),
		with("asked twice", map[string][]peer.Answer{"Ask": {{Error: "Busy"}, {Result: `[]`}}}),
		with("moves too late", map[string][]peer.Answer{"Move": {{Error: "States.Timeout"}}}),
		with("fails to move", map[string][]peer.Answer{"Move": {{Error: "E", Cause: "why"}}}),
		with("fails to undo", map[string][]peer.Answer{"Move": {{Error: "E", Cause: "why"}}, "Undo": {{Error: "F", Cause: "how"}}}),
	}
	peer.Compare(t, cases)

	// Every state was visited, and the definition is strict in both eyes.
	visited := map[string]bool{}
	for _, c := range cases {
		out, err := peer.Here(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range out.Lines {
			if name, entered, _ := strings.Cut(line, " entered"); entered != "" {
				visited[name] = true
			}
		}
	}
	d, err := states.Load([]byte(everything), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range d.States() {
		if !visited[name] {
			t.Errorf("no case enters %s", name)
		}
	}
}
