package recordstest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

// act is a line about what an operator did, that no other number makes.
func act(n int, at time.Time) controller.JournalEntry {
	made := request("r1", n)
	return controller.JournalEntry{
		Key: group, At: at, Act: controller.ActRequested, Request: &made,
		Freeze: protection.FreezeState{On: true}, By: "jane@desk", Why: fmt.Sprintf("reason %d", n),
	}
}

func note(b *bench) {
	at := b.clock.Now()
	everybody := act(3, at)
	everybody.Key, everybody.Request = controller.KeyEverything, nil
	b.must(b.store.Note(b.Context(), []controller.JournalEntry{act(1, at), act(2, at.Add(time.Second)), everybody}))
	b.must(b.store.Note(b.Context(), nil))
	seen := b.history(10)
	if len(seen) != 2 || seen[0].Why != "reason 2" || seen[1].Why != "reason 1" {
		b.Fatalf("the history is %+v", seen)
	}
	got, want := seen[1], act(1, at)
	if got.Request == nil || !reflect.DeepEqual(*got.Request, *want.Request) {
		b.Errorf("the request came back as %+v", got.Request)
	}
	if got.Act != want.Act || got.By != want.By || got.Freeze != want.Freeze || !got.At.Equal(at) || got.Key != group {
		b.Errorf("the line came back as %+v", got)
	}
	noteOfAll(b)
	if item := b.peek(group); item.Dirty != 0 || item.Revision != 0 || len(item.Requests) != 0 {
		b.Errorf("a note changed the item to %+v", item)
	}
}

// noteOfAll: what is done to all groups has a history of its own.
func noteOfAll(b *bench) {
	all, err := b.store.History(b.Context(), controller.KeyEverything, 10)
	b.must(err)
	if len(all) != 1 || all[0].Request != nil || all[0].Why != "reason 3" {
		b.Errorf("what was done to all groups is %+v", all)
	}
}

// noteAgain: the answer to a Note can be lost. Two operators may do different
// things at one instant.
func noteAgain(b *bench) {
	at := b.clock.Now()
	for range 2 {
		b.must(b.store.Note(b.Context(), []controller.JournalEntry{act(1, at), act(2, at)}))
	}
	b.must(b.store.Note(b.Context(), []controller.JournalEntry{act(3, at)}))
	var whys []string
	for _, e := range b.history(10) {
		whys = append(whys, e.Why)
	}
	slices.Sort(whys)
	if !slices.Equal(whys, []string{"reason 1", "reason 2", "reason 3"}) {
		b.Errorf("the history has %v", whys)
	}
}

// noteAmongCommits: lines of runs and of operators are one history, by time.
func noteAmongCommits(b *bench) {
	item := b.take(group, "one")
	at := b.clock.Now()
	item.Record = record(1)
	b.must(b.store.Note(b.Context(), []controller.JournalEntry{act(1, at), act(2, at.Add(2*time.Second))}))
	b.release(b.commit(controller.Commit{Item: item, Journal: []controller.JournalEntry{entry(1, at.Add(time.Second))}}))
	var acts []controller.Act
	for _, e := range b.history(10) {
		acts = append(acts, e.Act)
	}
	if !slices.Equal(acts, []controller.Act{controller.ActRequested, "", controller.ActRequested}) {
		b.Errorf("the history is %q", acts)
	}
}

func noteRefused(b *bench) {
	at := b.clock.Now()
	keyless, timeless := act(2, at), act(2, time.Time{})
	keyless.Key = ""
	many := make([]controller.JournalEntry, 101)
	for i := range many {
		many[i] = act(i, at)
	}
	for name, entries := range map[string][]controller.JournalEntry{
		"without a key": {act(1, at), keyless}, "without a time": {act(1, at), timeless}, "too many": many,
	} {
		if err := b.store.Note(b.Context(), entries); err == nil {
			b.Errorf("entries %s were taken", name)
		}
	}
	if seen := b.history(200); len(seen) != 0 {
		b.Errorf("of what was refused %d lines stand", len(seen))
	}
}
