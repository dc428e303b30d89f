package sim

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// behindASN stands in an AS_PATH for whatever lies behind a router whose
// announcements are written without attributes: over iBGP AWS takes no route
// without an ASN. It is of the range for documentation (RFC 5398).
const behindASN = 64496

// announcement is one route that a router is told to announce. path is the
// AS_PATH before the router sends it: over eBGP its own ASN comes before it. plain
// says that no attributes were written, and that AWS is to take the route.
type announcement struct {
	prefix      netip.Prefix
	path        []uint32
	med         *uint32
	nextHopSelf bool
	plain       bool
}

// over makes the route that is sent over a session.
func (a announcement) over(own *bgpSession) bgpRoute {
	r := bgpRoute{prefix: a.prefix, path: a.path, med: a.med, nextHopSelf: a.nextHopSelf || a.plain || !own.internal()}
	switch {
	case !own.internal():
		r.path = append([]uint32{own.peerASN}, a.path...)
	case a.plain:
		r.path = []uint32{behindASN}
	}
	return r
}

// originates returns what the topology and Announce say that the router of a
// session announces over it. What is said of the session's own attachment, peer or
// connection comes after what is said of the site, and so counts in its place.
func (b *bgpSession) originates() []bgpRoute {
	var all []announcement
	switch {
	case b.peer != nil:
		all = slices.Concat(b.peer.connect.site.announces, b.peer.connect.announces, b.peer.announces)
	case b.line != nil:
		all = slices.Concat(b.line.site.announces, b.line.announces)
	default:
		all = slices.Concat(b.vpn.site.announces, b.vpn.announces)
	}
	routes := make([]bgpRoute, 0, len(all))
	for _, a := range all {
		routes = append(routes, a.over(b))
	}
	return routes
}

// announcing returns where the announcements of a site, a Connect peer, a VPN
// connection or a Direct Connect attachment are kept.
func (w *World) announcing(who string) *[]announcement {
	if p := w.connectPeers[who]; p != nil {
		return &p.announces
	}
	if v := w.vpns[who]; v != nil {
		return &v.announces
	}
	if a := w.attachments[who]; a != nil && a.direct != nil {
		return &a.direct.announces
	}
	if d := w.interfaces[who]; d != nil {
		return &d.announces
	}
	if place := w.sites[who]; place != nil {
		return &place.announces
	}
	return nil
}

// Announce lets a router announce a route from now on, in place of one with the
// same prefix: a site's over all of its sessions, or over those of the named
// Connect peer, VPN connection or Direct Connect attachment only. AWS takes it at
// once where a session is established.
func (w *World) Announce(who string, spec AnnouncementSpec) error {
	made, err := spec.announcement()
	if err != nil {
		return fmt.Errorf("announcing for %q: %w", who, err)
	}
	return w.announceFor(who, func(standing []announcement) []announcement {
		return append(withoutPrefix(standing, made.prefix), made)
	})
}

// Withdraw lets a router cease to announce a route that it was told to announce,
// by the same name. One that it does not announce is nothing to withdraw.
func (w *World) Withdraw(who, prefix string) error {
	parsed, err := netip.ParsePrefix(prefix)
	if err != nil {
		return fmt.Errorf("withdrawing for %q: prefix is %q: write a CIDR block such as 10.0.0.0/16", who, prefix)
	}
	return w.announceFor(who, func(standing []announcement) []announcement { return withoutPrefix(standing, parsed.Masked()) })
}

func withoutPrefix(standing []announcement, prefix netip.Prefix) []announcement {
	return slices.DeleteFunc(slices.Clone(standing), func(a announcement) bool { return a.prefix == prefix })
}

func (w *World) announceFor(who string, change func([]announcement) []announcement) error {
	var problem error
	w.do(func(s *step) {
		sessions, err := w.sessionsOf(who)
		if err != nil {
			problem = err
			return
		}
		kept := w.announcing(who)
		*kept = change(*kept)
		w.routerChanged(s, sessions)
	})
	return problem
}

// SetBGP makes the BGP session inside a VPN connection's tunnel truly go up or
// down now, while IPsec stays as it is; an empty outside address is all tunnels.
// AWS notices a failure VPNHold later and a recovery RecoverAfter later. It then
// withdraws or takes the router's routes, shows the tunnel DOWN or UP, and tells
// of it EventDelay later.
func (w *World) SetBGP(vpn, outsideIP string, up bool) error {
	var problem error
	w.do(func(s *step) {
		v, err := w.findVPN(vpn)
		if err != nil {
			problem = err
			return
		}
		if !v.usesBGP() {
			problem = fmt.Errorf("vpn %q has static routing and no BGP session: give it bgp in the topology", vpn)
			return
		}
		tunnels := v.tunnels
		if outsideIP != "" {
			t, err := v.findTunnel(outsideIP)
			if err != nil {
				problem = err
				return
			}
			tunnels = []*tunnel{t}
		}
		for _, t := range tunnels {
			t.bgp.wanted = up
			w.reconsiderSession(s, t.bgp)
			w.noteWorks(s.now, v, t)
		}
	})
	return problem
}

// announcement checks a spec.
func (a AnnouncementSpec) announcement() (announcement, error) {
	prefix, err := netip.ParsePrefix(a.Prefix)
	switch {
	case err != nil:
		return announcement{}, fmt.Errorf("prefix is %q: write a CIDR block such as 10.0.0.0/16", a.Prefix)
	case prefix != prefix.Masked():
		return announcement{}, fmt.Errorf("prefix is %q, which has host bits: write %s", a.Prefix, prefix.Masked())
	}
	made := announcement{prefix: prefix, nextHopSelf: a.NextHopSelf}
	for i, asn := range a.ASPath {
		if !validASN(asn) {
			return announcement{}, fmt.Errorf("asPath[%d] is %d: write an ASN from 1 to 4294967294", i, asn)
		}
		made.path = append(made.path, uint32(asn)) //nolint:gosec // Checked above.
	}
	if a.MED != nil {
		if *a.MED < 0 || *a.MED > math.MaxUint32 {
			return announcement{}, fmt.Errorf("med is %d: write a number from 0 to 4294967295", *a.MED)
		}
		med := uint32(*a.MED)
		made.med = &med
	}
	return made, nil
}

// validASN: 0 and the highest are reserved (RFC 7607, RFC 7300).
func validASN(asn int) bool { return asn > 0 && asn < math.MaxUint32 }
