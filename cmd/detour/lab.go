package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"detour/shared/lab"
)

func labCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run Detour on a simulated network",
		Long: `The lab runs Detour's own code on a simulated AWS network: transit gateways, VPCs, VPN connections, events that come late
or never, calls that are throttled, functions that are killed.

run, replay and fuzz have virtual time: a quarter of an hour takes a split second, and the same scenario and seed give the same run,
byte for byte. serve, do and invoke have real time: the network is there for the AWS CLI, for other programs, and for the binaries
that Lambda gets. docs/scenarios.md and docs/lab.md say more.`,
		Example: `  detour lab list
  detour lab run cloud-join
  detour lab fuzz --seeds 200
  detour lab serve --topology cloud-join --functions`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOr("detour lab"),
	}
	cmd.AddCommand(labRunCommand(io), labListCommand(io), labFuzzCommand(io), labReplayCommand(io), labServeCommand(io), labDoCommand(io), labInvokeCommand(io))
	return cmd
}

func labListCommand(io streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the scenarios that come with Detour",
		Long:    "List the scenarios that come with Detour, one on each line: the name, then what it shows.",
		Example: "  detour lab list\n  detour lab list --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			type item struct {
				Name  string `json:"name"`
				Title string `json:"title"`
				Story string `json:"story"`
			}
			items := []item{}
			width := 0
			scenarios, err := lab.Scenarios()
			if err != nil {
				return err
			}
			for _, s := range scenarios {
				items = append(items, item{s.Name, s.Title, s.Story})
				width = max(width, len(s.Name))
			}
			if asJSON {
				return writeJSON(io.out, items)
			}
			for _, i := range items {
				if _, err := fmt.Fprintf(io.out, "%-*s  %s\n", width, i.Name, i.Title); err != nil {
					return fmt.Errorf("writing the list: %w", err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON for a program")
	return cmd
}

func writeJSON(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s\n", text); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// wireUsage is what the flag wire does.
const wireUsage = "call the record store, the queue and the bus through their AWS adapters, instead of keeping them in memory"

// runFlags are the flags of lab run.
type runFlags struct {
	report    reportFlags
	log, wire bool
	seed      uint64
	trace     string
}

func labRunCommand(io streams) *cobra.Command {
	flags := runFlags{}
	cmd := &cobra.Command{
		Use:   "run SCENARIO|FILE",
		Short: "Play a scenario and tell what happened",
		Long: `Play a scenario: one that comes with Detour, by its name, or one of your own, by its file. An argument with a slash or one
that ends in .yaml or .yml is a file. docs/scenarios.md says how to write one.

The report says what the network looks like, what happened and when (minutes, seconds and milliseconds since the start),
what changed in the route tables, and whether all was as expected. Of a table with very many routes it shows the first that
changed; --all-routes shows all.

Exit status: 0 as expected, 1 not as expected or an invariant broken, 2 wrong usage or a wrong file.`,
		Example: `  detour lab run cloud-join               # tell what happened
  detour lab run cloud-join --seed 7      # another order of what happens at the same instant
  detour lab run ./my-network.yaml        # a network of your own
  detour lab run cloud-join --log         # with the lines that Detour logs, on standard error
  detour lab run cloud-join --json        # for a program`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one scenario or file, not %d; run detour lab list for the scenarios that there are", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return lab.ScenarioNames(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var seed *uint64
			if cmd.Flags().Changed("seed") {
				seed = &flags.seed
			}
			return labRun(cmd.Context(), io, args[0], seed, flags)
		},
	}
	flags.report.bind(cmd)
	cmd.Flags().Uint64Var(&flags.seed, "seed", 0, "play with this seed instead of the scenario's")
	cmd.Flags().BoolVar(&flags.log, "log", false, "write the lines that Detour logs to standard error")
	cmd.Flags().BoolVar(&flags.wire, "wire", false, wireUsage)
	cmd.Flags().StringVar(&flags.trace, "trace", "", "write every step of the simulation to this `file`")
	return cmd
}

func labRun(ctx context.Context, io streams, arg string, seed *uint64, flags runFlags) (err error) {
	if err := flags.report.check(); err != nil {
		return err
	}
	scenario, err := load(arg)
	if err != nil {
		return err
	}
	opts := lab.PlayOptions{Seed: seed, Wire: flags.wire}
	if flags.log {
		opts.Log = io.err
	}
	if flags.trace != "" {
		file, err := os.Create(flags.trace)
		if err != nil {
			return fmt.Errorf("trace file: %w; name a file that can be written", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		opts.Trace = file
	}
	res, err := lab.Play(ctx, scenario, opts)
	if ctx.Err() != nil && err != nil {
		return errInterrupted{"scenario " + scenario.Name + " was not played to its end, and there is no report"}
	}
	if err != nil {
		return err
	}
	return flags.report.write(io, res)
}

// load finds a scenario by name, or reads it from its file.
func load(arg string) (*lab.Scenario, error) {
	if lab.IsFile(arg) {
		data, err := os.ReadFile(arg) //nolint:gosec // Whoever runs the command names the file.
		if err != nil {
			return nil, fmt.Errorf("reading the scenario: %w; name a file that can be read, or a scenario of detour lab list", err)
		}
		s, err := lab.Parse(data, arg)
		if err != nil {
			return nil, fmt.Errorf("the scenario cannot be played:\n%w", err)
		}
		return s, nil
	}
	s, err := lab.Find(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no scenario %q; %s For a file write ./%s", arg, lab.Nearest(arg, lab.ScenarioNames()), arg)
	}
	return s, err
}

// indent puts spaces before every line.
func indent(text []byte) []byte {
	return append([]byte("  "), bytes.ReplaceAll(bytes.TrimRight(text, "\n"), []byte("\n"), []byte("\n  "))...)
}
