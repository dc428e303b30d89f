// Package cannedtest is what the tests of adapters share that answer the AWS SDK
// themselves, over an HTTP doer of their own.
package cannedtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Configs returns the configurations of the accounts 111122223333 and
// 444455556666, whose calls doer answers; any other account is an error. Their
// secret is "planted-secret", which must not show anywhere.
func Configs(doer aws.HTTPClient) func(account, region string) (aws.Config, error) {
	return func(account, region string) (aws.Config, error) {
		if account != "111122223333" && account != "444455556666" {
			return aws.Config{}, fmt.Errorf("no role for %s", account)
		}
		return aws.Config{
			Region: region, HTTPClient: doer,
			Credentials: credentials.NewStaticCredentialsProvider(account, "planted-secret", ""),
			Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		}, nil
	}
}

// CutOff is the body of an answer whose connection is closed when the call's time
// is over, with an error that does not say so.
type CutOff struct {
	// Call is the context of the call.
	Call context.Context
}

// Read waits for the end of the call, and fails.
func (c CutOff) Read([]byte) (int, error) {
	<-c.Call.Done()
	return 0, errors.New("connection closed")
}

// Expect fails the test if the lines are not those that are wanted.
func Expect(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
