package events

import "time"

// The values of the key "detour" in the messages that Detour sends to itself.
const (
	KindWakeUp   = "wake-up"
	KindSweep    = "sweep"
	KindRehearse = "rehearse"
)

// SourceDetour is the source of the events that Detour publishes. EventBridge keeps the prefix "aws." for AWS's own.
const SourceDetour = "detour"

// OwnVersion is the version of the shape of Own. It rises when a key goes away or changes its meaning, and not when one
// is added.
const OwnVersion = 1

// WakeUp is the body of Detour's own delayed SQS message: look at one group or filter now. It carries no state, so that a
// late or doubled one does no harm.
type WakeUp struct {
	Detour string `json:"detour"`
	Key    string `json:"key"` // "group#NAME", "filter#NAME", "everything" or "every-filter", the key of the record
}

// UnmarshalJSON fills every field that it can and reports the others.
func (w *WakeUp) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&w.Detour, "detour")
	o.text(&w.Key, "key")
	return o.err()
}

// Sweep is the Input of Detour's own schedules: look at everything, or with KindRehearse try the planned writes (AWS page "Managing targets in EventBridge Scheduler":
// the Input is passed to the target as it is).
type Sweep struct {
	Detour string `json:"detour"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (s *Sweep) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&s.Detour, "detour")
	return o.err()
}

// Own is the detail of the events that Detour publishes. docs/events.md explains every key to those who subscribe.
type Own struct {
	// Version is OwnVersion.
	Version int64 `json:"version"`
	// Kind is what happened, and the same as the envelope's detail-type.
	Kind  string `json:"kind"`
	Group string `json:"group"`
	// At is when the event was made, in UTC and finer than the envelope's time, which has whole seconds.
	At time.Time `json:"at"`

	// From, To, Extent, Action, Reason and Epoch are the decision of the run that published: its first Extent units belong
	// to the path To, and the others to From.
	From   string `json:"from"`
	To     string `json:"to"`
	Extent int64  `json:"extent"`
	Action string `json:"action"`
	Reason string `json:"reason"`
	// Epoch numbers the group's moves, and only rises.
	Epoch int64 `json:"epoch"`

	// Filter is the filter that the event is about, in place of Group; From, To, Extent and Epoch are empty then. Action is
	// that of the measure, Reason why it is so.
	Filter string `json:"filter,omitempty"`
	// Table is the table of the measure. It acts upon Destination, or upon all that Attachment teaches.
	Table       string `json:"table,omitempty"`
	Destination string `json:"destination,omitempty"`
	Attachment  string `json:"attachment,omitempty"`
	// Announcers are the attachments that announce what is denied, TookOver the next hop that would lose its traffic to
	// them.
	Announcers []string `json:"announcers,omitempty"`
	TookOver   string   `json:"tookOver,omitempty"`

	// Detail is for people: its wording is no part of the shape.
	Detail string `json:"detail,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (e *Own) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.integer(&e.Version, "version")
	o.text(&e.Kind, "kind")
	o.text(&e.Group, "group")
	read(o, &e.At, "a time as RFC 3339 has it", "at")
	o.text(&e.From, "from")
	o.text(&e.To, "to")
	o.integer(&e.Extent, "extent")
	o.text(&e.Action, "action")
	o.text(&e.Reason, "reason")
	o.integer(&e.Epoch, "epoch")
	o.text(&e.Filter, "filter")
	o.text(&e.Table, "table")
	o.text(&e.Destination, "destination")
	o.text(&e.Attachment, "attachment")
	o.texts(&e.Announcers, "announcers")
	o.text(&e.TookOver, "tookOver")
	o.text(&e.Detail, "detail")
	return o.err()
}
