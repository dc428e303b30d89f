package sim

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"detour/shared/sim/cbor"
)

// apiCall is what a light parse of a request tells: enough for fault rules and
// for the log of calls that never arrive. The face parses for itself.
type apiCall struct {
	action  string
	account string // the access key id of the credential scope
	region  string
	service string
	json    bool // the AWS JSON protocol, not Query
	cbor    bool // the Smithy RPC v2 CBOR protocol, not Query
	read    bool // the action changes nothing
	further bool // the call carries a NextToken
}

// parseCall reads the action from the X-Amz-Target header, the path of a CBOR
// protocol's request or the form, and the rest from the credential scope of the signature:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request.
func parseCall(req *http.Request, body []byte) apiCall {
	var c apiCall
	target := req.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		c.json = true
		c.action = target[strings.LastIndexByte(target, '.')+1:]
		c.further = bytes.Contains(body, []byte(`"NextToken"`)) || bytes.Contains(body, []byte(`"nextToken"`)) || bytes.Contains(body, []byte(`"ExclusiveStartKey"`))
	case req.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		c.cbor = true
		c.action = req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
		c.further = bytes.Contains(body, []byte("NextToken"))
	default:
		c.action = formValue(body, "Action")
		c.further = formValue(body, "NextToken") != ""
	}
	c.read = isRead(c.action)
	_, scope, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.SplitN(scope, "/", 5)
	if len(parts) == 5 {
		c.account, c.region, c.service = parts[0], parts[2], parts[3]
	}
	return c
}

// formValue returns the first value of the key in a form-encoded body, or "".
func formValue(body []byte, key string) string {
	for len(body) > 0 {
		pair := body
		if i := bytes.IndexByte(body, '&'); i >= 0 {
			pair, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		if len(pair) <= len(key) || pair[len(key)] != '=' || string(pair[:len(key)]) != key {
			continue
		}
		raw := string(pair[len(key)+1:])
		if value, err := url.QueryUnescape(raw); err == nil {
			return value
		}
		return raw
	}
	return ""
}

// isRead reports whether an action, by its name, changes nothing.
func isRead(action string) bool {
	for _, prefix := range [...]string{"Describe", "Get", "Search", "List", "Query", "Scan", "BatchGet", "TransactGet", "AssumeRole"} {
		if strings.HasPrefix(action, prefix) {
			return true
		}
	}
	return false
}

// answerBuffer is the ResponseWriter that a face writes its answer to.
type answerBuffer struct {
	header http.Header
	status int
	body   []byte
}

// Header implements http.ResponseWriter.
func (a *answerBuffer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

// WriteHeader implements http.ResponseWriter.
func (a *answerBuffer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answerBuffer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *answerBuffer) statusCode() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// fail writes an error the way the called service writes it.
func (a *answerBuffer) fail(c *apiCall, code string) {
	const message = "Injected by the simulator."
	const requestID = "00000000-0000-4000-8000-fa0000000000"
	a.Header().Set("X-Amzn-Requestid", requestID)
	switch {
	case c.json:
		code, status := jsonError(code)
		a.Header().Set("Content-Type", "application/x-amz-json-1.0")
		a.WriteHeader(status)
		a.body = []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"` + message + `"}`)
	case c.cbor:
		code, query, status := cborError(code)
		a.Header().Set("Content-Type", "application/cbor")
		a.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		a.Header().Set("X-Amzn-Query-Error", query+";Receiver")
		a.WriteHeader(status)
		a.body = cbor.Encode(map[string]any{"__type": "com.amazonaws.cloudwatch#" + code, "message": message})
	case c.service == "sts":
		a.Header().Set("Content-Type", "text/xml")
		a.WriteHeader(statusOf(code))
		a.body = []byte(`<ErrorResponse><Error><Type>Receiver</Type><Code>` + code + `</Code><Message>` + message +
			`</Message></Error><RequestId>` + requestID + `</RequestId></ErrorResponse>`)
	default:
		a.Header().Set("Content-Type", "text/xml;charset=UTF-8")
		a.WriteHeader(statusOf(code))
		a.body = []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Response><Errors><Error><Code>` + code + `</Code><Message>` +
			message + `</Message></Error></Errors><RequestID>` + requestID + `</RequestID></Response>`)
	}
}

// cborError puts an EC2 code into the words of CloudWatch: its own, and the one
// that clients of its older protocol know. The throttle's status is UNVERIFIED.
func cborError(code string) (own, query string, status int) {
	switch code {
	case codeRequestLimit:
		return "ThrottlingException", "Throttling", http.StatusBadRequest
	case codeInternal, codeUnavailable, codeConcurrent, codeIncorrectState:
		return "InternalServiceFault", "InternalServiceError", http.StatusInternalServerError
	case codeInvalidNextToken:
		return "InvalidNextToken", "InvalidNextToken", http.StatusBadRequest
	default:
		return code, code, http.StatusBadRequest
	}
}

// jsonError puts an EC2 code into the words of the AWS JSON protocol.
func jsonError(code string) (string, int) {
	switch code {
	case codeRequestLimit:
		return "ThrottlingException", http.StatusBadRequest
	case codeInternal, codeUnavailable, codeConcurrent, codeIncorrectState:
		return "InternalServerError", http.StatusInternalServerError
	case codeInvalidNextToken:
		return "ValidationException", http.StatusBadRequest
	default:
		return code, http.StatusBadRequest
	}
}
