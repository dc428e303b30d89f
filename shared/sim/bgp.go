package sim

import (
	"net/netip"
	"slices"
	"time"
)

// bgpRoute is one route as a BGP speaker announces it over one session. path is
// the AS_PATH as it is on the wire, nearest first: over eBGP it begins with the
// speaker's own ASN, over iBGP it is empty for what the speaker originates (RFC
// 4271, 5.1.2). A nil med is none; AWS then takes 100 on VPN and Connect and 0 on
// Direct Connect (Transit Gateway guide). nextHopSelf says that the next hop is
// the speaker itself, which only iBGP leaves open.
type bgpRoute struct {
	prefix      netip.Prefix
	path        []uint32
	med         *uint32
	nextHopSelf bool
}

func (r bgpRoute) equal(other bgpRoute) bool {
	same := r.med == other.med || r.med != nil && other.med != nil && *r.med == *other.med
	return same && r.prefix == other.prefix && r.nextHopSelf == other.nextHopSelf && slices.Equal(r.path, other.path)
}

func equalBGPRoutes(a, b []bgpRoute) bool { return slices.EqualFunc(a, b, bgpRoute.equal) }

// byPrefix sorts routes, and keeps the last of several with one prefix.
func byPrefix(routes []bgpRoute) []bgpRoute {
	last := make(map[netip.Prefix]bgpRoute, len(routes))
	for _, r := range routes {
		r.prefix = r.prefix.Masked()
		last[r.prefix] = r
	}
	sorted := make([]bgpRoute, 0, len(last))
	for _, prefix := range sortedPrefixes(last) {
		sorted = append(sorted, last[prefix])
	}
	return sorted
}

// The limits on what a router may announce (Transit Gateway quotas; Site-to-Site
// VPN quotas). A Connect peer's two sessions count together, a VPN connection's
// tunnels each for itself.
const (
	routesIntoGateway    = 1_000
	routesIntoVPNGateway = 100
)

// The limits on what AWS advertises over a session. That it leaves out what comes
// last in the order of prefixes is UNVERIFIED.
const (
	routesOutOfGateway    = 5_000
	routesOutOfVPNGateway = 1_000
)

// bgpSession is one BGP session between AWS's side and a router outside: of a VPN
// connection's tunnel, one of the two of a Connect peer, or the one over the line
// of a Direct Connect gateway; exactly one of tunnel (with vpn), peer and line is
// set.
//
// wanted is whether the router keeps the session up; alive is whether it also has
// something to run over; established is what AWS has found out, when a hold timer
// ran out or an OPEN came. flips counts the changes of alive, so that a detection
// under way can tell that it is out of date; flipped is the time of the last. accepted is what AWS has taken of
// the router's announcements, sorted by prefix; told is what AWS has sent it, and
// heard what of that has arrived.
type bgpSession struct {
	id     string
	vpn    *vpnConnection
	tunnel *tunnel
	peer   *connectPeer
	line   *directConnect

	index   int        // of a Connect peer's sessions
	address netip.Addr // of AWS's side of a Connect peer's session

	router   bgpRouter
	speaker  *Speaker // nil: the router speaks for itself
	localASN uint32
	peerASN  uint32

	wanted      bool
	alive       bool
	established bool
	flips       int
	flipped     time.Time

	accepted []bgpRoute
	told     []bgpRoute
	heard    []bgpRoute
	tellings int
}

// bgpRouter is what stands at the outer end of sessions: a site's router.
type bgpRouter interface {
	// announcedOver returns what the router announces over the session now, in any
	// order; of several routes with one prefix the last counts.
	announcedOver(own *bgpSession) []bgpRoute
	// listens reports whether the router makes anything of what it hears.
	listens() bool
	// hear tells the router everything that AWS advertises over the session from now
	// on, sorted by prefix: nothing once the session is down.
	hear(w *World, s *step, own *bgpSession, routes []bgpRoute)
}

// internal reports whether the session is iBGP.
func (b *bgpSession) internal() bool { return b.localASN == b.peerASN }

// attachment is the one that AWS's end teaches; nil for a session that ends on a
// virtual private gateway.
func (b *bgpSession) attachment() *attachment {
	switch {
	case b.peer != nil:
		return b.peer.connect.attachment
	case b.line != nil:
		return b.line.attachment
	}
	return b.vpn.attachment
}

// vgw is the virtual private gateway that the session ends on; nil for one of a
// transit gateway's attachments.
func (b *bgpSession) vgw() *vpnGateway {
	switch {
	case b.line != nil:
		return b.line.vgw
	case b.vpn != nil:
		return b.vpn.vgw
	}
	return nil
}

// gone reports whether the session went with its attachment.
func (b *bgpSession) gone() bool {
	a := b.attachment()
	return a != nil && a.state == attachmentDeleted
}

// carried reports whether the session has something to run over.
func (b *bgpSession) carried() bool {
	switch {
	case b.peer != nil:
		return b.peer.carried()
	case b.line != nil:
		return b.line.truth
	}
	return b.tunnel.truth
}

// live reports whether what one end sends over the session now arrives at the
// other. Both ends keep a dead one for established until its hold time is over.
func (b *bgpSession) live() bool { return b.established && b.alive }

// hold is the time after which AWS gives a silent session up.
func (b *bgpSession) hold(o Options) time.Duration {
	switch {
	case b.peer != nil:
		return o.ConnectHold
	case b.line != nil:
		return o.DirectConnectHold
	}
	return o.VPNHold
}

// announced returns what the other end announces over the session, sorted.
func (b *bgpSession) announced() []bgpRoute {
	switch {
	case b.speaker != nil:
		return byPrefix(b.speaker.routes)
	case b.router == nil:
		return nil
	}
	return byPrefix(b.router.announcedOver(b))
}

// takes reports whether AWS takes a route that it receives: not with its own ASN
// in the AS_PATH (RFC 4271, 9.1.2), not without any ASN, and over iBGP not without
// next-hop-self (Transit Gateway guide, Connect). Over eBGP an AS_PATH without an
// ASN is malformed (RFC 4271, 6.3). VPN connections of a virtual private gateway
// carry no IPv6.
func (b *bgpSession) takes(r bgpRoute) bool {
	switch {
	case len(r.path) == 0, slices.Contains(r.path, b.localASN):
		return false
	case b.internal() && !r.nextHopSelf:
		return false
	}
	return b.tunnel == nil || b.attachment() != nil || r.prefix.Addr().Is4()
}
