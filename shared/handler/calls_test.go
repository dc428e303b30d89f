package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/controller"
	"detour/shared/handler"
	"detour/shared/ingest"
	"detour/shared/protection"
	"detour/shared/route"
)

const (
	tgwTable = "tgw-rtb-0123456789abcdef0" // as in the samples
	pipeline = "arn:aws:sts::111122223333:assumed-role/terraform/pipeline-4711"
)

// called is the sample of a write by Terraform, made now.
func called(t *testing.T, r *rig) []byte {
	t.Helper()
	raw := string(sample(t, "cloudtrail-replace-transit-gateway-route-expected.json"))
	return []byte(strings.ReplaceAll(raw, "2023-01-31T20:02:05Z", r.clock.Now().UTC().Format(time.RFC3339)))
}

func tgwEntry(destination string) protection.EntryKey {
	return protection.EntryKey{
		Table:       route.Table{Kind: route.TransitGatewayTable, ID: tgwTable, Account: account, Region: region},
		Destination: route.MustDestination(destination),
	}
}

// newCallRig has two groups with an entry each in the table of the samples, of
// which the first is the one that the samples are about.
func newCallRig(t *testing.T) *rig {
	t.Helper()
	other := newGroup("site-b", west, tgwTable)
	other.Units[0].Entries[0].EntryKey = tgwEntry("10.64.0.0/16")
	return newRig(t, nil, newGroup("site-a", west, tgwTable), other)
}

// again looks at the group as its wake-ups do, until all has settled.
func (r *rig) again(t *testing.T, group string) {
	t.Helper()
	for range 3 {
		r.clock.Advance(11 * time.Second)
		r.Switchover(t.Context(), batch(t, wakeUp("group#"+group)))
	}
}

// TestWhoMovedTheRoutesIsNamed: somebody moves the whole group; it is seen at once,
// and adopted a settle time later, under their name.
func TestWhoMovedTheRoutesIsNamed(t *testing.T) {
	r := newCallRig(t)
	r.net.routes[tgwEntry("10.0.0.0/8")] = route.MustNextHop("tgw-attach-B")
	r.clock.Advance(5 * time.Second)
	out := r.Switchover(t.Context(), called(t, r))
	if len(out.Reports) != 1 || out.Reports[0].Group != "site-a" || !slices.Equal(out.Reports[0].Writers, []string{pipeline}) {
		t.Fatalf("the outcome is %+v", out)
	}
	if len(r.wakes.Waiting()) != 1 {
		t.Fatalf("the wake-ups are %v", r.wakes.Waiting())
	}
	r.again(t, "site-a")
	if got := journal(t, r, "site-a"); !strings.Contains(got, "adopt moved-by-hand written by "+pipeline) {
		t.Errorf("the journal is\n%s", got)
	}
}

func journal(t *testing.T, r *rig, group string) string {
	t.Helper()
	entries, err := r.store.History(t.Context(), controller.GroupKey(group), 50)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&out, "%s %s %s\n", e.Decision.Action, e.Decision.Reason, e.Note)
	}
	return out.String()
}

// TestContentionNamesTheWriter: one route of two is undone again and again.
func TestContentionNamesTheWriter(t *testing.T) {
	g := newGroup("site-a", west, tgwTable)
	g.Units = append(g.Units, protection.Unit{Name: "second", Entries: []protection.Entry{{EntryKey: tgwEntry("10.64.0.0/16"), NextHops: g.Units[0].Entries[0].NextHops}}})
	r := newRig(t, nil, g)
	for range 3 {
		r.net.routes[tgwEntry("10.0.0.0/8")] = route.MustNextHop("tgw-attach-B")
		r.clock.Advance(5 * time.Second)
		r.Switchover(t.Context(), called(t, r))
		r.again(t, "site-a")
	}
	if got := journal(t, r, "site-a"); strings.Count(got, "written by "+pipeline) != 1 {
		t.Errorf("the journal is\n%s", got)
	}
	lines := r.log.shown(t)
	if !slices.ContainsFunc(lines, func(line map[string]any) bool { return line["contended"] != nil && line["writers"] == pipeline }) {
		t.Errorf("no line names the writer of what is contended: %v", lines)
	}
	if r.net.routes[tgwEntry("10.0.0.0/8")].ID != "tgw-attach-B" {
		t.Error("the third reversal was put back, too")
	}
}

// TestCallsThatAreOfNoConcern: Detour's own, another entry of a table that a group
// uses, and one whose table nobody has.
func TestCallsThatAreOfNoConcern(t *testing.T) {
	own := ingest.Own{Account: account, Region: region}
	for name, test := range map[string]struct {
		own    ingest.Own
		raw    func(string) string
		reason ingest.DropReason
	}{
		"Detour's own":  {own, func(s string) string { return strings.ReplaceAll(s, "role/terraform", "role/detour-sweep-us-west-2") }, handler.DropOwnCall},
		"another route": {own, func(s string) string { return strings.ReplaceAll(s, "10.0.0.0/8", "10.9.0.0/16") }, handler.DropUnconfigured},
		"another table": {own, func(s string) string { return strings.ReplaceAll(s, tgwTable, "tgw-rtb-1") }, handler.DropUnconfigured},
		"a dry run": {own, func(s string) string {
			return strings.Replace(s, `"eventName"`, `"errorCode": "Client.DryRunOperation", "eventName"`, 1)
		}, ingest.DropNoEffect},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCallRig(t)
			raw := []byte(test.raw(string(called(t, r))))
			r.Handler = r.with(handler.Options{Function: "detour-test", Own: test.own})
			wantPassedOver(t, r, raw, test.reason)
		})
	}
}

// TestABurstOfCallsStartsOneLook: while a look is due within a settle time, and
// the writer is known, further calls read nothing.
func TestABurstOfCallsStartsOneLook(t *testing.T) {
	r := newCallRig(t)
	r.net.routes[tgwEntry("10.0.0.0/8")] = route.MustNextHop("tgw-attach-B")
	r.clock.Advance(5 * time.Second)
	raw := called(t, r)
	r.Switchover(t.Context(), raw)
	reads := r.net.reads
	for range 20 {
		if out := r.Switchover(t.Context(), raw); out.Dropped != handler.DropAwaited || len(out.Reports) != 0 {
			t.Fatalf("the outcome is %+v", out)
		}
	}
	if reads == 0 || r.net.reads != reads {
		t.Errorf("the first call led to %d reads, twenty more to %d", reads, r.net.reads-reads)
	}
	r.net.routes[tgwEntry("10.0.0.0/8")] = route.MustNextHop("tgw-attach-A")
	stranger := []byte(strings.ReplaceAll(string(raw), "terraform", "bob"))
	if r.Switchover(t.Context(), stranger); r.net.reads == reads {
		t.Error("a call by somebody else leads to no look")
	}
	r.clock.Advance(time.Minute)
	reads = r.net.reads
	if r.Switchover(t.Context(), called(t, r)); r.net.reads == reads {
		t.Error("a call that comes later leads to no look")
	}
}

// TestUnannounced: what a sweep sees first is counted, and what an event told of
// before is not.
func TestUnannounced(t *testing.T) {
	unannounced := func(out handler.Outcome) bool {
		for _, report := range out.Reports {
			if report.Unannounced {
				return true
			}
		}
		return false
	}
	fail := func(r *rig) { r.net.down[west.ID] = true }
	drift := func(r *rig) { r.net.routes[tgwEntry("10.0.0.0/8")] = route.MustNextHop("tgw-attach-B") }
	for name, test := range map[string]struct {
		change func(r *rig)
		event  func(r *rig) []byte
		want   bool
	}{
		"nothing happens":                  {func(*rig) {}, nil, false},
		"a path fails without an event":    {fail, nil, true},
		"a path fails with an event":       {fail, func(*rig) []byte { return sample(t, "vpn-connection-ipsec-down.json") }, false},
		"a route changes without an event": {drift, nil, true},
		"a route changes with an event":    {drift, func(r *rig) []byte { return called(t, r) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCallRig(t)
			test.change(r)
			if test.event != nil {
				r.Switchover(t.Context(), test.event(r))
			}
			out := r.Sweep(t.Context(), sample(t, "sweep.json"))
			if unannounced(out) != test.want {
				t.Errorf("the reports are %+v", out.Reports)
			}
			r.clock.Advance(time.Minute)
			if unannounced(r.Sweep(t.Context(), sample(t, "sweep.json"))) {
				t.Error("the next sweep counts it again")
			}
		})
	}
}
