package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Template makes a target's input from an event: an input transformer of
// EventBridge (User Guide, "Amazon EventBridge input transformation").
type Template struct {
	paths map[string][]step
	// parts are pieces of text and names of variables in turns, text first.
	parts []string
}

// step is one step of a path: into an object by a name, or into a list.
type step struct {
	name  string
	index int
}

// The variables that every template has.
const (
	variableRuleARN  = "aws.events.rule-arn"
	variableRuleName = "aws.events.rule-name"
	variableEvent    = "aws.events.event"
	variableJSON     = "aws.events.event.json"
)

// newTemplate reads an input transformer. A variable that it does not define is
// an error, and so is a path beyond $.name and [n].
func newTemplate(paths map[string]string, text string) (*Template, error) {
	t := &Template{paths: map[string][]step{}}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		steps, err := readPath(paths[name])
		if err != nil {
			return nil, fmt.Errorf("has path %s %q: %w", name, paths[name], err)
		}
		t.paths[name] = steps
	}
	for {
		before, after, found := strings.Cut(text, "<")
		t.parts = append(t.parts, before)
		if !found {
			return t, nil
		}
		name, rest, closed := strings.Cut(after, ">")
		_, known := t.paths[name]
		reserved := slices.Contains([]string{variableRuleARN, variableRuleName, variableEvent, variableJSON}, name)
		if !closed || !known && !reserved {
			return nil, fmt.Errorf("has a template with the variable <%s>, which InputPathsMap does not define", name)
		}
		t.parts = append(t.parts, name)
		text = rest
	}
}

// readPath reads a path such as $.detail.routes[0].state.
func readPath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("it must begin with $")
	}
	var steps []step
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			if end == 1 {
				return nil, fmt.Errorf("it has a step without a name")
			}
			steps = append(steps, step{name: rest[1:end]})
			rest = rest[end:]
		case '[':
			number, after, closed := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(number)
			if !closed || err != nil || n < 0 {
				return nil, fmt.Errorf("the lab models .name and [number] in a path")
			}
			steps = append(steps, step{index: n})
			rest = after
		default:
			return nil, fmt.Errorf("the lab models .name and [number] in a path")
		}
	}
	return steps, nil
}

// Apply makes the input from an event that a rule passes on. Inside of quotation
// marks a text stands as it is, escaped as JSON does; elsewhere a value stands as
// JSON. A variable whose path leads nowhere is empty.
func (t *Template) Apply(rule Rule, raw []byte) (string, error) {
	event, err := parse(raw)
	if err != nil {
		return "", fmt.Errorf("reading the event: %w", err)
	}
	var out strings.Builder
	quoted := false
	for i, part := range t.parts {
		if i%2 == 0 {
			quoted = inQuotes(part, quoted)
			out.WriteString(part)
			continue
		}
		out.WriteString(shown(t.value(part, rule, event), quoted))
	}
	return out.String(), nil
}

// value is what a variable stands for; nil: nothing.
func (t *Template) value(name string, rule Rule, event any) any {
	steps, own := t.paths[name]
	switch {
	case own:
		return walk(event, steps)
	case name == variableRuleARN:
		return rule.ARN
	case name == variableRuleName:
		return rule.Name
	default:
		return event
	}
}

// walk follows a path; nil: it leads nowhere.
func walk(value any, steps []step) any {
	for _, s := range steps {
		switch v := value.(type) {
		case map[string]any:
			value = v[s.name]
		case []any:
			if s.name != "" || s.index >= len(v) {
				return nil
			}
			value = v[s.index]
		default:
			return nil
		}
	}
	return value
}

// inQuotes reports whether a piece of a template, which begins inside of
// quotation marks or not, ends inside.
func inQuotes(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		}
	}
	return quoted
}

// shown is a value in its place in a template.
func shown(value any, quoted bool) string {
	if value == nil {
		return ""
	}
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // It was read from JSON.
	}
	text := string(raw)
	if _, isText := value.(string); isText && quoted {
		return text[1 : len(text)-1]
	}
	if quoted {
		escaped, _ := json.Marshal(text) // A string always encodes.
		return string(escaped[1 : len(escaped)-1])
	}
	return text
}
