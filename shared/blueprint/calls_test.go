package blueprint_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everything needs every call that a configuration can need.
const everything = `version: 1
home: {account: 111122223333, region: eu-central-1}
neverTouch: {destinations: [192.0.2.0/24]}
groups:
  - name: all
    paths:
      - {name: one, vpn: vpn-01, account: 111122223333}
      - {name: two, kind: connect, attachment: tgw-attach-02, peers: [tgw-connect-peer-02], account: 111122223333}
      - {name: three, kind: appliance, interface: eni-03, instance: i-03, account: 444455556666}
      - {name: four, kind: attachment, attachment: tgw-attach-04, checks: [{alarm: answers, activeOnly: true}]}
    units:
      - entries:
          - {table: rtb-01, destination: pl-01, nextHops: {one: vgw-01, two: tgw-02, three: eni-03, four: tgw-04}}
          - {table: tgw-rtb-01, destination: pl-01, nextHops: {one: tgw-attach-11, two: tgw-attach-12, three: tgw-attach-13, four: tgw-attach-04}}
          - {table: tgw-rtb-01, destination: 10.1.0.0/16, nextHops: {one: tgw-attach-11, two: tgw-attach-12, three: tgw-attach-13, four: tgw-attach-04}}
filters:
  - {name: in-vpc, tables: [rtb-02], rules: [deny default-like], action: pin, egress: {rtb-02: nat-02}}
  - {name: in-gateway, tables: [tgw-rtb-02], attachments: [tgw-attach-21], rules: [deny default-like], action: quarantine, observation: {tgw-attach-21: tgw-rtb-21}}
`

// callsIn returns the methods of an SDK client that the files of an adapter name,
// found by a pattern with one group.
func callsIn(t *testing.T, adapter, call string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../adapter/" + adapter + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", adapter, files, err)
	}
	form := regexp.MustCompile(call)
	out := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range form.FindAllStringSubmatch(string(text), -1) {
			out[found[1]] = true
		}
	}
	return out
}

// TestTheActionsAreTheCallsOfTheAdapters: a call that an adapter makes and no role
// has, or the other way round, is found when it is written.
func TestTheActionsAreTheCallsOfTheAdapters(t *testing.T) {
	got := map[string]bool{}
	for _, statements := range allStatements(blueprintOf(t, read(t, everything))) {
		for _, s := range statements {
			for _, action := range s.Actions {
				got[action] = true
			}
		}
	}
	// What Lambda itself does with the role.
	want := map[string]bool{
		"logs:CreateLogStream": true, "logs:PutLogEvents": true,
		"sqs:ReceiveMessage": true, "sqs:DeleteMessage": true, "sqs:GetQueueAttributes": true,
		"sts:AssumeRole": true,
		// What Step Functions does with the role of the state machine.
		"lambda:InvokeFunction":  true,
		"logs:CreateLogDelivery": true, "logs:DeleteLogDelivery": true, "logs:DescribeLogGroups": true, "logs:DescribeResourcePolicies": true,
		"logs:GetLogDelivery": true, "logs:ListLogDeliveries": true, "logs:PutResourcePolicy": true, "logs:UpdateLogDelivery": true,
	}
	add := func(service string, calls map[string]bool) {
		for call := range calls {
			want[service+":"+call] = true
		}
	}
	ec2 := callsIn(t, "awsec2", `\(\*ec2\.Client\)\.(\w+)`)
	for _, call := range []string{
		// No plan deletes a reference: it is modified.
		"DeleteTransitGatewayPrefixListReference",
		// Only what people start asks for it, with their own credentials.
		"DescribeTransitGatewayRouteTables",
		// Only an examination asks for them, which people start as well.
		"DescribeTransitGateways",
	} {
		if !ec2[call] {
			t.Errorf("awsec2 does not make the call %s", call)
		}
		delete(ec2, call)
	}
	add("ec2", ec2)
	add("cloudwatch", callsIn(t, "awscloudwatch", `\bapi\.(\w+)\(ctx`))
	add("events", callsIn(t, "awsevents", `\bp\.api\.(\w+)\(ctx`))
	add("sqs", callsIn(t, "awswake", `\bq\.api\.(\w+)\(ctx`))
	dynamo := callsIn(t, "awsdynamo", `\(\*dynamodb\.Client\)\.(\w+)`)
	for call, parts := range map[string][]string{
		"TransactWriteItems": {"PutItem", "UpdateItem"}, // Of what a transaction is made, see below.
		"Query":              {},                        // The history, for people.
	} {
		if !dynamo[call] {
			t.Errorf("awsdynamo does not make the call %s", call)
		}
		delete(dynamo, call)
		for _, part := range parts {
			dynamo[part] = true
		}
	}
	add("dynamodb", dynamo)
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
		t.Errorf("the actions are\n%s\nand the calls\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	parts := callsIn(t, "awsdynamo", `types\.TransactWriteItem\{(\w+):`)
	if names := slices.Sorted(maps.Keys(parts)); !slices.Equal(names, []string{"Put", "Update"}) {
		t.Errorf("transactions are made of %v", names)
	}
}
