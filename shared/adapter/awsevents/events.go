// Package awsevents publishes Detour's own events on an EventBridge bus. It
// makes each call once. What is published, and what those who subscribe may
// count on, is in docs/events.md.
package awsevents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"detour/events"
	"detour/shared/controller"
)

// ErrRefused says that EventBridge answered the call and did not take the event.
var ErrRefused = errors.New("EventBridge refused the event")

// Options are what a Publisher needs beside its SDK configuration.
type Options struct {
	// Bus is the name or the ARN of the event bus; empty: the default bus of the
	// account and Region.
	Bus string
	// Clock is required.
	Clock controller.Clock
	// CallTimeout bounds each call, credentials included. Required.
	CallTimeout time.Duration
}

// Publisher implements controller.Publisher on EventBridge. It may be used from
// several goroutines.
type Publisher struct {
	api     *eventbridge.Client
	options Options
}

var _ controller.Publisher = (*Publisher)(nil)

// New returns the publisher. The configuration must be of the bus's Region, and
// must not retry.
func New(config aws.Config, options Options) *Publisher {
	return &Publisher{api: eventbridge.NewFromConfig(config), options: options}
}

// Publish implements controller.Publisher, with one call for one event. The
// error is ErrRefused, with EventBridge's code and message, if the call
// succeeded and the entry did not (EventBridge API reference, PutEvents).
func (p *Publisher) Publish(ctx context.Context, event controller.Event) error {
	if err := p.put(ctx, event); err != nil {
		return fmt.Errorf("publishing %q of %s on bus %q: %w", event.Kind, about(event), p.options.Bus, err)
	}
	return nil
}

func (p *Publisher) put(ctx context.Context, event controller.Event) error {
	detail, err := json.Marshal(own(event))
	if err != nil {
		return err
	}
	entry := types.PutEventsRequestEntry{
		Source:     aws.String(events.SourceDetour),
		DetailType: aws.String(string(event.Kind)),
		Detail:     aws.String(string(detail)),
		Time:       aws.Time(event.At),
	}
	if p.options.Bus != "" {
		entry.EventBusName = aws.String(p.options.Bus)
	}
	ctx, cancel := p.options.Clock.Timeout(ctx, p.options.CallTimeout)
	defer cancel()
	answer, err := p.api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry}})
	switch over := ctx.Err(); {
	case err == nil:
		return refusal(answer)
	case over != nil && !errors.Is(err, over):
		// The error of a call whose time ran out says so, whatever the transport made of it.
		return fmt.Errorf("%w: %w", over, err)
	default:
		return err
	}
}

// refusal is what EventBridge says against an entry of a call that succeeded.
func refusal(answer *eventbridge.PutEventsOutput) error {
	if answer.FailedEntryCount == 0 {
		return nil
	}
	for _, entry := range answer.Entries {
		if code := aws.ToString(entry.ErrorCode); code != "" {
			return fmt.Errorf("%w: %s: %s", ErrRefused, code, aws.ToString(entry.ErrorMessage))
		}
	}
	return fmt.Errorf("%w, and gave no code", ErrRefused)
}

// about names what the event is about.
func about(event controller.Event) string {
	if event.Filter != "" {
		return "filter " + event.Filter
	}
	return "group " + event.Group
}

// own is the event as it goes on the wire.
func own(event controller.Event) events.Own {
	out := events.Own{Version: events.OwnVersion, Kind: string(event.Kind), Group: event.Group, At: event.At.UTC(), Detail: event.Detail}
	if event.Filter != "" {
		v := event.Verdict
		out.Filter, out.Table, out.Destination, out.Attachment = event.Filter, v.Table.ID, v.Destination.String(), v.Attachment
		out.Action, out.Reason = string(v.Action), string(v.Reason)
		for _, n := range v.Why.Announcers {
			out.Announcers = append(out.Announcers, n.Attachment)
		}
		if !v.Why.TookOver.IsZero() {
			out.TookOver = v.Why.TookOver.String()
		}
		return out
	}
	d := event.Decision
	out.From, out.To, out.Extent, out.Epoch = d.From, d.To, int64(d.Extent), d.Epoch
	out.Action, out.Reason = string(d.Action), string(d.Reason)
	return out
}
