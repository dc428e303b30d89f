package authz_test

import (
	"net/url"
	"strings"
	"testing"

	"detour/shared/sim/authz"
)

// TestNeeds: literal actions and ARNs, in the partition of the Region.
func TestNeeds(t *testing.T) {
	type body = map[string]any
	const tgwTable, list = "tgw-rtb-1", "pl-1"
	for _, c := range []struct {
		name, service, operation, region string
		params                           url.Values
		body                             body
		want                             string
	}{
		{"a description", "ec2", "DescribeVpnConnections", "eu-central-1", url.Values{"VpnConnectionId.1": {"vpn-1"}}, nil, "ec2:DescribeVpnConnections *"},
		{"references", "ec2", "GetTransitGatewayPrefixListReferences", "eu-central-1", url.Values{"TransitGatewayRouteTableId": {tgwTable}}, nil, "ec2:GetTransitGatewayPrefixListReferences *"},
		{
			"a search", "ec2", "SearchTransitGatewayRoutes", "cn-north-1",
			url.Values{"TransitGatewayRouteTableId": {tgwTable}},
			nil,
			"ec2:SearchTransitGatewayRoutes arn:aws-cn:ec2:cn-north-1:111122223333:transit-gateway-route-table/tgw-rtb-1",
		},
		{
			"entries", "ec2", "GetManagedPrefixListEntries", "us-gov-west-1",
			url.Values{"PrefixListId": {list}},
			nil,
			"ec2:GetManagedPrefixListEntries arn:aws-us-gov:ec2:us-gov-west-1:111122223333:prefix-list/pl-1",
		},
		{
			"a blackhole", "ec2", "CreateTransitGatewayRoute", "eu-central-1",
			url.Values{"TransitGatewayRouteTableId": {tgwTable}, "Blackhole": {"true"}},
			nil,
			"ec2:CreateTransitGatewayRoute arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-1",
		},
		{
			"a reference", "ec2", "ModifyTransitGatewayPrefixListReference", "eu-central-1",
			url.Values{"TransitGatewayRouteTableId": {tgwTable}, "PrefixListId": {list}, "TransitGatewayAttachmentId": {"tgw-attach-1"}},
			nil,
			"ec2:ModifyTransitGatewayPrefixListReference arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-1" +
				"|ec2:ModifyTransitGatewayPrefixListReference arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-1" +
				"|ec2:ModifyTransitGatewayPrefixListReference arn:aws:ec2:eu-central-1:444455556666:transit-gateway-attachment/tgw-attach-1",
		},
		{
			"a VPC's route", "ec2", "ReplaceRoute", "eu-central-1",
			url.Values{"RouteTableId": {"rtb-1"}, "DestinationPrefixListId": {list}, "NetworkInterfaceId": {"eni-1"}},
			nil,
			"ec2:ReplaceRoute arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-1",
		},
		{"without a table", "ec2", "ReplaceRoute", "eu-central-1", url.Values{}, nil, "ec2:ReplaceRoute *"},
		{"who am I", "sts", "GetCallerIdentity", "eu-central-1", nil, nil, ""},
		{"a read", "dynamodb", "GetItem", "eu-central-1", nil, body{"TableName": "detour"}, "dynamodb:GetItem arn:aws:dynamodb:eu-central-1:111122223333:table/detour"},
		{
			"a batch", "dynamodb", "BatchGetItem", "eu-central-1", nil,
			body{"RequestItems": body{"b": 1, "a": 2}},
			"dynamodb:BatchGetItem arn:aws:dynamodb:eu-central-1:111122223333:table/a|dynamodb:BatchGetItem arn:aws:dynamodb:eu-central-1:111122223333:table/b",
		},
		{
			"a transaction", "dynamodb", "TransactWriteItems", "eu-central-1", nil,
			body{"TransactItems": []any{
				body{"Update": body{"TableName": "detour"}},
				body{"Put": body{"TableName": "detour"}},
				body{"Put": body{"TableName": "detour"}},
				body{"ConditionCheck": body{"TableName": "detour"}},
			}},
			"dynamodb:ConditionCheckItem arn:aws:dynamodb:eu-central-1:111122223333:table/detour" +
				"|dynamodb:PutItem arn:aws:dynamodb:eu-central-1:111122223333:table/detour|dynamodb:UpdateItem arn:aws:dynamodb:eu-central-1:111122223333:table/detour",
		},
		{
			"a message", "sqs", "SendMessage", "eu-central-1", nil,
			body{"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/444455556666/wake"},
			"sqs:SendMessage arn:aws:sqs:eu-central-1:444455556666:wake",
		},
		{
			"events", "events", "PutEvents", "eu-central-1", nil,
			body{"Entries": []any{body{}, body{"EventBusName": "default"}, body{"EventBusName": "arn:aws:events:eu-west-1:444455556666:event-bus/b"}}},
			"events:PutEvents arn:aws:events:eu-central-1:111122223333:event-bus/default|events:PutEvents arn:aws:events:eu-west-1:444455556666:event-bus/b",
		},
		{"all alarms", "monitoring", "DescribeAlarms", "eu-central-1", nil, body{}, "cloudwatch:DescribeAlarms *"},
		{"composite alarms", "monitoring", "DescribeAlarms", "eu-central-1", nil, body{"AlarmNames": []any{"a"}, "AlarmTypes": []any{"CompositeAlarm", "MetricAlarm"}}, "cloudwatch:DescribeAlarms *"},
		{"one alarm", "monitoring", "DescribeAlarms", "eu-central-1", nil, body{"AlarmNames": []any{"a"}}, "cloudwatch:DescribeAlarms arn:aws:cloudwatch:eu-central-1:111122223333:alarm:a"},
	} {
		call := authz.Call{Service: c.service, Account: home, Region: c.region, Operation: c.operation, Params: c.params, Body: c.body}
		needs, err := call.Needs(owners)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, need := range needs {
			got = append(got, need.Action+" "+need.Resource)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s: got %s\nwant %s", c.name, text, c.want)
		}
	}
}

func TestAnUnknownCallIsNamed(t *testing.T) {
	for _, service := range []string{"ec2", "sts", "dynamodb", "sqs", "events", "monitoring", "s3"} {
		call := authz.Call{Service: service, Account: home, Region: "eu-central-1", Operation: "DeleteEverything"}
		if _, err := call.Needs(owners); err == nil || !strings.Contains(err.Error(), service+":DeleteEverything") {
			t.Errorf("%s: %v", service, err)
		}
	}
}
