package events

import "encoding/json"

// SourceSQS is the eventSource of a record in an SQS batch.
const SourceSQS = "aws:sqs"

// SQSBatch is what Lambda passes to a function for an SQS queue (AWS page "Using Lambda with Amazon SQS", "Example standard
// queue message event").
type SQSBatch struct {
	Records []SQSRecord `json:"Records"`
}

// SQSRecord is one message of an SQS batch.
type SQSRecord struct {
	MessageID         string            `json:"messageId"`
	ReceiptHandle     string            `json:"receiptHandle"`
	Body              string            `json:"body"`
	Attributes        map[string]string `json:"attributes"`
	MessageAttributes json.RawMessage   `json:"messageAttributes,omitempty"`
	MD5OfBody         string            `json:"md5OfBody"`
	EventSource       string            `json:"eventSource"`
	EventSourceARN    string            `json:"eventSourceARN"`
	AWSRegion         string            `json:"awsRegion"`
}

// UnmarshalJSON fills every field that it can, in every record, and reports the first of the others.
func (b *SQSBatch) UnmarshalJSON(raw []byte) error {
	type plain SQSBatch // without this method
	return wholeOrShape(json.Unmarshal(raw, (*plain)(b)))
}
