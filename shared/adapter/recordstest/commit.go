package recordstest

import (
	"slices"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
)

func commitWrites(b *bench) {
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	b.must(b.store.Request(b.Context(), group, request("r2", 2)))
	item := b.take(group, "one")
	item.Record = record(7)
	written := b.commit(controller.Commit{Item: item, Ended: []string{"r1"}, Journal: []controller.JournalEntry{entry(7, b.clock.Now())}})
	if written.Revision != 1 || !written.Record.Equal(record(7)) || written.Lease.Token != "one" {
		b.Errorf("Commit answered %+v", written)
	}
	if !slices.Equal(ids(written.Requests), []string{"r2"}) {
		b.Errorf("Commit answered the requests %v, want r2", ids(written.Requests))
	}
	seen := b.peek(group)
	if seen.Revision != 1 || !seen.Record.Equal(record(7)) || !slices.Equal(ids(seen.Requests), []string{"r2"}) {
		b.Errorf("after the Commit the item is %+v", seen)
	}
	if entries := b.history(10); len(entries) != 1 || entries[0].Decision != record(7).Decision || entries[0].Key != group {
		b.Errorf("after the Commit the history is %+v", entries)
	}
	written.Record = record(8)
	if next := b.commit(controller.Commit{Item: written}); next.Revision != 2 {
		b.Errorf("the next Commit made revision %d, want 2", next.Revision)
	}
	b.release(b.peek(group))
}

func commitAgain(b *bench) {
	item := b.take(group, "one")
	item.Record = record(7)
	commit := controller.Commit{
		Item: item, Journal: []controller.JournalEntry{entry(7, b.clock.Now())},
		Move: b.clock.Now(), MoveWindow: window, Control: b.control(),
	}
	first := b.commit(commit)
	again := b.commit(commit)
	if again.Revision != first.Revision || !again.Record.Equal(first.Record) {
		b.Errorf("the same Commit answered %+v first and then %+v", first, again)
	}
	if seen := b.peek(group); seen.Revision != 1 {
		b.Errorf("the same Commit twice made revision %d", seen.Revision)
	}
	if control := b.control(); len(control.Moves) != 1 {
		b.Errorf("the same Commit twice counted %d moves", len(control.Moves))
	}
	if entries := b.history(10); len(entries) != 1 {
		b.Errorf("the same Commit twice left %d journal entries", len(entries))
	}
}

func commitFencedByToken(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(Lease + Skew + time.Second)
	taken := b.take(group, "two")
	item.Record = record(7)
	commit := controller.Commit{Item: item, Journal: []controller.JournalEntry{entry(7, b.clock.Now())}}
	_, err := b.store.Commit(b.Context(), commit)
	b.refused("a Commit after another Take", err, controller.ErrFenced)
	b.release(taken)
	_, err = b.store.Commit(b.Context(), commit)
	b.refused("a Commit after another's Release", err, controller.ErrFenced)
	commit.Item.Lease.Token = ""
	_, err = b.store.Commit(b.Context(), commit)
	b.refused("a Commit without a token", err, controller.ErrFenced)
	if seen := b.peek(group); seen.Revision != 0 || !seen.Record.Equal(protection.Record{}) || len(b.history(10)) != 0 {
		b.Errorf("a fenced Commit left its traces: %+v", seen)
	}
	_, err = b.store.Commit(b.Context(), controller.Commit{Item: controller.Item{Key: "group#none", Lease: controller.Lease{Token: "one"}}})
	b.refused("a Commit of what was never taken", err, controller.ErrFenced)
}

func commitFencedByRevision(b *bench) {
	item := b.take(group, "one")
	item.Record = record(7)
	second := b.commit(controller.Commit{Item: item})
	second.Record = record(8)
	b.commit(controller.Commit{Item: second})
	item.Record = record(9)
	_, err := b.store.Commit(b.Context(), controller.Commit{Item: item})
	b.refused("a Commit from two revisions ago", err, controller.ErrFenced)
	item.Revision = 3
	_, err = b.store.Commit(b.Context(), controller.Commit{Item: item})
	b.refused("a Commit from a revision to come", err, controller.ErrFenced)
	if seen := b.peek(group); !seen.Record.Equal(record(8)) {
		b.Errorf("a fenced Commit was written: %+v", seen.Record)
	}
}

func commitExpired(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(10 * Lease)
	item.Record = record(7)
	b.commit(controller.Commit{Item: item})
	if seen := b.peek(group); !seen.Record.Equal(record(7)) {
		b.Errorf("the record is %+v", seen.Record)
	}
}

// commitBetween: what came in between must not be lost, and must keep the
// holder from releasing before it has looked at it.
func commitBetween(b *bench) {
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	item := b.take(group, "one")
	b.must(b.store.Request(b.Context(), group, request("r2", 2)))
	item.Record = record(7)
	written := b.commit(controller.Commit{Item: item, Ended: []string{"r1"}})
	if seen := b.peek(group); !slices.Equal(ids(seen.Requests), []string{"r2"}) {
		b.Errorf("after the Commit the requests are %v, want r2", ids(seen.Requests))
	}
	b.refused("a Release after a request came in before the Commit", b.store.Release(b.Context(), written), controller.ErrDirty)
}

func commitMoves(b *bench) {
	item := b.take(group, "one")
	start := b.clock.Now()
	for n := range 4 {
		item.Record = record(n)
		before := b.control()
		item = b.commit(controller.Commit{Item: item, Move: b.clock.Now(), MoveWindow: window, Control: before})
		if after := b.control(); after.Revision != before.Revision+1 {
			b.Errorf("a counted move took the control item from revision %d to %d", before.Revision, after.Revision)
		}
		b.clock.Advance(2 * time.Minute)
	}
	// The moves were at 0, 2, 4 and 6 minutes; at 6, that of 0 is out of the window.
	var got []time.Duration
	for _, move := range b.control().Moves {
		if move.Key != group {
			b.Errorf("a move of %s was counted as one of %s", group, move.Key)
		}
		got = append(got, move.At.Sub(start))
	}
	if want := []time.Duration{2 * time.Minute, 4 * time.Minute, 6 * time.Minute}; !slices.Equal(got, want) {
		b.Errorf("the moves are at %v, want %v", got, want)
	}
	before := b.control()
	b.commit(controller.Commit{Item: item, MoveWindow: window})
	if after := b.control(); after.Revision != before.Revision || len(after.Moves) != len(before.Moves) {
		b.Errorf("a Commit without a move changed the control item from %+v to %+v", before, after)
	}
}

func commitControlChanged(b *bench) {
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	item := b.take(group, "one")
	seen := b.control()
	b.must(b.store.Control(b.Context(), controller.ControlChange{Freeze: &protection.FreezeState{On: true}}))
	item.Record = record(7)
	commit := controller.Commit{
		Item: item, Ended: []string{"r1"}, Journal: []controller.JournalEntry{entry(7, b.clock.Now())},
		Move: b.clock.Now(), MoveWindow: window, Control: seen,
	}
	_, err := b.store.Commit(b.Context(), commit)
	b.refused("a Commit with an old control revision", err, controller.ErrControlChanged)
	left := b.peek(group)
	if left.Revision != 0 || !left.Record.Equal(protection.Record{}) || len(left.Requests) != 1 {
		b.Errorf("the refused Commit changed the item: %+v", left)
	}
	if control := b.control(); len(control.Moves) != 0 || control.Revision != seen.Revision+1 {
		b.Errorf("the refused Commit changed the control item: %+v", control)
	}
	if entries := b.history(10); len(entries) != 0 {
		b.Errorf("the refused Commit left a journal: %+v", entries)
	}
	renewed, control, err := b.store.Renew(b.Context(), item)
	b.must(err)
	renewed.Record = record(7)
	commit.Item, commit.Control = renewed, control
	b.commit(commit)
	// Without a move the control item does not matter.
	left = b.peek(group)
	b.commit(controller.Commit{Item: left, Control: controller.Control{Revision: 99}})
}

func commitFencedFirst(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(Lease + Skew + time.Second)
	b.take(group, "two")
	_, err := b.store.Commit(b.Context(), controller.Commit{Item: item, Move: b.clock.Now(), MoveWindow: window, Control: controller.Control{Revision: 99}})
	b.refused("a Commit with both conditions broken", err, controller.ErrFenced)
}

func commitLookedAt(b *bench) {
	item := b.take(controller.KeyEverything, "one")
	item.LookedAt = b.clock.Now()
	b.commit(controller.Commit{Item: item})
	if seen := b.peek(controller.KeyEverything); !seen.LookedAt.Equal(b.clock.Now()) {
		b.Errorf("LookedAt is %s, want %s", seen.LookedAt, b.clock.Now())
	}
}

// wakeLists are lists of wake-ups, each of which takes the place of the one before.
func wakeLists(b *bench) [][]time.Time {
	at := b.clock.Now()
	zoned := at.Add(time.Hour).In(time.FixedZone("east", 3600))
	return [][]time.Time{{at, at.Add(time.Nanosecond), zoned}, {at}, {zoned}, nil}
}

// commitWakes: the list is replaced, and forgotten where it is empty.
func commitWakes(b *bench) {
	item := b.take(group, "one")
	for _, wakes := range wakeLists(b) {
		item.Wakes = wakes
		item = b.commit(controller.Commit{Item: item})
		if seen := b.peek(group); !slices.EqualFunc(seen.Wakes, wakes, time.Time.Equal) || !slices.EqualFunc(item.Wakes, wakes, time.Time.Equal) {
			b.Errorf("the wake-ups are %s, and %s in the answer, want %s", seen.Wakes, item.Wakes, wakes)
		}
	}
}

// commitEnded: an id that does not stand, or that stands twice in the list, is
// no mistake.
func commitEnded(b *bench) {
	for n, id := range []string{"r1", "r2", "r3"} {
		b.must(b.store.Request(b.Context(), group, request(id, n)))
	}
	item := b.commit(controller.Commit{Item: b.take(group, "one"), Ended: []string{"r3", "not there", "r1", "r3"}})
	if seen := b.peek(group); !slices.Equal(ids(seen.Requests), []string{"r2"}) || !slices.Equal(ids(item.Requests), []string{"r2"}) {
		b.Errorf("the requests are %v, and %v in the answer, want r2", ids(seen.Requests), ids(item.Requests))
	}
	b.release(item)
}
