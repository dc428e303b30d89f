package systemclock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"detour/shared/adapter/systemclock"
)

func TestNowIsUTCWithoutMonotonicReading(t *testing.T) {
	now := systemclock.New().Now()
	if now.Location() != time.UTC {
		t.Errorf("Now is in %s, want UTC", now.Location())
	}
	if now != now.Round(0) {
		t.Errorf("Now carries a monotonic reading: %v", now)
	}
}

func TestSleepWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := systemclock.New()
		began := clock.Now()
		if err := clock.Sleep(t.Context(), 7*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := clock.Now().Sub(began); took != 7*time.Second {
			t.Errorf("slept %s, want 7s", took)
		}
		for _, d := range []time.Duration{0, -time.Second} {
			if err := clock.Sleep(t.Context(), d); err != nil {
				t.Errorf("Sleep(%s) answered %v", d, err)
			}
		}
		if took := clock.Now().Sub(began); took != 7*time.Second {
			t.Errorf("a sleep of nothing took time: %s in all", took)
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := systemclock.New()
		began := clock.Now()
		ctx, cancel := clock.Timeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := clock.Sleep(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep answered %v, want the deadline's error", err)
		}
		if took := clock.Now().Sub(began); took != 2*time.Second {
			t.Errorf("slept %s, want 2s", took)
		}
		if err := clock.Sleep(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep(0) on a context that is over answered %v", err)
		}
	})
}

func TestTimeoutIsReleasedByItsCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := systemclock.New().Timeout(t.Context(), time.Second)
		cancel()
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("the context answered %v, want canceled", err)
		}
	})
}

func TestGoRunsConcurrentlyAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := systemclock.New()
		began := clock.Now()
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "carried")
		var carried any
		first := clock.Go(ctx, func(ctx context.Context) {
			carried = ctx.Value(key{})
			_ = clock.Sleep(ctx, 3*time.Second)
		})
		second := clock.Go(ctx, func(ctx context.Context) { _ = clock.Sleep(ctx, 3*time.Second) })
		first()
		second()
		first()
		if took := clock.Now().Sub(began); took != 3*time.Second {
			t.Errorf("two sleeps side by side took %s, want 3s", took)
		}
		if carried != "carried" {
			t.Errorf("fn got another context: %v", carried)
		}
	})
}
