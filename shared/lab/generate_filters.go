package lab

import (
	"fmt"
	"slices"
	"strings"
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

// branches makes the sites, each with a connection or two of one gateway.
func (g *generator) branches() {
	for n := 1; n <= 1+g.rng.IntN(3); n++ {
		site := sim.SiteSpec{Name: fmt.Sprintf("branch-%d", n), ASN: 65000 + n, Networks: []string{fmt.Sprintf("10.%d.0.0/16", 100+n)}}
		s := speaker{n: n, site: site.Name}
		site.Announces = []sim.AnnouncementSpec{{Prefix: s.own(0)}, {Prefix: s.own(1)}}
		if g.chance(0.3) {
			site.Announces = append(site.Announces, sim.AnnouncementSpec{Prefix: fmt.Sprintf("2001:db8:%d::/48", n)})
		}
		g.s.Topology.Sites = append(g.s.Topology.Sites, site)
		if gateways := g.s.Topology.VPNGateways; len(gateways) > 0 && g.chance(0.45) {
			s.vgw = oneOfList(g, gateways).ID
		} else {
			s.gateway = oneOfList(g, g.s.Topology.TransitGateways).ID
		}
		for range 1 + g.rng.IntN(4)/3 {
			g.branch(s)
		}
		if s.vgw != "" && g.chance(0.25) {
			g.privateLine(s)
		}
	}
}

// branch makes one connection of a site.
func (g *generator) branch(s speaker) {
	topo := &g.s.Topology
	transports := g.transports(s.gateway)
	if s.vgw == "" {
		s.attachment = g.id("tgw-attach")
	}
	if s.vgw == "" && len(transports) > 0 && g.chance(0.25) {
		g.branchPeer(s, oneOfList(g, transports))
		return
	}
	s.vpn = g.id("vpn")
	s.name = s.vpn
	spec := sim.VPNSpec{ID: s.vpn, Site: s.site, VPNGateway: s.vgw, BGP: &sim.VPNBGPSpec{}, BGPLog: g.chance(0.4)}
	if s.vgw == "" {
		spec.Attachment = sim.AttachmentSpec{ID: s.attachment, TransitGateway: s.gateway}
	}
	for range 1 + g.rng.IntN(2) {
		g.ids["tunnel"]++
		s.tunnels = append(s.tunnels, fmt.Sprintf("203.0.113.%d", g.ids["tunnel"]))
		spec.Tunnels = append(spec.Tunnels, sim.TunnelSpec{OutsideIP: s.tunnels[len(s.tunnels)-1]})
	}
	topo.VPNs = append(topo.VPNs, spec)
	s.path = g.path(kindVPN)
	s.path.VPN = s.vpn
	s.path.Tunnels = len(s.tunnels)
	g.speakers = append(g.speakers, s)
}

// branchPeer makes a Connect attachment with one peer.
func (g *generator) branchPeer(s speaker, transport string) {
	s.name = g.id("tgw-connect-peer")
	n := g.ids["tgw-connect-peer"]
	spec := sim.ConnectSpec{Attachment: sim.AttachmentSpec{ID: s.attachment, TransitGateway: s.gateway}, Transport: transport, Site: s.site}
	peer := sim.ConnectPeerSpec{
		ID: s.name, PeerAddress: fmt.Sprintf("172.31.0.%d", n), TransitGatewayAddress: fmt.Sprintf("192.0.2.%d", n),
		InsideCIDR: fmt.Sprintf("169.254.%d.0/29", 10+n),
	}
	if g.chance(0.7) {
		peer.PeerASN = 65000 + s.n
	}
	spec.Peers = []sim.ConnectPeerSpec{peer}
	g.s.Topology.Connects = append(g.s.Topology.Connects, spec)
	s.path = g.path(kindConnect)
	s.path.Attachment, s.path.Peers, s.path.MinPeers = s.attachment, []string{s.name}, 1
	g.speakers = append(g.speakers, s)
}

// transports are the attachments of a transit gateway that can carry GRE.
func (g *generator) transports(gateway string) []string {
	var out []string
	for _, vpc := range g.s.Topology.VPCs {
		for _, a := range vpc.Attachments {
			if a.TransitGateway == gateway {
				out = append(out, a.ID)
			}
		}
	}
	return out
}

// privateLine is a private virtual interface on the site's virtual private gateway,
// which can bring IPv6.
func (g *generator) privateLine(s speaker) {
	g.ids["dxvif"]++
	s.name, s.attachment, s.vpn = fmt.Sprintf("dxvif-%08x", g.ids["dxvif"]), "", ""
	g.s.Topology.DirectConnects = append(g.s.Topology.DirectConnects, sim.DirectConnectSpec{ID: s.name, VPNGateway: s.vgw, Site: s.site})
	g.speakers = append(g.speakers, s)
}

// hubs lets the tables learn from the sites, and makes a table of its own for that on
// some gateways, and observation tables.
func (g *generator) hubs() {
	topo := &g.s.Topology
	for i := range topo.TransitGateways {
		gw := &topo.TransitGateways[i]
		var teaching []string
		for _, s := range g.speakers {
			if s.gateway == gw.ID {
				teaching = append(teaching, s.attachment)
			}
		}
		if len(teaching) == 0 {
			continue
		}
		for j := range gw.Tables {
			if g.chance(0.6) {
				gw.Tables[j].Propagated = append(slices.Clone(gw.Tables[j].Propagated), teaching...)
			}
		}
		if g.chance(0.6) {
			gw.Tables = append(gw.Tables, sim.TransitGatewayTable{ID: g.id("tgw-rtb"), Propagated: append(g.transports(gw.ID), teaching...)})
		}
		shared := len(gw.Tables)
		for k := range g.speakers {
			if s := &g.speakers[k]; s.gateway == gw.ID && g.chance(0.8) {
				g.observe(gw, s, teaching)
			}
		}
		for _, id := range append(teaching, g.transports(gw.ID)...) {
			if g.chance(0.5) {
				t := &gw.Tables[g.rng.IntN(shared)]
				t.Associated = append(t.Associated, id)
			}
		}
	}
	for i := range topo.VPCs {
		for _, s := range g.speakers {
			if s.vgw != "" && g.vpcOf(s.vgw) == topo.VPCs[i].ID && g.chance(0.8) {
				topo.VPCs[i].Tables[0].Propagated = []string{s.vgw}
			}
		}
	}
}

// observe makes an observation table; one of ten does not show the attachment alone.
func (g *generator) observe(gw *sim.TransitGatewaySpec, s *speaker, teaching []string) {
	s.observation = g.id("tgw-rtb")
	table := sim.TransitGatewayTable{ID: s.observation, Propagated: []string{s.attachment}}
	if g.chance(0.1) {
		for _, id := range teaching {
			if id != s.attachment {
				table.Propagated = append(table.Propagated, id)
			}
		}
	}
	gw.Tables = append(gw.Tables, table)
}

func (g *generator) vpcOf(gateway string) string {
	for _, v := range g.s.Topology.VPNGateways {
		if v.ID == gateway {
			return v.VPC
		}
	}
	return ""
}

// observes reports whether the table is somebody's observation table.
func (g *generator) observes(table string) bool {
	return slices.ContainsFunc(g.speakers, func(s speaker) bool { return s.observation == table })
}

// learnedGroup declares a group whose one path is a learned route, and whose other
// paths are static VPN connections of the same transit gateway.
func (g *generator) learnedGroup() {
	var from []speaker
	for _, s := range g.speakers {
		if s.gateway != "" && len(g.backups(s.gateway)) > 0 && len(g.learning(s)) > 0 {
			from = append(from, s)
		}
	}
	if len(from) == 0 {
		return
	}
	s := oneOfList(g, from)
	table := oneOfList(g, g.learning(s))
	group := config.NewGroup()
	group.Name, group.Home, group.Mode = "group-learned", config.Home{Account: labAccount, Region: labRegion}, "enforce"
	group.Revertive = g.chance(0.3)
	if group.Revertive {
		group.WaitToRestore = g.oneOf(30*time.Second, 2*time.Minute)
	}
	learned := s.path
	learned.Name, learned.Region = "learned", g.regionOf(s.gateway)
	if g.chance(0.8) {
		learned.Observation = s.observation
	}
	backup := oneOfList(g, g.backups(s.gateway))
	second := backup.path
	second.Name, second.Region, second.Checks = "backup", learned.Region, nil
	group.Paths = []config.Path{learned, second}
	if g.chance(0.3) {
		slices.Reverse(group.Paths)
	}
	start := oneOfList(g, []string{"learned", "learned", "backup"})
	for k := range 1 + g.rng.IntN(2) {
		hops := map[string]string{"learned": "propagated:" + s.attachment, "backup": backup.attachment}
		entry := config.Entry{Table: table, Region: learned.Region, Destination: s.own(k), NextHops: hops}
		group.Units = append(group.Units, config.Unit{Name: fmt.Sprintf("unit-%d", k+1), Entries: []config.Entry{entry}})
		if start == "backup" {
			g.putRoute(table, s.own(k), backup.attachment)
		}
	}
	if g.withGroup(group) {
		g.learnedRequests(group)
		g.learner = s
	}
}

// withGroup declares the group, if that makes a good configuration all along.
func (g *generator) withGroup(group config.Group) bool {
	before := g.s.Config
	g.s.Config.GroupList = append(slices.Clone(before.GroupList), group)
	if g.declaredWell() {
		return true
	}
	g.s.Config = before
	return false
}

// declaredWell reports whether every configuration of the run passes the check.
func (g *generator) declaredWell() bool {
	return !slices.ContainsFunc(g.s.configs(), func(c configAt) bool { return len(config.Check(c.Normalize())) > 0 })
}

// backups are the VPN connections with static routing of a transit gateway.
func (g *generator) backups(gateway string) []wayOut {
	var out []wayOut
	for _, w := range g.outs {
		if w.gateway == gateway && w.attachment != "" && w.path.Kind == kindVPN {
			out = append(out, w)
		}
	}
	return out
}

// learning are the tables that learn from a speaker, but for observation tables.
func (g *generator) learning(s speaker) []string {
	var out []string
	for _, gw := range g.s.Topology.TransitGateways {
		for _, t := range gw.Tables {
			if slices.Contains(t.Propagated, s.attachment) && !g.observes(t.ID) {
				out = append(out, t.ID)
			}
		}
	}
	return out
}

// learnedRequests ask the group to go to and fro, with proof or without.
func (g *generator) learnedRequests(group config.Group) {
	for range g.rng.IntN(4) {
		step := Step{At: g.instant(), Do: MakeRequest, Group: group.Name, ID: fmt.Sprintf("r%d", len(g.s.Script)+1)}
		switch g.rng.IntN(4) {
		case 0:
			step.Kind, step.Path = "manual-switch", "backup"
		case 1:
			step.Kind, step.Path = "forced-switch", oneOfList(g, []string{"learned", "backup"})
		default:
			step.Kind, step.Path = "manual-switch", "learned"
		}
		step.Unproven = step.Path == "learned" && g.chance(0.6)
		g.add(step)
		if g.chance(0.5) {
			g.clears(step)
		}
	}
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
		used := slices.Contains(f.Tables, id) || slices.Contains(mapValues(f.Observation), id)
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

func mapValues(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.Sort(out)
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
	for _, other := range g.speakers {
		spoken := len(f.Attachments) == 0 || slices.Contains(f.Attachments, other.attachment)
		if f.Action != "alert" && other.gateway == s.gateway && spoken && other.observation != "" && g.chance(0.9) {
			if f.Observation == nil {
				f.Observation = map[string]string{}
			}
			f.Observation[other.attachment] = other.observation
		}
	}
	if f.Action == "pin" {
		f.Egress = map[string]string{}
		var egress []string
		for _, w := range g.backups(s.gateway) {
			egress = append(egress, w.attachment)
		}
		egress = append(egress, g.transports(s.gateway)...)
		for _, t := range f.Tables {
			f.Egress[t] = oneOfList(g, egress)
		}
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
