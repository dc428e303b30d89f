package awsec2

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/route"
)

// localGateway is the GatewayId of a VPC's own route.
const localGateway = "local"

// transitGatewayRoute maps one route of SearchTransitGatewayRoutes. A route
// that a prefix list reference made is shown with type propagated and the list's
// id; whatever its type, a route with a list is not a static of its own. Source:
// EC2 API, type TransitGatewayRoute.
func transitGatewayRoute(table route.Table, shown types.TransitGatewayRoute) (route.Route, error) {
	list := aws.ToString(shown.PrefixListId)
	destination, err := destinationOf(aws.ToString(shown.DestinationCidrBlock), list)
	if err != nil {
		return route.Route{}, err
	}
	out := route.Route{Table: table, Destination: destination, State: route.State(shown.State)}
	switch {
	case list != "":
		out.Origin, out.List = route.OriginPrefixListReference, list
	case shown.Type == types.TransitGatewayRouteTypeStatic:
		out.Origin = route.OriginStatic
	case shown.Type == types.TransitGatewayRouteTypePropagated:
		out.Origin = route.OriginPropagated
	default:
		return route.Route{}, fmt.Errorf("route %s is of the unknown type %q", destination, shown.Type)
	}
	out.NextHop = attachmentsOf(shown.TransitGatewayAttachments, out.Origin)
	return out, nil
}

// attachmentsOf maps the attachments of a TGW route. A static or a reference
// without any drops its traffic, be it meant so or because its attachment was
// deleted.
func attachmentsOf(attachments []types.TransitGatewayRouteAttachment, origin route.Origin) route.NextHop {
	if len(attachments) == 0 && origin != route.OriginPropagated {
		return route.NextHop{Kind: route.Blackhole}
	}
	ids := make([]string, 0, len(attachments))
	for _, attachment := range attachments {
		if id := aws.ToString(attachment.TransitGatewayAttachmentId); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return route.NextHop{Kind: route.UnknownNextHop}
	}
	slices.Sort(ids)
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: strings.Join(slices.Compact(ids), ",")}
}

// vpcRoute maps one route of DescribeRouteTables. Source: EC2 API, type Route.
func vpcRoute(table route.Table, shown types.Route) (route.Route, error) {
	cidr := aws.ToString(shown.DestinationCidrBlock)
	if cidr == "" {
		cidr = aws.ToString(shown.DestinationIpv6CidrBlock)
	}
	destination, err := destinationOf(cidr, aws.ToString(shown.DestinationPrefixListId))
	if err != nil {
		return route.Route{}, err
	}
	return route.Route{
		Table: table, Destination: destination, NextHop: vpcNextHop(shown),
		Origin: vpcOrigin(shown), State: route.State(shown.State),
	}, nil
}

// destinationOf reads a destination, by its CIDR block where it has one.
func destinationOf(cidr, list string) (route.Destination, error) {
	switch {
	case cidr != "" && !strings.Contains(cidr, "/"):
		// ParseDestination would take pl-… for a list here.
		return route.Destination{}, fmt.Errorf("destination %q is no CIDR block", cidr)
	case cidr != "":
		return route.ParseDestination(cidr)
	case list != "":
		return route.PrefixList(list), nil
	default:
		return route.Destination{}, errors.New("a route has no destination that Detour knows")
	}
}

// vpcOrigin maps the origin of a VPC route. An origin that a later API version
// adds is carried through: it is none that Detour writes to.
func vpcOrigin(shown types.Route) route.Origin {
	switch shown.Origin {
	case types.RouteOriginCreateRouteTable:
		if aws.ToString(shown.GatewayId) == localGateway {
			return route.OriginLocal
		}
		// ReplaceRoute gave the local route another target, and kept its origin.
		return route.OriginStatic
	case types.RouteOriginCreateRoute:
		return route.OriginStatic
	case types.RouteOriginEnableVgwRoutePropagation, types.RouteOriginAdvertisement:
		return route.OriginPropagated
	default:
		return route.Origin(shown.Origin)
	}
}

// vpcNextHop maps the target of a VPC route. A route to an instance shows the
// instance and its interface (EC2 API, Route), and is counted as one to the
// interface: an appliance is declared by its interface, and whether EC2 shows
// the instance for such a route too is UNVERIFIED.
func vpcNextHop(shown types.Route) route.NextHop {
	if id := aws.ToString(shown.GatewayId); id != "" {
		return gatewayNextHop(id)
	}
	targets := []struct {
		kind route.NextHopKind
		id   *string
	}{
		{route.TransitGateway, shown.TransitGatewayId},
		{route.NetworkInterface, shown.NetworkInterfaceId},
		{route.Instance, shown.InstanceId},
		{route.NATGateway, shown.NatGatewayId},
		{route.VPCPeeringConnection, shown.VpcPeeringConnectionId},
		{route.EgressOnlyInternetGateway, shown.EgressOnlyInternetGatewayId},
		{route.LocalGateway, shown.LocalGatewayId},
		{route.CarrierGateway, shown.CarrierGatewayId},
		{route.CoreNetwork, shown.CoreNetworkArn},
		{route.ODBNetwork, shown.OdbNetworkArn},
		{route.IPAddress, shown.IpAddress},
	}
	for _, target := range targets {
		if id := aws.ToString(target.id); id != "" {
			return route.NextHop{Kind: target.kind, ID: id}
		}
	}
	return route.NextHop{Kind: route.UnknownNextHop}
}

// gatewayNextHop maps a GatewayId: local, an internet or VPN gateway, or a
// gateway endpoint.
func gatewayNextHop(id string) route.NextHop {
	switch start, _, _ := strings.Cut(id, "-"); start {
	case localGateway:
		return route.NextHop{Kind: route.Local}
	case "igw":
		return route.NextHop{Kind: route.InternetGateway, ID: id}
	case "vgw":
		return route.NextHop{Kind: route.VPNGateway, ID: id}
	case "vpce":
		return route.NextHop{Kind: route.VPCEndpoint, ID: id}
	default:
		return route.NextHop{Kind: route.UnknownNextHop, ID: id}
	}
}
