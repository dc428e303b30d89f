package lab

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"detour/events"
	"detour/shared/ingest"
)

// routerWords says a step that changes what a router announces, its sessions or its
// own routes.
func routerWords(step Step) string {
	switch step.Do {
	case Announce:
		return fmt.Sprintf("%s announces %s%s", step.Speaker, step.Prefix, attributeWords(step))
	case Withdraw:
		return fmt.Sprintf("%s withdraws %s", step.Speaker, step.Prefix)
	case SetRouterRoute:
		if len(step.Via) == 0 {
			return fmt.Sprintf("router of %s: its static route %s is removed", step.Site, step.Destination)
		}
		return fmt.Sprintf("router of %s: it has a static route %s via %s", step.Site, step.Destination, listing(step.Via))
	default:
		in := "all tunnels"
		if step.Tunnel != "" {
			in = "tunnel " + step.Tunnel
		}
		is := map[bool]string{true: "works again", false: "fails, while IPsec stays as it is"}[step.Do == BGPUp]
		return fmt.Sprintf("%s: BGP in %s %s", step.VPN, in, is)
	}
}

// attributeWords says the attributes of an announcement that were written.
func attributeWords(step Step) string {
	var parts []string
	if len(step.ASPath) > 0 {
		asns := make([]string, 0, len(step.ASPath))
		for _, asn := range step.ASPath {
			asns = append(asns, strconv.Itoa(asn))
		}
		parts = append(parts, "AS_PATH "+strings.Join(asns, " "))
	}
	if step.MED != nil {
		parts = append(parts, "MED "+strconv.Itoa(*step.MED))
	}
	if step.NextHopSelf {
		parts = append(parts, "next hop self")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// learned tells which learned routes a transit gateway table came to show, and which
// it shows no more. Those of one instant and next hop share a line.
func (t *timeline) learned() {
	type key struct {
		at            time.Time
		table, target string
		gone          bool
	}
	var changes bundle[key]
	last := map[entryID]string{} // the target of the learned route that the table shows
	for _, c := range t.res.Rig.World.RouteHistory() {
		id, now := entryID{c.Table, c.Destination}, ""
		if c.Type == typePropagated {
			now = c.Target
		}
		before := last[id]
		last[id] = now
		switch {
		case now == before || c.At.Equal(t.res.ledger.start):
		case now != "":
			changes.add(key{c.At, c.Table, now, false}, c.Destination)
		case c.Type == "": // What a static route hides is told by the write.
			changes.add(key{c.At, c.Table, before, true}, c.Destination)
		}
	}
	for k, destinations := range changes.all() {
		text := "%s learns %s from %s"
		if k.gone {
			text = "%s loses %s, learned from %s"
		}
		t.add(k.at, rankAWS, "AWS", plain, text, k.table, shortList(destinations), k.target)
	}
}

// routingOf reads a routing update of Network Manager.
func routingOf(env events.Envelope) (networkEvent, bool) {
	var d events.NetworkManagerRouting
	if json.Unmarshal(env.Detail, &d) != nil {
		return networkEvent{}, false
	}
	var tables, routes []string
	for _, arn := range d.TransitGatewayRouteTableARNs {
		tables = append(tables, lastOf(arn))
	}
	for _, r := range d.Routes {
		routes = append(routes, r.DestinationCIDRBlock)
	}
	change := cmp.Or(d.ChangeType, d.ChangeDescription)
	switch {
	case strings.HasSuffix(change, "UNINSTALLED"):
		change = "routes uninstalled"
	case strings.HasSuffix(change, "INSTALLED"):
		change = "routes installed"
	}
	return networkEvent{id: env.ID, routing: true, change: change, resource: listing(tables), part: shortList(routes)}, true
}

// logStreamOf is the VPN connection that a delivered BGP log speaks of; empty: it is
// no log.
func logStreamOf(raw []byte) string {
	if ingest.KindOf(raw) != ingest.KindLogs {
		return ""
	}
	look, err := ingest.DecodeLogs(raw)
	if err != nil {
		return ""
	}
	return listing(look.Connections)
}
