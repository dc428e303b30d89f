package lab

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
	"detour/shared/sim"
)

// twoSites is a transit gateway with a VPC and two sites that speak BGP over their
// VPN connections; the table of the VPC hears both, and each site has an observation
// table.
func twoSites() sim.Topology {
	to := func(id string) sim.AttachmentSpec { return sim.AttachmentSpec{ID: id, TransitGateway: "tgw-0a"} }
	vpn := func(id, site, a, b string, asn int) sim.VPNSpec {
		return sim.VPNSpec{
			ID: "vpn-" + id, Attachment: to("tgw-attach-" + id), Site: site, BGP: &sim.VPNBGPSpec{ASN: asn},
			Tunnels: []sim.TunnelSpec{{OutsideIP: a}, {OutsideIP: b}},
		}
	}
	return sim.Topology{
		Account: "111122223333", Region: "eu-west-1",
		TransitGateways: []sim.TransitGatewaySpec{{ID: "tgw-0a", Tables: []sim.TransitGatewayTable{
			{ID: "tgw-rtb-0a", Associated: []string{"tgw-attach-0c"}, Propagated: []string{"tgw-attach-01", "tgw-attach-02"}},
			{ID: "tgw-rtb-01", Propagated: []string{"tgw-attach-01"}},
			{ID: "tgw-rtb-02", Propagated: []string{"tgw-attach-02"}},
		}}},
		VPCs: []sim.VPCSpec{{
			ID: "vpc-0c", CIDRs: []string{"172.30.0.0/16"}, Attachments: []sim.AttachmentSpec{to("tgw-attach-0c")},
			Tables: []sim.VPCTableSpec{{ID: "rtb-0c", Routes: []sim.RouteSpec{{Destination: "10.0.0.0/8", Target: "tgw-0a"}}}},
		}},
		VPNs: []sim.VPNSpec{vpn("01", "paris", "203.0.113.1", "203.0.113.2", 65001), vpn("02", "rome", "203.0.113.3", "203.0.113.4", 65002)},
		Sites: []sim.SiteSpec{
			{Name: "paris", ASN: 65001, Networks: []string{"10.1.0.0/16"}, Announces: []sim.AnnouncementSpec{{Prefix: "10.1.0.0/16"}, {Prefix: "10.11.0.0/16"}}},
			{Name: "rome", ASN: 65002, Networks: []string{"10.2.0.0/16"}, Announces: []sim.AnnouncementSpec{{Prefix: "10.2.0.0/16"}}},
		},
	}
}

// filterOf is the configuration of one filter over the table of the VPC.
func filterOf(t *testing.T, action, attachments string) config.Config {
	t.Helper()
	cfg, err := config.Parse([]byte(`{"version": 1, "filters": [{
	  "name": "no-default", "mode": "enforce", "home": {"account": "111122223333", "region": "eu-west-1"},
	  "tables": ["tgw-rtb-0a"], "rules": ["permit 10.0.0.0/8 le 24", "deny default-like"], "action": "` + action + `"` + attachments + `,
	  "observation": {"tgw-attach-01": "tgw-rtb-01", "tgw-attach-02": "tgw-rtb-02"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func inTable(w *sim.World, table string) []string {
	var out []string
	for _, r := range w.StaticRoutes() {
		if r.Table == table {
			out = append(out, r.Destination.String()+" "+r.Target)
		}
	}
	slices.Sort(out)
	return out
}

// TestALeakedDefaultIsTakenOutAndTheMeasureEndsWithIt plays it with the records in
// memory and over the wire, with and without events.
func TestALeakedDefaultIsTakenOutAndTheMeasureEndsWithIt(t *testing.T) {
	for _, test := range []struct {
		name, action, attachments string
		stands                    []string
		options                   Options
		within                    time.Duration
	}{
		{"blackhole", "blackhole", "", []string{"0.0.0.0/0 blackhole"}, Options{NoSweep: true}, 10 * time.Second},
		{"blackhole over the wire", "blackhole", "", []string{"0.0.0.0/0 blackhole"}, Options{Wire: true, NoSweep: true}, 10 * time.Second},
		{"blackhole by the sweep alone", "blackhole", "", []string{"0.0.0.0/0 blackhole"}, Options{Silent: true}, 2 * time.Minute},
		{
			"quarantine", "quarantine", `, "attachments": ["tgw-attach-01", "tgw-attach-02"]`,
			[]string{"10.1.0.0/16 tgw-attach-01", "10.11.0.0/16 tgw-attach-01"},
			Options{Wire: true},
			10 * time.Second,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := test.options
			opts.Seed, opts.Topology, opts.Config, opts.Log = 1, twoSites(), filterOf(t, test.action, test.attachments), io.Discard
			r, err := NewRig(opts)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			until := func(d time.Duration) {
				t.Helper()
				if err := r.RunUntil(Start().Add(d)); err != nil {
					t.Fatal(err)
				}
			}
			until(3 * time.Minute)
			if got := inTable(r.World, "tgw-rtb-0a"); len(got) > 0 {
				t.Fatalf("before the leak there stand %v", got)
			}
			if err := r.World.Announce("paris", sim.AnnouncementSpec{Prefix: "0.0.0.0/0"}); err != nil {
				t.Fatal(err)
			}
			until(3*time.Minute + test.within)
			if got := inTable(r.World, "tgw-rtb-0a"); !slices.Equal(got, test.stands) {
				t.Errorf("%s after the leak there stand %v, want %v", test.within, got, test.stands)
			}
			until(10 * time.Minute)
			writes := writesOf(r)
			until(20 * time.Minute)
			if again := writesOf(r); again != writes {
				t.Errorf("%d writes became %d while nothing changed", writes, again)
			}
			if err := r.World.Withdraw("paris", "0.0.0.0/0"); err != nil {
				t.Fatal(err)
			}
			until(29 * time.Minute)
			if got := inTable(r.World, "tgw-rtb-0a"); len(got) > 0 {
				t.Errorf("9 minutes after the leak there stand %v", got)
			}
			for _, run := range r.Runs {
				if run.Function == Switchover {
					t.Errorf("switchover was invoked because of a %s", run.Cause)
				}
			}
			items, _, err := r.Store.Peek(t.Context(), []controller.Key{controller.FilterKey("no-default")})
			if err != nil || len(items[0].Filter.Measures) > 0 || items[0].Lease.Token != "" {
				t.Errorf("the item is %+v, %v", items, err)
			}
		})
	}
}

// writesOf counts the calls that write to route tables.
func writesOf(r *Rig) int {
	n := 0
	for _, call := range r.World.Calls() {
		if strings.HasPrefix(call.Action, "Create") || strings.HasPrefix(call.Action, "Replace") || strings.HasPrefix(call.Action, "Delete") ||
			strings.HasSuffix(call.Action, "Propagation") {
			n++
		}
	}
	return n
}

// TestTheSameSeedGivesTheSameRunWithFilters: nothing in a filter's run depends on the
// order of a map.
func TestTheSameSeedGivesTheSameRunWithFilters(t *testing.T) {
	play := func() string {
		var trace strings.Builder
		r, err := NewRig(Options{
			Seed: 7, Topology: twoSites(), Config: filterOf(t, "quarantine", `, "attachments": ["tgw-attach-01", "tgw-attach-02"]`), Wire: true, Trace: &trace,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := r.RunUntil(Start().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if err := r.World.Announce("paris", sim.AnnouncementSpec{Prefix: "0.0.0.0/0"}); err != nil {
			t.Fatal(err)
		}
		if err := r.RunUntil(Start().Add(6 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(trace.String(), writesOf(r))
	}
	if one, two := play(), play(); one != two {
		t.Error("two runs of one seed differ")
	}
}
