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
	d.noteWriters()
	d.prove()
	sighting := d.sight()
	if !rec.Settled && !d.movedSinceAdopted(sighting) {
		sighting = Sighting{}
		if !standing.StartedAt.Before(rec.WroteAt.Add(d.in.Group.Limits.SettleTime)) {
			next.Settled = d.inPlace()
			d.undoneSinceWritten()
			if !next.Settled {
				// It may stay so for long, as behind a prefix list that may not be
				// written. The routes that are there are to carry traffic meanwhile.
				sighting = d.sightOf(d.standsDead)
			}
		}
	}
	d.watch(sighting)
}

// watch acts on a sighting when it is seen for the second time.
func (d *decider) watch(sighting Sighting) {
	seen, next := d.in.Record.Sighting, &d.out.Next
	switch {
	case sighting.At.IsZero():
		next.Sighting = Sighting{}
	case !seen.At.IsZero() && seen.same(sighting):
		// Under a freeze nothing is repaired or adopted; the sighting waits.
		if !d.out.Freeze.On && !d.in.Standing.StartedAt.Before(seen.At.Add(d.in.Group.Limits.SettleTime)) {
			d.seenTwice(sighting)
		}
	default:
		next.Sighting = sighting
	}
}

// movedSinceAdopted: what stood was adopted, and Detour has written nothing since
// that stood for any time, so that no move of its own is under way, and now all
// routes stand on another path.
// To finish the adoption would be to take a person's move back. It can be long
// before a run comes to settle it, if the record store is out of reach.
func (d *decider) movedSinceAdopted(sighting Sighting) bool {
	rec := d.in.Record
	return rec.Decision.Action == Adopt && len(rec.Applied) == 0 && len(rec.Reversals) == 0 &&
		sighting.MovedTo != "" && d.followable(sighting.MovedTo)
}

// inScope: the entry is the group's to write.
func (d *decider) inScope(e EntryStanding) bool {
	if e.Untouchable || (e.Foreign && !d.in.Group.TakeOver) {
		return false
	}
	// A foreign static is overwritten where that is wanted, and never deleted.
	if e.Foreign && slices.Contains(e.Learning, d.in.Record.Decision.PathFor(d.step(e.Unit))) {
		return false
	}
	return !slices.Contains(d.out.Next.Contended, e.Entry)
}

func (d *decider) inPlace() bool {
	if len(d.out.Next.Proving) > 0 {
		return false
	}
	for _, e := range d.in.Standing.Entries {
		path := d.in.Record.Decision.PathFor(d.step(e.Unit))
		if d.inScope(e) && (!e.On(path) || d.stillDead(e, path)) {
			return false
		}
	}
	return true
}

// stillDead: the entry drops traffic on a live path, and was not written since
// that was noticed: the run that was to do it may have died.
func (d *decider) stillDead(e EntryStanding, path string) bool {
	a := d.health(path)
	pending := !d.in.Record.RevivedAt.IsZero() && !slices.Contains(d.in.Record.Applied, e.Entry)
	return e.Blackhole && a.State.Alive() && a.Evidence.Alive() && pending
}

// sight describes how a settled group's tables differ from its decision; the
// zero Sighting means that they do not.
func (d *decider) sight() Sighting {
	out := d.sightOf(func(e EntryStanding, path string) bool { return !e.On(path) || d.dead(e, path) })
	if !out.At.IsZero() {
		out.MovedTo = d.movedTo()
	}
	return out
}

// sightOf lists the group's entries that are amiss; the zero Sighting: none is.
func (d *decider) sightOf(amiss func(e EntryStanding, path string) bool) Sighting {
	out := Sighting{}
	for _, e := range d.in.Standing.Entries {
		if d.inScope(e) && amiss(e, d.in.Record.Decision.PathFor(d.step(e.Unit))) {
			out.Undone = append(out.Undone, Seen{Entry: e.Entry, NextHop: e.NextHop})
		}
	}
	if len(out.Undone) > 0 {
		out.At = d.in.Standing.StartedAt
	}
	return out
}

// standsDead: the entry is where it was decided, and dead.
func (d *decider) standsDead(e EntryStanding, path string) bool {
	return e.On(path) && d.dead(e, path)
}

// dead: the entry's own static drops traffic although its path is alive. AWS
// does not say whether a static route to a VPN attachment leaves the state
// blackhole by itself when the connection recovers (UNVERIFIED); to write it
// again makes it active. That is done at once when the path has come up since
// the last time, and otherwise once in a contention window: while the telemetry
// only lags behind an outage, it changes nothing.
func (d *decider) dead(e EntryStanding, path string) bool {
	a := d.health(path)
	last := d.in.Record.RevivedAt
	due := last.Before(a.Since) || !d.in.Now.Before(last.Add(d.in.Group.Limits.ContendedWindow))
	return e.Blackhole && a.State.Alive() && a.Evidence.Alive() && due
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
		// Whoever deletes a static before a route that is not there moved nothing.
		unlearned := slices.Contains(e.Learning, path) && e.Learned != health.RouteShown
		if !e.Untouchable && (!e.On(path) || e.Orphan || unlearned) {
			return false
		}
	}
	return true
}

// neverLeft: the last move was one away from the path, and nothing was written for
// it. What a check that follows the routes said since is about the path, too.
func (d *decider) neverLeft(path string) bool {
	rec := d.in.Record
	return rec.Decision.From == path && len(rec.Applied) == 0 && d.in.Standing.Complete && d.allOn(path)
}

// seenTwice acts on what two readings a settle time apart agree on: a person
// who moved all routes to a live path is followed; anything else is a
// reversal, which is repaired until there are too many.
func (d *decider) seenTwice(sighting Sighting) {
	cur := d.in.Record.Decision
	if sighting.MovedTo != "" && d.followable(sighting.MovedTo) {
		// A manual switch gives way to it.
		d.endAll(ManualSwitch, ReasonSuperseded)
		d.endAll(ManualSwitchToWorking, ReasonSuperseded)
		d.commit(Decision{
			From: cur.To, To: sighting.MovedTo, Extent: d.in.Group.Steps(), Action: Adopt, Reason: ReasonMovedByHand, Epoch: d.newEpoch(),
		})
		d.out.Next.CameAt = d.in.Now
		d.out.Moved = true
		return
	}
	d.out.Next.Sighting = Sighting{}
	for _, seen := range sighting.Undone {
		switch e := d.standing(seen.Entry); {
		case e.On(d.in.Record.Decision.PathFor(d.step(e.Unit))):
			// Nobody undid the entry; it is there, and dead.
			d.repair(seen.Entry)
			d.out.Next.RevivedAt = d.in.Now
		case e.Orphan || d.reversed(seen.Entry):
			// It is to be written again, and a write that fails is no second reversal.
			d.repair(seen.Entry)
		}
	}
}

// repair has the entry written again. The group has been on its path all the while.
func (d *decider) repair(key EntryKey) {
	next := &d.out.Next
	next.CameAt = next.UsedSince(next.Decision.To)
	next.Settled, next.WroteAt = false, d.in.Now
	d.unapply(key)
}

// standing is what this run shows for the entry.
func (d *decider) standing(key EntryKey) EntryStanding {
	at := slices.IndexFunc(d.in.Standing.Entries, func(e EntryStanding) bool { return e.Entry == key })
	return d.in.Standing.Entries[at]
}

// followable: a move by hand stands only where no standing request would take it
// back on the next run.
func (d *decider) followable(path string) bool {
	force, forced := d.standingForce()
	return d.health(path).State != health.AdminDown && (!forced || force.Path == path)
}

// undoneSinceWritten counts the entries that were written for the decision and
// stand elsewhere in a reading late enough to show the write. Somebody who puts
// routes back faster than a move settles would otherwise be fought for ever.
func (d *decider) undoneSinceWritten() {
	if d.out.Freeze.On {
		return
	}
	rec := d.in.Record
	for _, e := range d.in.Standing.Entries {
		if slices.Contains(rec.Applied, e.Entry) && d.inScope(e) && !e.On(rec.Decision.PathFor(d.step(e.Unit))) {
			if !e.Orphan { // That was AWS, which deleted the attachment.
				d.reversed(e.Entry)
			}
			d.unapply(e.Entry)
		}
	}
}

// unapply forgets that the entry was written for the decision.
func (d *decider) unapply(key EntryKey) {
	next := &d.out.Next
	next.Applied = slices.DeleteFunc(next.Applied, func(k EntryKey) bool { return k == key })
}

// reversed counts one reversal of an entry, and reports whether it may be
// written again. After too many within the window it is contended.
func (d *decider) reversed(entry EntryKey) bool {
	next := &d.out.Next
	window := d.in.Now.Add(-d.in.Group.Limits.ContendedWindow)
	next.Reversals = slices.DeleteFunc(next.Reversals, func(r Reversal) bool { return !r.At.After(window) })
	next.Reversals = append(next.Reversals, Reversal{Entry: entry, At: d.in.Now})
	count := 0
	for _, r := range next.Reversals {
		if r.Entry == entry {
			count++
		}
	}
	if count < d.in.Group.Limits.ContendedAfter {
		return true
	}
	next.Contended = append(next.Contended, entry)
	d.out.NewlyContended = append(d.out.NewlyContended, entry)
	sortKeys(next.Contended)
	return false
}
