package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

const placed = "create-route tgw-rtb-main 0.0.0.0/0: none -> blackhole"

func TestALeakIsBlackholedInTwoRoundsOfEC2(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	started := w.s.Now()
	r := onlyFilter(t, w.enforce("no-default"))
	want(t, "calls until the write", w.what()[:5], []string{"take filter#no-default", "read", "neighbors", "commit filter#no-default", "write " + placed})
	// Take, one round of reads, commit; the write's effect is half way through it.
	want(t, "the write began after", w.at("write")[0].Sub(started), storeTime+readTime+storeTime)
	want(t, "the table", w.shows(), []string{"0.0.0.0/0 blackhole", "10.1.0.0/16 tgw-attach-branch*", "10.2.0.0/16 tgw-attach-branch*", "10.9.0.0/16 tgw-attach-office*"})
	if r.Status != controller.StatusDone || len(r.Placed) != 1 || r.Placed[0].Reason != filter.ReasonDenied || len(r.Receipts) != 1 || len(r.Left) != 0 {
		t.Errorf("the report is %+v", r)
	}
	events := w.events.All()
	if len(events) != 1 || events[0].Kind != controller.EventMeasurePlaced || events[0].Filter != "no-default" || events[0].Group != "" ||
		!strings.Contains(events[0].Detail, "blackhole of tgw-rtb-main 0.0.0.0/0: denied; announced by vpn vpn-branch (tgw-attach-branch)") {
		t.Errorf("the events are %+v", events)
	}
	if item := w.filterItem("no-default"); item.Lease.Token != "" || len(item.Filter.Measures) != 1 {
		t.Errorf("the item is %+v", item)
	}
	history, err := w.store.History(t.Context(), controller.FilterKey("no-default"), 5)
	if err != nil || len(history) != 1 || len(history[0].Verdicts) != 1 || history[0].Event != "event-1" {
		t.Errorf("the journal is %+v, %v", history, err)
	}
}

func TestEnforcingTwiceWritesNothing(t *testing.T) {
	for _, action := range []filter.Action{filter.Blackhole, filter.Quarantine} {
		w := newEdge(t, newFilter("no-default", action))
		w.leak()
		w.enforce("no-default")
		stands := w.shows()
		w.pass(settle + time.Second)
		w.sweepFilters()
		w.forget()
		for range 3 {
			if r := onlyFilter(t, w.enforce("no-default")); len(r.Receipts) > 0 || r.Status != controller.StatusDone || len(r.Placed) > 0 {
				t.Errorf("%s: the report is %+v", action, r)
			}
			if r := onlyFilter(t, w.sweepFilters()); r.Status != controller.StatusQuiet {
				t.Errorf("%s: the sweep was not quiet: %+v", action, r)
			}
			w.pass(time.Minute)
		}
		want(t, string(action)+": writes", w.writes(), nil)
		want(t, string(action)+": takes", len(w.at("take")), 3)
		want(t, string(action)+": the table", w.shows(), stands)
	}
}

// TestAQuarantineKeepsWhatIsPermitted: the statics are there before the propagation
// ends, and it is back before they go.
func TestAQuarantineKeepsWhatIsPermitted(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Quarantine))
	w.leak()
	w.enforce("no-default")
	want(t, "writes", w.writes(), []string{
		"create-route tgw-rtb-main 10.1.0.0/16: none -> tgw-attach-branch", "create-route tgw-rtb-main 10.2.0.0/16: none -> tgw-attach-branch",
		"disable-propagation tgw-rtb-main tgw-attach-branch",
	})
	at := w.at("write")
	if gap := at[2].Sub(at[1]); gap < writeTime {
		t.Errorf("the propagation was switched off %s after the last static was sent, and not when it was accepted", gap)
	}
	want(t, "the table", w.shows(), []string{"10.1.0.0/16 tgw-attach-branch", "10.2.0.0/16 tgw-attach-branch", "10.9.0.0/16 tgw-attach-office*"})
	w.pass(settle + time.Second)
	w.sweepFilters()
	w.heal()
	w.forget()
	for range 8 {
		w.pass(time.Minute)
		w.sweepFilters()
	}
	ends := w.writes()
	slices.Sort(ends[1:]) // The deletes are sent side by side.
	want(t, "writes when it ends", ends, []string{
		"enable-propagation tgw-rtb-main tgw-attach-branch",
		"delete-route tgw-rtb-main 10.1.0.0/16: tgw-attach-branch -> none", "delete-route tgw-rtb-main 10.2.0.0/16: tgw-attach-branch -> none",
	})
	want(t, "the table at the end", w.shows(), []string{"10.1.0.0/16 tgw-attach-branch*", "10.2.0.0/16 tgw-attach-branch*", "10.9.0.0/16 tgw-attach-office*"})
	want(t, "the events", w.toldOf(), []string{"Filter Measure Placed", "Filter Measure Lifted"})
	if item := w.filterItem("no-default"); len(item.Filter.Measures) != 0 {
		t.Errorf("the record holds %+v", item.Filter)
	}
}

// toldOf lists the kinds of the events.
func (w *world) toldOf() []string {
	var out []string
	for _, e := range w.events.All() {
		out = append(out, string(e.Kind))
	}
	return out
}

// TestAStaticThatIsRefusedKeepsThePropagation: a stage that is not complete is the
// last one.
func TestAStaticThatIsRefusedKeepsThePropagation(t *testing.T) {
	for _, outcome := range []route.Outcome{route.Denied, route.Refused, route.Busy} {
		w := newEdge(t, newFilter("no-default", filter.Quarantine))
		w.leak()
		w.onWrite = func(_ int, change route.Change) (route.Outcome, bool) {
			if change.Destination == route.MustDestination("10.2.0.0/16") {
				return outcome, false
			}
			return route.Applied, true
		}
		r := onlyFilter(t, w.enforce("no-default"))
		for _, change := range w.writes() {
			if strings.HasPrefix(change, "disable") {
				t.Errorf("%s: the propagation was switched off", outcome)
			}
		}
		if r.Status != controller.StatusUnfinished {
			t.Errorf("%s: the report is %+v", outcome, r)
		}
		w.onWrite = nil
		w.pass(time.Minute)
		w.sweepFilters()
		want(t, string(outcome)+": the table after the next sweep", w.shows(),
			[]string{"10.1.0.0/16 tgw-attach-branch", "10.2.0.0/16 tgw-attach-branch", "10.9.0.0/16 tgw-attach-office*"})
	}
}

// TestATableThatIsRefusedHoldsUpNoOther: what cannot be written in one table, as where its
// account lets nobody in, is no reason to leave a leak in another.
func TestATableThatIsRefusedHoldsUpNoOther(t *testing.T) {
	f := newFilter("no-default", filter.Quarantine)
	second := edgeTable("tgw-rtb-second")
	f.Scopes = append(f.Scopes, f.Scopes[0])
	f.Scopes[1].Table = second
	for _, outcome := range []route.Outcome{route.Denied, route.Refused, route.Busy} {
		w := newEdge(t, f)
		w.taught[second] = []filter.Neighbor{branch}
		w.leak()
		w.onWrite = func(_ int, change route.Change) (route.Outcome, bool) {
			if change.Table == second {
				return outcome, false
			}
			return route.Applied, true
		}
		r := onlyFilter(t, w.enforce("no-default"))
		if r.Status != controller.StatusUnfinished {
			t.Errorf("%s: the report is %+v", outcome, r)
		}
		want(t, string(outcome)+": the table that takes writes", w.shows(),
			[]string{"10.1.0.0/16 tgw-attach-branch", "10.2.0.0/16 tgw-attach-branch", "10.9.0.0/16 tgw-attach-office*"})
		if !slices.Contains(w.taught[second], branch) {
			t.Errorf("%s: the propagation ended in the table that takes none", outcome)
		}
	}
}

// TestAnObservingFilterWritesNothing: it keeps its record, and says what it would do.
func TestAnObservingFilterWritesNothing(t *testing.T) {
	f := newFilter("no-default", filter.Blackhole)
	f.Mode = protection.Observe
	w := newEdge(t, f)
	w.leak()
	r := onlyFilter(t, w.enforce("no-default"))
	want(t, "writes", w.writes(), nil)
	if !r.WouldBe || r.Frozen || len(r.Decision.Changes) != 1 || r.Status != controller.StatusDone || len(r.Placed) > 0 {
		t.Errorf("the report is %+v", r)
	}
	want(t, "the events", w.toldOf(), nil)
	w.forget()
	for range 3 {
		w.pass(time.Minute)
		w.sweepFilters()
	}
	want(t, "commits of a sweep that sees the same", len(w.at("commit")), 0)
}

func TestAFrozenFilterIsJudgedAndNothingIsWritten(t *testing.T) {
	freezes := map[string]func(w *world){
		"of all": func(w *world) {
			freeze := protection.FreezeState{On: true}
			if err := w.store.Control(context.Background(), controller.ControlChange{Freeze: &freeze}); err != nil {
				w.t.Fatal(err)
			}
		},
		"of one": func(w *world) {
			if err := w.store.Request(context.Background(), controller.FilterKey("no-default"), protection.Request{ID: "f", Kind: protection.Freeze}); err != nil {
				w.t.Fatal(err)
			}
		},
	}
	for name, freeze := range freezes {
		w := newEdge(t, newFilter("no-default", filter.Blackhole))
		w.leak()
		freeze(w)
		r := onlyFilter(t, w.enforce("no-default"))
		if !r.WouldBe || !r.Frozen || len(r.Decision.Changes) != 1 {
			t.Errorf("%s: the report is %+v", name, r)
		}
		want(t, name+": writes and commits of a run", len(w.at("write"))+len(w.at("commit")), 0)
		w.forget()
		if r := onlyFilter(t, w.sweepFilters()); r.Status != controller.StatusQuiet || !r.Frozen {
			t.Errorf("%s: the sweep reports %+v", name, r)
		}
		want(t, name+": writes and commits", len(w.at("write"))+len(w.at("commit"))+len(w.at("take")), 0)
	}
}

// TestAnImmediateFreezeEndsAStage: it takes effect when the lease is renewed.
func TestAnImmediateFreezeEndsAStage(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Quarantine))
	var prefixes []string
	for n := range 120 {
		prefixes = append(prefixes, fmt.Sprintf("10.1.%d.0/24", n))
	}
	w.announce(append(prefixes, "0.0.0.0/0")...)
	w.onSend = func(n int, _ *sim.Process) {
		if n == 60 {
			freeze := protection.FreezeState{On: true, Immediate: true}
			if err := w.store.Control(context.Background(), controller.ControlChange{Freeze: &freeze}); err != nil {
				t.Error(err)
			}
		}
	}
	r := onlyFilter(t, w.enforce("no-default"))
	if n := len(w.writes()); n < 60 || n >= 120 || r.Status != controller.StatusUnfinished || len(r.Left) == 0 {
		t.Errorf("%d writes, %+v", n, r)
	}
}

// TestOurOwnWritesStartNoLoop feeds what a run changed back as routing updates, until
// nothing new comes of it.
func TestOurOwnWritesStartNoLoop(t *testing.T) {
	for _, action := range []filter.Action{filter.Blackhole, filter.Quarantine} {
		w := newEdge(t, newFilter("no-default", action))
		w.leak()
		w.enforce("no-default")
		sent := len(w.writes())
		for echo := range 20 {
			w.pass(2 * time.Second)
			before := len(w.writes())
			w.await(w.run("routefilter", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
				c.LookFilters(ctx, controller.FilterTrigger{Filters: []string{"no-default"}, Event: fmt.Sprintf("echo-%d", echo)})
			}))
			if n := len(w.writes()); n != before {
				t.Errorf("%s: echo %d led to %v", action, echo, w.writes()[before:])
			}
		}
		want(t, string(action)+": writes", len(w.writes()), sent)
		if takes := len(w.at("take")); takes > 2 {
			t.Errorf("%s: %d leases were taken", action, takes)
		}
	}
}

// TestAStaleReadBackIsNotWrittenFrom: EC2 has accepted the change, and shows it later.
func TestAStaleReadBackIsNotWrittenFrom(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	w.onRead = func(n int, reading *route.Reading) {
		if n > 1 && reading.Table == main {
			reading.Routes = slices.DeleteFunc(slices.Clone(reading.Routes), func(r route.Route) bool { return r.NextHop.Kind == route.Blackhole })
			reading.Routes = append(reading.Routes, route.Route{
				Table: main, Destination: route.MustDestination("0.0.0.0/0"), Origin: route.OriginPropagated, State: route.StateActive,
				NextHop: route.NextHop{Kind: route.TransitGatewayAttachment, ID: branch.Attachment},
			})
		}
	}
	w.enforce("no-default")
	want(t, "writes", w.writes(), []string{placed})
	w.onRead = nil
	w.pass(settle + time.Second)
	w.forget()
	w.sweepFilters()
	want(t, "writes of the next sweep", w.writes(), nil)
}

// TestTheTableIsNotAsItWasRead: somebody else was faster.
func TestTheTableIsNotAsItWasRead(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	w.onSend = func(n int, _ *sim.Process) {
		if n == 1 {
			w.tables[protection.EntryKey{Table: main, Destination: route.MustDestination("0.0.0.0/0")}] = route.MustNextHop("blackhole")
		}
	}
	r := onlyFilter(t, w.enforce("no-default"))
	want(t, "writes", len(w.writes()), 1)
	if len(r.Left) != 0 || r.Receipts[0].Outcome != route.PreconditionFailed {
		t.Errorf("the report is %+v", r)
	}
}

func TestABusyFilterIsLeftToItsHolder(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.onStore = func(op string, key controller.Key, n int) fault {
		if op == "commit" && n == 1 {
			// A message comes in while the first run holds the lease.
			if _, _, err := w.store.Take(context.Background(), key, "another"); err == nil {
				t.Error("the lease was free")
			}
		}
		return fault{}
	}
	w.onWrite = func(n int, change route.Change) (route.Outcome, bool) {
		if n == 1 {
			w.announce("0.0.0.0/0", "0.0.0.0/1") // A second leak, which the message was about.
		}
		return route.Applied, true
	}
	w.leak()
	reports := w.enforce("no-default")
	if len(reports) != 2 || reports[1].Status != controller.StatusDone {
		t.Fatalf("%d reports: %+v", len(reports), reports)
	}
	if got := w.shows(); !slices.Contains(got, "0.0.0.0/0 blackhole") || !slices.Contains(got, "0.0.0.0/1 blackhole") {
		t.Errorf("the table shows %v", got)
	}
	if item := w.filterItem("no-default"); item.Lease.Token != "" {
		t.Errorf("the lease is still held: %+v", item.Lease)
	}
}

func TestAStoreThatFailsStopsBeforeTheWrites(t *testing.T) {
	for _, op := range []string{"take", "commit"} {
		w := newEdge(t, newFilter("no-default", filter.Blackhole))
		w.leak()
		w.onStore = func(o string, _ controller.Key, _ int) fault {
			if o == op {
				return fault{instead: errStore}
			}
			return fault{}
		}
		r := onlyFilter(t, w.enforce("no-default"))
		want(t, op+": writes", len(w.writes()), 0)
		if r.Status != controller.StatusFailed || r.Err == nil || len(r.Placed) > 0 || len(w.wakes.Waiting()) != 1 {
			t.Errorf("%s: the report is %+v with wake-ups %v", op, r, w.waiting())
		}
	}
}

// TestWhatCannotBeReadHoldsTheTable: nothing is written from half a reading, and it
// is read again.
func TestWhatCannotBeReadHoldsTheTable(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	w.unreadable[main] = route.ProblemThrottled
	r := onlyFilter(t, w.enforce("no-default"))
	want(t, "writes", len(w.writes()), 0)
	want(t, "reads of the neighbors", len(w.at("neighbors")), 3)
	want(t, "reads of the tables", len(w.at("read")), 1)
	if len(r.Problems) != 1 || r.Problems[0].Table != main || r.Problems[0].Problem != route.ProblemThrottled {
		t.Errorf("the report is %+v", r)
	}
	delete(w.unreadable, main)
	w.sweepFilters()
	want(t, "writes of the next sweep", w.writes(), []string{placed})
}

// TestAHoldIsToldOnce, when it begins.
func TestAHoldIsToldOnce(t *testing.T) {
	f := newFilter("no-default", filter.Blackhole)
	f.Scopes[0].Attachments = []string{branch.Attachment} // The office is permitted what it would drop.
	w := newEdge(t, f)
	w.leak()
	r := onlyFilter(t, w.enforce("no-default"))
	if len(r.Held) != 1 || r.Held[0].Reason != filter.ReasonPermittedElsewhere || len(w.writes()) > 0 {
		t.Errorf("the report is %+v", r)
	}
	for range 3 {
		w.pass(time.Minute)
		w.sweepFilters()
	}
	want(t, "the events", w.toldOf(), []string{"Filter Measure Held"})
	w.heal()
	for range 10 {
		w.pass(time.Minute)
		w.sweepFilters()
	}
	w.leak()
	w.sweepFilters()
	want(t, "the events of a hold that begins again", w.toldOf(), []string{"Filter Measure Held", "Filter Measure Held"})
}

// TestAMeasureIsToldWhenItIsFirstWritten: it was wanted before, when something stood in its
// way, or when the filter did not write.
func TestAMeasureIsToldWhenItIsFirstWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(w *world)
		told   []string
	}{
		"held":     {func(w *world) { w.filters[0].Scopes[0].Attachments = []string{branch.Attachment} }, []string{"Filter Measure Held", "Filter Measure Placed"}},
		"observed": {func(w *world) { w.filters[0].Mode = protection.Observe }, []string{"Filter Measure Placed"}},
		"an alert": {func(w *world) { w.filters[0].Action = filter.Alert }, []string{"Filter Measure Placed", "Filter Measure Placed"}},
	} {
		w := newEdge(t, newFilter("no-default", filter.Blackhole))
		tt.before(w)
		w.leak()
		w.enforce("no-default")
		want(t, name+": writes before", w.writes(), nil)
		w.filters[0] = newFilter("no-default", filter.Blackhole)
		for range 3 {
			w.sweepFilters()
			w.pass(time.Minute)
		}
		want(t, name+": writes", w.writes(), []string{placed})
		want(t, name+": the events", w.toldOf(), tt.told)
		history, err := w.store.History(t.Context(), controller.FilterKey("no-default"), 5)
		if err != nil || len(history) != 2 || len(history[0].Verdicts) != 1 || history[0].WouldBe {
			t.Errorf("%s: the journal is %+v, %v", name, history, err)
		}
	}
}

// TestNeverTouchHoldsForFiltersToo, whatever the filter says.
func TestNeverTouchHoldsForFiltersToo(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.settings.Never.Tables = []string{main.ID}
	w.leak()
	if r := onlyFilter(t, w.enforce("no-default")); !r.NeverTouch || !r.WouldBe || len(r.Decision.Changes) != 1 {
		t.Errorf("the report is %+v", r)
	}
	want(t, "writes", len(w.writes()), 0)
	w.forget()
	w.sweepFilters()
	want(t, "leases that are taken again and again", len(w.at("take")), 0)
}

// TestADeadlineArmsAWakeUp: the measure is lifted when its time comes, and not at
// the next sweep.
func TestADeadlineArmsAWakeUp(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	w.enforce("no-default")
	want(t, "after the write", w.waiting(), []string{"filter#no-default 10s"})
	w.pass(settle + time.Second)
	w.wakes.Due(w.s.Now())
	w.enforce("no-default")
	w.heal()
	w.sweepFilters()
	want(t, "after the end of the leak", w.waiting(), []string{"filter#no-default 5m0s"})
	w.pass(5*time.Minute + time.Second)
	w.enforce("no-default")
	want(t, "the table", w.shows(), []string{"10.1.0.0/16 tgw-attach-branch*", "10.2.0.0/16 tgw-attach-branch*", "10.9.0.0/16 tgw-attach-office*"})
}

// TestAReleaseEndsWhatNobodyCanSee: without an observation table only a person ends a
// measure.
func TestAReleaseEndsWhatNobodyCanSee(t *testing.T) {
	f := newFilter("no-default", filter.Blackhole)
	f.Scopes[0].Observation = nil
	for path, ends := range map[string]bool{"": true, "0.0.0.0/0": true, "10.0.0.0/8": false} {
		w := newEdge(t, f)
		w.leak()
		w.enforce("no-default")
		w.heal()
		for range 10 {
			w.pass(time.Minute)
			w.sweepFilters()
		}
		if !slices.Contains(w.shows(), "0.0.0.0/0 blackhole") {
			t.Fatalf("the measure ended by itself: %v", w.shows())
		}
		release := protection.Request{ID: "r", Kind: protection.Release, Path: path, By: "jane", Why: "the branch is repaired"}
		if err := w.store.Request(t.Context(), controller.FilterKey("no-default"), release); err != nil {
			t.Fatal(err)
		}
		w.sweepFilters()
		w.sweepFilters()
		if ended := !slices.Contains(w.shows(), "0.0.0.0/0 blackhole"); ended != ends {
			t.Errorf("a release of %q: the table shows %v", path, w.shows())
		}
		if item := w.filterItem("no-default"); len(item.Requests) != 0 {
			t.Errorf("the request stands: %+v", item.Requests)
		}
	}
}

// TestAReleaseIsForMeasuresThatOnlyAPersonEnds: a quarantine whose end an observation table
// shows goes on until the leak has been gone for long enough, unless it is named.
func TestAReleaseIsForMeasuresThatOnlyAPersonEnds(t *testing.T) {
	for path, ends := range map[string]bool{"": false, branch.Attachment: true} {
		w := newEdge(t, newFilter("no-default", filter.Quarantine))
		w.leak()
		w.enforce("no-default")
		w.pass(time.Minute)
		w.sweepFilters()
		w.heal()
		w.sweepFilters()
		w.forget()
		release := protection.Request{ID: "r", Kind: protection.Release, Path: path, By: "jane", Why: "the branch is repaired"}
		if err := w.store.Request(t.Context(), controller.FilterKey("no-default"), release); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.sweepFilters()
		if ended := len(w.writes()) > 0; ended != ends {
			t.Errorf("a release of %q: %v", path, w.writes())
		}
	}
}

// TestALargeQuarantineGoesBehindGroups, and a handful of measures before them.
func TestALargeQuarantineGoesBehindGroups(t *testing.T) {
	for _, test := range []struct {
		prefixes int
		first    bool
	}{{30, true}, {200, false}} {
		f := newFilter("no-default", filter.Quarantine)
		w := newEdge(t, f)
		group := newGroup("site", 80) // More than the bucket has at once, whoever begins.
		w.groups = []protection.Group{group}
		var prefixes []string
		for n := range test.prefixes {
			prefixes = append(prefixes, fmt.Sprintf("10.1.%d.0/24", n))
		}
		w.announce(append(prefixes, "0.0.0.0/0")...)
		done := map[string]time.Time{}
		// Both want to create: the group's routes are gone.
		w.sweep()
		w.pass(settle + time.Second)
		w.sweep()
		w.await(w.run("both", func(ctx context.Context, p *sim.Process, c *controller.Controller) {
			for _, unit := range group.Units {
				for _, entry := range unit.Entries {
					delete(w.tables, entry.EntryKey)
				}
			}
			wait := p.Go(ctx, func(ctx context.Context) {
				c.Enforce(ctx, controller.FilterTrigger{Filters: []string{"no-default"}})
				done["filter"] = p.Now()
			})
			c.Reconcile(ctx, controller.Trigger{Groups: []string{"site"}})
			done["group"] = p.Now()
			wait()
		}))
		if first := done["filter"].Before(done["group"]); first != test.first {
			t.Errorf("%d prefixes: the filter was done at %s and the group at %s", test.prefixes, done["filter"].Format(time.TimeOnly), done["group"].Format(time.TimeOnly))
		}
	}
}

// TestWhoHearsTheStaticsOfItsOwnQuarantine: an attachment that is associated with the
// filtered table, unless it is known to speak no BGP.
func TestWhoHearsTheStaticsOfItsOwnQuarantine(t *testing.T) {
	quiet := branch
	quiet.BGP = filter.SpeaksNoBGP
	unknown := branch
	unknown.BGP = ""
	for name, tt := range map[string]struct {
		action filter.Action
		routed []filter.Neighbor
		want   int
	}{
		"associated":            {filter.Quarantine, []filter.Neighbor{vpc, branch}, 1},
		"not known to speak":    {filter.Quarantine, []filter.Neighbor{unknown}, 1},
		"without BGP":           {filter.Quarantine, []filter.Neighbor{quiet}, 0},
		"another is associated": {filter.Quarantine, []filter.Neighbor{vpc, office}, 0},
		"a blackhole":           {filter.Blackhole, []filter.Neighbor{branch}, 0},
	} {
		w := newEdge(t, newFilter("no-default", tt.action))
		w.routed[main] = tt.routed
		var seen []controller.FilterPreview
		w.await(w.run("preview", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
			var err error
			if seen, err = c.PreviewFilters(ctx, []string{"no-default"}); err != nil {
				t.Error(err)
			}
		}))
		if len(seen) != 1 || len(seen[0].Heard) != tt.want || tt.want > 0 && (seen[0].Heard[0].Attachment.Attachment != branch.Attachment || seen[0].Heard[0].Table != main) {
			t.Errorf("%s: %+v", name, seen)
		}
	}
}

// TestWhichFiltersAConnectionConcerns: of one whose attachment a group names, those of
// transit gateway tables that speak of it; of any other, all.
func TestWhichFiltersAConnectionConcerns(t *testing.T) {
	scoped := func(name string, table route.Table, attachments ...string) filter.Filter {
		f := newFilter(name, filter.Alert)
		f.Scopes = []filter.Scope{{Table: table, Attachments: attachments}}
		return f
	}
	g := newGroup("berlin", 1)
	g.Paths[0].Spec.Attachment = branch.Attachment // The other path's is not known.
	known, unknown := g.Paths[0].Spec.Subject.ID, g.Paths[1].Spec.Subject.ID
	gateway := main
	gateway.Kind, gateway.ID = route.VPCTable, "rtb-1"
	c := controller.New([]protection.Group{g}, controller.Settings{}, controller.Ports{},
		scoped("a-all", main), scoped("b-its", main, branch.Attachment), scoped("c-other", main, office.Attachment), scoped("d-vpc", gateway))
	for _, tt := range []struct {
		connections []string
		want        string
	}{
		{[]string{known}, "[a-all b-its]"},
		{[]string{unknown}, "[a-all b-its c-other d-vpc]"},
		{[]string{known, unknown}, "[a-all b-its c-other d-vpc]"},
		{[]string{"vpn-strange"}, "[a-all b-its c-other d-vpc]"},
	} {
		got := []string{}
		for _, f := range c.FilteringOver(tt.connections) {
			got = append(got, f.Name)
		}
		want(t, fmt.Sprint("of ", tt.connections), fmt.Sprint(got), tt.want)
	}
}

// TestLooksAtAllFiltersAndAtEverythingDoNotHoldEachOtherBack: each has its minute.
func TestLooksAtAllFiltersAndAtEverythingDoNotHoldEachOtherBack(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	every := func(fromWake bool) (looked bool) {
		w.await(w.run("filters", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
			reports, is, err := c.EveryFilter(ctx, controller.FilterTrigger{Event: "event"}, fromWake)
			if looked = is; err != nil || is != (len(reports) > 0) {
				t.Errorf("%v, %v", reports, err)
			}
		}))
		return looked
	}
	want(t, "everything", w.everything(false), true)
	want(t, "the first", every(false), true)
	want(t, "the second", every(false), false)
	want(t, "a third", every(false), false)
	waiting := w.wakes.Waiting()
	if len(waiting) != 1 || waiting[0].Key != controller.KeyEveryFilter {
		t.Fatalf("the wake-ups are %v", waiting)
	}
	w.s.RunUntil(waiting[0].At)
	want(t, "by the wake-up", every(true), true)
}
