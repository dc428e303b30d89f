package sim

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestProcessKillDuringSleep(t *testing.T) {
	s := NewScheduler(1, schedulerStart)
	var deferred, refused int
	p := s.Start("p", func(ctx context.Context, p *Process) {
		defer func() {
			deferred++
			for _, err := range []error{p.Sleep(ctx, 0), p.Yield(context.Background(), "store"), p.Sleep(ctx, time.Hour)} {
				if errors.Is(err, ErrKilled) {
					refused++
				}
			}
			p.Go(ctx, func(context.Context) { t.Error("a task of a killed process started") })()
			if late, _ := p.Timeout(context.Background(), time.Hour); late.Err() == nil {
				t.Error("a timeout made after the end lives")
			}
		}()
		if err := p.Sleep(ctx, time.Minute); !errors.Is(err, ErrKilled) {
			t.Errorf("the sleep ended with %v", err)
		}
	})
	ended := 0
	p.OnEnd(func() { ended++ })
	s.At(at(time.Second), "kill", func() { p.Kill(); p.Kill() })
	s.RunUntil(at(time.Hour))
	if deferred != 0 || !p.Killed() || !p.Done() || ended != 1 {
		t.Errorf("during the run: deferred code ran %d times, killed %v, done %v, ended %d times", deferred, p.Killed(), p.Done(), ended)
	}
	s.Close()
	if deferred != 1 || refused != 3 {
		t.Errorf("after Close: deferred code ran %d times, %d calls refused", deferred, refused)
	}
}

func TestProcessKillsItself(t *testing.T) {
	s := NewScheduler(1, schedulerStart)
	var got []string
	s.Start("p", func(ctx context.Context, p *Process) {
		wait := p.Go(ctx, func(ctx context.Context) {
			defer func() { got = append(got, "child's deferred code") }()
			_ = p.Sleep(ctx, time.Second)
			p.Kill()
			got = append(got, "still running")
			_ = p.Yield(ctx, "next call")
			got = append(got, "released")
		})
		wait()
		got = append(got, "parent")
	})
	s.RunUntil(at(time.Minute))
	if want := []string{"still running"}; !slices.Equal(got, want) {
		t.Errorf("in the run: %q, want %q", got, want)
	}
	s.Close()
	if want := []string{"still running", "released", "child's deferred code", "parent"}; !slices.Equal(got, want) {
		t.Errorf("after Close: %q, want %q", got, want)
	}
}

func TestProcessGoAndWait(t *testing.T) {
	s := newTestScheduler(t, 1)
	var got []string
	p := s.Start("p", func(ctx context.Context, p *Process) {
		outer := p.Go(ctx, func(ctx context.Context) {
			inner := p.Go(ctx, func(ctx context.Context) {
				_ = p.Sleep(ctx, 2*time.Second)
				got = append(got, "inner")
			})
			_ = p.Sleep(ctx, time.Second)
			got = append(got, "outer waits")
			inner()
			got = append(got, "outer")
		})
		p.Go(ctx, func(ctx context.Context) {
			outer()
			got = append(got, "sibling")
			_ = p.Sleep(ctx, time.Minute)
		})
		outer()
		_ = p.Sleep(ctx, time.Second)
		outer() // it has ended: returns at once
		got = append(got, p.Now().Sub(schedulerStart).String())
	})
	var end time.Time
	p.OnEnd(func() { end = s.Now() })
	s.RunUntil(at(time.Hour))
	if want := []string{"outer waits", "inner", "outer", "sibling", "3s"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := at(time.Minute + 2*time.Second); !end.Equal(want) || !p.Done() || p.Killed() {
		t.Errorf("ended at %v, want %v; done %v", end, want, p.Done())
	}
	late := false
	p.OnEnd(func() { late = true })
	s.RunUntil(at(2 * time.Hour))
	if !late {
		t.Error("OnEnd on an ended process did not run")
	}
}

// A child may use its parent's context while the parent is parked.
func TestProcessParentsContext(t *testing.T) {
	s := newTestScheduler(t, 1)
	slept := 0
	s.Start("p", func(outer context.Context, p *Process) {
		for range 3 {
			p.Go(outer, func(context.Context) {
				if p.Sleep(outer, time.Second) == nil {
					slept++
				}
			})()
		}
	})
	s.RunUntil(at(time.Minute))
	if slept != 3 {
		t.Errorf("%d sleeps ended, want 3", slept)
	}
}

func TestProcessFreeze(t *testing.T) {
	s := newTestScheduler(t, 1)
	var woke []time.Duration
	p := s.Start("p", func(ctx context.Context, p *Process) {
		p.Go(ctx, func(ctx context.Context) {
			_ = p.Sleep(ctx, 2*time.Second)
			woke = append(woke, p.Now().Sub(schedulerStart))
		})
		_ = p.Sleep(ctx, 20*time.Second)
		woke = append(woke, p.Now().Sub(schedulerStart))
	})
	s.At(at(time.Second), "freeze", func() { p.Freeze(10 * time.Second); p.Freeze(time.Second) })
	s.RunUntil(at(time.Minute))
	if want := []time.Duration{11 * time.Second, 20 * time.Second}; !slices.Equal(woke, want) {
		t.Errorf("woke at %v, want %v", woke, want)
	}
}

func TestProcessTimeout(t *testing.T) {
	s := newTestScheduler(t, 1)
	s.Start("p", func(ctx context.Context, p *Process) {
		type key struct{}
		limited, cancel := p.Timeout(ctx, time.Second)
		defer cancel()
		if end, ok := limited.Deadline(); !ok || !end.Equal(at(time.Second)) {
			t.Errorf("deadline %v, %v", end, ok)
		}
		derived, stop := context.WithCancel(context.WithValue(limited, key{}, 1))
		defer stop()
		longer, stopLonger := p.Timeout(derived, time.Hour)
		defer stopLonger()
		shorter, stopShorter := p.Timeout(derived, 500*time.Millisecond)
		defer stopShorter()
		if err := p.Sleep(shorter, time.Minute); !same(err, context.DeadlineExceeded) || p.Now().Sub(schedulerStart) != 500*time.Millisecond {
			t.Errorf("the shorter timeout: %v at %v", err, p.Now())
		}
		if limited.Err() != nil || derived.Err() != nil || longer.Err() != nil {
			t.Error("the shorter timeout ended its parents")
		}
		if err := p.Sleep(longer, time.Minute); !same(err, context.DeadlineExceeded) || !p.Now().Equal(at(time.Second)) {
			t.Errorf("the longer timeout: %v at %v", err, p.Now())
		}
		for name, c := range map[string]context.Context{"limited": limited, "derived": derived, "longer": longer} {
			select {
			case <-c.Done():
			default:
				t.Errorf("%s: Done is open", name)
			}
			if !same(c.Err(), context.DeadlineExceeded) || !same(context.Cause(c), context.DeadlineExceeded) {
				t.Errorf("%s: error %v, cause %v", name, c.Err(), context.Cause(c))
			}
		}
		if err := p.Sleep(limited, 0); !same(err, context.DeadlineExceeded) {
			t.Errorf("a sleep with an ended context: %v", err)
		}
		if ctx.Err() != nil {
			t.Error("the process's context has ended")
		}
		past, stopPast := p.Timeout(ctx, 0)
		defer stopPast()
		if !same(past.Err(), context.DeadlineExceeded) {
			t.Errorf("a timeout of 0: %v", past.Err())
		}
	})
	s.RunUntil(at(time.Minute))
	if s.Live() != 0 || !s.Idle() {
		t.Error("the process has not ended")
	}
}

func TestProcessCancelPropagates(t *testing.T) {
	s := newTestScheduler(t, 1)
	cause := errors.New("enough")
	s.Start("p", func(ctx context.Context, p *Process) {
		parent, cancel := context.WithCancelCause(ctx)
		limited, stop := p.Timeout(parent, time.Hour)
		defer stop()
		derived, stopDerived := context.WithCancel(limited)
		defer stopDerived()
		wait := p.Go(derived, func(ctx context.Context) {
			if err := p.Sleep(ctx, time.Minute); !same(err, context.Canceled) || !p.Now().Equal(at(time.Second)) {
				t.Errorf("sleep: %v at %v", err, p.Now())
			}
			if !same(context.Cause(ctx), cause) {
				t.Errorf("cause %v", context.Cause(ctx))
			}
		})
		_ = p.Sleep(ctx, time.Second)
		cancel(cause)
		<-limited.Done()
		if !same(limited.Err(), context.Canceled) || !same(derived.Err(), context.Canceled) {
			t.Errorf("errors %v, %v", limited.Err(), derived.Err())
		}
		wait()
		own, stopOwn := p.Timeout(ctx, time.Hour)
		stopOwn()
		if !same(own.Err(), context.Canceled) {
			t.Errorf("cancelled: %v", own.Err())
		}
	})
	s.RunUntil(at(time.Hour * 2))
	if got := s.Stats().Timeouts; got != 0 || s.Live() != 0 {
		t.Errorf("%d timeouts ran out, %d processes live", got, s.Live())
	}
}

// While a process is dead its timeouts do not run out: nothing of it moves.
func TestProcessTimeoutOfAKilledProcess(t *testing.T) {
	s := newTestScheduler(t, 1)
	var limited context.Context
	p := s.Start("p", func(ctx context.Context, p *Process) {
		limited, _ = p.Timeout(ctx, time.Minute)
		_ = p.Sleep(limited, time.Hour)
	})
	s.At(at(time.Second), "kill", p.Kill)
	s.RunUntil(at(time.Hour))
	if limited.Err() != nil {
		t.Error("the timeout of a killed process ran out")
	}
}

func TestProcessOutside(t *testing.T) {
	s := newTestScheduler(t, 1)
	p := s.Start("p", func(ctx context.Context, p *Process) { _ = p.Sleep(ctx, time.Hour) })
	var err error
	s.At(at(time.Second), "callback", func() { err = p.Sleep(context.Background(), time.Second) })
	s.RunUntil(at(time.Minute))
	if !same(err, ErrOutside) {
		t.Errorf("a sleep in a callback: %v", err)
	}
}

// same reports whether the error is the very one. As with the standard library's
// own contexts, an error around it does not count.
func same(got, want error) bool {
	return got == want //nolint:errorlint // Identity is what is asked for.
}
