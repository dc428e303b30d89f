package states

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// choice is a rule of a Choice state and where it leads. Source: Developer Guide,
// "Choice workflow state".
type choice struct {
	rule rule
	next string
}

// rule is a comparison, or a combination of rules.
type rule struct {
	variable path
	operator string
	value    any
	other    *path // of an operator whose name ends in Path

	and, or []rule
	not     *rule
}

// compare are the comparisons that are known, by their names. A comparison of
// values of other types is false.
func compare(operator string) (func(a, b any) bool, bool) {
	numbers := func(holds func(a, b float64) bool) func(a, b any) bool {
		return func(a, b any) bool {
			x, isNumber := numeric(a)
			y, alsoNumber := numeric(b)
			return isNumber && alsoNumber && holds(x, y)
		}
	}
	switch operator {
	case "StringEquals":
		return func(a, b any) bool { x, ok := a.(string); y, also := b.(string); return ok && also && x == y }, true
	case "BooleanEquals":
		return func(a, b any) bool { x, ok := a.(bool); y, also := b.(bool); return ok && also && x == y }, true
	case "NumericEquals":
		return numbers(func(a, b float64) bool { return a == b }), true
	case "NumericLessThan":
		return numbers(func(a, b float64) bool { return a < b }), true
	case "NumericLessThanEquals":
		return numbers(func(a, b float64) bool { return a <= b }), true
	case "NumericGreaterThan":
		return numbers(func(a, b float64) bool { return a > b }), true
	case "NumericGreaterThanEquals":
		return numbers(func(a, b float64) bool { return a >= b }), true
	default:
		return nil, false
	}
}

func numeric(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

const isPresent = "IsPresent"

// operators are the names of the comparisons, sorted.
func operators() []string {
	out := []string{isPresent}
	for _, name := range []string{"StringEquals", "BooleanEquals", "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"} {
		out = append(out, name, name+"Path")
	}
	slices.Sort(out)
	return out
}

// loadChoice reads a Choice.
func (s *state) loadChoice(f *fields) {
	s.fallback = f.text("Default")
	for _, inner := range f.objects("Choices") {
		c := choice{next: inner.text("Next")}
		inner.text("Comment")
		if c.next == "" {
			inner.fail("Next", "there is none")
		}
		c.rule = loadRule(inner)
		s.choices = append(s.choices, c)
		f.absorb(inner)
	}
	if len(s.choices) == 0 {
		f.fail("Choices", "there is none")
	}
}

// loadRule reads a rule. The caller takes over what is wrong with it.
func loadRule(f *fields) rule {
	var r rule
	named := slices.Sorted(maps.Keys(f.left))
	combined := slices.DeleteFunc(slices.Clone(named), func(n string) bool { return n != "And" && n != "Or" && n != "Not" })
	compared := slices.DeleteFunc(slices.Clone(named), func(n string) bool { return !slices.Contains(operators(), n) })
	switch {
	case len(combined) == 1 && len(compared) == 0:
		r.combine(f, combined[0])
	case len(combined) == 0 && len(compared) == 1:
		r.compared(f, compared[0])
	default:
		f.fail("", "it must have exactly one of And, Or, Not, or a Variable and exactly one of %s", strings.Join(operators(), ", "))
	}
	return r
}

func (r *rule) combine(f *fields, how string) {
	if how == "Not" {
		raw, _ := f.take(how)
		inner := newFields(f.where+": Not", raw)
		not := loadRule(inner)
		r.not = &not
		f.absorb(inner)
		return
	}
	var rules []rule
	for _, inner := range f.objects(how) {
		rules = append(rules, loadRule(inner))
		f.absorb(inner)
	}
	if how == "And" {
		r.and = rules
	} else {
		r.or = rules
	}
}

func (r *rule) compared(f *fields, operator string) {
	r.operator = operator
	if variable := f.refPath("Variable"); variable != nil {
		r.variable = *variable
	} else {
		f.fail("Variable", "there is none")
	}
	if plain, isPath := strings.CutSuffix(operator, "Path"); isPath {
		r.operator, r.other = plain, f.refPath(operator)
		return
	}
	kind := "a number"
	f.into(operator, &r.value, kind)
	ok := false
	switch {
	case operator == isPresent || strings.HasPrefix(operator, "Boolean"):
		kind = "true or false"
		_, ok = r.value.(bool)
	case strings.HasPrefix(operator, "String"):
		kind = "a string"
		_, ok = r.value.(string)
	default:
		_, ok = numeric(r.value)
	}
	if !ok {
		f.fail(operator, "it must be %s", kind)
	}
}

// holds evaluates a rule, from left to right and no further than needed.
func (r *rule) holds(data, context any) (bool, *failure) {
	switch {
	case r.and != nil:
		for i := range r.and {
			if ok, err := r.and[i].holds(data, context); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case r.or != nil:
		for i := range r.or {
			if ok, err := r.or[i].holds(data, context); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case r.not != nil:
		ok, err := r.not.holds(data, context)
		return !ok, err
	}
	value, found := r.variable.get(data, context)
	if r.operator == isPresent {
		return found == r.value, nil
	}
	if !found {
		return false, invalidPath(r.variable, data)
	}
	other := r.value
	if r.other != nil {
		if other, found = r.other.get(data, context); !found {
			return false, invalidPath(*r.other, data)
		}
	}
	holds, _ := compare(r.operator)
	return holds(value, other), nil
}

func invalidPath(p path, data any) *failure {
	return runtimeError("Invalid path '%s': The choice state's condition path references an invalid value. %s", p.text, fmt.Sprintf("The input is %s", brief(data)))
}
