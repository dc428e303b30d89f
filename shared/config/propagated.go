package config

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/health"
	"detour/shared/route"
)

// canLearn reports whether the path has one attachment that teaches routes.
func canLearn(p Path) bool {
	switch health.Kind(p.Kind) {
	case health.KindVPN, health.KindConnect, health.KindAttachment:
		return true
	case health.KindAppliance:
		return false
	default:
		return false
	}
}

// learns reports whether a next hop of the path is propagated.
func (g Group) learns(p Path) bool {
	return slices.ContainsFunc(g.hopsOf(p), isPropagated)
}

// hopsOf returns the next hops of the path, in the order of the entries.
func (g Group) hopsOf(p Path) []string {
	var out []string
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if hop, ok := entry.NextHops[p.Name]; ok {
				out = append(out, hop)
			}
		}
	}
	return out
}

// attachmentOf returns the attachment that teaches the path's routes: its own, or
// for a VPN connection, which has one (EC2 API, type VpnConnection), the first that
// a next hop of the path names; empty where nothing does.
func (g Group) attachmentOf(p Path) string {
	if p.Attachment != "" || !canLearn(p) {
		return p.Attachment
	}
	for _, hop := range g.hopsOf(p) {
		if id := strings.TrimPrefix(hop, "propagated:"); validID(id, "tgw-attach-") {
			return id
		}
	}
	return ""
}

// observationOf returns the path's observation table. It belongs to the transit
// gateway of the tables in which the path's routes are learned, and so has their
// owner where nothing else is said of it.
func (c Config) observationOf(g Group, p Path) health.Subject {
	if p.Observation == "" {
		return health.Subject{}
	}
	out := health.Subject{Kind: health.SubjectRouteTable, ID: p.Observation}
	for _, table := range c.TableList {
		if table.ID == p.Observation {
			out.Account, out.Region = table.Account, table.Region
		}
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if isPropagated(entry.NextHops[p.Name]) {
				fill(&out.Account, entry.Account)
				fill(&out.Region, entry.Region)
			}
		}
	}
	fill(&out.Account, p.Account)
	fill(&out.Region, p.Region)
	return out
}

// expects returns the blocks that the path's attachment must have taught, sorted:
// those that are declared, and the destinations of its propagated entries.
func (g Group) expects(p Path) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range p.ExpectRoutes {
		out = append(out, route.MustDestination(text).Prefix())
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if isPropagated(entry.NextHops[p.Name]) {
				out = append(out, route.MustDestination(entry.Destination).Prefix())
			}
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(out)
}
