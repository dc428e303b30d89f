package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"detour/events"
)

// maxBatchBytes bounds an SQS batch: the largest payload of a Lambda invocation (AWS page "Lambda quotas", 6 MB).
const maxBatchBytes = 6 << 20

// Wake is one wake-up: look at this group or filter now.
type Wake struct {
	Key       string // "group#NAME", "filter#NAME", "everything" or "every-filter"
	MessageID string
}

// BadWake is one message of a batch that is no wake-up. Trying it again cannot help.
type BadWake struct {
	MessageID string // "" if the record has none
	Index     int    // its place in the batch
	Reason    DropReason
	Detail    string
}

// Error names the message, the reason and the detail.
func (b *BadWake) Error() string {
	return fmt.Sprintf("message %q (record %d): %s: %s", b.MessageID, b.Index, b.Reason, b.Detail)
}

// WakeError says which messages of a batch are no wake-ups, in the order of the batch.
type WakeError struct{ Bad []*BadWake }

// Error names every bad message.
func (e *WakeError) Error() string {
	texts := make([]string, len(e.Bad))
	for i, b := range e.Bad {
		texts[i] = b.Error()
	}
	return "dropping wake-ups: " + strings.Join(texts, "; ")
}

// Unwrap returns every bad message, for errors.As.
func (e *WakeError) Unwrap() []error {
	out := make([]error, len(e.Bad))
	for i, b := range e.Bad {
		out[i] = b
	}
	return out
}

// DecodeWake reads an SQS batch of wake-ups. A batch that is none at all is a *Drop. Messages that are no wake-ups are a
// *WakeError, and the others are returned beside it, in the batch's order and with doubles: every message is to be answered.
func DecodeWake(raw []byte) ([]Wake, error) {
	if len(raw) > maxBatchBytes {
		return nil, &Drop{DropOversized, fmt.Sprintf("%d bytes, Lambda passes at most %d; look for another sender", len(raw), maxBatchBytes)}
	}
	var top struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(raw, &top); err != nil {
		return nil, &Drop{DropMalformed, fmt.Sprintf("no SQS batch: %v; correct what sends it here", err)}
	}
	if top.Records == nil {
		return nil, &Drop{DropNotForUs, `no key "Records" with an array, as an SQS batch has it; decode an event with Decode`}
	}
	var wakes []Wake
	var bad []*BadWake
	for i, record := range top.Records {
		wake, reason, err := decodeRecord(record)
		if err != nil {
			bad = append(bad, &BadWake{MessageID: wake.MessageID, Index: i, Reason: reason, Detail: err.Error()})
			continue
		}
		wakes = append(wakes, wake)
	}
	if bad != nil {
		return wakes, &WakeError{Bad: bad}
	}
	return wakes, nil
}

// decodeRecord reads one message. The Wake has the message id also if there is an error.
func decodeRecord(raw []byte) (Wake, DropReason, error) {
	var record events.SQSRecord
	_ = json.Unmarshal(raw, &record) // What could not be read is missing.
	wake := Wake{MessageID: clean(record.MessageID)}
	switch {
	case record.EventSource != "" && record.EventSource != events.SourceSQS:
		return wake, DropNotForUs, fmt.Errorf("eventSource is %q, want %q; correct the event source mapping", clean(record.EventSource), events.SourceSQS)
	case record.MessageID == "":
		return wake, DropMalformed, errors.New("messageId is missing; send the record as SQS does")
	case record.Body == "":
		return wake, DropMalformed, errors.New("body is missing or no string; send the record as SQS does")
	}
	var body events.WakeUp
	if err := json.Unmarshal([]byte(record.Body), &body); err != nil {
		return wake, DropMalformed, fmt.Errorf("reading the body: %w", withoutValue(err))
	}
	if body.Detour != events.KindWakeUp {
		return wake, DropNotForUs, fmt.Errorf("detour is not %q; send other messages elsewhere", events.KindWakeUp)
	}
	if !isKey(body.Key) {
		return wake, DropMalformed, fmt.Errorf(`key is %q, want "group#NAME", "filter#NAME", "everything" or "every-filter"`, clean(body.Key))
	}
	wake.Key = body.Key
	return wake, "", nil
}

// The keys of the records that coalesce looks at everything, and at all filters.
const (
	keyEverything  = "everything"
	keyEveryFilter = "every-filter"
)

// isKey says whether s is the key of a group's or a filter's record, or one of those two.
func isKey(s string) bool {
	if s == keyEverything || s == keyEveryFilter {
		return true
	}
	kind, name, ok := strings.Cut(s, "#")
	return ok && (kind == "group" || kind == "filter") && name != "" && clean(s) == s
}
