// Package awswake delivers wake-ups through an SQS queue: a message that
// becomes visible when the group is to be looked at again. It makes each call
// once.
package awswake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"detour/events"
	"detour/shared/controller"
)

// maxDelay is the longest delay of a message, in seconds (SQS API reference,
// SendMessage, DelaySeconds).
const maxDelay = 900

// Options are what a Queue needs beside its SDK configuration. All are required.
type Options struct {
	// QueueURL is the URL of a standard queue whose own delivery delay is 0: a
	// FIFO queue takes no delay per message, and a message that is due at once
	// gets the queue's.
	QueueURL string
	Clock    controller.Clock
	// CallTimeout bounds each call, credentials included.
	CallTimeout time.Duration
}

// Queue implements controller.Wake on an SQS queue. It may be used from several
// goroutines.
type Queue struct {
	api     *sqs.Client
	options Options
}

var _ controller.Wake = (*Queue)(nil)

// New returns the queue. The configuration must be of the queue's Region, and
// must not retry.
func New(config aws.Config, options Options) *Queue {
	return &Queue{api: sqs.NewFromConfig(config), options: options}
}

// At implements controller.Wake. The message says whom to look at and carries
// no state, so one that comes late or twice does no harm. SQS delivers at least
// once, and not before the delay is over: it is rounded up to whole seconds.
//
// A time more than 15 minutes away is cut to 15 minutes. The controller asks for
// none further ahead, since it keeps what it has asked for.
func (q *Queue) At(ctx context.Context, key controller.Key, at time.Time) error {
	if err := q.send(ctx, key, at); err != nil {
		return fmt.Errorf("asking queue %s for a wake-up of %q at %s: %w", q.options.QueueURL, key, at.UTC().Format(time.RFC3339), err)
	}
	return nil
}

func (q *Queue) send(ctx context.Context, key controller.Key, at time.Time) error {
	body, err := json.Marshal(events.WakeUp{Detour: events.KindWakeUp, Key: string(key)})
	if err != nil {
		return err
	}
	ctx, cancel := q.options.Clock.Timeout(ctx, q.options.CallTimeout)
	defer cancel()
	_, err = q.api.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:     aws.String(q.options.QueueURL),
		MessageBody:  aws.String(string(body)),
		DelaySeconds: delay(q.options.Clock.Now(), at),
	})
	// The error of a call whose time ran out says so, whatever the transport made of it.
	if over := ctx.Err(); err != nil && over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return err
}

// delay is the time until at in whole seconds, rounded up lest the run comes
// just before its deadline: from 0, also for what is past, to maxDelay.
func delay(now, at time.Time) int32 {
	left := at.Sub(now)
	if left <= 0 {
		return 0
	}
	seconds := (left-1)/time.Second + 1 // No overflow, however far away at is.
	if seconds > maxDelay {
		return maxDelay
	}
	return int32(seconds)
}
