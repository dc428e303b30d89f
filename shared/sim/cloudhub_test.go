package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// routerRoutes shows the routes of a site's router as "prefix source distance via
// path".
func routerRoutes(t *testing.T, w *World, site string) []string {
	t.Helper()
	routes, err := w.RouterRoutes(site)
	must(t, err)
	var lines []string
	for _, r := range routes {
		lines = append(lines, r.Prefix.String()+" "+r.String())
	}
	return lines
}

// TestGatewayReadvertisesBetweenItsConnections is CloudHub: each router hears of
// the VPC and of the other sites, with the gateway's ASN before theirs, and
// nothing of its own; and the sites reach one another.
func TestGatewayReadvertisesBetweenItsConnections(t *testing.T) {
	w, clock := hubWorld(t, nil)
	wantEntries(t, w, me(), hubRT,
		"10.20.0.0/16>vgw-0c EnableVgwRoutePropagation active", "10.30.0.0/16>vgw-0c EnableVgwRoutePropagation active",
		"10.99.0.0/16>vgw-0c EnableVgwRoutePropagation active", "172.31.0.0/16>local CreateRouteTable active")
	wantLines(t, routerRoutes(t, w, "lab"),
		"0.0.0.0/0 assigned 210 internet",
		"10.20.0.0/16 connected 0",
		"10.30.0.0/16 bgp 20 vpn-0c1 64600 65020",
		"10.99.0.0/16 bgp 20 vpn-0c1 64600 65099",
		"172.31.0.0/16 bgp 20 vpn-0c1 64600",
		"::/0 assigned 210 internet")
	wantReach(t, w, "lab", "shop", []string{hubVPN, hubVPN2}, []string{hubVPN2, hubVPN})
	wantReach(t, w, "lab", "partner", []string{hubVPN, hubLine}, []string{hubLine, hubVPN})
	// A connection that is gone takes its prefixes along, for the VPC and for the others.
	must(t, w.SetTunnel(hubVPN2, "203.0.113.21", false))
	clock.advance(time.Minute)
	if _, shows := shownVPC(w, me(), hubRT, "10.30.0.0/16"); shows {
		t.Error("the VPC table still has the prefix of the connection that is down")
	}
	if got := routerRoute(t, w, "lab", "10.30.0.0/16"); got != "" {
		t.Errorf("the other router still has %q", got)
	}
	// A detached gateway advertises nothing.
	must(t, w.SetVPNGateway(hub, false))
	clock.advance(time.Minute)
	wantLines(t, routerRoutes(t, w, "lab"), "0.0.0.0/0 assigned 210 internet", "10.20.0.0/16 connected 0", "::/0 assigned 210 internet")
}

// TestSitesWithOneASNDoNotHearOfEachOther: a router drops what has been through
// its own autonomous system, which is why the sites of a CloudHub need ASNs of
// their own.
func TestSitesWithOneASNDoNotHearOfEachOther(t *testing.T) {
	w, _ := hubWorld(t, func(topo *Topology) { topo.Sites[1].ASN = topo.Sites[0].ASN })
	if got := routerRoute(t, w, "lab", "10.30.0.0/16"); got != "" {
		t.Errorf("lab has %q", got)
	}
	if got := routerRoute(t, w, "lab", "10.99.0.0/16"); got == "" {
		t.Error("lab does not hear of the third site")
	}
}

// TestGatewaySelects goes through the route priority of a virtual private
// gateway. Each row says what the sites announce beside their own networks.
func TestGatewaySelects(t *testing.T) {
	const dst = "198.18.0.0/16"
	says := func(med *int, path ...int) *AnnouncementSpec {
		return &AnnouncementSpec{Prefix: dst, ASPath: path, MED: med}
	}
	med := func(v int) *int { return &v }
	tests := map[string]struct {
		lab, shop, partner *AnnouncementSpec
		static             bool // the connection of shop has dst as a static prefix, and no BGP
		want               string
	}{
		"Direct Connect, however long the path":             {lab: says(nil), partner: says(nil, 1, 2, 3), want: hubLine},
		"Direct Connect before a static prefix":             {partner: says(nil), static: true, want: hubLine},
		"a static prefix before BGP":                        {lab: says(nil), static: true, want: hubVPN2},
		"the shorter path":                                  {lab: says(nil, 7), shop: says(nil), want: hubVPN2},
		"MED does not count between different neighbors":    {lab: says(med(9)), shop: says(med(1)), want: hubVPN},
		"a longer path with the lower MED loses":            {lab: says(med(1), 7), shop: says(med(9)), want: hubVPN2},
		"nothing announced":                                 {want: ""},
		"a path through the gateway's own ASN is not taken": {lab: says(nil, 64600), shop: says(nil, 7, 8), want: hubVPN2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, _ := hubWorld(t, func(topo *Topology) {
				for i, spec := range []*AnnouncementSpec{test.lab, test.shop, test.partner} {
					if spec != nil {
						topo.Sites[i].Announces = append(topo.Sites[i].Announces, *spec)
					}
				}
				if test.static {
					topo.VPNs[1].BGP, topo.VPNs[1].Routes = nil, []string{dst}
				}
			})
			got := ""
			for _, path := range w.vpnGateways[hub].selected() {
				if path.prefix == cidr(dst) {
					got = path.linkID()
				}
			}
			if got != test.want {
				t.Fatalf("the gateway took %q, want %q", got, test.want)
			}
		})
	}
}

// TestMEDCountsBetweenTunnelsOfOneRouter: the paths over the two tunnels have the
// same first ASN.
func TestMEDCountsBetweenTunnelsOfOneRouter(t *testing.T) {
	first, second := &bgpPath{path: []uint32{65010}, med: metric(9), order: "a"}, &bgpPath{path: []uint32{65010}, med: metric(1), order: "b"}
	if got := bestPath([]*bgpPath{first, second}); got != 1 {
		t.Fatalf("path %d was taken, want the one with the lower MED", got)
	}
}

// TestGatewayEndsASessionWithTooManyRoutes: 100 are taken, one more resets the
// sessions, and they come back with the 100.
func TestGatewayEndsASessionWithTooManyRoutes(t *testing.T) {
	w, clock := hubWorld(t, nil)
	for i := range 99 {
		must(t, w.Announce("lab", AnnouncementSpec{Prefix: fmt.Sprintf("198.18.%d.0/24", i)}))
	}
	clock.advance(time.Minute)
	if up, _ := w.Reported(hubVPN); up != 2 {
		t.Fatalf("%d tunnels are up with 100 routes, want 2", up)
	}
	must(t, w.Announce("lab", AnnouncementSpec{Prefix: "198.18.200.0/24"}))
	if up, _ := w.Reported(hubVPN); up != 0 {
		t.Fatalf("%d tunnels are up with 101 routes, want none", up)
	}
	if _, shows := shownVPC(w, me(), hubRT, "10.20.0.0/16"); shows {
		t.Error("the VPC table still has what the sessions taught")
	}
	clock.advance(10 * time.Minute)
	if up, _ := w.Reported(hubVPN); up != 0 {
		t.Fatalf("%d tunnels are up while the router still announces 101 routes", up)
	}
	must(t, w.Withdraw("lab", "198.18.200.0/24"))
	clock.advance(2 * time.Minute)
	if up, _ := w.Reported(hubVPN); up != 2 {
		t.Fatalf("%d tunnels are up after the route went, want 2", up)
	}
}

func TestStaticPrefixesAreReadvertisedOnlyBySwitch(t *testing.T) {
	for _, on := range []bool{false, true} {
		topo := hubTopology()
		topo.VPNs[1].BGP, topo.VPNs[1].Routes = nil, []string{"10.30.0.0/16"}
		w, err := NewWorld(newHandClock(), topo, Options{GatewayAdvertisesStatics: on})
		must(t, err)
		if got := routerRoute(t, w, "lab", "10.30.0.0/16"); (got != "") != on {
			t.Errorf("with the switch %v lab has %q", on, got)
		}
	}
}

func TestGatewayConnectionsCarryNoIPv6(t *testing.T) {
	w, _ := hubWorld(t, func(topo *Topology) {
		topo.VPCs[0].CIDRs = append(topo.VPCs[0].CIDRs, "2001:db8:31::/56")
		for i := range topo.Sites {
			topo.Sites[i].Announces = append(topo.Sites[i].Announces, AnnouncementSpec{Prefix: fmt.Sprintf("2001:db8:%d::/48", i)})
		}
	})
	if got := entries(w, me(), hubRT); slices.ContainsFunc(got, func(e string) bool {
		return strings.HasPrefix(e, "2001:db8:0::") || strings.HasPrefix(e, "2001:db8:1::")
	}) {
		t.Errorf("a connection taught IPv6: %v", got)
	}
	if got := routerRoute(t, w, "lab", "2001:db8:31::/56"); got != "" {
		t.Errorf("lab hears of IPv6: %q", got)
	}
	if got := routerRoute(t, w, "partner", "2001:db8:31::/56"); got != "bgp 20 dxvif-0c 64600" {
		t.Errorf("partner hears %q, want the VPC's block over its line", got)
	}
}

func TestVirtualInterfaceProblemsAreNamed(t *testing.T) {
	tests := map[string]struct {
		change func(*Topology)
		says   string
	}{
		"unknown gateway": {func(topo *Topology) { topo.DirectConnects[0].VPNGateway = "vgw-0f" }, `directConnects[0].vpnGateway is "vgw-0f", which the topology does not have: use one of vgw-0c`},
		"id":              {func(topo *Topology) { topo.DirectConnects[0].ID = "line" }, `directConnects[0].id is "line": write an id that starts with "dxvif-"`},
		"two ends": {func(topo *Topology) {
			topo.DirectConnects[0].Attachment = AttachmentSpec{ID: "tgw-attach-0c", TransitGateway: "tgw-0c"}
		}, "directConnects[0] has both attachment and vpnGateway"},
		"ASN of the gateway": {func(topo *Topology) { topo.Sites[2].ASN = 64600 }, "directConnects[0].asn is 64600, which is the gateway's own"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			topo := hubTopology()
			test.change(&topo)
			wantRefused(t, topo, []string{test.says})
		})
	}
}
