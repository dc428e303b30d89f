package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/shared/route"
)

// entryID is what must be unique over all groups.
type entryID struct {
	table  string
	prefix netip.Prefix
}

// untouchable finds what covers an entry; the values are paths.
type untouchable struct {
	tables   map[string]string
	prefixes map[netip.Prefix]string
}

// cover returns the block that contains prefix, and its path.
func (u untouchable) cover(prefix netip.Prefix) (netip.Prefix, string, bool) {
	for bits := range prefix.Bits() + 1 {
		outer := netip.PrefixFrom(prefix.Addr(), bits).Masked()
		if path, ok := u.prefixes[outer]; ok {
			return outer, path, true
		}
	}
	return netip.Prefix{}, "", false
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
			k.entry(IndexPath(at+".entries", j), g, entry, named)
		}
	}
}

func (k *checker) entry(path string, g Group, e Entry, named bool) {
	ownerOK := k.owner(path, g.Home, e.Account, e.Region, "route table")
	kind, tableOK := k.tableID(path+".table", e.Table)
	if tableOK && ownerOK {
		k.sameOwner(path, e.Table, e.Account, e.Region, k.tables)
	}
	prefix, destinationOK := k.destination(path+".destination", e.Destination)
	if first, ok := k.untouchable.tables[e.Table]; tableOK && ok {
		k.add(path+".table", e.Table, fmt.Sprintf("is listed at %s, so the entry could never be written", first), "remove the entry, or take the table off the list")
	}
	if tableOK && destinationOK {
		id := entryID{e.Table, prefix}
		if first, twice := k.seen[id]; twice {
			k.add(path+".destination", e.Destination, fmt.Sprintf("is declared twice for table %s, first at %s", e.Table, first), "remove one of the two")
		} else {
			k.seen[id] = path
		}
	}
	if destinationOK {
		if outer, first, ok := k.untouchable.cover(prefix); ok {
			k.add(path+".destination", e.Destination, fmt.Sprintf("lies in %s, listed at %s, so the entry could never be written", outer, first), "remove the entry, or take the block off the list")
		}
	}
	if named {
		k.nextHops(path+".nextHops", g, e)
	}
	if tableOK {
		for _, p := range g.Paths {
			if hop, ok := e.NextHops[p.Name]; ok && named {
				k.nextHop(KeyPath(path+".nextHops", p.Name), hop, kind, prefix)
			}
		}
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

func (k *checker) tableID(path, id string) (route.TableKind, bool) {
	kind, err := route.KindOfTable(id)
	if err != nil || !validID(id, "tgw-rtb-") && !validID(id, "rtb-") {
		k.wrongOrMissing(path, id, "is not a route table id", "write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table")
		return "", false
	}
	return kind, true
}

// destination checks a CIDR block, and returns it where it is good.
func (k *checker) destination(path, text string) (netip.Prefix, bool) {
	const example = "write a CIDR block such as 10.0.0.0/8 or 2001:db8::/32"
	if strings.HasPrefix(text, "pl-") {
		k.add(path, text, "is a prefix list, and prefix lists are not supported yet", "write its CIDR blocks, each as an entry of one unit")
		return netip.Prefix{}, false
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
		return prefix, true
	}
	return netip.Prefix{}, false
}

// nextHop checks that a table of the kind can point to the target. prefix may
// be invalid.
func (k *checker) nextHop(path, text string, kind route.TableKind, prefix netip.Prefix) {
	sort, remedy := "transit gateway", "write tgw-attach-… or blackhole"
	if kind == route.VPCTable {
		sort, remedy = "VPC", "write for example tgw-…, vgw-… or eni-…"
	}
	hop, err := route.ParseNextHop(text)
	if hop.Kind == route.Propagated {
		k.add(path, text, "is a learned route, and moves to learned routes are not supported yet", remedy)
		return
	}
	if err != nil || hop.ID != "" && !validTarget(hop.ID) {
		k.wrongOrMissing(path, text, "is not the id of a target that Detour knows", remedy)
		return
	}
	if !pointsTo(kind, hop.Kind) {
		k.add(path, text, fmt.Sprintf("is a target (%s) that a %s route table cannot have", hop.Kind, sort), remedy)
		return
	}
	if hop.Kind == route.EgressOnlyInternetGateway && prefix.Addr().Is4() {
		k.add(path, text, "is an egress-only internet gateway, which carries IPv6 only", "write a target for IPv4, such as nat-…")
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
