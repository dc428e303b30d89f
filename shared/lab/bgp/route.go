package bgp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/osrg/gobgp/v4/pkg/apiutil"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// Route is one route as it goes over a session, in either direction.
type Route struct {
	Prefix netip.Prefix
	// Path is the AS_PATH as it stands in the UPDATE message, the nearest AS first.
	// It is empty for what a speaker originates itself and says over iBGP.
	Path []uint32
	// MED is the MULTI_EXIT_DISC; nil: the message carries none.
	MED *uint32
	// NextHopSelf says that the speaker names itself as the next hop.
	NextHopSelf bool
}

// equal reports whether both are the same to whoever receives them.
func (r Route) equal(o Route) bool {
	return r.Prefix == o.Prefix && slices.Equal(r.Path, o.Path) && r.NextHopSelf == o.NextHopSelf &&
		(r.MED == nil) == (o.MED == nil) && (r.MED == nil || *r.MED == *o.MED)
}

// String is the route for a person.
func (r Route) String() string {
	var text strings.Builder
	text.WriteString(r.Prefix.String())
	if len(r.Path) == 0 {
		text.WriteString(" with an empty AS_PATH")
	} else {
		fmt.Fprintf(&text, " with AS_PATH %s", strings.Trim(fmt.Sprint(r.Path), "[]"))
	}
	if r.MED != nil {
		fmt.Fprintf(&text, ", MED %d", *r.MED)
	}
	if !r.NextHopSelf {
		text.WriteString(", next hop elsewhere")
	}
	return text.String()
}

// families are the address families of every session: AWS exchanges IPv6 routes
// by MP-BGP over the same IPv4 session (Transit Gateway guide, Connect).
func families() []gobgp.Family { return []gobgp.Family{gobgp.RF_IPv4_UC, gobgp.RF_IPv6_UC} }

// familyOf is the address family of a prefix.
func familyOf(p netip.Prefix) gobgp.Family {
	if p.Addr().Is4() {
		return gobgp.RF_IPv4_UC
	}
	return gobgp.RF_IPv6_UC
}

// received turns a path of the Adj-RIB-In into a route. own are the addresses by
// which the speaker may name itself as next hop. The reason is not empty for a
// path that must not be used: it has been through the local AS (RFC 4271 section
// 9.1.2), or its AS_PATH holds a set, which is to be treated as a withdrawal
// (RFC 9774).
func received(prefix string, path *apiutil.Path, localASN uint32, own []netip.Addr) (r Route, unusable string, err error) {
	if r.Prefix, err = netip.ParsePrefix(prefix); err != nil {
		return Route{}, "", fmt.Errorf("a route of family %s has the prefix %q: %w", path.Family, prefix, err)
	}
	for _, attribute := range path.Attrs {
		switch a := attribute.(type) {
		case *gobgp.PathAttributeAsPath:
			for _, segment := range a.Value {
				if segment.GetType() != gobgp.BGP_ASPATH_ATTR_TYPE_SEQ {
					unusable = "its AS_PATH holds more than sequences"
				}
				r.Path = append(r.Path, segment.GetAS()...)
			}
		case *gobgp.PathAttributeMultiExitDisc:
			med := a.Value
			r.MED = &med
		case *gobgp.PathAttributeNextHop:
			r.NextHopSelf = slices.Contains(own, a.Value.Unmap())
		case *gobgp.PathAttributeMpReachNLRI:
			// Over an IPv4 session a router has no other way to say itself than its
			// IPv4 address, mapped (RFC 4291 section 2.5.5.2).
			r.NextHopSelf = slices.Contains(own, a.Nexthop.Unmap())
		}
	}
	if slices.Contains(r.Path, localASN) {
		unusable = fmt.Sprintf("its AS_PATH already holds AS %d", localASN)
	}
	return r, unusable, nil
}

// toSend turns a route into a path that GoBGP advertises with itself as next hop.
// prepended is the AS that GoBGP puts before the path, as it does over eBGP, so
// that it must not stand there yet; 0: none.
func toSend(r Route, prepended uint32) (*apiutil.Path, error) {
	nlri, err := gobgp.NewIPAddrPrefix(r.Prefix)
	if err != nil {
		return nil, fmt.Errorf("route %s: %w", r, err)
	}
	rest := r.Path
	if prepended != 0 && len(rest) > 0 && rest[0] == prepended {
		rest = rest[1:]
	}
	var segments []gobgp.AsPathParamInterface
	if len(rest) > 0 {
		segments = append(segments, gobgp.NewAs4PathParam(gobgp.BGP_ASPATH_ATTR_TYPE_SEQ, rest))
	}
	attributes := []gobgp.PathAttributeInterface{
		gobgp.NewPathAttributeOrigin(gobgp.BGP_ORIGIN_ATTR_TYPE_IGP),
		gobgp.NewPathAttributeAsPath(segments),
	}
	if r.MED != nil {
		attributes = append(attributes, gobgp.NewPathAttributeMultiExitDisc(*r.MED))
	}
	family := familyOf(r.Prefix)
	if family == gobgp.RF_IPv4_UC {
		self, err := gobgp.NewPathAttributeNextHop(netip.IPv4Unspecified())
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", r, err)
		}
		attributes = append(attributes, self)
	} else {
		self, err := gobgp.NewPathAttributeMpReachNLRI(family, []gobgp.PathNLRI{{NLRI: nlri}}, netip.IPv6Unspecified())
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", r, err)
		}
		attributes = append(attributes, self)
	}
	return &apiutil.Path{Family: family, Nlri: nlri, Attrs: attributes}, nil
}

// difference says what has to be said for have to become want, each sorted by
// prefix: the routes that are new or have changed, and the prefixes that are gone.
func difference(have, want map[netip.Prefix]Route) (say []Route, withdraw []netip.Prefix) {
	for prefix, r := range want {
		if old, known := have[prefix]; !known || !old.equal(r) {
			say = append(say, r)
		}
	}
	for prefix := range have {
		if _, stays := want[prefix]; !stays {
			withdraw = append(withdraw, prefix)
		}
	}
	slices.SortFunc(say, func(a, b Route) int { return a.Prefix.Compare(b.Prefix) })
	slices.SortFunc(withdraw, netip.Prefix.Compare)
	return say, withdraw
}
