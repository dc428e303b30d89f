package controller

import (
	"context"
	"errors"
	"slices"

	"detour/shared/filter"
	"detour/shared/protection"
)

// KeyFilters is the item that lists the filters of which measures stand, as requests
// with the filters' names for ids. Nobody takes its lease.
const KeyFilters Key = "filters"

// kindStands is the kind of the requests of KeyFilters.
const kindStands protection.RequestKind = "measures-stand"

// stands reports whether something in the tables is a measure's of the record.
func stands(record filter.Record) bool {
	return slices.ContainsFunc(record.Measures, filter.Measure.Stands)
}

// Leftovers finds the filters that the configuration no longer has and whose measures
// stand: one that was renamed, or taken out before its measures ended. Nothing here may
// write for them, since their tables may be none of Detour's any more, so a person has
// to. It writes nothing.
func (c *Controller) Leftovers(ctx context.Context, event string) ([]FilterReport, error) {
	items, _, err := c.peek(ctx, []Key{KeyFilters})
	if err != nil {
		return nil, err
	}
	out, _, err := c.leftBehind(ctx, event, namesListed(items[0]))
	return out, err
}

// leftovers is Leftovers after a sweep, whose reports are given, with the list as it was
// before. It also keeps the list; a quiet sweep writes nothing.
func (c *Controller) leftovers(ctx context.Context, event string, listed []string, swept []FilterReport) []FilterReport {
	out, over, err := c.leftBehind(ctx, event, listed)
	for _, name := range over {
		err = errors.Join(err, c.retry(ctx, func() error { return c.ports.Records.Clear(ctx, KeyFilters, name) }))
	}
	if err = errors.Join(err, c.list(ctx, listed, swept)); err != nil {
		out = append(out, FilterReport{Filter: string(KeyFilters), Event: event, Status: StatusFailed, Err: err})
	}
	return out
}

// namesListed are the filters on the list, sorted.
func namesListed(list Item) []string {
	out := make([]string, 0, len(list.Requests))
	for _, r := range list.Requests {
		out = append(out, r.ID)
	}
	slices.Sort(out)
	return out
}

// list brings the list up to date with what a sweep found.
func (c *Controller) list(ctx context.Context, listed []string, swept []FilterReport) error {
	var errs []error
	for i, r := range swept {
		last := i+1 == len(swept) || swept[i+1].Filter != r.Filter
		known := r.Status == StatusQuiet || r.Status == StatusDone || r.Status == StatusUnfinished
		if !last || !known || r.Frozen || r.NeverTouch {
			continue
		}
		switch is, was := stands(r.Decision.Record), slices.Contains(listed, r.Filter); {
		case is && !was:
			request := protection.Request{ID: r.Filter, Kind: kindStands, At: c.ports.Clock.Now()}
			errs = append(errs, c.retry(ctx, func() error { return c.ports.Records.Request(ctx, KeyFilters, request) }))
		case was && !is:
			errs = append(errs, c.retry(ctx, func() error { return c.ports.Records.Clear(ctx, KeyFilters, r.Filter) }))
		}
	}
	return errors.Join(errs...)
}

// leftBehind reads the records of the listed filters that are not configured. over are
// those of which nothing stands any more.
func (c *Controller) leftBehind(ctx context.Context, event string, listed []string) (out []FilterReport, over []string, err error) {
	configured := c.FilterNames()
	var gone []string
	var keys []Key
	for _, name := range listed {
		if !slices.Contains(configured, name) {
			gone, keys = append(gone, name), append(keys, FilterKey(name))
		}
	}
	if len(gone) == 0 {
		return nil, nil, nil
	}
	items, _, err := c.peek(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range gone {
		record := items[i].Filter.Clone()
		if !stands(record) {
			over = append(over, name)
			continue
		}
		left := slices.DeleteFunc(record.Measures, func(m filter.Measure) bool { return !m.Stands() })
		out = append(out, FilterReport{Filter: name, Mode: record.Mode, Event: event, Status: StatusQuiet, Leftover: left})
	}
	return out, over, nil
}
