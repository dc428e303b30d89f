package plan

import (
	"slices"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

func TestReplaceWhereAStaticStandsCreateWhereNoneDoes(t *testing.T) {
	a, b := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(1), "10.1.0.0/16")
	g := group(keys(a, b))
	got := build(g, decided("A", "B", 1), tables{a: hopOf("A")}.readings(g))
	wantChanges(t, got.Changes,
		"replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B",
		"create-route tgw-rtb-01 10.1.0.0/16: none -> tgw-attach-B",
	)
	if !got.Complete || got.Group != "berlin" || len(got.Skipped) != 0 {
		t.Errorf("plan: %+v", got)
	}
}

func TestNoChangeWhereTheEntryStandsAsDecided(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	got := build(g, decided("A", "B", 1), tables{a: hopOf("B")}.readings(g))
	wantChanges(t, got.Changes)
}

func TestTwoPathsMayShareANextHop(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	g.Units[0].Entries[0].NextHops[1].NextHop = hopOf("A")
	readings := tables{a: hopOf("A")}.readings(g)
	seen := Standing(g, readings, nil, NeverTouch{}).Entries[0]
	if !slices.Equal(seen.Paths, []string{"A", "B"}) || seen.Foreign {
		t.Errorf("stands on %v, foreign %t", seen.Paths, seen.Foreign)
	}
	wantChanges(t, build(g, decided("A", "B", 1), readings).Changes)
}

func TestALearnedRouteOfTheSameDestinationNeedsACreate(t *testing.T) {
	for _, table := range []route.Table{vpcTable(1), tgwTable(1)} {
		a := key(table, "10.0.0.0/8")
		g := group(keys(a))
		readings := tables{}.readings(g)
		// It even points where the static is wanted; it is still no static of ours.
		readings[0].Routes = append(readings[0].Routes, route.Route{
			Table: table, Destination: a.Destination, NextHop: hopOf("B"), Origin: route.OriginPropagated, State: route.StateActive,
		})
		wantChanges(t, build(g, decided("A", "B", 1), readings).Changes,
			"create-route "+table.ID+" 10.0.0.0/8: none -> tgw-attach-B")
	}
}

func TestAStaticIsFoundBesideALearnedRoute(t *testing.T) {
	a := key(vpcTable(1), "10.0.0.0/8")
	g := group(keys(a))
	for _, first := range []bool{true, false} {
		readings := tables{a: hopOf("A")}.readings(g)
		learned := route.Route{Table: a.Table, Destination: a.Destination, NextHop: strangeHop, Origin: route.OriginPropagated}
		at := len(readings[0].Routes)
		if first {
			at = 0
		}
		readings[0].Routes = slices.Insert(readings[0].Routes, at, learned)
		wantChanges(t, build(g, decided("A", "B", 1), readings).Changes,
			"replace-route rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B")
	}
}

func TestADeadTargetIsReplacedLikeALiveOne(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	readings := tables{a: hopOf("A")}.readings(g)
	readings[0].Routes[0].State = route.StateBlackhole
	wantChanges(t, build(g, decided("A", "B", 1), readings).Changes,
		"replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B")
}

func TestOnlyDeclaredEntriesAreTouched(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	others := tables{
		a: hopOf("A"), key(tgwTable(1), "10.0.0.0/9"): hopOf("A"), key(tgwTable(1), "0.0.0.0/0"): hopOf("A"),
		key(tgwTable(1), "pl-1"): hopOf("A"),
	}
	if got := build(g, decided("A", "B", 1), others.readings(g)); len(got.Changes) != 1 {
		t.Errorf("changes: %v", got.Changes)
	}
}

func TestWhatIsLeftAlone(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	tests := []struct {
		name      string
		stands    route.NextHop
		takeOver  bool
		never     NeverTouch
		contended []protection.EntryKey
		want      SkipReason
	}{
		{"foreign", strangeHop, false, NeverTouch{}, nil, SkipForeign},
		{"foreign with takeOver: replaced", strangeHop, true, NeverTouch{}, nil, ""},
		{"a blackhole that nobody declared is foreign", route.NextHop{Kind: route.Blackhole}, false, NeverTouch{}, nil, SkipForeign},
		{"neverTouch by table", hopOf("A"), false, NeverTouch{Tables: []string{"tgw-rtb-01"}}, nil, SkipNeverTouch},
		{"neverTouch by destination", hopOf("A"), false, never("10.0.0.0/8"), nil, SkipNeverTouch},
		{"neverTouch by a block that covers it", hopOf("A"), false, never("10.0.0.0/7"), nil, SkipNeverTouch},
		{"neverTouch overrides takeOver", strangeHop, true, never("10.0.0.0/8"), nil, SkipNeverTouch},
		{"neverTouch also where nothing stands", route.NextHop{}, false, never("10.0.0.0/8"), nil, SkipNeverTouch},
		{"neverTouch of a block inside it says nothing", hopOf("A"), false, never("10.0.0.0/9"), nil, ""},
		{"neverTouch of another block says nothing", hopOf("A"), false, never("11.0.0.0/8", "::/0"), nil, ""},
		{"neverTouch of another table says nothing", hopOf("A"), false, NeverTouch{Tables: []string{"tgw-rtb-02"}}, nil, ""},
		{"contended", hopOf("A"), false, NeverTouch{}, keys(a), SkipContended},
		{"another entry contended", hopOf("A"), false, NeverTouch{}, keys(key(tgwTable(2), "10.0.0.0/8")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := group(keys(a))
			g.TakeOver = tt.takeOver
			stand := tables{}
			if !tt.stands.IsZero() {
				stand[a] = tt.stands
			}
			standing := Standing(g, stand.readings(g), nil, tt.never)
			got := Build(g, decided("A", "B", 1), tt.contended, standing)
			if tt.want == "" {
				if len(got.Changes) != 1 || len(got.Skipped) != 0 {
					t.Fatalf("changes %v, skipped %v", got.Changes, got.Skipped)
				}
				return
			}
			if len(got.Changes) != 0 || len(got.Skipped) != 1 {
				t.Fatalf("changes %v, skipped %v", got.Changes, got.Skipped)
			}
			if s := got.Skipped[0]; s != (Skipped{Entry: a, NextHop: tt.stands, Reason: tt.want}) {
				t.Errorf("skipped %+v", s)
			}
		})
	}
}

func never(destinations ...string) NeverTouch {
	var out NeverTouch
	for _, d := range destinations {
		out.Destinations = append(out.Destinations, route.MustDestination(d))
	}
	return out
}

func TestNeverTouchOfPrefixListsAndIPv6(t *testing.T) {
	tests := []struct {
		never, entry string
		want         bool
	}{
		{"pl-1", "pl-1", true},
		{"pl-1", "pl-2", false},
		{"0.0.0.0/0", "pl-1", false},
		{"pl-1", "0.0.0.0/0", false},
		{"0.0.0.0/0", "10.0.0.0/8", true},
		{"0.0.0.0/0", "::/0", false},
		{"::/0", "2001:db8::/32", true},
		{"::/0", "10.0.0.0/8", false},
		{"2001:db8::/32", "2001:db8::/32", true},
		{"2001:db8::/32", "2000::/3", false},
	}
	for _, tt := range tests {
		if got := never(tt.never).Covers(key(tgwTable(1), tt.entry)); got != tt.want {
			t.Errorf("neverTouch %s covers %s: %t", tt.never, tt.entry, got)
		}
	}
}

func TestAnEntryThatStandsAsDecidedIsNotReportedAsLeftAlone(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	standing := Standing(g, tables{a: hopOf("B")}.readings(g), nil, never("10.0.0.0/8"))
	if got := Build(g, decided("A", "B", 1), keys(a), standing); len(got.Skipped)+len(got.Changes) != 0 {
		t.Errorf("plan: %+v", got)
	}
}

func TestAnEntryWithoutANextHopForThePathIsLeftAlone(t *testing.T) {
	a := key(tgwTable(1), "10.0.0.0/8")
	g := group(keys(a))
	g.Units[0].Entries[0].NextHops = g.Units[0].Entries[0].NextHops[:1]
	got := build(g, decided("A", "B", 1), tables{a: hopOf("A")}.readings(g))
	if len(got.Changes) != 0 || len(got.Skipped) != 1 || got.Skipped[0].Reason != SkipUndeclared {
		t.Errorf("plan: %+v", got)
	}
}

func TestNothingIsWrittenFromAnIncompleteReading(t *testing.T) {
	a, b := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(2), "10.0.0.0/8")
	g := group(keys(a, b))
	whole := tables{a: hopOf("A"), b: hopOf("A")}
	for name, readings := range map[string][]route.Reading{
		"one table incomplete": func() []route.Reading {
			r := whole.readings(g)
			r[1].Complete, r[1].Problem = false, route.ProblemThrottled
			return r
		}(),
		"one table not read": whole.readings(g)[:1],
		"nothing read":       nil,
	} {
		t.Run(name, func(t *testing.T) {
			got := build(g, decided("A", "B", 1), readings)
			if got.Complete || len(got.Changes) != 0 || len(got.Skipped) != 0 {
				t.Errorf("plan: %+v", got)
			}
		})
	}
	t.Run("a table of another group does not matter", func(t *testing.T) {
		readings := append(whole.readings(g), route.Reading{Table: tgwTable(9)})
		if got := build(g, decided("A", "B", 1), readings); !got.Complete || len(got.Changes) != 2 {
			t.Errorf("plan: %+v", got)
		}
	})
}

func TestStandingBeganWithTheEarliestReading(t *testing.T) {
	g := group(keys(key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(2), "10.0.0.0/8"), key(tgwTable(3), "10.0.0.0/8")))
	readings := tables{}.readings(g)
	readings[0].StartedAt = noon.Add(2 * time.Second)
	readings[1].StartedAt = noon.Add(time.Second)
	readings[2].StartedAt = noon.Add(3 * time.Second)
	if got := Standing(g, readings, nil, NeverTouch{}); !got.StartedAt.Equal(noon.Add(time.Second)) || !got.Complete {
		t.Errorf("started at %v, complete %t", got.StartedAt, got.Complete)
	}
}

func TestExtentIsByUnit(t *testing.T) {
	a, b, c := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(2), "10.0.0.0/8"), key(tgwTable(3), "10.0.0.0/8")
	onB := tables{a: hopOf("B"), b: hopOf("B"), c: hopOf("B")}
	first := "replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-B -> tgw-attach-A"
	second := "replace-route tgw-rtb-02 10.0.0.0/8: tgw-attach-B -> tgw-attach-A"
	third := "replace-route tgw-rtb-03 10.0.0.0/8: tgw-attach-B -> tgw-attach-A"
	t.Run("the first n units belong to To", func(t *testing.T) {
		g := group(keys(a), keys(b), keys(c))
		for extent, want := range [][]string{{}, {first}, {first, second}, {first, second, third}} {
			wantChanges(t, build(g, decided("B", "A", extent), onB.readings(g)).Changes, want...)
		}
	})
	t.Run("the others aim at From", func(t *testing.T) {
		g := group(keys(a), keys(b), keys(c))
		stand := tables{a: hopOf("A"), b: hopOf("A"), c: hopOf("B")}
		wantChanges(t, build(g, decided("B", "A", 1), stand.readings(g)).Changes,
			"replace-route tgw-rtb-02 10.0.0.0/8: tgw-attach-A -> tgw-attach-B")
	})
	t.Run("a stateful group is one unit", func(t *testing.T) {
		g := group(keys(a), keys(b), keys(c))
		g.Stateful = true
		wantChanges(t, build(g, decided("B", "A", 1), onB.readings(g)).Changes, first, second, third)
	})
}

func TestOrderIsByUnitTableAndDestination(t *testing.T) {
	late := keys(key(tgwTable(1), "10.0.0.0/8"))
	early := keys(
		key(vpcTable(1), "10.0.0.0/8"), key(tgwTable(2), "pl-1"), key(tgwTable(2), "2001:db8::/32"),
		key(tgwTable(2), "10.0.0.0/16"), key(tgwTable(2), "10.0.0.0/8"), key(tgwTable(1), "192.168.0.0/16"),
	)
	g := group(early, late)
	wantChanges(t, build(g, decided("A", "B", 2), tables{}.readings(g)).Changes,
		"create-route tgw-rtb-01 192.168.0.0/16: none -> tgw-attach-B",
		"create-route tgw-rtb-02 10.0.0.0/8: none -> tgw-attach-B",
		"create-route tgw-rtb-02 10.0.0.0/16: none -> tgw-attach-B",
		"create-route tgw-rtb-02 2001:db8::/32: none -> tgw-attach-B",
		"create-route tgw-rtb-02 pl-1: none -> tgw-attach-B",
		"create-route rtb-01 10.0.0.0/8: none -> tgw-attach-B",
		"create-route tgw-rtb-01 10.0.0.0/8: none -> tgw-attach-B",
	)
}
