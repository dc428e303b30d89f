package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Match reports whether an EventBridge rule with this pattern would pass this event on (AWS page "Creating Amazon
// EventBridge event patterns"). It knows exact values only: strings, numbers, booleans and null, case-sensitive, nested as
// deep as the pattern is. A key of the pattern that the event lacks does not match. An array in the event matches if any
// element does. Numbers are equal if they are written alike (300 is not 300.0), as in the classic buses' documentation.
//
// An operator such as {"prefix": …} is an error, also where the event would not have matched anyway.
func Match(pattern, event []byte) (bool, error) {
	p, err := Parse(pattern)
	if err != nil {
		return false, err
	}
	e, err := ParseEvent(event)
	if err != nil {
		return false, err
	}
	return p.Matches(e), nil
}

// Pattern is an event pattern that was read, for whoever has many events to match.
type Pattern struct{ fields map[string]any }

// Event is an event that was read, for whoever has many patterns to match it with.
type Event struct{ fields map[string]any }

// Parse reads a pattern. Match says what is an error in one.
func Parse(pattern []byte) (Pattern, error) {
	p, err := decode(pattern)
	if err != nil {
		return Pattern{}, fmt.Errorf("reading the pattern: %w; write it as one JSON object", err)
	}
	fields, ok := p.(map[string]any)
	if !ok {
		return Pattern{}, fmt.Errorf("reading the pattern: it is %s; write it as one JSON object", describe(p))
	}
	if err := check("", fields); err != nil {
		return Pattern{}, err
	}
	return Pattern{fields}, nil
}

// ParseEvent reads an event.
func ParseEvent(event []byte) (Event, error) {
	e, err := decode(event)
	if err != nil {
		return Event{}, fmt.Errorf("reading the event: %w; an event is one JSON object", err)
	}
	fields, ok := e.(map[string]any)
	if !ok {
		return Event{}, fmt.Errorf("reading the event: it is %s; an event is one JSON object", describe(e))
	}
	return Event{fields}, nil
}

// Matches is Match of a pattern and an event that were read.
func (p Pattern) Matches(e Event) bool { return matchObject(p.fields, e.fields) }

// decode reads exactly one JSON value and keeps numbers as they are written.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the first JSON value")
	}
	return v, nil
}

// check refuses everything in a pattern that Match does not know. It goes through the keys in order, so that the same
// pattern always gives the same error.
func check(path string, fields map[string]any) error {
	if len(fields) == 0 {
		return fmt.Errorf("pattern field %q has no keys; name at least one value to match", path)
	}
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		at := path + "." + key
		if path == "" {
			at = key
		}
		if key == "$or" {
			return operatorError(at, key)
		}
		var err error
		switch v := fields[key].(type) {
		case map[string]any:
			err = check(at, v)
		case []any:
			err = checkValues(at, v)
		default:
			err = fmt.Errorf("pattern field %q is %s; put the values to match into an array", at, describe(v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkValues refuses an array of values that holds anything but plain values.
func checkValues(path string, values []any) error {
	if len(values) == 0 {
		return fmt.Errorf("pattern field %q is an empty array, which matches nothing; name at least one value", path)
	}
	for _, value := range values {
		switch value.(type) {
		case map[string]any:
			return operatorError(path, describe(value))
		case []any:
			return fmt.Errorf("pattern field %q holds an array in an array; list the values in one array", path)
		}
	}
	return nil
}

// operatorError says why an operator is refused.
func operatorError(path, operator string) error {
	return fmt.Errorf("pattern field %q uses an operator (%s): Detour's own patterns use exact matching only; list the exact values", path, operator)
}

// matchObject reports whether value is an object, or an array with an object in it, in which every field matches.
func matchObject(fields map[string]any, value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for key, want := range fields { // The order does not matter: all must match.
			got, ok := v[key]
			if !ok || !matchField(want, got) {
				return false
			}
		}
		return true
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return matchObject(fields, element) })
	default:
		return false
	}
}

// matchField reports whether one value of the event matches one field of the pattern.
func matchField(want, got any) bool {
	if fields, ok := want.(map[string]any); ok {
		return matchObject(fields, got)
	}
	values, ok := want.([]any)
	return ok && matchAny(values, got)
}

// matchAny reports whether got, or any element of it, is one of the plain values.
func matchAny(values []any, got any) bool {
	switch g := got.(type) {
	case []any:
		return slices.ContainsFunc(g, func(element any) bool { return matchAny(values, element) })
	case map[string]any:
		return false
	default:
		return slices.Contains(values, got)
	}
}

// describe names the JSON type of a decoded value.
func describe(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	default:
		return "null"
	}
}
