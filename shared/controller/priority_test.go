package controller_test

import (
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
)

// sentBy returns when the group's writes were sent, by what the script sees.
func sentBy(w *world) map[string][]time.Time {
	out := map[string][]time.Time{}
	w.onWrite = func(_ int, c route.Change) (route.Outcome, bool) {
		out[c.Table.ID] = append(out[c.Table.ID], w.s.Now())
		return route.Applied, true
	}
	return out
}

func twoGroups(first, second int) []protection.Group {
	berlin, paris := newGroup("berlin", 60), newGroup("paris", 60)
	berlin.Priority, paris.Priority = first, second
	return []protection.Group{berlin, paris}
}

// TestTheBetterPriorityIsServedFirst: two groups want more of one bucket than it
// holds.
func TestTheBetterPriorityIsServedFirst(t *testing.T) {
	w := settled(t, twoGroups(20, 10)...)
	w.fail("berlin", "paris")
	sent := sentBy(w)
	w.reconcile("berlin", "paris")
	berlin, paris := sent["tgw-rtb-berlin"], sent["tgw-rtb-paris"]
	if len(berlin) != 60 || len(paris) != 60 || berlin[0].Before(paris[59]) {
		t.Errorf("berlin from %s to %s, paris from %s to %s", berlin[0], berlin[59], paris[0], paris[59])
	}
	// Together they take no longer than one group of 120.
	took := berlin[59].Sub(paris[0])
	if took < 14*time.Second || took > 14*time.Second*105/100 {
		t.Errorf("together they took %s, want 14 s", took)
	}
}

// TestEqualPrioritiesShareTheBucket: neither waits for the other's end.
func TestEqualPrioritiesShareTheBucket(t *testing.T) {
	w := settled(t, twoGroups(10, 10)...)
	w.fail("berlin", "paris")
	sent := sentBy(w)
	w.reconcile("berlin", "paris")
	berlin, paris := sent["tgw-rtb-berlin"], sent["tgw-rtb-paris"]
	if len(berlin) != 60 || len(paris) != 60 || paris[0].After(berlin[59]) || berlin[59].Sub(paris[59]).Abs() > 12*time.Second {
		t.Errorf("berlin from %s to %s, paris from %s to %s", berlin[0], berlin[59], paris[0], paris[59])
	}
}

// TestAnUnreadableTableDelaysItsOwnGroupOnly: the other group does not wait for
// the reads that are tried again.
func TestAnUnreadableTableDelaysItsOwnGroupOnly(t *testing.T) {
	w := settled(t, newGroup("berlin", 1), newGroup("paris", 1))
	w.fail("berlin", "paris")
	sent := sentBy(w)
	reads := 0
	w.onRead = func(_ int, reading *route.Reading) {
		if reading.Table.ID != "tgw-rtb-berlin" {
			return
		}
		if reads++; reads < 3 {
			reading.Complete, reading.Problem = false, route.ProblemThrottled
		}
	}
	began := w.s.Now()
	reports := w.reconcile("berlin", "paris")
	want(t, "the states", []controller.Status{reports[0].Status, reports[1].Status}, []controller.Status{controller.StatusDone, controller.StatusDone})
	berlin, paris := sent["tgw-rtb-berlin"][0].Sub(began), sent["tgw-rtb-paris"][0].Sub(began)
	if paris > 200*time.Millisecond || berlin < 1500*time.Millisecond {
		t.Errorf("berlin is written after %s, paris after %s", berlin, paris)
	}
	want(t, "the moves", len(w.control().Moves), 2)
}

// TestABusyTableDoesNotHoldUpOtherGroups: the group of better priority wants more
// tokens than the bucket holds, and cannot use them, since its table takes one
// change at a time.
func TestABusyTableDoesNotHoldUpOtherGroups(t *testing.T) {
	groups := twoGroups(10, 20)
	groups[0].Units = newGroup("berlin", 200).Units
	w := settled(t, groups...)
	w.fail("berlin", "paris")
	sent := map[string][]time.Time{}
	w.onWrite = func(_ int, c route.Change) (route.Outcome, bool) {
		sent[c.Table.ID] = append(sent[c.Table.ID], w.s.Now())
		if c.Table.ID == "tgw-rtb-berlin" && len(sent[c.Table.ID]) <= 200 {
			return route.Busy, false
		}
		return route.Applied, true
	}
	reports := w.reconcile("berlin", "paris")
	want(t, "the states", []controller.Status{reports[0].Status, reports[1].Status}, []controller.Status{controller.StatusDone, controller.StatusDone})
	berlin, paris := sent["tgw-rtb-berlin"], sent["tgw-rtb-paris"]
	if len(berlin) != 400 || len(paris) != 60 {
		t.Fatalf("berlin was sent %d times, paris %d times", len(berlin), len(paris))
	}
	if !paris[0].After(berlin[199]) {
		t.Errorf("paris began at %s, before berlin's first attempt ended at %s", paris[0], berlin[199])
	}
	// From then on berlin sends less than two a second, and paris has the rest of five.
	if took := paris[59].Sub(berlin[199]); took > 25*time.Second {
		t.Errorf("paris took %s", took)
	}
	for i := 201; i < len(berlin); i++ {
		if apart := berlin[i].Sub(berlin[i-1]); apart > time.Second {
			t.Errorf("berlin waited %s for number %d", apart, i)
		}
	}
}
