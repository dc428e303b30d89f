package controller_test

import (
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// blackholes makes all routes of the group blackholes without a target.
func (w *world) blackholes(group string) {
	for key := range w.tables {
		if key.Table.ID == "tgw-rtb-"+group {
			w.tables[key] = route.NextHop{Kind: route.Blackhole}
		}
	}
}

// TestRoutesOfADeletedAttachmentAreMoved: they show no target any more, and are
// the group's all the same.
func TestRoutesOfADeletedAttachmentAreMoved(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.gone["vpn-berlinA"] = true
	w.blackholes("berlin")
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "the reason", report.Decision.Reason, protection.ReasonSignalFail)
	want(t, "the receipts", outcomes(report.Receipts), map[route.Outcome]int{route.Applied: 3})
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
	w.pass(settle + time.Second)
	w.sweep()
	record := w.item("berlin").Record
	want(t, "settled", record.Settled, true)
	want(t, "remembered blackholes", len(record.Blackholes), 0)
}

// TestAnOrphanIsPlannedAgainInTheSameRun: the read-back knows it, too.
func TestAnOrphanIsPlannedAgainInTheSameRun(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.gone["vpn-berlinA"] = true
	w.blackholes("berlin")
	w.onWrite = func(n int, _ route.Change) (route.Outcome, bool) {
		if n == 1 {
			return route.PreconditionFailed, false
		}
		return route.Applied, true
	}
	want(t, "the status", only(t, w.reconcile("berlin")).Status, controller.StatusDone)
	want(t, "writes", w.seen["write"], 4)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
}

// TestARunThatDiesLeavesTheOrphansToTheNext: by then the record aims elsewhere,
// and the path may have changed once more.
func TestARunThatDiesLeavesTheOrphansToTheNext(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.gone["vpn-berlinA"] = true
	w.blackholes("berlin")
	w.onWrite = func(int, route.Change) (route.Outcome, bool) { return route.Denied, false }
	want(t, "the status", only(t, w.reconcile("berlin")).Status, controller.StatusUnfinished)
	delete(w.gone, "vpn-berlinA") // EC2 forgets deleted connections, or answers for another.
	w.onWrite = nil
	w.pass(time.Minute)
	w.sweep()
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
}

// TestAPersonsBlackholeIsLeftAlone: also after the attachment is deleted.
func TestAPersonsBlackholeIsLeftAlone(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.blackholes("berlin")
	w.sweep()
	want(t, "remembered blackholes", len(w.item("berlin").Record.Blackholes), 3)
	w.pass(5 * time.Minute)
	want(t, "the sweep that judges them", only(t, w.sweep()).Status, controller.StatusDone)
	want(t, "a later sweep", only(t, w.sweep()).Status, controller.StatusQuiet)
	w.gone["vpn-berlinA"] = true
	report := only(t, w.sweep())
	want(t, "writes", w.seen["write"], 0)
	want(t, "what is left alone", []plan.SkipReason{report.Skipped[0].Reason, report.Skipped[2].Reason}, []plan.SkipReason{plan.SkipForeign, plan.SkipForeign})
}

// TestOrphansAreMovedHoweverLateTheEvidenceComes: EC2 may throttle for longer than
// evidence lives.
func TestOrphansAreMovedHoweverLateTheEvidenceComes(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.blind = true
	w.blackholes("berlin")
	for range 5 {
		w.sweep()
		w.pass(time.Minute)
	}
	want(t, "writes", w.seen["write"], 0)
	w.blind, w.gone["vpn-berlinA"] = false, true
	w.sweep()
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
}

// TestABlackholeFromBeforeTheFirstSightIsLeftAlone: nobody knows what stood there,
// although the group is adopted on the path whose connection is deleted.
func TestABlackholeFromBeforeTheFirstSightIsLeftAlone(t *testing.T) {
	w := newWorld(t, newGroup("berlin", 3))
	w.gone["vpn-berlinA"] = true
	w.blackholes("berlin")
	for range 5 {
		w.sweep()
		w.pass(time.Minute)
	}
	want(t, "writes", w.seen["write"], 0)
	record := w.item("berlin").Record
	want(t, "the decision", record.Decision.To, "B")
	want(t, "what Detour's routes led to", len(record.Blackholes[0].Stood), 0)
}

// TestABlackholeIsLookedAtAgainAfterTheSettleTime: an attachment that is deleted
// after that takes nothing of a person's with it.
func TestABlackholeIsLookedAtAgainAfterTheSettleTime(t *testing.T) {
	w := settled(t, newGroup("berlin", 2))
	w.blackholes("berlin")
	w.sweep()
	want(t, "the wake-up", w.waiting(), []string{"berlin 10s"})
	w.pass(settle)
	w.wakes.Due(w.s.Now())
	w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
	want(t, "no further wake-up", len(w.waiting()), 0)
	w.pass(time.Second)
	w.gone["vpn-berlinA"] = true
	w.sweep()
	want(t, "writes", w.seen["write"], 0)
}

// TestOrphansAreNotWrittenTowardsADeletedAttachment: while no path is left, EC2
// would refuse it on every run. Once one is, they are moved.
func TestOrphansAreNotWrittenTowardsADeletedAttachment(t *testing.T) {
	w := settled(t, newGroup("berlin", 3))
	w.gone["vpn-berlinA"], w.down["vpn-berlinB"] = true, true
	w.blackholes("berlin")
	for range 5 {
		w.sweep()
		w.pass(time.Minute)
	}
	want(t, "writes", w.seen["write"], 0)
	want(t, "held", w.item("berlin").Record.Held, protection.ReasonNoUsablePath)
	delete(w.down, "vpn-berlinB")
	w.sweep()
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
}
