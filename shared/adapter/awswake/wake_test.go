package awswake_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"detour/shared/adapter/awswake"
	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/ingest"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	url     = "https://sqs.eu-west-1.amazonaws.com/111122223333/detour-wake-up"
)

// taken is how SQS takes a message: with the checksum of its body.
func taken(c cannedtest.Call) (int, string) {
	body, _ := c.Body["MessageBody"].(string)
	sum := md5.Sum([]byte(body))
	return http.StatusOK, fmt.Sprintf(`{"MessageId":"m","MD5OfMessageBody":%q}`, hex.EncodeToString(sum[:]))
}

func queue(t *testing.T, doer *cannedtest.JSON, clock controller.Clock) *awswake.Queue {
	t.Helper()
	return awswake.New(cannedtest.Config(t, doer, region), awswake.Options{QueueURL: url, Clock: clock, CallTimeout: 5 * time.Second})
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
		doer := &cannedtest.JSON{Answer: taken}
		if err := queue(t, doer, clock).At(t.Context(), controller.GroupKey("a"), clock.Now().Add(test.in)); err != nil {
			t.Errorf("in %s: %v", test.in, err)
			continue
		}
		if got := doer.Calls[0].Body["DelaySeconds"]; got != test.want {
			t.Errorf("in %s the delay is %v, want %v", test.in, got, test.want)
		}
	}
	doer := &cannedtest.JSON{Answer: taken}
	if err := queue(t, doer, clock).At(t.Context(), controller.GroupKey("a"), time.Time{}); err != nil || doer.Calls[0].Body["DelaySeconds"] != nil {
		t.Errorf("the zero time: %v, %v", doer.Calls, err)
	}
}

// TestTheMessageIsAWakeUp: package ingest reads it, and there is nothing else
// in the request.
func TestTheMessageIsAWakeUp(t *testing.T) {
	clock := recordstest.NewClock()
	for _, key := range []controller.Key{controller.GroupKey("site-a"), controller.KeyEverything, `group#ünüsual "name" <&>`} {
		doer := &cannedtest.JSON{Answer: taken}
		if err := queue(t, doer, clock).At(t.Context(), key, clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if len(doer.Calls) != 1 || doer.Calls[0].Target != "AmazonSQS.SendMessage" {
			t.Fatalf("the calls were %+v", doer.Calls)
		}
		body := doer.Calls[0].Body
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
	for name, test := range map[string]struct {
		answer func(cannedtest.Call) (int, string)
		code   string
	}{
		"gone":         {cannedtest.Says(http.StatusBadRequest, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`), "QueueDoesNotExist"},
		"denied":       {cannedtest.Says(http.StatusForbidden, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}`), "AccessDeniedException"},
		"throttled":    {cannedtest.Says(http.StatusBadRequest, `{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slowly"}`), "RequestThrottled"},
		"unavailable":  {cannedtest.Says(http.StatusServiceUnavailable, ``), ""},
		"malformed":    {cannedtest.Says(http.StatusOK, `{`), ""},
		"another body": {cannedtest.Says(http.StatusOK, `{"MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			clock := recordstest.NewClock()
			doer := &cannedtest.JSON{Answer: test.answer}
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
	q := awswake.New(cannedtest.Config(t, clock, region), awswake.Options{QueueURL: url, Clock: clock, CallTimeout: 5 * time.Second})
	err := q.At(t.Context(), controller.GroupKey("a"), clock.Now())
	if !errors.Is(err, context.DeadlineExceeded) || clock.Asked != 5*time.Second {
		t.Errorf("after %s: %v", clock.Asked, err)
	}
}
