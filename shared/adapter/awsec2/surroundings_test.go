package awsec2

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/route"
)

// gateways answers the calls about the surroundings of two transit gateways with
// two tables and one table. Its pages have one element each.
type gateways struct {
	// faults are the codes of what fails, by action, or by action and id.
	faults map[string]string
	delay  time.Duration
}

func (g gateways) page(element, token string, items []string) string {
	at := 0
	if token != "" {
		at = int(token[0] - '0')
	}
	next := ""
	if at+1 < len(items) {
		next = fmt.Sprint(at + 1)
	}
	item := ""
	if at < len(items) {
		item = "<item>" + items[at] + "</item>"
	}
	return "<Response><" + element + ">" + item + "</" + element + ">" + nextToken(next) + "</Response>"
}

func around(id, kind, resource, state string) string {
	return fmt.Sprintf("<transitGatewayAttachmentId>%s</transitGatewayAttachmentId><resourceType>%s</resourceType><resourceId>%s</resourceId><state>%s</state>", id, kind, resource, state)
}

func (g gateways) answer(_ context.Context, params url.Values) (int, string, error) {
	time.Sleep(g.delay)
	action, table, token := params.Get("Action"), params.Get("TransitGatewayRouteTableId"), params.Get("NextToken")
	for _, key := range []string{action, action + " " + table} {
		if code := g.faults[key]; code != "" {
			return 400, fault(code), nil
		}
	}
	switch action {
	case "DescribeTransitGatewayRouteTables":
		var items []string
		for _, t := range [][2]string{{"tgw-rtb-1", "tgw-1"}, {"tgw-rtb-2", "tgw-1"}, {"tgw-rtb-3", "tgw-2"}, {"tgw-rtb-4", "tgw-3"}} {
			items = append(items, "<transitGatewayRouteTableId>"+t[0]+"</transitGatewayRouteTableId><transitGatewayId>"+t[1]+"</transitGatewayId>")
		}
		return 200, g.page("transitGatewayRouteTables", token, items), nil
	case "GetTransitGatewayRouteTableAssociations":
		return 200, g.page("associations", token, []string{
			around("tgw-attach-vpn2", "vpn", "vpn-2", "associated"), around("tgw-attach-vpn1", "vpn", "vpn-1", "associating"),
			around("tgw-attach-vpc", "vpc", "vpc-1", "associated"), around("tgw-attach-connect", "connect", "tgw-attach-vpc", "disassociating"),
			around("tgw-attach-gone", "connect", "tgw-attach-vpc", "disassociated"),
		}), nil
	case "GetTransitGatewayRouteTablePropagations":
		return 200, g.page("transitGatewayRouteTablePropagations", token, []string{
			around("tgw-attach-vpn3", "vpn", "vpn-3", "enabled"), around("tgw-attach-dx", "direct-connect-gateway", "dx-1", "enabled"),
			around("tgw-attach-off", "vpc", "vpc-2", "disabled"),
		}), nil
	case "DescribeTransitGatewayAttachments":
		var items []string
		for _, id := range list(params, "TransitGatewayAttachmentIds") {
			owner := account
			if id == "tgw-attach-vpn3" {
				owner = "444455556666"
			}
			items = append(items, "<transitGatewayAttachmentId>"+id+"</transitGatewayAttachmentId><resourceOwnerId>"+owner+"</resourceOwnerId>")
		}
		return 200, g.page("transitGatewayAttachments", token, items), nil
	case "DescribeVpnConnections":
		body := ""
		for _, id := range list(params, "VpnConnectionId") {
			if g.faults[id] != "" {
				return 400, fault(g.faults[id]), nil
			}
			body += fmt.Sprintf("<item><vpnConnectionId>%s</vpnConnectionId><options><staticRoutesOnly>%t</staticRoutesOnly></options></item>", id, id != "vpn-2")
		}
		return 200, "<Response><vpnConnectionSet>" + body + "</vpnConnectionSet></Response>", nil
	default: // SearchTransitGatewayRoutes
		var routes []string
		for n := range int(table[len(table)-1] - '0') {
			routes = append(routes, tgwItem(fmt.Sprintf("10.%d.0.0/16", n), "static", "active", "", "tgw-attach-a"))
		}
		return 200, searchAnswer("", false, routes...), nil
	}
}

func surroundingLines(s plan.Surroundings) []string {
	var out []string
	for _, t := range s.Tables {
		out = append(out, fmt.Sprintf("%s %s %t %s", t.Table, t.TransitGateway, t.Complete, t.Problem))
		for _, a := range t.Associated {
			out = append(out, fmt.Sprintf("  associated %s %t", a, a.BGP))
		}
		for _, a := range t.Propagating {
			out = append(out, fmt.Sprintf("  propagating %s %t", a, a.BGP))
		}
	}
	for _, g := range s.Gateways {
		out = append(out, fmt.Sprintf("%s %s %s %d %t %s", g.ID, g.Account, g.Region, g.Routes, g.Complete, g.Problem))
	}
	return out
}

var wholeTable = []string{
	"  associated connect tgw-attach-vpc (tgw-attach-connect) true",
	"  associated vpc vpc-1 (tgw-attach-vpc) false",
	"  associated vpn vpn-1 (tgw-attach-vpn1) false",
	"  associated vpn vpn-2 (tgw-attach-vpn2) true",
	"  propagating direct-connect-gateway dx-1 (tgw-attach-dx) true",
	"  propagating vpn vpn-3 (tgw-attach-vpn3) false",
}

func TestSurroundings(t *testing.T) {
	doer := &canned{answer: gateways{}.answer}
	got := client(doer).Surroundings().Read(t.Context(), []route.Table{tgwTable("tgw-rtb-3"), vpcTable("rtb-1"), tgwTable("tgw-rtb-1"), tgwTable("tgw-rtb-3")})
	want := append([]string{"tgw-rtb-3 tgw-2 true "}, wholeTable...)
	want = append(append(want, "tgw-rtb-1 tgw-1 true "), wholeTable...)
	// The second table of the first transit gateway counts, though nobody asked
	// about it; the third transit gateway does not.
	want = append(want, "tgw-1 111122223333 eu-west-1 3 true ", "tgw-2 111122223333 eu-west-1 3 true ")
	cannedtest.Expect(t, surroundingLines(got), want)
	calls := map[string]int{}
	for _, action := range doer.actions() {
		calls[action]++
	}
	if calls["SearchTransitGatewayRoutes"] != 3 || calls["DescribeVpnConnections"] != 2 || calls["DescribeTransitGatewayRouteTables"] != 4 {
		t.Errorf("the calls are %v", calls)
	}
	if none := client(doer).Surroundings().Read(t.Context(), []route.Table{vpcTable("rtb-1")}); len(none.Tables)+len(none.Gateways) != 0 {
		t.Errorf("of a VPC table: %+v", none)
	}
}

func TestSurroundingsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		faults map[string]string
		want   []string
	}{
		"associations": {map[string]string{"GetTransitGatewayRouteTableAssociations tgw-rtb-1": "InvalidRouteTableID.NotFound"}, []string{
			"tgw-rtb-1 tgw-1 false gone", wholeTable[4], wholeTable[5], "tgw-1 111122223333 eu-west-1 3 true ",
		}},
		"propagations": {map[string]string{"GetTransitGatewayRouteTablePropagations": "RequestLimitExceeded"}, []string{
			"tgw-rtb-1 tgw-1 false throttled", wholeTable[0], wholeTable[1], wholeTable[2], wholeTable[3], "tgw-1 111122223333 eu-west-1 3 true ",
		}},
		"the names of the tables": {map[string]string{"DescribeTransitGatewayRouteTables": "UnauthorizedOperation"}, append([]string{"tgw-rtb-1  false denied"}, wholeTable...)},
		"a table of the transit gateway": {map[string]string{"SearchTransitGatewayRoutes tgw-rtb-2": "RequestLimitExceeded"}, append(
			append([]string{"tgw-rtb-1 tgw-1 true "}, wholeTable...), "tgw-1 111122223333 eu-west-1 1 false throttled",
		)},
		"a connection that is gone": {map[string]string{"vpn-1": "InvalidVpnConnectionID.NotFound"}, []string{
			"tgw-rtb-1 tgw-1 false gone", wholeTable[0], wholeTable[1],
			strings.Replace(wholeTable[2], "false", "true", 1), wholeTable[3], wholeTable[4], wholeTable[5], "tgw-1 111122223333 eu-west-1 3 true ",
		}},
		"the owners of the connections": {map[string]string{"DescribeTransitGatewayAttachments": "UnauthorizedOperation"}, append(
			append([]string{"tgw-rtb-1 tgw-1 false denied"}, wholeTable...), "tgw-1 111122223333 eu-west-1 3 true ",
		)},
	} {
		t.Run(name, func(t *testing.T) {
			doer := &canned{answer: gateways{faults: test.faults}.answer}
			cannedtest.Expect(t, surroundingLines(client(doer).Surroundings().Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1")})), test.want)
		})
	}
	stranger := tgwTable("tgw-rtb-1")
	stranger.Account = "999999999999"
	cannedtest.Expect(t, surroundingLines(client(answers(200, "")).Surroundings().Read(t.Context(), []route.Table{stranger})), []string{"tgw-rtb-1  false denied"})
}

// TestSurroundingsInThreeSteps: what can be asked at the same time is.
func TestSurroundingsInThreeSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{answer: gateways{delay: time.Second}.answer}
		abroad := tgwTable("tgw-rtb-3")
		abroad.Region = "us-east-1"
		began := time.Now()
		New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second).Surroundings().Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1"), tgwTable("tgw-rtb-2"), abroad})
		// Five pages of associations, three of attachments, and the connections.
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// TestObservationsThatCannotBeRead: a part of a table proves nothing.
func TestObservationsThatCannotBeRead(t *testing.T) {
	for action, problem := range map[string]route.Problem{
		"SearchTransitGatewayRoutes":              route.ProblemThrottled,
		"GetTransitGatewayRouteTablePropagations": route.ProblemThrottled, "GetTransitGatewayRouteTableAssociations": route.ProblemThrottled,
		"": route.NoProblem,
	} {
		doer := &canned{answer: gateways{faults: map[string]string{action: "RequestLimitExceeded"}}.answer}
		if action == "" {
			doer.answer = gateways{}.answer
		}
		subject := health.Subject{Kind: health.SubjectRouteTable, ID: "tgw-rtb-1", Account: account, Region: tgwTable("").Region}
		facts := client(doer).Observations().Read(t.Context(), []health.Subject{subject})
		unread := len(facts) == 1 && facts[0].Kind == health.FactUnreadable
		if unread != (action != "") || unread && facts[0].Problem != problem {
			t.Errorf("without %s: %+v", action, facts)
		}
	}
}
