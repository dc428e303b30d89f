package ec2api

import (
	"net/http"
	"slices"
	"strings"

	"detour/shared/sim"
)

// ids is how a call takes ids of one sort: the parameter, what they begin with,
// and AWS's answers to one that is malformed and to one that is not there.
type ids struct {
	param, marker       string
	malformed, notFound func(id string) *sim.APIError
	// filter is the filter that takes the same ids; empty: the call has none.
	filter string
	// alone: the call refuses MaxResults beside ids.
	alone bool
}

// refuse makes the answer to an id: %s in the text is the id.
func refuse(code, text string) func(id string) *sim.APIError {
	return func(id string) *sim.APIError { return fail(http.StatusBadRequest, code, text, id) }
}

// expecting makes EC2's usual answer to an id that does not begin as it should,
// UNVERIFIED for most calls.
func expecting(code, marker string) func(id string) *sim.APIError {
	return refuse(code, "Invalid id: \"%s\" (expecting \""+marker+"...\")")
}

// check reads the ids and refuses a malformed one.
func (d ids) check(rq *request) ([]string, *sim.APIError) {
	named := rq.list(d.param)
	for _, id := range named {
		if !strings.HasPrefix(id, d.marker) {
			return nil, d.malformed(id)
		}
	}
	if d.alone && len(named) > 0 && rq.params.Has("MaxResults") {
		// Source of the rule: EC2 API reference, DescribeInstances, MaxResults. The text is UNVERIFIED.
		return nil, fail(http.StatusBadRequest, "InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", d.param)
	}
	return named, nil
}

// read selects for one Describe call: by ids, then by filters, then a page.
// missing are the ids that the call named, as ids or in a filter of the given
// name, and that are not among the things; beside an error it is the one id that
// the error names.
func read[T any](rq *request, k kind[T], d ids, b bounds, things []T) (page []T, token *string, missing []string, refused *sim.APIError) {
	filters, pg, refused := pagedRead(rq, k, b)
	if refused != nil {
		return nil, nil, nil, refused
	}
	named, refused := d.check(rq)
	if refused != nil {
		return nil, nil, nil, refused
	}
	found, unknown := k.named(things, named)
	missing = k.missing(things, slices.Concat(named, exact(filters, d.filter)))
	if unknown != "" {
		return nil, nil, []string{unknown}, d.notFound(unknown)
	}
	page, token = cut(rq, k.pick(found, filters), k.order(), pg)
	return page, token, missing, nil
}

// inTable selects for a call about one transit gateway route table, whose things
// of returns: by filters, then a page.
func inTable[T any](rq *request, k kind[T], of func(c sim.Caller, table string) ([]T, *sim.APIError)) (page []T, token *string, refused *sim.APIError) {
	table, refused := rq.tgwTable()
	if refused != nil {
		return nil, nil, refused
	}
	filters, pg, refused := pagedRead(rq, k, tgwPages())
	if refused != nil {
		return nil, nil, refused
	}
	things, refused := of(rq.caller, table)
	if refused != nil {
		return nil, nil, refused
	}
	page, token = cut(rq, k.pick(things, filters), k.order(), pg)
	return page, token, nil
}

// exact returns the values of a filter that stand for themselves.
func exact(filters []filter, name string) []string {
	var values []string
	for _, f := range filters {
		if name == "" || f.name != name {
			continue
		}
		for _, value := range f.values {
			if !strings.ContainsAny(value, `*?\`) {
				values = append(values, value)
			}
		}
	}
	return values
}

// missing returns which of the ids no thing has, each once.
func (k kind[T]) missing(things []T, named []string) []string {
	var absent []string
	for _, id := range named {
		here := slices.ContainsFunc(things, func(t T) bool { return k.id(t) == id })
		if !here && !slices.Contains(absent, id) {
			absent = append(absent, id)
		}
	}
	return absent
}

// nameTag answers the filters tag:Name and tag-key for a thing whose only tag is
// its name.
func nameTag(filter, name string) []string {
	switch {
	case name == "":
	case filter == "tag:Name":
		return []string{name}
	case filter == "tag-key":
		return []string{"Name"}
	}
	return nil
}

// zone is the one Availability Zone of each Region here.
func (rq *request) zone() string { return rq.caller.Region + "a" }
