package plan

import (
	"fmt"
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// learned: what keeps the group from going to learned routes, and what it costs.
func (s *surveyor) learned() {
	for _, path := range s.in.Group.Paths {
		if len(path.Spec.Expect) == 0 {
			continue
		}
		s.unproven(path.Name)
		s.notPropagated(path)
		decision := protection.Decision{From: path.Name, To: path.Name, Extent: s.in.Group.Steps()}
		if n := countOp(Build(s.in.Group, decision, nil, ready(s.in.Standing)).Changes, route.OpDelete); n > 0 {
			s.info(Note{
				Kind: NoteGap, Path: path.Name, Count: n,
				Text: fmt.Sprintf("a switchover to %s deletes %s; until the learned routes show, which is measured and reported, their destinations may have no route. What does not show within %s is created again",
					path.Name, plural(n, "static route"), protection.LearnWithin),
			})
		}
	}
}

// unproven: entries whose learned route on the path nothing proves.
func (s *surveyor) unproven(path string) {
	byReason := map[protection.Reason][]route.Destination{}
	var reasons []protection.Reason
	for _, e := range s.in.Standing.Entries {
		why := e.ReadyFor(path)
		if why != "" && why != protection.ReasonNotPropagated && !e.Untouchable && !e.Foreign {
			if len(byReason[why]) == 0 {
				reasons = append(reasons, why)
			}
			byReason[why] = append(byReason[why], e.Entry.Destination)
		}
	}
	for _, why := range reasons {
		s.warn(Note{
			Kind: NoteUnproven, Path: path, About: string(why), Count: len(byReason[why]),
			Text: fmt.Sprintf("%s is not switched to: nothing proves its learned routes (%s): %s", path, why, few(byReason[why])),
		})
	}
}

// notPropagated: tables into which the path's attachment does not propagate, so that
// its routes would never stand there, by what was read around them or with the
// evidence.
func (s *surveyor) notPropagated(path protection.Path) {
	var tables []route.Table
	for _, unit := range s.in.Group.Units {
		for _, entry := range unit.Entries {
			if entry.NextHop(path.Name).Kind == route.Propagated {
				tables = append(tables, entry.Table)
			}
		}
	}
	slices.SortFunc(tables, route.Table.Compare)
	for _, table := range slices.Compact(tables) {
		around, ok := s.in.Surroundings.Of(table)
		feeds := func(a Attachment) bool { return a.ID == path.Spec.Attachment }
		off := slices.ContainsFunc(s.in.Standing.Entries, func(e protection.EntryStanding) bool {
			return e.Entry.Table == table && e.ReadyFor(path.Name) == protection.ReasonNotPropagated
		})
		if off || ok && around.Complete && !slices.ContainsFunc(around.Propagating, feeds) {
			s.warn(Note{
				Kind: NoteNotPropagated, Table: table, Path: path.Name, About: path.Spec.Attachment,
				Text: fmt.Sprintf("%s does not propagate into %s, so the routes of %s would never stand there; enable its propagation", path.Spec.Attachment, table, path.Name),
			})
		}
	}
}

// countOp counts the changes that are made by the operation.
func countOp(changes []route.Change, op route.Op) int {
	n := 0
	for _, c := range changes {
		if c.Op == op {
			n++
		}
	}
	return n
}
