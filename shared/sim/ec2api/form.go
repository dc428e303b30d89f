package ec2api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// fail makes an error answer.
func fail(status int, code, format string, args ...any) *sim.APIError {
	return &sim.APIError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// readForm reads the parameters of a request: the form body of a POST, or the
// query of a GET without what belongs to its signature. Source: EC2 developer
// guide, Query requests.
func readForm(r *http.Request) (url.Values, *sim.APIError) {
	raw := r.URL.RawQuery
	switch r.Method {
	case http.MethodGet, "":
	case http.MethodPost:
		var err error
		if raw, err = readBody(r.Body); errors.Is(err, errTooLong) {
			return url.Values{}, fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is longer than %d bytes.", maxBody)
		} else if err != nil {
			return url.Values{}, fail(http.StatusBadRequest, "RequestTimeout", "The request body could not be read: %v", err)
		}
	default:
		return url.Values{}, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not valid for this web service; use POST or GET.", r.Method)
	}
	params, err := url.ParseQuery(raw)
	if err != nil {
		return url.Values{}, fail(http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error: %v", err)
	}
	for name := range params {
		if r.Method != http.MethodPost && strings.HasPrefix(name, "X-Amz-") {
			delete(params, name)
		}
	}
	return params, nil
}

var errTooLong = errors.New("body too long")

func readBody(body io.Reader) (string, error) {
	if body == nil {
		return "", nil
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxBody {
		return "", errTooLong
	}
	return string(raw), nil
}

// scope is the credential scope of a request's signature.
type scope struct {
	account string
	region  string
	face    face
}

// readScope reads the credential scope out of the Authorization header, or out
// of a presigned query: AKID/date/region/service/aws4_request. Source: IAM user
// guide, Elements of an AWS API request signature. The signature itself is not
// checked.
func readScope(r *http.Request) (scope, *sim.APIError) {
	credential := ""
	if header := r.Header.Get("Authorization"); header != "" {
		fields, isV4 := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
		if !isV4 {
			return scope{}, authFailure("the Authorization header is not of Signature Version 4")
		}
		for field := range strings.SplitSeq(fields, ",") {
			if value, found := strings.CutPrefix(strings.TrimSpace(field), "Credential="); found {
				credential = value
			}
		}
	} else {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	if credential == "" {
		return scope{}, authFailure("the request has no credential scope")
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[2] == "" || parts[4] != "aws4_request" {
		return scope{}, authFailure("the credential scope is not of the form ID/date/region/service/aws4_request")
	}
	if !endpoint.IsAccount(parts[0]) {
		return scope{}, authFailure("the access key id is no account")
	}
	got := scope{account: parts[0], region: parts[2]}
	switch parts[3] {
	case "ec2":
	case "sts":
		got.face = faceSTS
	default:
		return scope{}, authFailure("the credential should be scoped to the service ec2 or sts")
	}
	return got, nil
}

// authFailure is AWS's refusal of credentials; the message is the simulator's
// own, because in a simulator the cause is always the set-up. Source of the
// code: EC2 API reference, Common client errors, AuthFailure.
func authFailure(cause string) *sim.APIError {
	return fail(http.StatusUnauthorized, "AuthFailure",
		"AWS was not able to validate the provided access credentials: %s. In the simulated network the access key id is the account: use a 12-digit access key id, and any secret.", cause)
}
