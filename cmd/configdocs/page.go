package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"detour/shared/config"
)

const (
	pageName = "docs/configuration.md"
	examples = "docs/examples"
)

// part is a generated part of the page, between two comments.
var part = regexp.MustCompile(`(?s)(<!-- generated: ([a-z]+) ?([a-z-]*) -->\n).*?(<!-- end -->)`)

// pageFile returns the page with its generated parts made anew.
func pageFile(root string) ([]byte, error) {
	page, err := os.ReadFile(filepath.Join(root, pageName)) //nolint:gosec // A file of the repository.
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w; run configdocs in the root of the repository", err)
	}
	var failed error
	out := part.ReplaceAllStringFunc(string(page), func(text string) string {
		found := part.FindStringSubmatch(text)
		body, err := body(root, found[2], found[3])
		if err != nil && failed == nil {
			failed = err
		}
		return found[1] + body + found[4]
	})
	return []byte(out), failed
}

func body(root, what, name string) (string, error) {
	switch what {
	case "keys":
		return keyTables(), nil
	case "rules":
		return ruleList()
	case "example":
		text, err := os.ReadFile(filepath.Join(root, examples, name+".yaml")) //nolint:gosec // A file of the repository.
		if err != nil {
			return "", fmt.Errorf("reading an example: %w; name a file of %s in %s", err, examples, pageName)
		}
		return "```yaml\n" + string(text) + "```\n", nil
	default:
		return "", fmt.Errorf("%s has a part %q, which configdocs does not know; write keys, rules or example", pageName, what)
	}
}

// keyTables returns a table for each mapping of the model, in its order.
func keyTables() string {
	var out strings.Builder
	table(&out, reflect.TypeFor[config.Config](), "")
	return out.String()
}

// table writes the table of a mapping, and then those of the mappings in it.
func table(out *strings.Builder, t reflect.Type, path string) {
	title := "The file"
	if path != "" {
		title = "`" + path + "`"
	}
	all := keys()
	fmt.Fprintf(out, "\n### %s\n\n", title)
	if means := all[path].means; means != "" {
		out.WriteString(means + ".\n\n")
	}
	out.WriteString("| Key | Type | Default | Meaning |\n|---|---|---|---|\n")
	type below struct {
		t    reflect.Type
		path string
	}
	var further []below
	for _, f := range fieldsOf(t) {
		at := join(path, f.name)
		k := all[at]
		fmt.Fprintf(out, "| `%s` | %s | %s | %s. |\n", f.name, typeName(f.kind, k), defaultText(f.kind, at, k), k.means)
		switch inner := f.kind; {
		case inner.Kind() == reflect.Struct:
			further = append(further, below{inner, at})
		case inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct:
			further = append(further, below{inner.Elem(), at + "[]"})
		case inner.Kind() == reflect.Map:
			word, def := ofMapping(at)
			fmt.Fprintf(out, "| `%s.`%s | text | %s | %s. |\n", f.name, word, def, all[at+".*"].means)
		}
	}
	for _, b := range further {
		table(out, b.t, b.path)
	}
}

// ofMapping returns what the keys of a mapping stand for, and its default.
func ofMapping(path string) (word, def string) {
	switch path {
	case "filters[].egress":
		return "TABLE", "required for each table with `pin`"
	case "filters[].observation":
		return "ATTACHMENT", "none"
	default:
		return "PATH", "required for each path"
	}
}

func typeName(t reflect.Type, k key) string {
	if values, ok := k.is["enum"].([]any); ok {
		words := make([]string, len(values))
		for i, value := range values {
			words[i] = fmt.Sprintf("`%v`", value)
		}
		return strings.Join(words, ", ")
	}
	switch {
	case t == reflect.TypeFor[config.Duration]():
		return "duration"
	case t.Kind() == reflect.Bool:
		return "`true`, `false`"
	case t.Kind() == reflect.Int:
		return "whole number"
	case t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return "list of mappings"
	case t.Kind() == reflect.Slice:
		return "list of texts"
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct:
		return "mapping"
	default:
		return "text"
	}
}

func defaultText(t reflect.Type, path string, k key) string {
	switch value, ok := modelDefault(path); {
	case k.required:
		return "**required**"
	case k.def != "":
		return k.def
	case ok:
		return fmt.Sprintf("`%v`", value)
	case t.Kind() == reflect.Struct:
		return "see below"
	default:
		return "none"
	}
}
