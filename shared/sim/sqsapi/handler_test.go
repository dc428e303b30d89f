package sqsapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/sqsapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is a queue with a dead-letter queue, in virtual time.
type rig struct {
	t       *testing.T
	time    *sim.Scheduler
	handler *sqsapi.Handler
	client  *sqs.Client
	url     string
	dead    string
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, time: sim.NewScheduler(1, start)}
	t.Cleanup(r.time.Close)
	r.handler = sqsapi.New(r.time)
	r.client = client(r.handler, region)
	r.dead = r.handler.Create(sqsapi.Queue{Account: account, Region: region, Name: "dead"})
	r.url = r.handler.Create(sqsapi.Queue{Account: account, Region: region, Name: "wake", VisibilityTimeout: time.Minute, MaxReceives: 2, DeadLetter: "dead"})
	return r
}

// client returns the real SQS client over the handler.
func client(h *sqsapi.Handler, region string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: region, HTTPClient: h, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
}

// send sends a message through the SDK, which checks the sum in the answer.
func (r *rig) send(body string, delay int32) string {
	r.t.Helper()
	out, err := r.client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &body, DelaySeconds: delay})
	if err != nil {
		r.t.Fatal(err)
	}
	return aws.ToString(out.MessageId)
}

// until lets the time pass to d after the start.
func (r *rig) until(d time.Duration) { r.time.RunUntil(start.Add(d)) }

// watch counts the calls of a listener, by their times.
func (r *rig) watch(url string) *[]time.Duration {
	calls := &[]time.Duration{}
	r.handler.OnVisible(url, func() { *calls = append(*calls, r.time.Now().Sub(start)) })
	return calls
}

func bodies(messages []sqsapi.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Body)
	}
	return strings.Join(out, " ")
}

func (r *rig) want(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

func (r *rig) wantCalls(got *[]time.Duration, want ...time.Duration) {
	r.t.Helper()
	if fmt.Sprint(*got) != fmt.Sprint(want) {
		r.t.Fatalf("the listener was called at %v, want %v", *got, want)
	}
}

func TestSentMessageIsThereAtOnce(t *testing.T) {
	r := newRig(t)
	calls := r.watch(r.url)
	id := r.send("{\"key\":\"group#a\"}\t\n<é😀>", 0)
	r.wantCalls(calls) // The request is over, and nobody was called inside of it.
	want := sqsapi.Message{ID: id, Body: "{\"key\":\"group#a\"}\t\n<é😀>", SentAt: start, VisibleAt: start}
	if got := r.handler.Waiting(r.url); len(got) != 1 || got[0] != want || id != "00000000-0000-4000-a000-000000000001" {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	r.until(time.Second)
	r.wantCalls(calls, 0)
	want.Receipt, want.Receives, want.FirstReceivedAt, want.VisibleAt = id+".1", 1, start.Add(time.Second), start.Add(61*time.Second)
	if got := r.handler.Receive(r.url, 10); len(got) != 1 || got[0] != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	r.handler.Delete(r.url, id+".1")
	r.until(time.Hour)
	r.wantCalls(calls, 0) // What is deleted does not become visible again.
	r.want("left", bodies(r.handler.Waiting(r.url)), "")
}

func TestDelayedMessageBecomesVisibleWhenItsDelayIsOver(t *testing.T) {
	r := newRig(t)
	calls := r.watch(r.url)
	r.send("a", 900)
	r.send("b", 1)
	r.until(time.Second - 1)
	r.want("before", bodies(r.handler.Receive(r.url, 10)), "")
	r.until(time.Second)
	r.want("after a second", bodies(r.handler.Receive(r.url, 10)), "b")
	r.handler.Delete(r.url, "00000000-0000-4000-a000-000000000002.1")
	r.until(900*time.Second - 1)
	r.want("before", bodies(r.handler.Receive(r.url, 10)), "")
	r.want("waiting", bodies(r.handler.Waiting(r.url)), "a")
	r.until(900 * time.Second)
	r.want("after 15 minutes", bodies(r.handler.Receive(r.url, 10)), "a")
	r.wantCalls(calls, time.Second, 900*time.Second)
}

func TestReceivedMessageComesBackWhenItsVisibilityTimeoutRanOut(t *testing.T) {
	r := newRig(t)
	calls := r.watch(r.url)
	r.send("a", 0)
	r.until(0)
	first := r.handler.Receive(r.url, 1)
	r.until(time.Minute - 1)
	r.want("invisible", bodies(r.handler.Receive(r.url, 1)), "")
	r.want("waiting", bodies(r.handler.Waiting(r.url)), "a")
	r.until(time.Minute)
	r.wantCalls(calls, 0, time.Minute)
	second := r.handler.Receive(r.url, 1)
	if len(second) != 1 || second[0].Receives != 2 || second[0].Receipt == first[0].Receipt || second[0].FirstReceivedAt != start || second[0].ID != first[0].ID {
		t.Fatalf("got %+v after %+v", second, first)
	}
	r.handler.Delete(r.url, first[0].Receipt)
	r.handler.Delete(r.url, "")
	r.want("after a delete with an old receipt", bodies(r.handler.Waiting(r.url)), "a")
	r.until(2 * time.Minute)
	r.handler.Delete(r.url, second[0].Receipt) // Late, but nobody has received it since.
	r.want("after a delete", bodies(r.handler.Waiting(r.url)), "")
}

// TestNobodyIsToldOfWhatIsTaken: a poll can come between a message and its
// announcement at the same instant.
func TestNobodyIsToldOfWhatIsTaken(t *testing.T) {
	r := newRig(t)
	calls := r.watch(r.url)
	r.send("a", 0)
	r.handler.Delete(r.url, "") // The receipt of no message, although this one has none yet.
	r.want("taken", bodies(r.handler.Receive(r.url, 1)), "a")
	r.until(time.Minute - 1)
	r.wantCalls(calls)
	r.until(time.Minute)
	r.wantCalls(calls, time.Minute)
}

func TestMessageMovesToTheDeadLetterQueue(t *testing.T) {
	r := newRig(t)
	live, dead := r.watch(r.url), r.watch(r.dead)
	id := r.send("a", 0)
	r.until(0)
	r.handler.Receive(r.url, 1)
	r.until(time.Minute)
	receipt := r.handler.Receive(r.url, 1)[0].Receipt
	r.send("b", 60)
	r.until(2 * time.Minute)
	r.want("the third receive", bodies(r.handler.Receive(r.url, 1)), "b") // In the dead letter's place.
	r.handler.Delete(r.url, receipt)
	r.handler.Delete(r.dead, receipt)
	want := sqsapi.Message{ID: id, Body: "a", Receives: 2, SentAt: start, FirstReceivedAt: start, VisibleAt: start.Add(2 * time.Minute)}
	if got := r.handler.Waiting(r.dead); len(got) != 1 || got[0] != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	r.until(150 * time.Second)
	r.wantCalls(live, 0, time.Minute, 2*time.Minute, 2*time.Minute)
	r.wantCalls(dead, 2*time.Minute)
	for n := range 5 { // No limit there, and the default visibility timeout.
		got := r.handler.Receive(r.dead, 1)
		if len(got) != 1 || got[0].Receives != 3+n || got[0].VisibleAt != r.time.Now().Add(30*time.Second) {
			t.Fatalf("receive %d: got %+v", n, got)
		}
		r.time.RunUntil(r.time.Now().Add(30 * time.Second))
	}
}

func TestReceiveTakesThoseFirstThatBecameVisibleFirst(t *testing.T) {
	r := newRig(t)
	r.send("a", 3)
	r.send("b", 2)
	r.send("c", 2)
	r.send("d", 0)
	r.send("e", 9)
	r.want("waiting", bodies(r.handler.Waiting(r.url)), "d b c a e")
	r.until(5 * time.Second)
	r.want("none", bodies(r.handler.Receive(r.url, 0)), "")
	r.want("two", bodies(r.handler.Receive(r.url, 2)), "d b")
	r.want("the rest", bodies(r.handler.Receive(r.url, 10)), "c a")
	r.until(10 * time.Second)
	r.want("the last", bodies(r.handler.Receive(r.url, 10)), "e")
	r.until(70 * time.Second)
	r.want("again, four of them since one instant", bodies(r.handler.Receive(r.url, 10)), "a b c d e")
}

// TestQueueIsNamedByPathAndRegion sends to queues of one name in two Regions and
// two accounts, through URLs with hosts of all kinds.
func TestQueueIsNamedByPathAndRegion(t *testing.T) {
	h := sqsapi.New(sim.NewScheduler(1, start))
	spec := sqsapi.Queue{Account: account, Region: region, Name: "q"}
	here := h.Create(spec)
	spec.Region = "us-west-2"
	there := h.Create(spec)
	spec.Account = "444455556666"
	foreign := h.Create(spec)
	for _, c := range []struct{ region, url, into string }{
		{region, here, here},
		{region, there, here},
		{"us-west-2", "http://127.0.0.1:4566/" + account + "/q", there},
		{"us-west-2", "http://localhost/444455556666/q", foreign},
	} {
		body := c.region + " " + c.url
		if _, err := client(h, c.region).SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &c.url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
		if got := h.Waiting(c.into); len(got) == 0 || got[len(got)-1].Body != body {
			t.Errorf("%s has %+v, and not %q", c.into, got, body)
		}
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	body, far := "x", "https://sqs.eu-west-1.amazonaws.com/"+account+"/far"
	for _, c := range []struct {
		in     sqs.SendMessageInput
		code   string
		remedy string
	}{
		{sqs.SendMessageInput{QueueUrl: &far, MessageBody: &body}, "AWS.SimpleQueueService.NonExistentQueue", `account 111122223333 has no queue "far" in eu-west-1`},
		{sqs.SendMessageInput{QueueUrl: aws.String(far + ".fifo"), MessageBody: &body}, "AWS.SimpleQueueService.NonExistentQueue", "far.fifo"},
		{sqs.SendMessageInput{QueueUrl: aws.String("wake"), MessageBody: &body}, "InvalidAddress", "https://HOST/ACCOUNT/NAME"},
		{sqs.SendMessageInput{QueueUrl: aws.String("https://x/1/wake"), MessageBody: &body}, "InvalidAddress", "https://HOST/ACCOUNT/NAME"},
		{sqs.SendMessageInput{QueueUrl: aws.String(r.url + "/x"), MessageBody: &body}, "InvalidAddress", "https://HOST/ACCOUNT/NAME"},
		{sqs.SendMessageInput{QueueUrl: aws.String("%"), MessageBody: &body}, "InvalidAddress", "https://HOST/ACCOUNT/NAME"},
		{sqs.SendMessageInput{QueueUrl: aws.String(""), MessageBody: &body}, "MissingParameter", "QueueUrl"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: aws.String("")}, "MissingParameter", "MessageBody"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &body, DelaySeconds: 901}, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &body, DelaySeconds: -1}, "InvalidParameterValue", "Value -1 for parameter DelaySeconds"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))}, "InvalidParameterValue", "shorter than 1048577 bytes; MessageBody has 1048577"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: aws.String("a\x01")}, "InvalidMessageContents", "#x9"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: aws.String("\uffff")}, "InvalidMessageContents", "#x9"},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &body, MessageGroupId: &body}, "SerializationException", `"MessageGroupId"`},
		{sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("String"), StringValue: &body}}}, "SerializationException", `"MessageAttributes"`},
	} {
		_, err := r.client.SendMessage(context.Background(), &c.in)
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != c.code || !strings.Contains(refused.ErrorMessage(), c.remedy) {
			t.Errorf("got %.300v, want %s with %q", err, c.code, c.remedy)
		}
	}
	var unknown *types.QueueDoesNotExist
	if _, err := r.client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &far, MessageBody: &body}); !errors.As(err, &unknown) {
		t.Errorf("got %v, want a QueueDoesNotExist", err)
	}
	_, err := r.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &r.url})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "UnknownOperationException" || !strings.Contains(refused.ErrorMessage(), `"AmazonSQS.ReceiveMessage"`) {
		t.Errorf("got %v for another operation", err)
	}
	r.want("what refused messages left", bodies(r.handler.Waiting(r.url)), "")
	r.send(strings.Repeat("x", 1<<20), 0)
	r.send(strings.Repeat("\"", 1<<20), 0)
}

// TestRefusalOnTheWire has the bytes of AWS's error answers.
func TestRefusalOnTheWire(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ body, status, kind, queryError, message string }{
		{`{"QueueUrl":"https://h/111122223333/far","MessageBody":"x"}`, "400 Bad Request", "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender", "does not exist"},
		{`{"QueueUrl":"https://h/111122223333/wake","MessageBody":"x","DelaySeconds":901}`, "400 Bad Request", "com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue;Sender", "DelaySeconds"},
		{`{"QueueUrl":"x","MessageBody":"x"}`, "404 Not Found", "com.amazonaws.sqs#InvalidAddress", "InvalidAddress;Sender", "queue URL"},
		{`{"QueueUrl":"x","MessageBody":null}`, "400 Bad Request", "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter;Sender", "MessageBody"},
		{`{"QueueUrl":1}`, "400 Bad Request", "com.amazon.coral.service#SerializationException", "", "QueueUrl"},
		{`{"QueueUrl":"x","MessageBody":"x","DelaySeconds":"1"}`, "400 Bad Request", "com.amazon.coral.service#SerializationException", "", "DelaySeconds"},
		{`{"QueueUrl":"x","MessageBody":"x","DelaySeconds":1.5}`, "400 Bad Request", "com.amazon.coral.service#SerializationException", "", "DelaySeconds"},
		{`{"queueUrl":"x"}`, "400 Bad Request", "com.amazon.coral.service#SerializationException", "", "queueUrl"},
		{`[]`, "400 Bad Request", "com.amazon.coral.service#SerializationException", "", "no JSON object"},
	} {
		resp, err := r.handler.Do(post(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		if resp.Status != c.status || resp.Header.Get("Content-Type") != "application/x-amz-json-1.0" || resp.Header.Get("X-Amzn-Query-Error") != c.queryError ||
			!strings.HasPrefix(string(got), `{"__type":"`+c.kind+`","message":"`) || !strings.Contains(string(got), c.message) {
			t.Errorf("%s: got %s, %v, %s", c.body, resp.Status, resp.Header, got)
		}
	}
}

// post makes a signed-looking SendMessage.
func post(body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://sqs.eu-west-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260102/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	return r
}
