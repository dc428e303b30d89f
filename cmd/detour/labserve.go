package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"detour/shared/lab"
	"detour/shared/lab/live"
)

// serveFlags are the flags of lab serve.
type serveFlags struct {
	topology, listen, dir, template string
	functions, json                 bool
}

func labServeCommand(io streams) *cobra.Command {
	flags := serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve --topology FILE|NAME",
		Short: "Serve a simulated network to the AWS CLI and other programs",
		Long: `Serve a simulated network on this machine, in real time: EC2, CloudWatch, Network Manager, STS, DynamoDB, SQS and EventBridge at one
address, as far as Detour uses them. The first line says the address and what to try; a line for each thing that happens follows. The
network stands still until somebody does something to it: see detour lab do --help. Ctrl-C ends it.

With --functions, Detour's own Lambda binaries run as well, with the event rules, the schedule, the queue and the retries that AWS
puts around them. make build builds them.

With --template, what runs is what the templates of a cloud assembly describe, as make synth writes it to cdk.out: its functions with
their environment and configuration, rules, queues, schedules, and the forwarding between accounts. What the lab does not model is an error.

The topologies that come with Detour: ` + strings.Join(lab.TopologyNames(), ", ") + `. docs/lab.md says how to write one.

Exit status: 0 ended with Ctrl-C, 2 wrong usage or a wrong file.`,
		Example: `  detour lab serve --topology cloud-join
  detour lab serve --topology ./my.topology.yaml --functions
  detour lab serve --topology ./my.topology.yaml --template cdk.out
  detour lab serve --topology cloud-join --listen 127.0.0.1:0 --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := lab.OpenTopology(flags.topology)
			if err != nil {
				return err
			}
			opts := live.Options{File: file, Listen: flags.listen, Out: io.out, JSON: flags.json}
			switch {
			case flags.functions && flags.template != "":
				return fmt.Errorf("--functions runs the built-in deployment, and --template %s what the templates describe; leave one of them out", flags.template)
			case flags.template == "" && cmd.Flags().Changed("template"):
				return fmt.Errorf("--template is empty; name the folder that make synth has written, cdk.out")
			case flags.functions || flags.template != "":
				opts.FunctionsDir, opts.TemplateDir = flags.dir, flags.template
			case cmd.Flags().Changed("functions-dir"):
				return fmt.Errorf("--functions-dir is %q, and has no effect without --functions or --template; add one of them", flags.dir)
			}
			server, err := live.Start(cmd.Context(), opts)
			if err != nil {
				return err
			}
			<-cmd.Context().Done()
			return server.Close()
		},
	}
	cmd.Flags().StringVar(&flags.topology, "topology", "", "the network: a topology that comes with Detour, or a `file`")
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:4599", "the `address` on this machine; port 0 takes a free one")
	cmd.Flags().BoolVar(&flags.functions, "functions", false, "run Detour's Lambda functions")
	cmd.Flags().StringVar(&flags.template, "template", "", "run what the templates in this `folder` describe, such as cdk.out")
	cmd.Flags().StringVar(&flags.dir, "functions-dir", live.HostFunctions, "the `folder` with FUNCTION/bootstrap")
	cmd.Flags().BoolVar(&flags.json, "json", false, "write JSON for a program, one object on each line")
	return cmd
}

// closed joins the error of what was done with that of the server's end.
func closed(server *live.Server, err error) error { return errors.Join(err, server.Close()) }
