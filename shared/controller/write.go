package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	// maxInFlight bounds the calls that one group or filter has under way at once: what
	// a full bucket lets through does not wait for answers.
	maxInFlight = plan.WriteBurst
	// writeAttempts bounds how often a change is sent again because it was
	// throttled or its table was busy.
	writeAttempts = 8
	// busyAttempts bounds it for a change whose table was busy: by IncorrectState EC2
	// also refuses a target that is being deleted, for as long as that takes.
	busyAttempts = 5
)

// write sends the changes in order, several at a time, at the pace that the
// request buckets allow. Changes that were throttled, or whose table was busy,
// are sent again. stopped says that the lease, a freeze or the deadline ended
// it early.
func (c *Controller) write(ctx context.Context, h *hold, changes []route.Change) (receipts []route.Receipt, stopped bool) {
	w := &wave{c: c, h: h, serial: map[route.Table]bool{}}
	pending := changes
	for attempt := 1; len(pending) > 0; attempt++ {
		results := w.send(ctx, pending)
		var again []route.Change
		for _, r := range results {
			switch {
			case w.stopped || attempt == writeAttempts || (r.Outcome == route.Busy && attempt >= busyAttempts):
				receipts = append(receipts, r)
			case r.Outcome == route.Throttled:
				again = append(again, r.Change)
			case r.Outcome == route.Busy:
				w.serial[r.Change.Table] = true
				again = append(again, r.Change)
			default:
				receipts = append(receipts, r)
			}
		}
		pending = again
	}
	return receipts, w.stopped
}

// wave is one writing of a group's changes.
type wave struct {
	c       *Controller
	h       *hold
	serial  map[route.Table]bool
	stopped bool
}

// send sends each change once. Of the changes that are left the next one is that
// whose bucket has a token first, in order among equals: an empty bucket does not
// hold up those that are full.
func (w *wave) send(ctx context.Context, changes []route.Change) []route.Receipt {
	var mu sync.Mutex
	receipts := make([]route.Receipt, len(changes))
	for i, change := range changes {
		receipts[i] = route.Receipt{Change: change, Outcome: route.NotStarted}
	}
	var waits []func()
	queues := w.byBucket(changes)
	defer func() {
		for _, q := range queues {
			w.c.pacer.leave(q.place)
		}
	}()
	for len(queues) > 0 {
		at := w.next(ctx, queues)
		if at < 0 {
			break
		}
		i := queues[at].changes[0]
		change := changes[i]
		if queues[at].changes = queues[at].changes[1:]; len(queues[at].changes) == 0 {
			queues = slices.Delete(queues, at, at+1)
		}
		wait := w.c.ports.Clock.Go(ctx, func(ctx context.Context) {
			receipt := w.one(ctx, change)
			mu.Lock()
			defer mu.Unlock()
			receipts[i] = receipt
		})
		waits = append(waits, wait)
		if w.serial[change.Table] {
			wait()
			_ = w.c.ports.Clock.Sleep(ctx, 500*time.Millisecond) // The next change looks at the context.
		}
		if len(waits) >= maxInFlight {
			waits[0]()
			waits = waits[1:]
		}
	}
	for _, wait := range waits {
		wait()
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(receipts)
}

// queue is the changes that draw from one bucket, by index, in order, and their
// place in the bucket's line.
type queue struct {
	changes []int
	place   *place
}

// byBucket sorts changes into queues, in the order of their first change, and
// takes their places. A change of a busy table holds up all that come after it.
func (w *wave) byBucket(changes []route.Change) []queue {
	var out []queue
	places := map[plan.Bucket]int{}
	for i, change := range changes {
		name := plan.BucketOf(change)
		at, ok := places[name]
		if !ok {
			at = len(out)
			places[name] = at
			out = append(out, queue{})
		}
		out[at].changes = append(out[at].changes, i)
	}
	oneByOne := slices.ContainsFunc(changes, func(ch route.Change) bool { return w.serial[ch.Table] })
	for i, q := range out {
		out[i].place = &place{
			bucket: plan.BucketOf(changes[q.changes[0]]), priority: w.h.priority, wants: len(q.changes), oneByOne: oneByOne,
		}
		w.c.pacer.join(out[i].place)
	}
	return out
}

// longestNap is how long a group sleeps at most until it looks again whether a
// token is there: whoever was ahead of it may have ended early.
const longestNap = time.Second

// next waits until one of the queues may send its first change, for which it has
// taken a token, and keeps the lease meanwhile. It is negative when nothing more
// may be sent.
func (w *wave) next(ctx context.Context, queues []queue) int {
	for w.mayGoOn(ctx) {
		at, wait := w.first(queues)
		if !w.c.timeLeft(ctx, wait) {
			w.h.report.OutOfTime = true
			break
		}
		if at >= 0 {
			return at
		}
		if w.c.ports.Clock.Sleep(ctx, min(wait, longestNap, w.c.settings.Lease/4)) != nil {
			break
		}
	}
	w.stopped = true
	return -1
}

// first takes a token for the first queue, in the order of changes, whose turn it
// is; at is negative if there is none, and wait is when there can be one.
func (w *wave) first(queues []queue) (at int, wait time.Duration) {
	order := make([]int, len(queues))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return queues[a].changes[0] - queues[b].changes[0] })
	now := w.c.ports.Clock.Now()
	for _, i := range order {
		taken, missing := w.c.pacer.take(queues[i].place, now)
		if taken {
			return i, 0
		}
		if wait == 0 || missing < wait {
			wait = missing
		}
	}
	return -1, wait
}

// mayGoOn reports whether more may be sent, and keeps the lease.
func (w *wave) mayGoOn(ctx context.Context) bool {
	return !w.stopped && !w.h.lost && ctx.Err() == nil && w.keepLease(ctx) && !w.h.isOutdated()
}

// one makes one call. The lease is looked at again here, since time may have
// passed between the decision to start and the start.
func (w *wave) one(ctx context.Context, change route.Change) route.Receipt {
	if !w.c.mayStart(w.h) {
		return route.Receipt{Change: change, Outcome: route.NotStarted}
	}
	receipt := w.c.ports.Tables.Write(ctx, change)
	w.h.noteDeleted(receipt, w.c.ports.Clock.Now())
	if receipt.Outcome == route.Throttled {
		w.c.pacer.drain(plan.BucketOf(change), w.c.ports.Clock.Now())
	}
	return receipt
}

// keepLease renews the lease at half its time. An immediate freeze, which the
// renewal shows, ends the writing.
func (w *wave) keepLease(ctx context.Context) bool {
	h := w.h
	if h.leaseLeft(w.c.ports.Clock.Now()) > w.c.settings.Lease/2 {
		return true
	}
	dirty := h.item.Dirty
	w.c.renew(ctx, h)
	if h.lost {
		return false
	}
	// The renewed item is for its lease and its freeze; what else came in is
	// for the next cycle, so the item stays dirty for Release.
	frozen := h.control.Freeze.On && h.control.Freeze.Immediate
	for _, r := range h.item.Requests {
		frozen = frozen || (r.Kind == protection.Freeze && r.Immediate)
	}
	h.item.Dirty = dirty
	return !frozen
}
