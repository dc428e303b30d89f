package lab

import (
	"maps"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/sim"
)

// Parse reads a scenario file. name is how problems call the file. Every
// problem is reported at once, each with its position, and the error is then
// source.Problems. The format is described in docs/scenarios.md.
//
// The configuration in the scenario is normalized. A group that names no home
// has its home in the topology's account and Region.
func Parse(data []byte, name string) (*Scenario, error) {
	r, err := source.Open(data, name)
	if err != nil {
		return nil, err
	}
	s := &Scenario{}
	r.Into(s)
	nameUnits(s.Script)
	k := &scenarioCheck{r: r, s: s}
	s.Config = r.Config(config.Home{Account: k.account(), Region: s.Topology.Region})
	k.head()
	k.faults()
	if k.network() {
		k.oneHome()
	}
	k.script()
	k.expect()
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// network checks the World's times, the topology, and what the configuration
// refers to in it. It reports whether the topology itself is right.
func (k *scenarioCheck) network() bool {
	k.world()
	k.names()
	if !k.topology() {
		return false
	}
	k.index()
	k.references()
	return true
}

// scenarioCheck finds what is wrong with a scenario beyond its form.
type scenarioCheck struct {
	r *source.Reader
	s *Scenario

	// known is false while the topology has problems, so that nothing is reported
	// as missing from it that is only misspelled there.
	known bool
	vpns  map[string][]string // the outside addresses of its tunnels

	tables, targets, hosts, lists, alarms           []string
	following                                       []string // the alarms that follow something
	instances, interfaces, peers, gateways          []string
	attachments, connects, directConnects, peerings []string

	sites, dynamic []string            // dynamic are the VPN connections with BGP
	ways           map[string][]string // of a site: the links that its router's routes can name
	announced      map[string][]string // of a speaker: the prefixes of the topology that it announces
}

func (k *scenarioCheck) add(path, value, what, remedy string) {
	k.r.Report(config.Problem{Path: path, Value: value, What: what, Remedy: remedy})
}

// required reports whether the text is there, or adds a problem.
func (k *scenarioCheck) required(path, value, remedy string) bool {
	if value == "" {
		k.add(path, "", "missing", remedy)
	}
	return value != ""
}

// oneOf reports whether the value is one of the known ones, or adds a problem.
func (k *scenarioCheck) oneOf(path, value, what string, known []string) bool {
	if slices.Contains(known, value) {
		return true
	}
	remedy := "there is none to choose from"
	if len(known) > 0 {
		remedy = "write one of " + strings.Join(known, ", ")
	}
	if value == "" {
		what = "missing"
	}
	k.add(path, value, what, remedy)
	return false
}

// inTopology is oneOf for a name that belongs to the topology. While that has
// problems of its own nothing is reported.
func (k *scenarioCheck) inTopology(path, value, what string, known []string) {
	if k.known {
		k.oneOf(path, value, what, known)
	}
}

// index collects what steps and expectations may refer to.
func (k *scenarioCheck) index() {
	k.known = true
	k.vpns = map[string][]string{}
	topo := k.s.Topology
	for _, gateway := range topo.TransitGateways {
		k.targets = append(k.targets, gateway.ID)
		for _, table := range gateway.Tables {
			k.tables = append(k.tables, table.ID)
		}
	}
	for _, vpc := range topo.VPCs {
		for _, table := range vpc.Tables {
			k.tables = append(k.tables, table.ID)
			for _, route := range table.Routes {
				k.targets = append(k.targets, route.Target)
			}
		}
		for _, attachment := range vpc.Attachments {
			k.attachments = append(k.attachments, attachment.ID)
		}
	}
	for _, vpn := range topo.VPNs {
		if vpn.Attachment.ID != "" {
			k.attachments = append(k.attachments, vpn.Attachment.ID)
		}
		k.vpns[vpn.ID] = []string{}
		for _, tunnel := range vpn.Tunnels {
			k.vpns[vpn.ID] = append(k.vpns[vpn.ID], tunnel.OutsideIP)
		}
	}
	for _, host := range topo.Hosts {
		k.hosts = append(k.hosts, host.Name)
	}
	k.indexEdges(topo)
	k.indexRouters(topo)
	k.targets = append(k.targets, k.attachments...)
	k.targets = append(k.targets, "blackhole")
	for _, list := range []*[]string{&k.targets, &k.tables, &k.attachments} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

// indexEdges collects the ways out other than VPN connections, with what belongs
// to them.
func (k *scenarioCheck) indexEdges(topo sim.Topology) {
	for _, gateway := range topo.VPNGateways {
		k.gateways = append(k.gateways, gateway.ID)
	}
	for _, a := range topo.Appliances {
		k.instances, k.interfaces = append(k.instances, a.Instance), append(k.interfaces, a.Interface)
	}
	for _, c := range topo.Connects {
		k.connects = append(k.connects, c.Attachment.ID)
		for _, peer := range c.Peers {
			k.peers = append(k.peers, peer.ID)
		}
	}
	for _, p := range topo.Peerings {
		k.peerings = append(k.peerings, p.Attachment.ID)
	}
	for _, d := range topo.DirectConnects {
		k.directConnects = append(k.directConnects, d.Link())
	}
	for _, list := range topo.PrefixLists {
		k.lists = append(k.lists, list.ID)
	}
	for _, alarm := range topo.Alarms {
		k.alarms = append(k.alarms, alarm.Name)
		if alarm.Box != "" || alarm.From != "" || alarm.VPN != "" || alarm.Attachment != "" {
			k.following = append(k.following, alarm.Name)
		}
	}
	for _, ids := range [][]string{k.gateways, k.instances, k.interfaces} {
		k.targets = append(k.targets, ids...)
	}
	for _, ids := range [][]string{k.connects, k.peerings, k.directConnects} {
		k.attachments = append(k.attachments, ids...)
	}
	// A private virtual interface is a line without an attachment.
	k.attachments = slices.DeleteFunc(k.attachments, func(id string) bool { return strings.HasPrefix(id, "dxvif-") })
}

// vpnIDs are the topology's VPN connections, sorted.
func (k *scenarioCheck) vpnIDs() []string { return slices.Sorted(maps.Keys(k.vpns)) }
