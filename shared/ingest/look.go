package ingest

import (
	"fmt"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// Look is what to look at because of one event. Either Everything is true, or there is at least one hint, table, list or
// connection.
type Look struct {
	// Hints are the resources that the event names, sorted. With Everything they still say what to look at first, and
	// nothing more.
	Hints []Hint
	// Tables are the ids of the route tables that a routing update or a call names, sorted.
	Tables []string
	// Destination narrows Tables to the entries for it; zero: anything in them may have changed.
	Destination route.Destination
	// Lists are the ids of the managed prefix lists that a call names.
	Lists []string
	// Routes are the routes that came or went as the message says, in its order, no more of them than a look needs. They
	// only say what is urgent; nothing is decided from them.
	Routes []RouteHint
	// RoutesUnknown: the message speaks of routes that are not in Routes, since they cannot be read or are too many.
	RoutesUnknown bool
	// Connections are the ids of the VPN connections whose BGP log the message is from, sorted.
	Connections []string
	// Writer is who made the call that the event tells of, if it tells of one.
	Writer Writer
	// Everything asks for a sweep.
	Everything bool
	// Why is the reason for Everything: one of the Why constants, or "" without it.
	Why string
	// WhyDetail is Why for people: the field and the value.
	WhyDetail string

	EventID    string
	Source     string
	DetailType string
	// ChangeType is Network Manager's, normalized: upper case, with hyphens. For an alarm it is the value of its state, for a
	// Health event the event type code, for a call the action.
	ChangeType string
	// SentAt is the envelope's time: zero if it has none, or no date. It does not order events.
	SentAt time.Time
}

// The reasons for looking at everything.
const (
	WhySweep             = "sweep"               // the schedule asked for it
	WhyUnknownDetailType = "unknown-detail-type" // a kind of event that this version does not know
	WhyUnknownChangeType = "unknown-change-type" // a change that this version does not know
	WhyUnknownService    = "unknown-service"     // a Health event about something other than VPN, or a call of another service
	WhyMissingKey        = "missing-key"         // a key that should be there is not, or has another shape
	WhyCloudWAN          = "cloud-wan-shape"     // it names resources of a core network only; see the comment at connectPeer
	WhyTopology          = "topology-change"     // the network itself changed, and no VPN connection is named
)

// Hint is one resource to look at.
type Hint struct {
	Subject health.Subject
	// Part is the address that the event names within the subject, or "": a tunnel's outside address, or the address that it
	// gives for a Connect peer (UNVERIFIED: whether that tells the two BGP sessions of a peer apart).
	Part      string
	Direction Direction
}

// Direction is what the event claims to have happened. It is never acted on: it is there to see whether the reading agrees.
type Direction int

// The directions.
const (
	DirectionUnknown Direction = iota
	DirectionDown
	DirectionUp
)

// String returns "unknown", "down" or "up".
func (d Direction) String() string {
	switch d {
	case DirectionDown:
		return "down"
	case DirectionUp:
		return "up"
	default:
		return "unknown"
	}
}

// DropReason says why something that arrived is not looked at.
type DropReason string

// The reasons for a drop. None of them goes away by trying again.
const (
	DropMalformed     DropReason = "malformed"      // no JSON, or a required field of a wrong shape
	DropOversized     DropReason = "oversized"      // larger than the service could have sent
	DropForeignSource DropReason = "foreign-source" // an event of a source that Detour has not subscribed to
	DropNotForUs      DropReason = "not-for-us"     // neither an event nor a message of Detour's for this entry point
	DropNoEffect      DropReason = "no-effect"      // a call that failed
)

// Drop says that something that arrived cannot be looked at.
type Drop struct {
	Reason DropReason
	Detail string
}

// Error gives the reason and the detail.
func (d *Drop) Error() string { return fmt.Sprintf("dropping the message: %s: %s", d.Reason, d.Detail) }
