package protection

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/health"
	"detour/shared/route"
)

// learningOn is settledOn, where the routes of path A are learned. Of a group that
// stands on A every learned route shows; else each is ready.
func learningOn(path string) Input {
	in := settledOn(path)
	for u := range in.Group.Units {
		in.Group.Units[u].Entries[0].NextHops[0].NextHop = route.NextHop{Kind: route.Propagated, ID: "tgw-attach-A"}
	}
	for i := range in.Standing.Entries {
		in.learn(i, path)
	}
	return in
}

// learn has the entry stand on the path: without a static on A, and on its static
// elsewhere.
func (in *Input) learn(entry int, path string) {
	e := &in.Standing.Entries[entry]
	e.Learning = []string{"A"}
	e.NextHop, e.Paths, e.Learned = route.NextHop{}, []string{"A"}, health.RouteShown
	if path != "A" {
		e.NextHop, e.Paths, e.Learned = hopOf(path), []string{path}, health.RouteUnread
	}
}

// unready has the entries wait for proof of their route on A.
func (in *Input) unready(why Reason, entries ...int) {
	for _, i := range entries {
		in.Standing.Entries[i].NotReady = []NotReady{{Path: "A", Why: why}}
	}
}

// proving has the group in a move from B to A, whose statics were deleted some time
// before the reading.
func provingA(ago time.Duration, shown ...health.RouteState) Input {
	in := learningOn("A")
	in.Record = settledRecord("B", "A", 3)
	in.Record.Decision.Reason = ReasonManualSwitch
	in.Record.Settled, in.Record.WroteAt = false, noon.Add(-time.Minute)
	in.Record.Paths = memories(in)
	for i, state := range shown {
		in.Standing.Entries[i].Learned = state
		in.Record.Proving = append(in.Record.Proving, Proof{in.Standing.Entries[i].Entry, in.Standing.StartedAt.Add(-ago)})
	}
	return in
}

// inPortions has the first unit of a switch from B to A, whose request has ended, wait
// for its learned route; nothing proves those of the others.
func inPortions(first health.RouteState) Input {
	in := provingA(time.Second, first)
	in.learn(1, "B")
	in.learn(2, "B")
	in.Record.Decision.Extent, in.Record.Decision.Aim, in.Record.Decision.Unproven = 1, 3, true
	in.unready(ReasonNoObservation, 1, 2)
	return in
}

func ask(kind RequestKind, path string) Request {
	return Request{ID: "r", Kind: kind, Path: path, At: noon.Add(-time.Second)}
}

func unproven(r Request) Request {
	r.Unproven = true
	return r
}

func TestDecideWithLearnedRoutes(t *testing.T) {
	const shown, absent, other = health.RouteShown, health.RouteAbsent, health.RouteElsewhere
	type result struct {
		action Action
		reason Reason
		to     string
		extent int
		ended  Reason
	}
	tests := map[string]struct {
		in   func() Input
		want result
	}{
		"away from a learned route nothing is awaited": {func() Input {
			in := learningOn("A")
			in.set("A", health.Down)
			in.Standing.Entries[1].Learned = absent
			in.unready(ReasonObservationUnreadable, 0, 1, 2)
			return in
		}, result{Move, ReasonSignalFail, "B", 3, ""}},
		"back by request, proven": {func() Input {
			in := learningOn("B")
			in.Requests = []Request{ask(ManualSwitchToWorking, "")}
			return in
		}, result{Move, ReasonManualToWorking, "A", 3, ""}},
		"back by request, without an observation table": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNoObservation, 0, 1, 2)
			in.Requests = []Request{ask(ManualSwitchToWorking, "")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonNoObservation}},
		"back by request, one route missing": {func() Input {
			in := learningOn("B")
			in.unready(ReasonRouteNotLearned, 2)
			in.Requests = []Request{ask(ManualSwitch, "A")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonRouteNotLearned}},
		"back by force, not proven": {func() Input {
			in := learningOn("B")
			in.unready(ReasonObservationShared, 0)
			in.Requests = []Request{ask(ForcedSwitch, "A")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonObservationShared}},
		"the observation table is unreadable: the request waits": {func() Input {
			in := learningOn("B")
			in.unready(ReasonObservationUnreadable, 0, 1, 2)
			in.Requests = []Request{ask(ManualSwitch, "A")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ""}},
		"the propagations are unreadable: the request waits": {func() Input {
			in := learningOn("B")
			in.unready(ReasonPropagationsUnreadable, 1)
			in.Requests = []Request{ask(ManualSwitchToWorking, "")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ""}},
		"the propagations are too old to go by": {func() Input {
			in := learningOn("B")
			in.unready(ReasonPropagationsStale, 1)
			in.Requests = []Request{ask(ManualSwitch, "A")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonPropagationsStale}},
		"back by request, not propagated": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNotPropagated, 1)
			in.Requests = []Request{ask(ManualSwitch, "A")}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonNotPropagated}},
		"unproven: what is not propagated cannot come": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNoObservation, 0, 1)
			in.unready(ReasonNotPropagated, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonNotPropagated}},
		"unproven by force: what is not propagated cannot come": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNotPropagated, 0)
			in.Requests = []Request{{ID: "r", Kind: ForcedSwitch, Path: "A", IgnoreHealth: true, Unproven: true, At: noon.Add(-time.Second)}}
			return in
		}, result{Stay, ReasonDoNotRevert, "B", 3, ReasonNotPropagated}},
		"unproven: propagations that are unreadable keep nothing": {func() Input {
			in := learningOn("B")
			in.unready(ReasonPropagationsUnreadable, 0, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Move, ReasonManualSwitch, "A", 1, ""}},
		"unproven: switched off before the statics went: back": {func() Input {
			in := provingA(0)
			in.learn(0, "B")
			in.learn(1, "B")
			in.learn(2, "B")
			in.Record.Decision.Extent, in.Record.Decision.Unproven = 1, true
			in.unready(ReasonNotPropagated, 0, 1, 2)
			return in
		}, result{Move, ReasonNotPropagated, "B", 3, ""}},
		"unproven: what is switched off further on moves nothing back": {func() Input {
			in := provingA(0)
			in.learn(2, "B")
			in.Record.Decision.Extent, in.Record.Decision.Unproven = 2, true
			in.unready(ReasonNotPropagated, 2)
			in.Requests = []Request{{ID: "r", Kind: ManualSwitch, Path: "A", Extent: 2, Unproven: true, At: noon.Add(-time.Second)}}
			return in
		}, result{Stay, ReasonManualSwitch, "A", 2, ""}},
		"a revertive group waits for the propagation": {func() Input {
			in := learningOn("B")
			in.Group.Revertive = true
			in.unready(ReasonNotPropagated, 2)
			return in
		}, result{Stay, ReasonWaitToRestore, "B", 3, ""}},
		"unproven: one unit first": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNoObservation, 0, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Move, ReasonManualSwitch, "A", 1, ""}},
		"unproven: the first unit with something to prove": {func() Input {
			in := learningOn("B")
			in.unready(ReasonNoObservation, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitchToWorking, ""))}
			return in
		}, result{Move, ReasonManualToWorking, "A", 2, ""}},
		"unproven: a stateful group moves as one": {func() Input {
			in := learningOn("B")
			in.Group.Stateful = true
			in.Record = settledRecord("A", "B", 1)
			in.unready(ReasonNoObservation, 0, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Move, ReasonManualSwitch, "A", 1, ""}},
		"unproven: the rest waits for the first": {func() Input {
			in := provingA(time.Second, absent)
			in.learn(1, "B")
			in.learn(2, "B")
			in.Record.Decision.Extent, in.Record.Decision.Unproven = 1, true
			in.unready(ReasonNoObservation, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Stay, ReasonManualSwitch, "A", 1, ""}},
		"unproven: the rest follows the first": {func() Input {
			in := provingA(time.Second, shown)
			in.learn(1, "B")
			in.learn(2, "B")
			in.Record.Decision.Extent, in.Record.Decision.Unproven = 1, true
			in.unready(ReasonNoObservation, 1, 2)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			return in
		}, result{Step, ReasonManualSwitch, "A", 3, ""}},
		"unproven, the request gone: the rest follows the first": {func() Input {
			return inPortions(shown)
		}, result{Step, ReasonManualSwitch, "A", 3, ""}},
		"unproven, the request gone: the rest waits for the first": {func() Input {
			return inPortions(absent)
		}, result{Stay, ReasonNoRequest, "A", 1, ""}},
		"unproven, the request gone: no further than it asked": {func() Input {
			in := inPortions(shown)
			in.Record.Decision.Aim = 2
			return in
		}, result{Step, ReasonManualSwitch, "A", 2, ""}},
		"unproven, the request gone: nothing was left to do": {func() Input {
			in := inPortions(shown)
			in.Record.Decision.Aim = 0
			return in
		}, result{Stay, ReasonNoRequest, "A", 1, ""}},
		"unproven, the request gone: the rest waits for a target that is up": {func() Input {
			in := inPortions(shown)
			in.set("A", health.Unknown)
			return in
		}, result{Stay, ReasonSensor, "A", 1, ""}},
		"unproven, the request gone: what cannot come moves all back": {func() Input {
			in := inPortions(shown)
			in.unready(ReasonNotPropagated, 2)
			return in
		}, result{Move, ReasonNotPropagated, "B", 3, ""}},
		"unproven: the path that it comes from dies: the rest follows the first": {func() Input {
			in := inPortions(shown)
			in.Requests = []Request{unproven(ask(ManualSwitch, "A"))}
			in.set("B", health.Down)
			in.set("C", health.Down)
			return in
		}, result{Step, ReasonSignalFail, "A", 3, ReasonSignalFail}},
		"unproven: the path that it comes from dies before the first shows": {func() Input {
			in := inPortions(absent)
			in.set("B", health.Down)
			in.set("C", health.Down)
			return in
		}, result{Hold, ReasonNoUsablePath, "A", 1, ""}},
		"unproven: the path that it comes from dies, and another is up": {func() Input {
			in := inPortions(shown)
			in.set("B", health.Down)
			return in
		}, result{Move, ReasonSignalFail, "C", 3, ""}},
		"unproven, the request gone: all wait where the path that they came from is down": {func() Input {
			in := inPortions(shown)
			in.unready(ReasonNotPropagated, 2)
			in.set("B", health.AdminDown)
			in.set("C", health.Down)
			return in
		}, result{Hold, ReasonNoUsablePath, "A", 1, ""}},
		"the route is awaited": {func() Input { return provingA(LearnWait-time.Second, absent, shown, shown) }, result{Stay, ReasonNoRequest, "A", 3, ""}},
		"the route did not come: back to the static": {func() Input {
			in := provingA(LearnWait, shown, absent, shown)
			in.Requests = []Request{ask(ManualSwitch, "A")}
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ReasonRouteNotLearned}},
		"another's route came: back to the static": {func() Input { return provingA(LearnWait, other) }, result{Move, ReasonRouteNotLearned, "B", 3, ""}},
		"a force does not hold against it": {func() Input {
			in := provingA(LearnWait, absent)
			in.Requests = []Request{{ID: "r", Kind: ForcedSwitch, Path: "A", IgnoreHealth: true, Unproven: true, At: noon.Add(-time.Second)}}
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ReasonRouteNotLearned}},
		"back also to a path of which nothing is known": {func() Input {
			in := provingA(LearnWait, absent)
			in.set("B", health.Unknown)
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ""}},
		"where it came from is dead: to another": {func() Input {
			in := provingA(LearnWait, absent)
			in.set("B", health.Down)
			return in
		}, result{Move, ReasonRouteNotLearned, "C", 3, ""}},
		"a blast radius does not keep it there": {func() Input {
			in := provingA(LearnWait, absent)
			in.Budget.Remaining = 0
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ""}},
		"a freeze lets it end": {func() Input {
			in := provingA(LearnWait, absent)
			in.Freeze.On = true
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ""}},
		"what was proven at the commit and is not any more: back": {func() Input {
			in := provingA(0)
			in.learn(2, "B")
			in.unready(ReasonRouteNotLearned, 2)
			return in
		}, result{Move, ReasonRouteNotLearned, "B", 3, ""}},
		"no way left: a path that is not proven is none": {func() Input {
			in := learningOn("B")
			in.set("B", health.Down)
			in.set("C", health.Down)
			in.unready(ReasonNoObservation, 0)
			return in
		}, result{Hold, ReasonNoUsablePath, "B", 3, ""}},
		"a proven learned route saves the group": {func() Input {
			in := learningOn("B")
			in.set("B", health.Down)
			in.set("C", health.Down)
			return in
		}, result{Move, ReasonSignalFail, "A", 3, ""}},
		"what disappointed once is the last choice": {func() Input {
			in := learningOn("B")
			in.Record.Unmet = []Unmet{{"A", noon.Add(-time.Hour)}}
			in.set("B", health.Down)
			return in
		}, result{Move, ReasonSignalFail, "C", 3, ""}},
		"what disappointed once is better than nothing": {func() Input {
			in := learningOn("B")
			in.Record.Unmet = []Unmet{{"A", noon.Add(-time.Hour)}}
			in.set("B", health.Down)
			in.set("C", health.Down)
			return in
		}, result{Move, ReasonSignalFail, "A", 3, ""}},
		"a revertive group goes back, proven": {func() Input {
			in := learningOn("B")
			in.Group.Revertive = true
			return in
		}, result{Move, ReasonRestored, "A", 3, ""}},
		"a revertive group waits for proof": {func() Input {
			in := learningOn("B")
			in.Group.Revertive = true
			in.unready(ReasonNoObservation, 2)
			return in
		}, result{Stay, ReasonWaitToRestore, "B", 3, ""}},
		"a revertive group tries no second time": {func() Input {
			in := learningOn("B")
			in.Group.Revertive = true
			in.Record.Unmet = []Unmet{{"A", noon.Add(-time.Hour)}}
			return in
		}, result{Stay, ReasonWaitToRestore, "B", 3, ""}},
		"a learned route that is missing moves nothing by itself": {func() Input {
			in := learningOn("A")
			in.Standing.Entries[0].Learned = absent
			in.Standing.Entries[1].Learned = other
			return in
		}, result{Stay, ReasonNoRequest, "A", 3, ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := tt.in()
			out := Decide(in)
			got := result{out.Decision.Action, out.Decision.Reason, out.Decision.To, out.Decision.Extent, ""}
			for _, ended := range out.Ended {
				got.ended = ended.Reason
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if len(out.Next.Sighting.Undone)+len(out.Next.Reversals) > 0 {
				t.Errorf("taken for contention: %+v, %+v", out.Next.Sighting, out.Next.Reversals)
			}
		})
	}
}

func TestAnExpectationThatFailedIsRemembered(t *testing.T) {
	in := provingA(LearnWait, health.RouteAbsent)
	out := Decide(in)
	if !slices.Equal(out.Next.Unmet, []Unmet{{"A", noon}}) || out.Next.Proving != nil || out.Next.Decision.To != "B" {
		t.Fatalf("record %+v", out.Next)
	}
	if !out.Writes(Enforce) {
		t.Error("the statics are not brought back")
	}
	in = provingA(time.Second, health.RouteShown)
	in.Record.Unmet = []Unmet{{"A", noon.Add(-time.Hour)}}
	out = Decide(in)
	if len(out.Next.Unmet) > 0 || out.Next.Proving != nil || len(out.Proved) != 1 {
		t.Errorf("a route that came: unmet %v, proving %v, proved %v", out.Next.Unmet, out.Next.Proving, out.Proved)
	}
}

func TestAnImmediateFreezeLeavesTheRouteOpen(t *testing.T) {
	in := provingA(LearnWait, health.RouteAbsent)
	in.Freeze = FreezeState{On: true, Immediate: true}
	if out := Decide(in); !out.WouldBe || out.Next.Decision.To != "A" || out.Writes(Enforce) {
		t.Errorf("decision %+v is committed", out.Next.Decision)
	}
}

func TestAGroupDoesNotSettleBeforeItsRoutesShow(t *testing.T) {
	in := provingA(10*time.Second, health.RouteAbsent)
	out := Decide(in)
	if out.Next.Settled {
		t.Error("settled while a route is awaited")
	}
	if want := in.Record.Proving[0].At.Add(LearnWait); !out.Deadline.Equal(want) {
		t.Errorf("looks again at %s, want %s", out.Deadline, want)
	}
	if out := Decide(provingA(12*time.Second, health.RouteShown)); !out.Next.Settled {
		t.Error("not settled although the route shows")
	}
}

func TestAStaticThatSomebodyDeletesIsNoMoveBeforeTheRouteShows(t *testing.T) {
	for state, want := range map[health.RouteState]Reason{health.RouteShown: ReasonMovedByHand, health.RouteAbsent: ReasonDoNotRevert, health.RouteElsewhere: ReasonDoNotRevert} {
		in := learningOn("B")
		for i := range in.Standing.Entries {
			in.learn(i, "A")
			in.Standing.Entries[i].Learned = state
		}
		first := Decide(in)
		in.Record = first.Next
		in.Now = in.Now.Add(time.Minute)
		in.Standing.StartedAt = in.Standing.StartedAt.Add(time.Minute)
		if out := Decide(in); out.Decision.Reason != want {
			t.Errorf("the route behind is %q: %s, want %s", state, out.Decision.Reason, want)
		}
	}
}

func TestAForeignStaticIsNeverDeletedForALearnedRoute(t *testing.T) {
	in := provingA(0)
	in.Group.TakeOver = true
	e := &in.Standing.Entries[1]
	e.NextHop, e.Paths, e.Foreign, e.Learned = strangeHop, nil, true, health.RouteUnread
	in.unready(ReasonNoObservation, 1)
	if out := Decide(in); !out.Next.Settled || out.Decision.To != "A" {
		t.Errorf("the group waits for a static that is not its own: %+v", out.Next)
	}
}

func TestPathsThatCannotBeMovedToAreTold(t *testing.T) {
	in := learningOn("B")
	in.unready(ReasonObservationAssociated, 1)
	if out := Decide(in); !slices.Equal(out.NotReady, []NotReady{{"A", ReasonObservationAssociated}}) {
		t.Errorf("told %v", out.NotReady)
	}
	in = learningOn("A")
	in.unready(ReasonObservationAssociated, 0, 1, 2)
	if out := Decide(in); len(out.NotReady) > 0 {
		t.Errorf("a group that is there was told %v", out.NotReady)
	}
}

// TestPropertyNoUnprovenMove: without an operator who says so, no decision aims at a
// learned route that nothing proves, unless it aimed there before.
func TestPropertyNoUnprovenMove(t *testing.T) {
	states := []health.State{health.Up, health.Degraded, health.Down, health.Unknown}
	rapid.Check(t, func(t *rapid.T) {
		in := learningOn(rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "on"))
		for i := range in.Standing.Entries {
			in.learn(i, rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "stands"))
			if rapid.Bool().Draw(t, "unready") {
				in.unready(rapid.SampledFrom([]Reason{ReasonNoObservation, ReasonRouteNotLearned, ReasonObservationUnreadable, ReasonNotPropagated, ReasonPropagationsUnreadable}).Draw(t, "why"), i)
			}
		}
		for _, p := range in.Group.Paths {
			in.set(p.Name, rapid.SampledFrom(states).Draw(t, p.Name))
		}
		in.Group.Revertive = rapid.Bool().Draw(t, "revertive")
		in.Record.Settled = rapid.Bool().Draw(t, "settled")
		if rapid.Bool().Draw(t, "asked") {
			r := ask(rapid.SampledFrom([]RequestKind{ManualSwitch, ForcedSwitch, ManualSwitchToWorking}).Draw(t, "kind"), "A")
			r.Unproven = rapid.Bool().Draw(t, "unproven")
			in.Requests = []Request{r}
		}
		before, out := in.Record.Decision, Decide(in)
		next := out.Next.Decision
		asked := len(in.Requests) > 0 && in.Requests[0].Unproven
		if out.Starts && next.To == "A" && before.To != "A" && len(out.NotReady) > 0 && !asked {
			t.Fatalf("moves to A, which is not ready (%v): %+v", out.NotReady, next)
		}
		off := slices.ContainsFunc(in.Standing.Entries, func(e EntryStanding) bool { return e.ReadyFor("A") == ReasonNotPropagated })
		if out.Starts && next.To == "A" && before.To != "A" && off {
			t.Fatalf("moves to A, which does not propagate: %+v", next)
		}
		if next.Unproven && !asked && next.Epoch != before.Epoch {
			t.Fatalf("unproven without a request for it: %+v", next)
		}
	})
}

// TestASwitchInPortionsRemembersHowFarItGoes, since its request may end before the
// learned routes of its first units show.
func TestASwitchInPortionsRemembersHowFarItGoes(t *testing.T) {
	for _, tt := range []struct {
		name        string
		asked       int
		unproven    []int
		extent, aim int
	}{
		{"all", 0, []int{0, 1, 2}, 1, 3},
		{"some", 2, []int{0, 1, 2}, 1, 2},
		{"more than there are", 7, []int{0, 1, 2}, 1, 3},
		{"the portion is all that it asks for", 1, []int{0, 1, 2}, 1, 0},
		{"the portion is all that there is", 0, []int{2}, 3, 0},
		{"nothing to prove", 2, nil, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := learningOn("B")
			in.unready(ReasonNoObservation, tt.unproven...)
			request := unproven(ask(ManualSwitch, "A"))
			request.Extent = tt.asked
			in.Requests = []Request{request}
			if got := Decide(in).Next.Decision; got.Extent != tt.extent || got.Aim != tt.aim {
				t.Errorf("extent %d, aim %d; want %d, %d", got.Extent, got.Aim, tt.extent, tt.aim)
			}
		})
	}
}
