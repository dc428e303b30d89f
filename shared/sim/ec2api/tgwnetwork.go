package ec2api

import (
	"net/http"
	"slices"
	"strconv"

	"detour/shared/sim"
)

// tgwNetwork is what the wire needs of the World's transit gateways, beside
// routes.
type tgwNetwork interface {
	TransitGateways(c sim.Caller) []sim.TransitGatewayView
	Connects(c sim.Caller) []sim.ConnectView
	ConnectPeers(c sim.Caller) []sim.ConnectPeerView
	Propagations(c sim.Caller, table string) ([]sim.AttachmentRef, *sim.APIError)
	PrefixListReferences(c sim.Caller, table string) ([]sim.ReferenceView, *sim.APIError)

	EnablePropagation(c sim.Caller, table, attachment string) (sim.AttachmentRef, *sim.APIError)
	DisablePropagation(c sim.Caller, table, attachment string) (sim.AttachmentRef, *sim.APIError)
	CreateTransitGatewayPrefixListReference(c sim.Caller, table, list, target string) (sim.ReferenceView, *sim.RouteWrite, *sim.APIError)
	ModifyTransitGatewayPrefixListReference(c sim.Caller, table, list, target string) (sim.ReferenceView, *sim.RouteWrite, *sim.APIError)
	DeleteTransitGatewayPrefixListReference(c sim.Caller, table, list string) (sim.ReferenceView, *sim.RouteWrite, *sim.APIError)
}

// tgwAction returns the actions of transit gateways beside those of routes.
// Source of the parameters: EC2 API model 2016-11-15.
func tgwAction(name string) (action, bool) {
	paged := []string{"DryRun", "MaxResults", "NextToken"}
	inTable := append(paged, "TransitGatewayRouteTableId")
	propagation := []string{"DryRun", "TransitGatewayRouteTableId", "TransitGatewayAttachmentId", "TransitGatewayRouteTableAnnouncementId"}
	reference := []string{"DryRun", "TransitGatewayRouteTableId", "PrefixListId"}
	aimed := slices.Concat(reference, []string{"TransitGatewayAttachmentId", "Blackhole"})
	switch name {
	case "DescribeTransitGateways":
		return action{scalars: paged, lists: []string{"Filter", "TransitGatewayIds"}, run: describeTransitGateways}, true
	case "DescribeTransitGatewayConnects":
		return action{scalars: paged, lists: []string{"Filter", "TransitGatewayAttachmentIds"}, run: describeConnects}, true
	case "DescribeTransitGatewayConnectPeers":
		return action{scalars: paged, lists: []string{"Filter", "TransitGatewayConnectPeerIds"}, run: describeConnectPeers}, true
	case "GetTransitGatewayRouteTablePropagations":
		return action{scalars: inTable, lists: []string{"Filter"}, run: getPropagations}, true
	case "GetTransitGatewayPrefixListReferences":
		return action{scalars: inTable, lists: []string{"Filter"}, run: getReferences}, true
	case "EnableTransitGatewayRouteTablePropagation":
		return action{mutating: true, scalars: propagation, run: enableTGWPropagation}, true
	case "DisableTransitGatewayRouteTablePropagation":
		return action{mutating: true, scalars: propagation, run: disableTGWPropagation}, true
	case "CreateTransitGatewayPrefixListReference":
		return action{mutating: true, scalars: aimed, run: createReference}, true
	case "ModifyTransitGatewayPrefixListReference":
		return action{mutating: true, scalars: aimed, run: modifyReference}, true
	case "DeleteTransitGatewayPrefixListReference":
		return action{mutating: true, scalars: reference, run: deleteReference}, true
	}
	return action{}, false
}

// transitGatewayKind selects for DescribeTransitGateways. Source of the filters:
// EC2 API reference, DescribeTransitGateways; those of options that the simulated
// network does not have are refused.
func transitGatewayKind() kind[sim.TransitGatewayView] {
	return kind[sim.TransitGatewayView]{
		id:    func(g sim.TransitGatewayView) string { return g.ID },
		names: []string{"transit-gateway-id", "owner-id", "state", "options.amazon-side-asn", "tag-key"},
		unsupported: []string{
			"options.association-default-route-table-id", "options.propagation-default-route-table-id", "options.auto-accept-shared-attachments",
			"options.default-route-table-association", "options.default-route-table-propagation", "options.dns-support", "options.vpn-ecmp-support",
		},
		tagged:  true,
		badName: badTGWFilter,
		field: func(g sim.TransitGatewayView, name string) []string {
			switch name {
			case "transit-gateway-id":
				return []string{g.ID}
			case "owner-id":
				return []string{g.OwnerAccount}
			case "state":
				return []string{g.State}
			case "options.amazon-side-asn":
				return []string{strconv.FormatInt(g.ASN, 10)}
			}
			return nameTag(name, g.Name)
		},
	}
}

func describeTransitGateways(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "TransitGatewayIds", marker: "tgw-",
		malformed: refuse("InvalidTransitGatewayID.Malformed", "Invalid Transit Gateway id %s."),
		notFound:  refuse("InvalidTransitGatewayID.NotFound", "Transit Gateway %s was deleted or does not exist."),
	}
	found, token, _, err := read(rq, transitGatewayKind(), d, tgwPages(), rq.world.TransitGateways(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &transitGatewaysXML{NextToken: token}
	for _, g := range found {
		answer.Gateways.Items = append(answer.Gateways.Items, transitGatewayXML(g))
	}
	return answer, nil
}

// connectKind selects for DescribeTransitGatewayConnects. Source of the filters:
// EC2 API reference, DescribeTransitGatewayConnects.
func connectKind() kind[sim.ConnectView] {
	return kind[sim.ConnectView]{
		id:      func(c sim.ConnectView) string { return c.ID },
		names:   []string{"options.protocol", "state", "transit-gateway-attachment-id", "transit-gateway-id", "transport-transit-gateway-attachment-id"},
		badName: badTGWFilter,
		field: func(c sim.ConnectView, name string) []string {
			switch name {
			case "options.protocol":
				return []string{greProtocol}
			case "state":
				return []string{c.State}
			case "transit-gateway-attachment-id":
				return []string{c.ID}
			case "transit-gateway-id":
				return []string{c.TransitGateway}
			}
			return []string{c.Transport}
		},
	}
}

func describeConnects(rq *request) (any, *sim.APIError) {
	found, token, _, err := read(rq, connectKind(), attachmentIDs(), tgwPages(), rq.world.Connects(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &connectsXML{NextToken: token}
	for _, c := range found {
		answer.Connects.Items = append(answer.Connects.Items, connectXML{
			ID: c.ID, Transport: c.Transport, TransitGateway: c.TransitGateway, State: c.State,
			Created: instant(c.CreatedAt), Protocol: greProtocol, Tags: tags(c.Name),
		})
	}
	return answer, nil
}

// connectPeerKind selects for DescribeTransitGatewayConnectPeers. Source of the
// filters: EC2 API reference, DescribeTransitGatewayConnectPeers.
func connectPeerKind() kind[sim.ConnectPeerView] {
	return kind[sim.ConnectPeerView]{
		id:      func(p sim.ConnectPeerView) string { return p.ID },
		names:   []string{"state", "transit-gateway-attachment-id", "transit-gateway-connect-peer-id"},
		badName: badTGWFilter,
		field: func(p sim.ConnectPeerView, name string) []string {
			switch name {
			case "state":
				return []string{p.State}
			case "transit-gateway-attachment-id":
				return []string{p.Attachment}
			}
			return []string{p.ID}
		},
	}
}

// describeConnectPeers answers DescribeTransitGatewayConnectPeers, and notes in
// the call log what it said of peers and sessions. The message of an unknown id
// is UNVERIFIED.
func describeConnectPeers(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "TransitGatewayConnectPeerIds", marker: "tgw-connect-peer-",
		malformed: refuse("InvalidTransitGatewayConnectPeerID.Malformed", "Invalid Transit Gateway Connect Peer id %s."),
		notFound:  refuse("InvalidTransitGatewayConnectPeerID.NotFound", "Transit Gateway Connect Peer %s was deleted or does not exist."),
	}
	found, token, _, err := read(rq, connectPeerKind(), d, tgwPages(), rq.world.ConnectPeers(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &connectPeersXML{NextToken: token}
	for _, p := range found {
		answer.Peers.Items = append(answer.Peers.Items, rq.connectPeer(p))
	}
	return answer, nil
}

// connectPeer shows a peer, and notes what is told of it.
func (rq *request) connectPeer(p sim.ConnectPeerView) connectPeerXML {
	shown := connectPeerXML{
		ID: p.ID, Attachment: p.Attachment, State: p.State, Created: instant(p.CreatedAt),
		GatewayAddress: p.TransitGatewayAddress.String(), PeerAddress: p.PeerAddress.String(), Protocol: greProtocol,
		InsideCIDRs: list[string]{Items: []string{p.InsideCIDR.String()}},
	}
	rq.record.Told = append(rq.record.Told, sim.Told{Resource: p.ID, Field: "peer-state", Value: p.State})
	for _, s := range p.Sessions {
		status := "down"
		if s.Up {
			status = "up"
		}
		shown.Sessions.Items = append(shown.Sessions.Items, bgpXML{
			GatewayASN: p.TransitGatewayASN, PeerASN: p.PeerASN, GatewayAddress: s.TransitGatewayAddress.String(),
			PeerAddress: s.PeerAddress.String(), Status: status,
		})
		rq.record.Told = append(rq.record.Told, sim.Told{Resource: p.ID, Field: "session", Part: s.TransitGatewayAddress.String(), Value: status})
	}
	return shown
}

func getPropagations(rq *request) (any, *sim.APIError) {
	refs, token, err := inTable(rq, associationKind(), rq.world.Propagations)
	if err != nil {
		return nil, err
	}
	answer := &propagationsXML{NextToken: token}
	for _, ref := range refs {
		answer.Propagations.Items = append(answer.Propagations.Items, propagationXML{refXML: refOf(ref), State: "enabled"})
	}
	return answer, nil
}

func enableTGWPropagation(rq *request) (any, *sim.APIError) {
	return rq.switchPropagation(rq.world.EnablePropagation, "enabled")
}

func disableTGWPropagation(rq *request) (any, *sim.APIError) {
	return rq.switchPropagation(rq.world.DisablePropagation, "disabled")
}

// switchPropagation answers both calls: the new state stands in the answer at
// once, as a live probe saw it (floci-io/floci).
func (rq *request) switchPropagation(run func(c sim.Caller, table, attachment string) (sim.AttachmentRef, *sim.APIError), state string) (any, *sim.APIError) {
	table, err := rq.tgwTable()
	if err != nil {
		return nil, err
	}
	if rq.params.Get("TransitGatewayRouteTableAnnouncementId") != "" {
		return nil, fail(http.StatusBadRequest, "UnsupportedOperation", "The simulated network has no transit gateway route table announcements.")
	}
	attachment, err := rq.required("TransitGatewayAttachmentId", "TransitGatewayAttachmentId")
	if err != nil {
		return nil, err
	}
	ref, err := run(rq.caller, table, attachment)
	if err != nil {
		return nil, err
	}
	return &propagationAnswer{Propagation: propagationXML{refXML: refOf(ref), Table: table, State: state}}, nil
}
