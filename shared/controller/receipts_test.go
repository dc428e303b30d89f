package controller_test

import (
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
)

// TestThrottledChangesAreSentAgainAtTheRefillRate: the bucket is empty whatever
// the estimate was.
func TestThrottledChangesAreSentAgainAtTheRefillRate(t *testing.T) {
	w := settled(t, newGroup("berlin", 6))
	w.fail("berlin")
	w.onWrite = func(n int, _ route.Change) (route.Outcome, bool) {
		if n <= 6 {
			return route.Throttled, false
		}
		return route.Applied, true
	}
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: 6})
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 6})
	again := w.at("write")[6:]
	want(t, "sent again", len(again), 6)
	for i := 1; i < len(again); i++ {
		if apart := again[i].Sub(again[i-1]); apart < 199*time.Millisecond || apart > 201*time.Millisecond {
			t.Errorf("the writes %d and %d sent again are %s apart, want 200 ms", i-1, i, apart)
		}
	}
}

// TestABusyTableIsWrittenOneByOne, and only that table.
func TestABusyTableIsWrittenOneByOne(t *testing.T) {
	g := newGroup("berlin", 4)
	other := newGroup("berlin", 4).Units[0]
	for i := range other.Entries {
		other.Entries[i].Table.ID = "tgw-rtb-berlin-2"
	}
	g.Units = append(g.Units, other)
	w := settled(t, g)
	w.fail("berlin")
	busy, inFlight, most := 0, 0, 0
	var sentAgain []time.Time
	w.onWrite = func(n int, ch route.Change) (route.Outcome, bool) {
		if ch.Table.ID == "tgw-rtb-berlin" && n <= 8 {
			busy++
			return route.Busy, false
		}
		if n > 8 {
			inFlight++
			most = max(most, inFlight)
			sentAgain = append(sentAgain, w.s.Now())
			w.s.At(w.s.Now().Add(writeTime/2), "answer", func() { inFlight-- })
		}
		return route.Applied, true
	}
	report := only(t, w.reconcile("berlin"))
	want(t, "busy answers", busy, 4)
	want(t, "sent again", len(sentAgain), 4)
	want(t, "at once", most, 1)
	for i := 1; i < len(sentAgain); i++ {
		if apart := sentAgain[i].Sub(sentAgain[i-1]); apart < writeTime {
			t.Errorf("writes %s apart", apart)
		}
	}
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: 8})
}

// TestAnOldReadingIsReadAndPlannedAgain: EC2's answer shows that the table is
// other than it was read.
func TestAnOldReadingIsReadAndPlannedAgain(t *testing.T) {
	key := newGroup("berlin", 2).Units[0].Entries[0].EntryKey
	cases := map[string]struct {
		prepare func(w *world)
		ops     []route.Op // of the entry, in order
	}{
		"a route that was not read is there already": {func(w *world) {
			w.onRead = func(n int, r *route.Reading) {
				if n == 1 {
					r.Routes = nil
				}
			}
		}, []route.Op{route.OpCreate, route.OpReplace}},
		"a route that was read is gone": {func(w *world) {
			delete(w.tables, key)
			w.onRead = func(n int, r *route.Reading) {
				if n == 1 {
					r.Routes = append(r.Routes, route.Route{Table: key.Table, Destination: key.Destination, NextHop: hop("berlin", "A"), Origin: route.OriginStatic})
				}
			}
		}, []route.Op{route.OpReplace, route.OpCreate}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			c.prepare(w)
			report := only(t, w.reconcile("berlin"))
			var ops []route.Op
			for _, r := range report.Receipts {
				if r.Change.Destination == key.Destination {
					ops = append(ops, r.Change.Op)
				}
			}
			want(t, "the operations", ops, c.ops)
			want(t, "the status", report.Status, controller.StatusDone)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 2})
			want(t, "moves", len(w.control().Moves), 1)
		})
	}
}

// TestAChangeThatNeverSucceedsIsLeftToALaterRun: a run sends it three times, once
// if it is denied or refused, since that does not change within a run, and twice if
// the answer says that there is no such route, and the reading shows it.
func TestAChangeThatNeverSucceedsIsLeftToALaterRun(t *testing.T) {
	for outcome, sent := range map[route.Outcome]map[route.Outcome]int{
		route.PreconditionFailed: {route.Applied: 1, route.PreconditionFailed: 1, route.Refused: 1},
		route.Failed:             {route.Applied: 1, route.Failed: 3},
		route.Refused:            {route.Applied: 1, route.Refused: 1},
		route.Denied:             {route.Applied: 1, route.Denied: 1},
	} {
		t.Run(string(outcome), func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			stuck := w.groups[0].Units[0].Entries[0].Destination
			w.onWrite = func(_ int, ch route.Change) (route.Outcome, bool) {
				if ch.Destination == stuck {
					return outcome, false
				}
				return route.Applied, true
			}
			report := only(t, w.reconcile("berlin"))
			want(t, "the status", report.Status, controller.StatusUnfinished)
			want(t, "the receipts", outcomes(report.Receipts), sent)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"A": 1, "B": 1})
			want(t, "the lease", w.item("berlin").Lease.Token, "")
			if ahead := report.WakeAt.Sub(w.at("release")[0]); ahead <= 0 || ahead > settle {
				t.Errorf("the wake-up is %s after the run", ahead)
			}
			w.onWrite = nil
			w.pass(settle)
			want(t, "the next run", only(t, w.reconcile("berlin")).Status, controller.StatusDone)
			want(t, "the entries then", w.standsOn("berlin"), map[string]int{"B": 2})
		})
	}
}

// TestThrottlingWithoutEndEndsTheRun: a change is sent eight times a round.
func TestThrottlingWithoutEndEndsTheRun(t *testing.T) {
	w := settled(t, newGroup("berlin", 1))
	w.fail("berlin")
	w.onWrite = func(int, route.Change) (route.Outcome, bool) { return route.Throttled, false }
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusUnfinished)
	want(t, "writes", w.seen["write"], 3*8)
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Throttled: 3})
}

// TestAnAppliedChangeIsNotSentTwice: the read-back may be stale.
func TestAnAppliedChangeIsNotSentTwice(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.fail("berlin")
	stale := map[protection.EntryKey]route.NextHop{}
	for key, next := range w.tables {
		stale[key] = next
	}
	w.onRead = func(_ int, r *route.Reading) {
		for i := range r.Routes {
			r.Routes[i].NextHop = stale[protection.EntryKey{Table: r.Table, Destination: r.Routes[i].Destination}]
		}
	}
	report := only(t, w.reconcile("berlin"))
	want(t, "writes", w.seen["write"], 3)
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "settled", w.item("berlin").Record.Settled, false)
}

// TestAFailedAnswerThatTookEffectIsSeenByTheReadBack: a call without an answer
// is not repeated if the table shows its effect.
func TestAFailedAnswerThatTookEffectIsSeenByTheReadBack(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.fail("berlin")
	w.onWrite = func(int, route.Change) (route.Outcome, bool) { return route.Failed, true }
	report := only(t, w.reconcile("berlin"))
	want(t, "writes", w.seen["write"], 3)
	want(t, "the status", report.Status, controller.StatusDone)
	if item := w.item("berlin"); !item.Record.WroteAt.After(w.at("write")[2]) {
		t.Errorf("the noted time of the last write is %s", item.Record.WroteAt)
	}
}

// TestWakeUpsEndWhereAWSGoesOnRefusing: a target that is being deleted is busy for
// as long as that takes, and a limit stays reached. After one more try the sweep
// tries again.
func TestWakeUpsEndWhereAWSGoesOnRefusing(t *testing.T) {
	for outcome, most := range map[route.Outcome]int{
		route.Busy: 10, route.Failed: 8, route.PreconditionFailed: 4, route.Refused: 2, route.Denied: 2,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			w := settled(t, newGroup("berlin", 1))
			w.fail("berlin")
			w.onWrite = func(int, route.Change) (route.Outcome, bool) { return outcome, false }
			want(t, "the status", only(t, w.reconcile("berlin")).Status, controller.StatusUnfinished)
			for range 20 {
				w.pass(settle + time.Second)
				for range w.wakes.Due(w.s.Now()) {
					w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
				}
			}
			if n := w.seen["write"]; n > most {
				t.Errorf("%d writes without a sweep, want %d at most", n, most)
			}
			want(t, "wake-ups", len(w.wakes.Waiting()), 0)
			w.onWrite = nil
			w.sweep()
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 1})
		})
	}
}
