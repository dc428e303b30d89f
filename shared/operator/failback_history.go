package operator

import (
	"context"
	"slices"
	"strings"
	"time"

	"detour/shared/controller"
	"detour/shared/failback"
	"detour/shared/protection"
	"detour/shared/workflow"
)

// FailbackHistory are the failbacks of a group, newest first.
type FailbackHistory struct {
	Group string `json:"group"`
	// Executions are those that Step Functions still knows: 90 days. Unread says why they
	// could not be listed.
	Executions []workflow.Execution `json:"executions"`
	Unread     string               `json:"unread,omitempty"`
	// Journal are the lines of the group's journal that a failback made.
	Journal []controller.JournalEntry `json:"journal"`
}

// linesLookedAt is how many lines of the journal are searched for those of failbacks.
const linesLookedAt = 1000

// FailbackHistory tells of at most n failbacks of the group, and of at most n lines of
// its journal for each.
func (o *Operator) FailbackHistory(ctx context.Context, name string, n int) (FailbackHistory, error) {
	out := FailbackHistory{Group: name, Executions: []workflow.Execution{}, Journal: []controller.JournalEntry{}}
	home, err := o.home(name)
	if err != nil {
		return out, err
	}
	lines, err := home.Records.History(ctx, controller.GroupKey(name), linesLookedAt)
	if err != nil {
		return out, err
	}
	var names []string
	for _, line := range lines {
		if ofFailback(line) {
			out.Journal = append(out.Journal, line)
			names = append(names, line.Failback)
		}
	}
	if home.Workflows == nil {
		out.Unread = errNoMachine(home).Error()
		return out, nil
	}
	all, unread := home.Workflows.List(ctx, linesLookedAt)
	if unread != nil {
		out.Unread = unread.Error()
	}
	for _, e := range all {
		if _, _, named := failback.Attempt(e.Name, name); (named || slices.Contains(names, e.Name)) && len(out.Executions) < n {
			if full, err := home.Workflows.Describe(ctx, e.Name); err == nil {
				e = full
			}
			out.Executions = append(out.Executions, e)
		}
	}
	if len(out.Executions) == n { // The lines of those before are left out.
		first := out.Executions[n-1].StartedAt.Add(-time.Minute)
		out.Journal = slices.DeleteFunc(out.Journal, func(line controller.JournalEntry) bool { return line.At.Before(first) })
	}
	return out, nil
}

// ofFailback reports whether a failback made a line of the journal.
func ofFailback(line controller.JournalEntry) bool {
	return line.Failback != "" || line.Request != nil && line.Request.Kind == protection.FailbackAbort || line.Decision.Action == protection.Undo
}

// FailbackHistoryText tells of the failbacks of a group.
func FailbackHistoryText(h FailbackHistory, style Style) string {
	var out strings.Builder
	out.WriteString(style.in(bold, "failbacks of group "+h.Group) + ", newest first\n")
	cells := [][]string{}
	for _, e := range h.Executions {
		when := style.stamp(e.StartedAt)
		if e.Status.Over() {
			when += ", for " + roughly(e.EndedAt.Sub(e.StartedAt))
		}
		cells = append(cells, []string{e.Name, string(e.Status), when, shown(whyOf(e))})
	}
	out.WriteString(rows("  ", cells))
	switch {
	case h.Unread != "":
		out.WriteString("  " + style.in(yellow, "executions are not known") + ": " + shown(h.Unread) + "\n")
	case len(h.Executions) == 0:
		out.WriteString("  none that Step Functions knows\n")
	}
	out.WriteString("\njournal, newest first\n")
	if len(h.Journal) == 0 {
		out.WriteString("  nothing yet\n")
	}
	for _, line := range h.Journal {
		out.WriteString("  " + style.stamp(line.At) + "\n")
		for _, text := range style.entry(line) {
			out.WriteString("      " + text + "\n")
		}
	}
	return out.String()
}
