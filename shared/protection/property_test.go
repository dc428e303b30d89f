package protection

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/health"
	"detour/shared/route"
)

// testList is a prefix list that a group may have as a destination.
const testList = "pl-0123456789abcdef0"

// drawnStates are the states that a path may have, the frequent ones twice.
var drawnStates = []health.State{
	health.Up, health.Up, health.Degraded, health.Down, health.Down, health.Unknown, health.AdminDown,
}

func drawGroup(t *rapid.T) *Group {
	paths := []string{"A", "B", "C", "D"}[:rapid.IntRange(2, 4).Draw(t, "paths")]
	group := testGroup(rapid.IntRange(1, 4).Draw(t, "units"), paths...)
	group.Stateful = rapid.Bool().Draw(t, "stateful")
	group.Revertive = rapid.Bool().Draw(t, "revertive")
	group.SwitchOnDegrade = rapid.Bool().Draw(t, "switchOnDegrade")
	group.TakeOver = rapid.Bool().Draw(t, "takeOver")
	if rapid.IntRange(0, 2).Draw(t, "prefix list") == 0 {
		group.Units[0].Entries[0].Destination = route.MustDestination(testList)
	}
	return group
}

func drawHealth(t *rapid.T, group *Group) []PathHealth {
	var out []PathHealth
	for _, p := range group.Paths {
		a := assessed(rapid.SampledFrom(drawnStates).Draw(t, "state of "+p.Name))
		a.Since = noon.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute)
		a.Memory.Since = a.Since
		a.Suppressed = rapid.IntRange(0, 4).Draw(t, "suppressed") == 0
		a.Sources = rapid.IntRange(1, 2).Draw(t, "sources")
		if a.State.Alive() && rapid.IntRange(0, 4).Draw(t, "holdOff") == 0 {
			a.Evidence, a.Reason = health.Down, health.ReasonHoldOff
			a.Memory.WorseSince, a.Deadline = noon.Add(-time.Second), noon.Add(time.Second)
		}
		out = append(out, PathHealth{Path: p.Name, Assessment: a})
	}
	return out
}

func drawPath(t *rapid.T, group *Group, label string) string {
	return rapid.SampledFrom(group.Paths).Draw(t, label).Name
}

func drawRequests(t *rapid.T, group *Group) []Request {
	kinds := []RequestKind{Freeze, ForcedSwitch, ForcedSwitch, ManualSwitch, ManualSwitch, ManualSwitchToWorking, Release, AdoptAnew, FailbackAbort}
	var out []Request
	for i := range rapid.IntRange(0, 3).Draw(t, "requests") {
		out = append(out, Request{
			ID: fmt.Sprintf("r%d", i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
			Path:         rapid.SampledFrom([]string{"A", "B", "C", "gone"}).Draw(t, "target"),
			Extent:       rapid.IntRange(0, group.Steps()).Draw(t, "extent"),
			IgnoreHealth: rapid.Bool().Draw(t, "ignoreHealth"),
			Immediate:    rapid.Bool().Draw(t, "immediate"),
			At:           noon.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "age")) * time.Minute),
		})
		if rapid.IntRange(0, 3).Draw(t, "pins") == 0 {
			out[i].Lists = []ListVersion{{ID: testList, Version: 7}}
		}
	}
	return out
}

func drawStanding(t *rapid.T, group *Group) Standing {
	out := Standing{Complete: rapid.IntRange(0, 9).Draw(t, "complete") > 0, StartedAt: noon.Add(-time.Second)}
	common := drawPath(t, group, "stands on")
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			hop, orphan := hopOf(common), false
			switch rapid.IntRange(0, 9).Draw(t, "entry") {
			case 0:
				hop = hopOf(drawPath(t, group, "stray"))
			case 1:
				hop = strangeHop
			case 2:
				hop.Kind, hop.ID = "", ""
			case 3:
				hop, orphan = blackhole, true
			}
			e := standingAt(entry, u, hop)
			e.Orphan, e.Foreign, e.Blackhole = orphan, e.Foreign && !orphan, orphan
			if entry.Destination.List() != "" {
				e.ListVersion = rapid.SampledFrom([]int64{7, 7, 8, 0}).Draw(t, "list")
				e.Blocked = map[int64]BlockReason{0: BlockUnreadable}[e.ListVersion]
			}
			e.Untouchable = rapid.IntRange(0, 9).Draw(t, "untouchable") == 0
			out.Entries = append(out.Entries, e)
		}
	}
	return out
}

func drawRecord(t *rapid.T, in Input) Record {
	group := in.Group
	if rapid.IntRange(0, 9).Draw(t, "norecord") == 0 {
		return Record{}
	}
	rec := settledRecord(drawPath(t, group, "from"), drawPath(t, group, "to"), rapid.IntRange(1, group.Steps()).Draw(t, "extent"))
	if rapid.IntRange(0, 9).Draw(t, "future") == 0 {
		rec.Decision.Epoch = noon.UnixMilli() + rapid.Int64Range(0, 100_000).Draw(t, "epoch")
	}
	rec.Settled = rapid.Bool().Draw(t, "settled")
	if rapid.IntRange(0, 3).Draw(t, "adopted") == 0 {
		rec.Decision.Action, rec.Decision.Reason = Adopt, ReasonFirstSight
		rec.Decision.From, rec.Decision.Extent = rec.Decision.To, group.Steps()
	}
	if rapid.IntRange(0, 2).Draw(t, "written") == 0 {
		rec.Applied = []EntryKey{group.Units[0].Entries[0].EntryKey}
	}
	rec.WroteAt = noon.Add(-time.Duration(rapid.IntRange(0, 30).Draw(t, "wrote")) * time.Second)
	if rapid.IntRange(0, 4).Draw(t, "mass") == 0 {
		rec.MassFailureAt = noon.Add(-2 * time.Minute)
	}
	if rapid.IntRange(0, 4).Draw(t, "observed") == 0 {
		rec.Mode = Observe
	}
	if rapid.IntRange(0, 4).Draw(t, "contended") == 0 {
		rec.Contended = []EntryKey{group.Units[0].Entries[0].EntryKey}
	}
	if rapid.Bool().Draw(t, "sighted") {
		d := &decider{in: in, out: Output{Next: rec}}
		d.in.Record = rec
		rec.Sighting = d.sight()
		if !rec.Sighting.At.IsZero() {
			rec.Sighting.At = noon.Add(-time.Duration(rapid.IntRange(1, 30).Draw(t, "sightedAgo")) * time.Second)
		}
	}
	if rec.Decision.From != rec.Decision.To && rapid.Bool().Draw(t, "failback") {
		rec.Steps = group.Steps()
		rec.Failback = drawFailback(t, in, rec)
	}
	return rec
}

// drawFailback is a failback that fits the record, or one that the record has left
// behind.
func drawFailback(t *rapid.T, in Input, rec Record) Failback {
	f := Failback{
		ID: failbackID, Base: rec.Decision.Epoch, From: rec.Decision.To, To: in.Group.Working(),
		Plan: "shown", Steps: in.Planned, At: noon.Add(-5 * time.Minute),
		Until:    noon.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "until")) * time.Minute),
		Unproven: rapid.Bool().Draw(t, "unproven"),
	}
	if rapid.IntRange(0, 2).Draw(t, "moved") > 0 {
		f.Base, f.Epoch, f.From, f.To = rec.Decision.Epoch-1, rec.Decision.Epoch, rec.Decision.From, rec.Decision.To
	}
	if rapid.IntRange(0, 9).Draw(t, "left behind") == 0 {
		f.Base, f.Epoch = rec.Decision.Epoch-2, rec.Decision.Epoch-1
	}
	if rapid.Bool().Draw(t, "over") {
		f.Over = rapid.SampledFrom([]Reason{ReasonSilence, ReasonFrozen, ReasonDone, ReasonSignalFail}).Draw(t, "why over")
		f.OverAt = noon.Add(-time.Minute)
		f.Kept = rec.Decision.Extent == rec.Steps && rapid.Bool().Draw(t, "kept")
	}
	return f
}

// drawStep is a word of the workflow, or of another one; nil: none.
func drawStep(t *rapid.T, in Input) *FailbackStep {
	if rapid.Bool().Draw(t, "no step") {
		return nil
	}
	kinds := []FailbackKind{FailbackOpen, FailbackAsk, FailbackAdvance, FailbackAdvance, FailbackBeat, FailbackUndo, FailbackClose}
	return &FailbackStep{
		ID: rapid.SampledFrom([]string{failbackID, failbackID, "other"}).Draw(t, "id"), Kind: rapid.SampledFrom(kinds).Draw(t, "step"),
		Extent: rapid.IntRange(0, in.Group.Steps()).Draw(t, "to extent"), Unproven: rapid.Bool().Draw(t, "may be unproven"),
		Plan: "shown", Steps: in.Planned, Approver: "bob",
	}
}

func drawInput(t *rapid.T) Input {
	in := Input{Group: drawGroup(t), Now: noon}
	if rapid.IntRange(0, 4).Draw(t, "mode") == 0 {
		in.Group.Mode = Observe
	}
	in.Health = drawHealth(t, in.Group)
	in.Requests = drawRequests(t, in.Group)
	in.Standing = drawStanding(t, in.Group)
	for n := range in.Group.Steps() {
		in.Planned = append(in.Planned, fmt.Sprint("step ", n))
	}
	in.Group.Failback.Stability = time.Duration(rapid.IntRange(0, 10).Draw(t, "stability")) * time.Minute
	in.Record = drawRecord(t, in)
	in.Failback = drawStep(t, in)
	in.Record.Paths = memories(in)
	in.Budget.Remaining = rapid.IntRange(0, 2).Draw(t, "budget")
	if rapid.Bool().Draw(t, "released") {
		in.Budget.ReleasedAt = noon.Add(-time.Minute)
	}
	in.Freeze.On = rapid.IntRange(0, 4).Draw(t, "freeze") == 0
	in.Freeze.Immediate = in.Freeze.On && rapid.Bool().Draw(t, "immediate")
	return in
}

// copyOf shares no slice with in that Decide could change.
func copyOf(in Input) Input {
	in.Health = slices.Clone(in.Health)
	in.Requests = slices.Clone(in.Requests)
	in.Record = in.Record.Clone()
	in.Standing.Entries = slices.Clone(in.Standing.Entries)
	return in
}

func (in *Input) anyEligible(except string) bool {
	for _, h := range in.Health {
		if h.Path != except && h.State.Alive() && h.Evidence != health.Down {
			return true
		}
	}
	return false
}

func TestPropertySameInputSameOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		before := copyOf(in)
		first, second := Decide(in), Decide(in)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("first %+v\nthen  %+v", first, second)
		}
		if !reflect.DeepEqual(in, before) {
			t.Fatalf("the input was changed:\n%+v\n%+v", in, before)
		}
		shuffled := copyOf(in)
		shuffled.Requests = rapid.Permutation(in.Requests).Draw(t, "order")
		third := Decide(shuffled)
		if third.Decision != first.Decision || !third.Next.Equal(first.Next) {
			t.Fatalf("the order of the requests matters: %s, %s", describe(first), describe(third))
		}
	})
}

// Invariant 4: to see the same again changes nothing. The run after an
// adoption may complete it, and the one after an undo may leave the path that it
// returned to, so the run after that is compared.
func TestPropertySameReadingsTwiceChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		out := Decide(in)
		for out.Decision.Action == Adopt || out.Decision.Action == Undo && !out.WouldBe {
			in = again(in, out)
			out = Decide(in)
			if in.Record.Decision.Action == Undo && out.Decision.Action == Undo {
				t.Fatalf("undone twice: %+v", out.Decision)
			}
			if in.Record.Decision.Action == Adopt && out.Decision.Action == Adopt {
				t.Fatalf("adopted twice: %+v", out.Decision)
			}
		}
		in = again(in, out)
		if out.Failback.Retry {
			in.Failback = nil // Asked again it may be answered otherwise.
		}
		second := Decide(in)
		if !second.Next.Equal(out.Next) || second.Starts || second.Moved {
			t.Fatalf("%s\nthen %s\nrecord %+v\nthen   %+v", describe(out), describe(second), out.Next, second.Next)
		}
		third := Decide(again(in, second))
		if len(third.Ended) > 0 {
			t.Fatalf("requests still end on the third run: %+v", third.Ended)
		}
	})
}

// Invariant 1: nothing moves towards a path that the facts show Down, and no
// group stays on one, while another path is eligible.
func TestPropertyNeverTowardsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		out := Decide(in)
		d := out.Decision
		to := in.path(in.Group.Working())
		if d.To != "" {
			to = in.path(d.To)
		}
		switch d.Action {
		case Move, Step, Undo:
			if d.Reason == ReasonForcedSwitch {
				if to.State == health.AdminDown {
					t.Fatalf("forced onto a path that is locked out")
				}
				return
			}
			if !to.State.Alive() || to.Evidence == health.Down {
				t.Fatalf("%s, but %s is %s with evidence %s", describe(out), d.To, to.State, to.Evidence)
			}
		case Stay:
			if d.Reason != ReasonForcedSwitch && (to.State == health.Down || to.State == health.AdminDown) && in.anyEligible(d.To) {
				t.Fatalf("%s, but %s is %s and another path is eligible", describe(out), d.To, to.State)
			}
		case Hold:
			if d.Reason == ReasonNoUsablePath && in.anyEligible(in.failingPath()) {
				t.Fatalf("%s, but another path is eligible: %+v", describe(out), in.Health)
			}
		case Adopt:
		}
	})
}

// Invariant 1 again, for the writes that a run may still owe to its committed
// decision while a freeze or the blast radius keeps the group from moving on.
func TestPropertyNeverWritesTowardsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		out := Decide(in)
		// From a reading that is not whole nothing is written, whatever is owed.
		if !out.Writes(in.Group.Mode) || !in.Standing.Complete || out.Decision.Reason == ReasonForcedSwitch {
			return
		}
		for u := range in.Group.Units {
			path := in.path(out.Next.Decision.PathFor(in.Group.Step(u)))
			if path.State == health.Down && in.anyEligible(path.Path) {
				t.Fatalf("%s writes unit %d towards %s, which is Down: %+v", describe(out), u, path.Path, in.Health)
			}
		}
	})
}

// failingPath is the path in use that made the decision fail: To, or From while
// a move is partial.
func (in *Input) failingPath() string {
	d := in.Record.Decision
	if s := in.path(d.To).State; s == health.Down || s == health.AdminDown {
		return d.To
	}
	return d.From
}

// Invariant 2: no ping-pong between dead paths.
func TestPropertyNoMoveWhenAllAreDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.setAll(health.Down)
		for i := range in.Requests {
			in.Requests[i].IgnoreHealth = false
		}
		out := Decide(in)
		if a := out.Decision.Action; a != Hold && a != Adopt {
			t.Fatalf("all paths are Down, and the decision is %s", describe(out))
		}
		if out.Decision.Action == Hold && out.Next.Decision != in.Record.Decision {
			t.Fatalf("the record moved to %+v", out.Next.Decision)
		}
	})
}

// Invariant 3: whatever happens to the standby paths of a non-revertive group,
// it stays where it is if its active path is Up and nobody requests a move.
func TestPropertyStandbysMoveNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		to := drawPath(t, in.Group, "active")
		in.Group.Mode, in.Group.Revertive, in.Requests = Enforce, false, nil
		in.Record = settledRecord(in.Group.Working(), to, in.Group.Steps())
		in.stands(slices.Repeat([]string{to}, len(in.Group.Units))...)
		in.set(to, health.Up)
		out := Decide(in)
		if out.Decision.Action != Stay || out.Next.Decision != in.Record.Decision || out.Writes(Enforce) {
			t.Fatalf("%s with %+v", describe(out), in.Health)
		}
	})
}

// Invariant 6: a group goes back to its working path only because of a request,
// because it is revertive and has waited to restore, or because the active path
// failed.
func TestPropertySwitchbackNeedsAReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		out := Decide(in)
		d, cur := out.Decision, in.Record.Decision
		if d.Action != Move {
			return
		}
		switch d.Reason {
		case ReasonFailback:
			if in.Failback == nil || in.Failback.Kind != FailbackAdvance || !in.Record.Failback.Open() || !out.Failback.Accepted {
				t.Fatalf("%s, but no failback asked: %+v", describe(out), in.Failback)
			}
		case ReasonRestored:
			a := in.path(in.Group.Working())
			if !in.Group.Revertive || d.To != in.Group.Working() || a.State != health.Up || a.Suppressed || noon.Sub(a.Since) < in.Group.WaitToRestore {
				t.Fatalf("%s, but revertive is %t and working is %+v", describe(out), in.Group.Revertive, a)
			}
		case ReasonSignalFail, ReasonLockout:
			if s := in.path(in.failingPath()).State; s != health.Down && s != health.AdminDown {
				t.Fatalf("%s, but no path in use failed", describe(out))
			}
		case ReasonSignalDegrade:
			if !in.Group.SwitchOnDegrade || in.path(cur.To).State != health.Degraded || in.path(d.To).State != health.Up {
				t.Fatalf("%s, but the active path is %+v", describe(out), in.path(cur.To))
			}
		default:
			kind := map[Reason]RequestKind{ReasonForcedSwitch: ForcedSwitch, ReasonManualSwitch: ManualSwitch, ReasonManualToWorking: ManualSwitchToWorking}[d.Reason]
			if !slices.ContainsFunc(in.Requests, func(r Request) bool { return r.Kind == kind }) {
				t.Fatalf("%s, but nobody asked", describe(out))
			}
		}
	})
}

func TestPropertyEpochRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		out := Decide(in)
		want := in.Record.Decision.Epoch
		if out.Decision.Action == Move || out.Decision.Action == Adopt {
			want = max(want+1, noon.UnixMilli())
		}
		if out.Decision.Epoch != want {
			t.Fatalf("%s has epoch %d, want %d", describe(out), out.Decision.Epoch, want)
		}
	})
}

// Invariant 7: when nothing changes in the network any more, the group is soon
// on a single path, eligible unless none is, and writes nothing further.
func TestPropertyConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Group.Mode, in.Record, in.Requests = Enforce, Record{}, nil
		in.Budget.Remaining, in.Freeze = 10, FreezeState{}
		in.stands(slices.Repeat([]string{drawPath(t, in.Group, "first")}, len(in.Group.Units))...)
		for i, h := range in.Health {
			in.set(h.Path, rapid.SampledFrom([]health.State{health.Up, health.Degraded, health.Down, health.AdminDown}).Draw(t, "still"))
			in.Health[i].Suppressed = h.Suppressed
		}
		var out Output
		for run := range 8 {
			in = at(in, noon.Add(time.Duration(run)*time.Minute))
			out = Decide(in)
			if out.Writes(Enforce) {
				in.follow(out.Next.Decision)
			}
			in = again(in, out)
		}
		if out.Writes(Enforce) || out.Decision.Action == Move {
			t.Fatalf("still moving: %s", describe(out))
		}
		for _, e := range in.Standing.Entries {
			if !e.On(out.Decision.To) {
				t.Fatalf("%s stands on %v, not on %s", e.Entry, e.Paths, out.Decision.To)
			}
		}
		if to := in.path(out.Decision.To); !to.State.Alive() && in.anyEligible("") {
			t.Fatalf("the group stands on %s, which is %s: %+v", out.Decision.To, to.State, in.Health)
		}
	})
}

// follow makes the tables show the decision.
func (in *Input) follow(d Decision) {
	i := 0
	for u, unit := range in.Group.Units {
		for _, entry := range unit.Entries {
			in.Standing.Entries[i] = standingAt(entry, u, entry.NextHop(d.PathFor(in.Group.Step(u))))
			i++
		}
	}
}
