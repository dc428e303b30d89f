package controller_test

import (
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// listed is newGroup with a prefix list as one more entry in each of n tables,
// each in a unit of its own.
func listed(name string, tables int, lists ...string) protection.Group {
	g := newGroup(name, 1)
	first := g.Units[0].Entries[0]
	for i := range tables {
		unit := protection.Unit{Name: "lists-" + string(rune('a'+i))}
		for _, list := range lists {
			entry := first
			entry.Table.ID = "tgw-rtb-" + name
			if i > 0 {
				entry.Table = route.Table{Kind: route.VPCTable, ID: "rtb-" + name + string(rune('a'+i)), Account: first.Table.Account, Region: first.Table.Region}
			}
			entry.Destination = route.PrefixList(list)
			unit.Entries = append(unit.Entries, entry)
		}
		g.Units = append(g.Units, unit)
	}
	return g
}

// TestAListIsMovedWithOneCallForEachTable: and that is what the cost says.
func TestAListIsMovedWithOneCallForEachTable(t *testing.T) {
	w := settled(t, listed("berlin", 3, "pl-1"))
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusDone)
	spent := map[plan.API]int{}
	for _, r := range report.Receipts {
		want(t, "an outcome", r.Outcome, route.Applied)
		spent[plan.BucketOf(r.Change).API]++
	}
	want(t, "the calls", spent, map[plan.API]int{"ReplaceTransitGatewayRoute": 1, "ModifyTransitGatewayPrefixListReference": 1, "ReplaceRoute": 2})
	want(t, "writes", w.seen["write"], 4)
	predicted := map[plan.API]int{}
	for _, calls := range report.Cost.Calls {
		predicted[calls.API] += calls.Calls
	}
	want(t, "the predicted calls", predicted, spent)
	want(t, "the plan", len(report.Plan.Changes), 4)
	want(t, "the version that the plan is for", report.Plan.Changes[1].ListVersion, int64(1))
	want(t, "the lists", len(report.Lists), 1)
}

// TestEverythingIsReadAtOnce: evidence, tables and lists by one call each, for
// all groups, and no list twice.
func TestEverythingIsReadAtOnce(t *testing.T) {
	a, b := listed("berlin", 2, "pl-1", "pl-2"), listed("paris", 1, "pl-1", "pl-3")
	w := settled(t, a, b)
	w.sweep()
	want(t, "the first call", w.what()[0], "peek")
	want(t, "the calls", slices.Sorted(slices.Values(w.what()[1:])), []string{"evidence", "list pl-1", "list pl-2", "list pl-3", "read"})
	for _, c := range w.calls[1:] {
		want(t, c.what+" began", c.at, w.calls[1].at)
	}
}

// TestAListThatCannotBeReadHoldsUpItsUnit: the rest moves, and the list follows
// once it can be read.
func TestAListThatCannotBeReadHoldsUpItsUnit(t *testing.T) {
	for name, c := range map[string]struct {
		problem route.Problem
		reads   int
		wakes   bool
	}{
		"it may be readable soon":         {route.ProblemThrottled, 3, true},
		"it will not be readable for now": {route.ProblemDenied, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := settled(t, listed("berlin", 1, "pl-1"))
			w.fail("berlin")
			w.lists["pl-1"] = route.ListReading{Problem: c.problem}
			report := only(t, w.reconcile("berlin"))
			want(t, "the status", report.Status, controller.StatusUnfinished)
			want(t, "reads of the list", w.seen["list"], c.reads)
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"A": 1, "B": 1})
			want(t, "what is left alone", report.Skipped[0].Reason, plan.SkipListUnreadable)
			want(t, "the list's problem", report.ListProblems, []controller.ListProblem{{List: report.Lists[0].List, Problem: c.problem}})
			want(t, "events", w.published()[1:3], []string{"berlin: Switchover Started", "berlin: Switchover Held"})
			// The first run asked for a wake-up to settle; later ones have no such reason.
			w.pass(settle + time.Second)
			again := only(t, w.reconcile("berlin"))
			want(t, "the later status", again.Status, controller.StatusUnfinished)
			want(t, "the later wake-up", !again.WakeAt.IsZero(), c.wakes)
			want(t, "events in all", len(w.published()), 3)
			delete(w.lists, "pl-1")
			w.sweep()
			want(t, "the entries after it could be read", w.standsOn("berlin"), map[string]int{"B": 2})
			w.pass(settle + time.Second)
			w.sweep()
			want(t, "settled", w.item("berlin").Record.Settled, true)
		})
	}
}

// TestABlockedListCausesNoWrites: the group decides all the same, and quiet
// sweeps stay quiet.
func TestABlockedListCausesNoWrites(t *testing.T) {
	w := settled(t, listed("berlin", 1, "pl-1"))
	w.lists["pl-1"] = route.ListReading{Owner: "111122223333", Version: 2, MaxEntries: 10, Complete: true, IPAM: true}
	w.fail("berlin")
	report := only(t, w.reconcile("berlin"))
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "what is left alone", report.Skipped, []plan.Skipped{{Entry: protection.EntryKey{Table: report.Skipped[0].Entry.Table, Destination: route.PrefixList("pl-1")}, NextHop: hop("berlin", "A"), Reason: plan.SkipIPAM}})
	w.pass(settle + time.Second)
	w.forget()
	for range 3 {
		w.pass(time.Minute)
		want(t, "a later sweep", only(t, w.sweep()).Status, controller.StatusQuiet)
	}
	want(t, "the calls of later sweeps", w.seen, map[string]int{"peek": 3, "evidence": 3, "list": 3, "read": 3})
}
