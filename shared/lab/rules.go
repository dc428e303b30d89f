package lab

import (
	"fmt"
	"slices"

	"detour/events/pattern"
	"detour/shared/ingest"
)

// rule is one EventBridge rule, or what stands in for it, and the function that it
// invokes.
type rule struct {
	pattern pattern.Pattern
	target  Function
}

// rules are the rules of a deployment.
func rules() ([]rule, error) {
	var out []rule
	for _, r := range []struct {
		name   string
		target Function
	}{
		{"network-manager-status.json", Switchover},
		{"cloudwatch-alarm.json", Switchover},
		{"aws-health.json", Switchover},
		{"cloudtrail-routes.json", Switchover},
		{"cloudtrail-routes.json", RouteFilter},
		{"network-manager-routing.json", RouteFilter},
	} {
		raw, err := pattern.Read(r.name)
		if err != nil {
			return nil, fmt.Errorf("reading event pattern %s: %w", r.name, err)
		}
		parsed, err := pattern.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("event pattern %s: %w", r.name, err)
		}
		out = append(out, rule{pattern: parsed, target: r.target})
	}
	return out, nil
}

// emitted is an event as it leaves the World: on its way to the default bus, or from
// the log of a VPN connection to its subscriber. An event that nobody subscribes to
// ends there, and no fault hits it.
func (r *Rig) emitted(raw []byte) {
	r.Emitted = append(r.Emitted, EmittedEvent{At: r.Scheduler.Now(), Raw: slices.Clone(raw)})
	if r.opts.Silent || len(r.targets(raw)) == 0 {
		return
	}
	r.opts.Faults.Events.Deliver(r.Scheduler, raw, r.Deliver)
}

// Deliver brings an event to the bus now: every function with a rule that matches is
// invoked.
func (r *Rig) Deliver(raw []byte) {
	for _, fn := range r.targets(raw) {
		r.invoke(fn, raw, "event", 1)
	}
}

// has reports whether a deployment has the function: without filters there is none
// for them, and with nothing but filters none for groups.
func (r *Rig) has(fn Function) bool {
	switch fn {
	case RouteFilter:
		return len(r.filters) > 0
	case Switchover:
		return len(r.groups) > 0 || len(r.filters) == 0
	default:
		return true
	}
}

// targets are the functions that the event invokes, each once.
func (r *Rig) targets(raw []byte) []Function {
	if ingest.KindOf(raw) == ingest.KindLogs {
		if len(r.filters) == 0 {
			return nil
		}
		return []Function{RouteFilter}
	}
	event, err := pattern.ParseEvent(raw)
	if err != nil {
		r.fail(fmt.Errorf("matching an event: %w", err))
		return nil
	}
	var out []Function
	for _, rule := range r.rules {
		if !slices.Contains(out, rule.target) && r.has(rule.target) && rule.pattern.Matches(event) {
			out = append(out, rule.target)
		}
	}
	return out
}
