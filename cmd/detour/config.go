package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"detour/shared/config/source"
)

// standardInput is the file name that stands for standard input.
const standardInput = "-"

func configCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Work with Detour's configuration",
		Example: "  detour config json detour.yaml",
		Args:    cobra.ArbitraryArgs,
		RunE:    helpOr("detour config"),
	}
	cmd.AddCommand(configJSONCommand(io))
	return cmd
}

func configJSONCommand(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "json FILE",
		Short: "Check a configuration, and write it as the Lambda functions read it",
		Long: `Check a configuration file and write it as normalized JSON: every default filled in, in a fixed order. That is what the Lambda
functions read, from the file detour.json beside their binary. FILE is a YAML file, or - for standard input.

Exit status: 0 written, 2 the file is wrong; then every problem is told, with its line and column.`,
		Example: "  detour config json detour.yaml > detour.json\n  make build CONFIG=detour.yaml    # puts it beside each binary",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("name one configuration file, or - for standard input, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			data, name, err := readInput(args[0], cmd.InOrStdin())
			if err != nil {
				return fmt.Errorf("reading the configuration: %w", err)
			}
			c, err := source.Read(data, name)
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
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

// readInput reads a file, or standard input. name is how problems call it.
func readInput(arg string, stdin io.Reader) (data []byte, name string, err error) {
	if arg == standardInput {
		data, err = io.ReadAll(io.LimitReader(stdin, source.MaxSize+1))
		return data, "standard input", err
	}
	data, err = os.ReadFile(arg) //nolint:gosec // Whoever runs the command names the file.
	return data, arg, err
}
