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

// The names of the rules that send Detour's own events to people: those about
// groups, about filters, and about failbacks.
const (
	noticeRule         = "detour-notice"
	filterNoticeRule   = "detour-notice-filter"
	failbackNoticeRule = "detour-notice-failback"
)

// keyWindow is how many days a deleted key can be had back: the least that KMS
// takes, since nothing lasting is encrypted with it.
const keyWindow = 7

// notice is how people are told.
type notice struct{ topic awssns.CfnTopic }

// message is what people are told of some of Detour's own events: in lines, in
// which what stands in angle brackets is one of keys, which are in the event's
// detail, or stands in its envelope: kind, account, region.
type message struct {
	kinds []any
	keys  []string
	lines []string
}

// groupMessage is about what somebody must see at once of a group
// (docs/events.md).
func groupMessage() message {
	return message{
		kinds: []any{"Switchover Held", "Contended"},
		keys:  []string{"group", "reason", "detail", "from", "to", "action", "epoch", "at"},
		lines: []string{
			"Detour: <kind>, group <group>",
			"Why: <reason>. <detail>",
			"The group goes from path <from> to path <to>; its action is <action>, its epoch <epoch>.",
			"At <at>, by Detour in account <account>, Region <region>.",
			"Detour does nothing more about it until something changes. Ask: detour status <group>. The reasons are explained in docs/events.md.",
		},
	}
}

// filterMessage is the same of a filter.
func filterMessage() message {
	return message{
		kinds: []any{"Filter Measure Held"},
		keys:  []string{"filter", "detail", "at"},
		lines: []string{
			"Detour: <kind>, filter <filter>",
			"<detail>",
			"At <at>, by Detour in account <account>, Region <region>.",
			"Detour cannot keep this route out until something changes. What to do is in docs/runbook/filter-held.md.",
		},
	}
}

// failbackMessage asks those who approve, and says how it ended. The detail has
// several lines. UNVERIFIED: whether a message shows them as lines, or with \n between
// them, since an input transformer writes its values as JSON.
func failbackMessage() message {
	return message{
		kinds: []any{"Failback Approval Asked", "Failback Ended"},
		keys:  []string{"group", "detail", "at"},
		lines: []string{
			"Detour: <kind>, group <group>",
			"<detail>",
			"At <at>, by Detour in account <account>, Region <region>.",
			"How to answer, and how to stop it, is in docs/runbook/failback.md.",
		},
	}
}

// noticeRules are the rules that send Detour's own events to people, each with its
// message.
func noticeRules(home blueprint.Home) map[string]message {
	out := map[string]message{noticeRule: groupMessage()}
	if len(home.Filters) > 0 {
		out[filterNoticeRule] = filterMessage()
	}
	if home.Failback != nil {
		out[failbackNoticeRule] = failbackMessage()
	}
	return out
}

// pattern is the pattern of the events that the message is about.
func (m message) pattern() object { return object{"source": []any{"detour"}, "detail-type": m.kinds} }

// paths says where in an event the words are.
func (m message) paths() map[string]*string {
	out := map[string]*string{
		"kind": jsii.String("$.detail-type"), "account": jsii.String("$.account"), "region": jsii.String("$.region"),
	}
	for _, key := range m.keys {
		out[key] = jsii.String("$.detail." + key)
	}
	return out
}

// template has each line in quotation marks of its own, as an input transformer
// wants text of several lines.
func (m message) template() string {
	lines := make([]string, len(m.lines))
	for i, line := range m.lines {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false) // The angle brackets are the transformer's.
		_ = encoder.Encode(line)     // Text always encodes.
		lines[i] = strings.TrimSuffix(quoted.String(), "\n")
	}
	return strings.Join(lines, "\n")
}

// renderNotice makes the topic, which is encrypted, and the rules that send
// Detour's own events to it.
func renderNotice(scope constructs.Construct, home blueprint.Home, email string, dead awssqs.CfnQueue) notice {
	at := home.Site
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
	rules := noticeRules(home)
	for _, name := range sortedKeys(rules) {
		m := rules[name]
		t := target("topic", topic.Ref(), dead.AttrArn(), noticeAge)
		t.InputTransformer = &awsevents.CfnRule_InputTransformerProperty{InputPathsMap: m.paths(), InputTemplate: jsii.String(m.template())}
		rule(scope, name, "Detour: what somebody must see at once", m.pattern(), t)
	}
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
