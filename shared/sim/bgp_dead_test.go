package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A deadSession is a way for a session of bgpVPN1 to be dead while both ends have it
// for established.
type deadSession struct {
	die, revive func(t *testing.T, w *World)
}

func deadSessions() map[string]deadSession {
	tunnel := func(up bool) func(*testing.T, *World) {
		return func(t *testing.T, w *World) { must(t, w.SetTunnel(bgpVPN1, "198.51.100.1", up)) }
	}
	process := func(up bool) func(*testing.T, *World) {
		return func(t *testing.T, w *World) { must(t, w.SetBGP(bgpVPN1, "198.51.100.1", up)) }
	}
	return map[string]deadSession{
		"its tunnel is dead":           {tunnel(false), tunnel(true)},
		"the router's process is dead": {process(false), process(true)},
	}
}

// TestNothingReachesARouterOverADeadSession: what AWS sends arrives 3 s later, unless
// the session is dead by then; what arrived before stays until the hold time of 30 s
// is over; what did not is sent again when the session is alive again, and everything
// is when it had to be set up anew. The router knows two routes at the start.
func TestNothingReachesARouterOverADeadSession(t *testing.T) {
	const tell, hold, back = 3 * time.Second, 30 * time.Second, 5 * time.Second
	add := func(t *testing.T, w *World) { must(t, w.Announce(bgpVPN2, says{}.spec("10.0.0.0/16"))) }
	remove := func(t *testing.T, w *World) { must(t, w.DeleteAttachment(bgpVPC1)) }
	// A step is done at a time; "die" and "revive" are by the kind of death.
	type event struct {
		at time.Duration
		do any
	}
	type arrival struct {
		at     time.Duration
		routes int
	}
	for name, c := range map[string]struct {
		events []event
		want   func(setUp time.Duration) []arrival
	}{
		"alive": {
			[]event{{0, add}},
			func(time.Duration) []arrival { return []arrival{{tell, 3}} },
		},
		"it dies before the update arrives": {
			[]event{{0, add}, {tell - 1, "die"}},
			func(time.Duration) []arrival { return []arrival{{tell - 1 + hold, 0}} },
		},
		"it dies before the withdrawal arrives": {
			[]event{{0, remove}, {time.Second, "die"}},
			func(time.Duration) []arrival { return []arrival{{time.Second + hold, 0}} },
		},
		"it dies as the update arrives": {
			[]event{{0, "die when the update arrives"}, {0, add}},
			func(time.Duration) []arrival { return []arrival{{tell, 3}, {tell + hold, 0}} },
		},
		"AWS would send while it is dead": {
			[]event{{0, "die"}, {10 * time.Second, add}, {20 * time.Second, remove}},
			func(time.Duration) []arrival { return []arrival{{hold, 0}} },
		},
		"it is back before the hold time is over": {
			[]event{{0, "die"}, {10 * time.Second, add}, {20 * time.Second, remove}, {hold - 1, "revive"}},
			func(time.Duration) []arrival { return []arrival{{hold - 1 + tell, 2}} },
		},
		"it is back before what is under way is due": {
			[]event{{0, add}, {time.Second, "die"}, {2 * time.Second, "revive"}},
			func(time.Duration) []arrival { return []arrival{{2*time.Second + tell, 3}} },
		},
		"it is back, and nothing has changed": {
			[]event{{0, "die"}, {hold - 1, "revive"}},
			func(time.Duration) []arrival { return nil },
		},
		"it is back as the hold time ends, too late": {
			[]event{{0, "revive after the hold time"}, {0, "die"}},
			func(setUp time.Duration) []arrival { return []arrival{{hold, 0}, {hold + setUp + tell, 2}} },
		},
		"it is set up anew": {
			[]event{{0, "die"}, {10 * time.Second, add}, {time.Minute, "revive"}},
			func(setUp time.Duration) []arrival { return []arrival{{hold, 0}, {time.Minute + setUp + tell, 3}} },
		},
		"it is set up anew, and nothing has changed": {
			[]event{{0, "die"}, {time.Minute, "revive"}},
			func(setUp time.Duration) []arrival { return []arrival{{hold, 0}, {time.Minute + setUp + tell, 2}} },
		},
		"the withdrawal of everything was under way": {
			[]event{{0, remove}, {0, func(t *testing.T, w *World) { must(t, w.DeleteAttachment(bgpVPC2)) }}, {time.Second, "die"}},
			func(time.Duration) []arrival { return []arrival{{time.Second + hold, 0}} },
		},
	} {
		for how, kind := range deadSessions() {
			t.Run(name+", "+how, func(t *testing.T) {
				w, clock := bgpLab(t, Options{AdvertiseAfter: tell})
				ear := listenIn(t, w)
				start := clock.now
				ear.clock = func() time.Duration { return clock.now.Sub(start) }
				for _, e := range c.events {
					clock.advance(e.at - clock.now.Sub(start))
					switch do := e.do.(type) {
					case string:
						map[string]func(*testing.T, *World){
							"die": kind.die, "revive": kind.revive,
							"die when the update arrives": func(t *testing.T, w *World) { clock.At(start.Add(tell), "", func() { kind.die(t, w) }) },
							"revive after the hold time":  func(t *testing.T, w *World) { clock.At(start.Add(hold), "", func() { kind.revive(t, w) }) },
						}[do](t, w)
					case func(*testing.T, *World):
						do(t, w)
					}
				}
				clock.advance(2 * time.Minute)
				setUp := back // IPsec is up, or is set up first.
				if strings.Contains(how, "tunnel") && c.events[len(c.events)-1].at > hold {
					setUp += back
				}
				var got []arrival
				for i, n := range ear.heard {
					got = append(got, arrival{ear.at[i], n})
				}
				if want := c.want(setUp); !slices.Equal(got, want) {
					t.Errorf("the router heard %v, want %v", got, want)
				}
			})
		}
	}
}

// TestAWSHearsNothingOverADeadSession: the same the other way, on each kind of
// session. What the router announces AWS takes at once while the session is alive.
func TestAWSHearsNothingOverADeadSession(t *testing.T) {
	for name, c := range map[string]struct {
		who, attachment string
		hold            time.Duration
		set             func(w *World, up bool) error
	}{
		"VPN, its tunnels":     {bgpVPN1, bgpAtt1, 30 * time.Second, func(w *World, up bool) error { return bothTunnels(w, up) }},
		"VPN, its process":     {bgpVPN1, bgpAtt1, 30 * time.Second, func(w *World, up bool) error { return w.SetBGP(bgpVPN1, "", up) }},
		"Connect":              {outer1, bgpConn1, 30 * time.Second, func(w *World, up bool) error { return w.SetSession(outer1, 0, up) }},
		"Direct Connect":       {bgpDX1, bgpDX1, 90 * time.Second, func(w *World, up bool) error { return w.SetDirectConnect(bgpDX1, up) }},
		"VPN, faster detected": {bgpVPN1, bgpAtt1, 10 * time.Second, func(w *World, up bool) error { return bothTunnels(w, up) }},
	} {
		t.Run(name, func(t *testing.T) {
			options := Options{}
			if c.hold < 30*time.Second {
				options.DetectAfter = c.hold // Whichever comes first.
			}
			const before, during = "10.0.0.0/16", "10.1.0.0/16"
			w, clock := bgpLab(t, options)
			must(t, w.Announce(c.who, says{}.spec(before)))
			clock.advance(time.Minute)
			must(t, c.set(w, false))
			clock.advance(time.Second)
			must(t, w.Withdraw(c.who, before))
			must(t, w.Announce(c.who, says{}.spec(during)))
			clock.advance(c.hold - time.Second - 1)
			wantJoined(t, w, before, c.attachment)
			wantJoined(t, w, during)
			must(t, c.set(w, true))
			wantJoined(t, w, before) // Back within the hold time: it is sent again.
			wantJoined(t, w, during, c.attachment)
			clock.advance(time.Minute)
			must(t, c.set(w, false))
			must(t, w.Withdraw(c.who, during))
			must(t, w.Announce(c.who, says{}.spec(before)))
			clock.advance(c.hold - 1)
			wantJoined(t, w, during, c.attachment)
			clock.advance(1)
			wantJoined(t, w, during)
			wantJoined(t, w, before)
			clock.advance(time.Minute)
			wantJoined(t, w, before)
			must(t, c.set(w, true))
			clock.advance(time.Minute)
			wantJoined(t, w, before, c.attachment)
			wantJoined(t, w, during)
		})
	}
}

func bothTunnels(w *World, up bool) error {
	if err := w.SetTunnel(bgpVPN1, "198.51.100.1", up); err != nil {
		return err
	}
	return w.SetTunnel(bgpVPN1, "198.51.100.2", up)
}

// TestADeadTunnelIsSilent in what AWS shows, tells and logs of the router's routes:
// the number of routes, the events, the lines of the log, and the limit.
func TestADeadTunnelIsSilent(t *testing.T) {
	w, clock := bgpLab(t, Options{}, func(topo *Topology) { topo.VPNs[0].BGPLog, topo.VPNs[0].BGP.Announces = true, many(1_000) })
	clock.advance(time.Minute)
	events := heard(t, w)
	logs := 0
	w.Subscribe(func(raw []byte) {
		if IsLogDelivery(raw) {
			logs++
		}
	})
	must(t, bothTunnels(w, false))
	must(t, w.Withdraw(bgpVPN1, "100.64.0.0/24"))
	clock.advance(15 * time.Second)
	for i := range 3 { // Two more than are borne.
		must(t, w.Announce(bgpVPN1, says{}.spec(fmt.Sprintf("10.%d.0.0/16", i))))
	}
	clock.advance(14 * time.Second)
	if view := tunnelOf(t, w, "198.51.100.1"); !view.Up || view.AcceptedRouteCount != 1_000 {
		t.Errorf("the telemetry shows %+v", view)
	}
	if len(*events) > 0 || logs > 0 {
		t.Errorf("AWS sent %v, and %d deliveries of logs", changes(*events), logs)
	}
	must(t, bothTunnels(w, true))
	if view := tunnelOf(t, w, "198.51.100.1"); view.Up {
		t.Errorf("the session that announces too much is not reset when it is heard: %+v", view)
	}
}

// TestASpeakerOverADeadTunnel is neither heard nor told anything; it knows what it
// knew until the session has timed out.
func TestASpeakerOverADeadTunnel(t *testing.T) {
	w, clock := bgpLab(t, Options{})
	var told []string
	speaker, err := w.SpeakFor(bgpVPN1, func(routes []Advertised) { told = append(told, shownTo(routes)) })
	must(t, err)
	speaker.SessionAt(1, true)
	knows := shownTo(speaker.Advertised())
	must(t, bothTunnels(w, false))
	speaker.Announce(cidr(target), []uint32{65010}, nil, true)
	must(t, w.DeleteAttachment(bgpVPC1))
	clock.advance(29 * time.Second)
	wantJoined(t, w, target)
	if got := shownTo(speaker.Advertised()); got != knows || !slices.Equal(told, []string{knows}) {
		t.Errorf("it knows %s, and was told %q; want %s, once", got, told, knows)
	}
	must(t, bothTunnels(w, true))
	wantJoined(t, w, target, bgpAtt1)
	rest := shownTo(speaker.Advertised())
	if want := []string{knows, rest}; rest == knows || !slices.Equal(told, want) {
		t.Errorf("it was told %q, want %q", told, want)
	}
	must(t, bothTunnels(w, false))
	clock.advance(30 * time.Second)
	if want := []string{knows, rest, ""}; !slices.Equal(told, want) {
		t.Errorf("it was told %q, want %q", told, want)
	}
}

// TestARouterPrefersWhatItOriginates to what it hears, and forwards by what it has
// anyway; what it ceases to originate it takes from the others again.
func TestARouterPrefersWhatItOriginates(t *testing.T) {
	const shared = "198.18.0.0/16"
	heard := "bgp 20 " + hubVPN + " 64600 65020"
	for name, c := range map[string]struct {
		prefix, who string
		path        []int
		want        string
	}{
		"it hears only":                       {shared, "", nil, heard},
		"it originates it too":                {shared, "lab", nil, ""},
		"with a longer path than the other's": {shared, "lab", []int{65010, 65010, 65010, 65010}, ""},
		"over one connection only":            {shared, hubVPN, nil, ""},
		"a default: the line's own stays":     {allRoute, "lab", nil, "assigned 210 internet"},
		"a default that it does not say":      {allRoute, "", nil, heard},
		"a network of its own":                {"10.20.0.0/16", "", nil, "connected 0"},
	} {
		t.Run(name, func(t *testing.T) {
			w, clock := hubWorld(t, nil)
			must(t, w.AddRouterRoute("lab", hubOut1+"/32", "internet"))
			must(t, w.AddRouterRoute("lab", hubOut2+"/32", "internet"))
			must(t, w.Announce("shop", AnnouncementSpec{Prefix: c.prefix}))
			clock.advance(time.Minute)
			if c.who != "" {
				must(t, w.Announce(c.who, AnnouncementSpec{Prefix: c.prefix, ASPath: c.path}))
			}
			if got := routerRoute(t, w, "lab", c.prefix); got != c.want {
				t.Errorf("the router takes %q at once, want %q", got, c.want)
			}
			clock.advance(time.Minute)
			if got := routerRoute(t, w, "lab", c.prefix); got != c.want {
				t.Errorf("the router takes %q, want %q", got, c.want)
			}
			if c.who == "" {
				return
			}
			must(t, w.Withdraw(c.who, c.prefix))
			if c.path == nil {
				clock.advance(time.Second) // Only then the gateway advertises the other's.
			}
			if got := routerRoute(t, w, "lab", c.prefix); got != heard {
				t.Errorf("the router takes %q when it is alone no more, want %q", got, heard)
			}
		})
	}
}

// TestASiteWithADefaultOfItsOwnBearsALeak: it is no victim, since what it announces
// is what it uses.
func TestASiteWithADefaultOfItsOwnBearsALeak(t *testing.T) {
	w, clock := hubWorld(t, func(topo *Topology) {
		topo.Sites[0].Announces = append(topo.Sites[0].Announces, AnnouncementSpec{Prefix: allRoute})
	})
	must(t, w.Announce("partner", AnnouncementSpec{Prefix: allRoute}))
	wantSteady(t, w, clock)
}

// TestWhatASpeakerTakesOverIsNotTheRoutersOwn: what the topology says of a session
// counts no more once a speaker speaks for it, and what the speaker says is its own.
func TestWhatASpeakerTakesOverIsNotTheRoutersOwn(t *testing.T) {
	const shared, spoken = "198.18.0.0/16", "vpn-0c3"
	w, clock := hubWorld(t, func(topo *Topology) {
		topo.VPNs = append(topo.VPNs, VPNSpec{
			ID: spoken, VPNGateway: hub, Site: "lab", BGP: &VPNBGPSpec{Announces: []AnnouncementSpec{{Prefix: shared, ASPath: []int{7, 7, 7}}}},
			Tunnels: []TunnelSpec{{OutsideIP: "203.0.113.31"}},
		})
	})
	must(t, w.Announce("shop", AnnouncementSpec{Prefix: shared}))
	clock.advance(time.Minute)
	if got := routerRoute(t, w, "lab", shared); got != "" {
		t.Fatalf("the router takes %q for what it announces itself", got)
	}
	speaker := speakFor(t, w, spoken)
	want := "bgp 20 " + hubVPN + " 64600 65020"
	if got := routerRoute(t, w, "lab", shared); got != want {
		t.Errorf("the router takes %q at once, want %q", got, want)
	}
	speaker.Announce(cidr(shared), []uint32{65010, 7, 7, 7}, nil, true)
	clock.advance(time.Minute)
	if got := routerRoute(t, w, "lab", shared); got != want {
		t.Errorf("the router takes %q, want %q", got, want)
	}
}
