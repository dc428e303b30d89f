package filter

import (
	"cmp"
	"math"
	"slices"
	"time"

	"detour/shared/route"
)

// leak is what is known of what a measure is about.
type leak struct {
	// seen: it is announced, and why says what it is.
	seen bool
	why  Reason
	// gone: it is known not to be announced. Where it is neither seen nor gone, why says
	// what the evidence lacks.
	gone bool
}

// lacking returns what the evidence about the attachment lacks; empty: nothing. detached
// says whether an attachment that does not teach the table any more cannot leak into it.
func (s *sight) lacking(attachment string, detached bool) Reason {
	o, configured := s.observations[attachment]
	switch {
	case s.vpc(), o.valid, detached && !s.propagates(attachment):
		return ""
	case configured:
		return ReasonObservation
	default:
		return ReasonUnobserved
	}
}

// leakOf returns what is known of a denied destination.
func (s *sight) leakOf(d *draft) leak {
	destination := d.m.Destination
	if len(s.announcers(destination)) > 0 {
		return leak{seen: true, why: ReasonDenied}
	}
	if d.m.Action == Alert || s.bare(d, destination) {
		return leak{gone: true}
	}
	for _, reason := range []Reason{ReasonUnobserved, ReasonObservation} {
		if slices.ContainsFunc(s.suspects(d), func(id string) bool { return s.lacking(id, true) == reason }) {
			return leak{why: reason}
		}
	}
	return leak{gone: true}
}

// suspects are the attachments that may announce what a measure is about: those that
// did, as far as they are judged; where none is left, all that are judged.
func (s *sight) suspects(d *draft) []string {
	var out []string
	for _, n := range d.m.Why.Announcers {
		if s.judged(n.Attachment) {
			out = append(out, n.Attachment)
		}
	}
	if len(out) == 0 {
		return s.candidates
	}
	return out
}

// bare reports whether nothing hides what is announced for the destination.
func (s *sight) bare(d *draft, destination route.Destination) bool {
	_, static := s.statics[destination]
	_, reference := s.references[destination]
	return !static && !reference && s.settled(d)
}

// settled reports whether the reading shows what was last written of the measure.
func (s *sight) settled(d *draft) bool {
	return d.m.WroteAt.IsZero() || !s.readAt().Before(d.m.WroteAt.Add(s.f.Limits.SettleTime))
}

// surelyOn reports whether the propagation of the measure's attachment is on, in a reading
// that shows what was last written of it.
func (s *sight) surelyOn(d *draft) bool { return s.propagates(d.m.Attachment) && s.settled(d) }

// live takes the measure through its life: into force, and out of it. A draft that does
// not exist yet and is neither seen nor preset stays out of force.
func (j *judgement) live(s *sight, d *draft, l leak, preset bool) {
	released := j.released(d)
	m := &d.m
	m.Preset = preset
	switch {
	case l.seen:
		j.begin(s, d)
		if !m.GoneSince.IsZero() || m.SeenAt.IsZero() {
			m.SeenAt, m.GoneSince = s.readAt(), time.Time{}
			j.penalize(m.Key)
		}
		d.reason = l.why
	case preset:
		j.begin(s, d)
		d.reason = ReasonPreset
		if l.gone && !m.SeenAt.IsZero() && m.GoneSince.IsZero() {
			m.GoneSince = s.readAt()
		}
	case !d.existed:
		d.reason = cmp.Or(d.m.EndedFor, ReasonLifted)
	case released:
		j.end(s, d, ReasonReleased)
	case l.gone:
		j.fade(s, d)
	default:
		d.inForce, d.reason, m.GoneSince = true, l.why, time.Time{}
	}
}

// begin puts the measure into force.
func (j *judgement) begin(s *sight, d *draft) {
	d.inForce = true
	if !d.existed {
		d.m.Since, d.m.SeenAt, d.m.GoneSince, d.m.EndedAt = s.readAt(), time.Time{}, time.Time{}, time.Time{}
		d.m.EndedFor = ""
		d.m.Why = Finding{}
	}
}

// fade ends the measure once what it is about has been gone for long enough, unless it
// came and went too often.
func (j *judgement) fade(s *sight, d *draft) {
	m := &d.m
	if m.GoneSince.IsZero() {
		m.GoneSince = s.readAt()
	}
	d.inForce, d.reason = true, ReasonGone
	if at := m.GoneSince.Add(j.f.LiftAfter); s.readAt().Before(at) {
		j.due(at)
		return
	}
	if until, suppressed := j.suppressed(m.Key); suppressed {
		d.reason = ReasonSuppressed
		j.due(until)
		return
	}
	j.end(s, d, ReasonLifted)
}

// released reports whether an operator wants the measure to end. Where it is contended,
// the operator's word ends the contention instead.
func (j *judgement) released(d *draft) bool {
	key := d.m.Key
	if !slices.Contains(j.old.Released, key) {
		return false
	}
	if !slices.Contains(j.next.Contended, key) {
		return true
	}
	j.next.Contended = slices.DeleteFunc(j.next.Contended, func(k Key) bool { return k == key })
	j.next.Reversals = slices.DeleteFunc(j.next.Reversals, func(r Reversal) bool { return r.Key == key })
	d.m.OffSeen = false
	for i := range d.m.Statics {
		d.m.Statics[i].PutBack, d.m.Statics[i].Seen = !d.m.Statics[i].Adopted, d.m.Statics[i].Adopted
	}
	return false
}

// penalize counts that what the measure is about was announced once more (RFC 2439).
func (j *judgement) penalize(key Key) {
	d := j.f.Damping
	if d.Penalty <= 0 {
		return
	}
	i := slices.IndexFunc(j.next.Flaps, func(f Flap) bool { return f.Key == key })
	if i < 0 {
		i = len(j.next.Flaps)
		j.next.Flaps = append(j.next.Flaps, Flap{Key: key})
	}
	flap := &j.next.Flaps[i]
	flap.Penalty = math.Min(d.Decayed(flap.Penalty, flap.At, j.now)+d.Penalty, d.Ceiling)
	flap.At = j.now
	flap.Suppressed = flap.Suppressed || flap.Penalty >= d.Suppress
}

// suppressed reports whether the measure came and went too often to be lifted, and until
// when.
func (j *judgement) suppressed(key Key) (time.Time, bool) {
	for i := range j.next.Flaps {
		flap := &j.next.Flaps[i]
		if flap.Key != key || !flap.Suppressed {
			continue
		}
		if until := j.f.Damping.ReuseAt(flap.Penalty, flap.At); j.now.Before(until) {
			return until, true
		}
		flap.Suppressed = false
	}
	return time.Time{}, false
}

// forgetFlaps drops the penalties that have decayed below half of the reuse threshold
// (RFC 2439, section 4.2), where no measure is in force.
func (j *judgement) forgetFlaps() {
	j.next.Flaps = slices.DeleteFunc(j.next.Flaps, func(f Flap) bool {
		_, inForce := j.next.Measure(f.Key)
		return !inForce && j.f.Damping.Decayed(f.Penalty, f.At, j.now) < j.f.Damping.Reuse/2
	})
}

// forgetReversals drops the reversals that are older than the window.
func (j *judgement) forgetReversals() {
	j.next.Reversals = slices.DeleteFunc(j.next.Reversals, func(r Reversal) bool {
		return !j.now.Before(r.At.Add(j.f.Limits.ContendedWindow))
	})
}

// reverse counts that somebody else undid the measure, and reports whether that was too
// often.
func (j *judgement) reverse(s *sight, key Key) bool {
	j.next.Reversals = append(j.next.Reversals, Reversal{Key: key, At: s.readAt()})
	n := 0
	for _, r := range j.next.Reversals {
		if r.Key == key {
			n++
		}
	}
	if n < j.f.Limits.ContendedAfter {
		return false
	}
	j.next.Contended = append(j.next.Contended, key)
	return true
}
