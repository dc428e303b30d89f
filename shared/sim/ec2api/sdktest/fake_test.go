// Package sdktest tests the wire face with the real AWS SDK as its client. It
// is apart from ec2api so that the fuzz targets there are built without the SDK.
package sdktest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"detour/shared/route"
	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
)

// fake is a network with fixed contents that notes what it was asked.
type fake struct {
	*sim.World // What a test has not canned is not asked for: there is no World.

	vpns         []sim.VPNView
	attachments  []sim.AttachmentView
	tgwTables    []sim.TGWTableView
	routes       []sim.TGWRouteView
	associations []sim.AttachmentRef
	tables       []sim.VPCTableView

	refuse *sim.APIError // what every write and every table lookup answers
	admit  *sim.APIError

	callers []sim.Caller
	writes  []string
	records []sim.CallRecord
}

var errDry = &sim.APIError{Status: 412, Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set."}

func (f *fake) Admit(c sim.Caller, action string, mutating bool) *sim.APIError {
	f.callers = append(f.callers, c)
	return f.admit
}
func (f *fake) VPNConnections(sim.Caller) []sim.VPNView                   { return f.vpns }
func (f *fake) TransitGatewayAttachments(sim.Caller) []sim.AttachmentView { return f.attachments }
func (f *fake) TransitGatewayRouteTables(sim.Caller) []sim.TGWTableView   { return f.tgwTables }
func (f *fake) RouteTables(sim.Caller) []sim.VPCTableView                 { return f.tables }
func (f *fake) Record(r sim.CallRecord)                                   { f.records = append(f.records, r) }
func (f *fake) TransitGatewayRoutes(_ sim.Caller, _ string) ([]sim.TGWRouteView, *sim.APIError) {
	return f.routes, f.refuse
}

func (f *fake) Associations(_ sim.Caller, _ string) ([]sim.AttachmentRef, *sim.APIError) {
	return f.associations, f.refuse
}

func (f *fake) write(c sim.Caller, verb, table string, dst fmt.Stringer, target string) (*sim.RouteWrite, *sim.APIError) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	if c.DryRun {
		return nil, errDry
	}
	f.writes = append(f.writes, verb+" "+table+" "+dst.String()+" "+target)
	return &sim.RouteWrite{Table: table, Destination: dst.String(), After: target}, nil
}

func (f *fake) tgwWrite(c sim.Caller, verb, table string, dst netip.Prefix, target, state string) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError) {
	w, err := f.write(c, verb, table, dst, target)
	view := sim.TGWRouteView{Destination: dst, Type: "static", State: state}
	if target != "" && target != blackhole {
		view.Attachments = []sim.AttachmentRef{{ID: target, ResourceID: "vpn-1", ResourceType: "vpn"}}
	}
	return view, w, err
}

func (f *fake) CreateTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix, target string) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError) {
	return f.tgwWrite(c, "create", table, dst, target, "active")
}

func (f *fake) ReplaceTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix, target string) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError) {
	return f.tgwWrite(c, "replace", table, dst, target, "active")
}

func (f *fake) DeleteTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError) {
	return f.tgwWrite(c, "delete", table, dst, "", "deleted")
}

func (f *fake) CreateRoute(c sim.Caller, table string, dst route.Destination, target string) (*sim.RouteWrite, *sim.APIError) {
	return f.write(c, "create", table, dst, target)
}

func (f *fake) ReplaceRoute(c sim.Caller, table string, dst route.Destination, target string) (*sim.RouteWrite, *sim.APIError) {
	return f.write(c, "replace", table, dst, target)
}

func (f *fake) DeleteRoute(c sim.Caller, table string, dst route.Destination) (*sim.RouteWrite, *sim.APIError) {
	return f.write(c, "delete", table, dst, "")
}

// last returns the newest record, after a check that the call made exactly one.
func (f *fake) last(t *testing.T, before int) sim.CallRecord {
	t.Helper()
	if len(f.records) != before+1 {
		t.Fatalf("%d records for one call", len(f.records)-before)
	}
	return f.records[before]
}

const (
	account = "111122223333"
	region  = "eu-west-1"

	// What the wire says, written out again: the tests are outside of ec2api.
	ec2Version = "2016-11-15"
	stsVersion = "2011-06-15"
	maxBody    = 1 << 20
	blackhole  = "blackhole"
)

// client returns the real EC2 client over the handler.
func client(h *ec2api.Handler) *ec2.Client {
	return ec2.New(ec2.Options{
		Region: region, HTTPClient: h, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
}

// sample is a network with a few of everything.
func sample() *fake {
	vpn := sim.AttachmentRef{ID: "tgw-attach-vpn1", ResourceID: "vpn-1", ResourceType: "vpn"}
	vpc := sim.AttachmentRef{ID: "tgw-attach-vpc1", ResourceID: "vpc-1", ResourceType: "vpc"}
	return &fake{
		vpns: []sim.VPNView{
			{ID: "vpn-2", State: "deleted", TransitGateway: "tgw-2"},
			{ID: "vpn-1", Name: "paris <&>", State: "available", TransitGateway: "tgw-1", Tunnels: []sim.TunnelView{
				{OutsideIP: "203.0.113.1", Up: true, StatusMessage: "IPSEC IS UP", AcceptedRouteCount: 2, LastStatusChange: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)},
				{OutsideIP: "203.0.113.2", StatusMessage: "IPSEC IS DOWN"},
			}},
		},
		attachments: []sim.AttachmentView{
			{ID: "tgw-attach-vpn1", TransitGateway: "tgw-1", OwnerAccount: account, ResourceType: "vpn", ResourceID: "vpn-1", ResourceOwner: account, State: "available", AssociatedTable: "tgw-rtb-1"},
			{ID: "tgw-attach-vpc1", TransitGateway: "tgw-1", OwnerAccount: account, ResourceType: "vpc", ResourceID: "vpc-1", ResourceOwner: "444455556666", State: "available"},
			{ID: "tgw-attach-vpc2", TransitGateway: "tgw-2", OwnerAccount: account, ResourceType: "vpc", ResourceID: "vpc-2", ResourceOwner: account, State: "deleting"},
		},
		tgwTables: []sim.TGWTableView{
			{ID: "tgw-rtb-2", TransitGateway: "tgw-2", State: "available"},
			{ID: "tgw-rtb-1", TransitGateway: "tgw-1", State: "available"},
		},
		associations: []sim.AttachmentRef{vpn, vpc},
		routes: []sim.TGWRouteView{
			{Destination: netip.MustParsePrefix("10.1.0.0/16"), Attachments: []sim.AttachmentRef{vpc}, Type: "propagated", State: "active"},
			{Destination: netip.MustParsePrefix("10.0.0.0/8"), Attachments: []sim.AttachmentRef{vpn}, Type: "static", State: "active"},
			{Destination: netip.MustParsePrefix("10.1.2.0/24"), Attachments: []sim.AttachmentRef{vpn}, Type: "static", State: "blackhole"},
			{Destination: netip.MustParsePrefix("0.0.0.0/0"), Type: "static", State: "blackhole"},
			{Destination: netip.MustParsePrefix("2001:db8::/32"), Attachments: []sim.AttachmentRef{vpn, vpc}, Type: "propagated", State: "active"},
		},
		tables: []sim.VPCTableView{
			{ID: "rtb-2", VPC: "vpc-1", Routes: []sim.VPCRouteView{
				{Destination: route.MustDestination("10.1.0.0/16"), Target: "local", Origin: "CreateRouteTable", State: "active"},
				{Destination: route.MustDestination("0.0.0.0/0"), Target: "tgw-1", Origin: "CreateRoute", State: "active"},
				{Destination: route.MustDestination("::/0"), Target: "eigw-1", Origin: "CreateRoute", State: "active"},
			}},
			{ID: "rtb-1", VPC: "vpc-1", Main: true, Routes: []sim.VPCRouteView{
				{Destination: route.MustDestination("10.1.0.0/16"), Target: "local", Origin: "CreateRouteTable", State: "active"},
				{Destination: route.MustDestination("192.168.0.0/16"), Target: "vgw-1", Origin: "EnableVgwRoutePropagation", State: "active"},
				{Destination: route.MustDestination("172.16.0.0/12"), Target: "eni-1", Origin: "CreateRoute", State: "blackhole"},
			}},
			{ID: "rtb-3", VPC: "vpc-2", Main: true},
		},
	}
}

// code returns the smithy code of an error, and "" for none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return "not an API error: " + err.Error()
	}
	return ""
}

// wantCode fails the test unless err has the code and, if not empty, the message.
func wantCode(t *testing.T, err error, want, message string) {
	t.Helper()
	if got := code(err); got != want {
		t.Fatalf("code %q, want %q (%v)", got, want, err)
	}
	var api smithy.APIError
	if errors.As(err, &api) && message != "" && api.ErrorMessage() != message {
		t.Fatalf("message %q, want %q", api.ErrorMessage(), message)
	}
}

func str(s string) *string { return &s }

func background() context.Context {
	return sim.WithCall(context.Background(), sim.Call{Process: "p1", SentAt: time.Unix(100, 0)})
}

// raw sends a form body as it stands, and returns status and body.
func raw(h *ec2api.Handler, form url.Values) (int, string) {
	return rawBody(h, form.Encode(), account, "ec2")
}
