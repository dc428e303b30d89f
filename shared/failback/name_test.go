package failback_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/failback"
)

func TestName(t *testing.T) {
	if got := failback.Name("paris", 1790000000000, 2); got != "failback-paris-1790000000000-2" {
		t.Errorf("the name is %q", got)
	}
	long := strings.Repeat("x", 64)
	if got := failback.Name(long, 1790000000000, 1); len(got) != 80 || !strings.HasPrefix(got, "failback-xxxx") {
		t.Errorf("the name has %d characters: %q", len(got), got)
	}
	if failback.Name(long, 1, 1) == failback.Name(long[1:]+"y", 1, 1) {
		t.Error("two groups have executions of one name")
	}
	for _, name := range []string{"", "nightly", "failback-paris", "failback-paris-1", "failback-paris-x-1", "failback-paris-99999999999999999999-1", "failback-paris-1-01"} {
		if _, _, ok := failback.Attempt(name, "paris"); ok {
			t.Errorf("%q is taken for the group's", name)
		}
	}
	if _, _, ok := failback.Attempt(failback.Name("paris-1", 17, 1), "paris"); ok {
		t.Error("the execution of one group is taken for another's")
	}
}

// TestPropertyNamesCanBeRead: what a name was made of can be told from it.
func TestPropertyNamesCanBeRead(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		group := rapid.StringMatching(`[a-z0-9][a-zA-Z0-9_-]{0,63}`).Draw(r, "group")
		epoch, attempt := rapid.Int64Range(1, 1<<62).Draw(r, "epoch"), rapid.IntRange(1, 999).Draw(r, "attempt")
		name := failback.Name(group, epoch, attempt)
		gotEpoch, gotAttempt, ok := failback.Attempt(name, group)
		if !ok || gotEpoch != epoch || gotAttempt != attempt || len(name) > 80 {
			r.Fatalf("%q: %d, %d, %t", name, gotEpoch, gotAttempt, ok)
		}
	})
}
