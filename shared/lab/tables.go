package lab

import (
	"fmt"
	"strings"
)

// maxTables is how many tables are shown that did not change.
const maxTables = 12

// maxLines is how many lines of one table are shown, unless all are asked for.
const maxLines = 40

// tableText is one table of a snapshot: its heading and its lines.
type tableText struct {
	heading string
	lines   []string
}

// splitSnapshot takes a snapshot of the World apart.
func splitSnapshot(text string) []tableText {
	var out []tableText
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		switch {
		case !strings.HasPrefix(line, " "):
			out = append(out, tableText{heading: line})
		case len(out) > 0:
			out[len(out)-1].lines = append(out[len(out)-1].lines, strings.TrimSpace(line))
		}
	}
	return out
}

// tables shows the tables before and after: - what stood, + what stands.
func (p *page) tables() {
	p.section("Tables, before (-) and after (+)")
	before, after := splitSnapshot(p.res.Before), splitSnapshot(p.res.After)
	hidden := 0
	for i, table := range before {
		then := tableText{heading: table.heading}
		if i < len(after) && after[i].heading == table.heading {
			then = after[i] // The World makes and drops no table during a run.
		}
		changed := strings.Join(table.lines, "\n") != strings.Join(then.lines, "\n")
		if !changed && len(before) > maxTables {
			hidden++
			continue
		}
		p.table(table, then)
	}
	if hidden > 0 {
		p.print("  %s without a change.", plural(hidden, "more table"))
	}
}

func (p *page) table(before, after tableText) {
	id, _, _ := strings.Cut(before.heading, " ")
	name := p.names.Replace(id)
	if name != id {
		name += "  " + id
	}
	p.print("  %s", name)
	var routes []routeDiff
	for _, destination := range destinations(before, after) {
		routes = append(routes, routeDiff{lineFor(before, destination), lineFor(after, destination)})
	}
	shown := routes
	if !p.AllRoutes {
		shown = fitting(routes)
	}
	for _, route := range shown {
		if !route.changed() {
			p.print("      %s", p.routeText(route.was))
			continue
		}
		if route.was != "" {
			p.print("    %s", p.paint(bad, "- "+p.routeText(route.was)))
		}
		if route.is != "" {
			p.print("    %s", p.paint(good, "+ "+p.routeText(route.is)))
		}
	}
	if more := len(routes) - len(shown); more > 0 {
		changed := changedOf(routes) - changedOf(shown)
		p.print("    … and %s, %d of them changed; --all-routes shows them", plural(more, "more route"), changed)
	}
}

// routeDiff is the line of a route before and after; empty: there was none.
type routeDiff struct{ was, is string }

func (d routeDiff) changed() bool { return d.was != d.is }

// lines is how many lines show it.
func (d routeDiff) lines() int {
	if d.changed() && d.was != "" && d.is != "" {
		return 2
	}
	return 1
}

func changedOf(routes []routeDiff) int {
	n := 0
	for _, route := range routes {
		if route.changed() {
			n++
		}
	}
	return n
}

// fitting returns the routes that maxLines has room for, in their order. Those
// that have changed come before the others.
func fitting(routes []routeDiff) []routeDiff {
	left := maxLines
	kept := make([]bool, len(routes))
	for _, changed := range []bool{true, false} {
		for i, route := range routes {
			if route.changed() == changed && left >= route.lines() {
				kept[i] = true
				left -= route.lines()
			}
		}
	}
	var out []routeDiff
	for i, route := range routes {
		if kept[i] {
			out = append(out, route)
		}
	}
	return out
}

// routeText shows a route with the name of its target in place of the id.
func (p *page) routeText(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return p.names.Replace(line)
	}
	target, rest := fields[1], fields[2:]
	if strings.HasPrefix(rest[0], "(") {
		rest = rest[1:] // The resource of the attachment; the name says as much.
	}
	text := fmt.Sprintf("%-18s -> %-22s %s", fields[0], p.names.Replace(target), strings.Join(rest, ", "))
	return strings.TrimRight(text, " ")
}

// destinations are those of both states, in the order of the later, with those
// that are gone at their old place.
func destinations(before, after tableText) []string {
	var out []string
	seen := map[string]bool{}
	at := 0
	for _, line := range before.lines {
		destination, _, _ := strings.Cut(line, " ")
		if lineFor(after, destination) == "" {
			out = append(out, destination)
			continue
		}
		for ; at < len(after.lines); at++ {
			next, _, _ := strings.Cut(after.lines[at], " ")
			if !seen[next] {
				out, seen[next] = append(out, next), true
			}
			if next == destination {
				at++
				break
			}
		}
	}
	for ; at < len(after.lines); at++ {
		next, _, _ := strings.Cut(after.lines[at], " ")
		out = append(out, next)
	}
	return out
}

func lineFor(table tableText, destination string) string {
	for _, line := range table.lines {
		if strings.HasPrefix(line, destination+" ") {
			return line
		}
	}
	return ""
}
