package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"detour/shared/controller"
)

// WakeUp is one wake-up that was asked for.
type WakeUp struct {
	Key controller.Key
	At  time.Time
}

// Compare orders wake-ups by time, then by key.
func (w WakeUp) Compare(other WakeUp) int {
	return cmp.Or(w.At.Compare(other.At), cmp.Compare(w.Key, other.Key))
}

// WakeQueue implements controller.Wake in memory. It starts nothing: whoever
// owns it delivers the wake-ups, told of each by the callback or asking for
// those that are due. It may be used from several goroutines.
type WakeQueue struct {
	notify func(key controller.Key, at time.Time)

	mu    sync.Mutex
	wakes []WakeUp
}

var _ controller.Wake = (*WakeQueue)(nil)

// NewWakeQueue returns an empty queue. notify, if it is not nil, is called for
// each wake-up as it is asked for, with no lock held.
func NewWakeQueue(notify func(key controller.Key, at time.Time)) *WakeQueue {
	return &WakeQueue{notify: notify}
}

// At implements controller.Wake.
func (q *WakeQueue) At(ctx context.Context, key controller.Key, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("asking for a wake-up: %w", err)
	}
	q.mu.Lock()
	q.wakes = append(q.wakes, WakeUp{Key: key, At: at})
	q.mu.Unlock()
	if q.notify != nil {
		q.notify(key, at)
	}
	return nil
}

// Waiting returns the wake-ups that wait, in order.
func (q *WakeQueue) Waiting() []WakeUp {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := slices.Clone(q.wakes)
	slices.SortStableFunc(waiting, WakeUp.Compare)
	return waiting
}

// Due takes the wake-ups for now and before out of the queue, in order.
func (q *WakeQueue) Due(now time.Time) []WakeUp {
	q.mu.Lock()
	defer q.mu.Unlock()
	var due, later []WakeUp
	for _, wake := range q.wakes {
		if wake.At.After(now) {
			later = append(later, wake)
		} else {
			due = append(due, wake)
		}
	}
	q.wakes = later
	slices.SortStableFunc(due, WakeUp.Compare)
	return due
}

// Events implements controller.Publisher: it keeps what is published. It may
// be used from several goroutines, and its zero value is ready for use.
type Events struct {
	mu     sync.Mutex
	events []controller.Event
}

var _ controller.Publisher = (*Events)(nil)

// Publish implements controller.Publisher.
func (e *Events) Publish(ctx context.Context, event controller.Event) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publishing event: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, event)
	return nil
}

// All returns what was published, in the order of publishing.
func (e *Events) All() []controller.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}
