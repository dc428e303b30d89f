package filter

import (
	"testing"
	"time"

	"detour/shared/route"
)

// TestContention: what somebody else undoes is put back, and given up at the third time
// within the window, until an operator's word.
func TestContention(t *testing.T) {
	undo := map[Action]func(*model){
		Blackhole:  func(m *model) { clear(m.statics) },
		Pin:        func(m *model) { m.statics[route.MustDestination("0.0.0.0/0")] = route.MustNextHop(other) },
		Quarantine: func(m *model) { m.on[site] = true },
	}
	for _, action := range []Action{Blackhole, Pin, Quarantine} {
		t.Run(string(action), func(t *testing.T) {
			s := newStory(action, leaky(), "deny default-like").watch(site)
			s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
			s.look(0)
			for i := range 2 {
				s.look(time.Minute)
				undo[action](s.m)
				if d := s.look(time.Minute); len(d.Changes) != 1 {
					t.Fatalf("reversal %d: %s", i+1, texts(d.Changes))
				}
			}
			s.look(time.Minute)
			undo[action](s.m)
			for range 2 {
				if d := s.look(time.Minute); len(d.Changes) > 0 || d.Verdicts[0].Reason != ReasonContended || !d.Pages() {
					t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
				}
			}
			s.record.Released = []Key{s.record.Measures[0].Key}
			if d := s.look(time.Minute); len(d.Changes) == 0 || len(d.Record.Contended)+len(d.Record.Reversals) > 0 {
				t.Fatalf("released: %s, %+v", texts(d.Changes), d.Record)
			}
		})
	}
}

// TestSlowReversalsAreNoContention, since the window passes between them.
func TestSlowReversalsAreNoContention(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	for range 5 {
		s.look(time.Minute)
		clear(s.m.statics)
		if d := s.look(6 * time.Minute); len(d.Changes) != 1 {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	}
}

// TestAReadingBeforeTheWriteSettlesIsNoReversal.
func TestAReadingBeforeTheWriteSettlesIsNoReversal(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	s.look(time.Second)
	clear(s.m.statics)
	s.look(time.Second)
	if len(s.record.Reversals) > 0 {
		t.Fatalf("%+v", s.record.Reversals)
	}
}

// TestDamping: a leak that comes and goes keeps its measure until the penalty has decayed.
func TestDamping(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.look(0)
	for range 3 {
		s.m.withdraw(site, "0.0.0.0/0")
		s.look(time.Minute)
		s.m.announce(site, "0.0.0.0/0")
		s.look(time.Minute)
	}
	s.m.withdraw(site, "0.0.0.0/0")
	s.look(time.Minute)
	d := s.look(5 * time.Minute)
	if len(d.Changes) > 0 || d.Verdicts[0].Reason != ReasonSuppressed || !d.Next.After(s.now.Add(20*time.Minute)) {
		t.Fatalf("%s, next %v: %+v", texts(d.Changes), d.Next, d.Verdicts)
	}
	if d := s.look(d.Next.Sub(s.now)); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
		t.Fatalf("at the deadline: %+v", d.Verdicts)
	}
	s.look(time.Minute)
	if s.look(2 * time.Hour); len(s.record.Flaps) > 0 {
		t.Errorf("the penalty is not forgotten: %+v", s.record.Flaps)
	}
}
