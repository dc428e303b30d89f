package lab

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/sim"
)

// filterSlack is what a denied route may stand beyond two sweep periods: the run that
// takes it out, and one that holds the lease before it.
const filterSlack = 30 * time.Second

// checkFiltered is what filters are for, in the transit gateway tables that they write:
// no denied route forwards for longer than it may take to see it, and no step of
// Detour's takes a permitted prefix away that is announced. Faults excuse both, since
// nothing bounds how long a run that is disturbed takes.
func (l *ledger) checkFiltered() []Violation {
	if l.disturbed {
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
			f := l.enforcedAt(id.table, r.at)
			switch {
			case f == nil:
			case f.denies(prefix) && f.judges(r):
				if bound := f.takesAtMost; until.Sub(r.at) > bound {
					out = append(out, Violation{FilteredTables, r.at.Add(bound), f.Name, fmt.Sprintf(
						"%s %s, which filter %s denies, still forwards to %s %s after it came", id.table, id.destination, f.Name, strings.Join(r.from, ","), bound)})
				}
			case !f.denies(prefix) && !r.active:
				if call, took := l.tookAway(id, i); took && l.stillAnnounced(f, id, i) {
					out = append(out, Violation{FilteredTables, r.at, f.Name, fmt.Sprintf(
						"%s took %s %s away by %s, which filter %s permits and %s announces", call.Process, id.table, id.destination, call.Action, f.Name,
						strings.Join(l.shown[id][i-1].from, ","))})
				}
			}
		}
	}
	return out
}

func compareEntries(a, b entryID) int {
	return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.destination, b.destination))
}

// enforcedRules are the rules of a filter that is enforced in a table by blackholes or
// quarantine, and for how long at most a denied route stands there.
type enforcedRules struct {
	filterRules
	takesAtMost time.Duration
}

// enforcedAt is the filter that is enforced in a table from an instant on, by a
// configuration that stays that of the run until its end.
func (l *ledger) enforcedAt(table string, at time.Time) *enforcedRules {
	e := l.eraAt(at)
	f := l.filterOf(e.config, table)
	if f == nil || f.Mode != "enforce" || e != l.last() || !strings.HasPrefix(table, "tgw-") {
		return nil
	}
	return &enforcedRules{*f, 2*time.Duration(e.config.Timers.SweepPeriod) + filterSlack}
}

// judges reports whether the filter is sure to act on a route: one that is learned and
// forwards, of an attachment that it speaks about, and that a quarantine is not
// refused for. A blackhole or pin that speaks of some attachments only may be refused
// for the others' sake.
func (f *enforcedRules) judges(r shownRoute) bool {
	if !r.learned || !r.active {
		return false
	}
	if f.Action != "quarantine" {
		return len(f.Attachments) == 0
	}
	return len(r.from) == 1 && slices.Contains(f.Attachments, r.from[0])
}

// tookAway is the call of Detour's with whose effect an active route went; ok is false
// if none was in the table at that instant, or if a route stood there again by then.
func (l *ledger) tookAway(id entryID, i int) (call sim.CallRecord, ok bool) {
	line := l.shown[id]
	if i == 0 || !line[i-1].active || i+1 < len(line) && line[i+1].at.Equal(line[i].at) {
		return sim.CallRecord{}, false
	}
	for _, c := range l.calls {
		if isForeign(c.Process) || c.Code != "" || !c.EffectAt.Equal(line[i].at) {
			continue
		}
		switches := strings.HasSuffix(c.Action, actionPropagation) && !isReadAction(c.Action)
		if switches && c.Params.Get("TransitGatewayRouteTableId") == id.table ||
			c.Write != nil && c.Write.Table == id.table && c.Write.Destination == id.destination {
			return c, true
		}
	}
	return sim.CallRecord{}, false
}

// stillAnnounced reports whether the observation table of the attachment to which the
// route led shows the prefix, and has shown it for long enough to be read.
func (l *ledger) stillAnnounced(f *enforcedRules, id entryID, i int) bool {
	line := l.shown[id]
	for _, attachment := range line[i-1].from {
		seen := l.shown[entryID{f.Observation[attachment], id.destination}]
		if shownAt(seen, line[i].at).teaches(attachment) && shownAt(seen, line[i].at.Add(-filterSlack)).teaches(attachment) {
			return true
		}
	}
	return false
}
