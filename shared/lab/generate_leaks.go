package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// announcements draws what the sites announce and withdraw, sessions that come and go,
// and somebody who meddles with filtered tables.
func (g *generator) announcements() {
	for range 3 + g.rng.IntN(10) {
		at, s := min(g.instant(), config.Duration(faultPhase-10*time.Second)), oneOfList(g, g.speakers) // Its end comes after it.
		switch p := g.rng.Float64(); {
		case p < 0.62:
			g.leak(at, s)
		case p < 0.7:
			g.ownAnnouncement(at, s)
		case p < 0.88 && s.vpn != "":
			g.flap(at, s)
		default:
			g.meddleWithFilter(at, s)
		}
	}
}

// leak announces something for a while, or to the end.
func (g *generator) leak(at config.Duration, s speaker) {
	prefix := g.leaked(s)
	who := s.name
	if g.chance(0.4) {
		who = s.site
	}
	step := Step{At: at, Do: Announce, Speaker: who, Prefix: prefix}
	if g.chance(0.2) {
		step.ASPath = []int{64999, 64998}[:1+g.rng.IntN(2)]
	}
	if g.chance(0.2) {
		med := 50 * g.rng.IntN(5)
		step.MED = &med
	}
	step.NextHopSelf = g.chance(0.5)
	g.add(step)
	// What can take away the way to its own tunnel comes and goes as long as it is
	// announced, and so has to end.
	if g.chance(0.5) || g.mayLoop() {
		later := at + config.Duration(time.Duration(10+g.rng.IntN(300))*time.Second)
		g.add(Step{At: min(later, config.Duration(faultPhase-time.Second)), Do: Withdraw, Speaker: who, Prefix: prefix})
	}
}

// mayLoop reports whether a site can hear what another announces.
func (g *generator) mayLoop() bool {
	on := map[string]int{}
	for _, s := range g.speakers {
		on[s.vgw]++
		if s.vgw != "" && on[s.vgw] > 1 {
			return true
		}
	}
	for _, gw := range g.s.Topology.TransitGateways {
		for _, t := range gw.Tables {
			if slices.ContainsFunc(g.speakers, func(s speaker) bool { return s.attachment != "" && slices.Contains(t.Associated, s.attachment) }) {
				return true
			}
		}
	}
	return false
}

func (g *generator) leaked(s speaker) string {
	other := oneOfList(g, g.speakers)
	prefixes := []string{
		"0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2000::/3", "203.0.113.0/24", "192.0.2.0/24",
		s.own(2), s.own(3), fmt.Sprintf("10.%d.0.16/28", 100+s.n), fmt.Sprintf("10.%d.0.0/16", 100+s.n), other.own(1), other.own(2),
		fmt.Sprintf("2001:db8:%d:1::/64", s.n), "10.0.0.0/7",
	}
	if len(s.tunnels) > 0 {
		prefixes = append(prefixes, s.tunnels[0]+"/32")
	}
	return oneOfList(g, prefixes)
}

// ownAnnouncement withdraws a network of the site's own, and announces it again. Those
// on which a group depends stay.
func (g *generator) ownAnnouncement(at config.Duration, s speaker) {
	if g.learner.site == s.site {
		return
	}
	prefix := s.own(g.rng.IntN(2))
	g.add(Step{At: at, Do: Withdraw, Speaker: s.site, Prefix: prefix})
	if later := at + config.Duration(time.Duration(20+g.rng.IntN(200))*time.Second); time.Duration(later) < faultPhase && g.chance(0.7) {
		g.add(Step{At: later, Do: Announce, Speaker: s.site, Prefix: prefix})
	}
}

// flap fails the BGP or IPsec of a connection, mostly for a while.
func (g *generator) flap(at config.Duration, s speaker) {
	tunnel := oneOfList(g, append([]string{""}, s.tunnels...))
	down, up := BGPDown, BGPUp
	if g.chance(0.4) {
		down, up = TunnelDown, TunnelUp
	}
	g.add(Step{At: at, Do: down, VPN: s.vpn, Tunnel: tunnel})
	if g.chance(0.8) {
		later := at + config.Duration(time.Duration(15+g.rng.IntN(240))*time.Second)
		g.add(Step{At: min(later, config.Duration(faultPhase-time.Second)), Do: up, VPN: s.vpn, Tunnel: tunnel})
	}
}

// meddleWithFilter is somebody else who writes what a filter may write too.
func (g *generator) meddleWithFilter(at config.Duration, s speaker) {
	if len(g.s.Config.FilterList) == 0 {
		return
	}
	f := oneOfList(g, g.s.Config.FilterList)
	table := oneOfList(g, f.Tables)
	step := Step{At: at, Do: WriteRoute, By: "somebody", Table: table, Destination: g.leaked(s)}
	declared := slices.ContainsFunc(g.s.Config.GroupList, func(group config.Group) bool {
		return slices.ContainsFunc(group.Units, func(u config.Unit) bool {
			return slices.ContainsFunc(u.Entries, func(e config.Entry) bool { return e.Table == table && e.Destination == step.Destination })
		})
	})
	if declared {
		return
	}
	switch {
	case g.chance(0.6):
	case !strings.HasPrefix(table, "tgw-"):
		if attached := g.vpcOfTable(table).Attachments; len(attached) > 0 {
			step.Target = attached[0].TransitGateway
		}
	case g.chance(0.5):
		step.Target = "blackhole"
	default:
		if to := g.backups(g.gatewayOf(table)); len(to) > 0 {
			step.Target = oneOfList(g, to).attachment
		}
	}
	g.add(step)
}

func (g *generator) gatewayOf(table string) string {
	for _, gw := range g.s.Topology.TransitGateways {
		if slices.ContainsFunc(gw.Tables, func(t sim.TransitGatewayTable) bool { return t.ID == table }) {
			return gw.ID
		}
	}
	return ""
}

func (g *generator) vpcOfTable(table string) sim.VPCSpec {
	for _, vpc := range g.s.Topology.VPCs {
		if vpc.Tables[0].ID == table {
			return vpc
		}
	}
	return sim.VPCSpec{}
}
