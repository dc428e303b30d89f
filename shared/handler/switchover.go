package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/ingest"
	"detour/shared/protection"
)

// hintLimit is the age beyond which a hint starts no re-reads: archives are
// replayed, and queues can hold an event for hours.
const hintLimit = 10 * time.Minute

// Switchover handles the events of tunnels, Connect peers, alarms, AWS Health
// and routing updates, and batches of wake-ups.
func (h *Handler) Switchover(ctx context.Context, raw []byte) Outcome {
	if ingest.KindOf(raw) == ingest.KindWakeBatch {
		return h.wakeUps(ctx, raw)
	}
	look, err := ingest.Decode(raw)
	if err != nil {
		return h.drop(ctx, err)
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
		// What the event names goes first, and is not coalesced.
		named := h.finish(ctx, h.controller.Reconcile(ctx, trigger))
		all := h.everything(ctx, look.EventID, false)
		all.Reports = append(named.Reports, all.Reports...)
		if named.Action == Retry {
			all.Action = Retry
		}
		return all
	}
	if len(trigger.Groups) > 0 {
		return h.finish(ctx, h.controller.Reconcile(ctx, trigger))
	}
	for _, table := range look.Tables {
		trigger.Groups = append(trigger.Groups, h.controller.Using(table)...)
	}
	if len(trigger.Groups) == 0 {
		return h.drop(ctx, &ingest.Drop{Reason: DropUnconfigured, Detail: fmt.Sprintf("event %s (%s, %s) is about nothing that a group watches", look.EventID, look.DetailType, look.ChangeType)})
	}
	// Our own writes come back as routing updates, so these are looked at
	// without a lease.
	return h.finish(ctx, h.controller.Look(ctx, trigger))
}

func (h *Handler) fresh(sent time.Time) bool {
	return sent.IsZero() || h.clock.Now().Sub(sent) <= hintLimit
}

// everything looks at all groups, at most once a minute.
func (h *Handler) everything(ctx context.Context, event string, fromWake bool) Outcome {
	reports, looked, err := h.controller.Everything(ctx, event, fromWake)
	if err != nil {
		h.log.WarnContext(ctx, "looking at everything failed", "event", event, "error", err.Error())
		return Outcome{Action: Retry}
	}
	if !looked {
		h.log.InfoContext(ctx, "coalesced", "event", event)
	}
	return h.finish(ctx, reports)
}

// batchAnswer is what Lambda expects from a function with partial batch
// responses (Lambda Developer Guide, "Handling errors for an SQS event source").
type batchAnswer struct {
	Failures []batchFailure `json:"batchItemFailures"`
}

type batchFailure struct {
	ID string `json:"itemIdentifier"`
}

// wakeUps runs the groups of a batch together. A message that is no wake-up, or
// is for nothing that is configured, is dropped; the messages of groups whose
// run failed are asked for again.
func (h *Handler) wakeUps(ctx context.Context, raw []byte) Outcome {
	wakes, err := ingest.DecodeWake(raw)
	out := Outcome{Action: Value}
	if err != nil {
		out = h.drop(ctx, err)
	}
	trigger := controller.Trigger{Wake: true}
	answer := batchAnswer{Failures: []batchFailure{}}
	var everything []string
	for _, wake := range wakes {
		key := controller.Key(wake.Key)
		name, isGroup := key.Group()
		switch {
		case isGroup && slices.Contains(h.controller.Names(), name):
			out.Action = Value
			trigger.Groups = append(trigger.Groups, name)
			trigger.Event = wake.MessageID
		case key == controller.KeyEverything:
			out.Action = Value
			everything = append(everything, wake.MessageID)
		default:
			dropped := h.drop(ctx, &ingest.Drop{Reason: DropUnconfigured, Detail: fmt.Sprintf("wake-up %s is for %s, which is not configured", wake.MessageID, wake.Key)})
			if len(wakes) == 1 {
				out = dropped
			}
		}
	}
	// Groups first: their deadlines are due, and a look at everything takes long.
	done := h.finish(ctx, h.controller.Reconcile(ctx, trigger))
	out.Reports = append(out.Reports, done.Reports...)
	for _, id := range everything {
		looked := h.everything(ctx, id, true)
		out.Reports = append(out.Reports, looked.Reports...)
		if looked.Action == Retry {
			answer.Failures = append(answer.Failures, batchFailure{ID: id})
		}
	}
	for _, wake := range wakes {
		name, _ := controller.Key(wake.Key).Group()
		failed := slices.ContainsFunc(done.Reports, func(r controller.Report) bool {
			return r.Group == name && r.Status == controller.StatusFailed
		})
		if failed {
			answer.Failures = append(answer.Failures, batchFailure{ID: wake.MessageID})
		}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return h.drop(ctx, errors.Join(errors.New("answering the batch"), err))
	}
	out.Body = body
	return out
}
