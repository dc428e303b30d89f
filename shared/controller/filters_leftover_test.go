package controller_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/sim"
)

// sweepLeftovers sweeps all filters, and looks for what former ones left.
func (w *world) sweepLeftovers() (left []controller.FilterReport) {
	w.t.Helper()
	w.await(w.run("sweep", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		left = slices.DeleteFunc(c.SweepHome(ctx, "sweep"), func(r controller.FilterReport) bool { return len(r.Leftover) == 0 })
	}))
	return left
}

// TestMeasuresOfAFormerFilterAreReported: nobody else knows that they are Detour's once
// the filter has another name, or is gone.
func TestMeasuresOfAFormerFilterAreReported(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Quarantine))
	if left := w.sweepLeftovers(); len(left) > 0 {
		t.Fatalf("before anything stands: %+v", left)
	}
	w.leak()
	w.sweepFilters()
	for range 2 {
		w.pass(time.Minute)
		if left := w.sweepLeftovers(); len(left) > 0 {
			t.Fatalf("the filter is there: %+v", left)
		}
	}
	former := w.filters
	for name, filters := range map[string][]filter.Filter{"gone": nil, "renamed": {newFilter("other-name", filter.Quarantine)}} {
		w.filters = filters
		left := w.sweepLeftovers()
		if len(left) != 1 || left[0].Filter != "no-default" || len(left[0].Leftover) != 1 || !left[0].Leftover[0].Off || len(left[0].Leftover[0].Statics) != 2 {
			t.Errorf("%s: %+v", name, left)
		}
	}
	// Back with its name, it ends its measure, and leaves nothing.
	w.filters = former
	w.heal()
	for range 8 {
		w.pass(time.Minute)
		w.sweepLeftovers()
	}
	w.filters = nil
	if left := w.sweepLeftovers(); len(left) > 0 {
		t.Errorf("after its end: %+v", left)
	}
	items, _, err := w.store.Peek(t.Context(), []controller.Key{controller.KeyFilters})
	if err != nil || len(items[0].Requests) > 0 {
		t.Errorf("the list has %+v, %v", items, err)
	}
}

// TestAFormerFilterIsTakenOffTheList when its record says that nothing stands, or is gone.
func TestAFormerFilterIsTakenOffTheList(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Blackhole))
	w.leak()
	w.sweepLeftovers()
	w.heal()
	w.pass(time.Minute)
	w.sweepFilters()
	for range 8 {
		w.pass(time.Minute)
		w.sweepFilters() // Its measure ends without a look at the list.
	}
	w.filters = nil
	for range 2 {
		if left := w.sweepLeftovers(); len(left) > 0 {
			t.Fatalf("%+v", left)
		}
	}
	items, _, err := w.store.Peek(t.Context(), []controller.Key{controller.KeyFilters})
	if err != nil || len(items[0].Requests) > 0 {
		t.Errorf("the list has %+v, %v", items, err)
	}
}
