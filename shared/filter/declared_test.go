package filter

import (
	"net/netip"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// declare makes destinations of the main table those of a group.
func (s *story) declare(destinations ...string) *story {
	for _, text := range destinations {
		s.f.Declared = append(s.f.Declared, protection.EntryKey{Table: s.m.table, Destination: route.MustDestination(text)})
	}
	return s
}

// TestAQuarantineLeavesAGroupsDestinationToTheGroup: a group that waits for the learned
// route, or is about to write its own static, would find one of the filter's there.
func TestAQuarantineLeavesAGroupsDestinationToTheGroup(t *testing.T) {
	m := leaky()
	m.announce(site, "10.2.0.0/16")
	s := newStory(Quarantine, m, "deny default-like").watch(site).declare("10.1.0.0/16")
	// The group is on the learned route, which would be gone.
	if d := s.look(0); len(d.Changes) > 0 || reasonOf(d, site) != ReasonLoss || !d.Pages() {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	s.f.AcceptLoss = true
	if d := s.look(time.Minute); texts(d.Changes) != "create-route 10.2.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site" {
		t.Fatalf("%s", texts(d.Changes))
	}
	// Whatever the group does there afterwards is none of the filter's business.
	for _, hop := range []string{"tgw-attach-backup", site} {
		m.statics[route.MustDestination("10.1.0.0/16")] = route.MustNextHop(hop)
		if d := s.look(time.Minute); len(d.Changes) > 0 || len(d.Record.Measures[0].Statics) != 1 {
			t.Fatalf("%s: %s: %+v", hop, texts(d.Changes), d.Record.Measures)
		}
	}
	delete(m.statics, route.MustDestination("10.1.0.0/16"))
	if d := s.look(time.Minute); len(d.Changes) > 0 {
		t.Fatalf("%s", texts(d.Changes))
	}
}

// TestAQuarantineBesideAGroup: where the group's own static stands nothing is lost.
func TestAQuarantineBesideAGroup(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site).declare("10.1.0.0/16")
	s.m.statics[route.MustDestination("10.1.0.0/16")] = route.MustNextHop(site)
	if d := s.look(0); texts(d.Changes) != "disable-propagation tgw-attach-site" || len(d.Record.Measures[0].Statics) > 0 {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Record.Measures)
	}
}

// TestNoMeasureActsOnAGroupsDestination although the rules deny it: the configuration
// cannot know which prefix holds the address of a tunnel.
func TestNoMeasureActsOnAGroupsDestination(t *testing.T) {
	for _, action := range []Action{Blackhole, Pin} {
		m := leaky()
		s := newStory(action, m, "deny default-like").watch(site).declare("0.0.0.0/0")
		s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
		if d := s.look(0); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonDeclared || !d.Pages() {
			t.Fatalf("%s: %s: %+v", action, texts(d.Changes), d.Verdicts)
		}
		m.statics[route.MustDestination("0.0.0.0/0")] = route.MustNextHop("tgw-attach-backup")
		if d := s.look(time.Minute); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonForeign || d.Pages() {
			t.Fatalf("%s, the group's static stands: %s: %+v", action, texts(d.Changes), d.Verdicts)
		}
	}
}

// TestAQuarantineThatDidNotBeginIsHeldAnew: the record says that the propagation is off,
// since that is committed first, and it was not written. Meanwhile it may not be.
func TestAQuarantineThatDidNotBeginIsHeldAnew(t *testing.T) {
	m := leaky().attach(other, TypeVPN)
	s := newStory(Quarantine, m, "deny default-like").watch(site)
	s.record = Judge(s.f, []View{m.view(s.now, site)}, s.record, s.now).Record
	m.rib[other][m.prefixes()[1]] = m.rib[site][m.prefixes()[1]]
	if d := s.look(time.Minute); len(d.Changes) > 0 || reasonOf(d, site) != ReasonECMP {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
}

// TestAGroupTakesOverFromAMeasure: the configuration gives a destination to a group while
// a measure stands there.
func TestAGroupTakesOverFromAMeasure(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.declare("0.0.0.0/0")
	if d := s.look(time.Minute); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	for range 2 {
		if d := s.look(time.Minute); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonDeclared {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	}
}

// TestAQuarantineOfTwoKeepsWhatTheOtherProvided: a Connect attachment takes no statics, and
// what it provided has to go on over the connection that announces it, too, although the
// table showed it as the other's. One that is held goes on providing it.
func TestAQuarantineOfTwoKeepsWhatTheOtherProvided(t *testing.T) {
	story := func(acceptLoss bool) *story {
		m := newModel(mainTable).attach(other, TypeConnect, "0.0.0.0/0", "10.1.0.0/16").attach(site, TypeVPN, "0.0.0.0/0", "10.1.0.0/16")
		s := newStory(Quarantine, m, "deny default-like").watch(site)
		s.f.AcceptLoss = acceptLoss
		return s
	}
	s := story(true)
	for _, after := range []time.Duration{0, time.Minute, time.Minute} {
		s.look(after)
		if hop := s.m.statics[route.MustDestination("10.1.0.0/16")]; hop != route.MustNextHop(site) || s.m.on[site] || s.m.on[other] {
			t.Fatalf("%v: %v, propagations %v", after, s.m.statics, s.m.on)
		}
	}
	s = story(false)
	if s.look(0); len(s.m.statics) > 0 || !s.m.on[other] {
		t.Fatalf("held: %v, propagations %v", s.m.statics, s.m.on)
	}
}

// TestAMeasureThatIsHeldKeepsNoStaticOfAnother: what it wants it does not write, so that
// nobody would follow the route.
func TestAMeasureThatIsHeldKeepsNoStaticOfAnother(t *testing.T) {
	m := newModel(mainTable).attach(site, TypeVPN, "0.0.0.0/0", "10.1.0.0/16").attach(other, TypeVPN, "0.0.0.0/0", "10.1.0.0/16", "10.9.0.0/16")
	s := newStory(Quarantine, m, "deny default-like").watch(site, other)
	s.f.NeverTouch = []route.Destination{route.MustDestination("10.9.0.0/16")}
	if d := s.look(0); reasonOf(d, other) != ReasonNeverTouch || texts(d.Changes) != "create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site" {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	if d := s.look(5 * time.Minute); texts(d.Changes) != "enable-propagation tgw-attach-site" {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	if d := s.look(time.Minute); texts(d.Changes) != "delete-route 10.1.0.0/16 none" || reasonOf(d, other) != ReasonNeverTouch {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	m.withdraw(site, "10.1.0.0/16")
	if s.look(time.Minute); !m.live(netip.MustParsePrefix("10.1.0.0/16")) {
		t.Errorf("a route that the other has is hidden by %v", m.statics)
	}
}

// TestAGroupTakesOverTheStaticOfAQuarantine, of which nothing shows whether it is announced
// still.
func TestAGroupTakesOverTheStaticOfAQuarantine(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like")
	s.f.AcceptLoss = true
	s.look(0)
	if d := s.look(time.Minute); len(d.Changes) > 0 || len(s.m.statics) != 1 {
		t.Fatalf("%s, %v", texts(d.Changes), s.m.statics)
	}
	s.declare("10.1.0.0/16")
	if d := s.look(time.Minute); texts(d.Changes) != "delete-route 10.1.0.0/16 none" {
		t.Errorf("declared: %s, %+v", texts(d.Changes), d.Record.Measures)
	}
}

// TestWhatWasReadOfAnAttachmentIsKept: a measure that began when its type was not known
// hides not what another knows.
func TestWhatWasReadOfAnAttachmentIsKept(t *testing.T) {
	known, unknown := Neighbor{Attachment: site, Type: TypeVPN}, Neighbor{Attachment: site}
	for _, order := range [][]Neighbor{{known, unknown}, {unknown, known}} {
		var record Record
		for _, n := range order {
			record.Measures = append(record.Measures, Measure{Key: Key{Table: mainTable}, Why: Finding{Announcers: []Neighbor{n}}})
		}
		if got := record.announcersIn(mainTable)[site]; got != known {
			t.Errorf("%v: %+v", order, got)
		}
	}
}
