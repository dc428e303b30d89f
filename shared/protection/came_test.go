package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

// A check that follows the routes counts by what it said since the group came onto
// the path. A repair, and the change to enforce, make no difference to that.
func TestUsedSinceIsWhenTheGroupCame(t *testing.T) {
	in := settledOn("A")
	came := in.Record.UsedSince("A")
	if !came.Equal(noon.Add(-time.Hour)) || !in.Record.UsedSince("B").IsZero() {
		t.Fatalf("came at %s", came)
	}
	e := &in.Standing.Entries[0]
	e.NextHop, e.Paths = hopOf("B"), []string{"B"}
	for range 2 {
		in.Record = Decide(in).Next
		in = at(in, in.Now.Add(time.Minute))
	}
	if !in.Record.WroteAt.After(came) || in.Record.Settled {
		t.Fatalf("nothing was repaired: %+v", in.Record)
	}
	if got := in.Record.UsedSince("A"); !got.Equal(came) {
		t.Errorf("after a repair: came at %s, want %s", got, came)
	}
	in.Standing = standingOn(in.Group, in.Now, "A", "A", "A")
	in.Record.Mode = Observe
	out := Decide(in)
	if got := out.Next.UsedSince("A"); out.Decision.Action != Adopt || !got.Equal(came) {
		t.Errorf("after %s: came at %s, want %s", out.Decision.Action, got, came)
	}
	// A run that died may have written until its lease ended. The group has been on
	// the path it was adopted on all the same.
	fresh := settledOn("A")
	fresh.Record = Record{}
	adopted := Decide(fresh).Next
	adopted.WroteAt = fresh.Now.Add(time.Hour)
	if got := adopted.UsedSince("A"); !got.Equal(fresh.Now) {
		t.Errorf("adopted at first sight: came at %s, want %s", got, fresh.Now)
	}
	in.Record = out.Next
	in.set("A", health.Down)
	out = Decide(in)
	if got := out.Next.UsedSince(out.Next.Decision.To); out.Decision.Action != Move || !got.Equal(in.Now) {
		t.Errorf("after a move: came at %s, want %s", got, in.Now)
	}
}
