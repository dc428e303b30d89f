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
	lost := settledOn("C")
	lost.Record.Decision.To, lost.Record.Decision.From = "gone", "gone"
	if next := Decide(lost).Next; next.Decision.To != "C" || !next.UsedSince("C").Equal(lost.Now) {
		t.Errorf("adopted after its path was removed: on %s since %s, want %s", next.Decision.To, next.UsedSince("C"), lost.Now)
	}
	in.Record = out.Next
	in.set("A", health.Down)
	out = Decide(in)
	if got := out.Next.UsedSince(out.Next.Decision.To); out.Decision.Action != Move || !got.Equal(in.Now) {
		t.Errorf("after a move: came at %s, want %s", got, in.Now)
	}
}

// Where nothing of a move was written, the way back is none: what a check said
// meanwhile was about this path all the time.
func TestWhoNeverLeftHasBeenThereAllTheWhile(t *testing.T) {
	for _, tt := range []struct {
		name    string
		stand   [3]string
		applied bool
		want    time.Duration
	}{
		{"nothing was written", [3]string{"A", "A", "A"}, false, -time.Hour},
		{"a unit went over, and its run died", [3]string{"B", "A", "A"}, false, time.Minute},
		{"a unit went over and back", [3]string{"A", "A", "A"}, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("A")
			in.set("A", health.Down)
			out := Decide(in)
			if out.Decision.Action != Move || out.Decision.To != "B" {
				t.Fatalf("decided %+v", out.Decision)
			}
			in = at(again(in, out), noon.Add(time.Minute))
			in.Record.Applied = nil
			if tt.applied {
				in.Record.Applied = []EntryKey{in.Group.Units[0].Entries[0].EntryKey}
			}
			in.stands(tt.stand[:]...)
			in.set("A", health.Up)
			in.set("B", health.Down)
			out = Decide(in)
			if got := out.Next.UsedSince("A"); out.Decision.Action != Move || out.Decision.To != "A" || !got.Equal(noon.Add(tt.want)) {
				t.Errorf("%s to %s: came at %s, want %s", out.Decision.Action, out.Decision.To, got, noon.Add(tt.want))
			}
		})
	}
}
