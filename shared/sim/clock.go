package sim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Now returns the virtual time.
func (p *Process) Now() time.Time { return p.s.Now() }

// Timeout returns a context that ends with context.DeadlineExceeded after d of
// virtual time, when ctx ends, or when cancel is called. The Scheduler closes its
// Done channel at that instant and, before anything else happens, makes the
// process's tasks ready that are parked with a context derived from it.
//
// The end of ctx by its own cancel function reaches contexts derived from the
// result when the task that called it parks or ends, and the result itself at
// once.
func (p *Process) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	t, err := p.s.enter(ctx)
	switch {
	case errors.Is(err, ErrOutside):
		panic(err)
	case err != nil:
		dead, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return dead, func() {}
	}
	defer t.leave()
	at := p.s.Now().Add(d)
	if parent, ok := ctx.Deadline(); ok && !parent.After(at) {
		return context.WithCancel(ctx)
	}
	timer := &deadline{Context: ctx, proc: t.proc, at: at, done: make(chan struct{})}
	derived, cancel := context.WithCancel(timer)
	switch {
	case d <= 0:
		timer.end(context.DeadlineExceeded)
	case ctx.Err() != nil:
		timer.poll()
	default:
		t.proc.timers = append(t.proc.timers, timer)
		p.s.push(event{at: p.s.after(d), timer: timer})
	}
	return &timeout{Context: derived, timer: timer}, func() {
		cancel()
		timer.end(context.Canceled)
	}
}

// deadline is the parent of a virtual timeout's cancelable context, and the
// means to end that with an error of our own: the standard library registers a
// child with a parent of foreign type through the method AfterFunc, and then
// neither starts a goroutine nor looks at a clock.
type deadline struct {
	context.Context // what the timeout was derived from
	proc            *Process
	at              time.Time
	done            chan struct{}
	over            atomic.Bool

	mu    sync.Mutex
	err   error
	child func()
}

// Deadline implements context.Context.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} { return d.done }

// Err implements context.Context.
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Value implements context.Context. It finds the deadline even behind a context
// that hides it.
func (d *deadline) Value(key any) any {
	if key == (deadlineKey{}) {
		return d
	}
	return d.Context.Value(key)
}

// AfterFunc registers the one context that is derived from the deadline.
func (d *deadline) AfterFunc(fn func()) (stop func() bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.child = fn
	return func() bool { return !d.over.Load() }
}

// end ends the timeout and what is derived from it, once.
func (d *deadline) end(err error) {
	d.mu.Lock()
	if d.err != nil {
		d.mu.Unlock()
		return
	}
	d.err = err
	close(d.done)
	child := d.child
	d.mu.Unlock()
	d.over.Store(true)
	child()
}

// poll ends the timeout if what it was derived from has ended.
func (d *deadline) poll() {
	if err := d.Context.Err(); err != nil {
		d.end(err)
	}
}

type deadlineKey struct{}

// timeout is the context that Timeout returns. It is what the standard library
// made, so that contexts derived from it are ended directly; beyond that it
// notices at once when its parent has ended.
type timeout struct {
	context.Context
	timer *deadline
}

// Done implements context.Context.
func (t *timeout) Done() <-chan struct{} {
	t.poll()
	return t.Context.Done()
}

// Err implements context.Context.
func (t *timeout) Err() error {
	t.poll()
	return t.Context.Err()
}

func (t *timeout) poll() {
	if !t.timer.over.Load() {
		t.timer.poll()
	}
}
