package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The defaults of Options that are not zero.
const (
	defaultDetectAfter   = 30 * time.Second
	defaultRecoverAfter  = 5 * time.Second
	defaultEventDelay    = 2 * time.Second
	defaultCallDelay     = 10 * time.Second
	defaultStatusCheck   = 60 * time.Second
	defaultConnectHold   = 30 * time.Second
	defaultVPNHold       = 30 * time.Second
	defaultBGPRestart    = 30 * time.Second
	defaultAdvertise     = time.Second
	defaultDirectHold    = 90 * time.Second
	defaultVPNLogDelay   = 10 * time.Second
	defaultVPCRouteQuota = 500
	defaultTGWRouteQuota = 10_000
)

// withDefaults fills the zero values in and refuses negative ones.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"detectAfter", &o.DetectAfter, defaultDetectAfter},
		{"recoverAfter", &o.RecoverAfter, defaultRecoverAfter},
		{"telemetryLag", &o.TelemetryLag, 0},
		{"eventDelay", &o.EventDelay, defaultEventDelay},
		{"callEventDelay", &o.CallEventDelay, defaultCallDelay},
		{"statusCheckAfter", &o.StatusCheckAfter, defaultStatusCheck},
		{"prefixListModifyTime", &o.PrefixListModifyTime, 0},
		{"connectHold", &o.ConnectHold, defaultConnectHold},
		{"directConnectHold", &o.DirectConnectHold, defaultDirectHold},
		{"vpnHold", &o.VPNHold, defaultVPNHold},
		{"bgpRestartAfter", &o.BGPRestartAfter, defaultBGPRestart},
		{"advertiseAfter", &o.AdvertiseAfter, defaultAdvertise},
		{"vpnLogDelay", &o.VPNLogDelay, defaultVPNLogDelay},
	} {
		if *d.value < 0 {
			return o, fmt.Errorf("option %s is %s: it must not be negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	for _, q := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"vpcRouteQuota", &o.VPCRouteQuota, defaultVPCRouteQuota},
		{"transitGatewayRouteQuota", &o.TransitGatewayRouteQuota, defaultTGWRouteQuota},
	} {
		if *q.value < 0 {
			return o, fmt.Errorf("option %s is %d: it must not be negative", q.name, *q.value)
		}
		if *q.value == 0 {
			*q.value = q.fallback
		}
	}
	return o, nil
}

// builder turns a topology into a World and collects what is wrong with it.
type builder struct {
	world    *World
	topo     Topology
	now      time.Time
	problems []error
	seen     map[string]string // id or name -> the field that used it first
	started  []func()          // what the start leaves to be done
}

func (b *builder) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

func (b *builder) build() error {
	b.seen = make(map[string]string)
	b.world.globalAccount = b.topo.GlobalNetworkAccount
	if b.world.globalAccount == "" {
		b.world.globalAccount = b.topo.Account
	}
	if len(b.topo.TransitGateways) > 0 || b.world.globalAccount != "" {
		b.account("globalNetworkAccount", b.world.globalAccount)
	}
	b.gateways()
	b.sites()
	b.prefixLists()
	b.vpcs()
	b.vpnGateways()
	b.vpns()
	b.appliances()
	b.directConnects()
	b.connects()
	b.peerings()
	b.siteRoutes()
	b.tgwContents()
	b.vpcRoutes()
	b.hosts()
	if len(b.problems) > 0 {
		return fmt.Errorf("the topology cannot be built: %w", errors.Join(b.problems...))
	}
	b.attachmentsAtStart()
	s := &step{now: b.now}
	for _, id := range sortedKeys(b.world.gateways) {
		b.world.refreshGateway(s, b.world.gateways[id])
	}
	b.sessionsAtStart(s)
	b.started = s.after
	b.propagateVPCs()
	for _, t := range b.world.tgwTables {
		t.visible.log = nil // A stale read from before the start shows the start.
	}
	b.alarms()
	if len(b.problems) > 0 {
		return fmt.Errorf("the topology cannot be built: %w", errors.Join(b.problems...))
	}
	return nil
}

// attachmentsAtStart writes down what the attachments are at the start.
func (b *builder) attachmentsAtStart() {
	w := b.world
	w.everySide = w.sortedSides()
	for _, a := range w.everySide {
		w.attachmentStates.current[a] = a.state
		w.noteAttachment(b.now, a)
	}
	w.noteLines(b.now, true)
}

// claim checks that an id has the marker of its kind and is used once.
func (b *builder) claim(field, id, marker string) bool {
	if !strings.HasPrefix(id, marker) || len(id) == len(marker) {
		b.problem("%s is %q: write an id that starts with %q", field, id, marker)
		return false
	}
	if first, used := b.seen[id]; used {
		b.problem("%s is %q, which %s has already: give each its own id", field, id, first)
		return false
	}
	b.seen[id] = field
	return true
}

func (b *builder) account(field, account string) {
	digits := strings.Trim(account, "0123456789") == ""
	if len(account) != 12 || !digits {
		b.problem("%s is %q: write an AWS account id of 12 digits, there or as the topology's account", field, account)
	}
}

func (b *builder) owner(field, account, region string) owner {
	o := owner{account: account, region: region}
	if account == "" {
		o.account = b.topo.Account
	}
	if region == "" {
		o.region = b.topo.Region
	}
	b.account(field+".account", o.account)
	if o.region == "" {
		b.problem("%s.region is empty: write a Region such as us-west-2, there or as the topology's region", field)
	}
	return o
}

// prefix reads a CIDR block in canonical form.
func (b *builder) prefix(field, text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		b.problem("%s is %q: write a CIDR block such as 10.0.0.0/16", field, text)
	case p != p.Masked():
		b.problem("%s is %q, which has host bits: write %s", field, text, p.Masked())
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

// prefixes reads a list of CIDR blocks that must not overlap one another.
func (b *builder) prefixes(field string, texts []string) []netip.Prefix {
	var list []netip.Prefix
	for i, text := range texts {
		at := fmt.Sprintf("%s[%d]", field, i)
		p, ok := b.prefix(at, text)
		if !ok {
			continue
		}
		if j := slices.IndexFunc(list, p.Overlaps); j >= 0 {
			b.problem("%s is %q, which overlaps %s: take one of them out", at, text, list[j])
			continue
		}
		list = append(list, p)
	}
	return list
}

func (b *builder) gateways() {
	for i, spec := range b.topo.TransitGateways {
		field := fmt.Sprintf("transitGateways[%d]", i)
		g := &gateway{
			id: spec.ID, name: spec.Name, owner: b.owner(field, spec.Account, spec.Region),
			asn: b.asn(field+".asn", spec.ASN, transitGatewayASN), vpnECMP: spec.VPNECMPSupport != "disable",
			unregistered: spec.Unregistered,
		}
		if spec.VPNECMPSupport != "" && spec.VPNECMPSupport != "enable" && spec.VPNECMPSupport != "disable" {
			b.problem("%s.vpnEcmpSupport is %q: write enable or disable", field, spec.VPNECMPSupport)
		}
		if !b.claim(field+".id", spec.ID, "tgw-") {
			continue
		}
		if !isGatewayID(spec.ID) {
			b.problem("%s.id is %q, which is the id of an attachment or a table: write tgw- and hexadecimal digits", field, spec.ID)
		}
		b.world.gateways[spec.ID] = g
		for j, table := range spec.Tables {
			if !b.claim(fmt.Sprintf("%s.tables[%d].id", field, j), table.ID, "tgw-rtb-") {
				continue
			}
			t := newTGWTable(table.ID, g)
			g.tables = append(g.tables, t)
			b.world.tgwTables[table.ID] = t
		}
	}
}

// attach makes an attachment to a transit gateway of the given Region; an empty
// Region takes any.
func (b *builder) attach(field string, spec AttachmentSpec, region string) *attachment {
	if !b.claim(field+".id", spec.ID, "tgw-attach-") {
		return nil
	}
	g := b.world.gateways[spec.TransitGateway]
	if g == nil {
		b.problem("%s.transitGateway is %q, which the topology does not have: use one of %s",
			field, spec.TransitGateway, strings.Join(sortedKeys(b.world.gateways), ", "))
		return nil
	}
	if region != "" && g.owner.region != region {
		b.problem("%s.transitGateway is %q in %s, but the VPC is in %s: attach it to a transit gateway of its own Region",
			field, spec.TransitGateway, g.owner.region, region)
		return nil
	}
	a := &attachment{id: spec.ID, gateway: g, state: attachmentAvailable}
	b.world.attachments[spec.ID] = a
	g.attachments = append(g.attachments, a)
	return a
}

func (b *builder) vpns() {
	for i, spec := range b.topo.VPNs {
		field := fmt.Sprintf("vpns[%d]", i)
		if !b.claim(field+".id", spec.ID, "vpn-") {
			continue
		}
		v := &vpnConnection{id: spec.ID, name: spec.Name, telemetry: newTimeline[string, TunnelView]()}
		if !b.endVPN(field, v, spec) {
			continue
		}
		if v.site = b.world.sites[spec.Site]; v.site == nil {
			b.problem("%s.site is %q, which the topology does not have: use one of %s",
				field, spec.Site, strings.Join(sortedKeys(b.world.sites), ", "))
		}
		b.tunnels(field, v, spec.Tunnels)
		b.vpnSessions(field, v, spec)
		b.world.vpns[spec.ID] = v
	}
}

func (b *builder) tunnels(field string, v *vpnConnection, specs []TunnelSpec) {
	if len(specs) == 0 {
		b.problem("%s.tunnels is empty: write the outside addresses of its tunnels, two in AWS", field)
	}
	for i, spec := range specs {
		at := fmt.Sprintf("%s.tunnels[%d].outsideIp", field, i)
		if _, err := netip.ParseAddr(spec.OutsideIP); err != nil {
			b.problem("%s is %q: write an IP address", at, spec.OutsideIP)
			continue
		}
		if first, used := b.seen[spec.OutsideIP]; used {
			b.problem("%s is %q, which %s has already: give each tunnel its own address", at, spec.OutsideIP, first)
			continue
		}
		b.seen[spec.OutsideIP] = at
		up := !spec.Down
		t := &tunnel{outsideIP: spec.OutsideIP, line: up, truth: up, detected: up, works: up, reported: up}
		t.known = t.view(b.now)
		t.due = t.known
		v.tunnels = append(v.tunnels, t)
		v.telemetry.current[t.outsideIP] = t.due
	}
}
