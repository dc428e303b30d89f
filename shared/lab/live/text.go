package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"detour/events"
)

// Text is the end of the attempt in a line.
func (in Invocation) Text() string {
	text := in.Result
	switch in.Result {
	case Succeeded, Failed:
		text += " after " + short(in.Took)
		if in.Cold {
			text += ", started in " + short(in.Start)
		}
		if in.MaxRSS > 0 {
			text += fmt.Sprintf(", %d MB", in.MaxRSS>>20)
		}
	default:
	}
	return text + leading(": ", in.Error)
}

// Text is the dead letter in a line.
func (d DeadLetter) Text() string {
	if d.Queue == "" {
		d.Queue = "nobody"
	}
	return fmt.Sprintf("%s gets what %s could not handle (%s, attempts: %d): %s%s", d.Queue, d.Function, d.Condition, d.Attempts, compact([]byte(d.Body)), leading(": ", d.Error))
}

// short rounds a duration to what a person wants to know.
func short(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}

// describeBatch names the keys of a batch of wake-ups.
func describeBatch(raw []byte) string {
	var batch events.SQSBatch
	if json.Unmarshal(raw, &batch) != nil {
		return compact(raw)
	}
	var keys []string
	for _, record := range batch.Records {
		var wake events.WakeUp
		if json.Unmarshal([]byte(record.Body), &wake) != nil || wake.Key == "" {
			wake.Key = record.MessageID
		}
		keys = append(keys, wake.Key)
	}
	return strings.Join(keys, ", ")
}
