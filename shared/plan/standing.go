package plan

import (
	"net/netip"
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// NeverTouch lists the tables and destinations that nothing may write, whatever
// a group declares.
type NeverTouch struct {
	// Tables are table ids.
	Tables []string
	// Destinations are matched exactly for prefix lists; a CIDR block also
	// covers every block inside it.
	Destinations []route.Destination
}

// Covers reports whether the entry must not be touched, by its table and its
// destination. What a prefix list holds is a matter of CoversAny.
func (n NeverTouch) Covers(key protection.EntryKey) bool {
	if slices.Contains(n.Tables, key.Table.ID) {
		return true
	}
	return slices.ContainsFunc(n.Destinations, func(d route.Destination) bool {
		return d == key.Destination || covers(d.Prefix(), key.Destination.Prefix())
	})
}

// CoversAny reports whether one of the blocks of a prefix list has an address in
// common with a destination that must not be touched. That is more than Covers
// asks of a declared block: nobody wrote the blocks of a list into the
// configuration, and the list's owner can change them.
func (n NeverTouch) CoversAny(blocks []netip.Prefix) bool {
	for _, d := range n.Destinations {
		if d.Prefix().IsValid() && slices.ContainsFunc(blocks, d.Prefix().Overlaps) {
			return true
		}
	}
	return false
}

func covers(outer, inner netip.Prefix) bool {
	return outer.IsValid() && inner.IsValid() && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// Standing compares the readings with what the group declares. lists are the
// readings of the prefix lists among the group's destinations. Readings of
// other tables and lists are passed over.
func Standing(group *protection.Group, readings []route.Reading, lists []route.ListReading, never NeverTouch) protection.Standing {
	b := newStander(group, readings, lists, never)
	out := protection.Standing{Complete: true, Entries: make([]protection.EntryStanding, 0, b.entries)}
	for _, table := range group.Tables() {
		reading, ok := b.readings[table]
		if !ok || !reading.Complete {
			out.Complete = false
			continue
		}
		if out.StartedAt.IsZero() || reading.StartedAt.Before(out.StartedAt) {
			out.StartedAt = reading.StartedAt
		}
	}
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			out.Entries = append(out.Entries, b.standingOf(u, entry))
		}
	}
	return out
}

// stander finds a table's reading, an entry's static and a list's reading without
// a search.
// deadReference is a prefix list reference whose routes drop traffic. The reference
// itself has no such state (EC2 API, type TransitGatewayPrefixListReference); each
// of its routes names the list (type TransitGatewayRoute).
type deadReference struct {
	table  route.Table
	list   string
	target route.NextHop
}

type stander struct {
	readings map[route.Table]*route.Reading
	lists    map[route.ListRef]*route.ListReading
	// statics has the destinations that are declared, by table, each with its
	// standing static route; nil: none stands.
	statics map[route.Table]map[route.Destination]*route.Route
	// learned has the destinations that are declared to be learned, by table, each with
	// the route that shows where no static does: a learned one, or a reference's.
	learned map[route.Table]map[route.Destination]*route.Route
	// dead are the references of which a route drops traffic.
	dead    map[deadReference]bool
	entries int
	never   NeverTouch
}

func newStander(group *protection.Group, readings []route.Reading, lists []route.ListReading, never NeverTouch) *stander {
	b := &stander{
		readings: map[route.Table]*route.Reading{},
		lists:    make(map[route.ListRef]*route.ListReading, len(lists)),
		statics:  map[route.Table]map[route.Destination]*route.Route{},
		learned:  map[route.Table]map[route.Destination]*route.Route{},
		dead:     map[deadReference]bool{},
		never:    never,
	}
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			declared := b.statics[entry.Table]
			if declared == nil {
				declared = map[route.Destination]*route.Route{}
				b.statics[entry.Table] = declared
			}
			declared[entry.Destination] = nil
			b.entries++
			if slices.ContainsFunc(entry.NextHops, isLearned) {
				if b.learned[entry.Table] == nil {
					b.learned[entry.Table] = map[route.Destination]*route.Route{}
				}
				b.learned[entry.Table][entry.Destination] = nil
			}
		}
	}
	for i := range readings {
		declared, ok := b.statics[readings[i].Table]
		if !ok {
			continue
		}
		b.readings[readings[i].Table] = &readings[i]
		for r := range readings[i].Routes {
			b.add(&readings[i].Routes[r], readings[i].Table, declared)
		}
	}
	for i := range lists {
		b.lists[lists[i].List] = &lists[i]
	}
	return b
}

func (b *stander) add(r *route.Route, table route.Table, declared map[route.Destination]*route.Route) {
	switch {
	case r.Origin == route.OriginStatic:
		if _, ok := declared[r.Destination]; ok {
			declared[r.Destination] = r
		}
	case r.Origin == route.OriginPrefixListReference && r.State == route.StateBlackhole:
		b.dead[deadReference{table, r.List, r.NextHop}] = true
	}
	if r.Origin == route.OriginStatic {
		return
	}
	if _, ok := b.learned[table][r.Destination]; ok {
		b.learned[table][r.Destination] = r
	}
}

func (b *stander) standingOf(unit int, entry protection.Entry) protection.EntryStanding {
	out := protection.EntryStanding{Entry: entry.EntryKey, Unit: unit, Untouchable: b.never.Covers(entry.EntryKey)}
	b.judgeList(entry, &out)
	for _, hop := range entry.NextHops {
		if isLearned(hop) {
			out.Learning = append(out.Learning, hop.Path)
		}
	}
	standing := b.statics[entry.Table][entry.Destination]
	if standing == nil || standing.NextHop.IsZero() {
		b.judgeLearned(entry, &out)
		return out
	}
	out.NextHop = standing.NextHop
	out.Blackhole = standing.State == route.StateBlackhole || b.dead[deadReference{entry.Table, entry.Destination.List(), out.NextHop}]
	for _, hop := range entry.NextHops {
		if hop.NextHop == out.NextHop {
			out.Paths = append(out.Paths, hop.Path)
		}
	}
	out.Foreign = len(out.Paths) == 0
	return out
}

// judgeList says what the reading of the prefix list means for an entry whose
// destination it is. A list that could not be read whole blocks the entry: its
// owner, its resolver and what it holds are unknown.
func (b *stander) judgeList(entry protection.Entry, out *protection.EntryStanding) {
	if entry.Destination.List() == "" {
		return
	}
	list, ok := b.lists[listOf(entry.EntryKey)]
	if !ok || !list.Complete || list.EntriesUnread && len(b.never.Destinations) > 0 {
		out.Blocked = protection.BlockUnreadable
		return
	}
	out.ListVersion = list.Version
	out.Untouchable = out.Untouchable || b.never.CoversAny(list.Entries)
	switch {
	case list.IPAM:
		out.Blocked = protection.BlockIPAM
	case list.Owner != entry.Table.Account && (entry.AcceptOwner == "" || list.Owner != entry.AcceptOwner):
		out.Blocked = protection.BlockOwner
	}
}

// listOf names the prefix list of an entry as the entry's table sees it.
func listOf(key protection.EntryKey) route.ListRef {
	return route.ListRef{ID: key.Destination.List(), Account: key.Table.Account, Region: key.Table.Region}
}

// Revive returns a standing in which the entries that drop traffic on a path
// that is alive do not count as standing on it, so that Build writes them again.
// It does so only once the record says that they are to be written again, and
// for those that were not: evidence and tables are not read at one instant, so
// one look at a path that has just failed can show it alive with dead routes.
func Revive(standing protection.Standing, record protection.Record, alive func(path string) bool) protection.Standing {
	if record.RevivedAt.IsZero() {
		return standing
	}
	standing.Entries = slices.Clone(standing.Entries)
	for i, entry := range standing.Entries {
		if entry.Blackhole && !slices.Contains(record.Applied, entry.Entry) {
			standing.Entries[i].Paths = slices.DeleteFunc(slices.Clone(entry.Paths), alive)
		}
	}
	return standing
}
