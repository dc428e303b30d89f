package source

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// MaxSize is how many bytes a file may have.
const MaxSize = 1 << 20

// Read reads a configuration file. name is how problems call the file. The
// configuration is normalized and passes config.Check; every error is Problems.
func Read(data []byte, name string) (config.Config, error) {
	root, problem := parse(data)
	if problem != nil {
		problem.File = name
		return config.Config{}, Problems{*problem}
	}
	return decode(root, name, true)
}

// Decode reads a configuration from a mapping node that is part of a larger
// file, such as what Section returns. It is Read, except that version may be
// left out. Lines and columns are the node's.
func Decode(node *yaml.Node, name string) (config.Config, error) {
	return decode(node, name, false)
}

// Section returns a mapping of those keys of root that belong to a
// configuration, so that a file can have them among keys of its own. root is a
// document or a mapping; anything else is returned as it is.
func Section(root *yaml.Node) *yaml.Node {
	root = content(root)
	if root == nil || root.Kind != yaml.MappingNode {
		return root
	}
	out := *root
	out.Content = nil
	for i := 0; i+1 < len(root.Content); i += 2 {
		if _, ok := fieldNamed(configFields(), root.Content[i].Value); ok {
			out.Content = append(out.Content, root.Content[i], root.Content[i+1])
		}
	}
	return &out
}

// content returns what a document node holds, and any other node as it is.
func content(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.DocumentNode {
		if len(node.Content) == 0 {
			return nil
		}
		return node.Content[0]
	}
	return node
}

func decode(root *yaml.Node, name string, versioned bool) (config.Config, error) {
	d := &decoder{file: name, positions: map[string]position{}, broken: map[string]bool{}}
	c := config.New()
	if versioned {
		c.Version = 0 // A file has to say its version.
	}
	root = content(root)
	if root == nil || root.Kind == yaml.ScalarNode && root.ShortTag() == nullTag {
		at := position{1, 1}
		if root != nil {
			at = positionOf(root)
		}
		d.add(at, "", "", "there is no configuration", "start with version: 1 and groups:")
	} else {
		d.config(root, &c)
	}
	if !d.broken[""] {
		for _, problem := range config.Check(c) {
			if !d.explained(problem.Path) {
				d.report(d.locate(problem.Path), problem)
			}
		}
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return config.Config{}, d.problems
	}
	return c.Normalize(), nil
}

// explained reports whether a problem at the path only follows from one that
// decoding has found: at the same place, or around it.
func (d *decoder) explained(path string) bool {
	if group, ok := strings.CutSuffix(path, ".waitToRestore"); ok && d.broken[group+".revertive"] {
		return true
	}
	for {
		if d.broken[path] {
			return true
		}
		if path == "" {
			return false
		}
		path = parent(path)
	}
}

// locate returns the position of the value at the path, or of the innermost
// thing around it that stands in the file.
func (d *decoder) locate(path string) position {
	for {
		if at, ok := d.positions[path]; ok {
			return at
		}
		if path == "" {
			return position{1, 1}
		}
		path = parent(path)
	}
}

// parent returns the path without its last part.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}
