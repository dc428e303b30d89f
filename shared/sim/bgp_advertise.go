package sim

import (
	"net/netip"
	"slices"
	"time"
)

// medAdvertised is the MED of what AWS advertises on Connect, as a field report
// saw it. That VPN connections have the same is UNVERIFIED; so is a claim that the
// two tunnels differ.
const medAdvertised = 100

// Advertised is one route that AWS advertises to a router. A nil MED is none.
type Advertised struct {
	Prefix netip.Prefix
	ASPath []uint32
	MED    *uint32
}

// advertisedOver returns what AWS advertises over a session now, sorted by
// prefix.
func (w *World) advertisedOver(own *bgpSession) []bgpRoute {
	if !own.established || own.gone() {
		return nil
	}
	a, limit := own.attachment(), routesOutOfGateway
	var routes []bgpRoute
	switch {
	case a == nil:
		routes, limit = own.vgw().advertises(own, w.options.GatewayAdvertisesStatics), routesOutOfVPNGateway
	case own.line != nil:
		for _, prefix := range own.line.allowed {
			routes = append(routes, w.outward(own, prefix, nil))
		}
	case a.table != nil:
		routes = w.tableOver(own, a)
	}
	return routes[:min(len(routes), limit)]
}

// tableOver returns what the table that a session's attachment is associated with
// holds, as it is advertised to the session's router (Transit Gateway guide). What
// came over the attachment itself is not sent back, and a blackhole is sent only
// with Options.AdvertiseBlackholes. That what was learned over one iBGP session is
// sent over another is UNVERIFIED.
func (w *World) tableOver(own *bgpSession, a *attachment) []bgpRoute {
	var routes []bgpRoute
	for _, dst := range sortedPrefixes(a.table.visible.current) {
		view := a.table.visible.current[dst]
		if view.State == blackhole && !w.options.AdvertiseBlackholes {
			continue
		}
		var path []uint32
		if view.learned() {
			best := a.table.shownBest[dst]
			if best.from == a {
				continue
			}
			path = best.path
		}
		routes = append(routes, w.outward(own, dst, path))
	}
	return routes
}

// outward makes a route as AWS sends it over a session: over eBGP with its own ASN
// before the AS_PATH (RFC 4271, 5.1.2).
func (w *World) outward(own *bgpSession, dst netip.Prefix, path []uint32) bgpRoute {
	out := bgpRoute{prefix: dst, path: path, nextHopSelf: true}
	if !own.internal() {
		out.path = append([]uint32{own.localASN}, path...)
	}
	if own.line == nil {
		med := uint32(medAdvertised)
		out.med = &med
	}
	return out
}

// advertise sends the routers that listen what has changed for them.
func (w *World) advertise(s *step) {
	if !w.advertising {
		return
	}
	w.advertising = false
	for _, own := range w.sessions {
		if own.established && own.listened() {
			w.tell(s, own, w.advertisedOver(own))
		}
	}
}

// listened reports whether somebody makes something of what AWS advertises.
func (b *bgpSession) listened() bool {
	if b.speaker != nil {
		return true
	}
	return b.router != nil && b.router.listens()
}

// tell sends a router the routes, which it has heard AdvertiseAfter later if the
// session is alive until then. Over a dead one nothing arrives: the router keeps
// what it has heard until the hold time is over, see forget.
func (w *World) tell(s *step, own *bgpSession, routes []bgpRoute) {
	if !own.live() || equalBGPRoutes(own.told, routes) {
		return
	}
	own.told = slices.Clone(routes)
	own.tellings++
	if own.speaker != nil {
		own.heard = own.told
		own.speaker.hear(s)
		return
	}
	due, telling := s.now.Add(w.options.AdvertiseAfter), own.tellings
	s.then(func() {
		w.keeper.At(due, "advertise "+own.id, func() {
			w.do(func(later *step) {
				if own.tellings == telling && own.arrives(later.now) {
					w.hears(later, own)
				}
			})
		})
	})
}

// arrives reports whether what falls due over the session now arrives: also if it
// dies at this instant, as it may do of what another session brings.
func (b *bgpSession) arrives(now time.Time) bool {
	return b.live() || b.established && b.flipped.Equal(now)
}

// hears lets what AWS has sent over a session arrive at the router.
func (w *World) hears(s *step, own *bgpSession) {
	own.heard = own.told
	own.router.hear(w, s, own, own.heard)
}

// forget lets a router lose a session, at once: what it has heard over it, and what
// is under way. When the session is back AWS sends everything again (RFC 4271,
// sections 3.1 and 8.2.2).
func (w *World) forget(s *step, own *bgpSession) {
	had := len(own.heard) > 0
	own.told, own.heard = nil, nil
	own.tellings++
	switch {
	case !had || !own.listened():
	case own.speaker != nil:
		own.speaker.hear(s)
	default:
		own.router.hear(w, s, own, nil)
	}
}

// converge lets AWS and the routers tell one another what they know, until nothing
// changes: what stands at the start has stood for long. Two that never agree are
// left to the World's time.
func (w *World) converge(s *step) {
	const rounds = 64
	for range rounds {
		changed := false
		for _, own := range w.sessions {
			if !own.live() {
				continue
			}
			before := own.accepted
			w.take(s, own)
			changed = changed || !equalBGPRoutes(before, own.accepted)
		}
		for _, own := range w.sessions {
			if !own.live() || !own.listened() {
				continue
			}
			if routes := w.advertisedOver(own); !equalBGPRoutes(own.told, routes) {
				own.told = slices.Clone(routes)
				w.hears(s, own)
				changed = true
			}
		}
		if !changed {
			return
		}
	}
	w.advertising = true
}
