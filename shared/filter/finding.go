package filter

import (
	"cmp"
	"net/netip"
	"slices"

	"detour/shared/route"
)

// findDestination says what a denied destination is and puts at risk. What its
// announcement took over is found when it is first seen, and only who else announces
// it is added later, since a measure hides the rest.
func (j *judgement) findDestination(s *sight, d *draft) {
	announcers := s.announcers(d.m.Destination)
	why := &d.m.Why
	if len(announcers) > 0 && len(why.Announcers) == 0 {
		*why = s.find([]netip.Prefix{d.m.Destination.Prefix()}, announcers)
	}
	why.Announcers = mergeNeighbors(why.Announcers, announcers)
	why.Sources = s.sources(why.Sources, why.Announcers, d.m.Destination.Prefix())
}

// sources adds to the known ones the VPN connections of the announcers, as far as these
// are virtual private gateways, over which a log told that the prefix was announced. A
// connection that cannot be read belongs to no gateway.
func (s *sight) sources(known []Source, announcers []Neighbor, prefix netip.Prefix) []Source {
	out := slices.Clone(known)
	for _, told := range s.view.Logged {
		i := slices.IndexFunc(s.view.Outside.List, func(o Outside) bool { return o.Resource == told.Connection })
		if told.Prefix != prefix || i < 0 {
			continue
		}
		o := s.view.Outside.List[i]
		ends := slices.ContainsFunc(announcers, func(n Neighbor) bool { return n.Attachment == o.Gateway })
		if ends && !slices.ContainsFunc(out, func(have Source) bool { return have.Connection == o.Resource }) {
			out = append(out, Source{Connection: o.Resource, CustomerGateway: o.CustomerGateway})
		}
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Compare(a.Connection, b.Connection) })
	return listed(out)
}

// findAttachment says what an attachment announces that is denied; prefixes is how many
// prefixes it announces. What is denied follows the announcements, the rest is found
// once.
func (j *judgement) findAttachment(s *sight, d *draft, denied []netip.Prefix, prefixes int) {
	why := &d.m.Why
	if len(why.Announcers) == 0 {
		*why = s.find(denied, []Neighbor{s.neighbor(d.m.Attachment)})
		if d.m.Action == Quarantine {
			why.Groups = s.groups(why.Announcers[0])
		}
	}
	if d.reason == ReasonOverLimit && why.Prefixes == 0 {
		why.Prefixes = prefixes
	}
	if len(denied) > 0 {
		why.Denied, why.DeniedCount = listed(denied), len(denied)
	}
}

// Advice is what somebody has to change where a denied route comes from.
type Advice string

// What can be changed.
const (
	// AdviceStopAnnouncing: the announcers' customer gateways and appliances should not
	// announce the denied prefixes.
	AdviceStopAnnouncing Advice = "stop-announcing"
	// AdviceHostRoutes: whoever hears the denied prefixes should have a host route to each
	// outside address of its own tunnels.
	AdviceHostRoutes Advice = "host-routes-to-tunnel-endpoints"
)

// Advice returns what to change so that the denied route does no harm. A virtual private
// gateway hands what one VPN connection announces to its others (AWS Site-to-Site VPN user
// guide, CloudHub), which nothing in a route table stops, so there it is the only remedy.
func (f Finding) Advice() []Advice {
	var out []Advice
	if f.DeniedCount > 0 {
		out = append(out, AdviceStopAnnouncing)
	}
	if f.TunnelCount > 0 {
		out = append(out, AdviceHostRoutes)
	}
	return out
}

// find gathers what the denied prefixes put at risk.
func (s *sight) find(denied []netip.Prefix, announcers []Neighbor) Finding {
	out := Finding{Announcers: announcers, Denied: listed(denied), DeniedCount: len(denied)}
	inside := func(prefix netip.Prefix) bool {
		return slices.ContainsFunc(denied, func(outer netip.Prefix) bool { return covers(outer, prefix) })
	}
	byAnnouncer := func(r route.Route) bool {
		return slices.ContainsFunc(announcers, func(n Neighbor) bool { return slices.Contains(teachers(r.NextHop), n.Attachment) })
	}
	var risk []route.Destination
	for destination, r := range s.learned {
		if !byAnnouncer(r) && inside(destination.Prefix()) {
			risk = append(risk, destination)
		}
	}
	slices.SortFunc(risk, route.Destination.Compare)
	out.AtRisk, out.AtRiskCount = listed(risk), len(risk)
	var tunnels []Outside
	for _, o := range s.view.Outside.List {
		if inside(netip.PrefixFrom(o.Address, o.Address.BitLen())) {
			tunnels = append(tunnels, o)
		}
	}
	slices.SortFunc(tunnels, Outside.Compare)
	tunnels = slices.Compact(tunnels)
	out.Tunnels, out.TunnelCount = listed(tunnels), len(tunnels)
	if len(denied) > 0 {
		out.TookOver = s.without(denied[0], byAnnouncer)
	}
	return out
}

// without returns the next hop that traffic to the prefix has if the routes of the
// announcers are left out: that of the longest route around it, or that of an attachment
// whose observation table shows the same prefix.
func (s *sight) without(prefix netip.Prefix, byAnnouncer func(route.Route) bool) route.NextHop {
	for _, configured := range s.scope.Observation {
		r := route.Route{NextHop: route.NextHop{Kind: route.TransitGatewayAttachment, ID: configured.Attachment}}
		if s.observations[configured.Attachment].has[prefix] && !byAnnouncer(r) {
			return r.NextHop
		}
	}
	best, bits := route.NextHop{}, -1
	for _, routes := range []map[route.Destination]route.Route{s.statics, s.references, s.learned} {
		for destination, r := range routes {
			if outer := destination.Prefix(); outer.Bits() > bits && outer.Bits() <= prefix.Bits() && covers(outer, prefix) && !byAnnouncer(r) {
				best, bits = r.NextHop, outer.Bits()
			}
		}
	}
	return best
}

// groups returns the groups whose path is lost with what the attachment teaches the
// table, sorted.
func (s *sight) groups(n Neighbor) []string {
	var out []string
	for _, use := range s.f.Groups {
		if (use.Table == route.Table{} || use.Table == s.scope.Table) && use.Attachment != "" && (use.Attachment == n.Attachment || use.Attachment == n.Resource) {
			out = append(out, use.Group)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func mergeNeighbors(known, more []Neighbor) []Neighbor {
	out := slices.Clone(known)
	for _, n := range more {
		if !slices.ContainsFunc(out, func(have Neighbor) bool { return have.Attachment == n.Attachment }) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, Neighbor.Compare)
	return out
}

// listed returns a copy of the first MaxListed items.
func listed[T any](items []T) []T { return slices.Clone(items[:min(len(items), MaxListed)]) }
