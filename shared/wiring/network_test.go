package wiring

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/awsclient"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/cloudwatchapi"
	"detour/shared/sim/ec2api"
	"detour/shared/sim/endpoint"
)

const (
	home   = "111122223333"
	region = "eu-west-1"
)

// everything is a network with one path of each kind, a prefix list, and alarms.
func everything() sim.Topology {
	spec := func(id string) sim.AttachmentSpec { return sim.AttachmentSpec{ID: id, TransitGateway: "tgw-0a"} }
	return sim.Topology{
		Account: home, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{
			{
				ID: "tgw-rtb-0a", Associated: []string{"tgw-attach-0a", "tgw-attach-0c"}, Propagated: []string{"tgw-attach-0a", "tgw-attach-0d"},
				Routes: []sim.RouteSpec{{Destination: "pl-0a", Target: "tgw-attach-01"}, {Destination: "192.168.0.0/16", Target: "tgw-attach-01"}},
			},
			{ID: "tgw-rtb-0b", Associated: []string{"tgw-attach-01"}, Routes: []sim.RouteSpec{{Destination: "10.1.0.0/16", Target: "tgw-attach-0a"}}},
		}}},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0a", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{spec("tgw-attach-0a")},
			Tables: []sim.VPCTableSpec{{ID: "rtb-0a", Routes: []sim.RouteSpec{{Destination: "pl-0a", Target: "eni-0a"}}}},
		}},
		VPNs: []sim.VPNSpec{{ID: "vpn-01", Attachment: spec("tgw-attach-01"), Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2"}}}},
		Appliances: []sim.ApplianceSpec{
			{Instance: "i-0a", Interface: "eni-0a", VPC: "vpc-0a", Address: "10.1.0.10", Site: "dc"},
			{Instance: "i-0b", Interface: "eni-0b", VPC: "vpc-0a", Address: "10.1.0.11", Site: "dc", SourceDestCheck: true, Stopped: true},
		},
		DirectConnects: []sim.DirectConnectSpec{{Attachment: spec("tgw-attach-0d"), Gateway: "11111111-2222-3333-4444-555555555555", Site: "dc", Announces: []string{"192.168.0.0/16"}}},
		Connects: []sim.ConnectSpec{{
			Attachment: spec("tgw-attach-0c"), Transport: "tgw-attach-0a", Site: "dc",
			Peers: []sim.ConnectPeerSpec{{ID: "tgw-connect-peer-01", PeerAddress: "10.1.0.20", TransitGatewayAddress: "10.99.0.1", InsideCIDR: "169.254.6.0/29", PeerASN: 65001}},
		}},
		PrefixLists: []sim.PrefixListSpec{{ID: "pl-0a", MaxEntries: 10, Entries: []string{"172.16.0.0/12", "10.64.0.0/16"}, IPAM: true}},
		Alarms:      []sim.AlarmSpec{{Name: "box", Box: "eni-0a"}, {Name: "silent", State: "INSUFFICIENT_DATA"}},
		Sites:       []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}},
	}
}

// inNetwork runs fn as a process of the simulated network, with the ports that a
// function has.
func inNetwork(t *testing.T, groups []protection.Group, fn func(ctx context.Context, p *sim.Process, w *sim.World, n Network)) {
	t.Helper()
	scheduler := sim.NewScheduler(1, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	t.Cleanup(scheduler.Close)
	world, err := sim.NewWorld(scheduler, everything(), sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ec2 := ec2api.New(world)
	faces := endpoint.New(map[string]http.Handler{"ec2": ec2, "sts": ec2, cloudwatchapi.Service: cloudwatchapi.New(world)})
	clients, err := awsclient.New(awsclient.Options{
		Doer: sim.NewTransport(scheduler, faces, nil, world.Record), HomeAccount: home, HomeRegion: region,
		HomeCredentials: awsclient.StaticCredentials(home, "secret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := false
	scheduler.Start("test", func(ctx context.Context, p *sim.Process) {
		fn(ctx, p, world, NewNetwork(clients, p, 5*time.Second, groups, true))
		done = true
	})
	scheduler.RunUntil(scheduler.Now().Add(time.Hour))
	if !done {
		t.Fatal("the process did not come to its end")
	}
}

func subjectsOf(kind health.SubjectKind, ids ...string) []health.Subject {
	var out []health.Subject
	for _, id := range ids {
		out = append(out, health.Subject{Kind: kind, ID: id, Account: home, Region: region})
	}
	return out
}

func factsOf(facts []health.Fact) []string {
	var out []string
	for _, f := range facts {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s%s %s", f.Subject, f.Kind, f.Value, f.Problem, f.Part)))
	}
	return out
}

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestNetworkEvidence(t *testing.T) {
	subjects := slices.Concat(
		subjectsOf(health.SubjectAlarm, "box", "nobody's", "silent"), subjectsOf(health.SubjectInterface, "eni-0b", "eni-0a", "eni-0e"),
		subjectsOf(health.SubjectInstance, "i-0a", "i-0b"), subjectsOf(health.SubjectVPN, "vpn-01"),
		subjectsOf(health.SubjectConnectPeer, "tgw-connect-peer-01", "tgw-connect-peer-0e"),
		subjectsOf(health.SubjectAttachment, "tgw-attach-0d", "tgw-attach-0c", "tgw-attach-0e"),
	)
	var before, after []health.Fact
	var calls []string
	inNetwork(t, nil, func(ctx context.Context, p *sim.Process, w *sim.World, n Network) {
		before = n.Evidence.Read(ctx, subjects)
		for _, call := range w.Calls() {
			calls = append(calls, call.Action)
		}
		for _, err := range []error{
			w.SetForwarding("eni-0a", false), w.SetSession("tgw-connect-peer-01", 2, false), w.SetAttachmentState("tgw-attach-0d", "modifying"),
			w.SetInstance("i-0b", "running"), w.SetSourceDestCheck("eni-0b", false), p.Sleep(ctx, 10*time.Minute),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		after = n.Evidence.Read(ctx, subjects)
	})
	first := []string{
		"box alarm-state OK", "nobody's unreadable gone", "silent alarm-state INSUFFICIENT_DATA",
		"eni-0b interface-instance i-0b", "eni-0b interface-status in-use", "eni-0b source-dest-check true",
		"eni-0a interface-instance i-0a", "eni-0a interface-status in-use", "eni-0a source-dest-check false",
		"eni-0e unreadable gone",
		"i-0a instance-state running", "i-0a instance-status ok", "i-0a system-status ok",
		"i-0b instance-state stopped", "i-0b instance-status not-applicable", "i-0b system-status not-applicable",
		"vpn-01 connection-state available", "vpn-01 tunnel-status UP 198.51.100.1", "vpn-01 tunnel-status UP 198.51.100.2",
		"tgw-connect-peer-01 peer-asn 65001 169.254.6.2", "tgw-connect-peer-01 peer-asn 65001 169.254.6.3",
		"tgw-connect-peer-01 peer-state available", "tgw-connect-peer-01 session-status up 169.254.6.2", "tgw-connect-peer-01 session-status up 169.254.6.3",
		"tgw-connect-peer-01 transit-gateway-asn 64512 169.254.6.2", "tgw-connect-peer-01 transit-gateway-asn 64512 169.254.6.3",
		"tgw-connect-peer-0e unreadable gone",
		"tgw-attach-0d attachment-state available", "tgw-attach-0c attachment-state available", "tgw-attach-0e unreadable gone",
	}
	wantLines(t, "before", factsOf(before), first)
	second := slices.Clone(first)
	second[0] = "box alarm-state ALARM"
	second[5] = "eni-0b source-dest-check false"
	second[13], second[14], second[15] = "i-0b instance-state running", "i-0b instance-status ok", "i-0b system-status ok"
	second[23] = "tgw-connect-peer-01 session-status down 169.254.6.3"
	second[27] = "tgw-attach-0d attachment-state modifying"
	wantLines(t, "after", factsOf(after), second)
	if changed := after[0].ChangedAt; changed.IsZero() || !changed.Before(after[0].ObservedAt) || !changed.After(before[0].ChangedAt) {
		t.Errorf("the alarm changed at %s and then at %s", before[0].ChangedAt, changed)
	}
	// One call of each API, and one more for each subject beside one that is
	// missing; an alarm that is missing spoils nothing.
	slices.Sort(calls)
	wantLines(t, "calls", slices.Compact(slices.Clone(calls)), []string{
		"DescribeAlarms", "DescribeInstanceStatus", "DescribeNetworkInterfaces", "DescribeTransitGatewayAttachments",
		"DescribeTransitGatewayConnectPeers", "DescribeVpnConnections",
	})
	if len(calls) != 6+3+2+3 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
}

func TestNetworkLists(t *testing.T) {
	table := func(id string) route.Table {
		kind, err := route.KindOfTable(id)
		if err != nil {
			t.Fatal(err)
		}
		return route.Table{Kind: kind, ID: id, Account: home, Region: region}
	}
	key := protection.EntryKey{Table: table("tgw-rtb-0a"), Destination: route.PrefixList("pl-0a")}
	groups := []protection.Group{{Units: []protection.Unit{{Entries: []protection.Entry{{EntryKey: key}}}}}}
	var readings []route.Reading
	var lists []route.ListReading
	inNetwork(t, groups, func(ctx context.Context, _ *sim.Process, w *sim.World, n Network) {
		readings = n.Tables.Read(ctx, []route.Table{table("tgw-rtb-0a"), table("rtb-0a")})
		ref := []route.ListRef{{ID: "pl-0a", Account: home, Region: region}, {ID: "pl-0e", Account: home, Region: region}}
		lists = n.Lists.Read(ctx, ref)
		if err := w.SetPrefixListEntries("somebody", "pl-0a", []netip.Prefix{netip.MustParsePrefix("10.65.0.0/16")}, nil); err != nil {
			t.Error(err)
		}
		lists = append(lists, n.Lists.Read(ctx, ref[:1])...)
	})
	for _, r := range readings {
		standing, ok := r.Static(route.PrefixList("pl-0a"))
		if !r.Complete || !ok || standing.State != route.StateActive || (standing.NextHop.ID != "tgw-attach-01" && standing.NextHop.ID != "eni-0a") {
			t.Errorf("the reading is %+v", r)
		}
	}
	var got []string
	for _, l := range lists {
		got = append(got, fmt.Sprintf("%s %s v%d of %d ipam %t %v %t %s", l.List.ID, l.Owner, l.Version, l.MaxEntries, l.IPAM, l.Entries, l.Complete, l.Problem))
	}
	wantLines(t, "lists", got, []string{
		"pl-0a 111122223333 v1 of 10 ipam true [10.64.0.0/16 172.16.0.0/12] true ",
		"pl-0e  v0 of 0 ipam false [] false gone",
		"pl-0a 111122223333 v2 of 10 ipam true [10.64.0.0/16 10.65.0.0/16 172.16.0.0/12] true ",
	})
}

func TestNetworkSurroundings(t *testing.T) {
	inNetwork(t, nil, func(ctx context.Context, _ *sim.Process, _ *sim.World, n Network) {
		asked := []route.Table{
			{Kind: route.TransitGatewayTable, ID: "tgw-rtb-0b", Account: home, Region: region},
			{Kind: route.TransitGatewayTable, ID: "tgw-rtb-0a", Account: home, Region: region},
		}
		s := n.Surroundings.Read(ctx, asked)
		var got []string
		for _, table := range s.Tables {
			got = append(got, fmt.Sprintf("%s %s %t %v %v", table.Table, table.TransitGateway, table.Complete, table.Associated, table.Propagating))
			for _, a := range table.Associated {
				if a.BGP != (a.Type == "connect") { // The VPN connection is static.
					t.Errorf("the attachment is %+v", a)
				}
			}
		}
		wantLines(t, "tables", got, []string{
			"tgw-rtb-0b tgw-0a true [vpn vpn-01 (tgw-attach-01)] []",
			"tgw-rtb-0a tgw-0a true [vpc vpc-0a (tgw-attach-0a) connect tgw-attach-0a (tgw-attach-0c)] " +
				"[vpc vpc-0a (tgw-attach-0a) direct-connect-gateway 11111111-2222-3333-4444-555555555555 (tgw-attach-0d)]",
		})
		// In one table a static, the list's two entries and what the VPC teaches; in
		// the other a static.
		if len(s.Gateways) != 1 || s.Gateways[0].ID != "tgw-0a" || s.Gateways[0].Routes != 5 || !s.Gateways[0].Complete {
			t.Errorf("the transit gateways are %+v", s.Gateways)
		}
	})
}
