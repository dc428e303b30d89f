package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

// How long the commands of a failback wait. Its end is some minutes after the
// approval: every step soaks.
const (
	waitForQuestion = 3 * time.Minute
	waitForUndo     = 5 * time.Minute
	waitForEnd      = 30 * time.Minute
	watchAtMost     = 7 * 24 * time.Hour
)

func failbackCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "failback",
		GroupID: groupChange,
		Short:   "Bring a group back to its working path, step by step",
		Long: `Bring a group back to its working path, its first, as a workflow of AWS Step Functions: it looks whether the path has been up for long
enough, shows every route that would change, waits for somebody to approve that plan, moves the first unit (the canary), lets it soak,
reads it back, and goes on with the others. A failure, a freeze, a lockout, somebody else's change, an abort, or silence ends it, and what
has moved goes back.

  detour failback start GROUP --why REASON        show the plan, and begin
  detour failback status GROUP --watch            how far is it, and what does it wait for?
  detour failback approve GROUP --plan DIGEST     let it move the routes of that plan
  detour failback reject GROUP                    do not; nothing has moved
  detour failback abort GROUP                     end it, and bring back what has moved
  detour failback history GROUP                   those that there were

detour switch GROUP --to-working goes back at once, without any of this.`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOr("detour failback"),
	}
	cmd.AddCommand(failbackStartCommand(io), failbackStatusCommand(io), failbackApproveCommand(io), failbackRejectCommand(io))
	cmd.AddCommand(failbackAbortCommand(io), failbackHistoryCommand(io))
	return cmd
}

// failbackResult is what a command that changes something about a failback answers as
// JSON.
type failbackResult struct {
	// Proposal is what start would lead to, and Failback what the others have found.
	Proposal *operator.FailbackProposal `json:"proposal,omitempty"`
	Failback *operator.FailbackStatus   `json:"failback,omitempty"`
	// Abort is what the request of abort leads to.
	Abort *operator.Proposal `json:"abort,omitempty"`
	// Done: it was asked for; false with --dry-run, and where it was refused. ID is the
	// execution.
	Done bool   `json:"done"`
	ID   string `json:"id,omitempty"`
	// Late says why no wake-up was sent; the next sweep finds it.
	Late   string           `json:"late,omitempty"`
	Ending *operator.Ending `json:"ending,omitempty"`
}

func failbackStartCommand(io streams) *cobra.Command {
	flags, unproven := changeFlags{wait: waitForQuestion}, false
	cmd := &cobra.Command{
		Use:   "start GROUP",
		Short: "Show the plan of a failback, and begin it",
		Long: `Show what a failback of the group would do, and begin it. Nothing moves before somebody approves the plan that the workflow shows then,
with a notification and with detour failback status. If the path has not been up for long enough, the workflow waits and asks then.

A group has one failback at a time; while one goes on, this shows it and starts none. detour failback --help says how it goes on.` + failbackHelp,
		Example: `  detour failback start other-cloud --why "the provider has repaired line 1"
  detour failback start campus --unproven --why "no observation table yet"
  detour failback start other-cloud --dry-run`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return startFailback(cmd, io, &flags, args, unproven)
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	cmd.Flags().BoolVar(&unproven, "unproven", false, "also to learned routes that nothing proves")
	return cmd
}

// failbackHelp ends the help of the commands that change something about a failback.
const failbackHelp = placeHelp + `
The state machine is --state-machine, or DETOUR_STATE_MACHINE, and in a lab the lab's own.

Exit status: 0 done, or it goes on and was not waited for; 1 refused, not confirmed, failed, ended otherwise, or not there in time; 2 wrong
usage.`

// startFailback shows, asks, starts and follows a failback.
func startFailback(cmd *cobra.Command, io streams, flags *changeFlags, args []string, unproven bool) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	p, names, err := flags.place.open(cmd.Context(), cmd, args, false)
	if err != nil {
		return err
	}
	proposal, err := p.operator.ProposeFailback(cmd.Context(), names[0], flags.reason(), unproven)
	if err != nil {
		return failure{err}
	}
	result := failbackResult{Proposal: proposal}
	if err := tellFirst(io, flags, p, operator.FailbackProposalText(proposal, p.style(io))); err != nil {
		return err
	}
	switch {
	case proposal.Open != nil:
		return refuse(io, flags, result, fmt.Errorf("nothing was started: %s of group %s goes on already; end it with detour failback abort %s, or let it go on", proposal.Open.ID, names[0], names[0]))
	case proposal.Stopped():
		return refuse(io, flags, result, errors.New("nothing was started: the failback would be refused"))
	case flags.dryRun:
		return finish(io, flags, result)
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), io.err); err != nil {
			return err
		}
	}
	id, err := p.operator.StartFailback(context.WithoutCancel(cmd.Context()), proposal)
	result.ID = id
	switch {
	case errors.Is(err, operator.ErrFailbackGoesOn):
		return refuse(io, flags, result, fmt.Errorf("nothing was started: somebody else has just started %s of group %s; look with detour failback status %s", id, names[0], names[0]))
	case err != nil:
		return refuse(io, flags, result, err)
	}
	result.Done = true
	if !flags.json {
		fmt.Fprintf(io.out, "started  %s\n", id)
	}
	return follow(cmd.Context(), io, flags, p, result, names[0], operator.ToTheQuestion)
}

// tellFirst writes where the command works and what it has found, for people.
func tellFirst(io streams, flags *changeFlags, p *place, text string) error {
	if flags.json {
		return nil
	}
	if _, err := fmt.Fprintf(io.out, "%s\n%s", p.name, text); err != nil {
		return fmt.Errorf("writing what would follow: %w", err)
	}
	return nil
}

// refuse ends a command that does nothing.
func refuse(io streams, flags *changeFlags, result failbackResult, why error) error {
	if flags.json {
		return errors.Join(failure{why}, writeJSON(io.out, result))
	}
	return failure{why}
}

// finish ends a command with its result.
func finish(io streams, flags *changeFlags, result failbackResult) error {
	if flags.json {
		return writeJSON(io.out, result)
	}
	return nil
}

// follow follows a failback for as long as the flags say, and ends the command.
func follow(ctx context.Context, io streams, flags *changeFlags, p *place, result failbackResult, group string, how operator.Follow) error {
	wait := flags.wait
	if flags.noWait {
		wait = 0
	}
	ending, err := p.operator.FollowFailback(ctx, group, result.ID, how, wait, func(step operator.Progress) {
		if !flags.json {
			fmt.Fprintf(io.out, "%s  %s: %s\n", step.At.UTC().Format("15:04:05 UTC"), step.Group, step.Text)
		}
	})
	if err != nil {
		return failure{err}
	}
	if flags.good && ending.End == protection.EndAsBefore {
		ending.Outcome = operator.OutcomeDone
	}
	result.Ending = &ending
	if err := printResult(io, flags.json, result, func() string { return operator.FailbackEndingText(ending, p.style(io)) }); err != nil {
		return err
	}
	switch {
	case ending.Outcome == operator.OutcomeEnded:
		return errFailed
	case ending.Outcome == operator.OutcomeStands && ending.Waited && ctx.Err() != nil:
		return errInterrupted{"the failback goes on; see detour failback status " + group + ", and detour failback abort " + group + " to end it"}
	case ending.Outcome == operator.OutcomeStands && ending.Waited:
		return failure{fmt.Errorf("not there within %s, and the failback goes on; see detour failback status %s", wait, group)}
	default:
		return nil
	}
}

func failbackStatusCommand(io streams) *cobra.Command {
	flags, watch := lookFlags{}, false
	cmd := &cobra.Command{
		Use:   "status GROUP",
		Short: "Show the failback of a group: how far it is, and what it waits for",
		Long: `Show the last failback of the group: by whom and why it was begun, in which state of the workflow it is and since when, until when its
authority lasts, and while it waits for approval the whole plan with the command that approves it. Nothing is written.

--watch goes on telling until it is over. Ctrl-C ends the watching, and not the failback.` + placeHelp + `
The state machine is --state-machine, or DETOUR_STATE_MACHINE, and in a lab the lab's own.

Exit status: 0 shown, 1 it could not be read, or with --watch the group is not on its working path at the end, 2 wrong usage.`,
		Example: `  detour failback status other-cloud
  detour failback status other-cloud --watch`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			if watch && flags.json {
				return errors.New("--watch tells people what happens, and --json is for programs; leave one of them out")
			}
			p, names, err := flags.place.open(cmd.Context(), cmd, args, false)
			if err != nil {
				return err
			}
			found, err := p.operator.Failback(cmd.Context(), names[0])
			if err != nil {
				return failure{err}
			}
			text := func() string { return operator.FailbackText(names[0], found, p.style(io)) }
			if err := printResult(io, flags.json, map[string]any{"group": names[0], "failback": found}, text); err != nil {
				return err
			}
			if !watch || found == nil || found.Phase == operator.PhaseOver {
				return nil
			}
			changes := changeFlags{wait: watchAtMost}
			return follow(cmd.Context(), io, &changes, p, failbackResult{ID: found.ID}, names[0], operator.ToTheEnd)
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	cmd.Flags().BoolVar(&watch, "watch", false, "go on telling until it is over")
	return cmd
}

func failbackHistoryCommand(io streams) *cobra.Command {
	flags, n := lookFlags{}, 0
	cmd := &cobra.Command{
		Use:   "history GROUP",
		Short: "Show the failbacks of a group, with who did what",
		Long: `Show the last failbacks of the group: their executions, for as long as Step Functions keeps them (90 days), with what they came to, and
the lines of the group's journal about them: who started, approved, rejected or aborted them and why, and every step.` + placeHelp + `
The state machine is --state-machine, or DETOUR_STATE_MACHINE, and in a lab the lab's own.

Exit status: 0 shown, 1 it could not be read, 2 wrong usage.`,
		Example: `  detour failback history other-cloud
  detour failback history other-cloud -n 20`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 || n > 100 {
				return fmt.Errorf("-n is %d; write a number from 1 to 100", n)
			}
			p, names, err := flags.place.open(cmd.Context(), cmd, args, false)
			if err != nil {
				return err
			}
			history, err := p.operator.FailbackHistory(cmd.Context(), names[0], n)
			if err != nil {
				return failure{err}
			}
			return printResult(io, flags.json, history, func() string { return operator.FailbackHistoryText(history, p.style(io)) })
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	cmd.Flags().IntVarP(&n, "number", "n", 5, "how many failbacks")
	return cmd
}
