package sim

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"detour/shared/route"
)

// host is where the reachability check speaks from and to; one of vpc and site is set.
type host struct {
	name string
	addr netip.Addr
	vpc  *vpc
	site *site
}

// ForceRoute is a person or another program writing a route: it creates the
// static route or replaces its target, and with an empty target deletes it. by
// names the writer in the call log, as process "writer:" + by. The write obeys
// the rules of the API but takes no token of the request buckets. An error of
// the API is returned as an *APIError, and is in the call log too.
func (w *World) ForceRoute(by, table, dst, target string) error {
	to, err := route.ParseDestination(dst)
	if err != nil {
		return fmt.Errorf("destination %q is neither a CIDR block nor a prefix list: write for example 10.0.0.0/8 or pl-0123456789abcdef0", dst)
	}
	c, transit, err := w.writerOf(by, table)
	if err != nil {
		return err
	}
	action, write, refused := w.force(c, transit, table, to, target)
	tableKey := "RouteTableId"
	if transit {
		tableKey = "TransitGatewayRouteTableId"
	}
	named := "DestinationCidrBlock"
	if to.List() != "" {
		named = "DestinationPrefixListId"
	}
	params := url.Values{tableKey: {table}, named: {dst}, "Target": {target}}
	return w.recordForced(c, action, params, write, refused)
}

// writerOf makes a caller of the account and Region that own the table.
func (w *World) writerOf(by, table string) (c Caller, transit bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var own owner
	switch {
	case w.tgwTables[table] != nil:
		own, transit = w.tgwTables[table].gateway.owner, true
	case w.vpcTables[table] != nil:
		own = w.vpcTables[table].vpc.owner
	default:
		known := append(sortedKeys(w.tgwTables), sortedKeys(w.vpcTables)...)
		return Caller{}, false, fmt.Errorf("table %q is not in the topology: use one of %s", table, strings.Join(known, ", "))
	}
	return Caller{Account: own.account, Region: own.region, Call: Call{Process: "writer:" + by}}, transit, nil
}

func (w *World) force(c Caller, transit bool, table string, dst route.Destination, target string) (string, *RouteWrite, *APIError) {
	stands := w.hasRoute(transit, table, dst)
	switch {
	case transit && dst.List() != "":
		return w.forceReference(c, table, dst.List(), target, stands)
	case transit:
		return w.forceTransit(c, table, dst.Prefix(), target, stands)
	case target == "":
		write, refused := w.DeleteRoute(c, table, dst)
		return "DeleteRoute", write, refused
	case stands:
		write, refused := w.ReplaceRoute(c, table, dst, target)
		return "ReplaceRoute", write, refused
	default:
		write, refused := w.CreateRoute(c, table, dst, target)
		return "CreateRoute", write, refused
	}
}

func (w *World) forceTransit(c Caller, table string, dst netip.Prefix, target string, stands bool) (action string, write *RouteWrite, refused *APIError) {
	switch {
	case target == "":
		_, write, refused = w.DeleteTransitGatewayRoute(c, table, dst)
		return "DeleteTransitGatewayRoute", write, refused
	case stands:
		_, write, refused = w.ReplaceTransitGatewayRoute(c, table, dst, target)
		return "ReplaceTransitGatewayRoute", write, refused
	default:
		_, write, refused = w.CreateTransitGatewayRoute(c, table, dst, target)
		return "CreateTransitGatewayRoute", write, refused
	}
}

func (w *World) forceReference(c Caller, table, list, target string, stands bool) (action string, write *RouteWrite, refused *APIError) {
	switch {
	case target == "":
		_, write, refused = w.DeleteTransitGatewayPrefixListReference(c, table, list)
		return "DeleteTransitGatewayPrefixListReference", write, refused
	case stands:
		_, write, refused = w.ModifyTransitGatewayPrefixListReference(c, table, list, target)
		return "ModifyTransitGatewayPrefixListReference", write, refused
	default:
		_, write, refused = w.CreateTransitGatewayPrefixListReference(c, table, list, target)
		return "CreateTransitGatewayPrefixListReference", write, refused
	}
}

// hasRoute reports whether a write to the destination has to replace: a static
// route or a reference of a TGW table, or a local or static route of a VPC table,
// stands there.
func (w *World) hasRoute(transit bool, table string, dst route.Destination) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var stands bool
	switch {
	case transit && dst.List() != "":
		_, stands = w.tgwTables[table].references[dst.List()]
	case transit:
		_, stands = w.tgwTables[table].statics[dst.Prefix()]
	default:
		_, stands = w.vpcTables[table].standing(dst)
	}
	return stands
}
