package live

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"detour/shared/lab"
	"detour/shared/sim"
)

// edgeActions act on what is no tunnel: appliances, Connect peers, other
// attachments, virtual private gateways, alarms and prefix lists. They have the
// names of the verbs of a scenario's script.
func edgeActions() []action {
	out := []action{
		instanceAction(lab.InstanceStop, "stop the instance of an appliance, as a call of EC2 does", func(w *sim.World, id string) error { return w.SetInstance(id, "stopped") }),
		instanceAction(lab.InstanceStart, "start it", func(w *sim.World, id string) error { return w.SetInstance(id, "running") }),
		instanceAction(lab.InstanceTerminate, "terminate it, for good", func(w *sim.World, id string) error { return w.SetInstance(id, "terminated") }),
		{
			name: string(lab.InstanceImpaired), args: []string{"APPLIANCE", "[instance|system]"}, short: "let one of its two status checks fail",
			run: (*Server).instanceImpaired,
		},
		instanceAction(lab.InstanceOK, "let both pass", func(w *sim.World, id string) error { return w.SetInstanceStatus(id, true, true) }),
		instanceAction(lab.ForwardingStops, "hang its routing process, which EC2 does not see", func(w *sim.World, id string) error { return w.SetForwarding(id, false) }),
		instanceAction(lab.ForwardingWorks, "mend it", func(w *sim.World, id string) error { return w.SetForwarding(id, true) }),
		instanceAction(lab.LineDown, "cut its own line to the site", func(w *sim.World, id string) error { return w.SetUplink(id, false) }),
		instanceAction(lab.LineUp, "mend it", func(w *sim.World, id string) error { return w.SetUplink(id, true) }),
	}
	for _, on := range []bool{true, false} {
		name, short := lab.SourceDestCheckOff, "let it forward"
		if on {
			name, short = lab.SourceDestCheckOn, "have its interface drop what it forwards"
		}
		out = append(out, action{name: string(name), args: []string{"APPLIANCE"}, short: short, run: sourceDestAction(on)})
	}
	return append(out,
		action{name: string(lab.SessionDown), args: []string{"PEER", "[1|2]"}, short: "make a BGP session of a Connect peer truly fail, or both", run: sessionAction(false)},
		action{name: string(lab.SessionUp), args: []string{"PEER", "[1|2]"}, short: "mend it", run: sessionAction(true)},
		lineAction(lab.DirectConnectDown, "cut the line behind a Direct Connect gateway's attachment", func(w *sim.World, id string) error { return w.SetDirectConnect(id, false) }),
		lineAction(lab.DirectConnectUp, "mend it", func(w *sim.World, id string) error { return w.SetDirectConnect(id, true) }),
		lineAction(lab.PeeringDown, "cut what carries a peering attachment", func(w *sim.World, id string) error { return w.SetPeering(id, false) }),
		lineAction(lab.PeeringUp, "mend it", func(w *sim.World, id string) error { return w.SetPeering(id, true) }),
		gatewayAction(lab.GatewayDetached, "take a virtual private gateway off its VPC", false),
		gatewayAction(lab.GatewayAttached, "put it back", true),
		action{name: string(lab.SetAlarm), args: []string{"NAME", "OK|ALARM|INSUFFICIENT_DATA|follow"}, short: "give an alarm a state, whatever it watches, or let it follow again", run: (*Server).setAlarm},
		action{name: string(lab.DeleteAlarm), args: []string{"NAME"}, short: "delete an alarm", run: (*Server).deleteAlarm},
		action{
			name: string(lab.EditPrefixList), args: []string{"LIST", "add|remove", "BLOCK"}, options: []string{"by"},
			short: "change a prefix list, as somebody else does", run: (*Server).editList,
		},
	)
}

// acted tells what was done to the network, and answers it.
func (s *Server) acted(format string, args ...any) (Answer, error) {
	text := fmt.Sprintf(format, args...)
	s.lines.tell(line{Kind: kindAction, Who: byNetwork, What: text})
	s.look()
	return done{text}, nil
}

// named finds something by its id or its name. The pairs are id, name, id, name.
func named(kind, given string, pairs ...string) (string, error) {
	var known []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if given == pairs[i] || given == pairs[i+1] && given != "" {
			return pairs[i], nil
		}
		known = append(known, pairs[i])
		if pairs[i+1] != "" {
			known = append(known, pairs[i+1])
		}
	}
	return "", choose(kind, given, known)
}

// appliance finds an appliance by its instance, its interface or its name.
func (s *Server) appliance(given string) (sim.ApplianceSpec, error) {
	var known []string
	for _, a := range s.opts.File.Topology.Appliances {
		if given == a.Instance || given == a.Interface || given == a.Name && given != "" {
			return a, nil
		}
		known = append(known, a.Instance, a.Interface)
		if a.Name != "" {
			known = append(known, a.Name)
		}
	}
	return sim.ApplianceSpec{}, choose("appliance", given, known)
}

func instanceAction(verb lab.Verb, short string, act func(*sim.World, string) error) action {
	return action{name: string(verb), args: []string{"APPLIANCE"}, short: short, run: func(s *Server, _ context.Context, o order) (Answer, error) {
		a, err := s.appliance(o.arg(0))
		if err == nil {
			err = act(s.world, a.Instance)
		}
		if err != nil {
			return nil, err
		}
		return s.acted("%s: %s", a.Instance, verb)
	}}
}

func (s *Server) instanceImpaired(_ context.Context, o order) (Answer, error) {
	a, err := s.appliance(o.arg(0))
	if err != nil {
		return nil, err
	}
	check := o.arg(1)
	if check == "" {
		check = "instance"
	}
	if err := choose("status check", check, []string{"instance", "system"}); err != nil {
		return nil, err
	}
	if err := s.world.SetInstanceStatus(a.Instance, check != "instance", check != "system"); err != nil {
		return nil, err
	}
	return s.acted("%s: its %s check fails", a.Instance, check)
}

func sourceDestAction(on bool) func(*Server, context.Context, order) (Answer, error) {
	return func(s *Server, _ context.Context, o order) (Answer, error) {
		a, err := s.appliance(o.arg(0))
		if err == nil {
			err = s.world.SetSourceDestCheck(a.Interface, on)
		}
		if err != nil {
			return nil, err
		}
		return s.acted("%s: the source/destination check is %s", a.Interface, map[bool]string{true: "on", false: "off"}[on])
	}
}

func sessionAction(up bool) func(*Server, context.Context, order) (Answer, error) {
	return func(s *Server, _ context.Context, o order) (Answer, error) {
		var known []string
		for _, c := range s.opts.File.Topology.Connects {
			for _, p := range c.Peers {
				known = append(known, p.ID)
			}
		}
		if err := choose("Connect peer", o.arg(0), known); err != nil {
			return nil, err
		}
		number, which := 0, "both BGP sessions are"
		if o.arg(1) != "" {
			if err := choose("session", o.arg(1), []string{"1", "2"}); err != nil {
				return nil, err
			}
			number, _ = strconv.Atoi(o.arg(1)) // It is 1 or 2.
			which = "BGP session " + o.arg(1) + " is"
		}
		if err := s.world.SetSession(o.arg(0), number, up); err != nil {
			return nil, err
		}
		return s.acted("%s: %s %s", o.arg(0), which, map[bool]string{true: "up", false: "down"}[up])
	}
}

func lineAction(verb lab.Verb, short string, act func(*sim.World, string) error) action {
	return action{name: string(verb), args: []string{"ATTACHMENT"}, short: short, run: func(s *Server, _ context.Context, o order) (Answer, error) {
		var pairs []string
		topo := s.opts.File.Topology
		if verb == lab.DirectConnectDown || verb == lab.DirectConnectUp {
			for _, d := range topo.DirectConnects {
				pairs = append(pairs, d.Link(), d.Name)
			}
		} else {
			for _, p := range topo.Peerings {
				pairs = append(pairs, p.Attachment.ID, p.Name)
			}
		}
		id, err := named("attachment of that kind", o.arg(0), pairs...)
		if err == nil {
			err = act(s.world, id)
		}
		if err != nil {
			return nil, err
		}
		return s.acted("%s: %s", id, verb)
	}}
}

func gatewayAction(verb lab.Verb, short string, attached bool) action {
	return action{name: string(verb), args: []string{"GATEWAY"}, short: short, run: func(s *Server, _ context.Context, o order) (Answer, error) {
		var pairs []string
		for _, g := range s.opts.File.Topology.VPNGateways {
			pairs = append(pairs, g.ID, g.Name)
		}
		id, err := named("virtual private gateway", o.arg(0), pairs...)
		if err == nil {
			err = s.world.SetVPNGateway(id, attached)
		}
		if err != nil {
			return nil, err
		}
		return s.acted("%s: %s", id, verb)
	}}
}

func (s *Server) alarmNamed(name string) error {
	var known []string
	for _, a := range s.opts.File.Topology.Alarms {
		known = append(known, a.Name)
	}
	return choose("alarm", name, known)
}

func (s *Server) setAlarm(_ context.Context, o order) (Answer, error) {
	const follow = "follow"
	if err := s.alarmNamed(o.arg(0)); err != nil {
		return nil, err
	}
	if err := choose("state", o.arg(1), []string{"OK", "ALARM", "INSUFFICIENT_DATA", follow}); err != nil {
		return nil, err
	}
	if err := s.world.SetAlarm(o.arg(0), strings.TrimPrefix(o.arg(1), follow)); err != nil {
		return nil, err
	}
	if o.arg(1) == follow {
		return s.acted("alarm %s follows what it watches", o.arg(0))
	}
	return s.acted("alarm %s is %s, whatever it watches", o.arg(0), o.arg(1))
}

func (s *Server) deleteAlarm(_ context.Context, o order) (Answer, error) {
	if err := s.alarmNamed(o.arg(0)); err != nil {
		return nil, err
	}
	if err := s.world.DeleteAlarm(o.arg(0)); err != nil {
		return nil, err
	}
	return s.acted("alarm %s is deleted", o.arg(0))
}

func (s *Server) editList(_ context.Context, o order) (Answer, error) {
	var pairs []string
	for _, list := range s.opts.File.Topology.PrefixLists {
		pairs = append(pairs, list.ID, list.Name)
	}
	id, err := named("prefix list", o.arg(0), pairs...)
	if err != nil {
		return nil, err
	}
	if err := choose("change", o.arg(1), []string{"add", "remove"}); err != nil {
		return nil, err
	}
	block, err := netip.ParsePrefix(o.arg(2))
	if err != nil || block != block.Masked() {
		return nil, fmt.Errorf("block %q is not a CIDR block without host bits; write for example 10.0.0.0/8", o.arg(2))
	}
	by := o.options["by"]
	if by == "" {
		by = "somebody"
	}
	add, remove := []netip.Prefix{block}, []netip.Prefix(nil)
	if o.arg(1) == "remove" {
		add, remove = nil, add
	}
	if err := s.world.SetPrefixListEntries(by, id, add, remove); err != nil {
		return nil, err
	}
	return s.acted("%s: %s %s by %s", id, o.arg(1), block, by)
}
