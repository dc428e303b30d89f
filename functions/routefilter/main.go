// Command routefilter is the Lambda function for what tells of learned routes: it
// enforces the filters concerned.
//
// Its triggers are the EventBridge rules for routing updates and for calls that
// change route tables, subscriptions of the BGP logs of VPN connections, and the
// queue of the filters' wake-ups, with partial batch responses. Package wiring lists
// the environment.
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
	out := f.handler.RouteFilter(ctx, payload)
	return out.Answer()
}

func main() {
	built, err := wiring.Open("routefilter", wiring.Process{Getenv: os.Getenv, ReadFile: os.ReadFile, Log: os.Stdout})
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function{handler: built})
}
