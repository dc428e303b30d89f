package explain

import (
	"fmt"
	"slices"
	"strings"

	"detour/shared/config"
	"detour/shared/health"
)

// needs says in one sentence what makes the path Up, Degraded and Down.
func needs(g config.Group, p config.Path) string {
	var out string
	switch health.Kind(p.Kind) {
	case health.KindVPN:
		out = fmt.Sprintf("Up with %s UP", count(p.Tunnels, "tunnel"))
		if p.MinTunnels < p.Tunnels {
			out += fmt.Sprintf(", Degraded with %d", p.MinTunnels)
		}
		if p.MinAcceptedRoutes > 0 {
			out += fmt.Sprintf("; a tunnel counts with %s accepted", count(p.MinAcceptedRoutes, "route"))
		}
	case health.KindConnect:
		out = fmt.Sprintf("the attachment available, and a BGP session up with each of %s; Degraded with %d", count(len(p.Peers), "Connect peer"), p.MinPeers)
		if p.MinPeers == len(p.Peers) {
			out = fmt.Sprintf("the attachment available, and a BGP session up with each of %s", count(len(p.Peers), "Connect peer"))
		}
	case health.KindAppliance:
		out = "the interface in use by the instance with its source/destination check off, the instance running with good status checks, and a valid check good"
	case health.KindAttachment:
		out = "the attachment available, and a valid check good"
	}
	out += learned(g, p)
	if len(p.Checks) > 0 {
		out += "; " + proofs(p.Checks)
	} else if needsCheck(p) {
		out += "; without one the path is Unknown, and never chosen"
	}
	return out
}

// learnedMarker starts a next hop that is a learned route.
const learnedMarker = "propagated:"

// learned says which routes the path's attachment must have taught, where that is
// read, and what the way back to them takes; empty: none.
func learned(g config.Group, p config.Path) string {
	expected := slices.Clone(p.ExpectRoutes)
	moved := 0
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			if strings.HasPrefix(entry.NextHops[p.Name], learnedMarker) {
				moved++
				if !slices.Contains(expected, entry.Destination) {
					expected = append(expected, entry.Destination)
				}
			}
		}
	}
	if len(expected) == 0 {
		return ""
	}
	out := fmt.Sprintf("; %s learned, as read in %s", count(len(expected), "route"), or(p.Observation, "the group's own tables while no static hides it"))
	switch {
	case moved > 0 && p.Observation != "":
		out += "; a switchover to the path deletes statics once that table proves the routes, and creates them again if the routes do not show within 15s"
	case moved > 0:
		out += "; without an observation table a switchover to the path needs --unproven"
	}
	return out
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// needsCheck reports whether a path of the kind proves nothing without a valid
// check.
func needsCheck(p config.Path) bool {
	return p.Kind == string(health.KindAppliance) || p.Kind == string(health.KindAttachment)
}

// valid reports whether the check speaks for its path also while the path is not
// in use.
func valid(check config.PathCheck) bool { return check.OnBox || check.Pinned != "" }

func proofs(checks []config.PathCheck) string {
	var out []string
	for _, check := range checks {
		switch {
		case check.OnBox:
			out = append(out, check.Alarm+" runs on the box")
		case check.Pinned != "":
			out = append(out, fmt.Sprintf("%s speaks to %s over %s", check.Alarm, check.Pinned, check.Via))
		default:
			out = append(out, check.Alarm+" counts only while the path is in use")
		}
	}
	return strings.Join(out, ", ")
}

// ways returns the ways by which the path's failure becomes known. What AWS
// takes to notice comes first in each, the group's hold-off last.
func ways(all []Figure, manager config.NetworkManager, g config.Group, p config.Path) []Way {
	way := func(name string, sure bool, note string, names ...string) Way {
		out := Way{Name: name, Sure: sure, Note: note}
		for _, n := range names {
			f := figureNamed(all, n)
			out.add(Step{f.Name, f.Min, f.Max, f.Unverified})
		}
		if g.HoldOff > 0 {
			out.add(Step{Figure: figureHoldOff, Min: g.HoldOff, Max: g.HoldOff})
		}
		return out
	}
	var out []Way
	switch health.Kind(p.Kind) {
	case health.KindVPN:
		out = append(out, way("sweep", true, "", figureDPD, figureSweep))
		if onVPNGateway(g, p) {
			break // No event of Network Manager is described for a virtual private gateway: UNVERIFIED, none is assumed.
		}
		if manager.Region != config.NoRegion {
			out = append(out, way(networkManagerWay, false,
				"comes to "+eventsAt(manager)+", from a transit gateway that is registered in a global network", figureDPD, figureNetworkMgr))
		}
	case health.KindConnect:
		out = append(out, way("sweep", true, "", figureConnectHold, figureSweep))
		if manager.Region != config.NoRegion {
			out = append(out, way(networkManagerWay, false,
				"comes to "+eventsAt(manager)+", from a registered transit gateway; AWS publishes no sample for a transit gateway's Connect peer (UNVERIFIED)", figureConnectHold, figureNetworkMgr))
		}
	case health.KindAppliance:
		box := way("sweep, status checks", true, "sees a dead instance, not a dead process", figureStatusCheck, figureSweep)
		box.Partial = true
		out = append(out, box)
	case health.KindAttachment:
	}
	for _, check := range p.Checks {
		note := ""
		if !valid(check) {
			note = "only while the path is in use"
		}
		out = append(out,
			way("sweep, alarm "+check.Alarm, true, note, figureAlarm, figureSweep),
			way("CloudWatch Alarm State Change of alarm "+check.Alarm, true, note, figureAlarm))
	}
	if p.Kind == string(health.KindVPN) {
		out = append(out, way("CloudWatch Alarm State Change of TunnelState", false,
			"where there is an alarm on the metric AWS/VPN TunnelState of the connection; it needs no key here, and CloudWatch guarantees to deliver its event", figureDPD, figureAlarm))
	}
	return out
}

// networkManagerWay is the way by an event of Network Manager.
const networkManagerWay = "Network Manager Status Update"

// eventsAt says where the events of Network Manager come to, as far as the
// configuration does.
func eventsAt(manager config.NetworkManager) string {
	account, region := "the account of the global network", "a Region that networkManager has to name"
	if manager.Account != "" {
		account = "account " + manager.Account
	}
	if manager.Region != "" {
		region = manager.Region
	}
	return account + " in " + region
}

func (w *Way) add(step Step) {
	w.Steps = append(w.Steps, step)
	w.Min += step.Min
	w.Max += step.Max
}

// onVPNGateway reports whether the path's VPN connection ends on a virtual
// private gateway, as far as the next hops show: some are vgw-…, and none is of
// a transit gateway.
func onVPNGateway(g config.Group, p config.Path) bool {
	gateway := false
	for _, unit := range g.Units {
		for _, entry := range unit.Entries {
			hop := strings.TrimPrefix(entry.NextHops[p.Name], learnedMarker)
			if strings.HasPrefix(hop, "tgw-") {
				return false
			}
			gateway = gateway || strings.HasPrefix(hop, "vgw-")
		}
	}
	return gateway
}

// count returns the number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
