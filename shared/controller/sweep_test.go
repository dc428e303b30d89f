package controller_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// TestASweepOfQuietGroupsCostsNoWrites: one read of the store, no lease, no
// commit.
func TestASweepOfQuietGroupsCostsNoWrites(t *testing.T) {
	var groups []protection.Group
	for i := range 40 {
		groups = append(groups, newGroup(fmt.Sprintf("g%02d", i), 2))
	}
	w := settled(t, groups...)
	before := make([]controller.Item, len(groups))
	for i, g := range groups {
		before[i] = w.item(g.Name)
	}
	for range 5 {
		for _, r := range w.sweep() {
			want(t, "the status of "+r.Group, r.Status, controller.StatusQuiet)
		}
		w.pass(time.Minute)
	}
	want(t, "the calls", compact(w.what()[:3])[0], "peek")
	want(t, "calls of each kind", fmt.Sprint(w.seen), fmt.Sprint(map[string]int{"peek": 5, "read": 5, "evidence": 5}))
	for i, g := range groups {
		after := w.item(g.Name)
		if after.Revision != before[i].Revision || after.Dirty != before[i].Dirty || after.Lease != before[i].Lease {
			t.Errorf("the item of %s changed from %+v to %+v", g.Name, before[i], after)
		}
	}
	want(t, "wake-ups", len(w.wakes.Waiting()), 0)
	want(t, "events", len(w.events.All()), 0)
}

// TestASweepTakesOnlyTheLeasesThatItNeeds: and reports all groups, by priority.
func TestASweepTakesOnlyTheLeasesThatItNeeds(t *testing.T) {
	w := settled(t, newGroup("berlin", 2), newGroup("paris", 2), newGroup("rome", 2))
	w.fail("paris")
	reports := w.sweep()
	var got []string
	for _, r := range reports {
		got = append(got, r.Group+" "+string(r.Status))
	}
	want(t, "the reports", got, []string{"berlin quiet", "paris done", "rome quiet"})
	want(t, "leases", w.seen["take"], 1)
	want(t, "paris", w.standsOn("paris"), map[string]int{"B": 2})
}

// TestASweepOfAStoreThatDoesNotAnswerFails, and reads nothing.
func TestASweepOfAStoreThatDoesNotAnswerFails(t *testing.T) {
	w := settled(t, newGroup("berlin", 2), newGroup("paris", 2))
	w.onStore = func(string, controller.Key, int) fault { return fault{instead: errStore} }
	for _, r := range w.sweep() {
		if r.Status != controller.StatusFailed || r.Err == nil {
			t.Errorf("the report is %+v", r)
		}
	}
	want(t, "calls of each kind", fmt.Sprint(w.seen), fmt.Sprint(map[string]int{"peek": 3}))
}

// TestALookAtUnreadableEvidenceMovesNothing: a broken sensor is no broken path.
func TestALookAtUnreadableEvidenceMovesNothing(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.onFacts = func(_ int, f *health.Fact) {
		f.Kind, f.Problem = health.FactUnreadable, route.ProblemThrottled
	}
	report := only(t, w.sweep())
	want(t, "writes", w.seen["write"], 0)
	want(t, "the reason", report.Decision.Reason, protection.ReasonSensor)
	want(t, "readings: three for each of the look and the run", w.seen["evidence"], 6)
}

// everything looks at everything, and says whether it did.
func (w *world) everything(fromWake bool) bool {
	w.t.Helper()
	var looked bool
	w.await(w.run("everything", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		var err error
		if _, looked, err = c.Everything(ctx, "event", fromWake); err != nil {
			w.t.Error(err)
		}
	}))
	return looked
}

// TestEverything is looked at once a minute at most.
func TestEverything(t *testing.T) {
	t.Run("events of one minute lead to one look now and one at its end", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		want(t, "the first event", w.everything(false), true)
		first := w.s.Now()
		for range 4 {
			w.pass(5 * time.Second)
			want(t, "an event within the minute", w.everything(false), false)
		}
		ups := w.wakes.Due(w.s.Now().Add(time.Hour))
		for _, up := range ups {
			if up.Key != controller.KeyEverything || !up.At.Equal(ups[0].At) || up.At.Sub(first) > time.Minute {
				t.Errorf("a wake-up of %s at %s", up.Key, up.At)
			}
		}
		w.s.RunUntil(ups[0].At)
		looks := 0
		for range ups {
			if w.everything(true) {
				looks++
			}
		}
		want(t, "looks by the wake-ups", looks, 1)
		want(t, "further wake-ups", len(w.wakes.Waiting()), 0)
	})
	t.Run("a wake-up that comes too soon is dropped and arms no other", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		w.everything(false)
		w.pass(30 * time.Second)
		want(t, "looked", w.everything(true), false)
		want(t, "wake-ups", len(w.wakes.Waiting()), 0)
		want(t, "looks", w.seen["peek"], 1)
	})
	t.Run("wake-ups that are delivered as they are armed come to an end", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		for range 3 {
			w.everything(false)
		}
		delivered := 0
		for len(w.wakes.Waiting()) > 0 && delivered < 100 {
			w.s.RunUntil(w.wakes.Waiting()[0].At)
			for range w.wakes.Due(w.s.Now()) {
				delivered++
				w.everything(true)
			}
		}
		// The second event finds the wake-up that the first has armed.
		want(t, "delivered", delivered, 1)
	})
	t.Run("an event while another run is about to look is left to it", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		if _, _, err := w.store.Take(t.Context(), controller.KeyEverything, "other"); err != nil {
			t.Fatal(err)
		}
		want(t, "looked", w.everything(false), false)
		want(t, "looks", w.seen["peek"], 0)
	})
	t.Run("the item becoming dirty meanwhile keeps nobody from looking", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		w.onStore = func(op string, key controller.Key, _ int) fault {
			if op == "commit" && key == controller.KeyEverything {
				return fault{first: func() { _, _, _ = w.store.Take(context.Background(), key, "other") }}
			}
			return fault{}
		}
		want(t, "looked", w.everything(false), true)
		// Were the lease kept, the next event would be left to a run that has ended.
		want(t, "the next event", w.everything(false), false)
		want(t, "wake-ups for it", len(w.wakes.Waiting()), 1)
	})
	t.Run("a store that does not answer is an error, and nothing is looked at", func(t *testing.T) {
		for _, op := range []string{"take", "commit", "release"} {
			w := settled(t, newGroup("berlin", 1))
			w.onStore = func(called string, _ controller.Key, _ int) fault {
				return failing(called == op, fault{instead: errStore})
			}
			var err error
			w.await(w.run("everything", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
				_, _, err = c.Everything(ctx, "event", false)
			}))
			if err == nil || w.seen["peek"] != 0 {
				t.Errorf("%s fails: %v, looks %d", op, err, w.seen["peek"])
			}
		}
	})
}

// hint says that the first tunnel of the group's path A went down.
func (w *world) hint(group string) controller.Trigger {
	for _, g := range w.groups {
		if g.Name == group {
			return controller.Trigger{Groups: []string{group}, Hints: []protection.Hint{{
				At: w.s.Now(), Subject: g.Paths[0].Spec.Subject, Part: "192.0.2.1", Down: true,
			}}}
		}
	}
	panic("no group " + group)
}

// TestAHintThatTheReadingContradictsIsReadAgain: at 5, 15, 30, 60 and 120 s,
// counted from its arrival.
func TestAHintThatTheReadingContradictsIsReadAgain(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	came := w.s.Now()
	w.trigger(w.hint("berlin"))
	var after []time.Duration
	for len(w.wakes.Waiting()) > 0 && len(after) < 20 {
		up := w.wakes.Waiting()[0]
		after = append(after, up.At.Sub(came))
		w.s.RunUntil(up.At)
		w.wakes.Due(up.At)
		report := only(t, w.reconcile("berlin"))
		want(t, "the lag of a hint that was not borne out", report.Lag, time.Duration(0))
	}
	want(t, "the re-reads", after, []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute})
	want(t, "the hint that is kept", w.item("berlin").Record.Hint, protection.Hint{})
	want(t, "writes", w.seen["write"], 0)
}

// TestAHintThatTelemetryBearsOutLate: the lag is reported, and re-reading ends.
func TestAHintThatTelemetryBearsOutLate(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	came := w.s.Now()
	w.trigger(w.hint("berlin"))
	w.s.RunUntil(came.Add(5 * time.Second))
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	if report.Lag < 5*time.Second || report.Lag > 6*time.Second {
		t.Errorf("the lag is %s, want 5 s and what the reading took", report.Lag)
	}
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
	want(t, "the hint that is kept", w.item("berlin").Record.Hint, protection.Hint{})
}

// TestAHintThatIsBorneOutAtOnceHasNoLag.
func TestAHintThatIsBorneOutAtOnceHasNoLag(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	report := only(t, w.trigger(w.hint("berlin")))
	want(t, "the lag", report.Lag, time.Duration(0))
	want(t, "the wake-ups", w.waiting(), []string{"berlin 10s"})
}

// TestAHintForAnotherGroupIsPassedOver: a trigger may name several groups.
func TestAHintForAnotherGroupIsPassedOver(t *testing.T) {
	w := settled(t, newGroup("berlin", 1), newGroup("paris", 1))
	trigger := w.hint("berlin")
	trigger.Groups = []string{"berlin", "paris"}
	w.trigger(trigger)
	want(t, "paris keeps", w.item("paris").Record.Hint, protection.Hint{})
	if w.item("berlin").Record.Hint.At.IsZero() {
		t.Error("berlin keeps no hint")
	}
}

// TestObserveWritesNoRoute: the decision is what would be.
func TestObserveWritesNoRoute(t *testing.T) {
	g := newGroup("berlin", 2)
	g.Mode = protection.Observe
	w := newWorld(t, g)
	w.sweep()
	w.fail("berlin")
	report := only(t, w.sweep())
	want(t, "writes", w.seen["write"], 0)
	want(t, "would be", []any{report.WouldBe, report.Decision.To, report.Cost.Calls[0].Calls}, []any{true, "B", 2})
	want(t, "the record's decision", w.item("berlin").Record.Decision.To, "A")
	want(t, "moves", len(w.control().Moves), 0)
	quiet := only(t, w.sweep())
	want(t, "the same readings again", quiet.Status, controller.StatusQuiet)
	want(t, "would be, still", quiet.Decision.To, "B")
}
