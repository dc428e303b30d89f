package handler_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"detour/shared/handler"
)

// TestMetricsAreDocumented: docs/metrics.md has exactly the metrics of the code,
// in the same order and words.
func TestMetricsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "## The metrics")
	text, _, _ = strings.Cut(text, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `.*$").FindAllString(text, -1)
	metrics := handler.Metrics()
	if len(rows) != len(metrics) {
		t.Fatalf("%d metrics are documented, want %d", len(rows), len(metrics))
	}
	for i, m := range metrics {
		byGroup := "no"
		if m.ByGroup {
			byGroup = "yes"
		}
		if want := "| `" + m.Name + "` | " + m.Unit + " | " + byGroup + " | " + m.Meaning + " | "; !strings.HasPrefix(rows[i], want) {
			t.Errorf("the row is\n%s\nwant it to begin with\n%s", rows[i], want)
		}
		if cells := strings.Split(rows[i], "|"); len(cells) != 8 || strings.TrimSpace(cells[5]) == "" {
			t.Errorf("metric %s has no suggested alarm: %s", m.Name, rows[i])
		}
	}
}

// TestMetricsAreWithinCloudWatchsLimits: names of up to 255 characters, each
// once, and at most 100 for one directive.
func TestMetricsAreWithinCloudWatchsLimits(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range handler.Metrics() {
		if m.Name == "" || len(m.Name) > 255 || seen[m.Name] || m.Meaning == "" {
			t.Errorf("the metric %+v", m)
		}
		if m.Unit != "Count" && m.Unit != "Milliseconds" {
			t.Errorf("%s has the unit %q, which CloudWatch does not know", m.Name, m.Unit)
		}
		seen[m.Name] = true
	}
	if len(seen) > 100 {
		t.Errorf("%d metrics do not fit into a directive", len(seen))
	}
}
