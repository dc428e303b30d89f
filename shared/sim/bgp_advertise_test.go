package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shownTo prints what AWS advertises: prefix, AS_PATH and MED.
func shownTo(routes []Advertised) string {
	var out []string
	for _, r := range routes {
		value := "-"
		if r.MED != nil {
			value = fmt.Sprint(*r.MED)
		}
		out = append(out, fmt.Sprintf("%s %v %s", r.Prefix, r.ASPath, value))
	}
	return strings.Join(out, ", ")
}

func speakFor(t *testing.T, w *World, who string) *Speaker {
	t.Helper()
	speaker, err := w.SpeakFor(who, nil)
	must(t, err)
	speaker.Session(true)
	return speaker
}

// TestWhatAWSAdvertises: the routes of the table that the attachment is associated
// with, but for those that came over it, and blackholes by the switch.
func TestWhatAWSAdvertises(t *testing.T) {
	for _, blackholes := range []bool{false, true} {
		w, clock := bgpLab(t, Options{AdvertiseBlackholes: blackholes})
		must(t, w.Announce(bgpVPN2, says{path: []int{7}}.spec("10.0.0.0/16")))
		must(t, w.Announce(outer1, says{}.spec("10.1.0.0/16")))
		for dst, aim := range map[string]string{"192.0.2.0/24": blackhole, "10.2.0.0/16": bgpVPC1, target: bgpAtt1} {
			_, _, refused := w.CreateTransitGatewayRoute(me(), bgpRT, cidr(dst), aim)
			wantOK(t, refused)
		}
		clock.advance(time.Minute)
		vpn, ours, theirs, line := speakFor(t, w, bgpVPN1), speakFor(t, w, inner), speakFor(t, w, outer2), speakFor(t, w, bgpDX1)
		vpn.Announce(cidr("10.3.0.0/16"), []uint32{65010}, nil, true)
		drop := map[bool]string{true: ", 192.0.2.0/24 [64999] 100"}[blackholes]
		want := "10.0.0.0/16 [64999 65010 7] 100, 10.1.0.0/16 [64999 65021] 100, 10.2.0.0/16 [64999] 100, 10.128.0.0/10 [64999] 100, 172.30.0.0/16 [64999] 100, 172.31.0.0/16 [64999] 100" + drop
		if got := shownTo(vpn.Advertised()); got != want {
			t.Errorf("over VPN: %s, want %s", got, want)
		}
		want = strings.Replace(want, ", 10.128", ", 10.3.0.0/16 [64999 65010] 100, 10.128", 1)
		if got := shownTo(theirs.Advertised()); got != want {
			t.Errorf("over eBGP on Connect: %s, want %s", got, want)
		}
		want = strings.ReplaceAll(strings.ReplaceAll(want, "[64999]", "[]"), "64999 ", "")
		if got := shownTo(ours.Advertised()); got != want {
			t.Errorf("over iBGP on Connect: %s, want %s", got, want)
		}
		if got, want := shownTo(line.Advertised()), "172.16.0.0/12 [64512] -"; got != want {
			t.Errorf("over Direct Connect: %s, want %s", got, want)
		}
	}
}

// TestNothingIsAdvertisedWithoutATable, nor without a session.
func TestNothingIsAdvertisedWithoutATable(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) {
		tables := topo.TransitGateways[0].Tables
		tables[0].Associated = slices.DeleteFunc(slices.Clone(tables[0].Associated), func(id string) bool { return id == bgpAtt1 })
	})
	for _, who := range []string{bgpVPN1, bgpVPN2} {
		speaker := speakFor(t, w, who)
		if got := len(speaker.Advertised()); (got == 0) != (who == bgpVPN1) {
			t.Errorf("%s hears %d routes", who, got)
		}
		speaker.Session(false)
		if got := speaker.Advertised(); len(got) != 0 {
			t.Errorf("%s hears %v without a session", who, got)
		}
	}
}

// TestSpeakerHearsChanges: each once, without the lock, and the loss of what it
// needs.
func TestSpeakerHearsChanges(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	var told []string
	speaker, err := w.SpeakFor(bgpVPN1, func(routes []Advertised) {
		_ = w.Calls() // Needs the lock.
		text := shownTo(routes)
		if len(told) == 0 || told[len(told)-1] != text { // Its two sessions hear the same.
			told = append(told, text)
		}
	})
	must(t, err)
	if _, err := w.SpeakFor("dc", nil); err == nil {
		t.Error("two speakers for one session")
	}
	speaker.SessionAt(2, true)
	must(t, w.Announce(bgpVPN2, says{}.spec("10.0.0.0/16")))
	must(t, w.Announce(bgpVPN2, says{path: []int{5}}.spec("10.0.0.0/16")))
	must(t, w.DeleteAttachment(bgpVPC1))
	speaker.Session(false)
	clock.advance(time.Minute)
	const rest = "172.31.0.0/16 [64999] 100"
	want := []string{
		"172.30.0.0/16 [64999] 100, " + rest, "10.0.0.0/16 [64999 65010] 100, 172.30.0.0/16 [64999] 100, " + rest,
		"10.0.0.0/16 [64999 65010 5] 100, 172.30.0.0/16 [64999] 100, " + rest, "10.0.0.0/16 [64999 65010 5] 100, " + rest, "",
	}
	if !slices.Equal(told, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// TestSpeakerAnnounces: the AS_PATH as it is on the wire, at once.
func TestSpeakerAnnounces(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) {
		topo.Connects[2].Peers[0].Announces = []AnnouncementSpec{{Prefix: "10.9.0.0/16", ASPath: []int{1}, NextHopSelf: true}}
	})
	wantJoined(t, w, "10.9.0.0/16", bgpConn3)
	speaker, err := w.SpeakFor(inner, nil)
	must(t, err)
	wantJoined(t, w, "10.9.0.0/16")
	speaker.Announce(cidr(target), []uint32{100}, nil, true)
	wantJoined(t, w, target)
	speaker.SessionAt(1, true)
	wantJoined(t, w, target, bgpConn3)
	if _, up := told(t, w, me(), inner); up != [2]bool{true, false} {
		t.Errorf("sessions are %v", up)
	}
	speaker.Announce(cidr(target), nil, nil, true)
	wantJoined(t, w, target)
	value := uint32(7)
	speaker.Announce(cidr(target), []uint32{100}, &value, true)
	wantJoined(t, w, target, bgpConn3)
	speaker.Announce(cidr(target), []uint32{100}, nil, false)
	wantJoined(t, w, target)
	speaker.Announce(cidr("10.128.0.1/10"), []uint32{100}, nil, true)
	wantJoined(t, w, target, bgpConn3)
	speaker.Withdraw(cidr("10.129.0.0/16"))
	wantJoined(t, w, target, bgpConn3)
	speaker.Withdraw(cidr(target))
	wantJoined(t, w, target)
	clock.advance(time.Minute)
	if _, up := told(t, w, me(), inner); up != [2]bool{true, false} {
		t.Errorf("sessions are %v", up)
	}
}

// TestSpeakerSaysTheSameTwice: what is so already is told to nobody.
func TestSpeakerSaysTheSameTwice(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	events := heard(t, w)
	speaker := speakFor(t, w, bgpVPN1)
	speaker.Session(true)
	speaker.SessionAt(3, false)
	clock.advance(time.Minute)
	if got, want := changes(*events), []string{upDown, upDown, upAgain, upAgain}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSpeakerWaitsForIPsec: AWS takes no session over a tunnel that it does not
// know to be up.
func TestSpeakerWaitsForIPsec(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) { topo.VPNs[0].Tunnels[0].Down, topo.VPNs[0].Tunnels[1].Down = true, true })
	must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", true))
	speaker := speakFor(t, w, bgpVPN1)
	speaker.Announce(cidr(target), []uint32{65010}, nil, true)
	wantJoined(t, w, target)
	clock.advance(10 * time.Second)
	wantJoined(t, w, target, bgpAtt1)
}

// TestSpeakerOverADeadTunnel stays down, and goes on with its tunnel.
func TestSpeakerOverADeadTunnel(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", false))
	must(t, w.SetTunnel(bgpVPN1, "198.51.100.2", false))
	clock.advance(time.Minute)
	speaker := speakFor(t, w, bgpVPN1)
	speaker.Announce(cidr(target), []uint32{65010}, nil, true)
	wantJoined(t, w, target)
	must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", true))
	clock.advance(10 * time.Second)
	wantJoined(t, w, target, bgpAtt1)
}

// TestRouterHearsLater: a router of the World hears what stands at the start from
// the start on, changes a little later, and the loss of its session when the hold
// time is over.
func TestRouterHearsLater(t *testing.T) {
	w, clock := bgpLab(t, Options{AdvertiseAfter: 3 * time.Second})
	ear := listenIn(t, w)
	must(t, w.Announce(bgpVPN2, says{}.spec("10.0.0.0/16")))
	must(t, w.Announce(bgpVPN2, says{}.spec("10.1.0.0/16")))
	clock.advance(3*time.Second - 1)
	ear.want(t)
	clock.advance(1)
	ear.want(t, 4)
	must(t, w.Withdraw(bgpVPN2, "10.0.0.0/16"))
	must(t, w.SetBGP(bgpVPN1, "198.51.100.1", false))
	clock.advance(30*time.Second - 1)
	ear.want(t, 4)
	clock.advance(1)
	ear.want(t, 4, 0)
	must(t, w.Announce(bgpVPN2, says{}.spec("10.0.0.0/16")))
	clock.advance(time.Minute)
	ear.want(t, 4, 0)
	must(t, w.SetBGP(bgpVPN1, "198.51.100.1", true))
	clock.advance(time.Minute)
	ear.want(t, 4, 0, 4)
	must(t, w.DeleteAttachment(bgpAtt1))
	ear.want(t, 4, 0, 4, 0)
}

// listenIn takes the place of the router on one session of bgpVPN1, which has heard
// of two routes.
func listenIn(t *testing.T, w *World) *earpiece {
	t.Helper()
	ear := &earpiece{}
	for _, own := range w.sessions {
		if own.vpn != nil && own.vpn.id == bgpVPN1 && own.tunnel.outsideIP == "198.51.100.1" {
			if len(own.told) != 2 || len(own.heard) != 2 {
				t.Fatalf("told %v at the start, and heard %v", own.told, own.heard)
			}
			own.router = ear
		}
	}
	return ear
}

// earpiece is a router that counts the routes of what it hears, and notes the time
// by its clock, if it has one.
type earpiece struct {
	heard []int
	clock func() time.Duration
	at    []time.Duration
}

func (e *earpiece) announcedOver(*bgpSession) []bgpRoute { return nil }
func (e *earpiece) listens() bool                        { return true }
func (e *earpiece) hear(_ *World, _ *step, _ *bgpSession, routes []bgpRoute) {
	e.heard = append(e.heard, len(routes))
	if e.clock != nil {
		e.at = append(e.at, e.clock())
	}
}

func (e *earpiece) want(t *testing.T, counts ...int) {
	t.Helper()
	if !slices.Equal(e.heard, counts) {
		t.Fatalf("heard lists of %v routes, want %v", e.heard, counts)
	}
}

// TestAWSAdvertisesSoManyAtMost: 5,000 over a session of a transit gateway.
func TestAWSAdvertisesSoManyAtMost(t *testing.T) {
	w, _ := bgpLab(t, Options{}, func(topo *Topology) { topo.DirectConnects[0].Routes = many(5_001) })
	if got := len(speakFor(t, w, bgpVPN1).Advertised()); got != 5_000 {
		t.Errorf("advertises %d routes", got)
	}
}
