package sim

import (
	"net/netip"
	"strings"
	"time"
)

func isGatewayID(id string) bool {
	return strings.HasPrefix(id, "tgw-") && !strings.HasPrefix(id, "tgw-attach-") && !strings.HasPrefix(id, "tgw-rtb-")
}

// tgwTableOf finds a table of the caller's account and Region. A table of
// someone else is answered like one that does not exist.
func (w *World) tgwTableOf(c Caller, id string) (*tgwTable, *APIError) {
	if !strings.HasPrefix(id, "tgw-rtb-") {
		return nil, badRequest(codeRouteTableMalformed, "Invalid Transit Gateway Route Table id %s.", id)
	}
	t := w.tgwTables[id]
	if t == nil || !t.gateway.owner.is(c) {
		return nil, errTGWTableNotFound(id)
	}
	return t, nil
}

// TransitGatewayAttachments lists the attachments of the caller's Region that
// belong to a transit gateway or to a VPC of the caller's account, sorted by id
// and transit gateway: each side of a peering is one. Only the states are as old
// as a stale read.
func (w *World) TransitGatewayAttachments(c Caller) []AttachmentView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	states := w.attachmentStates.asOf(asOf)
	views := make([]AttachmentView, 0, len(w.attachments))
	for _, a := range w.everySide {
		if !a.seenBy(c) {
			continue
		}
		ref := a.ref()
		view := AttachmentView{
			ID: a.id, Name: a.name, TransitGateway: a.gateway.id, OwnerAccount: a.gateway.owner.account,
			ResourceType: ref.ResourceType, ResourceID: ref.ResourceID,
			ResourceOwner: a.resourceOwner(), State: states[a],
		}
		if a.table != nil {
			view.AssociatedTable = a.table.id
		}
		views = append(views, view)
	}
	return views
}

// TransitGatewayView is one transit gateway as DescribeTransitGateways shows it.
type TransitGatewayView struct {
	ID, Name             string
	OwnerAccount, Region string
	State                string
	ASN                  int64
	VPNECMP              bool // the option VpnEcmpSupport
	CreatedAt            time.Time
}

// TransitGateways lists the transit gateways of the caller's account and Region,
// sorted by id.
func (w *World) TransitGateways(c Caller) []TransitGatewayView {
	w.mu.Lock()
	defer w.mu.Unlock()
	var views []TransitGatewayView
	for _, id := range sortedKeys(w.gateways) {
		g := w.gateways[id]
		if !g.owner.is(c) {
			continue
		}
		views = append(views, TransitGatewayView{
			ID: id, Name: g.name, OwnerAccount: g.owner.account, Region: g.owner.region, State: attachmentAvailable,
			ASN: int64(g.asn), VPNECMP: g.vpnECMP, CreatedAt: w.startedAt,
		})
	}
	return views
}

// TransitGatewayRouteTables lists the TGW tables of the caller's account and
// Region, sorted by id.
func (w *World) TransitGatewayRouteTables(c Caller) []TGWTableView {
	w.mu.Lock()
	defer w.mu.Unlock()
	views := make([]TGWTableView, 0, len(w.tgwTables))
	for _, id := range sortedKeys(w.tgwTables) {
		if t := w.tgwTables[id]; t.gateway.owner.is(c) {
			views = append(views, TGWTableView{ID: id, TransitGateway: t.gateway.id, State: attachmentAvailable})
		}
	}
	return views
}

// TransitGatewayRoutes lists the visible routes of a table, sorted by
// destination: per CIDR the winner only. Errors: InvalidRouteTableID.NotFound,
// InvalidRouteTableId.Malformed.
func (w *World) TransitGatewayRoutes(c Caller, table string) ([]TGWRouteView, *APIError) {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	t, refused := w.tgwTableOf(c, table)
	if refused != nil {
		return nil, refused
	}
	routes := t.visible.asOf(asOf)
	views := make([]TGWRouteView, 0, len(routes))
	for _, dst := range sortedPrefixes(routes) {
		views = append(views, routes[dst])
	}
	return views, nil
}

// Associations lists the attachments that look routes up in the table, sorted
// by id. They are shown as they stand now, however stale the read is. Errors:
// InvalidRouteTableID.NotFound, InvalidRouteTableId.Malformed.
func (w *World) Associations(c Caller, table string) ([]AttachmentRef, *APIError) {
	return w.attachmentsOf(c, table, func(t *tgwTable, a *attachment) bool { return a.table == t })
}

// attachmentsOf lists the attachments that are a table's in one way, sorted by id.
func (w *World) attachmentsOf(c Caller, table string, are func(*tgwTable, *attachment) bool) ([]AttachmentRef, *APIError) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, refused := w.tgwTableOf(c, table)
	if refused != nil {
		return nil, refused
	}
	var refs []AttachmentRef
	for _, a := range w.everySide {
		if are(t, a) {
			refs = append(refs, a.ref())
		}
	}
	return refs, nil
}

// tgwTarget finds the target of a static route: nil for a blackhole.
func (w *World) tgwTarget(t *tgwTable, target string) (*attachment, *APIError) {
	if target == blackhole {
		return nil, nil // A blackhole is the target that is none.
	}
	if !strings.HasPrefix(target, "tgw-attach-") {
		return nil, badRequest(codeAttachmentMalformed, "Invalid Transit Gateway Attachment id.")
	}
	a := t.gateway.attachment(target)
	switch {
	case a == nil || a.state == attachmentDeleted:
		return nil, errAttachmentNotFound(target)
	case a.connect != nil:
		return nil, errConnectStatic(target)
	case a.state != attachmentAvailable:
		return nil, badRequest(codeIncorrectState, "%s is in invalid state", target)
	}
	return a, nil
}

// CreateTransitGatewayRoute creates a static route; target is an attachment id
// or "blackhole". It may shadow a propagated route of the same CIDR, but a
// standing static is RouteAlreadyExists even with the same target. The CIDR is
// canonicalised. Other errors: InvalidRouteTableID.NotFound,
// InvalidTransitGatewayAttachmentID.NotFound (also for an attachment of another
// transit gateway), IncorrectState, and the route limit.
func (w *World) CreateTransitGatewayRoute(c Caller, table string, dst netip.Prefix, target string) (TGWRouteView, *RouteWrite, *APIError) {
	return w.writeTGWRoute(c, table, dst, target, false)
}

// ReplaceTransitGatewayRoute switches the target of a static route in one step,
// and creates the route where none stands. Whether it does so over a route that
// is only propagated is UNVERIFIED, see Options.ReplaceTGWPropagatedFails.
// Errors are those of CreateTransitGatewayRoute without RouteAlreadyExists.
func (w *World) ReplaceTransitGatewayRoute(c Caller, table string, dst netip.Prefix, target string) (TGWRouteView, *RouteWrite, *APIError) {
	return w.writeTGWRoute(c, table, dst, target, true)
}

func (w *World) writeTGWRoute(c Caller, table string, dst netip.Prefix, target string, replace bool) (view TGWRouteView, write *RouteWrite, refused *APIError) {
	refused = w.writeTGWTable(c, table, func(s *step, t *tgwTable) (func(), *APIError) {
		dst, refused := canonical(dst)
		if refused != nil {
			return nil, refused
		}
		to, refused := w.tgwTarget(t, target)
		if refused != nil {
			return nil, refused
		}
		return func() {
			write = w.putTGWStatic(s, t, dst, to)
			view = t.visible.current[dst]
		}, w.tgwRouteFits(t, dst, replace)
	})
	return view, write, refused
}

// writeTGWTable is the frame of every write to a TGW table. prepare checks, and
// returns what is left to do; a dry run ends before that.
func (w *World) writeTGWTable(c Caller, table string, prepare func(*step, *tgwTable) (act func(), refused *APIError)) (refused *APIError) {
	w.do(func(s *step) {
		if refused = w.earlyDryRun(c); refused != nil {
			return
		}
		var t *tgwTable
		if t, refused = w.tgwTableOf(c, table); refused != nil {
			return
		}
		var act func()
		switch act, refused = prepare(s, t); {
		case refused != nil:
		case c.DryRun:
			refused = errDryRun()
		default:
			act()
		}
	})
	return refused
}

// tgwRouteFits checks a write against what stands, and against the quota of
// routes per transit gateway, static and dynamic, in all tables together.
func (w *World) tgwRouteFits(t *tgwTable, dst netip.Prefix, replace bool) *APIError {
	_, static := t.statics[dst]
	_, visible := t.visible.current[dst]
	switch {
	case static && !replace:
		return errTGWRouteExists(dst, t.id)
	case !static && visible && replace && w.options.ReplaceTGWPropagatedFails:
		return errTGWRouteNotFound(dst, t.id)
	case !visible && w.routeCount(t.gateway) >= w.options.TransitGatewayRouteQuota:
		return errTGWRouteLimit()
	}
	return nil
}

// putTGWStatic writes the RIB and the FIB and announces the change. Writing the
// target that stands already changes nothing and is announced to nobody.
func (w *World) putTGWStatic(s *step, t *tgwTable, dst netip.Prefix, to *attachment) *RouteWrite {
	old := t.statics[dst]
	put := &aim{target: to}
	write := &RouteWrite{Table: t.id, Destination: dst.String(), Before: old.targetID(), After: put.targetID()}
	t.statics[dst] = put
	w.refresh(s, t, dst)
	if write.Before != write.After {
		w.announceRoute(s, t, t.visible.current[dst], true)
	}
	return write
}

// DeleteTransitGatewayRoute removes a static route and returns it with state
// deleted; a propagated candidate of the same CIDR becomes visible again. A
// CIDR without a static route is InvalidRoute.NotFound, a propagated one too.
func (w *World) DeleteTransitGatewayRoute(c Caller, table string, dst netip.Prefix) (view TGWRouteView, write *RouteWrite, refused *APIError) {
	refused = w.writeTGWTable(c, table, func(s *step, t *tgwTable) (func(), *APIError) {
		dst, refused := canonical(dst)
		if refused != nil {
			return nil, refused
		}
		static := t.statics[dst]
		if static == nil {
			return nil, errTGWRouteNotFound(dst, t.id)
		}
		return func() {
			write = &RouteWrite{Table: t.id, Destination: dst.String(), Before: static.targetID()}
			view = t.visible.current[dst]
			view.State = stateDeleted
			delete(t.statics, dst)
			w.refresh(s, t, dst)
			w.announceRoute(s, t, view, false)
		}, nil
	})
	return view, write, refused
}

// earlyDryRun answers a dry run before anything is validated, where the options
// say so.
func (w *World) earlyDryRun(c Caller) *APIError {
	if c.DryRun && w.options.DryRunBeforeValidation {
		return errDryRun()
	}
	return nil
}

// canonical clears the host bits, as EC2 does.
func canonical(dst netip.Prefix) (netip.Prefix, *APIError) {
	if !dst.IsValid() {
		return dst, badRequest(codeInvalidParameter, "Value (%s) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", dst)
	}
	return dst.Masked(), nil
}
