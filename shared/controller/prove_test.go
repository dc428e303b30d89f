package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// learnedRoute is a route that a table shows once no static has stood before it for
// some time; zero: it never comes.
type learnedRoute struct {
	from  string        // its attachment
	after time.Duration // since the static went
	gone  time.Time     // when the static went
}

// put changes a static of the tables; the zero next hop takes it away.
func (w *world) put(key protection.EntryKey, next route.NextHop) {
	if !next.IsZero() {
		w.tables[key] = next
		return
	}
	delete(w.tables, key)
	if l, ok := w.learned[key]; ok {
		l.gone = w.s.Now()
		w.learned[key] = l
	}
}

// addLearned adds the learned routes that show by now.
func (w *world) addLearned(routes map[route.Table][]route.Route) {
	for key, l := range w.learned {
		if _, hidden := w.tables[key]; hidden || l.from == "" || w.s.Now().Before(l.gone.Add(l.after)) {
			continue
		}
		routes[key.Table] = append(routes[key.Table], route.Route{
			Table: key.Table, Destination: key.Destination, NextHop: route.MustNextHop(l.from), Origin: route.OriginPropagated, State: route.StateActive,
		})
	}
}

// observation answers for an observation table.
func (w *world) observation(table health.Subject, at time.Time, late bool) []health.Fact {
	if late || w.observed == nil {
		return []health.Fact{{Subject: table, Kind: health.FactUnreadable, Problem: route.ProblemThrottled, ObservedAt: at}}
	}
	out := slices.Clone(w.observed)
	for i := range out {
		out[i].Subject, out[i].Source, out[i].ObservedAt = table, health.SourceSearchRoutes, at
	}
	return out
}

// propagations answers for the propagations into an entry's table. Every attachment that
// teaches routes there propagates, unless it is switched off.
func (w *world) propagations(table health.Subject, at time.Time, late bool) []health.Fact {
	if late || w.propagationsUnread {
		return []health.Fact{{Subject: table, Kind: health.FactUnreadable, Problem: route.ProblemThrottled, ObservedAt: at}}
	}
	out := []health.Fact{{Kind: health.FactTableState, Value: health.TableRead}}
	if !w.propagationOff {
		for i := range w.groups {
			out = append(out, health.Fact{Kind: health.FactPropagation, Part: w.groups[i].Paths[0].Spec.Attachment, Value: health.PropagationEnabled})
		}
	}
	for i := range out {
		out[i].Subject, out[i].Source, out[i].ObservedAt = table, health.SourceGetPropagations, at
	}
	return out
}

// learningGroup is newGroup with a unit for each entry, whose routes are learned on A.
func learningGroup(name string, n int) protection.Group {
	g := newGroup(name, n)
	entries := g.Units[0].Entries
	g.Units = nil
	spec := &g.Paths[0].Spec
	spec.Attachment = hop(name, "A").ID
	spec.Observation = health.Subject{Kind: health.SubjectRouteTable, ID: "tgw-rtb-seen", Account: g.Account, Region: g.Region}
	for i := range entries {
		entries[i].NextHops[0].NextHop = route.NextHop{Kind: route.Propagated, ID: spec.Attachment}
		spec.Expect = append(spec.Expect, entries[i].Destination.Prefix())
		g.Units = append(g.Units, protection.Unit{Name: fmt.Sprint("unit-", i), Entries: entries[i : i+1]})
	}
	return g
}

// teach has the attachment of A teach all routes of the group, which show some time
// after the static before them is gone. The observation table shows them, too.
func (w *world) teach(g protection.Group, after time.Duration) {
	w.observed = []health.Fact{
		{Kind: health.FactTableState, Value: health.TableRead},
		{Kind: health.FactPropagation, Part: g.Paths[0].Spec.Attachment},
	}
	for _, unit := range g.Units {
		for _, e := range unit.Entries {
			w.learned[e.EntryKey] = learnedRoute{from: g.Paths[0].Spec.Attachment, after: after}
			w.observed = append(w.observed, health.Fact{Kind: health.FactLearnedRoute, Part: e.Destination.String(), Value: g.Paths[0].Spec.Attachment})
		}
	}
}

// onStatics is a group that stands on its statics, after A failed and came back.
func onStatics(t *testing.T, g protection.Group, after time.Duration) *world {
	t.Helper()
	w := newWorld(t, g)
	w.teach(g, after)
	for range 2 {
		w.sweep()
		w.pass(settle + time.Second)
	}
	w.fail(g.Name)
	w.reconcile(g.Name)
	w.down = map[string]bool{}
	w.pass(time.Minute)
	w.sweep()
	want(t, "on statics", w.standsOn(g.Name), map[string]int{"B": len(w.learned)})
	w.forget()
	return w
}

// recordWrites lists the route writes since the log was emptied, as of the World's tables.
func recordWrites(w *world) *[]string {
	out := &[]string{}
	w.onWrite = func(_ int, c route.Change) (route.Outcome, bool) {
		*out = append(*out, string(c.Op)+" "+c.Destination.String())
		return route.Applied, true
	}
	return out
}

func backTo(unproven bool) protection.Request {
	return protection.Request{ID: "back", Kind: protection.ManualSwitch, Path: "A", Unproven: unproven}
}

func TestAwayFromLearnedRoutesStaticsAreCreated(t *testing.T) {
	g := learningGroup("berlin", 2)
	w := newWorld(t, g)
	w.teach(g, 0)
	for range 2 {
		w.sweep()
		w.pass(settle + time.Second)
	}
	w.forget()
	w.fail("berlin")
	w.observed = nil // Nothing waits for the observation table.
	writes := recordWrites(w)
	report := only(t, w.reconcile("berlin"))
	want(t, "the writes", *writes, []string{"create-route 10.0.0.0/24", "create-route 10.0.1.0/24"})
	want(t, "the reads of evidence", w.seen["evidence"], 1)
	if report.Decision.Reason != protection.ReasonSignalFail {
		t.Errorf("reason %s", report.Decision.Reason)
	}
}

func TestBackToProvenRoutesWithTheGapMeasured(t *testing.T) {
	w := onStatics(t, learningGroup("berlin", 2), 700*time.Millisecond)
	writes := recordWrites(w)
	w.request("berlin", backTo(false))
	report := only(t, w.reconcile("berlin"))
	want(t, "the writes", *writes, []string{"delete-route 10.0.0.0/24", "delete-route 10.0.1.0/24"})
	want(t, "statics left", w.standsOn("berlin"), map[string]int{})
	if len(report.Gaps) != 2 || report.Gaps[0].Took < 700*time.Millisecond || report.Gaps[0].Took > 1500*time.Millisecond {
		t.Fatalf("gaps %v, want two of a little more than 700ms", report.Gaps)
	}
	item := w.item("berlin")
	if len(item.Record.Proving) > 0 || len(item.Record.Unmet) > 0 || item.Record.Decision.To != "A" {
		t.Errorf("record %+v", item.Record)
	}
	journal, err := w.store.History(context.Background(), item.Key, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(journal) == 0 || len(journal[0].Gaps) != 2 || !strings.HasPrefix(journal[0].Note, "2 learned routes took over, with no route for at most ") {
		t.Errorf("the journal says %+v", journal[0])
	}
	w.pass(time.Minute)
	w.sweep()
	if !w.item("berlin").Record.Settled {
		t.Error("the group does not settle")
	}
	w.forget()
	w.pass(10 * time.Minute)
	w.sweep()
	want(t, "a quiet sweep", compact(w.what())[:1], []string{"peek"})
	if w.seen["write"]+w.seen["commit"]+w.seen["take"] > 0 {
		t.Errorf("a settled group is written: %v", w.what())
	}
}

func TestWithoutProofNothingIsDeleted(t *testing.T) {
	g := learningGroup("berlin", 2)
	w := onStatics(t, g, 0)
	w.observed = append(w.observed, health.Fact{Kind: health.FactPropagation, Part: "tgw-attach-other"})
	w.request("berlin", backTo(false))
	report := only(t, w.reconcile("berlin"))
	want(t, "the writes", w.seen["write"], 0)
	ended := report.Output.Ended
	if len(ended) != 1 || ended[0].Reason != protection.ReasonObservationShared {
		t.Errorf("the request ended %v", ended)
	}
	want(t, "told", report.Output.NotReady, []protection.NotReady{{Path: "A", Why: protection.ReasonObservationShared}})
}

// TestWhatIsNotPropagatedIsNotGoneBackTo: the observation table shows the routes, and
// the attachment does not propagate into the table that carries the traffic.
func TestWhatIsNotPropagatedIsNotGoneBackTo(t *testing.T) {
	for _, unproven := range []bool{false, true} {
		w := onStatics(t, learningGroup("berlin", 2), 0)
		w.propagationOff = true
		w.request("berlin", backTo(unproven))
		report := only(t, w.reconcile("berlin"))
		want(t, "the writes", w.seen["write"], 0)
		if ended := report.Output.Ended; len(ended) != 1 || ended[0].Reason != protection.ReasonNotPropagated {
			t.Errorf("unproven %t: the request ended %v", unproven, ended)
		}
		want(t, "told", report.Output.NotReady, []protection.NotReady{{Path: "A", Why: protection.ReasonNotPropagated}})
	}
}

// TestPropagationsAreReadWithTheRest: in the same round, once, and nothing else waits
// for them.
func TestPropagationsAreReadWithTheRest(t *testing.T) {
	w := onStatics(t, learningGroup("berlin", 2), 0)
	w.propagationsUnread = true
	w.request("berlin", backTo(false))
	report := only(t, w.reconcile("berlin"))
	want(t, "the reads of evidence", w.seen["evidence"], 1)
	want(t, "the writes", w.seen["write"], 0)
	if len(report.Output.Ended) > 0 {
		t.Errorf("the request ended %v; it waits for the reading", report.Output.Ended)
	}
	w.propagationsUnread = false
	w.pass(time.Minute)
	w.sweep()
	want(t, "the statics left", w.standsOn("berlin"), map[string]int{})
}

func TestUnprovenOneUnitGoesFirst(t *testing.T) {
	g := learningGroup("berlin", 3)
	w := onStatics(t, g, 300*time.Millisecond)
	w.groups[0].Paths[0].Spec.Observation = health.Subject{}
	writes := recordWrites(w)
	w.request("berlin", backTo(true))
	reports := w.reconcile("berlin")
	want(t, "the writes", *writes, []string{"delete-route 10.0.0.0/24", "delete-route 10.0.1.0/24", "delete-route 10.0.2.0/24"})
	if len(reports) != 2 || len(reports[0].Gaps) != 1 || len(reports[1].Gaps) != 2 {
		t.Fatalf("%d reports, want one for the first unit and one for the others: %+v", len(reports), reports)
	}
	times := w.at("write")
	if times[1].Before(times[0].Add(300 * time.Millisecond)) {
		t.Errorf("the second unit was written at %s, before the first showed (%s)", times[1], times[0])
	}
}

func TestARouteThatDoesNotComeHasItsStaticBackInTime(t *testing.T) {
	for name, route := range map[string]learnedRoute{"none": {}, "another's": {from: "tgw-attach-other"}, "too late": {from: "tgw-attach-berlinA", after: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			g := learningGroup("berlin", 3)
			w := onStatics(t, g, 0)
			w.groups[0].Paths[0].Spec.Observation = health.Subject{}
			w.groups[0].Paths[0].Spec.HoldOff = time.Minute // That is for failures of paths.
			for key := range w.learned {
				w.learned[key] = route
			}
			writes := recordWrites(w)
			w.request("berlin", backTo(true))
			reports := w.reconcile("berlin")
			want(t, "the writes", *writes, []string{"delete-route 10.0.0.0/24", "create-route 10.0.0.0/24"})
			want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
			times := w.at("write")
			if without := times[1].Add(writeTime).Sub(times[0]); without > protection.LearnWithin || without < 10*time.Second {
				t.Errorf("the static stood again after %s", without)
			}
			if len(times) != 2 {
				t.Fatalf("%d writes", len(times))
			}
			last := reports[len(reports)-1]
			if last.Decision.Reason != protection.ReasonRouteNotLearned || last.Decision.To != "B" {
				t.Errorf("decided %+v", last.Decision)
			}
			if unmet := w.item("berlin").Record.Unmet; len(unmet) != 1 || unmet[0].Path != "A" {
				t.Errorf("remembered %v", unmet)
			}
			w.pass(20 * time.Minute)
			w.forget()
			w.sweep()
			want(t, "later writes", w.seen["write"], 0)
		})
	}
}

// TestARunThatDiesAwaitingARouteIsFinishedByTheNext: whenever it is killed, the
// statics come back if the routes do not.
func TestARunThatDiesAwaitingARouteIsFinishedByTheNext(t *testing.T) {
	for _, at := range []time.Duration{35 * time.Millisecond, 45 * time.Millisecond, 55 * time.Millisecond, 70 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 5 * time.Second, 13100 * time.Millisecond} {
		g := learningGroup("berlin", 1)
		w := onStatics(t, g, 0)
		w.groups[0].Paths[0].Spec.Observation = health.Subject{}
		for key := range w.learned {
			w.learned[key] = learnedRoute{}
		}
		w.request("berlin", backTo(true))
		run := w.run("dies", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
			c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
		})
		w.pass(at)
		run.Kill()
		w.pass(lease + skew + time.Second)
		for range 3 {
			w.sweep()
			w.pass(20 * time.Second)
		}
		if on := w.standsOn("berlin"); on["B"] != 1 {
			t.Errorf("killed after %s the entry stands on %v", at, on)
		}
	}
}

// TestTheRecordNamesWhatIsAboutToBeDeleted: the record names what is about to be
// deleted before it is.
func TestTheRecordNamesWhatIsAboutToBeDeleted(t *testing.T) {
	w := onStatics(t, learningGroup("berlin", 2), 0)
	var proving []protection.Proof
	w.onWrite = func(int, route.Change) (route.Outcome, bool) {
		proving = w.item("berlin").Record.Proving
		return route.Applied, true
	}
	w.request("berlin", backTo(false))
	w.reconcile("berlin")
	if len(proving) != 2 {
		t.Errorf("while the statics are deleted the record awaits %v", proving)
	}
}

func TestDeletesWaitForTheOtherWritesOfTheMove(t *testing.T) {
	g := learningGroup("berlin", 1)
	vpc := route.Table{Kind: route.VPCTable, ID: "rtb-berlin", Account: g.Account, Region: g.Region}
	static := protection.Entry{EntryKey: protection.EntryKey{Table: vpc, Destination: route.MustDestination("10.9.0.0/16")}, NextHops: []protection.PathNextHop{
		{Path: "A", NextHop: route.MustNextHop("tgw-1")}, {Path: "B", NextHop: route.MustNextHop("vgw-1")},
	}}
	g.Units[0].Entries = append(slices.Clone(g.Units[0].Entries), static)
	w := newWorld(t, g)
	w.teach(g, 0)
	delete(w.learned, static.EntryKey)
	for range 2 {
		w.sweep()
		w.pass(settle + time.Second)
	}
	w.fail("berlin")
	w.reconcile("berlin")
	w.down = map[string]bool{}
	w.pass(time.Minute)
	w.sweep()
	w.forget()
	refuse := true
	var sent []string
	w.onWrite = func(_ int, c route.Change) (route.Outcome, bool) {
		sent = append(sent, string(c.Op))
		if c.Op == route.OpReplace && refuse {
			return route.Throttled, false
		}
		return route.Applied, true
	}
	w.request("berlin", backTo(false))
	w.run("switchover", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		c.Reconcile(ctx, controller.Trigger{Groups: []string{"berlin"}})
	})
	w.pass(2 * time.Second)
	if slices.Contains(sent, string(route.OpDelete)) || len(sent) == 0 {
		t.Errorf("sent %v before the table in front was written", sent)
	}
	refuse = false
	w.pass(30 * time.Second)
	if sent[len(sent)-1] != string(route.OpDelete) {
		t.Errorf("sent %v", sent)
	}
}
