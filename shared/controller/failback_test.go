package controller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
)

const (
	firstFailback = "failback-berlin-1"
	secretToken   = "the-task-token"
)

// inUnits gives each of the group's entries a unit of its own, and the group what a
// failback needs.
func inUnits(n int) protection.Group {
	g := newGroup("berlin", n)
	entries := g.Units[0].Entries
	g.Units = nil
	for i, e := range entries {
		g.Units = append(g.Units, protection.Unit{Name: fmt.Sprintf("unit-%d", i+1), Entries: []protection.Entry{e}})
	}
	g.Failback = protection.FailbackSettings{Stability: 10 * time.Minute, Soak: time.Minute, ApprovalTimeout: time.Hour}
	return g
}

// away is a world in which the group of three units has moved to path B, and path A has
// been Up again for long enough.
func away(t testing.TB) *world {
	t.Helper()
	w := settled(t, inUnits(3))
	w.fail("berlin")
	w.reconcile("berlin")
	w.pass(settle + time.Second)
	delete(w.down, "vpn-berlinA")
	w.sweep()
	w.pass(10*time.Minute + time.Second)
	w.sweep()
	if item := w.item("berlin"); !item.Record.Settled || item.Record.Decision.To != "B" {
		t.Fatalf("the group is not away: %+v", item.Record)
	}
	w.wakes.Due(w.s.Now().Add(forAges))
	w.events = &memory.Events{}
	w.forget()
	return w
}

// task runs one task of the workflow.
func (w *world) task(step protection.FailbackStep, lookOnly bool) (protection.FailbackAnswer, controller.Report) {
	w.t.Helper()
	var reports []controller.Report
	w.await(w.startTask(step, lookOnly, &reports))
	return controller.AnswerOf(reports)
}

func (w *world) startTask(step protection.FailbackStep, lookOnly bool, reports *[]controller.Report) *sim.Process {
	if step.ID == "" {
		step.ID = firstFailback
	}
	return w.run("task "+string(step.Kind), func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		*reports = c.Failback(ctx, "berlin", step, lookOnly, step.ID)
	})
}

// sight is what a failback would be now.
func (w *world) sight() (out controller.FailbackSight) {
	w.t.Helper()
	w.await(w.run("sight", func(ctx context.Context, _ *sim.Process, c *controller.Controller) {
		s, err := c.Preview(ctx, []string{"berlin"})
		if err != nil {
			w.t.Error(err)
			return
		}
		out, _ = s.Failback("berlin", false)
	}))
	return out
}

func opens() protection.FailbackStep {
	return protection.FailbackStep{Kind: protection.FailbackOpen, By: "alice", Why: "the line is back"}
}

// asks is the task that shows what is seen.
func asks(seen controller.FailbackSight) protection.FailbackStep {
	steps := make([]string, len(seen.Steps))
	for i, step := range seen.Steps {
		steps[i] = step.Digest
	}
	return protection.FailbackStep{
		Kind: protection.FailbackAsk, Plan: seen.Digest, Steps: steps, Lists: seen.Lists, Token: secretToken, For: time.Hour + 5*time.Minute,
	}
}

func advances(seen controller.FailbackSight, extent int) protection.FailbackStep {
	return protection.FailbackStep{Kind: protection.FailbackAdvance, Extent: extent, Plan: seen.Digest, Approver: "bob"}
}

func closes() protection.FailbackStep {
	return protection.FailbackStep{Kind: protection.FailbackClose, Reason: protection.ReasonDone}
}

func undoes() protection.FailbackStep {
	return protection.FailbackStep{Kind: protection.FailbackUndo, Reason: protection.ReasonVerifyFailed}
}

// accept is task for a step that must be accepted.
func (w *world) accept(step protection.FailbackStep, lookOnly bool) controller.Report {
	w.t.Helper()
	answer, report := w.task(step, lookOnly)
	if !answer.Accepted {
		w.t.Fatalf("%s is answered %+v", step.Kind, answer)
	}
	return report
}

// approved brings a failback to where it may advance.
func approved(t testing.TB) (*world, controller.FailbackSight) {
	t.Helper()
	w := away(t)
	w.accept(opens(), true)
	seen := w.sight()
	w.accept(asks(seen), true)
	return w, seen
}

// untilEnd lets the authority run out, and two sweeps after it.
func (w *world) untilEnd() protection.FailbackEnd {
	w.t.Helper()
	if f := w.item("berlin").Record.Failback; f.Open() {
		w.s.RunUntil(f.Until)
	}
	for range 3 { // A lease may have to run out before the two sweeps.
		w.pass(time.Minute)
		w.sweep()
	}
	return w.item("berlin").Record.FailbackEnd()
}

// TestAFailbackStepByStep: each step writes its own units, sweeps in between write
// nothing, the move counts once, and the journal tells the story.
func TestAFailbackStepByStep(t *testing.T) {
	w, seen := approved(t)
	want(t, "steps in the plan", len(seen.Steps), 3)
	want(t, "what was written so far", w.seen["write"], 0)
	moves := len(w.control().Moves)
	for extent := 1; extent <= 3; extent++ {
		report := w.accept(advances(seen, extent), false)
		want(t, "the writes of a step", len(report.Receipts), 1)
		for range 2 {
			w.pass(settle + time.Second)
			w.sweep()
		}
		w.forget()
		w.pass(time.Minute)
		for _, report := range w.sweep() {
			want(t, "the status of a sweep", report.Status, controller.StatusQuiet)
			want(t, "its reason", report.Decision.Reason, protection.ReasonFailback)
		}
		calls := w.what()
		slices.Sort(calls) // Evidence and tables are read at the same time.
		want(t, "the calls of a sweep", calls, []string{"evidence", "peek", "read"})
		w.accept(protection.FailbackStep{Kind: protection.FailbackBeat}, true)
		want(t, "the entries", w.standsOn("berlin")["A"], extent)
	}
	want(t, "moves that count", len(w.control().Moves), max(1, moves))
	w.accept(closes(), true)
	record := w.item("berlin").Record
	want(t, "the end", record.FailbackEnd(), protection.EndRestored)
	want(t, "the token", record.Failback.Token, "")
	var notes []string
	for _, line := range w.history() {
		if line.Failback != "" {
			want(t, "the failback of a line", line.Failback, firstFailback)
			notes = append(notes, strings.TrimPrefix(line.Note, "failback "+firstFailback+": "))
		}
	}
	slices.Reverse(notes)
	want(t, "the journal", strings.Join(notes, "\n"), strings.Join([]string{
		"opened by alice (as claimed), because: the line is back",
		"plan " + seen.Digest + " shown",
		"plan " + seen.Digest + " approved by bob (as claimed), 1 of 3 units go to A",
		"2 of 3 units go to A",
		"3 of 3 units go to A",
		"over: done, restored",
	}, "\n"))
	want(t, "the events", w.published(), []string{
		"berlin: Switchover Started", "berlin: Switchover Completed", "berlin: Failback Over", "berlin: Failback Ended",
	})
}

func (w *world) history() []controller.JournalEntry {
	w.t.Helper()
	lines, err := w.store.History(context.Background(), controller.GroupKey("berlin"), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// TestTheTokenIsKeptToItself: who has it can approve.
func TestTheTokenIsKeptToItself(t *testing.T) {
	w, seen := approved(t)
	want(t, "the token in the record", w.item("berlin").Record.Failback.Token, secretToken)
	report := w.accept(protection.FailbackStep{Kind: protection.FailbackBeat, Token: secretToken}, true)
	for what, value := range map[string]any{"report": report, "journal": w.history(), "events": w.events.All(), "step": asks(seen)} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secretToken) {
			t.Errorf("the token is in the %s: %s", what, text)
		}
	}
}

// TestLookingOnlyWritesNothing: a task whose role cannot write leaves the writes to a
// run that it wakes at once.
func TestLookingOnlyWritesNothing(t *testing.T) {
	w, seen := approved(t)
	w.accept(advances(seen, 1), false)
	w.pass(settle + time.Second)
	w.sweep()
	w.wakes.Due(w.s.Now().Add(forAges))
	w.forget()
	report := w.accept(undoes(), true)
	want(t, "the decision", report.Decision.Action, protection.Undo)
	want(t, "the status", report.Status, controller.StatusUnfinished)
	want(t, "the writes", w.seen["write"], 0)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"A": 1, "B": 2})
	want(t, "what waits", w.waiting(), []string{"berlin 0s", "berlin 10s"}[:len(w.waiting())])
	if due := w.wakes.Due(w.s.Now()); len(due) != 1 {
		t.Fatalf("%d wake-ups are due at once", len(due))
	}
	w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
	want(t, "the end", w.untilEnd(), protection.EndAsBefore)
}

// TestLookingOnlyWithNothingToWrite arms nothing but the end of the authority.
func TestLookingOnlyWithNothingToWrite(t *testing.T) {
	w := away(t)
	report := w.accept(opens(), true)
	want(t, "the status", report.Status, controller.StatusDone)
	want(t, "what waits", w.waiting(), []string{"berlin 5m0s"})
}

// TestTwoOpenAtOnce: one of them has the failback.
func TestTwoOpenAtOnce(t *testing.T) {
	w := away(t)
	var first, second []controller.Report
	one, two := opens(), opens()
	two.ID = "failback-berlin-2"
	a, b := w.startTask(one, true, &first), w.startTask(two, true, &second)
	w.await(a)
	w.await(b)
	accepted := 0
	for _, reports := range [][]controller.Report{first, second} {
		answer, _ := controller.AnswerOf(reports)
		switch {
		case answer.Accepted:
			accepted++
		case answer.Refused != protection.ReasonBusy && answer.Refused != protection.ReasonFailbackUnderWay:
			t.Errorf("the answer is %+v", answer)
		}
	}
	want(t, "accepted", accepted, 1)
	id := w.item("berlin").Record.Failback.ID
	for _, step := range []protection.FailbackStep{one, two} {
		if step.ID == "" {
			step.ID = firstFailback
		}
		answer, _ := w.task(step, true)
		want(t, "asked again", answer.Accepted, step.ID == id)
		if step.ID != id {
			want(t, "refused", answer.Refused, protection.ReasonFailbackUnderWay)
		}
	}
}

// TestAStepThatFindsTheLeaseHeld is worth asking again.
func TestAStepThatFindsTheLeaseHeld(t *testing.T) {
	w, seen := approved(t)
	if _, _, err := w.store.Take(context.Background(), controller.GroupKey("berlin"), "other"); err != nil {
		t.Fatal(err)
	}
	answer, report := w.task(advances(seen, 1), false)
	want(t, "the status", report.Status, controller.StatusBusy)
	want(t, "retry", answer.Retry, true)
	want(t, "the reason", answer.Refused, protection.ReasonBusy)
	w.pass(lease + skew + time.Second)
	w.accept(advances(seen, 1), false)
}

// TestAnUnknownGroup is not worth asking again.
func TestAnUnknownGroup(t *testing.T) {
	answer, _ := controller.AnswerOf(nil)
	want(t, "the answer", answer.Refused, protection.ReasonUnknownGroup)
	want(t, "retry", answer.Retry, false)
}

// TestAStepFromAnOldReading: what a reading shows from before the last step is no
// reason to go on, nor to give up.
func TestAStepFromAnOldReading(t *testing.T) {
	w, seen := approved(t)
	w.accept(advances(seen, 1), false)
	w.pass(settle + time.Second)
	w.sweep()
	moved := w.groups[0].Units[0].Entries[0].EntryKey
	w.onRead = func(_ int, r *route.Reading) {
		for i := range r.Routes {
			if r.Routes[i].Destination == moved.Destination {
				r.Routes[i].NextHop = hop("berlin", "B")
			}
		}
	}
	w.forget()
	answer, _ := w.task(advances(seen, 2), false)
	want(t, "refused", answer.Refused, protection.ReasonNotSettled)
	want(t, "retry", answer.Retry, true)
	want(t, "the writes", w.seen["write"], 0)
	w.onRead = nil
	w.pass(time.Second)
	w.accept(advances(seen, 2), false)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"A": 2, "B": 1})
}

// TestAPlanFromAnOldReading is not shown: approved would be what no run writes.
func TestAPlanFromAnOldReading(t *testing.T) {
	w := away(t)
	w.accept(opens(), true)
	seen := w.sight()
	w.tables[w.groups[0].Units[2].Entries[0].EntryKey] = route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-stranger"}
	answer, _ := w.task(asks(seen), true)
	if answer.Accepted || !answer.Retry {
		t.Errorf("the answer is %+v", answer)
	}
	want(t, "the plan", w.item("berlin").Record.Failback.Plan, "")
}

// TestAnApprovalIsVoidOnceThePlanIsAnother: somebody changed a route that has yet to
// move, so what was approved is not what would be written.
func TestAnApprovalIsVoidOnceThePlanIsAnother(t *testing.T) {
	for _, moved := range []int{0, 1} {
		w, seen := approved(t)
		if moved > 0 {
			w.accept(advances(seen, moved), false)
			w.pass(settle + time.Second)
			w.sweep()
		}
		last := w.groups[0].Units[2].Entries[0].EntryKey
		w.tables[last] = route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-stranger"}
		answer, _ := w.task(advances(seen, moved+1), false)
		want(t, "refused", answer.Refused, protection.ReasonPlanChanged)
		want(t, "the end", w.untilEnd(), protection.EndAsBefore)
		want(t, "entries on B", w.standsOn("berlin")["B"], 2)
	}
}

// TestAThrottledReadingIsAskedForAgain by the task, not given up.
func TestAThrottledReadingIsAskedForAgain(t *testing.T) {
	w, seen := approved(t)
	w.onRead = func(_ int, r *route.Reading) { r.Complete, r.Problem = false, route.ProblemThrottled }
	answer, _ := w.task(advances(seen, 1), false)
	want(t, "refused", answer.Refused, protection.ReasonIncomplete)
	want(t, "retry", answer.Retry, true)
	w.onRead = nil
	w.accept(advances(seen, 1), false)
}

// TestSilenceIsHeardWithoutASweep: the wake-up of the authority's end undoes.
func TestSilenceIsHeardWithoutASweep(t *testing.T) {
	w, seen := approved(t)
	w.accept(advances(seen, 1), false)
	w.pass(settle + time.Second)
	w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true})
	until := w.item("berlin").Record.Failback.Until
	want(t, "the authority", until.Sub(w.s.Now()) > 4*time.Minute, true)
	found := false
	for _, up := range w.wakes.Waiting() {
		found = found || up.At.Equal(until)
	}
	if !found {
		t.Errorf("no wake-up waits for %s: %v", until, w.waiting())
	}
	w.s.RunUntil(until)
	report := only(t, w.trigger(controller.Trigger{Groups: []string{"berlin"}, Wake: true}))
	want(t, "the decision", report.Decision.Action, protection.Undo)
	want(t, "the epoch", report.Decision.Epoch, report.Before.Epoch)
	want(t, "the entries", w.standsOn("berlin"), map[string]int{"B": 3})
}

// stages brings a world to before each of a workflow's tasks.
func stages() []struct {
	name     string
	before   int // how many units have moved
	shown    bool
	step     func(seen controller.FailbackSight) protection.FailbackStep
	lookOnly bool
} {
	type stage = struct {
		name     string
		before   int
		shown    bool
		step     func(seen controller.FailbackSight) protection.FailbackStep
		lookOnly bool
	}
	plain := func(step protection.FailbackStep) func(controller.FailbackSight) protection.FailbackStep {
		return func(controller.FailbackSight) protection.FailbackStep { return step }
	}
	to := func(extent int) func(controller.FailbackSight) protection.FailbackStep {
		return func(seen controller.FailbackSight) protection.FailbackStep { return advances(seen, extent) }
	}
	return []stage{
		{"open", 0, false, plain(opens()), true},
		{"ask", 0, true, asks, true},
		{"canary", 0, true, to(1), false},
		{"second step", 1, true, to(2), false},
		{"last step", 2, true, to(3), false},
		{"beat", 2, true, plain(protection.FailbackStep{Kind: protection.FailbackBeat}), true},
		{"undo", 2, true, plain(undoes()), false},
		{"undo of all", 3, true, plain(undoes()), false},
		{"close", 3, true, plain(closes()), true},
		{"close too early", 2, true, plain(closes()), true},
	}
}

func (w *world) bring(shown bool, units int) (seen controller.FailbackSight) {
	w.t.Helper()
	if !shown {
		return seen
	}
	w.accept(opens(), true)
	seen = w.sight()
	if units == 0 {
		return seen
	}
	w.accept(asks(seen), true)
	for n := 1; n <= units; n++ {
		w.accept(advances(seen, n), false)
		w.pass(settle + time.Second)
		w.sweep()
	}
	return seen
}

// TestATaskThatDiesAfterAnyCall: whatever call of a task is its last, the group ends
// whole once the authority is over and a sweep has run; and a task that is run again
// goes on where the dead one was.
func TestATaskThatDiesAfterAnyCall(t *testing.T) {
	for _, stage := range stages() {
		for _, again := range []bool{false, true} {
			name := stage.name + map[bool]string{true: ", run again", false: ""}[again]
			t.Run(name, func(t *testing.T) {
				deaths := 0
				for last := 1; ; last++ {
					w := away(t)
					seen := w.bring(stage.shown, stage.before)
					if stage.name == "canary" {
						w.accept(asks(seen), true)
					}
					var reports []controller.Report
					step := stage.step(seen)
					var doomed *sim.Process
					w.made = 0
					w.onCall = func(n int) {
						if n == last {
							w.onCall = nil
							doomed.Kill()
						}
					}
					doomed = w.startTask(step, stage.lookOnly, &reports)
					w.await(doomed)
					if w.onCall != nil {
						break // It made fewer calls than that.
					}
					deaths++
					w.survive(stage.name, last, step, stage.lookOnly, again)
				}
				if deaths < 4 {
					t.Errorf("it was killed %d times only", deaths)
				}
			})
		}
	}
}

// survive checks what becomes of the group after a task died at a call.
func (w *world) survive(stage string, last int, step protection.FailbackStep, lookOnly, again bool) {
	w.t.Helper()
	if again {
		w.pass(lease + skew + time.Second)
		answer, _ := w.task(step, lookOnly)
		for range 5 {
			if answer.Accepted || !answer.Retry {
				break
			}
			w.pass(settle + time.Second)
			answer, _ = w.task(step, lookOnly)
		}
		if !answer.Accepted {
			w.t.Fatalf("%s, killed at call %d: run again it is answered %+v", stage, last, answer)
		}
	}
	end := w.untilEnd()
	record := w.item("berlin").Record
	on := record.Decision.To
	if whole := w.standsOn("berlin")[on] == 3; !whole || !record.Settled || record.Failback.Open() {
		w.t.Fatalf("%s, killed at call %d: on %v, decided %+v, failback %+v", stage, last, w.standsOn("berlin"), record.Decision, record.Failback)
	}
	switch wanted := map[string]protection.FailbackEnd{"A": protection.EndRestored, "B": protection.EndAsBefore}[on]; {
	case record.Failback.ID == "" && !again && on == "B":
	case end != wanted:
		w.t.Fatalf("%s, killed at call %d: it ends %q on %s", stage, last, end, on)
	}
	w.forget()
	w.pass(time.Minute)
	w.sweep()
	if w.seen["write"] > 0 || w.seen["commit"] > 0 {
		w.t.Fatalf("%s, killed at call %d: a sweep still changes something: %v", stage, last, w.what())
	}
}

// TestAnAnswerThatWasNotCommitted is none: other groups' moves kept the run from
// committing its own.
func TestAnAnswerThatWasNotCommitted(t *testing.T) {
	accepted := protection.Output{Failback: protection.FailbackAnswer{Accepted: true}}
	answer, _ := controller.AnswerOf([]controller.Report{{Status: controller.StatusUnfinished, Output: accepted, Err: controller.ErrControlChanged}})
	want(t, "the answer", answer, protection.FailbackAnswer{Refused: protection.ReasonBusy, Retry: true})
}
