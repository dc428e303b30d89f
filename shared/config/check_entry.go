package config

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/route"
)

// entryID is what must be unique over all groups.
type entryID struct {
	table       string
	destination route.Destination
}

// seat is where an entry stands: its group, its unit, and its path.
type seat struct{ group, unit, entry string }

// untouchable finds what covers an entry; the values are paths.
type untouchable struct {
	tables       map[string]string
	destinations map[route.Destination]string
}

// cover returns the listed destination that contains the given one, and its
// path. What a prefix list holds is not known here: it is covered by itself.
func (u untouchable) cover(destination route.Destination) (route.Destination, string, bool) {
	if list := destination.List(); list != "" {
		path, ok := u.destinations[destination]
		return destination, path, ok
	}
	for outer := range blocksAround(destination.Prefix().Addr(), destination.Prefix().Bits()) {
		if path, ok := u.destinations[outer]; ok {
			return outer, path, true
		}
	}
	return route.Destination{}, "", false
}

// blocksAround yields the blocks that contain the address and have at most so
// many bits, the widest first.
func blocksAround(addr netip.Addr, bits int) iter.Seq[route.Destination] {
	return func(yield func(route.Destination) bool) {
		for n := range bits + 1 {
			if !yield(route.CIDR(netip.PrefixFrom(addr, n))) {
				return
			}
		}
	}
}

func (k *checker) units(path string, g Group, named bool) {
	if len(g.Units) == 0 {
		k.add(path, "", "missing", "declare at least one unit with the entries that move together")
	}
	names := map[string]string{}
	for i, unit := range g.Units {
		at := IndexPath(path, i)
		k.uniqueName(at+".name", unit.Name, "unit", names)
		if len(unit.Entries) == 0 {
			k.add(at+".entries", "", "missing", "declare at least one entry")
		}
		for j, entry := range unit.Entries {
			entryPath := IndexPath(at+".entries", j)
			k.entry(entryPath, g, entry, named)
			k.flow(entryPath+".flow", g, entry.Flow, seat{strings.TrimSuffix(path, ".units"), at, entryPath})
		}
	}
}

func (k *checker) entry(path string, g Group, e Entry, named bool) {
	ownerOK := k.owner(path, k.tableOwner(g, e), e.Account, e.Region, "route table")
	kind, tableOK := k.tableRef(path+".table", e.Table)
	if tableOK && ownerOK {
		k.sameOwner(path, e.Table, e.Account, e.Region)
	}
	destination, destinationOK := k.destination(path+".destination", e.Destination)
	if first, ok := k.untouchable.tables[e.Table]; tableOK && ok {
		k.add(path+".table", e.Table, fmt.Sprintf("is listed at %s, so the entry could never be written", first), "remove the entry, or take the table off the list")
	}
	if tableOK && destinationOK {
		id := entryID{e.Table, destination}
		if first, twice := k.seen[id]; twice {
			k.add(path+".destination", e.Destination, fmt.Sprintf("is declared twice for table %s, first at %s", e.Table, first), "remove one of the two")
		} else {
			k.seen[id] = path
		}
	}
	if destinationOK {
		k.entryDestination(path+".destination", e, destination)
	}
	if named {
		k.nextHops(path+".nextHops", g, e)
	}
	if !tableOK {
		return
	}
	if _, known := k.written[e.Table]; !known {
		k.written[e.Table] = path
	}
	if named {
		k.targets(path, g, e, kind, destination)
	}
}

// targets checks the next hops of an entry whose table is good.
func (k *checker) targets(path string, g Group, e Entry, kind route.TableKind, destination route.Destination) {
	for _, p := range g.Paths {
		hop, ok := e.NextHops[p.Name]
		switch {
		case !ok:
		case isPropagated(hop):
			k.propagatedHop(KeyPath(path+".nextHops", p.Name), g, p, hop, kind, destination)
		case p.VPN != "" && strings.HasPrefix(hop, "vgw-") && destination.Prefix().Addr().Is6():
			k.add(KeyPath(path+".nextHops", p.Name), hop, fmt.Sprintf("is a virtual private gateway, whose VPN connections carry no IPv6, so %s would reach nothing over %s", destination, p.VPN),
				"write a transit gateway tgw-… whose VPN connection has IPv6 inside its tunnels, or a group of its own for the IPv6 entries")
		default:
			k.nextHop(KeyPath(path+".nextHops", p.Name), hop, kind, destination)
		}
	}
	k.oneLearned(path+".nextHops", g, e)
}

// tableOwner returns who is known, and was checked, to own the entry's table:
// what was declared of the table if the entry has the same, else the group's
// home.
func (k *checker) tableOwner(g Group, e Entry) Home {
	if table, ok := k.tableOwners[e.Table]; ok && table == (Home{e.Account, e.Region}) {
		return table
	}
	return g.Home
}

// entryDestination checks what else is said about the entry's destination.
func (k *checker) entryDestination(path string, e Entry, destination route.Destination) {
	if outer, first, ok := k.untouchable.cover(destination); ok {
		where := fmt.Sprintf("lies in %s, listed at %s", outer, first)
		if destination.List() != "" {
			where = "is listed at " + first
		}
		k.add(path, e.Destination, where+", so the entry could never be written", "remove the entry, or take the destination off the list")
	}
	if list, ok := k.lists[destination.List()]; ok {
		k.acceptedList(path, e, list)
	}
}

// flow checks that the entries of a flow move together.
func (k *checker) flow(path string, g Group, name string, at seat) {
	if name == "" {
		return
	}
	if !validName(name) {
		k.add(path, name, "is not a name", nameRemedy)
		return
	}
	first, known := k.flows[name]
	switch {
	case !known:
		k.flows[name] = at
	case first.group != at.group:
		k.add(path, name, fmt.Sprintf("is a flow of another group too, %s, and groups do not move together", first.entry), "put the entries of a flow into one group")
	case first.unit != at.unit && !g.Stateful:
		k.add(path, name, fmt.Sprintf("is a flow of another unit too, %s, and units move one after the other", first.entry), "put the entries of a flow into one unit, or write stateful: true in the group")
	}
}

// nextHops checks that the entry has a next hop for every path, and no others.
func (k *checker) nextHops(path string, g Group, e Entry) {
	names := make([]string, len(g.Paths))
	for i, p := range g.Paths {
		names[i] = p.Name
		if _, ok := e.NextHops[p.Name]; !ok {
			k.add(path, "", fmt.Sprintf("no next hop for path %q", p.Name), fmt.Sprintf("write %s: and the id of the target", p.Name))
		}
	}
	undeclared := make([]string, 0, len(e.NextHops))
	for name := range e.NextHops {
		if !slices.Contains(names, name) {
			undeclared = append(undeclared, name)
		}
	}
	slices.Sort(undeclared)
	for _, name := range undeclared {
		k.add(KeyPath(path, name), name, "is not a path of the group", "write one of: "+strings.Join(names, ", "))
	}
}

// tableRef checks the id of a route table, or a name that Normalize could not
// replace by one.
func (k *checker) tableRef(path, text string) (route.TableKind, bool) {
	if validTable(text) {
		kind, err := route.KindOfTable(text)
		return kind, err == nil
	}
	if _, declared := k.tables[text]; declared {
		return "", false // The table's id is wrong, and was reported where it stands.
	}
	what := "is not a route table id"
	if len(k.tables) > 0 {
		what = "is neither a route table id nor a name under tables"
	}
	k.wrongOrMissing(path, text, what, tableRemedy)
	return "", false
}

const tableRemedy = "write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table"

func validTable(id string) bool { return validID(id, "tgw-rtb-") || validID(id, "rtb-") }

// destination checks a CIDR block or the id of a prefix list, and returns it
// where it is good.
func (k *checker) destination(path, text string) (route.Destination, bool) {
	const example = "write a CIDR block such as 10.0.0.0/8 or 2001:db8::/32, or a prefix list pl-…"
	if strings.HasPrefix(text, "pl-") {
		if !validID(text, "pl-") {
			k.add(path, text, "is not a prefix list id", "write pl-…")
			return route.Destination{}, false
		}
		return route.PrefixList(text), true
	}
	prefix, err := netip.ParsePrefix(text)
	addr, addrErr := netip.ParseAddr(text)
	switch {
	case err != nil && addrErr == nil && addr.Zone() == "":
		k.add(path, text, "is an address, not a CIDR block", fmt.Sprintf("write %s", netip.PrefixFrom(addr, addr.BitLen())))
	case err != nil:
		k.wrongOrMissing(path, text, "is not a CIDR block", example)
	case prefix.Addr().Is4In6():
		k.add(path, text, "is an IPv4 block in IPv6 notation", "write the IPv4 block")
	case prefix != prefix.Masked():
		k.add(path, text, "has host bits set", fmt.Sprintf("write %s", prefix.Masked()))
	default:
		return route.CIDR(prefix), true
	}
	return route.Destination{}, false
}

// nextHop checks that a table of the kind can point to the target. destination
// may be the zero value.
func (k *checker) nextHop(path, text string, kind route.TableKind, destination route.Destination) {
	sort, remedy := "transit gateway", "write tgw-attach-…, propagated:tgw-attach-… or blackhole"
	if kind == route.VPCTable {
		sort, remedy = "VPC", "write for example tgw-…, vgw-… or eni-…"
	}
	hop, err := route.ParseNextHop(text)
	connect, isConnect := k.connects[hop.ID]
	switch {
	case err != nil || hop.ID != "" && !validTarget(hop.ID):
		k.wrongOrMissing(path, text, "is not the id of a target that Detour knows", remedy)
	case !pointsTo(kind, hop.Kind):
		k.add(path, text, fmt.Sprintf("is a target (%s) that a %s route table cannot have", hop.Kind, sort), remedy)
	case hop.Kind == route.EgressOnlyInternetGateway && destination.Prefix().Addr().Is4():
		k.add(path, text, "is an egress-only internet gateway, which carries IPv6 only", "write a target for IPv4, such as nat-…")
	case hop.Kind == route.VPCEndpoint && destination.List() != "":
		k.add(path, text, "is a VPC endpoint, and a prefix list route cannot point to one", "write the CIDR blocks of the list, each as an entry of one unit, or another target")
	case isConnect:
		k.add(path, text, fmt.Sprintf("is the Connect attachment of %s, and a Connect attachment takes no static route", connect),
			fmt.Sprintf("write propagated:%s, so that the route that it teaches stands here, or move the routes of the tables in front of it, such as a VPC's to tgw-…", hop.ID))
	}
}

// pointsTo reports whether a route that an API call makes in a table of the
// kind can have a target of the kind (EC2 API, CreateRoute and
// CreateTransitGatewayRoute).
func pointsTo(table route.TableKind, target route.NextHopKind) bool {
	if table == route.TransitGatewayTable {
		return target == route.TransitGatewayAttachment || target == route.Blackhole
	}
	switch target {
	case route.TransitGateway, route.InternetGateway, route.VPNGateway, route.VPCEndpoint, route.NATGateway,
		route.NetworkInterface, route.Instance, route.VPCPeeringConnection, route.EgressOnlyInternetGateway,
		route.LocalGateway, route.CarrierGateway:
		return true
	default:
		return false
	}
}

// validTarget reports whether id is well formed. The ids of a transit gateway's
// tables and Connect peers start like the id of a transit gateway.
func validTarget(id string) bool {
	return validID(id, "") && !strings.HasPrefix(id, "tgw-rtb-") && !strings.HasPrefix(id, "tgw-connect-peer-")
}

// validID reports whether id is the marker and then lower-case letters, digits
// and inner hyphens.
func validID(id, marker string) bool {
	rest, ok := strings.CutPrefix(id, marker)
	if !ok || rest == "" || rest[0] == '-' || rest[len(rest)-1] == '-' || len(rest) > maxName {
		return false
	}
	return allOf(rest, func(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b == '-' })
}
