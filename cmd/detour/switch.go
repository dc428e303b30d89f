package main

import (
	"errors"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

func switchCommand(io streams) *cobra.Command {
	flags, to, toWorking := changeFlags{}, "", false
	cmd := &cobra.Command{
		Use:     "switch GROUP --to PATH | --to-working",
		GroupID: groupChange,
		Short:   "Bring a group to a path that is up (manual switch)",
		Long: `Bring a group to a path, which must be up. The request stands until it is cleared, or until a failure cancels it: when the path goes
down, the group moves on as ever. --to-working brings it back to the working path, its first, and is done once it is there.` + changeHelp + placeHelp + changeExit,
		Example: `  detour switch other-cloud --to backup --why "provider works on the primary tonight"
  detour switch other-cloud --to-working --why "the work is done"
  detour switch other-cloud --to backup --dry-run`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			act := operator.Act{Kind: protection.ManualSwitch, Path: to}
			switch {
			case toWorking && to != "":
				return errors.New("--to and --to-working name two paths; leave one of them out")
			case toWorking:
				act.Kind = protection.ManualSwitchToWorking
			case to == "":
				return errors.New("the path is missing; name it with --to PATH, or write --to-working")
			}
			return changeGroup(cmd, io, &flags, args, act)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the `path`")
	cmd.Flags().BoolVar(&toWorking, "to-working", false, "back to the working path")
	flags.bind(cmd)
	return cmd
}

func forceCommand(io streams) *cobra.Command {
	flags, to, ignore := changeFlags{}, "", false
	cmd := &cobra.Command{
		Use:     "force GROUP --to PATH",
		GroupID: groupChange,
		Short:   "Bring a group to a path and hold it there (forced switch)",
		Long: `Bring a group to a path, whether it is up, degraded or unknown, and hold it there until the request is cleared. A path that is down is
refused, and a force whose path goes down is cancelled, unless --ignore-health says otherwise: that holds for an hour (limits and
timers: ignoreHealthFor), and traffic may be lost meanwhile.` + changeHelp + placeHelp + changeExit,
		Example: `  detour force other-cloud --to backup --why "the primary drops packets that no check sees"
  detour force other-cloud --to primary --ignore-health --why "AWS shows it down, we see it up"`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				return errors.New("the path is missing; name it with --to PATH")
			}
			return changeGroup(cmd, io, &flags, args, operator.Act{Kind: protection.ForcedSwitch, Path: to, IgnoreHealth: ignore})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the `path`")
	cmd.Flags().BoolVar(&ignore, "ignore-health", false, "also while the path is down")
	flags.bind(cmd)
	return cmd
}

func lockoutCommand(io streams) *cobra.Command {
	flags := changeFlags{}
	cmd := &cobra.Command{
		Use:     "lockout GROUP PATH",
		GroupID: groupChange,
		Short:   "Take a path out of use",
		Long: `Take a path out of use until the request is cleared. It is never chosen, and a group that is on it leaves it when another path is
alive.` + changeHelp + placeHelp + changeExit,
		Example: `  detour lockout other-cloud backup --why "its router is being replaced"
  detour clear other-cloud --all --why "the new router is in place"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name a group and one of its paths; run detour status for those that there are")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeGroup(cmd, io, &flags, args[:1], operator.Act{Kind: protection.Lockout, Path: args[1]})
		},
	}
	flags.bind(cmd)
	return cmd
}

// changeGroup opens the place of one group, checks the path, and makes the change.
func changeGroup(cmd *cobra.Command, io streams, flags *changeFlags, args []string, act operator.Act) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	p, names, err := flags.place.open(cmd.Context(), cmd, args, !flags.dryRun)
	if err != nil {
		return err
	}
	if act.Path != "" {
		if err := p.path(names[0], act.Path); err != nil {
			return err
		}
	}
	act.Groups = names
	return change(cmd, io, flags, p, act)
}
