package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/lab"
)

// replayFlags are the flags of lab replay.
type replayFlags struct {
	topology             string
	hintsOnly, wire, log bool
	report               reportFlags
	seed                 uint64
}

func labReplayCommand(io streams) *cobra.Command {
	flags := replayFlags{}
	cmd := &cobra.Command{
		Use:   "replay FILE --topology FILE|NAME",
		Short: "Play recorded events against a network",
		Long: `Play recorded EventBridge events against a network, in virtual time and at their distance in time, and tell what Detour makes
of each. FILE, or - for standard input, has a JSON array of events, one event on each line, or the messages of a CloudWatch Logs
log group that keeps events (the answer of filter-log-events, or an export).

The network follows the events: before the event of a tunnel, a BGP session of a Connect peer or an alarm, that tunnel, session or
alarm truly changes, so long before as AWS takes to find out. With --hints-only the network stays as it is, and shows
that an event is a hint and not the state. An event about what the network does not have is told, and given to Detour all the same.

The topologies that come with Detour: ` + strings.Join(lab.TopologyNames(), ", ") + `. A scenario, by name or file, is a network too.

Exit status: 0 played, 1 an invariant broken, 2 wrong usage or a wrong file.`,
		Example: `  detour lab replay events.json --topology cloud-join
  detour lab replay events.jsonl --topology ./my.topology.yaml --hints-only
  aws logs filter-log-events --log-group-name /aws/events/networkmanagerloggroup | detour lab replay - --topology ./my.topology.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one file with recorded events, not %d; - is standard input", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return labReplay(cmd.Context(), io, args[0], cmd.InOrStdin(), flags)
		},
	}
	cmd.Flags().StringVar(&flags.topology, "topology", "", "the network: a topology or scenario that comes with Detour, or a `file` with one")
	cmd.Flags().BoolVar(&flags.hintsOnly, "hints-only", false, "leave the network as it is, whatever the events tell")
	flags.report.bind(cmd)
	cmd.Flags().BoolVar(&flags.log, "log", false, "write the lines that Detour logs to standard error")
	cmd.Flags().BoolVar(&flags.wire, "wire", false, wireUsage)
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, "the order of what happens at the same instant, and all latencies")
	return cmd
}

func labReplay(ctx context.Context, out streams, arg string, stdin io.Reader, flags replayFlags) error {
	if err := flags.report.check(); err != nil {
		return err
	}
	network, err := loadNetwork(flags.topology)
	if err != nil {
		return err
	}
	recording, err := loadRecording(arg, stdin)
	if err != nil {
		return err
	}
	opts := lab.ReplayOptions{HintsOnly: flags.hintsOnly, Seed: flags.seed, Wire: flags.wire}
	if flags.log {
		opts.Log = out.err
	}
	res, err := lab.Replay(ctx, network, recording, opts)
	if ctx.Err() != nil && err != nil {
		return errInterrupted{"the recording was not played to its end, and there is no report"}
	}
	if err != nil {
		return err
	}
	return flags.report.write(out, res)
}

// loadRecording reads recorded events from a file or from standard input.
func loadRecording(arg string, stdin io.Reader) ([]lab.Recorded, error) {
	from := stdin
	if arg != "-" {
		file, err := os.Open(arg) //nolint:gosec // Whoever runs the command names the file.
		if err != nil {
			return nil, fmt.Errorf("reading the recording: %w; name a file that can be read, or - for standard input", err)
		}
		defer func() { _ = file.Close() }() // It was only read.
		from = file
	}
	// One byte more than is allowed tells that there are too many.
	data, err := io.ReadAll(io.LimitReader(from, lab.MaxRecording+1))
	if err != nil {
		return nil, fmt.Errorf("reading the recording: %w; name a file that can be read, or - for standard input", err)
	}
	recording, err := lab.ReadRecording(data)
	if err != nil {
		return nil, fmt.Errorf("the recording cannot be played: %w", err)
	}
	return recording, nil
}

// loadNetwork finds a network: a topology, or that of a scenario.
func loadNetwork(arg string) (*lab.TopologyFile, error) {
	if slices.Contains(lab.ScenarioNames(), arg) && !slices.Contains(lab.TopologyNames(), arg) {
		s, err := lab.Find(arg)
		if err != nil {
			return nil, err
		}
		return networkOf(s), nil
	}
	network, err := lab.OpenTopology(arg)
	if err == nil || !lab.IsFile(arg) {
		return network, err
	}
	if s, scenarioErr := load(arg); scenarioErr == nil {
		return networkOf(s), nil
	}
	return nil, err
}

func networkOf(s *lab.Scenario) *lab.TopologyFile {
	return &lab.TopologyFile{Name: s.Name, World: s.World, Topology: s.Topology, Config: s.Config}
}

// reportFlags are how a run is told of.
type reportFlags struct{ json, allRoutes bool }

func (f *reportFlags) bind(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.json, "json", false, "write JSON for a program instead of the report")
	cmd.Flags().BoolVar(&f.allRoutes, "all-routes", false, "show every route of the tables in the report, however many there are")
}

// check refuses flags that contradict one another.
func (f reportFlags) check() error {
	if f.json && f.allRoutes {
		return errors.New("--all-routes has no effect with --json, which has no tables; leave one of them out")
	}
	return nil
}

// write tells what came of a run, and fails if that was not as expected.
func (f reportFlags) write(io streams, res *lab.Result) error {
	text := []byte(lab.Text(res, lab.TextOptions{Colour: io.colour, AllRoutes: f.allRoutes}))
	if f.json {
		var err error
		if text, err = lab.JSON(res); err != nil {
			return err
		}
	}
	if _, err := io.out.Write(text); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if !res.Passed() {
		return errFailed
	}
	return nil
}
