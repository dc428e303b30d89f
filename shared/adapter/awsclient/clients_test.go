package awsclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"detour/shared/adapter/awsclient"
)

const (
	home    = "111111111111"
	foreign = "222222222222"
	role    = "arn:aws:iam::222222222222:role/detour"
)

// fakeSTS answers AssumeRole with the role's account as access key id, and
// GetCallerIdentity with the access key id that signed the request.
type fakeSTS struct {
	expires string
	fail    int
	// refuse is the code with which the next GetCallerIdentity is refused.
	refuse string

	mu    sync.Mutex
	calls []call
}

type call struct {
	host, key, region, action string
	params                    url.Values
}

func (f *fakeSTS) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	params, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	// AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	seen := call{host: r.URL.Host, key: parts[0], region: parts[2], action: params.Get("Action"), params: params}
	f.mu.Lock()
	f.calls = append(f.calls, seen)
	f.mu.Unlock()
	status, body := http.StatusOK, ""
	switch {
	case f.fail != 0:
		status, body = f.fail, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
	case f.refuse != "" && seen.action == "GetCallerIdentity":
		status, body = http.StatusForbidden, `<ErrorResponse><Error><Code>`+f.refuse+`</Code><Message>no</Message></Error></ErrorResponse>`
		f.refuse = ""
	case seen.action == "AssumeRole":
		account := strings.Split(params.Get("RoleArn"), ":")[4]
		body = fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, account, f.expires)
	default:
		body = fmt.Sprintf(`<GetCallerIdentityResponse><GetCallerIdentityResult><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, seen.key)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewBufferString(body)), Request: r}, nil
}

func (f *fakeSTS) actions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.action)
	}
	return out
}

func build(t *testing.T, change func(*awsclient.Options)) (*awsclient.Clients, *fakeSTS) {
	t.Helper()
	doer := &fakeSTS{expires: "2099-01-01T00:00:00Z"}
	options := awsclient.Options{
		Doer: doer, HomeAccount: home, HomeCredentials: credentials.NewStaticCredentialsProvider(home, "secret", ""),
		HomeRegion: "eu-central-1", ExternalID: "shared-secret",
		Role: func(account, _ string) string {
			if account == foreign {
				return role
			}
			return ""
		},
	}
	if change != nil {
		change(&options)
	}
	clients, err := awsclient.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return clients, doer
}

// whoami returns the account that signs requests for account and region.
func whoami(ctx context.Context, clients *awsclient.Clients, account, region string) (string, error) {
	config, err := clients.Config(account, region)
	if err != nil {
		return "", err
	}
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Account), nil
}

func TestHomeAccountUsesItsOwnCredentials(t *testing.T) {
	clients, doer := build(t, nil)
	got, err := whoami(t.Context(), clients, home, "eu-west-1")
	if err != nil || got != home {
		t.Fatalf("signed as %q, %v", got, err)
	}
	if !slices.Equal(doer.actions(), []string{"GetCallerIdentity"}) || doer.calls[0].region != "eu-west-1" {
		t.Errorf("calls were %+v", doer.calls)
	}
}

func TestForeignAccountAssumesItsRoleOnce(t *testing.T) {
	clients, doer := build(t, nil)
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		got, err := whoami(t.Context(), clients, foreign, region)
		if err != nil || got != foreign {
			t.Fatalf("signed as %q, %v", got, err)
		}
	}
	if got := doer.actions(); !slices.Equal(got, []string{"AssumeRole", "GetCallerIdentity", "GetCallerIdentity"}) {
		t.Fatalf("calls were %v", got)
	}
	assume := doer.calls[0]
	if assume.key != home || assume.region != "eu-central-1" {
		t.Errorf("the role was assumed as %s in %s, want the home account in the home Region", assume.key, assume.region)
	}
	for name, want := range map[string]string{"RoleArn": role, "ExternalId": "shared-secret", "RoleSessionName": "detour"} {
		if got := assume.params.Get(name); got != want {
			t.Errorf("AssumeRole was sent %s %q, want %q", name, got, want)
		}
	}
}

func TestEachRegionAsksItsOwnSTSWithoutHomeRegion(t *testing.T) {
	clients, doer := build(t, func(o *awsclient.Options) { o.HomeRegion, o.ExternalID = "", "" })
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		if _, err := whoami(t.Context(), clients, foreign, region); err != nil {
			t.Fatal(err)
		}
	}
	if doer.calls[0].region != "eu-west-1" || doer.calls[2].region != "us-east-1" || doer.calls[2].action != "AssumeRole" {
		t.Errorf("calls were %+v", doer.calls)
	}
	if doer.calls[0].params.Has("ExternalId") {
		t.Error("an empty external id was sent")
	}
}

// TestWarmInvocationsShareCredentials: what a process builds once serves every
// invocation, so there is one AssumeRole for each role and Region.
func TestWarmInvocationsShareCredentials(t *testing.T) {
	template, err := awsclient.RoleTemplate("arn:aws:iam::{account}:role/detour-{region}")
	if err != nil {
		t.Fatal(err)
	}
	clients, doer := build(t, func(o *awsclient.Options) { o.Role = template })
	for range 2 { // Invocations.
		for _, account := range []string{foreign, "333333333333"} {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				for range 2 { // Config calls.
					if got, err := whoami(t.Context(), clients, account, region); err != nil || got != account {
						t.Fatalf("signed as %q, %v", got, err)
					}
				}
			}
		}
	}
	var roles []string
	for _, c := range doer.calls {
		if c.action == "AssumeRole" {
			roles = append(roles, c.params.Get("RoleArn"))
		}
	}
	want := []string{
		"arn:aws:iam::222222222222:role/detour-eu-west-1", "arn:aws:iam::222222222222:role/detour-us-east-1",
		"arn:aws:iam::333333333333:role/detour-eu-west-1", "arn:aws:iam::333333333333:role/detour-us-east-1",
	}
	if !slices.Equal(roles, want) {
		t.Errorf("the roles that were assumed are %q, want %q", roles, want)
	}
}

// TestCredentialsNearTheirEndAreReplaced: five minutes before it, and not
// earlier. The ends are far from that by more than any test takes.
func TestCredentialsNearTheirEndAreReplaced(t *testing.T) {
	for _, test := range []struct {
		left time.Duration
		want []string
	}{
		{30 * time.Minute, []string{"AssumeRole", "GetCallerIdentity", "GetCallerIdentity"}},
		{4 * time.Minute, []string{"AssumeRole", "GetCallerIdentity", "AssumeRole", "GetCallerIdentity"}},
		{-time.Minute, []string{"AssumeRole", "GetCallerIdentity", "AssumeRole", "GetCallerIdentity"}},
	} {
		clients, doer := build(t, nil)
		doer.expires = time.Now().Add(test.left).UTC().Format(time.RFC3339)
		for range 2 {
			if _, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err != nil {
				t.Fatal(err)
			}
		}
		if got := doer.actions(); !slices.Equal(got, test.want) {
			t.Errorf("with %s left the calls were %v, want %v", test.left, got, test.want)
		}
	}
}

// TestRefusedCredentialsAreForgotten: a role that was made anew does not know the
// credentials of its predecessor. What the role may not do is another matter.
func TestRefusedCredentialsAreForgotten(t *testing.T) {
	const assume, call = "AssumeRole", "GetCallerIdentity"
	for code, want := range map[string][]string{
		"InvalidClientTokenId":        {assume, call, assume, call},
		"AuthFailure":                 {assume, call, assume, call},
		"ExpiredToken":                {assume, call, assume, call},
		"UnrecognizedClientException": {assume, call, assume, call},
		"UnauthorizedOperation":       {assume, call, call},
	} {
		clients, doer := build(t, nil)
		doer.refuse = code
		if _, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err == nil {
			t.Fatalf("%s: the refused call succeeded", code)
		}
		if _, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err != nil {
			t.Errorf("%s: the next call failed: %v", code, err)
		}
		if got := doer.actions(); !slices.Equal(got, want) {
			t.Errorf("%s: the calls were %v, want %v", code, got, want)
		}
	}
}

// TestCredentialsEndFiveMinutesEarly is the same to the second.
func TestCredentialsEndFiveMinutesEarly(t *testing.T) {
	clients, _ := build(t, nil)
	config, err := clients.Config(foreign, "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Credentials.Retrieve(t.Context())
	if want := time.Date(2098, 12, 31, 23, 55, 0, 0, time.UTC); err != nil || !got.CanExpire || !got.Expires.Equal(want) {
		t.Errorf("credentials that end at 2099-01-01T00:00:00Z are used until %s, %v", got.Expires, err)
	}
}

func TestFailedAssumeRoleIsTriedAgainByTheNextRequestOnly(t *testing.T) {
	clients, doer := build(t, nil)
	doer.fail = http.StatusServiceUnavailable
	if _, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err == nil {
		t.Fatal("a role that cannot be assumed gave credentials")
	}
	if got := doer.actions(); !slices.Equal(got, []string{"AssumeRole"}) {
		t.Errorf("the SDK retried: %v", got)
	}
	doer.fail = 0
	if got, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err != nil || got != foreign {
		t.Errorf("signed as %q, %v", got, err)
	}
}

func TestConcurrentFirstUse(t *testing.T) {
	clients, _ := build(t, nil)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err != nil || got != foreign {
				t.Errorf("signed as %q, %v", got, err)
			}
		})
	}
	group.Wait()
}

func TestNoClientRetries(t *testing.T) {
	clients, doer := build(t, nil)
	doer.fail = http.StatusServiceUnavailable
	if _, err := whoami(t.Context(), clients, home, "eu-west-1"); err == nil {
		t.Fatal("a 503 was taken for an answer")
	}
	if got := doer.actions(); len(got) != 1 {
		t.Errorf("calls were %v, want one", got)
	}
}

func TestBaseEndpointStandsForAllServices(t *testing.T) {
	clients, doer := build(t, func(o *awsclient.Options) { o.BaseEndpoint = "http://127.0.0.1:4566" })
	if _, err := whoami(t.Context(), clients, foreign, "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	for _, c := range doer.calls {
		if c.host != "127.0.0.1:4566" {
			t.Errorf("%s went to %s", c.action, c.host)
		}
	}
}

func TestErrors(t *testing.T) {
	clients, _ := build(t, nil)
	_, err := clients.Config("333333333333", "eu-west-1")
	if !errors.Is(err, awsclient.ErrNoRole) || !strings.Contains(err.Error(), "333333333333") {
		t.Errorf("an account without a role answered %v", err)
	}
	if _, err := clients.Config(home, ""); err == nil {
		t.Error("an empty Region was taken")
	}
	none, _ := build(t, func(o *awsclient.Options) { o.Role = nil })
	if _, err := none.Config(foreign, "eu-west-1"); !errors.Is(err, awsclient.ErrNoRole) {
		t.Errorf("without any role Config answered %v", err)
	}
	_, err = awsclient.New(awsclient.Options{})
	if err == nil {
		t.Fatal("empty options were taken")
	}
	for _, name := range []string{"Doer", "HomeAccount", "HomeCredentials"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
