package source

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// MaxSize is how many bytes a file may have. An entry with two paths takes some
// 250 bytes of YAML and 450 of normalized JSON, so a transit gateway's quota of
// 10,000 routes fits in YAML. Reading a hostile file takes some two hundred times
// its size in memory, which is why it is not more.
const MaxSize = 3 << 20

// MaxItems bounds each list of a file.
const MaxItems = 20_000

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
	d := newDecoder(name)
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
	if !d.broken[""] && !d.full() {
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
	if d.follows(path) {
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

// follows reports whether the problem depends on a value elsewhere that could
// not be decoded.
func (d *decoder) follows(path string) bool {
	group, rest := cutAfter(path, "]")
	onePath, _ := cutAfter(rest, "]")
	switch {
	case strings.HasSuffix(path, ".table"), strings.HasSuffix(path, ".via"), strings.HasPrefix(path, "neverTouch.tables["):
		return d.brokenRoots["tables"]
	case strings.HasPrefix(path, "prefixLists[") && rest == "":
		return d.brokenRoots["groups"] // An entry that uses the list may be among what is broken.
	case strings.HasSuffix(path, ".waitToRestore"):
		return d.broken[group+".revertive"]
	case strings.HasSuffix(path, ".flow"):
		return d.broken[group+".stateful"]
	case strings.HasPrefix(rest, ".home"):
		return d.brokenRoots["home"]
	case strings.HasPrefix(rest, ".paths["):
		return d.broken[group+onePath+".kind"]
	default:
		return false
	}
}

// cutAfter splits the text after the first mark. Without one, all of it is the
// head.
func cutAfter(text, mark string) (head, rest string) {
	if i := strings.Index(text, mark); i >= 0 {
		return text[:i+len(mark)], text[i+len(mark):]
	}
	return text, ""
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
