package live

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"detour/events/pattern"
)

// The functions of a deployment.
const (
	Switchover  = "switchover"
	Sweep       = "sweep"
	RouteFilter = "routefilter"
)

// sweepEvent is the input of Detour's schedule.
const sweepEvent = `{"detour":"sweep"}`

// rule is one rule of an event bus.
type rule struct {
	name     string
	pattern  []byte
	function string
}

// rules are the rules of a deployment, sorted by name, and those for filters only
// where there are any. For groups there is none for routing updates: a sweep sees
// soon enough what they tell of, and it would be Detour's own writes mostly.
func rules(filters bool) ([]rule, error) {
	var out []rule
	for _, name := range pattern.Names() {
		raw, err := pattern.Read(name)
		if err != nil {
			return nil, fmt.Errorf("reading event pattern %s: %w", name, err)
		}
		if name != routingPattern {
			out = append(out, rule{name: name, pattern: raw, function: Switchover})
		}
		if filters && (name == routingPattern || name == callsPattern) {
			out = append(out, rule{name: name, pattern: raw, function: RouteFilter})
		}
	}
	return out, nil
}

// The patterns that concern filters.
const (
	routingPattern = "network-manager-routing.json"
	callsPattern   = "cloudtrail-routes.json"
)

// matching returns the functions that the event goes to, one for each rule that
// matches: a function may be among them twice, as on a bus.
func matching(rules []rule, event []byte) ([]string, error) {
	var out []string
	for _, r := range rules {
		matched, err := pattern.Match(r.pattern, event)
		if err != nil {
			return nil, fmt.Errorf("matching an event with %s: %w", r.name, err)
		}
		if matched {
			out = append(out, r.function)
		}
	}
	return out, nil
}

// How the World's events are delivered.
const (
	deliverEvents = "deliver"
	loseEvents    = "lose"
	doubleEvents  = "double"
)

// copies is how often an event is delivered.
func copies(delivery string) int {
	switch delivery {
	case loseEvents:
		return 0
	case doubleEvents:
		return 2
	default:
		return 1
	}
}

// envelope is what the lines say of an event.
type envelope struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Detail     json.RawMessage `json:"detail"`
}

// alarmState is one of the two states in the detail of an alarm's event.
type alarmState struct {
	Value string `json:"value"`
}

// describe says what an event is about: its kind, and the resources that its
// detail names.
func describe(raw []byte) string {
	var e envelope
	if json.Unmarshal(raw, &e) != nil {
		return compact(raw)
	}
	var d struct {
		ChangeType string   `json:"changeType"`
		VPN        string   `json:"vpnConnectionArn"`
		OutsideIP  string   `json:"outsideIpAddress"`
		TableARNs  []string `json:"transitGatewayRouteTableArns"`
		Routes     []struct {
			Destination string `json:"destinationCidrBlock"`
		} `json:"routes"`
		Peer    string     `json:"connectPeerArn"`
		Session string     `json:"transitGatewayAddress"`
		Alarm   string     `json:"alarmName"`
		Before  alarmState `json:"previousState"`
		After   alarmState `json:"state"`
		Call    string     `json:"eventName"`
		Caller  struct {
			ARN string `json:"arn"`
		} `json:"userIdentity"`
	}
	bad := json.Unmarshal(e.Detail, &d) != nil
	if !bad && d.Alarm != "" && d.After.Value != "" {
		return d.Alarm + ": " + d.Before.Value + " to " + d.After.Value
	}
	if !bad && d.Call != "" {
		return d.Call + " by " + lastPart(d.Caller.ARN)
	}
	if bad || d.ChangeType == "" {
		return strings.TrimSpace(e.DetailType + leading(": ", describeOwn(e.Detail)))
	}
	parts := []string{d.ChangeType}
	if d.OutsideIP != "" {
		parts = append(parts, "tunnel "+d.OutsideIP+" of "+lastPart(d.VPN))
	}
	if d.Peer != "" {
		parts = append(parts, "session "+d.Session+" of "+lastPart(d.Peer))
	}
	for _, arn := range d.TableARNs {
		parts = append(parts, lastPart(arn))
	}
	for _, route := range d.Routes {
		parts = append(parts, route.Destination)
	}
	return strings.Join(slices.Compact(parts), " ")
}

// describeOwn says in short what one of Detour's own events is about; the detail
// of any other stays as it is.
func describeOwn(detail []byte) string {
	var d struct {
		Group  string `json:"group"`
		Filter string `json:"filter"`
		From   string `json:"from"`
		To     string `json:"to"`
		Action string `json:"action"`
		Reason string `json:"reason"`
		Detail string `json:"detail"`
	}
	if json.Unmarshal(detail, &d) != nil || d.Group+d.Filter == "" {
		return compact(detail)
	}
	text := d.Group + d.Filter
	if d.Action != "" && d.Group != "" {
		text += ", " + d.Action + " " + d.From + " to " + d.To + leading(", ", d.Reason)
	}
	return text + leading("; ", d.Detail)
}

// sourceOf is the source that an event names.
func sourceOf(raw []byte) string {
	var e envelope
	if json.Unmarshal(raw, &e) != nil {
		return "somebody"
	}
	return e.Source
}

// lastPart is the id at the end of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }
