package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"detour/shared/protection"
	"detour/shared/route"
)

// waysBack: VPCs whose traffic a group's transit gateway table routes, with tables
// that do not lead to the group's destinations.
func waysBack(x *examination) {
	for _, g := range x.s.Groups {
		for _, table := range g.Group.Tables() {
			if table.Kind != route.TransitGatewayTable || x.gatewayOf[table] == "" {
				continue
			}
			var destinations []route.Destination
			for _, unit := range g.Group.Units {
				for _, entry := range unit.Entries {
					if entry.Table == table {
						destinations = append(destinations, entry.Destination)
					}
				}
			}
			for _, a := range x.around(table).Associated {
				if a.Type == typeVPC {
					x.wayBack(g, table, destinations, a.ID, a.Resource)
				}
			}
		}
	}
}

// wayBack looks at the tables of one VPC.
func (x *examination) wayBack(g Group, table route.Table, destinations []route.Destination, attachment, vpc string) {
	seen := false
	for _, reading := range x.tables {
		if of, known := x.vpcTables[reading.Table]; known && of.VPC == vpc {
			seen = true
			if of.used() && reading.Complete {
				x.wayBackIn(g, table, destinations, of, reading)
			}
		}
	}
	if seen {
		return
	}
	owner := ""
	for _, side := range x.attachments[attachment] {
		owner = side.Owner
	}
	if slices.ContainsFunc(x.s.Networks, func(n Network) bool { return n.Account == owner && n.Region == table.Region }) {
		return // That its tables were not read is told already, or it has none.
	}
	where := Where{Account: owner, Region: table.Region, Group: g.Group.Name, VPC: vpc, Attachment: attachment}
	x.add(Finding{
		ID: NotExamined, Severity: Unknown, Where: where, Blind: []ID{NoWayBack},
		What: fmt.Sprintf("the tables of %s, whose traffic %s routes, are in account %s, which the configuration does not name; they may lack the way back", vpc, table.ID, orUnknown(owner)),
		Do:   []string{"name one of its tables under tables in the configuration, with its account, and a role for that account with --role"},
	})
}

func orUnknown(text string) string {
	if text == "" {
		return "(not known)"
	}
	return text
}

// way is how a table leads to a destination.
type way int

const (
	wayThere way = iota
	wayNone
	wayElsewhere
	wayUnknown
)

func (x *examination) wayBackIn(g Group, table route.Table, destinations []route.Destination, of VPCTable, reading *route.Reading) {
	gateway := x.gatewayOf[table]
	var missing, foreign, elsewhere []string
	var evidence []Evidence
	unknown := false
	for _, d := range destinations {
		entry, declared := declares(g, reading.Table, d)
		if declared && onPath(reading, entry) {
			continue
		}
		found, r := x.way(reading, d, gateway)
		switch found {
		case wayNone:
			missing = append(missing, d.String())
			if !declared {
				foreign = append(foreign, d.String())
			}
		case wayElsewhere:
			elsewhere = append(elsewhere, d.String())
		case wayUnknown:
			unknown = true
		case wayThere:
			continue
		}
		if r.Table.ID != "" {
			evidence = append(evidence, x.seen(r))
		}
	}
	where := x.inTable(reading.Table)
	where.Group, where.TransitGateway = g.Group.Name, gateway
	at := Evidence{At: reading.StartedAt.UTC(), Text: fmt.Sprintf("%s is associated with %s; %s is the table of %s", of.VPC, table.ID, reading.Table.ID, users(of))}
	if len(missing) > 0 {
		where.Destinations = missing
		do := createRoutes(reading.Table, foreign, gateway)
		if len(foreign) < len(missing) {
			do = append(do, fmt.Sprintf("group %s declares what is missing and writes it in mode enforce: detour plan %s shows what is in the way", g.Group.Name, g.Group.Name))
		}
		x.add(Finding{
			ID: NoWayBack, Severity: Warning, Where: where, Evidence: append([]Evidence{at}, evidence...),
			What: fmt.Sprintf("%s of %s has no route to %s over %s, which %s routes to the paths of group %s", reading.Table.ID, of.VPC, few(missing), gateway, table.ID, g.Group.Name),
			Do:   do,
		})
	}
	if len(elsewhere) > 0 {
		where.Destinations = elsewhere
		x.add(Finding{
			ID: NoWayBack, Severity: Info, Where: where, Evidence: append([]Evidence{at}, evidence...),
			What: fmt.Sprintf("%s of %s leads %s elsewhere than to %s; where that goes on was not followed", reading.Table.ID, of.VPC, few(elsewhere), gateway),
			Do:   []string{"see that what stands there goes on to " + gateway},
		})
	}
	if unknown {
		x.add(Finding{
			ID: NotExamined, Severity: Unknown, Where: where, Blind: []ID{NoWayBack}, Evidence: []Evidence{at},
			What: fmt.Sprintf("%s has routes to prefix lists whose entries were not read, so it is not known whether one of them is the way back", reading.Table.ID),
			Do:   []string{"allow ec2:GetManagedPrefixListEntries, and run detour doctor again"},
		})
	}
}

func users(t VPCTable) string {
	switch {
	case t.Main && t.Subnets > 0:
		return plural(t.Subnets, "subnet") + " and of all that have no table of their own"
	case t.Main:
		return "all subnets that have no table of their own"
	default:
		return plural(t.Subnets, "subnet")
	}
}

func createRoutes(table route.Table, destinations []string, gateway string) []string {
	out := make([]string, 0, len(destinations))
	for _, d := range destinations {
		flag := "destination-cidr-block"
		if prefix, err := netip.ParsePrefix(d); err != nil {
			flag = "destination-prefix-list-id"
		} else if prefix.Addr().Is6() {
			flag = "destination-ipv6-cidr-block"
		}
		out = append(out, fmt.Sprintf("aws ec2 create-route --route-table-id %s --%s %s --transit-gateway-id %s --region %s", table.ID, flag, d, gateway, table.Region))
	}
	return out
}

// declares returns the group's entry of the destination in the table, if it has one.
func declares(g Group, table route.Table, d route.Destination) (protection.Entry, bool) {
	for _, unit := range g.Group.Units {
		for _, entry := range unit.Entries {
			if entry.Table == table && entry.Destination == d {
				return entry, true
			}
		}
	}
	return protection.Entry{}, false
}

// onPath reports whether the entry stands on one of its group's paths.
func onPath(reading *route.Reading, entry protection.Entry) bool {
	standing, found := reading.Static(entry.Destination)
	return found && standing.State != route.StateBlackhole &&
		slices.ContainsFunc(entry.NextHops, func(h protection.PathNextHop) bool { return h.NextHop == standing.NextHop })
}

// way says how the table leads to a destination. A prefix list leads there if a route
// to the list does, or to each of its entries.
func (x *examination) way(reading *route.Reading, d route.Destination, gateway string) (way, route.Route) {
	if d.List() == "" {
		return x.wayTo(reading, d.Prefix(), gateway)
	}
	for _, r := range reading.Routes {
		if r.Destination == d {
			return judgeHop(r, gateway), r
		}
	}
	list, known := x.list(d.List(), reading.Table)
	if !known {
		return wayUnknown, route.Route{}
	}
	for _, prefix := range list.Entries {
		if found, r := x.wayTo(reading, prefix, gateway); found != wayThere {
			return found, r
		}
	}
	return wayThere, route.Route{}
}

func (x *examination) list(id string, table route.Table) (route.ListReading, bool) {
	for _, list := range x.s.Lists {
		if list.List.ID == id && list.List.Account == table.Account && list.List.Region == table.Region && list.Complete && !list.EntriesUnread {
			return list, true
		}
	}
	return route.ListReading{}, false
}

// wayTo finds the longest route that covers the prefix whole, in prefix lists, too.
func (x *examination) wayTo(reading *route.Reading, prefix netip.Prefix, gateway string) (way, route.Route) {
	var best route.Route
	bits, unread := -1, false
	for _, r := range reading.Routes {
		blocks := []netip.Prefix{r.Destination.Prefix()}
		if id := r.Destination.List(); id != "" {
			list, known := x.list(id, reading.Table)
			blocks, unread = list.Entries, unread || !known
		}
		for _, block := range blocks {
			if block.IsValid() && covers(block, prefix) && block.Bits() > bits {
				best, bits = r, block.Bits()
			}
		}
	}
	found := wayNone
	if bits >= 0 {
		found = judgeHop(best, gateway)
	}
	if unread && found == wayNone {
		return wayUnknown, best
	}
	return found, best
}

// judgeHop says where a route leads. One to the Internet is no way to a site; of
// middleboxes it is not known where they lead on.
func judgeHop(r route.Route, gateway string) way {
	switch {
	case r.State == route.StateBlackhole:
		return wayNone
	case r.NextHop.Kind == route.TransitGateway && r.NextHop.ID == gateway:
		return wayThere
	case r.NextHop.Kind == route.InternetGateway, r.NextHop.Kind == route.NATGateway, r.NextHop.Kind == route.EgressOnlyInternetGateway:
		return wayNone
	default:
		return wayElsewhere
	}
}
