package statesapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/states"
	"detour/shared/sim/statesapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

const definition = `{"StartAt":"Ask","States":{
	"Ask":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"ask","Payload":{"token.$":"$$.Task.Token"}},
		"TimeoutSeconds":600,"Catch":[{"ErrorEquals":["States.Timeout"],"ResultPath":"$.e","Next":"Late"}],"End":true},
	"Late":{"Type":"Fail","Error":"Late","Cause":"nobody answered"}}}`

// rig is Step Functions in virtual time behind the real client.
type rig struct {
	time    *sim.Scheduler
	engine  *states.Engine
	handler *statesapi.Handler
	client  *sfn.Client
	machine string
	tokens  []string
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{time: sim.NewScheduler(1, start)}
	tb.Cleanup(r.time.Close)
	r.engine = states.New(states.Options{Keeper: r.time, Invoke: func(call states.Invocation) {
		var payload struct{ Token string }
		if err := json.Unmarshal(call.Payload, &payload); err != nil {
			tb.Error(err)
		}
		r.tokens = append(r.tokens, payload.Token)
		call.Answer(states.Answer{Payload: []byte("null")})
	}})
	d, err := states.Load([]byte(definition), nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.machine = r.engine.Create(account, region, "failback", "arn:aws:iam::111122223333:role/machine", d)
	r.handler = statesapi.New(r.engine)
	r.client = r.clientOf(account, region)
	return r
}

func (r *rig) clientOf(account, region string) *sfn.Client {
	return sfn.New(sfn.Options{
		Region: region, HTTPClient: r.handler, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
}

func (r *rig) run(d time.Duration) { r.time.RunUntil(r.time.Now().Add(d)) }

func (r *rig) start(tb testing.TB, name, input string) *sfn.StartExecutionOutput {
	tb.Helper()
	out, err := r.client.StartExecution(context.Background(), &sfn.StartExecutionInput{StateMachineArn: &r.machine, Name: &name, Input: &input})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// refused checks the code and a part of the message of an error.
func refused(tb testing.TB, err error, code, message string) {
	tb.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		tb.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func TestExecution(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	started := r.start(t, "x", `{"a":1}`)
	arn := "arn:aws:states:eu-west-1:111122223333:execution:failback:x"
	if *started.ExecutionArn != arn || !started.StartDate.Equal(start) {
		t.Fatalf("got %+v", started)
	}
	r.run(time.Minute)
	if again := r.start(t, "x", `{"a":1}`); *again.ExecutionArn != arn || !again.StartDate.Equal(start) {
		t.Errorf("again: %+v", again)
	}
	_, err := r.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &r.machine, Name: aws.String("x"), Input: aws.String(`{"a":2}`)})
	var exists *types.ExecutionAlreadyExists
	if !errors.As(err, &exists) {
		t.Errorf("got %v", err)
	}
	refused(t, err, "ExecutionAlreadyExists", "Execution Already Exists: '"+arn+"'")

	x, err := r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil || x.Status != types.ExecutionStatusRunning || *x.Name != "x" || *x.StateMachineArn != r.machine || *x.Input != `{"a":1}` || !x.InputDetails.Included ||
		x.Output != nil || x.StopDate != nil || x.Error != nil || x.RedriveStatus != types.ExecutionRedriveStatusNotRedrivable || !x.StartDate.Equal(start) {
		t.Errorf("got %+v, %v", x, err)
	}
	if _, err := r.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &r.tokens[0], Output: aws.String(`{"by":"me"}`)}); err != nil {
		t.Fatal(err)
	}
	r.run(0)
	x, err = r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil || x.Status != types.ExecutionStatusSucceeded || *x.Output != `{"by":"me"}` || x.StopDate.Sub(start) != time.Minute {
		t.Errorf("got %+v, %v", x, err)
	}
	x, err = r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn, IncludedData: types.IncludedDataMetadataOnly})
	if err != nil || x.Output != nil || x.Input != nil || x.InputDetails.Included {
		t.Errorf("got %+v, %v", x, err)
	}
	_, err = r.client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &r.tokens[0]})
	var closed *types.TaskTimedOut
	if !errors.As(err, &closed) {
		t.Errorf("got %v", err)
	}
}

func TestEnds(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	failed, stopped, late := r.start(t, "failed", `{}`).ExecutionArn, r.start(t, "stopped", `{}`).ExecutionArn, r.start(t, "late", `{}`).ExecutionArn
	r.run(0)
	tokens := map[string]string{}
	for _, token := range r.tokens {
		for _, arn := range []*string{failed, stopped, late} {
			if out, err := r.client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: arn}); err == nil {
				for _, e := range out.Events {
					if e.TaskScheduledEventDetails != nil && strings.Contains(*e.TaskScheduledEventDetails.Parameters, token) {
						tokens[*arn] = token
					}
				}
			}
		}
	}
	if _, err := r.client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: aws.String(tokens[*failed]), Error: aws.String("Rejected"), Cause: aws.String("no")}); err != nil {
		t.Fatal(err)
	}
	out, err := r.client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: stopped, Error: aws.String("Enough"), Cause: aws.String("by hand")})
	if err != nil || !out.StopDate.Equal(start) {
		t.Fatalf("got %+v, %v", out, err)
	}
	r.run(time.Hour)
	for arn, want := range map[string]string{
		*failed: "FAILED Rejected no REDRIVABLE", *stopped: "ABORTED Enough by hand REDRIVABLE", *late: "FAILED Late nobody answered REDRIVABLE",
	} {
		x, err := r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(x.Status, " ", aws.ToString(x.Error), " ", aws.ToString(x.Cause), " ", x.RedriveStatus); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	arn := r.start(t, "x", `{"a":1}`).ExecutionArn
	r.run(time.Hour)
	all, err := r.client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range all.Events {
		kinds = append(kinds, string(e.Type))
	}
	want := "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskTimedOut TaskStateExited FailStateEntered ExecutionFailed"
	if got := strings.Join(kinds, " "); got != want {
		t.Fatalf("got %s", got)
	}
	for i, e := range all.Events {
		if e.Id != int64(i+1) || e.Timestamp.Before(start) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	e := all.Events
	switch {
	case *e[0].ExecutionStartedEventDetails.Input != `{"a":1}` || *e[0].ExecutionStartedEventDetails.RoleArn != "arn:aws:iam::111122223333:role/machine":
		t.Errorf("started: %+v", e[0].ExecutionStartedEventDetails)
	case *e[1].StateEnteredEventDetails.Name != "Ask" || *e[1].StateEnteredEventDetails.Input != `{"a":1}` || e[1].StateEnteredEventDetails.InputDetails.Truncated:
		t.Errorf("entered: %+v", e[1].StateEnteredEventDetails)
	case *e[2].TaskScheduledEventDetails.Resource != "invoke.waitForTaskToken" || *e[2].TaskScheduledEventDetails.ResourceType != "lambda" || *e[2].TaskScheduledEventDetails.TimeoutInSeconds != 600 || *e[2].TaskScheduledEventDetails.Region != region:
		t.Errorf("scheduled: %+v", e[2].TaskScheduledEventDetails)
	case *e[4].TaskSubmittedEventDetails.Output != `{"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}`:
		t.Errorf("submitted: %s", *e[4].TaskSubmittedEventDetails.Output)
	case *e[5].TaskTimedOutEventDetails.Error != "States.Timeout" || e[5].TaskTimedOutEventDetails.Cause != nil || e[5].Timestamp.Sub(start) != 10*time.Minute:
		t.Errorf("timed out: %+v at %s", e[5].TaskTimedOutEventDetails, e[5].Timestamp)
	case *e[8].ExecutionFailedEventDetails.Cause != "nobody answered":
		t.Errorf("failed: %+v", e[8].ExecutionFailedEventDetails)
	}
	bare, err := r.client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: arn, IncludeExecutionData: aws.Bool(false), ReverseOrder: true})
	if err != nil || bare.Events[0].Id != 9 || bare.Events[8].ExecutionStartedEventDetails.Input != nil {
		t.Errorf("got %+v, %v", bare, err)
	}
}

// TestPages: pages fit together, also while more comes.
func TestPages(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	for i := range 5 {
		r.start(t, fmt.Sprintf("x%d", i), `{}`)
		r.run(time.Second)
	}
	var names []string
	pages := sfn.NewListExecutionsPaginator(r.client, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, MaxResults: 2})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Executions {
			names = append(names, *x.Name)
		}
		r.start(t, fmt.Sprintf("more%d", len(names)), `{}`)
	}
	if got := strings.Join(names, " "); got != "x4 x3 x2 x1 x0" {
		t.Errorf("got %s", got)
	}
	for _, reverse := range []bool{false, true} {
		var ids []int64
		r.handler.LimitPages(3)
		history := sfn.NewGetExecutionHistoryPaginator(r.client, &sfn.GetExecutionHistoryInput{
			ExecutionArn: aws.String("arn:aws:states:eu-west-1:111122223333:execution:failback:x0"), ReverseOrder: reverse,
		})
		for history.HasMorePages() {
			out, err := history.NextPage(ctx)
			if err != nil || len(out.Events) > 3 {
				t.Fatalf("got %+v, %v", out, err)
			}
			for _, e := range out.Events {
				ids = append(ids, e.Id)
			}
		}
		if want := map[bool]string{false: "[1 2 3 4 5]", true: "[5 4 3 2 1]"}[reverse]; fmt.Sprint(ids) != want {
			t.Errorf("got %v", ids)
		}
	}
	r.handler.LimitPages(0)
	out, err := r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, StatusFilter: types.ExecutionStatusSucceeded})
	if err != nil || len(out.Executions) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
	first, err := r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, MaxResults: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, NextToken: first.NextToken, StatusFilter: types.ExecutionStatusRunning})
	refused(t, err, "InvalidToken", "Invalid Token")
	_, err = r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, NextToken: aws.String("?")})
	refused(t, err, "InvalidToken", "Invalid Token")
	_, err = r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, MaxResults: 1001})
	refused(t, err, "ValidationException", "'maxResults'")
	_, err = r.client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &r.machine, StatusFilter: "X"})
	refused(t, err, "ValidationException", "'statusFilter'")
}

func TestMachines(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	out, err := r.client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err != nil || len(out.StateMachines) != 1 || *out.StateMachines[0].StateMachineArn != r.machine || out.StateMachines[0].Type != types.StateMachineTypeStandard {
		t.Errorf("got %+v, %v", out, err)
	}
	m, err := r.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &r.machine})
	if err != nil || *m.Definition != definition || m.Status != types.StateMachineStatusActive || *m.RoleArn != "arn:aws:iam::111122223333:role/machine" || !m.CreationDate.Equal(start) {
		t.Errorf("got %+v, %v", m, err)
	}
	if out, err := r.clientOf("444455556666", region).ListStateMachines(ctx, &sfn.ListStateMachinesInput{}); err != nil || len(out.StateMachines) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestRefusals(t *testing.T) {
	r, ctx := newRig(t), context.Background()
	other := strings.Replace(r.machine, "failback", "other", 1)
	missing := "arn:aws:states:eu-west-1:111122223333:execution:failback:none"
	start := func(client *sfn.Client, machine, name, input string) error {
		_, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
		return err
	}
	refused(t, start(r.client, other, "x", `{}`), "StateMachineDoesNotExist", "State Machine Does Not Exist: '"+other+"'")
	refused(t, start(r.client, "nonsense", "x", `{}`), "InvalidArn", "Invalid Arn")
	refused(t, start(r.client, missing, "x", `{}`), "InvalidArn", "Invalid Arn")
	refused(t, start(r.client, r.machine, "a b", `{}`), "InvalidName", "Invalid Name: 'a b'")
	refused(t, start(r.client, r.machine, "x", `{`), "InvalidExecutionInput", "Invalid State Machine Execution Input")
	refused(t, start(r.clientOf(account, "us-east-1"), r.machine, "x", `{}`), "InvalidArn", "Region mismatch")
	refused(t, start(r.clientOf("444455556666", region), r.machine, "x", `{}`), "AccessDeniedException", "444455556666")
	refused(t, start(r.clientOf("AKIA", region), r.machine, "x", `{}`), "UnrecognizedClientException", "no account")
	_, err := r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &missing})
	refused(t, err, "ExecutionDoesNotExist", "Execution Does Not Exist: '"+missing+"'")
	_, err = r.client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &missing})
	refused(t, err, "ExecutionDoesNotExist", missing)
	_, err = r.client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &missing})
	refused(t, err, "ExecutionDoesNotExist", missing)
	_, err = r.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &other})
	refused(t, err, "StateMachineDoesNotExist", other)
	_, err = r.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String("x"), Output: aws.String("{}")})
	refused(t, err, "InvalidToken", "Invalid Token: 'Invalid token'")
	_, err = r.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String("x"), Output: aws.String("{")})
	refused(t, err, "InvalidOutput", "Invalid Output")
	_, err = r.client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("x")})
	refused(t, err, "UnknownOperationException", "AWSStepFunctions.DescribeExecution, DescribeStateMachine, GetExecutionHistory")
	_, err = r.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &missing, IncludedData: "X"})
	refused(t, err, "ValidationException", "'includedData'")
}

// TestRequestsInJSON are requests that no client of AWS makes.
func TestRequestsInJSON(t *testing.T) {
	r := newRig(t)
	for body, want := range map[string]string{
		`[]`:                            "the DescribeExecution request is no JSON object",
		`{}`:                            "Value null at 'executionArn' failed to satisfy constraint: Member must not be null",
		`{"executionArn":1}`:            "The member executionArn is of the wrong type",
		`{"executionArn":"x","more":1}`: `The member \"more\" of the DescribeExecution request is not simulated`,
	} {
		req, err := http.NewRequest(http.MethodPost, "https://states.eu-west-1.amazonaws.com/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "AWSStepFunctions.DescribeExecution")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260102/eu-west-1/states/aws4_request, SignedHeaders=host, Signature=00")
		resp, err := r.handler.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
}

// FuzzRequests answers any request.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][2]string{
		{"StartExecution", `{"stateMachineArn":"arn:aws:states:eu-west-1:111122223333:stateMachine:failback","name":"x","input":"{}"}`},
		{"ListExecutions", `{"stateMachineArn":"arn:aws:states:eu-west-1:111122223333:stateMachine:failback","maxResults":1,"nextToken":"MSBh"}`},
		{"GetExecutionHistory", `{"executionArn":"arn:aws:states:eu-west-1:111122223333:execution:failback:old","reverseOrder":true}`},
		{"DescribeExecution", `{"executionArn":"a:b:c:d:e:f:g:h"}`},
		{"SendTaskSuccess", `{"taskToken":"eA==","output":"1"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		r := newRig(t)
		r.start(t, "old", `{}`)
		req, err := http.NewRequest(http.MethodPost, "https://states.eu-west-1.amazonaws.com/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["X-Amz-Target"] = []string{"AWSStepFunctions." + operation}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260102/eu-west-1/states/aws4_request, SignedHeaders=host, Signature=00")
		resp, err := r.handler.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if !json.Valid(text) || resp.StatusCode >= 500 {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
		r.run(time.Minute)
	})
}

// TestFaults: a start whose answer was lost is made again, and starts nothing else.
func TestFaults(t *testing.T) {
	r := newRig(t)
	plan := &sim.FaultPlan{Rules: []sim.FaultRule{
		{Action: "StartExecution", Fault: sim.FaultThrottle}, {Action: "StartExecution", Nth: 2, Fault: sim.FaultLostAnswer},
	}}
	client := sfn.New(sfn.Options{
		Region: region, HTTPClient: sim.NewTransport(r.time, r.handler, plan), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
	var errs []error
	r.time.Start("caller", func(ctx context.Context, p *sim.Process) {
		for range 3 {
			_, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &r.machine, Name: aws.String("x"), Input: aws.String(`{}`)})
			errs = append(errs, err)
		}
	})
	r.run(time.Hour)
	refused(t, errs[0], "ThrottlingException", "Injected")
	if !errors.Is(errs[1], sim.ErrConnectionLost) || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	if list, err := r.engine.Executions(r.machine, ""); err != nil || len(list) != 1 {
		t.Errorf("got %v, %v", list, err)
	}
}
