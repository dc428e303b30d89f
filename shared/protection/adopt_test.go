package protection

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/health"
)

// A backup is restored: by its record the group was moved to B, and has since been
// undone and given up. It stands on A and B, as it was before.
func TestAdoptAnswersARestoredBackup(t *testing.T) {
	in := settledOn("B")
	in.stands("A", "A", "B")
	key := in.Group.Units[0].Entries[0].EntryKey
	in.Record.Reversals = []Reversal{{Entry: key, At: noon.Add(-time.Minute)}}
	in.Record.Contended, in.Record.Applied = []EntryKey{key}, []EntryKey{key}
	in.Record.Sighting = Sighting{At: noon.Add(-time.Minute), MovedTo: "A", Undone: []Seen{{Entry: key, NextHop: hopOf("A")}}}
	in.Record.MassFailureAt, in.Record.RevivedAt = noon.Add(-time.Minute), noon.Add(-time.Minute)
	in.Record.Blackholes = []BlackholeSeen{{Entry: key, At: noon.Add(-time.Hour), Orphan: true}}
	in.suppress("C")
	in.ask(Request{ID: "adopt-1", Kind: AdoptAnew, At: noon})

	out := Decide(in)
	wantDecision(t, out, "A", "A", 3, Adopt, ReasonAdoptRequested)
	if out.Writes(Enforce) || out.Starts || out.WouldBe {
		t.Errorf("the run that adopts: writes %t, starts %t, would be %t", out.Writes(Enforce), out.Starts, out.WouldBe)
	}
	want := Record{Mode: Enforce, Decision: out.Decision, WroteAt: noon, CameAt: noon, Steps: 3, Paths: memories(in)}
	if !out.Next.Equal(want) {
		t.Errorf("the record keeps\n%+v, want\n%+v", out.Next, want)
	}

	next := Decide(at(again(in, out), noon.Add(time.Minute)))
	if next.Decision != (Decision{Group: "berlin", From: "A", To: "A", Extent: 3, Action: Stay, Reason: ReasonNoRequest, Epoch: out.Decision.Epoch}) {
		t.Errorf("the next run decides %+v", next.Decision)
	}
	if !next.Writes(Enforce) {
		t.Error("the next run does not complete what was adopted")
	}
}

func TestAdoptLeavesStandingRequestsStanding(t *testing.T) {
	in := settledOn("A")
	for _, r := range []Request{
		{ID: "force", Kind: ForcedSwitch, Path: "B"},
		{ID: "lock", Kind: Lockout, Path: "C"},
		{ID: "freeze", Kind: Freeze},
		{ID: "release", Kind: Release},
		{ID: "manual", Kind: ManualSwitch, Path: "B"},
		{ID: "back", Kind: ManualSwitchToWorking},
		{ID: "adopt-1", Kind: AdoptAnew},
		{ID: "adopt-2", Kind: AdoptAnew},
	} {
		in.ask(r)
	}
	out := Decide(in)
	if got, want := describe(out), "A 3 adopt adopt-requested | adopt-1 done, adopt-2 done, manual superseded, back superseded"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAdoptInObserveMode(t *testing.T) {
	in := settledOn("A")
	in.Group.Mode, in.Record.Mode = Observe, Observe
	in.Record.Contended = []EntryKey{in.Group.Units[0].Entries[0].EntryKey}
	in.ask(Request{ID: "adopt-1", Kind: AdoptAnew, At: noon})
	out := Decide(in)
	wantDecision(t, out, "A", "A", 3, Adopt, ReasonAdoptRequested)
	if out.Next.Mode != Observe || out.Next.Contended != nil || out.Writes(Observe) || out.Writes(Enforce) {
		t.Errorf("mode %s, contended %v", out.Next.Mode, out.Next.Contended)
	}
}

// Whatever the record was, after an adopt it is made of what stands and of what the
// paths' health is, and of nothing else but the number of the epoch.
func TestPropertyAdoptForgetsTheRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Standing.Complete = true
		in.ask(Request{ID: "adopt", Kind: AdoptAnew, At: noon})
		out := Decide(in)
		d := out.Decision
		path := (&decider{in: in}).majority()
		if d.Action != Adopt || d.From != path || d.To != path || d.Extent != in.Group.Steps() || out.Next.Decision != d || out.WouldBe {
			t.Fatalf("%s, and what stands is %+v", describe(out), in.Standing.Entries)
		}
		if out.Writes(Enforce) || out.Writes(Observe) || out.Starts || d.Epoch <= in.Record.Decision.Epoch {
			t.Fatalf("writes %t, starts %t, epoch %d after %d", out.Writes(Enforce), out.Starts, d.Epoch, in.Record.Decision.Epoch)
		}
		ended := slices.ContainsFunc(out.Ended, func(e Ended) bool { return e.Request.ID == "adopt" && e.Reason == ReasonDone })
		if !ended || !slices.EqualFunc(out.Next.Paths, memories(in), equalMemory) {
			t.Fatalf("ended %+v, memories %+v", out.Ended, out.Next.Paths)
		}
		other := copyOf(in)
		other.Record = drawRecord(t, in)
		other.Record.Decision.Epoch, other.Record.Hint, other.Record.Failback = in.Record.Decision.Epoch, in.Record.Hint, Failback{}
		if f := out.Next.Failback; f.ID != "" && f.End == "" {
			t.Fatalf("a failback goes on: %+v", f)
		}
		out.Next.Failback = Failback{} // Its workflow is told what became of it.
		if got := Decide(other); !got.Next.Equal(out.Next) {
			t.Fatalf("the record shows through:\n%+v\n%+v", got.Next, out.Next)
		}
	})
}

// No move starts by a request whose author saw another version of a list, or while
// the version is not known.
func TestPropertyNoMoveByAListThatNobodySaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		for i := range in.Requests {
			in.Requests[i].Lists = []ListVersion{{ID: testList, Version: 7}}
		}
		version := int64(7)
		if e := in.Standing.Entries[0]; e.Entry.Destination.List() != "" {
			version = e.ListVersion
		}
		out := Decide(in)
		byRequest := slices.Contains([]Reason{ReasonForcedSwitch, ReasonManualSwitch, ReasonManualToWorking}, out.Decision.Reason)
		if a := out.Decision.Action; version != 7 && byRequest && (a == Move || a == Step) {
			t.Fatalf("%s with version %d of the list", describe(out), version)
		}
		for _, e := range out.Ended {
			if e.Reason == ReasonListChanged && version != 8 {
				t.Fatalf("%s ends as prefix-list-changed with version %d", e.Request.ID, version)
			}
		}
	})
}

// Later versions of a list do not matter to a move that is committed.
func TestAListThatChangesAfterTheMoveChangesNothing(t *testing.T) {
	for _, kind := range []RequestKind{ForcedSwitch, ManualSwitch} {
		in := settledOn("A")
		in.ask(Request{ID: "r", Kind: kind, Path: "B", At: noon})
		list(7)(&in)
		out := Decide(in)
		wantDecision(t, out, "A", "B", 3, Move, out.Decision.Reason)
		for _, version := range []int64{8, 0} {
			next := at(again(in, out), noon.Add(time.Minute))
			next.Standing.Entries[0].ListVersion = version
			if got := Decide(next); got.Decision.Action != Stay || got.Decision.To != "B" || len(got.Ended) > 0 || !got.Writes(Enforce) {
				t.Errorf("%s, version %d: %s, writes %t", kind, version, describe(got), got.Writes(Enforce))
			}
		}
	}
}

func TestARequestWaitsForItsListToBeRead(t *testing.T) {
	in := settledOn("A")
	in.ask(Request{ID: "older", Kind: ForcedSwitch, Path: "A", At: noon.Add(-time.Hour)})
	forceTo("B")(&in)
	list(0)(&in)
	in.Requests[0].Lists = nil
	out := Decide(in)
	if got, want := describe(out), "A 3 stay forced-switch | "; got != want {
		t.Fatalf("while the list cannot be read:\n got %s\nwant %s", got, want)
	}
	in = again(in, out)
	in.Standing.Entries[0].ListVersion = 7
	if got, want := describe(Decide(in)), "B 3 move forced-switch | older superseded"; got != want {
		t.Errorf("once it is read:\n got %s\nwant %s", got, want)
	}
}

// A force moves all units, whatever its extent says.
func TestAForceThatWouldGoOnWithAMoveWaitsToo(t *testing.T) {
	in := settledOn("A")
	in.Record.Decision.From, in.Record.Decision.Extent = "B", 1
	in.stands("A", "B", "B")
	in.ask(Request{ID: "force", Kind: ForcedSwitch, Path: "A", Extent: 1, At: noon})
	list(0)(&in)
	if got, want := describe(Decide(in)), "A 1 stay no-request | "; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestListsThatAreNoDestinationAreNotLookedAt(t *testing.T) {
	in := settledOn("A")
	forceTo("B")(&in)
	list(7)(&in)
	in.Requests[0].Lists = append(in.Requests[0].Lists, ListVersion{ID: "pl-0fedcba9876543210", Version: 1})
	if got, want := describe(Decide(in)), "B 3 move forced-switch | "; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A group was adopted, and before a run could settle that, which took minutes, a
// person moved all its routes.
func TestAnAdoptionThatNothingWasWrittenForIsNotDefended(t *testing.T) {
	adopted := func() Input {
		in := settledOn("A")
		in.Record.Settled = false
		in.Record.Decision.From, in.Record.Decision.Action, in.Record.Decision.Reason = "A", Adopt, ReasonFirstSight
		in.stands("C", "C", "C")
		return in
	}
	written := func(in *Input) { in.Record.Applied = []EntryKey{in.Group.Units[0].Entries[0].EntryKey} }
	for _, tt := range []struct {
		name   string
		do     func(*Input)
		writes bool // what the adoption wants, on the first run
		to     string
		reason Reason // of the second run
	}{
		{"all on a live path: it is followed", func(*Input) {}, false, "C", ReasonMovedByHand},
		{"all on a path that is Unknown: it is followed", becomes("C", health.Unknown), false, "C", ReasonMovedByHand},
		{"all on a path that is Down: it is finished", becomes("C", health.Down), true, "A", ReasonNoRequest},
		{"all on a path that is locked out: it is finished", becomes("C", health.AdminDown), true, "A", ReasonNoRequest},
		{"some only: it is finished", func(in *Input) { in.stands("C", "C", "A") }, true, "A", ReasonNoRequest},
		{"after a write of its own: it is finished", written, true, "A", ReasonNoRequest},
		{"after a reversal: it is finished", func(in *Input) {
			in.Record.Reversals = []Reversal{{Entry: in.Group.Units[0].Entries[0].EntryKey, At: noon.Add(-time.Minute)}}
		}, true, "A", ReasonNoRequest},
		{"a force that cannot stand: it is followed", also(becomes("B", health.Down), forceTo("B")), false, "C", ReasonMovedByHand},
		{"a force that waits for its list: it is followed", also(forceTo("B"), list(0)), false, "C", ReasonMovedByHand},
		{"a force to where it went: it is followed", forceTo("C"), true, "C", ReasonForcedSwitch},
		{"a force stands: it is obeyed", func(in *Input) {
			in.ask(Request{ID: "force-0", Kind: ForcedSwitch, Path: "A", At: noon.Add(-time.Hour)})
		}, true, "A", ReasonForcedSwitch},
		{"a move is no adoption: it is finished", func(in *Input) { in.Record.Decision.Action = Move }, true, "A", ReasonNoRequest},
		{"its own path failed: it goes to the best", becomes("A", health.Down), true, "B", ReasonNoRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := adopted()
			tt.do(&in)
			first := Decide(in)
			if first.Writes(Enforce) != tt.writes {
				t.Errorf("the first run writes: %t, want %t", first.Writes(Enforce), tt.writes)
			}
			if wait := noon.Add(settle - time.Second); !tt.writes && !first.Deadline.Equal(wait) {
				t.Errorf("it looks again at %v, want %v", first.Deadline, wait)
			}
			in = at(again(in, first), noon.Add(settle-2*time.Second))
			if early := Decide(in); !tt.writes && (early.Moved || early.Writes(Enforce)) {
				t.Errorf("too early: moved %t, writes %t", early.Moved, early.Writes(Enforce))
			}
			second := Decide(at(in, noon.Add(settle)))
			if second.Decision.To != tt.to || second.Decision.Reason != tt.reason && tt.to != "B" {
				t.Errorf("the second run: %s, want %s %s", describe(second), tt.to, tt.reason)
			}
			if second.Moved != (tt.reason == ReasonMovedByHand) || len(second.Next.Contended) > 0 {
				t.Errorf("moved %t, contended %v", second.Moved, second.Next.Contended)
			}
		})
	}
}

// What looked moved goes back before it is seen again: the adoption is finished.
func TestAMoveByHandThatGoesBackIsForgotten(t *testing.T) {
	in := settledOn("A")
	in.Record.Settled = false
	in.Record.Decision.From, in.Record.Decision.Action = "A", Adopt
	in.stands("C", "C", "C")
	in = at(again(in, Decide(in)), noon.Add(settle))
	in.stands("A", "A", "A")
	out := Decide(at(in, noon.Add(settle)))
	if !out.Next.Settled || out.Moved || !out.Next.Sighting.At.IsZero() {
		t.Errorf("settled %t, moved %t, sighting %+v", out.Next.Settled, out.Moved, out.Next.Sighting)
	}
}

// orphan makes what the unit shows a blackhole that a deleted attachment left.
func (in *Input) orphan(units ...int) {
	for _, u := range units {
		e := &in.Standing.Entries[u]
		*e = EntryStanding{Entry: e.Entry, Unit: u, NextHop: blackhole, Blackhole: true, Orphan: true}
	}
}

func TestAnOrphanIsLikeAMissingRoute(t *testing.T) {
	missing := func(in *Input, units ...int) {
		for _, u := range units {
			e := &in.Standing.Entries[u]
			*e = EntryStanding{Entry: e.Entry, Unit: u}
		}
	}
	for name, shape := range map[string]func() Input{
		"adoption": func() Input {
			in := settledOn("A")
			in.Record = Record{}
			in.stands("B", "A", "B")
			return in
		},
		"an unsettled move": func() Input {
			in := settledOn("B")
			in.Record.Settled = false
			return in
		},
		"moved by hand but for one": func() Input {
			in := settledOn("A")
			in.stands("B", "B", "B")
			return in
		},
		"the path failed": func() Input {
			in := settledOn("A")
			in.set("A", health.Down)
			return in
		},
		"no path is left": func() Input {
			in := settledOn("A")
			in.setAll(health.Down)
			return in
		},
	} {
		t.Run(name, func(t *testing.T) {
			orphaned, gone := shape(), shape()
			orphaned.orphan(0)
			missing(&gone, 0)
			for run := range 4 {
				a, b := Decide(orphaned), Decide(gone)
				if describe(a) != describe(b) || a.Next.Settled != b.Next.Settled || a.Writes(Enforce) != b.Writes(Enforce) || a.Moved != b.Moved {
					t.Fatalf("run %d: %s, settled %t\nwith a missing route: %s, settled %t", run, describe(a), a.Next.Settled, describe(b), b.Next.Settled)
				}
				now := noon.Add(time.Duration(run+1) * time.Minute)
				orphaned, gone = at(again(orphaned, a), now), at(again(gone, b), now)
			}
		})
	}
}

// AWS deleted the attachment: nobody undid anything, however often it happens.
func TestAnOrphanIsNoReversal(t *testing.T) {
	in := settledOn("A")
	in.Group.Limits.ContendedAfter = 1
	in.orphan(0, 1)
	for _, applied := range []bool{false, true} {
		if applied {
			in.Record.Settled, in.Record.Applied = false, []EntryKey{in.Group.Units[0].Entries[0].EntryKey}
		}
		for run := range 3 {
			in = at(in, in.Now.Add(time.Duration(run)*time.Minute))
			out := Decide(in)
			if len(out.Next.Reversals) > 0 || len(out.NewlyContended) > 0 {
				t.Fatalf("reversals %v, contended %v", out.Next.Reversals, out.NewlyContended)
			}
			in = again(in, out)
		}
		if in.Record.Settled || len(in.Record.Applied) > 0 {
			t.Errorf("settled %t, applied %v: it is to be written again", in.Record.Settled, in.Record.Applied)
		}
	}
}
