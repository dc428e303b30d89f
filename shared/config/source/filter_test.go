package source_test

import (
	"slices"
	"strings"
	"testing"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// filters is a good file with a filter of each action; the tests below break it.
const filters = `version: 1
home: {account: 111122223333, region: eu-central-1}
neverTouch: {tables: [tgw-rtb-never], destinations: [192.0.2.0/24]}
tables:
  - {name: core, id: tgw-rtb-c0}
  - {name: remote, id: tgw-rtb-re, account: 444455556666, region: eu-west-1}
groups:
  - name: site
    paths:
      - {name: left, kind: connect, attachment: tgw-attach-co, peers: [tgw-connect-peer-01]}
      - {name: right, vpn: vpn-01}
    units:
      - entries:
          - {table: rtb-v0, destination: 10.3.0.0/16, nextHops: {left: tgw-01, right: vgw-01}}
          - {table: core, destination: 10.4.0.0/16, nextHops: {left: tgw-attach-01, right: tgw-attach-02}}
filters:
  - name: holes
    tables: [core]
    rules: [permit 10.4.0.0/16, deny default-like, deny 10.0.0.0/8 le 24, deny 172.16.0.0/12]
    action: blackhole
    preset: true
    observation: {tgw-attach-01: tgw-rtb-o1}
  - name: pins
    mode: enforce
    tables: [rtb-v1, remote]
    rules: [deny 0.0.0.0/0]
    action: pin
    egress: {rtb-v1: eni-01, remote: tgw-attach-e1}
    liftAfter: 10m
  - name: cordon
    tables: [tgw-rtb-c1]
    attachments: [tgw-attach-02]
    rules: [deny default-like]
    maxPrefixes: 100
    action: quarantine
    observation: {tgw-attach-02: tgw-rtb-o2}
  - name: watch
    tables: [core, rtb-v0]
    attachments: [tgw-attach-01, vgw-01]
    maxPrefixes: 50
    action: alert
`

func TestFiltersAreRead(t *testing.T) {
	c, err := source.Read([]byte(filters), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Filters(); len(got) != 4 || got[0].Name != "cordon" || got[2].Scopes[0].Egress.ID != "tgw-attach-e1" || got[2].Scopes[0].Table.Account != "444455556666" {
		t.Errorf("%+v", got)
	}
}

// TestFilterProblems: each limit that the file alone shows, where it stands.
func TestFilterProblems(t *testing.T) {
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"name twice":                   {"name: pins", "name: holes", "23:11: filters[1].name: \"holes\" is the name of another filter too, filters[0]"},
		"no mode":                      {"mode: enforce", "mode: on", "24:11: filters[1].mode: \"on\" is not a mode"},
		"no home":                      {"home: {account: 111122223333, region: eu-central-1}\n", "home: {account: 111122223333}\n", "filters[0].home.region: missing"},
		"no tables":                    {"[tgw-rtb-c1]", "[]", "31:13: filters[2].tables: missing"},
		"table twice":                  {"[tgw-rtb-c1]", "[tgw-rtb-c1, tgw-rtb-c1]", "31:26: filters[2].tables[1]: \"tgw-rtb-c1\" is listed twice"},
		"an unknown table":             {"[tgw-rtb-c1]", "[cor]", "31:14: filters[2].tables[0]: \"cor\" is neither a route table id nor a name"},
		"never touch":                  {"[tgw-rtb-c1]", "[tgw-rtb-never]", "31:14: filters[2].tables[0]: \"tgw-rtb-never\" is listed at neverTouch.tables[0]"},
		"two filters that write":       {"[tgw-rtb-c1]", "[core]", "31:14: filters[2].tables[0]: \"tgw-rtb-c0\" is a table of filter \"holes\" too"},
		"another owner":                {"tables: [core, rtb-v0]", "tables: [core, rtb-v0]\n    home: {account: 444455556666, region: eu-west-1}", "38:20: filters[3].tables[1]: \"rtb-v0\" is declared in account 111122223333, Region eu-central-1, at groups[0].units[0].entries[0]"},
		"blackhole in a VPC table":     {"tables: [core]\n", "tables: [rtb-v2]\n", "18:14: filters[0].tables[0]: \"rtb-v2\" is a VPC route table, which has no blackhole"},
		"quarantine in a VPC table":    {"[tgw-rtb-c1]", "[rtb-v2]", "31:14: filters[2].tables[0]: \"rtb-v2\" is a VPC route table, and a virtual private gateway"},
		"an attachment of no kind":     {"attachments: [tgw-attach-02]", "attachments: [vpn-01]", "32:19: filters[2].attachments[0]: \"vpn-01\" is neither"},
		"an attachment twice":          {"[tgw-attach-01, vgw-01]", "[tgw-attach-01, vgw-01, vgw-01]", "39:42: filters[3].attachments[2]: \"vgw-01\" is listed twice"},
		"an attachment for no table":   {"attachments: [tgw-attach-02]", "attachments: [tgw-attach-02, vgw-02]", "32:34: filters[2].attachments[1]: \"vgw-02\" teaches none"},
		"a table for no attachment":    {"[tgw-attach-01, vgw-01]", "[tgw-attach-01]", "38:20: filters[3].tables[1]: \"rtb-v0\" is taught by none"},
		"no rule denies":               {"rules: [deny 0.0.0.0/0]", "rules: [permit 0.0.0.0/0]", "26:12: filters[1].rules: no rule denies anything"},
		"a bad rule":                   {"rules: [deny 0.0.0.0/0]", "rules: [deny 0.0.0.0/0 le 40]", "26:13: filters[1].rules[0]: \"deny 0.0.0.0/0 le 40\" has le 40, which is no length of a block in 0.0.0.0/0; write a number from 1 to 32"},
		"a rule twice":                 {"rules: [deny 0.0.0.0/0]", "rules: [deny 0.0.0.0/0, permit  0.0.0.0/0]", "26:29: filters[1].rules[1]: \"permit 0.0.0.0/0\" never decides"},
		"no action":                    {"action: quarantine", "action: stop", "35:13: filters[2].action: \"stop\" is not an action"},
		"bound of single destinations": {"action: pin", "action: pin\n    maxPrefixes: 9", "28:18: filters[1].maxPrefixes: \"9\" has no effect with action pin"},
		"negative bound":               {"maxPrefixes: 50", "maxPrefixes: -1", "40:18: filters[3].maxPrefixes: \"-1\" is negative"},
		"egress without pin":           {"action: alert", "action: alert\n    egress: {core: tgw-attach-e1}", "42:13: filters[3].egress: has no effect with action alert"},
		"no egress":                    {", remote: tgw-attach-e1", "", "28:13: filters[1].egress: no egress for table tgw-rtb-re"},
		"egress of another table":      {"egress: {rtb-v1: eni-01", "egress: {rtb-v7: eni-07, rtb-v1: eni-01", "28:22: filters[1].egress.rtb-v7: \"rtb-v7\" is not a table of the filter"},
		"egress of the wrong kind":     {"rtb-v1: eni-01", "rtb-v1: tgw-attach-01", "28:22: filters[1].egress.rtb-v1: \"tgw-attach-01\" is a target (transit-gateway-attachment) that a VPC route table cannot have"},
		"egress under a name":          {"remote: tgw-attach-e1", "remote: eni-01", "28:38: filters[1].egress.remote: \"eni-01\" is a target"},
		"egress is a Connect":          {"remote: tgw-attach-e1", "remote: tgw-attach-co", "is the Connect attachment of groups[0].paths[0]"},
		"egress is a blackhole":        {"remote: tgw-attach-e1", "remote: blackhole", "leads nowhere; write action: blackhole"},
		"egress is learned":            {"remote: tgw-attach-e1", "remote: propagated:tgw-attach-e1", "is a learned route, and a pin is a static one"},
		"egress is denied":             {"rules: [deny 0.0.0.0/0]", "rules: [deny 0.0.0.0/0]\n    attachments: [vgw-09, tgw-attach-e1]", "29:38: filters[1].egress.remote: \"tgw-attach-e1\" is an attachment whose routes are denied"},
		"egress of the other family":   {"rtb-v1: eni-01", "rtb-v1: eigw-01", "26:13: filters[1].rules[0]: \"deny 0.0.0.0/0\" cannot be pinned to eigw-01"},
		"preset without a route":       {"action: alert", "action: alert\n    preset: true", "42:13: filters[3].preset: \"true\" has no effect with action alert"},
		"preset of ranges":             {"[permit 10.4.0.0/16, deny default-like, deny 10.0.0.0/8 le 24, deny 172.16.0.0/12]", "[permit 10.4.0.0/16, deny 10.0.0.0/8 le 24]", "21:13: filters[0].preset: \"true\" has no effect, since no rule denies a block by name"},
		"preset of IPv6 on a VGW":      {"tables: [rtb-v1, remote]\n    rules: [deny 0.0.0.0/0]\n    action: pin\n    egress: {rtb-v1: eni-01, remote: tgw-attach-e1}", "tables: [rtb-v1]\n    rules: [deny ::/0]\n    action: pin\n    preset: true\n    egress: {rtb-v1: eni-01}", "26:13: filters[1].rules[0]: \"deny ::/0\" cannot be preset in a VPC table, since the VPN connections of a virtual private gateway carry no IPv6"},
		"denied and never touched":     {"rules: [deny 0.0.0.0/0]", "rules: [deny 192.0.2.0/25]", "26:13: filters[1].rules[0]: \"deny 192.0.2.0/25\" denies 192.0.2.0/25, which lies in 192.0.2.0/24, listed at neverTouch.destinations[0]"},
		"no time":                      {"liftAfter: 10m", "liftAfter: 0s", "29:16: filters[1].liftAfter: \"0s\" is no time at all"},
		"loss of nothing":              {"action: alert", "action: alert\n    acceptLoss: true", "42:17: filters[3].acceptLoss: \"true\" has no effect"},
		"quarantine of whoever":        {"    attachments: [tgw-attach-02]\n", "", "filters[2].attachments: missing, and a quarantine has to follow"},
		"quarantine unobserved":        {"attachments: [tgw-attach-02]", "attachments: [tgw-attach-02, tgw-attach-03]", "32:34: filters[2].attachments[1]: \"tgw-attach-03\" has no table under observation"},
		"quarantine of a Connect":      {"attachments: [tgw-attach-02]\n    rules: [deny default-like]\n    maxPrefixes: 100\n    action: quarantine\n    observation: {tgw-attach-02:", "attachments: [tgw-attach-co]\n    rules: [deny default-like]\n    action: quarantine\n    observation: {tgw-attach-co:", "32:19: filters[2].attachments[0]: \"tgw-attach-co\" is the Connect attachment of groups[0].paths[0]"},
		"observation of an alert":      {"action: alert", "action: alert\n    observation: {tgw-attach-01: tgw-rtb-o3}", "42:18: filters[3].observation: has no effect here"},
		"observation of a VPN":         {"{tgw-attach-01: tgw-rtb-o1}", "{vpn-01: tgw-rtb-o1}", "22:27: filters[0].observation.vpn-01: \"vpn-01\" is not a transit gateway attachment"},
		"observation in a VPC":         {"{tgw-attach-01: tgw-rtb-o1}", "{tgw-attach-01: rtb-o1}", "22:34: filters[0].observation.tgw-attach-01: \"rtb-o1\" is a VPC route table"},
		"observation of a stranger":    {"{tgw-attach-02: tgw-rtb-o2}", "{tgw-attach-02: tgw-rtb-o2, tgw-attach-03: tgw-rtb-o3}", "36:61: filters[2].observation.tgw-attach-03: \"tgw-attach-03\" is not an attachment of the filter"},
		"observation that is filtered": {"{tgw-attach-01: tgw-rtb-o1}", "{tgw-attach-01: remote}", "22:34: filters[0].observation.tgw-attach-01: \"tgw-rtb-re\" is filtered, filters[1].tables[1]"},
		"observation with entries":     {"{tgw-attach-02: tgw-rtb-o2}", "{tgw-attach-02: core}", "is filtered"},
		"observation of two":           {"{tgw-attach-02: tgw-rtb-o2}", "{tgw-attach-02: tgw-rtb-o1}", "36:34: filters[2].observation.tgw-attach-02: \"tgw-rtb-o1\" is the observation table of another attachment too, tgw-attach-01 (filters[0].observation.tgw-attach-01)"},
		"what a group moves":           {"permit 10.4.0.0/16, ", "", "19:32: filters[0].rules[1]: \"deny 10.0.0.0/8 le 24\" denies 10.4.0.0/16 in table tgw-rtb-c0, where a group moves it, groups[0].units[0].entries[1]"},
		"log group by its ARN":         {"action: alert", "action: alert\n    bgpLogGroups: [\"arn:aws:logs:eu-central-1:111122223333:log-group:vpn\"]", "42:20: filters[3].bgpLogGroups[0]: \"arn:aws:logs:eu-central-1:111122223333:log-group:vpn\" is an ARN; write the name"},
		"log group with a blank":       {"action: alert", "action: alert\n    bgpLogGroups: [/vpn/bgp, vpn bgp]", "42:30: filters[3].bgpLogGroups[1]: \"vpn bgp\" is not the name of a log group, which has 1 to 512 letters"},
		"log group twice":              {"action: alert", "action: alert\n    bgpLogGroups: [/vpn/bgp, /vpn/bgp]", "42:30: filters[3].bgpLogGroups[1]: \"/vpn/bgp\" is listed twice, first at filters[3].bgpLogGroups[0]"},
		"an unknown key":               {"action: alert", "actoin: alert", "41:5: filters[3].actoin: unknown key; did you mean action?"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(filters, tt.old) {
				t.Fatalf("%q is not in the file", tt.old)
			}
			_, err := source.Read([]byte(strings.Replace(filters, tt.old, tt.replacement, 1)), "f.yaml")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

// TestFiltersAlone: a file may have filters and no groups.
func TestFiltersAlone(t *testing.T) {
	const text = "version: 1\nhome: {account: 111122223333, region: eu-central-1}\nfilters:\n  - {name: f, tables: [tgw-rtb-1], rules: [deny default-like], action: blackhole}\n"
	c, err := source.Read([]byte(text), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c.NetworkManager.Account != "111122223333" || c.NetworkManager.Region != "us-west-2" {
		t.Errorf("%+v", c.NetworkManager)
	}
}

// TestGroupsBehindFilters: which groups send traffic over what is learned.
func TestGroupsBehindFilters(t *testing.T) {
	const text = `version: 1
home: {account: 111122223333, region: eu-central-1}
groups:
  - name: hub
    paths:
      - {name: learned, vpn: vpn-01, observation: tgw-rtb-o1}
      - {name: fixed, vpn: vpn-02}
    units: [{entries: [{table: tgw-rtb-1, destination: 10.1.0.0/16, nextHops: {learned: "propagated:tgw-attach-01", fixed: tgw-attach-02}}]}]
  - name: spoke
    paths:
      - {name: near, kind: connect, attachment: tgw-attach-03, peers: [tgw-connect-peer-01]}
      - {name: far, vpn: vpn-04}
    units: [{entries: [{table: rtb-1, destination: 10.2.0.0/16, nextHops: {near: tgw-01, far: vgw-01}}]}]
filters:
  - {name: f, tables: [tgw-rtb-1], attachments: [tgw-attach-01], rules: [deny default-like], action: quarantine, acceptLoss: true}
`
	c, err := source.Read([]byte(text), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f := c.Filters()[0]
	want := []filter.GroupUse{
		{Group: "hub", Path: "learned", Attachment: "tgw-attach-01", Table: f.Scopes[0].Table},
		{Group: "spoke", Path: "near", Attachment: "tgw-attach-03"},
	}
	if !slices.Equal(f.Groups, want) {
		t.Errorf("%+v, want %+v", f.Groups, want)
	}
	if declared := []protection.EntryKey{{Table: f.Scopes[0].Table, Destination: route.MustDestination("10.1.0.0/16")}}; !slices.Equal(f.Declared, declared) {
		t.Errorf("%+v, want %+v", f.Declared, declared)
	}
	_, err = source.Read([]byte(strings.Replace(text, "acceptLoss: true", "observation: {tgw-attach-01: tgw-rtb-o1}", 1)), "f.yaml")
	if err == nil || !strings.Contains(err.Error(), `filters[0].tables[0]: "tgw-rtb-1" has the route to 10.1.0.0/16 by which path "learned" of group "hub" goes, learned from tgw-attach-01`) {
		t.Errorf("a quarantine of what a group has learned: %v", err)
	}
}

// TestNormalizedFiltersStayTheSame.
func TestNormalizedFiltersStayTheSame(t *testing.T) {
	c, err := source.Read([]byte(filters), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := config.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := back.JSON(); err != nil || string(second) != string(first) {
		t.Errorf("%v\n%s\n%s", err, first, second)
	}
	if !strings.Contains(string(first), `"tgw-rtb-re": "tgw-attach-e1"`) || strings.Contains(string(first), `"core"\n`) {
		t.Errorf("%s", first)
	}
}
