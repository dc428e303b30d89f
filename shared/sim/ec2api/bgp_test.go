package ec2api

import (
	"strings"
	"testing"

	"detour/shared/sim"
)

// bgpWorld has two VPN connections with BGP on one transit gateway, which announce
// the same prefix.
func bgpWorld(t *testing.T) *sim.World {
	t.Helper()
	vpn := func(id, attachment, outside string) sim.VPNSpec {
		return sim.VPNSpec{
			ID: id, Attachment: sim.AttachmentSpec{ID: attachment, TransitGateway: "tgw-1"}, Site: "paris", BGP: &sim.VPNBGPSpec{},
			Tunnels: []sim.TunnelSpec{{OutsideIP: outside + "1"}, {OutsideIP: outside + "2", BGPDown: true}},
		}
	}
	w, err := sim.NewWorld(still{}, sim.Topology{
		Account: account, Region: "eu-west-1",
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-1", ASN: 64777, VPNECMPSupport: "enable", Tables: []sim.TransitGatewayTable{
			{ID: "tgw-rtb-1", Propagated: []string{"tgw-attach-vpn1", "tgw-attach-vpn2"}},
		}}, {ID: "tgw-2", VPNECMPSupport: "disable"}},
		VPNs: []sim.VPNSpec{vpn("vpn-1", "tgw-attach-vpn1", "198.51.100."), vpn("vpn-2", "tgw-attach-vpn2", "203.0.113.")},
		Sites: []sim.SiteSpec{{
			Name: "paris", ASN: 65010, Networks: []string{"10.128.0.0/10"}, Announces: []sim.AnnouncementSpec{{Prefix: "10.128.0.0/10"}, {Prefix: "10.64.0.0/10"}},
		}},
	}, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWhatShowsOfBGP: routing and telemetry of a connection, the options of a
// transit gateway, and a route with several attachments.
func TestWhatShowsOfBGP(t *testing.T) {
	h := New(bgpWorld(t))
	const version = "&Version=2016-11-15"
	for body, wanted := range map[string][]string{
		"Action=DescribeVpnConnections&VpnConnectionId.1=vpn-1" + version: {
			"<staticRoutesOnly>false</staticRoutesOnly>",
			"<outsideIpAddress>198.51.100.1</outsideIpAddress><status>UP</status><statusMessage>2 BGP ROUTES</statusMessage><acceptedRouteCount>2</acceptedRouteCount>",
			"<outsideIpAddress>198.51.100.2</outsideIpAddress><status>DOWN</status><statusMessage>IPSEC IS UP</statusMessage><acceptedRouteCount>0</acceptedRouteCount>",
		},
		"Action=DescribeTransitGateways" + version: {
			"<amazonSideAsn>64777</amazonSideAsn><vpnEcmpSupport>enable</vpnEcmpSupport>", "<amazonSideAsn>64512</amazonSideAsn><vpnEcmpSupport>disable</vpnEcmpSupport>",
		},
		"Action=SearchTransitGatewayRoutes&TransitGatewayRouteTableId=tgw-rtb-1&Filter.1.Name=route-search.exact-match&Filter.1.Value.1=10.128.0.0/10" + version: {
			"<resourceId>vpn-1</resourceId>", "<resourceId>vpn-2</resourceId>", "<type>propagated</type>",
		},
	} {
		status, answer := send(h, post(body, account, "ec2"))
		for _, want := range wanted {
			if status != 200 || !strings.Contains(answer, want) {
				t.Errorf("%s: no %s in %d %s", body, want, status, answer)
			}
		}
	}
}
