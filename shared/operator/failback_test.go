package operator_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/operator"
	"detour/shared/protection"
	"detour/shared/route"
)

func TestAFailbackFromStartToEnd(t *testing.T) {
	w, m := away(t, 4, 15*time.Minute)
	style := operator.Style{Now: w.clock.Now()}
	var out strings.Builder
	p, err := w.tool.ProposeFailback(t.Context(), "paris", "line 1 is repaired", false)
	if err != nil {
		t.Fatal(err)
	}
	out.WriteString("start\n" + operator.FailbackProposalText(p, style))
	asks := w.begin("line 1 is repaired")
	out.WriteString(operator.FailbackEndingText(asks, style))
	style.Now = w.clock.Now()
	found := w.failback()
	out.WriteString("\nstatus\n" + operator.FailbackText("paris", found, style) + "\nthe group's status\n" + operator.StatusText([]operator.Status{w.status()}, style))
	if len(*m.events) == 0 {
		t.Error("nobody was told")
	} else {
		out.WriteString("\nthe notification\n" + (*m.events)[0].Detail)
	}
	if err := w.tool.ApproveFailback(t.Context(), found, "the line is good"); err != nil {
		t.Fatal(err)
	}
	out.WriteString("\napproved\n")
	ended, err := w.tool.FollowFailback(t.Context(), "paris", found.ID, operator.ToTheEnd, time.Hour, func(p operator.Progress) {
		out.WriteString(p.At.Format("15:04:05") + "  " + p.Text + "\n")
		if found := w.failback(); found.Moved == 1 && found.Phase == operator.PhaseMoving && !strings.Contains(out.String(), "in the middle") {
			out.WriteString("in the middle\n" + operator.FailbackText("paris", found, operator.Style{Now: w.clock.Now()}))
		}
	})
	if err != nil || ended.Outcome != operator.OutcomeDone || ended.End != protection.EndRestored {
		t.Errorf("%v, it came to %+v", err, ended)
	}
	style.Now = w.clock.Now()
	out.WriteString(operator.FailbackEndingText(ended, style) + "\nstatus\n" + operator.FailbackText("paris", w.failback(), style) + "\nthe group's status\n" + operator.StatusText([]operator.Status{w.status()}, style))
	history, err := w.tool.FailbackHistory(t.Context(), "paris", 5)
	if err != nil {
		t.Fatal(err)
	}
	out.WriteString("\nhistory\n" + operator.FailbackHistoryText(history, style))
	// The digest is package plan's own matter.
	text := strings.ReplaceAll(out.String(), found.Plan, strings.Repeat("0123456789abcdef", 4))
	golden(t, "failback.txt", strings.ReplaceAll(text, found.Plan[:16], "0123456789abcdef"))
}

// TestAnAnswerThatNobodyWaitsFor: what is wrong is said with what to do.
func TestAnAnswerThatNobodyWaitsFor(t *testing.T) {
	w, m := away(t, 2, 15*time.Minute)
	want := func(err error, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v, want %q", err, text)
			}
		}
	}
	want(w.failback().CheckAnswer("paris", ""), "group paris has no failback", "detour failback start paris")
	want(w.failback().CheckAbort("paris"), "nothing to abort")
	w.begin("line 1 is repaired")
	found := w.failback()
	want(found.CheckAnswer("paris", "0123456789abcdef"), "--plan is 0123456789abcdef", "asks about plan "+found.Plan[:16], "detour failback status paris")
	if err := found.CheckAnswer("paris", found.Plan[:16]); err != nil {
		t.Error(err)
	}
	if err := w.tool.RejectFailback(t.Context(), found, "not tonight"); err != nil {
		t.Fatal(err)
	}
	want(w.tool.ApproveFailback(t.Context(), found, ""), "does not wait for an answer any more", "detour failback status paris")
	over := w.failback()
	if over.Phase != operator.PhaseOver || over.End != protection.EndAsBefore || over.Over != protection.ReasonRejected {
		t.Errorf("after the no it is %+v", over)
	}
	want(over.CheckAnswer("paris", ""), "is over (as-before, rejected)", "detour failback start paris")
	want(over.CheckAbort("paris"), "is over (as-before, rejected)")

	// The next one has another name, and once approved it takes no other answer.
	again := w.begin("a second try")
	if again.Request != "failback-paris-"+epoch(w)+"-2" {
		t.Errorf("the second failback is %s", again.Request)
	}
	found = w.failback()
	if err := w.tool.ApproveFailback(t.Context(), found, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(10 * time.Second)
	want(w.failback().CheckAnswer("paris", ""), "was approved by arn:aws:sts::111122223333:assumed-role/ops/jane", "detour failback abort paris")
	m.dead = true
	for range 10 {
		w.pass(time.Minute)
		w.run()
	}
	if s := w.failback(); s.End != protection.EndAsBefore || s.Over != protection.ReasonSilence {
		t.Errorf("after silence it is %+v", s)
	}
}

func epoch(w *world) string { return strconv.FormatInt(w.item("paris").Record.Decision.Epoch, 10) }

func TestAPlanThatChangesWhileItIsShown(t *testing.T) {
	w, _ := away(t, 2, 15*time.Minute)
	w.begin("line 1 is repaired")
	for key := range w.tables {
		w.tables[key] = route.NextHop{Kind: route.Blackhole}
		break
	}
	found := w.failback()
	if err := found.CheckApproval(); err == nil || !found.Changed || !strings.Contains(err.Error(), "an approval would be void; reject it with detour failback reject paris") {
		t.Errorf("%v, of %+v", err, found)
	}
	if text := operator.FailbackText("paris", found, operator.Style{}); !strings.Contains(text, "changed: plan "+found.Plan[:16]+" was shown") {
		t.Errorf("the text is\n%s", text)
	}
	w.blind["tgw-rtb-paris"] = true
	if err := w.failback().CheckApproval(); err == nil || !strings.Contains(err.Error(), "could not be read whole") {
		t.Errorf("a table that cannot be read: %v", err)
	}
}

func TestCheckPlan(t *testing.T) {
	digest := strings.Repeat("0123456789abcdef", 4)
	for given, want := range map[string]string{
		"": "has 0 characters", "0123": "has 4 characters", digest[:15]: "has 15 characters", digest[:16]: "", digest: "", digest + "0": "has 65 characters",
		"0123456789ABCDEF": "is not the beginning of a digest", "latest": "is not the beginning of a digest",
	} {
		if err := operator.CheckPlan(given); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// TestWhatAFailbackIsRefusedFor: the preview says it before anything is started.
func TestWhatAFailbackIsRefusedFor(t *testing.T) {
	for name, c := range map[string]struct {
		up      time.Duration
		set     func(w *world)
		refused protection.Reason
		waits   bool
		text    string
	}{
		"nothing":          {up: 15 * time.Minute},
		"only time":        {up: 2 * time.Minute, refused: protection.ReasonNotStable, waits: true, text: "so not before 2026-01-02 03:14:35 UTC"},
		"a freeze":         {up: 15 * time.Minute, set: func(w *world) { w.do(operator.Act{Kind: protection.Freeze}) }, refused: protection.ReasonFrozen, text: "detour unfreeze"},
		"a path down":      {up: 15 * time.Minute, set: func(w *world) { w.down["vpn-parisA"] = true; w.run() }, refused: protection.ReasonTargetNotUp, text: "not up"},
		"an unread table":  {up: 15 * time.Minute, set: func(w *world) { w.blind["tgw-rtb-paris"] = true }, refused: protection.ReasonIncomplete, waits: true, text: "table tgw-rtb-paris could not be read whole: denied"},
		"a force":          {up: 15 * time.Minute, set: func(w *world) { w.do(operator.Act{Kind: protection.ForcedSwitch, Path: "B"}) }, refused: protection.ReasonForcedSwitch, text: "forces this path"},
		"a foreign route":  {up: 15 * time.Minute, set: foreign, refused: protection.ReasonForeign, text: "tgw-rtb-paris 10.0.0.0/24"},
		"the working path": {up: 15 * time.Minute, set: func(w *world) { w.do(operator.Act{Kind: protection.ManualSwitchToWorking}) }, refused: protection.ReasonOnWorking, text: "on its working path already"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := away(t, 2, c.up)
			if c.set != nil {
				c.set(w)
			}
			p, err := w.tool.ProposeFailback(t.Context(), "paris", "a test", false)
			if err != nil || p.Refused != c.refused || p.Waits != c.waits || p.Stopped() != (c.refused != "" && !c.waits) {
				t.Errorf("%v, %+v", err, p)
			}
			text := operator.FailbackProposalText(p, operator.Style{Now: w.clock.Now()})
			if !strings.Contains(text, c.text) || (c.refused == "") == (strings.HasPrefix(text, "refused: ") || strings.HasPrefix(text, "waits: ")) {
				t.Errorf("the text is\n%s", text)
			}
		})
	}
	w, _ := away(t, 2, 15*time.Minute)
	if _, err := w.tool.ProposeFailback(t.Context(), "paris", " ", false); err == nil || !strings.Contains(err.Error(), "the reason is missing") {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := w.tool.ProposeFailback(t.Context(), "rome", "x", false); err == nil || !strings.Contains(err.Error(), `no group "rome"`) {
		t.Errorf("of a group that is none: %v", err)
	}
	w.flows = nil
	w.build()
	if _, err := w.tool.ProposeFailback(t.Context(), "paris", "x", false); err == nil || !strings.Contains(err.Error(), "name it with --state-machine") {
		t.Errorf("without a state machine: %v", err)
	}
}

func foreign(w *world) {
	for key := range w.tables {
		w.tables[key] = route.NextHop{Kind: route.Blackhole}
	}
	w.run()
	w.pass(2 * settle)
	w.run()
}

// TestAFailbackThatWaitsForTime: the execution runs, and the record knows nothing of
// it yet.
func TestAFailbackThatWaitsForTime(t *testing.T) {
	w, m := away(t, 2, 2*time.Minute)
	waits := w.begin("as soon as it may be")
	if waits.Outcome != operator.OutcomeStands || waits.Waited || !strings.Contains(waits.Text, "waits until the path has been up for long enough; then it asks for approval") {
		t.Errorf("it came to %+v", waits)
	}
	found := w.failback()
	text := operator.FailbackText("paris", found, operator.Style{Now: w.clock.Now()})
	if found.Phase != operator.PhasePrecheck || found.ID != waits.Request || found.Why != "as soon as it may be" || !strings.Contains(text, "waits until path A has been up for long enough, at 2026-01-02 03:14:35 UTC") {
		t.Errorf("it is %+v\n%s", found, text)
	}
	if err := found.CheckAnswer("paris", ""); err == nil || !strings.Contains(err.Error(), "does not ask yet: waits until path A") {
		t.Errorf("an approval now: %v", err)
	}
	p, err := w.tool.ProposeFailback(t.Context(), "paris", "the same", false)
	if err != nil || p.Open == nil || p.Open.ID != waits.Request {
		t.Fatalf("a second one: %v, %+v", err, p)
	}
	// Nothing was opened, so an abort stops the execution.
	if err := found.CheckAbort("paris"); err != nil {
		t.Fatal(err)
	}
	abort, err := w.tool.ProposeAbort(t.Context(), found, "")
	if err != nil || abort != nil {
		t.Fatalf("%v, %+v", err, abort)
	}
	if _, err := w.tool.AbortFailback(t.Context(), found, abort, "not tonight"); err != nil {
		t.Fatal(err)
	}
	if ended := w.followed(found.ID, operator.ToTheEnd); ended.Outcome != operator.OutcomeEnded || !strings.Contains(ended.Text, "nothing was moved: the execution has been stopped: Aborted: by arn:aws:sts::111122223333:assumed-role/ops/jane (jane@desk): not tonight") {
		t.Errorf("it came to %+v", ended)
	}
	if w.failback() != nil {
		t.Errorf("it is %+v", w.failback())
	}
	// The next one finds its time.
	next := w.begin("again")
	if next.Request == found.ID {
		t.Errorf("the next one is %s again", next.Request)
	}
	w.pass(9 * time.Minute)
	if found := w.failback(); found.Phase != operator.PhaseAsking || len(*m.events) == 0 {
		t.Errorf("after its time it is %+v", found)
	}
}

func TestAbort(t *testing.T) {
	for name, c := range map[string]struct {
		moved int
		set   func(w *world)
		end   protection.FailbackEnd
		path  string
	}{
		"while it asks":          {end: protection.EndAsBefore, path: "B"},
		"in the middle":          {moved: 1, end: protection.EndAsBefore, path: "B"},
		"in the last step":       {moved: 3, end: protection.EndAsBefore, path: "B"},
		"with a third path down": {moved: 1, set: func(w *world) { w.down["vpn-parisC"] = true }, end: protection.EndAsBefore, path: "B"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := away(t, 3, 15*time.Minute)
			w.begin("line 1 is repaired")
			if c.moved > 0 {
				if err := w.tool.ApproveFailback(t.Context(), w.failback(), ""); err != nil {
					t.Fatal(err)
				}
				for range 600 {
					if w.failback().Moved == c.moved {
						break
					}
					w.pass(time.Second)
				}
			}
			if c.set != nil {
				c.set(w)
			}
			found := w.failback()
			p, err := w.tool.ProposeAbort(t.Context(), found, "")
			if err != nil || p == nil || found.Moved != c.moved {
				t.Fatalf("%v, %+v of %+v", err, p, found)
			}
			text := operator.FailbackAbortText(found, p, operator.Style{Now: w.clock.Now()})
			if strings.Contains(text, "moves to B") != (c.moved > 0) || !strings.Contains(text, "failback-abort") {
				t.Errorf("the text is\n%s", text)
			}
			if late, err := w.tool.AbortFailback(t.Context(), found, p, ""); late != nil || err != nil {
				t.Fatal(late, err)
			}
			ended := w.followed(found.ID, operator.ToTheEnd)
			now := w.status()
			if ended.End != c.end || ended.Reason != protection.ReasonAborted || now.Path != c.path {
				t.Errorf("it came to %+v, on %s", ended, now.Path)
			}
			// The switchover to B, or the undo: nothing was taken over where it stood.
			if back := now.Switchover; back == nil || back.To != c.path || back.At.Before(now.Since) || (back.Reason == protection.ReasonAborted) != (c.moved > 0) {
				t.Errorf("since %s, by %+v", now.Since, back)
			}
			for key, hop := range w.tables {
				if hop.ID != "tgw-attach-paris"+c.path {
					t.Errorf("%s leads to %s", key, hop)
				}
			}
			w.pass(5 * time.Minute)
			if e := w.failback().Execution; e == nil || !e.Status.Over() {
				t.Errorf("the execution is %+v", e)
			}
		})
	}
}

// TestTwoOperators: the second is told of the first, also where both have looked
// before either started.
func TestTwoOperators(t *testing.T) {
	w, _ := away(t, 2, 15*time.Minute)
	look := func(why string) *operator.FailbackProposal {
		p, err := w.tool.ProposeFailback(t.Context(), "paris", why, false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := look("the first"), look("the second")
	id, err := w.tool.StartFailback(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := w.tool.StartFailback(t.Context(), second); !errors.Is(err, operator.ErrFailbackGoesOn) || other != id {
		t.Errorf("the second got %s, %v", other, err)
	}
	w.followed(id, operator.ToTheQuestion)
	third := look("the third")
	if third.Open == nil || third.Open.Why != "the first" || !third.Stopped() {
		t.Errorf("the third is told %+v", third)
	}
	if text := operator.FailbackProposalText(third, operator.Style{}); !strings.Contains(text, id) || !strings.Contains(text, "the first") {
		t.Errorf("the text is\n%s", text)
	}
}

// TestAnswersThatAreLost: what had its effect is not done twice, and its end is found.
func TestAnswersThatAreLost(t *testing.T) {
	w, m := away(t, 2, 15*time.Minute)
	m.lost = 2
	asks := w.begin("line 1 is repaired")
	if asks.Outcome != operator.OutcomeDone {
		t.Fatalf("it came to %+v", asks)
	}
	if h, err := w.tool.FailbackHistory(t.Context(), "paris", 10); err != nil || len(h.Executions) != 1 {
		t.Errorf("%v, the executions are %+v", err, h.Executions)
	}
	m.lost = 2
	if err := w.tool.ApproveFailback(t.Context(), w.failback(), ""); err != nil {
		t.Fatal(err)
	}
	if ended := w.followed(asks.Request, operator.ToTheEnd); ended.End != protection.EndRestored {
		t.Errorf("it came to %+v", ended)
	}
}

// TestWithoutStepFunctions: the record tells enough, and says what is missing.
func TestWithoutStepFunctions(t *testing.T) {
	w, m := away(t, 2, 15*time.Minute)
	w.begin("line 1 is repaired")
	m.down = true
	found := w.failback()
	if text := operator.FailbackText("paris", found, operator.Style{}); found.Phase != operator.PhaseAsking || !strings.Contains(text, "not known: nobody answers for Step Functions") || found.Show == nil {
		t.Errorf("it is %+v\n%s", found, text)
	}
	if err := w.tool.ApproveFailback(t.Context(), found, ""); err == nil || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("an approval: %v", err)
	}
	h, err := w.tool.FailbackHistory(t.Context(), "paris", 5)
	if err != nil || h.Unread == "" || len(h.Journal) == 0 {
		t.Errorf("%v, the history is %+v", err, h)
	}
	w.fail["note"] = 3
	if err := w.tool.RejectFailback(t.Context(), found, ""); err == nil || !strings.Contains(err.Error(), "the journal cannot be written") {
		t.Errorf("a rejection without a journal: %v", err)
	}
	w.flows = nil
	w.build()
	if found := w.failback(); found == nil || found.Unread == "" {
		t.Errorf("without a state machine it is %+v", found)
	}
}

// TestTheTokenIsNowhere: whoever has it can approve.
func TestTheTokenIsNowhere(t *testing.T) {
	w, m := away(t, 2, 15*time.Minute)
	w.begin("line 1 is repaired")
	token := w.item("paris").Record.Failback.Token
	if token == "" {
		t.Fatal("the test wants a token")
	}
	explained, err := w.tool.Explain(t.Context(), "paris", 100)
	if err != nil {
		t.Fatal(err)
	}
	history, err := w.tool.FailbackHistory(t.Context(), "paris", 100)
	if err != nil {
		t.Fatal(err)
	}
	abort, err := w.tool.ProposeAbort(t.Context(), w.failback(), "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{w.failback(), w.status(), explained, history, abort, w.history(controller.GroupKey("paris")), *m.events})
	if err != nil || strings.Contains(string(text), token) {
		t.Errorf("%v, the token is in %s", err, text)
	}
}

// TestAFreezeInTheMiddle: it is told what holds, and what follows from its end.
func TestAFreezeInTheMiddle(t *testing.T) {
	w, _ := away(t, 3, 15*time.Minute)
	w.begin("line 1 is repaired")
	if err := w.tool.ApproveFailback(t.Context(), w.failback(), ""); err != nil {
		t.Fatal(err)
	}
	w.pass(5 * time.Second)
	w.do(operator.Act{Kind: protection.Freeze, Immediate: true})
	w.run()
	found, s := w.failback(), w.status()
	if found.End != protection.EndHeldPartial || s.Failback == nil || s.Failback.End != protection.EndHeldPartial {
		t.Fatalf("under the freeze it is %+v", found)
	}
	text := operator.FailbackText("paris", found, operator.Style{Now: w.clock.Now()}) + operator.StatusText([]operator.Status{s}, operator.Style{Now: w.clock.Now()})
	for _, want := range []string{"held-partial: an immediate freeze holds the group in the middle, partly on B and partly on A; when the freeze ends it goes back to B", "would go back to B: "} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
	plans, err := w.tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{})
	if err != nil || !strings.Contains(operator.PlanText(plans, operator.Style{}), "frozen: would go back to B: ") {
		t.Errorf("%v, the plan is\n%s", err, operator.PlanText(plans, operator.Style{}))
	}
	if err := found.CheckAbort("paris"); err == nil || !strings.Contains(err.Error(), "is over (held-partial, frozen)") {
		t.Errorf("an abort: %v", err)
	}
	ended := w.do(operator.Act{Clear: true, ClearKind: protection.Freeze})
	if ended[0].Outcome != operator.OutcomeDone || ended[0].Text != "the group is on B" || w.failback().End != protection.EndAsBefore {
		t.Errorf("after the freeze it is %+v, %+v", ended, w.failback())
	}
}

// TestAnExecutionThatWasStopped: who looks then is not sent to approve.
func TestAnExecutionThatWasStopped(t *testing.T) {
	w, _ := away(t, 2, 15*time.Minute)
	w.begin("line 1 is repaired")
	found := w.failback()
	if err := w.flows.Stop(t.Context(), found.ID, "", "by mistake"); err != nil {
		t.Fatal(err)
	}
	style := operator.Style{Now: w.clock.Now()}
	text := operator.FailbackText("paris", w.failback(), style)
	if !strings.Contains(text, "the execution is over") || strings.Contains(text, "\napprove ") || !strings.Contains(text, "\nabort ") {
		t.Errorf("it says\n%s", text)
	}
	// The group's status knows the record alone.
	if text := operator.StatusText([]operator.Status{w.status()}, style); strings.Contains(text, "failback approve") || !strings.Contains(text, "look with detour failback status paris") {
		t.Errorf("the group's status says\n%s", text)
	}
	if e := w.followed(found.ID, operator.ToTheQuestion); e.Outcome != operator.OutcomeEnded || strings.Contains(e.Text, "failback approve") || !strings.Contains(e.Text, "detour failback abort paris") {
		t.Errorf("who follows it to its question is told %+v", e)
	}
}

// TestBetweenTheApprovalAndTheCanary: the workflow looks once more, and asks nobody.
func TestBetweenTheApprovalAndTheCanary(t *testing.T) {
	w, m := away(t, 2, 15*time.Minute)
	w.begin("line 1 is repaired")
	found := w.failback()
	m.after = func(task failback.Task) { m.dead = task == failback.Precheck }
	if err := w.tool.ApproveFailback(t.Context(), found, ""); err != nil {
		t.Fatal(err)
	}
	style := operator.Style{Now: w.clock.Now()}
	after := w.failback()
	text := operator.FailbackText("paris", after, style)
	if after.Phase != operator.PhasePrecheck || !after.Open() || strings.Contains(text, "asks for approval until") || !strings.Contains(text, "looks once more, after the approval") {
		t.Errorf("it says\n%s", text)
	}
	if err := after.CheckAnswer("paris", ""); err == nil || !strings.Contains(err.Error(), "was answered already") {
		t.Errorf("a second answer: %v", err)
	}
	var told []string
	_, err := w.tool.FollowFailback(t.Context(), "paris", found.ID, operator.FromTheAnswer, 2*time.Second, func(p operator.Progress) { told = append(told, p.Text) })
	if err != nil || len(told) > 0 {
		t.Errorf("%v, who approved is told %q", err, told)
	}
}
