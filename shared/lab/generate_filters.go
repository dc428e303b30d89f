package lab

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// filterStream sets the draws about filters and learned routes apart from all others:
// a network without them is what it would be if there were none at all.
const filterStream = 0x66696c74657273

// filteredShare is how many of the networks have sites that speak BGP.
const filteredShare = 0.6

// speaker is a connection with BGP, and the site behind it.
type speaker struct {
	n int // of the site, from 1
	// name is that of the connection or Connect peer, site that of the site.
	name, site string
	// gateway and attachment are those of a transit gateway, vgw that of a VPC.
	gateway, attachment, vgw string
	vpn                      string // empty: a Connect peer's
	tunnels                  []string
	path                     config.Path
	// observation is the table that shows what it announces, if there is one.
	observation string
}

func (s speaker) own(k int) string { return fmt.Sprintf("10.%d.%d.0/24", 100+s.n, k) }

// filtering adds sites that announce over BGP, groups with learned routes, filters, and
// what happens to them.
func (g *generator) filtering() {
	g.rng = sim.NewRand(g.s.Seed ^ filterStream)
	if !g.chance(filteredShare) {
		return
	}
	w := &g.s.World
	w.VPNHold, w.AdvertiseAfter = g.oneOf(10*time.Second, 30*time.Second), g.oneOf(0, time.Second, 5*time.Second)
	w.VPNLogDelay = g.oneOf(2*time.Second, 10*time.Second)
	w.AdvertiseBlackholes, w.PropagationErrorAsProbed = g.chance(0.3), g.chance(0.3)
	g.branches()
	g.hubs()
	if g.chance(0.5) {
		g.learnedGroup()
	}
	g.s.Config = g.s.Config.Normalize()
	for range 1 + g.rng.IntN(3) {
		g.addFilter()
	}
	g.s.Config = g.s.Config.Normalize()
	g.announcements()
	g.reconfigureFilters()
}

// addFilter draws a filter until one makes a good configuration.
func (g *generator) addFilter() {
	for range 12 {
		before := g.s.Config
		f := g.drawFilter(fmt.Sprintf("filter-%d", len(before.FilterList)+1))
		if len(f.Tables) == 0 {
			continue
		}
		g.s.Config.FilterList = append(slices.Clone(before.FilterList), f)
		g.s.Config.TableList = g.tableList(f)
		if g.declaredWell() {
			return
		}
		g.s.Config = before
	}
}

// tableList names the filter's tables of other accounts and Regions.
func (g *generator) tableList(f config.Filter) []config.Table {
	out := slices.Clone(g.s.Config.TableList)
	name := func(id, account, region string) {
		known := slices.ContainsFunc(out, func(t config.Table) bool { return t.ID == id })
		used := slices.Contains(f.Tables, id) || slices.Contains(slices.Collect(maps.Values(f.Observation)), id)
		if used && !known && (account != "" && account != labAccount || region != "" && region != labRegion) {
			out = append(out, config.Table{Name: "table-" + id[len(id)-4:], ID: id, Account: account, Region: region})
		}
	}
	for _, gw := range g.s.Topology.TransitGateways {
		for _, t := range gw.Tables {
			name(t.ID, labAccount, gw.Region)
		}
	}
	for _, vpc := range g.s.Topology.VPCs {
		name(vpc.Tables[0].ID, vpc.Account, labRegion)
	}
	return out
}

// drawFilter draws a filter, which may be none that can be.
func (g *generator) drawFilter(name string) config.Filter {
	f := config.NewFilter()
	f.Name, f.Home, f.Mode = name, config.Home{Account: labAccount, Region: labRegion}, "enforce"
	if g.chance(0.08) {
		f.Mode = "observe"
	}
	f.LiftAfter = g.oneOf(30*time.Second, time.Minute, 3*time.Minute)
	f.Action = oneOfList(g, []string{"blackhole", "blackhole", "blackhole", "quarantine", "quarantine", "quarantine", "pin", "pin", "alert"})
	s := oneOfList(g, g.speakers)
	if s.vgw != "" {
		f.Action = oneOfList(g, []string{"pin", "pin", "pin", "alert"})
		g.vpcScope(&f, s)
	} else {
		g.gatewayScope(&f, s)
	}
	f.Rules = g.rules(s)
	if f.Action == "quarantine" || f.Action == "alert" {
		if g.chance(0.3) {
			f.MaxPrefixes = 1 + g.rng.IntN(4)
		}
		f.AcceptLoss = f.Action == "quarantine" && (s.vpn == "" || g.chance(0.2))
	}
	f.Preset = (f.Action == "blackhole" || f.Action == "pin") && g.chance(0.3)
	return f
}

// vpcScope has the filter speak of the main table of the gateway's VPC.
func (g *generator) vpcScope(f *config.Filter, s speaker) {
	vpc := g.vpcNamed(g.vpcOf(s.vgw))
	f.Tables = []string{vpc.Tables[0].ID}
	if g.chance(0.4) {
		f.Attachments = []string{s.vgw}
	}
	if f.Action != "pin" {
		return
	}
	var egress []string
	for _, a := range vpc.Attachments {
		egress = append(egress, a.TransitGateway)
	}
	for _, a := range g.s.Topology.Appliances {
		if a.VPC == vpc.ID {
			egress = append(egress, a.Interface)
		}
	}
	if len(egress) > 0 {
		f.Egress = map[string]string{f.Tables[0]: oneOfList(g, egress)}
	}
}

// gatewayScope has the filter speak of tables of the speaker's transit gateway.
func (g *generator) gatewayScope(f *config.Filter, s speaker) {
	tables := g.learning(s)
	if len(tables) == 0 {
		return
	}
	f.Tables = []string{oneOfList(g, tables)}
	for _, t := range tables {
		if t != f.Tables[0] && g.chance(0.3) {
			f.Tables = append(f.Tables, t)
		}
	}
	if f.Action == "quarantine" || g.chance(0.4) {
		f.Attachments = []string{s.attachment}
		for _, other := range g.speakers {
			if other.gateway == s.gateway && other.attachment != s.attachment && g.chance(0.5) {
				f.Attachments = append(f.Attachments, other.attachment)
			}
		}
	}
	if f.Action != "alert" {
		g.watchAnnounced(f, s.gateway)
	}
	if f.Action == "pin" {
		g.pinOnto(f, s.gateway)
	}
}

// watchAnnounced gives the filter the observation tables of most attachments of the
// gateway that it speaks of.
func (g *generator) watchAnnounced(f *config.Filter, gateway string) {
	for _, s := range g.speakers {
		spoken := len(f.Attachments) == 0 || slices.Contains(f.Attachments, s.attachment)
		if s.gateway == gateway && spoken && s.observation != "" && g.chance(0.9) {
			if f.Observation == nil {
				f.Observation = map[string]string{}
			}
			f.Observation[s.attachment] = s.observation
		}
	}
}

// pinOnto gives each of the filter's tables an egress at the gateway.
func (g *generator) pinOnto(f *config.Filter, gateway string) {
	var egress []string
	for _, w := range g.backups(gateway) {
		egress = append(egress, w.attachment)
	}
	egress = append(egress, g.transports(gateway)...)
	f.Egress = map[string]string{}
	for _, t := range f.Tables {
		f.Egress[t] = oneOfList(g, egress)
	}
}

// rules draws what a filter permits and denies.
func (g *generator) rules(s speaker) []string {
	sets := [][]string{
		{"deny default-like"},
		{"deny default-like"},
		{"permit 10.0.0.0/8 le 24", "deny default-like"},
		{"permit 10.0.0.0/8 le 24", "deny 0.0.0.0/0 le 32", "permit 2001:db8::/32 le 48", "deny ::/0 le 128"},
		{"deny 0.0.0.0/0"},
		{"deny 0.0.0.0/0", "deny ::/0", "deny 0.0.0.0/1"},
		{"deny ::/0 le 16", "deny 0.0.0.0/0 le 7"},
		{"deny " + s.own(2), "deny default-like"},
		{"permit " + s.own(0), "deny 10.100.0.0/14 ge 24", "deny default-like"},
		{"permit 10.100.0.0/14 ge 24 le 24", "deny 10.100.0.0/14 ge 25", "deny default-like"},
		{"deny 203.0.113.0/24 le 32", "deny 0.0.0.0/0"},
	}
	return oneOfList(g, sets)
}

// reconfigureFilters draws a change of the filters in the middle of the run.
func (g *generator) reconfigureFilters() {
	if len(g.s.Config.FilterList) == 0 || !g.chance(0.4) {
		return
	}
	script := g.s.Script
	for range 6 {
		step := Step{At: g.instant(), Do: Configure}
		f := oneOfList(g, g.s.Config.FilterList)
		again := g.drawFilter(f.Name)
		changed := f
		switch p := g.rng.Float64(); {
		case p < 0.2:
			step.Filter, step.Removed = f.Name, true
		case p < 0.4:
			changed = again
			changed.Name = "filter-new"
		case p < 0.65:
			changed.Rules = again.Rules
		case p < 0.9:
			changed = again
		default:
			changed.Mode = map[string]string{"enforce": "observe", "observe": "enforce"}[f.Mode]
		}
		if !step.Removed {
			step.Filter, step.Declare = changed.Name, &changed
			g.s.Config.TableList = g.tableList(changed)
		}
		g.add(step)
		if (step.Removed || len(changed.Tables) > 0) && g.declaredWell() {
			return
		}
		g.s.Script = slices.Clone(script)
	}
}
