package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	hubVPC   = "vpc-0c"
	hubRT    = "rtb-0c1"
	hub      = "vgw-0c"
	hubVPN   = "vpn-0c1"
	hubVPN2  = "vpn-0c2"
	hubLine  = "dxvif-0c"
	hubOut1  = "203.0.113.11"
	hubOut2  = "203.0.113.12"
	allRoute = "0.0.0.0/0"
)

// hubTopology is the fifth field story before its trouble: a virtual private
// gateway with a VPN connection to the router of site lab, another to site shop,
// and somebody else's Direct Connect to site partner, all with BGP.
func hubTopology() Topology {
	return Topology{
		Account: account, Region: region,
		VPCs:        []VPCSpec{{ID: hubVPC, CIDRs: []string{"172.31.0.0/16"}, Tables: []VPCTableSpec{{ID: hubRT, Propagated: []string{hub}}}}},
		VPNGateways: []VPNGatewaySpec{{ID: hub, VPC: hubVPC, ASN: 64600}},
		VPNs: []VPNSpec{
			{ID: hubVPN, VPNGateway: hub, Site: "lab", BGP: &VPNBGPSpec{}, Tunnels: []TunnelSpec{{OutsideIP: hubOut1}, {OutsideIP: hubOut2}}},
			{ID: hubVPN2, VPNGateway: hub, Site: "shop", BGP: &VPNBGPSpec{}, Tunnels: []TunnelSpec{{OutsideIP: "203.0.113.21"}}},
		},
		DirectConnects: []DirectConnectSpec{{ID: hubLine, VPNGateway: hub, Site: "partner"}},
		Sites: []SiteSpec{
			{Name: "lab", Networks: []string{"10.20.0.0/16"}, ASN: 65010, Announces: []AnnouncementSpec{{Prefix: "10.20.0.0/16"}}},
			{Name: "shop", Networks: []string{"10.30.0.0/16"}, ASN: 65020, Announces: []AnnouncementSpec{{Prefix: "10.30.0.0/16"}}},
			{Name: "partner", Networks: []string{"10.99.0.0/16"}, ASN: 65099, Announces: []AnnouncementSpec{{Prefix: "10.99.0.0/16"}}},
		},
		Hosts: []HostSpec{
			{Name: "app", Address: "172.31.0.10", In: hubVPC},
			{Name: "lab", Address: "10.20.0.10", In: "lab"},
			{Name: "shop", Address: "10.30.0.10", In: "shop"},
			{Name: "partner", Address: "10.99.0.10", In: "partner"},
		},
	}
}

func hubWorld(t *testing.T, change func(*Topology)) (*World, *handClock) {
	t.Helper()
	topo := hubTopology()
	if change != nil {
		change(&topo)
	}
	clock := newHandClock()
	w, err := NewWorld(clock, topo, Options{})
	must(t, err)
	return w, clock
}

// swings counts how often AWS found a tunnel of the connection to go down and to
// come up, from line on in the history.
func swings(w *World, vpn string, from int) (down, up int) {
	for _, c := range w.TunnelHistory()[from:] {
		switch {
		case c.VPN != vpn || c.Kind != TunnelDetected:
		case c.Up:
			up++
		default:
			down++
		}
	}
	return down, up
}

// wantSteady runs the clock for half an hour, the first minutes of which whatever
// was under way may take to end, and expects that the connection of site lab then
// has both tunnels up and that nothing has changed since. The longest is 2m11s: 90 s
// until the gateway gives its line up, 1 s until it tells of it over sessions that
// have just died, 30 s until those time out, and 10 s until they are back.
func wantSteady(t *testing.T, w *World, clock *handClock) {
	t.Helper()
	clock.advance(2*time.Minute + 11*time.Second)
	from := len(w.TunnelHistory())
	clock.advance(28 * time.Minute)
	if down, up := swings(w, hubVPN, from); down+up > 0 {
		t.Fatalf("the tunnels still swing: down %d times, up %d times", down, up)
	}
	if up, total := w.Reported(hubVPN); up != total {
		t.Fatalf("%d of %d tunnels are up", up, total)
	}
	wantReach(t, w, "lab", "app", []string{hubVPN}, []string{hubVPN})
}

// TestLeakedDefaultTakesTheTunnelsOwnWay is the fifth field story: a default
// route that one site announces reaches another site's router through the
// gateway, takes the way to the outside addresses of that site's tunnels, and
// the tunnels go down and come up for as long as it is announced.
func TestLeakedDefaultTakesTheTunnelsOwnWay(t *testing.T) {
	w, clock := hubWorld(t, nil)
	wantSteady(t, w, clock)
	from := len(w.TunnelHistory())
	must(t, w.Announce("partner", AnnouncementSpec{Prefix: allRoute}))
	clock.advance(10 * time.Second)
	if got := routerRoute(t, w, "lab", allRoute); !strings.HasPrefix(got, "bgp 20 "+hubVPN) {
		t.Fatalf("the default of lab is %q, want a learned one over %s", got, hubVPN)
	}
	wantDrop(t, w, "lab", "app", "no way of the route 172.31.0.0/16 at lab works")
	clock.advance(30 * time.Minute)
	if down, up := swings(w, hubVPN, from); down <= 3 || up <= 3 {
		t.Fatalf("the tunnels of %s went down %d times and came up %d times, want a loop", hubVPN, down, up)
	}
	if problem := w.TunnelProblem(hubVPN, hubOut1); problem == "" {
		clock.advance(25 * time.Second) // The loop may have been at its other end.
		if problem = w.TunnelProblem(hubVPN, hubOut1); !strings.Contains(problem, "by 0.0.0.0/0 into "+hubVPN) {
			t.Fatalf("the router's problem is %q", problem)
		}
	}
	// The site that leaked it, over its line, has no tunnel to lose.
	wantReach(t, w, "partner", "app", []string{hubLine}, []string{hubLine})
}

func TestRemediesOfALeakedDefault(t *testing.T) {
	remedies := map[string]func(*testing.T, *World){
		"no announcement": func(t *testing.T, w *World) { must(t, w.Withdraw("partner", allRoute)) },
		"host routes": func(t *testing.T, w *World) {
			must(t, w.AddRouterRoute("lab", hubOut1+"/32", "internet"))
			must(t, w.AddRouterRoute("lab", hubOut2+"/32", "internet"))
		},
		"a static default": func(t *testing.T, w *World) { must(t, w.AddRouterRoute("lab", allRoute, "internet")) },
		"the gateway without its line": func(t *testing.T, w *World) {
			must(t, w.SetDirectConnect(hubLine, false))
		},
	}
	for name, remedy := range remedies {
		t.Run(name, func(t *testing.T) {
			w, clock := hubWorld(t, func(topo *Topology) {
				topo.Sites[2].Announces = append(topo.Sites[2].Announces, AnnouncementSpec{Prefix: allRoute})
			})
			clock.advance(17 * time.Minute)
			if down, _ := swings(w, hubVPN, 0); down <= 3 {
				t.Fatalf("the tunnels went down %d times before the remedy, want a loop", down)
			}
			remedy(t, w)
			wantSteady(t, w, clock)
		})
	}
}

// TestOneHostRouteSavesOneTunnel: the endpoint without a host route of its own
// stays in the loop.
func TestOneHostRouteSavesOneTunnel(t *testing.T) {
	w, clock := hubWorld(t, nil)
	must(t, w.AddRouterRoute("lab", hubOut1+"/32", "internet"))
	must(t, w.Announce("partner", AnnouncementSpec{Prefix: allRoute}))
	clock.advance(10 * time.Minute)
	if up, _ := w.Reported(hubVPN); up != 1 {
		t.Fatalf("%d tunnels are up, want the one with the host route", up)
	}
	wantReach(t, w, "lab", "app", []string{hubVPN}, []string{hubVPN})
}

// TestDefaultInHalvesDoesTheSame: neither a static default on the router nor the
// line's own keeps two halves out, which are longer.
func TestDefaultInHalvesDoesTheSame(t *testing.T) {
	w, clock := hubWorld(t, nil)
	must(t, w.AddRouterRoute("lab", allRoute, "internet"))
	must(t, w.Announce("partner", AnnouncementSpec{Prefix: "0.0.0.0/1"}))
	must(t, w.Announce("partner", AnnouncementSpec{Prefix: "128.0.0.0/1"}))
	clock.advance(10 * time.Minute)
	if down, up := swings(w, hubVPN, 0); down <= 3 || up <= 3 {
		t.Fatalf("down %d times, up %d times: want a loop", down, up)
	}
}

// TestLeakThroughATransitGateway: what one site announces into a transit gateway
// reaches another site's router through the table that its attachment is
// associated with.
func TestLeakThroughATransitGateway(t *testing.T) {
	topo := Topology{
		Account: account, Region: region,
		TransitGateways: []TransitGatewaySpec{{ID: gw, Tables: []TransitGatewayTable{
			{ID: onpremRT, Associated: []string{attVPN1, attVPN2}, Propagated: []string{attVPN1, attVPN2}},
		}}},
		VPNs: []VPNSpec{
			{ID: vpn1, Attachment: AttachmentSpec{ID: attVPN1, TransitGateway: gw}, Site: "a", BGP: &VPNBGPSpec{}, Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2"}}},
			{ID: vpn2, Attachment: AttachmentSpec{ID: attVPN2, TransitGateway: gw}, Site: "b", BGP: &VPNBGPSpec{}, Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.3"}, {OutsideIP: "198.51.100.4"}}},
		},
		Sites: []SiteSpec{
			{Name: "a", Networks: []string{"10.1.0.0/16"}, ASN: 65001, Announces: []AnnouncementSpec{{Prefix: "10.1.0.0/16"}}},
			{Name: "b", Networks: []string{"10.2.0.0/16"}, ASN: 65002, Announces: []AnnouncementSpec{{Prefix: "10.2.0.0/16"}}},
		},
		Hosts: []HostSpec{{Name: "a", Address: "10.1.0.10", In: "a"}, {Name: "b", Address: "10.2.0.10", In: "b"}},
	}
	clock := newHandClock()
	w, err := NewWorld(clock, topo, Options{})
	must(t, err)
	wantReach(t, w, "a", "b", []string{vpn1, vpn2}, []string{vpn2, vpn1})
	must(t, w.Announce("a", AnnouncementSpec{Prefix: allRoute}))
	clock.advance(30 * time.Minute)
	down, up := swings(w, vpn2, 0)
	if down <= 3 || up <= 3 {
		t.Fatalf("the tunnels of the victim went down %d times, up %d times: want a loop", down, up)
	}
	if down, _ = swings(w, vpn1, 0); down > 0 {
		t.Fatal("the site that announces the default lost its own tunnels")
	}
	// A static blackhole in the table keeps it from being advertised. The tunnels of
	// the victim are dead or will be, and the withdrawal does not get through.
	for w.PathUp(vpn2) {
		clock.advance(time.Second)
	}
	must(t, w.ForceRoute("x", onpremRT, allRoute, "blackhole"))
	for range 29 {
		clock.advance(time.Second)
		if w.PathUp(vpn2) || routerRoute(t, w, "b", allRoute) != "bgp 20 "+vpn2+" 64512 65001" {
			t.Fatalf("the router of b has lost the default before its hold time was over: %q", routerRoute(t, w, "b", allRoute))
		}
	}
	clock.advance(2 * time.Minute)
	from := len(w.TunnelHistory())
	clock.advance(30 * time.Minute)
	if down, up = swings(w, vpn2, from); down+up > 0 {
		t.Fatalf("the tunnels still swing: down %d times, up %d times", down, up)
	}
	wantReach(t, w, "a", "b", []string{vpn1, vpn2}, []string{vpn2, vpn1})
}

// routerRoute shows the route of a site's router for a prefix as "source distance
// via path"; empty for none.
func routerRoute(t *testing.T, w *World, site, prefix string) string {
	t.Helper()
	routes, err := w.RouterRoutes(site)
	must(t, err)
	i := slices.IndexFunc(routes, func(r RouterRoute) bool { return r.Prefix == cidr(prefix) })
	if i < 0 {
		return ""
	}
	return routes[i].String()
}
