package filter

import (
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/route"
)

// TestLifting is the end of a measure: by what the observation table shows, for as long
// as LiftAfter, and no earlier.
func TestLifting(t *testing.T) {
	for _, tt := range []struct {
		action       Action
		begin, final string
	}{
		{Blackhole, "create-route 0.0.0.0/0 blackhole", "delete-route 0.0.0.0/0 none"},
		{Pin, "create-route 0.0.0.0/0 tgw-attach-egress", "delete-route 0.0.0.0/0 none"},
		{Quarantine, "create-route 10.1.0.0/16 tgw-attach-site; disable-propagation tgw-attach-site", "enable-propagation tgw-attach-site"},
	} {
		t.Run(string(tt.action), func(t *testing.T) {
			s := newStory(tt.action, leaky(), "deny default-like").watch(site)
			s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
			if d := s.look(0); texts(d.Changes) != tt.begin {
				t.Fatalf("at first %s", texts(d.Changes))
			}
			if d := s.look(time.Hour); len(d.Changes) > 0 {
				t.Fatalf("still announced: %s", texts(d.Changes))
			}
			s.m.withdraw(site, "0.0.0.0/0")
			gone := s.look(time.Minute)
			if want := s.now.Add(5 * time.Minute); len(gone.Changes) > 0 || !gone.Next.Equal(want) {
				t.Fatalf("gone: %s, next look %v, want %v", texts(gone.Changes), gone.Next, want)
			}
			if d := s.look(5*time.Minute - time.Second); len(d.Changes) > 0 {
				t.Fatalf("too early: %s", texts(d.Changes))
			}
			if d := s.look(time.Second); texts(d.Changes) != tt.final || len(d.Record.Measures) != 1 {
				t.Fatalf("in the end %s, %+v", texts(d.Changes), d.Record.Measures)
			}
			if tt.action == Quarantine {
				checkReturn(t, s)
			}
			if d := s.look(time.Second); len(d.Changes) > 0 || len(d.Record.Measures) > 0 || len(s.m.statics) > 0 || !s.m.on[site] {
				t.Fatalf("after it %s, %+v", texts(d.Changes), d.Record.Measures)
			}
		})
	}
}

// checkReturn: the statics of a quarantine stay until its propagation, which was switched
// on with the last look, has been seen to be on for a settle time. What it teaches is not
// seen while they stand, so deleted at once they could leave a gap.
func checkReturn(t *testing.T, s *story) {
	t.Helper()
	on := s.now
	for _, after := range []time.Duration{0, time.Second, 8 * time.Second} {
		if d := s.look(after); len(d.Changes) > 0 || !d.Next.Equal(on.Add(10*time.Second)) || len(d.Record.Measures) != 1 {
			t.Fatalf("%v after the switch %s, next look %v, %+v", s.now.Sub(on), texts(d.Changes), d.Next, d.Record.Measures)
		}
	}
	s.m.on[site] = false // A switch that did not last is made again, and counted from then on.
	if d := s.look(time.Second); texts(d.Changes) != "enable-propagation tgw-attach-site" {
		t.Fatalf("off again: %s", texts(d.Changes))
	}
	if d := s.look(5 * time.Second); len(d.Changes) > 0 {
		t.Fatalf("on for 5 seconds: %s", texts(d.Changes))
	}
	if d := s.look(5 * time.Second); texts(d.Changes) != "delete-route 10.1.0.0/16 none" {
		t.Fatalf("on for 10 seconds: %s", texts(d.Changes))
	}
}

// TestAnEndThatIsNotWrittenAsksForNoLook: while everything is frozen, or the write is
// refused, the sweep is soon enough. After a write the run asks for a look by itself.
func TestAnEndThatIsNotWrittenAsksForNoLook(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	for range 3 {
		s.now = s.now.Add(5 * time.Minute)
		d := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now)
		if texts(d.Changes) != "enable-propagation tgw-attach-site" || !d.Next.IsZero() {
			t.Fatalf("%s, next look %v", texts(d.Changes), d.Next)
		}
	}
}

// TestALeakWhileTheStaticsStillStand: the quarantine goes on, and no static is written.
func TestALeakWhileTheStaticsStillStand(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	if d := s.look(5 * time.Minute); texts(d.Changes) != "enable-propagation tgw-attach-site" {
		t.Fatalf("%s", texts(d.Changes))
	}
	s.m.announce(site, "0.0.0.0/0")
	if d := s.look(time.Second); texts(d.Changes) != "disable-propagation tgw-attach-site" || len(d.Record.Reversals) > 0 || !d.Verdicts[0].New {
		t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
	if d := s.look(time.Minute); len(d.Changes) > 0 || len(s.m.statics) != 1 {
		t.Fatalf("%s: %v", texts(d.Changes), s.m.statics)
	}
}

// TestALeakBeforeThePropagationIsBack: the call that was to switch it on never came there,
// so nothing but the record says what the attachment is. The statics stay.
func TestALeakBeforeThePropagationIsBack(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	if d := s.look(5 * time.Minute); texts(d.Changes) != "enable-propagation tgw-attach-site" {
		t.Fatalf("%s", texts(d.Changes))
	}
	s.m.on[site] = false
	s.m.announce(site, "0.0.0.0/0")
	for _, after := range []time.Duration{time.Second, time.Minute} {
		if d := s.look(after); len(d.Changes) > 0 || len(s.m.statics) != 1 || d.Verdicts[0].Why.Announcers[0].Type != TypeVPN {
			t.Fatalf("after %v %s: %+v", after, texts(d.Changes), d.Verdicts)
		}
	}
}

// TestAfterTheEnd: the look that only sees that nothing of a measure stands any more says
// why it ended.
func TestAfterTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		action Action
		end    func(*story)
		want   Reason
	}{
		"lifted":                {Blackhole, func(s *story) { s.m.withdraw(site, "0.0.0.0/0"); s.look(0); s.now = s.now.Add(time.Hour) }, ReasonLifted},
		"lifted, of quarantine": {Quarantine, func(s *story) { s.m.withdraw(site, "0.0.0.0/0"); s.look(0); s.now = s.now.Add(time.Hour) }, ReasonLifted},
		"released": {Blackhole, func(s *story) {
			s.m.withdraw(site, "0.0.0.0/0")
			s.look(0)
			s.record.Released = []Key{s.record.Measures[0].Key}
		}, ReasonReleased},
		"permitted": {Blackhole, func(s *story) { s.f.Rules = nil }, ReasonOutOfScope},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(tt.action, leaky(), "deny default-like").watch(site)
			s.look(0)
			key := s.record.Measures[0].Key
			tt.end(s)
			for looks := 0; len(s.record.Measures) > 0 && looks < 4; looks++ {
				d := s.look(10 * time.Second)
				if i := slices.IndexFunc(d.Verdicts, func(v Verdict) bool { return v.Key == key }); i < 0 || d.Verdicts[i].Reason != tt.want || d.Verdicts[i].InForce {
					t.Errorf("%+v, want %s", d.Verdicts, tt.want)
				}
			}
			if len(s.record.Measures) > 0 {
				t.Errorf("the record has %+v", s.record.Measures)
			}
		})
	}
}

// TestEvidence: what is no evidence of the end of a leak keeps the measure.
func TestEvidence(t *testing.T) {
	start := func() *story {
		s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
		s.look(0)
		s.m.withdraw(site, "0.0.0.0/0")
		return s
	}
	end := func(s *story) Decision { s.look(time.Minute); return s.look(time.Hour) }
	t.Run("another attachment feeds the observation table", func(t *testing.T) {
		s := start()
		view := s.m.view(s.now, site)
		view.Observed[0].Propagations.List = append(view.Observed[0].Propagations.List, Neighbor{Attachment: other})
		checkKept(t, Judge(s.f, []View{view}, s.record, s.now), ReasonObservation)
	})
	t.Run("something is associated with it", func(t *testing.T) {
		s := start()
		view := s.m.view(s.now, site)
		view.Observed[0].Associations.List = []Neighbor{{Attachment: other}}
		checkKept(t, Judge(s.f, []View{view}, s.record, s.now), ReasonObservation)
	})
	t.Run("a static stands in it", func(t *testing.T) {
		s := start()
		view := s.m.view(s.now, site)
		view.Observed[0].Reading.Routes = append(view.Observed[0].Reading.Routes, route.Route{Destination: route.MustDestination("0.0.0.0/0"), Origin: route.OriginStatic})
		checkKept(t, Judge(s.f, []View{view}, s.record, s.now), ReasonObservation)
	})
	t.Run("there is none, until an operator says so", func(t *testing.T) {
		s := start()
		s.f.Scopes[0].Observation, s.observed = nil, nil
		d := end(s)
		checkKept(t, d, ReasonUnobserved)
		if !d.Record.Measures[0].Manual {
			t.Error("the record does not say that the end is manual")
		}
		s.record.Released = []Key{s.record.Measures[0].Key}
		if d := s.look(0); texts(d.Changes) != "delete-route 0.0.0.0/0 none" || reasonOf(d, "0.0.0.0/0") != ReasonReleased || len(d.Record.Released) > 0 {
			t.Fatalf("released: %s", texts(d.Changes))
		}
	})
	t.Run("an operator's word does not lift what is seen", func(t *testing.T) {
		s := start()
		s.m.announce(site, "0.0.0.0/0")
		s.record.Released = []Key{s.record.Measures[0].Key}
		checkKept(t, s.look(0), ReasonDenied)
	})
	t.Run("the attachment no longer feeds the table", func(t *testing.T) {
		s := start()
		s.f.Scopes[0].Observation, s.observed = nil, nil
		s.m.on[site] = false
		if d := end(s); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	})
	t.Run("a VPC table is its own evidence", func(t *testing.T) {
		s := newStory(Pin, newModel(vpcTable).attach("vgw-1", "", "0.0.0.0/0"), "deny default-like")
		s.f.Scopes[0].Egress = route.MustNextHop("eni-1")
		s.look(0)
		if d := s.look(time.Hour); len(d.Changes) > 0 || reasonOf(d, "0.0.0.0/0") != ReasonDenied {
			t.Fatalf("announced behind the pin: %s, %+v", texts(d.Changes), d.Verdicts)
		}
		s.m.withdraw("vgw-1", "0.0.0.0/0")
		if d := end(s); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	})
}

func checkKept(t *testing.T, d Decision, want Reason) {
	t.Helper()
	if len(d.Changes) > 0 || d.Verdicts[0].Reason != want || !d.Verdicts[0].InForce {
		t.Fatalf("%s: %+v, want %s", texts(d.Changes), d.Verdicts, want)
	}
}

// TestALeakRightAfterARelease: what was not over goes on, with the statics that stand
// still, since nobody can see what they hide.
func TestALeakRightAfterARelease(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 10 * time.Second} {
		s := newStory(Quarantine, leaky(), "deny default-like")
		s.f.AcceptLoss = true
		s.look(0)
		s.look(time.Minute)
		s.record.Released = []Key{s.record.Measures[0].Key}
		if d := s.look(time.Minute); texts(d.Changes) != "enable-propagation tgw-attach-site" {
			t.Fatalf("released: %s", texts(d.Changes))
		}
		if d := s.look(after); texts(d.Changes) != "disable-propagation tgw-attach-site" || len(d.Record.Reversals) > 0 {
			t.Fatalf("after %v %s", after, texts(d.Changes))
		}
		if d := s.look(time.Minute); len(d.Changes) > 0 || len(s.m.statics) != 1 {
			t.Fatalf("after %v %s: %v", after, texts(d.Changes), s.m.statics)
		}
	}
}

// TestANewRuleReachesTheStaticsOfAQuarantine although nobody can see whether what they
// stand in for is still announced.
func TestANewRuleReachesTheStaticsOfAQuarantine(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like")
	s.f.AcceptLoss = true
	s.look(0)
	s.f.Rules = append(s.f.Rules, Rule{Prefix: s.m.prefixes()[1]})
	if d := s.look(time.Minute); texts(d.Changes) != "delete-route 10.1.0.0/16 none" {
		t.Fatalf("%s", texts(d.Changes))
	}
}

// TestALeakAfterARelease starts a whole new quarantine, with all its statics.
func TestALeakAfterARelease(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like")
	s.f.AcceptLoss = true
	first := s.look(0)
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	s.record.Released = []Key{s.record.Measures[0].Key}
	s.look(time.Minute)
	if d := s.look(10 * time.Second); texts(d.Changes) != "delete-route 10.1.0.0/16 none" {
		t.Fatalf("released: %s", texts(d.Changes))
	}
	s.m.announce(site, "0.0.0.0/0", "10.7.0.0/16")
	s.m.withdraw(site, "10.1.0.0/16")
	d := s.look(time.Minute)
	if want := strings.ReplaceAll(texts(first.Changes), "10.1.", "10.7."); texts(d.Changes) != want || len(d.Record.Reversals) > 0 {
		t.Fatalf("%s, want %s", texts(d.Changes), want)
	}
}

// TestTimeWithoutEvidenceIsNoTimeGone: while the observation table cannot be read, nobody
// knows that the denied route stays away, so its hold begins anew.
func TestTimeWithoutEvidenceIsNoTimeGone(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	s.observed = nil
	s.look(time.Minute)
	s.observed = []string{site}
	if d := s.look(4 * time.Minute); len(d.Changes) > 0 || !d.Next.Equal(s.now.Add(5*time.Minute)) {
		t.Errorf("%s, next look %v", texts(d.Changes), d.Next)
	}
}

// TestADeadStaticOfSomebodyElseIsLeft: it stood before the quarantine wanted it.
func TestADeadStaticOfSomebodyElseIsLeft(t *testing.T) {
	s := newStory(Quarantine, leaky(), "deny default-like").watch(site)
	stood := route.MustDestination("10.1.0.0/16")
	s.m.statics[stood], s.m.dead[stood] = route.MustNextHop(site), true
	for range 3 {
		if d := s.look(time.Minute); strings.Contains(texts(d.Changes), "10.1.0.0/16") {
			t.Fatalf("%s", texts(d.Changes))
		}
	}
}

// TestWhoIsNotJudgedAnyMoreHoldsNothing: what nobody sees of an attachment that was taken
// out of the filter is no reason to keep a measure, since the rules say nothing about it.
func TestWhoIsNotJudgedAnyMoreHoldsNothing(t *testing.T) {
	s := newStory(Blackhole, leaky().attach(other, TypeVPN, "10.9.0.0/16"), "deny default-like").watch(site)
	s.look(0)
	s.f.Scopes[0].Attachments = []string{other}
	s.f.Scopes[0].Observation, s.observed = nil, nil
	s.watch(other)
	s.look(time.Minute)
	if d := s.look(time.Hour); texts(d.Changes) != "delete-route 0.0.0.0/0 none" || reasonOf(d, "0.0.0.0/0") != ReasonLifted {
		t.Errorf("%s: %+v", texts(d.Changes), d.Verdicts)
	}
}
