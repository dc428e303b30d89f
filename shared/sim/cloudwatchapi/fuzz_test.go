package cloudwatchapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/cbor"
)

type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (still) At(time.Time, string, func()) {}

func worldOf(tb testing.TB) *sim.World {
	tb.Helper()
	w, err := sim.NewWorld(still{}, sim.Topology{Account: "111122223333", Region: "eu-west-1", Alarms: []sim.AlarmSpec{{Name: "a"}, {Name: "b"}, {Name: "ü"}}}, sim.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

const signed = "AWS4-HMAC-SHA256 Credential=111122223333/20260102/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"

func post(path, authorization string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.URL.Path = path
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return r
}

func send(tb testing.TB, h *Handler, r *http.Request) (*http.Response, map[string]any) {
	tb.Helper()
	resp, err := h.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	raw, _ := io.ReadAll(resp.Body)
	value, err := cbor.Decode(raw)
	answer, ok := value.(map[string]any)
	if err != nil || !ok || resp.Header.Get("Content-Type") != "application/cbor" || resp.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" || resp.ContentLength != int64(len(raw)) {
		tb.Fatalf("%v, %v: %v", resp.Header, err, value)
	}
	return resp, answer
}

func TestRequestsThatAreRefused(t *testing.T) {
	path := operations + operation
	w := worldOf(t)
	h := New(w)
	for want, change := range map[string]func() *http.Request{
		"405 com.amazonaws.cloudwatch#UnknownOperationException": func() *http.Request {
			r := post(path, signed, nil)
			r.Method = http.MethodGet
			return r
		},
		"403 com.amazonaws.cloudwatch#MissingAuthenticationTokenException": func() *http.Request { return post(path, "", nil) },
		"403 com.amazonaws.cloudwatch#InvalidSignatureException": func() *http.Request {
			return post(path, strings.Replace(signed, "monitoring", "ec2", 1), nil)
		},
		"400 com.amazonaws.cloudwatch#UnknownOperationException": func() *http.Request {
			return post(operations+"ListMetrics", signed, cbor.Encode(map[string]any{}))
		},
		"400 com.amazonaws.cloudwatch#SerializationException": func() *http.Request { return post(path, signed, make([]byte, maxBody+1)) },
	} {
		resp, answer := send(t, h, change())
		if got := resp.Status[:4] + answer["__type"].(string); got != want || resp.Header.Get("X-Amzn-Query-Error") == "" || answer["message"] == "" {
			t.Errorf("got %s, want %s (%v)", got, want, answer)
		}
	}
	if resp, _ := send(t, h, post("/other", signed, nil)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another path gets %s", resp.Status)
	}
	for _, r := range w.Calls() {
		if r.Code == "" {
			t.Errorf("record %+v", r)
		}
	}
}

// TestJSON is what the AWS CLI sends, and what it gets.
func TestJSON(t *testing.T) {
	w := worldOf(t)
	h := New(w)
	call := func(target, body string) (int, map[string]any) {
		r := post("/", signed, []byte(body))
		r.Header.Del("Smithy-Protocol")
		r.Header.Set("X-Amz-Target", targets+target)
		resp, err := h.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.Header.Get("Content-Type") != "application/x-amz-json-1.0" {
			t.Fatal(err, resp.Header)
		}
		return resp.StatusCode, answer
	}
	status, answer := call("DescribeAlarms", `{"AlarmNames":["ü","b"],"MaxRecords":1}`)
	alarms, _ := answer["MetricAlarms"].([]any)
	if status != http.StatusOK || len(alarms) != 1 || answer["NextToken"] == nil {
		t.Fatalf("%d %v", status, answer)
	}
	if a := alarms[0].(map[string]any); a["AlarmName"] != "b" || a["StateValue"] != "OK" || a["StateUpdatedTimestamp"] != float64(still{}.Now().Unix()) {
		t.Errorf("%v", a)
	}
	for body, want := range map[string]string{
		`{"MaxRecords":1.5}`: "SerializationException", `{"MaxRecords":0}`: "InvalidParameterValueException", `{} {}`: "SerializationException", `x`: "SerializationException", `[]`: "SerializationException",
	} {
		if status, answer := call("DescribeAlarms", body); status != http.StatusBadRequest || answer["__type"] != "com.amazonaws.cloudwatch#"+want {
			t.Errorf("%s: %d %v", body, status, answer)
		}
	}
	if status, answer := call("ListMetrics", "{}"); status != http.StatusBadRequest || answer["__type"] != "com.amazonaws.cloudwatch#UnknownOperationException" {
		t.Errorf("%d %v", status, answer)
	}
	if calls := w.Calls(); len(calls) != 7 || calls[0].Action != "DescribeAlarms" || calls[0].Params.Get("AlarmNames.2") != "b" || calls[6].Action != "ListMetrics" {
		t.Errorf("%+v", calls)
	}
}

// TestQueryIsRefusedInXML, since who speaks it reads nothing else.
func TestQueryIsRefusedInXML(t *testing.T) {
	r := post("/", signed, []byte("Action=DescribeAlarms&Version=2010-08-01"))
	r.Header.Del("Smithy-Protocol")
	resp, err := New(worldOf(t)).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusBadRequest || !strings.HasSuffix(answer.Code, "UnknownOperationException") || answer.Message == "" {
		t.Errorf("%s %+v %v", resp.Status, answer, err)
	}
}

// FuzzWire sends bodies as they come. Nothing panics, each call makes one record
// and gets one CBOR map, and following the tokens comes to an end.
func FuzzWire(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add([]byte{0xbf, 0xff}, 1)
	for _, in := range []map[string]any{
		{},
		{"AlarmNames": []any{"a", "ü"}, "AlarmTypes": []any{"MetricAlarm"}, "MaxRecords": 1},
		{"AlarmNamePrefix": "", "StateValue": "OK", "NextToken": nil},
		{"NextToken": "AAAA"},
		{"MaxRecords": -1},
		{"MaxRecords": 1 << 40},
		{"AlarmNames": "a"},
		{"AlarmNames": []any{1}},
		{"Other": 1},
	} {
		f.Add(cbor.Encode(in), 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, limit int) {
		w := worldOf(t)
		h := New(w)
		h.LimitPages(limit)
		for page := range 5 {
			resp, answer := send(t, h, post(operations+operation, signed, body))
			calls := w.Calls()
			if len(calls) != page+1 || (calls[page].Code == "") != (resp.StatusCode == http.StatusOK) {
				t.Fatalf("%s, records %+v", resp.Status, calls)
			}
			token, more := answer["NextToken"].(string)
			if !more {
				return
			}
			value, err := cbor.Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			in := value.(map[string]any)
			in["NextToken"] = token
			body = cbor.Encode(in)
		}
		t.Fatal("the pages do not end")
	})
}
