package bgp

import (
	"fmt"
	"net/netip"
	"sync"

	"detour/shared/sim"
)

// firstTunnel begins the addresses inside the tunnels that have none in the
// topology, a /30 each.
const firstTunnel = "169.254.200.0"

// worldSession is a session of the simulated network.
type worldSession struct {
	speaker *sim.Speaker

	mu      sync.Mutex
	changed func()
}

var _ Network = (*worldSession)(nil)

// Watch implements Network.
func (n *worldSession) Watch(changed func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changed = changed
}

// heard is called by the network after every change of what it advertises.
func (n *worldSession) heard([]sim.Advertised) {
	n.mu.Lock()
	changed := n.changed
	n.mu.Unlock()
	if changed != nil {
		changed()
	}
}

// Session implements Network.
func (n *worldSession) Session(up bool) { n.speaker.Session(up) }

// Announce implements Network.
func (n *worldSession) Announce(r Route) {
	n.speaker.Announce(r.Prefix, r.Path, r.MED, r.NextHopSelf)
}

// Withdraw implements Network.
func (n *worldSession) Withdraw(prefix netip.Prefix) { n.speaker.Withdraw(prefix) }

// State implements Network.
func (n *worldSession) State() (carried, established bool) { return n.speaker.State() }

// Advertised implements Network.
func (n *worldSession) Advertised() []Route {
	advertised := n.speaker.Advertised()
	out := make([]Route, 0, len(advertised))
	for _, a := range advertised {
		out = append(out, Route{Prefix: a.Prefix, Path: a.ASPath, MED: a.MED})
	}
	return out
}

// Speakers takes all BGP sessions of the network, or only those of the sites that
// are named, out of the hands of its simulated routers: they are down until real
// ones bring them up, and nothing is announced but by those. AWS's ends are to
// listen on one port of different loopback addresses. It may be called once for
// each network. The error names a site that has no BGP session.
func Speakers(w *sim.World, port uint16, sites ...string) ([]Speaker, error) {
	wanted := map[string]bool{}
	for _, site := range sites {
		wanted[site] = false
	}
	var out []Speaker
	block := netip.MustParseAddr(firstTunnel)
	for _, view := range w.BGPSessions() {
		inside, peer := view.Address, view.PeerAddress
		if !inside.IsValid() {
			// AWS has the first address of a VPN tunnel's /30 (Site-to-Site VPN guide).
			inside, peer = block.Next(), block.Next().Next()
			block = peer.Next().Next()
		}
		if _, named := wanted[view.Site]; !named && len(sites) > 0 {
			continue
		}
		wanted[view.Site] = true
		session := &worldSession{}
		var err error
		if session.speaker, err = w.SpeakFor(view.ID, session.heard); err != nil {
			return nil, err
		}
		out = append(out, Speaker{
			Endpoint: Endpoint{
				Of: view.Of, Number: view.Number, Site: view.Site, ASN: view.ASN, Inside: inside, PeerASN: view.PeerASN, PeerInside: peer,
				Local: netip.AddrPortFrom(Loopback(inside), port), Peer: Loopback(peer),
			},
			Network: session,
		})
	}
	for _, site := range sites {
		if !wanted[site] {
			return nil, fmt.Errorf("site %q has no BGP session in the topology; name a site with a Connect peer, a VPN connection with bgp, or a Direct Connect gateway, or none for all of them", site)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the topology has no BGP session; give it a Connect peer, a VPN connection with bgp, or a Direct Connect gateway")
	}
	return out, nil
}
