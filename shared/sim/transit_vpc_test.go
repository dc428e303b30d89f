package sim

import (
	"slices"
	"strings"
	"testing"
)

// transitTopology is two VPCs, and a third between them whose attachment leads
// to an appliance: a firewall without a line, or a router to a site.
func transitTopology() Topology {
	on := func(id string) []AttachmentSpec { return []AttachmentSpec{{ID: id, TransitGateway: gw}} }
	return Topology{
		Account: account, Region: region,
		TransitGateways: []TransitGatewaySpec{{ID: gw, Tables: []TransitGatewayTable{
			{ID: spokeRT, Associated: []string{attA, attB}, Routes: []RouteSpec{{Destination: "0.0.0.0/0", Target: attOther}}},
			{ID: onpremRT, Associated: []string{attOther}, Propagated: []string{attA, attB}},
		}}},
		VPCs: []VPCSpec{
			{ID: vpcA, CIDRs: []string{"10.1.0.0/16"}, Attachments: on(attA), Tables: []VPCTableSpec{{ID: mainRT, Routes: []RouteSpec{{Destination: "0.0.0.0/0", Target: gw}}}}},
			{ID: vpcB, CIDRs: []string{"10.2.0.0/16"}, Attachments: on(attB), Tables: []VPCTableSpec{{ID: vpcBRT, Routes: []RouteSpec{{Destination: "0.0.0.0/0", Target: gw}}}}},
			{ID: "vpc-0f", CIDRs: []string{"10.9.0.0/16"}, Attachments: on(attOther), Tables: []VPCTableSpec{
				{ID: "rtb-0e", Routes: []RouteSpec{{Destination: "10.0.0.0/8", Target: "eni-01"}, {Destination: "192.168.0.0/16", Target: "eni-02"}}},
				{ID: "rtb-0f", Subnets: []string{"10.9.1.0/24"}, Routes: []RouteSpec{{Destination: "10.0.0.0/8", Target: gw}}},
			}},
		},
		Appliances: []ApplianceSpec{
			{Instance: "i-01", Interface: "eni-01", VPC: "vpc-0f", Address: "10.9.1.1"},
			{Instance: "i-02", Interface: "eni-02", VPC: "vpc-0f", Address: "10.9.1.2", Site: "dc"},
		},
		Alarms: []AlarmSpec{{Name: "firewall", Box: "eni-01"}},
		Sites:  []SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}, Routes: []SiteRouteSpec{{Destination: "10.0.0.0/8", Via: []string{"eni-02"}}}}},
		Hosts: []HostSpec{
			{Name: "a", Address: "10.1.0.10", In: vpcA},
			{Name: "b", Address: "10.2.0.10", In: vpcB},
			{Name: "hub", Address: "10.9.2.10", In: "vpc-0f"},
			{Name: "dc", Address: "192.168.0.10", In: "dc"},
		},
	}
}

// TestAVPCPassesOnWhatATransitGatewaySendsIt: what comes by an attachment goes by
// the table of the attachment's subnet, to an appliance too.
func TestAVPCPassesOnWhatATransitGatewaySendsIt(t *testing.T) {
	w, err := NewWorld(newHandClock(), transitTopology(), Options{})
	must(t, err)
	wantWay(t, w, "a", "b", true)
	if hops := w.Reach("a", "b").Hops; !slices.Contains(hops, "rtb-0e: 10.0.0.0/8 -> eni-01") || !slices.Contains(hops, "rtb-0f: 10.0.0.0/8 -> tgw-0a") {
		t.Errorf("the way does not lead over the firewall: %v", hops)
	}
	wantWay(t, w, "a", "dc", true, "eni-02")
	wantWay(t, w, "dc", "a", true, "eni-02")
	wantWay(t, w, "a", "hub", true) // The hub's own host answers over the firewall.
	if !w.PathUp("eni-01") || w.Alarms(me())[0].State != alarmOK {
		t.Error("a firewall that forwards is not up")
	}
	must(t, w.SetForwarding("eni-01", false))
	if trace := w.Reach("a", "b"); trace.OK || trace.Reason != "the routing process on i-01 hangs" || w.PathUp("eni-01") {
		t.Errorf("got %+v", trace)
	}
	wantWay(t, w, "a", "dc", true, "eni-02")
}

// TestAVPCThatPassesOnToItselfIsALoop: the tables may lead a packet in a circle.
func TestAVPCThatPassesOnToItselfIsALoop(t *testing.T) {
	for name, target := range map[string]string{"by the gateway": gw, "by the interface": "eni-01"} {
		topology := transitTopology()
		hub := &topology.VPCs[2]
		hub.Tables[1].Routes[0].Target = target
		topology.TransitGateways[0].Tables[1].Propagated = nil
		topology.TransitGateways[0].Tables[1].Routes = []RouteSpec{{Destination: "0.0.0.0/0", Target: attOther}}
		w, err := NewWorld(newHandClock(), topology, Options{})
		must(t, err)
		if trace := w.Reach("a", "b"); trace.OK || !strings.Contains(trace.Reason, "the tables form a loop") {
			t.Errorf("%s: got %+v", name, trace)
		}
	}
}
