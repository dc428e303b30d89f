package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/protection"
	"detour/shared/route"
)

// surveyed is the input for a survey of a group that stands on A and would move to
// B, in surroundings in which nobody hears anything.
func surveyed(g *protection.Group, stand tables, extra ...route.Route) SurveyInput {
	in := SurveyInput{Group: g, Lists: listsOf(g), Quotas: Quotas{VPCRoutes: 500, TransitGatewayRoutes: 10_000}}
	in.Readings = stand.readings(g)
	for i := range in.Readings {
		for _, r := range extra {
			if r.Table == in.Readings[i].Table {
				in.Readings[i].Routes = append(in.Readings[i].Routes, r)
			}
		}
		if table := in.Readings[i].Table; table.Kind == route.TransitGatewayTable {
			in.Surroundings.Tables = append(in.Surroundings.Tables, TableSurroundings{Table: table, TransitGateway: "tgw-1", Complete: true})
		}
	}
	return in.again()
}

// again makes standing and plan anew, after the input was changed.
func (in SurveyInput) again() SurveyInput {
	in.Standing = Standing(in.Group, in.Readings, in.Lists, NeverTouch{})
	in.Plan = Build(in.Group, decided("A", "B", in.Group.Steps()), nil, in.Standing)
	return in
}

func found(in SurveyInput, kinds ...NoteKind) []string {
	out := []string{}
	for _, n := range Survey(in) {
		if len(kinds) == 0 || slices.Contains(kinds, n.Kind) {
			out = append(out, string(n.Level)+" "+string(n.Kind)+": "+n.Text)
		}
	}
	return out
}

func wantNotes(t *testing.T, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("notes:\n%s\nwant:\n%s", g, w)
	}
}

func extraRoute(table route.Table, destination, hop string, origin route.Origin) route.Route {
	return route.Route{Table: table, Destination: route.MustDestination(destination), NextHop: route.MustNextHop(hop), Origin: origin, State: route.StateActive}
}

func TestSurveyOfAGroupThatWantsNothing(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	wantNotes(t, found(surveyed(group(keys(a)), tables{a: hopOf("A")})),
		"info switchover: a switchover to B takes 1 call",
		"info switchover: a switchover to C takes 1 call",
	)
}

// TestSurveyOfWhatASwitchoverCosts: creates are told where there are any, and the
// time where the burst does not cover it.
func TestSurveyOfWhatASwitchoverCosts(t *testing.T) {
	var entries []protection.EntryKey
	for n := range 60 {
		entries = append(entries, key(tgwTable(1), fmt.Sprintf("10.%d.0.0/16", n)))
	}
	stand := tables{}
	for _, entry := range entries[1:] {
		stand[entry] = hopOf("A")
	}
	wantNotes(t, found(surveyed(group(keys(entries...)), stand), NoteSwitchover),
		"info switchover: a switchover to A takes 1 call, 1 of them to create",
		"info switchover: a switchover to B takes 60 calls, 1 of them to create; the request buckets spread them over 1.8s",
		"info switchover: a switchover to C takes 60 calls, 1 of them to create; the request buckets spread them over 1.8s",
	)
}

func TestSurveyOfWhoHears(t *testing.T) {
	vpn := Attachment{ID: "tgw-attach-paris", Type: "vpn", Resource: "vpn-paris", BGP: true}
	static := Attachment{ID: "tgw-attach-rome", Type: "vpn", Resource: "vpn-rome"}
	direct := Attachment{ID: "tgw-attach-dx", Type: "direct-connect-gateway", Resource: "5f3a", BGP: true}
	self := Attachment{ID: hopOf("B").ID, Type: "connect", BGP: true}
	a, b, c, d := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(1), "10.64.0.0/16"), key(tgwTable(1), "10.65.0.0/16"), key(tgwTable(1), "pl-1")
	g := group(keys(a, b, c, d))
	in := func(stand tables, associated ...Attachment) SurveyInput {
		out := surveyed(g, stand)
		out.Surroundings.Tables[0].Associated = associated
		return out
	}
	all := tables{a: hopOf("A"), b: hopOf("A"), c: hopOf("A"), d: hopOf("A")}
	heard := func(in SurveyInput) []string { return found(in, NoteHeard, NoteOwnPrefix, NoteUnread) }
	t.Run("nobody hears of a static that is replaced", func(t *testing.T) {
		wantNotes(t, heard(in(all, vpn, static, direct)))
	})
	t.Run("those that speak BGP hear of new ones", func(t *testing.T) {
		wantNotes(t, heard(in(tables{}, vpn, static, direct)),
			"info heard-by-bgp-peer: direct-connect-gateway 5f3a (tgw-attach-dx) is associated with tgw-rtb-01 and hears of 4 new destinations by BGP as far as its allowed prefixes go: 10.0.0.0/8, 10.64.0.0/16, 10.65.0.0/16 and 1 more",
			"info heard-by-bgp-peer: vpn vpn-paris (tgw-attach-paris) is associated with tgw-rtb-01 and hears of 4 new destinations by BGP: 10.0.0.0/8, 10.64.0.0/16, 10.65.0.0/16 and 1 more",
		)
	})
	t.Run("a site hears its own prefix", func(t *testing.T) {
		stand := tables{a: hopOf("A"), b: hopOf("B"), c: hopOf("B"), d: hopOf("B")}
		wantNotes(t, heard(in(stand, self)),
			"warning site-hears-own-prefix: connect tgw-attach-B is the next hop of 1 destination in tgw-rtb-01, and hears of them from there: its site may send what is its own to AWS: 10.0.0.0/8")
	})
	t.Run("nothing is said of a blackhole", func(t *testing.T) {
		input := in(tables{}, vpn)
		for i := range input.Plan.Changes {
			input.Plan.Changes[i].After = hole
		}
		wantNotes(t, heard(input))
	})
	t.Run("what could not be read is said", func(t *testing.T) {
		const want = "warning unread: what is associated with tgw-rtb-01 could not be read, so it is not known who would hear its routes"
		input := in(tables{}, vpn)
		input.Surroundings.Tables[0].Complete = false
		if got := heard(input); !slices.Contains(got, want) {
			t.Errorf("%q", got)
		}
		input.Surroundings = Surroundings{}
		wantNotes(t, heard(input), want)
	})
}

func TestSurveyOfWhatDoesNotFollow(t *testing.T) {
	wide, inner := key(vpcTable(1), "10.0.0.0/8"), key(vpcTable(1), "10.5.0.0/16")
	list := key(tgwTable(1), "pl-1") // 172.16.0.0/16 and 172.18.0.0/16
	lan := func(d string, origin route.Origin) route.Route { return extraRoute(wide.Table, d, "tgw-1", origin) }
	tgw := func(d string, origin route.Origin) route.Route {
		return extraRoute(list.Table, d, "tgw-attach-x", origin)
	}
	tests := []struct {
		name  string
		group *protection.Group
		extra []route.Route
		want  []string
	}{
		{"nothing is more specific", group(keys(wide)), []route.Route{lan("0.0.0.0/0", route.OriginStatic), lan("11.0.0.0/8", route.OriginStatic), lan("::/0", route.OriginStatic)}, nil},
		{"a static and a learned route are", group(keys(wide)), []route.Route{lan("10.9.0.0/16", route.OriginPropagated), lan("10.1.0.0/16", route.OriginStatic)}, []string{
			"warning shadowed: 10.0.0.0/8 in rtb-01 does not follow where other routes win (2): 10.1.0.0/16, 10.9.0.0/16",
		}},
		{"at the ends of the block", group(keys(wide)), []route.Route{lan("10.0.0.0/9", route.OriginStatic), lan("10.255.255.255/32", route.OriginStatic), lan("9.255.255.255/32", route.OriginStatic)}, []string{
			"warning shadowed: 10.0.0.0/8 in rtb-01 does not follow where other routes win (2): 10.0.0.0/9, 10.255.255.255/32",
		}},
		{"the same block learned does not win", group(keys(wide)), []route.Route{lan("10.0.0.0/8", route.OriginPropagated)}, nil},
		{"an entry of the group follows, too", group(keys(wide, inner)), nil, nil},
		{"the VPC's own block inside", group(keys(wide)), []route.Route{lan("10.1.0.0/16", route.OriginLocal)}, []string{
			"info shadowed: the VPC's own blocks inside 10.0.0.0/8 stay local in rtb-01: 10.1.0.0/16",
		}},
		{"inside the VPC's own block", group(keys(inner)), []route.Route{lan("10.0.0.0/8", route.OriginLocal)}, []string{
			"warning inside-local: rtb-01 10.5.0.0/16 lies inside 10.0.0.0/8, the VPC's own block: EC2 takes only whole subnets there, to an interface, a NAT gateway or an endpoint",
		}},
		{"a static wins against a list's equal block", group(keys(list)), []route.Route{tgw("172.16.0.0/16", route.OriginStatic), tgw("172.18.0.0/16", route.OriginPropagated), tgw("172.18.4.0/24", route.OriginPropagated), tgw("172.17.0.0/16", route.OriginStatic)}, []string{
			"warning shadowed: pl-1 in tgw-rtb-01 does not follow where other routes win (2): 172.16.0.0/16, 172.18.4.0/24",
		}},
		{"what a list's reference made is the group's own", group(keys(list, key(list.Table, "172.16.0.0/12"))), []route.Route{tgw("172.16.0.0/16", route.OriginPrefixListReference), tgw("172.18.0.0/16", route.OriginPrefixListReference)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantNotes(t, found(surveyed(tt.group, tables{}, tt.extra...), NoteShadowed, NoteInsideLocal), tt.want...)
		})
	}
}

func TestSurveyOfHeadroom(t *testing.T) {
	four, six, list := key(vpcTable(1), "10.0.0.0/8"), key(vpcTable(1), "2001:db8::/32"), key(vpcTable(1), "pl-1")
	input := func(quota int, stand tables, extra ...route.Route) SurveyInput {
		in := surveyed(group(keys(four, six, list)), stand, extra...)
		in.Quotas.VPCRoutes = quota
		return in
	}
	headroom := func(in SurveyInput) []string { return found(in, NoteHeadroom, NoteUnread) }
	t.Run("a list weighs its MaxEntries", func(t *testing.T) {
		wantNotes(t, headroom(input(500, tables{})),
			"info headroom: the worst switchover brings rtb-01 to 11 of 500 static IPv4 routes (0 stand)")
	})
	t.Run("what stands is replaced and adds nothing", func(t *testing.T) {
		wantNotes(t, headroom(input(11, tables{four: hopOf("A"), six: hopOf("A"), list: hopOf("A")})),
			"info headroom: the worst switchover brings rtb-01 to 11 of 11 static IPv4 routes (11 stand)")
	})
	t.Run("learned and local routes do not count, others do", func(t *testing.T) {
		wantNotes(t, headroom(input(500, tables{},
			extraRoute(four.Table, "192.0.2.0/24", "vgw-1", route.OriginPropagated), extraRoute(four.Table, "10.1.0.0/16", "local", route.OriginLocal),
			extraRoute(four.Table, "0.0.0.0/0", "igw-1", route.OriginStatic), extraRoute(four.Table, "::/0", "igw-1", route.OriginStatic))),
			"info headroom: the worst switchover brings rtb-01 to 12 of 500 static IPv4 routes (1 stand)")
	})
	t.Run("one route too many, in each family", func(t *testing.T) {
		wantNotes(t, headroom(input(0, tables{})),
			"warning headroom: the worst switchover brings rtb-01 to 11 of 0 static IPv4 routes (0 stand): EC2 refuses the rest; raise the quota or remove routes",
			"warning headroom: the worst switchover brings rtb-01 to 1 of 0 static IPv6 routes (0 stand): EC2 refuses the rest; raise the quota or remove routes")
		wantNotes(t, headroom(input(11, tables{})),
			"info headroom: the worst switchover brings rtb-01 to 11 of 11 static IPv4 routes (0 stand)")
	})
	t.Run("a list without entries counts for both families", func(t *testing.T) {
		in := input(5, tables{})
		in.Lists[0].Entries = nil
		if got := headroom(in); len(got) != 2 || !strings.Contains(got[1], "to 11 of 5 static IPv6") {
			t.Errorf("%q", got)
		}
	})
	t.Run("the worst of the paths counts", func(t *testing.T) {
		in := input(500, tables{})
		learned := route.NextHop{Kind: route.Propagated, ID: "tgw-attach-p"}
		for e := range in.Group.Units[0].Entries { // On A all routes are learned, on C the first one.
			in.Group.Units[0].Entries[e].NextHops[0].NextHop = learned
		}
		in.Group.Units[0].Entries[0].NextHops[2].NextHop = learned
		wantNotes(t, headroom(in.again()),
			"info headroom: the worst switchover brings rtb-01 to 11 of 500 static IPv4 routes (0 stand)")
	})
	t.Run("the routes of a transit gateway", func(t *testing.T) {
		a, b := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(2), "pl-1")
		in := surveyed(group(keys(a, b)), tables{})
		in.Quotas.TransitGatewayRoutes = 100
		in.Surroundings.Gateways = []GatewayUse{{ID: "tgw-1", Routes: 89, Complete: true}, {ID: "tgw-2"}}
		wantNotes(t, headroom(in),
			"warning unread: the routes of tgw-2 could not be counted, so its headroom is not known",
			"info headroom: the worst switchover brings tgw-1 to 100 of 100 routes (89 stand)")
		in.Surroundings.Gateways = []GatewayUse{{ID: "tgw-1", Routes: 90, Complete: true}}
		wantNotes(t, headroom(in),
			"warning headroom: the worst switchover brings tgw-1 to 101 of 100 routes (90 stand): EC2 refuses the rest; raise the quota or remove routes")
	})
}

func TestSurveyOfWhatIsLeftAloneAndShared(t *testing.T) {
	foreign, never, list, ipam := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(1), "10.1.0.0/16"), key(vpcTable(1), "pl-1"), key(vpcTable(1), "pl-2")
	g := group(keys(foreign, never, list, ipam))
	in := surveyed(g, tables{foreign: strangeHop, never: hopOf("A"), list: hopOf("A"), ipam: hopOf("A")})
	in.Lists[0].Owner, in.Lists[1].IPAM = "444455556666", true
	in.Standing = Standing(g, in.Readings, in.Lists, NeverTouch{Destinations: []route.Destination{never.Destination}})
	other := group(keys(key(vpcTable(1), "192.168.0.0/16"), key(vpcTable(2), "192.168.0.0/16")))
	other.Name = "paris"
	in.Others = []*protection.Group{g, other}
	kinds := []NoteKind{NoteForeign, NoteNeverTouch, NoteBlocked, NoteList, NoteShared}
	wantNotes(t, found(in, kinds...),
		"warning blocked: rtb-01 pl-1 is not written, and holds up its unit: account 444455556666 owns the list; accept it in prefixLists, or use a list of account 111122223333",
		"warning blocked: rtb-01 pl-2 is not written, and holds up its unit: an IPAM resolver may rewrite the list at any time",
		"warning never-touch: tgw-rtb-01 10.1.0.0/16 is covered by neverTouch and is not written",
		"warning foreign: tgw-rtb-01 10.0.0.0/8 points to tgw-attach-somebody, which is none of the group's next hops, and is left alone",
		"info prefix-list: pl-1 (account 444455556666) is planned in version 7 with 2 entries; it weighs 10 in the quota of each table, and later versions follow by themselves",
		"info prefix-list: pl-2 (account 111122223333) is planned in version 7 with 2 entries; it weighs 10 in the quota of each table, and later versions follow by themselves",
		"info shared-table: group paris has entries in rtb-01, too",
	)
	g.TakeOver = true
	if got := found(in, NoteForeign); len(got) != 1 || !strings.HasSuffix(got[0], "a switchover overwrites it, since the group has takeOver") {
		t.Errorf("%q", got)
	}
	in.Lists[0].Complete, in.Lists[0].Problem, in.Lists = false, route.ProblemDenied, in.Lists[:1]
	in.Standing = Standing(g, in.Readings, in.Lists, NeverTouch{})
	wantNotes(t, found(in, NoteBlocked, NoteList),
		"warning blocked: rtb-01 pl-1 is not written, and holds up its unit: the list could not be read (denied)",
		"warning blocked: rtb-01 pl-2 is not written, and holds up its unit: the list was not read")
}

func TestSurveyOfAnIncompleteReading(t *testing.T) {
	a := key(vpcTable(1), "10.0.0.0/8")
	in := surveyed(group(keys(a)), tables{})
	in.Readings = nil
	wantNotes(t, found(in.again()), "warning unread: rtb-01 could not be read whole, so nothing is planned")
}

// TestPropertyShadowingIsFoundAsByHand compares the search by address with a
// look at every route.
func TestPropertyShadowingIsFoundAsByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) netip.Prefix {
			addr := netip.AddrFrom4([4]byte{10, rapid.SampledFrom([]byte{0, 64, 128, 255}).Draw(t, label), rapid.SampledFrom([]byte{0, 255}).Draw(t, label), 0})
			return netip.PrefixFrom(addr, rapid.IntRange(0, 32).Draw(t, label)).Masked()
		}
		var routes []route.Route
		for range rapid.IntRange(0, 12).Draw(t, "routes") {
			origin := rapid.SampledFrom([]route.Origin{route.OriginStatic, route.OriginPropagated, route.OriginLocal}).Draw(t, "origin")
			routes = append(routes, route.Route{Table: vpcTable(1), Destination: route.CIDR(draw("route")), Origin: origin})
		}
		block, list := draw("block"), rapid.Bool().Draw(t, "list")
		want := map[string]int{}
		for _, r := range routes {
			prefix := r.Destination.Prefix()
			if prefix.Bits() > block.Bits() && block.Contains(prefix.Addr()) || list && prefix == block && r.Origin == route.OriginStatic {
				want[fmt.Sprint(r)]++
			}
		}
		got := map[string]int{}
		for _, r := range newByAddress(routes, nil).winsInside(block, list) {
			got[fmt.Sprint(r)]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %v, want %v", block, got, want)
		}
	})
}

func TestPropertyNotesAreSortedAndRepeatable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		in := surveyed(d.group, d.tables)
		in.Lists = d.lists
		in = in.again()
		first := Survey(in)
		if !slices.IsSortedFunc(first, Note.Compare) || !slices.Equal(first, Survey(in)) {
			t.Fatalf("%+v", first)
		}
	})
}
