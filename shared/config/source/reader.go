package source

import (
	"reflect"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// Reader reads a file that holds more than a configuration, by the same rules
// and with the same positions: a scenario is one. It collects every problem, and
// Err has them all.
type Reader struct {
	d    *decoder
	root *yaml.Node
}

// Open parses the file. name is how problems call it. What is not one YAML
// mapping is an error at once.
func Open(data []byte, name string) (*Reader, error) {
	root, problem := parse(data)
	if problem != nil {
		problem.File = name
		return nil, Problems{*problem}
	}
	r := &Reader{d: newDecoder(name), root: content(root)}
	if r.root == nil || r.root.Kind == yaml.ScalarNode && r.root.ShortTag() == nullTag {
		r.d.add(position{1, 1}, "", "", "the file is empty", "write keys and values")
		return nil, r.Err()
	}
	if !r.d.kind(r.root, "", yaml.MappingNode) {
		return nil, r.Err()
	}
	return r, nil
}

// Into decodes the keys that are not a configuration's into the structure that
// target points to, whose json tags name its keys. A field without a key keeps
// its value.
func (r *Reader) Into(target any) {
	for _, f := range configFields() {
		r.d.also = append(r.d.also, f.name)
	}
	rest := *r.root
	rest.Content = nil
	for i := 0; i+1 < len(r.root.Content); i += 2 {
		if _, ok := fieldNamed(configFields(), r.root.Content[i].Value); !ok {
			rest.Content = append(rest.Content, r.root.Content[i], r.root.Content[i+1])
		}
	}
	r.d.value(&rest, "", reflect.ValueOf(target).Elem())
	r.d.also = nil
}

// Config decodes the keys of a configuration, and checks and normalizes it.
// version may be left out; a group or filter without a home gets the given one, if the
// file has none for all groups.
func (r *Reader) Config(home config.Home) config.Config {
	c := config.New()
	r.d.config(Section(r.root), &c)
	if !r.Has("home") {
		for i := range c.GroupList {
			if !r.Has(config.IndexPath("groups", i) + ".home") {
				c.GroupList[i].Home = home
			}
		}
		for i := range c.FilterList {
			if !r.Has(config.IndexPath("filters", i) + ".home") {
				c.FilterList[i].Home = home
			}
		}
	}
	for _, problem := range config.Check(c) {
		r.Report(problem)
	}
	return c.Normalize()
}

// Has reports whether the file has a value at the path.
func (r *Reader) Has(path string) bool {
	_, ok := r.d.positions[path]
	return ok
}

// Broken reports whether a problem was found at the path or around it.
func (r *Reader) Broken(path string) bool { return r.d.explained(path) }

// Report adds a problem at the position of its path, unless it only follows
// from one that was found before.
func (r *Reader) Report(problem config.Problem) {
	if r.d.explained(problem.Path) {
		return
	}
	r.d.report(r.d.locate(problem.Path), problem)
}

// Failed reports whether any problem was found.
func (r *Reader) Failed() bool { return len(r.d.problems) > 0 }

// Err returns Problems, in the order of the file, or nil.
func (r *Reader) Err() error {
	if len(r.d.problems) == 0 {
		return nil
	}
	r.d.problems.sort()
	return r.d.problems
}
