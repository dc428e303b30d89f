package source

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// The tags that the YAML library resolves plain scalars to.
const (
	nullTag  = "!!null"
	boolTag  = "!!bool"
	intTag   = "!!int"
	floatTag = "!!float"
	mergeTag = "!!merge"
)

// position is a line and a column, both from 1.
type position struct{ line, column int }

func positionOf(node *yaml.Node) position {
	return position{max(node.Line, 1), max(node.Column, 1)}
}

// decoder fills a configuration from nodes. It descends only where the model
// does, so nothing in a file can make it go deeper or on for longer.
type decoder struct {
	file      string
	problems  Problems
	positions map[string]position
	// broken holds the paths whose values could not be decoded.
	broken map[string]bool
	// brokenRoots holds the keys of the root that such values stand below.
	brokenRoots map[string]bool
	// also are keys of the root that somebody else decodes.
	also []string
}

func newDecoder(file string) *decoder {
	return &decoder{file: file, positions: map[string]position{}, broken: map[string]bool{}, brokenRoots: map[string]bool{}}
}

// mark remembers that the value at the path could not be decoded.
func (d *decoder) mark(path string) {
	d.broken[path] = true
	root := path
	if end := strings.IndexAny(path, ".["); end >= 0 {
		root = path[:end]
	}
	d.brokenRoots[root] = true
}

// config decodes the root.
func (d *decoder) config(node *yaml.Node, c *config.Config) {
	d.value(node, "", reflect.ValueOf(c).Elem())
}

func (d *decoder) report(at position, problem config.Problem) {
	if !d.full() {
		d.problems = append(d.problems, Problem{File: d.file, Line: at.line, Column: at.column, Problem: problem})
	}
}

// full reports whether there are so many problems that no more are collected.
func (d *decoder) full() bool { return len(d.problems) >= config.MaxProblems }

func (d *decoder) add(at position, path, value, what, remedy string) {
	d.report(at, config.Problem{Path: path, Value: value, What: what, Remedy: remedy})
	d.mark(path)
}

// value decodes the node into the target, whose defaults are in place.
func (d *decoder) value(node *yaml.Node, path string, target reflect.Value) {
	d.positions[path] = positionOf(node)
	switch {
	case node.Kind == yaml.AliasNode:
		d.add(positionOf(node), path, "*"+node.Value, "is an alias, and aliases are not supported", "write the value out")
	case node.Style&yaml.TaggedStyle != 0:
		d.add(positionOf(node), path, node.Tag, "is a tag, and tags are not supported", "remove it")
	case node.Kind == yaml.ScalarNode && node.ShortTag() == nullTag:
		d.add(positionOf(node), path, "", "there is no value", "write one, or remove the key")
	case target.Kind() == reflect.Pointer:
		pointed := reflect.New(target.Type().Elem())
		d.value(node, path, pointed.Elem())
		target.Set(pointed)
	case target.Type() == reflect.TypeFor[config.Duration](), target.Kind() < reflect.Array, target.Kind() == reflect.String:
		d.scalar(node, path, target)
	case target.Kind() == reflect.Struct && d.kind(node, path, yaml.MappingNode):
		d.structure(node, path, target)
	case target.Kind() == reflect.Slice && d.kind(node, path, yaml.SequenceNode):
		d.list(node, path, target)
	case target.Kind() == reflect.Map && d.kind(node, path, yaml.MappingNode):
		d.mapping(node, path, target)
	}
}

// kind reports whether the node is of the kind, or adds a problem.
func (d *decoder) kind(node *yaml.Node, path string, want yaml.Kind) bool {
	if node.Kind == want {
		return true
	}
	var remedy string
	switch want {
	case yaml.SequenceNode:
		remedy = "start each item with a hyphen and a space"
	case yaml.ScalarNode:
		remedy = "write a single value"
	default:
		remedy = "write keys and values, such as name: value"
	}
	value := ""
	if node.Kind == yaml.ScalarNode {
		value = node.Value
	}
	d.add(positionOf(node), path, value, fmt.Sprintf("is %s where %s is expected", kindName(node.Kind), kindName(want)), remedy)
	return false
}

func kindName(kind yaml.Kind) string {
	switch kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// field is a key of a structure.
type field struct {
	name  string
	index int
}

func fieldsOf(structure reflect.Type) []field {
	var out []field
	for i := range structure.NumField() {
		name, _, _ := strings.Cut(structure.Field(i).Tag.Get("json"), ",")
		if name != "-" {
			out = append(out, field{name, i})
		}
	}
	return out
}

func configFields() []field { return fieldsOf(reflect.TypeFor[config.Config]()) }

func fieldNamed(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (d *decoder) structure(node *yaml.Node, path string, target reflect.Value) {
	fields := fieldsOf(target.Type())
	d.keys(node, path, func(key, value *yaml.Node) {
		at := config.KeyPath(path, key.Value)
		if f, ok := fieldNamed(fields, key.Value); ok {
			d.value(value, at, target.Field(f.index))
			return
		}
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f.name
		}
		if path == "" {
			names = append(names, d.also...)
		}
		if near, ok := nearest(key.Value, names); ok {
			d.add(positionOf(key), at, "", "unknown key", "did you mean "+near+"?")
			d.mark(config.KeyPath(path, near))
			return
		}
		d.add(positionOf(key), at, "", "unknown key", "the keys here are "+strings.Join(names, ", "))
	})
}

func (d *decoder) mapping(node *yaml.Node, path string, target reflect.Value) {
	target.Set(reflect.MakeMap(target.Type()))
	d.keys(node, path, func(key, value *yaml.Node) {
		item := reflect.New(target.Type().Elem()).Elem()
		d.value(value, config.KeyPath(path, key.Value), item)
		target.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
}

// keys calls each for every key that is plain text and stands once.
func (d *decoder) keys(node *yaml.Node, path string, each func(key, value *yaml.Node)) {
	first := map[string]position{}
	for i := 0; i+1 < len(node.Content) && !d.full(); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0:
			d.add(positionOf(key), path, "", "a key here is not plain text", "write a name as the key")
			continue
		case key.ShortTag() == mergeTag:
			d.add(positionOf(key), path, key.Value, "is a merge key, and merge keys are not supported", "write the keys out")
			continue
		}
		at, twice := first[key.Value]
		if twice {
			d.add(positionOf(key), config.KeyPath(path, key.Value), "", fmt.Sprintf("the key stands twice, first in line %d", at.line), "remove one of the two")
			continue
		}
		first[key.Value] = positionOf(key)
		each(key, value)
	}
}

func (d *decoder) list(node *yaml.Node, path string, target reflect.Value) {
	if n := len(node.Content); n > MaxItems {
		d.add(positionOf(node), path, "", fmt.Sprintf("the list has %d items", n), fmt.Sprintf("write at most %d", MaxItems))
		return
	}
	target.Set(reflect.MakeSlice(target.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		if d.full() {
			return
		}
		element := target.Index(i)
		switch pointer := element.Addr().Interface().(type) {
		case *config.Group:
			*pointer = config.NewGroup()
		case *config.Filter:
			*pointer = config.NewFilter()
		case *config.Path:
			*pointer = config.NewPathOf(kindOf(item))
		}
		d.value(item, config.IndexPath(path, i), element)
	}
}

// kindOf returns the kind that a path's node names, or that of a path that names
// none. What is wrong with it is found when it is decoded.
func kindOf(path *yaml.Node) string {
	if path.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(path.Content); i += 2 {
			if path.Content[i].Value == "kind" && path.Content[i+1].Kind == yaml.ScalarNode {
				return path.Content[i+1].Value
			}
		}
	}
	return config.NewPath().Kind
}
