package sim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func generic(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var value map[string]any
	must(t, json.Unmarshal(raw, &value))
	return value
}

func TestTopologyErrorsNameFieldValueAndRemedy(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*Topology)
		wanted []string
	}{
		{"account", func(p *Topology) { p.Account = "12" }, []string{`transitGateways[0].account is "12"`, "12 digits"}},
		{"global account", func(p *Topology) { p.GlobalNetworkAccount = "x" }, []string{`globalNetworkAccount is "x"`}},
		{"region", func(p *Topology) { p.Region = "" }, []string{"transitGateways[0].region is empty", "such as us-west-2"}},
		{"id", func(p *Topology) { p.VPCs[0].ID = "net" }, []string{`vpcs[0].id is "net"`, `starts with "vpc-"`}},
		{"twice", func(p *Topology) { p.VPCs[1].Tables[0].ID = mainRT }, []string{`vpcs[1].tables[0].id is "rtb-0a"`, "vpcs[0].tables[0].id has already"}},
		{"gateway", func(p *Topology) { p.VPCs[0].Attachments[0].TransitGateway = "tgw-99" }, []string{`vpcs[0].attachments[0].transitGateway is "tgw-99"`, "use one of tgw-0a, tgw-0b"}},
		{"other region", func(p *Topology) { p.VPCs[0].Region = "eu-west-1" }, []string{"own Region"}},
		{"cidr", func(p *Topology) { p.VPCs[0].CIDRs[0] = "10.1.0.1/16" }, []string{`vpcs[0].cidrs[0] is "10.1.0.1/16"`, "write 10.1.0.0/16"}},
		{"overlap", func(p *Topology) { p.Sites[0].Networks = []string{"192.168.0.0/16", "192.168.0.0/24"} }, []string{"sites[0].networks[1]", "overlaps 192.168.0.0/16"}},
		{"subnet", func(p *Topology) { p.VPCs[0].Tables[0].Subnets = []string{"10.7.0.0/24"} }, []string{"outside the VPC"}},
		{"subnet twice", func(p *Topology) { p.VPCs[0].Tables[0].Subnets = []string{"10.1.2.0/24"} }, []string{"a subnet has one table"}},
		{"no tables", func(p *Topology) { p.VPCs[1].Tables = nil }, []string{"vpcs[1].tables is empty"}},
		{"associated twice", func(p *Topology) {
			p.TransitGateways[0].Tables[1].Associated = []string{attA}
		}, []string{`transitGateways[0].tables[1].associated[0] is "tgw-attach-0a"`, "tgw-rtb-0a has already"}},
		{"foreign attachment", func(p *Topology) {
			p.TransitGateways[0].Tables[1].Propagated = []string{attOther}
		}, []string{"no attachment of tgw-0a", "use one of tgw-attach-01"}},
		{"propagated twice", func(p *Topology) {
			p.TransitGateways[0].Tables[1].Propagated = []string{attA, attA}
		}, []string{"for the second time"}},
		{"tgw route target", func(p *Topology) {
			p.TransitGateways[0].Tables[0].Routes[0].Target = gw
		}, []string{`routes[0].target is "tgw-0a"`}},
		{"tgw route twice", func(p *Topology) {
			p.TransitGateways[0].Tables[0].Routes[1].Destination = "192.168.0.0/16"
		}, []string{"static route for already"}},
		{"vpc route target", func(p *Topology) { p.VPCs[0].Tables[0].Routes[0].Target = "blackhole" }, []string{`target is "blackhole"`}},
		{"vpc route unattached", func(p *Topology) { p.VPCs[0].Tables[0].Routes[0].Target = gw2 }, []string{"InvalidTransitGatewayID.NotFound", "attach vpc-0a"}},
		{"vpn site", func(p *Topology) { p.VPNs[0].Site = "moon" }, []string{`vpns[0].site is "moon"`, "use one of dc"}},
		{"no tunnels", func(p *Topology) { p.VPNs[0].Tunnels = nil }, []string{"vpns[0].tunnels is empty"}},
		{"tunnel address", func(p *Topology) { p.VPNs[0].Tunnels[0].OutsideIP = "x" }, []string{`vpns[0].tunnels[0].outsideIp is "x"`}},
		{"tunnel twice", func(p *Topology) { p.VPNs[0].Tunnels[0].OutsideIP = "198.51.100.3" }, []string{"its own address"}},
		{"via", func(p *Topology) { p.Sites[0].Routes[0].Via = []string{"vpn-99"} }, []string{`sites[0].routes[0].via[0] is "vpn-99"`}},
		{"no via", func(p *Topology) { p.Sites[0].Routes[0].Via = nil }, []string{"via is empty"}},
		{"no networks", func(p *Topology) { p.Sites[0].Networks = nil }, []string{"sites[0].networks is empty"}},
		{"site twice", func(p *Topology) { p.Sites = append(p.Sites, p.Sites[0]) }, []string{`sites[1].name is "dc"`}},
		{"site route twice", func(p *Topology) {
			p.Sites[0].Routes = append(p.Sites[0].Routes, p.Sites[0].Routes[0])
		}, []string{`sites[0].routes[1].destination is "10.0.0.0/8"`, "in one via"}},
		{"host place", func(p *Topology) { p.Hosts[0].In = "moon" }, []string{`hosts[0].in is "moon"`, "use one of vpc-0a"}},
		{"host address", func(p *Topology) { p.Hosts[0].Address = "192.0.2.1" }, []string{"outside vpc-0a"}},
		{"host twice", func(p *Topology) { p.Hosts[1].Name = "a" }, []string{`hosts[1].name is "a"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			topo := labTopology()
			c.spoil(&topo)
			wantRefused(t, topo, c.wanted)
		})
	}
}

func TestNegativeOptionsAndMissingTimekeeperAreRefused(t *testing.T) {
	for _, opts := range []Options{{DetectAfter: -1}, {EventDelay: -time.Second}, {VPCRouteQuota: -1}} {
		if _, err := NewWorld(newHandClock(), labTopology(), opts); err == nil || !strings.Contains(err.Error(), "must not be negative") {
			t.Errorf("got %v for %+v", err, opts)
		}
	}
	if _, err := NewWorld(nil, labTopology(), Options{}); err == nil {
		t.Error("a World without a Timekeeper was built")
	}
}

func TestEmptyTopologyIsAWorld(t *testing.T) {
	w, err := NewWorld(newHandClock(), Topology{}, Options{})
	must(t, err)
	if w.Snapshot() != "" || len(w.VPNConnections(me())) != 0 {
		t.Fatal("an empty World shows something")
	}
}

func TestEventsAreMadeFromKeysThatTheSampleHas(t *testing.T) {
	loaded, err := loadSamples()
	must(t, err)
	spoiled := samples{}
	for name, raw := range loaded {
		spoiled[name] = []byte(strings.ReplaceAll(string(raw), "outsideIpAddress", "outside-ip-address"))
	}
	if err := spoiled.check(); err == nil || !strings.Contains(err.Error(), `no key "outsideIpAddress"`) {
		t.Fatalf("got %v", err)
	}
}

// nestingClock calls back at once, as a Timekeeper may for a past instant.
type nestingClock struct{ handClock }

func (c *nestingClock) At(_ time.Time, _ string, fn func()) { fn() }

func TestNoLockIsHeldDuringCallbacks(t *testing.T) {
	clock := &nestingClock{*newHandClock()}
	w, err := NewWorld(clock, labTopology(), Options{})
	must(t, err)
	heardEvents := 0
	w.Subscribe(func([]byte) {
		heardEvents++
		_ = w.Snapshot() // Would deadlock under the lock.
		_, _, refused := w.ReplaceTransitGatewayRoute(me(), spokeRT, cidr("192.168.0.0/16"), attVPN1)
		wantOK(t, refused)
	})
	downBoth(t, w)
	if heardEvents != 2 {
		t.Fatalf("got %d events, want 2", heardEvents)
	}
}
