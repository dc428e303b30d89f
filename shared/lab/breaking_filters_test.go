package lab

import (
	"context"
	"slices"
	"strings"
	"testing"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/route"
)

// brokenTables lets a test break what the functions read of tables and write to them.
type brokenTables struct {
	controller.RouteTables
	read  func(route.Reading) route.Reading
	write func(route.Change) bool
}

// Read implements controller.RouteTables.
func (b brokenTables) Read(ctx context.Context, tables []route.Table) []route.Reading {
	out := b.RouteTables.Read(ctx, tables)
	for i := range out {
		if b.read != nil {
			out[i] = b.read(out[i])
		}
	}
	return out
}

// Write implements controller.RouteTables. What is not written is told to be.
func (b brokenTables) Write(ctx context.Context, change route.Change) route.Receipt {
	if b.write != nil && !b.write(change) {
		return route.Receipt{Change: change, Outcome: route.Applied}
	}
	return b.RouteTables.Write(ctx, change)
}

// withoutAdoption takes every static that a measure found for one that it wrote.
type withoutAdoption struct{ controller.Records }

// Take implements controller.Records.
func (r withoutAdoption) Take(ctx context.Context, key controller.Key, token string) (controller.Item, controller.Control, error) {
	item, control, err := r.Records.Take(ctx, key, token)
	item.Filter = item.Filter.Clone()
	for i := range item.Filter.Measures {
		for j := range item.Filter.Measures[i].Statics {
			item.Filter.Measures[i].Statics[j].Adopted = false
		}
	}
	return item, control, err
}

// eachFilter breaks a copy of each filter.
func eachFilter(breaks func(*filter.Filter)) func([]filter.Filter) []filter.Filter {
	return func(filters []filter.Filter) []filter.Filter {
		out := slices.Clone(filters)
		for i := range out {
			out[i].Scopes = slices.Clone(out[i].Scopes)
			breaks(&out[i])
		}
		return out
	}
}

// writeFirst has somebody else blackhole what is announced, shortly before it is.
func writeFirst(s *Scenario) {
	for _, step := range s.Script {
		if step.Do != Announce {
			continue
		}
		for _, f := range s.Config.FilterList {
			if f.Action == "blackhole" {
				s.Script = append(s.Script, Step{At: step.At / 2, Do: WriteRoute, By: "somebody", Table: f.Tables[0], Destination: step.Prefix, Target: "blackhole"})
			}
		}
	}
}

// TestTesterFindsBrokenFilters: for each property of filters, a Detour that lacks it is
// found within a bounded number of random networks, by the checker that is for it, and
// the same network shows nothing with the Detour that is whole.
func TestTesterFindsBrokenFilters(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes this long, and it adds no race that the other tests do not have")
	}
	for _, test := range []struct {
		name string
		// needs are features without which a network cannot show it, and after is the seed
		// before the first that is tried.
		needs     []string
		after     uint64
		breaks    FuzzOptions
		invariant Invariant
		says      string
	}{
		{
			name:  "a part of the default route is not denied",
			needs: []string{"filter of what is like a default route"}, after: 26,
			breaks: FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) {
				f.Rules = append([]filter.Rule{{Permit: true, Prefix: route.MustDestination("0.0.0.0/0").Prefix(), LE: 7}}, f.Rules...)
			})},
			invariant: FilteredTables, says: "still forwards",
		},
		{
			name:  "a VPC table is forgotten",
			needs: []string{"filter in a VPC table", "filter that is to pin"}, after: 47,
			breaks: FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) {
				f.Scopes = slices.DeleteFunc(f.Scopes, func(s filter.Scope) bool { return s.Table.Kind == route.VPCTable })
			})},
			invariant: FilteredTables, says: "rtb-",
		},
		{
			name:  "maxPrefixes is not looked at",
			needs: []string{"filter with maxPrefixes", "filter that is to quarantine"}, after: 157,
			breaks:    FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) { f.MaxPrefixes = 0 })},
			invariant: FilteredTables, says: "prefixes, and filter",
		},
		{
			name:  "a quarantine makes no statics",
			needs: []string{"filter that is to quarantine", "filter with observation tables"},
			breaks: FuzzOptions{WrapTables: func(inner controller.RouteTables) controller.RouteTables {
				return brokenTables{RouteTables: inner, write: func(ch route.Change) bool {
					return ch.Op != route.OpCreate || ch.After.Kind != route.TransitGatewayAttachment
				}}
			}},
			invariant: FilteredTables, says: "away by DisableTransitGatewayRouteTablePropagation",
		},
		{
			name:  "measures are never lifted",
			needs: []string{"filter with observation tables", "step withdraw"},
			breaks: FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) {
				f.LiftAfter *= 1000
			})},
			invariant: FilteredTables, says: "holds on to",
		},
		{
			name:  "a filter writes in a table that it does not name",
			needs: []string{"filter with observation tables"}, after: 3,
			breaks: FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) {
				for i, s := range f.Scopes {
					if len(s.Observation) > 0 {
						f.Scopes[i].Table = s.Observation[0].Table
					}
				}
			})},
			invariant: OwnRoutesOnly, says: "no filter",
		},
		{
			name:  "a filter deletes what somebody else wrote",
			needs: []string{"filter that is to blackhole", "write to a foreign next hop"}, after: 26,
			breaks:    FuzzOptions{Shape: writeFirst, WrapRecords: func(inner controller.Records) controller.Records { return withoutAdoption{inner} }},
			invariant: OwnRoutesOnly, says: "is not Detour's",
		},
		{
			name:  "observation tables are read empty, so that measures come and go",
			needs: []string{"filter that is to quarantine", "filter with observation tables"}, after: 19,
			breaks: FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) { f.Damping.Penalty = 0 }), WrapTables: func(inner controller.RouteTables) controller.RouteTables {
				return brokenTables{RouteTables: inner, read: func(r route.Reading) route.Reading {
					if !slices.ContainsFunc(r.Routes, func(route route.Route) bool { return route.Origin != "propagated" }) && r.Table.Kind == route.TransitGatewayTable {
						r.Routes = nil
					}
					return r
				}}
			}},
			invariant: QuietIsQuiet, says: "had converged",
		},
		{
			name:  "a quarantine writes the entries of groups",
			needs: []string{"filter that is to quarantine", "path of a learned route"}, after: 394,
			breaks:    FuzzOptions{BreakFilters: eachFilter(func(f *filter.Filter) { f.Declared = nil })},
			invariant: OwnRoutesOnly, says: "group",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			opts := test.breaks
			opts.Seeds, opts.NoShrink = 1, true
			for opts.First = test.after + 1; opts.First <= test.after+brokenSeeds; opts.First++ {
				has := Generate(opts.First).Features()
				if slices.ContainsFunc(test.needs, func(f string) bool { return !slices.Contains(has, f) }) {
					continue
				}
				report, err := Fuzz(t.Context(), opts)
				if err != nil {
					t.Fatal(err)
				}
				for _, finding := range report.Findings {
					if i := slices.IndexFunc(finding.Violations, func(v Violation) bool { return v.Invariant == test.invariant && strings.Contains(v.Text, test.says) }); i >= 0 {
						t.Logf("seed %d: %s", finding.Seed, finding.Violations[i].Text)
						whole, err := Fuzz(t.Context(), FuzzOptions{First: finding.Seed, Seeds: 1, NoShrink: true, Shape: opts.Shape})
						if err != nil || len(whole.Findings) > 0 {
							t.Errorf("with a whole Detour, seed %d: %v, %v", finding.Seed, whole.Findings, err)
						}
						return
					}
				}
			}
			t.Errorf("nothing was found in %d seeds", brokenSeeds)
		})
	}
}

// brokenSeeds is how many networks a broken filter has to show in.
const brokenSeeds = 300
