package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/operator"
)

// placeHelp ends the help of every command that works on a deployment.
const placeHelp = `

Against AWS it needs the configuration (--config, or DETOUR_CONFIG) and credentials as the AWS CLI has them; docs/cli.md says which
permissions. With --lab it works on the network that detour lab serve --functions serves, and sends nothing to AWS.`

// lookFlags are the flags of the commands that change nothing.
type lookFlags struct {
	place placeFlags
	json  bool
}

func (f *lookFlags) bind(cmd *cobra.Command) {
	f.place.bind(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "write JSON for a program")
}

func statusCommand(io streams) *cobra.Command {
	flags, check := lookFlags{}, false
	cmd := &cobra.Command{
		Use:     "status [GROUP | FILTER]...",
		GroupID: groupLook,
		Short:   "Show on which path the groups are, and what is wrong",
		Long: `Show on which path each group is and since when, the state of each path with its reason, the requests and the freeze that stand,
and what somebody should look into; and of each filter its measures, and who announces what the rules deny. One group is shown in full, several with a line each. What the paths and the tables show is
read now; nothing is written, and no run is disturbed.` + placeHelp + `

Exit status: 0 shown, 1 it could not be read, 2 wrong usage, 3 with --check: a group has a trouble.`,
		Example: `  detour status                        # all groups, a line each
  detour status other-cloud            # everything about one
  detour status --check || page        # for a monitor
  detour status --lab --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, names, filterNames, err := flags.place.openBoth(cmd.Context(), cmd, args, false, true)
			if err != nil {
				return err
			}
			groups, filters := []operator.Status{}, []operator.FilterStatus(nil)
			if len(names) > 0 {
				groups, err = p.operator.Status(cmd.Context(), names)
			}
			if err == nil && len(filterNames) > 0 {
				filters, err = p.operator.FilterStatus(cmd.Context(), filterNames)
			}
			if err == nil && len(args) == 0 {
				var leftovers []operator.FilterStatus
				leftovers, err = p.operator.Leftovers(cmd.Context())
				filters = append(filters, leftovers...)
			}
			if err != nil {
				return failure{err}
			}
			if err := printResult(io, flags.json, statusJSON(groups, filters), func() string { return statusText(groups, filters, p.style(io)) }); err != nil {
				return err
			}
			if check && (slices.ContainsFunc(groups, func(s operator.Status) bool { return !s.Healthy() }) ||
				slices.ContainsFunc(filters, func(s operator.FilterStatus) bool { return !s.Healthy() })) {
				return errUnhealthy
			}
			return nil
		},
	}
	flags.bind(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "end with status 3 if a group has a trouble")
	return cmd
}

// statusJSON is what status answers a program. Without filters nothing is said of
// them.
func statusJSON(groups []operator.Status, filters []operator.FilterStatus) map[string]any {
	out := map[string]any{"groups": groups}
	if len(filters) > 0 {
		out["filters"] = filters
	}
	return out
}

// statusText is what it writes for people.
func statusText(groups []operator.Status, filters []operator.FilterStatus, style operator.Style) string {
	var parts []string
	if len(groups) > 0 || len(filters) == 0 {
		parts = append(parts, operator.StatusText(groups, style))
	}
	if len(filters) > 0 {
		parts = append(parts, operator.FilterStatusText(filters, style))
	}
	return strings.Join(parts, "\n")
}

func planCommand(io streams) *cobra.Command {
	flags, options := lookFlags{}, operator.PlanOptions{}
	cmd := &cobra.Command{
		Use:     "plan [GROUP]...",
		GroupID: groupLook,
		Short:   "Show what would be written now, or by a switchover",
		Long: `Show what the next run would write: each route before and after, the calls and seconds that it costs, the routes that are left
alone, and what somebody should know before. It is made by the code that a run uses, from tables that are read now; nothing is
written.

With --to it is the switchover to a path instead, and with --worst the one that costs most, whatever the health of the paths.` + placeHelp + `

Exit status: 0 shown, 1 it could not be read, 2 wrong usage.`,
		Example: `  detour plan                              # what would be written now, for every group
  detour plan other-cloud --to backup      # what a switchover to backup would write
  detour plan --worst                      # the most expensive switchover of each group`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if options.To != "" && options.Worst {
				return errors.New("--to and --worst ask for two plans; leave one of them out")
			}
			if options.To != "" && len(args) != 1 {
				return fmt.Errorf("--to is a path of one group, but %d are named; name the group", len(args))
			}
			p, names, err := flags.place.open(cmd.Context(), cmd, args, false)
			if err != nil {
				return err
			}
			if options.To != "" {
				if err := p.path(names[0], options.To); err != nil {
					return err
				}
			}
			plans, err := p.operator.Plan(cmd.Context(), names, options)
			if err != nil {
				return failure{err}
			}
			return printResult(io, flags.json, map[string]any{"plans": plans}, func() string { return operator.PlanText(plans, p.style(io)) })
		},
	}
	flags.bind(cmd)
	cmd.Flags().StringVar(&options.To, "to", "", "the switchover to this `path`")
	cmd.Flags().BoolVar(&options.Worst, "worst", false, "the switchover that costs most")
	return cmd
}

func explainCommand(io streams) *cobra.Command {
	flags, n := lookFlags{}, 0
	cmd := &cobra.Command{
		Use:     "explain GROUP | FILTER",
		GroupID: groupLook,
		Short:   "Show why a group is where it is, and how it came there",
		Long: `Show why a group is where it is: what AWS says of each of its paths now, what follows from that, and the newest decisions with
their reasons, with what the paths showed then, and with who asked for what and why.` + placeHelp + `

Exit status: 0 shown, 1 it could not be read, 2 wrong usage.`,
		Example: `  detour explain other-cloud
  detour explain other-cloud -n 50`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 || n > 1000 {
				return fmt.Errorf("-n is %d; write a number from 1 to 1000", n)
			}
			p, names, filters, err := flags.place.openBoth(cmd.Context(), cmd, args, false, true)
			if err != nil {
				return err
			}
			if len(filters) > 0 {
				return explainFilter(cmd.Context(), io, flags.json, p, filters[0], n)
			}
			explained, err := p.operator.Explain(cmd.Context(), names[0], n)
			if err != nil {
				return failure{err}
			}
			return printResult(io, flags.json, explained, func() string { return operator.ExplanationText(explained, p.style(io)) })
		},
	}
	flags.bind(cmd)
	cmd.Flags().IntVarP(&n, "number", "n", 5, "how many lines of the history")
	return cmd
}

// oneGroup wants exactly one group.
func oneGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fmt.Errorf("name one group, not %d; run detour status for those that there are, and %s --help for examples", len(args), cmd.CommandPath())
}

// printResult writes a result as JSON, or as text for people.
func printResult(io streams, asJSON bool, value any, text func() string) error {
	if asJSON {
		return writeJSON(io.out, value)
	}
	if _, err := fmt.Fprint(io.out, text()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}
