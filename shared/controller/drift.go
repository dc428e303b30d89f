package controller

import (
	"slices"

	"detour/shared/health"
	"detour/shared/protection"
)

// undoers names who wrote what this run gave up or adopted, as far as is known.
func undoers(output protection.Output) []string {
	if output.Moved {
		var out []string
		for _, w := range output.Next.Writers {
			out = append(out, w.Name)
		}
		return out
	}
	return output.Next.WritersOf(output.NewlyContended...)
}

// writersOf names the writers that the report is about, each once.
func writersOf(h *hold) []string {
	out := undoers(h.output)
	out = append(out, h.output.Next.WritersOf(h.output.Next.Contended...)...)
	for _, w := range h.trigger.Writers {
		out = append(out, w.Name)
	}
	var unique []string
	for _, name := range out {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}

// unannounced reports whether a sweep was the first to see that the path in use
// became worse, or that somebody changed the routes.
func unannounced(h *hold) bool {
	before, next := h.item.Record, h.output.Next
	if !h.trigger.Sweep || before.Decision.Epoch == 0 || !before.Hint.At.IsZero() {
		return false
	}
	if before.Sighting.At.IsZero() && !next.Sighting.At.IsZero() {
		return true
	}
	was, is := before.Memory(before.Decision.To), next.Memory(before.Decision.To)
	worse := is.State == health.Down || !is.WorseSince.IsZero()
	return was.State.Alive() && was.WorseSince.IsZero() && worse
}
