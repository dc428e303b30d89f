package sim

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestWallClockRunsInOrderOfTimeAndThenOfRegistration(t *testing.T) {
	clock := NewWallClock()
	defer clock.Close()
	var got []string
	done := make(chan struct{})
	now := clock.Now()
	// Registered from within a callback, so that none of them starts before the last is there.
	clock.At(now, "register", func() {
		for _, c := range []struct {
			at   time.Duration
			name string
		}{{5, "last"}, {2, "c"}, {1, "a"}, {2, "d"}, {1, "b"}, {-3, "past"}, {-4, "long past"}} {
			clock.At(now.Add(c.at*time.Millisecond), c.name, func() {
				if early := now.Add(c.at * time.Millisecond).Sub(clock.Now()); early > 0 {
					t.Errorf("%s ran %s too early", c.name, early)
				}
				if got = append(got, c.name); c.name == "last" {
					close(done)
				}
			})
		}
		clock.At(now.Add(time.Hour), "never", func() { t.Error("a callback of the next hour ran") })
	})
	<-done
	if want := []string{"long past", "past", "a", "b", "c", "d", "last"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestWallClockTakesAnEarlierCallbackWhileItWaits(t *testing.T) {
	clock := NewWallClock()
	defer clock.Close()
	clock.At(clock.Now().Add(time.Hour), "never", func() { t.Error("a callback of the next hour ran") })
	for range 100 {
		ran := make(chan struct{})
		clock.At(clock.Now(), "now", func() { close(ran) })
		<-ran
	}
}

func TestWallClockNeitherOverlapsNorRunsOnTheCaller(t *testing.T) {
	clock := NewWallClock()
	defer clock.Close()
	const callers, each = 4, 100
	running := 0 // Not guarded: the race detector sees an overlap, too.
	var callerHolds sync.Mutex
	var all, callersEnd sync.WaitGroup
	all.Add(callers * each * 2)
	callback := func() {
		defer all.Done()
		if running++; running != 1 {
			t.Errorf("%d callbacks run at once", running)
		}
		callerHolds.Lock() // Would never be got on the caller's goroutine.
		defer callerHolds.Unlock()
		running--
	}
	for range callers {
		callersEnd.Go(func() {
			for range each {
				callerHolds.Lock()
				clock.At(clock.Now(), "outer", func() {
					callback()
					clock.At(clock.Now(), "inner", callback)
				})
				callerHolds.Unlock()
			}
		})
	}
	callersEnd.Wait()
	all.Wait()
}

func TestWallClockCloseWaitsAndStartsNothingMore(t *testing.T) {
	clock := NewWallClock()
	started := make(chan struct{})
	finished := false
	clock.At(clock.Now(), "long", func() {
		clock.At(clock.Now().Add(-time.Second), "pending", func() { t.Error("a callback started after Close") })
		close(started)
		<-clock.stop
		clock.At(clock.Now().Add(-time.Second), "late", func() { t.Error("a callback of a closed clock started") })
		finished = true
	})
	<-started
	clock.Close()
	if !finished {
		t.Fatal("Close did not wait for the callback")
	}
	clock.At(clock.Now(), "too late", func() { t.Error("a callback of a closed clock started") })
	clock.Close()
	if len(clock.later) != 0 {
		t.Fatalf("%d callbacks are kept", len(clock.later))
	}
}

func TestWallClockTellsUTC(t *testing.T) {
	clock := NewWallClock()
	defer clock.Close()
	if now := clock.Now(); now.Location() != time.UTC || now.Before(clock.start) || !clock.start.Equal(clock.origin) {
		t.Fatalf("got %s from a clock made at %s", now, clock.origin)
	}
}

// TestWorldInRealTime is the World as a program outside would see it.
func TestWorldInRealTime(t *testing.T) {
	clock := NewWallClock()
	defer clock.Close()
	w, err := NewWorld(clock, labTopology(), Options{DetectAfter: 2 * time.Millisecond, EventDelay: time.Millisecond})
	must(t, err)
	events := make(chan []byte, 1)
	w.Subscribe(func(raw []byte) { events <- raw })
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	var event map[string]any
	must(t, json.Unmarshal(<-events, &event))
	if detail(event)["changeType"] != "VPN-CONNECTION-IPSEC-DOWN" || detail(event)["outsideIpAddress"] != "198.51.100.1" {
		t.Fatalf("got %v", event)
	}
	if up, total := w.Reported(vpn1); up != 1 || total != 2 {
		t.Fatalf("%d of %d tunnels are reported up", up, total)
	}
}
