package protection

import (
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/health"
)

// The transition table of a failback: for every state of it, and everything that can
// happen in it, what Decide must say. The group is that of transitions_test.go, three
// units and the paths A (working), B and C; it was on B, and fails back to A. The rows
// are in failback_rows_test.go, and read
//
//	what happens | To Extent Action Reason [would-be] | authority, end | answer | request reason, …
//
// The authority is "open" or the reason for its end; "frozen" behind it says that an
// immediate freeze holds the group in the middle. The answer is that to the step, where
// one is the input.

const failbackID = "failback-berlin-1"

// shownSteps are the digests of the steps in the plan that was shown.
func shownSteps() []string { return []string{"s1", "s2", "s3"} }

// failbackOf is an input in which a failback from B to A was opened five minutes ago.
func failbackOf() Input {
	in := settledOn("B")
	in.Group.Failback = FailbackSettings{Stability: 10 * time.Minute}
	in.Record.Steps = 3
	in.Record.Failback = Failback{
		ID: failbackID, By: "alice", Base: oldEpoch, From: "B", To: "A",
		At: noon.Add(-5 * time.Minute), Until: noon.Add(time.Minute),
	}
	in.Planned = shownSteps()
	return in
}

// asked is failbackOf with a plan that was shown.
func asked() Input {
	in := failbackOf()
	in.Record.Failback.Plan, in.Record.Failback.Steps, in.Record.Failback.Token = "shown", shownSteps(), "token"
	return in
}

// movedTo is asked after so many units have moved.
func movedTo(extent int) Input {
	in := asked()
	f := in.Record.Failback
	in.Record = settledRecord("B", "A", extent)
	in.Record.Decision.Epoch, in.Record.Decision.Reason = oldEpoch+1, ReasonFailback
	in.Record.Paths, in.Record.Steps = memories(in), 3
	f.Epoch, f.Approved, f.ApprovedAt, f.Token = oldEpoch+1, "bob", noon.Add(-2*time.Minute), ""
	in.Record.Failback = f
	in.stands(slices.Concat(slices.Repeat([]string{"A"}, extent), slices.Repeat([]string{"B"}, 3-extent))...)
	for n := range extent {
		in.Planned[n] = "nothing"
	}
	return in
}

// failbackStates are the states of a failback.
func failbackStates() []transitionState {
	over := func(in Input, why Reason) Input {
		in.Record.Failback.Over, in.Record.Failback.OverAt = why, noon.Add(-time.Second)
		return in
	}
	return []transitionState{
		{"none", func() Input {
			in := failbackOf()
			in.Record.Failback = Failback{}
			return in
		}, rowsFailbackNone},
		{"open", failbackOf, rowsFailbackOpen},
		{"asked", asked, rowsFailbackAsked},
		{"rejected", func() Input {
			in := over(asked(), ReasonRejected)
			in.Record.Failback.Token, in.Record.Failback.End = "", EndAsBefore
			return in
		}, rowsFailbackRejected},
		{"one of three", func() Input { return movedTo(1) }, rowsFailbackCanary},
		{"two of three, being written", func() Input {
			in := movedTo(2)
			in.Record.Settled, in.Record.WroteAt = false, noon.Add(-time.Second)
			in.stands("A", "B", "B")
			in.Planned = []string{"nothing", "s2", "s3"}
			return in
		}, rowsFailbackWriting},
		{"all", func() Input { return movedTo(3) }, rowsFailbackAll},
		{"all, being written", func() Input {
			in := movedTo(3)
			in.Record.Settled, in.Record.WroteAt = false, noon.Add(-time.Second)
			in.stands("A", "A", "B")
			return in
		}, rowsFailbackAllWriting},
		{"being undone", func() Input {
			in := over(movedTo(2), ReasonVerifyFailed)
			in.Record.Decision.From, in.Record.Decision.To, in.Record.Decision.Extent = "A", "B", 3
			in.Record.Decision.Action, in.Record.Decision.Reason = Undo, ReasonVerifyFailed
			in.Record.Settled, in.Record.WroteAt = false, noon.Add(-time.Second)
			in.stands("B", "A", "B")
			return in
		}, rowsFailbackUndoing},
		{"frozen in the middle", func() Input {
			in := over(movedTo(2), ReasonFrozen)
			in.Record.Failback.Frozen = true
			in.Freeze = FreezeState{On: true, Immediate: true}
			return in
		}, rowsFailbackFrozen},
		{"restored", func() Input {
			in := over(movedTo(3), ReasonDone)
			in.Record.Failback.Kept, in.Record.Failback.End = true, EndRestored
			return in
		}, rowsFailbackRestored},
	}
}

// step is a word of the workflow as the input.
func step(s FailbackStep) func(*Input) {
	return func(in *Input) {
		if s.ID == "" {
			s.ID = failbackID
		}
		in.Failback = &s
	}
}

func advanceTo(extent int) func(*Input) {
	return step(FailbackStep{Kind: FailbackAdvance, Extent: extent, Plan: "shown", Approver: "bob"})
}

// next advances by one unit.
func next(in *Input) {
	extent := 1
	if in.Record.Failback.Epoch != 0 {
		extent = min(3, in.Record.Decision.Extent+1)
	}
	advanceTo(extent)(in)
}

func shows() func(*Input) {
	return step(FailbackStep{Kind: FailbackAsk, Plan: "shown", Steps: shownSteps(), Token: "token-2", For: time.Hour})
}

func frozen(immediate bool) func(*Input) {
	return func(in *Input) { in.Freeze = FreezeState{On: true, Immediate: immediate} }
}

func late(in *Input) {
	if in.Record.Failback.ID != "" {
		in.Now = in.Record.Failback.Until
	}
}

// seenBefore makes the run the second that sees the tables as they are.
func seenBefore(paths ...string) func(*Input) {
	return func(in *Input) {
		in.stands(paths...)
		d := &decider{in: *in, out: Output{Next: in.Record}}
		in.Record.Sighting = d.sight()
		if !in.Record.Sighting.At.IsZero() {
			in.Record.Sighting.At = noon.Add(-time.Minute)
		}
	}
}

// byHand puts all routes on a path, as a person would.
func byHand(path string) func(*Input) { return seenBefore(path, path, path) }

func twoUnitsMore(in *Input) {
	from := in.Group
	in.Group = testGroup(5, "A", "B", "C")
	in.Group.Mode, in.Group.Failback, in.Group.Revertive = from.Mode, from.Failback, from.Revertive
	standing := in.Standing
	in.stands("B", "B", "B", "B", "B")
	copy(in.Standing.Entries, standing.Entries)
	in.Planned = append(in.Planned, "s4", "s5")
}

func withoutPath(name string) func(*Input) {
	return func(in *Input) {
		in.Group.Paths = slices.DeleteFunc(in.Group.Paths, func(p Path) bool { return p.Name == name })
		in.Health = slices.DeleteFunc(in.Health, func(h PathHealth) bool { return h.Path == name })
		for i := range in.Standing.Entries {
			e := &in.Standing.Entries[i]
			e.Paths = slices.DeleteFunc(e.Paths, func(p string) bool { return p == name })
			e.Foreign = len(e.Paths) == 0
		}
	}
}

func notProven(in *Input) {
	for i := range in.Standing.Entries {
		e := &in.Standing.Entries[i]
		e.Learning = []string{"A"}
		e.NotReady = []NotReady{{Path: "A", Why: ReasonRouteNotLearned}}
	}
}

func stateful(in *Input) {
	in.Group.Stateful = true
	in.Record.Steps, in.Planned = 1, in.Planned[:1]
	f := &in.Record.Failback
	f.Steps = f.Steps[:min(1, len(f.Steps))]
	if in.Record.Decision.Extent > 0 {
		in.Record.Decision.Extent = 1
	}
}

func manualAt(path string, at time.Time) func(*Input) {
	return func(in *Input) { in.ask(Request{ID: "manual-1", Kind: ManualSwitch, Path: path, At: at}) }
}

func revertive(in *Input) { in.Group.Revertive = true }

// failbackInputs is everything that can happen.
func failbackInputs() []transitionInput {
	newer, older := noon.Add(-time.Second), noon.Add(-time.Hour)
	return []transitionInput{
		{"a sweep", func(*Input) {}},
		{"open", step(FailbackStep{Kind: FailbackOpen, By: "alice"})},
		{"open by another", step(FailbackStep{ID: "other", Kind: FailbackOpen, By: "carol"})},
		{"ask", shows()},
		{"beat", step(FailbackStep{Kind: FailbackBeat})},
		{"beat of another", step(FailbackStep{ID: "other", Kind: FailbackBeat})},
		{"advance", next},
		{"advance, same step", func(in *Input) { advanceTo(max(1, in.Record.Decision.Extent))(in) }},
		{"advance of another", func(in *Input) { next(in); in.Failback.ID = "other" }},
		{"advance, another plan approved", func(in *Input) { next(in); in.Failback.Plan = "another" }},
		{"advance, plan changed", also(next, func(in *Input) { in.Planned[len(in.Planned)-1] = "changed" })},
		{"advance, list changed", also(next, func(in *Input) {
			in.Record.Failback.Lists = []ListVersion{{ID: testList, Version: 7}}
			list(8)(in)
		})},
		{"advance, list unreadable", also(next, func(in *Input) {
			in.Record.Failback.Lists = []ListVersion{{ID: testList, Version: 7}}
			list(0)(in)
		})},
		{"advance, reading incomplete", also(next, func(in *Input) { in.Standing.Complete = false })},
		{"advance, target Degraded", also(becomes("A", health.Degraded), next)},
		{"advance, target Unknown", also(becomes("A", health.Unknown), next)},
		{"advance, target suppressed", also(func(in *Input) { in.suppress("A") }, next)},
		{"advance, evidence down", also(func(in *Input) { in.path("A").Evidence = health.Down }, next)},
		{"advance, target Up for 9m", also(func(in *Input) { in.setUpSince("A", 9*time.Minute) }, next)},
		{"advance, routes of target unproven", also(notProven, next)},
		{"advance, unproven", also(func(in *Input) { in.Record.Failback.Unproven, in.Record.Decision.Unproven = true, true }, notProven, next)},
		{"advance, stateful", also(stateful, next)},
		{"advance after silence", also(next, late)},
		{"advance under a freeze", also(next, frozen(false))},
		{"undo", step(FailbackStep{Kind: FailbackUndo, Reason: ReasonVerifyFailed})},
		{"undo of another", step(FailbackStep{ID: "other", Kind: FailbackUndo})},
		{"close", step(FailbackStep{Kind: FailbackClose, Reason: ReasonDone})},
		{"silence", late},
		{"silence, old path Down", also(late, becomes("B", health.Down))},
		{"silence, old path Degraded", also(late, becomes("B", health.Degraded))},
		{"silence, both Unknown", also(late, becomes("A", health.Unknown), becomes("B", health.Unknown))},
		{"silence, target Unknown", also(late, becomes("A", health.Unknown))},
		{"abort", func(in *Input) { in.ask(Request{ID: "abort-1", Kind: FailbackAbort, At: newer}) }},
		{"freeze after change", frozen(false)},
		{"freeze immediate", frozen(true)},
		{"unfreeze", func(in *Input) { in.Freeze = FreezeState{} }},
		{"target locked out", becomes("A", health.AdminDown)},
		{"old path locked out", becomes("B", health.AdminDown)},
		{"third path locked out", becomes("C", health.AdminDown)},
		{"target Down", becomes("A", health.Down)},
		{"target Down, freeze after change", also(becomes("A", health.Down), frozen(false))},
		{"target Down, budget gone", also(becomes("A", health.Down), budgetGone)},
		{"old path Down", becomes("B", health.Down)},
		{"both Down", also(becomes("A", health.Down), becomes("B", health.Down))},
		{"all Down", func(in *Input) { in.setAll(health.Down) }},
		{"target Degraded", becomes("A", health.Degraded)},
		{"target Degraded, switch on degrade", also(becomes("A", health.Degraded), func(in *Input) { in.Group.SwitchOnDegrade = true })},
		{"old path Degraded, switch on degrade", also(becomes("B", health.Degraded), func(in *Input) { in.Group.SwitchOnDegrade = true })},
		{"all Unknown", func(in *Input) { in.setAll(health.Unknown) }},
		{"force to A", forceTo("A")},
		{"force to B", forceTo("B")},
		{"force to C", forceTo("C")},
		{"force to C, refused", also(becomes("C", health.Down), forceTo("C"))},
		{"force to A, freeze after change", also(forceTo("A"), frozen(false))},
		{"force to B, freeze after change", also(forceTo("B"), frozen(false))},
		{"beat, newer manual to C", also(step(FailbackStep{Kind: FailbackBeat}), manualAt("C", newer))},
		{"advance, newer manual to C", also(next, manualAt("C", newer))},
		{"newer manual to A", manualAt("A", newer)},
		{"newer manual to B", manualAt("B", newer)},
		{"newer manual to C", manualAt("C", newer)},
		{"newer manual to C, refused", also(becomes("C", health.Down), manualAt("C", newer))},
		{"older manual to B", manualAt("B", older)},
		{"older manual to B, advance", also(manualAt("B", older), next)},
		{"manual to working", func(in *Input) { in.ask(Request{ID: "back-1", Kind: ManualSwitchToWorking, At: newer}) }},
		{"moved by hand to C", byHand("C")},
		{"moved by hand to B", byHand("B")},
		{"one route undone, seen once", func(in *Input) { in.stands("C", "B", "B") }},
		{"one route undone, seen twice", seenBefore("C", "B", "B")},
		{"a written route undone", func(in *Input) {
			in.Record.Applied, in.Record.WroteAt = []EntryKey{in.Standing.Entries[0].Entry}, noon.Add(-time.Minute)
			in.stands("C", "B", "B")
		}},
		{"one route contended", func(in *Input) {
			seenBefore("C", "B", "B")(in)
			for n := range 2 {
				in.Record.Reversals = append(in.Record.Reversals, Reversal{Entry: in.Standing.Entries[0].Entry, At: noon.Add(-time.Duration(2+n) * time.Minute)})
			}
		}},
		{"manual to working, one unit", func(in *Input) {
			in.ask(Request{ID: "back-1", Kind: ManualSwitchToWorking, Extent: 1, At: newer})
		}},
		{"adopt", askAdopt},
		{"observe mode", func(in *Input) { in.Group.Mode = Observe }},
		{"two units more", twoUnitsMore},
		{"path A removed", withoutPath("A")},
		{"path B removed", withoutPath("B")},
		{"path C removed", withoutPath("C")},
		{"revertive", revertive},
		{"revertive, silence", also(revertive, late)},
		{"mass failure", func(in *Input) { in.Record.MassFailureAt = noon.Add(-time.Minute) }},
	}
}

// describeFailback prints an output the way a row is written.
func describeFailback(in Input, out Output) string {
	f := out.Next.Failback
	authority := "-"
	switch {
	case f.Open():
		authority = "open"
	case f.ID != "":
		authority = string(f.Over)
	}
	if f.Frozen {
		authority += " frozen"
	}
	if end := out.Next.FailbackEnd(); end != "" {
		authority += ", " + string(end)
	}
	answer := ""
	if in.Failback != nil {
		answer = "refused " + string(out.Failback.Refused)
		if out.Failback.Accepted {
			answer = "accepted"
		}
		if out.Failback.Retry {
			answer += ", retry"
		}
		if !out.Failback.ReadyAt.IsZero() {
			answer += ", ready " + out.Failback.ReadyAt.Format("15:04:05")
		}
	}
	decision, ended, _ := strings.Cut(describe(out), " | ")
	return strings.Join([]string{decision, authority, answer, ended}, " | ")
}

func TestFailbackTable(t *testing.T) {
	for _, state := range failbackStates() {
		rows := map[string]string{}
		for line := range strings.Lines(state.rows) {
			input, want, ok := strings.Cut(strings.TrimSpace(line), "|")
			if input = strings.TrimSpace(input); input == "" {
				continue
			}
			if _, twice := rows[input]; !ok || twice {
				t.Errorf("%s: row %q has no columns, or is there twice", state.name, input)
			}
			rows[input] = want
		}
		for _, input := range failbackInputs() {
			t.Run(state.name+"/"+input.name, func(t *testing.T) {
				in := state.make()
				input.do(&in)
				out := Decide(in)
				want, own := rows[input.name]
				if !own {
					want = rows["anything else"]
				}
				if got := describeFailback(in, out); got != columns(want) {
					t.Errorf("\n got %s\nwant %s", got, columns(want))
				}
				delete(rows, input.name)
				checkFailbackCell(t, in, out)
			})
		}
		delete(rows, "anything else")
		for name := range rows {
			t.Errorf("%s: a row for %q, which never happens", state.name, name)
		}
	}
}

// columns brings a row into the form of describeFailback.
func columns(row string) string {
	out := strings.Split(row, "|")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	for len(out) < 4 {
		out = append(out, "")
	}
	return strings.Join(out, " | ")
}

// checkFailbackCell holds in every cell.
func checkFailbackCell(t *testing.T, in Input, out Output) {
	t.Helper()
	before, after := in.Record.Failback, out.Next.Failback
	cur, next := in.Record.Decision, out.Next.Decision
	wantEpoch := cur.Epoch
	if a := out.Decision.Action; a == Move || a == Adopt {
		wantEpoch = max(cur.Epoch+1, in.Now.UnixMilli())
	}
	if out.Decision.Epoch != wantEpoch {
		t.Errorf("epoch is %d after %s, want %d", out.Decision.Epoch, out.Decision.Action, wantEpoch)
	}
	if before.ID == after.ID && before.Over != "" && after.Over != before.Over {
		t.Errorf("the reason for the end changed from %s to %s", before.Over, after.Over)
	}
	if before.ID == after.ID && before.Over != "" && (!after.Until.Equal(before.Until) || after.Plan != before.Plan || after.Epoch != before.Epoch) {
		t.Errorf("over, it became %+v", after)
	}
	if !after.Open() && after.Token != "" {
		t.Error("the token outlives the authority")
	}
	if in.Group.Mode == Observe && out.Writes(Observe) {
		t.Error("it writes in observe mode")
	}
	if out.Freeze.Immediate && (out.Writes(in.Group.Mode) || next != cur && next.Action != Adopt) {
		t.Error("an immediate freeze does not keep it from going on")
	}
	if out.Failback.Accepted && out.Failback.Refused != "" {
		t.Errorf("the answer is both: %+v", out.Failback)
	}
	// The same again, without the step, changes nothing any more.
	second := again(in, out)
	second.Failback = nil
	if out.Decision.Action != Adopt {
		if twice := Decide(second); twice.Next.Decision != next || twice.Next.Failback.Over != after.Over {
			t.Errorf("again: %s, then %s", describe(out), describe(twice))
		}
	}
}
