package sim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// reservedRanges are not accepted as destinations, nor is any part of them (VPC
// User Guide, route tables). A larger block that overlaps them is accepted.
func reservedRanges() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("169.254.168.0/22"), netip.MustParsePrefix("fd00:ec2::/32")}
}

// within reports whether inner is equal to outer or a part of it.
func within(inner, outer netip.Prefix) bool {
	return inner.Bits() >= outer.Bits() && outer.Contains(inner.Addr())
}

func (w *World) vpcTableOf(c Caller, id string) (*vpcTable, *APIError) {
	if !strings.HasPrefix(id, "rtb-") {
		return nil, badRequest(codeRouteTableMalformed, "Invalid id: %q (expecting \"rtb-...\")", id)
	}
	t := w.vpcTables[id]
	if t == nil || !t.vpc.owner.is(c) {
		return nil, errVPCTableNotFound(id)
	}
	return t, nil
}

// RouteTables lists the VPC route tables of the caller's account and Region,
// sorted by id, with their routes sorted by destination.
func (w *World) RouteTables(c Caller) []VPCTableView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	views := make([]VPCTableView, 0, len(w.vpcTables))
	for _, id := range sortedKeys(w.vpcTables) {
		t := w.vpcTables[id]
		if !t.vpc.owner.is(c) {
			continue
		}
		routes := t.routes.asOf(asOf)
		view := VPCTableView{ID: id, VPC: t.vpc.id, Main: t.vpc.tables[0] == t, Routes: make([]VPCRouteView, 0, len(routes))}
		for _, dst := range sortedPrefixes(routes) {
			view.Routes = append(view.Routes, routes[dst])
		}
		views = append(views, view)
	}
	return views
}

// CreateRoute creates a static route. The CIDR is canonicalised; a standing
// static is RouteAlreadyExists, even with the same target. Other errors:
// InvalidRouteTableID.NotFound, InvalidTransitGatewayID.NotFound (also when the
// VPC has no available attachment to the gateway), InvalidParameterValue for a
// reserved destination or a target that the destination does not take, and
// RouteLimitExceeded.
func (w *World) CreateRoute(c Caller, table string, dst netip.Prefix, target string) (*RouteWrite, *APIError) {
	return w.writeVPCRoute(c, table, dst, func(t *vpcTable, dst netip.Prefix) (VPCRouteView, *APIError) {
		return w.createdRoute(t, dst, target)
	})
}

// ReplaceRoute switches the target of a standing static route, or of the local
// route to an interface and back to "local". The same target again succeeds
// (UNVERIFIED). A destination without a static route is InvalidParameterValue
// or InvalidRoute.NotFound, see Options.ReplaceMissingIsNotFound.
func (w *World) ReplaceRoute(c Caller, table string, dst netip.Prefix, target string) (*RouteWrite, *APIError) {
	return w.writeVPCRoute(c, table, dst, func(t *vpcTable, dst netip.Prefix) (VPCRouteView, *APIError) {
		return w.replacedRoute(t, dst, target)
	})
}

// writeVPCRoute validates by means of after, which computes the entry that the
// write leaves, and then writes it.
func (w *World) writeVPCRoute(c Caller, table string, dst netip.Prefix,
	after func(*vpcTable, netip.Prefix) (VPCRouteView, *APIError),
) (write *RouteWrite, refused *APIError) {
	w.do(func(s *step) {
		if refused = w.earlyDryRun(c); refused != nil {
			return
		}
		var t *vpcTable
		if t, refused = w.vpcTableOf(c, table); refused != nil {
			return
		}
		if dst, refused = canonical(dst); refused != nil {
			return
		}
		var put VPCRouteView
		if put, refused = after(t, dst); refused != nil {
			return
		}
		if c.DryRun {
			refused = errDryRun()
			return
		}
		write = &RouteWrite{
			Table: t.id, Destination: dst.String(),
			Before: t.routes.current[dst].Target, After: put.Target,
		}
		if t.routes.current[dst] != put {
			t.routes.set(s.now, dst, put)
		}
	})
	return write, refused
}

func (w *World) createdRoute(t *vpcTable, dst netip.Prefix, target string) (VPCRouteView, *APIError) {
	if refused := checkReserved(dst); refused != nil {
		return VPCRouteView{}, refused
	}
	if refused := t.checkLocal(dst, target); refused != nil {
		return VPCRouteView{}, refused
	}
	if _, stands := t.routes.current[dst]; stands {
		return VPCRouteView{}, badRequest(codeRouteAlreadyExists, "The route identified by %s already exists.", dst)
	}
	if refused := w.checkVPCTarget(t.vpc, target); refused != nil {
		return VPCRouteView{}, refused
	}
	if t.staticCount(dst.Addr().Is4()) >= w.options.VPCRouteQuota {
		return VPCRouteView{}, badRequest(codeRouteLimit, "The maximum number of routes has been reached.")
	}
	return VPCRouteView{Destination: dst, Target: target, Origin: originStatic, State: t.vpc.routeState(target)}, nil
}

func (w *World) replacedRoute(t *vpcTable, dst netip.Prefix, target string) (VPCRouteView, *APIError) {
	standing, stands := t.routes.current[dst]
	if !stands {
		if w.options.ReplaceMissingIsNotFound {
			return VPCRouteView{}, badRequest(codeRouteNotFound, "no route with destination-cidr-block %s in route table %s", dst, t.id)
		}
		return VPCRouteView{}, badRequest(codeInvalidParameter, "There is no route defined for '%s' in the route table. Use CreateRoute instead.", dst)
	}
	put := standing
	put.Target, put.State = target, t.vpc.routeState(target)
	if standing.Origin == originLocal && target == localTarget {
		return put, nil
	}
	if refused := t.checkLocal(dst, target); refused != nil {
		return VPCRouteView{}, refused
	}
	if refused := w.checkVPCTarget(t.vpc, target); refused != nil {
		return VPCRouteView{}, refused
	}
	return put, nil
}

// DeleteRoute removes a static route. The local route cannot be removed
// (InvalidParameterValue); a destination without a route is InvalidRoute.NotFound.
func (w *World) DeleteRoute(c Caller, table string, dst netip.Prefix) (write *RouteWrite, refused *APIError) {
	w.do(func(s *step) {
		if refused = w.earlyDryRun(c); refused != nil {
			return
		}
		var t *vpcTable
		if t, refused = w.vpcTableOf(c, table); refused != nil {
			return
		}
		if dst, refused = canonical(dst); refused != nil {
			return
		}
		standing, stands := t.routes.current[dst]
		switch {
		case !stands:
			refused = badRequest(codeRouteNotFound, "no route with destination-cidr-block %s in route table %s", dst, t.id)
		case standing.Origin == originLocal:
			refused = badRequest(codeInvalidParameter, "cannot remove local route %s in route table %s", dst, t.id)
		case c.DryRun:
			refused = errDryRun()
		default:
			write = &RouteWrite{Table: t.id, Destination: dst.String(), Before: standing.Target}
			t.routes.remove(s.now, dst)
		}
	})
	return write, refused
}

// checkReserved refuses the link-local range of AWS's own services. The code
// and the message are UNVERIFIED; the refusal is documented.
func checkReserved(dst netip.Prefix) *APIError {
	for _, reserved := range reservedRanges() {
		if within(dst, reserved) {
			return badRequest(codeInvalidParameter, "The destination CIDR block %s is within the reserved range %s.", dst, reserved)
		}
	}
	return nil
}

// checkLocal refuses what a destination equal to or more specific than the
// local route does not take: a more specific one must be the whole CIDR of a
// subnet, and the target an interface or the like (VPC User Guide, replace the
// local route; more specific routes). The message for a part of a subnet is
// UNVERIFIED.
func (t *vpcTable) checkLocal(dst netip.Prefix, target string) *APIError {
	covers := func(local netip.Prefix) bool { return within(dst, local) }
	if !slices.ContainsFunc(t.vpc.cidrs, covers) {
		return nil
	}
	markers := []string{"eni-", "i-", "vpce-"}
	if !slices.Contains(t.vpc.cidrs, dst) {
		markers = []string{"eni-", "i-", "vpce-", "nat-"}
		if !t.vpc.hasSubnet(dst) {
			return badRequest(codeInvalidParameter, "The destination CIDR block %s is more specific than one of this VPC's CIDR blocks, and is not the CIDR block of a subnet.", dst)
		}
	}
	for _, marker := range markers {
		if strings.HasPrefix(target, marker) {
			return nil
		}
	}
	return badRequest(codeInvalidParameter, targetNotSupported)
}

// checkVPCTarget looks the target up. A transit gateway without an available
// attachment to the VPC is answered like one that does not exist. Of other
// targets those exist that the topology names in a route of the VPC.
func (w *World) checkVPCTarget(v *vpc, target string) *APIError {
	if isGatewayID(target) {
		if a, attached := v.attachedTo(target); !attached || a.state != attachmentAvailable {
			return errGatewayNotFound(target)
		}
		return nil
	}
	if v.targets[target] {
		return nil
	}
	for _, missing := range missingTargets() {
		if strings.HasPrefix(target, missing.marker) {
			return badRequest(missing.code, missing.text, target)
		}
	}
	return badRequest(codeInvalidParameter, "Value (%s) for parameter target is invalid.", target)
}

// missingTarget is how a target that does not exist is answered.
type missingTarget struct{ marker, code, text string }

// missingTargets lists the codes for targets that do not exist (EC2 API, error
// codes); the messages are in the common form.
func missingTargets() []missingTarget {
	return []missingTarget{
		{"igw-", "InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist"},
		{"vgw-", "InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist"},
		{"eni-", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"},
		{"i-", "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist"},
		{"nat-", "NatGatewayNotFound", "The Nat Gateway %s was not found"},
		{"pcx-", "InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID '%s' does not exist"},
		{"vpce-", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist"},
	}
}

// staticCount counts the routes against the quota: those of origin CreateRoute,
// IPv4 and IPv6 apart. Whether the local routes count is UNVERIFIED.
func (t *vpcTable) staticCount(ipv4 bool) int {
	count := 0
	for dst, route := range t.routes.current {
		if route.Origin == originStatic && dst.Addr().Is4() == ipv4 {
			count++
		}
	}
	return count
}

// compareVPCTables orders tables by VPC, the main one first, then by id.
func compareVPCTables(a, b *vpcTable) int {
	if c := cmp.Compare(a.vpc.id, b.vpc.id); c != 0 {
		return c
	}
	if aMain, bMain := a.vpc.tables[0] == a, b.vpc.tables[0] == b; aMain != bMain {
		if aMain {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.id, b.id)
}
