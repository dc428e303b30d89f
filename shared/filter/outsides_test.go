package filter

import (
	"net/netip"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// unread looks while the outside addresses are not read whole, and makes the changes.
func (s *story) unread(after time.Duration) Decision {
	s.now = s.now.Add(after)
	v := s.m.view(s.now, s.observed...)
	v.Outside = Outsides{List: v.Outside.List, Problem: route.ProblemThrottled}
	d := Judge(s.f, []View{v}, s.record, s.now)
	s.record = d.Record
	for _, c := range d.Changes {
		s.m.apply(c)
	}
	return d
}

// TestWithoutTheOutsideAddresses: what is denied whatever they are is kept out, and what
// depends on them waits.
func TestWithoutTheOutsideAddresses(t *testing.T) {
	leak := func(prefixes ...string) *model { return newModel(mainTable).attach(site, TypeVPN, prefixes...) }
	for name, tt := range map[string]struct {
		action Action
		model  *model
		rules  []string
		set    func(*story)
		want   string
	}{
		"a default route":            {action: Blackhole, model: leak("0.0.0.0/0", "10.0.0.0/8"), rules: []string{"deny default-like"}, want: "create-route 0.0.0.0/0 blackhole"},
		"pinned":                     {action: Pin, model: leak("0.0.0.0/0"), rules: []string{"deny default-like"}, want: "create-route 0.0.0.0/0 tgw-attach-egress"},
		"denied by name":             {action: Blackhole, model: leak("10.0.0.0/8"), rules: []string{"deny 10.0.0.0/8", "deny default-like"}, want: "create-route 10.0.0.0/8 blackhole"},
		"an address could permit it": {action: Blackhole, model: leak("10.0.0.0/8"), rules: []string{"permit default-like", "deny 10.0.0.0/8"}},
		"an address that is known denies": {action: Blackhole, model: leak("203.0.0.0/8"), rules: []string{"deny default-like"}, set: func(s *story) {
			s.m.outside = []Outside{{Address: netip.MustParseAddr("203.0.113.1"), Resource: "vpn-1"}}
		}, want: "create-route 203.0.0.0/8 blackhole"},
		"quarantine":          {action: Quarantine, model: leak("0.0.0.0/0", "10.0.0.0/8"), rules: []string{"deny default-like"}},
		"a table that cannot": {action: Pin, model: leak("0.0.0.0/0"), rules: []string{"deny default-like"}, set: func(s *story) { s.f.Scopes[0].Egress = route.NextHop{} }},
		"out of scope": {action: Pin, model: leak("0.0.0.0/0"), rules: []string{"deny default-like"}, set: func(s *story) {
			s.f.Scopes = nil
			s.record.Measures = []Measure{{Key: Key{Table: mainTable, Destination: route.MustDestination("10.0.0.0/8")}, Action: Blackhole}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(tt.action, tt.model, tt.rules...).watch(site)
			s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
			if tt.set != nil {
				tt.set(s)
			}
			d := s.unread(0)
			if texts(d.Changes) != tt.want {
				t.Errorf("%s, want %s: %+v", texts(d.Changes), tt.want, d.Verdicts)
			}
			want := ReasonOutsides
			if name == "a table that cannot" {
				want = ReasonTableKind
			}
			if reason := reasonOf(d, ""); reason != want {
				t.Errorf("the table is %q, want %q", reason, want)
			}
		})
	}
}

// TestAMeasureWithoutTheOutsideAddresses: it does not end while they are not read, and one
// that somebody took out is placed again.
func TestAMeasureWithoutTheOutsideAddresses(t *testing.T) {
	s := newStory(Blackhole, leaky(), "deny default-like").watch(site)
	s.unread(0)
	if d := s.unread(time.Minute); len(d.Changes) > 0 || len(d.Record.Measures) != 1 || !d.Record.Measures[0].Statics[0].Seen {
		t.Fatalf("in force: %s, %+v", texts(d.Changes), d.Record)
	}
	clear(s.m.statics)
	if d := s.unread(time.Minute); texts(d.Changes) != "create-route 0.0.0.0/0 blackhole" {
		t.Fatalf("taken out: %s", texts(d.Changes))
	}
	s.m.withdraw(site, "0.0.0.0/0")
	s.record.Released = []Key{s.record.Measures[0].Key}
	s.record.Reversals = nil // They pass with time, whatever is read.
	before := s.record
	for range 3 {
		if d := s.unread(time.Hour); len(d.Changes) > 0 || !d.Record.Equal(before) || reasonOf(d, "0.0.0.0/0") != ReasonOutsides {
			t.Fatalf("withdrawn: %s, %+v", texts(d.Changes), d.Record)
		}
	}
	s.record.Released = nil
	s.look(time.Minute)
	if d := s.look(5 * time.Minute); texts(d.Changes) != "delete-route 0.0.0.0/0 none" {
		t.Fatalf("read again: %s, %+v", texts(d.Changes), d.Verdicts)
	}
}

// TestWhatMayDependOnTheOutsideAddressesIsHeld: nothing ends because an address is not
// among those that were read, nor because a group now moves the destination.
func TestWhatMayDependOnTheOutsideAddressesIsHeld(t *testing.T) {
	destination := route.MustDestination("203.0.0.0/8")
	for name, change := range map[string]func(*story){
		"an address is missing": func(s *story) { s.m.outside = nil },
		"a group moves it": func(s *story) {
			s.f.Rules = append(s.f.Rules, Rule{Prefix: destination.Prefix()})
			s.f.Declared = []protection.EntryKey{{Table: mainTable, Destination: destination}}
		},
	} {
		s := newStory(Blackhole, newModel(mainTable).attach(site, TypeVPN, "203.0.0.0/8"), "deny default-like").watch(site)
		s.m.outside = []Outside{{Address: netip.MustParseAddr("203.0.113.1"), Resource: "vpn-1"}}
		s.look(0)
		s.look(time.Minute)
		change(s)
		before := s.record
		if d := s.unread(time.Minute); len(d.Changes) > 0 || !d.Record.Equal(before) || len(s.m.statics) != 1 {
			t.Errorf("%s: %s, %+v", name, texts(d.Changes), d.Record)
		}
	}
}
