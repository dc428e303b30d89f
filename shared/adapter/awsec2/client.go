// Package awsec2 reads and writes route tables, and reads prefix lists and the
// evidence about paths, through the EC2 API. It is the only package that imports
// the EC2 client. It makes each call once: pacing, retries and re-planning are
// the controller's.
package awsec2

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"detour/shared/controller"
	"detour/shared/route"
)

// maxIDs is how many ids one Describe call is asked for. It keeps answers to
// one page (EC2 API, DescribeRouteTables: MaxResults is 100 at most).
const maxIDs = 100

// errNoClient: there is no SDK configuration for the account and Region, so no
// call was made.
var errNoClient = errors.New("no client for the account and Region")

// Client is what Tables, Lists, Evidence and Surroundings share: one EC2 client for each account and
// Region, and the bound of each call. It may be used from several goroutines.
type Client struct {
	configs func(account, region string) (aws.Config, error)
	clock   controller.Clock
	timeout time.Duration

	mu    sync.Mutex
	built map[endpoint]*ec2.Client
}

// endpoint is where an EC2 client speaks to.
type endpoint struct{ account, region string }

// New returns a Client. configs gives the SDK configuration of an account and
// Region, which must not retry; it is asked once for each. Every single API
// call, credentials included, ends after timeout.
func New(configs func(account, region string) (aws.Config, error), clock controller.Clock, timeout time.Duration) *Client {
	return &Client{configs: configs, clock: clock, timeout: timeout, built: make(map[endpoint]*ec2.Client)}
}

// Tables returns the route tables that the client reaches. references says of a
// transit gateway table whether its prefix list references are read too, which
// takes a call more; nil: of none.
func (c *Client) Tables(references func(route.Table) bool) *Tables {
	return &Tables{client: c, references: references}
}

// Evidence returns the evidence that the client reaches.
func (c *Client) Evidence() *Evidence { return &Evidence{client: c} }

// Surroundings returns what lies around the route tables that the client reaches.
func (c *Client) Surroundings() *Surroundings { return &Surroundings{client: c} }

// Lists returns the managed prefix lists that the client reaches.
func (c *Client) Lists(entries bool) *Lists { return &Lists{client: c, withEntries: entries} }

// api returns the EC2 client of an account and Region. A configuration that
// cannot be had is asked for again by the next call.
func (c *Client) api(account, region string) (*ec2.Client, error) {
	at := endpoint{account: account, region: region}
	c.mu.Lock()
	known, ok := c.built[at]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	config, err := c.configs(account, region)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoClient, err)
	}
	made := ec2.NewFromConfig(config)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.built[at]; ok {
		return known, nil
	}
	c.built[at] = made
	return made, nil
}

// call makes one API call under the timeout. An error of a call whose time ran
// out says so, whatever the transport made of it.
func call[In, Out any](ctx context.Context, c *Client, api *ec2.Client, input In, method func(*ec2.Client, context.Context, In, ...func(*ec2.Options)) (Out, error)) (Out, error) {
	ctx, cancel := c.clock.Timeout(ctx, c.timeout)
	defer cancel()
	output, err := method(api, ctx, input)
	if over := ctx.Err(); err != nil && over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return output, err
}

// follow reads the pages of an answer. page makes the call for the page that the
// token names, nil for the first, and returns the token of the next one. A page
// that was read already is not read again: the answer would have no end.
func follow(page func(token *string) (next *string, err error)) error {
	read := map[string]bool{"": true}
	for token := (*string)(nil); ; {
		next, err := page(token)
		if err != nil {
			return err
		}
		name := aws.ToString(next)
		if name == "" {
			return nil
		}
		if read[name] {
			return errPaging
		}
		read[name], token = true, next
	}
}

// together runs fn for 0 to n-1 at the same time, and returns when all have ended.
func (c *Client) together(ctx context.Context, n int, fn func(ctx context.Context, i int)) {
	if n == 1 {
		fn(ctx, 0)
		return
	}
	waits := make([]func(), n)
	for i := range n {
		waits[i] = c.clock.Go(ctx, func(ctx context.Context) { fn(ctx, i) })
	}
	for _, wait := range waits {
		wait()
	}
}

// inquire asks about resources of one account and Region by their ids, a hundred
// in each call, all calls at the same time. ask makes one call, and one for each
// further page. An id that EC2 refuses, by a code that resource starts, spoils
// the answer for all ids of its call; then ask is called again for each of them.
// The answer says, id by id, why ask failed.
func (c *Client) inquire(
	ctx context.Context, at endpoint, resource string, ids []string,
	ask func(ctx context.Context, api *ec2.Client, ids []string) error,
) []error {
	errs := make([]error, len(ids))
	api, err := c.api(at.account, at.region)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	jobs := spans(len(ids), maxIDs, func(int, int) bool { return true })
	c.together(ctx, len(jobs), func(ctx context.Context, i int) {
		job := jobs[i]
		err := ask(ctx, api, ids[job.from:job.to])
		if job.to-job.from > 1 && spoiledByOneID(err, resource) {
			c.together(ctx, job.to-job.from, func(ctx context.Context, n int) {
				errs[job.from+n] = ask(ctx, api, ids[job.from+n:job.from+n+1])
			})
			return
		}
		for n := job.from; n < job.to; n++ {
			errs[n] = err
		}
	})
	return errs
}

// span is a part of a sorted list: from is in it, to is not.
type span struct{ from, to int }

// spans cuts a list of n into parts of at most size whose neighbours are alike.
func spans(n, size int, alike func(i, j int) bool) []span {
	var out []span
	for from := 0; from < n; {
		to := from + 1
		for to < n && to-from < size && alike(from, to) {
			to++
		}
		out = append(out, span{from: from, to: to})
		from = to
	}
	return out
}
