package awscloudwatch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/cbor"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/health"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// asked is what one call asked for.
type asked struct {
	host, operation string
	names, types    []string
	max             uint64
	token           string
}

// answer is what one call is answered.
type answer struct {
	status int
	body   cbor.Value
	raw    string    // in the place of body
	stream io.Reader // in the place of both
	err    error
}

// canned is an HTTP doer that speaks CloudWatch's protocol, Smithy RPC v2 CBOR.
type canned struct {
	t      *testing.T
	answer func(ctx context.Context, a asked) answer

	mu    sync.Mutex
	calls []asked
}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body, err := cbor.Decode(raw)
	if err != nil {
		return nil, err
	}
	call := asked{host: r.URL.Host, operation: r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]}
	for name, value := range body.(cbor.Map) {
		switch name {
		case "AlarmNames":
			call.names = texts(value)
		case "AlarmTypes":
			call.types = texts(value)
			slices.Sort(call.types)
		case "MaxRecords":
			call.max = uint64(value.(cbor.Uint))
		case "NextToken":
			call.token = string(value.(cbor.String))
		default:
			c.t.Errorf("the call has the parameter %s", name)
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, call)
	c.mu.Unlock()
	a := c.answer(r.Context(), call)
	if a.err != nil {
		return nil, a.err
	}
	encoded := []byte(a.raw)
	if a.body != nil {
		encoded = cbor.Encode(a.body)
	}
	stream := io.Reader(bytes.NewReader(encoded))
	if a.stream != nil {
		stream = a.stream
	}
	header := http.Header{"Content-Type": {"application/cbor"}, "Smithy-Protocol": {"rpc-v2-cbor"}}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(stream), Request: r}, nil
}

func texts(list cbor.Value) []string {
	var out []string
	for _, item := range list.(cbor.List) {
		out = append(out, string(item.(cbor.String)))
	}
	return out
}

func fault(status int, code string) answer {
	return answer{status: status, body: cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + code), "message": cbor.String("about " + code)}}
}

// page is an answer with metric and composite alarms.
func page(next string, metric, composite []cbor.Value) answer {
	body := cbor.Map{"MetricAlarms": cbor.List(metric), "CompositeAlarms": cbor.List(composite)}
	if next != "" {
		body["NextToken"] = cbor.String(next)
	}
	return answer{status: 200, body: body}
}

func alarm(name, state string, more cbor.Map) cbor.Value {
	out := cbor.Map{"AlarmName": cbor.String(name), "StateValue": cbor.String(state), "Threshold": cbor.Float64(1)}
	for key, value := range more {
		out[key] = value
	}
	return out
}

// at is a timestamp in CBOR: seconds of the epoch, tagged.
func at(seconds float64) cbor.Value { return &cbor.Tag{ID: 1, Value: cbor.Float64(seconds)} }

// network knows every alarm but those with "missing" in their names.
func network(_ context.Context, a asked) answer {
	var metric, composite []cbor.Value
	for _, name := range a.names {
		switch {
		case strings.Contains(name, "missing"):
		case strings.Contains(name, "composite"):
			composite = append(composite, alarm(name, "ALARM", nil))
		default:
			metric = append(metric, alarm(name, "OK", nil))
		}
	}
	return page("", metric, composite)
}

func evidence(doer *canned) *Evidence {
	return New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second)
}

func named(name string) health.Subject {
	return health.Subject{Kind: health.SubjectAlarm, ID: name, Account: account, Region: region}
}

func lines(facts []health.Fact) []string {
	var out []string
	for _, f := range facts {
		out = append(out, fmt.Sprintf("%s %s %s%s", f.Subject.ID, f.Kind, f.Value, f.Problem))
	}
	return out
}

func TestFacts(t *testing.T) {
	doer := &canned{t: t, answer: func(context.Context, asked) answer {
		return page("",
			[]cbor.Value{
				alarm("b", "OK", cbor.Map{
					"StateReason":                cbor.String("Threshold Crossed"),
					"StateUpdatedTimestamp":      at(1767323100.25),
					"StateTransitionedTimestamp": at(1767322800.5),
					"EvaluationState":            cbor.String("PARTIAL_DATA"),
				}),
				alarm("c", "INSUFFICIENT_DATA", cbor.Map{"StateUpdatedTimestamp": &cbor.Tag{ID: 1, Value: cbor.Uint(1767323100)}}),
				alarm("nobody asked", "ALARM", nil),
			},
			[]cbor.Value{alarm("a", "ALARM", cbor.Map{"StateReason": cbor.String("a child is in ALARM")})})
	}}
	e := evidence(doer)
	facts := e.Read(t.Context(), []health.Subject{named("c"), named("b"), named("missing"), named("a"), named("b")})
	cannedtest.Expect(t, lines(facts), []string{"c alarm-state INSUFFICIENT_DATA", "b alarm-state OK", "missing unreadable gone", "a alarm-state ALARM"})
	for _, f := range facts {
		if f.Source != health.SourceDescribeAlarms || !f.ObservedAt.Equal(e.clock.Now()) || f.Subject.Account != account || f.Subject.Region != region {
			t.Errorf("the fact is %+v", f)
		}
	}
	if f := facts[1]; !f.ChangedAt.Equal(time.UnixMilli(1767322800500)) || f.ChangedAt.Location() != time.UTC || f.Note != "Threshold Crossed (evaluation state PARTIAL_DATA)" {
		t.Errorf("the alarm with both instants is %+v", f)
	}
	if f := facts[0]; !f.ChangedAt.Equal(time.Unix(1767323100, 0)) || f.Note != "" {
		t.Errorf("the alarm with one instant is %+v", f)
	}
	if f := facts[3]; !f.ChangedAt.IsZero() || f.Note != "a child is in ALARM" {
		t.Errorf("the alarm without an instant is %+v", f)
	}
	want := asked{"monitoring.eu-west-1.amazonaws.com", "DescribeAlarms", []string{"a", "b", "c", "missing"}, []string{"CompositeAlarm", "MetricAlarm"}, 100, ""}
	if len(doer.calls) != 1 || fmt.Sprint(doer.calls[0]) != fmt.Sprint(want) {
		t.Errorf("the calls are %v, want %v", doer.calls, want)
	}
	if none := e.Read(t.Context(), nil); len(none) != 0 {
		t.Errorf("asked for nothing, got %v", none)
	}
}

func TestPages(t *testing.T) {
	one, two := []cbor.Value{alarm("a", "OK", nil)}, []cbor.Value{alarm("b", "ALARM", nil)}
	for name, test := range map[string]struct {
		pages map[string]answer
		want  []string
	}{
		"all pages":               {map[string]answer{"": page("p2", one, nil), "p2": page("p3", nil, nil), "p3": page("", nil, two)}, []string{"a alarm-state OK", "b alarm-state ALARM"}},
		"a page that fails":       {map[string]answer{"": page("p2", one, nil), "p2": fault(400, "ThrottlingException")}, []string{"a alarm-state OK", "b unreadable throttled"}},
		"a page names itself":     {map[string]answer{"": page("p2", nil, two), "p2": page("p2", nil, nil)}, []string{"a unreadable malformed", "b alarm-state ALARM"}},
		"pages in a circle":       {map[string]answer{"": page("p2", nil, two), "p2": page("p3", nil, nil), "p3": page("p2", nil, nil)}, []string{"a unreadable malformed", "b alarm-state ALARM"}},
		"the same on two pages":   {map[string]answer{"": page("p2", one, two), "p2": page("", one, nil)}, []string{"a alarm-state OK", "b alarm-state ALARM"}},
		"a contradiction":         {map[string]answer{"": page("p2", one, two), "p2": page("", []cbor.Value{alarm("a", "ALARM", nil)}, nil)}, []string{"a unreadable malformed", "b alarm-state ALARM"}},
		"metric and composite":    {map[string]answer{"": page("", one, []cbor.Value{alarm("a", "ALARM", nil)})}, []string{"a unreadable malformed", "b unreadable gone"}},
		"a token that is refused": {map[string]answer{"": page("p2", one, nil), "p2": fault(400, "InvalidNextToken")}, []string{"a alarm-state OK", "b unreadable malformed"}},
	} {
		t.Run(name, func(t *testing.T) {
			doer := &canned{t: t, answer: func(_ context.Context, a asked) answer {
				if len(a.names) != 2 || a.max != 100 {
					t.Errorf("a page is asked for %+v", a)
				}
				return test.pages[a.token]
			}}
			cannedtest.Expect(t, lines(evidence(doer).Read(t.Context(), []health.Subject{named("a"), named("b")})), test.want)
		})
	}
}

func TestGroupsCalls(t *testing.T) {
	doer := &canned{t: t, answer: network}
	var subjects []health.Subject
	for n := range 250 {
		subjects = append(subjects, named(fmt.Sprintf("alarm-%03d", n)))
	}
	far, other, stranger := named("composite"), named("alarm-000"), named("alarm-000")
	far.Region, other.Account, stranger.Account = "us-east-1", "444455556666", "999999999999"
	router := health.Subject{Kind: health.SubjectInstance, ID: "i-1", Account: account, Region: region}
	subjects = append(subjects, far, other, stranger, router)
	slices.Reverse(subjects)
	facts := evidence(doer).Read(t.Context(), subjects)
	for i, f := range facts {
		if f.Subject != subjects[i] {
			t.Fatalf("fact %d is about %+v, want %+v", i, f.Subject, subjects[i])
		}
	}
	cannedtest.Expect(t, lines(facts)[:5], []string{
		"i-1 unreadable malformed", "alarm-000 unreadable denied", "alarm-000 alarm-state OK", "composite alarm-state ALARM", "alarm-249 alarm-state OK",
	})
	var calls []string
	for _, call := range doer.calls {
		calls = append(calls, fmt.Sprint(call.host, " ", len(call.names)))
	}
	slices.Sort(calls)
	cannedtest.Expect(t, calls, []string{
		"monitoring.eu-west-1.amazonaws.com 1", "monitoring.eu-west-1.amazonaws.com 100", "monitoring.eu-west-1.amazonaws.com 100",
		"monitoring.eu-west-1.amazonaws.com 50", "monitoring.us-east-1.amazonaws.com 1",
	})
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		answer answer
		want   route.Problem
	}{
		"throttled":              {fault(400, "ThrottlingException"), route.ProblemThrottled},
		"throttled, in query":    {fault(400, "Throttling"), route.ProblemThrottled},
		"a full bucket":          {fault(503, "RequestLimitExceeded"), route.ProblemThrottled},
		"denied":                 {fault(403, "AccessDenied"), route.ProblemDenied},
		"denied, with exception": {fault(400, "AccessDeniedException"), route.ProblemDenied},
		"a role without a right": {fault(403, "UnauthorizedOperation"), route.ProblemDenied},
		"old credentials":        {fault(403, "ExpiredTokenException"), route.ProblemDenied},
		"a bad parameter":        {fault(400, "InvalidParameterValueException"), route.ProblemMalformed},
		"an internal failure":    {fault(500, "InternalServiceFault"), route.ProblemTimeout},
		"a proxy's failure":      {answer{status: 502, raw: "<html>"}, route.ProblemTimeout},
		"no CBOR":                {answer{status: 200, raw: "<html>"}, route.ProblemMalformed},
		"no connection":          {answer{err: errors.New("connection reset")}, route.ProblemTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			doer := &canned{t: t, answer: func(context.Context, asked) answer { return test.answer }}
			facts := evidence(doer).Read(t.Context(), []health.Subject{named("b"), named("a")})
			cannedtest.Expect(t, lines(facts), []string{"b unreadable " + string(test.want), "a unreadable " + string(test.want)})
			if facts[0].Note == "" || facts[0].Source != health.SourceDescribeAlarms || strings.Contains(facts[0].Note, "planted") {
				t.Errorf("the fact is %+v", facts[0])
			}
			if len(doer.calls) != 1 {
				t.Errorf("%d calls, want one", len(doer.calls))
			}
		})
	}
}

// TestClientsAreBuiltWhenNeeded: without alarms no configuration is asked for,
// and one that cannot be had is asked for again.
func TestClientsAreBuiltWhenNeeded(t *testing.T) {
	doer := &canned{t: t, answer: network}
	wanted, fails := 0, true
	e := New(func(account, region string) (aws.Config, error) {
		wanted++
		if fails {
			return aws.Config{}, errors.New("not yet")
		}
		return cannedtest.Configs(doer)(account, region)
	}, recordstest.NewClock(), time.Second)
	e.Read(t.Context(), []health.Subject{{Kind: health.SubjectInstance, ID: "i-1", Account: account, Region: region}})
	if wanted != 0 {
		t.Errorf("%d configurations were asked for without an alarm", wanted)
	}
	cannedtest.Expect(t, lines(e.Read(t.Context(), []health.Subject{named("a")})), []string{"a unreadable denied"})
	fails = false
	for range 3 {
		cannedtest.Expect(t, lines(e.Read(t.Context(), []health.Subject{named("a")})), []string{"a alarm-state OK"})
	}
	if wanted != 2 {
		t.Errorf("%d configurations were asked for, want one that failed and one that is kept", wanted)
	}
}

// TestAnAnswerThatIsCutOff: a body that stalls is no malformed one.
func TestAnAnswerThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{t: t, answer: func(ctx context.Context, _ asked) answer {
			return answer{status: 200, stream: cannedtest.CutOff{Call: ctx}}
		}}
		facts := New(cannedtest.Configs(doer), realTimeout{recordstest.NewClock()}, 5*time.Second).Read(t.Context(), []health.Subject{named("a")})
		cannedtest.Expect(t, lines(facts), []string{"a unreadable timeout"})
		if !strings.Contains(facts[0].Note, "deadline exceeded") {
			t.Errorf("it says %q", facts[0].Note)
		}
	})
}

// realTimeout is a clock whose timeouts run out.
type realTimeout struct{ *recordstest.Clock }

func (realTimeout) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

func TestEveryCallHasItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{t: t, answer: func(ctx context.Context, a asked) answer {
			if a.token == "" {
				time.Sleep(4 * time.Second)
				return page("p2", []cbor.Value{alarm("a", "OK", nil)}, nil)
			}
			<-ctx.Done()
			return answer{err: errors.New("connection closed")}
		}}
		began := time.Now()
		facts := New(cannedtest.Configs(doer), realTimeout{recordstest.NewClock()}, 5*time.Second).Read(t.Context(), []health.Subject{named("a"), named("b")})
		cannedtest.Expect(t, lines(facts), []string{"a alarm-state OK", "b unreadable timeout"})
		if took := time.Since(began); took != 9*time.Second || !strings.Contains(facts[1].Note, "deadline exceeded") {
			t.Errorf("it took %s, and says %q", took, facts[1].Note)
		}
	})
}
