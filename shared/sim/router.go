package sim

import (
	"fmt"
	"net/netip"
	"slices"
)

// site is a place outside AWS with one customer router. asn is 0 where the router
// has static routes only; announces is what it is told to announce over all of its
// sessions. heard is what AWS advertises to it now, by session. fib is what it
// forwards by, and held what it took the ways of its static routes for when it
// selected that.
type site struct {
	name      string
	networks  []netip.Prefix
	routes    []siteRoute
	asn       uint32
	announces []announcement
	heard     map[*bgpSession][]bgpRoute
	fib       []ribRoute
	held      []bool
}

// siteRoute is one static route of a customer router: its ways, best first.
type siteRoute struct {
	dst netip.Prefix
	via []uplink
}

// uplink is one way out of a site's router.
type uplink interface {
	// linkID is the id by which site routes name it.
	linkID() string
	// open reports whether it truly carries traffic, and how a trace calls the
	// part of it that does.
	open() (how string, ok bool)
	// holds reports whether the router takes it to be up. A router notices what
	// AWS notices at the same time, since both ends of a tunnel and of a session
	// have the same timers.
	holds() bool
	// enter takes a packet from the site.
	enter(p *packet) place
}

// internetID names the site's own line to the Internet in a site route.
const internetID = "internet"

// internet is a site's own line to the Internet. It never fails. AWS's outside
// addresses are there; the networks of the World are not.
type internet struct{}

func (internet) linkID() string       { return internetID }
func (internet) open() (string, bool) { return "the line to the Internet", true }
func (internet) holds() bool          { return true }

func (internet) enter(p *packet) place {
	return p.drop("the Internet has no way to %s", p.to.addr)
}

func (s *site) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(s.networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// resolves reports whether the router looks the outside addresses of its own
// tunnels up in the routes that it forwards by. One that neither speaks BGP nor
// has a route to the Internet keeps the tunnels' way apart, as a router does that
// has a routing instance of its own for them, so no route can take it away.
func (s *site) resolves() bool {
	return s.asn != 0 || slices.ContainsFunc(s.routes, func(r siteRoute) bool { return slices.Contains(r.via, uplink(internet{})) })
}

// assignedDefaults are the default routes of a router's line to the Internet,
// which came with the line and so lose to everything else of the same length.
func assignedDefaults() []ribRoute {
	return []ribRoute{
		{prefix: netip.PrefixFrom(netip.IPv4Unspecified(), 0), distance: distanceAssigned, via: []uplink{internet{}}},
		{prefix: netip.PrefixFrom(netip.IPv6Unspecified(), 0), distance: distanceAssigned, via: []uplink{internet{}}},
	}
}

// candidates is the router's RIB. A static route none of whose ways the router
// takes to be up is withdrawn where the router has other routes to go by.
func (s *site) candidates(heard []ribRoute) []ribRoute {
	var rib []ribRoute
	for _, network := range s.networks {
		rib = append(rib, ribRoute{prefix: network, distance: distanceConnected})
	}
	for _, r := range s.routes {
		if !s.resolves() || slices.ContainsFunc(r.via, uplink.holds) {
			rib = append(rib, ribRoute{prefix: r.dst, distance: distanceStatic, via: r.via})
		}
	}
	if s.resolves() {
		rib = append(rib, assignedDefaults()...)
	}
	return append(rib, heard...)
}

// lookup returns the route by which the router sends a packet to addr.
func (s *site) lookup(addr netip.Addr) (ribRoute, bool) {
	entries := make([]hopEntry[ribRoute], 0, len(s.fib))
	for _, r := range s.fib {
		entries = append(entries, hopEntry[ribRoute]{prefix: r.prefix, route: r})
	}
	best, found := longestPrefix(entries, addr)
	return best.route, found
}

// underlay reports whether the router can send what is addressed to the outside
// address of one of its tunnels: its way there is the line to the Internet. Any
// other way ends in a tunnel, this one or another, whose far end hands nothing
// on to AWS's outside addresses; problem says which, for people.
func (s *site) underlay(outside netip.Addr) (problem string, ok bool) {
	if !s.resolves() {
		return "", true
	}
	best, found := s.lookup(outside)
	switch i := slices.IndexFunc(best.via, uplink.holds); {
	case !found:
		return fmt.Sprintf("the router of %s has no route to %s", s.name, outside), false
	case best.distance == distanceConnected:
		return fmt.Sprintf("%s is inside %s, a network of %s", outside, best.prefix, s.name), false
	case i < 0:
		return fmt.Sprintf("no way of the route %s at %s works", best.prefix, s.name), false
	case best.via[i] != uplink(internet{}):
		return fmt.Sprintf("the router of %s sends %s by %s into %s", s.name, outside, best.prefix, best.via[i].linkID()), false
	}
	return "", true
}

// router is the customer router of a site: the route with the longest prefix,
// over the first of its ways that truly works.
func (p *packet) router(s *site) place {
	best, found := s.lookup(p.to.addr)
	if !found {
		return p.drop("the router of %s has no route to %s", s.name, p.to.addr)
	}
	if best.distance == distanceConnected {
		if p.to.site != s {
			return p.drop("%s came to %s, but %s is in %s", p.to.addr, s.name, p.to.name, p.to.in())
		}
		return p.deliver(s.name)
	}
	for _, link := range best.via {
		how, ok := link.open()
		if !ok {
			continue
		}
		if link != uplink(internet{}) {
			p.via = append(p.via, link.linkID())
		}
		p.hop("router of %s: %s -> %s, %s", s.name, best.prefix, link.linkID(), how)
		return link.enter(p)
	}
	return p.drop("no way of the route %s at %s works", best.prefix, s.name)
}

// uplink finds a way out of a site by the id that site routes name it by.
func (w *World) uplink(here *site, id string) (uplink, bool) {
	if id == internetID {
		return internet{}, true
	}
	if v := w.vpns[id]; v != nil {
		return v, v.site == here
	}
	if a := w.appliances[id]; a != nil && id == a.eni {
		return a, a.site == here
	}
	if a := w.attachments[id]; a != nil && a.connect != nil {
		return a.connect, a.connect.site == here
	}
	if a := w.attachments[id]; a != nil && a.direct != nil {
		return a.direct, a.direct.site == here
	}
	if d := w.interfaces[id]; d != nil {
		return d, d.site == here
	}
	return nil, false
}

// AddRouterRoute gives the router of a site a static route, or replaces the one
// that it has for the prefix; via names links of the site or the word internet,
// best first. No via takes the route out. A host route to each tunnel's outside
// address via internet keeps a learned default from taking the tunnels' own way.
func (w *World) AddRouterRoute(siteName, prefix string, via ...string) error {
	dst, err := netip.ParsePrefix(prefix)
	if err != nil || dst != dst.Masked() {
		return fmt.Errorf("prefix %q is no CIDR block in canonical form: write for example 203.0.113.11/32", prefix)
	}
	var problem error
	w.do(func(now *step) {
		here := w.sites[siteName]
		if here == nil {
			problem = w.noSite(siteName)
			return
		}
		var ways []uplink
		for _, id := range via {
			link, known := w.uplink(here, id)
			if !known {
				problem = fmt.Errorf("via %q is no way out of site %q: name %s, or a VPN connection, an attachment or an interface whose site it is",
					id, siteName, internetID)
				return
			}
			ways = append(ways, link)
		}
		here.routes = slices.DeleteFunc(here.routes, func(r siteRoute) bool { return r.dst == dst })
		if len(ways) > 0 {
			here.routes = append(here.routes, siteRoute{dst: dst, via: ways})
		}
		w.findResolving()
		w.reroute(now, here)
	})
	return problem
}

func (v *vpnConnection) holds() bool {
	return slices.ContainsFunc(v.tunnels, func(t *tunnel) bool { return t.detected })
}

func (c *connect) holds() bool {
	return slices.ContainsFunc(c.attachment.sessions(), func(own *bgpSession) bool { return own.established })
}

func (d *directConnect) holds() bool { return d.session.established }
func (a *appliance) holds() bool     { return a.works() }
