package lab

import "embed"

//go:embed scenarios/*.yaml
var scenarioFiles embed.FS

func scenarios() embedded[*Scenario] {
	return embedded[*Scenario]{files: scenarioFiles, folder: "scenarios", ending: ".yaml", parse: Parse}
}

// ScenarioNames are the names of the scenarios that come with Detour, sorted.
// None of them is read.
func ScenarioNames() []string { return scenarios().names() }

// Scenarios are the scenarios that come with Detour, sorted by name. An error is
// that one of them is broken, which a test excludes.
func Scenarios() ([]*Scenario, error) { return scenarios().all() }

// Find returns the scenario of that name among those that come with Detour. Each
// stands in the file of its name. If there is none the error is fs.ErrNotExist.
func Find(name string) (*Scenario, error) { return scenarios().find(name) }
