package plan

import (
	"fmt"
	"testing"

	"detour/shared/protection"
	"detour/shared/route"
)

// benchmarked is a group with 10,000 entries that stand on A, spread evenly over
// the tables, in 100 units.
func benchmarked(tablesOf func(n int) route.Table, n int) (*protection.Group, []route.Reading) {
	standing := tables{}
	units := make([][]protection.EntryKey, 100)
	for i := range 10_000 {
		k := key(tablesOf(i%n), fmt.Sprintf("10.%d.%d.0/24", i/200, i%200))
		units[i/100] = append(units[i/100], k)
		standing[k] = hopOf("A")
	}
	g := group(units...)
	byTable := map[route.Table]*route.Reading{}
	var out []route.Reading
	for _, table := range g.Tables() {
		out = append(out, route.Reading{Table: table, StartedAt: noon, Complete: true})
	}
	for i := range out {
		byTable[out[i].Table] = &out[i]
	}
	for _, unit := range units {
		for _, k := range unit {
			reading := byTable[k.Table]
			reading.Routes = append(reading.Routes, route.Route{
				Table: k.Table, Destination: k.Destination, NextHop: standing[k], Origin: route.OriginStatic, State: route.StateActive,
			})
		}
	}
	return g, out
}

// BenchmarkPlan compares 10,000 entries with what stands, and plans a move of them
// all: in a few transit gateway route tables, and in 1,000 VPC route tables.
func BenchmarkPlan(b *testing.B) {
	for _, c := range []struct {
		name    string
		tableOf func(int) route.Table
		tables  int
	}{
		{"routes=10000/tgw-tables=20", tgwTable, 20},
		{"routes=10000/vpc-tables=1000", vpcTable, 1000},
	} {
		b.Run(c.name, func(b *testing.B) {
			g, readings := benchmarked(c.tableOf, c.tables)
			b.ReportAllocs()
			for b.Loop() {
				if built := build(g, decided("A", "B", 100), readings); len(built.Changes) != 10_000 {
					b.Fatalf("%d changes", len(built.Changes))
				}
			}
		})
	}
}

// BenchmarkPlanWithoutChange is the common case: everything stands as decided.
func BenchmarkPlanWithoutChange(b *testing.B) {
	g, readings := benchmarked(vpcTable, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if built := build(g, decided("A", "A", 100), readings); len(built.Changes) != 0 {
			b.Fatalf("%d changes", len(built.Changes))
		}
	}
}

// BenchmarkSurvey surveys the same move.
func BenchmarkSurvey(b *testing.B) {
	g, readings := benchmarked(vpcTable, 1000)
	in := SurveyInput{Group: g, Readings: readings, Quotas: Quotas{VPCRoutes: 500, TransitGatewayRoutes: 10_000}}
	in = in.again()
	b.ReportAllocs()
	for b.Loop() {
		if notes := Survey(in); len(notes) != 4 {
			b.Fatalf("%+v", notes)
		}
	}
}
