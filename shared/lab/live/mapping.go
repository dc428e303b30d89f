package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"detour/shared/lab"
	"detour/shared/sim"
	"detour/shared/sim/sqsapi"
)

// What the event source mapping of the wake-ups does.
const (
	// batchSize is how many messages an invocation gets at most: the default of a
	// mapping of a standard queue (Lambda Developer Guide, "Using Lambda with Amazon SQS").
	batchSize = 10
	// batchesAtOnce is the mapping's maximum concurrency, 2 being the least that
	// Lambda takes.
	batchesAtOnce = 2
	// unlimitedBatches is what a mapping without a maximum concurrency begins with
	// (same page).
	unlimitedBatches = 5
)

// wakeQueue is what the mapping needs of SQS.
type wakeQueue interface {
	Receive(url string, limit int) []sqsapi.Message
	Delete(url, receipt string)
}

// mapping is the event source mapping of a queue, with partial batch responses
// if it asks for them: it hands visible messages to the function in batches and deletes those that
// are done. All others become visible again after the queue's visibility
// timeout, and the queue moves them to the dead-letter queue when they have been
// received too often.
//
// A throttled batch is tried again until its visibility timeout is over, so that
// throttling does not use up receives (Lambda Developer Guide, "Using Lambda with
// Amazon SQS"). It keeps its place among the batches at once. UNVERIFIED: the
// waits, which are those of asynchronous invocations here.
type mapping struct {
	target
	// source is the queue's name.
	url, source string
	queue       wakeQueue
	// batch is how many messages an invocation gets at most, atOnce how many
	// batches run; partial: the answer names the messages that were not done.
	batch, atOnce int
	partial       bool
	// keeper and visibility are the queue's.
	keeper     sim.Timekeeper
	visibility time.Duration
	start      func(fn func(context.Context))
	// deleted is told when the messages that were done are gone, which is after
	// the end of their invocation.
	deleted func()

	mu      sync.Mutex
	running int
}

// poll hands out what is visible. The queue calls it when messages become
// visible.
func (m *mapping) poll() {
	for {
		m.mu.Lock()
		var batch []sqsapi.Message
		visible := m.keeper.Now().Add(m.visibility) // Not later than the queue has it.
		if m.running < m.atOnce {
			batch = m.queue.Receive(m.url, m.batch)
		}
		if len(batch) > 0 {
			m.running++
		}
		m.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		m.try(batch, visible, firstBackOff)
	}
}

// try has the function handle a batch whose messages become visible again at
// that instant. A throttled one is tried again after the back-off, and then after
// twice as long.
func (m *mapping) try(batch []sqsapi.Message, visible time.Time, backOff time.Duration) {
	m.start(func(ctx context.Context) {
		attempt := slices.MaxFunc(batch, func(a, b sqsapi.Message) int { return a.Receives - b.Receives }).Receives
		in, counts := m.invoke(ctx, lab.BatchEvent(batch, m.home.Account, m.home.Region, m.source), CauseWakeUp, attempt)
		if !counts {
			return
		}
		if due := m.keeper.Now().Add(backOff); in.Result == Throttled && due.Before(visible) {
			m.keeper.At(due, "retry "+m.name, func() { m.try(batch, visible, min(2*backOff, longestBackOff)) })
			return
		}
		m.done(in, batch)
	})
}

// done deletes what was done of a batch, and polls again.
func (m *mapping) done(in Invocation, batch []sqsapi.Message) {
	if in.Result == Succeeded {
		undone := map[string]bool{}
		if m.partial {
			undone = lab.BatchFailures(in.Answer, batch)
		}
		for _, message := range batch {
			if !undone[message.ID] {
				m.queue.Delete(m.url, message.Receipt)
			}
		}
		m.deleted()
	}
	m.mu.Lock()
	m.running--
	m.mu.Unlock()
	m.poll()
}
