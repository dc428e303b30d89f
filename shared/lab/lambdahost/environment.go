package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	// pollEvery is how often the memory of a working environment is read.
	pollEvery = 20 * time.Millisecond
	// leftOpen is how long the log of a dead process is read on because a
	// descendant that left its process group still has it open.
	leftOpen = time.Second
	// headerLimit is how long a request's headers may take.
	headerLimit = 10 * time.Second
	// deathLimit is how long a process may take to end after SIGKILL. One that the
	// kernel does not let go, or that may not be killed, would be waited for
	// without end.
	deathLimit = 10 * time.Second
)

// A call is one invocation.
type call struct {
	id       string
	trace    string
	payload  []byte
	handed   time.Time
	deadline time.Time
	answer   *answer       // guarded by the environment's mu
	done     chan struct{} // closed when the next event was asked for after the answer
}

func newCall(payload []byte) *call {
	return &call{id: newUUID(), payload: payload, done: make(chan struct{})}
}

// An environment is one process that handles one invocation after another.
//
// No lock is taken by whoever holds mu.
type environment struct {
	function  *Function
	id        string
	command   *exec.Cmd
	startedAt time.Time
	streams   []*stream
	events    chan *call    // of capacity 1: an environment has one invocation at a time
	ready     chan struct{} // closed at the first request for an event
	killed    chan struct{} // closed when the process was sent SIGKILL
	gone      chan struct{} // closed when the process was reaped and its log read to the end

	mu        sync.Mutex
	initiated bool   // ready is closed
	parked    bool   // a request for an event is waiting
	call      *call  // handed over, and not yet followed by a request for the next
	requestID string // of the last call
	ending    ending
	unkilled  error // why SIGKILL could not be sent
	reaped    bool
	peak      int64 // bytes of resident memory
}

// startEnvironment starts a process and the listener that serves it.
func startEnvironment(f *Function, id string) (*environment, error) {
	o := f.options
	e := &environment{
		function:  f,
		id:        id,
		startedAt: o.Clock.Now(),
		events:    make(chan *call, 1),
		ready:     make(chan struct{}),
		killed:    make(chan struct{}),
		gone:      make(chan struct{}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	logStream := fmt.Sprintf("%s/[$LATEST]%x", e.startedAt.UTC().Format("2006/01/02"), randomBytes(16))
	e.command = &exec.Cmd{
		Path: o.Bootstrap,
		Args: []string{o.Bootstrap},
		Dir:  o.TaskRoot,
		Env:  o.environ(listener.Addr().String(), logStream),
	}
	dieWithParent(e.command)
	if err := e.run(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: e.api(), ReadHeaderTimeout: headerLimit, ErrorLog: log.New(io.Discard, "", 0)}
	background := context.Background() // An environment outlives the invocation that started it.
	served := o.Clock.Go(background, func(context.Context) {
		_ = server.Serve(listener) // It ends when reap closes the server.
	})
	o.Clock.Go(background, func(ctx context.Context) {
		fault := e.reap(ctx, server)
		served()
		f.forget(e, fault)
		close(e.gone)
	})
	return e, nil
}

// run starts the process with its two streams, of which the process alone keeps
// the writing ends.
func (e *environment) run() error {
	var writers []*os.File
	defer func() {
		for _, w := range writers {
			_ = w.Close() // The process has its own descriptor; if it has not, nobody reads.
		}
	}()
	for range 2 {
		reader, writer, err := os.Pipe()
		if err != nil {
			return errors.Join(err, e.closeStreams())
		}
		writers = append(writers, writer)
		s, err := newStream(reader, e.requestNow, func(requestID, text string) {
			e.function.log(Line{Environment: e.id, RequestID: requestID, Text: text})
		})
		e.streams = append(e.streams, s)
		if err != nil {
			return errors.Join(err, e.closeStreams())
		}
	}
	e.command.Stdout, e.command.Stderr = writers[0], writers[1]
	if err := e.function.starter.start(e.command); err != nil {
		return errors.Join(err, e.closeStreams())
	}
	return nil
}

// reap waits for the end of the process and sees to it that nothing of it stays.
func (e *environment) reap(ctx context.Context, server *http.Server) error {
	clock := e.function.options.Clock
	pumps := make([]func(), len(e.streams))
	for i, s := range e.streams {
		pumps[i] = clock.Go(ctx, s.pump)
	}
	waitErr := e.command.Wait()
	// The group's id cannot be another's already: that takes a whole turn of the
	// kernel's counter.
	_ = killGroup(e.command.Process.Pid)
	e.mu.Lock()
	e.reaped = true
	if e.ending.end == 0 {
		e.ending = e.exited(waitErr)
	}
	e.mu.Unlock()
	read := make(chan struct{})
	clock.Go(ctx, func(context.Context) {
		for _, wait := range pumps {
			wait()
		}
		close(read)
	})
	timed, cancel := clock.Timeout(ctx, leftOpen)
	defer cancel()
	select {
	case <-read:
	case <-timed.Done():
	}
	err := errors.Join(e.closeStreams(), server.Close())
	<-read
	return err
}

func (e *environment) closeStreams() error {
	var problems []error
	for _, s := range e.streams {
		problems = append(problems, s.file.Close())
	}
	return errors.Join(problems...)
}

// exited says how a process ended that nobody stopped.
func (e *environment) exited(waitErr error) ending {
	end := EndExit
	if !e.initiated {
		end = EndInit
	}
	message := "Runtime exited without providing a reason"
	if state := e.command.ProcessState; state == nil || !state.Success() {
		message = fmt.Sprintf("Runtime exited with error: %v", waitErr)
	}
	return ending{end: end, kind: "Runtime.ExitError", message: message}
}

// invoke takes the environment through one call.
func (e *environment) invoke(ctx context.Context, c *call, cold bool) (Result, error) {
	clock := e.function.options.Clock
	result := Result{RequestID: c.id, Cold: cold}
	if cold {
		slow := ending{end: EndInit, kind: "Sandbox.Timedout", message: fmt.Sprintf("init phase took longer than %s", initLimit)}
		ready, undead := e.await(ctx, initLimit, e.ready, slow)
		result.Start = clock.Now().Sub(e.startedAt)
		if !ready {
			return e.finish(result, c, ctx.Err(), undead)
		}
	}
	e.signal(thawGroup)
	limit := e.function.options.Timeout
	c.handed = clock.Now()
	c.deadline = c.handed.Add(limit)
	c.trace = fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", c.handed.Unix(), randomBytes(12), randomBytes(8))
	e.events <- c
	_, undead := e.await(ctx, limit, c.done, ending{end: EndTimeout, kind: "Sandbox.Timedout", message: fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())})
	return e.finish(result, c, ctx.Err(), undead)
}

// await waits for done. If the environment ends before, or the limit or the
// caller's context, it is false and the environment is gone, or undead says that
// its process did not die.
func (e *environment) await(ctx context.Context, limit time.Duration, done <-chan struct{}, late ending) (came bool, undead error) {
	timed, cancel := e.function.options.Clock.Timeout(ctx, limit)
	defer cancel()
	select {
	case <-done:
		return true, nil
	case <-e.gone:
		return false, nil
	case <-e.killed:
	case <-timed.Done():
		if ctx.Err() != nil {
			late = ending{end: EndKilled, abandoned: true}
		}
		e.stop(late)
	}
	dying, cancelDying := e.function.options.Clock.Timeout(context.Background(), deathLimit)
	defer cancelDying()
	return false, e.death(dying)
}

// death waits until the environment is gone. The error, when the limit ends
// first, names the process.
func (e *environment) death(limit context.Context) error {
	select {
	case <-e.gone:
		return nil
	case <-limit.Done():
	}
	select {
	case <-e.gone: // At the same time.
		return nil
	default:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	why := ""
	if e.unkilled != nil {
		why = ": " + e.unkilled.Error()
	}
	pid := e.command.Process.Pid
	return fmt.Errorf("lambdahost: function %s, environment %s: process %d did not die within %s of being killed%s; see what holds it in /proc/%d/status, and end it by hand", e.function.options.Name, e.id, pid, deathLimit, why, pid)
}

// finish makes the result of a call that was answered, or whose environment is
// gone or undead. An answer stands; of a process that stays on after it, Close
// tells.
func (e *environment) finish(result Result, c *call, abandoned, undead error) (Result, error) {
	now := e.function.options.Clock.Now()
	e.mu.Lock()
	given, end := c.answer, e.ending
	result.MaxRSS = e.peak
	e.mu.Unlock()
	switch {
	case given != nil:
		result.Payload, result.End, result.Error = given.payload, given.end, given.text
		result.Took = given.at.Sub(c.handed)
	case undead != nil:
		return Result{}, errors.Join(abandoned, undead)
	case end.abandoned:
		return Result{}, abandoned
	default:
		result.End = end.end
		result.Payload, result.Error = end.document(c.id)
		if !c.handed.IsZero() {
			result.Took = now.Sub(c.handed)
		}
	}
	result.Failed = result.End != EndReturned
	return result, nil
}

// stop kills the environment for the reason given. It is false, and the reason is
// lost, if the environment has ended already or is about to.
func (e *environment) stop(why ending) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reaped || e.ending.end != 0 {
		return false
	}
	e.ending = why
	e.unkilled = e.function.kill(e.command.Process.Pid)
	close(e.killed)
	return true
}

// stopped reports whether the environment was killed or has ended.
func (e *environment) stopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ending.end != 0
}

// signal sends something less than a kill, unless the process is no more.
func (e *environment) signal(send func(pid int) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.reaped {
		_ = send(e.command.Process.Pid) // A process that cannot be reached times out.
	}
}

// killedByHost is the ending by Kill and Close, which a function's owner sees as
// a crash.
func killedByHost() ending {
	return ending{end: EndKilled, kind: "Runtime.ExitError", message: "Runtime exited with error: signal: killed"}
}

// watch reads the memory until the context ends.
func (e *environment) watch(ctx context.Context) {
	for e.function.options.Clock.Sleep(ctx, pollEvery) == nil {
		e.measure()
	}
}

// measure reads the process's memory and enforces the limit. The kernel's high
// water mark is read, so that a peak between two readings counts too.
func (e *environment) measure() {
	rss, err := peakMemory(e.command.Process.Pid)
	if err != nil {
		return // The process ended, which whoever waits for it will see.
	}
	e.mu.Lock()
	e.peak = max(e.peak, rss)
	e.mu.Unlock()
	limit := int64(e.function.options.MemoryMB) << 20
	if limit > 0 && rss > limit {
		e.stop(ending{
			end: EndMemory, kind: "Runtime.OutOfMemory",
			message: fmt.Sprintf("Runtime exited with error: signal: killed: resident memory of %d MB is above the limit of %d MB", (rss+1<<20-1)>>20, limit>>20),
		})
	}
}

// requestNow returns the id of the request to which a line belongs that is
// begun now.
func (e *environment) requestNow() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requestID
}
