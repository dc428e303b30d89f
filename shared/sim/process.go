package sim

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Process is one invocation of a function: one task, and those that it starts
// with Go. By its methods Now, Sleep, Go and Timeout it is the Clock that the
// function runs by, in virtual time.
//
// A kill is a kill: no task of a killed process gets another turn, so none of
// its deferred code runs while the run goes on. The task that kills its own
// process goes on up to its next call, which does not return.
type Process struct {
	s      *Scheduler
	name   string
	id     int
	slot   int // in Scheduler.live
	ctx    context.Context
	cancel context.CancelCauseFunc

	tasks    []*task // those that have not ended, in the order of their start
	nextTask int
	timers   []*deadline // those that have not ended, in the order of their start

	killed      atomic.Bool
	done        bool
	onEnd       []func()
	frozenUntil int64

	// seized is the task that makes a call on behalf of the whole process; until
	// the answer, the other tasks' turns and the timeouts collect in held.
	seized atomic.Pointer[task]
	held   []event
}

// Name returns the name that the process was started with.
func (p *Process) Name() string { return p.name }

// ID returns the number of the process: 1 for the Scheduler's first.
func (p *Process) ID() int { return p.id }

// Killed reports whether the process was killed.
func (p *Process) Killed() bool { return p.killed.Load() }

// Done reports whether the process has ended: all its tasks have, or it was
// killed.
func (p *Process) Done() bool { return p.done || p.killed.Load() }

// OnEnd has fn run as a callback at the instant at which the process ends, by
// itself or by a kill; at once if it has ended. Closing the Scheduler ends no
// process in this sense.
func (p *Process) OnEnd(fn func()) {
	if p.Done() {
		p.s.At(p.s.Now(), p.name, fn)
		return
	}
	p.onEnd = append(p.onEnd, fn)
}

// Kill ends the process for good, at once. A request that it has sent and that
// has not arrived yet may still arrive: Scheduler.Rand tosses a coin. Kill does
// nothing to a process that has ended.
func (p *Process) Kill() {
	if p.Done() || p.s.closing.Load() {
		return
	}
	p.killed.Store(true)
	p.s.stats.Kills++
	p.s.note(p, nil, "kill", p.name, 0)
	for _, t := range p.tasks {
		if t.flight != nil {
			t.flight.orphan()
		}
	}
	p.held = nil
	p.end()
}

// Freeze stalls the process: none of its tasks gets a turn for d from now.
// Timeouts and requests on their way go on. The longest of several freezes counts.
func (p *Process) Freeze(d time.Duration) {
	until := p.s.after(d)
	if p.Done() || until <= p.frozenUntil || d <= 0 {
		return
	}
	p.frozenUntil = until
	p.s.stats.Stalls++
	p.s.note(p, nil, "freeze", p.name, int(d))
}

// Go starts a task of the process, ready at once; it may be called by any of
// the process's tasks. wait parks its caller until the task has ended. A wait
// outside a task returns at once.
func (p *Process) Go(ctx context.Context, fn func(ctx context.Context)) (wait func()) {
	t, err := p.s.enter(ctx)
	switch {
	case errors.Is(err, ErrOutside):
		panic(err)
	case err != nil:
		return func() {}
	}
	defer t.leave()
	child := t.proc.newTask(ctx, fn)
	return child.wait
}

// Yield lets others have a turn at the present instant. The point names the
// place for the trace, for fault rules, and for kills and freezes at random. The
// error is ctx's if ctx has ended, and ErrKilled once the Scheduler is closed.
func (p *Process) Yield(ctx context.Context, point string) error {
	return p.pause(ctx, point, 0)
}

// Sleep returns after d of virtual time. The error is ctx's if ctx ends first,
// and ErrKilled once the Scheduler is closed. It is a yield point even for d ≤ 0.
func (p *Process) Sleep(ctx context.Context, d time.Duration) error {
	return p.pause(ctx, "sleep", d)
}

func (p *Process) pause(ctx context.Context, point string, d time.Duration) error {
	t, err := p.s.enter(ctx)
	if err != nil {
		return err
	}
	defer t.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	p.s.yieldFault(t.proc, p.s.plan, point)
	p.s.pushTask(t, d, wokenByTime)
	why, err := t.park(ctx, point)
	if err != nil {
		return err
	}
	if why == wokenByContext {
		return ctx.Err()
	}
	return nil
}

// newTask adds a task to the process, ready at once.
func (p *Process) newTask(ctx context.Context, fn func(context.Context)) *task {
	p.nextTask++
	t := &task{s: p.s, proc: p, id: p.nextTask, fn: fn, point: "start", wake: make(chan struct{})}
	t.ctx = context.WithValue(ctx, taskKey{}, t)
	p.tasks = append(p.tasks, t)
	p.s.stats.TasksStarted++
	p.s.pushTask(t, 0, wokenByTime)
	return t
}

// sweep looks for contexts of the process that have ended since the last turn:
// it ends the timeouts derived from them, and makes the tasks ready that are
// parked with one.
func (p *Process) sweep() {
	if p.killed.Load() {
		return
	}
	if len(p.timers) > 0 {
		p.sweepTimers()
	}
	// A settled request may kill the process, but never changes its tasks.
	for i := 0; i < len(p.tasks) && !p.killed.Load(); i++ {
		t := p.tasks[i]
		if t.parkCtx == nil || t.parkCtx.Err() == nil {
			continue
		}
		t.parkCtx = nil
		t.gen++
		if t.flight != nil {
			t.flight.giveUp()
		}
		p.s.pushTask(t, 0, wokenByContext)
	}
}

func (p *Process) sweepTimers() {
	kept := p.timers[:0]
	for _, d := range p.timers {
		if !d.over.Load() {
			d.poll()
		}
		if !d.over.Load() {
			kept = append(kept, d)
		}
	}
	clear(p.timers[len(kept):])
	p.timers = kept
}

// end notes that the process has ended.
func (p *Process) end() {
	p.done = true
	for _, fn := range p.onEnd {
		p.s.At(p.s.Now(), p.name, fn)
	}
	p.onEnd = nil
}

// runOut ends a timeout at its instant. While the process is seized that waits
// for the release, since it would let native waiters loose next to the call;
// but a call made under the very timeout is given up, which releases the process.
func (p *Process) runOut(e event) {
	if t := p.seized.Load(); t != nil {
		p.held = append(p.held, e)
		if t.flight.limit == e.timer {
			t.gen++
			t.flight.giveUp()
			p.s.pushTask(t, 0, wokenByContext)
		}
		return
	}
	p.s.stats.Timeouts++
	p.s.note(p, nil, "timeout", "", 0)
	e.timer.end(context.DeadlineExceeded)
	p.sweep()
}

// seize keeps the process's other tasks from getting a turn, and its timeouts
// from running out, until release. A call with a context that cannot end is made
// on behalf of all: the SDK's credential cache does so, and lets every task that
// needs credentials meanwhile wait on a Go channel, where the Scheduler could
// not see it.
func (p *Process) seize(t *task) {
	if p.seized.CompareAndSwap(nil, t) {
		p.s.seizures.Add(1)
	}
}

func (p *Process) release(t *task) {
	if p.s.closing.Load() || !p.seized.CompareAndSwap(t, nil) {
		return
	}
	p.s.seizures.Add(-1)
	for _, e := range p.held {
		if !e.void() {
			p.s.push(e)
		}
	}
	p.held = p.held[:0]
}
