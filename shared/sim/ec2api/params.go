package ec2api

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"detour/shared/sim"
)

// required returns a parameter that must be there. Source of the message for a
// VPC route table's calls: errors quoted in public Terraform issues; for the
// other calls the same form is taken, UNVERIFIED.
func (rq *request) required(name, shownAs string) (string, *sim.APIError) {
	if value := rq.params.Get(name); value != "" {
		return value, nil
	}
	return "", missing(shownAs)
}

func missing(shownAs string) *sim.APIError {
	return fail(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter %s", shownAs)
}

// boolean reads a parameter that is true or false; absent is false.
func (rq *request) boolean(name string) (bool, *sim.APIError) {
	switch value := rq.params.Get(name); value {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	default:
		return false, fail(http.StatusBadRequest, "InvalidParameterValue", "Value (%s) for parameter %s is invalid. Expecting true or false.", value, name)
	}
}

// list reads Name.1, Name.2, … in the order of their numbers. Gaps are allowed.
func (rq *request) list(name string) []string {
	return numbered(rq.params, name+".")
}

func numbered(params map[string][]string, prefix string) []string {
	type item struct {
		n     int
		value string
	}
	var items []item
	for key, values := range params {
		rest, found := strings.CutPrefix(key, prefix)
		if n, ok := index(rest); found && ok {
			items = append(items, item{n, values[0]})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return a.n - b.n })
	var values []string
	for _, it := range items {
		values = append(values, it.value)
	}
	return values
}

// filter is one Filter.N of a call: any of the values matches it; a call's
// filters must all match.
type filter struct {
	name   string
	values []string
}

// The limits of filters. Source: EC2 user guide, Filter your resources.
const (
	maxFilters      = 50
	maxFilterValues = 200
)

// filters reads Filter.N.Name and Filter.N.Value.M, in the order of N. The codes
// for a filter without a name or without values are UNVERIFIED.
func (rq *request) filters() ([]filter, *sim.APIError) {
	var numbers []int
	for key := range rq.params {
		rest, found := strings.CutPrefix(key, "Filter.")
		number, _, _ := strings.Cut(rest, ".")
		if n, ok := index(number); found && ok && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
		if len(numbers) > maxFilters {
			return nil, fail(http.StatusBadRequest, "FilterLimitExceeded", "The maximum number of filters specified on a single call is %d", maxFilters)
		}
	}
	slices.Sort(numbers)
	var filters []filter
	for _, n := range numbers {
		prefix := "Filter." + strconv.Itoa(n) + "."
		f := filter{name: rq.params.Get(prefix + "Name"), values: numbered(rq.params, prefix+"Value.")}
		if f.name == "" {
			return nil, missing(prefix + "Name")
		}
		if len(f.values) == 0 {
			return nil, missing(prefix + "Value")
		}
		if len(f.values) > maxFilterValues {
			return nil, fail(http.StatusBadRequest, "FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// parseCIDR reads a CIDR block and makes it canonical: 100.68.0.18/18 is
// 100.68.0.0/18. Source: EC2 API reference, CreateRoute.
func parseCIDR(value, shownAs string) (netip.Prefix, *sim.APIError) {
	prefix, err := netip.ParsePrefix(value)
	if err != nil {
		return netip.Prefix{}, badCIDR(value, shownAs)
	}
	return prefix.Masked(), nil
}

func badCIDR(value, shownAs string) *sim.APIError {
	return fail(http.StatusBadRequest, "InvalidParameterValue", "Value (%s) for parameter %s is invalid. This is not a valid CIDR block.", value, shownAs)
}

// number reads a whole number of at least least; absent is 0.
func (rq *request) number(name string, least int64) (int64, *sim.APIError) {
	value := rq.params.Get(name)
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < least {
		return 0, fail(http.StatusBadRequest, "InvalidParameterValue", "Value (%s) for parameter %s is invalid.", value, name)
	}
	return n, nil
}

// numbers returns the N of the parameters Name.N.Member, sorted, each once.
func (rq *request) numbers(name string) []int {
	var found []int
	for key := range rq.params {
		rest, ok := strings.CutPrefix(key, name+".")
		number, _, _ := strings.Cut(rest, ".")
		if n, valid := index(number); ok && valid && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found
}
