// Package networkmanagerapi is the wire face of the simulated network's Network
// Manager: the operations DescribeGlobalNetworks and GetTransitGatewayRegistrations
// in the AWS REST JSON protocol. It parses requests, asks the World, and writes the
// answers and errors that AWS would write; it holds no state. Every other operation
// is an error that says so.
//
// It does not check signatures. The credential scope of a request says who calls: a
// 12-digit access key id is the account. Its Region must be the API's own, which is
// us-west-2 (Network Manager API reference, Welcome).
package networkmanagerapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"detour/shared/sim"
	"detour/shared/sim/endpoint"
)

// Service is Network Manager's name in credential scopes, and Region the one that
// its requests must be signed for.
const (
	Service = "networkmanager"
	Region  = "us-west-2"
)

// maxResults is the most that a page holds (Network Manager API reference,
// MaxResults). What a page holds without MaxResults is UNVERIFIED.
const maxResults = 500

// network is what the wire needs of the World.
type network interface {
	GlobalNetworks(c sim.Caller) []sim.GlobalNetworkView
	TransitGatewayRegistrations(c sim.Caller, network string) ([]sim.RegistrationView, bool)
	// Record takes the line of the call log: one per call, before its answer.
	Record(r sim.CallRecord)
}

// Handler answers Network Manager requests out of one World. It is an http.Handler
// for a listener, and an HTTP client (Do) for an SDK in the same process.
type Handler struct {
	world     network
	requests  atomic.Uint64
	pageLimit int
}

// New returns a Handler that answers out of the world.
func New(world network) *Handler { return &Handler{world: world} }

// LimitPages makes every page hold at most n items, whatever maxResults says. It is
// to be called before the first request; 0 takes the limit away.
func (h *Handler) LimitPages(n int) { h.pageLimit = n }

// Do answers the request in process. A request whose context is over does not
// arrive, and is not recorded.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return endpoint.Do(h, r) }

// failure is an error answer.
type failure struct {
	status        int
	code, message string
}

func refuse(status int, code, format string, args ...any) *failure {
	return &failure{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// request is one call on its way through the Handler.
type request struct {
	world     network
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
		status, rq.record.Code = failed.status, failed.code
		answer = map[string]any{"Message": failed.message}
		w.Header().Set("X-Amzn-Errortype", failed.code)
	}
	h.world.Record(rq.record)
	body, err := json.Marshal(answer)
	if err != nil { // The shapes are plain values, which always encode.
		status, body = http.StatusInternalServerError, []byte(`{"Message":"InternalServerException"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Amzn-Requestid", endpoint.ID(0x8004, h.requests.Add(1)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// run takes the request apart and answers it. Order of the checks: credentials,
// operation, parameters. AWS does not publish its order.
func (rq *request) run(r *http.Request) (any, *failure) {
	if failed := rq.authenticate(r); failed != nil {
		return nil, failed
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "ValidationException", "The query string cannot be read: %v.", err)
	}
	rq.record.Params = query
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	switch {
	case r.Method == http.MethodGet && len(path) == 1 && path[0] == "global-networks":
		rq.record.Action = "DescribeGlobalNetworks"
		return rq.describeGlobalNetworks(query)
	case r.Method == http.MethodGet && len(path) == 3 && path[0] == "global-networks" && path[2] == "transit-gateway-registrations":
		rq.record.Action = "GetTransitGatewayRegistrations"
		id, err := url.PathUnescape(path[1])
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "ValidationException", "The id of the global network cannot be read: %v.", err)
		}
		return rq.getRegistrations(id, query)
	}
	rq.record.Action = r.Method + " " + r.URL.Path
	return nil, refuse(http.StatusNotFound, "UnknownOperationException",
		"%s %s is not simulated: the simulated Network Manager answers DescribeGlobalNetworks and GetTransitGatewayRegistrations only.", r.Method, r.URL.Path)
}

// authenticate reads who calls. The messages are the simulator's own, because in a
// simulator the cause is always the set-up.
func (rq *request) authenticate(r *http.Request) *failure {
	scope, err := endpoint.ReadScope(r)
	switch {
	case err != nil:
		return refuse(http.StatusForbidden, "MissingAuthenticationTokenException", "%v. Sign the request with any secret.", err)
	case scope.Service != Service:
		return refuse(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to correct service: '%s', not %q.", Service, scope.Service)
	case scope.Region != Region:
		return refuse(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid Region, not %q: use %s.", scope.Region, Region)
	case !endpoint.IsAccount(scope.AccessKey):
		return refuse(http.StatusForbidden, "UnrecognizedClientException", "The access key id is no account: in the simulated network use a 12-digit access key id, and any secret.")
	}
	rq.caller.Account, rq.caller.Region = scope.AccessKey, scope.Region
	return nil
}

// only refuses a parameter that the operation is not simulated with, because
// leaving it out could change what the request means.
func only(query url.Values, known ...string) *failure {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(known, name) {
			return refuse(http.StatusBadRequest, "ValidationException", "The parameter %q is not simulated: leave it out, or use one of %s.", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func (rq *request) describeGlobalNetworks(query url.Values) (any, *failure) {
	if failed := only(query, "globalNetworkIds", "maxResults", "nextToken"); failed != nil {
		return nil, failed
	}
	views := rq.world.GlobalNetworks(rq.caller)
	if wanted := query["globalNetworkIds"]; len(wanted) > 0 {
		for _, id := range wanted {
			if !slices.ContainsFunc(views, func(v sim.GlobalNetworkView) bool { return v.ID == id }) {
				return nil, unknownNetwork(id)
			}
		}
		views = slices.DeleteFunc(views, func(v sim.GlobalNetworkView) bool { return !slices.Contains(wanted, v.ID) })
	}
	from, to, next, failed := rq.page(query, len(views))
	if failed != nil {
		return nil, failed
	}
	items := make([]map[string]any, 0, to-from)
	for _, v := range views[from:to] {
		items = append(items, map[string]any{
			"GlobalNetworkId": v.ID, "GlobalNetworkArn": v.ARN, "State": v.State, "CreatedAt": float64(v.CreatedAt.UnixMilli()) / 1000, "Tags": []any{},
		})
	}
	return answer("GlobalNetworks", items, next), nil
}

func (rq *request) getRegistrations(id string, query url.Values) (any, *failure) {
	if failed := only(query, "transitGatewayArns", "maxResults", "nextToken"); failed != nil {
		return nil, failed
	}
	views, known := rq.world.TransitGatewayRegistrations(rq.caller, id)
	if !known {
		return nil, unknownNetwork(id)
	}
	if wanted := query["transitGatewayArns"]; len(wanted) > 0 {
		views = slices.DeleteFunc(views, func(v sim.RegistrationView) bool { return !slices.Contains(wanted, v.TransitGatewayARN) })
	}
	from, to, next, failed := rq.page(query, len(views))
	if failed != nil {
		return nil, failed
	}
	items := make([]map[string]any, 0, to-from)
	for _, v := range views[from:to] {
		items = append(items, map[string]any{
			"GlobalNetworkId": v.GlobalNetwork, "TransitGatewayArn": v.TransitGatewayARN, "State": map[string]any{"Code": v.State},
		})
	}
	return answer("TransitGatewayRegistrations", items, next), nil
}

func unknownNetwork(id string) *failure {
	return refuse(http.StatusNotFound, "ResourceNotFoundException", "The global network %s does not exist.", id)
}

func answer(name string, items []map[string]any, next string) map[string]any {
	out := map[string]any{name: items}
	if next != "" {
		out["NextToken"] = next
	}
	return out
}

// page says which of n items the request asks for, and the token of the next page.
// The form of a token is the simulator's own.
func (rq *request) page(query url.Values, n int) (from, to int, next string, failed *failure) {
	size := maxResults
	if text := query.Get("maxResults"); text != "" {
		given, err := strconv.Atoi(text)
		if err != nil || given < 1 || given > maxResults {
			return 0, 0, "", refuse(http.StatusBadRequest, "ValidationException", "maxResults is %q: write a number from 1 to %d.", text, maxResults)
		}
		size = given
	}
	if rq.pageLimit > 0 {
		size = min(size, rq.pageLimit)
	}
	if token := query.Get("nextToken"); token != "" {
		given, err := strconv.Atoi(strings.TrimPrefix(token, "after-"))
		if err != nil || given < 1 || given > n || token != "after-"+strconv.Itoa(given) {
			return 0, 0, "", refuse(http.StatusBadRequest, "ValidationException", "nextToken is %q, which no page had: give back the NextToken of an answer.", token)
		}
		from = given
	}
	to = min(n, from+size)
	if to < n {
		next = "after-" + strconv.Itoa(to)
	}
	return from, to, next, nil
}
