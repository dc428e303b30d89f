package controller_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/sim"
)

// preview looks at groups in a process of its own.
func (w *world) preview(names ...string) (sight *controller.Sight) {
	w.t.Helper()
	w.await(w.run("operator", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		var err error
		if sight, err = c.Preview(ctx, names); err != nil {
			w.t.Error(err)
		}
	}))
	return sight
}

func manual(path string) controller.Supposed {
	return controller.Supposed{Requests: []protection.Request{{ID: "r1", Kind: protection.ManualSwitch, Path: path}}}
}

func TestAPreviewReadsAndWritesNothing(t *testing.T) {
	w := settled(t, newGroup("paris", 2), newGroup("tokyo", 1))
	w.fail("paris")
	sight := w.preview("tokyo", "paris", "nowhere")
	if got := sight.Groups(); !slices.Equal(got, []string{"paris", "tokyo"}) {
		t.Errorf("looked at %v", got)
	}
	for _, what := range w.what() {
		if kind, _, _ := strings.Cut(what, " "); !slices.Contains([]string{"peek", "evidence", "read", "lists"}, kind) {
			t.Errorf("a preview called %s", what)
		}
	}
	if n := w.seen["evidence"] + w.seen["peek"]; n != 2 {
		t.Errorf("%d calls for the evidence and the records of two groups, want one each", n)
	}
	if _, ok := sight.Decide("nowhere", controller.Supposed{}); ok {
		t.Error("a group that was not looked at is decided")
	}
}

// TestAPreviewIsWhatTheRunDoes compares the preview with the run after it.
func TestAPreviewIsWhatTheRunDoes(t *testing.T) {
	for name, c := range map[string]struct {
		down     []string
		supposed controller.Supposed
		to       string
		changes  int
	}{
		"nothing":       {to: "A"},
		"a failure":     {down: []string{"paris"}, to: "B", changes: 3},
		"a request":     {supposed: manual("B"), to: "B", changes: 3},
		"a vain one":    {supposed: manual("A"), to: "A"},
		"of no path":    {supposed: manual("X"), to: "A"},
		"a force, down": {down: []string{"paris"}, supposed: controller.Supposed{Requests: []protection.Request{{ID: "r1", Kind: protection.ForcedSwitch, Path: "A"}}}, to: "B", changes: 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := settled(t, newGroup("paris", 3))
			w.fail(c.down...)
			sight := w.preview("paris")
			p, _ := sight.Decide("paris", c.supposed)
			if p.Report.Output.Next.Decision.To != c.to || len(p.Plan.Changes) != c.changes || p.Report.Cost.Wait != 0 {
				t.Fatalf("the preview is %+v with the plan %+v", p.Report.Decision, p.Plan)
			}
			if quiet := p.Report.Status == controller.StatusQuiet; quiet != (c.changes == 0 && len(p.Report.Output.Ended) == 0) {
				t.Errorf("the status is %s", p.Report.Status)
			}
			for _, r := range c.supposed.Requests {
				w.request("paris", r)
			}
			report := w.reconcile("paris")[0]
			want, got := p.Report.Decision, report.Decision
			if want.Epoch != 0 && got.Epoch != 0 && want.To != "A" {
				want.Epoch, got.Epoch = 0, 0 // The clock went on.
			}
			if want != got || len(report.Receipts) != c.changes || len(report.Output.Ended) != len(p.Report.Output.Ended) {
				t.Errorf("foretold %+v, decided %+v with %d writes", want, got, len(report.Receipts))
			}
		})
	}
}

func TestAPreviewShowsTheRecordsAsTheyStand(t *testing.T) {
	w := settled(t, newGroup("paris", 1))
	w.request("paris", protection.Request{ID: "old", Kind: protection.Lockout, Path: "B"})
	sight := w.preview("paris")
	p, _ := sight.Decide("paris", controller.Supposed{Requests: manual("B").Requests, Cleared: []string{"old"}})
	if len(p.Item.Requests) != 1 || p.Item.Requests[0].ID != "old" || p.Report.Decision.To != "B" || p.Report.Before.To != "A" {
		t.Errorf("the preview has %+v, %+v", p.Item.Requests, p.Report.Decision)
	}
	again, _ := sight.Decide("paris", manual("B"))
	if len(again.Report.Output.Ended) != 1 || again.Report.Output.Ended[0].Reason != protection.ReasonTargetLocked {
		t.Errorf("what was supposed before is still supposed: %+v", again.Report.Output.Ended)
	}
}

func TestAPreviewSupposesTheControlItem(t *testing.T) {
	w := settled(t, newGroup("paris", 1))
	w.fail("paris")
	sight := w.preview("paris")
	freeze := protection.FreezeState{On: true}
	frozen, _ := sight.Decide("paris", controller.Supposed{Control: controller.ControlChange{Freeze: &freeze}})
	if !frozen.Report.WouldBe || !frozen.Report.Output.Freeze.On || frozen.Control.Freeze.On || len(frozen.Plan.Changes) != 1 {
		t.Errorf("frozen: %+v, %+v", frozen.Report, frozen.Plan)
	}
	open, _ := sight.Decide("paris", controller.Supposed{})
	if open.Report.WouldBe || open.Report.Output.Freeze.On {
		t.Errorf("after: %+v", open.Report)
	}
	w.settings.MaxMoves = 0
	held, _ := w.preview("paris").Decide("paris", controller.Supposed{})
	if held.Report.Decision.Reason != protection.ReasonMassFailure {
		t.Errorf("held: %+v", held.Report.Decision)
	}
}

func TestTowardAndWorst(t *testing.T) {
	w := settled(t, newGroup("paris", 60))
	p, _ := w.preview("paris").Decide("paris", controller.Supposed{})
	if n := len(p.Toward("A").Changes); n != 0 {
		t.Errorf("%d changes to where it is", n)
	}
	path, worst := p.Worst()
	if cost := plan.Predict(worst.Changes); path != "B" || len(worst.Changes) != 60 || cost.Wait != 2*time.Second {
		t.Errorf("the worst is to %s with %d changes, %s", path, len(worst.Changes), cost.Wait)
	}
	if len(p.Report.Facts) == 0 || len(p.Readings) != 1 || !p.Standing.Complete {
		t.Errorf("the preview lacks what it was made from: %+v", p.Report.Facts)
	}
}

func TestAPreviewWithoutRecords(t *testing.T) {
	w := settled(t, newGroup("paris", 1))
	w.onStore = func(string, controller.Key, int) fault { return fault{instead: errStore} }
	w.await(w.run("operator", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		if _, err := c.Preview(ctx, []string{"paris"}); !errors.Is(err, errStore) {
			t.Errorf("answered %v", err)
		}
	}))
}
