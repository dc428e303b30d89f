// Package sdktest tests the wire face of alarms with the real AWS SDK as its
// client. It is apart from cloudwatchapi so that the fuzz target there is built
// without the SDK.
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/cloudwatchapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) }
func (still) At(time.Time, string, func()) {}

func world(t *testing.T, names ...string) *sim.World {
	t.Helper()
	topology := sim.Topology{Account: account, Region: region}
	for _, name := range names {
		topology.Alarms = append(topology.Alarms, sim.AlarmSpec{Name: name})
	}
	topology.Alarms = append(topology.Alarms, sim.AlarmSpec{Name: "elsewhere", Region: "us-east-1"})
	w, err := sim.NewWorld(still{}, topology, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func client(doer aws.HTTPClient, key string) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: region, HTTPClient: doer, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider(key, "x", ""),
	})
}

func background() context.Context {
	return sim.WithCall(context.Background(), sim.Call{Process: "p1", SentAt: time.Unix(100, 0), Fault: "delay"})
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func names(out *cloudwatch.DescribeAlarmsOutput) []string {
	var list []string
	for _, a := range out.MetricAlarms {
		list = append(list, *a.AlarmName)
	}
	return list
}

func TestAlarmAsItIsShown(t *testing.T) {
	w := world(t, "a", "b", "c")
	if err := w.SetAlarm("b", "ALARM"); err != nil {
		t.Fatal(err)
	}
	got, err := client(cloudwatchapi.New(w), account).DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{"b", "gone", "elsewhere"}, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}, MaxRecords: aws.Int32(100),
	})
	if err != nil || !slices.Equal(names(got), []string{"b"}) || len(got.CompositeAlarms) != 0 || got.NextToken != nil {
		t.Fatalf("%+v %v", got, err)
	}
	a := got.MetricAlarms[0]
	if *a.AlarmArn != "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:b" || a.StateValue != types.StateValueAlarm || *a.StateReason == "" ||
		!a.StateUpdatedTimestamp.Equal(still{}.Now()) || !a.StateTransitionedTimestamp.Equal(still{}.Now()) {
		t.Errorf("%+v", a)
	}
	calls := w.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d records", len(calls))
	}
	r := calls[0]
	if r.Action != "DescribeAlarms" || r.Process != "p1" || r.Account != account || r.Region != region || r.Code != "" || r.Fault != "delay" || !r.SentAt.Equal(time.Unix(100, 0)) ||
		r.Params.Get("AlarmNames.1") != "b" || !slices.Equal(r.Told, []sim.Told{
		{Resource: "b", Field: "alarm-state", Value: "ALARM"}, {Resource: "elsewhere", Field: "alarm-state"}, {Resource: "gone", Field: "alarm-state"},
	}) {
		t.Errorf("record %+v", r)
	}
}

func TestSelection(t *testing.T) {
	w := world(t, "vpn-a", "vpn-b", "box")
	if err := w.SetAlarm("vpn-b", "ALARM"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   cloudwatch.DescribeAlarmsInput
		want []string
	}{
		"all":    {cloudwatch.DescribeAlarmsInput{}, []string{"box", "vpn-a", "vpn-b"}},
		"prefix": {cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("vpn-")}, []string{"vpn-a", "vpn-b"}},
		"state":  {cloudwatch.DescribeAlarmsInput{StateValue: types.StateValueAlarm}, []string{"vpn-b"}},
		"types":  {cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}, nil},
	} {
		got, err := client(cloudwatchapi.New(w), account).DescribeAlarms(background(), &c.in)
		if err != nil || !slices.Equal(names(got), c.want) {
			t.Errorf("%s: got %v, %v", name, names(got), err)
		}
	}
	if got, err := client(cloudwatchapi.New(w), "444455556666").DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{}); err != nil || len(got.MetricAlarms) != 0 {
		t.Errorf("another account sees %v, %v", names(got), err)
	}
}

func TestPages(t *testing.T) {
	var all []string
	for i := range 120 {
		all = append(all, fmt.Sprintf("alarm-%03d", i))
	}
	w := world(t, all...)
	for _, c := range []struct {
		max          *int32
		limit, pages int
	}{{nil, 0, 3}, {aws.Int32(100), 0, 2}, {aws.Int32(7), 0, 18}, {aws.Int32(100), 40, 3}} {
		h := cloudwatchapi.New(w)
		h.LimitPages(c.limit)
		pages := cloudwatch.NewDescribeAlarmsPaginator(client(h, account), &cloudwatch.DescribeAlarmsInput{MaxRecords: c.max})
		var got []string
		count := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(background())
			if err != nil {
				t.Fatal(err)
			}
			got, count = append(got, names(page)...), count+1
		}
		if !slices.Equal(got, all) || count != c.pages {
			t.Errorf("%d alarms in %d pages, want %d", len(got), count, c.pages)
		}
	}
	first, err := client(cloudwatchapi.New(w), account).DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client(cloudwatchapi.New(w), account).DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{NextToken: first.NextToken, AlarmNamePrefix: aws.String("a")})
	wantCode(t, err, "InvalidNextToken")
}

func TestErrors(t *testing.T) {
	w := world(t, "a")
	h := cloudwatchapi.New(w)
	for want, in := range map[string]*cloudwatch.DescribeAlarmsInput{
		"InvalidNextToken": {NextToken: aws.String("x")},
		"ValidationError":  {MaxRecords: aws.Int32(101)},
		"MalformedInput":   {ActionPrefix: aws.String("arn:")},
	} {
		_, err := client(h, account).DescribeAlarms(background(), in)
		wantCode(t, err, want)
	}
	for _, in := range []*cloudwatch.DescribeAlarmsInput{
		{MaxRecords: aws.Int32(0)}, {StateValue: "BAD"}, {AlarmNames: make([]string, 101)}, {AlarmNames: []string{"a"}, AlarmNamePrefix: aws.String("a")}, {AlarmTypes: []types.AlarmType{"X"}},
	} {
		_, err := client(h, account).DescribeAlarms(background(), in)
		wantCode(t, err, "ValidationError")
	}
	_, err := client(h, "AKIAEXAMPLE").DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{})
	wantCode(t, err, "InvalidClientTokenId")
	_, err = client(h, account).ListMetrics(background(), &cloudwatch.ListMetricsInput{})
	wantCode(t, err, "InvalidAction")
	for _, r := range w.Calls() {
		if r.Code == "" || r.Told != nil {
			t.Errorf("record %+v", r)
		}
	}
}

// TestInjectedFaults: what a Transport answers in the place of the face is what
// the client takes for CloudWatch's.
func TestInjectedFaults(t *testing.T) {
	for kind, want := range map[sim.FaultKind]string{sim.FaultThrottle: "Throttling", sim.FaultErrorBefore: "InternalServiceError", sim.FaultErrorAfter: "InternalServiceError"} {
		s := sim.NewScheduler(1, still{}.Now())
		w := world(t, "a")
		plan := &sim.FaultPlan{Enabled: true, Rules: []sim.FaultRule{{Action: "DescribeAlarms", Fault: kind}}}
		transport := sim.NewTransport(s, cloudwatchapi.New(w), plan, w.Record)
		s.Start("reader", func(ctx context.Context, _ *sim.Process) {
			_, err := client(transport, account).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"a"}})
			wantCode(t, err, want)
			got, err := client(transport, account).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"a"}})
			if err != nil || len(got.MetricAlarms) != 1 {
				t.Errorf("%s: then %+v, %v", kind, got, err)
			}
		})
		s.RunUntil(still{}.Now().Add(time.Minute))
		s.Close()
		if calls := w.Calls(); len(calls) != 2 || calls[0].Action != "DescribeAlarms" || calls[0].Fault != string(kind) || calls[0].Account != account {
			t.Errorf("%s: the call log is %+v", kind, calls)
		}
	}
}

// TestAbsenceIsToldByTheLastPage: that an alarm is not there follows from the
// whole answer only; one that other members of the request leave out is there.
func TestAbsenceIsToldByTheLastPage(t *testing.T) {
	w := world(t, "a", "b")
	h := cloudwatchapi.New(w)
	h.LimitPages(1)
	in := &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"0", "a", "b"}}
	for i, want := range [][]sim.Told{
		{{Resource: "a", Field: "alarm-state", Value: "OK"}},
		{{Resource: "b", Field: "alarm-state", Value: "OK"}, {Resource: "0", Field: "alarm-state"}},
	} {
		out, err := client(h, account).DescribeAlarms(background(), in)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Calls()[i].Told; !slices.Equal(got, want) {
			t.Errorf("page %d told %v, want %v", i+1, got, want)
		}
		in.NextToken = out.NextToken
	}
	if err := w.DeleteAlarm("b"); err != nil {
		t.Fatal(err)
	}
	_, err := client(h, account).DescribeAlarms(background(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"a", "b"}, StateValue: types.StateValueAlarm})
	if got := w.Calls()[2].Told; err != nil || !slices.Equal(got, []sim.Told{{Resource: "b", Field: "alarm-state"}}) {
		t.Errorf("told %v, %v", got, err)
	}
}
