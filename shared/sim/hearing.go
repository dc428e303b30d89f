package sim

import (
	"cmp"
	"net/netip"
	"slices"
)

// sessionWay is a BGP session as a way out of a site's router: the tunnel, the
// GRE tunnel or the line that it runs over.
type sessionWay struct{ *bgpSession }

func (o sessionWay) linkID() string { return o.link().linkID() }

// link is the connection, the attachment or the virtual interface of the session.
func (b *bgpSession) link() uplink {
	switch {
	case b.peer != nil:
		return b.peer.connect
	case b.line != nil:
		return b.line
	}
	return b.vpn
}

func (o sessionWay) holds() bool { return o.established }

// open implements uplink: the session's own tunnel carries, whatever others of
// the same connection do.
func (o sessionWay) open() (how string, ok bool) {
	switch {
	case o.tunnel != nil:
		return "tunnel " + o.tunnel.outsideIP, o.tunnel.truth && o.vpn.carries()
	case o.peer != nil:
		return "Connect peer " + o.peer.id, o.peer.carried()
	}
	return o.line.open()
}

func (o sessionWay) enter(p *packet) place { return o.link().enter(p) }

// announcedOver implements bgpRouter. A router announces nothing that it has
// learned.
func (s *site) announcedOver(own *bgpSession) []bgpRoute { return own.originates() }

// listens implements bgpRouter: a router without an ASN has static routes only.
func (s *site) listens() bool { return s.asn != 0 }

// hear implements bgpRouter. The router looks again whether its tunnels still have
// a way.
func (s *site) hear(w *World, now *step, own *bgpSession, routes []bgpRoute) {
	if s.heard == nil {
		s.heard = make(map[*bgpSession][]bgpRoute)
	}
	delete(s.heard, own)
	if len(routes) > 0 {
		s.heard[own] = routes
	}
	w.reroute(now, s)
}

// learned makes candidates of what the router has heard, in the order of the
// sessions' ids. It leaves out a route that has been through its own autonomous
// system (RFC 4271, section 9.1.2), also where it has another ASN on the session,
// and one to a prefix that it originates.
func (s *site) learned(originated map[netip.Prefix]bool) []ribRoute {
	sessions := make([]*bgpSession, 0, len(s.heard))
	for own := range s.heard {
		sessions = append(sessions, own)
	}
	slices.SortFunc(sessions, func(x, y *bgpSession) int { return cmp.Compare(x.id, y.id) })
	var rib []ribRoute
	for _, own := range sessions {
		for _, r := range s.heard[own] {
			path := &bgpPath{path: r.path, med: r.med, internal: own.internal(), order: own.id}
			if originated[r.prefix] || path.looped(s.asn) || path.looped(own.peerASN) {
				continue
			}
			distance := distanceExternal
			if path.internal {
				distance = distanceInternal
			}
			rib = append(rib, ribRoute{prefix: r.prefix, distance: distance, via: []uplink{sessionWay{own}}, learned: path})
		}
	}
	return rib
}

// originated returns the prefixes that a site's router originates, over whichever
// of its sessions, but for those that a speaker speaks for. To such a prefix it
// prefers its own path to one that it hears, however short: the degree of
// preference is local policy and comes before everything else (RFC 4271, section
// 9.1.1), and all makes of router that are in common use set it so. The path of its
// own leads nowhere by itself: the router forwards by whatever else it has, such as
// a network of its own or the default of its line.
func (w *World) originated(s *site) map[netip.Prefix]bool {
	prefixes := make(map[netip.Prefix]bool)
	for _, own := range w.sessions {
		if router, _ := own.belongs(); router != s || own.speaker != nil {
			continue
		}
		for _, r := range own.originates() {
			prefixes[r.prefix] = true
		}
	}
	return prefixes
}

// reroute lets a router select its routes again, and finds out what has become of
// the tunnels that it sends by them.
func (w *World) reroute(now *step, s *site) {
	s.held = s.holding()
	s.fib = selectRoutes(s.candidates(s.learned(w.originated(s))))
	for _, id := range sortedKeys(w.vpns) {
		v := w.vpns[id]
		for _, t := range v.tunnels {
			if v.site == s {
				w.reconsiderTunnel(now, v, t)
			}
		}
	}
	for _, id := range sortedKeys(w.connectPeers) {
		p := w.connectPeers[id]
		for _, own := range p.sessions {
			if p.connect.site == s {
				w.reconsiderSession(now, own)
			}
		}
	}
}

// holding is what the router takes each way of its static routes for.
func (s *site) holding() []bool {
	var held []bool
	for _, r := range s.routes {
		for _, link := range r.via {
			held = append(held, link.holds())
		}
	}
	return held
}

// rerouteChanged lets those routers select again whose static routes have lost or
// got back a way.
func (w *World) rerouteChanged(now *step) {
	for _, s := range w.resolving {
		if !slices.Equal(s.held, s.holding()) {
			w.reroute(now, s)
		}
	}
}

// findResolving notes the sites whose routers find their tunnels' way by their
// routes.
func (w *World) findResolving() {
	w.resolving = nil
	for _, name := range sortedKeys(w.sites) {
		if w.sites[name].resolves() {
			w.resolving = append(w.resolving, w.sites[name])
		}
	}
}

// reaches reports whether the router's packets reach the outside address of a
// tunnel.
func (s *site) reaches(_ *vpnConnection, t *tunnel) bool {
	_, ok := s.underlay(netip.MustParseAddr(t.outsideIP)) // The topology has been checked.
	return ok
}

// carried reports whether the peer's GRE tunnel has something to run over. Over a
// Direct Connect gateway the way to its far end is the line itself; else it is
// whatever the router's routes say.
func (p *connectPeer) carried() bool {
	if !p.connect.carried() {
		return false
	}
	if p.connect.transport.direct != nil || p.connect.site == nil {
		return true
	}
	_, ok := p.connect.site.underlay(p.gatewayAddress)
	return ok
}
