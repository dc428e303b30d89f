package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// callThrough makes the calls one after the other in one process, and returns
// their outcomes; those that never returned are missing.
func callThrough(t *testing.T, plan *FaultPlan, actions ...string) (got []string, face *fakeFace, log []CallRecord) {
	s := NewScheduler(1, schedulerStart)
	t.Cleanup(s.Close)
	face = &fakeFace{s: s}
	plan.MinLatency, plan.MaxLatency = 10*time.Millisecond, 10*time.Millisecond
	tr := NewTransport(s, face, plan, func(r CallRecord) { log = append(log, r) })
	s.Start("switchover-1", func(ctx context.Context, p *Process) {
		for _, action := range actions {
			limited, cancel := p.Timeout(ctx, 5*time.Second)
			resp, err := tr.Do(testRequest(limited, action, "NextToken", "page2"))
			if !s.closing.Load() {
				got = append(got, outcome(resp, err))
			}
			cancel()
		}
	})
	s.RunUntil(at(time.Hour))
	return got, face, log
}

func TestFaultRules(t *testing.T) {
	calls := []string{read, write, read, write, write, write}
	for _, c := range []struct {
		rule    FaultRule
		want    []string // outcomes other than 201, with the call's index
		effects int
		logged  string // fault and code of the record of a call that never arrived
	}{
		{FaultRule{Action: write, Nth: 3, Fault: FaultErrorBefore}, []string{"4: 500 InternalError"}, 5, "error-before InternalError"},
		{FaultRule{Action: write, Nth: 2, Times: 2, Fault: FaultThrottle}, []string{"3: 503 RequestLimitExceeded", "4: 503 RequestLimitExceeded"}, 4, "throttle RequestLimitExceeded"},
		{FaultRule{Writes: true, Times: -1, Fault: FaultErrorBefore, Code: "IncorrectState"}, []string{"1: 400 IncorrectState", "3: 400 IncorrectState", "4: 400 IncorrectState", "5: 400 IncorrectState"}, 2, "error-before IncorrectState"},
		{FaultRule{Action: write, Fault: FaultErrorAfter, Code: "Unavailable"}, []string{"1: 503 Unavailable"}, 6, ""},
		{FaultRule{Action: write, Fault: FaultLostAnswer}, []string{"1: " + ErrConnectionLost.Error()}, 6, ""},
		{FaultRule{Action: write, Fault: FaultDropAnswer}, []string{"1: " + context.DeadlineExceeded.Error()}, 6, ""},
		{FaultRule{Action: write, Fault: FaultDelay, Duration: time.Second}, nil, 6, ""},
		{FaultRule{Fault: FaultPageFails}, []string{"0: 500 InternalError"}, 5, "page-fails InternalError"},
		{FaultRule{Nth: 3, Fault: FaultNextTokenInvalid}, []string{"2: 400 InvalidNextToken"}, 5, "next-token-invalid InvalidNextToken"},
		{FaultRule{Writes: true, Fault: FaultKill}, []string{"2: never", "3: never", "4: never", "5: never", "1: never"}, 1, "kill "},
		{FaultRule{Writes: true, Fault: FaultKillAfter}, []string{"1: never", "2: never", "3: never", "4: never", "5: never"}, 2, ""},
		{FaultRule{Writes: true, Process: "sweep", Fault: FaultKill}, nil, 6, ""},
		{FaultRule{Action: "send", Nth: 2, Fault: FaultFreeze, Duration: time.Minute}, []string{"1: context deadline exceeded"}, 6, ""},
	} {
		t.Run(fmt.Sprint(c.rule.Fault, c.rule.Nth, c.rule.Process), func(t *testing.T) {
			plan := &FaultPlan{Rules: []FaultRule{c.rule}}
			got, face, log := callThrough(t, plan, calls...)
			var odd []string
			for i := range calls {
				if i >= len(got) {
					odd = append(odd, fmt.Sprint(i, ": never"))
				} else if got[i] != "201" {
					odd = append(odd, fmt.Sprint(i, ": ", got[i]))
				}
			}
			slices.Sort(c.want)
			if !slices.Equal(odd, c.want) {
				t.Errorf("outcomes %q, want %q", odd, c.want)
			}
			if len(face.got) != c.effects {
				t.Errorf("%d effects, want %d", len(face.got), c.effects)
			}
			if len(log)+len(face.got) > len(calls) {
				t.Errorf("%d effects and %d records", len(face.got), len(log))
			}
			for _, r := range log {
				if line := r.Fault + " " + r.Code; line != c.logged {
					t.Errorf("logged %q, want %q", line, c.logged)
				}
			}
			if (len(log) > 0) != (c.logged != "") {
				t.Errorf("%d records", len(log))
			}
			fired := len(c.want) > 0 || c.rule.Fault == FaultDelay
			if counts := plan.Counts(); fired != (len(counts) == 1) || fired && counts[0].Kind != c.rule.Fault {
				t.Errorf("counts %v", counts)
			}
		})
	}
}

func TestFaultNamesReachTheWorld(t *testing.T) {
	plan := &FaultPlan{Rules: []FaultRule{{Action: read, Fault: FaultStale, Duration: time.Second}, {Action: write, Fault: FaultErrorAfter}}}
	_, face, _ := callThrough(t, plan, read, read, write)
	want := []Call{{Stale: time.Second, Fault: "stale"}, {}, {Fault: "error-after"}}
	for i, a := range face.got {
		if a.call.Stale != want[i].Stale || a.call.Fault != want[i].Fault {
			t.Errorf("call %d: %+v, want %+v", i, a.call, want[i])
		}
	}
}

func TestFaultSwitches(t *testing.T) {
	plan := &FaultPlan{
		Rates:    FaultRates{Throttle: 1},
		Rules:    []FaultRule{{Fault: FaultThrottle}},
		RulesOff: true,
		Spare:    []string{"operator"},
	}
	if got, _, _ := callThrough(t, plan, read); !slices.Equal(got, []string{"201"}) {
		t.Errorf("all off: %q", got)
	}
	plan.Enabled = true
	if got, _, _ := callThrough(t, plan, read); !slices.Equal(got, []string{"503 RequestLimitExceeded"}) {
		t.Errorf("rates on: %q", got)
	}
	plan.Spare = append(plan.Spare, "switchover")
	if got, _, _ := callThrough(t, plan, read); !slices.Equal(got, []string{"201"}) {
		t.Errorf("spared: %q", got)
	}
	if got := fmt.Sprint(plan.Counts()); got != "[{throttle 1}]" {
		t.Errorf("counts %s", got)
	}
	if (*FaultPlan)(nil).Counts() != nil {
		t.Error("a nil plan counts")
	}
}

func TestFaultRatesAllFire(t *testing.T) {
	plan := &FaultPlan{Enabled: true, Rates: FaultRates{
		Throttle: 0.1, ThrottleBurst: 3, ErrorBefore: 0.1, ErrorAfter: 0.2, DropAnswer: 0.1, Stale: 0.2, MaxStale: time.Second,
		PageFails: 0.1, NextTokenInvalid: 0.1, FreezeAtYield: 0.05, MaxFreeze: time.Second,
	}}
	var calls []string
	for range 300 {
		calls = append(calls, read, write)
	}
	got, _, log := callThrough(t, plan, calls...)
	if len(got) != len(calls) {
		t.Fatalf("%d calls returned", len(got))
	}
	var kinds []string
	for _, c := range plan.Counts() {
		kinds = append(kinds, string(c.Kind))
	}
	want := "drop-answer error-after error-before freeze lost-answer next-token-invalid page-fails stale throttle"
	if strings.Join(kinds, " ") != want {
		t.Errorf("fired %q, want %q", kinds, want)
	}
	codes := map[string]bool{}
	for _, r := range log {
		codes[r.Code] = true
	}
	if keys := strings.Join(sortedTestKeys(codes), " "); keys != "ConcurrentMutationLimitExceeded IncorrectState InternalError InvalidNextToken RequestLimitExceeded Unavailable" {
		t.Errorf("codes %s", keys)
	}
}

func sortedTestKeys(m map[string]bool) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func TestFaultKillAtYieldPoint(t *testing.T) {
	s := newTestScheduler(t, 1)
	s.SetFaultPlan(&FaultPlan{Rules: []FaultRule{{Action: "commit", Nth: 2, Fault: FaultKill}, {Action: "sleep", Process: "q", Fault: FaultFreeze, Duration: time.Hour}}})
	n := 0
	p := s.Start("p", func(ctx context.Context, p *Process) {
		for range 5 {
			if p.Yield(ctx, "commit") == nil {
				n++
			}
		}
	})
	q := s.Start("q", func(ctx context.Context, p *Process) { _ = p.Sleep(ctx, time.Second) })
	s.RunUntil(at(time.Minute))
	if n != 1 || !p.Killed() || q.Done() {
		t.Errorf("%d yields, killed %v; the other process done %v", n, p.Killed(), q.Done())
	}
	s.RunUntil(at(time.Hour))
	if !q.Done() {
		t.Error("the frozen process did not go on")
	}
}

func TestFaultAnswersOfOtherServices(t *testing.T) {
	for _, c := range []struct {
		call   apiCall
		status int
		part   string
	}{
		{apiCall{service: "ec2"}, 503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code>"},
		{apiCall{service: "sts"}, 503, "<ErrorResponse><Error>"},
		{apiCall{json: true}, 400, `#ThrottlingException"`},
	} {
		var a answerBuffer
		a.fail(&c.call, codeRequestLimit)
		if a.status != c.status || !strings.Contains(string(a.body), c.part) {
			t.Errorf("%+v: %d %s", c.call, a.status, a.body)
		}
	}
}

func TestFaultParseCall(t *testing.T) {
	req := testRequest(context.Background(), "x")
	c := parseCall(req, []byte("Version=1&Action=Describe%56pcs&MaxResults=5&NextToken=a%2Bb"))
	if want := (apiCall{action: "DescribeVpcs", account: "111111111111", region: "eu-west-1", service: "ec2", read: true, further: true}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
	req = &http.Request{Header: http.Header{"X-Amz-Target": {"DynamoDB_20120810.UpdateItem"}}}
	if c := parseCall(req, []byte(`{}`)); c != (apiCall{action: "UpdateItem", json: true}) {
		t.Errorf("got %+v", c)
	}
}

func TestFaultEvents(t *testing.T) {
	s := newTestScheduler(t, 1)
	f := &EventFaults{Lose: 0.2, Double: 0.3, MaxDelay: time.Second}
	var got []byte
	for i := range 100 {
		raw := []byte{byte(i)}
		f.Deliver(s, raw, func(raw []byte) {
			got = append(got, raw[0])
			raw[0] = 0
		})
		raw[0] = 255
	}
	s.RunUntil(at(time.Minute))
	times := map[byte]int{}
	for _, id := range got {
		times[id]++
	}
	var how [4]int
	for i := range 100 {
		how[times[byte(i)]]++
	}
	if how[0] == 0 || how[1] < 30 || how[2] == 0 || how[3] == 0 || slices.IsSorted(got) {
		t.Errorf("lost, once, twice, three times: %v; order %v", how, got)
	}
	counts := f.Counts()
	if len(counts) != 3 || counts[0].Kind != FaultEventDelayed || counts[1].N != how[2]+how[3] || counts[2].N != how[0] {
		t.Errorf("counts %v, deliveries %v", counts, how)
	}
	once := 0
	(*EventFaults)(nil).Deliver(s, nil, func([]byte) { once++ })
	s.RunUntil(at(time.Minute))
	if once != 1 {
		t.Errorf("without faults an event was delivered %d times", once)
	}
}
