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
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/route"
)

// neighborhood answers the calls about neighbors. Pages about attachments and peers have
// one element each.
type neighborhood struct {
	faults map[string]string
	// peers are the transit gateway addresses of more Connect peers.
	peers []string
}

func (g neighborhood) answer(_ context.Context, params url.Values) (int, string, error) {
	action, token := params.Get("Action"), params.Get("NextToken")
	if code := g.faults[action]; code != "" {
		return 400, fault(code), nil
	}
	pages := gateways{}
	switch action {
	case "GetTransitGatewayRouteTableAssociations", "GetTransitGatewayRouteTablePropagations":
		return pages.answer(context.Background(), params)
	case "DescribeRouteTables":
		var body strings.Builder
		for _, id := range list(params, "RouteTableId") {
			if id == "rtb-bad" {
				return 400, fault("InvalidRouteTableID.NotFound"), nil
			}
			if id != "rtb-silent" {
				fmt.Fprintf(&body, "<item><routeTableId>%s</routeTableId><propagatingVgwSet><item><gatewayId>vgw-2</gatewayId></item><item><gatewayId>vgw-1</gatewayId></item></propagatingVgwSet></item>", id)
			}
		}
		return 200, "<Response><routeTableSet>" + body.String() + "</routeTableSet></Response>", nil
	case "DescribeVpnConnections":
		connection := func(id, state string, static bool, option, telemetry string) string {
			return fmt.Sprintf("<item><vpnConnectionId>%s</vpnConnectionId><state>%s</state><customerGatewayId>cgw-%s</customerGatewayId><options><staticRoutesOnly>%t</staticRoutesOnly>"+
				"<tunnelOptionSet><item><outsideIpAddress>%s</outsideIpAddress></item></tunnelOptionSet></options>"+
				"<vgwTelemetry><item><outsideIpAddress>%s</outsideIpAddress></item></vgwTelemetry></item>", id, state, id, static, option, telemetry)
		}
		return 200, "<Response><vpnConnectionSet>" + connection("vpn-1", "available", true, "192.0.2.9", "192.0.2.9") +
			strings.Replace(connection("vpn-3", "modifying", false, "192.0.2.2", "192.0.2.3"), "<options>", "<vpnGatewayId>vgw-3</vpnGatewayId><options>", 1) + connection("vpn-9", "deleted", false, "192.0.2.7", "192.0.2.8") + "</vpnConnectionSet></Response>", nil
	default: // DescribeTransitGatewayConnectPeers
		peer := func(id, state, address string) string {
			return "<transitGatewayConnectPeerId>" + id + "</transitGatewayConnectPeerId><state>" + state + "</state><connectPeerConfiguration><transitGatewayAddress>" + address +
				"</transitGatewayAddress><peerAddress>172.30.2.126</peerAddress></connectPeerConfiguration>"
		}
		peers := []string{
			peer("tgw-connect-peer-1", "available", "192.168.151.181"), peer("tgw-connect-peer-2", "deleted", "192.168.151.182"),
			peer("tgw-connect-peer-3", "pending", "2001:db8::1"),
		}
		for _, address := range g.peers {
			peers = append(peers, peer("tgw-connect-peer-more", "pending", address))
		}
		return 200, pages.page("transitGatewayConnectPeerSet", token, peers), nil
	}
}

// neighborLines prints readings, what belongs to a table behind it.
func neighborLines(readings []controller.NeighborReading) []string {
	var out []string
	side := func(name string, n filter.Neighbors) {
		out = append(out, fmt.Sprintf("  %s %t %s", name, n.Complete, n.Problem))
		for _, x := range n.List {
			out = append(out, fmt.Sprintf("    %s %s %s %s", x.Attachment, x.Type, x.Resource, x.BGP))
		}
	}
	for _, r := range readings {
		out = append(out, r.Table.String())
		side("propagations", r.Propagations)
		side("associations", r.Associations)
		out = append(out, fmt.Sprintf("  outside %t %s", r.Outside.Complete, r.Outside.Problem))
		for _, o := range r.Outside.List {
			out = append(out, strings.TrimSuffix(fmt.Sprintf("    %s %s %s %s", o.Address, o.Resource, o.CustomerGateway, o.Gateway), " "))
		}
	}
	return out
}

var (
	propagating = []string{
		"  propagations true ", "    tgw-attach-dx direct-connect-gateway dx-1 bgp", "    tgw-attach-vpn3 vpn vpn-3 bgp",
	}
	associated = []string{
		"  associations true ", "    tgw-attach-connect connect tgw-attach-vpc bgp", "    tgw-attach-vpc vpc vpc-1 static",
		"    tgw-attach-vpn1 vpn vpn-1 static", "    tgw-attach-vpn2 vpn vpn-2 ",
	}
	tunnels = []string{
		"    192.0.2.2 vpn-3 cgw-vpn-3 vgw-3", "    192.0.2.3 vpn-3 cgw-vpn-3 vgw-3", "    192.0.2.9 vpn-1 cgw-vpn-1",
		"    192.168.151.181 tgw-connect-peer-1 ", "    2001:db8::1 tgw-connect-peer-3 ",
	}
)

func TestNeighbors(t *testing.T) {
	doer := &canned{answer: neighborhood{}.answer}
	asked := []route.Table{vpcTable("rtb-1"), tgwTable("tgw-rtb-1"), vpcTable("rtb-1")}
	got := client(doer).Neighbors().Read(t.Context(), asked)
	vpc := slices.Concat([]string{
		"rtb-1", "  propagations true ", "    vgw-1 vpn-gateway vgw-1 bgp", "    vgw-2 vpn-gateway vgw-2 bgp", "  associations true ", "  outside true ",
	}, tunnels)
	cannedtest.Expect(t, neighborLines(got), slices.Concat(vpc, []string{"tgw-rtb-1"}, propagating, associated, []string{"  outside true "}, tunnels, vpc))
	// Five pages of associations, three of propagations, three of peers, and one of each other.
	if calls := doer.actions(); len(calls) != 5+3+3+1+1 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	got[0].Propagations.List[0].Type, got[0].Outside.List[0].Resource = "changed", "changed"
	if got[2].Propagations.List[0].Type == "changed" || got[1].Outside.List[0].Resource == "changed" {
		t.Error("two readings share their memory")
	}
}

// TestAPeerWithoutAnAddress has none that a route could cut off yet; one that cannot be
// read is another thing.
func TestAPeerWithoutAnAddress(t *testing.T) {
	for address, want := range map[string]string{"": "  outside true ", "nonsense": "  outside false malformed"} {
		doer := &canned{answer: neighborhood{peers: []string{address, "192.168.151.190"}}.answer}
		got := neighborLines(client(doer).Neighbors().Read(t.Context(), []route.Table{vpcTable("rtb-1")}))
		if !slices.Contains(got, want) || !slices.Contains(got, "    192.168.151.190 tgw-connect-peer-more ") {
			t.Errorf("with the address %q: %q", address, got)
		}
	}
}

func TestNeighborsThatCannotBeRead(t *testing.T) {
	table := []route.Table{tgwTable("tgw-rtb-1"), vpcTable("rtb-1")}
	none := "  outside false throttled"
	for name, test := range map[string]struct {
		action string
		want   []string
	}{
		"propagations": {"GetTransitGatewayRouteTablePropagations", []string{"  propagations false throttled"}},
		"associations": {"GetTransitGatewayRouteTableAssociations", []string{"  associations false throttled"}},
		"VPC tables":   {"DescribeRouteTables", []string{"  propagations false throttled"}},
		"connections":  {"DescribeVpnConnections", []string{none, none}},
		"peers":        {"DescribeTransitGatewayConnectPeers", []string{none, none}},
	} {
		t.Run(name, func(t *testing.T) {
			doer := &canned{answer: neighborhood{faults: map[string]string{test.action: "RequestLimitExceeded"}}.answer}
			var got []string
			for _, line := range neighborLines(client(doer).Neighbors().Read(t.Context(), table)) {
				if strings.Contains(line, " false ") {
					got = append(got, line)
				}
			}
			cannedtest.Expect(t, got, test.want)
		})
	}
	t.Run("one VPC table", func(t *testing.T) {
		doer := &canned{answer: neighborhood{}.answer}
		got := client(doer).Neighbors().Read(t.Context(), []route.Table{vpcTable("rtb-1"), vpcTable("rtb-bad"), vpcTable("rtb-silent")})
		for i, want := range []route.Problem{"", route.ProblemGone, route.ProblemGone} {
			if p := got[i].Propagations; p.Problem != want || p.Complete != (want == "") {
				t.Errorf("%s is %+v, want %q", got[i].Table, p, want)
			}
		}
	})
	t.Run("another account", func(t *testing.T) {
		stranger := tgwTable("tgw-rtb-1")
		stranger.Account = "999999999999"
		got := client(answers(200, "")).Neighbors().Read(t.Context(), []route.Table{stranger})[0]
		if got.Propagations.Problem != route.ProblemDenied || got.Associations.Problem != route.ProblemDenied || got.Outside.Problem != route.ProblemDenied {
			t.Errorf("got %+v", got)
		}
	})
}

// TestNeighborsTakeOneRound: the first pages are asked for at the same time, so that
// a run that reads them beside its tables waits no longer.
func TestNeighborsTakeOneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doer := &canned{answer: func(ctx context.Context, params url.Values) (int, string, error) {
			time.Sleep(time.Second)
			return 200, "<Response/>", nil
		}}
		started := time.Now()
		New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second).Neighbors().Read(t.Context(), []route.Table{tgwTable("tgw-rtb-1"), tgwTable("tgw-rtb-2"), vpcTable("rtb-1")})
		if took := time.Since(started); took != time.Second || len(doer.calls) != 7 {
			t.Errorf("%d calls took %s, want 7 in one round of a second", len(doer.calls), took)
		}
	})
}
