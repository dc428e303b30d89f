package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
)

func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func tgwTable(id string) route.Table {
	return route.Table{Kind: route.TransitGatewayTable, ID: id, Account: account, Region: region}
}

func vpcTable(id string) route.Table {
	return route.Table{Kind: route.VPCTable, ID: id, Account: account, Region: region}
}

func prefix(text string) route.Destination {
	d, err := route.ParseDestination(text)
	if err != nil {
		panic(err)
	}
	return d
}

// to makes an active route: its origin is static, or learned with a leading ~.
func to(table route.Table, destination, hop string) route.Route {
	learned := strings.HasPrefix(hop, "~")
	r := route.Route{Table: table, Destination: prefix(destination), NextHop: route.MustNextHop(strings.TrimPrefix(hop, "~")), Origin: route.OriginStatic, State: route.StateActive}
	if learned {
		r.Origin = route.OriginPropagated
	}
	if r.NextHop.Kind == route.Local {
		r.Origin = route.OriginLocal
	}
	return r
}

func reading(table route.Table, routes ...route.Route) route.Reading {
	return route.Reading{Table: table, Routes: routes, StartedAt: now().Add(-2 * time.Second), Complete: true}
}

func vpn(id string, accepted int, outside ...string) VPN {
	out := VPN{ID: id}
	for _, address := range outside {
		out.Tunnels = append(out.Tunnels, Tunnel{Outside: netip.MustParseAddr(address), Up: true, AcceptedRoutes: accepted, ChangedAt: now().Add(-24 * time.Hour)})
	}
	return out
}

func subject(kind health.SubjectKind, id string) health.Subject {
	return health.Subject{Kind: kind, ID: id, Account: account, Region: region}
}

func vpnFacts(id string, status string, outside ...string) []health.Fact {
	of := subject(health.SubjectVPN, id)
	out := []health.Fact{{Subject: of, Kind: health.FactConnectionState, Value: "available", Source: health.SourceDescribeVPNConnections, ObservedAt: now()}}
	for _, address := range outside {
		out = append(out, health.Fact{Subject: of, Kind: health.FactTunnelStatus, Part: address, Value: status, Source: health.SourceDescribeVPNConnections, ObservedAt: now()})
	}
	return out
}

func vpnPath(name, id string) protection.Path {
	return protection.Path{Name: name, Spec: health.Spec{
		Kind: health.KindVPN, Subject: subject(health.SubjectVPN, id), Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute,
	}}
}

// healthy is a network with nothing to find in it: a transit gateway with a static
// and a BGP VPN connection, a Connect attachment and a VPC; and a virtual private
// gateway of that VPC with two BGP connections.
func healthy() *Snapshot {
	main, seen, vpc := tgwTable("tgw-rtb-main"), tgwTable("tgw-rtb-seen"), vpcTable("rtb-vpc")
	attachment := func(id, kind, resource string) Attachment {
		return Attachment{ID: id, TransitGateway: "tgw-1", Type: kind, Resource: resource, Owner: account, State: "available"}
	}
	around := func(id, kind, resource string, bgp bool) plan.Attachment {
		return plan.Attachment{ID: id, Type: kind, Resource: resource, BGP: bgp}
	}
	static, dynamic := vpn("vpn-1", 0, "203.0.113.1", "203.0.113.2"), vpn("vpn-2", 1, "198.51.100.1", "198.51.100.2")
	static.Static, static.TransitGateway, dynamic.TransitGateway = true, "tgw-1", "tgw-1"
	one, two := vpn("vpn-3", 1, "203.0.113.3"), vpn("vpn-4", 1, "203.0.113.4")
	one.VPNGateway, two.VPNGateway = "vgw-1", "vgw-1"
	network := Network{
		Account: account, Region: region, ReadAt: now().Add(-3 * time.Second),
		Gateways:      []Gateway{{ID: "tgw-1", ASN: 64512}},
		GatewayTables: []GatewayTable{{Table: main, TransitGateway: "tgw-1"}, {Table: seen, TransitGateway: "tgw-1"}},
		Attachments: []Attachment{
			attachment("tgw-attach-vpc", "vpc", "vpc-1"), attachment("tgw-attach-vpn1", "vpn", "vpn-1"), attachment("tgw-attach-vpn2", "vpn", "vpn-2"),
			attachment("tgw-attach-con", "connect", "tgw-attach-vpc"),
		},
		VPNs: []VPN{static, dynamic, one, two},
		Peers: []Peer{{
			ID: "tgw-connect-peer-1", Attachment: "tgw-attach-con", Outside: netip.MustParseAddr("192.0.2.1"), PeerASN: 65001, ASN: 64512,
			Sessions: []Session{{Address: "169.254.6.2", Up: true}, {Address: "169.254.6.3", Up: true}},
		}},
		VPCTables: []VPCTable{{Table: vpc, VPC: "vpc-1", Main: true, Propagating: []string{"vgw-1"}}},
	}
	entry := protection.Entry{
		EntryKey: protection.EntryKey{Table: main, Destination: prefix("172.20.0.0/16")},
		NextHops: []protection.PathNextHop{
			{Path: "primary", NextHop: route.MustNextHop("tgw-attach-vpn1")}, {Path: "backup", NextHop: route.MustNextHop("tgw-attach-vpn2")},
		},
	}
	group := &protection.Group{
		Name: "site", Account: account, Region: region, Mode: protection.Enforce,
		Paths: []protection.Path{vpnPath("primary", "vpn-1"), vpnPath("backup", "vpn-2")},
		Units: []protection.Unit{{Name: "all", Entries: []protection.Entry{entry}}},
	}
	s := &Snapshot{
		At: now(), Networks: []Network{network},
		Readings: []route.Reading{
			reading(main, to(main, "10.1.0.0/16", "~tgw-attach-vpc"), to(main, "10.50.0.0/16", "~tgw-attach-vpn2"),
				to(main, "10.60.0.0/16", "~tgw-attach-con"), to(main, "172.20.0.0/16", "tgw-attach-vpn1")),
			reading(seen, to(seen, "10.50.0.0/16", "~tgw-attach-vpn2")),
			reading(vpc, to(vpc, "10.1.0.0/16", "local"), to(vpc, "172.20.0.0/16", "tgw-1"), to(vpc, "10.70.0.0/16", "~vgw-1")),
		},
		Around: plan.Surroundings{
			Tables: []plan.TableSurroundings{
				{
					Table: main, TransitGateway: "tgw-1", Complete: true,
					Associated: []plan.Attachment{
						around("tgw-attach-vpc", "vpc", "vpc-1", false), around("tgw-attach-vpn1", "vpn", "vpn-1", false),
						around("tgw-attach-vpn2", "vpn", "vpn-2", true), around("tgw-attach-con", "connect", "tgw-attach-vpc", true),
					},
					Propagating: []plan.Attachment{
						around("tgw-attach-vpc", "vpc", "vpc-1", false), around("tgw-attach-vpn2", "vpn", "vpn-2", true), around("tgw-attach-con", "connect", "tgw-attach-vpc", true),
					},
				},
				{Table: seen, TransitGateway: "tgw-1", Complete: true, Propagating: []plan.Attachment{around("tgw-attach-vpn2", "vpn", "vpn-2", true)}},
			},
			Gateways: []plan.GatewayUse{{ID: "tgw-1", Account: account, Region: region, Routes: 5, Complete: true}},
		},
		Groups: []Group{{Group: group, Record: protection.Record{Decision: protection.Decision{From: "primary", To: "primary", Epoch: 1}}}},
		Quotas: plan.Quotas{VPCRoutes: 500, TransitGatewayRoutes: 10_000},
		Events: Events{
			Wanted: true, Account: account, ReadAt: now().Add(-time.Second), Networks: []string{"global-network-1"},
			Registrations: []Registration{{GlobalNetwork: "global-network-1", TransitGateway: "tgw-1", Account: account, Region: region, State: "AVAILABLE"}},
		},
	}
	s.Facts = append(vpnFacts("vpn-1", health.TunnelUp, "203.0.113.1", "203.0.113.2"), vpnFacts("vpn-2", health.TunnelUp, "198.51.100.1", "198.51.100.2")...)
	return s
}

// table returns the reading of a table.
func (s *Snapshot) table(id string) *route.Reading {
	at := slices.IndexFunc(s.Readings, func(r route.Reading) bool { return r.Table.ID == id })
	return &s.Readings[at]
}

// put adds a route to a table, in the place of one of the same destination and origin.
func (s *Snapshot) put(table, destination, hop string) *route.Route {
	r := s.table(table)
	s.drop(table, destination, strings.HasPrefix(hop, "~"))
	r.Routes = append(r.Routes, to(r.Table, destination, hop))
	return &r.Routes[len(r.Routes)-1]
}

func (s *Snapshot) drop(table, destination string, learned bool) {
	r := s.table(table)
	r.Routes = slices.DeleteFunc(r.Routes, func(r route.Route) bool {
		return r.Destination == prefix(destination) && (r.Origin == route.OriginPropagated) == learned
	})
}

// around returns what lies around a table.
func (s *Snapshot) around(id string) *plan.TableSurroundings {
	at := slices.IndexFunc(s.Around.Tables, func(t plan.TableSurroundings) bool { return t.Table.ID == id })
	return &s.Around.Tables[at]
}

func (s *Snapshot) vpn(id string) *VPN {
	n := &s.Networks[0]
	return &n.VPNs[slices.IndexFunc(n.VPNs, func(v VPN) bool { return v.ID == id })]
}

// fell lets all tunnels of a connection be down for so long, in what is shown and in
// the facts.
func (s *Snapshot) fell(id string, ago time.Duration) {
	v := s.vpn(id)
	for i := range v.Tunnels {
		v.Tunnels[i].Up, v.Tunnels[i].AcceptedRoutes, v.Tunnels[i].ChangedAt = false, 0, now().Add(-ago)
	}
	for i := range s.Facts {
		if s.Facts[i].Subject.ID == id && s.Facts[i].Kind == health.FactTunnelStatus {
			s.Facts[i].Value = health.TunnelDown
		}
	}
}

func (s *Snapshot) group() *protection.Group { return s.Groups[0].Group }

// told writes what was found in short: severity, kind, and what it is about.
func told(findings []Finding) []string {
	out := []string{}
	for _, f := range findings {
		w := f.Where
		words := []string{string(f.Severity), string(f.ID)}
		for _, word := range []string{w.Table, w.TransitGateway, w.VPC, w.VPNGateway, w.Attachment, w.VPN, w.ConnectPeer, w.Path, w.Filter, w.Alarm, strings.Join(w.Destinations, ",")} {
			if word != "" && (w.Table == "" || word != w.TransitGateway && word != w.VPC) {
				words = append(words, word)
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func expect(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	if lines := told(got); !slices.Equal(lines, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(lines, "\n\t"), strings.Join(want, "\n\t"))
	}
}
