package events

// NetworkManagerTopology is the detail of "Network Manager Topology Change" (AWS page "Monitor your global network using
// EventBridge", section "Topology change events"), as far as Detour could ever look at it.
type NetworkManagerTopology struct {
	ChangeType                  string   `json:"changeType,omitempty"`
	ChangeDescription           string   `json:"changeDescription,omitempty"`
	Region                      string   `json:"region,omitempty"`
	TransitGatewayAttachmentARN string   `json:"transitGatewayAttachmentArn,omitempty"`
	VPNConnectionARN            string   `json:"vpnConnectionArn,omitempty"`
	CustomerGatewayARN          string   `json:"customerGatewayArn,omitempty"`
	OutsideIPAddresses          []string `json:"outsideIpAddresses,omitempty"`
	IsPrivateVPN                *bool    `json:"isPrivateVpn,omitempty"`
	ConnectPeerARN              string   `json:"connectPeerArn,omitempty"`
	PeerAddress                 string   `json:"peerAddress,omitempty"`
	TransitGatewayAddress       string   `json:"transitGatewayAddress,omitempty"`
	VPCARN                      string   `json:"vpcArn,omitempty"`
	TransitGatewayARN           string   `json:"transitGatewayArn,omitempty"`

	// The keys of a core network (Cloud WAN).
	EdgeLocation   string `json:"edgeLocation,omitempty"`
	AttachmentARN  string `json:"attachmentArn,omitempty"`
	CoreNetworkARN string `json:"coreNetworkArn,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (t *NetworkManagerTopology) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&t.ChangeType, changeTypeKeys()...)
	o.text(&t.ChangeDescription, "changeDescription", "change-description")
	o.text(&t.Region, "region")
	o.text(&t.TransitGatewayAttachmentARN, "transitGatewayAttachmentArn", "transit-gateway-attachment-arn")
	o.text(&t.VPNConnectionARN, "vpnConnectionArn", "vpn-connection-arn")
	o.text(&t.CustomerGatewayARN, "customerGatewayArn", "customer-gateway-arn")
	o.texts(&t.OutsideIPAddresses, "outsideIpAddresses", "outside-ip-addresses")
	read(o, &t.IsPrivateVPN, "a boolean", "isPrivateVpn")
	o.text(&t.ConnectPeerARN, "connectPeerArn", "connect-peer-arn")
	o.text(&t.PeerAddress, "peerAddress", "peer-address")
	o.text(&t.TransitGatewayAddress, "transitGatewayAddress", "transit-gateway-address")
	o.text(&t.VPCARN, "vpcArn", "vpc-arn")
	o.text(&t.TransitGatewayARN, "transitGatewayArn", "transit-gateway-arn")
	o.text(&t.EdgeLocation, "edgeLocation", "edge-location")
	o.text(&t.AttachmentARN, "attachmentArn", "attachment-arn")
	o.text(&t.CoreNetworkARN, "coreNetworkArn", "core-network-arn")
	return o.err()
}
