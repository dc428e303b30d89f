package doctor

import (
	"fmt"
	"slices"
	"strings"

	"detour/shared/protection"
	"detour/shared/route"
)

// batch is routes of one table that lead to the same next hop in the same state, and
// belong to the same group or filter or to none. They are told as one: a failure takes hundreds
// of routes, and each for the same reason.
type batch struct {
	routes []route.Route
	group  string
	// filter is the one whose measure they are.
	filter string
}

// first stands for all.
func (b batch) first() route.Route { return b.routes[0] }

func (b batch) destinations() []string {
	var out []string
	for _, r := range b.routes {
		out = append(out, r.Destination.String())
	}
	return out
}

// batches collects the routes of a table that are wanted, in the order of the first
// of each batch.
func (x *examination) batches(reading *route.Reading, wanted func(r route.Route) bool) []batch {
	var out []batch
	for _, r := range reading.Routes {
		if !wanted(r) {
			continue
		}
		group := x.entries[protection.EntryKey{Table: r.Table, Destination: r.Destination}]
		measure := x.measureOf(r)
		at := slices.IndexFunc(out, func(b batch) bool {
			return b.group == group && b.filter == measure && b.first().NextHop == r.NextHop && b.first().State == r.State && b.first().Origin == r.Origin
		})
		if at < 0 {
			at = len(out)
			out = append(out, batch{group: group, filter: measure})
		}
		out[at].routes = append(out[at].routes, r)
	}
	return out
}

// seenAll is a batch as evidence.
func (x *examination) seenAll(b batch) Evidence {
	out := x.seen(b.first())
	r := b.first()
	out.Text = fmt.Sprintf("%s has %s to %s (%s, %s)", r.Table.ID, few(b.destinations()), r.NextHop, r.Origin, r.State)
	return out
}

// downStatics: statics to VPN connections without a tunnel that is UP.
func downStatics(x *examination) {
	for _, reading := range x.tables {
		for _, b := range x.batches(reading, func(r route.Route) bool {
			return r.Origin == route.OriginStatic || r.Origin == route.OriginPrefixListReference
		}) {
			if vpns := x.deadEnd(b.first()); len(vpns) > 0 {
				x.downStatic(b, vpns)
			}
		}
	}
}

// deadEnd returns the VPN connections that a route leads to if all of them are down;
// none if one is not, or if there are none. What else may stand behind a virtual
// private gateway, a Direct Connect, cannot be seen.
func (x *examination) deadEnd(r route.Route) []*VPN {
	var out []*VPN
	for _, id := range hops(r) {
		vpn := x.vpnOf(id)
		if vpn == nil || !vpn.Down() {
			return nil
		}
		out = append(out, vpn)
	}
	if r.NextHop.Kind != route.VPNGateway {
		return out
	}
	for _, e := range x.ends {
		if e.vpn == nil || e.gateway != r.NextHop.ID {
			continue
		}
		if !e.vpn.Down() {
			return nil
		}
		out = append(out, e.vpn)
	}
	return out
}

func (x *examination) downStatic(b batch, vpns []*VPN) {
	r := b.first()
	where := x.inTable(r.Table)
	where.Destinations, where.Group, where.Filter = b.destinations(), b.group, b.filter
	var names []string
	evidence := []Evidence{x.seenAll(b)}
	for _, vpn := range vpns {
		names = append(names, vpn.ID)
		evidence = append(evidence, x.tunnels(vpn)...)
	}
	where.VPN = strings.Join(names, ",")
	if r.NextHop.Kind == route.VPNGateway {
		where.VPNGateway = r.NextHop.ID
	} else {
		where.Attachment = r.NextHop.ID
	}
	do := []string{
		"look at the customer gateway: aws ec2 describe-vpn-connections --vpn-connection-ids " + strings.Join(names, " ") + " --region " + r.Table.Region,
	}
	switch {
	case where.Group != "":
		do = append(do, "see why the group is still there: detour explain "+where.Group)
	case where.Filter != "":
		do = append(do, "leave the route to filter "+where.Filter+", which follows what is announced: detour explain "+where.Filter)
	default:
		do = append(do, "point the route to a way that is alive, or declare it as an entry of a group, so that Detour does it")
	}
	x.add(Finding{
		ID: StaticToDownVPN, Severity: Critical, Where: where, Do: do, Evidence: evidence,
		What: fmt.Sprintf("%s sends %s to %s, no tunnel of which is UP", r.Table.ID, few(b.destinations()), strings.Join(names, " and ")),
	})
}

// blackholes: routes that drop. A static to a dead VPN connection is told as that.
func blackholes(x *examination) {
	for _, reading := range x.tables {
		for _, b := range x.batches(reading, func(r route.Route) bool { return r.State == route.StateBlackhole && len(x.deadEnd(r)) == 0 }) {
			x.blackhole(b)
		}
	}
}

func (x *examination) blackhole(b batch) {
	r, destinations := b.first(), few(b.destinations())
	where := x.inTable(r.Table)
	where.Destinations, where.Group, where.Filter = b.destinations(), b.group, b.filter
	f := Finding{ID: Blackhole, Severity: Warning, Where: where, Evidence: []Evidence{x.seenAll(b)}}
	search := fmt.Sprintf("see who made it: aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=%s --region %s", r.Table.ID, r.Table.Region)
	switch {
	case r.NextHop.Kind == route.Blackhole && b.filter != "":
		f.Severity = Info
		f.What = fmt.Sprintf("%s drops %s: filter %s keeps out what is announced", r.Table.ID, destinations, b.filter)
		f.Do = []string{"nothing here; who announces it, if anybody does now: detour explain " + b.filter}
	case r.NextHop.Kind == route.Blackhole:
		f.What = fmt.Sprintf("%s drops %s: the route names no attachment", r.Table.ID, destinations)
		f.Severity = Info
		f.Evidence = append(f.Evidence, Evidence{Text: "a blackhole that somebody placed and a route whose attachment was deleted look the same"})
		f.Do = []string{search, "delete it if nobody wants it, or point it to an attachment"}
	case r.Table.Kind == route.TransitGatewayTable:
		f.Where.Attachment = r.NextHop.ID
		f.What = fmt.Sprintf("%s drops %s: %s takes no traffic", r.Table.ID, destinations, x.behind(r))
		f.Do = []string{"see the attachment's state: aws ec2 describe-transit-gateway-attachments --transit-gateway-attachment-ids " +
			strings.Join(hops(r), " ") + " --region " + r.Table.Region}
	default:
		f.What = fmt.Sprintf("%s drops %s: its target %s is gone or stopped", r.Table.ID, destinations, r.NextHop)
		f.Do = []string{"point the route to a target that exists, or delete it", search}
	}
	if b.filter != "" && r.NextHop.Kind != route.Blackhole {
		f.Do = []string{"see what filter " + b.filter + " wants here: detour explain " + b.filter, "if it is the egress of its pin, write one that takes traffic, and deploy"}
	}
	if f.Where.Group != "" {
		f.Severity = Critical
		f.Do = append(f.Do, "see what the group does about it: detour explain "+f.Where.Group)
	}
	x.add(f)
}

// hidden is a static route over a learned one of the same destination, with how that
// is known.
type hidden struct {
	static, learned route.Route
	how             string
}

// hiddenBackups: statics over learned routes of the same destination.
func hiddenBackups(x *examination) {
	for _, reading := range x.tables {
		for _, b := range x.batches(reading, func(r route.Route) bool { return r.Origin == route.OriginStatic && r.Destination.Prefix().IsValid() }) {
			var found []hidden
			for _, r := range b.routes {
				switch {
				case r.Table.Kind == route.VPCTable:
					found = append(found, besides(reading, r)...)
				case r.NextHop.Kind != route.Blackhole:
					found = append(found, x.shownElsewhere(r)...)
				}
			}
			for len(found) > 0 {
				first := found[0]
				other := func(h hidden) bool { return h.learned.NextHop != first.learned.NextHop || h.how != first.how }
				alike := slices.DeleteFunc(slices.Clone(found), other)
				found = slices.DeleteFunc(found, func(h hidden) bool { return !other(h) })
				x.hides(b, alike)
			}
		}
		if reading.Table.Kind == route.TransitGatewayTable && reading.Complete {
			x.accepted(reading)
		}
	}
}

// besides: a VPC table shows the static and the learned route side by side.
func besides(reading *route.Reading, static route.Route) []hidden {
	for _, r := range reading.Routes {
		if r.Origin == route.OriginPropagated && r.Destination == static.Destination && r.NextHop != static.NextHop {
			return []hidden{{static, r, "the table shows both"}}
		}
	}
	return nil
}

// shownElsewhere: the table shows the winner alone, but another table of the same
// transit gateway shows that an attachment which propagates into this one announces
// the destination, too. Best is a table that this attachment alone feeds and nobody
// routes by: an observation table.
func (x *examination) shownElsewhere(static route.Route) []hidden {
	var feeds []string
	for _, a := range x.around(static.Table).Propagating {
		if !slices.Contains(hops(static), a.ID) {
			feeds = append(feeds, a.ID)
		}
	}
	for _, reading := range x.tables {
		if len(feeds) == 0 || reading.Table == static.Table || x.gatewayOf[reading.Table] == "" || x.gatewayOf[reading.Table] != x.gatewayOf[static.Table] {
			continue
		}
		for _, r := range reading.Routes {
			if r.Origin != route.OriginPropagated || r.Destination != static.Destination || r.State != route.StateActive {
				continue
			}
			if slices.ContainsFunc(hops(r), func(id string) bool { return slices.Contains(feeds, id) }) {
				how := "another table of the transit gateway, " + reading.Table.ID + ", shows it"
				if around := x.around(reading.Table); len(around.Associated) == 0 && len(around.Propagating) == 1 {
					how = "the observation table " + reading.Table.ID + " shows it"
				}
				return []hidden{{static, r, how}}
			}
		}
	}
	return nil
}

// hides notes that statics hide learned routes. Those of a group and those of a filter
// are meant so; one of anybody else that drops its traffic while a backup stands ready is
// an outage. What a filter hides is no backup.
func (x *examination) hides(of batch, all []hidden) {
	group := of.group
	static, learned := all[0].static, all[0].learned
	statics, others := batch{group: group}, batch{}
	for _, h := range all {
		statics.routes, others.routes = append(statics.routes, h.static), append(others.routes, h.learned)
	}
	where := x.inTable(static.Table)
	where.Destinations, where.Group, where.Filter, where.Attachment = statics.destinations(), group, of.filter, strings.Join(hops(learned), ",")
	to := learned.NextHop.ID
	if where.Attachment != "" {
		to = x.behind(learned)
	} else {
		where.VPNGateway = learned.NextHop.ID
	}
	f := Finding{
		ID: StaticHidesBackup, Severity: Warning, Where: where,
		What:     fmt.Sprintf("in %s the static %s to %s hides what is learned from %s", static.Table.ID, few(statics.destinations()), static.NextHop, to),
		Evidence: []Evidence{x.seenAll(statics), x.seenAll(others), {Text: all[0].how}},
	}
	remove := make([]string, 0, len(all))
	for _, h := range all {
		remove = append(remove, removal(h.static))
	}
	dead := static.State == route.StateBlackhole || len(x.deadEnd(static)) > 0
	switch {
	case of.filter != "" && group == "":
		f.Severity = Info
		f.Do = []string{"nothing: filter " + of.filter + " writes this, and takes it back when it is over: detour explain " + of.filter}
	case dead && group != "":
		f.Severity = Critical
		f.Do = []string{"see why the group has not moved, and move it: detour explain " + group + ", then detour switch " + group + " --to PATH"}
	case dead:
		f.Severity = Critical
		f.Do = append([]string{"let the backup take over by deleting the dead static:"}, remove...)
	case group != "":
		f.Severity = Info
		f.Do = []string{"nothing: group " + group + " writes this, and moves it when its path dies"}
	default:
		f.Do = append([]string{
			"declare the destinations as entries of a group, so that the backup takes over when the static's target dies", "or delete the static if BGP is to decide:",
		}, remove...)
	}
	x.add(f)
}

// removal is the command that deletes a static route.
func removal(r route.Route) string {
	if r.Table.Kind == route.VPCTable {
		return fmt.Sprintf("aws ec2 delete-route --route-table-id %s --%s %s --region %s", r.Table.ID, blockFlag(r), r.Destination, r.Table.Region)
	}
	return fmt.Sprintf("aws ec2 delete-transit-gateway-route --transit-gateway-route-table-id %s --destination-cidr-block %s --region %s", r.Table.ID, r.Destination, r.Table.Region)
}

func blockFlag(r route.Route) string {
	if r.Destination.Prefix().Addr().Is4() {
		return "destination-cidr-block"
	}
	return "destination-ipv6-cidr-block"
}

// accepted: a VPN connection from which AWS takes more routes than the tables show,
// so that some are hidden, and there are statics that may be what hides them.
func (x *examination) accepted(reading *route.Reading) {
	var statics []string
	for _, r := range reading.Routes {
		if r.Origin == route.OriginStatic && r.NextHop.Kind != route.Blackhole {
			statics = append(statics, r.Destination.String())
		}
	}
	for _, a := range x.around(reading.Table).Propagating {
		vpn := x.vpnOf(a.ID)
		if vpn == nil || vpn.Static || len(statics) == 0 {
			continue
		}
		most, shown := 0, 0
		for _, tunnel := range vpn.Tunnels {
			if tunnel.Up {
				most = max(most, tunnel.AcceptedRoutes)
			}
		}
		for _, r := range reading.Routes {
			if r.Origin == route.OriginPropagated && slices.Contains(hops(r), a.ID) {
				shown++
			}
		}
		if most <= shown || x.explained(reading.Table, a.ID) {
			continue
		}
		where := x.inTable(reading.Table)
		where.Attachment, where.VPN, where.Destinations = a.ID, vpn.ID, statics
		x.add(Finding{
			ID: StaticHidesBackup, Severity: Info, Where: where,
			What: fmt.Sprintf("%s announces %s, and %s shows %d of them: others win over the rest, statics perhaps", vpn.ID, plural(most, "route"), reading.Table.ID, shown),
			Do: []string{
				"to see which, make an observation table: a route table of the transit gateway that nothing is associated with and only " + a.ID + " propagates into, " +
					fmt.Sprintf("with aws ec2 create-transit-gateway-route-table --transit-gateway-id %s --region %s", x.gatewayOf[reading.Table], reading.Table.Region),
			},
			Evidence: append(x.tunnels(vpn), Evidence{At: reading.StartedAt.UTC(), Text: fmt.Sprintf("static routes of %s: %s", reading.Table.ID, few(statics))}),
		})
	}
}

// explained reports whether an observation table shows what the attachment
// announces, so that what is hidden is told by name.
func (x *examination) explained(table route.Table, attachment string) bool {
	for _, around := range x.s.Around.Tables {
		if around.Table == table || !around.Complete || len(around.Associated) > 0 || len(around.Propagating) != 1 || around.Propagating[0].ID != attachment {
			continue
		}
		if reading := x.readings[around.Table]; reading != nil && reading.Complete {
			return true
		}
	}
	return false
}
