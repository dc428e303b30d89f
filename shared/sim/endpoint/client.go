package endpoint

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// Do hands the request to the face in the same process, and returns what it
// writes as a response. It closes the request's body. A request whose context is
// over does not arrive; its context's error is returned.
func Do(face http.Handler, r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	served := r.WithContext(r.Context()) // A copy: the request stays the caller's.
	if served.Body == nil {
		served.Body = http.NoBody // As a server has it.
	}
	a := &answer{header: make(http.Header), status: http.StatusOK}
	face.ServeHTTP(a, served)
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
		Request:       r,
	}, nil
}

// answer is the ResponseWriter of a call in process.
type answer struct {
	header  http.Header
	status  int
	started bool
	body    bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter; the first call counts.
func (a *answer) WriteHeader(status int) {
	if !a.started {
		a.status, a.started = status, true
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.started = true
	return a.body.Write(p)
}
