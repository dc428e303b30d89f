package filter

import (
	"cmp"
	"net/netip"

	"detour/shared/route"
)

// View is what one run read around one table of a filter.
type View struct {
	// Reading is the table itself.
	Reading route.Reading
	// Propagations are the attachments that teach the table routes. For a VPC table
	// they are its propagating virtual private gateways.
	Propagations Neighbors
	// Associations are the attachments whose traffic is routed by the table. A VPC table
	// has none, and is complete without.
	Associations Neighbors
	// Observed has an element for each observation table of the scope.
	Observed []Observed
	// Outside are the outside addresses of the tunnels that a learned route could cut
	// off.
	Outside Outsides
	// Logged are the announcements that a BGP log has just told of. They prove nothing
	// about the table; they say where a route of a virtual private gateway comes from.
	Logged []Logged
	// Gone are the attachments that do not exist, as EC2 said when something was to be
	// written to them.
	Gone []string
}

// Logged is one announcement of a BGP log.
type Logged struct {
	Prefix netip.Prefix
	// Connection is the VPN connection (vpn-…) that it came over.
	Connection string
}

// Neighbors is one reading of the attachments on one side of a table. What is not
// Complete says why, and proves nothing about an attachment that is not listed.
type Neighbors struct {
	List     []Neighbor
	Complete bool
	Problem  route.Problem
}

// Has reports whether the attachment is listed.
func (n Neighbors) Has(attachment string) bool {
	_, ok := n.find(attachment)
	return ok
}

func (n Neighbors) find(attachment string) (Neighbor, bool) {
	for _, neighbor := range n.List {
		if neighbor.Attachment == attachment {
			return neighbor, true
		}
	}
	return Neighbor{}, false
}

// Neighbor is an attachment beside a table.
type Neighbor struct {
	// Attachment is its id, tgw-attach-…; for a VPC table vgw-….
	Attachment string `json:"attachment"`
	// Type and Resource are EC2's words: the resource type (vpc, vpn, connect,
	// direct-connect-gateway, peering, …) and the id of the resource, such as vpn-…. A
	// virtual private gateway has the type vpn-gateway.
	Type     string `json:"type,omitempty"`
	Resource string `json:"resource,omitempty"`
	// BGP says whether the other side hears the routes of the associated table; empty
	// where it is not known, which counts as yes.
	BGP Speech `json:"bgp,omitempty"`
}

// Speech says whether a neighbor speaks BGP.
type Speech string

// What is known of a neighbor's speech. The zero value is that nothing is.
const (
	SpeaksBGP   Speech = "bgp"
	SpeaksNoBGP Speech = "static"
)

// The resource types with a meaning here (EC2 API, TransitGatewayAttachmentResourceType);
// TypeVPNGateway is Detour's own.
const (
	TypeVPC           = "vpc"
	TypeVPN           = "vpn"
	TypeConnect       = "connect"
	TypePeering       = "peering"
	TypeDirectConnect = "direct-connect-gateway"
	TypeVPNGateway    = "vpn-gateway"
)

// Compare orders neighbors by attachment, then by resource.
func (n Neighbor) Compare(other Neighbor) int {
	return cmp.Or(cmp.Compare(n.Attachment, other.Attachment), cmp.Compare(n.Type, other.Type),
		cmp.Compare(n.Resource, other.Resource), cmp.Compare(n.BGP, other.BGP))
}

// Observed is what one run read of one observation table.
type Observed struct {
	// Attachment is the one that alone should feed the table.
	Attachment   string
	Reading      route.Reading
	Propagations Neighbors
	Associations Neighbors
}

// Outsides is one reading of the outside addresses of tunnels.
type Outsides struct {
	List     []Outside
	Complete bool
	Problem  route.Problem
}

// Outside is the outside address of a tunnel: of IPsec, or of the GRE of a Connect
// peer.
type Outside struct {
	Address netip.Addr `json:"address"`
	// Resource is the VPN connection (vpn-…) or the Connect peer (tgw-connect-peer-…).
	Resource string `json:"resource"`
	// CustomerGateway is the customer gateway of a VPN connection (cgw-…), as far as it
	// is known.
	CustomerGateway string `json:"customerGateway,omitempty"`
	// Gateway is the virtual private gateway that a VPN connection ends on (vgw-…);
	// empty where it is none.
	Gateway string `json:"gateway,omitempty"`
}

// Compare orders outside addresses by address, then by resource.
func (o Outside) Compare(other Outside) int {
	return cmp.Or(o.Address.Compare(other.Address), cmp.Compare(o.Resource, other.Resource),
		cmp.Compare(o.CustomerGateway, other.CustomerGateway), cmp.Compare(o.Gateway, other.Gateway))
}
