package controller

import (
	"context"
	"maps"
	"slices"

	"detour/shared/filter"
	"detour/shared/route"
)

// filterLook is what a run read for filters. It is not changed once it is made.
type filterLook struct {
	tables   map[route.Table]route.Reading
	beside   map[route.Table]NeighborReading
	wanted   []route.Table
	problems []TableProblem
	logged   []filter.Logged
	// gone are the attachments of which EC2 said in this run that they do not exist.
	gone []string
}

// filterTables are the tables that are read for filters and their records, sorted,
// each once.
func filterTables(filters []*filter.Filter, records []filter.Record) []route.Table {
	var out []route.Table
	for i, f := range filters {
		out = slices.Concat(out, f.Tables(), f.ObservationTables(), records[i].Tables())
	}
	slices.SortFunc(out, route.Table.Compare)
	return slices.Compact(out)
}

// lookAround reads tables and what stands around them in one round, and again what
// could not be read, a bounded number of times.
func (c *Controller) lookAround(ctx context.Context, tables []route.Table) filterLook {
	out := filterLook{tables: map[route.Table]route.Reading{}, beside: map[route.Table]NeighborReading{}, wanted: tables}
	routes, around := tables, tables
	for attempt := 1; ; attempt++ {
		c.readAround(ctx, routes, around, &out)
		routes = slices.DeleteFunc(slices.Clone(tables), func(t route.Table) bool { return !worthAnother(out.tables[t].Problem) })
		around = slices.DeleteFunc(slices.Clone(tables), func(t route.Table) bool { return !worthAnother(problemAround(out.beside[t])) })
		if len(routes)+len(around) == 0 || attempt == readAttempts || c.pause(ctx, attempt) != nil {
			break
		}
	}
	out.problems = out.found()
	return out
}

// found lists what was not read whole.
func (l filterLook) found() []TableProblem {
	var out []TableProblem
	for _, t := range l.wanted {
		if reading := l.tables[t]; !reading.Complete {
			out = append(out, TableProblem{Table: t, Problem: reading.Problem})
		} else if p := problemAround(l.beside[t]); p != route.NoProblem {
			out = append(out, TableProblem{Table: t, Problem: p})
		}
	}
	return out
}

// with returns the look with newer readings in the place of older ones.
func (l filterLook) with(newer filterLook) filterLook {
	l.tables, l.beside = maps.Clone(l.tables), maps.Clone(l.beside)
	maps.Copy(l.tables, newer.tables)
	maps.Copy(l.beside, newer.beside)
	l.problems = l.found()
	return l
}

// readAround reads both at the same time.
func (c *Controller) readAround(ctx context.Context, routes, around []route.Table, into *filterLook) {
	var beside []NeighborReading
	wait := func() {}
	if len(around) > 0 {
		wait = c.ports.Clock.Go(ctx, func(ctx context.Context) { beside = c.ports.Neighbors.Read(ctx, around) })
	}
	if len(routes) > 0 {
		for _, reading := range c.ports.Tables.Read(ctx, routes) {
			into.tables[reading.Table] = reading
		}
	}
	wait()
	for _, reading := range beside {
		into.beside[reading.Table] = reading
	}
}

// problemAround is the worst that keeps a reading of neighbors from being whole:
// one that another try may get over only where there is no other.
func problemAround(r NeighborReading) route.Problem {
	worst := route.NoProblem
	for _, p := range []route.Problem{r.Propagations.Problem, r.Associations.Problem, r.Outside.Problem} {
		if p != route.NoProblem && (worst == route.NoProblem || worthAnother(worst)) {
			worst = p
		}
	}
	return worst
}

// of is the look for one filter alone.
func (l filterLook) of(f *filter.Filter, record filter.Record) filterLook {
	l.wanted = filterTables([]*filter.Filter{f}, []filter.Record{record})
	l.problems = l.found()
	return l
}

// views arranges what was read as the filter's judgement wants it.
func (l filterLook) views(f *filter.Filter, record filter.Record) []filter.View {
	tables := slices.Concat(f.Tables(), record.Tables())
	slices.SortFunc(tables, route.Table.Compare)
	var out []filter.View
	for _, table := range slices.Compact(tables) {
		reading, read := l.tables[table]
		if !read {
			continue // A table without a view counts as not read.
		}
		beside := l.beside[table].Clone()
		view := filter.View{Reading: reading, Propagations: beside.Propagations, Associations: beside.Associations, Outside: beside.Outside, Logged: l.logged, Gone: l.gone}
		for _, scope := range f.Scopes {
			if scope.Table != table {
				continue
			}
			for _, o := range scope.Observation {
				shown := l.beside[o.Table].Clone()
				view.Observed = append(view.Observed, filter.Observed{
					Attachment: o.Attachment, Reading: l.tables[o.Table], Propagations: shown.Propagations, Associations: shown.Associations,
				})
			}
		}
		out = append(out, view)
	}
	return out
}

// recordsOf are the records of filters' items.
func recordsOf(items []Item) []filter.Record {
	out := make([]filter.Record, len(items))
	for i, item := range items {
		out[i] = item.Filter
	}
	return out
}
