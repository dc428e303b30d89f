package dynamoapi

import (
	"fmt"
	"net/http"
	"strings"
)

// The namespaces of error types. Source: answers of DynamoDB.
const (
	serviceErrors    = "com.amazonaws.dynamodb.v20120810#"
	coralErrors      = "com.amazon.coral.service#"
	validationErrors = "com.amazon.coral.validate#"
)

// failure is an error answer. Its JSON is the answer's body, whose members are
// those of DynamoDB's exceptions.
type failure struct {
	// Status is the HTTP status; 0 is 400.
	Status  int    `json:"-"`
	Type    string `json:"__type"`
	Message string `json:"message"`
	// Item is the item as a failed condition found it, if the request asked for it.
	Item Item `json:"Item,omitempty"`
	// Reasons has one reason for each action of a cancelled transaction.
	Reasons []reason `json:"CancellationReasons,omitempty"`
}

// reason is why an action of a transaction failed, or that it did not. Source:
// DynamoDB API reference, CancellationReason.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

// The codes of a reason. Source: DynamoDB API reference, TransactWriteItems,
// cancellation reason codes.
const (
	reasonNone       = "None"
	reasonCondition  = "ConditionalCheckFailed"
	reasonValidation = "ValidationError"
)

// invalid is a ValidationException: DynamoDB itself would refuse the request.
func invalid(format string, args ...any) *failure {
	return &failure{Type: validationErrors + "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// unsupported is a ValidationException for what DynamoDB may know, but this fake
// does not: it never guesses. It names what was asked for, where the arguments
// fill in the verbs, and what to use instead.
func unsupported(what, instead string, args ...any) *failure {
	return invalid("The simulated DynamoDB does not support "+what+"; use %s.", append(args, instead)...)
}

// malformed is a SerializationException: the body is not of the right form.
func malformed(format string, args ...any) *failure {
	return &failure{Type: coralErrors + "SerializationException", Message: fmt.Sprintf(format, args...)}
}

// noTable is the refusal of a table that was not created.
func noTable(at place) *failure {
	return &failure{
		Type:    serviceErrors + "ResourceNotFoundException",
		Message: fmt.Sprintf("Requested resource not found: Table: %s not found in account %s, Region %s", at.table, at.account, at.region),
	}
}

// conditionFailed is the answer to a condition that does not hold.
func conditionFailed(old Item, wanted bool) *failure {
	f := &failure{Type: serviceErrors + "ConditionalCheckFailedException", Message: "The conditional request failed"}
	if wanted {
		f.Item = old
	}
	return f
}

// reason says of an action of a transaction what the failure would say of it
// alone; nil is no failure.
func (f *failure) reason() reason {
	switch {
	case f == nil:
		return reason{Code: reasonNone}
	case f.Type == serviceErrors+"ConditionalCheckFailedException":
		return reason{Code: reasonCondition, Message: f.Message, Item: f.Item}
	default:
		return reason{Code: reasonValidation, Message: f.Message}
	}
}

// cancelled is the answer to a transaction of which an action failed, or nil.
func cancelled(reasons []reason) *failure {
	codes, failed := make([]string, len(reasons)), false
	for i, r := range reasons {
		codes[i] = r.Code
		failed = failed || r.Code != reasonNone
	}
	if !failed {
		return nil
	}
	return &failure{
		Type:    serviceErrors + "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// forbidden is the refusal of credentials; the messages are this fake's own,
// because in a simulator the cause is always the set-up.
func forbidden(code, format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Type: coralErrors + code, Message: fmt.Sprintf(format, args...)}
}
