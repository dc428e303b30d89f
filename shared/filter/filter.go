package filter

import (
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Action says what is done about a denied route.
type Action string

// The actions of a filter.
const (
	// Blackhole puts a static route that drops traffic in the place of the denied
	// route. Transit gateway tables only. It acts on a destination, whoever
	// announces it.
	Blackhole Action = "blackhole"
	// Pin puts a static route to an egress of the operator's choice in its place.
	Pin Action = "pin"
	// Quarantine switches the propagation of the announcing attachment into the table
	// off, after the permitted routes that it alone provides became static routes.
	// Transit gateway tables only.
	Quarantine Action = "quarantine"
	// Alert reports the denied route, and writes nothing.
	Alert Action = "alert"
)

// Writes reports whether the action changes tables.
func (a Action) Writes() bool { return a != Alert }

// Mode says whether a filter writes: protection.Observe or protection.Enforce.
type Mode = protection.Mode

// Filter says which learned routes may stand in some tables. Account and Region are
// its home, and no controller elsewhere writes for it.
type Filter struct {
	Name    string
	Account string
	Region  string
	Mode    Mode
	// Scopes are the tables that the filter speaks about, sorted by table.
	Scopes []Scope
	// Rules are in the order of the configuration. The first that matches a prefix
	// decides, and what none matches is permitted.
	Rules []Rule
	// MaxPrefixes bounds how many prefixes an attachment may teach a table; 0: no bound.
	MaxPrefixes int
	Action      Action
	// Preset puts measures in force before anything is announced: for each prefix that
	// Presets returns, in every table. Blackhole and Pin only.
	Preset bool
	// LiftAfter is how long a denied route must be gone before its measure ends.
	LiftAfter time.Duration
	// AcceptLoss lets Quarantine go on where permitted routes get lost by it: those of a
	// Connect attachment, which takes no static routes, and those that a group relies on.
	AcceptLoss bool
	// Damping makes a measure that comes and goes stay.
	Damping health.Damping
	Limits  Limits
	// NeverTouch are the destinations that nothing may write; a block covers all that
	// lies in it.
	NeverTouch []route.Destination
	// Groups says which groups send traffic over what an attachment taught.
	Groups []GroupUse
	// Declared are the destinations that groups move in the filter's tables. No measure
	// has a static route there: each would undo the other.
	Declared []protection.EntryKey
}

// Limits bound how a filter defends what it wrote.
type Limits struct {
	// SettleTime is the time after a write beyond which a reading shows it.
	SettleTime time.Duration
	// ContendedAfter is the number of reversals within ContendedWindow at which a
	// measure is not written any more.
	ContendedAfter  int
	ContendedWindow time.Duration
}

// Scope is one table, and what is to be known about it.
type Scope struct {
	Table route.Table
	// Attachments are the ids whose routes the filter judges: transit gateway
	// attachments (tgw-attach-…), or virtual private gateways (vgw-…) for a VPC table.
	// Empty: every one that propagates into the table.
	Attachments []string
	// Observation are the tables that show what attachments announce while a static
	// route hides it, sorted by attachment. A VPC table has none.
	Observation []Observation
	// Egress is where Pin points to in this table; zero with other actions.
	Egress route.NextHop
}

// Observation names the observation table of an attachment: a transit gateway table
// that the attachment alone propagates into, that nothing is associated with, and
// that has no static routes.
type Observation struct {
	Attachment string
	Table      route.Table
}

// GroupUse is a group whose path leads over what an attachment teaches.
type GroupUse struct {
	Group string
	Path  string
	// Attachment is the id of the attachment, or of its VPN connection.
	Attachment string
	// Table is the table whose learned route the path needs; zero: every table.
	Table route.Table
}

// Names reports whether the filter judges what the attachment announces.
func (s Scope) Names(attachment string) bool {
	return len(s.Attachments) == 0 || slices.Contains(s.Attachments, attachment)
}

// ObservationOf returns the attachment's observation table, if it has one.
func (s Scope) ObservationOf(attachment string) (route.Table, bool) {
	for _, o := range s.Observation {
		if o.Attachment == attachment {
			return o.Table, true
		}
	}
	return route.Table{}, false
}

// Tables returns the tables that the filter judges, sorted.
func (f *Filter) Tables() []route.Table {
	out := make([]route.Table, 0, len(f.Scopes))
	for _, scope := range f.Scopes {
		out = append(out, scope.Table)
	}
	return sortTables(out)
}

// ObservationTables returns the observation tables of all scopes, sorted, each once.
func (f *Filter) ObservationTables() []route.Table {
	var out []route.Table
	for _, scope := range f.Scopes {
		for _, o := range scope.Observation {
			out = append(out, o.Table)
		}
	}
	return sortTables(out)
}

// scope returns the scope of the table; the zero Scope, with ok false, if the filter
// does not speak about it.
func (f *Filter) scope(table route.Table) (Scope, bool) {
	for _, s := range f.Scopes {
		if s.Table == table {
			return s, true
		}
	}
	return Scope{Table: table}, false
}

func sortTables(tables []route.Table) []route.Table {
	slices.SortFunc(tables, route.Table.Compare)
	return slices.Compact(tables)
}
