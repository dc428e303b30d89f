package sim

import (
	"slices"
	"testing"
	"time"
)

// TestUnregisteredTransitGateway: Network Manager neither lists it nor sends events
// about it, be they of tunnels, sessions or routes; of all others it does both.
func TestUnregisteredTransitGateway(t *testing.T) {
	owner := Caller{Account: "777788889999", Region: "us-west-2"}
	const arn = "arn:aws:ec2:us-west-2:111122223333:transit-gateway/" + gw
	for _, left := range []bool{false, true} {
		clock, topology := newHandClock(), wideTopology()
		topology.TransitGateways[0].Unregistered = left
		w, err := NewWorld(clock, topology, Options{})
		must(t, err)
		networks := w.GlobalNetworks(owner)
		if len(networks) != 1 || networks[0].State != "AVAILABLE" || len(w.GlobalNetworks(me())) != 0 {
			t.Fatalf("got %+v", networks)
		}
		registrations, known := w.TransitGatewayRegistrations(owner, networks[0].ID)
		listed := slices.ContainsFunc(registrations, func(r RegistrationView) bool { return r.TransitGatewayARN == arn && r.State == "AVAILABLE" })
		if !known || listed == left || len(registrations) == 0 {
			t.Errorf("left out %t: the registrations are %+v", left, registrations)
		}
		if _, known := w.TransitGatewayRegistrations(me(), networks[0].ID); known {
			t.Error("another account sees the registrations")
		}

		events := heard(t, w)
		must(t, w.SetTunnel(vpn1, "198.51.100.1", false))
		must(t, w.SetSession(peer1, 2, false))
		_, _, refused := w.CreateTransitGatewayRoute(me(), spokeRT, cidr("192.168.99.0/24"), attVPN1)
		wantOK(t, refused)
		clock.advance(time.Minute)
		network := 0
		for _, event := range *events {
			if event["source"] != "aws.networkmanager" {
				continue
			}
			network++
			if resources, _ := event["resources"].([]any); resources[0] != networks[0].ARN {
				t.Errorf("the event is of %v, not of the global network that is listed", resources[0])
			}
		}
		if want := map[bool]int{false: 3, true: 0}[left]; network != want {
			t.Errorf("left out %t: %d events of Network Manager, want %d", left, network, want)
		}
	}
}
