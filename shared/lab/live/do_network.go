package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// connection finds a VPN connection by its id or its name.
func (s *Server) connection(name string) (sim.VPNSpec, error) {
	var known []string
	for _, vpn := range s.opts.File.Topology.VPNs {
		if vpn.ID == name || vpn.Name == name && name != "" {
			return vpn, nil
		}
		known = append(known, vpn.ID)
		if vpn.Name != "" {
			known = append(known, vpn.Name)
		}
	}
	return sim.VPNSpec{}, choose("VPN connection", name, known)
}

func tunnelAction(up bool) func(*Server, context.Context, order) (Answer, error) {
	return func(s *Server, _ context.Context, o order) (Answer, error) {
		vpn, err := s.connection(o.arg(0))
		if err != nil {
			return nil, err
		}
		all := make([]string, 0, len(vpn.Tunnels))
		for _, tunnel := range vpn.Tunnels {
			all = append(all, tunnel.OutsideIP)
		}
		these := all
		if ip := o.arg(1); ip != "" {
			if err := choose("tunnel of "+vpn.ID, ip, all); err != nil {
				return nil, err
			}
			these = []string{ip}
		}
		for _, ip := range these {
			if err := s.world.SetTunnel(vpn.ID, ip, up); err != nil {
				return nil, err
			}
		}
		s.look()
		state, after := "down", s.opts.File.Options().DetectAfter
		if up {
			state, after = "up", s.opts.File.Options().RecoverAfter
		}
		text := fmt.Sprintf("%s: tunnel %s is %s", vpn.ID, these[0], state)
		if len(these) > 1 { // A connection has two at most.
			text = fmt.Sprintf("%s: tunnels %s are %s", vpn.ID, strings.Join(these, " and "), state)
		}
		if after > 0 {
			text += "; AWS notices in " + after.String()
		}
		return done{text}, nil
	}
}

func (s *Server) writeRoute(_ context.Context, o order) (Answer, error) {
	return s.force(o, o.arg(2))
}

func (s *Server) removeRoute(_ context.Context, o order) (Answer, error) { return s.force(o, "") }

// force writes a route as the person or program that --by names.
func (s *Server) force(o order, to string) (Answer, error) {
	table, destination, by := o.arg(0), o.arg(1), o.options["by"]
	if by == "" {
		if o.action.name == "write" {
			return nil, errors.New("--by is missing; write who writes the route, such as --by terraform")
		}
		by = "somebody"
	}
	topo := s.opts.File.Topology
	var tables []string
	for _, gateway := range topo.TransitGateways {
		for _, t := range gateway.Tables {
			tables = append(tables, t.ID)
		}
	}
	for _, vpc := range topo.VPCs {
		for _, t := range vpc.Tables {
			tables = append(tables, t.ID)
		}
	}
	if err := choose("table", table, tables); err != nil {
		return nil, err
	}
	if prefix, err := netip.ParsePrefix(destination); !strings.HasPrefix(destination, "pl-") && (err != nil || prefix != prefix.Masked()) {
		return nil, fmt.Errorf("destination %q is not a CIDR block without host bits; write for example 10.0.0.0/8, or the id of a prefix list", destination)
	}
	err := s.world.ForceRoute(by, table, destination, to)
	if err != nil {
		return nil, err
	}
	for _, call := range slices.Backward(s.world.Calls()) {
		if call.Process == "writer:"+by {
			call.Process = by
			s.called(call)
			break
		}
	}
	if to == "" {
		return done{fmt.Sprintf("%s: %s has no static route any more", table, destination)}, nil
	}
	return done{fmt.Sprintf("%s: %s goes to %s", table, destination, to)}, nil
}

func (s *Server) attachmentState(_ context.Context, o order) (Answer, error) {
	if err := s.world.SetAttachmentState(o.arg(0), o.arg(1)); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("attachment %s is %s", o.arg(0), o.arg(1))
	s.lines.tell(line{Kind: kindAction, Who: byNetwork, What: text})
	s.look()
	return done{text}, nil
}

func (s *Server) telemetryFreeze(_ context.Context, o order) (Answer, error) {
	vpn, err := s.connection(o.arg(0))
	if err != nil {
		return nil, err
	}
	if err := choose("switch", o.arg(1), []string{"on", "off"}); err != nil {
		return nil, err
	}
	frozen := o.arg(1) == "on"
	if err := s.world.SetTelemetryFrozen(vpn.ID, frozen); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.frozen[vpn.ID] = frozen
	s.mu.Unlock()
	text := "the telemetry of " + vpn.ID + " follows the truth"
	if frozen {
		text = "the telemetry of " + vpn.ID + " is frozen"
	}
	s.lines.tell(line{Kind: kindAction, Who: byAWS, What: text})
	s.look()
	return done{text}, nil
}

func (s *Server) setDelivery(_ context.Context, o order) (Answer, error) {
	if err := choose("way of delivery", o.arg(0), []string{loseEvents, doubleEvents, deliverEvents}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.delivery = o.arg(0)
	s.mu.Unlock()
	text := map[string]string{loseEvents: "events are lost from here on", doubleEvents: "events are delivered twice from here on", deliverEvents: "events are delivered from here on"}[o.arg(0)]
	s.lines.tell(line{Kind: kindAction, Who: "lab", What: text})
	return done{text}, nil
}

func (s *Server) hosts() []string {
	var out []string
	for _, host := range s.opts.File.Topology.Hosts {
		out = append(out, host.Name)
	}
	return out
}

// Reach is the answer of reach.
type Reach struct {
	From string `json:"from"`
	To   string `json:"to"`
	sim.Trace
}

// Text implements Answer.
func (r Reach) Text() string {
	text := r.From + " reaches " + r.To
	if !r.OK {
		text = r.From + " does not reach " + r.To + ": " + r.Reason
	}
	for _, hop := range r.Hops {
		text += "\n  " + hop
	}
	return text
}

func (s *Server) reach(_ context.Context, o order) (Answer, error) {
	for i := range 2 {
		if err := choose("host", o.arg(i), s.hosts()); err != nil {
			return nil, err
		}
	}
	return Reach{From: o.arg(0), To: o.arg(1), Trace: s.world.Reach(o.arg(0), o.arg(1))}, nil
}

// Matrix is who reaches whom. A row of Reaches asks.
type Matrix struct {
	Hosts   []string `json:"hosts"`
	Reaches [][]bool `json:"reaches"`
}

// Everyone reports whether every host reaches every other.
func (m Matrix) Everyone() bool {
	for _, row := range m.Reaches {
		for _, ok := range row {
			if !ok {
				return false
			}
		}
	}
	return true
}

// Text implements Answer.
func (m Matrix) Text() string {
	width := 0
	for _, host := range m.Hosts {
		width = max(width, len(host))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%-*s", width, "")
	for _, host := range m.Hosts {
		fmt.Fprintf(&out, "  %*s", max(len(host), 3), host)
	}
	for i, host := range m.Hosts {
		fmt.Fprintf(&out, "\n%-*s", width, host)
		for j, to := range m.Hosts {
			said := "yes"
			switch {
			case i == j:
				said = "."
			case !m.Reaches[i][j]:
				said = "no"
			}
			fmt.Fprintf(&out, "  %*s", max(len(to), 3), said)
		}
	}
	return out.String()
}

func (s *Server) matrix(context.Context, order) (Answer, error) {
	hosts := s.hosts()
	return Matrix{Hosts: hosts, Reaches: s.world.Matrix(hosts)}, nil
}

// number reads the optional argument that says how many.
func number(text string, standard int) (int, error) {
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of lines; write 1 or more", text)
	}
	return n, nil
}
