package controller_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// TestARunTakesItsStepsInOrder is the order on which everything else relies.
func TestARunTakesItsStepsInOrder(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	got := w.what()
	// Evidence and tables are read at the same time.
	slices.Sort(got[1:3])
	want(t, "the calls", compact(got), []string{
		"take berlin", "evidence", "read", "commit berlin", "write", "read", "commit berlin", "wake berlin", "release berlin",
		"publish Path State Changed", "publish Switchover Started",
	})
	if times := w.at("write"); len(times) != 3 || !times[0].Equal(times[2]) {
		t.Errorf("the writes were sent at %v, want three at once", times)
	}
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
	if report.Status != controller.StatusDone || report.Before.To != "A" || report.Decision.To != "B" || report.Event != "event-1" {
		t.Errorf("the report is %+v", report)
	}
	var stages []controller.Stage
	for _, s := range report.Stages {
		stages = append(stages, s.Stage)
	}
	want(t, "the stages", stages, []controller.Stage{
		controller.StageTake, controller.StageRead, controller.StageDecide, controller.StageCommit, controller.StageWrite, controller.StageVerify, controller.StageRelease,
	})
	item := w.item("berlin")
	if item.Lease.Token != "" || item.Record.Settled || !item.Record.WroteAt.After(w.at("write")[2]) {
		t.Errorf("after the run the item is %+v", item)
	}
	if want := item.Record.WroteAt.Add(settle); !report.WakeAt.Equal(want) {
		t.Errorf("the wake-up is at %s, want a settle time after the last write at %s", report.WakeAt, want)
	}
}

// TestTheSecondCommitNotesWhenItWrote: the first commit holds the decision, so a
// run that dies before the second is finished by the next.
func TestTheSecondCommitNotesWhenItWrote(t *testing.T) {
	w := settled(t, newGroup("berlin", 1))
	w.fail("berlin")
	var atFirstWrite controller.Item
	w.onWrite = func(int, route.Change) (route.Outcome, bool) {
		atFirstWrite = w.item("berlin")
		return route.Applied, true
	}
	w.reconcile("berlin")
	if atFirstWrite.Record.Decision.To != "B" || atFirstWrite.Record.Settled {
		t.Errorf("at the first write the store holds %+v", atFirstWrite.Record.Decision)
	}
	history, err := w.store.History(t.Context(), controller.GroupKey("berlin"), 10)
	if err != nil {
		t.Fatal(err)
	}
	moves := 0
	for _, line := range history {
		if line.Decision.Action == protection.Move {
			moves++
			want(t, "the journal's event", line.Event, "event-1")
		}
	}
	want(t, "journal lines of the move", moves, 1)
}

// TestNothingIsWritten says when a run must not write a route.
func TestNothingIsWritten(t *testing.T) {
	cases := map[string]struct {
		prepare func(w *world)
		status  controller.Status
	}{
		"another run has the lease": {func(w *world) {
			if _, _, err := w.store.Take(context.Background(), controller.GroupKey("berlin"), "other"); err != nil {
				w.t.Fatal(err)
			}
		}, controller.StatusBusy},
		"take fails": {func(w *world) {
			w.onStore = func(op string, _ controller.Key, _ int) fault { return failing(op == "take", fault{instead: errStore}) }
		}, controller.StatusFailed},
		"commit is fenced": {func(w *world) {
			w.onStore = func(op string, _ controller.Key, _ int) fault {
				return failing(op == "commit", fault{instead: controller.ErrFenced})
			}
		}, controller.StatusFenced},
		"commit fails": {func(w *world) {
			w.onStore = func(op string, _ controller.Key, _ int) fault {
				return failing(op == "commit", fault{instead: errStore})
			}
		}, controller.StatusFailed},
		"the control item changes every time": {func(w *world) {
			w.onStore = func(op string, _ controller.Key, _ int) fault {
				return failing(op == "commit", fault{instead: controller.ErrControlChanged})
			}
		}, controller.StatusUnfinished},
		"the reading is denied": {func(w *world) {
			w.onRead = func(_ int, r *route.Reading) { r.Complete, r.Problem = false, route.ProblemDenied }
		}, controller.StatusUnfinished},
		"the reading stays throttled": {func(w *world) {
			w.onRead = func(_ int, r *route.Reading) { r.Complete, r.Problem = false, route.ProblemThrottled }
		}, controller.StatusUnfinished},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			c.prepare(w)
			report := only(t, w.reconcile("berlin"))
			want(t, "the status", report.Status, c.status)
			want(t, "the writes", w.seen["write"], 0)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"A": 2})
			if c.status == controller.StatusBusy {
				want(t, "dirty", w.item("berlin").Dirty, int64(1))
			}
		})
	}
}

func failing(when bool, f fault) fault {
	if when {
		return f
	}
	return fault{}
}

// TestAnIncompleteReadingConcernsItsGroupOnly: other groups go on.
func TestAnIncompleteReadingConcernsItsGroupOnly(t *testing.T) {
	w := settled(t, newGroup("berlin", 2), newGroup("paris", 2))
	w.fail("berlin", "paris")
	w.onRead = func(_ int, r *route.Reading) {
		if r.Table.ID == "tgw-rtb-berlin" {
			r.Complete, r.Problem = false, route.ProblemDenied
		}
	}
	reports := w.reconcile("paris", "berlin")
	want(t, "berlin", w.standsOn("berlin"), map[string]int{"A": 2})
	want(t, "paris", w.standsOn("paris"), map[string]int{"B": 2})
	want(t, "the states", []controller.Status{reports[0].Status, reports[1].Status}, []controller.Status{controller.StatusUnfinished, controller.StatusDone})
	want(t, "berlin's problems", reports[0].Problems, []controller.TableProblem{{Table: w.groups[0].Tables()[0], Problem: route.ProblemDenied}})
	if reports[0].WakeAt.IsZero() {
		t.Error("no wake-up was asked for")
	}
	w.onRead = nil
	w.pass(settle)
	w.reconcile("berlin")
	want(t, "berlin once it can be read", w.standsOn("berlin"), map[string]int{"B": 2})
}

// TestReadsAreTriedAgain: what was throttled or timed out is read again within
// the run, what was denied is not.
func TestReadsAreTriedAgain(t *testing.T) {
	for _, c := range []struct {
		problem route.Problem
		reads   int
	}{{route.ProblemThrottled, 3}, {route.ProblemTimeout, 3}, {route.ProblemDenied, 1}, {route.ProblemGone, 1}, {route.ProblemMalformed, 1}} {
		t.Run(string(c.problem), func(t *testing.T) {
			w := settled(t, newGroup("berlin", 1))
			w.onRead = func(_ int, r *route.Reading) { r.Complete, r.Problem = false, c.problem }
			w.reconcile("berlin")
			want(t, "reads", w.seen["read"], c.reads)
		})
	}
	t.Run("the third reading is whole", func(t *testing.T) {
		w := settled(t, newGroup("berlin", 1))
		w.fail("berlin")
		w.onRead = func(n int, r *route.Reading) {
			if n < 3 {
				r.Complete, r.Problem = false, route.ProblemThrottled
			}
		}
		w.reconcile("berlin")
		want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 1})
	})
}

// TestALostAnswerIsAskedForAgain: the call took effect, and counts as done.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	for _, op := range []string{"take", "commit", "release"} {
		t.Run(op, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			w.onStore = func(called string, _ controller.Key, n int) fault {
				return failing(called == op && n == 1, fault{lost: errStore})
			}
			report := only(t, w.reconcile("berlin"))
			want(t, "the status", report.Status, controller.StatusDone)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
			want(t, "moves in the control item", len(w.control().Moves), 1)
			want(t, "the lease", w.item("berlin").Lease.Token, "")
			if report.Err != nil {
				t.Error(report.Err)
			}
		})
	}
}

// TestAKilledRunIsFinishedByTheNext: the taker waits for the end of the lease
// and the clock skew.
func TestAKilledRunIsFinishedByTheNext(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	var killed *sim.Process
	arrived := 0
	w.onWrite = func(int, route.Change) (route.Outcome, bool) {
		if arrived++; arrived == 2 {
			killed.Kill()
			return route.Failed, false
		}
		return route.Applied, true
	}
	killed = w.run("doomed", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
	})
	w.await(killed)
	until := w.item("berlin").Lease.Until
	want(t, "the entries after the kill", w.standsOn("berlin"), map[string]int{"A": 1, "B": 1})
	w.onWrite = nil

	w.s.RunUntil(until.Add(skew - 10*storeTime))
	want(t, "before the lease and the skew are past", only(t, w.reconcile("berlin")).Status, controller.StatusBusy)
	w.s.RunUntil(until.Add(skew + time.Millisecond))
	report := only(t, w.reconcile("berlin"))
	want(t, "after it", report.Status, controller.StatusDone)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
	want(t, "moves", len(w.control().Moves), 1)
	want(t, "the epoch", report.Decision.Epoch, report.Before.Epoch)
}
