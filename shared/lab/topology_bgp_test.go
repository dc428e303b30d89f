package lab

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

// bgpFile has every key of a topology that speaks of BGP.
const bgpFile = `
world: {vpnHold: 20s, bgpRestartAfter: 40s, advertiseAfter: 2s, advertiseBlackholes: true, connectLimitResets: true}
topology:
  account: "111122223333"
  region: us-west-2
  transitGateways:
    - id: tgw-1
      asn: 64777
      vpnEcmpSupport: disable
      tables:
        - {id: tgw-rtb-1, associated: [tgw-attach-2, tgw-attach-3], propagated: [tgw-attach-2, tgw-attach-3, tgw-attach-4]}
  vpcs:
    - {id: vpc-1, cidrs: [172.30.0.0/16], attachments: [{id: tgw-attach-1, transitGateway: tgw-1}], tables: [{id: rtb-1}]}
  vpns:
    - id: vpn-1
      attachment: {id: tgw-attach-2, transitGateway: tgw-1}
      site: dc
      bgp: {asn: 65030, announces: [{prefix: 10.1.0.0/16, med: 0}]}
      tunnels: [{outsideIp: 198.51.100.1}, {outsideIp: 198.51.100.2, bgpDown: true}]
  connects:
    - attachment: {id: tgw-attach-3, transitGateway: tgw-1}
      transport: tgw-attach-1
      site: dc
      announces: [10.5.0.0/16]
      peers:
        - id: tgw-connect-peer-1
          peerAddress: 172.30.2.126
          transitGatewayAddress: 192.168.151.181
          insideCidr: 169.254.6.0/29
          peerAsn: 64777
          announces: [{prefix: 10.128.0.0/10, asPath: [100], nextHopSelf: true}, {prefix: 10.2.0.0/16, nextHopSelf: true}]
  directConnects:
    - attachment: {id: tgw-attach-4, transitGateway: tgw-1}
      gateway: 11111111-2222-4333-8444-555555555555
      site: dc
      asn: 65040
      gatewayAsn: 64600
      allowedPrefixes: [172.16.0.0/12]
      announces: [10.4.0.0/16]
      routes: [{prefix: 10.3.0.0/16, asPath: [7, 8]}]
  sites:
    - {name: dc, asn: 65010, networks: [10.0.0.0/8], announces: [{prefix: 10.0.0.0/8}]}
`

// TestTopologyFilesSpeakOfBGP: every key is read, and means what it says; written
// as a scenario and read again it is the same.
func TestTopologyFilesSpeakOfBGP(t *testing.T) {
	file, err := ParseTopology([]byte(bgpFile), "bgp")
	if err != nil {
		t.Fatal(err)
	}
	want := sim.Options{
		VPNHold: 20 * time.Second, BGPRestartAfter: 40 * time.Second, AdvertiseAfter: 2 * time.Second, AdvertiseBlackholes: true, ConnectLimitResets: true,
	}
	if got := file.Options(); got != want {
		t.Errorf("got %+v", got)
	}
	scheduler := sim.NewScheduler(1, Start())
	defer scheduler.Close()
	world, err := sim.NewWorld(scheduler, file.Topology, file.Options())
	if err != nil {
		t.Fatal(err)
	}
	learned := map[string]string{}
	routes, refused := world.TransitGatewayRoutes(sim.Caller{Account: "111122223333", Region: "us-west-2"}, "tgw-rtb-1")
	if refused != nil {
		t.Fatal(refused)
	}
	for _, route := range routes {
		learned[route.Destination.String()] = route.Attachments[0].ID
	}
	if want := map[string]string{
		"10.0.0.0/8": "tgw-attach-4", "10.1.0.0/16": "tgw-attach-2", "10.128.0.0/10": "tgw-attach-3", "10.5.0.0/16": "tgw-attach-3",
		"10.4.0.0/16": "tgw-attach-4", "10.3.0.0/16": "tgw-attach-4",
	}; !reflect.DeepEqual(learned, want) {
		t.Errorf("learned %v, want %v", learned, want)
	}
	raw, err := Encode(&Scenario{World: file.World, Topology: file.Topology, Config: file.Config})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(string(raw), "neverTouch: {}\n") // A configuration, if an empty one.
	again, err := ParseTopology([]byte(text), "again")
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if !reflect.DeepEqual(again.Topology, file.Topology) || again.World != file.World {
		t.Errorf("got\n%+v\nwant\n%+v", again.Topology, file.Topology)
	}
}
