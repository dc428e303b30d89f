package controller_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/route"
)

// furthest is how long SQS delays a message at most (SQS API, SendMessage).
const furthest = 15 * time.Minute

// deliver starts the runs of the wake-ups as they become due until the time has
// passed, and returns when these were. between runs every second.
func (w *world) deliver(d time.Duration, between func()) []time.Time {
	var came []time.Time
	for end := w.s.Now().Add(d); w.s.Now().Before(end); w.pass(time.Second) {
		between()
		for _, up := range w.wakes.Due(w.s.Now()) {
			came = append(came, up.At)
			w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
		}
	}
	return came
}

// armedTwice reports whether two wake-ups wait for the same instant.
func armedTwice(w *world) bool {
	waiting := w.wakes.Waiting()
	for i := 1; i < len(waiting); i++ {
		if waiting[i].At.Equal(waiting[i-1].At) {
			return true
		}
	}
	return false
}

// TestADeadlineIsArmedOnce: other deadlines come before it, and events do.
func TestADeadlineIsArmedOnce(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.flap()
	w.wakes.Due(w.s.Now()) // They have come.
	w.reconcile("berlin")
	n := 0
	came := w.deliver(70*time.Minute, func() {
		if n++; n%50 == 0 && n < 2000 {
			w.reconcile("berlin")
		}
		for _, up := range w.wakes.Waiting() {
			if up.At.After(w.s.Now().Add(furthest)) {
				t.Fatalf("at %s a wake-up was asked for at %s", w.s.Now(), up.At)
			}
		}
		if armedTwice(w) {
			t.Fatalf("at %s the wake-ups are %v", w.s.Now(), w.wakes.Waiting())
		}
	})
	// The path is suppressed for about 55 minutes, which is four in a row.
	if len(came) < 4 || len(came) > 8 {
		t.Errorf("%d wake-ups came, at %s", len(came), came)
	}
	for _, path := range w.item("berlin").Record.Paths {
		want(t, path.Path+" is suppressed", path.Memory.Suppressed, false)
	}
	want(t, "wake-ups", len(w.wakes.Waiting()), 0)
}

// TestAWakeUpIsArmedAgainIfItMayHaveCome: clocks differ, and a run that found the
// lease held has gone.
func TestAWakeUpIsArmedAgainIfItMayHaveCome(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead time.Duration
		wake  bool
		want  int
	}{
		{"an event long before it", 5 * time.Second, false, 1},
		{"another wake-up long before it", 5 * time.Second, true, 1},
		{"an event just before it", time.Second, false, 1},
		{"a wake-up just before it", time.Second, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(t, newGroup("berlin", 2))
			w.fail("berlin")
			at := only(t, w.reconcile("berlin")).WakeAt
			want(t, "the wake-ups", w.item("berlin").Wakes, []time.Time{at})
			w.s.RunUntil(at.Add(-c.ahead))
			again := only(t, w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: c.wake}))
			want(t, "the deadline", again.WakeAt, at)
			want(t, "armed", len(w.wakes.Waiting()), c.want)
			want(t, "the wake-ups then", w.item("berlin").Wakes, []time.Time{at})
		})
	}
}

// TestAWakeUpThatIsNotArmedIsNotWritten: the next run arms it.
func TestAWakeUpThatIsNotArmedIsNotWritten(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(w *world)
		mend  func(w *world)
		armed int
	}{
		{"the queue refuses", func(w *world) { w.refuseWake = errors.New("no") }, func(w *world) { w.refuseWake = nil }, 1},
		{"the answer to the release is lost", func(w *world) {
			w.onStore = func(op string, _ controller.Key, _ int) fault {
				return failing(op == "release", fault{instead: errStore})
			}
		}, func(w *world) { w.onStore = nil; w.s.RunUntil(w.item("berlin").Lease.Until.Add(skew + time.Second)) }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup("berlin", 2)
			g.Paths[0].Spec.HoldOff = time.Minute
			w := settled(t, g)
			w.fail("berlin")
			c.spoil(w)
			at := only(t, w.reconcile("berlin")).WakeAt
			if slices.ContainsFunc(w.item("berlin").Wakes, at.Equal) {
				t.Errorf("the wake-up at %s is written", at)
			}
			c.mend(w)
			at = only(t, w.reconcile("berlin")).WakeAt
			want(t, "the wake-ups then", w.item("berlin").Wakes, []time.Time{at})
			want(t, "armed", len(w.wakes.Waiting()), c.armed)
		})
	}
}

// TestAWakeUpThatDidNotComeHoldsUpNoOther: it may be lost.
func TestAWakeUpThatDidNotComeHoldsUpNoOther(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.fail("berlin")
	w.onWrite = func(int, route.Change) (route.Outcome, bool) { return route.Failed, false }
	first := only(t, w.reconcile("berlin")).WakeAt
	w.wakes.Due(first) // It is lost.
	w.s.RunUntil(first.Add(time.Minute))
	second := only(t, w.reconcile("berlin")).WakeAt
	want(t, "the wake-ups", w.item("berlin").Wakes, []time.Time{second})
	want(t, "armed", len(w.waiting()), 1)
}

// TestTheWayToAFarDeadline: the wake-up that comes soonest may be lost, and does not
// have to carry all that is further away.
func TestTheWayToAFarDeadline(t *testing.T) {
	for ahead, armed := range map[time.Duration]int{time.Minute: 1, 7 * time.Minute: 1, 8 * time.Minute: 0, 14 * time.Minute: 0} {
		t.Run(ahead.String(), func(t *testing.T) {
			g := newGroup("berlin", 2)
			g.Paths[0].Spec.HoldOff = time.Hour
			w := settled(t, g)
			w.fail("berlin")
			w.hasWakes("berlin", w.s.Now().Add(ahead))
			began := w.s.Now()
			want(t, "the deadline is far", only(t, w.reconcile("berlin")).WakeAt.After(began.Add(59*time.Minute)), true)
			waiting := w.wakes.Waiting()
			want(t, "armed", len(waiting), armed)
			for _, up := range waiting {
				want(t, "as far ahead as can be", up.At.Sub(began).Round(time.Second), furthest)
			}
		})
	}
}

// hasWakes makes the wake-ups the item's, as if a run had asked for them.
func (w *world) hasWakes(group string, wakes ...time.Time) {
	w.t.Helper()
	item, _, err := w.store.Take(w.t.Context(), controller.GroupKey(group), "mine")
	if err != nil {
		w.t.Fatal(err)
	}
	item.Wakes = wakes
	if err := w.store.Release(w.t.Context(), item); err != nil {
		w.t.Fatal(err)
	}
}

// TestTheListOfWakeUpsIsBounded, and what cannot have been asked for is not in it:
// an earlier version of Detour kept deadlines, of which nobody knows when the
// wake-up comes.
func TestTheListOfWakeUpsIsBounded(t *testing.T) {
	g := newGroup("berlin", 2)
	g.Paths[0].Spec.HoldOff = time.Minute
	w := settled(t, g)
	w.fail("berlin")
	var wakes []time.Time
	for i := range 40 {
		wakes = append(wakes, w.s.Now().Add(time.Duration(i-10)*time.Second))
	}
	w.hasWakes("berlin", append(wakes, w.s.Now().Add(time.Hour))...)
	at := only(t, w.reconcile("berlin")).WakeAt
	got := w.item("berlin").Wakes
	if len(got) != 16 || !got[15].Equal(at) || !got[0].After(w.s.Now()) || !got[14].Equal(wakes[39]) {
		t.Errorf("the wake-ups are %s, with the deadline at %s", got, at)
	}
	want(t, "armed", len(w.wakes.Waiting()), 1)
}
