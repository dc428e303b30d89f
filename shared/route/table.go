package route

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// TableKind tells the two kinds of route table apart.
type TableKind string

// The kinds of route table.
const (
	TransitGatewayTable TableKind = "transit-gateway"
	VPCTable            TableKind = "vpc"
)

// Table names one route table: its kind, its AWS id, and the account (12
// digits) and Region that own it. Tables are comparable with ==.
type Table struct {
	Kind    TableKind `json:"kind"`
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
}

// KindOfTable reads the kind from an id: tgw-rtb-… or rtb-….
func KindOfTable(id string) (TableKind, error) {
	switch {
	case strings.HasPrefix(id, "tgw-rtb-"):
		return TransitGatewayTable, nil
	case strings.HasPrefix(id, "rtb-"):
		return VPCTable, nil
	default:
		return "", fmt.Errorf("route table %q has an id of neither kind: write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table", id)
	}
}

// String returns the table's id, which is unique in AWS.
func (t Table) String() string { return t.ID }

// Compare orders tables by kind, account, Region and id.
func (t Table) Compare(other Table) int {
	return cmp.Or(
		cmp.Compare(t.Kind, other.Kind),
		cmp.Compare(t.Account, other.Account),
		cmp.Compare(t.Region, other.Region),
		cmp.Compare(t.ID, other.ID),
	)
}

// Origin says how a route came into its table. It belongs to a route's key,
// beside table and destination, because a VPC table can hold a static and a
// propagated route to the same block. A TGW table shows the one that won.
type Origin string

// The origins of a route.
const (
	// OriginStatic is a route that an API call created.
	OriginStatic Origin = "static"
	// OriginPropagated is a route that an attachment or a gateway taught.
	OriginPropagated Origin = "propagated"
	// OriginLocal is the VPC's own route, made with the table.
	OriginLocal Origin = "local"
	// OriginPrefixListReference is a TGW route that a prefix list reference
	// made; EC2 shows it with type propagated and a prefix list id.
	OriginPrefixListReference Origin = "prefix-list-reference"
)

// State is a route's state as EC2 reports it. EC2 has further states (pending,
// deleting, deleted, filtered); they are carried through unchanged.
type State string

// The two states that have a meaning here.
const (
	// StateActive says that the target exists. It does not say that anything
	// behind the target is alive.
	StateActive State = "active"
	// StateBlackhole says that traffic to the destination is dropped.
	StateBlackhole State = "blackhole"
)

// Route is one entry of a table.
type Route struct {
	Table       Table       `json:"table"`
	Destination Destination `json:"destination"`
	NextHop     NextHop     `json:"nextHop"`
	Origin      Origin      `json:"origin"`
	State       State       `json:"state"`
	// List is the id of the prefix list whose reference made the route; empty where
	// the origin is another.
	List string `json:"list,omitempty"`
}

// Compare orders routes by table, destination, origin and next hop.
func (r Route) Compare(other Route) int {
	return cmp.Or(
		r.Table.Compare(other.Table),
		r.Destination.Compare(other.Destination),
		cmp.Compare(r.Origin, other.Origin),
		r.NextHop.Compare(other.NextHop),
	)
}

// Problem says why something could not be read or was not read whole. The zero
// value is no problem.
type Problem string

// The problems of a read.
const (
	NoProblem        Problem = ""
	ProblemThrottled Problem = "throttled"
	ProblemDenied    Problem = "denied"
	ProblemTimeout   Problem = "timeout"
	ProblemGone      Problem = "gone"
	ProblemMalformed Problem = "malformed"
)

// Reading is one reading of one table. StartedAt is taken before the first
// call of the reading is sent, so every change that was visible then is in it,
// as far as EC2's eventual consistency allows. A reading that is not Complete
// may be shown, but nothing may be written from it.
type Reading struct {
	Table     Table     `json:"table"`
	Routes    []Route   `json:"routes"`
	StartedAt time.Time `json:"startedAt"`
	Complete  bool      `json:"complete"`
	Problem   Problem   `json:"problem,omitempty"`
}

// Static returns the static route of the destination, if one stands. Prefix
// lists in a VPC table are static routes too.
func (r Reading) Static(destination Destination) (Route, bool) {
	for _, candidate := range r.Routes {
		if candidate.Destination == destination && candidate.Origin == OriginStatic {
			return candidate, true
		}
	}
	return Route{}, false
}
