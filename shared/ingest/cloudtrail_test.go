package ingest_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"detour/events/pattern"
	"detour/shared/ingest"
	"detour/shared/route"
)

// called is the look of a call in us-west-2 by a writer.
func called(action string, by ingest.Writer) ingest.Look {
	by.Region = "us-west-2"
	look := event("aws.ec2", "AWS API Call via CloudTrail", action, "2023-01-31T20:02:05Z")
	look.Writer = by
	return look
}

func alice() ingest.Writer { return ingest.Writer{Name: "arn:aws:iam::111122223333:user/alice"} }

func roleOf(name, session string) ingest.Writer {
	return ingest.Writer{
		Name: "arn:aws:sts::111122223333:assumed-role/" + name + "/" + session, Account: "111122223333",
		Role: name, RoleARN: "arn:aws:iam::111122223333:role/" + name,
	}
}

// writes are the rows of the samples of calls.
func writes() map[string]row {
	in := func(look ingest.Look, table, destination string) row {
		look.Tables = []string{table}
		if destination != "" {
			look.Destination = route.MustDestination(destination)
		}
		return row{look: look}
	}
	const transit, vpc = "tgw-rtb-0123456789abcdef0", "rtb-0123456789abcdef0"
	list := called("ModifyManagedPrefixList", alice())
	list.Lists = []string{"pl-0123456789abcdef0"}
	terraform := roleOf("terraform", "pipeline-4711")
	return map[string]row{
		"cloudtrail-replace-route.json":                          in(called("ReplaceRoute", alice()), vpc, "10.0.0.0/8"),
		"cloudtrail-create-route-prefix-list.json":               in(called("CreateRoute", terraform), vpc, "pl-0123456789abcdef0"),
		"cloudtrail-replace-transit-gateway-route-expected.json": in(called("ReplaceTransitGatewayRoute", terraform), transit, "10.0.0.0/8"),
		"cloudtrail-own-write-expected.json":                     in(called("ReplaceTransitGatewayRoute", roleOf("detour-switchover-us-west-2", "detour-switchover")), transit, "10.0.0.0/8"),
		"cloudtrail-modify-prefix-list-reference-expected.json":  in(called("ModifyTransitGatewayPrefixListReference", alice()), transit, "pl-0123456789abcdef0"),
		"cloudtrail-disable-propagation-expected.json":           in(called("DisableTransitGatewayRouteTablePropagation", alice()), transit, ""),
		"cloudtrail-modify-managed-prefix-list-expected.json":    {look: list},
		"cloudtrail-replace-route-denied.json":                   {drop: ingest.DropNoEffect},
		"rehearse.json":                                          {drop: ingest.DropNotForUs},
	}
}

// TestEveryCallOfThePatternIsKnown: what the rule lets through is looked at where it happened, and not everywhere.
func TestEveryCallOfThePatternIsKnown(t *testing.T) {
	raw, err := pattern.Read("cloudtrail-routes.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Detail struct {
			EventName []string `json:"eventName"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(raw, &p); err != nil || len(p.Detail.EventName) < 20 {
		t.Fatalf("%v, %d calls", err, len(p.Detail.EventName))
	}
	for _, name := range p.Detail.EventName {
		for _, parameters := range []string{
			`{"transitGatewayRouteTableId":"tgw-rtb-1","routeTableId":"rtb-1","prefixListId":"pl-1"}`,
			`{"` + name + `Request":{"TransitGatewayRouteTableId":"tgw-rtb-1","RouteTableId":"rtb-1","PrefixListId":"pl-1"}}`,
		} {
			look, err := ingest.Decode([]byte(call(name, parameters)))
			if err != nil || look.Everything || len(look.Tables)+len(look.Lists) != 1 {
				t.Errorf("%s: got %+v, %v", name, look, err)
			}
			if transit := strings.Contains(name, "TransitGateway"); transit && look.Tables[0] != "tgw-rtb-1" {
				t.Errorf("%s is about %s", name, look.Tables)
			}
		}
		if look, err := ingest.Decode([]byte(call(name, `{}`))); err != nil || look.Why != ingest.WhyMissingKey {
			t.Errorf("%s without parameters: got %+v, %v", name, look, err)
		}
	}
}

func call(name, parameters string) string {
	return `{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","id":"1","detail":{"eventSource":"ec2.amazonaws.com","eventName":"` + name + `","requestParameters":` + parameters + `}}`
}

func TestCallsThatAreNotUnderstood(t *testing.T) {
	for name, test := range map[string]struct{ raw, want string }{
		"another detail-type":    {`{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}`, ingest.WhyUnknownDetailType},
		"no detail":              {`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail"}`, ingest.WhyMissingKey},
		"another call":           {call("RunInstances", `{}`), ingest.WhyUnknownChangeType},
		"another service":        {strings.Replace(call("CreateRoute", `{"routeTableId":"rtb-1"}`), "ec2.amazonaws.com", "apigatewayv2.amazonaws.com", 1), ingest.WhyUnknownService},
		"a table of other kind":  {call("ReplaceRoute", `{"routeTableId":"tgw-rtb-1"}`), ingest.WhyMissingKey},
		"parameters cut off":     {call("ReplaceRoute", `null`), ingest.WhyMissingKey},
		"an id with a newline":   {call("ReplaceRoute", `{"routeTableId":"rtb-1\n"}`), ingest.WhyMissingKey},
		"a list that is a table": {call("ModifyManagedPrefixList", `{"prefixListId":"rtb-1"}`), ingest.WhyMissingKey},
	} {
		t.Run(name, func(t *testing.T) {
			look, err := ingest.Decode([]byte(test.raw))
			if err != nil || look.Why != test.want {
				t.Errorf("got %+v, %v, want everything because of %s", look, err, test.want)
			}
		})
	}
}

func TestDestinationsOfCalls(t *testing.T) {
	for destination, want := range map[string]route.Destination{
		"10.1.2.3/8":       route.MustDestination("10.0.0.0/8"), // EC2 clears host bits.
		"2001:db8::1/32":   route.MustDestination("2001:db8::/32"),
		"10.0.0.1":         {}, // No block: look at the whole table.
		"anything at all":  {},
		"pl-\u001b[31mred": {},
	} {
		look, err := ingest.Decode([]byte(call("CreateTransitGatewayRoute", `{"transitGatewayRouteTableId":"tgw-rtb-1","destinationCidrBlock":"`+strings.ReplaceAll(destination, "\u001b", `\u001b`)+`"}`)))
		if err != nil || look.Destination != want || !reflect.DeepEqual(look.Tables, []string{"tgw-rtb-1"}) {
			t.Errorf("%q: got %+v, %v, want %s", destination, look, err, want)
		}
	}
}

func TestOwnCalls(t *testing.T) {
	own := ingest.Own{
		Account: "111122223333", Region: "us-west-2",
		Assumed: func(account, _ string) string {
			return "arn:aws:iam::" + account + ":role/network/detour-access-111122223333-us-west-2"
		},
	}
	spoke := ingest.Writer{Role: "detour-access-111122223333-us-west-2", RoleARN: "arn:aws:iam::444455556666:role/network/detour-access-111122223333-us-west-2", Account: "444455556666", Region: "us-east-1"}
	elsewhere := spoke
	elsewhere.RoleARN = "arn:aws:iam::444455556666:role/detour-access-111122223333-us-west-2"
	stranger := roleOf("detour-switchover-us-west-2", "x")
	stranger.Account, stranger.RoleARN = "444455556666", "arn:aws:iam::444455556666:role/detour-switchover-us-west-2"
	for name, test := range map[string]struct {
		own  ingest.Own
		w    ingest.Writer
		want bool
	}{
		"the switchover function":           {own, roleOf("detour-switchover-us-west-2", "x"), true},
		"the sweep function":                {own, roleOf("detour-sweep-us-west-2", "x"), true},
		"the role in another account":       {own, spoke, true},
		"that name under another path":      {own, elsewhere, false},
		"no role is assumed elsewhere":      {ingest.Own{Account: own.Account, Region: own.Region}, spoke, false},
		"a Detour of another Region":        {own, roleOf("detour-switchover-eu-west-1", "x"), false},
		"a role of that name elsewhere":     {own, stranger, false},
		"a longer name":                     {own, roleOf("detour-switchover-us-west-2-admin", "x"), false},
		"Terraform":                         {own, roleOf("terraform", "detour-switchover-us-west-2"), false},
		"a person":                          {own, alice(), false},
		"nobody":                            {own, ingest.Writer{}, false},
		"nothing is known of the functions": {ingest.Own{}, roleOf("detour-switchover-", "x"), false},
	} {
		if got := test.own.Made(test.w); got != test.want {
			t.Errorf("%s: Made(%+v) = %t", name, test.w, got)
		}
	}
}

// TestWriters: whoever CloudTrail names has a name that is fit for a log, and no access key is kept.
func TestWriters(t *testing.T) {
	for name, test := range map[string]struct{ identity, want string }{
		"a service":          {`{"type":"AWSService","invokedBy":"cloudformation.amazonaws.com"}`, "cloudformation.amazonaws.com"},
		"root":               {`{"type":"Root","arn":"arn:aws:iam::111122223333:root","accessKeyId":"AKIAEXAMPLE"}`, "arn:aws:iam::111122223333:root"},
		"another account":    {`{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"444455556666"}`, "AIDAEXAMPLE"},
		"nothing":            {`{}`, "somebody"},
		"null":               {`null`, "somebody"},
		"no object":          {`"alice"`, "somebody"},
		"control characters": {`{"arn":"arn:aws:iam::111122223333:user/a\u001b[31m"}`, "arn:aws:iam::111122223333:user/a\uFFFD[31m"},
		"an empty issuer":    {`{"arn":"arn:aws:iam::111122223333:user/a","sessionContext":{"sessionIssuer":{}}}`, "arn:aws:iam::111122223333:user/a"},
	} {
		raw := strings.Replace(call("ReplaceRoute", `{"routeTableId":"rtb-1"}`), `"eventSource"`, `"userIdentity":`+test.identity+`,"eventSource"`, 1)
		look, err := ingest.Decode([]byte(raw))
		if err != nil || look.Writer != (ingest.Writer{Name: test.want}) {
			t.Errorf("%s: got %+v, %v, want %q", name, look.Writer, err, test.want)
		}
	}
}
