package config_test

import (
	"reflect"
	"strings"
	"testing"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// withPaths makes the two paths of the sample be of the kind, each with what
// the kind needs, with next hops in a VPC table.
func withPaths(kind string) func(*config.Config) {
	return func(c *config.Config) {
		g := group(c)
		for i, name := range []string{"primary", "backup"} {
			p, letter := config.NewPathOf(kind), string(rune('a'+i))
			p.Name = name
			switch kind {
			case "connect":
				p.Attachment, p.Peers = "tgw-attach-0"+letter, []string{"tgw-connect-peer-1" + letter, "tgw-connect-peer-2" + letter}
			case "appliance":
				p.Interface, p.Instance = "eni-0"+letter, "i-0"+letter
				p.Checks = []config.PathCheck{{Alarm: "box-" + letter, OnBox: true}}
			case "attachment":
				p.Attachment = "tgw-attach-0" + letter
				p.Checks = []config.PathCheck{{Alarm: "probe-" + letter, Pinned: "192.0.2." + string(rune('1'+i)), Via: "rtb-01"}}
			}
			g.Paths[i] = p
		}
		g.Mode = "enforce"
		entry(c).Table, entry(c).NextHops = "rtb-01", map[string]string{"primary": "tgw-0a", "backup": "tgw-0b"}
	}
}

// checkKind checks rules of a path of the kind; change gets the second path.
func checkKind(t *testing.T, kind string, rules map[string]struct {
	change func(p *config.Path)
	want   string
},
) {
	t.Helper()
	for name, r := range rules {
		checkRules(t, []rule{{kind + ": " + name, func(c *config.Config) {
			withPaths(kind)(c)
			r.change(&group(c).Paths[1])
		}, r.want}})
	}
}

type kindRules = map[string]struct {
	change func(p *config.Path)
	want   string
}

const p1 = g0 + ".paths[1]"

func TestRulesOfConnectPaths(t *testing.T) {
	checkKind(t, "connect", kindRules{
		"good":             {func(*config.Path) {}, ``},
		"no attachment":    {func(p *config.Path) { p.Attachment = "" }, p1 + `.attachment: missing; write tgw-attach-…`},
		"wrong kind of id": {func(p *config.Path) { p.Attachment = "vpn-1" }, p1 + `.attachment: "vpn-1" is not a transit gateway attachment id; write tgw-attach-…`},
		"same attachment":  {func(p *config.Path) { p.Attachment = "tgw-attach-0a" }, p1 + `.attachment: "tgw-attach-0a" is the attachment of another path of the group, groups[0].paths[0]; give each path an attachment of its own`},
		"no peers":         {func(p *config.Path) { p.Peers = nil }, p1 + `.peers: missing; write the Connect peers of the attachment, each tgw-connect-peer-…`},
		"many peers":       {func(p *config.Path) { p.Peers = make([]string, 17) }, p1 + `.peers: there are 17 Connect peers; write at most 16`},
		"peer id":          {func(p *config.Path) { p.Peers[1] = "tgw-1" }, p1 + `.peers[1]: "tgw-1" is not a Connect peer id; write tgw-connect-peer-…`},
		"peer twice":       {func(p *config.Path) { p.Peers[1] = p.Peers[0] }, p1 + `.peers[1]: "tgw-connect-peer-1b" is listed twice; remove one of the two`},
		"peer of another":  {func(p *config.Path) { p.Peers[1] = "tgw-connect-peer-2a" }, p1 + `.peers[1]: "tgw-connect-peer-2a" is the Connect peer of another path of the group, groups[0].paths[0]; give each path a Connect peer of its own`},
		"no minimum":       {func(p *config.Path) { p.MinPeers = 0 }, p1 + `.minPeers: "0" is below 1; write how many Connect peers the path needs, at least 1`},
		"minimum":          {func(p *config.Path) { p.MinPeers = 3 }, p1 + `.minPeers: "3" is more than there are peers (2); write at most that many`},
		"of other kinds": {func(p *config.Path) { p.VPN, p.Interface, p.Instance = "vpn-1", "eni-1", "i-1" }, p1 + `.vpn: "vpn-1" has no effect on a path of kind connect; remove it, or correct the kind
` + p1 + `.interface: "eni-1" has no effect on a path of kind connect; remove it, or correct the kind
` + p1 + `.instance: "i-1" has no effect on a path of kind connect; remove it, or correct the kind`},
		"numbers of others": {func(p *config.Path) { p.Tunnels, p.MinTunnels, p.MinAcceptedRoutes = 2, 1, 4 }, p1 + `.tunnels: "2" has no effect on a path of kind connect; remove it, or correct the kind
` + p1 + `.minTunnels: "1" has no effect on a path of kind connect; remove it, or correct the kind
` + p1 + `.minAcceptedRoutes: "4" has no effect on a path of kind connect; remove it, or correct the kind`},
		"onBox": {func(p *config.Path) { p.Checks = []config.PathCheck{{Alarm: "x", OnBox: true}} }, p1 + `.checks[0].onBox: "true" has no effect on a path of kind connect; pin the check with pinned: and via:, or write activeOnly: true`},
	})
}

func TestRulesOfAppliancePaths(t *testing.T) {
	const proves = `, and a path of kind appliance proves nothing without one, so the group could not be in mode enforce; write a check with onBox: true, or with pinned: and via:, or mode: observe`
	checkKind(t, "appliance", kindRules{
		"good":         {func(*config.Path) {}, ``},
		"no interface": {func(p *config.Path) { p.Interface = "" }, p1 + `.interface: missing; write eni-…`},
		"interface id": {func(p *config.Path) { p.Interface = "i-1" }, p1 + `.interface: "i-1" is not a network interface id; write eni-…`},
		"same":         {func(p *config.Path) { p.Interface = "eni-0a" }, p1 + `.interface: "eni-0a" is the interface of another path of the group, groups[0].paths[0]; give each path an interface of its own`},
		"no instance":  {func(p *config.Path) { p.Instance = "" }, p1 + `.instance: missing; write i-…`},
		"instance id":  {func(p *config.Path) { p.Instance = "eni-1" }, p1 + `.instance: "eni-1" is not an instance id; write i-…`},
		"attachment":   {func(p *config.Path) { p.Attachment = "tgw-attach-1" }, p1 + `.attachment: "tgw-attach-1" has no effect on a path of kind appliance; remove it, or correct the kind`},
		"peers":        {func(p *config.Path) { p.Peers, p.MinPeers = []string{"x", "y"}, 1 }, p1 + `.peers: "x, y" has no effect on a path of kind appliance; remove it, or correct the kind` + "\n" + p1 + `.minPeers: "1" has no effect on a path of kind appliance; remove it, or correct the kind`},
		"no check":     {func(p *config.Path) { p.Checks = nil }, p1 + `.checks: missing` + proves},
		"follows":      {func(p *config.Path) { p.Checks = []config.PathCheck{{Alarm: "x", ActiveOnly: true}} }, p1 + `.checks: none of these checks is pinned to the path` + proves},
		"both":         {func(p *config.Path) { p.Checks = append(p.Checks, config.PathCheck{Alarm: "x", ActiveOnly: true}) }, ``},
	})
	checkRules(t, []rule{
		{"observe without a check", func(c *config.Config) {
			withPaths("appliance")(c)
			group(c).Mode, group(c).Paths[1].Checks = "observe", nil
		}, ``},
	})
}

func TestRulesOfAttachmentPaths(t *testing.T) {
	checkKind(t, "attachment", kindRules{
		"good":     {func(*config.Path) {}, ``},
		"no id":    {func(p *config.Path) { p.Attachment = "" }, p1 + `.attachment: missing; write tgw-attach-…`},
		"no check": {func(p *config.Path) { p.Checks = nil }, p1 + `.checks: missing, and a path of kind attachment proves nothing without one, so the group could not be in mode enforce; write a check with pinned: and via:, or mode: observe`},
		"account":  {func(p *config.Path) { p.Account = "me" }, p1 + `.account: "me" is not an account number; write the 12 digits of the account that owns the attachment`},
	})
	checkRules(t, []rule{{"a Connect attachment", func(c *config.Config) {
		withPaths("attachment")(c)
		p := config.NewPathOf("connect")
		p.Name, p.Attachment, p.Peers = "backup", "tgw-attach-0a", []string{"tgw-connect-peer-1"}
		group(c).Paths[1] = p
	}, g0 + `.paths[0].attachment: "tgw-attach-0a" is the Connect attachment of groups[0].paths[1]; write kind: connect, with the peers, or another attachment
` + p1 + `.attachment: "tgw-attach-0a" is the attachment of another path of the group, groups[0].paths[0]; give each path an attachment of its own`}})
}

func TestRulesOfChecks(t *testing.T) {
	check := func(change func(c *config.PathCheck)) func(p *config.Path) {
		return func(p *config.Path) { change(&p.Checks[0]) }
	}
	const c0 = p1 + ".checks[0]"
	checkKind(t, "attachment", kindRules{
		"no alarm":      {check(func(c *config.PathCheck) { c.Alarm = "" }), c0 + `.alarm: missing; write the name of a CloudWatch alarm, at most 255 characters`},
		"long":          {check(func(c *config.PathCheck) { c.Alarm = strings.Repeat("é", 256) }), c0 + `.alarm: "` + strings.Repeat("é", 40) + `…" is not the name of an alarm; write the name of a CloudWatch alarm, at most 255 characters`},
		"255":           {check(func(c *config.PathCheck) { c.Alarm = strings.Repeat("é", 255) }), ``},
		"ARN":           {check(func(c *config.PathCheck) { c.Alarm = "arn:aws:x" }), c0 + `.alarm: "arn:aws:x" is an ARN; write the alarm's name, and account and region where they are not those of the path`},
		"region":        {check(func(c *config.PathCheck) { c.Region = "x" }), c0 + `.region: "x" is not the name of a Region; write the Region of the alarm, such as eu-central-1`},
		"none":          {check(func(c *config.PathCheck) { c.Pinned, c.Via = "", "" }), c0 + `: "probe-b" does not say how its traffic takes the path; write pinned: with via:, onBox: true, or activeOnly: true where it follows the routes` + "\n" + p1 + `.checks: none of these checks is pinned to the path, and a path of kind attachment proves nothing without one, so the group could not be in mode enforce; write a check with pinned: and via:, or mode: observe`},
		"two":           {check(func(c *config.PathCheck) { c.ActiveOnly = true }), c0 + `: "probe-b" has pinned and activeOnly; keep one of them`},
		"no via":        {check(func(c *config.PathCheck) { c.Via = "" }), c0 + `.via: missing; write the route table that leads to 192.0.2.2 over this path alone`},
		"via":           {check(func(c *config.PathCheck) { c.Via = "core" }), c0 + `.via: "core" is not a route table id; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		"in one":        {check(func(c *config.PathCheck) { c.Pinned = "192.0.2.2 via rtb-1" }), c0 + `.pinned: "192.0.2.2 via rtb-1" is an address and a table in one; write two keys, pinned: 192.0.2.2 and via: rtb-1`},
		"block":         {check(func(c *config.PathCheck) { c.Pinned = "192.0.2.2/32" }), c0 + `.pinned: "192.0.2.2/32" is a CIDR block, not an address; write 192.0.2.2`},
		"name":          {check(func(c *config.PathCheck) { c.Pinned = "router" }), c0 + `.pinned: "router" is not an address; write an address such as 10.0.0.1 or 2001:db8::1`},
		"zone":          {check(func(c *config.PathCheck) { c.Pinned = "fe80::1%eth0" }), c0 + `.pinned: "fe80::1%eth0" is an address with a zone, which no route can lead to; write an address such as 2001:db8::1`},
		"mapped":        {check(func(c *config.PathCheck) { c.Pinned = "::ffff:192.0.2.2" }), c0 + `.pinned: "::ffff:192.0.2.2" is an IPv4 address in IPv6 notation; write 192.0.2.2`},
		"covered":       {check(func(c *config.PathCheck) { c.Pinned = "10.1.2.3" }), c0 + `.pinned: "10.1.2.3" lies in 10.1.0.0/16, which groups[0].units[0].entries[0] moves in table rtb-01, so the check would follow the moves; pin the check to an address outside of all entries of that table, such as a loopback of the peer with a route of its own`},
		"another table": {check(func(c *config.PathCheck) { c.Pinned, c.Via = "10.1.2.3", "rtb-02" }), ``},
		"of two paths":  {check(func(c *config.PathCheck) { c.Alarm = "probe-a" }), c0 + `.alarm: "probe-a" speaks for another path of the group too, groups[0].paths[0].checks[0]; give each path an alarm of its own; one alarm follows two paths only where both say activeOnly: true`},
		"twice":         {func(p *config.Path) { p.Checks = append(p.Checks, p.Checks[0]) }, p1 + `.checks[1].alarm: "probe-b" is listed twice, first at groups[0].paths[1].checks[0]; remove one of the two`},
		"many":          {func(p *config.Path) { p.Checks = make([]config.PathCheck, 17) }, p1 + `.checks: there are 17 checks; write at most 16, or combine alarms in a composite one`},
		"lone via":      {func(p *config.Path) { p.Checks = append(p.Checks, config.PathCheck{Alarm: "x", Via: "rtb-1"}) }, p1 + `.checks[1].pinned: missing, although there is via; write the address that the check speaks to, or remove via`},
		"idle via": {func(p *config.Path) {
			p.Checks = append(p.Checks, config.PathCheck{Alarm: "x", Via: "rtb-1", ActiveOnly: true})
		}, p1 + `.checks[1].via: "rtb-1" has no effect without pinned; remove it, or write pinned: and the address`},
	})
	checkRules(t, []rule{
		{"follows two paths", func(c *config.Config) {
			for i := range group(c).Paths {
				group(c).Paths[i].Checks = []config.PathCheck{{Alarm: "end-to-end", ActiveOnly: true}}
			}
		}, ``},
		{"follows one, said of two", func(c *config.Config) {
			group(c).Paths[0].Checks = []config.PathCheck{{Alarm: "x", ActiveOnly: true}}
			group(c).Paths[1].Checks = []config.PathCheck{{Alarm: "x", Pinned: "192.0.2.1", Via: "rtb-1"}}
		}, p1 + `.checks[0].alarm: "x" speaks for another path of the group too, groups[0].paths[0].checks[0]; give each path an alarm of its own; one alarm follows two paths only where both say activeOnly: true`},
		{"covered by an entry of another group", func(c *config.Config) {
			withPaths("attachment")(c)
			other := sampleGroup("other", "192.0.2.0/31")
			other.Units[0].Entries[0].Table = "rtb-01"
			other.Units[0].Entries[0].NextHops = map[string]string{"primary": "tgw-0a", "backup": "tgw-0b"}
			c.GroupList = append(c.GroupList, other)
		}, g0 + `.paths[0].checks[0].pinned: "192.0.2.1" lies in 192.0.2.0/31, which groups[1].units[0].entries[0] moves in table rtb-01, so the check would follow the moves; pin the check to an address outside of all entries of that table, such as a loopback of the peer with a route of its own`},
	})
}

func TestStaticsToConnectAttachments(t *testing.T) {
	const connect, remedy = `and a Connect attachment takes no static route; write propagated:`, `, so that the route that it teaches stands here, or move the routes of the tables in front of it, such as a VPC's to tgw-…`
	checkRules(t, []rule{
		{"its own", func(c *config.Config) {
			withPaths("connect")(c)
			entry(c).Table, entry(c).NextHops = "tgw-rtb-01", map[string]string{"primary": "tgw-attach-0a", "backup": "tgw-attach-0c"}
		}, e0 + `.nextHops.primary: "tgw-attach-0a" is the Connect attachment of groups[0].paths[0], ` + connect + "tgw-attach-0a" + remedy},
		{"of a later group", func(c *config.Config) {
			later := config.New()
			later.GroupList = []config.Group{sampleGroup("later", "10.2.0.0/16")}
			withPaths("connect")(&later)
			c.GroupList = append(c.GroupList, later.GroupList[0])
		}, e0 + `.nextHops.primary: "tgw-attach-0a" is the Connect attachment of groups[1].paths[0], ` + connect + "tgw-attach-0a" + remedy + "\n" +
			e0 + `.nextHops.backup: "tgw-attach-0b" is the Connect attachment of groups[1].paths[1], ` + connect + "tgw-attach-0b" + remedy},
	})
}

func TestRulesOfHomes(t *testing.T) {
	const account = `write the 12 digits of the account whose controller writes the group`
	here := config.Home{Account: "444455556666", Region: "eu-west-1"}
	checkRules(t, []rule{
		{"the file's", func(c *config.Config) { c.Home, group(c).Home = here, config.Home{} }, ``},
		{"the file's account", func(c *config.Config) { c.Home.Account, group(c).Home.Account = "444455556666", "" }, ``},
		{"a bad one, told once", func(c *config.Config) { c.Home, group(c).Home = config.Home{Account: "1", Region: "eu"}, config.Home{} }, "home.account: \"1\" is not an account number; write the 12 digits of the account whose controller writes the groups\nhome.region: \"eu\" is not the name of a Region; write the Region in which the groups' controller runs, such as eu-central-1"},
		{"one account and Region only", func(c *config.Config) {
			group(c).Home = config.Home{}
			entry(c).Account, entry(c).Region = "444455556666", "eu-west-1"
		}, ``},
		{"several", func(c *config.Config) {
			group(c).Home = config.Home{}
			entry(c).Account, entry(c).Region = "444455556666", "eu-west-1"
			group(c).Paths[0].Account, group(c).Paths[1].Account = "777788889999", "777788889999"
			group(c).Paths[0].Region, group(c).Paths[1].Region = "eu-west-2", "eu-west-1"
		}, g0 + `.home.account: missing, and the group lies in several accounts (444455556666, 777788889999); ` + account + "\n" +
			g0 + `.home.region: missing, and the group lies in several Regions (eu-west-1, eu-west-2); write the Region in which the group's controller runs`},
	})
}

func TestRulesOfDeclaredTables(t *testing.T) {
	declare := func(tables ...config.Table) func(*config.Config) {
		return func(c *config.Config) { c.TableList, entry(c).Table = tables, "spokes" }
	}
	spokes := config.Table{Name: "spokes", ID: "tgw-rtb-01"}
	checkRules(t, []rule{
		{"a name", declare(spokes), ``},
		{"no name", declare(config.Table{ID: "tgw-rtb-01"}, config.Table{Name: "spokes", ID: "tgw-rtb-02"}), `tables[0].name: missing; write at most 64 letters, digits, hyphens and underscores, a letter or digit first`},
		{"like an id", declare(spokes, config.Table{Name: "rtb-1", ID: "rtb-02"}), `tables[1].name: "rtb-1" looks like the id of a table; write a name of your own, such as spokes`},
		{"name twice", declare(spokes, config.Table{Name: "spokes", ID: "rtb-02"}), `tables[1].name: "spokes" is the name of another table too, tables[0]; give each table a name of its own`},
		{"id twice", declare(spokes, config.Table{Name: "hub", ID: "tgw-rtb-01"}), `tables[1].id: "tgw-rtb-01" has another name too, tables[0]; give each table one name`},
		{"bad id, told once", declare(config.Table{Name: "spokes", ID: "vpc-1"}), `tables[0].id: "vpc-1" is not a route table id; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		{"owner", declare(config.Table{Name: "spokes", ID: "tgw-rtb-01", Account: "x", Region: "y"}), `tables[0].account: "x" is not an account number; write the 12 digits of the account that owns the route table
tables[0].region: "y" is not the name of a Region; write the Region of the route table, such as eu-central-1`},
		{"another owner", func(c *config.Config) {
			declare(config.Table{Name: "spokes", ID: "tgw-rtb-01", Account: "444455556666", Region: "eu-central-1"})(c)
			entry(c).Account = "777788889999"
		}, e0 + `.account: "777788889999" is not the account that tgw-rtb-01 has at tables[0] (444455556666); write the same account in both places`},
		{"unknown name", declare(config.Table{Name: "hub", ID: "tgw-rtb-01"}), e0 + `.table: "spokes" is neither a route table id nor a name under tables; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		{"never touched by name", func(c *config.Config) {
			declare(spokes)(c)
			c.Never.Tables, entry(c).Table = []string{"spokes"}, "tgw-rtb-01"
		}, e0 + `.table: "tgw-rtb-01" is listed at neverTouch.tables[0], so the entry could never be written; remove the entry, or take the table off the list`},
		{"same route by name and by id", func(c *config.Config) {
			declare(spokes)(c)
			group(c).Units = append(group(c).Units, sampleGroup("x", "10.1.0.0/16").Units...)
		}, g0 + `.units[1].entries[0].destination: "10.1.0.0/16" is declared twice for table tgw-rtb-01, first at groups[0].units[0].entries[0]; remove one of the two`},
	})
}

func TestRulesOfPrefixLists(t *testing.T) {
	declare := func(lists ...config.PrefixList) func(*config.Config) {
		return func(c *config.Config) { c.ListList, entry(c).Destination = lists, "pl-1" }
	}
	foreign := config.PrefixList{ID: "pl-1", Owner: "444455556666"}
	accepted := foreign
	accepted.Accept = true
	checkRules(t, []rule{
		{"not declared", declare(), ``},
		{"own", declare(config.PrefixList{ID: "pl-1", Owner: "111122223333"}), ``},
		{"accepted", declare(accepted), ``},
		{"of AWS", declare(config.PrefixList{ID: "pl-1", Owner: "AWS", Accept: true}), ``},
		{"not accepted", declare(foreign), e0 + `.destination: "pl-1" is owned by 444455556666 (prefixLists[0]), who can change what the entry means, and not by 111122223333, who owns the table; write accept: true beside the owner where that is wanted, or use a prefix list of the table's account`},
		{"not accepted, told once", func(c *config.Config) {
			declare(foreign)(c)
			second := sampleGroup("x", "pl-1").Units[0]
			second.Entries[0].Table = "tgw-rtb-02"
			group(c).Units = append(group(c).Units, second)
		}, e0 + `.destination: "pl-1" is owned by 444455556666 (prefixLists[0]), who can change what the entry means, and not by 111122223333, who owns the table; write accept: true beside the owner where that is wanted, or use a prefix list of the table's account`},
		{"owner", declare(config.PrefixList{ID: "pl-1", Owner: "me"}), `prefixLists[0].owner: "me" is not an account number; write the 12 digits of the account that owns the prefix list, or AWS`},
		{"accept whom", declare(config.PrefixList{ID: "pl-1", Accept: true}), `prefixLists[0].accept: "true" has no effect without owner; write owner: and the 12 digits of the account that owns the prefix list, or AWS`},
		{"id", declare(config.PrefixList{ID: "x"}), `prefixLists[0].id: "x" is not a prefix list id; write pl-…`},
		{"twice", declare(config.PrefixList{ID: "pl-1"}, config.PrefixList{ID: "pl-1"}), `prefixLists[1].id: "pl-1" is declared twice, first at prefixLists[0]; remove one of the two`},
		{"unused", declare(config.PrefixList{ID: "pl-2"}), `prefixLists[0]: "pl-2" is the destination of no entry; correct the id, or remove it here`},
		{"two entries", func(c *config.Config) {
			declare()(c)
			group(c).Units = append(group(c).Units, config.Unit{Entries: []config.Entry{*entry(c)}})
		}, g0 + `.units[1].entries[0].destination: "pl-1" is declared twice for table tgw-rtb-01, first at groups[0].units[0].entries[0]; remove one of the two`},
		{"to an endpoint", func(c *config.Config) {
			declare()(c)
			entry(c).Table, entry(c).NextHops = "rtb-01", map[string]string{"primary": "vpce-1", "backup": "eni-1"}
		}, e0 + `.nextHops.primary: "vpce-1" is a VPC endpoint, and a prefix list route cannot point to one; write the CIDR blocks of the list, each as an entry of one unit, or another target`},
	})
}

func TestRulesOfFlows(t *testing.T) {
	split := func(c *config.Config) {
		entry(c).Flow = "web"
		more := sampleGroup("x", "10.2.0.0/16").Units
		more[0].Entries[0].Flow = "web"
		group(c).Units = append(group(c).Units, more...)
	}
	const inUnit = `.flow: "web" is a flow of another unit too, groups[0].units[0].entries[0], and units move one after the other; put the entries of a flow into one unit, or write stateful: true in the group`
	checkRules(t, []rule{
		{"name", func(c *config.Config) { entry(c).Flow = "a b" }, e0 + `.flow: "a b" is not a name; write at most 64 letters, digits, hyphens and underscores, a letter or digit first`},
		{"split", split, g0 + `.units[1].entries[0]` + inUnit},
		{"stateful", func(c *config.Config) { split(c); group(c).Stateful = true }, ``},
		{"one unit", func(c *config.Config) {
			split(c)
			group(c).Units[0].Entries = append(group(c).Units[0].Entries, group(c).Units[1].Entries...)
			group(c).Units = group(c).Units[:1]
		}, ``},
		{"two groups", func(c *config.Config) {
			split(c)
			other := sampleGroup("other", "10.3.0.0/16")
			other.Units, other.Stateful = group(c).Units[1:], true
			group(c).Units = group(c).Units[:1]
			c.GroupList = append(c.GroupList, other)
		}, `groups[1].units[0].entries[0].flow: "web" is a flow of another group too, groups[0].units[0].entries[0], and groups do not move together; put the entries of a flow into one group`},
	})
}

func TestRulesOfQuotas(t *testing.T) {
	checkRules(t, []rule{
		{"VPC", func(c *config.Config) { c.Limits.VPCRoutes = 0 }, `limits.vpcRoutes: "0" is not a number of routes above zero; write the quota that your account has, such as 500`},
		{"TGW", func(c *config.Config) { c.Limits.TransitGatewayRoutes = -1 }, `limits.transitGatewayRoutes: "-1" is not a number of routes above zero; write the quota that your account has, such as 10000`},
	})
}

func TestNormalizeWritesOut(t *testing.T) {
	c := sample()
	withPaths("attachment")(&c)
	c.Home = config.Home{Account: "444455556666", Region: "eu-west-1"}
	group(&c).Home = config.Home{Region: "eu-west-2"}
	c.TableList = []config.Table{{Name: "spokes", ID: "rtb-01", Account: "777788889999"}, {Name: "hub", ID: "rtb-02"}}
	entry(&c).Table = "spokes"
	group(&c).Paths[1].Checks[0].Via = "hub"
	group(&c).Paths[1].Checks[0].Pinned = "2001:DB8::0:1"
	c.Never.Tables = []string{"hub"}
	n := c.Normalize()
	e, p := n.GroupList[0].Units[0].Entries[0], n.GroupList[0].Paths[1]
	if n.Home != (config.Home{}) || n.GroupList[0].Home != (config.Home{Account: "444455556666", Region: "eu-west-2"}) {
		t.Errorf("homes %+v and %+v", n.Home, n.GroupList[0].Home)
	}
	if e.Table != "rtb-01" || e.Account != "777788889999" || e.Region != "eu-west-1" {
		t.Errorf("entry %+v", e)
	}
	if check := p.Checks[0]; check.Via != "rtb-02" || check.Pinned != "2001:db8::1" || check.Account != "444455556666" || check.Region != "eu-west-2" {
		t.Errorf("check %+v", check)
	}
	if n.Never.Tables[0] != "rtb-02" {
		t.Errorf("never %v", n.Never.Tables)
	}
	if !reflect.DeepEqual(n.Normalize(), n) {
		t.Error("normalizing twice changes the configuration")
	}
	if c.GroupList[0].Paths[1].Checks[0].Via != "hub" || c.TableList[1].Account != "" {
		t.Error("normalizing changed its origin")
	}
}

func TestATableWithoutOwnerGetsThatOfItsFirstEntry(t *testing.T) {
	c := sample()
	c.TableList = []config.Table{{Name: "spokes", ID: "tgw-rtb-01"}, {Name: "unused", ID: "tgw-rtb-02"}}
	entry(&c).Table = "spokes"
	want := []config.Table{{"spokes", "tgw-rtb-01", "111122223333", "eu-central-1"}, {Name: "unused", ID: "tgw-rtb-02"}}
	if got := c.Normalize().TableList; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSpecsOfAllKinds(t *testing.T) {
	subject := func(kind health.SubjectKind, id string) health.Subject {
		return health.Subject{Kind: kind, ID: id, Account: "111122223333", Region: "eu-central-1"}
	}
	alarm := func(name string) []health.Check {
		return []health.Check{{Alarm: subject(health.SubjectAlarm, name)}}
	}
	for kind, want := range map[string]health.Spec{
		"connect": {
			Subject: subject(health.SubjectAttachment, "tgw-attach-0a"), MinPeers: 1,
			Peers: []health.Subject{subject(health.SubjectConnectPeer, "tgw-connect-peer-1a"), subject(health.SubjectConnectPeer, "tgw-connect-peer-2a")},
		},
		"appliance":  {Subject: subject(health.SubjectInterface, "eni-0a"), Instance: subject(health.SubjectInstance, "i-0a"), Checks: alarm("box-a")},
		"attachment": {Subject: subject(health.SubjectAttachment, "tgw-attach-0a"), Checks: alarm("probe-a")},
	} {
		c := sample()
		withPaths(kind)(&c)
		if problems := config.Check(c); len(problems) > 0 {
			t.Fatal(config.Problems(problems))
		}
		got := c.Groups()[0].Paths[0].Spec
		base := wantSpec("", 0)
		want.Kind, want.MaxAge, want.Damping = health.Kind(kind), base.MaxAge, base.Damping
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", kind, got, want)
		}
	}
}

func TestPrefixListEntriesCarryTheAcceptedOwner(t *testing.T) {
	for _, accept := range []bool{true, false} {
		c := sample()
		owner := map[bool]string{true: "444455556666", false: "111122223333"}[accept]
		c.ListList = []config.PrefixList{{ID: "pl-1", Owner: owner, Accept: accept}}
		entry(&c).Destination = "pl-1"
		if problems := config.Check(c); len(problems) > 0 {
			t.Fatal(config.Problems(problems))
		}
		got := c.Groups()[0].Units[0].Entries[0]
		want := protection.EntryKey{
			Table:       route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-01", Account: "111122223333", Region: "eu-central-1"},
			Destination: route.PrefixList("pl-1"),
		}
		if got.EntryKey != want || got.AcceptOwner != map[bool]string{true: owner}[accept] {
			t.Errorf("accept %t: %+v", accept, got)
		}
	}
}

// TestParseHasTheDefaultsOfTheKind: what is left out is that of the path's kind,
// also where the kind stands after the rest.
func TestParseHasTheDefaultsOfTheKind(t *testing.T) {
	got, err := config.Parse([]byte(`{"version":1,"groups":[{"name":"site","home":{"account":"111122223333","region":"eu-central-1"},
		"paths":[{"name":"one","vpn":"vpn-0a"},{"name":"two","attachment":"tgw-attach-0b","peers":["tgw-connect-peer-0b"],"checks":[{"alarm":"x","onBox":false,"activeOnly":true}],"kind":"connect"}],
		"units":[{"entries":[{"table":"rtb-01","destination":"10.1.0.0/16","nextHops":{"one":"tgw-0a","two":"tgw-0b"}}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	one, two := got.GroupList[0].Paths[0], got.GroupList[0].Paths[1]
	if one.Tunnels != 2 || one.MinTunnels != 1 || one.MinPeers != 0 {
		t.Errorf("vpn: %+v", one)
	}
	if two.Tunnels != 0 || two.MinTunnels != 0 || two.MinPeers != 1 {
		t.Errorf("connect: %+v", two)
	}
}
