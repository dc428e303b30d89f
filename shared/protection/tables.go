package protection

import (
	"slices"

	"detour/shared/health"
)

// observeTables compares what stands with the committed decision. It settles a
// move whose routes are all in place, and watches a settled group for changes
// that somebody else made.
func (d *decider) observeTables() {
	standing := d.in.Standing
	rec := d.in.Record
	next := &d.out.Next
	if !standing.Complete || d.in.Group.Mode != Enforce {
		return
	}
	if !rec.Settled {
		if d.inPlace() && !standing.StartedAt.Before(rec.WroteAt.Add(d.in.Group.Limits.SettleTime)) {
			next.Settled = true
		}
		next.Sighting = Sighting{}
		return
	}
	sighting := d.sight()
	switch {
	case sighting.At.IsZero():
		next.Sighting = Sighting{}
	case !rec.Sighting.At.IsZero() && rec.Sighting.same(sighting):
		// Under a freeze nothing is repaired or adopted; the sighting waits.
		if !d.out.Freeze.On && !standing.StartedAt.Before(rec.Sighting.At.Add(d.in.Group.Limits.SettleTime)) {
			d.seenTwice(sighting)
		}
	default:
		next.Sighting = sighting
	}
}

// inScope: the entry is the group's to write.
func (d *decider) inScope(e EntryStanding) bool {
	if e.Untouchable || (e.Foreign && !d.in.Group.TakeOver) {
		return false
	}
	return !slices.Contains(d.out.Next.Contended, e.Entry)
}

func (d *decider) inPlace() bool {
	for _, e := range d.in.Standing.Entries {
		if d.inScope(e) && !e.On(d.in.Record.Decision.PathFor(d.step(e.Unit))) {
			return false
		}
	}
	return true
}

// sight describes how a settled group's tables differ from its decision; the
// zero Sighting means that they do not.
func (d *decider) sight() Sighting {
	out := Sighting{}
	for _, e := range d.in.Standing.Entries {
		if d.inScope(e) && !e.On(d.in.Record.Decision.PathFor(d.step(e.Unit))) {
			out.Undone = append(out.Undone, Seen{Entry: e.Entry, NextHop: e.NextHop})
		}
	}
	if len(out.Undone) == 0 {
		return Sighting{}
	}
	out.At = d.in.Standing.StartedAt
	out.MovedTo = d.movedTo()
	return out
}

// movedTo is the other declared path on which all routes of the group stand,
// if there is one and it is not Down.
func (d *decider) movedTo() string {
	for _, h := range d.in.Health {
		if h.Path == d.in.Record.Decision.To || h.State == health.Down || !d.allOn(h.Path) {
			continue
		}
		return h.Path
	}
	return ""
}

func (d *decider) allOn(path string) bool {
	for _, e := range d.in.Standing.Entries {
		if !e.Untouchable && !e.On(path) {
			return false
		}
	}
	return true
}

// seenTwice acts on what two readings a settle time apart agree on: a person
// who moved all routes to a live path is followed; anything else is a
// reversal, which is repaired until there are too many.
func (d *decider) seenTwice(sighting Sighting) {
	cur := d.in.Record.Decision
	if sighting.MovedTo != "" {
		d.commit(Decision{From: cur.To, To: sighting.MovedTo, Extent: d.in.Group.Steps(), Action: Adopt, Reason: ReasonMovedByHand, Epoch: d.newEpoch()})
		d.out.Moved = true
		return
	}
	next := &d.out.Next
	next.Sighting = Sighting{}
	window := d.in.Now.Add(-d.in.Group.Limits.ContendedWindow)
	next.Reversals = slices.DeleteFunc(next.Reversals, func(r Reversal) bool { return !r.At.After(window) })
	for _, seen := range sighting.Undone {
		next.Reversals = append(next.Reversals, Reversal{Entry: seen.Entry, At: d.in.Now})
		count := 0
		for _, r := range next.Reversals {
			if r.Entry == seen.Entry {
				count++
			}
		}
		if count >= d.in.Group.Limits.ContendedAfter {
			next.Contended = append(next.Contended, seen.Entry)
			d.out.NewlyContended = append(d.out.NewlyContended, seen.Entry)
			continue
		}
		next.Settled, next.WroteAt = false, d.in.Now
	}
	sortKeys(next.Contended)
}
