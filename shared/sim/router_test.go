package sim

import (
	"strings"
	"testing"
)

// TestInternetIsAWayOutThatReachesNoNetwork: a site's own line to the Internet
// carries its tunnels, and nothing of the World.
func TestInternetIsAWayOutThatReachesNoNetwork(t *testing.T) {
	topo := labTopology()
	topo.Sites[0].Routes = append(topo.Sites[0].Routes, SiteRouteSpec{Destination: "0.0.0.0/0", Via: []string{"internet"}})
	topo.Hosts = append(topo.Hosts, HostSpec{Name: "six", Address: "2001:db8:1::10", In: vpcA})
	w, err := NewWorld(newHandClock(), topo, Options{})
	must(t, err)
	wantReach(t, w, "dc", "a", []string{vpn1}, []string{vpn1})
	wantDrop(t, w, "dc", "six", "the Internet has no way to 2001:db8:1::10")
}

func TestUnderlayIsTheWayToTheInternetAndNoOther(t *testing.T) {
	tests := map[string]struct {
		routes  []SiteRouteSpec
		problem string
	}{
		"the default that the line came with": {[]SiteRouteSpec{{Destination: "203.0.113.0/24", Via: []string{"internet"}}}, ""},
		"a default into a tunnel":             {[]SiteRouteSpec{{Destination: "0.0.0.0/0", Via: []string{vpn1}}, {Destination: "203.0.113.0/24", Via: []string{"internet"}}}, "by 0.0.0.0/0 into vpn-01"},
		"half of one":                         {[]SiteRouteSpec{{Destination: "128.0.0.0/1", Via: []string{vpn2}}, {Destination: "0.0.0.0/0", Via: []string{"internet"}}}, "by 128.0.0.0/1 into vpn-02"},
		"a host route beside it":              {[]SiteRouteSpec{{Destination: "0.0.0.0/0", Via: []string{vpn1}}, {Destination: "198.51.100.1/32", Via: []string{"internet"}}}, ""},
		"no route to the Internet at all":     {[]SiteRouteSpec{{Destination: "0.0.0.0/0", Via: []string{vpn1}}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			topo := labTopology()
			topo.Sites[0].Routes = test.routes
			w, err := NewWorld(newHandClock(), topo, Options{})
			must(t, err)
			problem, ok := w.sites["dc"].underlay(cidr("198.51.100.1/32").Addr())
			if ok != (test.problem == "") || !strings.HasSuffix(problem, test.problem) {
				t.Fatalf("got %q, %v; want %q", problem, ok, test.problem)
			}
		})
	}
}

func TestOutsideAddressBehindTheRouterIsNoWay(t *testing.T) {
	topo := labTopology()
	topo.Sites[0].Networks = []string{"192.168.0.0/24", "198.51.100.0/24"}
	topo.Sites[0].Routes = append(topo.Sites[0].Routes, SiteRouteSpec{Destination: "0.0.0.0/0", Via: []string{"internet"}})
	w, err := NewWorld(newHandClock(), topo, Options{})
	must(t, err)
	if problem, ok := w.sites["dc"].underlay(cidr("198.51.100.1/32").Addr()); ok || problem != "198.51.100.1 is inside 198.51.100.0/24, a network of dc" {
		t.Fatalf("got %q, %v", problem, ok)
	}
}

func TestRouterRoutesAreAddedReplacedAndTakenOut(t *testing.T) {
	w, _ := lab(t, Options{})
	wantReach(t, w, "dc", "a", []string{vpn1}, []string{vpn1})
	must(t, w.AddRouterRoute("dc", "10.1.0.0/16", vpn2))
	wantReach(t, w, "dc", "a", []string{vpn2}, []string{vpn1})
	must(t, w.AddRouterRoute("dc", "10.1.0.0/16", vpn1, vpn2))
	wantReach(t, w, "dc", "a", []string{vpn1}, []string{vpn1})
	must(t, w.AddRouterRoute("dc", "10.1.0.0/16"))
	must(t, w.AddRouterRoute("dc", "10.0.0.0/8"))
	wantDrop(t, w, "dc", "a", "the router of dc has no route to 10.1.1.10")
	for _, refused := range []struct{ site, prefix, via, says string }{
		{"paris", "10.0.0.0/8", "internet", `site "paris" is not in the topology: use one of dc`},
		{"dc", "10.0.0.1/8", "internet", "no CIDR block in canonical form"},
		{"dc", "ten", "internet", "no CIDR block in canonical form"},
		{"dc", "10.0.0.0/8", attA, `via "tgw-attach-0a" is no way out of site "dc"`},
	} {
		if err := w.AddRouterRoute(refused.site, refused.prefix, refused.via); err == nil || !strings.Contains(err.Error(), refused.says) {
			t.Errorf("%+v: got %v", refused, err)
		}
	}
}
