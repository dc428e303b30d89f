package filter

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/protection"
	"detour/shared/route"
)

// pool are the prefixes that the properties draw from: nested, of both families, and
// some like a default route.
var pool = []string{
	"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "172.16.0.0/12", "192.0.2.0/24",
	"::/0", "2000::/3", "fc00::/7", "2001:db8::/32", "2001:db8:1::/48",
}

func drawStory(t *rapid.T, actions ...Action) *story {
	m := newModel(mainTable)
	var ids []string
	for i := range rapid.IntRange(1, 4).Draw(t, "attachments") {
		id := fmt.Sprintf("tgw-attach-%d", i)
		ids = append(ids, id)
		m.attach(id, TypeVPN)
		for _, prefix := range rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 0, 8, rapid.ID[string]).Draw(t, "prefixes") {
			m.rib[id][netip.MustParsePrefix(prefix)] = i
		}
	}
	if rapid.Bool().Draw(t, "tunnel") {
		m.outside = []Outside{{Address: netip.MustParseAddr("192.0.2.7"), Resource: "vpn-1"}}
	}
	rules := rapid.SliceOfN(rapid.SampledFrom([]string{
		"deny default-like", "permit 0.0.0.0/0", "deny 10.0.0.0/8 ge 16", "permit 10.1.0.0/16", "deny ::/0 le 3", "deny 172.16.0.0/12", "deny fc00::/7",
	}), 1, 4).Draw(t, "rules")
	s := newStory(rapid.SampledFrom(actions).Draw(t, "action"), m, rules...).watch(ids...)
	s.f.Scopes[0].Egress = route.MustNextHop("tgw-attach-egress")
	s.f.Preset = s.f.Action != Quarantine && s.f.Action != Alert && rapid.Bool().Draw(t, "preset")
	if s.f.Action == Quarantine && rapid.Bool().Draw(t, "bound") {
		s.f.MaxPrefixes = rapid.IntRange(1, 6).Draw(t, "maxPrefixes")
	}
	return s
}

// allowedBy reports whether the filter of the story permits the prefix of somebody who
// announces it. Where there are too many, some are not.
func (s *story) denies(prefix netip.Prefix) bool {
	var outside []netip.Addr
	for _, o := range s.m.outside {
		outside = append(outside, o.Address)
	}
	return !Permits(s.f.Rules, prefix, outside)
}

// TestPropertyNoDeniedPrefixForwards and every permitted one keeps its next hop after each
// single change; the second Judge finds nothing to do.
func TestPropertyNoDeniedPrefixForwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine)
		s.f.MaxPrefixes = 0
		checkEnforced(t, s)
	})
}

func checkEnforced(t *rapid.T, s *story) {
	var alive []netip.Prefix
	for _, prefix := range s.m.prefixes() {
		if !s.denies(prefix) && s.m.live(prefix) {
			alive = append(alive, prefix)
		}
	}
	d := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now)
	for i, change := range d.Changes {
		s.m.apply(change)
		for _, prefix := range alive {
			if !s.m.live(prefix) {
				t.Fatalf("%s has no next hop after change %d of %s", prefix, i+1, texts(d.Changes))
			}
		}
	}
	for _, prefix := range s.m.prefixes() {
		if s.denies(prefix) && s.m.forwards(prefix) {
			t.Fatalf("%s forwards after %s: %+v", prefix, texts(d.Changes), d.Verdicts)
		}
	}
	s.record = d.Record
	// Whoever switches a propagation on looks again a settle time after that write, as
	// after every write, and takes away what stood in for it.
	next := d.Next
	if back := s.now.Add(s.f.Limits.SettleTime); strings.Contains(texts(d.Changes), "enable-propagation") && (next.IsZero() || back.Before(next)) {
		next = back
	}
	for _, after := range []time.Duration{time.Second, time.Minute} {
		s.now = s.now.Add(after)
		again := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now)
		if due := !next.IsZero() && !s.now.Before(next); len(again.Changes) > 0 && !due {
			t.Fatalf("once more: %s after %s", texts(again.Changes), texts(d.Changes))
		}
		for _, change := range again.Changes {
			s.m.apply(change)
		}
		s.record = again.Record
	}
	if s.now = s.now.Add(time.Second); !next.IsZero() {
		return
	}
	if same := Judge(s.f, []View{s.m.view(s.now, s.observed...)}, s.record, s.now); !same.Record.Equal(s.record) {
		t.Fatalf("the record changes though nothing happened:\n%+v\n%+v", s.record, same.Record)
	}
}

// TestPropertyOfLongStories: whatever is announced and withdrawn, and whoever writes to the
// table, what was there before or is somebody else's is never taken away, all denied
// prefixes are kept out after each look, and in the end the table is as if Detour had
// never been there.
func TestPropertyOfLongStories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine)
		s.f.Preset, s.f.MaxPrefixes, s.f.Damping.Penalty = false, 0, 0
		foreign := route.MustDestination("198.51.100.0/24")
		s.m.statics[foreign] = route.MustNextHop("tgw-attach-foreign")
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			id := fmt.Sprintf("tgw-attach-%d", rapid.IntRange(0, len(s.m.rib)-1).Draw(t, "attachment"))
			prefix := netip.MustParsePrefix(rapid.SampledFrom(pool).Draw(t, "prefix"))
			if _, announced := s.m.rib[id][prefix]; announced {
				delete(s.m.rib[id], prefix)
			} else {
				s.m.rib[id][prefix] = 20 - int(id[len(id)-1]-'0') // No two have the same rank, which would be ECMP.
			}
			checkEnforced(t, s)
			s.now = s.now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
		}
		for _, announced := range s.m.rib {
			for prefix := range announced {
				if s.denies(prefix) {
					delete(announced, prefix)
				}
			}
		}
		for range 4 {
			s.look(6 * time.Minute)
		}
		if len(s.record.Measures) > 0 || len(s.m.statics) != 1 || s.m.statics[foreign].IsZero() {
			t.Fatalf("measures are left: %+v, statics %v", s.record.Measures, s.m.statics)
		}
		for id := range s.m.rib {
			if !s.m.on[id] {
				t.Fatalf("%s stays off", id)
			}
		}
	})
}

// TestPropertyTheOrderOfReadingsDoesNotMatter: views, routes and neighbors in any order
// give the same decision, byte for byte.
func TestPropertyTheOrderOfReadingsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine, Alert)
		second := newModel(route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-second", Account: "111122223333", Region: "eu-central-1"})
		second.rib, second.on, second.kinds = s.m.rib, s.m.on, s.m.kinds
		scope := s.f.Scopes[0]
		scope.Table = second.table
		s.f.Scopes = append(s.f.Scopes, scope)
		views := func() []View { return []View{s.m.view(begin, s.observed...), second.view(begin, s.observed...)} }
		want := asText(t, Judge(s.f, views(), Record{}, begin))
		shuffled := views()
		for i := range shuffled {
			shuffled[i].Reading.Routes = rapid.Permutation(shuffled[i].Reading.Routes).Draw(t, "routes")
			shuffled[i].Propagations.List = rapid.Permutation(shuffled[i].Propagations.List).Draw(t, "propagations")
			shuffled[i].Observed = rapid.Permutation(shuffled[i].Observed).Draw(t, "observed")
		}
		slices.Reverse(shuffled)
		if got := asText(t, Judge(s.f, shuffled, Record{}, begin)); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	})
}

func asText(t *rapid.T, d Decision) string {
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPropertyObserveWritesNothing and claims nothing, but says what would be done; the
// same is then done when the filter enforces.
func TestPropertyObserveWritesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine)
		s.f.Mode = protection.Observe
		first := s.look(0)
		second := s.look(time.Minute)
		if texts(first.Changes) != texts(second.Changes) || !first.WouldBe {
			t.Fatalf("first %s, then %s", texts(first.Changes), texts(second.Changes))
		}
		for _, m := range s.record.Measures {
			if m.stands() {
				t.Fatalf("claimed: %+v", m)
			}
		}
		s.f.Mode = protection.Enforce
		if third := s.look(time.Minute); texts(third.Changes) != texts(first.Changes) {
			t.Fatalf("observed %s, enforced %s", texts(first.Changes), texts(third.Changes))
		}
	})
}

// TestPropertyAnIncompleteReadingWritesNothing, and changes nothing in the record.
func TestPropertyAnIncompleteReadingWritesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine)
		s.look(0)
		want := s.record
		want.Released = []Key{{Table: mainTable, Attachment: "tgw-attach-0"}}
		view := s.m.view(s.now.Add(time.Hour), s.observed...)
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			view.Reading = route.Reading{Table: mainTable, Problem: route.ProblemThrottled}
		case 1:
			view.Propagations = Neighbors{Problem: route.ProblemDenied}
		case 2:
			view.Associations = Neighbors{Problem: route.ProblemDenied}
		case 3:
			// What is denied whatever the addresses are does not wait for them.
			s.f.Rules = []Rule{{Permit: true, Prefix: netip.MustParsePrefix("0.0.0.0/0"), LE: 32}, {Permit: true, Prefix: netip.MustParsePrefix("::/0"), LE: 128}, {DefaultLike: true}}
			view.Outside = Outsides{}
		}
		d := Judge(s.f, []View{view}, want, s.now)
		if len(d.Changes) > 0 || !d.Record.Equal(want) || !d.Verdicts[0].Reason.Holds() {
			t.Fatalf("%s: %+v", texts(d.Changes), d.Verdicts)
		}
	})
}

// TestPropertyRecordsSurviveJSON.
func TestPropertyRecordsSurviveJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t, Blackhole, Pin, Quarantine, Alert)
		s.look(0)
		for range 3 {
			s.m.statics = map[route.Destination]route.NextHop{}
			s.look(time.Minute)
		}
		text, err := json.Marshal(s.record)
		if err != nil {
			t.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(s.record) || !back.Clone().Equal(s.record) {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}
