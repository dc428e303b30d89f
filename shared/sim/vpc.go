package sim

import (
	"net/netip"
	"slices"
	"strings"

	"detour/shared/route"
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
// sorted by id, with their routes sorted by destination; of one destination the
// static entry stands before the propagated one.
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
		for _, subnet := range t.subnets {
			view.Subnets = append(view.Subnets, subnetID(t.vpc.id, subnet))
		}
		if t.propagating != nil {
			view.Propagating = []string{t.propagating.id}
		}
		for _, key := range sortedEntries(routes) {
			view.Routes = append(view.Routes, routes[key])
		}
		views = append(views, view)
	}
	return views
}

// CreateRoute creates a static route, beside a propagated one of the same
// destination if there is one. A CIDR is canonicalised; a standing static is
// RouteAlreadyExists, even with the same target. Other errors:
// InvalidRouteTableID.NotFound, InvalidTransitGatewayID.NotFound (also when the
// VPC has no available attachment to the gateway), the NotFound codes of other
// targets and of prefix lists, InvalidParameterValue for a reserved destination
// or a target that the destination does not take, and RouteLimitExceeded.
func (w *World) CreateRoute(c Caller, table string, dst route.Destination, target string) (*RouteWrite, *APIError) {
	return w.writeVPCRoute(c, table, dst, func(t *vpcTable) (VPCRouteView, *APIError) {
		return w.createdRoute(t, dst, target)
	})
}

// ReplaceRoute switches the target of a standing static route, or of the local
// route to an interface and back to "local". The same target again succeeds
// (UNVERIFIED). A destination without a static route is InvalidParameterValue
// or InvalidRoute.NotFound, see Options.ReplaceMissingIsNotFound; a propagated
// route does not count.
func (w *World) ReplaceRoute(c Caller, table string, dst route.Destination, target string) (*RouteWrite, *APIError) {
	return w.writeVPCRoute(c, table, dst, func(t *vpcTable) (VPCRouteView, *APIError) {
		return w.replacedRoute(t, dst, target)
	})
}

// writeVPCRoute validates by means of after, which computes the entry that the
// write leaves, and then writes it.
func (w *World) writeVPCRoute(c Caller, table string, dst route.Destination,
	after func(*vpcTable) (VPCRouteView, *APIError),
) (write *RouteWrite, refused *APIError) {
	w.do(func(s *step) {
		var t *vpcTable
		if t, refused = w.vpcTableToWrite(c, table, dst); refused != nil {
			return
		}
		var put VPCRouteView
		if put, refused = after(t); refused != nil {
			return
		}
		if c.DryRun {
			refused = errDryRun()
			return
		}
		standing, _ := t.standing(dst)
		write = &RouteWrite{Table: t.id, Destination: dst.String(), Before: standing.Target, After: put.Target}
		if standing != put {
			t.routes.set(s.now, vpcKey{dst: dst}, put)
		}
	})
	return write, refused
}

// vpcTableToWrite makes the checks that every write begins with. A prefix list
// has to be visible to the table's owner.
func (w *World) vpcTableToWrite(c Caller, table string, dst route.Destination) (*vpcTable, *APIError) {
	if refused := w.earlyDryRun(c); refused != nil {
		return nil, refused
	}
	t, refused := w.vpcTableOf(c, table)
	if refused != nil {
		return nil, refused
	}
	switch {
	case dst.List() != "":
		_, refused = w.prefixListOf(c, dst.List())
	case dst.IsZero():
		refused = badRequest(codeInvalidParameter, "Value (%s) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", dst)
	}
	return t, refused
}

func (w *World) createdRoute(t *vpcTable, dst route.Destination, target string) (VPCRouteView, *APIError) {
	if refused := checkReserved(dst.Prefix()); refused != nil {
		return VPCRouteView{}, refused
	}
	if refused := t.checkLocal(dst.Prefix(), target); refused != nil {
		return VPCRouteView{}, refused
	}
	if _, stands := t.standing(dst); stands {
		return VPCRouteView{}, badRequest(codeRouteAlreadyExists, "The route identified by %s already exists.", dst)
	}
	if refused := w.checkVPCTarget(t, dst, target); refused != nil {
		return VPCRouteView{}, refused
	}
	if t.weight(w, w.destinationIPv6(dst))+w.destinationWeight(dst) > w.options.VPCRouteQuota {
		return VPCRouteView{}, badRequest(codeRouteLimit, "The maximum number of routes has been reached.")
	}
	return w.routeView(t.vpc, dst, target, originStatic), nil
}

func (w *World) replacedRoute(t *vpcTable, dst route.Destination, target string) (VPCRouteView, *APIError) {
	standing, stands := t.standing(dst)
	if !stands {
		if w.options.ReplaceMissingIsNotFound {
			return VPCRouteView{}, errVPCRouteNotFound(dst, t.id)
		}
		return VPCRouteView{}, badRequest(codeInvalidParameter, "There is no route defined for '%s' in the route table. Use CreateRoute instead.", dst)
	}
	put := w.routeView(t.vpc, dst, target, standing.Origin)
	if standing.Origin == originLocal && target == localTarget {
		return put, nil
	}
	if refused := t.checkLocal(dst.Prefix(), target); refused != nil {
		return VPCRouteView{}, refused
	}
	if refused := w.checkVPCTarget(t, dst, target); refused != nil {
		return VPCRouteView{}, refused
	}
	return put, nil
}

// DeleteRoute removes a static route and leaves a propagated one of the same
// destination. The local route cannot be removed (InvalidParameterValue); a
// destination without a static route is InvalidRoute.NotFound, which for one
// that is only propagated is UNVERIFIED.
func (w *World) DeleteRoute(c Caller, table string, dst route.Destination) (write *RouteWrite, refused *APIError) {
	w.do(func(s *step) {
		var t *vpcTable
		if t, refused = w.vpcTableToWrite(c, table, dst); refused != nil {
			return
		}
		standing, stands := t.standing(dst)
		switch {
		case !stands:
			refused = errVPCRouteNotFound(dst, t.id)
		case standing.Origin == originLocal:
			refused = badRequest(codeInvalidParameter, "cannot remove local route %s in route table %s", dst, t.id)
		case c.DryRun:
			refused = errDryRun()
		default:
			write = &RouteWrite{Table: t.id, Destination: dst.String(), Before: standing.Target}
			t.routes.remove(s.now, vpcKey{dst: dst})
		}
	})
	return write, refused
}

// errVPCRouteNotFound is the answer for a route that is not there. The form for
// a prefix list is UNVERIFIED.
func errVPCRouteNotFound(dst route.Destination, table string) *APIError {
	named := "destination-cidr-block"
	if dst.List() != "" {
		named = "destination-prefix-list-id"
	}
	return badRequest(codeRouteNotFound, "no route with %s %s in route table %s", named, dst, table)
}

// checkReserved refuses the link-local range of AWS's own services. The code
// and the message are UNVERIFIED; the refusal is documented.
func checkReserved(dst netip.Prefix) *APIError {
	for _, reserved := range reservedRanges() {
		if dst.IsValid() && within(dst, reserved) {
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
	if !dst.IsValid() || !t.vpc.covers(dst) {
		return nil
	}
	markers := []string{"eni-", "i-", "vpce-"}
	if !slices.Contains(t.vpc.cidrs, dst) {
		markers = []string{"eni-", "i-", "vpce-", "nat-"}
		if !t.vpc.hasSubnet(dst) {
			return badRequest(codeInvalidParameter, "The destination CIDR block %s is more specific than one of this VPC's CIDR blocks, and is not the CIDR block of a subnet.", dst)
		}
	}
	if slices.ContainsFunc(markers, func(marker string) bool { return strings.HasPrefix(target, marker) }) {
		return nil
	}
	return badRequest(codeInvalidParameter, targetNotSupported)
}

// checkVPCTarget looks the target up. A transit gateway without an available
// attachment to the VPC is answered like one that does not exist; a gateway that
// is not attached to the VPC as an issue of smoketurner/serverless-vpc-plugin
// quotes it, and an interface of another VPC in the same form, UNVERIFIED. Of
// targets that the World has nothing of, those exist that the topology names in
// a route of the VPC.
func (w *World) checkVPCTarget(t *vpcTable, dst route.Destination, target string) *APIError {
	v := t.vpc
	if dst.List() != "" && strings.HasPrefix(target, "vpce-") {
		return badRequest(codeInvalidParameter, "Cannot create or replace a prefix list route targeting a VPC Endpoint.")
	}
	if isGatewayID(target) {
		if a, attached := v.attachedTo(target); !attached || a.state != attachmentAvailable {
			return errGatewayNotFound(target)
		}
		return nil
	}
	if g := w.vpnGateways[target]; g != nil && g.vpc.owner == v.owner {
		if g.vpc != v || !g.attached {
			return badRequest(codeInvalidParameter, "route table %s and network gateway %s belong to different networks", t.id, target)
		}
		return nil
	}
	if box := w.applianceOf(target); box != nil && box.vpc.owner == v.owner && !box.gone() {
		if box.vpc != v {
			return badRequest(codeInvalidParameter, "route table %s and interface %s belong to different networks", t.id, box.eni)
		}
		return nil
	}
	if v.targets[target] {
		return nil
	}
	return errTargetNotFound(target)
}

func errTargetNotFound(target string) *APIError {
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
