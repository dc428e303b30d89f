package controller_test

import (
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// TestAQuarantineEndsWithItsAttachment: where the attachment was deleted, one sweep clears
// what the measure left, says why, and the next ones are quiet.
func TestAQuarantineEndsWithItsAttachment(t *testing.T) {
	release := func(w *world) {
		if err := w.store.Request(w.t.Context(), controller.FilterKey("no-default"), protection.Request{ID: "r", Kind: protection.Release, Path: branch.Attachment}); err != nil {
			w.t.Fatal(err)
		}
	}
	deletes := []string{"delete-route tgw-rtb-main 10.1.0.0/16: blackhole -> none", "delete-route tgw-rtb-main 10.2.0.0/16: blackhole -> none"}
	enable := "enable-propagation tgw-rtb-main tgw-attach-branch"
	replaces := []string{"replace-route tgw-rtb-main 10.1.0.0/16: blackhole -> tgw-attach-branch", "replace-route tgw-rtb-main 10.2.0.0/16: blackhole -> tgw-attach-branch"}
	for name, tt := range map[string]struct {
		also   func(*world)
		writes []string
		told   []string
	}{
		"by itself": {writes: slices.Concat(replaces, deletes), told: []string{"Filter Measure Lifted attachment-gone"}},
		"released": {also: release, writes: slices.Concat([]string{enable}, deletes), told: []string{
			"Filter Measure Lifted released", "Filter Measure Lifted attachment-gone",
		}},
		"released, its statics removed by hand": {also: func(w *world) {
			release(w)
			clear(w.tables)
		}, writes: []string{enable}, told: []string{"Filter Measure Lifted released", "Filter Measure Lifted attachment-gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newEdge(t, newFilter("no-default", filter.Quarantine))
			w.leak()
			w.enforce("no-default")
			w.pass(settle + time.Second)
			w.sweepFilters()
			w.deleteBranch()
			if tt.also != nil {
				tt.also(w)
			}
			w.forget()
			before := len(w.events.All())
			r := onlyFilter(t, w.sweepFilters())
			writes := w.writes()
			slices.SortStableFunc(writes, func(a, b string) int { return slices.Index(tt.writes, a) - slices.Index(tt.writes, b) })
			want(t, "writes", writes, tt.writes)
			if r.Status != controller.StatusDone || len(r.Left) > 0 || !r.WakeAt.IsZero() && r.WakeAt.Before(w.s.Now()) {
				t.Errorf("the report is %+v", r)
			}
			var told []string
			for _, e := range w.events.All()[before:] {
				told = append(told, string(e.Kind)+" "+string(e.Verdict.Reason))
			}
			want(t, "the events", told, tt.told)
			if item := w.filterItem("no-default"); len(item.Filter.Measures) != 0 {
				t.Errorf("the record holds %+v", item.Filter)
			}
			want(t, "the table", w.shows(), []string{"10.9.0.0/16 tgw-attach-office*"})
			history, err := w.store.History(t.Context(), controller.FilterKey("no-default"), 5)
			if err != nil || !slices.ContainsFunc(history, func(e controller.JournalEntry) bool {
				return slices.ContainsFunc(e.Verdicts, func(v filter.Verdict) bool { return v.Reason == filter.ReasonAttachmentGone })
			}) {
				t.Errorf("the journal is %+v, %v", history, err)
			}
			w.forget()
			w.pass(time.Minute)
			if r := onlyFilter(t, w.sweepFilters()); r.Status != controller.StatusQuiet || len(w.writes()) > 0 {
				t.Errorf("the next sweep: %v, %+v", w.writes(), r)
			}
		})
	}
}

// TestAQuarantineOutlastsWhatIsNotRead: while what stands around the table cannot be read
// whole, that the attachment is gone ends nothing.
func TestAQuarantineOutlastsWhatIsNotRead(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Quarantine))
	w.leak()
	w.enforce("no-default")
	w.pass(settle + time.Second)
	w.sweepFilters()
	w.deleteBranch()
	w.unreadable[observed] = route.ProblemThrottled
	w.pass(time.Minute)
	r := onlyFilter(t, w.sweepFilters())
	if item := w.filterItem("no-default"); r.Status != controller.StatusUnfinished || len(item.Filter.Measures) != 1 || !item.Filter.Measures[0].Off {
		t.Errorf("the report is %+v, the record %+v", r, item.Filter)
	}
	delete(w.unreadable, observed)
	w.pass(time.Minute)
	if r := onlyFilter(t, w.sweepFilters()); r.Status != controller.StatusDone || len(w.filterItem("no-default").Filter.Measures) != 0 {
		t.Errorf("read again: %+v", r)
	}
}

// TestAPinToAnEgressThatIsGoneIsUnfinished: only a quarantine ends with its attachment.
func TestAPinToAnEgressThatIsGoneIsUnfinished(t *testing.T) {
	f := newFilter("no-default", filter.Pin)
	f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
	w := newEdge(t, f)
	w.deleted["tgw-attach-egress"] = true
	w.leak()
	if r := onlyFilter(t, w.enforce("no-default")); r.Status != controller.StatusUnfinished {
		t.Errorf("the report is %+v", r)
	}
}
