package live

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"detour/shared/lab/stack"
	"detour/shared/sim"
	"detour/shared/sim/eventsapi"
)

// network is who does what truly happens to the network, and AWS what it makes
// of it.
const (
	byNetwork = "network"
	byAWS     = "AWS"
)

// watched is a Timekeeper that is looked at after everything that it did.
type watched struct {
	sim.Timekeeper
	after func()
}

// At implements sim.Timekeeper.
func (w watched) At(t time.Time, name string, fn func()) {
	w.Timekeeper.At(t, name, func() {
		fn()
		w.after()
	})
}

// recorder is the World as the wire sees it, and tells the server of every call
// that arrives.
type recorder struct {
	*sim.World
	server *Server
}

// Record takes a line of the call log.
func (r recorder) Record(call sim.CallRecord) {
	r.World.Record(call)
	r.server.called(call)
}

// called tells of a call that writes.
func (s *Server) called(call sim.CallRecord) {
	switch {
	case call.Write != nil:
		s.lines.tell(line{Kind: kindWrite, Who: call.Process, What: call.Action + " " + describeWrite(call.Write), Data: told(call)})
		s.change.signal()
	case writes(call.Action) && call.Code == "DryRunOperation":
		s.lines.tell(line{Kind: kindWrite, Who: call.Process, What: call.Action + " is tried as a dry run, and allowed", Data: told(call)})
	case writes(call.Action) && call.Code != "":
		s.lines.tell(line{Kind: kindWrite, Who: call.Process, What: call.Action + " is refused: " + call.Code, Data: told(call)})
	case writes(call.Action):
		s.lines.tell(line{Kind: kindWrite, Who: call.Process, What: call.Action + leading(" ", strings.Join(namedIn(call), " ")), Data: told(call)})
		s.change.signal()
	}
}

// namedIn returns the ids that a write to no route names, sorted by parameter.
func namedIn(call sim.CallRecord) []string {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(call.Params)) {
		if strings.HasSuffix(name, "Id") {
			ids = append(ids, call.Params.Get(name))
		}
	}
	return ids
}

// routeCall is what a line says of a call to a program.
type routeCall struct {
	Account string          `json:"account"`
	Region  string          `json:"region"`
	Action  string          `json:"action"`
	Code    string          `json:"code,omitempty"`
	Write   *sim.RouteWrite `json:"write,omitempty"`
}

func told(call sim.CallRecord) routeCall {
	return routeCall{call.Account, call.Region, call.Action, call.Code, call.Write}
}

// writes reports whether an action of the simulated EC2 changes something.
func writes(action string) bool {
	for _, verb := range []string{"Create", "Replace", "Delete", "Modify", "Enable", "Disable"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

func describeWrite(w *sim.RouteWrite) string {
	text := w.Table + " " + w.Destination
	switch {
	case w.Before == "":
		return text + " to " + w.After
	case w.After == "":
		return text + ", which went to " + w.Before
	default:
		return text + " from " + w.Before + " to " + w.After
	}
}

// look tells what happened to the network since the last look: to tunnels all, of
// everything else what AWS shows.
func (s *Server) look() {
	s.looking.Lock()
	defer s.looking.Unlock()
	history := s.world.TunnelHistory()
	for _, c := range history[s.told:] {
		state := "down"
		if c.Up {
			state = "up"
		}
		tunnel := "tunnel " + c.OutsideIP + " of " + c.VPN
		l := line{Kind: kindTunnel, Who: byAWS, Data: c}
		switch c.Kind {
		case sim.TunnelTruth:
			l.Who, l.What = byNetwork, tunnel+" is "+state
		case sim.TunnelDetected:
			l.What = "has noticed that " + tunnel + " is " + state
		default:
			l.What = "shows " + tunnel + " " + state
		}
		s.lines.tell(l)
	}
	s.told = len(history)
	changes := s.world.HealthHistory()
	for _, c := range changes[s.shown:] {
		if c.Kind == sim.HealthShown {
			s.lines.tell(line{Kind: kindHealth, Who: byAWS, What: "shows " + c.Resource + leading(" ", c.Part) + ": " + c.Field + leading(" ", c.Value), Data: c})
		}
	}
	s.shown = len(changes)
	s.change.signal()
}

// WaitDetected waits until AWS has noticed and shows what truly is the state of
// every tunnel, those of frozen telemetry excepted. The error is that of ctx.
func (s *Server) WaitDetected(ctx context.Context) error {
	return s.waitFor(ctx, func() bool {
		for _, t := range s.tunnels() {
			if t.Detected != t.Up || t.Telemetry != t.Up && !t.Frozen {
				return false
			}
		}
		return true
	})
}

// WaitEvent waits until the network has sent the events of all tunnels that AWS
// has noticed, and at least one, and returns the last: LastEvent. Connections on
// virtual private gateways have no events.
func (s *Server) WaitEvent(ctx context.Context) ([]byte, error) {
	silent := map[string]bool{}
	for _, vpn := range s.opts.File.Topology.VPNs {
		silent[vpn.ID] = vpn.VPNGateway != ""
	}
	err := s.waitFor(ctx, func() bool {
		noticed := 0
		for _, c := range s.world.TunnelHistory() {
			if c.Kind == sim.TunnelDetected && !silent[c.VPN] {
				noticed++
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sent > 0 && s.sent >= noticed
	})
	return s.LastEvent(), err
}

func (s *Server) waitFor(ctx context.Context, done func() bool) error {
	for {
		changed := s.Changed()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the network: %w", ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("waiting for the network: %w", s.ctx.Err())
		}
	}
}

// emitted is an event of the network, on its way to the default buses.
func (s *Server) emitted(raw []byte) {
	if isLogs(raw) {
		s.logged(raw)
		return
	}
	concerns, err := matching(s.rules, raw)
	if err != nil {
		s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "sends what cannot be delivered: " + err.Error()})
		return
	}
	s.mu.Lock()
	if len(concerns) > 0 {
		s.lastEvent = raw
		s.sent++
	}
	delivery := s.delivery
	s.mu.Unlock()
	what := "sends " + describe(raw) + lost(delivery)
	s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: what, Data: asJSON(raw)})
	at := originOf(raw)
	for range copies(delivery) {
		if s.opts.TemplateDir != "" {
			if s.deliver(at, raw, 1) == 0 {
				s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "has no rule for it in account " + at.String()})
			}
			continue
		}
		// In a deployment each home has a rule that forwards the events of the
		// global network's bus to its own.
		for _, h := range s.homes {
			s.deliver(stack.Site(h.Home), raw, 1)
		}
	}
	s.alarmed(at, raw)
	s.change.signal()
}

// lost says how an event is delivered, if not once.
func lost(delivery string) string {
	return map[string]string{loseEvents: " (lost on the way)", doubleEvents: " (twice)"}[delivery]
}

// published is an event that a program put on a bus.
func (s *Server) published(e eventsapi.Event) {
	s.lines.tell(line{Kind: kindOwnEvent, Who: sourceOf(e.Raw), What: "publishes " + describe(e.Raw), Data: asJSON(e.Raw)})
	if e.Bus == stack.DefaultBus {
		s.deliver(stack.Site{Account: e.Account, Region: e.Region}, e.Raw, 1)
	}
	s.change.signal()
}
