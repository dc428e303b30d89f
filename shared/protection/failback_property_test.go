package protection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/health"
)

// story is a group with a workflow, tables and an operator, through which time goes.
type story struct {
	t   *rapid.T
	in  Input
	out Output
	// ids counts the failbacks and requests.
	ids int
	// fought are the entries that somebody else keeps changing.
	fought map[EntryKey]bool
}

func newStory(t *rapid.T) *story {
	in := settledOn("B")
	units := rapid.IntRange(1, 4).Draw(t, "units")
	in.Group = testGroup(units, "A", "B", "C")
	in.Group.Failback.Stability = 10 * time.Minute
	in.Group.Stateful = rapid.IntRange(0, 3).Draw(t, "stateful") == 0
	in.Group.Revertive = rapid.IntRange(0, 3).Draw(t, "revertive") == 0
	in.Group.SwitchOnDegrade = rapid.IntRange(0, 3).Draw(t, "switchOnDegrade") == 0
	in.Record = settledRecord("A", "B", in.Group.Steps())
	in.Record.Steps, in.Record.Paths = in.Group.Steps(), memories(in)
	in.stands(slices.Repeat([]string{"B"}, units)...)
	s := &story{t: t, in: in, fought: map[EntryKey]bool{}}
	s.plan()
	return s
}

// plan makes the digests of the steps from what stands, as package plan does.
func (s *story) plan() {
	s.in.Planned = make([]string, s.in.Group.Steps())
	for _, e := range s.in.Standing.Entries {
		s.in.Planned[s.in.Group.Step(e.Unit)] += fmt.Sprint(e.NextHop.ID, " ")
	}
}

// id is that of the failback, or of the next one.
func (s *story) id() string { return fmt.Sprint("failback-", s.ids) }

// run is one run, which may die before it has written all, or nothing.
func (s *story) run(step *FailbackStep, written int) {
	in := s.in
	in.Failback = step
	if step != nil && step.Kind == FailbackAsk {
		step.Plan, step.Steps = fmt.Sprint(in.Planned), slices.Clone(in.Planned)
	}
	s.out = Decide(in)
	s.check(in)
	if s.out.Writes(in.Group.Mode) {
		left := written
		for i, e := range s.in.Standing.Entries {
			path := s.out.Next.Decision.PathFor(s.in.Group.Step(e.Unit))
			if slices.Contains(s.out.Next.Contended, e.Entry) || e.On(path) {
				continue
			}
			if left--; left < 0 {
				break
			}
			s.in.Standing.Entries[i] = standingAt(s.entry(e.Entry), e.Unit, hopOf(path))
		}
		s.out.Next.WroteAt = in.Now
	}
	s.in = again(s.in, s.out)
	s.plan()
}

func (s *story) entry(key EntryKey) Entry {
	for _, unit := range s.in.Group.Units {
		for _, e := range unit.Entries {
			if e.EntryKey == key {
				return e
			}
		}
	}
	panic("no entry " + key.String())
}

// check holds after every run.
func (s *story) check(in Input) {
	before, after, out := in.Record, s.out.Next, s.out
	f := before.Failback
	if out.Decision.Action == Undo && !out.WouldBe && (after.Decision.Epoch != before.Decision.Epoch || after.Decision.Epoch != f.Epoch) {
		s.t.Fatalf("%s has epoch %d after %d", describe(out), after.Decision.Epoch, before.Decision.Epoch)
	}
	if out.Failback.Accepted && in.Failback.Kind == FailbackAdvance && (f.Over != "" || !after.Failback.Open()) {
		s.t.Fatalf("a failback that is over advances: %+v", after.Failback)
	}
	raised := before.failbackMoving() && after.Decision.Epoch == before.Decision.Epoch && after.Decision.To == before.Decision.To && after.Decision.Extent > before.Decision.Extent
	asked := slices.Contains([]Reason{ReasonForcedSwitch, ReasonManualSwitch, ReasonManualToWorking}, out.Decision.Reason)
	if raised && after.Failback.Over != "" && !asked {
		d := &decider{in: in}
		if d.classOf(f.From) >= d.classOf(f.To) {
			s.t.Fatalf("%s although the authority is over (%s) and %s is no worse", describe(out), after.Failback.Over, f.From)
		}
	}
	if raised && after.Failback.Over == "" && !out.Failback.Accepted {
		s.t.Fatalf("%s, and no task asked for it", describe(out))
	}
	if f.End != "" && f.ID == after.Failback.ID && f.End != after.Failback.End {
		s.t.Fatalf("it ended %s, and now %s", f.End, after.Failback.End)
	}
	if after.Failback.Open() && after.Failback.Until.After(in.Now.Add(maxAuthority)) {
		s.t.Fatalf("its authority lasts until %s", after.Failback.Until)
	}
	for u := range in.Group.Units {
		if path := in.path(after.Decision.PathFor(in.Group.Step(u))); out.Writes(Enforce) && out.Decision.Reason != ReasonForcedSwitch && path.State == health.Down && in.anyEligible(path.Path) {
			s.t.Fatalf("%s writes unit %d towards %s, which is Down", describe(out), u, path.Path)
		}
	}
}

// happens lets something happen.
func (s *story) happens() {
	t := s.t
	path := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "path")
	s.ids++
	request := Request{ID: fmt.Sprint("r", s.ids), Path: path, At: s.in.Now, Extent: rapid.IntRange(0, s.in.Group.Steps()).Draw(t, "units moved")}
	switch rapid.SampledFrom([]string{"health", "health", "freeze", "thaw", "force", "manual", "working", "lockout", "abort", "clear", "hand", "adopt"}).Draw(t, "what") {
	case "health":
		s.set(path, rapid.SampledFrom([]health.State{health.Up, health.Up, health.Up, health.Degraded, health.Down, health.Unknown}).Draw(t, "state"))
		return
	case "freeze":
		s.in.Freeze = FreezeState{On: true, Immediate: rapid.Bool().Draw(t, "immediate")}
		return
	case "thaw":
		s.in.Freeze = FreezeState{}
		return
	case "clear":
		s.in.Requests = nil
		return
	case "hand":
		i := rapid.IntRange(0, len(s.in.Standing.Entries)-1).Draw(t, "entry")
		e := s.in.Standing.Entries[i]
		s.in.Standing.Entries[i] = standingAt(s.entry(e.Entry), e.Unit, hopOf(path))
		s.plan()
		return
	case "force":
		request.Kind = ForcedSwitch
	case "manual":
		request.Kind = ManualSwitch
	case "working":
		request.Kind = ManualSwitchToWorking
	case "lockout":
		s.set(path, health.AdminDown)
		return
	case "abort":
		request.Kind = FailbackAbort
	case "adopt":
		request.Kind = AdoptAnew
	}
	s.in.ask(request)
}

func (s *story) set(path string, state health.State) {
	s.in.set(path, state)
	s.in.path(path).Since = s.in.Now
	s.in.path(path).Memory.Since = s.in.Now
}

// acts lets the workflow do something, or nothing.
func (s *story) acts() *FailbackStep {
	t := s.t
	f := s.in.Record.Failback
	step := &FailbackStep{ID: f.ID, By: "alice", Plan: f.Plan, Approver: "bob", Extent: rapid.IntRange(0, s.in.Group.Steps()).Draw(t, "extent")}
	if f.Epoch == 0 && rapid.Bool().Draw(t, "canary") {
		step.Extent = 1
	}
	step.Kind = rapid.SampledFrom([]FailbackKind{"", "", FailbackOpen, FailbackAsk, FailbackAdvance, FailbackAdvance, FailbackAdvance, FailbackBeat, FailbackUndo, FailbackClose}).Draw(t, "task")
	switch {
	case step.Kind == "":
		return nil
	case step.Kind == FailbackOpen && !f.Open():
		s.ids++
		step.ID = s.id()
	case rapid.IntRange(0, 9).Draw(t, "of another") == 0:
		step.ID = "other"
	}
	return step
}

// passes lets time go by.
func (s *story) passes(d time.Duration) {
	s.in = at(s.in, s.in.Now.Add(d))
}

// lives lets things happen for a while. It ends with a failback, mostly.
func (s *story) lives() {
	for range rapid.IntRange(1, 12).Draw(s.t, "runs") {
		if rapid.IntRange(0, 3).Draw(s.t, "happens") == 0 {
			s.happens()
		}
		s.passes(time.Duration(rapid.SampledFrom([]int{0, 1, 11, 30, 60, 400}).Draw(s.t, "seconds")) * time.Second)
		written := 9
		if rapid.IntRange(0, 4).Draw(s.t, "dies") == 0 {
			written = rapid.IntRange(0, 3).Draw(s.t, "writes made")
		}
		s.run(s.acts(), written)
	}
}

// begins opens a failback, shows its plan and moves some units of it, as they ask.
func (s *story) begins() {
	s.ids++
	for _, step := range []FailbackStep{{Kind: FailbackOpen}, {Kind: FailbackAsk}} {
		step.ID = s.id()
		s.run(&step, 9)
	}
	for extent := range rapid.IntRange(0, s.in.Group.Steps()).Draw(s.t, "moved before") {
		s.passes(settle + time.Second)
		s.run(nil, 9)
		s.run(&FailbackStep{ID: s.in.Record.Failback.ID, Kind: FailbackAdvance, Plan: s.in.Record.Failback.Plan, Extent: extent + 1, Approver: "bob"}, 9)
	}
}

// Whatever happened to a failback and to its workflow: once the network and the people
// stand still, its authority is over and two sweep periods have gone by, it has come to
// one of its ends, and the tables say so.
func TestPropertyAFailbackComesToAnEnd(t *testing.T) {
	ends := map[FailbackEnd]int{}
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		s.begins()
		if s.in.Record.Failback.Epoch != 0 {
			moved++
		}
		s.lives()
		if rapid.IntRange(0, 4).Draw(t, "frozen at last") == 0 {
			s.in.Freeze = FreezeState{On: true, Immediate: true}
		}
		if f := s.in.Record.Failback; f.Open() && f.Until.After(s.in.Now) {
			s.passes(f.Until.Sub(s.in.Now))
		}
		for range 3 {
			s.run(nil, 9)
			s.passes(time.Minute)
		}
		s.run(nil, 9)
		rec := s.in.Record
		end := rec.FailbackEnd()
		if rec.Failback.ID == "" {
			return
		}
		ends[end]++
		if rec.Failback.Open() || end == "" {
			t.Fatalf("after the sweeps it is %+v, with %s", rec.Failback, describe(s.out))
		}
		if end == EndHeldPartial && !s.in.Freeze.On {
			t.Fatalf("it is held-partial without a freeze: %+v", rec.Failback)
		}
		if rec.Decision.Epoch == rec.Failback.Epoch && (end == EndRestored || end == EndAsBefore) {
			on := map[FailbackEnd]string{EndRestored: rec.Failback.To, EndAsBefore: rec.Failback.From}[end]
			for _, e := range s.in.Standing.Entries {
				if !e.On(on) && !slices.Contains(rec.Contended, e.Entry) && !s.in.Freeze.On {
					t.Fatalf("it is %s, and %s stands on %v", end, e.Entry, e.Paths)
				}
			}
		}
	})
	t.Logf("the ends: %v, %d had moved something", ends, moved)
	for _, end := range []FailbackEnd{EndRestored, EndAsBefore, EndSuperseded} { // The fourth is rare.
		if ends[end] == 0 {
			t.Errorf("no story ended %s: %v, %d moved", end, ends, moved)
		}
	}
}

// While a failback is open and nothing happens, a sweep changes nothing and writes
// nothing, at whatever extent, before the authority is over.
func TestPropertyASweepLeavesAnOpenFailbackAlone(t *testing.T) {
	open := 0
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t)
		s.begins()
		for range 2 { // The last step settles.
			s.passes(settle + time.Second)
			s.run(nil, 9)
		}
		f := s.in.Record.Failback
		if !f.Open() {
			t.Fatalf("nothing happened, and it is over: %+v", f)
		}
		if f.Epoch != 0 {
			open++
		}
		for range 5 {
			left := f.Until.Sub(s.in.Now) - time.Second
			s.passes(min(left, time.Duration(rapid.IntRange(0, 60).Draw(t, "seconds"))*time.Second))
			out := Decide(s.in)
			if !out.Next.Equal(s.in.Record) || out.Writes(Enforce) || out.Starts || out.Decision.Action != Stay || out.Decision.Reason != ReasonFailback {
				t.Fatalf("%s: %+v\nafter %+v", describe(out), out.Next, s.in.Record)
			}
			if out.Deadline.After(f.Until) || out.Deadline.IsZero() {
				t.Fatalf("the next look is at %s, and the authority ends at %s", out.Deadline, f.Until)
			}
		}
	})
	if open == 0 {
		t.Error("no failback had moved anything")
	}
}
