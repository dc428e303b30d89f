package failback_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"detour/shared/failback"
	"detour/shared/sim/states"
	"detour/shared/sim/states/peer"
)

// told is what a task answers in these tests: the state that is carried, as far as the
// definition looks at it.
func told(next string, step int) []peer.Answer {
	return []peer.Answer{{Result: fmt.Sprintf(
		`{"execution":"compared","input":{"group":"g"},"looks":1,"step":%d,"next":%q,"waitSeconds":30,"approvalSeconds":60,"soakSeconds":5}`, step, next)}}
}

// ended is what the task that closes answers.
func ended(end string) []peer.Answer {
	return []peer.Answer{{Result: fmt.Sprintf(`{"execution":"compared","end":%q,"why":"because"}`, end)}}
}

// machineOfTests is the definition with the names of functions in it.
func machineOfTests() string {
	definition := failback.Definition()
	for _, task := range failback.Tasks() {
		definition = strings.ReplaceAll(definition, "${"+task.Substitution()+"}", "arn:aws:lambda:eu-central-1:111122223333:function:detour-"+task.Function())
	}
	return definition
}

// TestAnAnswerThatIsTooLarge to be carried is caught, and ends as an approval that is
// none: whoever has the token can send 256 KiB.
func TestAnAnswerThatIsTooLarge(t *testing.T) {
	out, err := peer.Here(peer.Case{
		Name: "too large", Definition: machineOfTests(), Input: `{"group":"g","by":"jane","why":"mended"}`,
		Answers: map[string][]peer.Answer{
			"Precheck": told("ask", 0), "Ask": {{Result: `{"plan":"abc","by":"` + strings.Repeat("x", 262_100) + `"}`}}, "Close": ended("as-before"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := out.Lines[len(out.Lines)-1]; !strings.HasPrefix(last, "SUCCEEDED") {
		t.Errorf("the execution ends %.200s", last)
	}
	if text := strings.Join(out.Lines, "\n"); !strings.Contains(text, "AsBefore entered") || !strings.Contains(text, `"Error":"States.DataLimitExceeded"`) {
		t.Errorf("nothing tells of the error:\n%.2000s", text)
	}
}

// TestTheDefinitionRunsAlikeElsewhere: the definition visits the same states with the same
// data in another interpreter, whatever its tasks answer.
func TestTheDefinitionRunsAlikeElsewhere(t *testing.T) {
	definition := machineOfTests()
	happy := map[string][]peer.Answer{
		"Precheck": told("ask", 1), "Ask": {{Result: `{"plan":"abc","by":"jane"}`}}, "PrecheckAgain": told("advance", 1),
		"Canary": told("", 1), "Verify": append(told("advance", 2), told("close", 2)...), "Advance": told("", 2),
		"Undo": told("close", 2), "Close": ended("restored"),
	}
	failed := []peer.Answer{{Error: "Failed", Cause: `{"errorMessage":"why","errorType":"Failed"}`}}
	with := func(name string, changed map[string][]peer.Answer) peer.Case {
		answers := maps.Clone(happy)
		maps.Copy(answers, changed)
		return peer.Case{Name: name, Definition: definition, Input: `{"group":"g","by":"jane","why":"mended"}`, Answers: answers}
	}
	cases := []peer.Case{
		with("restored in two steps", nil),
		with("waits for the path", map[string][]peer.Answer{"Precheck": append(told("wait", 1), told("ask", 1)...)}),
		with("not fit", map[string][]peer.Answer{"Precheck": told("close", 1), "Close": ended("as-before")}),
		with("rejected", map[string][]peer.Answer{"Ask": {{Error: "Rejected", Cause: "no"}}, "Close": ended("as-before")}),
		with("nobody approves", map[string][]peer.Answer{"Ask": {{Error: "States.Timeout"}}, "Close": ended("as-before")}),
		with("not fit any more", map[string][]peer.Answer{"PrecheckAgain": told("close", 1), "Close": ended("as-before")}),
		with("the canary fails", map[string][]peer.Answer{"Canary": failed, "Close": ended("as-before")}),
		with("the lease is busy", map[string][]peer.Answer{"Canary": append([]peer.Answer{{Error: "Busy"}, {Error: "Busy"}}, told("", 1)...)}),
		with("verify fails", map[string][]peer.Answer{"Verify": failed, "Close": ended("superseded")}),
		with("the second step fails", map[string][]peer.Answer{"Advance": failed, "Close": ended("held-partial")}),
		with("verify says what is not known", map[string][]peer.Answer{"Verify": told("?", 2), "Close": ended("as-before")}),
		with("the undo fails too", map[string][]peer.Answer{"Advance": failed, "Undo": failed, "Close": ended("superseded")}),
		with("the end is not known", map[string][]peer.Answer{"Close": ended("?")}),
		with("nothing can be closed", map[string][]peer.Answer{"Close": failed}),
	}
	peer.Compare(t, cases)

	want := map[string]string{"Unclosed": "FAILED Unclosed The record was not closed", "Superseded": "FAILED Superseded because", "HeldPartial": "FAILED HeldPartial because"}
	visited := map[string]bool{}
	for _, c := range cases {
		out, err := peer.Here(c)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		last := out.Lines[len(out.Lines)-1]
		for _, line := range out.Lines {
			if name, entered, _ := strings.Cut(line, " entered"); entered != "" && !strings.HasPrefix(last, want[name]) {
				t.Errorf("%s: it enters %s, and ends %s", c.Name, name, last)
			}
			if name, entered, _ := strings.Cut(line, " entered"); entered != "" {
				visited[name] = true
			}
		}
	}
	d, err := states.Load([]byte(definition), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range d.States() {
		if !visited[name] {
			t.Errorf("no case enters %s", name)
		}
	}
}
