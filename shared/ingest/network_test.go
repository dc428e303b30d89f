package ingest_test

import (
	"testing"
	"time"

	"detour/events/pattern"
	"detour/shared/health"
	"detour/shared/ingest"
	"detour/shared/sim"
)

// byHand is a Timekeeper that does everything at once, in order.
type byHand struct{ now time.Time }

func (c *byHand) Now() time.Time { return c.now }

func (c *byHand) At(at time.Time, _ string, fn func()) {
	if at.After(c.now) {
		c.now = at
	}
	fn()
}

// TestEventsOfTheSimulatedNetworkAreUnderstood: what the simulated network emits,
// made from the published samples, passes the pattern of the switchover function's
// rule and names the subject that changed.
func TestEventsOfTheSimulatedNetworkAreUnderstood(t *testing.T) {
	const account, region = "111122223333", "eu-west-1"
	own := func(kind health.SubjectKind, id string) health.Subject {
		return health.Subject{Kind: kind, ID: id, Account: account, Region: region}
	}
	vpn := own(health.SubjectVPN, "vpn-0a")
	for name, test := range map[string]struct {
		change  func(w *sim.World) error
		pattern string
		want    []ingest.Hint
	}{
		"an alarm": {
			func(w *sim.World) error { return w.SetAlarm("box: all/well", "ALARM") }, "cloudwatch-alarm.json",
			[]ingest.Hint{{Subject: own(health.SubjectAlarm, "box: all/well"), Direction: ingest.DirectionDown}},
		},
		"an alarm elsewhere": {
			func(w *sim.World) error { return w.SetAlarm("far", "INSUFFICIENT_DATA") }, "cloudwatch-alarm.json",
			[]ingest.Hint{{Subject: health.Subject{Kind: health.SubjectAlarm, ID: "far", Account: "444455556666", Region: "us-east-1"}}},
		},
		"an alarm of a tunnel": {
			func(w *sim.World) error { return w.SetAlarm("tunnels", "ALARM") }, "cloudwatch-alarm.json",
			[]ingest.Hint{{Subject: own(health.SubjectAlarm, "tunnels"), Direction: ingest.DirectionDown}, {Subject: vpn}},
		},
		"a session down": {
			func(w *sim.World) error { return w.SetSession("tgw-connect-peer-0a", 2, false) }, "network-manager-status.json",
			[]ingest.Hint{{Subject: own(health.SubjectConnectPeer, "tgw-connect-peer-0a"), Part: "169.254.6.3", Direction: ingest.DirectionDown}},
		},
		"a session up": {
			func(w *sim.World) error { return w.SetSession("tgw-connect-peer-0b", 1, true) }, "network-manager-status.json",
			[]ingest.Hint{{Subject: own(health.SubjectConnectPeer, "tgw-connect-peer-0b"), Part: "169.254.6.10", Direction: ingest.DirectionUp}},
		},
		"a tunnel down": {
			func(w *sim.World) error { return w.SetTunnel("vpn-0a", "198.51.100.1", false) }, "network-manager-status.json",
			[]ingest.Hint{{Subject: vpn, Part: "198.51.100.1", Direction: ingest.DirectionDown}},
		},
	} {
		w, err := sim.NewWorld(&byHand{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, network(account, region), sim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var raw []byte
		w.Subscribe(func(event []byte) {
			if raw == nil {
				raw = event
			}
		})
		if err := test.change(w); err != nil || raw == nil {
			t.Fatalf("%s: %v, event %s", name, err, raw)
		}
		rule, err := pattern.Read(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if matched, err := pattern.Match(rule, raw); err != nil || !matched {
			t.Errorf("%s: the pattern gives %v, %v for %s", name, matched, err, raw)
		}
		look, err := ingest.Decode(raw)
		if err != nil || look.Everything || len(look.Hints) != len(test.want) {
			t.Errorf("%s: got %+v, %v", name, look, err)
			continue
		}
		for i, want := range test.want {
			if look.Hints[i] != want {
				t.Errorf("%s: got %+v, want %+v", name, look.Hints[i], want)
			}
		}
	}
}

func network(account, region string) sim.Topology {
	on := func(id string) sim.AttachmentSpec { return sim.AttachmentSpec{ID: id, TransitGateway: "tgw-0a"} }
	return sim.Topology{
		Account: account, Region: region,
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{{ID: "tgw-rtb-0a"}}}},
		VPCs:            []sim.VPCSpec{{ID: "vpc-0a", CIDRs: []string{"10.0.0.0/16"}, Attachments: []sim.AttachmentSpec{on("tgw-attach-0a")}, Tables: []sim.VPCTableSpec{{ID: "rtb-0a"}}}},
		VPNs:            []sim.VPNSpec{{ID: "vpn-0a", Attachment: on("tgw-attach-0b"), Site: "dc", Tunnels: []sim.TunnelSpec{{OutsideIP: "198.51.100.1"}}}},
		Connects: []sim.ConnectSpec{{
			Attachment: on("tgw-attach-0c"), Transport: "tgw-attach-0a", Site: "dc",
			Peers: []sim.ConnectPeerSpec{
				{ID: "tgw-connect-peer-0a", PeerAddress: "10.0.0.1", TransitGatewayAddress: "192.0.2.1", InsideCIDR: "169.254.6.0/29"},
				{ID: "tgw-connect-peer-0b", PeerAddress: "10.0.0.2", TransitGatewayAddress: "192.0.2.2", InsideCIDR: "169.254.6.8/29", Down: true},
			},
		}},
		Sites: []sim.SiteSpec{{Name: "dc", Networks: []string{"192.168.0.0/16"}}},
		Alarms: []sim.AlarmSpec{
			{Name: "box: all/well"}, {Name: "tunnels", VPN: "vpn-0a"}, {Name: "far", Account: "444455556666", Region: "us-east-1"},
		},
	}
}
