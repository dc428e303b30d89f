package statesapi

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"detour/shared/sim/endpoint"
	"detour/shared/sim/states"
)

func (h *Handler) listStateMachines(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("ListStateMachines", raw, "maxResults", "nextToken")
	var all []object
	for _, m := range h.engine.Machines(scope.AccessKey, scope.Region) {
		all = append(all, machine(m))
	}
	return h.page(r, "stateMachines", list{of: "machines", all: all})
}

func (h *Handler) listExecutions(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("ListExecutions", raw, "stateMachineArn", "statusFilter", "maxResults", "nextToken")
	arn, status := r.text("stateMachineArn", true), r.text("statusFilter", false)
	known := []string{states.Running, states.Succeeded, states.Failed, states.TimedOut, states.Aborted}
	if r.err == nil && status != "" && !slices.Contains(known, status) {
		r.err = invalid("Value '%s' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [%s]", status, strings.Join(known, ", "))
	}
	r.own(scope, arn)
	if r.err != nil {
		return nil, r.err
	}
	executions, err := h.engine.Executions(arn, status)
	if err != nil {
		return nil, fault(err)
	}
	var all []object
	for _, x := range executions {
		all = append(all, summary(x))
	}
	return h.page(r, "executions", list{of: arn + status, all: all, front: true})
}

func (h *Handler) getExecutionHistory(scope endpoint.Scope, raw []byte) (any, *endpoint.Error) {
	r := read("GetExecutionHistory", raw, "executionArn", "reverseOrder", "includeExecutionData", "maxResults", "nextToken")
	arn, reverse, included := r.text("executionArn", true), false, true
	r.into("reverseOrder", &reverse)
	r.into("includeExecutionData", &included)
	r.own(scope, arn)
	if r.err != nil {
		return nil, r.err
	}
	events, err := h.engine.History(arn)
	if err != nil {
		return nil, fault(err)
	}
	if reverse {
		slices.Reverse(events)
	}
	var all []object
	for _, e := range events {
		out := object{"id": e.ID, "previousEventId": e.Previous, "timestamp": seconds(e.At), "type": e.Type}
		if e.Member != "" {
			details := object{}
			for name, value := range e.Details {
				if included || name != "input" && name != "output" {
					details[name] = value
				}
			}
			out[e.Member] = details
		}
		all = append(all, out)
	}
	return h.page(r, "events", list{of: arn + strconv.FormatBool(reverse), all: all, front: reverse})
}

// list is what pages are cut out of. One that grows at its front is counted from its
// end, so that what is new moves nothing.
type list struct {
	of    string
	all   []object
	front bool
}

// page cuts a page out of a list. A token is of one list: another's is invalid.
// Source: API reference, nextToken: "Using an expired pagination token will return an
// HTTP 400 InvalidToken error"; a token that is not the list's own answers so too.
func (h *Handler) page(r *request, member string, l list) (any, *endpoint.Error) {
	most := 0
	r.into("maxResults", &most)
	token := r.text("nextToken", false)
	if r.err != nil {
		return nil, r.err
	}
	if most < 0 || most > maxPage {
		return nil, invalid("Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", most, maxPage)
	}
	if most == 0 {
		most = defaultPage
	}
	from, ok := l.from(token)
	if !ok {
		return nil, fault(&states.Error{Code: "InvalidToken", Message: "Invalid Token: 'Invalid token'"})
	}
	to := min(from+h.most(most), len(l.all))
	out := object{member: append([]object{}, l.all[from:to]...)}
	if to < len(l.all) {
		out["nextToken"] = l.token(to)
	}
	return out, nil
}

func (h *Handler) most(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.limit > 0 {
		return min(n, h.limit)
	}
	return n
}

// token is that of the page that begins there.
func (l list) token(at int) string {
	if l.front {
		at = len(l.all) - at
	}
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", at, l.of))
}

// from is where the page of a token begins; without one the first.
func (l list) from(token string) (int, bool) {
	if token == "" {
		return 0, true
	}
	text, err := base64.StdEncoding.DecodeString(token)
	place, of, _ := strings.Cut(string(text), " ")
	at, notNumber := strconv.Atoi(place)
	if err != nil || notNumber != nil || of != l.of || at < 1 || at > len(l.all) {
		return 0, false
	}
	if l.front {
		at = len(l.all) - at
	}
	return at, true
}
