package live

import (
	"context"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// What Lambda does with an asynchronous invocation (Lambda Developer Guide, "How
// Lambda handles errors and retries with asynchronous invocation"): a function
// error is tried twice more, after one and after two minutes; a throttled one for
// up to six hours, with a back-off of one second that doubles up to five minutes.
const (
	firstBackOff   = time.Second
	longestBackOff = 5 * time.Minute
)

// retryDelays are the waits before the second and the third attempt.
func retryDelays() []time.Duration { return []time.Duration{time.Minute, 2 * time.Minute} }

// The names of the queues, and of the destination of failed invocations.
const (
	WakeQueue     = "detour-wake"
	WakeDeadQueue = "detour-wake-dead"
	// FilterWakeQueue is for the wake-ups of filters.
	FilterWakeQueue = "detour-wake-filter"
	// OnFailure gets asynchronous invocations that were given up.
	OnFailure = "detour-dead"
)

// The conditions of a dead letter. The first two are Lambda's (Lambda Developer
// Guide, "Adding a destination"), the third is a redrive of SQS.
const (
	RetriesExhausted = "RetriesExhausted"
	EventAgeExceeded = "EventAgeExceeded"
	MaxReceives      = "MaxReceiveCountExceeded"
)

// DeadLetter is a message that was given up.
type DeadLetter struct {
	// Queue is the name of a dead-letter queue, such as OnFailure or WakeDeadQueue;
	// empty: there is none, and the event is lost.
	Queue string    `json:"queue"`
	At    time.Time `json:"at"`
	// Function is a function, or a rule that could not reach one.
	Function string      `json:"function"`
	Home     config.Home `json:"home"`
	// Condition is why it was given up; Attempts how often it was tried.
	Condition string `json:"condition"`
	Attempts  int    `json:"attempts"`
	// Body is the event, or the message's body.
	Body  string `json:"body"`
	Error string `json:"error,omitempty"`
}

// async is Lambda's queue of the asynchronous invocations of one function. It
// keeps no order, and delivers at least once.
type async struct {
	target
	keeper  sim.Timekeeper
	retries []time.Duration
	// maxAge is how old an event may become, and onFailure the queue that gets what
	// was given up.
	maxAge    time.Duration
	onFailure string
	// start runs fn beside the caller, until the server is closed.
	start func(fn func(context.Context))
	dead  func(DeadLetter)
}

// pending is one event on its way to the function.
type pending struct {
	payload  []byte
	cause    string
	accepted time.Time
	attempt  int
	// backOff is the next wait after a throttled attempt.
	backOff time.Duration
}

// send accepts an event; the caller does not learn what becomes of it.
func (a *async) send(payload []byte, cause string) {
	a.try(pending{payload: payload, cause: cause, accepted: a.keeper.Now(), attempt: 1, backOff: firstBackOff})
}

func (a *async) try(p pending) {
	a.start(func(ctx context.Context) {
		in, counts := a.invoke(ctx, p.payload, p.cause, p.attempt)
		if !counts {
			return
		}
		switch in.Result {
		case Succeeded:
		case Failed:
			if p.attempt > len(a.retries) {
				a.giveUp(p, in, RetriesExhausted)
				return
			}
			wait := a.retries[p.attempt-1]
			p.attempt++
			p.backOff = firstBackOff
			a.again(p, in, wait)
		default:
			wait := p.backOff
			p.backOff = min(2*p.backOff, longestBackOff)
			a.again(p, in, wait)
		}
	})
}

// again tries once more after the wait, unless the event is too old by then.
func (a *async) again(p pending, last Invocation, wait time.Duration) {
	due := a.keeper.Now().Add(wait)
	if due.Sub(p.accepted) > a.maxAge {
		a.giveUp(p, last, EventAgeExceeded)
		return
	}
	a.keeper.At(due, "retry "+a.name, func() { a.try(p) })
}

func (a *async) giveUp(p pending, last Invocation, condition string) {
	a.dead(DeadLetter{
		Queue: a.onFailure, At: a.keeper.Now(), Function: a.name, Home: a.home, Condition: condition,
		Attempts: last.Attempt, Body: string(p.payload), Error: last.Error,
	})
}
