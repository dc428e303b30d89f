package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// forwarded is a rule of a site that forwards, with at most as many homes as a
// rule has targets.
type forwarded struct {
	name    string
	matches object
	homes   []blueprint.Site
}

// forwardedRules returns the rules of a site.
func forwardedRules(forward blueprint.Forward) []forwarded {
	var out []forwarded
	for _, r := range forward.Rules {
		matches := readPattern(r.Pattern)
		if r.OwnOnly {
			matches["account"] = []any{forward.Account}
			matches["region"] = []any{forward.Region}
		}
		n := 0
		for homes := range slices.Chunk(r.Homes, targetsPerRule) {
			n++
			name := "detour-forward-" + stem(r.Pattern)
			if n > 1 {
				name = fmt.Sprintf("%s-%d", name, n)
			}
			out = append(out, forwarded{name, matches, homes})
		}
	}
	return out
}

// forwardRole is the name of the role with which a site forwards.
func forwardRole(at blueprint.Site) string { return "detour-forward-" + at.Region }

// busARN returns the ARN of a site's event bus.
func busARN(at blueprint.Site) string { return arn(at, "events", "event-bus/"+blueprint.EventBus) }

// renderForward makes the stack of a site from which events are forwarded.
func renderForward(app awscdk.App, forward blueprint.Forward) {
	at := forward.Site
	stack := newStack(app, "forward-"+at.String(), "detour-forward", "Detour: sends what happens here to where its functions run", at)
	renderTunnels(stack, forward.Tunnels)
	rules := forwardedRules(forward)
	if len(rules) == 0 {
		return
	}
	var sources, buses []string
	for _, r := range rules {
		sources = append(sources, ruleARN(at, r.name))
	}
	for _, home := range forward.Homes() {
		buses = append(buses, busARN(home))
	}
	dead := deadQueue(stack, at, blueprint.QueueForwardDead, sources)
	for _, a := range blueprint.ForwardAlarms(forward) {
		renderAlarm(stack, a, nil) // There is no topic here.
	}
	// The source of a call to a role that forwards is the rule (EventBridge User
	// Guide, "Cross-service confused deputy prevention").
	sender := role(stack, "ForwardRole", forwardRole(at), "EventBridge sends events to Detour's homes with it",
		trust(eventsService, object{"ArnEquals": object{"aws:SourceArn": list(sources)}, "StringEquals": object{"aws:SourceAccount": at.Account}}),
		document(object{"Sid": "Forward", "Effect": "Allow", "Action": "events:PutEvents", "Resource": list(buses)}))
	for _, r := range rules {
		var targets []any
		for _, home := range r.homes {
			t := target("home-"+home.String(), jsii.String(busARN(home)), dead.AttrArn(), forwardAge)
			t.RoleArn = sender.AttrArn()
			targets = append(targets, t)
		}
		rule(stack, r.name, "Detour: forwarded to where its functions run", r.matches, targets...)
	}
	output(stack, "DeadLettersUrl", "where events go that could not be forwarded", dead.Ref())
}
