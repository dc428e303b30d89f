package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"detour/shared/operator"
)

func failbackApproveCommand(io streams) *cobra.Command {
	flags, digest := changeFlags{wait: waitForEnd, whyOptional: true}, ""
	cmd := &cobra.Command{
		Use:   "approve GROUP [--plan DIGEST]",
		Short: "Let a failback move the routes that it has shown",
		Long: `Approve the plan that the group's failback has shown. The plan is shown anew, from the tables as they are now; if it has become another one
meanwhile, nothing is approved. --plan names it by the beginning of its digest, as the notification and detour failback status show it;
without --plan it is the one that is shown now, and confirmed at the terminal.

Then the failback is followed to its end, for --wait at most. Ctrl-C ends the following, and not the failback.` + failbackHelp,
		Example: `  detour failback approve other-cloud --plan 4f1c2b9a7d0e6835
  detour failback approve other-cloud --plan 4f1c2b9a7d0e6835 --yes --no-wait`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("plan") {
				if err := operator.CheckPlan(digest); err != nil {
					return err
				}
			} else if flags.yes {
				return errors.New("--yes approves without asking, so it has to say what; add --plan with the digest that detour failback status shows")
			}
			return answerFailback(cmd, io, &flags, args, answer{
				check: func(group string, f *operator.FailbackStatus) error { return f.CheckAnswer(group, digest) },
				void:  (*operator.FailbackStatus).CheckApproval,
				give: func(ctx context.Context, o *operator.Operator, f *operator.FailbackStatus) error {
					return o.ApproveFailback(ctx, f, flags.why)
				},
				done: "approved",
			})
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	cmd.Flags().StringVar(&digest, "plan", "", "the plan that is approved: the beginning of its `digest`")
	return cmd
}

func failbackRejectCommand(io streams) *cobra.Command {
	flags := changeFlags{wait: waitForQuestion, whyOptional: true}
	cmd := &cobra.Command{
		Use:   "reject GROUP",
		Short: "Answer a failback that asks for approval with a no",
		Long:  `Reject the plan that the group's failback has shown. Nothing has moved, and nothing moves; another failback can be started at once.` + failbackHelp,
		Example: `  detour failback reject other-cloud --why "not before the weekend"
  detour failback reject other-cloud --yes`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return answerFailback(cmd, io, &flags, args, answer{
				good:  true,
				check: func(group string, f *operator.FailbackStatus) error { return f.CheckAnswer(group, "") },
				give: func(ctx context.Context, o *operator.Operator, f *operator.FailbackStatus) error {
					return o.RejectFailback(ctx, f, flags.why)
				},
				done: "rejected",
			})
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	return cmd
}

// answer is an answer to a failback that asks for approval.
type answer struct {
	// good: the end as-before is what was wanted.
	good bool
	// check refuses an answer that nobody waits for, void one that would have no effect.
	check func(group string, f *operator.FailbackStatus) error
	void  func(f *operator.FailbackStatus) error
	give  func(ctx context.Context, o *operator.Operator, f *operator.FailbackStatus) error
	done  string
}

// answerFailback shows the failback, asks, answers and follows it.
func answerFailback(cmd *cobra.Command, io streams, flags *changeFlags, args []string, a answer) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	p, names, err := flags.place.open(cmd.Context(), cmd, args, false)
	if err != nil {
		return err
	}
	group := names[0]
	found, err := p.operator.Failback(cmd.Context(), group)
	if err != nil {
		return failure{err}
	}
	result := failbackResult{Failback: found}
	if err := a.check(group, found); err != nil {
		return refuse(io, flags, result, err)
	}
	result.ID = found.ID
	if err := tellFirst(io, flags, p, operator.FailbackText(group, found, p.style(io))); err != nil {
		return err
	}
	if a.void != nil {
		if err := a.void(found); err != nil {
			return refuse(io, flags, result, fmt.Errorf("nothing was approved: %w", err))
		}
	}
	if flags.dryRun {
		return finish(io, flags, result)
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), io.err); err != nil {
			return err
		}
	}
	if err := a.give(context.WithoutCancel(cmd.Context()), p.operator, found); err != nil {
		return refuse(io, flags, result, err)
	}
	result.Done = true
	if !flags.json {
		fmt.Fprintf(io.out, "%s  %s\n", a.done, found.ID)
	}
	flags.good = a.good
	return follow(cmd.Context(), io, flags, p, result, group, operator.FromTheAnswer)
}

func failbackAbortCommand(io streams) *cobra.Command {
	flags := changeFlags{wait: waitForUndo, whyOptional: true}
	cmd := &cobra.Command{
		Use:   "abort GROUP",
		Short: "End a failback, and bring back what it has moved",
		Long: `End the failback of the group, wherever it is. What has moved goes back to the path that the group came from, if that is up; else the rest
follows, so that the group is whole again. It is a request to the next run, which is woken.` + failbackHelp,
		Example: `  detour failback abort other-cloud --why "users call"
  detour failback abort other-cloud --yes`,
		Args: oneGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return abortFailback(cmd, io, &flags, args)
		},
	}
	flags.bind(cmd)
	flags.place.bindMachine(cmd)
	return cmd
}

// abortFailback shows what follows from the end of a failback, asks, ends and follows
// it.
func abortFailback(cmd *cobra.Command, io streams, flags *changeFlags, args []string) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	p, names, err := flags.place.open(cmd.Context(), cmd, args, !flags.dryRun)
	if err != nil {
		return err
	}
	group := names[0]
	found, err := p.operator.Failback(cmd.Context(), group)
	if err != nil {
		return failure{err}
	}
	result := failbackResult{Failback: found}
	if err := found.CheckAbort(group); err != nil {
		return refuse(io, flags, result, err)
	}
	result.ID = found.ID
	if result.Abort, err = p.operator.ProposeAbort(cmd.Context(), found, flags.why); err != nil {
		return failure{err}
	}
	text := operator.FailbackAbortText(found, result.Abort, p.style(io))
	if err := tellFirst(io, flags, p, text); err != nil {
		return err
	}
	if flags.dryRun {
		return finish(io, flags, result)
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), io.err); err != nil {
			return err
		}
	}
	late, err := p.operator.AbortFailback(context.WithoutCancel(cmd.Context()), found, result.Abort, flags.why)
	if late != nil {
		result.Late = late.Error()
		fmt.Fprintf(io.err, "no wake-up was sent, so the next sweep finds it: %s\n", late)
	}
	if err != nil {
		return refuse(io, flags, result, err)
	}
	result.Done, flags.good = true, true
	return follow(cmd.Context(), io, flags, p, result, group, operator.ToTheEnd)
}
