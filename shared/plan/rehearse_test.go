package plan

import (
	"slices"
	"testing"

	"detour/shared/protection"
	"detour/shared/route"
)

func rehearsed(trials []Trial) []string {
	var out []string
	for _, t := range trials {
		out = append(out, t.Path+": "+t.Change.String())
	}
	return out
}

func TestRehearse(t *testing.T) {
	first, second, third := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(1), "172.16.0.0/12"), key(vpcTable(1), "10.0.0.0/8")
	g := group(keys(first, second), keys(third))
	standing := tables{first: hopOf("A"), third: strangeHop}
	want := []string{
		"A: replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-A",
		"A: create-route tgw-rtb-01 172.16.0.0/12: none -> tgw-attach-A",
		"B: replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-B",
		"B: create-route tgw-rtb-01 172.16.0.0/12: none -> tgw-attach-B",
		"C: replace-route tgw-rtb-01 10.0.0.0/8: tgw-attach-A -> tgw-attach-C",
		"C: create-route tgw-rtb-01 172.16.0.0/12: none -> tgw-attach-C",
	}
	shows := Standing(g, standing.readings(g), nil, NeverTouch{})
	if got := rehearsed(Rehearse(g, nil, shows)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	g.TakeOver = true
	if got := Rehearse(g, nil, shows); len(got) != 9 || got[2].Change.After != hopOf("A") || got[2].Change.Before != strangeHop {
		t.Errorf("with takeOver got %q", rehearsed(got))
	}
	if got := Rehearse(g, keys(first, third), shows); len(got) != 3 {
		t.Errorf("without what is contended got %q", rehearsed(got))
	}
	never := NeverTouch{Tables: []string{tgwTable(1).ID}}
	if got := Rehearse(g, nil, Standing(g, standing.readings(g), nil, never)); len(got) != 3 {
		t.Errorf("without what is never touched got %q", rehearsed(got))
	}
	if got := Rehearse(g, nil, protection.Standing{Entries: shows.Entries}); got != nil {
		t.Errorf("from half a reading got %q", rehearsed(got))
	}
}

// TestRehearseCoversEveryPlan: what a plan would write is among the trials.
func TestRehearseCoversEveryPlan(t *testing.T) {
	first, second, third := key(tgwTable(1), "10.0.0.0/8"), key(tgwTable(2), "pl-1"), key(vpcTable(1), "10.0.0.0/8")
	g := group(keys(first, second), keys(third))
	standing := tables{first: hopOf("A"), second: hopOf("B")}
	shows := Standing(g, standing.readings(g), listsOf(g), NeverTouch{})
	trials := Rehearse(g, nil, shows)
	for _, to := range []string{"A", "B", "C"} {
		for _, change := range Build(g, decided("A", to, 2), nil, shows).Changes {
			if !slices.Contains(trials, Trial{Path: to, Change: change}) {
				t.Errorf("the write %s to %s is not rehearsed", change, to)
			}
		}
	}
}

func TestPermissionOf(t *testing.T) {
	base := route.Change{Table: tgwTable(1), Destination: route.MustDestination("10.0.0.0/8"), Op: route.OpReplace, After: hopOf("A")}
	for name, test := range map[string]struct {
		change func(c *route.Change)
		same   bool
	}{
		"another CIDR block":  {func(c *route.Change) { c.Destination = route.MustDestination("172.16.0.0/12") }, true},
		"another old target":  {func(c *route.Change) { c.Before = hopOf("B") }, true},
		"another target":      {func(c *route.Change) { c.After = hopOf("B") }, false},
		"another table":       {func(c *route.Change) { c.Table = tgwTable(2) }, false},
		"another call":        {func(c *route.Change) { c.Op = route.OpCreate }, false},
		"a prefix list":       {func(c *route.Change) { c.Destination = route.MustDestination("pl-1") }, false},
		"another account's":   {func(c *route.Change) { c.Table.Account = "444455556666" }, false},
		"in another Region":   {func(c *route.Change) { c.Table.Region = "us-east-1" }, false},
		"the very same write": {func(*route.Change) {}, true},
	} {
		other := base
		test.change(&other)
		if got := PermissionOf(base) == PermissionOf(other); got != test.same {
			t.Errorf("%s: the same permission: %t", name, got)
		}
	}
}
