package sim

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const (
	edgeVPC  = "vpc-0e"
	edgeRT   = "rtb-0e" // Main: hosts; the gateway propagates into it.
	routerRT = "rtb-1e" // Of the subnet of the appliances.
	vgw      = "vgw-0e"
	gwVPN1   = "vpn-0e1"
	gwVPN2   = "vpn-0e2"
	boxA     = "i-0a"
	boxB     = "i-0b"
	eniA     = "eni-0a"
	eniB     = "eni-0b"
	list     = "pl-0a"
	list6    = "pl-06"
)

// edgeTopology is one VPC with a virtual private gateway that has two VPN
// connections, one of them with one tunnel, to two sites, and with a pair of
// router appliances that have lines to the second site; and prefix lists.
func edgeTopology() Topology {
	return Topology{
		Account: account, Region: region,
		VPCs: []VPCSpec{
			{ID: edgeVPC, CIDRs: []string{"10.1.0.0/16"}, Tables: []VPCTableSpec{
				{ID: edgeRT, Propagated: []string{vgw}, Routes: []RouteSpec{{Destination: "172.20.0.0/16", Target: eniA}}},
				{ID: routerRT, Subnets: []string{"10.1.9.0/24"}},
			}},
			{ID: "vpc-1e", CIDRs: []string{"10.9.0.0/16"}, Tables: []VPCTableSpec{{ID: "rtb-2e"}}},
		},
		VPNGateways: []VPNGatewaySpec{{ID: vgw, Name: "old", VPC: edgeVPC}, {ID: "vgw-1e", VPC: "vpc-1e"}},
		VPNs: []VPNSpec{
			{ID: gwVPN1, VPNGateway: vgw, Site: "dc", Routes: []string{"192.168.0.0/16", "10.1.7.0/24"}, Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2"}}},
			{ID: gwVPN2, VPNGateway: vgw, Site: "far", Routes: []string{"172.20.0.0/16", "192.168.0.0/16"}, Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.3"}}},
		},
		Appliances: []ApplianceSpec{
			{Instance: boxA, Interface: eniA, Name: "a", VPC: edgeVPC, Address: "10.1.9.10", Site: "far", Peer: eniB},
			{Instance: boxB, Interface: eniB, VPC: edgeVPC, Address: "10.1.9.11", Site: "far", Peer: eniA},
		},
		PrefixLists: []PrefixListSpec{
			{ID: list, Name: "far nets", MaxEntries: 3, Entries: []string{"172.30.0.0/16", "172.20.5.0/24"}, Shared: []string{foreign}},
			{ID: list6, MaxEntries: 2, Entries: []string{"2001:db8::/32"}},
		},
		Sites: []SiteSpec{
			{Name: "dc", Networks: []string{"192.168.0.0/16"}, Routes: []SiteRouteSpec{{Destination: "0.0.0.0/0", Via: []string{gwVPN1}}}},
			{Name: "far", Networks: []string{"172.16.0.0/12"}, Routes: []SiteRouteSpec{{Destination: "10.1.0.0/16", Via: []string{eniA, eniB, gwVPN2}}, {Destination: "192.168.0.0/16", Via: []string{gwVPN2}}}},
		},
		Hosts: []HostSpec{
			{Name: "app", Address: "10.1.1.10", In: edgeVPC},
			{Name: "dc", Address: "192.168.0.10", In: "dc"},
			{Name: "far", Address: "172.20.0.10", In: "far"},
			{Name: "far5", Address: "172.20.5.10", In: "far"},
			{Name: "far30", Address: "172.30.0.10", In: "far"},
		},
	}
}

func edge(t *testing.T, opts Options) (*World, *handClock) {
	t.Helper()
	clock := newHandClock()
	w, err := NewWorld(clock, edgeTopology(), opts)
	if err != nil {
		t.Fatalf("NewWorld: %v", err)
	}
	return w, clock
}

// entries shows a VPC table as "destination>target origin state", in order.
func entries(w *World, c Caller, table string) []string {
	var shown []string
	for _, view := range w.RouteTables(c) {
		for _, r := range view.Routes {
			if view.ID == table {
				shown = append(shown, r.Destination.String()+">"+r.Target+" "+r.Origin+" "+r.State)
			}
		}
	}
	return shown
}

func wantEntries(t *testing.T, w *World, c Caller, table string, want ...string) {
	t.Helper()
	if got := entries(w, c, table); !slices.Equal(got, want) {
		t.Fatalf("%s shows\n%s\nwant\n%s", table, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func wantReach(t *testing.T, w *World, from, to string, forward, back []string) {
	t.Helper()
	if trace := w.Reach(from, to); !trace.OK || !slices.Equal(trace.ForwardVia, forward) || !slices.Equal(trace.ReturnVia, back) {
		t.Fatalf("%s to %s: got %+v, want forward over %v and back over %v", from, to, trace, forward, back)
	}
}

func wantDrop(t *testing.T, w *World, from, to, reason string) {
	t.Helper()
	if trace := w.Reach(from, to); trace.OK || trace.Reason != reason {
		t.Fatalf("%s to %s: got %+v, want %q", from, to, trace, reason)
	}
}

// health shows the history from the given line on, as "resource field value kind".
func health(w *World, from int) []string {
	var lines []string
	for _, c := range w.HealthHistory()[from:] {
		lines = append(lines, strings.Join([]string{c.Resource, c.Field, c.Value, c.Kind}, " "))
	}
	return lines
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func blocks(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestEdgeTopologyErrorsNameFieldValueAndRemedy(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*Topology)
		wanted []string
	}{
		{"vgw id", func(p *Topology) { p.VPNGateways[0].ID = "gw" }, []string{`vpnGateways[0].id is "gw"`, `starts with "vgw-"`}},
		{"vgw vpc", func(p *Topology) { p.VPNGateways[0].VPC = "vpc-9" }, []string{`vpnGateways[0].vpc is "vpc-9"`, "use one of vpc-0e"}},
		{"two on a vpc", func(p *Topology) { p.VPNGateways[1].VPC = edgeVPC }, []string{"a VPC has one virtual private gateway"}},
		{"propagated", func(p *Topology) { p.VPCs[0].Tables[0].Propagated = []string{"vgw-1e"} }, []string{`vpcs[0].tables[0].propagated[0] is "vgw-1e"`, "attached to it"}},
		{"propagated twice", func(p *Topology) { p.VPCs[0].Tables[0].Propagated = []string{vgw, vgw} }, []string{"for the second time"}},
		{"vpn gateway", func(p *Topology) { p.VPNs[0].VPNGateway = "vgw-9" }, []string{`vpns[0].vpnGateway is "vgw-9"`, "use one of vgw-0e"}},
		{"both ends", func(p *Topology) { p.VPNs[0].Attachment.ID = "tgw-attach-0a" }, []string{"vpns[0] has both", "keep one"}},
		{"no ends", func(p *Topology) { p.VPNs[0].VPNGateway, p.VPNs[0].Routes = "", nil }, []string{`vpns[0].attachment.id is ""`}},
		{"routes on a TGW", func(p *Topology) { p.VPNs[0].VPNGateway = "" }, []string{"vpns[0].routes is set", "transit gateway's tables"}},
		{"vpn route twice", func(p *Topology) { p.VPNs[0].Routes = []string{"10.0.0.0/8", "10.0.0.0/8"} }, []string{`vpns[0].routes[1] is "10.0.0.0/8"`}},
		{"vpn route IPv6", func(p *Topology) { p.VPNs[0].Routes = []string{"::/0"} }, []string{"no IPv6"}},
		{"box instance", func(p *Topology) { p.Appliances[0].Instance = "x" }, []string{`appliances[0].instance is "x"`}},
		{"box interface", func(p *Topology) { p.Appliances[1].Interface = eniA }, []string{`appliances[1].interface is "eni-0a"`, "has already"}},
		{"box vpc", func(p *Topology) { p.Appliances[0].VPC = "vpc-9" }, []string{`appliances[0].vpc is "vpc-9"`}},
		{"box address", func(p *Topology) { p.Appliances[0].Address = "10.2.0.1" }, []string{`appliances[0].address is "10.2.0.1"`, "CIDR blocks of vpc-0e"}},
		{"box site", func(p *Topology) { p.Appliances[0].Site = "moon" }, []string{`appliances[0].site is "moon"`}},
		{"box peer", func(p *Topology) { p.Appliances[0].Peer = eniA }, []string{`appliances[0].peer is "eni-0a"`, "another appliance"}},
		{"via of another site", func(p *Topology) { p.Sites[0].Routes[0].Via = []string{eniA} }, []string{`sites[0].routes[0].via[0] is "eni-0a"`}},
		{"via by instance", func(p *Topology) { p.Sites[1].Routes[0].Via = []string{boxA} }, []string{`sites[1].routes[0].via[0] is "i-0a"`}},
		{"list id", func(p *Topology) { p.PrefixLists[0].ID = "list" }, []string{`prefixLists[0].id is "list"`}},
		{"list size", func(p *Topology) { p.PrefixLists[0].MaxEntries = 1 }, []string{"prefixLists[0].maxEntries is 1", "2 entries"}},
		{"list too large", func(p *Topology) { p.PrefixLists[0].MaxEntries = 1001 }, []string{"from 1 to 1000"}},
		{"list family", func(p *Topology) { p.PrefixLists[0].Entries[1] = "::/0" }, []string{`prefixLists[0].entries[1] is "::/0"`, "one address family"}},
		{"list twice", func(p *Topology) { p.PrefixLists[0].Entries[1] = "172.30.0.0/16" }, []string{"for the second time"}},
		{"list shared", func(p *Topology) { p.PrefixLists[0].Shared = []string{"me"} }, []string{`prefixLists[0].shared[0] is "me"`}},
		{"unknown list", func(p *Topology) { p.VPCs[0].Tables[0].Routes[0].Destination = "pl-99" }, []string{`routes[0].destination is "pl-99"`, "share it with account"}},
		{"list of another Region", func(p *Topology) {
			p.PrefixLists[0].Region, p.VPCs[0].Tables[0].Routes[0].Destination = "eu-west-1", list
		}, []string{"name one of its Region"}},
		{"eni of another vpc", func(p *Topology) { p.VPCs[1].Tables[0].Routes = []RouteSpec{{Destination: "0.0.0.0/0", Target: eniA}} }, []string{"belong to different networks"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			topo := edgeTopology()
			c.spoil(&topo)
			wantRefused(t, topo, c.wanted)
		})
	}
}
