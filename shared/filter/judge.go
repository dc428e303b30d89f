package filter

import (
	"slices"
	"time"

	"detour/shared/protection"
	"detour/shared/route"
)

// Judge decides which measures of the filter are in force, and what has to be written
// for that. views has what was read around each table of the filter and of the record,
// in any order; a table without a view counts as not read. now is when the decision is
// made, after all readings.
//
// The changes are the fewest that bring the tables from what was read to what is
// wanted, in an order in which every permitted prefix keeps a next hop. Judge on the
// outcome of its own changes, with its own record, makes none. It never deletes a
// route, nor switches a propagation on, that the record does not show as ours.
func Judge(f *Filter, views []View, record Record, now time.Time) Decision {
	_ = now
	out := Decision{Filter: f.Name, WouldBe: f.Mode != protection.Enforce, Record: record.Clone()}
	for _, scope := range f.Scopes {
		i := slices.IndexFunc(views, func(v View) bool { return v.Reading.Table == scope.Table })
		if i < 0 || !views[i].Reading.Complete {
			out.Verdicts = append(out.Verdicts, Verdict{Key: Key{Table: scope.Table}, Reason: ReasonIncomplete})
			continue
		}
		out.Verdicts = append(out.Verdicts, alerts(f, scope, views[i])...)
	}
	return out
}

// alerts are the verdicts of a filter that only reports.
func alerts(f *Filter, scope Scope, view View) []Verdict {
	var out []Verdict
	for _, r := range view.Reading.Routes {
		if r.Origin != route.OriginPropagated || !scope.Names(r.NextHop.ID) || Permits(f.Rules, r.Destination.Prefix(), nil) {
			continue
		}
		out = append(out, Verdict{Key: Key{Table: scope.Table, Destination: r.Destination}, Action: Alert, Reason: ReasonDenied})
	}
	if len(out) == 0 {
		out = append(out, Verdict{Key: Key{Table: scope.Table}, Reason: ReasonNothingDenied})
	}
	return out
}
