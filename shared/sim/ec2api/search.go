package ec2api

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/sim"
)

// The filters of SearchTransitGatewayRoutes. Source: EC2 API reference,
// SearchTransitGatewayRoutes.
const (
	byAttachment   = "attachment.transit-gateway-attachment-id"
	byResource     = "attachment.resource-id"
	byResourceType = "attachment.resource-type"
	byPrefixList   = "prefix-list-id"
	byExact        = "route-search.exact-match"
	byLongest      = "route-search.longest-prefix-match"
	bySubnetOf     = "route-search.subnet-of-match"
	bySupernetOf   = "route-search.supernet-of-match"
	byState        = "state"
	byType         = "type"
)

// resourceTypes are the values of TransitGatewayAttachmentResourceType.
func resourceTypes() []string {
	return []string{
		"vpc", "vpn", "vpn-concentrator", "direct-connect-gateway", "connect", "peering", "tgw-peering",
		"network-function", "client-vpn",
	}
}

// routeFilter is a filter of SearchTransitGatewayRoutes with its values read.
type routeFilter struct {
	filter
	prefixes  []netip.Prefix
	addresses []netip.Addr
	// winners are, for longest-prefix-match, the destinations that the whole
	// table gives for the addresses.
	winners []netip.Prefix
}

// searchRoutes answers SearchTransitGatewayRoutes: the visible routes of one
// table that all filters match, in the order of their destinations.
func searchRoutes(rq *request) (any, *sim.APIError) {
	table, err := rq.tgwTable()
	if err != nil {
		return nil, err
	}
	plain, err := rq.filters()
	if err != nil {
		return nil, err
	}
	if len(plain) == 0 {
		return nil, missing("Filters")
	}
	filters := make([]routeFilter, 0, len(plain))
	for _, f := range plain {
		read, refused := readRouteFilter(f)
		if refused != nil {
			return nil, refused
		}
		filters = append(filters, read)
	}
	pg, err := rq.paging(tgwPages())
	if err != nil {
		return nil, err
	}
	routes, err := rq.world.TransitGatewayRoutes(rq.caller, table)
	if err != nil {
		return nil, err
	}
	for i := range filters {
		filters[i].winners = longest(routes, filters[i].addresses)
	}
	var found []sim.TGWRouteView
	for _, route := range routes {
		if !slices.ContainsFunc(filters, func(f routeFilter) bool { return !f.matchesRoute(route) }) {
			found = append(found, route)
		}
	}
	slices.SortStableFunc(found, func(a, b sim.TGWRouteView) int { return strings.Compare(routeKey(a), routeKey(b)) })
	answer := &searchXML{}
	found, answer.NextToken = cut(rq, found, routeKey, pg)
	answer.More = answer.NextToken != nil
	for _, route := range found {
		answer.Routes.Items = append(answer.Routes.Items, tgwRouteXML(route))
	}
	return answer, nil
}

// readRouteFilter checks a filter's name and values, and reads the values.
func readRouteFilter(f filter) (routeFilter, *sim.APIError) {
	read := routeFilter{filter: f}
	var allowed []string
	switch f.name {
	case byAttachment, byResource, byPrefixList:
		return read, nil
	case byLongest:
		for _, value := range f.values {
			address, err := netip.ParseAddr(value)
			if err != nil || address.Zone() != "" {
				return read, badTGWFilter(value)
			}
			read.addresses = append(read.addresses, address)
		}
		return read, nil
	case byExact, bySubnetOf, bySupernetOf:
		for _, value := range f.values {
			prefix, err := netip.ParsePrefix(value)
			if err != nil {
				return read, badTGWFilter(value)
			}
			read.prefixes = append(read.prefixes, prefix.Masked())
		}
		return read, nil
	case byState:
		allowed = []string{"active", "blackhole"}
	case byType:
		allowed = []string{"propagated", "static"}
	case byResourceType:
		allowed = resourceTypes()
	default:
		return read, badTGWFilter(f.name)
	}
	for _, value := range f.values {
		if !slices.Contains(allowed, value) {
			return read, badTGWFilter(value)
		}
	}
	return read, nil
}

// longest returns the destination of the longest match of each address in the
// whole table. Whether AWS applies the other filters before or after is
// UNVERIFIED; here the match is the one that a packet would get.
func longest(routes []sim.TGWRouteView, addresses []netip.Addr) []netip.Prefix {
	var winners []netip.Prefix
	for _, address := range addresses {
		best := netip.Prefix{}
		for _, route := range routes {
			if route.Destination.Contains(address) && (!best.IsValid() || route.Destination.Bits() > best.Bits()) {
				best = route.Destination
			}
		}
		if best.IsValid() {
			winners = append(winners, best)
		}
	}
	return winners
}

// matchesRoute says whether the filter lets the route through. Subnet and
// supernet are inclusive.
func (f routeFilter) matchesRoute(route sim.TGWRouteView) bool {
	dst := route.Destination
	switch f.name {
	case byAttachment, byResource, byResourceType:
		return slices.ContainsFunc(route.Attachments, func(ref sim.AttachmentRef) bool {
			field := ref.ID
			switch f.name {
			case byResource:
				field = ref.ResourceID
			case byResourceType:
				field = ref.ResourceType
			}
			return slices.Contains(f.values, field)
		})
	case byExact:
		return slices.Contains(f.prefixes, dst)
	case byLongest:
		return slices.Contains(f.winners, dst)
	case bySubnetOf:
		return slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return p.Bits() <= dst.Bits() && p.Contains(dst.Addr()) })
	case bySupernetOf:
		return slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return dst.Bits() <= p.Bits() && dst.Contains(p.Addr()) })
	case byPrefixList:
		return listed(route, f.values)
	case byState:
		return slices.Contains(f.values, route.State)
	case byType:
		return slices.Contains(f.values, route.Type)
	}
	return false
}

// routeKey orders destinations: IPv4 before IPv6, then address, then length.
func routeKey(route sim.TGWRouteView) string {
	address := route.Destination.Addr()
	family := 6
	if address.Is4() {
		family = 4
	}
	return fmt.Sprintf("%d/%x/%03d", family, address.As16(), route.Destination.Bits())
}
