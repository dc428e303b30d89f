package controller

import "context"

// SweepFilters looks at every filter, as Sweep does at every group.
func (c *Controller) SweepFilters(ctx context.Context, event string) []FilterReport {
	return c.LookFilters(ctx, FilterTrigger{Filters: c.FilterNames(), Event: event})
}

// SweepHome is SweepFilters for who works on all filters of a home: what former filters
// left is among the reports, too.
func (c *Controller) SweepHome(ctx context.Context, event string) []FilterReport {
	reports, listed, err := c.lookFilters(ctx, FilterTrigger{Filters: c.FilterNames(), Event: event}, true)
	if err != nil {
		return reports // Each filter's report says so, and so do those of groups.
	}
	return append(reports, c.leftovers(ctx, event, namesListed(listed), reports)...)
}

// LookFilters looks at the trigger's filters without a lease, all tables in one
// round. Only those in which there is something to do are enforced, so quiet ones
// cause no writes at all, and Detour's own writes, which come back as messages, end
// here.
func (c *Controller) LookFilters(ctx context.Context, trigger FilterTrigger) []FilterReport {
	reports, _, _ := c.lookFilters(ctx, trigger, false) // The reports have the error.
	return reports
}

// lookFilters is LookFilters. withList reads the list of filters of which measures stand
// in the same call. err is that of the record store.
func (c *Controller) lookFilters(ctx context.Context, trigger FilterTrigger, withList bool) (reports []FilterReport, list Item, err error) {
	filters := c.chosenFilters(trigger)
	quiet := make([]FilterReport, len(filters))
	keys := make([]Key, len(filters))
	for i, f := range filters {
		quiet[i] = *newFilterReport(f, trigger.Event)
		keys[i] = FilterKey(f.Name)
	}
	if withList {
		keys = append(keys, KeyFilters)
	}
	if len(keys) == 0 {
		return nil, Item{}, nil
	}
	items, control, err := c.peek(ctx, keys)
	if err != nil {
		for i := range quiet {
			quiet[i].Status, quiet[i].Err = StatusFailed, err
		}
		return quiet, Item{}, err
	}
	if withList {
		list = items[len(filters)]
	}
	if items = items[:len(filters)]; len(filters) == 0 {
		return nil, list, nil
	}
	records := recordsOf(items)
	seen := c.lookAround(ctx, filterTables(filters, records))
	seen.logged = trigger.Logged
	now := c.ports.Clock.Now()
	trigger.Filters = nil
	for i, f := range filters {
		mine := seen.of(f, records[i])
		d := c.judge(f, items[i], control, mine, now)
		quiet[i].Status, quiet[i].WakeAt = StatusQuiet, d.Next
		quiet[i].note(d, mine, true)
		if d.pending {
			trigger.Filters = append(trigger.Filters, f.Name)
		}
	}
	return insteadOf(quiet, c.Enforce(ctx, trigger), func(r FilterReport) string { return r.Filter }), list, nil
}

// EveryFilter looks at every filter because of a message that does not say which, as
// Everything does at every group: at most once a minute. What is known to be urgent in
// the message is not to wait for that.
func (c *Controller) EveryFilter(ctx context.Context, trigger FilterTrigger, fromWake bool) (reports []FilterReport, looked bool, err error) {
	if looked, err = c.mayLook(ctx, KeyEveryFilter, fromWake); err != nil || !looked {
		return nil, false, err
	}
	trigger.Filters = c.FilterNames()
	return c.LookFilters(ctx, trigger), true, nil
}
