package config_test

import (
	"net/netip"
	"slices"
	"testing"

	"detour/shared/config"
	"detour/shared/health"
	"detour/shared/route"
)

// learning makes the first path of the sample a Connect attachment whose route
// is learned in the sample's table, and read in an observation table.
func learning(c *config.Config) {
	p := config.NewPathOf("connect")
	p.Name, p.Attachment, p.Peers = "primary", "tgw-attach-0a", []string{"tgw-connect-peer-1a"}
	p.Observation = "tgw-rtb-0f"
	group(c).Paths[0] = p
	group(c).Mode = "enforce"
	entry(c).Table, entry(c).NextHops = "tgw-rtb-01", map[string]string{"primary": "propagated:tgw-attach-0a", "backup": "tgw-attach-0b"}
}

// learns changes the configuration of learning.
func learns(change func(c *config.Config)) func(*config.Config) {
	return func(c *config.Config) {
		learning(c)
		change(c)
	}
}

const p0 = g0 + ".paths[0]"

func TestRulesOfLearnedRoutes(t *testing.T) {
	path := func(change func(p *config.Path)) func(*config.Config) {
		return learns(func(c *config.Config) { change(&group(c).Paths[0]) })
	}
	hop := func(text string) func(*config.Config) {
		return learns(func(c *config.Config) { entry(c).NextHops["primary"] = text })
	}
	const own = `write a route table of its own, into which only the path's attachment propagates and with which nothing is associated`
	checkRules(t, []rule{
		{"good", learning, ``},
		{"without an observation table", path(func(p *config.Path) { p.Observation = "" }), ``},
		{"expected by the entry alone", path(func(p *config.Path) { p.Observation, p.ExpectRoutes = "", []string{"10.128.0.0/10", "2001:db8::/32"} }), ``},
		{"not the path's", hop("propagated:tgw-attach-0b"), e0 + `.nextHops.primary: "propagated:tgw-attach-0b" is not the attachment of path "primary", tgw-attach-0a; write propagated:tgw-attach-0a, or give the entry's path another attachment`},
		{"both learned", learns(func(c *config.Config) { entry(c).NextHops["backup"] = "propagated:tgw-attach-0b" }), e0 + `.nextHops: "primary, backup" are paths whose routes in this table are all learned, so BGP chooses between them and Detour cannot; write mode: observe, which reports what BGP chose, or keep one of them propagated`},
		{"both learned, to be reported", learns(func(c *config.Config) {
			entry(c).NextHops["backup"] = "propagated:tgw-attach-0b"
			group(c).Mode = "observe"
		}), ``},
		{"a prefix list", learns(func(c *config.Config) { entry(c).Destination = "pl-1" }), e0 + `.nextHops.primary: "propagated:tgw-attach-0a" is a learned route, and BGP teaches no prefix list; write the CIDR blocks of the list, each as an entry of one unit`},
		{"an appliance", learns(func(c *config.Config) {
			p := config.NewPathOf("appliance")
			p.Name, p.Interface, p.Instance, p.Checks = "primary", "eni-1", "i-1", []config.PathCheck{{Alarm: "box", OnBox: true}}
			group(c).Paths[0] = p
		}), e0 + `.nextHops.primary: "propagated:tgw-attach-0a" is a learned route, and a path of kind appliance has no attachment of its own that teaches any; write a target for a static, or a path of kind vpn, connect or attachment`},
		{"a VPN connection of two attachments", learns(func(c *config.Config) {
			entry(c).NextHops = map[string]string{"primary": "propagated:tgw-attach-0a", "backup": "tgw-attach-0b"}
			second := *entry(c)
			second.Destination = "10.9.0.0/16"
			second.NextHops = map[string]string{"primary": "propagated:tgw-attach-0a", "backup": "propagated:tgw-attach-0c"}
			third := second
			third.Destination, third.NextHops = "10.10.0.0/16", map[string]string{"primary": "tgw-attach-0d", "backup": "propagated:tgw-attach-0b"}
			group(c).Units[0].Entries = append(group(c).Units[0].Entries, third)
			group(c).Units[0].Entries = append(group(c).Units[0].Entries, config.Entry{
				Table: "tgw-rtb-01", Account: second.Account, Region: second.Region, Destination: "10.11.0.0/16",
				NextHops: map[string]string{"primary": "tgw-attach-0d", "backup": "propagated:tgw-attach-0c"},
			})
		}), g0 + `.units[0].entries[2].nextHops.backup: "propagated:tgw-attach-0c" names another attachment than path "backup" does elsewhere, tgw-attach-0b, and a VPN connection has one; write the same attachment in all next hops of the path`},

		{"observed in a VPC table", path(func(p *config.Path) { p.Observation = "rtb-0f" }), p0 + `.observation: "rtb-0f" is a VPC route table, and no attachment propagates into one; write tgw-rtb-… of the transit gateway that has the attachment`},
		{"observed nowhere", path(func(p *config.Path) { p.Observation = "seen" }), p0 + `.observation: "seen" is not a route table id; write tgw-rtb-… for a transit gateway route table or rtb-… for a VPC route table`},
		{"observed among entries", path(func(p *config.Path) { p.Observation = "tgw-rtb-01" }), p0 + `.observation: "tgw-rtb-01" has entries, ` + e0 + `, and a static route there would hide what the table is to show; ` + own},
		{"observed without need", learns(func(c *config.Config) { entry(c).NextHops["primary"] = "tgw-attach-0z" }), p0 + `.observation: "tgw-rtb-0f" has no effect, since the path expects no learned route; write expectRoutes:, or a next hop propagated:tgw-attach-0a, or remove it`},
		{"VPN observed without need", func(c *config.Config) { group(c).Paths[0].Observation = "tgw-rtb-0f" }, p0 + `.observation: "tgw-rtb-0f" has no effect, since no next hop of the path is propagated; write a next hop propagated:tgw-attach-…, or remove it`},
		{"two attachments in one table", learns(func(c *config.Config) {
			group(c).Paths[1].Observation = "tgw-rtb-0f"
			second := *entry(c)
			second.Destination = "10.9.0.0/16"
			second.NextHops = map[string]string{"primary": "tgw-attach-0d", "backup": "propagated:tgw-attach-0b"}
			group(c).Units[0].Entries = append(group(c).Units[0].Entries, second)
		}), p1 + `.observation: "tgw-rtb-0f" is the observation table of another attachment too, tgw-attach-0a (` + p0 + `.observation), and each would hide routes of the other; write a route table for each attachment`},

		{"expected nowhere", learns(func(c *config.Config) {
			group(c).Paths[0].Observation, group(c).Paths[0].ExpectRoutes = "", []string{"10.128.0.0/10"}
			entry(c).NextHops["primary"] = "tgw-attach-0z"
		}), p0 + `.expectRoutes: "10.128.0.0/10" could be read nowhere, since the path has no observation table and no next hop of it is propagated; write observation: and a transit gateway route table into which only this attachment propagates`},
		{"expected of a list", path(func(p *config.Path) { p.ExpectRoutes = []string{"pl-1"} }), p0 + `.expectRoutes[0]: "pl-1" is a prefix list, and BGP teaches CIDR blocks; write the CIDR blocks that the peer announces`},
		{"expected twice", path(func(p *config.Path) { p.ExpectRoutes = []string{"10.0.0.0/8", "10.0.0.0/8"} }), p0 + `.expectRoutes[1]: "10.0.0.0/8" is listed twice, first at ` + p0 + `.expectRoutes[0]; remove one of the two`},
		{"expected with host bits", path(func(p *config.Path) { p.ExpectRoutes = []string{"10.0.0.1/8"} }), p0 + `.expectRoutes[0]: "10.0.0.1/8" has host bits set; write 10.0.0.0/8`},
		{"too much expected", path(func(p *config.Path) { p.ExpectRoutes = make([]string, 101) }), p0 + `.expectRoutes: there are 101 routes; write at most 100, those that prove the rest`},
		{"expected of a VPN connection", func(c *config.Config) { group(c).Paths[0].ExpectRoutes = []string{"10.0.0.0/8"} }, p0 + `.expectRoutes: "10.0.0.0/8" has no effect on a path of kind vpn; remove it, or correct the kind`},
		{"an appliance observed", func(c *config.Config) {
			withPaths("appliance")(c)
			group(c).Paths[0].Observation = "tgw-rtb-0f"
		}, p0 + `.observation: "tgw-rtb-0f" has no effect on a path of kind appliance; remove it, or correct the kind`},
	})
}

func TestWhatAPathLearnsIsBuilt(t *testing.T) {
	c := sample()
	learning(&c)
	group(&c).Paths[0].ExpectRoutes = []string{"10.200.0.0/16", "10.1.0.0/16"}
	entry(&c).Account, entry(&c).Region = "444455556666", "eu-west-1"
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatal(problems)
	}
	spec := c.Groups()[0].Paths[0].Spec
	if spec.Attachment != "tgw-attach-0a" {
		t.Errorf("attachment %q", spec.Attachment)
	}
	table := health.Subject{Kind: health.SubjectRouteTable, ID: "tgw-rtb-0f", Account: "444455556666", Region: "eu-west-1"}
	if spec.Observation != table {
		t.Errorf("the observation table belongs to %+v, want the owner of the table with the propagated entry", spec.Observation)
	}
	if !slices.Contains(spec.Subjects(), table) {
		t.Error("nobody reads the observation table")
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.200.0.0/16")}
	if !slices.Equal(spec.Expect, want) {
		t.Errorf("expected %v, want %v", spec.Expect, want)
	}
	if hop := c.Groups()[0].Units[0].Entries[0].NextHop("primary"); hop != (route.NextHop{Kind: route.Propagated, ID: "tgw-attach-0a"}) {
		t.Errorf("next hop %v", hop)
	}

	c.TableList = []config.Table{{Name: "seen", ID: "tgw-rtb-0f", Account: "777788889999", Region: "eu-west-1"}}
	group(&c).Paths[0].Observation = "seen"
	if got := c.Groups()[0].Paths[0].Spec.Observation; got.Account != "777788889999" || got.ID != "tgw-rtb-0f" {
		t.Errorf("by name the observation table is %+v", got)
	}
}
