package doctor

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// Examine says what is wrong with what was read, sorted by Finding.Compare. The same
// snapshot gives the same findings, whatever order its lists are in.
func Examine(s Snapshot) []Finding {
	x := index(&s)
	for _, look := range []func(*examination){
		unexamined, loops, defaults, downStatics, blackholes, hiddenBackups, silentPeers, waysBack, pins, standbys, headroom, registrations,
	} {
		look(x)
	}
	slices.SortFunc(x.out, Finding.Compare)
	return slices.CompactFunc(x.out, func(a, b Finding) bool { return a.Compare(b) == 0 })
}

// examination is a snapshot with its indexes, and what has been found in it.
type examination struct {
	s        *Snapshot
	readings map[route.Table]*route.Reading
	// tables are the readings in order.
	tables []*route.Reading
	// gatewayOf has the transit gateway of each of its tables, and vpcTables those of
	// VPCs.
	gatewayOf map[route.Table]string
	vpcTables map[route.Table]VPCTable
	gateways  map[string]Gateway
	// attachments has the sides of each attachment, by id.
	attachments map[string][]Attachment
	vpns        map[string]*VPN
	// owner is the account and Region in which a VPN connection was read.
	owner map[string]*Network
	// entries says which group declares an entry.
	entries map[protection.EntryKey]string
	ends    []end
	out     []Finding
}

// end is the AWS side of a tunnel: what its outer packets are sent to.
type end struct {
	// vpn or peer is set.
	vpn        *VPN
	peer       *Peer
	id         string
	attachment string
	gateway    string
	addresses  []netip.Addr
	bgp        bool
	network    *Network
}

func index(s *Snapshot) *examination {
	x := &examination{
		s: s, readings: map[route.Table]*route.Reading{}, gatewayOf: map[route.Table]string{}, vpcTables: map[route.Table]VPCTable{},
		gateways: map[string]Gateway{}, attachments: map[string][]Attachment{}, vpns: map[string]*VPN{}, owner: map[string]*Network{},
		entries: map[protection.EntryKey]string{},
	}
	for _, reading := range s.Readings {
		reading.Routes = slices.Clone(reading.Routes)
		for i := range reading.Routes {
			reading.Routes[i].Table = reading.Table
		}
		slices.SortFunc(reading.Routes, route.Route.Compare)
		x.readings[reading.Table] = &reading
	}
	for _, reading := range x.readings {
		x.tables = append(x.tables, reading)
	}
	slices.SortFunc(x.tables, func(a, b *route.Reading) int { return a.Table.Compare(b.Table) })
	for i := range s.Networks {
		x.network(&s.Networks[i])
	}
	for _, around := range s.Around.Tables {
		if around.TransitGateway != "" {
			x.gatewayOf[around.Table] = around.TransitGateway
		}
	}
	for _, g := range s.Groups {
		for _, unit := range g.Group.Units {
			for _, entry := range unit.Entries {
				x.entries[entry.EntryKey] = g.Group.Name
			}
		}
	}
	x.findEnds()
	return x
}

func (x *examination) network(n *Network) {
	for _, gateway := range n.Gateways {
		x.gateways[gateway.ID] = gateway
	}
	for _, table := range n.GatewayTables {
		x.gatewayOf[table.Table] = table.TransitGateway
	}
	for _, table := range n.VPCTables {
		x.vpcTables[table.Table] = table
	}
	for _, attachment := range n.Attachments {
		if !slices.Contains(x.attachments[attachment.ID], attachment) {
			x.attachments[attachment.ID] = append(x.attachments[attachment.ID], attachment)
		}
	}
	for i := range n.VPNs {
		x.vpns[n.VPNs[i].ID], x.owner[n.VPNs[i].ID] = &n.VPNs[i], n
	}
}

// findEnds collects the ends of all tunnels, sorted.
func (x *examination) findEnds() {
	attachmentOf := map[string]string{}
	for id, sides := range x.attachments {
		for _, side := range sides {
			if side.Type == typeVPN {
				attachmentOf[side.Resource] = id
			}
		}
	}
	for i := range x.s.Networks {
		n := &x.s.Networks[i]
		for j := range n.VPNs {
			vpn := &n.VPNs[j]
			e := end{vpn: vpn, id: vpn.ID, attachment: attachmentOf[vpn.ID], gateway: vpn.VPNGateway, bgp: !vpn.Static, network: n}
			for _, tunnel := range vpn.Tunnels {
				e.addresses = append(e.addresses, tunnel.Outside)
			}
			x.ends = append(x.ends, e)
		}
		for j := range n.Peers {
			peer := &n.Peers[j]
			x.ends = append(x.ends, end{peer: peer, id: peer.ID, attachment: peer.Attachment, addresses: []netip.Addr{peer.Outside}, bgp: true, network: n})
		}
	}
	for i := range x.ends {
		x.ends[i].addresses = slices.DeleteFunc(x.ends[i].addresses, func(a netip.Addr) bool { return !a.IsValid() })
		slices.SortFunc(x.ends[i].addresses, netip.Addr.Compare)
	}
	slices.SortFunc(x.ends, func(a, b end) int { return cmp.Compare(a.id, b.id) })
}

// trouble says which of the end's tunnels or sessions are down, and since when the
// last of them changed.
func (e end) trouble() (down []string, changed time.Time) {
	if e.vpn != nil {
		for _, tunnel := range e.vpn.Tunnels {
			if !tunnel.Up {
				down = append(down, "tunnel "+tunnel.Outside.String())
			}
			if tunnel.ChangedAt.After(changed) {
				changed = tunnel.ChangedAt
			}
		}
	}
	if e.peer != nil {
		for _, session := range e.peer.Sessions {
			if !session.Up {
				down = append(down, "session "+session.Address)
			}
		}
	}
	return down, changed
}

// noun names the end for people.
func (e end) noun() string {
	if e.peer != nil {
		return "Connect peer " + e.id
	}
	return "VPN connection " + e.id
}

func (e end) where(w Where) Where {
	if e.peer != nil {
		w.ConnectPeer = e.id
	} else {
		w.VPN = e.id
	}
	return w
}

// covered returns the first of the end's addresses that lies in the prefix.
func (e end) covered(prefix netip.Prefix) (netip.Addr, bool) {
	for _, address := range e.addresses {
		if prefix.Contains(address) {
			return address, true
		}
	}
	return netip.Addr{}, false
}

// add notes a finding. Why is the kind's.
func (x *examination) add(f Finding) {
	f.Why = Of(f.ID).Why
	if f.Do == nil {
		f.Do = []string{}
	}
	if f.Evidence == nil {
		f.Evidence = []Evidence{}
	}
	x.out = append(x.out, f)
}

// inTable is where something is that stands in a table.
func (x *examination) inTable(table route.Table) Where {
	return Where{
		Account: table.Account, Region: table.Region, Table: table.ID,
		TransitGateway: x.gatewayOf[table], VPC: x.vpcTables[table].VPC,
	}
}

// around is what lies around a transit gateway table; zero where it was not read.
func (x *examination) around(table route.Table) plan.TableSurroundings {
	around, _ := x.s.Around.Of(table)
	return around
}

// hops are the attachments that a route of a transit gateway table leads to.
func hops(r route.Route) []string {
	if r.NextHop.Kind != route.TransitGatewayAttachment {
		return nil
	}
	return strings.Split(r.NextHop.ID, ",")
}

// attachment names an attachment with what lies behind it.
func (x *examination) attachment(id string) string {
	for _, side := range x.attachments[id] {
		if side.Resource != "" {
			return plan.Attachment{ID: id, Type: side.Type, Resource: side.Resource}.String()
		}
	}
	return "attachment " + id
}

// vpnOf returns the VPN connection behind an attachment; nil: there is none, or it
// was not read.
func (x *examination) vpnOf(attachment string) *VPN {
	for _, side := range x.attachments[attachment] {
		if side.Type == typeVPN {
			return x.vpns[side.Resource]
		}
	}
	return nil
}

// typeOf is the resource type of an attachment; empty: it was not read.
func (x *examination) typeOf(attachment string) string {
	for _, side := range x.attachments[attachment] {
		return side.Type
	}
	return ""
}

// seen is a route as evidence.
func (x *examination) seen(r route.Route) Evidence {
	text := fmt.Sprintf("%s has %s to %s (%s, %s)", r.Table.ID, r.Destination, r.NextHop, r.Origin, r.State)
	out := Evidence{Text: text}
	if reading := x.readings[r.Table]; reading != nil {
		out.At = reading.StartedAt.UTC()
	}
	return out
}

// tunnels is what the connection's tunnels are, as evidence.
func (x *examination) tunnels(v *VPN) []Evidence {
	var out []Evidence
	for _, tunnel := range v.Tunnels {
		state := health.TunnelDown
		if tunnel.Up {
			state = health.TunnelUp
		}
		since := " since then"
		if tunnel.ChangedAt.IsZero() {
			since = ""
		}
		text := fmt.Sprintf("tunnel %s of %s is %s%s, with %s accepted", tunnel.Outside, v.ID, state, since, plural(tunnel.AcceptedRoutes, "route"))
		if tunnel.Note != "" {
			text += " (" + tunnel.Note + ")"
		}
		out = append(out, Evidence{At: tunnel.ChangedAt.UTC(), Text: text})
	}
	return out
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// few names the first of some things.
func few(names []string) string {
	const most = 4
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
