package filter

import (
	"slices"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// quarantined is a quarantine of the site in force, of which every reading shows all.
func quarantined(t *testing.T) *story {
	t.Helper()
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.look(0)
	if d := s.look(time.Minute); len(d.Changes) > 0 || len(d.Record.Measures) != 1 || !d.Record.Measures[0].OffSeen {
		t.Fatalf("%s, %+v", texts(d.Changes), d.Record.Measures)
	}
	return s
}

// TestAQuarantineOfWhatIsGone: once EC2 has said that the attachment does not exist, its
// statics go, nothing is switched on, and the record is empty.
func TestAQuarantineOfWhatIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(*story)
		// first are the writes by which it shows that the attachment is gone.
		first string
	}{
		"in force":                 {first: "replace-route 10.1.0.0/16 tgw-attach-site"},
		"with an observation gone": {before: func(s *story) { s.observed = nil }, first: "replace-route 10.1.0.0/16 tgw-attach-site"},
		"released": {before: func(s *story) {
			s.record.Released = []Key{s.record.Measures[0].Key}
		}, first: "enable-propagation tgw-attach-site"},
		"out of scope": {before: func(s *story) { s.f.Scopes, s.observed = nil, nil }, first: "enable-propagation tgw-attach-site"},
		"not judged":   {before: func(s *story) { s.f.Scopes[0].Attachments = []string{other} }, first: "enable-propagation tgw-attach-site"},
		"released, its statics removed by hand": {before: func(s *story) {
			clear(s.m.statics)
			s.record.Released = []Key{s.record.Measures[0].Key}
		}, first: "enable-propagation tgw-attach-site"},
	} {
		t.Run(name, func(t *testing.T) {
			s := quarantined(t)
			s.m.delete(site)
			if tt.before != nil {
				tt.before(s)
			}
			if d := s.look(time.Minute); texts(d.Changes) != tt.first {
				t.Fatalf("before it is known: %s", texts(d.Changes))
			}
			stood := len(s.m.statics)
			d := s.look(0)
			want := "delete-route 10.1.0.0/16 none"
			if stood == 0 {
				want = ""
			}
			if texts(d.Changes) != want || reasonOf(d, site) != ReasonAttachmentGone || d.Pages() {
				t.Fatalf("known: %s, %+v", texts(d.Changes), d.Verdicts)
			}
			s.m.told = nil // The next run does not hear it again.
			if d := s.look(0); len(d.Changes) > 0 || len(d.Record.Measures) > 0 || len(s.m.statics) > 0 {
				t.Fatalf("after it %s, %+v", texts(d.Changes), d.Record.Measures)
			}
		})
	}
}

// TestTheEndOfWhatIsGoneIsRemembered: a delete that was not made is made by a later run,
// which does not hear from EC2 that the attachment is gone.
func TestTheEndOfWhatIsGoneIsRemembered(t *testing.T) {
	s := quarantined(t)
	s.m.delete(site)
	s.look(time.Minute)
	d := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now)
	s.record, s.m.told = d.Record, nil
	for range 2 {
		if d := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now); texts(d.Changes) != "delete-route 10.1.0.0/16 none" || reasonOf(d, site) != ReasonAttachmentGone {
			t.Fatalf("%s, %+v", texts(d.Changes), d.Verdicts)
		}
	}
	s.look(0)
	if d := s.look(0); len(d.Changes) > 0 || len(d.Record.Measures) > 0 {
		t.Fatalf("after it %s, %+v", texts(d.Changes), d.Record.Measures)
	}
}

// TestNothingEndsUnlessTheAttachmentIsSurelyGone: what was read has to bear EC2's word
// out, and has to be whole.
func TestNothingEndsUnlessTheAttachmentIsSurelyGone(t *testing.T) {
	neighbor := []Neighbor{{Attachment: site, Type: TypeVPN}}
	for name, tt := range map[string]struct {
		spoil func(*View)
		ends  bool
	}{
		"all of it": {spoil: func(*View) {}, ends: true},
		"an observation table that is gone": {spoil: func(v *View) {
			gone := Neighbors{Problem: route.ProblemGone}
			v.Observed[0].Reading.Complete, v.Observed[0].Propagations, v.Observed[0].Associations = false, gone, gone
		}, ends: true},
		"EC2 said nothing":           {spoil: func(v *View) { v.Gone = nil }},
		"EC2 spoke of another":       {spoil: func(v *View) { v.Gone = []string{other} }},
		"it propagates":              {spoil: func(v *View) { v.Propagations.List = neighbor }},
		"it is associated":           {spoil: func(v *View) { v.Associations.List = neighbor }},
		"it is observed":             {spoil: func(v *View) { v.Observed[0].Propagations.List = neighbor }},
		"the observation hears it":   {spoil: func(v *View) { v.Observed[0].Associations.List = neighbor }},
		"routes not whole":           {spoil: func(v *View) { v.Reading.Complete = false }},
		"propagations not whole":     {spoil: func(v *View) { v.Propagations.Complete = false }},
		"associations not whole":     {spoil: func(v *View) { v.Associations.Complete = false }},
		"observation not whole":      {spoil: func(v *View) { v.Observed[0].Propagations = Neighbors{Problem: route.ProblemThrottled} }},
		"its associations not whole": {spoil: func(v *View) { v.Observed[0].Associations = Neighbors{Problem: route.ProblemThrottled} }},
		"the table shows its route": {spoil: func(v *View) {
			v.Reading.Routes = append(v.Reading.Routes, route.Route{
				Table: mainTable, Destination: route.MustDestination("10.7.0.0/16"), NextHop: route.MustNextHop(site), Origin: route.OriginPropagated,
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := quarantined(t)
			s.m.delete(site)
			s.look(time.Minute)
			v := s.m.view(s.now, s.observed...)
			tt.spoil(&v)
			d := Judge(s.f, []View{v}, s.record, s.now)
			ended := len(d.Record.Measures) == 0 || d.Record.Measures[0].EndedFor == ReasonAttachmentGone
			if ended != tt.ends {
				t.Errorf("ended: %v, %+v", ended, d.Verdicts)
			}
		})
	}
}

// TestWhatIsNotTheQuarantinesStays: of the blackholes that stand when the attachment is
// gone only those are deleted that were seen as its statics.
func TestWhatIsNotTheQuarantinesStays(t *testing.T) {
	kept := route.MustDestination("10.1.0.0/16")
	for name, set := range map[string]func(*story){
		"adopted":         func(s *story) { s.record.Measures[0].Statics[0].Adopted = true },
		"never seen":      func(s *story) { s.record.Measures[0].Statics[0].Seen = false },
		"somebody else's": func(s *story) { s.m.statics[kept] = route.MustNextHop(other) },
		"a group's":       func(s *story) { s.f.Declared = []protection.EntryKey{{Table: mainTable, Destination: kept}} },
	} {
		t.Run(name, func(t *testing.T) {
			s := quarantined(t)
			s.m.delete(site)
			s.m.told = []string{site}
			set(s)
			for range 3 {
				if d := s.look(0); len(d.Changes) > 0 {
					t.Fatalf("%s, %+v", texts(d.Changes), d.Verdicts)
				}
			}
			if len(s.record.Measures) > 0 {
				t.Errorf("the record holds %+v", s.record.Measures)
			}
		})
	}
}

// TestAnotherQuarantineTakesOverFromWhatIsGone: a destination that another quarantined
// attachment announces too becomes its static, in one write.
func TestAnotherQuarantineTakesOverFromWhatIsGone(t *testing.T) {
	m := leaky().attach(other, TypeVPN, "0.0.0.0/0", "10.1.0.0/16")
	s := newStory(Quarantine, m, "deny default-like").watch(site, other)
	s.look(0)
	s.look(time.Minute)
	taker := other
	if s.m.statics[route.MustDestination("10.1.0.0/16")].ID == other {
		taker = site
	}
	leaver := map[string]string{site: other, other: site}[taker]
	s.m.delete(leaver)
	s.m.told = []string{leaver}
	if d := s.look(time.Minute); texts(d.Changes) != "replace-route 10.1.0.0/16 "+taker {
		t.Fatalf("%s, %+v", texts(d.Changes), d.Record.Measures)
	}
	d := s.look(time.Minute)
	if i := slices.IndexFunc(d.Record.Measures, func(m Measure) bool { return m.Attachment == leaver }); len(d.Changes) > 0 || i >= 0 || len(d.Record.Measures) != 1 {
		t.Fatalf("after it %s, %+v", texts(d.Changes), d.Record.Measures)
	}
}

// TestABlackholeOfSomebodyElseStays where the attachment is there: only that it is gone
// makes such a route Detour's.
func TestABlackholeOfSomebodyElseStays(t *testing.T) {
	for _, on := range []bool{false, true} {
		s := quarantined(t)
		s.m.statics[route.MustDestination("10.1.0.0/16")] = route.NextHop{Kind: route.Blackhole}
		s.m.on[site] = on
		s.m.withdraw(site, "0.0.0.0/0")
		s.record.Released = []Key{s.record.Measures[0].Key}
		for range 4 {
			for _, c := range s.look(time.Minute).Changes {
				if c.Op != route.OpEnablePropagation {
					t.Errorf("on at first: %v: %s", on, c)
				}
			}
		}
		if len(s.record.Measures) > 0 {
			t.Errorf("on at first: %v: the record holds %+v", on, s.record.Measures)
		}
	}
}
