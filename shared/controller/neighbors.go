package controller

import (
	"context"
	"slices"

	"detour/shared/filter"
	"detour/shared/route"
)

// Neighbors reads who stands around the tables of filters. It answers one reading
// for each table, in the order asked, and says in it what could not be read. Like
// RouteTables it makes its calls at once, and never retries.
type Neighbors interface {
	Read(ctx context.Context, tables []route.Table) []NeighborReading
}

// NeighborReading is one reading of what stands around one table.
type NeighborReading struct {
	Table route.Table
	// Propagations teach the table routes, Associations have their traffic routed by
	// it. A VPC table has its virtual private gateways in the first, and nothing in
	// the second.
	Propagations filter.Neighbors
	Associations filter.Neighbors
	// Outside are the outside addresses of all tunnels in the table's account and
	// Region.
	Outside filter.Outsides
}

// Clone returns a copy that shares no memory with r.
func (r NeighborReading) Clone() NeighborReading {
	r.Propagations.List = slices.Clone(r.Propagations.List)
	r.Associations.List = slices.Clone(r.Associations.List)
	r.Outside.List = slices.Clone(r.Outside.List)
	return r
}
