package lab

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"detour/shared/sim"
)

// routerFile has every key of a topology that speaks of a router's own routes, of
// a virtual private gateway with BGP, and of its log.
const routerFile = `
world: {vpnLogDelay: 20s, gatewayAdvertisesStatics: true}
topology:
  account: "111122223333"
  region: us-west-2
  vpcs:
    - {id: vpc-1, name: hub, cidrs: [172.31.0.0/16], tables: [{id: rtb-1, propagated: [vgw-1]}]}
  vpnGateways: [{id: vgw-1, name: door, vpc: vpc-1, asn: 64600}]
  vpns:
    - {id: vpn-1, vpnGateway: vgw-1, site: dc, bgp: {}, bgpLog: true, tunnels: [{outsideIp: 203.0.113.11}]}
  directConnects:
    - {id: dxvif-1, name: fiber, vpnGateway: vgw-1, site: partner}
  sites:
    - name: dc
      networks: [10.20.0.0/16]
      asn: 65010
      routes: [{destination: 203.0.113.11/32, via: [internet]}]
    - {name: partner, networks: [10.99.0.0/16], asn: 65099, announces: [{prefix: 0.0.0.0/0}]}
  hosts: [{name: a, address: 172.31.0.10, in: vpc-1}]
`

// TestRoutersInATopology: what the file says of routers reaches the World, a
// virtual interface goes by its name and can be broken, and writing the file anew
// loses nothing.
func TestRoutersInATopology(t *testing.T) {
	file, err := ParseTopology([]byte(routerFile), "routers")
	if err != nil {
		t.Fatal(err)
	}
	if want := (sim.Options{VPNLogDelay: 20 * time.Second, GatewayAdvertisesStatics: true}); file.Options() != want {
		t.Errorf("got %+v", file.Options())
	}
	scheduler := sim.NewScheduler(1, Start())
	defer scheduler.Close()
	world, err := sim.NewWorld(scheduler, file.Topology, file.Options())
	if err != nil {
		t.Fatal(err)
	}
	routes, err := world.RouterRoutes("dc")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range routes {
		lines = append(lines, r.Prefix.String()+" "+r.String())
	}
	if want := []string{
		"0.0.0.0/0 bgp 20 vpn-1 64600 65099", "10.20.0.0/16 connected 0", "172.31.0.0/16 bgp 20 vpn-1 64600",
		"203.0.113.11/32 static 1 internet", "::/0 assigned 210 internet",
	}; !reflect.DeepEqual(lines, want) {
		t.Errorf("the router has\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if got := file.Names().Replace("dxvif-1 of vgw-1"); got != "fiber of door" {
		t.Errorf("named %q", got)
	}
	if err := world.SetDirectConnect(file.Topology.DirectConnects[0].Link(), false); err != nil {
		t.Error(err)
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
