package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"detour/shared/route"
)

// StaticRoute is one static route as it truly stands. Target is an id or
// "blackhole"; it stays the id when the route's state is blackhole.
type StaticRoute struct {
	Table       string
	Destination route.Destination
	Target      string
	// State is active or blackhole, as the API shows it now.
	State string
}

// StaticRoutes returns every static route of every table of both kinds, and every
// prefix list reference as the one route that somebody wrote, sorted by table and destination; the local routes of VPC tables are left out.
func (w *World) StaticRoutes() []StaticRoute {
	w.mu.Lock()
	defer w.mu.Unlock()
	var routes []StaticRoute
	for id, t := range w.tgwTables {
		for dst, static := range t.statics {
			routes = append(routes, StaticRoute{Table: id, Destination: route.CIDR(dst), Target: static.targetID(), State: t.visible.current[dst].State})
		}
		for list, r := range t.references {
			state := w.aimed(&r.aim, TGWRouteView{}).State
			routes = append(routes, StaticRoute{Table: id, Destination: route.PrefixList(list), Target: r.targetID(), State: state})
		}
	}
	for id, t := range w.vpcTables {
		for key, entry := range t.routes.current {
			if entry.Origin == originStatic {
				routes = append(routes, StaticRoute{Table: id, Destination: key.dst, Target: entry.Target, State: entry.State})
			}
		}
	}
	slices.SortFunc(routes, func(a, b StaticRoute) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), a.Destination.Compare(b.Destination))
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
			visible := t.visible.current[dst]
			target := "-"
			for i, ref := range visible.Attachments {
				if i == 0 {
					target = ""
				} else {
					target += ", "
				}
				target += ref.ID + " (" + ref.ResourceID + ")"
			}
			kind := visible.Type
			if visible.PrefixList != "" {
				kind = visible.PrefixList
			}
			fmt.Fprintf(&out, "  %-20s %-48s %-10s %s\n", dst, target, kind, visible.State)
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
		for _, key := range sortedEntries(t.routes.current) {
			entry := t.routes.current[key]
			kind := typeStatic
			switch entry.Origin {
			case originLocal:
				kind = localTarget
			case originPropagated:
				kind = typePropagated
			}
			fmt.Fprintf(&out, "  %-20s %-48s %-10s %s\n", key.dst, entry.Target, kind, entry.State)
		}
	}
	return out.String()
}
