package awswake_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awswake"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/ingest"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	url     = "https://sqs.eu-west-1.amazonaws.com/111122223333/detour-wake-up"
)

// sent is a request as SQS would get it.
type sent struct {
	target string
	body   map[string]any
}

// canned keeps what was sent, and answers with what a function says.
type canned struct {
	answer func(body string) (status int, answer string)
	calls  []sent
}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	c.calls = append(c.calls, sent{target: r.Header.Get("X-Amz-Target"), body: body})
	text, _ := body["MessageBody"].(string)
	status, answer := c.answer(text)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// taken is how SQS takes a message: with the checksum of its body.
func taken(body string) (int, string) {
	sum := md5.Sum([]byte(body))
	return http.StatusOK, fmt.Sprintf(`{"MessageId":"m","MD5OfMessageBody":%q}`, hex.EncodeToString(sum[:]))
}

func config(t *testing.T, doer awsclient.HTTPDoer) aws.Config {
	t.Helper()
	clients, err := awsclient.New(awsclient.Options{Doer: doer, HomeAccount: account, HomeCredentials: awsclient.StaticCredentials(account, "secret")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := clients.Config(account, region)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func queue(t *testing.T, doer *canned, clock controller.Clock) *awswake.Queue {
	t.Helper()
	return awswake.New(config(t, doer), awswake.Options{QueueURL: url, Clock: clock, CallTimeout: 5 * time.Second})
}

// TestDelay: whole seconds, rounded up, from none to 15 minutes. The SDK leaves
// out a zero.
func TestDelay(t *testing.T) {
	clock := recordstest.NewClock()
	for _, test := range []struct {
		in   time.Duration
		want any
	}{
		{-400 * 24 * time.Hour, nil},
		{-time.Nanosecond, nil},
		{0, nil},
		{time.Nanosecond, 1.0},
		{time.Second, 1.0},
		{time.Second + time.Nanosecond, 2.0},
		{10*time.Second - time.Millisecond, 10.0},
		{14*time.Minute + 59*time.Second + time.Nanosecond, 900.0},
		{15 * time.Minute, 900.0},
		{15*time.Minute + time.Nanosecond, 900.0},
		{400 * 24 * time.Hour, 900.0},
	} {
		doer := &canned{answer: taken}
		if err := queue(t, doer, clock).At(t.Context(), controller.GroupKey("a"), clock.Now().Add(test.in)); err != nil {
			t.Errorf("in %s: %v", test.in, err)
			continue
		}
		if got := doer.calls[0].body["DelaySeconds"]; got != test.want {
			t.Errorf("in %s the delay is %v, want %v", test.in, got, test.want)
		}
	}
	doer := &canned{answer: taken}
	if err := queue(t, doer, clock).At(t.Context(), controller.GroupKey("a"), time.Time{}); err != nil || doer.calls[0].body["DelaySeconds"] != nil {
		t.Errorf("the zero time: %v, %v", doer.calls, err)
	}
}

// TestTheMessageIsAWakeUp: package ingest reads it, and there is nothing else
// in the request.
func TestTheMessageIsAWakeUp(t *testing.T) {
	clock := recordstest.NewClock()
	for _, key := range []controller.Key{controller.GroupKey("site-a"), controller.KeyEverything, `group#ünüsual "name" <&>`} {
		doer := &canned{answer: taken}
		if err := queue(t, doer, clock).At(t.Context(), key, clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if len(doer.calls) != 1 || doer.calls[0].target != "AmazonSQS.SendMessage" {
			t.Fatalf("the calls were %+v", doer.calls)
		}
		body := doer.calls[0].body
		message, _ := body["MessageBody"].(string)
		batch, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"messageId": "m", "eventSource": "aws:sqs", "body": message}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ingest.DecodeWake(batch)
		if want := []ingest.Wake{{Key: string(key), MessageID: "m"}}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q comes as %+v, %v", key, got, err)
		}
		delete(body, "MessageBody")
		if want := map[string]any{"QueueUrl": url, "DelaySeconds": 60.0}; !reflect.DeepEqual(body, want) {
			t.Errorf("beside the message there is %v, want %v", body, want)
		}
	}
}

// TestErrorsNameKeyAndQueue, are made by one call, and keep what they wrap.
func TestErrorsNameKeyAndQueue(t *testing.T) {
	says := func(status int, answer string) func(string) (int, string) {
		return func(string) (int, string) { return status, answer }
	}
	for name, test := range map[string]struct {
		answer func(string) (int, string)
		code   string
	}{
		"gone":         {says(http.StatusBadRequest, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`), "QueueDoesNotExist"},
		"denied":       {says(http.StatusForbidden, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}`), "AccessDeniedException"},
		"throttled":    {says(http.StatusBadRequest, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slowly"}`), "RequestThrottled"},
		"unavailable":  {says(http.StatusServiceUnavailable, ``), ""},
		"malformed":    {says(http.StatusOK, `{`), ""},
		"another body": {says(http.StatusOK, `{"MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			clock := recordstest.NewClock()
			doer := &canned{answer: test.answer}
			err := queue(t, doer, clock).At(t.Context(), controller.GroupKey("site-a"), clock.Now())
			if err == nil {
				t.Fatal("it was taken for success")
			}
			for _, part := range []string{"group#site-a", url, "2026-01-02T03:04:05Z"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s is not in the error %v", part, err)
				}
			}
			var answered smithy.APIError
			if test.code != "" && (!errors.As(err, &answered) || answered.ErrorCode() != test.code) {
				t.Errorf("the code %s cannot be had from %v", test.code, err)
			}
			if len(doer.calls) != 1 {
				t.Errorf("%d calls, want one", len(doer.calls))
			}
		})
	}
}

// expiring is a clock whose timeouts are over when the test says so.
type expiring struct {
	*recordstest.Clock
	asked time.Duration
	end   context.CancelFunc
}

func (c *expiring) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	c.asked = d
	ctx, c.end = context.WithCancel(ctx)
	return over{ctx}, c.end
}

// over is a context that ends as one does whose time ran out.
type over struct{ context.Context }

func (c over) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

// TestTheCallTimeoutEndsACall, and the error says so although the transport
// calls it something else: here the answer breaks off.
func TestTheCallTimeoutEndsACall(t *testing.T) {
	clock := &expiring{Clock: recordstest.NewClock()}
	doer := breaking(func() { clock.end() })
	q := awswake.New(config(t, doer), awswake.Options{QueueURL: url, Clock: clock, CallTimeout: 5 * time.Second})
	err := q.At(t.Context(), controller.GroupKey("a"), clock.Now())
	if !errors.Is(err, context.DeadlineExceeded) || clock.asked != 5*time.Second {
		t.Errorf("after %s: %v", clock.asked, err)
	}
}

// breaking is a doer whose answer calls the function, and then breaks off.
type breaking func()

func (b breaking) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(b)}, nil
}

func (b breaking) Read([]byte) (int, error) {
	b()
	return 0, errors.New("use of closed connection")
}
