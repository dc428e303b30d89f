package filter

import (
	"slices"

	"detour/shared/route"
)

// destinations drafts the measures that act on single destinations: those of Blackhole,
// Pin and Alert.
func (j *judgement) destinations(s *sight) []*draft {
	var out []*draft
	presets := j.presets()
	for _, destination := range j.concerned(s, presets) {
		d := j.draft(s, Key{Table: s.scope.Table, Destination: destination}, j.f.Action)
		j.destination(s, d, slices.Contains(presets, destination))
		if d.existed || d.inForce || d.m.stands() {
			out = append(out, d)
		}
	}
	return append(out, j.crowds(s)...)
}

// sure drafts the measures of the destinations that are announced, and denied whatever the
// outside addresses are.
func (j *judgement) sure(s *sight) []*draft {
	var out []*draft
	presets := j.presets()
	for _, destination := range j.concerned(s, nil) {
		d := j.draft(s, Key{Table: s.scope.Table, Destination: destination}, j.f.Action)
		if s.deniesSurely(destination.Prefix()) && !s.declared(destination) && s.leakOf(d).seen {
			j.destination(s, d, slices.Contains(presets, destination))
			out = append(out, d)
		}
	}
	return out
}

// destination decides about the measure of one destination.
func (j *judgement) destination(s *sight, d *draft, preset bool) {
	switch j.f.Action {
	case Blackhole:
		d.nextHop = route.NextHop{Kind: route.Blackhole}
	case Pin:
		d.nextHop = s.scope.Egress
	case Quarantine, Alert:
	}
	prefix, l := d.m.Destination.Prefix(), s.leakOf(d)
	if preset && s.vpc() && prefix.Addr().Is6() {
		preset = false
		if !l.seen && !d.existed {
			j.verdict(Verdict{Key: d.m.Key, Action: j.f.Action, Reason: ReasonNoIPv6})
		}
	}
	if s.permits(prefix) && !preset || s.declared(d.m.Destination) && d.m.stands() {
		j.end(s, d, ReasonOutOfScope) // The group needs the place of what stands there.
	} else {
		j.live(s, d, l, preset)
	}
	if d.inForce {
		j.place(s, d)
	}
}

// place says which route a measure in force wants, or what stands in its way.
func (j *judgement) place(s *sight, d *draft) {
	destination := d.m.Destination
	j.findDestination(s, d)
	if !j.f.Action.Writes() {
		return
	}
	d.m.Manual = !d.m.Preset && slices.ContainsFunc(s.suspects(d), func(id string) bool { return s.lacking(id, false) == ReasonUnobserved })
	d.statics[destination] = true
	d.held = j.obstacle(s, d)
}

// presets returns the destinations for which measures stand before any announcement.
func (j *judgement) presets() []route.Destination {
	if !j.f.Preset || !j.f.Action.Writes() {
		return nil
	}
	var out []route.Destination
	for _, prefix := range Presets(j.f.Rules) {
		out = append(out, route.CIDR(prefix))
	}
	return out
}

// concerned returns the destinations that are denied and announced, preset, or have a
// measure, sorted.
func (j *judgement) concerned(s *sight, presets []route.Destination) []route.Destination {
	out := append(s.denied(), presets...)
	for _, m := range j.old.Measures {
		if m.Table == s.scope.Table && !m.Destination.IsZero() {
			out = append(out, m.Destination)
		}
	}
	slices.SortFunc(out, route.Destination.Compare)
	return slices.Compact(out)
}

// obstacle returns what stands in the way of writing a measure; empty: nothing.
func (j *judgement) obstacle(s *sight, d *draft) Reason {
	destination := d.m.Destination
	_, reference := s.references[destination]
	_, stands := s.statics[destination]
	switch {
	case slices.Contains(j.next.Contended, d.m.Key):
		return ReasonContended
	case s.untouchable(destination):
		return ReasonNeverTouch
	case reference || stands && s.declared(destination):
		return ReasonForeign
	case s.declared(destination):
		return ReasonDeclared
	case j.f.Action == Blackhole && s.permittedElsewhere(destination):
		return ReasonPermittedElsewhere
	case j.f.Action == Pin && !s.vpc() && s.advertised():
		return ReasonAdvertised
	case j.f.Action == Pin && !Carries(s.scope.Egress, destination.Prefix().Addr().Is4()):
		return ReasonEgressFamily
	default:
		return ""
	}
}

// Carries reports whether a next hop forwards packets of the address family: a NAT
// gateway takes IPv4, and an egress-only internet gateway IPv6 (Amazon VPC user guide, NAT
// gateways and egress-only internet gateways).
func Carries(hop route.NextHop, ipv4 bool) bool {
	switch hop.Kind {
	case route.NATGateway:
		return ipv4
	case route.EgressOnlyInternetGateway:
		return !ipv4
	default:
		return true
	}
}

// crowds drafts the alerts about attachments that teach more prefixes than allowed.
func (j *judgement) crowds(s *sight) []*draft {
	if j.f.MaxPrefixes == 0 || j.f.Action != Alert {
		return nil
	}
	ids := slices.Clone(s.candidates)
	for _, m := range j.old.Measures {
		if m.Table == s.scope.Table && m.Attachment != "" && m.Action == Alert {
			ids = append(ids, m.Attachment)
		}
	}
	slices.Sort(ids)
	var out []*draft
	for _, id := range slices.Compact(ids) {
		d := j.draft(s, Key{Table: s.scope.Table, Attachment: id}, Alert)
		n := len(s.announced(id))
		over := n > j.f.MaxPrefixes
		if !over && !d.existed {
			continue
		}
		j.live(s, d, leak{seen: over, gone: !over, why: ReasonOverLimit}, false)
		if d.inForce {
			j.findAttachment(s, d, nil, n)
		}
		out = append(out, d)
	}
	return out
}
