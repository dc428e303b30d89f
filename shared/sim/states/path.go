package states

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// path is a reference path into a state's data, or into the context object.
type path struct {
	text    string
	context bool
	steps   []string
}

// step is the name of a member in a path. Names that need the form $['a'] are not
// supported.
var step = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parsePath reads a reference path. Source: Amazon States Language, Reference
// Paths; Developer Guide, "Accessing execution data from the Context object".
func parsePath(text string) (path, error) {
	p := path{text: text}
	rest, found := strings.CutPrefix(text, "$$")
	if found {
		p.context = true
	} else if rest, found = strings.CutPrefix(text, "$"); !found {
		return path{}, fmt.Errorf("%q is no path: it must begin with $ or $$; intrinsic functions are not supported", text)
	}
	if rest != "" {
		rest, found = strings.CutPrefix(rest, ".")
		p.steps = strings.Split(rest, ".")
		if !found || slices.ContainsFunc(p.steps, func(s string) bool { return !step.MatchString(s) }) {
			return path{}, fmt.Errorf("%q is no reference path of the form $.a.b, and others are not supported", text)
		}
	}
	if p.context {
		if err := p.checkContext(); err != nil {
			return path{}, err
		}
	}
	return p, nil
}

// checkContext refuses what the context object does not have; whatever lies in an
// execution's input may be there.
func (p path) checkContext() error {
	known := map[string][]string{
		"Execution":    {"Id", "Input", "Name", "RedriveCount", "RoleArn", "StartTime"},
		"State":        {"EnteredTime", "Name", "RetryCount"},
		"StateMachine": {"Id", "Name"},
		"Task":         {"Token"},
	}
	if len(p.steps) == 0 {
		return nil
	}
	members := known[p.steps[0]]
	switch {
	case members == nil:
		return fmt.Errorf("%q: the context object has only %s", p.text, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	case len(p.steps) == 1, p.steps[1] == "Input":
		return nil
	case !slices.Contains(members, p.steps[1]):
		return fmt.Errorf("%q: %s of the context object has only %s", p.text, p.steps[0], strings.Join(members, ", "))
	case len(p.steps) > 2:
		return fmt.Errorf("%q: %s of the context object is no object", p.text, p.steps[1])
	}
	return nil
}

// token reports whether the path is that of the task token.
func (p path) token() bool { return p.context && (len(p.steps) == 0 || p.steps[0] == "Task") }

// get looks the path up.
func (p path) get(data, context any) (any, bool) {
	at := data
	if p.context {
		at = context
	}
	for _, name := range p.steps {
		object, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = object[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

// put returns the data with a value at the path; the data stays as it was. Members
// that are missing on the way are made. It fails where something on the way is no
// object. Source: Amazon States Language, ResultPath.
func (p path) put(data, value any) (any, bool) { return put(data, p.steps, value) }

func put(data any, steps []string, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil, false
	}
	object = maps.Clone(object)
	inner, there := object[steps[0]]
	if !there && len(steps) > 1 {
		inner = map[string]any{}
	}
	if object[steps[0]], ok = put(inner, steps[1:], value); !ok {
		return nil, false
	}
	return object, true
}

// choosable is a path that may be null: then nothing is chosen.
type choosable struct {
	path
	null bool
}

// choose applies an InputPath or OutputPath. One that is null chooses an empty
// object. Source: Amazon States Language, InputPath and OutputPath.
func (c *choosable) choose(field string, data, context any) (any, *failure) {
	switch {
	case c == nil:
		return data, nil
	case c.null:
		return map[string]any{}, nil
	}
	value, found := c.get(data, context)
	if !found {
		return nil, runtimeError("Invalid path '%s' : the field '%s' found no results in %s", c.text, field, brief(data))
	}
	return value, nil
}
