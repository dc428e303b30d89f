package filter

import (
	"slices"

	"detour/shared/route"
)

// lost ends a quarantine whose attachment is surely gone: there is nothing to keep out, to
// stand in for, or to switch on again. It reports whether it did.
func (j *judgement) lost(s *sight, d *draft) bool {
	if d.m.Action != Quarantine || !s.gone(d.m.Attachment) {
		return false
	}
	j.end(s, d, ReasonAttachmentGone)
	d.m.EndedFor, d.reason = ReasonAttachmentGone, ReasonAttachmentGone // Even if it ended before for another.
	d.m.Off, d.m.OffSeen = false, false
	return true
}

// gone reports whether the attachment does not exist any more: EC2 said so, and what was
// read of it, all of it whole, bears that out. The table itself was read whole.
func (s *sight) gone(attachment string) bool {
	if !slices.Contains(s.view.Gone, attachment) || s.propagates(attachment) || s.view.Associations.Has(attachment) || len(s.announced(attachment)) > 0 {
		return false
	}
	return !slices.ContainsFunc(s.view.Observed, func(o Observed) bool {
		return o.Attachment == attachment && (o.Propagations.mayHave(attachment) || o.Associations.mayHave(attachment))
	})
}

// mayHave reports whether the attachment is listed, or could be. Nothing stands beside a
// table that is deleted.
func (n Neighbors) mayHave(attachment string) bool {
	return n.Has(attachment) || !n.Complete && n.Problem != route.ProblemGone
}

// mayBeOrphaned reports whether the attachment of the measure is gone, or could be, since
// its propagation does not come back.
func (m Measure) mayBeOrphaned() bool {
	return m.EndedFor == ReasonAttachmentGone || m.Off && !m.EndedAt.IsZero()
}

// orphaned reports whether what stands may be what EC2 leaves of a static whose attachment
// is deleted: it drops its traffic, and names no attachment. A blackhole that somebody
// made in its place looks the same.
func (s *sight) orphaned(static Static) bool {
	return !static.Adopted && (static.Seen || static.PutBack) && !s.declared(static.Destination) &&
		s.statics[static.Destination].NextHop.Kind == route.Blackhole
}
