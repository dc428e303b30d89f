// Command bare is a Lambda function that does nothing: what the benchmarks
// compare the start of Detour's functions with.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

type function struct{}

// Invoke implements lambda.Handler.
func (function) Invoke(context.Context, []byte) ([]byte, error) { return []byte("null"), nil }

func main() { lambda.Start(function{}) }
