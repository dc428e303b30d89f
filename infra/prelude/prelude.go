// Package prelude sets up the environment of the CDK's runtime. The runtime, a
// Node program, gets the environment that the process had when the CDK's packages
// were initialized, which is before main: so this package is initialized before
// them. Go initializes packages in the order of their import paths, as far as what
// they import allows (Go specification, "Package initialization"), and this one
// imports little.
package prelude

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// The variables of the environment that are set where somebody has not set them.
const (
	// Node names the Node that the runtime is started with.
	Node = "JSII_NODE"
	// Validation says whether the CDK validates each template against the schemas of
	// all resource types. It takes ten times as long as all else, and the tests do
	// it, strictly.
	Validation = "CDK_VALIDATION"
	// temporary is where the runtime is unpacked to.
	temporary = "TMPDIR"
)

// scratch is the folder for all that is temporary.
var scratch string //nolint:gochecknoglobals // It is made before main, and removed by it.

func init() { //nolint:gochecknoinits // The package's comment says why it cannot be later.
	if _, set := os.LookupEnv(Node); !set {
		if file, ok := pinned(); ok {
			_ = os.Setenv(Node, file) // It has no NUL in it.
		}
	}
	if _, set := os.LookupEnv(Validation); !set {
		_ = os.Setenv(Validation, "false")
	}
	folder, err := os.MkdirTemp("", "detour-infra-")
	if err != nil {
		return // Then the system's own folder is used, and what is in there stays.
	}
	scratch = folder
	_ = os.Setenv(temporary, folder)
}

// pinned returns the Node that package.json names, where it is installed: seen
// from the repository's folder, or from that of a package below it.
func pinned() (file string, ok bool) {
	for _, folder := range []string{".", ".."} {
		file, err := filepath.Abs(filepath.Join(folder, "node_modules", ".bin", "node"))
		if err != nil {
			continue
		}
		if _, err := os.Stat(file); err == nil {
			return file, true
		}
	}
	return "", false
}

// Check says what to do where there is no Node.
func Check() error {
	name := os.Getenv(Node)
	if name == "" {
		name = "node"
	}
	if _, err := exec.LookPath(name); err != nil {
		return errors.New("there is no Node, which the CDK runs on; install npm and run make node_modules")
	}
	return nil
}

// Close removes all that is temporary. jsii.Close would do so for the runtime,
// but waits for it twice, and says on standard error that it did; the runtime ends
// by itself when this process does.
func Close() error { return os.RemoveAll(scratch) }
