package plan

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

func TestOneCallMovesAPrefixList(t *testing.T) {
	inTGW, inVPC := key(tgwTable(1), "pl-1"), key(vpcTable(1), "pl-1")
	g := group(keys(inTGW, inVPC))
	got := build(g, decided("A", "B", 1), tables{inTGW: hopOf("A"), inVPC: hopOf("A")}.readings(g))
	wantChanges(t, got.Changes,
		"replace-route tgw-rtb-01 pl-1: tgw-attach-A -> tgw-attach-B",
		"replace-route rtb-01 pl-1: tgw-attach-A -> tgw-attach-B",
	)
	for _, c := range got.Changes {
		if c.ListVersion != 7 {
			t.Errorf("%s was planned for version %d of the list, want 7", c, c.ListVersion)
		}
	}
	got = build(g, decided("A", "B", 1), tables{}.readings(g))
	wantChanges(t, got.Changes,
		"create-route tgw-rtb-01 pl-1: none -> tgw-attach-B",
		"create-route rtb-01 pl-1: none -> tgw-attach-B",
	)
}

func TestARouteThatAReferenceMadeIsNotTheReference(t *testing.T) {
	// Search shows the routes that a reference made beside it; a group's own block
	// among them is not a static of the group.
	block, list := key(tgwTable(1), "172.16.0.0/16"), key(tgwTable(1), "pl-1")
	g := group(keys(block, list))
	readings := tables{list: hopOf("A")}.readings(g)
	readings[0].Routes = append(readings[0].Routes, route.Route{
		Table: block.Table, Destination: block.Destination, NextHop: hopOf("A"), Origin: route.OriginPrefixListReference, State: route.StateActive,
	})
	wantChanges(t, build(g, decided("A", "B", 1), readings).Changes,
		"create-route tgw-rtb-01 172.16.0.0/16: none -> tgw-attach-B",
		"replace-route tgw-rtb-01 pl-1: tgw-attach-A -> tgw-attach-B",
	)
}

func TestAReferenceIsDeadWhenARouteThatItMadeIs(t *testing.T) {
	list := key(tgwTable(1), "pl-1")
	g := group(keys(list))
	for _, tt := range []struct {
		name, list string
		hop        route.NextHop
		origin     route.Origin
		state      route.State
		want       bool
	}{
		{"a route that it made", "pl-1", hopOf("A"), route.OriginPrefixListReference, route.StateBlackhole, true},
		{"it is alive", "pl-1", hopOf("A"), route.OriginPrefixListReference, route.StateActive, false},
		{"a route of another list", "pl-2", hopOf("A"), route.OriginPrefixListReference, route.StateBlackhole, false},
		{"another target's", "pl-1", hopOf("B"), route.OriginPrefixListReference, route.StateBlackhole, false},
		{"a static that wins against it", "", hopOf("A"), route.OriginStatic, route.StateBlackhole, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			readings := tables{list: hopOf("A")}.readings(g)
			readings[0].Routes = append(readings[0].Routes, route.Route{
				Table: list.Table, Destination: route.MustDestination("172.18.0.0/16"), NextHop: tt.hop, Origin: tt.origin, State: tt.state, List: tt.list,
			})
			got := Standing(g, readings, listsOf(g), NeverTouch{}).Entries[0]
			if got.Blackhole != tt.want || !got.On("A") {
				t.Errorf("dead: %t, want %t; stands on %v", got.Blackhole, tt.want, got.Paths)
			}
		})
	}
}

func TestWhatBlocksAPrefixList(t *testing.T) {
	const other = "444455556666"
	tests := []struct {
		name   string
		change func(*route.ListReading)
		accept string
		want   protection.BlockReason
	}{
		{"nothing", func(*route.ListReading) {}, "", ""},
		{"it could not be read", func(l *route.ListReading) { l.Complete, l.Problem = false, route.ProblemThrottled }, "", protection.BlockUnreadable},
		{"another list was read", func(l *route.ListReading) { l.List.ID = "pl-2" }, "", protection.BlockUnreadable},
		{"it was read elsewhere", func(l *route.ListReading) { l.List.Region = "us-east-1" }, "", protection.BlockUnreadable},
		{"an IPAM resolver rewrites it", func(l *route.ListReading) { l.IPAM = true }, "", protection.BlockIPAM},
		{"another account owns it", func(l *route.ListReading) { l.Owner = other }, "", protection.BlockOwner},
		{"another account owns it, and is accepted", func(l *route.ListReading) { l.Owner = other }, other, ""},
		{"another account owns it than the accepted one", func(l *route.ListReading) { l.Owner = "777788889999" }, other, protection.BlockOwner},
		{"nobody is said to own it", func(l *route.ListReading) { l.Owner = "" }, "", protection.BlockOwner},
		{"AWS owns it", func(l *route.ListReading) { l.Owner = "AWS" }, "", protection.BlockOwner},
		{"to accept an owner accepts no resolver", func(l *route.ListReading) { l.Owner, l.IPAM = other, true }, other, protection.BlockIPAM},
		{"to accept an owner leaves the table's own", func(*route.ListReading) {}, other, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := key(tgwTable(1), "pl-1")
			g := group(keys(a))
			g.Units[0].Entries[0].AcceptOwner = tt.accept
			lists := listsOf(g)
			tt.change(&lists[0])
			standing := Standing(g, tables{a: hopOf("A")}.readings(g), lists, NeverTouch{})
			if got := standing.Entries[0]; got.Blocked != tt.want || !got.On("A") || !standing.Complete {
				t.Errorf("blocked %q, want %q; stands on %v, complete %t", got.Blocked, tt.want, got.Paths, standing.Complete)
			}
			got := Build(g, decided("A", "B", 1), nil, standing)
			if tt.want == "" {
				wantChanges(t, got.Changes, "replace-route tgw-rtb-01 pl-1: tgw-attach-A -> tgw-attach-B")
				return
			}
			if len(got.Changes) != 0 || !slices.Equal(got.Skipped, []Skipped{{Entry: a, NextHop: hopOf("A"), Reason: SkipReason(tt.want)}}) {
				t.Errorf("changes %v, skipped %+v", got.Changes, got.Skipped)
			}
		})
	}
}

func TestNeverTouchAndWhatAListHolds(t *testing.T) {
	a := key(tgwTable(1), "pl-1")
	g := group(keys(a))
	tests := []struct {
		name, never string
		want        bool
	}{
		{"the list itself", "pl-1", true},
		{"one of its blocks", "172.18.0.0/16", true},
		{"a block that covers one of its blocks", "172.16.0.0/12", true},
		{"a block inside one of its blocks", "172.18.5.0/24", true},
		{"a block beside them", "172.17.0.0/16", false},
		{"the other family", "::/0", false},
		{"another list", "pl-2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			standing := Standing(g, tables{a: hopOf("A")}.readings(g), listsOf(g), never(tt.never))
			got := Build(g, decided("A", "B", 1), nil, standing)
			if left := len(got.Skipped) == 1 && got.Skipped[0].Reason == SkipNeverTouch; left != tt.want || standing.Entries[0].Untouchable != tt.want {
				t.Errorf("untouchable: %t, want %t; skipped %+v", standing.Entries[0].Untouchable, tt.want, got.Skipped)
			}
		})
	}
	if !(NeverTouch{Destinations: []route.Destination{route.MustDestination("10.0.0.0/8")}}).CoversAny([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}) {
		t.Error("CoversAny passes a block over")
	}
}

// TestABlockedListHoldsUpItsUnit: what must move together is not split, and
// what need not goes on.
func TestABlockedListHoldsUpItsUnit(t *testing.T) {
	list, sibling := key(tgwTable(1), "pl-1"), key(vpcTable(1), "10.0.0.0/8")
	foreign, other := key(vpcTable(2), "10.0.0.0/8"), key(tgwTable(2), "10.0.0.0/8")
	first, second := keys(list, sibling, foreign), keys(other)
	moved := "replace-route tgw-rtb-02 10.0.0.0/8: tgw-attach-A -> tgw-attach-B"
	onA := tables{list: hopOf("A"), sibling: hopOf("A"), foreign: strangeHop, other: hopOf("A")}
	blocked := func(g *protection.Group) []route.ListReading {
		lists := listsOf(g)
		lists[0].Complete = false
		return lists
	}
	t.Run("other units go on", func(t *testing.T) {
		g := group(first, second)
		got := Build(g, decided("A", "B", 2), nil, Standing(g, onA.readings(g), blocked(g), NeverTouch{}))
		wantChanges(t, got.Changes, moved)
		wantSkipped(t, got, SkipListUnreadable, SkipHeldWithUnit, SkipForeign)
	})
	t.Run("a stateful group is one unit", func(t *testing.T) {
		g := group(first, second)
		g.Stateful = true
		got := Build(g, decided("A", "B", 1), nil, Standing(g, onA.readings(g), blocked(g), NeverTouch{}))
		wantChanges(t, got.Changes)
		wantSkipped(t, got, SkipListUnreadable, SkipHeldWithUnit, SkipForeign, SkipHeldWithUnit)
	})
	t.Run("a dead route is written again where it stands", func(t *testing.T) {
		g := group(first, second)
		stand := tables{list: hopOf("A"), sibling: hopOf("B"), foreign: strangeHop, other: hopOf("B")}
		standing := Standing(g, stand.readings(g), blocked(g), NeverTouch{})
		standing.Entries[1].Blackhole = true
		record := protection.Record{RevivedAt: time.Unix(1, 0)}
		got := Build(g, decided("A", "B", 2), nil, Revive(standing, record, func(string) bool { return true }))
		wantChanges(t, got.Changes, "replace-route rtb-01 10.0.0.0/8: tgw-attach-B -> tgw-attach-B")
		wantSkipped(t, got, SkipListUnreadable, SkipForeign)
	})
	t.Run("a dead list that may not be written holds nothing up", func(t *testing.T) {
		g := group(first, second)
		stand := tables{list: hopOf("B"), sibling: hopOf("A"), foreign: strangeHop, other: hopOf("B")}
		standing := Standing(g, stand.readings(g), blocked(g), NeverTouch{})
		standing.Entries[0].Blackhole = true
		record := protection.Record{RevivedAt: time.Unix(1, 0)}
		got := Build(g, decided("A", "B", 2), nil, Revive(standing, record, func(string) bool { return true }))
		wantChanges(t, got.Changes, "replace-route rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B")
		wantSkipped(t, got, SkipListUnreadable, SkipForeign)
	})
	t.Run("a list that stands as decided holds nothing up", func(t *testing.T) {
		g := group(first, second)
		g.Stateful = true
		stand := tables{list: hopOf("B"), sibling: hopOf("A"), foreign: strangeHop, other: hopOf("A")}
		got := Build(g, decided("A", "B", 1), nil, Standing(g, stand.readings(g), blocked(g), NeverTouch{}))
		wantChanges(t, got.Changes, "replace-route rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B", moved)
		wantSkipped(t, got, SkipForeign)
	})
	t.Run("a list that is left alone for another reason holds nothing up", func(t *testing.T) {
		g := group(first, second)
		got := Build(g, decided("A", "B", 2), keys(list), Standing(g, onA.readings(g), blocked(g), NeverTouch{}))
		wantSkipped(t, got, SkipContended, SkipForeign)
	})
	t.Run("a unit that is not yet to move is not held", func(t *testing.T) {
		g := group(second, first)
		got := Build(g, decided("A", "B", 1), nil, Standing(g, onA.readings(g), blocked(g), NeverTouch{}))
		wantChanges(t, got.Changes, moved)
		wantSkipped(t, got, SkipForeign)
	})
}

func wantSkipped(t *testing.T, got Plan, want ...SkipReason) {
	t.Helper()
	var reasons []SkipReason
	for _, s := range got.Skipped {
		reasons = append(reasons, s.Reason)
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("skipped %v, want %v", reasons, want)
	}
}
