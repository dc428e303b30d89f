package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// decoder fills the structs that stand for properties. A field is named as the
// property is; its tag may have another name, and the word required. A property
// without a field is a problem.
type decoder struct {
	// report gets the place of each problem, such as Targets[0].Arn, and what is
	// wrong there.
	report func(at, text string)
}

// into fills a value. at is its place.
func (d decoder) into(at string, value any, to reflect.Value) {
	if value == nil {
		d.report(at, "is null; leave it out")
		return
	}
	if to.Type() == reflect.TypeFor[json.RawMessage]() {
		to.SetBytes(document(value))
		return
	}
	switch to.Kind() {
	case reflect.Interface: // A policy, which is read for itself.
		to.Set(reflect.ValueOf(value))
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		d.into(at, value, to.Elem())
	case reflect.Struct:
		if object, ok := isA[map[string]any](d, at, value, "an object"); ok {
			d.structure(at, object, to)
		}
	case reflect.Slice:
		list, ok := isA[[]any](d, at, value, "a list")
		if !ok {
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
		for i, each := range list {
			d.into(at+"["+strconv.Itoa(i)+"]", each, to.Index(i))
		}
	case reflect.Map:
		object, ok := isA[map[string]any](d, at, value, "an object")
		if !ok {
			return
		}
		to.Set(reflect.MakeMap(to.Type()))
		for _, key := range slices.Sorted(maps.Keys(object)) {
			element := reflect.New(to.Type().Elem()).Elem()
			d.into(at+"."+key, object[key], element)
			to.SetMapIndex(reflect.ValueOf(key), element)
		}
	default:
		d.scalar(at, value, to)
	}
}

// scalar fills what is neither a list nor an object.
func (d decoder) scalar(at string, value any, to reflect.Value) {
	switch to.Kind() {
	case reflect.String:
		if text, ok := isA[string](d, at, value, "a string"); ok {
			to.SetString(text)
		}
	case reflect.Bool:
		if on, ok := isA[bool](d, at, value, "a boolean"); ok {
			to.SetBool(on)
		}
	case reflect.Int:
		number, ok := isA[json.Number](d, at, value, "a whole number")
		if !ok {
			return
		}
		// Whatever AWS counts here is far below this.
		whole, err := strconv.ParseInt(number.String(), 10, 32)
		if err != nil {
			d.report(at, fmt.Sprintf("is %s; write a whole number", number))
			return
		}
		to.SetInt(whole)
	case reflect.Float64:
		number, ok := isA[json.Number](d, at, value, "a number")
		if !ok {
			return
		}
		float, err := number.Float64()
		if err != nil {
			d.report(at, "is "+number.String()+", which is too large")
			return
		}
		to.SetFloat(float)
	default:
		panic("stack: no property is of type " + to.Type().String())
	}
}

// structure fills a struct.
func (d decoder) structure(at string, object map[string]any, to reflect.Value) {
	known := map[string]bool{}
	for i := range to.NumField() {
		field := to.Type().Field(i)
		name := field.Name
		if other := field.Tag.Get("name"); other != "" {
			name = other
		}
		known[name] = true
		value, there := object[name]
		switch {
		case there:
			d.into(join(at, name), value, to.Field(i))
		case field.Tag.Get("must") != "":
			d.report(join(at, name), "is missing; "+field.Tag.Get("must"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			d.report(join(at, name), "is not modelled by the lab; leave it out, or teach shared/lab/stack and shared/lab/live what it does")
		}
	}
}

// isA reports a value that is of another kind.
func isA[T any](d decoder, at string, value any, want string) (T, bool) {
	typed, ok := value.(T)
	if !ok {
		d.report(at, "is "+describe(value)+"; write "+want)
	}
	return typed, ok
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
