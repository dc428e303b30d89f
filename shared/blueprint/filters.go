package blueprint

import (
	"fmt"
	"slices"

	"detour/shared/config"
	"detour/shared/filter"
	"detour/shared/protection"
	"detour/shared/route"
)

// homeNeeds are what each function of a home needs, by the function's name. The
// sweep needs what all others do.
type homeNeeds map[string]needs

func newHomeNeeds(c config.Config, groups []protection.Group, filters []filter.Filter) homeNeeds {
	out := homeNeeds{FunctionSweep: newNeeds(c), FunctionSwitchover: newNeeds(c), FunctionRouteFilter: newNeeds(c)}
	for _, g := range groups {
		out[FunctionSweep].add(g)
		out[FunctionSwitchover].add(g)
	}
	for _, f := range filters {
		out[FunctionSweep].addFilter(f)
		out[FunctionRouteFilter].addFilter(f)
	}
	out.addFailback()
	return out
}

// addFilter adds what a filter needs: the readings of its tables and of what
// surrounds them, and the writes of its action. One that only alerts writes
// nothing; one that observes has the writes of its action all the same, as a group
// has.
func (n needs) addFilter(f filter.Filter) {
	for _, scope := range f.Scopes {
		n.table(scope.Table)
		for _, o := range scope.Observation {
			n.table(o.Table)
		}
		at := n.in(scope.Table.Account)
		if scope.Table.Kind == route.VPCTable {
			if f.Action.Writes() {
				table := ec2ARN(scope.Table.Account, scope.Table.Region, "route-table", scope.Table.ID)
				at.replaced[table], at.deleted[table] = true, true
			}
			continue
		}
		if f.Action.Writes() {
			at.measures(f.Action, scope)
		}
	}
}

// table adds the reading of a filter's table, and of those beside it: who
// propagates into it and is associated with it, and the VPN connections and Connect
// peers around, for the outside addresses of tunnels and for who would hear of a
// static route by BGP.
func (n needs) table(table route.Table) {
	at := n.in(table.Account)
	at.reads["ec2:DescribeTransitGatewayConnectPeers"] = true
	at.reads["ec2:DescribeVpnConnections"] = true
	if table.Kind == route.VPCTable {
		at.reads["ec2:DescribeRouteTables"] = true
		return
	}
	at.searched[ec2ARN(table.Account, table.Region, "transit-gateway-route-table", table.ID)] = true
	at.neighbors()
}

// neighbors adds the reading of who propagates into a transit gateway table, and
// who is associated with it.
func (n *need) neighbors() {
	n.reads["ec2:GetTransitGatewayRouteTableAssociations"] = true
	n.reads["ec2:GetTransitGatewayRouteTablePropagations"] = true
}

// measures adds the writes to a transit gateway table. UNVERIFIED: which account
// stands in the ARN of an attachment that the owner of the transit gateway does not
// own. That of the table is taken.
func (n *need) measures(action filter.Action, scope filter.Scope) {
	arn := func(sort, id string) string { return ec2ARN(scope.Table.Account, scope.Table.Region, sort, id) }
	table := arn("transit-gateway-route-table", scope.Table.ID)
	n.routed[table], n.cleared[table] = true, true
	var attachments []string
	switch action {
	case filter.Pin:
		if scope.Egress.Kind == route.TransitGatewayAttachment {
			attachments = []string{scope.Egress.ID}
		}
	case filter.Quarantine:
		// What it permits becomes static routes to the attachment itself.
		attachments = scope.Attachments
		n.switched[table] = true
		for _, id := range attachments {
			n.switched[arn("transit-gateway-attachment", id)] = true
		}
	case filter.Blackhole, filter.Alert:
	}
	for _, id := range attachments {
		n.routed[arn("transit-gateway-attachment", id)] = true
	}
}

// listenForFilter notes which events a filter's home wants: routes that come and
// go in its transit gateway tables, and calls of others that write any of its
// tables. No event tells of the routes that a virtual private gateway learns.
func (b *builder) listenForFilter(home Site, f filter.Filter) {
	routing := false
	for _, table := range f.Tables() {
		b.want(PatternRoutes, Site{table.Account, table.Region}, home, byFilters())
		routing = routing || table.Kind == route.TransitGatewayTable
	}
	b.listenToManager(home, false, routing, byFilters())
}

// checkFilter refuses a filter whose tables no role and no event of its home
// reaches, and a quarantine that is not confined to attachments: a role is given
// those propagations that are named, and no others.
func (b *builder) checkFilter(f filter.Filter) {
	i := slices.IndexFunc(b.config.FilterList, func(declared config.Filter) bool { return declared.Name == f.Name })
	path := config.IndexPath("filters", i)
	own := config.Partition(f.Region)
	for _, table := range slices.Concat(f.Tables(), f.ObservationTables()) {
		if other := config.Partition(table.Region); other != own {
			b.problem(path, f.Name, fmt.Sprintf("has its home in partition %s and a table in %s, which is in %s", own, table.Region, other),
				"declare what lies in another partition in a filter with its home there")
			break
		}
	}
	if f.Action == filter.Quarantine && slices.ContainsFunc(f.Scopes, func(s filter.Scope) bool { return len(s.Attachments) == 0 }) {
		b.problem(path+".attachments", "", "missing, and the function's role may switch the propagation of no attachment that is not named", "write the attachments that may be put in quarantine")
	}
}
