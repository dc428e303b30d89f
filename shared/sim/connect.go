package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// connect is a Connect attachment: GRE tunnels over another attachment, its
// transport, to routers that speak BGP. announces is what all of its peers
// announce, besides what the site's router and each peer announce for themselves.
type connect struct {
	attachment *attachment
	transport  *attachment
	site       *site
	announces  []announcement
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
	announces      []announcement
	sessions       [2]*bgpSession
	shown          *timeline[int, bool] // by the session's index
}

// carried reports whether the GRE tunnels have something to run over.
func (c *connect) carried() bool {
	return c.attachment.carries() && c.transport.line()
}

func (c *connect) linkID() string { return c.attachment.id }

// open reports whether some session is truly up, and over which peer.
func (c *connect) open() (how string, ok bool) {
	if !c.carried() {
		return "", false
	}
	for _, p := range c.peers {
		for _, s := range p.sessions {
			if s.wanted && p.carried() {
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
// has flipped back by then. What the peer announces is taught to the tables that
// its attachment propagates into while a session is up, and withdrawn with the
// last one. DescribeTransitGatewayConnectPeers follows TelemetryLag later, and the
// event EventDelay later. A session over a transport that carries nothing stays
// down until it does.
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
				own.wanted = up
			}
			w.reconsiderSession(s, own)
		}
	})
	return problem
}

// reconsiderSessions looks at all sessions again, after what they run over may
// have changed.
func (w *World) reconsiderSessions(s *step) {
	for _, own := range w.sessions {
		w.reconsiderSession(s, own)
	}
}

// showSession brings what DescribeTransitGatewayConnectPeers shows up to date.
func (w *World) showSession(now time.Time, own *bgpSession, up bool) {
	if own.gone() || own.peer.shown.current[own.index] == up {
		return
	}
	own.peer.shown.set(now, own.index, up)
	w.noteSession(now, own, up, HealthShown)
}

func (w *World) noteSession(at time.Time, own *bgpSession, up bool, kind string) {
	w.noteHealth(at, own.peer.id, fieldSession, own.address.String(), upOrDown(up), kind)
}

// deletePeers ends the peers of a deleted Connect attachment.
func (w *World) deletePeers(now time.Time, c *connect) {
	for _, p := range c.peers {
		w.noteHealth(now, p.id, fieldPeerState, "", attachmentDeleted, HealthTruth)
		w.noteHealth(now, p.id, fieldPeerState, "", attachmentDeleted, HealthShown)
		for _, own := range p.sessions {
			if p.shown.current[own.index] {
				p.shown.set(now, own.index, false)
				w.noteSession(now, own, false, HealthShown)
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
			PeerASN: p.asn, TransitGatewayASN: int64(a.gateway.asn), CreatedAt: p.created,
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
