package controller

import "context"

// SweepFilters looks at every filter, as Sweep does at every group.
func (c *Controller) SweepFilters(ctx context.Context, event string) []FilterReport {
	return c.LookFilters(ctx, FilterTrigger{Filters: c.FilterNames(), Event: event})
}

// LookFilters looks at the trigger's filters without a lease, all tables in one
// round. Only those in which there is something to do are enforced, so quiet ones
// cause no writes at all, and Detour's own writes, which come back as messages, end
// here.
func (c *Controller) LookFilters(ctx context.Context, trigger FilterTrigger) []FilterReport {
	filters := c.chosenFilters(trigger)
	if len(filters) == 0 {
		return nil
	}
	quiet := make([]FilterReport, len(filters))
	keys := make([]Key, len(filters))
	for i, f := range filters {
		quiet[i] = *newFilterReport(f, trigger.Event)
		keys[i] = FilterKey(f.Name)
	}
	items, control, err := c.peek(ctx, keys)
	if err != nil {
		for i := range quiet {
			quiet[i].Status, quiet[i].Err = StatusFailed, err
		}
		return quiet
	}
	records := recordsOf(items)
	seen := c.lookAround(ctx, filterTables(filters, records))
	seen.logged = trigger.Logged
	now := c.ports.Clock.Now()
	trigger.Filters = nil
	for i, f := range filters {
		mine := seen.of(f, records[i])
		d := c.judge(f, items[i], control, mine, now)
		quiet[i].before, quiet[i].Status, quiet[i].WakeAt = records[i], StatusQuiet, d.Next
		quiet[i].note(d, mine, true)
		if d.pending {
			trigger.Filters = append(trigger.Filters, f.Name)
		}
	}
	return insteadOf(quiet, c.Enforce(ctx, trigger), func(r FilterReport) string { return r.Filter })
}
