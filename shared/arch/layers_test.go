package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// module is the module path; packages are named relative to it below.
const module = "detour"

// A layer is a package, or with "/*" at its end all packages below a folder,
// and its number. A package imports only what has a lower number.
type layer struct {
	pattern string
	number  int
}

// The numbers that are none: the simulator stands outside of the layers, and
// package arch has tests only.
const (
	outside   = -1
	testsOnly = -2
)

// The layers whose meaning other rules use.
const (
	lastPure = 3 // layers 0 to 3 have no SDK, clock, randomness, logging or metrics
	wiring   = 7
	lab      = 8
	mains    = 9
)

// layers is the table of docs/architecture.md.
var layers = []layer{
	{"shared/route", 0},
	{"shared/workflow", 0},
	{"events", 0},
	{"events/pattern", 0},
	{"events/payload", 0},
	{"shared/health", 1},
	{"shared/protection", 2},
	{"shared/filter", 2},
	{"shared/plan", 3},
	{"shared/ingest", 3},
	{"shared/config", 3},
	{"shared/config/source", 3},
	{"shared/explain", 3},
	{"shared/doctor", 3},
	{"shared/controller", 4},
	{"shared/blueprint", 4},
	{"shared/adapter/*", 5},
	{"shared/failback", 5},
	{"shared/handler", 6},
	{"shared/operator", 6},
	{"shared/wiring", wiring},
	{"shared/lab", lab},
	{"shared/lab/*", lab},
	{"functions/*", mains},
	{"cmd/*", mains},
	{"infra", mains},
	{"infra/*", mains},
	{"shared/sim", outside},
	{"shared/sim/*", outside},
	{"shared/arch", testsOnly},
}

// sameLayer lists the imports that are allowed although they stay in a layer,
// with the reason. Beside these, a folder's packages may import one another
// where families says so.
var sameLayer = map[[2]string]string{
	{"shared/config/source", "shared/config"}: "the YAML reader fills the model",
	{"shared/explain", "shared/config"}:       "it says what the model means",
	{"shared/explain", "shared/plan"}:         "it says what a plan means",
	{"shared/filter", "shared/protection"}:    "a filter has the modes of a group",
	{"shared/doctor", "shared/plan"}:          "what lies around the tables, and what a switchover would need, is the survey's",
}

// families are the folders whose packages are one thing in several packages,
// and may import one another.
var families = []string{"shared/sim", "shared/lab", "infra", "cmd/*", "functions/*"}

// seenBySim is all that the simulator may import of the rest.
var seenBySim = []string{"shared/route", "events/pattern", "events/payload"}

// numberOf returns the layer of a package, given relative to the module.
func numberOf(pkg string) (int, bool) {
	for _, l := range layers {
		if matches(l.pattern, pkg) {
			return l.number, true
		}
	}
	return 0, false
}

// matches reports whether the package is the pattern's, or lies below it where
// the pattern ends in "/*".
func matches(pattern, pkg string) bool {
	folder, below := strings.CutSuffix(pattern, "/*")
	if below {
		return strings.HasPrefix(pkg, folder+"/")
	}
	return pkg == pattern
}

// family returns the folder of the family that the package is of, or "".
func family(pkg string) string {
	for _, f := range families {
		folder, each := strings.CutSuffix(f, "/*")
		if rest, ok := strings.CutPrefix(pkg, folder+"/"); ok {
			if !each {
				return folder
			}
			first, _, _ := strings.Cut(rest, "/")
			return folder + "/" + first
		}
		if !each && pkg == folder {
			return folder
		}
	}
	return ""
}

// checkImport judges one import of a package by a non-test file. Both are
// import paths. The answer is empty, or says what is wrong and why.
func checkImport(from, to string) string {
	pkg := strings.TrimPrefix(from, module+"/")
	number, known := numberOf(pkg)
	if !known {
		return fmt.Sprintf("%s is in no layer: give it a number in layers_test.go and in docs/architecture.md", pkg)
	}
	if own, ok := strings.CutPrefix(to, module+"/"); ok {
		return checkOwn(pkg, number, own)
	}
	return checkOther(pkg, number, to)
}

// checkOwn judges an import of one of this module's packages.
func checkOwn(pkg string, number int, to string) string {
	target, known := numberOf(to)
	switch {
	case !known:
		return fmt.Sprintf("%s is in no layer: give it a number in layers_test.go and in docs/architecture.md", to)
	case family(pkg) != "" && family(pkg) == family(to):
		return ""
	case number < 0 || target < 0:
		return checkOutside(pkg, number, to, target)
	case to == "shared/config/source" && (number < lab || matches("functions/*", pkg)):
		return "config/source reads YAML, and only lab, cmd and infra read YAML: Lambdas read normalized JSON"
	case target < number || sameLayer[[2]string{pkg, to}] != "":
		return ""
	case target == number:
		return fmt.Sprintf("both are in layer %d: packages of a layer do not know one another", number)
	default:
		return fmt.Sprintf("layer %d must not import layer %d: imports run from a higher number to a lower one", number, target)
	}
}

// checkOutside judges an import between packages of which at least one stands
// outside of the layers.
func checkOutside(pkg string, number int, to string, target int) string {
	switch {
	case number == testsOnly || target == testsOnly:
		return "package arch has tests only, and nothing to import or to be imported"
	case number == outside && slices.Contains(seenBySim, to):
		return ""
	case number == outside:
		return fmt.Sprintf("the simulator imports only %s: it must not share code with what it checks", strings.Join(seenBySim, ", "))
	case number == lab || matches("cmd/*", pkg):
		return ""
	default:
		return "only lab and cmd see the simulator: it must not come near a Lambda binary"
	}
}

// A place is a package outside this module, or with all that lies below it, and
// the only packages that may import it.
type place struct {
	imported string
	allowed  []string
	why      string
}

// places is searched from the top; the first that matches decides.
var places = []place{
	{"github.com/aws/aws-sdk-go-v2/service/ec2", []string{"shared/adapter/awsec2"}, "compiling it takes 3 GB and half a minute, each time a variant is built"},
	{"github.com/aws/aws-lambda-go", []string{"functions/*"}, "the Lambda runtime is wiring"},
	{"github.com/aws/aws-cdk-go", []string{"infra", "infra/*"}, "the CDK is a hundred megabytes and belongs to deployment"},
	{"github.com/aws/constructs-go", []string{"infra", "infra/*"}, "the CDK is a hundred megabytes and belongs to deployment"},
	{"github.com/aws/jsii-runtime-go", []string{"infra", "infra/*"}, "the CDK is a hundred megabytes and belongs to deployment"},
	{"github.com/cdklabs", []string{"infra", "infra/*"}, "the CDK is a hundred megabytes and belongs to deployment"},
	{"github.com/aws", []string{"shared/adapter/*", "functions/*", "cmd/*", "infra", "infra/*"}, "the AWS SDK enters in adapters and is wired in mains; nothing else knows it"},
	{"github.com/spf13", []string{"cmd/*"}, "only a command line parses a command line"},
	{"golang.org/x/sync/errgroup", nil, "goroutines start through Clock.Go, so that the simulation decides their order"},
	{"math/rand", []string{"functions/*", "cmd/*", "infra", "shared/adapter/systemclock", "shared/sim", "shared/sim/*"}, "randomness is an input, or a run cannot be repeated"},
	{"github.com/osrg/gobgp", []string{"shared/lab/bgp"}, "it brings 27 modules along, which only whoever wants real BGP sessions is to link"},
	{"go.yaml.in/yaml", []string{"shared/config/source", "shared/lab", "shared/lab/*", "cmd/*", "infra", "infra/*"}, "Lambdas read normalized JSON, and a YAML parser only costs them start time"},
}

// impure are the standard library's packages that a pure layer must not use.
var impure = map[string]string{
	"crypto/rand":     "randomness is an input",
	"expvar":          "metrics are made from the Report, in handler",
	"log":             "the log line is made from the Report, in handler",
	"log/slog":        "the log line is made from the Report, in handler",
	"net":             "it calls nothing; net/netip has the addresses",
	"net/http":        "it calls nothing",
	"os":              "it sees no files, environment or processes",
	"os/exec":         "it starts no processes",
	"runtime/metrics": "metrics are made from the Report, in handler",
	"runtime/trace":   "metrics are made from the Report, in handler",
}

// checkOther judges an import of a package outside this module.
func checkOther(pkg string, number int, to string) string {
	for _, p := range places {
		if to != p.imported && !strings.HasPrefix(to, p.imported+"/") {
			continue
		}
		for _, allowed := range p.allowed {
			if matches(allowed, pkg) {
				return ""
			}
		}
		if len(p.allowed) == 0 {
			return fmt.Sprintf("%s may be imported nowhere: %s", p.imported, p.why)
		}
		return fmt.Sprintf("%s may be imported only by %s: %s", p.imported, strings.Join(p.allowed, ", "), p.why)
	}
	if number < 0 || number > lastPure || pkg == "shared/config/source" {
		return ""
	}
	if why := impure[to]; why != "" {
		return fmt.Sprintf("layers 0 to %d are pure, so %s has no place there: %s", lastPure, to, why)
	}
	if first, _, _ := strings.Cut(to, "/"); strings.Contains(first, ".") {
		return fmt.Sprintf("layers 0 to %d are pure and use the standard library only", lastPure)
	}
	return ""
}

// nameless are package names that say nothing about what is inside.
var nameless = []string{"util", "utils", "common", "types", "helper", "helpers", "manager", "base", "misc"}

// checkName judges a package's name: by its folder and by its package clause.
func checkName(folder, clause string) string {
	for _, name := range nameless {
		if path.Base(folder) == name || clause == name {
			return fmt.Sprintf("a package called %s says nothing: call it after what it does", name)
		}
	}
	return ""
}
