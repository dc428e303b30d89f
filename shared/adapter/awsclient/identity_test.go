package awsclient

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// answering answers every request alike.
type answering struct {
	status int
	body   string
	asked  []string
}

func (a *answering) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.asked = append(a.asked, r.URL.Host+" "+string(body))
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func TestIdentify(t *testing.T) {
	server := &answering{status: http.StatusOK, body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/ops/jane</Arn>` +
		`<UserId>AROA:jane</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`}
	options := Options{Doer: server, HomeCredentials: credentials.NewStaticCredentialsProvider("AKIA", "planted-secret", "planted-token"), HomeRegion: "eu-west-1"}
	got, err := Identify(t.Context(), options)
	if err != nil || got != (Identity{Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/ops/jane"}) {
		t.Errorf("it is %+v, %v", got, err)
	}
	if len(server.asked) != 1 || !strings.HasPrefix(server.asked[0], "sts.eu-west-1.amazonaws.com Action=GetCallerIdentity") {
		t.Errorf("asked %v", server.asked)
	}
}

// TestIdentifyIsRefused: STS repeats the token that it was sent.
func TestIdentifyIsRefused(t *testing.T) {
	server := &answering{status: http.StatusForbidden, body: `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>the token planted-token is not valid</Message></Error></ErrorResponse>`}
	options := Options{Doer: server, HomeCredentials: credentials.NewStaticCredentialsProvider("AKIA", "planted-secret", "planted-token"), HomeRegion: "eu-west-1"}
	_, err := Identify(t.Context(), options)
	if err == nil || strings.Contains(err.Error(), "planted") || !strings.Contains(err.Error(), "eu-west-1") || len(server.asked) != 1 {
		t.Errorf("asked %d times, and it says %v", len(server.asked), err)
	}
}
