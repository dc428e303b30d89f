package controller_test

import (
	"context"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// guardLease fails the test when a write starts with too little of the lease
// left.
func guardLease(w *world, group string) func(int, *sim.Process) {
	return func(n int, _ *sim.Process) {
		if left := w.item(group).Lease.Until.Sub(w.s.Now()); left < callTimeout+skew {
			w.t.Errorf("write %d starts with %s of the lease left", n, left)
		}
	}
}

// TestALongWaveTakesWhatItsCostPredicts: 50 at once, then 5 a second, none wasted.
func TestALongWaveTakesWhatItsCostPredicts(t *testing.T) {
	w := settled(t, newGroup("berlin", 120))
	w.fail("berlin")
	w.onSend = guardLease(w, "berlin")
	report := only(t, w.reconcile("berlin"))
	sent := w.at("write")
	want(t, "writes", len(sent), 120)
	// The pacer reckons in floating point, which is a nanosecond off at times.
	took := sent[len(sent)-1].Sub(sent[0]).Round(time.Microsecond)
	want(t, "the time from the first to the last write", took, 14*time.Second)
	want(t, "the predicted time", report.Cost.Wait, took)
	want(t, "the predicted calls", report.Cost.Calls, []plan.BucketCalls{{Bucket: plan.BucketOf(report.Receipts[0].Change), Calls: 120}})
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: 120})
	renewals := w.at("renew")
	if len(renewals) != 1 {
		t.Fatalf("the lease was renewed %d times, want once", len(renewals))
	}
	// Long waits are cut at a quarter of the lease, and writes are 200 ms apart.
	if after := renewals[0].Sub(w.at("take")[0]); after < lease/2 || after > lease/2+250*time.Millisecond {
		t.Errorf("the lease was renewed after %s, want at half of %s", after, lease)
	}
}

// TestAnEmptyBucketHoldsUpNoFullOne: two accounts with 100 changes each take as
// long as one, as the cost says.
func TestAnEmptyBucketHoldsUpNoFullOne(t *testing.T) {
	g := newGroup("berlin", 200)
	for i := range 100 {
		table := &g.Units[0].Entries[i].Table
		table.ID, table.Account = "tgw-rtb-far", "444455556666"
	}
	w := settled(t, g)
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	sent := w.at("write")
	want(t, "writes", len(sent), 200)
	want(t, "the predicted time", report.Cost.Wait, 10*time.Second)
	if took := sent[len(sent)-1].Sub(sent[0]); took < report.Cost.Wait || took > report.Cost.Wait*105/100 {
		t.Errorf("the writes took %s, the cost says %s", took, report.Cost.Wait)
	}
	want(t, "writes at once", sent[99].Sub(sent[0]) < time.Second, true)
}

// TestAWaveThatStoodStillRenewsBeforeItGoesOn: a frozen process finds too little
// of its lease left.
func TestAWaveThatStoodStillRenewsBeforeItGoesOn(t *testing.T) {
	w := settled(t, newGroup("berlin", 10))
	w.fail("berlin")
	guard := guardLease(w, "berlin")
	w.onSend = func(n int, p *sim.Process) {
		guard(n, p)
		if n == 1 {
			p.Freeze(14 * time.Second) // 6 s of the lease are left then.
		}
	}
	report := only(t, w.reconcile("berlin"))
	got := outcomes(report.Receipts)
	if got[route.NotStarted] == 0 || got[route.Applied] != 10 {
		t.Errorf("the receipts are %v", got)
	}
	want(t, "writes", w.seen["write"], 10)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 10})
	want(t, "the status", report.Status, controller.StatusDone)
}

// TestARunWhoseLeaseRanOutReadsAgain: it may go on, since nobody took the lease, but
// not from what it read before it stood still.
func TestARunWhoseLeaseRanOutReadsAgain(t *testing.T) {
	const long = lease + 10*time.Second
	for _, c := range []struct {
		name   string
		freeze func(w *world, p **sim.Process)
	}{
		{"it stood still in the commit", func(w *world, p **sim.Process) {
			w.onStore = func(op string, _ controller.Key, n int) fault {
				return failing(op == "commit" && n == 1, fault{first: func() { (*p).Freeze(long) }})
			}
		}},
		{"it stood still in the wave", func(w *world, _ **sim.Process) {
			w.onSend = func(n int, p *sim.Process) {
				if n == 40 {
					p.Freeze(long)
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup("berlin", 60)
			w := settled(t, g)
			w.fail("berlin")
			var p *sim.Process
			c.freeze(w, &p)
			last := g.Units[0].Entries[59].EntryKey
			foreign := route.MustNextHop("tgw-attach-somebody")
			w.s.At(w.s.Now().Add(lease), "somebody", func() { w.tables[last] = foreign })
			var reports []controller.Report
			p = w.run("switchover", func(ctx context.Context, _ *sim.Process, cc *controller.Controller) {
				reports = cc.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}, Event: "event-1"})
			})
			w.await(p)
			want(t, "somebody's route", w.tables[last], foreign)
			want(t, "the group's routes", w.standsOn("berlin")["B"], 59)
			want(t, "times through the steps", len(reports), 2)
			report := reports[len(reports)-1]
			want(t, "the status", report.Status, controller.StatusDone)
			want(t, "what is left alone", len(report.Skipped), 1)
		})
	}
}

// TestARunThatAlwaysStandsStillLeavesTheRest: the sweep finishes it.
func TestARunThatAlwaysStandsStillLeavesTheRest(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	var p *sim.Process
	w.onStore = func(op string, _ controller.Key, _ int) fault {
		return failing(op == "commit", fault{first: func() { p.Freeze(lease + time.Second) }})
	}
	w.onRead = func(int, *route.Reading) { p.Freeze(lease + time.Second) }
	var reports []controller.Report
	p = w.run("switchover", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		reports = c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}, Event: "event-1"})
	})
	w.await(p)
	want(t, "writes", w.seen["write"], 0)
	want(t, "times through the steps", len(reports), 3)
	want(t, "the status", reports[len(reports)-1].Status, controller.StatusUnfinished)
	w.onStore, w.onRead = nil, nil
	w.sweep()
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
}

// TestALeaseThatAnotherRunTookEndsTheWave: nothing more is sent, and the lease
// of the other run is left alone.
func TestALeaseThatAnotherRunTookEndsTheWave(t *testing.T) {
	w := settled(t, newGroup("berlin", 80))
	w.fail("berlin")
	var stolen time.Time
	w.onSend = func(n int, p *sim.Process) {
		if n != 60 {
			return
		}
		p.Freeze(lease + 2*skew)
		w.s.At(w.s.Now().Add(lease+skew+time.Second), "steal", func() {
			stolen = w.s.Now()
			if _, _, err := w.store.Take(context.Background(), controller.GroupKey("berlin"), "other"); err != nil {
				t.Error(err)
			}
		})
	}
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusFenced)
	want(t, "the lease", w.item("berlin").Lease.Token, "other")
	for _, at := range w.at("write") {
		if at.After(stolen) {
			t.Errorf("a write was sent at %s, the lease was lost at %s", at, stolen)
		}
	}
	if got := outcomes(report.Receipts); got[route.NotStarted] != 80-w.seen["write"] || w.seen["write"] != 60 {
		t.Errorf("%d writes, receipts %v", w.seen["write"], got)
	}
	want(t, "calls after the wave", w.seen["release"]+w.seen["wake"], 0)
	want(t, "events of what was committed", w.seen["publish"], 2)
}

// TestAFreezeInMidWave says what each kind of freeze does to a wave under way.
func TestAFreezeInMidWave(t *testing.T) {
	cases := map[string]struct {
		make    func(w *world)
		stops   bool
		partial bool
	}{
		"an immediate freeze of all stops it at the next renewal": {func(w *world) {
			freeze := protection.FreezeState{On: true, Immediate: true}
			if err := w.store.Control(context.Background(), controller.ControlChange{Freeze: &freeze}); err != nil {
				w.t.Error(err)
			}
		}, true, false},
		// The request makes the item dirty, so the same run decides once more.
		"an immediate freeze of the group stops it and is reported as held-partial": {func(w *world) {
			w.request("berlin", protection.Request{ID: "f", Kind: protection.Freeze, Immediate: true})
		}, true, true},
		"a freeze after the change lets it end": {func(w *world) {
			w.request("berlin", protection.Request{ID: "f", Kind: protection.Freeze})
		}, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 120))
			w.fail("berlin")
			w.s.At(w.s.Now().Add(3*time.Second), "freeze", func() { c.make(w) })
			reports := w.reconcile("berlin")
			report, final := reports[0], reports[len(reports)-1]
			if !c.stops {
				want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 120})
				want(t, "the status", report.Status, controller.StatusDone)
				return
			}
			renewed := w.at("renew")[0]
			for _, at := range w.at("write") {
				if at.After(renewed) {
					t.Errorf("a write was sent at %s, after the renewal at %s", at, renewed)
				}
			}
			on := w.standsOn("berlin")
			if on["A"] == 0 || on["B"] == 0 {
				t.Errorf("the entries stand on %v, want some on each", on)
			}
			want(t, "the status", report.Status, controller.StatusUnfinished)
			want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: on["B"], route.NotStarted: on["A"]})
			want(t, "held-partial", final.Output.HeldPartial, c.partial)
			want(t, "the lease", w.item("berlin").Lease.Token, "")
			if report.WakeAt.IsZero() {
				t.Error("no wake-up was asked for")
			}
			sent := w.seen["write"]
			w.pass(time.Minute)
			if later := only(t, w.reconcile("berlin")); !later.Output.HeldPartial || w.seen["write"] != sent {
				t.Errorf("under the freeze the next run reports %+v", later.Output)
			}
		})
	}
}

// TestARenewalThatIsFencedEndsTheWave: the receipts say what was not sent.
func TestARenewalThatIsFencedEndsTheWave(t *testing.T) {
	w := settled(t, newGroup("berlin", 120))
	w.fail("berlin")
	w.onStore = func(op string, _ controller.Key, _ int) fault {
		return failing(op == "renew", fault{instead: controller.ErrFenced})
	}
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusFenced)
	renewed := w.at("renew")[0]
	if last := w.at("write")[w.seen["write"]-1]; last.After(renewed) || w.seen["write"] == 120 {
		t.Errorf("%d writes, the last at %s, the renewal at %s", w.seen["write"], last, renewed)
	}
	want(t, "commits", w.seen["commit"], 1)
}

// TestTheDeadlineOfARunEndsTheWaveInTime: there is time left for the steps after
// it, and another run is asked for.
func TestTheDeadlineOfARunEndsTheWaveInTime(t *testing.T) {
	w := settled(t, newGroup("berlin", 200))
	w.fail("berlin")
	var report controller.Report
	var deadline, ended time.Time
	w.await(w.run("switchover", func(ctx context.Context, p *sim.Process, c *controller.Controller) {
		ctx, cancel := p.Timeout(ctx, 20*time.Second)
		defer cancel()
		deadline, _ = ctx.Deadline()
		report = only(t, c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}}))
		ended = p.Now()
	}))
	sent := w.at("write")
	if last := sent[len(sent)-1]; len(sent) == 200 || deadline.Sub(last) < 2*callTimeout || deadline.Sub(last) > 2*callTimeout+time.Second {
		t.Errorf("%d writes, the last %s before the deadline", len(sent), deadline.Sub(last))
	}
	if !ended.Before(deadline) || w.item("berlin").Lease.Token != "" {
		t.Errorf("the run ended at %s with the deadline at %s", ended, deadline)
	}
	want(t, "the status", report.Status, controller.StatusUnfinished)
	want(t, "out of time", report.OutOfTime, true)
	if report.WakeAt.Sub(ended) > settle || len(w.waiting()) == 0 {
		t.Errorf("the wake-up is at %s, the run ended at %s", report.WakeAt, ended)
	}
	w.pass(settle)
	want(t, "the next run", only(t, w.reconcile("berlin")).Status, controller.StatusDone)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 200})
	want(t, "moves", len(w.control().Moves), 1)
}

// TestADirtyItemNearTheDeadlineIsLeftToAWakeUp: what came in meanwhile is for a
// run that has the time for it.
func TestADirtyItemNearTheDeadlineIsLeftToAWakeUp(t *testing.T) {
	w := settled(t, newGroup("berlin", 200))
	w.fail("berlin")
	asked := false
	w.onStore = func(op string, _ controller.Key, _ int) fault {
		if op == "release" && !asked {
			asked = true
			w.request("berlin", protection.Request{ID: "r1", Kind: protection.Freeze})
		}
		return fault{}
	}
	var reports []controller.Report
	w.await(w.run("switchover", func(ctx context.Context, p *sim.Process, c *controller.Controller) {
		ctx, cancel := p.Timeout(ctx, 20*time.Second)
		defer cancel()
		reports = c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
	}))
	want(t, "times through the steps", len(reports), 1)
	want(t, "the lease", w.item("berlin").Lease.Token, "")
	if len(w.waiting()) == 0 {
		t.Error("no wake-up was asked for")
	}
}
