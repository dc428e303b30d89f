package lab

import (
	"slices"
	"strings"

	"detour/shared/config"
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
		f.filters(c.FilterList)
		if len(c.Never.Destinations)+len(c.Never.Tables) > 0 {
			f["neverTouch"] = true
		}
	}
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
	}
	out := make([]string, 0, len(f))
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

type features map[string]bool

func (f features) filters(filters []config.Filter) {
	for _, filter := range filters {
		f["filter that is to "+filter.Action] = true
		if filter.Preset {
			f["filter with presets"] = true
		}
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
