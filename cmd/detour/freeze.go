package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

func freezeCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "freeze GROUP | FILTER | --all",
		Short: "Write no route until the freeze ends",
		Long: `Write no route of a group or a filter, or with --all of any, until detour unfreeze. What would be done is decided and reported all the same. A change that is
under way ends first (--after-change, the default), or stops in the middle (--now): some routes then lead to one path and some to
the other.`,
		Example: `  detour freeze other-cloud --why "we move routes by hand"
  detour freeze --all --now --why "Detour does something that it should not"`,
	}
	all, now, after := takesAll(cmd), false, false
	cmd.Flags().BoolVar(&now, "now", false, "stop a change that is under way in the middle")
	cmd.Flags().BoolVar(&after, "after-change", false, "let a change that is under way end first (the default)")
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		if now && after {
			return operator.Act{}, errors.New("--now and --after-change contradict one another; leave one of them out")
		}
		return operator.Act{Kind: protection.Freeze, All: *all, Immediate: now}, nil
	})
}

func unfreezeCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unfreeze GROUP | FILTER | --all",
		Short: "End a freeze",
		Long: `End the freeze of a group or a filter, or with --all that of everything; the freeze of a single one stays then. What was held up meanwhile is done at
once, and shown before.`,
		Example: `  detour unfreeze other-cloud --why "the routes are back in place"
  detour unfreeze --all --why "false alarm"`,
	}
	all := takesAll(cmd)
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		return operator.Act{Clear: true, ClearKind: protection.Freeze, All: *all}, nil
	})
}

func clearCommand(io streams) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "clear GROUP ID... | GROUP --all",
		Short: "End standing requests of a group",
		Long: `End requests of a group that stand: those with the ids that detour status shows, or with --all every one. What follows from that, such
as the way back of a revertive group, is shown before.`,
		Example: `  detour status other-cloud
  detour clear other-cloud forced-switch-x7k2p --why "the primary is repaired"
  detour clear other-cloud --all --why "the maintenance is over"`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("name a group; run detour status for those that there are")
			case all && len(args) > 1:
				return fmt.Errorf("--all ends every request of the group, and %q names one; leave one of them out", args[1])
			case !all && len(args) == 1:
				return errors.New("name the requests by the ids that detour status " + args[0] + " shows, or write --all for every one")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every request of the group")
	return changeCommand(io, cmd, func(args []string) (operator.Act, error) {
		return operator.Act{Clear: true, IDs: args[1:]}, nil
	})
}

func releaseCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release GROUP | FILTER | --all",
		Short: "Let a group move that is held after a mass failure or a dispute",
		Long: `Let a group move that holds because too many groups wanted to move at once, and let Detour write routes again that somebody kept
undoing; of a filter, end the measures of which nobody can see whether they are still needed. See first whether the failures are true: detour explain. With --all every hold after a mass failure ends; routes in
dispute stay with each group's own release.`,
		Example: `  detour release other-cloud --why "the outage is real"
  detour release --all --why "the whole site is down, as the provider says"`,
	}
	all := takesAll(cmd)
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		return operator.Act{Kind: protection.Release, All: *all}, nil
	})
}

func adoptCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt GROUP | --all",
		Short: "Take what stands in the tables as right, and forget the record",
		Long: `Take what stands in the route tables as the decision, as on first sight, and forget what the record says. It writes no route. It is what to do
after the record store was restored from a backup, since an old record cannot be told from a current one.`,
		Example: `  detour adopt other-cloud --why "its record was restored"
  detour adopt --all --why "the table was restored from last night's backup"`,
	}
	all := takesAll(cmd)
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		return operator.Act{Kind: protection.AdoptAnew, All: *all}, nil
	})
}

// takesAll has a command take one group, or --all and none.
func takesAll(cmd *cobra.Command) *bool {
	all := cmd.Flags().Bool("all", false, "all groups; of a freeze and its end all filters too")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		switch {
		case *all && len(args) > 0:
			return fmt.Errorf("--all is every group, and %q names one; leave one of them out", args[0])
		case !*all && len(args) != 1:
			return fmt.Errorf("name one group, not %d, or write --all", len(args))
		default:
			return nil
		}
	}
	return all
}
