package sim

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// StaticRoute is one static route as it truly stands. Target is an id or
// "blackhole"; it stays the id when the route's state is blackhole.
type StaticRoute struct {
	Table       string
	Destination netip.Prefix
	Target      string
	// State is active or blackhole, as the API shows it now.
	State string
}

// StaticRoutes returns every static route of every table of both kinds, sorted
// by table and destination; the local routes of VPC tables are left out.
func (w *World) StaticRoutes() []StaticRoute {
	w.mu.Lock()
	defer w.mu.Unlock()
	var routes []StaticRoute
	for id, t := range w.tgwTables {
		for dst, static := range t.statics {
			routes = append(routes, StaticRoute{Table: id, Destination: dst, Target: static.targetID(), State: t.visible.current[dst].State})
		}
	}
	for id, t := range w.vpcTables {
		for dst, route := range t.routes.current {
			if route.Origin == originStatic {
				routes = append(routes, StaticRoute{Table: id, Destination: dst, Target: route.Target, State: route.State})
			}
		}
	}
	slices.SortFunc(routes, func(a, b StaticRoute) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), comparePrefix(a.Destination, b.Destination))
	})
	return routes
}

// Snapshot returns all tables as text for people: TGW tables first, then VPC
// tables, with routes sorted. Equal states give equal text.
func (w *World) Snapshot() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out strings.Builder
	for _, id := range sortedKeys(w.tgwTables) {
		t := w.tgwTables[id]
		fmt.Fprintf(&out, "%s (transit gateway %s)\n", id, t.gateway.id)
		for _, dst := range sortedPrefixes(t.visible.current) {
			route := t.visible.current[dst]
			target := "-"
			if len(route.Attachments) > 0 {
				target = route.Attachments[0].ID + " (" + route.Attachments[0].ResourceID + ")"
			}
			fmt.Fprintf(&out, "  %-20s %-48s %-10s %s\n", dst, target, route.Type, route.State)
		}
	}
	tables := make([]*vpcTable, 0, len(w.vpcTables))
	for _, t := range w.vpcTables {
		tables = append(tables, t)
	}
	slices.SortFunc(tables, compareVPCTables)
	for _, t := range tables {
		role := ""
		if t.vpc.tables[0] == t {
			role = ", main"
		}
		fmt.Fprintf(&out, "%s (VPC %s%s)\n", t.id, t.vpc.id, role)
		for _, dst := range sortedPrefixes(t.routes.current) {
			route := t.routes.current[dst]
			kind := typeStatic
			if route.Origin == originLocal {
				kind = "local"
			}
			fmt.Fprintf(&out, "  %-20s %-48s %-10s %s\n", dst, route.Target, kind, route.State)
		}
	}
	return out.String()
}
