package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/route"
)

// vpnGateways comes after the VPCs, whose tables it lets them teach.
func (b *builder) vpnGateways() {
	for i, spec := range b.topo.VPNGateways {
		field := fmt.Sprintf("vpnGateways[%d]", i)
		if !b.claim(field+".id", spec.ID, "vgw-") {
			continue
		}
		v := b.vpcNamed(field, spec.VPC)
		switch {
		case v == nil:
			continue
		case v.vgw != nil:
			b.problem("%s.vpc is %q, which has %s already: a VPC has one virtual private gateway", field, spec.VPC, v.vgw.id)
			continue
		}
		g := &vpnGateway{id: spec.ID, name: spec.Name, vpc: v, attached: true, asn: b.asn(field+".asn", spec.ASN, virtualGatewayASN)}
		v.vgw, b.world.vpnGateways[spec.ID] = g, g
		b.note(spec.ID, "gateway-attachment", g.attachment(), HealthTruth, HealthShown)
	}
	for i, spec := range b.topo.VPCs {
		for j, table := range spec.Tables {
			for k, id := range table.Propagated {
				b.propagated(fmt.Sprintf("vpcs[%d].tables[%d].propagated[%d]", i, j, k), b.world.vpcTables[table.ID], id)
			}
		}
	}
}

func (b *builder) propagated(field string, t *vpcTable, id string) {
	g := b.world.vpnGateways[id]
	switch {
	case t == nil:
	case g == nil || g.vpc != t.vpc:
		b.problem("%s is %q, which is no virtual private gateway of %s: name the one that is attached to it", field, id, t.vpc.id)
	case t.propagating != nil:
		b.problem("%s is %q for the second time: name it once", field, id)
	default:
		t.propagating = g
	}
}

func (b *builder) vpcNamed(field, id string) *vpc {
	v := b.world.vpcs[id]
	if v == nil {
		b.problem("%s.vpc is %q, which the topology does not have: use one of %s", field, id, strings.Join(sortedKeys(b.world.vpcs), ", "))
	}
	return v
}

// endVPN ends a VPN connection on a transit gateway or on a virtual private one.
func (b *builder) endVPN(field string, v *vpnConnection, spec VPNSpec) bool {
	if spec.VPNGateway != "" {
		return b.gatewayVPN(field, v, spec)
	}
	if len(spec.Routes) > 0 {
		b.problem("%s.routes is set, but %s ends on a transit gateway: write its routes in the transit gateway's tables", field, spec.ID)
	}
	if v.attachment = b.attach(field+".attachment", spec.Attachment, ""); v.attachment == nil {
		return false
	}
	v.attachment.vpn = v
	return true
}

// gatewayVPN ends a VPN connection on a virtual private gateway.
func (b *builder) gatewayVPN(field string, v *vpnConnection, spec VPNSpec) bool {
	g := b.world.vpnGateways[spec.VPNGateway]
	switch {
	case g == nil:
		b.problem("%s.vpnGateway is %q, which the topology does not have: use one of %s",
			field, spec.VPNGateway, strings.Join(sortedKeys(b.world.vpnGateways), ", "))
		return false
	case spec.Attachment != AttachmentSpec{}:
		b.problem("%s has both attachment and vpnGateway: a connection ends on one gateway, so keep one of the two", field)
		return false
	}
	if len(spec.Routes) > propagatedQuota {
		b.problem("%s.routes has %d prefixes: a connection on a virtual private gateway takes %d at most", field, len(spec.Routes), propagatedQuota)
	}
	for i, text := range spec.Routes {
		at := fmt.Sprintf("%s.routes[%d]", field, i)
		block, ok := b.prefix(at, text)
		switch {
		case !ok:
		case !block.Addr().Is4():
			b.problem("%s is %q: connections on a virtual private gateway carry no IPv6, so write IPv4 blocks", at, text)
		case slices.Contains(v.routes, block):
			b.problem("%s is %q for the second time: write it once", at, text)
		default:
			v.routes = append(v.routes, block)
		}
	}
	v.vgw = g
	g.vpns = append(g.vpns, v)
	slices.SortFunc(g.vpns, func(x, y *vpnConnection) int { return strings.Compare(x.id, y.id) })
	return true
}

// appliances comes after VPCs and sites.
func (b *builder) appliances() {
	for i, spec := range b.topo.Appliances {
		field := fmt.Sprintf("appliances[%d]", i)
		// Both are checked before either is given up, so that both are reported.
		instance := b.claim(field+".instance", spec.Instance, "i-")
		if !b.claim(field+".interface", spec.Interface, "eni-") || !instance {
			continue
		}
		v := b.vpcNamed(field, spec.VPC)
		if v == nil {
			continue
		}
		addr, err := netip.ParseAddr(spec.Address)
		if err != nil || !v.contains(addr) {
			b.problem("%s.address is %q: write an address of the CIDR blocks of %s", field, spec.Address, spec.VPC)
			continue
		}
		a := &appliance{
			instance: spec.Instance, eni: spec.Interface, name: spec.Name, vpc: v, addr: addr,
			state: instanceRunning, instanceOK: true, systemOK: true, forwarding: true, line: true,
			sourceDestCheck: spec.SourceDestCheck, shown: newTimeline[string, InstanceView](),
		}
		if a.site = b.world.sites[spec.Site]; a.site == nil && spec.Site != "" {
			b.problem("%s.site is %q, which the topology does not have: use one of %s", field, spec.Site, strings.Join(sortedKeys(b.world.sites), ", "))
		}
		if spec.Stopped {
			a.state = instanceStopped
		}
		b.world.appliances[a.eni], b.world.appliances[a.instance] = a, a
		b.startAppliance(a)
	}
	for i, spec := range b.topo.Appliances {
		if spec.Peer != "" {
			b.peer(fmt.Sprintf("appliances[%d].peer", i), b.world.appliances[spec.Interface], spec.Peer)
		}
	}
}

// startAppliance gives the first view and the first lines of the history.
func (b *builder) startAppliance(a *appliance) {
	view := InstanceView{
		ID: a.instance, Name: a.name, Interface: a.eni, VPC: a.vpc.id, Account: a.vpc.owner.account, Address: a.addr,
		State: a.state, InstanceStatus: checkOK, SystemStatus: checkOK, SourceDestCheck: a.sourceDestCheck,
	}
	for _, t := range a.vpc.tables {
		for _, subnet := range t.subnets {
			if subnet.Contains(a.addr) {
				view.Subnet = subnetID(a.vpc.id, subnet)
			}
		}
	}
	if a.state != instanceRunning {
		view.InstanceStatus, view.SystemStatus = checkNotApplicable, checkNotApplicable
	}
	a.shown.current[a.instance] = view
	b.note(a.instance, "instance-state", a.state, HealthTruth)
	b.note(a.instance, "instance-status", checkOK, HealthTruth)
	b.note(a.instance, "system-status", checkOK, HealthTruth)
	b.note(a.eni, "source-dest-check", fmt.Sprint(a.sourceDestCheck), HealthTruth)
	b.note(a.eni, "forwarding", forwardingValue(true), HealthTruth)
	b.note(a.eni, "uplink", upOrDown(true), HealthTruth)
	b.world.noteShown(b.now, InstanceView{}, view)
}

func (b *builder) note(resource, field, value string, kinds ...string) {
	for _, kind := range kinds {
		b.world.noteHealth(b.now, resource, field, "", value, kind)
	}
}

// peer joins an appliance to the other one of its pair: same VPC, same site.
func (b *builder) peer(field string, a *appliance, id string) {
	if a == nil {
		return
	}
	other := b.world.appliances[id]
	if other == nil || other.eni != id || other == a || other.vpc != a.vpc || other.site != a.site {
		b.problem("%s is %q: name the interface of another appliance of the same VPC and site", field, id)
		return
	}
	a.peer = other
}

// prefixLists comes before the tables, whose routes name them.
func (b *builder) prefixLists() {
	for i, spec := range b.topo.PrefixLists {
		field := fmt.Sprintf("prefixLists[%d]", i)
		if !b.claim(field+".id", spec.ID, "pl-") {
			continue
		}
		if spec.MaxEntries < 1 || spec.MaxEntries > prefixListMaxEntries || spec.MaxEntries < len(spec.Entries) {
			b.problem("%s.maxEntries is %d: write a number from 1 to %d that its %d entries fit in", field, spec.MaxEntries, prefixListMaxEntries, len(spec.Entries))
		}
		for k, account := range spec.Shared {
			b.account(fmt.Sprintf("%s.shared[%d]", field, k), account)
		}
		l := &prefixList{
			id: spec.ID, owner: b.owner(field, spec.Account, spec.Region), shared: spec.Shared, maxEntries: spec.MaxEntries,
			entries: make(map[int64][]PrefixListEntry), shown: newTimeline[string, PrefixListView](),
		}
		l.put(1, b.listEntries(field, l, spec.Entries))
		family := "IPv4"
		if l.ipv6 {
			family = "IPv6"
		}
		l.shown.current[l.id] = PrefixListView{
			ID: l.id, Name: spec.Name, Owner: l.owner.account, State: listCreated, AddressFamily: family,
			MaxEntries: l.maxEntries, Version: l.version, IPAM: spec.IPAM,
		}
		b.world.prefixLists[l.id] = l
	}
}

// listEntries reads the entries of a list; the first decides the list's address
// family, and a list without entries is of IPv4. Entries may overlap, but not be equal.
func (b *builder) listEntries(field string, l *prefixList, texts []string) []PrefixListEntry {
	var entries []PrefixListEntry
	for k, text := range texts {
		at := fmt.Sprintf("%s.entries[%d]", field, k)
		block, ok := b.prefix(at, text)
		if !ok {
			continue
		}
		if len(entries) == 0 {
			l.ipv6 = block.Addr().Is6()
		}
		switch {
		case block.Addr().Is6() != l.ipv6:
			b.problem("%s is %q: a prefix list has one address family, so keep IPv4 and IPv6 in lists of their own", at, text)
		case slices.ContainsFunc(entries, func(e PrefixListEntry) bool { return e.CIDR == block }):
			b.problem("%s is %q for the second time: write it once", at, text)
		default:
			entries = append(entries, PrefixListEntry{CIDR: block})
		}
	}
	return entries
}

// propagateVPCs fills in what the virtual private gateways teach at the start. It
// comes after the VPN connections and all routes.
func (b *builder) propagateVPCs() {
	for _, id := range sortedKeys(b.world.vpcs) {
		b.world.refreshVPC(b.now, b.world.vpcs[id])
		for _, t := range b.world.vpcs[id].tables {
			t.routes.log = nil // A stale read from before the start shows the start.
		}
	}
}

// vpcDestination reads a CIDR block, or a prefix list that the table's owner sees.
func (b *builder) vpcDestination(field string, t *vpcTable, text string) (route.Destination, bool) {
	if !strings.HasPrefix(text, "pl-") {
		p, ok := b.prefix(field, text)
		return route.CIDR(p), ok
	}
	own := t.vpc.owner
	if l := b.world.prefixLists[text]; l == nil || !l.visibleTo(Caller{Account: own.account, Region: own.region}) {
		b.problem("%s is %q, which is no prefix list that %s sees: name one of its Region, and share it with account %s", field, text, t.vpc.id, own.account)
		return route.Destination{}, false
	}
	return route.PrefixList(text), true
}
