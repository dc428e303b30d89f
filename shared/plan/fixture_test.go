package plan

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func tgwTable(n int) route.Table {
	return route.Table{Kind: route.TransitGatewayTable, ID: fmt.Sprintf("tgw-rtb-%02d", n), Account: "111122223333", Region: "eu-central-1"}
}

func vpcTable(n int) route.Table {
	return route.Table{Kind: route.VPCTable, ID: fmt.Sprintf("rtb-%02d", n), Account: "111122223333", Region: "eu-central-1"}
}

func hopOf(path string) route.NextHop {
	return route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-" + path}
}

var strangeHop = route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-somebody"}

func key(table route.Table, destination string) protection.EntryKey {
	return protection.EntryKey{Table: table, Destination: route.MustDestination(destination)}
}

// group has the paths A, B and C, and a unit for each list of entries.
func group(units ...[]protection.EntryKey) *protection.Group {
	g := &protection.Group{Name: "berlin", Mode: protection.Enforce}
	for _, path := range []string{"A", "B", "C"} {
		g.Paths = append(g.Paths, protection.Path{Name: path})
	}
	for u, keys := range units {
		unit := protection.Unit{Name: fmt.Sprintf("unit-%d", u)}
		for _, k := range keys {
			unit.Entries = append(unit.Entries, protection.Entry{EntryKey: k, NextHops: []protection.PathNextHop{
				{Path: "A", NextHop: hopOf("A")}, {Path: "B", NextHop: hopOf("B")}, {Path: "C", NextHop: hopOf("C")},
			}})
		}
		g.Units = append(g.Units, unit)
	}
	return g
}

func keys(all ...protection.EntryKey) []protection.EntryKey { return all }

// tables are route tables as a map, from which readings are made.
type tables map[protection.EntryKey]route.NextHop

func (t tables) readings(g *protection.Group) []route.Reading {
	var out []route.Reading
	for _, table := range g.Tables() {
		reading := route.Reading{Table: table, StartedAt: noon, Complete: true}
		for k, hop := range t {
			if k.Table == table {
				reading.Routes = append(reading.Routes, route.Route{
					Table: table, Destination: k.Destination, NextHop: hop, Origin: route.OriginStatic, State: route.StateActive,
				})
			}
		}
		out = append(out, reading)
	}
	return out
}

// apply makes a change the way EC2 does: create only where no static stands,
// replace and delete only where one does.
func (t tables) apply(tb interface{ Fatalf(string, ...any) }, c route.Change) {
	k := protection.EntryKey{Table: c.Table, Destination: c.Destination}
	standing, stands := t[k]
	if stands == (c.Op == route.OpCreate) {
		tb.Fatalf("%s: a static stands: %t", c, stands)
	}
	if standing != c.Before {
		tb.Fatalf("%s: expected to find %s, there is %s", c, c.Before, standing)
	}
	if c.Op == route.OpDelete {
		delete(t, k)
		return
	}
	t[k] = c.After
}

func decided(from, to string, extent int) protection.Decision {
	return protection.Decision{Group: "berlin", From: from, To: to, Extent: extent, Epoch: 1}
}

func build(g *protection.Group, d protection.Decision, readings []route.Reading) Plan {
	return Build(g, d, nil, Standing(g, readings, listsOf(g), NeverTouch{}))
}

// listsOf are good readings of the group's prefix lists, in version 7.
func listsOf(g *protection.Group) []route.ListReading {
	var out []route.ListReading
	for _, ref := range g.PrefixLists() {
		out = append(out, route.ListReading{
			List: ref, Owner: ref.Account, Version: 7, MaxEntries: 10, StartedAt: noon, Complete: true,
			Entries: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/16"), netip.MustParsePrefix("172.18.0.0/16")},
		})
	}
	return out
}

func wantChanges(t *testing.T, got []route.Change, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d changes %v, want %v", len(got), got, want)
	}
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("change %d is %q, want %q", i, got[i], want[i])
		}
	}
}
