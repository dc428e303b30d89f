package protection

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// Mode says whether a group's routes are written.
type Mode string

// The modes of a group. A new deployment starts in Observe.
const (
	// Observe: decisions are made and reported as what would be; nothing is
	// written to a route table.
	Observe Mode = "observe"
	// Enforce: decisions are committed and written.
	Enforce Mode = "enforce"
)

// Group is a protection group (RFC 4427). Its units move in the order given.
// Its paths stand in order of preference: Paths[0] is the working path, and all
// after it are protecting paths. Account and Region are its home, and no
// controller elsewhere writes it.
type Group struct {
	Name    string
	Account string
	Region  string
	Mode    Mode
	// Priority orders groups that compete within a run; a lower number goes first.
	Priority int
	Paths    []Path
	Units    []Unit
	// Stateful makes the whole group move as one unit.
	Stateful bool
	// Revertive groups return to the working path after WaitToRestore.
	Revertive     bool
	WaitToRestore time.Duration
	// SwitchOnDegrade lets signal degrade on the active path move the group to
	// a path that is Up.
	SwitchOnDegrade bool
	// TakeOver lets a move overwrite static routes that point to no next hop of
	// the group.
	TakeOver bool
	Limits   Limits
	Failback FailbackSettings
}

// Limits are the constants that bound a group's decisions.
type Limits struct {
	// SettleTime is the time after a write beyond which a reading shows it.
	SettleTime time.Duration
	// ContendedAfter is the number of reversals within ContendedWindow at which
	// Detour stops writing an entry.
	ContendedAfter  int
	ContendedWindow time.Duration
	// IgnoreHealthFor is how long a forced switch masks its target's health.
	IgnoreHealthFor time.Duration
}

// Path is a way out that a group can use, and what its health is judged by.
type Path struct {
	Name string
	Spec health.Spec
}

// Unit is a list of entries that must move together.
type Unit struct {
	Name    string
	Entries []Entry
}

// Entry is one route that a group owns, with a next hop for every path of the
// group, in the order of the group's paths.
type Entry struct {
	EntryKey
	NextHops []PathNextHop
	// AcceptOwner is the account that may own the prefix list that is the
	// destination, beside the account that owns the table; empty: none.
	AcceptOwner string
}

// EntryKey names an entry. It is unique over all groups.
type EntryKey struct {
	Table       route.Table       `json:"table"`
	Destination route.Destination `json:"destination"`
}

// Compare orders keys by table and destination.
func (k EntryKey) Compare(other EntryKey) int {
	return cmp.Or(k.Table.Compare(other.Table), k.Destination.Compare(other.Destination))
}

// String returns table and destination, for people.
func (k EntryKey) String() string { return k.Table.ID + " " + k.Destination.String() }

// PathNextHop is where an entry points while a path is in use.
type PathNextHop struct {
	Path    string
	NextHop route.NextHop
}

// NextHop returns the entry's next hop for the path. The zero NextHop means
// that the path is not declared.
func (e Entry) NextHop(path string) route.NextHop {
	for _, hop := range e.NextHops {
		if hop.Path == path {
			return hop.NextHop
		}
	}
	return route.NextHop{}
}

// Working returns the name of the working path.
func (g *Group) Working() string { return g.Paths[0].Name }

// HasPath reports whether the group declares the path.
func (g *Group) HasPath(name string) bool {
	for _, path := range g.Paths {
		if path.Name == name {
			return true
		}
	}
	return false
}

// Steps is the number of steps that a move can be made in: the number of units,
// or 1 where the whole group is one unit.
func (g *Group) Steps() int {
	if g.Stateful {
		return 1
	}
	return len(g.Units)
}

// Tables returns the tables of the group's entries, sorted, each once.
func (g *Group) Tables() []route.Table {
	seen := map[route.Table]bool{}
	var out []route.Table
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if !seen[entry.Table] {
				seen[entry.Table] = true
				out = append(out, entry.Table)
			}
		}
	}
	sortTables(out)
	return out
}

// PrefixLists returns the managed prefix lists of the group's entries, as the
// accounts and Regions of their tables see them, sorted, each once.
func (g *Group) PrefixLists() []route.ListRef {
	var out []route.ListRef
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if list := entry.Destination.List(); list != "" {
				out = append(out, route.ListRef{ID: list, Account: entry.Table.Account, Region: entry.Table.Region})
			}
		}
	}
	slices.SortFunc(out, route.ListRef.Compare)
	return slices.Compact(out)
}

// SubjectsOf returns the subjects that facts about the path speak of: those that it is
// judged by, and of each table in which an entry's route on it is learned what
// propagates into it. Each stands once.
func (g *Group) SubjectsOf(path Path) []health.Subject {
	out := path.Spec.Subjects()
	if len(path.Spec.Expect) == 0 {
		return out
	}
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if entry.NextHop(path.Name).Kind != route.Propagated {
				continue
			}
			if subject := health.PropagationsOf(entry.Table); !slices.Contains(out, subject) {
				out = append(out, subject)
			}
		}
	}
	return out
}

// Subjects returns the subjects of the group's paths, in path order, each once.
func (g *Group) Subjects() []health.Subject {
	seen := map[health.Subject]bool{}
	var out []health.Subject
	for _, path := range g.Paths {
		for _, subject := range g.SubjectsOf(path) {
			if !seen[subject] {
				seen[subject] = true
				out = append(out, subject)
			}
		}
	}
	return out
}
