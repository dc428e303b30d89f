package states

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// template is a payload template: JSON of which some members are replaced by what
// a path finds. Source: Amazon States Language, Payload Template.
type template struct {
	literal any
	path    *path
	object  map[string]template
	list    []template
}

// parseTemplate reads a payload template. where names it in errors.
func parseTemplate(where string, value any) (template, error) {
	switch v := value.(type) {
	case map[string]any:
		object := make(map[string]template, len(v))
		var problems []error
		for _, key := range slices.Sorted(maps.Keys(v)) {
			name, dynamic := strings.CutSuffix(key, ".$")
			inner := where + "." + key
			if _, twice := object[name]; twice {
				problems = append(problems, fmt.Errorf("%s: %s stands there twice", inner, name))
			}
			if !dynamic {
				member, err := parseTemplate(inner, v[key])
				object[name] = member
				problems = append(problems, err)
				continue
			}
			text, ok := v[key].(string)
			if !ok {
				problems = append(problems, fmt.Errorf("%s: it must be a path", inner))
				continue
			}
			p, err := parsePath(text)
			if err != nil {
				err = fmt.Errorf("%s: %w", inner, err)
			}
			problems = append(problems, err)
			object[name] = template{path: &p}
		}
		return template{object: object}, errors.Join(problems...)
	case []any:
		list := make([]template, len(v))
		var problems []error
		for i := range v {
			var err error
			list[i], err = parseTemplate(fmt.Sprintf("%s[%d]", where, i), v[i])
			problems = append(problems, err)
		}
		return template{list: list}, errors.Join(problems...)
	default:
		return template{literal: value}, nil
	}
}

// fill makes the template's value.
func (t *template) fill(field string, data, context any) (any, *failure) {
	switch {
	case t.path != nil:
		value, found := t.path.get(data, context)
		if !found {
			return nil, runtimeError("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", t.path.text, field+".$", brief(data))
		}
		return value, nil
	case t.object != nil:
		object := make(map[string]any, len(t.object))
		for _, name := range slices.Sorted(maps.Keys(t.object)) {
			member := t.object[name]
			value, err := member.fill(name, data, context)
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		return object, nil
	case t.list != nil:
		list := make([]any, len(t.list))
		for i := range t.list {
			value, err := t.list[i].fill(field, data, context)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	default:
		return t.literal, nil
	}
}

// tokens reports whether the template passes the task token on.
func (t *template) tokens() bool {
	if t.path != nil {
		return t.path.token()
	}
	for _, member := range t.object {
		if member.tokens() {
			return true
		}
	}
	return slices.ContainsFunc(t.list, func(item template) bool { return item.tokens() })
}
