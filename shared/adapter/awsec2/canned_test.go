package awsec2

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"detour/shared/adapter/cannedtest"
	"detour/shared/adapter/recordstest"
	"detour/shared/route"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// canned is an HTTP doer that answers each request with what a function says.
type canned struct {
	answer func(ctx context.Context, params url.Values) (status int, body string, err error)

	mu    sync.Mutex
	calls []url.Values
}

func (c *canned) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	params, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.calls = append(c.calls, params)
	c.mu.Unlock()
	status, body, err := c.answer(r.Context(), params)
	if err != nil {
		return nil, err
	}
	stream := io.Reader(strings.NewReader(body))
	if body == stalls {
		stream = cannedtest.CutOff{Call: r.Context()}
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(stream), Request: r}, nil
}

// stalls is the body of an answer whose connection is closed when the call's time
// is over.
const stalls = "stalls"

// actions returns the calls' actions, sorted, since calls run side by side.
func (c *canned) actions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, params := range c.calls {
		out = append(out, params.Get("Action"))
	}
	slices.Sort(out)
	return out
}

// list returns the values of PREFIX.1, PREFIX.2, ….
func list(params url.Values, prefix string) []string {
	var out []string
	for n := 1; params.Has(fmt.Sprintf("%s.%d", prefix, n)); n++ {
		out = append(out, params.Get(fmt.Sprintf("%s.%d", prefix, n)))
	}
	return out
}

func fault(code string) string {
	return "<Response><Errors><Error><Code>" + code + "</Code><Message>about " + code + "</Message></Error></Errors><RequestID>r</RequestID></Response>"
}

// answers returns a doer that gives the same answer to every request.
func answers(status int, body string) *canned {
	return &canned{answer: func(context.Context, url.Values) (int, string, error) { return status, body, nil }}
}

// steppingClock moves a second with every Now, so that instants tell the order.
type steppingClock struct{ recordstest.Clock }

func (c *steppingClock) Now() time.Time {
	c.Advance(time.Second)
	return c.Clock.Now()
}

// realTimeout is a clock whose timeouts run out.
type realTimeout struct{ *recordstest.Clock }

func (realTimeout) Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

func client(doer *canned) *Client {
	return New(cannedtest.Configs(doer), recordstest.NewClock(), 5*time.Second)
}

func tgwTable(id string) route.Table {
	return route.Table{Kind: route.TransitGatewayTable, ID: id, Account: account, Region: region}
}

func vpcTable(id string) route.Table {
	return route.Table{Kind: route.VPCTable, ID: id, Account: account, Region: region}
}

// lines prints routes, one line each.
func lines(routes []route.Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, fmt.Sprintf("%s %s %s/%s %s", r.Destination, r.Origin, r.NextHop.Kind, r.NextHop, r.State))
	}
	return out
}
