package ec2api

import (
	"net/http"
	"net/netip"
	"strings"

	"detour/shared/route"
	"detour/shared/sim"
)

// target is one way to name the target of a VPC route: the parameter's name,
// what ids under it begin with, and AWS's code for an id that does not.
type target struct {
	param    string
	prefixes []string
	code     string
}

// targets are the targets of CreateRoute and ReplaceRoute. Source: EC2 API
// reference, CreateRoute. The codes for malformed ids are from the same
// reference, Error codes, where it has one; those of the last four are UNVERIFIED.
func targets() []target {
	return []target{
		{"TransitGatewayId", []string{"tgw-"}, "InvalidTransitGatewayID.Malformed"},
		{"NetworkInterfaceId", []string{"eni-"}, "InvalidNetworkInterfaceId.Malformed"},
		{"GatewayId", []string{"igw-", "vgw-"}, "InvalidGatewayID.Malformed"},
		{"InstanceId", []string{"i-"}, "InvalidInstanceID.Malformed"},
		{"NatGatewayId", []string{"nat-"}, "NatGatewayMalformed"},
		{"VpcPeeringConnectionId", []string{"pcx-"}, "InvalidVpcPeeringConnectionId.Malformed"},
		{"VpcEndpointId", []string{"vpce-"}, "InvalidVpcEndpointId.Malformed"},
		{"EgressOnlyInternetGatewayId", []string{"eigw-"}, "InvalidEgressOnlyInternetGatewayId.Malformed"},
		{"LocalGatewayId", []string{"lgw-"}, "InvalidLocalGatewayID.Malformed"},
		{"CarrierGatewayId", []string{"cagw-"}, "InvalidCarrierGatewayID.Malformed"},
		{"CoreNetworkArn", []string{"arn:"}, "InvalidParameterValue"},
		{"OdbNetworkArn", []string{"arn:"}, "InvalidParameterValue"},
	}
}

func targetNames() []string {
	var names []string
	for _, t := range targets() {
		names = append(names, t.param)
	}
	return names
}

// createRoute answers CreateRoute.
func createRoute(rq *request) (any, *sim.APIError) {
	table, dst, err := rq.vpcDestination()
	if err != nil {
		return nil, err
	}
	to, err := rq.vpcTarget()
	if err != nil {
		return nil, err
	}
	write, err := rq.world.CreateRoute(rq.caller, table, dst, to)
	return rq.vpcWritten(write, err)
}

// replaceRoute answers ReplaceRoute.
func replaceRoute(rq *request) (any, *sim.APIError) {
	table, dst, err := rq.vpcDestination()
	if err != nil {
		return nil, err
	}
	to, err := rq.vpcTarget()
	if err != nil {
		return nil, err
	}
	write, err := rq.world.ReplaceRoute(rq.caller, table, dst, to)
	return rq.vpcWritten(write, err)
}

// deleteRoute answers DeleteRoute.
func deleteRoute(rq *request) (any, *sim.APIError) {
	table, dst, err := rq.vpcDestination()
	if err != nil {
		return nil, err
	}
	write, err := rq.world.DeleteRoute(rq.caller, table, dst)
	return rq.vpcWritten(write, err)
}

func (rq *request) vpcWritten(write *sim.RouteWrite, err *sim.APIError) (any, *sim.APIError) {
	if err != nil {
		return nil, err
	}
	rq.record.Write = write
	return &returnAnswer{Return: true}, nil
}

// vpcDestination reads the table and the destination of a write: exactly one of
// an IPv4 block, an IPv6 block and a prefix list. The code for two is UNVERIFIED.
func (rq *request) vpcDestination() (string, route.Destination, *sim.APIError) {
	table, err := rq.vpcTableID()
	if err != nil {
		return "", route.Destination{}, err
	}
	var given []string
	for _, name := range []string{"DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"} {
		if rq.params.Has(name) {
			given = append(given, name)
		}
	}
	if len(given) == 0 {
		return "", route.Destination{}, missing("destinationCidrBlock or destinationIpv6CidrBlock")
	}
	if len(given) > 1 {
		return "", route.Destination{}, fail(http.StatusBadRequest, "InvalidParameterCombination", "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock, destinationPrefixListId")
	}
	value := rq.params.Get(given[0])
	switch given[0] {
	case "DestinationPrefixListId":
		if err = checkListID(value); err != nil {
			return "", route.Destination{}, err
		}
		return table, route.PrefixList(value), nil
	case "DestinationIpv6CidrBlock":
		dst, err := readDestination(value, "destinationIpv6CidrBlock", "destination-ipv6-cidr-block")
		if err == nil && dst.Addr().Is4() {
			err = badCIDR(dst.String(), "destinationIpv6CidrBlock")
		}
		return table, route.CIDR(dst), err
	default:
		dst, err := readDestination(value, "destinationCidrBlock", "destination-cidr-block")
		if err == nil && !dst.Addr().Is4() {
			err = badCIDR(dst.String(), "destinationCidrBlock")
		}
		return table, route.CIDR(dst), err
	}
}

// vpcTableID reads the id of a VPC route table.
func (rq *request) vpcTableID() (string, *sim.APIError) {
	table, err := rq.required("RouteTableId", "routeTableId")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(table, "rtb-") {
		return "", badTableID(table)
	}
	return table, nil
}

// readDestination reads a block. The message for an empty one is from an issue
// of aws-solutions-library-samples/network-orchestration-for-aws-transit-gateway.
func readDestination(value, shownAs, emptyAs string) (netip.Prefix, *sim.APIError) {
	if value == "" {
		return netip.Prefix{}, fail(http.StatusBadRequest, "InvalidParameterValue", "invalid value for parameter %s: ", emptyAs)
	}
	return parseCIDR(value, shownAs)
}

// badTableID is the refusal of an id that names no VPC route table. Source of
// the code: EC2 API reference, Error codes; of the message: EC2's usual one for
// malformed ids, UNVERIFIED for this call.
func badTableID(id string) *sim.APIError {
	return expecting("InvalidRouteTableId.Malformed", "rtb-")(id)
}

// vpcTarget reads the target of a write: exactly one. The codes for none and
// for several are UNVERIFIED.
func (rq *request) vpcTarget() (string, *sim.APIError) {
	var given []string
	for _, t := range targets() {
		id := rq.params.Get(t.param)
		if id == "" {
			continue
		}
		if !hasPrefix(id, t.prefixes) {
			return "", expecting(t.code, t.prefixes[0])(id)
		}
		given = append(given, id)
	}
	local, err := rq.boolean("LocalTarget")
	if err != nil {
		return "", err
	}
	if local {
		given = append(given, "local")
	}
	const one = "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId, vpcEndpointId, coreNetworkArn, odbNetworkArn or instanceId"
	switch len(given) {
	case 0:
		return "", fail(http.StatusBadRequest, "MissingParameter", one)
	case 1:
		return given[0], nil
	}
	return "", fail(http.StatusBadRequest, "InvalidParameterCombination", one)
}

func hasPrefix(id string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}
