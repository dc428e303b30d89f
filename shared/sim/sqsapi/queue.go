package sqsapi

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"detour/shared/sim/endpoint"
)

// defaultVisibilityTimeout is SQS's (API reference, CreateQueue).
const defaultVisibilityTimeout = 30 * time.Second

// Queue describes a standard queue.
type Queue struct {
	Account string
	Region  string
	Name    string
	// VisibilityTimeout is how long a received message stays invisible. Default 30 s.
	VisibilityTimeout time.Duration
	// MaxReceives is how often a message may be received before it moves to the
	// dead-letter queue (maxReceiveCount). 0: there is no limit.
	MaxReceives int
	// DeadLetter is the name of the dead-letter queue, in the same account and
	// Region. It is given if and only if MaxReceives is.
	DeadLetter string
}

// Message is a message of a queue.
type Message struct {
	ID string
	// Receipt is the receipt handle of the last receive; it deletes the message.
	// Empty before the first receive.
	Receipt string
	Body    string
	// Receives is how often the message has been received, also from the queue
	// that it was a dead letter of (UNVERIFIED: whether SQS counts on there).
	Receives int
	SentAt   time.Time
	// FirstReceivedAt is zero before the first receive.
	FirstReceivedAt time.Time
	// VisibleAt is when the message becomes visible, or became visible last.
	VisibleAt time.Time
}

type queue struct {
	spec      Queue
	messages  []*message // in the order of arrival
	listeners []func()
}

type message struct {
	Message
	serial uint64
	here   int // receives from this queue
}

// Create creates the queue and returns its URL. Creating the same queue again
// changes nothing. It panics if a field is wrong, since queues are part of a
// set-up: a dead-letter queue is created before the queues that name it.
func (h *Handler) Create(spec Queue) (url string) {
	if spec.VisibilityTimeout == 0 {
		spec.VisibilityTimeout = defaultVisibilityTimeout
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if problem := h.check(spec); problem != "" {
		panic(fmt.Sprintf("sqsapi: creating the queue %q: %s", spec.Name, problem))
	}
	key := name{region: spec.Region, account: spec.Account, queue: spec.Name}
	url = fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", spec.Region, spec.Account, spec.Name)
	if h.queues[key] == nil {
		q := &queue{spec: spec}
		h.queues[key], h.urls[url] = q, q
	}
	return url
}

// check returns what is wrong with the description of a queue, and the remedy.
func (h *Handler) check(spec Queue) string {
	key := name{region: spec.Region, account: spec.Account, queue: spec.Name}
	old := h.queues[key]
	dead := h.queues[name{region: spec.Region, account: spec.Account, queue: spec.DeadLetter}]
	switch {
	case !endpoint.IsAccount(spec.Account):
		return fmt.Sprintf("Account is %q: use 12 digits", spec.Account)
	case spec.Region == "":
		return "Region is empty: name one, for example eu-west-1"
	case !isName(spec.Name):
		return fmt.Sprintf("Name is %q: use 1 to 80 letters, digits, hyphens and underscores", spec.Name)
	case spec.VisibilityTimeout < 0 || spec.VisibilityTimeout > 12*time.Hour:
		return fmt.Sprintf("VisibilityTimeout is %s: use 0 to 12h", spec.VisibilityTimeout)
	case spec.MaxReceives < 0 || spec.MaxReceives > 1000:
		return fmt.Sprintf("MaxReceives is %d: use 1 to 1000, or 0 for no limit", spec.MaxReceives)
	case (spec.MaxReceives == 0) != (spec.DeadLetter == ""):
		return fmt.Sprintf("MaxReceives is %d and DeadLetter is %q: give both or none", spec.MaxReceives, spec.DeadLetter)
	case spec.DeadLetter != "" && dead == nil:
		return fmt.Sprintf("DeadLetter is %q, which account %s does not have in %s: create it first", spec.DeadLetter, spec.Account, spec.Region)
	case old != nil && old.spec != spec:
		return fmt.Sprintf("it exists as %+v: use the same description, or another name", old.spec)
	default:
		return ""
	}
}

// OnVisible has fn called when messages of the queue become visible: when one is
// sent, when a delay is over, and when a visibility timeout ran out. fn is called
// through the Timekeeper and without the Handler's lock; it must not block. The
// methods that take a URL panic if it is not one that Create returned.
func (h *Handler) OnVisible(url string, fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.at(url)
	q.listeners = append(q.listeners, fn)
}

// Receive receives up to limit of the visible messages, those first that became
// visible first. They stay invisible for the queue's visibility timeout. A
// message that has been received MaxReceives times moves to the dead-letter
// queue instead. SQS itself hands out at most 10 at a time; an event source
// mapping collects larger batches.
func (h *Handler) Receive(url string, limit int) []Message {
	now := h.keeper.Now()
	var received []Message
	var appeared []appearance
	func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		q := h.at(url)
		for _, m := range q.sorted() {
			if len(received) >= limit || m.VisibleAt.After(now) {
				break
			}
			if q.spec.MaxReceives > 0 && m.here >= q.spec.MaxReceives {
				appeared = append(appeared, h.bury(q, m, now))
				continue
			}
			m.here++
			m.Receives++
			m.Receipt = fmt.Sprintf("%s.%d", m.ID, m.Receives)
			m.VisibleAt = now.Add(q.spec.VisibilityTimeout)
			if m.FirstReceivedAt.IsZero() {
				m.FirstReceivedAt = now
			}
			received = append(received, m.Message)
			appeared = append(appeared, appearance{q, m, m.VisibleAt})
		}
	}()
	h.announce(appeared...)
	return received
}

// Delete deletes the message with this receipt. As in SQS, a receipt that a later
// receive has replaced, or whose message is gone, deletes nothing and is no error.
func (h *Handler) Delete(url, receipt string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.at(url)
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return receipt != "" && m.Receipt == receipt })
}

// Waiting returns all messages of the queue, visible or not, in the order in
// which they become visible. It is for people, and receives nothing.
func (h *Handler) Waiting(url string) []Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	var waiting []Message
	for _, m := range h.at(url).sorted() {
		waiting = append(waiting, m.Message)
	}
	return waiting
}

// at returns the queue with this URL. The lock is held.
func (h *Handler) at(url string) *queue {
	q := h.urls[url]
	if q == nil {
		panic(fmt.Sprintf("sqsapi: no queue has the URL %q: use the one that Create returned", url))
	}
	return q
}

// send puts a message into the queue, and returns its id.
func (h *Handler) send(to name, body string, delay time.Duration) (id string, found bool) {
	now := h.keeper.Now()
	appeared, found := func() (appearance, bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		q := h.queues[to]
		if q == nil {
			return appearance{}, false
		}
		h.serial++
		m := &message{serial: h.serial, Message: Message{
			ID: endpoint.ID(0xa000, h.serial), Body: body, SentAt: now, VisibleAt: now.Add(delay),
		}}
		q.messages = append(q.messages, m)
		return appearance{q, m, m.VisibleAt}, true
	}()
	if !found {
		return "", false
	}
	h.announce(appeared)
	return appeared.message.ID, true
}

// bury moves a message to the dead-letter queue, where it is visible at once. It
// keeps its id and the time at which it was sent (SQS developer guide, Using
// dead-letter queues). The lock is held.
func (h *Handler) bury(from *queue, m *message, now time.Time) appearance {
	to := h.queues[name{region: from.spec.Region, account: from.spec.Account, queue: from.spec.DeadLetter}]
	from.messages = slices.DeleteFunc(from.messages, func(other *message) bool { return other == m })
	m.here, m.Receipt, m.VisibleAt = 0, "", now
	to.messages = append(to.messages, m)
	return appearance{to, m, now}
}

// sorted returns the queue's messages in the order in which they become visible,
// at the same instant in the order in which they were sent. The lock is held.
func (q *queue) sorted() []*message {
	return slices.SortedFunc(slices.Values(q.messages), func(a, b *message) int {
		return cmp.Or(a.VisibleAt.Compare(b.VisibleAt), cmp.Compare(a.serial, b.serial))
	})
}

// appearance is a message of a queue that becomes visible at an instant, unless
// something happens to it before.
type appearance struct {
	queue   *queue
	message *message
	at      time.Time
}

// announce has the listeners of the queues called when the messages become
// visible. A message that was deleted, moved or received meanwhile is passed over.
func (h *Handler) announce(appeared ...appearance) {
	for _, a := range appeared {
		h.keeper.At(a.at, "sqs "+a.queue.spec.Name, func() {
			for _, fn := range h.listeners(a) {
				fn()
			}
		})
	}
}

// listeners returns whom to tell of the appearance.
func (h *Handler) listeners(a appearance) []func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(a.queue.messages, a.message) || !a.message.VisibleAt.Equal(a.at) {
		return nil
	}
	return slices.Clone(a.queue.listeners)
}
