package doctor

import (
	"slices"
	"strings"
	"testing"

	"detour/shared/health"
	"detour/shared/route"
)

// TestWhatCannotBeReadIsSaid: whatever is missing is a finding of its own, which names
// what is therefore not known and how to read it; and nothing else is made of it.
func TestWhatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	part := func(p Part, forget func(n *Network)) func(s *Snapshot) {
		return func(s *Snapshot) {
			forget(&s.Networks[0])
			s.Networks[0].Unread = []Unread{{Part: p, Problem: route.ProblemDenied, Note: "UnauthorizedOperation"}}
		}
	}
	for _, c := range []struct {
		name   string
		change func(s *Snapshot)
		blind  []ID
	}{
		{"transit gateways", part(PartGateways, func(n *Network) { n.Gateways = nil }), []ID{ConnectNothingLearned, NotRegistered}},
		{"transit gateway tables", part(PartGatewayTables, func(n *Network) { n.GatewayTables = nil }), append(blindedByTable(), NotRegistered)},
		{"attachments", part(PartAttachments, func(n *Network) { n.Attachments = nil }), blindedBy(PartAttachments)},
		{"VPN connections", part(PartVPNs, func(n *Network) { n.VPNs = nil }), blindedBy(PartVPNs)},
		{"Connect peers", part(PartPeers, func(n *Network) { n.Peers = nil }), blindedBy(PartPeers)},
		{"VPC tables", part(PartVPCTables, func(n *Network) { n.VPCTables = nil }), blindedBy(PartVPCTables)},
		{"a table", func(s *Snapshot) {
			r := s.table("tgw-rtb-main")
			r.Routes, r.Complete, r.Problem = nil, false, route.ProblemThrottled
		}, blindedByTable()},
		{"a VPC table", func(s *Snapshot) {
			r := s.table("rtb-vpc")
			r.Routes, r.Complete, r.Problem = nil, false, route.ProblemTimeout
		}, blindedByTable()},
		{"what is around a table", func(s *Snapshot) {
			around := s.around("tgw-rtb-main")
			around.Associated, around.Propagating, around.Complete, around.Problem = nil, nil, false, route.ProblemTimeout
		}, []ID{TunnelThroughItself, SiteHearsEndpoint, LearnedDefault, StaticHidesBackup, ConnectNothingLearned, NoWayBack}},
		{"the number of routes", func(s *Snapshot) {
			s.Around.Gateways[0].Complete, s.Around.Gateways[0].Problem = false, route.ProblemDenied
		}, []ID{QuotaHeadroom}},
		{"a path", func(s *Snapshot) {
			s.Facts = slices.DeleteFunc(s.Facts, func(f health.Fact) bool { return f.Subject.ID == "vpn-2" })
			s.Facts = append(s.Facts, health.Fact{Subject: subject(health.SubjectVPN, "vpn-2"), Kind: health.FactUnreadable, Problem: route.ProblemGone, ObservedAt: now()})
		}, []ID{StandbyUnproven}},
		{"a record", func(s *Snapshot) { s.Groups[0].Unrecorded = "no such table" }, []ID{StandbyUnproven}},
		{"a prefix list", func(s *Snapshot) {
			s.Lists = []route.ListReading{{List: route.ListRef{ID: "pl-1", Account: account, Region: region}, Problem: route.ProblemDenied}}
		}, []ID{NoWayBack, QuotaHeadroom}},
		{"Network Manager", func(s *Snapshot) { s.Events = Events{Wanted: true, Account: account, Problem: route.ProblemDenied} }, []ID{NotRegistered}},
		{"the account of a VPC", func(s *Snapshot) {
			s.around("tgw-rtb-main").Associated[0].Resource = "vpc-2"
			s.Networks[0].Attachments[0].Resource, s.Networks[0].Attachments[0].Owner = "vpc-2", "444455556666"
		}, []ID{NoWayBack}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := healthy()
			c.change(s)
			findings := Examine(*s)
			if len(findings) != 1 || findings[0].ID != NotExamined || findings[0].Severity != Unknown || !slices.Equal(findings[0].Blind, c.blind) {
				t.Fatalf("got %+v", findings)
			}
			if f := findings[0]; len(f.Do) == 0 || !strings.Contains(f.What, "not") {
				t.Errorf("it says no remedy: %+v", f)
			}
		})
	}
}

// TestEveryKindCanBeBlind: there is no kind of finding whose absence always means
// health, but for checks and groups that come from the configuration alone.
func TestEveryKindCanBeBlind(t *testing.T) {
	blind := []ID{StandbyUnproven, NotRegistered, NotExamined}
	for _, part := range []Part{PartGateways, PartGatewayTables, PartAttachments, PartVPNs, PartPeers, PartVPCTables} {
		blind = append(blind, blindedBy(part)...)
	}
	for _, id := range IDs() {
		if !slices.Contains(blind, id) {
			t.Errorf("%s needs nothing that is read", id)
		}
	}
}

func TestNetworkManagerRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{"eu-central-1": "us-west-2", "us-gov-east-1": "us-gov-west-1", "cn-north-1": ""} {
		if got := NetworkManagerRegion(region); got != want {
			t.Errorf("%s: got %q, want %q", region, got, want)
		}
	}
}
