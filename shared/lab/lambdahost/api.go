package lambdahost

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// apiRoot is the version of the Runtime API and its root.
const apiRoot = "/2018-06-01/runtime"

// The header and trailers in which a runtime tells of an error. The trailers
// are for an error that occurs in the middle of an answer.
const (
	errorTypeHeader  = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body"
)

// api is the Runtime API for one environment. The status codes and error types
// are those of AWS's runtime interface emulator.
func (e *environment) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiRoot+"/invocation/next", e.serveNext)
	mux.HandleFunc("POST "+apiRoot+"/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST "+apiRoot+"/invocation/{id}/error", e.serveError)
	mux.HandleFunc("POST "+apiRoot+"/init/error", e.serveInitError)
	return mux
}

// serveNext ends the init phase or the last invocation, and answers the next
// event once there is one.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	for _, s := range e.streams {
		s.catchUp() // What was written up to here belongs to what ends here.
	}
	if !e.park() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "The runtime asked for the next event before it answered the last one")
		return
	}
	var c *call
	select {
	case c = <-e.events:
	case <-r.Context().Done(): // The runtime closed the connection, or the environment was closed.
	case <-e.gone:
	}
	e.mu.Lock()
	e.parked = false
	if c != nil {
		e.call, e.requestID = c, c.id
	}
	e.mu.Unlock()
	if c == nil {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", e.function.options.arn())
	h.Set("Lambda-Runtime-Trace-Id", c.trace)
	_, _ = w.Write(c.payload) // An event that does not arrive ends in the timeout.
}

// park marks that the runtime waits for an event, unless it owes an answer or
// waits already.
func (e *environment) park() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.parked || e.call != nil && e.call.answer == nil {
		return false
	}
	e.parked = true
	if !e.initiated {
		e.initiated = true
		close(e.ready)
	}
	if e.call != nil {
		close(e.call.done)
		e.call = nil
	}
	return true
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, fits, ok := readBody(w, r)
	if !ok {
		return
	}
	given := &answer{end: EndReturned, payload: body}
	switch kind := r.Trailer.Get(errorTypeHeader); {
	case !fits:
		const kind = "Function.ResponseSizeTooLarge"
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)
		given = failedAnswer(errorDocument(kind, message), kind, message)
	case kind != "":
		// A body that is not as it should be leaves the type.
		document, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(errorBodyTrailer))
		given = failedAnswer(parseReport(kind, document))
	}
	if !e.take(w, r.PathValue("id"), given) {
		return
	}
	if !fits {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", maxPayload))
		return
	}
	accept(w)
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	body, _, ok := readBody(w, r)
	if !ok {
		return
	}
	// A report that was cut for its size is no JSON any more, which parseReport sees.
	if e.take(w, r.PathValue("id"), failedAnswer(parseReport(r.Header.Get(errorTypeHeader), body))) {
		accept(w)
	}
}

// serveInitError ends the environment: a runtime that could not start has
// nothing left to do but to exit.
func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, _, ok := readBody(w, r)
	if !ok {
		return
	}
	e.mu.Lock()
	initiated := e.initiated
	e.mu.Unlock()
	if initiated {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "The init phase ended when the runtime asked for its first event")
		return
	}
	accept(w)
	document, kind, message := parseReport(r.Header.Get(errorTypeHeader), body)
	e.stop(ending{end: EndInit, kind: kind, message: message, payload: document})
}

// failedAnswer is an answer that reports an error.
func failedAnswer(document []byte, kind, message string) *answer {
	return &answer{end: EndError, payload: document, text: describe(kind, message)}
}

// take records the answer to a call, or refuses it: it must be the first one to
// the call at hand, from a process that has not been told to end.
func (e *environment) take(w http.ResponseWriter, id string, given *answer) bool {
	e.measure() // An answer that took more memory than there is would not have been made.
	given.at = e.function.options.Clock.Now()
	e.mu.Lock()
	stopped := e.ending.end != 0
	expected := e.call != nil && e.call.answer == nil
	known := expected && e.call.id == id
	if known && !stopped {
		e.call.answer = given
	}
	e.mu.Unlock()
	switch {
	case stopped:
		// The process is being killed and sees no status any more.
		refuse(w, http.StatusInternalServerError, "InternalServerError", "The environment is ending")
	case !expected:
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "No event waits for an answer")
	case !known:
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	}
	return known && !stopped
}

// readBody reads a request's body. fits is false if it is larger than an answer
// may be; ok is false if it did not arrive whole, which the runtime was told.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, fits, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err == nil && len(body) > maxPayload {
		// The runtime reads the status only once it has sent everything.
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return nil, false, false
	}
	return body, len(body) <= maxPayload, true
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`) // The status code says it all.
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(errorDocument(kind, message)) // As in accept.
}
