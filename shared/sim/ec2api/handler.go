// Package ec2api is the wire face of the simulated network: the EC2 Query
// protocol (version 2016-11-15) and the two STS calls that a client needs to
// get at another account. It parses requests, asks the World, and writes the
// answers and errors that AWS would write; it holds no network state.
//
// It does not check signatures. The credential scope of a request says who
// calls: a 12-digit access key id is the account, and the scope's Region and
// service are the endpoint's.
package ec2api

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// maxBody is the longest request body that the Handler reads. The real limit is
// not published; no honest call of the supported actions comes near.
const maxBody = 1 << 20

// network is what the wire needs of the World.
type network interface {
	// Admit is asked once per call, before its parameters are looked at: it may
	// throttle or refuse it.
	Admit(c sim.Caller, action string, mutating bool) *sim.APIError

	VPNConnections(c sim.Caller) []sim.VPNView
	TransitGatewayAttachments(c sim.Caller) []sim.AttachmentView
	TransitGatewayRouteTables(c sim.Caller) []sim.TGWTableView
	TransitGatewayRoutes(c sim.Caller, table string) ([]sim.TGWRouteView, *sim.APIError)
	Associations(c sim.Caller, table string) ([]sim.AttachmentRef, *sim.APIError)

	CreateTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix, target string) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError)
	ReplaceTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix, target string) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError)
	DeleteTransitGatewayRoute(c sim.Caller, table string, dst netip.Prefix) (sim.TGWRouteView, *sim.RouteWrite, *sim.APIError)
	vpcNetwork
	tgwNetwork

	// Record takes the line of the call log: one per call, after its effect and
	// before its answer.
	Record(r sim.CallRecord)
}

// Handler answers EC2 and STS requests out of one World. It is an http.Handler
// for a listener, and an HTTP client (Do) for an SDK in the same process.
type Handler struct {
	world    network
	requests atomic.Uint64
	// pageLimit shortens pages; 0: they are as long as was asked for.
	pageLimit int
	// token makes the session tokens of roles.
	token func(role, session string) string
}

// IssueTokens makes AssumeRole hand out the tokens that the function makes of a
// role's ARN and a session's name, in the place of one that says nothing. It is to
// be called before the first request.
func (h *Handler) IssueTokens(token func(role, session string) string) { h.token = token }

// LimitPages makes every page hold at most n items, whatever MaxResults says: an
// API may return fewer than it was asked for (EC2 API reference, pagination). It
// is to be called before the first request; 0 takes the limit away.
func (h *Handler) LimitPages(n int) { h.pageLimit = n }

// New returns a Handler that answers out of the world.
func New(world network) *Handler {
	return &Handler{world: world, token: func(string, string) string { return roleToken }}
}

// Do answers the request in process; with it a Handler is an HTTPClient of the
// AWS SDK. A request whose context is over does not arrive, and is not recorded.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return endpoint.Do(h, r) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.answer(r)
	for _, name := range []string{"Content-Type", "X-Amzn-Requestid", "Content-Length"} {
		w.Header().Set(name, a.header().Get(name))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// request is one call on its way through the Handler.
type request struct {
	world  network
	params url.Values
	face   face
	action string
	caller sim.Caller
	id     string
	// pageLimit and issue are the Handler's.
	pageLimit int
	issue     func(role, session string) string
	// record collects what the call log will say of the call, and absent what the
	// call was told is not there, which an error can tell too.
	record sim.CallRecord
	absent []sim.Told
}

// answer runs one call: parse, authenticate, admit, act, record, write out.
func (h *Handler) answer(r *http.Request) answer {
	rq := &request{world: h.world, id: requestID(h.requests.Add(1)), pageLimit: h.pageLimit, issue: h.token}
	result, err := rq.run(r.Context(), r)
	rq.record.Process = rq.caller.Call.Process
	rq.record.SentAt = rq.caller.Call.SentAt
	rq.record.Fault = rq.caller.Call.Fault
	rq.record.Account = rq.caller.Account
	rq.record.Region = rq.caller.Region
	rq.record.Action = rq.action
	rq.record.Params = rq.params
	if err != nil {
		rq.record.Code = err.Code
		rq.record.Telemetry, rq.record.Told, rq.record.Write = nil, nil, nil
	}
	rq.record.Told = append(rq.record.Told, rq.absent...)
	h.world.Record(rq.record)
	if err != nil {
		return rq.failure(err)
	}
	return rq.success(result)
}

// run takes the request apart and calls the action. Order of the checks: form,
// credentials, version, action, admission, parameters, World. AWS does not
// publish its order.
func (rq *request) run(ctx context.Context, r *http.Request) (any, *sim.APIError) {
	rq.caller.Call = sim.CallFrom(ctx)
	params, err := readForm(r)
	rq.params = params
	if err != nil {
		return nil, err
	}
	rq.action = params.Get("Action")
	rq.face = faceOf(params.Get("Version"))
	scope, err := readScope(r)
	if err != nil {
		return nil, err
	}
	rq.face = scope.face
	rq.caller.Account, rq.caller.Region = scope.account, scope.region
	if rq.action == "" {
		return nil, fail(http.StatusBadRequest, "MissingAction", "The request is missing an action or operation parameter.")
	}
	act, known := actionNamed(rq.face, rq.action)
	if !known {
		return nil, fail(http.StatusBadRequest, "InvalidAction", "The action %s is not valid for this web service.", rq.action)
	}
	if version := params.Get("Version"); version != rq.face.version() {
		return nil, fail(http.StatusBadRequest, "NoSuchVersion", "The requested version (%s) of service %s does not exist", version, rq.face.service())
	}
	rq.caller.Bulk = act.bulk && !rq.narrowed()
	if err = rq.world.Admit(rq.caller, rq.action, act.mutating); err != nil {
		return nil, err
	}
	if err = rq.checkNames(act); err != nil {
		return nil, err
	}
	if rq.caller.DryRun, err = rq.boolean("DryRun"); err != nil {
		return nil, err
	}
	result, err := act.run(rq)
	if err == nil && rq.caller.DryRun {
		rq.absent = nil
		// The World answers so for a write, after its validation. A read has
		// nothing to hold back, so it is answered here.
		err = fail(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return result, err
}

// narrowed reports whether a read names what it wants, or how much of it at once.
// Source: EC2 Developer Guide, API request throttling.
func (rq *request) narrowed() bool {
	for name := range rq.params {
		root, _, list := strings.Cut(name, ".")
		if list && (root == "Filter" || strings.HasSuffix(root, "Id")) || name == "MaxResults" {
			return true
		}
	}
	return false
}

// requestID makes the id of the nth request of a Handler: same run, same ids.
func requestID(n uint64) string {
	digits := strconv.FormatUint(n, 16)
	const zeros = "000000000000"
	if len(digits) < len(zeros) {
		digits = zeros[len(digits):] + digits
	}
	return "00000000-0000-4000-8000-" + digits
}
