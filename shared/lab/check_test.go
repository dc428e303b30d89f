package lab

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// story builds a ledger by hand: what the World's tables and log would say.
type story struct{ l *ledger }

// newStory has one group of two entries over two paths. Both paths are up, and
// the routes stand on path a.
func newStory(change func(*config.Group)) *story {
	c := config.New()
	group := config.NewGroup()
	group.Name, group.Mode, group.Home = "g", "enforce", config.Home{Account: labAccount, Region: labRegion}
	for i, name := range []string{"a", "b"} {
		path := config.NewPath()
		path.Name, path.Kind, path.VPN = name, "vpn", id("vpn", i+1)
		group.Paths = append(group.Paths, path)
	}
	unit := config.Unit{}
	for _, net := range []string{"10.1.0.0/16", "10.2.0.0/16"} {
		unit.Entries = append(unit.Entries, config.Entry{Table: "tgw-rtb-1", Destination: net, NextHops: map[string]string{"a": "tgw-attach-a", "b": "tgw-attach-b"}})
	}
	group.Units = []config.Unit{unit}
	if change != nil {
		change(&group)
	}
	c.GroupList = []config.Group{group}
	c = c.Normalize()
	l := emptyLedger(Start(), at(time.Hour))
	l.health = evidence{
		shown: map[signal][]observed{}, truth: map[signal][]observed{},
		tunnels: map[string][]string{}, sessions: map[string][]string{}, attachmentOf: map[string]string{},
	}
	l.declare(Start(), c)
	for _, e := range l.eras[0].groups[0].entries {
		e.points[0].target = "tgw-attach-a"
	}
	s := &story{l}
	for i := range 2 {
		l.health.tunnels[id("vpn", i+1)] = []string{"192.0.2.1", "192.0.2.2"}
		s.path(i+1, 0, 2)
	}
	return s
}

func at(d time.Duration) time.Time { return Start().Add(d) }

// path sets how many tunnels of a path are up from an instant on.
func (s *story) path(n int, d time.Duration, up int) *story {
	for i, ip := range s.l.health.tunnels[id("vpn", n)] {
		s.l.health.note(signal{id("vpn", n), fieldTunnel, ip}, at(d), upDown(i < up), true, true)
	}
	return s
}

// reads lets a process learn the state of both paths.
func (s *story) reads(process string, d time.Duration, aUp, bUp bool) *story {
	var reports []sim.TunnelReport
	for i, up := range []bool{aUp, bUp} {
		for _, ip := range []string{"192.0.2.1", "192.0.2.2"} {
			reports = append(reports, sim.TunnelReport{VPN: id("vpn", i+1), OutsideIP: ip, Up: up})
		}
	}
	s.l.calls = append(s.l.calls, sim.CallRecord{Process: process, Action: "DescribeVpnConnections", SentAt: at(d), EffectAt: at(d), Telemetry: reports})
	return s
}

// writes lets a process point an entry somewhere.
func (s *story) writes(process string, d time.Duration, destination, target string) *story {
	e := s.l.entries[entryID{"tgw-rtb-1", destination}]
	before := ""
	if e != nil {
		before = e.current()
		e.points = append(e.points, point{at: at(d), target: target, by: process})
	}
	s.l.calls = append(s.l.calls, sim.CallRecord{
		Process: process, Action: "ReplaceTransitGatewayRoute", SentAt: at(d), EffectAt: at(d),
		Write: &sim.RouteWrite{Table: "tgw-rtb-1", Destination: destination, Before: before, After: target},
	})
	return s
}

// moves lets a process write both entries.
func (s *story) moves(process string, d time.Duration, target string) *story {
	return s.writes(process, d, "10.1.0.0/16", target).writes(process, d+time.Second, "10.2.0.0/16", target)
}

func (s *story) asks(d time.Duration, kind protection.RequestKind, path string) *story {
	s.l.requests = append(s.l.requests, MadeRequest{At: at(d), Group: "g", Request: protection.Request{ID: string(kind), Kind: kind, Path: path, At: at(d)}})
	return s
}

// commits lets the group commit to a move that is over at the second instant.
func (s *story) commits(from, over time.Duration, path string) *story {
	s.l.moves["g"] = append(s.l.moves["g"], committedMove{committed: at(from), over: at(over), to: path})
	return s
}

// lateMove has the path in use down for a minute, and the move away from it written
// eight minutes later.
func lateMove() *story {
	return newStory(nil).path(1, 20*minute-1, 0).path(1, 21*minute, 2).moves("p", 28*minute+1, "tgw-attach-b")
}

const minute = time.Minute

// TestCheckersSeeWhatTheyAreFor gives each checker a story that breaks its
// invariant and, beside it, the nearest one that does not.
func TestCheckersSeeWhatTheyAreFor(t *testing.T) {
	for _, test := range []struct {
		name      string
		story     *story
		converged time.Duration
		want      Invariant // empty: nothing is wrong
	}{
		{name: "an orderly failover", story: newStory(nil).path(1, 20*minute, 0).reads("p", 20*minute, false, true).moves("p", 20*minute+1, "tgw-attach-b"), converged: 30 * minute},
		{name: "a write towards the path that is down", story: newStory(nil).path(2, 5*minute, 0).path(1, 20*minute, 0).path(2, 20*minute, 2).moves("p", 20*minute, "tgw-attach-b").
			reads("q", 21*minute, false, true).moves("q", 21*minute+1, "tgw-attach-a"), want: NoWriteToDownPath},
		{name: "the same when the process could not know", story: newStory(nil).writes("writer:x", 15*minute, "10.1.0.0/16", "tgw-attach-b").path(1, 20*minute, 0).reads("p", 20*minute, true, false).writes("p", 20*minute+1, "10.1.0.0/16", "tgw-attach-a")},
		{name: "ping-pong between dead paths", story: newStory(nil).path(1, 20*minute, 0).path(2, 20*minute, 0).moves("p", 21*minute, "tgw-attach-b").moves("q", 22*minute, "tgw-attach-a"), want: NoPingPong},
		{name: "one late move between dead paths", story: newStory(nil).path(1, 20*minute, 0).path(2, 20*minute, 0).moves("p", 21*minute, "tgw-attach-b")},
		{name: "a move away from a path that is up", story: newStory(nil).moves("p", 20*minute, "tgw-attach-b"), want: StandbyMovesNothing},
		{name: "the same when an operator asked", story: newStory(nil).asks(20*minute-1, protection.ManualSwitch, "b").moves("p", 20*minute, "tgw-attach-b")},
		{name: "a move whose writes come late", story: lateMove().commits(20*minute, 30*minute, "b")},
		{name: "the same without a commit", story: lateMove(), want: StandbyMovesNothing},
		{name: "a commit to another path", story: lateMove().commits(20*minute, 30*minute, "c"), want: StandbyMovesNothing},
		{name: "a commit that is over", story: lateMove().commits(20*minute, 22*minute, "b"), want: StandbyMovesNothing},
		{name: "a commit after the write", story: newStory(nil).moves("p", 28*minute, "tgw-attach-b").path(1, 29*minute-1, 0).commits(29*minute, 30*minute, "b"), want: StandbyMovesNothing},
		{name: "a commit that was wrong from the start", story: lateMove().commits(28*minute, 30*minute, "b"), want: StandbyMovesNothing},
		{name: "a needless write", story: newStory(nil).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-a"), want: QuietIsQuiet},
		{name: "a write after everything had converged", story: newStory(nil).path(1, 20*minute, 0).moves("p", 40*minute, "tgw-attach-b"), converged: 30 * minute, want: QuietIsQuiet},
		{name: "an entry that no group declares", story: newStory(nil).writes("p", 20*minute, "10.9.0.0/16", "tgw-attach-b"), want: OwnRoutesOnly},
		{name: "a target that no path declares", story: newStory(nil).path(1, 20*minute, 0).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-x"), want: OwnRoutesOnly},
		{name: "a write over a foreign route", story: newStory(nil).writes("writer:x", 10*minute, "10.1.0.0/16", "tgw-attach-x").path(1, 20*minute, 0).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-b"), want: OwnRoutesOnly},
		{name: "the same with takeOver", story: newStory(func(g *config.Group) { g.TakeOver = true }).writes("writer:x", 10*minute, "10.1.0.0/16", "tgw-attach-x").path(1, 20*minute, 0).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-b")},
		{name: "a write in observe mode", story: newStory(func(g *config.Group) { g.Mode = "observe" }).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b"), want: OwnRoutesOnly},
		{name: "a switchback that nobody asked for", story: newStory(nil).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b").path(1, 25*minute, 2).moves("q", 40*minute, "tgw-attach-a"), want: SwitchbackByRequest},
		{name: "the same in a revertive group after the wait", story: newStory(func(g *config.Group) { g.Revertive = true }).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b").path(1, 25*minute, 2).moves("q", 40*minute, "tgw-attach-a")},
		{name: "and before the wait is over", story: newStory(func(g *config.Group) { g.Revertive = true }).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b").path(1, 35*minute, 2).moves("q", 40*minute, "tgw-attach-a"), want: SwitchbackByRequest},
		{name: "and before the wait is over, where the path comes and goes until the end", story: newStory(func(g *config.Group) { g.Revertive = true }).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b").
			path(1, 35*minute, 2).moves("q", 40*minute, "tgw-attach-a").path(1, 58*minute, 0).path(1, 59*minute, 2)},
		{name: "a group that stays split", story: newStory(nil).path(1, 20*minute, 0).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-b"), converged: 30 * minute, want: Converges},
		{name: "a group that stays on a dead path", story: newStory(nil).path(1, 20*minute, 0), converged: 30 * minute, want: Converges},
		{name: "no path is up, so it may", story: newStory(nil).path(1, 20*minute, 0).path(2, 20*minute, 0), converged: 30 * minute},
		{name: "an earlier run writes after a later one", story: newStory(nil).path(1, 20*minute, 0).writes("p", 20*minute, "10.1.0.0/16", "tgw-attach-b").
			writes("q", 20*minute+1, "10.2.0.0/16", "tgw-attach-b").path(1, 20*minute+2, 2).path(2, 20*minute+2, 0).writes("p", 20*minute+3, "10.1.0.0/16", "tgw-attach-a"), want: Fencing},
	} {
		t.Run(test.name, func(t *testing.T) {
			checks := Checks{}
			if test.converged > 0 {
				checks.ConvergedBy = at(test.converged)
			}
			var got []Invariant
			for _, v := range test.story.l.check(checks) {
				got = append(got, v.Invariant)
			}
			got = slices.Compact(got)
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("found %v in a story in which nothing is wrong", got)
			case test.want != "" && !slices.Contains(got, test.want):
				t.Errorf("found %v, want %s", got, test.want)
			}
		})
	}
}

// TestBlastRadiusCheckerCountsGroups: one group more than allowed leaves its
// path within a window.
func TestBlastRadiusCheckerCountsGroups(t *testing.T) {
	s := newStory(nil)
	c := s.l.eras[0].config
	second := c.GroupList[0]
	second.Name, second.Units = "h", []config.Unit{{Name: "u", Entries: []config.Entry{{Table: "tgw-rtb-1", Destination: "10.3.0.0/16", NextHops: map[string]string{"a": "tgw-attach-a", "b": "tgw-attach-b"}}}}}
	c.GroupList = append(c.GroupList, second)
	s.l.eras = nil
	s.l.declare(Start(), c)
	s.l.entries[entryID{"tgw-rtb-1", "10.3.0.0/16"}].points[0].target = "tgw-attach-a"
	s.path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b").writes("p", 20*minute+2, "10.3.0.0/16", "tgw-attach-b")
	for _, test := range []struct{ most, want int }{{1, 1}, {2, 0}} {
		s.l.eras[0].config.Limits.MaxMoves = test.most
		if got := len(s.l.checkBlastRadius()); got != test.want {
			t.Errorf("with %d allowed: %d violations, want %d", test.most, got, test.want)
		}
	}
}

// TestNeverTouchIsChecked: a covering destination counts.
func TestNeverTouchIsChecked(t *testing.T) {
	s := newStory(nil).path(1, 20*minute, 0).moves("p", 20*minute, "tgw-attach-b")
	s.l.eras[0].config.Never.Destinations = []string{netip.MustParsePrefix("10.0.0.0/8").String()}
	violations := s.l.checkOwn()
	if len(violations) != 2 || !strings.Contains(violations[0].Text, "neverTouch") {
		t.Errorf("got %v", violations)
	}
}

// TestANetworkThatDoesNotRest: what a group does there is in order as long as the APIs
// show changes of its own paths, before it and until the end.
func TestANetworkThatDoesNotRest(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes []time.Duration // of path 1
		rests   bool
	}{
		{"nothing changes", []time.Duration{20 * minute}, true},
		{"a path changes until the end", []time.Duration{20 * minute, 35 * minute, 59 * minute}, false},
		{"it changes before the write, and not until the end", []time.Duration{35 * minute, 41 * minute}, true},
		{"it changes later than the write", []time.Duration{41 * minute, 59 * minute}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(nil)
			for i, after := range tt.changes {
				s = s.path(1, after, i%2)
			}
			l := s.moves("p", 40*minute, "tgw-attach-b").l
			l.end = at(60 * minute)
			if got := l.atRest(l.ownWrites()[0], at(30*minute)); got != tt.rests {
				t.Errorf("at rest: %v", got)
			}
		})
	}
}

// TestAListOfAllTellsNothingOfAPath: filters ask for it, beside the groups, and whether it
// is answered says nothing of what was asked about a path.
func TestAListOfAllTellsNothingOfAPath(t *testing.T) {
	facts := func(up bool) []sim.TunnelReport {
		return []sim.TunnelReport{{VPN: "vpn-1", OutsideIP: "203.0.113.1", Up: up}}
	}
	named, all := url.Values{"VpnConnectionId.1": {"vpn-1"}}, url.Values{"Version": {"2016-11-15"}}
	tunnel := signal{"vpn-1", fieldTunnel, "203.0.113.1"}
	known := told{}
	for _, step := range []struct {
		call sim.CallRecord
		want string
	}{
		{sim.CallRecord{Action: "DescribeVpnConnections", Params: all, Telemetry: facts(false)}, ""},
		{sim.CallRecord{Action: "DescribeVpnConnections", Params: named, Telemetry: facts(true)}, valueUp},
		{sim.CallRecord{Action: "DescribeVpnConnections", Params: all, Telemetry: facts(false)}, valueUp},
		{sim.CallRecord{Action: "DescribeVpnConnections", Params: all, Code: "RequestLimitExceeded"}, valueUp},
		{sim.CallRecord{Action: "DescribeVpnConnections", Params: named, Code: "RequestLimitExceeded"}, ""},
	} {
		known.learn(step.call)
		if got := known.view()(tunnel); got != step.want {
			t.Errorf("after %+v the process knows %q, want %q", step.call, got, step.want)
		}
	}
}
