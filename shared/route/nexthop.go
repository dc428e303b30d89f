package route

import (
	"cmp"
	"fmt"
	"strings"
)

// NextHopKind says what sort of thing a route points to.
type NextHopKind string

// The kinds of next hop: every target that DescribeRouteTables and
// SearchTransitGatewayRoutes can return (EC2 API 2016-11-15, types Route and
// TransitGatewayRoute), Detour's two words that stand for no single target,
// and Unknown for a target that a later API version adds.
const (
	NoNextHop                 NextHopKind = ""
	TransitGatewayAttachment  NextHopKind = "transit-gateway-attachment"
	TransitGateway            NextHopKind = "transit-gateway"
	InternetGateway           NextHopKind = "internet-gateway"
	VPNGateway                NextHopKind = "vpn-gateway"
	VPCEndpoint               NextHopKind = "vpc-endpoint"
	NATGateway                NextHopKind = "nat-gateway"
	NetworkInterface          NextHopKind = "network-interface"
	Instance                  NextHopKind = "instance"
	VPCPeeringConnection      NextHopKind = "vpc-peering-connection"
	EgressOnlyInternetGateway NextHopKind = "egress-only-internet-gateway"
	LocalGateway              NextHopKind = "local-gateway"
	CarrierGateway            NextHopKind = "carrier-gateway"
	CoreNetwork               NextHopKind = "core-network"
	ODBNetwork                NextHopKind = "odb-network"
	IPAddress                 NextHopKind = "ip-address"
	Local                     NextHopKind = "local"
	Blackhole                 NextHopKind = "blackhole"
	Propagated                NextHopKind = "propagated"
	UnknownNextHop            NextHopKind = "unknown"
)

// NextHop is where a route points. ID is the AWS id, ARN or address of the
// target; it is empty for Local and Blackhole. A route that several
// attachments share (ECMP) carries their ids sorted and joined by commas.
// For Propagated, ID names the attachment whose learned route is expected.
type NextHop struct {
	Kind NextHopKind `json:"kind"`
	ID   string      `json:"id,omitempty"`
}

// markers maps the start of an AWS id to the kind of next hop that it names.
// Longer markers that share a start stand first. A marker without a kind starts
// ids that are no target of a route.
var markers = []struct { //nolint:gochecknoglobals // An immutable table; a function would rebuild it for every route read.
	start string
	kind  NextHopKind
}{
	{"tgw-attach-", TransitGatewayAttachment},
	{"tgw-rtb-", NoNextHop},
	{"tgw-", TransitGateway},
	{"eigw-", EgressOnlyInternetGateway},
	{"igw-", InternetGateway},
	{"vgw-", VPNGateway},
	{"vpce-", VPCEndpoint},
	{"nat-", NATGateway},
	{"eni-", NetworkInterface},
	{"i-", Instance},
	{"pcx-", VPCPeeringConnection},
	{"lgw-", LocalGateway},
	{"cagw-", CarrierGateway},
}

// propagatedMarker starts the form in which a propagated next hop is written.
const propagatedMarker = "propagated:"

// ParseNextHop reads the id of a route's target, or one of the words "local",
// "blackhole" and "propagated:ATTACHMENT-ID".
func ParseNextHop(text string) (NextHop, error) {
	switch {
	case text == string(Local):
		return NextHop{Kind: Local}, nil
	case text == string(Blackhole):
		return NextHop{Kind: Blackhole}, nil
	case strings.HasPrefix(text, propagatedMarker) && text != propagatedMarker:
		return NextHop{Kind: Propagated, ID: strings.TrimPrefix(text, propagatedMarker)}, nil
	}
	for _, marker := range markers {
		if !strings.HasPrefix(text, marker.start) {
			continue
		}
		if marker.kind == NoNextHop || text == marker.start {
			break
		}
		return NextHop{Kind: marker.kind, ID: text}, nil
	}
	return NextHop{}, fmt.Errorf("next hop %q is not an id that Detour knows: write for example tgw-attach-…, tgw-…, eni-…, vgw-…, blackhole or local", text)
}

// MustNextHop is ParseNextHop for constants and tests; it panics on text that
// does not parse.
func MustNextHop(text string) NextHop {
	hop, err := ParseNextHop(text)
	if err != nil {
		panic(err)
	}
	return hop
}

// IsZero reports whether there is no next hop: no route stands, or none is
// wanted.
func (h NextHop) IsZero() bool { return h.Kind == NoNextHop }

// String returns the form that ParseNextHop reads where there is one, and
// "none" for the zero value.
func (h NextHop) String() string {
	switch h.Kind {
	case NoNextHop:
		return "none"
	case Local, Blackhole:
		return string(h.Kind)
	case Propagated:
		return propagatedMarker + h.ID
	default:
		return h.ID
	}
}

// Compare orders next hops by kind, then by id.
func (h NextHop) Compare(other NextHop) int {
	if c := cmp.Compare(h.Kind, other.Kind); c != 0 {
		return c
	}
	return cmp.Compare(h.ID, other.ID)
}
