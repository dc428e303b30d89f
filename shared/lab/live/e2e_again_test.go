package live_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"detour/events"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// outage stands before the services: while its condition holds, the record store
// fails for the switchover function.
type outage struct {
	next    http.Handler
	holds   atomic.Pointer[func() bool]
	refused atomic.Int64
}

func (o *outage) while(holds func() bool) { o.holds.Store(&holds) }

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	holds := o.holds.Load()
	mine := strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") && sim.CallFrom(r.Context()).Process == live.Switchover
	if holds == nil || !mine || !(*holds)() {
		o.next.ServeHTTP(w, r)
		return
	}
	o.refused.Add(1)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"as the test asked"}`)
}

// ended are the attempts of the switchover function with that cause.
func ended(server *live.Server, cause string) []live.Invocation {
	var out []live.Invocation
	for _, in := range server.Invocations() {
		if in.Function == live.Switchover && in.Cause == cause {
			out = append(out, in)
		}
	}
	return out
}

// TestAnEventIsTriedAgain: the record store fails, and so does the function.
// Lambda's second attempt brings traffic back.
func TestAnEventIsTriedAgain(t *testing.T) {
	broken := &outage{}
	server, _ := serve(t, live.Options{
		RetryDelays: []time.Duration{100 * time.Millisecond, 100 * time.Millisecond},
		Wrap:        func(next http.Handler) http.Handler { broken.next = next; return broken },
	})
	broken.while(func() bool { return len(ended(server, live.CauseEvent)) == 0 })
	// One event is enough: that of the first tunnel is lost.
	do(t, server, "events", "lose")
	do(t, server, "tunnel-down", primary, "203.0.113.11")
	if _, err := server.WaitEvent(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, server, "events", "deliver")
	do(t, server, "tunnel-down", primary, "203.0.113.12")
	await(t, server, "two attempts end", func() bool { return len(ended(server, live.CauseEvent)) >= 2 })
	await(t, server, "traffic arrives again", func() bool { return reachable(server) })
	attempts := ended(server, live.CauseEvent)
	if first := attempts[0]; first.Attempt != 1 || first.Result != live.Failed || first.RequestID == "" {
		t.Errorf("the first attempt is %+v", first)
	}
	if second := attempts[1]; second.Attempt != 2 || second.Result != live.Succeeded || string(second.Payload) != string(attempts[0].Payload) {
		t.Errorf("the second attempt is %+v", second)
	}
	if dead := server.DeadLetters(); len(dead) != 0 || len(attempts) != 2 || broken.refused.Load() == 0 {
		t.Errorf("%d attempts, %d refusals, dead letters %+v", len(attempts), broken.refused.Load(), dead)
	}
}

// TestAWakeUpIsTriedAgain: the record store fails, and the function answers that
// the message is not done. The queue has it received a second time.
func TestAWakeUpIsTriedAgain(t *testing.T) {
	broken := &outage{}
	server, _ := serve(t, live.Options{
		Visibility: 4 * time.Second, // Less is too little for a run to begin.
		Wrap:       func(next http.Handler) http.Handler { broken.next = next; return broken },
	})
	await(t, server, "the wake-up of the adoption is over", func() bool { return len(ended(server, live.CauseWakeUp)) == 1 })
	broken.while(func() bool { return len(ended(server, live.CauseWakeUp)) == 1 })
	do(t, server, "request", group, "manual-switch", "backup")
	await(t, server, "two attempts end", func() bool { return len(ended(server, live.CauseWakeUp)) >= 3 })
	await(t, server, "the routes move", func() bool { return moved(server) })
	attempts := ended(server, live.CauseWakeUp)
	first, second := attempts[1], attempts[2]
	id := func(in live.Invocation) string {
		var batch events.SQSBatch
		if err := json.Unmarshal(in.Payload, &batch); err != nil || len(batch.Records) != 1 {
			t.Fatalf("the batch %s: %v", in.Payload, err)
		}
		return batch.Records[0].MessageID
	}
	if first.Attempt != 1 || first.Result != live.Succeeded || string(first.Answer) != `{"batchItemFailures":[{"itemIdentifier":"`+id(first)+`"}]}` {
		t.Errorf("the first attempt is %+v and answers %s", first, first.Answer)
	}
	if second.Attempt != 2 || second.Result != live.Succeeded || string(second.Answer) != `{"batchItemFailures":[]}` || id(second) != id(first) {
		t.Errorf("the second attempt is %+v and answers %s to message %s", second, second.Answer, id(second))
	}
	if dead := server.DeadLetters(); len(dead) != 0 || broken.refused.Load() == 0 {
		t.Errorf("%d refusals, dead letters %+v", broken.refused.Load(), dead)
	}
}
