package lab

import (
	"fmt"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// alarmAfter is how long what an alarm follows must last before it changes.
const alarmAfter = config.Duration(time.Minute)

// wayOut is a way that a group can use: the path, and where a route points that
// takes it. Routes in the tables of a TGW point to the attachment; those of a VPC
// to the TGW that has the way, or to a target of that VPC alone.
type wayOut struct {
	path config.Path
	// gateway is the TGW that has the way; attachment its attachment there, where a
	// static can point to it.
	gateway, attachment string
	// vpc is the VPC that has the way, and target what its tables point to.
	vpc, target string
	// events fail the way and mend it.
	events []func(at config.Duration, up bool) Step
}

// gatewayOuts makes the ways out of a TGW: VPN connections, perhaps a Direct
// Connect gateway, perhaps Connect peers.
func (g *generator) gatewayOuts(t int) {
	gw := g.s.Topology.TransitGateways[t]
	for range 2 + g.rng.IntN(2) {
		g.connection(sim.VPNSpec{Attachment: sim.AttachmentSpec{ID: g.id("tgw-attach"), TransitGateway: gw.ID}}, 2)
	}
	if g.chance(0.35) {
		g.directConnect(gw)
	}
	if g.chance(0.4) {
		g.connect(gw)
	}
}

// connection makes a VPN connection with some tunnels, and a path over it.
func (g *generator) connection(vpn sim.VPNSpec, tunnels int) {
	topo := &g.s.Topology
	vpn.ID, vpn.Site = g.id("vpn"), "site"
	path := g.path(kindVPN)
	path.VPN = vpn.ID
	out := wayOut{gateway: vpn.Attachment.TransitGateway, attachment: vpn.Attachment.ID}
	for _, gateway := range topo.VPNGateways {
		if gateway.ID == vpn.VPNGateway {
			out.vpc, out.target = gateway.VPC, gateway.ID
			path.Account = g.vpcNamed(gateway.VPC).Account
		}
	}
	out.path = path
	for range tunnels {
		g.ids["tunnel"]++
		ip := fmt.Sprintf("203.0.113.%d", g.ids["tunnel"])
		vpn.Tunnels = append(vpn.Tunnels, sim.TunnelSpec{OutsideIP: ip, Down: g.chance(0.08)})
		out.events = append(out.events, func(at config.Duration, up bool) Step {
			return Step{At: at, Do: pick(up, TunnelUp, TunnelDown), VPN: vpn.ID, Tunnel: ip}
		})
	}
	both := func(at config.Duration, up bool) Step {
		return Step{At: at, Do: pick(up, TunnelUp, TunnelDown), VPN: vpn.ID}
	}
	out.events = append(out.events, both, both, both)
	if tunnels == 1 {
		path.Tunnels = 1
	}
	switch {
	case g.chance(0.1):
		path.Checks = append(path.Checks, g.check(sim.AlarmSpec{VPN: vpn.ID}, out, "pinned"))
	case g.chance(0.15):
		path.Checks = append(path.Checks, g.check(sim.AlarmSpec{}, out, "activeOnly"))
	}
	topo.VPNs = append(topo.VPNs, vpn)
	out.path = path
	g.outs = append(g.outs, out)
}

func pick(up bool, yes, no Verb) Verb {
	if up {
		return yes
	}
	return no
}

// path begins a path of a kind; members finishes it.
func (g *generator) path(kind string) config.Path {
	path := config.NewPath()
	path.Kind = kind
	if kind != kindVPN {
		path.Tunnels, path.MinTunnels = 0, 0
	}
	return path
}

// check makes an alarm that speaks for a path, in the account and Region of the way.
func (g *generator) check(alarm sim.AlarmSpec, out wayOut, how string) config.PathCheck {
	g.ids["alarm"]++
	alarm.Name = fmt.Sprintf("alarm-%d", g.ids["alarm"])
	alarm.Account, alarm.Region = labAccount, labRegion
	if out.gateway != "" && g.regionOf(out.gateway) != "" {
		alarm.Region = g.regionOf(out.gateway)
	}
	if out.path.Account != "" {
		alarm.Account = out.path.Account
	}
	if alarm == (sim.AlarmSpec{Name: alarm.Name, Account: alarm.Account, Region: alarm.Region}) {
		g.standing = append(g.standing, alarm.Name)
	}
	g.s.Topology.Alarms = append(g.s.Topology.Alarms, alarm)
	check := config.PathCheck{Alarm: alarm.Name, Account: alarm.Account, Region: alarm.Region}
	switch how {
	case "pinned":
		check.Pinned = fmt.Sprintf("198.51.100.%d", g.ids["alarm"])
		for _, gw := range g.s.Topology.TransitGateways {
			if gw.ID == out.gateway {
				check.Via = gw.Tables[0].ID
			}
		}
		if check.Via == "" {
			check.Via = g.vpcNamed(out.vpc).Tables[0].ID
		}
	case "onBox":
		check.OnBox = true
	default:
		check.ActiveOnly = true
	}
	return check
}

func (g *generator) vpcNamed(id string) sim.VPCSpec {
	for _, vpc := range g.s.Topology.VPCs {
		if vpc.ID == id {
			return vpc
		}
	}
	panic("lab: no VPC " + id) // A way out is made after its VPC.
}

// regionOf is a TGW's Region if it is not the default.
func (g *generator) regionOf(gateway string) string {
	for _, gw := range g.s.Topology.TransitGateways {
		if gw.ID == gateway {
			return gw.Region
		}
	}
	return ""
}

// virtualGateway makes a virtual private gateway, and returns the VPN connection
// that is to end on it.
func (g *generator) virtualGateway(vpc *sim.VPCSpec) sim.VPNSpec {
	gateway := sim.VPNGatewaySpec{ID: g.id("vgw"), VPC: vpc.ID}
	g.s.Topology.VPNGateways = append(g.s.Topology.VPNGateways, gateway)
	if g.chance(0.5) {
		vpc.Tables[0].Propagated = []string{gateway.ID}
	}
	return sim.VPNSpec{VPNGateway: gateway.ID, Routes: []string{fmt.Sprintf("10.%d.0.0/16", 150+g.ids["vgw"])}}
}

// routers makes a pair of appliances, each the other's peer or not.
func (g *generator) routers(vpc sim.VPCSpec, n int) {
	paired := g.chance(0.5)
	first := len(g.s.Topology.Appliances)
	for i := range 2 {
		a := sim.ApplianceSpec{
			Instance: g.id("i"), Interface: g.id("eni"), VPC: vpc.ID, Site: "site",
			Address: fmt.Sprintf("172.%d.0.%d", 16+n, 10+i), SourceDestCheck: g.chance(0.04), Stopped: g.chance(0.04),
		}
		g.s.Topology.Appliances = append(g.s.Topology.Appliances, a)
		g.router(vpc, a)
	}
	if paired {
		pair := g.s.Topology.Appliances[first:]
		pair[0].Peer, pair[1].Peer = pair[1].Interface, pair[0].Interface
	}
}

func (g *generator) router(vpc sim.VPCSpec, a sim.ApplianceSpec) {
	out := wayOut{vpc: vpc.ID, target: a.Interface}
	do := func(down, up Verb) func(config.Duration, bool) Step {
		return func(at config.Duration, mends bool) Step {
			return Step{At: at, Do: pick(mends, up, down), Instance: a.Instance}
		}
	}
	out.events = []func(config.Duration, bool) Step{
		do(InstanceStop, InstanceStart), do(InstanceStop, InstanceStart), do(InstanceImpaired, InstanceOK),
		do(ForwardingStops, ForwardingWorks), do(ForwardingStops, ForwardingWorks), do(LineDown, LineUp), do(LineDown, LineUp),
		func(at config.Duration, up bool) Step {
			return Step{At: at, Do: pick(up, SourceDestCheckOff, SourceDestCheckOn), Interface: a.Interface}
		},
	}
	if g.chance(0.6) {
		out.events = append(out.events, func(at config.Duration, _ bool) Step {
			return Step{At: at, Do: InstanceTerminate, Instance: a.Instance}
		})
	}
	out.path = g.path(kindAppliance)
	out.path.Interface, out.path.Instance = a.Interface, a.Instance
	out.path.Account = vpc.Account
	out.path.Checks = []config.PathCheck{g.check(sim.AlarmSpec{Box: a.Interface}, out, "onBox")}
	if g.chance(0.25) {
		out.path.Checks = append(out.path.Checks, g.check(sim.AlarmSpec{}, out, "activeOnly"))
	}
	g.outs = append(g.outs, out)
}

// directConnect makes the attachment of a Direct Connect gateway.
func (g *generator) directConnect(gw sim.TransitGatewaySpec) {
	attachment := sim.AttachmentSpec{ID: g.id("tgw-attach"), TransitGateway: gw.ID}
	g.ids["dx"]++
	g.s.Topology.DirectConnects = append(g.s.Topology.DirectConnects, sim.DirectConnectSpec{
		Attachment: attachment, Gateway: fmt.Sprintf("00000000-0000-4000-8000-%012d", g.ids["dx"]), Site: "site",
		Announces: []string{fmt.Sprintf("10.%d.0.0/16", 180+g.ids["dx"])}, Down: g.chance(0.08),
	})
	g.attached(attachment, DirectConnectDown, DirectConnectUp)
}

// peering joins the two TGWs.
func (g *generator) peering() {
	topo := &g.s.Topology
	attachment := sim.AttachmentSpec{ID: g.id("tgw-attach"), TransitGateway: topo.TransitGateways[0].ID}
	topo.Peerings = append(topo.Peerings, sim.PeeringSpec{
		Attachment: attachment, Peer: topo.TransitGateways[1].ID, PeerTable: topo.TransitGateways[1].Tables[0].ID,
	})
	g.attached(attachment, PeeringDown, PeeringUp)
}

// attached is the path over an attachment that EC2 calls available whatever lies
// behind it, with a check that is pinned to it.
func (g *generator) attached(attachment sim.AttachmentSpec, down, up Verb) {
	out := wayOut{gateway: attachment.TransitGateway, attachment: attachment.ID}
	fails := func(at config.Duration, mends bool) Step {
		return Step{At: at, Do: pick(mends, up, down), Attachment: attachment.ID}
	}
	out.events = []func(config.Duration, bool) Step{fails, fails, g.attachmentEvent(attachment.ID)}
	out.path = g.path(kindAttachment)
	out.path.Attachment = attachment.ID
	alarm := sim.AlarmSpec{Attachment: attachment.ID}
	if g.chance(0.2) {
		alarm = sim.AlarmSpec{}
	}
	out.path.Checks = []config.PathCheck{g.check(alarm, out, "pinned")}
	if g.chance(0.2) {
		out.path.Checks = append(out.path.Checks, g.check(sim.AlarmSpec{}, out, "activeOnly"))
	}
	g.outs = append(g.outs, out)
}

// attachmentEvent gives an attachment a state of EC2's.
func (g *generator) attachmentEvent(id string) func(config.Duration, bool) Step {
	return func(at config.Duration, up bool) Step {
		states := []string{"modifying", "failed", "rejected", "deleting", "deleted", "pending"}
		state := oneOfList(g, states)
		if up {
			state = valueAvailable
		}
		return Step{At: at, Do: AttachmentState, Attachment: id, State: state}
	}
}

// connect makes a Connect attachment with one or two peers, over a VPC's or a
// Direct Connect gateway's attachment.
func (g *generator) connect(gw sim.TransitGatewaySpec) {
	topo := &g.s.Topology
	var transports []string
	for _, vpc := range topo.VPCs {
		for _, a := range vpc.Attachments {
			if a.TransitGateway == gw.ID {
				transports = append(transports, a.ID)
			}
		}
	}
	for _, d := range topo.DirectConnects {
		if d.Attachment.TransitGateway == gw.ID {
			transports = append(transports, d.Attachment.ID)
		}
	}
	if len(transports) == 0 {
		return
	}
	attachment := sim.AttachmentSpec{ID: g.id("tgw-attach"), TransitGateway: gw.ID}
	spec := sim.ConnectSpec{Attachment: attachment, Transport: oneOfList(g, transports), Site: "site", Announces: []string{"10.0.0.0/8"}}
	out := wayOut{gateway: gw.ID}
	out.path = g.path(kindConnect)
	out.path.Attachment = attachment.ID
	for range 1 + g.rng.IntN(2) {
		peer := g.id("tgw-connect-peer")
		n := g.ids["tgw-connect-peer"]
		spec.Peers = append(spec.Peers, sim.ConnectPeerSpec{
			ID: peer, PeerAddress: fmt.Sprintf("172.31.0.%d", n), TransitGatewayAddress: fmt.Sprintf("192.0.2.%d", n),
			InsideCIDR: fmt.Sprintf("169.254.%d.0/29", 10+n), Down: g.chance(0.05),
		})
		out.path.Peers = append(out.path.Peers, peer)
		for _, session := range []int{0, 0, 0, 1, 2} {
			out.events = append(out.events, func(at config.Duration, up bool) Step {
				return Step{At: at, Do: pick(up, SessionUp, SessionDown), Peer: peer, Session: session}
			})
		}
	}
	out.path.MinPeers = 1 + g.rng.IntN(len(out.path.Peers))
	out.events = append(out.events, g.attachmentEvent(attachment.ID))
	if g.chance(0.15) {
		out.path.Checks = append(out.path.Checks, g.check(sim.AlarmSpec{Attachment: attachment.ID}, out, "pinned"))
	}
	topo.Connects = append(topo.Connects, spec)
	g.outs = append(g.outs, out)
}
