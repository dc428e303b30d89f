package stack

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// kind is what the model knows of a resource type.
type kind struct {
	// name is the property with the physical name; mustName: it must be there.
	name     string
	mustName bool
	// ref and attributes are what Ref and Fn::GetAtt give, from the site and the
	// name. A nil ref: nothing refers to it.
	ref        text
	attributes map[string]text
	// arn is the ARN; nil: it has none.
	arn text
	// add puts the resource into the stack.
	add func(b *builder, r *resource)
}

// text is a text that a resource has at a site under a name.
type text func(at Site, name string) string

func itsName(_ Site, name string) string { return name }

// arnOf is an ARN whose last part begins with a prefix.
func arnOf(service, prefix string) text {
	return func(at Site, name string) string { return at.ARN(service, prefix+name) }
}

// kinds are the resource types that are modelled. References give what
// CloudFormation documents as the return values of each type.
func kinds() map[string]kind {
	return map[string]kind{
		"AWS::Lambda::Function": {
			name: "FunctionName", mustName: true, ref: itsName, arn: arnOf("lambda", "function:"), attributes: attributes("Arn", arnOf("lambda", "function:")),
			add: adds(addFunction),
		},
		"AWS::Lambda::EventInvokeConfig":  {add: adds(addInvokeConfig)},
		"AWS::Lambda::Permission":         {add: adds(addPermission)},
		"AWS::Lambda::EventSourceMapping": {add: adds(addMapping)},
		"AWS::IAM::Role": {
			name: "RoleName", mustName: true, ref: itsName, arn: Site.RoleARN, attributes: attributes("Arn", Site.RoleARN), add: adds(addRole),
		},
		"AWS::Events::Rule": {
			name: "Name", ref: itsName, arn: arnOf("events", "rule/"), attributes: attributes("Arn", arnOf("events", "rule/")), add: adds(addRule),
		},
		"AWS::Events::EventBusPolicy": {add: adds(addBusPolicy)},
		"AWS::Scheduler::Schedule": {
			name: "Name", mustName: true, ref: itsName, arn: arnOf("scheduler", "schedule/default/"),
			attributes: attributes("Arn", arnOf("scheduler", "schedule/default/")), add: adds(addSchedule),
		},
		"AWS::SQS::Queue": {
			name: "QueueName", mustName: true, ref: Site.QueueURL, arn: arnOf("sqs", ""),
			attributes: attributes("Arn", arnOf("sqs", ""), "QueueUrl", Site.QueueURL, "QueueName", itsName), add: adds(addQueue),
		},
		"AWS::SQS::QueuePolicy": {add: adds(addQueuePolicy)},
		"AWS::DynamoDB::Table": {
			name: "TableName", mustName: true, ref: itsName, arn: arnOf("dynamodb", "table/"), attributes: attributes("Arn", arnOf("dynamodb", "table/")),
			add: adds(addTable),
		},
		"AWS::SNS::Topic": {
			name: "TopicName", mustName: true, ref: arnOf("sns", ""), arn: arnOf("sns", ""),
			attributes: attributes("TopicArn", arnOf("sns", ""), "TopicName", itsName), add: adds(addTopic),
		},
		"AWS::SNS::TopicPolicy":  {add: adds(addTopicPolicy)},
		"AWS::SNS::Subscription": {add: adds(addSubscription)},
		"AWS::KMS::Key": {
			ref: itsName, arn: arnOf("kms", "key/"), attributes: attributes("Arn", arnOf("kms", "key/"), "KeyId", itsName), add: adds(addKey),
		},
		"AWS::KMS::Alias": {name: "AliasName", mustName: true, ref: itsName, add: adds(addAlias)},
		"AWS::Logs::LogGroup": {
			name: "LogGroupName", mustName: true, ref: itsName, arn: arnOf("logs", "log-group:"),
			attributes: attributes("Arn", func(at Site, name string) string { return at.ARN("logs", "log-group:"+name+":*") }), add: adds(addLogGroup),
		},
		"AWS::Logs::SubscriptionFilter": {name: "FilterName", ref: itsName, add: adds(addSubscriptionFilter)},
		"AWS::CloudWatch::Alarm": {
			name: "AlarmName", ref: itsName, arn: arnOf("cloudwatch", "alarm:"), attributes: attributes("Arn", arnOf("cloudwatch", "alarm:")), add: adds(addAlarm),
		},
		"AWS::StepFunctions::StateMachine": {
			name: "StateMachineName", mustName: true, ref: arnOf("states", "stateMachine:"), arn: arnOf("states", "stateMachine:"),
			attributes: attributes("Arn", arnOf("states", "stateMachine:"), "Name", itsName), add: adds(addStateMachine),
		},
		"AWS::CloudWatch::Dashboard": {name: "DashboardName", ref: itsName, add: adds(addDashboard)},
	}
}

// attributes pairs names of attributes with their texts.
func attributes(pairs ...any) map[string]text {
	out := map[string]text{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch get := pairs[i+1].(type) {
		case text:
			out[name] = get
		case func(Site, string) string:
			out[name] = get
		}
	}
	return out
}

// adds makes the step from a template's properties to the model out of the step
// from their struct. A resource with a problem is left out.
func adds[W any](add func(b *builder, r *resource, own Resource, w W)) func(b *builder, r *resource) {
	return func(b *builder, r *resource) {
		before := len(b.list) + b.more
		k := b.kinds[r.kind]
		own := Resource{LogicalID: r.id, Name: b.nameOf(r)}
		if k.arn != nil {
			own.ARN = k.arn(b.stack.Site, own.Name)
		}
		properties := b.resolve(r, "", r.properties)
		var w W
		d := decoder{report: func(at, text string) { b.problem(r, at, text) }}
		d.into("", properties, reflect.ValueOf(&w).Elem())
		if len(b.list)+b.more == before {
			add(b, r, own, w)
		}
	}
}

// oneOf reports a value that is none of the known ones.
func (b *builder) oneOf(r *resource, at, value string, known ...string) {
	if !slices.Contains(known, value) {
		b.problem(r, at, "is \""+value+"\"; the lab models "+strings.Join(known, ", "))
	}
}

// within reports a number that AWS would not take, and returns the default where
// none is given.
func (b *builder) within(r *resource, at string, value *int, standard, first, last int) int {
	if value == nil {
		return standard
	}
	if *value < first || *value > last {
		b.problem(r, at, fmt.Sprintf("is %d; write %d to %d", *value, first, last))
	}
	return *value
}
