package operator

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"detour/shared/explain"
)

// Style says how text for people is written.
type Style struct {
	// Colour marks what matters with the colours of a terminal.
	Colour bool
	// Now is the instant that times are told relative to.
	Now time.Time
}

// The colours (ECMA-48, select graphic rendition).
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	bold   = "\x1b[1m"
	plain  = "\x1b[0m"
)

// in writes text in a colour.
func (s Style) in(colour, text string) string {
	if !s.Colour || colour == "" || text == "" {
		return text
	}
	return colour + text + plain
}

// state writes the state of a path in its colour.
func (s Style) state(state string) string {
	switch state {
	case "up":
		return s.in(green, state)
	case "degraded", "unknown", "admin-down":
		return s.in(yellow, state)
	default:
		return s.in(red, state)
	}
}

// stamp is an instant, absolute and relative.
func (s Style) stamp(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return clock(at) + " (" + s.ago(at) + ")"
}

// ago is an instant relative to now.
func (s Style) ago(at time.Time) string {
	d := s.Now.Sub(at)
	if d < 0 {
		return "in " + roughly(-d)
	}
	return roughly(d) + " ago"
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d/day))
	}
}

// rows aligns cells in columns, two spaces apart, and puts the indent before each
// row. Colours take no width.
func rows(indent string, cells [][]string) string {
	var widths []int
	for _, row := range cells {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	var out strings.Builder
	for _, row := range cells {
		line := indent
		for i, cell := range row {
			line += cell
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-width(cell)+2)
			}
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return out.String()
}

// width is how many places a cell takes on a terminal.
func width(cell string) int {
	for _, colour := range []string{red, green, yellow, bold, plain} {
		cell = strings.ReplaceAll(cell, colour, "")
	}
	return utf8.RuneCountInString(cell)
}

// shown makes a text that came from outside fit for a terminal.
func shown(text string) string { return explain.Shown(text) }

// plural counts things.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
