package sim

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/route"
)

// handClock is a Timekeeper that a test moves by hand.
type handClock struct {
	now     time.Time
	pending []alarm
	serial  int
}

type alarm struct {
	at     time.Time
	serial int
	name   string
	fn     func()
}

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *handClock) Now() time.Time { return c.now }

func (c *handClock) At(at time.Time, name string, fn func()) {
	c.serial++
	c.pending = append(c.pending, alarm{at: at, serial: c.serial, name: name, fn: fn})
}

// advance moves the time on and runs what comes due, in order.
func (c *handClock) advance(d time.Duration) {
	until := c.now.Add(d)
	for {
		slices.SortFunc(c.pending, func(a, b alarm) int {
			if order := a.at.Compare(b.at); order != 0 {
				return order
			}
			return a.serial - b.serial
		})
		if len(c.pending) == 0 || c.pending[0].at.After(until) {
			break
		}
		next := c.pending[0]
		c.pending = c.pending[1:]
		if next.at.After(c.now) {
			c.now = next.at
		}
		next.fn()
	}
	c.now = until
}

const (
	account  = "111122223333"
	foreign  = "444455556666"
	region   = "us-west-2"
	gw       = "tgw-0a"
	gw2      = "tgw-0b"
	spokeRT  = "tgw-rtb-0a" // Associated with the VPCs.
	onpremRT = "tgw-rtb-0b" // Associated with the VPN connections.
	otherRT  = "tgw-rtb-0c" // Of the other account's transit gateway.
	vpcA     = "vpc-0a"
	vpcB     = "vpc-0b"
	mainRT   = "rtb-0a"
	secondRT = "rtb-0b"
	vpcBRT   = "rtb-0c"
	attA     = "tgw-attach-0a"
	attB     = "tgw-attach-0b"
	attVPN1  = "tgw-attach-01"
	attVPN2  = "tgw-attach-02"
	attOther = "tgw-attach-0f"
	vpn1     = "vpn-01"
	vpn2     = "vpn-02"
)

// labTopology is two VPCs and a site with two VPN connections on one transit
// gateway, and a transit gateway of another account.
func labTopology() Topology {
	return Topology{
		Account: account, Region: region, GlobalNetworkAccount: "777788889999",
		TransitGateways: []TransitGatewaySpec{
			{ID: gw, Tables: []TransitGatewayTable{
				{
					ID: spokeRT, Associated: []string{attA, attB}, Propagated: []string{attA, attB},
					Routes: []RouteSpec{{Destination: "192.168.0.0/16", Target: attVPN1}, {Destination: "203.0.113.0/24", Target: "blackhole"}},
				},
				{ID: onpremRT, Associated: []string{attVPN1, attVPN2}, Propagated: []string{attA, attB}},
			}},
			{ID: gw2, Account: foreign, Tables: []TransitGatewayTable{{ID: otherRT}}},
		},
		VPCs: []VPCSpec{
			{
				ID: vpcA, CIDRs: []string{"10.1.0.0/16", "2001:db8:1::/56"},
				Attachments: []AttachmentSpec{{ID: attA, TransitGateway: gw}},
				Tables: []VPCTableSpec{
					{ID: mainRT, Subnets: []string{"10.1.1.0/24"}, Routes: []RouteSpec{
						{Destination: "10.2.0.0/16", Target: gw}, {Destination: "192.168.0.0/16", Target: gw}, {Destination: "0.0.0.0/0", Target: "igw-0a"},
					}},
					{ID: secondRT, Subnets: []string{"10.1.2.0/24"}, Routes: []RouteSpec{{Destination: "198.51.100.0/24", Target: "eni-0a"}, {Destination: "198.51.101.0/24", Target: "nat-0a"}}},
				},
			},
			{
				ID: vpcB, CIDRs: []string{"10.2.0.0/16"},
				Attachments: []AttachmentSpec{{ID: attB, TransitGateway: gw}},
				Tables: []VPCTableSpec{{ID: vpcBRT, Routes: []RouteSpec{
					{Destination: "10.1.0.0/16", Target: gw}, {Destination: "192.168.0.0/16", Target: gw},
				}}},
			},
			{
				ID: "vpc-0f", Account: foreign, CIDRs: []string{"10.9.0.0/16"},
				Attachments: []AttachmentSpec{{ID: attOther, TransitGateway: gw2}},
				Tables:      []VPCTableSpec{{ID: "rtb-0f"}},
			},
		},
		VPNs: []VPNSpec{
			{ID: vpn1, Name: "one", Attachment: AttachmentSpec{ID: attVPN1, TransitGateway: gw}, Site: "dc", Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.1"}, {OutsideIP: "198.51.100.2"}}},
			{ID: vpn2, Name: "two", Attachment: AttachmentSpec{ID: attVPN2, TransitGateway: gw}, Site: "dc", Tunnels: []TunnelSpec{{OutsideIP: "198.51.100.3"}, {OutsideIP: "198.51.100.4", Down: true}}},
		},
		Sites: []SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/24"}, Routes: []SiteRouteSpec{{Destination: "10.0.0.0/8", Via: []string{vpn1, vpn2}}}}},
		Hosts: []HostSpec{
			{Name: "a", Address: "10.1.1.10", In: vpcA},
			{Name: "a2", Address: "10.1.2.10", In: vpcA},
			{Name: "b", Address: "10.2.1.10", In: vpcB},
			{Name: "dc", Address: "192.168.0.10", In: "dc"},
			{Name: "far", Address: "10.9.0.10", In: "vpc-0f"},
		},
	}
}

func lab(t *testing.T, opts Options) (*World, *handClock) {
	t.Helper()
	clock := newHandClock()
	w, err := NewWorld(clock, labTopology(), opts)
	if err != nil {
		t.Fatalf("NewWorld: %v", err)
	}
	return w, clock
}

func me() Caller { return Caller{Account: account, Region: region} }

func dryRun() Caller {
	c := me()
	c.DryRun = true
	return c
}

func stale(d time.Duration) Caller {
	c := me()
	c.Call.Stale = d
	return c
}

func dest(text string) route.Destination { return route.MustDestination(text) }

func cidr(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func wantCode(t *testing.T, got *APIError, code, message string) {
	t.Helper()
	if got == nil {
		t.Fatalf("got success, want %s", code)
	}
	if got.Code != code || message != "" && got.Message != message {
		t.Fatalf("got %v, want %s: %s", got, code, message)
	}
	if code != codeDryRun && code != codeRequestLimit && got.Status != 400 {
		t.Fatalf("got status %d for %s, want 400", got.Status, code)
	}
}

func wantOK(t *testing.T, got *APIError) {
	t.Helper()
	if got != nil {
		t.Fatalf("got %v, want success", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shown finds a route of a TGW table in a read.
func shown(t *testing.T, w *World, c Caller, table, dst string) (TGWRouteView, bool) {
	t.Helper()
	routes, refused := w.TransitGatewayRoutes(c, table)
	wantOK(t, refused)
	for _, route := range routes {
		if route.Destination == cidr(dst) {
			return route, true
		}
	}
	return TGWRouteView{}, false
}

// shownVPC finds a route of a VPC table in a read.
func shownVPC(w *World, c Caller, table, dst string) (VPCRouteView, bool) {
	for _, view := range w.RouteTables(c) {
		for _, entry := range view.Routes {
			if view.ID == table && entry.Destination == dest(dst) {
				return entry, true
			}
		}
	}
	return VPCRouteView{}, false
}

// heard collects the events of a World, decoded without any of our own types.
func heard(t *testing.T, w *World) *[]map[string]any {
	t.Helper()
	events := &[]map[string]any{}
	w.Subscribe(func(raw []byte) {
		var event map[string]any
		must(t, json.Unmarshal(raw, &event))
		*events = append(*events, event)
	})
	return events
}

func detail(event map[string]any) map[string]any {
	d, _ := event["detail"].(map[string]any)
	return d
}

func downBoth(t *testing.T, w *World) {
	t.Helper()
	must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
	must(t, w.SetTunnel(vpn1, "198.51.100.2", false))
}

func upBoth(t *testing.T, w *World) {
	t.Helper()
	must(t, w.SetTunnel(vpn1, "198.51.100.1", true))
	must(t, w.SetTunnel(vpn1, "198.51.100.2", true))
}

// wantRefused expects that no World is made of a topology, with an error that
// says all that is wanted.
func wantRefused(t *testing.T, topo Topology, wanted []string) {
	t.Helper()
	_, err := NewWorld(newHandClock(), topo, Options{})
	if err == nil {
		t.Fatal("the topology was accepted")
	}
	for _, want := range wanted {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}
