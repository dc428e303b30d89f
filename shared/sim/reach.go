package sim

import (
	"fmt"
	"net/netip"
)

// maxHops is the number of steps after which the data plane takes a packet to
// be in a loop.
const maxHops = 16

// Trace is the way of a packet and of its answer. Hops are whole lines for
// people: first those of the forward direction, then those of the return
// direction, which start with "return: ". Reason says why the traffic does not
// pass; it is empty when OK. ForwardVia and ReturnVia are the ids of the VPN
// connections, attachments and appliances' interfaces by which each direction
// leaves or enters AWS, in order.
type Trace struct {
	OK         bool     `json:"ok"`
	Hops       []string `json:"hops"`
	Reason     string   `json:"reason,omitempty"`
	ForwardVia []string `json:"forwardVia,omitempty"`
	ReturnVia  []string `json:"returnVia,omitempty"`
}

// hopEntry is one route that a lookup chooses from. A lower rank wins among
// equal prefixes.
type hopEntry[T any] struct {
	prefix netip.Prefix
	rank   int
	route  T
}

// longestPrefix returns the entry that carries traffic to addr: the longest
// prefix that contains it, then the lowest rank, then the first. IPv4 and IPv6
// are independent (VPC User Guide, route priority; Transit Gateway guide, route
// evaluation order). It is the World's own lookup, on purpose: what is checked
// must not check itself.
func longestPrefix[T any](entries []hopEntry[T], addr netip.Addr) (hopEntry[T], bool) {
	var best hopEntry[T]
	found := false
	for _, e := range entries {
		if e.prefix.Addr().Is4() != addr.Is4() || !e.prefix.Contains(addr) {
			continue
		}
		longer := !found || e.prefix.Bits() > best.prefix.Bits()
		if longer || e.prefix.Bits() == best.prefix.Bits() && e.rank < best.rank {
			best, found = e, true
		}
	}
	return best, found
}

// Reach answers whether one host reaches another and hears the answer, by the
// tables and the tunnels as they truly are now.
func (w *World) Reach(fromHost, toHost string) Trace {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reach(fromHost, toHost)
}

// Matrix answers Reach for every pair of the hosts: row i, column j is whether
// host i reaches host j. The diagonal is true.
func (w *World) Matrix(hosts []string) [][]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := make([][]bool, len(hosts))
	for i, from := range hosts {
		rows[i] = make([]bool, len(hosts))
		for j, to := range hosts {
			rows[i][j] = i == j || w.reach(from, to).OK
		}
	}
	return rows
}

func (w *World) reach(fromHost, toHost string) Trace {
	from, to := w.hosts[fromHost], w.hosts[toHost]
	if from == nil {
		return Trace{Reason: fmt.Sprintf("host %q is not in the topology", fromHost)}
	}
	if to == nil {
		return Trace{Reason: fmt.Sprintf("host %q is not in the topology", toHost)}
	}
	forward := &packet{world: w, from: from, to: to}
	forward.run()
	trace := Trace{Hops: forward.hops, Reason: forward.reason, ForwardVia: forward.via}
	if !forward.delivered {
		return trace
	}
	back := &packet{world: w, from: to, to: from}
	back.run()
	for _, hop := range back.hops {
		trace.Hops = append(trace.Hops, "return: "+hop)
	}
	trace.ReturnVia, trace.OK = back.via, back.delivered
	if !back.delivered {
		trace.Reason = "no way back: " + back.reason
	}
	return trace
}

// packet is one packet on its way in one direction. Each place that it comes to
// returns the next place, or nil when it was delivered or dropped.
type packet struct {
	world     *World
	from, to  *host
	hops, via []string
	delivered bool
	reason    string
}

type place func() place

func (p *packet) hop(format string, args ...any) {
	p.hops = append(p.hops, fmt.Sprintf(format, args...))
}

func (p *packet) drop(format string, args ...any) place {
	p.reason = fmt.Sprintf(format, args...)
	p.hop("dropped: %s", p.reason)
	return nil
}

func (p *packet) deliver(where string) place {
	p.delivered = true
	p.hop("delivered to %s (%s) in %s", p.to.name, p.to.addr, where)
	return nil
}

func (p *packet) run() {
	at := p.start()
	for steps := 1; at != nil; steps++ {
		if steps > maxHops {
			p.drop("still on the way after %d hops: the tables form a loop", maxHops)
			return
		}
		at = at()
	}
}

func (p *packet) start() place {
	if p.from.vpc != nil {
		p.hop("%s (%s) in %s", p.from.name, p.from.addr, p.from.vpc.id)
		return func() place { return p.subnet(p.from.vpc, p.from.addr) }
	}
	p.hop("%s (%s) in %s", p.from.name, p.from.addr, p.from.site.name)
	return func() place { return p.router(p.from.site) }
}

// subnet looks the destination up in the table of the subnet from which the
// packet comes: a host's, or an appliance's.
func (p *packet) subnet(v *vpc, from netip.Addr) place { return p.byTable(v, v.tableFor(from)) }

// byTable sends the packet where a VPC's table leads it.
func (p *packet) byTable(v *vpc, table *vpcTable) place {
	best, found := table.lookup(p.world, p.to.addr)
	if !found {
		return p.drop("%s has no route to %s", table.id, p.to.addr)
	}
	shown, target := best.prefix.String(), best.route.Target
	if list := best.route.Destination.List(); list != "" {
		shown += " of " + list
	}
	p.hop("%s: %s -> %s", table.id, shown, target)
	box, gateway := p.world.applianceOf(target), p.world.vpnGateways[target]
	switch {
	case best.route.State == blackhole && box != nil:
		return p.drop("the route %s in %s is a blackhole: instance %s is %s", shown, table.id, box.instance, box.state)
	case best.route.State == blackhole:
		return p.drop("the route %s in %s is a blackhole: %s is not attached to %s", shown, table.id, target, v.id)
	case target == localTarget:
		return p.intoVPC(v)
	case box != nil:
		return func() place { return p.atInterface(box) }
	case gateway != nil:
		return func() place { return p.atVPNGateway(gateway) }
	case !isGatewayID(target):
		return p.drop("the route %s in %s leads to %s, which is not part of the simulated network", shown, table.id, target)
	}
	a, _ := v.attachedTo(target)
	if !a.carries() {
		return p.drop("attachment %s of %s is %s", a.id, v.id, a.state)
	}
	return func() place { return p.transit(a) }
}

// transit looks the destination up in the TGW table of the attachment by which
// the packet came.
func (p *packet) transit(in *attachment) place {
	if in.table == nil {
		return p.drop("attachment %s is associated with no route table of %s", in.id, in.gateway.id)
	}
	entries := make([]hopEntry[TGWRouteView], 0, len(in.table.visible.current))
	for dst, route := range in.table.visible.current {
		entries = append(entries, hopEntry[TGWRouteView]{prefix: dst, route: route})
	}
	best, found := longestPrefix(entries, p.to.addr)
	if !found {
		return p.drop("%s has no route to %s", in.table.id, p.to.addr)
	}
	if best.route.State == blackhole {
		p.hop("%s: %s -> blackhole", in.table.id, best.prefix)
		return p.drop("the route %s in %s is a blackhole", best.prefix, in.table.id)
	}
	ref := best.route.Attachments[flow(p.from.addr, p.to.addr, len(best.route.Attachments))]
	p.hop("%s: %s -> %s (%s)", in.table.id, best.prefix, ref.ID, ref.ResourceID)
	out := in.gateway.attachment(ref.ID)
	if !out.carries() {
		return p.drop("attachment %s is %s", out.id, out.state)
	}
	switch {
	case out.vpc != nil:
		return func() place { return p.outOf(out.vpc) }
	case out.peering != nil:
		return func() place { return p.across(out) }
	case out.connect != nil:
		return func() place { return p.toSite(out.connect, out.connect.site) }
	case out.direct != nil:
		return func() place { return p.toSite(out.direct, out.direct.site) }
	default:
		return func() place { return p.tunnelTo(out.vpn) }
	}
}

// tunnelTo crosses a VPN connection from AWS to the site.
func (p *packet) tunnelTo(v *vpnConnection) place {
	t, up := v.trulyUp()
	if !up {
		return p.drop("no tunnel of %s is up", v.id)
	}
	p.via = append(p.via, v.id)
	p.hop("%s: tunnel %s to %s", v.id, t.outsideIP, v.site.name)
	return func() place { return p.router(v.site) }
}

// outOf takes a packet from a transit gateway into a VPC, where the table of the
// attachment's subnet decides (Transit Gateway guide, how transit gateways work).
// The topology names no subnets of attachments: they stand in those that no table
// lists, which the main table serves.
func (p *packet) outOf(v *vpc) place {
	table := v.tables[0]
	best, found := table.lookup(p.world, p.to.addr)
	if !found || best.route.Target == localTarget {
		return p.intoVPC(v)
	}
	return p.byTable(v, table)
}

// intoVPC delivers inside a VPC by its local route.
func (p *packet) intoVPC(v *vpc) place {
	switch {
	case !v.contains(p.to.addr):
		return p.drop("%s came to %s, whose CIDR blocks do not hold it", p.to.addr, v.id)
	case p.to.vpc != v:
		return p.drop("%s came to %s, but %s is in %s", p.to.addr, v.id, p.to.name, p.to.in())
	}
	return p.deliver(v.id)
}

func (h *host) in() string {
	if h.vpc != nil {
		return h.vpc.id
	}
	return h.site.name
}
