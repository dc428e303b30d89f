package ec2api

import (
	"net/http"
	"slices"
	"strings"

	"detour/shared/sim"
)

// kind is how the things of one Describe call are selected.
type kind[T any] struct {
	// id is the key of a thing, by which answers are sorted.
	id func(T) string
	// key tells things of one id apart, and orders as id does; nil: ids are unique.
	key func(T) string
	// names are the filters that work. Others that AWS documents are refused
	// with UnsupportedOperation, rather than ignored.
	names       []string
	unsupported []string
	// tagged allows tag:KEY beside names.
	tagged bool
	// field returns what a filter of that name is compared with.
	field func(thing T, name string) []string
	// hidden says what an answer leaves out although it is there; nil: nothing.
	hidden func(T) bool
	// badName is AWS's answer to a filter that the call does not have.
	badName func(name string) *sim.APIError
}

// badFilter is the refusal of a filter's name by the VPC calls. UNVERIFIED as
// to the exact code.
func badFilter(name string) *sim.APIError {
	return fail(http.StatusBadRequest, "InvalidParameterValue", "The filter '%s' is invalid", name)
}

// badTGWFilter is the refusal of a filter's name or value by the transit gateway
// calls. The space at the end is AWS's. Source: live probe quoted by floci-io/floci.
func badTGWFilter(value string) *sim.APIError {
	return fail(http.StatusBadRequest, "InvalidParameterValue", "Value (%s) for parameter Filter is invalid. ", value)
}

// order is the key by which a page ends and the next one begins.
func (k kind[T]) order() func(T) string {
	if k.key != nil {
		return k.key
	}
	return k.id
}

// check refuses filters whose names the call does not have.
func (k kind[T]) check(filters []filter) *sim.APIError {
	for _, f := range filters {
		switch {
		case slices.Contains(k.names, f.name), k.tagged && strings.HasPrefix(f.name, "tag:"):
		case slices.Contains(k.unsupported, f.name):
			return fail(http.StatusBadRequest, "UnsupportedOperation", "The simulated network does not support the filter %s here.", f.name)
		default:
			return k.badName(f.name)
		}
	}
	return nil
}

// pick returns the things that all filters match, sorted by id.
func (k kind[T]) pick(things []T, filters []filter) []T {
	var picked []T
	for _, thing := range things {
		if k.hidden != nil && k.hidden(thing) {
			continue
		}
		if !slices.ContainsFunc(filters, func(f filter) bool { return !f.matches(k.field(thing, f.name)) }) {
			picked = append(picked, thing)
		}
	}
	slices.SortStableFunc(picked, func(a, b T) int { return strings.Compare(k.id(a), k.id(b)) })
	return picked
}

// named returns the things with the given ids, or the first id that is not
// there. No ids means all things.
func (k kind[T]) named(things []T, ids []string) (found []T, unknown string) {
	if len(ids) == 0 {
		return things, ""
	}
	for _, id := range ids {
		if !slices.ContainsFunc(things, func(t T) bool { return k.id(t) == id }) {
			return nil, id
		}
	}
	for _, thing := range things {
		if slices.Contains(ids, k.id(thing)) {
			found = append(found, thing)
		}
	}
	return found, ""
}

// matches says whether any of the fields matches any of the filter's values.
func (f filter) matches(fields []string) bool {
	return slices.ContainsFunc(f.values, func(pattern string) bool {
		return slices.ContainsFunc(fields, func(field string) bool { return wild(pattern, field) })
	})
}

// wild matches a filter value: * is any text, ? one character, \ takes the next
// character as it is; case counts. Source: EC2 user guide, Filter your resources.
func wild(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark, p = p, i, p+1
			continue
		}
		if width := one(pattern[min(p, len(pattern)):], s[i]); width > 0 {
			p, i = p+width, i+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// one returns the length of the pattern's first element if it matches the byte,
// else 0.
func one(pattern string, b byte) int {
	switch {
	case pattern == "":
		return 0
	case pattern[0] == '\\' && len(pattern) > 1:
		if pattern[1] == b {
			return 2
		}
		return 0
	case pattern[0] == '?', pattern[0] == b:
		return 1
	}
	return 0
}
