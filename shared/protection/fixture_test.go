package protection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"detour/shared/health"
	"detour/shared/route"
)

// noon is the instant at which every hand-written case decides.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

const settle = 10 * time.Second

// oldEpoch is the epoch of the move that every hand-written record is in.
const oldEpoch int64 = 1_700_000_000_000

func testTable(n int) route.Table {
	return route.Table{
		Kind: route.TransitGatewayTable, ID: fmt.Sprintf("tgw-rtb-%02d", n),
		Account: "111122223333", Region: "eu-central-1",
	}
}

func hopOf(path string) route.NextHop {
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + path}
}

// strangeHop is a next hop that no group declares.
var strangeHop = route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-somebody"}

// blackhole is what a static shows whose attachment was deleted.
var blackhole = route.NextHop{Kind: route.Blackhole}

// testGroup has the paths in order, and units with one entry each.
func testGroup(units int, paths ...string) *Group {
	group := &Group{
		Name: "berlin", Account: "111122223333", Region: "eu-central-1", Mode: Enforce,
		WaitToRestore: 10 * time.Minute,
		Limits: Limits{
			SettleTime: settle, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour,
		},
	}
	for _, name := range paths {
		group.Paths = append(group.Paths, Path{Name: name, Spec: health.Spec{Kind: health.KindVPN, Tunnels: 2, MinTunnels: 1}})
	}
	for u := range units {
		entry := Entry{EntryKey: EntryKey{Table: testTable(u), Destination: route.MustDestination("10.0.0.0/8")}}
		for _, name := range paths {
			entry.NextHops = append(entry.NextHops, PathNextHop{Path: name, NextHop: hopOf(name)})
		}
		group.Units = append(group.Units, Unit{Name: fmt.Sprintf("unit-%d", u), Entries: []Entry{entry}})
	}
	return group
}

// assessed is an assessment whose state has stood unbroken for an hour.
func assessed(state health.State) health.Assessment {
	since := noon.Add(-time.Hour)
	return health.Assessment{
		State: state, Evidence: state, Since: since, Sources: 1,
		Memory: health.Memory{State: state, Since: since, Proven: state},
	}
}

// standingOn is a complete reading in which unit u stands on paths[u].
func standingOn(group *Group, startedAt time.Time, paths ...string) Standing {
	out := Standing{Complete: true, StartedAt: startedAt}
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			out.Entries = append(out.Entries, standingAt(entry, u, entry.NextHop(paths[u])))
		}
	}
	return out
}

func standingAt(entry Entry, unit int, hop route.NextHop) EntryStanding {
	out := EntryStanding{Entry: entry.EntryKey, Unit: unit, NextHop: hop}
	for _, candidate := range entry.NextHops {
		if !hop.IsZero() && candidate.NextHop == hop {
			out.Paths = append(out.Paths, candidate.Path)
		}
	}
	out.Foreign = !hop.IsZero() && len(out.Paths) == 0
	return out
}

// settledOn is the input of a group of three units and the paths A, B and C
// that has stood on one path for an hour, with every path Up.
func settledOn(path string) Input {
	group := testGroup(3, "A", "B", "C")
	in := Input{
		Group:    group,
		Record:   settledRecord("A", path, 3),
		Standing: standingOn(group, noon.Add(-time.Second), path, path, path),
		Budget:   Budget{Remaining: 10},
		Now:      noon,
	}
	for _, p := range group.Paths {
		in.Health = append(in.Health, PathHealth{Path: p.Name, Assessment: assessed(health.Up)})
	}
	in.Record.Paths = memories(in)
	return in
}

func settledRecord(from, to string, extent int) Record {
	return Record{
		Mode: Enforce, Settled: true, WroteAt: noon.Add(-time.Hour),
		Decision: Decision{Group: "berlin", From: from, To: to, Extent: extent, Action: Move, Reason: ReasonSignalFail, Epoch: oldEpoch},
	}
}

func memories(in Input) []PathMemory {
	var out []PathMemory
	for _, h := range in.Health {
		out = append(out, PathMemory{Path: h.Path, Memory: h.Memory})
	}
	return out
}

func (in *Input) path(name string) *PathHealth {
	for i := range in.Health {
		if in.Health[i].Path == name {
			return &in.Health[i]
		}
	}
	panic("no path " + name)
}

// set gives the path a state that has stood for an hour.
func (in *Input) set(name string, state health.State) { in.path(name).Assessment = assessed(state) }

func (in *Input) setAll(state health.State) {
	for _, h := range in.Health {
		in.set(h.Path, state)
	}
}

// setUpSince makes the path Up, unbroken since an age ago.
func (in *Input) setUpSince(name string, age time.Duration) {
	in.set(name, health.Up)
	in.path(name).Since = noon.Add(-age)
	in.path(name).Memory.Since = noon.Add(-age)
}

func (in *Input) suppress(name string) {
	in.path(name).Suppressed = true
	in.path(name).Memory.Suppressed = true
}

func (in *Input) ask(r Request) { in.Requests = append(in.Requests, r) }

// active is the path that the record says is in use; without a record the one
// that stands.
func (in *Input) active() string {
	if in.Record.Decision.To == "" {
		return in.Standing.Entries[0].Paths[0]
	}
	return in.Record.Decision.To
}

// standby is the first path of the group that is not the active one.
func (in *Input) standby() string {
	for _, p := range in.Group.Paths {
		if p.Name != in.active() {
			return p.Name
		}
	}
	panic("no standby")
}

// again is the input of the next run with the same readings at the same
// instant: the record is what the run left, the ended requests are gone.
func again(in Input, out Output) Input {
	in.Record = out.Next.Clone()
	in.Requests = slices.DeleteFunc(slices.Clone(in.Requests), func(r Request) bool {
		return slices.ContainsFunc(out.Ended, func(e Ended) bool { return e.Request.ID == r.ID })
	})
	return in
}

// at is the input a while later, with the tables read at that instant.
func at(in Input, now time.Time) Input {
	in.Now = now
	in.Standing.StartedAt = now
	return in
}

func wantDecision(t *testing.T, out Output, from, to string, extent int, action Action, reason Reason) {
	t.Helper()
	got := out.Decision
	if got.From != from || got.To != to || got.Extent != extent || got.Action != action || got.Reason != reason {
		t.Errorf("decided %s>%s %d %s %s, want %s>%s %d %s %s",
			got.From, got.To, got.Extent, got.Action, got.Reason, from, to, extent, action, reason)
	}
}
