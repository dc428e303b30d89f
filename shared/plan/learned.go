package plan

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// isLearned reports whether the entry is a learned route on the path.
func isLearned(hop protection.PathNextHop) bool { return hop.NextHop.Kind == route.Propagated }

// judgeLearned says what shows for an entry before which no static stands. It
// stands then on the paths whose route is learned; where the winner is among their
// attachments, on those that it belongs to.
func (b *stander) judgeLearned(entry protection.Entry, out *protection.EntryStanding) {
	reading := b.readings[entry.Table]
	if len(out.Learning) == 0 || reading == nil || !reading.Complete {
		return
	}
	shown := b.learned[entry.Table][entry.Destination]
	out.Paths, out.Learned = slices.Clone(out.Learning), health.RouteAbsent
	if shown == nil {
		return
	}
	var winning []string
	for _, hop := range entry.NextHops {
		if state := shownFor(shown, hop.NextHop.ID); isLearned(hop) && state == health.RouteShown {
			winning = append(winning, hop.Path)
		}
	}
	switch {
	case shown.Origin != route.OriginPropagated:
		out.Learned = health.RouteHidden
	case len(winning) > 0:
		out.Learned, out.Winner, out.Paths = health.RouteShown, shown.NextHop, winning
	default:
		out.Learned, out.Winner = health.RouteElsewhere, shown.NextHop
	}
}

// shownFor says what a route that shows means for the attachment whose route is
// expected; nil: none shows.
func shownFor(shown *route.Route, attachment string) health.RouteState {
	switch {
	case shown == nil:
		return health.RouteAbsent
	case shown.Origin != route.OriginPropagated:
		return health.RouteHidden
	case shown.State == route.StateActive && slices.Contains(strings.Split(shown.NextHop.ID, ","), attachment):
		return health.RouteShown
	default:
		return health.RouteElsewhere
	}
}

// Prove returns a standing that says of each entry to which paths it cannot be
// brought as a learned route, by what the facts say of their observation tables and of
// what propagates into the entry's own table.
func Prove(group *protection.Group, standing protection.Standing, facts Facts, now time.Time) protection.Standing {
	provers := map[string]*prover{}
	for _, path := range group.Paths {
		if len(path.Spec.Expect) > 0 {
			provers[path.Name] = &prover{
				path.Spec, health.Observe(path.Spec, facts(path.Spec.Observation), now), map[route.Table]health.PropagationProblem{}, facts, now,
			}
		}
	}
	if len(provers) == 0 {
		return standing
	}
	standing.Entries = slices.Clone(standing.Entries)
	for i := range standing.Entries {
		e := &standing.Entries[i]
		e.NotReady = nil
		for _, path := range e.Learning {
			p := provers[path]
			if e.On(path) || p == nil {
				continue
			}
			if why := p.notReady(e.Entry); why != "" {
				e.NotReady = append(e.NotReady, protection.NotReady{Path: path, Why: why})
			}
		}
	}
	return standing
}

// prover says what keeps entries from the learned routes of one path.
type prover struct {
	spec     health.Spec
	observed health.Observed
	// into has what was found of the propagation into each table.
	into  map[route.Table]health.PropagationProblem
	facts Facts
	now   time.Time
}

// notReady says why the entry's route would not come, as far as that is known, or what
// does not prove that it would; empty: it would. That the attachment does not propagate
// into the table outweighs all: no observation table knows better.
func (p *prover) notReady(entry protection.EntryKey) protection.Reason {
	problem, known := p.into[entry.Table]
	if !known {
		problem = health.Propagates(p.facts(health.PropagationsOf(entry.Table)), p.spec.Attachment, p.spec.MaxAge, p.now)
		p.into[entry.Table] = problem
	}
	if problem == health.PropagationOff {
		return protection.ReasonNotPropagated
	}
	if why := unproven(p.observed, entry.Destination.Prefix()); why != "" {
		return why
	}
	return protection.Reason(problem)
}

// ready returns the standing as it would be with every learned route proven.
func ready(standing protection.Standing) protection.Standing {
	standing.Entries = slices.Clone(standing.Entries)
	for i := range standing.Entries {
		standing.Entries[i].NotReady = nil
	}
	return standing
}

// unproven says why the observation table does not prove the route; empty: it does.
func unproven(observed health.Observed, block netip.Prefix) protection.Reason {
	switch observed.Route(block) {
	case health.RouteShown:
		return ""
	case health.RouteUnread:
		return protection.Reason(observed.Problem)
	case health.RouteHidden:
		return protection.ReasonObservationHidden
	case health.RouteAbsent, health.RouteElsewhere:
		return protection.ReasonRouteNotLearned
	default:
		return protection.ReasonRouteNotLearned
	}
}

// Learned returns what the group's own tables show of the routes that the path's
// attachment is expected to have taught, as facts about that path alone. They speak
// only where by the record the path is in use and has been for as long as a route is
// waited for: before that a table can lack it, and elsewhere a static hides it. That a
// route shows is told at once.
func Learned(group *protection.Group, path string, readings []route.Reading, record protection.Record) []health.Fact {
	at := slices.IndexFunc(group.Paths, func(p protection.Path) bool { return p.Name == path })
	spec := group.Paths[at].Spec
	if len(spec.Expect) == 0 || record.Decision.Epoch == 0 {
		return nil
	}
	var out []health.Fact
	expected := expectedIn(group, path, spec, record)
	for _, reading := range readings {
		blocks := expected[reading.Table]
		if len(blocks) == 0 || !reading.Complete {
			continue
		}
		early := len(record.Proving) > 0 || reading.StartedAt.Before(record.WroteAt.Add(protection.LearnWithin))
		shown := shownIn(reading, blocks)
		for _, block := range blocks {
			state := shownFor(shown[route.CIDR(block)], spec.Attachment)
			if early && state != health.RouteShown {
				continue
			}
			out = append(out, health.Fact{
				Subject: health.Subject{Kind: health.SubjectRouteTable, ID: reading.Table.ID, Account: reading.Table.Account, Region: reading.Table.Region},
				Kind:    health.FactExpectedRoute, Part: block.String(), Value: string(state),
				Source: health.SourceSearchRoutes, ObservedAt: reading.StartedAt,
			})
		}
	}
	return out
}

// expectedIn returns the blocks that are looked for in each table: of an entry whose
// route is learned on the path and that is decided to stand on it, and in the same
// tables what the path declares beside its entries.
func expectedIn(group *protection.Group, path string, spec health.Spec, record protection.Record) map[route.Table][]netip.Prefix {
	out := map[route.Table][]netip.Prefix{}
	ofEntries := map[netip.Prefix]bool{}
	for u, unit := range group.Units {
		for _, entry := range unit.Entries {
			if entry.NextHop(path).Kind != route.Propagated {
				continue
			}
			ofEntries[entry.Destination.Prefix()] = true
			if record.Decision.PathFor(group.Step(u)) == path && !slices.Contains(record.Contended, entry.EntryKey) {
				out[entry.Table] = append(out[entry.Table], entry.Destination.Prefix())
			}
		}
	}
	for table := range out {
		for _, block := range spec.Expect {
			if !ofEntries[block] {
				out[table] = append(out[table], block)
			}
		}
	}
	return out
}

// shownIn returns the routes that show for the blocks: a static before all others.
func shownIn(reading route.Reading, blocks []netip.Prefix) map[route.Destination]*route.Route {
	out := make(map[route.Destination]*route.Route, len(blocks))
	for _, block := range blocks {
		out[route.CIDR(block)] = nil
	}
	for i := range reading.Routes {
		r := &reading.Routes[i]
		if known, ok := out[r.Destination]; ok && (known == nil || r.Origin == route.OriginStatic) {
			out[r.Destination] = r
		}
	}
	return out
}
