package filter

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestMatches is the table of the forms of a rule.
func TestMatches(t *testing.T) {
	outside := []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")}
	for _, tt := range []struct {
		rule      string
		match     []string
		otherwise []string
	}{
		{"deny 10.0.0.0/8", []string{"10.0.0.0/8"}, []string{"10.0.0.0/9", "10.0.0.0/7", "11.0.0.0/8", "0.0.0.0/0", "::/8"}},
		{"deny 10.0.0.0/8 ge 24", []string{"10.0.0.0/24", "10.1.2.3/32"}, []string{"10.0.0.0/8", "10.0.0.0/23", "11.0.0.0/24"}},
		{"deny 10.0.0.0/8 le 24", []string{"10.0.0.0/8", "10.0.0.0/24"}, []string{"10.0.0.0/25", "0.0.0.0/0"}},
		{"deny 10.0.0.0/8 ge 16 le 24", []string{"10.0.0.0/16", "10.0.0.0/24"}, []string{"10.0.0.0/15", "10.0.0.0/25"}},
		{"deny 10.0.0.0/8 le 24 ge 16", []string{"10.0.0.0/16"}, []string{"10.0.0.0/15"}},
		{"deny 0.0.0.0/0 le 32", []string{"0.0.0.0/0", "192.0.2.1/32"}, []string{"::/0"}},
		{"deny ::/0 ge 1 le 3", []string{"2000::/3"}, []string{"::/0", "2000::/4", "128.0.0.0/1"}},
		{"deny 2001:db8::/32 ge 48", []string{"2001:db8:1::/48", "2001:db8::1/128"}, []string{"2001:db8::/32"}},
		{
			"deny default-like",
			[]string{"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "2000::/3", "10.0.0.0/7", "203.0.113.0/24", "203.0.113.7/32", "2001:db8::/32"},
			[]string{"10.0.0.0/8", "fc00::/7", "203.0.112.0/24", "2001:db9::/32"},
		},
	} {
		rule, err := ParseRule(tt.rule)
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		for _, text := range tt.match {
			if !rule.Matches(netip.MustParsePrefix(text), outside) {
				t.Errorf("%s does not match %s", tt.rule, text)
			}
		}
		for _, text := range tt.otherwise {
			if rule.Matches(netip.MustParsePrefix(text), outside) {
				t.Errorf("%s matches %s", tt.rule, text)
			}
		}
	}
}

// TestParseRuleErrors: each says what is wrong, and what to write.
func TestParseRuleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "is not a rule",
		"deny":                             "is not a rule",
		"refuse 10.0.0.0/8":                "is not a rule",
		"deny everything":                  "no CIDR block",
		"deny 10.0.0.0":                    "no CIDR block",
		"deny 10.0.0.1/8":                  "host bits set; write 10.0.0.0/8",
		"deny ::ffff:10.0.0.0/104":         "write the IPv4 block",
		"deny default-like le 8":           "write deny default-like",
		"deny 10.0.0.0/8 ge":               "without a length",
		"deny 10.0.0.0/8 ge 9 le 10 ge 11": "without a length",
		"deny 10.0.0.0/8 gt 9":             `"gt" where ge or le`,
		"deny 10.0.0.0/8 ge 9 ge 10":       "ge twice",
		"deny 10.0.0.0/8 ge 7":             "a number from 8 to 32",
		"deny 10.0.0.0/8 le 33":            "a number from 8 to 32",
		"deny 10.0.0.0/8 le 024":           "a number from 8 to 32",
		"deny 0.0.0.0/0 le 0":              "a number from 1 to 32",
		"deny ::/0 ge 129":                 "a number from 1 to 128",
		"deny 10.0.0.0/8 ge 24 le 16":      "ge 24 above le 16",
	} {
		if _, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestPermits: the first rule that matches decides.
func TestPermits(t *testing.T) {
	var rules []Rule
	for _, text := range []string{"permit 0.0.0.0/1", "deny default-like", "permit 10.1.0.0/16 le 24", "deny 10.0.0.0/8 ge 16"} {
		rule, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	for text, want := range map[string]bool{
		"0.0.0.0/1": true, "0.0.0.0/0": false, "128.0.0.0/1": false, "10.1.0.0/16": true, "10.1.9.0/25": false, "10.2.0.0/16": false, "10.0.0.0/8": true, "fc00::/7": true,
	} {
		if got := Permits(rules, netip.MustParsePrefix(text), nil); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestPresets: what is denied by name and not permitted before.
func TestPresets(t *testing.T) {
	var rules []Rule
	for _, text := range []string{"permit ::/0", "deny default-like", "deny 10.0.0.0/8 ge 9", "deny 10.0.0.0/8", "deny 10.0.0.0/8", "deny 172.16.0.0/12 le 12", "deny 192.168.0.0/16 ge 16"} {
		rule, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	var got []string
	for _, prefix := range Presets(rules) {
		got = append(got, prefix.String())
	}
	if want := []string{"0.0.0.0/0", "10.0.0.0/8", "172.16.0.0/12"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// FuzzParseRule: what is read is written the same again, and matches its own prefix
// unless it asks for longer ones.
func FuzzParseRule(f *testing.F) {
	for _, text := range []string{"deny default-like", "permit 10.0.0.0/8 ge 9 le 24", "deny ::/0", "deny  10.0.0.0/8  le 8", "deny fe80::%eth0/64", "permit 1.2.3.4/32 ge 32"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := ParseRule(text)
		if err != nil {
			if rule.DefaultLike || err.Error() == "" {
				t.Fatalf("%q: %+v, %v", text, rule, err)
			}
			return
		}
		again, err := ParseRule(rule.String())
		if err != nil || again != rule {
			t.Fatalf("%q became %q: %+v, %v", text, rule, again, err)
		}
		if rule.Matches(rule.Prefix, nil) != (!rule.DefaultLike && rule.GE <= rule.Prefix.Bits()) {
			t.Fatalf("%q and its own prefix", text)
		}
	})
}
