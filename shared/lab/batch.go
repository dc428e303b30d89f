package lab

import (
	"bytes"
	"crypto/md5" //nolint:gosec // SQS has it in its events.
	"encoding/hex"
	"encoding/json"
	"strconv"

	"detour/shared/sim/sqsapi"
)

// WakeReceives is how often a wake-up is tried before it moves to the dead-letter
// queue (Lambda Developer Guide, "Using Lambda with Amazon SQS": at least 5).
const WakeReceives = 5

// BatchEvent is a batch of messages in the form in which Lambda hands it to a
// function (Lambda Developer Guide, "Using Lambda with Amazon SQS"). The queue is
// named by its account, Region and name.
func BatchEvent(batch []sqsapi.Message, account, region, queue string) []byte {
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
				"SenderId":                         account,
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(message.FirstReceivedAt.UnixMilli(), 10),
			},
			MD5OfBody: hex.EncodeToString(sum[:]), EventSource: "aws:sqs",
			EventSourceARN: "arn:aws:sqs:" + region + ":" + account + ":" + queue, AWSRegion: region,
		})
	}
	raw, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err) // Records hold nothing that cannot be marshalled.
	}
	return raw
}

// BatchFailures are the ids of the messages of the batch that were not done. An
// answer without batchItemFailures, or with an empty list, means that all were
// done; one that cannot be read, or that names something else, means that none was
// (Lambda Developer Guide, "Handling errors for an SQS event source in Lambda").
func BatchFailures(answer []byte, batch []sqsapi.Message) map[string]bool {
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
