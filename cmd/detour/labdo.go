package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/lab/live"
)

func labDoCommand(io streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "do ADDRESS ACTION [ARGUMENT]...",
		Short: "Break, mend and look at a network that lab serve serves",
		Long: `Do something to the network that detour lab serve serves at the address, or look at it. A VPN connection may be given by its
id or its name.

` + live.Usage() + `

--json, anywhere, prints the answer for a program.

Exit status: 0 done, 2 wrong usage, or nobody answers at the address.`,
		Example: `  detour lab do 127.0.0.1:4599 tunnel-down primary
  detour lab do 127.0.0.1:4599 matrix
  detour lab do 127.0.0.1:4599 write tgw-rtb-0c000000000000001 10.0.0.0/8 blackhole --by terraform
  detour lab do 127.0.0.1:4599 request other-cloud manual-switch-to-working`,
		// The options belong to the action, and the server knows them.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
				return cmd.Help()
			}
			asJSON := slices.Contains(args, "--json")
			args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--json" })
			if len(args) < 2 {
				return errors.New("name the address that lab serve has printed, and an action; run detour lab do --help for those that there are")
			}
			reply, err := do(cmd.Context(), args[0], live.Order{Action: args[1], Args: args[2:]})
			if err != nil {
				return err
			}
			if asJSON {
				var out bytes.Buffer
				if err := json.Indent(&out, reply.Result, "", "  "); err != nil {
					return fmt.Errorf("writing the answer: %w", err)
				}
				reply.Text = out.String()
			}
			if _, err := fmt.Fprintln(io.out, reply.Text); err != nil {
				return fmt.Errorf("writing the answer: %w", err)
			}
			return nil
		},
	}
	return cmd
}

// do sends an order to the server at the address.
func do(ctx context.Context, address string, order live.Order) (live.Reply, error) {
	url := strings.TrimSuffix(address, "/")
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	body, err := json.Marshal(order)
	if err != nil {
		return live.Reply{}, fmt.Errorf("writing the order: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+live.ControlPath, bytes.NewReader(body))
	if err != nil {
		return live.Reply{}, fmt.Errorf("address %q: %w; write the address that lab serve has printed, such as 127.0.0.1:4599", address, err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	switch {
	case ctx.Err() != nil:
		return live.Reply{}, errInterrupted{"it is not known whether " + order.Action + " was done"}
	case err != nil:
		return live.Reply{}, fmt.Errorf("nobody answers at %s: %w; start detour lab serve, and write the address that it prints", address, err)
	}
	defer func() { _ = answer.Body.Close() }() // It was read to its end.
	var reply live.Reply
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		return live.Reply{}, fmt.Errorf("what answers at %s is no lab (status %d); write the address that lab serve has printed", address, answer.StatusCode)
	}
	if reply.Error != "" {
		return live.Reply{}, errors.New(reply.Error)
	}
	return reply, nil
}
