package lab

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/sim"
)

// besideTable is what stands around a table.
type besideTable struct {
	// propagated and associated are those of the topology.
	propagated, associated []string
	// vpcs are the attachments of VPCs, connects those of Connect, at a transit gateway.
	vpcs, connects []string
	// locals are the blocks of a VPC table's VPC.
	locals []netip.Prefix
	// statics: the topology has some in the table.
	statics bool
}

// local reports whether the prefix lies within the table's VPC.
func (b besideTable) local(prefix netip.Prefix) bool {
	return slices.ContainsFunc(b.locals, func(local netip.Prefix) bool {
		return local.Bits() <= prefix.Bits() && local.Contains(prefix.Addr())
	})
}

// advertises reports whether an attachment that may speak BGP is associated with the
// table: any but that of a VPC.
func (b besideTable) advertises() bool {
	return slices.ContainsFunc(b.associated, func(a string) bool { return !slices.Contains(b.vpcs, a) })
}

// ownedBy is the account and Region of a resource.
type ownedBy struct{ account, region string }

// besideTables reads the surroundings of all tables.
func besideTables(topo sim.Topology) map[string]besideTable {
	out := map[string]besideTable{}
	var vpcs, connects []string
	for _, vpc := range topo.VPCs {
		for _, a := range vpc.Attachments {
			vpcs = append(vpcs, a.ID)
		}
	}
	for _, c := range topo.Connects {
		connects = append(connects, c.Attachment.ID)
	}
	for _, gw := range topo.TransitGateways {
		for _, t := range gw.Tables {
			out[t.ID] = besideTable{propagated: t.Propagated, associated: t.Associated, vpcs: vpcs, connects: connects, statics: len(t.Routes) > 0}
		}
	}
	for _, vpc := range topo.VPCs {
		for _, t := range vpc.Tables {
			out[t.ID] = besideTable{propagated: t.Propagated, locals: prefixes(vpc.CIDRs)}
		}
	}
	return out
}

// outsidesOf are the outside addresses of all tunnels.
func outsidesOf(topo sim.Topology) []netip.Addr {
	var out []netip.Addr
	for _, all := range outsidesByOwner(topo) {
		out = append(out, all...)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// outsidesByTable are for each table the outside addresses of the tunnels in its account
// and Region, which is where its reader can look.
func outsidesByTable(topo sim.Topology) map[string][]netip.Addr {
	all := outsidesByOwner(topo)
	out := map[string][]netip.Addr{}
	for _, gw := range topo.TransitGateways {
		for _, t := range gw.Tables {
			out[t.ID] = all[ownerIn(topo, gw.Account, gw.Region)]
		}
	}
	for _, vpc := range topo.VPCs {
		for _, t := range vpc.Tables {
			out[t.ID] = all[ownerIn(topo, vpc.Account, vpc.Region)]
		}
	}
	return out
}

func ownerIn(topo sim.Topology, account, region string) ownedBy {
	return ownedBy{cmp.Or(account, topo.Account), cmp.Or(region, topo.Region)}
}

func outsidesByOwner(topo sim.Topology) map[ownedBy][]netip.Addr {
	gateways, vgws := map[string]ownedBy{}, map[string]ownedBy{}
	for _, gw := range topo.TransitGateways {
		gateways[gw.ID] = ownerIn(topo, gw.Account, gw.Region)
	}
	for _, v := range topo.VPNGateways {
		for _, vpc := range topo.VPCs {
			if vpc.ID == v.VPC {
				vgws[v.ID] = ownerIn(topo, vpc.Account, vpc.Region)
			}
		}
	}
	out := map[ownedBy][]netip.Addr{}
	add := func(owner ownedBy, text string) {
		if address, err := netip.ParseAddr(text); err == nil {
			out[owner] = append(out[owner], address)
		}
	}
	for _, vpn := range topo.VPNs {
		owner := gateways[vpn.Attachment.TransitGateway]
		if vpn.VPNGateway != "" {
			owner = vgws[vpn.VPNGateway]
		}
		for _, t := range vpn.Tunnels {
			add(owner, t.OutsideIP)
		}
	}
	for _, c := range topo.Connects {
		for _, peer := range c.Peers {
			add(gateways[c.Attachment.TransitGateway], peer.TransitGatewayAddress)
		}
	}
	return out
}

// switched is a call that switched a propagation in a table.
func switched(c sim.CallRecord) (table, attachment string, on, ok bool) {
	if c.Code != "" || !strings.HasSuffix(c.Action, actionPropagation) || isReadAction(c.Action) {
		return "", "", false, false
	}
	if c.Fault != "" && !tookEffect(c.Fault) {
		return "", "", false, false
	}
	return c.Params.Get("TransitGatewayRouteTableId"), c.Params.Get("TransitGatewayAttachmentId"), strings.HasPrefix(c.Action, "Enable"), true
}

// tookEffect reports whether a call that the fault hit may have had its effect.
func tookEffect(fault string) bool {
	switch sim.FaultKind(fault) {
	case sim.FaultErrorBefore, sim.FaultThrottle, sim.FaultKill, sim.FaultAbandoned:
		return false
	default:
		return true
	}
}

// propagates reports whether the attachment taught the table routes at an instant, and
// by whose doing.
func (l *ledger) propagates(table, attachment string, at time.Time) (on bool, by string) {
	on = slices.Contains(l.beside[table].propagated, attachment)
	for _, c := range l.calls {
		if t, a, to, ok := switched(c); ok && t == table && a == attachment && !c.EffectAt.After(at) {
			on, by = to, c.Process
		}
	}
	return on, by
}

// propagating are the attachments that teach the table routes at an instant.
func (l *ledger) propagating(table string, at time.Time) []string {
	return slices.DeleteFunc(slices.Clone(l.beside[table].propagated), func(a string) bool {
		on, _ := l.propagates(table, a, at)
		return !on
	})
}

// stillSince is the last change of the network that was not Detour's own doing: of what
// tables learn, of a tunnel, of a static route.
func (l *ledger) stillSince(w *sim.World) time.Time {
	own := map[time.Time]bool{}
	out := l.start
	later := func(at time.Time) {
		if at.After(out) {
			out = at
		}
	}
	for _, c := range l.calls {
		_, _, _, switches := switched(c)
		switch {
		case c.Write == nil && !switches:
		case isForeign(c.Process):
			later(c.EffectAt)
		default:
			own[c.EffectAt] = true
		}
	}
	for _, line := range l.shown {
		for _, r := range line {
			if !own[r.at] {
				later(r.at)
			}
		}
	}
	for _, c := range w.TunnelHistory() {
		later(c.At)
	}
	return out
}
