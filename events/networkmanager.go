package events

// The source of Network Manager's events and the detail-types that Detour knows (AWS page "AWS Network Manager events" of
// the EventBridge events reference, delivery class "best effort").
const (
	SourceNetworkManager = "aws.networkmanager"

	DetailNetworkManagerStatus   = "Network Manager Status Update"
	DetailNetworkManagerRouting  = "Network Manager Routing Update"
	DetailNetworkManagerTopology = "Network Manager Topology Change"
)

// changeTypeKeys are the three spellings of the key of the change type, newest first. "status-change" stood in the status
// updates and "change-type" in the other events of the 2019 edition.
func changeTypeKeys() []string { return []string{"changeType", "change-type", "status-change"} }

// NetworkManagerStatus is the detail of "Network Manager Status Update" (AWS page "Monitor your global network using
// EventBridge", section "Status update events", and for core networks "Monitor with Amazon CloudWatch Events" of the
// Cloud WAN guide). It accepts the camel-case keys and the kebab-case ones of 2019, also mixed.
//
// There is one event per tunnel. It carries no former state and no sequence number. UNVERIFIED: the shape of a status update
// for a Connect peer of a transit gateway; the published samples are those of a core network.
type NetworkManagerStatus struct {
	ChangeType                  string `json:"changeType,omitempty"`
	ChangeDescription           string `json:"changeDescription,omitempty"`
	Region                      string `json:"region,omitempty"`
	TransitGatewayAttachmentARN string `json:"transitGatewayAttachmentArn,omitempty"`
	VPNConnectionARN            string `json:"vpnConnectionArn,omitempty"`
	// OutsideIPAddress names the tunnel.
	OutsideIPAddress  string `json:"outsideIpAddress,omitempty"`
	ConnectPeerARN    string `json:"connectPeerArn,omitempty"`
	PeerASN           string `json:"peerAsn,omitempty"` // a string on the wire
	TransitGatewayARN string `json:"transitGatewayArn,omitempty"`
	// TransitGatewayAddress is UNVERIFIED for a status update: it is known from the topology event of a Connect peer.
	TransitGatewayAddress string `json:"transitGatewayAddress,omitempty"`

	// The keys of a core network (Cloud WAN).
	EdgeLocation       string `json:"edgeLocation,omitempty"`
	AttachmentARN      string `json:"attachmentArn,omitempty"`
	CoreNetworkAddress string `json:"coreNetworkAddress,omitempty"`
	CoreNetworkARN     string `json:"coreNetworkArn,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (s *NetworkManagerStatus) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&s.ChangeType, changeTypeKeys()...)
	o.text(&s.ChangeDescription, "changeDescription", "change-description")
	o.text(&s.Region, "region")
	o.text(&s.TransitGatewayAttachmentARN, "transitGatewayAttachmentArn", "transit-gateway-attachment-arn")
	o.text(&s.VPNConnectionARN, "vpnConnectionArn", "vpn-connection-arn")
	o.text(&s.OutsideIPAddress, "outsideIpAddress", "outside-ip-address")
	o.text(&s.ConnectPeerARN, "connectPeerArn", "connect-peer-arn")
	o.word(&s.PeerASN, "peerAsn", "peer-asn")
	o.text(&s.TransitGatewayARN, "transitGatewayArn", "transit-gateway-arn")
	o.text(&s.TransitGatewayAddress, "transitGatewayAddress", "transit-gateway-address")
	o.text(&s.EdgeLocation, "edgeLocation", "edge-location")
	o.text(&s.AttachmentARN, "attachmentArn", "attachment-arn")
	o.text(&s.CoreNetworkAddress, "coreNetworkAddress", "core-network-address")
	o.text(&s.CoreNetworkARN, "coreNetworkArn", "core-network-arn")
	return o.err()
}
