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
	VPNGateways          []VPNGatewaySpec     `json:"vpnGateways,omitempty" yaml:"vpnGateways,omitempty"`
	VPNs                 []VPNSpec            `json:"vpns,omitempty" yaml:"vpns,omitempty"`
	Appliances           []ApplianceSpec      `json:"appliances,omitempty" yaml:"appliances,omitempty"`
	Connects             []ConnectSpec        `json:"connects,omitempty" yaml:"connects,omitempty"`
	Peerings             []PeeringSpec        `json:"peerings,omitempty" yaml:"peerings,omitempty"`
	DirectConnects       []DirectConnectSpec  `json:"directConnects,omitempty" yaml:"directConnects,omitempty"`
	PrefixLists          []PrefixListSpec     `json:"prefixLists,omitempty" yaml:"prefixLists,omitempty"`
	Alarms               []AlarmSpec          `json:"alarms,omitempty" yaml:"alarms,omitempty"`
	Sites                []SiteSpec           `json:"sites,omitempty" yaml:"sites,omitempty"`
	Hosts                []HostSpec           `json:"hosts,omitempty" yaml:"hosts,omitempty"`
}

// TransitGatewaySpec is one transit gateway and its route tables.
type TransitGatewaySpec struct {
	ID      string `json:"id" yaml:"id"`
	Name    string `json:"name,omitempty" yaml:"name,omitempty"`
	Account string `json:"account,omitempty" yaml:"account,omitempty"`
	Region  string `json:"region,omitempty" yaml:"region,omitempty"`
	// ASN is that of the Amazon side of BGP sessions; 64512 by default (EC2 API).
	ASN int `json:"asn,omitempty" yaml:"asn,omitempty"`
	// VPNECMPSupport is enable or disable; enable by default (EC2 API).
	VPNECMPSupport string                `json:"vpnEcmpSupport,omitempty" yaml:"vpnEcmpSupport,omitempty"`
	Tables         []TransitGatewayTable `json:"tables" yaml:"tables"`
	// Unregistered leaves the transit gateway out of the global network, so that
	// Network Manager sends no events about it.
	Unregistered bool `json:"unregistered,omitempty" yaml:"unregistered,omitempty"`
}

// TransitGatewayTable is one TGW route table: which attachments look routes up
// in it (Associated), which teach it routes (Propagated), and its statics.
type TransitGatewayTable struct {
	ID         string   `json:"id" yaml:"id"`
	Associated []string `json:"associated,omitempty" yaml:"associated,omitempty"`
	Propagated []string `json:"propagated,omitempty" yaml:"propagated,omitempty"`
	// Routes are its statics; one with a prefix list as destination is a prefix
	// list reference.
	Routes []RouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// RouteSpec is a static route: a CIDR block or a prefix list id, and the id of
// its target or the word blackhole (TGW tables only).
type RouteSpec struct {
	Destination string `json:"destination" yaml:"destination"`
	Target      string `json:"target" yaml:"target"`
}

// VPCSpec is one VPC with its route tables and TGW attachments. The first table
// is the main one; it also leads on what comes from a transit gateway. A VPC may
// be attached to several TGWs.
type VPCSpec struct {
	ID          string           `json:"id" yaml:"id"`
	Name        string           `json:"name,omitempty" yaml:"name,omitempty"`
	Account     string           `json:"account,omitempty" yaml:"account,omitempty"`
	Region      string           `json:"region,omitempty" yaml:"region,omitempty"`
	CIDRs       []string         `json:"cidrs" yaml:"cidrs"`
	Attachments []AttachmentSpec `json:"attachments,omitempty" yaml:"attachments,omitempty"`
	Tables      []VPCTableSpec   `json:"tables" yaml:"tables"`
}

// AttachmentSpec joins a VPC, a VPN connection, a Connect or Direct Connect
// gateway's attachment or another transit gateway to a transit gateway.
type AttachmentSpec struct {
	ID             string `json:"id" yaml:"id"`
	TransitGateway string `json:"transitGateway" yaml:"transitGateway"`
}

// VPCTableSpec is one VPC route table. Subnets are the CIDR blocks of the
// subnets that are explicitly associated with it; addresses in no listed subnet
// use the main table.
type VPCTableSpec struct {
	ID      string   `json:"id" yaml:"id"`
	Subnets []string `json:"subnets,omitempty" yaml:"subnets,omitempty"`
	// Propagated are the virtual private gateways that teach the table routes.
	Propagated []string    `json:"propagated,omitempty" yaml:"propagated,omitempty"`
	Routes     []RouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
}

// VPNGatewaySpec is a virtual private gateway that is attached to a VPC, whose
// account and Region it shares.
type VPNGatewaySpec struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	VPC  string `json:"vpc" yaml:"vpc"`
	// ASN is that of the Amazon side of BGP sessions; 64512 by default (EC2 API,
	// CreateVpnGateway).
	ASN int `json:"asn,omitempty" yaml:"asn,omitempty"`
}

// ApplianceSpec is a router instance in a VPC, with one network interface. It
// forwards what the VPC's routes send to the interface: to the site over a line
// of its own, and from the site into the VPC; without a site, by the table of its
// own subnet. A site route can name the interface in via. Account and Region follow the VPC.
type ApplianceSpec struct {
	Instance  string `json:"instance" yaml:"instance"`
	Interface string `json:"interface" yaml:"interface"`
	Name      string `json:"name,omitempty" yaml:"name,omitempty"`
	VPC       string `json:"vpc" yaml:"vpc"`
	Address   string `json:"address" yaml:"address"`
	Site      string `json:"site,omitempty" yaml:"site,omitempty"`
	// Peer is the interface of the other router of a pair, to which this one
	// forwards while its own line is down (iBGP inside the site).
	Peer string `json:"peer,omitempty" yaml:"peer,omitempty"`
	// SourceDestCheck starts the interface with the check on: AWS drops what the
	// appliance forwards.
	SourceDestCheck bool `json:"sourceDestCheck,omitempty" yaml:"sourceDestCheck,omitempty"`
	// Stopped starts the instance stopped.
	Stopped bool `json:"stopped,omitempty" yaml:"stopped,omitempty"`
}

// ConnectSpec is a Connect attachment with its peers. Announces are the CIDR
// blocks that all of its peers announce while a session is up, in a way that AWS
// takes; they are taught to the tables that the attachment propagates into. Site
// is what lies behind.
type ConnectSpec struct {
	Attachment AttachmentSpec `json:"attachment" yaml:"attachment"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	// Transport is the VPC or Direct Connect attachment that carries the GRE.
	Transport string            `json:"transport" yaml:"transport"`
	Site      string            `json:"site" yaml:"site"`
	Announces []string          `json:"announces,omitempty" yaml:"announces,omitempty"`
	Peers     []ConnectPeerSpec `json:"peers" yaml:"peers"`
}

// ConnectPeerSpec is one Connect peer: a GRE tunnel with two BGP sessions.
type ConnectPeerSpec struct {
	ID                    string `json:"id" yaml:"id"`
	PeerAddress           string `json:"peerAddress" yaml:"peerAddress"`
	TransitGatewayAddress string `json:"transitGatewayAddress" yaml:"transitGatewayAddress"`
	// InsideCIDR is the /29 of the BGP addresses: the peer has the first host
	// address, the transit gateway the second and the third.
	InsideCIDR string `json:"insideCidr" yaml:"insideCidr"`
	// PeerASN is that of the peer; by default the transit gateway's, which makes the
	// sessions iBGP (EC2 API, CreateTransitGatewayConnectPeer).
	PeerASN int `json:"peerAsn,omitempty" yaml:"peerAsn,omitempty"`
	// Announces is what this peer announces, besides what the attachment and the
	// site say.
	Announces []AnnouncementSpec `json:"announces,omitempty" yaml:"announces,omitempty"`
	// Down starts both sessions down, and known to be down.
	Down bool `json:"down,omitempty" yaml:"down,omitempty"`
}

// PeeringSpec is a peering attachment between two transit gateways. Both sides
// show it with the same id. Routes over it are static.
type PeeringSpec struct {
	Attachment AttachmentSpec `json:"attachment" yaml:"attachment"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	// Peer is the other transit gateway; PeerTable is its route table that the
	// attachment is associated with there.
	Peer      string `json:"peer" yaml:"peer"`
	PeerTable string `json:"peerTable,omitempty" yaml:"peerTable,omitempty"`
}

// AnnouncementSpec is one route that a router announces over BGP, with its
// attributes.
type AnnouncementSpec struct {
	Prefix string `json:"prefix" yaml:"prefix"`
	// ASPath is the AS_PATH before the router sends the route, nearest first: over
	// eBGP the router puts its own ASN before it. Over iBGP an empty one is what the
	// router originates, and AWS does not take it.
	ASPath []int `json:"asPath,omitempty" yaml:"asPath,omitempty"`
	// MED is left out for none.
	MED *int `json:"med,omitempty" yaml:"med,omitempty"`
	// NextHopSelf says that the next hop is the router. It counts over iBGP only.
	NextHopSelf bool `json:"nextHopSelf,omitempty" yaml:"nextHopSelf,omitempty"`
}

// DirectConnectSpec is the attachment of a Direct Connect gateway, and the site
// behind it. Announces are the CIDR blocks that it teaches while it is up, in a
// way that AWS takes; Routes are such with attributes. With VPNGateway in place of
// Attachment and Gateway it is a private virtual interface, ID, on that virtual
// private gateway.
type DirectConnectSpec struct {
	Attachment AttachmentSpec `json:"attachment,omitzero" yaml:"attachment,omitempty"`
	ID         string         `json:"id,omitempty" yaml:"id,omitempty"`
	VPNGateway string         `json:"vpnGateway,omitempty" yaml:"vpnGateway,omitempty"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	// Gateway is the Direct Connect gateway's id, a UUID.
	Gateway   string   `json:"gateway,omitempty" yaml:"gateway,omitempty"`
	Site      string   `json:"site" yaml:"site"`
	Announces []string `json:"announces,omitempty" yaml:"announces,omitempty"`
	Down      bool     `json:"down,omitempty" yaml:"down,omitempty"`

	Routes []AnnouncementSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
	// ASN is that of the router; the site's by default.
	ASN int `json:"asn,omitempty" yaml:"asn,omitempty"`
	// GatewayASN is that of the Direct Connect gateway; 64512 by default.
	GatewayASN int `json:"gatewayAsn,omitempty" yaml:"gatewayAsn,omitempty"`
	// AllowedPrefixes is what the gateway advertises to the site, whatever the tables
	// hold (Direct Connect guide).
	AllowedPrefixes []string `json:"allowedPrefixes,omitempty" yaml:"allowedPrefixes,omitempty"`
}

// Link is the id by which site routes and verbs name the line.
func (d DirectConnectSpec) Link() string {
	if d.VPNGateway != "" {
		return d.ID
	}
	return d.Attachment.ID
}

// PrefixListSpec is a customer-managed prefix list. It is seen by its owner and
// by the accounts that it is shared with, in its Region.
type PrefixListSpec struct {
	ID         string   `json:"id" yaml:"id"`
	Name       string   `json:"name,omitempty" yaml:"name,omitempty"`
	Account    string   `json:"account,omitempty" yaml:"account,omitempty"`
	Region     string   `json:"region,omitempty" yaml:"region,omitempty"`
	Shared     []string `json:"shared,omitempty" yaml:"shared,omitempty"`
	MaxEntries int      `json:"maxEntries" yaml:"maxEntries"`
	Entries    []string `json:"entries" yaml:"entries"`
	// IPAM says that an IPAM resolver keeps the list in sync.
	IPAM bool `json:"ipam,omitempty" yaml:"ipam,omitempty"`
}

// AlarmSpec is a CloudWatch alarm. It follows one thing that is true of the
// network, or stands as it is set (World.SetAlarm).
type AlarmSpec struct {
	Name    string `json:"name" yaml:"name"`
	Account string `json:"account,omitempty" yaml:"account,omitempty"`
	Region  string `json:"region,omitempty" yaml:"region,omitempty"`
	// State is the state at the start of an alarm that follows nothing: OK, ALARM
	// or INSUFFICIENT_DATA; OK by default.
	State string `json:"state,omitempty" yaml:"state,omitempty"`
	// Box follows an appliance, named by its interface: whether its routing process
	// works and its line is up, as a check on the box sees it.
	Box string `json:"box,omitempty" yaml:"box,omitempty"`
	// From and To follow whether one host reaches another, by whatever way the
	// routes take (an activeOnly check).
	From string `json:"from,omitempty" yaml:"from,omitempty"`
	To   string `json:"to,omitempty" yaml:"to,omitempty"`
	// VPN follows a VPN connection's tunnels: ALARM while none is up.
	VPN string `json:"vpn,omitempty" yaml:"vpn,omitempty"`
	// Attachment follows the line behind a Connect, peering or Direct Connect
	// attachment, as a probe that is pinned to it sees it.
	Attachment string `json:"attachment,omitempty" yaml:"attachment,omitempty"`
	// After is how long the truth must last before the alarm changes; 60 s by
	// default (one period of a standard metric).
	After string `json:"after,omitempty" yaml:"after,omitempty"`
}

// VPNSpec is one Site-to-Site VPN connection, with its tunnels (one or two), and
// the site whose router is the other end. Without BGP its routing is static. It ends on a transit gateway
// (Attachment) or on a virtual private gateway (VPNGateway), whose account and
// Region it shares.
type VPNSpec struct {
	ID         string         `json:"id" yaml:"id"`
	Name       string         `json:"name,omitempty" yaml:"name,omitempty"`
	Attachment AttachmentSpec `json:"attachment,omitzero" yaml:"attachment,omitempty"`
	VPNGateway string         `json:"vpnGateway,omitempty" yaml:"vpnGateway,omitempty"`
	// Routes are the connection's static prefixes. They are taught to the tables
	// that its virtual private gateway propagates into while the connection is up.
	Routes  []string     `json:"routes,omitempty" yaml:"routes,omitempty"`
	Site    string       `json:"site" yaml:"site"`
	Tunnels []TunnelSpec `json:"tunnels" yaml:"tunnels"`
	// BGP gives each tunnel a BGP session. Routes must then be empty.
	BGP *VPNBGPSpec `json:"bgp,omitempty" yaml:"bgp,omitempty"`
	// BGPLog has AWS log what happens on the sessions, and a subscription filter pass
	// it on, see World.Subscribe.
	BGPLog bool `json:"bgpLog,omitempty" yaml:"bgpLog,omitempty"`
}

// VPNBGPSpec is the dynamic routing of a VPN connection.
type VPNBGPSpec struct {
	// ASN is the customer gateway's; the site's by default.
	ASN int `json:"asn,omitempty" yaml:"asn,omitempty"`
	// Announces is what the router announces over this connection, besides what the
	// site says.
	Announces []AnnouncementSpec `json:"announces,omitempty" yaml:"announces,omitempty"`
}

// TunnelSpec is one IPsec tunnel, named by its outside address on the AWS side.
type TunnelSpec struct {
	OutsideIP string `json:"outsideIp" yaml:"outsideIp"`
	// Down starts the tunnel truly down, and known to be down.
	Down bool `json:"down,omitempty" yaml:"down,omitempty"`
	// BGPDown starts the BGP session inside down, and known to be down.
	BGPDown bool `json:"bgpDown,omitempty" yaml:"bgpDown,omitempty"`
}

// SiteSpec is a place outside AWS with one customer router: the networks behind
// it, and its routes towards AWS. Each route names VPN connections,
// Connect or Direct Connect attachments, or appliances' interfaces, best first;
// the router uses the first that truly works (a floating static route with dead
// peer detection on the router's side). The word internet names the site's own line
// to the Internet, whose default route loses to everything else of the same length.
// A router that has a route by it finds the outside addresses of its tunnels by its
// routes; any other keeps the way to them apart, where no route can take it away.
type SiteSpec struct {
	Name     string          `json:"name" yaml:"name"`
	Networks []string        `json:"networks" yaml:"networks"`
	Routes   []SiteRouteSpec `json:"routes,omitempty" yaml:"routes,omitempty"`
	// ASN is the router's. A router without one has static routes only, and makes
	// nothing of what AWS advertises to it.
	ASN int `json:"asn,omitempty" yaml:"asn,omitempty"`
	// Announces is what the router announces over all of its BGP sessions.
	Announces []AnnouncementSpec `json:"announces,omitempty" yaml:"announces,omitempty"`
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
	// TelemetryLag delays DescribeVpnConnections and what
	// DescribeTransitGatewayConnectPeers says of BGP behind the status change. Default 0.
	TelemetryLag time.Duration
	// EventDelay delays an event, of Network Manager or of an alarm, behind the
	// change that it tells of. Default 2 s.
	EventDelay time.Duration
	// CallEventDelay delays CloudTrail's event about a call behind the call. AWS
	// promises no time: UNVERIFIED. Default 10 s.
	CallEventDelay time.Duration
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
	// ConnectHold is the time from the true failure of a Connect peer's BGP session
	// to AWS noticing it. Default 30 s, the hold time (Transit Gateway guide, Connect).
	ConnectHold time.Duration
	// VPNHold is the time from the true failure of the BGP session inside a VPN
	// tunnel to AWS noticing it. Default 30 s, the hold time (sample configurations
	// of Site-to-Site VPN).
	VPNHold time.Duration
	// BGPRestartAfter is the time after which a session that was reset is tried
	// again. AWS publishes none. Default 30 s.
	BGPRestartAfter time.Duration
	// AdvertiseAfter is the time from a change of what AWS advertises to a router
	// having heard it. AWS publishes none. Default 1 s.
	AdvertiseAfter time.Duration
	// GatewayAdvertisesStatics lets a virtual private gateway advertise the static
	// prefixes of its connections to the routers that speak BGP. UNVERIFIED; by
	// default it advertises what it has learned by BGP.
	GatewayAdvertisesStatics bool
	// VPNLogDelay is the time from something happening on a BGP session to the
	// function of the log's subscription filter being invoked. AWS publishes none:
	// UNVERIFIED. Default 10 s.
	VPNLogDelay time.Duration
	// AdvertiseBlackholes lets AWS advertise a blackhole of the table that a BGP
	// attachment is associated with. UNVERIFIED; the default is what one field report
	// says.
	AdvertiseBlackholes bool
	// ConnectLimitResets resets both sessions of a Connect peer that announces more
	// than 1,000 routes, as those of VPN connections are. UNVERIFIED; by default AWS
	// takes the first 1,000 in the order of prefixes.
	ConnectLimitResets bool
	// DirectConnectHold is the time from the true failure of the line behind a
	// Direct Connect gateway to its routes being withdrawn. Default 90 s, the hold
	// time without BFD (Direct Connect guide).
	DirectConnectHold time.Duration
	// NoConnectPeerEvents keeps Network Manager from announcing the BGP sessions of
	// Connect peers. AWS lists such events, but has published no sample of a transit
	// gateway's: UNVERIFIED, so nothing may depend on them.
	NoConnectPeerEvents bool
	// PropagationErrorAsProbed makes DisableTransitGatewayRouteTablePropagation of
	// what is not there answer InvalidparameterValue, as a live probe saw it, instead
	// of TransitGatewayRouteTablePropagation.NotFound.
	PropagationErrorAsProbed bool
	// ReferenceErrorAsParameter makes the calls of prefix list references answer
	// InvalidParameterValue for a reference that is there already, or is not there,
	// instead of codes of their own. UNVERIFIED which ones AWS gives.
	ReferenceErrorAsParameter bool
	// ListWeighsEntries lets a prefix list reference count its entries against
	// TransitGatewayRouteQuota instead of the list's MaxEntries. UNVERIFIED which of
	// the two AWS counts.
	ListWeighsEntries bool
	// VPCRouteQuota is the number of static routes that one VPC route table takes,
	// per address family. Default 500, as the VPC quotas page says; it can be raised to 1,000.
	VPCRouteQuota int
	// TransitGatewayRouteQuota is the number of routes that all tables of one
	// transit gateway hold together. Default 10,000 (transit gateway quotas).
	TransitGatewayRouteQuota int
	// StatusCheckAfter is the time from an instance's failure or recovery, or its
	// start, to its status checks showing it. Default 60 s.
	StatusCheckAfter time.Duration
	// StoppedInstanceStaysActive lets routes to a stopped instance or its
	// interface stay active. UNVERIFIED; the default makes them blackholes, as a
	// field report has it.
	StoppedInstanceStaysActive bool
	// PrefixListModifyTime is how long a prefix list shows modify-in-progress, and
	// takes no other edit. Its entries are in force from the start. Default 0.
	PrefixListModifyTime time.Duration
	// PrefixListIDNotFoundMixedCase answers InvalidPrefixListId.NotFound where the
	// default is InvalidPrefixListID.NotFound. Both occur.
	PrefixListIDNotFoundMixedCase bool
}
