package plan

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/protection"
	"detour/shared/route"
)

type drawn struct {
	group     *protection.Group
	decision  protection.Decision
	tables    tables
	lists     []route.ListReading
	never     NeverTouch
	contended []protection.EntryKey
}

func draw(t *rapid.T) drawn {
	var units [][]protection.EntryKey
	var all []protection.EntryKey
	for range rapid.IntRange(1, 4).Draw(t, "units") {
		var unit []protection.EntryKey
		for range rapid.IntRange(1, 4).Draw(t, "entries") {
			table := rapid.SampledFrom([]route.Table{tgwTable(1), tgwTable(2), vpcTable(1), vpcTable(2)}).Draw(t, "table")
			k := key(table, rapid.SampledFrom([]string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "::/0", "pl-1"}).Draw(t, "destination"))
			if !slices.Contains(all, k) {
				unit, all = append(unit, k), append(all, k)
			}
		}
		units = append(units, unit)
	}
	out := drawn{group: group(units...), tables: tables{}}
	out.group.Stateful = rapid.Bool().Draw(t, "stateful")
	out.group.TakeOver = rapid.Bool().Draw(t, "takeOver")
	paths := []string{"A", "B", "C"}
	out.decision = decided(
		rapid.SampledFrom(paths).Draw(t, "from"), rapid.SampledFrom(paths).Draw(t, "to"),
		rapid.IntRange(1, out.group.Steps()).Draw(t, "extent"),
	)
	for _, k := range all {
		switch rapid.IntRange(0, 5).Draw(t, "stands") {
		case 0:
		case 1:
			out.tables[k] = strangeHop
		default:
			out.tables[k] = hopOf(rapid.SampledFrom(paths).Draw(t, "on"))
		}
		if rapid.IntRange(0, 5).Draw(t, "contended") == 0 {
			out.contended = append(out.contended, k)
		}
	}
	if rapid.Bool().Draw(t, "never") {
		out.never = never(rapid.SampledFrom([]string{"10.0.0.0/8", "172.16.0.0/12"}).Draw(t, "never touch"))
	}
	out.lists = listsOf(out.group)
	for i := range out.lists {
		switch rapid.IntRange(0, 5).Draw(t, "list") {
		case 0:
			out.lists[i].Complete = false
		case 1:
			out.lists[i].IPAM = true
		case 2:
			out.lists[i].Owner = "444455556666"
		}
	}
	return out
}

func (d drawn) build() Plan {
	return Build(d.group, d.decision, d.contended, Standing(d.group, d.tables.readings(d.group), d.lists, d.never))
}

func TestPropertyAPlanFromItsOwnResultIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		before := maps.Clone(d.tables)
		plan := d.build()
		for _, c := range plan.Changes {
			d.tables.apply(t, c)
		}
		again := d.build()
		if len(again.Changes) != 0 {
			t.Fatalf("changes %v\nthen    %v", plan.Changes, again.Changes)
		}
		if !reflect.DeepEqual(again.Skipped, plan.Skipped) {
			t.Fatalf("skipped %v\nthen    %v", plan.Skipped, again.Skipped)
		}
		d.checkResult(t, before, plan)
	})
}

// checkResult: every entry stands as decided, or is as before and reported as
// left alone, with a reason that holds.
func (d drawn) checkResult(t *rapid.T, before tables, plan Plan) {
	for u, unit := range d.group.Units {
		for _, entry := range unit.Entries {
			want := entry.NextHop(d.decision.PathFor(d.group.Step(u)))
			i := slices.IndexFunc(plan.Skipped, func(s Skipped) bool { return s.Entry == entry.EntryKey })
			if i < 0 {
				if d.tables[entry.EntryKey] != want {
					t.Fatalf("%s stands on %s, want %s", entry.EntryKey, d.tables[entry.EntryKey], want)
				}
				continue
			}
			if d.tables[entry.EntryKey] != before[entry.EntryKey] {
				t.Fatalf("%s was left alone and changed", entry.EntryKey)
			}
			foreign := before[entry.EntryKey] == strangeHop && !d.group.TakeOver
			if !foreign && !d.untouchable(entry.EntryKey) && !slices.Contains(d.contended, entry.EntryKey) && !d.held(plan, d.group.Step(u)) {
				t.Fatalf("%s was left alone for no reason: %+v", entry.EntryKey, plan.Skipped[i])
			}
		}
	}
}

func (d drawn) untouchable(k protection.EntryKey) bool {
	return d.never.Covers(k) || k.Destination.List() != "" && d.never.CoversAny(listsOf(d.group)[0].Entries)
}

// held: a list that may not be written was left alone in the step.
func (d drawn) held(plan Plan, step int) bool {
	for u, unit := range d.group.Units {
		for _, entry := range unit.Entries {
			if d.group.Step(u) != step {
				continue
			}
			for _, s := range plan.Skipped {
				if s.Entry == entry.EntryKey && (s.Reason == SkipListUnreadable || s.Reason == SkipIPAM || s.Reason == SkipOwner) {
					return true
				}
			}
		}
	}
	return false
}

func TestPropertyWhatMovesTogetherIsNotSplitByAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		plan := d.build()
		for u, unit := range d.group.Units {
			for _, entry := range unit.Entries {
				changed := slices.ContainsFunc(plan.Changes, func(c route.Change) bool {
					return c.Table == entry.Table && c.Destination == entry.Destination
				})
				if changed && d.held(plan, d.group.Step(u)) {
					t.Fatalf("%s is written although a list of its unit is not: %+v", entry.EntryKey, plan.Skipped)
				}
			}
		}
	})
}

func TestPropertyAPlanIsMinimalAndOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		plan := d.build()
		seen := map[protection.EntryKey]bool{}
		unitOf := map[protection.EntryKey]int{}
		for u, unit := range d.group.Units {
			for _, entry := range unit.Entries {
				unitOf[entry.EntryKey] = u
			}
		}
		for i, c := range plan.Changes {
			k := protection.EntryKey{Table: c.Table, Destination: c.Destination}
			if _, declared := unitOf[k]; !declared || seen[k] {
				t.Fatalf("change %s: declared %t, seen before %t", c, declared, seen[k])
			}
			seen[k] = true
			if c.Before == c.After {
				t.Fatalf("%s changes nothing", c)
			}
			if i == 0 {
				continue
			}
			last := protection.EntryKey{Table: plan.Changes[i-1].Table, Destination: plan.Changes[i-1].Destination}
			if unitOf[last] > unitOf[k] || unitOf[last] == unitOf[k] && last.Compare(k) >= 0 {
				t.Fatalf("%s stands before %s", plan.Changes[i-1], c)
			}
		}
		if same := d.build(); !reflect.DeepEqual(same, plan) {
			t.Fatalf("the same input makes two plans:\n%+v\n%+v", plan, same)
		}
	})
}

func TestPropertyTheOrderOfDeclarationDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		want := d.build().Changes
		for u := range d.group.Units {
			d.group.Units[u].Entries = rapid.Permutation(d.group.Units[u].Entries).Draw(t, "entries")
		}
		if got := d.build().Changes; !slices.Equal(got, want) {
			t.Fatalf("%v\n%v", want, got)
		}
	})
}
