package ec2api

import (
	"net/http"
	"strings"

	"detour/shared/sim"
)

// tgwPages are the page limits of the transit gateway calls. Source: EC2 API reference,
// SearchTransitGatewayRoutes (default 1000); the default of the others is
// UNVERIFIED.
func tgwPages() bounds { return bounds{least: 5, most: 1000, usual: 1000} }

// vpnKind selects for DescribeVpnConnections. Source of the filters: EC2 API
// reference, DescribeVpnConnections.
func vpnKind() kind[sim.VPNView] {
	return kind[sim.VPNView]{
		id:          func(v sim.VPNView) string { return v.ID },
		names:       []string{"vpn-connection-id", "state", "transit-gateway-id", "vpn-gateway-id", "type", "option.static-routes-only", "route.destination-cidr-block", "tag-key"},
		unsupported: []string{"customer-gateway-configuration", "customer-gateway-id", "bgp-asn"},
		tagged:      true,
		badName:     badFilter,
		field: func(v sim.VPNView, name string) []string {
			switch name {
			case "vpn-connection-id":
				return []string{v.ID}
			case "state":
				return []string{v.State}
			case "transit-gateway-id":
				return nonEmpty(v.TransitGateway)
			case "vpn-gateway-id":
				return nonEmpty(v.VPNGateway)
			case "route.destination-cidr-block":
				var blocks []string
				for _, block := range v.Routes {
					blocks = append(blocks, block.String())
				}
				return blocks
			case "type":
				return []string{vpnType}
			case "option.static-routes-only":
				return []string{"true"}
			}
			return nameTag(name, v.Name)
		},
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// describeVPNConnections answers DescribeVpnConnections, and notes in the call
// log which tunnel states it showed. The call has no pages.
func describeVPNConnections(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "VpnConnectionId", marker: "vpn-", malformed: expecting("InvalidVpnConnectionID.Malformed", "vpn-"),
		notFound: refuse("InvalidVpnConnectionID.NotFound", "The vpnConnection ID '%s' does not exist"),
	}
	things := rq.world.VPNConnections(rq.caller)
	found, _, _, err := read(rq, vpnKind(), d, unpaged(things), things)
	if err != nil {
		return nil, err
	}
	answer := &vpnConnectionsXML{}
	for _, v := range found {
		answer.Connections.Items = append(answer.Connections.Items, vpnXML(v))
		for _, t := range v.Tunnels {
			rq.record.Telemetry = append(rq.record.Telemetry, sim.TunnelReport{VPN: v.ID, OutsideIP: t.OutsideIP, Up: t.Up})
		}
	}
	return answer, nil
}

// attachmentKind selects for DescribeTransitGatewayAttachments. Source of the
// filters: EC2 API reference, DescribeTransitGatewayAttachments.
func attachmentKind() kind[sim.AttachmentView] {
	return kind[sim.AttachmentView]{
		id:  func(a sim.AttachmentView) string { return a.ID },
		key: func(a sim.AttachmentView) string { return a.ID + " " + a.TransitGateway }, // The sides of a peering have one id.
		names: []string{
			"transit-gateway-attachment-id", "transit-gateway-id", "resource-id", "resource-type", "state", "resource-owner-id",
			"transit-gateway-owner-id", "association.state", "association.transit-gateway-route-table-id",
		},
		badName: badTGWFilter,
		field: func(a sim.AttachmentView, name string) []string {
			switch name {
			case "transit-gateway-attachment-id":
				return []string{a.ID}
			case "transit-gateway-id":
				return []string{a.TransitGateway}
			case "resource-id":
				return []string{a.ResourceID}
			case "resource-type":
				return []string{a.ResourceType}
			case "state":
				return []string{a.State}
			case "resource-owner-id":
				return []string{a.ResourceOwner}
			case "transit-gateway-owner-id":
				return []string{a.OwnerAccount}
			case "association.transit-gateway-route-table-id":
				return nonEmpty(a.AssociatedTable)
			case "association.state":
				if a.AssociatedTable != "" {
					return []string{associated}
				}
			}
			return nil
		},
	}
}

func describeAttachments(rq *request) (any, *sim.APIError) {
	found, token, _, err := read(rq, attachmentKind(), attachmentIDs(), tgwPages(), rq.world.TransitGatewayAttachments(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &attachmentsXML{NextToken: token}
	for _, a := range found {
		answer.Attachments.Items = append(answer.Attachments.Items, attachmentXML(a))
		rq.record.Told = append(rq.record.Told, sim.Told{Resource: a.ID, Field: "attachment-state", Value: a.State})
	}
	return answer, nil
}

// attachmentIDs are the ids of attachments, of all kinds or of one. Source of the
// message for one that is not there: live probe quoted by floci-io/floci.
func attachmentIDs() ids {
	return ids{
		param: "TransitGatewayAttachmentIds", marker: "tgw-attach-",
		malformed: func(string) *sim.APIError { return badAttachmentID() },
		notFound:  refuse("InvalidTransitGatewayAttachmentID.NotFound", "Transit Gateway Attachment %s was deleted or does not exist."),
	}
}

// badAttachmentID is the refusal of an id that names no attachment. Source: live
// probe quoted by floci-io/floci.
func badAttachmentID() *sim.APIError {
	return fail(http.StatusBadRequest, "InvalidTransitGatewayAttachmentID.Malformed", "Invalid Transit Gateway Attachment id.")
}

// badTGWTableID is the refusal of an id that names no transit gateway route
// table. Source: live probe quoted by floci-io/floci.
func badTGWTableID(id string) *sim.APIError {
	return fail(http.StatusBadRequest, "InvalidRouteTableId.Malformed", "Invalid Transit Gateway Route Table id %s.", id)
}

// tgwTableKind selects for DescribeTransitGatewayRouteTables. No table of the
// simulated network is a default one. Source of the filters: EC2 API reference,
// DescribeTransitGatewayRouteTables.
func tgwTableKind() kind[sim.TGWTableView] {
	return kind[sim.TGWTableView]{
		id: func(t sim.TGWTableView) string { return t.ID },
		names: []string{
			"transit-gateway-route-table-id", "transit-gateway-id", "state",
			"default-association-route-table", "default-propagation-route-table",
		},
		badName: badTGWFilter,
		field: func(t sim.TGWTableView, name string) []string {
			switch name {
			case "transit-gateway-route-table-id":
				return []string{t.ID}
			case "transit-gateway-id":
				return []string{t.TransitGateway}
			case "state":
				return []string{t.State}
			}
			return []string{"false"}
		},
	}
}

func describeTGWTables(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "TransitGatewayRouteTableIds", marker: "tgw-rtb-", malformed: badTGWTableID,
		notFound: refuse("InvalidRouteTableID.NotFound", "Transit Gateway Route Table %s was deleted or does not exist."),
	}
	found, token, _, err := read(rq, tgwTableKind(), d, tgwPages(), rq.world.TransitGatewayRouteTables(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &tgwTablesXML{NextToken: token}
	for _, t := range found {
		answer.Tables.Items = append(answer.Tables.Items, tgwTableXML{ID: t.ID, TransitGateway: t.TransitGateway, State: t.State})
	}
	return answer, nil
}

// associationKind selects for GetTransitGatewayRouteTableAssociations. Source of
// the filters: EC2 API reference, GetTransitGatewayRouteTableAssociations.
func associationKind() kind[sim.AttachmentRef] {
	return kind[sim.AttachmentRef]{
		id:      func(a sim.AttachmentRef) string { return a.ID },
		names:   []string{"transit-gateway-attachment-id", "resource-id", "resource-type"},
		badName: badTGWFilter,
		field: func(a sim.AttachmentRef, name string) []string {
			switch name {
			case "transit-gateway-attachment-id":
				return []string{a.ID}
			case "resource-id":
				return []string{a.ResourceID}
			}
			return []string{a.ResourceType}
		},
	}
}

func getAssociations(rq *request) (any, *sim.APIError) {
	refs, token, err := inTable(rq, associationKind(), rq.world.Associations)
	if err != nil {
		return nil, err
	}
	answer := &associationsXML{NextToken: token}
	for _, ref := range refs {
		answer.Associations.Items = append(answer.Associations.Items, associationXML{refXML: refOf(ref), State: associated})
	}
	return answer, nil
}

// pagedRead reads what the paged Describe calls have in common.
func pagedRead[T any](rq *request, k kind[T], b bounds) ([]filter, paging, *sim.APIError) {
	filters, err := rq.filters()
	if err == nil {
		err = k.check(filters)
	}
	if err != nil {
		return nil, paging{}, err
	}
	pg, err := rq.paging(b)
	return filters, pg, err
}

// tgwTable reads the id of a transit gateway route table.
func (rq *request) tgwTable() (string, *sim.APIError) {
	table, err := rq.required("TransitGatewayRouteTableId", "TransitGatewayRouteTableId")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(table, "tgw-rtb-") {
		return "", badTGWTableID(table)
	}
	return table, nil
}
