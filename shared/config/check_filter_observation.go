package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/shared/filter"
	"detour/shared/route"
)

// checkObservation checks the observation tables of the filter.
func (k *filterChecker) checkObservation() {
	path := k.path + ".observation"
	if len(k.f.Observation) == 0 {
		return
	}
	tgw := slices.ContainsFunc(k.tables, func(t placedTable) bool { return t.kind == route.TransitGatewayTable })
	if !tgw && len(k.tables) > 0 || k.is(filter.Alert) {
		k.add(path, "", "has no effect here: a VPC table shows learned routes beside static ones, and an alert hides none", "leave observation out")
		return
	}
	for _, id := range slices.Sorted(maps.Keys(k.f.Observation)) {
		at, table := KeyPath(path, id), k.f.Observation[id]
		if !validID(id, "tgw-attach-") {
			k.add(at, id, "is not a transit gateway attachment", "write tgw-attach-…, and its observation table")
			continue
		}
		if len(k.f.Attachments) > 0 && !slices.Contains(k.f.Attachments, id) {
			k.add(at, id, "is not an attachment of the filter", "write it under attachments too, or remove it here")
		}
		kind, ok := k.tableRef(at, table)
		switch {
		case !ok:
		case kind != route.TransitGatewayTable:
			k.add(at, table, "is a VPC route table, and no attachment propagates into one", "write tgw-rtb-… of the transit gateway that has the attachment")
		default:
			k.filterTables = append(k.filterTables, observation{at, table, id})
		}
	}
}

// filterObservations checks the observation tables once all filters are known: nothing is
// written in one, and each shows one attachment.
func (k *checker) filterObservations() {
	first := map[string]observation{}
	for _, o := range k.observations {
		first[o.table] = o
		if use, ok := k.filtered[o.table]; ok {
			k.add(o.path, o.table, fmt.Sprintf("is filtered, %s, and a static route there would hide what the table is to show", use.path), "write a route table of its own")
		}
	}
	const remedy = "write a route table of its own, into which only the attachment propagates and with which nothing is associated"
	for _, o := range k.filterTables {
		if use, ok := k.filtered[o.table]; ok {
			k.add(o.path, o.table, fmt.Sprintf("is filtered, %s, and a static route there would hide what the table is to show", use.path), remedy)
		}
		if entry, ok := k.written[o.table]; ok {
			k.add(o.path, o.table, fmt.Sprintf("has entries, %s, and a static route there would hide what the table is to show", entry), remedy)
		}
		other, twice := first[o.table]
		if twice && other.attachment != "" && other.attachment != o.attachment {
			k.add(o.path, o.table, fmt.Sprintf("is the observation table of another attachment too, %s (%s), and each would hide routes of the other", other.attachment, other.path), "write a route table for each attachment")
		} else if !twice {
			first[o.table] = o
		}
	}
}

// checkGroups refuses an entry of a group on which the filter would act, too.
func (k *filterChecker) checkGroups() {
	if k.is(filter.Quarantine) && !k.f.AcceptLoss {
		k.checkLearners()
	}
	if !k.is(filter.Blackhole, filter.Pin) || len(k.rules) < len(k.f.Rules) {
		return
	}
	rules := k.plain()
	var ids []entryID
	for id := range k.seen {
		prefix := id.destination.Prefix()
		in := slices.ContainsFunc(k.tables, func(t placedTable) bool { return t.id == id.table })
		if in && prefix.IsValid() && !filter.Permits(rules, prefix, nil) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b entryID) int {
		return cmp.Or(cmp.Compare(a.table, b.table), a.destination.Compare(b.destination))
	})
	for _, id := range ids {
		prefix := id.destination.Prefix()
		i := slices.IndexFunc(k.rules, func(r placedRule) bool { return r.rule.Matches(prefix, nil) })
		k.add(k.rules[i].path, k.rules[i].rule.String(), fmt.Sprintf("denies %s in table %s, where a group moves it, %s, so each would undo the other", prefix, id.table, k.seen[id]),
			fmt.Sprintf("write permit %s before it, or take the entry or the table out", prefix))
	}
}

// checkLearners refuses a quarantine that would take away a learned route by which a group
// goes: no static may take its place, since the entry is the group's to write.
func (k *filterChecker) checkLearners() {
	for _, g := range k.c.GroupList {
		for _, unit := range g.Units {
			for _, e := range unit.Entries {
				for _, p := range g.Paths {
					_, id, learned := strings.Cut(e.NextHops[p.Name], "propagated:")
					judged := len(k.f.Attachments) == 0 || slices.Contains(k.f.Attachments, id)
					i := slices.IndexFunc(k.tables, func(t placedTable) bool { return t.id == e.Table })
					if learned && judged && i >= 0 {
						k.add(k.tables[i].path, e.Table, fmt.Sprintf("has the route to %s by which path %q of group %q goes, learned from %s, and a quarantine would take it away", e.Destination, p.Name, g.Name, id),
							"write acceptLoss: true where the group is to go another way then, or another action, or take the attachment or the table out")
					}
				}
			}
		}
	}
}
