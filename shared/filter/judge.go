package filter

import (
	"cmp"
	"slices"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// Judge decides which measures of the filter are in force, and what has to be written
// for that. views has what was read around each table of the filter and of the record,
// one View for each, in any order; a table without a view counts as not read. now is
// when the decision is made, after all readings.
//
// The changes are the fewest that bring the tables from what was read to what is
// wanted, in an order in which every permitted prefix keeps a next hop. Judge on the
// outcome of its own changes, with its own record, makes none before Decision.Next: the
// statics of a quarantine that ends go when its propagation has been on for a settle
// time. It never deletes a route, nor switches a propagation on, that the record does not show as ours.
func Judge(f *Filter, views []View, record Record, now time.Time) Decision {
	j := &judgement{f: f, now: now, old: record, next: record.Clone()}
	j.out = Decision{Filter: f.Name, WouldBe: f.Mode != protection.Enforce}
	j.next.Mode, j.next.Measures, j.next.Released = f.Mode, nil, nil
	j.forgetReversals()
	for _, table := range sortTables(append(f.Tables(), record.Tables()...)) {
		i := slices.IndexFunc(views, func(v View) bool { return v.Reading.Table == table })
		if i < 0 {
			j.hold(table, ReasonIncomplete)
			continue
		}
		s := newSight(f, views[i], record)
		if !s.inScope && s.view.Reading.Problem == route.ProblemGone {
			j.forget(table)
			continue
		}
		switch reason := s.whole(); {
		case reason == ReasonOutsides && s.inScope && f.Action != Quarantine:
			j.judgeSurely(s)
		case reason != "":
			j.hold(table, reason)
		default:
			j.judge(s)
		}
	}
	j.forgetFlaps()
	return j.finish()
}

// judgement is a run of Judge.
type judgement struct {
	f    *Filter
	now  time.Time
	old  Record
	next Record
	out  Decision
}

// hold leaves a table as it is, but for the drafts.
func (j *judgement) hold(table route.Table, reason Reason, but ...*draft) {
	held := func(key Key) bool {
		return key.Table == table && !slices.ContainsFunc(but, func(d *draft) bool { return d.m.Key == key })
	}
	j.verdict(Verdict{Key: Key{Table: table}, Reason: reason})
	for _, m := range j.old.Measures {
		if held(m.Key) {
			m.Statics, m.Why = slices.Clone(m.Statics), m.Why.clone()
			j.next.Measures = append(j.next.Measures, m)
			j.verdict(Verdict{Key: m.Key, Action: m.Action, Reason: reason, InForce: m.stands(), Why: m.Why})
		}
	}
	for _, key := range j.old.Released {
		if held(key) {
			j.next.Released = append(j.next.Released, key)
		}
	}
}

// forget drops the measures of a table that is deleted, and that the configuration does
// not have any more: nothing of them stands, and no later reading would be a whole one.
func (j *judgement) forget(table route.Table) {
	for _, m := range j.old.Measures {
		if m.Table == table {
			j.verdict(Verdict{Key: m.Key, Action: m.Action, Reason: cmp.Or(m.EndedFor, ReasonOutOfScope), Why: m.Why.clone()})
		}
	}
	j.next.Contended = slices.DeleteFunc(j.next.Contended, func(k Key) bool { return k.Table == table })
}

// stands reports whether something in the tables is the measure's, or stands in its place.
func (m Measure) stands() bool { return m.Off || len(m.Statics) > 0 }

// Stands reports whether something in the tables is the measure's own, so that somebody
// has to take it out.
func (m Measure) Stands() bool {
	return m.Off || slices.ContainsFunc(m.Statics, func(s Static) bool { return !s.Adopted })
}

// verdict adds a verdict.
func (j *judgement) verdict(v Verdict) { j.out.Verdicts = append(j.out.Verdicts, v) }

// due remembers an instant at which time alone changes the answer.
func (j *judgement) due(at time.Time) {
	if at.After(j.now) && (j.out.Next.IsZero() || at.Before(j.out.Next)) {
		j.out.Next = at
	}
}

// judge decides about one table that was read whole.
func (j *judgement) judge(s *sight) {
	var drafts []*draft
	switch {
	case !s.inScope:
	case j.cannot(s):
		j.hold(s.scope.Table, ReasonTableKind)
		return
	case j.f.Action == Quarantine:
		drafts = j.quarantines(s)
	default:
		drafts = j.destinations(s)
	}
	drafts = append(drafts, j.leftovers(s, drafts)...)
	j.carryOut(s, drafts)
	if len(drafts) == 0 {
		j.verdict(Verdict{Key: Key{Table: s.view.Reading.Table}, Reason: ReasonNothingDenied})
	}
}

// judgeSurely decides about a table of which all but the outside addresses was read whole.
// What is denied whatever they are, and seen, is kept out, as a default route is.
// Everything else stays as it is, the end of a measure above all.
func (j *judgement) judgeSurely(s *sight) {
	if j.cannot(s) {
		j.hold(s.scope.Table, ReasonTableKind)
		return
	}
	drafts := j.sure(s)
	j.hold(s.scope.Table, ReasonOutsides, drafts...)
	j.carryOut(s, drafts)
}

// cannot reports whether the action is none that the table can have.
func (j *judgement) cannot(s *sight) bool {
	return s.vpc() && (j.f.Action == Blackhole || j.f.Action == Quarantine) || j.f.Action == Pin && s.scope.Egress.IsZero()
}

// carryOut writes what the drafts want, and keeps and tells what became of them.
func (j *judgement) carryOut(s *sight, drafts []*draft) {
	j.write(s, drafts)
	for _, d := range drafts {
		v := Verdict{Key: d.m.Key, Action: d.m.Action, Reason: d.reason, InForce: d.inForce, New: d.inForce && !d.existed, Why: d.m.Why.clone()}
		if d.held != "" {
			v.Reason, v.InForce = d.held, d.m.stands()
		}
		j.verdict(v)
		if d.keep() {
			j.next.Measures = append(j.next.Measures, d.m)
		}
	}
}

// draft is a measure while it is being decided about.
type draft struct {
	m       Measure
	existed bool
	// inForce says that the measure belongs in force, and reason why, or why not.
	inForce bool
	reason  Reason
	// held is what stands in the way: nothing of the measure is written.
	held Reason
	// statics are the destinations for which its static routes are wanted.
	statics map[route.Destination]bool
	// nextHop is what they point to.
	nextHop route.NextHop
	// off: the attachment's propagation is wanted off.
	off bool
}

// keep reports whether the measure stays in the record: while it is in force, and then
// until a reading has shown that nothing of it stands.
func (d *draft) keep() bool {
	return d.inForce || d.m.Stands()
}

// draft starts from the measure of the record, or from none. Of one that ended, what
// does not stand any more is forgotten.
func (j *judgement) draft(s *sight, key Key, action Action) *draft {
	m, existed := j.old.Measure(key)
	if !existed {
		m = Measure{Key: key}
	}
	m.Statics, m.Why = slices.Clone(m.Statics), m.Why.clone()
	m.Action = action
	d := &draft{m: m, existed: existed && m.EndedAt.IsZero(), statics: map[route.Destination]bool{}}
	if !d.existed {
		d.m.Off = m.Off && !s.surelyOn(d)
		d.m.OffSeen = d.m.Off && m.OffSeen
		d.m.Statics = slices.DeleteFunc(d.m.Statics, func(static Static) bool {
			ours := s.statics[static.Destination].NextHop == m.NextHop || d.m.mayBeOrphaned() && s.orphaned(static)
			return !ours
		})
	}
	return d
}

// leftovers end the measures of the table that the configuration no longer has.
func (j *judgement) leftovers(s *sight, drafts []*draft) []*draft {
	var out []*draft
	for _, m := range j.old.Measures {
		if m.Table != s.view.Reading.Table || slices.ContainsFunc(drafts, func(d *draft) bool { return d.m.Key == m.Key }) {
			continue
		}
		d := j.draft(s, m.Key, m.Action)
		if !j.lost(s, d) {
			j.end(s, d, ReasonOutOfScope)
		}
		out = append(out, d)
	}
	return out
}

// end takes the measure out of force. Of one that ended before, the reason stays.
func (j *judgement) end(s *sight, d *draft, reason Reason) {
	if d.m.EndedAt.IsZero() {
		d.m.EndedAt, d.m.EndedFor = s.readAt(), reason
	}
	d.inForce, d.reason = false, cmp.Or(d.m.EndedFor, reason)
	j.next.Contended = slices.DeleteFunc(j.next.Contended, func(k Key) bool { return k == d.m.Key })
}

// finish sorts what was decided.
func (j *judgement) finish() Decision {
	slices.SortFunc(j.next.Measures, func(a, b Measure) int { return a.Compare(b.Key) })
	slices.SortStableFunc(j.out.Verdicts, func(a, b Verdict) int { return a.Compare(b.Key) })
	slices.SortStableFunc(j.out.Changes, route.Change.Compare)
	slices.SortFunc(j.next.Flaps, func(a, b Flap) int { return a.Compare(b.Key) })
	slices.SortFunc(j.next.Contended, Key.Compare)
	slices.SortFunc(j.next.Released, Key.Compare)
	j.next.Held = nil
	for _, v := range j.out.Verdicts {
		if v.Reason.Pages() {
			j.next.Held = append(j.next.Held, Held{Key: v.Key, Reason: v.Reason})
		}
	}
	j.out.Record = j.next
	return j.out
}
