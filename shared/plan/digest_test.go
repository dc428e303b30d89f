package plan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/shared/protection"
	"detour/shared/route"
)

// failbackGroup has three units with two entries each, one of them a prefix list.
func failbackGroup() (*protection.Group, tables) {
	g := group(
		keys(key(tgwTable(1), "10.1.0.0/16"), key(tgwTable(2), "10.2.0.0/16")),
		keys(key(tgwTable(1), "10.3.0.0/16"), key(vpcTable(1), "10.4.0.0/16")),
		keys(key(vpcTable(2), "pl-0a01"), key(tgwTable(1), "10.5.0.0/16")),
	)
	all := tables{}
	for _, unit := range g.Units {
		for _, e := range unit.Entries {
			all[e.EntryKey] = hopOf("B")
		}
	}
	return g, all
}

func onB(g *protection.Group) protection.Record {
	return protection.Record{Decision: decided("A", "B", g.Steps())}
}

func stepsOf(g *protection.Group, t tables) []Step {
	standing := Standing(g, t.readings(g), listsOf(g), NeverTouch{})
	return Steps(g, ToWorking(g, onB(g), false, standing))
}

func TestThePlanToWorkingStepByStep(t *testing.T) {
	g, all := failbackGroup()
	steps := stepsOf(g, all)
	if len(steps) != 3 {
		t.Fatalf("%d steps", len(steps))
	}
	for n, step := range steps {
		if len(step.Changes) != 2 || !slices.Equal(step.Units, []string{g.Units[n].Name}) || len(step.Digest) != 16 {
			t.Errorf("step %d is %+v", n, step)
		}
		for _, c := range step.Changes {
			if c.Before != hopOf("B") || c.After != hopOf("A") {
				t.Errorf("step %d has %s", n, c)
			}
		}
	}
	g.Stateful = true
	if steps := stepsOf(g, all); len(steps) != 1 || len(steps[0].Changes) != 6 || len(steps[0].Units) != 3 {
		t.Errorf("of a stateful group: %+v", steps)
	}
}

// A unit that has moved has another digest by then; those that have not keep theirs.
func TestADigestIsThatOfItsStepAlone(t *testing.T) {
	g, all := failbackGroup()
	before := DigestsOf(stepsOf(g, all))
	for _, e := range g.Units[0].Entries {
		all[e.EntryKey] = hopOf("A")
	}
	after := DigestsOf(stepsOf(g, all))
	if after[0] == before[0] || !slices.Equal(after[1:], before[1:]) {
		t.Errorf("before %v, after %v", before, after)
	}
}

// Whatever somebody changes of what a step would find, leave alone or write: the digest
// of that step and the plan's are others, and those of the other steps are not.
func TestPropertyEveryChangeShowsInTheDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, all := failbackGroup()
		before := stepsOf(g, all)
		n := rapid.IntRange(0, 2).Draw(t, "step")
		entry := rapid.SampledFrom(g.Units[n].Entries).Draw(t, "entry").EntryKey
		lists, versions := listsOf(g), []protection.ListVersion{{ID: "pl-0a01", Version: 7}}
		never := NeverTouch{}
		switch rapid.SampledFrom([]string{"elsewhere", "gone", "foreign", "list", "never", "hop"}).Draw(t, "what") {
		case "elsewhere":
			all[entry] = hopOf(rapid.SampledFrom([]string{"A", "C"}).Draw(t, "path"))
		case "gone":
			delete(all, entry)
		case "foreign":
			all[entry] = strangeHop
		case "list":
			n, lists[0].Version = 2, 8
			versions = ListVersions(lists)
		case "never":
			never.Destinations = append(never.Destinations, entry.Destination)
		case "hop":
			for u := range g.Units {
				for i := range g.Units[u].Entries {
					if e := &g.Units[u].Entries[i]; e.EntryKey == entry {
						e.NextHops[0].NextHop = route.NextHop{Kind: route.TransitGatewayAttachment, ID: "tgw-attach-new"}
					}
				}
			}
		}
		after := Steps(g, ToWorking(g, onB(g), false, Standing(g, all.readings(g), lists, never)))
		for i := range before {
			if same := before[i].Digest == after[i].Digest; same != (i != n) {
				t.Errorf("step %d, and %d was changed: %s, %s", i, n, before[i].Digest, after[i].Digest)
			}
		}
		if Digest("berlin", 1, "A", before, []protection.ListVersion{{ID: "pl-0a01", Version: 7}}) == Digest("berlin", 1, "A", after, versions) {
			t.Error("the digest of the plan is the same")
		}
	})
}

func TestTheDigestOfAPlanCoversWhatItIsFor(t *testing.T) {
	g, all := failbackGroup()
	steps := stepsOf(g, all)
	versions := []protection.ListVersion{{ID: "pl-0a01", Version: 7}}
	first := Digest("berlin", 1, "A", steps, versions)
	if again := Digest("berlin", 1, "A", stepsOf(g, all), slices.Clone(versions)); again != first || len(first) != 64 {
		t.Errorf("%s, then %s", first, again)
	}
	for what, other := range map[string]string{
		"group": Digest("paris", 1, "A", steps, versions), "epoch": Digest("berlin", 2, "A", steps, versions),
		"target": Digest("berlin", 1, "B", steps, versions), "steps": Digest("berlin", 1, "A", steps[1:], versions),
		"lists": Digest("berlin", 1, "A", steps, []protection.ListVersion{{ID: "pl-0a01", Version: 8}}), "no lists": Digest("berlin", 1, "A", steps, nil),
	} {
		if other == first {
			t.Errorf("another %s, and the digest is the same", what)
		}
	}
}

func TestListVersionsAreSortedAndWhole(t *testing.T) {
	reading := func(id string, version int64, complete bool) route.ListReading {
		return route.ListReading{List: route.ListRef{ID: id}, Version: version, Complete: complete}
	}
	got := ListVersions([]route.ListReading{reading("pl-2", 4, true), reading("pl-1", 3, true), reading("pl-2", 4, true), reading("pl-3", 0, false)})
	if want := []protection.ListVersion{{ID: "pl-1", Version: 3}, {ID: "pl-2", Version: 4}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
