package sim

import (
	"cmp"
	"net/netip"
	"slices"
)

// The MED that a route without one gets (Transit Gateway guide, route evaluation
// order).
const (
	medOverDirectConnect = 0
	medOverTunnels       = 100
)

// candidate is a propagated route in the hidden RIB of a TGW table. What follows
// from is of those that came over BGP: session is nil for a VPC's CIDR block.
type candidate struct {
	prefix netip.Prefix
	rank   int
	from   *attachment

	session *bgpSession
	path    []uint32
	med     uint32
}

// learnedRoute makes a candidate of a route that AWS has taken over a session.
func learnedRoute(a *attachment, own *bgpSession, r bgpRoute) candidate {
	c := candidate{prefix: r.prefix, from: a, session: own, path: r.path, med: medOverTunnels}
	switch {
	case a.direct != nil:
		c.rank, c.med = rankDirectConnect, medOverDirectConnect
	case a.connect != nil:
		c.rank = rankConnect
	default:
		c.rank = rankVPN
	}
	if r.med != nil {
		c.med = *r.med
	}
	return c
}

// internal reports whether the candidate came over iBGP.
func (c candidate) internal() bool { return c.session != nil && c.session.internal() }

// preference orders candidates with the same CIDR by what AWS documents, best
// first: the rank of the source, the shorter AS_PATH, the lower MED, eBGP over
// iBGP (Transit Gateway guide, route evaluation order). Equal candidates give 0.
func (c candidate) preference(other candidate) int {
	return cmp.Or(
		cmp.Compare(c.rank, other.rank),
		cmp.Compare(len(c.path), len(other.path)),
		cmp.Compare(c.med, other.med),
		cmp.Compare(boolRank(c.internal()), boolRank(other.internal())),
	)
}

// compare is preference, and the lowest ids where it leaves the choice open: AWS
// guarantees no order there, so this is the World's choice.
func (c candidate) compare(other candidate) int {
	return cmp.Or(c.preference(other), cmp.Compare(c.from.id, other.from.id), cmp.Compare(c.sessionID(), other.sessionID()))
}

func (c candidate) sessionID() string {
	if c.session == nil {
		return ""
	}
	return c.session.id
}

// sharesLoad reports whether traffic spreads over two candidates of the same CIDR
// (Transit Gateway guide, equal-cost multi-path): never across types, never for
// VPCs; for VPN connections if the transit gateway has it switched on, and not
// over different neighbor ASNs; for Connect with the same AS_PATH and ASN; for
// Direct Connect gateways with the same AS_PATH.
func (c candidate) sharesLoad(other candidate) bool {
	if c.session == nil || other.session == nil || c.preference(other) != 0 {
		return false
	}
	switch c.rank {
	case rankVPN:
		return c.from.gateway.vpnECMP && c.path[0] == other.path[0]
	case rankConnect:
		return c.session.peerASN == other.session.peerASN && slices.Equal(c.path, other.path)
	case rankDirectConnect:
		return slices.Equal(c.path, other.path)
	}
	return false
}

// choose returns the candidates that carry the traffic, best first; candidates
// are sorted by compare. Between the two sessions of one Connect peer there is no
// multi-path, but their routes are merged, so that each attachment appears once.
func choose(candidates []candidate) []candidate {
	if len(candidates) == 0 {
		return nil
	}
	chosen := candidates[:1:1]
	for _, c := range candidates[1:] {
		seen := slices.ContainsFunc(chosen, func(other candidate) bool { return other.from == c.from })
		if !seen && candidates[0].sharesLoad(c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// flow picks one of n equal ways for the packets of one direction between two
// addresses, always the same. How AWS spreads flows is not published.
func flow(from, to netip.Addr, n int) int {
	sum := uint32(2166136261) // FNV-1a
	for _, addr := range []netip.Addr{from, to} {
		for _, octet := range addr.AsSlice() {
			sum = (sum ^ uint32(octet)) * 16777619
		}
	}
	return int(sum>>16) % max(n, 1)
}
