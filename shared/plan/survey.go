package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"detour/shared/protection"
	"detour/shared/route"
)

// SurveyInput is what a survey of one group looks at.
type SurveyInput struct {
	Group *protection.Group
	// Plan is what would be written: to hear of a switchover, give its plan.
	Plan Plan
	// Standing, Readings and Lists are what the tables and prefix lists show.
	// Those of other groups are passed over.
	Standing protection.Standing
	Readings []route.Reading
	Lists    []route.ListReading
	// Surroundings are those of the group's transit gateway route tables.
	Surroundings Surroundings
	Quotas       Quotas
	// Others are the other groups of the configuration; the group itself may be
	// among them.
	Others []*protection.Group
	// Pins are those of the group's checks. Their tables are among the Readings.
	Pins []Pin
}

// Quotas are the service quotas that a survey measures against (Amazon VPC User
// Guide, quotas; Amazon VPC Transit Gateways, quotas).
type Quotas struct {
	// VPCRoutes is the number of routes, without propagated ones, of one VPC route
	// table and address family; TransitGatewayRoutes that of all routes of a
	// transit gateway.
	VPCRoutes            int
	TransitGatewayRoutes int
}

// NoteKind is the kind of a note. The kinds stand in the order in which notes
// are shown.
type NoteKind string

// The kinds of notes. Where a kind uses Count and Limit it says for what.
const (
	// NoteUnread: something could not be read, so the survey says less.
	NoteUnread NoteKind = "unread"
	// NoteBlocked: a prefix list may not be written; About is the reason.
	NoteBlocked NoteKind = "blocked"
	// NoteNeverTouch: neverTouch covers the entry.
	NoteNeverTouch NoteKind = "never-touch"
	// NotePin: the pin of a check does not lead to its path, or that cannot be seen;
	// About is the alarm.
	NotePin NoteKind = "pin"
	// NoteUnproven: nothing proves the learned routes of Path, so the group cannot be
	// moved there; About is the reason, Count the number of destinations.
	NoteUnproven NoteKind = "unproven"
	// NoteNotPropagated: the attachment About does not propagate into the table, so its
	// route would never stand there.
	NoteNotPropagated NoteKind = "not-propagated"
	// NoteGap: a move to Path deletes Count statics, and their destinations are without
	// a route until the learned ones show.
	NoteGap NoteKind = "gap"
	// NoteForeign: a static that points to none of the group's next hops; About is
	// its target.
	NoteForeign NoteKind = "foreign"
	// NoteOwnPrefix: a site would hear its own prefixes from AWS; About is the
	// attachment, Count the number of destinations.
	NoteOwnPrefix NoteKind = "site-hears-own-prefix"
	// NoteHeard: a BGP peer would hear new destinations; About is the attachment,
	// Count the number of destinations.
	NoteHeard NoteKind = "heard-by-bgp-peer"
	// NoteInsideLocal: the destination lies inside a block of the VPC.
	NoteInsideLocal NoteKind = "inside-local"
	// NoteShadowed: Count more specific routes keep their part of the destination
	// from following.
	NoteShadowed NoteKind = "shadowed"
	// NoteHeadroom: Count routes after the worst switchover, of Limit. About is the
	// address family of a VPC table, or the transit gateway.
	NoteHeadroom NoteKind = "headroom"
	// NoteSwitchover: what a switchover to Path costs; Count is the number of calls.
	NoteSwitchover NoteKind = "switchover"
	// NoteList: what a prefix list means; About is the list, Count its MaxEntries.
	NoteList NoteKind = "prefix-list"
	// NoteShared: another group, About, has entries in the table.
	NoteShared NoteKind = "shared-table"
)

func (k NoteKind) rank() int {
	return slices.Index([]NoteKind{
		NoteUnread, NoteBlocked, NoteNeverTouch, NotePin, NoteUnproven, NoteNotPropagated, NoteGap, NoteForeign, NoteOwnPrefix, NoteHeard, NoteInsideLocal,
		NoteShadowed, NoteHeadroom, NoteSwitchover, NoteList, NoteShared,
	}, k)
}

// NoteLevel says how much a note matters.
type NoteLevel string

// The levels of notes.
const (
	// LevelWarning: a switchover would do less, or more, than one may expect.
	LevelWarning NoteLevel = "warning"
	// LevelInfo is for the record.
	LevelInfo NoteLevel = "info"
)

// Note is one thing that a survey found. Fields that a kind has no use for are
// empty. Notes are comparable with ==.
type Note struct {
	Level       NoteLevel         `json:"level"`
	Kind        NoteKind          `json:"kind"`
	Table       route.Table       `json:"table,omitzero"`
	Destination route.Destination `json:"destination,omitzero"`
	Path        string            `json:"path,omitempty"`
	About       string            `json:"about,omitempty"`
	Count       int               `json:"count,omitempty"`
	Limit       int               `json:"limit,omitempty"`
	// Text says all of it, for people.
	Text string `json:"text"`
}

// Compare orders notes: warnings first, then by kind, table, destination, path
// and what they are about.
func (n Note) Compare(other Note) int {
	return cmp.Or(
		cmp.Compare(levelRank(n.Level), levelRank(other.Level)),
		cmp.Compare(n.Kind.rank(), other.Kind.rank()),
		n.Table.Compare(other.Table),
		n.Destination.Compare(other.Destination),
		cmp.Compare(n.Path, other.Path),
		cmp.Compare(n.About, other.About),
		cmp.Compare(n.Text, other.Text),
	)
}

func levelRank(level NoteLevel) int {
	if level == LevelWarning {
		return 0
	}
	return 1
}

// Survey looks at what lies around a group's plan: who would hear it, what would
// not follow it, and what it would need in the worst case. It decides nothing,
// and no run waits for it. The notes are sorted, each once.
func Survey(in SurveyInput) []Note {
	s := &surveyor{in: in, lists: map[route.ListRef]*route.ListReading{}, readings: map[route.Table]*route.Reading{}}
	for i := range in.Lists {
		s.lists[in.Lists[i].List] = &in.Lists[i]
	}
	for i := range in.Readings {
		s.readings[in.Readings[i].Table] = &in.Readings[i]
	}
	s.unread()
	s.leftAlone()
	s.pins()
	s.learned()
	s.heard()
	s.shadowed()
	s.headroom()
	s.switchovers()
	s.prefixLists()
	s.shared()
	slices.SortFunc(s.notes, Note.Compare)
	return slices.Compact(s.notes)
}

type surveyor struct {
	in       SurveyInput
	lists    map[route.ListRef]*route.ListReading
	readings map[route.Table]*route.Reading
	notes    []Note
}

func (s *surveyor) warn(n Note) {
	n.Level = LevelWarning
	s.notes = append(s.notes, n)
}

func (s *surveyor) info(n Note) {
	n.Level = LevelInfo
	s.notes = append(s.notes, n)
}

// unread: tables and surroundings that the survey lacks. Prefix lists that could
// not be read are NoteBlocked.
func (s *surveyor) unread() {
	for _, table := range s.in.Group.Tables() {
		if reading, ok := s.readings[table]; !ok || !reading.Complete {
			s.warn(Note{Kind: NoteUnread, Table: table, Text: fmt.Sprintf("%s could not be read whole, so nothing is planned", table)})
		}
		if table.Kind != route.TransitGatewayTable {
			continue
		}
		if around, ok := s.in.Surroundings.Of(table); !ok || !around.Complete {
			s.warn(Note{
				Kind: NoteUnread, Table: table, About: "associations",
				Text: fmt.Sprintf("what is associated with %s could not be read, so it is not known who would hear its routes", table),
			})
		}
	}
}

// leftAlone: entries that a switchover would not write.
func (s *surveyor) leftAlone() {
	for _, e := range s.in.Standing.Entries {
		n := Note{Table: e.Entry.Table, Destination: e.Entry.Destination}
		switch {
		case e.Untouchable:
			n.Kind, n.Text = NoteNeverTouch, fmt.Sprintf("%s is covered by neverTouch and is not written", e.Entry)
			s.warn(n)
		case e.Foreign && s.in.Group.TakeOver:
			n.Kind, n.About = NoteForeign, e.NextHop.String()
			n.Text = fmt.Sprintf("%s points to %s, which is none of the group's next hops; a switchover overwrites it, since the group has takeOver", e.Entry, e.NextHop)
			s.warn(n)
		case e.Foreign:
			n.Kind, n.About = NoteForeign, e.NextHop.String()
			n.Text = fmt.Sprintf("%s points to %s, which is none of the group's next hops, and is left alone", e.Entry, e.NextHop)
			s.warn(n)
		case e.Blocked != "":
			n.Kind, n.About = NoteBlocked, string(e.Blocked)
			n.Text = fmt.Sprintf("%s is not written, and holds up its unit: %s", e.Entry, s.why(e))
			s.warn(n)
		}
	}
}

func (s *surveyor) why(e protection.EntryStanding) string {
	list := s.lists[listOf(e.Entry)]
	switch e.Blocked {
	case protection.BlockIPAM:
		return "an IPAM resolver may rewrite the list at any time"
	case protection.BlockOwner:
		return fmt.Sprintf("account %s owns the list; accept it in prefixLists, or use a list of account %s", list.Owner, e.Entry.Table.Account)
	default:
		if list == nil || list.Problem == route.NoProblem {
			return "the list was not read"
		}
		return "the list could not be read (" + string(list.Problem) + ")"
	}
}

// prefixLists: what the group's lists mean.
func (s *surveyor) prefixLists() {
	for _, ref := range s.in.Group.PrefixLists() {
		list, ok := s.lists[ref]
		if !ok || !list.Complete {
			continue
		}
		s.info(Note{
			Kind: NoteList, About: ref.ID, Count: list.MaxEntries,
			Text: fmt.Sprintf("%s (account %s) is planned in version %d with %d entries; it weighs %d in the quota of each table, and later versions follow by themselves",
				ref.ID, list.Owner, list.Version, len(list.Entries), list.MaxEntries),
		})
	}
}

// shared: tables in which other groups have entries, too.
func (s *surveyor) shared() {
	mine := map[route.Table]bool{}
	for _, table := range s.in.Group.Tables() {
		mine[table] = true
	}
	for _, other := range s.in.Others {
		if other.Name == s.in.Group.Name {
			continue
		}
		for _, table := range other.Tables() {
			if mine[table] {
				s.info(Note{Kind: NoteShared, Table: table, About: other.Name, Text: fmt.Sprintf("group %s has entries in %s, too", other.Name, table)})
			}
		}
	}
}

// switchovers: what each path would cost from what stands. A path on which every
// route stands already costs nothing, and there is nothing to say of it.
func (s *surveyor) switchovers() {
	if !s.in.Standing.Complete {
		return
	}
	for _, path := range s.in.Group.Paths {
		built := Build(s.in.Group, protection.Decision{From: path.Name, To: path.Name, Extent: s.in.Group.Steps()}, nil, ready(s.in.Standing))
		if len(built.Changes) == 0 {
			continue
		}
		creates, deletes := countOp(built.Changes, route.OpCreate), countOp(built.Changes, route.OpDelete)
		text := fmt.Sprintf("a switchover to %s takes %s", path.Name, plural(len(built.Changes), "call"))
		if creates > 0 {
			text += fmt.Sprintf(", %d of them to create", creates)
		}
		if deletes > 0 {
			text += fmt.Sprintf(", %d of them to delete", deletes)
		}
		if wait := Predict(built.Changes).Wait; wait > 0 {
			text += fmt.Sprintf("; the request buckets spread them over %s", wait)
		}
		s.info(Note{Kind: NoteSwitchover, Path: path.Name, Count: len(built.Changes), Text: text})
	}
}

// shown is how many destinations or routes a text names.
const shown = 3

// few names the first of the items.
func few[T fmt.Stringer](items []T) string {
	names := make([]string, 0, shown)
	for _, item := range items[:min(shown, len(items))] {
		names = append(names, item.String())
	}
	text := strings.Join(names, ", ")
	if more := len(items) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
