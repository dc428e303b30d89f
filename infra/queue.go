package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// What queues are made with.
const (
	// deadRetention is the longest that SQS keeps a message.
	deadRetention = 14 * 24 * time.Hour
	// wakeReceives is how often a wake-up is tried before it is a dead letter. Lambda
	// asks for at least 5 (Lambda Developer Guide, "Using Lambda with Amazon SQS").
	wakeReceives = 5
	// visibilityFactor times the function's timeout is how long a message is not
	// seen by others (same page).
	visibilityFactor = 6
)

// deadQueue makes a queue for what could not be delivered or done. The rules of
// those ARNs may send to it.
func deadQueue(scope constructs.Construct, at blueprint.Site, name string, rules []string) awssqs.CfnQueue {
	queue := awssqs.NewCfnQueue(scope, jsii.String(identifier(shortName(name))+"Queue"), &awssqs.CfnQueueProps{
		QueueName: jsii.String(name), SqsManagedSseEnabled: jsii.Bool(true), MessageRetentionPeriod: number(deadRetention.Seconds()),
	})
	queuePolicy(scope, at, queue, name, rules)
	return queue
}

// queuePolicy refuses what is not encrypted on its way, and lets the rules send.
func queuePolicy(scope constructs.Construct, at blueprint.Site, queue awssqs.CfnQueue, name string, rules []string) {
	resource := arn(at, "sqs", name)
	statements := []any{object{
		"Sid": "EncryptedOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": resource,
		"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
	}}
	if len(rules) > 0 {
		statements = append(statements, object{
			"Sid": "Rules", "Effect": "Allow", "Principal": object{"Service": eventsService}, "Action": "sqs:SendMessage", "Resource": resource,
			"Condition": object{"ArnEquals": object{"aws:SourceArn": list(rules)}},
		})
	}
	awssqs.NewCfnQueuePolicy(scope, jsii.String(identifier(shortName(name))+"QueuePolicy"), &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{queue.Ref()}, PolicyDocument: document(statements...),
	})
}
