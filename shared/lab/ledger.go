package lab

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/protection"
	"detour/shared/sim"
)

// ledger is the World's side of a run, put in order for the checkers: what each
// declared entry pointed to at every instant, and what was true and shown of
// every path. It is made from the World's tables, its call log and its
// histories, and from nothing that Detour says but when it committed to what.
type ledger struct {
	start, end time.Time
	// eras are the configurations, in the order of time.
	eras    []*era
	entries map[entryID]*entryLine
	health  evidence
	lists   map[string]*listLine
	calls   []sim.CallRecord
	// took is the configuration that each of Detour's processes works with. A run and
	// a change of one instant come in an order that the time does not show.
	took map[string]*era
	// sweeps are those that nothing disturbed, in the order of their starts.
	sweeps   []cleanSweep
	requests []MadeRequest
	// outside are the outside addresses of the tunnels of each table's account and Region.
	outside map[string][]netip.Addr
	// initial are the statics at the start.
	initial map[entryID]string
	// beside is what stands around tables at the start.
	beside map[string]besideTable
	// still is since when nothing of the network changed that a filter could look at, but
	// by Detour's own doing.
	still time.Time
	// failbacks are when failbacks were under way.
	failbacks []span
	// disturbed: some call or run was.
	disturbed bool
	// shown are the routes that transit gateway tables showed.
	shown map[entryID][]shownRoute
	// moves are the committed moves of each group, oldest first.
	moves map[string][]committedMove
	// blackholes are the entries whose route drops traffic at the end.
	blackholes map[entryID]bool
}

// entryID names an entry as the World's log does.
type entryID struct{ table, destination string }

// era is the time during which one configuration was that of new runs.
type era struct {
	from, until time.Time
	config      config.Config
	groups      []*declared
	entries     map[entryID]*declaredEntry
}

// declared is one group as a configuration declares it.
type declared struct {
	config.Group
	entries []*declaredEntry
}

// declaredEntry is one entry of a group, and where it pointed all along.
type declaredEntry struct {
	*entryLine
	group *declared
	unit  int               // its unit, from 0
	owner string            // the account of its table
	hops  map[string]string // path name to target id
}

// entryLine is the history of one entry, whoever declares it.
type entryLine struct {
	id     entryID
	points []point
	// shown are the routes that its transit gateway table showed, static or learned.
	shown []shownRoute
}

// point is one change of an entry's target; empty: no static route.
type point struct {
	at     time.Time
	target string
	by     string
}

// listLine is the history of a managed prefix list.
type listLine struct {
	sim.PrefixListSpec
	versions []listVersion
}

// listVersion is what a list held from an instant on.
type listVersion struct {
	at      time.Time
	entries []netip.Prefix
}

// actionEditList is the call that changes the entries of a prefix list.
const actionEditList = "ModifyManagedPrefixList"

// committedMove is a group's move as the journal has it: under way from its commit
// until it is over, settled or superseded by another decision.
type committedMove struct {
	committed, over time.Time
	to              string
}

// committedMoves reads a group's journal, oldest entry first.
func committedMoves(journal []controller.JournalEntry, end time.Time) []committedMove {
	var out []committedMove
	var epoch int64
	for _, j := range journal {
		if j.WouldBe || j.Act != "" {
			continue
		}
		if n := len(out); n > 0 && out[n-1].over.Equal(end) && (j.Decision.Epoch != epoch || j.Note == "settled") {
			out[n-1].over = j.At
		}
		if j.Decision.Epoch != epoch && j.Decision.Action == protection.Move {
			out = append(out, committedMove{committed: j.At, over: end, to: j.Decision.To})
		}
		epoch = j.Decision.Epoch
	}
	return out
}

// foreignWriter starts the process name of a writer that is not Detour.
const foreignWriter = "writer:"

func isForeign(process string) bool { return strings.HasPrefix(process, foreignWriter) }

// newLedger reads the World after a run. initial are the statics at the start.
func newLedger(res *Result, end time.Time) *ledger {
	world, topo := res.Rig.World, res.Scenario.Topology
	l := emptyLedger(Start(), end)
	l.calls, l.requests = world.Calls(), res.Rig.Requests
	l.failbacks = res.Rig.failbackSpans(end)
	for i, c := range res.Scenario.configs() {
		if i > 0 && !c.since.Before(end) {
			break
		}
		l.declare(c.since, c.Config)
	}
	for i, run := range res.Rig.Runs {
		l.took[run.name(i)] = l.eras[min(run.Changes, len(l.eras)-1)]
	}
	for _, s := range res.initial {
		l.initial[entryID{s.Table, s.Destination.String()}] = s.Target
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
	for _, s := range world.StaticRoutes() {
		l.blackholes[entryID{s.Table, s.Destination.String()}] = s.State == "blackhole"
	}
	l.sweeps = cleanSweeps(res.Rig.Runs, l.calls, res.Rig.settings.Lease, res.Rig.settings.Skew)
	for _, group := range res.groupNames() {
		l.moves[group] = committedMoves(res.journal(group), end)
	}
	l.readShown(world)
	l.outside, l.beside = outsidesByTable(topo), besideTables(topo)
	// A run that stood still shows in no call.
	l.disturbed = len(res.Rig.plan.Counts()) > 0 || slices.ContainsFunc(l.calls, func(c sim.CallRecord) bool { return c.Fault != "" }) ||
		slices.ContainsFunc(res.Rig.Runs, func(r Run) bool { return !r.Finished })
	l.health = readEvidence(topo, world)
	l.readLists(topo)
	l.still = l.stillSince(world)
	return l
}

func emptyLedger(start, end time.Time) *ledger {
	return &ledger{
		start: start, end: end, entries: map[entryID]*entryLine{}, health: evidence{}, lists: map[string]*listLine{},
		took: map[string]*era{}, moves: map[string][]committedMove{}, blackholes: map[entryID]bool{},
		shown: map[entryID][]shownRoute{}, outside: map[string][]netip.Addr{}, beside: map[string]besideTable{},
		initial: map[entryID]string{},
	}
}

// declare takes in the configuration that is that of new runs from an instant on.
func (l *ledger) declare(from time.Time, c config.Config) {
	if len(l.eras) > 0 {
		l.eras[len(l.eras)-1].until = from
	}
	e := &era{from: from, until: l.end, config: c, entries: map[entryID]*declaredEntry{}}
	l.eras = append(l.eras, e)
	for i := range c.GroupList {
		g := &declared{Group: c.GroupList[i]}
		e.groups = append(e.groups, g)
		for u, unit := range g.Units {
			for _, entry := range unit.Entries {
				id := entryID{entry.Table, entry.Destination}
				if l.entries[id] == nil {
					l.entries[id] = &entryLine{id: id, points: []point{{at: l.start}}}
				}
				line := &declaredEntry{entryLine: l.entries[id], group: g, unit: u, owner: entry.Account, hops: entry.NextHops}
				g.entries = append(g.entries, line)
				e.entries[id] = line
			}
		}
	}
}

// readLists replays the changes of the prefix lists from the call log.
func (l *ledger) readLists(topo sim.Topology) {
	for _, spec := range topo.PrefixLists {
		line := &listLine{PrefixListSpec: spec, versions: []listVersion{{at: l.start, entries: prefixes(spec.Entries)}}}
		if line.Account == "" {
			line.Account = topo.Account
		}
		l.lists[spec.ID] = line
	}
	for _, call := range l.calls {
		line := l.lists[call.Params.Get("PrefixListId")]
		if call.Action != actionEditList || call.Code != "" || line == nil {
			continue
		}
		entries := slices.Clone(line.versions[len(line.versions)-1].entries)
		removed := prefixes(paramList(call.Params, "RemoveEntry.", ".Cidr"))
		entries = slices.DeleteFunc(entries, func(p netip.Prefix) bool { return slices.Contains(removed, p) })
		entries = append(entries, prefixes(paramList(call.Params, "AddEntry.", ".Cidr"))...)
		line.versions = append(line.versions, listVersion{at: call.EffectAt, entries: entries})
	}
}

// paramList returns the values of the numbered parameters of a call.
func paramList(params map[string][]string, prefix, suffix string) []string {
	var out []string
	for key, values := range params {
		if strings.HasPrefix(key, prefix) && strings.HasSuffix(key, suffix) {
			out = append(out, values...)
		}
	}
	slices.Sort(out)
	return out
}

func prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// held is everything that a list held at any time of [from, to].
func (line *listLine) held(from, to time.Time) []netip.Prefix {
	var out []netip.Prefix
	for i, version := range line.versions {
		over := i+1 < len(line.versions) && !line.versions[i+1].at.After(from)
		if !over && !version.at.After(to) {
			out = append(out, version.entries...)
		}
	}
	return out
}

// eraAt is the configuration that is that of new runs at an instant.
func (l *ledger) eraAt(at time.Time) *era {
	out := l.eras[0]
	for _, e := range l.eras {
		if !e.from.After(at) {
			out = e
		}
	}
	return out
}

// eraOf is the configuration that a process works with.
func (l *ledger) eraOf(process string) *era {
	if took, ok := l.took[process]; ok {
		return took
	}
	return l.eras[0]
}

// last is the configuration at the end.
func (l *ledger) last() *era { return l.eras[len(l.eras)-1] }

// targetBefore is where the entry pointed just before an instant.
func (e *entryLine) targetBefore(at time.Time) string { return e.pointBefore(at).target }

// pointBefore is the last change of the entry before an instant.
func (e *entryLine) pointBefore(at time.Time) point {
	var out point
	for _, p := range e.points {
		if !p.at.Before(at) {
			break
		}
		out = p
	}
	return out
}

// current is where the entry points at the end.
func (e *entryLine) current() string { return e.points[len(e.points)-1].target }

// on reports whether the target is the path's next hop for the entry. Where the
// path's route is a learned one, the entry is on it without a static.
func (e *declaredEntry) on(path, target string) bool {
	return target != "" && e.hops[path] == target || target == "" && e.learnedFrom(path) != ""
}

// declaredTarget reports whether any path declares the target for the entry.
func (e *declaredEntry) declaredTarget(target string) bool {
	for _, p := range e.group.Paths {
		if e.on(p.Name, target) {
			return true
		}
	}
	return false
}

// foreign reports whether the target is somebody else's, and not to be taken over.
func (e *declaredEntry) foreign(target string) bool {
	return target != "" && !e.declaredTarget(target) && !e.group.TakeOver
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

// steps are the entries that move together: those of each unit, or all of them
// where the group is stateful.
func (g *declared) steps() [][]*declaredEntry {
	if g.Stateful {
		return [][]*declaredEntry{g.entries}
	}
	out := make([][]*declaredEntry, len(g.Units))
	for _, e := range g.entries {
		out[e.unit] = append(out[e.unit], e)
	}
	return out
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
// window, or whether a request that stands was made before it. A change of the
// group's configuration asks for something too: what is declared anew is
// adopted, or brought into place.
func (l *ledger) asked(group string, from, to time.Time) bool {
	standing := map[string]bool{}
	for _, r := range l.requests {
		if !r.concerns(group) || r.At.After(to) {
			continue
		}
		if !r.At.Before(from) {
			return true
		}
		standing[r.Request.ID] = !r.Clear && r.Request.Kind != protection.FailbackAbort // Which is done at once.
	}
	for _, on := range standing {
		if on {
			return true
		}
	}
	for _, s := range l.failbacks {
		if s.group == group && !s.from.After(to) && s.until.After(from) {
			return true
		}
	}
	return l.reconfigured(group, from, to)
}

// reconfigured reports whether the group's declaration changed within the window.
func (l *ledger) reconfigured(group string, from, to time.Time) bool {
	for i, e := range l.eras {
		if i > 0 && !e.from.Before(from) && !e.from.After(to) && !sameGroup(l.eras[i-1].config, e.config, group) {
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

// ownWrite is one successful route write of Detour's. Its entry is as the
// configuration of the writing process declares it, or nil.
type ownWrite struct {
	call  sim.CallRecord
	era   *era
	entry *declaredEntry
}

// ownWrites are Detour's successful route writes, in the order of their effect.
func (l *ledger) ownWrites() []ownWrite {
	var out []ownWrite
	for _, call := range l.calls {
		if call.Write != nil && !isForeign(call.Process) {
			e := l.eraOf(call.Process)
			out = append(out, ownWrite{call: call, era: e, entry: e.entries[entryID{call.Write.Table, call.Write.Destination}]})
		}
	}
	return out
}
