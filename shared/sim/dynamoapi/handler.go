// Package dynamoapi is DynamoDB's wire face in the simulated network: AWS JSON
// 1.0, API version 2012-08-10, over tables in memory whose keys are pk and sk,
// both strings.
//
// It knows the operations and expressions that Detour uses:
//
//   - UpdateItem, GetItem, BatchGetItem, Query, and TransactWriteItems of Update
//     and Put; attributes of the types S, N, B, BOOL and NULL.
//   - SET path = :value | path | if_not_exists(path, :value), REMOVE path and
//     ADD path :number on top-level attributes.
//   - Conditions of =, <, attribute_exists, attribute_not_exists, AND, OR and
//     parentheses; the key condition pk = :value AND begins_with(sk, :value).
//
// All else is an error that names what is not supported, and so is a read that
// is not strongly consistent: Detour must never read an old record. The tests
// compare the answers with those of DynamoDB Local, which is Amazon's.
//
// It does not check signatures. The access key id of a request's credential
// scope is the account, and the scope's Region the Region.
package dynamoapi

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"detour/shared/sim/endpoint"
)

// Handler answers DynamoDB requests. It is an http.Handler for a listener and
// for sim.NewTransport, and an HTTP client (Do) for an SDK in the same process.
// It may be used from several goroutines; each request is atomic.
type Handler struct {
	mu       sync.Mutex
	tables   map[place]table
	tokens   map[clientToken]digest
	requests uint64
	// The shortened answers; 0: as long as DynamoDB's.
	batchLimit, pageLimit int
}

// New returns a Handler without tables.
func New() *Handler {
	return &Handler{tables: map[place]table{}, tokens: map[clientToken]digest{}}
}

// Create makes a table with the partition key pk and the sort key sk, both
// strings. A table that exists stays as it is.
func (h *Handler) Create(account, region, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := place{account, region, name}
	if h.tables[at] == nil {
		h.tables[at] = table{}
	}
}

// LimitBatch makes a BatchGetItem answer at most n keys, and return the others as
// UnprocessedKeys; 0 takes the limit away. DynamoDB may do that at any time (API
// reference, BatchGetItem).
func (h *Handler) LimitBatch(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batchLimit = n
}

// LimitPage makes a page of a Query hold at most n items, whatever Limit says; 0
// takes the limit away.
func (h *Handler) LimitPage(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pageLimit = n
}

// Items returns copies of a table's items, in the order of pk and then sk, by
// bytes; nil if there is no such table.
func (h *Handler) Items(account, region, name string) []Item {
	h.mu.Lock()
	defer h.mu.Unlock()
	var items []Item
	held := h.tables[place{account, region, name}]
	for _, k := range slices.SortedFunc(maps.Keys(held), key.compare) {
		items = append(items, maps.Clone(held[k]))
	}
	return items
}

// Do answers the request in process; with it a Handler is an HTTPClient of the
// AWS SDK. A request whose context is over does not arrive.
func (h *Handler) Do(r *http.Request) (*http.Response, error) { return endpoint.Do(h, r) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result, err := h.answer(r)
	status := http.StatusOK
	if err != nil {
		result = err
		if status = err.Status; status == 0 {
			status = http.StatusBadRequest
		}
	}
	body, encoding := json.Marshal(result)
	if encoding != nil { // The shapes are plain structs, which always encode.
		status, body = http.StatusInternalServerError, []byte(`{"__type":"`+serviceErrors+`InternalServerError"}`)
	}
	header := w.Header()
	header.Set("Content-Type", "application/x-amz-json-1.0")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	header.Set("X-Amzn-Requestid", endpoint.ID(0x8d00, h.number()))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (h *Handler) number() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	return h.requests
}

// call is one request on its way through the Handler.
type call struct {
	*Handler
	account, region string
}

func (c call) at(name string) place { return place{c.account, c.region, name} }

// table returns a table's items; the caller holds the lock.
func (c call) table(name string) (table, *failure) {
	held := c.tables[c.at(name)]
	if held == nil {
		return nil, noTable(c.at(name))
	}
	return held, nil
}

// answer runs one request. Order of the checks: method, credentials, operation,
// body, parameters, table. DynamoDB does not publish its order.
func (h *Handler) answer(r *http.Request) (any, *failure) {
	if r.Method != http.MethodPost {
		return nil, &failure{
			Status: http.StatusMethodNotAllowed, Type: coralErrors + "UnknownOperationException",
			Message: fmt.Sprintf("The method %s is not valid for this web service; use POST.", r.Method),
		}
	}
	scope, problem := endpoint.ReadScope(r)
	switch {
	case problem != nil:
		return nil, forbidden("MissingAuthenticationTokenException", "Request is missing an authentication token: %v. Sign it with any secret.", problem)
	case scope.Service != "dynamodb":
		return nil, forbidden("InvalidSignatureException", "Credential should be scoped to correct service: 'dynamodb', not %q.", scope.Service)
	case !endpoint.IsAccount(scope.AccessKey):
		return nil, forbidden("UnrecognizedClientException", "The access key id is no account: in the simulated network use a 12-digit access key id, and any secret.")
	}
	c := call{h, scope.AccessKey, scope.Region}
	run, err := c.operation(r.Header.Get("X-Amz-Target"))
	if err != nil {
		return nil, err
	}
	body, problem := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	switch {
	case problem != nil:
		return nil, malformed("the request body could not be read: %v", problem)
	case len(body) > maxRequest:
		return nil, &failure{
			Status: http.StatusRequestEntityTooLarge, Type: coralErrors + "RequestEntityTooLargeException",
			Message: fmt.Sprintf("The request body is longer than %d bytes.", maxRequest),
		}
	}
	return run(body)
}

// operation returns what answers an X-Amz-Target.
func (c call) operation(target string) (func(body []byte) (any, *failure), *failure) {
	name, known := strings.CutPrefix(target, "DynamoDB_20120810.")
	if known {
		switch name {
		case "UpdateItem":
			return c.updateItem, nil
		case "GetItem":
			return c.getItem, nil
		case "BatchGetItem":
			return c.batchGetItem, nil
		case "Query":
			return c.query, nil
		case "TransactWriteItems":
			return c.transactWriteItems, nil
		}
	}
	return nil, &failure{
		Type: serviceErrors + "UnknownOperationException",
		Message: fmt.Sprintf("The simulated DynamoDB does not support the operation %q; use DynamoDB_20120810.UpdateItem, GetItem, BatchGetItem, Query or TransactWriteItems.",
			target),
	}
}
