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
// connection or a Direct Connect attachment over to a speaker outside, or one of
// them by its id in BGPSessions; they are down until it brings them up. heard is called without the World's lock after
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
		w.routerChanged(s, sessions)
	})
	return speaker, problem
}

// switchSession brings a session up or down without waiting for a timer. One that
// has nothing to run over stays down.
func (w *World) switchSession(s *step, own *bgpSession, up bool) {
	own.wanted = up
	if alive := up && own.carried(); alive != own.alive {
		w.flip(s, own, alive)
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
// sessions are up, sorted by prefix. Over one that has died and has not timed out
// it is what arrived before.
func (sp *Speaker) Advertised() []Advertised {
	sp.world.mu.Lock()
	defer sp.world.mu.Unlock()
	return sp.advertised()
}

func (sp *Speaker) advertised() []Advertised {
	var routes []bgpRoute
	for _, own := range slices.Backward(sp.sessions) { // The first session's count.
		if own.established && !own.alive {
			routes = append(routes, own.heard...)
			continue
		}
		routes = append(routes, sp.world.advertisedOver(own)...)
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

// names are the names by which a session is found: its site's, that of what it
// belongs to, and its own.
func (b *bgpSession) names() []string {
	router, of := b.belongs()
	return []string{router.name, of, b.id}
}

// belongs returns the site of a session's router, and the id of the Connect peer,
// VPN connection or Direct Connect attachment that it is a session of.
func (b *bgpSession) belongs() (router *site, of string) {
	switch {
	case b.peer != nil:
		return b.peer.connect.site, b.peer.id
	case b.line != nil:
		return b.line.site, b.line.linkID()
	}
	return b.vpn.site, b.vpn.id
}

// State reports whether any of the speaker's sessions has something to run over,
// as far as AWS has found out, and whether AWS has any of them for established. One
// that was brought up, is carried and is not established was reset by AWS.
func (sp *Speaker) State() (carried, established bool) {
	sp.world.mu.Lock()
	defer sp.world.mu.Unlock()
	for _, own := range sp.sessions {
		carried = carried || own.carried() && !own.gone() && (own.tunnel == nil || own.tunnel.detected)
		established = established || own.established
	}
	return carried, established
}

// BGPSessionView is one BGP session between AWS's side and a router outside.
type BGPSessionView struct {
	// ID is what SpeakFor takes for this one session.
	ID string
	// Of is the Connect peer, the VPN connection or the Direct Connect attachment;
	// Number is which of its sessions this is, from 1; Site is where the router stands.
	Of     string
	Number int
	Site   string
	// ASN is that of AWS's side. With an equal PeerASN the session is iBGP.
	ASN, PeerASN uint32
	// Address is AWS's address inside the GRE tunnel of a Connect peer, PeerAddress
	// the router's. Other sessions have none in the topology.
	Address, PeerAddress netip.Addr
}

// BGPSessions lists all BGP sessions, sorted by what they belong to and number.
func (w *World) BGPSessions() []BGPSessionView {
	w.mu.Lock()
	defer w.mu.Unlock()
	views := make([]BGPSessionView, 0, len(w.sessions))
	count := make(map[string]int)
	for _, own := range w.sessions {
		router, of := own.belongs()
		count[of]++
		view := BGPSessionView{ID: own.id, Of: of, Number: count[of], Site: router.name, ASN: own.localASN, PeerASN: own.peerASN}
		if own.peer != nil {
			view.Address, view.PeerAddress = own.address, own.peer.inside.Addr().Next()
		}
		views = append(views, view)
	}
	slices.SortStableFunc(views, func(a, b BGPSessionView) int { return strings.Compare(a.Of, b.Of) })
	return views
}
