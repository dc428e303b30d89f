package sdktest

import (
	"fmt"
	"strings"
	"testing"

	"detour/shared/sim"
	"detour/shared/sim/ec2api"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestCallsWithoutPagesAnswerWhole: a limit of pages shortens pages only, since
// a client of a call that has none would never ask for the rest.
func TestCallsWithoutPagesAnswerWhole(t *testing.T) {
	topo := sim.Topology{Account: account, Region: region, Sites: []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}}}
	for i := range 3 {
		vpc, gateway := fmt.Sprintf("vpc-%d", i), fmt.Sprintf("vgw-%d", i)
		topo.VPCs = append(topo.VPCs, sim.VPCSpec{ID: vpc, CIDRs: []string{"10.1.0.0/16"}, Tables: []sim.VPCTableSpec{{ID: fmt.Sprintf("rtb-%d", i)}}})
		topo.VPNGateways = append(topo.VPNGateways, sim.VPNGatewaySpec{ID: gateway, VPC: vpc})
		topo.VPNs = append(topo.VPNs, sim.VPNSpec{ID: fmt.Sprintf("vpn-%d", i), VPNGateway: gateway, Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: fmt.Sprintf("198.51.100.%d", 1+i)}}})
	}
	w, err := sim.NewWorld(still{}, topo, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := ec2api.New(w)
	h.LimitPages(1)
	gateways, err := client(h).DescribeVpnGateways(background(), &ec2.DescribeVpnGatewaysInput{})
	if err != nil || len(gateways.VpnGateways) != 3 {
		t.Errorf("%d VPN gateways, %v, want 3", len(gateways.VpnGateways), err)
	}
	connections, err := client(h).DescribeVpnConnections(background(), &ec2.DescribeVpnConnectionsInput{})
	if err != nil || len(connections.VpnConnections) != 3 {
		t.Errorf("%d VPN connections, %v, want 3", len(connections.VpnConnections), err)
	}
}

// TestToldIsNoMoreThanTheAnswerSays: of several ids that are not there an error
// names the first, and a dry run says nothing of any.
func TestToldIsNoMoreThanTheAnswerSays(t *testing.T) {
	w := edge(t)
	c := client(ec2api.New(w))
	_, err := c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-98", "eni-99"}})
	if err == nil || strings.Contains(err.Error(), "eni-99") {
		t.Errorf("got %v", err)
	}
	wantTold(t, w, "eni-98 interface-status ")
	_, err = c.DescribeNetworkInterfaces(background(), &ec2.DescribeNetworkInterfacesInput{
		DryRun: aws.Bool(true), Filters: []types.Filter{{Name: aws.String("network-interface-id"), Values: []string{"eni-99"}}},
	})
	if err == nil {
		t.Error("a dry run was answered")
	}
	wantTold(t, w)
}
