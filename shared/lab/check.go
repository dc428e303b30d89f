package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// Violation is one breach of an invariant.
type Violation struct {
	// Invariant is the number of the invariant, 1 to 7, or one of the rules
	// of applying: LearnedRoutes, FilteredTables, Fencing and BlastRadius.
	Invariant Invariant `json:"invariant"`
	At        time.Time `json:"at"`
	Group     string    `json:"group,omitempty"`
	Text      string    `json:"text"`
}

// Invariant names what is checked.
type Invariant string

// The invariants.
const (
	NoWriteToDownPath   Invariant = "1-no-write-to-down-path"
	NoPingPong          Invariant = "2-no-usable-path-holds"
	StandbyMovesNothing Invariant = "3-standby-moves-nothing"
	QuietIsQuiet        Invariant = "4-same-readings-write-nothing"
	OwnRoutesOnly       Invariant = "5-own-routes-only"
	SwitchbackByRequest Invariant = "6-switchback-by-request"
	Converges           Invariant = "7-converges"
	LearnedRoutes       Invariant = "learned-routes"
	FilteredTables      Invariant = "filtered-tables"
	Fencing             Invariant = "fencing"
	BlastRadius         Invariant = "blast-radius"
)

// longEnough is how long a path must have been up before a decision to count as
// having been up all along: longer than a run may take that still knew it as down.
const longEnough = functionTimeout + time.Minute

// Checks says which rules apply to a run beside those that always do.
type Checks struct {
	// ConvergedBy is when every group must stand wholly on one path; zero: not
	// checked.
	ConvergedBy time.Time
	// Stale says that reads could be stale, so that a needless write is excused.
	Stale bool
}

// check runs every checker. Violations are in the order of time.
func (l *ledger) check(c Checks) []Violation {
	var out []Violation
	out = append(out, l.checkFacts()...)
	out = append(out, l.checkPingPong()...)
	out = append(out, l.checkMoves()...)
	out = append(out, l.checkOwn()...)
	out = append(out, l.checkQuiet(c)...)
	out = append(out, l.checkConverged(c)...)
	out = append(out, l.checkLearned()...)
	out = append(out, l.checkFiltered(c)...)
	out = append(out, l.checkPermitted(c)...)
	out = append(out, l.checkLifted(c)...)
	out = append(out, l.checkSwitches(c)...)
	out = append(out, l.checkFencing()...)
	out = append(out, l.checkBlastRadius()...)
	slices.SortStableFunc(out, func(a, b Violation) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Invariant, b.Invariant), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// sameGroup reports whether two configurations declare a group alike.
func sameGroup(a, b config.Config, name string) bool {
	find := func(c config.Config) *config.Group {
		for i := range c.GroupList {
			if c.GroupList[i].Name == name {
				return &c.GroupList[i]
			}
		}
		return nil
	}
	return reflect.DeepEqual(find(a), find(b))
}

// checkFacts is invariant 1: a run that has read a path as Down writes nothing
// towards it, as long as there is an eligible one.
func (l *ledger) checkFacts() []Violation {
	var out []Violation
	known := map[string]told{}
	for _, call := range l.calls {
		if known[call.Process] == nil {
			known[call.Process] = told{}
		}
		known[call.Process].learn(call)
		if call.Write == nil || isForeign(call.Process) {
			continue
		}
		e := l.eraOf(call.Process).entries[entryID{call.Write.Table, call.Write.Destination}]
		if e == nil || l.ignoredHealthLately(e.group.Name, call.SentAt) {
			continue
		}
		if dead, alive := l.judge(e, call, known[call.Process].view()); dead != "" && alive != "" {
			out = append(out, Violation{NoWriteToDownPath, call.EffectAt, e.group.Name, fmt.Sprintf(
				"%s wrote %s %s -> %s (path %s) although its own facts showed that path down and %s up", call.Process, e.id.table, e.id.destination, call.Write.After, dead, alive)})
		}
	}
	return out
}

// judge looks at a write with the eyes of the process that made it: the path
// that it writes to if the facts show it down, and another one that is up.
func (l *ledger) judge(e *declaredEntry, call sim.CallRecord, see view) (failed, alive string) {
	for _, p := range e.group.Paths {
		is := l.health.judge(p, see, l.weightAt(e.group, p.Name, call.SentAt))
		to := e.on(p.Name, call.Write.After)
		switch {
		case to && is != dead:
			return "", "" // The target may be alive for all the process knows.
		case to:
			failed = p.Name
		case is.alive() && !l.lockedLately(e.group.Name, p.Name, call.SentAt) && l.learnable(e.group, p, call.SentAt):
			alive = p.Name
		}
	}
	return failed, alive
}

// checkOwn is invariant 5: only declared entries are written, and measures of filters,
// only to declared next hops, never over a foreign route, and never where neverTouch or the
// prefix list forbids it.
func (l *ledger) checkOwn() []Violation {
	var out []Violation
	add := func(w ownWrite, group, text string) {
		out = append(out, Violation{OwnRoutesOnly, w.call.EffectAt, group, fmt.Sprintf("%s wrote %s %s -> %q: %s",
			w.call.Process, w.call.Write.Table, w.call.Write.Destination, w.call.Write.After, text)})
	}
	for _, w := range l.ownWrites() {
		switch {
		case w.entry == nil:
			if why := l.notTheFilters(w); why != "" {
				add(w, "", why)
			}
		case strings.HasPrefix(w.call.Process, string(RouteFilter)+"-"):
			add(w, w.entry.group.Name, "the function for filters wrote an entry of a group")
		case w.entry.group.Mode != "enforce":
			add(w, w.entry.group.Name, "the group is in observe mode")
		case !w.entry.declaredTarget(w.call.Write.After):
			add(w, w.entry.group.Name, "no path declares the target")
		case l.overwritesForeign(w):
			add(w, w.entry.group.Name, "a foreign route stood there")
		case l.blockedBy(w.era, w.entry) != "":
			add(w, w.entry.group.Name, l.blockedBy(w.era, w.entry))
		case l.splits(w):
			add(w, w.entry.group.Name, "its unit has a prefix list elsewhere that may not be written")
		case l.untouchable(w.era, w.entry.id, w.call.EffectAt):
			add(w, w.entry.group.Name, "neverTouch covers it")
		}
	}
	return out
}

// overwritesForeign: what stood there was no path's, the group may not take it over,
// and the process could know.
func (l *ledger) overwritesForeign(w ownWrite) bool {
	own := func(at time.Time) bool { return !w.entry.foreign(w.entry.targetBefore(at)) }
	return !own(w.call.EffectAt) && !l.mayHaveSeen(w.call, w.entry, own) && !l.mistakable(w)
}

// splits reports whether the write takes an entry to a path on which a blocked
// entry of its unit does not stand, by all that the process could know. One that is
// foreign or that neverTouch covers as well is left alone by itself (ADR 0012), and
// one whose attachment is deleted stands nowhere: EC2 shows it as anybody's blackhole.
// To write a route again where it stands parts nothing.
func (l *ledger) splits(w ownWrite) bool {
	if w.entry.targetBefore(w.call.SentAt) == w.call.Write.After {
		return false
	}
	for _, unit := range w.entry.group.steps() {
		if !slices.Contains(unit, w.entry) {
			continue
		}
		for _, e := range unit {
			whole := func(at time.Time) bool {
				target := e.targetBefore(at)
				return e.foreign(target) || valueAt(l.health.shown[signal{target, fieldAttachment, ""}], at) == "deleted" || slices.ContainsFunc(w.entry.group.Paths, func(p config.Path) bool {
					return w.entry.on(p.Name, w.call.Write.After) && e.on(p.Name, e.targetBefore(at))
				})
			}
			blocked := l.blockedBy(w.era, e) != "" && !l.maybeUntouchable(w.era, e.id, w.call.SentAt)
			if blocked && !whole(w.call.SentAt) && !l.mayHaveSeen(w.call, e, whole) {
				return true
			}
		}
	}
	return false
}

// blockedBy says why the entry's prefix list may not be written; empty: it may.
func (l *ledger) blockedBy(era *era, e *declaredEntry) string {
	line := l.lists[e.id.destination]
	switch {
	case line == nil:
		return ""
	case line.IPAM:
		return "an IPAM keeps the list in sync"
	case line.Account == e.owner:
		return ""
	}
	for _, list := range era.config.ListList {
		if list.ID == line.ID && list.Accept && (list.Owner == "" || list.Owner == line.Account) {
			return ""
		}
	}
	return "the list belongs to account " + line.Account + ", which is not accepted"
}

// untouchable reports whether neverTouch covers the entry, or something that its
// prefix list has held for long enough that every reading shows it.
func (l *ledger) untouchable(era *era, id entryID, at time.Time) bool {
	return l.coveredBy(era, id, at.Add(-time.Minute), at, func(held, before []netip.Prefix) []netip.Prefix {
		return slices.DeleteFunc(held, func(p netip.Prefix) bool { return !slices.Contains(before, p) })
	})
}

// maybeUntouchable reports the same of what some reading may show.
func (l *ledger) maybeUntouchable(era *era, id entryID, at time.Time) bool {
	return l.coveredBy(era, id, at.Add(-time.Minute), at, func(held, before []netip.Prefix) []netip.Prefix { return append(held, before...) })
}

// coveredBy reports whether neverTouch covers the entry. what picks from what a list
// held at the later instant and at the earlier one.
func (l *ledger) coveredBy(era *era, id entryID, earlier, at time.Time, what func(held, before []netip.Prefix) []netip.Prefix) bool {
	if slices.Contains(era.config.Never.Tables, id.table) || slices.Contains(era.config.Never.Destinations, id.destination) {
		return true
	}
	if line := l.lists[id.destination]; line != nil {
		// A list is covered by a block that it has an address in common with.
		return slices.ContainsFunc(what(line.held(at, at), line.held(earlier, earlier)), func(p netip.Prefix) bool {
			return slices.ContainsFunc(prefixes(era.config.Never.Destinations), p.Overlaps)
		})
	}
	inner, err := netip.ParsePrefix(id.destination)
	return err == nil && neverTouched(era.config, inner)
}

func neverTouched(c config.Config, inner netip.Prefix) bool {
	for _, text := range c.Never.Destinations {
		outer, err := netip.ParsePrefix(text)
		if err == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr()) {
			return true
		}
	}
	return false
}
