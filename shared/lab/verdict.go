package lab

import (
	"slices"
	"time"

	"detour/shared/config"
)

// The kinds of path, as the configuration writes them.
const (
	kindVPN        = "vpn"
	kindConnect    = "connect"
	kindAppliance  = "appliance"
	kindAttachment = "attachment"
)

// verdict is what a view says of a path. It is the checkers' own judgement, so
// that a mistake in Detour's cannot hide itself.
type verdict int

const (
	unsure verdict = iota
	dead           // it does not carry traffic
	partly         // it carries traffic, with less than it should have
	whole
)

func (v verdict) alive() bool { return v == partly || v == whole }

// condition is one necessary condition of a path, and the API that shows it.
type condition struct {
	api string
	is  verdict
}

// certainty is whether a check that follows the routes counts.
type certainty int

const (
	never certainty = iota
	perhaps
	always
)

// weight says whether an activeOnly check on the alarm counts.
type weight func(alarm string) certainty

func noWeight(string) certainty { return never }

// judge is the verdict over a path: dead if one condition is not met, whatever
// else is unknown; else unsure if one is unknown.
func (ev evidence) judge(p config.Path, see view, counts weight) verdict {
	least := whole
	for _, c := range ev.conditions(p, see, counts) {
		if c.is == dead {
			return dead
		}
		least = min(least, c.is)
	}
	return least
}

// deathSources is how many APIs show that the path is dead.
func (ev evidence) deathSources(p config.Path, see view, counts weight) int {
	apis := map[string]bool{}
	for _, c := range ev.conditions(p, see, counts) {
		if c.is == dead {
			apis[c.api] = true
		}
	}
	return len(apis)
}

func (ev evidence) conditions(p config.Path, see view, counts weight) []condition {
	var out []condition
	needsCheck := false
	switch p.Kind {
	case kindVPN:
		out = append(out, condition{"DescribeVpnConnections", ev.connection(p, see)})
	case kindConnect:
		out = append(out,
			condition{"DescribeTransitGatewayAttachments", attachmentVerdict(see(signal{p.Attachment, fieldAttachment, ""}))},
			condition{"DescribeTransitGatewayConnectPeers", ev.peers(p, see)})
	case kindAppliance:
		needsCheck = true
		out = append(out, box(p, see)...)
	case kindAttachment:
		needsCheck = true
		out = append(out, condition{"DescribeTransitGatewayAttachments", attachmentVerdict(see(signal{p.Attachment, fieldAttachment, ""}))})
	}
	return append(out, condition{"DescribeAlarms", checks(p, see, counts, needsCheck)})
}

// connection judges a VPN connection by its tunnels. One that was deleted shows
// whatever its tunnels last had.
func (ev evidence) connection(p config.Path, see view) verdict {
	up, known := 0, 0
	for _, ip := range ev.tunnels[p.VPN] {
		value := see(signal{p.VPN, fieldTunnel, ip})
		if value != "" {
			known++
		}
		if value == valueUp {
			up++
		}
	}
	switch state := see(signal{ev.attachmentOf[p.VPN], fieldAttachment, ""}); {
	case ev.attachmentOf[p.VPN] != "" && (state == "deleted" || state == "deleting"):
		return dead
	case up >= p.Tunnels:
		return whole
	case up >= p.MinTunnels:
		return partly
	case known < len(ev.tunnels[p.VPN]):
		return unsure
	default:
		return dead
	}
}

func attachmentVerdict(state string) verdict {
	switch state {
	case valueAvailable, "modifying":
		return whole
	case "deleted", "deleting", "failed", "failing", "rejected", "rejecting":
		return dead
	default:
		return unsure
	}
}

// peers counts the Connect peers that carry traffic, at least and at most.
func (ev evidence) peers(p config.Path, see view) verdict {
	good, possible, all := 0, 0, true
	for _, peer := range p.Peers {
		up, unknown := 0, len(ev.sessions[peer]) == 0
		for _, part := range ev.sessions[peer] {
			switch see(signal{peer, fieldSession, part}) {
			case valueUp:
				up++
			case "":
				unknown = true
			}
		}
		state := see(signal{peer, fieldPeer, ""})
		switch {
		case state == valueAvailable && up > 0:
			good++
			possible++
		case (state == valueAvailable || state == "" || state == "pending") && (up > 0 || unknown):
			possible++
		}
		all = all && state == valueAvailable && up == len(ev.sessions[peer]) && up > 0
	}
	switch {
	case all:
		return whole
	case good >= p.MinPeers:
		return partly
	case possible < p.MinPeers:
		return dead
	default:
		return unsure
	}
}

// box judges an appliance by what EC2 shows of it.
func box(p config.Path, see view) []condition {
	const interfaces, instances = "DescribeNetworkInterfaces", "DescribeInstanceStatus"
	one := func(api, resource, field string, good, bad []string) condition {
		return condition{api, oneOf(see(signal{resource, field, ""}), good, bad)}
	}
	return []condition{
		one(interfaces, p.Interface, fieldInterface, []string{"in-use"}, []string{valueAvailable}),
		one(interfaces, p.Interface, fieldAttached, []string{p.Instance}, nil),
		one(interfaces, p.Interface, fieldSourceDest, []string{"false"}, []string{"true"}),
		one(instances, p.Instance, fieldInstance, []string{valueRunning}, []string{"stopping", "stopped", "shutting-down", "terminated"}),
		one(instances, p.Instance, fieldChecks, []string{valueOK, "not-applicable"}, []string{"impaired"}),
		one(instances, p.Instance, fieldSystem, []string{valueOK, "not-applicable"}, []string{"impaired"}),
	}
}

func oneOf(value string, good, bad []string) verdict {
	for _, v := range good {
		if v == value {
			return whole
		}
	}
	for _, v := range bad {
		if v == value {
			return dead
		}
	}
	return unsure
}

// checks judges a path by its alarms. A path of a kind that proves nothing else
// needs one that speaks for it.
func checks(p config.Path, see view, counts weight, needed bool) verdict {
	good, bad, doubtful, unknown := 0, 0, 0, 0
	for _, check := range p.Checks {
		weighs := always
		if check.ActiveOnly {
			weighs = counts(check.Alarm)
		}
		state := see(signal{check.Alarm, fieldAlarm, ""})
		switch {
		case weighs == never:
		case weighs == perhaps:
			doubtful++
		case state == "OK":
			good++
		case state == "ALARM":
			bad++
		default:
			unknown++
		}
	}
	switch {
	case doubtful > 0 && (needed || good == 0):
		return unsure
	case good > 0 && bad+doubtful > 0:
		return partly
	case good > 0, good+bad+unknown == 0 && !needed:
		return whole
	case bad > 0 && (unknown == 0 || !needed):
		return dead
	case needed:
		return unsure
	default:
		return whole
	}
}

// weightAt says whether the group's activeOnly checks of a path count at an
// instant: only what an alarm changed to after the group had come onto the path
// says something about it. When the group came there is known to within a run.
func (l *ledger) weightAt(g *declared, path string, at time.Time) weight {
	return func(alarm string) certainty {
		used, since := false, time.Time{}
		for _, e := range g.entries {
			on := false
			for _, p := range e.points {
				if p.at.After(at) {
					break
				}
				if now := e.on(path, p.target); now != on || p.by != "" {
					since = later(since, p.at)
					on = now
				}
				used = used || on && !p.at.Before(at.Add(-longEnough))
			}
			used = used || on
		}
		changed := l.health.changedAt(signal{alarm, fieldAlarm, ""}, at)
		wholly := len(g.entries) > 0 && slices.Contains(g.wholly(at), path)
		switch {
		case !used, changed.IsZero():
			return never
		case wholly && changed.After(since.Add(longEnough)) && !l.asked(g.Name, since, at):
			return always
		default:
			return perhaps
		}
	}
}

// through reports whether the verdict over the path was ok during all of
// [from, to], by what the APIs showed.
func (l *ledger) through(p config.Path, from, to time.Time, counts func(at time.Time) weight, ok func(verdict) bool) bool {
	if !ok(l.health.judge(p, l.health.shownAt(from), counts(from))) {
		return false
	}
	for _, at := range changesIn(l.health.shown, l.health.signalsOf(p), from, to) {
		if !ok(l.health.judge(p, l.health.shownAt(at), counts(at))) {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// weights are those of the group's path at every instant.
func (l *ledger) weights(g *declared, path string) func(at time.Time) weight {
	return func(at time.Time) weight { return l.weightAt(g, path, at) }
}

// trulyUp reports whether the path carried traffic at an instant.
func (ev evidence) trulyUp(p config.Path, at time.Time) bool {
	is := func(resource, field, part string) string { return valueAt(ev.truth[signal{resource, field, part}], at) }
	attached := func(id string) bool {
		state := is(id, fieldAttachment, "")
		return state == "" || state == valueAvailable || state == "modifying"
	}
	switch p.Kind {
	case kindVPN:
		up := 0
		for _, ip := range ev.tunnels[p.VPN] {
			if is(p.VPN, fieldTunnel, ip) == valueUp {
				up++
			}
		}
		return up >= p.MinTunnels && attached(ev.attachmentOf[p.VPN])
	case kindConnect:
		good := 0
		for _, peer := range p.Peers {
			for _, part := range ev.sessions[peer] {
				if is(peer, fieldSession, part) == valueUp {
					good++
					break
				}
			}
		}
		return good >= p.MinPeers && attached(p.Attachment)
	case kindAppliance:
		return is(p.Instance, fieldInstance, "") == valueRunning && is(p.Interface, fieldForwarding, "") != "hung" &&
			is(p.Interface, fieldSourceDest, "") != "true" && is(p.Interface, fieldUplink, "") != valueDown
	default:
		return attached(p.Attachment) && is(p.Attachment, fieldLine, "") != valueDown
	}
}
