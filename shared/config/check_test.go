package config_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
)

type rule struct {
	name   string
	change func(c *config.Config)
	want   string
}

func entry(c *config.Config) *config.Entry { return &c.GroupList[0].Units[0].Entries[0] }
func group(c *config.Config) *config.Group { return &c.GroupList[0] }

const (
	g0 = "groups[0]"
	e0 = "groups[0].units[0].entries[0]"
)

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		c := sample()
		r.change(&c)
		if got := config.Problems(config.Check(c)).Error(); got != r.want {
			t.Errorf("%s:\n got %s\nwant %s", r.name, got, r.want)
		}
	}
}

func TestSampleHasNoProblems(t *testing.T) {
	checkRules(t, []rule{{"sample", func(*config.Config) {}, ""}})
}

func TestRulesOfConstants(t *testing.T) {
	const s = config.Duration(time.Second)
	checkRules(t, []rule{
		{"version", func(c *config.Config) { c.Version = 2 }, `version: "2" is not a version that this Detour reads; write 1`},
		{"no version", func(c *config.Config) { c.Version = 0 }, `version: missing; write version: 1`},
		{"no groups", func(c *config.Config) { c.GroupList = nil }, `groups: missing; declare at least one group or filter`},
		{"moves", func(c *config.Config) { c.Limits.MaxMoves = -1 }, `limits.maxMoves: "-1" is negative; write a number of groups, or 0 for the larger of 10 and a quarter of all groups`},
		{"window", func(c *config.Config) { c.Limits.Window = 0 }, `limits.window: "0s" is no time at all; write a duration above zero, such as 5m`},
		{"negative", func(c *config.Config) { c.Timers.SweepPeriod = -s }, `timers.sweepPeriod: "-1s" is negative; write a duration such as 60s`},
		{"too long", func(c *config.Config) { c.Timers.MaxFactAge = 721 * 3600 * s }, `timers.maxFactAge: "721h" is longer than 720h; write a duration such as 3m`},
		{"skew may be 0", func(c *config.Config) { c.Timers.ClockSkew = 0 }, ``},
		{"skew", func(c *config.Config) { c.Timers.ClockSkew = -s }, `timers.clockSkew: "-1s" is negative; write a duration such as 2s`},
		{"call", func(c *config.Config) { c.Timers.CallTimeout = 0 }, `timers.callTimeout: "0s" is no time at all; write a duration above zero, such as 5s`},
		{"lease", func(c *config.Config) { c.Timers.Lease = 14 * s }, `timers.lease: "14s" is not longer than twice callTimeout plus clockSkew (14s); write more than 14s, or shorten callTimeout`},
		{"lease fits", func(c *config.Config) { c.Timers.Lease = 15 * s }, ``},
		{"no lease", func(c *config.Config) { c.Timers.Lease = 0 }, `timers.lease: "0s" is no time at all; write a duration above zero, such as 20s`},
		{"settle may be 0", func(c *config.Config) { c.Timers.SettleTime = 0 }, ``},
		{"contended after", func(c *config.Config) { c.Timers.ContendedAfter = 0 }, `timers.contendedAfter: "0" is below 1; write a number of reversals, such as 3`},
		{"contended window", func(c *config.Config) { c.Timers.ContendedWindow = 0 }, `timers.contendedWindow: "0s" is no time at all; write a duration above zero, such as 10m`},
		{"ignore health", func(c *config.Config) { c.Timers.IgnoreHealthFor = -s }, `timers.ignoreHealthFor: "-1s" is negative; write a duration such as 1h`},
		{"no damping", func(c *config.Config) { c.Timers.Damping.Penalty = 0 }, ``},
		{"penalty", func(c *config.Config) { c.Timers.Damping.Penalty = -1 }, `timers.damping.penalty: "-1" is not a number of zero or more; write a plain number, such as 1000`},
		{"nan", func(c *config.Config) { c.Timers.Damping.Ceiling = math.NaN() }, `timers.damping.ceiling: "NaN" is not a number of zero or more; write a plain number, such as 1000`},
		{"half-life", func(c *config.Config) { c.Timers.Damping.HalfLife = 0 }, `timers.damping.halfLife: "0s" is no time at all; write a duration above zero, such as 15m`},
		{"reuse 0", func(c *config.Config) { c.Timers.Damping.Reuse = 0 }, `timers.damping.reuse: "0" would never let a suppressed path be used again; write a number above zero, such as 750`},
		{"reuse", func(c *config.Config) { c.Timers.Damping.Reuse = 3000 }, `timers.damping.reuse: "3000" is not below suppress (3000); write a smaller number, such as a quarter of suppress`},
		{"suppress", func(c *config.Config) { c.Timers.Damping.Suppress = 12001 }, `timers.damping.suppress: "12001" is above ceiling (12000), so it could never be reached; write at most the ceiling`},
		{"suppress at ceiling", func(c *config.Config) { c.Timers.Damping.Suppress = 12000 }, ``},
		{"penalty above ceiling", func(c *config.Config) { c.Timers.Damping.Penalty = 12001 }, `timers.damping.penalty: "12001" is above ceiling (12000); write at most the ceiling`},
	})
}

func TestRulesOfNeverTouch(t *testing.T) {
	checkRules(t, []rule{
		{"unrelated", func(c *config.Config) {
			c.Never = config.Never{Tables: []string{"rtb-1"}, Destinations: []string{"10.1.2.0/24", "::/0", "10.2.0.0/16"}}
		}, ``},
		{"table id", func(c *config.Config) { c.Never.Tables = []string{"vpc-1"} }, `neverTouch.tables[0]: "vpc-1" is not a route table id; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		{"table twice", func(c *config.Config) { c.Never.Tables = []string{"rtb-1", "rtb-1"} }, `neverTouch.tables[1]: "rtb-1" is listed twice, first at neverTouch.tables[0]; remove one of the two`},
		{"block", func(c *config.Config) { c.Never.Destinations = []string{"ten"} }, `neverTouch.destinations[0]: "ten" is not a CIDR block; write a CIDR block such as 10.0.0.0/8 or 2001:db8::/32, or a prefix list pl-…`},
		{"block twice", func(c *config.Config) { c.Never.Destinations = []string{"2001:db8::/32", "2001:0db8::/32"} }, `neverTouch.destinations[1]: "2001:db8::/32" is listed twice, first at neverTouch.destinations[0]; remove one of the two`},
		{"covers a table", func(c *config.Config) { c.Never.Tables = []string{"tgw-rtb-01"} }, e0 + `.table: "tgw-rtb-01" is listed at neverTouch.tables[0], so the entry could never be written; remove the entry, or take the table off the list`},
		{"a list", func(c *config.Config) {
			c.Never.Destinations = []string{"pl-1", "10.1.0.0/24"}
			entry(c).Destination = "pl-1"
		}, e0 + `.destination: "pl-1" is listed at neverTouch.destinations[0], so the entry could never be written; remove the entry, or take the destination off the list`},
		{"another list", func(c *config.Config) {
			c.Never.Destinations = []string{"pl-1"}
			entry(c).Destination = "pl-2"
		}, ``},
		{"covers a block", func(c *config.Config) { c.Never.Destinations = []string{"10.0.0.0/8"} }, e0 + `.destination: "10.1.0.0/16" lies in 10.0.0.0/8, listed at neverTouch.destinations[0], so the entry could never be written; remove the entry, or take the destination off the list`},
		{"is a block", func(c *config.Config) { c.Never.Destinations = []string{"10.1.0.0/16"} }, e0 + `.destination: "10.1.0.0/16" lies in 10.1.0.0/16, listed at neverTouch.destinations[0], so the entry could never be written; remove the entry, or take the destination off the list`},
	})
}

func TestRulesOfGroups(t *testing.T) {
	const name = `; write at most 64 letters, digits, hyphens and underscores, a letter or digit first`
	checkRules(t, []rule{
		{"no name", func(c *config.Config) { group(c).Name = "" }, g0 + `.name: missing` + name},
		{"bad name", func(c *config.Config) { group(c).Name = "a b" }, g0 + `.name: "a b" is not a name` + name},
		{"long name", func(c *config.Config) { group(c).Name = strings.Repeat("é", 60) }, g0 + `.name: "` + strings.Repeat("é", 40) + `…" is not a name` + name},
		{"name twice", func(c *config.Config) { c.GroupList = append(c.GroupList, sampleGroup("branch", "10.2.0.0/16")) }, `groups[1].name: "branch" is the name of another group too, groups[0]; give each group a name of its own`},
		{"no home", func(c *config.Config) { group(c).Home = config.Home{} }, g0 + ".home.account: missing; write the 12 digits of the account whose controller writes the group\n" + g0 + ".home.region: missing; write the Region in which the group's controller runs, such as eu-central-1"},
		{"account", func(c *config.Config) { group(c).Home.Account = "11112222333" }, g0 + `.home.account: "11112222333" is not an account number; write the 12 digits of the account whose controller writes the group`},
		{"zone", func(c *config.Config) { group(c).Home.Region = "eu-central-1a" }, g0 + `.home.region: "eu-central-1a" is not the name of a Region; write the Region in which the group's controller runs, such as eu-central-1`},
		{"mode", func(c *config.Config) { group(c).Mode = "Enforce" }, g0 + `.mode: "Enforce" is not a mode; write observe or enforce`},
		{"no mode", func(c *config.Config) { group(c).Mode = "" }, g0 + `.mode: missing; write observe or enforce`},
		{"hold-off", func(c *config.Config) { group(c).HoldOff = -1 }, g0 + `.holdOff: "-1ns" is negative; write a duration such as 30s`},
		{"restore at once", func(c *config.Config) { group(c).Revertive, group(c).WaitToRestore = true, 0 }, g0 + `.waitToRestore: "0s" is no time at all; write a duration above zero, such as 10m`},
		{"idle restore", func(c *config.Config) { group(c).WaitToRestore = 0 }, g0 + `.waitToRestore: "0s" has no effect in a group that is not revertive; write revertive: true, or leave waitToRestore out`},
		{"negative restore", func(c *config.Config) { group(c).WaitToRestore = -1 }, g0 + `.waitToRestore: "-1ns" is negative; write a duration such as 10m`},
		{"no paths", func(c *config.Config) { group(c).Paths = nil }, g0 + `.paths: missing; declare at least two paths, the working path first`},
		{"one path", func(c *config.Config) {
			group(c).Paths = group(c).Paths[:1]
			delete(entry(c).NextHops, "backup")
		}, g0 + `.paths: there is only one path; declare at least two, the working path first`},
		{"many paths", func(c *config.Config) { group(c).Paths = make([]config.Path, 17) }, g0 + `.paths: there are 17 paths; declare at most 16`},
		{"no units", func(c *config.Config) { group(c).Units = nil }, g0 + `.units: missing; declare at least one unit with the entries that move together`},
		{"no entries", func(c *config.Config) { group(c).Units[0].Entries = nil }, g0 + `.units[0].entries: missing; declare at least one entry`},
		{"unit name", func(c *config.Config) { group(c).Units[0].Name = "-x" }, g0 + `.units[0].name: "-x" is not a name` + name},
		{"unit twice", func(c *config.Config) {
			group(c).Units[0].Name = "unit-2"
			group(c).Units = append(group(c).Units, config.Unit{Entries: sampleGroup("x", "10.2.0.0/16").Units[0].Entries})
		}, g0 + `.units[1].name: "unit-2" is the name of another unit too, groups[0].units[0]; give each unit a name of its own`},
	})
}

func TestRulesOfFailbacks(t *testing.T) {
	times := func(c *config.Config) *config.FailbackTimes { return &c.Defaults.Failback }
	own := func(c *config.Config) *config.Failback { return &group(c).Failback }
	samples := func(samples ...config.Sample) func(*config.Config) {
		return func(c *config.Config) { own(c).Samples = samples }
	}
	day := 24 * config.Duration(time.Hour)
	const d, g, units = "defaults.failback.", g0 + ".failback.", "; write a number of units, or 0 for a quarter of those that are left after the canary"
	checkRules(t, []rule{
		{"no stability", func(c *config.Config) { times(c).Stability = 0 }, d + `stability: "0s" is no time at all; write a duration above zero, such as 10m`},
		{"a day of stability", func(c *config.Config) { times(c).Stability, own(c).Stability = day, day }, ``},
		{"long stability", func(c *config.Config) { times(c).Stability = day + 1 }, d + `stability: "24h0m0.000000001s" is longer than 24h; write at most that, such as 10m`},
		{"negative soak", func(c *config.Config) { times(c).Soak = -1 }, d + `soak: "-1ns" is negative; write a duration such as 60s`},
		{"long soak", func(c *config.Config) { times(c).Soak = config.Duration(time.Hour) + 1 }, d + `soak: "1h0m0.000000001s" is longer than 1h; write at most that, such as 60s`},
		{"hasty approval", func(c *config.Config) { times(c).ApprovalTimeout = config.Duration(59 * time.Second) }, d + `approvalTimeout: "59s" is shorter than 1m; write at least that, such as 1h`},
		{"negative batch", func(c *config.Config) { times(c).Batch = -1 }, d + `batch: "-1" is negative` + units},
		{"of its own", func(c *config.Config) { own(c).Soak, own(c).Batch = config.Duration(time.Second), 7 }, ``},
		{"a group's stability", func(c *config.Config) { own(c).Stability = 2 * day }, g + `stability: "48h" is longer than 24h; write at most that, such as 10m`},
		{"a group's soak", func(c *config.Config) { own(c).Soak = -1 }, g + `soak: "-1ns" is negative; write a duration such as 60s`},
		{"a group's approval", func(c *config.Config) { own(c).ApprovalTimeout = 1 }, g + `approvalTimeout: "1ns" is shorter than 1m; write at least that, such as 1h`},
		{"a group's batch", func(c *config.Config) { own(c).Batch = -2 }, g + `batch: "-2" is negative` + units},
		{"samples", samples(config.Sample{From: "tgw-rtb-01", To: "10.1.0.7"}, config.Sample{From: "tgw-rtb-01", To: "10.1.0.8"}), ``},
		{"no table", samples(config.Sample{To: "10.1.0.7"}), g + `samples[0].from: missing; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		{"another table", samples(config.Sample{From: "tgw-rtb-02", To: "10.1.0.7"}), g + `samples[0].from: "tgw-rtb-02" is a table without an entry of the group; write a table in which the group has one`},
		{"no address", samples(config.Sample{From: "tgw-rtb-01", To: "ten"}), g + `samples[0].to: "ten" is not an address; write an address to which a route of the group leads, such as 10.1.0.1`},
		{"nothing", samples(config.Sample{From: "tgw-rtb-01"}), g + `samples[0].to: missing; write an address to which a route of the group leads, such as 10.1.0.1`},
		{"elsewhere", samples(config.Sample{From: "tgw-rtb-01", To: "10.2.0.7"}), g + `samples[0].to: "10.2.0.7" is in no destination that the group has in tgw-rtb-01; write an address to which a route of the group leads`},
		{"in a list, perhaps", func(c *config.Config) {
			entry(c).Destination = "pl-1"
			samples(config.Sample{From: "tgw-rtb-01", To: "10.2.0.7"})(c)
		}, ``},
		{"twice", samples(config.Sample{From: "tgw-rtb-01", To: "2001:db8::1"}, config.Sample{From: "tgw-rtb-01", To: "10.1.0.1"}, config.Sample{From: "tgw-rtb-01", To: "10.1.0.1"}), g + "samples[0].to: \"2001:db8::1\" is in no destination that the group has in tgw-rtb-01; write an address to which a route of the group leads\n" + g + `samples[2]: is listed twice; remove one of the two`},
		{"many", samples(make([]config.Sample, 33)...), g + `samples: there are 33 samples; write at most 32`},
	})
}

func TestRulesOfPaths(t *testing.T) {
	path := func(c *config.Config) *config.Path { return &group(c).Paths[1] }
	const p1 = g0 + ".paths[1]"
	checkRules(t, []rule{
		{"name twice", func(c *config.Config) { path(c).Name = "primary" }, p1 + `.name: "primary" is the name of another path too, groups[0].paths[0]; give each path a name of its own`},
		{"no name", func(c *config.Config) { path(c).Name = "" }, p1 + `.name: missing; write at most 64 letters, digits, hyphens and underscores, a letter or digit first`},
		{"kind", func(c *config.Config) { path(c).Kind = "direct-connect" }, p1 + `.kind: "direct-connect" is not a kind of path; write vpn, connect, appliance or attachment`},
		{"no kind", func(c *config.Config) { path(c).Kind = "" }, p1 + `.kind: missing; write vpn, connect, appliance or attachment`},
		{"vpn", func(c *config.Config) { path(c).VPN = "tgw-123" }, p1 + `.vpn: "tgw-123" is not a VPN connection id; write vpn-…`},
		{"marker only", func(c *config.Config) { path(c).VPN = "vpn-" }, p1 + `.vpn: "vpn-" is not a VPN connection id; write vpn-…`},
		{"no vpn", func(c *config.Config) { path(c).VPN = "" }, p1 + `.vpn: missing; write vpn-…`},
		{"vpn twice", func(c *config.Config) { path(c).VPN = "vpn-0a" }, p1 + `.vpn: "vpn-0a" is the connection of another path of the group, groups[0].paths[0]; give each path a connection of its own`},
		{"account", func(c *config.Config) { path(c).Account = "me" }, p1 + `.account: "me" is not an account number; write the 12 digits of the account that owns the VPN connection`},
		{"region", func(c *config.Config) { path(c).Region = "eu" }, p1 + `.region: "eu" is not the name of a Region; write the Region of the VPN connection, such as eu-central-1`},
		{"two owners", func(c *config.Config) {
			c.GroupList = append(c.GroupList, sampleGroup("x", "10.2.0.0/16"))
			c.GroupList[1].Paths[0].Account = "444455556666"
		}, `groups[1].paths[0].account: "444455556666" is not the account that vpn-0a has at groups[0].paths[0] (111122223333); write the same account in both places`},
		{"no tunnels", func(c *config.Config) { path(c).Tunnels = 0 }, p1 + `.tunnels: "0" is not a number of tunnels that a VPN connection has; write 1 or 2`},
		{"three tunnels", func(c *config.Config) { path(c).Tunnels = 3 }, p1 + `.tunnels: "3" is not a number of tunnels that a VPN connection has; write 1 or 2`},
		{"no minimum", func(c *config.Config) { path(c).MinTunnels = 0 }, p1 + `.minTunnels: "0" is below 1; write how many tunnels the path needs, at least 1`},
		{"minimum", func(c *config.Config) { path(c).Tunnels, path(c).MinTunnels = 1, 2 }, p1 + `.minTunnels: "2" is more than tunnels (1); write at most that many`},
		{"routes", func(c *config.Config) { path(c).MinAcceptedRoutes = -1 }, p1 + `.minAcceptedRoutes: "-1" is negative; write a number of routes, or 0 to not look at routes`},
		{"same hops", func(c *config.Config) { entry(c).NextHops["backup"] = "tgw-attach-0a" }, p1 + `: "backup" has the same next hops as path "primary", so a move between them would change no route; give it a target of its own in at least one entry`},
	})
}

func TestRulesOfEntries(t *testing.T) {
	const ids = `; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`
	destination := func(text string) func(c *config.Config) {
		return func(c *config.Config) { entry(c).Destination = text }
	}
	checkRules(t, []rule{
		{"no table", func(c *config.Config) { entry(c).Table = "" }, e0 + `.table: missing` + ids},
		{"table", func(c *config.Config) { entry(c).Table = "tgw-rtb-" }, e0 + `.table: "tgw-rtb-" is not a route table id` + ids},
		{"account", func(c *config.Config) { entry(c).Account = "1" }, e0 + `.account: "1" is not an account number; write the 12 digits of the account that owns the route table`},
		{"region", func(c *config.Config) { entry(c).Region = "eu-1-1" }, e0 + `.region: "eu-1-1" is not the name of a Region; write the Region of the route table, such as eu-central-1`},
		{"two owners", func(c *config.Config) {
			c.GroupList = append(c.GroupList, sampleGroup("x", "10.2.0.0/16"))
			c.GroupList[1].Units[0].Entries[0].Region = "eu-west-1"
		}, `groups[1].units[0].entries[0].region: "eu-west-1" is not the Region that tgw-rtb-01 has at groups[0].units[0].entries[0] (eu-central-1); write the same Region in both places`},
		{"no destination", destination(""), e0 + `.destination: missing; write a CIDR block such as 10.0.0.0/8 or 2001:db8::/32, or a prefix list pl-…`},
		{"no block", destination("10.0.0.0/33"), e0 + `.destination: "10.0.0.0/33" is not a CIDR block; write a CIDR block such as 10.0.0.0/8 or 2001:db8::/32, or a prefix list pl-…`},
		{"address", destination("10.0.0.1"), e0 + `.destination: "10.0.0.1" is an address, not a CIDR block; write 10.0.0.1/32`},
		{"host bits", destination("10.1.2.3/16"), e0 + `.destination: "10.1.2.3/16" has host bits set; write 10.1.0.0/16`},
		{"mapped", destination("::ffff:10.0.0.0/104"), e0 + `.destination: "::ffff:10.0.0.0/104" is an IPv4 block in IPv6 notation; write the IPv4 block`},
		{"prefix list", destination("pl-1"), ``},
		{"bad prefix list", destination("pl-A"), e0 + `.destination: "pl-A" is not a prefix list id; write pl-…`},
		{"declared twice", func(c *config.Config) { c.GroupList = append(c.GroupList, sampleGroup("x", "10.1.0.0/16")) }, `groups[1].units[0].entries[0].destination: "10.1.0.0/16" is declared twice for table tgw-rtb-01, first at groups[0].units[0].entries[0]; remove one of the two`},
	})
}

func TestRulesOfNextHops(t *testing.T) {
	const h = e0 + ".nextHops"
	hop := func(table, text string) func(c *config.Config) {
		return func(c *config.Config) {
			if table == "rtb-01" {
				entry(c).NextHops["primary"] = "tgw-01"
			}
			entry(c).Table, entry(c).NextHops["backup"] = table, text
		}
	}
	const tgw, vpc = `; write tgw-attach-…, propagated:tgw-attach-… or blackhole`, `; write for example tgw-…, vgw-… or eni-…`
	rules := []rule{
		{"left out", func(c *config.Config) { delete(entry(c).NextHops, "backup") }, h + `: no next hop for path "backup"; write backup: and the id of the target`},
		{"none", func(c *config.Config) { entry(c).NextHops = nil }, h + ": no next hop for path \"primary\"; write primary: and the id of the target\n" + h + `: no next hop for path "backup"; write backup: and the id of the target`},
		{"undeclared", func(c *config.Config) { entry(c).NextHops["a b"] = "tgw-attach-0c" }, h + `["a b"]: "a b" is not a path of the group; write one of: primary, backup`},
		{"empty", hop("tgw-rtb-01", ""), h + `.backup: missing` + tgw},
		{"blackhole", hop("tgw-rtb-01", "blackhole"), ``},
		{"eni in tgw", hop("tgw-rtb-01", "eni-1"), h + `.backup: "eni-1" is a target (network-interface) that a transit gateway route table cannot have` + tgw},
		{"attachment in vpc", hop("rtb-01", "tgw-attach-1"), h + `.backup: "tgw-attach-1" is a target (transit-gateway-attachment) that a VPC route table cannot have` + vpc},
		{"blackhole in vpc", hop("rtb-01", "blackhole"), h + `.backup: "blackhole" is a target (blackhole) that a VPC route table cannot have` + vpc},
		{"local", hop("rtb-01", "local"), h + `.backup: "local" is a target (local) that a VPC route table cannot have` + vpc},
		{"propagated", hop("tgw-rtb-01", "propagated:tgw-attach-1"), ``},
		{"propagated in vpc", hop("rtb-01", "propagated:tgw-attach-1"), h + `.backup: "propagated:tgw-attach-1" is a learned route, and in a VPC route table no API shows what a static hides; write a target for a static, such as tgw-… or vgw-…`},
		{"propagated of nothing", hop("tgw-rtb-01", "propagated:"), h + `.backup: "propagated:" does not name the attachment that teaches the route; write propagated: and the id of the path's attachment, tgw-attach-…`},
		{"propagated of a gateway", hop("tgw-rtb-01", "propagated:tgw-1"), h + `.backup: "propagated:tgw-1" does not name the attachment that teaches the route; write propagated: and the id of the path's attachment, tgw-attach-…`},
		{"unknown", hop("tgw-rtb-01", "rtb-1"), h + `.backup: "rtb-1" is not the id of a target that Detour knows` + tgw},
		{"table as target", hop("rtb-01", "tgw-rtb-1"), h + `.backup: "tgw-rtb-1" is not the id of a target that Detour knows` + vpc},
		{"bad letters", hop("rtb-01", "tgw-A"), h + `.backup: "tgw-A" is not the id of a target that Detour knows` + vpc},
		{"IPv6 over a VGW's VPN", func(c *config.Config) { hop("rtb-01", "vgw-1")(c); entry(c).Destination = "2001:db8::/32" }, h + `.backup: "vgw-1" is a virtual private gateway, whose VPN connections carry no IPv6, so 2001:db8::/32 would reach nothing over vpn-0b; write a transit gateway tgw-… whose VPN connection has IPv6 inside its tunnels, or a group of its own for the IPv6 entries`},
		{"eigw", hop("rtb-01", "eigw-1"), h + `.backup: "eigw-1" is an egress-only internet gateway, which carries IPv6 only; write a target for IPv4, such as nat-…`},
	}
	for _, id := range []string{"tgw-1", "igw-1", "vgw-1", "vpce-1", "nat-1", "eni-1", "i-1", "pcx-1", "lgw-1", "cagw-1"} {
		if id != "tgw-1" {
			rules = append(rules, rule{id, hop("rtb-01", id), ``})
		}
	}
	checkRules(t, rules)
}

func TestProblemsAreBoundedAndCounted(t *testing.T) {
	c := sample()
	c.GroupList = make([]config.Group, 5000)
	problems := config.Check(c)
	if len(problems) != config.MaxProblems {
		t.Errorf("%d problems, want %d", len(problems), config.MaxProblems)
	}
	lines := strings.Split(config.Problems(problems).Error(), "\n")
	if len(lines) != 21 || lines[20] != fmt.Sprintf("and %d more", config.MaxProblems-20) {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}
