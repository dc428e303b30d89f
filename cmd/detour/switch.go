package main

import (
	"errors"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

func switchCommand(io streams) *cobra.Command {
	to, toWorking, unproven := "", false, false
	cmd := &cobra.Command{
		Use:   "switch GROUP --to PATH | --to-working",
		Short: "Bring a group to a path that is up (manual switch)",
		Long: `Bring a group to a path, which must be up. The request stands until it is cleared, or until a failure cancels it: when the path goes
down, the group moves on as ever. --to-working brings it back to the working path, its first, and is done once it is there.

A path whose routes are learned by BGP is switched to by deleting the static routes before them. That is done once an observation table
shows the learned routes. Where there is none, --unproven does without: one unit goes first, the others follow when its routes show, and a
static whose learned route does not show within 15 s is created again.`,
		Example: `  detour switch other-cloud --to backup --why "provider works on the primary tonight"
  detour switch other-cloud --to-working --why "the work is done"
  detour switch campus --to-working --unproven --why "no observation table yet"
  detour switch other-cloud --to backup --dry-run`,
		Args: oneGroup,
	}
	cmd.Flags().StringVar(&to, "to", "", "the `path`")
	cmd.Flags().BoolVar(&unproven, "unproven", false, "also to learned routes that nothing proves")
	cmd.Flags().BoolVar(&toWorking, "to-working", false, "back to the working path")
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		switch {
		case toWorking && to != "":
			return operator.Act{}, errors.New("--to and --to-working name two paths; leave one of them out")
		case toWorking:
			return operator.Act{Kind: protection.ManualSwitchToWorking, Unproven: unproven}, nil
		case to == "":
			return operator.Act{}, errors.New("the path is missing; name it with --to PATH, or write --to-working")
		}
		return operator.Act{Kind: protection.ManualSwitch, Path: to, Unproven: unproven}, nil
	})
}

func forceCommand(io streams) *cobra.Command {
	to, ignore, unproven := "", false, false
	cmd := &cobra.Command{
		Use:   "force GROUP --to PATH",
		Short: "Bring a group to a path and hold it there (forced switch)",
		Long: `Bring a group to a path, whether it is up, degraded or unknown, and hold it there until the request is cleared. A path that is down is
refused, and a force whose path goes down is cancelled, unless --ignore-health says otherwise: that holds for an hour (limits and
timers: ignoreHealthFor), and traffic may be lost meanwhile.`,
		Example: `  detour force other-cloud --to backup --why "the primary drops packets that no check sees"
  detour force other-cloud --to primary --ignore-health --why "AWS shows it down, we see it up"`,
		Args: oneGroup,
	}
	cmd.Flags().StringVar(&to, "to", "", "the `path`")
	cmd.Flags().BoolVar(&ignore, "ignore-health", false, "also while the path is down")
	cmd.Flags().BoolVar(&unproven, "unproven", false, "also to learned routes that nothing proves")
	return changeCommand(io, cmd, func([]string) (operator.Act, error) {
		if to == "" {
			return operator.Act{}, errors.New("the path is missing; name it with --to PATH")
		}
		return operator.Act{Kind: protection.ForcedSwitch, Path: to, IgnoreHealth: ignore, Unproven: unproven}, nil
	})
}

func lockoutCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lockout GROUP PATH",
		Short: "Take a path out of use",
		Long: `Take a path out of use until the request is cleared. It is never chosen, and a group that is on it leaves it when another path is
alive.`,
		Example: `  detour lockout other-cloud backup --why "its router is being replaced"
  detour clear other-cloud --all --why "the new router is in place"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("name a group and one of its paths; run detour status for those that there are")
			}
			return nil
		},
	}
	return changeCommand(io, cmd, func(args []string) (operator.Act, error) {
		return operator.Act{Kind: protection.Lockout, Path: args[1]}, nil
	})
}
