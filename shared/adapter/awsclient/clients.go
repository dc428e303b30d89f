// Package awsclient builds configurations of the AWS SDK: one for each account
// and Region, over one HTTP doer. No client that is made from them retries, and
// no error of one repeats a secret that AWS was sent.
package awsclient

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	// sessionName is the role session name in the other accounts' CloudTrail.
	sessionName = "detour"
	// sessionDuration is how long assumed credentials are valid: the longest that
	// role chaining allows, and that every role allows (STS API, AssumeRole).
	sessionDuration = time.Hour
)

// ErrNoRole says that no role is configured for an account that is not the home
// account.
var ErrNoRole = errors.New("no role is configured")

// HTTPDoer sends one HTTP request. *http.Client is one, the simulated network
// another.
type HTTPDoer interface {
	Do(request *http.Request) (*http.Response, error)
}

// Options are what configurations are built from.
type Options struct {
	// Doer sends every request, those to STS included. Required.
	Doer HTTPDoer
	// HomeAccount is the account of HomeCredentials (12 digits). Required.
	HomeAccount string
	// HomeCredentials are used in the home account, and to assume roles in the
	// others. Required.
	HomeCredentials aws.CredentialsProvider
	// HomeRegion is the Region whose STS is asked for the roles. Empty: each
	// Region's own.
	HomeRegion string
	// Role returns the ARN of the role to assume in another account; empty: none
	// is configured. A nil function configures none at all.
	Role func(account, region string) string
	// ExternalID is passed with every AssumeRole; empty: none.
	ExternalID string
	// BaseEndpoint is the URL of a server that stands in for AWS, for all services
	// and Regions; empty: AWS.
	BaseEndpoint string
}

// Clients builds configurations, and keeps the credentials of each role between
// them. It may be used from several goroutines.
type Clients struct {
	options Options

	mu    sync.Mutex
	roles map[assumed]*cache
}

// assumed names a set of assumed credentials: the role, and the Region whose
// STS gives them.
type assumed struct{ role, region string }

// New checks the options. The error names each option that is missing.
func New(options Options) (*Clients, error) {
	var errs []error
	if options.Doer == nil {
		errs = append(errs, errors.New("option Doer is missing: pass an HTTP client"))
	}
	if options.HomeAccount == "" {
		errs = append(errs, errors.New("option HomeAccount is missing: pass the 12 digits of the account that Detour runs in"))
	}
	if options.HomeCredentials == nil {
		errs = append(errs, errors.New("option HomeCredentials is missing: pass a credentials provider of the home account"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("building AWS configurations: %w", err)
	}
	c := &Clients{roles: make(map[assumed]*cache)}
	options.Doer = redactor{next: options.Doer, externalID: options.ExternalID, refused: c.forget}
	c.options = options
	return c, nil
}

// forget drops the assumed credentials that AWS refused: a role that was deleted
// and made anew does not know those of its predecessor, and they would be kept
// until shortly before their end.
func (c *Clients) forget(accessKey string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.roles {
		known.forget(accessKey)
	}
}

// Config returns the configuration for an account and Region. It makes no call:
// a role is assumed when the first request that needs it is signed, within that
// request's context. The error is ErrNoRole for an account without one.
func (c *Clients) Config(account, region string) (aws.Config, error) {
	if region == "" {
		return aws.Config{}, fmt.Errorf("building the AWS configuration of account %s: the Region is empty", account)
	}
	if account == c.options.HomeAccount {
		return c.config(region, c.options.HomeCredentials), nil
	}
	role := ""
	if c.options.Role != nil {
		role = c.options.Role(account, region)
	}
	if role == "" {
		return aws.Config{}, fmt.Errorf("building the AWS configuration of account %s in %s: %w for the account, and it is not the home account %s",
			account, region, ErrNoRole, c.options.HomeAccount)
	}
	return c.config(region, c.roleCredentials(role, region)), nil
}

// config is the one place where SDK configurations are made.
func (c *Clients) config(region string, credentials aws.CredentialsProvider) aws.Config {
	config := aws.Config{
		Region:      region,
		Credentials: credentials,
		HTTPClient:  c.options.Doer,
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	if c.options.BaseEndpoint != "" {
		config.BaseEndpoint = aws.String(c.options.BaseEndpoint)
	}
	return config
}

// roleCredentials returns the credentials of a role, the same ones for as long
// as they are valid.
func (c *Clients) roleCredentials(role, region string) aws.CredentialsProvider {
	if c.options.HomeRegion != "" {
		region = c.options.HomeRegion
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := assumed{role: role, region: region}
	if known, ok := c.roles[key]; ok {
		return known
	}
	client := sts.NewFromConfig(c.config(region, c.options.HomeCredentials))
	made := &cache{role: role, source: stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		o.Duration = sessionDuration
		if c.options.ExternalID != "" {
			o.ExternalID = aws.String(c.options.ExternalID)
		}
	})}
	c.roles[key] = made
	return made
}
