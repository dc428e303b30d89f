package handler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"detour/shared/controller"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// hintLimit is the age beyond which a hint starts no re-reads: archives are
// replayed, and queues can hold an event for hours.
const hintLimit = 10 * time.Minute

// Switchover handles the events of tunnels, Connect peers, alarms, AWS Health,
// routing updates and API calls, and batches of wake-ups.
func (h *Handler) Switchover(ctx context.Context, raw []byte) Outcome {
	ctx, cancel := h.bounded(ctx)
	defer cancel()
	if ingest.KindOf(raw) == ingest.KindWakeBatch {
		return h.wakeUps(ctx, raw)
	}
	out := h.event(ctx, raw)
	// EventBridge reads no answer; SQS, if the message was a broken batch of its,
	// deletes it because of this one.
	out.Body = batchAnswer(nil)
	return out
}

// event handles one EventBridge event.
func (h *Handler) event(ctx context.Context, raw []byte) Outcome {
	look, err := ingest.Decode(raw)
	if d, ok := withoutEffect(err); ok {
		return h.passOver(ctx, d)
	}
	if err != nil {
		return h.drop(ctx, dropsOf(err)...)
	}
	if look.Writer != (ingest.Writer{}) {
		return h.call(ctx, look)
	}
	trigger := controller.Trigger{Event: look.EventID}
	for _, hint := range look.Hints {
		names := h.controller.Watching(hint.Subject)
		trigger.Groups = append(trigger.Groups, names...)
		if len(names) > 0 && hint.Direction != ingest.DirectionUnknown && h.fresh(look.SentAt) {
			trigger.Hints = append(trigger.Hints, protection.Hint{
				At: h.clock.Now(), Subject: hint.Subject, Part: hint.Part, Down: hint.Direction == ingest.DirectionDown,
			})
		}
	}
	if look.Everything {
		return h.widely(ctx, look, trigger)
	}
	named := len(trigger.Groups) > 0
	if !named {
		for _, table := range look.Tables {
			trigger.Groups = append(trigger.Groups, h.controller.Using(table)...)
		}
	}
	switch {
	case len(trigger.Groups) == 0:
		return h.drop(ctx, ingest.Drop{Reason: DropUnconfigured, Detail: unwatched(look)})
	case !h.controller.TimeLeft(ctx):
		return h.outOfTime(ctx, look.EventID)
	case named:
		return h.finish(ctx, h.controller.Reconcile(ctx, trigger))
	default:
		// Our own writes come back as routing updates, so these are looked at
		// without a lease.
		return h.finish(ctx, h.controller.Look(ctx, trigger))
	}
}

// widely handles an event that asks for a look at everything. What it names goes
// first, and is not coalesced.
func (h *Handler) widely(ctx context.Context, look ingest.Look, trigger controller.Trigger) Outcome {
	var named Outcome
	if len(trigger.Groups) > 0 {
		if !h.controller.TimeLeft(ctx) {
			return h.outOfTime(ctx, look.EventID)
		}
		named = h.finish(ctx, h.controller.Reconcile(ctx, trigger))
	}
	all := h.everything(ctx, look.EventID, look.Why, false)
	all.Reports = append(named.Reports, all.Reports...)
	if named.Action == Retry {
		all.Action, all.why = Retry, named.why
	}
	return all
}

// unwatched says what an event is about that concerns no group.
func unwatched(look ingest.Look) string {
	about := make([]string, 0, len(look.Hints)+len(look.Tables))
	for _, hint := range look.Hints {
		s := hint.Subject
		about = append(about, fmt.Sprintf("%s %s of account %s in %s", s.Kind, oneLine(s.ID), s.Account, s.Region))
	}
	about = append(append(about, look.Tables...), look.Lists...)
	if !look.Destination.IsZero() {
		about = append(about, look.Destination.String())
	}
	return fmt.Sprintf("event %s (%s, %s) is about nothing that a group watches: %s", look.EventID, look.DetailType, look.ChangeType, list(about))
}

func (h *Handler) fresh(sent time.Time) bool {
	return sent.IsZero() || h.clock.Now().Sub(sent) <= hintLimit
}

// everything looks at all groups, at most once a minute.
func (h *Handler) everything(ctx context.Context, event, why string, fromWake bool) Outcome {
	if !h.controller.TimeLeft(ctx) {
		return h.outOfTime(ctx, event)
	}
	started := h.clock.Now()
	reports, looked, err := h.controller.Everything(ctx, event, fromWake)
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "looking at everything failed", append([]slog.Attr{
			slog.String("event", event), slog.String("why", why), slog.String("error", oneLine(err.Error())),
		}, h.metrics("", measured{{MetricFailed, 1}})...)...)
		return Outcome{Action: Retry, why: "the record store could not be used for a look at everything; the log has the error"}
	}
	if !looked {
		h.log.LogAttrs(ctx, slog.LevelInfo, "coalesced", slog.String("event", event), slog.String("why", why))
		return Outcome{Action: Value}
	}
	out := h.finish(ctx, reports).with(h.filtered(ctx, h.controller.SweepFilters(ctx, event)))
	h.swept(ctx, sweep{event: event, why: why}, reports, started)
	return out
}
