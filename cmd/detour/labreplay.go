package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/lab"
)

// replayFlags are the flags of lab replay.
type replayFlags struct {
	topology             string
	hintsOnly, json, log bool
	wire                 bool
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

The topologies that come with Detour: ` + strings.Join(topologyNames(), ", ") + `. A scenario, by name or file, is a network too.

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
	cmd.Flags().BoolVar(&flags.json, "json", false, "write JSON for a program instead of the report")
	cmd.Flags().BoolVar(&flags.log, "log", false, "write the lines that Detour logs to standard error")
	cmd.Flags().BoolVar(&flags.wire, "wire", false, wireUsage)
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, "the order of what happens at the same instant, and all latencies")
	return cmd
}

func labReplay(ctx context.Context, out streams, arg string, stdin io.Reader, flags replayFlags) error {
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
	return report(out, res, flags.json)
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
	if s, ok := lab.Find(arg); ok {
		if _, both := lab.FindTopology(arg); !both {
			return networkOf(s), nil
		}
	}
	network, err := loadTopology(arg)
	if err == nil || !isFile(arg) {
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

// report writes what came of a run, and fails if that was not as expected.
func report(io streams, res *lab.Result, asJSON bool) error {
	text := []byte(lab.Text(res, io.colour))
	if asJSON {
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
