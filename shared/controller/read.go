package controller

import (
	"context"
	"slices"
	"time"

	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// readAttempts bounds how often something that could not be read is read again
// within a run.
const readAttempts = 3

// look is what a run read. Its slices and maps are not changed once it is made:
// groups that wait for nothing go on with a look while others read again.
type look struct {
	facts     []health.Fact
	bySubject map[health.Subject][]health.Fact
	readings  []route.Reading
	byTable   map[route.Table]int // the place in readings
	lists     []route.ListReading
	byList    map[route.ListRef]int // the place in lists
}

// look reads evidence, tables and prefix lists of the groups, and again what
// could not be read.
func (c *Controller) look(ctx context.Context, groups []*protection.Group) look {
	seen := c.lookOnce(ctx, groups)
	for attempt := 1; attempt < readAttempts && !seen.againFor(groups).none(); attempt++ {
		if c.pause(ctx, attempt) != nil {
			return seen
		}
		seen = c.lookAgain(ctx, seen, groups)
	}
	return seen
}

// lookOnce reads evidence, tables and prefix lists of the groups at the same
// time, each once.
func (c *Controller) lookOnce(ctx context.Context, groups []*protection.Group) look {
	return c.read(ctx, wantOf(groups))
}

// lookAgain reads what the groups still miss, and puts it in the place of what
// could not be read.
func (c *Controller) lookAgain(ctx context.Context, seen look, groups []*protection.Group) look {
	again := seen.againFor(groups)
	newer := c.read(ctx, again)
	return newLook(
		mergeFacts(seen.facts, again.subjects, newer.facts),
		merge(seen.readings, newer.readings),
		mergeLists(seen.lists, newer.lists),
	)
}

// want is what is to be read: sorted, each once.
type want struct {
	tables   []route.Table
	lists    []route.ListRef
	subjects []health.Subject
}

func (w want) none() bool { return len(w.tables) == 0 && len(w.lists) == 0 && len(w.subjects) == 0 }

func wantOf(groups []*protection.Group) want {
	var out want
	out.tables, out.subjects = union(groups)
	out.lists = prefixLists(groups)
	return out
}

// read reads everything that is wanted at the same time.
func (c *Controller) read(ctx context.Context, w want) look {
	var facts []health.Fact
	var readings []route.Reading
	var lists []route.ListReading
	var waits []func()
	if len(w.subjects) > 0 {
		waits = append(waits, c.ports.Clock.Go(ctx, func(ctx context.Context) { facts = c.ports.Evidence.Read(ctx, w.subjects) }))
	}
	if len(w.lists) > 0 {
		waits = append(waits, c.ports.Clock.Go(ctx, func(ctx context.Context) { lists = c.ports.Lists.Read(ctx, w.lists) }))
	}
	if len(w.tables) > 0 {
		readings = c.ports.Tables.Read(ctx, w.tables)
	}
	for _, wait := range waits {
		wait()
	}
	return newLook(facts, readings, lists)
}

func newLook(facts []health.Fact, readings []route.Reading, lists []route.ListReading) look {
	out := look{
		facts: facts, readings: readings, lists: lists,
		bySubject: map[health.Subject][]health.Fact{}, byTable: make(map[route.Table]int, len(readings)),
		byList: make(map[route.ListRef]int, len(lists)),
	}
	for _, fact := range facts {
		out.bySubject[fact.Subject] = append(out.bySubject[fact.Subject], fact)
	}
	for i, reading := range readings {
		out.byTable[reading.Table] = i
	}
	for i, reading := range lists {
		out.byList[reading.List] = i
	}
	return out
}

// againFor is what the groups miss and what another try may read.
func (l look) againFor(groups []*protection.Group) want {
	missing := wantOf(groups)
	missing.tables = slices.DeleteFunc(missing.tables, func(t route.Table) bool {
		i, ok := l.byTable[t]
		return !ok || l.readings[i].Complete || !worthAnother(l.readings[i].Problem)
	})
	missing.lists = slices.DeleteFunc(missing.lists, func(ref route.ListRef) bool {
		i, ok := l.byList[ref]
		return !ok || l.lists[i].Complete || !worthAnother(l.lists[i].Problem)
	})
	missing.subjects = slices.DeleteFunc(missing.subjects, func(s health.Subject) bool {
		// What only ever allows a move is not waited for.
		return s.Kind.OnlyAllows() || !slices.ContainsFunc(l.bySubject[s], func(f health.Fact) bool { return f.Kind == health.FactUnreadable && worthAnother(f.Problem) })
	})
	return missing
}

// readingsOf returns the readings of the tables, in the order of the tables.
func (l look) readingsOf(tables []route.Table) []route.Reading {
	out := make([]route.Reading, 0, len(tables))
	for _, table := range tables {
		if i, ok := l.byTable[table]; ok {
			out = append(out, l.readings[i])
		}
	}
	return out
}

// listsOf returns the readings of the prefix lists, in the order asked.
func (l look) listsOf(refs []route.ListRef) []route.ListReading {
	out := make([]route.ListReading, 0, len(refs))
	for _, ref := range refs {
		if i, ok := l.byList[ref]; ok {
			out = append(out, l.lists[i])
		}
	}
	return out
}

// with returns the look with newer readings in the place of older ones.
func (l look) with(newer []route.Reading) look {
	l.readings = merge(l.readings, newer)
	return l
}

// prefixLists returns the prefix lists of the groups' entries, sorted, each once.
func prefixLists(groups []*protection.Group) []route.ListRef {
	var out []route.ListRef
	for _, group := range groups {
		out = append(out, group.PrefixLists()...)
	}
	slices.SortFunc(out, route.ListRef.Compare)
	return slices.Compact(out)
}

// readTables reads the tables, and those that could not be read whole again.
func (c *Controller) readTables(ctx context.Context, tables []route.Table) []route.Reading {
	readings := c.ports.Tables.Read(ctx, tables)
	for attempt := 1; attempt < readAttempts; attempt++ {
		var again []route.Table
		for _, r := range readings {
			if !r.Complete && worthAnother(r.Problem) {
				again = append(again, r.Table)
			}
		}
		if len(again) == 0 || c.pause(ctx, attempt) != nil {
			return readings
		}
		readings = merge(readings, c.ports.Tables.Read(ctx, again))
	}
	return readings
}

// worthAnother: what is denied, gone or malformed stays so within a run.
func worthAnother(p route.Problem) bool {
	return p == route.ProblemThrottled || p == route.ProblemTimeout
}

// pause waits before the next attempt: 500 ms, then 1 s.
func (c *Controller) pause(ctx context.Context, attempt int) error {
	return c.ports.Clock.Sleep(ctx, time.Duration(attempt)*500*time.Millisecond)
}

// merge puts newer readings in the place of older ones of the same table.
func merge(old, newer []route.Reading) []route.Reading {
	byTable := make(map[route.Table]route.Reading, len(newer))
	for _, r := range newer {
		byTable[r.Table] = r
	}
	out := make([]route.Reading, len(old))
	for i, r := range old {
		out[i] = r
		if n, ok := byTable[r.Table]; ok {
			out[i] = n
		}
	}
	return out
}

// mergeLists does for prefix lists what merge does for tables.
func mergeLists(old, newer []route.ListReading) []route.ListReading {
	out := slices.Clone(old)
	for _, r := range newer {
		if i := slices.IndexFunc(out, func(o route.ListReading) bool { return o.List == r.List }); i >= 0 {
			out[i] = r
		}
	}
	return out
}

func mergeFacts(old []health.Fact, again []health.Subject, newer []health.Fact) []health.Fact {
	replaced := make(map[health.Subject]bool, len(again))
	for _, s := range again {
		replaced[s] = true
	}
	out := make([]health.Fact, 0, len(old)+len(newer))
	for _, f := range old {
		if !replaced[f.Subject] {
			out = append(out, f)
		}
	}
	return append(out, newer...)
}
