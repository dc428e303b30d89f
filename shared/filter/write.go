package filter

import (
	"maps"
	"slices"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// write makes the changes between what stands in the table and what the drafts want.
func (j *judgement) write(s *sight, drafts []*draft) {
	w := &writer{j: j, s: s, holders: map[route.Destination]holder{}, wanted: map[route.Destination]bool{}}
	for _, d := range drafts {
		for _, static := range d.m.Statics {
			// Where a static moves from one measure to another, both have it until that is
			// seen; what stands says whose it is.
			have, twice := w.holders[static.Destination]
			if !twice || have.hop != s.statics[static.Destination].NextHop {
				w.holders[static.Destination] = holder{static: static, hop: d.m.NextHop}
			}
		}
	}
	for _, d := range drafts {
		if d.held == "" && w.undone(d) && j.f.Mode == protection.Enforce && j.reverse(s, d.m.Key) {
			d.held = ReasonContended
		}
		for destination := range d.statics {
			w.wanted[destination] = w.wanted[destination] || d.held == ""
		}
	}
	for _, d := range drafts {
		if d.held == "" {
			w.draft(d)
		}
	}
}

// writer is the writing of one table.
type writer struct {
	j *judgement
	s *sight
	// holders are the recorded statics by destination, and wanted the destinations for
	// which some draft that is not held wants one.
	holders map[route.Destination]holder
	wanted  map[route.Destination]bool
}

// holder is a recorded static, and the next hop that it had.
type holder struct {
	static Static
	hop    route.NextHop
}

// undone reports whether somebody else undid what a reading showed of the measure, and
// what is still wanted.
func (w *writer) undone(d *draft) bool {
	if !w.s.settled(d) {
		return false
	}
	if d.off && d.m.OffSeen && w.s.propagates(d.m.Attachment) {
		return true
	}
	return slices.ContainsFunc(d.m.Statics, func(static Static) bool {
		hop := w.s.statics[static.Destination].NextHop
		return d.statics[static.Destination] && !static.Adopted && static.Seen && hop != d.m.NextHop && hop != d.nextHop
	})
}

// draft makes the changes of one measure, and its statics for the record.
func (w *writer) draft(d *draft) {
	before := len(w.j.out.Changes)
	var next []Static
	for _, static := range d.m.Statics {
		if !d.statics[static.Destination] {
			next = append(next, w.unwanted(d, static)...)
		}
	}
	replacing := false
	for _, destination := range slices.SortedFunc(maps.Keys(d.statics), route.Destination.Compare) {
		static, keep, replaced := w.wantedStatic(d, destination)
		replacing = replacing || replaced
		if keep {
			next = append(next, static)
		}
	}
	slices.SortFunc(next, func(a, b Static) int { return a.Destination.Compare(b.Destination) })
	off, offSeen := w.propagation(d)
	if w.j.out.WouldBe {
		return // Nothing is written, so the record has what it had.
	}
	d.m.Statics, d.m.Off, d.m.OffSeen = next, off, offSeen
	if len(next) == 0 {
		d.m.NextHop = route.NextHop{}
	}
	// While a replacement is not seen, what stands is known by the next hop that it had.
	if len(d.statics) > 0 && (!replacing || d.m.NextHop.IsZero()) {
		d.m.NextHop = d.nextHop
	}
	if len(w.j.out.Changes) > before {
		d.m.WroteAt = w.j.now
	}
}

// wantedStatic brings a static into place. keep is false where it is somebody else's,
// and replaced says that it stands with the next hop that it had before.
func (w *writer) wantedStatic(d *draft, destination route.Destination) (static Static, keep, replaced bool) {
	standing, stands := w.s.statics[destination]
	recorded, known := w.holders[destination]
	own := known && !recorded.static.Adopted
	static = Static{Destination: destination, PutBack: own && (recorded.static.PutBack || recorded.static.Seen)}
	change := route.Change{Table: w.s.scope.Table, Destination: destination, Before: standing.NextHop, After: d.nextHop}
	switch {
	case !stands:
		change.Op = route.OpCreate
		w.j.out.Changes = append(w.j.out.Changes, change)
		return static, true, false
	case standing.NextHop == d.nextHop:
		static = Static{Destination: destination, Seen: true, Adopted: !own, RewriteAt: recorded.static.RewriteAt}
		if static.RewriteAt = w.rewriteAt(d, static, standing); !static.RewriteAt.IsZero() && !w.s.readAt().Before(static.RewriteAt) {
			change.Op = route.OpReplace
			w.j.out.Changes = append(w.j.out.Changes, change)
			static.RewriteAt = w.j.now.Add(w.j.f.Limits.ContendedWindow)
		}
		w.j.due(static.RewriteAt)
		return static, true, false
	case own && standing.NextHop == recorded.hop:
		change.Op = route.OpReplace
		w.j.out.Changes = append(w.j.out.Changes, change)
		return Static{Destination: destination}, true, true
	case own && (recorded.static.Seen || recorded.static.PutBack):
		change.Op = route.OpReplace
		w.j.out.Changes = append(w.j.out.Changes, change)
		return static, true, false
	default:
		if d.m.Attachment == "" {
			d.held = ReasonForeign
		}
		return Static{}, false, false
	}
}

// rewriteAt is from when the static of a quarantine is written again with the same next
// hop: it has the state blackhole, as one to a VPN connection gets with an outage, while
// the observation table shows that the attachment announces the destination. Whether such
// a route comes back to life by itself is UNVERIFIED. As with the routes of groups (ADR
// 0008) two readings have to show it so, a settle time apart, and one write has to do for
// a contention window.
func (w *writer) rewriteAt(d *draft, static Static, standing route.Route) time.Time {
	announced := w.s.observations[d.m.Attachment].has[standing.Destination.Prefix()]
	switch {
	case static.Adopted || !announced || standing.State != route.StateBlackhole:
		return time.Time{}
	case static.RewriteAt.IsZero():
		return w.s.readAt().Add(w.j.f.Limits.SettleTime)
	default:
		return static.RewriteAt
	}
}

// unwanted takes out a static that the measure no longer wants, if it is ours and stands
// as we wrote it. It stays in the record until a reading shows that it is gone, or that
// the measure that wants it now has it.
func (w *writer) unwanted(d *draft, static Static) []Static {
	standing, stands := w.s.statics[static.Destination]
	orphaned := d.m.mayBeOrphaned() && w.s.orphaned(static)
	ours := standing.NextHop == d.m.NextHop || !static.Seen && standing.NextHop == d.nextHop || orphaned && d.m.EndedFor == ReasonAttachmentGone
	if static.Adopted || !stands || !ours && !orphaned {
		return nil
	}
	if ours && !w.wanted[static.Destination] && !w.returning(d) {
		w.j.out.Changes = append(w.j.out.Changes,
			route.Change{Table: w.s.scope.Table, Destination: static.Destination, Op: route.OpDelete, Before: standing.NextHop})
	}
	return []Static{static}
}

// returning reports whether the propagation that the statics of a measure stood in for is
// not surely back. A transit gateway table does not show what a static hides, so that the
// learned route is there again is never seen; that the propagation has been on for a
// settle time is.
func (w *writer) returning(d *draft) bool {
	return d.m.Off && !d.off && !w.s.surelyOn(d)
}

// propagation switches the propagation of a quarantined attachment, and returns whether
// it is off by our doing, and whether that was seen. It counts as off until it is surely
// back.
func (w *writer) propagation(d *draft) (off, seen bool) {
	id, on := d.m.Attachment, w.s.propagates(d.m.Attachment)
	switch {
	case d.off && on:
		w.j.out.Changes = append(w.j.out.Changes, route.SwitchPropagation(w.s.scope.Table, id, false))
		return true, false
	case d.off:
		return d.m.Off, d.m.Off
	case d.m.Off && !on:
		w.j.out.Changes = append(w.j.out.Changes, route.SwitchPropagation(w.s.scope.Table, id, true))
		return true, d.m.OffSeen
	case w.returning(d):
		w.j.due(d.m.WroteAt.Add(w.j.f.Limits.SettleTime))
		return true, d.m.OffSeen
	default:
		return false, false
	}
}
