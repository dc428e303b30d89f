package sim

import (
	"fmt"
	"io"
	"time"
)

// SchedulerStats counts what a Scheduler did.
type SchedulerStats struct {
	// Switches counts the turns that tasks were given.
	Switches int
	// Processes and TasksStarted count what was started.
	Processes, TasksStarted int
	// Kills and Stalls count the calls of Kill and Freeze that had an effect.
	Kills, Stalls int
	// Callbacks counts the callbacks that ran, the arrivals of requests included.
	Callbacks int
	// Timeouts counts the virtual timeouts that ran out.
	Timeouts int
	// Effects counts the requests that a face answered.
	Effects int
}

// trace is a running hash over what happened, by FNV-1a.
type trace struct {
	hash uint64
	w    io.Writer
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func newTrace() trace { return trace{hash: fnvOffset} }

// Stats returns the counts up to now.
func (s *Scheduler) Stats() SchedulerStats { return s.stats }

// TraceHash returns a hash over all that happened up to now: virtual times,
// processes and tasks, yield points, effects and outcomes. Headers, pointers and
// generated tokens are not in it. Equal seeds and equal programs have equal hashes.
func (s *Scheduler) TraceHash() uint64 { return s.trace.hash }

// SetTraceWriter has every line of the trace written to w, for people; nil turns
// it off. It changes neither the run nor the hash.
func (s *Scheduler) SetTraceWriter(w io.Writer) { s.trace.w = w }

// note adds a line to the trace. The process and the task may be nil; outcome is
// a number that means something to the point: why a task was woken, an HTTP
// status, nanoseconds.
func (s *Scheduler) note(p *Process, t *task, point, effect string, outcome int) {
	var process, id int
	if p != nil {
		process = p.id
	}
	if t != nil {
		id = t.id
	}
	tr := &s.trace
	tr.number(uint64(s.now.Load())) //nolint:gosec // A hash takes any bits.
	tr.number(uint64(process)<<32 | uint64(id))
	tr.text(point)
	tr.text(effect)
	tr.number(uint64(outcome)) //nolint:gosec // A hash takes any bits.
	if tr.w == nil {
		return
	}
	name := "-"
	if p != nil {
		name = p.name
	}
	_, _ = fmt.Fprintf(tr.w, "%14s %3d/%-2d %-20s %-12s %s %d\n", time.Duration(s.now.Load()), process, id, name, point, effect, outcome)
}

func (tr *trace) number(v uint64) {
	h := (tr.hash ^ v) * fnvPrime
	tr.hash = h ^ h>>29
}

func (tr *trace) text(v string) {
	h := tr.hash
	for i := 0; i < len(v); i++ {
		h = (h ^ uint64(v[i])) * fnvPrime
	}
	tr.hash = (h ^ uint64(len(v))) * fnvPrime
}
