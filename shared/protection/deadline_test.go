package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

func TestTheNextDeadline(t *testing.T) {
	tests := []struct {
		name string
		make func() Input
		want time.Duration // from noon; 0: none
	}{
		{"nothing is pending: none", func() Input { return settledOn("A") }, 0},
		{"a path's own deadline", func() Input {
			in := settledOn("A")
			in.path("C").Deadline = noon.Add(42 * time.Second)
			return in
		}, 42 * time.Second},
		{"the earliest of two", func() Input {
			in := settledOn("A")
			in.path("B").Deadline = noon.Add(7 * time.Second)
			in.path("C").Deadline = noon.Add(5 * time.Second)
			return in
		}, 5 * time.Second},
		{"one that is past is none", func() Input {
			in := settledOn("A")
			in.path("C").Deadline = noon
			return in
		}, 0},
		{"wait-to-restore ends", func() Input {
			in := settledOn("B")
			in.Group.Revertive = true
			in.setUpSince("A", 4*time.Minute)
			return in
		}, 6 * time.Minute},
		{"no wait-to-restore while working is Degraded", func() Input {
			in := settledOn("B")
			in.Group.Revertive = true
			in.set("A", health.Degraded)
			return in
		}, 0},
		{"a move settles a settle time after its writes", func() Input {
			in := settledOn("A")
			in.set("A", health.Down)
			return in
		}, settle},
		{"an unsettled move", func() Input {
			in := settledOn("A")
			in.Record.Settled, in.Record.WroteAt = false, noon.Add(-4*time.Second)
			return in
		}, settle - 4*time.Second},
		{"a blackhole is judged a settle time after it was seen", func() Input {
			in := settledOn("A")
			stood := []string{"A"}
			in.Record.Blackholes = []BlackholeSeen{
				{At: noon.Add(-9 * time.Second), Stood: stood, Orphan: true},
				{At: noon.Add(-8 * time.Second), Stood: stood, Placed: true},
				{At: noon.Add(-7 * time.Second)},
				{Stood: stood},
				{At: noon.Add(-3 * time.Second), Stood: stood},
				{At: noon.Add(-settle), Stood: stood},
			}
			return in
		}, settle - 3*time.Second},
		{"a masked force ends", func() Input {
			in := settledOn("C")
			in.set("C", health.Down)
			in.ask(Request{ID: "f", Kind: ForcedSwitch, Path: "C", IgnoreHealth: true, At: noon.Add(-50 * time.Minute)})
			return in
		}, 10 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := Decide(tt.make())
			var got time.Duration
			if !out.Deadline.IsZero() {
				got = out.Deadline.Sub(noon)
			}
			if got != tt.want {
				t.Errorf("deadline is in %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEpochNeverFallsBehindTheRecord(t *testing.T) {
	in := settledOn("A")
	in.Record.Decision.Epoch = noon.UnixMilli() + 5000
	in.set("A", health.Down)
	if got, want := Decide(in).Decision.Epoch, noon.UnixMilli()+5001; got != want {
		t.Errorf("a record from a fast clock: epoch %d, want %d", got, want)
	}
	in.Record.Decision.Epoch = noon.UnixMilli()
	if got, want := Decide(in).Decision.Epoch, noon.UnixMilli()+1; got != want {
		t.Errorf("two moves in one millisecond: epoch %d, want %d", got, want)
	}
}

func TestAFailbackInStepsKeepsItsEpoch(t *testing.T) {
	in := settledOn("B")
	var epoch int64
	for extent := 1; extent <= 3; extent++ {
		in = at(in, noon.Add(time.Duration(extent)*time.Minute))
		in.Requests = []Request{{ID: "back", Kind: ManualSwitchToWorking, Extent: extent, At: in.Now}}
		out := Decide(in)
		wantAction := Step
		if extent == 1 {
			wantAction, epoch = Move, out.Decision.Epoch
		}
		wantDecision(t, out, "B", "A", extent, wantAction, ReasonManualToWorking)
		if out.Decision.Epoch != epoch || epoch <= oldEpoch {
			t.Errorf("extent %d has epoch %d", extent, out.Decision.Epoch)
		}
		in.Record = out.Next
	}
}

func TestAStatefulGroupMovesAsOne(t *testing.T) {
	in := settledOn("B")
	in.Group.Stateful = true
	in.Record.Decision.Extent = 1
	in.ask(Request{ID: "back", Kind: ManualSwitchToWorking, Extent: 1, At: noon})
	out := Decide(in)
	wantDecision(t, out, "B", "A", 1, Move, ReasonManualToWorking)
	for u := range in.Group.Units {
		if got := out.Decision.PathFor(in.Group.Step(u)); got != "A" {
			t.Errorf("unit %d belongs to %s", u, got)
		}
	}
}

func TestAReleaseRequestEndsAMassFailureHold(t *testing.T) {
	in := settledOn("A")
	in.set("A", health.Down)
	in.Budget.Remaining = 0
	held := Decide(in)
	wantDecision(t, held, "A", "A", 3, Hold, ReasonMassFailure)
	if !held.Next.MassFailureAt.Equal(noon) {
		t.Errorf("held since %v", held.Next.MassFailureAt)
	}
	in = at(again(in, held), noon.Add(10*time.Minute))
	in.Budget.Remaining = 10
	if out := Decide(in); out.Decision.Action != Hold {
		t.Error("the hold ended because the window went by, not by a release")
	}
	in.Budget.Remaining = 0
	in.ask(Request{ID: "release", Kind: Release, At: in.Now})
	out := Decide(in)
	wantDecision(t, out, "A", "B", 3, Move, ReasonSignalFail)
	if !out.Next.MassFailureAt.IsZero() {
		t.Error("the hold is still on record after the move")
	}
}

func TestAnOldReleaseDoesNotReleaseALaterHold(t *testing.T) {
	in := settledOn("A")
	in.set("A", health.Down)
	in.Budget = Budget{ReleasedAt: noon.Add(-time.Hour)}
	in.Record.MassFailureAt = noon.Add(-time.Minute)
	wantDecision(t, Decide(in), "A", "A", 3, Hold, ReasonMassFailure)
}

func TestHoldOffMakesNoTarget(t *testing.T) {
	heldOff := func(in *Input, path string) { in.path(path).Evidence = health.Down }
	t.Run("a switchover passes over a path whose facts show Down", func(t *testing.T) {
		in := settledOn("A")
		in.set("A", health.Down)
		heldOff(&in, "B")
		wantDecision(t, Decide(in), "A", "C", 3, Move, ReasonSignalFail)
	})
	t.Run("wait-to-restore does not go back to it", func(t *testing.T) {
		in := settledOn("B")
		in.Group.Revertive = true
		heldOff(&in, "A")
		wantDecision(t, Decide(in), "A", "B", 3, Stay, ReasonWaitToRestore)
	})
	t.Run("a manual switch to it is refused", func(t *testing.T) {
		in := settledOn("A")
		heldOff(&in, "B")
		in.ask(Request{ID: "m", Kind: ManualSwitch, Path: "B", At: noon})
		out := Decide(in)
		wantDecision(t, out, "A", "A", 3, Stay, ReasonNoRequest)
		if len(out.Ended) != 1 || out.Ended[0].Reason != ReasonTargetNotUp {
			t.Errorf("ended: %+v", out.Ended)
		}
	})
	t.Run("the active path stays in use meanwhile", func(t *testing.T) {
		in := settledOn("A")
		heldOff(&in, "A")
		wantDecision(t, Decide(in), "A", "A", 3, Stay, ReasonNoRequest)
	})
}

func TestWaitToRestoreDoesNotNeedTheActivePathsSensor(t *testing.T) {
	in := settledOn("B")
	in.Group.Revertive = true
	in.setUpSince("A", 10*time.Minute)
	in.set("B", health.Unknown)
	wantDecision(t, Decide(in), "B", "A", 3, Move, ReasonRestored)
}

func TestACancelledForceIsNeverResumed(t *testing.T) {
	in := settledOn("B")
	in.ask(Request{ID: "f", Kind: ForcedSwitch, Path: "B", At: noon.Add(-time.Hour)})
	in.set("B", health.Down)
	out := Decide(in)
	wantDecision(t, out, "B", "A", 3, Move, ReasonSignalFail)
	in = at(again(in, out), noon.Add(time.Minute))
	in.setAll(health.Up)
	if out := Decide(in); out.Decision.To != "A" || out.Decision.Action != Stay {
		t.Errorf("decided %s", describe(out))
	}
}

func TestARequestForAPathThatDoesNotExistEnds(t *testing.T) {
	for _, kind := range []RequestKind{Lockout, ForcedSwitch, ManualSwitch} {
		in := settledOn("A")
		in.ask(Request{ID: "r", Kind: kind, Path: "Z", At: noon})
		out := Decide(in)
		if len(out.Ended) != 1 || out.Ended[0].Reason != ReasonUnknownPath || out.Decision.Action != Stay {
			t.Errorf("%s: %s", kind, describe(out))
		}
	}
}

func TestOnlyAnotherPathsDegradeIsBetter(t *testing.T) {
	in := settledOn("A")
	in.Group.SwitchOnDegrade = true
	in.setAll(health.Degraded)
	wantDecision(t, Decide(in), "A", "A", 3, Stay, ReasonNoRequest)
	in.setAll(health.Down)
	in.set("C", health.Degraded)
	wantDecision(t, Decide(in), "A", "C", 3, Move, ReasonSignalFail)
}

func TestPreferenceAmongTargets(t *testing.T) {
	tests := []struct {
		name string
		b, c health.State
		supB bool
		supC bool
		want string
	}{
		{"Up before Degraded", health.Degraded, health.Up, false, false, "C"},
		{"the group's order among Up", health.Up, health.Up, false, false, "B"},
		{"unsuppressed Degraded before suppressed Up", health.Up, health.Degraded, true, false, "C"},
		{"suppressed when nothing better is left", health.Up, health.Down, true, false, "B"},
		{"the group's order among suppressed", health.Degraded, health.Up, true, true, "B"},
		{"never Unknown", health.Unknown, health.Degraded, false, true, "C"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("A")
			in.set("A", health.Down)
			in.set("B", tt.b)
			in.set("C", tt.c)
			in.path("B").Suppressed, in.path("C").Suppressed = tt.supB, tt.supC
			wantDecision(t, Decide(in), "A", tt.want, 3, Move, ReasonSignalFail)
		})
	}
}

func TestAFailureDuringAFailbackBringsNoThirdPathIn(t *testing.T) {
	partial := func() Input {
		in := settledOn("A")
		in.Record = settledRecord("C", "A", 1)
		in.stands("A", "C", "C")
		return in
	}
	t.Run("the other path in use is taken before a more preferred one", func(t *testing.T) {
		in := partial()
		in.set("A", health.Down)
		wantDecision(t, Decide(in), "A", "C", 3, Move, ReasonSignalFail)
	})
	t.Run("unless it is Degraded", func(t *testing.T) {
		in := partial()
		in.set("A", health.Down)
		in.set("C", health.Degraded)
		wantDecision(t, Decide(in), "A", "B", 3, Move, ReasonSignalFail)
	})
	t.Run("a lockout of it completes the failback", func(t *testing.T) {
		in := partial()
		in.set("C", health.AdminDown)
		wantDecision(t, Decide(in), "C", "A", 3, Step, ReasonLockout)
	})
}
