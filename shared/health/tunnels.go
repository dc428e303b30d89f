package health

// tunnels judges a VPN connection by its state and its tunnels.
func (in input) tunnels() finding {
	v := in.view(in.spec.Subject)
	if v.blind != "" {
		return unknown(v.blind)
	}
	var gone []Source
	var tally tunnelTally
	for _, fact := range v.facts {
		switch fact.Kind {
		case FactConnectionState:
			if fact.Value == ConnectionGone || fact.Value == ConnectionGoing {
				gone = append(gone, fact.Source)
			}
		case FactTunnelStatus:
			tally.add(in.spec, fact)
		default:
		}
	}
	if len(gone) > 0 {
		return finding{Down, ReasonConnectionGone, gone}
	}
	return tally.judge(in.spec)
}

// tunnelTally counts tunnels, with the sources that call them alive or failed.
type tunnelTally struct {
	up, seen, routesShort, strange int
	alive, failed                  []Source
}

func (t *tunnelTally) add(spec Spec, fact Fact) {
	t.seen++
	switch {
	case fact.Value == TunnelUp && fact.AcceptedRoutes >= spec.MinAcceptedRoutes:
		t.up++
		t.alive = append(t.alive, fact.Source)
	case fact.Value == TunnelUp:
		t.routesShort++
		t.failed = append(t.failed, fact.Source)
	case fact.Value == TunnelDown:
		t.failed = append(t.failed, fact.Source)
	default:
		t.strange++
	}
}

func (t *tunnelTally) judge(spec Spec) finding {
	switch {
	case t.strange > 0:
		return unknown(ReasonSensor)
	case t.up >= spec.Tunnels:
		return finding{Up, ReasonAllTunnelsUp, t.alive}
	case t.up >= spec.MinTunnels:
		return finding{Degraded, ReasonSomeTunnelsUp, t.alive}
	case t.seen < spec.Tunnels:
		// A tunnel that the answer leaves out may be the one that is up.
		return unknown(ReasonNoEvidence)
	case t.up+t.routesShort >= spec.MinTunnels:
		return finding{Down, ReasonTooFewRoutes, t.failed}
	default:
		return finding{Down, ReasonTooFewTunnels, t.failed}
	}
}
