package bgp

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	gobgp "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"
)

// patience bounds how long a test waits for what must happen. It is no
// measurement: a test that passes ends long before.
const patience = time.Minute

// change is closed by the next thing that happens.
type change struct {
	mu   sync.Mutex
	next chan struct{}
}

func (c *change) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *change) signal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// await waits until something holds, and looks again whenever one of the sources
// says that something happened.
func await(t testing.TB, what string, holds func() bool, sources ...func() <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		happened := make(chan struct{}, len(sources))
		looked, done := context.WithCancel(ctx)
		for _, source := range sources {
			next := source()
			go func() {
				select {
				case <-next:
					happened <- struct{}{}
				case <-looked.Done():
				}
			}()
		}
		held := holds()
		if !held {
			select {
			case <-happened:
			case <-ctx.Done():
			}
		}
		done()
		if held {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s: it never came to that", what)
		}
	}
}

// freePort finds a port that is free on all the addresses, or skips the test if
// they are not this machine's.
func freePort(t testing.TB, addresses ...netip.Addr) uint16 {
	t.Helper()
	for range 20 {
		port, err := tryPort(addresses)
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skipf("SKIPPED: no BGP session can run here: %v", err)
		}
		if err == nil {
			return port
		}
	}
	t.Fatal("no port is free on all of ", addresses)
	return 0
}

func tryPort(addresses []netip.Addr) (port uint16, err error) {
	for _, address := range addresses {
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, port)))
		if err != nil {
			return 0, err
		}
		defer func() { _ = listener.Close() }() // All are held until the last is tried.
		port = listener.Addr().(*net.TCPAddr).AddrPort().Port()
	}
	return port, nil
}

// router is a real BGP speaker: GoBGP, as the appliance or the customer gateway at
// the other end.
type router struct {
	t        testing.TB
	speaker  *server.BgpServer
	asn      uint32
	sessions []Endpoint
	change   change

	mu    sync.Mutex
	state map[netip.Addr]gobgp.FSMState
}

// startRouter starts the router at the other end of the sessions, which all have
// the same router. Its ends are given hold as hold time, and connect at once.
func startRouter(t testing.TB, hold time.Duration, sessions ...Endpoint) *router {
	t.Helper()
	first := sessions[0]
	r := &router{t: t, speaker: server.NewBgpServer(), asn: first.PeerASN, sessions: sessions, state: map[netip.Addr]gobgp.FSMState{}}
	go r.speaker.Serve()
	t.Cleanup(r.speaker.Stop)
	r.must(r.speaker.StartBgp(t.Context(), &api.StartBgpRequest{Global: &api.Global{Asn: first.PeerASN, RouterId: first.PeerInside.String(), ListenPort: -1}}))
	r.must(r.speaker.WatchEvent(t.Context(), server.WatchEventMessageCallbacks{
		OnPeerUpdate: func(e *apiutil.WatchEventMessage_PeerEvent, _ time.Time) {
			r.mu.Lock()
			r.state[e.Peer.State.NeighborAddress] = e.Peer.State.SessionState
			r.mu.Unlock()
			r.change.signal()
		},
		OnPathUpdate: func([]*apiutil.Path, time.Time) { r.change.signal() },
	}, server.WatchPeer(), server.WatchUpdate(false, "", "")))
	for _, e := range sessions {
		r.must(r.speaker.AddPeer(t.Context(), &api.AddPeerRequest{Peer: &api.Peer{
			Conf:         &api.PeerConf{NeighborAddress: e.Local.Addr().String(), PeerAsn: e.ASN},
			Transport:    &api.Transport{LocalAddress: e.Peer.String(), RemotePort: uint32(e.Local.Port())},
			EbgpMultihop: &api.EbgpMultihop{Enabled: e.ASN != e.PeerASN, MultihopTtl: multihopTTL},
			Timers:       &api.Timers{Config: &api.TimersConfig{HoldTime: uint64(hold / time.Second), KeepaliveInterval: 1, IdleHoldTimeAfterReset: 1, ConnectRetry: 1}},
			AfiSafis: []*api.AfiSafi{
				{Config: &api.AfiSafiConfig{Family: &api.Family{Afi: api.Family_AFI_IP, Safi: api.Family_SAFI_UNICAST}, Enabled: true}},
				{Config: &api.AfiSafiConfig{Family: &api.Family{Afi: api.Family_AFI_IP6, Safi: api.Family_SAFI_UNICAST}, Enabled: true}},
			},
		}}))
	}
	return r
}

func (r *router) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// up reports whether the router's ends of all the sessions are established.
func (r *router) up() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(r.sessions, func(e Endpoint) bool { return r.state[e.Local.Addr()] != gobgp.BGP_FSM_ESTABLISHED })
}

// announce originates a route with the path as it is to stand before what eBGP
// adds, and with a next hop; the zero address: the router itself.
func (r *router) announce(prefix string, nextHop string, path ...uint32) {
	r.t.Helper()
	p, err := toSend(Route{Prefix: netip.MustParsePrefix(prefix), Path: path}, 0)
	r.must(err)
	if nextHop != "" {
		attribute, err := gobgp.NewPathAttributeNextHop(netip.MustParseAddr(nextHop))
		r.must(err)
		p.Attrs[len(p.Attrs)-1] = attribute
	}
	_, err = r.speaker.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{p}})
	r.must(err)
}

func (r *router) withdraw(prefix string) {
	r.t.Helper()
	p, err := toSend(Route{Prefix: netip.MustParsePrefix(prefix)}, 0)
	r.must(err)
	r.must(r.speaker.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{p}}))
}

// shut ends the router's ends of the sessions, as its operator does.
func (r *router) shut(sessions ...Endpoint) {
	r.t.Helper()
	for _, e := range sessions {
		r.must(r.speaker.DisablePeer(r.t.Context(), &api.DisablePeerRequest{Address: e.Local.Addr().String()}))
	}
}

func (r *router) open(sessions ...Endpoint) {
	r.t.Helper()
	for _, e := range sessions {
		r.must(r.speaker.EnablePeer(r.t.Context(), &api.EnablePeerRequest{Address: e.Local.Addr().String()}))
	}
}

// learned are the routes that the router hears over a session, by prefix, with
// the AS_PATH as it arrived.
func (r *router) learned(over Endpoint) map[string]Route {
	r.t.Helper()
	out := map[string]Route{}
	for _, family := range families() {
		r.must(r.speaker.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_ADJ_IN, Name: over.Local.Addr().String(), Family: family},
			func(nlri gobgp.NLRI, paths []*apiutil.Path) {
				for _, path := range paths {
					route, _, err := received(nlri.String(), path, 0, []netip.Addr{over.Local.Addr()})
					r.must(err)
					out[route.Prefix.String()] = route
				}
			}))
	}
	return out
}

// openAndFallSilent is a router that opens a session, confirms it, and then says
// nothing more, as one does whose line was cut.
func openAndFallSilent(t testing.TB, at Endpoint, hold time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.Peer, 0))}
	for ctx.Err() == nil {
		conn, err := dialer.DialContext(ctx, "tcp", at.Local.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() }) // The other end may have closed it.
		open, err := gobgp.NewBGPOpenMessage(uint16(at.PeerASN), uint16(hold/time.Second), at.PeerInside, nil)
		if err != nil {
			t.Fatal(err)
		}
		if confirmed(conn, open, gobgp.NewBGPKeepAliveMessage()) {
			return
		}
		// Before it listens to its peer, AWS's end closes what comes.
	}
	t.Fatal("the session never opened")
}

// confirmed sends messages, and reads until the other end has sent a KEEPALIVE.
func confirmed(conn net.Conn, messages ...*gobgp.BGPMessage) bool {
	for _, m := range messages {
		text, err := m.Serialize()
		if err != nil {
			return false
		}
		if _, err := conn.Write(text); err != nil {
			return false
		}
	}
	header := make([]byte, gobgp.BGP_HEADER_LENGTH)
	for {
		if _, err := io.ReadFull(conn, header); err != nil {
			return false
		}
		var h gobgp.BGPHeader
		if h.DecodeFromBytes(header) != nil {
			return false
		}
		if _, err := io.CopyN(io.Discard, conn, int64(h.Len)-gobgp.BGP_HEADER_LENGTH); err != nil {
			return false
		}
		if h.Type == gobgp.BGP_MSG_KEEPALIVE {
			return true
		}
	}
}

// recorded is a Network that keeps what it is told.
type recorded struct {
	change change

	mu         sync.Mutex
	watch      func()
	cut        bool // the session has nothing to run over
	bears      int  // the number of routes beyond which the session is reset; 0: any
	states     []bool
	told       []string
	routes     map[netip.Prefix]Route
	advertised []Route
}

func newRecorded() *recorded { return &recorded{routes: map[netip.Prefix]Route{}} }

func (n *recorded) Watch(changed func()) { n.watch = changed }

// with runs fn under the lock, and tells those who wait.
func (n *recorded) with(fn func()) {
	n.mu.Lock()
	fn()
	n.mu.Unlock()
	n.change.signal()
	n.watch()
}

func (n *recorded) Session(up bool) {
	n.with(func() {
		n.states = append(n.states, up)
		clear(n.routes)
	})
}

func (n *recorded) Announce(r Route) { n.with(func() { n.routes[r.Prefix] = r }) }

func (n *recorded) Withdraw(prefix netip.Prefix) { n.with(func() { delete(n.routes, prefix) }) }

func (n *recorded) State() (carried, established bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	up := len(n.states) > 0 && n.states[len(n.states)-1]
	return !n.cut, up && !n.cut && (n.bears == 0 || len(n.routes) <= n.bears)
}

func (n *recorded) Advertised() []Route {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.advertised)
}

func (n *recorded) advertise(routes ...Route) {
	n.with(func() { n.advertised = routes })
}

func (n *recorded) tell(_ Endpoint, what string) {
	defer n.change.signal()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, what)
}

// lines are what was told of the session.
func (n *recorded) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.told)
}

// heard is what the network knows the router to announce, sorted.
func (n *recorded) heard() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, prefix := range slices.SortedFunc(maps.Keys(n.routes), netip.Prefix.Compare) {
		out = append(out, n.routes[prefix].String())
	}
	return out
}

func (n *recorded) history() []bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.states)
}
