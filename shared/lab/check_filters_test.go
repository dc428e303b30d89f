package lab

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/filter"
	"detour/shared/sim"

	"pgregory.net/rapid"
)

const (
	filteredTable = "tgw-rtb-1"
	watchedTable  = "tgw-rtb-2"
	teacher       = "tgw-attach-1"
)

// filteredLedger is a ledger of half an hour with one filter.
func filteredLedger(f config.Filter) *ledger {
	l := emptyLedger(Start(), Start().Add(30*time.Minute))
	f.Name, f.Tables, f.Mode = "f", []string{filteredTable}, "enforce"
	f.Rules = []string{"permit 10.0.0.0/8 le 24", "deny 0.0.0.0/0 le 32"}
	f.Observation = map[string]string{teacher: watchedTable}
	l.beside[filteredTable] = besideTable{propagated: []string{teacher}}
	l.beside[watchedTable] = besideTable{propagated: []string{teacher}}
	l.declare(Start(), config.Config{Timers: config.New().Timers, FilterList: []config.Filter{f}})
	return l
}

func showing(at time.Duration, learned, active bool) shownRoute {
	return shownRoute{at: Start().Add(at), learned: learned, active: active, from: []string{teacher}}
}

func violations(l *ledger) []string {
	var out []string
	for _, v := range slices.Concat(l.checkFiltered(Checks{}), l.checkPermitted(Checks{}), l.checkOwn()) {
		out = append(out, string(v.Invariant)+": "+v.Text)
	}
	return out
}

// TestNoDeniedRouteForwards: a denied route may stand for two sweep periods and a bit.
func TestNoDeniedRouteForwards(t *testing.T) {
	denied, permitted := entryID{filteredTable, "0.0.0.0/0"}, entryID{filteredTable, "10.1.0.0/16"}
	for name, test := range map[string]struct {
		action string
		id     entryID
		until  time.Duration // 0: it stays
		spare  []string      // the attachments of the filter
		broken bool
	}{
		"taken out":              {"blackhole", denied, 2*time.Minute + 20*time.Second, nil, false},
		"late":                   {"blackhole", denied, 2*time.Minute + 40*time.Second, nil, true},
		"never":                  {"blackhole", denied, 0, nil, true},
		"permitted":              {"blackhole", permitted, 0, nil, false},
		"of another attachment":  {"quarantine", denied, 0, []string{"tgw-attach-9"}, false},
		"of the one quarantined": {"quarantine", denied, 0, []string{teacher}, true},
		"only reported":          {"alert", denied, 0, nil, false},
	} {
		l := filteredLedger(config.Filter{Action: test.action, Attachments: test.spare})
		l.shown[test.id] = []shownRoute{showing(5*time.Minute, true, true)}
		if test.until > 0 {
			l.shown[test.id] = append(l.shown[test.id], showing(5*time.Minute+test.until, false, false))
		}
		if got := violations(l); len(got) > 0 != test.broken {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestPermittedPrefixesKeepTheirRoute: the propagation is not switched off before the
// static stands.
func TestPermittedPrefixesKeepTheirRoute(t *testing.T) {
	id, off := entryID{filteredTable, "10.1.0.0/16"}, 5*time.Minute
	play := func(change func(l *ledger)) []string {
		l := filteredLedger(config.Filter{Action: "quarantine", Attachments: []string{teacher}})
		l.calls = []sim.CallRecord{{Process: "routefilter-1", Action: "DisableTransitGatewayRouteTablePropagation", SentAt: Start().Add(off), EffectAt: Start().Add(off), Params: map[string][]string{
			"TransitGatewayRouteTableId": {filteredTable}, "TransitGatewayAttachmentId": {teacher},
		}}}
		l.shown[id] = []shownRoute{showing(0, true, true), showing(off, false, false)}
		l.shown[entryID{watchedTable, id.destination}] = []shownRoute{showing(0, true, true)}
		change(l)
		return violations(l)
	}
	if got := play(func(*ledger) {}); len(got) != 1 || !strings.Contains(got[0], "routefilter-1 took tgw-rtb-1 10.1.0.0/16 away") {
		t.Errorf("a permitted prefix without a route: %v", got)
	}
	for name, change := range map[string]func(l *ledger){
		"the static stood before": func(l *ledger) {
			l.shown[id] = []shownRoute{showing(0, true, true), showing(off-time.Second, false, true)}
		},
		"it came too late to be known": func(l *ledger) {
			l.calls = append([]sim.CallRecord{{Process: "routefilter-1", Action: "SearchTransitGatewayRoutes", EffectAt: Start().Add(off - time.Second), Params: map[string][]string{
				"TransitGatewayRouteTableId": {filteredTable},
			}}}, l.calls...)
			l.shown[id] = []shownRoute{showing(off-500*time.Millisecond, true, true), showing(off, false, false)}
			delete(l.shown, entryID{watchedTable, id.destination})
		},
		"more than maxPrefixes, of which a static hides one": func(l *ledger) {
			f := &l.eras[0].config.FilterList[0]
			f.MaxPrefixes, f.Observation = 1, nil
			kept := entryID{filteredTable, "10.0.0.0/16"}
			l.calls = append([]sim.CallRecord{{Process: "routefilter-1", SentAt: Start().Add(off - time.Second), EffectAt: Start().Add(off - time.Second), Write: &sim.RouteWrite{
				Table: kept.table, Destination: kept.destination, After: teacher,
			}}}, l.calls...)
			l.shown[kept] = []shownRoute{showing(0, true, true), showing(off-time.Second, false, true)}
		},
		"somebody else's doing": func(l *ledger) { l.calls[0].Process = foreignWriter + "bob" },
		"another table's":       func(l *ledger) { l.calls[0].Params["TransitGatewayRouteTableId"] = []string{watchedTable} },
	} {
		if got := play(change); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestFiltersWriteInTheirTables: what no group declares is written by a filter's rules
// alone, and only what Detour wrote is deleted.
func TestFiltersWriteInTheirTables(t *testing.T) {
	write := func(by, table, destination, before, after string) sim.CallRecord {
		return sim.CallRecord{Process: by, EffectAt: Start().Add(time.Minute), SentAt: Start().Add(time.Minute), Write: &sim.RouteWrite{
			Table: table, Destination: destination, Before: before, After: after,
		}}
	}
	const self = "routefilter-1"
	for name, test := range map[string]struct {
		filter config.Filter
		calls  []sim.CallRecord
		want   string
	}{
		"blackhole":             {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "", "blackhole")}, ""},
		"another table":         {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, watchedTable, "0.0.0.0/0", "", "blackhole")}, "no filter the table"},
		"a permitted prefix":    {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, filteredTable, "10.1.0.0/16", "", "blackhole")}, "permits it"},
		"another target":        {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "", teacher)}, "has another target"},
		"over a foreign route":  {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", teacher, "blackhole")}, "a foreign route stood there"},
		"deletes a foreign one": {config.Filter{Action: "blackhole"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "blackhole", "")}, "is not Detour's"},
		"quarantine":            {config.Filter{Action: "quarantine"}, []sim.CallRecord{write(self, filteredTable, "10.1.0.0/16", "", teacher)}, ""},
		"a denied static":       {config.Filter{Action: "quarantine"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "", teacher)}, "denies it"},
		"an alert":              {config.Filter{Action: "alert"}, []sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "", "blackhole")}, "no filter the table"},
		"pin": {
			config.Filter{Action: "pin", Egress: map[string]string{filteredTable: "tgw-attach-7"}},
			[]sim.CallRecord{write(self, filteredTable, "0.0.0.0/0", "", "tgw-attach-7")},
			"",
		},
	} {
		l := filteredLedger(test.filter)
		l.calls = test.calls
		got := strings.Join(violations(l), "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestWhatAGroupLeavesIsNoMeasure: a static that a group wrote stays when the group goes,
// and no filter has to take it out, as it has what it wrote itself.
func TestWhatAGroupLeavesIsNoMeasure(t *testing.T) {
	const writer = "reconcile-1"
	id := entryID{filteredTable, "10.1.1.0/24"}
	for action, says := range map[string]string{"pin": "holds on to tgw-rtb-1 10.1.1.0/24", "quarantine": "a static of filter f leads to tgw-attach-1"} {
		for name, groups := range map[string][]config.Group{
			"a filter's": nil,
			"a group's":  {{Name: "g", Units: []config.Unit{{Entries: []config.Entry{{Table: id.table, Destination: id.destination}}}}}},
		} {
			l := filteredLedger(config.Filter{Action: action, Attachments: []string{teacher}})
			after := l.eras[0].config
			after.Timers.Damping.HalfLife = config.Duration(time.Minute)
			l.eras = nil
			before := after
			before.GroupList = groups
			l.declare(Start(), before)
			l.took[writer] = l.last()
			l.declare(Start().Add(2*time.Minute), after)
			at := Start().Add(time.Minute)
			l.calls = []sim.CallRecord{
				{Process: writer, SentAt: at, EffectAt: at, Write: &sim.RouteWrite{Table: id.table, Destination: id.destination, After: teacher}},
				{Process: "routefilter-1", Action: "DisableTransitGatewayRouteTablePropagation", SentAt: at, EffectAt: at, Params: map[string][]string{
					"TransitGatewayRouteTableId": {filteredTable}, "TransitGatewayAttachmentId": {teacher},
				}},
			}
			l.shown[id] = []shownRoute{showing(time.Minute, false, true)}
			var got []string
			for _, v := range append(l.checkLifted(Checks{ConvergedBy: l.end}), l.checkStandIns(Checks{ConvergedBy: l.end})...) {
				got = append(got, v.Text)
			}
			if found := strings.Contains(strings.Join(got, "\n"), says); found != (groups == nil) {
				t.Errorf("%s, %s: %q", action, name, got)
			}
		}
	}
}

// TestCheckersReadRulesLikeFilters holds the checkers' reading of rules against that
// of filters.
func TestCheckersReadRulesLikeFilters(t *testing.T) {
	outside := []netip.Addr{netip.MustParseAddr("203.0.113.11"), netip.MustParseAddr("2001:db8::1")}
	rules := []string{
		"permit 10.0.0.0/8 le 24", "deny 10.0.0.0/8", "deny 10.0.0.0/9 ge 26", "permit 0.0.0.0/0 ge 4 le 6", "deny default-like",
		"permit 0.0.0.0/0", "deny 0.0.0.0/0 le 32", "deny 2001:db8::/32 ge 40 le 48", "permit ::/0", "deny 203.0.113.0/24",
	}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom(rules), 1, 5).Draw(t, "rules")
		var parsed []filter.Rule
		for _, text := range texts {
			rule, err := filter.ParseRule(text)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, rule)
		}
		near := rapid.SampledFrom([]string{"10.1.2.3", "203.0.113.11", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "fd00::1"}).Draw(t, "near")
		address := netip.MustParseAddr(near)
		prefix := netip.PrefixFrom(address, rapid.IntRange(0, address.BitLen()).Draw(t, "bits")).Masked()
		f := filterRules{Filter: config.Filter{Rules: texts}, outside: outside}
		if f.denies(prefix) == filter.Permits(parsed, prefix, outside) {
			t.Fatalf("%s under %v", prefix, texts)
		}
	})
}
