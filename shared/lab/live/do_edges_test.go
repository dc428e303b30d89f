package live

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"detour/shared/lab"
	"detour/shared/sim"
)

// edges has one of each thing that the actions of do_edges.go act on.
const edges = `
world: {connectHold: 1ms, recoverAfter: 1ms, statusCheckAfter: 1ms, eventDelay: 1ms, detectAfter: 1ms}
topology:
  account: "111122223333"
  region: eu-west-1
  transitGateways:
    - {id: tgw-00000000000000001, tables: [{id: tgw-rtb-00000000000000001}]}
    - {id: tgw-00000000000000002, tables: [{id: tgw-rtb-00000000000000002}]}
  vpcs:
    - id: vpc-00000000000000001
      cidrs: [172.16.0.0/16]
      attachments: [{id: tgw-attach-00000000000000001, transitGateway: tgw-00000000000000001}]
      tables: [{id: rtb-00000000000000001}]
  vpnGateways: [{id: vgw-00000000000000001, name: private, vpc: vpc-00000000000000001}]
  appliances:
    - {instance: i-00000000000000001, interface: eni-00000000000000001, name: router, vpc: vpc-00000000000000001, address: 172.16.0.10, site: site}
  connects:
    - attachment: {id: tgw-attach-00000000000000002, transitGateway: tgw-00000000000000001}
      transport: tgw-attach-00000000000000001
      site: site
      peers:
        - {id: tgw-connect-peer-00000000000000001, peerAddress: 172.16.0.11, transitGatewayAddress: 192.0.2.1, insideCidr: 169.254.6.0/29}
  directConnects:
    - {attachment: {id: tgw-attach-00000000000000003, transitGateway: tgw-00000000000000001}, name: line, gateway: 00000000-0000-4000-8000-000000000001, site: site}
  peerings:
    - {attachment: {id: tgw-attach-00000000000000004, transitGateway: tgw-00000000000000001}, name: bridge, peer: tgw-00000000000000002}
  prefixLists: [{id: pl-00000000000000001, name: offices, maxEntries: 4, entries: [10.1.0.0/16]}]
  alarms: [{name: box, box: eni-00000000000000001}]
  sites: [{name: site, networks: [10.0.0.0/8]}]
`

func TestDoOnEdges(t *testing.T) {
	file, err := lab.ParseTopology([]byte(edges), "edges.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, out := serve(t, Options{File: file})
	const route = "write rtb-00000000000000001 "
	for _, step := range []struct{ line, want string }{
		{"instance-stop router", "i-00000000000000001: instance-stop"},
		{"instance-start eni-00000000000000001", "i-00000000000000001: instance-start"},
		{"instance-impaired router system", "i-00000000000000001: its system check fails"},
		{"instance-ok i-00000000000000001", "instance-ok"},
		{"forwarding-stops router", "forwarding-stops"},
		{"forwarding-works router", "forwarding-works"},
		{"line-down router", "line-down"},
		{"line-up router", "line-up"},
		{"source-dest-check-on router", "eni-00000000000000001: the source/destination check is on"},
		{"source-dest-check-off router", "is off"},
		{"session-down tgw-connect-peer-00000000000000001", "both BGP sessions are down"},
		{"session-up tgw-connect-peer-00000000000000001 1", "BGP session 1 is up"},
		{"direct-connect-down line", "tgw-attach-00000000000000003: direct-connect-down"},
		{"direct-connect-up line", "direct-connect-up"},
		{"peering-down bridge", "tgw-attach-00000000000000004: peering-down"},
		{"peering-up bridge", "peering-up"},
		{"gateway-detached private", "vgw-00000000000000001: gateway-detached"},
		{"gateway-attached private", "gateway-attached"},
		{"alarm box ALARM", "alarm box is ALARM, whatever it watches"},
		{"alarm box follow", "alarm box follows what it watches"},
		{"alarm-deleted box", "alarm box is deleted"},
		{"prefix-list offices add 10.2.0.0/16 --by terraform", "pl-00000000000000001: add 10.2.0.0/16 by terraform"},
		{"prefix-list offices remove 10.1.0.0/16", "by somebody"},
		{route + "pl-00000000000000001 eni-00000000000000001 --by bob", "pl-00000000000000001 goes to eni-00000000000000001"},
		{"instance-terminate router", "instance-terminate"},
	} {
		words := strings.Fields(step.line)
		answer, err := s.Do(t.Context(), words[0], words[1:]...)
		if err != nil {
			t.Errorf("%s: %v", step.line, err)
			continue
		}
		if got, ok := answer.(Answer); !ok || !strings.Contains(got.Text(), step.want) {
			t.Errorf("%s: %v, want %q", step.line, answer, step.want)
		}
	}
	if snapshot := s.World().Snapshot(); !strings.Contains(snapshot, "pl-00000000000000001") || !strings.Contains(snapshot, "blackhole") {
		t.Errorf("the list's route is not a blackhole:\n%s", snapshot)
	}
	if !strings.Contains(out.String(), "router: forwarding-stops") {
		t.Errorf("the lines do not tell it:\n%s", out)
	}
	for line, want := range map[string]string{
		"instance-stop x":                                 `there is no appliance "x"`,
		"instance-impaired router disk":                   `there is no status check "disk"`,
		"session-down x":                                  `there is no Connect peer "x"`,
		"session-up tgw-connect-peer-00000000000000001 3": `there is no session "3"`,
		"direct-connect-down bridge":                      `there is no attachment of that kind "bridge"`,
		"gateway-detached x":                              `there is no virtual private gateway "x"`,
		"alarm x OK":                                      `there is no alarm "x"`,
		"alarm box RED":                                   `there is no state "RED"`,
		"prefix-list offices add 10.0.0.1/8":              `block "10.0.0.1/8" is not a CIDR block`,
		"prefix-list offices drop 10.0.0.0/8":             `there is no change "drop"`,
		"prefix-list x add 10.0.0.0/8":                    `there is no prefix list "x"`,
		"instance-start router":                           "terminated",
	} {
		words := strings.Fields(line)
		if answer, err := s.Do(t.Context(), words[0], words[1:]...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", line, answer, err, want)
		}
	}
}

// TestLinesTellOfEdges: a line for what happens to what is no tunnel, and for a
// write that is to no route.
func TestLinesTellOfEdges(t *testing.T) {
	file, err := lab.ParseTopology([]byte(strings.Replace(edges, "{name: box, ", "{name: box, after: 1ms, ", 1)), "edges.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, out := serve(t, Options{File: file})
	for _, step := range []struct {
		line  string
		wants []string
	}{
		{"forwarding-stops router", []string{"shows box: alarm-state ALARM", "sends box: OK to ALARM"}},
		{"session-down tgw-connect-peer-00000000000000001 2", []string{
			"shows tgw-connect-peer-00000000000000001 169.254.6.3: session down", "session 169.254.6.3 of tgw-connect-peer-00000000000000001",
		}},
		{"instance-stop router", []string{"shows router: instance-state stopped"}},
	} {
		words := strings.Fields(step.line)
		if _, err := s.Do(t.Context(), words[0], words[1:]...); err != nil {
			t.Fatalf("%s: %v", step.line, err)
		}
		for _, want := range step.wants {
			until(t, s, step.line+" is told: "+want, func() bool { return strings.Contains(out.String(), want) })
		}
	}
	s.called(sim.CallRecord{Process: "bob", Action: "ModifyManagedPrefixList", Params: url.Values{"PrefixListId": {"pl-1"}, "CurrentVersion": {"3"}}})
	s.called(sim.CallRecord{Process: "bob", Action: "EnableVgwRoutePropagation", Code: "Gateway.NotAttached"})
	s.called(sim.CallRecord{Process: "bob", Action: "DescribeVpcs", Params: url.Values{"VpcId.1": {"vpc-1"}}})
	for want, told := range map[string]bool{"ModifyManagedPrefixList pl-1": true, "EnableVgwRoutePropagation is refused: Gateway.NotAttached": true, "DescribeVpcs": false} {
		if strings.Contains(out.String(), want) != told {
			t.Errorf("%q is not %v in\n%s", want, told, out)
		}
	}
}

// TestATunnelOfAVPNGatewaySendsNoEvent: nobody waits for the event of a VPN
// connection on a virtual private gateway.
func TestATunnelOfAVPNGatewaySendsNoEvent(t *testing.T) {
	text := strings.Replace(edges, "  appliances:", `  vpns:
    - {id: vpn-00000000000000001, vpnGateway: vgw-00000000000000001, site: site, tunnels: [{outsideIp: 203.0.113.1}]}
  appliances:`, 1)
	file, err := lab.ParseTopology([]byte(text), "edges.topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := serve(t, Options{File: file})
	for _, line := range []string{"tunnel-down vpn-00000000000000001", "session-down tgw-connect-peer-00000000000000001 1", "tunnel-up vpn-00000000000000001"} {
		words := strings.Fields(line)
		if _, err := s.Do(t.Context(), words[0], words[1:]...); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := s.WaitDetected(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if raw, err := s.WaitEvent(ctx); err != nil || !strings.Contains(string(raw), "tgw-connect-peer-00000000000000001") {
		t.Errorf("got %s, %v", raw, err)
	}
}

// TestEdgeActionsAreTheVerbs: what detour lab do calls an action, a scenario's
// script calls a verb.
func TestEdgeActionsAreTheVerbs(t *testing.T) {
	for _, a := range edgeActions() {
		text := strings.Replace(edges, "topology:", "name: x\ntitle: x\nduration: 1m\nscript: [{at: 1s, do: "+a.name+"}]\ntopology:", 1)
		if _, err := lab.Parse([]byte(text), "x.yaml"); err != nil && strings.Contains(err.Error(), "is not a verb") {
			t.Errorf("%s is no verb of a script", a.name)
		}
	}
}
