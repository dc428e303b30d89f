package health

import (
	"testing"
	"time"
)

func TestWhatTheFactsSpeakFor(t *testing.T) {
	old := noon.Add(-3*time.Minute - time.Nanosecond)
	connection := func(value string) Fact {
		return Fact{Subject: vpn, Kind: FactConnectionState, Value: value, Source: SourceDescribeVPNConnections, ObservedAt: noon}
	}
	unreadable := unreadableFacts(noon)[0]
	tests := []struct {
		name   string
		spec   func(*Spec)
		facts  []Fact
		state  State
		reason Reason
	}{
		{"all tunnels UP: Up", nil, upFacts(noon), Up, ReasonAllTunnelsUp},
		{"one of two UP: Degraded", nil, degradedFacts(noon), Degraded, ReasonSomeTunnelsUp},
		{"none UP: Down", nil, downFacts(noon), Down, ReasonTooFewTunnels},
		{"fewer than minTunnels UP: Down", func(s *Spec) { s.MinTunnels = 2 }, degradedFacts(noon), Down, ReasonTooFewTunnels},
		{"one tunnel asked for, one UP: Up", func(s *Spec) { s.Tunnels = 1 }, degradedFacts(noon), Up, ReasonAllTunnelsUp},
		{"the connection is deleted: Down", nil, []Fact{connection(ConnectionGone)}, Down, ReasonConnectionGone},
		{"the connection is being deleted: Down", nil, append(upFacts(noon), connection(ConnectionGoing)), Down, ReasonConnectionGone},
		{"unreadable: Unknown", nil, unreadableFacts(noon), Unknown, ReasonSensor},
		{"unreadable after tunnels that are DOWN: Unknown", nil, append(downFacts(noon), unreadable), Unknown, ReasonSensor},
		{"unreadable before tunnels that are DOWN: Unknown", nil, append([]Fact{unreadable}, downFacts(noon)...), Unknown, ReasonSensor},
		{"unreadable after a connection that is deleted: Unknown", nil, []Fact{connection(ConnectionGone), unreadable}, Unknown, ReasonSensor},
		{"unreadable long ago: still a sensor's problem", nil, unreadableFacts(old), Unknown, ReasonSensor},
		{"as old as allowed: it counts", nil, downFacts(noon.Add(-3 * time.Minute)), Down, ReasonTooFewTunnels},
		{"too old: Unknown", nil, downFacts(old), Unknown, ReasonStale},
		{"UP but too old: Unknown", nil, upFacts(old), Unknown, ReasonStale},
		{"one tunnel too old: Unknown", nil, []Fact{tunnel("192.0.2.1", TunnelUp, noon), tunnel("192.0.2.2", TunnelUp, old)}, Unknown, ReasonStale},
		{"no facts: Unknown", nil, nil, Unknown, ReasonNoEvidence},
		{"no telemetry: Unknown", nil, []Fact{connection("available")}, Unknown, ReasonNoEvidence},
		{"one tunnel DOWN, the other missing: Unknown", nil, []Fact{tunnel("192.0.2.1", TunnelDown, noon)}, Unknown, ReasonNoEvidence},
		{"one tunnel UP, the other missing: alive", nil, []Fact{tunnel("192.0.2.1", TunnelUp, noon)}, Degraded, ReasonSomeTunnelsUp},
		{"a status that is not known: Unknown", nil, tunnels(TunnelDown, "WEIRD", noon), Unknown, ReasonSensor},
		{"an empty status: Unknown", nil, tunnels(TunnelDown, "", noon), Unknown, ReasonSensor},
		{"enough accepted routes: Up", func(s *Spec) { s.MinAcceptedRoutes = 3 }, accepted(3, 3), Up, ReasonAllTunnelsUp},
		{"one tunnel short of routes: Degraded", func(s *Spec) { s.MinAcceptedRoutes = 3 }, accepted(3, 2), Degraded, ReasonSomeTunnelsUp},
		{"all short of routes: Down", func(s *Spec) { s.MinAcceptedRoutes = 3 }, accepted(2, 0), Down, ReasonTooFewRoutes},
		{"routes not asked for: not looked at", nil, accepted(0, 0), Up, ReasonAllTunnelsUp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := testSpec()
			if tt.spec != nil {
				tt.spec(&spec)
			}
			got := Judge(spec, tt.facts, Use{}, Memory{}, noon)
			if got.State != tt.state || got.Reason != tt.reason || got.Evidence != tt.state {
				t.Errorf("%s (%s), evidence %s; want %s (%s)", got.State, got.Reason, got.Evidence, tt.state, tt.reason)
			}
		})
	}
}

func accepted(first, second int) []Fact {
	facts := upFacts(noon)
	facts[1].AcceptedRoutes, facts[2].AcceptedRoutes = first, second
	return facts
}

func TestFactsAboutOthersAreNotLookedAt(t *testing.T) {
	facts := upFacts(noon)
	for _, change := range []func(*Subject){
		func(s *Subject) { s.ID = "vpn-0b" },
		func(s *Subject) { s.Account = "444455556666" },
		func(s *Subject) { s.Region = "eu-west-1" },
		func(s *Subject) { s.Kind = SubjectAttachment },
	} {
		other := downFacts(noon.Add(-time.Hour))
		for i := range other {
			change(&other[i].Subject)
		}
		broken := unreadableFacts(noon)[0]
		change(&broken.Subject)
		facts = append(facts, append(other, broken)...)
	}
	if got := Judge(testSpec(), facts, Use{}, Memory{}, noon); got.State != Up {
		t.Errorf("the path is %s (%s)", got.State, got.Reason)
	}
}

func TestSourcesAreThoseThatSpeakForTheState(t *testing.T) {
	const other Source = "cloudwatch:DescribeAlarms"
	t.Run("one API: one source", func(t *testing.T) {
		if got := Judge(testSpec(), downFacts(noon), Use{}, Memory{}, noon); got.Sources != 1 {
			t.Errorf("sources: %d", got.Sources)
		}
	})
	t.Run("a second API that says DOWN too: two sources", func(t *testing.T) {
		facts := downFacts(noon)
		facts[2].Source = other
		if got := Judge(testSpec(), facts, Use{}, Memory{}, noon); got.Sources != 2 {
			t.Errorf("sources: %d", got.Sources)
		}
	})
	t.Run("a second API that only says available: one source", func(t *testing.T) {
		facts := downFacts(noon)
		facts[0].Source = other
		if got := Judge(testSpec(), facts, Use{}, Memory{}, noon); got.State != Down || got.Sources != 1 {
			t.Errorf("%s by %d sources", got.State, got.Sources)
		}
	})
	t.Run("a connection that is deleted: the API that says so", func(t *testing.T) {
		facts := upFacts(noon)
		facts[0].Value, facts[0].Source = ConnectionGone, other
		if got := Judge(testSpec(), facts, Use{}, Memory{}, noon); got.State != Down || got.Sources != 1 {
			t.Errorf("%s by %d sources", got.State, got.Sources)
		}
	})
	t.Run("no evidence: no source", func(t *testing.T) {
		if got := Judge(testSpec(), unreadableFacts(noon), Use{}, Memory{}, noon); got.Sources != 0 {
			t.Errorf("sources: %d", got.Sources)
		}
	})
}

func TestSinceIsWhenTheStateBeganUnbroken(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	steps := []struct {
		after time.Duration
		facts func(time.Time) []Fact
		state State
		since time.Duration
	}{
		{0, upFacts, Up, 0},
		{time.Minute, upFacts, Up, 0},
		{2 * time.Minute, degradedFacts, Degraded, 2 * time.Minute},
		{3 * time.Minute, upFacts, Up, 3 * time.Minute},
		{4 * time.Minute, unreadableFacts, Unknown, 4 * time.Minute},
		{5 * time.Minute, upFacts, Up, 5 * time.Minute},
		{6 * time.Minute, upFacts, Up, 5 * time.Minute},
	}
	for _, step := range steps {
		got := s.see(step.after, step.facts, step.state)
		if want := noon.Add(step.since); !got.Since.Equal(want) || !got.Memory.Since.Equal(want) {
			t.Errorf("after %v: since %v, want %v", step.after, got.Since, want)
		}
	}
}

func TestSinceOfAPathThatWasNeverKnown(t *testing.T) {
	s := &story{t: t, spec: testSpec()}
	s.see(0, unreadableFacts, Unknown)
	if got := s.see(time.Minute, unreadableFacts, Unknown); !got.Since.Equal(noon) {
		t.Errorf("since %v", got.Since)
	}
}

func TestLockout(t *testing.T) {
	t.Run("AdminDown whatever the facts say", func(t *testing.T) {
		for _, facts := range []func(time.Time) []Fact{upFacts, degradedFacts, downFacts, unreadableFacts} {
			got := Judge(testSpec(), facts(noon), Use{Locked: true}, Memory{}, noon)
			if got.State != AdminDown || got.Reason != ReasonLockout || got.State.Alive() {
				t.Errorf("%s (%s)", got.State, got.Reason)
			}
		}
	})
	t.Run("the evidence shows through", func(t *testing.T) {
		if got := Judge(testSpec(), upFacts(noon), Use{Locked: true}, Memory{}, noon); got.Evidence != Up {
			t.Errorf("evidence %s", got.Evidence)
		}
	})
	t.Run("it breaks the time that the path was Up", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.see(0, upFacts, Up)
		s.judge(time.Minute, upFacts, true, AdminDown)
		if got := s.see(2*time.Minute, upFacts, Up); !got.Since.Equal(noon.Add(2 * time.Minute)) {
			t.Errorf("since %v", got.Since)
		}
	})
	t.Run("a path that went Down meanwhile is Down when it ends", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.spec.HoldOff = 30 * time.Second
		s.see(0, upFacts, Up)
		for minute := 1; minute <= 5; minute++ {
			s.judge(time.Duration(minute)*time.Minute, downFacts, true, AdminDown)
		}
		s.see(6*time.Minute, downFacts, Down)
	})
	t.Run("a Down transition meanwhile counts, once", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.see(0, upFacts, Up)
		s.judge(0, downFacts, true, AdminDown)
		s.judge(0, downFacts, true, AdminDown)
		if got := s.see(0, downFacts, Down); got.Penalty != 1000 {
			t.Errorf("penalty %v", got.Penalty)
		}
	})
	t.Run("bad evidence does not start hold-off over and over", func(t *testing.T) {
		s := &story{t: t, spec: testSpec()}
		s.spec.HoldOff = 30 * time.Second
		s.see(0, upFacts, Up)
		s.judge(time.Minute, downFacts, true, AdminDown)
		s.judge(2*time.Minute, downFacts, true, AdminDown)
		settled := s.memory
		for minute := 3; minute <= 6; minute++ {
			if s.judge(time.Duration(minute)*time.Minute, downFacts, true, AdminDown); s.memory != settled {
				t.Fatalf("the memory changed with time alone:\n%+v\n%+v", settled, s.memory)
			}
		}
	})
}

func TestStateNames(t *testing.T) {
	if Unknown.String() != "unknown" || Up.String() != "up" || AdminDown.String() != "admin-down" {
		t.Errorf("names: %s %s %s", Unknown, Up, AdminDown)
	}
	for state, want := range map[State]bool{Up: true, Degraded: true, Down: false, Unknown: false, AdminDown: false} {
		if state.Alive() != want {
			t.Errorf("%s alive: %t", state, !want)
		}
	}
}
