package bgp

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"

	"detour/shared/adapter/systemclock"
)

// Network is what one session is to the simulated network. Its methods are called
// by one goroutine at a time.
type Network interface {
	// Session says that the session came up, or that it died. A session that dies
	// takes its routes with it.
	Session(up bool)
	// Announce says that the router announces the route, in the place of one of the
	// same prefix that it announced before. Withdraw takes it back.
	Announce(r Route)
	Withdraw(prefix netip.Prefix)
	// State reports whether the session has something to run over, and whether AWS
	// has it for established.
	State() (carried, established bool)
	// Advertised are the routes that AWS advertises over the session now.
	Advertised() []Route
	// Watch has changed called whenever Advertised may answer something else.
	Watch(changed func())
}

// Endpoint is one BGP session: its two ends, in the network and on loopback.
type Endpoint struct {
	// Of is the Connect peer, the VPN connection or the Direct Connect attachment;
	// Number is which of its sessions or tunnels this is, from 1. Site is where the
	// router stands.
	Of     string `json:"of"`
	Number int    `json:"number"`
	Site   string `json:"site"`
	// ASN and Inside are AWS's, PeerASN and PeerInside the router's: inside the
	// tunnel, as the network has them.
	ASN        uint32     `json:"asn"`
	Inside     netip.Addr `json:"inside"`
	PeerASN    uint32     `json:"peerAsn"`
	PeerInside netip.Addr `json:"peerInside"`
	// Local is where AWS's end listens, and Peer the address that the router
	// connects from; both are of the loopback interface.
	Local netip.AddrPort `json:"local"`
	Peer  netip.Addr     `json:"peer"`
}

// String names the session.
func (e Endpoint) String() string { return fmt.Sprintf("session %d of %s", e.Number, e.Of) }

// multihopTTL is the TTL of AWS's eBGP packets on Connect (Transit Gateway guide,
// Connect: eBGP multihop with a TTL of 2).
const multihopTTL = 2

// idleAfterReset is how long AWS's end refuses a new connection after a session
// has died. AWS publishes no value; GoBGP's default of 30 s would only make people wait.
const idleAfterReset = time.Second

// session is AWS's end of one BGP session, and keeps the network and the router
// told of one another.
type session struct {
	Endpoint
	network Network
	speaker *server.BgpServer
	served  func() // waits for the end of speaker
	// told is called with what happened, for whoever watches; changed after the
	// network was changed.
	told    func(Endpoint, string)
	changed func()
	poked   chan struct{} // holds a token when there may be something to do

	mu   sync.Mutex
	up   bool
	lost string // why the session died since the last look; empty: it did not

	// Only reconcile touches these.
	reported  bool // the network was told that the session is up
	barred    bool // the router is kept from connecting
	resetting bool // the session is about to end, by reset
	announced map[netip.Prefix]Route
	sent      map[netip.Prefix]Route
}

// newSession has AWS's end of a session listen. Nothing connects before admit.
func newSession(ctx context.Context, at Endpoint, network Network) (*session, error) {
	s := &session{
		Endpoint: at, network: network, speaker: server.NewBgpServer(),
		told: func(Endpoint, string) {}, changed: func() {}, poked: make(chan struct{}, 1),
		announced: map[netip.Prefix]Route{}, sent: map[netip.Prefix]Route{},
	}
	network.Watch(s.poke)
	s.served = systemclock.New().Go(ctx, func(context.Context) { s.speaker.Serve() })
	err := s.speaker.StartBgp(ctx, &api.StartBgpRequest{Global: &api.Global{
		Asn: at.ASN, RouterId: at.Inside.String(), ListenPort: int32(at.Local.Port()), ListenAddresses: []string{at.Local.Addr().String()},
	}})
	if err != nil {
		s.close()
		return nil, fmt.Errorf("%s cannot listen on %s: %w; choose another port, and see that %s is an address of the loopback interface (on Linux all of 127.0.0.0/8 is)",
			at, at.Local, err, at.Local.Addr())
	}
	return s, nil
}

// admit lets the router connect, and watches what it does.
func (s *session) admit(ctx context.Context, hold time.Duration) error {
	if err := s.keepApart(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Endpoint, err)
	}
	err := s.speaker.WatchEvent(ctx, server.WatchEventMessageCallbacks{
		OnPeerUpdate: s.peerChanged,
		OnPathUpdate: func([]*apiutil.Path, time.Time) { s.poke() },
	}, server.WatchPeer(), server.WatchUpdate(false, "", ""))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Endpoint, err)
	}
	seconds := uint64(hold / time.Second) //nolint:gosec // Start has checked it.
	peer := &api.Peer{
		Conf:      &api.PeerConf{NeighborAddress: s.Peer.String(), PeerAsn: s.PeerASN},
		Transport: &api.Transport{LocalAddress: s.Local.Addr().String(), PassiveMode: true},
		Timers: &api.Timers{Config: &api.TimersConfig{
			HoldTime: seconds, KeepaliveInterval: seconds / 3, IdleHoldTimeAfterReset: uint64(idleAfterReset / time.Second),
		}},
	}
	if s.ASN != s.PeerASN {
		peer.EbgpMultihop = &api.EbgpMultihop{Enabled: true, MultihopTtl: multihopTTL}
	}
	for _, family := range families() {
		peer.AfiSafis = append(peer.AfiSafis, &api.AfiSafi{Config: &api.AfiSafiConfig{
			Family: &api.Family{Afi: api.Family_Afi(family.Afi()), Safi: api.Family_Safi(family.Safi())}, Enabled: true,
		}})
	}
	if err := s.speaker.AddPeer(ctx, &api.AddPeerRequest{Peer: peer}); err != nil {
		return fmt.Errorf("%s: %w", s.Endpoint, err)
	}
	return nil
}

// keepApart keeps what the router says in its Adj-RIB-In, from where reconcile
// takes it: the network selects the routes, and what GoBGP advertises must not
// depend on what it would select itself.
func (s *session) keepApart(ctx context.Context) error {
	own := &api.Policy{Name: "own", Statements: []*api.Statement{{
		Name: "own", Conditions: &api.Conditions{RouteType: api.Conditions_ROUTE_TYPE_LOCAL}, Actions: &api.Actions{RouteAction: api.RouteAction_ROUTE_ACTION_ACCEPT},
	}}}
	if err := s.speaker.AddPolicy(ctx, &api.AddPolicyRequest{Policy: own}); err != nil {
		return err
	}
	return s.speaker.SetPolicyAssignment(ctx, &api.SetPolicyAssignmentRequest{Assignment: &api.PolicyAssignment{
		Name: "global", Direction: api.PolicyDirection_POLICY_DIRECTION_IMPORT, DefaultAction: api.RouteAction_ROUTE_ACTION_REJECT,
		Policies: []*api.Policy{own},
	}})
}

// peerChanged takes note of a change of the session's state. It reads nothing: the
// routes are read by reconcile, whenever it comes to it.
func (s *session) peerChanged(event *apiutil.WatchEventMessage_PeerEvent, _ time.Time) {
	if event.Type != apiutil.PEER_EVENT_STATE {
		return
	}
	state := event.Peer.State
	s.mu.Lock()
	was := s.up
	s.up = state.SessionState == gobgp.BGP_FSM_ESTABLISHED
	if was && !s.up {
		s.lost = "for an unknown reason"
		if state.DisconnectMessage != "" {
			s.lost = state.DisconnectMessage
		}
	}
	changed := was != s.up
	s.mu.Unlock()
	if changed {
		s.poke()
	}
}

// poke has reconcile look again.
func (s *session) poke() {
	select {
	case s.poked <- struct{}{}:
	default: // It will look anyway.
	}
}

// run keeps both sides told of one another until ctx ends.
func (s *session) run(ctx context.Context) {
	for {
		if err := s.reconcile(ctx); err != nil {
			s.told(s.Endpoint, err.Error())
		}
		select {
		case <-s.poked:
		case <-ctx.Done():
			return
		}
	}
}

// reconcile compares what each side was told with what stands now, and tells the
// difference. Events only say when to look, so that none of them can be missed.
func (s *session) reconcile(ctx context.Context) error {
	if err := s.bar(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	up, lost := s.up, s.lost
	s.lost = ""
	s.mu.Unlock()
	if s.reported && lost != "" {
		s.report(false, "is down: "+lost)
	}
	if up && !s.reported {
		s.report(true, "is up")
	}
	if s.reported {
		if err := s.listen(); err != nil {
			return err
		}
	}
	if err := s.speak(); err != nil {
		return err
	}
	return s.reset(ctx)
}

// bar keeps the router from connecting while the network has nothing that the
// session could run over. A line that is cut says nothing, and leaves it to the
// hold timers; GoBGP cannot but send a NOTIFICATION.
func (s *session) bar(ctx context.Context) error {
	carried, _ := s.network.State()
	if carried != s.barred {
		return nil
	}
	var err error
	what := "has something to run over again"
	if carried {
		err = s.speaker.EnablePeer(ctx, &api.EnablePeerRequest{Address: s.Peer.String()})
	} else {
		what = "has nothing to run over"
		err = s.speaker.DisablePeer(ctx, &api.DisablePeerRequest{Address: s.Peer.String(), Communication: what})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Endpoint, err)
	}
	s.barred = !carried
	s.told(s.Endpoint, what)
	return nil
}

// reset ends a session that AWS has given up although it has something to run
// over: the router announced more than AWS bears.
func (s *session) reset(ctx context.Context) error {
	carried, established := s.network.State()
	if !s.reported || s.resetting || !carried || established {
		return nil
	}
	if err := s.speaker.ResetPeer(ctx, &api.ResetPeerRequest{Address: s.Peer.String(), Communication: "maximum number of prefixes reached"}); err != nil {
		return fmt.Errorf("%s: resetting it: %w", s.Endpoint, err)
	}
	s.resetting = true
	s.told(s.Endpoint, "is reset by AWS")
	return nil
}

// report tells the network the state of the session.
func (s *session) report(up bool, what string) {
	s.network.Session(up)
	s.reported, s.resetting = up, false
	clear(s.announced)
	s.told(s.Endpoint, what)
	s.changed()
}

// listen tells the network what the router announces.
func (s *session) listen() error {
	heard, err := s.heard()
	if err != nil {
		return err
	}
	say, withdraw := difference(s.announced, heard)
	for _, r := range say {
		s.network.Announce(r)
		s.announced[r.Prefix] = r
		s.told(s.Endpoint, "hears "+r.String())
	}
	for _, prefix := range withdraw {
		s.network.Withdraw(prefix)
		delete(s.announced, prefix)
		s.told(s.Endpoint, "hears "+prefix.String()+" no more")
	}
	if len(say)+len(withdraw) > 0 {
		s.changed()
	}
	return nil
}

// heard reads what the router announces from the session's Adj-RIB-In.
func (s *session) heard() (map[netip.Prefix]Route, error) {
	out := map[netip.Prefix]Route{}
	own := []netip.Addr{s.Peer, s.PeerInside}
	for _, family := range families() {
		var problem error
		err := s.speaker.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_ADJ_IN, Name: s.Peer.String(), Family: family},
			func(nlri gobgp.NLRI, paths []*apiutil.Path) {
				for _, path := range paths {
					r, unusable, err := received(nlri.String(), path, s.ASN, own)
					if err != nil {
						problem = err
					} else if unusable == "" {
						out[r.Prefix] = r
					}
				}
			})
		if err != nil {
			return nil, fmt.Errorf("%s: reading what it announces: %w", s.Endpoint, err)
		}
		if problem != nil {
			return nil, fmt.Errorf("%s: %w", s.Endpoint, problem)
		}
	}
	return out, nil
}

// speak tells the router what the network advertises to it. GoBGP keeps it for a
// router that is not there.
func (s *session) speak() error {
	want := map[netip.Prefix]Route{}
	for _, r := range s.network.Advertised() {
		r.NextHopSelf = true
		want[r.Prefix] = r
	}
	say, withdraw := difference(s.sent, want)
	for _, r := range say {
		path, err := toSend(r, s.prepended())
		if err != nil {
			return err
		}
		if _, err := s.speaker.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{path}}); err != nil {
			return fmt.Errorf("%s: advertising %s: %w", s.Endpoint, r, err)
		}
		s.sent[r.Prefix] = r
		s.say(r.String())
	}
	for _, prefix := range withdraw {
		path, err := toSend(s.sent[prefix], s.prepended())
		if err != nil {
			return err
		}
		if err := s.speaker.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{path}}); err != nil {
			return fmt.Errorf("%s: withdrawing %s: %w", s.Endpoint, prefix, err)
		}
		delete(s.sent, prefix)
		s.say(prefix.String() + " no more")
	}
	return nil
}

// say tells what the router is told, if it is there to be told.
func (s *session) say(what string) {
	if s.reported {
		s.told(s.Endpoint, "says "+what)
	}
}

// prepended is the AS that GoBGP puts before the path of what it advertises
// (RFC 4271 section 5.1.2); 0: none, as over iBGP.
func (s *session) prepended() uint32 {
	if s.ASN == s.PeerASN {
		return 0
	}
	return s.ASN
}

// close ends the session with a NOTIFICATION (Cease), and waits for it.
func (s *session) close() {
	s.speaker.Stop()
	s.served()
}
