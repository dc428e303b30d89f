package lab

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"detour/events"
	"detour/shared/protection"
	"detour/shared/sim"
)

// namesOf replaces the ids of the topology by the names of what they belong to.
func namesOf(topo sim.Topology) *strings.Replacer {
	names := map[string]string{}
	add := func(id, name string) {
		if name != "" && id != "" {
			names[id] = name
		}
	}
	for _, gateway := range topo.TransitGateways {
		add(gateway.ID, gateway.Name)
		for i, table := range gateway.Tables {
			add(table.ID, tableName(gateway.Name, i, len(gateway.Tables)))
		}
	}
	for _, vpc := range topo.VPCs {
		add(vpc.ID, vpc.Name)
		for _, attachment := range vpc.Attachments {
			add(attachment.ID, vpc.Name)
		}
		for i, table := range vpc.Tables {
			add(table.ID, tableName(vpc.Name, i, len(vpc.Tables)))
		}
	}
	for _, vpn := range topo.VPNs {
		add(vpn.ID, vpn.Name)
		add(vpn.Attachment.ID, vpn.Name)
	}
	nameEdges(topo, add)
	ids := make([]string, 0, len(names))
	for id := range names {
		ids = append(ids, id)
	}
	// A longer id goes first, so that it is not taken for a shorter one.
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		pairs = append(pairs, id, names[id])
	}
	return strings.NewReplacer(pairs...)
}

// nameEdges names the ways out other than VPN connections, and prefix lists. The
// router and its interface share a name, as a Connect attachment and its peers do.
func nameEdges(topo sim.Topology, add func(id, name string)) {
	for _, gateway := range topo.VPNGateways {
		add(gateway.ID, gateway.Name)
	}
	for _, a := range topo.Appliances {
		add(a.Instance, a.Name)
		add(a.Interface, a.Name)
	}
	for _, c := range topo.Connects {
		add(c.Attachment.ID, c.Name)
		for i, peer := range c.Peers {
			if c.Name != "" {
				add(peer.ID, fmt.Sprintf("%s peer %d", c.Name, i+1))
			}
		}
	}
	for _, p := range topo.Peerings {
		add(p.Attachment.ID, p.Name)
	}
	for _, d := range topo.DirectConnects {
		add(d.Link(), d.Name)
	}
	for _, list := range topo.PrefixLists {
		add(list.ID, list.Name)
	}
}

func tableName(owner string, i, of int) string {
	switch {
	case owner == "":
		return ""
	case of == 1:
		return owner + " table"
	default:
		return fmt.Sprintf("%s table %d", owner, i+1)
	}
}

// reasonWords says a reason to a person.
func reasonWords(reason protection.Reason) string {
	switch reason {
	case protection.ReasonLockout:
		return "the path in use is locked out"
	case protection.ReasonForcedSwitch:
		return "an operator forces it"
	case protection.ReasonSignalFail:
		return "the path in use is down"
	case protection.ReasonSignalDegrade:
		return "the path in use is degraded and another is whole"
	case protection.ReasonManualSwitch:
		return "an operator asked for it"
	case protection.ReasonManualToWorking:
		return "an operator asked for the way back"
	case protection.ReasonWaitToRestore:
		return "the working path has not been up for long enough"
	case protection.ReasonRestored:
		return "the working path has been up for long enough"
	case protection.ReasonDoNotRevert:
		return "the group does not go back by itself"
	case protection.ReasonNoRequest:
		return "nothing asks for a change"
	default:
		return stateWords(reason)
	}
}

// stateWords says what about the group or its paths is the reason.
func stateWords(reason protection.Reason) string {
	switch reason {
	case protection.ReasonNoUsablePath:
		return "no path is usable"
	case protection.ReasonRouteNotLearned:
		return "an expected route is not learned"
	case protection.ReasonNoObservation, protection.ReasonObservationUnreadable, protection.ReasonObservationStale, protection.ReasonObservationNotFed,
		protection.ReasonObservationShared, protection.ReasonObservationAssociated, protection.ReasonObservationHidden:
		return "nothing proves the learned routes"
	case protection.ReasonNotPropagated:
		return "the learned routes cannot come: their attachment does not propagate into the table"
	case protection.ReasonPropagationsUnreadable, protection.ReasonPropagationsStale:
		return "nobody knows whether the learned routes are propagated into the table"
	case protection.ReasonMassFailure:
		return "too many groups move at once; an operator must release it"
	case protection.ReasonSensor:
		return "what shows the path's state cannot be read"
	case protection.ReasonIncomplete:
		return "a table could not be read whole"
	case protection.ReasonFirstSight:
		return "it is seen for the first time"
	case protection.ReasonMovedByHand:
		return "somebody moved the routes by hand"
	case protection.ReasonAdoptRequested:
		return "an operator takes what stands as right"
	default:
		return endWords(reason)
	}
}

// endWords says why a request ended.
func endWords(reason protection.Reason) string {
	switch reason {
	case protection.ReasonDone:
		return "it is done"
	case protection.ReasonSuperseded:
		return "a later request takes its place"
	case protection.ReasonUnknownPath:
		return "the group has no such path"
	case protection.ReasonTargetDown:
		return "the target is down"
	case protection.ReasonTargetLocked:
		return "the target is locked out"
	case protection.ReasonTargetNotUp:
		return "the target is not up"
	case protection.ReasonSuppressed:
		return "the target flaps and is suppressed"
	case protection.ReasonListChanged:
		return "a prefix list has another version than the one in the plan"
	default:
		return string(reason)
	}
}

// decisionWords says a decision to a person, with its reason by name. whyNot is
// what kept a move from being committed; empty: it was committed.
func decisionWords(d protection.Decision, steps int, whyNot string) string {
	var what string
	verb := "moves"
	if whyNot != "" {
		verb = whyNot + ": would move"
	}
	switch d.Action {
	case protection.Move:
		what = fmt.Sprintf("%s %s from %s to %s", verb, d.Group, d.From, d.To)
	case protection.Step:
		what = fmt.Sprintf("%s more of %s from %s to %s", verb, d.Group, d.From, d.To)
	case protection.Adopt:
		what = fmt.Sprintf("adopts %s as it stands, on %s", d.Group, d.To)
	case protection.Hold:
		what = fmt.Sprintf("holds %s on %s", d.Group, d.To)
	case protection.Stay:
		what = fmt.Sprintf("leaves %s on %s", d.Group, d.To)
	default:
		what = fmt.Sprintf("decides nothing for %s", d.Group)
	}
	if d.Extent < steps && d.Action != protection.Adopt && d.From != d.To {
		what += fmt.Sprintf(" (%d of %d units)", d.Extent, steps)
	}
	return fmt.Sprintf("%s: %s (%s)", what, reasonWords(d.Reason), d.Reason)
}

// messageIDs are the ids of the events and wake-ups in what a function was
// invoked with; what is a sweep has none.
func messageIDs(raw []byte) []string {
	var m struct {
		ID      string
		State   struct{ Execution string } // Of a task of a failback.
		Records []struct {
			MessageID string `json:"messageId"`
		}
	}
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	var out []string
	for _, id := range []string{m.ID, m.State.Execution} {
		if id != "" {
			out = append(out, id)
		}
	}
	for _, r := range m.Records {
		out = append(out, r.MessageID)
	}
	return out
}

// networkEvent is what the timeline says of an event about the network: a tunnel,
// a BGP session of a Connect peer, or an alarm. part names the tunnel or session.
type networkEvent struct {
	id, change, resource, part string
	// routing: it tells of learned routes.
	routing bool
}

// words says the event in a few words, with its parts put together.
func (e networkEvent) words(parts ...string) string {
	return strings.TrimSuffix(e.change+", "+e.resource+" "+listing(parts), " ")
}

// networkEventOf reads an event as the timeline shows it; other events are left out.
func networkEventOf(raw []byte) (networkEvent, bool) {
	var env events.Envelope
	if json.Unmarshal(raw, &env) != nil {
		return networkEvent{}, false
	}
	switch env.DetailType {
	case events.DetailNetworkManagerStatus:
		var d events.NetworkManagerStatus
		if json.Unmarshal(env.Detail, &d) != nil {
			return networkEvent{}, false
		}
		out := networkEvent{id: env.ID, change: changeWords(d.ChangeType), resource: lastOf(d.VPNConnectionARN), part: d.OutsideIPAddress}
		if out.resource == "" {
			out.resource, out.part = lastOf(d.ConnectPeerARN), d.TransitGatewayAddress
		}
		return out, true
	case events.DetailAlarmStateChange:
		var d events.AlarmStateChange
		if json.Unmarshal(env.Detail, &d) != nil {
			return networkEvent{}, false
		}
		return networkEvent{id: env.ID, change: d.State.Value, resource: "alarm " + d.AlarmName}, true
	case events.DetailNetworkManagerRouting:
		return routingOf(env)
	case events.DetailAPICall:
		return callOf(env)
	default:
		return networkEvent{}, false
	}
}

// callOf reads an event about a call.
func callOf(env events.Envelope) (networkEvent, bool) {
	var d events.APICall
	if json.Unmarshal(env.Detail, &d) != nil {
		return networkEvent{}, false
	}
	p, _ := d.Parameters()
	out := networkEvent{
		id: env.ID, change: d.EventName + " by " + lastOf(d.UserIdentity.ARN), resource: cmp.Or(p.TransitGatewayRouteTableID, p.RouteTableID, p.PrefixListID),
		part: p.Destination,
	}
	if p.TransitGatewayRouteTableID != "" {
		out.part = cmp.Or(p.Destination, p.PrefixListID)
	}
	return out, true
}

// changeWords says a change type of Network Manager, in whichever spelling.
func changeWords(change string) string {
	normal := strings.ToUpper(strings.ReplaceAll(change, "_", "-"))
	what := ""
	switch {
	case strings.Contains(normal, "IPSEC"):
		what = "IPsec"
	case strings.Contains(normal, "BGP"):
		what = "BGP"
	default:
		return change
	}
	switch {
	case strings.HasSuffix(normal, "-DOWN"):
		return what + " down"
	case strings.HasSuffix(normal, "-UP"), strings.HasSuffix(normal, "-ESTABLISH"), strings.HasSuffix(normal, "-ESTABLISHED"):
		return what + " up"
	default:
		return change
	}
}

// lastOf is the id at the end of an ARN.
func lastOf(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// causeWords says what woke a function.
func causeWords(run Run) string {
	text := "woken by a wake-up that Detour asked for"
	switch run.Cause {
	case "schedule":
		text = "started by the schedule"
	case causeWorkflow:
		text = "run as a task of the workflow"
	case "event":
		text = "woken by an event"
		if e, ok := networkEventOf(run.Message); ok {
			text = "woken by the event " + e.words(e.part)
		} else if stream := logStreamOf(run.Message); stream != "" {
			text = "woken by the BGP log of " + stream
		}
	}
	if run.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", run.Attempt)
	}
	return text
}

// listing joins words as a person does.
func listing(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
