package main

import (
	"slices"
	"strings"
	"testing"
)

// TestFilters compares what an example's filters add to the stack of its home with
// what is written out here by hand.
func TestFilters(t *testing.T) {
	made := templateOf(t, "filters", home)
	wantRoles(t, made, slices.Concat(failbackRoles, []string{"RoutefilterRole", "ScheduleRole", "SweepRole", "SwitchoverRole"})...)
	wantJSON(t, "the policy of detour-routefilter", inline(t, made, "RoutefilterRole"), routefilterPolicy)
	const dead = `"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadQueue", "Arn"]}}, "RetryPolicy": {"MaximumEventAgeInSeconds": 600, "MaximumRetryAttempts": 185}`
	for id, want := range map[string]string{
		"NetworkManagerRoutingRule": `{"Name": "detour-network-manager-routing", "EventBusName": "default", "State": "ENABLED",
			"Description": "Detour: what makes it look sooner than the schedule",
			"EventPattern": {"source": ["aws.networkmanager"], "detail-type": ["Network Manager Routing Update"]},
			"Targets": [{"Id": "detour-switchover", "Arn": {"Fn::GetAtt": ["SwitchoverFunction", "Arn"]}, ` + dead + `},
				{"Id": "detour-routefilter", "Arn": {"Fn::GetAtt": ["RoutefilterFunction", "Arn"]}, ` + dead + `}]}`,
		"NoticeFilterRule": `{"Name": "detour-notice-filter", "EventBusName": "default", "State": "ENABLED", "Description": "Detour: what somebody must see at once",
			"EventPattern": {"source": ["detour"], "detail-type": ["Filter Measure Held"]},
			"Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadQueue", "Arn"]}},
				"RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}, "InputTransformer": {
				"InputPathsMap": {"kind": "$.detail-type", "account": "$.account", "region": "$.region", "filter": "$.detail.filter", "detail": "$.detail.detail", "at": "$.detail.at"},
				"InputTemplate": "\"Detour: <kind>, filter <filter>\"\n\"<detail>\"\n\"At <at>, by Detour in account <account>, Region <region>.\"\n\"Detour cannot keep this route out until something changes. What to do is in docs/runbook/filter-held.md.\""}}]}`,
		"NetworkManagerRoutingRoutefilterPermission": `{"FunctionName": {"Ref": "RoutefilterFunction"}, "Action": "lambda:InvokeFunction",
			"Principal": "events.amazonaws.com", "SourceAccount": "111122223333", "SourceArn": {"Fn::GetAtt": ["NetworkManagerRoutingRule", "Arn"]}}`,
		"LogVpnBgp21b2d02dFilter": `{"FilterName": "detour-routefilter", "LogGroupName": "/vpn/bgp", "FilterPattern": "{ $.type = \"RouteStatus\" }",
			"DestinationArn": {"Fn::GetAtt": ["RoutefilterFunction", "Arn"]}}`,
		"LogVpnBgp21b2d02dPermission": `{"FunctionName": {"Ref": "RoutefilterFunction"}, "Action": "lambda:InvokeFunction",
			"Principal": "logs.amazonaws.com", "SourceAccount": "111122223333", "SourceArn": "arn:aws:logs:eu-central-1:111122223333:log-group:/vpn/bgp:*"}`,
		"WakeFilterQueue": `{"QueueName": "detour-wake-filter", "SqsManagedSseEnabled": true, "VisibilityTimeout": 1800,
			"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["WakeFilterDeadQueue", "Arn"]}, "maxReceiveCount": 5}}`,
		"WakeFilterMapping": `{"FunctionName": {"Ref": "RoutefilterFunction"}, "EventSourceArn": {"Fn::GetAtt": ["WakeFilterQueue", "Arn"]}, "BatchSize": 10,
			"FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 2}}`,
		"RoutefilterInvoke": `{"FunctionName": {"Ref": "RoutefilterFunction"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 600,
			"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadQueue", "Arn"]}}}}`,
	} {
		wantJSON(t, id, made.Resources[id].Properties, want)
	}
	if got := made.Resources["LogVpnBgp21b2d02dFilter"].DependsOn; len(got) != 1 || got[0] != "LogVpnBgp21b2d02dPermission" {
		t.Errorf("the subscription depends on %v", got)
	}
	for id, want := range map[string]string{
		"RoutefilterFunction": `{"DETOUR_WAKE_QUEUE": {"Ref": "WakeFilterQueue"}, ` + environment,
		"SweepFunction":       `{"DETOUR_WAKE_QUEUE": {"Ref": "WakeQueue"}, "DETOUR_FILTER_WAKE_QUEUE": {"Ref": "WakeFilterQueue"}, ` + environment,
		"SwitchoverFunction":  `{"DETOUR_WAKE_QUEUE": {"Ref": "WakeQueue"}, ` + environment,
	} {
		wantJSON(t, "the environment of "+id, at(t, made.Resources[id].Properties, "Environment", "Variables"), want)
	}
	for name, want := range map[string]string{"Mode": "observe: 1 group, enforce: 0", "FilterMode": "observe: 2 filters, enforce: 1"} {
		if got := made.Outputs[name].Value; got != want {
			t.Errorf("%s is told as %v", name, got)
		}
	}
	access := templateOf(t, "filters", "access-444455556666-for-111122223333-eu-central-1")
	wantJSON(t, "who may assume the role of the spoke", at(t, access.Resources["Role"].Properties, "AssumeRolePolicyDocument", "Statement", 0, "Condition", "ArnEquals", "aws:PrincipalArn"),
		`["arn:aws:iam::111122223333:role/detour-routefilter-eu-central-1", "arn:aws:iam::111122223333:role/detour-sweep-eu-central-1"]`)
}

const environment = `"DETOUR_ACCOUNT": "111122223333", "DETOUR_TABLE": "detour", "DETOUR_EVENT_BUS": "default",
	"DETOUR_ROLE": "arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1", "DETOUR_EXTERNAL_ID": "detour-111122223333-eu-central-1"}`

const routefilterPolicy = `{"Version": "2012-10-17", "Statement": [
{"Sid": "DeleteTransitGatewayRoutes", "Effect": "Allow", "Action": "ec2:DeleteTransitGatewayRoute",
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-routefilter"}}},
{"Sid": "Events", "Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:eu-central-1:111122223333:event-bus/default"},
{"Sid": "Logs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
 "Resource": "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/detour-routefilter:*"},
{"Sid": "OtherAccounts", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::444455556666:role/detour-access-111122223333-eu-central-1",
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-routefilter"}}},
{"Sid": "Queues", "Effect": "Allow", "Action": "sqs:SendMessage",
 "Resource": ["arn:aws:sqs:eu-central-1:111122223333:detour-dead", "arn:aws:sqs:eu-central-1:111122223333:detour-wake-filter"]},
{"Sid": "ReadNetwork", "Effect": "Allow",
 "Action": ["ec2:DescribeTransitGatewayConnectPeers", "ec2:DescribeVpnConnections",
  "ec2:GetTransitGatewayRouteTableAssociations", "ec2:GetTransitGatewayRouteTablePropagations"],
 "Resource": "*"},
{"Sid": "ReadTransitGatewayRoutes", "Effect": "Allow", "Action": "ec2:SearchTransitGatewayRoutes",
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000a",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000b",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000c",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002"]},
{"Sid": "Records", "Effect": "Allow", "Action": ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
 "Resource": "arn:aws:dynamodb:eu-central-1:111122223333:table/detour"},
{"Sid": "SwitchPropagations", "Effect": "Allow",
 "Action": ["ec2:DisableTransitGatewayRouteTablePropagation", "ec2:EnableTransitGatewayRouteTablePropagation"],
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0c000000000000003",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-routefilter"}}},
{"Sid": "WakeUps", "Effect": "Allow", "Action": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
 "Resource": "arn:aws:sqs:eu-central-1:111122223333:detour-wake-filter"},
{"Sid": "WriteTransitGatewayRoutes", "Effect": "Allow", "Action": ["ec2:CreateTransitGatewayRoute", "ec2:ReplaceTransitGatewayRoute"],
 "Resource": ["arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0c000000000000003",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001",
  "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002"],
 "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:111122223333:function:detour-routefilter"}}}
]}`

// TestOnlyFilters: a home without a group has no function for groups, and nothing
// that would start one.
func TestOnlyFilters(t *testing.T) {
	files := templateFiles(t, parse(t, `version: 1
home: {account: 111122223333, region: eu-central-1}
filters:
  - {name: one, tables: [tgw-rtb-0a000000000000001], rules: [deny default-like], action: blackhole, bgpLogGroups: [/vpn/bgp, /vpn-bgp]}
`), "")
	made := decoded(t, files[home])
	for id, r := range made.Resources {
		if strings.Contains(id, "Switchover") || r.Type == "AWS::SQS::Queue" && r.Properties["QueueName"] == "detour-wake" {
			t.Errorf("%s is there", id)
		}
	}
	wantRoles(t, made, "RoutefilterRole", "ScheduleRole", "SweepRole")
	if got := idsOf(made, "AWS::Logs::SubscriptionFilter"); len(got) != 2 {
		t.Errorf("subscriptions %v of two log groups whose names differ little", got)
	}
	wantJSON(t, "the environment of the sweep", at(t, made.Resources["SweepFunction"].Properties, "Environment", "Variables"),
		`{"DETOUR_WAKE_QUEUE": {"Ref": "WakeFilterQueue"}, "DETOUR_ACCOUNT": "111122223333", "DETOUR_TABLE": "detour", "DETOUR_EVENT_BUS": "default"}`)
	if got := idsOf(made, "AWS::Scheduler::Schedule"); len(got) != 1 {
		t.Errorf("schedules %v", got)
	}
}
