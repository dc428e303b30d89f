package plan

import (
	"fmt"
	"testing"

	"detour/shared/protection"
)

// BenchmarkBuild compares 10,000 entries with what stands, and plans a move of
// them all.
func BenchmarkBuild(b *testing.B) {
	standing := tables{}
	var units [][]protection.EntryKey
	for u := range 100 {
		var unit []protection.EntryKey
		for i := range 100 {
			k := key(tgwTable(u%20), fmt.Sprintf("10.%d.%d.0/24", u, i))
			unit = append(unit, k)
			standing[k] = hopOf("A")
		}
		units = append(units, unit)
	}
	g := group(units...)
	readings := standing.readings(g)
	b.ReportAllocs()
	for b.Loop() {
		if built := build(g, decided("A", "B", 100), readings); len(built.Changes) != 10_000 {
			b.Fatalf("%d changes", len(built.Changes))
		}
	}
}
