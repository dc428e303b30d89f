package sim

import (
	"net/netip"
	"time"

	"detour/shared/route"
)

// Caller is who makes an API call: the account that its credentials name, the
// Region of the endpoint, and what the transport added.
type Caller struct {
	Account string
	Region  string
	Call    Call
	// DryRun asks a write to validate and then change nothing; the answer is
	// the error DryRunOperation where the write would have succeeded.
	DryRun bool
	// Bulk says that a read has neither ids nor filters nor a page length: some
	// actions have smaller buckets for that.
	Bulk bool
}

// APIError is an error answer of an AWS API: the HTTP status, the code with
// AWS's own casing, and the message.
type APIError struct {
	Status  int
	Code    string
	Message string
}

// Error implements error.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// TunnelView is one entry of VgwTelemetry.
type TunnelView struct {
	OutsideIP          string
	Up                 bool
	StatusMessage      string
	AcceptedRouteCount int
	LastStatusChange   time.Time
}

// VPNView is one VPN connection as DescribeVpnConnections shows it.
type VPNView struct {
	ID             string
	Name           string
	State          string
	TransitGateway string // empty where it ends on a virtual private gateway
	VPNGateway     string // empty where it ends on a transit gateway
	Routes         []netip.Prefix
	BGP            bool // dynamic routing
	Tunnels        []TunnelView
}

// AttachmentView is one attachment as DescribeTransitGatewayAttachments shows it.
type AttachmentView struct {
	ID              string
	Name            string
	TransitGateway  string
	OwnerAccount    string
	ResourceType    string // vpc, vpn, connect, peering, direct-connect-gateway
	ResourceID      string
	ResourceOwner   string
	State           string // available, …
	AssociatedTable string // empty when not associated
}

// TGWTableView is one table as DescribeTransitGatewayRouteTables shows it.
type TGWTableView struct {
	ID             string
	TransitGateway string
	State          string
}

// TGWRouteView is one visible route of a TGW table: the winner for its CIDR.
type TGWRouteView struct {
	Destination netip.Prefix
	Attachments []AttachmentRef // empty for a blackhole without a target, several with equal-cost multi-path
	Type        string          // static, propagated
	State       string          // active, blackhole
	// PrefixList is the list whose entry the route is; such a route is shown as
	// propagated (EC2 API, type TransitGatewayRoute).
	PrefixList string
}

// AttachmentRef names an attachment inside a route or an association.
type AttachmentRef struct {
	ID           string
	ResourceID   string
	ResourceType string
}

// VPCTableView is one table as DescribeRouteTables shows it.
type VPCTableView struct {
	ID   string
	VPC  string
	Main bool
	// Subnets are the ids of the subnets that are explicitly associated with it.
	Subnets []string
	// Propagating are the virtual private gateways that teach it routes.
	Propagating []string
	Routes      []VPCRouteView
}

// VPCRouteView is one entry of a VPC table; static and propagated entries of
// one destination coexist.
type VPCRouteView struct {
	Destination route.Destination
	Target      string // tgw-…, eni-…, local, …, as the writer named it
	// Interface and Instance are what an appliance is shown as, whichever of the
	// two Target is.
	Interface, Instance string
	Origin              string // CreateRouteTable, CreateRoute, EnableVgwRoutePropagation
	State               string // active, blackhole
}
