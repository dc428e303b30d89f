package lab

import (
	"slices"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// shows sets what the APIs show and what is true of one thing from an instant on.
func (s *story) shows(d time.Duration, resource, field, part, value string) *story {
	s.l.health.note(signal{resource, field, part}, at(d), value, true, true)
	if field == fieldSession && !slices.Contains(s.l.health.sessions[resource], part) {
		s.l.health.sessions[resource] = append(s.l.health.sessions[resource], part)
	}
	return s
}

// told lets a process learn values from one call.
func (s *story) told(process string, d time.Duration, action string, values ...sim.Told) *story {
	s.l.calls = append(s.l.calls, sim.CallRecord{Process: process, Action: action, SentAt: at(d), EffectAt: at(d), Told: values})
	return s
}

// starts says when a process started.
func (s *story) starts(process string, d time.Duration) *story {
	s.l.took[process] = s.l.eraAt(at(d))
	return s
}

// configures changes the group's declaration from an instant on.
func (s *story) configures(d time.Duration, change func(*config.Group)) *story {
	c := s.l.last().config.Normalize()
	change(&c.GroupList[0])
	s.l.declare(at(d), c.Normalize())
	return s
}

// overBoxes makes both paths appliances with a check on the box each; both work.
func overBoxes() *story {
	s := newStory(func(g *config.Group) {
		for i := range g.Paths {
			path := config.NewPathOf(kindAppliance)
			path.Name, path.Interface, path.Instance = g.Paths[i].Name, id("eni", i+1), id("i", i+1)
			path.Checks = []config.PathCheck{{Alarm: "box-" + path.Name, OnBox: true}}
			g.Paths[i] = path
		}
	})
	for i, name := range []string{"a", "b"} {
		eni, instance := id("eni", i+1), id("i", i+1)
		s.shows(0, eni, fieldInterface, "", "in-use").shows(0, eni, fieldAttached, "", instance).shows(0, eni, fieldSourceDest, "", "false")
		s.shows(0, instance, fieldInstance, "", "running").shows(0, instance, fieldChecks, "", "ok").shows(0, instance, fieldSystem, "", "ok")
		s.shows(0, "box-"+name, fieldAlarm, "", "OK")
	}
	return s
}

// overPeers makes both paths Connect attachments with one peer each; both work.
func overPeers() *story {
	s := newStory(func(g *config.Group) {
		for i := range g.Paths {
			path := config.NewPathOf(kindConnect)
			path.Name, path.Attachment, path.Peers = g.Paths[i].Name, id("tgw-attach", i+1), []string{id("tgw-connect-peer", i+1)}
			g.Paths[i] = path
		}
	})
	for i := range 2 {
		s.shows(0, id("tgw-attach", i+1), fieldAttachment, "", "available").shows(0, id("tgw-connect-peer", i+1), fieldPeer, "", "available")
		s.shows(0, id("tgw-connect-peer", i+1), fieldSession, "169.254.6.2", "up").shows(0, id("tgw-connect-peer", i+1), fieldSession, "169.254.6.3", "up")
	}
	return s
}

// overLines makes both paths attachments, each with an alarm of the given sort.
func overLines(check config.PathCheck) *story {
	s := newStory(func(g *config.Group) {
		for i := range g.Paths {
			path := config.NewPathOf(kindAttachment)
			path.Name, path.Attachment = g.Paths[i].Name, id("tgw-attach", i+1)
			path.Checks = []config.PathCheck{{Alarm: "pinned-" + path.Name, Pinned: "192.0.2.1", Via: "tgw-rtb-1"}}
			if i == 0 {
				check.Alarm = "line-a"
				path.Checks = append(path.Checks, check)
			}
			g.Paths[i] = path
		}
	})
	for i, name := range []string{"a", "b"} {
		s.shows(0, id("tgw-attach", i+1), fieldAttachment, "", "available").shows(0, "pinned-"+name, fieldAlarm, "", "OK")
	}
	return s.shows(0, "line-a", fieldAlarm, "", "OK")
}

func alarmTold(name, state string) sim.Told {
	return sim.Told{Resource: name, Field: fieldAlarm, Value: state}
}

// boxTold is what a process is told of an appliance that works as far as EC2 knows.
func boxTold(s *story, process string, d time.Duration, n int) *story {
	eni, instance := id("eni", n), id("i", n)
	return s.told(process, d, "DescribeNetworkInterfaces",
		sim.Told{Resource: eni, Field: fieldInterface, Value: "in-use"}, sim.Told{Resource: eni, Field: fieldAttached, Value: instance}, sim.Told{Resource: eni, Field: fieldSourceDest, Value: "false"}).
		told(process, d, "DescribeInstanceStatus",
			sim.Told{Resource: instance, Field: fieldInstance, Value: "running"}, sim.Told{Resource: instance, Field: fieldChecks, Value: "ok"}, sim.Told{Resource: instance, Field: fieldSystem, Value: "ok"})
}

// TestCheckersKnowEveryKindOfPath gives the checkers stories over each kind of
// path, each beside the nearest one in which nothing is wrong.
func TestCheckersKnowEveryKindOfPath(t *testing.T) {
	const b = "tgw-attach-b"
	box := func(state string) *story {
		s := boxTold(overBoxes(), "p", 20*minute, 1)
		s.shows(20*minute-1, "box-b", fieldAlarm, "", state).shows(20*minute-1, "box-a", fieldAlarm, "", "OK")
		return s.told("p", 20*minute, "DescribeAlarms", alarmTold("box-a", "OK"), alarmTold("box-b", state)).writes("writer:x", 15*minute, "10.1.0.0/16", "").writes("p", 20*minute+1, "10.1.0.0/16", b)
	}
	for _, test := range []struct {
		name      string
		story     *story
		converged time.Duration
		want      Invariant
	}{
		{name: "a write towards a box whose own check is bad", story: box("ALARM"), want: NoWriteToDownPath},
		{name: "the same while the check says nothing", story: box("INSUFFICIENT_DATA")},
		{name: "a move away from a box that works", story: overBoxes().moves("p", 20*minute, b), want: StandbyMovesNothing},
		{name: "the same after the instance has stopped", story: overBoxes().shows(19*minute, id("i", 1), fieldInstance, "", "stopped").moves("p", 20*minute, b), converged: 30 * minute},
		{name: "a group that stays on a stopped box", story: overBoxes().shows(19*minute, id("i", 1), fieldInstance, "", "stopped"), converged: 30 * minute, want: Converges},
		{name: "on a box that drops what it forwards", story: overBoxes().shows(19*minute, id("eni", 1), fieldSourceDest, "", "true"), converged: 30 * minute, want: Converges},
		{name: "on a box whose routing process hangs", story: overBoxes().shows(19*minute, "box-a", fieldAlarm, "", "ALARM"), converged: 30 * minute, want: Converges},
		{name: "on a box of which nothing is known any more", story: overBoxes().shows(19*minute, "box-a", fieldAlarm, "", "INSUFFICIENT_DATA"), converged: 30 * minute},
		{
			name: "on Connect peers without a session", converged: 30 * minute, want: Converges,
			story: overPeers().shows(19*minute, id("tgw-connect-peer", 1), fieldSession, "169.254.6.2", "down").shows(19*minute, id("tgw-connect-peer", 1), fieldSession, "169.254.6.3", "down"),
		},
		{name: "with one session left", story: overPeers().shows(19*minute, id("tgw-connect-peer", 1), fieldSession, "169.254.6.2", "down"), converged: 30 * minute},
		{name: "on an attachment that is deleted", story: overPeers().shows(19*minute, id("tgw-attach", 1), fieldAttachment, "", "deleted"), converged: 30 * minute, want: Converges},
		{
			name: "after somebody else had put one route there", converged: 30 * minute,
			story: overPeers().moves("p", 5*minute, "tgw-attach-b").asks(5*minute, protection.ManualSwitch, "b").writes("writer:x", 10*minute, "10.1.0.0/16", "tgw-attach-a").shows(19*minute, "tgw-attach-a", fieldAttachment, "", "deleted"),
		},
		{name: "on an attachment that is being modified", story: overPeers().shows(19*minute, id("tgw-attach", 1), fieldAttachment, "", "modifying"), converged: 30 * minute},
		{name: "on a line whose pinned check is bad", story: overLines(config.PathCheck{ActiveOnly: true}).shows(19*minute, "pinned-a", fieldAlarm, "", "ALARM"), converged: 50 * minute, want: Converges},
		{name: "one bad check of two", story: overLines(config.PathCheck{Pinned: "192.0.2.2", Via: "tgw-rtb-1"}).shows(19*minute, "line-a", fieldAlarm, "", "ALARM"), converged: 50 * minute},
		{
			name: "both bad, one of them follows the routes since the path came into use", converged: 50 * minute, want: Converges,
			story: overLines(config.PathCheck{ActiveOnly: true}).sweeps(minute).shows(19*minute, "line-a", fieldAlarm, "", "ALARM").shows(19*minute, "pinned-a", fieldAlarm, "", "ALARM"),
		},
		{name: "a box of another instance than the declared one", story: overBoxes().shows(19*minute, id("eni", 1), fieldAttached, "", id("i", 9)), converged: 30 * minute},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, test.converged, test.want) })
	}
}

func checkStory(t *testing.T, s *story, converged time.Duration, want Invariant) {
	t.Helper()
	checks := Checks{}
	if converged > 0 {
		checks.ConvergedBy = at(converged)
	}
	var got []Invariant
	for _, v := range s.l.check(checks) {
		got = append(got, v.Invariant)
	}
	got = slices.Compact(got)
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("found %v in a story in which nothing is wrong", got)
	case want != "" && !slices.Contains(got, want):
		t.Errorf("found %v, want %s", got, want)
	}
}

// TestActiveOnlyChecksCount: an alarm that follows the routes speaks for the path
// in use alone, and only by what it changed to since the group is there.
func TestActiveOnlyChecksCount(t *testing.T) {
	vpnWith := func() *story {
		return newStory(func(g *config.Group) {
			for i := range g.Paths {
				g.Paths[i].Checks = []config.PathCheck{{Alarm: "active-" + g.Paths[i].Name, ActiveOnly: true}}
			}
		}).shows(0, "active-a", fieldAlarm, "", "OK").shows(0, "active-b", fieldAlarm, "", "OK")
	}
	for _, test := range []struct {
		name string
		s    *story
		path int
		at   time.Duration
		want verdict
	}{
		{"in use for long, then bad", vpnWith().sweeps(minute).shows(20*minute, "active-a", fieldAlarm, "", "ALARM"), 0, 30 * minute, dead},
		{"bad before Detour has surely seen the group", vpnWith().shows(20*minute, "active-a", fieldAlarm, "", "ALARM").sweeps(21 * minute), 0, 30 * minute, unsure},
		{"not in use", vpnWith().shows(20*minute, "active-b", fieldAlarm, "", "ALARM"), 1, 30 * minute, whole},
		{"bad from before it came into use", vpnWith().shows(10*minute, "active-b", fieldAlarm, "", "ALARM").moves("p", 20*minute, "tgw-attach-b"), 1, 40 * minute, unsure},
		{"bad shortly after it came into use", vpnWith().moves("p", 20*minute, "tgw-attach-b").shows(22*minute, "active-b", fieldAlarm, "", "ALARM"), 1, 23 * minute, unsure},
		{"left long ago", vpnWith().shows(19*minute, "active-a", fieldAlarm, "", "ALARM").moves("p", 20*minute, "tgw-attach-b"), 0, 40 * minute, whole},
	} {
		l := test.s.l
		g := l.eras[0].groups[0]
		p := g.Paths[test.path]
		if got := l.health.judge(p, l.health.shownAt(at(test.at)), l.weightAt(g, p.Name, at(test.at))); got != test.want {
			t.Errorf("%s: verdict %d, want %d", test.name, got, test.want)
		}
	}
}

// TestSwitchbackIgnoresIdleChecks: a revertive group goes back though the check that
// made it leave is bad still: it follows the routes, which are elsewhere.
func TestSwitchbackIgnoresIdleChecks(t *testing.T) {
	for _, test := range []struct {
		check config.PathCheck
		want  Invariant
	}{
		{config.PathCheck{Alarm: "line", ActiveOnly: true}, ""},
		{config.PathCheck{Alarm: "line", Pinned: "192.0.2.1", Via: "tgw-rtb-1"}, SwitchbackByRequest},
	} {
		s := newStory(func(g *config.Group) {
			g.Revertive, g.WaitToRestore = true, config.Duration(2*time.Minute)
			g.Paths[0].Checks = []config.PathCheck{test.check}
		}).shows(0, "line", fieldAlarm, "", "OK").shows(19*minute, "line", fieldAlarm, "", "ALARM")
		checkStory(t, s.moves("p", 20*minute, "tgw-attach-b").moves("q", 40*minute, "tgw-attach-a"), 0, test.want)
	}
}

// TestCheckersKnowTheConfigurationOfEachRun: a process works with what was
// declared when it started.
func TestCheckersKnowTheConfigurationOfEachRun(t *testing.T) {
	observe := func() *story { return newStory(func(g *config.Group) { g.Mode = "observe" }) }
	enforce := func(g *config.Group) { g.Mode = "enforce" }
	withoutB := func(g *config.Group) {
		g.Paths = append(slices.Clone(g.Paths[:1]), g.Paths[1])
		g.Paths[1].Name = "c"
		g.Units = []config.Unit{{Name: "unit-1"}}
		for _, net := range []string{"10.1.0.0/16", "10.2.0.0/16"} {
			g.Units[0].Entries = append(g.Units[0].Entries, config.Entry{Table: "tgw-rtb-1", Destination: net, NextHops: map[string]string{"a": "tgw-attach-a", "c": "tgw-attach-c"}})
		}
	}
	for _, test := range []struct {
		name  string
		story *story
		want  Invariant
	}{
		{"a run from before enforce writes", observe().configures(20*minute, enforce).path(1, 21*minute, 0).starts("p", 19*minute).moves("p", 21*minute, "tgw-attach-b"), OwnRoutesOnly},
		{"a run from after enforce writes", observe().configures(20*minute, enforce).path(1, 21*minute, 0).starts("p", 21*minute).moves("p", 21*minute, "tgw-attach-b"), ""},
		{"a run writes to a path that is no longer declared", newStory(nil).configures(20*minute, withoutB).path(1, 21*minute, 0).starts("p", 21*minute).moves("p", 21*minute, "tgw-attach-b"), OwnRoutesOnly},
		{"a run from before does", newStory(nil).configures(20*minute, withoutB).path(1, 19*minute, 0).starts("p", 19*minute).moves("p", 20*minute, "tgw-attach-b"), ""},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, 0, test.want) })
	}
}

// TestCheckersKnowPrefixLists: a list that may not be written is never written,
// and does not part its unit.
func TestCheckersKnowPrefixLists(t *testing.T) {
	const list = "pl-00000000000000001"
	base := func(spec sim.PrefixListSpec, change func(c *config.Config), blocks ...string) *story {
		s := newStory(func(g *config.Group) {
			for _, u := range g.Units {
				u.Entries[0].Destination = list
			}
		})
		c := s.l.eras[0].config
		if change != nil {
			change(&c)
		}
		s.l.eras, s.l.entries = nil, map[entryID]*entryLine{}
		s.l.declare(Start(), c)
		for _, e := range s.l.eras[0].groups[0].entries {
			e.points[0].target = "tgw-attach-a"
		}
		spec.ID = list
		s.l.lists[list] = &listLine{PrefixListSpec: spec, versions: []listVersion{{Start(), prefixes([]string{"10.200.0.0/24"})}}}
		if len(blocks) > 0 {
			s.l.lists[list].versions = append(s.l.lists[list].versions, listVersion{at(19 * minute), prefixes(blocks)})
		}
		return s.path(1, 20*minute, 0)
	}
	move := func(s *story, d time.Duration) *story {
		return s.writes("p", d, list, "tgw-attach-b").writes("p", d+time.Second, "10.2.0.0/16", "tgw-attach-b")
	}
	editedAt := func(s *story, d time.Duration) *story {
		s.l.lists[list].versions[1].at = at(d)
		return s
	}
	own := sim.PrefixListSpec{Account: labAccount}
	accept := func(c *config.Config) {
		c.ListList = []config.PrefixList{{ID: list, Owner: farAccount, Accept: true}}
	}
	never := func(c *config.Config) { c.Never.Destinations = []string{"10.240.0.0/16"} }
	for _, test := range []struct {
		name      string
		story     *story
		converged time.Duration
		want      Invariant
	}{
		{"a list of the table's account", move(base(own, nil), 20*minute), 30 * minute, ""},
		{"an IPAM keeps it in sync", move(base(sim.PrefixListSpec{Account: labAccount, IPAM: true}, nil), 20*minute), 0, OwnRoutesOnly},
		{"another account owns it", move(base(sim.PrefixListSpec{Account: farAccount}, nil), 20*minute), 0, OwnRoutesOnly},
		{"and is accepted", move(base(sim.PrefixListSpec{Account: farAccount}, accept), 20*minute), 30 * minute, ""},
		{"neverTouch covers what it holds", move(base(own, never, "10.200.0.0/24", "10.240.1.0/24"), 21*minute), 0, OwnRoutesOnly},
		{"neverTouch covers what it came to hold just now", move(editedAt(base(own, never, "10.200.0.0/24", "10.240.1.0/24"), 20*minute), 20*minute+time.Second), 0, ""},
		{"the rest of its unit moves alone", base(sim.PrefixListSpec{Account: farAccount}, nil).writes("p", 20*minute, "10.2.0.0/16", "tgw-attach-b"), 0, OwnRoutesOnly},
		{"and so it does where neverTouch covers the list", base(sim.PrefixListSpec{Account: farAccount}, never, "10.240.1.0/24").writes("p", 21*minute, "10.2.0.0/16", "tgw-attach-b"), 0, ""},
		{"the unit waits for it", base(sim.PrefixListSpec{Account: farAccount}, nil), 30 * minute, ""},
	} {
		t.Run(test.name, func(t *testing.T) { checkStory(t, test.story, test.converged, test.want) })
	}
	// A dead route may be written again where it stands, whatever its unit waits for.
	again := base(sim.PrefixListSpec{Account: farAccount}, nil).writes(foreignWriter+"script", 19*minute, "10.2.0.0/16", "tgw-attach-b")
	if found := again.writes("p", 22*minute, "10.2.0.0/16", "tgw-attach-b").l.checkOwn(); len(found) > 0 {
		t.Errorf("a route written again where it stands: %v", found)
	}
	// The list's own route leads to what is no more, and stands nowhere.
	gone := base(sim.PrefixListSpec{Account: farAccount}, nil).shows(19*minute, "tgw-attach-a", fieldAttachment, "", "deleted")
	if found := gone.writes("p", 22*minute, "10.2.0.0/16", "tgw-attach-b").l.checkOwn(); len(found) > 0 {
		t.Errorf("the rest of a unit whose list leads to a deleted attachment: %v", found)
	}
}

// TestBlastRadiusCheckerKnowsTwoSources: a group whose path two APIs show to be
// dead moves beyond the allowed number.
func TestBlastRadiusCheckerKnowsTwoSources(t *testing.T) {
	for _, test := range []struct {
		checks string
		want   int
	}{{"OK", 1}, {"ALARM", 0}} {
		s := overBoxes().shows(20*minute-1, id("i", 1), fieldInstance, "", "stopped").shows(20*minute-1, "box-a", fieldAlarm, "", test.checks)
		s.moves("p", 20*minute, "tgw-attach-b")
		s.l.eras[0].config.Limits.MaxMoves = 0
		if got := len(s.l.checkBlastRadius()); got != test.want {
			t.Errorf("alarm %s: %d violations, want %d", test.checks, got, test.want)
		}
	}
}

// TestListsAreReplayedFromTheCallLog: what is refused changes nothing.
func TestListsAreReplayedFromTheCallLog(t *testing.T) {
	l := emptyLedger(Start(), at(time.Hour))
	call := func(d time.Duration, code string, params map[string][]string) {
		l.calls = append(l.calls, sim.CallRecord{Action: actionEditList, Code: code, EffectAt: at(d), Params: params})
	}
	call(minute, "", map[string][]string{"PrefixListId": {"pl-1"}, "AddEntry.1.Cidr": {"10.3.0.0/16"}, "RemoveEntry.1.Cidr": {"10.1.0.0/16"}})
	call(2*minute, "PrefixListVersionMismatch", map[string][]string{"PrefixListId": {"pl-1"}, "AddEntry.1.Cidr": {"10.4.0.0/16"}})
	l.readLists(sim.Topology{Account: labAccount, PrefixLists: []sim.PrefixListSpec{{ID: "pl-1", Entries: []string{"10.1.0.0/16", "10.2.0.0/16"}}}})
	if got := l.lists["pl-1"].held(at(3*minute), at(3*minute)); !slices.Equal(got, prefixes([]string{"10.2.0.0/16", "10.3.0.0/16"})) {
		t.Errorf("holds %v", got)
	}
	if got := l.lists["pl-1"].held(Start(), at(3*minute)); len(got) != 4 || l.lists["pl-1"].Account != labAccount {
		t.Errorf("held %v, owner %s", got, l.lists["pl-1"].Account)
	}
}
