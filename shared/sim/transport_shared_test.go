package sim

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// suppressed is the kind of context that the SDK's credential cache calls its
// provider with.
type suppressed struct{ context.Context }

func (suppressed) Deadline() (time.Time, bool) { return time.Time{}, false }
func (suppressed) Done() <-chan struct{}       { return nil }
func (suppressed) Err() error                  { return nil }

// sharedCall is a single flight as the SDK's credential cache has one: the first
// caller's goroutine starts the call in another, all wait natively.
type sharedCall struct {
	mu      sync.Mutex
	started bool
	done    chan struct{}
}

func (c *sharedCall) get(ctx context.Context, tr *Transport) error {
	c.mu.Lock()
	if !c.started {
		c.started = true
		c.done = make(chan struct{})
		go func() {
			_, _ = tr.Do(testRequest(suppressed{ctx}, "AssumeRole"))
			close(c.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestTransportSharedCall(t *testing.T) {
	run := func(limit time.Duration) (string, uint64) {
		s := NewScheduler(3, schedulerStart)
		defer s.Close()
		plan := fixed
		tr := NewTransport(s, &fakeFace{s: s}, &plan)
		var got []string
		for n := range 2 {
			s.Start("p", func(ctx context.Context, p *Process) {
				shared := &sharedCall{}
				var waits []func()
				for i := range 4 {
					waits = append(waits, p.Go(ctx, func(ctx context.Context) {
						limited, cancel := p.Timeout(ctx, limit)
						defer cancel()
						err := shared.get(limited, tr)
						_ = p.Yield(ctx, "after")
						got = append(got, fmt.Sprint(n, i, err, p.Now().Sub(schedulerStart)))
					}))
				}
				for _, wait := range waits {
					wait()
				}
			})
		}
		s.RunUntil(at(time.Minute))
		return strings.Join(got, "\n"), s.TraceHash()
	}
	for _, limit := range []time.Duration{time.Second, 5 * time.Millisecond} {
		first, hash := run(limit)
		if n := strings.Count(first, "\n"); n != 7 {
			t.Fatalf("%d tasks ended, want 8:\n%s", n+1, first)
		}
		for i := range 100 {
			if again, sum := run(limit); again != first || sum != hash {
				t.Fatalf("limit %v, run %d differs:\n%s\nfirst:\n%s", limit, i, again, first)
			}
		}
	}
}

// A goroutine that its context's end let loose must not run into Close.
func TestTransportSharedCallAtClose(t *testing.T) {
	for range 50 {
		s := NewScheduler(3, schedulerStart)
		tr := NewTransport(s, &fakeFace{s: s}, nil)
		p := s.Start("p", func(ctx context.Context, p *Process) {
			limited, cancel := p.Timeout(ctx, time.Millisecond)
			defer cancel()
			_ = (&sharedCall{}).get(limited, tr)
			_ = p.Sleep(ctx, 0)
		})
		s.At(at(2*time.Millisecond), "kill", p.Kill)
		s.RunUntil(at(time.Second))
		s.Close()
	}
}
