package endpoint

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"detour/shared/sim/authz"
	"detour/shared/sim/cbor"
)

// Authorize has the authority decide every call before its face sees it. A denied
// one is answered as its service answers it, and told to the function, if there is
// one, with the code of the answer. A call of whose permissions nothing is known
// is answered with an internal error that names it. It is to be called before the
// first request.
func (h *Handler) Authorize(authority *authz.Authority, denied func(r *http.Request, c authz.Call, code string, d *authz.Denial)) {
	h.authority, h.denied = authority, denied
}

// authorized reports whether the face may see the request; else it is answered.
func (h *Handler) authorized(w http.ResponseWriter, r *http.Request, scope Scope) bool {
	if h.authority == nil || !IsAccount(scope.AccessKey) {
		return true // The face refuses what is no account.
	}
	c, wire, ok := readCall(r, scope)
	if !ok {
		return true // The face says what is wrong with its form.
	}
	_, denial, err := h.authority.Authorize(c)
	switch {
	case err != nil:
		wire.refuse(w, refusal{http.StatusInternalServerError, "InternalError", "InternalError", err.Error()})
		return false
	case denial == nil:
		return true
	}
	answer := refusalOf(c.Service, denial)
	if h.denied != nil {
		h.denied(r, c, answer.query, denial)
	}
	wire.refuse(w, answer)
	return false
}

// wire is the protocol of a request.
type wire int

const (
	wireEC2 wire = iota
	wireSTS
	wireJSON
	wireCBOR
)

// networkManager is Network Manager's name in credential scopes.
const networkManager = "networkmanager"

// readCall takes a request apart as far as its permissions need it, and leaves its
// body to be read again. ok is false if it is in no form that a face answers.
func readCall(r *http.Request, scope Scope) (c authz.Call, in wire, ok bool) {
	c = authz.Call{Service: scope.Service, Account: scope.AccessKey, Region: scope.Region, Token: sessionToken(r)}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1)); err != nil || len(body) > maxBody {
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
			return c, in, false
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		in, c.Operation = wireJSON, target[strings.LastIndexByte(target, '.')+1:]
		return c, in, json.Unmarshal(body, &c.Body) == nil
	case scope.Service == networkManager:
		// AWS REST JSON names its operations by method and path. No role of a policy is
		// to make such a call, so the authority knows none of them.
		in, c.Operation = wireJSON, r.Method+" "+r.URL.Path
		return c, in, true
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		in, c.Operation = wireCBOR, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		value, err := cbor.Decode(body)
		c.Body, ok = value.(map[string]any)
		return c, in, ok && err == nil
	case scope.Service == "sts":
		in = wireSTS
	}
	query := r.URL.RawQuery
	if r.Method == http.MethodPost {
		query = string(body)
	}
	var err error
	c.Params, err = url.ParseQuery(query)
	c.Operation = c.Params.Get("Action")
	return c, in, err == nil && c.Operation != ""
}

// sessionToken is that of a signature in the header, or in a presigned query.
func sessionToken(r *http.Request) string {
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		return token
	}
	return r.URL.Query().Get("X-Amz-Security-Token")
}

// refusal is the answer to a denied call. query is the code for clients of the
// Query protocol.
type refusal struct {
	status               int
	code, query, message string
}

// refusalOf is how a service answers a denied call. Sources: EC2 API reference,
// Error codes, UnauthorizedOperation; DynamoDB Developer Guide, Error handling;
// EventBridge, SQS and CloudWatch API references, Common errors. UNVERIFIED: the
// status and the query code of SQS and CloudWatch in their newer protocols.
func refusalOf(service string, d *authz.Denial) refusal {
	const coded = "AccessDeniedException"
	switch service {
	case "ec2":
		const code = "UnauthorizedOperation"
		return refusal{http.StatusForbidden, code, code, "You are not authorized to perform this operation. " + d.Error()}
	case "sts":
		return refusal{http.StatusForbidden, "AccessDenied", "AccessDenied", d.Error()}
	case "sqs":
		return refusal{http.StatusForbidden, coded, "AccessDenied", d.Error()}
	case "monitoring":
		return refusal{http.StatusForbidden, "AccessDenied", "AccessDenied", d.Error()}
	}
	return refusal{http.StatusBadRequest, coded, coded, d.Error()}
}

// refuse writes the answer in the request's protocol.
func (in wire) refuse(w http.ResponseWriter, answer refusal) {
	const id = "00000000-0000-4000-8003-000000000000"
	var kind string
	var body []byte
	switch in {
	case wireEC2:
		kind, body = "text/xml;charset=UTF-8", []byte(xml.Header+"<Response><Errors><Error><Code>"+answer.code+"</Code><Message>"+
			escaped(answer.message)+"</Message></Error></Errors><RequestID>"+id+"</RequestID></Response>")
	case wireSTS:
		kind, body = "text/xml;charset=UTF-8", []byte(xml.Header+`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>`+
			answer.code+"</Code><Message>"+escaped(answer.message)+"</Message></Error><RequestId>"+id+"</RequestId></ErrorResponse>")
	case wireCBOR:
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("X-Amzn-Query-Error", answer.query+";Sender")
		kind, body = "application/cbor", cbor.Encode(map[string]any{"__type": coral + answer.code, "message": answer.message})
	case wireJSON:
		refused := &Error{Status: answer.status, Type: coral + answer.code, Message: answer.message}
		if answer.query != answer.code {
			refused.QueryCode = answer.query
		}
		writeJSON(w, "1.0", refused, id)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Amzn-Requestid", id)
	w.WriteHeader(answer.status)
	_, _ = w.Write(body)
}

func escaped(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // A buffer takes it all.
	return out.String()
}
