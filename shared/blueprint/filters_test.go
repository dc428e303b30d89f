package blueprint_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/blueprint"
	"detour/shared/config"
)

// The expectations of this test are written by hand from the example.
func TestFilters(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-filters"))
	same(t, "the overview", overview(b), `
home 111122223333-eu-central-1: office; observe 1, enforce 0
  filters no-default partner plant; observe 2, enforce 1
  rules for filters cloudtrail-routes.json network-manager-routing.json
  log group /vpn/bgp
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-routing.json network-manager-status.json
  from 444455556666
  tunnels of vpn-0a000000000000001 for office/primary, needs 1
  tunnels of vpn-0b000000000000002 for office/backup, needs 1
  wake-ups in detour-wake, then detour-wake-dead, for detour-switchover
  wake-ups in detour-wake-filter, then detour-wake-filter-dead, for detour-routefilter
  schedule detour-rehearse rate(1 day) detour-sweep {"detour":"rehearse"}
  schedule detour-sweep rate(1 minute) detour-sweep {"detour":"sweep"}
  function detour-routefilter as detour-routefilter-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_EXTERNAL_ID=detour-111122223333-eu-central-1
    DETOUR_ROLE=arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake-filter
  function detour-sweep as detour-sweep-eu-central-1: 5m0s, 512 MB, 2 retries for 5m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_EXTERNAL_ID=detour-111122223333-eu-central-1
    DETOUR_ROLE=arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1
    DETOUR_TABLE=detour
    DETOUR_FILTER_WAKE_QUEUE is the URL of detour-wake-filter
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  function detour-switchover as detour-switchover-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_ACCOUNT=111122223333
    DETOUR_EVENT_BUS=default
    DETOUR_EXTERNAL_ID=detour-111122223333-eu-central-1
    DETOUR_ROLE=arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1
    DETOUR_TABLE=detour
    DETOUR_WAKE_QUEUE is the URL of detour-wake
  failback detour-failback as detour-failback-eu-central-1, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB; wakes detour-wake: precheck ask verify close
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-central-1: 5m0s, 512 MB, arn:aws:iam::{account}:role/detour-access-111122223333-eu-central-1; wakes detour-wake: advance undo
forward 111122223333-us-west-2
  network-manager-routing.json to 111122223333-eu-central-1
  network-manager-status.json to 111122223333-eu-central-1
forward 444455556666-eu-central-1
  cloudtrail-routes.json to 111122223333-eu-central-1
access 444455556666 for 111122223333-eu-central-1: detour-access-111122223333-eu-central-1, detour-111122223333-eu-central-1, trusts arn:aws:iam::111122223333:root
  only arn:aws:iam::111122223333:role/detour-routefilter-eu-central-1
  only arn:aws:iam::111122223333:role/detour-sweep-eu-central-1
`)
	samePolicy(t, b, blueprint.FunctionRouteFilter, `
DeleteTransitGatewayRoutes
  ec2:DeleteTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
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
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
Queues
  sqs:SendMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-dead
  arn:aws:sqs:eu-central-1:111122223333:detour-wake-filter
ReadNetwork
  ec2:DescribeTransitGatewayConnectPeers
  ec2:DescribeVpnConnections
  ec2:GetTransitGatewayRouteTableAssociations
  ec2:GetTransitGatewayRouteTablePropagations
  *
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000a
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000b
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a00000000000000c
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
Records
  dynamodb:BatchGetItem
  dynamodb:GetItem
  dynamodb:PutItem
  dynamodb:UpdateItem
  arn:aws:dynamodb:eu-central-1:111122223333:table/detour
SwitchPropagations
  ec2:DisableTransitGatewayRouteTablePropagation
  ec2:EnableTransitGatewayRouteTablePropagation
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0c000000000000003
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
WakeUps
  sqs:DeleteMessage
  sqs:GetQueueAttributes
  sqs:ReceiveMessage
  arn:aws:sqs:eu-central-1:111122223333:detour-wake-filter
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-0c000000000000003
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a000000000000001
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b000000000000002
  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:NAME
`)
	same(t, "the policy in the plant's account", policy(b.Access[0].Statements), `
DeleteRoutes
  ec2:DeleteRoute
  arn:aws:ec2:eu-central-1:444455556666:route-table/rtb-0c000000000000003
ReadNetwork
  ec2:DescribeRouteTables
  ec2:DescribeTransitGatewayConnectPeers
  ec2:DescribeVpnConnections
  *
WriteRoutes
  ec2:CreateRoute
  ec2:ReplaceRoute
  arn:aws:ec2:eu-central-1:444455556666:route-table/rtb-0c000000000000003
`)
	// The function for groups has nothing of it.
	for _, s := range function(t, b, 0, blueprint.FunctionSwitchover) {
		for _, resource := range s.Resources {
			if strings.Contains(resource, "tgw-rtb-0a") || strings.Contains(resource, "tgw-rtb-0b") || strings.Contains(resource, "444455556666") || strings.Contains(resource, "wake-filter") {
				t.Errorf("%s of detour-switchover has %s", s.Sid, resource)
			}
		}
	}
}

// TestAlarmsOfFilters: what they add where there are any, and what goes where there
// is no group.
func TestAlarmsOfFilters(t *testing.T) {
	home := blueprintOf(t, example(t, "deploy-filters")).Homes[0]
	names := func(home blueprint.Home) (out []string) {
		for _, a := range blueprint.Alarms(home) {
			if !strings.HasPrefix(a.Name, "detour-blackhole-drops-") {
				out = append(out, strings.TrimPrefix(a.Name, "detour-"))
			}
		}
		return out
	}
	if got, want := strings.Join(names(home), " "), "contended dead-letters denied "+
		"failback-advance-errors failback-ask-errors failback-close-errors failback-failed failback-precheck-errors failback-timed-out failback-undo-errors failback-verify-errors "+
		"filter-held filter-measures held-partial mass-failure no-sweeps no-usable-path "+
		"not-rehearsed routefilter-errors routefilter-throttles sweep-errors sweep-throttles switchover-errors switchover-throttles unannounced unreadable "+
		"wake-dead-letters wake-filter-dead-letters write-failures"; got != want {
		t.Errorf("alarms\n%s\nwant\n%s", got, want)
	}
	home.Groups, home.Wakes, home.Functions, home.Failback = nil, home.Wakes[1:], home.Functions[:2], nil
	if got, want := strings.Join(names(home), " "), "contended dead-letters filter-held filter-measures no-sweeps "+
		"routefilter-errors routefilter-throttles sweep-errors sweep-throttles unannounced unreadable wake-filter-dead-letters write-failures"; got != want {
		t.Errorf("without a group\n%s\nwant\n%s", got, want)
	}
}

// onlyFilters has no group.
const onlyFilters = `version: 1
home: {account: 111122223333, region: REGION}
tables: [{name: far, id: tgw-rtb-02, region: FAR}]
filters:
  - {name: one, tables: [tgw-rtb-01], rules: [deny default-like], action: ACTION}
  - {name: two, tables: [far], rules: [deny default-like], action: alert, bgpLogGroups: [/b, /a]}
`

func onlyFiltersIn(t *testing.T, region, far, action string) config.Config {
	t.Helper()
	return read(t, strings.NewReplacer("REGION", region, "FAR", far, "ACTION", action).Replace(onlyFilters))
}

// TestAHomeWithoutGroups has no function for groups, and none of what starts it.
func TestAHomeWithoutGroups(t *testing.T) {
	b := blueprintOf(t, onlyFiltersIn(t, "eu-central-1", "eu-west-1", "blackhole"))
	got := overview(b)
	for _, line := range []string{"    DETOUR_A", "    DETOUR_E", "    DETOUR_T"} {
		got = strings.Join(slices.DeleteFunc(strings.Split(got, "\n"), func(s string) bool { return strings.HasPrefix(s, line) }), "\n")
	}
	same(t, "the overview", got, `
home 111122223333-eu-central-1: ; observe 0, enforce 0
  filters one two; observe 2, enforce 0
  rules for filters cloudtrail-routes.json network-manager-routing.json
  log group /a
  log group /b
`+"  rules \n"+`  wake-ups in detour-wake-filter, then detour-wake-filter-dead, for detour-routefilter
  schedule detour-sweep rate(1 minute) detour-sweep {"detour":"sweep"}
  function detour-routefilter as detour-routefilter-eu-central-1: 5m0s, 512 MB, 2 retries for 10m0s
    DETOUR_WAKE_QUEUE is the URL of detour-wake-filter
  function detour-sweep as detour-sweep-eu-central-1: 5m0s, 512 MB, 2 retries for 5m0s
    DETOUR_WAKE_QUEUE is the URL of detour-wake-filter
forward 111122223333-eu-west-1
  cloudtrail-routes.json to 111122223333-eu-central-1
forward 111122223333-us-west-2
  network-manager-routing.json to 111122223333-eu-central-1
`)
	var sids []string
	for _, s := range function(t, b, 0, blueprint.FunctionSweep) {
		sids = append(sids, s.Sid)
	}
	if got, want := strings.Join(sids, " "), "DeleteTransitGatewayRoutes Events Logs Queues ReadNetwork ReadTransitGatewayRoutes Records WriteTransitGatewayRoutes"; got != want {
		t.Errorf("statements %s, want %s", got, want)
	}
}

// TestFiltersThatCannotBeDeployed says why.
func TestFiltersThatCannotBeDeployed(t *testing.T) {
	for name, c := range map[string]struct {
		config config.Config
		want   string
	}{
		"partitions": {onlyFiltersIn(t, "eu-central-1", "cn-north-1", "blackhole"), `filters[1]: "two" has its home in partition aws and a table in cn-north-1, which is in aws-cn; declare what lies in another partition in a filter with its home there`},
		"everybody": {
			onlyFiltersIn(t, "eu-central-1", "eu-west-1", "quarantine, acceptLoss: true"),
			"filters[0].attachments: missing, and the function's role may switch the propagation of no attachment that is not named; write the attachments that may be put in quarantine",
		},
		"no place of Network Manager": {onlyFiltersIn(t, "cn-north-1", "cn-north-1", "alert"), "networkManager.region: missing"},
	} {
		if _, err := blueprint.New(c.config, blueprint.Options{}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

// withFilters draws filters beside groups, in tables of their own.
func withFilters(t *rapid.T) config.Config {
	c := draw(t)
	n := 0
	id := func(marker string) string { n++; return fmt.Sprintf("%sf%03d", marker, n) }
	for range rapid.IntRange(1, 3).Draw(t, "filters") {
		f := config.NewFilter()
		f.Name = id("filter-")
		f.Home = config.Home{Account: rapid.SampledFrom(accounts).Draw(t, "home"), Region: rapid.SampledFrom(regions).Draw(t, "home in")}
		f.Rules = []string{"deny default-like"}
		table := config.Table{ID: id("tgw-rtb-"), Account: rapid.SampledFrom(accounts).Draw(t, "table"), Region: rapid.SampledFrom(regions).Draw(t, "table in")}
		f.Action = rapid.SampledFrom([]string{"alert", "blackhole", "pin", "quarantine", "pin in a VPC"}).Draw(t, "action")
		switch f.Action {
		case "quarantine":
			f.Attachments, f.AcceptLoss = []string{id("tgw-attach-"), id("tgw-attach-")}, true
			observed := config.Table{ID: id("tgw-rtb-"), Account: table.Account, Region: table.Region}
			observed.Name = "table-" + observed.ID
			c.TableList, f.Observation = append(c.TableList, observed), map[string]string{f.Attachments[0]: observed.ID}
		case "pin":
			f.Egress = map[string]string{table.ID: id("tgw-attach-")}
		case "pin in a VPC":
			f.Action, table.ID = "pin", id("rtb-")
			f.Egress = map[string]string{table.ID: id("nat-")}
		}
		table.Name = "table-" + table.ID
		c.TableList = append(c.TableList, table)
		f.Tables = []string{table.ID}
		c.FilterList = append(c.FilterList, f)
	}
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatal(config.Problems(problems))
	}
	return c
}

// filtered returns the writes of a filter, each as the call and an ARN that it
// touches, found here without the package.
func filtered(f config.Filter, table config.Table) (out []string) {
	arn := func(rest string) string { return "arn:aws:ec2:" + table.Region + ":" + table.Account + ":" + rest }
	add := func(resource string, calls ...string) {
		for _, call := range calls {
			out = append(out, "ec2:"+call+" "+resource)
		}
	}
	if f.Action == "alert" {
		return nil
	}
	if strings.HasPrefix(table.ID, "rtb-") {
		add(arn("route-table/"+table.ID), "CreateRoute", "ReplaceRoute", "DeleteRoute")
		return out
	}
	gateway := arn("transit-gateway-route-table/" + table.ID)
	add(gateway, "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute", "DeleteTransitGatewayRoute")
	for _, target := range f.Egress {
		add(arn("transit-gateway-attachment/"+target), "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute")
	}
	if f.Action == "quarantine" {
		add(gateway, "EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation")
		for _, id := range f.Attachments {
			add(arn("transit-gateway-attachment/"+id), "CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute",
				"EnableTransitGatewayRouteTablePropagation", "DisableTransitGatewayRouteTablePropagation")
		}
	}
	return out
}

// TestPropertyFiltersWriteExactlyTheirTables: of the function for filters, in the
// home's account; that of the groups has the writes of the groups alone, and the
// sweep has both.
func TestPropertyFiltersWriteExactlyTheirTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := withFilters(t)
		b, err := blueprint.New(c, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		bare := c
		bare.FilterList = nil
		without, err := blueprint.New(bare, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		groups := map[blueprint.Site][]string{}
		for _, h := range without.Homes {
			groups[h.Site] = written(h.Functions[0].Statements)
		}
		filters := map[blueprint.Site][]string{}
		for _, f := range c.FilterList {
			for _, table := range c.TableList {
				if slices.Contains(f.Tables, table.ID) && table.Account == f.Home.Account {
					filters[blueprint.Site(f.Home)] = append(filters[blueprint.Site(f.Home)], filtered(f, table)...)
				}
			}
		}
		for _, h := range b.Homes {
			want := map[string][]string{
				blueprint.FunctionSwitchover: groups[h.Site], blueprint.FunctionRouteFilter: filters[h.Site],
				blueprint.FunctionSweep: slices.Concat(groups[h.Site], filters[h.Site]),
			}
			for _, f := range h.Functions {
				lines := slices.Clone(want[f.Name])
				slices.Sort(lines)
				if got := written(f.Statements); !reflect.DeepEqual(got, slices.Compact(lines)) && len(got)+len(lines) > 0 {
					t.Fatalf("%s of %s writes\n%v\nwant\n%v", f.Name, h, got, lines)
				}
			}
		}
	})
}

// TestLearnedNextHops: where a group leaves a route to what is learned, its
// functions delete the static route, and read the table that shows what is learned
// with who teaches it.
func TestLearnedNextHops(t *testing.T) {
	b := blueprintOf(t, read(t, `version: 1
home: {account: 111122223333, region: eu-central-1}
tables: [{name: seen, id: tgw-rtb-0b}]
groups:
  - name: plant
    paths:
      - {name: router, kind: connect, attachment: tgw-attach-01, peers: [tgw-connect-peer-01], observation: seen}
      - {name: vpn, vpn: vpn-02}
    units:
      - entries:
          - {table: tgw-rtb-0a, destination: 10.128.0.0/10, nextHops: {router: "propagated:tgw-attach-01", vpn: tgw-attach-02}}
          - {table: tgw-rtb-0c, destination: 10.1.0.0/16, nextHops: {router: tgw-attach-03, vpn: tgw-attach-02}}
`))
	for _, name := range []string{blueprint.FunctionSweep, blueprint.FunctionSwitchover} {
		own := slices.DeleteFunc(function(t, b, 0, name), func(s blueprint.Statement) bool {
			return !strings.HasPrefix(s.Sid, "Read") && !strings.HasPrefix(s.Sid, "Write") && !strings.HasPrefix(s.Sid, "Delete")
		})
		condition := "  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:" + name + "\n"
		same(t, "the policy of "+name, policy(own), `
DeleteTransitGatewayRoutes
  ec2:DeleteTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a
`+condition+`ReadNetwork
  ec2:DescribeTransitGatewayAttachments
  ec2:DescribeTransitGatewayConnectPeers
  ec2:DescribeVpnConnections
  ec2:GetTransitGatewayRouteTableAssociations
  ec2:GetTransitGatewayRouteTablePropagations
  *
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0b
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0c
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-02
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-03
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0a
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-0c
`+condition)
	}
}
