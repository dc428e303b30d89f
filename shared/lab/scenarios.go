package lab

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed scenarios/*.yaml
var scenarioFiles embed.FS

// Scenarios are the scenarios that come with Detour, sorted by name.
func Scenarios() []*Scenario {
	entries, err := scenarioFiles.ReadDir("scenarios")
	if err != nil {
		panic(err) // The embedded directory always exists.
	}
	out := make([]*Scenario, 0, len(entries))
	for _, entry := range entries {
		data, err := scenarioFiles.ReadFile("scenarios/" + entry.Name())
		if err != nil {
			panic(err) // ReadDir has named it.
		}
		s, err := Parse(data, entry.Name())
		if err != nil {
			panic(fmt.Sprintf("lab: an embedded scenario is broken: %v", err)) // A test parses them all.
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Scenario) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Find returns the scenario of that name among those that come with Detour. Each
// stands in the file of its name.
func Find(name string) (*Scenario, bool) {
	file := name + ".yaml"
	data, err := scenarioFiles.ReadFile("scenarios/" + file)
	if err != nil {
		return nil, false
	}
	s, err := Parse(data, file)
	if err != nil {
		panic(fmt.Sprintf("lab: an embedded scenario is broken: %v", err)) // A test parses them all.
	}
	return s, true
}
