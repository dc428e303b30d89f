package main

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"detour/shared/blueprint"
)

// noticeRule is the name of the rule that sends Detour's own events to people.
const noticeRule = "detour-notice"

// keyWindow is how many days a deleted key can be had back: the least that KMS
// takes, since nothing lasting is encrypted with it.
const keyWindow = 7

// notice is how people are told.
type notice struct{ topic awssns.CfnTopic }

// noticed are Detour's own events that somebody must see at once (docs/events.md).
func noticed() object {
	return object{"source": []any{"detour"}, "detail-type": []any{"Switchover Held", "Contended"}}
}

// noticeLines are what somebody reads in an e-mail. What stands in angle brackets
// is one of noticePaths.
func noticeLines() []string {
	return []string{
		"Detour: <kind>, group <group>",
		"Why: <reason>. <detail>",
		"The group goes from path <from> to path <to>; its action is <action>, its epoch <epoch>.",
		"At <at>, by Detour in account <account>, Region <region>.",
		"Detour does nothing more about it until something changes. Ask: detour status <group>. The reasons are explained in docs/events.md.",
	}
}

// noticePaths says where in an event the words are.
func noticePaths() map[string]*string {
	out := map[string]*string{
		"kind": jsii.String("$.detail-type"), "account": jsii.String("$.account"), "region": jsii.String("$.region"),
	}
	for _, key := range []string{"group", "reason", "detail", "from", "to", "action", "epoch", "at"} {
		out[key] = jsii.String("$.detail." + key)
	}
	return out
}

// noticeTemplate has each line in quotation marks of its own, as an input
// transformer wants text of several lines.
func noticeTemplate() string {
	lines := noticeLines()
	for i, line := range lines {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false) // The angle brackets are the transformer's.
		_ = encoder.Encode(line)     // Text always encodes.
		lines[i] = strings.TrimSuffix(quoted.String(), "\n")
	}
	return strings.Join(lines, "\n")
}

// renderNotice makes the topic, which is encrypted, and the rule that sends
// Detour's own events to it.
func renderNotice(scope constructs.Construct, at blueprint.Site, email string, dead awssqs.CfnQueue) notice {
	key := awskms.NewCfnKey(scope, jsii.String("TopicKey"), &awskms.CfnKeyProps{
		Description: jsii.String("Detour: encrypts what it tells people"), EnableKeyRotation: jsii.Bool(true), PendingWindowInDays: number(keyWindow),
		KeyPolicy: keyPolicy(at),
	})
	awskms.NewCfnAlias(scope, jsii.String("TopicKeyAlias"), &awskms.CfnAliasProps{
		AliasName: jsii.String("alias/detour"), TargetKeyId: key.Ref(),
	})
	topic := awssns.NewCfnTopic(scope, jsii.String("Topic"), &awssns.CfnTopicProps{
		TopicName: jsii.String(blueprint.Topic), DisplayName: jsii.String("Detour"), KmsMasterKeyId: key.AttrArn(),
	})
	awssns.NewCfnTopicPolicy(scope, jsii.String("TopicPolicy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()}, PolicyDocument: topicPolicy(at),
	})
	if email != "" {
		awssns.NewCfnSubscription(scope, jsii.String("Email"), &awssns.CfnSubscriptionProps{
			TopicArn: topic.Ref(), Protocol: jsii.String("email"), Endpoint: jsii.String(email),
		})
	}
	t := target("topic", topic.Ref(), dead.AttrArn(), noticeAge)
	t.InputTransformer = &awsevents.CfnRule_InputTransformerProperty{InputPathsMap: noticePaths(), InputTemplate: jsii.String(noticeTemplate())}
	rule(scope, noticeRule, "Detour: what somebody must see at once", noticed(), t)
	output(scope, "TopicArn", "subscribe to it: what somebody must see is sent there", topic.Ref())
	return notice{topic}
}

// keyPolicy leaves the key to the account's policies, as KMS recommends, and lets
// those use it who publish to the topic (Amazon SNS Developer Guide, "Enable
// compatibility between event sources from AWS services and encrypted topics").
func keyPolicy(at blueprint.Site) object {
	return document(
		object{
			"Sid": "Account", "Effect": "Allow", "Principal": object{"AWS": "arn:" + at.Partition() + ":iam::" + at.Account + ":root"},
			"Action": "kms:*", "Resource": "*",
		},
		object{
			"Sid": "Publishers", "Effect": "Allow", "Principal": object{"Service": []any{cloudwatchService, eventsService}},
			"Action": []any{"kms:Decrypt", "kms:GenerateDataKey*"}, "Resource": "*",
		},
	)
}

// topicPolicy lets the account's alarms and EventBridge publish. A statement for
// EventBridge cannot have conditions (EventBridge User Guide, "Using
// resource-based policies", Amazon SNS permissions).
func topicPolicy(at blueprint.Site) object {
	topic := arn(at, "sns", blueprint.Topic)
	return document(
		object{
			"Sid": "Alarms", "Effect": "Allow", "Principal": object{"Service": cloudwatchService}, "Action": "sns:Publish", "Resource": topic,
			"Condition": object{
				"ArnLike":      object{"aws:SourceArn": arn(at, "cloudwatch", "alarm:*")},
				"StringEquals": object{"aws:SourceAccount": at.Account},
			},
		},
		object{"Sid": "Rules", "Effect": "Allow", "Principal": object{"Service": eventsService}, "Action": "sns:Publish", "Resource": topic},
	)
}
