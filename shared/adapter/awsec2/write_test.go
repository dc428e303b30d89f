package awsec2

import (
	"net/url"
	"strings"
	"testing"

	"detour/shared/route"
)

func TestWriteMakesOneCallWithTheRightParameters(t *testing.T) {
	tgw := func(op route.Op, destination, after string) route.Change {
		change := route.Change{Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination(destination), Op: op}
		if after != "" {
			change.After = route.MustNextHop(after)
		}
		return change
	}
	vpc := func(op route.Op, destination string, after route.NextHop) route.Change {
		return route.Change{Table: vpcTable("rtb-1"), Destination: route.MustDestination(destination), Op: op, After: after}
	}
	tests := []struct {
		change route.Change
		want   string
	}{
		{tgw(route.OpCreate, "10.0.0.0/8", "tgw-attach-1"), "Action=CreateTransitGatewayRoute&DestinationCidrBlock=10.0.0.0/8&TransitGatewayAttachmentId=tgw-attach-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpReplace, "2001:db8::/32", "blackhole"), "Action=ReplaceTransitGatewayRoute&Blackhole=true&DestinationCidrBlock=2001:db8::/32&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpReplace, "10.0.0.0/8", "tgw-attach-1"), "Action=ReplaceTransitGatewayRoute&DestinationCidrBlock=10.0.0.0/8&TransitGatewayAttachmentId=tgw-attach-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpDelete, "10.0.0.0/8", "propagated:tgw-attach-1"), "Action=DeleteTransitGatewayRoute&DestinationCidrBlock=10.0.0.0/8&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpCreate, "pl-1", "tgw-attach-1"), "Action=CreateTransitGatewayPrefixListReference&PrefixListId=pl-1&TransitGatewayAttachmentId=tgw-attach-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpCreate, "pl-1", "blackhole"), "Action=CreateTransitGatewayPrefixListReference&Blackhole=true&PrefixListId=pl-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpReplace, "pl-1", "tgw-attach-2"), "Action=ModifyTransitGatewayPrefixListReference&PrefixListId=pl-1&TransitGatewayAttachmentId=tgw-attach-2&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpReplace, "pl-1", "blackhole"), "Action=ModifyTransitGatewayPrefixListReference&Blackhole=true&PrefixListId=pl-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{tgw(route.OpDelete, "pl-1", ""), "Action=DeleteTransitGatewayPrefixListReference&PrefixListId=pl-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1", true), "Action=EnableTransitGatewayRouteTablePropagation&TransitGatewayAttachmentId=tgw-attach-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1", false), "Action=DisableTransitGatewayRouteTablePropagation&TransitGatewayAttachmentId=tgw-attach-1&TransitGatewayRouteTableId=tgw-rtb-1"},
		{vpc(route.OpDelete, "pl-1", route.NextHop{}), "Action=DeleteRoute&DestinationPrefixListId=pl-1&RouteTableId=rtb-1"},
		{vpc(route.OpDelete, "::/0", route.NextHop{}), "Action=DeleteRoute&DestinationIpv6CidrBlock=::/0&RouteTableId=rtb-1"},
		{vpc(route.OpCreate, "pl-1", route.MustNextHop("tgw-1")), "Action=CreateRoute&DestinationPrefixListId=pl-1&RouteTableId=rtb-1&TransitGatewayId=tgw-1"},
		{vpc(route.OpCreate, "::/0", route.MustNextHop("eigw-1")), "Action=CreateRoute&DestinationIpv6CidrBlock=::/0&EgressOnlyInternetGatewayId=eigw-1&RouteTableId=rtb-1"},
	}
	for _, target := range []struct{ param, id string }{
		{"TransitGatewayId", "tgw-1"},
		{"NetworkInterfaceId", "eni-1"},
		{"InstanceId", "i-1"},
		{"NatGatewayId", "nat-1"},
		{"GatewayId", "igw-1"},
		{"GatewayId", "vgw-1"},
		{"VpcPeeringConnectionId", "pcx-1"},
		{"EgressOnlyInternetGatewayId", "eigw-1"},
		{"LocalGatewayId", "lgw-1"},
		{"CarrierGatewayId", "cagw-1"},
		{"VpcEndpointId", "vpce-1"},
	} {
		after := route.MustNextHop(target.id)
		params := url.Values{"RouteTableId": {"rtb-1"}, "DestinationCidrBlock": {"10.0.0.0/8"}, target.param: {target.id}}
		for op, action := range map[route.Op]string{route.OpCreate: "CreateRoute", route.OpReplace: "ReplaceRoute"} {
			params.Set("Action", action)
			want, err := url.QueryUnescape(params.Encode())
			if err != nil {
				t.Fatal(err)
			}
			tests = append(tests, struct {
				change route.Change
				want   string
			}{vpc(op, "10.0.0.0/8", after), want})
		}
	}
	for _, arn := range []struct {
		param string
		kind  route.NextHopKind
	}{{"CoreNetworkArn", route.CoreNetwork}, {"OdbNetworkArn", route.ODBNetwork}} {
		want := "Action=ReplaceRoute&" + arn.param + "=arn:x&DestinationCidrBlock=10.0.0.0/8&RouteTableId=rtb-1"
		if arn.param > "DestinationCidrBlock" {
			want = "Action=ReplaceRoute&DestinationCidrBlock=10.0.0.0/8&" + arn.param + "=arn:x&RouteTableId=rtb-1"
		}
		tests = append(tests, struct {
			change route.Change
			want   string
		}{vpc(route.OpReplace, "10.0.0.0/8", route.NextHop{Kind: arn.kind, ID: "arn:x"}), want})
	}
	for _, test := range tests {
		dry := answers(412, fault("DryRunOperation"))
		if got := client(dry).Tables(nil).Try(t.Context(), test.change); got.Outcome != route.Allowed || got.Change != test.change || len(dry.calls) != 1 {
			t.Errorf("trying %s: %+v after %d calls", test.change, got, len(dry.calls))
		} else {
			sent := dry.calls[0]
			if sent.Get("DryRun") != "true" {
				t.Errorf("trying %s was no dry run: %v", test.change, sent)
			}
			sent.Del("Version")
			sent.Del("DryRun")
			if text, err := url.QueryUnescape(sent.Encode()); err != nil || text != test.want {
				t.Errorf("trying %s:\n got %s\nwant %s", test.change, text, test.want)
			}
		}
		doer := answers(200, "<Response><return>true</return></Response>")
		got := client(doer).Tables(nil).Write(t.Context(), test.change)
		if got.Outcome != route.Applied || got.Change != test.change || got.Code != "" || got.Message != "" {
			t.Errorf("%s: %+v", test.change, got)
		}
		if len(doer.calls) != 1 {
			t.Errorf("%s: %d calls", test.change, len(doer.calls))
			continue
		}
		sent := doer.calls[0]
		sent.Del("Version")
		if text, err := url.QueryUnescape(sent.Encode()); err != nil || text != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.change, text, test.want)
		}
	}
}

func TestWriteRefusesWhatNoCallCanMake(t *testing.T) {
	destination := route.MustDestination("10.0.0.0/8")
	for _, change := range []route.Change{
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: route.OpCreate},
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: route.OpReplace, After: route.MustNextHop("tgw-1")},
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: route.OpCreate, After: route.MustNextHop("propagated:tgw-attach-1")},
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: route.OpCreate, After: route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-1,tgw-attach-2"}},
		{Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination("pl-1"), Op: route.OpReplace, After: route.MustNextHop("tgw-1")},
		{Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination("pl-1"), Op: route.OpCreate},
		{Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination("pl-1"), Op: "upsert", After: route.MustNextHop("tgw-attach-1")},
		{Table: tgwTable("tgw-rtb-1"), Op: route.OpDelete},
		{Table: vpcTable("rtb-1"), Destination: destination, Op: route.OpReplace, After: route.MustNextHop("blackhole")},
		{Table: vpcTable("rtb-1"), Destination: destination, Op: route.OpReplace, After: route.MustNextHop("local")},
		{Table: vpcTable("rtb-1"), Destination: destination, Op: route.OpCreate, After: route.MustNextHop("tgw-attach-1")},
		{Table: vpcTable("rtb-1"), Destination: destination, Op: route.OpCreate, After: route.NextHop{Kind: route.UnknownNextHop, ID: "x"}},
		{Table: vpcTable("rtb-1"), Destination: destination, Op: "upsert", After: route.MustNextHop("tgw-1")},
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: "upsert", After: route.MustNextHop("blackhole")},
		{Table: route.Table{ID: "odd-1"}, Destination: destination, Op: route.OpDelete},
		route.SwitchPropagation(tgwTable("tgw-rtb-1"), "", true),
		route.SwitchPropagation(tgwTable("tgw-rtb-1"), "tgw-attach-1,tgw-attach-2", false),
		route.SwitchPropagation(vpcTable("rtb-1"), "vgw-1", false),
		{Table: tgwTable("tgw-rtb-1"), Destination: destination, Op: route.OpDisablePropagation, Before: route.MustNextHop("propagated:tgw-attach-1")},
	} {
		doer := answers(200, "<Response/>")
		got := client(doer).Tables(nil).Write(t.Context(), change)
		if got.Outcome != route.Refused || got.Code != "" || !strings.HasPrefix(got.Message, "writing to ") || len(doer.calls) != 0 {
			t.Errorf("%s: %+v after %d calls", change, got, len(doer.calls))
		}
		if tried := client(doer).Tables(nil).Try(t.Context(), change); tried != got || len(doer.calls) != 0 {
			t.Errorf("trying %s: %+v after %d calls", change, tried, len(doer.calls))
		}
	}
}

func TestWriteAnswers(t *testing.T) {
	change := route.Change{Table: vpcTable("rtb-1"), Destination: route.MustDestination("10.0.0.0/8"), Op: route.OpCreate, After: route.MustNextHop("tgw-1")}
	for _, test := range []struct {
		status  int
		body    string
		outcome route.Outcome
		code    string
	}{
		{400, fault("RouteAlreadyExists"), route.PreconditionFailed, "RouteAlreadyExists"},
		{503, fault("RequestLimitExceeded"), route.Throttled, "RequestLimitExceeded"},
		{403, fault("UnauthorizedOperation"), route.Denied, "UnauthorizedOperation"},
		{400, fault("Gateway.NotAttached"), route.Refused, "Gateway.NotAttached"},
		{400, fault("InvalidParameterValue"), route.Refused, "InvalidParameterValue"},
		{400, fault("RouteLimitExceeded"), route.Refused, "RouteLimitExceeded"},
		{400, fault("InvalidParameterException"), route.Failed, "InvalidParameterException"},
		{400, "", route.Failed, "UnknownError"},
		{500, fault("InternalError"), route.Failed, "InternalError"},
		{503, "", route.Failed, "UnknownError"},
		{200, "<Response><return>false</return></Response>", route.Failed, ""},
	} {
		doer := answers(test.status, test.body)
		got := client(doer).Tables(nil).Write(t.Context(), change)
		if got.Outcome != test.outcome || got.Code != test.code {
			t.Errorf("%d %s: %+v", test.status, test.body, got)
		}
		if len(doer.calls) != 1 {
			t.Errorf("%d %s: %d calls, want one", test.status, test.body, len(doer.calls))
		}
	}
	stranger := change
	stranger.Table.Account = "999999999999"
	if got := client(answers(200, "")).Tables(nil).Write(t.Context(), stranger); got.Outcome != route.Denied || !strings.Contains(got.Message, "no role") {
		t.Errorf("without a role: %+v", got)
	}
}

func TestTryAnswers(t *testing.T) {
	change := route.Change{Table: tgwTable("tgw-rtb-1"), Destination: route.MustDestination("10.0.0.0/8"), Op: route.OpReplace, After: route.MustNextHop("tgw-attach-1")}
	for _, test := range []struct {
		status  int
		body    string
		outcome route.Outcome
		code    string
	}{
		{412, fault("DryRunOperation"), route.Allowed, "DryRunOperation"},
		{403, fault("UnauthorizedOperation"), route.Denied, "UnauthorizedOperation"},
		{400, fault("InvalidTransitGatewayAttachmentID.NotFound"), route.Refused, "InvalidTransitGatewayAttachmentID.NotFound"},
		{503, fault("RequestLimitExceeded"), route.Throttled, "RequestLimitExceeded"},
		{200, "<Response/>", route.Failed, ""}, // It was made.
	} {
		doer := answers(test.status, test.body)
		got := client(doer).Tables(nil).Try(t.Context(), change)
		if got.Outcome != test.outcome || got.Code != test.code || len(doer.calls) != 1 {
			t.Errorf("%d %s: %+v after %d calls", test.status, test.body, got, len(doer.calls))
		}
	}
	stranger := change
	stranger.Table.Account = "999999999999"
	if got := client(answers(200, "")).Tables(nil).Try(t.Context(), stranger); got.Outcome != route.Denied || !strings.Contains(got.Message, "no role") {
		t.Errorf("without a role: %+v", got)
	}
}
