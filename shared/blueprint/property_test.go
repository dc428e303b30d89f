package blueprint_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/blueprint"
	"detour/shared/config"
)

var (
	accounts = []string{"111122223333", "444455556666", "777788889999"}
	regions  = []string{"eu-central-1", "eu-west-1", "us-west-2"}
)

// draw is a configuration of a few groups in a few accounts and Regions, each
// resource with an owner of its own.
func draw(t *rapid.T) config.Config {
	c := config.New()
	n := 0
	id := func(marker string) string { n++; return fmt.Sprintf("%s%03d", marker, n) }
	account := func(label string) string { return rapid.SampledFrom(accounts).Draw(t, label) }
	region := func(label string) string { return rapid.SampledFrom(regions).Draw(t, label) }
	c.NetworkManager = config.NetworkManager{Account: accounts[0], Region: regions[2]}
	if rapid.Bool().Draw(t, "no events of Network Manager") {
		c.NetworkManager = config.NetworkManager{Region: config.NoRegion}
	}
	if rapid.Bool().Draw(t, "never touch") {
		c.Never.Destinations = []string{"192.0.2.0/24"}
	}
	for range rapid.IntRange(1, 4).Draw(t, "groups") {
		g := config.NewGroup()
		g.Name = id("group-")
		g.Mode = rapid.SampledFrom([]string{"observe", "enforce"}).Draw(t, "mode")
		g.Home = config.Home{Account: account("home"), Region: region("home in")}
		for range 2 {
			g.Paths = append(g.Paths, drawPath(t, id, account("path"), region("path in")))
		}
		for range rapid.IntRange(1, 3).Draw(t, "entries") {
			g.Units = append(g.Units, config.Unit{Entries: []config.Entry{drawEntry(t, &c, id, g.Paths, account("table"), region("table in"))}})
		}
		c.GroupList = append(c.GroupList, g)
	}
	if problems := config.Check(c); len(problems) > 0 {
		t.Fatal(config.Problems(problems))
	}
	return c
}

func drawPath(t *rapid.T, id func(string) string, account, region string) config.Path {
	p := config.NewPathOf(rapid.SampledFrom([]string{"vpn", "connect", "appliance", "attachment"}).Draw(t, "kind"))
	p.Name, p.Account, p.Region = id("path-"), account, region
	switch p.Kind {
	case "vpn":
		p.VPN = id("vpn-")
	case "connect":
		p.Attachment, p.Peers = id("tgw-attach-"), []string{id("tgw-connect-peer-")}
	case "appliance":
		p.Interface, p.Instance = id("eni-"), id("i-")
	case "attachment":
		p.Attachment = id("tgw-attach-")
	}
	if p.Kind == "appliance" || p.Kind == "attachment" || rapid.Bool().Draw(t, "check") {
		p.Checks = []config.PathCheck{{Alarm: id("alarm-"), Pinned: "198.51.100.1", Via: "rtb-via"}}
		if rapid.Bool().Draw(t, "check elsewhere") {
			p.Checks[0].Account, p.Checks[0].Region = rapid.SampledFrom(accounts).Draw(t, "alarm"), "us-east-1"
		}
	}
	return p
}

func drawEntry(t *rapid.T, c *config.Config, id func(string) string, paths []config.Path, account, region string) config.Entry {
	e := config.Entry{Table: id("rtb-"), Account: account, Region: region, Destination: "10.1.0.0/16", NextHops: map[string]string{}}
	marker := "tgw-"
	if rapid.Bool().Draw(t, "transit gateway") {
		e.Table, marker = "tgw-"+e.Table, "tgw-attach-"
	}
	if rapid.Bool().Draw(t, "prefix list") {
		e.Destination = id("pl-")
		if rapid.Bool().Draw(t, "foreign") {
			c.ListList = append(c.ListList, config.PrefixList{ID: e.Destination, Owner: rapid.SampledFrom(append(accounts, "AWS")).Draw(t, "owner"), Accept: true})
		}
	}
	for i, p := range paths {
		e.NextHops[p.Name] = id(marker)
		if i == 1 && marker == "tgw-attach-" && rapid.Bool().Draw(t, "blackhole") {
			e.NextHops[p.Name] = "blackhole"
		}
	}
	return e
}

var writes = regexp.MustCompile(`^ec2:(Create|Replace|Modify|Delete|Enable|Disable)`)

// TestPropertyWritesAreExactlyWhatIsDeclared: for each home and account, the
// resources of the statements that write are the declared ones, found here
// without the package, and none of them has a wildcard.
func TestPropertyWritesAreExactlyWhatIsDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		b, err := blueprint.New(c, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		owners := map[string]string{}
		for _, list := range c.ListList {
			owners[list.ID] = strings.ToLower(list.Owner)
		}
		want := map[string][]string{} // by home and account: "CALL ARN"
		for _, g := range c.GroupList {
			for _, u := range g.Units {
				for _, e := range u.Entries {
					key := g.Home.Account + " " + g.Home.Region + " " + e.Account
					want[key] = append(want[key], declared(g, e, owners)...)
				}
			}
		}
		got := map[string][]string{}
		add := func(home blueprint.Site, account string, lines []string) {
			if len(lines) > 0 {
				got[home.Account+" "+home.Region+" "+account] = lines
			}
		}
		for _, h := range b.Homes {
			one, other := written(h.Functions[0].Statements), written(h.Functions[1].Statements)
			if !slices.Equal(one, other) {
				t.Fatalf("the functions of %s write different things", h)
			}
			add(h.Site, h.Account, one)
		}
		for _, a := range b.Access {
			add(a.Home, a.Account, written(a.Statements))
		}
		for key, lines := range want {
			slices.Sort(lines)
			want[key] = slices.Compact(lines)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}

// written returns what the statements let somebody write, sorted, each as the call
// and an ARN.
func written(statements []blueprint.Statement) (out []string) {
	for _, s := range statements {
		for _, action := range s.Actions {
			if !writes.MatchString(action) {
				continue
			}
			for _, resource := range s.Resources {
				out = append(out, action+" "+resource)
			}
		}
	}
	slices.Sort(out)
	return out
}

// declared returns the writes of an entry, each as the call and an ARN that it
// touches.
func declared(g config.Group, e config.Entry, owners map[string]string) []string {
	arn := func(account, rest string) string { return "arn:aws:ec2:" + e.Region + ":" + account + ":" + rest }
	both := func(create, replace string, of ...string) (out []string) {
		for _, resource := range of {
			out = append(out, "ec2:"+create+" "+resource, "ec2:"+replace+" "+resource)
		}
		return out
	}
	if strings.HasPrefix(e.Table, "rtb-") {
		return both("CreateRoute", "ReplaceRoute", arn(e.Account, "route-table/"+e.Table))
	}
	of := []string{arn(e.Account, "transit-gateway-route-table/"+e.Table)}
	for _, p := range g.Paths {
		if hop := e.NextHops[p.Name]; hop != "blackhole" {
			of = append(of, arn(p.Account, "transit-gateway-attachment/"+hop))
		}
	}
	if !strings.HasPrefix(e.Destination, "pl-") {
		return both("CreateTransitGatewayRoute", "ReplaceTransitGatewayRoute", of...)
	}
	owner := e.Account
	if owners[e.Destination] != "" {
		owner = owners[e.Destination]
	}
	return both("CreateTransitGatewayPrefixListReference", "ModifyTransitGatewayPrefixListReference", append(of, arn(owner, "prefix-list/"+e.Destination))...)
}

// TestPropertyStatements: sorted, each with a Sid of its own, something to allow,
// and a reason for every wildcard; none in a write.
func TestPropertyStatements(t *testing.T) {
	sid := regexp.MustCompile(`^[0-9A-Za-z]+$`)
	rapid.Check(t, func(t *rapid.T) {
		b, err := blueprint.New(draw(t), blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for role, statements := range allStatements(b) {
			for i, s := range statements {
				wild := slices.ContainsFunc(s.Resources, func(r string) bool { return strings.Contains(r, "*") })
				switch {
				case !sid.MatchString(s.Sid), i > 0 && statements[i-1].Sid >= s.Sid:
					t.Fatalf("%s: Sid %q", role, s.Sid)
				case len(s.Actions) == 0, !slices.IsSorted(s.Actions), len(s.Resources) == 0, !slices.IsSorted(s.Resources):
					t.Fatalf("%s: %+v", role, s)
				case len(slices.Compact(slices.Clone(s.Resources))) < len(s.Resources):
					t.Fatalf("%s: twice in %v", role, s.Resources)
				case wild != (s.Reason != ""):
					t.Fatalf("%s: %s has wildcard %t and reason %q", role, s.Sid, wild, s.Reason)
				case wild && slices.ContainsFunc(s.Actions, writes.MatchString):
					t.Fatalf("%s: %s writes %v", role, s.Sid, s.Resources)
				case slices.ContainsFunc(s.Actions, func(a string) bool {
					return strings.Contains(a, "*") || strings.Contains(a, "Delete") && a != "sqs:DeleteMessage" && a != "logs:DeleteLogDelivery" && !strings.HasPrefix(s.Sid, "Delete")
				}):
					t.Fatalf("%s: %v", role, s.Actions)
				}
			}
		}
	})
}

// TestPropertyEventsReachTheirHomes: what the groups of a home depend on is heard
// there, from where it happens and from nowhere else.
func TestPropertyEventsReachTheirHomes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		b, err := blueprint.New(c, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, g := range c.GroupList {
			home := blueprint.Site(g.Home)
			hear := func(pattern, account, region string) {
				want[fmt.Sprintf("%s from %s-%s at %s", pattern, account, region, home)] = true
			}
			status, routing := false, false
			for _, p := range g.Paths {
				status = status || p.Kind != "appliance"
				if p.Kind == "vpn" {
					hear("aws-health.json", p.Account, p.Region)
					hear("cloudwatch-alarm.json", p.Account, p.Region)
				}
				for _, check := range p.Checks {
					hear("cloudwatch-alarm.json", orElse(check.Account, p.Account), orElse(check.Region, p.Region))
				}
			}
			for _, u := range g.Units {
				hear("cloudtrail-routes.json", u.Entries[0].Account, u.Entries[0].Region)
				routing = routing || strings.HasPrefix(u.Entries[0].Table, "tgw-")
			}
			if at := c.NetworkManager; at.Region != config.NoRegion {
				if status {
					hear("network-manager-status.json", at.Account, at.Region)
				}
				if routing {
					hear("network-manager-routing.json", at.Account, at.Region)
				}
			}
		}
		// What is wanted at home itself needs a rule there and no forwarding.
		heard := map[string]bool{}
		for _, h := range b.Homes {
			for _, pattern := range h.Patterns {
				if line := fmt.Sprintf("%s from %s at %s", pattern, h, h); want[line] {
					heard[line] = true
				}
			}
		}
		for _, f := range b.Forwards {
			for _, r := range f.Rules {
				for _, to := range r.Homes {
					heard[fmt.Sprintf("%s from %s at %s", r.Pattern, f, to)] = true
					i := slices.IndexFunc(b.Homes, func(h blueprint.Home) bool { return h.Site == to })
					if to == f.Site || i < 0 || !slices.Contains(b.Homes[i].Patterns, r.Pattern) {
						t.Fatalf("%s forwards %s to %s", f, r.Pattern, to)
					}
					if slices.Contains(b.Homes[i].From, f.Account) != (f.Account != to.Account) {
						t.Fatalf("%s forwards to %s, which takes events of %v", f, to, b.Homes[i].From)
					}
				}
			}
		}
		if !reflect.DeepEqual(heard, want) {
			t.Fatalf("heard %v\nwant  %v", heard, want)
		}
	})
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// TestPropertyEqualForEqualInput: also for the normalized form, and whatever the
// order in which groups stand.
func TestPropertyEqualForEqualInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		b, err := blueprint.New(c, blueprint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			other := c.Normalize()
			other.GroupList = rapid.Permutation(other.GroupList).Draw(t, "order")
			again, err := blueprint.New(other, blueprint.Options{})
			if err != nil || !reflect.DeepEqual(again, b) {
				t.Fatalf("%+v, %v\nwant %+v", again, err, b)
			}
		}
		if !slices.IsSortedFunc(b.Homes, func(x, y blueprint.Home) int { return x.Compare(y.Site) }) ||
			!slices.IsSortedFunc(b.Forwards, func(x, y blueprint.Forward) int { return x.Compare(y.Site) }) ||
			!slices.IsSortedFunc(b.Access, func(x, y blueprint.Access) int {
				return strings.Compare(x.Account+x.Home.String(), y.Account+y.Home.String())
			}) {
			t.Fatal("not sorted")
		}
	})
}
