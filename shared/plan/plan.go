package plan

import (
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// SkipReason says why a declared entry that does not stand as decided is left
// alone.
type SkipReason string

// The reasons for leaving an entry alone.
const (
	SkipForeign    SkipReason = "foreign"
	SkipNeverTouch SkipReason = "never-touch"
	SkipContended  SkipReason = "contended"
	// The reasons for which a prefix list is not written (protection.BlockReason).
	SkipListUnreadable SkipReason = SkipReason(protection.BlockUnreadable)
	SkipIPAM           SkipReason = SkipReason(protection.BlockIPAM)
	SkipOwner          SkipReason = SkipReason(protection.BlockOwner)
	// SkipHeldWithUnit: an entry of the same unit may not be written for one of the
	// three reasons above, and the unit is not to be split.
	SkipHeldWithUnit SkipReason = "held-with-unit"
	// The reasons for which a static is not deleted before a learned route: nothing
	// proves that the route would come (protection.Reason).
	SkipNoObservation          SkipReason = SkipReason(protection.ReasonNoObservation)
	SkipObservationUnreadable  SkipReason = SkipReason(protection.ReasonObservationUnreadable)
	SkipObservationStale       SkipReason = SkipReason(protection.ReasonObservationStale)
	SkipObservationNotFed      SkipReason = SkipReason(protection.ReasonObservationNotFed)
	SkipObservationShared      SkipReason = SkipReason(protection.ReasonObservationShared)
	SkipObservationAssociated  SkipReason = SkipReason(protection.ReasonObservationAssociated)
	SkipObservationHidden      SkipReason = SkipReason(protection.ReasonObservationHidden)
	SkipNotPropagated          SkipReason = SkipReason(protection.ReasonNotPropagated)
	SkipPropagationsUnreadable SkipReason = SkipReason(protection.ReasonPropagationsUnreadable)
	SkipPropagationsStale      SkipReason = SkipReason(protection.ReasonPropagationsStale)
	SkipRouteNotLearned        SkipReason = SkipReason(protection.ReasonRouteNotLearned)
	// SkipUndeclared: the path has no next hop that one call can write.
	SkipUndeclared SkipReason = "no-next-hop"
)

// Skipped is an entry that the plan leaves alone, with what stands there.
type Skipped struct {
	Entry   protection.EntryKey `json:"entry"`
	NextHop route.NextHop       `json:"nextHop"`
	Reason  SkipReason          `json:"reason"`
}

// Plan is what must be done to bring a group's tables to its decision.
type Plan struct {
	Group string `json:"group"`
	// Changes are in the order in which they are to be sent: unit, table,
	// destination.
	Changes []route.Change `json:"changes"`
	Skipped []Skipped      `json:"skipped,omitempty"`
	// Complete is false when a table could not be read whole; there are no
	// changes then.
	Complete bool `json:"complete"`
}

// Build makes the plan. Entries that stand as decided need no change, so a plan
// built from the state that it leads to is empty.
//
// A static is created or replaced, and deleted only where the path's route is a
// learned one: that is the last change of its unit.
//
// A prefix list that may not be written, and a learned route that nothing proves,
// hold up their unit, and in a stateful
// group all units: entries of a unit move together, and what one call for a list
// moves can be most of the unit. Foreign, contended and untouchable entries are
// left alone one by one.
func Build(group *protection.Group, decision protection.Decision, contended []protection.EntryKey, standing protection.Standing) Plan {
	out := Plan{Group: group.Name, Complete: standing.Complete}
	if !standing.Complete {
		return out
	}
	b := builder{group: group, decision: decision, standing: standing, contended: make(map[protection.EntryKey]bool, len(contended))}
	for _, key := range contended {
		b.contended[key] = true
	}
	reasons := b.reasons()
	i := 0
	for u, unit := range group.Units {
		path := decision.PathFor(group.Step(u))
		var changes []route.Change
		for _, entry := range unit.Entries {
			seen, reason := &standing.Entries[i], reasons[i]
			i++
			switch {
			case seen.On(path):
			case reason != "":
				out.Skipped = append(out.Skipped, Skipped{Entry: entry.EntryKey, NextHop: seen.NextHop, Reason: reason})
			default:
				changes = append(changes, change(entry, path, seen))
			}
		}
		slices.SortFunc(changes, route.Change.Compare)
		out.Changes = append(out.Changes, changes...)
	}
	return out
}

type builder struct {
	group     *protection.Group
	decision  protection.Decision
	standing  protection.Standing
	contended map[protection.EntryKey]bool
}

// reasons returns for each entry why it is left alone; empty: it is not, or
// there is nothing to do.
func (b builder) reasons() []SkipReason {
	out := make([]SkipReason, len(b.standing.Entries))
	away := make([]bool, len(b.standing.Entries))
	held := make([]bool, b.group.Steps())
	i := 0
	for u, unit := range b.group.Units {
		step := b.group.Step(u)
		path := b.decision.PathFor(step)
		for _, entry := range unit.Entries {
			seen := &b.standing.Entries[i]
			if !seen.On(path) {
				out[i] = b.skip(entry, path, seen)
				// An entry that is only to be written again where it stands splits no unit.
				away[i] = seen.NextHop.IsZero() || seen.NextHop != entry.NextHop(path)
				waits := out[i] == SkipReason(seen.Blocked) || out[i] == SkipReason(seen.ReadyFor(path))
				held[step] = held[step] || away[i] && out[i] != "" && waits
			}
			i++
		}
	}
	for i := range out {
		if out[i] == "" && away[i] && held[b.group.Step(b.standing.Entries[i].Unit)] {
			out[i] = SkipHeldWithUnit
		}
	}
	return out
}

func (b builder) skip(entry protection.Entry, path string, seen *protection.EntryStanding) SkipReason {
	hop := entry.NextHop(path)
	switch {
	case seen.Untouchable:
		return SkipNeverTouch
	case seen.Foreign && (!b.group.TakeOver || hop.Kind == route.Propagated):
		return SkipForeign // What somebody else placed is overwritten at most, never deleted.
	case b.contended[entry.EntryKey]:
		return SkipContended
	case hop.IsZero():
		return SkipUndeclared
	case hop.Kind == route.Propagated && protection.Hinders(seen.ReadyFor(path), b.decision.Unproven):
		return SkipReason(seen.ReadyFor(path))
	default:
		return SkipReason(seen.Blocked)
	}
}

func change(entry protection.Entry, path string, seen *protection.EntryStanding) route.Change {
	op, after := route.OpReplace, entry.NextHop(path)
	switch {
	case after.Kind == route.Propagated:
		op, after = route.OpDelete, route.NextHop{} // What is learned stands where no static does.
	case seen.NextHop.IsZero():
		op = route.OpCreate
	}
	return route.Change{
		Table: entry.Table, Destination: entry.Destination, Op: op,
		Before: seen.NextHop, After: after, ListVersion: seen.ListVersion,
	}
}
