// Package sqsapi simulates Amazon SQS standard queues: on the wire SendMessage
// in the AWS JSON protocol, and as Go methods what an event source mapping does
// with a queue.
//
// A standard queue promises at-least-once delivery and no order. This one
// delivers again when a visibility timeout runs out, and never otherwise; its
// order is deterministic, and nothing may rely on it. It simulates neither long
// polling (OnVisible takes its place) nor the end of the retention period.
package sqsapi

import (
	"crypto/md5" //nolint:gosec // SQS's answer contains an MD5 sum, which clients compare; nothing is protected by it.
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// Limits of a message. Source: SQS API reference, SendMessage.
const (
	maxMessage = 1 << 20 // bytes of the body
	maxDelay   = 900     // seconds
)

// Handler holds the queues and answers SQS requests. It is an http.Handler for a
// listener, and an HTTP client (Do) for an SDK in the same process. All methods
// may be called from several goroutines; none holds the lock while it calls the
// Timekeeper.
type Handler struct {
	keeper sim.Timekeeper
	face   *endpoint.JSON

	mu     sync.Mutex
	queues map[name]*queue
	urls   map[string]*queue
	serial uint64 // of messages
}

// name is what identifies a queue: the path of its URL, and the Region.
type name struct{ region, account, queue string }

// New returns a Handler without queues.
func New(tk sim.Timekeeper) *Handler {
	h := &Handler{keeper: tk, queues: make(map[name]*queue), urls: make(map[string]*queue)}
	h.face = &endpoint.JSON{Version: "1.0", Service: "sqs", Target: "AmazonSQS.SendMessage", Run: h.sendMessage}
	return h
}

// Do answers the request in process; with it a Handler is an HTTPClient of the
// AWS SDK. A request whose context is over does not arrive.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return h.face.Do(r) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.face.ServeHTTP(w, r) }

// sent is the answer to a SendMessage.
type sent struct {
	MD5OfMessageBody string
	MessageID        string `json:"MessageId"`
}

// sendMessage answers a SendMessage. Order of the checks: parameters, queue. AWS
// does not publish its order.
func (h *Handler) sendMessage(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	p, err := readParameters(raw)
	if err != nil {
		return nil, err
	}
	account, queue, err := readURL(p.queueURL)
	if err != nil {
		return nil, err
	}
	id, found := h.send(name{region: scope.Region, account: account, queue: queue}, p.body, time.Duration(p.delay)*time.Second)
	if !found {
		return nil, &endpoint.Error{
			Type: "com.amazonaws.sqs#QueueDoesNotExist", QueryCode: "AWS.SimpleQueueService.NonExistentQueue",
			Message: fmt.Sprintf("The specified queue does not exist: account %s has no queue %q in %s. Create it, or correct the queue URL or the Region.", account, queue, scope.Region),
		}
	}
	sum := md5.Sum([]byte(p.body)) //nolint:gosec // It is part of SQS's answer.
	return sent{MD5OfMessageBody: hex.EncodeToString(sum[:]), MessageID: id}, nil
}

// parameters are those of a SendMessage.
type parameters struct {
	queueURL string
	body     string
	delay    int64 // seconds
}

// readParameters reads and checks the parameters. Those of FIFO queues, and
// message attributes, are not simulated and refused by name.
func readParameters(raw []byte) (parameters, *endpoint.Error) {
	var p parameters
	members, err := endpoint.Members("the SendMessage request", raw, "QueueUrl", "MessageBody", "DelaySeconds")
	if err != nil {
		return p, err
	}
	for _, m := range []struct {
		name string
		into any
	}{{"QueueUrl", &p.queueURL}, {"MessageBody", &p.body}, {"DelaySeconds", &p.delay}} {
		if err := endpoint.Decode(members, m.name, m.into); err != nil {
			return p, err
		}
	}
	switch {
	case p.queueURL == "":
		return p, missing("QueueUrl")
	case p.body == "":
		return p, missing("MessageBody")
	case p.delay < 0 || p.delay > maxDelay:
		return p, invalid("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= %d.", p.delay, maxDelay)
	case len(p.body) > maxMessage:
		return p, invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes; MessageBody has %d.", maxMessage+1, len(p.body))
	case strings.ContainsFunc(p.body, forbidden):
		return p, &endpoint.Error{
			Type: "com.amazonaws.sqs#InvalidMessageContents", QueryCode: "InvalidMessageContents",
			Message: "The parameter MessageBody contains characters outside the allowed set: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
		}
	}
	return p, nil
}

// forbidden says whether a message must not contain the character. Source: SQS
// API reference, SendMessage, MessageBody.
func forbidden(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// readURL takes the account and the queue's name out of a queue URL, whose
// scheme and host are whatever endpoint the caller uses.
func readURL(text string) (account, queue string, err *endpoint.Error) {
	u, bad := url.Parse(text)
	if bad == nil {
		account, queue, _ = strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	}
	if !endpoint.IsAccount(account) || queue == "" || strings.Contains(queue, "/") {
		return "", "", &endpoint.Error{
			Status: http.StatusNotFound, Type: "com.amazonaws.sqs#InvalidAddress", QueryCode: "InvalidAddress",
			Message: fmt.Sprintf("The address %q is no queue URL: write it as https://HOST/ACCOUNT/NAME.", text),
		}
	}
	return account, queue, nil
}

// isName says whether s is the name of a standard queue. Source: SQS API
// reference, CreateQueue, QueueName.
func isName(s string) bool {
	return s != "" && len(s) <= 80 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// refuse makes an error that SQS's model does not have. UNVERIFIED: the
// namespace of its __type; clients take the query code.
func refuse(code, queryCode, format string, args ...any) *endpoint.Error {
	return &endpoint.Error{Type: "com.amazon.coral.service#" + code, QueryCode: queryCode, Message: fmt.Sprintf(format, args...)}
}

func missing(name string) *endpoint.Error {
	return refuse("MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter %s.", name)
}

func invalid(format string, args ...any) *endpoint.Error {
	return refuse("InvalidParameterValueException", "InvalidParameterValue", format, args...)
}
