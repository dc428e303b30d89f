package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"detour/shared/blueprint"
	"detour/shared/config"
	"detour/shared/config/source"
)

// nodeVariable tells the CDK's runtime which Node to start.
const nodeVariable = "JSII_NODE"

// useNode has the CDK's runtime start the Node that package.json pins, where it
// is installed, and else the one of the PATH.
func useNode(root string) error {
	if os.Getenv(nodeVariable) != "" {
		return nil
	}
	pinned, err := filepath.Abs(filepath.Join(root, "node_modules", ".bin", "node"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(pinned); err == nil {
		return os.Setenv(nodeVariable, pinned)
	}
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("there is no Node, which the CDK runs on; install npm and run make node_modules")
	}
	return nil
}

// validationVariable tells the CDK whether to validate the templates.
const validationVariable = "CDK_VALIDATION"

// useNoValidation switches off that the CDK validates each template against the
// schemas of all resource types, unless somebody has switched it on: it takes ten
// times as long as all else, and the tests do it, strictly.
func useNoValidation() error {
	if _, set := os.LookupEnv(validationVariable); set {
		return nil
	}
	return os.Setenv(validationVariable, "false")
}

// readConfiguration reads and checks the file.
func readConfiguration(name string) (config.Config, error) {
	file, err := os.Open(name) //nolint:gosec // Whoever runs the command names the file.
	if errors.Is(err, fs.ErrNotExist) {
		return config.Config{}, fmt.Errorf("the configuration %s does not exist; write one (docs/configuration.md), or name another with CONFIG=FILE or -c config=FILE", name)
	} else if err != nil {
		return config.Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	data, err := io.ReadAll(io.LimitReader(file, source.MaxSize+1))
	if err != nil {
		return config.Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return source.Read(data, name)
}

// functionsOf returns the names of all functions, sorted.
func functionsOf(b blueprint.Blueprint) []string {
	var out []string
	for _, home := range b.Homes {
		for _, function := range home.Functions {
			out = append(out, function.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
