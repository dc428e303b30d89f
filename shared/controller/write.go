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
	// maxInFlight bounds the calls that one group has under way at once.
	maxInFlight = 32
	// writeAttempts bounds how often a change is sent again because it was
	// throttled or its table was busy.
	writeAttempts = 8
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
			case w.stopped || attempt == writeAttempts:
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
// whose bucket has a token soonest, in order among equals: an empty bucket does
// not hold up those that are full.
func (w *wave) send(ctx context.Context, changes []route.Change) []route.Receipt {
	var mu sync.Mutex
	receipts := make([]route.Receipt, len(changes))
	for i, change := range changes {
		receipts[i] = route.Receipt{Change: change, Outcome: route.NotStarted}
	}
	var waits []func()
	queues := byBucket(changes)
	for len(queues) > 0 {
		i := w.next(&queues)
		change := changes[i]
		if !w.ready(ctx, change) {
			break
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

// queue is the changes that draw from one bucket, by index, in order.
type queue struct {
	bucket  plan.Bucket
	changes []int
}

// byBucket sorts changes into queues, in the order of their first change.
func byBucket(changes []route.Change) []queue {
	var out []queue
	for i, change := range changes {
		bucket := plan.BucketOf(change)
		at := slices.IndexFunc(out, func(q queue) bool { return q.bucket == bucket })
		if at < 0 {
			at = len(out)
			out = append(out, queue{bucket: bucket})
		}
		out[at].changes = append(out[at].changes, i)
	}
	return out
}

// next takes the change out of the queues that can be sent soonest.
func (w *wave) next(queues *[]queue) int {
	now := w.c.ports.Clock.Now()
	best, soonest := 0, time.Duration(-1)
	for i, q := range *queues {
		delay := w.c.pacer.delay(q.bucket, now)
		if soonest < 0 || delay < soonest || (delay == soonest && q.changes[0] < (*queues)[best].changes[0]) {
			best, soonest = i, delay
		}
	}
	q := &(*queues)[best]
	i := q.changes[0]
	if q.changes = q.changes[1:]; len(q.changes) == 0 {
		*queues = slices.Delete(*queues, best, best+1)
	}
	return i
}

// one makes one call. The lease is looked at again here, since time may have
// passed between the decision to start and the start.
func (w *wave) one(ctx context.Context, change route.Change) route.Receipt {
	if !w.c.mayStart(w.h) {
		return route.Receipt{Change: change, Outcome: route.NotStarted}
	}
	receipt := w.c.ports.Tables.Write(ctx, change)
	if receipt.Outcome == route.Throttled {
		w.c.pacer.drain(plan.BucketOf(change), w.c.ports.Clock.Now())
	}
	return receipt
}

// ready waits for a token of the change's bucket and keeps the lease. It is
// false when nothing more may be sent.
func (w *wave) ready(ctx context.Context, change route.Change) bool {
	if w.stopped || w.h.lost || ctx.Err() != nil {
		w.stopped = true
		return false
	}
	delay := w.c.pacer.reserve(plan.BucketOf(change), w.c.ports.Clock.Now())
	if !w.c.timeLeft(ctx, delay) {
		w.stopped, w.h.report.OutOfTime = true, true
		return false
	}
	for delay > 0 {
		// Long waits are cut, so that the lease is renewed in time.
		nap := min(delay, w.c.settings.Lease/4)
		if w.c.ports.Clock.Sleep(ctx, nap) != nil || !w.keepLease(ctx) {
			w.stopped = true
			return false
		}
		delay -= nap
	}
	if !w.keepLease(ctx) {
		w.stopped = true
		return false
	}
	return true
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
