package route

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
)

// prefixListMarker starts every managed prefix list id.
const prefixListMarker = "pl-"

// Destination is what a route matches: a CIDR block of either address family,
// or a managed prefix list. Exactly one of the two is set; the zero value is
// not a destination. Destinations are comparable with ==.
type Destination struct {
	prefix netip.Prefix
	list   string
}

// CIDR returns the destination for a prefix. Host bits are cleared, as EC2
// does: 100.68.0.18/18 becomes 100.68.0.0/18 (EC2 API, CreateRoute).
func CIDR(prefix netip.Prefix) Destination {
	return Destination{prefix: prefix.Masked()}
}

// PrefixList returns the destination for a managed prefix list id (pl-…).
func PrefixList(id string) Destination {
	return Destination{list: id}
}

// ParseDestination reads a CIDR block or a managed prefix list id. A bare
// address is refused: EC2 takes prefixes only.
func ParseDestination(text string) (Destination, error) {
	if strings.HasPrefix(text, prefixListMarker) && text != prefixListMarker {
		return PrefixList(text), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return Destination{}, fmt.Errorf("destination %q is neither a CIDR block such as 10.0.0.0/8 nor a prefix list id such as pl-0123456789abcdef0", text)
	}
	return CIDR(prefix), nil
}

// MustDestination is ParseDestination for constants and tests; it panics on
// text that does not parse.
func MustDestination(text string) Destination {
	d, err := ParseDestination(text)
	if err != nil {
		panic(err)
	}
	return d
}

// Prefix returns the CIDR block. It is invalid when d is a prefix list.
func (d Destination) Prefix() netip.Prefix { return d.prefix }

// List returns the prefix list id, or "" when d is a CIDR block.
func (d Destination) List() string { return d.list }

// IsZero reports whether d is no destination at all.
func (d Destination) IsZero() bool { return d.list == "" && !d.prefix.IsValid() }

// String returns the CIDR block in canonical form, or the prefix list id.
func (d Destination) String() string {
	switch {
	case d.list != "":
		return d.list
	case d.prefix.IsValid():
		return d.prefix.String()
	default:
		return ""
	}
}

// MarshalText writes the form that ParseDestination reads.
func (d Destination) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero value.
func (d *Destination) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Destination{}
		return nil
	}
	parsed, err := ParseDestination(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Compare orders CIDR blocks before prefix lists, IPv4 before IPv6, then by
// address, then shorter prefixes first.
func (d Destination) Compare(other Destination) int {
	if c := cmp.Compare(d.list, other.list); c != 0 {
		return c
	}
	if c := cmp.Compare(d.prefix.Addr().BitLen(), other.prefix.Addr().BitLen()); c != 0 {
		return c
	}
	if c := d.prefix.Addr().Compare(other.prefix.Addr()); c != 0 {
		return c
	}
	return cmp.Compare(d.prefix.Bits(), other.prefix.Bits())
}
