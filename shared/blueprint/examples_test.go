package blueprint_test

import (
	"testing"

	"detour/shared/blueprint"
)

// The expectations of this file are written by hand from the examples, ARN by ARN,
// so that they share no code with what they check.

func TestOneAccount(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-one-account"))
	same(t, "the overview", overview(b), `
home 111122223333-eu-central-1: office plant; observe 2, enforce 0
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-routing.json network-manager-status.json
  tunnels of vpn-0a000000000000001 for office/primary, needs 1
  tunnels of vpn-0b000000000000002 for office/backup, needs 1
  wake-ups in detour-wake, then detour-wake-dead, for detour-switchover
  schedule detour-rehearse rate(1 day) detour-sweep {"detour":"rehearse"}
  schedule detour-sweep rate(1 minute) detour-sweep {"detour":"sweep"}
  function detour-sweep as detour-sweep-eu-central-1: 5m0s, 512 MB, 2 retries for 5m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  function detour-switchover as detour-switchover-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  failback detour-failback as detour-failback-eu-central-1, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB; wakes detour-wake: precheck ask advance verify undo close
forward 111122223333-us-west-2
  network-manager-routing.json to 111122223333-eu-central-1
  network-manager-status.json to 111122223333-eu-central-1
`)
	const reads = `
Events
  events:PutEvents
  arn:aws:events:eu-central-1:111122223333:event-bus/default
Logs
  logs:CreateLogStream
  logs:PutLogEvents
  arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/NAME:*
Queues
  sqs:SendMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-dead
  arn:aws:sqs:eu-central-1:111122223333:detour-wake
ReadAlarms
  cloudwatch:DescribeAlarms
  *
ReadNetwork
  ec2:DescribeInstanceStatus
  ec2:DescribeNetworkInterfaces
  ec2:DescribeRouteTables
  ec2:DescribeVpnConnections
  *
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
Records
  dynamodb:BatchGetItem
  dynamodb:GetItem
  dynamodb:PutItem
  dynamodb:UpdateItem
  arn:aws:dynamodb:eu-central-1:111122223333:table/detour
`
	const wakes = `WakeUps
  sqs:DeleteMessage
  sqs:GetQueueAttributes
  sqs:ReceiveMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-wake
`
	const writes = `WriteRoutes
  ec2:CreateRoute
  ec2:ReplaceRoute
  arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-0a000000000000001
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
`
	samePolicy(t, b, blueprint.FunctionSwitchover, reads+wakes+writes)
	samePolicy(t, b, blueprint.FunctionSweep, reads+writes)
}

// hubReads is what the sweep of the hub may do in its own account but write routes, which
// is hubWrites. NAME stands for the function.
const (
	hubReads = `
Events
  events:PutEvents
  arn:aws:events:eu-central-1:111122223333:event-bus/default
Logs
  logs:CreateLogStream
  logs:PutLogEvents
  arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/NAME:*
OtherAccounts
  sts:AssumeRole
  arn:aws:iam::444455556666:role/detour-access-111122223333-eu-central-1
  arn:aws:iam::777788889999:role/detour-access-111122223333-eu-central-1
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
Queues
  sqs:SendMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-dead
  arn:aws:sqs:eu-central-1:111122223333:detour-wake
ReadAlarms
  cloudwatch:DescribeAlarms
  *
ReadNetwork
  ec2:DescribeManagedPrefixLists
  ec2:DescribeTransitGatewayAttachments
  ec2:DescribeTransitGatewayConnectPeers
  ec2:DescribeVpnConnections
  ec2:GetTransitGatewayPrefixListReferences
  *
ReadPrefixLists
  ec2:GetManagedPrefixListEntries
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
Records
  dynamodb:BatchGetItem
  dynamodb:GetItem
  dynamodb:PutItem
  dynamodb:UpdateItem
  arn:aws:dynamodb:eu-central-1:111122223333:table/detour
`
	hubWrites = `WritePrefixListReferences
  ec2:CreateTransitGatewayPrefixListReference
  ec2:ModifyTransitGatewayPrefixListReference
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
`
)

func TestHubAndSpokes(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-hub-and-spokes"))
	same(t, "the overview", overview(b), `
home 111122223333-eu-central-1: data-centre partners; observe 2, enforce 0
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-routing.json network-manager-status.json
  from 444455556666 777788889999 999900001111
  tunnels of vpn-0a000000000000001 for partners/primary, needs 1
  tunnels of vpn-0b000000000000002 for partners/backup, needs 2
  wake-ups in detour-wake, then detour-wake-dead, for detour-switchover
  schedule detour-rehearse rate(1 day) detour-sweep {"detour":"rehearse"}
  schedule detour-sweep rate(1 minute) detour-sweep {"detour":"sweep"}
  function detour-sweep as detour-sweep-eu-central-1: 5m0s, 512 MB, 2 retries for 5m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_EXTERNAL_ID=detour-111122223333-eu-central-1
    DETOUR_ROLE=arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  function detour-switchover as detour-switchover-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_EXTERNAL_ID=detour-111122223333-eu-central-1
    DETOUR_ROLE=arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  failback detour-failback as detour-failback-eu-central-1, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB, arn:aws:iam::{account}:role/detour-look-111122223333-eu-central-1; wakes detour-wake: precheck ask verify close
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB, arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1; wakes detour-wake: advance undo
forward 111122223333-us-east-1
  cloudwatch-alarm.json to 111122223333-eu-central-1
forward 444455556666-eu-central-1
  cloudtrail-routes.json to 111122223333-eu-central-1
forward 777788889999-eu-central-1
  cloudtrail-routes.json to 111122223333-eu-central-1
forward 999900001111-us-west-2
  network-manager-routing.json to 111122223333-eu-central-1
  network-manager-status.json to 111122223333-eu-central-1
access 444455556666 for 111122223333-eu-central-1: detour-access-111122223333-eu-central-1, detour-111122223333-eu-central-1, trusts arn:aws:iam::111122223333:root
  only arn:aws:iam::111122223333:role/detour-failback-advance-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-undo-eu-central-1
  only arn:aws:iam::111122223333:role/detour-sweep-eu-central-1
  only arn:aws:iam::111122223333:role/detour-switchover-eu-central-1
access 444455556666 for 111122223333-eu-central-1: detour-look-111122223333-eu-central-1, detour-111122223333-eu-central-1, trusts arn:aws:iam::111122223333:root
  only arn:aws:iam::111122223333:role/detour-failback-ask-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-close-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-precheck-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-verify-eu-central-1
access 777788889999 for 111122223333-eu-central-1: detour-access-111122223333-eu-central-1, detour-111122223333-eu-central-1, trusts arn:aws:iam::111122223333:root
  only arn:aws:iam::111122223333:role/detour-failback-advance-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-undo-eu-central-1
  only arn:aws:iam::111122223333:role/detour-sweep-eu-central-1
  only arn:aws:iam::111122223333:role/detour-switchover-eu-central-1
access 777788889999 for 111122223333-eu-central-1: detour-look-111122223333-eu-central-1, detour-111122223333-eu-central-1, trusts arn:aws:iam::111122223333:root
  only arn:aws:iam::111122223333:role/detour-failback-ask-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-close-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-precheck-eu-central-1
  only arn:aws:iam::111122223333:role/detour-failback-verify-eu-central-1
`)
	samePolicy(t, b, blueprint.FunctionSweep, hubReads+hubWrites)
	same(t, "the policy in the blue account", policy(b.Access[0].Statements), `
ReadNetwork
  ec2:DescribeManagedPrefixLists
  ec2:DescribeRouteTables
  *
ReadPrefixLists
  ec2:GetManagedPrefixListEntries
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001
WriteRoutes
  ec2:CreateRoute
  ec2:ReplaceRoute
  arn:aws:ec2:eu-central-1:444455556666:route-table/rtb-0a000000000000001
`)
	same(t, "the policy of those that look in the blue account", policy(b.Access[1].Statements), `
ReadNetwork
  ec2:DescribeManagedPrefixLists
  ec2:DescribeRouteTables
  *
ReadPrefixLists
  ec2:GetManagedPrefixListEntries
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-0a000000000000001
`)
	same(t, "the policy of those that look in the green account", policy(b.Access[3].Statements), `
ReadNetwork
  ec2:DescribeRouteTables
  *
`)
	same(t, "the policy in the green account", policy(b.Access[2].Statements), `
ReadNetwork
  ec2:DescribeRouteTables
  *
WriteRoutes
  ec2:CreateRoute
  ec2:ReplaceRoute
  arn:aws:ec2:eu-central-1:777788889999:route-table/rtb-0b000000000000002
`)
}

func TestTwoRegions(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-two-regions"))
	same(t, "the overview", overview(b), `
home 111122223333-eu-central-1: headquarters; observe 0, enforce 1
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-routing.json network-manager-status.json
  tunnels of vpn-0a000000000000001 for headquarters/by-frankfurt, needs 1
  wake-ups in detour-wake, then detour-wake-dead, for detour-switchover
  schedule detour-rehearse rate(1 day) detour-sweep {"detour":"rehearse"}
  schedule detour-sweep rate(1 minute) detour-sweep {"detour":"sweep"}
  function detour-sweep as detour-sweep-eu-central-1: 5m0s, 512 MB, 2 retries for 5m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  function detour-switchover as detour-switchover-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  failback detour-failback as detour-failback-eu-central-1, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB; wakes detour-wake: precheck ask advance verify undo close
forward 111122223333-eu-west-1
  tunnels of vpn-0b000000000000002 for headquarters/by-dublin, needs 1
  aws-health.json to 111122223333-eu-central-1
  cloudtrail-routes.json to 111122223333-eu-central-1
  cloudwatch-alarm.json to 111122223333-eu-central-1
forward 111122223333-us-west-2
  network-manager-routing.json to 111122223333-eu-central-1
  network-manager-status.json to 111122223333-eu-central-1
`)
	samePolicy(t, b, blueprint.FunctionSwitchover, `
Events
  events:PutEvents
  arn:aws:events:eu-central-1:111122223333:event-bus/default
Logs
  logs:CreateLogStream
  logs:PutLogEvents
  arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/NAME:*
Queues
  sqs:SendMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-dead
  arn:aws:sqs:eu-central-1:111122223333:detour-wake
ReadNetwork
  ec2:DescribeVpnConnections
  *
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  arn:aws:ec2:eu-west-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
Records
  dynamodb:BatchGetItem
  dynamodb:GetItem
  dynamodb:PutItem
  dynamodb:UpdateItem
  arn:aws:dynamodb:eu-central-1:111122223333:table/detour
WakeUps
  sqs:DeleteMessage
  sqs:GetQueueAttributes
  sqs:ReceiveMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-wake
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0c000000000000003
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  arn:aws:ec2:eu-west-1:111122223333:transit-gateway-attachment/tgw-attach-0b000000000000002
  arn:aws:ec2:eu-west-1:111122223333:transit-gateway-attachment/tgw-attach-0d000000000000004
  arn:aws:ec2:eu-west-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
`)
}
