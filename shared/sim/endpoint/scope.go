package endpoint

import (
	"errors"
	"net/http"
	"strings"
)

// Scope is the credential scope of a request's signature. In the simulated
// network the access key id is the account that calls.
type Scope struct {
	AccessKey string
	Region    string
	Service   string
}

var (
	errUnsigned  = errors.New("the request has no signature of Signature Version 4, whose credential scope says which service is meant")
	errMalformed = errors.New("the credential scope of the request is not of the form ID/date/region/service/aws4_request")
)

// ReadScope reads the credential scope out of the Authorization header, or out
// of a presigned query. Source: IAM user guide, Elements of an AWS API request
// signature. The signature itself is not checked, and never part of an error.
func ReadScope(r *http.Request) (Scope, error) {
	credential := ""
	if header := r.Header.Get("Authorization"); header != "" {
		fields, _ := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
		for field := range strings.SplitSeq(fields, ",") {
			if value, found := strings.CutPrefix(strings.TrimSpace(field), "Credential="); found {
				credential = value
			}
		}
	} else if r.URL != nil {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	if credential == "" {
		return Scope{}, errUnsigned
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" || parts[2] == "" || parts[3] == "" || parts[4] != "aws4_request" {
		return Scope{}, errMalformed
	}
	return Scope{AccessKey: parts[0], Region: parts[2], Service: parts[3]}, nil
}

// IsAccount says whether s is an AWS account id: twelve digits.
func IsAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
