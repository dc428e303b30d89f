package controller_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// TestSettling says when a reading settles a group.
func TestSettling(t *testing.T) {
	t.Run("the first run adopts and settles nothing", func(t *testing.T) {
		w := newWorld(t, newGroup("berlin", 2))
		report := only(t, w.reconcile("berlin"))
		want(t, "the decision", string(report.Decision.Action)+" "+report.Decision.To, "adopt A")
		item := w.item("berlin")
		if item.Record.Settled || w.seen["write"] != 0 {
			t.Errorf("the record is %+v", item.Record)
		}
		want(t, "the wake-up", report.WakeAt, item.Record.WroteAt.Add(settle))
	})
	t.Run("a reading that began too soon after the last write does not", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.fail("berlin")
		w.reconcile("berlin")
		wrote := w.item("berlin").Record.WroteAt
		// The run takes the lease first, so its reading begins a store call later.
		w.s.RunUntil(wrote.Add(settle - storeTime - time.Millisecond))
		w.reconcile("berlin")
		want(t, "settled", w.item("berlin").Record.Settled, false)
	})
	t.Run("a reading that began a settle time after the last write does", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.fail("berlin")
		report := only(t, w.reconcile("berlin"))
		w.s.RunUntil(report.WakeAt)
		w.reconcile("berlin")
		want(t, "settled", w.item("berlin").Record.Settled, true)
	})
	t.Run("the one wake-up of a long wave settles it", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 120))
		w.fail("berlin")
		w.reconcile("berlin")
		ups := w.wakes.Due(w.s.Now().Add(time.Hour))
		if len(ups) != 1 {
			t.Fatalf("the wake-ups are %v, want one", ups)
		}
		w.s.RunUntil(ups[0].At)
		w.reconcile("berlin")
		want(t, "settled", w.item("berlin").Record.Settled, true)
		want(t, "further wake-ups", len(w.wakes.Waiting()), 0)
	})
	t.Run("a settled group has nothing to do", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		report := only(t, w.reconcile("berlin"))
		want(t, "the calls", w.seen["commit"]+w.seen["write"]+w.seen["wake"]+w.seen["publish"], 0)
		want(t, "the wake-up", report.WakeAt.IsZero(), true)
	})
}

// TestAnAbandonedLeaseRestartsTheSettleTime: its holder may have written until
// the lease ended.
func TestAnAbandonedLeaseRestartsTheSettleTime(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	var killed *sim.Process
	w.onStore = func(op string, _ controller.Key, n int) fault {
		if op == "commit" && n == 2 {
			return fault{first: killed.Kill} // After the writes, before their time is noted.
		}
		return fault{}
	}
	killed = w.run("doomed", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
	})
	w.await(killed)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
	w.onStore = nil
	w.s.RunUntil(w.item("berlin").Lease.Until.Add(skew + time.Second))
	w.reconcile("berlin")
	item := w.item("berlin")
	if age := w.s.Now().Sub(item.Record.WroteAt); item.Record.Settled || age > time.Second {
		t.Errorf("the taker left settled %t, written %s ago", item.Record.Settled, age)
	}
	w.pass(settle)
	w.reconcile("berlin")
	want(t, "settled a settle time later", w.item("berlin").Record.Settled, true)
}

// TestAnAbandonedLeaseOfASettledGroupChangesNothing: its holder had nothing to
// write.
func TestAnAbandonedLeaseOfASettledGroupChangesNothing(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	before := w.item("berlin")
	if _, _, err := w.store.Take(t.Context(), controller.GroupKey("berlin"), "dead"); err != nil {
		t.Fatal(err)
	}
	w.pass(lease + skew + time.Second)
	w.reconcile("berlin")
	after := w.item("berlin")
	if !after.Record.Settled || after.Revision != before.Revision {
		t.Errorf("revision %d, settled %t", after.Revision, after.Record.Settled)
	}
}

// TestSomebodyElsesChange is repaired when two readings a settle time apart show
// it, and the entry is given up after three times.
func TestSomebodyElsesChange(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	key := w.groups[0].Units[0].Entries[0].EntryKey
	for round := 1; round <= 3; round++ {
		delete(w.tables, key)
		w.reconcile("berlin")
		_, stands := w.tables[key]
		want(t, "after the first sight it stands", stands, false)
		w.pass(settle)
		w.reconcile("berlin")
		_, stands = w.tables[key]
		want(t, "after the second sight it stands", stands, round < 3)
		w.pass(settle)
		w.reconcile("berlin")
	}
	want(t, "contended", w.item("berlin").Record.Contended, []protection.EntryKey{key})
	want(t, "events of contention", count(w.published(), "berlin: Contended"), 1)
	w.request("berlin", protection.Request{ID: "r", Kind: protection.Release})
	for range 3 {
		w.reconcile("berlin")
		w.pass(settle)
	}
	want(t, "after a release", w.tables[key], hop("berlin", "A"))
	want(t, "requests ended", count(w.published(), "berlin: Request Ended"), 1)
}

func count(list []string, what string) int {
	n := 0
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

// TestEvents: each of Detour's own events is published once.
func TestEvents(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	w.s.RunUntil(report.WakeAt)
	w.reconcile("berlin")
	w.pass(time.Minute)
	w.reconcile("berlin")
	want(t, "the events of a switchover", w.published(), []string{
		"berlin: Path State Changed", "berlin: Switchover Started", "berlin: Switchover Completed",
	})
	started := w.events.All()[1]
	if started.Decision.To != "B" || started.Detail != "signal-fail" || started.At.IsZero() {
		t.Errorf("the event is %+v", started)
	}

	w.events = &memory.Events{}
	w.down["vpn-berlinB"] = true
	w.reconcile("berlin")
	want(t, "the events of a hold", w.published(), []string{"berlin: Path State Changed", "berlin: Switchover Held"})

	w.events = &memory.Events{}
	w.request("berlin", protection.Request{ID: "m", Kind: protection.ManualSwitch, Path: "A"})
	w.reconcile("berlin")
	if got := w.published(); count(got, "berlin: Request Ended") != 1 {
		t.Errorf("the events of a refused request are %v", got)
	}
}

// TestWhatCannotBeToldChangesNothing: a wake-up that is not armed and an event
// that is not published are in the report.
func TestWhatCannotBeToldChangesNothing(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	w.refuseWake, w.refusePublish = errStore, errStore
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "the lease", w.item("berlin").Lease.Token, "")
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: 2})
	if report.Err == nil {
		t.Error("the report does not say so")
	}
}

// TestAdoptionIsNoSwitchover: a group that is taken over where it stands has not
// moved, so nobody is told that a switchover has completed.
func TestAdoptionIsNoSwitchover(t *testing.T) {
	w := newWorld(t, newGroup("berlin", 2))
	w.sweep()
	w.pass(settle + time.Second)
	w.sweep()
	want(t, "settled", w.item("berlin").Record.Settled, true)
	for _, event := range w.published() {
		if strings.Contains(event, "Switchover") {
			t.Errorf("published was %q", event)
		}
	}
}
