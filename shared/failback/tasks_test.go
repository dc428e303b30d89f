package failback_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// TestAFailbackThatGoesWell: each task is run twice, since any answer can be lost.
func TestAFailbackThatGoesWell(t *testing.T) {
	b := newBench(t, newGroup("paris", 6), 11*time.Minute)
	b.twice(failback.Precheck, nil)
	if s := b.state; s.Next != failback.NextAsk || !s.Opened || s.Steps != 4 || s.ApprovalSeconds != 3600 || s.SoakSeconds != 60 {
		t.Fatalf("the precheck answers %+v", s)
	}
	b.twice(failback.Ask, asked)
	if f := b.record().Failback; f.Token != "the-task-token" || f.Plan == "" || len(f.Steps) != 6 || f.By != "alice" || f.Why != "line 1 was repaired" {
		t.Fatalf("the record has %+v", f)
	}
	b.approve()
	b.clock.Advance(20 * time.Minute)
	b.sweeps(1)
	b.twice(failback.Precheck, map[string]any{"again": true})
	for step, on := range []int{2, 6, 10, 12} {
		if b.state.Next != failback.NextAdvance || b.state.Step != step+1 {
			t.Fatalf("before step %d the state is %+v", step+1, b.state)
		}
		b.twice(failback.Advance, nil)
		if b.standsOn()["A"] != on {
			t.Fatalf("after step %d the group stands on %v", step+1, b.standsOn())
		}
		b.clock.Advance(30 * time.Second)
		b.sweeps(1) // It leaves the extent alone.
		b.twice(failback.Verify, nil)
	}
	if b.state.Next != failback.NextClose || len(b.net.writes) != 12 {
		t.Fatalf("at the end the state is %+v, after %d writes", b.state, len(b.net.writes))
	}
	b.twice(failback.Close, nil)
	if b.state.End != protection.EndRestored || b.state.Why != "restored" {
		t.Errorf("it ended %s: %s", b.state.End, b.state.Why)
	}
	if f := b.record().Failback; f.Approved != "bob" || f.Over != protection.ReasonDone || f.Token != "" {
		t.Errorf("the record has %+v", f)
	}
}

// TestExtents: the canary alone, then as many units as the batch says.
func TestExtents(t *testing.T) {
	for _, c := range []struct {
		units, batch int
		stateful     bool
		want         []int
	}{
		{1, 0, false, []int{1}},
		{2, 0, false, []int{1, 2}},
		{6, 0, false, []int{1, 3, 5, 6}},
		{9, 0, false, []int{1, 3, 5, 7, 9}},
		{9, 1, false, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{9, 5, false, []int{1, 6, 9}},
		{9, 100, false, []int{1, 9}},
		{9, 3, true, []int{1}},
	} {
		g := newGroup("paris", c.units)
		g.Stateful, g.Failback.Batch = c.stateful, c.batch
		if got := failback.Extents(&g, false); !slices.Equal(got, c.want) {
			t.Errorf("%d units by %d: %v, want %v", c.units, c.batch, got, c.want)
		}
	}
	for units := 1; units < 1200; units += 7 {
		g := protection.Group{Units: make([]protection.Unit, units), Failback: protection.FailbackSettings{Batch: 1}}
		got := failback.Extents(&g, false)
		if len(got) > failback.MaxSteps || got[0] != 1 || got[len(got)-1] != units || !slices.IsSorted(got) {
			t.Fatalf("%d units go in %d steps: %v", units, len(got), got)
		}
	}
}

// TestTheCountersRise, each time that a loop of the definition comes round.
func TestTheCountersRise(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 2*time.Minute)
	for want := 1; want <= failback.MaxLooks; want++ {
		b.do(failback.Precheck, nil)
		if b.state.Looks != want || b.state.Next != failback.NextWait || b.state.WaitSeconds < 1 || b.state.Opened {
			t.Fatalf("look %d answers %+v", want, b.state)
		}
	}
	b.do(failback.Precheck, nil)
	if b.state.Next != failback.NextClose || b.state.Reason != protection.ReasonNotStable {
		t.Fatalf("the last look answers %+v", b.state)
	}
	if end, why := b.end(); end != protection.EndAsBefore || !strings.Contains(why, "not-stable") {
		t.Errorf("it ended %s: %s", end, why)
	}
	m := moved(t, newGroup("paris", 6))
	for step := 1; m.state.Next == failback.NextAdvance; step++ {
		if step > 1 {
			m.do(failback.Advance, nil)
			m.clock.Advance(time.Minute)
		}
		m.do(failback.Verify, nil)
		if m.state.Step != step+1 {
			t.Fatalf("after step %d the counter is %d", step, m.state.Step)
		}
	}
}

// TestOnlyTimeIsMissing: it is waited for, and then the failback opens.
func TestOnlyTimeIsMissing(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 2*time.Minute)
	b.do(failback.Precheck, nil)
	if wait := b.state.WaitSeconds; b.state.Next != failback.NextWait || wait < 400 || wait > 600 {
		t.Fatalf("the precheck answers %+v", b.state)
	}
	b.clock.Advance(time.Duration(b.state.WaitSeconds) * time.Second)
	b.do(failback.Precheck, nil)
	if b.state.Next != failback.NextAsk || b.state.Looks != 2 {
		t.Fatalf("then it answers %+v", b.state)
	}
}

// TestWhatThePrecheckRefuses ends without a move, and says why.
func TestWhatThePrecheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(b *bench)
		reason  protection.Reason
	}{
		"the path is down":    {func(b *bench) { b.net.down["vpn-A"] = true }, protection.ReasonTargetNotUp},
		"a freeze":            {func(b *bench) { b.request(protection.Request{Kind: protection.Freeze}) }, protection.ReasonFrozen},
		"a lockout":           {func(b *bench) { b.request(protection.Request{Kind: protection.Lockout, Path: "A"}) }, protection.ReasonLockout},
		"a forced switch":     {func(b *bench) { b.request(protection.Request{Kind: protection.ForcedSwitch, Path: "B"}) }, protection.ReasonForcedSwitch},
		"another is open":     {func(b *bench) { b.do(failback.Precheck, nil); b.begin("another", input) }, protection.ReasonFailbackUnderWay},
		"it is there already": {func(b *bench) { b.request(protection.Request{Kind: protection.ManualSwitchToWorking}); b.sweeps(3) }, protection.ReasonOnWorking},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, newGroup("paris", 2), 11*time.Minute)
			c.prepare(b)
			b.net.writes = nil
			b.do(failback.Precheck, nil)
			if b.state.Next != failback.NextClose || b.state.Reason != c.reason {
				t.Fatalf("the precheck answers %+v, want the reason %s", b.state, c.reason)
			}
			end, why := b.end()
			if end != protection.EndAsBefore || !strings.Contains(why, string(c.reason)) || len(b.net.writes) > 0 {
				t.Errorf("it ended %s: %s, after %v", end, why, b.net.writes)
			}
			if other := b.record().Failback; name == "another is open" && (other.ID != execution || !other.Open()) {
				t.Errorf("the one that was open is %+v", other)
			}
		})
	}
}

// TestWhatIsTriedAgain: each is an error that the state machine retries, and nothing
// is written.
func TestWhatIsTriedAgain(t *testing.T) {
	broken := errors.New("the store is broken, with a secret")
	for name, c := range map[string]struct {
		fail func(b *bench)
		mend func(b *bench)
		want string
	}{
		"a lease":      {func(b *bench) { b.records.take = controller.ErrBusy }, func(b *bench) { b.records.take = nil }, "Busy"},
		"the store":    {func(b *bench) { b.records.take = broken }, func(b *bench) { b.records.take = nil }, "Throttled"},
		"a commit":     {func(b *bench) { b.records.commit = broken }, func(b *bench) { b.records.commit = nil }, "Throttled"},
		"throttled":    {func(b *bench) { b.net.problem = route.ProblemThrottled }, func(b *bench) { b.net.problem = "" }, "Throttled"},
		"not readable": {func(b *bench) { b.net.problem = route.ProblemTimeout }, func(b *bench) { b.net.problem = "" }, "Unsettled"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, newGroup("paris", 2), 11*time.Minute)
			c.fail(b)
			result := b.give(failback.Precheck, nil)
			if got := failback.ErrorName(result.Err); got != c.want || strings.Contains(result.Err.Error(), "secret") {
				t.Errorf("the error is %s: %v, want %s", got, result.Err, c.want)
			}
			if len(b.net.writes) > 0 {
				t.Errorf("it wrote %v", b.net.writes)
			}
			c.mend(b)
			b.clock.Advance(30 * time.Second) // A lease that was not given back ends.
			b.do(failback.Precheck, nil)
			if b.state.Next != failback.NextAsk {
				t.Errorf("then the precheck answers %+v", b.state)
			}
		})
	}
}

// TestTheStoreCannotBeRead for a look without a lease.
func TestTheStoreCannotBeRead(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 11*time.Minute)
	b.do(failback.Precheck, nil)
	b.records.peek = errors.New("no answer")
	wantError[failback.Throttled](t, b.give(failback.Ask, asked), "paris")
}

// TestTheQuestion shows the plan to those who are to approve it, and nobody the token.
func TestTheQuestion(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 11*time.Minute)
	b.do(failback.Precheck, nil)
	b.do(failback.Ask, asked)
	all := b.events.All()
	event := all[len(all)-1]
	plan := b.record().Failback.Plan
	if event.Kind != controller.EventFailbackAsked || event.Group != "paris" {
		t.Fatalf("the last event is %+v", event)
	}
	for _, part := range []string{
		"failback of group paris from B to A", execution, "10.0.0.0/24", "tgw-attach-B", "->", "tgw-attach-A", "the canary: unit unit-1",
		"path A is up", "sessions:", "cost: 4 calls", "asked by alice: line 1 was repaired", "detour failback approve paris --plan " + plan[:16],
	} {
		if !strings.Contains(event.Detail, part) {
			t.Errorf("nothing of %q in\n%s", part, event.Detail)
		}
	}
	text, err := json.Marshal(event)
	if err != nil || strings.Contains(string(text), "the-task-token") {
		t.Errorf("the token is in the event: %s, %v", text, err)
	}
	wantError[failback.Invalid](t, b.give(failback.Ask, nil), "token", "$$.Task.Token")
}

// TestAnApprovalThatIsNone moves nothing.
func TestAnApprovalThatIsNone(t *testing.T) {
	other := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		approval func(b *bench) string
		meet     func(b *bench)
		reason   protection.Reason
	}{
		"another plan":    {approval: func(*bench) string { return `{"plan": "` + other + `", "by": "bob"}` }, reason: protection.ReasonNotApproved},
		"no plan":         {approval: func(*bench) string { return `{"by": "bob"}` }, reason: protection.ReasonNotApproved},
		"a text":          {approval: func(*bench) string { return `"yes"` }, reason: protection.ReasonNotApproved},
		"a number":        {approval: func(*bench) string { return `{"plan": 1}` }, reason: protection.ReasonNotApproved},
		"nothing":         {approval: func(*bench) string { return "null" }, reason: protection.ReasonNotApproved},
		"far too much":    {approval: func(*bench) string { return `{"plan": "` + strings.Repeat("x", 100_000) + `"}` }, reason: protection.ReasonNotApproved},
		"a name of lines": {approval: func(b *bench) string { return fmt.Sprintf(`{"plan": %q, "by": "b\nob"}`, b.record().Failback.Plan) }, reason: protection.ReasonNotApproved},
		"the path flapped": {meet: func(b *bench) {
			b.net.down["vpn-A"] = true
			b.sweeps(1)
			b.net.down["vpn-A"] = false
			b.sweeps(1)
		}, reason: protection.ReasonSignalFail},
		"somebody wrote": {meet: func(b *bench) {
			for key := range b.net.routes {
				if key.Destination == route.MustDestination("10.1.0.0/24") {
					b.net.routes[key] = hop("A")
				}
			}
		}, reason: protection.ReasonPlanChanged},
		"silence": {meet: func(b *bench) { b.clock.Advance(2 * time.Hour); b.sweeps(1) }, reason: protection.ReasonSilence},
		"abort":   {meet: func(b *bench) { b.request(protection.Request{Kind: protection.FailbackAbort}) }, reason: protection.ReasonAborted},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, newGroup("paris", 2), 11*time.Minute)
			b.do(failback.Precheck, nil)
			b.do(failback.Ask, asked)
			b.approve()
			if c.approval != nil {
				b.state.Approval = json.RawMessage(c.approval(b))
			}
			if c.meet != nil {
				c.meet(b)
			}
			b.net.writes = nil
			b.do(failback.Precheck, map[string]any{"again": true})
			if b.state.Next != failback.NextClose || b.state.Reason != c.reason {
				t.Fatalf("it answers %+v, want the reason %s", b.state, c.reason)
			}
			if end, why := b.end(); end != protection.EndAsBefore || !strings.Contains(why, string(c.reason)) || len(b.net.writes) > 0 {
				t.Errorf("it ended %s: %s, after %v", end, why, b.net.writes)
			}
		})
	}
}

// TestTheAnswerOfTheQuestion: what the state machine caught there is why it ends.
func TestTheAnswerOfTheQuestion(t *testing.T) {
	for _, c := range []struct {
		caught failback.Caught
		reason protection.Reason
		why    string
	}{
		{failback.Caught{Error: "Rejected", Cause: "bob: not before\nthe weekend"}, protection.ReasonRejected, "as-before: rejected: bob: not before the weekend"},
		{failback.Caught{Error: "Aborted", Cause: "alice: users complain"}, protection.ReasonAborted, "as-before: aborted: alice: users complain"},
		{failback.Caught{Error: "States.Timeout"}, protection.ReasonApprovalTimeout, "as-before: approval-timeout: nobody approved in time"},
		{
			failback.Caught{Error: "States.DataLimitExceeded", Cause: "The state/task 'Ask' returned a result with a size exceeding the maximum number of bytes service limit."},
			protection.ReasonNotApproved,
			"as-before: not-approved: the answer is larger than the 256 KiB that Step Functions carries; approve with detour failback approve paris",
		},
		{failback.Caught{Error: "Lambda.Unknown", Cause: "it died"}, protection.ReasonTaskFailed, "as-before: task-failed: Lambda.Unknown: it died"},
		{failback.Caught{Error: "States.TaskFailed", Cause: strings.Repeat("x", 30_000)}, protection.ReasonTaskFailed, "as-before: task-failed: States.TaskFailed: " + strings.Repeat("x", 500) + "…"},
	} {
		b := newBench(t, newGroup("paris", 2), 11*time.Minute)
		b.do(failback.Precheck, nil)
		b.do(failback.Ask, asked)
		b.state.Caught = &c.caught
		end, why := b.end()
		if f := b.record().Failback; end != protection.EndAsBefore || why != c.why || f.Over != c.reason {
			t.Errorf("%s: it ended %s: %q, in the record %s; want %q", c.caught.Error, end, why, f.Over, c.why)
		}
		// And started again after each.
		b.begin("failback-paris-1-2", input)
		b.do(failback.Precheck, nil)
		if b.state.Next != failback.NextAsk {
			t.Errorf("%s: started again, the precheck answers %+v", c.caught.Error, b.state)
		}
	}
}

// TestWhatVerifyFinds: each finding ends the failback, and what has moved goes back.
func TestWhatVerifyFinds(t *testing.T) {
	with := func(sample string) func() protection.Group {
		return func() protection.Group {
			g := newGroup("paris", 4)
			g.Failback.Samples = []protection.Sample{{Table: g.Units[0].Entries[0].Table, Address: sample}}
			g.Paths[0].Spec.Checks = []health.Check{{Alarm: health.Subject{Kind: health.SubjectAlarm, ID: "answers", Account: account, Region: region}}}
			return g
		}
	}
	table := newGroup("paris", 1).Units[0].Entries[0].Table
	static := func(block, next string) route.Route {
		return route.Route{Table: table, Destination: route.MustDestination(block), NextHop: route.MustNextHop(next), Origin: route.OriginStatic, State: route.StateActive}
	}
	for name, c := range map[string]struct {
		sample string
		meet   func(b *bench)
		want   string
	}{
		"a more specific route":         {"10.0.0.7", func(b *bench) { b.net.more = append(b.net.more, static("10.0.0.0/28", "tgw-attach-B")) }, "10.0.0.7 in tgw-rtb-paris goes by 10.0.0.0/28 to tgw-attach-B, and should go to tgw-attach-A"},
		"a more specific blackhole":     {"10.0.0.7", func(b *bench) { b.net.more = append(b.net.more, static("10.0.0.7/32", "blackhole")) }, "10.0.0.7/32"},
		"an address that has not moved": {"10.3.1.7", func(b *bench) { b.net.more = append(b.net.more, static("10.3.1.0/28", "tgw-attach-X")) }, ""},
		"an address of nobody":          {"192.0.2.1", func(*bench) {}, ""},
		"no address":                    {"here", func(*bench) {}, "the sample here is no address"},
		"a bad check":                   {"10.0.0.7", func(b *bench) { b.net.alarm = health.AlarmAlarm }, "path A is down"},
	} {
		t.Run(name, func(t *testing.T) {
			b := moved(t, with(c.sample)())
			c.meet(b)
			result := b.give(failback.Verify, nil)
			if c.want == "" {
				if result.Err != nil {
					t.Error(result.Err)
				}
				return
			}
			if refused, ok := errors.AsType[failback.Refused](result.Err); ok && name == "a bad check" {
				if refused.Reason != protection.ReasonSignalFail {
					t.Errorf("refused: %v", refused)
				}
			} else {
				wantError[failback.Unverified](t, result, c.want)
			}
			b.caught(result.Err)
			b.do(failback.Undo, nil)
			if on := b.standsOn(); on["A"] != 0 {
				t.Errorf("after the undo the group stands on %v", on)
			}
			end, why := b.end()
			if end != protection.EndAsBefore {
				t.Errorf("it ended %s: %s", end, why)
			}
		})
	}
}

// TestVerifyIsNotDone while routes are on their way, or two readings do not agree.
func TestVerifyIsNotDone(t *testing.T) {
	t.Run("not settled", func(t *testing.T) {
		b := opened(t, newGroup("paris", 4))
		b.net.refuse = route.Throttled
		b.do(failback.Advance, nil)
		b.clock.Advance(time.Minute)
		wantError[failback.Unsettled](t, b.give(failback.Verify, nil), "not-settled")
		b.net.refuse = ""
		b.sweeps(2)
		b.do(failback.Verify, nil)
	})
	t.Run("a reading that changes", func(t *testing.T) {
		b := moved(t, newGroup("paris", 4))
		reads := 0
		b.net.after = func() {
			if reads++; reads == 2 { // After the beat's and the first look.
				for key := range b.net.routes {
					if key.Destination == route.MustDestination("10.0.1.0/24") {
						b.net.routes[key] = hop("B")
					}
				}
			}
		}
		if result := b.give(failback.Verify, nil); result.Err == nil {
			t.Error("it is verified")
		}
	})
	t.Run("not readable", func(t *testing.T) {
		b := moved(t, newGroup("paris", 4))
		b.net.problem = route.ProblemThrottled
		if got := failback.ErrorName(b.give(failback.Verify, nil).Err); got != "Throttled" {
			t.Errorf("the error is %s", got)
		}
	})
}

// TestWhatTakesOverInTheMiddle ends the failback, and the end says so.
func TestWhatTakesOverInTheMiddle(t *testing.T) {
	for name, c := range map[string]struct {
		meet func(b *bench)
		end  protection.FailbackEnd
		on   string
	}{
		"the target dies":         {func(b *bench) { b.net.down["vpn-A"] = true }, protection.EndAsBefore, "B"},
		"the old path dies":       {func(b *bench) { b.net.down["vpn-B"] = true }, protection.EndRestored, "A"},
		"a freeze":                {func(b *bench) { b.request(protection.Request{Kind: protection.Freeze}) }, protection.EndAsBefore, "B"},
		"an immediate freeze":     {func(b *bench) { b.request(protection.Request{Kind: protection.Freeze, Immediate: true}) }, protection.EndHeldPartial, ""},
		"an abort":                {func(b *bench) { b.request(protection.Request{Kind: protection.FailbackAbort}) }, protection.EndAsBefore, "B"},
		"a lockout of the target": {func(b *bench) { b.request(protection.Request{Kind: protection.Lockout, Path: "A"}) }, protection.EndAsBefore, "B"},
		"a switch to a path":      {func(b *bench) { b.request(protection.Request{Kind: protection.ForcedSwitch, Path: "A"}) }, protection.EndRestored, "A"},
	} {
		t.Run(name, func(t *testing.T) {
			b := moved(t, newGroup("paris", 4))
			c.meet(b)
			b.clock.Advance(time.Second)
			result := b.give(failback.Verify, nil)
			if _, ok := errors.AsType[failback.Refused](result.Err); !ok {
				t.Fatalf("verify answers %v", result.Err)
			}
			b.caught(result.Err)
			b.do(failback.Undo, nil)
			if end, why := b.end(); end != c.end {
				t.Errorf("it ended %s: %s, want %s", end, why, c.end)
			}
			if on := b.standsOn(); c.on != "" && on[c.on] != 8 {
				t.Errorf("the group stands on %v", on)
			}
		})
	}
}

// TestAWorkflowThatDied: silence ends its authority, and a sweep brings back what has
// moved. Its tasks are refused after that.
func TestAWorkflowThatDied(t *testing.T) {
	b := moved(t, newGroup("paris", 4))
	b.clock.Advance(10 * time.Minute)
	b.sweeps(2)
	if on := b.standsOn(); on["A"] != 0 || b.record().Failback.Over != protection.ReasonSilence {
		t.Errorf("the group stands on %v: %+v", on, b.record().Failback)
	}
	wantError[failback.Refused](t, b.give(failback.Verify, nil), "silence")
	wantError[failback.Refused](t, b.give(failback.Advance, nil), "silence")
	if end, _ := b.end(); end != protection.EndAsBefore {
		t.Errorf("it ended %s", end)
	}
}

// TestBadInput gets an error that names the field, the value and the remedy, and is
// never tried again; the workflow ends as before.
func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		execution, input string
		want             []string
	}{
		"nothing":            {execution, `null`, []string{"group is missing", `start the execution with {"group"`}},
		"empty":              {execution, `{}`, []string{"group is missing"}},
		"no group":           {execution, `{"by": "alice"}`, []string{"group is missing"}},
		"a text":             {execution, `"paris"`, []string{`the execution's input: "\"paris\""`, "it is a JSON string and no object"}},
		"a list":             {execution, `["paris"]`, []string{"it is a JSON array and no object"}},
		"a number as group":  {execution, `{"group": 1}`, []string{"group is a JSON number and should be a string"}},
		"a misspelt key":     {execution, `{"group": "paris", "unprooven": true}`, []string{`unknown field "unprooven"`, `"unproven": true where you mean it`}},
		"a text as unproven": {execution, `{"group": "paris", "unproven": "yes"}`, []string{"unproven is a JSON string and should be a bool"}},
		"an unknown group":   {execution, `{"group": "rome"}`, []string{`group: "rome" is not configured; name one of paris`}},
		"another home's":     {execution, `{"group": "lyon"}`, []string{`group: "lyon" has its home in account 444455556666 in eu-west-3; start the execution there`}},
		"a long reason":      {execution, `{"group": "paris", "why": "` + strings.Repeat("x", 501) + `"}`, []string{"why has 501 bytes", "500"}},
		"a reason of lines":  {execution, `{"group": "paris", "why": "a\nb"}`, []string{"why", `"a\nb"`, "write one line"}},
		"a name of lines":    {execution, `{"group": "paris", "by": "a\u0007"}`, []string{"by", "write one line"}},
		"far too much":       {execution, `{"group": "paris", "why": "` + strings.Repeat("x", 5000) + `"}`, []string{"the execution's input", "4096 are enough"}},
		"a name with a dot":  {"paris.1", input, []string{`the execution's name: "paris.1"`, "letters, digits, hyphens and underscores"}},
		"a long name":        {strings.Repeat("x", 81), input, []string{"at most 80"}},
		"no name":            {"", input, []string{"the execution's name"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, newGroup("paris", 2), 11*time.Minute)
			before := b.record()
			b.begin(c.execution, c.input)
			for _, task := range failback.Tasks() {
				if task == failback.Close {
					continue
				}
				wantError[failback.Invalid](t, b.give(task, asked), c.want...)
			}
			result := b.give(failback.Precheck, nil)
			b.caught(result.Err)
			if end, why := b.end(); end != protection.EndAsBefore || !strings.HasPrefix(why, "nothing was moved: ") {
				t.Errorf("it ended %s: %s", end, why)
			}
			if !reflect.DeepEqual(b.record(), before) || len(b.net.writes) > 0 {
				t.Errorf("the record changed to %+v", b.record())
			}
		})
	}
}

// TestBadPayload: what is no state machine's is refused before anything is done.
func TestBadPayload(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 11*time.Minute)
	for name, c := range map[string]struct {
		raw  string
		want []string
	}{
		"nothing":      {"", []string{"the input is not what a task is given", "start an execution of the state machine"}},
		"no JSON":      {"paris", []string{"invalid character"}},
		"an event":     {`{"source": "aws.ec2"}`, []string{`task: "" is not the task of this function, which is precheck`, "deploy the state machine and its functions together"}},
		"another task": {`{"task": "undo", "state": {}}`, []string{`task: "undo"`}},
		"wrong types":  {`{"task": "precheck", "state": {"looks": "many"}}`, []string{"state.looks is a JSON string and should be a int"}},
		"a megabyte":   {`{"task": "precheck", "state": {"why": "` + strings.Repeat("x", 1<<20) + `"}}`, []string{"bytes, and a task takes 524288"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantError[failback.Invalid](t, b.tasks.Run(t.Context(), failback.Precheck, []byte(c.raw)), c.want...)
		})
	}
	wantError[failback.Invalid](t, b.tasks.Run(t.Context(), failback.Close, []byte(`{"task": "undo"}`)))
}

// TestAGroupThatIsGone: the configuration was deployed anew meanwhile.
func TestAGroupThatIsGone(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 11*time.Minute)
	b.begin(execution, `{"group": "rome"}`)
	b.state.Opened = true
	if end, why := b.end(); end != protection.EndSuperseded || !strings.Contains(why, "the configuration was changed") {
		t.Errorf("it ended %s: %s", end, why)
	}
}

// TestAnotherOneWasOpenedSince: what became of the first is not told by the second.
func TestAnotherOneWasOpenedSince(t *testing.T) {
	b := newBench(t, newGroup("paris", 2), 11*time.Minute)
	b.do(failback.Precheck, nil)
	first := b.state
	b.request(protection.Request{Kind: protection.FailbackAbort})
	b.sweeps(1)
	b.begin("failback-paris-1-2", input)
	b.do(failback.Precheck, nil)
	b.state = first
	if end, _ := b.end(); end != protection.EndSuperseded {
		t.Errorf("it ended %s", end)
	}
	if f := b.record().Failback; f.ID != "failback-paris-1-2" || !f.Open() {
		t.Errorf("the second one is %+v", f)
	}
}

// TestAStepThatIsNone: a state that nobody made is refused, and moves nothing.
func TestAStepThatIsNone(t *testing.T) {
	for _, step := range []int{-1, 0, 3, 1000} {
		b := opened(t, newGroup("paris", 2))
		b.state.Step = step
		wantError[failback.Refused](t, b.give(failback.Advance, nil), "configuration-changed")
		if len(b.net.writes) > 0 {
			t.Errorf("step %d wrote %v", step, b.net.writes)
		}
	}
}

// TestTheEventsOfAFailback in order, as people see them.
func TestTheEventsOfAFailback(t *testing.T) {
	b := moved(t, newGroup("paris", 1))
	b.do(failback.Verify, nil)
	b.end()
	got := kinds(b.events.All())
	from := slices.Index(got, string(controller.EventFailbackAsked))
	want := []string{"Failback Approval Asked", "Switchover Started", "Switchover Completed", "Failback Over", "Failback Ended"}
	if from < 0 || !slices.Equal(got[from:], want) {
		t.Errorf("the events are %q, want %q at the end", got, want)
	}
}
