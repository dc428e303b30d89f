package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detour/shared/operator"
	"detour/shared/protection"
)

// defaultWait is how long a change is watched: a move settles within seconds, and
// should a wake-up be lost the sweep finds the request within a minute.
const defaultWait = 3 * time.Minute

// changeHelp ends the help of every command that changes something.
const changeHelp = `

Before anything is changed it is shown what would follow: the decision, each route before and after, calls and seconds, requests
that would end. Then it asks. Who asked, and why (--why), stands in the journal: see detour explain. After the yes it waits until
the change has taken effect; Ctrl-C ends the waiting, and not the change.`

// changeExit is the exit status of every command that changes something.
const changeExit = `

Exit status: 0 done, or it stands and was not waited for; 1 refused, not confirmed, failed, or without effect in time; 2 wrong usage.`

// changeFlags are the flags of the commands that change something.
type changeFlags struct {
	place                     placeFlags
	why                       string
	yes, dryRun, noWait, json bool
	wait                      time.Duration
	// whyOptional: the reason may be left out.
	whyOptional bool
	// good: a failback that leaves the group as before is what was wanted.
	good bool
}

func (f *changeFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.why, "why", "", "the `reason`, for the journal")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would follow, and change nothing")
	flags.BoolVar(&f.yes, "yes", false, "do not ask; for scripts")
	flags.BoolVar(&f.noWait, "no-wait", false, "do not wait until it has taken effect")
	flags.DurationVar(&f.wait, "wait", cmp.Or(f.wait, defaultWait), "how long to wait for the effect, such as 90s: a `duration`")
	flags.BoolVar(&f.json, "json", false, "write JSON for a program; needs --yes or --dry-run")
	f.place.bind(cmd)
}

// check refuses flags that contradict one another before anything is read.
func (f *changeFlags) check(cmd *cobra.Command) error {
	switch {
	case f.json && !f.yes && !f.dryRun:
		return errors.New("--json asks no questions; add --yes to do it, or --dry-run to see what would follow")
	case f.yes && f.dryRun:
		return errors.New("--yes has no effect with --dry-run, which changes nothing; leave one of them out")
	case f.noWait && cmd.Flags().Changed("wait"):
		return errors.New("--wait has no effect with --no-wait; leave one of them out")
	case f.wait <= 0:
		return fmt.Errorf("--wait is %s; write a positive time such as 90s, or --no-wait", f.wait)
	case strings.TrimSpace(f.why) == "" && !f.dryRun && !f.whyOptional:
		return errors.New(`--why is missing; say in a sentence why, for those who read the journal: --why "provider works on line 2"`)
	case f.why != "":
		return operator.CheckWhy(f.why)
	}
	return nil
}

// reason is the reason that was given; a dry run does without.
func (f *changeFlags) reason() string {
	if f.dryRun && strings.TrimSpace(f.why) == "" {
		return "dry run"
	}
	return f.why
}

// changed is what a command that changes something answers as JSON.
type changed struct {
	Proposal *operator.Proposal `json:"proposal"`
	// Done: it was asked for; false with --dry-run, and where it was refused.
	Done bool `json:"done"`
	// Late says why no wake-up was sent; the next sweep finds the change.
	Late    string            `json:"late,omitempty"`
	Endings []operator.Ending `json:"endings"`
}

// changeCommand completes a command that changes something: act makes of its
// arguments what is asked for, and the first argument, if any, is the group.
func changeCommand(io streams, cmd *cobra.Command, act func(args []string) (operator.Act, error)) *cobra.Command {
	flags := changeFlags{}
	cmd.GroupID = groupChange
	cmd.Long += changeHelp + placeHelp + changeExit
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asked, err := act(args)
		if err != nil {
			return err
		}
		return changeGroup(cmd, io, &flags, args[:min(1, len(args))], asked)
	}
	flags.bind(cmd)
	return cmd
}

// changeGroup opens the place of one group, checks the path, and makes the change.
func changeGroup(cmd *cobra.Command, io streams, flags *changeFlags, args []string, act operator.Act) error {
	if err := flags.check(cmd); err != nil {
		return err
	}
	p, names, filters, err := flags.place.openBoth(cmd.Context(), cmd, args, !flags.dryRun, forFilters(act))
	switch {
	case err != nil:
		return err
	case len(args) > 0 && len(filters) > 0:
		return changeFilter(cmd, io, flags, p, filters[0], act)
	}
	if act.Path != "" {
		if err := p.path(names[0], act.Path); err != nil {
			return err
		}
	}
	act.Groups = names
	return change(cmd, io, flags, p, act)
}

// forFilters reports whether a filter takes such an act.
func forFilters(act operator.Act) bool {
	return act.Kind == protection.Freeze || act.Kind == protection.Release || act.Clear && act.ClearKind == protection.Freeze
}

// change shows, asks, does and watches an act.
func change(cmd *cobra.Command, io streams, flags *changeFlags, p *place, act operator.Act) error {
	act.Why = flags.reason()
	proposal, err := p.operator.Propose(cmd.Context(), act)
	if err != nil {
		return failure{err}
	}
	result := changed{Proposal: proposal, Endings: []operator.Ending{}}
	if !flags.json {
		if _, err := fmt.Fprintf(io.out, "%s\n%s", p.name, operator.ProposalText(proposal, p.style(io))); err != nil {
			return fmt.Errorf("writing what would follow: %w", err)
		}
	}
	switch {
	case proposal.Refused() && flags.json:
		return errors.Join(failure{errors.New("nothing was changed: the request would be refused")}, writeJSON(io.out, result))
	case proposal.Refused():
		return failure{errors.New("nothing was changed: the request would be refused")}
	case flags.dryRun && flags.json:
		return writeJSON(io.out, result)
	case flags.dryRun:
		return nil
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), io.err); err != nil {
			return err
		}
	}
	return carry(cmd.Context(), io, flags, p, result)
}

// carry does what was confirmed, and watches it. Once begun it is done to its end,
// so that no line of the journal lacks its request.
func carry(ctx context.Context, io streams, flags *changeFlags, p *place, result changed) error {
	late, err := p.operator.Carry(context.WithoutCancel(ctx), result.Proposal)
	if err != nil {
		return failure{err}
	}
	result.Done = true
	if late != nil {
		result.Late = late.Error()
		fmt.Fprintf(io.err, "no wake-up was sent, so the next sweep finds it: %s\n", late)
	}
	wait := flags.wait
	if flags.noWait {
		wait = 0
	}
	result.Endings = p.operator.Watch(ctx, result.Proposal, wait, func(step operator.Progress) {
		if !flags.json {
			fmt.Fprintf(io.out, "%s  %s: %s\n", step.At.UTC().Format("15:04:05 UTC"), step.Group, step.Text)
		}
	})
	text := func() string { return operator.EndingsText(result.Endings, p.style(io)) }
	if err := printResult(io, flags.json, result, text); err != nil {
		return err
	}
	return outcome(ctx, result, wait)
}

// outcome turns the endings into the command's error.
func outcome(ctx context.Context, result changed, wait time.Duration) error {
	ended, waiting := false, ""
	for _, e := range result.Endings {
		ended = ended || e.Outcome == operator.OutcomeEnded
		if e.Waited && e.Outcome == operator.OutcomeStands {
			waiting = e.Group
		}
	}
	switch {
	case ended:
		return errFailed
	case waiting != "" && ctx.Err() != nil:
		return errInterrupted{"what was asked for stands, and the next run follows it; see detour status " + waiting + ", and detour clear to end it"}
	case waiting != "":
		return failure{fmt.Errorf("no effect within %s, but what was asked for stands; see detour explain %s, and detour clear to end it", wait, waiting)}
	default:
		return nil
	}
}

// confirm asks for a yes.
func confirm(ctx context.Context, in io.Reader, out io.Writer) error {
	if !asksPerson(in) {
		return failure{errors.New("nothing was changed: there is no terminal to confirm it at; add --yes")}
	}
	return ask(ctx, in, out)
}

// ask reads the answer of a person. Ctrl-C is a no.
func ask(ctx context.Context, in io.Reader, out io.Writer) error {
	fmt.Fprint(out, "do this? (yes/no) ")
	answer := make(chan string, 1)
	go func() {
		line, _ := readLine(in) // The end of the input is an empty answer.
		answer <- line
	}()
	select {
	case said := <-answer:
		switch strings.ToLower(strings.TrimSpace(said)) {
		case "yes", "y":
			return nil
		}
		return failure{errors.New("nothing was changed: the answer was not yes")}
	case <-ctx.Done():
		return errInterrupted{"nothing was changed"}
	}
}

// readLine reads to the end of the line and not further: what follows is for
// whoever asks next.
func readLine(in io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < 1000 {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[:n]...)
		if err != nil {
			return string(line), err
		}
	}
	return string(line), nil
}

// asksPerson reports whether a person sits at the input.
func asksPerson(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	return isTerminal(file)
}
