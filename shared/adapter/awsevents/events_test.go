package awsevents_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"detour/events"
	"detour/events/payload"
	"detour/shared/adapter/awsevents"
	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "us-east-1"
)

// taken is how EventBridge takes an event.
const taken = `{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`

// entry returns the one entry of the one call.
func entry(t *testing.T, doer *cannedtest.JSON) map[string]any {
	t.Helper()
	if len(doer.Calls) != 1 || doer.Calls[0].Target != "AWSEvents.PutEvents" {
		t.Fatalf("the calls were %v, want one PutEvents", doer.Calls)
	}
	entries, _ := doer.Calls[0].Body["Entries"].([]any)
	if len(entries) != 1 {
		t.Fatalf("got the entries %v, want one", entries)
	}
	return entries[0].(map[string]any)
}

func publisher(t *testing.T, doer *cannedtest.JSON, bus string) *awsevents.Publisher {
	t.Helper()
	return awsevents.New(cannedtest.Config(t, doer, region), awsevents.Options{Bus: bus, Clock: recordstest.NewClock(), CallTimeout: 5 * time.Second})
}

// published is written by hand: the event of the controller that each sample is
// of. Sample and row together are what docs/events.md promises.
func published() map[string]controller.Event {
	at := func(text string) time.Time {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		return t
	}
	decision := func(action protection.Action, reason protection.Reason) protection.Decision {
		return protection.Decision{Group: "site-a", From: "vpn-a", To: "vpn-b", Extent: 1, Action: action, Reason: reason, Epoch: 1675194488031}
	}
	measure := func(kind controller.EventKind, text string, reason filter.Reason) controller.Event {
		v := filter.Verdict{Action: filter.Blackhole, Reason: reason}
		v.Table = route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-1234567890abcdef0", Account: account, Region: region}
		v.Destination = route.MustDestination("0.0.0.0/0")
		v.Why.Announcers = []filter.Neighbor{{Attachment: "tgw-attach-0aaaaaaaaaaaaaaa1", Type: filter.TypeVPN, Resource: "vpn-1234567890abcdef0"}}
		v.Why.TookOver = route.MustNextHop("tgw-attach-0bbbbbbbbbbbbbbb2")
		return controller.Event{Kind: kind, Filter: "no-default", At: at(text), Verdict: v, Detail: controller.Describe(v)}
	}
	return map[string]controller.Event{
		"detour-filter-measure-held.json":   measure(controller.EventMeasureHeld, "2023-02-02T03:04:05.317Z", filter.ReasonPermittedElsewhere),
		"detour-filter-measure-lifted.json": measure(controller.EventMeasureLifted, "2023-02-02T03:44:09.022Z", filter.ReasonLifted),
		"detour-filter-measure-placed.json": measure(controller.EventMeasurePlaced, "2023-02-02T03:04:05.317Z", filter.ReasonDenied),
		"detour-path-state-changed.json": {
			Kind: controller.EventPathStateChanged, At: at("2023-01-31T19:48:08.412Z"),
			Decision: decision(protection.Move, protection.ReasonSignalFail), Detail: "vpn-a: up -> down (too-few-tunnels-up)",
		},
		"detour-switchover-started.json": {
			Kind: controller.EventSwitchoverStarted, At: at("2023-01-31T19:48:08.431Z"),
			Decision: decision(protection.Move, protection.ReasonSignalFail), Detail: "signal-fail",
		},
		"detour-switchover-completed.json": {
			Kind: controller.EventSwitchoverCompleted, At: at("2023-01-31T20:48:19.655+01:00"), // Another zone, on purpose.
			Decision: decision(protection.Stay, protection.ReasonDoNotRevert),
		},
		"detour-switchover-held.json": {
			Kind: controller.EventSwitchoverHeld, At: at("2023-01-31T20:02:11.243Z"),
			Decision: decision(protection.Hold, protection.ReasonNoUsablePath), Detail: "no-usable-path",
		},
		"detour-contended.json": {
			Kind: controller.EventContended, At: at("2023-02-01T08:15:42.007Z"),
			Decision: decision(protection.Stay, protection.ReasonDoNotRevert), Detail: "tgw-rtb-1234567890abcdef0 10.20.0.0/16",
		},
		"detour-failback-asked.json": {
			Kind: controller.EventFailbackAsked, At: at("2023-02-01T10:00:04.112Z"),
			Decision: decision(protection.Stay, protection.ReasonFailback), Detail: "failback-site-a-1675194488031-1: approve the plan 3f9a2c417be0d815",
		},
		"detour-failback-over.json": {
			Kind: controller.EventFailbackOver, At: at("2023-02-01T10:07:31.561Z"),
			Decision: decision(protection.Undo, protection.ReasonSilence), Detail: "failback-site-a-1675194488031-1: silence",
		},
		"detour-failback-ended.json": {
			Kind: controller.EventFailbackEnded, At: at("2023-02-01T10:07:43.207Z"),
			Decision: decision(protection.Stay, protection.ReasonDoNotRevert), Detail: "failback-site-a-1675194488031-1: as-before",
		},
		"detour-request-ended.json": {
			Kind: controller.EventRequestEnded, At: at("2023-02-01T09:30:00.518Z"),
			Decision: decision(protection.Stay, protection.ReasonDoNotRevert), Detail: "manual-switch vpn-a: target-not-up",
		},
	}
}

// arriving is the event as EventBridge would hand it on: what the entry says,
// and around it what EventBridge adds (AWS page "AWS service event metadata").
func arriving(t *testing.T, entry map[string]any, id string) map[string]any {
	t.Helper()
	seconds, ok := entry["Time"].(float64)
	if !ok {
		t.Fatalf("the time of the entry is %v", entry["Time"])
	}
	var detail any
	if err := json.Unmarshal([]byte(entry["Detail"].(string)), &detail); err != nil {
		t.Fatal(err)
	}
	for key := range entry {
		if !slices.Contains([]string{"Source", "DetailType", "Detail", "Time", "EventBusName"}, key) {
			t.Errorf("the entry has a key %s, which this test does not know", key)
		}
	}
	return map[string]any{
		"version": "0", "id": id, "account": account, "region": region, "resources": []any{},
		"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail,
		"time": time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339),
	}
}

// TestEveryKindArrivesAsItsSample goes through the SDK.
func TestEveryKindArrivesAsItsSample(t *testing.T) {
	rows := published()
	for name, event := range rows {
		t.Run(name, func(t *testing.T) {
			raw, err := payload.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]any
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			doer := &cannedtest.JSON{Answer: cannedtest.Says(http.StatusOK, taken)}
			event.Group = event.Decision.Group
			if err := publisher(t, doer, "detour").Publish(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			id, _ := want["id"].(string)
			if got := arriving(t, entry(t, doer), id); !reflect.DeepEqual(got, want) {
				t.Errorf("it would arrive as\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// TestEveryKindHasASampleAndEverySampleAKind. The kinds are those that the
// controller's source declares, so that a new one cannot be forgotten.
func TestEveryKindHasASampleAndEverySampleAKind(t *testing.T) {
	rows := published()
	var sampled []string
	for _, name := range payload.Names() {
		raw, err := payload.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		var envelope events.Envelope
		if json.Unmarshal(raw, &envelope) != nil || envelope.Source != events.SourceDetour {
			continue
		}
		event, ok := rows[name]
		if !ok {
			t.Errorf("sample %s has no row in the table: write down which event it is of", name)
		}
		if envelope.DetailType != string(event.Kind) {
			t.Errorf("sample %s is of kind %q, want %q", name, envelope.DetailType, event.Kind)
		}
		sampled = append(sampled, envelope.DetailType)
	}
	slices.Sort(sampled)
	if declared := kinds(t); len(declared) == 0 || !slices.Equal(sampled, declared) {
		t.Errorf("there are samples of %q, and the controller declares %q", sampled, declared)
	}
}

// kinds are the values of the constants of type EventKind, sorted.
func kinds(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "controller", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			kind, ok := spec.Type.(*ast.Ident)
			if !ok || kind.Name != "EventKind" {
				return true
			}
			for _, value := range spec.Values {
				if text, err := strconv.Unquote(value.(*ast.BasicLit).Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

// TestTheBus: it is named as the option has it, and left out for the default.
func TestTheBus(t *testing.T) {
	for _, bus := range []string{"", "detour", "arn:aws:events:us-east-1:111122223333:event-bus/detour"} {
		doer := &cannedtest.JSON{Answer: cannedtest.Says(http.StatusOK, taken)}
		if err := publisher(t, doer, bus).Publish(t.Context(), controller.Event{Kind: controller.EventContended}); err != nil {
			t.Fatal(err)
		}
		got, named := entry(t, doer)["EventBusName"]
		if named != (bus != "") || (named && got != bus) {
			t.Errorf("for the option %q the bus is %v", bus, got)
		}
	}
}

// TestErrors name kind, group and bus, are made by one call, and keep what they
// wrap.
func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		answer  string
		parts   []string
		refused bool
		code    string
	}{
		"a refused entry": {
			http.StatusOK, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException","ErrorMessage":"not yours"}]}`,
			[]string{"NotAuthorizedForSourceException", "not yours"},
			true, "",
		},
		"a refusal without a code": {http.StatusOK, `{"FailedEntryCount":1,"Entries":[{}]}`, nil, true, ""},
		"denied":                   {http.StatusBadRequest, `{"__type":"AccessDeniedException","message":"no"}`, nil, false, "AccessDeniedException"},
		"throttled":                {http.StatusBadRequest, `{"__type":"ThrottlingException","message":"slowly"}`, nil, false, "ThrottlingException"},
		"unavailable":              {http.StatusServiceUnavailable, ``, nil, false, ""},
		"malformed":                {http.StatusOK, `{`, nil, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			doer := &cannedtest.JSON{Answer: cannedtest.Says(test.status, test.answer)}
			err := publisher(t, doer, "detour-bus").Publish(t.Context(), controller.Event{Kind: controller.EventSwitchoverHeld, Group: "site-a"})
			if err == nil {
				t.Fatal("it was taken for success")
			}
			for _, part := range append(test.parts, "Switchover Held", "site-a", "detour-bus") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s is not in the error %v", part, err)
				}
			}
			if errors.Is(err, awsevents.ErrRefused) != test.refused {
				t.Errorf("is it a refusal? %v", err)
			}
			var answered smithy.APIError
			if test.code != "" && (!errors.As(err, &answered) || answered.ErrorCode() != test.code) {
				t.Errorf("the code %s cannot be had from %v", test.code, err)
			}
			if len(doer.Calls) != 1 {
				t.Errorf("%d calls, want one", len(doer.Calls))
			}
		})
	}
}

// TestTheCallTimeoutEndsACall, and the error says so although the transport
// calls it something else: here the answer breaks off.
func TestTheCallTimeoutEndsACall(t *testing.T) {
	clock := &cannedtest.Expiring{Clock: recordstest.NewClock()}
	p := awsevents.New(cannedtest.Config(t, clock, region), awsevents.Options{Clock: clock, CallTimeout: 5 * time.Second})
	err := p.Publish(t.Context(), controller.Event{Kind: controller.EventContended})
	if !errors.Is(err, context.DeadlineExceeded) || clock.Asked != 5*time.Second {
		t.Errorf("after %s: %v", clock.Asked, err)
	}
}
