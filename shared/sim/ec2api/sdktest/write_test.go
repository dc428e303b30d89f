package sdktest

import (
	"slices"
	"testing"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestTGWWrites(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	created, err := c.CreateTransitGatewayRoute(background(), &ec2.CreateTransitGatewayRouteInput{
		TransitGatewayRouteTableId: str("tgw-rtb-1"), DestinationCidrBlock: str("10.9.9.9/16"), TransitGatewayAttachmentId: str("tgw-attach-vpn1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := created.Route; *r.DestinationCidrBlock != "10.9.0.0/16" || r.Type != "static" || r.State != "active" ||
		*r.TransitGatewayAttachments[0].TransitGatewayAttachmentId != "tgw-attach-vpn1" {
		t.Errorf("%+v", r)
	}
	want := sim.RouteWrite{Table: "tgw-rtb-1", Destination: "10.9.0.0/16", After: "tgw-attach-vpn1"}
	if r := f.last(t, 0); r.Write == nil || *r.Write != want || r.Code != "" {
		t.Errorf("record %+v", r)
	}
	replaced, err := c.ReplaceTransitGatewayRoute(background(), &ec2.ReplaceTransitGatewayRouteInput{
		TransitGatewayRouteTableId: str("tgw-rtb-1"), DestinationCidrBlock: str("::/0"), Blackhole: aws.Bool(true),
	})
	if err != nil || len(replaced.Route.TransitGatewayAttachments) != 0 {
		t.Errorf("%+v %v", replaced, err)
	}
	deleted, err := c.DeleteTransitGatewayRoute(background(), &ec2.DeleteTransitGatewayRouteInput{
		TransitGatewayRouteTableId: str("tgw-rtb-1"), DestinationCidrBlock: str("::/0"),
	})
	if err != nil || deleted.Route.State != "deleted" {
		t.Errorf("%+v %v", deleted, err)
	}
	if got := []string{"create tgw-rtb-1 10.9.0.0/16 tgw-attach-vpn1", "replace tgw-rtb-1 ::/0 blackhole", "delete tgw-rtb-1 ::/0 "}; !slices.Equal(f.writes, got) {
		t.Errorf("writes %q", f.writes)
	}
	_, err = c.DeleteTransitGatewayRoute(background(), &ec2.DeleteTransitGatewayRouteInput{
		TransitGatewayRouteTableId: str("tgw-rtb-1"), DestinationCidrBlock: str("::/0"), DryRun: aws.Bool(true),
	})
	wantCode(t, err, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	if r := f.last(t, 3); r.Write != nil || r.Code != "DryRunOperation" || len(f.writes) != 3 {
		t.Errorf("record %+v", r)
	}
}

func TestTGWWriteErrors(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	table, dst, attachment := str("tgw-rtb-1"), str("10.0.0.0/8"), str("tgw-attach-vpn1")
	for _, bad := range []struct {
		in      ec2.CreateTransitGatewayRouteInput
		code    string
		message string
	}{
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: dst}, "MissingParameter", ""},
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: dst, TransitGatewayAttachmentId: attachment, Blackhole: aws.Bool(true)}, "InvalidParameterCombination", ""},
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: str("x"), DestinationCidrBlock: dst, TransitGatewayAttachmentId: attachment}, "InvalidRouteTableId.Malformed", ""},
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: str(""), DestinationCidrBlock: dst, TransitGatewayAttachmentId: attachment}, "MissingParameter", ""},
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: str("10.0.0.0/33"), TransitGatewayAttachmentId: attachment}, "InvalidParameterValue", "Value (10.0.0.0/33) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."},
		{ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: dst, TransitGatewayAttachmentId: str("vpn-1")}, "InvalidTransitGatewayAttachmentID.Malformed", ""},
	} {
		_, err := c.CreateTransitGatewayRoute(background(), &bad.in)
		wantCode(t, err, bad.code, bad.message)
	}
	if len(f.writes) != 0 || len(f.records) != 6 {
		t.Errorf("%d writes, %d records", len(f.writes), len(f.records))
	}
	// Whatever the World refuses comes through as it is.
	f.refuse = &sim.APIError{Status: 400, Code: "RouteAlreadyExists", Message: "Route <&> already exists"}
	_, err := c.CreateTransitGatewayRoute(background(), &ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: dst, TransitGatewayAttachmentId: attachment})
	wantCode(t, err, "RouteAlreadyExists", "Route <&> already exists")
	if r := f.last(t, 6); r.Code != "RouteAlreadyExists" || r.Write != nil {
		t.Errorf("record %+v", r)
	}
	f.admit = &sim.APIError{Status: 503, Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	_, err = c.CreateTransitGatewayRoute(background(), &ec2.CreateTransitGatewayRouteInput{TransitGatewayRouteTableId: table, DestinationCidrBlock: dst, TransitGatewayAttachmentId: attachment})
	wantCode(t, err, "RequestLimitExceeded", "Request limit exceeded.")
}

func TestVPCWrites(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	out, err := c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-1"), DestinationCidrBlock: str("100.68.0.18/18"), TransitGatewayId: str("tgw-1")})
	if err != nil || !*out.Return {
		t.Fatalf("%+v %v", out, err)
	}
	if r := f.last(t, 0); r.Write == nil || r.Write.After != "tgw-1" || r.Params.Get("DestinationCidrBlock") != "100.68.0.18/18" {
		t.Errorf("record %+v", r)
	}
	if _, err := c.ReplaceRoute(background(), &ec2.ReplaceRouteInput{RouteTableId: str("rtb-1"), DestinationIpv6CidrBlock: str("2001:db8::/32"), NetworkInterfaceId: str("eni-1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReplaceRoute(background(), &ec2.ReplaceRouteInput{RouteTableId: str("rtb-1"), DestinationCidrBlock: str("10.0.0.0/16"), LocalTarget: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRoute(background(), &ec2.DeleteRouteInput{RouteTableId: str("rtb-1"), DestinationCidrBlock: str("10.0.0.0/16")}); err != nil {
		t.Fatal(err)
	}
	want := []string{"create rtb-1 100.68.0.0/18 tgw-1", "replace rtb-1 2001:db8::/32 eni-1", "replace rtb-1 10.0.0.0/16 local", "delete rtb-1 10.0.0.0/16 "}
	if !slices.Equal(f.writes, want) {
		t.Errorf("writes %q", f.writes)
	}
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-1"), DestinationCidrBlock: str("10.0.0.0/8"), GatewayId: str("igw-1"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	if len(f.writes) != 4 {
		t.Error("a dry run wrote")
	}
}

func TestEveryTarget(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	for _, in := range []ec2.CreateRouteInput{
		{GatewayId: str("igw-1")},
		{GatewayId: str("vgw-1")},
		{InstanceId: str("i-1")},
		{NetworkInterfaceId: str("eni-1")},
		{NatGatewayId: str("nat-1")},
		{TransitGatewayId: str("tgw-1")},
		{VpcPeeringConnectionId: str("pcx-1")},
		{EgressOnlyInternetGatewayId: str("eigw-1")},
		{LocalGatewayId: str("lgw-1")},
		{CarrierGatewayId: str("cagw-1")},
		{VpcEndpointId: str("vpce-1")},
		{CoreNetworkArn: str("arn:aws:networkmanager::1:core-network/c")},
		{OdbNetworkArn: str("arn:aws:odb:r:1:odb-network/o")},
	} {
		in.RouteTableId, in.DestinationCidrBlock = str("rtb-1"), str("0.0.0.0/0")
		if _, err := c.CreateRoute(background(), &in); err != nil {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if len(f.writes) != 13 || f.writes[2] != "create rtb-1 0.0.0.0/0 i-1" {
		t.Errorf("writes %q", f.writes)
	}
	for _, bad := range []struct {
		in   ec2.CreateRouteInput
		code string
	}{
		{ec2.CreateRouteInput{TransitGatewayId: str("eni-1")}, "InvalidTransitGatewayID.Malformed"},
		{ec2.CreateRouteInput{NetworkInterfaceId: str("tgw-1")}, "InvalidNetworkInterfaceId.Malformed"},
		{ec2.CreateRouteInput{NatGatewayId: str("x")}, "NatGatewayMalformed"},
		{ec2.CreateRouteInput{}, "MissingParameter"},
		{ec2.CreateRouteInput{NatGatewayId: str("nat-1"), GatewayId: str("igw-1")}, "InvalidParameterCombination"},
	} {
		bad.in.RouteTableId, bad.in.DestinationCidrBlock = str("rtb-1"), str("0.0.0.0/0")
		_, err := c.CreateRoute(background(), &bad.in)
		wantCode(t, err, bad.code, "")
	}
}

func TestVPCDestinations(t *testing.T) {
	f := sample()
	c := client(ec2api.New(f))
	for _, bad := range []struct {
		in      ec2.DeleteRouteInput
		code    string
		message string
	}{
		{ec2.DeleteRouteInput{}, "MissingParameter", "The request must contain the parameter destinationCidrBlock or destinationIpv6CidrBlock"},
		{ec2.DeleteRouteInput{RouteTableId: str("")}, "MissingParameter", "The request must contain the parameter routeTableId"},
		{ec2.DeleteRouteInput{RouteTableId: str("tgw-rtb-1")}, "InvalidRouteTableId.Malformed", ""},
		{ec2.DeleteRouteInput{DestinationCidrBlock: str("")}, "InvalidParameterValue", "invalid value for parameter destination-cidr-block: "},
		{ec2.DeleteRouteInput{DestinationCidrBlock: str("10.0.0.0")}, "InvalidParameterValue", "Value (10.0.0.0) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."},
		{ec2.DeleteRouteInput{DestinationCidrBlock: str("::/0")}, "InvalidParameterValue", ""},
		{ec2.DeleteRouteInput{DestinationIpv6CidrBlock: str("0.0.0.0/0")}, "InvalidParameterValue", ""},
		{ec2.DeleteRouteInput{DestinationCidrBlock: str("0.0.0.0/0"), DestinationIpv6CidrBlock: str("::/0")}, "InvalidParameterCombination", ""},
		{ec2.DeleteRouteInput{DestinationPrefixListId: str("list")}, "InvalidPrefixListID.Malformed", ""},
		{ec2.DeleteRouteInput{DestinationPrefixListId: str("pl-1"), DestinationCidrBlock: str("0.0.0.0/0")}, "InvalidParameterCombination", ""},
	} {
		if bad.in.RouteTableId == nil {
			bad.in.RouteTableId = str("rtb-1")
		}
		_, err := c.DeleteRoute(background(), &bad.in)
		wantCode(t, err, bad.code, bad.message)
	}
	if len(f.writes) != 0 {
		t.Errorf("writes %q", f.writes)
	}
}
