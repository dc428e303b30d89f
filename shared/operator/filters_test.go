package operator

import (
	"context"
	"strings"
	"testing"
	"time"

	"detour/shared/adapter/memory"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

var edgeTable = route.Table{Kind: route.TransitGatewayTable, ID: "tgw-rtb-edge", Account: "111122223333", Region: "eu-west-1"}

// edge is a table that one VPN attachment teaches, with the statics that were written.
type edge struct {
	announced []string
	statics   map[route.Destination]route.NextHop
	looks     int
}

func (e *edge) Read(_ context.Context, tables []route.Table) []route.Reading {
	e.looks++
	out := make([]route.Reading, len(tables))
	for i, table := range tables {
		out[i] = route.Reading{Table: table, Complete: true}
		for _, prefix := range e.announced {
			r := route.Route{Table: table, Destination: route.MustDestination(prefix), Origin: route.OriginPropagated, State: route.StateActive, NextHop: route.MustNextHop("tgw-attach-1")}
			if hop, hidden := e.statics[r.Destination]; hidden {
				r.NextHop, r.Origin = hop, route.OriginStatic
			}
			out[i].Routes = append(out[i].Routes, r)
		}
	}
	return out
}

func (e *edge) Write(_ context.Context, change route.Change) route.Receipt {
	e.statics[change.Destination] = change.After
	return route.Receipt{Change: change, Outcome: route.Applied}
}

func (e *edge) Try(_ context.Context, change route.Change) route.Receipt {
	return route.Receipt{Change: change, Outcome: route.Allowed}
}

type beside struct{}

func (beside) Read(_ context.Context, tables []route.Table) []controller.NeighborReading {
	out := make([]controller.NeighborReading, len(tables))
	for i, table := range tables {
		out[i] = controller.NeighborReading{
			Table: table, Associations: filter.Neighbors{Complete: true}, Outside: filter.Outsides{Complete: true},
			Propagations: filter.Neighbors{Complete: true, List: []filter.Neighbor{{Attachment: "tgw-attach-1", Type: filter.TypeVPN, Resource: "vpn-1"}}},
		}
	}
	return out
}

// filtering is an operator over one filter, and the controller that enforces it.
func filtering(t *testing.T) (*Operator, *controller.Controller, *memory.Store) {
	t.Helper()
	return filteringOver(t, &edge{announced: []string{"0.0.0.0/0", "10.1.0.0/16"}, statics: map[route.Destination]route.NextHop{}}, "no-default")
}

// filteringOver is the same for some filters of one table.
func filteringOver(t *testing.T, e *edge, names ...string) (*Operator, *controller.Controller, *memory.Store) {
	t.Helper()
	clock := recordstest.NewClock()
	deny, err := filter.ParseRule("deny default-like")
	if err != nil {
		t.Fatal(err)
	}
	filters := make([]filter.Filter, len(names))
	for i, name := range names {
		filters[i] = filter.Filter{
			Name: name, Account: edgeTable.Account, Region: edgeTable.Region, Mode: protection.Enforce, Action: filter.Blackhole,
			Scopes: []filter.Scope{{Table: edgeTable}}, Rules: []filter.Rule{deny}, LiftAfter: 5 * time.Minute,
			Damping: health.Damping{Penalty: 1000, HalfLife: 15 * time.Minute, Suppress: 3000, Reuse: 750, Ceiling: 12000},
			Limits:  filter.Limits{SettleTime: 10 * time.Second, ContendedAfter: 3, ContendedWindow: 10 * time.Minute},
		}
	}
	store := memory.New(clock, recordstest.Lease, recordstest.Skew)
	settings := controller.Settings{Lease: recordstest.Lease, CallTimeout: 5 * time.Second, Skew: recordstest.Skew, Settle: 10 * time.Second, MaxMoves: 10}
	token := 0
	c := controller.New(nil, settings, controller.Ports{
		Tables: e, Neighbors: beside{}, Records: store, Wake: memory.NewWakeQueue(nil), Publish: &memory.Events{}, Clock: clock,
		NewToken: func() string { token++; return strings.Repeat("t", token) },
	}, filters...)
	return New(Options{
		Filters: filters, Clock: clock, By: "jane", NewID: func() string { return "x7k2p" },
		Homes: []Home{{Account: edgeTable.Account, Region: edgeTable.Region, Controller: c, Records: store}},
	}), c, store
}

func TestFilterStatus(t *testing.T) {
	o, c, _ := filtering(t)
	before, err := o.FilterStatus(t.Context(), []string{"no-default"})
	if err != nil || len(before) != 1 || len(before[0].Measures) != 0 || before[0].Healthy() || before[0].Verdicts[0].Reason != filter.ReasonDenied {
		t.Fatalf("before: %+v, %v", before, err)
	}
	c.SweepFilters(t.Context(), "sweep")
	after, err := o.FilterStatus(t.Context(), o.Filters())
	if err != nil || len(after[0].Measures) != 1 || after[0].Healthy() || after[0].WouldBe {
		t.Fatalf("after: %+v, %v", after, err)
	}
	text := FilterStatusText(after, Style{Now: after[0].At})
	for _, want := range []string{"filter no-default (enforce, blackhole)", "* blackhole of tgw-rtb-edge 0.0.0.0/0", "announced by vpn vpn-1 (tgw-attach-1)", "trouble announced:"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
	if table := FilterStatusText(append(after, after...), Style{}); !strings.Contains(table, "FILTER") || !strings.Contains(table, "announced") {
		t.Errorf("the table is\n%s", table)
	}
}

// TestFiltersOfAHomeAreLookedAtTogether: they share tables and VPN connections.
func TestFiltersOfAHomeAreLookedAtTogether(t *testing.T) {
	e := &edge{}
	o, _, _ := filteringOver(t, e, "b", "c", "a")
	got, err := o.FilterStatus(t.Context(), []string{"b", "a", "nobody"})
	if err != nil || len(got) != 2 || got[0].Filter != "a" || got[1].Filter != "b" || e.looks != 1 {
		t.Errorf("%d looks, %+v, %v", e.looks, got, err)
	}
	if none, err := o.FilterStatus(t.Context(), nil); err != nil || len(none) != 0 || e.looks != 1 {
		t.Errorf("%d looks, %+v, %v", e.looks, none, err)
	}
}

func TestAFilterIsFrozenAndThawed(t *testing.T) {
	o, c, store := filtering(t)
	ask := func(act Act) error {
		act.Why = "a test"
		_, err := o.AskFilter(t.Context(), "no-default", act)
		return err
	}
	if err := ask(Act{Kind: protection.Freeze}); err != nil {
		t.Fatal(err)
	}
	c.SweepFilters(t.Context(), "sweep")
	frozen, err := o.FilterStatus(t.Context(), []string{"no-default"})
	if err != nil || !frozen[0].Freeze.On || !frozen[0].WouldBe || len(frozen[0].Measures) != 0 || len(frozen[0].Requests) != 1 {
		t.Errorf("frozen: %+v, %v", frozen, err)
	}
	if err := ask(Act{Clear: true, ClearKind: protection.Freeze}); err != nil {
		t.Fatal(err)
	}
	c.SweepFilters(t.Context(), "sweep")
	thawed, err := o.FilterStatus(t.Context(), []string{"no-default"})
	if err != nil || thawed[0].Freeze.On || len(thawed[0].Measures) != 1 {
		t.Errorf("thawed: %+v, %v", thawed, err)
	}
	history, err := o.FilterHistory(t.Context(), "no-default", 10)
	if err != nil || len(history) != 3 || !strings.Contains(FilterHistoryText(history), "requested freeze-x7k2p by jane: a test") {
		t.Errorf("the history is %q, %v", FilterHistoryText(history), err)
	}
	for name, act := range map[string]Act{"nothing to end": {Clear: true}, "a switch": {Kind: protection.ForcedSwitch}} {
		if err := ask(act); err == nil {
			t.Errorf("%s was done", name)
		}
	}
	if _, err := o.AskFilter(t.Context(), "no-default", Act{Kind: protection.Freeze}); err == nil {
		t.Error("a freeze without a reason was done")
	}
	if _, err := o.AskFilter(t.Context(), "unknown", Act{Kind: protection.Freeze, Why: "x"}); err == nil {
		t.Error("an unknown filter was frozen")
	}
	items, _, err := store.Peek(t.Context(), []controller.Key{controller.FilterKey("no-default")})
	if err != nil || len(items[0].Requests) != 0 {
		t.Errorf("the requests left are %+v, %v", items[0].Requests, err)
	}
}

// woken notes the wake-ups that were asked for.
type woken []controller.Key

func (w *woken) At(_ context.Context, key controller.Key, _ time.Time) error {
	*w = append(*w, key)
	return nil
}

// TestARequestOfAFilterWakesItsFunction: a freeze that waits for the sweep comes a minute
// late. Where nobody can be woken that is said.
func TestARequestOfAFilterWakesItsFunction(t *testing.T) {
	o, _, _ := filtering(t)
	act := Act{Kind: protection.Freeze, Why: "a test"}
	if late, err := o.AskFilter(t.Context(), "no-default", act); late == nil || err != nil {
		t.Errorf("without a queue: %v, %v", late, err)
	}
	var woke woken
	o.options.Homes[0].FilterWake = &woke
	late, err := o.AskFilter(t.Context(), "no-default", act)
	if late != nil || err != nil || len(woke) != 1 || woke[0] != controller.FilterKey("no-default") {
		t.Errorf("woken: %v, %v, %v", woke, late, err)
	}
}

// TestTheFreezeOfAllHoldsFiltersToo, where there are no groups as well: it is what is
// reached for when Detour does something that it should not.
func TestTheFreezeOfAllHoldsFiltersToo(t *testing.T) {
	o, c, store := filtering(t)
	var woke woken
	o.options.Homes[0].FilterWake = &woke
	carry := func(act Act) {
		t.Helper()
		act.All, act.Why = true, "a test"
		p, err := o.Propose(t.Context(), act)
		if err != nil {
			t.Fatal(err)
		}
		if text := ProposalText(p, Style{}); !strings.Contains(text, "filters too: no-default") {
			t.Errorf("it does not say what it is for:\n%s", text)
		}
		if late, err := o.Carry(t.Context(), p); late != nil || err != nil {
			t.Fatal(late, err)
		}
	}
	if _, err := o.Propose(t.Context(), Act{Clear: true, ClearKind: protection.Freeze, All: true, Why: "a test"}); err == nil {
		t.Error("a freeze that does not stand was ended")
	}
	carry(Act{Kind: protection.Freeze})
	c.SweepFilters(t.Context(), "sweep")
	if status, err := o.FilterStatus(t.Context(), o.Filters()); err != nil || !status[0].FrozenAll || len(status[0].Measures) > 0 {
		t.Errorf("frozen: %+v, %v", status, err)
	}
	carry(Act{Clear: true, ClearKind: protection.Freeze})
	c.SweepFilters(t.Context(), "sweep")
	if status, err := o.FilterStatus(t.Context(), o.Filters()); err != nil || status[0].FrozenAll || len(status[0].Measures) != 1 || len(woke) != 2 {
		t.Errorf("thawed: %+v, %v, woken %v", status, err, woke)
	}
	if lines, err := store.History(t.Context(), controller.KeyEverything, 5); err != nil || len(lines) != 2 || lines[0].By != "jane" {
		t.Errorf("the journal has %+v, %v", lines, err)
	}
	if _, err := o.Propose(t.Context(), Act{Kind: protection.Release, All: true, Why: "a test"}); err == nil {
		t.Error("a release of all groups was done where there are none")
	}
}

// TestAReleaseNeedsWhatWaitsForAPerson.
func TestAReleaseNeedsWhatWaitsForAPerson(t *testing.T) {
	o, c, _ := filtering(t)
	act := Act{Kind: protection.Release, Why: "a test"}
	if _, err := o.AskFilter(t.Context(), "no-default", act); err == nil || !strings.Contains(err.Error(), "waits for a person") {
		t.Errorf("without a measure: %v", err)
	}
	c.SweepFilters(t.Context(), "sweep") // Its measure has no observation table.
	if _, err := o.AskFilter(t.Context(), "no-default", act); err != nil {
		t.Error(err)
	}
}

// TestMeasuresOfAFormerFilterAreTold.
func TestMeasuresOfAFormerFilterAreTold(t *testing.T) {
	o, c, store := filtering(t)
	c.SweepHome(t.Context(), "sweep")
	if left, err := o.Leftovers(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("the filter is there: %+v, %v", left, err)
	}
	o.options.Filters = nil
	o.options.Homes[0].Controller = controller.New(nil, controller.Settings{}, controller.Ports{Records: store, Clock: o.options.Clock})
	left, err := o.Leftovers(t.Context())
	if err != nil || len(left) != 1 || left[0].Healthy() || left[0].Tables[0] != edgeTable.ID {
		t.Fatalf("%+v, %v", left, err)
	}
	text := FilterStatusText(left, Style{})
	for _, want := range []string{"filter no-default (not in the configuration) in account", "left over: in tgw-rtb-edge 1 static route to blackhole: 0.0.0.0/0; have the filter back"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in\n%s", want, text)
		}
	}
}

// TestAQuarantineThatIsHeardBack is told, and is no trouble.
func TestAQuarantineThatIsHeardBack(t *testing.T) {
	status := filterStatusOf(controller.FilterPreview{
		Filter: &filter.Filter{Name: "partner", Action: filter.Quarantine},
		Heard:  []controller.Heard{{Table: edgeTable, Attachment: filter.Neighbor{Attachment: "tgw-attach-1", Type: filter.TypeVPN, Resource: "vpn-1"}}},
	})
	text := FilterStatusText([]FilterStatus{status}, Style{})
	if !status.Healthy() || !strings.Contains(text, "note vpn vpn-1 (tgw-attach-1) is associated with tgw-rtb-edge, so it hears the statics of its own quarantine") {
		t.Errorf("%+v\n%s", status, text)
	}
}
