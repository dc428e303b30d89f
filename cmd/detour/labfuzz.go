package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/lab"
)

// rerunEvery: each seed that it divides is played twice, to see that a seed
// gives one trace.
const rerunEvery = 50

// fuzzFlags are the flags of lab fuzz.
type fuzzFlags struct {
	seeds    int
	first    uint64
	parallel int
	json     bool
	wire     bool
}

func labFuzzCommand(io streams) *cobra.Command {
	flags := fuzzFlags{}
	cmd := &cobra.Command{
		Use:   "fuzz",
		Short: "Run Detour against random networks and faults",
		Long: `Make a random network from each seed, with failures, operators, other writers and faults of every kind, run Detour on it,
and check the invariants against the network's own tables and call log. A seed that breaks one is made smaller and printed
as a scenario file, which detour lab run plays again. Every 50th seed is played twice, and must give the same trace.

What is found is told on standard error at once. Ctrl-C ends the run, and prints what was found until then.

Exit status: 0 nothing found, 1 an invariant broken, 2 wrong usage.`,
		Example: `  detour lab fuzz --seeds 200
  detour lab fuzz --first 4711 --seeds 1   # one seed again
  detour lab fuzz --wire                   # with the record store, the queue and the bus over the wire, too`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.seeds < 1 {
				return fmt.Errorf("--seeds is %d; write how many seeds to try, at least 1", flags.seeds)
			}
			if flags.parallel < 1 {
				return fmt.Errorf("--parallel is %d; write how many to run at the same time, at least 1", flags.parallel)
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(400) // The SDKs make very much garbage, of which a network keeps little.
			}
			report, err := lab.Fuzz(cmd.Context(), lab.FuzzOptions{
				Seeds: flags.seeds, First: flags.first, Parallel: flags.parallel, Every: rerunEvery, Wire: flags.wire, Progress: io.err,
			})
			if writing := writeFuzz(io, report, flags.json); writing != nil {
				return writing
			}
			if err != nil {
				return errInterrupted{fmt.Sprintf("%d of %d seeds were played, and the report is about those", report.Seeds, flags.seeds)}
			}
			if len(report.Findings) > 0 {
				return errFailed
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&flags.seeds, "seeds", 200, "how many seeds to try")
	cmd.Flags().Uint64Var(&flags.first, "first", 1, "the first seed")
	cmd.Flags().IntVar(&flags.parallel, "parallel", 2, "how many networks to run at the same time")
	cmd.Flags().BoolVar(&flags.json, "json", false, "write JSON for a program")
	cmd.Flags().BoolVar(&flags.wire, "wire", false, wireUsage)
	return cmd
}

// fuzzFinding is a finding in JSON, with the file that shows it.
type fuzzFinding struct {
	lab.Finding
	Scenario string `json:"scenario,omitempty"`
}

func writeFuzz(io streams, report *lab.FuzzReport, asJSON bool) error {
	if asJSON {
		findings := []fuzzFinding{}
		for _, f := range report.Findings {
			findings = append(findings, fuzzFinding{f, fileOf(f)})
		}
		return writeJSON(io.out, struct {
			lab.FuzzReport
			Findings []fuzzFinding `json:"findings"`
		}{*report, findings})
	}
	var out strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&out, "seed %d\n", f.Seed)
		if f.Err != "" {
			fmt.Fprintf(&out, "  %s\n", f.Err)
		}
		for _, v := range f.Violations {
			fmt.Fprintf(&out, "  %s at %s, group %s: %s\n", v.Invariant, v.At.Sub(lab.Start()), v.Group, v.Text)
		}
		if file := fileOf(f); file != "" {
			fmt.Fprintf(&out, "  the smallest scenario that shows it:\n%s\n", indent([]byte(file)))
		}
	}
	fmt.Fprintf(&out, "seeds          %d, from %d\n", report.Seeds, report.First)
	fmt.Fprintf(&out, "findings       %d\n", len(report.Findings))
	fmt.Fprintf(&out, "run twice      %d, same trace\n", report.Rerun)
	fmt.Fprintf(&out, "API calls      %d\n", report.Calls)
	fmt.Fprintf(&out, "switchovers    %d\n", report.Switchovers)
	fmt.Fprintf(&out, "task switches  %d\n", report.TaskSwitches)
	fmt.Fprintf(&out, "faults         %s\n", counts(report.Faults))
	fmt.Fprintf(&out, "transitions    %s\n", counts(report.Transitions))
	fmt.Fprintf(&out, "networks with  %s\n", counts(report.Features))
	if _, err := io.out.Write([]byte(out.String())); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// fileOf is the scenario file of a finding, or nothing if it was not shrunk.
func fileOf(f lab.Finding) string {
	if f.Shrunk == nil {
		return ""
	}
	text, err := f.File()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func counts(list []lab.Count) string {
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s ×%d", c.What, c.N))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
