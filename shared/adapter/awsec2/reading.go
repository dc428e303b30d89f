package awsec2

import (
	"slices"

	"detour/shared/route"
)

// builder collects one reading.
type builder struct {
	reading route.Reading
	// seen: an answer spoke of the table.
	seen bool
}

// begin begins a reading now, before its first call.
func (t *Tables) begin(table route.Table) *builder {
	return &builder{reading: route.Reading{Table: table, StartedAt: t.client.clock.Now()}}
}

// add adds a route, or notes that one could not be read.
func (b *builder) add(r route.Route, err error) {
	if err != nil {
		b.fail(route.ProblemMalformed)
		return
	}
	b.reading.Routes = append(b.reading.Routes, r)
}

// fail notes the first problem; routes that were read stay.
func (b *builder) fail(problem route.Problem) {
	if b.reading.Problem == route.NoProblem {
		b.reading.Problem = problem
	}
}

// failed notes the problem of a call's error; nil is none.
func (b *builder) failed(err error) {
	if err != nil {
		b.fail(problemOf(err))
	}
}

// take adds what another builder collected about the same table. The reading
// began when the first of the two did.
func (b *builder) take(other *builder) {
	b.reading.Routes = append(b.reading.Routes, other.reading.Routes...)
	b.fail(other.reading.Problem)
}

// end returns the reading, its routes in order. A table has one static for each
// destination: two show that it changed between pages, so that the reading
// contradicts itself.
func (b *builder) end() route.Reading {
	slices.SortFunc(b.reading.Routes, route.Route.Compare)
	b.reading.Routes = slices.Compact(b.reading.Routes)
	for i := 1; i < len(b.reading.Routes); i++ {
		one, two := b.reading.Routes[i-1], b.reading.Routes[i]
		if one.Origin == route.OriginStatic && two.Origin == route.OriginStatic && one.Destination == two.Destination {
			b.fail(route.ProblemMalformed)
		}
	}
	b.reading.Complete = b.reading.Problem == route.NoProblem
	return b.reading
}
