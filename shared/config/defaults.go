package config

import (
	"time"

	"detour/shared/health"
	"detour/shared/protection"
)

// The automatic blast radius: the larger of minMaxMoves and one group in
// maxMovesShare, rounded up.
const (
	minMaxMoves   = 10
	maxMovesShare = 4
)

// New returns a configuration without groups in which every constant has its
// default. This file is the only place where defaults are written.
func New() Config {
	return Config{
		Version: CurrentVersion,
		Limits:  Limits{Window: Duration(5 * time.Minute), VPCRoutes: 500, TransitGatewayRoutes: 10_000},
		Timers: Timers{
			SweepPeriod:     Duration(60 * time.Second),
			Lease:           Duration(20 * time.Second),
			CallTimeout:     Duration(5 * time.Second),
			ClockSkew:       Duration(2 * time.Second),
			MaxFactAge:      Duration(3 * time.Minute),
			SettleTime:      Duration(10 * time.Second),
			ContendedAfter:  3,
			ContendedWindow: Duration(10 * time.Minute),
			IgnoreHealthFor: Duration(time.Hour),
			Damping: Damping{
				Penalty:  1000,
				HalfLife: Duration(15 * time.Minute),
				Suppress: 3000,
				Reuse:    750,
				Ceiling:  12000,
			},
		},
		Defaults: Defaults{Failback: FailbackTimes{
			Stability:       Duration(10 * time.Minute),
			Soak:            Duration(60 * time.Second),
			ApprovalTimeout: Duration(time.Hour),
		}},
	}
}

// NewGroup returns a group without name, home, paths and units in which
// everything else has its default: observe, non-revertive, no hold-off.
func NewGroup() Group {
	return Group{
		Mode:          string(protection.Observe),
		WaitToRestore: Duration(10 * time.Minute),
	}
}

// NewPath returns a VPN path without name and connection in which everything
// else has its default. Account and Region are filled in by Normalize.
func NewPath() Path { return NewPathOf(string(health.KindVPN)) }

// NewPathOf returns a path of the kind, in which only what that kind has is
// set: the numbers of tunnels of a vpn path, and the number of Connect peers that
// a connect path needs.
func NewPathOf(kind string) Path {
	out := Path{Kind: kind}
	switch health.Kind(kind) {
	case health.KindVPN:
		out.Tunnels, out.MinTunnels = 2, 1
	case health.KindConnect:
		out.MinPeers = 1
	case health.KindAppliance, health.KindAttachment:
	}
	return out
}
