package protection

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// The transition table of linear protection switching, written by hand from the
// priority list of the domain. The rows are in transitions_rows_test.go: for
// every state of a record, and everything that can happen in it, what Decide
// must say. Paths are A (working), B and C; the group has three units.
//
// "Active" is the path in use, "standby" the first other path. A row reads
//
//	what happens | To Extent Action Reason [would-be] | request reason, …
//
// where the last field lists the requests that end, and why. The row "anything"
// stands for all that have none of their own.

// transitionState is a state of the record, with the input that goes with it.
type transitionState struct {
	name string
	make func() Input
	rows string
}

func transitionStates() []transitionState {
	return []transitionState{
		{"normal on working", func() Input { return settledOn("A") }, rowsNormal},
		{"on protecting, do-not-revert", func() Input { return settledOn("B") }, rowsDoNotRevert},
		{"on protecting, wait-to-restore", func() Input {
			in := settledOn("B")
			in.Group.Revertive = true
			in.setUpSince("A", 4*time.Minute)
			return in
		}, rowsWaitToRestore},
		{"forced on protecting", func() Input {
			in := settledOn("B")
			in.ask(Request{ID: "force-0", Kind: ForcedSwitch, Path: "B", At: noon.Add(-2 * time.Hour)})
			return in
		}, rowsForcedProtecting},
		{"forced on working", func() Input {
			in := settledOn("A")
			in.ask(Request{ID: "force-0", Kind: ForcedSwitch, Path: "A", At: noon.Add(-2 * time.Hour)})
			return in
		}, rowsForcedWorking},
		{"manual on protecting", func() Input {
			in := settledOn("B")
			in.ask(Request{ID: "manual-0", Kind: ManualSwitch, Path: "B", At: noon.Add(-2 * time.Hour)})
			return in
		}, rowsManual},
		{"failback to working, extent 1 of 3", func() Input {
			in := settledOn("A")
			in.Record = settledRecord("B", "A", 1)
			in.Record.Paths = memories(in)
			in.Standing = standingOn(in.Group, in.Standing.StartedAt, "A", "B", "B")
			return in
		}, rowsPartial},
		{"held, no usable path", func() Input {
			in := settledOn("A")
			in.setAll(health.Down)
			return in
		}, rowsNoUsablePath},
		{"held, mass failure", func() Input {
			in := settledOn("A")
			in.set("A", health.Down)
			in.Record.MassFailureAt = noon.Add(-time.Minute)
			in.Budget.Remaining = 0
			return in
		}, rowsMassFailure},
		{"no record", func() Input {
			in := settledOn("A")
			in.Record = Record{}
			return in
		}, rowsNoRecord},
		{"a record from observe enters enforce", func() Input {
			in := settledOn("B")
			in.Record.Mode = Observe
			in.Record.Settled = false
			return in
		}, rowsEntersEnforce},
	}
}

// transitionInput is something that happens.
type transitionInput struct {
	name string
	do   func(*Input)
}

func forceTo(path string) func(*Input) {
	return func(in *Input) {
		in.ask(Request{ID: "force-1", Kind: ForcedSwitch, Path: path, At: noon.Add(-time.Second)})
	}
}

func manualTo(path string) func(*Input) {
	return func(in *Input) {
		in.ask(Request{ID: "manual-1", Kind: ManualSwitch, Path: path, At: noon.Add(-time.Second)})
	}
}

func also(steps ...func(*Input)) func(*Input) {
	return func(in *Input) {
		for _, step := range steps {
			step(in)
		}
	}
}

func becomes(path string, state health.State) func(*Input) {
	return func(in *Input) { in.set(path, state) }
}

func active(state health.State) func(*Input) {
	return func(in *Input) { in.set(in.active(), state) }
}

func standby(state health.State) func(*Input) {
	return func(in *Input) { in.set(in.standby(), state) }
}

func forceIgnoring(age time.Duration) func(*Input) {
	return func(in *Input) {
		in.set("C", health.Down)
		in.ask(Request{ID: "force-1", Kind: ForcedSwitch, Path: "C", IgnoreHealth: true, At: noon.Add(-age)})
	}
}

// list makes the first entry's destination a prefix list of version 7, or the
// given one, and 0 one that could not be read.
func list(version int64) func(*Input) {
	return func(in *Input) {
		key := &in.Group.Units[0].Entries[0].EntryKey
		key.Destination = route.MustDestination(testList)
		in.Standing.Entries[0].Entry, in.Standing.Entries[0].ListVersion = *key, version
		if version == 0 {
			in.Standing.Entries[0].Blocked = BlockUnreadable
		}
		for i := range in.Requests {
			in.Requests[i].Lists = []ListVersion{{ID: key.Destination.List(), Version: 7}}
		}
	}
}

func askAdopt(in *Input) { in.ask(Request{ID: "adopt-1", Kind: AdoptAnew, At: noon}) }

func budgetGone(in *Input) { in.Budget.Remaining = 0 }

func transitionInputs() []transitionInput {
	return []transitionInput{
		{"nothing", func(*Input) {}},
		{"active Down", active(health.Down)},
		{"active Degraded", active(health.Degraded)},
		{"active Degraded, switch on degrade", also(active(health.Degraded), func(in *Input) { in.Group.SwitchOnDegrade = true })},
		{"active Unknown", active(health.Unknown)},
		{"active locked out", active(health.AdminDown)},
		{"standby Down", standby(health.Down)},
		{"standby Up", func(in *Input) { in.setUpSince(in.standby(), 0) }},
		{"all Down", func(in *Input) { in.setAll(health.Down) }},
		{"all Unknown", func(in *Input) { in.setAll(health.Unknown) }},
		{"force to A", forceTo("A")},
		{"force to B", forceTo("B")},
		{"force to C", forceTo("C")},
		{"force to C, Down", also(becomes("C", health.Down), forceTo("C"))},
		{"force to C, Down, ignoring health", forceIgnoring(time.Hour - time.Second)},
		{"force to C, Down, ignoring health expired", forceIgnoring(time.Hour)},
		{"force to C, Unknown", also(becomes("C", health.Unknown), forceTo("C"))},
		{"requests cleared", func(in *Input) { in.Requests = nil }},
		{"manual to C", manualTo("C")},
		{"manual to C, Down", also(becomes("C", health.Down), manualTo("C"))},
		{"manual to C, Degraded", also(becomes("C", health.Degraded), manualTo("C"))},
		{"manual to C, suppressed", also(becomes("C", health.Up), func(in *Input) { in.suppress("C") }, manualTo("C"))},
		{"manual to working", func(in *Input) {
			in.ask(Request{ID: "back-1", Kind: ManualSwitchToWorking, At: noon.Add(-time.Second)})
		}},
		{"working Up for 9m59s", func(in *Input) { in.setUpSince("A", 10*time.Minute-time.Second) }},
		{"working Up for 10m", func(in *Input) { in.setUpSince("A", 10*time.Minute) }},
		{"active Down, standby suppressed", also(active(health.Down), standby(health.Up), func(in *Input) { in.suppress(in.standby()) })},
		{"active Down, standby Down", also(active(health.Down), standby(health.Down))},
		{"active Down, budget gone, one source", also(active(health.Down), budgetGone)},
		{"active Down, budget gone, two sources", also(active(health.Down), budgetGone, func(in *Input) { in.path(in.active()).Sources = 2 })},
		{"active Down, budget gone, released", also(active(health.Down), budgetGone, func(in *Input) {
			in.Record.MassFailureAt = noon.Add(-time.Minute)
			in.Budget.ReleasedAt = noon.Add(-30 * time.Second)
		})},
		{"active Down, freeze after change", also(active(health.Down), func(in *Input) { in.Freeze.On = true })},
		{"active Down, freeze immediate", also(active(health.Down), func(in *Input) {
			in.ask(Request{ID: "freeze-1", Kind: Freeze, Immediate: true, At: noon})
		})},
		{"force to C, list as seen", also(becomes("C", health.Up), forceTo("C"), list(7))},
		{"force to C, list changed", also(becomes("C", health.Up), forceTo("C"), list(8))},
		{"force to C, list unreadable", also(becomes("C", health.Up), forceTo("C"), list(0))},
		{"force to B, list changed", also(becomes("B", health.Up), forceTo("B"), list(8))},
		{"manual to C, list as seen", also(becomes("C", health.Up), manualTo("C"), list(7))},
		{"manual to C, list changed", also(becomes("C", health.Up), manualTo("C"), list(8))},
		{"manual to C, list unreadable", also(becomes("C", health.Up), manualTo("C"), list(0))},
		{"adopt", askAdopt},
		{"adopt, active Down", also(active(health.Down), askAdopt)},
		{"adopt, freeze immediate", also(askAdopt, func(in *Input) { in.Freeze = FreezeState{On: true, Immediate: true} })},
		{"adopt, reading incomplete", also(askAdopt, func(in *Input) { in.Standing.Complete = false })},
	}
}

// describe prints an output the way a row is written.
func describe(out Output) string {
	d := out.Decision
	text := fmt.Sprintf("%s %d %s %s", cmp.Or(d.To, "-"), d.Extent, d.Action, d.Reason)
	if out.WouldBe {
		text += " would-be"
	}
	var ended []string
	for _, e := range out.Ended {
		ended = append(ended, e.Request.ID+" "+string(e.Reason))
	}
	return text + " | " + strings.Join(ended, ", ")
}

// parseRows reads a state's rows into a map from what happens to what follows.
func parseRows(t *testing.T, rows string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(rows) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		input, want, ok := strings.Cut(line, "|")
		if !ok {
			t.Fatalf("row %q has no column of results", line)
		}
		input = strings.TrimSpace(input)
		if _, twice := out[input]; twice {
			t.Errorf("row %q is there twice", input)
		}
		decision, ended, _ := strings.Cut(want, "|")
		out[input] = strings.TrimSpace(decision) + " | " + strings.TrimSpace(ended)
	}
	return out
}

func TestTransitionTable(t *testing.T) {
	for _, state := range transitionStates() {
		rows := parseRows(t, state.rows)
		for _, input := range transitionInputs() {
			t.Run(state.name+"/"+input.name, func(t *testing.T) {
				want, ok := rows[input.name]
				if !ok {
					want, ok = rows["anything"]
				}
				if !ok {
					t.Fatal("the table has no row for this state and input")
				}
				in := state.make()
				input.do(&in)
				out := Decide(in)
				if got := describe(out); got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
				checkCell(t, in, out)
			})
		}
	}
}

// checkCell holds in every cell: the epoch rises with a move and an adoption
// and with nothing else, only what is committed reaches the record, and a
// request that is not reported as ended is not one that cannot stand.
func checkCell(t *testing.T, in Input, out Output) {
	t.Helper()
	wantEpoch := in.Record.Decision.Epoch
	if a := out.Decision.Action; a == Move || a == Adopt {
		wantEpoch = noon.UnixMilli()
	}
	if out.Decision.Epoch != wantEpoch {
		t.Errorf("epoch is %d after %s, want %d", out.Decision.Epoch, out.Decision.Action, wantEpoch)
	}
	committed := !out.WouldBe && slices.Contains([]Action{Move, Step, Adopt}, out.Decision.Action)
	switch {
	case committed && out.Next.Decision != out.Decision:
		t.Errorf("record keeps %+v, want the decision %+v", out.Next.Decision, out.Decision)
	case committed && out.Next.Settled:
		t.Error("the record is settled before any reading showed the new decision")
	case !committed && out.Next.Decision != in.Record.Decision:
		t.Errorf("record keeps %+v, want it unchanged %+v", out.Next.Decision, in.Record.Decision)
	}
	if starts := committed && out.Decision.Action == Move; out.Starts != starts {
		t.Errorf("Starts is %t for %s", out.Starts, out.Decision.Action)
	}
	if out.Decision.Group != in.Group.Name {
		t.Errorf("the decision is for group %q", out.Decision.Group)
	}
	if out.Decision.Action == Adopt && out.Writes(Enforce) {
		t.Error("the run that adopts writes")
	}
}

func TestTransitionTableHasEveryPair(t *testing.T) {
	names := map[string]bool{}
	for _, input := range transitionInputs() {
		if names[input.name] {
			t.Errorf("input %q is there twice", input.name)
		}
		names[input.name] = true
	}
	for _, state := range transitionStates() {
		rows := parseRows(t, state.rows)
		_, all := rows["anything"]
		delete(rows, "anything")
		for name := range names {
			if _, ok := rows[name]; !ok && !all {
				t.Errorf("%s: no row for %q", state.name, name)
			}
		}
		for name := range rows {
			if !names[name] {
				t.Errorf("%s: a row for %q, which never happens", state.name, name)
			}
		}
	}
}
