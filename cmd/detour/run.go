package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes.
const (
	exitOK = 0
	// exitFailed: what was run did not do what was expected of it.
	exitFailed = 1
	// exitUsage: the command line or a file is wrong.
	exitUsage = 2
	// exitUnhealthy: detour status --check or detour doctor found something to look
	// into.
	exitUnhealthy = 3
	// exitUnseen: detour doctor found nothing to look into, and could not look
	// everywhere.
	exitUnseen = 4
)

// errFailed ends the command with exitFailed; what failed was printed already.
var errFailed = errors.New("failed")

// errUnhealthy ends the command with exitUnhealthy; what is wrong was printed.
var errUnhealthy = errors.New("not healthy")

// errUnseen ends the command with exitUnseen; what was not seen was printed.
var errUnseen = errors.New("not examined")

// failure is an error that ends the command with exitFailed: nothing is wrong with
// the command line, but what it asked for was refused or did not work.
type failure struct{ error }

// Unwrap gives the error itself.
func (f failure) Unwrap() error { return f.error }

// errInterrupted ends the command with exitFailed; left says what the user has.
type errInterrupted struct{ left string }

func (e errInterrupted) Error() string { return "interrupted: " + e.left }

// streams are where a command reads and writes.
type streams struct {
	out, err io.Writer
	// colour says that out is a terminal whose user wants colour.
	colour bool
}

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	io := streams{out: stdout, err: stderr, colour: wantsColour(stdout)}
	root := rootCommand(io)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var interrupted errInterrupted
	var failed failure
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errUnhealthy):
		return exitUnhealthy
	case errors.Is(err, errUnseen):
		return exitUnseen
	case errors.As(err, &failed):
		fmt.Fprintln(stderr, "detour: "+failed.Error())
		return exitFailed
	case errors.As(err, &interrupted):
		fmt.Fprintln(stderr, "detour: "+interrupted.Error())
		return exitFailed
	default:
		fmt.Fprintln(stderr, "detour: "+err.Error())
		return exitUsage
	}
}

// wantsColour: only on a terminal, and not if the user has set NO_COLOR to
// anything (no-color.org).
func wantsColour(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return isTerminal(file)
}

// isTerminal reports whether a file is a terminal, as far as the standard library
// can tell: a character device, and not the null device, which is one as well.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// The groups of commands in the help.
const (
	groupLook   = "look"
	groupChange = "change"
)

func rootCommand(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "detour",
		Short: "Keep the traffic of an AWS network on a path that is alive",
		Long: `Detour keeps the routes of AWS networks on a path that is alive: when the path in use fails, it points them to the next.

When something is wrong:

  detour status                        on which path is each group, and what is wrong?
  detour explain GROUP                 why, and how did it come there?
  detour switch GROUP --to PATH        bring it elsewhere; every change is shown before, and asks
  detour failback start GROUP          bring it back to its working path, step by step
  detour freeze --all                  stop Detour from writing any route

The lab is Detour's own code on a simulated network, without an AWS account:

  detour lab run cloud-join            watch a rescue in virtual time
  detour lab serve --topology cloud-join --functions
  detour status --lab                  from a second terminal`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          helpOr("detour"),
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpCommand(helpCommand())
	root.AddGroup(&cobra.Group{ID: groupLook, Title: "Look:"}, &cobra.Group{ID: groupChange, Title: "Change:"})
	root.AddCommand(statusCommand(io), planCommand(io), explainCommand(io), doctorCommand(io))
	root.AddCommand(switchCommand(io), forceCommand(io), lockoutCommand(io), freezeCommand(io), unfreezeCommand(io))
	root.AddCommand(clearCommand(io), releaseCommand(io), adoptCommand(io), failbackCommand(io))
	root.AddCommand(labCommand(io), configCommand(io))
	return root
}

// helpOr shows the help of a command that only has commands below it, or says
// which there are.
func helpOr(path string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		text := fmt.Sprintf("%s has no command %q", path, args[0])
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return fmt.Errorf("%s; run %s --help for those that there are", text, path)
	}
}

// helpCommand is the command help, which knows what there is no help for.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about == nil {
				about, rest = cmd.Root(), args
			}
			if len(rest) > 0 {
				return helpOr(about.CommandPath())(about, rest)
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noArguments refuses arguments of a command that has flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no argument, but there is %q; leave it out, or run %s --help for the flags that there are", cmd.CommandPath(), args[0], cmd.CommandPath())
}

func flagProblem(cmd *cobra.Command, err error) error {
	if wrong := (*pflag.InvalidValueError)(nil); errors.As(err, &wrong) {
		remedy := "write a value that it takes"
		switch wrong.GetFlag().Value.Type() {
		case "uint64":
			remedy = "write a whole number from 0 to 18446744073709551615"
		case "int":
			remedy = "write a whole number"
		case "bool":
			remedy = "write true or false, or the flag alone"
		}
		return fmt.Errorf("--%s is %q; %s", wrong.GetFlag().Name, wrong.GetValue(), remedy)
	}
	return fmt.Errorf("%w; run %s --help for the flags that there are", err, cmd.CommandPath())
}
