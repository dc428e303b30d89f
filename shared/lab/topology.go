package lab

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/sim"
)

// topologyEnding ends the names of topology files, so that nobody takes one for
// a scenario.
const topologyEnding = ".topology.yaml"

//go:embed topologies/*.topology.yaml
var topologyFiles embed.FS

// TopologyFile is a network that stands still until somebody does something to
// it, and the configuration of the Detour that watches it: a scenario file
// without script and expectations. The format is described in docs/lab.md.
type TopologyFile struct {
	// Name is the file's name without its folder and ending.
	Name     string       `json:"-"`
	World    WorldTimes   `json:"world,omitzero"`
	Topology sim.Topology `json:"topology"`
	// Config is normalized. A file without Detour's keys has no groups in it.
	Config config.Config `json:"-"`
}

// ParseTopology reads a topology file by the rules of Parse: every problem at
// once, each with its position, and the error is then source.Problems. name is
// how problems call the file. Groups may have different homes.
func ParseTopology(data []byte, name string) (*TopologyFile, error) {
	r, err := source.Open(data, name)
	if err != nil {
		return nil, err
	}
	file := &TopologyFile{Name: strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], topologyEnding)}
	r.Into(file)
	k := &scenarioCheck{r: r, s: &Scenario{World: file.World, Topology: file.Topology}}
	k.s.Config = config.New().Normalize()
	if configured(data) {
		k.s.Config = r.Config(config.Home{Account: k.account(), Region: file.Topology.Region})
	}
	k.network()
	if err := r.Err(); err != nil {
		return nil, err
	}
	file.Config = k.s.Config
	return file, nil
}

// configured reports whether a file that can be read has any key of Detour's
// configuration.
func configured(data []byte) bool {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return false // source.Open has read it.
	}
	return len(source.Section(&root).Content) > 0
}

// Options are the World's times and switches as the file sets them.
func (f *TopologyFile) Options() sim.Options { return f.World.options() }

// Names replaces ids by the names that the file gives them.
func (f *TopologyFile) Names() *strings.Replacer { return namesOf(f.Topology) }

func topologies() embedded[*TopologyFile] {
	return embedded[*TopologyFile]{files: topologyFiles, folder: "topologies", ending: topologyEnding, parse: ParseTopology}
}

// TopologyNames are the names of the topology files that come with Detour,
// sorted. None of them is read.
func TopologyNames() []string { return topologies().names() }

// Topologies are the topology files that come with Detour, sorted by name. An
// error is that one of them is broken, which a test excludes.
func Topologies() ([]*TopologyFile, error) { return topologies().all() }

// FindTopology returns the topology file of that name among those that come with
// Detour. If there is none the error is fs.ErrNotExist.
func FindTopology(name string) (*TopologyFile, error) { return topologies().find(name) }

// IsFile reports whether a command's argument is the path of a topology or scenario
// file rather than the name of one that comes with Detour.
func IsFile(arg string) bool {
	return strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml")
}

// OpenTopology finds a topology by name, or reads it from its file: the value of a
// command's option --topology. The error says what is wrong with it, and what
// there is.
func OpenTopology(arg string) (*TopologyFile, error) {
	if arg == "" {
		return nil, fmt.Errorf("--topology is missing; name a file, or one of %s", strings.Join(TopologyNames(), ", "))
	}
	if IsFile(arg) {
		data, err := os.ReadFile(arg) //nolint:gosec // Whoever runs the command names the file.
		if err != nil {
			return nil, fmt.Errorf("reading the topology: %w; name a file that can be read, or one of %s", err, strings.Join(TopologyNames(), ", "))
		}
		file, err := ParseTopology(data, arg)
		if err != nil {
			return nil, fmt.Errorf("the topology cannot be served:\n%w", err)
		}
		return file, nil
	}
	file, err := FindTopology(arg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no topology %q; %s For a file write ./%s", arg, Nearest(arg, TopologyNames()), arg)
	}
	return file, err
}
