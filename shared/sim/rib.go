package sim

import (
	"cmp"
	"net/netip"
	"slices"
)

// The administrative distances by which a customer router chooses between
// sources of one prefix; the lowest wins. No RFC fixes them: these are what most
// router systems have by default. distanceAssigned is that of a default route
// that came with the router's own line to the Internet, over DHCP; a static one
// that somebody wrote is distanceStatic.
const (
	distanceConnected = 0
	distanceStatic    = 1
	distanceExternal  = 20
	distanceInternal  = 200
	distanceAssigned  = 210
)

// ribRoute is one candidate of a customer router's RIB. One that is not
// connected leads out over the first of via that works.
type ribRoute struct {
	prefix   netip.Prefix
	distance int
	via      []uplink
	// learned is how BGP has the route; nil for the other sources.
	learned *bgpPath
}

// bgpPath is one path to a prefix as a BGP speaker hears it. asn is the
// speaker's own, and rank what the speaker compares before everything else, the
// lowest first; both are the same for all paths of a router. order is the name
// of the session, which stands for the identifiers of the BGP speakers that the
// standard compares last.
type bgpPath struct {
	rank     int
	path     []uint32
	med      *uint32
	internal bool
	order    string
}

// looped reports whether the path has been through the autonomous system before:
// a speaker excludes such a path (RFC 4271, section 9.1.2).
func (p *bgpPath) looped(asn uint32) bool { return slices.Contains(p.path, asn) }

// neighbour is the autonomous system that the path was heard from, 0 for one
// inside the speaker's own.
func (p *bgpPath) neighbour() uint32 {
	if len(p.path) == 0 {
		return 0
	}
	return p.path[0]
}

// metric is the MED; a path without one counts as having the lowest (RFC 4271,
// section 9.1.2.2 c).
func (p *bgpPath) metric() uint32 {
	if p.med == nil {
		return 0
	}
	return *p.med
}

// bestPath returns the index of the path that a speaker selects: the lowest
// rank, the shortest AS_PATH, the lowest MED among those of one neighbouring
// autonomous system, external before internal, the lowest session (RFC 4271,
// section 9.1.2.2, without the steps for attributes that nobody here sends). The
// MED step makes pairs incomparable, so paths are removed step by step and not
// sorted. It returns -1 for no paths.
func bestPath(paths []*bgpPath) int {
	left := make([]int, len(paths))
	for i := range paths {
		left[i] = i
	}
	keepLowest := func(of func(*bgpPath) int) {
		lowest := slices.MinFunc(left, func(x, y int) int { return cmp.Compare(of(paths[x]), of(paths[y])) })
		limit := of(paths[lowest])
		left = slices.DeleteFunc(left, func(i int) bool { return of(paths[i]) > limit })
	}
	if len(left) == 0 {
		return -1
	}
	keepLowest(func(p *bgpPath) int { return p.rank })
	keepLowest(func(p *bgpPath) int { return len(p.path) })
	all := slices.Clone(left)
	left = slices.DeleteFunc(left, func(i int) bool {
		return slices.ContainsFunc(all, func(j int) bool {
			return paths[j].neighbour() == paths[i].neighbour() && paths[j].metric() < paths[i].metric()
		})
	})
	keepLowest(func(p *bgpPath) int { return boolRank(p.internal) })
	return slices.MinFunc(left, func(x, y int) int { return cmp.Compare(paths[x].order, paths[y].order) })
}

// selectRoute returns the route of one prefix that the router forwards by: BGP
// selects among its own first, and its choice then competes with the other
// sources by distance. Among equals the first wins.
func selectRoute(candidates []ribRoute) (ribRoute, bool) {
	var paths []*bgpPath
	var heard, rest []ribRoute
	for _, c := range candidates {
		if c.learned == nil {
			rest = append(rest, c)
			continue
		}
		paths, heard = append(paths, c.learned), append(heard, c)
	}
	if best := bestPath(paths); best >= 0 {
		rest = append(rest, heard[best])
	}
	if len(rest) == 0 {
		return ribRoute{}, false
	}
	return slices.MinFunc(rest, func(x, y ribRoute) int { return cmp.Compare(x.distance, y.distance) }), true
}

// selectRoutes returns the routes that a router forwards by, one for each
// prefix, sorted.
func selectRoutes(candidates []ribRoute) []ribRoute {
	byPrefix := make(map[netip.Prefix][]ribRoute)
	for _, c := range candidates {
		byPrefix[c.prefix] = append(byPrefix[c.prefix], c)
	}
	fib := make([]ribRoute, 0, len(byPrefix))
	for _, prefix := range sortedPrefixes(byPrefix) {
		if best, found := selectRoute(byPrefix[prefix]); found {
			fib = append(fib, best)
		}
	}
	return fib
}
