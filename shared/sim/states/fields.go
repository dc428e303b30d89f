package states

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fields takes an object of a definition apart. What is not asked for by the end
// is refused by name, because it could change what the definition means.
type fields struct {
	where string // of the object, for messages
	left  map[string]json.RawMessage
	known []string
	errs  []error
}

// newFields reads an object. Its error is kept like those of its fields.
func newFields(where string, raw json.RawMessage) *fields {
	f := &fields{where: where}
	if err := checkTwice(raw); err != nil {
		f.fail("", "%v", err)
		return f
	}
	if json.Unmarshal(raw, &f.left) != nil || f.left == nil {
		f.fail("", "it must be an object")
	}
	return f
}

// checkTwice refuses an object that has a member twice, of which a decoder would
// silently take the last.
func checkTwice(raw json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, _ := decoder.Token(); start != json.Delim('{') {
		return nil // It is none, which is found elsewhere.
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("%q stands there twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
	}
	return nil
}

func (f *fields) fail(name, format string, args ...any) {
	where := f.where
	if name != "" {
		where += ": " + name
	}
	f.errs = append(f.errs, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// take takes a field out.
func (f *fields) take(name string) (json.RawMessage, bool) {
	f.known = append(f.known, name)
	raw, there := f.left[name]
	delete(f.left, name)
	return raw, there
}

// into decodes a field, and reports whether it is there.
func (f *fields) into(name string, v any, kind string) bool {
	raw, there := f.take(name)
	if !there {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(v); err != nil || string(raw) == "null" {
		f.fail(name, "it must be %s", kind)
		return false
	}
	return true
}

func (f *fields) text(name string) string {
	var text string
	f.into(name, &text, "a string")
	return text
}

// number reads an integer between the bounds; the default counts where there is none.
func (f *fields) number(name string, least, most, otherwise int64) int64 {
	var number json.Number
	raw := f.left[name]
	if !f.into(name, &number, "a number") {
		return otherwise
	}
	n, err := number.Int64()
	if err != nil || n < least || n > most || bytes.HasPrefix(raw, []byte(`"`)) {
		f.fail(name, "%s is no integer from %d to %d", raw, least, most)
	}
	return n
}

// refPath reads a reference path; nil where there is none.
func (f *fields) refPath(name string) *path {
	var text string
	if !f.into(name, &text, "a path") {
		return nil
	}
	p, err := parsePath(text)
	if err != nil {
		f.fail(name, "%w", err)
	}
	return &p
}

// choosable reads a path that may be null; nil where there is none.
func (f *fields) choosable(name string) *choosable {
	if raw, there := f.left[name]; there && string(raw) == "null" {
		f.take(name)
		return &choosable{null: true}
	}
	p := f.refPath(name)
	if p == nil {
		return nil
	}
	return &choosable{path: *p}
}

// resultPath reads a ResultPath, which points into the input.
func (f *fields) resultPath(name string) *choosable {
	c := f.choosable(name)
	if c != nil && c.context {
		f.fail(name, "%q must point into the state's input, not into the context object", c.text)
	}
	return c
}

// template reads a payload template; nil where there is none.
func (f *fields) template(name string) *template {
	var value any
	if !f.into(name, &value, "a payload template") {
		return nil
	}
	t, err := parseTemplate(f.where+": "+name, value)
	if err != nil {
		f.errs = append(f.errs, err)
	}
	return &t
}

// names reads a list of strings that is not empty.
func (f *fields) names(name string) []string {
	var list []string
	f.into(name, &list, "a list of strings")
	if len(list) == 0 {
		f.fail(name, "it must name at least one error")
	}
	return list
}

// objects reads a list of objects.
func (f *fields) objects(name string) []*fields {
	var list []json.RawMessage
	if !f.into(name, &list, "a list of objects") {
		return nil
	}
	if len(list) == 0 {
		f.fail(name, "it is empty: leave it out")
	}
	out := make([]*fields, 0, len(list))
	for i, raw := range list {
		out = append(out, newFields(fmt.Sprintf("%s: %s[%d]", f.where, name, i), raw))
	}
	return out
}

// absorb takes over what was found wrong in an inner object, when all of it was
// asked for.
func (f *fields) absorb(inner *fields) { f.errs = append(f.errs, inner.done()) }

// done returns what was found wrong, with the fields that nothing asked for.
func (f *fields) done() error {
	for _, name := range slices.Sorted(maps.Keys(f.left)) {
		f.fail(name, "this field is not supported here: use only %s", strings.Join(slices.Compact(slices.Sorted(slices.Values(f.known))), ", "))
	}
	return errors.Join(f.errs...)
}
