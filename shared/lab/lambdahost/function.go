package lambdahost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// Function hosts one Lambda function. Its methods may be called from several
// goroutines.
type Function struct {
	options Options
	logging sync.Mutex          // one call of Options.Log at a time
	kill    func(pid int) error // killGroup, but for tests

	mu      sync.Mutex
	closed  bool
	started int            // environments so far
	live    []*environment // all that may have work, in order of start
	idle    []*environment // those of live that wait, the most recently used last
	running []*environment // all whose process has not been reaped
	starter *starter       // from the first environment until Close
	faults  []error        // for Close
}

// Start checks the options and the files that they name. It starts no process
// yet: that is done by the first Invoke, as in Lambda. The error joins all that
// is wrong, and names each field.
func Start(options Options) (*Function, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	options, err := options.checked()
	if err != nil {
		return nil, err
	}
	return &Function{options: options, kill: killGroup}, nil
}

// Invoke hands the event to an environment, the most recently used one that is
// free or a new one, and waits until the function has answered and asked for the
// next event, or until the environment is gone. An answer stands, whatever
// happens to the process after it; UNVERIFIED for a process that ends in between.
//
// When ctx ends before the answer, the environment is killed and Invoke answers
// the context's error. Lambda would let it run. The other errors are ErrThrottled,
// ErrTooLarge, ErrClosed, that of a process that could not be started, and that
// of one that does not die within 10 s of being killed, which it names.
func (f *Function) Invoke(ctx context.Context, payload []byte) (Result, error) {
	if len(payload) > maxPayload {
		return Result{}, fmt.Errorf("lambdahost: function %s: payload of %d bytes, more than %d: %w", f.options.Name, len(payload), maxPayload, ErrTooLarge)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	e, cold, err := f.acquire()
	if err != nil {
		return Result{}, err
	}
	watching, cancel := context.WithCancel(ctx)
	watched := f.options.Clock.Go(watching, e.watch)
	result, err := e.invoke(ctx, newCall(payload), cold)
	cancel()
	watched()
	f.release(e)
	return result, err
}

// Kill sends SIGKILL to every environment, in the middle of what it does, and
// says how many there were. It does not wait for their ends; they count no more.
func (f *Function) Kill() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	killed := 0
	for _, e := range f.live {
		if e.stop(killedByHost()) {
			killed++
		}
	}
	f.live, f.idle = nil, nil
	return killed
}

// Close ends every process and listener, and waits for them, for 10 s at most: a
// process that has not died by then is named in the error. Invocations under way
// end with EndKilled. More calls do nothing, but to wait for such a process again.
func (f *Function) Close() error {
	f.mu.Lock()
	f.closed = true
	running, starter := slices.Clone(f.running), f.starter
	f.starter = nil // No environment starts any more.
	f.mu.Unlock()
	f.Kill()
	limit, cancel := f.options.Clock.Timeout(context.Background(), deathLimit)
	defer cancel()
	var problems []error
	for _, e := range running {
		problems = append(problems, e.death(limit))
	}
	if starter != nil {
		starter.end()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(append(problems, f.faults...)...)
	f.faults = nil
	return err
}

// acquire returns an environment that has no work.
func (f *Function) acquire() (e *environment, cold bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false, fmt.Errorf("lambdahost: function %s: %w", f.options.Name, ErrClosed)
	}
	if n := len(f.idle); n > 0 {
		e, f.idle = f.idle[n-1], f.idle[:n-1]
		return e, false, nil
	}
	if len(f.live) >= f.options.Environments {
		return nil, false, fmt.Errorf("lambdahost: function %s: all %d environments are busy: %w", f.options.Name, f.options.Environments, ErrThrottled)
	}
	if f.starter == nil {
		f.starter = newStarter(f.options.Clock)
	}
	f.started++
	e, err = startEnvironment(f, strconv.Itoa(f.started))
	if err != nil {
		return nil, false, fmt.Errorf("lambdahost: function %s: starting %s: %w; build it for this machine with make build", f.options.Name, f.options.Bootstrap, err)
	}
	f.running = append(f.running, e)
	f.live = append(f.live, e)
	return e, true, nil
}

// release makes an environment that has done its work ready for the next event,
// unless it is gone or about to be.
func (f *Function) release(e *environment) {
	if f.options.Freeze {
		e.signal(freezeGroup) // Before anybody can acquire and thaw it.
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.stopped() {
		// Its process may not have died, but it takes no event and no place any more.
		f.live = slices.DeleteFunc(f.live, func(other *environment) bool { return other == e })
	}
	if slices.Contains(f.live, e) {
		f.idle = append(f.idle, e)
	}
}

// forget drops an environment whose process has been reaped.
func (f *Function) forget(e *environment, fault error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	is := func(other *environment) bool { return other == e }
	f.live = slices.DeleteFunc(f.live, is)
	f.idle = slices.DeleteFunc(f.idle, is)
	f.running = slices.DeleteFunc(f.running, is)
	if fault != nil {
		f.faults = append(f.faults, fmt.Errorf("lambdahost: function %s, environment %s: %w", f.options.Name, e.id, fault))
	}
}

// log hands a line to the options' Log.
func (f *Function) log(line Line) {
	if f.options.Log == nil {
		return
	}
	f.logging.Lock()
	defer f.logging.Unlock()
	line.Function = f.options.Name
	f.options.Log(line)
}

// newUUID returns a random UUID (RFC 9562, version 4), the form of Lambda's
// request ids. They are random because functions build tokens from them.
func newUUID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// randomBytes returns n random bytes.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // It never fails: the program would end instead.
	return b
}
