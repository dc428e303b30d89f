// Package cloudwatchapi is the wire face of the simulated network's CloudWatch
// alarms: the operation DescribeAlarms in the Smithy RPC v2 CBOR protocol, which
// the Go SDK speaks, and in AWS JSON 1.0, which the AWS CLI speaks. It parses requests, asks the
// World, and writes the answers and errors that AWS would write; it holds no
// state of alarms.
//
// It does not check signatures. The credential scope of a request says who
// calls: a 12-digit access key id is the account. CloudWatch's own request rates
// are not modelled; throttling comes from injected faults.
package cloudwatchapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// Service is CloudWatch's name in credential scopes.
const Service = "monitoring"

// maxBody is the longest request body that the Handler reads: 100 names of 255
// characters are well below it.
const maxBody = 1 << 20

// network is what the wire needs of the World.
type network interface {
	Alarms(c sim.Caller) []sim.AlarmView
	// Record takes the line of the call log: one per call, before its answer.
	Record(r sim.CallRecord)
}

// Handler answers CloudWatch requests out of one World. It is an http.Handler for
// a listener, and an HTTP client (Do) for an SDK in the same process.
type Handler struct {
	world    network
	requests atomic.Uint64
	// pageLimit shortens pages; 0: they are as long as was asked for.
	pageLimit int
}

// New returns a Handler that answers out of the world.
func New(world network) *Handler { return &Handler{world: world} }

// LimitPages makes every page hold at most n alarms, whatever MaxRecords says. It
// is to be called before the first request; 0 takes the limit away.
func (h *Handler) LimitPages(n int) { h.pageLimit = n }

// Do answers the request in process. A request whose context is over does not
// arrive, and is not recorded.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return endpoint.Do(h, r) }

// failure is an error answer. query is the code for clients that knew the
// service before it spoke CBOR (Smithy, awsQueryCompatible).
type failure struct {
	status      int
	code, query string
	message     string
}

func refuse(code, query, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, code: code, query: query, message: fmt.Sprintf(format, args...)}
}

// request is one call on its way through the Handler.
type request struct {
	world     network
	protocol  protocol
	caller    sim.Caller
	pageLimit int
	record    sim.CallRecord
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rq := &request{world: h.world, pageLimit: h.pageLimit}
	rq.caller.Call = sim.CallFrom(r.Context())
	answer, failed := rq.run(r)
	rq.record.Process, rq.record.SentAt, rq.record.Fault = rq.caller.Call.Process, rq.caller.Call.SentAt, rq.caller.Call.Fault
	rq.record.Account, rq.record.Region = rq.caller.Account, rq.caller.Region
	status := http.StatusOK
	if failed != nil {
		status, rq.record.Code, rq.record.Told = failed.status, failed.query, nil
		answer = map[string]any{"__type": "com.amazonaws.cloudwatch#" + failed.code, "message": failed.message}
		blame := "Sender"
		if status >= http.StatusInternalServerError {
			blame = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", failed.query+";"+blame)
	}
	h.world.Record(rq.record)
	body := rq.protocol.write(answer)
	if rq.protocol.contentType == "application/cbor" {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	w.Header().Set("Content-Type", rq.protocol.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Amzn-Requestid", endpoint.ID(0x8001, h.requests.Add(1)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// run takes the request apart and answers it. Order of the checks: method,
// credentials, protocol, operation, body, parameters. AWS does not publish its
// order.
func (rq *request) run(r *http.Request) (map[string]any, *failure) {
	var known bool
	rq.protocol, rq.record.Action, known = spoken(r)
	if r.Method != http.MethodPost {
		failed := refuse("UnknownOperationException", "InvalidAction", "The method %s is not valid for this web service; use POST.", r.Method)
		failed.status = http.StatusMethodNotAllowed
		return nil, failed
	}
	if failed := rq.authenticate(r); failed != nil {
		return nil, failed
	}
	if !known {
		return nil, refuse("UnknownOperationException", "InvalidAction",
			"The simulated CloudWatch speaks Smithy RPC v2 CBOR and AWS JSON 1.0: use a Go SDK or an AWS CLI of 2025 or later.")
	}
	if rq.record.Action != operation {
		return nil, refuse("UnknownOperationException", "InvalidAction", "The operation %q is not simulated: the simulated CloudWatch answers %s only.", rq.record.Action, operation)
	}
	body, err := readBody(r.Body)
	if err != nil {
		return nil, refuse("SerializationException", "MalformedInput", "The request body could not be read: %v.", err)
	}
	return rq.describeAlarms(body)
}

var errTooLong = fmt.Errorf("it is longer than %d bytes", maxBody)

func readBody(body io.Reader) ([]byte, error) {
	if body == nil {
		return nil, errors.New("there is none")
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(raw) > maxBody {
		err = errTooLong
	}
	return raw, err
}

// authenticate reads who calls. The messages are the simulator's own, because in
// a simulator the cause is always the set-up.
func (rq *request) authenticate(r *http.Request) *failure {
	scope, err := endpoint.ReadScope(r)
	failed := &failure{status: http.StatusForbidden}
	switch {
	case err != nil:
		failed.code, failed.query = "MissingAuthenticationTokenException", "MissingAuthenticationToken"
		failed.message = err.Error() + ". Sign the request with any secret."
	case scope.Service != Service:
		failed.code, failed.query = "InvalidSignatureException", "SignatureDoesNotMatch"
		failed.message = fmt.Sprintf("Credential should be scoped to correct service: '%s', not %q.", Service, scope.Service)
	case !endpoint.IsAccount(scope.AccessKey):
		failed.code, failed.query = "UnrecognizedClientException", "InvalidClientTokenId"
		failed.message = "The access key id is no account: in the simulated network use a 12-digit access key id, and any secret."
	default:
		rq.caller.Account, rq.caller.Region = scope.AccessKey, scope.Region
		return nil
	}
	return failed
}

// params keeps the parameters for the call log, as other faces' forms are.
func (rq *request) params(in input) {
	rq.record.Params = url.Values{}
	for i, name := range in.names {
		rq.record.Params.Set("AlarmNames."+strconv.Itoa(i+1), name)
	}
	for i, kind := range in.types {
		rq.record.Params.Set("AlarmTypes."+strconv.Itoa(i+1), kind)
	}
	for name, value := range map[string]string{"AlarmNamePrefix": in.prefix, "StateValue": in.state, "NextToken": in.token} {
		if value != "" {
			rq.record.Params.Set(name, value)
		}
	}
}
