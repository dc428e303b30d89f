package sim

import (
	"fmt"
	"strings"
)

// The attachments of bgpTopology, in the order of their ids: those of VPCs, of
// Direct Connect gateways, of Connect attachments, of VPN connections.
const (
	bgpVPC1  = "tgw-attach-a1"
	bgpVPC2  = "tgw-attach-a2"
	bgpDX1   = "tgw-attach-d1"
	bgpDX2   = "tgw-attach-d2"
	bgpConn1 = "tgw-attach-c1"
	bgpConn2 = "tgw-attach-c2"
	bgpConn3 = "tgw-attach-c0"
	bgpAtt1  = "tgw-attach-e1"
	bgpAtt2  = "tgw-attach-e2"
	bgpAtt3  = "tgw-attach-e3"

	// The Connect peers, of bgpConn1 to 3: two of AS 65021, one of the transit
	// gateway's own AS. Their order is not that of their attachments.
	outer1 = "tgw-connect-peer-e9"
	outer2 = "tgw-connect-peer-e2"
	inner  = "tgw-connect-peer-i1"

	// The VPN connections: two of the site's AS 65010, one of AS 65030.
	bgpVPN1 = "vpn-e1"
	bgpVPN2 = "vpn-e2"
	bgpVPN3 = "vpn-e3"

	bgpRT  = "tgw-rtb-b1" // Everything teaches it, and looks routes up in it.
	watch  = "tgw-rtb-b2" // Only bgpConn3 teaches it.
	target = "10.128.0.0/10"
)

// bgpTopology is one transit gateway with several attachments of each type that
// BGP runs over. No router announces anything.
func bgpTopology() Topology {
	everything := []string{bgpVPC1, bgpVPC2, bgpDX1, bgpDX2, bgpConn1, bgpConn2, bgpConn3, bgpAtt1, bgpAtt2, bgpAtt3}
	on := func(id string) AttachmentSpec { return AttachmentSpec{ID: id, TransitGateway: gw} }
	t := Topology{
		Account: account, Region: region,
		TransitGateways: []TransitGatewaySpec{{ID: gw, ASN: 64999, Tables: []TransitGatewayTable{
			{ID: bgpRT, Associated: everything, Propagated: everything}, {ID: watch, Propagated: []string{bgpConn3}},
		}}},
		VPCs: []VPCSpec{
			{ID: vpcA, CIDRs: []string{"172.30.0.0/16"}, Attachments: []AttachmentSpec{on(bgpVPC1)}, Tables: []VPCTableSpec{
				{ID: mainRT, Routes: []RouteSpec{{Destination: target, Target: gw}}},
			}},
			{ID: vpcB, CIDRs: []string{"172.31.0.0/16"}, Attachments: []AttachmentSpec{on(bgpVPC2)}, Tables: []VPCTableSpec{{ID: vpcBRT}}},
		},
		Sites: []SiteSpec{{Name: "dc", ASN: 65010, Networks: []string{target}, Routes: []SiteRouteSpec{{Destination: "172.16.0.0/12", Via: []string{bgpVPN1}}}}},
		Hosts: []HostSpec{{Name: "a", Address: "172.30.0.10", In: vpcA}},
	}
	for i := range 16 {
		t.Hosts = append(t.Hosts, HostSpec{Name: fmt.Sprintf("dc%d", i), Address: fmt.Sprintf("10.128.0.%d", i+1), In: "dc"})
	}
	for i, id := range []string{bgpDX1, bgpDX2} {
		t.DirectConnects = append(t.DirectConnects, DirectConnectSpec{
			Attachment: on(id), Gateway: fmt.Sprintf("11111111-2222-4333-8444-55555555555%d", i), Site: "dc", AllowedPrefixes: []string{"172.16.0.0/12"},
		})
	}
	for i, id := range []string{bgpConn1, bgpConn2, bgpConn3} {
		peer := ConnectPeerSpec{
			ID: []string{outer1, outer2, inner}[i], PeerAddress: fmt.Sprintf("172.30.2.%d", i+1), TransitGatewayAddress: fmt.Sprintf("192.168.151.%d", i+1),
			InsideCIDR: fmt.Sprintf("169.254.6.%d/29", 8*i), PeerASN: []int{65021, 65021, 0}[i],
		}
		t.Connects = append(t.Connects, ConnectSpec{Attachment: on(id), Transport: bgpVPC1, Site: "dc", Peers: []ConnectPeerSpec{peer}})
	}
	for i, id := range []string{bgpAtt1, bgpAtt2, bgpAtt3} {
		t.VPNs = append(t.VPNs, VPNSpec{
			ID: []string{bgpVPN1, bgpVPN2, bgpVPN3}[i], Attachment: on(id), Site: "dc", BGP: &VPNBGPSpec{ASN: []int{0, 0, 65030}[i]},
			Tunnels: []TunnelSpec{{OutsideIP: fmt.Sprintf("198.51.100.%d", 2*i+1)}, {OutsideIP: fmt.Sprintf("198.51.100.%d", 2*i+2)}},
		})
	}
	return t
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

func bgpLab(t tester, opts Options, change ...func(*Topology)) (*World, *handClock) {
	t.Helper()
	topo := bgpTopology()
	for _, fn := range change {
		fn(&topo)
	}
	clock := newHandClock()
	w, err := NewWorld(clock, topo, opts)
	if err != nil {
		t.Fatalf("NewWorld: %v", err)
	}
	return w, clock
}

// says is one announcement of a test: who, and the attributes.
type says struct {
	who  string
	path []int
	med  *int
}

func med(value int) *int { return &value }

func (a says) spec(prefix string) AnnouncementSpec {
	return AnnouncementSpec{Prefix: prefix, ASPath: a.path, MED: a.med, NextHopSelf: true}
}

// joined shows the attachments of a TGW table's route, "" for none.
func joined(w *World, table, dst string) string {
	routes, _ := w.TransitGatewayRoutes(me(), table)
	for _, route := range routes {
		if route.Destination != cidr(dst) {
			continue
		}
		ids := make([]string, 0, len(route.Attachments))
		for _, ref := range route.Attachments {
			ids = append(ids, ref.ID)
		}
		return strings.Join(append(ids, route.State), " ")
	}
	return ""
}

// wantJoined expects a route of bgpRT by its attachments; none for no route.
func wantJoined(t tester, w *World, dst string, attachments ...string) {
	t.Helper()
	want := ""
	if len(attachments) > 0 {
		want = strings.Join(append(attachments, "active"), " ")
	}
	if got := joined(w, bgpRT, dst); got != want {
		t.Fatalf("%s leads to %q, want %q", dst, got, want)
	}
}

// tunnelOf returns what DescribeVpnConnections shows of a tunnel.
func tunnelOf(t tester, w *World, outsideIP string) TunnelView {
	t.Helper()
	for _, v := range w.VPNConnections(me()) {
		for _, tunnel := range v.Tunnels {
			if tunnel.OutsideIP == outsideIP {
				return tunnel
			}
		}
	}
	t.Fatalf("no tunnel %s", outsideIP)
	return TunnelView{}
}

// changes returns the change types of the events, in order.
func changes(events []map[string]any) []string {
	var types []string
	for _, event := range events {
		types = append(types, fmt.Sprint(detail(event)["changeType"]))
	}
	return types
}

func wantError(t tester, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %s", err, want)
	}
}
