//go:build linux

package lambdahost_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/lab/lambdahost"
)

// TestEnds shows every way in which an invocation ends, and what becomes of the
// environment: the next invocation finds it warm or starts a new one.
func TestEnds(t *testing.T) {
	cases := []struct {
		name    string
		mode    string
		order   order
		change  func(*lambdahost.Options)
		end     lambdahost.End
		text    string
		payload string // a part of it
		gone    bool
	}{
		{name: "answer", order: order{Do: "echo"}, end: lambdahost.EndReturned, payload: `{"do":"echo"}`},
		{name: "error", order: order{Do: "report", Text: `{"errorType":"Group.Unknown","errorMessage":"none","stackTrace":[]}`}, end: lambdahost.EndError, text: "Group.Unknown: none", payload: `"stackTrace"`},
		{name: "error of the header", order: order{Do: "report"}, end: lambdahost.EndError, text: "Function.Header", payload: `{"errorType":"Function.Header","errorMessage":""}`},
		{name: "error that is no document", order: order{Do: "report", Text: "oh"}, end: lambdahost.EndError, text: "Function.Header", payload: `{"errorType":"Function.Header"`},
		{name: "error that is other JSON", order: order{Do: "report", Text: `[1]`}, end: lambdahost.EndError, text: "Function.Header", payload: `[1]`},
		{name: "error in the trailer", order: order{Do: "trailer"}, end: lambdahost.EndError, text: "Reader.Failed: halfway", payload: `"errorMessage":"halfway"`},
		{name: "answer too large", order: order{Do: "large", MB: 6}, end: lambdahost.EndError, text: "Function.ResponseSizeTooLarge: Response payload size exceeded", payload: "6291456"},
		{name: "crash", order: order{Do: "panic"}, end: lambdahost.EndExit, text: "Runtime.ExitError: Runtime exited with error: exit status 2", payload: `"errorMessage":"RequestId: `, gone: true},
		{name: "exit", order: order{Do: "exit"}, end: lambdahost.EndExit, text: "exit status 3", payload: "Runtime.ExitError", gone: true},
		{name: "exit after the answer", order: order{Do: "answer-and-exit"}, end: lambdahost.EndReturned, payload: `"answered"`, gone: true},
		{name: "timeout", order: order{Do: "hang"}, change: shortTimeout, end: lambdahost.EndTimeout, text: "Sandbox.Timedout: Task timed out after 0.30 seconds", payload: " Error: Task timed out", gone: true},
		{name: "timeout after the answer", order: order{Do: "answer-and-hang"}, change: shortTimeout, end: lambdahost.EndReturned, payload: `"answered"`, gone: true},
		{name: "memory", order: order{Do: "allocate", MB: 400}, change: littleMemory, end: lambdahost.EndMemory, text: "Runtime.OutOfMemory: ", payload: "is above the limit of 300 MB", gone: true},
		{name: "memory before the reading", order: order{Do: "allocate-and-answer", MB: 400}, change: littleMemoryUnwatched, end: lambdahost.EndMemory, text: "Runtime.OutOfMemory: ", gone: true},
		{name: "exit before the first event", mode: "exit", order: order{Do: "echo"}, end: lambdahost.EndInit, text: "Runtime.ExitError: Runtime exited with error: exit status 4", gone: true},
		{name: "end before the first event", mode: "exit-well", order: order{Do: "echo"}, end: lambdahost.EndInit, text: "Runtime exited without providing a reason", gone: true},
		{name: "init error", mode: "init-error", order: order{Do: "echo"}, end: lambdahost.EndInit, text: "Config.Missing: no configuration", payload: `"errorType":"Config.Missing"`, gone: true},
		{name: "init without end", mode: "hang", order: order{Do: "echo"}, change: shortInit, end: lambdahost.EndInit, text: "init phase took longer than 10s", gone: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mode := c.mode
			if mode == "" {
				mode = "runtime"
			}
			f, _ := host(t, mode, func(o *lambdahost.Options) {
				o.Environments = 1 // So that one that stays in the way is noticed.
				if c.change != nil {
					c.change(o)
				}
			})
			result := invoke(t, f, c.order)
			want(t, result, c.end, c.text)
			if !strings.Contains(string(result.Payload), c.payload) {
				t.Errorf("the payload is %s, want %s in it", result.Payload, c.payload)
			}
			if !json.Valid(result.Payload) {
				t.Errorf("the payload %q is no JSON", result.Payload)
			}
			if !result.Cold || result.Start <= 0 || result.Took < 0 || (result.Took == 0) != (c.end == lambdahost.EndInit) {
				t.Errorf("cold %t, start %s, took %s", result.Cold, result.Start, result.Took)
			}
			if mode != "runtime" {
				return
			}
			if next := invoke(t, f, order{Do: "echo"}); next.Cold != c.gone || next.Failed {
				t.Errorf("the next invocation is cold: %t, want %t; it failed: %s", next.Cold, c.gone, next.Error)
			}
		})
	}
}

// shortTimeout is short for a process that hangs, and long for one that answers.
func shortTimeout(o *lambdahost.Options) { o.Timeout = 300 * time.Millisecond }

func littleMemory(o *lambdahost.Options) { o.MemoryMB = 300 }

// littleMemoryUnwatched reads the memory before an answer only.
func littleMemoryUnwatched(o *lambdahost.Options) {
	o.MemoryMB = 300
	o.Clock = sleepless{systemclock.New()}
}

// sleepless is a clock whose sleeps last until their context ends.
type sleepless struct{ systemclock.Clock }

func (sleepless) Sleep(ctx context.Context, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

// shortInit makes the 10 s of the init phase a short time, and leaves those that
// a killed process has to die.
func shortInit(o *lambdahost.Options) { o.Clock = &hasty{Clock: systemclock.New()} }

type hasty struct {
	systemclock.Clock
	once atomic.Bool
}

func (h *hasty) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 10*time.Second && !h.once.Swap(true) {
		d = time.Millisecond
	}
	return h.Clock.Timeout(ctx, d)
}

func TestRefusedPosts(t *testing.T) {
	f, j := host(t, "runtime", nil)
	first := invoke(t, f, order{Do: "twice"})
	if string(first.Payload) != `"first"` {
		t.Errorf("of two answers %s counted", first.Payload)
	}
	result := invoke(t, f, order{Do: "wrong-id", Text: "00000000-0000-4000-8000-000000000000"})
	if string(result.Payload) != `"right"` {
		t.Errorf("answered %s", result.Payload)
	}
	const (
		transition = `403 {"errorType":"InvalidStateTransition"`
		id         = `400 {"errorType":"InvalidRequestID"`
	)
	for _, c := range []struct {
		request string
		wanted  []string
	}{
		{first.RequestID, []string{"post: " + transition, "post: " + transition}},
		{result.RequestID, []string{"post: " + id, "post: " + id, "post: " + transition, "next: " + transition}},
	} {
		lines := j.of(c.request)
		if len(lines) != len(c.wanted) {
			t.Errorf("the runtime was told %q", lines)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, c.wanted[i]) {
				t.Errorf("the runtime was told %q, want %q", line, c.wanted[i])
			}
		}
	}
}

func TestLog(t *testing.T) {
	f, j := host(t, "runtime", nil)
	first := invoke(t, f, order{Do: "print", Text: "one\n\ntwo\nbegun "})
	second := invoke(t, f, order{Do: "print", Text: "and ended\nthree\r\n"})
	third := invoke(t, f, order{Do: "exit"})
	for _, c := range []struct{ request, wanted string }{
		{first.RequestID, "one||two|begun and ended"},
		{second.RequestID, "three\r"},
		{third.RequestID, "last words"},
	} {
		if got := strings.Join(j.of(c.request), "|"); got != c.wanted {
			t.Errorf("logged %q, want %q", got, c.wanted)
		}
	}
	for _, line := range j.lines {
		if line.Function != "switchover" || line.Environment != "1" {
			t.Errorf("the line is of function %q and environment %q", line.Function, line.Environment)
		}
	}
}

// TestLogIsWhole says that all lines of an invocation are there when it is over,
// in order for each stream.
func TestLogIsWhole(t *testing.T) {
	f, j := host(t, "runtime", nil)
	for range 10 {
		result := invoke(t, f, order{Do: "print-both"})
		at := map[string]int{}
		for _, line := range j.of(result.RequestID) {
			var number int
			stream, rest, _ := strings.Cut(line, " ")
			if err := json.Unmarshal([]byte(rest), &number); err != nil || number != at[stream] {
				t.Fatalf("line %q comes after %d lines of its stream", line, at[stream])
			}
			at[stream]++
		}
		if at["out"] != 200 || at["err"] != 200 {
			t.Fatalf("%v lines were logged, want 200 each", at)
		}
	}
}

func TestTooLarge(t *testing.T) {
	f, _ := host(t, "runtime", nil)
	const frame = len(`{"do":"echo","text":""}`)
	largest := order{Do: "echo", Text: strings.Repeat("x", 6<<20-frame)}
	if got := decode[order](t, invoke(t, f, largest)); got != largest {
		t.Error("the largest event came back changed")
	}
	largest.Text += "x"
	if _, err := f.Invoke(t.Context(), event(t, largest)); !errors.Is(err, lambdahost.ErrTooLarge) || !strings.Contains(err.Error(), "6291457") {
		t.Errorf("one byte more answered %v", err)
	}
}

func TestStartRefuses(t *testing.T) {
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change func(*lambdahost.Options)
		want   string
	}{
		{"no file", func(o *lambdahost.Options) { o.Bootstrap = filepath.Join(folder, "absent") }, "absent does not exist: run make build"},
		{"no program", func(o *lambdahost.Options) { o.Bootstrap = plain }, "plain has mode -rw-------: give an executable file"},
		{"a folder", func(o *lambdahost.Options) { o.Bootstrap = folder }, "give an executable file"},
		{"no folder", func(o *lambdahost.Options) { o.TaskRoot = filepath.Join(folder, "absent") }, "TaskRoot: "},
		{"a file for a folder", func(o *lambdahost.Options) { o.TaskRoot = plain }, "plain is a file: give the function's folder"},
		{"no name", func(o *lambdahost.Options) { o.Name = "" }, `Name "": give 1 to 64`},
		{"a name of a path", func(o *lambdahost.Options) { o.Name = "a/b" }, `Name "a/b"`},
		{"a long name", func(o *lambdahost.Options) { o.Name = strings.Repeat("n", 65) }, "give 1 to 64"},
		{"no account", func(o *lambdahost.Options) { o.Account = "11112222333" }, `Account "11112222333": give the 12 digits`},
		{"letters", func(o *lambdahost.Options) { o.Account = "11112222333x" }, "give the 12 digits"},
		{"no Region", func(o *lambdahost.Options) { o.Region = "" }, "Region is empty"},
		{"no timeout", func(o *lambdahost.Options) { o.Timeout = 0 }, "Timeout 0s: give more than 0"},
		{"a long timeout", func(o *lambdahost.Options) { o.Timeout = 15*time.Minute + 1 }, "at most 15m0s"},
		{"negative memory", func(o *lambdahost.Options) { o.MemoryMB = -1 }, "MemoryMB -1"},
		{"much memory", func(o *lambdahost.Options) { o.MemoryMB = 10241 }, "MemoryMB 10241"},
		{"negative environments", func(o *lambdahost.Options) { o.Environments = -1 }, "Environments -1"},
		{"no clock", func(o *lambdahost.Options) { o.Clock = nil }, "Clock is nil"},
		{"reserved", func(o *lambdahost.Options) { o.Env = map[string]string{"AWS_REGION": "x"} }, "AWS_REGION is set by Lambda itself"},
		{"reserved prefix", func(o *lambdahost.Options) { o.Env = map[string]string{"AWS_LAMBDA_RUNTIME_API": "x"} }, "AWS_LAMBDA_RUNTIME_API is set"},
		{"no variable", func(o *lambdahost.Options) { o.Env = map[string]string{"A=B": "x"} }, `"A=B": give a name`},
		{"a digit", func(o *lambdahost.Options) { o.Env = map[string]string{"1A": "x"} }, `"1A": give a name`},
		{"an underscore", func(o *lambdahost.Options) { o.Env = map[string]string{"_A": "x"} }, `"_A": give a name`},
		{"NUL", func(o *lambdahost.Options) { o.Env = map[string]string{"TOKEN": "secret\x00"} }, `"TOKEN": give a name`},
	}
	valid := lambdahost.Options{
		Name: strings.Repeat("n", 60) + "-_9Z", Bootstrap: self, Account: "111122223333", Region: "eu-central-1", Timeout: 15 * time.Minute,
		MemoryMB: 10240, Clock: systemclock.New(), Env: map[string]string{"AWS_ACCESS_KEY_ID": "key", "A_1": ""},
	}
	if f, err := lambdahost.Start(valid); err != nil {
		t.Errorf("valid options were refused: %v", err)
	} else if err := f.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := valid
			c.change(&options)
			_, err := lambdahost.Start(options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start answered %v, want %q", err, c.want)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
	if _, err := lambdahost.Start(lambdahost.Options{}); err == nil || strings.Count(err.Error(), "\n") < 4 {
		t.Errorf("not everything that is wrong is named: %v", err)
	}
}

func TestProgramOfAnotherMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(file, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	f, _ := host(t, "", func(o *lambdahost.Options) { o.Bootstrap, o.Environments = file, 1 })
	for range 2 { // The environment that could not start takes no place.
		if _, err := f.Invoke(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "exec format error; build it for this machine") {
			t.Errorf("Invoke answered %v", err)
		}
	}
}
