package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/sim"
)

// checkPermitted: no step of Detour's for a filter takes a permitted prefix away that is
// announced, and what a quarantine stands in for follows the announcements.
func (l *ledger) checkPermitted(c Checks) []Violation {
	var out []Violation
	for _, id := range slices.SortedFunc(maps.Keys(l.shown), compareEntries) {
		prefix, err := netip.ParsePrefix(id.destination)
		if err != nil || !strings.HasPrefix(id.table, "tgw-") {
			continue
		}
		for i := range l.shown[id] {
			if call, took := l.tookAway(id, i); took {
				out = append(out, l.wronglyTaken(id, prefix, i, call)...)
			}
		}
	}
	return append(out, l.checkStandIns(c)...)
}

// wronglyTaken judges a call of Detour's with whose effect an active route went.
func (l *ledger) wronglyTaken(id entryID, prefix netip.Prefix, i int, call sim.CallRecord) []Violation {
	line := l.shown[id]
	f := l.filterOf(l.eraOf(call.Process).config, id.table)
	if f == nil || f.denies(prefix) || l.entryOf(call.Process, id) {
		return nil
	}
	known := l.knownSince(call, id.table)
	for _, attachment := range line[i-1].from {
		switch {
		case slices.Contains(l.beside[id.table].connects, attachment) && f.AcceptLoss:
			continue
		case f.MaxPrefixes > 0 && len(l.announced(*f, id.table, attachment, line[i].at.Add(-time.Nanosecond))) > f.MaxPrefixes:
			continue
		case !l.announcedSince(*f, id, attachment, known, line[i].at):
			continue
		}
		return []Violation{{FilteredTables, line[i].at, f.Name, fmt.Sprintf("%s took %s %s away by %s, which filter %s permits and %s announces",
			call.Process, id.table, id.destination, call.Action, f.Name, attachment)}}
	}
	return nil
}

// entryOf reports whether a group of the process's configuration declares the entry.
func (l *ledger) entryOf(process string, id entryID) bool { return l.eraOf(process).entries[id] != nil }

// knownSince is the oldest state that the call's process can have seen of a table at its
// last look before the call: reads can be stale.
func (l *ledger) knownSince(call sim.CallRecord, table string) time.Time {
	seen := call.SentAt.Add(-longEnough)
	for _, c := range l.calls {
		if c.Process == call.Process && c.Action == "SearchTransitGatewayRoutes" && c.Code == "" && c.EffectAt.Before(call.SentAt) &&
			c.Params.Get("TransitGatewayRouteTableId") == table {
			seen = c.EffectAt
		}
	}
	return latest(l.start, seen.Add(-maxStaleRead))
}

// announcedSince reports whether the attachment announced the prefix all along from one
// instant until just before another: the table showed its learned route, or its
// observation table did.
func (l *ledger) announcedSince(f filterRules, id entryID, attachment string, from, to time.Time) bool {
	shows := func(line []shownRoute) bool {
		if !shownAt(line, from).teaches(attachment) {
			return false
		}
		return !slices.ContainsFunc(line, func(r shownRoute) bool {
			return r.at.After(from) && r.at.Before(to) && !r.teaches(attachment)
		})
	}
	return shows(l.shown[id]) || l.observed(f, attachment) && shows(l.shown[entryID{f.Observation[attachment], id.destination}])
}

// announced are the blocks that the attachment is seen to announce: in the table and in
// its observation table, and those for which Detour has a static to it in the table, which
// hides the announcement.
func (l *ledger) announced(f filterRules, table, attachment string, at time.Time) []string {
	out := append(l.taught(table, attachment, at), l.taught(f.Observation[attachment], attachment, at)...)
	for id := range l.shown {
		if target, _ := l.lastOwn(table, id.destination, sim.CallRecord{EffectAt: at}); id.table == table && target == attachment {
			out = append(out, id.destination)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tookAway is the call of Detour's with whose effect an active route went; ok is false
// if none was in the table at that instant, or if a route stood there again by then.
func (l *ledger) tookAway(id entryID, i int) (call sim.CallRecord, ok bool) {
	line := l.shown[id]
	if i == 0 || line[i].active || !line[i-1].active || i+1 < len(line) && line[i+1].at.Equal(line[i].at) {
		return sim.CallRecord{}, false
	}
	for _, c := range l.calls {
		if isForeign(c.Process) || !c.EffectAt.Equal(line[i].at) {
			continue
		}
		if table, _, on, switches := switched(c); switches && !on && table == id.table ||
			c.Write != nil && c.Write.Table == id.table && c.Write.Destination == id.destination {
			return c, true
		}
	}
	return sim.CallRecord{}, false
}

// checkStandIns looks at quarantines once the network stands still: each permitted prefix
// that the attachment announces has a route, and each static of Detour's an announcement.
func (l *ledger) checkStandIns(c Checks) []Violation {
	if c.ConvergedBy.IsZero() || l.frozen("") {
		return nil
	}
	var out []Violation
	settled := latest(l.still, l.last().from, c.ConvergedBy.Add(-undisturbedFor))
	for _, f := range l.enforcedLast() {
		if f.Action != "quarantine" || l.end.Sub(settled) <= f.takesAtMost {
			continue
		}
		for _, a := range f.Attachments {
			if l.quarantined(f.table, a) && l.observed(f.filterRules, a) && !slices.Contains(l.beside[f.table].connects, a) {
				out = append(out, l.standIns(f, a)...)
			}
		}
	}
	return out
}

// quarantined reports whether Detour has switched the attachment's propagation into the
// table off, at the end.
func (l *ledger) quarantined(table, attachment string) bool {
	on, by := l.propagates(table, attachment, l.end)
	return !on && by != "" && !isForeign(by)
}

func (l *ledger) standIns(f enforcedTable, attachment string) []Violation {
	var out []Violation
	table := f.table
	add := func(destination, text string) {
		out = append(out, Violation{FilteredTables, l.end, f.Name, fmt.Sprintf("%s %s: %s", table, destination, text)})
	}
	announced := l.taught(f.Observation[attachment], attachment, l.end)
	for _, destination := range announced {
		id := entryID{table, destination}
		prefix, err := netip.ParsePrefix(destination)
		if err != nil || f.denies(prefix) || l.last().entries[id] != nil || neverTouched(l.last().config, prefix) || f.MaxPrefixes > 0 && len(announced) > f.MaxPrefixes {
			continue
		}
		if !shownAt(l.shown[id], l.end).active {
			add(destination, fmt.Sprintf("filter %s permits it, the quarantined %s announces it, and no route stands", f.Name, attachment))
		}
	}
	for id := range l.shown {
		if id.table == table && l.measured(id) == attachment && l.last().entries[id] == nil && !slices.Contains(announced, id.destination) {
			add(id.destination, fmt.Sprintf("a static of filter %s leads to %s, which does not announce it", f.Name, attachment))
		}
	}
	slices.SortFunc(out, func(a, b Violation) int { return strings.Compare(a.Text, b.Text) })
	return out
}

// checkLifted: a measure ends once what it is about has been gone for long enough, as
// far as a VPC table or observation tables show that.
func (l *ledger) checkLifted(c Checks) []Violation {
	if c.ConvergedBy.IsZero() || l.frozen("") {
		return nil
	}
	var out []Violation
	timers := l.last().config.Timers
	for _, f := range l.enforcedLast() {
		wait := time.Duration(f.LiftAfter) + 4*time.Duration(timers.Damping.HalfLife) + f.takesAtMost
		since := l.end.Add(-wait)
		if since.Before(latest(l.last().from, l.start)) || !l.allObserved(f) {
			continue
		}
		for _, what := range l.overstays(f, since) {
			out = append(out, Violation{FilteredTables, l.end, f.Name, fmt.Sprintf("filter %s holds on to %s %s, although nothing that it denies was announced for %s",
				f.Name, f.table, what, l.end.Sub(since))})
		}
	}
	return out
}

// allObserved reports whether whatever the filter judges in the table can be seen.
func (l *ledger) allObserved(f enforcedTable) bool {
	if !strings.HasPrefix(f.table, "tgw-") {
		return true
	}
	return !slices.ContainsFunc(l.beside[f.table].propagated, func(a string) bool {
		return f.speaksOf(a, slices.Contains(l.beside[f.table].vpcs, a)) && !l.observed(f.filterRules, a)
	})
}

// overstays names the measures that stand at the end although nothing denied was
// announced from an instant on.
func (l *ledger) overstays(f enforcedTable, since time.Time) []string {
	if f.Action == "quarantine" {
		return l.overstayingQuarantines(f, since)
	}
	return l.overstayingRoutes(f, since)
}

func (l *ledger) overstayingQuarantines(f enforcedTable, since time.Time) []string {
	var out []string
	for _, a := range f.Attachments {
		if l.quarantined(f.table, a) && !l.leaked(f.enforcedRules, a, since) {
			out = append(out, "by the quarantine of "+a)
		}
	}
	return out
}

func (l *ledger) overstayingRoutes(f enforcedTable, since time.Time) []string {
	var out []string
	for _, id := range slices.SortedFunc(maps.Keys(l.shownIn(f.table)), compareEntries) {
		prefix, err := netip.ParsePrefix(id.destination)
		if err != nil || l.measured(id) == "" || l.last().entries[id] != nil || f.Preset && (prefix.Bits() == 0 || f.namesExactly(id.destination)) {
			continue
		}
		seen := l.taughtSince(f.table, id.destination, since)
		for _, observation := range f.Observation {
			seen = seen || l.taughtSince(observation, id.destination, since)
		}
		if !seen {
			out = append(out, id.destination)
		}
	}
	return out
}

// measured is where Detour pointed the entry at last, if that was for a filter; empty: it
// deleted it, never wrote it, or wrote it for a group, whose routes stay when it goes.
func (l *ledger) measured(id entryID) string {
	call, ever := l.lastOwnWrite(id.table, id.destination, sim.CallRecord{EffectAt: l.end})
	if !ever || l.entryOf(call.Process, id) {
		return ""
	}
	return call.Write.After
}

// namesExactly reports whether a rule denies the block by name.
func (f *filterRules) namesExactly(destination string) bool {
	return slices.Contains(f.Rules, "deny "+destination)
}

// shownIn are the lines of a table, those of statics that Detour wrote included.
func (l *ledger) shownIn(table string) map[entryID]bool {
	out := map[entryID]bool{}
	for id := range l.shown {
		if id.table == table {
			out[id] = true
		}
	}
	for _, c := range l.calls {
		if c.Write != nil && c.Write.Table == table {
			out[entryID{table, c.Write.Destination}] = true
		}
	}
	return out
}

// taughtSince reports whether the table showed a learned route for the block at some time
// from an instant on.
func (l *ledger) taughtSince(table, destination string, since time.Time) bool {
	line := l.shown[entryID{table, destination}]
	return shownAt(line, since).learned || slices.ContainsFunc(line, func(r shownRoute) bool { return r.learned && !r.at.Before(since) })
}

// leaked reports whether the attachment announced something denied, or too much, at some
// time from an instant on.
func (l *ledger) leaked(f *enforcedRules, attachment string, since time.Time) bool {
	n := 0
	for id := range l.shown {
		prefix, err := netip.ParsePrefix(id.destination)
		if err != nil || id.table != f.Observation[attachment] || !l.taughtSince(id.table, id.destination, since) {
			continue
		}
		n++
		if f.denies(prefix) {
			return true
		}
	}
	return f.MaxPrefixes > 0 && n > f.MaxPrefixes
}
