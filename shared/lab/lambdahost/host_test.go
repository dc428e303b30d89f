//go:build linux

package lambdahost_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/shared/adapter/systemclock"
	"detour/shared/lab/lambdahost"
)

// A journal keeps the lines of a function.
type journal struct {
	mu    sync.Mutex
	lines []lambdahost.Line
}

func (j *journal) log(line lambdahost.Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// of returns the texts of a request's lines.
func (j *journal) of(requestID string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var texts []string
	for _, line := range j.lines {
		if line.RequestID == requestID {
			texts = append(texts, line.Text)
		}
	}
	return texts
}

// host starts the child as a function; change may change the options.
func host(t *testing.T, mode string, change func(*lambdahost.Options)) (*lambdahost.Function, *journal) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{}
	options := lambdahost.Options{
		Name:      "switchover",
		Bootstrap: self,
		TaskRoot:  t.TempDir(),
		Env:       map[string]string{childMode: mode},
		Account:   "111122223333",
		Region:    "eu-central-1",
		Timeout:   time.Minute,
		Log:       j.log,
		Clock:     systemclock.New(),
	}
	if change != nil {
		change(&options)
	}
	f, err := lambdahost.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, j
}

func event(t *testing.T, o order) []byte {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// invoke invokes and fails the test if the host could not.
func invoke(t *testing.T, f *lambdahost.Function, o order) lambdahost.Result {
	t.Helper()
	result, err := f.Invoke(t.Context(), event(t, o))
	if err != nil {
		t.Fatalf("invoking %s: %v", o.Do, err)
	}
	if result.Failed != (result.End != lambdahost.EndReturned) {
		t.Errorf("%s: Failed is %t and End is %s", o.Do, result.Failed, result.End)
	}
	return result
}

// want checks how an invocation ended.
func want(t *testing.T, result lambdahost.Result, end lambdahost.End, text string) {
	t.Helper()
	if result.End != end || !strings.Contains(result.Error, text) {
		t.Errorf("ended as %s with error %q, want %s with %q", result.End, result.Error, end, text)
	}
}

// decode reads an answer.
func decode[T any](t *testing.T, result lambdahost.Result) T {
	t.Helper()
	var value T
	if result.Failed {
		t.Fatalf("the invocation failed: %s %s", result.End, result.Error)
	}
	if err := json.Unmarshal(result.Payload, &value); err != nil {
		t.Fatalf("%s: %v", result.Payload, err)
	}
	return value
}

// A later is the result of an invocation that goes on beside the test.
type later struct {
	result lambdahost.Result
	err    error
}

func beside(ctx context.Context, f *lambdahost.Function, payload []byte) <-chan later {
	c := make(chan later, 1)
	go func() {
		result, err := f.Invoke(ctx, payload)
		c <- later{result, err}
	}()
	return c
}

// A meeting is where children come to wait in the middle of an invocation.
type meeting struct {
	t        *testing.T
	listener *net.TCPListener
}

// patience ends a test that would wait for ever.
const patience = time.Minute

// A guest is a child that waits.
type guest struct {
	word string // what it said
	conn net.Conn
	in   *bufio.Reader
}

func newMeeting(t *testing.T) meeting {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return meeting{t, listener}
}

func (m meeting) addr() string { return m.listener.Addr().String() }

// await returns the next guest.
func (m meeting) await() guest {
	m.t.Helper()
	conn, err := m.listener.Accept()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	word, err := in.ReadString('\n')
	if err != nil {
		m.t.Fatal(err)
	}
	return guest{strings.TrimSpace(word), conn, in}
}

// dismiss lets the guest go on.
func (g guest) dismiss(t *testing.T) {
	t.Helper()
	if _, err := g.conn.Write([]byte{1}); err != nil {
		t.Error(err)
	}
}

// dies waits until the guest's process has ended.
func (g guest) dies(t *testing.T) {
	t.Helper()
	if _, err := g.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the guest should have died (%v)", err)
	}
}

func TestWarmAndCold(t *testing.T) {
	f, j := host(t, "runtime", nil)
	first, second := invoke(t, f, order{Do: "echo", Text: "one"}), invoke(t, f, order{Do: "echo", Text: "two"})
	if got := decode[order](t, first).Text + decode[order](t, second).Text; got != "onetwo" {
		t.Errorf("echoed %q", got)
	}
	if !first.Cold || second.Cold {
		t.Errorf("Cold is %t and %t, want true and false", first.Cold, second.Cold)
	}
	if first.Start <= 0 || second.Start != 0 {
		t.Errorf("Start is %s and %s, want some time and none", first.Start, second.Start)
	}
	if first.MaxRSS < 1<<20 || second.MaxRSS < first.MaxRSS {
		t.Errorf("MaxRSS is %d and %d", first.MaxRSS, second.MaxRSS)
	}
	if first.RequestID == second.RequestID || len(first.RequestID) != 36 {
		t.Errorf("request ids %q and %q", first.RequestID, second.RequestID)
	}
	if got := j.of(""); !slices.Equal(got, []string{"starting"}) {
		t.Errorf("in the init phase it logged %q", got)
	}
}

func TestSurroundings(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the host")
	clock := systemclock.New()
	folder := t.TempDir()
	f, _ := host(t, "runtime", func(o *lambdahost.Options) {
		o.TaskRoot, o.MemoryMB, o.Timeout = folder, 512, 7*time.Second
		o.Env["EXTRA"] = "yes=no"
	})
	earliest := clock.Now().Add(7 * time.Second).UnixMilli()
	result := invoke(t, f, order{Do: "about"})
	latest := clock.Now().Add(7 * time.Second).UnixMilli()
	got := decode[about](t, result)
	if got.Folder != folder {
		t.Errorf("works in %s, want %s", got.Folder, folder)
	}
	var environ []string
	for _, v := range got.Environ {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_LAMBDA_RUNTIME_API":
			if !strings.HasPrefix(value, "127.0.0.1:") {
				t.Errorf("the API is at %s", value)
			}
		case "AWS_LAMBDA_LOG_STREAM_NAME":
			if !strings.Contains(value, "/[$LATEST]") {
				t.Errorf("the log stream is %s", value)
			}
		default:
			environ = append(environ, v)
		}
	}
	slices.Sort(environ)
	wanted := []string{
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_FUNCTION_NAME=switchover",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/switchover",
		"AWS_REGION=eu-central-1", "EXTRA=yes=no", "LAMBDAHOST_CHILD=runtime", "LAMBDA_RUNTIME_DIR=/var/runtime", "LAMBDA_TASK_ROOT=" + folder,
		"LANG=en_US.UTF-8", "PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin", "TZ=:UTC", "_HANDLER=bootstrap",
	}
	if !slices.Equal(environ, wanted) {
		t.Errorf("the environment is\n%q, want\n%q", environ, wanted)
	}
	deadline := json.Number(got.Header.Get("Lambda-Runtime-Deadline-Ms"))
	if ms, err := deadline.Int64(); err != nil || ms < earliest || ms > latest {
		t.Errorf("the deadline is %s, want %d to %d", deadline, earliest, latest)
	}
	if arn := got.Header.Get("Lambda-Runtime-Invoked-Function-Arn"); arn != "arn:aws:lambda:eu-central-1:111122223333:function:switchover" {
		t.Errorf("the ARN is %s", arn)
	}
	if id := got.Header.Get("Lambda-Runtime-Aws-Request-Id"); id != result.RequestID {
		t.Errorf("the header says %s, the result %s", id, result.RequestID)
	}
	if trace := got.Header.Get("Lambda-Runtime-Trace-Id"); !strings.HasPrefix(trace, "Root=1-") || !strings.HasSuffix(trace, ";Sampled=0") {
		t.Errorf("the trace is %q", trace)
	}
}

func TestRealRuntime(t *testing.T) {
	clock := systemclock.New()
	f, j := host(t, "real", func(o *lambdahost.Options) { o.MemoryMB, o.Freeze = 512, true })
	for _, text := range []string{"one", "two"} {
		earliest := clock.Now().Add(time.Minute).UnixMilli()
		result := invoke(t, f, order{Do: "echo", Text: text})
		latest := clock.Now().Add(time.Minute).UnixMilli()
		got := decode[realAnswer](t, result)
		if got.Order.Text != text || got.ID != result.RequestID || got.Name != "switchover" || got.Memory != 512 || !strings.HasSuffix(got.ARN, ":function:switchover") {
			t.Errorf("answered %+v to request %s", got, result.RequestID)
		}
		if got.Deadline < earliest || got.Deadline > latest {
			t.Errorf("the deadline is %d, want %d to %d", got.Deadline, earliest, latest)
		}
		if lines := j.of(result.RequestID); !slices.Equal(lines, []string{"handled " + text}) {
			t.Errorf("logged %q", lines)
		}
	}
	want(t, invoke(t, f, order{Do: "error", Text: "no such group"}), lambdahost.EndError, "errorString: no such group")
	again := invoke(t, f, order{Do: "echo"})
	if again.Cold {
		t.Error("the environment did not outlive an error")
	}
	panicked := invoke(t, f, order{Do: "panic", Text: "on purpose"})
	want(t, panicked, lambdahost.EndError, "string: on purpose")
	if !strings.Contains(string(panicked.Payload), `"stackTrace"`) {
		t.Errorf("the document %s has no stack trace", panicked.Payload)
	}
	if after := invoke(t, f, order{Do: "echo"}); !after.Cold || after.Failed {
		t.Errorf("after a panic: cold %t, %s", after.Cold, after.Error)
	}
}

func TestRealRuntimeSeesTheDeadline(t *testing.T) {
	// The host's own clock is late, so that the handler comes first.
	late := &patient{Clock: systemclock.New()}
	f, _ := host(t, "real", func(o *lambdahost.Options) { o.Timeout, o.Clock = 50*time.Millisecond, late })
	want(t, invoke(t, f, order{Do: "deadline"}), lambdahost.EndReturned, "")
}

// patient is a clock on which a Timeout of 50 ms takes a minute.
type patient struct{ systemclock.Clock }

func (p *patient) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 50*time.Millisecond {
		d = time.Minute
	}
	return p.Clock.Timeout(ctx, d)
}
