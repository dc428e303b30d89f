package authz_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"detour/shared/sim/authz"
)

const (
	home, spoke = "111122223333", "444455556666"
	ownRole     = "arn:aws:iam::111122223333:role/detour-sweep"
	otherRole   = "arn:aws:iam::444455556666:role/net/access"
	function    = "arn:aws:lambda:eu-central-1:111122223333:function:detour-sweep"
	table       = "arn:aws:ec2:eu-central-1:111122223333:transit-gateway-route-table/tgw-rtb-1"
	attachment  = "arn:aws:ec2:eu-central-1:444455556666:transit-gateway-attachment/tgw-attach-1"
)

// owners knows one attachment, which is the spoke's.
func owners(id, _, _ string) (string, bool) { return spoke, id == "tgw-attach-1" }

// authority has one role with the statements.
func authority(t *testing.T, statements ...string) *authz.Authority {
	t.Helper()
	p, err := authz.Parse([]byte(one(strings.Join(statements, ","))))
	if err != nil {
		t.Fatal(err)
	}
	return authz.New([]authz.Role{{ARN: ownRole, Policies: map[string]authz.Policy{"p": p}}}, owners)
}

// replace is the call of a function that replaces a route.
func replace() authz.Call {
	return authz.Call{
		Service: "ec2", Account: home, Region: "eu-central-1", Token: authz.FunctionToken(ownRole, function), Operation: "ReplaceTransitGatewayRoute",
		Params: url.Values{"TransitGatewayRouteTableId": {"tgw-rtb-1"}, "TransitGatewayAttachmentId": {"tgw-attach-1"}},
	}
}

func allow(action, resources string, more ...string) string {
	return `{"Sid":"S","Effect":"Allow","Action":"` + action + `","Resource":` + resources + strings.Join(more, "") + `}`
}

// TestDecisions: every resource of a call has to be allowed, and a deny beats all.
func TestDecisions(t *testing.T) {
	const action, both = "ec2:ReplaceTransitGatewayRoute", `["` + table + `","` + attachment + `"]`
	condition := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":` + value + `}}`
	}
	for _, c := range []struct {
		name       string
		statements []string
		want       string // part of the denial; empty: allowed
	}{
		{"both by name", []string{allow(action, both)}, ""},
		{"in two statements", []string{allow(action, `"`+table+`"`), allow(action, `"`+attachment+`"`)}, ""},
		{"only the table", []string{allow(action, `"`+table+`"`)}, "resource: " + attachment},
		{"only the attachment", []string{allow(action, `"`+attachment+`"`)}, "resource: " + table},
		{"the attachment in the caller's account", []string{allow(action, `["`+table+`","`+strings.Replace(attachment, spoke, home, 1)+`"]`)}, "resource: " + attachment},
		{"wildcards", []string{allow("ec2:Replace*Route", `"arn:aws:ec2:*:transit-gateway-*/tgw-?*"`)}, ""},
		{"actions know no case", []string{allow("EC2:replaceTransitGatewayRoute", both)}, ""},
		{"resources know case", []string{allow(action, strings.ToUpper(both))}, "is not authorized"},
		{"a question mark is one character", []string{allow(action+"?", both)}, "no identity-based policy allows"},
		{"another action", []string{allow("ec2:CreateTransitGatewayRoute", both)}, "no identity-based policy allows the ec2:ReplaceTransitGatewayRoute action"},
		{"a deny", []string{allow(action, both), strings.Replace(allow(action, `"`+attachment+`"`), "Allow", "Deny", 1)}, "explicit deny"},
		{"a deny of something else", []string{allow(action, both), strings.Replace(allow("ec2:DeleteRoute", `"*"`), "Allow", "Deny", 1)}, ""},
		{"from the function", []string{allow(action, both, condition("ArnEquals", "lambda:SourceFunctionArn", `"`+function+`"`))}, ""},
		{"the case of a key", []string{allow(action, both, condition("ArnLike", "LAMBDA:sourcefunctionarn", `"arn:aws:lambda:*:111122223333:function:*"`))}, ""},
		{"from another function", []string{allow(action, both, condition("ArnEquals", "lambda:SourceFunctionArn", `"`+function+`2"`))}, "is not authorized"},
		{"no wildcard beyond a part", []string{allow(action, both, condition("ArnLike", "lambda:SourceFunctionArn", `"arn:aws:lambda:*:detour-sweep"`))}, "is not authorized"},
		{"one of several values", []string{allow(action, both, condition("StringEquals", "ec2:Region", `["us-east-1","eu-central-1"]`))}, ""},
		{"like", []string{allow(action, both, condition("StringLike", "ec2:Region", `"eu-*"`))}, ""},
		{"equals is no like", []string{allow(action, both, condition("StringEquals", "ec2:Region", `"eu-*"`))}, "is not authorized"},
		{"a boolean", []string{allow(action, both, condition("Bool", "aws:SecureTransport", `true`))}, ""},
		{"a key that is not there", []string{allow(action, both, condition("StringLike", "ec2:Tenancy", `"*"`))}, "is not authorized"},
		{"two conditions", []string{allow(action, both, `,"Condition":{"StringEquals":{"ec2:Region":"eu-central-1","aws:PrincipalAccount":"999999999999"}}`)}, "is not authorized"},
	} {
		a := authority(t, c.statements...)
		grants, denial, err := a.Authorize(replace())
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && (denial != nil || len(grants) != 2 || len(a.Uses()) == 0 || len(a.Denials()) != 0):
			t.Errorf("%s: %v, %v", c.name, denial, grants)
		case c.want != "" && (denial == nil || !strings.Contains(denial.Error(), c.want) || len(a.Uses()) != 0 || len(a.Denials()) != 1):
			t.Errorf("%s: %v does not say %s", c.name, denial, c.want)
		}
	}
}

// TestWhatAllowedACallIsKept: statement, action and resource as they stand there.
func TestWhatAllowedACallIsKept(t *testing.T) {
	a := authority(t, allow("ec2:*Route", `["`+table+`","`+attachment+`","arn:aws:ec2:x"]`))
	for range 3 {
		if _, denial, err := a.Authorize(replace()); denial != nil || err != nil {
			t.Fatal(denial, err)
		}
	}
	grant := authz.Grant{Role: ownRole, Policy: "p", Statement: 1, Sid: "S", Action: "ec2:*Route"}
	first, second := grant, grant
	first.Resource, second.Resource = table, attachment
	want := []authz.Use{{Grant: second, Calls: 3}, {Grant: first, Calls: 3}}
	slices.SortFunc(want, func(x, y authz.Use) int { return strings.Compare(x.Resource, y.Resource) })
	if got := a.Uses(); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// TestWhoCalls: without a role it is the account, which may do all; the credentials
// of a role are good in its account only.
func TestWhoCalls(t *testing.T) {
	for _, c := range []struct {
		name, token, account, want string
	}{
		{"the account", "", home, ""},
		{"a token that says nothing", "simulated-session-token", home, ""},
		{"a role without permission", authz.RoleToken(ownRole, "s"), home, "User: arn:aws:sts::111122223333:assumed-role/detour-sweep/s is not authorized"},
		{"a role that is not there", authz.RoleToken(ownRole+"2", "s"), home, "no role that there is"},
		{"a role of another account", authz.RoleToken(ownRole, "s"), spoke, "no role that there is"},
	} {
		call := replace()
		call.Token, call.Account = c.token, c.account
		_, denial, err := authority(t, allow("ec2:DeleteRoute", `"*"`)).Authorize(call)
		if err != nil || (c.want == "") != (denial == nil) || denial != nil && !strings.Contains(denial.Error(), c.want) {
			t.Errorf("%s: %v, %v, want %q", c.name, denial, err, c.want)
		}
	}
}

// TestAssumeRole: the policies of both sides have to allow it.
func TestAssumeRole(t *testing.T) {
	const may = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + otherRole + `"}`
	trust := func(principal, conditions string) string {
		return one(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` + principal + conditions + `}`)
	}
	const root, conditions = `{"AWS":"arn:aws:iam::111122223333:root"}`,
		`,"Condition":{"ArnEquals":{"aws:PrincipalArn":["` + ownRole + `"]},"StringEquals":{"sts:ExternalId":"secret-1"}}`
	for _, c := range []struct{ name, own, trust, role, external, want string }{
		{"both allow", may, trust(root, conditions), otherRole, "secret-1", ""},
		{"another external id", may, trust(root, conditions), otherRole, "secret-2", "no resource-based policy allows"},
		{"no external id", may, trust(root, conditions), otherRole, "", "no resource-based policy allows"},
		{"the role by name", may, trust(`{"AWS":"`+ownRole+`"}`, ""), otherRole, "", ""},
		{"another account", may, trust(`{"AWS":"arn:aws:iam::444455556666:root"}`, ""), otherRole, "", "no resource-based policy allows"},
		{"a service", may, trust(`{"Service":"lambda.amazonaws.com"}`, ""), otherRole, "", "no resource-based policy allows"},
		{"another principal in the condition", may, trust(root, strings.Replace(conditions, ownRole, ownRole+"2", 1)), otherRole, "secret-1", "no resource-based policy allows"},
		{"the own policy says nothing", `{"Effect":"Allow","Action":"sts:GetSessionToken","Resource":"*"}`, trust(root, ""), otherRole, "", "no identity-based policy allows"},
		{"no such role", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`, trust(root, ""), otherRole + "2", "", "no such role"},
		{"a deny", may, one(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"},{"Effect":"Deny","Action":"sts:*","Principal":"*"}`), otherRole, "", "explicit deny"},
	} {
		own, err := authz.Parse([]byte(one(c.own)))
		if err != nil {
			t.Fatal(err)
		}
		trusted, err := authz.ParseTrust([]byte(c.trust))
		if err != nil {
			t.Fatal(err)
		}
		a := authz.New([]authz.Role{{ARN: ownRole, Policies: map[string]authz.Policy{"p": own}}, {ARN: otherRole, Trust: trusted}}, nil)
		call := authz.Call{
			Service: "sts", Account: home, Region: "eu-central-1", Token: authz.FunctionToken(ownRole, function), Operation: "AssumeRole",
			Params: url.Values{"RoleArn": {c.role}, "RoleSessionName": {"detour"}},
		}
		if c.external != "" {
			call.Params.Set("ExternalId", c.external)
		}
		grants, denial, err := a.Authorize(call)
		if err != nil || (c.want == "") != (denial == nil) || denial != nil && !strings.Contains(denial.Error(), c.want) || denial == nil && len(grants) != 2 {
			t.Errorf("%s: %v, %v, %v, want %q", c.name, grants, denial, err, c.want)
		}
	}
}

// TestTheKeyOfTheFunctionEndsWithItsCredentials: who was assumed has not the context
// of the function that did it.
func TestTheKeyOfTheFunctionEndsWithItsCredentials(t *testing.T) {
	a := authority(t, allow("ec2:*", `"*"`, `,"Condition":{"ArnLike":{"lambda:SourceFunctionArn":"arn:aws:lambda:*:*:function:*"}}`))
	call := replace()
	if _, denial, _ := a.Authorize(call); denial != nil {
		t.Error(denial)
	}
	call.Token = authz.RoleToken(ownRole, "detour-sweep")
	if _, denial, _ := a.Authorize(call); denial == nil {
		t.Error("a session of the role counts as the function")
	}
}
