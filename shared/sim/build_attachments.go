package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// transport finds the attachment that carries a Connect attachment's GRE.
func (b *builder) transport(field, id string, a *attachment) *attachment {
	t := a.gateway.attachment(id)
	if t == nil || t.vpc == nil && t.direct == nil {
		b.problem("%s is %q, which is neither a VPC nor a Direct Connect attachment of %s: name one that carries the GRE", field, id, a.gateway.id)
		return nil
	}
	return t
}

// siteNamed finds a site.
func (b *builder) siteNamed(field, name string) *site {
	s := b.world.sites[name]
	if s == nil {
		b.problem("%s is %q, which the topology does not have: use one of %s", field, name, strings.Join(sortedKeys(b.world.sites), ", "))
	}
	return s
}

// directConnects comes before the Connect attachments, which may run over them.
func (b *builder) directConnects() {
	for i, spec := range b.topo.DirectConnects {
		field := fmt.Sprintf("directConnects[%d]", i)
		if spec.VPNGateway != "" {
			b.virtualInterface(field, spec)
			continue
		}
		a := b.attach(field+".attachment", spec.Attachment, "")
		if a == nil {
			continue
		}
		if spec.Gateway == "" {
			b.problem("%s.gateway is empty: write the Direct Connect gateway's id, a UUID", field)
		}
		a.name = spec.Name
		a.direct = &directConnect{
			attachment: a, gatewayID: spec.Gateway, site: b.siteNamed(field+".site", spec.Site),
			announces: append(b.plain(field+".announces", spec.Announces), b.announcements(field+".routes", spec.Routes)...),
			allowed:   b.prefixes(field+".allowedPrefixes", spec.AllowedPrefixes), truth: !spec.Down,
		}
		b.lineSession(field, a.direct, spec)
	}
}

// virtualInterface makes a private virtual interface on a virtual private gateway.
func (b *builder) virtualInterface(field string, spec DirectConnectSpec) {
	g := b.world.vpnGateways[spec.VPNGateway]
	switch {
	case g == nil:
		b.problem("%s.vpnGateway is %q, which the topology does not have: use one of %s",
			field, spec.VPNGateway, strings.Join(sortedKeys(b.world.vpnGateways), ", "))
		return
	case spec.Attachment != AttachmentSpec{}:
		b.problem("%s has both attachment and vpnGateway: a line ends on one gateway, so keep one of the two", field)
		return
	case spec.GatewayASN != 0 || len(spec.AllowedPrefixes) > 0:
		b.problem("%s has gatewayAsn or allowedPrefixes, which only a Direct Connect gateway has: leave them out, and write the ASN at %s", field, g.id)
		return
	case !b.claim(field+".id", spec.ID, "dxvif-"):
		return
	}
	d := &directConnect{
		id: spec.ID, vgw: g, site: b.siteNamed(field+".site", spec.Site), truth: !spec.Down,
		announces: append(b.plain(field+".announces", spec.Announces), b.announcements(field+".routes", spec.Routes)...),
	}
	b.lineSession(field, d, spec)
	g.lines = append(g.lines, d)
	slices.SortFunc(g.lines, func(x, y *directConnect) int { return strings.Compare(x.id, y.id) })
	b.world.interfaces[d.id] = d
	b.note(d.id, fieldLine, upOrDown(d.truth), HealthTruth)
}

func (b *builder) connects() {
	for i, spec := range b.topo.Connects {
		field := fmt.Sprintf("connects[%d]", i)
		a := b.attach(field+".attachment", spec.Attachment, "")
		if a == nil {
			continue
		}
		a.name = spec.Name
		c := &connect{attachment: a, transport: b.transport(field+".transport", spec.Transport, a)}
		c.site = b.siteNamed(field+".site", spec.Site)
		c.announces = b.plain(field+".announces", spec.Announces)
		if c.transport == nil {
			continue
		}
		a.connect = c
		if len(spec.Peers) == 0 || len(spec.Peers) > 4 {
			b.problem("%s.peers has %d entries: a Connect attachment has one to four peers", field, len(spec.Peers))
		}
		for j, peer := range spec.Peers {
			b.connectPeer(fmt.Sprintf("%s.peers[%d]", field, j), c, peer)
		}
	}
}

func (b *builder) connectPeer(field string, c *connect, spec ConnectPeerSpec) {
	if !b.claim(field+".id", spec.ID, "tgw-connect-peer-") {
		return
	}
	p := &connectPeer{
		id: spec.ID, connect: c, created: b.now, shown: newTimeline[int, bool](),
		address:        b.address(field+".peerAddress", spec.PeerAddress),
		gatewayAddress: b.address(field+".transitGatewayAddress", spec.TransitGatewayAddress),
		announces:      b.announcements(field+".announces", spec.Announces),
		asn:            int64(b.asn(field+".peerAsn", spec.PeerASN, int(c.attachment.gateway.asn))),
	}
	var ok bool
	if p.inside, ok = b.prefix(field+".insideCidr", spec.InsideCIDR); !ok {
		return
	}
	if !p.inside.Addr().Is4() || p.inside.Bits() != 29 || !netip.MustParsePrefix("169.254.0.0/16").Overlaps(p.inside) {
		b.problem("%s.insideCidr is %q: write a /29 of 169.254.0.0/16", field, spec.InsideCIDR)
	}
	address := p.inside.Addr().Next()
	for i := range p.sessions {
		address = address.Next()
		up := !spec.Down
		own := &bgpSession{
			id: fmt.Sprintf("%s %d", p.id, i+1), peer: p, index: i, address: address,
			wanted: up, alive: up, established: up,
		}
		b.session(own, c.site, c.attachment.gateway.asn, uint32(p.asn)) //nolint:gosec // Checked by asn.
		p.sessions[i] = own
		p.shown.current[i] = up
		b.world.noteSession(b.now, own, up, HealthTruth)
		b.world.noteSession(b.now, own, up, HealthShown)
	}
	b.world.noteHealth(b.now, p.id, fieldPeerState, "", attachmentAvailable, HealthTruth)
	b.world.noteHealth(b.now, p.id, fieldPeerState, "", attachmentAvailable, HealthShown)
	c.peers = append(c.peers, p)
	b.world.connectPeers[p.id] = p
}

func (b *builder) address(field, text string) netip.Addr {
	address, err := netip.ParseAddr(text)
	if err != nil {
		b.problem("%s is %q: write an IP address", field, text)
	}
	return address
}

func (b *builder) peerings() {
	for i, spec := range b.topo.Peerings {
		field := fmt.Sprintf("peerings[%d]", i)
		a := b.attach(field+".attachment", spec.Attachment, "")
		if a == nil {
			continue
		}
		g := b.world.gateways[spec.Peer]
		if g == nil || g == a.gateway {
			b.problem("%s.peer is %q: name another transit gateway than %s, one of %s",
				field, spec.Peer, a.gateway.id, strings.Join(sortedKeys(b.world.gateways), ", "))
			continue
		}
		other := &attachment{id: a.id, gateway: g, state: a.state}
		g.attachments = append(g.attachments, other)
		p := &peering{sides: [2]*attachment{a, other}, truth: true}
		for _, side := range p.sides {
			side.name, side.peering = spec.Name, p
		}
		if spec.PeerTable == "" {
			continue
		}
		if t := b.world.tgwTables[spec.PeerTable]; t == nil || t.gateway != g {
			b.problem("%s.peerTable is %q, which is no table of %s: name one of its tables", field, spec.PeerTable, g.id)
		} else {
			other.table = t
		}
	}
}

// alarms comes last: an alarm can follow everything else.
func (b *builder) alarms() {
	for i, spec := range b.topo.Alarms {
		field := fmt.Sprintf("alarms[%d]", i)
		if spec.Name == "" || len(spec.Name) > 255 || b.world.alarms[spec.Name] != nil {
			b.problem("%s.name is %q: give every alarm a name of its own, of up to 255 characters", field, spec.Name)
			continue
		}
		a := &metricAlarm{name: spec.Name, owner: b.owner(field, spec.Account, spec.Region), after: time.Minute, vpn: spec.VPN, good: true}
		if spec.After != "" {
			after, err := time.ParseDuration(spec.After)
			if err != nil || after < 0 {
				b.problem("%s.after is %q: write a duration such as 60s", field, spec.After)
			}
			a.after = after
		}
		var ok bool
		if a.follows, ok = b.follows(field, spec); !ok {
			continue
		}
		b.world.alarms[a.name] = a
		b.alarmState(field, a, spec.State)
	}
}

// follows finds what an alarm follows; nil for nothing.
func (b *builder) follows(field string, spec AlarmSpec) (func() bool, bool) {
	w := b.world
	var kinds []string
	var follow func() bool
	add := func(key, id string, known bool, fn func() bool) {
		kinds = append(kinds, key)
		follow = fn
		if !known {
			b.problem("%s.%s is %q, which the topology does not have: name what the alarm follows", field, key, id)
		}
	}
	if spec.Box != "" {
		add("box", spec.Box, w.appliances[spec.Box] != nil, func() bool { return w.boxWorks(spec.Box) })
	}
	if spec.VPN != "" {
		v := w.vpns[spec.VPN]
		add("vpn", spec.VPN, v != nil, func() bool { return v.reportedUp() > 0 })
	}
	if spec.Attachment != "" {
		a := w.attachments[spec.Attachment]
		add("attachment", spec.Attachment, a != nil, func() bool { return a.line() })
	}
	if spec.From != "" || spec.To != "" {
		add("from", spec.From, w.hosts[spec.From] != nil && w.hosts[spec.To] != nil, func() bool { return w.reach(spec.From, spec.To).OK })
	}
	switch {
	case len(kinds) > 1:
		b.problem("%s follows %s: let it follow one thing, or make one alarm each", field, strings.Join(kinds, " and "))
	case len(kinds) == 1 && spec.State != "":
		b.problem("%s.state is %q, but the alarm follows its %s: leave the state out", field, spec.State, kinds[0])
	}
	return follow, len(b.problems) == 0
}

// alarmState gives an alarm its state at the start.
func (b *builder) alarmState(field string, a *metricAlarm, state string) {
	w := b.world
	if a.follows != nil {
		a.good = a.follows()
		state = stateOf(a.good)
		w.watching = append(w.watching, a)
	}
	switch state {
	case "":
		state = alarmOK
	case alarmOK, alarmAlarm, alarmInsufficient:
	default:
		b.problem("%s.state is %q: write one of %s", field, state, strings.Join(alarmStates(), ", "))
	}
	w.alarmsShown.current[a.name] = AlarmView{
		Name: a.name, ARN: alarmARN(a), State: state, Reason: "The state at the start.",
		UpdatedAt: b.now, TransitionedAt: b.now, VPN: a.vpn,
	}
	w.noteHealth(b.now, a.name, fieldAlarmState, "", state, HealthShown)
}
