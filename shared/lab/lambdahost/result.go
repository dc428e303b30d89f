package lambdahost

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The errors of Invoke. What goes wrong inside the function is no error of
// Invoke; the Result says it.
var (
	// ErrThrottled: every environment is busy and no more may start, what Lambda
	// answers with status 429.
	ErrThrottled = errors.New("rate exceeded")
	// ErrTooLarge: the event has more than 6 MB (Developer Guide, "Lambda quotas").
	ErrTooLarge = errors.New("event is too large")
	// ErrClosed: the Function was closed.
	ErrClosed = errors.New("function host is closed")
)

// End is how an invocation ended.
type End int

// The ends of an invocation. After EndTimeout, EndMemory, EndExit, EndKilled and
// EndInit the environment is gone.
const (
	// EndReturned: the function answered.
	EndReturned End = iota + 1
	// EndError: the runtime reported an error, or its answer was too large.
	EndError
	// EndTimeout: no answer within Options.Timeout.
	EndTimeout
	// EndMemory: resident memory rose above Options.MemoryMB.
	EndMemory
	// EndExit: the process ended without an answer.
	EndExit
	// EndKilled: Kill or Close.
	EndKilled
	// EndInit: the process ended, reported an error, or took longer than 10 s
	// before it asked for its first event.
	EndInit
)

// String returns the end's name in lower case.
func (e End) String() string {
	switch e {
	case EndReturned:
		return "returned"
	case EndError:
		return "error"
	case EndTimeout:
		return "timeout"
	case EndMemory:
		return "memory"
	case EndExit:
		return "exit"
	case EndKilled:
		return "killed"
	case EndInit:
		return "init"
	default:
		return fmt.Sprintf("End(%d)", int(e))
	}
}

// Result is what became of one invocation.
type Result struct {
	// RequestID is the invocation's id, a UUID.
	RequestID string
	// Payload is the answer, or the error document: the runtime's own, or the one
	// that Lambda makes when the runtime had no chance to report.
	Payload []byte
	// Failed is true for every End but EndReturned.
	Failed bool
	// Error is "errorType: errorMessage" as the runtime reported it, or what ended
	// the environment in the same form.
	Error string
	End   End
	// Cold: the environment was started for this invocation.
	Cold bool
	// Start is the time from the start of the process to its first request for an
	// event, or until it ended; zero unless Cold.
	Start time.Duration
	// Took is the time from handing over the event to the answer or the end.
	Took time.Duration
	// MaxRSS is the environment's highest resident memory so far, in bytes, as last
	// read; 0 if the process ended before the first reading.
	MaxRSS int64
}

// An answer is what the runtime posted for an event.
type answer struct {
	at      time.Time
	end     End // EndReturned or EndError
	payload []byte
	text    string // of an error
}

// An ending is why an environment is no more.
type ending struct {
	end End
	// abandoned: the caller of Invoke went away.
	abandoned bool
	kind      string // errorType
	message   string // errorMessage, without the request id
	payload   []byte // the runtime's own error document
}

// document returns the error document and its text. Lambda puts the request id
// before messages of its own.
func (e ending) document(requestID string) (payload []byte, text string) {
	if e.payload != nil {
		return e.payload, describe(e.kind, e.message)
	}
	message := "RequestId: " + requestID + " Error: " + e.message
	return errorDocument(e.kind, message), describe(e.kind, e.message)
}

// errorDocument is an error in Lambda's format.
func errorDocument(kind, message string) []byte {
	document, err := json.Marshal(report{Type: kind, Message: message})
	if err != nil { // Two strings can always be encoded.
		panic(err)
	}
	return document
}

// report is an error document as far as the host reads it; a stack trace beside
// it stays in the payload.
type report struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// parseReport reads what a runtime posted as an error: the type and message of
// the document, or the type from the header Lambda-Runtime-Function-Error-Type
// where the document names none. Runtimes are free in the format of errors; what
// is no JSON is replaced by a document made from the header.
func parseReport(header string, body []byte) (document []byte, kind, message string) {
	var read report
	err := json.Unmarshal(body, &read) // It goes on after a field of another type.
	kind = read.Type
	if kind == "" {
		kind = header
	}
	if kind == "" {
		kind = "Runtime.Unknown"
	}
	if err != nil && !json.Valid(body) {
		body = errorDocument(kind, read.Message)
	}
	return body, kind, read.Message
}

// describe joins an error's type and message.
func describe(kind, message string) string {
	if message == "" {
		return kind
	}
	return kind + ": " + message
}
