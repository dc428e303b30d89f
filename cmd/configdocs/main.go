// Command configdocs writes what is generated of the documentation of Detour's
// configuration: the JSON Schema for editors, and in docs/configuration.md the
// tables of keys, the rules with their messages, and the examples. Run it in the
// root of the repository:
//
//	go run ./cmd/configdocs
//
// A test fails where a file differs from what it would write.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "configdocs: "+err.Error())
		os.Exit(1)
	}
}

// run writes the files below the root of the repository, which is the one
// argument, or else the working directory.
func run(args []string) error {
	root := "."
	switch len(args) {
	case 0:
	case 1:
		root = args[0]
	default:
		return fmt.Errorf("name one folder, the root of the repository, not %d", len(args))
	}
	files, err := generate(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(root, file.name), file.text, 0o644); err != nil { //nolint:gosec // Documentation is for everybody to read.
			return fmt.Errorf("writing %s: %w", file.name, err)
		}
	}
	return nil
}

// generated is a file that configdocs writes, named from the root.
type generated struct {
	name string
	text []byte
}

// generate makes the files anew, without writing them.
func generate(root string) ([]generated, error) {
	schema, err := schemaFile()
	if err != nil {
		return nil, err
	}
	page, err := pageFile(root)
	if err != nil {
		return nil, err
	}
	return []generated{{schemaName, schema}, {pageName, page}}, nil
}
