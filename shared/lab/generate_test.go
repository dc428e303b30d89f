package lab

import (
	"testing"

	"detour/shared/config"
	"detour/shared/sim"
)

// TestGeneratedNetworksAreValid: what the random tester makes is a network that
// can be built, with configurations that pass the check.
func TestGeneratedNetworksAreValid(t *testing.T) {
	for seed := range uint64(600) {
		s := Generate(seed)
		scheduler := sim.NewScheduler(seed, Start())
		if _, err := sim.NewWorld(scheduler, s.Topology, s.World.options()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		scheduler.Close()
		for _, c := range s.configs() {
			if problems := config.Check(c.Config); len(problems) > 0 {
				t.Fatalf("seed %d, from %s on: %s", seed, sinceStart(c.since), config.Problems(problems))
			}
		}
	}
}

// TestGeneratorDrawsEveryFeature: everything that the tester is for happens in at
// least one of twenty networks; what is rarer by intent is listed with its share.
func TestGeneratorDrawsEveryFeature(t *testing.T) {
	const seeds = 1500
	counts := map[string]int{}
	for seed := range uint64(seeds) {
		for _, feature := range Generate(seed).Features() {
			counts[feature]++
		}
	}
	rare := map[string]float64{ // the least share that is still enough
		"step alarm-deleted": 0.02, "step gateway-attached": 0.03, "step gateway-detached": 0.03, "step instance-impaired": 0.03, "step instance-ok": 0.03,
		"step source-dest-check-on": 0.03, "step source-dest-check-off": 0.025, "step instance-terminate": 0.04, "request with list versions": 0.04,
		"configure paths": 0.04, "configure removes a group": 0.04,
	}
	for _, feature := range []string{
		"path vpn on a TGW", "path vpn on a VGW", "path connect", "path appliance", "path attachment of a Direct Connect gateway",
		"path attachment of a peering", "vpn with one tunnel", "group of several kinds of path", "check onBox", "check pinned", "check activeOnly",
		"prefix list in a TGW table", "prefix list in a VPC table", "block in a TGW table", "block in a VPC table", "list kept by IPAM", "neverTouch",
		"mode observe", "mode enforce", "revertive group",
		"request freeze", "request lockout", "request forced-switch", "request manual-switch", "request manual-switch-to-working", "request release", "request adopt",
		"request with list versions", "step clear", "write that removes", "write to another path", "write to a foreign next hop",
		"configure mode", "configure paths", "configure units", "configure policy", "configure removes a group",
		"step tunnel-down", "step tunnel-up", "step session-down", "step session-up", "step direct-connect-down", "step direct-connect-up", "step peering-down", "step peering-up",
		"step instance-stop", "step instance-start", "step instance-terminate", "step instance-impaired", "step instance-ok", "step forwarding-stops", "step forwarding-works",
		"step line-down", "step line-up", "step source-dest-check-on", "step source-dest-check-off", "step attachment-state", "step gateway-detached", "step gateway-attached",
		"step alarm", "step alarm-deleted", "step prefix-list",
		"filter that is to blackhole", "filter that is to pin", "filter that is to quarantine", "filter that is to alert", "filter in mode enforce", "filter in mode observe",
		"filter in a TGW table", "filter in a VPC table", "filter and group in a TGW table", "filter and group in a VPC table", "filter with presets", "filter with maxPrefixes",
		"filter with observation tables", "filter that accepts loss", "filter of every attachment", "filter with a range", "filter of what is like a default route", "filter that names IPv6",
		"BGP on a VPN of a VGW", "BGP on a VPN of a TGW", "Connect peer with its own ASN", "private virtual interface",
		"announce the IPv4 default route", "announce the IPv6 default route", "announce a block around a tunnel", "announce a part of the IPv4 default route",
		"announce a part of the IPv6 default route", "announce an IPv4 network", "announce an IPv6 network", "step withdraw", "step bgp-down", "step bgp-up",
		"path of a learned route", "path with an observation table", "request without proof", "configure declares a filter", "configure removes a filter",
	} {
		least, listed := rare[feature]
		if !listed {
			least = 0.05
		}
		share := float64(counts[feature]) / seeds
		t.Logf("%-45s %5.1f %%", feature, 100*share)
		if share < least {
			t.Errorf("%s is in %.1f %% of the networks, want %.1f %%", feature, 100*share, 100*least)
		}
	}
}
