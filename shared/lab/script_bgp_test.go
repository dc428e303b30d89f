package lab

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
)

// routersFile is a scenario without groups or filters: a transit gateway with a VPN
// connection that speaks BGP and one that does not.
const routersFile = `name: routers
title: what routers do
duration: 10m
topology:
  account: "111122223333"
  region: us-west-2
  transitGateways:
    - {id: tgw-1, name: hub, tables: [{id: tgw-rtb-1, associated: [tgw-attach-1], propagated: [tgw-attach-1]}]}
  vpns:
    - {id: vpn-1, name: line, attachment: {id: tgw-attach-1, transitGateway: tgw-1}, site: dc, bgp: {}, tunnels: [{outsideIp: 203.0.113.11}]}
    - {id: vpn-2, attachment: {id: tgw-attach-2, transitGateway: tgw-1}, site: dc, tunnels: [{outsideIp: 203.0.113.21}]}
  sites:
    - {name: dc, networks: [10.20.0.0/16], asn: 65010, announces: [{prefix: 10.20.0.0/16}]}
    - {name: quiet, networks: [10.30.0.0/16]}
groups:
  - name: g
    paths: [{name: a, vpn: vpn-1}, {name: b, vpn: vpn-2}]
    units: [{entries: [{table: tgw-rtb-1, destination: 192.0.2.0/24, nextHops: {a: tgw-attach-1, b: tgw-attach-2}}]}]
script:
`

const allRouterSteps = `  - {at: 1m, do: announce, speaker: dc, prefix: 10.21.0.0/16, asPath: [7, 8], med: 0, nextHopSelf: true}
  - {at: 2m, do: announce, speaker: vpn-1, prefix: 10.22.0.0/16}
  - {at: 3m, do: router-route, site: dc, destination: 203.0.113.11/32, via: [internet]}
  - {at: 4m, do: bgp-down, vpn: vpn-1, tunnel: 203.0.113.11}
  - {at: 5m, do: bgp-up, vpn: vpn-1}
  - {at: 6m, do: withdraw, speaker: dc, prefix: 10.21.0.0/16}
  - {at: 7m, do: router-route, site: dc, destination: 203.0.113.11/32}
`

// TestScriptsOfRouters: each verb does what it says, and the timeline tells it.
func TestScriptsOfRouters(t *testing.T) {
	s, err := Parse([]byte(routersFile+allRouterSteps), "routers")
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(text, "again"); err != nil || !reflect.DeepEqual(again.Script, s.Script) {
		t.Errorf("written and read again the script is %+v, %v", again, err)
	}
	const own, first, second = "10.20.0.0/16", "10.21.0.0/16", "10.22.0.0/16"
	expect := func(at string, destination, learned string) {
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		s.Expect.Tables = append(s.Expect.Tables, TableExpectation{At: config.Duration(d), Table: "tgw-rtb-1", Destination: destination, Learned: learned})
	}
	const line = "tgw-attach-1"
	expect("30s", first, noRoute)
	expect("1m1s", own, line)
	expect("1m1s", first, line)
	expect("1m1s", second, noRoute)
	expect("2m1s", second, line)
	expect("4m45s", second, noRoute) // The hold time is over.
	expect("5m30s", second, line)
	expect("5m59s", first, line)
	expect("6m1s", first, noRoute)
	expect("6m1s", own, line)
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil || len(res.Failures) > 0 {
		t.Fatal(err, res.Failures)
	}
	for at, want := range map[string]string{"2m59s": "", "3m1s": "static 1 internet", "7m1s": ""} {
		if got := hostRouteAt(t, s, at); got != want {
			t.Errorf("at %s the host route is %q, want %q", at, got, want)
		}
	}
	says(t, Text(res, TextOptions{}),
		"dc announces 10.21.0.0/16 (AS_PATH 7 8, MED 0, next hop self)",
		"line announces 10.22.0.0/16\n",
		"router of dc: it has a static route 203.0.113.11/32 via internet",
		"line: BGP in tunnel 203.0.113.11 fails, while IPsec stays as it is",
		"line: BGP in all tunnels works again",
		"dc withdraws 10.21.0.0/16",
		"router of dc: its static route 203.0.113.11/32 is removed")
}

// hostRouteAt plays the steps until an instant, and returns the route of the router
// to the tunnel's outside address.
func hostRouteAt(t *testing.T, s *Scenario, instant string) string {
	t.Helper()
	at, err := time.ParseDuration(instant)
	if err != nil {
		t.Fatal(err)
	}
	rig, err := NewRig(Options{Topology: s.Topology, Config: s.Config})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	for _, step := range s.Script {
		if time.Duration(step.At) < at {
			if err := errors.Join(rig.RunUntil(Start().Add(time.Duration(step.At))), rig.Do(step)); err != nil {
				t.Fatal(err)
			}
		}
	}
	routes, err := rig.World.RouterRoutes("dc")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if r.Prefix.String() == "203.0.113.11/32" {
			return r.String()
		}
	}
	return ""
}

func TestScriptsOfRoutersAreChecked(t *testing.T) {
	for name, test := range map[string]struct{ step, want string }{
		"no session":      {"do: announce, speaker: quiet, prefix: 10.0.0.0/8", `script[0].speaker: "quiet" has no BGP session in the topology; write one of dc, vpn-1`},
		"static VPN":      {"do: bgp-down, vpn: vpn-2", `script[0].vpn: "vpn-2" is not a VPN connection with BGP in the topology; write one of vpn-1`},
		"tunnel":          {"do: bgp-up, vpn: vpn-1, tunnel: 203.0.113.21", `script[0].tunnel: "203.0.113.21" is not a tunnel of vpn-1; write one of 203.0.113.11`},
		"host bits":       {"do: announce, speaker: dc, prefix: 10.0.0.1/8", `script[0].prefix: "10.0.0.1/8" has host bits set; write 10.0.0.0/8`},
		"ASN":             {"do: announce, speaker: dc, prefix: 10.0.0.0/8, asPath: [0]", `script[0].asPath[0]: "0" is not an ASN; write a number from 1 to 4294967294`},
		"MED":             {"do: announce, speaker: dc, prefix: 10.0.0.0/8, med: -1", `script[0].med: "-1" is not a MED; write a number from 0 to 4294967295`},
		"not announced":   {"do: withdraw, speaker: dc, prefix: 10.9.0.0/16", `script[0].prefix: "10.9.0.0/16" is not announced by dc by then; write one of 10.20.0.0/16`},
		"by another name": {"do: withdraw, speaker: vpn-1, prefix: 10.20.0.0/16", `script[0].prefix: "10.20.0.0/16" is not announced by vpn-1 by then; there is none to choose from`},
		"way":             {"do: router-route, site: dc, destination: 0.0.0.0/0, via: [vpn-3]", `script[0].via[0]: "vpn-3" is no way out of site dc; write one of internet, vpn-1, vpn-2`},
		"site":            {"do: router-route, site: vpn-1, destination: 0.0.0.0/0", `script[0].site: "vpn-1" is not a site of the topology; write one of dc, quiet`},
		"useless":         {"do: withdraw, speaker: dc, prefix: 10.20.0.0/16, med: 1", `script[0].med: has no effect with do: withdraw; remove it`},
	} {
		_, err := Parse([]byte(routersFile+"  - {at: 1m, "+test.step+"}\n"), "s.yaml")
		if err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s:\n got %v\nwant %s", name, err, test.want)
		}
	}
}
