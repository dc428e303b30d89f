package explain

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"detour/shared/config"
)

// Overlap is a table in which declared destinations lie in one another. That is
// legal: the longest prefix wins.
type Overlap struct {
	Table string `json:"table"`
	// Routes are those that contain another or lie in one, longest prefix first.
	Routes []OverlapRoute `json:"routes"`
	// Lists are prefix lists of the same table, whose blocks are not known here.
	Lists []string `json:"lists,omitempty"`
}

// OverlapRoute is one declared destination.
type OverlapRoute struct {
	Destination string `json:"destination"`
	Group       string `json:"group"`
	Unit        string `json:"unit"`
	// Inside is the longest declared destination around it; empty for the widest.
	Inside string `json:"inside,omitempty"`

	prefix netip.Prefix
}

// overlaps finds the destinations of each table that contain one another, over
// all groups.
func overlaps(c config.Config) []Overlap {
	routes, lists := map[string][]OverlapRoute{}, map[string][]string{}
	for _, g := range c.GroupList {
		for _, unit := range g.Units {
			for _, entry := range unit.Entries {
				prefix, err := netip.ParsePrefix(entry.Destination)
				if err != nil {
					lists[entry.Table] = append(lists[entry.Table], entry.Destination)
					continue
				}
				routes[entry.Table] = append(routes[entry.Table], OverlapRoute{Destination: entry.Destination, Group: g.Name, Unit: unit.Name, prefix: prefix})
			}
		}
	}
	out := []Overlap{}
	for _, table := range slices.Sorted(maps.Keys(routes)) {
		if found := nested(routes[table]); len(found) > 0 {
			slices.Sort(lists[table])
			out = append(out, Overlap{Table: table, Routes: found, Lists: lists[table]})
		}
	}
	return out
}

// nested returns the routes that contain another or lie in one, longest prefix
// first. After sorting by address and then by length, all that lies in a block
// follows it directly, so a stack of the open blocks finds what is around each.
func nested(routes []OverlapRoute) []OverlapRoute {
	slices.SortFunc(routes, func(a, b OverlapRoute) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()))
	})
	part := make([]bool, len(routes))
	var open []int
	for i := range routes {
		for len(open) > 0 && !routes[open[len(open)-1]].prefix.Contains(routes[i].prefix.Addr()) {
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			around := open[len(open)-1]
			routes[i].Inside = routes[around].Destination
			part[i], part[around] = true, true
		}
		open = append(open, i)
	}
	var out []OverlapRoute
	for i, route := range routes {
		if part[i] {
			out = append(out, route)
		}
	}
	slices.SortStableFunc(out, func(a, b OverlapRoute) int {
		return cmp.Or(cmp.Compare(a.prefix.Addr().BitLen(), b.prefix.Addr().BitLen()), cmp.Compare(b.prefix.Bits(), a.prefix.Bits()))
	})
	return out
}
