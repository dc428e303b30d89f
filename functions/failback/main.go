// Command failback is the Lambda function of the tasks of a failback. It is deployed
// once for each of them, with a role of its own, and DETOUR_TASK says which it is.
//
// The state machine of shared/failback invokes it, and reads the answer or the error:
// an error's name is that of its type. Package wiring lists the environment.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"detour/shared/failback"
	"detour/shared/handler"
	"detour/shared/wiring"
)

// function answers invocations; everything behind it was built before the first.
type function struct {
	handler *handler.Handler
	task    failback.Task
}

// Invoke implements lambda.Handler.
func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	out := f.handler.Failback(ctx, f.task, payload)
	return out.Answer()
}

func main() {
	task, built, err := wiring.OpenTask(wiring.Process{Getenv: os.Getenv, ReadFile: os.ReadFile, Log: os.Stdout})
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function{handler: built, task: task})
}
