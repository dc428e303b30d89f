package plan

import (
	"fmt"
	"net/netip"

	"detour/shared/protection"
	"detour/shared/route"
)

// headroom measures what stands, and what the worst switchover adds, against the
// quotas. A table or transit gateway that would not take it is warned of; of the
// others the one with the least room left is told.
func (s *surveyor) headroom() {
	if !s.in.Standing.Complete {
		return
	}
	s.vpcHeadroom()
	s.gatewayHeadroom()
}

// quotaKey is what a quota of a VPC table is counted for.
type quotaKey struct {
	table  route.Table
	family string
}

const (
	familyIPv4 = "IPv4"
	familyIPv6 = "IPv6"
)

// worst returns the most routes that a switchover to any path would create in
// each table and family: where none stands now, and the path has a next hop. A
// prefix list weighs its MaxEntries whatever it holds. Entries that are held up
// today count, since they may be written tomorrow.
func (s *surveyor) worst() map[quotaKey]int {
	out := map[quotaKey]int{}
	for _, path := range s.in.Group.Paths {
		added := map[quotaKey]int{}
		i := 0
		for _, unit := range s.in.Group.Units {
			for _, entry := range unit.Entries {
				e := &s.in.Standing.Entries[i]
				i++
				hop := entry.NextHop(path.Name)
				if !e.NextHop.IsZero() || e.Untouchable || hop.IsZero() || hop.Kind == route.Propagated {
					continue
				}
				s.weigh(added, entry.EntryKey)
			}
		}
		for key, n := range added {
			out[key] = max(out[key], n)
		}
	}
	return out
}

// weigh adds what an entry counts. The family of a list without entries is not
// known, so it counts for both.
func (s *surveyor) weigh(sum map[quotaKey]int, key protection.EntryKey) {
	if key.Destination.List() == "" {
		sum[quotaKey{key.Table, familyOf(key.Destination.Prefix())}]++
		return
	}
	list, ok := s.lists[listOf(key)]
	switch {
	case !ok || !list.Complete:
		// Its weight is not known: it counts as one route at least, for both.
		sum[quotaKey{key.Table, familyIPv4}]++
		sum[quotaKey{key.Table, familyIPv6}]++
	case len(list.Entries) == 0:
		sum[quotaKey{key.Table, familyIPv4}] += list.MaxEntries
		sum[quotaKey{key.Table, familyIPv6}] += list.MaxEntries
	default:
		sum[quotaKey{key.Table, familyOf(list.Entries[0])}] += list.MaxEntries
	}
}

func familyOf(prefix netip.Prefix) string {
	if prefix.Addr().Is4() {
		return familyIPv4
	}
	return familyIPv6
}

func (s *surveyor) vpcHeadroom() {
	worst := s.worst()
	var tightest Note
	for _, table := range s.in.Group.Tables() {
		reading, ok := s.readings[table]
		if table.Kind != route.VPCTable || !ok {
			continue
		}
		used := map[quotaKey]int{}
		for _, r := range reading.Routes {
			if r.Origin == route.OriginStatic {
				s.weigh(used, protection.EntryKey{Table: table, Destination: r.Destination})
			}
		}
		for _, family := range []string{familyIPv4, familyIPv6} {
			key := quotaKey{table, family}
			n := Note{Kind: NoteHeadroom, Table: table, About: family, Count: used[key] + worst[key], Limit: s.in.Quotas.VPCRoutes}
			n.Text = fmt.Sprintf("the worst switchover brings %s to %d of %d static %s routes (%d stand)", table, n.Count, n.Limit, family, used[key])
			s.measure(n, worst[key], &tightest)
		}
	}
	if tightest.Kind != "" {
		s.info(tightest)
	}
}

// measure warns of a quota that a switchover exceeds, and else keeps the note if
// it leaves the least room.
func (s *surveyor) measure(n Note, added int, tightest *Note) {
	switch {
	case n.Count > n.Limit && added > 0:
		n.Text += ": EC2 refuses the rest; raise the quota or remove routes"
		s.warn(n)
	case n.Count > 0 && (tightest.Kind == "" || n.Limit-n.Count < tightest.Limit-tightest.Count):
		*tightest = n
	}
}

// gatewayHeadroom counts all routes of a transit gateway, static and propagated.
// Whether a prefix list reference weighs its MaxEntries there is UNVERIFIED; it is
// the larger number.
func (s *surveyor) gatewayHeadroom() {
	worst := s.worst()
	added := map[string]int{}
	for _, around := range s.in.Surroundings.Tables {
		for _, family := range []string{familyIPv4, familyIPv6} {
			added[around.TransitGateway] += worst[quotaKey{around.Table, family}]
		}
	}
	var tightest Note
	for _, gateway := range s.in.Surroundings.Gateways {
		n := Note{Kind: NoteHeadroom, About: gateway.ID, Count: gateway.Routes + added[gateway.ID], Limit: s.in.Quotas.TransitGatewayRoutes}
		if !gateway.Complete {
			n.Kind, n.Count, n.Limit = NoteUnread, 0, 0
			n.Text = fmt.Sprintf("the routes of %s could not be counted, so its headroom is not known", gateway.ID)
			s.warn(n)
			continue
		}
		n.Text = fmt.Sprintf("the worst switchover brings %s to %d of %d routes (%d stand)", gateway.ID, n.Count, n.Limit, gateway.Routes)
		s.measure(n, added[gateway.ID], &tightest)
	}
	if tightest.Kind != "" {
		s.info(tightest)
	}
}
