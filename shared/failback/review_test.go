package failback_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/protection"
	"detour/shared/route"
)

// TestCloseAfterAFailureKeepsNothing: where the undo could not be heard either, the group
// goes back all the same, although the last unit has moved.
func TestCloseAfterAFailureKeepsNothing(t *testing.T) {
	g := newGroup("paris", 1)
	g.Failback.Samples = []protection.Sample{{Table: g.Units[0].Entries[0].Table, Address: "10.0.0.7"}}
	b := moved(t, g)
	b.net.more = append(b.net.more, route.Route{
		Table: g.Units[0].Entries[0].Table, Destination: route.MustDestination("10.0.0.7/32"), NextHop: hop("X"), Origin: route.OriginStatic, State: route.StateActive,
	})
	result := b.give(failback.Verify, nil)
	wantError[failback.Unverified](t, result, "10.0.0.7/32")
	b.caught(result.Err)
	b.records.take = controller.ErrBusy
	wantError[failback.Busy](t, b.give(failback.Undo, nil))
	b.records.take = nil
	wantError[failback.Unsettled](t, b.give(failback.Close, nil))
	b.sweeps(2)
	if end, why := b.end(); end != protection.EndAsBefore || b.standsOn()["A"] != 0 {
		t.Errorf("it ended %s: %s, and the group stands on %v", end, why, b.standsOn())
	}
	if over := b.record().Failback.Over; over != protection.ReasonVerifyFailed {
		t.Errorf("in the record it is over because of %s", over)
	}
}

// TestARouteThatSomebodyTookOver: what the failback has moved leads elsewhere, and that
// is no success.
func TestARouteThatSomebodyTookOver(t *testing.T) {
	b := moved(t, newGroup("paris", 4))
	for key := range b.net.routes {
		if key.Destination == route.MustDestination("10.0.1.0/24") {
			b.net.routes[key] = hop("X")
		}
	}
	result := b.give(failback.Verify, nil)
	wantError[failback.Unverified](t, result, "10.0.1.0/24", "tgw-attach-X")
	b.caught(result.Err)
	b.do(failback.Undo, nil)
	if end, why := b.end(); end != protection.EndAsBefore {
		t.Errorf("it ended %s: %s", end, why)
	}
	if on := b.standsOn(); on["B"] != 7 || on["X"] != 1 {
		t.Errorf("the group stands on %v", on)
	}
}

// TestVerifyDuringHoldOff: the facts say that the path is down, and whether they last is
// not known yet.
func TestVerifyDuringHoldOff(t *testing.T) {
	g := newGroup("paris", 1)
	g.Paths[0].Spec.HoldOff = 2 * time.Minute
	b := moved(t, g)
	b.net.down["vpn-A"] = true
	wantError[failback.Unsettled](t, b.give(failback.Verify, nil), "signal-fail")
	b.net.down["vpn-A"] = false
	b.do(failback.Verify, nil)
}

// TestTheFirstUnprovenUnitMovesAlone, or at the end of a step: the next ones follow once
// its learned route has shown.
func TestTheFirstUnprovenUnitMovesAlone(t *testing.T) {
	learned := func(units, batch int, where ...int) *protection.Group {
		g := newGroup("paris", units)
		g.Failback.Batch = batch
		for _, u := range where {
			g.Units[u].Entries[0].NextHops[0].NextHop = route.NextHop{Kind: route.Propagated, ID: "tgw-attach-A"}
		}
		return &g
	}
	for _, c := range []struct {
		group *protection.Group
		want  []int
	}{
		{learned(9, 4, 0, 1, 2), []int{1, 5, 9}},
		{learned(9, 4, 1, 2, 3), []int{1, 2, 6, 9}},
		{learned(9, 4, 2, 3), []int{1, 3, 7, 9}},
		{learned(9, 4, 4, 5), []int{1, 5, 9}},
		{learned(9, 4, 8), []int{1, 5, 9}},
		{learned(9, 4, 6, 7), []int{1, 5, 7, 9}},
	} {
		if got := failback.Extents(c.group, true); !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
	for units := 2; units < 256; units += 7 {
		got := failback.Extents(learned(units, 1, units/2), true)
		if len(got) > failback.MaxSteps || got[0] != 1 || got[len(got)-1] != units || !slices.IsSorted(got) || !slices.Contains(got, units/2+1) {
			t.Fatalf("%d units go in %d steps: %v", units, len(got), got)
		}
	}
}

// TestStepsOfAnotherConfiguration: the steps that were shown are not those that would be
// made by now, and the last of them would leave the group in the middle.
func TestStepsOfAnotherConfiguration(t *testing.T) {
	b := opened(t, newGroup("paris", 4))
	b.state.Steps--
	wantError[failback.Refused](t, b.give(failback.Advance, nil), "configuration-changed")
	b.state.Steps++
	b.do(failback.Advance, nil)
	b.clock.Advance(time.Minute)
	b.state.Steps--
	wantError[failback.Refused](t, b.give(failback.Verify, nil), "configuration-changed")
}

// TestAVerifyThatTakesAllItsTime is no silence: neither one that answers just before its
// function's time is over, while another run keeps the next task waiting, nor one that
// is begun anew after that.
func TestAVerifyThatTakesAllItsTime(t *testing.T) {
	for name, dies := range map[string]bool{"and answers": false, "and dies": true} {
		t.Run(name, func(t *testing.T) {
			b := moved(t, newGroup("paris", 6))
			readings := 0
			b.net.after = func() {
				if readings++; readings > 1 { // The first one is the run's with the lease.
					b.clock.Advance(2*time.Minute + 15*time.Second)
				}
			}
			before := b.state
			b.do(failback.Verify, nil)
			b.net.after = nil
			if dies {
				b.state = before
				b.clock.Advance(50 * time.Second) // Until the time is over, and then the interval of the retrier.
				b.sweeps(1)
				b.do(failback.Verify, nil)
			}
			for range 4 {
				b.records.take = controller.ErrBusy
				wantError[failback.Busy](t, b.give(failback.Advance, nil))
				b.records.take = nil
				b.clock.Advance(30 * time.Second)
			}
			b.sweeps(1)
			b.do(failback.Advance, nil)
			if on := b.standsOn(); on["A"] != 6 || !b.record().Failback.Open() {
				t.Errorf("the group stands on %v, and the failback is %+v", on, b.record().Failback)
			}
		})
	}
}

// TestSilence: the authority ends when five minutes have gone by after the last task,
// whose function may have run until its time was over.
func TestSilence(t *testing.T) {
	for name, c := range map[string]struct {
		last func(t *testing.T) *bench
		soak time.Duration
	}{
		"after the approval": {func(t *testing.T) *bench { t.Helper(); return opened(t, newGroup("paris", 4)) }, 0},
		"after a step": {func(t *testing.T) *bench {
			t.Helper()
			b := opened(t, newGroup("paris", 4))
			b.do(failback.Advance, nil)
			return b
		}, time.Minute},
		"after a verify": {func(t *testing.T) *bench {
			t.Helper()
			b := moved(t, newGroup("paris", 4))
			b.do(failback.Verify, nil)
			b.clock.Advance(-settle)
			return b
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.last(t)
			until := b.clock.Now().Add(c.soak + functionTimeout + protection.FailbackAuthority)
			if got := b.record().Failback.Until; !got.Equal(until) {
				t.Errorf("its authority ends at %s, want %s", got, until)
			}
			b.clock.Advance(c.soak + functionTimeout + protection.FailbackAuthority)
			b.sweeps(3)
			if f := b.record().Failback; f.Over != protection.ReasonSilence || b.standsOn()["A"] != 0 {
				t.Errorf("the failback is %+v, and the group stands on %v", f, b.standsOn())
			}
		})
	}
}

// TestTheNotificationFits into an event and a message: of a large group not all routes
// are told, and how many are left out.
func TestTheNotificationFits(t *testing.T) {
	g := newGroup("paris", 100)
	for u := range g.Units {
		g.Units[u].Entries = slices.Repeat(g.Units[u].Entries, 2)
		for e := range g.Units[u].Entries {
			g.Units[u].Entries[e].Destination = route.MustDestination(fmt.Sprintf("10.%d.%d.0/24", u, e))
			g.Units[u].Entries[e].NextHops = []protection.PathNextHop{{Path: "A", NextHop: coreNetwork("A")}, {Path: "B", NextHop: coreNetwork("B")}}
		}
	}
	b := newBench(t, g, 11*time.Minute)
	b.do(failback.Precheck, nil)
	b.do(failback.Ask, asked)
	all := b.events.All()
	event := all[len(all)-1]
	detail, err := json.Marshal(event.Detail)
	if err != nil {
		t.Fatal(err)
	}
	if len(detail) > 250<<10 || len(detail) < 60<<10 {
		t.Errorf("the detail of the event has %d bytes", len(detail))
	}
	for _, part := range []string{"more routes", "detour failback status paris shows all of them", "detour failback approve paris --plan"} {
		if !strings.Contains(event.Detail, part) {
			t.Errorf("nothing of %q in the detail", part)
		}
	}
}

func coreNetwork(name string) route.NextHop {
	return route.NextHop{Kind: route.CoreNetwork, ID: "arn:aws-us-gov:networkmanager::111122223333:core-network/core-network-" + strings.Repeat("0", 300) + "-" + name}
}
