package live

import (
	"context"
	"fmt"
	"strings"
	"time"

	"detour/shared/sim"
)

// Route is one static route.
type Route struct {
	Table       string `json:"table"`
	Destination string `json:"destination"`
	Target      string `json:"target"`
	// State is active or blackhole.
	State string `json:"state"`
}

// Tables is the answer of tables: the static routes for a program, and all
// routes as text.
type Tables struct {
	Static []Route `json:"static"`
	All    string  `json:"all"`
}

// Text implements Answer.
func (t Tables) Text() string { return strings.TrimRight(t.All, "\n") }

func (s *Server) showTables(context.Context, order) (Answer, error) {
	out := Tables{Static: []Route{}, All: s.world.Snapshot()}
	for _, r := range s.world.StaticRoutes() {
		out.Static = append(out.Static, Route{r.Table, r.Destination.String(), r.Target, r.State})
	}
	return out, nil
}

// Calls is the answer of calls, oldest first.
type Calls []sim.CallRecord

// Text implements Answer.
func (c Calls) Text() string {
	if len(c) == 0 {
		return "no call yet"
	}
	lines := make([]string, 0, len(c))
	for _, call := range c {
		text := fmt.Sprintf("%s  %-14s %s %s %s", call.EffectAt.UTC().Format("15:04:05.000"), call.Process, call.Account, call.Region, call.Action)
		if call.Write != nil {
			text += " " + describeWrite(call.Write)
		}
		lines = append(lines, text+leading(": ", call.Code))
	}
	return strings.Join(lines, "\n")
}

func (s *Server) showCalls(_ context.Context, o order) (Answer, error) {
	n, err := number(o.arg(0), 20)
	if err != nil {
		return nil, err
	}
	out := Calls{}
	for _, call := range s.world.Calls() {
		if o.options["writes"] == "" || call.Write != nil {
			out = append(out, call)
		}
	}
	return out[max(len(out)-n, 0):], nil
}

// Tunnel is the state of one tunnel, as three see it.
type Tunnel struct {
	VPN       string `json:"vpn"`
	Name      string `json:"name,omitempty"`
	OutsideIP string `json:"outsideIp"`
	// Up is the truth, Detected what AWS has noticed, Telemetry what
	// DescribeVpnConnections shows.
	Up        bool `json:"up"`
	Detected  bool `json:"detected"`
	Telemetry bool `json:"telemetry"`
	// Frozen: the telemetry does not follow.
	Frozen bool `json:"frozen,omitempty"`
}

// Waiting is a message that waits in the queue of the wake-ups.
type Waiting struct {
	Home      string    `json:"home"`
	Body      string    `json:"body"`
	VisibleAt time.Time `json:"visibleAt"`
	Receives  int       `json:"receives"`
}

// Status is the answer of status.
type Status struct {
	Tunnels []Tunnel `json:"tunnels"`
	// Attachments are those that are not available, with their states.
	Attachments []string `json:"attachments"`
	// Events is how events are delivered: deliver, lose or double.
	Events  string    `json:"events"`
	WakeUps []Waiting `json:"wakeUps"`
}

// Text implements Answer.
func (st Status) Text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-24s %-12s %-16s %-6s %-9s %s", "VPN CONNECTION", "NAME", "TUNNEL", "TRUTH", "DETECTED", "TELEMETRY")
	word := map[bool]string{true: "up", false: "down"}
	for _, t := range st.Tunnels {
		shown := word[t.Telemetry]
		if t.Frozen {
			shown += " (frozen)"
		}
		fmt.Fprintf(&out, "\n%-24s %-12s %-16s %-6s %-9s %s", t.VPN, t.Name, t.OutsideIP, word[t.Up], word[t.Detected], shown)
	}
	for _, a := range st.Attachments {
		out.WriteString("\nattachment " + a)
	}
	for _, w := range st.WakeUps {
		fmt.Fprintf(&out, "\nwake-up at %s in %s, received %d times: %s", w.VisibleAt.UTC().Format("15:04:05"), w.Home, w.Receives, w.Body)
	}
	if st.Events != deliverEvents {
		out.WriteString("\nevents: " + st.Events)
	}
	return out.String()
}

func (s *Server) status(context.Context, order) (Answer, error) {
	out := Status{Tunnels: s.tunnels(), Attachments: []string{}, WakeUps: []Waiting{}}
	seen := map[string]bool{}
	for _, gateway := range s.opts.File.Topology.TransitGateways {
		caller := sim.Caller{Account: gateway.Account, Region: gateway.Region}
		if caller.Account == "" {
			caller.Account = s.opts.File.Topology.Account
		}
		if caller.Region == "" {
			caller.Region = s.opts.File.Topology.Region
		}
		for _, a := range s.world.TransitGatewayAttachments(caller) {
			if a.State != "available" && !seen[a.ID] {
				seen[a.ID] = true
				out.Attachments = append(out.Attachments, a.ID+" is "+a.State)
			}
		}
	}
	for _, h := range s.homes {
		for _, w := range h.wakes {
			for _, m := range s.queues.Waiting(w.url) {
				out.WakeUps = append(out.WakeUps, Waiting{Home: h.Account + " " + h.Region, Body: m.Body, VisibleAt: m.VisibleAt, Receives: m.Receives})
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Events = s.delivery
	return out, nil
}

// tunnels are the states of all tunnels, in the order of the topology.
func (s *Server) tunnels() []Tunnel {
	out := []Tunnel{}
	history := s.world.TunnelHistory()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, vpn := range s.opts.File.Topology.VPNs {
		for _, spec := range vpn.Tunnels {
			up := !spec.Down && !spec.BGPDown
			t := Tunnel{VPN: vpn.ID, Name: vpn.Name, OutsideIP: spec.OutsideIP, Up: up, Detected: up, Telemetry: up, Frozen: s.frozen[vpn.ID]}
			for _, c := range history {
				if c.VPN != vpn.ID || c.OutsideIP != spec.OutsideIP {
					continue
				}
				switch c.Kind {
				case sim.TunnelTruth:
					t.Up = c.Up
				case sim.TunnelDetected:
					t.Detected = c.Up
				default:
					t.Telemetry = c.Up
				}
			}
			out = append(out, t)
		}
	}
	return out
}
