package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/route"
)

func (b *builder) sites() {
	for i, spec := range b.topo.Sites {
		field := fmt.Sprintf("sites[%d]", i)
		if spec.Name == "" || b.world.sites[spec.Name] != nil {
			b.problem("%s.name is %q: give every site a name of its own", field, spec.Name)
			continue
		}
		if len(spec.Networks) == 0 {
			b.problem("%s.networks is empty: write the CIDR blocks behind the router", field)
		}
		b.world.sites[spec.Name] = &site{
			name: spec.Name, networks: b.prefixes(field+".networks", spec.Networks),
			asn: b.asn(field+".asn", spec.ASN, 0), announces: b.announcements(field+".announces", spec.Announces),
		}
		if len(spec.Announces) > 0 && spec.ASN == 0 {
			b.problem("%s.announces needs the router's ASN: write asn, for example 65010", field)
		}
	}
}

// siteRoutes comes after the VPN connections, which it refers to.
func (b *builder) siteRoutes() {
	for i, spec := range b.topo.Sites {
		s := b.world.sites[spec.Name]
		if s == nil {
			continue
		}
		for j, route := range spec.Routes {
			field := fmt.Sprintf("sites[%d].routes[%d]", i, j)
			dst, ok := b.prefix(field+".destination", route.Destination)
			if !ok {
				continue
			}
			if slices.ContainsFunc(s.routes, func(r siteRoute) bool { return r.dst == dst }) {
				b.problem("%s.destination is %q, which the site has a route for already: put all connections in one via", field, route.Destination)
				continue
			}
			s.routes = append(s.routes, siteRoute{dst: dst, via: b.via(field, s, route.Via)})
		}
		s.fib, s.held = selectRoutes(s.candidates(nil)), s.holding()
	}
	b.world.findResolving()
}

func (b *builder) via(field string, s *site, ids []string) []uplink {
	if len(ids) == 0 {
		b.problem("%s.via is empty: name the VPN connections, attachments or interfaces to use, best first", field)
	}
	var via []uplink
	for k, id := range ids {
		link, known := b.world.uplink(s, id)
		if !known {
			b.problem("%s.via[%d] is %q, which is no way out of site %q: name a VPN connection, a Connect or Direct Connect attachment, or an appliance's interface, whose site it is, or %s", field, k, id, s.name, internetID)
			continue
		}
		via = append(via, link)
	}
	return via
}

func (b *builder) vpcs() {
	for i, spec := range b.topo.VPCs {
		field := fmt.Sprintf("vpcs[%d]", i)
		v := &vpc{id: spec.ID, owner: b.owner(field, spec.Account, spec.Region), targets: make(map[string]bool)}
		if !b.claim(field+".id", spec.ID, "vpc-") {
			continue
		}
		if v.cidrs = b.prefixes(field+".cidrs", spec.CIDRs); len(spec.CIDRs) == 0 {
			b.problem("%s.cidrs is empty: write at least one CIDR block", field)
		}
		for j, attachment := range spec.Attachments {
			at := fmt.Sprintf("%s.attachments[%d]", field, j)
			a := b.attach(at, attachment, v.owner.region)
			if a == nil {
				continue
			}
			if _, attached := v.attachedTo(a.gateway.id); attached {
				b.problem("%s.transitGateway is %q, which %s is attached to already: one attachment per transit gateway", at, a.gateway.id, spec.ID)
			}
			a.vpc = v
			v.attachments = append(v.attachments, a)
		}
		b.vpcTables(field, v, spec.Tables)
		b.world.vpcs[spec.ID] = v
	}
}

func (b *builder) vpcTables(field string, v *vpc, specs []VPCTableSpec) {
	if len(specs) == 0 {
		b.problem("%s.tables is empty: write at least the main route table", field)
	}
	var subnets []netip.Prefix
	for i, spec := range specs {
		at := fmt.Sprintf("%s.tables[%d]", field, i)
		if !b.claim(at+".id", spec.ID, "rtb-") {
			continue
		}
		t := &vpcTable{id: spec.ID, vpc: v, routes: newTimeline[vpcKey, VPCRouteView]()}
		t.subnets = b.prefixes(at+".subnets", spec.Subnets)
		for _, subnet := range t.subnets {
			if !slices.ContainsFunc(v.cidrs, func(cidr netip.Prefix) bool { return within(subnet, cidr) }) {
				b.problem("%s.subnets has %s, which is outside the VPC: write a part of its cidrs", at, subnet)
			}
			if j := slices.IndexFunc(subnets, subnet.Overlaps); j >= 0 {
				b.problem("%s.subnets has %s, which overlaps %s of another table: a subnet has one table", at, subnet, subnets[j])
			}
		}
		subnets = append(subnets, t.subnets...)
		for _, cidr := range v.cidrs {
			dst := route.CIDR(cidr)
			t.routes.current[vpcKey{dst: dst}] = VPCRouteView{Destination: dst, Target: localTarget, Origin: originLocal, State: stateActive}
		}
		v.tables = append(v.tables, t)
		b.world.vpcTables[spec.ID] = t
	}
}

// vpcRoutes comes after the attachments. Targets other than transit gateways
// exist because the topology names them.
func (b *builder) vpcRoutes() {
	for i, spec := range b.topo.VPCs {
		v := b.world.vpcs[spec.ID]
		if v == nil {
			continue
		}
		for j, table := range spec.Tables {
			t := b.world.vpcTables[table.ID]
			if t == nil || t.vpc != v {
				continue
			}
			for k, route := range table.Routes {
				b.vpcRoute(fmt.Sprintf("vpcs[%d].tables[%d].routes[%d]", i, j, k), t, route)
			}
		}
	}
}

func (b *builder) vpcRoute(field string, t *vpcTable, spec RouteSpec) {
	dst, ok := b.vpcDestination(field+".destination", t, spec.Destination)
	if !ok {
		return
	}
	if !isGatewayID(spec.Target) {
		if !slices.ContainsFunc(missingTargets(), func(m missingTarget) bool { return strings.HasPrefix(spec.Target, m.marker) }) {
			b.problem("%s.target is %q: write the id of a transit gateway, or of an igw, vgw, eni, i, nat, pcx or vpce", field, spec.Target)
			return
		}
		if b.world.vpnGateways[spec.Target] == nil && b.world.applianceOf(spec.Target) == nil {
			t.vpc.targets[spec.Target] = true
		}
	}
	put, refused := b.world.createdRoute(t, dst, spec.Target)
	if refused != nil {
		b.problem("%s (%s to %s) is refused as AWS would refuse it, %s: change the route, or attach %s to the target",
			field, spec.Destination, spec.Target, refused.Error(), t.vpc.id)
		return
	}
	t.routes.current[vpcKey{dst: dst}] = put
}

// tgwContents comes after all attachments.
func (b *builder) tgwContents() {
	for i, spec := range b.topo.TransitGateways {
		for j, table := range spec.Tables {
			t := b.world.tgwTables[table.ID]
			if t == nil || t.gateway.id != spec.ID {
				continue
			}
			field := fmt.Sprintf("transitGateways[%d].tables[%d]", i, j)
			b.associate(field, t, table)
			for k, route := range table.Routes {
				b.tgwRoute(fmt.Sprintf("%s.routes[%d]", field, k), t, route)
			}
		}
	}
}

func (b *builder) associate(field string, t *tgwTable, spec TransitGatewayTable) {
	for k, id := range spec.Associated {
		a := b.member(fmt.Sprintf("%s.associated[%d]", field, k), t, id)
		switch {
		case a == nil:
		case a.table != nil:
			b.problem("%s.associated[%d] is %q, which %s has already: an attachment is associated with one table", field, k, id, a.table.id)
		default:
			a.table = t
		}
	}
	for k, id := range spec.Propagated {
		at := fmt.Sprintf("%s.propagated[%d]", field, k)
		if slices.Index(spec.Propagated, id) < k {
			b.problem("%s is %q for the second time: name it once", at, id)
		} else if a := b.member(at, t, id); a != nil && a.peering != nil {
			b.problem("%s is %q, a peering, which propagates no routes: write static routes to it", at, id)
		} else if a != nil {
			t.propagating[a] = true
			t.learn(a)
		}
	}
}

// member finds an attachment of the table's transit gateway.
func (b *builder) member(field string, t *tgwTable, id string) *attachment {
	if a := t.gateway.attachment(id); a != nil {
		return a
	}
	known := make([]string, 0, len(t.gateway.attachments))
	for _, a := range t.gateway.attachments {
		known = append(known, a.id)
	}
	slices.Sort(known)
	b.problem("%s is %q, which is no attachment of %s: use one of %s", field, id, t.gateway.id, strings.Join(known, ", "))
	return nil
}

func (b *builder) tgwRoute(field string, t *tgwTable, route RouteSpec) {
	put := aim{}
	if route.Target != blackhole {
		if put.target = b.member(field+".target", t, route.Target); put.target == nil {
			return
		}
		if put.target.connect != nil {
			b.problem("%s.target is %q, a Connect attachment, which takes no static routes: let it announce the destination", field, route.Target)
			return
		}
	}
	if strings.HasPrefix(route.Destination, "pl-") {
		b.tgwReference(field, t, route.Destination, put)
		return
	}
	dst, ok := b.prefix(field+".destination", route.Destination)
	if !ok {
		return
	}
	if _, twice := t.statics[dst]; twice {
		b.problem("%s.destination is %q, which the table has a static route for already: keep one", field, route.Destination)
		return
	}
	t.statics[dst] = &put
}

// tgwReference makes a prefix list reference.
func (b *builder) tgwReference(field string, t *tgwTable, list string, put aim) {
	own := t.gateway.owner
	l, refused := b.world.prefixListOf(Caller{Account: own.account, Region: own.region}, list)
	if refused != nil {
		b.problem("%s.destination is %q, which is no prefix list that %s sees in %s: declare it there, or share it", field, list, own.account, own.region)
		return
	}
	if t.references[l.id] != nil {
		b.problem("%s.destination is %q, which the table has a reference to already: keep one", field, list)
		return
	}
	r := &reference{aim: put, list: l}
	t.references[l.id] = r
	t.shownReferences.current[l.id] = r.view(t)
	t.list()
}

func (b *builder) hosts() {
	for i, spec := range b.topo.Hosts {
		field := fmt.Sprintf("hosts[%d]", i)
		if spec.Name == "" || b.world.hosts[spec.Name] != nil {
			b.problem("%s.name is %q: give every host a name of its own", field, spec.Name)
			continue
		}
		addr, err := netip.ParseAddr(spec.Address)
		if err != nil {
			b.problem("%s.address is %q: write an IP address", field, spec.Address)
			continue
		}
		h := &host{name: spec.Name, addr: addr.Unmap(), vpc: b.world.vpcs[spec.In], site: b.world.sites[spec.In]}
		switch {
		case h.vpc == nil && h.site == nil:
			known := append(sortedKeys(b.world.vpcs), sortedKeys(b.world.sites)...)
			b.problem("%s.in is %q, which is neither a VPC nor a site of the topology: use one of %s", field, spec.In, strings.Join(known, ", "))
		case h.vpc != nil && !h.vpc.contains(h.addr), h.vpc == nil && !h.site.contains(h.addr):
			b.problem("%s.address is %q, which is outside %s: write an address of its CIDR blocks", field, spec.Address, spec.In)
		}
		b.world.hosts[spec.Name] = h
	}
}
