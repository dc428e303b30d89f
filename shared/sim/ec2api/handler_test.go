package ec2api

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

const account = "111122223333"

// still is a Timekeeper whose time does not pass.
type still struct{}

func (still) Now() time.Time               { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
func (still) At(time.Time, string, func()) {}

// worldOf returns a network with one transit gateway, whose table has n statics, one VPC with a
// virtual private gateway and an appliance, a VPN connection on each gateway, and a prefix list.
func worldOf(tb testing.TB, n int) *sim.World {
	tb.Helper()
	table := sim.TransitGatewayTable{ID: "tgw-rtb-1", Associated: []string{"tgw-attach-vpc1"}, Propagated: []string{"tgw-attach-vpc1"}}
	for i := range n {
		table.Routes = append(table.Routes, sim.RouteSpec{Destination: fmt.Sprintf("10.9.%d.0/24", i), Target: "tgw-attach-vpn1"})
	}
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: account, Region: "eu-west-1",
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-1", Tables: []sim.TransitGatewayTable{table}}},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-1", CIDRs: []string{"10.1.0.0/16"}, Attachments: []sim.AttachmentSpec{{ID: "tgw-attach-vpc1", TransitGateway: "tgw-1"}},
			Tables: []sim.VPCTableSpec{{ID: "rtb-1", Propagated: []string{"vgw-1"}, Routes: []sim.RouteSpec{{Destination: "192.168.0.0/16", Target: "tgw-1"}, {Destination: "pl-1", Target: "eni-1"}}}},
		}},
		VPNGateways: []sim.VPNGatewaySpec{{ID: "vgw-1", VPC: "vpc-1"}},
		Appliances:  []sim.ApplianceSpec{{Instance: "i-1", Interface: "eni-1", VPC: "vpc-1", Address: "10.1.0.9"}},
		PrefixLists: []sim.PrefixListSpec{{ID: "pl-1", MaxEntries: 9, Entries: []string{"10.8.0.0/16", "10.7.0.0/16"}}},
		VPNs: []sim.VPNSpec{{
			ID: "vpn-1", Name: "paris <&>", Attachment: sim.AttachmentSpec{ID: "tgw-attach-vpn1", TransitGateway: "tgw-1"}, Site: "paris",
			Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2", Down: true}},
		}, {
			ID: "vpn-2", VPNGateway: "vgw-1", Site: "paris", Routes: []string{"10.66.0.0/16"}, Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.9"}},
		}},
		Connects: []sim.ConnectSpec{{
			Attachment: sim.AttachmentSpec{ID: "tgw-attach-con1", TransitGateway: "tgw-1"}, Transport: "tgw-attach-vpc1", Site: "paris",
			Peers: []sim.ConnectPeerSpec{{ID: "tgw-connect-peer-1", PeerAddress: "10.1.0.9", TransitGatewayAddress: "192.0.2.1", InsideCIDR: "169.254.6.0/29"}},
		}},
		Sites: []sim.SiteSpec{{Name: "paris", Networks: []string{"192.168.0.0/16"}}},
	}, sim.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// post makes a signed-looking request.
func post(body, id, service string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "https://ec2.eu-west-1.amazonaws.com/", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+id+"/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	}
	return r
}

func send(h *Handler, r *http.Request) (int, string) {
	resp, err := h.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// TestTheCallLogNamesTheFault that the transport laid on a call, whether the
// call failed or not.
func TestTheCallLogNamesTheFault(t *testing.T) {
	for body, code := range map[string]string{
		"Action=DescribeRouteTables&Version=" + ec2Version:                      "",
		"Action=DescribeRouteTables&RouteTableId.1=rtb-9&Version=" + ec2Version: "InvalidRouteTableID.NotFound",
		"Action=": "MissingAction",
	} {
		w := worldOf(t, 0)
		r := post(body, account, "ec2")
		send(New(w), r.WithContext(sim.WithCall(r.Context(), sim.Call{Process: "p1", Fault: string(sim.FaultStale)})))
		if calls := w.Calls(); len(calls) != 1 || calls[0].Fault != "stale" || calls[0].Process != "p1" || calls[0].Code != code {
			t.Errorf("%s: the call log is %+v", body, calls)
		}
	}
}

func TestWild(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abbd", false},
		{"?", "a", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\`, `a\`, true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b", "ba", false},
		{"abc", "ABC", false},
		{"a**", "a", true},
		{"**x", "aax", true},
	} {
		if got := wild(c.pattern, c.s); got != c.want {
			t.Errorf("wild(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	if got := requestID(255); got != "00000000-0000-4000-8000-0000000000ff" {
		t.Error(got)
	}
	if got := requestID(1 << 60); got != "00000000-0000-4000-8000-1000000000000000" {
		t.Error(got)
	}
}
