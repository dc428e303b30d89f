package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var schedulerStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func newTestScheduler(t testing.TB, seed uint64) *Scheduler {
	s := NewScheduler(seed, schedulerStart)
	t.Cleanup(s.Close)
	return s
}

func at(d time.Duration) time.Time { return schedulerStart.Add(d) }

func TestSchedulerKeepsTime(t *testing.T) {
	s := newTestScheduler(t, 1)
	var got []string
	note := func(what string) { got = append(got, fmt.Sprint(s.Now().Sub(schedulerStart), " ", what)) }
	s.At(at(2*time.Second), "b", func() {
		note("b")
		s.At(at(time.Second), "past", func() { note("past") })
	})
	s.At(at(time.Second), "a", func() { note("a") })
	s.At(at(time.Hour), "later", func() { note("later") })
	s.Start("p", func(ctx context.Context, p *Process) {
		note("start")
		if err := p.Sleep(ctx, 1500*time.Millisecond); err != nil {
			t.Error(err)
		}
		note("slept")
	})
	s.RunUntil(at(time.Minute))
	want := []string{"0s start", "1s a", "1.5s slept", "2s b", "2s past"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !s.Now().Equal(at(time.Minute)) {
		t.Errorf("the clock stands at %v, want one minute after the start", s.Now())
	}
	if s.Idle() {
		t.Error("idle although a callback is pending")
	}
	s.RunUntil(at(time.Hour))
	if !s.Idle() {
		t.Error("not idle although nothing is pending")
	}
}

// interleave runs 20 tasks that all become ready at the same instants, and
// returns the order of their steps.
func interleave(t testing.TB, seed uint64) (order string, hash uint64) {
	s := NewScheduler(seed, schedulerStart)
	defer s.Close()
	var b strings.Builder
	s.Start("main", func(ctx context.Context, p *Process) {
		var waits []func()
		for i := range 20 {
			waits = append(waits, p.Go(ctx, func(ctx context.Context) {
				for range 3 {
					b.WriteByte(byte('a' + i))
					if err := p.Yield(ctx, "point"); err != nil {
						t.Error(err)
					}
				}
				b.WriteByte(byte('A' + i))
				if err := p.Sleep(ctx, time.Second); err != nil {
					t.Error(err)
				}
			}))
		}
		for _, wait := range waits {
			wait()
		}
		b.WriteByte('.')
	})
	s.RunUntil(at(time.Minute))
	return b.String(), s.TraceHash()
}

func TestSchedulerSameSeedSameRun(t *testing.T) {
	order, hash := interleave(t, 7)
	if len(order) != 81 || order[80] != '.' {
		t.Fatalf("order %q: want 80 steps and the end of the main task", order)
	}
	for i := range 300 {
		again, sum := interleave(t, 7)
		if again != order || sum != hash {
			t.Fatalf("run %d differs: %q (%x), first %q (%x)", i, again, sum, order, hash)
		}
	}
}

func TestSchedulerSeedsDiffer(t *testing.T) {
	orders, hashes := map[string]bool{}, map[uint64]bool{}
	for seed := range uint64(200) {
		order, hash := interleave(t, seed)
		orders[order], hashes[hash] = true, true
		if strings.Contains(order, "aaaA") && strings.Contains(order, "bbbB") && strings.Contains(order, "cccC") {
			t.Errorf("seed %d: tasks do not interleave: %q", seed, order)
		}
	}
	if len(orders) < 200 || len(hashes) < 200 {
		t.Errorf("200 seeds gave %d orders and %d hashes", len(orders), len(hashes))
	}
}

func TestSchedulerStreamsAreIndependent(t *testing.T) {
	run := func(draws int) string {
		s := newTestScheduler(t, 3)
		var b strings.Builder
		for i := range 10 {
			s.Start("p", func(ctx context.Context, p *Process) {
				for range draws {
					s.Rand().Uint64()
				}
				b.WriteByte(byte('a' + i))
			})
		}
		s.RunUntil(at(time.Second))
		return b.String()
	}
	if one, other := run(0), run(5); one != other {
		t.Errorf("drawing from Rand changed the order: %q, %q", one, other)
	}
}

func TestSchedulerStats(t *testing.T) {
	s := newTestScheduler(t, 1)
	var log bytes.Buffer
	s.SetTraceWriter(&log)
	s.Start("p", func(ctx context.Context, p *Process) {
		p.Go(ctx, func(ctx context.Context) { _ = p.Sleep(ctx, time.Second) })()
		limited, cancel := p.Timeout(ctx, time.Second)
		defer cancel()
		_ = p.Sleep(limited, time.Minute)
		p.Freeze(time.Second)
		_ = p.Yield(ctx, "frozen")
	})
	s.At(at(time.Hour), "callback", func() {
		s.Start("q", func(ctx context.Context, p *Process) { _ = p.Sleep(ctx, time.Hour) })
	})
	s.At(at(time.Hour+time.Minute), "kill", func() {
		for _, p := range s.live {
			p.Kill()
		}
	})
	s.RunUntil(at(3 * time.Hour))
	want := SchedulerStats{Switches: 7, Processes: 2, TasksStarted: 3, Kills: 1, Stalls: 1, Callbacks: 2, Timeouts: 1}
	if got := s.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, part := range []string{"frozen", "kill", "callback", "timeout"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the trace does not mention %q:\n%s", part, &log)
		}
	}
	if n := s.Live(); n != 0 {
		t.Errorf("%d processes live, want none", n)
	}
}

func TestSchedulerPanicOfATask(t *testing.T) {
	s := newTestScheduler(t, 1)
	cause := errors.New("broken")
	s.Start("worker", func(ctx context.Context, p *Process) {
		wait := p.Go(ctx, func(ctx context.Context) { panic(cause) })
		wait()
	})
	func() {
		defer func() {
			f, ok := recover().(*TaskFailure)
			if !ok || f.Process != "worker" || f.Task != 2 || !errors.Is(f, cause) || !bytes.Contains(f.Stack, []byte("TestSchedulerPanicOfATask")) {
				t.Errorf("RunUntil panicked with %v", f)
			}
			if f != s.Failure() {
				t.Error("Failure differs from the panic")
			}
		}()
		s.RunUntil(at(time.Second))
		t.Error("RunUntil returned")
	}()
	s.RunUntil(at(2 * time.Second))
	if s.Live() != 0 {
		t.Error("after the panic the run does not go on")
	}
}

func TestSchedulerStopsALoopInOneInstant(t *testing.T) {
	s := newTestScheduler(t, 1)
	var again func()
	again = func() { s.At(s.Now(), "again", again) }
	again()
	defer func() {
		if recover() == nil {
			t.Error("RunUntil returned")
		}
	}()
	s.RunUntil(at(time.Second))
}

func TestSchedulerCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := NewScheduler(1, schedulerStart)
	for range 50 {
		s.Start("p", func(ctx context.Context, p *Process) {
			limited, cancel := p.Timeout(ctx, time.Hour)
			defer cancel()
			wait := p.Go(limited, func(ctx context.Context) {
				for {
					_ = p.Sleep(ctx, time.Hour) // ignores the refusal
				}
			})
			wait()
		})
	}
	s.Start("never", func(ctx context.Context, p *Process) {})
	s.RunUntil(at(time.Minute))
	s.Start("not yet", func(ctx context.Context, p *Process) { t.Error("a task started after the run") })
	s.Close()
	s.Close()
	if p := s.Start("late", func(ctx context.Context, p *Process) { t.Error("a task started after Close") }); !p.Done() {
		t.Error("a process started after Close lives")
	}
	s.RunUntil(at(time.Hour))
	for i := 0; i < 1e6 && runtime.NumGoroutine() > before; i++ {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// A call may come from a goroutine that works for the task, while the task's own
// waits for it natively.
func TestSchedulerCallFromAnotherGoroutine(t *testing.T) {
	var first string
	for i := range 50 {
		s := NewScheduler(5, schedulerStart)
		var mu sync.Mutex
		var got []string
		for n := range 4 {
			s.Start("p", func(ctx context.Context, p *Process) {
				for range 3 {
					done := make(chan error)
					go func() { done <- p.Sleep(context.Background(), time.Duration(n)*time.Millisecond) }()
					if err := <-done; err != nil {
						t.Error(err)
					}
					mu.Lock()
					got = append(got, fmt.Sprint(n, s.Now().UnixMilli()))
					mu.Unlock()
				}
			})
		}
		s.RunUntil(at(time.Second))
		s.Close()
		line := strings.Join(got, " ")
		if first == "" {
			first = line
		}
		if line != first || len(got) != 12 {
			t.Fatalf("run %d: %s, first %s", i, line, first)
		}
	}
}

func BenchmarkSchedulerSwitch(b *testing.B) {
	s := newTestScheduler(b, 1)
	for range 10 {
		s.Start("p", func(ctx context.Context, p *Process) {
			for {
				if err := p.Sleep(ctx, time.Millisecond); err != nil {
					return
				}
			}
		})
	}
	s.RunUntil(at(time.Millisecond))
	b.ReportAllocs()
	b.ResetTimer()
	s.RunUntil(s.Now().Add(time.Duration(b.N/10+1) * time.Millisecond))
}
