package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

// stands replaces what a reading shows: unit u is on paths[u].
func (in *Input) stands(paths ...string) {
	in.Standing = standingOn(in.Group, in.Standing.StartedAt, paths...)
}

// stranger makes the unit's entry point to a next hop that no path declares.
func (in *Input) stranger(unit int) {
	in.Standing.Entries[unit] = standingAt(in.Group.Units[unit].Entries[0], unit, strangeHop)
}

func TestAdoption(t *testing.T) {
	nothing := []string{"", "", ""}
	tests := []struct {
		name   string
		stands []string
		want   string
	}{
		{"all on one path: that path", []string{"C", "C", "C"}, "C"},
		{"mixed: the path with most units", []string{"A", "C", "C"}, "C"},
		{"mixed, units count and not their order", []string{"B", "A", "B"}, "B"},
		{"a tie: the group's order decides", []string{"C", "B", ""}, "B"},
		{"a tie of three: the working path", []string{"C", "B", "A"}, "A"},
		{"nothing stands: the working path", nothing, "A"},
		{"one entry stands: its path", []string{"", "", "C"}, "C"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("A")
			in.Record = Record{}
			in.stands(tt.stands...)
			first := Decide(in)
			wantDecision(t, first, tt.want, tt.want, 3, Adopt, ReasonFirstSight)
			if first.Writes(Enforce) || first.Starts {
				t.Error("the run that adopts moves something")
			}

			second := Decide(at(again(in, first), noon.Add(time.Minute)))
			if second.Decision.To != tt.want || second.Decision.Epoch != first.Decision.Epoch {
				t.Errorf("the next run decided %+v", second.Decision)
			}
			whole := tt.stands[0] == tt.stands[1] && tt.stands[1] == tt.stands[2] && tt.stands[0] == tt.want
			if second.Next.Settled != whole {
				t.Errorf("settled is %t where the tables are whole: %t", second.Next.Settled, whole)
			}
			if second.Writes(Enforce) == whole {
				t.Errorf("the next run writes: %t", !whole)
			}
		})
	}
}

func TestAdoptionCountsUnitsNotEntries(t *testing.T) {
	in := settledOn("A")
	in.Record = Record{}
	wide := &in.Group.Units[0]
	for n := 10; n < 15; n++ {
		entry := wide.Entries[0]
		entry.Table = testTable(n)
		wide.Entries = append(wide.Entries, entry)
	}
	in.stands("A", "B", "B")
	wantDecision(t, Decide(in), "B", "B", 3, Adopt, ReasonFirstSight)
}

func TestAdoptionWaitsForACompleteReading(t *testing.T) {
	for _, name := range []string{"no record", "a record from observe"} {
		t.Run(name, func(t *testing.T) {
			in := settledOn("A")
			in.Record.Mode, in.Record.Settled = Observe, false
			if name == "no record" {
				in.Record = Record{}
			}
			in.stands("B", "B", "B")
			in.Standing.Complete = false
			out := Decide(in)
			if out.Decision.Action != Hold || out.Decision.Reason != ReasonIncomplete {
				t.Errorf("decided %s %s", out.Decision.Action, out.Decision.Reason)
			}

			in = at(again(in, out), noon.Add(time.Minute))
			in.Standing.Complete = true
			wantDecision(t, Decide(in), "B", "B", 3, Adopt, ReasonFirstSight)
		})
	}
}

func TestAPathThatIsNoLongerDeclaredIsForgotten(t *testing.T) {
	in := settledOn("C")
	in.Group.Paths = in.Group.Paths[:2]
	in.Health = in.Health[:2]
	in.stands("B", "B", "B")
	out := Decide(in)
	wantDecision(t, out, "B", "B", 3, Adopt, ReasonFirstSight)
	if len(out.Next.Paths) != 2 {
		t.Errorf("the record remembers %d paths", len(out.Next.Paths))
	}
}

func TestSettling(t *testing.T) {
	wrote := noon.Add(-time.Minute)
	tests := []struct {
		name   string
		change func(*Input)
		want   bool
	}{
		{"in place, read a settle time after the write: settled", func(in *Input) { in.Standing.StartedAt = wrote.Add(settle) }, true},
		{"read a moment too early: not settled", func(in *Input) { in.Standing.StartedAt = wrote.Add(settle - 1) }, false},
		{"one entry is not in place: not settled", func(in *Input) {
			in.stands("B", "A", "B")
			in.Standing.StartedAt = wrote.Add(settle)
		}, false},
		{"one entry is missing: not settled", func(in *Input) {
			in.stands("B", "", "B")
			in.Standing.StartedAt = wrote.Add(settle)
		}, false},
		{"an incomplete reading: not settled", func(in *Input) { in.Standing.Complete = false }, false},
		{"a foreign entry is out of scope: settled", func(in *Input) { in.stranger(1) }, true},
		{"a foreign entry with takeOver is in scope: not settled", func(in *Input) {
			in.stranger(1)
			in.Group.TakeOver = true
		}, false},
		{"an untouchable entry is out of scope: settled", func(in *Input) {
			in.stands("B", "A", "B")
			in.Standing.Entries[1].Untouchable = true
		}, true},
		{"a contended entry is out of scope: settled", func(in *Input) {
			in.stands("B", "A", "B")
			in.Record.Contended = []EntryKey{in.Standing.Entries[1].Entry}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("B")
			in.Record.Settled, in.Record.WroteAt = false, wrote
			tt.change(&in)
			out := Decide(in)
			if out.Next.Settled != tt.want {
				t.Errorf("settled is %t", out.Next.Settled)
			}
			if out.Writes(Enforce) == tt.want {
				t.Errorf("writes is %t", !tt.want)
			}
			if out.Next.Decision != in.Record.Decision {
				t.Errorf("the decision changed to %+v", out.Next.Decision)
			}
		})
	}
}

func TestSettlingOfAPartialMove(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stands []string
		want   bool
	}{
		{"the first unit is on To, the others on From", []string{"A", "B", "B"}, true},
		{"a unit beyond the extent is on To", []string{"A", "A", "B"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := settledOn("A")
			in.Record = settledRecord("B", "A", 1)
			in.Record.Settled = false
			in.stands(tt.stands...)
			if out := Decide(in); out.Next.Settled != tt.want {
				t.Errorf("settled is %t", out.Next.Settled)
			}
		})
	}
}

// moveByHand is the input of the run that sees all routes on another path for
// the first time.
func moveByHand(path string) Input {
	in := settledOn("A")
	in.stands(path, path, path)
	return in
}

func TestAPersonMovesTheRoutes(t *testing.T) {
	in := moveByHand("B")
	first := Decide(in)
	wantDecision(t, first, "A", "A", 3, Stay, ReasonNoRequest)
	if first.Moved || first.Writes(Enforce) {
		t.Error("one reading is enough to act on")
	}
	if want := in.Standing.StartedAt.Add(settle); !first.Deadline.Equal(want) {
		t.Errorf("deadline is %v, want a settle time after the reading, %v", first.Deadline, want)
	}

	early := at(again(in, first), in.Standing.StartedAt.Add(settle-1))
	second := Decide(early)
	if second.Moved || second.Decision.Action != Stay {
		t.Error("adopted before a settle time is past")
	}

	third := Decide(at(again(early, second), in.Standing.StartedAt.Add(settle)))
	wantDecision(t, third, "A", "B", 3, Adopt, ReasonMovedByHand)
	if !third.Next.CameAt.Equal(third.Next.WroteAt) || third.Next.CameAt.IsZero() {
		t.Errorf("came at %s, want %s", third.Next.CameAt, third.Next.WroteAt)
	}
	if !third.Moved || third.Writes(Enforce) || third.Starts {
		t.Errorf("moved %t, writes %t, starts %t", third.Moved, third.Writes(Enforce), third.Starts)
	}
	if third.Decision.Epoch <= oldEpoch {
		t.Errorf("epoch is %d", third.Decision.Epoch)
	}
}

// adoptedByHand is the input of the run after a person's move was adopted.
func adoptedByHand(t *testing.T, change func(*Input)) Input {
	t.Helper()
	in := moveByHand("B")
	change(&in)
	first := Decide(in)
	in = at(again(in, first), noon.Add(time.Minute))
	second := Decide(in)
	if !second.Moved {
		t.Fatal("the move was not adopted")
	}
	return at(again(in, second), noon.Add(2*time.Minute))
}

func TestAMoveByHandStandsLikeAManualSwitch(t *testing.T) {
	t.Run("a revertive group does not go back over it", func(t *testing.T) {
		in := adoptedByHand(t, func(in *Input) { in.Group.Revertive = true })
		if out := Decide(in); out.Decision.To != "B" || out.Decision.Action != Stay {
			t.Errorf("decided %+v", out.Decision)
		}
	})
	t.Run("a failure overrides it", func(t *testing.T) {
		in := adoptedByHand(t, func(*Input) {})
		in.set("B", health.Down)
		wantDecision(t, Decide(in), "B", "A", 3, Move, ReasonSignalFail)
	})
	t.Run("an operator goes back", func(t *testing.T) {
		in := adoptedByHand(t, func(in *Input) { in.Group.Revertive = true })
		in.ask(Request{ID: "back", Kind: ManualSwitchToWorking, At: in.Now})
		wantDecision(t, Decide(in), "B", "A", 3, Move, ReasonManualToWorking)
	})
}

func TestWhatIsNotAMoveByHand(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Input)
	}{
		{"onto a path that is Down", func(in *Input) { in.set("B", health.Down) }},
		{"some entries only", func(in *Input) { in.stands("B", "B", "A") }},
		{"onto two paths", func(in *Input) { in.stands("B", "C", "B") }},
		{"onto no declared path", func(in *Input) {
			in.Group.TakeOver = true
			for u := range in.Standing.Entries {
				in.stranger(u)
			}
		}},
		{"routes that are gone", func(in *Input) { in.stands("", "", "") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := moveByHand("B")
			tt.change(&in)
			first := Decide(in)
			if first.Writes(Enforce) {
				t.Error("repaired after one reading")
			}
			second := Decide(at(again(in, first), noon.Add(time.Minute)))
			if second.Moved || second.Decision.To != "A" {
				t.Errorf("adopted: %+v", second.Decision)
			}
			if second.Next.Settled || !second.Writes(Enforce) {
				t.Error("the settled route is not put back")
			}
			if second.Next.Decision.Epoch != oldEpoch {
				t.Error("a repair has a new epoch")
			}
			if len(second.Next.Reversals) == 0 {
				t.Error("no reversal is counted")
			}
		})
	}
}

func TestAnUnsettledMoveIsFinishedNotAdopted(t *testing.T) {
	in := moveByHand("B")
	in.Record.Settled = false
	for i := range 4 {
		in = at(in, noon.Add(time.Duration(i)*time.Minute))
		out := Decide(in)
		if out.Moved || !out.Writes(Enforce) || out.Decision.To != "A" {
			t.Fatalf("run %d: moved %t, writes %t, to %s", i, out.Moved, out.Writes(Enforce), out.Decision.To)
		}
		in = again(in, out)
	}
}

func TestASightingThatChangesStartsAgain(t *testing.T) {
	in := moveByHand("B")
	first := Decide(in)
	in = at(again(in, first), noon.Add(time.Minute))
	in.stands("C", "C", "C")
	second := Decide(in)
	if second.Moved {
		t.Error("two different readings were taken for agreement")
	}
	third := Decide(at(again(in, second), noon.Add(2*time.Minute)))
	wantDecision(t, third, "A", "C", 3, Adopt, ReasonMovedByHand)
}

func TestASightingThatIsGoneIsForgotten(t *testing.T) {
	in := moveByHand("B")
	first := Decide(in)
	in = at(again(in, first), noon.Add(time.Minute))
	in.stands("A", "A", "A")
	second := Decide(in)
	if !second.Next.Sighting.At.IsZero() || !second.Next.Settled {
		t.Errorf("sighting %+v, settled %t", second.Next.Sighting, second.Next.Settled)
	}
}

func TestAForeignRouteIsNotUndoneUnlessTakeOver(t *testing.T) {
	for _, takeOver := range []bool{false, true} {
		in := settledOn("A")
		in.Group.TakeOver = takeOver
		in.stranger(0)
		second := Decide(at(again(in, Decide(in)), noon.Add(time.Minute)))
		if second.Writes(Enforce) != takeOver || (len(second.Next.Reversals) > 0) != takeOver {
			t.Errorf("takeOver %t: writes %t, reversals %d", takeOver, second.Writes(Enforce), len(second.Next.Reversals))
		}
	}
}
