package lab

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func play(t *testing.T, name string, seed uint64) (*Result, string, string) {
	t.Helper()
	s, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Play(t.Context(), s, PlayOptions{Seed: &seed})
	if err != nil {
		t.Fatal(err)
	}
	text, err := JSON(res)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text), Text(res, TextOptions{})
}

func TestEqualRunsGiveEqualBytes(t *testing.T) {
	for _, s := range allScenarios(t) {
		const seed = 1
		one, oneJSON, oneText := play(t, s.Name, seed)
		two, twoJSON, twoText := play(t, s.Name, seed)
		if oneJSON != twoJSON || oneText != twoText || one.TraceHash != two.TraceHash {
			t.Errorf("%s, seed %d: two runs differ", s.Name, seed)
		}
	}
}

func TestJSONHasEveryKey(t *testing.T) {
	_, text, _ := play(t, "dies-between-writes", 1)
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	keys := append(MetricNames(), "scenario", "seed", "passed", "violations", "failures", "taskSwitches", "faults", "transitions", "traceHash")
	for _, key := range keys {
		if got[key] == nil {
			t.Errorf("no key %s in %s", key, text)
		}
	}
	if len(got) != len(keys) {
		t.Errorf("%d keys, want %d: %s", len(got), len(keys), text)
	}
	for _, list := range []string{"violations", "failures"} {
		if l, ok := got[list].([]any); !ok || len(l) != 0 {
			t.Errorf("%s is %v, want an empty list", list, got[list])
		}
	}
	if !strings.Contains(text, `"action": "move"`) || !strings.Contains(text, `"kind": "kill-after"`) {
		t.Errorf("the move of the killed run, or its kill, is missing: %s", text)
	}
}

// TestTimelineTellsTheStory asserts the lines by which a person follows
// cloud-join, in their order. The times to the millisecond are the seed's.
func TestTimelineTellsTheStory(t *testing.T) {
	_, _, text := play(t, "cloud-join", 1)
	for _, want := range []string{
		"adopts other-cloud as it stands, on primary: it is seen for the first time (first-sight); primary is up, backup is up",
		"+02:00.000  expected       as expected (1 expectation)",
		"+03:00.000  network        primary: 2 tunnels (203.0.113.11 and 203.0.113.12) die",
		"shop       -     yes      NO     NO",
		"+03:30.000  AWS            finds out that primary 203.0.113.11 and 203.0.113.12 are down; its API shows it",
		"+03:32.000  AWS            sends 2 events: IPsec down, primary 203.0.113.11 and 203.0.113.12",
		"woken by the event IPsec down, primary 203.0.113.1",
		"moves other-cloud from primary to backup: the path in use is down (signal-fail); primary is down (too-few-tunnels-up), backup is up",
		"writes core table ",
		"settles other-cloud: every route stands on backup",
		": nothing to change until +07:",
		"+08:00.000  network        primary: 2 tunnels (203.0.113.11 and 203.0.113.12) come up",
		"leaves other-cloud on backup: the group does not go back by itself (do-not-revert); primary is up, backup is up",
		"+14:00.000  expected       as expected (3 expectations)",
		"    - 10.0.0.0/8         -> primary                static, active\n    + 10.0.0.0/8         -> backup                 static, active",
		"  writes                       2          expected: 2",
		"verdict       passed: cloud-join, seed 1, 15m of virtual time, trace ",
		"task switches ",
		"faults        none",
		"transitions   adopt first-sight ×1, move signal-fail ×1, ",
	} {
		_, after, found := strings.Cut(text, want)
		if !found {
			t.Fatalf("after what came before, the report does not say %q:\n%s", want, text)
		}
		text = after
	}
}

// TestTimelineOfARouteThatIsNotLearned is story A: the sessions of the appliance are up,
// and its route is not there. What cannot be ruled out is told with the move, and logged.
func TestTimelineOfARouteThatIsNotLearned(t *testing.T) {
	_, _, text := play(t, "connect-as-path", 1)
	const want = "moves campus from appliance to backup: the path in use is down (signal-fail); appliance is down (expected-routes-not-learned), backup is up; " +
		"appliance: 10.128.0.0/10 is not learned (not ruled out: not-announced, empty-as-path, no-next-hop-self)\n"
	if !strings.Contains(text, want) {
		t.Errorf("connect-as-path does not say %q:\n%s", want, text)
	}
}

func TestTimelineOfFaults(t *testing.T) {
	_, _, killed := play(t, "dies-between-writes", 1)
	for _, want := range []string{
		"is killed\n", "attempt 2", "kill-after ×1", ", sent before the function was killed\n",
		"finishes the move of switchover-7: other-cloud from primary to backup; primary is down (too-few-tunnels-up), backup is up\n",
	} {
		if !strings.Contains(killed, want) {
			t.Errorf("dies-between-writes does not say %q:\n%s", want, killed)
		}
	}
	_, _, lost := play(t, "lost-event", 1)
	for _, want := range []string{"from here on every event is lost", "lost on the way", "event-lost ×2\n"} {
		if !strings.Contains(lost, want) {
			t.Errorf("lost-event does not say %q:\n%s", want, lost)
		}
	}
	_, _, held := play(t, "both-paths-down", 1)
	if !strings.Contains(held, "holds other-cloud on primary: no path is usable (no-usable-path)") {
		t.Errorf("both-paths-down does not say that it holds:\n%s", held)
	}
}

func TestFailureIsTold(t *testing.T) {
	s, _ := Find("cloud-join")
	s.Expect.Tables[0].Target = "none"
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := Text(res, TextOptions{Colour: true})
	for _, want := range []string{"NOT AS EXPECTED: core table 10.0.0.0/8 points to backup, expected none", "FAILED", "\x1b[31m"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func TestReportsOfRandomNetworks(t *testing.T) {
	for seed := range uint64(6) {
		res, err := playGenerated(t.Context(), Generate(seed), PlayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if text := Text(res, TextOptions{}); !strings.Contains(text, "verdict") || strings.Contains(text, " \n") {
			t.Errorf("seed %d: bad report", seed)
		}
		one, err := JSON(res)
		if err != nil || !bytes.HasSuffix(one, []byte("}\n")) {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
