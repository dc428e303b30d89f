package lab

import (
	"fmt"
	"strconv"
	"time"

	"detour/shared/config"
	"detour/shared/protection"
	"detour/shared/sim"
)

const (
	labAccount = "111122223333"
	farAccount = "444455556666"
	labRegion  = "eu-west-1"
	farRegion  = "us-east-1"
	// faultPhase is how long things happen and go wrong; then everything is quiet.
	faultPhase = 12 * time.Minute
	// quietTail is how long nothing may be written at the end: three sweeps.
	quietTail = 3 * time.Minute
	// maxStaleRead stays below the settle time, on which Detour relies.
	maxStaleRead = 8 * time.Second
)

// picker draws from a seed.
type picker interface {
	IntN(n int) int
	Float64() float64
	Uint64() uint64
}

// generator makes one random network with what happens to it.
type generator struct {
	rng picker
	s   *Scenario
	// vpns are the connections of each TGW, by index.
	vpns   [][]sim.VPNSpec
	tables int
	// apart: the second TGW is in another Region, and no VPC is attached to it.
	apart bool
	// taught counts the CIDRs of VPCs that are a group's destination too.
	taught int
}

// Generate makes the random network of a seed: up to four groups, up to ten
// tables, everything that can be requested, and all faults. The first phase has
// the faults; in the second, quiet one everything must converge.
func Generate(seed uint64) *Scenario {
	g := &generator{rng: sim.NewRand(seed), s: &Scenario{Name: "seed-" + strconv.FormatUint(seed, 10), Title: "a random network", Seed: seed}}
	g.world()
	g.timers()
	g.network()
	g.groups()
	g.s.Config = g.s.Config.Normalize()
	g.faults()
	g.events()
	g.s.Faults.Until = config.Duration(faultPhase)
	g.s.Duration = config.Duration(faultPhase + g.quiet() + quietTail)
	return g.s
}

// convergedBy is when a generated scenario must have converged.
func convergedBy(s *Scenario) time.Time {
	return Start().Add(time.Duration(s.Duration) - quietTail)
}

// quiet is how long a network may take to converge after the last fault: what a
// frozen or dead run still holds, the telemetry's lag, two sweeps twice over (a
// first for the decision, a second for a reading that settles it), and the
// timers of the groups.
func (g *generator) quiet() time.Duration {
	t := g.s.Config.Timers
	out := time.Duration(g.s.Faults.MaxFreeze) + 2*time.Duration(t.Lease) + 4*time.Minute +
		time.Duration(g.s.World.TelemetryLag+g.s.World.DetectAfter) + 4*time.Duration(t.SweepPeriod)
	var longest time.Duration
	for _, group := range g.s.Config.GroupList {
		wait := time.Duration(group.HoldOff)
		if group.Revertive {
			// A suppressed working path is reused after up to log2(ceiling/reuse) half-lives.
			wait += time.Duration(group.WaitToRestore) + 4*time.Duration(t.Damping.HalfLife)
		}
		longest = max(longest, wait)
	}
	return out + longest + time.Duration(t.IgnoreHealthFor)
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

func (g *generator) oneOf(values ...time.Duration) config.Duration {
	return config.Duration(values[g.rng.IntN(len(values))])
}

func (g *generator) world() {
	g.s.World = WorldTimes{
		DetectAfter:              g.oneOf(10*time.Second, 30*time.Second, 40*time.Second),
		RecoverAfter:             g.oneOf(time.Second, 5*time.Second, 15*time.Second),
		TelemetryLag:             g.oneOf(0, 0, time.Second, 20*time.Second, 2*time.Minute),
		EventDelay:               g.oneOf(time.Second, 2*time.Second, 10*time.Second),
		ReplaceMissingIsNotFound: g.chance(0.3), ReplaceTGWPropagatedFails: g.chance(0.3), BlackholeOutlastsOutage: g.chance(0.2),
	}
	if g.chance(0.15) {
		g.s.World.PageLimit = 2 + g.rng.IntN(4)
	}
}

func (g *generator) timers() {
	c := config.New()
	c.Timers.Damping.HalfLife = config.Duration(time.Minute)
	c.Timers.ContendedWindow = config.Duration(3 * time.Minute)
	c.Timers.IgnoreHealthFor = config.Duration(2 * time.Minute)
	if g.chance(0.15) {
		c.Limits.MaxMoves = 1 + g.rng.IntN(2)
	}
	g.s.Config = c
}

// network makes one or two TGWs, each with one or two tables and two or three
// VPN connections, and up to three VPCs attached to all TGWs.
func (g *generator) network() {
	topo := &g.s.Topology
	topo.Account, topo.Region = labAccount, labRegion
	topo.Sites = []sim.SiteSpec{{Name: "site", Networks: []string{"10.0.0.0/8"}}}
	gateways := 1 + g.rng.IntN(2)
	g.apart = gateways == 2 && g.chance(0.25)
	for t := range gateways {
		gw := sim.TransitGatewaySpec{ID: id("tgw", t+1)}
		if t == 1 && g.apart {
			gw.Region = farRegion
		}
		for range 1 + g.rng.IntN(2) {
			g.tables++
			gw.Tables = append(gw.Tables, sim.TransitGatewayTable{ID: id("tgw-rtb", g.tables)})
		}
		topo.TransitGateways = append(topo.TransitGateways, gw)
		var vpns []sim.VPNSpec
		for range 2 + g.rng.IntN(2) {
			n := len(topo.VPNs) + 1
			vpn := sim.VPNSpec{
				ID: id("vpn", n), Site: "site", Attachment: sim.AttachmentSpec{ID: id("tgw-attach", n), TransitGateway: gw.ID},
				Tunnels: []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("203.0.113.%d", 2*n)}, {OutsideIP: fmt.Sprintf("203.0.113.%d", 2*n+1)}},
			}
			for i := range vpn.Tunnels {
				vpn.Tunnels[i].Down = g.chance(0.08)
			}
			topo.VPNs = append(topo.VPNs, vpn)
			vpns = append(vpns, vpn)
		}
		g.vpns = append(g.vpns, vpns)
	}
	for v := range g.rng.IntN(4) {
		vpc := sim.VPCSpec{ID: id("vpc", v+1), CIDRs: []string{fmt.Sprintf("172.%d.0.0/16", 16+v)}}
		if g.chance(0.3) {
			vpc.Account = farAccount
		}
		for t, gw := range topo.TransitGateways {
			if gw.Region == farRegion {
				continue
			}
			vpc.Attachments = append(vpc.Attachments, sim.AttachmentSpec{ID: id("tgw-attach", 100+10*v+t), TransitGateway: gw.ID})
		}
		vpc.Tables = []sim.VPCTableSpec{{ID: id("rtb", v+1)}}
		if g.chance(0.5) {
			vpc.CIDRs = append(vpc.CIDRs, taughtCIDR(v))
		}
		topo.VPCs = append(topo.VPCs, vpc)
		g.tables++
	}
	g.propagate()
}

// taughtCIDR is a VPC's second CIDR. Where a group has it as a destination too,
// a static and a propagated route of one CIDR meet in a TGW table.
func taughtCIDR(vpc int) string { return fmt.Sprintf("10.250.%d.0/24", vpc) }

// propagate lets some tables learn the VPCs' CIDRs.
func (g *generator) propagate() {
	topo := &g.s.Topology
	for i := range topo.TransitGateways {
		for j := range topo.TransitGateways[i].Tables {
			if !g.chance(0.5) {
				continue
			}
			for _, vpc := range topo.VPCs {
				for _, attachment := range vpc.Attachments {
					if attachment.TransitGateway == topo.TransitGateways[i].ID {
						table := &topo.TransitGateways[i].Tables[j]
						table.Propagated = append(table.Propagated, attachment.ID)
					}
				}
			}
		}
	}
}

func id(kind string, n int) string { return fmt.Sprintf("%s-%017x", kind, n) }

// groups declares up to four groups. Each uses either one TGW, with entries in
// its tables, or two, with entries in VPC tables.
func (g *generator) groups() {
	for n := range 1 + g.rng.IntN(4) {
		group := config.NewGroup()
		group.Name = "group-" + strconv.Itoa(n+1)
		group.Home = config.Home{Account: labAccount, Region: labRegion}
		group.Mode = "enforce"
		if g.chance(0.06) {
			group.Mode = "observe"
		}
		group.Priority = g.rng.IntN(3)
		group.Stateful = g.chance(0.3)
		group.Revertive = g.chance(0.3)
		if group.Revertive {
			group.WaitToRestore = g.oneOf(30*time.Second, 2*time.Minute)
		}
		group.HoldOff = g.oneOf(0, 0, 0, 20*time.Second)
		group.SwitchOnDegrade = g.chance(0.2)
		group.TakeOver = g.chance(0.2)
		g.members(&group, n)
		g.s.Config.GroupList = append(g.s.Config.GroupList, group)
	}
}

func (g *generator) members(group *config.Group, n int) {
	topo := &g.s.Topology
	across := len(g.vpns) == 2 && !g.apart && len(topo.VPCs) > 0 && g.chance(0.4)
	gateway := g.rng.IntN(len(g.vpns))
	vpns := g.vpns[gateway]
	if across {
		vpns = []sim.VPNSpec{g.vpns[0][g.rng.IntN(len(g.vpns[0]))], g.vpns[1][g.rng.IntN(len(g.vpns[1]))]}
	}
	turn := g.rng.IntN(len(vpns))
	for i := range vpns {
		vpn := vpns[(i+turn)%len(vpns)]
		path := config.NewPath()
		path.Name, path.Kind, path.VPN = "path-"+strconv.Itoa(i+1), "vpn", vpn.ID
		path.Region = g.regionOf(vpn.Attachment.TransitGateway)
		group.Paths = append(group.Paths, path)
	}
	destination := 0
	for u := range 1 + g.rng.IntN(3) {
		unit := config.Unit{Name: "unit-" + strconv.Itoa(u+1)}
		for range 1 + g.rng.IntN(4) {
			destination++
			prefix := fmt.Sprintf("10.%d.%d.0/24", n+1, destination)
			if !across && g.taught < len(topo.VPCs) && g.chance(0.2) {
				prefix = taughtCIDR(g.taught)
				g.taught++
			}
			unit.Entries = append(unit.Entries, g.entry(*group, prefix, gateway, across))
		}
		group.Units = append(group.Units, unit)
	}
	g.standing(*group)
}

// regionOf is a TGW's Region if it is not the default.
func (g *generator) regionOf(gateway string) string {
	for _, gw := range g.s.Topology.TransitGateways {
		if gw.ID == gateway {
			return gw.Region
		}
	}
	return ""
}

func (g *generator) entry(group config.Group, prefix string, gateway int, across bool) config.Entry {
	topo := &g.s.Topology
	entry := config.Entry{Destination: prefix, NextHops: map[string]string{}}
	if across {
		vpc := topo.VPCs[g.rng.IntN(len(topo.VPCs))]
		entry.Table, entry.Account = vpc.Tables[0].ID, vpc.Account
	} else {
		tables := topo.TransitGateways[gateway].Tables
		entry.Table, entry.Region = tables[g.rng.IntN(len(tables))].ID, g.regionOf(topo.TransitGateways[gateway].ID)
	}
	for _, path := range group.Paths {
		for _, vpn := range topo.VPNs {
			if vpn.ID == path.VPN && across {
				entry.NextHops[path.Name] = vpn.Attachment.TransitGateway
			} else if vpn.ID == path.VPN {
				entry.NextHops[path.Name] = vpn.Attachment.ID
			}
		}
	}
	return entry
}

// standing puts the group's routes into the tables: mostly all on the working
// path, sometimes mixed, missing, or foreign.
func (g *generator) standing(group config.Group) {
	mixed := g.chance(0.2)
	start := group.Paths[0].Name
	if g.chance(0.2) {
		start = group.Paths[g.rng.IntN(len(group.Paths))].Name
	}
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			target := entry.NextHops[start]
			if mixed {
				switch g.rng.IntN(4) {
				case 0:
					continue
				case 1:
					target = entry.NextHops[group.Paths[g.rng.IntN(len(group.Paths))].Name]
				}
			}
			g.putRoute(entry.Table, entry.Destination, target)
		}
	}
}

func (g *generator) putRoute(table, destination, target string) {
	topo := &g.s.Topology
	route := sim.RouteSpec{Destination: destination, Target: target}
	for i := range topo.TransitGateways {
		for j := range topo.TransitGateways[i].Tables {
			if t := &topo.TransitGateways[i].Tables[j]; t.ID == table {
				t.Routes = append(t.Routes, route)
			}
		}
	}
	for i := range topo.VPCs {
		if t := &topo.VPCs[i].Tables[0]; t.ID == table {
			t.Routes = append(t.Routes, route)
		}
	}
}

// faults draws a profile: some runs have none of a kind, so that one kind does
// not hide what another finds.
func (g *generator) faults() {
	rate := func(p, most float64) float64 {
		if !g.chance(p) {
			return 0
		}
		return most * g.rng.Float64()
	}
	g.s.Faults = FaultSpec{
		Throttle: rate(0.4, 0.15), ThrottleBurst: 1 + g.rng.IntN(20),
		ErrorBefore: rate(0.4, 0.1), ErrorAfter: rate(0.4, 0.1), DropAnswer: rate(0.2, 0.05),
		Stale: rate(0.4, 0.5), MaxStale: config.Duration(maxStaleRead),
		PageFails: rate(0.3, 0.3), TokenInvalid: rate(0.2, 0.2),
		Kill: rate(0.4, 0.02), Freeze: rate(0.5, 0.02), MaxFreeze: g.oneOf(10*time.Second, 40*time.Second, 90*time.Second),
		LoseEvent: rate(0.4, 0.6), DoubleEvent: rate(0.4, 0.5), MaxEventDelay: g.oneOf(0, 5*time.Second, 90*time.Second),
		StoreError: rate(0.3, 0.05), DoubleWake: rate(0.3, 0.3), EarlyWake: rate(0.3, 0.3),
	}
}

// events draws what happens: mostly tunnels that fail and recover, some requests
// of operators, some writes by others.
func (g *generator) events() {
	for range 3 + g.rng.IntN(14) {
		at := config.Duration(time.Duration(g.rng.IntN(int(faultPhase/time.Second))) * time.Second)
		switch p := g.rng.Float64(); {
		case p < 0.72:
			g.tunnel(at)
		case p < 0.88:
			g.operator(at)
		default:
			g.meddle(at)
		}
	}
}

func (g *generator) tunnel(at config.Duration) {
	vpn := g.s.Topology.VPNs[g.rng.IntN(len(g.s.Topology.VPNs))]
	step := Step{At: at, Do: TunnelDown, VPN: vpn.ID}
	if g.chance(0.4) {
		step.Do = TunnelUp
	}
	if g.chance(0.3) {
		step.Tunnel = vpn.Tunnels[g.rng.IntN(2)].OutsideIP
	}
	g.s.Script = append(g.s.Script, step)
}

func (g *generator) operator(at config.Duration) {
	group := g.s.Config.GroupList[g.rng.IntN(len(g.s.Config.GroupList))]
	kinds := []protection.RequestKind{
		protection.Freeze, protection.Lockout, protection.ForcedSwitch, protection.ForcedSwitch,
		protection.ManualSwitch, protection.ManualSwitch, protection.ManualSwitchToWorking, protection.Release,
	}
	kind := kinds[g.rng.IntN(len(kinds))]
	step := Step{At: at, Do: MakeRequest, Group: group.Name, Kind: string(kind), ID: fmt.Sprintf("r%d", len(g.s.Script)+1)}
	switch kind {
	case protection.Lockout, protection.ForcedSwitch, protection.ManualSwitch:
		step.Path = group.Paths[g.rng.IntN(len(group.Paths))].Name
		step.IgnoreHealth = kind == protection.ForcedSwitch && g.chance(0.3)
	case protection.Freeze:
		step.Immediate = g.chance(0.5)
	case protection.ManualSwitchToWorking, protection.Release:
	}
	if (kind == protection.Freeze || kind == protection.Release) && g.chance(0.3) {
		step.Group = EveryGroup
	}
	g.s.Script = append(g.s.Script, step)
	if kind == protection.Freeze || (step.Group != EveryGroup && g.chance(0.5)) {
		later := at + config.Duration(time.Duration(10+g.rng.IntN(200))*time.Second)
		if time.Duration(later) < faultPhase {
			g.s.Script = append(g.s.Script, Step{At: later, Do: ClearRequest, Group: step.Group, ID: step.ID})
		}
	}
}

// meddle is somebody else who removes one route, points it elsewhere, or moves
// all routes of a group.
func (g *generator) meddle(at config.Duration) {
	group := g.s.Config.GroupList[g.rng.IntN(len(g.s.Config.GroupList))]
	path := group.Paths[g.rng.IntN(len(group.Paths))].Name
	all := g.chance(0.3)
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			if !all && !g.chance(0.3) {
				continue
			}
			step := Step{At: at, Do: WriteRoute, By: "somebody", Table: entry.Table, Destination: entry.Destination, Target: entry.NextHops[path]}
			if !all && g.chance(0.3) {
				step.Target = ""
			}
			g.s.Script = append(g.s.Script, step)
		}
	}
}
