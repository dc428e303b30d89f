// Package systemclock is the real clock: the machine's time, timers and
// goroutines behind the controller's Clock port. Beside the mains and the
// simulator it is the only package that may reach for them.
package systemclock

import (
	"context"
	"time"

	"detour/shared/controller"
)

// Clock is the real clock. Its zero value is ready for use, and it may be used
// from several goroutines.
type Clock struct{}

var _ controller.Clock = Clock{}

// New returns the real clock.
func New() Clock { return Clock{} }

// Now returns the wall clock's time in UTC, without a monotonic reading: leases
// are compared between processes, and a Lambda's monotonic clock stands still
// while the environment is frozen.
func (Clock) Now() time.Time { return time.Now().UTC().Round(0) }

// Sleep waits for d, or answers the context's error as soon as the context is
// over. With a d of zero or less it only looks at the context.
func (Clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Go runs fn in a goroutine with the same context; wait returns when fn has
// ended. It may be called more than once, and from several goroutines.
func (Clock) Go(ctx context.Context, fn func(context.Context)) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	return func() { <-done }
}

// Timeout returns a context that is over after d, and the function that
// releases it.
func (Clock) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
