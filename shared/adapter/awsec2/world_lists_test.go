package awsec2_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"detour/shared/adapter/awsec2"
	"detour/shared/route"
	"detour/shared/sim"
)

// listTopology adds two prefix lists: a short one, and one of three pages.
func listTopology() sim.Topology {
	topo := topology()
	long := sim.PrefixListSpec{ID: "pl-0b", MaxEntries: 300}
	for n := range 250 {
		long.Entries = append(long.Entries, fmt.Sprintf("172.16.%d.0/24", n))
	}
	topo.PrefixLists = []sim.PrefixListSpec{{ID: "pl-0a", MaxEntries: 5, Entries: []string{"172.20.0.0/16", "172.21.0.0/16"}}, long}
	return topo
}

// TestWorldReferences: a prefix list reference is created, modified and deleted
// with one call each, and a call for one that stands, or that does not, is
// answered in a way that leads to a new reading.
func TestWorldReferences(t *testing.T) {
	tgw := table("tgw-rtb-0a", home)
	change := func(table route.Table, op route.Op, list, after string) route.Change {
		out := route.Change{Table: table, Destination: route.PrefixList(list), Op: op}
		if after != "" {
			out.After = route.MustNextHop(after)
		}
		return out
	}
	vpc := table("rtb-0a", home)
	steps := []struct {
		change  route.Change
		outcome route.Outcome
	}{
		{change(tgw, route.OpReplace, "pl-0a", "tgw-attach-01"), route.PreconditionFailed},
		{change(tgw, route.OpDelete, "pl-0a", ""), route.PreconditionFailed},
		{change(tgw, route.OpCreate, "pl-0a", "tgw-attach-01"), route.Applied},
		{change(tgw, route.OpCreate, "pl-0a", "tgw-attach-02"), route.PreconditionFailed},
		{change(tgw, route.OpReplace, "pl-0a", "tgw-attach-02"), route.Applied},
		{change(tgw, route.OpReplace, "pl-0a", "blackhole"), route.Applied},
		{change(tgw, route.OpReplace, "pl-0a", "tgw-attach-02"), route.Applied},
		{change(tgw, route.OpCreate, "pl-0b", "blackhole"), route.Applied},
		{change(tgw, route.OpDelete, "pl-0b", ""), route.Applied},
		{change(tgw, route.OpCreate, "pl-0e", "blackhole"), route.Refused},
		{change(tgw, route.OpReplace, "pl-0a", "tgw-attach-0e"), route.Refused},
		{change(vpc, route.OpReplace, "pl-0a", "eni-0a"), route.PreconditionFailed},
		{change(vpc, route.OpCreate, "pl-0a", "eni-0a"), route.Applied},
		{change(vpc, route.OpCreate, "pl-0a", "tgw-0a"), route.PreconditionFailed},
		{change(vpc, route.OpReplace, "pl-0a", "tgw-0a"), route.Applied},
	}
	for _, options := range []sim.Options{{}, {ReferenceErrorAsParameter: true}} {
		var receipts []route.Receipt
		var reading route.Reading
		world := runIn(t, listTopology(), options, func(ctx context.Context, c *awsec2.Client) {
			tables := c.Tables(func(route.Table) bool { return true })
			for _, step := range steps {
				receipts = append(receipts, tables.Write(ctx, step.change))
			}
			reading = tables.Read(ctx, []route.Table{tgw})[0]
		})
		for i, step := range steps {
			if got := receipts[i]; got.Outcome != step.outcome {
				t.Errorf("%s: %s %s %q, want %s", step.change, got.Outcome, got.Code, got.Message, step.outcome)
			}
		}
		if got := lines(reading.Routes); !reading.Complete || !slices.Equal(got, []string{
			"10.1.0.0/16 propagated tgw-attach-0a active",
			"172.20.0.0/16 prefix-list-reference tgw-attach-02 active", "172.21.0.0/16 prefix-list-reference tgw-attach-02 active",
			"192.168.0.0/16 static tgw-attach-01 active", "203.0.113.0/24 static blackhole blackhole",
			"pl-0a static tgw-attach-02 active",
		}) {
			t.Errorf("the table reads %q", got)
		}
		for _, s := range world.StaticRoutes() {
			if list := s.Destination.List(); list != "" && (list != "pl-0a" || (s.Target != "tgw-attach-02" && s.Target != "tgw-0a")) {
				t.Errorf("%s in %s goes to %s", list, s.Table, s.Target)
			}
		}
	}
}

// TestWorldLists: all pages of a long list are read.
func TestWorldLists(t *testing.T) {
	var got []route.ListReading
	world := runIn(t, listTopology(), sim.Options{}, func(ctx context.Context, c *awsec2.Client) {
		ref := func(id string) route.ListRef { return route.ListRef{ID: id, Account: home, Region: region} }
		got = c.Lists(true).Read(ctx, []route.ListRef{ref("pl-0b"), ref("pl-0a")})
	})
	if len(got) != 2 || !got[0].Complete || len(got[0].Entries) != 250 || got[0].MaxEntries != 300 || !got[1].Complete || len(got[1].Entries) != 2 {
		t.Errorf("got %+v", got)
	}
	calls := map[string]int{}
	for _, call := range world.Calls() {
		calls[call.Action]++
	}
	if calls["DescribeManagedPrefixLists"] != 1 || calls["GetManagedPrefixListEntries"] != 4 {
		t.Errorf("the calls are %v", calls)
	}
}
