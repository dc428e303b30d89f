package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// Violation is one breach of an invariant.
type Violation struct {
	// Invariant is the number of the invariant, 1 to 7, or one of the two rules
	// of applying: Fencing and BlastRadius.
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
	Fencing             Invariant = "fencing"
	BlastRadius         Invariant = "blast-radius"
)

// longEnough is how long a path must have been up before it counts as having
// been up all along: longer than any run, retry or sweep that still knew it as
// down may take.
const longEnough = 6 * time.Minute

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
	out = append(out, l.checkFencing()...)
	out = append(out, l.checkBlastRadius()...)
	slices.SortStableFunc(out, func(a, b Violation) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Invariant, b.Invariant), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// facts is what one process was told of the tunnels, by VPN connection.
type facts map[string]map[string]bool

// learn takes in one answer. After a call that failed, or whose answer may not
// have arrived, the process knows nothing.
func (f facts) learn(call sim.CallRecord) {
	if call.Action != "DescribeVpnConnections" {
		return
	}
	if call.Code != "" || call.Fault != "" {
		clear(f)
		return
	}
	for _, t := range call.Telemetry {
		if f[t.VPN] == nil {
			f[t.VPN] = map[string]bool{}
		}
		f[t.VPN][t.OutsideIP] = t.Up
	}
}

// count is how many tunnels of the connection the process knows to be up, and
// whether it knows of all of them.
func (f facts) count(p config.Path, tunnels int) (up int, known bool) {
	for _, isUp := range f[p.VPN] {
		if isUp {
			up++
		}
	}
	return up, len(f[p.VPN]) >= tunnels
}

// checkFacts is invariant 1: a run that has read a path as Down writes nothing
// towards it, as long as there is an eligible one.
func (l *ledger) checkFacts() []Violation {
	var out []Violation
	known := map[string]facts{}
	for _, call := range l.calls {
		if known[call.Process] == nil {
			known[call.Process] = facts{}
		}
		known[call.Process].learn(call)
		if call.Write == nil || isForeign(call.Process) {
			continue
		}
		e := l.entries[entryID{call.Write.Table, call.Write.Destination}]
		if e == nil || l.ignoredHealthLately(e.group.Name, call.SentAt) {
			continue
		}
		if dead, alive := l.judge(e, call, known[call.Process]); dead != "" && alive != "" {
			out = append(out, Violation{NoWriteToDownPath, call.EffectAt, e.group.Name, fmt.Sprintf(
				"%s wrote %s %s -> %s (path %s) although its own facts showed that path down and %s up", call.Process, e.id.table, e.id.destination, call.Write.After, dead, alive)})
		}
	}
	return out
}

// judge looks at a write with the eyes of the process that made it: the path
// that it writes to if the facts show it down, and another one that is up.
func (l *ledger) judge(e *entryLine, call sim.CallRecord, known facts) (dead, alive string) {
	for _, p := range e.group.Paths {
		up, whole := known.count(p, l.tunnels[p.VPN].tunnels)
		to := e.on(p.Name, call.Write.After)
		switch {
		case to && (up >= p.MinTunnels || !whole):
			return "", "" // The target may be alive for all the process knows.
		case to:
			dead = p.Name
		case up >= p.MinTunnels && !l.lockedLately(e.group.Name, p.Name, call.SentAt):
			alive = p.Name
		}
	}
	return dead, alive
}

// checkPingPong is invariant 2: while every path is down, no entry is moved to
// and fro. One change is let pass: a move that was committed before may end.
func (l *ledger) checkPingPong() []Violation {
	var out []Violation
	for _, g := range l.groups {
		for _, e := range g.entries {
			changes := 0
			var since time.Time
			for i, p := range e.points {
				if i == 0 || isForeign(p.by) || p.target == e.points[i-1].target {
					continue
				}
				if changes == 0 || !l.allDown(g, since, p.at) {
					since, changes = p.at, 0
				}
				if changes++; changes == 2 && !l.asked(g.Name, since.Add(-longEnough), p.at) && !g.meddled(since.Add(-longEnough), p.at) {
					out = append(out, Violation{NoPingPong, p.at, g.Name, fmt.Sprintf(
						"%s %s was moved twice within %s although every path was down", e.id.table, e.id.destination, p.at.Sub(since).Round(time.Second))})
				}
			}
		}
	}
	return out
}

func (l *ledger) allDown(g *declared, from, to time.Time) bool {
	for _, p := range g.Paths {
		if !through(l.tunnels[p.VPN].telemetry, from, to, func(up int) bool { return up < p.MinTunnels }) {
			return false
		}
	}
	return true
}

// checkMoves is invariants 3 and 6: while the path in use has been up all along
// and nobody asked, nothing moves away from it; a revertive group may, to the
// working path, after that has been up for the wait-to-restore time.
func (l *ledger) checkMoves() []Violation {
	var out []Violation
	for _, w := range l.ownWrites() {
		if w.entry == nil || w.call.Write.Before == w.call.Write.After {
			continue
		}
		g, at := w.entry.group, w.call.EffectAt
		from := at.Add(-longEnough)
		if from.Before(l.start) || l.asked(g.Name, from, at) || g.meddled(from, at) {
			continue
		}
		for _, path := range g.wholly(at) {
			if w.entry.on(path, w.call.Write.After) || !slices.Contains(g.wholly(from), path) || !l.upThrough(g.path(path), from, at) {
				continue
			}
			if v, bad := l.judgeMove(w, path); bad {
				out = append(out, v)
			}
		}
	}
	return out
}

// upThrough: every tunnel of the path was up, by telemetry. An empty span holds.
func (l *ledger) upThrough(p config.Path, from, to time.Time) bool {
	if to.Before(from) {
		return true
	}
	return through(l.tunnels[p.VPN].telemetry, from, to, func(up int) bool { return up >= p.Tunnels })
}

func (l *ledger) judgeMove(w ownWrite, path string) (Violation, bool) {
	g, at := w.entry.group, w.call.EffectAt
	working := g.Paths[0]
	toWorking := w.entry.on(working.Name, w.call.Write.After)
	if toWorking && g.Revertive {
		wait := time.Duration(g.WaitToRestore)
		// What the run read can be older than the write by as much as a run takes.
		if l.upThrough(working, at.Add(-wait), at.Add(-time.Minute)) {
			return Violation{}, false
		}
	}
	invariant := StandbyMovesNothing
	if toWorking {
		invariant = SwitchbackByRequest
	}
	return Violation{invariant, at, g.Name, fmt.Sprintf("%s moved %s %s from %s to %s although path %s had been up for %s and nobody had asked",
		w.call.Process, w.entry.id.table, w.entry.id.destination, w.call.Write.Before, w.call.Write.After, path, longEnough)}, true
}

// checkOwn is invariant 5: only declared entries are written, only to declared
// next hops, never over a foreign route, and never where neverTouch says so.
func (l *ledger) checkOwn() []Violation {
	var out []Violation
	add := func(w ownWrite, group, text string) {
		out = append(out, Violation{OwnRoutesOnly, w.call.EffectAt, group, fmt.Sprintf("%s wrote %s %s -> %q: %s",
			w.call.Process, w.call.Write.Table, w.call.Write.Destination, w.call.Write.After, text)})
	}
	for _, w := range l.ownWrites() {
		switch {
		case w.entry == nil:
			add(w, "", "no group declares the entry")
		case w.entry.group.Mode != "enforce":
			add(w, w.entry.group.Name, "the group is in observe mode")
		case !w.entry.declaredTarget(w.call.Write.After):
			add(w, w.entry.group.Name, "no path declares the target")
		case w.call.Write.Before != "" && !w.entry.declaredTarget(w.call.Write.Before) && !w.entry.group.TakeOver && !l.racedWith(w):
			add(w, w.entry.group.Name, "a foreign route stood there")
		case l.untouchable(w.entry.id):
			add(w, w.entry.group.Name, "neverTouch covers it")
		}
	}
	return out
}

// racedWith: somebody else wrote the entry so shortly before that no reading
// could show it. EC2 has no condition on a write that would prevent this.
func (l *ledger) racedWith(w ownWrite) bool {
	from := w.call.EffectAt.Add(-time.Duration(l.config.Timers.SettleTime) - time.Duration(l.config.Timers.Lease))
	for _, p := range w.entry.points {
		if isForeign(p.by) && p.at.After(from) && !p.at.After(w.call.EffectAt) {
			return true
		}
	}
	return false
}

func (l *ledger) untouchable(id entryID) bool {
	if slices.Contains(l.config.Never.Tables, id.table) {
		return true
	}
	inner, err := netip.ParsePrefix(id.destination)
	if err != nil {
		return false
	}
	for _, text := range l.config.Never.Destinations {
		outer, err := netip.ParsePrefix(text)
		if err == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr()) {
			return true
		}
	}
	return false
}
