package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"detour/shared/blueprint"
	"detour/shared/config"
	"detour/shared/config/source"
)

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

// functionsOf returns the names of all functions that have a binary of their own,
// sorted.
func functionsOf(b blueprint.Blueprint) []string {
	var out []string
	for _, home := range b.Homes {
		for _, function := range home.Functions {
			out = append(out, function.Binary)
		}
		if home.Failback == nil {
			continue
		}
		for _, task := range home.Failback.Tasks {
			out = append(out, task.Binary)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
