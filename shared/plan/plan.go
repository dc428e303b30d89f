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

// Covers reports whether the entry must not be touched.
func (n NeverTouch) Covers(key protection.EntryKey) bool {
	if slices.Contains(n.Tables, key.Table.ID) {
		return true
	}
	return slices.ContainsFunc(n.Destinations, func(d route.Destination) bool {
		return d == key.Destination || covers(d.Prefix(), key.Destination.Prefix())
	})
}

func covers(outer, inner netip.Prefix) bool {
	return outer.IsValid() && inner.IsValid() && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// Standing compares the readings with what the group declares. lists are the
// readings of the prefix lists among the group's destinations.
func Standing(group *protection.Group, readings []route.Reading, lists []route.ListReading, never NeverTouch) protection.Standing {
	tables := group.Tables()
	index := indexReadings(readings, tables)
	out := protection.Standing{Complete: true}
	for _, table := range tables {
		reading, ok := index.tables[table]
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
			out.Entries = append(out.Entries, standingOf(u, entry, index, never))
		}
	}
	return out
}

func standingOf(unit int, entry protection.Entry, index readingIndex, never NeverTouch) protection.EntryStanding {
	out := protection.EntryStanding{Entry: entry.EntryKey, Unit: unit, Untouchable: never.Covers(entry.EntryKey)}
	standing := index.statics[entry.EntryKey]
	out.NextHop = standing.NextHop
	if out.NextHop.IsZero() {
		return out
	}
	out.Blackhole = standing.State == route.StateBlackhole
	for _, hop := range entry.NextHops {
		if hop.NextHop == out.NextHop {
			out.Paths = append(out.Paths, hop.Path)
		}
	}
	out.Foreign = len(out.Paths) == 0
	return out
}

// readingIndex finds a table's reading, and an entry's static, without a search.
type readingIndex struct {
	tables  map[route.Table]route.Reading
	statics map[protection.EntryKey]route.Route
}

// indexReadings indexes the readings of the tables. A sweep reads the tables of
// all groups, of which one group has a few.
func indexReadings(readings []route.Reading, tables []route.Table) readingIndex {
	index := readingIndex{
		tables:  make(map[route.Table]route.Reading, len(tables)),
		statics: map[protection.EntryKey]route.Route{},
	}
	for _, reading := range readings {
		if !slices.Contains(tables, reading.Table) {
			continue
		}
		index.tables[reading.Table] = reading
		for _, r := range reading.Routes {
			if r.Origin == route.OriginStatic {
				index.statics[protection.EntryKey{Table: reading.Table, Destination: r.Destination}] = r
			}
		}
	}
	return index
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

// SkipReason says why a declared entry that does not stand as decided is left
// alone.
type SkipReason string

// The reasons for leaving an entry alone.
const (
	SkipForeign    SkipReason = "foreign"
	SkipNeverTouch SkipReason = "never-touch"
	SkipContended  SkipReason = "contended"
	// SkipUndeclared: the path has no next hop that one call can write.
	SkipUndeclared SkipReason = "no-next-hop"
)

// Skipped is an entry that the plan leaves alone, with what stands there.
type Skipped struct {
	Entry   protection.EntryKey `json:"entry"`
	NextHop route.NextHop       `json:"nextHop"`
	Reason  SkipReason          `json:"reason"`
}

// Plan is what must be done to bring a group's tables to its decision.
type Plan struct {
	Group string `json:"group"`
	// Changes are in the order in which they are to be sent: unit, table,
	// destination.
	Changes []route.Change `json:"changes"`
	Skipped []Skipped      `json:"skipped,omitempty"`
	// Complete is false when a table could not be read whole; there are no
	// changes then.
	Complete bool `json:"complete"`
}

// Build makes the plan. Entries that stand as decided need no change, so a plan
// built from the state that it leads to is empty.
func Build(group *protection.Group, decision protection.Decision, contended []protection.EntryKey, standing protection.Standing) Plan {
	out := Plan{Group: group.Name, Complete: standing.Complete}
	if !standing.Complete {
		return out
	}
	i := 0
	for u, unit := range group.Units {
		path := decision.PathFor(group.Step(u))
		var changes []route.Change
		for _, entry := range unit.Entries {
			seen := standing.Entries[i]
			i++
			if seen.On(path) {
				continue
			}
			if reason := skip(group, entry, path, contended, seen); reason != "" {
				out.Skipped = append(out.Skipped, Skipped{Entry: entry.EntryKey, NextHop: seen.NextHop, Reason: reason})
				continue
			}
			changes = append(changes, change(entry, path, seen))
		}
		slices.SortFunc(changes, route.Change.Compare)
		out.Changes = append(out.Changes, changes...)
	}
	return out
}

func skip(group *protection.Group, entry protection.Entry, path string, contended []protection.EntryKey, seen protection.EntryStanding) SkipReason {
	switch {
	case seen.Untouchable:
		return SkipNeverTouch
	case seen.Foreign && !group.TakeOver:
		return SkipForeign
	case slices.Contains(contended, entry.EntryKey):
		return SkipContended
	case entry.NextHop(path).IsZero(), entry.NextHop(path).Kind == route.Propagated:
		return SkipUndeclared
	default:
		return ""
	}
}

func change(entry protection.Entry, path string, seen protection.EntryStanding) route.Change {
	op := route.OpReplace
	if seen.NextHop.IsZero() {
		op = route.OpCreate
	}
	return route.Change{Table: entry.Table, Destination: entry.Destination, Op: op, Before: seen.NextHop, After: entry.NextHop(path)}
}
