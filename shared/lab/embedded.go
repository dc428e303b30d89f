package lab

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// embedded are the files of a folder that come with Detour. Each has what it
// describes under its own name, without the ending.
type embedded[T any] struct {
	files          embed.FS
	folder, ending string
	parse          func(data []byte, name string) (T, error)
}

// names are the names of all, sorted. Nothing is read.
func (e embedded[T]) names() []string {
	entries, _ := e.files.ReadDir(e.folder) // It is embedded, so it is there.
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), e.ending))
	}
	slices.Sort(names)
	return names
}

// find reads the one of a name. If there is none the error is fs.ErrNotExist.
func (e embedded[T]) find(name string) (T, error) {
	var none T
	file := name + e.ending
	data, err := e.files.ReadFile(e.folder + "/" + file)
	if err != nil {
		return none, fmt.Errorf("reading %s: %w", file, err)
	}
	return e.parse(data, file)
}

// all reads all of them, sorted by name.
func (e embedded[T]) all() ([]T, error) {
	names := e.names()
	out := make([]T, 0, len(names))
	for _, name := range names {
		one, err := e.find(name)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}
