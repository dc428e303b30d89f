package live

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // An SQS event contains an MD5 sum; nothing is protected by it.
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"detour/shared/sim/sqsapi"
)

// What the event source mapping of the wake-ups does.
const (
	// batchSize is how many messages an invocation gets at most: the default of a
	// mapping of a standard queue (Lambda Developer Guide, "Using Lambda with Amazon SQS").
	batchSize = 10
	// batchesAtOnce is the mapping's maximum concurrency, 2 being the least that
	// Lambda takes.
	batchesAtOnce = 2
	// maxReceives is how often a message is tried before it moves to the
	// dead-letter queue; the Lambda Developer Guide asks for at least 5.
	maxReceives = 5
)

// wakeQueue is what the mapping needs of SQS.
type wakeQueue interface {
	Receive(url string, limit int) []sqsapi.Message
	Delete(url, receipt string)
}

// mapping is the event source mapping of a queue, with partial batch responses:
// it hands visible messages to the function in batches and deletes those that
// are done. All others become visible again after the queue's visibility
// timeout, and the queue moves them to the dead-letter queue when they have been
// received too often.
type mapping struct {
	target
	url   string
	queue wakeQueue
	start func(fn func(context.Context))

	mu      sync.Mutex
	running int
}

// poll hands out what is visible. The queue calls it when messages become
// visible.
func (m *mapping) poll() {
	for {
		m.mu.Lock()
		var batch []sqsapi.Message
		if m.running < batchesAtOnce {
			batch = m.queue.Receive(m.url, batchSize)
		}
		if len(batch) > 0 {
			m.running++
		}
		m.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		m.start(func(ctx context.Context) { m.run(ctx, batch) })
	}
}

// run has the function handle a batch, and polls again.
func (m *mapping) run(ctx context.Context, batch []sqsapi.Message) {
	attempt := slices.MaxFunc(batch, func(a, b sqsapi.Message) int { return a.Receives - b.Receives }).Receives
	in, counts := m.invoke(ctx, m.event(batch), CauseWakeUp, attempt)
	if counts && in.Result == Succeeded {
		undone := failures(in.Answer, batch)
		for _, message := range batch {
			if !undone[message.ID] {
				m.queue.Delete(m.url, message.Receipt)
			}
		}
	}
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
	if counts {
		m.poll()
	}
}

// failures are the ids of the messages of the batch that were not done. An answer
// without batchItemFailures, or with an empty list, means that all were done; one
// that cannot be read, or that names something else, means that none was (Lambda
// Developer Guide, "Handling errors for an SQS event source in Lambda").
func failures(answer []byte, batch []sqsapi.Message) map[string]bool {
	all := map[string]bool{}
	for _, message := range batch {
		all[message.ID] = true
	}
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil
	}
	var partial *struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &partial); err != nil {
		return all
	}
	if partial == nil {
		return nil
	}
	failed := map[string]bool{}
	for _, failure := range partial.Failures {
		if !all[failure.ID] {
			return all
		}
		failed[failure.ID] = true
	}
	return failed
}

// event is the batch in the form in which Lambda hands it to a function (Lambda
// Developer Guide, "Using Lambda with Amazon SQS").
func (m *mapping) event(batch []sqsapi.Message) []byte {
	type record struct {
		MessageID         string            `json:"messageId"`
		ReceiptHandle     string            `json:"receiptHandle"`
		Body              string            `json:"body"`
		Attributes        map[string]string `json:"attributes"`
		MessageAttributes struct{}          `json:"messageAttributes"`
		MD5OfBody         string            `json:"md5OfBody"`
		EventSource       string            `json:"eventSource"`
		EventSourceARN    string            `json:"eventSourceARN"`
		AWSRegion         string            `json:"awsRegion"`
	}
	records := make([]record, 0, len(batch))
	for _, message := range batch {
		sum := md5.Sum([]byte(message.Body)) //nolint:gosec // It is part of SQS's event.
		records = append(records, record{
			MessageID: message.ID, ReceiptHandle: message.Receipt, Body: message.Body,
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(message.Receives),
				"SentTimestamp":                    strconv.FormatInt(message.SentAt.UnixMilli(), 10),
				"SenderId":                         m.home.Account,
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(message.FirstReceivedAt.UnixMilli(), 10),
			},
			MD5OfBody: hex.EncodeToString(sum[:]), EventSource: "aws:sqs",
			EventSourceARN: "arn:aws:sqs:" + m.home.Region + ":" + m.home.Account + ":" + WakeQueue, AWSRegion: m.home.Region,
		})
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err) // Records hold nothing that cannot be marshalled.
	}
	return raw
}
