package recordstest

import (
	"reflect"
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

func requests(b *bench) {
	item := b.take(group, "one")
	for _, r := range []protection.Request{request("r2", 2), request("r3", 1), request("r1", 2)} {
		b.must(b.store.Request(b.Context(), group, r))
	}
	seen := b.peek(group)
	if seen.Dirty != 3 || !slices.Equal(ids(seen.Requests), []string{"r3", "r1", "r2"}) {
		b.Errorf("dirty %d and requests %v, want 3 and r3, r1, r2", seen.Dirty, ids(seen.Requests))
	}
	if got := seen.Requests[0]; !reflect.DeepEqual(got, request("r3", 1)) {
		b.Errorf("the request came back as %+v", got)
	}
	b.refused("a Release after requests", b.store.Release(b.Context(), item), controller.ErrDirty)
	b.must(b.store.Clear(b.Context(), group, "r1"))
	b.must(b.store.Clear(b.Context(), group, "not there"))
	seen = b.peek(group)
	if !slices.Equal(ids(seen.Requests), []string{"r3", "r2"}) || seen.Dirty < 4 {
		b.Errorf("after Clear: dirty %d and requests %v", seen.Dirty, ids(seen.Requests))
	}
}

func requestAgain(b *bench) {
	for range 2 {
		b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	}
	if seen := b.peek(group); !slices.Equal(ids(seen.Requests), []string{"r1"}) {
		b.Errorf("the same request twice stands as %v", ids(seen.Requests))
	}
}

func control(b *bench) {
	at := b.clock.Now()
	freeze := protection.FreezeState{On: true, Immediate: true}
	b.must(b.store.Control(b.Context(), controller.ControlChange{Freeze: &freeze}))
	b.must(b.store.Control(b.Context(), controller.ControlChange{ReleasedAt: &at}))
	seen := b.control()
	if seen.Freeze != freeze || !seen.ReleasedAt.Equal(at) || seen.Revision != 2 {
		b.Errorf("the control item is %+v", seen)
	}
	_, taken, err := b.store.Take(b.Context(), group, "one")
	b.must(err)
	if taken.Freeze != freeze || !taken.ReleasedAt.Equal(at) || taken.Revision != 2 {
		b.Errorf("Take shows the control item %+v", taken)
	}
	b.must(b.store.Control(b.Context(), controller.ControlChange{Freeze: &protection.FreezeState{}}))
	if seen := b.control(); seen.Freeze.On || !seen.ReleasedAt.Equal(at) || seen.Revision != 3 {
		b.Errorf("after the freeze was lifted the control item is %+v", seen)
	}
	b.must(b.store.Control(b.Context(), controller.ControlChange{}))
	b.must(b.store.Control(b.Context(), controller.ControlChange{ReleasedAt: &time.Time{}}))
	if seen := b.control(); !seen.ReleasedAt.IsZero() || seen.Revision != 5 {
		b.Errorf("after a change of nothing, and of the release to never, the control item is %+v", seen)
	}
}

func history(b *bench) {
	item := b.take(group, "one")
	start := b.clock.Now()
	for n := range 5 {
		item.Record = record(n)
		item = b.commit(controller.Commit{Item: item, Journal: []controller.JournalEntry{entry(n, start.Add(time.Duration(n)*time.Second))}})
	}
	var epochs []int64
	for _, e := range b.history(3) {
		epochs = append(epochs, e.Decision.Epoch)
	}
	if !slices.Equal(epochs, []int64{4, 3, 2}) {
		b.Errorf("the newest three are %v, want 4, 3, 2", epochs)
	}
	if all := b.history(100); len(all) != 5 || !all[4].At.Equal(start) || len(all[0].Ended) != 1 || len(all[0].Evidence) != 2 {
		b.Errorf("the whole history is %+v", all)
	}
	if none := b.history(0); len(none) != 0 {
		b.Errorf("asked for none, got %d", len(none))
	}
	other, err := b.store.History(b.Context(), "group#other", 10)
	b.must(err)
	if len(other) != 0 {
		b.Errorf("another key has the history %+v", other)
	}
}

// historyOfOneInstant: of lines of one instant the one written last is the
// newest. A line without a key is one of the item's.
func historyOfOneInstant(b *bench) {
	item := b.take(group, "one")
	at := b.clock.Now()
	for n := range 12 {
		first, second := entry(2*n, at), entry(2*n+1, at)
		first.Key = ""
		item = b.commit(controller.Commit{Item: item, Journal: []controller.JournalEntry{first, second}})
	}
	all := b.history(100)
	if len(all) != 24 {
		b.Fatalf("the history has %d lines, want 24", len(all))
	}
	for i, e := range all {
		if want := int64(23 - i); e.Decision.Epoch != want || e.Key != group {
			b.Errorf("line %d is number %d of %s, want %d", i, e.Decision.Epoch, e.Key, want)
		}
	}
}

// requestFirst: an item that a request or a Clear made is like any other.
func requestFirst(b *bench) {
	b.must(b.store.Clear(b.Context(), group, "not there"))
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	item := b.take(group, "one")
	if item.Dirty != 2 || item.Revision != 0 || item.Abandoned {
		b.Errorf("took %+v", item)
	}
	b.release(b.commit(controller.Commit{Item: item, Ended: []string{"r1"}}))
}

// copies: neither what went in nor what came out may change the store.
func copies(b *bench) {
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	item := b.take(group, "one")
	item.Record = record(7)
	journal := []controller.JournalEntry{entry(7, b.clock.Now())}
	wakes := wakeLists(b)[0]
	item.Wakes = slices.Clone(wakes)
	written := b.commit(controller.Commit{Item: item, Journal: journal, Move: b.clock.Now(), MoveWindow: window})
	spoil(written)
	if !item.Record.Equal(record(7)) || item.Requests[0].ID != "r1" || item.Requests[0].Lists[0].ID != "pl-1" || !item.Wakes[0].Equal(wakes[0]) {
		b.Errorf("Commit answered an item that shares memory with the one it was given: %+v", item)
	}
	spoil(item)
	journal[0].Evidence[0].Path, journal[0].Ended[0].Reason = "spoiled", "spoiled"
	spoil(b.peek(group))
	spoil(b.take(group, "one"))
	moves := b.control().Moves
	moves[0] = controller.Move{}
	out := b.history(1)
	out[0].Evidence[0].Path, out[0].Ended[0].Reason = "spoiled", "spoiled"
	act := []controller.JournalEntry{act(8, b.clock.Now().Add(time.Second))}
	b.must(b.store.Note(b.Context(), act))
	act[0].Request.ID = "spoiled"
	b.history(1)[0].Request.ID = "spoiled"

	seen := b.peek(group)
	if !seen.Record.Equal(record(7)) || !reflect.DeepEqual(seen.Requests[0], request("r1", 1)) || !slices.EqualFunc(seen.Wakes, wakes, time.Time.Equal) {
		b.Errorf("the item was changed from outside: %+v", seen)
	}
	released := b.take(group, "one")
	b.release(released)
	spoil(released)
	if left := b.peek(group); !slices.EqualFunc(left.Wakes, wakes, time.Time.Equal) {
		b.Errorf("the wake-ups were changed from outside after the Release: %s", left.Wakes)
	}
	if kept := b.history(1)[0]; kept.Request.ID != "r1" {
		b.Errorf("the note was changed from outside: %+v", kept.Request)
	}
	if kept := b.history(2)[1]; kept.Evidence[0].Path != "a" || kept.Ended[0].Reason != protection.ReasonDone {
		b.Errorf("the journal was changed from outside: %+v", kept)
	}
	if kept := b.control().Moves; len(kept) != 1 || kept[0].At.IsZero() {
		b.Errorf("the control item was changed from outside: %v", kept)
	}
}

func spoil(item controller.Item) {
	for i := range item.Record.Paths {
		item.Record.Paths[i].Path = "spoiled"
	}
	for i := range item.Record.Applied {
		item.Record.Applied[i] = protection.EntryKey{}
	}
	for i := range item.Record.Contended {
		item.Record.Contended[i] = protection.EntryKey{}
	}
	for i := range item.Record.Blackholes {
		item.Record.Blackholes[i] = protection.BlackholeSeen{}
	}
	for i := range item.Record.Writers {
		item.Record.Writers[i] = protection.Writer{}
	}
	for i := range item.Record.Reversals {
		item.Record.Reversals[i] = protection.Reversal{}
	}
	for i := range item.Record.Sighting.Undone {
		item.Record.Sighting.Undone[i] = protection.Seen{}
	}
	for i := range item.Requests {
		for j := range item.Requests[i].Lists {
			item.Requests[i].Lists[j].ID = "spoiled"
		}
		item.Requests[i].ID = "spoiled"
	}
	for i := range item.Wakes {
		item.Wakes[i] = time.Time{}
	}
}
