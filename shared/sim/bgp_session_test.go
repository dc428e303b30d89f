package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	upDown   = "VPN-CONNECTION-BGP-DOWN"
	upAgain  = "VPN-CONNECTION-BGP-ESTABLISH"
	installs = "TGW-ROUTE-INSTALLED"
	removes  = "TGW-ROUTE-UNINSTALLED"
)

// TestWhatConnectTakes: field story A, and the other rules of the import. The
// sessions are up in every case.
func TestWhatConnectTakes(t *testing.T) {
	for name, c := range map[string]struct {
		who   string
		spec  AnnouncementSpec
		taken bool
	}{
		"iBGP with AS_PATH 100":            {inner, AnnouncementSpec{Prefix: target, ASPath: []int{100}, NextHopSelf: true}, true},
		"iBGP with an empty AS_PATH":       {inner, AnnouncementSpec{Prefix: target, NextHopSelf: true}, false},
		"iBGP without next-hop-self":       {inner, AnnouncementSpec{Prefix: target, ASPath: []int{100}}, false},
		"iBGP: MED changes nothing":        {inner, AnnouncementSpec{Prefix: target, MED: med(0), NextHopSelf: true}, false},
		"eBGP with an empty AS_PATH":       {outer1, AnnouncementSpec{Prefix: target}, true},
		"iBGP with the gateway's own ASN":  {inner, AnnouncementSpec{Prefix: target, ASPath: []int{100, 64999}, NextHopSelf: true}, false},
		"eBGP with the gateway's own ASN":  {outer1, AnnouncementSpec{Prefix: target, ASPath: []int{64999}}, false},
		"IPv6 over the same eBGP sessions": {outer1, AnnouncementSpec{Prefix: "2001:db8::/32"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, clock := bgpLab(t, Options{})
			must(t, w.Announce(c.who, c.spec))
			clock.advance(time.Minute)
			if got := joined(w, bgpRT, c.spec.Prefix) != ""; got != c.taken {
				t.Errorf("the route stands: %t", got)
			}
			if _, up := told(t, w, me(), c.who); up != [2]bool{true, true} {
				t.Errorf("sessions are %v", up)
			}
		})
	}
}

// TestPlainAnnouncementsAreTaken: those of a topology that says nothing of
// attributes, over iBGP too, and on Direct Connect.
func TestPlainAnnouncementsAreTaken(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) {
		topo.Connects[2].Announces = []string{target}
		topo.DirectConnects[1].Announces = []string{"10.64.0.0/10"}
	})
	wantJoined(t, w, target, bgpConn3)
	wantJoined(t, w, "10.64.0.0/10", bgpDX2)
}

// TestTheNearerAnnouncementCounts: what is said of a peer in place of what is said
// of its attachment, and that in place of what is said of the site.
func TestTheNearerAnnouncementCounts(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) {
		topo.Sites[0].Announces = []AnnouncementSpec{{Prefix: target, ASPath: []int{1, 2, 3}}, {Prefix: "10.64.0.0/10"}}
		topo.DirectConnects[1].Routes = []AnnouncementSpec{{Prefix: target, ASPath: []int{1}}}
	})
	wantJoined(t, w, target, bgpDX2)
	wantJoined(t, w, "10.64.0.0/10", bgpDX1, bgpDX2)
	must(t, w.Announce("dc", AnnouncementSpec{Prefix: target, ASPath: []int{4}}))
	must(t, w.Announce(bgpDX2, AnnouncementSpec{Prefix: target, ASPath: []int{4}}))
	wantJoined(t, w, target, bgpDX1, bgpDX2)
	must(t, w.Withdraw("dc", target))
	must(t, w.Withdraw("dc", "10.65.0.0/16")) // Never announced.
	wantJoined(t, w, target, bgpDX2)
}

// TestBGPOfATunnelFails: hold time, withdrawal, telemetry and event, and the way
// back. IPsec stays up all the time.
func TestBGPOfATunnelFails(t *testing.T) {
	w, clock := bgpLab(t, Options{TelemetryLag: 10 * time.Second})
	must(t, w.Announce(bgpVPN1, says{}.spec(target)))
	must(t, w.Announce(bgpVPN1, says{}.spec("10.0.0.0/16")))
	clock.advance(time.Minute)
	view := tunnelOf(t, w, "198.51.100.1")
	if !view.Up || view.AcceptedRouteCount != 2 || view.StatusMessage != "2 BGP ROUTES" || !view.LastStatusChange.Before(clock.now.Add(-time.Minute+time.Second)) {
		t.Fatalf("got %+v", view)
	}
	events := heard(t, w)
	must(t, w.SetBGP(bgpVPN1, "", false))
	failed := clock.now
	clock.advance(30*time.Second - 1)
	wantJoined(t, w, target, bgpAtt1)
	clock.advance(1)
	wantJoined(t, w, target)
	if view := tunnelOf(t, w, "198.51.100.1"); !view.Up {
		t.Fatal("the telemetry has no lag")
	}
	clock.advance(10 * time.Second)
	want := TunnelView{OutsideIP: "198.51.100.1", StatusMessage: "IPSEC IS UP", LastStatusChange: failed.Add(30 * time.Second)}
	if view := tunnelOf(t, w, "198.51.100.1"); view != want {
		t.Fatalf("got %+v, want %+v", view, want)
	}
	if up, total := w.Reported(bgpVPN1); up != 0 || total != 2 || w.PathUp(bgpVPN1) || !w.PathUp(bgpVPN2) {
		t.Fatalf("%d of %d reported up", up, total)
	}
	if got, want := changes(*events), []string{upDown, upDown, removes}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i, event := range (*events)[:2] {
		d := detail(event)
		if d["peerAsn"] != "65010" || d["outsideIpAddress"] != fmt.Sprintf("198.51.100.%d", i+1) || d["vpnConnectionArn"] != "arn:aws:ec2:us-west-2:111122223333:vpn-connection/vpn-e1" ||
			d["transitGatewayAttachmentArn"] != "arn:aws:ec2:us-west-2:111122223333:transit-gateway-attachment/tgw-attach-e1" || event["detail-type"] != "Network Manager Status Update" {
			t.Errorf("got %v", event)
		}
	}
	*events = nil
	must(t, w.SetBGP(bgpVPN1, "198.51.100.2", true))
	clock.advance(5*time.Second - 1)
	wantJoined(t, w, target)
	clock.advance(time.Minute)
	wantJoined(t, w, target, bgpAtt1)
	if got, want := changes(*events), []string{upAgain, installs}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if first, second := tunnelOf(t, w, "198.51.100.1"), tunnelOf(t, w, "198.51.100.2"); first.Up || !second.Up || second.AcceptedRouteCount != 2 {
		t.Errorf("got %+v and %+v", first, second)
	}
	if trace := w.Reach("a", "dc0"); !trace.OK || !slices.Contains(trace.Hops, "vpn-e1: tunnel 198.51.100.2 to dc") {
		t.Errorf("got %+v", trace)
	}
}

func TestSessionThatIsBackBeforeTheHoldTimeIsUpStaysUp(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	must(t, w.Announce(bgpVPN1, says{}.spec(target)))
	clock.advance(time.Minute)
	events := heard(t, w)
	for range 3 {
		must(t, w.SetBGP(bgpVPN1, "", false))
		clock.advance(29 * time.Second)
		must(t, w.SetBGP(bgpVPN1, "", true))
		clock.advance(2 * time.Second)
	}
	clock.advance(time.Minute)
	wantJoined(t, w, target, bgpAtt1)
	if len(*events) != 0 {
		t.Errorf("got %v", changes(*events))
	}
}

// TestSessionGoesWithItsTunnel: IPsec and the session fail together, one event
// each; IPsec comes back first.
func TestSessionGoesWithItsTunnel(t *testing.T) {
	for _, c := range []struct {
		detect, gone time.Duration
	}{{30 * time.Second, 30 * time.Second}, {time.Minute, 30 * time.Second}, {10 * time.Second, 10 * time.Second}} {
		w, clock := bgpLab(t, Options{DetectAfter: c.detect})
		must(t, w.Announce(bgpVPN1, says{}.spec(target)))
		must(t, w.SetBGP(bgpVPN1, "198.51.100.2", false))
		clock.advance(time.Minute)
		events := heard(t, w)
		must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", false))
		clock.advance(c.gone - 1)
		wantJoined(t, w, target, bgpAtt1)
		clock.advance(1)
		wantJoined(t, w, target)
		clock.advance(2 * time.Minute)
		got := changes(*events)
		slices.Sort(got)
		if want := []string{removes, upDown, "VPN-CONNECTION-IPSEC-DOWN"}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if view := tunnelOf(t, w, "198.51.100.1"); view.Up || view.StatusMessage != "IPSEC IS DOWN" || view.AcceptedRouteCount != 0 {
			t.Fatalf("got %+v", view)
		}
		*events = nil
		must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", true))
		clock.advance(5 * time.Second)
		if view := tunnelOf(t, w, "198.51.100.1"); view.Up || view.StatusMessage != "IPSEC IS UP" {
			t.Fatalf("got %+v", view)
		}
		clock.advance(5 * time.Second)
		wantJoined(t, w, target, bgpAtt1)
		clock.advance(time.Minute)
		if got, want := changes(*events), []string{"VPN-CONNECTION-IPSEC-UP", upAgain, installs}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// TestStaticToAVPNWithoutItsSession: it is a blackhole as with a connection whose
// tunnels are down, and hides the route of another attachment.
func TestStaticToAVPNWithoutItsSession(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	must(t, w.Announce(bgpVPN2, says{}.spec(target)))
	_, _, refused := w.CreateTransitGatewayRoute(me(), bgpRT, cidr(target), bgpAtt1)
	wantOK(t, refused)
	must(t, w.SetBGP(bgpVPN1, "", false))
	clock.advance(time.Minute)
	if got := joined(w, bgpRT, target); got != bgpAtt1+" blackhole" {
		t.Fatalf("got %q", got)
	}
	must(t, w.SetBGP(bgpVPN1, "", true))
	clock.advance(time.Minute)
	wantJoined(t, w, target, bgpAtt1)
}

// TestStaticHidesAndUncovers a learned route, with the events of both.
func TestStaticHidesAndUncovers(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	events := heard(t, w)
	must(t, w.Announce(bgpVPN1, says{path: []int{7}, med: med(3)}.spec("0.0.0.0/0")))
	_, _, refused := w.CreateTransitGatewayRoute(me(), bgpRT, cidr("0.0.0.0/0"), blackhole)
	wantOK(t, refused)
	if got := joined(w, bgpRT, "0.0.0.0/0"); got != blackhole {
		t.Fatalf("got %q", got)
	}
	must(t, w.Withdraw(bgpVPN1, "0.0.0.0/0"))
	must(t, w.Announce(bgpVPN2, says{}.spec("0.0.0.0/0")))
	_, _, refused = w.DeleteTransitGatewayRoute(me(), bgpRT, cidr("0.0.0.0/0"))
	wantOK(t, refused)
	wantJoined(t, w, "0.0.0.0/0", bgpAtt2)
	clock.advance(time.Minute)
	if got, want := changes(*events), []string{installs, installs, removes, installs}; !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	routes, _ := detail((*events)[0])["routes"].([]any)
	learned := map[string]any{
		"destinationCidrBlock": "0.0.0.0/0", "routeType": "route_propagated", "routeState": "active", "propagatedRouteFamily": "bgp",
		"attachments":   []any{map[string]any{"tgwAttachmentId": bgpAtt1, "resourceId": bgpVPN1, "attachmentType": "vpn"}},
		"bgpAttributes": map[string]any{"med": "3", "asPath": []any{"AS_SEQ: [65010, 7]"}},
	}
	if len(routes) != 1 || fmt.Sprint(routes[0]) != fmt.Sprint(learned) {
		t.Errorf("got %v, want %v", routes, learned)
	}
	for i, kind := range []string{"route_propagated", "route_static", "route_static", "route_propagated"} {
		routes, _ := detail((*events)[i])["routes"].([]any)
		first, _ := routes[0].(map[string]any)
		if _, family := first["propagatedRouteFamily"]; first["routeType"] != kind || family != (kind == "route_propagated") {
			t.Errorf("event %d: got %v", i, first)
		}
	}
}

// TestManyRoutesShareEvents: 250 routes that go with a session are three events of
// one table, with every route once.
func TestManyRoutesShareEvents(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) { topo.DirectConnects[0].Routes = many(250) })
	events := heard(t, w)
	must(t, w.SetDirectConnect(bgpDX1, false))
	clock.advance(2 * time.Minute)
	seen := make(map[string]bool)
	for _, event := range *events {
		if detail(event)["changeType"] != removes {
			t.Fatalf("got %v", event)
		}
		routes, _ := detail(event)["routes"].([]any)
		for _, r := range routes {
			entry, _ := r.(map[string]any)
			seen[fmt.Sprint(entry["destinationCidrBlock"])] = true
		}
	}
	if len(*events) != 3 || len(seen) != 250 {
		t.Errorf("%d events of %d routes", len(*events), len(seen))
	}
}

// many makes n announcements.
func many(n int) []AnnouncementSpec {
	specs := make([]AnnouncementSpec, 0, n)
	for i := range n {
		specs = append(specs, AnnouncementSpec{Prefix: fmt.Sprintf("100.%d.%d.0/24", 64+i/256, i%256), ASPath: []int{9}, NextHopSelf: true})
	}
	return specs
}

// TestTooManyRoutesOverAVPNResetItsSessions: 1,000 are borne, one more ends the
// session, which is tried again and ended again until the router announces less.
func TestTooManyRoutesOverAVPNResetItsSessions(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) { topo.VPNs[0].BGP.Announces = many(1_000) })
	if view := tunnelOf(t, w, "198.51.100.1"); !view.Up || view.AcceptedRouteCount != 1_000 {
		t.Fatalf("got %+v", view)
	}
	wantJoined(t, w, "100.64.3.0/24", bgpAtt1)
	events := heard(t, w)
	must(t, w.Announce(bgpVPN1, says{}.spec(target)))
	wantJoined(t, w, "100.64.3.0/24")
	if view := tunnelOf(t, w, "198.51.100.1"); view.Up || view.StatusMessage != "IPSEC IS UP" {
		t.Fatalf("got %+v", view)
	}
	clock.advance(70 * time.Second)
	wantJoined(t, w, "100.64.3.0/24")
	counts := make(map[string]int)
	for _, change := range changes(*events) {
		counts[change]++
	}
	if counts[upDown] != 6 || counts[upAgain] != 4 || counts[installs] != 0 {
		t.Errorf("got %v", counts)
	}
	must(t, w.Withdraw(bgpVPN1, target))
	clock.advance(30 * time.Second)
	wantJoined(t, w, "100.64.3.0/24", bgpAtt1)
	if view := tunnelOf(t, w, "198.51.100.1"); !view.Up || view.AcceptedRouteCount != 1_000 {
		t.Errorf("got %+v", view)
	}
}

func TestTooManyRoutesAtTheStart(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) { topo.VPNs[0].BGP.Announces = many(1_001) })
	for range 2 {
		if view := tunnelOf(t, w, "198.51.100.1"); view.Up || joined(w, bgpRT, "100.64.3.0/24") != "" {
			t.Fatalf("got %+v", view)
		}
		clock.advance(40 * time.Second)
	}
	must(t, w.Withdraw(bgpVPN1, "100.64.3.0/24"))
	clock.advance(30 * time.Second)
	wantJoined(t, w, "100.64.4.0/24", bgpAtt1)
}

// TestTooManyRoutesOverConnect: by the switch, the first 1,000 or none.
func TestTooManyRoutesOverConnect(t *testing.T) {
	tooMany := func(topo *Topology) { topo.Connects[2].Peers[0].Announces = many(1_001) }
	w, _ := bgpLab(t, Options{}, tooMany)
	wantJoined(t, w, "100.64.0.0/24", bgpConn3)
	wantJoined(t, w, "100.67.231.0/24", bgpConn3) // The thousandth.
	wantJoined(t, w, "100.67.232.0/24")
	w, clock := bgpLab(t, Options{ConnectLimitResets: true}, tooMany)
	wantJoined(t, w, "100.64.0.0/24")
	if _, up := told(t, w, me(), inner); up != [2]bool{} {
		t.Fatalf("sessions are %v", up)
	}
	must(t, w.Withdraw(inner, "100.64.0.0/24"))
	clock.advance(30 * time.Second)
	wantJoined(t, w, "100.64.1.0/24", bgpConn3)
	if _, up := told(t, w, me(), inner); up != [2]bool{true, true} {
		t.Fatalf("sessions are %v", up)
	}
}

// TestDeletedVPNWithBGP: its routes go at once, and timers of before do nothing.
func TestDeletedVPNWithBGP(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	must(t, w.Announce(bgpVPN1, says{}.spec(target)))
	must(t, w.SetBGP(bgpVPN1, "", false))
	must(t, w.DeleteAttachment(bgpAtt1))
	wantJoined(t, w, target)
	clock.advance(time.Minute)
	must(t, w.SetBGP(bgpVPN1, "", true))
	clock.advance(time.Minute)
	wantJoined(t, w, target)
}

// TestBGPDownAtTheStart: nothing is learned, and it comes up like any other.
func TestBGPDownAtTheStart(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) {
		topo.VPNs[0].BGP.Announces = []AnnouncementSpec{{Prefix: target}}
		topo.VPNs[0].Tunnels[0].BGPDown = true
		topo.VPNs[0].Tunnels[1].Down = true
		topo.TransitGateways[0].Tables[0].Routes = []RouteSpec{{Destination: "10.77.0.0/16", Target: bgpAtt1}}
	})
	if got := joined(w, bgpRT, "10.77.0.0/16"); got != bgpAtt1+" blackhole" || w.PathUp(bgpVPN1) || !w.PathUp(bgpVPN2) {
		t.Fatalf("a static to the connection is %q", got)
	}
	if first, second := tunnelOf(t, w, "198.51.100.1"), tunnelOf(t, w, "198.51.100.2"); first.Up || first.StatusMessage != "IPSEC IS UP" || second.Up || second.StatusMessage != "IPSEC IS DOWN" {
		t.Fatalf("got %+v and %+v", first, second)
	}
	wantJoined(t, w, target)
	must(t, w.SetTunnel(bgpVPN1, "198.51.100.2", true))
	clock.advance(10 * time.Second)
	wantJoined(t, w, target, bgpAtt1)
}

func TestBGPVerbsNameWhatExists(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) { topo.VPNs[1].BGP, topo.VPNs[2].BGP = nil, nil })
	for want, err := range map[string]error{
		`"nobody" has no BGP session: use one of dc, tgw-attach-d1,`:    w.Announce("nobody", AnnouncementSpec{Prefix: target}),
		`prefix is "x": write a CIDR block`:                             w.Announce("dc", AnnouncementSpec{Prefix: "x"}),
		`prefix is "10.0.0.1/8", which has host bits`:                   w.Announce("dc", AnnouncementSpec{Prefix: "10.0.0.1/8"}),
		`asPath[1] is 0: write an ASN`:                                  w.Announce("dc", AnnouncementSpec{Prefix: target, ASPath: []int{1, 0}}),
		`med is -1: write a number`:                                     w.Announce("dc", AnnouncementSpec{Prefix: target, MED: med(-1)}),
		`withdrawing for "dc": prefix is "y": write a CIDR block`:       w.Withdraw("dc", "y"),
		`vpn "vpn-e2" has static routing and no BGP session: give it`:   w.SetBGP(bgpVPN2, "", false),
		`vpn "vpn-00" is not in the topology`:                           w.SetBGP("vpn-00", "", false),
		`outside address "192.0.2.7" is not a tunnel of vpn-e1: use on`: w.SetBGP(bgpVPN1, "192.0.2.7", false),
	} {
		wantError(t, err, want)
	}
}

func TestBGPTopologiesThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Topology){
		"transitGateways[0].asn is -1: write an ASN from 1 to 4294967294":                               func(topo *Topology) { topo.TransitGateways[0].ASN = -1 },
		`transitGateways[0].vpnEcmpSupport is "off": write enable or disable`:                           func(topo *Topology) { topo.TransitGateways[0].VPNECMPSupport = "off" },
		"sites[0].announces needs the router's ASN: write asn":                                          func(topo *Topology) { topo.Sites[0].ASN, topo.Sites[0].Announces = 0, many(1) },
		"vpns[0].bgp.asn is missing, and site \"dc\" has no asn either":                                 func(topo *Topology) { topo.Sites[0].ASN = 0 },
		"vpns[2].bgp.asn is 64999, which is the gateway's own: a VPN connection has eBGP":               func(topo *Topology) { topo.VPNs[2].BGP.ASN = 64999 },
		"vpns[0].routes has 1 entries, but the connection has bgp: let its router announce them":        func(topo *Topology) { topo.VPNs[0].Routes = []string{target} },
		"vpns[0].tunnels[1].bgpDown is true, but the connection has no bgp: give it bgp, or write down": func(topo *Topology) { topo.VPNs[0].BGP, topo.VPNs[0].Tunnels[1].BGPDown = nil, true },
		"vpns[0].bgp.announces[1].prefix is \"100.64.0.0/24\", which vpns[0].bgp.announces[0] announces": func(topo *Topology) {
			topo.VPNs[0].BGP.Announces = append(many(1), many(1)...)
		},
		"directConnects[0].asn is 64512, which is the gateway's own: give the two different ASNs": func(topo *Topology) { topo.DirectConnects[0].ASN = 64512 },
		"directConnects[0].routes[0].asPath[0] is 4294967295: write an ASN": func(topo *Topology) {
			topo.DirectConnects[0].Routes = []AnnouncementSpec{{Prefix: target, ASPath: []int{4294967295}}}
		},
		"connects[0].peers[0].announces[0].med is 4294967296: write a number": func(topo *Topology) {
			topo.Connects[0].Peers[0].Announces = []AnnouncementSpec{{Prefix: target, MED: med(4294967296)}}
		},
	} {
		topo := bgpTopology()
		change(&topo)
		wantRefused(t, topo, []string{want})
	}
}
