package sim

import (
	"fmt"
	"net/netip"
)

// lineASN is the router's on a Direct Connect line where the topology names none.
const lineASN = 65000

// asn reads an ASN; 0 is the fallback.
func (b *builder) asn(field string, asn, fallback int) uint32 {
	if asn == 0 {
		asn = fallback
	}
	if asn != 0 && !validASN(asn) {
		b.problem("%s is %d: write an ASN from 1 to 4294967294", field, asn)
		return 0
	}
	return uint32(asn) //nolint:gosec // Checked above.
}

// plain makes announcements without attributes, which AWS is to take.
func (b *builder) plain(field string, texts []string) []announcement {
	var all []announcement
	for _, prefix := range b.prefixes(field, texts) {
		all = append(all, announcement{prefix: prefix, plain: true})
	}
	return all
}

// announcements reads announcements with their attributes; each prefix is
// announced once.
func (b *builder) announcements(field string, specs []AnnouncementSpec) []announcement {
	var all []announcement
	first := make(map[netip.Prefix]int)
	for i, spec := range specs {
		made, err := spec.announcement()
		if err != nil {
			b.problem("%s[%d].%w", field, i, err)
			continue
		}
		if j, twice := first[made.prefix]; twice {
			b.problem("%s[%d].prefix is %q, which %s[%d] announces already: keep one of them", field, i, spec.Prefix, field, j)
			continue
		}
		first[made.prefix] = i
		all = append(all, made)
	}
	return all
}

// session completes a session and makes it known.
func (b *builder) session(own *bgpSession, router *site, local, peer uint32) {
	own.localASN, own.peerASN = local, peer
	if router != nil {
		own.router = router
	}
	b.world.sessions = append(b.world.sessions, own)
}

// lineSession makes the session over the line of a Direct Connect gateway.
func (b *builder) lineSession(field string, d *directConnect, spec DirectConnectSpec) {
	fallback := lineASN
	if d.site != nil && d.site.asn != 0 {
		fallback = int(d.site.asn)
	}
	d.session = &bgpSession{id: d.linkID(), line: d, wanted: true, alive: d.truth, established: d.truth}
	local := b.asn(field+".gatewayAsn", spec.GatewayASN, transitGatewayASN)
	if d.vgw != nil {
		local = d.vgw.asn
	}
	peer := b.asn(field+".asn", spec.ASN, fallback)
	if local == peer {
		b.problem("%s.asn is %d, which is the gateway's own: give the two different ASNs", field, peer)
	}
	b.session(d.session, d.site, local, peer)
}

// vpnSessions makes the sessions inside a connection's tunnels.
func (b *builder) vpnSessions(field string, v *vpnConnection, spec VPNSpec) {
	if spec.BGP == nil && spec.BGPLog {
		b.problem("%s.bgpLog is true, but the connection has no bgp: give it bgp, or leave the log out", field)
	}
	if spec.BGP == nil {
		for i, t := range spec.Tunnels {
			if t.BGPDown {
				b.problem("%s.tunnels[%d].bgpDown is true, but the connection has no bgp: give it bgp, or write down", field, i)
			}
		}
		return
	}
	if len(spec.Routes) > 0 {
		b.problem("%s.routes has %d entries, but the connection has bgp: let its router announce them", field, len(spec.Routes))
	}
	if v.site == nil || len(v.tunnels) != len(spec.Tunnels) {
		return // A problem of its own.
	}
	v.announces = b.announcements(field+".bgp.announces", spec.BGP.Announces)
	peer := b.asn(field+".bgp.asn", spec.BGP.ASN, int(v.site.asn))
	local := b.gatewayASN(v)
	switch peer {
	case 0:
		b.problem("%s.bgp.asn is missing, and site %q has no asn either: write the customer gateway's ASN, for example 65010", field, v.site.name)
	case local:
		b.problem("%s.bgp.asn is %d, which is the gateway's own: a VPN connection has eBGP, so give the two different ASNs", field, peer)
	}
	for i, t := range v.tunnels {
		wanted := !spec.Tunnels[i].BGPDown
		up := wanted && t.truth
		t.bgp = &bgpSession{
			id: fmt.Sprintf("%s %s BGP", v.id, t.outsideIP), vpn: v, tunnel: t,
			wanted: wanted, alive: up, established: up,
		}
		t.works, t.reported = up, up
		b.session(t.bgp, v.site, local, peer)
		if spec.BGPLog {
			b.world.vpnLogs[t.bgp] = &vpnLog{session: t.bgp, neighbor: routerInside(len(b.world.sessions))}
		}
	}
}

// routerInside is the router's inside address of the n-th session: the second host
// of a /30 of the range that AWS takes inside addresses from.
func routerInside(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{169, 254, byte(16 + n/64%128), byte(n%64*4 + 2)}) //nolint:gosec // At most 254.
}

// gatewayASN is that of the gateway on which a connection ends.
func (b *builder) gatewayASN(v *vpnConnection) uint32 {
	if v.vgw != nil {
		return v.vgw.asn
	}
	return v.attachment.gateway.asn
}

// virtualGatewayASN is the default ASN of a virtual private gateway's side (EC2
// API, CreateVpnGateway).
const virtualGatewayASN = 64512

// sessionsAtStart lets AWS and the routers tell one another what they know, and
// gives the telemetry what follows.
func (b *builder) sessionsAtStart(s *step) {
	for _, own := range b.world.sessions {
		if own.established && b.world.overLimit(own) {
			own.established = false
			if own.peer != nil {
				b.world.showSession(b.now, own, false)
			}
			b.world.settleAfter(s, own, b.world.options.BGPRestartAfter)
		}
	}
	b.world.converge(s)
	for _, own := range b.world.sessions {
		if own.tunnel == nil {
			continue
		}
		t := own.tunnel
		t.reported = t.detected && own.established
		t.known = t.view(b.now)
		t.due = t.known
		own.vpn.telemetry.current[t.outsideIP] = t.due
	}
	s.routed, s.lines = nil, nil // Nobody has seen the tables and the logs without them.
}
