// Command bgplab serves a simulated network as detour lab serve does, and AWS's
// ends of its BGP sessions to real routers: GoBGP, FRR, or whatever else speaks
// BGP. It is a command of its own so that nothing else has to link a BGP
// implementation. docs/bgp.md shows it at work.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"detour/shared/lab"
	"detour/shared/lab/bgp"
	"detour/shared/lab/live"
	"detour/shared/sim"
)

// The exit codes, as detour has them.
const (
	exitOK    = 0
	exitUsage = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends the program at once.
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := command(stdout)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "bgplab: "+err.Error())
		return exitUsage
	}
	return exitOK
}

// flags are what the command line says.
type flags struct {
	topology, listen, dir, template string
	functions, json                 bool
	port                            uint16
	hold                            time.Duration
	sites                           []string
}

func command(out io.Writer) *cobra.Command {
	f := flags{}
	cmd := &cobra.Command{
		Use:   "bgplab --topology FILE|NAME",
		Short: "Serve a simulated network, and its BGP sessions to real routers",
		Long: `Serve a simulated network on this machine as detour lab serve does, and AWS's ends of its BGP sessions to real routers.

Each session of a Connect peer, of a VPN connection with bgp and of a Direct Connect gateway listens on a loopback address: 127 and the
last three octets of AWS's address inside the tunnel, and the port of --bgp-port. A router that connects from the address that the first
lines name, with the ASN that they name, is the router of the network. What it announces enters the network, it hears what AWS advertises
to it, and when its session dies the network notices. No GRE, no IPsec, and no packet but those of BGP.

The topologies that come with Detour: ` + strings.Join(lab.TopologyNames(), ", ") + `. docs/lab.md says how to write one, docs/bgp.md how to
connect a router.

Exit status: 0 ended with Ctrl-C, 2 wrong usage or a wrong file.`,
		Example: `  bgplab --topology connect-two-gateways
  bgplab --topology ./my.topology.yaml --site branch --hold-time 3s --functions`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), f, out) },
	}
	cmd.Flags().StringVar(&f.topology, "topology", "", "the network: a topology that comes with Detour, or a `file`")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:4599", "the `address` of the AWS services on this machine; port 0 takes a free one")
	cmd.Flags().Uint16Var(&f.port, "bgp-port", bgp.DefaultPort, "the `port` of AWS's ends of the BGP sessions")
	cmd.Flags().DurationVar(&f.hold, "hold-time", bgp.DefaultHoldTime, "the hold `time` that AWS's ends ask for, 3s to see a dead session soon")
	cmd.Flags().StringArrayVar(&f.sites, "site", nil, "only the router of this `site` is a real one; may be given more than once")
	cmd.Flags().BoolVar(&f.functions, "functions", false, "run Detour's Lambda functions")
	cmd.Flags().StringVar(&f.template, "template", "", "run what the templates in this `folder` describe, such as cdk.out")
	cmd.Flags().StringVar(&f.dir, "functions-dir", live.HostFunctions, "the `folder` with FUNCTION/bootstrap")
	cmd.Flags().BoolVar(&f.json, "json", false, "write JSON for a program, one object on each line")
	return cmd
}

// serve runs the network and the sessions until ctx ends.
func serve(ctx context.Context, f flags, out io.Writer) error {
	opts, err := options(f, out)
	if err != nil {
		return err
	}
	var speakers []bgp.Speaker
	opts.Prepare = func(w *sim.World) (err error) {
		speakers, err = bgp.Speakers(w, f.port, f.sites...)
		return err
	}
	server, err := live.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer server.Close() //nolint:errcheck // A second Close answers as the first.
	sessions, err := bgp.Serve(ctx, server, speakers, f.hold)
	if err != nil {
		return err
	}
	<-ctx.Done()
	sessions.Close()
	return server.Close()
}

// options are those of the network.
func options(f flags, out io.Writer) (live.Options, error) {
	if f.port == 0 {
		return live.Options{}, fmt.Errorf("--bgp-port is 0; name the port that the routers are to connect to, such as %d", bgp.DefaultPort)
	}
	if f.functions && f.template != "" {
		return live.Options{}, fmt.Errorf("--functions runs the built-in deployment, and --template %s what the templates describe; leave one of them out", f.template)
	}
	file, err := lab.OpenTopology(f.topology)
	if err != nil {
		return live.Options{}, err
	}
	opts := live.Options{File: file, Listen: f.listen, Out: out, JSON: f.json, TemplateDir: f.template}
	if f.functions || f.template != "" {
		opts.FunctionsDir = f.dir
	}
	return opts, nil
}
