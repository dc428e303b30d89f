package sim

import (
	"testing"
	"time"
)

const (
	greAtt  = "tgw-attach-c1"
	grePeer = "tgw-connect-peer-c1"
	greLine = "tgw-attach-d1"
)

// greTopology is a Connect peer whose router's site has nothing else, over the
// given transport. What the attachment's table holds is advertised to it.
func greTopology(transport string) Topology {
	on := func(id string) AttachmentSpec { return AttachmentSpec{ID: id, TransitGateway: gw} }
	return Topology{
		Account: account, Region: region,
		TransitGateways: []TransitGatewaySpec{{ID: gw, Tables: []TransitGatewayTable{
			{ID: onpremRT, Associated: []string{greAtt}, Propagated: []string{attA, greAtt}},
			{ID: spokeRT, Associated: []string{attA, greLine}, Propagated: []string{greAtt}},
		}}},
		VPCs: []VPCSpec{{ID: vpcA, CIDRs: []string{"172.30.0.0/16"}, Attachments: []AttachmentSpec{on(attA)}, Tables: []VPCTableSpec{
			{ID: mainRT, Routes: []RouteSpec{{Destination: "10.0.0.0/8", Target: gw}}},
		}}},
		DirectConnects: []DirectConnectSpec{{Attachment: on(greLine), Gateway: "11111111-2222-4333-8444-555555555550", Site: "dc"}},
		Connects: []ConnectSpec{{Attachment: on(greAtt), Transport: transport, Site: "dc", Peers: []ConnectPeerSpec{
			{ID: grePeer, PeerAddress: "172.30.2.126", TransitGatewayAddress: "192.168.151.181", InsideCIDR: "169.254.6.0/29", PeerASN: 65021},
		}}},
		Sites: []SiteSpec{{Name: "dc", Networks: []string{"10.128.0.0/10"}, ASN: 65021, Announces: []AnnouncementSpec{{Prefix: "10.128.0.0/10"}}}},
		Hosts: []HostSpec{{Name: "a", Address: "172.30.0.10", In: vpcA}, {Name: "dc", Address: "10.128.0.10", In: "dc"}},
	}
}

// sessionSwings counts the true changes of the Connect peer's sessions.
func sessionSwings(w *World, from int) (changes int) {
	for _, c := range w.HealthHistory()[from:] {
		if c.Resource == grePeer && c.Field == fieldSession && c.Kind == HealthTruth {
			changes++
		}
	}
	return changes
}

// TestDefaultFromTheTableTakesTheWayOfTheGRETunnel: a default route in the table
// that a Connect attachment is associated with is advertised to the router, and
// takes the way to the GRE tunnel's far end where that is the VPC's gateway; a
// Direct Connect line is a way of its own.
func TestDefaultFromTheTableTakesTheWayOfTheGRETunnel(t *testing.T) {
	for transport, loops := range map[string]bool{attA: true, greLine: false} {
		clock := newHandClock()
		w, err := NewWorld(clock, greTopology(transport), Options{})
		must(t, err)
		wantReach(t, w, "dc", "a", []string{greAtt}, []string{greAtt})
		from := len(w.HealthHistory())
		must(t, w.ForceRoute("x", onpremRT, "0.0.0.0/0", attA))
		clock.advance(30 * time.Minute)
		if got := sessionSwings(w, from); (got > 12) != loops {
			t.Errorf("over %s the sessions changed %d times, want a loop: %v", transport, got, loops)
		}
		must(t, w.AddRouterRoute("dc", "192.168.151.181/32", "internet"))
		clock.advance(2 * time.Minute)
		from = len(w.HealthHistory())
		clock.advance(30 * time.Minute)
		if got := sessionSwings(w, from); got > 0 {
			t.Errorf("over %s the sessions changed %d times after the remedy", transport, got)
		}
		wantReach(t, w, "dc", "a", []string{greAtt}, []string{greAtt})
	}
}

// TestStaticDefaultIntoATunnelDoesTheSame: no BGP is needed for it. The router
// withdraws the static route while it holds the tunnels for down.
func TestStaticDefaultIntoATunnelDoesTheSame(t *testing.T) {
	topo := labTopology()
	topo.Sites[0].Routes = append(topo.Sites[0].Routes,
		SiteRouteSpec{Destination: "203.0.113.0/24", Via: []string{"internet"}})
	clock := newHandClock()
	w, err := NewWorld(clock, topo, Options{})
	must(t, err)
	must(t, w.AddRouterRoute("dc", "0.0.0.0/0", vpn1, vpn2))
	clock.advance(30 * time.Minute)
	if down, up := swings(w, vpn1, 0); down <= 3 || up <= 3 {
		t.Fatalf("down %d times, up %d times: want a loop", down, up)
	}
	must(t, w.AddRouterRoute("dc", "0.0.0.0/0"))
	clock.advance(time.Minute)
	from := len(w.TunnelHistory())
	clock.advance(30 * time.Minute)
	if down, up := swings(w, vpn1, from); down+up > 0 {
		t.Fatalf("down %d times, up %d times after the remedy", down, up)
	}
	wantReach(t, w, "dc", "a", []string{vpn1}, []string{vpn1})
}

// TestRouterDropsItsOwnAutonomousSystem, whichever ASN it has on the session.
func TestRouterDropsItsOwnAutonomousSystem(t *testing.T) {
	w, clock := hubWorld(t, func(topo *Topology) { topo.VPNs[0].BGP.ASN = 65011 })
	must(t, w.Announce("shop", AnnouncementSpec{Prefix: "198.18.0.0/16", ASPath: []int{65010}}))
	must(t, w.Announce("shop", AnnouncementSpec{Prefix: "198.19.0.0/16", ASPath: []int{65011}}))
	must(t, w.Announce("shop", AnnouncementSpec{Prefix: "198.20.0.0/16", ASPath: []int{65012}}))
	clock.advance(time.Minute)
	for prefix, want := range map[string]string{"198.18.0.0/16": "", "198.19.0.0/16": "", "198.20.0.0/16": "bgp 20 vpn-0c1 64600 65020 65012"} {
		if got := routerRoute(t, w, "lab", prefix); got != want {
			t.Errorf("%s: got %q, want %q", prefix, got, want)
		}
	}
}
