package sim

// wakeReason says what made a parked task ready.
type wakeReason uint8

const (
	wokenByTime    wakeReason = iota // its instant came, or what it waited for happened
	wokenByContext                   // its context ended first
)

// event is one thing that is to happen at an instant: a task's turn, the end of
// a virtual timeout, or a callback. Exactly one of task, timer and fn is set.
type event struct {
	at    int64 // nanoseconds since the Scheduler's start
	seq   uint64
	task  *task
	timer *deadline
	fn    func()
	name  string
	// gen is the turn of the task that the event was meant for. A task that
	// another event woke first has moved on, and this one is void.
	gen uint32
	why wakeReason
}

// void reports whether the event has nothing left to do.
func (e *event) void() bool {
	switch {
	case e.task != nil:
		return e.task.gen != e.gen || e.task.ended || e.task.proc.killed.Load()
	case e.timer != nil:
		return e.timer.over.Load() || e.timer.proc.killed.Load()
	default:
		return false
	}
}

func (e *event) before(o *event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	return e.seq < o.seq
}

// queue is a binary heap of events, ordered by (at, seq). It holds values and
// is written out so that neither push nor pop allocates per event.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	*q = h
}

func (q *queue) pop() event {
	h := *q
	top := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h[last] = event{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child].before(&h[least]) {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*q = h
	return top
}
