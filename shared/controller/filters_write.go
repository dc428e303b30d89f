package controller

import (
	"context"
	"math"
	"slices"

	"detour/shared/filter"
	"detour/shared/plan"
	"detour/shared/route"
)

// filterProgress is what a run has done to the tables so far, as progress is for a
// group.
type filterProgress struct {
	// applied are the changes that EC2 has accepted. A read-back may be stale, and
	// nothing is sent twice because of that.
	applied map[route.Change]bool
	// refused are not tried again in this run.
	refused map[route.Change]bool
	// doubted are those that EC2 answered to with that the table is not as it was read.
	doubted map[route.Change]bool
	// gone are those refused since the attachment that they name does not exist.
	gone map[route.Change]bool
	// mayHaveTakenEffect: some call succeeded, or it is not known whether it did.
	mayHaveTakenEffect bool
}

func (p *filterProgress) note(receipts []route.Receipt) {
	for _, r := range receipts {
		switch r.Outcome {
		case route.Applied:
			p.applied[r.Change], p.mayHaveTakenEffect = true, true
		case route.Failed:
			p.mayHaveTakenEffect = true
		case route.Denied, route.Refused, route.Busy:
			p.refused[r.Change], p.gone[r.Change] = true, r.Gone
		case route.PreconditionFailed:
			// Twice the same answer, with a reading in between that bears it out not: it
			// was about something else.
			p.refused[r.Change] = p.doubted[r.Change]
			p.doubted[r.Change] = true
		case route.AlreadyInPlace, route.Throttled, route.Allowed, route.NotStarted:
		}
	}
}

// goneAttachments are the attachments that EC2 said do not exist, sorted.
func (p *filterProgress) goneAttachments() []string {
	var out []string
	for ch, gone := range p.gone {
		if gone {
			out = append(out, attachmentIn(ch))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// attachmentIn is the attachment that a change switches or points to.
func attachmentIn(ch route.Change) string {
	if attachment, switches := ch.Propagation(); switches {
		return attachment
	}
	return ch.After.ID
}

// unfinished reports whether something that was refused is in the way still: what was
// asked for a quarantine whose attachment turned out to be gone is not asked for any more.
func (p *filterProgress) unfinished(record filter.Record) bool {
	for ch := range p.refused {
		if !p.gone[ch] || slices.ContainsFunc(record.Measures, func(m filter.Measure) bool {
			of := m.Key == filter.Key{Table: ch.Table, Attachment: attachmentIn(ch)} || m.Key == filter.Key{Table: ch.Table, Destination: ch.Destination}
			return of && m.EndedFor != filter.ReasonAttachmentGone
		}) {
			return true
		}
	}
	return false
}

// left takes out what was done. What was refused stands in the way of the stages of its
// table after it, so with it go all changes of them.
func (p *filterProgress) left(changes []route.Change) []route.Change {
	end := map[route.Table]int{}
	for _, ch := range slices.Backward(changes) { // The first stage of a table comes last.
		if p.refused[ch] {
			end[ch.Table] = ch.Phase()
		}
	}
	return slices.DeleteFunc(slices.Clone(changes), func(ch route.Change) bool {
		last, ends := end[ch.Table]
		return p.applied[ch] || p.refused[ch] || ends && ch.Phase() > last
	})
}

// writePriority is how soon a filter's changes come among those of all. A handful
// goes before every group's, since a denied route does harm for as long as it stands.
// The statics of a large quarantine would keep a bucket empty for minutes, and go
// last.
func writePriority(changes []route.Change) int {
	for _, calls := range plan.Predict(changes).Calls {
		if calls.Calls > plan.WriteBurst {
			return math.MaxInt
		}
	}
	return math.MinInt
}

// writeStages sends the changes stage by stage, in the order of their phases: no
// propagation ends before every static that stands in for it is accepted, and no
// static goes before the propagation is back. The first stage of a table that is not
// complete is its last one. stopped says that the lease, a freeze or the deadline ended
// it early.
func (c *Controller) writeStages(ctx context.Context, h *filterHold, changes []route.Change) (receipts []route.Receipt, stopped bool) {
	started := c.ports.Clock.Now()
	defer c.stage(&h.hold, StageWrite, started)
	h.priority = writePriority(changes)
	for len(changes) > 0 {
		phase := changes[0].Phase()
		n := slices.IndexFunc(changes, func(ch route.Change) bool { return ch.Phase() != phase })
		if n < 0 {
			n = len(changes)
		}
		wrote, stopped := c.write(ctx, &h.hold, changes[:n])
		receipts = append(receipts, wrote...)
		if stopped {
			return receipts, true
		}
		changes = slices.DeleteFunc(slices.Clone(changes[n:]), func(ch route.Change) bool {
			return slices.ContainsFunc(wrote, func(r route.Receipt) bool { return r.Change.Table == ch.Table && r.Outcome != route.Applied })
		})
	}
	return receipts, false
}

// verifyFilter reads back the tables of the changes, and what stands around them.
func (c *Controller) verifyFilter(ctx context.Context, h *filterHold, changes []route.Change, seen filterLook) filterLook {
	started := c.ports.Clock.Now()
	defer c.stage(&h.hold, StageVerify, started)
	var tables []route.Table
	for _, ch := range changes {
		tables = append(tables, ch.Table)
	}
	slices.SortFunc(tables, route.Table.Compare)
	newer := c.lookAround(ctx, slices.Compact(tables))
	return seen.with(newer)
}
