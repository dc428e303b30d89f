package blueprint_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"detour/events/pattern"
	"detour/shared/blueprint"
	"detour/shared/config"
)

// pair is a configuration of one group with two VPN connections, in which ACCOUNT
// and REGION are the home's.
const pair = `version: 1
home: {account: 111122223333, region: REGION}
groups:
  - name: branch
    paths:
      - {name: one, vpn: vpn-01}
      - {name: two, vpn: vpn-02}
    units:
      - entries:
          - {table: tgw-rtb-01, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-01, two: tgw-attach-02}}
`

func pairIn(region string) string { return strings.Replace(pair, "REGION", region, 1) }

// TestPartitions: every ARN is in the partition of its Region.
func TestPartitions(t *testing.T) {
	for region, partition := range map[string]string{"eu-central-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"} {
		text := strings.Replace(pairIn(region), "groups:", "networkManager: {account: 999900001111, region: "+region+"}\ngroups:", 1)
		c := read(t, strings.Replace(text, "table: tgw-rtb-01,", "table: tgw-rtb-01, account: 444455556666,", 1))
		b := blueprintOf(t, c)
		var found []string
		for _, statements := range allStatements(b) {
			for _, s := range statements {
				found = append(found, s.Resources...)
				for _, keys := range s.Conditions {
					for _, values := range keys {
						found = append(found, values...)
					}
				}
			}
		}
		found = append(found, b.Access[0].Principals...)
		found = append(found, b.Access[0].Trust(), b.Homes[0].Functions[0].Environment["DETOUR_ROLE"])
		for _, arn := range found {
			if arn != "*" && !strings.HasPrefix(arn, "arn:"+partition+":") {
				t.Errorf("%s: %s", region, arn)
			}
		}
		same(t, "the policy of the table's account in "+region, policy(b.Access[0].Statements), strings.NewReplacer("REGION", region, "PARTITION", partition).Replace(`
ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:PARTITION:ec2:REGION:444455556666:transit-gateway-route-table/tgw-rtb-01
WriteTransitGatewayRoutes
  ec2:CreateTransitGatewayRoute
  ec2:ReplaceTransitGatewayRoute
  arn:PARTITION:ec2:REGION:111122223333:transit-gateway-attachment/tgw-attach-01
  arn:PARTITION:ec2:REGION:111122223333:transit-gateway-attachment/tgw-attach-02
  arn:PARTITION:ec2:REGION:444455556666:transit-gateway-route-table/tgw-rtb-01
`))
	}
}

func allStatements(b blueprint.Blueprint) map[string][]blueprint.Statement {
	out := map[string][]blueprint.Statement{}
	for _, h := range b.Homes {
		for _, f := range h.Functions {
			out[h.String()+" "+f.Name] = f.Statements
		}
		if h.Failback == nil {
			continue
		}
		out[h.String()+" "+h.Failback.StateMachine] = h.Failback.Statements
		for _, f := range h.Failback.Tasks {
			out[h.String()+" "+f.Name] = f.Statements
		}
	}
	for _, a := range b.Access {
		out[a.Account+" for "+a.Home.String()+" as "+a.Role] = a.Statements
	}
	return out
}

// TestPrefixLists: whose they are, and that only writes to transit gateway tables
// and a comparison with neverTouch need them.
func TestPrefixLists(t *testing.T) {
	const yaml = `version: 1
home: {account: 111122223333, region: eu-central-1}
prefixLists:
  - {id: pl-02, owner: 444455556666, accept: true}
  - {id: pl-03, owner: AWS, accept: true}
NEVERgroups:
  - name: branch
    paths:
      - {name: one, kind: attachment, attachment: tgw-attach-01, account: 777788889999}
      - {name: two, vpn: vpn-02}
    units:
      - entries:
          - {table: tgw-rtb-01, destination: pl-01, nextHops: {one: tgw-attach-01, two: tgw-attach-02}}
          - {table: tgw-rtb-02, destination: pl-02, nextHops: {one: tgw-attach-01, two: blackhole}}
          - {table: rtb-03, destination: pl-03, nextHops: {one: tgw-01, two: vgw-02}}
          - {table: rtb-04, destination: 10.1.0.0/16, nextHops: {one: eni-01, two: nat-02}}
`
	own := func(never string) []blueprint.Statement {
		b := blueprintOf(t, read(t, strings.Replace(yaml, "NEVER", never, 1)))
		return slices.DeleteFunc(function(t, b, 0, blueprint.FunctionSweep), func(s blueprint.Statement) bool {
			return !strings.HasPrefix(s.Sid, "Read") && !strings.HasPrefix(s.Sid, "Write") && s.Sid != "OtherAccounts"
		})
	}
	const condition = "  if ArnEquals lambda:SourceFunctionArn arn:aws:lambda:eu-central-1:111122223333:function:detour-sweep\n"
	const before = `OtherAccounts
  sts:AssumeRole
  arn:aws:iam::777788889999:role/detour-access-111122223333-eu-central-1
` + condition + `ReadNetwork
  ec2:DescribeManagedPrefixLists
  ec2:DescribeRouteTables
  ec2:DescribeVpnConnections
  ec2:GetTransitGatewayPrefixListReferences
  *
`
	const after = `ReadTransitGatewayRoutes
  ec2:SearchTransitGatewayRoutes
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-01
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-02
WritePrefixListReferences
  ec2:CreateTransitGatewayPrefixListReference
  ec2:ModifyTransitGatewayPrefixListReference
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-01
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-attachment/tgw-attach-02
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-01
  arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-02
  arn:aws:ec2:eu-central-1:444455556666:prefix-list/pl-02
  arn:aws:ec2:eu-central-1:777788889999:transit-gateway-attachment/tgw-attach-01
` + condition + `WriteRoutes
  ec2:CreateRoute
  ec2:ReplaceRoute
  arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-03
  arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-04
` + condition
	same(t, "without neverTouch", policy(own("")), before+after)
	same(t, "with neverTouch", policy(own("neverTouch: {destinations: [192.0.2.0/24]}\n")), before+`ReadPrefixLists
  ec2:GetManagedPrefixListEntries
  arn:aws:ec2:eu-central-1:111122223333:prefix-list/pl-01
  arn:aws:ec2:eu-central-1:444455556666:prefix-list/pl-02
  arn:aws:ec2:eu-central-1:aws:prefix-list/pl-03
`+after)
}

// TestTwoHomesThatNeedOneAnother: each has a table and a VPN connection at the
// other. What they forward must not come back.
func TestTwoHomesThatNeedOneAnother(t *testing.T) {
	c := read(t, `version: 1
home: {account: 111122223333}
groups:
  - name: east
    home: {region: us-west-2}
    mode: enforce
    paths:
      - {name: one, vpn: vpn-01}
      - {name: two, vpn: vpn-02, region: eu-west-1}
    units:
      - entries:
          - {table: tgw-rtb-01, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-01, two: tgw-attach-02}}
          - {table: tgw-rtb-02, region: eu-west-1, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-03, two: tgw-attach-04}}
  - name: west
    home: {region: eu-west-1}
    paths:
      - {name: one, vpn: vpn-02, tunnels: 1}
      - {name: two, vpn: vpn-03, minTunnels: 2}
    units:
      - entries:
          - {table: rtb-03, destination: 10.2.0.0/16, nextHops: {one: vgw-01, two: tgw-02}}
          - {table: rtb-04, region: us-west-2, destination: 10.2.0.0/16, nextHops: {one: tgw-01, two: tgw-02}}
  - name: also-west
    priority: 7
    home: {region: eu-west-1}
    paths:
      - {name: one, vpn: vpn-03}
      - {name: two, vpn: vpn-04, account: 444455556666, region: ap-southeast-2}
    units:
      - entries:
          - {table: rtb-05, destination: 10.3.0.0/16, nextHops: {one: vgw-01, two: tgw-02}}
`)
	b := blueprintOf(t, c)
	got := overview(b)
	for _, line := range []string{"  wake-ups", "  schedule", "  function", "    DETOUR", "  only"} {
		lines := strings.Split(got, "\n")
		got = strings.Join(slices.DeleteFunc(lines, func(s string) bool { return strings.HasPrefix(s, line) }), "\n")
	}
	same(t, "the overview", got, `
home 111122223333-eu-west-1: also-west west; observe 2, enforce 0
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-status.json
  from 444455556666
  tunnels of vpn-02 for east/two, needs 1
  tunnels of vpn-03 for also-west/one, needs 1
  tunnels of vpn-03 for west/two, needs 2
  failback detour-failback as detour-failback-eu-west-1, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-west-1: 5m0s, 512 MB, arn:aws:iam::{account}:role/detour-look-111122223333-eu-west-1; wakes detour-wake: precheck ask verify close
    detour-failback-TASK of detour-failback as detour-failback-TASK-eu-west-1: 5m0s, 512 MB, arn:aws:iam::{account}:role/detour-access-111122223333-eu-west-1; wakes detour-wake: advance undo
home 111122223333-us-west-2: east; observe 0, enforce 1
  rules aws-health.json cloudtrail-routes.json cloudwatch-alarm.json network-manager-routing.json network-manager-status.json
  tunnels of vpn-01 for east/one, needs 1
  failback detour-failback as detour-failback-us-west-2, logs to /aws/vendedlogs/states/detour-failback
    detour-failback-TASK of detour-failback as detour-failback-TASK-us-west-2: 5m0s, 512 MB; wakes detour-wake: precheck ask advance verify undo close
forward 111122223333-eu-west-1
  aws-health.json to 111122223333-us-west-2, own events only
  cloudtrail-routes.json to 111122223333-us-west-2, own events only
  cloudwatch-alarm.json to 111122223333-us-west-2, own events only
forward 111122223333-us-west-2
  cloudtrail-routes.json to 111122223333-eu-west-1, own events only
  network-manager-status.json to 111122223333-eu-west-1
forward 444455556666-ap-southeast-2
  tunnels of vpn-04 for also-west/two, needs 1
  aws-health.json to 111122223333-eu-west-1
  cloudwatch-alarm.json to 111122223333-eu-west-1
access 444455556666 for 111122223333-eu-west-1: detour-access-111122223333-eu-west-1, detour-111122223333-eu-west-1, trusts arn:aws:iam::111122223333:root
access 444455556666 for 111122223333-eu-west-1: detour-look-111122223333-eu-west-1, detour-111122223333-eu-west-1, trusts arn:aws:iam::111122223333:root
`)
	if _, has := b.Homes[1].Functions[0].Environment["DETOUR_ROLE"]; has {
		t.Error("a home whose groups lie in its own account assumes roles")
	}
	if homes := b.Forwards[0].Homes(); len(homes) != 1 || homes[0] != b.Homes[1].Site {
		t.Errorf("the first site forwards to %v", homes)
	}
}

// TestNetworkManager: what its place changes.
func TestNetworkManager(t *testing.T) {
	const missingRegion = "networkManager.region: missing, and AWS documents none for the partitions of the groups' homes; write the Region in which EventBridge gets the events of Network Manager, or none to do without them"
	second := strings.NewReplacer("branch", "site", "vpn-0", "vpn-1", "tgw-rtb-0", "tgw-rtb-1").Replace(pair[strings.Index(pair, "  - name"):])
	second = strings.Replace(second, "paths:", "home: {account: 444455556666}\n    paths:", 1)
	for name, test := range map[string]struct{ yaml, manager, want string }{
		"default":          {pairIn("eu-central-1"), "", "111122223333-us-west-2"},
		"at home":          {pairIn("us-west-2"), "", ""},
		"elsewhere":        {pairIn("us-west-2"), "{account: 444455556666, region: eu-west-1}", "444455556666-eu-west-1"},
		"none":             {pairIn("eu-central-1"), "{region: none}", ""},
		"China":            {pairIn("cn-north-1"), "", missingRegion},
		"China, none":      {pairIn("cn-north-1"), "{region: none}", ""},
		"China, at home":   {pairIn("cn-north-1"), "{region: cn-north-1}", ""},
		"GovCloud":         {pairIn("us-gov-west-1"), "", missingRegion},
		"several accounts": {pairIn("eu-central-1") + second, "", "networkManager.account: missing, and the groups have their homes in several accounts; write the 12 digits of the account that owns the global network, or region: none to do without its events"},
	} {
		yaml := test.yaml
		if test.manager != "" {
			yaml = strings.Replace(yaml, "groups:", "networkManager: "+test.manager+"\ngroups:", 1)
		}
		b, err := blueprint.New(read(t, yaml), blueprint.Options{})
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		default:
			for _, f := range b.Forwards {
				got += f.String()
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		listens := err == nil && slices.Contains(b.Homes[0].Patterns, blueprint.PatternStatus)
		if want := err == nil && !strings.Contains(name, "none"); listens != want {
			t.Errorf("%s: the home listens: %t", name, listens)
		}
	}
}

// TestNothingWithoutNeed: what has no VPN connection, gateway or check listens for
// nothing of theirs, and needs no place for Network Manager.
func TestNothingWithoutNeed(t *testing.T) {
	b := blueprintOf(t, read(t, `version: 1
home: {account: 111122223333, region: cn-north-1}
groups:
  - name: routers
    paths:
      - {name: one, kind: appliance, interface: eni-01, instance: i-01}
      - {name: two, kind: appliance, interface: eni-02, instance: i-02}
    units:
      - entries:
          - {table: rtb-01, destination: 10.1.0.0/16, nextHops: {one: eni-01, two: eni-02}}
`))
	if got := b.Homes[0].Patterns; !slices.Equal(got, []string{"cloudtrail-routes.json"}) {
		t.Errorf("rules %v", got)
	}
	if len(b.Forwards) != 0 || len(b.Access) != 0 || len(b.Homes[0].Tunnels) != 0 {
		t.Errorf("%+v", b)
	}
	var sids []string
	for _, s := range function(t, b, 0, blueprint.FunctionSweep) {
		sids = append(sids, s.Sid)
	}
	if want := []string{"Events", "Logs", "Queues", "ReadNetwork", "Records", "WriteRoutes"}; !slices.Equal(sids, want) {
		t.Errorf("statements %v", sids)
	}
}

func TestExternalID(t *testing.T) {
	c := example(t, "deploy-hub-and-spokes")
	b, err := blueprint.New(c, blueprint.Options{ExternalID: "of our own"})
	if err == nil || err.Error() != "the external id is none that STS takes; write 2 to 1224 letters, digits and +=,.@:/-_" {
		t.Errorf("%v, %v", b, err)
	}
	for _, bad := range []string{"x", strings.Repeat("x", 1225), "ä-ä"} {
		if _, err := blueprint.New(c, blueprint.Options{ExternalID: bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	own := strings.Repeat("x", 1224)
	b, err = blueprint.New(c, blueprint.Options{ExternalID: own})
	if err != nil {
		t.Fatal(err)
	}
	if b.Access[0].ExternalID != own || b.Homes[0].Functions[0].Environment["DETOUR_EXTERNAL_ID"] != own {
		t.Error("the external id is not taken")
	}
}

func TestProblems(t *testing.T) {
	many := strings.Builder{}
	for i := range 60 {
		fmt.Fprintf(&many, "          - {table: tgw-rtb-1%02d, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-01, two: tgw-attach-02}}\n", i)
	}
	for name, test := range map[string]struct{ yaml, want string }{
		"period":     {strings.Replace(pairIn("eu-central-1"), "groups:", "timers: {sweepPeriod: 90s}\ngroups:", 1), `timers.sweepPeriod: "1m30s" is no whole number of minutes, and EventBridge Scheduler knows no other; write 60s, or another whole number of minutes`},
		"no period":  {strings.Replace(pairIn("eu-central-1"), "groups:", "timers: {sweepPeriod: 30s}\ngroups:", 1), `timers.sweepPeriod: "30s" is no whole number of minutes, and EventBridge Scheduler knows no other; write 60s, or another whole number of minutes`},
		"partitions": {strings.Replace(pairIn("eu-central-1"), "vpn-02", "vpn-02, region: cn-north-1", 1), `groups[0]: "branch" has its home in partition aws and uses cn-north-1, which is in aws-cn; declare what lies in another partition in a group with its home there`},
		"too long": {pairIn("eu-central-1") + many.String(), `groups: those with their home in account 111122223333 in eu-central-1 make the policy of role detour-sweep-eu-central-1 11123 characters long, and IAM takes 10240; give some of the groups a home in another account or Region
groups: those with their home in account 111122223333 in eu-central-1 make the policy of role detour-switchover-eu-central-1 11310 characters long, and IAM takes 10240; give some of the groups a home in another account or Region
groups: those with their home in account 111122223333 in eu-central-1 make the policy of role detour-failback-advance-eu-central-1 11093 characters long, and IAM takes 10240; give some of the groups a home in another account or Region
groups: those with their home in account 111122223333 in eu-central-1 make the policy of role detour-failback-undo-eu-central-1 11063 characters long, and IAM takes 10240; give some of the groups a home in another account or Region`},
	} {
		_, err := blueprint.New(read(t, test.yaml), blueprint.Options{})
		var problems config.Problems
		if !errors.As(err, &problems) || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, test.want)
		}
	}
	b := blueprintOf(t, read(t, strings.Replace(pairIn("eu-central-1"), "groups:", "timers: {sweepPeriod: 5m}\ngroups:", 1)))
	if got := b.Homes[0].Schedules[1].Expression; got != "rate(5 minutes)" {
		t.Errorf("every five minutes is %s", got)
	}
}

// TestPatternsAndInputsAreThoseOfTheEvents: the names and the inputs that stand in
// this package are files of the packages of events.
func TestPatternsAndInputsAreThoseOfTheEvents(t *testing.T) {
	b := blueprintOf(t, example(t, "deploy-one-account"))
	if missing := slices.DeleteFunc(slices.Clone(b.Homes[0].Patterns), func(name string) bool { return slices.Contains(pattern.Names(), name) }); len(missing) > 0 {
		t.Errorf("events/pattern lacks %v", missing)
	}
	for _, s := range b.Homes[0].Schedules {
		name := strings.TrimPrefix(s.Name, "detour-")
		file, err := os.ReadFile("../../events/payload/" + name + ".json")
		if err != nil {
			t.Error(err)
			continue
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, file); err != nil || compact.String() != s.Input {
			t.Errorf("%s has input %s, and the file %s, %v", s.Name, s.Input, compact.String(), err)
		}
	}
}
