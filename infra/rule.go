package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/events/pattern"
	"detour/shared/blueprint"
)

// The service principals, which are the same in all partitions. UNVERIFIED: that of
// CloudWatch Logs outside of the partition aws.
const (
	eventsService     = "events.amazonaws.com"
	schedulerService  = "scheduler.amazonaws.com"
	lambdaService     = "lambda.amazonaws.com"
	cloudwatchService = "cloudwatch.amazonaws.com"
	logsService       = "logs.amazonaws.com"
	statesService     = "states.amazonaws.com"
)

const (
	// deliveries is how often EventBridge tries to deliver an event or a schedule's
	// input again: its own default and maximum.
	deliveries = 185
	// forwardAge is the age at which an event that could not be forwarded becomes a
	// dead letter: long after the sweep has seen for itself, and early enough for
	// somebody to be told that forwarding is broken.
	forwardAge = 10 * time.Minute
	// noticeAge is the same for what is sent to people: a late notice is better than
	// none.
	noticeAge = 24 * time.Hour
	// targetsPerRule is EventBridge's quota.
	targetsPerRule = 5
)

// readPattern returns an event pattern of events/pattern.
func readPattern(file string) object {
	raw, err := pattern.Read(file)
	if err != nil {
		panic(fmt.Sprintf("blueprint names a pattern that is not there: %v", err))
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(fmt.Sprintf("event pattern %s is not JSON: %v", file, err))
	}
	return out
}

// stem is the name of a pattern's file without its ending.
func stem(file string) string { return strings.TrimSuffix(file, ".json") }

func ruleARN(at blueprint.Site, name string) string { return arn(at, "events", "rule/"+name) }

// rule makes a rule of the default event bus.
func rule(scope constructs.Construct, name, description string, matches object, targets ...any) awsevents.CfnRule {
	return awsevents.NewCfnRule(scope, jsii.String(identifier(shortName(name))+"Rule"), &awsevents.CfnRuleProps{
		Name: jsii.String(name), Description: jsii.String(description), EventBusName: jsii.String(blueprint.EventBus),
		EventPattern: matches, State: jsii.String("ENABLED"), Targets: targets,
	})
}

// target is a target of a rule with its dead-letter queue.
func target(id string, resource *string, dead *string, age time.Duration) *awsevents.CfnRule_TargetProperty {
	return &awsevents.CfnRule_TargetProperty{
		Id: jsii.String(id), Arn: resource,
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: dead},
		RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
			MaximumRetryAttempts: number(deliveries), MaximumEventAgeInSeconds: number(age.Seconds()),
		},
	}
}
