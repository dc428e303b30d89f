package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// unlinked is what no Lambda binary links, and why.
var unlinked = []struct{ imported, why string }{
	{"detour/shared/sim", "the simulated network is for tests and the lab"},
	{"detour/shared/lab", "the lab is for tests and the command line"},
	{"detour/shared/config/source", "Lambdas read normalized JSON"},
	{"go.yaml.in/yaml", "Lambdas read normalized JSON"},
	{"gopkg.in/yaml.v3", "Lambdas read normalized JSON"},
	{"github.com/aws/aws-sdk-go-v2/service/networkmanager", "only people ask Network Manager, and its client is large"},
	{"github.com/aws/aws-sdk-go-v2/service/sfn", "only people start workflows and answer them; the state machine calls the functions"},
	{"github.com/spf13/cobra", "a Lambda has no command line"},
	{"github.com/aws/aws-sdk-go-v2/config", "a Lambda gets its credentials in three variables; profiles and single sign-on are for people"},
	{"github.com/aws/aws-cdk-go", "the CDK is deployment"},
	{"github.com/aws/constructs-go", "the CDK is deployment"},
	{"github.com/aws/jsii-runtime-go", "the CDK is deployment"},
	{"github.com/cdklabs", "the CDK is deployment"},
	{"github.com/osrg/gobgp", "real BGP sessions are for the lab"},
	{"text/template", "it calls methods by name, which switches off the linker's dead-code elimination"},
	{"html/template", "it calls methods by name, which switches off the linker's dead-code elimination"},
}

// lambdaReachable reports whether a package of this module may be linked into
// a Lambda binary: the functions, and layers 0 to 7 but for the YAML reader and the
// adapters that only people use.
func lambdaReachable(pkg string) bool {
	if matches("functions/*", pkg) {
		return true
	}
	number, known := numberOf(pkg)
	return known && number >= 0 && number < lab && pkg != "shared/config/source" && pkg != "shared/adapter/awsnetworkmanager" && pkg != "shared/adapter/awsstates"
}

// dependency is what go list says about one package.
type dependency struct {
	ImportPath string
	Imports    []string
}

// checkLinks looks, from every Lambda-reachable package, for what a Lambda must
// not link, and tells the chain of imports that leads there.
func checkLinks(packages []dependency) []violation {
	imports := map[string][]string{}
	var roots []string
	for _, p := range packages {
		imports[p.ImportPath] = p.Imports
		if pkg, own := strings.CutPrefix(p.ImportPath, module+"/"); own && lambdaReachable(pkg) {
			roots = append(roots, p.ImportPath)
		}
	}
	slices.Sort(roots)
	var out []violation
	for _, root := range roots {
		cameFrom := map[string]string{root: ""}
		for queue := []string{root}; len(queue) > 0; queue = queue[1:] {
			for _, next := range imports[queue[0]] {
				if _, seen := cameFrom[next]; seen {
					continue
				}
				cameFrom[next] = queue[0]
				queue = append(queue, next)
				if why := mustNotLink(next); why != "" {
					out = append(out, violation{root, fmt.Sprintf("a Lambda binary must not link %s (%s): %s", next, why, chain(cameFrom, next))})
				}
			}
		}
	}
	return out
}

func mustNotLink(pkg string) string {
	for _, u := range unlinked {
		if pkg == u.imported || strings.HasPrefix(pkg, u.imported+"/") {
			return u.why
		}
	}
	return ""
}

func chain(cameFrom map[string]string, to string) string {
	var steps []string
	for at := to; at != ""; at = cameFrom[at] {
		steps = append(steps, at)
	}
	slices.Reverse(steps)
	return strings.Join(steps, " → ")
}

// listPackages asks the go command for the packages and all that they import,
// as a Lambda binary is built.
func listPackages(t *testing.T, root string, packages []string) []dependency {
	t.Helper()
	args := append([]string{"list", "-deps", "-tags", "lambda.norpc", "-json=ImportPath,Imports"}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, stderr.String())
	}
	var all []dependency
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var d dependency
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("reading what go list printed: %v", err)
		}
		all = append(all, d)
	}
}
