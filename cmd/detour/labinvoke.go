package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"detour/events/payload"
	"detour/shared/lab"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// The beginnings of an event that is no file.
const (
	samplePrefix = "payload:"
	lastEvent    = "event:last"
)

// invokeFlags are the flags of lab invoke.
type invokeFlags struct {
	topology, dir string
	steps         []string
}

func labInvokeCommand(io streams) *cobra.Command {
	flags := invokeFlags{}
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION EVENT --topology FILE|NAME",
		Short: "Run one of Detour's Lambda binaries once, on a simulated network",
		Long: `Serve a network for the time of one invocation, do the steps to it, start the function's own binary as Lambda would, and hand
it the event. Printed are the steps, the function's log, its answer or error, what it wrote, and what it cost.

FUNCTION is switchover or sweep. EVENT is a file, - for standard input, payload:NAME for one of the samples in events/payload, or
event:last for the last event that the network sends of its tunnels because of the steps.

A step is an action of detour lab do. After a step on a tunnel the command waits until AWS has noticed. The record store is empty:
the first run of a group adopts what stands, and moves nothing. To see a move, let a sweep adopt first: --do sweep.

Exit status: 0 the function answered, 1 it failed, 2 wrong usage, a wrong file, or no binary.`,
		Example: `  detour lab invoke sweep payload:sweep.json --topology cloud-join
  detour lab invoke switchover event:last --topology cloud-join --do sweep --do "tunnel-down primary"
  detour lab invoke switchover ./event.json --topology ./my.topology.yaml --do sweep --do "tunnel-down vpn-1 203.0.113.11"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("name a function and an event, not %d arguments; run detour lab invoke --help for examples", len(args))
			}
			return nil
		},
		ValidArgs: []string{live.Sweep, live.Switchover},
		RunE: func(cmd *cobra.Command, args []string) error {
			return labInvoke(cmd.Context(), io, cmd.InOrStdin(), args[0], args[1], flags)
		},
	}
	cmd.Flags().StringVar(&flags.topology, "topology", "", "the network: a topology that comes with Detour, or a `file`")
	cmd.Flags().StringVar(&flags.dir, "functions-dir", live.HostFunctions, "the `folder` with FUNCTION/bootstrap")
	cmd.Flags().StringArrayVar(&flags.steps, "do", nil, "a `step` to do to the network before, such as \"tunnel-down primary\"; may be given more than once")
	return cmd
}

func labInvoke(ctx context.Context, io streams, stdin io.Reader, function, event string, flags invokeFlags) error {
	functions := []string{live.Sweep, live.Switchover}
	if !slices.Contains(functions, function) {
		return fmt.Errorf("there is no function %q; %s", function, lab.Nearest(function, functions))
	}
	file, err := lab.OpenTopology(flags.topology)
	if err != nil {
		return err
	}
	raw, err := readEvent(stdin, event)
	if err != nil {
		return err
	}
	if raw == nil {
		if err := sendsOne(file.Topology, flags.steps); err != nil {
			return err
		}
	}
	server, err := live.Start(ctx, live.Options{File: file, Listen: "127.0.0.1:0", FunctionsDir: flags.dir, Out: io.out, Manual: true})
	if err != nil {
		return err
	}
	return closed(server, invokeOn(ctx, io, server, function, raw, flags.steps, file.Topology))
}

// sendsOne refuses steps because of which the network sends no event, so that
// nobody waits for it.
func sendsOne(topology sim.Topology, steps []string) error {
	silent := "" // A connection that the steps change, and about which AWS sends nothing.
	for _, step := range steps {
		words := strings.Fields(step)
		if len(words) < 2 || !strings.HasPrefix(words[0], "tunnel-") {
			continue
		}
		at := slices.IndexFunc(topology.VPNs, func(vpn sim.VPNSpec) bool { return vpn.ID == words[1] || vpn.Name == words[1] })
		if at < 0 || topology.VPNs[at].VPNGateway == "" || sendsOther(topology, topology.VPNs[at].ID, steps) {
			return nil
		}
		silent = words[1]
	}
	if silent == "" {
		return fmt.Errorf("the event is %s, and no step makes the network send one; add --do \"tunnel-down VPN\"", lastEvent)
	}
	return fmt.Errorf("the event is %s, but AWS sends none about %s, a VPN connection on a virtual private gateway; "+
		"name a file or %sNAME, or add --do \"tunnel-down VPN\" for a connection on a transit gateway", lastEvent, silent, samplePrefix)
}

// sendsOther reports whether there may be an event that is about no tunnel: of a
// BGP session that a step changes, or of an alarm, which follows what a step
// changes or the connection.
func sendsOther(topology sim.Topology, vpn string, steps []string) bool {
	follows := func(alarm sim.AlarmSpec) bool { return alarm.VPN != "" && alarm.VPN == vpn || alarm.From != "" }
	changes := func(step string) bool {
		return slices.ContainsFunc([]string{
			"session-", "alarm", "instance-", "forwarding-", "line-", "source-dest-check-", "direct-connect-", "peering-", "attachment-", "gateway-",
		}, func(beginning string) bool { return strings.HasPrefix(strings.TrimSpace(step), beginning) })
	}
	return slices.ContainsFunc(topology.Alarms, follows) || slices.ContainsFunc(steps, changes)
}

// changedOne refuses steps that have left every tunnel as it was.
func changedOne(server *live.Server, topology sim.Topology, steps []string) error {
	if len(server.World().TunnelHistory()) > 0 || sendsOther(topology, "", steps) {
		return nil
	}
	return fmt.Errorf("the event is %s, but the steps have changed no tunnel, so the network sends none; do what changes one", lastEvent)
}

// readEvent reads the event. It is empty for the network's own last event, which
// there is only after the steps.
func readEvent(stdin io.Reader, event string) ([]byte, error) {
	name, isSample := strings.CutPrefix(event, samplePrefix)
	switch {
	case event == lastEvent:
		return nil, nil
	case isSample:
		raw, err := payload.Read(name)
		if err != nil {
			return nil, fmt.Errorf("there is no sample %q; %s", name, lab.Nearest(name, payload.Names()))
		}
		return raw, nil
	case event == "-":
		raw, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading the event: %w", err)
		}
		return raw, nil
	}
	raw, err := os.ReadFile(event) //nolint:gosec // Whoever runs the command names the file.
	if err != nil {
		return nil, fmt.Errorf("reading the event: %w; name a file, - for standard input, %sNAME or %s", err, samplePrefix, lastEvent)
	}
	return raw, nil
}

// invokeOn does the steps, invokes the function, and prints what came of it.
func invokeOn(ctx context.Context, io streams, server *live.Server, function string, raw []byte, steps []string, topology sim.Topology) error {
	for _, step := range steps {
		words := strings.Fields(step)
		if len(words) == 0 {
			return errors.New("--do is empty; write an action of detour lab do, such as \"tunnel-down primary\"")
		}
		if _, err := server.Do(ctx, words[0], words[1:]...); err != nil {
			return fmt.Errorf("--do %q: %w", step, err)
		}
		if err := server.WaitDetected(ctx); err != nil {
			return errInterrupted{"the function was not invoked"}
		}
	}
	if raw == nil {
		err := changedOne(server, topology, steps)
		if err != nil {
			return err
		}
		if raw, err = server.WaitEvent(ctx); err != nil {
			return errInterrupted{"the function was not invoked"}
		}
	}
	in, err := server.Invoke(ctx, function, raw)
	if err != nil {
		return errInterrupted{"the function did not end"}
	}
	var out bytes.Buffer
	if len(in.Answer) > 0 {
		fmt.Fprintf(&out, "\nanswer\n  %s\n", bytes.TrimSpace(in.Answer))
	}
	fmt.Fprintf(&out, "\nwrote\n%s\n", indent([]byte(wrote(server, function))))
	fmt.Fprintf(&out, "\ncost\n  start  %s ms\n  run    %s ms\n  peak   %.1f MB\n", milliseconds(in.Start), milliseconds(in.Took), float64(in.MaxRSS)/(1<<20))
	if _, err := io.out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if in.Result != live.Succeeded {
		return errFailed
	}
	return nil
}

// wrote lists the route writes of the function.
func wrote(server *live.Server, function string) string {
	var calls live.Calls
	for _, call := range server.World().Calls() {
		if call.Write != nil && (call.Process == function || strings.HasPrefix(call.Process, function+"-")) {
			calls = append(calls, call)
		}
	}
	if len(calls) == 0 {
		return "nothing"
	}
	return calls.Text()
}

// milliseconds has two digits behind the point.
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}
