package authz_test

import (
	"strings"
	"testing"

	"detour/shared/sim/authz"
)

// one is a policy of one statement.
func one(statement string) string {
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

func TestWhatIsNotEvaluatedIsAnErrorThatNamesIt(t *testing.T) {
	for _, c := range []struct{ name, policy, want string }{
		{"no JSON", `{`, "unexpected"},
		{"two objects", one(`{"Effect":"Allow","Action":"a:B","Resource":"*"}`) + `{}`, "something follows"},
		{"the older language", `{"Version":"2008-10-17","Statement":[]}`, `"2008-10-17"`},
		{"no statement", `{"Version":"2012-10-17","Statement":[]}`, "no Statement"},
		{"NotAction", one(`{"Effect":"Allow","NotAction":"a:B","Resource":"*"}`), "NotAction"},
		{"NotResource", one(`{"Effect":"Allow","Action":"a:B","NotResource":"*"}`), "NotResource"},
		{"another effect", one(`{"Effect":"Permit","Action":"a:B","Resource":"*"}`), `"Permit"`},
		{"no action", one(`{"Effect":"Allow","Resource":"*"}`), "no Action"},
		{"an action of no service", one(`{"Effect":"Allow","Action":"B","Resource":"*"}`), `"B"`},
		{"no resource", one(`{"Effect":"Allow","Action":"a:B"}`), "no Resource"},
		{"a principal", one(`{"Effect":"Allow","Action":"a:B","Resource":"*","Principal":"*"}`), "Principal"},
		{"a variable", one(`{"Effect":"Allow","Action":"a:B","Resource":"arn:aws:s3:::${aws:username}"}`), "${aws:username}"},
		{"a number", one(`{"Effect":"Allow","Action":7,"Resource":"*"}`), "7 is no text"},
		{"another operator", one(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"NumericEquals":{"k":"1"}}}`), "NumericEquals"},
		{"with IfExists", one(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"StringEqualsIfExists":{"k":"1"}}}`), "StringEqualsIfExists"},
		{"a condition without a value", one(`{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"StringEquals":{"k":[]}}}`), "no value"},
	} {
		if _, err := authz.Parse([]byte(c.policy)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v does not say %s", c.name, err, c.want)
		}
	}
	for _, c := range []struct{ name, policy, want string }{
		{"no principal", one(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "no Principal"},
		{"a federated one", one(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":"x"}}`), "Federated"},
		{"a resource", one(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Resource":"*"}`), "Resource"},
	} {
		if _, err := authz.ParseTrust([]byte(c.policy)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("trust, %s: %v does not say %s", c.name, err, c.want)
		}
	}
}

// FuzzParse reads any text: a policy that is read has statements that say something.
func FuzzParse(f *testing.F) {
	f.Add([]byte(one(`{"Effect":"Allow","Action":["a:B","c:*"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}`)))
	f.Add([]byte(one(`{"Effect":"Deny","Action":"*","Principal":{"AWS":["1"],"Service":"lambda.amazonaws.com"}}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, read := range []func([]byte) (authz.Policy, error){authz.Parse, authz.ParseTrust} {
			p, err := read(raw)
			if err != nil {
				continue
			}
			for _, s := range p.Statements {
				if len(s.Action) == 0 || len(s.Resource)+len(s.Principal) == 0 {
					t.Errorf("%+v of %s", s, raw)
				}
			}
		}
	})
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"a*c", "abbc", true},
		{"a*c", "abbcd", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*rule/detour-*", "arn:aws:events:r:a:rule/detour-x", true},
		{"abc", "abd", false},
		{"a*b*c", "a-b-b-c", true},
		{"a**", "a", true},
	} {
		if authz.Glob(c.pattern, c.text) != c.want {
			t.Errorf("%q and %q: not %v", c.pattern, c.text, c.want)
		}
	}
}
