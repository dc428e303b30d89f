package awsevents_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detour/events/pattern"
	"detour/events/payload"
)

// TestTheDocumentation: docs/events.md shows the sample as it is, names every
// kind, and its patterns pass on what it says they do.
func TestTheDocumentation(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds(t) {
		if !strings.Contains(string(raw), "| `"+kind+"` |") {
			t.Errorf("the table has no row for %q", kind)
		}
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(raw, -1)
	passes := [][]string{
		{"detour-contended.json", "detour-filter-measure-held.json", "detour-switchover-held.json"},
		{"detour-switchover-held.json"},
		{"detour-contended.json", "detour-failback-asked.json", "detour-failback-ended.json", "detour-failback-over.json", "detour-path-state-changed.json", "detour-request-ended.json", "detour-switchover-completed.json", "detour-switchover-held.json", "detour-switchover-started.json"},
	}
	if len(blocks) != 1+len(passes) {
		t.Fatalf("there are %d blocks of JSON, want a sample and %d patterns", len(blocks), len(passes))
	}
	sample, err := payload.Read("detour-switchover-held.json")
	if err != nil || string(blocks[0][1]) != string(sample) {
		t.Errorf("the sample differs from its file, %v", err)
	}
	for i, want := range passes {
		var got []string
		for _, name := range payload.Names() {
			event, err := payload.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "truncated.json" {
				continue
			}
			matched, err := pattern.Match(blocks[i+1][1], event)
			if err != nil {
				t.Fatalf("pattern %d: %v", i+1, err)
			}
			if matched {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pattern %d passes on %q, want %q", i+1, got, want)
		}
	}
}
