package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// vpnConnection is one Site-to-Site VPN connection, with static routing or with
// BGP. It ends on a transit gateway (attachment) or on a virtual private gateway
// (vgw); the other of the two is nil. routes are its static prefixes, announces
// what the site's router announces over this connection only. telemetry is what
// DescribeVpnConnections shows, by outside address.
type vpnConnection struct {
	id, name   string
	attachment *attachment
	vgw        *vpnGateway
	routes     []netip.Prefix
	announces  []announcement
	site       *site
	tunnels    []*tunnel
	telemetry  *timeline[string, TunnelView]
	frozen     bool
}

// tunnel is one IPsec tunnel. line is whether the network between its ends works;
// truth is whether IPsec carries traffic over it, for which the router has to
// reach the outside address too; detected is what AWS has found out of IPsec. bgp
// is the session inside; nil with static routing. works and reported are truth and
// detected with the session taken in. known is what AWS has found out, due what the
// telemetry shows as soon as it is not frozen. flips counts the changes of truth,
// so that a detection under way can tell that it is out of date.
type tunnel struct {
	outsideIP string
	line      bool
	truth     bool
	detected  bool
	works     bool
	reported  bool
	bgp       *bgpSession
	known     TunnelView
	due       TunnelView
	flips     int
}

// reportedUp is the number of tunnels that AWS takes for up: with BGP, those whose
// session is established.
func (v *vpnConnection) reportedUp() int {
	up := 0
	for _, t := range v.tunnels {
		if t.reported {
			up++
		}
	}
	return up
}

// usesBGP reports whether the connection has dynamic routing.
func (v *vpnConnection) usesBGP() bool { return len(v.tunnels) > 0 && v.tunnels[0].bgp != nil }

// owner is that of the gateway on which the connection ends.
func (v *vpnConnection) owner() owner {
	if v.vgw != nil {
		return v.vgw.vpc.owner
	}
	return v.attachment.gateway.owner
}

// carries reports whether the connection's AWS side forwards.
func (v *vpnConnection) carries() bool {
	if v.vgw != nil {
		return v.vgw.attached
	}
	return v.attachment.carries()
}

// deleted reports whether the connection went with its attachment.
func (v *vpnConnection) deleted() bool {
	return v.attachment != nil && v.attachment.state == attachmentDeleted
}

// trulyUp returns the first tunnel that carries traffic, with BGP rather one whose
// session is established. AWS picks one where several do; which one is not
// documented.
func (v *vpnConnection) trulyUp() (*tunnel, bool) {
	if !v.carries() {
		return nil, false
	}
	var found *tunnel
	for _, t := range v.tunnels {
		if t.truth && (found == nil || !found.reported && t.reported) {
			found = t
		}
	}
	return found, found != nil
}

// works reports whether some tunnel carries traffic and, with BGP, has a session
// that keeps the routes to it.
func (v *vpnConnection) works() bool {
	return v.carries() && slices.ContainsFunc(v.tunnels, func(t *tunnel) bool { return t.works })
}

func (v *vpnConnection) linkID() string { return v.id }

func (v *vpnConnection) open() (how string, ok bool) {
	t, up := v.trulyUp()
	if !up {
		return "", false
	}
	return "tunnel " + t.outsideIP, true
}

func (v *vpnConnection) enter(p *packet) place {
	if v.vgw != nil {
		return func() place { return p.atVPNGateway(v.vgw) }
	}
	return func() place { return p.transit(v.attachment) }
}

// The kinds of TunnelChange.
const (
	// TunnelTruth is the tunnel itself going up or down.
	TunnelTruth = "truth"
	// TunnelDetected is AWS finding out.
	TunnelDetected = "detected"
	// TunnelTelemetry is DescribeVpnConnections showing it.
	TunnelTelemetry = "telemetry"
)

// TunnelChange is one change of one tunnel: Kind is truth, detected or telemetry.
type TunnelChange struct {
	At        time.Time `json:"at"`
	VPN       string    `json:"vpn"`
	OutsideIP string    `json:"outsideIp"`
	Up        bool      `json:"up"`
	Kind      string    `json:"kind"`
}

// TunnelHistory returns every change of every tunnel since the start, in order.
func (w *World) TunnelHistory() []TunnelChange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]TunnelChange(nil), w.tunnelChanges...)
}

func (w *World) noteTunnel(at time.Time, v *vpnConnection, t *tunnel, up bool, kind string) {
	w.tunnelChanges = append(w.tunnelChanges, TunnelChange{At: at, VPN: v.id, OutsideIP: t.outsideIP, Up: up, Kind: kind})
}

// view is what the telemetry says of the tunnel once it has caught up. A tunnel
// with BGP is UP while its session is established (Site-to-Site VPN guide); that
// the message says IPSEC IS UP where only that is so is seen in the console. The
// message is free text.
func (t *tunnel) view(since time.Time) TunnelView {
	view := TunnelView{OutsideIP: t.outsideIP, Up: t.reported, StatusMessage: "IPSEC IS DOWN", LastStatusChange: since}
	if t.detected {
		view.StatusMessage = "IPSEC IS UP" // "" was seen too.
	}
	if t.bgp != nil && t.reported {
		view.AcceptedRouteCount = len(t.bgp.accepted)
		view.StatusMessage = fmt.Sprintf("%d BGP ROUTES", view.AcceptedRouteCount)
	}
	return view
}

// findVPN and findTunnel name what does exist when the id is unknown.
func (w *World) findVPN(id string) (*vpnConnection, error) {
	if v := w.vpns[id]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("vpn %q is not in the topology: use one of %s", id, strings.Join(sortedKeys(w.vpns), ", "))
}

func (v *vpnConnection) findTunnel(outsideIP string) (*tunnel, error) {
	known := make([]string, 0, len(v.tunnels))
	for _, t := range v.tunnels {
		if t.outsideIP == outsideIP {
			return t, nil
		}
		known = append(known, t.outsideIP)
	}
	return nil, fmt.Errorf("outside address %q is not a tunnel of %s: use one of %s", outsideIP, v.id, strings.Join(known, ", "))
}

// SetTunnel makes a tunnel truly go up or down now. AWS detects a failure
// DetectAfter later and a recovery RecoverAfter later, unless the tunnel has
// flipped back by then. A detection turns the static TGW routes to the
// connection to blackhole or back, the telemetry follows TelemetryLag later,
// and the event EventDelay later. The BGP session inside goes down with its hold
// timer or with the detection, whichever comes first, and comes up RecoverAfter
// after IPsec. Setting what is true already does nothing.
func (w *World) SetTunnel(vpn, outsideIP string, up bool) error {
	return w.onTunnel(vpn, outsideIP, func(s *step, v *vpnConnection, t *tunnel) {
		t.line = up
		w.reconsiderTunnel(s, v, t)
	})
}

// onTunnel runs fn on a tunnel, or says what does exist.
func (w *World) onTunnel(vpn, outsideIP string, fn func(s *step, v *vpnConnection, t *tunnel)) error {
	var problem error
	w.do(func(s *step) {
		v, err := w.findVPN(vpn)
		if err != nil {
			problem = err
			return
		}
		t, err := v.findTunnel(outsideIP)
		if err != nil {
			problem = err
			return
		}
		fn(s, v, t)
	})
	return problem
}

// reconsiderTunnel finds out whether a tunnel has truly gone up or down, and
// leaves it to AWS to notice.
func (w *World) reconsiderTunnel(s *step, v *vpnConnection, t *tunnel) {
	up := t.line && v.site.reaches(v, t)
	if t.truth == up {
		return
	}
	t.truth = up
	t.flips++
	if t.detected != up { // Else it flipped back before AWS noticed.
		w.detectLater(s, v, t)
	}
	if t.bgp != nil {
		w.reconsiderSession(s, t.bgp) // Where both timers run out together, IPsec's comes first.
	}
	w.noteWorks(s.now, v, t)
}

func (w *World) detectLater(s *step, v *vpnConnection, t *tunnel) {
	delay, flips := w.options.DetectAfter, t.flips
	if t.truth {
		delay = w.options.RecoverAfter
	}
	due := s.now.Add(delay)
	s.then(func() {
		w.keeper.At(due, "detect "+v.id+" "+t.outsideIP, func() { w.detect(v, t, flips) })
	})
}

// noteWorks writes into the history whether the tunnel has begun or ceased to
// carry what it should.
func (w *World) noteWorks(at time.Time, v *vpnConnection, t *tunnel) {
	if works := t.truth && (t.bgp == nil || t.bgp.alive); works != t.works {
		t.works = works
		w.noteTunnel(at, v, t, works, TunnelTruth)
	}
}

// detect is AWS noticing the state of a tunnel's IPsec.
func (w *World) detect(v *vpnConnection, t *tunnel, flips int) {
	w.do(func(s *step) {
		if t.flips != flips || t.detected == t.truth || v.deleted() {
			return
		}
		t.detected = t.truth
		if v.vgw == nil {
			w.announceTunnel(s, v, t)
		}
		switch {
		case t.bgp == nil:
		case !t.detected && t.bgp.established:
			w.establish(s, t.bgp, false)
		case t.detected && t.bgp.alive && !t.bgp.established:
			w.settleAfter(s, t.bgp, w.options.RecoverAfter)
		}
		w.showTunnel(s, v, t)
	})
}

// showTunnel brings up to date what follows from AWS's view of a tunnel: the
// static routes to the connection at once, the telemetry TelemetryLag later.
func (w *World) showTunnel(s *step, v *vpnConnection, t *tunnel) {
	since := t.known.LastStatusChange
	if reported := t.detected && (t.bgp == nil || t.bgp.established); reported != t.reported {
		t.reported, since = reported, s.now
		w.noteTunnel(s.now, v, t, reported, TunnelDetected)
		if v.vgw != nil {
			w.refreshVPNGateway(s, v.vgw)
		} else {
			w.refreshGateway(s, v.attachment.gateway)
		}
	}
	view := t.view(since)
	t.known = view
	if w.options.TelemetryLag == 0 {
		w.report(s.now, v, t, view)
		return
	}
	due := s.now.Add(w.options.TelemetryLag)
	s.then(func() {
		w.keeper.At(due, "telemetry "+v.id+" "+t.outsideIP, func() {
			w.do(func(later *step) { w.report(later.now, v, t, view) })
		})
	})
}

// report brings the telemetry to a detected status, or leaves it for the thaw.
func (w *World) report(now time.Time, v *vpnConnection, t *tunnel, view TunnelView) {
	t.due = view
	shown := v.telemetry.current[t.outsideIP]
	if v.frozen || shown == view {
		return
	}
	v.telemetry.set(now, t.outsideIP, view)
	if shown.Up != view.Up || !shown.LastStatusChange.Equal(view.LastStatusChange) {
		w.noteTunnel(now, v, t, view.Up, TunnelTelemetry)
	}
}

// SetTelemetryFrozen stops the telemetry of a connection from following the
// detected status, or lets it go on; it then catches up at once. Detection,
// events and routes are not affected.
func (w *World) SetTelemetryFrozen(vpn string, frozen bool) error {
	var problem error
	w.do(func(s *step) {
		v, err := w.findVPN(vpn)
		if err != nil {
			problem = err
			return
		}
		v.frozen = frozen
		for _, t := range v.tunnels {
			w.report(s.now, v, t, t.due)
		}
	})
	return problem
}

// VPNConnections lists the VPN connections of the caller's account and Region
// with their telemetry, sorted by id; tunnels are in the order of the topology.
// AcceptedRouteCount is 0 with static routing.
func (w *World) VPNConnections(c Caller) []VPNView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	views := make([]VPNView, 0, len(w.vpns))
	for _, id := range sortedKeys(w.vpns) {
		v := w.vpns[id]
		if !v.owner().is(c) {
			continue
		}
		view := VPNView{ID: id, Name: v.name, State: attachmentAvailable, Routes: v.routes, BGP: v.usesBGP()}
		if v.vgw != nil {
			view.VPNGateway = v.vgw.id
		} else {
			view.TransitGateway = v.attachment.gateway.id
		}
		if v.deleted() {
			view.State = attachmentDeleted
		}
		telemetry := v.telemetry.asOf(asOf)
		for _, t := range v.tunnels {
			view.Tunnels = append(view.Tunnels, telemetry[t.outsideIP])
		}
		views = append(views, view)
	}
	return views
}

// PathUp reports whether a way out of the network truly carries traffic, whatever
// the API shows: a VPN connection with a tunnel up, and its session too if it has
// one, an attachment with what lies
// behind it, or an appliance by its interface. An unknown id is not up.
func (w *World) PathUp(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.vpns[id]; v != nil {
		return v.works()
	}
	if a := w.attachments[id]; a != nil {
		return a.line()
	}
	if a := w.appliances[id]; a != nil {
		return a.sound() && !a.sourceDestCheck
	}
	return false
}

// Reported returns how many tunnels of the connection AWS has detected as up,
// and how many it has. Both are 0 for an unknown id.
func (w *World) Reported(vpn string) (up, total int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.vpns[vpn]
	if v == nil {
		return 0, 0
	}
	return v.reportedUp(), len(v.tunnels)
}
