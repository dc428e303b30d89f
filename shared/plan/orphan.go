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
// It is an orphan if by the record of its first sight Detour's own route led to an
// attachment there, and the facts say that this attachment is deleted or being
// deleted. Whoever places a blackhole while the attachment lives is seen doing so:
// what happens to the attachment later does not change it. Tables and evidence are
// not read at one instant, so that is known once evidence from a settle time later
// shows the attachment alive; until then, and at most for the path's MaxAge, evidence
// that it is gone still counts. A sight without evidence leaves the question to the next one: a route that
// EC2 killed is not to stay dead because EC2 throttled. What stood before there was a
// record is a person's: the first record is made of what stands, and names a path for
// the entry that no route of Detour's ever led to. An orphan stays one until the entry
// shows something else. An incomplete standing teaches nothing.
func Blackholes(group *protection.Group, standing protection.Standing, record protection.Record, facts Facts) []protection.BlackholeSeen {
	if !standing.Complete {
		return record.Blackholes
	}
	remembered := make(map[protection.EntryKey]protection.BlackholeSeen, len(record.Blackholes))
	for _, seen := range record.Blackholes {
		remembered[seen.Entry] = seen
	}
	look := blackholeLook{group, standing.StartedAt, facts}
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
				seen = protection.BlackholeSeen{Entry: e.Entry, Stood: stoodOn(group, entry.EntryKey, e.Unit, record)}
			}
			orphaned, answered := look.orphaned(entry, seen)
			seen.Orphan = seen.Orphan || orphaned && !seen.Placed
			switch {
			case !answered:
			case seen.At.IsZero():
				seen.At = standing.StartedAt
			case !seen.Orphan:
				seen.Placed = seen.Placed || look.placed(entry, seen)
			}
			out = append(out, seen)
		}
	}
	slices.SortFunc(out, func(a, b protection.BlackholeSeen) int { return a.Entry.Compare(b.Entry) })
	return out
}

// blackholeLook is one look at the group's tables and paths.
type blackholeLook struct {
	group *protection.Group
	at    time.Time
	facts Facts
}

// orphaned reports whether the entry stood on a path whose attachment is gone, by
// evidence that came soon enough after the first, and whether there is evidence
// about all those paths.
func (l blackholeLook) orphaned(entry protection.Entry, seen protection.BlackholeSeen) (orphaned, answered bool) {
	answered = true
	for _, path := range l.group.Paths {
		if !slices.Contains(seen.Stood, path.Name) {
			continue
		}
		fate := attachmentFate(path.Spec, entry.NextHop(path.Name), l.facts)
		answered = answered && fate != fateUnknown
		orphaned = orphaned || fate == fateGone && (seen.At.IsZero() || l.at.Sub(seen.At) <= path.Spec.MaxAge)
	}
	return orphaned, answered
}

// placed reports whether evidence from a settle time after the first, or later, shows
// all attachments alive to which Detour's route can have led.
func (l blackholeLook) placed(entry protection.Entry, seen protection.BlackholeSeen) bool {
	judged := seen.At.Add(l.group.Limits.SettleTime)
	early := func(f health.Fact) bool { return f.ObservedAt.Before(judged) }
	return len(seen.Stood) > 0 && !slices.ContainsFunc(l.group.Paths, func(path protection.Path) bool {
		return slices.Contains(seen.Stood, path.Name) &&
			(attachmentFate(path.Spec, entry.NextHop(path.Name), l.facts) != fateStands || slices.ContainsFunc(l.facts(path.Spec.Subject), early))
	})
}

// stoodOn returns the paths on which Detour's route of the entry can have stood: of a
// settled group and of an entry that was written the one that it aims at, of
// any other that one and the one that the move comes from. Before anything was decided
// there are none.
func stoodOn(group *protection.Group, key protection.EntryKey, unit int, record protection.Record) []string {
	decision := record.Decision
	switch {
	case decision.Epoch == 0:
		return nil
	case record.Settled || slices.Contains(record.Applied, key):
		return []string{decision.PathFor(group.Step(unit))}
	default:
		return slices.Compact([]string{decision.From, decision.To})
	}
}

// fate is what the facts say of an attachment.
type fate int

const (
	fateUnknown fate = iota // Nothing could be read.
	fateStands
	fateGone
)

// attachmentFate says what has become of the attachment that is the next hop: by its
// own state, or by that of the VPN connection behind it. What EC2 does not know any
// more is gone, too; what cannot be read is not. Any other next hop stands: no fact
// will say otherwise.
func attachmentFate(spec health.Spec, hop route.NextHop, facts Facts) fate {
	ofVPN := spec.Subject.Kind == health.SubjectVPN
	ofAttachment := spec.Subject.Kind == health.SubjectAttachment && spec.Subject.ID == hop.ID
	if hop.Kind != route.TransitGatewayAttachment || !ofVPN && !ofAttachment {
		return fateStands
	}
	out := fateUnknown
	for _, f := range facts(spec.Subject) {
		switch {
		case f.Kind == health.FactUnreadable && f.Problem == route.ProblemGone:
			return fateGone
		case f.Kind != health.FactConnectionState && f.Kind != health.FactAttachmentState:
		case f.Value == health.ConnectionGone || f.Value == health.ConnectionGoing: // The words are the same for both.
			return fateGone
		default:
			out = fateStands
		}
	}
	return out
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
				if attachmentFate(path.Spec, entry.NextHop(path.Name), facts) == fateGone {
					e.Paths = append(e.Paths, path.Name)
				}
			}
		}
	}
	return standing
}
