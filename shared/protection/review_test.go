package protection

import (
	"testing"
	"time"

	"detour/shared/health"
)

// TestReleaseWaitsForTheFreezeToEnd: consumed under a freeze it would be lost,
// since nothing can move then.
func TestReleaseWaitsForTheFreezeToEnd(t *testing.T) {
	now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	group := &Group{
		Name: "g", Mode: Enforce, Units: []Unit{{Name: "u"}},
		Paths: []Path{{Name: "a"}, {Name: "b"}},
	}
	in := Input{
		Group: group, Now: now, Standing: Standing{Complete: true, StartedAt: now},
		Health: []PathHealth{
			{Path: "a", Assessment: health.Assessment{State: health.Down, Evidence: health.Down, Sources: 1}},
			{Path: "b", Assessment: health.Assessment{State: health.Up, Evidence: health.Up, Sources: 1}},
		},
		Record:   Record{Mode: Enforce, Settled: true, MassFailureAt: now.Add(-time.Minute), Decision: Decision{Group: "g", From: "a", To: "a", Extent: 1, Epoch: 1}},
		Requests: []Request{{ID: "r", Kind: Release, At: now}, {ID: "f", Kind: Freeze, At: now}},
	}
	if out := Decide(in); len(out.Ended) != 0 || out.Decision.Reason != ReasonMassFailure {
		t.Fatalf("under the freeze: ended %v, reason %s", out.Ended, out.Decision.Reason)
	}
	in.Requests = in.Requests[:1]
	if in.Requests[0].Kind != Release {
		t.Fatal("the input was reordered")
	}
	out := Decide(in)
	if out.Decision.Action != Move || out.Decision.To != "b" || len(out.Ended) != 1 {
		t.Fatalf("after the freeze: %+v, ended %v", out.Decision, out.Ended)
	}
}

// TestANewForceGetsNoHelpFromHoldOff: the facts show the target down, and only
// hold-off still calls it up; a force that stands there already is kept.
func TestANewForceGetsNoHelpFromHoldOff(t *testing.T) {
	now := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	held := health.Assessment{State: health.Up, Evidence: health.Down, Reason: health.ReasonHoldOff, Sources: 1}
	up := health.Assessment{State: health.Up, Evidence: health.Up, Sources: 1}
	in := Input{
		Group: &Group{Name: "g", Mode: Enforce, Units: []Unit{{Name: "u"}}, Paths: []Path{{Name: "a"}, {Name: "b"}}},
		Now:   now, Standing: Standing{Complete: true, StartedAt: now}, Budget: Budget{Remaining: 10},
		Health:   []PathHealth{{"a", up}, {"b", held}},
		Record:   Record{Mode: Enforce, Settled: true, Decision: Decision{Group: "g", From: "a", To: "a", Extent: 1, Epoch: 1}},
		Requests: []Request{{ID: "r", Kind: ForcedSwitch, Path: "b", At: now}},
	}
	if out := Decide(in); out.Decision.Action != Stay || len(out.Ended) != 1 || out.Ended[0].Reason != ReasonTargetDown {
		t.Fatalf("new force: %+v, ended %v", out.Decision, out.Ended)
	}
	in.Record.Decision.To = "b"
	if out := Decide(in); out.Decision.Reason != ReasonForcedSwitch || len(out.Ended) != 0 {
		t.Fatalf("standing force: %+v, ended %v", out.Decision, out.Ended)
	}
}

// TestADoubledHintKeepsItsSchedule: events come at least once.
func TestADoubledHintKeepsItsSchedule(t *testing.T) {
	came := time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)
	subject := health.Subject{Kind: health.SubjectVPN, ID: "vpn-1"}
	open := Hint{At: came, Subject: subject, Part: "192.0.2.1", Down: true}
	again := open
	again.At = came.Add(20 * time.Second)
	up := []health.Fact{{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelUp}}
	if got := TrackHint(open, again, up, again.At); !got.Hint.At.Equal(came) || !got.Deadline.Equal(came.Add(30*time.Second)) {
		t.Fatalf("contradicted: %+v", got)
	}
	down := []health.Fact{{Subject: subject, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: health.TunnelDown}}
	if got := TrackHint(open, again, down, again.At); got.Lag != 20*time.Second {
		t.Fatalf("lag %s, want 20s", got.Lag)
	}
}
