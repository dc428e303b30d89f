package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"detour/shared/controller"
	"detour/shared/ingest"
)

// batchAnswer is what Lambda expects from a function with partial batch
// responses: the ids of the messages to send again (Lambda Developer Guide,
// "Handling errors for an SQS event source in Lambda"). An empty list deletes the
// whole batch.
func batchAnswer(again []string) []byte {
	type failure struct {
		ID string `json:"itemIdentifier"`
	}
	failures := make([]failure, len(again))
	for i, id := range again {
		failures[i].ID = id
	}
	body, _ := json.Marshal(map[string][]failure{"batchItemFailures": failures}) // Strings always marshal.
	return body
}

// wakeUps runs the groups of a batch together. A message that is no wake-up, or
// is for nothing that is configured, is dropped; the messages of what failed or
// was not begun are asked for again. The action is never Retry: an error would
// bring back what is done, too.
func (h *Handler) wakeUps(ctx context.Context, raw []byte) Outcome {
	wakes, err := ingest.DecodeWake(raw)
	var drops []ingest.Drop
	if err != nil {
		drops = dropsOf(err)
	}
	trigger, filters := controller.Trigger{Wake: true}, controller.FilterTrigger{Wake: true}
	var everything []string
	for _, wake := range wakes {
		key := controller.Key(wake.Key)
		name, isGroup := key.Group()
		filter, isFilter := key.Filter()
		switch {
		case isGroup && slices.Contains(h.controller.Names(), name):
			trigger.Groups = append(trigger.Groups, name)
			trigger.Event = wake.MessageID
		case isFilter && slices.Contains(h.controller.FilterNames(), filter):
			filters.Filters = append(filters.Filters, filter)
			filters.Event = wake.MessageID
		case key == controller.KeyEverything:
			everything = append(everything, wake.MessageID)
		default:
			drops = append(drops, ingest.Drop{Reason: DropUnconfigured, Detail: fmt.Sprintf("wake-up %s is for %s, which is not configured", wake.MessageID, wake.Key)})
		}
	}
	out := Outcome{Action: Value}
	if len(drops) > 0 {
		dropped := h.drop(ctx, drops...)
		if len(trigger.Groups) == 0 && len(filters.Filters) == 0 && len(everything) == 0 {
			out = dropped
		}
	}
	// Groups first, then filters: their deadlines are due, and a look at everything
	// takes long.
	var again []string
	if len(trigger.Groups) > 0 {
		var failed func(group string) bool
		out.Reports, failed = h.wakeGroups(ctx, trigger)
		for _, wake := range wakes {
			if name, isGroup := controller.Key(wake.Key).Group(); isGroup && failed(name) {
				again = append(again, wake.MessageID)
			}
		}
	}
	if len(filters.Filters) > 0 {
		var failed func(filter string) bool
		out.Filters, failed = h.wakeFilters(ctx, filters)
		for _, wake := range wakes {
			if name, isFilter := controller.Key(wake.Key).Filter(); isFilter && failed(name) {
				again = append(again, wake.MessageID)
			}
		}
	}
	if len(everything) > 0 {
		looked := h.everything(ctx, everything[0], "wake-up", true) // One look serves all of them.
		out.Reports, out.Filters = append(out.Reports, looked.Reports...), append(out.Filters, looked.Filters...)
		if looked.Action == Retry {
			again = append(again, everything...)
		}
	}
	out.Body = batchAnswer(again)
	return out
}

// wakeGroups runs the groups, and says of which the messages are to come again.
func (h *Handler) wakeGroups(ctx context.Context, trigger controller.Trigger) ([]controller.Report, func(group string) bool) {
	if !h.controller.TimeLeft(ctx) {
		h.outOfTime(ctx, trigger.Event)
		return nil, func(group string) bool { return slices.Contains(trigger.Groups, group) }
	}
	reports := h.finish(ctx, h.controller.Reconcile(ctx, trigger)).Reports
	return reports, func(group string) bool {
		return slices.ContainsFunc(reports, func(r controller.Report) bool {
			return r.Group == group && r.Status == controller.StatusFailed
		})
	}
}

// wakeFilters runs the filters, and says of which the messages are to come again.
func (h *Handler) wakeFilters(ctx context.Context, trigger controller.FilterTrigger) ([]controller.FilterReport, func(filter string) bool) {
	if !h.controller.TimeLeft(ctx) {
		h.outOfTime(ctx, trigger.Event)
		return nil, func(filter string) bool { return slices.Contains(trigger.Filters, filter) }
	}
	reports := h.filtered(ctx, h.controller.Enforce(ctx, trigger)).Filters
	return reports, func(filter string) bool {
		return slices.ContainsFunc(reports, func(r controller.FilterReport) bool {
			return r.Filter == filter && r.Status == controller.StatusFailed
		})
	}
}
