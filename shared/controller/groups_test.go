package controller_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// TestBlastRadius: with one move left, priority decides who moves.
func TestBlastRadius(t *testing.T) {
	berlin, paris := newGroup("berlin", 2), newGroup("paris", 2)
	berlin.Priority, paris.Priority = 2, 1
	w := settled(t, berlin, paris)
	w.settings.MaxMoves = 1
	w.fail("berlin", "paris")
	reports := w.reconcile("berlin", "paris")
	want(t, "the reports' order", reports[0].Group+" "+reports[1].Group, "paris berlin")
	want(t, "paris", w.standsOn("paris"), map[string]int{"B": 2})
	want(t, "berlin", w.standsOn("berlin"), map[string]int{"A": 2})
	want(t, "berlin's decision", string(reports[1].Decision.Action)+" "+string(reports[1].Decision.Reason), "hold mass-failure")
	if w.item("berlin").Record.MassFailureAt.IsZero() {
		t.Error("the hold is not in the record")
	}
	want(t, "events", count(w.published(), "berlin: Switchover Held"), 1)
	want(t, "moves", len(w.control().Moves), 1)

	w.pass(w.settings.MoveWindow + time.Second)
	w.sweep()
	want(t, "berlin when the window is past", w.standsOn("berlin"), map[string]int{"A": 2})
	w.request("berlin", protection.Request{ID: "r", Kind: protection.Release})
	w.sweep()
	want(t, "berlin after a release", w.standsOn("berlin"), map[string]int{"B": 2})
}

// TestAReleaseOfAll ends every hold that was there before it.
func TestAReleaseOfAll(t *testing.T) {
	w := settled(t, newGroup("berlin", 1), newGroup("paris", 1))
	w.settings.MaxMoves = 0
	w.fail("berlin", "paris")
	w.sweep()
	want(t, "moves", len(w.control().Moves), 0)
	now := w.s.Now()
	if err := w.store.Control(t.Context(), controller.ControlChange{ReleasedAt: &now}); err != nil {
		t.Fatal(err)
	}
	w.sweep()
	want(t, "the entries", []any{w.standsOn("berlin"), w.standsOn("paris")}, []any{map[string]int{"B": 1}, map[string]int{"B": 1}})
}

// TestTwoRunsShareOneBudget: the control item changed between the Take and the
// Commit, so the later run renews and decides again.
func TestTwoRunsShareOneBudget(t *testing.T) {
	w := settled(t, newGroup("berlin", 1), newGroup("paris", 1))
	w.settings.MaxMoves = 1
	w.fail("berlin", "paris")
	reports := map[string]controller.Report{}
	for _, name := range []string{"berlin", "paris"} {
		w.run(name, func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
			reports[name] = c.Reconcile(ctx, controller.Trigger{Groups: []string{name}})[0]
		})
	}
	w.pass(5 * time.Second)
	moved := 0
	for _, name := range []string{"berlin", "paris"} {
		moved += w.standsOn(name)["B"]
	}
	want(t, "groups that moved", moved, 1)
	want(t, "moves in the control item", len(w.control().Moves), 1)
	want(t, "renewals", w.seen["renew"], 1)
	held := 0
	for _, r := range reports {
		want(t, "the status", r.Status, controller.StatusDone)
		if r.Decision.Reason == protection.ReasonMassFailure {
			held++
		}
	}
	want(t, "groups that are held", held, 1)
}

// TestManyGroupsFailAtOnce: every move of one run is counted, within the
// attempts that a commit has.
func TestManyGroupsFailAtOnce(t *testing.T) {
	var groups []protection.Group
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("g%02d", i))
		groups = append(groups, newGroup(names[i], 1))
	}
	w := settled(t, groups...)
	w.settings.MaxMoves = 12
	w.fail(names...)
	w.sweep()
	want(t, "moves", len(w.control().Moves), 12)
	for i, name := range names {
		path := "B"
		if i >= 12 {
			path = "A"
		}
		want(t, name, w.standsOn(name), map[string]int{path: 1})
	}
}

// TestADirtyItemIsLookedAtOnceMore: what came in during the run is part of it.
func TestADirtyItemIsLookedAtOnceMore(t *testing.T) {
	t.Run("a request during the run is followed by the run", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		asked := false
		w.onStore = func(op string, _ controller.Key, _ int) fault {
			if op == "release" && !asked {
				asked = true
				return fault{first: func() {
					w.request("berlin", protection.Request{ID: "f", Kind: protection.ForcedSwitch, Path: "B"})
				}}
			}
			return fault{}
		}
		reports := w.reconcile("berlin")
		want(t, "the number of reports", len(reports), 2)
		report := reports[1]
		want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
		want(t, "the reason", report.Decision.Reason, protection.ReasonForcedSwitch)
		want(t, "takes and releases", fmt.Sprint(w.seen["take"], w.seen["release"]), "1 2")
		want(t, "the lease", w.item("berlin").Lease.Token, "")
	})
	t.Run("a request between the reading and the commit is not lost", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.fail("berlin")
		w.onStore = func(op string, _ controller.Key, n int) fault {
			if op == "commit" && n == 1 {
				return fault{first: func() {
					w.request("berlin", protection.Request{ID: "l", Kind: protection.Lockout, Path: "B"})
				}}
			}
			return fault{}
		}
		reports := w.reconcile("berlin")
		want(t, "the number of reports", len(reports), 2)
		// Each time through the steps keeps its own decision.
		want(t, "the first decision", reports[0].Decision.Action, protection.Move)
		report := reports[1]
		want(t, "the decision", string(report.Decision.Action)+" "+string(report.Decision.Reason), "hold no-usable-path")
		want(t, "releases", w.seen["release"], 2)
	})
	t.Run("an event during the run makes its holder run once more", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		w.fail("berlin")
		w.onStore = func(op string, _ controller.Key, n int) fault {
			if op == "commit" && n == 1 {
				return fault{first: func() {
					w.run("second", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
						c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
					})
				}}
			}
			return fault{}
		}
		w.reconcile("berlin")
		want(t, "readings of the evidence", w.seen["evidence"], 2)
		want(t, "writes", w.seen["write"], 2)
	})
	t.Run("a request in every cycle ends after three, with a wake-up", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 2))
		n := 0
		w.onStore = func(op string, _ controller.Key, _ int) fault {
			if op == "release" && n < 3 {
				n++
				return fault{first: func() {
					w.request("berlin", protection.Request{ID: fmt.Sprint(n), Kind: protection.Lockout, Path: "B"})
				}}
			}
			return fault{}
		}
		w.reconcile("berlin")
		want(t, "readings of the evidence", w.seen["evidence"], 3)
		want(t, "the lease", w.item("berlin").Lease.Token, "")
		got := w.what()
		// A wake-up that came before the release would find the lease held.
		if got[len(got)-1] != "wake berlin" || got[len(got)-2] != "release berlin" {
			t.Errorf("the calls are %v", got)
		}
		if ups := w.wakes.Waiting(); len(ups) != 1 || ups[0].At.After(w.s.Now()) {
			t.Errorf("the wake-ups are %v", w.waiting())
		}
	})
}

// TestAGroupStandsForItself is invariant 5: its decision does not depend on
// another group's routes, or on how it was named.
func TestAGroupStandsForItself(t *testing.T) {
	alone := settled(t, newGroup("berlin", 3))
	alone.fail("berlin")
	first := only(t, alone.reconcile("berlin"))

	both := settled(t, newGroup("berlin", 3), newGroup("paris", 3))
	both.fail("berlin")
	for key := range both.tables {
		if key.Table.ID == "tgw-rtb-paris" {
			delete(both.tables, key)
		}
	}
	second := both.reconcile("berlin", "berlin", "nobody", "berlin")
	if len(second) != 1 {
		t.Fatalf("%d reports for one group that was named three times, and one that is not there", len(second))
	}
	for _, r := range []*controller.Report{&first, &second[0]} {
		r.Decision.Epoch = 0
	}
	want(t, "the decision", second[0].Decision, first.Decision)
	want(t, "the changes", len(second[0].Receipts), len(first.Receipts))
	want(t, "takes", both.seen["take"], 1)
	want(t, "writes to the other group", both.standsOn("paris"), map[string]int{})
}

// TestNamesAndSubjects: the index from what an event names to who is concerned.
func TestNamesAndSubjects(t *testing.T) {
	berlin, paris, rome := newGroup("berlin", 1), newGroup("paris", 1), newGroup("rome", 1)
	rome.Priority = -1
	paris.Paths[1].Spec.Subject = berlin.Paths[1].Spec.Subject
	c := controller.New([]protection.Group{paris, berlin, rome}, controller.Settings{}, controller.Ports{})
	want(t, "the names", c.Names(), []string{"rome", "berlin", "paris"})
	want(t, "who watches a shared connection", c.Watching(berlin.Paths[1].Spec.Subject), []string{"berlin", "paris"})
	want(t, "who watches a connection of one", c.Watching(rome.Paths[0].Spec.Subject), []string{"rome"})
	want(t, "who uses a table", c.Using("tgw-rtb-paris"), []string{"paris"})
	want(t, "who uses another table", c.Using("tgw-rtb-none"), []string{})
}
