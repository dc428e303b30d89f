package stack

import (
	"maps"
	"slices"
	"strings"
)

// check reports names that stand twice, and references to what no stack has.
func (a *Assembly) check(all *problems) {
	known := map[string]string{}
	urls := map[string]bool{}
	for i := range a.Stacks {
		s := &a.Stacks[i]
		for _, r := range s.resources() {
			if r.ARN == "" {
				continue
			}
			if other, twice := known[r.ARN]; twice {
				all.add("stack %s: %s: %s is in stack %s already; give it another name", s.Name, r.LogicalID, r.ARN, other)
			}
			known[r.ARN] = s.Name
		}
		for _, q := range s.Queues {
			urls[q.URL] = true
		}
	}
	for i := range a.Stacks {
		s := &a.Stacks[i]
		c := checker{stack: s, known: known, urls: urls, all: all}
		c.functions()
		c.workflows(a)
		c.events()
		c.storage()
	}
}

// resources are all that may be referred to.
func (s *Stack) resources() []Resource {
	return slices.Concat(
		resourcesOf(s.Functions), resourcesOf(s.Roles), resourcesOf(s.Rules), resourcesOf(s.Schedules), resourcesOf(s.Queues),
		resourcesOf(s.Tables), resourcesOf(s.Topics), resourcesOf(s.Keys), resourcesOf(s.LogGroups), resourcesOf(s.Alarms),
		resourcesOf(s.StateMachines),
	)
}

// self returns what all types of resources have embedded.
func (r Resource) self() Resource { return r }

func resourcesOf[R interface{ self() Resource }](list []R) []Resource {
	var out []Resource
	for _, r := range list {
		out = append(out, r.self())
	}
	return out
}

// checker looks after the references of one stack.
type checker struct {
	stack *Stack
	// known has the stack of each ARN of the assembly, urls the URLs of its queues.
	known map[string]string
	urls  map[string]bool
	all   *problems
}

// refers reports a reference to nothing. An empty one is none.
func (c checker) refers(r Resource, kind, property, arn string, services ...string) {
	if arn == "" {
		return
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || len(services) > 0 && !slices.Contains(services, parts[2]) {
		c.nothing(r, kind, property, arn, "is no ARN that the lab models here; it models those of "+strings.Join(services, ", "))
		return
	}
	if _, there := c.known[arn]; !there && !isBus(arn) {
		c.nothing(r, kind, property, arn, "leads to nothing that a stack of the assembly has; correct it, or synthesize all stacks")
	}
}

func (c checker) nothing(r Resource, kind, property, value, text string) {
	c.all.add("stack %s: %s (%s): %s is %q, which %s", c.stack.Name, r.LogicalID, kind, property, value, text)
}

// isBus reports whether it is the ARN of a default bus, which every account has.
func isBus(arn string) bool {
	return strings.Contains(arn, ":events:") && strings.HasSuffix(arn, ":event-bus/"+DefaultBus)
}

// named finds the ARN of something of this stack's site by name.
func (c checker) named(r Resource, kind, property, value, arn string) {
	if value == "" {
		return
	}
	if _, there := c.known[arn]; !there {
		c.nothing(r, kind, property, value, "leads to nothing that a stack of the assembly has; correct it, or synthesize all stacks")
	}
}

func (c checker) functions() {
	const function, config, permission, mapping = "AWS::Lambda::Function", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"
	for _, f := range c.stack.Functions {
		c.refers(f.Resource, function, "Role", f.Role, "iam")
		c.named(f.Resource, function, "LoggingConfig.LogGroup", f.LogGroup, c.stack.ARN("logs", "log-group:"+f.LogGroup))
		c.named(f.Resource, function, "Environment.Variables.DETOUR_TABLE", f.Environment["DETOUR_TABLE"], c.stack.ARN("dynamodb", "table/"+f.Environment["DETOUR_TABLE"]))
		c.url(f.Resource, function, "Environment.Variables.DETOUR_WAKE_QUEUE", f.Environment["DETOUR_WAKE_QUEUE"])
	}
	for _, i := range c.stack.InvokeConfigs {
		c.refers(i.Resource, config, "FunctionName", i.Function, "lambda")
		c.refers(i.Resource, config, "DestinationConfig.OnFailure.Destination", i.OnFailure, "sqs")
	}
	for _, p := range c.stack.Permissions {
		c.refers(p.Resource, permission, "FunctionName", p.Function, "lambda")
		if !strings.ContainsAny(p.SourceARN, "*?") {
			c.refers(p.Resource, permission, "SourceArn", p.SourceARN)
		}
	}
	for _, m := range c.stack.Mappings {
		c.refers(m.Resource, mapping, "EventSourceArn", m.Queue, "sqs")
		c.refers(m.Resource, mapping, "FunctionName", m.Function, "lambda")
	}
	for _, f := range c.stack.LogFilters {
		c.refers(f.Resource, "AWS::Logs::SubscriptionFilter", "DestinationArn", f.Destination, "lambda")
	}
}

func (c checker) events() {
	const rule, policy, schedule = "AWS::Events::Rule", "AWS::Events::EventBusPolicy", "AWS::Scheduler::Schedule"
	for _, r := range c.stack.Rules {
		c.bus(r.Resource, rule, r.Bus)
		for _, t := range r.Targets {
			c.refers(r.Resource, rule, "Targets "+t.ID+" Arn", t.ARN, "lambda", "events", "sns", "sqs")
			c.refers(r.Resource, rule, "Targets "+t.ID+" RoleArn", t.Role, "iam")
			c.refers(r.Resource, rule, "Targets "+t.ID+" DeadLetterConfig.Arn", t.DeadLetter, "sqs")
		}
	}
	for _, p := range c.stack.BusPolicies {
		c.bus(p.Resource, policy, p.Bus)
	}
	for _, s := range c.stack.Schedules {
		c.refers(s.Resource, schedule, "Target.Arn", s.Target, "lambda")
		c.refers(s.Resource, schedule, "Target.RoleArn", s.Role, "iam")
		c.refers(s.Resource, schedule, "Target.DeadLetterConfig.Arn", s.DeadLetter, "sqs")
	}
}

func (c checker) storage() {
	const queue, topic, subscription, alarm = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::CloudWatch::Alarm"
	for _, q := range c.stack.Queues {
		c.refers(q.Resource, queue, "RedrivePolicy.deadLetterTargetArn", q.DeadLetter, "sqs")
	}
	for _, p := range c.stack.QueuePolicies {
		for _, url := range p.Of {
			c.url(p.Resource, "AWS::SQS::QueuePolicy", "Queues", url)
		}
	}
	for _, p := range c.stack.TopicPolicies {
		for _, arn := range p.Of {
			c.refers(p.Resource, "AWS::SNS::TopicPolicy", "Topics", arn, "sns")
		}
	}
	for _, t := range c.stack.Topics {
		c.key(t.Resource, topic, t.Key)
	}
	for _, s := range c.stack.Subscriptions {
		c.refers(s.Resource, subscription, "TopicArn", s.Topic, "sns")
	}
	for _, a := range c.stack.Alarms {
		for _, actions := range [][]string{a.Actions, a.OK, a.Insufficient} {
			for _, arn := range actions {
				c.refers(a.Resource, alarm, "AlarmActions", arn, "sns")
			}
		}
	}
}

func (c checker) url(r Resource, kind, property, url string) {
	if url != "" && !c.urls[url] {
		c.nothing(r, kind, property, url, "is the URL of no queue of the assembly; correct it, or synthesize all stacks")
	}
}

func (c checker) bus(r Resource, kind, name string) {
	if name != DefaultBus {
		c.nothing(r, kind, "EventBusName", name, "is not modelled by the lab; use the default bus")
	}
}

// key looks for a key by its ARN, its id or one of its aliases.
func (c checker) key(r Resource, kind, key string) {
	ids := map[string]bool{"": true}
	for _, k := range c.stack.Keys {
		ids[k.ARN], ids[k.Name] = true, true
		for _, alias := range k.Aliases {
			ids[alias] = true
			ids[c.stack.ARN("kms", alias)] = true
		}
	}
	if !ids[key] && !strings.HasPrefix(key, "alias/aws/") {
		c.nothing(r, kind, "KmsMasterKeyId", key, "is none of the stack's keys: "+strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(ids)), func(id string) bool { return id == "" }), ", "))
	}
}
