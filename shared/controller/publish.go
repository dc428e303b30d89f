package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"detour/shared/plan"
)

// publish tells the world what the run did. A publication that fails is noted
// in the report; it never undoes or repeats anything.
func (c *Controller) publish(ctx context.Context, h *hold) {
	for _, event := range eventsOf(h) {
		event.Group, event.At, event.Decision = h.group.Name, c.ports.Clock.Now(), h.report.Decision
		if err := c.ports.Publish.Publish(ctx, event); err != nil {
			h.report.Err = errors.Join(h.report.Err, err)
		}
	}
}

func eventsOf(h *hold) []Event {
	var out []Event
	output := h.report.Output
	for _, path := range h.report.Health {
		if before := h.report.before.Memory(path.Path).State; before != path.State {
			out = append(out, Event{Kind: EventPathStateChanged, Detail: fmt.Sprintf("%s: %s -> %s (%s)", path.Path, before, path.State, path.Reason)})
		}
	}
	if output.Starts {
		out = append(out, Event{Kind: EventSwitchoverStarted, Detail: string(h.report.Decision.Reason)})
		out = append(out, blocked(h)...)
	}
	if output.Next.Settled && !h.report.before.Settled {
		out = append(out, completed(h)...)
	}
	if held := output.Next.Held; held != "" && held != h.report.before.Held {
		out = append(out, Event{Kind: EventSwitchoverHeld, Detail: string(output.Decision.Reason)})
	}
	out = append(out, failbackEvents(h.report.before, output.Next)...)
	for _, key := range output.NewlyContended {
		detail := key.String()
		if by := output.Next.WritersOf(key); len(by) > 0 {
			detail += ", last written by " + strings.Join(by, ", ")
		}
		out = append(out, Event{Kind: EventContended, Detail: detail})
	}
	for _, ended := range output.Ended {
		what := string(ended.Request.Kind)
		if ended.Request.Path != "" {
			what += " " + ended.Request.Path
		}
		out = append(out, Event{Kind: EventRequestEnded, Detail: what + ": " + string(ended.Reason)})
	}
	return out
}

// blocked says at the start of a move that prefix lists hold up a part of it: it
// will not settle before they can be written.
func blocked(h *hold) []Event {
	held := slices.DeleteFunc(slices.Clone(h.report.Skipped), func(s plan.Skipped) bool {
		return s.Reason != plan.SkipListUnreadable && s.Reason != plan.SkipIPAM && s.Reason != plan.SkipOwner && s.Reason != plan.SkipHeldWithUnit
	})
	if len(held) == 0 {
		return nil
	}
	return []Event{{Kind: EventSwitchoverHeld, Detail: fmt.Sprintf("%d routes are held up by prefix lists, the first is %s (%s)", len(held), held[0].Entry, held[0].Reason)}}
}

// completed says that a move is done, or that routes which are not Detour's to
// write still stand elsewhere. A group that was adopted where it stood has not
// moved.
func completed(h *hold) []Event {
	if n := len(h.report.Skipped); n > 0 {
		return []Event{{Kind: EventSwitchoverHeld, Detail: fmt.Sprintf("%d routes were left alone, the first is %s (%s)", n, h.report.Skipped[0].Entry, h.report.Skipped[0].Reason)}}
	}
	d, next := h.output.Next.Decision, h.output.Next
	if d.From == d.To || next.Failback.Open() && d.Extent < next.Steps {
		return nil // Nothing has moved, or a failback goes on.
	}
	return []Event{{Kind: EventSwitchoverCompleted}}
}
