package live

import (
	"context"
	"io"
	"sync"
	"time"

	"detour/shared/controller"
)

const (
	// readerLimit is how long a line may take to be written. A reader that takes
	// longer has stopped, and the network does not wait for it any more.
	readerLimit = time.Second
	// maxWaiting is how many lines are kept for a reader that has stopped.
	maxWaiting = 4096
)

// An outlet writes lines in their order. As long as somebody reads, write returns
// when the line is written. When the reader stops, write returns at once, lines
// wait until it goes on, and those that are too many are counted in their place.
type outlet struct {
	to      io.Writer
	clock   controller.Clock
	unshown func(n int) []byte

	mu      sync.Mutex
	next    *bundle // what waits; nil: nothing
	writing bool    // a goroutine writes, and will take next
	stopped bool    // the reader has
}

// A bundle is what is written at once.
type bundle struct {
	text    []byte
	lines   int
	unshown int           // lines that would have followed
	written chan struct{} // closed when it is
}

// write writes a line, or leaves it for later.
func (o *outlet) write(text []byte) {
	o.mu.Lock()
	if o.next == nil {
		o.next = &bundle{written: make(chan struct{})}
	}
	b, stopped := o.next, o.stopped
	if b.lines < maxWaiting {
		b.text = append(b.text, text...)
		b.lines++
	} else {
		b.unshown++
	}
	if !o.writing {
		o.writing = true
		o.clock.Go(context.Background(), o.work) // A write cannot be called off.
	}
	o.mu.Unlock()
	if !stopped {
		o.await(b)
	}
}

// await waits until the bundle is written, or the reader has stopped.
func (o *outlet) await(b *bundle) {
	limit, cancel := o.clock.Timeout(context.Background(), readerLimit)
	defer cancel()
	select {
	case <-b.written:
		return
	case <-limit.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-b.written:
	default:
		o.stopped = true
	}
}

// work writes until nothing waits.
func (o *outlet) work(context.Context) {
	for {
		o.mu.Lock()
		b := o.next
		o.next = nil
		if b == nil {
			o.writing = false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		if b.unshown > 0 {
			b.text = append(b.text, o.unshown(b.unshown)...)
		}
		_, _ = o.to.Write(b.text) // That it cannot be written stops nothing.
		o.mu.Lock()
		o.stopped = false
		close(b.written)
		o.mu.Unlock()
	}
}
