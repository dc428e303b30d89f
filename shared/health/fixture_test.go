package health

import (
	"testing"
	"time"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

var vpn = Subject{Kind: SubjectVPN, ID: "vpn-0a", Account: "111122223333", Region: "eu-central-1"}

// testSpec has the default constants of the domain.
func testSpec() Spec {
	return Spec{
		Kind: KindVPN, Subject: vpn, Tunnels: 2, MinTunnels: 1, MaxAge: 3 * time.Minute,
		Damping: Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
	}
}

func tunnel(part, value string, at time.Time) Fact {
	return Fact{Subject: vpn, Kind: FactTunnelStatus, Part: part, Value: value, Source: SourceDescribeVPNConnections, ObservedAt: at}
}

// tunnels are facts about two tunnels, just observed, after a connection that
// is available.
func tunnels(first, second string, at time.Time) []Fact {
	connection := Fact{Subject: vpn, Kind: FactConnectionState, Value: "available", Source: SourceDescribeVPNConnections, ObservedAt: at}
	return []Fact{connection, tunnel("192.0.2.1", first, at), tunnel("192.0.2.2", second, at)}
}

func upFacts(at time.Time) []Fact       { return tunnels(TunnelUp, TunnelUp, at) }
func degradedFacts(at time.Time) []Fact { return tunnels(TunnelDown, TunnelUp, at) }
func downFacts(at time.Time) []Fact     { return tunnels(TunnelDown, TunnelDown, at) }
func unreadableFacts(at time.Time) []Fact {
	return []Fact{{Subject: vpn, Kind: FactUnreadable, Problem: "throttled", ObservedAt: at}}
}

// story judges one path run by run.
type story struct {
	t      *testing.T
	spec   Spec
	memory Memory
	last   Assessment
}

// see judges the facts at an offset from noon and checks the state.
func (s *story) see(after time.Duration, facts func(time.Time) []Fact, want State) Assessment {
	s.t.Helper()
	return s.judge(after, facts, false, want)
}

func (s *story) judge(after time.Duration, facts func(time.Time) []Fact, locked bool, want State) Assessment {
	s.t.Helper()
	now := noon.Add(after)
	s.last = Judge(s.spec, facts(now), Use{Locked: locked}, s.memory, now)
	s.memory = s.last.Memory
	if s.last.State != want {
		s.t.Fatalf("after %v the path is %s (%s), want %s", after, s.last.State, s.last.Reason, want)
	}
	return s.last
}
