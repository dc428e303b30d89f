package protection

import (
	"slices"
	"testing"
	"time"

	"detour/shared/health"
)

// TestReleaseWaitsForTheFreezeToEnd: consumed under a freeze it would be lost,
// since nothing can move then.
func TestReleaseWaitsForTheFreezeToEnd(t *testing.T) {
	now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	group := &Group{
		Name: "g", Mode: Enforce, Units: []Unit{{Name: "u"}},
		Paths: []Path{{Name: "a"}, {Name: "b"}},
	}
	in := Input{
		Group: group, Now: now, Standing: Standing{Complete: true, StartedAt: now},
		Health: []PathHealth{
			{Path: "a", Assessment: health.Assessment{State: health.Down, Evidence: health.Down, Sources: 1}},
			{Path: "b", Assessment: health.Assessment{State: health.Up, Evidence: health.Up, Sources: 1}},
		},
		Record:   Record{Mode: Enforce, Settled: true, MassFailureAt: now.Add(-time.Minute), Decision: Decision{Group: "g", From: "a", To: "a", Extent: 1, Epoch: 1}},
		Requests: []Request{{ID: "r", Kind: Release, At: now}, {ID: "f", Kind: Freeze, At: now}},
	}
	if out := Decide(in); len(out.Ended) != 0 || out.Decision.Reason != ReasonMassFailure {
		t.Fatalf("under the freeze: ended %v, reason %s", out.Ended, out.Decision.Reason)
	}
	in.Requests = in.Requests[:1]
	if in.Requests[0].Kind != Release {
		t.Fatal("the input was reordered")
	}
	out := Decide(in)
	if out.Decision.Action != Move || out.Decision.To != "b" || len(out.Ended) != 1 {
		t.Fatalf("after the freeze: %+v, ended %v", out.Decision, out.Ended)
	}
}

// TestANewForceGetsNoHelpFromHoldOff: the facts show the target down, and only
// hold-off still calls it up; a force that stands there already is kept.
func TestANewForceGetsNoHelpFromHoldOff(t *testing.T) {
	now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	held := health.Assessment{State: health.Up, Evidence: health.Down, Reason: health.ReasonHoldOff, Sources: 1}
	up := health.Assessment{State: health.Up, Evidence: health.Up, Sources: 1}
	in := Input{
		Group: &Group{Name: "g", Mode: Enforce, Units: []Unit{{Name: "u"}}, Paths: []Path{{Name: "a"}, {Name: "b"}}},
		Now:   now, Standing: Standing{Complete: true, StartedAt: now}, Budget: Budget{Remaining: 10},
		Health:   []PathHealth{{"a", up}, {"b", held}},
		Record:   Record{Mode: Enforce, Settled: true, Decision: Decision{Group: "g", From: "a", To: "a", Extent: 1, Epoch: 1}},
		Requests: []Request{{ID: "r", Kind: ForcedSwitch, Path: "b", At: now}},
	}
	if out := Decide(in); out.Decision.Action != Stay || len(out.Ended) != 1 || out.Ended[0].Reason != ReasonTargetDown {
		t.Fatalf("new force: %+v, ended %v", out.Decision, out.Ended)
	}
	in.Record.Decision.To = "b"
	if out := Decide(in); out.Decision.Reason != ReasonForcedSwitch || len(out.Ended) != 0 {
		t.Fatalf("standing force: %+v, ended %v", out.Decision, out.Ended)
	}
}

// TestADoubledHintKeepsItsSchedule: events come at least once.
func TestADoubledHintKeepsItsSchedule(t *testing.T) {
	came := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	subject := health.Subject{Kind: health.SubjectVPN, ID: "vpn-1"}
	open := Hint{At: came, Subject: subject, Part: "192.0.2.1", Down: true}
	again := open
	again.At = came.Add(20 * time.Second)
	up := []health.Fact{{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelUp}}
	if got := TrackHint(open, again, up, again.At); !got.Hint.At.Equal(came) || !got.Deadline.Equal(came.Add(30*time.Second)) {
		t.Fatalf("contradicted: %+v", got)
	}
	down := []health.Fact{{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelDown}}
	if got := TrackHint(open, again, down, again.At); got.Lag != 20*time.Second {
		t.Fatalf("lag %s, want 20s", got.Lag)
	}
}

// duel is a group of two paths and one entry, settled on path a.
func duel(now time.Time) Input {
	key := EntryKey{}
	up := health.Assessment{State: health.Up, Evidence: health.Up, Sources: 1, Since: now.Add(-time.Hour)}
	return Input{
		Group: &Group{
			Name: "g", Mode: Enforce, Paths: []Path{{Name: "a"}, {Name: "b"}}, WaitToRestore: time.Minute,
			Units:  []Unit{{Name: "u", Entries: []Entry{{EntryKey: key}}}},
			Limits: Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
		},
		Now: now, Budget: Budget{Remaining: 10}, Health: []PathHealth{{"a", up}, {"b", up}},
		Standing: Standing{Complete: true, StartedAt: now, Entries: []EntryStanding{{Entry: key, Paths: []string{"a"}}}},
		Record:   Record{Mode: Enforce, Settled: true, Decision: Decision{Group: "g", From: "a", To: "a", Extent: 1, Epoch: 1, Action: Move}},
	}
}

func three() time.Time { return time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC) }

// TestABrokenSensorDoesNotEndAMassFailureHold: only the end of the failure, a
// release or an operator's move does.
func TestABrokenSensorDoesNotEndAMassFailureHold(t *testing.T) {
	in := duel(three())
	in.Record.MassFailureAt = three().Add(-6 * time.Minute)
	for _, state := range []health.State{health.Unknown, health.Down} {
		in.Health[0].Assessment = health.Assessment{State: state, Evidence: state, Sources: 1}
		out := Decide(in)
		if out.Next.MassFailureAt.IsZero() || out.Starts {
			t.Fatalf("with the path in use %s: %+v, held since %s", state, out.Decision, out.Next.MassFailureAt)
		}
		in.Record = out.Next
	}
	in.Health[0].Assessment = health.Assessment{State: health.Up, Evidence: health.Up}
	if out := Decide(in); !out.Next.MassFailureAt.IsZero() {
		t.Fatal("the hold outlived the failure")
	}
}

// TestAHeldSwitchbackHoldsNoLaterSwitchover: to go back waits for room; a real
// failure later finds the budget that there is then.
func TestAHeldSwitchbackHoldsNoLaterSwitchover(t *testing.T) {
	in := duel(three())
	in.Group.Revertive = true
	in.Record.Decision.From, in.Record.Decision.To = "a", "b"
	in.Standing.Entries[0].Paths = []string{"b"}
	in.Budget.Remaining = 0
	out := Decide(in)
	if out.Starts || out.Decision.Reason != ReasonMassFailure {
		t.Fatalf("the switchback: %+v", out.Decision)
	}
	in.Record, in.Budget.Remaining = out.Next, 10
	in.Health[1].Assessment = health.Assessment{State: health.Down, Evidence: health.Down, Sources: 1}
	if out := Decide(in); !out.Starts || out.Decision.To != "a" || out.Decision.Reason != ReasonSignalFail {
		t.Fatalf("the switchover: %+v", out.Decision)
	}
}

// TestAFreezeKeepsAnAdoptedMixFromBeingWritten: an adoption is no change that is
// under way.
func TestAFreezeKeepsAnAdoptedMixFromBeingWritten(t *testing.T) {
	in := duel(three())
	in.Record.Settled = false
	in.Standing.Entries[0].Paths = []string{"b"}
	in.Freeze = FreezeState{On: true}
	in.Record.Decision.Action = Adopt
	if out := Decide(in); out.Writes(Enforce) {
		t.Fatal("an adopted group is written under a freeze")
	}
	in.Record.Decision.Action = Move
	if out := Decide(in); !out.Writes(Enforce) {
		t.Fatal("a move under way is not ended")
	}
}

// TestAMoveByHandAgainstAForceIsNotFollowed: it would be taken back on the next
// run, and followed again, without end. It counts as a reversal instead.
func TestAMoveByHandAgainstAForceIsNotFollowed(t *testing.T) {
	in := duel(three())
	in.Requests = []Request{{ID: "f", Kind: ForcedSwitch, Path: "a", At: three()}}
	in.Standing.Entries[0].Paths = []string{"b"}
	in.Record.Sighting = Sighting{At: three().Add(-20 * time.Second), MovedTo: "b", Undone: []Seen{{}}}
	out := Decide(in)
	if out.Moved || out.Decision.Action == Adopt || len(out.Next.Reversals) != 1 {
		t.Fatalf("against a force: %+v, reversals %v", out.Decision, out.Next.Reversals)
	}
	in.Requests = []Request{{ID: "m", Kind: ManualSwitch, Path: "a", At: three()}}
	out = Decide(in)
	if !out.Moved || out.Decision.To != "b" || len(out.Ended) != 1 {
		t.Fatalf("against a manual switch: %+v, ended %v", out.Decision, out.Ended)
	}
	in.Requests, in.Health[1].State = nil, health.AdminDown
	if out := Decide(in); out.Moved {
		t.Fatal("a move onto a path that is locked out was followed")
	}
}

// TestSomebodyFasterThanTheSettleTimeIsNotFought: the group never settles, and
// the reversals count all the same.
func TestSomebodyFasterThanTheSettleTimeIsNotFought(t *testing.T) {
	in := duel(three())
	in.Record.Settled = false
	in.Standing.Entries[0].Paths = []string{"b"}
	for n := 1; n <= 3; n++ {
		in.Record.Applied, in.Record.WroteAt = []EntryKey{{}}, in.Now
		in.Now = in.Now.Add(11 * time.Second)
		in.Standing.StartedAt = in.Now
		out := Decide(in)
		if len(out.Next.Reversals) != n || (len(out.NewlyContended) == 1) != (n == 3) {
			t.Fatalf("after %d reversals: %v, contended %v", n, out.Next.Reversals, out.NewlyContended)
		}
		in.Record = out.Next
	}
	in.Record.Settled, in.Record.Contended, in.Record.Reversals = false, nil, nil
	in.Record.Applied, in.Record.WroteAt = []EntryKey{{}}, in.Now.Add(-5*time.Second)
	if out := Decide(in); len(out.Next.Reversals) != 0 {
		t.Fatal("a reading that may predate the write counted as a reversal")
	}
}

// TestADeadRouteIsSeenWhileAMoveIsStuck: a unit whose prefix list may not be
// written keeps the group from settling for as long as that is so. The routes that
// did come over carry traffic meanwhile.
func TestADeadRouteIsSeenWhileAMoveIsStuck(t *testing.T) {
	in := settledOn("A")
	in.Record.Settled, in.Record.WroteAt = false, in.Now.Add(-time.Minute)
	stuck := &in.Standing.Entries[2]
	stuck.Blocked, stuck.NextHop, stuck.Paths = BlockOwner, hopOf("B"), []string{"B"}
	in.Record.Applied = []EntryKey{in.Standing.Entries[0].Entry, in.Standing.Entries[1].Entry}
	if out := Decide(in); out.Next.Settled || !out.Next.Sighting.At.IsZero() {
		t.Fatalf("nothing is dead: settled %t, sighting %+v", out.Next.Settled, out.Next.Sighting)
	}
	dead := &in.Standing.Entries[0]
	dead.Blackhole = true
	out := Decide(in)
	if want := (Sighting{At: in.Standing.StartedAt, Undone: []Seen{{Entry: dead.Entry, NextHop: dead.NextHop}}}); !out.Next.Sighting.At.Equal(want.At) || !out.Next.Sighting.same(want) {
		t.Fatalf("first seen: %+v, want %+v", out.Next.Sighting, want)
	}
	if !out.Deadline.Equal(in.Standing.StartedAt.Add(in.Group.Limits.SettleTime)) {
		t.Errorf("looked at again at %s", out.Deadline)
	}
	in = at(again(in, out), in.Now.Add(in.Group.Limits.SettleTime))
	out = Decide(in)
	if !out.Next.RevivedAt.Equal(in.Now) || slices.Contains(out.Next.Applied, dead.Entry) || len(out.Next.Reversals) != 0 || !out.Writes(Enforce) {
		t.Fatalf("seen twice: revived at %s, applied %v, reversals %v", out.Next.RevivedAt, out.Next.Applied, out.Next.Reversals)
	}
	in = at(again(in, out), in.Now.Add(in.Group.Limits.SettleTime))
	in.Record.Applied = append(in.Record.Applied, dead.Entry)
	if out = Decide(in); !out.Next.Sighting.At.IsZero() {
		t.Error("it is written again at once although the path has been up all along")
	}
}

// TestARouteThatStaysDeadIsWrittenAgain: it is seen twice, a settle time apart,
// with its path alive. One on a path that is down is left alone.
func TestARouteThatStaysDeadIsWrittenAgain(t *testing.T) {
	in := duel(three())
	in.Standing.Entries[0].Blackhole = true
	out := Decide(in)
	if out.Next.Sighting.At.IsZero() || out.Writes(Enforce) {
		t.Fatalf("first seen: %+v", out.Next.Sighting)
	}
	in.Record = out.Next
	in.Now = in.Now.Add(10 * time.Second)
	in.Standing.StartedAt = in.Now
	out = Decide(in)
	if !out.Writes(Enforce) || len(out.Next.Reversals) != 0 || !out.Next.RevivedAt.Equal(in.Now) {
		t.Fatalf("seen twice: writes %t, reversals %v", out.Writes(Enforce), out.Next.Reversals)
	}
	later := in
	later.Record, later.Now = out.Next, in.Now.Add(time.Minute)
	later.Standing.StartedAt = later.Now
	if out := Decide(later); out.Next.Settled || !out.Writes(Enforce) {
		t.Fatal("settled although the run that was to write it died")
	}
	later.Record.Applied = []EntryKey{{}}
	if out := Decide(later); !out.Next.Settled {
		t.Fatal("not settled although it was written")
	}
	again := in
	again.Record = out.Next
	again.Record.Settled = true
	if out := Decide(again); !out.Next.Sighting.At.IsZero() {
		t.Fatal("it is written again at once although the path has been up all along")
	}
	again.Now = again.Now.Add(10 * time.Minute)
	again.Standing.StartedAt = again.Now
	if out := Decide(again); out.Next.Sighting.At.IsZero() {
		t.Fatal("it is never looked at again")
	}
	in.Health[0].Assessment = health.Assessment{State: health.Down, Evidence: health.Down}
	in.Health[1].Assessment = health.Assessment{State: health.Down, Evidence: health.Down}
	if out := Decide(in); out.Writes(Enforce) || !out.Next.Sighting.At.IsZero() {
		t.Fatalf("on a dead path: %+v", out.Next.Sighting)
	}
}

// TestAHoldIsRememberedOnce: the same readings twice keep the same record.
func TestAHoldIsRememberedOnce(t *testing.T) {
	in := duel(three())
	for i := range in.Health {
		in.Health[i].Assessment = health.Assessment{State: health.Down, Evidence: health.Down}
	}
	out := Decide(in)
	if out.Next.Held != ReasonNoUsablePath {
		t.Fatalf("held for %q", out.Next.Held)
	}
	in.Record = out.Next
	if again := Decide(in); !again.Next.Equal(out.Next) {
		t.Fatal("the same readings changed the record again")
	}
}

// TestAHintThatNamesNoTunnelIsBorneOutByAny: Network Manager may leave the
// address out.
func TestAHintThatNamesNoTunnelIsBorneOutByAny(t *testing.T) {
	subject := health.Subject{Kind: health.SubjectVPN, ID: "vpn-1"}
	facts := []health.Fact{
		{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelUp},
		{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.2", Value: health.TunnelDown},
	}
	if got := TrackHint(Hint{}, Hint{At: three(), Subject: subject, Down: true}, facts, three()); !got.Hint.At.IsZero() {
		t.Fatalf("kept %+v", got.Hint)
	}
	if got := TrackHint(Hint{}, Hint{At: three(), Subject: subject, Part: "192.0.2.1", Down: true}, facts, three()); got.Hint.At.IsZero() {
		t.Fatal("a hint about the tunnel that is up was taken as borne out")
	}
}
