package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ShapeError says that a field of a message has another JSON type than its schema gives it.
type ShapeError struct {
	Field string // the key on the wire, or "" for the whole message
	Want  string
	Got   string // what stands there, shortened
}

// Error names the field, the value and the remedy.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("field %q is %s, want %s; send it as the AWS schema of this event has it", e.Field, e.Got, e.Want)
}

// object reads fields by their exact keys. (encoding/json ignores case, by which a stray "SOURCE" would overwrite
// "source".) Of a doubled key the last one counts.
type object struct {
	fields map[string]json.RawMessage
	errs   []error
}

// open reads one JSON object.
func open(raw []byte) (*object, error) {
	o := &object{}
	if err := json.Unmarshal(raw, &o.fields); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, &ShapeError{Want: "an object", Got: excerpt(raw)}
		}
		return nil, err
	}
	if o.fields == nil {
		return nil, &ShapeError{Want: "an object", Got: "null"}
	}
	return o, nil
}

// get returns the value of the first of the keys that is there and not null.
func (o *object) get(keys ...string) (string, json.RawMessage) {
	for _, key := range keys {
		if raw, ok := o.fields[key]; ok && string(raw) != "null" {
			return key, raw
		}
	}
	return "", nil
}

// read decodes the value of the first of the keys that is there.
func read[T any](o *object, dst *T, want string, keys ...string) {
	key, raw := o.get(keys...)
	if raw == nil {
		return
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		o.errs = append(o.errs, &ShapeError{Field: key, Want: want, Got: excerpt(raw)})
		return
	}
	*dst = v
}

// text reads a string.
func (o *object) text(dst *string, keys ...string) { read(o, dst, "a string", keys...) }

// texts reads an array of strings.
func (o *object) texts(dst *[]string, keys ...string) { read(o, dst, "an array of strings", keys...) }

// raw takes a value as it is.
func (o *object) raw(dst *json.RawMessage, keys ...string) { read(o, dst, "a value", keys...) }

// word reads a string, or a number as the string that it is written as: AWS sends ASNs as strings, and could stop to.
func (o *object) word(dst *string, keys ...string) {
	key, raw := o.get(keys...)
	if raw == nil {
		return
	}
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*dst = s
	case json.Unmarshal(raw, &n) == nil:
		*dst = n.String()
	default:
		o.errs = append(o.errs, &ShapeError{Field: key, Want: "a string or a number", Got: excerpt(raw)})
	}
}

// integer reads a whole number, or a string that is one.
func (o *object) integer(dst *int64, keys ...string) {
	key, raw := o.get(keys...)
	if raw == nil {
		return
	}
	var n json.Number // Also takes a string that holds a number.
	if err := json.Unmarshal(raw, &n); err == nil {
		if v, err := n.Int64(); err == nil {
			*dst = v
			return
		}
	}
	o.errs = append(o.errs, &ShapeError{Field: key, Want: "a whole number", Got: excerpt(raw)})
}

// err returns everything that had a wrong shape, in the order in which the fields were read.
func (o *object) err() error { return errors.Join(o.errs...) }

// wholeOrShape turns the type error of encoding/json into a ShapeError. It is for shapes that are read by struct tags.
func wholeOrShape(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &ShapeError{Field: t.Field, Want: t.Type.String(), Got: t.Value}
	}
	return err
}

// excerpt shortens a JSON value for an error text.
func excerpt(raw []byte) string {
	const most = 60
	s := strings.ToValidUTF8(string(raw), "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
