package awsec2_test

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/awsec2"
	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/systemclock"
	"detour/shared/doctor"
	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"
)

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (still) At(time.Time, string, func()) {}

// listed is the simulated network with pages of one, some of whose calls are denied.
type listed struct {
	face   *ec2api.Handler
	denied string
}

func (l listed) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if form, _ := url.ParseQuery(string(raw)); l.denied != "" && form.Get("Action") == l.denied {
		body := "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>"
		return &http.Response{StatusCode: 403, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return l.face.Do(r)
}

func inventory(t *testing.T, denied, account string) doctor.Network {
	t.Helper()
	spec := func(id string) sim.AttachmentSpec { return sim.AttachmentSpec{ID: id, TransitGateway: "tgw-0a"} }
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: home, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{
			{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-0a", Associated: []string{"tgw-attach-0a"}}, {ID: "tgw-rtb-0b"}}},
			{ID: "tgw-0b", Account: foreign, Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-0f"}}},
		},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0a", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{spec("tgw-attach-0a")},
			Tables: []sim.VPCTableSpec{{ID: "rtb-0a", Propagated: []string{"vgw-0a"}}, {ID: "rtb-0b", Subnets: []string{"10.1.2.0/24", "10.1.3.0/24"}}},
		}},
		VPNGateways: []sim.VPNGatewaySpec{{ID: "vgw-0a", VPC: "vpc-0a"}},
		VPNs: []sim.VPNSpec{
			{ID: "vpn-01", Attachment: spec("tgw-attach-01"), Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2", Down: true}}},
			{ID: "vpn-02", VPNGateway: "vgw-0a", Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.3"}}},
		},
		Connects: []sim.ConnectSpec{{Attachment: spec("tgw-attach-0c"), Transport: "tgw-attach-0a", Site: "dc", Peers: []sim.ConnectPeerSpec{{
			ID: "tgw-connect-peer-01", PeerAddress: "10.1.2.9", TransitGatewayAddress: "192.0.2.1", InsideCIDR: "169.254.6.0/29", PeerASN: 65011,
		}}}},
		Sites: []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	face := ec2api.New(w)
	face.LimitPages(1)
	return awsec2.New(cannedtest.Configs(listed{face, denied}), systemclock.New(), time.Minute).Inventory().Read(t.Context(), account, region)
}

func TestInventory(t *testing.T) {
	t.Parallel()
	got := inventory(t, "", home)
	if got.ReadAt.IsZero() || len(got.Unread) > 0 || got.Account != home || got.Region != region {
		t.Fatalf("got %+v", got)
	}
	table := func(kind route.TableKind, id string) route.Table {
		return route.Table{Kind: kind, ID: id, Account: home, Region: region}
	}
	attachment := func(id, kind, resource string) doctor.Attachment {
		return doctor.Attachment{ID: id, TransitGateway: "tgw-0a", Type: kind, Resource: resource, Owner: home, State: "available"}
	}
	for _, c := range []struct{ got, want any }{
		{got.Gateways, []doctor.Gateway{{ID: "tgw-0a", ASN: 64512}}},
		{got.GatewayTables, []doctor.GatewayTable{
			{Table: table(route.TransitGatewayTable, "tgw-rtb-0a"), TransitGateway: "tgw-0a"}, {Table: table(route.TransitGatewayTable, "tgw-rtb-0b"), TransitGateway: "tgw-0a"},
		}},
		{got.Attachments, []doctor.Attachment{
			attachment("tgw-attach-01", "vpn", "vpn-01"), attachment("tgw-attach-0a", "vpc", "vpc-0a"), attachment("tgw-attach-0c", "connect", "tgw-attach-0a"),
		}},
		{got.Peers, []doctor.Peer{{
			ID: "tgw-connect-peer-01", Attachment: "tgw-attach-0c", Outside: netip.MustParseAddr("192.0.2.1"), PeerASN: 65011, ASN: 64512,
			Sessions: []doctor.Session{{Address: "169.254.6.2", Up: true}, {Address: "169.254.6.3", Up: true}},
		}}},
		{got.VPCTables, []doctor.VPCTable{
			{Table: table(route.VPCTable, "rtb-0a"), VPC: "vpc-0a", Main: true, Propagating: []string{"vgw-0a"}}, {Table: table(route.VPCTable, "rtb-0b"), VPC: "vpc-0a", Subnets: 2},
		}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %+v, want %+v", c.got, c.want)
		}
	}
	if len(got.VPNs) != 2 || got.VPNs[0].ID != "vpn-01" || got.VPNs[0].TransitGateway != "tgw-0a" || got.VPNs[1].VPNGateway != "vgw-0a" {
		t.Fatalf("got %+v", got.VPNs)
	}
	tunnels := got.VPNs[0].Tunnels
	if len(tunnels) != 2 || !tunnels[0].Up || tunnels[1].Up || tunnels[0].Outside != netip.MustParseAddr("198.51.100.1") || tunnels[1].Note == "" || !got.VPNs[0].Static {
		t.Errorf("got %+v", got.VPNs[0])
	}
}

// TestInventoryWithoutAPermission: what is denied is named, and the rest is there.
func TestInventoryWithoutAPermission(t *testing.T) {
	t.Parallel()
	for action, part := range map[string]doctor.Part{
		"DescribeTransitGateways": doctor.PartGateways, "DescribeTransitGatewayRouteTables": doctor.PartGatewayTables,
		"DescribeTransitGatewayAttachments": doctor.PartAttachments, "DescribeVpnConnections": doctor.PartVPNs,
		"DescribeTransitGatewayConnectPeers": doctor.PartPeers, "DescribeRouteTables": doctor.PartVPCTables,
	} {
		got := inventory(t, action, home)
		if len(got.Unread) != 1 || got.Unread[0].Part != part || got.Unread[0].Problem != route.ProblemDenied || !strings.Contains(got.Unread[0].Note, "UnauthorizedOperation") {
			t.Errorf("%s: got %+v", action, got.Unread)
		}
		filled := []int{len(got.Gateways), len(got.GatewayTables), len(got.Attachments), len(got.VPNs), len(got.Peers), len(got.VPCTables)}
		if empty := len(slices.DeleteFunc(filled, func(n int) bool { return n > 0 })); empty != 1 {
			t.Errorf("%s: %d parts are empty", action, empty)
		}
	}
	if got := inventory(t, "", "999999999999"); len(got.Unread) != 6 || got.Unread[0].Problem != route.ProblemDenied {
		t.Errorf("without a client: got %+v", got.Unread)
	}
}
