package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// JSON returns the normalized JSON of c, indented by two spaces and ended by a
// line break. Equal configurations have equal JSON, byte for byte: fields are
// in the order of the model, lists in declared order, next hops sorted by path.
func (c Config) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(c.Normalize(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write normalized configuration: %w", err)
	}
	return append(out, '\n'), nil
}

// Parse reads normalized JSON. A field that is missing has its default, so that
// older JSON stays readable. Unknown fields, fields in another case, fields that
// stand twice, null, and anything that Check refuses are errors; the last as
// Problems.
func Parse(data []byte) (Config, error) {
	c := New()
	c.Version = 0 // The version has no default: it must be in the document.
	if err := json.Unmarshal(data, &c); err != nil {
		return Config{}, fmt.Errorf("read normalized configuration: %w", err)
	}
	if err := checkFields(data); err != nil {
		return Config{}, fmt.Errorf("read normalized configuration: %w", err)
	}
	if problems := Check(c); len(problems) > 0 {
		return Config{}, Problems(problems)
	}
	return c.Normalize(), nil
}

// UnmarshalJSON reads a group; a missing field has its default.
func (g *Group) UnmarshalJSON(data []byte) error {
	type plain Group
	*g = NewGroup()
	return json.Unmarshal(data, (*plain)(g))
}

// UnmarshalJSON reads a path; a missing field has the default of the path's
// kind.
func (p *Path) UnmarshalJSON(data []byte) error {
	type plain Path
	kind := struct {
		Kind string `json:"kind"`
	}{NewPath().Kind}
	if err := json.Unmarshal(data, &kind); err != nil {
		return err
	}
	*p = NewPathOf(kind.Kind)
	return json.Unmarshal(data, (*plain)(p))
}

// checkFields compares the fields of the document with those of the model.
// encoding/json itself lets fields pass that are unknown, stand twice, or are
// in another case.
func checkFields(data []byte) error {
	given, err := readValue(json.NewDecoder(bytes.NewReader(data)), "")
	if err != nil {
		return err
	}
	return compareFields(given, reflect.TypeFor[Config](), "")
}

// value is a JSON value without its scalars: only its shape.
type value struct {
	keys   []string
	fields map[string]value
	items  []value
}

func readValue(decoder *json.Decoder, path string) (value, error) {
	token, err := decoder.Token()
	if err != nil {
		return value{}, err
	}
	var out value
	switch token {
	case nil:
		return value{}, fmt.Errorf("%s: null is no value; write a value or leave the field out", pathOrWhole(path))
	case json.Delim('['):
		for decoder.More() {
			item, err := readValue(decoder, IndexPath(path, len(out.items)))
			if err != nil {
				return value{}, err
			}
			out.items = append(out.items, item)
		}
		_, err = decoder.Token()
	case json.Delim('{'):
		out.fields = map[string]value{}
		for decoder.More() {
			if err := readField(decoder, path, &out); err != nil {
				return value{}, err
			}
		}
		_, err = decoder.Token()
	}
	return out, err
}

func readField(decoder *json.Decoder, path string, out *value) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	key, _ := token.(string)
	path = KeyPath(path, key)
	if _, twice := out.fields[key]; twice {
		return fmt.Errorf("%s: the field stands twice; remove one", path)
	}
	field, err := readValue(decoder, path)
	if err != nil {
		return err
	}
	out.keys = append(out.keys, key)
	out.fields[key] = field
	return nil
}

func compareFields(given value, model reflect.Type, path string) error {
	for i, item := range given.items {
		if model.Kind() != reflect.Slice {
			break
		}
		if err := compareFields(item, model.Elem(), IndexPath(path, i)); err != nil {
			return err
		}
	}
	for _, key := range given.keys {
		field, ok := fieldOf(model, key)
		if !ok {
			return fmt.Errorf("%s: unknown field; remove it", KeyPath(path, key))
		}
		if err := compareFields(given.fields[key], field, KeyPath(path, key)); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf returns the type of the value that stands under the key.
func fieldOf(model reflect.Type, key string) (reflect.Type, bool) {
	if model.Kind() == reflect.Map {
		return model.Elem(), true
	}
	if model.Kind() == reflect.Struct {
		for i := range model.NumField() {
			if name, _, _ := strings.Cut(model.Field(i).Tag.Get("json"), ","); name == key {
				return model.Field(i).Type, true
			}
		}
	}
	return nil, false
}

func pathOrWhole(path string) string {
	if path == "" {
		return "document"
	}
	return path
}
