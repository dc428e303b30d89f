package sim

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// connect is a Connect attachment: GRE tunnels over another attachment, its
// transport, to routers that speak BGP. announces is what they announce. What a
// session's routes look like (AS_PATH, MED), and which of them AWS takes, is not
// modelled: all of them are taught while one session is up.
type connect struct {
	attachment *attachment
	transport  *attachment
	site       *site
	announces  []netip.Prefix
	peers      []*connectPeer
}

// connectPeer is one Connect peer: a GRE tunnel with two BGP sessions, which are
// redundant on the transit gateway's side (Transit Gateway guide, Connect).
type connectPeer struct {
	id             string
	connect        *connect
	address        netip.Addr // of the GRE tunnel, the appliance's side
	gatewayAddress netip.Addr // of the GRE tunnel, the transit gateway's side
	inside         netip.Prefix
	asn            int64
	created        time.Time
	sessions       [2]*session
	shown          *timeline[int, bool] // by the session's index
}

// session is one BGP session of a Connect peer. truth is whether the router
// keeps it up; alive is whether it also has something to run over; detected is
// what AWS has found out. flips counts the changes of alive.
type session struct {
	index    int
	address  netip.Addr // the transit gateway's BGP address
	truth    bool
	alive    bool
	detected bool
	flips    int
}

// carried reports whether the GRE tunnels have something to run over.
func (c *connect) carried() bool {
	return c.attachment.carries() && c.transport.line()
}

// reportedUp reports whether AWS knows of a session that is up.
func (c *connect) reportedUp() bool {
	for _, p := range c.peers {
		for _, s := range p.sessions {
			if s.detected {
				return true
			}
		}
	}
	return false
}

func (c *connect) linkID() string { return c.attachment.id }

// open reports whether some session is truly up, and over which peer.
func (c *connect) open() (how string, ok bool) {
	if !c.carried() {
		return "", false
	}
	for _, p := range c.peers {
		for _, s := range p.sessions {
			if s.truth {
				return "Connect peer " + p.id, true
			}
		}
	}
	return "", false
}

func (c *connect) enter(p *packet) place {
	return func() place { return p.transit(c.attachment) }
}

// fieldSession and fieldPeerState are the fields of Told and HealthChange that
// speak of Connect peers.
const (
	fieldSession   = "session"
	fieldPeerState = "peer-state"
)

// SetSession makes BGP sessions of a Connect peer truly go up or down now:
// session 1 or 2, or both with 0. AWS notices a failure ConnectHold later, when
// the hold timer runs out, and a recovery RecoverAfter later, unless the session
// has flipped back by then. With the first session of an attachment the routes
// that its peers announce are taught to the tables that it propagates into, and
// with the last one they are withdrawn. DescribeTransitGatewayConnectPeers
// follows TelemetryLag later, and the event EventDelay later. A session over a
// transport that carries nothing stays down until it does.
func (w *World) SetSession(peer string, number int, up bool) error {
	if number < 0 || number > 2 {
		return fmt.Errorf("session %d of %s: a Connect peer has the sessions 1 and 2; 0 means both", number, peer)
	}
	var problem error
	w.do(func(s *step) {
		p := w.connectPeers[peer]
		if p == nil {
			problem = fmt.Errorf("connect peer %q is not in the topology: use one of %s", peer, strings.Join(sortedKeys(w.connectPeers), ", "))
			return
		}
		for _, own := range p.sessions {
			if number == 0 || number == own.index+1 {
				own.truth = up
			}
		}
		w.reconsider(s, p)
	})
	return problem
}

// reconsiderSessions looks at all sessions again, after what they run over may
// have changed.
func (w *World) reconsiderSessions(s *step) {
	for _, id := range sortedKeys(w.connectPeers) {
		w.reconsider(s, w.connectPeers[id])
	}
}

// reconsider finds the sessions of a peer that have truly gone up or down, and
// leaves it to AWS to find out.
func (w *World) reconsider(s *step, p *connectPeer) {
	for _, own := range p.sessions {
		up := own.truth && p.connect.carried()
		if up == own.alive {
			continue
		}
		own.alive = up
		own.flips++
		w.noteSession(s.now, p, own, up, HealthTruth)
		if own.detected == up {
			continue // It flipped back before AWS noticed.
		}
		delay, flips := w.options.ConnectHold, own.flips
		if up {
			delay = w.options.RecoverAfter
		}
		due := s.now.Add(delay)
		s.then(func() {
			w.keeper.At(due, "detect "+p.id+" "+strconv.Itoa(own.index+1), func() { w.detectSession(p, own, flips) })
		})
	}
}

// detectSession is AWS noticing the state of a session.
func (w *World) detectSession(p *connectPeer, own *session, flips int) {
	w.do(func(s *step) {
		if own.flips != flips || own.detected == own.alive || p.connect.attachment.state == attachmentDeleted {
			return
		}
		own.detected = own.alive
		w.relearn(s.now, p.connect.attachment)
		w.announceSession(s, p, own)
		up := own.detected
		if w.options.TelemetryLag == 0 {
			w.showSession(s.now, p, own, up)
			return
		}
		due := s.now.Add(w.options.TelemetryLag)
		s.then(func() {
			w.keeper.At(due, "telemetry "+p.id+" "+strconv.Itoa(own.index+1), func() {
				w.do(func(later *step) { w.showSession(later.now, p, own, up) })
			})
		})
	})
}

// showSession brings what DescribeTransitGatewayConnectPeers shows up to date.
func (w *World) showSession(now time.Time, p *connectPeer, own *session, up bool) {
	if p.connect.attachment.state == attachmentDeleted || p.shown.current[own.index] == up {
		return
	}
	p.shown.set(now, own.index, up)
	w.noteSession(now, p, own, up, HealthShown)
}

func (w *World) noteSession(at time.Time, p *connectPeer, own *session, up bool, kind string) {
	w.noteHealth(at, p.id, fieldSession, own.address.String(), upOrDown(up), kind)
}

// deletePeers ends the peers of a deleted Connect attachment.
func (w *World) deletePeers(now time.Time, c *connect) {
	for _, p := range c.peers {
		w.noteHealth(now, p.id, fieldPeerState, "", attachmentDeleted, HealthTruth)
		w.noteHealth(now, p.id, fieldPeerState, "", attachmentDeleted, HealthShown)
		for _, own := range p.sessions {
			if own.detected = false; p.shown.current[own.index] {
				p.shown.set(now, own.index, false)
				w.noteSession(now, p, own, false, HealthShown)
			}
		}
	}
}

// ConnectView is one Connect attachment as DescribeTransitGatewayConnects shows it.
type ConnectView struct {
	ID             string
	Name           string
	Transport      string
	TransitGateway string
	State          string
	CreatedAt      time.Time
}

// Connects lists the Connect attachments of the caller's transit gateways,
// sorted by id.
func (w *World) Connects(c Caller) []ConnectView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	states := w.attachmentStates.asOf(asOf)
	var views []ConnectView
	for _, a := range w.everySide {
		if a.connect == nil || !a.gateway.owner.is(c) {
			continue
		}
		views = append(views, ConnectView{
			ID: a.id, Name: a.name, Transport: a.connect.transport.id, TransitGateway: a.gateway.id,
			State: states[a], CreatedAt: w.startedAt,
		})
	}
	return views
}

// ConnectPeerView is one Connect peer as DescribeTransitGatewayConnectPeers
// shows it.
type ConnectPeerView struct {
	ID, Attachment string
	// State is the peer's own, which says nothing about BGP.
	State                              string
	PeerAddress, TransitGatewayAddress netip.Addr
	InsideCIDR                         netip.Prefix
	PeerASN, TransitGatewayASN         int64
	CreatedAt                          time.Time
	Sessions                           []SessionView
}

// SessionView is one entry of BgpConfigurations.
type SessionView struct {
	PeerAddress, TransitGatewayAddress netip.Addr
	Up                                 bool
}

// transitGatewayASN is the default ASN of the Amazon side (EC2 API,
// CreateTransitGateway).
const transitGatewayASN = 64512

// ConnectPeers lists the Connect peers of the caller's transit gateways, sorted
// by id.
func (w *World) ConnectPeers(c Caller) []ConnectPeerView {
	asOf := w.keeper.Now().Add(-c.Call.Stale)
	w.mu.Lock()
	defer w.mu.Unlock()
	states := w.attachmentStates.asOf(asOf)
	var views []ConnectPeerView
	for _, id := range sortedKeys(w.connectPeers) {
		p := w.connectPeers[id]
		a := p.connect.attachment
		if !a.gateway.owner.is(c) {
			continue
		}
		view := ConnectPeerView{
			ID: id, Attachment: a.id, State: attachmentAvailable,
			PeerAddress: p.address, TransitGatewayAddress: p.gatewayAddress, InsideCIDR: p.inside,
			PeerASN: p.asn, TransitGatewayASN: transitGatewayASN, CreatedAt: p.created,
		}
		if states[a] == attachmentDeleted {
			view.State = attachmentDeleted
		}
		shown := p.shown.asOf(asOf)
		for _, own := range p.sessions {
			view.Sessions = append(view.Sessions, SessionView{
				PeerAddress: p.inside.Addr().Next(), TransitGatewayAddress: own.address, Up: shown[own.index],
			})
		}
		views = append(views, view)
	}
	return views
}
