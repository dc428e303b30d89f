package recordstest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"detour/shared/controller"
)

// writers is how many writers race each other.
const writers = 8

// race runs fn once for each writer, all at the same time.
func (b *bench) race(fn func(n int)) {
	var group sync.WaitGroup
	for n := range writers {
		group.Go(func() { fn(n) })
	}
	group.Wait()
}

// raceTake: of all takers one gets the lease; each of the others leaves a mark.
func raceTake(b *bench) {
	var taken, busy atomic.Int64
	b.race(func(n int) {
		_, _, err := b.store.Take(b.Context(), group, fmt.Sprintf("token-%d", n))
		switch {
		case err == nil:
			taken.Add(1)
		case errors.Is(err, controller.ErrBusy):
			busy.Add(1)
		default:
			b.Errorf("taker %d: %v", n, err)
		}
	})
	if taken.Load() != 1 || busy.Load() != writers-1 {
		b.Errorf("%d takers got the lease and %d were told that it is held", taken.Load(), busy.Load())
	}
	if seen := b.peek(group); seen.Dirty != writers-1 {
		b.Errorf("dirty is %d, want %d", seen.Dirty, writers-1)
	}
}

// raceCommit: all writers do take, commit, release in a loop. Every revision
// is written once, and every write builds on the one before it. Every busy Take
// leaves one mark, and no mark comes after the last Release has looked.
func raceCommit(b *bench) {
	const rounds = 10
	var written, busy, released atomic.Int64
	b.race(func(n int) {
		for round := range rounds {
			item, _, err := b.store.Take(b.Context(), group, fmt.Sprintf("token-%d-%d", n, round))
			if errors.Is(err, controller.ErrBusy) {
				busy.Add(1)
				continue
			}
			if err != nil {
				b.Errorf("writer %d: %v", n, err)
				return
			}
			item.Record.Decision.Epoch++
			item, err = b.store.Commit(b.Context(), controller.Commit{Item: item})
			if err != nil {
				b.Errorf("writer %d: %v", n, err)
				return
			}
			written.Add(1)
			for err = b.store.Release(b.Context(), item); errors.Is(err, controller.ErrDirty); err = b.store.Release(b.Context(), item) {
				if item, _, err = b.store.Renew(b.Context(), item); err != nil {
					break
				}
			}
			if err != nil {
				b.Errorf("writer %d: %v", n, err)
				return
			}
			for last := released.Load(); item.Dirty > last && !released.CompareAndSwap(last, item.Dirty); last = released.Load() {
				continue
			}
		}
	})
	seen := b.peek(group)
	if seen.Dirty != busy.Load() || released.Load() != busy.Load() {
		b.Errorf("%d Takes were busy, but dirty is %d, and the last Release saw %d", busy.Load(), seen.Dirty, released.Load())
	}
	if seen.Revision != written.Load() || seen.Record.Decision.Epoch != written.Load() {
		b.Errorf("%d commits succeeded, but the revision is %d and the epoch %d", written.Load(), seen.Revision, seen.Record.Decision.Epoch)
	}
	if seen.Lease.Token != "" {
		b.Errorf("all released, but the lease is %+v", seen.Lease)
	}
}

// raceMoves: groups that start moves at once count every one of them.
func raceMoves(b *bench) {
	b.race(func(n int) {
		key := controller.GroupKey(fmt.Sprintf("g%d", n))
		item, control, err := b.store.Take(b.Context(), key, "one")
		for err == nil {
			_, err = b.store.Commit(b.Context(), controller.Commit{
				Item: item, Move: b.clock.Now(), MoveWindow: window, Control: control,
			})
			if err == nil {
				return
			}
			if errors.Is(err, controller.ErrControlChanged) {
				item, control, err = b.store.Renew(b.Context(), item)
			}
		}
		b.Errorf("writer %d: %v", n, err)
	})
	if control := b.control(); len(control.Moves) != writers || control.Revision != writers {
		b.Errorf("%d writers counted %d moves in %d revisions", writers, len(control.Moves), control.Revision)
	}
}
