package filter

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// The shortest prefixes that a VPC can have as a block (Amazon VPC user guide, VPC CIDR
// blocks), so that a VPC attachment propagates no shorter ones.
const (
	vpcBits4 = 16
	vpcBits6 = 44
)

// sight is what one view shows, put in order.
type sight struct {
	f       *Filter
	scope   Scope
	inScope bool
	view    View
	outside []netip.Addr
	// statics, references and learned are the table's routes by destination. A learned
	// route of a VPC table that a local route overrides is left out.
	statics, references, learned map[route.Destination]route.Route
	// candidates are the attachments that the filter judges and that teach the table
	// routes, sorted.
	candidates []string
	// observations are what the observation tables show, by attachment.
	observations map[string]observation
	// heard is what announced has found already.
	heard map[string][]netip.Prefix
	// known is what was read before of attachments that measures of the table are about.
	known map[string]Neighbor
}

// observation is what an observation table shows of its attachment. Where it is not
// valid it is no evidence, and empty.
type observation struct {
	valid    bool
	prefixes []netip.Prefix
	has      map[netip.Prefix]bool
}

func newSight(f *Filter, view View, record Record) *sight {
	s := &sight{
		f: f, view: view,
		statics:    map[route.Destination]route.Route{},
		references: map[route.Destination]route.Route{},
		learned:    map[route.Destination]route.Route{},

		observations: map[string]observation{},
		heard:        map[string][]netip.Prefix{},
		known:        record.announcersIn(view.Reading.Table),
	}
	s.scope, s.inScope = f.scope(view.Reading.Table)
	for _, o := range view.Outside.List {
		s.outside = append(s.outside, o.Address)
	}
	s.sortRoutes()
	s.observe()
	s.candidates = s.findCandidates()
	return s
}

// sortRoutes puts the routes of the table into their maps.
func (s *sight) sortRoutes() {
	var locals []netip.Prefix
	for _, r := range s.view.Reading.Routes {
		switch {
		case r.Origin == route.OriginLocal:
			locals = append(locals, r.Destination.Prefix())
		case !r.Destination.Prefix().IsValid():
		case r.Origin == route.OriginStatic:
			s.statics[r.Destination] = r
		case r.Origin == route.OriginPrefixListReference:
			s.references[r.Destination] = r
		case r.Origin == route.OriginPropagated:
			s.learned[r.Destination] = r
		}
	}
	for destination := range s.learned {
		if slices.ContainsFunc(locals, func(local netip.Prefix) bool { return covers(local, destination.Prefix()) }) {
			delete(s.learned, destination)
		}
	}
}

// observe reads the observation tables of the scope.
func (s *sight) observe() {
	for _, configured := range s.scope.Observation {
		seen := observation{has: map[netip.Prefix]bool{}}
		for _, o := range s.view.Observed {
			if o.Attachment == configured.Attachment && o.Reading.Table == configured.Table && o.valid() {
				seen.valid, seen.prefixes = true, o.prefixes()
			}
		}
		for _, prefix := range seen.prefixes {
			seen.has[prefix] = true
		}
		s.observations[configured.Attachment] = seen
	}
}

func (s *sight) vpc() bool { return s.scope.Table.Kind == route.VPCTable }

// readAt is when the reading of the table began.
func (s *sight) readAt() time.Time { return s.view.Reading.StartedAt }

// whole returns why nothing may be written from the view; empty: it may.
func (s *sight) whole() Reason {
	defaultLike := slices.ContainsFunc(s.f.Rules, func(r Rule) bool { return r.DefaultLike })
	switch {
	case !s.view.Reading.Complete:
		return ReasonIncomplete
	case !s.vpc() && (!s.view.Propagations.Complete || !s.view.Associations.Complete):
		return ReasonNeighbors
	case defaultLike && !s.view.Outside.Complete:
		return ReasonOutsides
	default:
		return ""
	}
}

// teachers returns the ids of the attachments that share the route, in order.
func teachers(hop route.NextHop) []string {
	ids := strings.Split(hop.ID, ",")
	slices.Sort(ids)
	return slices.Compact(ids)
}

// neighbor returns what is known of an attachment that teaches the table, or taught it
// until Detour switched that off.
func (s *sight) neighbor(attachment string) Neighbor {
	if n, ok := s.view.Propagations.find(attachment); ok {
		return n
	}
	if n, ok := s.known[attachment]; ok {
		return n
	}
	n := Neighbor{Attachment: attachment}
	if strings.HasPrefix(attachment, "vgw-") {
		n.Type = TypeVPNGateway
	}
	return n
}

// judged reports whether the rules speak about what the attachment teaches. Where no
// attachments are named, that of a VPC is not meant, since it has no routes but the
// blocks of its VPC, and not that of the egress, which provides what Pin points to.
func (s *sight) judged(attachment string) bool {
	if len(s.scope.Attachments) > 0 {
		return s.inScope && s.scope.Names(attachment)
	}
	return s.inScope && s.neighbor(attachment).Type != TypeVPC && attachment != s.scope.Egress.ID
}

func (s *sight) permits(prefix netip.Prefix) bool { return Permits(s.f.Rules, prefix, s.outside) }

// deniesSurely reports whether the prefix is denied, be there one more outside address in
// it or not: all that the rules ask of addresses is whether there is any.
func (s *sight) deniesSurely(prefix netip.Prefix) bool {
	return !s.permits(prefix) && !Permits(s.f.Rules, prefix, []netip.Addr{prefix.Addr()})
}

// propagates reports whether the attachment teaches the table routes at all.
func (s *sight) propagates(attachment string) bool {
	return s.vpc() || s.view.Propagations.Has(attachment)
}

// valid reports whether the table shows what the attachment announces, all of it and
// nothing else.
func (o Observed) valid() bool {
	if !o.Reading.Complete || !o.Propagations.Complete || !o.Associations.Complete || len(o.Associations.List) > 0 {
		return false
	}
	if len(o.Propagations.List) != 1 || o.Propagations.List[0].Attachment != o.Attachment {
		return false
	}
	return !slices.ContainsFunc(o.Reading.Routes, func(r route.Route) bool { return r.Origin != route.OriginPropagated })
}

func (o Observed) prefixes() []netip.Prefix {
	var out []netip.Prefix
	for _, r := range o.Reading.Routes {
		if prefix := r.Destination.Prefix(); prefix.IsValid() {
			out = append(out, prefix)
		}
	}
	return sortPrefixes(out)
}

// announced returns the prefixes that the attachment is known to announce, sorted: those
// of its observation table, and those that the table shows. The list must not be changed.
func (s *sight) announced(attachment string) []netip.Prefix {
	if known, ok := s.heard[attachment]; ok {
		return known
	}
	out := slices.Clone(s.observations[attachment].prefixes)
	for destination, r := range s.learned {
		if slices.Contains(teachers(r.NextHop), attachment) {
			out = append(out, destination.Prefix())
		}
	}
	s.heard[attachment] = sortPrefixes(out)
	return s.heard[attachment]
}

func (s *sight) findCandidates() []string {
	var out []string
	for _, n := range s.view.Propagations.List {
		if s.judged(n.Attachment) {
			out = append(out, n.Attachment)
		}
	}
	for _, r := range s.learned {
		for _, id := range teachers(r.NextHop) {
			if s.judged(id) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// announcers returns the judged attachments that announce the denied destination so
// that it stands in the table, or would if no static route hid it. Where the route of
// an attachment that is not judged stands, theirs does not.
func (s *sight) announcers(destination route.Destination) []Neighbor {
	var out []Neighbor
	standing, stands := s.learned[destination]
	for _, id := range s.candidates {
		switch {
		case stands && slices.Contains(teachers(standing.NextHop), id):
			out = append(out, s.neighbor(id))
		case !s.propagates(id), stands && !s.anyJudged(standing.NextHop):
		default:
			if s.observations[id].has[destination.Prefix()] {
				out = append(out, s.neighbor(id))
			}
		}
	}
	return out
}

func (s *sight) anyJudged(hop route.NextHop) bool {
	return slices.ContainsFunc(teachers(hop), s.judged)
}

// denied returns the denied destinations that judged attachments announce, sorted.
func (s *sight) denied() []route.Destination {
	var prefixes []netip.Prefix
	for _, id := range s.candidates {
		for _, prefix := range s.announced(id) {
			if !s.permits(prefix) {
				prefixes = append(prefixes, prefix)
			}
		}
	}
	var out []route.Destination
	for _, prefix := range sortPrefixes(prefixes) {
		if destination := route.CIDR(prefix); len(s.announcers(destination)) > 0 {
			out = append(out, destination)
		}
	}
	return out
}

// permittedElsewhere reports whether an attachment that teaches the table routes is
// permitted the destination, so that a blackhole would take it from there. The rules
// speak the same for all that they judge, so it is one that they do not. A VPC has no
// block that is so short.
func (s *sight) permittedElsewhere(destination route.Destination) bool {
	prefix := destination.Prefix()
	limit := vpcBits6
	if prefix.Addr().Is4() {
		limit = vpcBits4
	}
	return slices.ContainsFunc(s.view.Propagations.List, func(n Neighbor) bool {
		return !s.judged(n.Attachment) && (n.Type != TypeVPC || prefix.Bits() >= limit)
	})
}

// advertised reports whether a static route of the table is advertised to somebody: an
// associated attachment that speaks BGP, as far as is known.
func (s *sight) advertised() bool {
	return slices.ContainsFunc(s.view.Associations.List, func(n Neighbor) bool {
		return n.Type != TypeVPC && n.BGP != SpeaksNoBGP
	})
}

// covers reports whether outer contains all of inner.
func covers(outer, inner netip.Prefix) bool {
	return outer.IsValid() && inner.IsValid() && outer.Addr().Is4() == inner.Addr().Is4() &&
		outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// declared reports whether a group moves the destination in this table.
func (s *sight) declared(destination route.Destination) bool {
	return slices.Contains(s.f.Declared, protection.EntryKey{Table: s.scope.Table, Destination: destination})
}

// untouchable reports whether neverTouch covers the destination.
func (s *sight) untouchable(destination route.Destination) bool {
	return slices.ContainsFunc(s.f.NeverTouch, func(never route.Destination) bool {
		return never == destination || covers(never.Prefix(), destination.Prefix())
	})
}
