package sim

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// The types of an attachment and of a TGW route (EC2 API).
const (
	typeVPC        = "vpc"
	typeVPN        = "vpn"
	typeStatic     = "static"
	typePropagated = "propagated"
)

// gateway is one transit gateway.
type gateway struct {
	id          string
	owner       owner
	tables      []*tgwTable
	attachments []*attachment
}

// routeCount is the number of visible routes of all tables of the gateway.
func (g *gateway) routeCount() int {
	count := 0
	for _, t := range g.tables {
		count += len(t.visible.current)
	}
	return count
}

// attachment joins a VPC or a VPN connection to a transit gateway. table is the
// one TGW table that it looks routes up in; an attachment has at most one.
type attachment struct {
	id      string
	gateway *gateway
	state   string
	table   *tgwTable
	vpc     *vpc
	vpn     *vpnConnection
}

func (a *attachment) ref() AttachmentRef {
	if a.vpn != nil {
		return AttachmentRef{ID: a.id, ResourceID: a.vpn.id, ResourceType: typeVPN}
	}
	return AttachmentRef{ID: a.id, ResourceID: a.vpc.id, ResourceType: typeVPC}
}

func (a *attachment) resourceOwner() string {
	if a.vpc != nil {
		return a.vpc.owner.account
	}
	return a.gateway.owner.account
}

// carries reports whether traffic passes: an attachment that is being modified
// goes on forwarding.
func (a *attachment) carries() bool {
	return a.state == attachmentAvailable || a.state == attachmentModifying
}

// The ranks of the sources of a TGW route with the same CIDR, best first
// (Transit Gateway guide, route evaluation order). Only those that the World
// has are listed: a Site-to-Site VPN connection with static routing, which is
// the only kind here, teaches its TGW nothing.
const (
	rankStatic        = 1
	rankVPCPropagated = 3
)

// staticRoute is a static entry of the RIB. A nil target is a blackhole.
// latched says that the route went blackhole in an outage of its VPN.
type staticRoute struct {
	target  *attachment
	latched bool
}

func (r *staticRoute) targetID() string {
	switch {
	case r == nil:
		return ""
	case r.target == nil:
		return blackhole
	default:
		return r.target.id
	}
}

// learned is a propagated candidate of the RIB.
type learned struct {
	rank int
	from *attachment
}

// tgwTable is one TGW route table: a hidden RIB of candidates, and the visible
// FIB that holds the winner of each CIDR only (Transit Gateway guide).
type tgwTable struct {
	id      string
	gateway *gateway
	statics map[netip.Prefix]*staticRoute
	learned map[netip.Prefix][]learned
	visible *timeline[netip.Prefix, TGWRouteView]
}

// learn adds the routes that an attachment teaches the table.
func (t *tgwTable) learn(a *attachment) {
	if a.vpc == nil {
		return
	}
	for _, cidr := range a.vpc.cidrs {
		candidates := append(t.learned[cidr], learned{rank: rankVPCPropagated, from: a})
		slices.SortFunc(candidates, func(x, y learned) int {
			return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.from.id, y.from.id))
		})
		t.learned[cidr] = candidates
	}
}

// forget removes what an attachment taught the table.
func (t *tgwTable) forget(a *attachment) {
	for dst, candidates := range t.learned {
		kept := slices.DeleteFunc(candidates, func(l learned) bool { return l.from == a })
		if len(kept) == 0 {
			delete(t.learned, dst)
		} else {
			t.learned[dst] = kept
		}
	}
}

// winner computes the visible route of a CIDR from the RIB.
func (w *World) winner(t *tgwTable, dst netip.Prefix) (TGWRouteView, bool) {
	if static := t.statics[dst]; static != nil {
		return w.staticView(dst, static), true
	}
	if candidates := t.learned[dst]; len(candidates) > 0 {
		// With equal rank AWS guarantees no order; the World takes the lowest id.
		return TGWRouteView{
			Destination: dst, Attachments: []AttachmentRef{candidates[0].from.ref()},
			Type: typePropagated, State: stateActive,
		}, true
	}
	return TGWRouteView{}, false
}

// staticView shows a static route. A static route to a VPN attachment is a
// blackhole while no tunnel is reported up, and goes on shadowing a propagated
// route of the same CIDR; one to a deleted attachment is a blackhole with an
// empty attachment list (field reports, not AWS's own pages).
func (w *World) staticView(dst netip.Prefix, static *staticRoute) TGWRouteView {
	view := TGWRouteView{Destination: dst, Type: typeStatic, State: stateActive}
	target := static.target
	if target == nil || target.state == attachmentDeleted {
		view.State = blackhole
		return view
	}
	view.Attachments = []AttachmentRef{target.ref()}
	if target.vpn != nil && target.vpn.reportedUp() == 0 {
		view.State = blackhole
		static.latched = w.options.BlackholeOutlastsOutage
	}
	if static.latched {
		view.State = blackhole
	}
	return view
}

// refresh brings one CIDR of the FIB up to date with the RIB.
func (w *World) refresh(now time.Time, t *tgwTable, dst netip.Prefix) {
	standing, stood := t.visible.current[dst]
	view, stands := w.winner(t, dst)
	switch {
	case stands && (!stood || !equalRoutes(standing, view)):
		t.visible.set(now, dst, view)
	case !stands && stood:
		t.visible.remove(now, dst)
	}
}

// refreshGateway brings every table of the gateway up to date.
func (w *World) refreshGateway(now time.Time, g *gateway) {
	for _, t := range g.tables {
		touched := make(map[netip.Prefix]bool)
		for dst := range t.visible.current {
			touched[dst] = true
		}
		for dst := range t.statics {
			touched[dst] = true
		}
		for dst := range t.learned {
			touched[dst] = true
		}
		for _, dst := range sortedPrefixes(touched) {
			w.refresh(now, t, dst)
		}
	}
}

func equalRoutes(a, b TGWRouteView) bool {
	return a.Destination == b.Destination && a.Type == b.Type && a.State == b.State &&
		slices.Equal(a.Attachments, b.Attachments)
}

// The origins of a VPC route (EC2 API, type Route).
const (
	originLocal  = "CreateRouteTable"
	originStatic = "CreateRoute"
)

// localTarget is the target of the route that a VPC table is made with.
const localTarget = "local"

// vpc is one VPC. targets are the ids, other than those of transit gateways,
// that its routes may point to: those that the topology names.
type vpc struct {
	id          string
	owner       owner
	cidrs       []netip.Prefix
	attachments []*attachment
	tables      []*vpcTable // the first is the main table
	targets     map[string]bool
}

// attachedTo returns the attachment that joins the VPC to a transit gateway.
func (v *vpc) attachedTo(gatewayID string) (*attachment, bool) {
	for _, a := range v.attachments {
		if a.gateway.id == gatewayID && a.state != attachmentDeleted {
			return a, true
		}
	}
	return nil, false
}

func (v *vpc) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(v.cidrs, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// tableFor returns the table of the subnet that holds the address; the main
// table serves the subnets that no table is explicitly associated with.
func (v *vpc) tableFor(addr netip.Addr) *vpcTable {
	for _, t := range v.tables {
		if slices.ContainsFunc(t.subnets, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			return t
		}
	}
	return v.tables[0]
}

func (v *vpc) hasSubnet(dst netip.Prefix) bool {
	return slices.ContainsFunc(v.tables, func(t *vpcTable) bool { return slices.Contains(t.subnets, dst) })
}

// vpcTable is one VPC route table. The World has no virtual private gateways,
// so nothing propagates into it: its entries are the local and the static routes.
type vpcTable struct {
	id      string
	vpc     *vpc
	subnets []netip.Prefix
	routes  *timeline[netip.Prefix, VPCRouteView]
}

// routeState says whether the target of a VPC route exists: a transit gateway
// whose VPC attachment is deleted leaves a blackhole (EC2 API, type Route).
func (v *vpc) routeState(target string) string {
	if isGatewayID(target) {
		if _, attached := v.attachedTo(target); !attached {
			return blackhole
		}
	}
	return stateActive
}

// refreshVPC brings the states of the VPC's routes up to date.
func (w *World) refreshVPC(now time.Time, v *vpc) {
	for _, t := range v.tables {
		for _, dst := range sortedPrefixes(t.routes.current) {
			route := t.routes.current[dst]
			if state := v.routeState(route.Target); state != route.State {
				route.State = state
				t.routes.set(now, dst, route)
			}
		}
	}
}
