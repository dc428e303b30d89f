// Command sweep is the Lambda function of the schedule: it looks at every group and filter
// and reconciles those in which there is something to do. It needs no event.
//
// Package wiring lists the environment.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"detour/shared/handler"
	"detour/shared/wiring"
)

// function answers invocations; everything behind it was built before the first.
type function struct{ handler *handler.Handler }

// Invoke implements lambda.Handler. An error asks the trigger to send the
// message again.
func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	out := f.handler.Sweep(ctx, payload)
	return out.Answer()
}

func main() {
	built, err := wiring.Open("sweep", wiring.Process{Getenv: os.Getenv, ReadFile: os.ReadFile, Log: os.Stdout})
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function{handler: built})
}
