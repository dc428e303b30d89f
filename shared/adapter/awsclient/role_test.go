package awsclient_test

import (
	"strings"
	"testing"

	"detour/shared/adapter/awsclient"
)

func TestRoleTemplate(t *testing.T) {
	tests := []struct{ template, want string }{
		{"arn:aws:iam::{account}:role/detour", "arn:aws:iam::222222222222:role/detour"},
		{"arn:aws:iam::{account}:role/detour-{region}", "arn:aws:iam::222222222222:role/detour-eu-west-1"},
		{"arn:aws-cn:iam::{account}:role/network/{region}/detour", "arn:aws-cn:iam::222222222222:role/network/eu-west-1/detour"},
		{"arn:aws-us-gov:iam::{account}:role/a+b=c,d.e@f_g-{account}", "arn:aws-us-gov:iam::222222222222:role/a+b=c,d.e@f_g-222222222222"},
	}
	for _, test := range tests {
		role, err := awsclient.RoleTemplate(test.template)
		if err != nil {
			t.Errorf("%s: %v", test.template, err)
			continue
		}
		if got := role("222222222222", "eu-west-1"); got != test.want {
			t.Errorf("%s gives %s, want %s", test.template, got, test.want)
		}
	}
}

func TestRoleTemplateRefuses(t *testing.T) {
	tests := []struct{ name, template, want string }{
		{"empty", "", "does not name the account"},
		{"no account", "arn:aws:iam::111111111111:role/detour", "does not name the account"},
		{"an account in the name only", "arn:aws:iam::111111111111:role/detour-{account}", "has 111111111111 where the account belongs"},
		{"an unknown placeholder", "arn:aws:iam::{account}:role/detour-{stage}", "has {stage}, which is no placeholder"},
		{"another spelling", "arn:aws:iam::{Account}:role/detour", "has {Account}, which is no placeholder"},
		{"a brace left alone", "arn:aws:iam::{account}:role/detour-{region", "has {, which is no placeholder"},
		{"a user", "arn:aws:iam::{account}:user/detour", "gives no ARN of an IAM role"},
		{"another service", "arn:aws:sts::{account}:role/detour", "gives no ARN of an IAM role"},
		{"an assumed role", "arn:aws:sts::{account}:assumed-role/detour/x", "gives no ARN of an IAM role"},
		{"another partition", "arn:aws-mars:iam::{account}:role/detour", "gives no ARN of an IAM role"},
		{"a Region in the ARN", "arn:aws:iam:{region}:{account}:role/detour", "gives no ARN of an IAM role"},
		{"the Region for the account", "arn:aws:iam::{region}:role/{account}", "gives no ARN of an IAM role"},
		{"no name", "arn:aws:iam::{account}:role/", "gives no ARN of an IAM role"},
		{"a space", "arn:aws:iam::{account}:role/detour ", "gives no ARN of an IAM role"},
		{"only a name", "detour-{account}", "gives no ARN of an IAM role"},
		{"a name that is too long with a long Region", "arn:aws:iam::{account}:role/" + strings.Repeat("a", 51) + "{region}", "gives no ARN of an IAM role"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := awsclient.RoleTemplate(test.template)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, part := range []string{test.want, `"` + test.template + `"`, "write "} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q: %v", part, err)
				}
			}
		})
	}
}

// FuzzRoleTemplate: what is taken gives a role of the account that is asked for.
func FuzzRoleTemplate(f *testing.F) {
	for _, seed := range []string{"", "arn:aws:iam::{account}:role/detour-{region}", "arn:aws:iam::111111111111:role/{account}", "arn:aws-cn:iam::{account}:role/a/{b}", "{{account}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		role, err := awsclient.RoleTemplate(template)
		if err != nil {
			return
		}
		arn := role("222222222222", "eu-west-1")
		parts := strings.Split(arn, ":")
		if len(parts) < 6 || parts[2] != "iam" || parts[4] != "222222222222" || !strings.HasPrefix(parts[5], "role/") || strings.ContainsAny(arn, "{} \n") {
			t.Errorf("%q gives %q", template, arn)
		}
	})
}
