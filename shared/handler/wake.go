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

// woken is a batch of wake-ups by what they are for.
type woken struct {
	groups  controller.Trigger
	filters controller.FilterTrigger
	// everything are the ids of the messages for a look at everything.
	everything []string
	// everyFilter are those for a look at all filters.
	everyFilter []string
	drops       []ingest.Drop
}

// sortWakes sorts the wake-ups of a batch. One that is for nothing that is configured
// is dropped.
func (h *Handler) sortWakes(wakes []ingest.Wake) woken {
	out := woken{groups: controller.Trigger{Wake: true}, filters: controller.FilterTrigger{Wake: true}}
	for _, wake := range wakes {
		key := controller.Key(wake.Key)
		group, isGroup := key.Group()
		filter, isFilter := key.Filter()
		switch {
		case isGroup && slices.Contains(h.controller.Names(), group):
			out.groups.Groups, out.groups.Event = append(out.groups.Groups, group), wake.MessageID
		case isFilter && slices.Contains(h.controller.FilterNames(), filter):
			out.filters.Filters, out.filters.Event = append(out.filters.Filters, filter), wake.MessageID
		case key == controller.KeyEverything:
			out.everything = append(out.everything, wake.MessageID)
		case key == controller.KeyEveryFilter && len(h.controller.FilterNames()) > 0:
			out.everyFilter = append(out.everyFilter, wake.MessageID)
		default:
			out.drops = append(out.drops, ingest.Drop{Reason: DropUnconfigured, Detail: fmt.Sprintf("wake-up %s is for %s, which is not configured", wake.MessageID, wake.Key)})
		}
	}
	return out
}

// idsOf returns the messages whose keys are of one sort and failed.
func idsOf(wakes []ingest.Wake, nameOf func(controller.Key) (string, bool), failed func(name string) bool) []string {
	var out []string
	for _, wake := range wakes {
		if name, is := nameOf(controller.Key(wake.Key)); is && failed(name) {
			out = append(out, wake.MessageID)
		}
	}
	return out
}

// wakeUps runs the groups of a batch together, and the filters. A message that is no
// wake-up, or is for nothing that is configured, is dropped; the messages of what
// failed or was not begun are asked for again. The action is never Retry: an error
// would bring back what is done, too.
func (h *Handler) wakeUps(ctx context.Context, raw []byte) Outcome {
	wakes, err := ingest.DecodeWake(raw)
	var drops []ingest.Drop
	if err != nil {
		drops = dropsOf(err)
	}
	woken := h.sortWakes(wakes)
	out := Outcome{Action: Value}
	if drops = append(drops, woken.drops...); len(drops) > 0 {
		dropped := h.drop(ctx, drops...)
		if len(woken.groups.Groups)+len(woken.filters.Filters)+len(woken.everything)+len(woken.everyFilter) == 0 {
			out = dropped
		}
	}
	// Groups first, then filters: their deadlines are due, and a look at everything
	// takes long.
	var again []string
	var failed func(name string) bool
	if len(woken.groups.Groups) > 0 {
		out.Reports, failed = h.wakeGroups(ctx, woken.groups)
		again = append(again, idsOf(wakes, controller.Key.Group, failed)...)
	}
	if len(woken.filters.Filters) > 0 {
		out.Filters, failed = h.wakeFilters(ctx, woken.filters)
		again = append(again, idsOf(wakes, controller.Key.Filter, failed)...)
	}
	if len(woken.everyFilter) > 0 {
		looked := h.everyFilter(ctx, controller.FilterTrigger{Event: woken.everyFilter[0]}, "wake-up", true)
		out.Filters = append(out.Filters, looked.Filters...)
		if looked.Action == Retry {
			again = append(again, woken.everyFilter...)
		}
	}
	if len(woken.everything) > 0 {
		looked := h.everything(ctx, woken.everything[0], "wake-up", true) // One look serves all of them.
		out.Reports, out.Filters = append(out.Reports, looked.Reports...), append(out.Filters, looked.Filters...)
		if looked.Action == Retry {
			again = append(again, woken.everything...)
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
