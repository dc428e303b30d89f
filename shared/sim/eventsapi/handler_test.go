package eventsapi_test

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
	"detour/shared/sim/eventsapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// rig is EventBridge in virtual time, with a bus beside the default one.
type rig struct {
	time    *sim.Scheduler
	handler *eventsapi.Handler
	client  *eventbridge.Client
	events  []eventsapi.Event
}

func newRig(tb testing.TB) *rig {
	r := &rig{time: sim.NewScheduler(1, start)}
	tb.Cleanup(r.time.Close)
	r.handler = eventsapi.New(r.time, func(e eventsapi.Event) { r.events = append(r.events, e) })
	r.handler.CreateBus(account, region, "detour")
	r.client = eventbridge.New(eventbridge.Options{
		Region: region, HTTPClient: r.handler, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
	return r
}

func (r *rig) put(entries ...types.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
	return r.client.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: entries})
}

// good returns an entry that is accepted, after the changes.
func good(changes ...func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{Source: aws.String("detour"), DetailType: aws.String("Detour Decision"), Detail: aws.String(`{"a":1}`)}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func TestEventIsDeliveredInItsEnvelope(t *testing.T) {
	r := newRig(t)
	out, err := r.put(
		good(),
		good(func(e *types.PutEventsRequestEntry) {
			e.EventBusName = aws.String("detour")
			e.Resources = []string{"arn:aws:ec2:eu-west-1:111122223333:vpn-connection/vpn-1", "x"}
			e.Time = aws.Time(time.Date(2025, 12, 31, 23, 59, 59, 999e6, time.UTC))
			e.Detail = aws.String("\n { \"text\" : \"\\u00e9 <&> é 😀\", \"n\": 12345678901234567890.10, \"list\": [null, {}] } ")
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.events) != 0 {
		t.Fatal("an event was delivered inside of the request")
	}
	if out.FailedEntryCount != 0 || len(out.Entries) != 2 || aws.ToString(out.Entries[0].EventId) != "00000000-0000-4000-9000-000000000001" || aws.ToString(out.Entries[1].EventId) != "00000000-0000-4000-9000-000000000002" || out.Entries[0].ErrorCode != nil {
		t.Fatalf("got %+v", out)
	}
	r.time.RunUntil(start)
	want := map[string]string{
		"default": `{"version":"0","id":"00000000-0000-4000-9000-000000000001","detail-type":"Detour Decision","source":"detour","account":"111122223333",` +
			`"time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":[],"detail":{"a":1}}`,
		"detour": `{"version":"0","id":"00000000-0000-4000-9000-000000000002","detail-type":"Detour Decision","source":"detour","account":"111122223333",` +
			`"time":"2025-12-31T23:59:59Z","region":"eu-west-1","resources":["arn:aws:ec2:eu-west-1:111122223333:vpn-connection/vpn-1","x"],` +
			`"detail":{"text":"\u00e9 \u003c\u0026\u003e é 😀","n":12345678901234567890.10,"list":[null,{}]}}`,
	}
	if len(r.events) != 2 {
		t.Fatalf("%d events were delivered", len(r.events))
	}
	for _, e := range r.events {
		if e.Account != account || e.Region != region || string(e.Raw) != want[e.Bus] {
			t.Errorf("got  %s on %s of %s in %s\nwant %s", e.Raw, e.Bus, e.Account, e.Region, want[e.Bus])
		}
	}
}

func TestEntriesFailOneByOne(t *testing.T) {
	type change = func(*types.PutEventsRequestEntry)
	for name, c := range map[string]struct {
		change  change
		code    string
		message string
	}{
		"no source":        {func(e *types.PutEventsRequestEntry) { e.Source = nil }, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."},
		"empty source":     {func(e *types.PutEventsRequestEntry) { e.Source = aws.String("") }, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."},
		"no detail type":   {func(e *types.PutEventsRequestEntry) { e.DetailType = nil }, "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."},
		"long detail type": {func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String(strings.Repeat("é", 129)) }, "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType has more than 128 characters."},
		"no detail":        {func(e *types.PutEventsRequestEntry) { e.Detail = nil }, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."},
		"AWS's source":     {func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.ec2") }, "NotAuthorizedForSourceException", "Not authorized for the source."},
		"half a detail":    {func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`{"a":`) }, "MalformedDetail", "Detail is malformed."},
		"two details":      {func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`{}{}`) }, "MalformedDetail", "Detail is malformed."},
		"list as detail":   {func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`[{}]`) }, "MalformedDetail", "Detail is malformed."},
		"string as detail": {func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`"{}"`) }, "MalformedDetail", "Detail is malformed."},
		"unknown bus": {
			func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("nowhere") }, "InvalidArgument",
			`Parameter EventBusName is not valid. Reason: account 111122223333 has no event bus "nowhere" in eu-west-1; create it, or use default.`,
		},
	} {
		r := newRig(t)
		out, err := r.put(good(c.change), good(), good(c.change))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if out.FailedEntryCount != 2 || len(out.Entries) != 3 || out.Entries[1].EventId == nil || out.Entries[1].ErrorCode != nil {
			t.Errorf("%s: got %d failed, %+v", name, out.FailedEntryCount, out.Entries)
			continue
		}
		for _, i := range []int{0, 2} {
			if got := out.Entries[i]; aws.ToString(got.ErrorCode) != c.code || aws.ToString(got.ErrorMessage) != c.message || got.EventId != nil {
				t.Errorf("%s: got %s: %s", name, aws.ToString(got.ErrorCode), aws.ToString(got.ErrorMessage))
			}
		}
		if r.time.RunUntil(start); len(r.events) != 1 {
			t.Errorf("%s: %d events were delivered", name, len(r.events))
		}
	}
}

func TestRequestsFailAsAWhole(t *testing.T) {
	many := make([]types.PutEventsRequestEntry, 11)
	for i := range many {
		many[i] = good()
	}
	sized := func(n int) types.PutEventsRequestEntry {
		return good(func(e *types.PutEventsRequestEntry) {
			e.Time, e.Resources = aws.Time(start), []string{"abc", "de"}
			rest := len("detour") + len("Detour Decision") + 14 + 5 + len(`{"a":""}`)
			e.Detail = aws.String(`{"a":"` + strings.Repeat("x", n-rest) + `"}`)
		})
	}
	for name, c := range map[string]struct {
		entries []types.PutEventsRequestEntry
		message string // empty: it succeeds
	}{
		"none":               {[]types.PutEventsRequestEntry{}, "1 to 10 entries; the request has 0"},
		"eleven":             {many, "1 to 10 entries; the request has 11"},
		"ten":                {many[:10], ""},
		"large":              {[]types.PutEventsRequestEntry{sized(256<<10 - 1)}, ""},
		"too large":          {[]types.PutEventsRequestEntry{sized(256 << 10)}, "it is 262144 bytes, and must be less than 262144"},
		"too large together": {[]types.PutEventsRequestEntry{sized(128 << 10), sized(128 << 10)}, "it is 262144 bytes"},
	} {
		r := newRig(t)
		out, err := r.put(c.entries...)
		r.time.RunUntil(start)
		var refused smithy.APIError
		switch {
		case c.message == "" && (err != nil || out.FailedEntryCount != 0 || len(r.events) != len(c.entries)):
			t.Errorf("%s: got %v and %d events", name, err, len(r.events))
		case c.message != "" && (!errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" || !strings.Contains(refused.ErrorMessage(), c.message) || len(r.events) != 0):
			t.Errorf("%s: got %v and %d events, want %s", name, err, len(r.events), c.message)
		}
	}
}

func TestWhatIsNotSimulatedIsRefusedByName(t *testing.T) {
	r := newRig(t)
	_, err := r.client.ListRules(context.Background(), &eventbridge.ListRulesInput{})
	wantCode(t, err, "UnknownOperationException", `"AWSEvents.ListRules"`)
	_, err = r.put(good(func(e *types.PutEventsRequestEntry) { e.TraceHeader = aws.String("x") }))
	wantCode(t, err, "SerializationException", `"TraceHeader" of entry 0`)
	for body, message := range map[string]string{
		`{"Entries":[],"EndpointId":"x"}`:         `"EndpointId" of the PutEvents request`,
		`{"Entries":[`:                            "the PutEvents request is no JSON object",
		`{"Entries":{}}`:                          "The member Entries is of the wrong type: {} cannot",
		`{"Entries":[{"Source":1}]}`:              "The member Source is of the wrong type: 1 cannot",
		`{"Entries":[{},7]}`:                      "entry 1 is no JSON object",
		`{"Entries":[{"Time":"2026-01-02"}]}`:     `The member Time is of the wrong type: "2026-01-02" cannot`,
		`{"Entries":[{"Resources":"x"}]}`:         "The member Resources is of the wrong type",
		`{"Entries":[{"source":"case matters"}]}`: `"source" of entry 0 is not simulated: leave it out, or use one of Source, `,
	} {
		resp, err := r.handler.Do(post(body))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" ||
			!strings.HasPrefix(string(got), `{"__type":"com.amazon.coral.service#SerializationException"`) || !strings.Contains(strings.ReplaceAll(string(got), `\"`, `"`), message) {
			t.Errorf("%s: got %s %s", body, resp.Status, got)
		}
	}
}

func wantCode(t *testing.T, err error, code, message string) {
	t.Helper()
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != code || !strings.Contains(refused.ErrorMessage(), message) {
		t.Errorf("got %v, want %s with %s", err, code, message)
	}
}

func TestBusesAreOfAnAccountAndARegion(t *testing.T) {
	r := newRig(t)
	r.handler.CreateBus("444455556666", region, "theirs")
	r.handler.CreateBus(account, "us-west-2", "far")
	for _, name := range []string{"theirs", "far"} {
		out, err := r.put(good(func(e *types.PutEventsRequestEntry) { e.EventBusName = &name }))
		if err != nil || out.FailedEntryCount != 1 {
			t.Errorf("%s: got %+v, %v", name, out, err)
		}
	}
}

// TestTimesThatAnEnvelopeCanHold goes past the SDK, which cannot write the others.
func TestTimesThatAnEnvelopeCanHold(t *testing.T) {
	for seconds, want := range map[string]string{
		"-62135596801":   "",
		"-62135596800":   "0001-01-01T00:00:00Z",
		"-0.5":           "1969-12-31T23:59:59Z",
		"0":              "1970-01-01T00:00:00Z",
		"1767323045.999": "2026-01-02T03:04:05Z",
		"253402300799":   "9999-12-31T23:59:59Z",
		"253402300800":   "",
		"1e300":          "",
	} {
		r := newRig(t)
		resp, err := r.handler.Do(post(`{"Entries":[{"Source":"s","DetailType":"d","Detail":"{}","Time":` + seconds + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		r.time.RunUntil(start)
		switch {
		case want == "" && !strings.Contains(string(body), "The Time of entry 0 is out of range"):
			t.Errorf("%s: got %s", seconds, body)
		case want != "" && (len(r.events) != 1 || !strings.Contains(string(r.events[0].Raw), `"time":"`+want+`"`)):
			t.Errorf("%s: got %s and the events %s", seconds, body, r.events)
		}
	}
}

// post makes a signed-looking PutEvents.
func post(body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://events.eu-west-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260102/eu-west-1/events/aws4_request, SignedHeaders=host, Signature=0")
	return r
}

// FuzzPutEvents sends bodies as they come. Nothing panics, there is always an
// answer, and as many well-formed events are delivered as it says.
func FuzzPutEvents(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", `{"Entries":[]}`, `{"Entries":[null,{}]}`,
		`{"Entries":[{"Source":"s","DetailType":"d","Detail":"{}","EventBusName":"detour","Resources":["a",null],"Time":1767323045.678}]}`,
		`{"Entries":[{"Source":"s","DetailType":"\ud800","Detail":"{\"\\ud800\":\"<\u2028>\"}","Time":-62135596800}]}`,
		`{"Entries":[{"Source":"s","DetailType":"d","Detail":" {\"a\":1e999}\n","Time":253402300799},{"Source":"aws.x","DetailType":"d","Detail":"{}"}]}`,
		fmt.Sprintf(`{"Entries":[{"Source":"s","DetailType":"d","Detail":%q}]}`, strings.Repeat(`{"a":`, 9999)+"1"+strings.Repeat("}", 9999)),
		fmt.Sprintf(`{"Entries":[{"Source":"s","DetailType":"d","Detail":%q}]}`, strings.Repeat(`{"a":`, 10001)+"1"+strings.Repeat("}", 10001)),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := newRig(t)
		resp, err := r.handler.Do(post(body))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		var answer struct {
			Type             string `json:"__type"`
			FailedEntryCount int
			Entries          []struct{ EventID, ErrorCode string }
		}
		if err := json.Unmarshal(raw, &answer); err != nil || (answer.Type == "") != (resp.StatusCode == http.StatusOK) {
			t.Fatalf("got %s %s", resp.Status, raw)
		}
		failed := 0
		for _, e := range answer.Entries {
			if (e.EventID == "") == (e.ErrorCode == "") {
				t.Fatalf("got %s", raw)
			}
			if e.ErrorCode != "" {
				failed++
			}
		}
		r.time.RunUntil(start)
		if failed != answer.FailedEntryCount || len(r.events) != len(answer.Entries)-failed {
			t.Fatalf("%d events were delivered after %s", len(r.events), raw)
		}
		for _, e := range r.events {
			var event struct {
				Time      time.Time
				Resources []string
				Detail    map[string]json.RawMessage
			}
			if err := json.Unmarshal(e.Raw, &event); err != nil || event.Resources == nil || event.Detail == nil {
				t.Fatalf("got %s, %v", e.Raw, err)
			}
		}
	})
}
