package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// heard: what the attachments that are associated with a table learn by BGP from
// the plan. Whether a static blackhole is advertised is UNVERIFIED, so nothing is
// said of one.
func (s *surveyor) heard() {
	type peer struct {
		table      route.Table
		attachment Attachment
	}
	created, own := map[peer][]route.Destination{}, map[peer][]route.Destination{}
	var peers []peer
	for _, c := range s.in.Plan.Changes {
		around, ok := s.in.Surroundings.Of(c.Table)
		if !ok || c.After.IsZero() || c.After.Kind == route.Blackhole {
			continue
		}
		for _, attachment := range around.Associated {
			if !attachment.BGP {
				continue
			}
			p := peer{c.Table, attachment}
			peers = append(peers, p)
			if c.Op == route.OpCreate {
				created[p] = append(created[p], c.Destination)
			}
			if attachment.ID == c.After.ID {
				own[p] = append(own[p], c.Destination)
			}
		}
	}
	slices.SortFunc(peers, func(a, b peer) int { return cmp.Or(a.table.Compare(b.table), a.attachment.Compare(b.attachment)) })
	for _, p := range slices.Compact(peers) {
		if heard := created[p]; len(heard) > 0 {
			s.info(Note{
				Kind: NoteHeard, Table: p.table, About: p.attachment.ID, Count: len(heard),
				Text: fmt.Sprintf("%s is associated with %s and hears of %s by BGP%s: %s",
					p.attachment, p.table, plural(len(heard), "new destination"), asFarAs(p.attachment), few(heard)),
			})
		}
		if mine := own[p]; len(mine) > 0 {
			s.warn(Note{
				Kind: NoteOwnPrefix, Table: p.table, About: p.attachment.ID, Count: len(mine),
				Text: fmt.Sprintf("%s is the next hop of %s in %s, and hears of them from there%s: its site may send what is its own to AWS: %s",
					p.attachment, plural(len(mine), "destination"), p.table, asFarAs(p.attachment), few(mine)),
			})
		}
	}
}

// asFarAs: a Direct Connect gateway advertises its allowed prefixes only.
func asFarAs(a Attachment) string {
	if a.Type == "direct-connect-gateway" {
		return " as far as its allowed prefixes go"
	}
	return ""
}

// shadowed: routes that keep a part of an entry's destination from following it,
// by longest prefix match (VPC User Guide, route priority). What the group itself
// declares follows, too.
func (s *surveyor) shadowed() {
	own := s.own()
	declared := map[route.Table][]protection.EntryKey{}
	for _, unit := range s.in.Group.Units {
		for _, entry := range unit.Entries {
			declared[entry.Table] = append(declared[entry.Table], entry.EntryKey)
		}
	}
	for _, table := range s.in.Group.Tables() {
		reading, ok := s.readings[table]
		if !ok {
			continue
		}
		standing := newByAddress(reading.Routes, own[table])
		for _, key := range declared[table] {
			s.shadowedEntry(key, standing)
		}
	}
}

func (s *surveyor) shadowedEntry(key protection.EntryKey, standing byAddress) {
	var inside, local []route.Route
	for _, block := range s.blocksOf(key.Destination, key.Table) {
		inside = append(inside, standing.winsInside(block, key.Destination.List() != "")...)
		if outer, ok := standing.localAround(block); ok {
			s.warn(Note{
				Kind: NoteInsideLocal, Table: key.Table, Destination: key.Destination,
				Text: fmt.Sprintf("%s lies inside %s, the VPC's own block: EC2 takes only whole subnets there, to an interface, a NAT gateway or an endpoint", key, outer.Destination),
			})
		}
	}
	inside = slices.DeleteFunc(inside, func(r route.Route) bool {
		if r.Origin == route.OriginLocal {
			local = append(local, r)
		}
		return r.Origin == route.OriginLocal
	})
	n := Note{Kind: NoteShadowed, Table: key.Table, Destination: key.Destination}
	if n.Count = len(inside); n.Count > 0 {
		n.Text = fmt.Sprintf("%s in %s does not follow where other routes win (%d): %s", key.Destination, key.Table, n.Count, few(destinationsOf(inside)))
		s.warn(n)
	}
	if n.Count = len(local); n.Count > 0 {
		n.Text = fmt.Sprintf("the VPC's own blocks inside %s stay local in %s: %s", key.Destination, key.Table, few(destinationsOf(local)))
		s.info(n)
	}
}

// own are the blocks that the group declares, by table: true for one that is an
// entry, false for one that is of a list only.
func (s *surveyor) own() map[route.Table]map[netip.Prefix]bool {
	out := map[route.Table]map[netip.Prefix]bool{}
	for _, unit := range s.in.Group.Units {
		for _, entry := range unit.Entries {
			if out[entry.Table] == nil {
				out[entry.Table] = map[netip.Prefix]bool{}
			}
			for _, block := range s.blocksOf(entry.Destination, entry.Table) {
				out[entry.Table][block] = out[entry.Table][block] || entry.Destination.List() == ""
			}
		}
	}
	return out
}

// blocksOf returns the blocks that a destination means.
func (s *surveyor) blocksOf(d route.Destination, table route.Table) []netip.Prefix {
	if d.List() == "" {
		return []netip.Prefix{d.Prefix()}
	}
	if list, ok := s.lists[listOf(protection.EntryKey{Table: table, Destination: d})]; ok && list.Complete {
		return list.Entries
	}
	return nil
}

func destinationsOf(routes []route.Route) []route.Destination {
	out := make([]route.Destination, 0, len(routes))
	for _, r := range routes {
		out = append(out, r.Destination)
	}
	return out
}

// byAddress are a table's routes to blocks, sorted by address, so that those
// inside a block stand together.
type byAddress struct {
	routes []route.Route
	local  []route.Route
}

// newByAddress leaves out what is the group's own. A static of a list's block is
// not, since it wins against the list.
func newByAddress(routes []route.Route, own map[netip.Prefix]bool) byAddress {
	var out byAddress
	for _, r := range routes {
		prefix := r.Destination.Prefix()
		entry, mine := own[prefix]
		switch {
		case !prefix.IsValid():
			continue
		case r.Origin == route.OriginLocal:
			out.local = append(out.local, r)
		case mine && (entry || r.Origin != route.OriginStatic):
			continue
		}
		out.routes = append(out.routes, r)
	}
	slices.SortFunc(out.routes, route.Route.Compare)
	return out
}

// winsInside returns the routes that win against one to the block for a part of
// it: the more specific ones, and against a prefix list also a static of the same
// block.
func (b byAddress) winsInside(block netip.Prefix, list bool) []route.Route {
	first, _ := slices.BinarySearchFunc(b.routes, route.CIDR(block), func(r route.Route, d route.Destination) int { return r.Destination.Compare(d) })
	var out []route.Route
	for _, r := range b.routes[first:] {
		prefix := r.Destination.Prefix()
		if !block.Contains(prefix.Addr()) {
			break
		}
		if prefix.Bits() > block.Bits() || list && r.Origin == route.OriginStatic {
			out = append(out, r)
		}
	}
	return out
}

// localAround returns the VPC's own route that covers the block.
func (b byAddress) localAround(block netip.Prefix) (route.Route, bool) {
	for _, r := range b.local {
		if covers(r.Destination.Prefix(), block) {
			return r, true
		}
	}
	return route.Route{}, false
}
