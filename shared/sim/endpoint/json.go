package endpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxBody is the longest request body that a JSON face reads, in bytes. The
// limits that AWS publishes are those of the parameters; in JSON a parameter is
// at most six times as long, and the longest one is SQS's message of 1 MiB.
const maxBody = 8 << 20

// coral is the namespace of the errors that AWS's JSON services have in common.
const coral = "com.amazon.coral.service#"

// Error is an error answer of the AWS JSON protocol.
type Error struct {
	// Status is the HTTP status; 0 is 400.
	Status int
	// Type is the answer's __type, with its namespace where AWS sends one.
	Type string
	// QueryCode is the code for clients that knew the service before it spoke
	// JSON, sent in the header x-amzn-query-error; empty for none.
	QueryCode string
	Message   string
}

// Error implements error.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// JSON is a face of the AWS JSON protocol that answers one operation, or several. It
// is an http.Handler for a listener, and an HTTP client (Do) for an SDK in the same
// process. Source: the Smithy specification, AWS JSON protocols.
type JSON struct {
	// Version is the protocol's: "1.0" or "1.1".
	Version string
	// Service is the service's name in credential scopes.
	Service string
	// Target is the one X-Amz-Target that is answered: SERVICE.OPERATION.
	Target string
	// Run answers one request. The scope's access key is an account. Its result
	// is written as JSON.
	Run func(scope Scope, body []byte) (any, *Error)
	// Operations, if there are any, answer in the place of Run, each by its name: then
	// Target is the part before the point.
	Operations map[string]func(scope Scope, body []byte) (any, *Error)

	requests atomic.Uint64
}

// Do answers the request in process. A request whose context is over does not arrive.
func (f *JSON) Do(r *http.Request) (*http.Response, error) { return Do(f, r) }

// ServeHTTP implements http.Handler.
func (f *JSON) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := ID(0x8000, f.requests.Add(1))
	result, err := f.answer(r)
	if err != nil {
		writeJSON(w, f.Version, err, id)
		return
	}
	writeJSON(w, f.Version, result, id)
}

// answer runs one call. Order of the checks: method, credentials, operation,
// body, and then Run. AWS does not publish its order.
func (f *JSON) answer(r *http.Request) (any, *Error) {
	if r.Method != http.MethodPost {
		return nil, &Error{
			Status: http.StatusMethodNotAllowed, Type: coral + "UnknownOperationException",
			Message: fmt.Sprintf("The method %s is not valid for this web service; use POST.", r.Method),
		}
	}
	scope, err := f.authenticate(r)
	if err != nil {
		return nil, err
	}
	run, err := f.operation(r.Header.Get("X-Amz-Target"))
	if err != nil {
		return nil, err
	}
	body, failure := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case failure != nil:
		return nil, &Error{Type: coral + "SerializationException", Message: "The request body could not be read: " + failure.Error()}
	case len(body) > maxBody:
		return nil, &Error{
			Status: http.StatusRequestEntityTooLarge, Type: coral + "RequestEntityTooLargeException",
			Message: fmt.Sprintf("The request body is longer than %d bytes.", maxBody),
		}
	}
	return run(scope, body)
}

// operation finds what answers an X-Amz-Target.
func (f *JSON) operation(target string) (func(scope Scope, body []byte) (any, *Error), *Error) {
	answered := f.Target
	if len(f.Operations) == 0 {
		if target == f.Target {
			return f.Run, nil
		}
	} else {
		name, found := strings.CutPrefix(target, f.Target+".")
		if run := f.Operations[name]; found && run != nil {
			return run, nil
		}
		answered += "." + strings.Join(slices.Sorted(maps.Keys(f.Operations)), ", ")
	}
	return nil, &Error{
		Type:    coral + "UnknownOperationException",
		Message: fmt.Sprintf("The operation %q is not simulated: the simulated network answers %s only.", target, answered),
	}
}

// authenticate reads who calls. AWS's codes, but the simulator's own messages,
// because in a simulator the cause is always the set-up.
func (f *JSON) authenticate(r *http.Request) (Scope, *Error) {
	scope, err := ReadScope(r)
	refused := &Error{Status: http.StatusForbidden}
	switch {
	case err != nil:
		refused.Type = coral + "MissingAuthenticationTokenException"
		refused.Message = err.Error() + ". Sign the request with any secret."
	case scope.Service != f.Service:
		refused.Type = coral + "InvalidSignatureException"
		refused.Message = fmt.Sprintf("Credential should be scoped to correct service: '%s', not %q.", f.Service, scope.Service)
	case !IsAccount(scope.AccessKey):
		refused.Type = coral + "UnrecognizedClientException"
		refused.Message = "The access key id is no account: in the simulated network use a 12-digit access key id, and any secret."
	default:
		return scope, nil
	}
	return Scope{}, refused
}

// writeJSON writes a result or an *Error as the response.
func writeJSON(w http.ResponseWriter, version string, result any, id string) {
	status := http.StatusOK
	header := w.Header()
	if err, failed := result.(*Error); failed {
		if status = err.Status; status == 0 {
			status = http.StatusBadRequest
		}
		if err.QueryCode != "" {
			header.Set("X-Amzn-Query-Error", err.QueryCode+";Sender")
		}
		result = struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}{err.Type, err.Message}
	}
	if id != "" {
		header.Set("X-Amzn-Requestid", id)
	}
	body, err := json.Marshal(result)
	if err != nil { // The shapes are plain structs, which always encode.
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	header.Set("Content-Type", "application/x-amz-json-"+version)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Members takes a JSON object apart into its members, whose names are
// case-sensitive. Members that are null count as absent. A member beyond those
// that are known is refused, because leaving it out could change what the
// request means. The context names the object in errors.
func Members(context string, raw []byte, known ...string) (map[string]json.RawMessage, *Error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, &Error{Type: coral + "SerializationException", Message: fmt.Sprintf("%s is no JSON object.", context)}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if string(members[name]) == "null" {
			delete(members, name)
			continue
		}
		if !slices.Contains(known, name) {
			return nil, &Error{
				Type:    coral + "SerializationException",
				Message: fmt.Sprintf("The member %q of %s is not simulated: leave it out, or use one of %s.", name, context, strings.Join(known, ", ")),
			}
		}
	}
	return members, nil
}

// Decode decodes the named member into v, which keeps its value if the member is
// absent.
func Decode(members map[string]json.RawMessage, name string, v any) *Error {
	raw, present := members[name]
	if !present {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return &Error{
			Type:    coral + "SerializationException",
			Message: fmt.Sprintf("The member %s is of the wrong type: %s cannot be read into it.", name, shortened(raw)),
		}
	}
	return nil
}

// shortened is the start of a value, for a message.
func shortened(raw []byte) string {
	const limit = 64
	if len(raw) <= limit {
		return string(raw)
	}
	return string(raw[:limit]) + "…"
}

// ID makes the nth id of a kind in the form of a UUID: same run, same ids. The
// kind, which is the fourth group, keeps the ids of different sources apart.
func ID(kind uint16, n uint64) string {
	return fmt.Sprintf("00000000-0000-4000-%04x-%012x", kind, n)
}
