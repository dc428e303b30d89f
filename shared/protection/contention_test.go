package protection

import (
	"slices"
	"testing"
	"time"
)

// opponent undoes the first entry as soon as Detour put it back, and tells what
// Detour made of it.
type opponent struct {
	in Input
	// out is what the run that saw the change for the second time said.
	out   Output
	wrote bool
}

// round lets the opponent change the route, Detour see it twice a settle time
// apart, and if Detour writes, the repair settle. It takes the given time.
func (o *opponent) round(took time.Duration) {
	start := o.in.Now
	o.in.stands("B", "A", "A")
	o.run(start.Add(took - 3*settle))
	o.run(start.Add(took - 2*settle))
	second := o.out
	if o.wrote {
		o.in.stands("A", "A", "A")
		o.run(start.Add(took))
	}
	o.in.Now, o.out, o.wrote = start.Add(took), second, second.Writes(Enforce)
}

func (o *opponent) run(now time.Time) {
	o.in = at(o.in, now)
	o.out = Decide(o.in)
	o.wrote = o.out.Writes(Enforce)
	o.in = again(o.in, o.out)
}

func TestContentionStopsAtTheThirdReversalInTheWindow(t *testing.T) {
	o := &opponent{in: settledOn("A")}
	key := o.in.Group.Units[0].Entries[0].EntryKey
	for n := 1; n <= 2; n++ {
		o.round(2 * time.Minute)
		if len(o.out.NewlyContended) > 0 || !o.wrote {
			t.Fatalf("reversal %d: contended %v, writes %t", n, o.out.NewlyContended, o.wrote)
		}
	}
	o.round(2 * time.Minute)
	if !slices.Equal(o.out.NewlyContended, []EntryKey{key}) || !slices.Equal(o.out.Next.Contended, []EntryKey{key}) {
		t.Fatalf("newly contended %v, contended %v", o.out.NewlyContended, o.out.Next.Contended)
	}
	if o.wrote {
		t.Error("wrote at the third reversal")
	}
	for n := range 5 {
		o.round(2 * time.Minute)
		if o.wrote || len(o.out.NewlyContended) > 0 {
			t.Errorf("%d rounds later the entry is fought over or reported again", n+1)
		}
	}
}

func TestReversalsOutsideTheWindowDoNotCount(t *testing.T) {
	o := &opponent{in: settledOn("A")}
	for n := range 6 {
		// Three in a row take 12 minutes at this pace: never three in ten.
		o.round(6 * time.Minute)
		if len(o.out.NewlyContended) > 0 || !o.wrote {
			t.Fatalf("round %d: contended %v, writes %t", n+1, o.out.NewlyContended, o.wrote)
		}
	}
}

func TestContentionOfOneEntryLeavesTheOthers(t *testing.T) {
	o := &opponent{in: settledOn("A")}
	for range 3 {
		o.round(time.Minute)
	}
	o.in.stands("B", "B", "A")
	o.run(o.in.Now.Add(time.Minute))
	o.run(o.in.Now.Add(time.Minute))
	if !o.wrote {
		t.Error("an entry that is not contended is not repaired")
	}
	if len(o.out.Next.Contended) != 1 {
		t.Errorf("contended: %v", o.out.Next.Contended)
	}
}

func TestReleaseEndsContention(t *testing.T) {
	o := &opponent{in: settledOn("A")}
	for range 3 {
		o.round(time.Minute)
	}
	o.in.ask(Request{ID: "release", Kind: Release, At: o.in.Now})
	o.in.stands("B", "A", "A")
	o.run(o.in.Now.Add(time.Minute))
	if len(o.out.Next.Contended) != 0 || len(o.out.Next.Reversals) != 0 {
		t.Errorf("after the release: contended %v, reversals %v", o.out.Next.Contended, o.out.Next.Reversals)
	}
	if len(o.out.Ended) != 1 || o.out.Ended[0].Reason != ReasonDone {
		t.Errorf("ended: %+v", o.out.Ended)
	}
	o.run(o.in.Now.Add(time.Minute))
	o.run(o.in.Now.Add(time.Minute))
	if !o.wrote {
		t.Error("the entry is not repaired after the release")
	}
}

// TestAFailedRepairIsNoReversal: the entry was written for the decision once, is
// undone, and its repair does not take effect. Nobody has undone it twice.
func TestAFailedRepairIsNoReversal(t *testing.T) {
	in := settledOn("A")
	key := in.Group.Units[0].Entries[0].EntryKey
	in.Record.Applied = []EntryKey{key}
	in.stands("B", "A", "A")
	now := in.Now
	for n := range 6 {
		// The second reading counts the reversal; every later one shows a repair
		// that failed.
		now = now.Add(2 * settle)
		in = at(in, now)
		out := Decide(in)
		if n > 0 && (!out.Writes(Enforce) || len(out.Next.Reversals) != 1 || len(out.Next.Contended) > 0) {
			t.Fatalf("reading %d: writes %t, reversals %v, contended %v", n+1, out.Writes(Enforce), out.Next.Reversals, out.Next.Contended)
		}
		in = again(in, out)
	}
}
