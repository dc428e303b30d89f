package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

func TestAFreezeWritesNothingNew(t *testing.T) {
	for _, immediate := range []bool{false, true} {
		in := settledOn("A")
		in.set("A", health.Down)
		in.Freeze = FreezeState{On: true, Immediate: immediate}
		out := Decide(in)
		wantDecision(t, out, "A", "B", 3, Move, ReasonSignalFail)
		if !out.WouldBe || out.Starts || out.Writes(Enforce) || out.HeldPartial {
			t.Errorf("would-be %t, starts %t, writes %t, held-partial %t", out.WouldBe, out.Starts, out.Writes(Enforce), out.HeldPartial)
		}
	}
}

func TestAFreezeInTheMiddleOfAChange(t *testing.T) {
	tests := []struct {
		name         string
		freeze       FreezeState
		stands       []string
		writes, held bool
	}{
		{"after change: the change ends first", FreezeState{On: true}, []string{"B", "A", "A"}, true, false},
		{"immediate: held-partial", FreezeState{On: true, Immediate: true}, []string{"B", "A", "A"}, false, true},
		{"immediate, every entry in place: not partial", FreezeState{On: true, Immediate: true}, []string{"B", "B", "B"}, false, false},
		{"no freeze", FreezeState{}, []string{"B", "A", "A"}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("B")
			in.Record.Settled, in.Record.WroteAt = false, noon.Add(-settle/2)
			in.stands(tt.stands...)
			in.Freeze = tt.freeze
			out := Decide(in)
			if out.Writes(Enforce) != tt.writes || out.HeldPartial != tt.held {
				t.Errorf("writes %t, held-partial %t", out.Writes(Enforce), out.HeldPartial)
			}
		})
	}
}

func TestAGroupsOwnFreezeIsItsRequest(t *testing.T) {
	in := settledOn("A")
	in.set("A", health.Down)
	in.ask(Request{ID: "f", Kind: Freeze, At: noon.Add(-time.Hour)})
	out := Decide(in)
	if out.Freeze != (FreezeState{On: true}) || !out.WouldBe || len(out.Ended) != 0 {
		t.Errorf("freeze %+v, would-be %t, ended %v", out.Freeze, out.WouldBe, out.Ended)
	}
	in.ask(Request{ID: "g", Kind: Freeze, Immediate: true, At: noon})
	if out := Decide(in); !out.Freeze.Immediate {
		t.Error("the stricter of two freezes does not stand")
	}
}

func TestUnderAFreezeNothingIsRepairedOrAdopted(t *testing.T) {
	for name, stands := range map[string][]string{"moved by hand": {"B", "B", "B"}, "undone": {"B", "A", "A"}} {
		t.Run(name, func(t *testing.T) {
			in := settledOn("A")
			in.stands(stands...)
			in.Freeze.On = true
			for i := range 4 {
				in = at(in, noon.Add(time.Duration(i)*time.Minute))
				out := Decide(in)
				if out.Moved || out.Writes(Enforce) || out.Next.Decision != in.Record.Decision || len(out.Next.Reversals) > 0 {
					t.Fatalf("run %d acted: %+v", i, out)
				}
				in = again(in, out)
			}
			in = at(in, noon.Add(5*time.Minute))
			in.Freeze.On = false
			out := Decide(in)
			if !out.Moved && !out.Writes(Enforce) {
				t.Error("after the freeze nothing comes of what was seen")
			}
		})
	}
}

func TestObserveCommitsNothing(t *testing.T) {
	in := settledOn("A")
	in.Group.Mode, in.Record.Mode, in.Record.Settled = Observe, Observe, false
	in.set("A", health.Down)
	out := Decide(in)
	wantDecision(t, out, "A", "B", 3, Move, ReasonSignalFail)
	if !out.WouldBe || out.Starts || out.Next.Decision != in.Record.Decision || out.Writes(Observe) {
		t.Errorf("would-be %t, starts %t, record %+v", out.WouldBe, out.Starts, out.Next.Decision)
	}
	if out.Next.Paths[0].Memory.State != health.Down {
		t.Error("the record does not remember what was observed")
	}
}

func TestObserveFollowsTheTables(t *testing.T) {
	in := settledOn("A")
	in.Group.Mode, in.Record.Mode, in.Record.Settled = Observe, Observe, false
	in.stands("B", "B", "A")
	out := Decide(in)
	wantDecision(t, out, "B", "B", 3, Adopt, ReasonFirstSight)
	if out.Writes(Observe) {
		t.Error("observe writes")
	}
}

func TestObserveIsNeverHeldPartial(t *testing.T) {
	in := settledOn("A")
	in.Group.Mode, in.Record.Mode, in.Record.Settled = Observe, Observe, false
	in.stands("A", "A", "B")
	in.Freeze = FreezeState{On: true, Immediate: true}
	if out := Decide(in); out.HeldPartial {
		t.Error("a group that is not written is called held in the middle of a change")
	}
}

func TestAnUnreadableTableIsNotAChangeStoppedInTheMiddle(t *testing.T) {
	in := settledOn("B")
	in.Record.Settled = false
	in.stands("", "B", "B")
	in.Standing.Complete = false
	in.Freeze = FreezeState{On: true, Immediate: true}
	if out := Decide(in); out.HeldPartial {
		t.Error("an entry that could not be read is taken for one that was not written")
	}
}
