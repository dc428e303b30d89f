package lab

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"detour/shared/config"
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
	// apart: the second TGW is in another Region, and no VPC is attached to it.
	apart bool
	// taught counts the CIDRs of VPCs that are a group's destination too.
	taught int
	// ids counts what was made, by kind of id.
	ids map[string]int
	// outs are the ways out that groups can use.
	outs []wayOut
	// listed are the entries whose destination is a prefix list already.
	listed map[entryID]bool
	// standing are the alarms that follow nothing.
	standing []string
	// speakers are the connections over which sites announce by BGP; learner is the one
	// whose routes a group uses.
	speakers []speaker
	learner  speaker
}

// Generate makes the random network of a seed: up to four groups over all kinds
// of path, everything that can be requested, other writers, changes of the
// configuration, filters and sites that announce to them, and all faults. The first phase has the faults; in the second,
// quiet one everything must converge.
func Generate(seed uint64) *Scenario { return generate(seed, false) }

// generate is Generate; a plain network has no filters and what is drawn with them.
func generate(seed uint64, plain bool) *Scenario {
	g := &generator{
		rng: sim.NewRand(seed), ids: map[string]int{}, listed: map[entryID]bool{},
		s: &Scenario{Name: "seed-" + strconv.FormatUint(seed, 10), Title: "a random network", Seed: seed},
	}
	g.world()
	g.timers()
	g.network()
	g.lists()
	g.groups()
	g.s.Config = pruneLists(g.s.Config).Normalize()
	g.faults()
	g.configure()
	g.events()
	if !plain {
		g.filtering()
	}
	g.s.Faults.Until = config.Duration(faultPhase)
	g.s.Duration = config.Duration(faultPhase + g.quiet() + quietTail)
	return g.s
}

// convergedBy is when a generated scenario must have converged.
func convergedBy(s *Scenario) time.Time {
	return Start().Add(time.Duration(s.Duration) - quietTail)
}

// quiet is how long a network may take to converge after the last fault: what a
// frozen or dead run still holds, what AWS takes to find out and to show, two
// sweeps twice over (a first for the decision, a second for a reading that
// settles it), and the timers of the groups.
func (g *generator) quiet() time.Duration {
	t, w := g.s.Config.Timers, g.s.World
	notices := max(w.DetectAfter, w.ConnectHold) + w.TelemetryLag
	out := time.Duration(g.s.Faults.MaxFreeze) + 2*time.Duration(t.Lease) + 4*time.Minute +
		time.Duration(max(notices, w.StatusCheckAfter, alarmAfter)) + 4*time.Duration(t.SweepPeriod)
	var longest time.Duration
	for _, c := range g.s.configs() {
		for _, group := range c.GroupList {
			wait := time.Duration(group.HoldOff)
			if group.Revertive {
				// A suppressed working path is reused after up to log2(ceiling/reuse) half-lives.
				wait += time.Duration(group.WaitToRestore) + 4*time.Duration(t.Damping.HalfLife)
			}
			longest = max(longest, wait)
		}
		for _, f := range c.FilterList {
			// A measure that came and went often is lifted after as many half-lives.
			longest = max(longest, time.Duration(f.LiftAfter)+4*time.Duration(t.Damping.HalfLife))
		}
	}
	return out + longest + time.Duration(t.IgnoreHealthFor)
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

func (g *generator) oneOf(values ...time.Duration) config.Duration {
	return config.Duration(values[g.rng.IntN(len(values))])
}

func oneOfList[T any](g *generator, values []T) T { return values[g.rng.IntN(len(values))] }

// id makes the next id of a kind.
func (g *generator) id(kind string) string {
	g.ids[kind]++
	return id(kind, g.ids[kind])
}

func id(kind string, n int) string { return fmt.Sprintf("%s-%017x", kind, n) }

func (g *generator) world() {
	g.s.World = WorldTimes{
		DetectAfter:          g.oneOf(10*time.Second, 30*time.Second, 40*time.Second),
		RecoverAfter:         g.oneOf(time.Second, 5*time.Second, 15*time.Second),
		ConnectHold:          g.oneOf(10*time.Second, 30*time.Second),
		StatusCheckAfter:     g.oneOf(20*time.Second, time.Minute, 2*time.Minute),
		TelemetryLag:         g.oneOf(0, 0, time.Second, 20*time.Second, 2*time.Minute),
		EventDelay:           g.oneOf(time.Second, 2*time.Second, 10*time.Second),
		PrefixListModifyTime: g.oneOf(0, 0, 5*time.Second),

		ReplaceMissingIsNotFound: g.chance(0.3), ReplaceTGWPropagatedFails: g.chance(0.3), BlackholeOutlastsOutage: g.chance(0.2),
		NoConnectPeerEvents: g.chance(0.3), ReferenceErrorAsParameter: g.chance(0.3), ListWeighsEntries: g.chance(0.3),
		StoppedInstanceStaysActive: g.chance(0.3), PrefixListIDNotFoundMixedCase: g.chance(0.3),
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

// network makes one or two TGWs with tables and attachments, and up to three
// VPCs attached to all TGWs of their Region, with appliances and gateways.
func (g *generator) network() {
	topo := &g.s.Topology
	topo.Account, topo.Region = labAccount, labRegion
	topo.Sites = []sim.SiteSpec{{Name: "site", Networks: []string{"10.0.0.0/8"}}}
	gateways := 1 + g.rng.IntN(2)
	g.apart = gateways == 2 && g.chance(0.25)
	for t := range gateways {
		gw := sim.TransitGatewaySpec{ID: g.id("tgw")}
		if t == 1 && g.apart {
			gw.Region = farRegion
		}
		for range 1 + g.rng.IntN(2) {
			gw.Tables = append(gw.Tables, sim.TransitGatewayTable{ID: g.id("tgw-rtb")})
		}
		topo.TransitGateways = append(topo.TransitGateways, gw)
	}
	for v := range g.rng.IntN(4) {
		g.vpc(v)
	}
	for t := range topo.TransitGateways {
		g.gatewayOuts(t)
	}
	if gateways == 2 && g.chance(0.5) {
		g.peering()
	}
	g.propagate()
}

func (g *generator) vpc(v int) {
	topo := &g.s.Topology
	vpc := sim.VPCSpec{ID: g.id("vpc"), CIDRs: []string{fmt.Sprintf("172.%d.0.0/16", 16+v)}}
	if g.chance(0.3) {
		vpc.Account = farAccount
	}
	for _, gw := range topo.TransitGateways {
		if gw.Region != farRegion {
			vpc.Attachments = append(vpc.Attachments, sim.AttachmentSpec{ID: g.id("tgw-attach"), TransitGateway: gw.ID})
		}
	}
	vpc.Tables = []sim.VPCTableSpec{{ID: g.id("rtb")}}
	if g.chance(0.5) {
		vpc.CIDRs = append(vpc.CIDRs, taughtCIDR(v))
	}
	var over []sim.VPNSpec
	if g.chance(0.4) {
		over = append(over, g.virtualGateway(&vpc))
	}
	topo.VPCs = append(topo.VPCs, vpc)
	for _, vpn := range over {
		g.connection(vpn, 1+g.rng.IntN(2))
	}
	if g.chance(0.45) {
		g.routers(vpc, v)
	}
}

// taughtCIDR is a VPC's second CIDR. Where a group has it as a destination too,
// a static and a propagated route of one CIDR meet in a TGW table.
func taughtCIDR(vpc int) string { return fmt.Sprintf("10.250.%d.0/24", vpc) }

// propagate lets some tables learn what the attachments of their TGW teach.
func (g *generator) propagate() {
	topo := &g.s.Topology
	for i := range topo.TransitGateways {
		gateway := topo.TransitGateways[i].ID
		var teaching []string
		for _, vpc := range topo.VPCs {
			for _, a := range vpc.Attachments {
				if a.TransitGateway == gateway {
					teaching = append(teaching, a.ID)
				}
			}
		}
		for _, c := range topo.Connects {
			if c.Attachment.TransitGateway == gateway {
				teaching = append(teaching, c.Attachment.ID)
			}
		}
		for _, d := range topo.DirectConnects {
			if d.Attachment.TransitGateway == gateway {
				teaching = append(teaching, d.Attachment.ID)
			}
		}
		for j := range topo.TransitGateways[i].Tables {
			if g.chance(0.5) {
				topo.TransitGateways[i].Tables[j].Propagated = slices.Clone(teaching)
			}
		}
	}
}

// lists makes prefix lists: of the lab's account, of another that shares them, or
// kept in sync by an IPAM.
func (g *generator) lists() {
	if !g.chance(0.5) {
		return
	}
	for n := range 1 + g.rng.IntN(2) {
		list := sim.PrefixListSpec{ID: g.id("pl"), Account: labAccount, Shared: []string{farAccount}, MaxEntries: 4 + g.rng.IntN(4)}
		if g.chance(0.3) {
			list.Account, list.Shared = farAccount, []string{labAccount}
		}
		for k := range 1 + g.rng.IntN(3) {
			list.Entries = append(list.Entries, listBlock(n, k))
		}
		list.IPAM = g.chance(0.12)
		g.s.Topology.PrefixLists = append(g.s.Topology.PrefixLists, list)
		if g.chance(0.75) {
			g.s.Config.ListList = append(g.s.Config.ListList, config.PrefixList{ID: list.ID, Owner: list.Account, Accept: true})
		}
	}
	if g.chance(0.2) {
		g.s.Config.Never.Destinations = []string{neverBlock}
	}
}

// listBlock is a block that a prefix list holds or can come to hold.
func listBlock(list, n int) string { return fmt.Sprintf("10.%d.%d.0/24", 200+list, n) }

// neverBlock is on the neverTouch list of some networks. No list holds it at the
// start.
const neverBlock = "10.240.0.0/16"

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
