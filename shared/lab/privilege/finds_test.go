package privilege_test

import (
	"slices"
	"strings"
	"testing"

	"detour/shared/lab"
	"detour/shared/lab/privilege"
	"detour/shared/sim/authz"
)

// regions is the case of that scenario.
func regions(t *testing.T) privilege.Case {
	t.Helper()
	cases, err := privilege.Cases()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cases, func(c privilege.Case) bool { return c.Scenario.Name == "privilege-regions" })
	c := cases[i]
	c.Identities = identities(t, c.Scenario)
	return c
}

// add gives the sweep's role another policy.
func add(t *testing.T, who *lab.Identities, policy string) {
	t.Helper()
	p, err := authz.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range who.Roles {
		if role.ARN == who.Functions[lab.Sweep].Role {
			role.Policies["more"] = p
		}
	}
}

// only excuses every statement but those of the name.
func only(sid string) privilege.Excuse {
	return func(p privilege.Permission) string {
		if p.Sid == sid {
			return ""
		}
		return "it is not looked at"
	}
}

// TestTheProofFinds what is too much and what is missing.
func TestTheProofFinds(t *testing.T) {
	const events = "arn:aws:events:eu-central-1:111122223333:event-bus/default"
	statement := func(sid, action, resource string) string {
		return `{"Version":"2012-10-17","Statement":{"Sid":"` + sid + `","Effect":"Allow","Action":"` + action + `","Resource":["` + resource + `"]}}`
	}
	for _, c := range []struct{ name, policy, sid, want string }{
		{"nothing uses it", statement("Spare", "ec2:DeleteRoute", "arn:aws:ec2:eu-central-1:111122223333:route-table/rtb-1"), "Spare", "nothing used Spare of detour-sweep-eu-central-1"},
		// The policy detour comes before the policy more, and so it is what is used.
		{"allowed twice, and never used", statement("Twice", "events:PutEvents", events), "Twice", "nothing used Twice"},
		{"allowed twice, and not missed", statement("Twice", "events:PutEvents", events), "Events", "nothing misses Events of detour-sweep-eu-central-1"},
		{"denied", strings.Replace(statement("No", "events:PutEvents", events), "Allow", "Deny", 1), "", "an explicit deny in an identity-based policy"},
	} {
		one := regions(t)
		add(t, one.Identities, c.policy)
		report, err := privilege.Prove(t.Context(), []privilege.Case{one}, only(c.sid), false)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(report.Problems, func(problem string) bool { return strings.Contains(problem, c.want) }) {
			t.Errorf("%s: got %q", c.name, report.Problems)
		}
	}
}

// TestRolesAreForCallsOverTheWire: without the wire nobody would ask.
func TestRolesAreForCallsOverTheWire(t *testing.T) {
	c := regions(t)
	if _, err := lab.Play(t.Context(), c.Scenario, lab.PlayOptions{Identities: c.Identities}); err == nil || !strings.Contains(err.Error(), "play with Wire") {
		t.Errorf("got %v", err)
	}
	delete(c.Identities.Functions, lab.Sweep)
	if _, err := lab.Play(t.Context(), c.Scenario, lab.PlayOptions{Wire: true, Identities: c.Identities}); err == nil || !strings.Contains(err.Error(), "sweep has no identity") {
		t.Errorf("got %v", err)
	}
}

// TestEveryExcuseSaysWhy: what the lab cannot play is little, and no write of a
// route is among it.
func TestEveryExcuseSaysWhy(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/"
	for _, c := range []struct {
		permission privilege.Permission
		excused    bool
	}{
		{privilege.Permission{Role: role + "detour-sweep-eu-central-1", Policy: "p", Sid: "Logs"}, true},
		{privilege.Permission{Role: role + "detour-sweep-eu-central-1", Policy: "p", Sid: "WriteRoutes"}, false},
		{privilege.Permission{Role: role + "detour-sweep-eu-central-1", Policy: "p", Sid: "Queues", Resource: "arn:aws:sqs:eu-central-1:111122223333:detour-dead"}, true},
		{privilege.Permission{Role: role + "detour-sweep-eu-central-1", Policy: "p", Sid: "Queues", Resource: "arn:aws:sqs:eu-central-1:111122223333:detour-wake"}, false},
		{privilege.Permission{Role: role + "detour-sweep-eu-central-1"}, true},
		{privilege.Permission{Role: role + "detour-routefilter-eu-central-1", Policy: "p", Sid: "WakeUps"}, true},
		{privilege.Permission{Role: role + "detour-routefilter-eu-central-1", Policy: "p", Sid: "SwitchPropagations"}, false},
		{privilege.Permission{Role: role + "detour-access-111122223333-eu-central-1"}, false},
		{privilege.Permission{Role: role + "detour-forward-eu-central-1", Policy: "p"}, true},
	} {
		if why := privilege.Unplayed(c.permission); (why != "") != c.excused {
			t.Errorf("%s: %q", c.permission, why)
		}
	}
}
