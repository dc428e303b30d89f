package live

import (
	"encoding/json"
	"slices"
	"strings"

	"detour/events/pattern"
	"detour/shared/config"
	"detour/shared/lab/stack"
)

// noPermission is EventBridge's error code for a target that may not be called
// (User Guide, "Using dead-letter queues to process undelivered events").
const noPermission = "NO_PERMISSIONS"

// maxHops is how many buses an event goes through: that of its account and Region,
// and the home's. A rule that sent it on from there would send it in a circle.
const maxHops = 2

// deliver has the rules of the default bus of a site look at an event, and
// returns how many took it. hops is how many buses it has come through.
func (s *Server) deliver(at stack.Site, raw []byte, hops int) (taken int) {
	if s.opts.Manual || s.model == nil {
		return 0
	}
	for _, st := range s.model.Stacks {
		if st.Site != at {
			continue
		}
		for _, rule := range st.Rules {
			matched, err := pattern.Match(rule.Pattern, raw)
			if err != nil {
				s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "cannot match an event with rule " + rule.Name + ": " + err.Error()})
				continue
			}
			if !matched || !rule.Enabled {
				continue
			}
			taken++
			for _, t := range rule.Targets {
				s.send(st, rule, t, raw, hops)
			}
		}
	}
	return taken
}

// send hands an event to a target of a rule.
func (s *Server) send(from stack.Stack, rule stack.Rule, t stack.Target, raw []byte, hops int) {
	input := string(raw)
	switch {
	case t.Input != nil:
		input = string(t.Input)
	case t.Template != nil:
		var err error
		if input, err = t.Template.Apply(rule, raw); err != nil {
			s.refuse(from, rule, t, raw, "INVALID_JSON", err.Error())
			return
		}
	}
	service, to := siteOf(t.ARN)
	switch service {
	case "lambda":
		f := s.byARN[t.ARN]
		if f == nil || !s.mayInvoke(rule, from.Account, t.ARN) {
			s.refuse(from, rule, t, raw, noPermission, "no AWS::Lambda::Permission lets the rule invoke "+lastPart(t.ARN))
			return
		}
		f.async.send([]byte(input), CauseEvent)
	case "sns":
		s.publish(t.ARN, input)
	default:
		s.forward(from, rule, t, raw, to, hops)
	}
}

// mayInvoke reports whether a permission of the function lets the rule invoke it.
func (s *Server) mayInvoke(rule stack.Rule, account, function string) bool {
	for _, st := range s.model.Stacks {
		for _, p := range st.Permissions {
			if p.Function == function && p.MayInvoke(rule, account) {
				return true
			}
		}
	}
	return false
}

// forward puts an event on the bus of another site, whose policy must let it in
// if it is of another account. What the rule's role may do is not looked at.
func (s *Server) forward(from stack.Stack, rule stack.Rule, t stack.Target, raw []byte, to stack.Site, hops int) {
	if hops >= maxHops {
		s.refuse(from, rule, t, raw, "LOOP", "the event has come through "+from.String()+" already, and would go in a circle")
		return
	}
	if t.Role == "" {
		s.refuse(from, rule, t, raw, noPermission, "the target has no RoleArn, and a bus of another site is called with a role")
		return
	}
	var e envelope
	_ = json.Unmarshal(raw, &e) // A pattern has matched it.
	by := stack.Sender{Account: from.Account, Role: t.Role, Rule: rule.ARN, Source: e.Source, DetailType: e.DetailType}
	accepts := func(st stack.Stack) bool { return st.Site == to && st.Accepts(stack.DefaultBus, by) }
	if to.Account != from.Account && !slices.ContainsFunc(s.model.Stacks, accepts) {
		s.refuse(from, rule, t, raw, noPermission, "no AWS::Events::EventBusPolicy of "+to.String()+" lets "+from.Account+" put events on its bus")
		return
	}
	s.lines.tell(line{Kind: kindEvent, Who: byAWS, What: "forwards it from " + from.String() + " to " + to.String() + " (rule " + rule.Name + ")"})
	s.deliver(to, raw, hops+1)
}

// refuse gives up an event that cannot be delivered to a target.
func (s *Server) refuse(from stack.Stack, rule stack.Rule, t stack.Target, raw []byte, condition, why string) {
	s.bury(DeadLetter{
		Queue: lastPart(t.DeadLetter), At: s.keeper.Now(), Function: "rule " + rule.Name, Home: config.Home(from.Site), Condition: condition,
		Attempts: 1, Body: string(raw), Error: why,
	})
}

// publish shows what a topic tells its subscribers.
func (s *Server) publish(topic, text string) {
	// A template of several lines has each in quotation marks of its own.
	lines := strings.Split(text, "\n")
	for i, each := range lines {
		if plain := ""; json.Unmarshal([]byte(each), &plain) == nil {
			lines[i] = plain
		}
	}
	s.lines.tell(line{Kind: kindNotice, Who: "topic " + lastPart(topic), What: "publishes " + strings.Join(lines, "\n"), Data: asJSON([]byte(text))})
}

// alarmed has an alarm of a template do what its actions are, when the network's
// CloudWatch tells of its state.
func (s *Server) alarmed(at stack.Site, raw []byte) {
	var e struct {
		Source string `json:"source"`
		Detail struct {
			Alarm string     `json:"alarmName"`
			State alarmState `json:"state"`
		} `json:"detail"`
	}
	if s.model == nil || json.Unmarshal(raw, &e) != nil || e.Source != "aws.cloudwatch" {
		return
	}
	for _, st := range s.model.Stacks {
		for _, a := range st.Alarms {
			if st.Site != at || a.Name != e.Detail.Alarm || !a.ActionsEnabled {
				continue
			}
			actions := map[string][]string{"ALARM": a.Actions, "OK": a.OK, "INSUFFICIENT_DATA": a.Insufficient}[e.Detail.State.Value]
			for _, topic := range actions {
				s.publish(topic, e.Detail.State.Value+": "+a.Name+leading(". ", a.Description))
			}
		}
	}
}

// siteOf takes the service and the site out of an ARN.
func siteOf(arn string) (service string, at stack.Site) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", stack.Site{}
	}
	return parts[2], stack.Site{Account: parts[4], Region: parts[3]}
}

// originOf is the site whose default bus gets an event of AWS.
func originOf(raw []byte) stack.Site {
	var e struct {
		Account string `json:"account"`
		Region  string `json:"region"`
	}
	_ = json.Unmarshal(raw, &e) // What is no event has no site, and no rule there.
	return stack.Site(e)
}
