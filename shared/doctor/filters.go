package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"detour/shared/filter"
	"detour/shared/route"
)

// Filter is a filter with its record.
type Filter struct {
	Filter *filter.Filter
	// Record is what the record store has; zero where none stands. Unrecorded says why
	// it was not read; empty: it was.
	Record     filter.Record
	Unrecorded string
}

// measureOf names the filter whose measure a static route is: by the filter's record,
// or, where that was not read or what it wants stood already, by what the filter wants
// at a destination that its rules deny. Empty: it is none.
func (x *examination) measureOf(r route.Route) string {
	if r.Origin != route.OriginStatic {
		return ""
	}
	for _, f := range x.s.Filters {
		if f.recorded(r) || f.wants(r, x.outsides()) {
			return f.Filter.Name
		}
	}
	return ""
}

// recorded reports whether the record has the route for one of the filter's statics.
func (f Filter) recorded(r route.Route) bool {
	return slices.ContainsFunc(f.Record.Measures, func(m filter.Measure) bool {
		return m.Table == r.Table && slices.ContainsFunc(m.Statics, func(s filter.Static) bool { return s.Destination == r.Destination })
	})
}

// wants reports whether a blackhole or a pin of the filter would be just that route.
func (f Filter) wants(r route.Route, outside []netip.Addr) bool {
	return slices.ContainsFunc(f.Filter.Scopes, func(s filter.Scope) bool {
		hop := route.NextHop{Kind: route.Blackhole}
		if f.Filter.Action == filter.Pin {
			hop = s.Egress
		}
		writes := f.Filter.Action == filter.Blackhole || f.Filter.Action == filter.Pin
		return writes && s.Table == r.Table && r.NextHop == hop && !filter.Permits(f.Filter.Rules, r.Destination.Prefix(), outside)
	})
}

// outsides are the addresses of all ends.
func (x *examination) outsides() []netip.Addr {
	var out []netip.Addr
	for _, e := range x.ends {
		out = append(out, e.addresses...)
	}
	return out
}

// filterTables are the tables that filters judge, sorted.
func (x *examination) filterTables() []route.Table {
	var out []route.Table
	for _, f := range x.s.Filters {
		out = append(out, f.Filter.Tables()...)
	}
	slices.SortFunc(out, route.Table.Compare)
	return slices.Compact(out)
}

// watchedBy names the filter that has the table under observation. A filter for that table
// itself would hide what it is to show.
func (x *examination) watchedBy(table route.Table) string {
	for _, f := range x.s.Filters {
		if slices.Contains(f.Filter.ObservationTables(), table) {
			return f.Filter.Name
		}
	}
	return ""
}

// keptOut names the filter whose measure stands beside a learned route of a VPC table,
// and keeps traffic from it.
func (x *examination) keptOut(learned route.Route) string {
	for _, r := range x.readings[learned.Table].Routes {
		if r.Destination == learned.Destination && r.Origin == route.OriginStatic {
			return x.measureOf(r)
		}
	}
	return ""
}

// blindFilters: filters whose record is missing, so that a static of a quarantine is
// taken for somebody's.
func (x *examination) blindFilters() {
	for _, f := range x.s.Filters {
		if f.Unrecorded == "" {
			continue
		}
		x.add(Finding{
			ID: NotExamined, Severity: Unknown, Blind: []ID{StaticToDownVPN, Blackhole, StaticHidesBackup},
			Where:    Where{Account: f.Filter.Account, Region: f.Filter.Region, Filter: f.Filter.Name},
			What:     fmt.Sprintf("the record of filter %s could not be read, so which static routes are its measures is a guess", f.Filter.Name),
			Do:       []string{"name the table of the records with --table, or say --no-records where Detour is not deployed yet"},
			Evidence: []Evidence{{Text: "the read failed: " + f.Unrecorded}},
		})
	}
}
