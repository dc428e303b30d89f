package lab

import (
	"fmt"
	"slices"

	"detour/shared/sim"
)

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
		if gw := &topo.TransitGateways[i]; len(g.teaching(gw.ID)) > 0 {
			g.hub(gw)
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

// teaching are the attachments of a transit gateway over which sites announce.
func (g *generator) teaching(gateway string) []string {
	var out []string
	for _, s := range g.speakers {
		if s.gateway == gateway {
			out = append(out, s.attachment)
		}
	}
	return out
}

// hub lets tables of one gateway learn, and associates attachments with those that are
// no observation tables.
func (g *generator) hub(gw *sim.TransitGatewaySpec) {
	teaching := g.teaching(gw.ID)
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
