package health

import (
	"net/netip"
	"slices"
	"time"
)

// Observe reads what the facts say of the path's observation table. It proves
// something only while the path's attachment propagates into it, alone, and nothing
// is associated with it.
func Observe(spec Spec, facts []Fact, now time.Time) Observed {
	return input{spec: spec, facts: facts, now: now}.observe()
}

// Cause is a reason for which a route can be missing although BGP is up.
type Cause string

// The causes, in the order in which they are told.
const (
	// CauseNotAnnounced: the other side does not announce the block.
	CauseNotAnnounced Cause = "not-announced"
	// CauseEmptyPath: over iBGP a transit gateway installs no route whose AS_PATH is
	// empty (Amazon VPC Transit Gateways, Connect attachments: what is advertised over
	// iBGP must have an ASN).
	CauseEmptyPath Cause = "empty-as-path"
	// CauseNextHop: over iBGP it installs a route only if the peer learned it over eBGP
	// and names itself as next hop (next-hop-self).
	CauseNextHop Cause = "no-next-hop-self"
	// CauseHidden: another route of the block stands before it.
	CauseHidden Cause = "hidden-by-another-route"
	// CauseNotPropagated: the attachment does not propagate into the table.
	CauseNotPropagated Cause = "not-propagated"
)

// ExpectedRoute is what is known of a route that a path's attachment is expected to
// have taught.
type ExpectedRoute struct {
	Block netip.Prefix `json:"block"`
	State RouteState   `json:"state,omitempty"`
	// Causes are those that the facts do not rule out, where the route does not show.
	// There are none where no BGP session is up, which is cause enough.
	Causes []Cause `json:"causes,omitempty"`
}

// String says how an expected route that does not show is seen, and what may be the
// matter: "10.128.0.0/10 is not learned (not ruled out: not-announced)".
func (r ExpectedRoute) String() string {
	text := r.Block.String() + " " + map[RouteState]string{
		RouteShown: "is learned", RouteAbsent: "is not learned", RouteElsewhere: "is another attachment's route",
		RouteHidden: "is behind a static route", RouteUnread: "cannot be seen",
	}[r.State]
	for i, cause := range r.Causes {
		if i == 0 {
			text += " (not ruled out: " + string(cause)
		} else {
			text += ", " + string(cause)
		}
	}
	if len(r.Causes) > 0 {
		text += ")"
	}
	return text
}

// Expected returns what is known of the routes that the path's attachment is
// expected to have taught, sorted by block.
func Expected(spec Spec, facts []Fact, now time.Time) []ExpectedRoute {
	in := input{spec: spec, facts: facts, now: now}
	routes := in.routes()
	speaking := in.sessionUp()
	var out []ExpectedRoute
	for _, block := range spec.Expect {
		route := ExpectedRoute{Block: block, State: routes[block.String()].state}
		if route.State != RouteShown && speaking {
			route.Causes = in.causes(routes[block.String()])
		}
		out = append(out, route)
	}
	return out
}

// causes are the causes that are not ruled out for one route that does not show.
func (in input) causes(seen seenRoute) []Cause {
	out := []Cause{CauseNotAnnounced}
	if in.spec.Kind == KindConnect && !in.external() {
		out = append(out, CauseEmptyPath, CauseNextHop)
	}
	if seen.state != RouteAbsent {
		out = append(out, CauseHidden)
	}
	if !seen.fed {
		out = append(out, CauseNotPropagated)
	}
	return out
}

// sessionUp reports whether some BGP session of the path is up, as far as its kind
// shows any.
func (in input) sessionUp() bool {
	return in.spec.Kind == KindAttachment || slices.ContainsFunc(in.facts, func(f Fact) bool {
		return f.Kind == FactSessionStatus && f.Value == SessionUp || f.Kind == FactTunnelStatus && f.Value == TunnelUp
	})
}

// external reports whether every Connect peer's ASN is known to differ from that of
// its transit gateway: the sessions are eBGP then, whose AS_PATH is never empty.
func (in input) external() bool {
	for _, peer := range in.spec.Peers {
		var own, other string
		for _, fact := range in.facts {
			switch {
			case fact.Subject != peer:
			case fact.Kind == FactPeerASN:
				other = fact.Value
			case fact.Kind == FactGatewayASN:
				own = fact.Value
			}
		}
		if own == "" || other == "" || own == other {
			return false
		}
	}
	return len(in.spec.Peers) > 0
}
