package memory

import (
	"slices"

	"detour/shared/controller"
	"detour/shared/protection"
)

// The copies below share no memory with what they were made from.

func cloneItem(item controller.Item) controller.Item {
	item.Record = item.Record.Clone()
	item.Requests = slices.Clone(item.Requests)
	return item
}

func cloneControl(control controller.Control) controller.Control {
	control.Moves = slices.Clone(control.Moves)
	return control
}

func cloneEntry(entry controller.JournalEntry) controller.JournalEntry {
	entry.Evidence = slices.Clone(entry.Evidence)
	entry.Ended = slices.Clone(entry.Ended)
	return entry
}

// without returns the requests that have none of the ids, in a new slice.
func without(requests []protection.Request, ids []string) []protection.Request {
	return slices.DeleteFunc(slices.Clone(requests), func(r protection.Request) bool {
		return slices.Contains(ids, r.ID)
	})
}
