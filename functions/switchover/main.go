// Command switchover is the Lambda function for events that may mean a dead
// path, and for wake-ups: it reconciles the groups concerned.
//
// Its triggers are the EventBridge rules of events/pattern and the queue of the
// wake-ups, with partial batch responses. Package wiring lists the environment.
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
	out := f.handler.Switchover(ctx, payload)
	return out.Answer()
}

func main() {
	built, err := wiring.Open("switchover", wiring.Process{Getenv: os.Getenv, ReadFile: os.ReadFile, Log: os.Stdout})
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function{handler: built})
}
