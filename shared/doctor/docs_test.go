package doctor

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocumentation: docs/doctor.md has a chapter for every kind of finding, in their
// order, with its title and why it matters, and for no other.
func TestDocumentation(t *testing.T) {
	raw, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(raw)), " ")
	var chapters []ID
	for line := range strings.Lines(string(raw)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "### `"); ok {
			chapters = append(chapters, ID(strings.TrimSuffix(name, "`")))
		}
	}
	if !slices.Equal(chapters, IDs()) {
		t.Errorf("the chapters are %v, want %v", chapters, IDs())
	}
	for _, id := range IDs() {
		about := Of(id)
		if about.Title == "" || about.Why == "" || !strings.Contains(text, "**"+about.Title+".** "+about.Why) {
			t.Errorf("docs/doctor.md has not: **%s.** %s", about.Title, about.Why)
		}
	}
	for _, severity := range Severities() {
		if !strings.Contains(text, "| `"+string(severity)+"` |") {
			t.Errorf("docs/doctor.md does not say what %s is", severity)
		}
	}
}
