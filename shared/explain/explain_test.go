package explain_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/explain"
)

var update = flag.Bool("update", false, "write the golden files")

func read(t *testing.T, data string) config.Config {
	t.Helper()
	c, err := source.Read([]byte(data), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
	}
}

// TestExamples keeps the text for every example of the documentation.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("examples %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		c, err := source.Read(data, file)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+name+".txt", explain.Text(explain.Explain(c)))
	}
}

func TestJSON(t *testing.T) {
	data, err := os.ReadFile("../../docs/examples/appliance-pair.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(explain.Explain(read(t, string(data))), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/appliance-pair.json", string(text)+"\n")
}

func vpnGroup(c *config.Config, name string, destinations ...string) *config.Group {
	g := config.NewGroup()
	g.Name, g.Home = name, config.Home{Account: "111122223333", Region: "eu-central-1"}
	for i, path := range []string{"one", "two"} {
		p := config.NewPath()
		p.Name, p.VPN = path, "vpn-0"+strconv.Itoa(i)
		g.Paths = append(g.Paths, p)
	}
	unit := config.Unit{}
	for _, destination := range destinations {
		unit.Entries = append(unit.Entries, config.Entry{
			Table: "tgw-rtb-01", Destination: destination,
			NextHops: map[string]string{"one": "tgw-attach-0a", "two": "tgw-attach-0b"},
		})
	}
	g.Units = []config.Unit{unit}
	c.GroupList = append(c.GroupList, g)
	return &c.GroupList[len(c.GroupList)-1]
}

func explained(t *testing.T, c config.Config) explain.Explanation {
	t.Helper()
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatal(config.Problems(problems))
	}
	return explain.Explain(c)
}

// TestBounds: the bounds of a VPN path are the sums of the figures, and follow
// the sweep period and the hold-off.
func TestBounds(t *testing.T) {
	const s = config.Duration(time.Second)
	for _, test := range []struct{ sweep, holdOff, best, worst config.Duration }{
		{60 * s, 0, 30 * s, 160 * s},
		{60 * s, 20 * s, 50 * s, 180 * s},
		{300 * s, 0, 30 * s, 640 * s},
	} {
		c := config.New()
		c.Timers.SweepPeriod = test.sweep
		vpnGroup(&c, "g", "10.0.0.0/8").HoldOff = test.holdOff
		p := explained(t, c).Groups[0].Paths[0]
		if p.Best.After != test.best || p.Worst.After != test.worst || p.Worst.By != "sweep" {
			t.Errorf("sweep %s, hold-off %s: %+v, %+v", test.sweep, test.holdOff, p.Best, p.Worst)
		}
	}
}

// TestAVPNOnAVirtualPrivateGatewayHasNoEvent: none is described for it.
func TestAVPNOnAVirtualPrivateGatewayHasNoEvent(t *testing.T) {
	c := config.New()
	g := vpnGroup(&c, "g", "10.0.0.0/8")
	e := &g.Units[0].Entries[0]
	e.Table, e.NextHops = "rtb-01", map[string]string{"one": "vgw-01", "two": "tgw-01"}
	more := *e
	more.Table, more.Destination, more.NextHops = "rtb-02", "10.1.0.0/16", map[string]string{"one": "vgw-01", "two": "vgw-02"}
	g.Units[0].Entries = append(g.Units[0].Entries, more)
	paths := explained(t, c).Groups[0].Paths
	for i, want := range []bool{false, true} {
		found := false
		for _, way := range paths[i].Ways {
			found = found || strings.HasPrefix(way.Name, "Network Manager")
		}
		if found != want {
			t.Errorf("path %s: event %t", paths[i].Name, found)
		}
	}
}

// TestOverlapsAreInLongestPrefixOrder over groups, and say what is around each.
func TestOverlapsAreInLongestPrefixOrder(t *testing.T) {
	c := config.New()
	vpnGroup(&c, "a", "10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32", "10.2.0.0/16")
	vpnGroup(&c, "b", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "2001:db8:1::/48", "172.16.0.0/12", "pl-01")
	got := explained(t, c).Overlaps
	if len(got) != 1 || got[0].Table != "tgw-rtb-01" || strings.Join(got[0].Lists, "") != "pl-01" {
		t.Fatalf("got %+v", got)
	}
	var lines []string
	for _, r := range got[0].Routes {
		lines = append(lines, r.Group+" "+r.Destination+" in "+r.Inside)
	}
	const want = `b 10.1.2.0/24 in 10.1.0.0/16
b 10.1.0.0/16 in 10.0.0.0/8
a 10.2.0.0/16 in 10.0.0.0/8
a 192.168.0.0/16 in 0.0.0.0/0
b 172.16.0.0/12 in 0.0.0.0/0
a 10.0.0.0/8 in 0.0.0.0/0
b 0.0.0.0/0 in 
b 2001:db8:1::/48 in 2001:db8::/32
a 2001:db8::/32 in `
	if text := strings.Join(lines, "\n"); text != want {
		t.Errorf("got\n%s", text)
	}
}

func TestNoOverlap(t *testing.T) {
	c := config.New()
	vpnGroup(&c, "a", "10.0.0.0/9", "10.128.0.0/9", "2001:db8::/32")
	if got := explained(t, c).Overlaps; len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func adviceOf(e explain.Explanation, kind explain.AdviceKind) []explain.Advice {
	var out []explain.Advice
	for _, a := range e.Groups[0].Advice {
		if a.Kind == kind {
			out = append(out, a)
		}
	}
	return out
}

func TestAdvice(t *testing.T) {
	connect := func(c *config.Config) {
		g := vpnGroup(c, "g", "10.0.0.0/8", "10.1.0.0/16")
		for i := range g.Paths {
			name := g.Paths[i].Name
			g.Paths[i] = config.NewPathOf("connect")
			g.Paths[i].Name, g.Paths[i].Attachment = name, "tgw-attach-1"+strconv.Itoa(i)
			g.Paths[i].Peers = []string{"tgw-connect-peer-" + strconv.Itoa(i)}
		}
		for i := range g.Units[0].Entries {
			e := &g.Units[0].Entries[i]
			e.Table, e.NextHops = "rtb-01", map[string]string{"one": "tgw-0a", "two": "tgw-0a"}
		}
		g.Units[0].Entries[1].NextHops["two"] = "tgw-0b"
	}
	vpns := func(hops ...string) func(c *config.Config) {
		return func(c *config.Config) {
			e := &vpnGroup(c, "g", "10.1.0.0/16").Units[0].Entries[0]
			e.NextHops = map[string]string{"one": hops[0], "two": hops[1]}
			if !strings.HasPrefix(hops[0], "tgw-attach") && hops[0] != "blackhole" {
				e.Table = "rtb-01"
			}
		}
	}
	for name, test := range map[string]struct {
		build func(c *config.Config)
		kind  explain.AdviceKind
		// want is in the text of the one piece of advice; empty: there is none.
		want string
	}{
		"two VPNs in one gateway":      {vpns("tgw-attach-0a", "tgw-attach-0b"), explain.AdviceBGP, "10 s to 30 s (UNVERIFIED"},
		"nothing to choose":            {vpns("tgw-attach-0a", "blackhole"), explain.AdviceBGP, ""},
		"VPNs behind VPC tables":       {vpns("vgw-0a", "tgw-0a"), explain.AdviceBGP, ""},
		"shorter, in a gateway":        {vpns("tgw-attach-0a", "tgw-attach-0b"), explain.AdviceShorter, "such as 10.0.0.0/15 around 10.1.0.0/16 towards tgw-attach-0b, would take over by itself, only if the working route is propagated, not static, and is withdrawn"},
		"shorter, learned from a VGW":  {vpns("vgw-0a", "eni-0a"), explain.AdviceShorter, "only if the working route is propagated by the virtual private gateway"},
		"no shorter, static to a TGW":  {vpns("tgw-0a", "vgw-0a"), explain.AdviceShorter, ""},
		"no shorter than the default":  {func(c *config.Config) { vpnGroup(c, "g", "0.0.0.0/0") }, explain.AdviceShorter, ""},
		"no shorter than a list":       {func(c *config.Config) { vpnGroup(c, "g", "pl-01") }, explain.AdviceShorter, ""},
		"Connect behind one gateway":   {connect, explain.AdviceConnect, "BGP chooses between them"},
		"VPNs are no Connect":          {vpns("tgw-attach-0a", "tgw-attach-0b"), explain.AdviceConnect, ""},
		"one direction":                {func(c *config.Config) { vpnGroup(c, "g", "10.0.0.0/8").Units[0].Entries[0].Flow = "web" }, explain.AdviceOneWay, "Flow web has one entry only"},
		"both directions":              {func(c *config.Config) { both(vpnGroup(c, "g", "10.0.0.0/8", "10.1.0.0/16")) }, explain.AdviceOneWay, ""},
		"an attachment without checks": {func(c *config.Config) { attachment(vpnGroup(c, "g", "10.0.0.0/8")) }, explain.AdviceNoProof, "Path two has no check"},
		"a check that follows": {func(c *config.Config) {
			p := attachment(vpnGroup(c, "g", "10.0.0.0/8"))
			p.Checks = []config.PathCheck{{Alarm: "x", ActiveOnly: true}}
		}, explain.AdviceNoProof, "Path two has no check"},
		"a check that is pinned": {func(c *config.Config) {
			p := attachment(vpnGroup(c, "g", "10.0.0.0/8"))
			p.Checks = []config.PathCheck{{Alarm: "x", Pinned: "192.0.2.1", Via: "rtb-01"}}
		}, explain.AdviceNoProof, ""},
	} {
		c := config.New()
		test.build(&c)
		got := adviceOf(explained(t, c), test.kind)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.Contains(got[0].Text, test.want)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func both(g *config.Group) {
	for i := range g.Units[0].Entries {
		g.Units[0].Entries[i].Flow = "web"
	}
}

func attachment(g *config.Group) *config.Path {
	p := &g.Paths[1]
	*p = config.NewPathOf("attachment")
	p.Name, p.Attachment = "two", "tgw-attach-0b"
	return p
}

// TestTextIsBounded: a large group gets a short text, and the JSON has all.
func TestTextIsBounded(t *testing.T) {
	c := config.New()
	var destinations []string
	for i := range 1500 {
		destinations = append(destinations, "10."+strconv.Itoa(i/256)+"."+strconv.Itoa(i%256)+".0/24")
	}
	vpnGroup(&c, "g", destinations...)
	e := explained(t, c)
	text := explain.Text(e)
	if len(e.Groups[0].Moves[0].Entries) != 1500 || len(text) > 8000 || !strings.Contains(text, "and 1494 more") {
		t.Errorf("%d bytes of text:\n%.2000s", len(text), text)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 30 * time.Second: "30 s", 160 * time.Second: "2 min 40 s", time.Hour: "1 h",
		90 * time.Minute: "1 h 30 min", 1500 * time.Millisecond: "1.500 s", 20 * time.Millisecond: "20ms",
	} {
		if got := explain.Short(config.Duration(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestWhereTheEventsOfNetworkManagerComeTo: the way says it, and is none where
// nothing is listened to.
func TestWhereTheEventsOfNetworkManagerComeTo(t *testing.T) {
	for region, want := range map[string]string{
		"": "comes to account 444455556666 in us-west-2, ", "eu-west-1": "comes to account 444455556666 in eu-west-1, ", config.NoRegion: "",
	} {
		c := config.New()
		vpnGroup(&c, "g", "10.0.0.0/8")
		c.NetworkManager = config.NetworkManager{Account: "444455556666", Region: region}
		if region == config.NoRegion {
			c.NetworkManager.Account = ""
		}
		note := ""
		for _, way := range explained(t, c).Groups[0].Paths[0].Ways {
			if way.Name == "Network Manager Status Update" {
				note = way.Note
			}
		}
		if !strings.HasPrefix(note, want) || (note == "") != (want == "") {
			t.Errorf("%q: %q", region, note)
		}
	}
	c := config.New()
	vpnGroup(&c, "g", "10.0.0.0/8").Home.Region = "cn-north-1"
	if note := explained(t, c).Groups[0].Paths[0].Ways[1].Note; !strings.Contains(note, "a Region that networkManager has to name") {
		t.Error(note)
	}
}
