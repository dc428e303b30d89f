package lab

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// ledger is the World's side of a run, put in order for the checkers: what each
// declared entry pointed to at every instant, and what each tunnel was, truly
// and by telemetry. It is made from the World's tables and its call log, and
// from nothing that Detour says.
type ledger struct {
	start, end time.Time
	config     config.Config
	groups     []*declared
	entries    map[entryID]*entryLine
	tunnels    map[string]*vpnLine
	calls      []sim.CallRecord
	requests   []MadeRequest
	// blackholes are the entries whose route drops traffic at the end.
	blackholes map[entryID]bool
}

// entryID names an entry as the World's log does.
type entryID struct{ table, destination string }

// declared is one group as the configuration declares it.
type declared struct {
	config.Group
	entries []*entryLine
}

// entryLine is the history of one declared entry.
type entryLine struct {
	id     entryID
	group  *declared
	hops   map[string]string // path name to target id
	points []point
}

// point is one change of an entry's target; empty: no static route.
type point struct {
	at     time.Time
	target string
	by     string
}

// vpnLine is the history of one VPN connection.
type vpnLine struct {
	tunnels   int
	truth     []level
	telemetry []level
}

// level is how many tunnels were up from an instant on.
type level struct {
	at time.Time
	up int
}

// foreignWriter starts the process name of a writer that is not Detour.
const foreignWriter = "writer:"

func isForeign(process string) bool { return strings.HasPrefix(process, foreignWriter) }

// newLedger reads the World after a run. initial are the statics at the start.
func newLedger(c config.Config, topo sim.Topology, w *sim.World, initial []sim.StaticRoute, requests []MadeRequest, start, end time.Time) *ledger {
	l := &ledger{start: start, end: end, config: c, entries: map[entryID]*entryLine{}, tunnels: map[string]*vpnLine{}, calls: w.Calls(), requests: requests}
	for i := range c.GroupList {
		l.declare(&declared{Group: c.GroupList[i]})
	}
	for _, s := range initial {
		if e := l.entries[entryID{s.Table, s.Destination.String()}]; e != nil {
			e.points[0].target = s.Target
		}
	}
	for _, call := range l.calls {
		if call.Write == nil {
			continue
		}
		if e := l.entries[entryID{call.Write.Table, call.Write.Destination}]; e != nil {
			e.points = append(e.points, point{at: call.EffectAt, target: call.Write.After, by: call.Process})
		}
	}
	l.blackholes = map[entryID]bool{}
	for _, s := range w.StaticRoutes() {
		l.blackholes[entryID{s.Table, s.Destination.String()}] = s.State == "blackhole"
	}
	l.readTunnels(topo, w.TunnelHistory())
	return l
}

func (l *ledger) declare(g *declared) {
	l.groups = append(l.groups, g)
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			line := &entryLine{id: entryID{entry.Table, entry.Destination}, group: g, hops: entry.NextHops, points: []point{{at: l.start}}}
			g.entries = append(g.entries, line)
			l.entries[line.id] = line
		}
	}
}

func (l *ledger) readTunnels(topo sim.Topology, history []sim.TunnelChange) {
	up := map[string]int{}
	for _, vpn := range topo.VPNs {
		line := &vpnLine{tunnels: len(vpn.Tunnels)}
		for _, t := range vpn.Tunnels {
			if !t.Down {
				up[vpn.ID]++
			}
		}
		line.truth = []level{{l.start, up[vpn.ID]}}
		line.telemetry = []level{{l.start, up[vpn.ID]}}
		l.tunnels[vpn.ID] = line
	}
	for _, change := range history {
		line := l.tunnels[change.VPN]
		switch change.Kind {
		case sim.TunnelTruth:
			line.truth = stepLevel(line.truth, change)
		case sim.TunnelTelemetry:
			line.telemetry = stepLevel(line.telemetry, change)
		}
	}
}

func stepLevel(levels []level, change sim.TunnelChange) []level {
	up := levels[len(levels)-1].up
	if change.Up {
		up++
	} else {
		up--
	}
	return append(levels, level{at: change.At, up: up})
}

// upAt is how many tunnels were up at an instant.
func upAt(levels []level, at time.Time) int {
	i, _ := slices.BinarySearchFunc(levels, at, func(l level, t time.Time) int {
		return cmp.Or(l.at.Compare(t), -1)
	})
	return levels[max(i-1, 0)].up
}

// through reports whether the level satisfied ok during all of [from, to].
func through(levels []level, from, to time.Time, ok func(up int) bool) bool {
	if !ok(upAt(levels, from)) {
		return false
	}
	for _, l := range levels {
		if l.at.After(from) && !l.at.After(to) && !ok(l.up) {
			return false
		}
	}
	return true
}

// targetAt is where the entry pointed just before an instant.
func (e *entryLine) targetBefore(at time.Time) string {
	out := ""
	for _, p := range e.points {
		if !p.at.Before(at) {
			break
		}
		out = p.target
	}
	return out
}

// current is where the entry points at the end.
func (e *entryLine) current() string { return e.points[len(e.points)-1].target }

// on reports whether the target is the path's next hop for the entry.
func (e *entryLine) on(path, target string) bool { return target != "" && e.hops[path] == target }

// declaredTarget reports whether any path declares the target for the entry.
func (e *entryLine) declaredTarget(target string) bool {
	for _, p := range e.group.Paths {
		if e.hops[p.Name] == target {
			return true
		}
	}
	return false
}

// path finds a path of the group.
func (g *declared) path(name string) config.Path {
	for _, p := range g.Paths {
		if p.Name == name {
			return p
		}
	}
	return config.Path{}
}

// wholly returns the paths on which every entry of the group stood just before
// the instant. Entries may share next hops, so it can be more than one.
func (g *declared) wholly(at time.Time) []string {
	var out []string
	for _, p := range g.Paths {
		all := true
		for _, e := range g.entries {
			all = all && e.on(p.Name, e.targetBefore(at))
		}
		if all {
			out = append(out, p.Name)
		}
	}
	return out
}

// concerns: the request is the group's, or everybody's.
func (r MadeRequest) concerns(group string) bool { return r.Group == group || r.Group == EveryGroup }

// asked reports whether an operator asked something of the group within the
// window, or whether a request that stands was made before it.
func (l *ledger) asked(group string, from, to time.Time) bool {
	standing := map[string]bool{}
	for _, r := range l.requests {
		if !r.concerns(group) || r.At.After(to) {
			continue
		}
		if !r.At.Before(from) {
			return true
		}
		standing[r.Request.ID] = !r.Clear
	}
	for _, on := range standing {
		if on {
			return true
		}
	}
	return false
}

// meddled reports whether somebody else wrote an entry of the group within the
// window.
func (g *declared) meddled(from, to time.Time) bool {
	for _, e := range g.entries {
		for _, p := range e.points {
			if isForeign(p.by) && !p.at.Before(from) && !p.at.After(to) {
				return true
			}
		}
	}
	return false
}

// ownWrite is one successful route write of Detour's to a declared entry.
type ownWrite struct {
	call  sim.CallRecord
	entry *entryLine
}

// ownWrites are Detour's successful route writes, in the order of their effect.
func (l *ledger) ownWrites() []ownWrite {
	var out []ownWrite
	for _, call := range l.calls {
		if call.Write != nil && !isForeign(call.Process) {
			out = append(out, ownWrite{call: call, entry: l.entries[entryID{call.Write.Table, call.Write.Destination}]})
		}
	}
	return out
}
