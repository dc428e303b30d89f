package sdktest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// by makes filters of name=value pairs.
func by(pairs ...string) []types.Filter {
	var filters []types.Filter
	for i := 0; i < len(pairs); i += 2 {
		filters = append(filters, types.Filter{Name: &pairs[i], Values: []string{pairs[i+1]}})
	}
	return filters
}

func TestDescribeVPNConnections(t *testing.T) {
	f := sample()
	got, err := client(ec2api.New(f)).DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: []string{"vpn-1"}})
	if err != nil {
		t.Fatal(err)
	}
	v := got.VpnConnections[0]
	if len(got.VpnConnections) != 1 || *v.VpnConnectionId != "vpn-1" || v.State != "available" || v.Type != "ipsec.1" ||
		*v.TransitGatewayId != "tgw-1" || !*v.Options.StaticRoutesOnly || *v.Tags[0].Value != "paris <&>" {
		t.Fatalf("%+v", v)
	}
	up, down := v.VgwTelemetry[0], v.VgwTelemetry[1]
	if up.Status != types.TelemetryStatusUp || *up.OutsideIpAddress != "203.0.113.1" || *up.AcceptedRouteCount != 2 ||
		*up.StatusMessage != "IPSEC IS UP" || !up.LastStatusChange.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)) {
		t.Errorf("%+v", up)
	}
	if down.Status != types.TelemetryStatusDown || down.LastStatusChange != nil {
		t.Errorf("%+v", down)
	}
	r := f.last(t, 0)
	want := []sim.TunnelReport{{VPN: "vpn-1", OutsideIP: "203.0.113.1", Up: true}, {VPN: "vpn-1", OutsideIP: "203.0.113.2"}}
	if !slices.Equal(r.Telemetry, want) {
		t.Errorf("telemetry %+v", r.Telemetry)
	}
	if r.Action != "DescribeVpnConnections" || r.Account != account || r.Region != region || r.Process != "p1" ||
		!r.SentAt.Equal(time.Unix(100, 0)) || r.Code != "" || r.Params.Get("VpnConnectionId.1") != "vpn-1" || r.Write != nil {
		t.Errorf("record %+v", r)
	}
	if f.callers[0].Call.Process != "p1" {
		t.Errorf("caller %+v", f.callers[0])
	}
	_, err = client(ec2api.New(f)).DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: []string{"vpn-1", "vpn-9"}})
	wantCode(t, err, "InvalidVpnConnectionID.NotFound", "The vpnConnection ID 'vpn-9' does not exist")
	if r := f.last(t, 1); r.Code != "InvalidVpnConnectionID.NotFound" || r.Telemetry != nil {
		t.Errorf("record %+v", r)
	}
	_, err = client(ec2api.New(f)).DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: []string{"x"}})
	wantCode(t, err, "InvalidVpnConnectionID.Malformed", "")
	_, err = client(ec2api.New(f)).DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	if r := f.records[3]; r.Telemetry != nil {
		t.Errorf("dry run noted telemetry %+v", r)
	}
}

// filterCase is a set of filters and the ids that they leave.
type filterCase struct {
	filters []types.Filter
	want    []string
	code    string
}

func checkFilters(t *testing.T, cases []filterCase, call func([]types.Filter) ([]string, error)) {
	t.Helper()
	for _, c := range cases {
		var label string
		for _, f := range c.filters {
			label += fmt.Sprint(aws.ToString(f.Name), f.Values, " ")
		}
		got, err := call(c.filters)
		if code(err) != c.code || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, code %q, want %v, %q", label, got, code(err), c.want, c.code)
		}
	}
}

func TestVPNFilters(t *testing.T) {
	c := client(ec2api.New(sample()))
	checkFilters(t, []filterCase{
		{nil, []string{"vpn-1", "vpn-2"}, ""},
		{by("vpn-connection-id", "vpn-2"), []string{"vpn-2"}, ""},
		{by("vpn-connection-id", "*-1"), []string{"vpn-1"}, ""},
		{by("state", "available"), []string{"vpn-1"}, ""},
		{[]types.Filter{{Name: str("state"), Values: []string{"available", "deleted"}}}, []string{"vpn-1", "vpn-2"}, ""},
		{by("state", "available", "transit-gateway-id", "tgw-2"), nil, ""},
		{by("transit-gateway-id", "tgw-2"), []string{"vpn-2"}, ""},
		{by("type", "ipsec.1", "option.static-routes-only", "true"), []string{"vpn-1", "vpn-2"}, ""},
		{by("tag:Name", "paris*"), []string{"vpn-1"}, ""},
		{by("tag-key", "Name"), []string{"vpn-1"}, ""},
		{by("tag:Owner", "*"), nil, ""},
		{by("bgp-asn", "1"), nil, "UnsupportedOperation"},
		{by("color", "red"), nil, "InvalidParameterValue"},
		{[]types.Filter{{Name: str("state")}}, nil, "MissingParameter"},
		{[]types.Filter{{Values: []string{"x"}}}, nil, "MissingParameter"},
		{[]types.Filter{{Name: str("state"), Values: make([]string, 201)}}, nil, "FilterLimitExceeded"},
		{by(slices.Repeat([]string{"state", "x"}, 51)...), nil, "FilterLimitExceeded"},
	}, func(filters []types.Filter) (ids []string, err error) {
		out, err := c.DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{Filters: filters})
		if err != nil {
			return nil, err
		}
		for _, v := range out.VpnConnections {
			ids = append(ids, *v.VpnConnectionId)
		}
		return ids, nil
	})
}

func TestAttachments(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	describe := func(in *ec2.DescribeTransitGatewayAttachmentsInput) (ids []string, err error) {
		out, err := c.DescribeTransitGatewayAttachments(background(), in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.TransitGatewayAttachments {
			ids = append(ids, *a.TransitGatewayAttachmentId)
		}
		return ids, nil
	}
	checkFilters(t, []filterCase{
		{nil, []string{"tgw-attach-vpc1", "tgw-attach-vpc2", "tgw-attach-vpn1"}, ""},
		{by("transit-gateway-id", "tgw-2"), []string{"tgw-attach-vpc2"}, ""},
		{by("resource-id", "vpc-1"), []string{"tgw-attach-vpc1"}, ""},
		{by("resource-type", "vpn"), []string{"tgw-attach-vpn1"}, ""},
		{by("state", "deleting"), []string{"tgw-attach-vpc2"}, ""},
		{by("transit-gateway-attachment-id", "tgw-attach-vpn1"), []string{"tgw-attach-vpn1"}, ""},
		{by("resource-owner-id", "444455556666"), []string{"tgw-attach-vpc1"}, ""},
		{by("transit-gateway-owner-id", account, "resource-type", "vpc"), []string{"tgw-attach-vpc1", "tgw-attach-vpc2"}, ""},
		{by("association.transit-gateway-route-table-id", "tgw-rtb-1"), []string{"tgw-attach-vpn1"}, ""},
		{by("association.state", "associated"), []string{"tgw-attach-vpn1"}, ""},
		{by("color", "red"), nil, "InvalidParameterValue"},
	}, func(filters []types.Filter) ([]string, error) {
		return describe(&ec2.DescribeTransitGatewayAttachmentsInput{Filters: filters})
	})
	_, err := describe(&ec2.DescribeTransitGatewayAttachmentsInput{Filters: by("color", "red")})
	wantCode(t, err, "InvalidParameterValue", "Value (color) for parameter Filter is invalid. ")
	_, err = describe(&ec2.DescribeTransitGatewayAttachmentsInput{TransitGatewayAttachmentIds: []string{"tgw-attach-9"}})
	wantCode(t, err, "InvalidTransitGatewayAttachmentID.NotFound", "Transit Gateway Attachment tgw-attach-9 was deleted or does not exist.")
	_, err = describe(&ec2.DescribeTransitGatewayAttachmentsInput{TransitGatewayAttachmentIds: []string{"vpc-1"}})
	wantCode(t, err, "InvalidTransitGatewayAttachmentID.Malformed", "Invalid Transit Gateway Attachment id.")

	out, err := c.DescribeTransitGatewayAttachments(background(), &ec2.DescribeTransitGatewayAttachmentsInput{TransitGatewayAttachmentIds: []string{"tgw-attach-vpn1"}})
	if err != nil {
		t.Fatal(err)
	}
	a := out.TransitGatewayAttachments[0]
	if *a.ResourceId != "vpn-1" || a.ResourceType != "vpn" || *a.TransitGatewayId != "tgw-1" || *a.TransitGatewayOwnerId != account ||
		a.State != "available" || *a.Association.TransitGatewayRouteTableId != "tgw-rtb-1" || a.Association.State != "associated" {
		t.Errorf("%+v", a)
	}
}

func TestTGWTablesAndAssociations(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	tables := func(in *ec2.DescribeTransitGatewayRouteTablesInput) (ids []string, err error) {
		out, err := c.DescribeTransitGatewayRouteTables(background(), in)
		if err != nil {
			return nil, err
		}
		for _, table := range out.TransitGatewayRouteTables {
			ids = append(ids, *table.TransitGatewayRouteTableId+" "+*table.TransitGatewayId+" "+string(table.State))
		}
		return ids, nil
	}
	one, two := "tgw-rtb-1 tgw-1 available", "tgw-rtb-2 tgw-2 available"
	checkFilters(t, []filterCase{
		{nil, []string{one, two}, ""},
		{by("transit-gateway-route-table-id", "tgw-rtb-2"), []string{two}, ""},
		{by("transit-gateway-id", "tgw-1"), []string{one}, ""},
		{by("state", "available", "default-association-route-table", "false"), []string{one, two}, ""},
		{by("default-propagation-route-table", "true"), nil, ""},
		{by("x", "y"), nil, "InvalidParameterValue"},
	}, func(filters []types.Filter) ([]string, error) {
		return tables(&ec2.DescribeTransitGatewayRouteTablesInput{Filters: filters})
	})
	_, err := tables(&ec2.DescribeTransitGatewayRouteTablesInput{TransitGatewayRouteTableIds: []string{"tgw-rtb-9"}})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "Transit Gateway Route Table tgw-rtb-9 was deleted or does not exist.")
	_, err = tables(&ec2.DescribeTransitGatewayRouteTablesInput{TransitGatewayRouteTableIds: []string{"rtb-9"}})
	wantCode(t, err, "InvalidRouteTableId.Malformed", "Invalid Transit Gateway Route Table id rtb-9.")

	associations := func(filters []types.Filter) (ids []string, err error) {
		out, err := c.GetTransitGatewayRouteTableAssociations(background(), &ec2.GetTransitGatewayRouteTableAssociationsInput{TransitGatewayRouteTableId: str("tgw-rtb-1"), Filters: filters})
		if err != nil {
			return nil, err
		}
		for _, a := range out.Associations {
			ids = append(ids, *a.TransitGatewayAttachmentId+" "+*a.ResourceId+" "+string(a.ResourceType)+" "+string(a.State))
		}
		return ids, nil
	}
	vpn, vpc := "tgw-attach-vpn1 vpn-1 vpn associated", "tgw-attach-vpc1 vpc-1 vpc associated"
	checkFilters(t, []filterCase{
		{nil, []string{vpc, vpn}, ""},
		{by("transit-gateway-attachment-id", "tgw-attach-vpn1"), []string{vpn}, ""},
		{by("resource-id", "vpc-1"), []string{vpc}, ""},
		{by("resource-type", "vpn"), []string{vpn}, ""},
		{by("x", "y"), nil, "InvalidParameterValue"},
	}, associations)
	f.refuse = &sim.APIError{Status: 400, Code: "InvalidRouteTableID.NotFound", Message: "gone"}
	_, err = associations(nil)
	wantCode(t, err, "InvalidRouteTableID.NotFound", "gone")
}

func TestDescribeRouteTables(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	describe := func(in *ec2.DescribeRouteTablesInput) (ids []string, err error) {
		out, err := c.DescribeRouteTables(background(), in)
		if err != nil {
			return nil, err
		}
		for _, table := range out.RouteTables {
			ids = append(ids, *table.RouteTableId)
		}
		return ids, nil
	}
	checkFilters(t, []filterCase{
		{nil, []string{"rtb-1", "rtb-2", "rtb-3"}, ""},
		{by("route-table-id", "rtb-2"), []string{"rtb-2"}, ""},
		{by("vpc-id", "vpc-1"), []string{"rtb-1", "rtb-2"}, ""},
		{by("owner-id", account, "vpc-id", "vpc-2"), []string{"rtb-3"}, ""},
		{by("route.destination-cidr-block", "0.0.0.0/0"), []string{"rtb-2"}, ""},
		{by("route.destination-ipv6-cidr-block", "::/0"), []string{"rtb-2"}, ""},
		{by("route.transit-gateway-id", "tgw-1"), []string{"rtb-2"}, ""},
		{by("route.state", "blackhole"), []string{"rtb-1"}, ""},
		{by("route.origin", "EnableVgwRoutePropagation"), []string{"rtb-1"}, ""},
		{by("route.gateway-id", "local"), []string{"rtb-1", "rtb-2"}, ""},
		{by("route.egress-only-internet-gateway-id", "eigw-1"), []string{"rtb-2"}, ""},
		{by("route.nat-gateway-id", "nat-1"), nil, ""},
		{by("association.main", "true"), []string{"rtb-1", "rtb-3"}, ""},
		{by("association.main", "false"), []string{"rtb-2"}, ""},
		{by("association.gateway-id", "subnet-1"), nil, "UnsupportedOperation"},
		{by("x", "y"), nil, "InvalidParameterValue"},
	}, func(filters []types.Filter) ([]string, error) {
		return describe(&ec2.DescribeRouteTablesInput{Filters: filters})
	})
	_, err := describe(&ec2.DescribeRouteTablesInput{RouteTableIds: []string{"rtb-x"}})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-x' does not exist")
	_, err = describe(&ec2.DescribeRouteTablesInput{RouteTableIds: []string{"tgw-rtb-x"}})
	wantCode(t, err, "InvalidRouteTableId.Malformed", "")
	for _, n := range []int32{4, 101} {
		_, err = describe(&ec2.DescribeRouteTablesInput{MaxResults: &n})
		wantCode(t, err, "InvalidParameterValue", "")
	}

	out, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{"rtb-1"}})
	if err != nil {
		t.Fatal(err)
	}
	table := out.RouteTables[0]
	if *table.VpcId != "vpc-1" || *table.OwnerId != account || len(table.Routes) != 3 || !*table.Associations[0].Main ||
		*table.Associations[0].RouteTableAssociationId != "rtbassoc-1" {
		t.Errorf("%+v", table)
	}
	if r := table.Routes[1]; r.Origin != "EnableVgwRoutePropagation" || r.State != "active" || *r.GatewayId != "vgw-1" || *r.DestinationCidrBlock != "192.168.0.0/16" {
		t.Errorf("%+v", r)
	}
}

func TestTargetElements(t *testing.T) {
	kinds := []struct {
		target string
		field  func(types.Route) *string
	}{
		{"tgw-1", func(r types.Route) *string { return r.TransitGatewayId }},
		{"eni-1", func(r types.Route) *string { return r.NetworkInterfaceId }},
		{"igw-1", func(r types.Route) *string { return r.GatewayId }},
		{"vgw-1", func(r types.Route) *string { return r.GatewayId }},
		{"local", func(r types.Route) *string { return r.GatewayId }},
		{"vpce-1", func(r types.Route) *string { return r.GatewayId }},
		{"nat-1", func(r types.Route) *string { return r.NatGatewayId }},
		{"i-1", func(r types.Route) *string { return r.InstanceId }},
		{"pcx-1", func(r types.Route) *string { return r.VpcPeeringConnectionId }},
		{"eigw-1", func(r types.Route) *string { return r.EgressOnlyInternetGatewayId }},
		{"lgw-1", func(r types.Route) *string { return r.LocalGatewayId }},
		{"cagw-1", func(r types.Route) *string { return r.CarrierGatewayId }},
		{"arn:aws:networkmanager::111122223333:core-network/core-network-1", func(r types.Route) *string { return r.CoreNetworkArn }},
		{"arn:aws:odb:eu-west-1:111122223333:odb-network/odbnet_1", func(r types.Route) *string { return r.OdbNetworkArn }},
	}
	f := &fake{tables: []sim.VPCTableView{{ID: "rtb-1"}}}
	for _, k := range kinds {
		for _, dst := range []string{"10.0.0.0/8", "2001:db8::/32"} {
			f.tables[0].Routes = []sim.VPCRouteView{{Destination: route.MustDestination(dst), Target: k.target, Origin: "CreateRoute", State: "active"}}
			out, err := client(ec2api.New(f)).DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{})
			if err != nil {
				t.Fatal(err)
			}
			r := out.RouteTables[0].Routes[0]
			if aws.ToString(k.field(r)) != k.target {
				t.Errorf("%s: %+v", k.target, r)
			}
			set := 0
			for _, other := range []*string{r.TransitGatewayId, r.NetworkInterfaceId, r.GatewayId, r.NatGatewayId, r.InstanceId, r.VpcPeeringConnectionId, r.EgressOnlyInternetGatewayId, r.LocalGatewayId, r.CarrierGatewayId, r.CoreNetworkArn, r.OdbNetworkArn} {
				if other != nil {
					set++
				}
			}
			if set != 1 {
				t.Errorf("%s: %d targets shown", k.target, set)
			}
			if is6 := r.DestinationIpv6CidrBlock != nil; is6 != (dst == "2001:db8::/32") || is6 == (r.DestinationCidrBlock != nil) {
				t.Errorf("%s: destination %+v", dst, r)
			}
		}
	}
}
