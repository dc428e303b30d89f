package awsclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// renewBefore is how long before their end credentials are replaced, so that a
// request that is signed with them still arrives in time.
const renewBefore = 5 * time.Minute

// cache keeps the credentials of a role until shortly before they end.
//
// It stands in for aws.CredentialsCache, which fetches in a goroutine of its
// own, under a context that never ends, and lets all callers wait for the one
// fetch: an STS call that hangs would outlive its caller's timeout, and deny the
// account to every later call. Here each fetch ends with its caller. The price
// is that callers who find the cache empty at the same time each fetch for
// themselves. No lock is held while they do.
//
// It lives as long as the process, so that the invocations of a warm Lambda
// environment share what it holds.
type cache struct {
	role   string
	source aws.CredentialsProvider

	mu   sync.Mutex
	kept aws.Credentials
}

var _ aws.CredentialsProvider = (*cache)(nil)

// Retrieve implements aws.CredentialsProvider. A fetch that fails is not kept.
func (c *cache) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if kept, ok := c.get(); ok {
		return kept, nil
	}
	fetched, err := c.source.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assuming role %s: %w", c.role, withoutAnswer(err))
	}
	if fetched.CanExpire {
		fetched.Expires = fetched.Expires.Add(-renewBefore)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = fetched
	return fetched, nil
}

// forget drops the credentials if they have the access key.
func (c *cache) forget(accessKey string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept.AccessKeyID == accessKey {
		c.kept = aws.Credentials{}
	}
}

func (c *cache) get() (aws.Credentials, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept, c.kept.HasKeys() && !c.kept.Expired()
}

// errLeftOut stands for what is wrong with an answer that holds credentials.
var errLeftOut = errors.New("what is wrong with it is left out, since it may quote credentials")

// withoutAnswer replaces the error of a call that succeeded and whose answer
// cannot be read: it quotes from the answer, and the answer holds credentials.
func withoutAnswer(err error) error {
	var garbled *smithy.DeserializationError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &garbled) || (errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusMultipleChoices) {
		return err
	}
	return fmt.Errorf("STS gave an answer that is no answer of AssumeRole: %w", &smithy.DeserializationError{Err: errLeftOut})
}
