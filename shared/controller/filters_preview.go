package controller

import (
	"context"
	"time"

	"detour/shared/filter"
	"detour/shared/route"
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
	// Heard are the attachments that hear the statics of their own quarantine, in force
	// or not yet, sorted.
	Heard []Heard
}

// Heard is an attachment of a quarantine that is associated with the filtered table:
// what stands there, the statics for its own prefixes included, is advertised to it.
type Heard struct {
	Table      route.Table
	Attachment filter.Neighbor
}

// heardBack returns who would hear the statics of its own quarantine, as far as is known
// of who speaks BGP. A Connect attachment takes no statics.
func heardBack(f *filter.Filter, seen filterLook) []Heard {
	var out []Heard
	if f.Action != filter.Quarantine {
		return nil
	}
	for _, scope := range f.Scopes {
		beside := seen.beside[scope.Table]
		for _, n := range beside.Associations.List {
			taught := beside.Propagations.Has(n.Attachment) || len(scope.Attachments) > 0
			if scope.Names(n.Attachment) && taught && n.BGP != filter.SpeaksNoBGP && n.Type != filter.TypeVPC && n.Type != filter.TypeConnect {
				out = append(out, Heard{Table: scope.Table, Attachment: n})
			}
		}
	}
	return out
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
		out[i] = FilterPreview{Filter: f, At: now, Item: items[i], Control: control, Report: *report, Heard: heardBack(f, mine)}
	}
	return out, nil
}
