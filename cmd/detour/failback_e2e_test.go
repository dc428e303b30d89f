//go:build unix

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"detour/shared/operator"
	"detour/shared/protection"
)

// TestFailbackBesideRunningFunctions goes back by the commands of README.md, each a
// process of its own, with the compiled functions behind the state machine.
func TestFailbackBesideRunningFunctions(t *testing.T) {
	outside(t)
	text, err := os.ReadFile(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "back.topology.yaml", string(text)+"\ndefaults: {failback: {stability: 2s, soak: 1s}}\n")
	s := serveLab(t, "--topology", file, "--functions", "--functions-dir", realFunctions(t))
	in := []string{envLab + "=" + s.address}
	s.wait(t, `"kind":"result"`)
	for !statusOf(t, in).Settled {
		continue
	}
	want := func(status int, texts []string, args ...string) string {
		t.Helper()
		code, out, errs := second(t, in, args...)
		for _, text := range texts {
			if code != status || !strings.Contains(out+errs, text) {
				t.Fatalf("%v: exit %d, nothing of %q in: %s%s", args, code, text, out, errs)
			}
		}
		return out
	}
	want(exitFailed, []string{"refused: the group is on its working path already", "nothing was started"}, "failback", "start", "other-cloud", "--why", "x", "--yes")
	want(exitOK, []string{"has had no failback"}, "failback", "status", "other-cloud")
	for _, action := range []string{"tunnel-down", "tunnel-up"} {
		if _, _, errs := detour(t, "lab", "do", s.address, action, "primary"); errs != "" {
			t.Fatal(errs)
		}
		for up := action == "tunnel-up"; ; {
			if status := statusOf(t, in); status.Path == "backup" && status.Settled && (status.Paths[0].State == "up") == up {
				break
			}
		}
	}
	want(exitFailed, []string{"nothing was changed: there is no terminal"}, "failback", "start", "other-cloud", "--why", "repaired")
	want(exitOK, []string{"step 1, the canary: unit tokyo, 1 route", "started  failback-other-cloud-"}, "failback", "start", "other-cloud", "--why", "repaired", "--yes")
	found := asking(t, in)
	want(exitFailed, []string{"goes on already", found.ID}, "failback", "start", "other-cloud", "--why", "x", "--yes")
	want(exitFailed, []string{"asks about plan " + found.Plan[:16]}, "failback", "approve", "other-cloud", "--plan", "0123456789abcdef", "--yes")
	want(exitOK, []string{"asks for approval until", "detour failback status other-cloud"}, "status", "other-cloud")
	want(exitOK, []string{found.Approve}, "failback", "status", "other-cloud")
	want(exitOK, []string{"rejected  " + found.ID, "done", "as-before: the whole group is on backup"}, "failback", "reject", "other-cloud", "--yes")
	want(exitFailed, []string{"is over (as-before, rejected)"}, "failback", "approve", "other-cloud")

	want(exitOK, nil, "failback", "start", "other-cloud", "--why", "again", "--yes", "--no-wait")
	found = asking(t, in)
	out := want(exitOK, []string{"approved  " + found.ID, "1 of 2 units moved to primary", "done  other-cloud  restored: the whole group is on primary"},
		"failback", "approve", "other-cloud", "--plan", found.Plan[:16], "--yes")
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours without a terminal: %q", out)
	}
	want(exitOK, []string{"restored", "as-before: rejected", "failback-approved", "failback-rejected"}, "failback", "history", "other-cloud")
	if status := statusOf(t, in); status.Path != "primary" || status.Failback == nil || status.Failback.End != protection.EndRestored {
		t.Errorf("the status is %+v", status)
	}
	want(exitFailed, []string{"so there is nothing to abort"}, "failback", "abort", "other-cloud", "--yes")
}

// asking waits for a failback that asks for approval.
func asking(t *testing.T, in []string) operator.FailbackStatus {
	t.Helper()
	for {
		code, out, errs := second(t, in, "failback", "status", "other-cloud", "--json")
		var found struct{ Failback *operator.FailbackStatus }
		if err := json.Unmarshal([]byte(out), &found); err != nil || code != exitOK {
			t.Fatalf("exit %d, %v: %s%s", code, err, out, errs)
		}
		if found.Failback != nil && found.Failback.Phase == operator.PhaseAsking {
			return *found.Failback
		}
	}
}
