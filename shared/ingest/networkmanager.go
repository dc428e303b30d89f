package ingest

import (
	"encoding/json"
	"strings"

	"detour/events"
	"detour/shared/health"
)

// networkManager looks at an event of Network Manager.
func networkManager(env events.Envelope, look *Look) {
	switch env.DetailType {
	case events.DetailNetworkManagerStatus:
		status(env, look)
	case events.DetailNetworkManagerTopology:
		topology(env, look)
	case events.DetailNetworkManagerRouting:
		routing(env, look)
	default:
		look.all(WhyUnknownDetailType, "detail-type %q of %s", look.DetailType, look.Source)
	}
}

// status looks at a status update: one tunnel or one BGP session went down or came up.
func status(env events.Envelope, look *Look) {
	var d events.NetworkManagerStatus
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	change := normalize(d.ChangeType)
	look.ChangeType = change
	switch {
	case change == "":
		look.all(WhyMissingKey, "a status update without changeType")
		look.vpn(env, d.VPNConnectionARN, d.OutsideIPAddress, DirectionUnknown)
	case strings.Contains(change, "CONNECT-PEER") && strings.Contains(change, "BGP"):
		connectPeer(env, d, look)
	case strings.Contains(change, "VPN-CONNECTION") && (strings.Contains(change, "IPSEC") || strings.Contains(change, "BGP")):
		if !look.vpn(env, d.VPNConnectionARN, d.OutsideIPAddress, direction(change)) {
			look.unnamed(d.CoreNetworkARN, "vpnConnectionArn", d.VPNConnectionARN)
		}
	default:
		look.all(WhyUnknownChangeType, "changeType %q in a status update", change)
		look.vpn(env, d.VPNConnectionARN, d.OutsideIPAddress, DirectionUnknown)
	}
}

// connectPeer looks at a BGP session of a Connect peer. The samples that AWS publishes, on the transit gateway's page too,
// name a core network's Connect peer, which is none that a group can have. But since nobody has published what a transit
// gateway's looks like (UNVERIFIED), that shape could be the answer to one of ours, and asks for a look at everything.
func connectPeer(env events.Envelope, d events.NetworkManagerStatus, look *Look) {
	subjects := named(connectPeerARN, d.ConnectPeerARN, env.Resources)
	part := firstAddress(d.TransitGatewayAddress, d.CoreNetworkAddress)
	for _, s := range subjects {
		look.Hints = append(look.Hints, Hint{s, part, direction(look.ChangeType)})
	}
	if len(subjects) == 0 {
		look.unnamed(d.CoreNetworkARN, "connectPeerArn", d.ConnectPeerARN)
	}
}

// topology looks at a change of the network itself. It says nothing about up or down.
func topology(env events.Envelope, look *Look) {
	var d events.NetworkManagerTopology
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	change := normalize(d.ChangeType)
	look.ChangeType = change
	found := look.vpn(env, d.VPNConnectionARN, "", DirectionUnknown)
	switch {
	case change == "":
		look.all(WhyMissingKey, "a topology change without changeType")
	case !knownTopology(change):
		look.all(WhyUnknownChangeType, "changeType %q in a topology change", change)
	case !found:
		look.all(WhyTopology, "%s names no VPN connection", change)
	}
	if found {
		return
	}
	for _, s := range named(connectPeerARN, d.ConnectPeerARN, nil) {
		look.Hints = append(look.Hints, Hint{Subject: s})
	}
	for _, s := range named(attachmentARN, d.TransitGatewayAttachmentARN, nil) {
		look.Hints = append(look.Hints, Hint{Subject: s})
	}
}

// knownTopology says whether the change is one that AWS lists (AWS page "Monitor your global network using
// EventBridge", section "Topology change events"), with the underscores of some made hyphens.
func knownTopology(change string) bool {
	switch change {
	case "TGW-DELETED",
		"VPN-CONNECTION-CREATED", "VPN-CONNECTION-DELETED",
		"VPN-CONNECTION-CUSTOMER-GATEWAY-MODIFIED", "VPN-CONNECTION-TARGET-GATEWAY-MODIFIED",
		"VPC-ATTACHMENT-CREATED", "VPC-ATTACHMENT-DELETED",
		"DXGW-ATTACHMENT-CREATED", "DXGW-ATTACHMENT-DELETED",
		"TGW-PEERING-CREATED", "TGW-PEERING-DELETED",
		"CONNECT-ATTACHMENT-CREATED", "CONNECT-ATTACHMENT-DELETED",
		"TGW-CONNECT-PEER-CREATED", "CONNECT-PEER-DELETED",
		"NETWORK-FIREWALL-ATTACHMENT-CREATED", "NETWORK-FIREWALL-ATTACHMENT-DELETED":
		return true
	default:
		return false
	}
}

// routing looks at a routing update: which tables it names. What stands in them is read, not believed.
func routing(env events.Envelope, look *Look) {
	var d events.NetworkManagerRouting
	_ = json.Unmarshal(env.Detail, &d) // What could not be read is missing, and a missing key widens the look.
	change := normalize(d.ChangeType)
	look.ChangeType = change
	for _, s := range d.TransitGatewayRouteTableARNs {
		if table, ok := ec2ARN(s, "", "transit-gateway-route-table", "tgw-rtb-"); ok {
			look.Tables = append(look.Tables, table.ID)
		} else {
			look.all(WhyMissingKey, "transitGatewayRouteTableArns holds %q, which is no ARN of a route table", clean(s))
		}
	}
	look.routes(d.Routes, change == changeUninstalled)
	switch change {
	case "":
		look.all(WhyMissingKey, "a routing update without changeType")
	case changeInstalled, changeUninstalled, "TGW-ROUTE-TABLE-ASSOCIATED":
		if len(look.Tables) == 0 {
			look.unnamed(d.CoreNetworkARN, "transitGatewayRouteTableArns", "")
		}
	default:
		if d.CoreNetworkARN != "" && len(look.Tables) == 0 {
			look.unnamed(d.CoreNetworkARN, "transitGatewayRouteTableArns", "")
		}
		look.all(WhyUnknownChangeType, "changeType %q in a routing update", change)
	}
}

// vpn adds hints on the VPN connection that the event names, and says whether it names any.
func (l *Look) vpn(env events.Envelope, arn, outside string, direction Direction) bool {
	subjects := named(vpnARN, arn, env.Resources)
	for _, s := range subjects {
		l.Hints = append(l.Hints, Hint{s, address(outside), direction})
	}
	return len(subjects) > 0
}

// named returns the subject of the detail's ARN, or without one those of the envelope's resources.
func named(parse func(string) (health.Subject, bool), arn string, resources []string) []health.Subject {
	if s, ok := parse(arn); ok {
		return []health.Subject{s}
	}
	var out []health.Subject
	for _, r := range resources {
		if s, ok := parse(r); ok {
			out = append(out, s)
		}
	}
	return out
}

// unnamed widens a look because the event's resource is not named in a way that leads to one of EC2's.
func (l *Look) unnamed(coreNetwork, key, value string) {
	if coreNetwork != "" {
		l.all(WhyCloudWAN, "it names resources of core network %q, and no %s of EC2", clean(coreNetwork), key)
		return
	}
	l.all(WhyMissingKey, "%s is %q, which is no ARN of such a resource", key, clean(value))
}

// normalize brings a change type to one spelling: AWS writes hyphens in some and underscores in others.
func normalize(changeType string) string {
	return strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(clean(changeType))), "_", "-")
}

// direction takes the direction from the last word of a normalized change type.
func direction(change string) Direction {
	switch change[strings.LastIndexByte(change, '-')+1:] {
	case "DOWN":
		return DirectionDown
	case "UP", "ESTABLISH", "ESTABLISHED":
		return DirectionUp
	default:
		return DirectionUnknown
	}
}
