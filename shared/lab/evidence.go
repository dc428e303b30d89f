package lab

import (
	"maps"
	"slices"
	"strings"
	"time"

	"detour/shared/config"
	"detour/shared/sim"
)

// signal names one value about one resource.
type signal struct{ resource, field, part string }

// The fields of signals. All but tunnel are those of sim.Told and
// sim.HealthChange.
const (
	fieldTunnel     = "tunnel"
	fieldSession    = "session"
	fieldPeer       = "peer-state"
	fieldAttachment = "attachment-state"
	fieldInterface  = "interface-status"
	fieldAttached   = "interface-instance"
	fieldSourceDest = "source-dest-check"
	fieldInstance   = "instance-state"
	fieldChecks     = "instance-status"
	fieldSystem     = "system-status"
	fieldAlarm      = "alarm-state"
	fieldForwarding = "forwarding"
	fieldUplink     = "uplink"
	fieldLine       = "line"
	fieldGateway    = "gateway-attachment"
)

// The values that the checkers know.
const (
	valueUp        = "up"
	valueDown      = "down"
	valueOK        = "ok"
	valueAvailable = "available"
	valueRunning   = "running"
)

// observed is the value of a signal from an instant on.
type observed struct {
	at    time.Time
	value string
}

// evidence is what was shown by the APIs, and what was true, of everything that
// a path is judged by.
type evidence struct {
	shown, truth map[signal][]observed
	// tunnels are the outside addresses of each VPN connection, sessions the BGP
	// addresses of each Connect peer.
	tunnels, sessions map[string][]string
	// attachmentOf is the transit gateway attachment of a VPN connection.
	attachmentOf map[string]string
}

// view is what somebody knows of a signal; empty: nothing.
type view func(s signal) string

func upDown(up bool) string {
	if up {
		return valueUp
	}
	return valueDown
}

// readEvidence reads the World's histories after a run.
func readEvidence(topo sim.Topology, w *sim.World) evidence {
	ev := evidence{
		shown: map[signal][]observed{}, truth: map[signal][]observed{},
		tunnels: map[string][]string{}, sessions: map[string][]string{}, attachmentOf: map[string]string{},
	}
	for _, vpn := range topo.VPNs {
		ev.attachmentOf[vpn.ID] = vpn.Attachment.ID
		for _, t := range vpn.Tunnels {
			ev.tunnels[vpn.ID] = append(ev.tunnels[vpn.ID], t.OutsideIP)
			ev.note(signal{vpn.ID, fieldTunnel, t.OutsideIP}, Start(), upDown(!t.Down && !t.BGPDown), true, true)
		}
	}
	for _, c := range w.TunnelHistory() {
		ev.note(signal{c.VPN, fieldTunnel, c.OutsideIP}, c.At, upDown(c.Up), c.Kind == sim.TunnelTelemetry, c.Kind == sim.TunnelTruth)
	}
	for _, c := range w.HealthHistory() {
		s := signal{c.Resource, c.Field, c.Part}
		if c.Field == fieldSession && !slices.Contains(ev.sessions[c.Resource], c.Part) {
			ev.sessions[c.Resource] = append(ev.sessions[c.Resource], c.Part)
		}
		ev.note(s, c.At, c.Value, c.Kind == sim.HealthShown, c.Kind == sim.HealthTruth)
	}
	return ev
}

func (ev evidence) note(s signal, at time.Time, value string, shown, truth bool) {
	if shown {
		ev.shown[s] = append(ev.shown[s], observed{at, value})
	}
	if truth {
		ev.truth[s] = append(ev.truth[s], observed{at, value})
	}
}

// valueAt is the last value up to an instant.
func valueAt(line []observed, at time.Time) string {
	out := ""
	for _, o := range line {
		if o.at.After(at) {
			break
		}
		out = o.value
	}
	return out
}

// shownAt is what the APIs showed at an instant.
func (ev evidence) shownAt(at time.Time) view {
	return func(s signal) string { return valueAt(ev.shown[s], at) }
}

// signalsOf are all signals that a path is judged by.
func (ev evidence) signalsOf(p config.Path) []signal {
	var out []signal
	add := func(resource, field, part string) { out = append(out, signal{resource, field, part}) }
	switch p.Kind {
	case kindVPN:
		for _, ip := range ev.tunnels[p.VPN] {
			add(p.VPN, fieldTunnel, ip)
		}
		add(ev.attachmentOf[p.VPN], fieldAttachment, "")
	case kindConnect:
		add(p.Attachment, fieldAttachment, "")
		for _, peer := range p.Peers {
			add(peer, fieldPeer, "")
			for _, part := range ev.sessions[peer] {
				add(peer, fieldSession, part)
			}
		}
	case kindAppliance:
		for _, field := range []string{fieldInterface, fieldAttached, fieldSourceDest, fieldForwarding, fieldUplink} {
			add(p.Interface, field, "")
		}
		for _, field := range []string{fieldInstance, fieldChecks, fieldSystem} {
			add(p.Instance, field, "")
		}
	case kindAttachment:
		add(p.Attachment, fieldAttachment, "")
		add(p.Attachment, fieldLine, "")
	}
	for _, check := range p.Checks {
		add(check.Alarm, fieldAlarm, "")
	}
	return out
}

// changesIn are the instants within (from, to] at which one of the signals
// changed in the lines, in order.
func changesIn(lines map[signal][]observed, signals []signal, from, to time.Time) []time.Time {
	var out []time.Time
	for _, s := range signals {
		for _, o := range lines[s] {
			if o.at.After(from) && !o.at.After(to) {
				out = append(out, o.at)
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// changedAt is when the signal came to its last value up to an instant; zero: it
// was there from the start.
func (ev evidence) changedAt(s signal, at time.Time) time.Time {
	var out time.Time
	for i, o := range ev.shown[s] {
		if i > 0 && !o.at.After(at) && o.value != ev.shown[s][i-1].value {
			out = o.at
		}
	}
	return out
}

// told is what one process knows of the signals, by the action that told it.
type told map[string]map[signal]string

// learn takes in one answer. After a call that failed, or whose answer may not
// have arrived, the process knows nothing of what the action tells. A list of all that
// there is was asked for the sake of a filter, beside the groups.
func (t told) learn(call sim.CallRecord) {
	if !strings.HasPrefix(call.Action, "Describe") || listsAll(call) {
		return
	}
	if call.Code != "" || call.Fault != "" {
		delete(t, call.Action)
		return
	}
	if t[call.Action] == nil {
		t[call.Action] = map[signal]string{}
	}
	for _, tunnel := range call.Telemetry {
		t[call.Action][signal{tunnel.VPN, fieldTunnel, tunnel.OutsideIP}] = upDown(tunnel.Up)
	}
	for _, value := range call.Told {
		t[call.Action][signal{value.Resource, value.Field, value.Part}] = value.Value
	}
}

// listsAll reports whether the call names no connection and no peer. Who looks at a path
// names it.
func listsAll(call sim.CallRecord) bool {
	named := map[string]string{"DescribeVpnConnections": "VpnConnectionId.1", "DescribeTransitGatewayConnectPeers": "TransitGatewayConnectPeerIds.1"}
	param, ok := named[call.Action]
	return ok && call.Params != nil && !call.Params.Has(param)
}

func (t told) view() view {
	return func(s signal) string {
		for _, action := range slices.Sorted(maps.Keys(t)) {
			if value, ok := t[action][s]; ok {
				return value
			}
		}
		return ""
	}
}
