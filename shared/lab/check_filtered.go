package lab

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// filterSlack is what a denied route may stand beyond two sweep periods: the run that
// takes it out, and one that holds the lease before it.
const filterSlack = 30 * time.Second

// undisturbedFor is how long before everything has to have converged no fault is at work
// any more, nor what a fault left behind.
const undisturbedFor = 4 * time.Minute

// checkFiltered is what filters are for: in the tables that they write no denied route
// forwards for longer than it may take to see it. Where calls and runs are disturbed
// nothing bounds that, so it counts from when they no longer are.
func (l *ledger) checkFiltered(c Checks) []Violation {
	from := l.start
	if l.disturbed {
		if c.ConvergedBy.IsZero() {
			return nil
		}
		from = c.ConvergedBy.Add(-undisturbedFor)
	}
	if l.frozen("") {
		return nil
	}
	var out []Violation
	for _, id := range slices.SortedFunc(maps.Keys(l.shown), compareEntries) {
		prefix, err := netip.ParsePrefix(id.destination)
		if err != nil {
			continue
		}
		for i, r := range l.shown[id] {
			until := l.end
			if i+1 < len(l.shown[id]) {
				until = l.shown[id][i+1].at
			}
			since := r.at
			if since.Before(from) {
				since = from
			}
			f := l.enforcedAt(id.table, since)
			if f == nil || !f.denies(prefix) || until.Sub(since) <= f.takesAtMost || !l.judges(f, id, prefix, r, since) || l.coveredUp(id, since, until) {
				continue
			}
			out = append(out, Violation{FilteredTables, since.Add(f.takesAtMost), f.Name, fmt.Sprintf(
				"%s %s, which filter %s denies, still forwards to %s %s after it came", id.table, id.destination, f.Name, strings.Join(r.from, ","), f.takesAtMost)})
		}
	}
	return append(out, l.checkBounds(from)...)
}

func compareEntries(a, b entryID) int {
	return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.destination, b.destination))
}

// enforcedRules are the rules of a filter that is enforced in a table, and for how long
// at most a denied route stands there.
type enforcedRules struct {
	filterRules
	takesAtMost time.Duration
}

// enforcedAt is the filter that is enforced in a table from an instant on, by a
// configuration that stays that of the run until its end.
func (l *ledger) enforcedAt(table string, at time.Time) *enforcedRules {
	e := l.eraAt(at)
	f := l.filterOf(e.config, table)
	if f == nil || f.Mode != "enforce" || e != l.last() || slices.Contains(e.config.Never.Tables, table) {
		return nil
	}
	return &enforcedRules{*f, 2*time.Duration(e.config.Timers.SweepPeriod) + filterSlack}
}

// judges reports whether the filter is sure to act on a denied route: one that is learned
// and forwards, of an attachment that it speaks about, and for which the action is not
// refused (docs/configuration.md, what a filter can do).
func (l *ledger) judges(f *enforcedRules, id entryID, prefix netip.Prefix, r shownRoute, at time.Time) bool {
	if !r.learned || !r.active || neverTouched(l.last().config, prefix) || l.undoneOften(id) {
		return false
	}
	if !strings.HasPrefix(id.table, "tgw-") {
		return f.Action == "pin" && !l.beside[id.table].local(prefix) && f.speaksOf(r.from[0], false)
	}
	return l.judgesAtGateway(f, id, prefix, r, at)
}

// judgesAtGateway is the part of judges that holds for the tables of transit gateways.
func (l *ledger) judgesAtGateway(f *enforcedRules, id entryID, prefix netip.Prefix, r shownRoute, at time.Time) bool {
	beside := l.beside[id.table]
	judged := func(a string) bool {
		return f.speaksOf(a, slices.Contains(beside.vpcs, a)) && a != f.Egress[id.table]
	}
	switch f.Action {
	case "quarantine":
		return len(r.from) == 1 && judged(r.from[0]) && l.quarantines(f, id.table, r.from[0], at)
	case "pin":
		return !beside.advertises() && !slices.ContainsFunc(r.from, func(a string) bool { return !judged(a) })
	default:
		return !slices.ContainsFunc(l.propagating(id.table, at), func(a string) bool {
			return !judged(a) && (!slices.Contains(beside.vpcs, a) || !tooShortForVPC(prefix))
		})
	}
}

// speaksOf reports whether the filter judges what an attachment announces: one that it
// names, or where it names none any but that of a VPC.
func (f *filterRules) speaksOf(attachment string, vpc bool) bool {
	if len(f.Attachments) > 0 {
		return slices.Contains(f.Attachments, attachment)
	}
	return !vpc
}

// tooShortForVPC: a VPC has blocks of /16 and /44 at most (Amazon VPC user guide).
func tooShortForVPC(prefix netip.Prefix) bool {
	return prefix.Addr().Is4() && prefix.Bits() < 16 || !prefix.Addr().Is4() && prefix.Bits() < 44
}

// quarantines reports whether nothing refuses the quarantine of the attachment: it takes
// statics, what it announces can be followed or need not be, none of what it is permitted
// has several next hops, and nothing of it may not be touched.
func (l *ledger) quarantines(f *enforcedRules, table, attachment string, at time.Time) bool {
	connect := slices.Contains(l.beside[table].connects, attachment)
	if !f.AcceptLoss && (connect || !l.observed(f.filterRules, attachment)) {
		return false
	}
	for id, line := range l.shown {
		prefix, err := netip.ParsePrefix(id.destination)
		if id.table != table || err != nil {
			continue
		}
		now := shownAt(line, at)
		if !now.learned || !slices.Contains(now.from, attachment) {
			continue
		}
		if !connect && !f.denies(prefix) && len(now.from) > 1 || neverTouched(l.last().config, prefix) {
			return false
		}
	}
	return true
}

// observed reports whether the filter has an observation table of the attachment that
// shows what it announces, all of it and nothing else.
func (l *ledger) observed(f filterRules, attachment string) bool {
	table := f.Observation[attachment]
	beside, known := l.beside[table]
	return known && slices.Equal(beside.propagated, []string{attachment}) && len(beside.associated) == 0 && !beside.statics
}

// undoneOften reports whether others wrote the entry so often that a measure may be
// contended.
func (l *ledger) undoneOften(id entryID) bool {
	n := 0
	for _, c := range l.calls {
		if c.Write != nil && isForeign(c.Process) && c.Write.Table == id.table && c.Write.Destination == id.destination {
			n++
		}
	}
	return n >= l.last().config.Timers.ContendedAfter
}

// coveredUp reports whether a static stood beside the learned route of a VPC table during
// a time, over which the route does not carry traffic. In a transit gateway table a static
// hides it.
func (l *ledger) coveredUp(id entryID, from, to time.Time) bool {
	if strings.HasPrefix(id.table, "tgw-") {
		return false
	}
	longest, since, stands := time.Duration(0), from, l.initial[id] != ""
	gap := func(until time.Time) {
		if !stands && until.After(since) {
			longest = max(longest, until.Sub(since))
		}
	}
	for _, c := range l.calls {
		if c.Write == nil || c.Write.Table != id.table || c.Write.Destination != id.destination || !c.EffectAt.Before(to) {
			continue
		}
		if c.EffectAt.After(from) {
			gap(c.EffectAt)
			since = c.EffectAt
		}
		stands = c.Write.After != ""
	}
	gap(to)
	return longest <= 2*time.Duration(l.last().config.Timers.SweepPeriod)+filterSlack
}

// enforcedTable is a table in which a filter is enforced until the end of the run.
type enforcedTable struct {
	*enforcedRules
	table string
}

// enforcedLast are the tables in which filters are enforced until the end. What others
// wrote in may be contended, and is left out.
func (l *ledger) enforcedLast() []enforcedTable {
	var out []enforcedTable
	for _, declared := range l.last().config.FilterList {
		for _, table := range declared.Tables {
			if f := l.enforcedAt(table, l.end); f != nil && f.Name == declared.Name && !l.meddledIn(table) {
				out = append(out, enforcedTable{f, table})
			}
		}
	}
	return out
}

// checkBounds: an attachment that announces more than maxPrefixes teaches a quarantined
// table no more than that. It counts once the network stands still.
func (l *ledger) checkBounds(from time.Time) []Violation {
	var out []Violation
	since := latest(l.still, l.last().from, from)
	for _, f := range l.enforcedLast() {
		if f.Action != "quarantine" || f.MaxPrefixes == 0 || l.end.Sub(since) <= f.takesAtMost {
			continue
		}
		for _, a := range l.propagating(f.table, l.end) {
			n := len(l.taught(f.table, a, l.end))
			if n > f.MaxPrefixes && f.speaksOf(a, slices.Contains(l.beside[f.table].vpcs, a)) && l.quarantines(f.enforcedRules, f.table, a, since) {
				out = append(out, Violation{FilteredTables, l.end, f.Name, fmt.Sprintf(
					"%s teaches %s %d prefixes, and filter %s allows %d", a, f.table, n, f.Name, f.MaxPrefixes)})
			}
		}
	}
	return out
}

// taught are the blocks that the table shows as learned from the attachment.
func (l *ledger) taught(table, attachment string, at time.Time) []string {
	var out []string
	for id, line := range l.shown {
		if id.table == table && shownAt(line, at).teaches(attachment) {
			out = append(out, id.destination)
		}
	}
	slices.Sort(out)
	return out
}

// meddledIn reports whether others wrote in the table, so that measures may be contended.
func (l *ledger) meddledIn(table string) bool {
	for _, c := range l.calls {
		if c.Write != nil && isForeign(c.Process) && c.Write.Table == table {
			return true
		}
	}
	return false
}

func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}
