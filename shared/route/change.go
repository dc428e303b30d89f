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
)

// Change is one API call, and what it presumes and leaves behind: Before is the
// next hop of the standing static route (zero: none stands), After the
// next hop that is wanted (zero: none, for OpDelete).
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

// String returns the change as a person would write it in a log.
func (c Change) String() string {
	return fmt.Sprintf("%s %s %s: %s -> %s", c.Op, c.Table, c.Destination, c.Before, c.After)
}

// Compare orders changes with deletes last, then by table and destination.
func (c Change) Compare(other Change) int {
	return cmp.Or(
		cmp.Compare(c.deleteRank(), other.deleteRank()),
		c.Table.Compare(other.Table),
		c.Destination.Compare(other.Destination),
	)
}

func (c Change) deleteRank() int {
	if c.Op == OpDelete {
		return 1
	}
	return 0
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
	Code    string  `json:"code,omitempty"`
	Message string  `json:"message,omitempty"`
}
