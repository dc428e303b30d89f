package filter

import (
	"cmp"
	"net/netip"
	"slices"

	"detour/shared/route"
)

// quarantines drafts the measures that act on whole attachments.
func (j *judgement) quarantines(s *sight) []*draft {
	ids := slices.Clone(s.candidates)
	for _, m := range j.old.Measures {
		if m.Table == s.scope.Table && m.Attachment != "" {
			ids = append(ids, m.Attachment)
		}
	}
	slices.Sort(ids)
	var out []*draft
	for _, id := range slices.Compact(ids) {
		d := j.draft(s, Key{Table: s.scope.Table, Attachment: id}, Quarantine)
		if j.lost(s, d) {
			out = append(out, d)
			continue
		}
		announced := s.announced(id)
		denied := slices.DeleteFunc(slices.Clone(announced), func(prefix netip.Prefix) bool {
			return s.permits(prefix) || !j.exposed(s, id, route.CIDR(prefix))
		})
		l := s.leakThrough(d, announced, denied)
		if !l.seen && !d.existed && !d.m.stands() {
			continue
		}
		if s.judged(id) {
			j.live(s, d, l, false)
		} else {
			j.end(s, d, ReasonOutOfScope)
		}
		if d.inForce {
			j.findAttachment(s, d, denied, len(announced))
			d.m.Manual = s.lacking(id, false) == ReasonUnobserved
		}
		out = append(out, d)
	}
	j.cordon(s, out)
	return out
}

// exposed reports whether what the attachment announces for the destination stands in the
// table, or would if Detour did not keep it out. A static route of somebody else hides it,
// and so does the better route of an attachment that is not judged.
func (j *judgement) exposed(s *sight, attachment string, destination route.Destination) bool {
	if _, reference := s.references[destination]; reference {
		return false
	}
	if _, static := s.statics[destination]; static {
		return slices.ContainsFunc(j.old.Measures, func(m Measure) bool {
			return m.Table == s.scope.Table && slices.ContainsFunc(m.Statics, func(ours Static) bool {
				return ours.Destination == destination && !ours.Adopted
			})
		})
	}
	r, stands := s.learned[destination]
	return !stands || !s.propagates(attachment) || s.anyJudged(r.NextHop)
}

// leakThrough returns what is known of the denied routes of an attachment. What the
// table itself shows is evidence only while nothing of ours keeps it out.
func (s *sight) leakThrough(d *draft, announced, denied []netip.Prefix) leak {
	switch {
	case len(denied) > 0:
		return leak{seen: true, why: ReasonDenied}
	case s.f.MaxPrefixes > 0 && len(announced) > s.f.MaxPrefixes:
		return leak{seen: true, why: ReasonOverLimit}
	}
	reason := s.lacking(d.m.Attachment, false)
	if !d.m.Off && s.settled(d) && s.propagates(d.m.Attachment) {
		reason = ""
	}
	return leak{gone: reason == "", why: reason}
}

// cordon says which static routes the quarantines want, and what stands in their way. A
// destination that several of the attachments announce has one static: of the one whose
// route stands, or stood, else of the first.
func (j *judgement) cordon(s *sight, drafts []*draft) {
	taken := map[route.Destination]*draft{}
	for _, d := range drafts {
		for _, static := range d.m.Statics {
			taken[static.Destination] = d
		}
	}
	lost := map[string]bool{} // Attachments that go and leave no static behind.
	for _, d := range drafts {
		if d.inForce {
			d.off, d.nextHop = true, route.NextHop{Kind: route.TransitGatewayAttachment, ID: d.m.Attachment}
			d.held = j.quarantineObstacle(s, d)
			lost[d.m.Attachment] = d.held == "" && !s.takesStatics(d)
		}
	}
	claims := make([]map[route.Destination]bool, len(drafts))
	for i, d := range drafts {
		if !d.inForce {
			continue
		}
		claims[i] = map[route.Destination]bool{}
		for _, destination := range j.kept(s, d, lost) {
			claims[i][destination] = true
		}
	}
	settled := map[route.Destination]bool{}
	for i, d := range drafts {
		for destination := range claims[i] {
			if taken[destination] == d {
				d.statics[destination], settled[destination] = true, true
			}
		}
	}
	for i, d := range drafts {
		for destination := range claims[i] {
			if !settled[destination] {
				d.statics[destination], settled[destination] = true, true
			}
		}
	}
}

// kept returns the destinations of the attachment that have to go on by static routes,
// sorted: the permitted ones that it alone provides once the lost attachments are gone.
func (j *judgement) kept(s *sight, d *draft, lost map[string]bool) []route.Destination {
	if !s.takesStatics(d) {
		return nil
	}
	var out []route.Destination
	for _, prefix := range j.allowed(s, d) {
		if destination := route.CIDR(prefix); s.alone(d, destination, lost) {
			out = append(out, destination)
		}
	}
	if s.observations[d.m.Attachment].valid {
		return out
	}
	// What it announces behind a static cannot be seen: what stands in for it stays.
	for _, static := range d.m.Statics {
		if s.permits(static.Destination.Prefix()) && !s.declared(static.Destination) {
			out = append(out, static.Destination)
		}
	}
	slices.SortFunc(out, route.Destination.Compare)
	return slices.Compact(out)
}

// allowed returns the permitted prefixes of the attachment, at most MaxPrefixes where it
// announces too many: the shortest first, since they reach furthest.
func (j *judgement) allowed(s *sight, d *draft) []netip.Prefix {
	announced := s.announced(d.m.Attachment)
	out := slices.DeleteFunc(slices.Clone(announced), func(p netip.Prefix) bool { return !s.permits(p) })
	if j.f.MaxPrefixes == 0 || len(announced) <= j.f.MaxPrefixes {
		return out
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(cmp.Compare(a.Bits(), b.Bits()), route.CIDR(a).Compare(route.CIDR(b)))
	})
	return out[:min(len(out), j.f.MaxPrefixes)]
}

// alone reports whether nothing but the attachment provides the destination: its route
// stands, or that of an attachment which is lost at the same time, or a static of a
// quarantine, or nothing does.
func (s *sight) alone(d *draft, destination route.Destination, lost map[string]bool) bool {
	if s.untouchable(destination) || s.declared(destination) {
		return false
	}
	if _, reference := s.references[destination]; reference {
		return false
	}
	if r, ok := s.learned[destination]; ok {
		return r.NextHop.ID == d.m.Attachment || lost[r.NextHop.ID]
	}
	return true
}

// takesStatics reports whether a static route can point to the attachment (Amazon VPC
// Transit Gateways, static routes): a VPC, a VPN connection, a Direct Connect gateway or a
// peering. Of a type that is not known it is not assumed.
func (s *sight) takesStatics(d *draft) bool {
	kind := s.neighbor(d.m.Attachment).Type
	return kind == TypeVPC || kind == TypeVPN || kind == TypeDirectConnect || kind == TypePeering
}

// quarantineObstacle returns what stands in the way of a quarantine; empty: nothing.
// Once the propagation is off, only what the operator or somebody else said counts.
func (j *judgement) quarantineObstacle(s *sight, d *draft) Reason {
	id := d.m.Attachment
	if slices.Contains(j.next.Contended, d.m.Key) {
		return ReasonContended
	}
	if d.m.Off && !s.propagates(id) {
		return ""
	}
	statics := s.takesStatics(d)
	if reason := s.losing(d, statics); reason != "" && !j.f.AcceptLoss {
		return reason
	}
	switch {
	case s.anyRoute(id, func(r route.Route) bool { return s.untouchable(r.Destination) }):
		return ReasonNeverTouch
	case statics && s.anyRoute(id, func(r route.Route) bool { return len(teachers(r.NextHop)) > 1 && s.permits(r.Destination.Prefix()) }):
		return ReasonECMP
	default:
		return ""
	}
}

// losing returns why what the attachment is permitted would get lost; empty: it would not.
func (s *sight) losing(d *draft, statics bool) Reason {
	ofGroup := func(r route.Route) bool { return s.declared(r.Destination) && s.permits(r.Destination.Prefix()) }
	lacking := s.lacking(d.m.Attachment, false)
	switch {
	case !statics || s.anyRoute(d.m.Attachment, ofGroup):
		return ReasonLoss
	case lacking == ReasonUnobserved:
		return ReasonUnsynced
	default:
		return lacking // ReasonObservation, or nothing.
	}
}

// anyRoute reports whether a route that the attachment taught, alone or with others, is
// as asked.
func (s *sight) anyRoute(attachment string, ok func(route.Route) bool) bool {
	for _, r := range s.learned {
		if slices.Contains(teachers(r.NextHop), attachment) && ok(r) {
			return true
		}
	}
	return false
}
