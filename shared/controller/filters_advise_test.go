package controller_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/route"
)

// TestAdvise: which router is to change, and what. Behind a virtual private gateway
// nothing else helps, so it has to be said wherever a measure is told of.
func TestAdvise(t *testing.T) {
	all := netip.MustParsePrefix("0.0.0.0/0")
	outside := func(address, resource, gateway string) filter.Outside {
		return filter.Outside{Address: netip.MustParseAddr(address), Resource: resource, CustomerGateway: gateway}
	}
	gateway := filter.Neighbor{Attachment: "vgw-1", Type: filter.TypeVPNGateway, Resource: "vgw-1"}
	for name, c := range map[string]struct {
		why  filter.Finding
		want []string
	}{
		"nothing": {},
		"a VPN connection": {
			filter.Finding{Announcers: []filter.Neighbor{branch}, Denied: []netip.Prefix{all}, DeniedCount: 1},
			[]string{"the router behind vpn-branch should not announce 0.0.0.0/0"},
		},
		"a virtual private gateway": {
			filter.Finding{
				Announcers: []filter.Neighbor{gateway}, Denied: []netip.Prefix{all}, DeniedCount: 1, TunnelCount: 4,
				Tunnels: []filter.Outside{
					outside("203.0.113.1", "vpn-1", "cgw-1"), outside("203.0.113.2", "vpn-1", "cgw-1"),
					outside("203.0.113.9", "vpn-2", "cgw-2"), outside("2001:db8::1", "tgw-connect-peer-1", ""),
				},
			},
			[]string{
				"the router behind vgw-1 that does, which AWS does not name, should not announce 0.0.0.0/0",
				"cgw-1 (vpn-1) should have host routes outside its tunnels: 203.0.113.1/32, 203.0.113.2/32",
				"cgw-2 (vpn-2) should have host routes outside its tunnels: 203.0.113.9/32",
				"the router of tgw-connect-peer-1 should have host routes outside its tunnels: 2001:db8::1/128",
			},
		},
		"a virtual private gateway whose log told the connection": {
			filter.Finding{
				Announcers: []filter.Neighbor{gateway}, Denied: []netip.Prefix{all}, DeniedCount: 1,
				Sources: []filter.Source{{Connection: "vpn-1", CustomerGateway: "cgw-1"}},
			},
			[]string{"the router of vpn-1 (cgw-1) should not announce 0.0.0.0/0"},
		},
		"many": {
			filter.Finding{Announcers: []filter.Neighbor{branch}, Denied: []netip.Prefix{
				all, netip.MustParsePrefix("10.0.0.0/7"), netip.MustParsePrefix("12.0.0.0/6"), netip.MustParsePrefix("16.0.0.0/4"),
			}, DeniedCount: 40},
			[]string{"the router behind vpn-branch should not announce 0.0.0.0/0, 10.0.0.0/7, 12.0.0.0/6 and 37 more"},
		},
	} {
		if got := controller.Advise(filter.Verdict{Why: c.why}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %s", name, strings.Join(got, "\n"))
		}
	}
}

// TestTheEventSaysWhatToChange, until the measure is lifted.
func TestTheEventSaysWhatToChange(t *testing.T) {
	w := newEdge(t, newFilter("no-default", filter.Quarantine))
	w.leak()
	w.enforce("no-default")
	events := w.events.All()
	if got := events[0].Detail; !strings.Contains(got, "denied: 0.0.0.0/0") || !strings.Contains(got, "; to change: the router behind vpn-branch should not announce 0.0.0.0/0") {
		t.Errorf("placed: %s", got)
	}
	w.heal()
	for range 8 {
		w.pass(settle * 6)
		w.sweepFilters()
	}
	events = w.events.All()
	if got := events[len(events)-1]; got.Kind != controller.EventMeasureLifted || strings.Contains(got.Detail, "to change") {
		t.Errorf("%s: %s", got.Kind, got.Detail)
	}
	if key := controller.Describe(filter.Verdict{Key: filter.Key{Table: main, Destination: route.MustDestination("0.0.0.0/0")}, Why: filter.Finding{DeniedCount: 1}}); strings.Contains(key, "denied") {
		t.Errorf("the destination is told twice: %s", key)
	}
}

// TestTheEventsOfManyMeasuresAreBounded: the last one says how many it stands for.
func TestTheEventsOfManyMeasuresAreBounded(t *testing.T) {
	for n, last := range map[int]string{10: "", 11: "", 13: "; and 2 more"} {
		w := newEdge(t, newFilter("no-default", filter.Blackhole))
		var prefixes []string
		for i := range n {
			prefixes = append(prefixes, fmt.Sprintf("%d.0.0.0/6", 4*(i+8)))
		}
		w.announce(prefixes...)
		w.enforce("no-default")
		events := w.events.All()
		if len(events) != min(n, 11) {
			t.Fatalf("%d measures have %d events", n, len(events))
		}
		for i, e := range events {
			want := ""
			if i == 10 {
				want = last
			}
			if !strings.HasSuffix(e.Detail, want) || strings.Contains(e.Detail, " more") != (want != "") {
				t.Errorf("%d measures: event %d is %q", n, i, e.Detail)
			}
		}
	}
}
