package cannedtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"detour/shared/controller"
)

// Config returns the configuration of the account 111122223333 in a Region, whose calls
// doer answers.
func Config(t *testing.T, doer aws.HTTPClient, region string) aws.Config {
	t.Helper()
	out, err := Configs(doer)("111122223333", region)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Call is a call of one of the JSON protocols, as AWS would get it.
type Call struct {
	// Target is the service and the operation, with a dot between them.
	Target string
	Body   map[string]any
}

// JSON answers calls of a JSON protocol, and keeps them.
type JSON struct {
	// Answer gives the status and the body of the answer to a call, which is the last
	// of Calls then.
	Answer func(Call) (status int, body string)
	Calls  []Call
}

// Says answers always the same.
func Says(status int, body string) func(Call) (int, string) {
	return func(Call) (int, string) { return status, body }
}

// Do implements aws.HTTPClient.
func (j *JSON) Do(r *http.Request) (*http.Response, error) {
	call := Call{Target: r.Header.Get("X-Amz-Target")}
	if err := json.NewDecoder(r.Body).Decode(&call.Body); err != nil {
		return nil, err
	}
	j.Calls = append(j.Calls, call)
	status, body := j.Answer(call)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {r.Header.Get("Content-Type")}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// Expiring is a clock, and an aws.HTTPClient that lets the time of a call run out
// before it answers. The answer then breaks off, with an error that does not say so.
type Expiring struct {
	controller.Clock
	// Asked is the last timeout that was asked for.
	Asked time.Duration
	end   context.CancelFunc
}

// Timeout returns a context that ends with the next call.
func (e *Expiring) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	e.Asked = d
	ctx, e.end = context.WithCancel(ctx)
	return expired{ctx}, e.end
}

// Do implements aws.HTTPClient.
func (e *Expiring) Do(r *http.Request) (*http.Response, error) {
	e.end()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(CutOff{Call: r.Context()})}, nil
}

// expired is a context that ends as one does whose time ran out.
type expired struct{ context.Context }

func (e expired) Err() error {
	if e.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}
