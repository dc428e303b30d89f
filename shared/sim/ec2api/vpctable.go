package ec2api

import (
	"strconv"

	"detour/shared/sim"
)

// vpcPages are the page limits of DescribeRouteTables. Source: EC2 API
// reference, DescribeRouteTables; what a call without MaxResults gets is
// UNVERIFIED. A page of 100 makes a client that does not page fail visibly.
func vpcPages() bounds { return bounds{least: 5, most: 100, usual: 100} }

// tableKind selects for DescribeRouteTables. A route.* filter matches a table if
// any of its routes matches it; whether two such filters must match the same
// route is UNVERIFIED, and not asked here. association.main=false matches every
// table that is not main, where AWS wants an explicit association. Source of the
// filters: EC2 API reference, DescribeRouteTables.
func tableKind(account string) kind[sim.VPCTableView] {
	return kind[sim.VPCTableView]{
		id: func(t sim.VPCTableView) string { return t.ID },
		names: []string{
			"route-table-id", "vpc-id", "owner-id", "association.main", "route.destination-cidr-block",
			"route.destination-ipv6-cidr-block", "route.state", "route.origin", "route.transit-gateway-id",
			"route.gateway-id", "route.instance-id", "route.nat-gateway-id", "route.vpc-peering-connection-id",
			"route.egress-only-internet-gateway-id", "route.destination-prefix-list-id", "association.subnet-id",
		},
		unsupported: []string{
			"association.gateway-id", "association.route-table-association-id", "association.route-table-id", "tag-key",
		},
		badName: badFilter,
		field: func(t sim.VPCTableView, name string) []string {
			switch name {
			case "route-table-id":
				return []string{t.ID}
			case "vpc-id":
				return []string{t.VPC}
			case "owner-id":
				return []string{account}
			case "association.main":
				return []string{strconv.FormatBool(t.Main)}
			case "association.subnet-id":
				return t.Subnets
			}
			var fields []string
			for _, route := range t.Routes {
				fields = append(fields, routeField(vpcRouteXML(route), name)...)
			}
			return fields
		},
	}
}

// routeField returns what a route.* filter compares, of a route as it is shown.
func routeField(route vpcRoute, name string) []string {
	switch name {
	case "route.destination-cidr-block":
		return nonEmpty(route.Destination)
	case "route.destination-ipv6-cidr-block":
		return nonEmpty(route.DestinationIPv6)
	case "route.destination-prefix-list-id":
		return nonEmpty(route.DestinationList)
	case "route.state":
		return nonEmpty(route.State)
	case "route.origin":
		return nonEmpty(route.Origin)
	case "route.transit-gateway-id":
		return nonEmpty(route.TransitGateway)
	case "route.gateway-id":
		return nonEmpty(route.Gateway)
	case "route.instance-id":
		return nonEmpty(route.Instance)
	case "route.nat-gateway-id":
		return nonEmpty(route.NATGateway)
	case "route.vpc-peering-connection-id":
		return nonEmpty(route.Peering)
	case "route.egress-only-internet-gateway-id":
		return nonEmpty(route.EgressOnlyGateway)
	}
	return nil
}

// describeRouteTables answers DescribeRouteTables. Routes keep the World's order.
func describeRouteTables(rq *request) (any, *sim.APIError) {
	d := ids{
		param: "RouteTableId", marker: "rtb-", malformed: badTableID,
		notFound: refuse("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist"),
	}
	found, token, _, err := read(rq, tableKind(rq.caller.Account), d, vpcPages(), rq.world.RouteTables(rq.caller))
	if err != nil {
		return nil, err
	}
	answer := &routeTablesXML{NextToken: token}
	for _, t := range found {
		answer.Tables.Items = append(answer.Tables.Items, vpcTable(t, rq.caller.Account))
	}
	return answer, nil
}
