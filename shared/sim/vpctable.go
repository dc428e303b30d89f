package sim

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/route"
)

// The origins of a VPC route (EC2 API, type Route).
const (
	originLocal      = "CreateRouteTable"
	originStatic     = "CreateRoute"
	originPropagated = "EnableVgwRoutePropagation"
)

// localTarget is the target of the route that a VPC table is made with.
const localTarget = "local"

// vpc is one VPC. targets are the ids, other than those of things that the World
// has, that its routes may point to: those that the topology names.
type vpc struct {
	id          string
	owner       owner
	cidrs       []netip.Prefix
	attachments []*attachment
	tables      []*vpcTable // the first is the main table
	vgw         *vpnGateway // nil: none
	targets     map[string]bool
}

// attachedTo returns the attachment that joins the VPC to a transit gateway.
func (v *vpc) attachedTo(gatewayID string) (*attachment, bool) {
	for _, a := range v.attachments {
		if a.gateway.id == gatewayID && a.state != attachmentDeleted {
			return a, true
		}
	}
	return nil, false
}

func (v *vpc) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(v.cidrs, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// tableFor returns the table of the subnet that holds the address; the main
// table serves the subnets that no table is explicitly associated with.
func (v *vpc) tableFor(addr netip.Addr) *vpcTable {
	for _, t := range v.tables {
		if slices.ContainsFunc(t.subnets, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			return t
		}
	}
	return v.tables[0]
}

func (v *vpc) hasSubnet(dst netip.Prefix) bool {
	return slices.ContainsFunc(v.tables, func(t *vpcTable) bool { return slices.Contains(t.subnets, dst) })
}

// vpcKey names an entry of a VPC table. A static route and a propagated one of
// the same destination stand beside each other (VPC User Guide, route priority),
// so the class belongs to the key. The local route counts as static: nothing can
// be created beside it.
type vpcKey struct {
	dst        route.Destination
	propagated bool
}

// compare orders by destination, the static entry before the propagated one.
func (k vpcKey) compare(other vpcKey) int {
	if c := k.dst.Compare(other.dst); c != 0 {
		return c
	}
	return cmp.Compare(boolRank(k.propagated), boolRank(other.propagated))
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// vpcTable is one VPC route table. propagating is the virtual private gateway
// that teaches it routes; a VPC has at most one.
type vpcTable struct {
	id          string
	vpc         *vpc
	subnets     []netip.Prefix
	propagating *vpnGateway
	routes      *timeline[vpcKey, VPCRouteView]
}

// standing returns the local or static entry of a destination.
func (t *vpcTable) standing(dst route.Destination) (VPCRouteView, bool) {
	entry, stands := t.routes.current[vpcKey{dst: dst}]
	return entry, stands
}

func sortedEntries(m map[vpcKey]VPCRouteView) []vpcKey {
	keys := make([]vpcKey, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, vpcKey.compare)
	return keys
}

// The ranks of the entries of a VPC table that have the same CIDR (VPC User
// Guide, route priority). The World has no Direct Connect gateway on a virtual
// private gateway and no BGP on its VPN connections, so the ranks among
// propagated routes do not come up.
const (
	rankVPCStatic = iota
	rankVPCList
	rankVPCLearned
)

// lookup returns the entry that carries traffic to addr, with the CIDR block
// that matched it. The local route shields its addresses from propagated routes
// however specific (Site-to-Site VPN guide, route priority), and here from the
// entries of prefix lists too, which is UNVERIFIED. Of two prefix lists with the
// same block AWS keeps to one that it picks at random; the World takes the lower id.
func (t *vpcTable) lookup(w *World, addr netip.Addr) (hopEntry[VPCRouteView], bool) {
	inside := t.vpc.contains(addr)
	shielded := func(block netip.Prefix) bool { return inside && t.vpc.covers(block) }
	var entries []hopEntry[VPCRouteView]
	for key, entry := range t.routes.current {
		switch block := key.dst.Prefix(); {
		case key.dst.List() != "":
			for _, block := range w.prefixLists[key.dst.List()].current() {
				if block.Contains(addr) && !shielded(block) {
					entries = append(entries, hopEntry[VPCRouteView]{prefix: block, rank: rankVPCList, route: entry})
				}
			}
		case !block.Contains(addr):
		case !key.propagated:
			entries = append(entries, hopEntry[VPCRouteView]{prefix: block, rank: rankVPCStatic, route: entry})
		case !shielded(block):
			entries = append(entries, hopEntry[VPCRouteView]{prefix: block, rank: rankVPCLearned, route: entry})
		}
	}
	slices.SortFunc(entries, func(a, b hopEntry[VPCRouteView]) int { return a.route.Destination.Compare(b.route.Destination) })
	return longestPrefix(entries, addr)
}

// covers reports whether a block is a CIDR block of the VPC or a part of one.
func (v *vpc) covers(block netip.Prefix) bool {
	return slices.ContainsFunc(v.cidrs, func(cidr netip.Prefix) bool { return within(block, cidr) })
}

// routeView makes an entry of a VPC table as DescribeRouteTables shows it.
func (w *World) routeView(v *vpc, dst route.Destination, target, origin string) VPCRouteView {
	view := VPCRouteView{Destination: dst, Target: target, Origin: origin, State: w.routeState(v, target)}
	if box := w.applianceOf(target); box != nil {
		view.Interface, view.Instance = box.shownTarget(target)
	}
	return view
}

// routeState says whether the target of a VPC route is there: a transit gateway
// whose VPC attachment is deleted, a detached virtual private gateway, a deleted
// interface and a terminated instance leave a blackhole (EC2 API, type Route).
// Whether anything behind the target works does not show.
func (w *World) routeState(v *vpc, target string) string {
	there := true
	switch {
	case isGatewayID(target):
		_, there = v.attachedTo(target)
	case w.vpnGateways[target] != nil:
		there = w.vpnGateways[target].attached
	case w.applianceOf(target) != nil:
		there = w.applianceOf(target).targetable(w.options.StoppedInstanceStaysActive)
	}
	if !there {
		return blackhole
	}
	return stateActive
}

// refreshVPC brings the VPC's propagated routes and the states of all routes up
// to date.
func (w *World) refreshVPC(now time.Time, v *vpc) {
	for _, t := range v.tables {
		w.refreshPropagated(now, t)
		for _, key := range sortedEntries(t.routes.current) {
			standing := t.routes.current[key]
			if put := w.routeView(v, key.dst, standing.Target, standing.Origin); put != standing {
				t.routes.set(now, key, put)
				w.noteLearned(now, t, key, put)
			}
		}
	}
}

// propagatedQuota is how many propagated routes a VPC table takes (VPC quotas;
// fixed). Which of more are left out is UNVERIFIED; here those that come last in
// the order of destinations.
const propagatedQuota = 100

// refreshPropagated brings the propagated routes of a table up to date with what
// its virtual private gateway knows.
func (w *World) refreshPropagated(now time.Time, t *vpcTable) {
	var taught []netip.Prefix
	if t.propagating != nil && t.propagating.attached {
		taught = t.propagating.known()
		taught = taught[:min(len(taught), propagatedQuota)]
	}
	for _, key := range sortedEntries(t.routes.current) {
		if key.propagated && !slices.Contains(taught, key.dst.Prefix()) {
			t.routes.remove(now, key)
			w.noteLearned(now, t, key, VPCRouteView{})
		}
	}
	for _, block := range taught {
		key := vpcKey{dst: route.CIDR(block), propagated: true}
		put := w.routeView(t.vpc, key.dst, t.propagating.id, originPropagated)
		if t.routes.current[key] != put {
			t.routes.set(now, key, put)
			w.noteLearned(now, t, key, put)
		}
	}
}

// weight is what the static routes of a table and family count against its
// quota: one per CIDR block, and per prefix list its MaxEntries, whatever the
// list holds (VPC User Guide, managed prefix lists). Whether the local routes
// count is UNVERIFIED; here they do not.
func (t *vpcTable) weight(w *World, ipv6 bool) int {
	total := 0
	for key, entry := range t.routes.current {
		if entry.Origin == originStatic && w.destinationIPv6(key.dst) == ipv6 {
			total += w.destinationWeight(key.dst)
		}
	}
	return total
}

func (w *World) destinationIPv6(dst route.Destination) bool {
	if l := w.prefixLists[dst.List()]; l != nil {
		return l.ipv6
	}
	return !dst.Prefix().Addr().Is4()
}

func (w *World) destinationWeight(dst route.Destination) int {
	if l := w.prefixLists[dst.List()]; l != nil {
		return l.maxEntries
	}
	return 1
}

// compareVPCTables orders tables by VPC, the main one first, then by id.
func compareVPCTables(a, b *vpcTable) int {
	if c := strings.Compare(a.vpc.id, b.vpc.id); c != 0 {
		return c
	}
	if aMain, bMain := a.vpc.tables[0] == a, b.vpc.tables[0] == b; aMain != bMain {
		return boolRank(bMain) - boolRank(aMain)
	}
	return strings.Compare(a.id, b.id)
}
