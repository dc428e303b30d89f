package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"detour/infra/prelude"
	"detour/shared/blueprint"
	"detour/shared/config/source"
)

// The names of the context, which the CDK's command line sets with -c NAME=VALUE.
const (
	contextConfig     = "config"
	contextExternalID = "externalId"
	contextEmail      = "email"
)

func main() {
	if err := errors.Join(run("."), prelude.Close()); err != nil {
		tell(os.Stderr, err)
		os.Exit(1)
	}
}

// tell writes an error. All problems of a configuration are told, one a line, as
// detour config check does.
func tell(w io.Writer, err error) {
	var problems source.Problems
	if !errors.As(err, &problems) {
		_, _ = fmt.Fprintf(w, "detour: %v\n", err)
		return
	}
	for _, problem := range problems {
		_, _ = fmt.Fprintln(w, problem)
	}
	if len(problems) > 1 {
		_, _ = fmt.Fprintf(w, "%d problems\n", len(problems))
	}
}

// run synthesizes the stacks of the configuration that the context names. root is
// the folder of the repository.
func run(root string) (err error) {
	if err := prelude.Check(); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "assets-")
	if err != nil {
		return fmt.Errorf("making a folder for the functions' code: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	app := newApp(nil, nil)
	d, err := prepare(root, scratch, options{
		config: text(app, contextConfig), externalID: text(app, contextExternalID), email: text(app, contextEmail),
	})
	if err != nil {
		return err
	}
	render(app, d)
	app.Synth(nil)
	return nil
}

// newApp returns an app without stacks. Where the folder is not given it is the one
// that the command line names. What is left out of it is of no use to a deployment
// and would differ from one run to the next.
func newApp(folder *string, context map[string]any) awscdk.App {
	return awscdk.NewApp(&awscdk.AppProps{
		Outdir: folder, Context: &context,
		AnalyticsReporting: jsii.Bool(false), PerformanceReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false), StackTraces: jsii.Bool(false),
	})
}

// options are what the context says.
type options struct{ config, externalID, email string }

// prepare reads and checks all that the stacks are made from. The functions'
// assets are made in a folder of scratch.
func prepare(root, scratch string, o options) (deployment, error) {
	if o.config == "" {
		return deployment{}, errors.New("no configuration is named; name one: make synth CONFIG=detour.yaml, or cdk synth -c config=detour.yaml")
	}
	c, err := readConfiguration(o.config)
	if err != nil {
		return deployment{}, err
	}
	b, err := blueprint.New(c, blueprint.Options{ExternalID: o.externalID})
	if err != nil {
		return deployment{}, fmt.Errorf("%s cannot be deployed:\n%w", o.config, err)
	}
	assets, err := stage(root, scratch, c, functionsOf(b))
	if err != nil {
		return deployment{}, err
	}
	return deployment{blueprint: b, assets: assets, email: o.email}, nil
}

// text returns a value of the context, or "" where it is not set.
func text(app awscdk.App, name string) string {
	value, _ := app.Node().TryGetContext(&name).(string)
	return value
}
