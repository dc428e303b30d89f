package controller_test

import (
	"context"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// The tests of this file are about those who come while another run holds the
// lease, and about what must be armed so that nobody waits for the sweep.

// forAges is a time by which every wake-up is due.
const forAges = 1000 * time.Hour

// meet starts a run, and another one while the first holds the lease.
func (w *world) meet(first, second controller.Trigger) (late controller.Report) {
	holder := w.run("holder", func(ctx context.Context, _ *sim.Process, c *controller.Controller) { c.Reconcile(ctx, first) })
	w.pass(10 * time.Millisecond)
	comer := w.run("late-comer", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		reports := c.Reconcile(ctx, second)
		late = reports[len(reports)-1]
	})
	w.await(holder)
	w.await(comer)
	return late
}

// flap makes path B come and go until it is suppressed, which gives the group a
// deadline that is far ahead.
func (w *world) flap() {
	for range 12 {
		w.down["vpn-berlinB"] = true
		w.sweep()
		w.pass(5 * time.Second)
		delete(w.down, "vpn-berlinB")
		w.sweep()
		w.pass(5 * time.Second)
	}
}

// TestAnEarlyWakeUpThatFindsTheLeaseHeldIsNotLost: SQS delays by fifteen minutes
// at the most, so a deadline further ahead hangs on a chain of wake-ups.
func TestAnEarlyWakeUpThatFindsTheLeaseHeldIsNotLost(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.flap()
	w.pass(15 * time.Minute)
	w.wakes.Due(w.s.Now().Add(forAges)) // They have come.
	late := w.meet(controller.Trigger{Groups: []string{"berlin"}}, controller.Trigger{Groups: []string{"berlin"}, Wake: true})
	want(t, "the wake-up's run", late.Status, controller.StatusBusy)
	if len(w.waiting()) == 0 {
		t.Errorf("nothing is armed for %s", w.item("berlin").Wakes)
	}
}

// TestAHintThatFindsTheLeaseHeldIsPassedOn: telemetry lags, and the holder does
// not know that there was an event.
func TestAHintThatFindsTheLeaseHeldIsPassedOn(t *testing.T) {
	hint := protection.Hint{Subject: health.Subject{Kind: health.SubjectVPN, ID: "vpn-berlinA", Account: "111122223333", Region: "eu-west-1"}, Down: true}
	for _, c := range []struct {
		name string
		hint protection.Hint
		want int
	}{
		{"a hint is looked at again", hint, 1},
		{"without one nothing is armed", protection.Hint{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			trigger := controller.Trigger{Groups: []string{"berlin"}}
			if c.hint.Down {
				c.hint.At = w.s.Now()
				trigger.Hints = []protection.Hint{c.hint}
			}
			late := w.meet(controller.Trigger{Groups: []string{"berlin"}, Wake: true}, trigger)
			want(t, "the event's run", late.Status, controller.StatusBusy)
			want(t, "wake-ups", len(w.waiting()), c.want)
		})
	}
}

// TestAFailedRunIsFollowedWhenItsLeaseEnds: until then others find the lease
// held, and rely on a run that is over.
func TestAFailedRunIsFollowedWhenItsLeaseEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		op    string
		fault fault
	}{
		{"the commit fails", "commit", fault{instead: errStore}},
		{"the answers to the take are lost", "take", fault{lost: errStore}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			w.onStore = func(op string, _ controller.Key, n int) fault {
				return failing(op == c.op && n <= 3, c.fault)
			}
			want(t, "the run", only(t, w.reconcile("berlin")).Status, controller.StatusFailed)
			want(t, "the late-comer", only(t, w.reconcile("berlin")).Status, controller.StatusBusy)
			waiting := w.wakes.Waiting()
			if len(waiting) != 1 || waiting[0].At.Before(w.item("berlin").Lease.Until.Add(skew)) {
				t.Fatalf("waiting are %v, the lease lasts until %s", waiting, w.item("berlin").Lease.Until)
			}
			w.s.RunUntil(waiting[0].At.Add(time.Second))
			w.wakes.Due(w.s.Now())
			reports := w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
			want(t, "the wake-up's run", reports[0].Status, controller.StatusDone)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
		})
	}
	t.Run("a failed wake-up comes again by itself", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.fail("berlin")
		w.onStore = func(op string, _ controller.Key, _ int) fault { return failing(op == "take", fault{instead: errStore}) }
		w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
		want(t, "wake-ups", len(w.waiting()), 0)
	})
}

// TestWakeUpsDoNotMultiply: for as long as EC2 throttles there is one chain of
// wake-ups, also beside a deadline that is too far ahead for one message.
func TestWakeUpsDoNotMultiply(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.flap()
	w.fail("berlin")
	w.onRead = func(_ int, r *route.Reading) { r.Complete, r.Problem, r.Routes = false, route.ProblemThrottled, nil }
	w.wakes.Due(w.s.Now().Add(forAges))
	w.reconcile("berlin")
	const furthest = 15 * time.Minute // SQS API, SendMessage
	var queue []time.Time
	most := 0
	for end := w.s.Now().Add(40 * time.Minute); w.s.Now().Before(end); w.pass(time.Second) {
		now := w.s.Now()
		for _, up := range w.wakes.Due(now.Add(forAges)) {
			queue = append(queue, now.Add(min(up.At.Sub(now), furthest)))
		}
		most = max(most, len(queue))
		var later []time.Time
		for _, at := range queue {
			if at.After(now) {
				later = append(later, at)
			}
		}
		if len(later) < len(queue) {
			w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
		}
		queue = later
	}
	if most > 1 || len(queue) > 1 {
		t.Errorf("at one time %d wake-ups were waiting, at the end %d", most, len(queue))
	}
}

// TestAnEventThatMeetsAStrayWakeUpIsNotLost: SQS delivers twice now and then.
func TestAnEventThatMeetsAStrayWakeUpIsNotLost(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.everything(false)
	w.pass(30 * time.Second)
	w.wakes.Due(w.s.Now().Add(forAges))
	everything := func(fromWake bool) *sim.Process {
		return w.run("everything", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
			if _, looked, err := c.Everything(ctx, "event", fromWake); looked || err != nil {
				t.Errorf("looked %v, %v", looked, err)
			}
		})
	}
	stray := everything(true)
	w.pass(3 * time.Millisecond) // It has taken the lease.
	event := everything(false)
	w.await(stray)
	w.await(event)
	want(t, "wake-ups for the end of the minute", len(w.waiting()), 1)
	want(t, "the lease", func() string {
		items, _, err := w.store.Peek(t.Context(), []controller.Key{controller.KeyEverything})
		if err != nil {
			t.Fatal(err)
		}
		return items[0].Lease.Token
	}(), "")
}

// TestAWakeUpForEverythingAllowsForClocks: the clock that armed it may be ahead
// of the one that it meets.
func TestAWakeUpForEverythingAllowsForClocks(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.everything(false)
	w.pass(time.Minute - skew)
	if !w.everything(true) {
		t.Errorf("the wake-up %s before the minute's end was dropped", skew)
	}
}

// grown returns the group with one more unit, whose route stands on the path.
func (w *world) grown(g protection.Group, path string) protection.Group {
	entry := protection.Entry{
		EntryKey: protection.EntryKey{Table: g.Tables()[0], Destination: route.MustDestination("10.9.9.0/24")},
		NextHops: []protection.PathNextHop{{Path: "A", NextHop: hop(g.Name, "A")}, {Path: "B", NextHop: hop(g.Name, "B")}},
	}
	g.Units = append(g.Units, protection.Unit{Name: "more", Entries: []protection.Entry{entry}})
	w.tables[entry.EntryKey] = hop(g.Name, path)
	return g
}

// TestAUnitThatADeploymentAddsGoesWithItsGroup: the group is on B as a whole, and
// stays so, wherever the new route stands.
func TestAUnitThatADeploymentAddsGoesWithItsGroup(t *testing.T) {
	for _, path := range []string{"A", "B"} {
		t.Run("its route stands on "+path, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			for range 3 {
				w.sweep()
				w.pass(settle + time.Second)
			}
			epoch := w.item("berlin").Record.Decision.Epoch
			delete(w.down, "vpn-berlinA")
			w.sweep()
			w.groups = []protection.Group{w.grown(newGroup("berlin", 2), path)}
			for range 3 {
				w.sweep()
				w.pass(settle + time.Second)
			}
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
			decision := w.item("berlin").Record.Decision
			if decision.Epoch != epoch || decision.Extent != 2 || !w.item("berlin").Record.Settled {
				t.Errorf("the record is %+v", w.item("berlin").Record)
			}
		})
	}
}

// TestWhatIsLeftAloneIsTold: a move whose routes somebody else holds is no
// completed switchover, and a route that becomes foreign later is seen, too.
func TestWhatIsLeftAloneIsTold(t *testing.T) {
	foreign := route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-somebody"}
	entry := func(w *world) protection.EntryKey { return w.groups[0].Units[0].Entries[0].EntryKey }
	t.Run("when a move settles", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.tables[entry(w)] = foreign
		w.fail("berlin")
		for range 2 {
			w.reconcile("berlin")
			w.pass(settle + time.Second)
		}
		want(t, "settled", w.item("berlin").Record.Settled, true)
		want(t, "the events", w.published(), []string{"berlin: Path State Changed", "berlin: Switchover Started", "berlin: Switchover Held"})
	})
	t.Run("while all is quiet", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.tables[entry(w)] = foreign
		report := only(t, w.sweep())
		if report.Status != controller.StatusQuiet || len(report.Skipped) != 1 || report.Skipped[0].Entry != entry(w) {
			t.Errorf("%s, left alone %+v", report.Status, report.Skipped)
		}
	})
}

// TestTheJournalHasHolds: when a group began to stay where it should not be, and
// when that ended, is what a person looks for afterwards.
func TestTheJournalHasHolds(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.down["vpn-berlinA"], w.down["vpn-berlinB"] = true, true
	w.sweep()
	w.sweep()
	delete(w.down, "vpn-berlinA")
	w.sweep()
	history, err := w.store.History(t.Context(), "group#berlin", 2)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the end", []any{history[0].Decision.Action, history[0].Decision.To}, []any{protection.Stay, "A"})
	want(t, "the hold", []any{history[1].Decision.Action, history[1].Decision.Reason}, []any{protection.Hold, protection.ReasonNoUsablePath})
}
