package controller

import (
	"context"
	"time"

	"detour/shared/filter"
)

// FilterPreview is what a run of a filter would decide now. Nothing was leased for it,
// and nothing written.
type FilterPreview struct {
	Filter *filter.Filter
	// At is when the preview was made from readings that ended before.
	At      time.Time
	Item    Item
	Control Control
	// Report is that of the run; its Status is quiet where nothing would change.
	Report FilterReport
}

// PreviewFilters looks at filters as a sweep does. Unknown names are passed over. The
// error is the record store's.
func (c *Controller) PreviewFilters(ctx context.Context, names []string) ([]FilterPreview, error) {
	filters := c.chosenFilters(FilterTrigger{Filters: names})
	if len(filters) == 0 {
		return nil, nil
	}
	keys := make([]Key, len(filters))
	for i, f := range filters {
		keys[i] = FilterKey(f.Name)
	}
	items, control, err := c.peek(ctx, keys)
	if err != nil {
		return nil, err
	}
	records := recordsOf(items)
	seen := c.lookAround(ctx, filterTables(filters, records))
	now := c.ports.Clock.Now()
	out := make([]FilterPreview, len(filters))
	for i, f := range filters {
		mine := seen.of(f, records[i])
		d := c.judge(f, items[i], control, mine, now)
		report := newFilterReport(f, "")
		report.note(d, mine, true)
		if report.Status, report.WakeAt = StatusQuiet, d.Next; d.pending {
			report.Status = StatusDone
		}
		out[i] = FilterPreview{Filter: f, At: now, Item: items[i], Control: control, Report: *report}
	}
	return out, nil
}
