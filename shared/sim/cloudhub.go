package sim

import (
	"net/netip"
	"slices"
)

// The ranks of what a virtual private gateway knows of one prefix, best first
// (Site-to-Site VPN guide, route priority). Between paths of one rank AS_PATH
// decides, and then MED where the first autonomous system is the same.
const (
	rankGatewayDirectConnect = iota
	rankGatewayStatic
	rankGatewayVPN
)

// gatewayPath is one path in the RIB of a virtual private gateway: heard over a
// BGP session, of a tunnel or of a private virtual interface, or a static prefix
// of a connection, which has no session.
type gatewayPath struct {
	bgpPath
	prefix  netip.Prefix
	session *bgpSession
	vpn     *vpnConnection
}

// linkID is the id of the connection or the virtual interface that the path
// leads over.
func (p *gatewayPath) linkID() string {
	if p.session != nil && p.session.line != nil {
		return p.session.line.linkID()
	}
	return p.vpn.id
}

// sessions are the BGP sessions that end on the gateway, in a fixed order.
func (g *vpnGateway) sessions() []*bgpSession {
	var sessions []*bgpSession
	for _, d := range g.lines {
		sessions = append(sessions, d.session)
	}
	for _, v := range g.vpns {
		for _, t := range v.tunnels {
			if t.bgp != nil {
				sessions = append(sessions, t.bgp)
			}
		}
	}
	return sessions
}

// rib is what the gateway knows: what it has taken over its BGP sessions, and the
// static prefixes of the connections that have a tunnel reported up.
func (g *vpnGateway) rib() []gatewayPath {
	var all []gatewayPath
	for _, own := range g.sessions() {
		rank := rankGatewayVPN
		if own.line != nil {
			rank = rankGatewayDirectConnect
		}
		for _, r := range own.accepted {
			all = append(all, gatewayPath{
				prefix: r.prefix, session: own, vpn: own.vpn,
				bgpPath: bgpPath{rank: rank, path: r.path, med: r.med, order: own.id},
			})
		}
	}
	for _, v := range g.vpns {
		if v.usesBGP() || v.reportedUp() == 0 {
			continue
		}
		for _, block := range v.routes {
			all = append(all, gatewayPath{prefix: block, vpn: v, bgpPath: bgpPath{rank: rankGatewayStatic, order: v.id}})
		}
	}
	return all
}

// selected returns the gateway's best path to each prefix, sorted. It has no
// equal-cost multi-path: one way is taken for each prefix (Site-to-Site VPN
// guide).
func (g *vpnGateway) selected() []gatewayPath {
	byPrefix := make(map[netip.Prefix][]gatewayPath)
	for _, p := range g.rib() {
		byPrefix[p.prefix] = append(byPrefix[p.prefix], p)
	}
	best := make([]gatewayPath, 0, len(byPrefix))
	for _, prefix := range sortedPrefixes(byPrefix) {
		paths := make([]*bgpPath, 0, len(byPrefix[prefix]))
		for i := range byPrefix[prefix] {
			paths = append(paths, &byPrefix[prefix][i].bgpPath)
		}
		best = append(best, byPrefix[prefix][bestPath(paths)])
	}
	return best
}

// known returns the prefixes that the gateway has a path to, sorted: what it
// teaches the tables that it propagates into (Site-to-Site VPN guide). While one
// tunnel of the two is up the connection is up, so nothing is withdrawn.
func (g *vpnGateway) known() []netip.Prefix {
	var blocks []netip.Prefix
	for _, p := range g.selected() {
		blocks = append(blocks, p.prefix)
	}
	return blocks
}

// advertises returns what the gateway announces over one of its sessions, sorted
// by prefix: the CIDR blocks of its VPC, and what it hears by BGP from the others
// (CloudHub), with its own autonomous system in front. Connections carry no IPv6.
// Whether static prefixes of other connections are announced too is UNVERIFIED,
// see Options.GatewayAdvertisesStatics, and so is the MED: none is sent.
func (g *vpnGateway) advertises(own *bgpSession, statics bool) []bgpRoute {
	if !g.attached {
		return nil
	}
	var routes []bgpRoute
	for _, p := range g.selected() {
		other := p.session != nil && (p.session.line != own.line || p.vpn != own.vpn)
		if other || statics && p.session == nil {
			routes = append(routes, bgpRoute{prefix: p.prefix, path: append([]uint32{own.localASN}, p.path...), nextHopSelf: true})
		}
	}
	for _, block := range g.vpc.cidrs {
		routes = append(routes, bgpRoute{prefix: block, path: []uint32{own.localASN}, nextHopSelf: true})
	}
	routes = slices.DeleteFunc(routes, func(r bgpRoute) bool { return own.line == nil && !r.prefix.Addr().Is4() })
	return byPrefix(routes)
}

// atVPNGateway forwards a packet that a VPC's route or a site sent to a virtual
// private gateway: into its VPC, or by the path with the longest prefix. Among
// several connections with the same static prefix the first that truly works
// carries the traffic, as AWS picks one tunnel among all of a gateway's
// connections and does not say which (Site-to-Site VPN guide). Sites reach one
// another through it (CloudHub).
func (p *packet) atVPNGateway(g *vpnGateway) place {
	if !g.attached {
		return p.drop("%s is not attached to %s", g.id, g.vpc.id)
	}
	if g.vpc.contains(p.to.addr) {
		return p.intoVPC(g.vpc)
	}
	var entries []hopEntry[gatewayPath]
	for _, path := range g.selected() {
		entries = append(entries, hopEntry[gatewayPath]{prefix: path.prefix, route: path})
	}
	best, found := longestPrefix(entries, p.to.addr)
	if !found {
		return p.drop("%s knows no prefix of a connection that is up for %s", g.id, p.to.addr)
	}
	path := best.route
	if path.session == nil {
		path.vpn = g.working(path)
	}
	p.hop("%s: %s -> %s", g.id, path.prefix, path.linkID())
	switch {
	case path.session == nil:
		return func() place { return p.tunnelTo(path.vpn) }
	case path.session.line != nil:
		return func() place { return p.toSite(path.session.line, path.session.line.site) }
	}
	return func() place { return p.through(path.vpn, path.session.tunnel) }
}

// working returns the first connection with the static prefix of the path that
// truly works, or the path's own if none does.
func (g *vpnGateway) working(path gatewayPath) *vpnConnection {
	for _, v := range g.vpns {
		if _, works := v.trulyUp(); works && !v.usesBGP() && v.reportedUp() > 0 && slices.Contains(v.routes, path.prefix) {
			return v
		}
	}
	return path.vpn
}

// through crosses one tunnel from AWS to the site.
func (p *packet) through(v *vpnConnection, t *tunnel) place {
	if !v.carries() || !t.truth {
		return p.drop("tunnel %s of %s carries nothing", t.outsideIP, v.id)
	}
	p.via = append(p.via, v.id)
	p.hop("%s: tunnel %s to %s", v.id, t.outsideIP, v.site.name)
	return func() place { return p.router(v.site) }
}
