package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrKilled is what every call of a killed process gets once the Scheduler is
// closed. During the run such a call does not return at all.
var ErrKilled = errors.New("sim: the process was killed")

// ErrOutside is the error of a Sleep, Yield or transport call made where no
// task runs: from a callback, or from outside the Scheduler. Pass such a call
// through a process.
var ErrOutside = errors.New("sim: no task is running: only a process started with Scheduler.Start may call this")

// maxSteps bounds what may happen at one instant: past it, something loops
// without letting time pass.
const maxSteps = 1 << 22

// Scheduler runs processes and callbacks in virtual time, one at a time, in an
// order that its seed alone decides. It implements Timekeeper.
//
// Invariants: at most one task or callback runs at any moment; time stands
// still while it does; among those ready at the same instant the seed picks.
// The methods are for callbacks, tasks, and the goroutine that calls RunUntil;
// they are not for other goroutines. Everything that a task calls through its
// Process or a Transport may come from any goroutine that works for the task.
//
// A task must not wait on a Go channel, lock or WaitGroup for another task: the
// Scheduler cannot see such a wait, and would wait for ever. Process.Go's wait
// is the way.
type Scheduler struct {
	start time.Time
	now   atomic.Int64 // nanoseconds since start
	order *rand.Rand
	rng   *rand.Rand

	later queue   // strictly after now
	ready []event // at now, in no order
	seq   uint64
	steps int // taken at this instant

	cur  atomic.Pointer[task] // whose turn it is; nil between turns
	back chan struct{}        // ends a turn
	// released takes the tasks that ended after the Scheduler was closed.
	released chan *task
	// seizures counts the processes that one of their tasks has seized.
	seizures atomic.Int32
	live     []*Process
	nextID   int
	plan     *FaultPlan
	failure  *TaskFailure
	raised   bool // RunUntil has panicked with the failure

	running bool
	closing atomic.Bool

	gateMu   sync.Mutex
	gate     sync.Cond
	gateWait atomic.Int32

	stats SchedulerStats
	trace trace
}

// NewScheduler returns a Scheduler whose clock stands at start. The seed decides
// the order among what is ready at the same instant and, in a separate stream,
// what Rand returns. Close releases its resources.
func NewScheduler(seed uint64, start time.Time) *Scheduler {
	s := &Scheduler{
		start:    start.Round(0),
		order:    newStream(seed, 0x6f72646572),
		rng:      newStream(seed, 0x6661756c7473),
		back:     make(chan struct{}),
		released: make(chan *task),
		trace:    newTrace(),
	}
	s.gate.L = &s.gateMu
	return s
}

// Now returns the virtual time.
func (s *Scheduler) Now() time.Time { return s.start.Add(time.Duration(s.now.Load())) }

// Rand returns the stream for faults and latencies. It shares nothing with the
// stream that picks the order. Use it from tasks and callbacks only.
func (s *Scheduler) Rand() *rand.Rand { return s.rng }

// At runs fn at instant t, or at the present instant if t is past. fn runs
// between the turns of tasks; it must not block, and may call At, Start, Kill
// and Freeze. The name is for the trace.
func (s *Scheduler) At(t time.Time, name string, fn func()) {
	if s.closing.Load() {
		return
	}
	s.push(event{at: s.offset(t), fn: fn, name: name})
}

// Start starts a process: one invocation of a function. Its first task runs fn
// and is ready at once. fn's context ends only when the Scheduler is closed. On
// a closed Scheduler the process is dead from the start.
func (s *Scheduler) Start(name string, fn func(ctx context.Context, p *Process)) *Process {
	s.nextID++
	p := &Process{s: s, name: name, id: s.nextID}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	if s.closing.Load() {
		p.killed.Store(true)
		p.cancel(ErrKilled)
		return p
	}
	p.slot = len(s.live)
	s.live = append(s.live, p)
	s.stats.Processes++
	s.note(p, nil, "start", name, 0)
	p.newTask(p.ctx, func(ctx context.Context) { fn(ctx, p) })
	return p
}

// RunUntil runs everything that is due up to and including t, and leaves the
// clock at t. It panics with a *TaskFailure when a task panicked, and when
// something loops without letting time pass.
func (s *Scheduler) RunUntil(t time.Time) {
	if s.running {
		panic("sim: RunUntil was called from inside the run: use At or Start there")
	}
	if s.closing.Load() {
		return
	}
	s.running = true
	defer func() { s.running = false }()
	limit := s.offset(t)
	for s.step(limit) {
	}
	if limit > s.now.Load() {
		s.setNow(limit)
	}
}

// Idle reports whether nothing is left to happen: no callback is pending, and no
// task would ever get another turn.
func (s *Scheduler) Idle() bool {
	for i := range s.ready {
		if !s.ready[i].void() {
			return false
		}
	}
	for i := range s.later {
		if e := &s.later[i]; !e.void() && (e.timer == nil || !e.timer.proc.Done()) {
			return false
		}
	}
	return true
}

// Live returns how many processes have neither ended nor been killed.
func (s *Scheduler) Live() int {
	n := 0
	for _, p := range s.live {
		if !p.Done() {
			n++
		}
	}
	return n
}

// SetFaultPlan sets the plan that decides over kills and freezes at the yield
// points of processes. Without it, the first plan given to a Transport does.
func (s *Scheduler) SetFaultPlan(plan *FaultPlan) { s.plan = plan }

// Close ends the run. Every process that has not ended is killed; its parked
// tasks are released one after the other, the youngest first, and each call
// they still make is refused with ErrKilled. A task that ignores the error for
// too long ends by runtime.Goexit. Call Close neither from a task nor from a
// callback. A second Close does nothing.
func (s *Scheduler) Close() {
	if s.running {
		panic("sim: Close was called from inside the run")
	}
	if s.closing.Swap(true) {
		return
	}
	s.openGate()
	s.ready, s.later = nil, nil
	for len(s.live) > 0 {
		p := s.live[len(s.live)-1]
		p.killed.Store(true)
		p.cancel(ErrKilled)
		for len(p.tasks) > 0 {
			t := p.tasks[len(p.tasks)-1]
			if !t.started {
				t.retire()
				continue
			}
			s.releaseTask(t)
		}
		s.forget(p)
	}
}

// releaseTask lets a parked task run to its end, every call of it refused. A
// task that the end of its process's context let loose may end before its turn:
// then the goroutine that is still parked in one of its calls is let go as well.
func (s *Scheduler) releaseTask(t *task) {
	s.cur.Store(t)
	defer s.cur.Store(nil)
	woken := t.wake
	for !t.ended {
		select {
		case woken <- struct{}{}:
			woken = nil
		case ended := <-s.released:
			if ended != t {
				close(ended.wake)
			}
			ended.retire()
		}
	}
	if woken != nil {
		close(woken)
	}
}

// Failure returns the first panic of a task, or nil.
func (s *Scheduler) Failure() *TaskFailure { return s.failure }

// TaskFailure is a panic inside a task.
type TaskFailure struct {
	Process string
	Task    int
	Value   any
	Stack   []byte
}

// Error implements error.
func (f *TaskFailure) Error() string {
	return fmt.Sprintf("sim: task %d of process %s panicked: %v\n%s", f.Task, f.Process, f.Value, f.Stack)
}

// Unwrap returns the panic's value if it is an error.
func (f *TaskFailure) Unwrap() error {
	err, _ := f.Value.(error)
	return err
}

// step lets one thing happen, and reports whether there was one.
func (s *Scheduler) step(limit int64) bool {
	if len(s.ready) == 0 && !s.advance(limit) {
		return false
	}
	if s.steps++; s.steps > maxSteps {
		panic(fmt.Sprintf("sim: more than %d steps at %s: something loops without letting time pass", maxSteps, s.Now().Format(time.RFC3339Nano)))
	}
	e := s.pick()
	switch {
	case e.void():
	case e.task != nil:
		s.turn(e)
	case e.timer != nil:
		e.timer.proc.runOut(e)
	default:
		s.stats.Callbacks++
		s.note(nil, nil, "callback", e.name, 0)
		e.fn()
	}
	return true
}

// advance moves the clock to the next event, if that is within the limit, and
// makes everything of that instant ready.
func (s *Scheduler) advance(limit int64) bool {
	if len(s.later) == 0 || s.later[0].at > limit {
		return false
	}
	s.setNow(s.later[0].at)
	for len(s.later) > 0 && s.later[0].at <= s.now.Load() {
		s.ready = append(s.ready, s.later.pop())
	}
	return true
}

// pick takes one of the ready events, as the seed says.
func (s *Scheduler) pick() event {
	i, last := 0, len(s.ready)-1
	if last > 0 {
		i = s.order.IntN(last + 1)
	}
	e := s.ready[i]
	s.ready[i] = s.ready[last]
	s.ready[last] = event{}
	s.ready = s.ready[:last]
	return e
}

// turn gives a task its turn, unless its process stands still just now.
func (s *Scheduler) turn(e event) {
	t, p := e.task, e.task.proc
	if p.frozenUntil > s.now.Load() {
		e.at = p.frozenUntil
		s.push(e)
		return
	}
	if holder := p.seized.Load(); holder != nil && holder != t {
		p.held = append(p.held, e)
		return
	}
	t.gen++
	t.why = e.why
	t.parkCtx = nil
	s.stats.Switches++
	s.note(p, t, t.point, "", int(e.why))
	s.cur.Store(t)
	if t.started {
		t.wake <- struct{}{}
	} else {
		t.started = true
		go t.main()
	}
	<-s.back
	s.cur.Store(nil)
	p.sweep()
	if s.failure != nil && !s.raised {
		s.raised = true
		panic(s.failure)
	}
}

func (s *Scheduler) push(e event) {
	s.seq++
	e.seq = s.seq
	if now := s.now.Load(); e.at <= now {
		e.at = now
		s.ready = append(s.ready, e)
		return
	}
	s.later.push(e)
}

// pushTask makes the task ready after d, for the turn it is about to wait for.
func (s *Scheduler) pushTask(t *task, d time.Duration, why wakeReason) {
	s.push(event{at: s.after(d), task: t, gen: t.gen, why: why})
}

// after returns the instant d from now; what is beyond the clock's range is its end.
func (s *Scheduler) after(d time.Duration) int64 {
	now := s.now.Load()
	switch {
	case d <= 0:
		return now
	case int64(d) > math.MaxInt64-now:
		return math.MaxInt64
	default:
		return now + int64(d)
	}
}

func (s *Scheduler) offset(t time.Time) int64 { return int64(t.Sub(s.start)) }

func (s *Scheduler) setNow(at int64) {
	s.now.Store(at)
	s.steps = 0
}

// forget drops a process that has no tasks left.
func (s *Scheduler) forget(p *Process) {
	last := len(s.live) - 1
	s.live[p.slot] = s.live[last]
	s.live[p.slot].slot = p.slot
	s.live[last] = nil
	s.live = s.live[:last]
}
