package awsec2

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/health"
	"detour/shared/route"
)

func searchAnswer(next string, more bool, routes ...string) string {
	return fmt.Sprintf("<SearchTransitGatewayRoutesResponse><routeSet>%s</routeSet><additionalRoutesAvailable>%t</additionalRoutesAvailable>%s</SearchTransitGatewayRoutesResponse>",
		strings.Join(routes, ""), more, nextToken(next))
}

func nextToken(next string) string {
	if next == "" {
		return ""
	}
	return "<nextToken>" + next + "</nextToken>"
}

func tgwItem(destination, kind, state, extra string, attachments ...string) string {
	refs := ""
	for _, id := range attachments {
		refs += "<item><transitGatewayAttachmentId>" + id + "</transitGatewayAttachmentId></item>"
	}
	return fmt.Sprintf("<item><destinationCidrBlock>%s</destinationCidrBlock><transitGatewayAttachments>%s</transitGatewayAttachments><type>%s</type><state>%s</state>%s</item>",
		destination, refs, kind, state, extra)
}

func TestReadTransitGatewayMapsRoutes(t *testing.T) {
	doer := answers(200, searchAnswer("", false,
		tgwItem("10.3.0.0/16", "propagated", "active", "", "tgw-attach-b", "tgw-attach-a"),
		tgwItem("10.1.0.0/16", "static", "active", "", "tgw-attach-a"),
		tgwItem("10.2.0.0/16", "static", "blackhole", ""),
		tgwItem("10.4.0.0/16", "propagated", "active", "<prefixListId>pl-1</prefixListId>", "tgw-attach-a"),
		tgwItem("10.5.0.0/16", "propagated", "blackhole", "<prefixListId>pl-2</prefixListId>"),
		tgwItem("10.6.0.0/16", "static", "blackhole", "", "tgw-attach-vpn"),
		tgwItem("10.7.0.0/16", "propagated", "active", ""),
		tgwItem("2001:db8::/32", "static", "pending", "", "tgw-attach-a"),
	))
	got := client(doer).Tables(nil).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})
	if len(got) != 1 || !got[0].Complete || got[0].Problem != route.NoProblem {
		t.Fatalf("got %+v", got)
	}
	cannedtest.Expect(t, lines(got[0].Routes), []string{
		"10.1.0.0/16 static transit-gateway-attachment/tgw-attach-a active",
		"10.2.0.0/16 static blackhole/blackhole blackhole",
		"10.3.0.0/16 propagated transit-gateway-attachment/tgw-attach-a,tgw-attach-b active",
		"10.4.0.0/16 prefix-list-reference transit-gateway-attachment/tgw-attach-a active",
		"10.5.0.0/16 prefix-list-reference blackhole/blackhole blackhole",
		"10.6.0.0/16 static transit-gateway-attachment/tgw-attach-vpn blackhole",
		"10.7.0.0/16 propagated unknown/ active",
		"2001:db8::/32 static transit-gateway-attachment/tgw-attach-a pending",
	})
	sent := doer.calls[0]
	if sent.Get("Filter.1.Name") != "type" || !slices.Equal(list(sent, "Filter.1.Value"), []string{"static", "propagated"}) || sent.Get("MaxResults") != "1000" {
		t.Errorf("sent %v", sent)
	}
}

func TestReadTransitGatewayPages(t *testing.T) {
	page := func(next string, more bool, n int) string {
		return searchAnswer(next, more, tgwItem(fmt.Sprintf("10.%d.0.0/16", n), "static", "active", "", "tgw-attach-a"))
	}
	for _, test := range []struct {
		name    string
		pages   map[string]string
		problem route.Problem
		routes  int
	}{
		{"all pages", map[string]string{"": page("p2", true, 1), "p2": page("p3", true, 2), "p3": page("", false, 3)}, route.NoProblem, 3},
		{"more without a token", map[string]string{"": page("p2", true, 1), "p2": page("", true, 2)}, route.ProblemMalformed, 2},
		{"a page that names itself", map[string]string{"": page("p2", true, 1), "p2": page("p2", true, 2)}, route.ProblemMalformed, 2},
		{"a page that fails", map[string]string{"": page("p2", true, 1), "p2": "throttle"}, route.ProblemThrottled, 1},
		{"a destination that does not parse", map[string]string{"": searchAnswer("", false, tgwItem("10.0.0.0/99", "static", "active", ""), tgwItem("10.1.0.0/16", "static", "active", ""))}, route.ProblemMalformed, 1},
		{"an unknown type", map[string]string{"": searchAnswer("", false, tgwItem("10.0.0.0/8", "magic", "active", ""))}, route.ProblemMalformed, 0},
		{"two statics of one destination", map[string]string{"": page("p2", true, 1), "p2": searchAnswer("", false, tgwItem("10.1.0.0/16", "static", "active", "", "tgw-attach-b"))}, route.ProblemMalformed, 2},
		{"the same route on two pages", map[string]string{"": page("p2", true, 1), "p2": page("", false, 1)}, route.NoProblem, 1},
		{"no XML", map[string]string{"": "<html"}, route.ProblemMalformed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			doer := &canned{answer: func(_ context.Context, params url.Values) (int, string, error) {
				body := test.pages[params.Get("NextToken")]
				if body == "throttle" {
					return 503, fault("RequestLimitExceeded"), nil
				}
				return 200, body, nil
			}}
			got := client(doer).Tables(nil).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
			if got.Problem != test.problem || got.Complete != (test.problem == route.NoProblem) || len(got.Routes) != test.routes {
				t.Errorf("got %+v, want problem %q and %d routes", got, test.problem, test.routes)
			}
		})
	}
}

func vpcItem(fields ...string) string {
	out := "<item>"
	for i := 0; i < len(fields); i += 2 {
		out += "<" + fields[i] + ">" + fields[i+1] + "</" + fields[i] + ">"
	}
	return out + "</item>"
}

func TestReadVPCMapsRoutes(t *testing.T) {
	static := func(n int, field, id string) string {
		return vpcItem("destinationCidrBlock", fmt.Sprintf("10.%d.0.0/16", n), field, id, "origin", "CreateRoute", "state", "active")
	}
	body := "<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-1</routeTableId><routeSet>" +
		vpcItem("destinationCidrBlock", "10.0.0.0/16", "gatewayId", "local", "origin", "CreateRouteTable", "state", "active") +
		vpcItem("destinationIpv6CidrBlock", "2001:db8::/56", "networkInterfaceId", "eni-1", "origin", "CreateRouteTable", "state", "active") +
		static(1, "transitGatewayId", "tgw-1") + static(2, "networkInterfaceId", "eni-1") + static(3, "natGatewayId", "nat-1") +
		static(4, "gatewayId", "igw-1") + static(5, "gatewayId", "vgw-1") + static(6, "gatewayId", "vpce-1") +
		static(7, "vpcPeeringConnectionId", "pcx-1") + static(8, "egressOnlyInternetGatewayId", "eigw-1") +
		static(9, "localGatewayId", "lgw-1") + static(10, "carrierGatewayId", "cagw-1") +
		static(11, "coreNetworkArn", "arn:core") + static(12, "odbNetworkArn", "arn:odb") +
		static(13, "newThingId", "new-1") + static(14, "gatewayId", "new-2") +
		vpcItem("destinationCidrBlock", "10.15.0.0/16", "instanceId", "i-1", "networkInterfaceId", "eni-2", "origin", "CreateRoute", "state", "blackhole") +
		vpcItem("destinationPrefixListId", "pl-1", "transitGatewayId", "tgw-1", "origin", "CreateRoute", "state", "active") +
		vpcItem("destinationCidrBlock", "10.1.0.0/16", "gatewayId", "vgw-1", "origin", "EnableVgwRoutePropagation", "state", "active") +
		vpcItem("destinationCidrBlock", "10.16.0.0/16", "ipAddress", "10.0.0.9", "origin", "Advertisement", "state", "filtered") +
		vpcItem("destinationCidrBlock", "10.17.0.0/16", "transitGatewayId", "tgw-1", "origin", "NewOrigin", "state", "active") +
		"</routeSet></item></routeTableSet></DescribeRouteTablesResponse>"
	got := client(answers(200, body)).Tables(nil).Read(t.Context(), []route.Table{vpcTable("rtb-1")})
	if len(got) != 1 || !got[0].Complete {
		t.Fatalf("got %+v", got)
	}
	cannedtest.Expect(t, lines(got[0].Routes), []string{
		"10.0.0.0/16 local local/local active",
		"10.1.0.0/16 propagated vpn-gateway/vgw-1 active",
		"10.1.0.0/16 static transit-gateway/tgw-1 active",
		"10.2.0.0/16 static network-interface/eni-1 active",
		"10.3.0.0/16 static nat-gateway/nat-1 active",
		"10.4.0.0/16 static internet-gateway/igw-1 active",
		"10.5.0.0/16 static vpn-gateway/vgw-1 active",
		"10.6.0.0/16 static vpc-endpoint/vpce-1 active",
		"10.7.0.0/16 static vpc-peering-connection/pcx-1 active",
		"10.8.0.0/16 static egress-only-internet-gateway/eigw-1 active",
		"10.9.0.0/16 static local-gateway/lgw-1 active",
		"10.10.0.0/16 static carrier-gateway/cagw-1 active",
		"10.11.0.0/16 static core-network/arn:core active",
		"10.12.0.0/16 static odb-network/arn:odb active",
		"10.13.0.0/16 static unknown/ active",
		"10.14.0.0/16 static unknown/new-2 active",
		"10.15.0.0/16 static network-interface/eni-2 blackhole",
		"10.16.0.0/16 propagated ip-address/10.0.0.9 filtered",
		"10.17.0.0/16 NewOrigin transit-gateway/tgw-1 active",
		"2001:db8::/56 static network-interface/eni-1 active",
		"pl-1 static transit-gateway/tgw-1 active",
	})
}

// vpcNetwork answers DescribeRouteTables for tables rtb-NNN, two to a page, and
// knows no table with "missing" in its id.
func vpcNetwork(_ context.Context, params url.Values) (int, string, error) {
	ids := list(params, "RouteTableId")
	slices.Sort(ids)
	for _, id := range ids {
		if strings.Contains(id, "missing") {
			return 400, fault("InvalidRouteTableID.NotFound"), nil
		}
	}
	ids = ids[sort(ids, params.Get("NextToken")):]
	next := ""
	if len(ids) > 2 {
		ids, next = ids[:2], ids[2]
	}
	body := ""
	for _, id := range ids {
		if strings.Contains(id, "silent") {
			continue
		}
		body += "<item><routeTableId>" + id + "</routeTableId><routeSet>" +
			vpcItem("destinationCidrBlock", "10.1.0.0/16", "transitGatewayId", "tgw-"+id, "origin", "CreateRoute", "state", "active") + "</routeSet></item>"
	}
	return 200, "<DescribeRouteTablesResponse><routeTableSet>" + body + "</routeTableSet>" + nextToken(next) + "</DescribeRouteTablesResponse>", nil
}

func sort(ids []string, from string) int {
	at, _ := slices.BinarySearch(ids, from)
	return at
}

func TestReadVPCPagesAndKeepsTheOrderAsked(t *testing.T) {
	doer := &canned{answer: vpcNetwork}
	tables := []route.Table{vpcTable("rtb-5"), vpcTable("rtb-1"), vpcTable("rtb-silent"), vpcTable("rtb-3"), vpcTable("rtb-1")}
	got := client(doer).Tables(nil).Read(t.Context(), tables)
	for i, reading := range got {
		want := tables[i].ID
		if reading.Table != tables[i] {
			t.Errorf("reading %d is of %s, want %s", i, reading.Table, tables[i])
		}
		if want == "rtb-silent" {
			if reading.Complete || reading.Problem != route.ProblemGone {
				t.Errorf("a table that the answer leaves out is %+v", reading)
			}
			continue
		}
		if !reading.Complete || len(reading.Routes) != 1 || reading.Routes[0].NextHop.ID != "tgw-"+want {
			t.Errorf("reading of %s is %+v", want, reading)
		}
	}
	if calls := doer.actions(); len(calls) != 2 {
		t.Errorf("%d calls for two pages", len(calls))
	}
	got[1].Routes[0].State = "spoiled"
	if got[4].Routes[0].State == "spoiled" {
		t.Error("two readings of one table share memory")
	}
}

func TestReadVPCMissingTableDoesNotSpoilTheOthers(t *testing.T) {
	doer := &canned{answer: vpcNetwork}
	got := client(doer).Tables(nil).Read(t.Context(), []route.Table{vpcTable("rtb-1"), vpcTable("rtb-missing"), vpcTable("rtb-2")})
	if !got[0].Complete || !got[2].Complete || len(got[2].Routes) != 1 {
		t.Errorf("the other tables are %+v and %+v", got[0], got[2])
	}
	if got[1].Complete || got[1].Problem != route.ProblemGone {
		t.Errorf("the missing table is %+v", got[1])
	}
	if calls := doer.actions(); len(calls) != 4 {
		t.Errorf("%d calls, want one for all and one for each", len(calls))
	}
}

func TestReadGroupsCalls(t *testing.T) {
	doer := &canned{answer: func(ctx context.Context, params url.Values) (int, string, error) {
		if params.Get("Action") == "SearchTransitGatewayRoutes" {
			return 200, searchAnswer("", false), nil
		}
		return vpcNetwork(ctx, url.Values{})
	}}
	var tables []route.Table
	for n := range 150 {
		tables = append(tables, vpcTable(fmt.Sprintf("rtb-%d", n)))
	}
	other := vpcTable("rtb-other")
	other.Account = "444455556666"
	far := vpcTable("rtb-far")
	far.Region = "us-east-1"
	tables = append(tables, other, far, tgwTable("tgw-rtb-1"), tgwTable("tgw-rtb-2"), route.Table{Kind: "odd", ID: "odd-1"})
	stranger := tgwTable("tgw-rtb-3")
	stranger.Account = "999999999999"
	tables = append(tables, stranger)
	got := client(doer).Tables(nil).Read(t.Context(), tables)
	if len(got) != len(tables) {
		t.Fatalf("%d readings of %d tables", len(got), len(tables))
	}
	var sizes []int
	for _, params := range doer.calls {
		if params.Get("Action") == "DescribeRouteTables" {
			sizes = append(sizes, len(list(params, "RouteTableId")))
		}
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{1, 1, 50, 100}) || len(doer.calls) != 6 {
		t.Errorf("%d calls, those for VPC tables with %v ids", len(doer.calls), sizes)
	}
	for _, at := range []int{152, 153} {
		if !got[at].Complete {
			t.Errorf("got %+v", got[at])
		}
	}
	if got[154].Problem != route.ProblemMalformed || got[155].Problem != route.ProblemDenied {
		t.Errorf("a table of no kind is %+v, one without a role %+v", got[154], got[155])
	}
	if none := client(doer).Tables(nil).Read(t.Context(), nil); len(none) != 0 {
		t.Errorf("asked for nothing, got %+v", none)
	}
}

func TestReadStartsBeforeItsFirstCall(t *testing.T) {
	clock := &steppingClock{*recordstest.NewClock()}
	var called time.Time
	doer := &canned{answer: func(context.Context, url.Values) (int, string, error) {
		called = clock.Now()
		return 200, searchAnswer("", false), nil
	}}
	got := New(cannedtest.Configs(doer), clock, time.Second).Tables(nil).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
	if got.StartedAt.IsZero() || !got.StartedAt.Before(called) {
		t.Errorf("the reading started at %s, its call at %s", got.StartedAt, called)
	}
}

func TestEveryCallHasItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{answer: func(ctx context.Context, params url.Values) (int, string, error) {
			if params.Get("NextToken") == "" && params.Get("Action") == "SearchTransitGatewayRoutes" {
				time.Sleep(4 * time.Second)
				return 200, searchAnswer("p2", true, tgwItem("10.1.0.0/16", "static", "active", "")), nil
			}
			<-ctx.Done()
			return 0, "", fmt.Errorf("connection closed")
		}}
		began := time.Now()
		tables := New(cannedtest.Configs(doer), realTimeout{recordstest.NewClock()}, 5*time.Second).Tables(nil)
		got := tables.Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]
		if got.Problem != route.ProblemTimeout || len(got.Routes) != 1 || time.Since(began) != 9*time.Second {
			t.Errorf("after %s got %+v", time.Since(began), got)
		}
		wrote := tables.Write(t.Context(), route.Change{
			Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination("10.0.0.0/8"), Op: route.OpCreate, After: route.MustNextHop("blackhole"),
		})
		if wrote.Outcome != route.Failed || wrote.Code != "" || !strings.Contains(wrote.Message, "deadline exceeded") {
			t.Errorf("a write without an answer is %+v", wrote)
		}
	})
}

// TestAnAnswerThatIsCutOff: a body that stalls is no malformed one.
func TestAnAnswerThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(cannedtest.Configs(answers(200, stalls)), realTimeout{recordstest.NewClock()}, 5*time.Second)
		if got := c.Tables(nil).Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})[0]; got.Problem != route.ProblemTimeout {
			t.Errorf("the table is %+v", got)
		}
		if facts := c.Evidence().Read(t.Context(), []health.Subject{vpn("vpn-1")}); facts[0].Problem != route.ProblemTimeout {
			t.Errorf("the fact is %+v", facts[0])
		}
	})
}
