package main

import (
	"slices"
	"strings"
	"testing"
)

const (
	hub  = "hub-and-spokes"
	home = "controller-111122223333-eu-central-1"
)

// The tests of this file compare one example's templates with what is written out
// here by hand.

// inline is the one inline policy of a role.
func inline(t *testing.T, made template, role string) any {
	t.Helper()
	policies, _ := at(t, made.Resources[role].Properties, "Policies").([]any)
	if len(policies) != 1 {
		t.Errorf("%s has %d inline policies", role, len(policies))
	}
	if made.Resources[role].Properties["ManagedPolicyArns"] != nil {
		t.Errorf("%s has managed policies", role)
	}
	return at(t, policies[0], "PolicyDocument")
}

const switchoverPolicy = `{"Version": "2012-10-17", "Statement": [
{"Sid": "Events", "Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:eu-central-1:111122223333:event-bus/default"},
{"Sid": "Logs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
 "Resource": "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-switchover:*"},
{"Sid": "OtherAccounts", "Effect": "Allow", "Action": "sts:AssumeRole",
 "Resource": ["arn:aws:iam::444455556666:role/detour-access-111122223333-eu-central-1", "arn:aws:iam::777788889999:role/detour-access-111122223333-eu-central-1"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-switchover"}}},
{"Sid": "Queues", "Effect": "Allow", "Action": "sqs:SendMessage",
 "Resource": ["arn:aws:sqs:eu-central-1:111122223333:detour-dead", "arn:aws:sqs:eu-central-1:111122223333:detour-wake"]},
{"Sid": "ReadAlarms", "Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"},
{"Sid": "ReadNetwork", "Effect": "Allow",
 "Action": ["ec2:DescribeManagedPrefixLists", "ec2:DescribeTransitGatewayAttachments", "ec2:DescribeTransitGatewayConnectPeers",
  "ec2:DescribeVpnConnections", "ec2:GetTransitGatewayPrefixListReferences"],
 "Resource": "*"},
{"Sid": "ReadPrefixLists", "Effect": "Allow", "Action": "ec2:GetManagedPrefixListEntries",
 "Resource": "arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001"},
{"Sid": "ReadTransitGatewayRoutes", "Effect": "Allow", "Action": "ec2:SearchTransitGatewayRoutes",
 "Resource": "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001"},
{"Sid": "Records", "Effect": "Allow", "Action": ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
 "Resource": "arn:aws:dynamodb:eu-central-1:111122223333:table/detour"},
{"Sid": "WakeUps", "Effect": "Allow", "Action": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
 "Resource": "arn:aws:sqs:eu-central-1:111122223333:detour-wake"},
{"Sid": "WritePrefixListReferences", "Effect": "Allow",
 "Action": ["ec2:CreateTransitGatewayPrefixListReference", "ec2:ModifyTransitGatewayPrefixListReference"],
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-switchover"}}},
{"Sid": "WriteTransitGatewayRoutes", "Effect": "Allow", "Action": ["ec2:CreateTransitGatewayRoute", "ec2:ReplaceTransitGatewayRoute"],
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-switchover"}}}
]}`

// TestRoles compares every role of the hub's stacks.
func TestRoles(t *testing.T) {
	made := templateOf(t, hub, home)
	wantJSON(t, "the policy of detour-switchover", inline(t, made, "SwitchoverRole"), switchoverPolicy)
	// The sweep has the same but for its name and for the wake-ups, which it does not take.
	before, after, _ := strings.Cut(switchoverPolicy, `{"Sid": "WakeUps"`)
	_, after, _ = strings.Cut(after, "},\n")
	sweep := strings.NewReplacer("function:detour-switchover", "function:detour-sweep", "lambda/detour-switchover:", "lambda/detour-sweep:").Replace(before + after)
	wantJSON(t, "the policy of detour-sweep", inline(t, made, "SweepRole"), sweep)
	for _, role := range []string{"SwitchoverRole", "SweepRole"} {
		wantJSON(t, "the trust of "+role, made.Resources[role].Properties["AssumeRolePolicyDocument"],
			`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`)
	}
	wantJSON(t, "the policy of the schedules", inline(t, made, "ScheduleRole"), `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Invoke", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-central-1:111122223333:function:detour-sweep"},
		{"Sid": "DeadLetters", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-central-1:111122223333:detour-dead"}]}`)
	wantJSON(t, "the trust of the schedules", made.Resources["ScheduleRole"].Properties["AssumeRolePolicyDocument"], `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {
			"ArnEquals": {"aws:SourceArn": "arn:aws:scheduler:eu-central-1:111122223333:schedule-group/default"}, "StringEquals": {"aws:SourceAccount": "111122223333"}}}]}`)
	wantRoles(t, made, slices.Concat(failbackRoles, []string{"ScheduleRole", "SweepRole", "SwitchoverRole"})...)

	access := templateOf(t, hub, "access-444455556666-for-111122223333-eu-central-1")
	wantJSON(t, "the policy in the spoke", inline(t, access, "Role"), `{"Version": "2012-10-17", "Statement": [
		{"Sid": "ReadNetwork", "Effect": "Allow", "Action": ["ec2:DescribeManagedPrefixLists", "ec2:DescribeRouteTables"], "Resource": "*"},
		{"Sid": "ReadPrefixLists", "Effect": "Allow", "Action": "ec2:GetManagedPrefixListEntries",
		 "Resource": "arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001"},
		{"Sid": "WriteRoutes", "Effect": "Allow", "Action": ["ec2:CreateRoute", "ec2:ReplaceRoute"],
		 "Resource": "arn:aws:ec2:eu-central-1:444455556666:route-table/rtb-0a000000000000001"}]}`)
	wantJSON(t, "the trust in the spoke", access.Resources["Role"].Properties["AssumeRolePolicyDocument"], `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole", "Condition": {
			"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/detour-failback-advance-eu-central-1", "arn:aws:iam::111122223333:role/detour-failback-undo-eu-central-1",
				"arn:aws:iam::111122223333:role/detour-sweep-eu-central-1", "arn:aws:iam::111122223333:role/detour-switchover-eu-central-1"]},
			"StringEquals": {"sts:ExternalId": "detour-111122223333-eu-central-1"}}}]}`)
	wantJSON(t, "the policy of those that look in the spoke", inline(t, access, "LookRole"), `{"Version": "2012-10-17", "Statement": [
		{"Sid": "ReadNetwork", "Effect": "Allow", "Action": ["ec2:DescribeManagedPrefixLists", "ec2:DescribeRouteTables"], "Resource": "*"},
		{"Sid": "ReadPrefixLists", "Effect": "Allow", "Action": "ec2:GetManagedPrefixListEntries",
		 "Resource": "arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001"}]}`)
	wantJSON(t, "the trust of that", access.Resources["LookRole"].Properties["AssumeRolePolicyDocument"], `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole", "Condition": {
			"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/detour-failback-ask-eu-central-1", "arn:aws:iam::111122223333:role/detour-failback-close-eu-central-1",
				"arn:aws:iam::111122223333:role/detour-failback-precheck-eu-central-1", "arn:aws:iam::111122223333:role/detour-failback-verify-eu-central-1"]},
			"StringEquals": {"sts:ExternalId": "detour-111122223333-eu-central-1"}}}]}`)
	wantRoles(t, access, "LookRole", "Role")
	if len(access.Resources) != 2 {
		t.Errorf("the access stack has %v", sortedKeys(access.Resources))
	}

	forward := templateOf(t, hub, "forward-999900001111-us-west-2")
	wantJSON(t, "the policy that forwards", inline(t, forward, "ForwardRole"), `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Forward", "Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:eu-central-1:111122223333:event-bus/default"}]}`)
	wantJSON(t, "the trust that forwards", forward.Resources["ForwardRole"].Properties["AssumeRolePolicyDocument"], `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {
			"ArnEquals": {"aws:SourceArn": ["arn:aws:events:us-west-2:999900001111:rule/detour-forward-network-manager-routing",
				"arn:aws:events:us-west-2:999900001111:rule/detour-forward-network-manager-status"]},
			"StringEquals": {"aws:SourceAccount": "999900001111"}}}]}`)
	wantRoles(t, forward, "ForwardRole")
}

// wantRoles compares the roles of a template: none is left uncompared.
func wantRoles(t *testing.T, made template, want ...string) {
	t.Helper()
	if got := idsOf(made, "AWS::IAM::Role"); !slices.Equal(got, want) {
		t.Errorf("roles %v, want %v", got, want)
	}
}

// idsOf are the logical ids of the resources of a type, sorted.
func idsOf(made template, typ string) []string {
	var out []string
	for _, id := range sortedKeys(made.Resources) {
		if made.Resources[id].Type == typ {
			out = append(out, id)
		}
	}
	return out
}

// TestHome compares the rest of what a home's stack is made of.
func TestHome(t *testing.T) {
	made := templateOf(t, hub, home)
	for id, want := range map[string]string{
		"Table": `{"TableName": "detour", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
			"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
			"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
			"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}, "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}}`,
		"WakeQueue": `{"QueueName": "detour-wake", "SqsManagedSseEnabled": true, "VisibilityTimeout": 1800,
			"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["WakeDeadQueue", "Arn"]}, "maxReceiveCount": 5}}`,
		"WakeMapping": `{"FunctionName": {"Ref": "SwitchoverFunction"}, "EventSourceArn": {"Fn::GetAtt": ["WakeQueue", "Arn"]}, "BatchSize": 10,
			"FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 2}}`,
		"SweepSchedule": `{"Name": "detour-sweep", "GroupName": "default", "ScheduleExpression": "rate(1 minute)", "State": "ENABLED", "FlexibleTimeWindow": {"Mode": "OFF"},
			"Description": "Detour: starts detour-sweep",
			"Target": {"Arn": {"Fn::GetAtt": ["SweepFunction", "Arn"]}, "RoleArn": {"Fn::GetAtt": ["ScheduleRole", "Arn"]}, "Input": "{\"detour\":\"sweep\"}",
				"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadQueue", "Arn"]}}, "RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 2}}}`,
		"SwitchoverInvoke": `{"FunctionName": {"Ref": "SwitchoverFunction"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600,
			"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadQueue", "Arn"]}}}}`,
		"SwitchoverLogs": `{"LogGroupName": "/aws/lambda/detour-switchover", "RetentionInDays": 90}`,
		"CloudwatchAlarmPermission": `{"FunctionName": {"Ref": "SwitchoverFunction"}, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com",
			"SourceAccount": "111122223333", "SourceArn": {"Fn::GetAtt": ["CloudwatchAlarmRule", "Arn"]}}`,
		"BusPolicy999900001111": `{"EventBusName": "default", "StatementId": "detour-from-999900001111", "Statement": {
			"Sid": "detour-from-999900001111", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999900001111:root"}, "Action": "events:PutEvents",
			"Resource": "arn:aws:events:eu-central-1:111122223333:event-bus/default",
			"Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999900001111:role/detour-forward-us-west-2"}}}}`,
		"TunnelsVpn0a000000000000001Alarm": `{"AlarmName": "detour-tunnels-vpn-0a000000000000001", "Namespace": "AWS/VPN", "MetricName": "TunnelState",
			"Dimensions": [{"Name": "VpnId", "Value": "vpn-0a000000000000001"}], "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "DatapointsToAlarm": 1,
			"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "TreatMissingData": "breaching",
			"AlarmDescription": "VPN connection vpn-0a000000000000001, path partners/primary: no tunnel is up. A hint that makes Detour look, and never evidence: Detour asks EC2 itself."}`,
	} {
		wantJSON(t, id, made.Resources[id].Properties, want)
	}
	if got := at(t, made.Resources["TunnelsVpn0b000000000000002EachAlarm"].Properties, "Statistic"); got != "Minimum" {
		t.Errorf("where both tunnels are needed, the statistic is %v", got)
	}
	if got := made.Resources["Table"].DeletionPolicy; got != "Retain" {
		t.Errorf("the table is %s with the stack", got)
	}
	if got := made.Outputs["Mode"].Value; got != "observe: 2 groups, enforce: 0" {
		t.Errorf("the mode is told as %v", got)
	}
}

// TestFunction compares a function, whose code differs with each build.
func TestFunction(t *testing.T) {
	made := templateOf(t, hub, home)
	function := made.Resources["SwitchoverFunction"].Properties
	code := at(t, function, "Code")
	if key, _ := at(t, code, "S3Key").(string); !assetHash.MatchString(key) {
		t.Errorf("the code is %v", code)
	}
	delete(function, "Code")
	wantJSON(t, "the function", function, `{"FunctionName": "detour-switchover", "Runtime": "provided.al2023", "Architectures": ["arm64"], "Handler": "bootstrap",
		"Description": "Detour: looks at the groups that an event or a wake-up concerns", "MemorySize": 512, "Timeout": 300,
		"Role": {"Fn::GetAtt": ["SwitchoverRole", "Arn"]}, "LoggingConfig": {"LogFormat": "Text", "LogGroup": {"Ref": "SwitchoverLogs"}},
		"Environment": {"Variables": {"DETOUR_ACCOUNT": "111122223333", "DETOUR_TABLE": "detour", "DETOUR_EVENT_BUS": "default", "DETOUR_WAKE_QUEUE": {"Ref": "WakeQueue"},
			"DETOUR_ROLE": "arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1", "DETOUR_EXTERNAL_ID": "detour-111122223333-eu-central-1"}}}`)
}
