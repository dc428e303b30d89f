package main

import (
	"testing"

	"detour/shared/blueprint"
	"detour/shared/lab/privilege"
	"detour/shared/lab/stack"
)

// TestLeastPrivilege reads the policies out of the synthesized templates, plays
// scenarios with them, and plays them again without each statement and each ARN.
// Whatever a policy allows has to be missed by a scenario; the test's log says by
// which. -v shows it.
func TestLeastPrivilege(t *testing.T) {
	needNode(t)
	cases, err := privilege.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		b, err := blueprint.New(cases[i].Scenario.Config, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		build(t, b, folder, "").Synth(nil)
		assembly, err := stack.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		if cases[i].Identities, err = privilege.Identities(assembly); err != nil {
			t.Fatal(err)
		}
	}
	report, err := privilege.Prove(t.Context(), cases, privilege.Unplayed, testing.Verbose())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	for _, m := range report.Missed {
		t.Log(m)
	}
}
