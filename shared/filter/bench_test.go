package filter

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkQuarantine is the first look at a leak of an attachment with so many permitted
// prefixes, and the look after it.
func BenchmarkQuarantine(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		m := newModel(mainTable).attach(site, TypeVPN, "0.0.0.0/0")
		for i := range n {
			m.rib[site][netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)] = 1
		}
		s := newStory(Quarantine, m, "deny default-like").watch(site)
		first := m.view(s.now, site)
		s.look(0)
		second := m.view(s.now, site)
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) {
			for b.Loop() {
				if d := Judge(s.f, []View{first}, Record{}, begin); len(d.Changes) != n+1 {
					b.Fatalf("%d changes", len(d.Changes))
				}
			}
		})
		b.Run(fmt.Sprintf("again/%d", n), func(b *testing.B) {
			for b.Loop() {
				if d := Judge(s.f, []View{second}, s.record, begin.Add(time.Minute)); len(d.Changes) > 0 {
					b.Fatalf("%d changes", len(d.Changes))
				}
			}
		})
	}
}
