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
	case "initiating", "initiatingRequest", "pendingAcceptance", "pending", "deleting", "deleted", "failing", "failed", "rejecting", "rejected":
		return dead // What is not there yet carries as little as what is gone.
	default:
		return unsure
	}
}

// peers counts the Connect peers that carry traffic, at least and at most.
func (ev evidence) peers(p config.Path, see view) verdict {
	good, possible, all := 0, 0, true
	for _, peer := range p.Peers {
		is := ev.peer(peer, see)
		if is.alive() {
			good++
		}
		if is != dead {
			possible++
		}
		all = all && is == whole
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

// peer judges a Connect peer by its state and its sessions, of which one is enough.
func (ev evidence) peer(peer string, see view) verdict {
	up, unknown := 0, len(ev.sessions[peer]) == 0
	for _, part := range ev.sessions[peer] {
		switch see(signal{peer, fieldSession, part}) {
		case valueUp:
			up++
		case "":
			unknown = true
		}
	}
	switch state := see(signal{peer, fieldPeer, ""}); {
	case state != valueAvailable && state != "":
		return dead
	case state == "" || up == 0 && unknown:
		return unsure
	case up == 0:
		return dead
	case up < len(ev.sessions[peer]):
		return partly
	default:
		return whole
	}
}

// box judges an appliance by what EC2 shows of it.
func box(p config.Path, see view) []condition {
	const interfaces, instances = "DescribeNetworkInterfaces", "DescribeInstanceStatus"
	one := func(api, resource, field string, good, bad []string) condition {
		return condition{api, oneOf(see(signal{resource, field, ""}), good, bad)}
	}
	out := []condition{
		one(interfaces, p.Interface, fieldInterface, []string{"in-use"}, []string{valueAvailable, "attaching", "detaching", "pending"}),
		one(interfaces, p.Interface, fieldAttached, []string{p.Instance}, nil),
		one(interfaces, p.Interface, fieldSourceDest, []string{"false"}, []string{"true"}),
	}
	if attached := see(signal{p.Interface, fieldAttached, ""}); attached != "" && attached != p.Instance {
		return out // The interface is on another box, of which nothing is known.
	}
	return append(out,
		one(instances, p.Instance, fieldInstance, []string{valueRunning}, []string{"pending", "stopping", "stopped", "shutting-down", "terminated"}),
		one(instances, p.Instance, fieldChecks, []string{valueOK, "not-applicable"}, []string{"impaired"}),
		one(instances, p.Instance, fieldSystem, []string{valueOK, "not-applicable"}, []string{"impaired"}))
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

// ballot counts what the alarms of a path say.
type ballot struct{ good, bad, doubtful, unknown int }

// checks judges a path by its alarms. A path of a kind that proves nothing else
// needs one that speaks for it.
func checks(p config.Path, see view, counts weight, needed bool) verdict {
	var b ballot
	for _, check := range p.Checks {
		weighs := always
		if check.ActiveOnly {
			weighs = counts(check.Alarm)
		}
		b.add(weighs, see(signal{check.Alarm, fieldAlarm, ""}))
	}
	if needed {
		return b.needed()
	}
	return b.optional()
}

func (b *ballot) add(weighs certainty, state string) {
	switch {
	case weighs == never:
	case weighs == perhaps:
		b.doubtful++
	case state == "OK":
		b.good++
	case state == "ALARM":
		b.bad++
	default:
		b.unknown++
	}
}

// needed: without a good check nothing is proven, and only all checks prove that
// the path is dead.
func (b *ballot) needed() verdict {
	switch {
	case b.doubtful > 0:
		return unsure
	case b.good > 0 && b.bad > 0:
		return partly
	case b.good > 0:
		return whole
	case b.bad > 0 && b.unknown == 0:
		return dead
	default:
		return unsure
	}
}

// optional checks only make a path worse, and what is silent does not count.
func (b *ballot) optional() verdict {
	switch {
	case b.doubtful > 0 && b.good == 0:
		return unsure
	case b.good > 0 && b.bad+b.doubtful > 0:
		return partly
	case b.bad > 0 && b.good == 0:
		return dead
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
					since = latest(since, p.at)
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
		case wholly && changed.After(since.Add(longEnough)) && l.sawBefore(g.Name, changed) && !l.asked(g.Name, since, at):
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

// weights are those of the group's path at every instant.
func (l *ledger) weights(g *declared, path string) func(at time.Time) weight {
	return func(at time.Time) weight { return l.weightAt(g, path, at) }
}
