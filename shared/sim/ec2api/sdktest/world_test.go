package sdktest

import (
	"slices"
	"testing"
	"time"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (still) At(time.Time, string, func()) {}

// world is a real World: one VPC and one site with one VPN connection.
func world(t *testing.T) *sim.World {
	t.Helper()
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: account, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{{
			ID: "tgw-rtb-0a", Associated: []string{"tgw-attach-0a", "tgw-attach-01"}, Propagated: []string{"tgw-attach-0a"},
			Routes: []sim.RouteSpec{{Destination: "192.168.0.0/16", Target: "tgw-attach-01"}, {Destination: "203.0.113.0/24", Target: "blackhole"}},
		}}}},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0a", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{{ID: "tgw-attach-0a", TransitGateway: "tgw-0a"}},
			Tables: []sim.VPCTableSpec{{ID: "rtb-0a", Routes: []sim.RouteSpec{{Destination: "192.168.0.0/16", Target: "tgw-0a"}}}},
		}},
		VPNs: []sim.VPNSpec{{
			ID: "vpn-01", Name: "paris", Attachment: sim.AttachmentSpec{ID: "tgw-attach-01", TransitGateway: "tgw-0a"}, Site: "paris",
			Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2", Down: true}},
		}},
		Sites: []sim.SiteSpec{{Name: "paris", Networks: []string{"192.168.0.0/16"}, Routes: []sim.SiteRouteSpec{{Destination: "10.0.0.0/8", Via: []string{"vpn-01"}}}}},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestRealWorld reads and writes a real World through the real client.
func TestRealWorld(t *testing.T) {
	w := world(t)
	c := client(ec2api.New(w))
	vpns, err := c.DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{VpnConnectionIds: []string{"vpn-01"}})
	if err != nil || len(vpns.VpnConnections) != 1 {
		t.Fatalf("%+v %v", vpns, err)
	}
	if tunnels := vpns.VpnConnections[0].VgwTelemetry; len(tunnels) != 2 || tunnels[0].Status != "UP" || tunnels[1].Status != "DOWN" {
		t.Errorf("%+v", tunnels)
	}
	attachments, err := c.DescribeTransitGatewayAttachments(background(), &ec2.DescribeTransitGatewayAttachmentsInput{Filters: by("transit-gateway-id", "tgw-0a", "state", "available")})
	if err != nil || len(attachments.TransitGatewayAttachments) != 2 {
		t.Errorf("%+v %v", attachments, err)
	}
	associations, err := c.GetTransitGatewayRouteTableAssociations(background(), &ec2.GetTransitGatewayRouteTableAssociationsInput{TransitGatewayRouteTableId: str("tgw-rtb-0a")})
	if err != nil || len(associations.Associations) != 2 {
		t.Errorf("%+v %v", associations, err)
	}
	gateways, err := c.DescribeTransitGatewayRouteTables(background(), &ec2.DescribeTransitGatewayRouteTablesInput{TransitGatewayRouteTableIds: []string{"tgw-rtb-0a"}})
	if err != nil || len(gateways.TransitGatewayRouteTables) != 1 {
		t.Errorf("%+v %v", gateways, err)
	}
	tables, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{Filters: by("route.transit-gateway-id", "tgw-0a", "association.main", "true")})
	if err != nil || len(tables.RouteTables) != 1 || len(tables.RouteTables[0].Routes) != 2 {
		t.Errorf("%+v %v", tables, err)
	}

	if _, err := c.ReplaceTransitGatewayRoute(background(), &ec2.ReplaceTransitGatewayRouteInput{
		TransitGatewayRouteTableId: str("tgw-rtb-0a"), DestinationCidrBlock: str("192.168.0.0/16"), Blackhole: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	found, err := c.SearchTransitGatewayRoutes(background(), &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-0a"), Filters: by("state", "blackhole")})
	if err != nil || len(found.Routes) != 2 || *found.Routes[0].DestinationCidrBlock != "192.168.0.0/16" {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := c.ReplaceRoute(background(), &ec2.ReplaceRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("192.168.0.0/16"), TransitGatewayId: str("tgw-0a")}); err != nil {
		t.Fatal(err)
	}

	var log []string
	for _, r := range w.Calls() {
		line := r.Action + " " + r.Code
		if r.Write != nil {
			line += r.Write.Table + " " + r.Write.Destination + " " + r.Write.Before + "→" + r.Write.After
		}
		if r.Seq != len(log)+1 || r.Process != "p1" || !r.EffectAt.Equal(still{}.Now()) || (r.Action == "DescribeVpnConnections") != (len(r.Telemetry) == 2) {
			t.Errorf("record %+v", r)
		}
		log = append(log, line)
	}
	want := []string{
		"DescribeVpnConnections ", "DescribeTransitGatewayAttachments ", "GetTransitGatewayRouteTableAssociations ",
		"DescribeTransitGatewayRouteTables ", "DescribeRouteTables ",
		"ReplaceTransitGatewayRoute tgw-rtb-0a 192.168.0.0/16 tgw-attach-01→blackhole", "SearchTransitGatewayRoutes ",
		"ReplaceRoute rtb-0a 192.168.0.0/16 tgw-0a→tgw-0a",
	}
	if !slices.Equal(log, want) {
		t.Errorf("log %q", log)
	}
}

// TestRealErrors looks for the World's own codes at the other end of the wire.
func TestRealErrors(t *testing.T) {
	w := world(t)
	c := client(ec2api.New(w))
	tgw := func(table, dst, attachment string, dry bool) error {
		_, err := c.CreateTransitGatewayRoute(background(), &ec2.CreateTransitGatewayRouteInput{
			TransitGatewayRouteTableId: &table, DestinationCidrBlock: &dst, TransitGatewayAttachmentId: &attachment, DryRun: &dry,
		})
		return err
	}
	wantCode(t, tgw("tgw-rtb-0f", "10.0.0.0/8", "tgw-attach-01", false), "InvalidRouteTableID.NotFound", "Transit Gateway Route Table tgw-rtb-0f was deleted or does not exist.")
	wantCode(t, tgw("tgw-rtb-0a", "10.0.0.0/8", "tgw-attach-0f", false), "InvalidTransitGatewayAttachmentID.NotFound", "Transit Gateway Attachment tgw-attach-0f was deleted or does not exist.")
	wantCode(t, tgw("tgw-rtb-0a", "192.168.0.0/16", "tgw-attach-01", false), "RouteAlreadyExists", "")
	wantCode(t, tgw("tgw-rtb-0a", "10.0.0.0/8", "tgw-attach-01", true), "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	_, err := c.DeleteTransitGatewayRoute(background(), &ec2.DeleteTransitGatewayRouteInput{TransitGatewayRouteTableId: str("tgw-rtb-0a"), DestinationCidrBlock: str("10.1.0.0/16")})
	wantCode(t, err, "InvalidRoute.NotFound", "")
	_, err = c.SearchTransitGatewayRoutes(background(), &ec2.SearchTransitGatewayRoutesInput{TransitGatewayRouteTableId: str("tgw-rtb-0f"), Filters: by("type", "static")})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "")
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-0f"), DestinationCidrBlock: str("10.0.0.0/8"), TransitGatewayId: str("tgw-0a")})
	wantCode(t, err, "InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-0f' does not exist")
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("192.168.0.0/16"), TransitGatewayId: str("tgw-0a")})
	wantCode(t, err, "RouteAlreadyExists", "The route identified by 192.168.0.0/16 already exists.")
	_, err = c.CreateRoute(background(), &ec2.CreateRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("10.0.0.0/8"), TransitGatewayId: str("tgw-0f")})
	wantCode(t, err, "InvalidTransitGatewayID.NotFound", "")
	_, err = c.ReplaceRoute(background(), &ec2.ReplaceRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("10.0.0.0/8"), TransitGatewayId: str("tgw-0a")})
	wantCode(t, err, "InvalidParameterValue", "There is no route defined for '10.0.0.0/8' in the route table. Use CreateRoute instead.")
	_, err = c.DeleteRoute(background(), &ec2.DeleteRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("10.0.0.0/8")})
	wantCode(t, err, "InvalidRoute.NotFound", "")
	_, err = c.DeleteRoute(background(), &ec2.DeleteRouteInput{RouteTableId: str("rtb-0a"), DestinationCidrBlock: str("192.168.0.0/16"), DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation", "")
	for _, r := range w.Calls() {
		if r.Code == "" || r.Write != nil {
			t.Errorf("record %+v", r)
		}
	}
}

// TestRealThrottle empties the bucket of a read: 100 tokens.
func TestRealThrottle(t *testing.T) {
	w := world(t)
	c := client(ec2api.New(w))
	for range 100 {
		if _, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.DescribeRouteTables(background(), &ec2.DescribeRouteTablesInput{})
	wantCode(t, err, "RequestLimitExceeded", "")
	if calls := w.Calls(); len(calls) != 101 || calls[100].Code != "RequestLimitExceeded" {
		t.Errorf("%d calls", len(calls))
	}
}
