package lab

import (
	"net/netip"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/sim"
)

// Features are what a scenario has in it, sorted: the kinds of path that its
// groups use, what speaks for them, what its entries are, and what people and
// others do. The random tester counts them, to show that it draws everything.
func (s *Scenario) Features() []string {
	f := features{}
	for _, c := range s.configs() {
		for _, g := range c.GroupList {
			f.group(s, g)
		}
		f.filters(c.Config)
		if len(c.Never.Destinations)+len(c.Never.Tables) > 0 {
			f["neverTouch"] = true
		}
	}
	f.speaks(s.Topology)
	for _, list := range s.Topology.PrefixLists {
		if list.IPAM {
			f["list kept by IPAM"] = true
		}
	}
	declared := map[entryID]map[string]bool{}
	for _, c := range s.configs() {
		for _, g := range c.GroupList {
			for _, u := range g.Units {
				for _, e := range u.Entries {
					at := entryID{e.Table, e.Destination}
					if declared[at] == nil {
						declared[at] = map[string]bool{}
					}
					for _, hop := range e.NextHops {
						declared[at][hop] = true
					}
				}
			}
		}
	}
	for _, step := range s.Script {
		f.step(step, declared)
		if step.Do == Announce {
			f.announces(step, s.Topology)
		}
	}
	out := make([]string, 0, len(f))
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

type features map[string]bool

func (f features) filters(c config.Config) {
	entries := map[string]bool{}
	for _, g := range c.GroupList {
		for _, u := range g.Units {
			for _, e := range u.Entries {
				entries[e.Table] = true
			}
		}
	}
	for _, filter := range c.FilterList {
		f["filter that is to "+filter.Action] = true
		f["filter in mode "+filter.Mode] = true
		for _, table := range filter.Tables {
			kind := "VPC"
			if strings.HasPrefix(table, "tgw-") {
				kind = "TGW"
			}
			f["filter in a "+kind+" table"] = true
			if entries[table] {
				f["filter and group in a "+kind+" table"] = true
			}
		}
		for name, has := range map[string]bool{
			"filter with presets": filter.Preset, "filter with maxPrefixes": filter.MaxPrefixes > 0, "filter with observation tables": len(filter.Observation) > 0,
			"filter that accepts loss": filter.AcceptLoss, "filter of every attachment": len(filter.Attachments) == 0,
		} {
			if has {
				f[name] = true
			}
		}
		for _, rule := range filter.Rules {
			if strings.Contains(rule, " ge ") || strings.Contains(rule, " le ") {
				f["filter with a range"] = true
			}
			if strings.Contains(rule, "default-like") {
				f["filter of what is like a default route"] = true
			}
			if strings.Contains(rule, ":") {
				f["filter that names IPv6"] = true
			}
		}
	}
}

// speaks notes what BGP there is.
func (f features) speaks(topo sim.Topology) {
	for _, vpn := range topo.VPNs {
		switch {
		case vpn.BGP != nil && vpn.VPNGateway != "":
			f["BGP on a VPN of a VGW"] = true
		case vpn.BGP != nil:
			f["BGP on a VPN of a TGW"] = true
		}
	}
	for _, c := range topo.Connects {
		if slices.ContainsFunc(c.Peers, func(p sim.ConnectPeerSpec) bool { return p.PeerASN != 0 }) {
			f["Connect peer with its own ASN"] = true
		}
	}
	for _, d := range topo.DirectConnects {
		if d.VPNGateway != "" {
			f["private virtual interface"] = true
		}
	}
}

// announces notes what a step announces.
func (f features) announces(step Step, topo sim.Topology) {
	prefix, err := netip.ParsePrefix(step.Prefix)
	if err != nil {
		return
	}
	family := "IPv6"
	if prefix.Addr().Is4() {
		family = "IPv4"
	}
	switch like := (filterRules{outside: outsidesOf(topo)}); {
	case prefix.Bits() == 0:
		f["announce the "+family+" default route"] = true
	case like.likeDefault(prefix) && slices.ContainsFunc(like.outside, prefix.Contains):
		f["announce a block around a tunnel"] = true
	case like.likeDefault(prefix):
		f["announce a part of the "+family+" default route"] = true
	default:
		f["announce an "+family+" network"] = true
	}
}

func (f features) group(s *Scenario, g config.Group) {
	f["mode "+g.Mode] = true
	if g.Revertive {
		f["revertive group"] = true
	}
	kinds := map[string]bool{}
	for _, p := range g.Paths {
		kinds[p.Kind] = true
		f.path(s, p)
	}
	if len(kinds) > 1 {
		f["group of several kinds of path"] = true
	}
	for _, u := range g.Units {
		for _, e := range u.Entries {
			table := "VPC"
			if strings.HasPrefix(e.Table, "tgw-") {
				table = "TGW"
			}
			for _, hop := range e.NextHops {
				if strings.HasPrefix(hop, "propagated:") {
					f["path of a learned route"] = true
				}
			}
			if strings.HasPrefix(e.Destination, "pl-") {
				f["prefix list in a "+table+" table"] = true
			} else {
				f["block in a "+table+" table"] = true
			}
		}
	}
}

func (f features) path(s *Scenario, p config.Path) {
	kind := p.Kind
	switch p.Kind {
	case kindVPN:
		kind = "vpn on a TGW"
		for _, vpn := range s.Topology.VPNs {
			if vpn.ID == p.VPN && vpn.VPNGateway != "" {
				kind = "vpn on a VGW"
			}
		}
		if p.Tunnels == 1 {
			f["vpn with one tunnel"] = true
		}
	case kindAttachment:
		kind = "attachment of a Direct Connect gateway"
		for _, peering := range s.Topology.Peerings {
			if peering.Attachment.ID == p.Attachment {
				kind = "attachment of a peering"
			}
		}
	}
	f["path "+kind] = true
	if p.Observation != "" {
		f["path with an observation table"] = true
	}
	for _, check := range p.Checks {
		switch {
		case check.OnBox:
			f["check onBox"] = true
		case check.ActiveOnly:
			f["check activeOnly"] = true
		default:
			f["check pinned"] = true
		}
	}
}

func (f features) step(step Step, declared map[entryID]map[string]bool) {
	switch step.Do {
	case MakeRequest:
		f["request "+step.Kind] = true
		if len(step.Lists) > 0 {
			f["request with list versions"] = true
		}
		if step.Unproven {
			f["request without proof"] = true
		}
	case WriteRoute:
		switch {
		case step.Target == "":
			f["write that removes"] = true
		case declared[entryID{step.Table, step.Destination}][step.Target]:
			f["write to another path"] = true
		default:
			f["write to a foreign next hop"] = true
		}
	case Configure:
		f["configure "+changed(step)] = true
	default:
		f["step "+string(step.Do)] = true
	}
}

// changed names what a configure step changes first.
func changed(step Step) string {
	switch {
	case step.Filter != "" && step.Removed:
		return "removes a filter"
	case step.Filter != "":
		return "declares a filter"
	case step.Removed:
		return "removes a group"
	case step.Set.Mode != nil:
		return "mode"
	case step.Set.Paths != nil:
		return "paths"
	case step.Set.Units != nil:
		return "units"
	default:
		return "policy"
	}
}
