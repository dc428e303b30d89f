package operator_test

import (
	"net/netip"
	"slices"
	"testing"

	"detour/shared/operator"
	"detour/shared/plan"
	"detour/shared/protection"
	"detour/shared/route"
)

// TestAPlanLooksUpThePins: the table of a pin is none of the group's, and is read
// for the plan.
func TestAPlanLooksUpThePins(t *testing.T) {
	w := newWorld(t, group("paris", 1)).adopted()
	via := route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-probes", Account: account, Region: region}
	host := protection.EntryKey{Table: via, Destination: route.MustDestination("192.0.2.9/32")}
	tool := operator.New(operator.Options{
		Groups: w.groups, Clock: w.clock, By: "jane",
		Pins:  map[string][]plan.Pin{"paris": {{Path: "B", Alarm: "b-answers", Address: netip.MustParseAddr("192.0.2.9"), Via: via}}},
		Homes: []operator.Home{{Account: account, Region: region, Controller: w.runner, Records: w.store, Tables: (*tables)(w)}},
	})
	for name, c := range map[string]struct {
		hop  route.NextHop
		want int
	}{"to its path": {hop("paris", "B"), 0}, "to another": {hop("paris", "A"), 1}} {
		w.tables[host] = c.hop
		plans, err := tool.Plan(t.Context(), []string{"paris"}, operator.PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(plans[0].Notes, func(n plan.Note) bool { return n.Kind != plan.NotePin })
		if len(got) != c.want {
			t.Errorf("%s: the notes are %+v", name, got)
		}
	}
}
