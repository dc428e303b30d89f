package failback_test

import (
	"slices"
	"testing"

	"detour/shared/failback"
	"detour/shared/sim/states"
	"detour/shared/sim/states/peer"
)

// TestTheDefinitionIsValid, in the eyes of asl-validator, its paths and ARNs included,
// and of the lab's interpreter, which takes nothing that it does not know.
func TestTheDefinitionIsValid(t *testing.T) {
	functions := map[string]string{}
	var want []string
	for _, task := range failback.Tasks() {
		functions[task.Substitution()] = "arn:aws:lambda:eu-central-1:111122223333:function:detour-" + task.Function()
		want = append(want, functions[task.Substitution()])
	}
	d, err := states.Load([]byte(failback.Definition()), functions)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := d.Functions(); !slices.Equal(got, want) {
		t.Errorf("it invokes %v, want %v", got, want)
	}
	peer.Validate(t, failback.Definition())
}
