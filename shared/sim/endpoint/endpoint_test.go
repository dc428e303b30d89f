package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"
	"detour/shared/sim/endpoint"
	"detour/shared/sim/eventsapi"
	"detour/shared/sim/sqsapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fakeFace answers with its name, and keeps the last request.
type fakeFace struct {
	name string
	last *http.Request
	body string
}

func (f *fakeFace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.last, f.body = r, string(body)
	w.Header().Set("X-Face", f.name)
	w.WriteHeader(http.StatusTeapot)
	w.WriteHeader(http.StatusOK) // The first one counts.
	_, _ = io.WriteString(w, "from "+f.name)
}

// request makes a request with an Authorization header.
func request(t *testing.T, authorization, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:4566/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func signed(service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + account + "/20260102/eu-west-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

func TestServiceOfTheCredentialScopePicksTheFace(t *testing.T) {
	network, store := &fakeFace{name: "network"}, &fakeFace{name: "store"}
	h := endpoint.New(map[string]http.Handler{"ec2": network, "sts": network, "dynamodb": store})
	for service, face := range map[string]*fakeFace{"ec2": network, "sts": network, "dynamodb": store} {
		r := request(t, signed(service), "body of "+service)
		resp, err := h.Do(r.WithContext(sim.WithCall(r.Context(), sim.Call{Process: "p " + service})))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if string(body) != "from "+face.name || resp.StatusCode != http.StatusTeapot || resp.Status != "418 I'm a teapot" || resp.Header.Get("X-Face") != face.name || resp.ContentLength != int64(len(body)) {
			t.Errorf("%s: got %s, %v, %s", service, resp.Status, resp.Header, body)
		}
		if got := sim.CallFrom(face.last.Context()).Process; got != "p "+service || face.body != "body of "+service {
			t.Errorf("%s: the face got the call of %q with %q", service, got, face.body)
		}
	}
	presigned, _ := http.NewRequest(http.MethodGet, "http://h/?X-Amz-Credential="+account+"%2F20260102%2Feu-west-1%2Fdynamodb%2Faws4_request", http.NoBody)
	presigned.Body = nil
	if resp, err := h.Do(presigned); err != nil || resp.Header.Get("X-Face") != "store" {
		t.Errorf("a presigned request got %v, %v", resp, err)
	}
}

func TestRequestOfNoFaceLearnsWhichServicesThereAre(t *testing.T) {
	h := endpoint.New(map[string]http.Handler{"sqs": &fakeFace{}, "ec2": &fakeFace{}, "events": &fakeFace{}})
	for authorization, cause := range map[string]string{
		"":                           "the request has no signature",
		"Basic dXNlcjpwYXNz":         "the request has no signature",
		"AWS4-HMAC-SHA256 Signature": "the request has no signature",
		"AWS4-HMAC-SHA256 Credential=a/b/c/sqs, SignedHeaders=host":                 "not of the form ID/date/region/service/aws4_request",
		"AWS4-HMAC-SHA256 Credential=a/b//sqs/aws4_request, SignedHeaders=host":     "not of the form",
		"AWS4-HMAC-SHA256 Credential=a/b/c//aws4_request, SignedHeaders=host":       "not of the form",
		"AWS4-HMAC-SHA256 Credential=/b/c/sqs/aws4_request, SignedHeaders=host":     "not of the form",
		"AWS4-HMAC-SHA256 Credential=a/b/c/sqs/aws5_request, SignedHeaders=host":    "not of the form",
		"AWS4-HMAC-SHA256 Credential=a/b/c/sqs/aws4_request/x, SignedHeaders=host":  "not of the form",
		"AWS4-HMAC-SHA256 Credential=a/b/c/lambda/aws4_request, SignedHeaders=host": `names the service "lambda", which is not simulated`,
	} {
		resp, err := h.Do(request(t, authorization, ""))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Type    string `json:"__type"`
			Message string
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusForbidden || answer.Type == "" || !strings.Contains(answer.Message, cause) || !strings.HasSuffix(answer.Message, "one of the simulated services: ec2, events, sqs.") {
			t.Errorf("%q: got %s, %+v", authorization, resp.Status, answer)
		}
	}
}

func TestRequestWhoseContextIsOverDoesNotArrive(t *testing.T) {
	face := &fakeFace{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := endpoint.New(map[string]http.Handler{"ec2": face}).Do(request(t, signed("ec2"), "").WithContext(ctx))
	if !errors.Is(err, context.Canceled) || face.last != nil {
		t.Fatalf("got %v, and the face got %v", err, face.last)
	}
}

func TestNilFaceIsAMistake(t *testing.T) {
	defer func() {
		if got, _ := recover().(string); !strings.Contains(got, `the service "sqs" is nil`) {
			t.Errorf("got %q", got)
		}
	}()
	endpoint.New(map[string]http.Handler{"sqs": nil})
}

// lab is all faces on one endpoint.
type lab struct {
	handler *endpoint.Handler
	queues  *sqsapi.Handler
	queue   string
	events  chan eventsapi.Event
	world   *sim.World
}

func newLab(t *testing.T, tk sim.Timekeeper) *lab {
	t.Helper()
	w, err := sim.NewWorld(tk, sim.Topology{
		Account: account, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-1", Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-1"}}}},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{world: w, queues: sqsapi.New(tk), events: make(chan eventsapi.Event, 1)}
	l.queue = l.queues.Create(sqsapi.Queue{Account: account, Region: region, Name: "wake"})
	network := ec2api.New(w)
	l.handler = endpoint.New(map[string]http.Handler{
		"ec2": network, "sts": network, "sqs": l.queues,
		"events": eventsapi.New(tk, func(e eventsapi.Event) { l.events <- e }),
	})
	return l
}

// use calls every service through the real SDK clients.
func (l *lab) use(ctx context.Context, t *testing.T, client aws.HTTPClient, url string) {
	t.Helper()
	cfg := aws.Config{
		Region: region, HTTPClient: client, BaseEndpoint: &url, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Account) != account {
		t.Errorf("sts: got %+v, %v", who, err)
	}
	queue, body := url+"/"+account+"/wake", "x"
	if _, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}); err != nil {
		t.Errorf("sqs: %v", err)
	}
	out, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: aws.String("detour"), DetailType: aws.String("d"), Detail: aws.String("{}")},
	}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Errorf("events: got %+v, %v", out, err)
	}
}

func (l *lab) wantUsed(t *testing.T, process string) {
	t.Helper()
	if calls := l.world.Calls(); len(calls) != 1 || calls[0].Action != "GetCallerIdentity" || calls[0].Process != process {
		t.Errorf("the call log is %+v", calls)
	}
	if got := l.queues.Receive(l.queue, 10); len(got) != 1 || got[0].Body != "x" {
		t.Errorf("the queue has %+v", got)
	}
	if e := <-l.events; e.Bus != "default" || e.Account != account {
		t.Errorf("the event is %+v", e)
	}
}

// TestAllServicesInVirtualTime goes through a Transport, whose call reaches the face.
func TestAllServicesInVirtualTime(t *testing.T) {
	s := sim.NewScheduler(1, start)
	defer s.Close()
	l := newLab(t, s)
	transport := sim.NewTransport(s, l.handler, nil)
	s.Start("switchover", func(ctx context.Context, _ *sim.Process) { l.use(ctx, t, transport, "https://lab.example") })
	s.RunUntil(start.Add(time.Minute))
	l.wantUsed(t, "switchover")
}

// TestAllServicesOnALoopbackAddress is what AWS_ENDPOINT_URL gives to programs outside.
func TestAllServicesOnALoopbackAddress(t *testing.T) {
	clock := sim.NewWallClock()
	defer clock.Close()
	l := newLab(t, clock)
	server := httptest.NewServer(l.handler)
	defer server.Close()
	l.use(t.Context(), t, server.Client(), server.URL)
	l.wantUsed(t, "")
}
