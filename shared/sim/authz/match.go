package authz

import (
	"slices"
	"strings"
)

// Glob reports whether a text matches a pattern in which * stands for any
// characters and ? for exactly one. Source: IAM User Guide, IAM JSON policy
// elements: Resource.
func Glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// globARN matches part by part: in each of the six parts of an ARN the wildcards
// stand for nothing beyond it. Source: IAM User Guide, IAM JSON policy elements:
// Condition operators, ARN condition operators.
func globARN(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return pattern == "*"
	}
	for i := range parts {
		if !Glob(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}

// compare returns what a condition operator does with a value of the policy and
// that of the call; nil: the operator is not evaluated. ArnEquals and ArnLike are
// the same (IAM User Guide, as above).
func compare(operator string) func(wanted, value string) bool {
	switch operator {
	case "StringEquals":
		return func(wanted, value string) bool { return wanted == value }
	case "StringLike":
		return Glob
	case "ArnEquals", "ArnLike":
		return globARN
	case "Bool":
		return strings.EqualFold
	}
	return nil
}

// holds reports whether all conditions hold. The names of keys are not sensitive
// to case (IAM User Guide, Condition element).
func (s Statement) holds(context map[string]string) bool {
	for _, c := range s.Condition {
		value, known := context[strings.ToLower(c.Key)]
		matches := compare(c.Operator)
		if !known || matches == nil || !slices.ContainsFunc(c.Values, func(wanted string) bool { return matches(wanted, value) }) {
			return false
		}
	}
	return true
}

// action returns the pattern that covers the action, whose case does not matter.
func (s Statement) action(action string) (pattern string, ok bool) {
	for _, p := range s.Action {
		if Glob(strings.ToLower(p), strings.ToLower(action)) {
			return p, true
		}
	}
	return "", false
}

// resource returns the pattern that covers the resource. What is checked against
// all resources is * itself, which only * covers.
func (s Statement) resource(resource string) (pattern string, ok bool) {
	for _, p := range s.Resource {
		if p == "*" || resource != everything && Glob(p, resource) {
			return p, true
		}
	}
	return "", false
}
