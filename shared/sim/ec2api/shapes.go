package ec2api

import (
	"strings"

	"detour/shared/sim"
)

const (
	vpnType    = "ipsec.1"
	associated = "associated"
)

// The shapes of answers. Source of the names: EC2 API model 2016-11-15.

type tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// tags returns the tags of a named thing.
func tags(name string) list[tag] {
	if name == "" {
		return list[tag]{}
	}
	return list[tag]{Items: []tag{{Key: "Name", Value: name}}}
}

type vpnConnectionsXML struct {
	stamped
	Connections list[vpnConnection] `xml:"vpnConnectionSet"`
}

type vpnConnection struct {
	ID             string          `xml:"vpnConnectionId"`
	Customer       string          `xml:"customerGatewayId"`
	State          string          `xml:"state"`
	Type           string          `xml:"type"`
	Category       string          `xml:"category"`
	TransitGateway string          `xml:"transitGatewayId,omitempty"`
	VPNGateway     string          `xml:"vpnGatewayId,omitempty"`
	StaticOnly     bool            `xml:"options>staticRoutesOnly"`
	Tags           list[tag]       `xml:"tagSet"`
	Routes         list[vpnRoute]  `xml:"routes"`
	Telemetry      list[telemetry] `xml:"vgwTelemetry"`
}

type vpnRoute struct {
	Destination string `xml:"destinationCidrBlock"`
	Source      string `xml:"source"`
	State       string `xml:"state"`
}

type telemetry struct {
	OutsideIP  string `xml:"outsideIpAddress"`
	Status     string `xml:"status"`
	Message    string `xml:"statusMessage"`
	Accepted   int    `xml:"acceptedRouteCount"`
	LastChange string `xml:"lastStatusChange,omitempty"`
}

// vpnXML shows a VPN connection, with a customer gateway of its own: the World has one
// router for each site, and no object for it.
func vpnXML(v sim.VPNView) vpnConnection {
	shown := vpnConnection{
		ID: v.ID, Customer: "cgw-" + strings.TrimPrefix(v.ID, "vpn-"), State: v.State, Type: vpnType, Category: "VPN", TransitGateway: v.TransitGateway,
		VPNGateway: v.VPNGateway, StaticOnly: !v.BGP, Tags: tags(v.Name),
	}
	for _, block := range v.Routes {
		shown.Routes.Items = append(shown.Routes.Items, vpnRoute{Destination: block.String(), Source: "Static", State: "available"})
	}
	for _, t := range v.Tunnels {
		status := "DOWN"
		if t.Up {
			status = "UP"
		}
		shown.Telemetry.Items = append(shown.Telemetry.Items, telemetry{
			OutsideIP: t.OutsideIP, Status: status, Message: t.StatusMessage,
			Accepted: t.AcceptedRouteCount, LastChange: instant(t.LastStatusChange),
		})
	}
	return shown
}

type attachmentsXML struct {
	stamped
	Attachments list[attachment] `xml:"transitGatewayAttachments"`
	NextToken   *string          `xml:"nextToken"`
}

type attachment struct {
	ID             string            `xml:"transitGatewayAttachmentId"`
	TransitGateway string            `xml:"transitGatewayId"`
	GatewayOwner   string            `xml:"transitGatewayOwnerId"`
	ResourceOwner  string            `xml:"resourceOwnerId"`
	ResourceType   string            `xml:"resourceType"`
	ResourceID     string            `xml:"resourceId"`
	State          string            `xml:"state"`
	Association    *associationState `xml:"association"`
	Tags           list[tag]         `xml:"tagSet"`
}

type associationState struct {
	Table string `xml:"transitGatewayRouteTableId"`
	State string `xml:"state"`
}

func attachmentXML(a sim.AttachmentView) attachment {
	shown := attachment{
		ID: a.ID, TransitGateway: a.TransitGateway, GatewayOwner: a.OwnerAccount, ResourceOwner: a.ResourceOwner,
		ResourceType: a.ResourceType, ResourceID: a.ResourceID, State: a.State, Tags: tags(a.Name),
	}
	if a.AssociatedTable != "" {
		shown.Association = &associationState{Table: a.AssociatedTable, State: associated}
	}
	return shown
}

type tgwTablesXML struct {
	stamped
	Tables    list[tgwTableXML] `xml:"transitGatewayRouteTables"`
	NextToken *string           `xml:"nextToken"`
}

type tgwTableXML struct {
	ID                 string    `xml:"transitGatewayRouteTableId"`
	TransitGateway     string    `xml:"transitGatewayId"`
	State              string    `xml:"state"`
	DefaultAssociation bool      `xml:"defaultAssociationRouteTable"`
	DefaultPropagation bool      `xml:"defaultPropagationRouteTable"`
	Tags               list[tag] `xml:"tagSet"`
}

type associationsXML struct {
	stamped
	Associations list[associationXML] `xml:"associations"`
	NextToken    *string              `xml:"nextToken"`
}

type associationXML struct {
	refXML
	State string `xml:"state"`
}

type refXML struct {
	ID           string `xml:"transitGatewayAttachmentId"`
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
}

func refOf(ref sim.AttachmentRef) refXML {
	return refXML{ID: ref.ID, ResourceID: ref.ResourceID, ResourceType: ref.ResourceType}
}

type searchXML struct {
	stamped
	Routes    list[tgwRoute] `xml:"routeSet"`
	More      bool           `xml:"additionalRoutesAvailable"`
	NextToken *string        `xml:"nextToken"`
}

type tgwRouteAnswer struct {
	stamped
	Route tgwRoute `xml:"route"`
}

type tgwRoute struct {
	Destination string       `xml:"destinationCidrBlock"`
	PrefixList  string       `xml:"prefixListId,omitempty"`
	Attachments list[refXML] `xml:"transitGatewayAttachments"`
	Type        string       `xml:"type"`
	State       string       `xml:"state"`
}

func tgwRouteXML(route sim.TGWRouteView) tgwRoute {
	shown := tgwRoute{Destination: route.Destination.String(), PrefixList: route.PrefixList, Type: route.Type, State: route.State}
	for _, ref := range route.Attachments {
		shown.Attachments.Items = append(shown.Attachments.Items, refOf(ref))
	}
	return shown
}

type returnAnswer struct {
	stamped
	Return bool `xml:"return"`
}

type routeTablesXML struct {
	stamped
	Tables    list[routeTable] `xml:"routeTableSet"`
	NextToken *string          `xml:"nextToken"`
}

type routeTable struct {
	ID           string                 `xml:"routeTableId"`
	VPC          string                 `xml:"vpcId"`
	Owner        string                 `xml:"ownerId"`
	Routes       list[vpcRoute]         `xml:"routeSet"`
	Associations list[tableAssociation] `xml:"associationSet"`
	Propagating  list[propagatingVGW]   `xml:"propagatingVgwSet"`
	Tags         list[tag]              `xml:"tagSet"`
}

type propagatingVGW struct {
	Gateway string `xml:"gatewayId"`
}

type tableAssociation struct {
	ID     string `xml:"routeTableAssociationId"`
	Table  string `xml:"routeTableId"`
	Subnet string `xml:"subnetId,omitempty"`
	Main   bool   `xml:"main"`
	State  string `xml:"associationState>state"`
}

// vpcTable shows a table. The ids of associations are made from the table's or
// the subnet's, because the World has none.
func vpcTable(t sim.VPCTableView, account string) routeTable {
	shown := routeTable{ID: t.ID, VPC: t.VPC, Owner: account}
	if t.Main {
		shown.Associations.Items = []tableAssociation{{
			ID: "rtbassoc-" + strings.TrimPrefix(t.ID, "rtb-"), Table: t.ID, Main: true, State: associated,
		}}
	}
	for _, subnet := range t.Subnets {
		shown.Associations.Items = append(shown.Associations.Items, tableAssociation{
			ID: "rtbassoc-" + strings.TrimPrefix(subnet, "subnet-"), Table: t.ID, Subnet: subnet, State: associated,
		})
	}
	for _, gateway := range t.Propagating {
		shown.Propagating.Items = append(shown.Propagating.Items, propagatingVGW{Gateway: gateway})
	}
	for _, route := range t.Routes {
		entry := vpcRouteXML(route)
		if entry.Instance != "" {
			entry.InstanceOwner = account
		}
		shown.Routes.Items = append(shown.Routes.Items, entry)
	}
	return shown
}

type vpcRoute struct {
	Destination       string `xml:"destinationCidrBlock,omitempty"`
	DestinationIPv6   string `xml:"destinationIpv6CidrBlock,omitempty"`
	DestinationList   string `xml:"destinationPrefixListId,omitempty"`
	TransitGateway    string `xml:"transitGatewayId,omitempty"`
	NetworkInterface  string `xml:"networkInterfaceId,omitempty"`
	Gateway           string `xml:"gatewayId,omitempty"`
	NATGateway        string `xml:"natGatewayId,omitempty"`
	Instance          string `xml:"instanceId,omitempty"`
	InstanceOwner     string `xml:"instanceOwnerId,omitempty"`
	Peering           string `xml:"vpcPeeringConnectionId,omitempty"`
	EgressOnlyGateway string `xml:"egressOnlyInternetGatewayId,omitempty"`
	LocalGateway      string `xml:"localGatewayId,omitempty"`
	CarrierGateway    string `xml:"carrierGatewayId,omitempty"`
	CoreNetwork       string `xml:"coreNetworkArn,omitempty"`
	ODBNetwork        string `xml:"odbNetworkArn,omitempty"`
	Origin            string `xml:"origin"`
	State             string `xml:"state"`
}

// vpcRouteXML shows a route, its target in the element that the kind of its id
// belongs to. Gateway endpoints (vpce-) stand in gatewayId, as does local. A
// route to an appliance shows interface and instance.
func vpcRouteXML(route sim.VPCRouteView) vpcRoute {
	shown := vpcRoute{Origin: route.Origin, State: route.State, NetworkInterface: route.Interface, Instance: route.Instance}
	switch block := route.Destination.Prefix(); {
	case !block.IsValid():
		shown.DestinationList = route.Destination.List()
	case block.Addr().Is4():
		shown.Destination = block.String()
	default:
		shown.DestinationIPv6 = block.String()
	}
	kind, _, _ := strings.Cut(route.Target, "-")
	switch kind {
	case "tgw":
		shown.TransitGateway = route.Target
	case "eni":
		shown.NetworkInterface = route.Target
	case "nat":
		shown.NATGateway = route.Target
	case "i":
		shown.Instance = route.Target
	case "pcx":
		shown.Peering = route.Target
	case "eigw":
		shown.EgressOnlyGateway = route.Target
	case "lgw":
		shown.LocalGateway = route.Target
	case "cagw":
		shown.CarrierGateway = route.Target
	default:
		switch {
		case !strings.HasPrefix(route.Target, "arn:"):
			shown.Gateway = route.Target
		case strings.Contains(route.Target, ":odb:"):
			shown.ODBNetwork = route.Target
		default:
			shown.CoreNetwork = route.Target
		}
	}
	return shown
}
