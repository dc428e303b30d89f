//go:build linux

package lambdahost

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"detour/shared/adapter/systemclock"
)

func TestCutsLongLines(t *testing.T) {
	var lines []string
	s := &stream{now: func() string { return "" }, emit: func(_, text string) { lines = append(lines, text) }}
	long := strings.Repeat("x", maxLine)
	s.cut([]byte(long))
	s.cut([]byte("\n" + long + "y\nz\n"))
	if len(lines) != 4 || lines[0] != long || lines[1] != long || lines[2] != "y" || lines[3] != "z" {
		t.Errorf("cut into %d lines", len(lines))
	}
}

// FuzzCut says that lines do not depend on how they arrive, and that nothing is
// lost.
func FuzzCut(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), 2)
	f.Add([]byte("\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size <= 0 {
			return
		}
		var lines []string
		s := &stream{now: func() string { return "" }, emit: func(_, text string) { lines = append(lines, text) }}
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			s.cut(rest[:n])
			rest = rest[n:]
		}
		whole := strings.Join(append(lines, string(s.pending)), "\n")
		if len(data) < maxLine && whole != string(data) {
			t.Errorf("%q became %q", data, whole)
		}
	})
}

func TestParsePeak(t *testing.T) {
	cases := []struct {
		status string
		want   int64 // 0: an error
	}{
		{"Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\n", 1234 << 10},
		{"VmHWM: 1 kB", 1 << 10},
		{"Name:\tx\nState:\tZ (zombie)\n", 0},
		{"VmHWM:\t12 MB\n", 0},
		{"VmHWM:\t-1 kB\n", 0},
		{"VmHWM:\t99999999999999999999 kB\n", 0},
	}
	for _, c := range cases {
		if got, err := parsePeak([]byte(c.status)); got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%q is %d (%v), want %d", c.status, got, err, c.want)
		}
	}
	if got, err := peakMemory(os.Getpid()); err != nil || got < 1<<20 {
		t.Errorf("this process has had %d bytes (%v)", got, err)
	}
}

func FuzzParsePeak(f *testing.F) {
	f.Add([]byte("VmHWM:\t    1234 kB\n"))
	f.Fuzz(func(t *testing.T, status []byte) {
		if got, err := parsePeak(status); got < 0 || err != nil && got != 0 {
			t.Errorf("%q is %d (%v)", status, got, err)
		}
	})
}

func FuzzParseReport(f *testing.F) {
	f.Add("Function.Header", []byte(`{"errorType":"A","errorMessage":"b"}`))
	f.Add("", []byte(`{"errorType":1,"errorMessage":"b"}`))
	f.Add("", []byte(`{`))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		document, kind, _ := parseReport(header, body)
		if kind == "" || !json.Valid(document) {
			t.Errorf("%q with header %q is a %q: %q", body, header, kind, document)
		}
		if json.Valid(body) && !bytes.Equal(body, document) {
			t.Errorf("the runtime's document %q was changed to %q", body, document)
		}
	})
}

// FuzzAPI sends requests to the API of an environment that has an event under
// way: whatever is sent, the status is one that the API has, the body of an error
// is one, and at most one answer is taken.
func FuzzAPI(f *testing.F) {
	f.Add("POST", "/2018-06-01/runtime/invocation/id/response", "", []byte("{}"))
	f.Add("POST", "/2018-06-01/runtime/invocation/id/error", "Type", []byte("{}"))
	f.Add("POST", "/2018-06-01/runtime/invocation/other/error", "", []byte("{}"))
	f.Add("POST", "/2018-06-01/runtime/init/error", "", []byte("{}"))
	f.Add("GET", "/2018-06-01/runtime/invocation/next", "", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, kind string, body []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // So that a request for an event does not wait.
		request, err := http.NewRequestWithContext(ctx, method, "http://host", bytes.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		request.URL.Path = path
		request.Header.Set(errorTypeHeader, kind)
		e := &environment{
			function: &Function{options: Options{Clock: systemclock.New()}},
			command:  &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}},
			call:     &call{id: "id", done: make(chan struct{})},
			ready:    make(chan struct{}),
			reaped:   true, // So that nothing is killed.
		}
		given := e.call
		api := e.api()
		for round := range 2 {
			answer := httptest.NewRecorder()
			api.ServeHTTP(answer, request.Clone(ctx))
			switch answer.Code {
			case http.StatusAccepted:
				if given.answer == nil && strings.HasSuffix(path, "/init/error") {
					continue
				}
				if round == 1 || given.answer == nil {
					t.Errorf("%s %s was accepted in round %d", method, path, round)
				}
			case http.StatusBadRequest, http.StatusForbidden:
				if !json.Valid(answer.Body.Bytes()) {
					t.Errorf("%s %s: %d %q", method, path, answer.Code, answer.Body)
				}
			case http.StatusOK, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusNotFound, http.StatusMethodNotAllowed:
			default:
				t.Errorf("%s %s: status %d", method, path, answer.Code)
			}
		}
	})
}

func TestEndsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for end := EndReturned; end <= EndInit; end++ {
		name := end.String()
		if name == "" || strings.Contains(name, "(") || seen[name] {
			t.Errorf("end %d is called %q", int(end), name)
		}
		seen[name] = true
	}
	if got := End(0).String(); got != "End(0)" {
		t.Errorf("no end is called %q", got)
	}
}

// TestFirstReasonStays says that an environment has one ending, and that one
// being killed takes no place.
func TestFirstReasonStays(t *testing.T) {
	e := &environment{ending: ending{end: EndTimeout}}
	if e.stop(killedByHost()) || e.ending.end != EndTimeout {
		t.Errorf("the ending became %s", e.ending.end)
	}
	f := &Function{live: []*environment{e}, idle: []*environment{e}}
	if n := f.Kill(); n != 0 || len(f.live) != 0 || len(f.idle) != 0 {
		t.Errorf("killed %d, of which %d count still", n, len(f.live)+len(f.idle))
	}
}
