package explain

import (
	"fmt"
	"strings"
	"time"

	"detour/shared/config"
)

// maxShown is how many entries, units or destinations the text lists before it
// counts the rest. The JSON form has all.
const maxShown = 6

// Text returns the explanation for people, as plain text. Equal explanations
// have equal text.
func Text(e Explanation) string {
	var out strings.Builder
	for i, g := range e.Groups {
		if i > 0 {
			out.WriteString("\n")
		}
		g.text(&out)
	}
	for i, f := range e.Filters {
		if i > 0 || len(e.Groups) > 0 {
			out.WriteString("\n")
		}
		f.text(&out)
	}
	for _, o := range e.Overlaps {
		o.text(&out)
	}
	if len(e.Figures) > 0 {
		out.WriteString("\nFigures\n")
	}
	for _, f := range e.Figures {
		mark := ""
		if f.Unverified {
			mark = " (UNVERIFIED)"
		}
		fmt.Fprintf(&out, "  %s, %s%s: %s.\n    Source: %s\n", f.Name, spread(f.Min, f.Max), mark, f.What, f.Source)
	}
	return out.String()
}

func (g Group) text(out *strings.Builder) {
	fmt.Fprintf(out, "Group %s, mode %s, home %s in %s\n", g.Name, g.Mode, g.Home.Account, g.Home.Region)
	if g.Revertive {
		fmt.Fprintf(out, "  goes back to %s by itself once it was Up for %s\n", g.Paths[0].Name, Short(g.WaitToRestore))
	} else {
		fmt.Fprintf(out, "  goes back to %s only on request\n", g.Paths[0].Name)
	}
	for i, p := range g.Paths {
		role := "protecting"
		if i == 0 {
			role = "working"
		}
		p.text(out, role)
	}
	out.WriteString("  Moves together\n")
	for i, m := range g.Moves {
		if i == maxShown {
			fmt.Fprintf(out, "    and %s\n", count(len(g.Moves)-maxShown, "more step"))
			break
		}
		fmt.Fprintf(out, "    %d. %s: %s\n", i+1, few(m.Units), m.list())
	}
	for i, a := range g.Advice {
		if i == 0 {
			out.WriteString("  Consider\n")
		}
		where := ""
		if a.Table != "" {
			where = a.Table + " (" + few(a.Destinations) + "): "
		}
		fmt.Fprintf(out, "    - %s%s\n", where, a.Text)
	}
}

func (p Path) text(out *strings.Builder, role string) {
	fmt.Fprintf(out, "  Path %s, %s, kind %s\n    needs    %s\n", p.Name, role, p.Kind, p.Needs)
	for _, w := range p.Watched {
		fmt.Fprintf(out, "    watched  %s in %s, %s: %s\n", w.Call, w.Account, w.Region, few(w.IDs))
	}
	if len(p.Ways) == 0 {
		out.WriteString("    a failure becomes known by no way: there is no check\n")
		return
	}
	fmt.Fprintf(out, "    a failure is known after %s at best, %s at worst\n", p.Best, p.Worst)
	for _, way := range p.Ways {
		steps := make([]string, len(way.Steps))
		for i, step := range way.Steps {
			mark := ""
			if step.Unverified {
				mark = " (UNVERIFIED)"
			}
			steps[i] = step.Figure + " " + spread(step.Min, step.Max) + mark
		}
		never := ""
		if !way.Sure {
			never = ", or never"
		}
		fmt.Fprintf(out, "      by %s: %s%s = %s\n", way.Name, spread(way.Min, way.Max), never, strings.Join(steps, " + "))
		if way.Note != "" {
			fmt.Fprintf(out, "        %s\n", way.Note)
		}
	}
}

// String returns the time and the way that gives it.
func (b Bound) String() string {
	if b.Unverified {
		return fmt.Sprintf("%s (%s, UNVERIFIED)", Short(b.After), b.By)
	}
	return fmt.Sprintf("%s (%s)", Short(b.After), b.By)
}

func (m Move) list() string {
	names := make([]string, len(m.Entries))
	for i, entry := range m.Entries {
		names[i] = entry.Table + " " + entry.Destination
		if entry.Flow != "" {
			names[i] += " (flow " + entry.Flow + ")"
		}
	}
	return few(names)
}

func (o Overlap) text(out *strings.Builder) {
	fmt.Fprintf(out, "\nOverlapping destinations in %s: the longest prefix wins\n", o.Table)
	for _, r := range o.Routes {
		around := ""
		if r.Inside != "" {
			around = ", inside " + r.Inside
		}
		fmt.Fprintf(out, "  %s of %s, %s%s\n", r.Destination, r.Group, r.Unit, around)
	}
	if len(o.Lists) > 0 {
		fmt.Fprintf(out, "  and the blocks of %s, which the configuration does not show\n", few(o.Lists))
	}
}

// few joins the first words, and counts the rest.
func few(words []string) string {
	if len(words) <= maxShown {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:maxShown], ", "), len(words)-maxShown)
}

func spread(low, high config.Duration) string {
	if low == high {
		return Short(low)
	}
	return Short(low) + " to " + Short(high)
}

// Short writes a duration as people say it: 45 s, 2 min 40 s, 1 h 30 min.
func Short(d config.Duration) string {
	left := time.Duration(d)
	if left < time.Second {
		if left == 0 {
			return "0 s"
		}
		return left.String()
	}
	var parts []string
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}} {
		if n := left / unit.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
			left %= unit.size
		}
	}
	if left > 0 {
		parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%.3f", left.Seconds()), ".000")+" s")
	}
	return strings.Join(parts, " ")
}
