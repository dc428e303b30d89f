package protection

import (
	"slices"
	"testing"
	"time"

	"detour/shared/health"
)

// TestWhatKeepsAFailbackFromBeginning: one reason at a time.
func TestWhatKeepsAFailbackFromBeginning(t *testing.T) {
	first := func(in *Input) *EntryStanding { return &in.Standing.Entries[0] }
	learning := func(why Reason) func(*Input) {
		return func(in *Input) {
			first(in).Learning, first(in).NotReady = []string{"A"}, []NotReady{{Path: "A", Why: why}}
		}
	}
	blocked := func(why ...BlockReason) func(*Input) {
		return func(in *Input) {
			for i := range why {
				in.Standing.Entries[i].Blocked = why[i]
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(*Input)
		want  FailbackAnswer
	}{
		{"nothing", func(*Input) {}, FailbackAnswer{Accepted: true}},
		{"observe mode", func(in *Input) { in.Group.Mode, in.Record.Mode = Observe, Observe }, FailbackAnswer{Refused: ReasonObserveMode}},
		{"frozen", func(in *Input) { in.Freeze.On = true }, FailbackAnswer{Refused: ReasonFrozen}},
		{"the group's own freeze", func(in *Input) { in.ask(Request{ID: "f", Kind: Freeze}) }, FailbackAnswer{Refused: ReasonFrozen}},
		{"a forced switch stands", func(in *Input) { in.ask(Request{ID: "f", Kind: ForcedSwitch, Path: "B"}) }, FailbackAnswer{Refused: ReasonForcedSwitch}},
		{"the target is locked out", becomes("A", health.AdminDown), FailbackAnswer{Refused: ReasonLockout}},
		{"the active path is locked out", becomes("B", health.AdminDown), FailbackAnswer{Refused: ReasonLockout}},
		{"the active path is Down", becomes("B", health.Down), FailbackAnswer{Refused: ReasonSignalFail}},
		{"the active path is Degraded, and that counts", also(becomes("B", health.Degraded), func(in *Input) { in.Group.SwitchOnDegrade = true }), FailbackAnswer{Refused: ReasonSignalDegrade}},
		{"the active path is Degraded", becomes("B", health.Degraded), FailbackAnswer{Accepted: true}},
		{"mass failure", also(becomes("B", health.Down), func(in *Input) { in.Record.MassFailureAt = noon.Add(-time.Minute) }), FailbackAnswer{Refused: ReasonMassFailure}},
		{"mass failure, sensor broken", also(becomes("B", health.Unknown), func(in *Input) { in.Record.MassFailureAt = noon.Add(-time.Minute) }), FailbackAnswer{Refused: ReasonMassFailure}},
		{"mass failure that is over", func(in *Input) { in.Record.MassFailureAt = noon.Add(-time.Minute) }, FailbackAnswer{Accepted: true}},
		{"the target is Down", becomes("A", health.Down), FailbackAnswer{Refused: ReasonTargetNotUp}},
		{"the target is Degraded", becomes("A", health.Degraded), FailbackAnswer{Refused: ReasonTargetNotUp}},
		{"the target is Unknown", becomes("A", health.Unknown), FailbackAnswer{Refused: ReasonSensor, Retry: true}},
		{"the target's facts say Down", func(in *Input) { in.path("A").Evidence = health.Down }, FailbackAnswer{Refused: ReasonTargetNotUp}},
		{"the target is suppressed", func(in *Input) { in.suppress("A") }, FailbackAnswer{Refused: ReasonSuppressed}},
		{"the target has just come up", func(in *Input) { in.setUpSince("A", 4*time.Minute) }, FailbackAnswer{Refused: ReasonNotStable, ReadyAt: noon.Add(6 * time.Minute)}},
		{"the target has been Up for just long enough", func(in *Input) { in.setUpSince("A", 10*time.Minute) }, FailbackAnswer{Accepted: true}},
		{"on the working path", func(in *Input) { *in = settledOn("A"); in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackOpen} }, FailbackAnswer{Refused: ReasonOnWorking}},
		{"on two paths", func(in *Input) {
			in.Record = settledRecord("A", "B", 2)
			in.stands("B", "B", "A")
		}, FailbackAnswer{Refused: ReasonPartlyMoved}},
		{"not settled", func(in *Input) { in.Record.Settled, in.Record.WroteAt = false, noon }, FailbackAnswer{Refused: ReasonNotSettled, Retry: true}},
		{"a route stands elsewhere, seen once", func(in *Input) { in.stands("B", "C", "B") }, FailbackAnswer{Refused: ReasonNotSettled, Retry: true}},
		{"a reading is incomplete", func(in *Input) { in.Standing.Complete = false }, FailbackAnswer{Refused: ReasonIncomplete, Retry: true}},
		{"adopted in this run", askAdopt, FailbackAnswer{Refused: ReasonNotSettled, Retry: true}},
		{"a foreign route", func(in *Input) { in.Standing.Entries[1] = standingAt(in.Group.Units[1].Entries[0], 1, strangeHop) }, FailbackAnswer{Refused: ReasonForeign}},
		{"a foreign route, taken over", func(in *Input) {
			in.Group.TakeOver = true
			in.Record.Contended = nil
			in.Standing.Entries[1] = standingAt(in.Group.Units[1].Entries[0], 1, strangeHop)
		}, FailbackAnswer{Refused: ReasonNotSettled, Retry: true}},
		{"a foreign route that nothing may touch", func(in *Input) {
			in.Standing.Entries[1] = standingAt(in.Group.Units[1].Entries[0], 1, strangeHop)
			in.Standing.Entries[1].Untouchable = true
		}, FailbackAnswer{Accepted: true}},
		{"a contended route", func(in *Input) { in.Record.Contended = []EntryKey{first(in).Entry} }, FailbackAnswer{Refused: ReasonContended}},
		{"a blocked list", blocked(BlockIPAM), FailbackAnswer{Refused: ReasonBlocked}},
		{"an unreadable list", blocked(BlockUnreadable), FailbackAnswer{Refused: ReasonBlocked, Retry: true}},
		{"an unreadable list and a blocked one", blocked(BlockUnreadable, BlockOwner), FailbackAnswer{Refused: ReasonBlocked}},
		{"the routes of the target are not learned", learning(ReasonRouteNotLearned), FailbackAnswer{Refused: ReasonRouteNotLearned}},
		{"the observation table is unreadable", learning(ReasonObservationUnreadable), FailbackAnswer{Refused: ReasonObservationUnreadable, Retry: true}},
		{"the propagations are unreadable", learning(ReasonPropagationsUnreadable), FailbackAnswer{Refused: ReasonPropagationsUnreadable, Retry: true}},
		{"the routes of the target are not propagated", learning(ReasonNotPropagated), FailbackAnswer{Refused: ReasonNotPropagated}},
		{"unproven, and not propagated", also(learning(ReasonNotPropagated), func(in *Input) { in.Failback.Unproven = true }), FailbackAnswer{Refused: ReasonNotPropagated}},
		{"unproven", also(learning(ReasonRouteNotLearned), func(in *Input) { in.Failback.Unproven = true }), FailbackAnswer{Accepted: true}},
		{"another failback", func(in *Input) { in.Record.Failback = failbackOf().Record.Failback; in.Failback.ID = "other" }, FailbackAnswer{Refused: ReasonFailbackUnderWay}},
		{"the same again", func(in *Input) { in.Record.Failback = failbackOf().Record.Failback }, FailbackAnswer{Accepted: true}},
		{"the same, over", func(in *Input) {
			in.Record.Failback = failbackOf().Record.Failback
			in.Record.Failback.Over, in.Record.Failback.End = ReasonRejected, EndAsBefore
		}, FailbackAnswer{Refused: ReasonRejected}},
		{"after another that is over", func(in *Input) {
			in.Record.Failback = failbackOf().Record.Failback
			in.Record.Failback.Over, in.Record.Failback.End = ReasonRejected, EndAsBefore
			in.Failback.ID = "other"
		}, FailbackAnswer{Accepted: true}},
		{"a manual switch that stands", func(in *Input) {
			in.ask(Request{ID: "m", Kind: ManualSwitch, Path: "B", At: noon.Add(-time.Hour)})
		}, FailbackAnswer{Accepted: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := failbackOf()
			in.Record.Failback = Failback{}
			in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackOpen, By: "alice", Why: "it is back"}
			tt.spoil(&in)
			out := Decide(in)
			got := out.Failback
			names := slices.Contains([]Reason{ReasonForeign, ReasonContended, ReasonBlocked}, got.Refused)
			if names != (len(got.Entries) > 0) {
				t.Errorf("it names %v", got.Entries)
			}
			got.Entries = nil
			if got.Accepted != tt.want.Accepted || got.Refused != tt.want.Refused || got.Retry != tt.want.Retry || !got.ReadyAt.Equal(tt.want.ReadyAt) {
				t.Errorf("it is answered %+v, want %+v", got, tt.want)
			}
			f := out.Next.Failback
			switch opened := f.ID == in.Failback.ID && f.Open(); {
			case opened != tt.want.Accepted:
				t.Errorf("the record has %+v", f)
			case opened && in.Record.Failback.ID != f.ID && (f.Base != oldEpoch || f.From != "B" || f.To != "A" || f.By != "alice" || f.Why == "" || !f.At.Equal(noon)):
				t.Errorf("the record has %+v", f)
			case opened && in.Record.Failback.ID != f.ID && !f.Until.Equal(noon.Add(FailbackAuthority)):
				t.Errorf("its authority lasts until %s", f.Until)
			}
		})
	}
}

// TestOpenedAgainLater: a task that is run again does not cut the time short that the
// approval has.
func TestOpenedAgainLater(t *testing.T) {
	in := asked()
	in.Record.Failback.Until = noon.Add(time.Hour)
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackOpen}
	if out := Decide(in); !out.Next.Failback.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("it lasts until %s", out.Next.Failback.Until)
	}
}

// TestHowLongAuthorityLasts: as long as the task asks, and never for long.
func TestHowLongAuthorityLasts(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, -1: 5 * time.Minute, time.Hour: time.Hour, 1000 * time.Hour: 25 * time.Hour} {
		in := asked()
		in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackBeat, For: given}
		if got := Decide(in).Next.Failback.Until.Sub(noon); got != want {
			t.Errorf("asked for %s it lasts %s, want %s", given, got, want)
		}
	}
}

// TestAQuestionThatIsAnswered: once the workflow goes on nobody waits for an answer.
func TestAQuestionThatIsAnswered(t *testing.T) {
	in := asked()
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackBeat}
	if f := Decide(in).Next.Failback; f.Token != "" || f.Plan != "shown" || !f.Open() {
		t.Errorf("the record has %+v", f)
	}
}

// TestAnUndoneFailbackStartsWaitToRestoreAnew: a revertive group would else go back all
// at once, right after a failback found that it should not.
func TestAnUndoneFailbackStartsWaitToRestoreAnew(t *testing.T) {
	in := movedTo(1)
	in.Group.Revertive = true
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackUndo, Reason: ReasonVerifyFailed}
	out := Decide(in)
	wantDecision(t, out, "A", "B", 3, Undo, ReasonVerifyFailed)
	in.Failback = nil
	in.stands("B", "B", "B")
	for _, step := range []struct {
		after  time.Duration
		action Action
		reason Reason
	}{
		{settle, Stay, ReasonWaitToRestore}, {10*time.Minute - time.Second, Stay, ReasonWaitToRestore}, {10 * time.Minute, Move, ReasonRestored},
	} {
		in = at(again(in, out), noon.Add(step.after))
		out = Decide(in)
		if out.Decision.Action != step.action || out.Decision.Reason != step.reason {
			t.Errorf("%s later: %s", step.after, describe(out))
		}
		if step.action == Stay && !out.Deadline.Equal(noon.Add(10*time.Minute)) {
			t.Errorf("the next look is at %s", out.Deadline)
		}
	}
	if out.Next.Failback.End != EndAsBefore {
		t.Errorf("the end became %s", out.Next.Failback.End)
	}
}

// TestAFreezeThatEnds: what it held in the middle is undone by the next run.
func TestAFreezeThatEnds(t *testing.T) {
	in := movedTo(2)
	in.Freeze = FreezeState{On: true, Immediate: true}
	out := Decide(in)
	if !out.HeldPartial || out.Writes(Enforce) || out.Next.FailbackEnd() != EndHeldPartial {
		t.Fatalf("%s, held-partial %t, %+v", describe(out), out.HeldPartial, out.Next.Failback)
	}
	in = again(in, out)
	in.Freeze = FreezeState{}
	out = Decide(in)
	wantDecision(t, out, "A", "B", 3, Undo, ReasonFrozen)
	if out.Next.Decision.Epoch != oldEpoch+1 || !out.Writes(Enforce) || out.Next.Failback.Frozen || out.Starts {
		t.Errorf("epoch %d, writes %t, %+v", out.Next.Decision.Epoch, out.Writes(Enforce), out.Next.Failback)
	}
	in = at(again(in, out), noon.Add(settle))
	in.stands("B", "B", "B")
	if out = Decide(in); out.Next.FailbackEnd() != EndAsBefore {
		t.Errorf("it ends %q", out.Next.FailbackEnd())
	}
}

// TestAnEndIsNoWordForWhatWasLost: a close that comes after the authority keeps nothing.
func TestAnEndIsNoWordForWhatWasLost(t *testing.T) {
	in := movedTo(3)
	in.Record.Settled, in.Record.WroteAt = false, noon.Add(-time.Second)
	in.Freeze = FreezeState{On: true, Immediate: true}
	in.Record.Failback.Over, in.Record.Failback.Frozen = ReasonFrozen, true
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackClose}
	out := Decide(in)
	if !out.Failback.Accepted || out.Next.Failback.Kept || out.Next.FailbackEnd() != EndHeldPartial {
		t.Errorf("%+v, %+v", out.Failback, out.Next.Failback)
	}
}

// TestTheEndDoesNotChange with what becomes of the group later.
func TestTheEndDoesNotChange(t *testing.T) {
	in := movedTo(3)
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackClose}
	out := Decide(in)
	if out.Next.FailbackEnd() != EndRestored {
		t.Fatalf("it ends %q", out.Next.FailbackEnd())
	}
	in = again(in, out)
	in.Failback = nil
	in.set("A", health.Down)
	out = Decide(in)
	wantDecision(t, out, "A", "B", 3, Move, ReasonSignalFail)
	if out.Next.FailbackEnd() != EndRestored || out.Next.Decision.Epoch == oldEpoch+1 {
		t.Errorf("it ends %q, epoch %d", out.Next.FailbackEnd(), out.Next.Decision.Epoch)
	}
}

// TestTheFirstAdvanceCountsAsAMove, and the others do not.
func TestTheFirstAdvanceCountsAsAMove(t *testing.T) {
	in := asked()
	in.Budget.Remaining = 0 // An operator's word is not bounded, and counts.
	advanceTo(1)(&in)
	out := Decide(in)
	if !out.Starts || out.Next.Failback.Epoch != out.Next.Decision.Epoch || out.Next.Failback.Approved != "bob" || out.Next.Failback.Token != "" {
		t.Errorf("starts %t, %+v", out.Starts, out.Next.Failback)
	}
	in = movedTo(1)
	advanceTo(2)(&in)
	if out := Decide(in); out.Starts || out.Next.Decision.Epoch != oldEpoch+1 || !out.Writes(Enforce) {
		t.Errorf("starts %t, epoch %d", out.Starts, out.Next.Decision.Epoch)
	}
}

// TestAnUnprovenFailbackMovesItsFirstLearnedUnitAlone, whatever extent is asked for.
func TestAnUnprovenFailbackMovesItsFirstLearnedUnitAlone(t *testing.T) {
	in := asked()
	in.Record.Failback.Unproven = true
	in.Standing.Entries[1].Learning, in.Standing.Entries[1].NotReady = []string{"A"}, []NotReady{{Path: "A", Why: ReasonNoObservation}}
	advanceTo(3)(&in)
	out := Decide(in)
	wantDecision(t, out, "B", "A", 2, Move, ReasonFailback)
	if !out.Next.Decision.Unproven {
		t.Error("the decision does not say that it is unproven")
	}
}

// TestWhatCouldNotBeReadEndsNoFailback: the step is asked for again. What cannot come does
// end it, though nothing had to be proven.
func TestWhatCouldNotBeReadEndsNoFailback(t *testing.T) {
	for why, ends := range map[Reason]bool{ReasonObservationUnreadable: false, ReasonPropagationsUnreadable: false, ReasonNotPropagated: true} {
		in := movedTo(1)
		in.Record.Failback.Unproven, in.Record.Decision.Unproven = ends, ends
		in.Standing.Entries[2].Learning, in.Standing.Entries[2].NotReady = []string{"A"}, []NotReady{{Path: "A", Why: why}}
		next(&in)
		out := Decide(in)
		if got := out.Failback; got.Refused != why || got.Retry == ends || out.Next.Failback.Open() == ends {
			t.Errorf("%s: it is answered %+v, open: %t", why, got, out.Next.Failback.Open())
		}
	}
}

// TestTheRestOfAnUnprovenFailback follows where the old path dies in the middle: its
// operator does without proof, the first unit has shown, and to stay is worse. It does not
// while the first unit has not shown, where a route cannot come, or where nobody said so.
func TestTheRestOfAnUnprovenFailback(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *Input)
		stays  bool
	}{
		"dies":           {func(in *Input) { in.set("B", health.Down) }, false},
		"locked out":     {func(in *Input) { in.set("B", health.AdminDown) }, false},
		"after an abort": {func(in *Input) { in.set("B", health.Down); in.Record.Failback.Over = ReasonAborted }, false},
		"not shown yet":  {func(in *Input) { in.set("B", health.Down); in.Standing.Entries[0].Learned = health.RouteAbsent }, true},
		"cannot come": {func(in *Input) {
			in.set("B", health.Down)
			in.Standing.Entries[2].NotReady[0].Why = ReasonNotPropagated
		}, true},
		"with proof":            {func(in *Input) { in.set("B", health.Down); in.Record.Failback.Unproven = false }, true},
		"the target is Unknown": {func(in *Input) { in.set("B", health.Down); in.set("A", health.Unknown) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := movedTo(1)
			in.Record.Failback.Unproven, in.Record.Decision.Unproven = true, true
			for i := range in.Standing.Entries {
				e := &in.Standing.Entries[i]
				if e.Learning = []string{"A"}; i > 0 {
					e.NotReady = []NotReady{{Path: "A", Why: ReasonNoObservation}}
				} else {
					e.Learned = health.RouteShown
				}
			}
			in.set("C", health.Down)
			c.change(&in)
			out := Decide(in)
			if c.stays {
				if out.Decision.Action != Hold || out.Next.Failback.Kept {
					t.Errorf("%s, kept %t", describe(out), out.Next.Failback.Kept)
				}
				return
			}
			if d := out.Next.Decision; d.To != "A" || d.Extent != 3 || d.Action != Step || !d.Unproven || d.Epoch != oldEpoch+1 || !out.Writes(Enforce) || !out.Next.Failback.Kept {
				t.Errorf("%s, unproven %t, %+v", describe(out), d.Unproven, out.Next.Failback)
			}
		})
	}
}

// TestALearnedRouteThatDoesNotCome in a failback is its undo, with the path remembered.
func TestALearnedRouteThatDoesNotCome(t *testing.T) {
	in := movedTo(1)
	in.Record.Settled, in.Record.WroteAt = false, noon.Add(-LearnWait)
	in.Record.Decision.Unproven = true
	in.Record.Proving = []Proof{{Entry: in.Standing.Entries[0].Entry, At: noon.Add(-LearnWait)}}
	in.Standing.Entries[0].Learning, in.Standing.Entries[0].NextHop = []string{"A"}, hopOf("")
	in.Standing.Entries[0].Learned, in.Standing.StartedAt = health.RouteAbsent, noon
	for _, freeze := range []FreezeState{{}, {On: true}} {
		in.Freeze = freeze
		out := Decide(in)
		wantDecision(t, out, "A", "B", 3, Undo, ReasonRouteNotLearned)
		if len(out.Next.Unmet) != 1 || out.Next.Proving != nil || out.Next.Decision.Epoch != oldEpoch+1 || !out.Writes(Enforce) {
			t.Errorf("frozen %t: unmet %v, proving %v, epoch %d, writes %t", freeze.On, out.Next.Unmet, out.Next.Proving, out.Next.Decision.Epoch, out.Writes(Enforce))
		}
	}
}

// TestNoPlanThatLeavesEntriesBehindIsAsked: what came in the way since the failback was
// opened is no part of what is approved, so the group could never be whole.
func TestNoPlanThatLeavesEntriesBehindIsAsked(t *testing.T) {
	in := failbackOf()
	in.Standing.Entries[1] = standingAt(in.Group.Units[1].Entries[0], 1, strangeHop)
	in.Failback = &FailbackStep{ID: failbackID, Kind: FailbackAsk, Plan: "shown", Steps: shownSteps(), Token: "token"}
	out := Decide(in)
	if got := out.Failback; got.Refused != ReasonForeign || got.Retry || len(got.Entries) != 1 || out.Next.Failback.Token != "" {
		t.Errorf("it is answered %+v, and the record has %+v", got, out.Next.Failback)
	}
}
