package route

import (
	"cmp"
	"fmt"
)

// Op is the API call that a change is made with.
type Op string

// The operations on a route. There is no operation that deletes and creates:
// that opens a gap in which the destination has no route.
const (
	OpCreate  Op = "create-route"
	OpReplace Op = "replace-route"
	OpDelete  Op = "delete-route"
	// OpEnablePropagation and OpDisablePropagation switch on and off that an
	// attachment teaches a transit gateway table what it learned: all routes of that
	// attachment, and none of another (EC2 API,
	// EnableTransitGatewayRouteTablePropagation and its Disable sibling).
	OpEnablePropagation  Op = "enable-propagation"
	OpDisablePropagation Op = "disable-propagation"
)

// Change is one API call, and what it presumes and leaves behind: Before is the
// next hop of the standing static route (zero: none stands), After the
// next hop that is wanted (zero: none, for OpDelete).
//
// A switch of a propagation has no destination. After is the propagated next hop
// of the attachment for OpEnablePropagation, and Before for OpDisablePropagation;
// the other one is zero.
type Change struct {
	Table       Table       `json:"table"`
	Destination Destination `json:"destination"`
	Op          Op          `json:"op"`
	Before      NextHop     `json:"before"`
	After       NextHop     `json:"after"`
	// ListVersion is the version of the prefix list that the change was planned
	// for; zero where the destination is a CIDR block.
	ListVersion int64 `json:"listVersion,omitempty"`
}

// SwitchPropagation returns the change that switches the attachment's propagation
// into the table on or off.
func SwitchPropagation(table Table, attachment string, on bool) Change {
	hop := NextHop{Kind: Propagated, ID: attachment}
	if on {
		return Change{Table: table, Op: OpEnablePropagation, After: hop}
	}
	return Change{Table: table, Op: OpDisablePropagation, Before: hop}
}

// Propagation returns the attachment whose propagation the change switches. ok is
// false for a change of a route.
func (c Change) Propagation() (attachment string, ok bool) {
	switch c.Op {
	case OpEnablePropagation:
		return c.After.ID, true
	case OpDisablePropagation:
		return c.Before.ID, true
	default:
		return "", false
	}
}

// String returns the change as a person would write it in a log.
func (c Change) String() string {
	if attachment, ok := c.Propagation(); ok {
		return fmt.Sprintf("%s %s %s", c.Op, c.Table, attachment)
	}
	return fmt.Sprintf("%s %s %s: %s -> %s", c.Op, c.Table, c.Destination, c.Before, c.After)
}

// Compare orders changes by Phase, then by table and destination, and switches
// of propagations by attachment.
func (c Change) Compare(other Change) int {
	mine, _ := c.Propagation()
	others, _ := other.Propagation()
	return cmp.Or(
		cmp.Compare(c.Phase(), other.Phase()),
		c.Table.Compare(other.Table),
		c.Destination.Compare(other.Destination),
		cmp.Compare(mine, others),
	)
}

// The phases of a list of changes, in order.
const (
	PhaseWrite   = iota // routes are created and replaced
	PhaseEnable         // propagations are switched on
	PhaseDisable        // propagations are switched off
	PhaseDelete         // routes are deleted
)

// Phase is when the change may be made among changes of its table. What adds a
// route comes before what takes one away, so that no destination is without a
// route on the way: statics stand before the propagation that they stand in for
// ends, and that propagation is back before they are deleted.
func (c Change) Phase() int {
	switch c.Op {
	case OpEnablePropagation:
		return PhaseEnable
	case OpDisablePropagation:
		return PhaseDisable
	case OpDelete:
		return PhaseDelete
	default:
		return PhaseWrite
	}
}

// Outcome says what became of a change.
type Outcome string

// The outcomes of a change.
const (
	// Applied: the call succeeded.
	Applied Outcome = "applied"
	// AlreadyInPlace: the call was not needed, or its effect stood already.
	AlreadyInPlace Outcome = "already-in-place"
	// PreconditionFailed: the table is not as it was read (the route exists
	// already, or is not there), so a new reading and a new plan are due. Where
	// the reading shows it all the same, that was not the reason.
	PreconditionFailed Outcome = "precondition-failed"
	// Denied: the credentials do not allow the call.
	Denied Outcome = "denied"
	// Throttled: the request bucket is empty.
	Throttled Outcome = "throttled"
	// Busy: the table takes one change at a time just now
	// (ConcurrentMutationLimitExceeded, IncorrectState).
	Busy Outcome = "busy"
	// Refused: EC2 does not take the change as it stands: its target or its table is
	// gone or does not fit (Gateway.NotAttached), or a limit is reached. It had no
	// effect, and will have none until somebody changes something else.
	Refused Outcome = "refused"
	// Failed: anything else, a call without an answer included; whether it took
	// effect is unknown.
	Failed Outcome = "failed"
	// Allowed: the call was a dry run, and would have been let through.
	Allowed Outcome = "allowed"
	// NotStarted: the call was not sent, because too little of the lease or of
	// the deadline was left.
	NotStarted Outcome = "not-started"
)

// Receipt is what became of one change. Code and Message are EC2's own words,
// for people; nothing branches on Message.
type Receipt struct {
	Change  Change  `json:"change"`
	Outcome Outcome `json:"outcome"`
	// Gone: it was Refused since the transit gateway attachment that it names does not
	// exist.
	Gone    bool   `json:"gone,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}
