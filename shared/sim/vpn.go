package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// vpnConnection is one Site-to-Site VPN connection with static routing.
// It ends on a transit gateway (attachment) or on a virtual private gateway (vgw);
// the other of the two is nil. routes are its static prefixes. telemetry is what
// DescribeVpnConnections shows, by outside address.
type vpnConnection struct {
	id, name   string
	attachment *attachment
	vgw        *vpnGateway
	routes     []netip.Prefix
	site       *site
	tunnels    []*tunnel
	telemetry  *timeline[string, TunnelView]
	frozen     bool
}

// tunnel is one IPsec tunnel. truth is whether it carries traffic; detected is
// what AWS has found out; due is what the telemetry shows as soon as it is not
// frozen. flips counts the changes of truth, so that a detection under way can
// tell that it is out of date.
type tunnel struct {
	outsideIP string
	truth     bool
	detected  bool
	due       TunnelView
	flips     int
}

// reportedUp is the number of tunnels that AWS has detected as up.
func (v *vpnConnection) reportedUp() int {
	up := 0
	for _, t := range v.tunnels {
		if t.detected {
			up++
		}
	}
	return up
}

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

// trulyUp returns the first tunnel that carries traffic. AWS picks one where
// several do; which one is not documented.
func (v *vpnConnection) trulyUp() (*tunnel, bool) {
	if !v.carries() {
		return nil, false
	}
	for _, t := range v.tunnels {
		if t.truth {
			return t, true
		}
	}
	return nil, false
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

func tunnelView(outsideIP string, up bool, since time.Time) TunnelView {
	view := TunnelView{OutsideIP: outsideIP, Up: up, StatusMessage: "IPSEC IS DOWN", LastStatusChange: since}
	if up {
		view.StatusMessage = "IPSEC IS UP" // Free text; "" was seen too.
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
// and the event EventDelay later. Setting what is true already does nothing.
func (w *World) SetTunnel(vpn, outsideIP string, up bool) error {
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
		if t.truth == up {
			return
		}
		t.truth = up
		t.flips++
		w.noteTunnel(s.now, v, t, up, TunnelTruth)
		if t.detected == up {
			return // It flipped back before AWS noticed.
		}
		delay, flips := w.options.DetectAfter, t.flips
		if up {
			delay = w.options.RecoverAfter
		}
		due := s.now.Add(delay)
		s.then(func() {
			w.keeper.At(due, "detect "+v.id+" "+t.outsideIP, func() { w.detect(v, t, flips) })
		})
	})
	return problem
}

// detect is AWS noticing the state of a tunnel.
func (w *World) detect(v *vpnConnection, t *tunnel, flips int) {
	w.do(func(s *step) {
		if t.flips != flips || t.detected == t.truth || v.deleted() {
			return
		}
		t.detected = t.truth
		w.noteTunnel(s.now, v, t, t.detected, TunnelDetected)
		if v.vgw != nil {
			w.refreshVPNGateway(s, v)
		} else {
			w.refreshGateway(s.now, v.attachment.gateway)
			w.announceTunnel(s, v, t)
		}
		view := tunnelView(t.outsideIP, t.detected, s.now)
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
	})
}

// report brings the telemetry to a detected status, or leaves it for the thaw.
func (w *World) report(now time.Time, v *vpnConnection, t *tunnel, view TunnelView) {
	t.due = view
	if v.frozen || v.telemetry.current[t.outsideIP] == view {
		return
	}
	v.telemetry.set(now, t.outsideIP, view)
	w.noteTunnel(now, v, t, view.Up, TunnelTelemetry)
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
// AcceptedRouteCount is 0, since the connections have static routing.
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
		view := VPNView{ID: id, Name: v.name, State: attachmentAvailable, Routes: v.routes}
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
// the API shows: a VPN connection with a tunnel up, an attachment with what lies
// behind it, or an appliance by its interface. An unknown id is not up.
func (w *World) PathUp(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.vpns[id]; v != nil {
		_, up := v.trulyUp()
		return up
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
