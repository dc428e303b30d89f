package lab

import (
	"fmt"
	"time"

	"detour/shared/sim"
)

// tunnels tells the truth about the tunnels, and what AWS knows of it. Tunnels
// of one connection that change together share a line.
func (t *timeline) tunnels() {
	type key struct {
		at   time.Time
		vpn  string
		kind string
		up   bool
	}
	var changes bundle[key]
	for _, c := range t.res.Rig.World.TunnelHistory() {
		changes.add(key{c.At, c.VPN, c.Kind, c.Up}, c.OutsideIP)
	}
	for k, ips := range changes.all() {
		state, tone := "down", bad
		if k.up {
			state, tone = "up", good
		}
		subject := fmt.Sprintf("%s %s", k.vpn, listing(ips))
		is := "is"
		if len(ips) > 1 {
			is = "are"
		}
		switch k.kind {
		case sim.TunnelTruth:
			verb := map[bool]string{true: "comes up", false: "dies"}[k.up]
			if len(ips) > 1 {
				verb = map[bool]string{true: "come up", false: "die"}[k.up]
			}
			t.add(k.at, rankNetwork, "network", tone, "%s: %s %s", k.vpn, plural(len(ips), "tunnel")+" ("+listing(ips)+")", verb)
		case sim.TunnelDetected:
			told := "; its API shows it"
			if !changes.has(key{k.at, k.vpn, sim.TunnelTelemetry, k.up}) {
				told = "; its API does not show it yet"
			}
			t.add(k.at, rankAWS, "AWS", plain, "finds out that %s %s %s%s", subject, is, state, told)
		case sim.TunnelTelemetry:
			if !changes.has(key{k.at, k.vpn, sim.TunnelDetected, k.up}) {
				t.add(k.at, rankAWS, "AWS", plain, "now shows in its API that %s %s %s", subject, is, state)
			}
		}
	}
}

// events tells which events AWS sent, and which of them never arrived.
func (t *timeline) events() {
	for _, e := range t.res.Replayed {
		t.add(e.at, rankAWS, "recording", plain, "has an event: %s", e.About)
	}
	if t.res.Replayed != nil {
		return // The network's own events reach nobody.
	}
	delivered := t.delivered()
	type key struct {
		at               time.Time
		change, resource string
		copies           int
	}
	var sent bundle[key]
	for _, emitted := range t.res.Rig.Emitted {
		e, ok := networkEventOf(emitted.Raw)
		if !ok || e.routing && len(t.res.Rig.filters) == 0 {
			continue
		}
		sent.add(key{emitted.At, e.change, e.resource, delivered[e.id]}, e.part)
	}
	for k, ips := range sent.all() {
		fate, tone := "", plain
		switch {
		case k.copies == 0:
			fate, tone = "; lost on the way", bad
		case k.copies > 1:
			fate, tone = fmt.Sprintf("; delivered %d times", k.copies), bad
		}
		e := networkEvent{change: k.change, resource: k.resource}
		t.add(k.at, rankAWS, "AWS", tone, "sends %s: %s%s", plural(len(ips), "event"), e.words(ips...), fate)
	}
}

// delivered counts how many times each event was delivered: to the function that
// got it most often, since several may subscribe to it.
func (t *timeline) delivered() map[string]int {
	type to struct {
		function Function
		id       string
	}
	counts, most := map[to]int{}, map[string]int{}
	for _, run := range t.res.Rig.Runs {
		if run.Attempt > 1 {
			continue
		}
		for _, id := range messageIDs(run.Message) {
			key := to{run.Function, id}
			counts[key]++
			most[id] = max(most[id], counts[key])
		}
	}
	return most
}

// script tells what people do, and what is done to the events.
func (t *timeline) script() {
	for _, step := range t.res.Scenario.Script {
		at := Start().Add(time.Duration(step.At))
		switch step.Do {
		case LoseEvents:
			t.add(at, rankNetwork, "script", bad, "from here on every event is lost")
		case DeliverEvents:
			t.add(at, rankNetwork, "script", plain, "events are delivered again")
		case Configure:
			t.add(at, rankNetwork, "operator", loud, "%s", configureWords(step))
		case SetAlarm:
			if step.State != follow {
				t.add(at, rankNetwork, "script", bad, "alarm %s is set to %s, whatever it watches", step.Name, step.State)
			}
		case DeleteAlarm:
			t.add(at, rankNetwork, "script", bad, "alarm %s is deleted", step.Name)
		case Announce, Withdraw, SetRouterRoute, BGPDown, BGPUp:
			t.add(at, rankNetwork, "network", plain, "%s", routerWords(step))
		default: // Told by what comes of it.
		}
	}
	for _, r := range t.res.Rig.Requests {
		if r.Clear {
			t.add(r.At, rankNetwork, "operator", loud, "clears request %s of %s", r.Request.ID, r.Group)
			continue
		}
		text := fmt.Sprintf("asks for %s of %s", r.Request.Kind, r.Group)
		if r.Request.Path != "" {
			text += ", path " + r.Request.Path
		}
		for _, flag := range []struct {
			on   bool
			text string
		}{{r.Request.IgnoreHealth, ", whatever its health"}, {r.Request.Immediate, ", at once"}, {r.Request.Unproven, ", unproven"}} {
			if flag.on {
				text += flag.text
			}
		}
		t.add(r.At, rankNetwork, "operator", loud, "%s (request %s)", text, r.Request.ID)
	}
}
