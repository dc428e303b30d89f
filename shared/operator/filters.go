package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/filter"
	"detour/shared/protection"
)

// FilterStatus is one filter as it is now: by its record, and by what the tables show.
type FilterStatus struct {
	Filter  string        `json:"filter"`
	Mode    filter.Mode   `json:"mode"`
	Action  filter.Action `json:"action"`
	Account string        `json:"account"`
	Region  string        `json:"region"`
	// At is when the filter was looked at.
	At     time.Time `json:"at"`
	Tables []string  `json:"tables"`
	// Measures are in force by the record.
	Measures []filter.Measure `json:"measures"`
	// Verdicts are what a run would decide now, one for each measure, or for a table
	// without any. WouldBe says that it would not be acted upon.
	Verdicts []filter.Verdict       `json:"verdicts"`
	WouldBe  bool                   `json:"wouldBe,omitempty"`
	Requests []protection.Request   `json:"requests"`
	Freeze   protection.FreezeState `json:"freeze,omitzero"`
	// FrozenAll: it is the freeze of all groups and filters.
	FrozenAll bool `json:"frozenAll,omitempty"`
	// Leftover are measures that stand although the configuration has no such filter.
	Leftover []filter.Measure `json:"leftover,omitempty"`
	// Troubles are what somebody should look into.
	Troubles []string `json:"troubles"`
	// Notes are what somebody should know, and is no trouble yet.
	Notes []string `json:"notes,omitempty"`
	// Deadline is when the filter is looked at again before the next sweep; zero: it is
	// not.
	Deadline time.Time `json:"deadline,omitzero"`
}

// Healthy reports whether there is no trouble.
func (s FilterStatus) Healthy() bool { return len(s.Troubles) == 0 }

// Filters returns the names of all filters, sorted.
func (o *Operator) Filters() []string {
	out := make([]string, 0, len(o.options.Filters))
	for i := range o.options.Filters {
		out = append(out, o.options.Filters[i].Name)
	}
	slices.Sort(out)
	return out
}

// filterHome finds the home of a filter.
func (o *Operator) filterHome(name string) (*Home, error) {
	for i := range o.options.Filters {
		f := &o.options.Filters[i]
		if f.Name != name {
			continue
		}
		for h := range o.options.Homes {
			if home := &o.options.Homes[h]; home.Account == f.Account && home.Region == f.Region {
				return home, nil
			}
		}
		return nil, fmt.Errorf("filter %s has its home in account %s in %s, which was not opened", name, f.Account, f.Region)
	}
	return nil, fmt.Errorf("there is no filter %q", name)
}

// FilterStatus tells how the filters are, by name. Those of one home are looked at
// together: they share what is read.
func (o *Operator) FilterStatus(ctx context.Context, names []string) ([]FilterStatus, error) {
	at := map[*Home][]string{}
	for _, name := range o.Filters() {
		if !slices.Contains(names, name) {
			continue
		}
		home, err := o.filterHome(name)
		if err != nil {
			return nil, err
		}
		at[home] = append(at[home], name)
	}
	out := []FilterStatus{}
	for i := range o.options.Homes {
		home := &o.options.Homes[i]
		if len(at[home]) == 0 {
			continue
		}
		seen, err := home.Controller.PreviewFilters(ctx, at[home])
		if err != nil {
			return nil, fmt.Errorf("looking at the filters of account %s in %s: %w", home.Account, home.Region, err)
		}
		for _, p := range seen {
			out = append(out, filterStatusOf(p))
		}
	}
	slices.SortFunc(out, func(a, b FilterStatus) int { return cmp.Compare(a.Filter, b.Filter) })
	return out, nil
}

// Leftovers tells of the filters that the configuration no longer has and whose measures
// stand, by name.
func (o *Operator) Leftovers(ctx context.Context) ([]FilterStatus, error) {
	out := []FilterStatus{}
	for i := range o.options.Homes {
		home := &o.options.Homes[i]
		found, err := home.Controller.Leftovers(ctx, "")
		if err != nil {
			return nil, fmt.Errorf("looking for measures of former filters of account %s in %s: %w", home.Account, home.Region, err)
		}
		for _, r := range found {
			status := FilterStatus{
				Filter: r.Filter, Mode: r.Mode, Account: home.Account, Region: home.Region, At: o.options.Clock.Now().UTC(), Leftover: r.Leftover,
				Tables: []string{}, Measures: []filter.Measure{}, Verdicts: []filter.Verdict{}, Requests: []protection.Request{}, Troubles: []string{},
			}
			for _, m := range r.Leftover {
				status.Tables = append(status.Tables, m.Table.ID)
				status.Troubles = append(status.Troubles, "left over: "+leftOver(m)+"; have the filter back with rules that permit it, and it is taken out")
			}
			slices.Sort(status.Tables)
			status.Tables = slices.Compact(status.Tables)
			out = append(out, status)
		}
	}
	return out, nil
}

// leftOver says what stands of a measure.
func leftOver(m filter.Measure) string {
	var parts []string
	if m.Off {
		parts = append(parts, "the propagation of "+m.Attachment+" is off")
	}
	var statics []string
	for _, s := range m.Statics {
		if !s.Adopted {
			statics = append(statics, s.Destination.String())
		}
	}
	if len(statics) > 0 {
		parts = append(parts, fmt.Sprintf("%s to %s: %s", plural(len(statics), "static route"), m.NextHop, firstOf(statics)))
	}
	return "in " + m.Table.ID + " " + strings.Join(parts, ", and ")
}

func filterStatusOf(p controller.FilterPreview) FilterStatus {
	out := FilterStatus{
		Filter: p.Filter.Name, Mode: p.Filter.Mode, Action: p.Filter.Action, Account: p.Filter.Account, Region: p.Filter.Region, At: p.At.UTC(),
		Measures: append([]filter.Measure{}, p.Item.Filter.Measures...), Verdicts: append([]filter.Verdict{}, p.Report.Decision.Verdicts...),
		WouldBe: p.Report.WouldBe, Requests: append([]protection.Request{}, p.Item.Requests...), FrozenAll: p.Control.Freeze.On,
		Freeze: p.Control.Freeze, Deadline: p.Report.WakeAt.UTC(), Tables: []string{}, Troubles: []string{},
	}
	for _, table := range p.Filter.Tables() {
		out.Tables = append(out.Tables, table.ID)
	}
	for _, r := range p.Item.Requests {
		if r.Kind == protection.Freeze {
			out.Freeze = protection.FreezeState{On: true, Immediate: r.Immediate || out.Freeze.Immediate}
		}
	}
	for _, v := range out.Verdicts {
		switch {
		case v.Reason.Pages():
			out.Troubles = append(out.Troubles, "held: "+controller.Describe(v))
		case v.InForce && v.Reason != filter.ReasonPreset:
			out.Troubles = append(out.Troubles, "announced: "+controller.Describe(v))
		}
	}
	for _, problem := range p.Report.Problems {
		out.Troubles = append(out.Troubles, "unreadable: "+problem.Table.ID+" ("+string(problem.Problem)+")")
	}
	for _, h := range p.Heard {
		out.Notes = append(out.Notes, fmt.Sprintf("%s %s (%s) is associated with %s, so it hears the statics of its own quarantine; its router must prefer its own routes to them, or the attachment be associated with another table",
			h.Attachment.Type, h.Attachment.Resource, h.Attachment.Attachment, h.Table.ID))
	}
	if p.Report.NeverTouch {
		out.Troubles = append(out.Troubles, "neverTouch covers what the filter wants to write; take it out of one of them")
	}
	return out
}

// FilterHistory returns the newest n lines of a filter's journal, newest first.
func (o *Operator) FilterHistory(ctx context.Context, name string, n int) ([]controller.JournalEntry, error) {
	home, err := o.filterHome(name)
	if err != nil {
		return nil, err
	}
	return home.Records.History(ctx, controller.FilterKey(name), n)
}

// AskFilter freezes a filter, ends its freeze, or releases its measures, and notes it
// in its journal. Path names one measure by its destination or attachment. late says
// why no wake-up was sent; the next sweep finds the request then.
func (o *Operator) AskFilter(ctx context.Context, name string, act Act) (late, err error) {
	if err := CheckWhy(act.Why); err != nil {
		return nil, err
	}
	home, err := o.filterHome(name)
	if err != nil {
		return nil, err
	}
	key, at := controller.FilterKey(name), o.options.Clock.Now().UTC()
	items, control, err := home.Records.Peek(ctx, []controller.Key{key})
	if err != nil {
		return nil, err
	}
	notes, err := o.filterNotes(name, act, items[0], control, at)
	if err != nil {
		return nil, err
	}
	// First the journal: a line without its request does no harm, and tells who tried.
	if err := home.Records.Note(ctx, notes); err != nil {
		return nil, err
	}
	for _, note := range notes {
		if act.Clear {
			err = errors.Join(err, home.Records.Clear(ctx, key, note.Request.ID))
		} else {
			err = errors.Join(err, home.Records.Request(ctx, key, *note.Request))
		}
	}
	switch {
	case err != nil:
	case home.FilterWake == nil:
		late = errors.New("the queue of the wake-ups of filters is not known")
	default:
		late = home.FilterWake.At(ctx, key, at)
	}
	return late, err
}

// filterNotes are the lines of the journal of an act, each with the request that it
// makes or clears.
func (o *Operator) filterNotes(name string, act Act, item controller.Item, control controller.Control, at time.Time) ([]controller.JournalEntry, error) {
	line := controller.JournalEntry{Key: item.Key, At: at, Act: controller.ActRequested, By: o.options.By, Why: act.Why}
	if !act.Clear {
		switch {
		case act.Kind != protection.Freeze && act.Kind != protection.Release:
			return nil, errors.New("a filter takes a freeze, its end, and a release; everything else is for groups")
		case act.Kind == protection.Release && !releasable(item.Filter):
			return nil, fmt.Errorf("no measure of filter %s waits for a person: those in force end when what they keep out has been gone for long enough, "+
				"or when the configuration permits it", name)
		}
		line.Request = &protection.Request{
			ID: string(act.Kind) + "-" + o.options.NewID(), Kind: act.Kind, Path: act.Path, Immediate: act.Immediate, At: at, By: o.options.By, Why: act.Why,
		}
		return []controller.JournalEntry{line}, nil
	}
	var out []controller.JournalEntry
	for _, r := range item.Requests {
		if r.Kind == protection.Freeze {
			line.Act, line.Request = controller.ActCleared, &r
			out = append(out, line)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case control.Freeze.On:
		return nil, fmt.Errorf("filter %s has no freeze of its own; that of all ends with detour unfreeze --all", name)
	default:
		return nil, fmt.Errorf("filter %s is not frozen, so there is nothing to end", name)
	}
}

// releasable reports whether a release would change anything.
func releasable(record filter.Record) bool {
	manual := func(m filter.Measure) bool { return m.Manual }
	return len(record.Contended) > 0 || slices.ContainsFunc(record.Measures, manual)
}

// FilterStatusText tells of filters: of one in full, of several with a line each.
func FilterStatusText(filters []FilterStatus, style Style) string {
	if len(filters) == 1 {
		return style.filter(filters[0])
	}
	cells := [][]string{{"FILTER", "MODE", "ACTION", "TABLES", "MEASURES", "TROUBLE"}}
	for _, f := range filters {
		trouble := style.in(green, "none")
		if len(f.Troubles) > 0 {
			kinds := make([]string, len(f.Troubles))
			for i, t := range f.Troubles {
				kinds[i], _, _ = strings.Cut(t, ":")
			}
			trouble = style.in(red, firstOf(kinds))
		}
		cells = append(cells, []string{f.Filter, filterMode(f), string(f.Action), firstOf(f.Tables), fmt.Sprint(len(f.Measures)), trouble})
	}
	return rows("", cells)
}

func filterMode(f FilterStatus) string {
	if f.Freeze.On {
		return string(f.Mode) + ", frozen"
	}
	return string(f.Mode)
}

// filter tells of one filter in full.
func (s Style) filter(f FilterStatus) string {
	var out strings.Builder
	what := filterMode(f) + ", " + string(f.Action)
	if len(f.Leftover) > 0 {
		what = "not in the configuration"
	}
	fmt.Fprintf(&out, "filter %s (%s) in account %s, %s\n", f.Filter, what, f.Account, f.Region)
	fmt.Fprintf(&out, "tables: %s\n", strings.Join(f.Tables, ", "))
	for _, v := range f.Verdicts {
		mark := "  "
		if v.InForce {
			mark = "* "
		}
		fmt.Fprintf(&out, "%s%s\n", mark, controller.Describe(v))
		for _, advice := range controller.Advise(v) {
			fmt.Fprintf(&out, "    to change: %s\n", advice)
		}
	}
	for _, m := range f.Measures {
		fmt.Fprintf(&out, "measure %s of %s since %s\n", m.Action, m.Key, s.ago(m.Since))
	}
	for _, r := range f.Requests {
		fmt.Fprintf(&out, "request %s by %s: %s\n", r.ID, r.By, r.Why)
	}
	for _, t := range f.Troubles {
		fmt.Fprintf(&out, "%s %s\n", s.in(red, "trouble"), t)
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&out, "%s %s\n", s.in(yellow, "note"), n)
	}
	return out.String()
}

// FilterHistoryText writes a filter's journal.
func FilterHistoryText(entries []controller.JournalEntry) string {
	var out strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&out, "%s", e.At.UTC().Format("2006-01-02 15:04:05 UTC"))
		if e.Act != "" {
			fmt.Fprintf(&out, "  %s%s by %s: %s", e.Act, requested(e.Request), e.By, e.Why)
		}
		for _, ended := range e.Ended {
			fmt.Fprintf(&out, "  request %s ended: %s", ended.Request.ID, ended.Reason)
		}
		if e.WouldBe {
			out.WriteString("  would be:")
		}
		out.WriteString("\n")
		for _, v := range e.Verdicts {
			fmt.Fprintf(&out, "  %s\n", controller.Describe(v))
		}
		if e.Note != "" {
			fmt.Fprintf(&out, "  %s\n", e.Note)
		}
	}
	return out.String()
}

// requested says which request a line is about.
func requested(r *protection.Request) string {
	if r == nil {
		return ""
	}
	return " " + r.ID
}
