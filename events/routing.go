package events

import "encoding/json"

// NetworkManagerRouting is the detail of "Network Manager Routing Update" (AWS page "Monitor your global network using
// EventBridge", section "Routing update events"). One event can name many routes and many route tables. Detour's own
// writes come back as such events.
type NetworkManagerRouting struct {
	ChangeType                  string `json:"changeType,omitempty"`
	ChangeDescription           string `json:"changeDescription,omitempty"`
	Region                      string `json:"region,omitempty"`
	TransitGatewayAttachmentARN string `json:"transitGatewayAttachmentArn,omitempty"`
	// TransitGatewayRouteTableARNs also takes the single transit-gateway-route-table-arn of the 2019 edition.
	TransitGatewayRouteTableARNs []string `json:"transitGatewayRouteTableArns,omitempty"`
	// Segments is a core network's (Cloud WAN), in place of the tables.
	Segments []string `json:"segments,omitempty"`
	// SequenceNumber counts Unix milliseconds in the samples. Whether it only rises per table is UNVERIFIED.
	SequenceNumber    int64                 `json:"sequenceNumber,omitempty"`
	Routes            []NetworkManagerRoute `json:"routes,omitempty"`
	TransitGatewayARN string                `json:"transitGatewayArn,omitempty"`
	CoreNetworkARN    string                `json:"coreNetworkArn,omitempty"`
}

// NetworkManagerRoute is one route of a routing update.
type NetworkManagerRoute struct {
	DestinationCIDRBlock  string                          `json:"destinationCidrBlock"`
	Attachments           []NetworkManagerRouteAttachment `json:"attachments"`
	RouteType             string                          `json:"routeType"`  // route_static or route_propagated
	RouteState            string                          `json:"routeState"` // active or blackhole
	PropagatedRouteFamily string                          `json:"propagatedRouteFamily,omitempty"`
	BGPAttributes         json.RawMessage                 `json:"bgpAttributes,omitempty"`
}

// NetworkManagerRouteAttachment is where a route of a routing update points. Its types are spelled with underscores,
// unlike EC2's (direct_connect_gateway, peer_tgw).
type NetworkManagerRouteAttachment struct {
	TransitGatewayAttachmentID string `json:"tgwAttachmentId,omitempty"`
	AttachmentID               string `json:"attachmentId,omitempty"` // a core network's
	ResourceID                 string `json:"resourceId,omitempty"`
	AttachmentType             string `json:"attachmentType"`
	VPNOutsideIPAddress        string `json:"vpnOutsideIpAddress,omitempty"`
}

// UnmarshalJSON fills every field that it can and reports the others.
func (r *NetworkManagerRouting) UnmarshalJSON(raw []byte) error {
	o, err := open(raw)
	if err != nil {
		return err
	}
	o.text(&r.ChangeType, changeTypeKeys()...)
	o.text(&r.ChangeDescription, "changeDescription", "change-description")
	o.text(&r.Region, "region")
	o.text(&r.TransitGatewayAttachmentARN, "transitGatewayAttachmentArn", "transit-gateway-attachment-arn")
	o.texts(&r.TransitGatewayRouteTableARNs, "transitGatewayRouteTableArns", "transit-gateway-route-table-arns")
	var single string
	o.text(&single, "transitGatewayRouteTableArn", "transit-gateway-route-table-arn")
	if single != "" {
		r.TransitGatewayRouteTableARNs = append(r.TransitGatewayRouteTableARNs, single)
	}
	o.texts(&r.Segments, "segments")
	o.integer(&r.SequenceNumber, "sequenceNumber", "sequence-number")
	read(o, &r.Routes, "an array of routes", "routes")
	o.text(&r.TransitGatewayARN, "transitGatewayArn", "transit-gateway-arn")
	o.text(&r.CoreNetworkARN, "coreNetworkArn", "core-network-arn")
	return o.err()
}
