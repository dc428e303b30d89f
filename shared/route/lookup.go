package route

import "net/netip"

// originRank is the order in which routes of the same prefix win: static, then
// prefix list, then propagated (VPC User Guide, route priority; the TGW's first
// two ranks agree). The VPC's local route stands with the statics.
func originRank(origin Origin) int {
	switch origin {
	case OriginLocal, OriginStatic:
		return 0
	case OriginPrefixListReference:
		return 1
	case OriginPropagated:
		return 2
	default:
		return 3
	}
}

// Lookup returns the route that carries traffic to addr: the longest prefix
// that contains it, and among equal prefixes the best origin. IPv4 and IPv6
// are independent. Routes to prefix lists are passed over, since their entries
// are not part of a reading. A blackhole route wins like any other: traffic
// does not fall through to a shorter prefix.
func Lookup(routes []Route, addr netip.Addr) (Route, bool) {
	var best Route
	found := false
	for _, candidate := range routes {
		prefix := candidate.Destination.Prefix()
		if !prefix.IsValid() || !prefix.Contains(addr) {
			continue
		}
		if !found || better(candidate, best) {
			best, found = candidate, true
		}
	}
	return best, found
}

func better(a, b Route) bool {
	aBits, bBits := a.Destination.Prefix().Bits(), b.Destination.Prefix().Bits()
	if aBits != bBits {
		return aBits > bBits
	}
	return originRank(a.Origin) < originRank(b.Origin)
}
