package handler_test

import (
	"encoding/json"
	"strings"
	"testing"

	"detour/shared/controller"
	"detour/shared/handler"
)

// TestWhatEachTriggerGets: an asynchronous trigger tries again because of an
// error and of nothing else; SQS gets an answer whatever happens, since an error
// would bring the whole batch again.
func TestWhatEachTriggerGets(t *testing.T) {
	const none = `{"batchItemFailures":[]}`
	down := func(inner controller.Records) controller.Records { return failingStore{Records: inner, all: true} }
	cases := map[string]struct {
		wrap   func(controller.Records) controller.Records
		raw    []byte
		sweep  bool
		answer string // empty: an error
	}{
		"EventBridge, worked on":             {raw: sample(t, "vpn-connection-ipsec-down.json"), answer: none},
		"EventBridge, dropped":               {raw: []byte(`{"source":"aws.s3"}`), answer: none},
		"EventBridge, nobody watches it":     {raw: sample(t, "cloudwatch-alarm-state-change.json"), answer: none},
		"EventBridge, the store fails":       {wrap: down, raw: sample(t, "vpn-connection-ipsec-down.json")},
		"EventBridge, everything fails":      {wrap: down, raw: sample(t, "tgw-deleted.json")},
		"EventBridge, one of both fails":     {wrap: down, raw: sample(t, "vpn-connection-unknown-change.json")},
		"Scheduler, worked on":               {raw: []byte(`{"detour":"sweep"}`), sweep: true, answer: "null"},
		"Scheduler, the store fails":         {wrap: down, sweep: true},
		"SQS, worked on":                     {raw: batch(t, wakeUp("group#site-a")), answer: none},
		"SQS, the store fails":               {wrap: down, raw: batch(t, wakeUp("group#site-a"), wakeUp("everything")), answer: `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"SQS, everything twice, fails":       {wrap: down, raw: batch(t, wakeUp("everything"), wakeUp("everything")), answer: `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"SQS, no wake-ups":                   {raw: batch(t, "hello", "{}"), answer: none},
		"SQS, one that fails and one drop":   {wrap: down, raw: batch(t, "hello", wakeUp("group#site-a")), answer: `{"batchItemFailures":[{"itemIdentifier":"m2"}]}`},
		"SQS, an empty batch":                {raw: []byte(`{"Records":[]}`), answer: none},
		"SQS, no batch":                      {raw: []byte(`{"Records":null}`), answer: none},
		"SQS, records that are none":         {raw: []byte(`{"Records":[1,null,"x",{}]}`), answer: none},
		"SQS, a message without its id":      {raw: []byte(`{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`), answer: none},
		"SQS, a batch that was cut off":      {raw: []byte(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs"`), answer: none},
		"SQS, a batch that cannot be":        {raw: []byte(`{"Records":["` + strings.Repeat("a", 7<<20) + `"]}`), answer: none},
		"SQS, another queue's messages":      {raw: []byte(`{"Records":[{"messageId":"m1","eventSource":"aws:kinesis","body":"x"}]}`), answer: none},
		"whatever, nothing that is readable": {raw: []byte("hello"), answer: none},
		"whatever, nothing at all":           {answer: none},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.wrap, newGroup("site-a", west, "tgw-rtb-1"))
			call := r.Switchover
			if c.sweep {
				call = r.Sweep
			}
			out := call(t.Context(), c.raw)
			body, err := out.Answer()
			if string(body) != c.answer || (err == nil) != (c.answer != "") || (err == nil) != (out.Err() == nil) {
				t.Errorf("the answer is %s, %v, want %s", body, err, c.answer)
			}
			if !json.Valid(out.Body) {
				t.Errorf("the body %q is no JSON", out.Body)
			}
			if (err != nil) != (out.Action == handler.Retry) {
				t.Errorf("the action is %s with the error %v", out.Action, err)
			}
			if err != nil && (len(err.Error()) > 200 || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), errStore.Error())) {
				t.Errorf("the error is %q, want one short line without what the store said", err)
			}
		})
	}
}

// TestABatchOfNonsenseHasFewLines: SQS can send thousands of messages at once.
func TestABatchOfNonsenseHasFewLines(t *testing.T) {
	for n, want := range map[int]int{1: 1, 10: 10, 11: 11, 5000: 11} {
		bodies := make([]string, n)
		for i := range bodies {
			bodies[i] = wakeUp("group#gone")
		}
		r := newRig(t, nil, newGroup("site-a", west, "tgw-rtb-1"))
		out := r.Switchover(t.Context(), batch(t, bodies...))
		log := r.log.all(t)
		dropped := 0.0
		for _, line := range log {
			dropped += line["Dropped"].(float64)
		}
		if len(log) != want || dropped != float64(n) || out.Action != handler.Drop {
			t.Errorf("%d lines that count %v drops for %d messages, %s", len(log), dropped, n, out.Action)
		}
	}
}
