package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"detour/events"
)

// Kind is which entry point a message is for.
type Kind int

// The kinds of message.
const (
	KindUnknown   Kind = iota
	KindEvent          // an EventBridge event: Decode
	KindSweep          // Detour's own schedule: Decode
	KindWakeBatch      // an SQS batch, hopefully of wake-ups: DecodeWake
	KindRehearsal      // Detour's other schedule: try the planned writes
	KindLogs           // a part of a CloudWatch log: DecodeLogs
)

// KindOf tells by the top-level keys which entry point a message is for. One Lambda function receives both events and
// batches. What is not a JSON object is KindUnknown; Decode says why.
func KindOf(raw []byte) Kind {
	var top map[string]json.RawMessage
	if len(raw) > maxBatchBytes || json.Unmarshal(raw, &top) != nil {
		return KindUnknown
	}
	var own events.Sweep
	switch {
	case top["source"] != nil:
		return KindEvent
	case top["Records"] != nil:
		return KindWakeBatch
	case top["awslogs"] != nil:
		return KindLogs
	case json.Unmarshal(raw, &own) != nil:
		return KindUnknown
	case own.Detour == events.KindSweep:
		return KindSweep
	case own.Detour == events.KindRehearse:
		return KindRehearsal
	default:
		return KindUnknown
	}
}

// Decode reads one EventBridge event, or the message of Detour's own schedule, and says what to look at. The error, if any,
// is always a *Drop.
//
// Only three things are required of an event: that it is a JSON object, that its source is a string, and that the source is
// one that Detour subscribes to (aws.networkmanager, aws.cloudwatch, aws.health, aws.ec2). Anything else that is missing, unknown or
// of a wrong shape makes the Look wider, not empty. A call that failed is dropped, since it changed nothing.
func Decode(raw []byte) (Look, error) {
	if len(raw) > events.MaxBytes {
		return Look{}, &Drop{DropOversized, fmt.Sprintf("%d bytes, EventBridge sends at most %d; look for another sender", len(raw), events.MaxBytes)}
	}
	var env events.Envelope
	err := json.Unmarshal(raw, &env)
	if _, partly := errors.AsType[*events.ShapeError](err); err != nil && !partly {
		return Look{}, &Drop{DropMalformed, fmt.Sprintf("no JSON: %v; look at how the sender cuts or encodes it", err)}
	}
	if env.Source == "" {
		return withoutSource(raw, err)
	}
	look := Look{
		EventID:    clean(env.ID),
		Source:     clean(env.Source),
		DetailType: clean(env.DetailType),
	}
	look.SentAt, _ = env.SentAt()
	switch env.Source {
	case events.SourceNetworkManager:
		networkManager(env, &look)
	case events.SourceCloudWatch:
		cloudWatch(env, &look)
	case events.SourceHealth:
		awsHealth(env, &look)
	case events.SourceEC2:
		if drop := apiCall(env, &look); drop != nil {
			return Look{}, drop
		}
	default:
		return Look{}, &Drop{DropForeignSource, fmt.Sprintf("source %q is not subscribed to; correct the rule that sends it here", look.Source)}
	}
	look.settle()
	return look, nil
}

// withoutSource judges a message that is no EventBridge event: our own sweep, or something to drop.
func withoutSource(raw []byte, shape error) (Look, error) {
	if shape != nil {
		return Look{}, &Drop{DropMalformed, fmt.Sprintf("no event: %v", withoutValue(shape))}
	}
	switch KindOf(raw) {
	case KindSweep:
		return Look{Everything: true, Why: WhySweep, WhyDetail: "the schedule asks for it"}, nil
	case KindRehearsal:
		return Look{}, &Drop{DropNotForUs, "a rehearsal, which is the sweep function's; correct the schedule that sends it here"}
	case KindLogs:
		return Look{}, &Drop{DropNotForUs, "a part of a log, not an event; decode it with DecodeLogs"}
	case KindWakeBatch:
		return Look{}, &Drop{DropNotForUs, "an SQS batch, not an event; decode it with DecodeWake"}
	default:
		return Look{}, &Drop{DropNotForUs, `neither the key "source" of an event nor "detour" of a sweep; correct what sends it here`}
	}
}

// withoutValue says which field of a message has a wrong shape, and not what stands there: in a message that came here by
// mistake that can be a secret.
func withoutValue(err error) error {
	shape, ok := errors.AsType[*events.ShapeError](err)
	switch {
	case !ok:
		return err
	case shape.Field == "":
		return fmt.Errorf("it is not %s; send one", shape.Want)
	default:
		return fmt.Errorf("field %q is not %s; send it as the schema of this message has it", shape.Field, shape.Want)
	}
}

// all widens the look to everything. The first reason stays.
func (l *Look) all(why, detail string, args ...any) {
	if l.Everything {
		return
	}
	l.Everything, l.Why, l.WhyDetail = true, why, fmt.Sprintf(detail, args...)
}

// settle sorts, removes doubles, and sees to it that the look is not empty.
func (l *Look) settle() {
	slices.SortFunc(l.Hints, Hint.Compare)
	l.Hints = slices.Compact(l.Hints)
	slices.Sort(l.Tables)
	l.Tables = slices.Compact(l.Tables)
	if len(l.Hints) == 0 && len(l.Tables) == 0 && len(l.Lists) == 0 && len(l.Connections) == 0 {
		l.all(WhyMissingKey, "the event names no resource")
	}
}

// clean makes a string of an event fit for a log: printable, and not longer than any honest one.
func clean(s string) string {
	const most = 256
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
