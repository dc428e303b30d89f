package filter

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The widest prefixes that are no default-like ones by their length. IPv4 blocks have
// been handed out up to /8, and 2000::/3, all of the IPv6 Internet, is far wider than
// /7, which unique local addresses have (RFC 4193, section 3.1).
const (
	defaultLikeBits4 = 8
	defaultLikeBits6 = 7
)

// Rule is one line of a filter: permit or deny, and what it matches. The zero value
// matches nothing.
type Rule struct {
	Permit bool
	// DefaultLike matches IPv4 prefixes shorter than /8, IPv6 prefixes shorter than /7,
	// and every prefix that contains an outside address of a tunnel. Prefix, GE and LE
	// are zero then.
	DefaultLike bool
	// Prefix has no host bits. Without GE and LE the rule matches exactly this prefix.
	Prefix netip.Prefix
	// GE and LE bound the length of the prefixes inside Prefix that the rule matches;
	// 0: not given. With GE alone, longer ones match up to the full length of an address.
	// With LE alone, those from the length of Prefix on match.
	GE int
	LE int
}

// The words of a rule.
const (
	wordPermit      = "permit"
	wordDeny        = "deny"
	wordDefaultLike = "default-like"
	wordGE          = "ge"
	wordLE          = "le"
)

const ruleRemedy = "write permit or deny, then a CIDR block with ge N and le N where a range is meant, or default-like; " +
	"such as deny default-like, or permit 10.0.0.0/8 le 24"

// ParseRule reads a rule: permit or deny, then default-like or a CIDR block, which ge
// N, le N or both may follow, as in the prefix lists of routers. N is at least the
// length of the block, ge is not above le, and neither is above the length of an
// address. Words are separated by spaces. The error says what is wrong, and what to
// write.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != wordPermit && words[0] != wordDeny {
		return Rule{}, fmt.Errorf("is not a rule; %s", ruleRemedy)
	}
	rule := Rule{Permit: words[0] == wordPermit}
	if words[1] == wordDefaultLike {
		if len(words) > 2 {
			return Rule{}, fmt.Errorf("has more words after default-like, which has no range; write %s default-like", words[0])
		}
		rule.DefaultLike = true
		return rule, nil
	}
	prefix, err := netip.ParsePrefix(words[1])
	switch {
	case err != nil:
		return Rule{}, fmt.Errorf("has no CIDR block where one is expected; %s", ruleRemedy)
	case prefix.Addr().Is4In6():
		return Rule{}, fmt.Errorf("has an IPv4 block in IPv6 notation; write the IPv4 block")
	case prefix != prefix.Masked():
		return Rule{}, fmt.Errorf("has a block with host bits set; write %s", prefix.Masked())
	}
	rule.Prefix = prefix
	return rule, rule.parseRange(words[2:])
}

// parseRange reads ge and le, which may stand in either order.
func (r *Rule) parseRange(words []string) error {
	if len(words)%2 != 0 || len(words) > 4 {
		return fmt.Errorf("has a range without a length; %s", ruleRemedy)
	}
	for i := 0; i < len(words); i += 2 {
		bound := &r.GE
		switch {
		case words[i] == wordLE:
			bound = &r.LE
		case words[i] != wordGE:
			return fmt.Errorf("has %q where ge or le is expected; %s", words[i], ruleRemedy)
		}
		if *bound != 0 {
			return fmt.Errorf("has %s twice; remove one", words[i])
		}
		n, err := strconv.Atoi(words[i+1])
		if err != nil || strconv.Itoa(n) != words[i+1] || n < max(r.Prefix.Bits(), 1) || n > r.Prefix.Addr().BitLen() {
			return fmt.Errorf("has %s %s, which is no length of a block in %s; write a number from %d to %d",
				words[i], words[i+1], r.Prefix, max(r.Prefix.Bits(), 1), r.Prefix.Addr().BitLen())
		}
		*bound = n
	}
	if r.GE > 0 && r.LE > 0 && r.GE > r.LE {
		return fmt.Errorf("has ge %d above le %d, so it matches nothing; write ge at most le", r.GE, r.LE)
	}
	return nil
}

// String returns the form that ParseRule reads.
func (r Rule) String() string {
	out := wordDeny
	if r.Permit {
		out = wordPermit
	}
	if r.DefaultLike {
		return out + " " + wordDefaultLike
	}
	out += " " + r.Prefix.String()
	if r.GE > 0 {
		out += " ge " + strconv.Itoa(r.GE)
	}
	if r.LE > 0 {
		out += " le " + strconv.Itoa(r.LE)
	}
	return out
}

// Exact reports whether the rule names one single prefix.
func (r Rule) Exact() bool {
	low, high := r.lengths()
	return !r.DefaultLike && low == r.Prefix.Bits() && high == low
}

// lengths returns the bounds of the lengths of the prefixes that the rule matches.
func (r Rule) lengths() (low, high int) {
	low, high = r.Prefix.Bits(), r.Prefix.Bits()
	if r.GE > 0 {
		low, high = r.GE, r.Prefix.Addr().BitLen()
	}
	if r.LE > 0 {
		high = r.LE
	}
	return low, high
}

// Matches reports whether the rule speaks about the prefix. outside are the outside
// addresses of tunnels, which only a default-like rule looks at.
func (r Rule) Matches(prefix netip.Prefix, outside []netip.Addr) bool {
	if r.DefaultLike {
		return DefaultLike(prefix, outside)
	}
	if !r.Prefix.IsValid() || !prefix.IsValid() || r.Prefix.Addr().Is4() != prefix.Addr().Is4() {
		return false
	}
	low, high := r.lengths()
	return r.Prefix.Contains(prefix.Addr()) && prefix.Bits() >= low && prefix.Bits() <= high
}

// DefaultLike reports whether the prefix is like a default route: IPv4 shorter than
// /8, IPv6 shorter than /7, or containing one of the outside addresses.
func DefaultLike(prefix netip.Prefix, outside []netip.Addr) bool {
	if !prefix.IsValid() {
		return false
	}
	limit := defaultLikeBits6
	if prefix.Addr().Is4() {
		limit = defaultLikeBits4
	}
	if prefix.Bits() < limit {
		return true
	}
	for _, addr := range outside {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// Permits reports whether the rules let the prefix stand: the first rule that matches
// decides, and a prefix that none matches is permitted.
func Permits(rules []Rule, prefix netip.Prefix, outside []netip.Addr) bool {
	for _, rule := range rules {
		if rule.Matches(prefix, outside) {
			return rule.Permit
		}
	}
	return true
}

// Presets returns the prefixes that a preset can stand for: those that a rule denies by
// name, and 0.0.0.0/0 and ::/0 where default-like is denied, each as far as no rule
// before permits it. A range of lengths has no preset, since a static route hides the
// routes of its own prefix only.
func Presets(rules []Rule) []netip.Prefix {
	var out []netip.Prefix
	for _, rule := range rules {
		var named []netip.Prefix
		switch {
		case rule.Permit:
		case rule.DefaultLike:
			named = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
		case rule.Exact():
			named = []netip.Prefix{rule.Prefix}
		}
		for _, prefix := range named {
			if !Permits(rules, prefix, nil) {
				out = append(out, prefix)
			}
		}
	}
	return sortPrefixes(out)
}
