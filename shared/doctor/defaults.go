package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/filter"
	"detour/shared/plan"
	"detour/shared/route"
)

// flapping is how long ago a tunnel's status may have changed at most to count as a
// sign of a loop: the reconnects of one come minutes apart.
const flapping = time.Hour

// loops: tunnels whose own endpoint is reached through them, and sites that hear a
// route which makes that happen in their router.
func loops(x *examination) {
	for _, e := range x.ends {
		for _, reading := range x.tables {
			x.throughItself(e, reading)
			x.heard(e, reading)
		}
	}
}

// throughItself: somebody who routes by the table reaches the end's address through
// the end. A table that nobody routes by, an observation table among them, may have
// such a route.
func (x *examination) throughItself(e end, reading *route.Reading) {
	for _, address := range e.addresses {
		best, found := route.Lookup(reading.Routes, address)
		if !found || best.State != route.StateActive || !x.leadsTo(best, e) || !x.routesBy(reading.Table, e) {
			continue
		}
		where := e.where(x.inTable(reading.Table))
		where.Attachment, where.VPNGateway, where.Destinations = e.attachment, e.gateway, []string{best.Destination.String()}
		x.add(Finding{
			ID: TunnelThroughItself, Severity: x.loopSeverity(e, best), Where: where,
			What: fmt.Sprintf("%s leads %s, the outside address of %s, into that same connection by %s", reading.Table.ID, address, e.noun(), best.Destination),
			Do: []string{
				"see who sends to that address by this table: a router in a VPC that builds the tunnel needs a more specific route to it, " +
					hostRoute(address) + " to an internet gateway",
				x.stopAnnouncing(best, e),
			},
			Evidence: append([]Evidence{x.seen(best)}, x.state(e)...),
		})
		return
	}
}

// leadsTo reports whether a route leads into the end.
func (x *examination) leadsTo(r route.Route, e end) bool {
	if e.attachment != "" && slices.Contains(hops(r), e.attachment) {
		return true
	}
	return e.gateway != "" && r.NextHop.Kind == route.VPNGateway && r.NextHop.ID == e.gateway
}

// routesBy reports whether anybody but the end itself routes by the table.
func (x *examination) routesBy(table route.Table, e end) bool {
	if table.Kind == route.VPCTable {
		return x.vpcTables[table].used()
	}
	return slices.ContainsFunc(x.around(table).Associated, func(a plan.Attachment) bool { return a.ID != e.attachment })
}

// loopSeverity: a loop shows itself as tunnels that are down or change; without that
// it may still come true. A static is somebody's wish.
func (x *examination) loopSeverity(e end, r route.Route) Severity {
	down, changed := e.trouble()
	switch {
	case len(down) > 0, !changed.IsZero() && x.s.At.Sub(changed) < flapping:
		return Critical
	case r.Origin == route.OriginPropagated:
		return Warning
	default:
		return Info
	}
}

// state is what the end's tunnels or sessions are, as evidence.
func (x *examination) state(e end) []Evidence {
	if e.vpn != nil {
		return x.tunnels(e.vpn)
	}
	return x.sessions(e.peer, e.network)
}

func hostRoute(address netip.Addr) string {
	return netip.PrefixFrom(address, address.BitLen()).String()
}

// stopAnnouncing says who must not announce a learned route, or what else keeps it
// from being taken.
func (x *examination) stopAnnouncing(r route.Route, e end) string {
	switch {
	case r.Origin != route.OriginPropagated:
		return fmt.Sprintf("or let the static route %s in %s be more specific, so that it leaves the address out", r.Destination, r.Table.ID)
	case r.Table.Kind == route.VPCTable:
		return fmt.Sprintf("on each customer gateway of %s: stop announcing %s (no default-originate, no network 0.0.0.0)", r.NextHop.ID, r.Destination)
	case slices.Contains(hops(r), e.attachment):
		return fmt.Sprintf("on the router behind %s: stop announcing %s (no default-originate, no network 0.0.0.0)", e.noun(), r.Destination)
	default:
		return fmt.Sprintf("on the router behind %s: stop announcing %s (no default-originate, no network 0.0.0.0)", x.behind(r), r.Destination)
	}
}

// behind names what a route of a transit gateway table leads to.
func (x *examination) behind(r route.Route) string {
	var names []string
	for _, id := range hops(r) {
		names = append(names, x.attachment(id))
	}
	return strings.Join(names, " and ")
}

// heard: AWS announces a route to the end's router that covers the end's own address.
// A transit gateway announces the routes of the table that the attachment is
// associated with (Amazon VPC Transit Gateways, how transit gateways work), though
// not back to who announced them. A virtual private gateway announces what it hears
// from one connection to the others (Site-to-Site VPN, VPN CloudHub). Whether a
// static blackhole is announced is UNVERIFIED, so none counts.
func (x *examination) heard(e end, reading *route.Reading) {
	if !e.bgp || !x.hears(e, reading.Table) {
		return
	}
	var worst route.Route
	for _, r := range reading.Routes {
		prefix := r.Destination.Prefix()
		if !prefix.IsValid() || r.State != route.StateActive || !x.announcedTo(e, r) {
			continue
		}
		if _, covers := e.covered(prefix); covers && (worst.Destination.Prefix() == netip.Prefix{} || prefix.Bits() > worst.Destination.Prefix().Bits()) {
			worst = r
		}
	}
	if !worst.Destination.Prefix().IsValid() {
		return
	}
	where := e.where(x.inTable(reading.Table))
	where.Attachment, where.VPNGateway, where.Destinations = e.attachment, e.gateway, []string{worst.Destination.String()}
	var hosts []string
	for _, address := range e.addresses {
		hosts = append(hosts, hostRoute(address))
	}
	do := []string{
		fmt.Sprintf("on the router of %s: add host routes to its tunnel endpoints over the uplink, not over the tunnel: %s", e.noun(), strings.Join(hosts, ", ")),
		x.stopAnnouncing(worst, end{}),
	}
	if reading.Table.Kind == route.TransitGatewayTable && worst.Origin == route.OriginPropagated {
		do = append(do, filterAdvice(reading.Table))
	}
	x.add(Finding{
		ID: SiteHearsEndpoint, Severity: x.loopSeverity(e, worst), Where: where, Do: do,
		What:     fmt.Sprintf("the router of %s hears %s from %s by BGP, which covers %s", e.noun(), worst.Destination, reading.Table.ID, few(hosts)),
		Evidence: append([]Evidence{x.seen(worst)}, x.state(e)...),
	})
}

// hears reports whether the table's routes are announced to the end.
func (x *examination) hears(e end, table route.Table) bool {
	if table.Kind == route.TransitGatewayTable {
		return e.attachment != "" && slices.ContainsFunc(x.around(table).Associated, func(a plan.Attachment) bool { return a.ID == e.attachment })
	}
	return e.gateway != "" && slices.Contains(x.vpcTables[table].Propagating, e.gateway) && len(x.speakers(e.gateway, e.id)) > 0
}

// announcedTo reports whether a route of such a table is announced to the end.
func (x *examination) announcedTo(e end, r route.Route) bool {
	if r.Table.Kind == route.VPCTable {
		return r.Origin == route.OriginPropagated && r.NextHop.ID == e.gateway
	}
	return r.NextHop.Kind == route.TransitGatewayAttachment && r.NextHop.ID != e.attachment
}

// speakers are the VPN connections on a virtual private gateway that announce routes
// to it, but for one.
func (x *examination) speakers(gateway, but string) []string {
	var out []string
	for _, e := range x.ends {
		if e.gateway != gateway || e.id == but || !e.bgp || e.vpn == nil {
			continue
		}
		if slices.ContainsFunc(e.vpn.Tunnels, func(t Tunnel) bool { return t.AcceptedRoutes > 0 }) {
			out = append(out, e.id)
		}
	}
	return out
}

// filterAdvice is how Detour keeps learned default routes out of a table.
func filterAdvice(table route.Table) string {
	return fmt.Sprintf("in Detour's configuration: a filter for %s with the rule deny default-like, and preset: true, so that it stands before the next announcement", table.ID)
}

// defaults: learned routes that are default-like.
func defaults(x *examination) {
	for _, reading := range x.tables {
		for _, r := range reading.Routes {
			if r.Origin != route.OriginPropagated || r.State != route.StateActive || !r.Destination.Prefix().IsValid() {
				continue
			}
			if r.Table.Kind == route.TransitGatewayTable {
				x.learnedByGateway(r)
			} else if r.NextHop.Kind == route.VPNGateway {
				x.learnedByVPC(r)
			}
		}
	}
}

// takes says why a prefix is default-like: it is short, or it covers an end.
func (x *examination) takes(prefix netip.Prefix) (why string, is bool) {
	var covered []string
	for _, e := range x.ends {
		if address, ok := e.covered(prefix); ok {
			covered = append(covered, fmt.Sprintf("%s of %s", address, e.noun()))
		}
	}
	switch {
	case len(covered) > 0:
		return "it covers tunnel endpoints: " + few(covered), true
	case filter.DefaultLike(prefix, nil):
		return "it is shorter than any site's network", true
	default:
		return "", false
	}
}

func (x *examination) learnedByGateway(r route.Route) {
	why, is := x.takes(r.Destination.Prefix())
	from := hops(r)
	if !is || len(from) == 0 || x.typeOf(from[0]) == typeVPC {
		return
	}
	var others []string
	for _, a := range x.around(r.Table).Associated {
		if a.BGP && !slices.Contains(from, a.ID) {
			others = append(others, a.String())
		}
	}
	where := x.inTable(r.Table)
	where.Attachment, where.Destinations = strings.Join(from, ","), []string{r.Destination.String()}
	if vpn := x.vpnOf(from[0]); vpn != nil {
		where.VPN = vpn.ID
	}
	f := Finding{
		ID: LearnedDefault, Severity: Warning, Where: where,
		What:     fmt.Sprintf("%s learned %s from %s; %s", r.Table.ID, r.Destination, x.behind(r), why),
		Do:       []string{x.stopAnnouncing(r, end{})},
		Evidence: []Evidence{x.seen(r)},
	}
	switch name := x.watchedBy(r.Table); {
	case name != "":
		f.Where.Filter = name
		f.Do = append(f.Do, fmt.Sprintf("nothing in this table, which filter %s watches: detour explain %s says what it does elsewhere", name, name))
	case x.around(r.Table).Complete && len(x.around(r.Table).Associated) == 0:
		f.Do = append(f.Do, "nothing in this table, by which nobody routes")
	default:
		f.Do = append(f.Do, filterAdvice(r.Table))
	}
	if len(others) > 0 {
		f.Severity = Critical
		f.Evidence = append(f.Evidence, Evidence{At: f.Evidence[0].At, Text: "associated with the table, and hearing it by BGP: " + few(others)})
	}
	x.add(f)
}

func (x *examination) learnedByVPC(r route.Route) {
	why, is := x.takes(r.Destination.Prefix())
	if !is {
		return
	}
	gateway := r.NextHop.ID
	where := x.inTable(r.Table)
	where.VPNGateway, where.Destinations = gateway, []string{r.Destination.String()}
	f := Finding{
		ID: LearnedDefault, Severity: Warning, Where: where,
		What: fmt.Sprintf("%s learned %s from %s; %s", r.Table.ID, r.Destination, gateway, why),
		Do: []string{
			x.stopAnnouncing(r, end{}),
			fmt.Sprintf("in Detour's configuration: a filter for %s with the rule deny default-like and the action pin, which protects the VPC and not the other sites", r.Table.ID),
		},
		Evidence: []Evidence{x.seen(r)},
	}
	if name := x.keptOut(r); name != "" {
		f.Where.Filter = name
		f.Do[1] = fmt.Sprintf("nothing more in AWS: filter %s pins it in this table. It reaches the other sites all the same", name)
	}
	speakers := x.speakers(gateway, "")
	switch {
	case len(speakers) == 0:
		f.Evidence = append(f.Evidence, Evidence{Text: "no VPN connection on " + gateway + " announces anything, so it came by Direct Connect"})
	case len(speakers) == 1:
		f.Evidence = append(f.Evidence, Evidence{Text: speakers[0] + " announces routes to " + gateway + "; a Direct Connect is not ruled out"})
	default:
		f.Severity = Critical
		f.Evidence = append(f.Evidence, Evidence{Text: "these announce routes to " + gateway + ", which passes them on to the others; which one it was cannot be seen: " + few(speakers)})
	}
	x.add(f)
}
