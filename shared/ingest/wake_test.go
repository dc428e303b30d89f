package ingest_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"detour/events/payload"
	"detour/shared/ingest"
)

func TestKindOfEverySample(t *testing.T) {
	other := map[string]ingest.Kind{
		"sweep.json":                ingest.KindSweep,
		"rehearse.json":             ingest.KindRehearsal,
		"wake-up.json":              ingest.KindWakeBatch,
		"vpn-bgp-log-control.json":  ingest.KindLogs,
		"vpn-bgp-log-delivery.json": ingest.KindLogs,
		"truncated.json":            ingest.KindUnknown,

		"vpn-bgp-log-route-advertised.json": ingest.KindUnknown, // A line of a log, which comes in a delivery.
		"vpn-bgp-log-route-updated.json":    ingest.KindUnknown,
		"vpn-bgp-log-route-withdrawn.json":  ingest.KindUnknown,
		"vpn-bgp-log-session-up.json":       ingest.KindUnknown,
	}
	for _, name := range payload.Names() {
		want, ok := other[name]
		if !ok {
			want = ingest.KindEvent
		}
		if got := ingest.KindOf(sample(t, name)); got != want {
			t.Errorf("KindOf(%s) = %d, want %d", name, got, want)
		}
	}
	for _, raw := range []string{"", "null", "[]", "{}", `{"detour":"wake-up"}`, `{"detour":1}`} {
		if got := ingest.KindOf([]byte(raw)); got != ingest.KindUnknown {
			t.Errorf("KindOf(%s) = %d, want unknown", raw, got)
		}
	}
}

func TestDecodeWakeReadsTheSample(t *testing.T) {
	got, err := ingest.DecodeWake(sample(t, "wake-up.json"))
	want := []ingest.Wake{
		{Key: "group#site-a", MessageID: "059f36b4-87a3-44ab-83d2-661975830a7d"},
		{Key: "filter#no-default", MessageID: "2e1424d4-f796-459a-8184-9c92662be6da"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestOneBadWakeUpDoesNotCostTheOthers(t *testing.T) {
	tests := []struct {
		record string
		id     string
		want   ingest.DropReason // "" for a good one
	}{
		{record("m0", `{\"detour\":\"wake-up\",\"key\":\"group#a\"}`), "m0", ""},
		{record("m1", `{`), "m1", ingest.DropMalformed},
		{record("m2", `[]`), "m2", ingest.DropMalformed},
		{record("m3", `{\"detour\":\"sweep\"}`), "m3", ingest.DropNotForUs},
		{record("m4", `{\"key\":\"group#a\"}`), "m4", ingest.DropNotForUs},
		{record("m5", `{\"detour\":\"wake-up\"}`), "m5", ingest.DropMalformed},
		{record("m6", `{\"detour\":\"wake-up\",\"key\":5}`), "m6", ingest.DropMalformed},
		{record("m7", `{\"detour\":\"wake-up\",\"key\":\"group#\"}`), "m7", ingest.DropMalformed},
		{record("m8", `{\"detour\":\"wake-up\",\"key\":\"control\"}`), "m8", ingest.DropMalformed},
		{record("m9", `{\"detour\":\"wake-up\",\"key\":\"group#a\\u0000\"}`), "m9", ingest.DropMalformed},
		{`{"messageId":"m10","eventSource":"aws:sqs","body":7}`, "m10", ingest.DropMalformed},
		{`{"messageId":"m11","eventSource":"aws:kinesis","body":"{}"}`, "m11", ingest.DropNotForUs},
		{`{"body":"{}"}`, "", ingest.DropMalformed},
		{`"m13"`, "", ingest.DropMalformed},
		{`null`, "", ingest.DropMalformed},
		{record("m15", `{\"detour\":\"wake-up\",\"key\":\"group#a\"}`), "m15", ""}, // A double is kept: each message is to be answered.
	}
	var records []string
	var wantGood []ingest.Wake
	var wantBad []string
	for i, test := range tests {
		records = append(records, test.record)
		if test.want == "" {
			wantGood = append(wantGood, ingest.Wake{Key: "group#a", MessageID: test.id})
		} else {
			wantBad = append(wantBad, fmt.Sprint(test.id, " ", i, " ", test.want))
		}
	}
	good, err := ingest.DecodeWake([]byte(`{"Records":[` + strings.Join(records, ",") + `]}`))
	if !reflect.DeepEqual(good, wantGood) {
		t.Errorf("got the wake-ups %+v, want %+v", good, wantGood)
	}
	wakeError, ok := errors.AsType[*ingest.WakeError](err)
	if !ok {
		t.Fatalf("got error %v, want a *WakeError", err)
	}
	var gotBad []string
	for _, b := range wakeError.Bad {
		gotBad = append(gotBad, fmt.Sprint(b.MessageID, " ", b.Index, " ", b.Reason))
		if b.Detail == "" || !strings.Contains(err.Error(), b.Error()) {
			t.Errorf("%+v has no detail, or is not in the error text", b)
		}
	}
	if !reflect.DeepEqual(gotBad, wantBad) {
		t.Errorf("got the bad ones\n%q\nwant\n%q", gotBad, wantBad)
	}
	if _, ok := errors.AsType[*ingest.BadWake](err); !ok {
		t.Error("a *BadWake cannot be had from the error")
	}
}

func TestDecodeWakeDropsWhatIsNoBatch(t *testing.T) {
	for name, test := range map[string]struct {
		raw  string
		want ingest.DropReason
	}{
		"no JSON":             {"{", ingest.DropMalformed},
		"an array":            {"[]", ingest.DropMalformed},
		"Records is a string": {`{"Records":"x"}`, ingest.DropMalformed},
		"Records is null":     {`{"Records":null}`, ingest.DropNotForUs},
		"an event":            {string(sample(t, "vpn-connection-ipsec-down.json")), ingest.DropNotForUs},
		"too large":           {`{"Records":["` + strings.Repeat("x", 6<<20) + `"]}`, ingest.DropOversized},
	} {
		t.Run(name, func(t *testing.T) {
			wakes, err := ingest.DecodeWake([]byte(test.raw))
			if wakes != nil {
				t.Errorf("got wake-ups beside the drop: %+v", wakes)
			}
			wantDrop(t, err, test.want)
		})
	}
	if wakes, err := ingest.DecodeWake([]byte(`{"Records":[]}`)); err != nil || len(wakes) != 0 {
		t.Errorf("an empty batch: got %v, %v", wakes, err)
	}
}

// record is one message of a batch. The body is already escaped.
func record(id, body string) string {
	return `{"messageId":"` + id + `","eventSource":"aws:sqs","body":"` + body + `"}`
}
