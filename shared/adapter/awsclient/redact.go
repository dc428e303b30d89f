package awsclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// redacted stands for a secret. It has letters only, so that an answer that is
	// markup stays what it was.
	redacted = "REDACTED"
	// maxErrorBytes bounds how much of an answer that is an error is read.
	maxErrorBytes = 1 << 20
)

// redactor takes the secrets of a request out of the answer if that is an error,
// before the SDK makes an error text from it. AWS repeats what it was sent: the
// message of SignatureDoesNotMatch holds the canonical request, and in it the
// session token (IAM user guide, "Troubleshoot Signature Version 4 requests for
// AWS APIs"). Error texts are logged, and stored in records. The secret key
// itself never leaves the process.
type redactor struct {
	next HTTPDoer
	// externalID is the one that AssumeRole sends; empty: none.
	externalID string
	// refused is told the access key id of credentials that AWS does not take.
	refused func(accessKey string)
}

// refusals are the codes by which AWS says that it does not know credentials, or
// not any more (EC2 API, Common client error codes; IAM API, Common errors).
var refusals = []string{"InvalidClientTokenId", "AuthFailure", "ExpiredToken", "RequestExpired", "UnrecognizedClientException"} //nolint:gochecknoglobals // An immutable table.

// refuses reports whether an answer that is an error refuses the credentials.
func refuses(answer []byte) bool {
	return slices.ContainsFunc(refusals, func(code string) bool { return bytes.Contains(answer, []byte(code)) })
}

// accessKey is the access key id that a request is signed with (Signature
// Version 4: Credential=KEY/DATE/REGION/SERVICE/aws4_request).
func accessKey(request *http.Request) string {
	_, scope, _ := strings.Cut(request.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(scope, "/")
	return key
}

// Do implements HTTPDoer.
func (r redactor) Do(request *http.Request) (*http.Response, error) {
	response, err := r.next.Do(request)
	if err != nil || response.StatusCode < http.StatusMultipleChoices {
		return response, err
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBytes))
	if closing := response.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer, HTTP status %d: %w", response.StatusCode, err)
	}
	if refuses(raw) {
		r.refused(accessKey(request))
	}
	clean := raw
	for _, secret := range []string{request.Header.Get("X-Amz-Security-Token"), r.externalID} {
		if secret != "" {
			clean = bytes.ReplaceAll(clean, []byte(secret), []byte(redacted))
			clean = bytes.ReplaceAll(clean, []byte(url.QueryEscape(secret)), []byte(redacted))
		}
	}
	answer := *response
	answer.Body = io.NopCloser(bytes.NewReader(clean))
	if !bytes.Equal(raw, clean) {
		answer.ContentLength = int64(len(clean))
		answer.Header = response.Header.Clone()
		answer.Header.Del("Content-Length")
		answer.Header.Del("X-Amz-Crc32") // DynamoDB's checksum of what stood there.
	}
	return &answer, nil
}
