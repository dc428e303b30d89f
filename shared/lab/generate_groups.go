package lab

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// groups declares up to four groups. Each uses either ways of one TGW, with
// entries in its tables, or ways of VPCs, with entries in VPC tables.
func (g *generator) groups() {
	for n := range 1 + g.rng.IntN(4) {
		group := config.NewGroup()
		group.Name = "group-" + strconv.Itoa(n+1)
		group.Home = config.Home{Account: labAccount, Region: labRegion}
		group.Mode = "enforce"
		if g.chance(0.08) {
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

// place is where a group has its entries: the tables of a TGW, or those of VPCs.
type place struct {
	gateway string
	vpcs    []string // nil: the tables of the TGW
	outs    []wayOut
}

// hop is where the route of an entry in a table points that takes the way.
func (p place) hop(out wayOut) string {
	switch {
	case p.vpcs == nil:
		return out.attachment
	case out.target != "":
		return out.target
	default:
		return out.gateway
	}
}

func (g *generator) members(group *config.Group, n int) {
	p := g.place()
	for i, out := range p.outs {
		path := out.path
		path.Name, path.Region = "path-"+strconv.Itoa(i+1), g.regionOf(out.gateway)
		path.Checks = slices.Clone(path.Checks)
		group.Paths = append(group.Paths, path)
	}
	destination := 0
	for u := range 1 + g.rng.IntN(3) {
		unit := config.Unit{Name: "unit-" + strconv.Itoa(u+1)}
		for range 1 + g.rng.IntN(4) {
			destination++
			unit.Entries = append(unit.Entries, g.entry(p, fmt.Sprintf("10.%d.%d.0/24", n+1, destination)))
		}
		group.Units = append(group.Units, unit)
	}
	g.stand(*group)
}

// place picks where a group is, and two or three ways that it can use there, each
// with another next hop.
func (g *generator) place() place {
	topo := g.s.Topology
	gateway := oneOfList(g, topo.TransitGateways).ID
	p := place{gateway: gateway}
	if len(topo.VPCs) > 0 && g.chance(0.6) {
		vpc := oneOfList(g, topo.VPCs)
		p.vpcs = []string{vpc.ID}
		p.outs = g.choose(p, func(out wayOut) bool { return out.vpc == vpc.ID || attachedTo(vpc, out.gateway) })
		if len(p.outs) >= 2 {
			shared := !slices.ContainsFunc(p.outs, func(out wayOut) bool { return out.vpc != "" })
			if shared {
				p.vpcs = nil
				for _, other := range topo.VPCs {
					p.vpcs = append(p.vpcs, other.ID)
				}
			}
			return p
		}
		p.vpcs = nil
	}
	p.outs = g.choose(p, func(out wayOut) bool { return out.gateway == gateway && out.attachment != "" })
	return p
}

func attachedTo(vpc sim.VPCSpec, gateway string) bool {
	return slices.ContainsFunc(vpc.Attachments, func(a sim.AttachmentSpec) bool { return a.TransitGateway == gateway })
}

// choose picks up to three of the ways that fit, in random order. Ways that only
// one place has come first more often than not, or the many VPN connections would
// leave them out.
func (g *generator) choose(p place, fits func(wayOut) bool) []wayOut {
	var out, rest []wayOut
	for _, w := range g.outs {
		switch {
		case !fits(w):
		case w.path.Kind != kindVPN || w.target != "":
			out = append(out, w)
		default:
			rest = append(rest, w)
		}
	}
	g.shuffle(out)
	g.shuffle(rest)
	out = append(out, rest...)
	hops := map[string]bool{}
	out = slices.DeleteFunc(out, func(w wayOut) bool {
		hop := p.hop(w)
		twice := hops[hop]
		hops[hop] = true
		return twice
	})
	out = out[:min(len(out), 2+g.rng.IntN(2))]
	g.shuffle(out)
	return out
}

func (g *generator) shuffle(outs []wayOut) {
	for i := len(outs) - 1; i > 0; i-- {
		j := g.rng.IntN(i + 1)
		outs[i], outs[j] = outs[j], outs[i]
	}
}

// entry makes an entry in one of the tables of the place. Its destination is the
// block, or what a VPC teaches too, or a prefix list.
func (g *generator) entry(p place, block string) config.Entry {
	topo := g.s.Topology
	entry := config.Entry{Destination: block, NextHops: map[string]string{}}
	if p.vpcs != nil {
		vpc := g.vpcNamed(oneOfList(g, p.vpcs))
		entry.Table, entry.Account = vpc.Tables[0].ID, vpc.Account
	} else {
		for _, gw := range topo.TransitGateways {
			if gw.ID == p.gateway {
				entry.Table, entry.Region = oneOfList(g, gw.Tables).ID, gw.Region
			}
		}
		if g.taught < len(topo.VPCs) && g.chance(0.2) {
			entry.Destination = taughtCIDR(g.taught)
			g.taught++
		}
	}
	if len(topo.PrefixLists) > 0 && entry.Region != farRegion && g.chance(0.35) {
		list := oneOfList(g, topo.PrefixLists)
		if at := (entryID{entry.Table, list.ID}); !g.listed[at] {
			g.listed[at] = true
			entry.Destination = list.ID
		}
	}
	for i, out := range p.outs {
		entry.NextHops["path-"+strconv.Itoa(i+1)] = p.hop(out)
	}
	return entry
}

// stand puts the group's routes into the tables: mostly all on the working path,
// sometimes mixed, missing, or foreign.
func (g *generator) stand(group config.Group) {
	mixed := g.chance(0.2)
	start := group.Paths[0].Name
	if g.chance(0.2) {
		start = oneOfList(g, group.Paths).Name
	}
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			target := entry.NextHops[start]
			if mixed {
				switch g.rng.IntN(5) {
				case 0:
					continue
				case 1:
					target = entry.NextHops[oneOfList(g, group.Paths).Name]
				case 2:
					if foreign := g.foreignTarget(entry); foreign != "" && g.chance(0.3) {
						target = foreign
					}
				}
			}
			g.putRoute(entry.Table, entry.Destination, target)
		}
	}
}

// foreignTarget is something that the entry's table can point to and that no path
// of the group uses; empty if there is nothing.
func (g *generator) foreignTarget(entry config.Entry) string {
	topo := g.s.Topology
	var all []string
	for _, gw := range topo.TransitGateways {
		if !slices.ContainsFunc(gw.Tables, func(t sim.TransitGatewayTable) bool { return t.ID == entry.Table }) {
			continue
		}
		for _, out := range g.outs {
			if out.gateway == gw.ID && out.attachment != "" {
				all = append(all, out.attachment)
			}
		}
		all = append(all, "blackhole")
	}
	for _, vpc := range topo.VPCs {
		if vpc.Tables[0].ID != entry.Table {
			continue
		}
		for _, a := range vpc.Attachments {
			all = append(all, a.TransitGateway)
		}
		for _, out := range g.outs {
			if out.vpc == vpc.ID {
				all = append(all, out.target)
			}
		}
	}
	for _, hop := range entry.NextHops {
		all = slices.DeleteFunc(all, func(target string) bool { return target == hop })
	}
	if len(all) == 0 {
		return ""
	}
	return oneOfList(g, all)
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
