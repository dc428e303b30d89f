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

func TestNothingToFind(t *testing.T) { expect(t, Examine(*healthy())) }

// TestFindings: each kind of finding, by a network that has it, and by one that looks
// much like it and does not.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(s *Snapshot)
		want   []string
	}{
		// learned-default
		{"a peer's default, heard by others", func(s *Snapshot) { s.put("tgw-rtb-main", "0.0.0.0/0", "~tgw-attach-vpn2") }, []string{
			"critical learned-default tgw-rtb-main tgw-attach-vpn2 vpn-2 0.0.0.0/0",
			"warning tunnel-through-itself tgw-rtb-main tgw-attach-vpn2 vpn-2 0.0.0.0/0",
			// The static connection hears nothing by BGP; the Connect peer does.
			"warning site-hears-endpoint tgw-rtb-main tgw-attach-con tgw-connect-peer-1 0.0.0.0/0",
		}},
		{"half a default, in an observation table", func(s *Snapshot) { s.put("tgw-rtb-seen", "0.0.0.0/1", "~tgw-attach-vpn2") }, []string{
			"warning learned-default tgw-rtb-seen tgw-attach-vpn2 vpn-2 0.0.0.0/1",
		}},
		{"a learned /8 without endpoints is no default", func(s *Snapshot) { s.put("tgw-rtb-seen", "11.0.0.0/8", "~tgw-attach-vpn2") }, nil},
		{"a learned /7 is", func(s *Snapshot) { s.put("tgw-rtb-seen", "10.0.0.0/7", "~tgw-attach-vpn2") }, []string{
			"warning learned-default tgw-rtb-seen tgw-attach-vpn2 vpn-2 10.0.0.0/7",
		}},
		{"2000::/3 is", func(s *Snapshot) { s.put("tgw-rtb-seen", "2000::/3", "~tgw-attach-vpn2") }, []string{
			"warning learned-default tgw-rtb-seen tgw-attach-vpn2 vpn-2 2000::/3",
		}},
		{"fc00::/7 is not", func(s *Snapshot) { s.put("tgw-rtb-seen", "fc00::/7", "~tgw-attach-vpn2") }, nil},
		{"a learned /24 with an endpoint in it is", func(s *Snapshot) { s.put("tgw-rtb-seen", "203.0.113.0/24", "~tgw-attach-vpn2") }, []string{
			"warning learned-default tgw-rtb-seen tgw-attach-vpn2 vpn-2 203.0.113.0/24",
		}},
		{"a default on a virtual private gateway", func(s *Snapshot) { s.put("rtb-vpc", "0.0.0.0/0", "~vgw-1") }, []string{
			"critical learned-default rtb-vpc vgw-1 0.0.0.0/0",
			"warning tunnel-through-itself rtb-vpc vgw-1 vpn-3 0.0.0.0/0",
			"warning tunnel-through-itself rtb-vpc vgw-1 vpn-4 0.0.0.0/0",
			"warning site-hears-endpoint rtb-vpc vgw-1 vpn-3 0.0.0.0/0",
			"warning site-hears-endpoint rtb-vpc vgw-1 vpn-4 0.0.0.0/0",
		}},
		// tunnel-through-itself
		{"a loop that shows itself", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "~tgw-attach-vpn2")
			s.vpn("vpn-2").Tunnels[0].Up = false
		}, []string{
			"critical tunnel-through-itself tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24",
			"critical learned-default tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24",
		}},
		{"nobody but the connection itself routes by the table", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "~tgw-attach-vpn2")
			around := s.around("tgw-rtb-main")
			around.Associated = slices.DeleteFunc(around.Associated, func(a plan.Attachment) bool { return a.ID != "tgw-attach-vpn2" })
		}, []string{"warning learned-default tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24"}},
		{"a static is somebody's wish", func(s *Snapshot) { s.put("tgw-rtb-main", "203.0.113.0/30", "tgw-attach-vpn1") }, []string{
			"info tunnel-through-itself tgw-rtb-main tgw-attach-vpn1 vpn-1 203.0.113.0/30",
		}},
		{"its endpoint by another way", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "tgw-attach-vpc")
			s.put("tgw-rtb-main", "203.0.113.0/30", "tgw-attach-vpc")
		}, []string{
			"info site-hears-endpoint tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24",
		}},
		{"a table that nobody uses", func(s *Snapshot) {
			s.put("rtb-vpc", "203.0.113.3/32", "vgw-1")
			s.Networks[0].VPCTables[0].Main = false
		}, nil},
		{"a table that subnets use", func(s *Snapshot) {
			s.put("rtb-vpc", "203.0.113.3/32", "vgw-1")
			s.Networks[0].VPCTables[0].Main, s.Networks[0].VPCTables[0].Subnets = false, 1
		}, []string{"info tunnel-through-itself rtb-vpc vgw-1 vpn-3 203.0.113.3/32"}},
		// site-hears-endpoint
		{"a site that dies of what another announces", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "~tgw-attach-con")
			s.vpn("vpn-2").Tunnels[1].ChangedAt = now().Add(-59 * time.Minute)
		}, []string{
			"critical site-hears-endpoint tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24",
			"critical learned-default tgw-rtb-main tgw-attach-con 198.51.100.0/24",
		}},
		{"a tunnel that changed an hour ago shows no loop", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "~tgw-attach-con")
			s.vpn("vpn-2").Tunnels[1].ChangedAt = now().Add(-time.Hour)
		}, []string{
			"critical learned-default tgw-rtb-main tgw-attach-con 198.51.100.0/24",
			"warning site-hears-endpoint tgw-rtb-main tgw-attach-vpn2 vpn-2 198.51.100.0/24",
		}},
		{"a blackhole is not counted as announced", func(s *Snapshot) {
			s.put("tgw-rtb-main", "198.51.100.0/24", "blackhole").State = route.StateBlackhole
		}, []string{"info blackhole tgw-rtb-main 198.51.100.0/24"}},
		// static-to-down-vpn
		{"a static to a dead connection", func(s *Snapshot) { s.fell("vpn-1", time.Minute) }, []string{
			"critical static-to-down-vpn tgw-rtb-main tgw-attach-vpn1 vpn-1 172.20.0.0/16",
		}},
		{"one tunnel is enough", func(s *Snapshot) { s.fell("vpn-1", time.Minute); s.vpn("vpn-1").Tunnels[1].Up = true }, nil},
		{"both connections of a gateway are dead", func(s *Snapshot) {
			s.put("rtb-vpc", "10.99.0.0/16", "vgw-1")
			s.fell("vpn-3", time.Minute)
			s.fell("vpn-4", time.Minute)
		}, []string{"critical static-to-down-vpn rtb-vpc vgw-1 vpn-3,vpn-4 10.99.0.0/16"}},
		{"one of them lives", func(s *Snapshot) { s.put("rtb-vpc", "10.99.0.0/16", "vgw-1"); s.fell("vpn-3", time.Minute) }, nil},
		// blackhole
		{"a group's route that drops", func(s *Snapshot) { s.put("tgw-rtb-main", "172.20.0.0/16", "blackhole").State = route.StateBlackhole }, []string{
			"critical blackhole tgw-rtb-main 172.20.0.0/16",
		}},
		{"a target that is gone", func(s *Snapshot) { s.put("rtb-vpc", "10.99.0.0/16", "eni-1").State = route.StateBlackhole }, []string{
			"warning blackhole rtb-vpc 10.99.0.0/16",
		}},
		{"an attachment that takes nothing", func(s *Snapshot) {
			s.put("tgw-rtb-main", "10.99.0.0/16", "tgw-attach-vpc").State = route.StateBlackhole
		}, []string{
			"warning blackhole tgw-rtb-main tgw-attach-vpc 10.99.0.0/16",
		}},
		{"many at once are one finding", func(s *Snapshot) {
			s.put("rtb-vpc", "10.98.0.0/16", "eni-1").State = route.StateBlackhole
			s.put("rtb-vpc", "10.99.0.0/16", "eni-1").State = route.StateBlackhole
		}, []string{"warning blackhole rtb-vpc 10.98.0.0/16,10.99.0.0/16"}},
		{"a dead connection's blackhole is told once", func(s *Snapshot) {
			s.put("tgw-rtb-main", "10.99.0.0/16", "tgw-attach-vpn1").State = route.StateBlackhole
			s.put("tgw-rtb-main", "172.20.0.0/16", "tgw-attach-vpn1")
			s.fell("vpn-1", time.Minute)
		}, []string{
			"critical static-to-down-vpn tgw-rtb-main tgw-attach-vpn1 vpn-1 10.99.0.0/16",
			"critical static-to-down-vpn tgw-rtb-main tgw-attach-vpn1 vpn-1 172.20.0.0/16",
		}},
		// static-hides-backup
		{"an observation table shows the backup", func(s *Snapshot) { s.put("tgw-rtb-seen", "172.20.0.0/16", "~tgw-attach-vpn2") }, []string{
			"info static-hides-backup tgw-rtb-main tgw-attach-vpn2 172.20.0.0/16",
		}},
		{"and the static is dead", func(s *Snapshot) {
			s.put("tgw-rtb-seen", "172.20.0.0/16", "~tgw-attach-vpn2")
			s.fell("vpn-1", time.Minute)
		}, []string{
			"critical static-to-down-vpn tgw-rtb-main tgw-attach-vpn1 vpn-1 172.20.0.0/16",
			"critical static-hides-backup tgw-rtb-main tgw-attach-vpn2 172.20.0.0/16",
		}},
		{"nobody's static over a backup", func(s *Snapshot) {
			s.put("tgw-rtb-main", "10.51.0.0/16", "tgw-attach-vpc")
			s.put("tgw-rtb-seen", "10.51.0.0/16", "~tgw-attach-vpn2")
		}, []string{"warning static-hides-backup tgw-rtb-main tgw-attach-vpn2 10.51.0.0/16"}},
		{"the static is the same attachment's", func(s *Snapshot) {
			s.put("tgw-rtb-main", "10.51.0.0/16", "tgw-attach-vpn2")
			s.put("tgw-rtb-seen", "10.51.0.0/16", "~tgw-attach-vpn2")
		}, nil},
		{"the backup does not propagate into the table", func(s *Snapshot) {
			s.put("tgw-rtb-seen", "172.20.0.0/16", "~tgw-attach-vpn2")
			feeds := s.around("tgw-rtb-main")
			feeds.Propagating = slices.DeleteFunc(feeds.Propagating, func(a plan.Attachment) bool { return a.ID == "tgw-attach-vpn2" })
		}, nil},
		{"more is accepted than is shown", func(s *Snapshot) {
			s.Readings = slices.DeleteFunc(s.Readings, func(r route.Reading) bool { return r.Table.ID == "tgw-rtb-seen" })
			s.Around.Tables = s.Around.Tables[:1]
			s.vpn("vpn-2").Tunnels[0].AcceptedRoutes = 2
		}, []string{"info static-hides-backup tgw-rtb-main tgw-attach-vpn2 vpn-2 172.20.0.0/16"}},
		{"an observation table would have shown it by name", func(s *Snapshot) { s.vpn("vpn-2").Tunnels[0].AcceptedRoutes = 2 }, nil},
		{"a VPC table shows both", func(s *Snapshot) { s.put("rtb-vpc", "10.70.0.0/16", "eni-1") }, []string{
			"warning static-hides-backup rtb-vpc vgw-1 10.70.0.0/16",
		}},
		// connect-nothing-learned
		{"a silent peer", func(s *Snapshot) { s.drop("tgw-rtb-main", "10.60.0.0/16", true) }, []string{
			"critical connect-nothing-learned tgw-1 tgw-attach-con tgw-connect-peer-1",
		}},
		{"a peer without a session is down, not silent", func(s *Snapshot) {
			s.drop("tgw-rtb-main", "10.60.0.0/16", true)
			s.Networks[0].Peers[0].Sessions = []Session{{Address: "169.254.6.2"}, {Address: "169.254.6.3"}}
		}, nil},
		// no-way-back
		{"a VPC that cannot answer", func(s *Snapshot) { s.drop("rtb-vpc", "172.20.0.0/16", false) }, []string{
			"warning no-way-back rtb-vpc 172.20.0.0/16",
		}},
		{"a way back that the group declares and nobody wrote", func(s *Snapshot) {
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			s.declareInVPC()
		}, []string{"warning no-way-back rtb-vpc 172.20.0.0/16"}},
		{"one that stands on a path", func(s *Snapshot) {
			s.put("rtb-vpc", "172.20.0.0/16", "eni-1")
			s.declareInVPC()
		}, nil},
		{"a NAT gateway is no way back", func(s *Snapshot) {
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			s.put("rtb-vpc", "0.0.0.0/0", "nat-1")
		}, []string{"warning no-way-back rtb-vpc 172.20.0.0/16"}},
		{"a shorter route is enough", func(s *Snapshot) {
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			s.put("rtb-vpc", "172.16.0.0/12", "tgw-1")
		}, nil},
		{"a part of it is not", func(s *Snapshot) {
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			s.put("rtb-vpc", "172.20.0.0/17", "tgw-1")
		}, []string{"warning no-way-back rtb-vpc 172.20.0.0/16"}},
		{"over a firewall, perhaps", func(s *Snapshot) { s.put("rtb-vpc", "172.20.0.0/16", "vpce-1") }, []string{
			"info no-way-back rtb-vpc 172.20.0.0/16",
		}},
		{"a table that nothing uses needs none", func(s *Snapshot) {
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			s.Networks[0].VPCTables[0].Main = false
		}, nil},
		// check-not-pinned
		{"a check that speaks of the path in use", func(s *Snapshot) { s.check("backup", true) }, []string{
			"info check-not-pinned backup probe",
		}},
		{"a check that is bound", func(s *Snapshot) { s.check("backup", false) }, nil},
		{"a pin that leads elsewhere", func(s *Snapshot) {
			s.Groups[0].Pins = []plan.Pin{{Path: "backup", Alarm: "probe", Address: netip.MustParseAddr("172.20.0.1"), Via: tgwTable("tgw-rtb-main")}}
		}, []string{"warning check-not-pinned tgw-rtb-main backup probe"}},
		{"a pin that leads there", func(s *Snapshot) {
			s.Groups[0].Pins = []plan.Pin{{Path: "backup", Alarm: "probe", Address: netip.MustParseAddr("10.50.0.1"), Via: tgwTable("tgw-rtb-main")}}
		}, nil},
		// standby-unproven
		{"a standby that is down", func(s *Snapshot) { s.fell("vpn-2", time.Minute) }, []string{
			"critical standby-unproven vpn-2 backup",
		}},
		{"another standby lives", func(s *Snapshot) {
			s.fell("vpn-2", time.Minute)
			s.group().Paths = append(s.group().Paths, vpnPath("third", "vpn-3"))
			s.Facts = append(s.Facts, vpnFacts("vpn-3", health.TunnelUp, "203.0.113.3", "203.0.113.33")...)
		}, []string{"warning standby-unproven vpn-2 backup"}},
		{"a learned way that no observation table proves", func(s *Snapshot) { s.learnedBackup() }, []string{"warning standby-unproven backup"}},
		{"one that its observation table shows", func(s *Snapshot) {
			s.learnedBackup()
			s.observe(health.Fact{Kind: health.FactLearnedRoute, Part: "172.20.0.0/16", Value: "tgw-attach-vpn2"})
		}, nil},
		{"an observation table that does not show it", func(s *Snapshot) { s.learnedBackup(); s.observe() }, []string{
			"critical standby-unproven vpn-2 backup", "warning standby-unproven backup",
		}},
		{"a learned way that is not propagated", func(s *Snapshot) {
			s.learnedBackup()
			s.observe(health.Fact{Kind: health.FactLearnedRoute, Part: "172.20.0.0/16", Value: "tgw-attach-vpn2"})
			feeds := s.around("tgw-rtb-main")
			feeds.Propagating = slices.DeleteFunc(feeds.Propagating, func(a plan.Attachment) bool { return a.ID == "tgw-attach-vpn2" })
		}, []string{"warning standby-unproven tgw-rtb-main tgw-attach-vpn2 backup"}},
		{"another standby may live", func(s *Snapshot) {
			s.fell("vpn-2", time.Minute)
			s.group().Paths = append(s.group().Paths, vpnPath("third", "vpn-3"))
			s.Facts = append(s.Facts, health.Fact{Subject: subject(health.SubjectVPN, "vpn-3"), Kind: health.FactUnreadable, Problem: route.ProblemDenied, ObservedAt: now()})
		}, []string{"warning standby-unproven vpn-2 backup", "unknown not-examined third"}},
		{"an appliance of which only activeOnly checks speak", func(s *Snapshot) { s.appliance(true) }, []string{
			"critical standby-unproven backup", "warning check-not-pinned backup probe",
		}},
		{"an appliance with a pinned check", func(s *Snapshot) { s.appliance(false) }, nil},
		{"the path in use is no standby", func(s *Snapshot) {
			s.Groups[0].Record.Decision.To = "backup"
			s.fell("vpn-2", time.Minute)
		}, nil},
		// quota-headroom
		{"a switchover that does not fit", func(s *Snapshot) {
			s.drop("tgw-rtb-main", "172.20.0.0/16", false)
			s.Quotas.TransitGatewayRoutes = 5
		}, []string{"critical quota-headroom tgw-1"}},
		{"it fits, with little left", func(s *Snapshot) { s.Around.Gateways[0].Routes = 9_001 }, []string{"warning quota-headroom tgw-1"}},
		{"a tenth is left", func(s *Snapshot) { s.Around.Gateways[0].Routes = 9_000 }, nil},
		// tgw-not-registered
		{"a transit gateway without events", func(s *Snapshot) { s.Events.Registrations = nil }, []string{"warning tgw-not-registered tgw-1"}},
		{"no global network at all", func(s *Snapshot) { s.Events.Registrations, s.Events.Networks = nil, nil }, []string{"warning tgw-not-registered tgw-1"}},
		{"a registration that is not done", func(s *Snapshot) { s.Events.Registrations[0].State = "PENDING" }, []string{"warning tgw-not-registered tgw-1"}},
		{"another account's transit gateway of that id", func(s *Snapshot) { s.Events.Registrations[0].Account = "444455556666" }, []string{"warning tgw-not-registered tgw-1"}},
		{"nobody listens", func(s *Snapshot) { s.Events = Events{} }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			c.change(s)
			expect(t, Examine(*s), c.want...)
		})
	}
}

// learnedBackup lets the backup be the route that its attachment teaches.
func (s *Snapshot) learnedBackup() {
	s.group().Units[0].Entries[0].NextHops[1].NextHop = route.MustNextHop("propagated:tgw-attach-vpn2")
	spec := &s.group().Paths[1].Spec
	spec.Attachment, spec.Expect = "tgw-attach-vpn2", []netip.Prefix{netip.MustParsePrefix("172.20.0.0/16")}
	for _, f := range []health.Fact{
		{Kind: health.FactTableState, Value: health.TableRead}, {Kind: health.FactPropagation, Part: "tgw-attach-vpn2", Value: health.PropagationEnabled},
	} {
		f.Subject, f.ObservedAt, f.Source = subject(health.SubjectPropagations, "tgw-rtb-main"), now(), health.SourceGetPropagations
		s.Facts = append(s.Facts, f)
	}
}

// observe gives the backup an observation table with further facts about it.
func (s *Snapshot) observe(facts ...health.Fact) {
	table := subject(health.SubjectRouteTable, "tgw-rtb-watch")
	s.group().Paths[1].Spec.Observation = table
	for _, f := range append(facts,
		health.Fact{Kind: health.FactTableState, Value: health.TableRead}, health.Fact{Kind: health.FactPropagation, Part: "tgw-attach-vpn2", Value: "vpn"},
	) {
		f.Subject, f.ObservedAt, f.Source = table, now(), health.SourceSearchRoutes
		s.Facts = append(s.Facts, f)
	}
}

// declareInVPC has the group write the way back itself.
func (s *Snapshot) declareInVPC() {
	s.group().Units[0].Entries = append(s.group().Units[0].Entries, protection.Entry{
		EntryKey: protection.EntryKey{Table: vpcTable("rtb-vpc"), Destination: prefix("172.20.0.0/16")},
		NextHops: []protection.PathNextHop{{Path: "primary", NextHop: route.MustNextHop("tgw-1")}, {Path: "backup", NextHop: route.MustNextHop("eni-1")}},
	})
}

// check gives a path a check that is OK.
func (s *Snapshot) check(path string, activeOnly bool) {
	for i := range s.group().Paths {
		if s.group().Paths[i].Name == path {
			s.group().Paths[i].Spec.Checks = []health.Check{{Alarm: subject(health.SubjectAlarm, "probe"), ActiveOnly: activeOnly}}
		}
	}
	s.Facts = append(s.Facts, health.Fact{
		Subject: subject(health.SubjectAlarm, "probe"), Kind: health.FactAlarmState, Value: health.AlarmOK, Source: health.SourceDescribeAlarms,
		ObservedAt: now(), ChangedAt: now().Add(-time.Hour),
	})
}

// appliance makes the backup a router instance that works, with a check.
func (s *Snapshot) appliance(activeOnly bool) {
	eni, box := subject(health.SubjectInterface, "eni-1"), subject(health.SubjectInstance, "i-1")
	s.group().Paths[1].Spec = health.Spec{Kind: health.KindAppliance, Subject: eni, Instance: box, MaxAge: 3 * time.Minute}
	s.check("backup", activeOnly)
	for _, f := range []health.Fact{
		{Subject: eni, Kind: health.FactInterfaceInstance, Value: "i-1"},
		{Subject: eni, Kind: health.FactInterfaceStatus, Value: "in-use"},
		{Subject: eni, Kind: health.FactSourceDestCheck, Value: "false"},
		{Subject: box, Kind: health.FactInstanceState, Value: "running"},
		{Subject: box, Kind: health.FactInstanceStatus, Value: "ok"},
		{Subject: box, Kind: health.FactSystemStatus, Value: "ok"},
	} {
		f.Source, f.ObservedAt = health.SourceDescribeInterfaces, now()
		s.Facts = append(s.Facts, f)
	}
}

// TestCausesOfASilentPeer: only what was read rules a cause out.
func TestCausesOfASilentPeer(t *testing.T) {
	t.Parallel()
	const empty, hides, nothing = "empty AS_PATH", "hide what it announces", "it announces nothing"
	for _, c := range []struct {
		name      string
		change    func(s *Snapshot)
		has, lack []string
	}{
		{"eBGP", func(*Snapshot) {}, []string{nothing, hides}, []string{empty, "next-hop-self"}},
		{"iBGP", func(s *Snapshot) { s.Networks[0].Peers[0].PeerASN = 64512 }, []string{nothing, hides, empty, "next-hop-self"}, nil},
		{"nothing else in the table", func(s *Snapshot) { s.table("tgw-rtb-main").Routes = nil; s.Groups = nil }, []string{nothing}, []string{hides}},
		{"no propagation", func(s *Snapshot) { s.around("tgw-rtb-main").Propagating = nil }, []string{"into no table"}, []string{nothing, hides}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			s.drop("tgw-rtb-main", "10.60.0.0/16", true)
			c.change(s)
			findings := Examine(*s)
			at := slices.IndexFunc(findings, func(f Finding) bool { return f.ID == ConnectNothingLearned })
			if at < 0 {
				t.Fatalf("got %v", told(findings))
			}
			for _, text := range c.has {
				if !strings.Contains(findings[at].What, text) {
					t.Errorf("nothing of %q in %q", text, findings[at].What)
				}
			}
			for _, text := range c.lack {
				if strings.Contains(findings[at].What, text) {
					t.Errorf("%q is ruled out, and told in %q", text, findings[at].What)
				}
			}
		})
	}
}

// TestPrefixListsOnTheWayBack: a list is as good as its entries, and one whose entries
// were not read proves nothing.
func TestPrefixListsOnTheWayBack(t *testing.T) {
	t.Parallel()
	list := func(complete bool, entries ...string) route.ListReading {
		out := route.ListReading{List: route.ListRef{ID: "pl-1", Account: account, Region: region}, Complete: complete, Owner: account, Version: 1, MaxEntries: 5}
		for _, entry := range entries {
			out.Entries = append(out.Entries, netip.MustParsePrefix(entry))
		}
		return out
	}
	for name, c := range map[string]struct {
		list route.ListReading
		want []string
	}{
		"its entries cover it": {list(true, "172.16.0.0/12"), nil},
		"they do not":          {list(true, "172.21.0.0/16"), []string{"warning no-way-back rtb-vpc 172.20.0.0/16"}},
		"they were not read":   {list(false), []string{"unknown not-examined", "unknown not-examined rtb-vpc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			s.drop("rtb-vpc", "172.20.0.0/16", false)
			r := s.put("rtb-vpc", "172.20.0.0/16", "tgw-1")
			r.Destination = route.PrefixList("pl-1")
			s.Lists = []route.ListReading{c.list}
			expect(t, Examine(*s), c.want...)
		})
	}
}

// TestAnswersOfTheRecord: what a path once proved, and where the group is, come from
// the record; without one the tables say where it is.
func TestAnswersOfTheRecord(t *testing.T) {
	s := healthy()
	s.appliance(true)
	s.Groups[0].Record.Paths = []protection.PathMemory{{Path: "backup", Memory: health.Memory{State: health.Unknown, Proven: health.Up}}}
	findings := Examine(*s)
	if !strings.Contains(findings[0].What, "was alive once") {
		t.Errorf("got %q", findings[0].What)
	}
	s = healthy()
	s.Groups[0].Record = protection.Record{}
	s.put("tgw-rtb-main", "172.20.0.0/16", "tgw-attach-vpn2")
	s.fell("vpn-1", time.Minute)
	expect(t, Examine(*s), "critical standby-unproven vpn-1 primary")
}
