package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

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
	if err := run("."); err != nil {
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
	if err := useNode(root); err != nil {
		return err
	}
	if err := useNoValidation(); err != nil {
		return err
	}
	// All that is temporary goes to one folder: the assets until the CDK has copied
	// them, and what the CDK's runtime unpacks. jsii.Close, which would remove the
	// latter, waits for the runtime twice, and says on standard error that it did.
	// The runtime ends by itself when this process does.
	scratch, err := os.MkdirTemp("", "detour-infra-")
	if err != nil {
		return fmt.Errorf("making a folder for what is temporary: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := os.Setenv("TMPDIR", scratch); err != nil {
		return err
	}
	app := newApp(nil, nil)
	if err := fill(app, root, filepath.Join(scratch, "assets")); err != nil {
		return err
	}
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

// fill puts the stacks of the configuration that the context names into the app.
// The functions' assets are made in a folder of scratch.
func fill(app awscdk.App, root, scratch string) error {
	file := text(app, contextConfig)
	if file == "" {
		return errors.New("no configuration is named; name one: make synth CONFIG=detour.yaml, or cdk synth -c config=detour.yaml")
	}
	c, err := readConfiguration(file)
	if err != nil {
		return err
	}
	b, err := blueprint.New(c, blueprint.Options{ExternalID: text(app, contextExternalID)})
	if err != nil {
		return fmt.Errorf("%s cannot be deployed: %w", file, err)
	}
	assets, err := stage(root, scratch, c, functionsOf(b))
	if err != nil {
		return err
	}
	render(app, deployment{blueprint: b, assets: assets, email: text(app, contextEmail)})
	return nil
}

// text returns a value of the context, or "" where it is not set.
func text(app awscdk.App, name string) string {
	value, _ := app.Node().TryGetContext(&name).(string)
	return value
}
