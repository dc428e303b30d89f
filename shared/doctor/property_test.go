package doctor

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/shared/route"
)

// ill draws a network with several things wrong at once.
func ill(t *rapid.T) *Snapshot {
	s := healthy()
	tables := []string{"tgw-rtb-main", "tgw-rtb-seen", "rtb-vpc"}
	hops := map[string][]string{
		"tgw-rtb-main": {"~tgw-attach-vpn2", "~tgw-attach-con", "tgw-attach-vpn1", "tgw-attach-vpn2", "tgw-attach-vpc", "blackhole"},
		"tgw-rtb-seen": {"~tgw-attach-vpn2", "blackhole"},
		"rtb-vpc":      {"~vgw-1", "vgw-1", "tgw-1", "igw-1", "eni-1"},
	}
	destinations := []string{"0.0.0.0/0", "0.0.0.0/1", "10.50.0.0/16", "172.20.0.0/16", "172.20.0.0/17", "203.0.113.0/24", "198.51.100.0/30", "2000::/3"}
	for range rapid.IntRange(0, 6).Draw(t, "routes") {
		table := rapid.SampledFrom(tables).Draw(t, "table")
		r := s.put(table, rapid.SampledFrom(destinations).Draw(t, "destination"), rapid.SampledFrom(hops[table]).Draw(t, "hop"))
		if r.NextHop.Kind == route.Blackhole || rapid.IntRange(0, 4).Draw(t, "blackhole") == 0 {
			r.State = route.StateBlackhole
		}
	}
	for _, id := range []string{"vpn-1", "vpn-2", "vpn-3", "vpn-4"} {
		if rapid.IntRange(0, 3).Draw(t, id) == 0 {
			s.fell(id, time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes"))*time.Minute)
		}
	}
	if rapid.Bool().Draw(t, "silent") {
		s.drop("tgw-rtb-main", "10.60.0.0/16", true)
	}
	for i := range s.Readings {
		if rapid.IntRange(0, 5).Draw(t, "incomplete") == 0 {
			s.Readings[i].Complete, s.Readings[i].Problem = false, route.ProblemTimeout
		}
	}
	return s
}

// TestTheOrderOfWhatWasReadDoesNotMatter: the same snapshot gives the same findings in
// the same order, however its lists are ordered, and is left as it was.
func TestTheOrderOfWhatWasReadDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := ill(t)
		want := Examine(*s)
		if !slices.IsSortedFunc(want, Finding.Compare) {
			t.Fatalf("they are not sorted: %v", told(want))
		}
		n := &s.Networks[0]
		shuffle(t, s.Readings)
		shuffle(t, s.Readings[0].Routes)
		shuffle(t, s.Around.Tables)
		shuffle(t, s.Facts)
		shuffle(t, n.GatewayTables)
		shuffle(t, n.Attachments)
		shuffle(t, n.VPNs)
		if got := Examine(*s); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v\nwant %v", told(got), told(want))
		}
	})
}

func shuffle[T any](t *rapid.T, list []T) {
	copy(list, rapid.Permutation(slices.Clone(list)).Draw(t, fmt.Sprintf("%T", list)))
}

// TestEveryFindingHelps: whatever is found says where, why, what to do, and what was
// seen; each once; and what concerns a table that could not be read whole never goes
// without a word on that.
func TestEveryFindingHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := ill(t)
		findings := Examine(*s)
		for i, f := range findings {
			if f.What == "" || f.Why == "" || len(f.Do) == 0 || len(f.Evidence) == 0 || f.Where.Region == "" && f.ID != NotExamined || f.Where.Account == "" {
				t.Fatalf("%+v", f)
			}
			if !slices.Contains(IDs(), f.ID) || !slices.Contains(Severities(), f.Severity) || (f.ID == NotExamined) != (f.Severity == Unknown) || (len(f.Blind) > 0) != (f.ID == NotExamined) {
				t.Fatalf("%+v", f)
			}
			if i > 0 && f.Compare(findings[i-1]) == 0 {
				t.Fatalf("twice: %+v", f)
			}
		}
		for _, reading := range s.Readings {
			if !reading.Complete && !slices.ContainsFunc(findings, func(f Finding) bool { return f.ID == NotExamined && f.Where.Table == reading.Table.ID }) {
				t.Fatalf("%s is not whole, and nothing says so", reading.Table)
			}
		}
	})
}
