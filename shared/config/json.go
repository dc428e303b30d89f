package config

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	if err := checkFields(data, c); err != nil {
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

// UnmarshalJSON reads a path; a missing field has its default.
func (p *Path) UnmarshalJSON(data []byte) error {
	type plain Path
	*p = NewPath()
	return json.Unmarshal(data, (*plain)(p))
}

// checkFields compares the fields of the document with those that c writes.
// encoding/json itself lets fields pass that stand twice or in another case.
func checkFields(data []byte, c Config) error {
	written, err := json.Marshal(c.Normalize())
	if err != nil {
		return err
	}
	given, err := readValue(json.NewDecoder(bytes.NewReader(data)), "")
	if err != nil {
		return err
	}
	known, err := readValue(json.NewDecoder(bytes.NewReader(written)), "")
	if err != nil {
		return err
	}
	return compareFields(given, known, "")
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

func compareFields(given, known value, path string) error {
	for _, key := range given.keys {
		field, ok := known.fields[key]
		if !ok {
			return fmt.Errorf("%s: unknown field; remove it", KeyPath(path, key))
		}
		if err := compareFields(given.fields[key], field, KeyPath(path, key)); err != nil {
			return err
		}
	}
	for i := range min(len(given.items), len(known.items)) {
		if err := compareFields(given.items[i], known.items[i], IndexPath(path, i)); err != nil {
			return err
		}
	}
	return nil
}

func pathOrWhole(path string) string {
	if path == "" {
		return "document"
	}
	return path
}
