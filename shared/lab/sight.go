package lab

import (
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// sight is the last reading of a table that a process had when it sent a write: it
// shows what stood at some instant of the span.
type sight struct{ from, to time.Time }

// sightOf finds the reading on which a write of the entry's group rests, with all of
// its pages: each shows its own instant. It is not ok if the process had none. Of
// several groups in one table each reads back what it wrote, so a reading after another
// group's write may be that group's, and counts for that one alone.
func (l *ledger) sightOf(w sim.CallRecord, e *declaredEntry) (s sight, ok bool) {
	var readBacks []string // the groups that have written since
	era, counts := l.eraOf(w.Process), false
	for _, call := range l.calls {
		if call.Process != w.Process || !call.EffectAt.Before(w.SentAt) {
			continue
		}
		switch other := era.entries[writtenBy(call)]; {
		case other != nil && other.id.table == e.id.table && other.group.Name != e.group.Name:
			if !slices.Contains(readBacks, other.group.Name) {
				readBacks = append(readBacks, other.group.Name)
			}
		case !readsTable(call, e.id):
		case call.Params.Has("NextToken"):
			if page := l.pageOf(call, era); counts {
				s = sight{earlier(s.from, page.from), page.to}
			}
		case len(readBacks) > 0:
			readBacks, counts = readBacks[1:], false
		default:
			s, ok, counts = l.pageOf(call, era), true, true
		}
	}
	return s, ok
}

// pageOf is the span of what one call showed. No reading is older than the settle
// time, on which Detour relies.
func (l *ledger) pageOf(call sim.CallRecord, in *era) sight {
	page := sight{call.SentAt, call.EffectAt}
	if call.Fault == string(sim.FaultStale) {
		page.from = page.from.Add(-time.Duration(in.config.Timers.SettleTime))
	}
	return page
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// readsTable reports whether the call told its process where the entry points.
func readsTable(call sim.CallRecord, id entryID) bool {
	switch sim.FaultKind(call.Fault) {
	case "", sim.FaultStale, sim.FaultDelay, sim.FaultFreeze:
	default:
		return false // Its answer may not have arrived.
	}
	switch {
	case call.Code != "":
		return false
	case call.Action == "DescribeRouteTables":
		return slices.Contains(paramList(call.Params, "RouteTableId.", ""), id.table)
	case strings.HasPrefix(id.destination, "pl-"):
		return call.Action == "GetTransitGatewayPrefixListReferences" && call.Params.Get(paramGatewayTable) == id.table
	default:
		return call.Action == "SearchTransitGatewayRoutes" && call.Params.Get(paramGatewayTable) == id.table
	}
}

const paramGatewayTable = "TransitGatewayRouteTableId"

// blackholeTarget is the target of a route that somebody placed to drop traffic.
const blackholeTarget = "blackhole"

// writtenBy is the entry that a call meant to write, whether it did or not; zero:
// the call writes none.
func writtenBy(call sim.CallRecord) entryID {
	if isReadAction(call.Action) {
		return entryID{}
	}
	first := func(names ...string) string {
		for _, name := range names {
			if value := call.Params.Get(name); value != "" {
				return value
			}
		}
		return ""
	}
	return entryID{
		table:       first(paramGatewayTable, "RouteTableId"),
		destination: first("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "PrefixListId"),
	}
}

// mayHaveSeen reports whether what the process last read of the entry can have been
// so at an instant at which something holds. Later changes no writer can see: EC2 has
// no write that is conditional on what stands.
func (l *ledger) mayHaveSeen(w sim.CallRecord, e *declaredEntry, holds func(at time.Time) bool) bool {
	s, ok := l.sightOf(w, e)
	if !ok {
		return false
	}
	if holds(s.from) || holds(s.to) {
		return true
	}
	return slices.ContainsFunc(e.points, func(p point) bool {
		after := p.at.Add(time.Nanosecond)
		return p.at.After(s.from) && after.Before(s.to) && holds(after)
	})
}

// mistakable reports whether Detour could not tell somebody's blackhole from the rest
// of its own route (ADR 0012): an attachment to which a path leads was gone by the time
// at which Detour had surely seen the blackhole beside an attachment that lives, two
// sweep periods and a settle time after it was placed.
func (l *ledger) mistakable(w ownWrite) bool {
	placed := w.entry.pointBefore(w.call.EffectAt)
	timers := w.era.config.Timers
	judged := placed.at.Add(2*time.Duration(timers.SweepPeriod) + time.Duration(timers.SettleTime))
	if w.call.EffectAt.Before(judged) {
		judged = w.call.EffectAt
	}
	return placed.target == blackholeTarget && slices.ContainsFunc(w.entry.group.Paths, func(p config.Path) bool {
		state := valueAt(l.health.shown[signal{w.entry.hops[p.Name], fieldAttachment, ""}], judged)
		return state == "deleting" || state == "deleted"
	})
}
