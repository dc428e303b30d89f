package lab

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

// overLearned has path a learned from tgw-attach-a, with an observation table, and
// the statics on path b.
func overLearned(change func(*config.Group)) *story {
	s := newStory(func(g *config.Group) {
		g.Paths[0].Observation = "tgw-rtb-seen"
		for _, e := range g.Units[0].Entries {
			e.NextHops["a"] = "propagated:tgw-attach-a"
		}
		if change != nil {
			change(g)
		}
	})
	s.l.beside["tgw-rtb-1"] = besideTable{propagated: []string{"tgw-attach-a"}}
	for _, e := range s.l.eras[0].groups[0].entries {
		e.points[0].target = "tgw-attach-b"
	}
	return s
}

// route has a table show a learned route of an attachment from an instant on; empty:
// none.
func (s *story) route(d time.Duration, table, destination, from string) *story {
	id := entryID{table, destination}
	s.l.shown[id] = append(s.l.shown[id], shownRoute{at: at(d), learned: from != "", active: from != "", from: []string{from}})
	if e := s.l.entries[id]; e != nil {
		e.shown = s.l.shown[id]
	}
	return s
}

// proves has the observation table show both routes from an instant on.
func (s *story) proves(d time.Duration, from string) *story {
	return s.route(d, "tgw-rtb-seen", "10.1.0.0/16", from).route(d, "tgw-rtb-seen", "10.2.0.0/16", from)
}

// takesOver deletes both statics, and the learned routes of an attachment show.
func (s *story) takesOver(d, after time.Duration, from string) *story {
	s.asks(d-1, protection.ManualSwitch, "a").moves("p", d, "")
	return s.route(d+after, "tgw-rtb-1", "10.1.0.0/16", from).route(d+time.Second+after, "tgw-rtb-1", "10.2.0.0/16", from)
}

func unprovenly(s *story) *story {
	for i := range s.l.requests {
		s.l.requests[i].Request.Unproven = true
	}
	return s
}

// switchesOff has somebody end the propagation into the table that carries the traffic.
func switchesOff(s *story, d time.Duration) *story {
	s.l.calls = append(s.l.calls, sim.CallRecord{
		Process: foreignWriter + "jane", Action: "DisableTransitGatewayRouteTablePropagation", SentAt: at(d), EffectAt: at(d),
		Params: url.Values{"TransitGatewayRouteTableId": {"tgw-rtb-1"}, "TransitGatewayAttachmentId": {"tgw-attach-a"}},
	})
	return s
}

func TestCheckersKnowLearnedRoutes(t *testing.T) {
	const a, other = "tgw-attach-a", "tgw-attach-z"
	noTable := func(g *config.Group) { g.Paths[0].Observation = "" }
	disturbed := func(s *story) *story { s.l.disturbed = true; return s }
	for _, test := range []struct {
		name  string
		story *story
		want  Invariant
	}{
		{name: "a proven way back", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, a)},
		{name: "not propagated into the table", story: switchesOff(overLearned(nil).proves(time.Minute, a), 10*minute).takesOver(20*minute, time.Second, a), want: LearnedRoutes},
		{name: "switched off only just before", story: switchesOff(overLearned(nil).proves(time.Minute, a), 20*minute-time.Second).takesOver(20*minute, time.Second, a)},
		{name: "the route came after the delete", story: overLearned(nil).proves(21*minute, a).takesOver(20*minute, time.Second, a), want: LearnedRoutes},
		{name: "the route was withdrawn long before", story: overLearned(nil).proves(time.Minute, a).proves(10*minute, "").takesOver(20*minute, time.Second, a), want: LearnedRoutes},
		{name: "withdrawn only just before", story: overLearned(nil).proves(time.Minute, a).proves(20*minute-time.Second, "").takesOver(20*minute, time.Second, a)},
		{name: "another attachment's route", story: overLearned(nil).proves(time.Minute, other).takesOver(20*minute, time.Second, a), want: LearnedRoutes},
		{name: "no observation table", story: overLearned(noTable).takesOver(20*minute, time.Second, a), want: LearnedRoutes},
		{name: "no observation table, and an operator who does without", story: unprovenly(overLearned(noTable).takesOver(20*minute, time.Second, a))},
		{name: "no route comes", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, ""), want: LearnedRoutes},
		{name: "another's route comes", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, other), want: LearnedRoutes},
		{name: "the route comes too late", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Minute, a), want: LearnedRoutes},
		{name: "no route comes, and the statics stand again", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, "").moves("p", 20*minute+14*time.Second, "tgw-attach-b")},
		{name: "the statics stand again too late", story: overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, "").moves("p", 21*minute, "tgw-attach-b"), want: LearnedRoutes},
		{name: "too late, after a kill", story: disturbed(overLearned(nil).proves(time.Minute, a).takesOver(20*minute, time.Second, "").moves("q", 21*minute, "tgw-attach-b"))},
		{name: "nothing to bring back", story: overLearned(nil).proves(time.Minute, a).path(2, 10*minute, 0).takesOver(20*minute, time.Second, "")},
		{name: "a static that no path declares to be learned", story: newStory(nil).asks(20*minute-1, protection.ManualSwitch, "b").moves("p", 20*minute, ""), want: OwnRoutesOnly},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []Invariant
			for _, v := range test.story.l.check(Checks{}) {
				if v.Invariant == LearnedRoutes || v.Invariant == OwnRoutesOnly {
					got = append(got, v.Invariant)
				}
			}
			switch {
			case test.want == "" && len(got) > 0:
				t.Errorf("found %v in a story in which nothing is wrong", got)
			case test.want != "" && !slices.Contains(got, test.want):
				t.Errorf("found %v, want %s", got, test.want)
			}
		})
	}
}

func TestALearnedRouteIsARoute(t *testing.T) {
	s := overLearned(nil).proves(time.Minute, "tgw-attach-a").takesOver(20*minute, 3*time.Second, "tgw-attach-a")
	e := s.l.eras[0].groups[0].entries[0]
	got := s.l.seconds(s.l.eras[0], e, func(at time.Time, target string) bool { return target == "" && !e.carriedAt(at) })
	if got != 3 {
		t.Errorf("without a route for %v s, want the 3 s between the static and the learned one", got)
	}
}

// TestAGroupStandsBehindAnotherLearnedRoute: BGP chose another attachment's route, and
// that is fine while nothing shows that the path's own is not behind it.
func TestAGroupStandsBehindAnotherLearnedRoute(t *testing.T) {
	const a, other = "tgw-attach-a", "tgw-attach-z"
	for name, test := range map[string]struct {
		shown, observed string
		want            bool
	}{
		"its own":                   {a, a, true},
		"another's":                 {other, a, true},
		"another's, its own is not": {other, "", false},
		"none":                      {"", a, false},
	} {
		s := overLearned(nil).proves(time.Minute, test.observed).takesOver(20*minute, time.Second, test.shown)
		s.l.beside["tgw-rtb-seen"] = besideTable{propagated: []string{a}}
		g := s.l.eras[0].groups[0]
		if got := s.l.standsLearned(g, g.Paths[0], at(25*minute)); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestALearnedRouteThatIsMissingIsASecondSource of the death of its path.
func TestALearnedRouteThatIsMissingIsASecondSource(t *testing.T) {
	for _, shows := range []bool{true, false} {
		s := overLearned(nil).path(1, 20*minute, 0)
		g := s.l.eras[0].groups[0]
		for _, e := range g.entries {
			e.shown = []shownRoute{{at: at(0), learned: shows, active: shows, from: []string{"tgw-attach-a"}}}
		}
		if got := s.l.deadByTwo(g, []string{"a"}, at(21*minute)); got == shows {
			t.Errorf("with the route shown %t: dead by two: %t", shows, got)
		}
	}
}
