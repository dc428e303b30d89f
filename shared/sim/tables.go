package sim

import (
	"cmp"
	"net/netip"
	"slices"
)

// The types of a TGW route (EC2 API, TransitGatewayRouteType).
const (
	typeStatic     = "static"
	typePropagated = "propagated"
)

// gateway is one transit gateway. asn is that of the Amazon side of its sessions;
// vpnECMP is its option of equal-cost multi-path over VPN connections.
type gateway struct {
	id, name    string
	owner       owner
	asn         uint32
	vpnECMP     bool
	tables      []*tgwTable
	attachments []*attachment
	// unregistered: Network Manager knows nothing of it.
	unregistered bool
}

// attachment returns the gateway's side of the attachment with that id, or nil.
func (g *gateway) attachment(id string) *attachment {
	for _, a := range g.attachments {
		if a.id == id {
			return a
		}
	}
	return nil
}

// The ranks of the sources of a TGW route with the same CIDR, best first
// (Transit Gateway guide, route evaluation order). Only those that the World
// has are listed: a Site-to-Site VPN connection with static routing teaches its
// TGW nothing, and neither does a peering.
const (
	rankStatic        = 1
	rankReference     = 2
	rankVPC           = 3
	rankDirectConnect = 4
	rankConnect       = 5
	rankVPN           = 7
)

// aim is where a static route or a prefix list reference leads. A nil target is
// a blackhole. latched says that it went blackhole in an outage of its VPN.
type aim struct {
	target  *attachment
	latched bool
}

func (r *aim) targetID() string {
	switch {
	case r == nil:
		return ""
	case r.target == nil:
		return blackhole
	default:
		return r.target.id
	}
}

// tgwTable is one TGW route table: a hidden RIB of candidates, and the visible
// FIB that holds the winner of each CIDR only (Transit Gateway guide).
type tgwTable struct {
	id      string
	gateway *gateway
	statics map[netip.Prefix]*aim
	// references are the prefix list references by list, and listed the entries
	// of their lists: per CIDR the references that have it, by list id.
	references      map[string]*reference
	shownReferences *timeline[string, ReferenceView]
	listed          map[netip.Prefix][]*reference
	// propagating are the attachments that teach the table; learned is what they
	// teach it.
	propagating map[*attachment]bool
	learned     map[netip.Prefix][]candidate
	visible     *timeline[netip.Prefix, TGWRouteView]
	// shownBest is the first of the candidates behind each visible learned route.
	shownBest map[netip.Prefix]candidate
}

func newTGWTable(id string, g *gateway) *tgwTable {
	return &tgwTable{
		id: id, gateway: g,
		statics:     make(map[netip.Prefix]*aim),
		references:  make(map[string]*reference),
		listed:      make(map[netip.Prefix][]*reference),
		propagating: make(map[*attachment]bool),
		learned:     make(map[netip.Prefix][]candidate),
		visible:     newTimeline[netip.Prefix, TGWRouteView](),
		shownBest:   make(map[netip.Prefix]candidate),

		shownReferences: newTimeline[string, ReferenceView](),
	}
}

// learn adds the routes that an attachment teaches the table now.
func (t *tgwTable) learn(a *attachment) {
	for _, taught := range a.teaches() {
		candidates := append(t.learned[taught.prefix], taught)
		slices.SortFunc(candidates, candidate.compare)
		t.learned[taught.prefix] = candidates
	}
}

// forget removes what an attachment taught the table.
func (t *tgwTable) forget(a *attachment) {
	for dst, candidates := range t.learned {
		kept := slices.DeleteFunc(candidates, func(c candidate) bool { return c.from == a })
		if len(kept) == 0 {
			delete(t.learned, dst)
		} else {
			t.learned[dst] = kept
		}
	}
}

// taughtBy returns the CIDRs that an attachment teaches the table.
func (t *tgwTable) taughtBy(a *attachment) []netip.Prefix {
	var taught []netip.Prefix
	for dst, candidates := range t.learned {
		if slices.ContainsFunc(candidates, func(c candidate) bool { return c.from == a }) {
			taught = append(taught, dst)
		}
	}
	return taught
}

// relearn brings the tables that an attachment propagates into up to date with
// what it teaches now.
func (w *World) relearn(s *step, a *attachment) {
	for _, t := range a.gateway.tables {
		touched := make(map[netip.Prefix]bool)
		for _, dst := range t.taughtBy(a) {
			touched[dst] = true
		}
		t.forget(a)
		if t.propagating[a] {
			t.learn(a)
		}
		for _, dst := range t.taughtBy(a) {
			touched[dst] = true
		}
		for _, dst := range sortedPrefixes(touched) {
			w.refresh(s, t, dst)
		}
	}
	w.advertising = true // An AS_PATH may have changed behind a route that shows the same.
}

// winner computes the visible route of a CIDR from the RIB: a static route, then
// a prefix list's, then the best of the propagated ones, which is one route with
// several attachments where traffic spreads over them.
func (w *World) winner(t *tgwTable, dst netip.Prefix) (TGWRouteView, bool) {
	if static := t.statics[dst]; static != nil {
		return w.aimed(static, TGWRouteView{Destination: dst, Type: typeStatic}), true
	}
	if references := t.listed[dst]; len(references) > 0 {
		// Which of two lists with the same CIDR wins is UNVERIFIED; the World
		// takes the lowest list id.
		first := references[0]
		return w.aimed(&first.aim, TGWRouteView{Destination: dst, Type: typePropagated, PrefixList: first.list.id}), true
	}
	chosen := choose(t.learned[dst])
	if len(chosen) == 0 {
		return TGWRouteView{}, false
	}
	view := TGWRouteView{Destination: dst, Type: typePropagated, State: stateActive}
	for _, c := range chosen {
		view.Attachments = append(view.Attachments, c.from.ref())
	}
	slices.SortFunc(view.Attachments, func(x, y AttachmentRef) int { return cmp.Compare(x.ID, y.ID) })
	return view, true
}

// aimed shows a route that leads where somebody wrote it to lead. One to a VPN
// attachment is a blackhole while no tunnel is reported up, and goes on shadowing
// a propagated route of the same CIDR; one to a deleted attachment is a blackhole
// with an empty attachment list (field reports, not AWS's own pages; UNVERIFIED
// for a reference). One to a peering or a Direct Connect gateway whose line is
// down stays active: UNVERIFIED.
func (w *World) aimed(r *aim, view TGWRouteView) TGWRouteView {
	view.State = stateActive
	target := r.target
	if target == nil || target.state == attachmentDeleted {
		view.State = blackhole
		return view
	}
	view.Attachments = []AttachmentRef{target.ref()}
	if target.vpn != nil && target.vpn.reportedUp() == 0 {
		view.State = blackhole
		r.latched = w.options.BlackholeOutlastsOutage
	}
	if r.latched {
		view.State = blackhole
	}
	return view
}

// refresh brings one CIDR of the FIB up to date with the RIB.
func (w *World) refresh(s *step, t *tgwTable, dst netip.Prefix) {
	standing, stood := t.visible.current[dst]
	view, stands := w.winner(t, dst)
	switch {
	case stands && (!stood || !equalRoutes(standing, view)):
		t.visible.set(s.now, dst, view)
		w.noteRoute(s.now, t, dst, view)
		w.advertising = true
		if view.learned() {
			s.routed = append(s.routed, routed{table: t, view: view, best: t.learned[dst][0], installed: true})
		}
	case !stands && stood:
		t.visible.remove(s.now, dst)
		w.noteRoute(s.now, t, dst, TGWRouteView{})
		w.advertising = true
		if standing.learned() {
			s.routed = append(s.routed, routed{table: t, view: standing, best: t.shownBest[dst]})
		}
	}
	if stands && view.learned() {
		t.shownBest[dst] = t.learned[dst][0]
	} else {
		delete(t.shownBest, dst)
	}
}

// learned reports whether the route is a propagated one, and not the entry of a
// prefix list.
func (v TGWRouteView) learned() bool { return v.Type == typePropagated && v.PrefixList == "" }

// refreshGateway brings every table of the gateway up to date.
func (w *World) refreshGateway(s *step, g *gateway) {
	for _, t := range g.tables {
		touched := make(map[netip.Prefix]bool)
		for dst := range t.visible.current {
			touched[dst] = true
		}
		for dst := range t.statics {
			touched[dst] = true
		}
		for dst := range t.listed {
			touched[dst] = true
		}
		for dst := range t.learned {
			touched[dst] = true
		}
		for _, dst := range sortedPrefixes(touched) {
			w.refresh(s, t, dst)
		}
	}
}

func equalRoutes(a, b TGWRouteView) bool {
	return a.Destination == b.Destination && a.Type == b.Type && a.State == b.State && a.PrefixList == b.PrefixList &&
		slices.Equal(a.Attachments, b.Attachments)
}
