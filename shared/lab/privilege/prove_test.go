package privilege_test

import (
	"encoding/json"
	"strings"
	"testing"

	"detour/shared/adapter/awsclient"
	"detour/shared/blueprint"
	"detour/shared/lab"
	"detour/shared/lab/privilege"
	"detour/shared/sim/authz"
)

// document writes a policy as JSON, as a template has it.
func document(t *testing.T, statements []map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// role makes a role out of the statements of a blueprint.
func role(t *testing.T, arn string, statements []blueprint.Statement, trust map[string]any) authz.Role {
	t.Helper()
	own := make([]map[string]any, 0, len(statements))
	for _, s := range statements {
		statement := map[string]any{"Sid": s.Sid, "Effect": "Allow", "Action": s.Actions, "Resource": s.Resources}
		if len(s.Conditions) > 0 {
			statement["Condition"] = s.Conditions
		}
		own = append(own, statement)
	}
	policy, err := authz.Parse(document(t, own))
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := authz.ParseTrust(document(t, []map[string]any{trust}))
	if err != nil {
		t.Fatal(err)
	}
	return authz.Role{ARN: arn, Trust: trusted, Policies: map[string]authz.Policy{"detour": policy}}
}

// identities are those of the one home of a configuration.
func identities(t *testing.T, s *lab.Scenario) *lab.Identities {
	t.Helper()
	b, err := blueprint.New(s.Config, blueprint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Homes) != 1 {
		t.Fatalf("%d homes", len(b.Homes))
	}
	home := b.Homes[0]
	out := &lab.Identities{Functions: map[lab.Function]lab.Identity{}}
	functions := home.Functions
	if home.Failback != nil {
		for _, task := range home.Failback.Tasks {
			functions = append(functions, task.Function)
		}
	}
	for _, f := range functions {
		arn := "arn:aws:iam::" + home.Account + ":role/" + f.Role
		self := lab.Identity{Function: "arn:aws:lambda:" + home.Region + ":" + home.Account + ":function:" + f.Name, Role: arn}
		out.Roles = append(out.Roles, role(t, arn, f.Statements, map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
		}))
		if template := f.Environment["DETOUR_ROLE"]; template != "" {
			if self.Assumed, err = awsclient.RoleTemplate(template); err != nil {
				t.Fatal(err)
			}
			out.ExternalID = f.Environment["DETOUR_EXTERNAL_ID"]
		}
		if f.Name == blueprint.FunctionSweep {
			out.Assumed = self.Assumed
		}
		out.Functions[lab.Function(strings.TrimPrefix(f.Name, "detour-"))] = self
	}
	for _, a := range b.Access {
		out.Roles = append(out.Roles, role(t, "arn:aws:iam::"+a.Account+":role/"+a.Role, a.Statements, map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": a.Trust()},
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:PrincipalArn": a.Principals}, "StringEquals": map[string]any{"sts:ExternalId": a.ExternalID}},
		}))
	}
	return out
}

// TestLeastPrivilege plays every case with the policies of the blueprint, and again
// without each statement and each ARN. The test of infra does the same with the
// templates.
func TestLeastPrivilege(t *testing.T) {
	cases, err := privilege.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		cases[i].Identities = identities(t, cases[i].Scenario)
	}
	report, err := privilege.Prove(t.Context(), cases, privilege.Unplayed, testing.Verbose())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range report.Problems {
		t.Error(problem)
	}
	for _, m := range report.Missed {
		t.Log(m)
	}
}
