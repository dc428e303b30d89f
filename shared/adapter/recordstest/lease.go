package recordstest

import (
	"fmt"
	"slices"
	"time"

	"detour/shared/controller"
)

func peekMissing(b *bench) {
	keys := []controller.Key{"group#b", "group#a", controller.KeyEverything, "group#b"}
	items, control, err := b.store.Peek(b.Context(), keys)
	b.must(err)
	if len(items) != len(keys) {
		b.Fatalf("got %d items for %d keys", len(items), len(keys))
	}
	for i, item := range items {
		if item.Key != keys[i] || item.Revision != 0 || item.Dirty != 0 || item.Lease.Token != "" || len(item.Requests) != 0 {
			b.Errorf("item %d is not the empty item of %s: %+v", i, keys[i], item)
		}
	}
	b.take("group#a", "one")
	items, _, err = b.store.Peek(b.Context(), keys)
	b.must(err)
	for i, item := range items {
		if item.Key != keys[i] || (item.Lease.Token != "") != (item.Key == "group#a") {
			b.Errorf("item %d of %v is %+v", i, keys, item)
		}
	}
	if control.Revision != 0 || len(control.Moves) != 0 || control.Freeze.On {
		b.Errorf("the control item is not empty: %+v", control)
	}
}

func takeFree(b *bench) {
	item := b.take(group, "one")
	if item.Abandoned || item.Dirty != 0 || item.Revision != 0 {
		b.Errorf("a new item is not empty: %+v", item)
	}
	if seen := b.peek(group); seen.Lease.Token != "one" || !seen.Lease.Until.Equal(item.Lease.Until) {
		b.Errorf("peek shows the lease %+v, want %+v", seen.Lease, item.Lease)
	}
	b.take("group#other", "two")
}

func takeBusy(b *bench) {
	b.take(group, "one")
	for range 2 {
		_, _, err := b.store.Take(b.Context(), group, "two")
		b.refused("a Take of a held lease", err, controller.ErrBusy)
	}
	seen := b.peek(group)
	if seen.Dirty != 2 || seen.Lease.Token != "one" {
		b.Errorf("after two busy Takes: dirty %d and token %q, want 2 and one", seen.Dirty, seen.Lease.Token)
	}
}

func takeOwn(b *bench) {
	b.take(group, "one")
	b.clock.Advance(time.Second)
	if again := b.take(group, "one"); again.Dirty != 0 {
		b.Errorf("a Take that found its own token raised dirty to %d", again.Dirty)
	}
}

func takeExpired(b *bench) {
	b.take(group, "one")
	b.clock.Advance(Lease + Skew - time.Second)
	_, _, err := b.store.Take(b.Context(), group, "two")
	b.refused("a Take before the skew is past", err, controller.ErrBusy)
	b.clock.Advance(2 * time.Second)
	item := b.take(group, "two")
	if !item.Abandoned {
		b.Error("the lease ran out without a Release, but the item is not Abandoned")
	}
	if item.Dirty != 1 {
		b.Errorf("dirty is %d, want the 1 of the busy Take", item.Dirty)
	}
	b.release(item)
	if next := b.take(group, "three"); next.Abandoned {
		b.Error("a lease that was released counts as Abandoned")
	}
}

// takeBoundary: the lease is free once its end plus the skew is past, not at it.
func takeBoundary(b *bench) {
	b.take(group, "one")
	b.clock.Advance(Lease + Skew)
	_, _, err := b.store.Take(b.Context(), group, "two")
	b.refused("a Take at the very end of lease and skew", err, controller.ErrBusy)
	b.clock.Advance(time.Nanosecond)
	b.take(group, "two")
}

// takeAgain: whose lease it was before is a matter of the first Take, however
// often its answer was lost, and however late it is asked again.
func takeAgain(b *bench) {
	b.take(group, "one")
	b.clock.Advance(10 * Lease)
	if again := b.take(group, "one"); again.Abandoned {
		b.Error("a Take that found its own lease run out says Abandoned")
	}
	b.clock.Advance(10 * Lease)
	for _, wait := range []time.Duration{0, time.Second, 10 * Lease} {
		b.clock.Advance(wait)
		item := b.take(group, "two")
		if !item.Abandoned {
			b.Errorf("repeated after %s, the Take does not say Abandoned any more", wait)
		}
		if renewed, _, err := b.store.Renew(b.Context(), item); err != nil || !renewed.Abandoned {
			b.Errorf("Renew does not say Abandoned as the Take did: %+v, %v", renewed, err)
		}
		if b.peek(group).Abandoned {
			b.Error("Peek shows Abandoned")
		}
	}
}

func takeReleased(b *bench) {
	b.release(b.take(group, "one"))
	b.clock.Advance(10 * Lease)
	if item := b.take(group, "two"); item.Abandoned {
		b.Error("a lease that was released long ago counts as Abandoned")
	}
}

func renew(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(Lease / 2)
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	b.must(b.store.Control(b.Context(), controller.ControlChange{ReleasedAt: new(b.clock.Now())}))
	renewed, control, err := b.store.Renew(b.Context(), item)
	b.must(err)
	if want := b.clock.Now().Add(Lease); !renewed.Lease.Until.Equal(want) || renewed.Lease.Token != "one" {
		b.Errorf("renewed to %+v, want until %s", renewed.Lease, want)
	}
	if renewed.Dirty != 1 || !slices.Equal(ids(renewed.Requests), []string{"r1"}) {
		b.Errorf("Renew shows dirty %d and requests %v, want what stands", renewed.Dirty, ids(renewed.Requests))
	}
	if control.Revision != 1 || !control.ReleasedAt.Equal(b.clock.Now()) {
		b.Errorf("Renew shows the control item %+v", control)
	}
	b.clock.Advance(Lease/2 + Skew + time.Second)
	_, _, err = b.store.Take(b.Context(), group, "two")
	b.refused("a Take of a renewed lease", err, controller.ErrBusy)
	b.release(b.take(group, "one"))
}

func renewExpired(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(10 * Lease)
	renewed, _, err := b.store.Renew(b.Context(), item)
	b.must(err)
	if want := b.clock.Now().Add(Lease); !renewed.Lease.Until.Equal(want) {
		b.Errorf("renewed until %s, want %s", renewed.Lease.Until, want)
	}
}

func renewFenced(b *bench) {
	_, _, err := b.store.Renew(b.Context(), controller.Item{Key: group, Lease: controller.Lease{Token: "one"}})
	b.refused("a Renew of what was never taken", err, controller.ErrFenced)
	item := b.take(group, "one")
	b.clock.Advance(Lease + Skew + time.Second)
	b.take(group, "two")
	_, _, err = b.store.Renew(b.Context(), item)
	b.refused("a Renew after another Take", err, controller.ErrFenced)
	b.release(b.peek(group))
	_, _, err = b.store.Renew(b.Context(), item)
	b.refused("a Renew after another's Release", err, controller.ErrFenced)
	_, _, err = b.store.Renew(b.Context(), controller.Item{Key: group})
	b.refused("a Renew without a token", err, controller.ErrFenced)
}

// releaseWakes: the wake-ups are known only once they were asked for, which is after
// the Commit. A Release that is refused writes none, and nobody else changes them.
func releaseWakes(b *bench) {
	item := b.take(group, "one")
	item.Wakes = wakeLists(b)[0]
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	b.refused("a Release after a request", b.store.Release(b.Context(), item), controller.ErrDirty)
	if seen := b.peek(group); len(seen.Wakes) != 0 {
		b.Errorf("a refused Release wrote the wake-ups %s", seen.Wakes)
	}
	b.release(b.peek(group))
	for n, wakes := range wakeLists(b) {
		item = b.take(group, fmt.Sprintf("%d", n))
		item.Wakes = wakes
		b.release(item)
		b.must(b.store.Request(b.Context(), group, request("r2", n)))
		taken := b.take(group, fmt.Sprintf("%d again", n))
		renewed, _, err := b.store.Renew(b.Context(), taken)
		b.must(err)
		for _, seen := range []controller.Item{b.peek(group), taken, renewed} {
			if !slices.EqualFunc(seen.Wakes, wakes, time.Time.Equal) {
				b.Errorf("after the Release the wake-ups are %s, want %s", seen.Wakes, wakes)
			}
		}
		b.release(renewed)
	}
}

func releaseDirty(b *bench) {
	item := b.take(group, "one")
	_, _, err := b.store.Take(b.Context(), group, "two")
	b.refused("a Take of a held lease", err, controller.ErrBusy)
	b.refused("a Release after a busy Take", b.store.Release(b.Context(), item), controller.ErrDirty)
	if seen := b.peek(group); seen.Lease.Token != "one" {
		b.Fatalf("a Release that found the item dirty gave up the lease: %+v", seen.Lease)
	}
	item, _, err = b.store.Renew(b.Context(), item)
	b.must(err)
	b.release(item)
	b.take(group, "three")
}

func releaseAgain(b *bench) {
	item := b.take(group, "one")
	b.release(item)
	b.release(item)
	b.must(b.store.Request(b.Context(), group, request("r1", 1)))
	b.release(item)
	b.take(group, "two")
	b.refused("a Release after another Take", b.store.Release(b.Context(), item), controller.ErrFenced)
}

func releaseFenced(b *bench) {
	item := b.take(group, "one")
	b.clock.Advance(Lease + Skew + time.Second)
	b.take(group, "two")
	b.refused("a Release after another Take", b.store.Release(b.Context(), item), controller.ErrFenced)
	if seen := b.peek(group); seen.Lease.Token != "two" {
		b.Errorf("the lease is %+v, want that of two", seen.Lease)
	}
	b.release(b.peek(group))
	b.refused("a Release of a lease that was lost", b.store.Release(b.Context(), item), controller.ErrFenced)
	b.refused("a Release without a token", b.store.Release(b.Context(), controller.Item{Key: group}), controller.ErrFenced)
	b.refused("a Release of what was never taken",
		b.store.Release(b.Context(), controller.Item{Key: "group#none", Lease: controller.Lease{Token: "one"}}), controller.ErrFenced)
}
