package lab

import (
	"fmt"
	"math"
	"slices"

	"detour/shared/config"
	"detour/shared/sim"
)

// internetWay is the word by which a router's route names the site's own line.
const internetWay = "internet"

// announcement is the route that an announce step announces.
func (s Step) announcement() sim.AnnouncementSpec {
	return sim.AnnouncementSpec{Prefix: s.Prefix, ASPath: s.ASPath, MED: s.MED, NextHopSelf: s.NextHopSelf}
}

// indexRouters collects what steps about routers may refer to.
func (k *scenarioCheck) indexRouters(topo sim.Topology) {
	k.ways, k.announced = map[string][]string{}, map[string][]string{}
	for _, s := range topo.Sites {
		k.sites = append(k.sites, s.Name)
		k.ways[s.Name] = []string{internetWay}
	}
	sessions := map[string]bool{} // the sites whose router has a BGP session
	speaks := func(id, site string, announces []sim.AnnouncementSpec) {
		sessions[site] = true
		k.announced[id] = prefixesOf(announces)
	}
	for _, v := range topo.VPNs {
		k.ways[v.Site] = append(k.ways[v.Site], v.ID)
		if v.BGP != nil {
			k.dynamic = append(k.dynamic, v.ID)
			speaks(v.ID, v.Site, v.BGP.Announces)
		}
	}
	for _, a := range topo.Appliances {
		if a.Site != "" {
			k.ways[a.Site] = append(k.ways[a.Site], a.Interface)
		}
	}
	for _, c := range topo.Connects {
		k.ways[c.Site] = append(k.ways[c.Site], c.Attachment.ID)
		for _, peer := range c.Peers {
			speaks(peer.ID, c.Site, peer.Announces)
		}
	}
	for _, d := range topo.DirectConnects {
		k.ways[d.Site] = append(k.ways[d.Site], d.Link())
		speaks(d.Link(), d.Site, d.Routes)
		k.announced[d.Link()] = append(k.announced[d.Link()], d.Announces...)
	}
	for _, s := range topo.Sites {
		if sessions[s.Name] {
			k.announced[s.Name] = prefixesOf(s.Announces)
		}
	}
}

func prefixesOf(announces []sim.AnnouncementSpec) []string {
	out := []string{}
	for _, a := range announces {
		out = append(out, a.Prefix)
	}
	return out
}

func (k *scenarioCheck) bgpStep(path string, step Step) {
	if !k.known || !k.oneOf(path+".vpn", step.VPN, "is not a VPN connection with BGP in the topology", k.dynamic) {
		return
	}
	if step.Tunnel != "" {
		k.oneOf(path+".tunnel", step.Tunnel, "is not a tunnel of "+step.VPN, k.vpns[step.VPN])
	}
}

// speaker reports whether the step names what has a BGP session.
func (k *scenarioCheck) speaker(path, name string) bool {
	if !k.known {
		return false
	}
	var known []string
	for id := range k.announced {
		known = append(known, id)
	}
	slices.Sort(known)
	return k.oneOf(path+".speaker", name, "has no BGP session in the topology", known)
}

func (k *scenarioCheck) announceStep(path string, step Step) {
	k.speaker(path, step.Speaker)
	if k.required(path+".prefix", step.Prefix, "write a CIDR block such as 10.0.0.0/8") {
		k.block(path+".prefix", step.Prefix)
	}
	for i, asn := range step.ASPath {
		if asn < 1 || asn >= math.MaxUint32 {
			k.add(config.IndexPath(path+".asPath", i), fmt.Sprint(asn), "is not an ASN", "write a number from 1 to 4294967294")
		}
	}
	if step.MED != nil && (*step.MED < 0 || *step.MED > math.MaxUint32) {
		k.add(path+".med", fmt.Sprint(*step.MED), "is not a MED", "write a number from 0 to 4294967295")
	}
}

// withdrawStep checks that there is something to withdraw, by the same name.
func (k *scenarioCheck) withdrawStep(path string, step Step) {
	known := k.speaker(path, step.Speaker)
	if !k.required(path+".prefix", step.Prefix, "write the prefix that is announced") || !known {
		return
	}
	announced := slices.Clone(k.announced[step.Speaker])
	for _, earlier := range k.s.Script {
		if earlier.Do == Announce && earlier.Speaker == step.Speaker && earlier.At < step.At {
			announced = append(announced, earlier.Prefix)
		}
	}
	slices.Sort(announced)
	k.oneOf(path+".prefix", step.Prefix, "is not announced by "+step.Speaker+" by then", slices.Compact(announced))
}

func (k *scenarioCheck) routerRouteStep(path string, step Step) {
	if k.required(path+".destination", step.Destination, "write a CIDR block such as 203.0.113.11/32") {
		k.block(path+".destination", step.Destination)
	}
	if !k.known || !k.oneOf(path+".site", step.Site, "is not a site of the topology", k.sites) {
		return
	}
	for i, way := range step.Via {
		k.oneOf(config.IndexPath(path+".via", i), way, "is no way out of site "+step.Site, k.ways[step.Site])
	}
}
