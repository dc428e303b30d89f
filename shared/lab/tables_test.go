package lab

import (
	"fmt"
	"strings"
	"testing"

	"detour/shared/sim"
)

// TestLongTablesAreCutShort: of a table with very many routes those are shown
// that changed, as far as there is room, and the rest is counted.
func TestLongTablesAreCutShort(t *testing.T) {
	// table makes a table of static routes; those from the first of moved on lead to b.
	table := func(n, moved int) tableText {
		out := tableText{heading: "rtb-1 of vpc-1"}
		for i := range n {
			target := "a"
			if i >= moved {
				target = "b"
			}
			out.lines = append(out.lines, fmt.Sprintf("10.0.%d.0/24 %s static active", i, target))
		}
		return out
	}
	for _, c := range []struct {
		name          string
		before, after tableText
		lines         int
		has, lacks    string
		all           bool
	}{
		{"a short one", table(40, 40), table(40, 40), 41, "10.0.39.0/24", "more route", false},
		{"one too long", table(41, 41), table(41, 41), 42, "… and 1 more route, 0 of them changed; --all-routes shows them\n", "10.0.40.0/24", false},
		{"one too long, whole", table(41, 41), table(41, 41), 42, "10.0.40.0/24", "more route", true},
		{"a change at its end", table(100, 100), table(100, 99), 42, "+ 10.0.99.0/24", "10.0.38.0/24", false},
		{"nothing but changes", table(100, 100), table(100, 0), 42, "… and 80 more routes, 80 of them changed;", "10.0.20.0/24", false},
		{"nothing but changes, whole", table(100, 100), table(100, 0), 201, "+ 10.0.99.0/24", "more route", true},
		{"new ones", table(0, 0), table(50, 0), 42, "… and 10 more routes, 10 of them changed;", "10.0.40.0/24", false},
	} {
		p := &page{TextOptions: TextOptions{AllRoutes: c.all}, names: namesOf(sim.Topology{})}
		p.table(c.before, c.after)
		got := p.out.String()
		if strings.Count(got, "\n") != c.lines || !strings.Contains(got, c.has) || strings.Contains(got, c.lacks) {
			t.Errorf("%s: %d lines, want %d with %q and without %q:\n%s", c.name, strings.Count(got, "\n"), c.lines, c.has, c.lacks, got)
		}
	}
}
