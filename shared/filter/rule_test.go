package filter

import (
	"net/netip"
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
