package plan

import (
	"testing"
	"time"

	"detour/shared/protection"
)

// TestReviveWritesOnlyWhatIsToBeWrittenAgain: one look that shows a live path
// with a dead route is not enough.
func TestReviveWritesOnlyWhatIsToBeWrittenAgain(t *testing.T) {
	key := protection.EntryKey{}
	standing := protection.Standing{Complete: true, Entries: []protection.EntryStanding{{Entry: key, Paths: []string{"a", "b"}, Blackhole: true}}}
	alive := func(path string) bool { return path == "a" }
	due := protection.Record{RevivedAt: time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)}
	done := due
	done.Applied = []protection.EntryKey{key}
	for name, test := range map[string]struct {
		record protection.Record
		onA    bool
	}{
		"nothing is to be written again": {protection.Record{}, true},
		"it is to be written again":      {due, false},
		"it was written":                 {done, true},
	} {
		out := Revive(standing, test.record, alive)
		if out.Entries[0].On("a") != test.onA || !out.Entries[0].On("b") {
			t.Errorf("%s: stands on %v", name, out.Entries[0].Paths)
		}
	}
	if !standing.Entries[0].On("a") {
		t.Error("the input was changed")
	}
}
