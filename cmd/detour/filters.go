package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

// explainFilter shows a filter as it is, and its newest lines.
func explainFilter(ctx context.Context, io streams, asJSON bool, p *place, name string, n int) error {
	status, err := p.operator.FilterStatus(ctx, []string{name})
	if err != nil {
		return failure{err}
	}
	history, err := p.operator.FilterHistory(ctx, name, n)
	if err != nil {
		return failure{err}
	}
	return printResult(io, asJSON, map[string]any{"filter": status[0], "history": history}, func() string {
		return operator.FilterStatusText(status, p.style(io)) + operator.FilterHistoryText(history)
	})
}

// changedFilter is what a command that changes a filter answers as JSON.
type changedFilter struct {
	Filter operator.FilterStatus `json:"filter"`
	// Done: it was asked for; false with --dry-run.
	Done bool   `json:"done"`
	Late string `json:"late,omitempty"`
}

// changeFilter freezes a filter, ends its freeze, or releases its measures: it shows the
// filter, asks, and does it. The next run follows it.
func changeFilter(cmd *cobra.Command, io streams, flags *changeFlags, p *place, name string, act operator.Act) error {
	act.Why = flags.why
	status, err := p.operator.FilterStatus(cmd.Context(), []string{name})
	if err != nil {
		return failure{err}
	}
	result := changedFilter{Filter: status[0]}
	if !flags.json {
		if _, err := fmt.Fprintf(io.out, "%s\n%s%s\n", p.name, operator.FilterStatusText(status, p.style(io)), whatFollows(act)); err != nil {
			return fmt.Errorf("writing what would follow: %w", err)
		}
	}
	if flags.dryRun {
		if flags.json {
			return writeJSON(io.out, result)
		}
		return nil
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), io.err); err != nil {
			return err
		}
	}
	late, err := p.operator.AskFilter(context.WithoutCancel(cmd.Context()), name, act)
	if err != nil {
		return failure{err}
	}
	result.Done = true
	if late != nil {
		result.Late = late.Error()
		fmt.Fprintf(io.err, "no wake-up was sent, so the next sweep finds it: %s\n", late)
	}
	return printResult(io, flags.json, result, func() string { return "asked for; the next run follows it, a sweep at the latest\n" })
}

// whatFollows says what an act does to a filter.
func whatFollows(act operator.Act) string {
	switch {
	case act.Clear:
		return "the freeze of the filter would end: what is missing is written then"
	case act.Kind == protection.Freeze:
		return "nothing would be written for the filter: what is announced stands, and measures stay as they are"
	case strings.TrimSpace(act.Path) != "":
		return "the measure of " + act.Path + " would end, or be written again where somebody undid it"
	default:
		return "every measure that only a person can end would end, and what somebody undid is written again"
	}
}
