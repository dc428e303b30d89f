package awsclient_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/awsevents"
	"detour/shared/adapter/awswake"
	"detour/shared/adapter/recordstest"
	"detour/shared/controller"
)

// The secrets that are planted. They have the characters that real ones have,
// and that are written otherwise in a URL.
const (
	homeSecret    = "planted+home/secret=key"
	homeToken     = "planted//home+session+token=="
	externalID    = "planted:external/id=1"
	assumedSecret = "planted+assumed/secret=key"
	assumedToken  = "planted//assumed+session+token=="
)

func secrets() []string {
	var out []string
	for _, s := range []string{homeSecret, homeToken, externalID, assumedSecret, assumedToken} {
		out = append(out, s, url.QueryEscape(s))
	}
	return out
}

// answerer is a doer that is a function of the request and its body.
type answerer func(r *http.Request, body string) (*http.Response, error)

func (a answerer) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return a(r, string(raw))
}

func answer(status int, body io.Reader) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{"X-Amz-Crc32": {"1"}, "Content-Length": {"1"}}, Body: io.NopCloser(body)}, nil
}

// echo is everything that AWS was sent, as the canonical request of its error
// message has it, and once more as it came.
func echo(r *http.Request, body string) string {
	lines := []string{r.Method, r.URL.String()}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		lines = append(lines, strings.ToLower(name)+":"+strings.Join(r.Header[name], ","))
	}
	if plain, err := url.QueryUnescape(body); err == nil {
		lines = append(lines, plain)
	}
	return strings.Join(append(lines, body), " ")
}

// fault is an error answer in both protocols at once: each SDK client finds its
// own.
func fault(r *http.Request, code, message string) string {
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		return fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
	}
	message = html.EscapeString(message) // What XML asks for as well.
	return fmt.Sprintf("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
}

const assumedXML = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIDASSUMED</AccessKeyId><SecretAccessKey>` + assumedSecret +
	`</SecretAccessKey><SessionToken>` + assumedToken + `</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`

// failures are the answers that must not put a secret into an error.
func failures() map[string]answerer {
	status := func(code int, name string) answerer {
		return func(r *http.Request, body string) (*http.Response, error) {
			return answer(code, strings.NewReader(fault(r, name, echo(r, body))))
		}
	}
	garbled := func(code int, text string) answerer {
		return func(r *http.Request, body string) (*http.Response, error) {
			return answer(code, strings.NewReader(text+echo(r, body)))
		}
	}
	transport := func(err error) answerer {
		return func(*http.Request, string) (*http.Response, error) { return nil, err }
	}
	return map[string]answerer{
		"denied":              status(http.StatusForbidden, "AccessDenied"),
		"signature":           status(http.StatusForbidden, "SignatureDoesNotMatch"),
		"throttled":           status(http.StatusBadRequest, "ThrottlingException"),
		"unavailable":         status(http.StatusServiceUnavailable, "ServiceUnavailable"),
		"redirected":          status(http.StatusTemporaryRedirect, "TemporaryRedirect"),
		"an error in no form": garbled(http.StatusInternalServerError, "<html>"),
		"success in no form":  garbled(http.StatusOK, "<html>{"),
		"a name that is text": garbled(http.StatusOK, "<"),
		"empty": func(*http.Request, string) (*http.Response, error) {
			return answer(http.StatusOK, strings.NewReader(""))
		},
		"timeout":       transport(context.DeadlineExceeded),
		"no connection": transport(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}),
		"cut off": func(r *http.Request, body string) (*http.Response, error) {
			return answer(http.StatusForbidden, io.MultiReader(strings.NewReader(echo(r, body)), failing{}))
		},
		"half of an answer": func(r *http.Request, body string) (*http.Response, error) {
			return answer(http.StatusOK, strings.NewReader(assumedXML[:strings.Index(assumedXML, "</SessionToken>")]))
		},
		"elements that do not match": func(*http.Request, string) (*http.Response, error) {
			return answer(http.StatusOK, strings.NewReader(strings.Replace(assumedXML, "</SecretAccessKey>", "</Key>", 1)))
		},
		"a secret where the end belongs": func(*http.Request, string) (*http.Response, error) {
			return answer(http.StatusOK, strings.NewReader(strings.Replace(assumedXML, "2099-01-01T00:00:00Z", assumedSecret, 1)))
		},
		"half of the credentials": func(*http.Request, string) (*http.Response, error) {
			return answer(http.StatusOK, strings.NewReader(strings.Replace(assumedXML, "AKIDASSUMED", "", 1)))
		},
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// planted builds clients whose every secret is a planted one.
func planted(t *testing.T, doer awsclient.HTTPDoer) *awsclient.Clients {
	t.Helper()
	env := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDHOME", "AWS_SECRET_ACCESS_KEY": homeSecret, "AWS_SESSION_TOKEN": homeToken}
	homeCredentials, err := awsclient.EnvironmentCredentials(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	clients, err := awsclient.New(awsclient.Options{
		Doer: doer, HomeAccount: home, HomeCredentials: homeCredentials, ExternalID: externalID,
		Role: func(string, string) string { return role },
	})
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// calls are what the three packages do with a configuration.
func calls() map[string]func(ctx context.Context, config aws.Config) error {
	clock := recordstest.NewClock()
	return map[string]func(ctx context.Context, config aws.Config) error{
		"sts": func(ctx context.Context, config aws.Config) error {
			_, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
			return err
		},
		"awswake": func(ctx context.Context, config aws.Config) error {
			queue := awswake.New(config, awswake.Options{QueueURL: "https://sqs.eu-west-1.amazonaws.com/111111111111/wake", Clock: clock, CallTimeout: time.Second})
			return queue.At(ctx, controller.GroupKey("a"), clock.Now())
		},
		"awsevents": func(ctx context.Context, config aws.Config) error {
			publisher := awsevents.New(config, awsevents.Options{Clock: clock, CallTimeout: time.Second})
			return publisher.Publish(ctx, controller.Event{Kind: controller.EventContended, Group: "a", At: clock.Now()})
		},
	}
}

// TestNoErrorHoldsASecret makes every call fail in every way: in the home
// account, while the role is assumed, and with the credentials of the role.
func TestNoErrorHoldsASecret(t *testing.T) {
	for name, fail := range failures() {
		for service, call := range calls() {
			assumes := answerer(func(r *http.Request, body string) (*http.Response, error) {
				if strings.Contains(body, "Action=AssumeRole") {
					return answer(http.StatusOK, strings.NewReader(assumedXML))
				}
				return fail(r, body)
			})
			for _, c := range []struct {
				as      string
				doer    answerer
				account string
			}{{"home", fail, home}, {"assuming", fail, foreign}, {"assumed", assumes, foreign}} {
				t.Run(name+"/"+service+"/"+c.as, func(t *testing.T) {
					config, err := planted(t, c.doer).Config(c.account, "eu-west-1")
					if err != nil {
						t.Fatal(err)
					}
					err = call(t.Context(), config)
					if err == nil && (c.as == "assuming" || strings.Contains(name, "denied")) {
						t.Fatal("the call did not fail")
					}
					wantNoSecret(t, err)
				})
			}
		}
	}
}

// wantNoSecret looks at the texts of the error, of all that it wraps, and of
// the messages that adapters take out of it.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	texts := []string{err.Error()}
	var answered smithy.APIError
	if errors.As(err, &answered) {
		texts = append(texts, answered.ErrorMessage(), answered.ErrorCode())
	}
	for _, text := range texts {
		for _, secret := range secrets() {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in the error %q", secret, text)
			}
		}
	}
	switch wrapped := any(err).(type) {
	case interface{ Unwrap() error }:
		wantNoSecret(t, wrapped.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range wrapped.Unwrap() {
			wantNoSecret(t, e)
		}
	}
}

// TestWhatIsNoSecretStaysInTheError: a denial still says who lacks what, with
// its code and status, and the mask stands where the secret stood.
func TestWhatIsNoSecretStaysInTheError(t *testing.T) {
	message := "User: arn:aws:sts::111111111111:assumed-role/detour/x is not authorized to perform: sts:AssumeRole on resource: " + role
	clients := planted(t, answerer(func(r *http.Request, body string) (*http.Response, error) {
		return answer(http.StatusForbidden, strings.NewReader(fault(r, "AccessDenied", message+" with "+externalID)))
	}))
	_, err := whoami(t.Context(), clients, foreign, "eu-west-1")
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != "AccessDenied" || answered.ErrorMessage() != message+" with REDACTED" {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(fmt.Sprint(err), "StatusCode: 403") {
		t.Errorf("the status is not in %v", err)
	}
}

// TestEnvironmentCredentials: the error names every variable that is missing
// and holds no value.
func TestEnvironmentCredentials(t *testing.T) {
	all := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDHOME", "AWS_SECRET_ACCESS_KEY": homeSecret, "AWS_SESSION_TOKEN": homeToken}
	provider, err := awsclient.EnvironmentCredentials(func(name string) string { return all[name] })
	if err != nil {
		t.Fatal(err)
	}
	got, err := provider.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "AKIDHOME" || got.SecretAccessKey != homeSecret || got.SessionToken != homeToken || got.CanExpire {
		t.Errorf("got %+v, %v", got, err)
	}
	for missing := range all {
		_, err := awsclient.EnvironmentCredentials(func(name string) string {
			if name == missing {
				return ""
			}
			return all[name]
		})
		if err == nil {
			t.Errorf("credentials were made without %s", missing)
			continue
		}
		for name, value := range all {
			if strings.Contains(err.Error(), name) != (name == missing) || strings.Contains(err.Error(), value) {
				t.Errorf("without %s: %v", missing, err)
			}
		}
	}
}
