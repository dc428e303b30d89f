package bgp

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// shortHold is the shortest hold time but none at all (RFC 4271 section 4.2).
const shortHold = 3 * time.Second

// endpoint is session 1 or 2 of a Connect peer, on a port that is free.
func endpoint(t testing.TB, number int, asn, peerASN uint32) Endpoint {
	t.Helper()
	inside, peer := netip.AddrFrom4([4]byte{169, 254, 99, byte(number + 1)}), netip.MustParseAddr("169.254.99.1")
	return Endpoint{
		Of: "tgw-connect-peer-1", Number: number, ASN: asn, Inside: inside, PeerASN: peerASN, PeerInside: peer,
		Local: netip.AddrPortFrom(Loopback(inside), freePort(t, Loopback(inside))), Peer: Loopback(peer),
	}
}

// run runs AWS's end of one session, with a network that records.
func run(t *testing.T, at Endpoint) (*Lab, *recorded) {
	t.Helper()
	network := newRecorded()
	l, err := Start(t.Context(), []Speaker{{at, network}}, Options{HoldTime: shortHold, Changed: network.change.wait, Told: network.tell})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		if t.Failed() {
			t.Log(strings.Join(network.lines(), "\n"))
		}
	})
	return l, network
}

// pair is run with a router at the other end.
func pair(t *testing.T, asn, peerASN uint32) (Endpoint, *recorded, *router) {
	t.Helper()
	at := endpoint(t, 1, asn, peerASN)
	_, network := run(t, at)
	return at, network, startRouter(t, shortHold, at)
}

// TestASessionTellsBothSides: what a real speaker announces arrives with its
// attributes, what the network advertises arrives at the speaker, and both are
// taken back.
func TestASessionTellsBothSides(t *testing.T) {
	t.Parallel()
	at, network, router := pair(t, 64512, 65010)
	med := uint32(100)
	network.advertise(
		Route{Prefix: netip.MustParsePrefix("172.30.0.0/16"), Path: []uint32{64512}, MED: &med},
		Route{Prefix: netip.MustParsePrefix("2001:db8:30::/48"), Path: []uint32{64512, 65020}})
	router.announce("10.128.0.0/10", "", 100)
	router.announce("2001:db8:10::/48", "")
	await(t, "the network hears the router", func() bool {
		return slices.Equal(network.heard(), []string{"10.128.0.0/10 with AS_PATH 65010 100", "2001:db8:10::/48 with AS_PATH 65010"})
	}, network.change.wait)
	await(t, "the router hears the network", func() bool {
		got := router.learned(at)
		v4, v6 := got["172.30.0.0/16"], got["2001:db8:30::/48"]
		return slices.Equal(v4.Path, []uint32{64512}) && v4.MED != nil && *v4.MED == 100 && v4.NextHopSelf &&
			slices.Equal(v6.Path, []uint32{64512, 65020}) && v6.MED == nil
	}, router.change.wait)

	router.announce("10.128.0.0/10", "", 100, 200)
	await(t, "the network hears the change", func() bool { return network.heard()[0] == "10.128.0.0/10 with AS_PATH 65010 100 200" }, network.change.wait)
	router.withdraw("10.128.0.0/10")
	await(t, "the network hears the withdrawal", func() bool { return len(network.heard()) == 1 }, network.change.wait)
	network.advertise()
	await(t, "the router hears the withdrawal", func() bool { return len(router.learned(at)) == 0 }, router.change.wait)

	// A path that has been through AWS already is none (RFC 4271 section 9.1.2), and
	// replaces the one that was.
	router.announce("2001:db8:10::/48", "", 64512)
	await(t, "the loop is not taken", func() bool { return len(network.heard()) == 0 }, network.change.wait)
}

// TestIBGPSaysWhoIsNext: over iBGP an AS_PATH may be empty, and the next hop is
// whatever the speaker says.
func TestIBGPSaysWhoIsNext(t *testing.T) {
	t.Parallel()
	at, network, router := pair(t, 64512, 64512)
	network.advertise(Route{Prefix: netip.MustParsePrefix("172.30.0.0/16")})
	router.announce("10.1.0.0/16", "")
	router.announce("10.2.0.0/16", at.PeerInside.String(), 100)
	router.announce("10.3.0.0/16", "192.0.2.1", 100)
	await(t, "the network hears all three", func() bool {
		return slices.Equal(network.heard(), []string{
			"10.1.0.0/16 with an empty AS_PATH", "10.2.0.0/16 with AS_PATH 100", "10.3.0.0/16 with AS_PATH 100, next hop elsewhere",
		})
	}, network.change.wait)
	await(t, "the router hears an empty AS_PATH", func() bool {
		r, ok := router.learned(at)["172.30.0.0/16"]
		return ok && len(r.Path) == 0 && r.NextHopSelf
	}, router.change.wait)
}

// TestADeadSessionTakesItsRoutes: the router shuts the session down, and comes
// back.
func TestADeadSessionTakesItsRoutes(t *testing.T) {
	t.Parallel()
	at, network, router := pair(t, 64512, 65010)
	router.announce("10.128.0.0/10", "", 100)
	heard := func() bool { return len(network.heard()) == 1 }
	await(t, "the network hears the router", heard, network.change.wait)
	router.shut(at)
	await(t, "the session is down", func() bool { return slices.Equal(network.history(), []bool{true, false}) && !heard() }, network.change.wait)
	router.open(at)
	await(t, "the session is back, and its routes", func() bool { return slices.Equal(network.history(), []bool{true, false, true}) && heard() }, network.change.wait)
}

// TestASilentRouterIsGivenUp: a router that opens a session and then says nothing
// more is gone when the hold time is over, and the network is told why.
func TestASilentRouterIsGivenUp(t *testing.T) {
	t.Parallel()
	at := endpoint(t, 1, 64512, 65010)
	_, network := run(t, at)
	openAndFallSilent(t, at, shortHold)
	await(t, "the session is down", func() bool { return slices.Contains(network.lines(), "is down: hold-timer-expired") }, network.change.wait)
	if got := network.history(); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("the session was up and down like %v", got)
	}
}

// TestASessionNeedsSomethingToRunOver: without it the router is kept out, and with
// it the router comes back by itself.
func TestASessionNeedsSomethingToRunOver(t *testing.T) {
	t.Parallel()
	_, network, router := pair(t, 64512, 65010)
	router.announce("10.128.0.0/10", "")
	heard := func() bool { return len(network.heard()) == 1 }
	await(t, "the network hears the router", heard, network.change.wait)
	network.with(func() { network.cut = true })
	await(t, "the session is down at both ends", func() bool { return !heard() && !router.up() }, network.change.wait, router.change.wait)
	network.with(func() { network.cut = false })
	await(t, "the session is back", heard, network.change.wait)
	if got := network.history(); !slices.Equal(got, []bool{true, false, true}) {
		t.Errorf("the session was up and down like %v", got)
	}
}

// TestASessionIsResetWhereAWSResetsIt: a router that announces more than AWS bears
// loses the real session as well, and once it announces less it keeps it.
func TestASessionIsResetWhereAWSResetsIt(t *testing.T) {
	t.Parallel()
	_, network, router := pair(t, 64512, 65010)
	network.with(func() { network.bears = 1 })
	router.announce("10.1.0.0/16", "")
	await(t, "the network hears the router", func() bool { return len(network.heard()) == 1 }, network.change.wait)
	router.announce("10.2.0.0/16", "")
	await(t, "the session is reset", func() bool { return slices.Equal(network.history(), []bool{true, false}) }, network.change.wait)
	router.withdraw("10.1.0.0/16")
	await(t, "the session is back", func() bool {
		return slices.Equal(network.heard(), []string{"10.2.0.0/16 with AS_PATH 65010"}) && len(network.history()) == 3
	}, network.change.wait)
}

// TestSessionsAreRefused: what cannot be run is said before anything runs.
func TestSessionsAreRefused(t *testing.T) {
	t.Parallel()
	at := endpoint(t, 1, 64512, 65010)
	other := at
	other.Of = "tgw-connect-peer-2"
	for _, c := range []struct {
		name     string
		speakers []Speaker
		opts     Options
		want     string
	}{
		{"a hold time that is too short", nil, Options{HoldTime: 2 * time.Second}, "the hold time is 2s"},
		{"a hold time of a part of a second", nil, Options{HoldTime: 3500 * time.Millisecond}, "whole seconds"},
		{"a hold time that no field holds", nil, Options{HoldTime: 65536 * time.Second}, "the hold time is 18h12m16s"},
		{"two sessions in one place", []Speaker{{at, newRecorded()}, {other, newRecorded()}}, Options{}, "session 1 of tgw-connect-peer-1 and session 1 of tgw-connect-peer-2 both have AWS's address 169.254.99.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Start(t.Context(), c.speakers, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, and was to have %q", err, c.want)
			}
			if err == nil {
				l.Close()
			}
		})
	}
	taken, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at.Local))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	l, err := Start(t.Context(), []Speaker{{at, newRecorded()}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "session 1 of tgw-connect-peer-1 cannot listen on "+at.Local.String()) {
		t.Errorf("the error is %v", err)
	}
	if err == nil {
		l.Close()
	}
}
