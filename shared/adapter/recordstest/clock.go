package recordstest

import (
	"context"
	"sync"
	"time"
)

// Clock is a controller.Clock that stands still until it is moved. It may be
// used from several goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at a fixed instant, on a whole second.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)}
}

// Now returns the instant at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sleep moves the clock by d instead of waiting.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Advance(max(d, 0))
	return nil
}

// Go runs fn in a goroutine; wait returns when fn has ended.
func (c *Clock) Go(ctx context.Context, fn func(context.Context)) (wait func()) {
	var group sync.WaitGroup
	group.Go(func() { fn(ctx) })
	return group.Wait
}

// Timeout returns a context that ends when it is cancelled: the clock does not
// move by itself, so it never runs out.
func (c *Clock) Timeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
