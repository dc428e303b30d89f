package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"detour/shared/filter"
)

// newsKind says what a verdict tells beyond the record before it.
type newsKind int

const (
	newsNone   newsKind = iota
	newsPlaced          // a measure began
	newsLifted          // a measure ended
	newsHeld            // a measure, or its end, begins to be impossible
)

// newsOf compares a verdict with the record that it was made from.
func newsOf(before filter.Record, v filter.Verdict) newsKind {
	m, known := before.Measure(v.Key)
	// A measure that was held from the start has nothing that could be lifted.
	stood := known && m.EndedAt.IsZero() && (m.Off || len(m.Statics) > 0 || m.Action == filter.Alert)
	switch {
	case v.New && v.InForce:
		return newsPlaced
	case stood && !v.InForce && !v.Reason.Holds():
		return newsLifted
	case v.Reason.Pages() && !slices.Contains(before.Held, filter.Held{Key: v.Key, Reason: v.Reason}):
		return newsHeld
	default:
		return newsNone
	}
}

// maxFilterEvents bounds the events of one run and kind: an attachment can announce a
// thousand routes that are all denied.
const maxFilterEvents = 10

// publishFilter tells the world what the run did. A publication that fails is noted
// in the report; it never undoes or repeats anything.
func (c *Controller) publishFilter(ctx context.Context, h *filterHold) {
	for _, group := range []struct {
		kind     EventKind
		verdicts []filter.Verdict
	}{
		{EventMeasurePlaced, h.out.Placed}, {EventMeasureLifted, h.out.Lifted}, {EventMeasureHeld, h.out.Held},
	} {
		for i, v := range group.verdicts {
			event := Event{Kind: group.kind, Filter: h.filter.Name, At: c.ports.Clock.Now(), Verdict: v, Detail: Describe(v)}
			if i == maxFilterEvents {
				event.Detail += fmt.Sprintf("; and %d more", len(group.verdicts)-i-1)
			}
			if err := c.ports.Publish.Publish(ctx, event); err != nil {
				h.report.Err = errors.Join(h.report.Err, err)
			}
			if i == maxFilterEvents {
				break
			}
		}
	}
}

// Describe says in one line what a verdict is about, for people: what is denied, who
// announced it, which next hop it would have taken over, and what was at risk.
func Describe(v filter.Verdict) string {
	parts := []string{fmt.Sprintf("%s: %s", v.Key, v.Reason)}
	if v.Action != "" {
		parts[0] = fmt.Sprintf("%s of %s: %s", v.Action, v.Key, v.Reason)
	}
	why := v.Why
	var announcers []string
	for _, n := range why.Announcers {
		announcers = append(announcers, strings.TrimSpace(n.Type+" "+n.Resource)+" ("+n.Attachment+")")
	}
	if len(announcers) > 0 {
		parts = append(parts, "announced by "+strings.Join(announcers, ", "))
	}
	if why.Prefixes > 0 {
		parts = append(parts, fmt.Sprintf("%d prefixes", why.Prefixes))
	}
	if !why.TookOver.IsZero() {
		parts = append(parts, "takes traffic from "+why.TookOver.String())
	}
	if why.AtRiskCount > 0 {
		parts = append(parts, fmt.Sprintf("%d destinations at risk, the first is %s", why.AtRiskCount, why.AtRisk[0]))
	}
	if why.TunnelCount > 0 {
		parts = append(parts, fmt.Sprintf("%d tunnels at risk, the first is %s of %s", why.TunnelCount, why.Tunnels[0].Address, why.Tunnels[0].Resource))
	}
	if len(why.Groups) > 0 {
		parts = append(parts, "groups that lose a path: "+strings.Join(slices.Clone(why.Groups), ", "))
	}
	return strings.Join(parts, "; ")
}
