package lab_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/events/payload"
	"detour/shared/lab"
	"detour/shared/sim/sqsapi"
)

func batch(ids ...string) []sqsapi.Message {
	var out []sqsapi.Message
	at := time.UnixMilli(1767582000123).UTC()
	for _, id := range ids {
		out = append(out, sqsapi.Message{ID: id, Receipt: id + ".2", Body: "<" + id + ">", Receives: 2, SentAt: at, FirstReceivedAt: at.Add(time.Second)})
	}
	return out
}

func TestBatchFailures(t *testing.T) {
	for answer, want := range map[string]string{
		"":                           "",
		" \n":                        "",
		"null":                       "",
		"{}":                         "",
		`{"batchItemFailures":null}`: "",
		`{"batchItemFailures":[]}`:   "",
		`{"other":1}`:                "",
		`{"batchItemFailures":[{"itemIdentifier":"b"}]}`:                         "b",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}`:  "a",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`:  "a b",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"no"}]}`: "a b",
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                          "a b",
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                        "a b",
		`{"batchItemFailures":[{"itemidentifer":"a"}]}`:                          "a b",
		`{"batchItemFailures":[{}]}`:                                             "a b",
		`{"batchItemFailures":"a"}`:                                              "a b",
		`{"batchItemFailures":[`:                                                 "a b",
		`[1]`:                                                                    "a b",
		`hello`:                                                                  "a b",
	} {
		got := lab.BatchFailures([]byte(answer), batch("a", "b"))
		if text := strings.Join(slices.Sorted(maps.Keys(got)), " "); text != want {
			t.Errorf("%s means that %q was not done, want %q", answer, text, want)
		}
	}
}

// FuzzBatchFailures: whatever a function answers, only messages of the batch
// come again, and nothing is done by an answer that is no JSON.
func FuzzBatchFailures(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"b"}]}`))
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":null}]}`))
	f.Add([]byte(`hello`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		got := lab.BatchFailures(answer, batch("a", "b"))
		for id, failed := range got {
			if !failed || id != "a" && id != "b" {
				t.Errorf("%q means that %q is %t", answer, id, failed)
			}
		}
		if len(strings.TrimSpace(string(answer))) > 0 && !json.Valid(answer) && len(got) != 2 {
			t.Errorf("%q means that only %v come again", answer, got)
		}
	})
}

// TestBatchEvent reads the event as the functions do, and compares its keys with
// those of the sample.
func TestBatchEvent(t *testing.T) {
	raw := lab.BatchEvent(batch("a", "b"), "111122223333", "eu-west-1", "detour-wake")
	var read events.SQSBatch
	if err := json.Unmarshal(raw, &read); err != nil || len(read.Records) != 2 || read.Records[1].MessageID != "b" || read.Records[1].Body != "<b>" {
		t.Errorf("the functions read %+v, %v", read, err)
	}
	type event struct{ Records []map[string]any }
	var got, sample event
	text, err := payload.Read("wake-up.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &sample); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(got.Records[0])), slices.Sorted(maps.Keys(sample.Records[0])); !slices.Equal(got, want) {
		t.Errorf("a record has %v, the sample %v", got, want)
	}
	first, err := json.Marshal(got.Records[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"attributes":{"ApproximateFirstReceiveTimestamp":"1767582001123","ApproximateReceiveCount":"2","SenderId":"111122223333","SentTimestamp":"1767582000123"},` +
		`"awsRegion":"eu-west-1","body":"\u003ca\u003e","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:111122223333:detour-wake",` +
		`"md5OfBody":"e2fc207215939b25e8dd4c6f9db3cc38","messageAttributes":{},"messageId":"a","receiptHandle":"a.2"}`
	if string(first) != want {
		t.Errorf("the record is\n%s, want\n%s", first, want)
	}
	if empty := lab.BatchEvent(nil, "111122223333", "eu-west-1", "detour-wake"); string(empty) != `{"Records":[]}` {
		t.Errorf("no messages are %s", empty)
	}
}
