package lab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"detour/events"
	"detour/shared/handler"
	"detour/shared/sim"
)

// TestOwnCallsStartNoLoop: CloudTrail tells of Detour's own writes, too. They are
// told by their role, read nothing, and the routes move as without them.
func TestOwnCallsStartNoLoop(t *testing.T) {
	run := func(everybody bool) *Rig {
		topo, c := sequenceNetwork()
		rig, err := NewRig(Options{Seed: 1, Topology: topo, Config: c})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(rig.Close)
		if everybody {
			rig.World.TellOfCalls(func(process string) (sim.Principal, bool) {
				function, _, _ := strings.Cut(process, "-")
				return sim.Principal{Role: "detour-" + function + "-" + labRegion, Session: "detour-" + function}, true
			})
		}
		rig.Scheduler.At(Start().Add(3*time.Minute), "failure", func() {
			for _, tunnel := range topo.VPNs[0].Tunnels {
				if err := rig.World.SetTunnel(topo.VPNs[0].ID, tunnel.OutsideIP, false); err != nil {
					t.Error(err)
				}
			}
		})
		if err := rig.RunUntil(Start().Add(8 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		return rig
	}
	with, without := run(true), run(false)
	own := 0
	for _, r := range with.Runs {
		if r.Cause == "event" && strings.Contains(string(r.Message), events.DetailAPICall) {
			own++
			if r.Outcome.Dropped != handler.DropOwnCall {
				t.Errorf("the outcome of Detour's own call is %+v", r.Outcome)
			}
		}
	}
	writes := func(rig *Rig) (n int) {
		for _, call := range rig.World.Calls() {
			if call.Write != nil {
				n++
			}
		}
		return n
	}
	if own != 2 || writes(with) != 2 || writes(without) != 2 {
		t.Errorf("%d of Detour's own calls came back, %d writes with them and %d without", own, writes(with), writes(without))
	}
	if len(with.Runs)-own != len(without.Runs) {
		t.Errorf("%d runs beside them, want %d", len(with.Runs)-own, len(without.Runs))
	}
}

// TestARehearsalInTheLab: the message of the daily schedule has every planned write
// tried over the wire, one a second, and changes nothing.
func TestARehearsalInTheLab(t *testing.T) {
	topo, c := sequenceNetwork()
	rig, err := NewRig(Options{Seed: 1, Topology: topo, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	defer rig.Close()
	before := rig.World.Snapshot()
	rig.Scheduler.At(Start().Add(5*time.Minute), "rehearse", func() { rig.Invoke(Sweep, []byte(`{"detour":"rehearse"}`), "schedule") })
	if err := rig.RunUntil(Start().Add(7 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if after := rig.World.Snapshot(); after != before {
		t.Errorf("the network changed from\n%s\nto\n%s", before, after)
	}
	var targets []string
	var last time.Time
	for _, call := range rig.World.Calls() {
		if call.Params.Get("DryRun") != "true" {
			continue
		}
		if call.Code != "DryRunOperation" || call.Action != "ReplaceTransitGatewayRoute" || call.Write != nil {
			t.Errorf("the call %+v", call)
		}
		if call.SentAt.Sub(last) < 900*time.Millisecond {
			t.Errorf("a dry run was sent %s after the one before", call.SentAt.Sub(last))
		}
		last = call.SentAt
		targets = append(targets, call.Params.Get("DestinationCidrBlock")+" "+call.Params.Get("TransitGatewayAttachmentId"))
	}
	slices.Sort(targets)
	if want := 2*3 + 2; len(slices.Compact(targets)) != want {
		t.Errorf("%d different writes were tried, want %d: %q", len(targets), want, targets)
	}
}
