package filter

import (
	"time"

	"detour/shared/route"
)

// Reason says why a measure is, is not, or stays in force.
type Reason string

// The reasons where nothing stands in the way.
const (
	// ReasonNothingDenied: no denied route is in the table, and no measure is in force.
	ReasonNothingDenied Reason = "nothing-denied"
	// ReasonDenied: a denied route is announced.
	ReasonDenied Reason = "denied"
	// ReasonOverLimit: an attachment announces more than MaxPrefixes prefixes.
	ReasonOverLimit Reason = "too-many-prefixes"
	// ReasonPreset: the measure stands whether or not anything is announced.
	ReasonPreset Reason = "preset"
	// ReasonGone: the denied route is gone, for a shorter time than LiftAfter.
	ReasonGone Reason = "gone"
	// ReasonSuppressed: the denied route is gone, and it came and went too often to lift
	// the measure now.
	ReasonSuppressed Reason = "flapping"
	// ReasonUnobserved: whether the denied route is gone cannot be seen, since an
	// attachment that announced it has no observation table. An operator ends the measure.
	ReasonUnobserved Reason = "no-observation-table"
	// ReasonLifted: the measure ends.
	ReasonLifted Reason = "lifted"
	// ReasonReleased: the measure ends because an operator says so.
	ReasonReleased Reason = "released"
	// ReasonOutOfScope: the measure ends because the configuration no longer has it.
	ReasonOutOfScope Reason = "out-of-scope"
	// ReasonAttachmentGone: the measure ends because the attachment that it quarantines is
	// deleted, so that there is nothing to switch on again.
	ReasonAttachmentGone Reason = "attachment-gone"
	// ReasonForeign: a static route that is not ours stands in the place of the measure.
	// It is left alone, and hides the denied route meanwhile.
	ReasonForeign Reason = "foreign-static"
)

// The reasons that hold: nothing is written for the table or the measure.
const (
	// ReasonIncomplete: the table was not read whole.
	ReasonIncomplete Reason = "incomplete-reading"
	// ReasonNeighbors: the propagations or associations of the table were not read whole.
	ReasonNeighbors Reason = "incomplete-neighbors"
	// ReasonOutsides: the outside addresses of the tunnels, which default-like depends
	// on, were not read whole.
	ReasonOutsides Reason = "incomplete-outside-addresses"
	// ReasonObservation: the observation table was not read whole, or is none: another
	// attachment propagates into it, something is associated with it, or static routes
	// stand in it.
	ReasonObservation Reason = "observation-not-valid"
	// ReasonPermittedElsewhere: a blackhole would also drop the route of an attachment
	// that is permitted it.
	ReasonPermittedElsewhere Reason = "permitted-elsewhere"
	// ReasonAdvertised: a pin would be advertised to an attachment that is associated
	// with the table and speaks BGP, as far as is known.
	ReasonAdvertised Reason = "advertised-by-bgp"
	// ReasonECMP: a permitted prefix has several next hops at once, which no static route
	// can have.
	ReasonECMP Reason = "ecmp"
	// ReasonLoss: permitted prefixes would be lost, since the attachment takes no static
	// routes, or since a group moves them, and AcceptLoss is not set.
	ReasonLoss Reason = "loss-not-accepted"
	// ReasonUnsynced: what the attachment announces could not be followed once its
	// propagation is off, and AcceptLoss is not set.
	ReasonUnsynced Reason = "quarantine-unobserved"
	// ReasonNeverTouch: neverTouch covers what would be written.
	ReasonNeverTouch Reason = "never-touch"
	// ReasonDeclared: a group moves the destination in this table, so that each would undo
	// the other.
	ReasonDeclared Reason = "moved-by-group"
	// ReasonNoIPv6: the VPN connections of a virtual private gateway carry no IPv6, so
	// nothing is preset for it.
	ReasonNoIPv6 Reason = "no-ipv6-on-virtual-private-gateway"
	// ReasonEgressFamily: the egress does not carry the address family.
	ReasonEgressFamily Reason = "egress-of-other-family"
	// ReasonTableKind: a VPC table has neither blackholes nor propagations that could be
	// switched off for one attachment, and a table without an egress nothing to pin to.
	ReasonTableKind Reason = "not-in-this-table"
	// ReasonContended: somebody else undid the measure too often.
	ReasonContended Reason = "contended"
)

// Holds reports whether the reason stands in the way of a measure, or of its end.
func (r Reason) Holds() bool {
	switch r {
	case ReasonIncomplete, ReasonNeighbors, ReasonOutsides, ReasonObservation, ReasonPermittedElsewhere, ReasonAdvertised, ReasonECMP,
		ReasonLoss, ReasonUnsynced, ReasonNeverTouch, ReasonDeclared, ReasonNoIPv6, ReasonEgressFamily, ReasonTableKind, ReasonContended:
		return true
	default:
		return false
	}
}

// Pages reports whether a person has to look: the denied route stands, or could, and
// the filter cannot help it. Incomplete readings page by their repetition, as those
// of groups do.
func (r Reason) Pages() bool {
	switch r {
	case ReasonIncomplete, ReasonNeighbors, ReasonOutsides, ReasonNoIPv6:
		return false
	default:
		return r.Holds()
	}
}

// Verdict is what is decided about one measure, or about a table without any.
type Verdict struct {
	Key
	// Action is that of the measure; empty where the table as a whole is spoken about.
	Action Action `json:"action,omitempty"`
	Reason Reason `json:"reason"`
	// InForce: the measure is in force once the changes are made.
	InForce bool `json:"inForce,omitempty"`
	// New: it was not in force before.
	New bool    `json:"new,omitempty"`
	Why Finding `json:"why,omitzero"`
}

// Decision is the outcome of a run for one filter.
type Decision struct {
	Filter string
	// WouldBe: the filter observes. Changes are what would be made, and must not be
	// written; the Record is kept all the same, and claims nothing for ours.
	WouldBe bool
	// Verdicts are sorted by key, at least one for each table of the filter.
	Verdicts []Verdict
	// Changes are in the order in which they have to be made: creates and replaces, then
	// propagations switched on, then off, then deletes. A stage starts only when every
	// change of its table before it is in place; else the rest is for the next run.
	Changes []route.Change
	// Next is the earliest instant at which time alone changes the answer; zero: none.
	Next time.Time
	// Record is to be kept, and committed before the first change is made.
	Record Record
}

// Pages reports whether a verdict calls for a person.
func (d Decision) Pages() bool {
	for _, v := range d.Verdicts {
		if v.Reason.Pages() {
			return true
		}
	}
	return false
}
