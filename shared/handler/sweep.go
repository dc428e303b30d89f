package handler

import (
	"context"
	"log/slog"
	"time"

	"detour/shared/controller"
	"detour/shared/ingest"
)

// with adds what was done about filters to the outcome of a look at groups.
func (o Outcome) with(filters Outcome) Outcome {
	o.Filters = append(o.Filters, filters.Filters...)
	if filters.Action == Retry && o.Action != Retry {
		o.Action, o.why = Retry, filters.why
	}
	return o
}

// Sweep handles the schedules. The daily one asks for a rehearsal; for whatever
// else the message says it looks at every group and filter, since a sweep needs no
// event.
func (h *Handler) Sweep(ctx context.Context, raw []byte) Outcome {
	ctx, cancel := h.bounded(ctx)
	defer cancel()
	if ingest.KindOf(raw) == ingest.KindRehearsal {
		out := h.rehearse(ctx)
		if len(h.controller.FilterNames()) == 0 {
			// No sweep looks for what the last filter left; once a day is often enough.
			left, err := h.controller.Leftovers(ctx, "rehearse")
			if err == nil { // Else the rehearsal has said so, too.
				h.filtered(ctx, left)
			}
		}
		out.Body = []byte("null")
		return out
	}
	started := h.clock.Now()
	out := Outcome{Action: Retry}
	if h.controller.TimeLeft(ctx) {
		// Filters beside the groups: neither waits for the other's reads.
		var filters []controller.FilterReport
		wait := func() {}
		if len(h.controller.FilterNames()) > 0 {
			wait = h.clock.Go(ctx, func(ctx context.Context) { filters = h.controller.SweepHome(ctx, "sweep") })
		}
		reports := h.controller.Sweep(ctx, "sweep")
		wait()
		out = h.finish(ctx, reports).with(h.filtered(ctx, filters))
		h.swept(ctx, sweep{event: "sweep", why: "schedule", beat: len(reports) > 0 || out.Action != Retry}, out.Reports, started)
	} else {
		out = h.outOfTime(ctx, "sweep")
	}
	out.Body = []byte("null") // The schedule reads no answer.
	return out
}

// sweep is what led to a look at all groups.
type sweep struct {
	event, why string
	// beat says that an alarm counts these looks.
	beat bool
}

// swept logs the one line of a look at all groups. It says that there was one,
// even if every group was quiet. Without metrics nobody counts heartbeats, and
// the line of a quiet sweep is for debugging.
func (h *Handler) swept(ctx context.Context, s sweep, reports []controller.Report, started time.Time) {
	counts := map[controller.Status]int{}
	groups := 0
	for i, r := range reports {
		if i+1 < len(reports) && reports[i+1].Group == r.Group {
			continue // The last report of a group is the one that counts.
		}
		groups++
		counts[r.Status]++
	}
	failed := counts[controller.StatusFailed] + counts[controller.StatusFenced]
	took := int(h.clock.Now().Sub(started).Milliseconds())
	attrs := []slog.Attr{
		slog.String("event", s.event), slog.String("why", s.why), slog.Int("groups", groups),
		slog.Int("quiet", counts[controller.StatusQuiet]), slog.Int("changed", counts[controller.StatusDone]),
		slog.Int("busy", counts[controller.StatusBusy]), slog.Int("unfinished", counts[controller.StatusUnfinished]),
		slog.Int("failed", failed), slog.Int("ms", took), slog.Bool("outOfTime", !h.controller.TimeLeft(ctx)),
	}
	values := measured{{MetricSweepMs, took}}
	if s.beat && counts[controller.StatusFailed] < max(groups, 1) {
		// A sweep that could look at nothing is none: its heartbeat is missed.
		values = append(values, measurement{MetricSweeps, 1})
	}
	level := slog.LevelInfo
	if h.options.Function == "" && counts[controller.StatusQuiet] == groups {
		level = slog.LevelDebug
	}
	h.log.LogAttrs(ctx, level, "swept", append(attrs, h.metrics("", values)...)...)
}
