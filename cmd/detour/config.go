package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/explain"
	"detour/shared/protection"
)

// standardInput is the file name that stands for standard input.
const standardInput = "-"

func configCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, explain and convert Detour's configuration",
		Long: `Work with a configuration file, without AWS. FILE is a YAML file, normalized JSON, or - for standard input. docs/configuration.md has
every key and every rule; docs/detour.schema.json makes an editor complete and check while you write, with this first line:

  # yaml-language-server: $schema=PATH/docs/detour.schema.json`,
		Example: `  detour config check detour.yaml                    # what is wrong with it, all at once
  detour config explain detour.yaml                  # what it means
  detour config json detour.yaml > detour.json       # what the functions read`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOr("detour config"),
	}
	cmd.AddCommand(configCheckCommand(io), configExplainCommand(io), configJSONCommand(io))
	return cmd
}

func configCheckCommand(io streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Find everything that is wrong with a configuration",
		Long: `Check a configuration file, and tell everything that is wrong with it at once: file, line and column, the key, what stands there, what is
wrong with it, and what would be right. Nothing is asked of AWS, so whether an id exists is not known here.

Exit status: 0 nothing is wrong, 1 there are problems, 2 wrong usage, or a file that cannot be read.`,
		Example: "  detour config check detour.yaml\n  detour config check detour.yaml --json\n  generate | detour config check -",
		Args:    oneConfiguration,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, name, err := readInput(args[0], cmd.InOrStdin())
			if err != nil {
				return unreadable(err)
			}
			c, err := source.Read(data, name)
			return reportCheck(io, checked(name, c, err), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON for a program: ok, problems and, where nothing is wrong, counts")
	return cmd
}

// checkReport is the JSON of config check.
type checkReport struct {
	File string `json:"file"`
	OK   bool   `json:"ok"`
	// Problems are in the order of the file. Truncated says that there may be more.
	Problems  source.Problems `json:"problems"`
	Truncated bool            `json:"truncated,omitempty"`
	Counts    *checkCounts    `json:"counts,omitempty"`
}

// checkCounts says how much was checked.
type checkCounts struct {
	Groups  int `json:"groups"`
	Enforce int `json:"enforce"`
	Paths   int `json:"paths"`
	Entries int `json:"entries"`
	Tables  int `json:"tables"`
}

func checked(name string, c config.Config, err error) checkReport {
	out := checkReport{File: name, OK: err == nil, Problems: source.Problems{}}
	if errors.As(err, &out.Problems) {
		out.Truncated = len(out.Problems) >= config.MaxProblems
		return out
	}
	tables := map[string]bool{}
	out.Counts = &checkCounts{Groups: len(c.GroupList)}
	for _, group := range c.Groups() {
		if group.Mode == protection.Enforce {
			out.Counts.Enforce++
		}
		out.Counts.Paths += len(group.Paths)
		for _, unit := range group.Units {
			out.Counts.Entries += len(unit.Entries)
		}
		for _, table := range group.Tables() {
			tables[table.ID] = true
		}
	}
	out.Counts.Tables = len(tables)
	return out
}

func reportCheck(io streams, report checkReport, asJSON bool) error {
	if asJSON {
		if err := writeJSON(io.out, report); err != nil {
			return err
		}
	} else if _, err := io.out.Write([]byte(report.text())); err != nil {
		return fmt.Errorf("writing the problems: %w", err)
	}
	if !report.OK {
		return errFailed
	}
	return nil
}

func (r checkReport) text() string {
	if n := r.Counts; n != nil {
		return fmt.Sprintf("%s: nothing is wrong. Groups: %d (%d in mode enforce). Paths: %d. Entries: %d. Tables: %d.\n", r.File, n.Groups, n.Enforce, n.Paths, n.Entries, n.Tables)
	}
	var out strings.Builder
	for _, problem := range r.Problems {
		out.WriteString(problem.String() + "\n")
	}
	switch {
	case r.Truncated:
		fmt.Fprintf(&out, "%d problems, and there may be more\n", len(r.Problems))
	case len(r.Problems) > 1:
		fmt.Fprintf(&out, "%d problems\n", len(r.Problems))
	}
	return out.String()
}

func configExplainCommand(io streams) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "explain FILE",
		Short: "Say what a configuration means, before it is used",
		Long: `Say what a configuration means, without AWS. For every group: what is watched of each path, which events can make Detour look sooner, how long
it takes at best and at worst until a failure is known and from what that follows, what moves together, and where BGP or a static route for
a shorter prefix would do without Detour. For every table: which declared destinations overlap, longest prefix first.

Every figure is listed with its source; those that are not certain are marked UNVERIFIED. The time to write the routes comes on top.

Exit status: 0 explained, 2 the file is wrong or cannot be read.`,
		Example: "  detour config explain detour.yaml\n  detour config explain detour.yaml --json",
		Args:    oneConfiguration,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := readConfiguration(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			explanation := explain.Explain(c)
			if asJSON {
				return writeJSON(io.out, explanation)
			}
			if _, err := io.out.Write([]byte(explain.Text(explanation))); err != nil {
				return fmt.Errorf("writing the explanation: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON for a program; it has every entry, where the text counts them")
	return cmd
}

func configJSONCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "json FILE",
		Short: "Check a configuration, and write it as the Lambda functions read it",
		Long: `Check a configuration file and write it as normalized JSON: every default filled in, in a fixed order. That is what the Lambda
functions read, from the file detour.json beside their binary. FILE is a YAML file, or - for standard input.

Exit status: 0 written, 2 the file is wrong; then the first problems are told, each with its line and column. detour config check tells all.`,
		Example: "  detour config json detour.yaml > detour.json\n  make build CONFIG=detour.yaml    # puts it beside each binary",
		Args:    oneConfiguration,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := readConfiguration(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			text, err := c.JSON()
			if err != nil {
				return err
			}
			if _, err := io.out.Write(text); err != nil {
				return fmt.Errorf("writing the configuration: %w", err)
			}
			return nil
		},
	}
}

func oneConfiguration(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name one configuration file, or - for standard input, not %d", len(args))
	}
	return nil
}

func readConfiguration(arg string, stdin io.Reader) (config.Config, error) {
	data, name, err := readInput(arg, stdin)
	if err != nil {
		return config.Config{}, unreadable(err)
	}
	c, err := source.Read(data, name)
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	return c, nil
}

func unreadable(err error) error {
	return fmt.Errorf("reading the configuration: %w; name a file that can be read, or - for standard input", err)
}

// readInput reads a file, or standard input, but no more of it than what tells
// that it is too large. name is how problems call it.
func readInput(arg string, stdin io.Reader) (data []byte, name string, err error) {
	if arg == standardInput {
		data, err = io.ReadAll(io.LimitReader(stdin, source.MaxSize+1))
		return data, "standard input", err
	}
	file, err := os.Open(arg) //nolint:gosec // Whoever runs the command names the file.
	if err != nil {
		return nil, arg, err
	}
	defer func() { _ = file.Close() }() // It was only read.
	data, err = io.ReadAll(io.LimitReader(file, source.MaxSize+1))
	return data, arg, err
}
