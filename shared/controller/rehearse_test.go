package controller_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

// rehearse runs a rehearsal in a process of its own, within a limit; 0: none.
func (w *world) rehearse(limit time.Duration) (out controller.Rehearsal) {
	w.t.Helper()
	w.await(w.run("sweep", func(ctx context.Context, p *sim.Process, c *controller.Controller) {
		if limit > 0 {
			var cancel context.CancelFunc
			ctx, cancel = p.Timeout(ctx, limit)
			defer cancel()
		}
		out = c.Rehearse(ctx)
	}))
	return out
}

// tried lists the dry runs by time and target.
func (w *world) tried() (at []time.Time, what []string) {
	for _, call := range w.calls {
		if kind, rest, _ := strings.Cut(call.what, " "); kind == "try" {
			at, what = append(at, call.at), append(what, rest)
		}
	}
	return at, what
}

func TestARehearsalTriesEveryWriteAndChangesNothing(t *testing.T) {
	w := settled(t, newGroup("paris", 3), newGroup("tokyo", 1))
	before := w.item("paris")
	got := w.rehearse(0)
	if got.Groups != 2 || got.Planned != 8 || got.Tried != 8 || got.Allowed != 8 || got.Err != nil || len(got.Denied)+len(got.Doubtful)+len(got.Unread) != 0 {
		t.Errorf("the rehearsal is %+v", got)
	}
	for _, call := range w.what() {
		if kind, _, _ := strings.Cut(call, " "); !slices.Contains([]string{"peek", "read", "try"}, kind) {
			t.Errorf("a rehearsal called %s", call)
		}
	}
	if after := w.item("paris"); after.Revision != before.Revision || after.Dirty != before.Dirty {
		t.Errorf("the item changed from %+v to %+v", before, after)
	}
}

// TestARehearsalIsPaced: one dry run a second for each bucket, and one for each
// permission before all others.
func TestARehearsalIsPaced(t *testing.T) {
	w := settled(t, newGroup("paris", 20))
	w.rehearse(0)
	at, what := w.tried()
	if len(at) != 40 {
		t.Fatalf("%d trials", len(at))
	}
	for i := 1; i < len(at); i++ {
		if at[i].Sub(at[i-1]) < time.Second {
			t.Errorf("trial %d came %s after the one before", i, at[i].Sub(at[i-1]))
		}
	}
	if what[0] == what[1] || !strings.HasSuffix(what[0], "A") || !strings.HasSuffix(what[1], "B") {
		t.Errorf("the first trials lead to %s and %s", what[0], what[1])
	}
}

// TestARehearsalEndsInTime: it stops before the deadline, says what was left, and
// on another day begins elsewhere.
func TestARehearsalEndsInTime(t *testing.T) {
	seen := map[string]bool{}
	for n := range 5 {
		w := newWorld(t, newGroup("paris", 40))
		w.onTry = func(change route.Change) route.Outcome {
			seen[change.Destination.String()+" "+change.After.ID] = true
			return route.Allowed
		}
		w.s.RunUntil(w.s.Now().Add(time.Duration(n) * 24 * time.Hour))
		began := w.s.Now()
		got := w.rehearse(time.Minute)
		at, _ := w.tried()
		if got.Planned != 80 || got.Tried < 40 || got.Tried >= 80 || got.Tried != len(at) {
			t.Errorf("the rehearsal is %+v", got)
		}
		if last := at[len(at)-1].Sub(began); last > time.Minute-2*callTimeout {
			t.Errorf("the last trial began after %s of a minute", last)
		}
	}
	if len(seen) != 80 {
		t.Errorf("five days tried %d writes of 80", len(seen))
	}
}

func TestWhatARehearsalFinds(t *testing.T) {
	w := settled(t, newGroup("paris", 2), newGroup("tokyo", 2))
	w.onTry = func(change route.Change) route.Outcome {
		switch {
		case change.After == hop("paris", "B"):
			return route.Denied
		case change.After == hop("tokyo", "B"):
			return route.Refused
		default:
			return route.Allowed
		}
	}
	got := w.rehearse(0)
	if got.Tried != 8 || got.Allowed != 4 || len(got.Denied) != 2 || len(got.Doubtful) != 2 || got.Denied[0].Group != "paris" || got.Denied[0].Path != "B" || got.Doubtful[0].Group != "tokyo" {
		t.Errorf("the rehearsal is %+v", got)
	}
	for name, want := range map[string]int{"paris": 1, "tokyo": 0} {
		entries, err := w.store.History(t.Context(), controller.GroupKey(name), 10)
		if err != nil {
			t.Fatal(err)
		}
		noted := slices.DeleteFunc(entries, func(e controller.JournalEntry) bool { return e.Act != controller.ActRehearsed })
		if len(noted) != want {
			t.Errorf("the journal of %s has the notes %+v", name, noted)
		} else if want > 0 && (!strings.Contains(noted[0].Why, "2 writes would be denied, the first is ReplaceTransitGatewayRoute on tgw-rtb-paris") || noted[0].Decision != (protection.Decision{})) {
			t.Errorf("the note is %+v", noted[0])
		}
	}
}

// TestARehearsalGivesWay: of a bucket that somebody else has emptied nothing more is
// taken, and a table that cannot be read whole is left out.
func TestARehearsalGivesWay(t *testing.T) {
	w := settled(t, newGroup("paris", 10), newGroup("tokyo", 1))
	w.onTry = func(route.Change) route.Outcome { return route.Throttled }
	w.onRead = func(_ int, r *route.Reading) {
		if r.Table.ID == "tgw-rtb-tokyo" {
			r.Complete, r.Problem, r.Routes = false, route.ProblemDenied, nil
		}
	}
	got := w.rehearse(0)
	if got.Tried != 1 || got.Planned != 20 || len(got.Doubtful) != 1 || !slices.Equal(got.Unread, []string{"tokyo"}) {
		t.Errorf("the rehearsal is %+v", got)
	}
	w.onStore = func(string, controller.Key, int) fault { return fault{instead: errStore} }
	if got := w.rehearse(0); got.Err == nil || got.Tried != 0 {
		t.Errorf("without the record store the rehearsal is %+v", got)
	}
}
