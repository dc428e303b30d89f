package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const localEntry = "10.1.0.0/16>local CreateRouteTable active"

// standing is what edgeRT shows while both connections are up.
func standing() []string {
	return []string{
		localEntry,
		"10.1.7.0/24>vgw-0e EnableVgwRoutePropagation active",
		"172.20.0.0/16>eni-0a CreateRoute active",
		"172.20.0.0/16>vgw-0e EnableVgwRoutePropagation active",
		"192.168.0.0/16>vgw-0e EnableVgwRoutePropagation active",
	}
}

func TestStaticAndPropagatedRoutesCoexist(t *testing.T) {
	w, _ := edge(t, Options{})
	wantEntries(t, w, me(), edgeRT, standing()...)
	wantEntries(t, w, me(), routerRT, localEntry)
	// The static one wins.
	wantReach(t, w, "app", "far", []string{eniA}, []string{eniA})
	// It can be deleted alone.
	write, refused := w.DeleteRoute(me(), edgeRT, dest("172.20.0.0/16"))
	wantOK(t, refused)
	if *write != (RouteWrite{Table: edgeRT, Destination: "172.20.0.0/16", Before: eniA}) {
		t.Fatalf("got %+v", write)
	}
	if _, shows := shownVPC(w, me(), edgeRT, "172.20.0.0/16"); !shows {
		t.Fatal("the propagated route went with the static one")
	}
	wantReach(t, w, "app", "far", []string{gwVPN2}, []string{eniA})
	// A propagated route is not there for ReplaceRoute and DeleteRoute, nor in the way of CreateRoute.
	_, refused = w.ReplaceRoute(me(), edgeRT, dest("172.20.0.0/16"), eniB)
	wantCode(t, refused, "InvalidParameterValue", "There is no route defined for '172.20.0.0/16' in the route table. Use CreateRoute instead.")
	_, refused = w.DeleteRoute(me(), edgeRT, dest("172.20.0.0/16"))
	wantCode(t, refused, "InvalidRoute.NotFound", "no route with destination-cidr-block 172.20.0.0/16 in route table rtb-0e")
	write, refused = w.CreateRoute(me(), edgeRT, dest("172.20.0.0/16"), eniB)
	wantOK(t, refused)
	if write.Before != "" || write.After != eniB {
		t.Fatalf("got %+v", write)
	}
	_, refused = w.CreateRoute(me(), edgeRT, dest("172.20.0.0/16"), eniB)
	wantCode(t, refused, "RouteAlreadyExists", "")
}

func TestLocalRouteShieldsAgainstMoreSpecificPropagatedRoutes(t *testing.T) {
	topo := edgeTopology()
	topo.Hosts = append(topo.Hosts, HostSpec{Name: "seven", Address: "10.1.7.7", In: edgeVPC})
	w, err := NewWorld(newHandClock(), topo, Options{})
	must(t, err)
	wantReach(t, w, "app", "seven", nil, nil)
	// A longer propagated route wins over a shorter static one elsewhere.
	must(t, w.ForceRoute("x", edgeRT, "192.0.0.0/8", eniA))
	wantReach(t, w, "app", "dc", []string{gwVPN1}, []string{gwVPN1})
}

func TestPropagatedRoutesStandWhileOneTunnelIsReportedUp(t *testing.T) {
	w, clock := edge(t, Options{})
	events := heard(t, w)
	must(t, w.SetTunnel(gwVPN1, "198.51.100.1", false))
	clock.advance(time.Minute)
	wantEntries(t, w, me(), edgeRT, standing()...)
	wantReach(t, w, "app", "dc", []string{gwVPN1}, []string{gwVPN1})

	must(t, w.SetTunnel(gwVPN1, "198.51.100.2", false))
	wantDrop(t, w, "dc", "app", "no way of the route 0.0.0.0/0 at dc works")
	wantEntries(t, w, me(), edgeRT, standing()...) // AWS has not noticed yet.
	clock.advance(29 * time.Second)
	wantEntries(t, w, me(), edgeRT, standing()...)
	clock.advance(time.Second)
	// 192.168.0.0/16 stays: the other connection has it too.
	wantEntries(t, w, me(), edgeRT, localEntry, standing()[2], standing()[3], standing()[4])
	must(t, w.SetTunnel(gwVPN2, "198.51.100.3", false))
	clock.advance(30 * time.Second)
	wantEntries(t, w, me(), edgeRT, localEntry, standing()[2])
	wantEntries(t, w, stale(time.Second), edgeRT, localEntry, standing()[2], standing()[3], standing()[4])
	wantDrop(t, w, "app", "dc", "rtb-0e has no route to 192.168.0.10")

	must(t, w.SetTunnel(gwVPN1, "198.51.100.2", true))
	clock.advance(5 * time.Second)
	wantEntries(t, w, me(), edgeRT, localEntry, standing()[1], standing()[2], standing()[4])
	clock.advance(time.Minute)
	if len(*events) != 0 {
		t.Fatalf("got %v: no event is assumed for a connection on a virtual private gateway", *events)
	}
	if len(w.TunnelHistory()) != 12 {
		t.Fatalf("got %+v", w.TunnelHistory())
	}
}

func TestStaticRouteToAVPNGatewayProvesNothing(t *testing.T) {
	w, clock := edge(t, Options{})
	must(t, w.ForceRoute("x", routerRT, "192.168.0.0/16", vgw))
	must(t, w.SetTunnel(gwVPN1, "198.51.100.1", false))
	must(t, w.SetTunnel(gwVPN1, "198.51.100.2", false))
	must(t, w.SetTunnel(gwVPN2, "198.51.100.3", false))
	clock.advance(time.Minute)
	wantEntries(t, w, me(), routerRT, localEntry, "192.168.0.0/16>vgw-0e CreateRoute active")
	must(t, w.ForceRoute("x", edgeRT, "192.168.0.0/16", vgw))
	wantDrop(t, w, "app", "dc", "vgw-0e knows no prefix of a connection that is up for 192.168.0.10")
}

func TestVPNGatewaySendsOverATunnelThatWorks(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.SetTunnel(gwVPN1, "198.51.100.1", false))
	wantReach(t, w, "app", "dc", []string{gwVPN1}, []string{gwVPN1})
	// Both dead and not noticed: the other connection has the prefix too, and leads
	// to another site, which sends it back.
	must(t, w.SetTunnel(gwVPN1, "198.51.100.2", false))
	wantDrop(t, w, "app", "dc", "still on the way after 16 hops: the tables form a loop")
}

func TestDeadTunnelsThatAWSHasNotNoticedSwallowTraffic(t *testing.T) {
	w, clock := edge(t, Options{})
	must(t, w.ForceRoute("x", edgeRT, "172.20.0.0/16", vgw))
	must(t, w.SetTunnel(gwVPN2, "198.51.100.3", false))
	wantDrop(t, w, "app", "far", "no tunnel of vpn-0e2 is up")
	clock.advance(time.Minute)
	wantDrop(t, w, "app", "far", "vgw-0e knows no prefix of a connection that is up for 172.20.0.10")
}

// The sites of one gateway reach one another through it.
func TestSitesOfOneGatewayReachOneAnother(t *testing.T) {
	w, _ := edge(t, Options{})
	trace := w.Reach("dc", "far")
	if !trace.OK || !slices.Equal(trace.ForwardVia, []string{gwVPN1, gwVPN2}) {
		t.Fatalf("got %+v", trace)
	}
}

func TestDetachedVPNGateway(t *testing.T) {
	w, clock := edge(t, Options{})
	must(t, w.ForceRoute("x", routerRT, "192.168.0.0/16", vgw))
	from := len(w.HealthHistory())
	clock.advance(time.Second)
	must(t, w.SetVPNGateway(vgw, false))
	must(t, w.SetVPNGateway(vgw, false))
	wantEntries(t, w, me(), edgeRT, localEntry, standing()[2])
	wantEntries(t, w, me(), routerRT, localEntry, "192.168.0.0/16>vgw-0e CreateRoute blackhole")
	wantDrop(t, w, "dc", "app", "no way of the route 0.0.0.0/0 at dc works")
	_, refused := w.CreateRoute(me(), edgeRT, dest("10.7.0.0/16"), vgw)
	wantCode(t, refused, "InvalidParameterValue", "route table rtb-0e and network gateway vgw-0e belong to different networks")
	wantCode(t, w.EnableVGWPropagation(me(), routerRT, vgw), "Gateway.NotAttached", "")
	wantLines(t, health(w, from), "vgw-0e gateway-attachment detached truth", "vgw-0e gateway-attachment detached shown")
	if got := w.VPNGateways(me()); len(got) != 2 || got[0] != (VPNGatewayView{ID: vgw, Name: "old", VPC: edgeVPC, Attachment: "detached"}) {
		t.Fatalf("got %+v", got)
	}
	must(t, w.SetVPNGateway(vgw, true))
	wantEntries(t, w, me(), edgeRT, standing()...)
	if err := w.SetVPNGateway("vgw-99", true); err == nil || err.Error() != `VPN gateway "vgw-99" is not in the topology: use one of vgw-0e, vgw-1e` {
		t.Fatalf("got %v", err)
	}
}

func TestPropagationIsPerTableAndSwitched(t *testing.T) {
	w, _ := edge(t, Options{})
	wantOK(t, w.EnableVGWPropagation(me(), routerRT, vgw))
	wantOK(t, w.EnableVGWPropagation(me(), routerRT, vgw))
	want := slices.DeleteFunc(standing(), func(s string) bool { return s == standing()[2] })
	wantEntries(t, w, me(), routerRT, want...)
	wantOK(t, w.DisableVGWPropagation(me(), edgeRT, vgw))
	wantOK(t, w.DisableVGWPropagation(me(), edgeRT, vgw))
	wantEntries(t, w, me(), edgeRT, localEntry, standing()[2])
	for _, view := range w.RouteTables(me()) {
		if on := len(view.Propagating) == 1; on != (view.ID == routerRT) {
			t.Errorf("%s: %v", view.ID, view.Propagating)
		}
	}
	before := w.Snapshot()
	wantCode(t, w.DisableVGWPropagation(dryRun(), routerRT, vgw), "DryRunOperation", "")
	wantCode(t, w.EnableVGWPropagation(me(), "rtb-99", vgw), "InvalidRouteTableID.NotFound", "")
	wantCode(t, w.EnableVGWPropagation(me(), routerRT, "vgw-99"), "InvalidGatewayID.NotFound", "The gateway ID 'vgw-99' does not exist")
	wantCode(t, w.EnableVGWPropagation(me(), routerRT, "vgw-1e"), "Gateway.NotAttached", "")
	wantOK(t, w.DisableVGWPropagation(me(), routerRT, "vgw-1e"))
	if w.Snapshot() != before {
		t.Fatal("what was refused changed a table")
	}
}

func TestForcedPropagationIsInTheCallLog(t *testing.T) {
	w, _ := edge(t, Options{})
	must(t, w.ForceVGWPropagation("bob", edgeRT, vgw, false))
	if err := w.ForceVGWPropagation("bob", routerRT, "vgw-1e", true); err == nil {
		t.Fatal("an error of the API was lost")
	}
	var got []string
	for _, c := range w.Calls() {
		got = append(got, fmt.Sprint(c.Process, " ", c.Action, " ", c.Params.Get("RouteTableId"), " ", c.Params.Get("GatewayId"), " ", c.Code))
	}
	wantLines(t, got, "writer:bob DisableVgwRoutePropagation rtb-0e vgw-0e ", "writer:bob EnableVgwRoutePropagation rtb-1e vgw-1e Gateway.NotAttached")
}

func TestATableTakesAHundredPropagatedRoutes(t *testing.T) {
	topo := edgeTopology()
	topo.VPNs[0].Routes, topo.VPNs[1].Routes = nil, nil
	for i := range 100 {
		topo.VPNs[0].Routes = append(topo.VPNs[0].Routes, fmt.Sprintf("172.16.%d.0/24", i))
		topo.VPNs[1].Routes = append(topo.VPNs[1].Routes, fmt.Sprintf("172.17.%d.0/24", i))
	}
	w, err := NewWorld(newHandClock(), topo, Options{})
	must(t, err)
	if got := entries(w, me(), edgeRT); len(got) != 102 || got[101] != "172.20.0.0/16>eni-0a CreateRoute active" {
		t.Fatalf("%d entries, the last is %s", len(got), got[len(got)-1])
	}
	// They leave the quota of static routes alone.
	topo.VPNs[0].Routes = append(topo.VPNs[0].Routes, "172.18.0.0/24")
	if _, err := NewWorld(newHandClock(), topo, Options{}); err == nil {
		t.Fatal("a connection with 101 prefixes was accepted")
	}
}

func TestVPNConnectionsShowTheirGatewayAndRoutes(t *testing.T) {
	w, _ := edge(t, Options{})
	views := w.VPNConnections(me())
	if len(views) != 2 || views[0].VPNGateway != vgw || views[0].TransitGateway != "" || !slices.Equal(views[0].Routes, blocks("192.168.0.0/16", "10.1.7.0/24")) || len(views[1].Tunnels) != 1 {
		t.Fatalf("got %+v", views)
	}
	if !w.PathUp(gwVPN2) {
		t.Fatal("a connection that works is not up")
	}
}
