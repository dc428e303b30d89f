package explain_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/explain"
	"detour/shared/health"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

func at(clock string) time.Time {
	out, err := time.Parse(time.DateTime, "2026-11-21 "+clock)
	if err != nil {
		panic(err)
	}
	return out
}

// moving has n units with a route in a transit gateway table each, of which the first
// ones have the way back in a VPC table too, and the plan that brings all to A.
func moving(n, both int) (*protection.Group, []route.Change) {
	hub := route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-1", Account: "111122223333", Region: "eu-west-1"}
	spoke := route.Table{Kind: route.VPCTable, ID: "rtb-1", Account: "111122223333", Region: "eu-west-1"}
	group := &protection.Group{Name: "paris"}
	var changes []route.Change
	for i := range n {
		unit := protection.Unit{Name: fmt.Sprintf("unit%d", i)}
		for _, table := range []route.Table{hub, spoke}[:1+min(1, max(0, both-i))] {
			key := protection.EntryKey{Table: table, Destination: route.MustDestination(fmt.Sprintf("10.%d.0.0/16", i))}
			unit.Entries = append(unit.Entries, protection.Entry{EntryKey: key})
			changes = append(changes, route.Change{
				Table: table, Destination: key.Destination, Op: route.OpReplace,
				Before: route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-b"}, After: route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-a"},
			})
		}
		group.Units = append(group.Units, unit)
	}
	return group, changes
}

func failback() explain.Failback {
	vpn := health.Subject{Kind: health.SubjectVPN, ID: "vpn-1"}
	return explain.Failback{
		Group: "paris", ID: "failback-paris-1790000000000-1", From: "B", To: "A", By: "arn:aws:iam::111122223333:user/jane (jane@desk)", Why: "line 1 is repaired\x1b[2J",
		At: at("15:00:00"), State: "up", Reason: "all-tunnels-up", Since: at("14:12:30"),
		Facts: []health.Fact{
			{Subject: vpn, Kind: health.FactTunnelStatus, Part: "192.0.2.1", Value: "UP", Note: "3 BGP ROUTES"},
			{Subject: vpn, Kind: health.FactLearnedRoute, Value: "10.0.0.0/8"},
		},
		Stability: config.Duration(10 * time.Minute), Soak: config.Duration(time.Minute), Silence: config.Duration(5 * time.Minute),
		Samples: []explain.FailbackSample{{From: "rtb-1", To: "10.0.1.2"}},
		Plan:    strings.Repeat("0123456789abcdef", 4), Until: at("16:00:00"),
	}
}

func TestFailbackText(t *testing.T) {
	canary := failback()
	group, changes := moving(4, 1)
	canary.Divide(group, changes, []int{1, 2, 4})
	canary.Skipped = []plan.Skipped{{Entry: group.Units[3].Entries[0].EntryKey, Reason: plan.SkipForeign}}

	early := failback()
	early.ID, early.Samples, early.Until, early.Plan = "", nil, time.Time{}, ""
	early.Since, early.ReadyAt, early.Suppressed, early.Unproven = at("14:55:00"), at("15:05:00"), true, true
	group, changes = moving(2, 0)
	group.Stateful = true
	early.Divide(group, changes, []int{1})

	quiet := failback()
	group, changes = moving(60, 0)
	changes[59].ListVersion = 7
	quiet.Divide(group, changes, []int{1, 16, 31, 46, 60})

	got := canary.Text(0) + "\n" + early.Text(0) + "\n" + quiet.Text(3)
	golden(t, filepath.Join("testdata", "failback.txt"), got)
	if strings.Contains(got, "\x1b") {
		t.Error("what somebody wrote steers the terminal")
	}
}

// TestALimitIsOneForWhatIsLeftAlone, too: that can be thousands of routes.
func TestALimitIsOneForWhatIsLeftAlone(t *testing.T) {
	f := failback()
	group, changes := moving(9, 0)
	f.Divide(group, changes[:2], []int{1, 9})
	for _, unit := range group.Units[2:] {
		f.Skipped = append(f.Skipped, plan.Skipped{Entry: unit.Entries[0].EntryKey, Reason: plan.SkipForeign})
	}
	if text := f.Text(3); strings.Count(text, "left alone tgw-rtb-1") != 3 || !strings.Contains(text, "left alone 4 more routes\n  detour failback status paris shows all of them\n") {
		t.Errorf("of seven, with a limit of three:\n%s", text)
	}
	if text := f.Text(0); strings.Count(text, "left alone tgw-rtb-1") != 7 || strings.Contains(text, "more route") {
		t.Errorf("of seven, with no limit:\n%s", text)
	}
}

// TestEveryRouteIsInOneStep: whatever the extents are, nothing is shown twice or left
// out.
func TestEveryRouteIsInOneStep(t *testing.T) {
	group, changes := moving(7, 3)
	for _, extents := range [][]int{{1, 3, 7}, {1, 2, 3, 4, 5, 6, 7}, {7}, {1}, nil} {
		f := failback()
		f.Divide(group, changes, extents)
		units, routes := 0, 0
		for _, step := range f.Steps {
			units, routes = units+len(step.Units), routes+len(step.Changes)
		}
		if units != 7 || routes != len(changes) || len(f.Steps) != max(1, len(extents)) {
			t.Errorf("%v: %d units and %d routes in %d steps", extents, units, routes, len(f.Steps))
		}
		if text := f.Text(0); strings.Count(text, " ->  ") != len(changes) {
			t.Errorf("%v: the text is\n%s", extents, text)
		}
	}
	f := failback()
	f.Divide(group, nil, []int{1, 7})
	if len(f.Resets) > 0 || strings.Contains(f.Text(0), "cost:") {
		t.Errorf("nothing moves, and it says\n%s", f.Text(0))
	}
}
