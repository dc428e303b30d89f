package handler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
)

// maxRefusalLines bounds the lines about the trials of one rehearsal.
const maxRefusalLines = 50

// rehearse handles the daily schedule: every planned write is tried as a dry run.
func (h *Handler) rehearse(ctx context.Context) Outcome {
	if !h.controller.TimeLeft(ctx) {
		return h.outOfTime(ctx, "rehearse")
	}
	started := h.clock.Now()
	r := h.controller.Rehearse(ctx)
	out := Outcome{Action: Value}
	if r.Err != nil && r.Tried == 0 {
		h.log.LogAttrs(ctx, slog.LevelWarn, "not rehearsed", append([]slog.Attr{slog.String("error", oneLine(r.Err.Error()))},
			h.metrics("", measured{{MetricFailed, 1}})...)...)
		out.Action, out.why = Retry, "the record store could not be used for a rehearsal; the log has the error"
		return out
	}
	h.refusals(ctx, r.Denied, true)
	h.refusals(ctx, r.Doubtful, false)
	h.rehearsed(ctx, r, started)
	return out
}

// refusals logs one line for each trial that was not allowed. Those beyond
// maxRefusalLines are counted on the last one.
func (h *Handler) refusals(ctx context.Context, refusals []controller.Refusal, denied bool) {
	for i, r := range refusals {
		change := r.Receipt.Change
		bucket := plan.BucketOf(change)
		count := 1
		attrs := []slog.Attr{
			slog.String("group", r.Group), slog.String("path", r.Path), slog.String("call", string(bucket.API)),
			slog.String("table", change.Table.ID), slog.String("destination", change.Destination.String()), slog.String("target", change.After.String()),
			slog.String("account", bucket.Account), slog.String("region", bucket.Region),
			slog.String("outcome", string(r.Receipt.Outcome)), slog.String("code", oneLine(r.Receipt.Code)),
		}
		if i == maxRefusalLines {
			count = len(refusals) - i
			attrs = append(attrs, slog.Int("count", count))
		}
		if denied {
			attrs = append(attrs, slog.String("remedy", fmt.Sprintf(
				"allow ec2:%s on %s and its target to the role that Detour writes with in account %s: deploy this configuration again, and look for a boundary or a service control policy",
				bucket.API, change.Table.ID, bucket.Account)))
			h.log.LogAttrs(ctx, slog.LevelWarn, "denied", append(attrs, h.metrics(r.Group, measured{{MetricDenied, count}})...)...)
		} else {
			h.log.LogAttrs(ctx, slog.LevelWarn, "doubtful", attrs...)
		}
		if i == maxRefusalLines {
			break
		}
	}
}

// rehearsed logs the one line of a rehearsal.
func (h *Handler) rehearsed(ctx context.Context, r controller.Rehearsal, started time.Time) {
	attrs := []slog.Attr{
		slog.Int("groups", r.Groups), slog.Int("planned", r.Planned), slog.Int("tried", r.Tried), slog.Int("allowed", r.Allowed),
		slog.Int("denied", len(r.Denied)), slog.Int("doubtful", len(r.Doubtful)), slog.Int("left", r.Planned-r.Tried),
		slog.Int("ms", int(h.clock.Now().Sub(started).Milliseconds())),
	}
	level := slog.LevelInfo
	if len(r.Unread) > 0 {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("unread", list(r.Unread)))
	}
	if r.Err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", oneLine(r.Err.Error())))
	}
	values := measured{}
	values.count(MetricRehearsed, r.Tried)
	h.log.LogAttrs(ctx, level, "rehearsed", append(attrs, h.metrics("", values)...)...)
}
