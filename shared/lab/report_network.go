package lab

import (
	"fmt"
	"strings"

	"detour/shared/sim"
)

// network lists what there is, a row for each thing.
func (p *page) network(topo sim.Topology) {
	p.section("The network")
	for _, g := range topo.TransitGateways {
		for i, t := range g.Tables {
			if i == 0 {
				p.row("transit gateway", g.Name, g.ID, "table "+t.ID)
			} else {
				p.row("", "", "", "table "+t.ID)
			}
		}
	}
	for _, v := range topo.VPCs {
		for i, t := range v.Tables {
			if i == 0 {
				p.row("VPC", v.Name, v.ID, "table "+t.ID+"  "+strings.Join(v.CIDRs, " "))
			} else {
				p.row("", "", "", "table "+t.ID)
			}
		}
	}
	for _, g := range topo.VPNGateways {
		p.row("virtual gateway", g.Name, g.ID, "of "+p.names.Replace(g.VPC))
	}
	for _, v := range topo.VPNs {
		ips := make([]string, 0, len(v.Tunnels))
		for _, t := range v.Tunnels {
			ips = append(ips, t.OutsideIP+downAtStart(t.Down || t.BGPDown))
		}
		p.row("VPN connection", v.Name, v.ID, fmt.Sprintf("%s to %s, %s %s", p.names.Replace(v.Attachment.TransitGateway+v.VPNGateway), v.Site, tunnelWord(len(ips)), listing(ips)))
	}
	p.edges(topo)
	for _, site := range topo.Sites {
		p.row("site", site.Name, "", strings.Join(site.Networks, " "))
	}
}

// edges are the ways out other than VPN connections, with what belongs to them.
func (p *page) edges(topo sim.Topology) {
	for _, a := range topo.Appliances {
		more := fmt.Sprintf("%s in %s", a.Interface, p.names.Replace(a.VPC))
		if a.Site != "" {
			more += " to " + a.Site
		}
		if a.Stopped {
			more += " (stopped)"
		}
		p.row("appliance", a.Name, a.Instance, more)
	}
	for _, c := range topo.Connects {
		peers := make([]string, 0, len(c.Peers))
		for _, peer := range c.Peers {
			peers = append(peers, peer.ID+downAtStart(peer.Down))
		}
		p.row("Connect", c.Name, c.Attachment.ID, fmt.Sprintf("%s to %s, peers %s", p.names.Replace(c.Attachment.TransitGateway), c.Site, listing(peers)))
	}
	for _, peering := range topo.Peerings {
		p.row("peering", peering.Name, peering.Attachment.ID, fmt.Sprintf("%s and %s", p.names.Replace(peering.Attachment.TransitGateway), p.names.Replace(peering.Peer)))
	}
	for _, d := range topo.DirectConnects {
		p.row("Direct Connect", d.Name, d.Link(), fmt.Sprintf("%s to %s%s", p.names.Replace(d.Attachment.TransitGateway+d.VPNGateway), d.Site, downAtStart(d.Down)))
	}
	for _, list := range topo.PrefixLists {
		more := strings.Join(list.Entries, " ")
		if list.IPAM {
			more += " (kept by an IPAM)"
		}
		p.row("prefix list", list.Name, list.ID, more)
	}
	for _, alarm := range topo.Alarms {
		p.row("alarm", alarm.Name, "", p.names.Replace(alarmWords(alarm)))
	}
}

// row is one thing: what it is, its name, its id, and more about it.
func (p *page) row(kind, name, id, more string) {
	p.print("%s", strings.TrimRight(fmt.Sprintf("  %-18s %-12s %-24s %s", kind, name, id, more), " "))
}

func downAtStart(down bool) string {
	if down {
		return " (down)"
	}
	return ""
}

func tunnelWord(n int) string {
	if n == 1 {
		return "tunnel"
	}
	return "tunnels"
}

// alarmWords says what an alarm follows.
func alarmWords(a sim.AlarmSpec) string {
	switch {
	case a.Box != "":
		return "a check on the box of " + a.Box
	case a.VPN != "":
		return "the tunnels of " + a.VPN
	case a.Attachment != "":
		return "the line behind " + a.Attachment
	case a.From != "":
		return fmt.Sprintf("whether %s reaches %s", a.From, a.To)
	default:
		return "follows nothing"
	}
}
