package awsdynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
	"detour/shared/sim/dynamoapi"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// doer is what an SDK client sends its requests through.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A backend is something that answers DynamoDB's protocol.
type backend struct {
	name string
	// open returns how to reach it, or skips the test. The endpoint is empty where
	// the doer answers by itself.
	open func(t *testing.T) (through doer, endpoint string)
	// create makes an empty table.
	create func(t *testing.T, config aws.Config, table string)
}

var backends = []backend{
	{name: "DynamoDB Local", open: openLocal, create: createThroughAPI},
	{name: "simulated", open: openSimulated, create: createSimulated},
}

var simulated = sync.OnceValue(dynamoapi.New)

func openSimulated(*testing.T) (through doer, endpoint string) { return simulated(), "" }

func createSimulated(_ *testing.T, _ aws.Config, table string) {
	simulated().Create(account, region, table)
}

// TestMain ends DynamoDB Local, if a test started it.
func TestMain(m *testing.M) {
	code := m.Run()
	stopLocal()
	os.Exit(code)
}

// on runs a test on each backend.
func on(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

var tables atomic.Int64

// newTable returns a store maker for a new table. What wrap makes of the
// backend's doer is what a store sends its requests through; nil: the doer.
func (b backend) newTable(t *testing.T, clock controller.Clock) func(wrap func(doer) doer) *Store {
	t.Helper()
	through, endpoint := b.open(t)
	table := fmt.Sprintf("records-%d", tables.Add(1))
	b.create(t, configure(through, endpoint), table)
	return func(wrap func(doer) doer) *Store {
		t.Helper()
		outer := through
		if wrap != nil {
			outer = wrap(through)
		}
		return open(t, configure(outer, endpoint), table, clock)
	}
}

func open(t *testing.T, config aws.Config, table string, clock controller.Clock) *Store {
	t.Helper()
	store, err := New(config, Options{
		Table: table, Clock: clock, Lease: recordstest.Lease, Skew: recordstest.Skew, CallTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func configure(through doer, endpoint string) aws.Config {
	config := aws.Config{
		Region: region, HTTPClient: through,
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	if endpoint != "" {
		config.BaseEndpoint = aws.String(endpoint)
	}
	return config
}

func createThroughAPI(t *testing.T, config aws.Config, table string) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(config).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// request is a call as it goes out: the operation and the JSON of its input.
type request struct{ operation, body string }

func requestOf(r *http.Request) (request, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return request{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return request{operation: operation, body: string(raw)}, nil
}

// meddling is a doer that lets a test act before and after each call. What
// after returns takes the place of the answer.
type meddling struct {
	inner  doer
	before func(request)
	after  func(request) error

	mu    sync.Mutex
	calls []request
}

func (m *meddling) Do(r *http.Request) (*http.Response, error) {
	asked, err := requestOf(r)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.calls = append(m.calls, asked)
	m.mu.Unlock()
	if m.before != nil {
		m.before(asked)
	}
	answer, err := m.inner.Do(r)
	if err != nil || m.after == nil {
		return answer, err
	}
	if err := m.after(asked); err != nil {
		return nil, errors.Join(err, answer.Body.Close())
	}
	return answer, nil
}

// canned is a doer that answers each request with what a function says.
type canned func(ctx context.Context, asked request) (status int, body string)

func (c canned) Do(r *http.Request) (*http.Response, error) {
	asked, err := requestOf(r)
	if err != nil {
		return nil, err
	}
	status, body := c(r.Context(), asked)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

var errLost = errors.New("the answer was lost")

// losing is a doer that performs the first call of an operation, and loses its
// answer.
func losing(operation string) func(doer) doer {
	return func(inner doer) doer {
		lost := false
		return &meddling{inner: inner, after: func(asked request) error {
			if asked.operation != operation || lost {
				return nil
			}
			lost = true
			return errLost
		}}
	}
}
