package health

import (
	"net/netip"
	"slices"
	"time"
)

// RouteState says how a route table shows a route that an attachment is expected
// to have taught.
type RouteState string

// The states of an expected route.
const (
	// RouteUnread is the zero value: it could not be read.
	RouteUnread RouteState = ""
	// RouteShown: the route of the expected attachment stands and is active.
	RouteShown RouteState = "shown"
	// RouteAbsent: no route to the block stands, learned or static.
	RouteAbsent RouteState = "absent"
	// RouteElsewhere: a learned route stands, and it is another attachment's. A transit
	// gateway table shows the winner only (Amazon VPC Transit Gateways, route evaluation
	// order), so the expected one may be there behind it.
	RouteElsewhere RouteState = "won-by-other"
	// RouteHidden: a static route or a prefix list's stands before whatever is learned.
	RouteHidden RouteState = "hidden"
)

// ObservationProblem says why an observation table proves nothing.
type ObservationProblem string

// The problems of an observation table.
const (
	ObservationNone       ObservationProblem = "no-observation-table"
	ObservationUnreadable ObservationProblem = "observation-unreadable"
	ObservationStale      ObservationProblem = "observation-too-old"
	// ObservationNotFed: the expected attachment does not propagate into the table.
	ObservationNotFed ObservationProblem = "observation-not-fed"
	// ObservationShared: another attachment propagates into it too, and can win.
	ObservationShared ObservationProblem = "observation-shared"
	// ObservationAssociated: an attachment is associated with it, so it carries
	// traffic, and its routes are advertised.
	ObservationAssociated ObservationProblem = "observation-associated"
)

// Observed is what the observation table of a path shows.
type Observed struct {
	// Problem says why the table proves nothing; empty: it does.
	Problem ObservationProblem
	learned map[string]bool
	hidden  map[string]bool
}

// Route returns how the table shows the route to the block: RouteUnread where it
// proves nothing.
func (o Observed) Route(block netip.Prefix) RouteState {
	part := block.String()
	switch {
	case o.Problem != "":
		return RouteUnread
	case o.hidden[part]:
		return RouteHidden
	case o.learned[part]:
		return RouteShown
	default:
		return RouteAbsent
	}
}

// PropagationProblem says why the routes of an attachment do not come into a table, or
// why nobody knows whether they do.
type PropagationProblem string

// The problems of a propagation.
const (
	// PropagationOff: the attachment was read not to propagate into the table.
	PropagationOff        PropagationProblem = "not-propagated"
	PropagationUnreadable PropagationProblem = "propagations-unreadable"
	PropagationStale      PropagationProblem = "propagations-too-old"
)

// Propagates says by the facts about a table's propagations why the routes of the
// attachment do not come into it; empty: they do.
func Propagates(facts []Fact, attachment string, maxAge time.Duration, now time.Time) PropagationProblem {
	read, on, stale := false, false, false
	for _, fact := range facts {
		if fact.Kind == FactUnreadable {
			return PropagationUnreadable
		}
		stale = stale || now.Sub(fact.ObservedAt) > maxAge
		read = read || fact.Kind == FactTableState && fact.Value == TableRead
		on = on || fact.Kind == FactPropagation && fact.Part == attachment && fact.Value == PropagationEnabled
	}
	switch {
	case stale:
		return PropagationStale
	case !read:
		return PropagationUnreadable
	case !on:
		return PropagationOff
	default:
		return ""
	}
}

// observe is Observe.
func (in input) observe() Observed {
	if in.spec.Observation == (Subject{}) {
		return Observed{Problem: ObservationNone}
	}
	v := in.view(in.spec.Observation)
	switch {
	case v.blind == ReasonStale:
		return Observed{Problem: ObservationStale}
	case v.blind != "" || !slices.ContainsFunc(v.facts, func(f Fact) bool { return f.Kind == FactTableState && f.Value == TableRead }):
		return Observed{Problem: ObservationUnreadable}
	}
	out := Observed{learned: map[string]bool{}, hidden: map[string]bool{}}
	out.Problem = out.take(v.facts, in.spec.Attachment)
	return out
}

// take takes the facts about the table in, and says why it proves nothing.
func (o Observed) take(facts []Fact, attachment string) ObservationProblem {
	var fed, shared, associated bool
	for _, fact := range facts {
		switch fact.Kind {
		case FactPropagation:
			fed = fed || fact.Part == attachment
			shared = shared || fact.Part != attachment
		case FactAssociation:
			associated = true
		case FactLearnedRoute:
			o.learned[fact.Part] = o.learned[fact.Part] || fact.Value == attachment
		case FactStaticRoute:
			o.hidden[fact.Part] = true
		default:
		}
	}
	switch {
	case associated:
		return ObservationAssociated
	case shared:
		return ObservationShared
	case !fed:
		return ObservationNotFed
	default:
		return ""
	}
}

// expected judges whether the path's attachment has taught what it should, where
// that can be read.
func (in input) expected() finding {
	for _, seen := range in.routes() {
		if seen.state == RouteAbsent {
			return finding{Down, ReasonRoutesNotLearned, []Source{SourceSearchRoutes}}
		}
	}
	return finding{state: Up}
}

// seenRoute is what all tables together show of an expected route.
type seenRoute struct {
	state RouteState
	// fed: the attachment is known to propagate into a table that shows it so.
	fed bool
}

// routes returns what the tables show of each expected route. What the group's own
// tables show outweighs the observation table, since that is where the traffic goes;
// a static that hides it there shows nothing.
func (in input) routes() map[string]seenRoute {
	if len(in.spec.Expect) == 0 {
		return nil
	}
	own := map[string]RouteState{}
	for _, fact := range in.facts {
		if fact.Kind != FactExpectedRoute || in.now.Sub(fact.ObservedAt) > in.spec.MaxAge {
			continue
		}
		if state := RouteState(fact.Value); state.weight() > own[fact.Part].weight() {
			own[fact.Part] = state
		}
	}
	observed := in.observe()
	out := make(map[string]seenRoute, len(in.spec.Expect))
	for _, block := range in.spec.Expect {
		part := block.String()
		seen := seenRoute{state: own[part]}
		table := observed.Route(block)
		switch {
		case seen.state == RouteAbsent:
			seen.fed = table == RouteAbsent
		case seen.state == RouteShown:
		case table == RouteShown, table == RouteAbsent:
			seen = seenRoute{table, true}
		case seen.state == RouteUnread:
			seen.state = table
		}
		out[part] = seen
	}
	return out
}

// weight orders what several tables show of one route: one that lacks it decides.
func (s RouteState) weight() int {
	switch s {
	case RouteAbsent:
		return 4
	case RouteShown:
		return 3
	case RouteElsewhere:
		return 2
	case RouteHidden:
		return 1
	case RouteUnread:
		return 0
	default:
		return 0
	}
}
