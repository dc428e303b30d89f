package sim

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// maxRefusals is how many refused calls a released task may ignore before it is
// ended by force.
const maxRefusals = 1000

// The states of a task's turn: who may make the next call.
const (
	taskBusy    int32 = iota // parked, or inside a call, or not started
	taskRunning              // between two calls
)

// task is one line of execution of a process. Whichever goroutine makes a call
// while it is the task's turn stands for the task: the turn, not a goroutine,
// is what is handed on.
type task struct {
	s    *Scheduler
	proc *Process
	id   int
	ctx  context.Context
	fn   func(context.Context)
	wake chan struct{}

	state   atomic.Int32
	started bool
	ended   bool
	gen     uint32     // counts the turns; events meant for an earlier one are void
	why     wakeReason // of the present turn
	point   string     // where the task is parked
	parkCtx context.Context
	flight  *flight // the request that the task waits for
	waiters []*task
	refused atomic.Int32
}

type taskKey struct{}

// taskOf returns the task that a context was made for, or nil.
func taskOf(ctx context.Context) *task {
	t, _ := ctx.Value(taskKey{}).(*task)
	return t
}

// enter begins a call of the task whose turn it is, and keeps other goroutines
// of the same task from beginning one. The error is ErrKilled once the Scheduler
// is closed, and ErrOutside where no task runs. In a killed process it does not
// return before that.
//
// The context's own task counts in two cases only: no task has a turn, or that
// task has seized its process. Then the caller is a goroutine that a context's
// end let loose while another goroutine's call holds the task; it waits for the
// task's turn.
func (s *Scheduler) enter(ctx context.Context) (*task, error) {
	t := s.cur.Load()
	if t == nil || s.seizures.Load() > 0 {
		if own := taskOf(ctx); own != nil && own != t && (t == nil || own.proc.seized.Load() == own) {
			t = own
		}
	}
	if s.closing.Load() {
		return nil, t.refuse()
	}
	if t == nil {
		return nil, ErrOutside
	}
	if !t.state.CompareAndSwap(taskRunning, taskBusy) && !t.await() {
		return nil, t.refuse()
	}
	if t.proc.killed.Load() {
		for !s.closing.Load() {
			t.yield()
		}
		return nil, t.refuse()
	}
	return t, nil
}

// leave ends the call that enter began.
func (t *task) leave() {
	if t.s.closing.Load() {
		return
	}
	t.state.Store(taskRunning)
	if t.s.gateWait.Load() > 0 {
		t.s.openGate()
	}
}

// await waits until the task may make a call, and begins it. It reports false
// once the Scheduler is closed.
func (t *task) await() bool {
	s := t.s
	s.gateMu.Lock()
	defer s.gateMu.Unlock()
	s.gateWait.Add(1)
	defer s.gateWait.Add(-1)
	for !t.state.CompareAndSwap(taskRunning, taskBusy) {
		if s.closing.Load() {
			return false
		}
		s.gate.Wait()
	}
	return true
}

func (s *Scheduler) openGate() {
	s.gateMu.Lock()
	defer s.gateMu.Unlock()
	s.gate.Broadcast()
}

// refuse answers a call made after the Scheduler was closed.
func (t *task) refuse() error {
	if t != nil && t.refused.Add(1) > maxRefusals {
		runtime.Goexit()
	}
	return ErrKilled
}

// park waits for the task's next turn. The caller has seen to it that an event
// brings it; the end of ctx does too. The error is ErrKilled once the Scheduler
// is closed.
func (t *task) park(ctx context.Context, point string) (wakeReason, error) {
	t.point = point
	if ctx.Done() != nil {
		t.parkCtx = ctx
	}
	t.yield()
	if t.s.closing.Load() {
		return wokenByContext, t.refuse()
	}
	return t.why, nil
}

// yield hands the turn back and waits for the next one.
func (t *task) yield() {
	t.s.back <- struct{}{}
	<-t.wake
}

// wait parks the caller until the task has ended.
func (t *task) wait() {
	caller, err := t.s.enter(context.Background())
	if err != nil {
		return
	}
	defer caller.leave()
	for !t.ended && err == nil {
		t.waiters = append(t.waiters, caller)
		_, err = caller.park(context.Background(), "wait")
	}
}

// main is the task's goroutine.
func (t *task) main() {
	defer t.finish()
	t.state.Store(taskRunning)
	t.fn(t.ctx)
}

// finish ends the task, whether its function returned, panicked or was ended.
func (t *task) finish() {
	value := recover()
	if !t.s.closing.Load() && !t.state.CompareAndSwap(taskRunning, taskBusy) {
		t.await()
	}
	if value != nil && !t.proc.killed.Load() && t.s.failure == nil {
		t.s.failure = &TaskFailure{Process: t.proc.name, Task: t.id, Value: value, Stack: debug.Stack()}
	}
	if t.s.closing.Load() {
		t.s.released <- t
		return
	}
	t.retire()
	t.s.back <- struct{}{}
}

// retire takes the task out of its process, and the process out of the
// Scheduler with its last task.
func (t *task) retire() {
	t.ended = true
	p, s := t.proc, t.s
	for i, other := range p.tasks {
		if other == t {
			p.tasks = append(p.tasks[:i], p.tasks[i+1:]...)
			break
		}
	}
	if s.closing.Load() {
		return
	}
	s.note(p, t, "end", "", 0)
	for _, waiter := range t.waiters {
		s.pushTask(waiter, 0, wokenByTime)
	}
	t.waiters = nil
	if len(p.tasks) > 0 {
		return
	}
	s.forget(p)
	if !p.killed.Load() {
		p.end()
	}
}
