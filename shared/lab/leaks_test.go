package lab

import (
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

// swingsOf counts how often AWS found a tunnel of the connection to go down within a
// part of the run.
func swingsOf(res *Result, vpn string, from, to time.Duration) int {
	n := 0
	for _, c := range res.Rig.World.TunnelHistory() {
		after := c.At.Sub(Start())
		if c.VPN == vpn && c.Kind == sim.TunnelTruth && !c.Up && after >= from && after < to {
			n++
		}
	}
	return n
}

// TestALeakThatNobodyTakesOutGoesOn: what the filter prevents happens for as long as it
// only observes, and it says what it would do.
func TestALeakThatNobodyTakesOutGoesOn(t *testing.T) {
	const lyon = "vpn-0e100000000000002"
	s, err := Find("leaked-default-blackholed")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const leak, soon, end = 3 * time.Minute, 4 * time.Minute, 12 * time.Minute
	if n := swingsOf(res, lyon, leak, soon); n != 2 {
		t.Errorf("%d tunnels died of the leak, want both", n)
	}
	if n := swingsOf(res, lyon, soon, 25*time.Minute); n != 0 {
		t.Errorf("%d tunnels died after the blackhole stood", n)
	}
	says(t, Text(res, TextOptions{}),
		"berlin-office announces 0.0.0.0/0",
		"hub table 1 learns 0.0.0.0/0 from berlin",
		"lyon: 2 tunnels (203.0.113.21 and 203.0.113.22) die",
		"sends 1 event: routes installed, hub table 1 0.0.0.0/0",
		"filter no-default puts a blackhole on 0.0.0.0/0 in hub table 1: the rules deny it (denied); announced by berlin; at risk: 10.2.0.0/16 and 172.30.0.0/16; tunnels at risk: ",
		"to change: the announcer should not announce it; to change: whoever hears it should have a host route to each end of its tunnels",
		"writes hub table 1 0.0.0.0/0: none -> blackhole",
		"berlin-office withdraws 0.0.0.0/0",
		"hub table 2 loses 0.0.0.0/0, learned from berlin",
		"leaves its measure on 0.0.0.0/0 in hub table 1 in force: it is announced no more (gone); looks again at +17:0",
		"ends its measure on 0.0.0.0/0 in hub table 1: it has been gone for long enough (lifted)",
		"writes hub table 1 0.0.0.0/0: blackhole -> none")

	s, _ = Find("leaked-default-blackholed")
	s.Config.FilterList[0].Mode = "observe"
	s.Expect = Expect{}
	if res, err = Play(t.Context(), s, PlayOptions{}); err != nil || len(res.Violations) > 0 {
		t.Fatal(err, res.Violations)
	}
	if n := swingsOf(res, lyon, soon, end); n < 8 {
		t.Errorf("%d tunnels died while the leak went on, want a loop", n)
	}
	if n := swingsOf(res, lyon, end+time.Minute, 25*time.Minute); n != 0 {
		t.Errorf("%d tunnels died after the leak", n)
	}
	text := Text(res, TextOptions{})
	says(t, text, "only observes: filter no-default puts a blackhole on 0.0.0.0/0 in hub table 1: the rules deny it (denied); announced by berlin")
	if strings.Contains(text, "-> blackhole") || strings.Count(text, "only observes: ") > 3 {
		t.Errorf("a filter that observes wrote, or says the same again and again:\n%s", text)
	}
}

// TestAQuarantineOutOfOrderIsSeen: the checkers see it if the propagation goes before
// the statics stand.
func TestAQuarantineOutOfOrderIsSeen(t *testing.T) {
	s, err := Find("leaked-prefixes-quarantined")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil || len(res.Violations) > 0 {
		t.Fatal(err, res.Violations)
	}
	// As if the second static had been created too late.
	id := entryID{"tgw-rtb-0e300000000000001", "10.50.2.0/24"}
	var off time.Time
	for _, c := range res.ledger.calls {
		if strings.HasPrefix(c.Action, "Disable") {
			off = c.EffectAt
		}
	}
	line := res.ledger.shown[id]
	for i, r := range line {
		if !r.learned && r.active && r.at.Before(off) {
			line[i].active, line[i].at = false, off
		}
	}
	if got := res.ledger.checkPermitted(Checks{}); len(got) != 1 || !strings.Contains(got[0].Text, "10.50.2.0/24 away by DisableTransitGatewayRouteTablePropagation") {
		t.Errorf("violations %v", got)
	}
}

// TestReferencesOfFilters: what a filter names is in the topology.
func TestReferencesOfFilters(t *testing.T) {
	const filters = `filters:
  - name: f
    tables: [tgw-rtb-1]
    rules: [deny default-like]
    action: blackhole
    observation: {tgw-attach-1: tgw-rtb-9}
expect:
  tables:
    - {at: 1m, table: tgw-rtb-1, destination: 0.0.0.0/0, target: none, learned: none}
    - {at: 1m, table: tgw-rtb-1, destination: 0.0.0.0/0, learned: tgw-attach-9}
    - {at: 1m, table: tgw-rtb-1, destination: 0.0.0.0/0}
`
	head, _, _ := strings.Cut(routersFile, "groups:\n")
	_, err := Parse([]byte(head+filters), "s.yaml")
	if err == nil {
		t.Fatal("no problem is found")
	}
	for _, want := range []string{
		`filters[0].observation.tgw-attach-1: "tgw-rtb-9" is not in the topology; write one of tgw-rtb-1`,
		`expect.tables[0].learned: "none" stands beside target; write target for the static route, or learned for the one that is learned`,
		`expect.tables[1].learned: "tgw-attach-9" is not in the topology; write one of none, blackhole, tgw-1, tgw-attach-1, tgw-attach-2`,
		`expect.tables[2].target: missing; write one of none, blackhole, tgw-1, tgw-attach-1, tgw-attach-2`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if n := strings.Count(err.Error(), "\n"); n != 3 {
		t.Errorf("%d problems: %v", n+1, err)
	}
}

// TestALeakOnAGatewayHasAName: the log says over which connection it came, and the
// finding names its customer gateway.
func TestALeakOnAGatewayHasAName(t *testing.T) {
	s, err := Find("leaked-default-pinned-on-a-gateway")
	if err != nil {
		t.Fatal(err)
	}
	res, err := Play(t.Context(), s, PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	says(t, Text(res, TextOptions{}), "filter own-default pins 0.0.0.0/0 in apps table 1: the rules deny it (denied); announced by door; over partner (cgw-0e200000000000002); tunnels at risk: ")
}
