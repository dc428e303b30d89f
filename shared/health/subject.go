package health

import (
	"cmp"
	"time"

	"detour/shared/route"
)

// SubjectKind is the kind of AWS resource that facts speak of.
type SubjectKind string

// The kinds of subject.
const (
	SubjectVPN         SubjectKind = "vpn-connection"
	SubjectConnectPeer SubjectKind = "transit-gateway-connect-peer"
	SubjectAttachment  SubjectKind = "transit-gateway-attachment"
	// SubjectInterface is an elastic network interface, SubjectInstance the EC2
	// instance behind it.
	SubjectInterface SubjectKind = "network-interface"
	SubjectInstance  SubjectKind = "instance"
	// SubjectRouteTable is a transit gateway route table in which what an attachment
	// teaches can be read: an observation table.
	SubjectRouteTable SubjectKind = "transit-gateway-route-table"
	// SubjectPropagations is what propagates into a transit gateway route table that
	// carries traffic; its ID is the table's.
	SubjectPropagations SubjectKind = "transit-gateway-route-table-propagations"
	// SubjectAlarm is a CloudWatch alarm; its ID is the alarm's name.
	SubjectAlarm SubjectKind = "alarm"
)

// OnlyAllows reports whether facts about subjects of the kind can at most allow a move
// to learned routes: no other decision waits for them.
func (k SubjectKind) OnlyAllows() bool { return k == SubjectRouteTable || k == SubjectPropagations }

// PropagationsOf returns the subject of what propagates into a transit gateway route
// table.
func PropagationsOf(table route.Table) Subject {
	return Subject{Kind: SubjectPropagations, ID: table.ID, Account: table.Account, Region: table.Region}
}

// Subject is the AWS resource that a fact speaks of. Subjects are comparable
// with ==.
type Subject struct {
	Kind    SubjectKind `json:"kind"`
	ID      string      `json:"id"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
}

// Compare orders subjects by kind, account, Region and id.
func (s Subject) Compare(other Subject) int {
	return cmp.Or(
		cmp.Compare(s.Kind, other.Kind),
		cmp.Compare(s.Account, other.Account),
		cmp.Compare(s.Region, other.Region),
		cmp.Compare(s.ID, other.ID),
	)
}

// String returns the subject's id.
func (s Subject) String() string { return s.ID }

// FactKind says what a fact is about.
type FactKind string

// The kinds of fact.
const (
	// FactConnectionState is the state of a VPN connection: available, deleted, ….
	FactConnectionState FactKind = "connection-state"
	// FactTunnelStatus is the status of one tunnel: UP or DOWN. Part is the
	// tunnel's outside address.
	FactTunnelStatus FactKind = "tunnel-status"
	// FactAttachmentState is the state of a transit gateway attachment: available, ….
	FactAttachmentState FactKind = "attachment-state"
	// FactPeerState is the state of a Connect peer: available, ….
	FactPeerState FactKind = "peer-state"
	// FactSessionStatus is the status of one of the two BGP sessions of a Connect
	// peer: up or down. Part is the transit gateway's BGP address of the session.
	FactSessionStatus FactKind = "session-status"
	// FactPeerASN and FactGatewayASN are the ASNs of the two ends of a Connect peer's
	// BGP sessions. They are the same where the sessions are iBGP.
	FactPeerASN    FactKind = "peer-asn"
	FactGatewayASN FactKind = "transit-gateway-asn"
	// FactTableState says that a route table was read whole, its propagations and
	// associations included. The value is TableRead.
	FactTableState FactKind = "table-state"
	// FactLearnedRoute is a route of the table that an attachment taught and that is
	// active: Part is its CIDR block, the value its attachment.
	FactLearnedRoute FactKind = "learned-route"
	// FactStaticRoute is any other route of the table: Part is its CIDR block.
	FactStaticRoute FactKind = "static-route"
	// FactPropagation and FactAssociation are an attachment that propagates into the
	// table, or is associated with it: Part is its id, the value its resource type, and
	// about SubjectPropagations the state of the propagation: enabled, enabling, ….
	FactPropagation FactKind = "propagation"
	FactAssociation FactKind = "association"
	// FactExpectedRoute says how a table that the path's group moves shows a route
	// that the path's attachment is expected to have taught: Part is the CIDR block,
	// the value a RouteState. It is given to the path that it is about alone.
	FactExpectedRoute FactKind = "expected-route"
	// FactInterfaceStatus is the status of a network interface: in-use, ….
	FactInterfaceStatus FactKind = "interface-status"
	// FactInterfaceInstance is the id of the instance that the interface is
	// attached to; the value is empty where it is attached to none.
	FactInterfaceInstance FactKind = "interface-instance"
	// FactSourceDestCheck says whether the interface drops what is not addressed
	// to it: true or false. A router needs false.
	FactSourceDestCheck FactKind = "source-dest-check"
	// FactInstanceState is the state of an instance: running, ….
	FactInstanceState FactKind = "instance-state"
	// FactInstanceStatus and FactSystemStatus are the two status checks of an
	// instance: ok, impaired, ….
	FactInstanceStatus FactKind = "instance-status"
	FactSystemStatus   FactKind = "system-status"
	// FactAlarmState is the state of an alarm: OK, ALARM or INSUFFICIENT_DATA.
	// ChangedAt is when it last changed its state.
	FactAlarmState FactKind = "alarm-state"
	// FactUnreadable says that the subject could not be read, and why.
	FactUnreadable FactKind = "unreadable"
)

// The values of FactTunnelStatus and FactConnectionState that Judge knows
// (EC2 API, VgwTelemetry and VpnConnection).
const (
	TunnelUp        = "UP"
	TunnelDown      = "DOWN"
	ConnectionGone  = "deleted"
	ConnectionGoing = "deleting"
)

// The values of FactSessionStatus (EC2 API, BgpStatus).
const (
	SessionUp   = "up"
	SessionDown = "down"
)

// TableRead is the value of FactTableState.
const TableRead = "read"

// PropagationEnabled is the value of FactPropagation about SubjectPropagations while
// the routes of the attachment come into the table (EC2 API,
// TransitGatewayRouteTablePropagation). Any other says that they do not, or not yet.
const PropagationEnabled = "enabled"

// The values of FactAlarmState (CloudWatch API, StateValue).
const (
	AlarmOK               = "OK"
	AlarmAlarm            = "ALARM"
	AlarmInsufficientData = "INSUFFICIENT_DATA"
)

// Source is the API that a fact was read from. Facts from two sources that
// agree are independent evidence.
type Source string

// SourceDescribeVPNConnections stands for the VPN connections as EC2 describes them.
const SourceDescribeVPNConnections Source = "ec2:DescribeVpnConnections"

// The other sources of facts.
const (
	SourceDescribeAttachments    Source = "ec2:DescribeTransitGatewayAttachments"
	SourceDescribeConnectPeers   Source = "ec2:DescribeTransitGatewayConnectPeers"
	SourceDescribeInterfaces     Source = "ec2:DescribeNetworkInterfaces"
	SourceDescribeInstanceStatus Source = "ec2:DescribeInstanceStatus"
	SourceSearchRoutes           Source = "ec2:SearchTransitGatewayRoutes"
	SourceGetPropagations        Source = "ec2:GetTransitGatewayRouteTablePropagations"
	SourceDescribeAlarms         Source = "cloudwatch:DescribeAlarms"
)

// Fact is one thing that was read about a subject. There is no judgement in it.
type Fact struct {
	Subject Subject  `json:"subject"`
	Kind    FactKind `json:"kind"`
	// Part names the part of the subject: for a tunnel its outside address.
	Part string `json:"part,omitempty"`
	// Value is the value as the API gave it.
	Value string `json:"value,omitempty"`
	// AcceptedRoutes is the number of routes that a tunnel's BGP session accepted.
	AcceptedRoutes int `json:"acceptedRoutes,omitempty"`
	// Note is free text of the API (StatusMessage). It is shown to people, and
	// nothing branches on it.
	Note string `json:"note,omitempty"`
	// Problem says why an unreadable subject could not be read.
	Problem route.Problem `json:"problem,omitempty"`
	Source  Source        `json:"source"`
	// ChangedAt is the API's own time of the last change, where it gives one.
	ChangedAt time.Time `json:"changedAt,omitzero"`
	// ObservedAt is when the value was true, as far as the reader knows.
	ObservedAt time.Time `json:"observedAt"`
}

// Compare orders facts by subject, kind and part.
func (f Fact) Compare(other Fact) int {
	return cmp.Or(
		f.Subject.Compare(other.Subject),
		cmp.Compare(f.Kind, other.Kind),
		cmp.Compare(f.Part, other.Part),
	)
}
