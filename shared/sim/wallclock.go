package sim

import (
	"sync"
	"time"
)

// WallClock is a Timekeeper in real time: with it a World is a network that
// programs outside of this process can watch and change.
//
// Callbacks run in a goroutine of the clock's own, one at a time, in the order
// of their instants and then of their registration; they run late while another
// one runs. A WallClock reads the system's clock once, when it is made, and goes
// on by elapsed time, so that its time never steps back. Its methods may be
// called from any goroutine, and At and Now from a callback too.
type WallClock struct {
	start  time.Time // UTC
	origin time.Time // the same instant, as the monotonic clock has it

	mu     sync.Mutex
	later  queue
	seq    uint64
	closed bool

	changed chan struct{} // holds one token when there may be a new first callback
	stop    chan struct{}
	ended   chan struct{}
}

// NewWallClock returns a running clock. Close ends it.
func NewWallClock() *WallClock {
	origin := time.Now()
	c := &WallClock{
		start:   origin.UTC(),
		origin:  origin,
		changed: make(chan struct{}, 1),
		stop:    make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go c.run()
	return c
}

// Now returns the time, in UTC.
func (c *WallClock) Now() time.Time { return c.start.Add(time.Since(c.origin)) }

// At runs fn at instant t, or as soon as may be if t is past. The name is for
// Timekeepers that keep a trace, which this one does not. On a closed clock At
// does nothing.
func (c *WallClock) At(t time.Time, name string, fn func()) {
	c.mu.Lock()
	if !c.closed {
		c.seq++
		c.later.push(event{at: int64(t.Sub(c.start)), seq: c.seq, name: name, fn: fn})
	}
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default: // A token is there already, and the clock has yet to look.
	}
}

// Close ends the clock. It waits for the callback whose turn it is, if any, and
// no other one starts. It must not be called from a callback, which would wait
// for itself. A second Close only waits.
func (c *WallClock) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.later = nil
		close(c.stop)
	}
	c.mu.Unlock()
	<-c.ended
}

// run starts callbacks as they come due, until the clock is closed.
func (c *WallClock) run() {
	defer close(c.ended)
	for {
		fn, wait := c.next()
		if fn != nil {
			fn()
			continue
		}
		var due <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait)
			due = timer.C
		}
		select {
		case <-due:
		case <-c.changed:
		case <-c.stop:
		}
		if timer != nil {
			timer.Stop()
		}
		select {
		case <-c.stop:
			return
		default:
		}
	}
}

// next takes the first callback if it is due. Otherwise it returns the time
// until it is; 0 means that there is none.
func (c *WallClock) next() (fn func(), wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.later) == 0 {
		return nil, 0
	}
	if wait = time.Duration(c.later[0].at) - time.Since(c.origin); wait > 0 {
		return nil, wait
	}
	return c.later.pop().fn, 0
}
