package failback

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/protection"
	"detour/shared/route"
)

// verify looks twice, a settle time apart, whether all that has moved stands and
// carries traffic. Both looks have to say the same.
func (j *job) verify(ctx context.Context) error {
	answer, _, err := j.tell(ctx, protection.FailbackStep{Kind: protection.FailbackBeat}, false)
	switch {
	case err != nil:
		return err
	case !answer.Accepted:
		return refused(answer)
	}
	first, err := j.view(ctx)
	if err != nil {
		return err
	}
	if err := j.options.Clock.Sleep(ctx, j.options.Settle); err != nil {
		return Unsettled{protection.ReasonIncomplete, "the second look was not begun in time"}
	}
	second, err := j.view(ctx)
	switch {
	case err != nil:
		return err
	case !slices.Equal(first, second):
		return Unsettled{protection.ReasonIncomplete, "two readings of the tables do not agree"}
	}
	j.Next = NextClose
	if j.Step < j.Steps {
		j.Next = NextAdvance
	}
	j.Step++
	return nil
}

// view is what one look shows of the entries that have moved: the next hop of each.
func (j *job) view(ctx context.Context) ([]route.NextHop, error) {
	seen, err := j.look(ctx)
	if err != nil {
		return nil, err
	}
	record := seen.Item.Record
	extents := extentsOf(seen.Group, j.input.Unproven)
	switch f := record.Failback; {
	case f.ID != j.Execution || !f.Open():
		return nil, Refused{Reason: protection.ReasonFailbackOver, Detail: string(f.Over)}
	case j.Step < 1 || j.Step > len(extents) || j.Steps != len(extents) || record.Decision.Extent != extents[j.Step-1]:
		return nil, Refused{Reason: protection.ReasonConfiguration, Detail: fmt.Sprintf("%d units have moved, and step %d of %d is another number", record.Decision.Extent, j.Step, len(extents))}
	case !seen.Standing.Complete && throttled(seen.Report):
		return nil, Throttled{"group " + j.input.Group + ": tables could not be read"}
	case !seen.Standing.Complete:
		return nil, Unsettled{protection.ReasonIncomplete, "group " + j.input.Group}
	}
	if err := pathGood(seen); err != nil {
		return nil, err
	}
	hops, err := stand(seen)
	if err != nil {
		return nil, err
	}
	return hops, samples(seen)
}

// pathGood looks at the working path: it has to be up, and none of its checks bad.
func pathGood(seen controller.FailbackSight) error {
	for _, h := range seen.Report.Health {
		if h.Path != seen.Target {
			continue
		}
		said := fmt.Sprintf("path %s is %s (%s)", h.Path, h.State, h.Reason)
		switch {
		case h.State == health.Unknown:
			return Unsettled{protection.ReasonSensor, said}
		case h.State != health.Up || h.Suppressed:
			return Unverified{said}
		case h.Evidence == health.Down:
			return Unsettled{protection.ReasonSignalFail, said + ", and its facts say that it is down"}
		}
	}
	for _, path := range seen.Group.Paths {
		if path.Name != seen.Target {
			continue
		}
		for _, check := range path.Spec.Checks {
			for _, fact := range about(seen.Report.Facts, []health.Subject{check.Alarm}) {
				if fact.Kind == health.FactAlarmState && fact.Value == health.AlarmAlarm {
					return Unverified{"the check " + check.Alarm.ID + " of path " + path.Name + " is in state " + fact.Value}
				}
			}
		}
	}
	return nil
}

// about are the facts about the subjects.
func about(facts []health.Fact, subjects []health.Subject) []health.Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f health.Fact) bool { return !slices.Contains(subjects, f.Subject) })
}

// stand returns the next hops of the entries that have moved. All of them have to
// stand on the working path, but for those that nothing may touch: no plan is asked for
// that leaves others alone.
func stand(seen controller.FailbackSight) ([]route.NextHop, error) {
	var out []route.NextHop
	for _, e := range seen.Standing.Entries {
		if seen.Group.Step(e.Unit) >= seen.Item.Record.Decision.Extent {
			continue
		}
		out = append(out, e.NextHop)
		switch {
		case e.On(seen.Target) && !e.Blackhole && !e.Orphan, e.Untouchable && !e.On(seen.Target):
		case !seen.Item.Record.Settled:
			return nil, Unsettled{protection.ReasonNotSettled, e.Entry.String() + " is not written yet"}
		case e.Blackhole:
			return nil, Unverified{e.Entry.String() + " drops traffic"}
		default:
			return nil, Unverified{e.Entry.String() + " leads to " + e.NextHop.String()}
		}
	}
	if !seen.Item.Record.Settled {
		return nil, Unsettled{protection.ReasonNotSettled, "no reading has shown all routes in place yet"}
	}
	return out, nil
}

// samples looks up the group's sample addresses as the tables would: a more specific
// route may keep traffic from what was written.
func samples(seen controller.FailbackSight) error {
	for _, s := range seen.Group.Failback.Samples {
		address, err := netip.ParseAddr(s.Address)
		if err != nil {
			return Unverified{"the sample " + s.Address + " is no address"}
		}
		if err := sample(seen, s.Table, address); err != nil {
			return err
		}
	}
	return nil
}

// sample looks up one address in one table. An address that no entry of what has moved
// covers is not looked at: it goes where it went before.
func sample(seen controller.FailbackSight, table route.Table, address netip.Addr) error {
	lists := map[string][]netip.Prefix{}
	for _, list := range seen.Preview.Lists {
		if list.List.Account == table.Account && list.List.Region == table.Region {
			lists[list.List.ID] = list.Entries
		}
	}
	want, ok := covering(seen, table, address, lists)
	if !ok {
		return nil
	}
	for _, reading := range seen.Readings {
		if reading.Table != table {
			continue
		}
		found, ok := route.Lookup(spelledOut(reading.Routes, lists), address)
		switch {
		case !ok:
			return Unverified{fmt.Sprintf("%s has no route in %s", address, table)}
		case found.State == route.StateBlackhole:
			return Unverified{fmt.Sprintf("the route of %s in %s, %s, drops traffic", address, table, found.Destination)}
		case found.NextHop == want, want.Kind == route.Propagated && found.Origin == route.OriginPropagated && found.NextHop.ID == want.ID:
		default:
			return Unverified{fmt.Sprintf("%s in %s goes by %s to %s, and should go to %s", address, table, found.Destination, found.NextHop, want)}
		}
	}
	return nil
}

// covering is where the address should go: to the next hop on the working path of the
// longest entry that covers it, if that has moved.
func covering(seen controller.FailbackSight, table route.Table, address netip.Addr, lists map[string][]netip.Prefix) (hop route.NextHop, moved bool) {
	longest := -1
	for u, unit := range seen.Group.Units {
		for _, entry := range unit.Entries {
			if entry.Table != table {
				continue
			}
			blocks := lists[entry.Destination.List()]
			if prefix := entry.Destination.Prefix(); prefix.IsValid() {
				blocks = []netip.Prefix{prefix}
			}
			for _, block := range blocks {
				if block.Contains(address) && block.Bits() > longest {
					longest = block.Bits()
					hop, moved = entry.NextHop(seen.Target), seen.Group.Step(u) < seen.Item.Record.Decision.Extent
				}
			}
		}
	}
	return hop, moved
}

// spelledOut puts the blocks of prefix lists in the place of routes to them, as they
// stand in VPC tables.
func spelledOut(routes []route.Route, lists map[string][]netip.Prefix) []route.Route {
	out := make([]route.Route, 0, len(routes))
	for _, r := range routes {
		if r.Destination.List() == "" {
			out = append(out, r)
			continue
		}
		for _, block := range lists[r.Destination.List()] {
			one := r
			one.Destination, one.Origin = route.CIDR(block), route.OriginPrefixListReference
			out = append(out, one)
		}
	}
	return out
}
