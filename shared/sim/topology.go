package sim

import "time"

// Topology is the description of a World at its start. It is what a topology or
// scenario file holds; the tags name the keys of that file. Ids are AWS ids.
type Topology struct {
	// Account and Region are the defaults of everything below that names none.
	Account string `json:"account,omitempty" yaml:"account,omitempty"`
	Region  string `json:"region,omitempty" yaml:"region,omitempty"`
	// GlobalNetworkAccount owns the Network Manager global network, to whose
	// default bus in us-west-2 all status events go. Default: Account.
	GlobalNetworkAccount string               `json:"globalNetworkAccount,omitempty" yaml:"globalNetworkAccount,omitempty"`
	TransitGateways      []TransitGatewaySpec `json:"transitGateways,omitempty" yaml:"transitGateways,omitempty"`
	VPCs                 []VPCSpec            `json:"vpcs,omitempty" yaml:"vpcs,omitempty"`
	VPNs                 []VPNSpec            `json:"vpns,omitempty" yaml:"vpns,omitempty"`
	Sites                []SiteSpec           `json:"sites,omitempty" yaml:"sites,omitempty"`
	Hosts                []HostSpec           `json:"hosts,omitempty" yaml:"hosts,omitempty"`
}

// TransitGatewaySpec is one transit gateway and its route tables.
type TransitGatewaySpec struct {
	ID      string                `json:"id" yaml:"id"`
	Name    string                `json:"name,omitempty" yaml:"name,omitempty"`
	Account string                `json:"account,omitempty" yaml:"account,omitempty"`
	Region  string                `json:"region,omitempty" yaml:"region,omitempty"`
	Tables  []TransitGatewayTable `json:"tables" yaml:"tables"`
}

// TransitGatewayTable is one TGW route table: which attachments look routes up
// in it (Associated), which teach it routes (Propagated), and its statics.
type TransitGatewayTable struct {
	ID         string      `json:"id" yaml:"id"`
	Associated []string    `json:"associated,omitempty" yaml:"associated,omitempty"`
	Propagated []string    `json:"propagated,omitempty" yaml:"propagated,omitempty"`
	Routes     []RouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// RouteSpec is a static route: a CIDR block and the id of its target, or the
// word blackhole (TGW tables only).
type RouteSpec struct {
	Destination string `json:"destination" yaml:"destination"`
	Target      string `json:"target" yaml:"target"`
}

// VPCSpec is one VPC with its route tables and TGW attachments. The first table
// is the main one. A VPC may be attached to several TGWs.
type VPCSpec struct {
	ID          string           `json:"id" yaml:"id"`
	Name        string           `json:"name,omitempty" yaml:"name,omitempty"`
	Account     string           `json:"account,omitempty" yaml:"account,omitempty"`
	Region      string           `json:"region,omitempty" yaml:"region,omitempty"`
	CIDRs       []string         `json:"cidrs" yaml:"cidrs"`
	Attachments []AttachmentSpec `json:"attachments,omitempty" yaml:"attachments,omitempty"`
	Tables      []VPCTableSpec   `json:"tables" yaml:"tables"`
}

// AttachmentSpec joins a VPC or a VPN connection to a transit gateway.
type AttachmentSpec struct {
	ID             string `json:"id" yaml:"id"`
	TransitGateway string `json:"transitGateway" yaml:"transitGateway"`
}

// VPCTableSpec is one VPC route table. Subnets are the CIDR blocks of the
// subnets that are explicitly associated with it; addresses in no listed subnet
// use the main table.
type VPCTableSpec struct {
	ID      string      `json:"id" yaml:"id"`
	Subnets []string    `json:"subnets,omitempty" yaml:"subnets,omitempty"`
	Routes  []RouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// VPNSpec is one static Site-to-Site VPN connection on a transit gateway, with
// its tunnels (two in AWS), and the site whose router is the other end. Account
// and Region follow the transit gateway.
type VPNSpec struct {
	ID         string         `json:"id" yaml:"id"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	Attachment AttachmentSpec `json:"attachment" yaml:"attachment"`
	Site       string         `json:"site" yaml:"site"`
	Tunnels    []TunnelSpec   `json:"tunnels" yaml:"tunnels"`
}

// TunnelSpec is one IPsec tunnel, named by its outside address on the AWS side.
type TunnelSpec struct {
	OutsideIP string `json:"outsideIp" yaml:"outsideIp"`
	// Down starts the tunnel truly down, and known to be down.
	Down bool `json:"down,omitempty" yaml:"down,omitempty"`
}

// SiteSpec is a place outside AWS with one customer router: the networks behind
// it, and its routes towards AWS. Each route names VPN connections, best first;
// the router uses the first that has a tunnel truly up (a floating static route
// with dead peer detection on the router's side).
type SiteSpec struct {
	Name     string          `json:"name" yaml:"name"`
	Networks []string        `json:"networks" yaml:"networks"`
	Routes   []SiteRouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// SiteRouteSpec is one route of a customer router.
type SiteRouteSpec struct {
	Destination string   `json:"destination" yaml:"destination"`
	Via         []string `json:"via" yaml:"via"`
}

// HostSpec is a host that the reachability check speaks from and to. In names a
// VPC id or a site.
type HostSpec struct {
	Name    string `json:"name" yaml:"name"`
	Address string `json:"address" yaml:"address"`
	In      string `json:"in" yaml:"in"`
}

// Options are the World's named switches and times. AWS publishes no value for
// most of them; the defaults are choices, not claims.
type Options struct {
	// DetectAfter is the time from a tunnel's true failure to AWS reporting it
	// (dead peer detection: 30 s at least). Default 30 s.
	DetectAfter time.Duration
	// RecoverAfter is the time from a tunnel's true recovery to AWS reporting it. Default 5 s.
	RecoverAfter time.Duration
	// TelemetryLag delays DescribeVpnConnections behind the status change. Default 0.
	TelemetryLag time.Duration
	// EventDelay delays a Network Manager event behind the status change. Default 2 s.
	EventDelay time.Duration
	// ReplaceMissingIsNotFound makes ReplaceRoute of a missing destination answer
	// InvalidRoute.NotFound instead of InvalidParameterValue. UNVERIFIED which
	// one AWS gives; Detour must handle both.
	ReplaceMissingIsNotFound bool
	// ReplaceTGWPropagatedFails makes ReplaceTransitGatewayRoute fail where a
	// propagated route is all that the CIDR has. UNVERIFIED; the default creates the static.
	ReplaceTGWPropagatedFails bool
	// DryRunBeforeValidation makes a dry run answer DryRunOperation before the
	// semantic checks instead of after them. UNVERIFIED which order AWS has.
	DryRunBeforeValidation bool
	// BlackholeOutlastsOutage keeps a static TGW route in state blackhole after
	// its VPN connection came back, until the route is replaced or deleted.
	// UNVERIFIED; the default lets the route return to active.
	BlackholeOutlastsOutage bool
	// VPCRouteQuota is the number of static routes that one VPC route table takes,
	// per address family. Default 500, as the VPC quotas page says; it can be raised to 1,000.
	VPCRouteQuota int
	// TransitGatewayRouteQuota is the number of routes that all tables of one
	// transit gateway hold together. Default 10,000 (transit gateway quotas).
	TransitGatewayRouteQuota int
}
