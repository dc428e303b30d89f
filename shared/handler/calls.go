package handler

import (
	"context"
	"errors"
	"log/slog"

	"detour/shared/controller"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// DropOwnCall is the drop of an event about a call that Detour made itself.
const DropOwnCall ingest.DropReason = "own-call"

// DropAwaited is the drop of an event about a call by a known writer, when a look at
// the group is due within a settle time.
const DropAwaited ingest.DropReason = "awaited"

// call handles an event about an API call. CloudTrail tells of every call in the
// account, of Detour's own, too, so that most are about nothing of Detour's: those
// are passed over without a warning. The others are looked at without a lease.
func (h *Handler) call(ctx context.Context, look ingest.Look) Outcome {
	if h.options.Own.Made(look.Writer) {
		return h.passOver(ctx, ingest.Drop{Reason: DropOwnCall, Detail: look.ChangeType + " by " + look.Writer.Name})
	}
	trigger := controller.Trigger{Event: look.EventID}
	if look.Everything {
		return h.widely(ctx, look, trigger)
	}
	at := look.SentAt
	if at.IsZero() {
		at = h.clock.Now()
	}
	for _, table := range look.Tables {
		trigger.Groups = append(trigger.Groups, h.controller.UsingEntry(table, look.Destination)...)
		writer := protection.Writer{Name: look.Writer.Name, At: at}
		writer.Entry.Table.ID, writer.Entry.Destination = table, look.Destination
		trigger.Writers = append(trigger.Writers, writer)
	}
	for _, list := range look.Lists {
		trigger.Groups = append(trigger.Groups, h.controller.UsingList(list)...)
	}
	switch {
	case len(trigger.Groups) == 0:
		return h.passOver(ctx, ingest.Drop{Reason: DropUnconfigured, Detail: unwatched(look)})
	case !h.controller.TimeLeft(ctx):
		return h.outOfTime(ctx, look.EventID)
	}
	reports := h.controller.Look(ctx, trigger)
	if len(reports) == 0 {
		return h.passOver(ctx, ingest.Drop{Reason: DropAwaited, Detail: look.ChangeType + " by " + look.Writer.Name})
	}
	return h.finish(ctx, reports)
}

// passOver drops an event that is nobody's mistake.
func (h *Handler) passOver(ctx context.Context, d ingest.Drop) Outcome {
	h.log.LogAttrs(ctx, slog.LevelDebug, "passed over", slog.String("reason", string(d.Reason)), slog.String("detail", d.Detail))
	return Outcome{Action: Drop, Dropped: d.Reason}
}

// withoutEffect reports whether a message was dropped because the call that it
// tells of changed nothing.
func withoutEffect(err error) (ingest.Drop, bool) {
	d, ok := errors.AsType[*ingest.Drop](err)
	if !ok || d.Reason != ingest.DropNoEffect {
		return ingest.Drop{}, false
	}
	return *d, true
}
