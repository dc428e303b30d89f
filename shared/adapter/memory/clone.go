package memory

import (
	"slices"

	"detour/shared/controller"
	"detour/shared/protection"
)

// The copies below share no memory with what they were made from.

func cloneItem(item controller.Item) controller.Item {
	item.Record = item.Record.Clone()
	item.Filter = item.Filter.Clone()
	item.Wakes = slices.Clone(item.Wakes)
	item.Requests = without(item.Requests, nil)
	return item
}

func cloneControl(control controller.Control) controller.Control {
	control.Moves = slices.Clone(control.Moves)
	return control
}

func cloneEntry(entry controller.JournalEntry) controller.JournalEntry {
	entry.Evidence = slices.Clone(entry.Evidence)
	entry.Verdicts = slices.Clone(entry.Verdicts)
	for i := range entry.Verdicts {
		entry.Verdicts[i] = entry.Verdicts[i].Clone()
	}
	entry.Ended = slices.Clone(entry.Ended)
	for i := range entry.Ended {
		entry.Ended[i].Request = cloneRequest(entry.Ended[i].Request)
	}
	if entry.Request != nil {
		request := cloneRequest(*entry.Request)
		entry.Request = &request
	}
	return entry
}

func cloneRequest(r protection.Request) protection.Request {
	r.Lists = slices.Clone(r.Lists)
	return r
}

// without returns copies of the requests that have none of the ids.
func without(requests []protection.Request, ids []string) []protection.Request {
	out := slices.DeleteFunc(slices.Clone(requests), func(r protection.Request) bool {
		return slices.Contains(ids, r.ID)
	})
	for i := range out {
		out[i] = cloneRequest(out[i])
	}
	return out
}
