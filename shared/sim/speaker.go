package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Speaker announces for a router of the World from outside of it: a BGP
// implementation that runs beside. It takes the place of what the topology says of
// the router's announcements. Its sessions go up and down at once, since the
// implementation's own timers have run. Its methods may be called from several
// goroutines.
type Speaker struct {
	world    *World
	sessions []*bgpSession
	routes   []bgpRoute
	heard    func(routes []Advertised)
}

// SpeakFor hands the sessions of a site's router, of a Connect peer, a VPN
// connection or a Direct Connect attachment over to a speaker outside; they are
// down until it brings them up. heard is called without the World's lock after
// every change of what AWS advertises to it; it may be nil.
func (w *World) SpeakFor(who string, heard func(routes []Advertised)) (*Speaker, error) {
	var speaker *Speaker
	var problem error
	w.do(func(s *step) {
		sessions, err := w.sessionsOf(who)
		if err != nil {
			problem = err
			return
		}
		if i := slices.IndexFunc(sessions, func(own *bgpSession) bool { return own.speaker != nil }); i >= 0 {
			problem = fmt.Errorf("session %s of %q has a speaker already: let one speaker speak for it", sessions[i].id, who)
			return
		}
		speaker = &Speaker{world: w, sessions: sessions, heard: heard}
		for _, own := range sessions {
			w.switchSession(s, own, false)
			own.speaker = speaker
		}
	})
	return speaker, problem
}

// switchSession brings a session up or down without waiting for a timer. One that
// has nothing to run over stays down.
func (w *World) switchSession(s *step, own *bgpSession, up bool) {
	own.wanted = up
	if alive := up && own.carried(); alive != own.alive {
		own.alive = alive
		own.flips++
		if own.peer != nil {
			w.noteSession(s.now, own, alive, HealthTruth)
		}
	}
	ready := own.alive && (own.tunnel == nil || own.tunnel.detected)
	if ready != own.established && !own.gone() {
		w.establish(s, own, ready)
	}
}

// Session brings all of the speaker's sessions up or down, at once.
func (sp *Speaker) Session(up bool) { sp.SessionAt(0, up) }

// SessionAt is Session for one of them, counted from 1 in the order of the
// topology; 0 is all of them. A number beyond the last does nothing.
func (sp *Speaker) SessionAt(number int, up bool) {
	sp.world.do(func(s *step) {
		for i, own := range sp.sessions {
			if number == 0 || number == i+1 {
				sp.world.switchSession(s, own, up)
			}
		}
	})
}

// Announce announces a route over all of the speaker's sessions, in place of one
// with the same prefix. asPath is the AS_PATH as it is on the wire, nearest first;
// a nil med is none.
func (sp *Speaker) Announce(prefix netip.Prefix, asPath []uint32, med *uint32, nextHopSelf bool) {
	r := bgpRoute{prefix: prefix.Masked(), path: slices.Clone(asPath), nextHopSelf: nextHopSelf}
	if med != nil {
		value := *med
		r.med = &value
	}
	sp.world.do(func(s *step) {
		sp.routes = append(sp.without(r.prefix), r)
		sp.world.routerChanged(s, sp.sessions)
	})
}

// Withdraw withdraws a route from all of the speaker's sessions. One that it does
// not announce is nothing to withdraw.
func (sp *Speaker) Withdraw(prefix netip.Prefix) {
	sp.world.do(func(s *step) {
		sp.routes = sp.without(prefix.Masked())
		sp.world.routerChanged(s, sp.sessions)
	})
}

func (sp *Speaker) without(prefix netip.Prefix) []bgpRoute {
	return slices.DeleteFunc(slices.Clone(sp.routes), func(r bgpRoute) bool { return r.prefix == prefix })
}

// Advertised returns what AWS advertises to the speaker now, over whichever of its
// sessions are up, sorted by prefix.
func (sp *Speaker) Advertised() []Advertised {
	sp.world.mu.Lock()
	defer sp.world.mu.Unlock()
	return sp.advertised()
}

func (sp *Speaker) advertised() []Advertised {
	var routes []bgpRoute
	for _, own := range slices.Backward(sp.sessions) {
		routes = append(routes, sp.world.advertisedOver(own)...) // The first session's count.
	}
	told := make([]Advertised, 0, len(routes))
	for _, r := range byPrefix(routes) {
		told = append(told, Advertised{Prefix: r.prefix, ASPath: slices.Clone(r.path), MED: r.med})
	}
	return told
}

// hear passes what AWS advertises on to the speaker.
func (sp *Speaker) hear(s *step) {
	if sp.heard == nil {
		return
	}
	routes := sp.advertised()
	s.then(func() { sp.heard(routes) })
}

// sessionsOf finds the sessions of a site's router, a Connect peer, a VPN
// connection or a Direct Connect attachment, and names what exists otherwise.
func (w *World) sessionsOf(who string) ([]*bgpSession, error) {
	var found []*bgpSession
	known := make(map[string]bool)
	for _, own := range w.sessions {
		names := own.names()
		for _, name := range names {
			known[name] = true
		}
		if slices.Contains(names, who) {
			found = append(found, own)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%q has no BGP session: use one of %s", who, strings.Join(sortedKeys(known), ", "))
	}
	return found, nil
}

// names are the names by which a session is found: its site's, and that of what
// it belongs to.
func (b *bgpSession) names() []string {
	switch {
	case b.peer != nil:
		return []string{b.peer.connect.site.name, b.peer.id}
	case b.line != nil:
		return []string{b.line.site.name, b.line.linkID()}
	}
	return []string{b.vpn.site.name, b.vpn.id}
}
