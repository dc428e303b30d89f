package sim

import (
	"slices"
	"time"
)

// reconsiderSession finds out whether a session has truly gone up or down, and
// leaves it to AWS to notice. A session over a tunnel has to wait for IPsec.
func (w *World) reconsiderSession(s *step, own *bgpSession) {
	up := own.wanted && own.carried()
	if up == own.alive {
		return
	}
	dead := s.now.Sub(own.flipped)
	w.flip(s, own, up)
	switch {
	case !up || !own.established:
	case dead < own.hold(w.options):
		w.catchUp(s, own)
	default:
		w.establish(s, own, false) // Both fall on one instant, and the timer ran first.
	}
	if own.established == up || up && own.tunnel != nil && !own.tunnel.detected {
		return
	}
	delay := w.options.RecoverAfter
	if !up {
		delay = own.hold(w.options)
	}
	w.settleAfter(s, own, delay)
}

// flip notes that a session has truly gone up or down.
func (w *World) flip(s *step, own *bgpSession, up bool) {
	own.alive, own.flipped = up, s.now
	own.flips++
	if own.peer != nil {
		w.noteSession(s.now, own, up, HealthTruth)
	}
}

// catchUp brings what has not arrived over a session, in either direction, while
// there was no way for it, and does so within the hold time: it is sent again (RFC
// 9293, section 3.8.1). The time that a sender waits before it tries is left out.
func (w *World) catchUp(s *step, own *bgpSession) {
	own.told = own.heard
	own.tellings++
	w.advertising = true
	w.listenTo(s, own)
}

// settleAfter lets AWS notice the state of a session after a delay, unless it has
// flipped by then.
func (w *World) settleAfter(s *step, own *bgpSession, delay time.Duration) {
	due, flips := s.now.Add(delay), own.flips
	s.then(func() {
		w.keeper.At(due, "detect "+own.id, func() {
			w.do(func(s *step) {
				if own.flips == flips && own.established != own.alive && !own.gone() {
					w.establish(s, own, own.alive)
				}
			})
		})
	})
}

// establish is AWS taking a session for up or down: it takes the router's routes
// or gives them up, tells of it, and advertises its own. Where the router announces
// too much the session comes up only to be reset, which the telemetry does not show.
func (w *World) establish(s *step, own *bgpSession, up bool) {
	if up && w.overLimit(own) {
		w.announceSession(s, own, true)
		w.logSession(s, own, true)
		w.resetSession(s, own)
		return
	}
	own.established = up
	if !up {
		w.forget(s, own)
	}
	w.logSession(s, own, up)
	w.take(s, own)
	w.announceSession(s, own, up)
	w.showSessionLater(s, own, up)
	w.advertising = true
}

// overLimit reports whether the router announces more than AWS bears without
// ending the session.
func (w *World) overLimit(own *bgpSession) bool {
	limit := routesIntoGateway
	switch {
	case own.peer != nil && !w.options.ConnectLimitResets:
		return false
	case own.vgw() != nil:
		limit = routesIntoVPNGateway
	case own.line != nil:
		return false
	}
	return len(own.announced()) > limit
}

// resetSession ends a session whose router announces too much, as with a
// NOTIFICATION of maximum prefixes reached (RFC 4486; for VPN by a field report).
// It is tried again BGPRestartAfter later, and reset again while nothing has
// changed.
func (w *World) resetSession(s *step, own *bgpSession) {
	w.establish(s, own, false)
	w.settleAfter(s, own, w.options.BGPRestartAfter)
}

// take brings what AWS has taken over a session up to date with what the router
// announces, and teaches it on.
func (w *World) take(s *step, own *bgpSession) {
	var taken []bgpRoute
	if own.established {
		for _, r := range own.announced() {
			if own.takes(r) {
				taken = append(taken, r)
			}
		}
	}
	if own.peer != nil && len(taken) > routesIntoGateway {
		taken = taken[:routesIntoGateway] // Which of more AWS leaves out is UNVERIFIED, see Options.ConnectLimitResets.
	}
	w.logRoutes(s, own) // Of what AWS does not take too.
	if equalBGPRoutes(own.accepted, taken) {
		return
	}
	own.accepted = taken
	switch a := own.attachment(); {
	case a != nil:
		w.relearn(s, a)
	default:
		w.refreshVPNGateway(s, own.vgw())
	}
}

// routerChanged brings AWS up to date after a router has begun to announce
// something else over its sessions, and the router itself, which prefers what it
// originates.
func (w *World) routerChanged(s *step, sessions []*bgpSession) {
	for _, own := range sessions {
		w.listenTo(s, own)
	}
	for _, name := range sortedKeys(w.sites) {
		here := w.sites[name]
		if len(here.heard) > 0 && slices.ContainsFunc(sessions, func(own *bgpSession) bool { return own.router == bgpRouter(here) }) {
			w.reroute(s, here)
		}
	}
}

// listenTo lets AWS hear what a router announces over a session now. Over one that
// is dead nothing arrives, and AWS keeps what it has taken until its hold time is
// over.
func (w *World) listenTo(s *step, own *bgpSession) {
	switch {
	case !own.live():
		return
	case w.overLimit(own):
		w.resetSession(s, own)
		return
	}
	before := own.accepted
	w.take(s, own)
	if own.tunnel != nil && len(own.accepted) != len(before) {
		w.showTunnel(s, own.vpn, own.tunnel)
	}
}

// showSessionLater lets the API show a session's state, TelemetryLag later.
func (w *World) showSessionLater(s *step, own *bgpSession, up bool) {
	switch {
	case own.tunnel != nil:
		w.noteWorks(s.now, own.vpn, own.tunnel)
		w.showTunnel(s, own.vpn, own.tunnel)
	case own.peer == nil:
		// The API shows nothing of a Direct Connect gateway's session.
	case w.options.TelemetryLag == 0:
		w.showSession(s.now, own, up)
	default:
		due := s.now.Add(w.options.TelemetryLag)
		s.then(func() {
			w.keeper.At(due, "telemetry "+own.id, func() {
				w.do(func(later *step) { w.showSession(later.now, own, up) })
			})
		})
	}
}
