package doctor

import (
	"cmp"
	"net/netip"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Snapshot is everything that an examination looks at, as it was read.
type Snapshot struct {
	// At is the instant that ages are told relative to, and evidence is judged at.
	At time.Time
	// Networks has one element for each account and Region that was looked at.
	Networks []Network
	// Readings are those of all route tables of the networks, and of all tables that
	// the groups and filters name. Around is what lies around the transit gateway tables.
	Readings []route.Reading
	Around   plan.Surroundings
	// Lists are the prefix lists that the groups' routes have as destinations.
	Lists []route.ListReading
	// Facts are what was read about the groups' paths.
	Facts  []health.Fact
	Groups []Group
	// Filters are those of the configuration.
	Filters []Filter
	Quotas  plan.Quotas
	// Never is what Detour must not write; it counts for the headroom.
	Never  plan.NeverTouch
	Events Events
}

// Network is what one account shows of its network in one Region.
type Network struct {
	Account string
	Region  string
	// ReadAt is when the first call was sent.
	ReadAt        time.Time
	Gateways      []Gateway
	GatewayTables []GatewayTable
	Attachments   []Attachment
	VPNs          []VPN
	Peers         []Peer
	VPCTables     []VPCTable
	// Unread are the parts that could not be read, and are therefore missing above.
	Unread []Unread
}

// Part is a part of what is read.
type Part string

// The parts of a Network, each read by one API.
const (
	PartGateways      Part = "transit gateways"
	PartGatewayTables Part = "transit gateway route tables"
	PartAttachments   Part = "transit gateway attachments"
	PartVPNs          Part = "VPN connections"
	PartPeers         Part = "Connect peers"
	PartVPCTables     Part = "VPC route tables"
)

// Unread is a part that could not be read, and why.
type Unread struct {
	Part    Part
	Problem route.Problem
	// Note is the error, for people.
	Note string
}

// Gateway is a transit gateway that the account owns. ASN is its own.
type Gateway struct {
	ID  string
	ASN int64
}

// GatewayTable is a route table of a transit gateway of the account.
type GatewayTable struct {
	Table          route.Table
	TransitGateway string
}

// Attachment is one side of a transit gateway attachment. Type and Resource are
// EC2's words; Owner is the account that owns the resource.
type Attachment struct {
	ID             string
	TransitGateway string
	Type           string
	Resource       string
	Owner          string
	State          string
}

// The resource types of attachments that are looked for (EC2 API,
// TransitGatewayAttachmentResourceType).
const (
	typeVPC     = "vpc"
	typeVPN     = "vpn"
	typeConnect = "connect"
)

// VPN is a Site-to-Site VPN connection, on a transit gateway or on a virtual private
// gateway.
type VPN struct {
	ID             string
	TransitGateway string
	VPNGateway     string
	// Static connections speak no BGP.
	Static  bool
	Tunnels []Tunnel
}

// Tunnel is a tunnel of a VPN connection by its outside address at AWS.
type Tunnel struct {
	Outside netip.Addr
	Up      bool
	// AcceptedRoutes is how many routes AWS takes from the tunnel's BGP session.
	AcceptedRoutes int
	ChangedAt      time.Time
	// Note is EC2's free text, for people.
	Note string
}

// Down reports whether the connection has tunnels, and none of them is UP.
func (v VPN) Down() bool {
	for _, tunnel := range v.Tunnels {
		if tunnel.Up {
			return false
		}
	}
	return len(v.Tunnels) > 0
}

// Peer is a Connect peer. Outside is the address of the GRE tunnel at AWS.
type Peer struct {
	ID         string
	Attachment string
	Outside    netip.Addr
	PeerASN    int64
	ASN        int64
	Sessions   []Session
}

// Session is one of the two BGP sessions of a Connect peer, by the transit gateway's
// address.
type Session struct {
	Address string
	Up      bool
}

// VPCTable is a route table of a VPC, and who uses it: Main, or Subnets of them. A
// table with neither carries nothing.
type VPCTable struct {
	Table   route.Table
	VPC     string
	Main    bool
	Subnets int
	// Propagating are the virtual private gateways that teach it routes.
	Propagating []string
}

func (t VPCTable) used() bool { return t.Main || t.Subnets > 0 }

// Group is a protection group with its record.
type Group struct {
	Group *protection.Group
	Pins  []plan.Pin
	// Record is what the record store has; zero where none stands. Unrecorded says why
	// it was not read; empty: it was.
	Record     protection.Record
	Unrecorded string
}

// Events is what Network Manager says of the transit gateways whose events it sends.
type Events struct {
	// Wanted is false where the configuration listens to no events, and nothing was
	// asked.
	Wanted bool
	// Account is the one that was asked.
	Account string
	ReadAt  time.Time
	// Networks are the global networks that were found.
	Networks      []string
	Registrations []Registration
	// Problem and Note say why the answer is not whole.
	Problem route.Problem
	Note    string
}

// Registration is a transit gateway that is registered with a global network. State
// is AVAILABLE where events come.
type Registration struct {
	GlobalNetwork  string
	TransitGateway string
	Account        string
	Region         string
	State          string
}

// Compare orders registrations by transit gateway and global network.
func (r Registration) Compare(other Registration) int {
	return cmp.Or(cmp.Compare(r.TransitGateway, other.TransitGateway), cmp.Compare(r.GlobalNetwork, other.GlobalNetwork))
}

// RegistrationAvailable is the state of a registration whose transit gateway sends
// events (Network Manager API, TransitGatewayRegistrationState).
const RegistrationAvailable = "AVAILABLE"

// ReadError is a read that failed, with why.
type ReadError struct {
	Problem route.Problem
	Err     error
}

// Error implements error.
func (e *ReadError) Error() string { return e.Err.Error() }

// Unwrap gives the error of the call.
func (e *ReadError) Unwrap() error { return e.Err }
