package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is this repository, seen from the folder of this package.
const root = "../.."

// TestRepository applies the rules about files to every file that is no test.
func TestRepository(t *testing.T) {
	files := parseRepository(t)
	if len(files) < 20 {
		t.Fatalf("only %d files found: the walk is wrong", len(files))
	}
	for _, f := range files {
		for _, v := range f.check() {
			t.Error(v)
		}
	}
}

// TestLambdaLinks applies the rules about what a Lambda binary links.
func TestLambdaLinks(t *testing.T) {
	var packages []string
	for _, f := range parseRepository(t) {
		if lambdaReachable(f.pkg) {
			packages = append(packages, "./"+f.pkg)
		}
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)
	for _, v := range checkLinks(listPackages(t, root, packages)) {
		t.Error(v)
	}
}

// TestFunctionsCompileNoCDK: what a build of the functions compiles has nothing of
// the CDK in it, which takes a minute and a gigabyte.
func TestFunctionsCompileNoCDK(t *testing.T) {
	cdk := func(packages ...string) (found []string) {
		for _, p := range listPackages(t, root, packages) {
			for _, module := range []string{"github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/aws/jsii-runtime-go", "github.com/cdklabs"} {
				if strings.HasPrefix(p.ImportPath, module+"/") {
					found = append(found, p.ImportPath)
				}
			}
		}
		return found
	}
	if found := cdk("./functions/...", "./cmd/..."); len(found) > 0 {
		t.Errorf("functions or commands compile %v", found)
	}
	if len(cdk("./infra")) == 0 {
		t.Error("the CDK app compiles nothing of the CDK: the modules have other names now")
	}
}

// TestOnlyTheBGPLabLinksGoBGP: of all binaries, one has real BGP sessions. Whoever
// installs the command line, or deploys a function, does not get GoBGP with it.
func TestOnlyTheBGPLabLinksGoBGP(t *testing.T) {
	const bgpLab = "cmd/bgplab"
	var mains []string
	for _, f := range parseRepository(t) {
		if f.syntax.Name.Name == "main" && f.pkg != bgpLab {
			mains = append(mains, "./"+f.pkg)
		}
	}
	slices.Sort(mains)
	mains = slices.Compact(mains)
	if !slices.Contains(mains, "./cmd/detour") {
		t.Fatalf("the mains are %v: the search is wrong", mains)
	}
	gobgp := func(packages ...string) (found []string) {
		for _, p := range listPackages(t, root, packages) {
			if strings.HasPrefix(p.ImportPath, "github.com/osrg/gobgp/") {
				found = append(found, p.ImportPath)
			}
		}
		return found
	}
	if found := gobgp(mains...); len(found) > 0 {
		t.Errorf("%v link %v", mains, found)
	}
	if len(gobgp("./"+bgpLab)) == 0 {
		t.Errorf("%s links nothing of GoBGP: the module has another name now", bgpLab)
	}
}

// parseRepository parses every Go file of the module that is no test, whatever
// its build tags.
func parseRepository(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" || name == "cdk.out") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parse(filepath.ToSlash(relative), string(src))
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the repository: %v", err)
	}
	return files
}

// parse parses one file, whose path is relative to the repository.
func parse(path, src string) (file, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, path, src, 0)
	if err != nil {
		return file{}, err
	}
	pkg, _ := filepath.Split(path)
	return file{pkg: strings.TrimSuffix(pkg, "/"), fset: fset, syntax: syntax}, nil
}
