package protection

import (
	"cmp"
	"time"
)

// RequestKind is the kind of an operator's request.
type RequestKind string

// The kinds of request, highest priority first (RFC 6378;
// RFC 4427).
const (
	// Freeze stops all route writes of the group.
	Freeze RequestKind = "freeze"
	// Lockout takes a path out of use.
	Lockout RequestKind = "lockout"
	// ForcedSwitch moves the group to a path until it is cleared.
	ForcedSwitch RequestKind = "forced-switch"
	// ManualSwitch moves the group to a path that is Up, until it is cleared or
	// a failure cancels it.
	ManualSwitch RequestKind = "manual-switch"
	// ManualSwitchToWorking is the switchback: a manual switch to the working
	// path, done once it is there.
	ManualSwitchToWorking RequestKind = "manual-switch-to-working"
	// Release ends a mass-failure hold and the contention of the group's entries.
	Release RequestKind = "release"
	// AdoptAnew takes what stands in the tables as the decision, as on first sight,
	// and forgets the earlier one. It is the answer to a restored backup, which
	// cannot be told from a current record. Nothing is written on that run.
	AdoptAnew RequestKind = "adopt"
	// FailbackAbort ends the authority of an open failback.
	FailbackAbort RequestKind = "failback-abort"
)

// Request is an operator's input to the decision. It stands until it is done,
// cancelled or cleared.
type Request struct {
	ID   string      `json:"id"`
	Kind RequestKind `json:"kind"`
	// Path is the target of a switch, or the path that a lockout takes out.
	Path string `json:"path,omitempty"`
	// Extent is how many units a manual switch moves; 0 means all.
	Extent int `json:"extent,omitempty"`
	// IgnoreHealth lets a forced switch stand on a path that is Down, for
	// Limits.IgnoreHealthFor from At.
	IgnoreHealth bool `json:"ignoreHealth,omitempty"`
	// Unproven lets a switch go to a path whose learned routes nothing proves: the
	// first unit alone, and the others once its routes show.
	Unproven bool `json:"unproven,omitempty"`
	// Immediate makes a freeze stop a change that is under way.
	Immediate bool `json:"immediate,omitempty"`
	// Lists are the prefix lists as the plan showed them that a switch was asked for
	// by. While one has another version, no move starts by the request.
	Lists []ListVersion `json:"lists,omitempty"`
	At    time.Time     `json:"at"`
	By    string        `json:"by"`
	Why   string        `json:"why,omitempty"`
}

// ListVersion is a version of a managed prefix list.
type ListVersion struct {
	// ID is the list's id, pl-….
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

// Compare orders versions by the list's id, then by number.
func (v ListVersion) Compare(other ListVersion) int {
	return cmp.Or(cmp.Compare(v.ID, other.ID), cmp.Compare(v.Version, other.Version))
}

// Compare orders requests by time, then by id.
func (r Request) Compare(other Request) int {
	return cmp.Or(r.At.Compare(other.At), cmp.Compare(r.ID, other.ID))
}

// Budget is what the blast radius leaves for automatic moves.
type Budget struct {
	// Remaining is how many more moves may start within the window.
	Remaining int
	// ReleasedAt is when an operator last released all mass-failure holds.
	ReleasedAt time.Time
}

// FreezeState is the freeze that stands over a group, global or its own.
type FreezeState struct {
	On        bool `json:"on,omitempty"`
	Immediate bool `json:"immediate,omitempty"`
}

// Ended says what became of a request that no longer stands.
type Ended struct {
	Request Request `json:"request"`
	Reason  Reason  `json:"reason"`
}
