package plan

import (
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// Facts answers what was read about a subject.
type Facts func(health.Subject) []health.Fact

// Blackholes says for every entry that stands as a blackhole which the group
// does not declare what it is taken for: the orphan of a deleted attachment, or
// a person's own. EC2 shows both alike, as a static route without a target.
//
// It is an orphan if by the record Detour's own route led to an attachment there,
// and the facts say that this attachment is deleted or being deleted. Whoever
// places a blackhole while the attachment lives is seen doing so: that first sight
// is remembered, and what happens to the attachment later does not change it. Only
// evidence that comes at most the path's MaxAge after the first sight may, since
// tables and evidence are not read at one instant. An orphan stays one until the
// entry shows something else. An incomplete standing teaches nothing.
func Blackholes(group *protection.Group, standing protection.Standing, record protection.Record, facts Facts) []protection.BlackholeSeen {
	if !standing.Complete {
		return record.Blackholes
	}
	remembered := make(map[protection.EntryKey]protection.BlackholeSeen, len(record.Blackholes))
	for _, seen := range record.Blackholes {
		remembered[seen.Entry] = seen
	}
	var out []protection.BlackholeSeen
	i := 0
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			e := &standing.Entries[i]
			i++
			if !e.Foreign || e.NextHop.Kind != route.Blackhole {
				continue
			}
			seen, known := remembered[e.Entry]
			if !known {
				seen = protection.BlackholeSeen{Entry: e.Entry, At: standing.StartedAt}
			}
			seen.Orphan = seen.Orphan || orphaned(group, entry, e.Unit, record, standing.StartedAt.Sub(seen.At), facts)
			out = append(out, seen)
		}
	}
	slices.SortFunc(out, func(a, b protection.BlackholeSeen) int { return a.Entry.Compare(b.Entry) })
	return out
}

// orphaned reports whether the entry stood on a path whose attachment is gone.
// since is how long ago the blackhole was first seen.
func orphaned(group *protection.Group, entry protection.Entry, unit int, record protection.Record, since time.Duration, facts Facts) bool {
	stood := stoodOn(group, entry.EntryKey, unit, record)
	return slices.ContainsFunc(group.Paths, func(path protection.Path) bool {
		return slices.Contains(stood, path.Name) && since <= path.Spec.MaxAge && attachmentGone(path.Spec, entry.NextHop(path.Name), facts)
	})
}

// stoodOn returns the paths on which Detour's route of the entry can have stood: of a
// settled group and of an entry that was written the one that it aims at, of
// any other that one and the one that the move comes from.
func stoodOn(group *protection.Group, key protection.EntryKey, unit int, record protection.Record) []string {
	decision := record.Decision
	switch {
	case decision.Epoch == 0:
		return nil
	case record.Settled || slices.Contains(record.Applied, key):
		return []string{decision.PathFor(group.Step(unit))}
	default:
		return []string{decision.From, decision.To}
	}
}

// attachmentGone reports whether the facts call the attachment deleted that is
// the next hop: by its own state, or by that of the VPN connection behind it.
// What EC2 does not know any more is gone, too; what cannot be read is not.
func attachmentGone(spec health.Spec, hop route.NextHop, facts Facts) bool {
	if hop.Kind != route.TransitGatewayAttachment {
		return false
	}
	switch spec.Subject.Kind {
	case health.SubjectVPN:
	case health.SubjectAttachment:
		if spec.Subject.ID != hop.ID {
			return false
		}
	default:
		return false
	}
	return slices.ContainsFunc(facts(spec.Subject), func(f health.Fact) bool {
		switch f.Kind {
		case health.FactConnectionState, health.FactAttachmentState:
			return f.Value == health.ConnectionGone || f.Value == health.ConnectionGoing // The words are the same for both.
		case health.FactUnreadable:
			return f.Problem == route.ProblemGone
		default:
			return false
		}
	})
}

// MarkOrphans returns a standing in which the blackholes that deleted attachments
// left behind are not foreign. They stand on the paths whose attachment is gone by
// the facts: EC2 takes no route to it any more.
func MarkOrphans(group *protection.Group, standing protection.Standing, blackholes []protection.BlackholeSeen, facts Facts) protection.Standing {
	orphans := map[protection.EntryKey]bool{}
	for _, seen := range blackholes {
		if seen.Orphan {
			orphans[seen.Entry] = true
		}
	}
	if len(orphans) == 0 {
		return standing
	}
	standing.Entries = slices.Clone(standing.Entries)
	i := 0
	for _, unit := range group.Units {
		for _, entry := range unit.Entries {
			e := &standing.Entries[i]
			i++
			if !e.Foreign || e.NextHop.Kind != route.Blackhole || !orphans[e.Entry] {
				continue
			}
			e.Foreign, e.Orphan = false, true
			for _, path := range group.Paths {
				if attachmentGone(path.Spec, entry.NextHop(path.Name), facts) {
					e.Paths = append(e.Paths, path.Name)
				}
			}
		}
	}
	return standing
}
