package stack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"detour/events/pattern"
)

// What EventBridge and its Scheduler do with what cannot be delivered unless they
// are told (EventBridge User Guide, "How EventBridge retries delivering events";
// Scheduler API reference, RetryPolicy).
const (
	deliveryAge     = 24 * time.Hour
	deliveryRetries = 185
)

type deliveryProperties struct {
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
}

type deadLetterProperties struct {
	Arn string `must:"name the queue's ARN"`
}

// delivery reads how a target is tried again.
func (b *builder) delivery(r *resource, at string, w deliveryProperties, dead deadLetterProperties) Delivery {
	return Delivery{
		DeadLetter: dead.Arn,
		MaxAge:     seconds(b.within(r, at+".MaximumEventAgeInSeconds", w.MaximumEventAgeInSeconds, int(deliveryAge/time.Second), 60, 86400)),
		Retries:    b.within(r, at+".MaximumRetryAttempts", w.MaximumRetryAttempts, deliveryRetries, 0, 185),
	}
}

type targetProperties struct {
	Arn              string `must:"name what the rule invokes"`
	DeadLetterConfig deadLetterProperties
	ID               string `name:"Id" must:"number the target"`
	Input            string
	InputTransformer *struct {
		InputPathsMap map[string]string
		InputTemplate string `must:"write the template"`
	}
	RetryPolicy deliveryProperties
	RoleArn     string
}

type ruleProperties struct {
	Description  string
	EventBusName string
	EventPattern json.RawMessage `must:"the lab models rules with a pattern; a schedule belongs to EventBridge Scheduler"`
	Name         string
	State        string
	Tags         tags
	Targets      []targetProperties
}

func addRule(b *builder, r *resource, own Resource, w ruleProperties) {
	rule := Rule{Resource: own, Bus: busName(w.EventBusName), Pattern: w.EventPattern, Enabled: w.State != "DISABLED"}
	if w.State != "" {
		b.oneOf(r, "State", w.State, "ENABLED", "DISABLED")
	}
	if _, err := pattern.Parse(w.EventPattern); err != nil {
		b.problem(r, "EventPattern", "cannot be matched by the lab: "+err.Error())
	}
	if len(w.Targets) == 0 {
		b.problem(r, "Targets", "is empty; a rule without target does nothing")
	}
	for i, t := range w.Targets {
		at := fmt.Sprintf("Targets[%d]", i)
		target := Target{ID: t.ID, ARN: t.Arn, Role: t.RoleArn, Delivery: b.delivery(r, at+".RetryPolicy", t.RetryPolicy, t.DeadLetterConfig)}
		target.Input = b.input(r, at+".Input", t.Input)
		if t.InputTransformer != nil {
			template, err := newTemplate(t.InputTransformer.InputPathsMap, t.InputTransformer.InputTemplate)
			if err != nil {
				b.problem(r, at+".InputTransformer", err.Error())
			}
			if t.Input != "" {
				b.problem(r, at, "has Input and InputTransformer; a target has one of them")
			}
			target.Template = template
		}
		rule.Targets = append(rule.Targets, target)
	}
	b.stack.Rules = append(b.stack.Rules, rule)
}

// input is a constant input, which must be JSON.
func (b *builder) input(r *resource, at, text string) json.RawMessage {
	if text == "" {
		return nil
	}
	if !json.Valid([]byte(text)) {
		b.problem(r, at, "is no JSON: "+text)
	}
	return json.RawMessage(text)
}

// busName is the name of a bus that is given by its name, its ARN or not at all.
func busName(nameOrARN string) string {
	if nameOrARN == "" {
		return DefaultBus
	}
	return nameOrARN[strings.LastIndex(nameOrARN, "/")+1:]
}

type busPolicyProperties struct {
	Action, Principal string
	EventBusName      string
	Statement         any
	StatementId       string `must:"name the statement"` //nolint:revive // It is the property's name.
}

func addBusPolicy(b *builder, r *resource, own Resource, w busPolicyProperties) {
	statement := w.Statement
	if statement == nil {
		// The older form: an action, and an account or *.
		statement = map[string]any{"Effect": "Allow", "Action": w.Action, "Principal": map[string]any{"AWS": w.Principal}}
	}
	report := func(at, text string) { b.problem(r, join("Statement", at), text) }
	read := readStatement(statement, report)
	read.checkBusConditions(func(at, text string) { b.problem(r, at, text) })
	b.stack.BusPolicies = append(b.stack.BusPolicies, BusPolicy{
		Resource: own, Bus: busName(w.EventBusName), Statement: read, Document: document(statement),
	})
}

type scheduleProperties struct {
	Description        string
	FlexibleTimeWindow struct {
		Mode string `must:"write OFF"`
	} `must:"write Mode: OFF"`
	GroupName                  string
	Name                       string
	ScheduleExpression         string `must:"write rate(…) or cron(…)"`
	ScheduleExpressionTimezone string
	State                      string
	Target                     struct {
		Arn              string `must:"name the function's ARN"`
		DeadLetterConfig deadLetterProperties
		Input            string
		RetryPolicy      deliveryProperties
		RoleArn          string `must:"name the role that invokes the function"`
	} `must:"name what is invoked"`
}

func addSchedule(b *builder, r *resource, own Resource, w scheduleProperties) {
	b.oneOf(r, "FlexibleTimeWindow.Mode", w.FlexibleTimeWindow.Mode, "OFF")
	if w.State != "" {
		b.oneOf(r, "State", w.State, "ENABLED", "DISABLED")
	}
	if w.GroupName != "" {
		b.oneOf(r, "GroupName", w.GroupName, "default")
	}
	if w.ScheduleExpressionTimezone != "" {
		b.oneOf(r, "ScheduleExpressionTimezone", w.ScheduleExpressionTimezone, "UTC", "Etc/UTC")
	}
	expression, err := ParseExpression(w.ScheduleExpression)
	if err != nil {
		b.problem(r, "ScheduleExpression", err.Error())
	}
	b.stack.Schedules = append(b.stack.Schedules, Schedule{
		Resource: own, Expression: expression, Enabled: w.State != "DISABLED", Target: w.Target.Arn, Role: w.Target.RoleArn,
		Input:    b.input(r, "Target.Input", w.Target.Input),
		Delivery: b.delivery(r, "Target.RetryPolicy", w.Target.RetryPolicy, w.Target.DeadLetterConfig),
	})
}

type topicProperties struct {
	DisplayName, KmsMasterKeyId string //nolint:revive // It is the property's name.
	Tags                        tags
	TopicName                   string
	TracingConfig               string
}

func addTopic(b *builder, _ *resource, own Resource, w topicProperties) {
	b.stack.Topics = append(b.stack.Topics, Topic{Resource: own, Key: w.KmsMasterKeyId})
}

type topicPolicyProperties struct {
	PolicyDocument any      `must:"write the policy"`
	Topics         []string `must:"name the topics"`
}

func addTopicPolicy(b *builder, r *resource, own Resource, w topicPolicyProperties) {
	b.stack.TopicPolicies = append(b.stack.TopicPolicies, ResourcePolicy{Resource: own, Of: w.Topics, Policy: b.policy(r, "PolicyDocument", w.PolicyDocument)})
}

type subscriptionProperties struct {
	Endpoint string `must:"name who is told"`
	Protocol string `must:"write email, or another protocol of SNS"`
	TopicArn string `must:"name the topic's ARN"`
}

func addSubscription(b *builder, _ *resource, own Resource, w subscriptionProperties) {
	b.stack.Subscriptions = append(b.stack.Subscriptions, Subscription{Resource: own, Topic: w.TopicArn, Protocol: w.Protocol, Endpoint: w.Endpoint})
}
