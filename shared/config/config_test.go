package config_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is the smallest valid configuration, with nothing set that has a
// default.
func sample() config.Config {
	c := config.New()
	c.GroupList = []config.Group{sampleGroup("branch", "10.1.0.0/16")}
	return c
}

func sampleGroup(name, destination string) config.Group {
	g := config.NewGroup()
	g.Name = name
	g.Home = config.Home{Account: "111122223333", Region: "eu-central-1"}
	for i, path := range []string{"primary", "backup"} {
		p := config.NewPath()
		p.Name, p.VPN = path, []string{"vpn-0a", "vpn-0b"}[i]
		g.Paths = append(g.Paths, p)
	}
	g.Units = []config.Unit{{Entries: []config.Entry{{
		Table:       "tgw-rtb-01",
		Destination: destination,
		NextHops:    map[string]string{"primary": "tgw-attach-0a", "backup": "tgw-attach-0b"},
	}}}}
	return g
}

func TestDefaultsGolden(t *testing.T) {
	const file = "testdata/defaults.json"
	got, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("normalized JSON changed; run with -update and look at the difference\ngot:\n%s", got)
	}
}

func TestJSONIsStable(t *testing.T) {
	first, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		again, err := sample().JSON()
		if err != nil || string(again) != string(first) {
			t.Fatalf("JSON differs between runs: %v", err)
		}
	}
}

func TestParseReadsWhatJSONWrites(t *testing.T) {
	c := sample()
	c.Never.Destinations = []string{"2001:DB8:0::/32"}
	c.GroupList[0].Revertive, c.GroupList[0].WaitToRestore = true, config.Duration(90*time.Second)
	data, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, c.Normalize()) {
		t.Errorf("got %+v\nwant %+v", parsed, c.Normalize())
	}
	if !reflect.DeepEqual(parsed.Normalize(), parsed) {
		t.Error("normalizing twice changes the configuration")
	}
}

func TestNormalizeSharesNothing(t *testing.T) {
	c := sample()
	n := c.Normalize()
	n.GroupList[0].Units[0].Entries[0].NextHops["primary"] = "changed"
	n.GroupList[0].Paths[0].Name = "changed"
	if !reflect.DeepEqual(c, sample()) {
		t.Error("changing the normalized configuration changed its origin")
	}
}

func TestParseFillsInWhatIsMissing(t *testing.T) {
	got, err := config.Parse([]byte(`{"version":1,"groups":[{"name":"branch","home":{"account":"111122223333","region":"eu-central-1"},
		"paths":[{"name":"primary","vpn":"vpn-0a"},{"name":"backup","vpn":"vpn-0b"}],
		"units":[{"entries":[{"table":"tgw-rtb-01","destination":"10.1.0.0/16","nextHops":{"primary":"tgw-attach-0a","backup":"tgw-attach-0b"}}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sample().Normalize()) {
		t.Errorf("got %+v", got)
	}
}

func TestParseIsStrict(t *testing.T) {
	data, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	const start = "read normalized configuration: "
	for name, test := range map[string]struct{ old, replacement, want string }{
		"unknown":  {`"mode":`, `"moed":"x","mode":`, start + "groups[0].moed: unknown field; remove it"},
		"case":     {`"mode":`, `"Mode":`, start + "groups[0].Mode: unknown field; remove it"},
		"twice":    {`"mode":`, `"mode":"observe","mode":`, start + "groups[0].mode: the field stands twice; remove one"},
		"null":     {`"mode": "observe"`, `"mode":null`, start + "groups[0].mode: null is no value; write a value or leave the field out"},
		"duration": {`"5m"`, `300`, start + "json: cannot unmarshal number into Go struct field Limits.limits.window of type config.Duration"},
		"unit":     {`"5m"`, `"300"`, start + `"300" is not a duration; write for example 90s, 10m or 1h30m`},
		"trailing": {`{`, `{}{`, start + "invalid character '{' after top-level value"},
		"version":  {`"version": 1,`, ``, "version: missing; write version: 1"},
		"rules":    {`"observe"`, `"on"`, `groups[0].mode: "on" is not a mode; write observe or enforce`},
	} {
		_, err := config.Parse([]byte(strings.Replace(string(data), test.old, test.replacement, 1)))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: got %v\nwant %s", name, err, test.want)
		}
	}
	for _, text := range []string{"", "null", "[]", "{}", strings.Repeat("[", 20000)} {
		if _, err := config.Parse([]byte(text)); err == nil {
			t.Errorf("Parse accepts %.20q", text)
		}
	}
}

func TestGroups(t *testing.T) {
	c := sample()
	late, early := sampleGroup("late", "10.2.0.0/16"), sampleGroup("early", "10.3.0.0/16")
	late.Priority, early.Priority = 5, -1
	early.HoldOff = config.Duration(30 * time.Second)
	early.Paths[1].MinAcceptedRoutes = 4
	early.Units[0].Entries[0].Table, early.Units[0].Entries[0].Region = "rtb-01", "us-gov-west-1"
	early.Units[0].Entries[0].NextHops = map[string]string{"primary": "tgw-01", "backup": "eni-01"}
	early.Failback = config.Failback{Soak: config.Duration(30 * time.Second), Batch: 4, Samples: []config.Sample{{From: "rtb-01", To: "10.3.0.7"}}}
	c.GroupList = []config.Group{late, c.GroupList[0], sampleGroup("another", "10.4.0.0/16"), early}
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatal(config.Problems(problems))
	}
	groups := c.Groups()
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	if want := []string{"early", "another", "branch", "late"}; !reflect.DeepEqual(names, want) {
		t.Errorf("order %v, want %v", names, want)
	}
	want := protection.Group{
		Name: "early", Account: "111122223333", Region: "eu-central-1", Mode: protection.Observe, Priority: -1,
		WaitToRestore: 10 * time.Minute,
		Limits:        protection.Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute, IgnoreHealthFor: time.Hour},
		Failback: protection.FailbackSettings{
			Stability: 10 * time.Minute, Soak: 30 * time.Second, ApprovalTimeout: time.Hour, Batch: 4,
			Samples: []protection.Sample{{Table: route.Table{Kind: route.VPCTable, ID: "rtb-01", Account: "111122223333", Region: "us-gov-west-1"}, Address: "10.3.0.7"}},
		},
		Paths: []protection.Path{{Name: "primary", Spec: wantSpec("vpn-0a", 0)}, {Name: "backup", Spec: wantSpec("vpn-0b", 4)}},
		Units: []protection.Unit{{Name: "unit-1", Entries: []protection.Entry{{
			EntryKey: protection.EntryKey{
				Table:       route.Table{Kind: route.VPCTable, ID: "rtb-01", Account: "111122223333", Region: "us-gov-west-1"},
				Destination: route.MustDestination("10.3.0.0/16"),
			},
			NextHops: []protection.PathNextHop{
				{Path: "primary", NextHop: route.MustNextHop("tgw-01")},
				{Path: "backup", NextHop: route.MustNextHop("eni-01")},
			},
		}}}},
	}
	if !reflect.DeepEqual(groups[0], want) {
		t.Errorf("got %+v\nwant %+v", groups[0], want)
	}
}

func wantSpec(vpn string, accepted int) health.Spec {
	return health.Spec{
		Kind:    health.KindVPN,
		Subject: health.Subject{Kind: health.SubjectVPN, ID: vpn, Account: "111122223333", Region: "eu-central-1"},
		Tunnels: 2, MinTunnels: 1, MinAcceptedRoutes: accepted, HoldOff: 30 * time.Second, MaxAge: 3 * time.Minute,
		Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
	}
}

func TestMaxMoves(t *testing.T) {
	for _, test := range []struct{ groups, given, want int }{{0, 0, 10}, {40, 0, 10}, {41, 0, 11}, {400, 0, 100}, {400, 7, 7}} {
		c := config.New()
		c.GroupList, c.Limits.MaxMoves = make([]config.Group, test.groups), test.given
		if got := c.MaxMoves(); got != test.want || c.Normalize().Limits.MaxMoves != test.want {
			t.Errorf("%d groups, maxMoves %d: got %d, want %d", test.groups, test.given, got, test.want)
		}
	}
}

func TestNeverTouch(t *testing.T) {
	c := sample()
	c.Never = config.Never{Tables: []string{"rtb-09"}, Destinations: []string{"192.0.2.0/24"}}
	tables, destinations := c.NeverTouch()
	if !reflect.DeepEqual(tables, []string{"rtb-09"}) || !reflect.DeepEqual(destinations, []route.Destination{route.MustDestination("192.0.2.0/24")}) {
		t.Errorf("got %v, %v", tables, destinations)
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s", -time.Minute: "-1m", 100 * time.Second: "1m40s",
	} {
		var back config.Duration
		text, err := json.Marshal(config.Duration(d))
		if err != nil || string(text) != `"`+want+`"` {
			t.Errorf("%v: got %s, %v; want %q", d, text, err, want)
		}
		if err := json.Unmarshal(text, &back); err != nil || time.Duration(back) != d {
			t.Errorf("%s reads back as %v, %v", text, back, err)
		}
	}
}
