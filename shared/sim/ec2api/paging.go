package ec2api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// bounds are the limits of MaxResults, and the page's length without it. A call
// without pages answers whole, however short the Handler's pages are.
type bounds struct {
	least, most, usual int
	whole              bool
}

// unpaged are the bounds of a call that answers all of the things at once.
func unpaged[T any](things []T) bounds { return bounds{usual: len(things), whole: true} }

// paging is where a page starts and how long it may be.
type paging struct {
	max int
	// after is the key of the last item that was shown; empty on the first page.
	after string
}

// paging reads MaxResults and NextToken. The messages are UNVERIFIED.
func (rq *request) paging(b bounds) (paging, *sim.APIError) {
	pg := paging{max: b.usual}
	if rq.params.Has("MaxResults") {
		value := rq.params.Get("MaxResults")
		n, err := strconv.Atoi(value)
		if err != nil || n < b.least || n > b.most {
			return pg, fail(http.StatusBadRequest, "InvalidParameterValue", "Value ( %s ) for parameter maxResults is invalid. Expecting a value from %d to %d.", value, b.least, b.most)
		}
		pg.max = n
	}
	if rq.pageLimit > 0 && !b.whole {
		pg.max = min(pg.max, rq.pageLimit)
	}
	if !rq.params.Has("NextToken") || rq.params.Get("NextToken") == "" {
		return pg, nil
	}
	token := rq.params.Get("NextToken")
	after, refusal := openToken(token, rq.fingerprint())
	if refusal != "" {
		return pg, fail(http.StatusBadRequest, "InvalidParameterValue", "Value (%s) for parameter NextToken is invalid. %s", token, refusal)
	}
	pg.after = after
	return pg, nil
}

// cut returns the page's part of items, which are sorted by key, and the token
// of the next page. It continues after the last key shown, not at an offset, so
// that items that come or go between two pages shift nothing.
func cut[T any](rq *request, items []T, key func(T) string, pg paging) ([]T, *string) {
	from := 0
	for from < len(items) && pg.after != "" && key(items[from]) <= pg.after {
		from++
	}
	items = items[from:]
	if len(items) <= pg.max {
		return items, nil
	}
	items = items[:pg.max]
	token := sealToken(rq.fingerprint(), key(items[len(items)-1]))
	return items, &token
}

const sumSize = 8

// fingerprint is of everything that must be the same on each page of one read:
// who asks where for what. The length of the page may change.
func (rq *request) fingerprint() [sumSize]byte {
	params := url.Values{}
	for name, values := range rq.params {
		switch name {
		case "MaxResults", "NextToken", "DryRun":
		default:
			params[name] = values
		}
	}
	return sum(rq.caller.Account + "/" + rq.caller.Region + "/" + params.Encode())
}

func sum(s string) [sumSize]byte {
	whole := sha256.Sum256([]byte(s))
	return [sumSize]byte(whole[:sumSize])
}

// sealToken makes the opaque token: a checksum of the rest, the fingerprint of
// the read, and the key after which the next page starts.
func sealToken(fingerprint [sumSize]byte, after string) string {
	payload := string(fingerprint[:]) + after
	check := sum(payload)
	return base64.RawURLEncoding.EncodeToString([]byte(string(check[:]) + payload))
}

// openToken returns the key of a token, or why the token is refused.
func openToken(token string, fingerprint [sumSize]byte) (after, refusal string) {
	const garbled = "The token is garbled."
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= 2*sumSize || strings.ContainsAny(token, "\r\n") {
		return "", garbled
	}
	if [sumSize]byte(raw[:sumSize]) != sum(string(raw[sumSize:])) {
		return "", garbled
	}
	if [sumSize]byte(raw[sumSize:2*sumSize]) != fingerprint {
		return "", "The token belongs to another request: action, parameters, account and Region must be those of the first page."
	}
	return string(raw[2*sumSize:]), ""
}
