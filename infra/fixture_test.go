package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"detour/infra/prelude"
	"detour/shared/blueprint"
	"detour/shared/config/source"
)

var update = flag.Bool("update", false, "write the golden files")

// appVariable has the test binary be the app itself, as the CDK's command line
// starts it.
const appVariable = "DETOUR_TEST_APP"

// repository is the folder of the repository, seen from that of this package.
const repository = ".."

// noNode says why tests are skipped, where there is no Node.
var noNode error

func TestMain(m *testing.M) {
	if os.Getenv(appVariable) != "" {
		main()
		return
	}
	noNode = prelude.Check()
	code := m.Run()
	if err := prelude.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func needNode(t *testing.T) {
	t.Helper()
	if noNode != nil {
		t.Skipf("LEFT OUT: %v", noNode)
	}
}

// examples are the configurations of docs/examples that are for deployment.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "docs/examples/deploy-*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("examples %v, %v", files, err)
	}
	var out []string
	for _, file := range files {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "deploy-"), ".yaml"))
	}
	return out
}

// blueprintOf is the blueprint of an example.
func blueprintOf(t *testing.T, example string) blueprint.Blueprint {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, "docs/examples/deploy-"+example+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(data))
}

// parse is the blueprint of a configuration.
func parse(t *testing.T, text string) blueprint.Blueprint {
	t.Helper()
	c, err := source.Read([]byte(text), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := blueprint.New(c, blueprint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// build renders a blueprint, with code that is none, into an app. email may be empty.
func build(t *testing.T, b blueprint.Blueprint, folder, email string) awscdk.App {
	t.Helper()
	needNode(t)
	assets := map[string]string{}
	for _, name := range functionsOf(b) {
		code := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(code, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(code, bootstrapFile), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		assets[name] = code
	}
	app := newApp(&folder, nil)
	render(app, deployment{blueprint: b, assets: assets, email: email})
	return app
}

// template is a template as JSON.
type template struct {
	Description string
	Resources   map[string]resource
	Outputs     map[string]struct {
		Description string
		Value       any
	}
}

// resource is a resource of a template.
type resource struct {
	Type           string
	Properties     object
	DeletionPolicy string
	DependsOn      []string
}

var (
	synthesizedMutex sync.Mutex
	synthesizedFiles = map[string]map[string][]byte{}
)

// synthesized are the template files of an example by the id of the stack. An
// example is synthesized once.
func synthesized(t *testing.T, example string) map[string][]byte {
	t.Helper()
	needNode(t)
	synthesizedMutex.Lock()
	defer synthesizedMutex.Unlock()
	if synthesizedFiles[example] == nil {
		synthesizedFiles[example] = templateFiles(t, blueprintOf(t, example), "")
	}
	return synthesizedFiles[example]
}

func templateFiles(t *testing.T, b blueprint.Blueprint, email string) map[string][]byte {
	t.Helper()
	folder := t.TempDir()
	build(t, b, folder, email).Synth(nil)
	const ending = ".template.json"
	out := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(folder, "*"+ending))
	if err != nil || len(files) == 0 {
		t.Fatalf("templates %v, %v", files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ending)] = body
	}
	return out
}

// templateOf is one stack's template of an example.
func templateOf(t *testing.T, example, stack string) template {
	t.Helper()
	body, ok := synthesized(t, example)[stack]
	if !ok {
		t.Fatalf("%s has no stack %s, but %v", example, stack, sortedKeys(synthesized(t, example)))
	}
	return decoded(t, body)
}

func decoded(t *testing.T, body []byte) template {
	t.Helper()
	var out template
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// at follows keys and numbers into JSON.
func at(t *testing.T, value any, steps ...any) any {
	t.Helper()
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			inner, ok := value.(object)
			if !ok || inner[step] == nil {
				t.Fatalf("there is no %q (of %v) in %v", step, steps, value)
			}
			value = inner[step]
		case int:
			inner, ok := value.([]any)
			if !ok || step >= len(inner) {
				t.Fatalf("there is no %d (of %v) in %v", step, steps, value)
			}
			value = inner[step]
		}
	}
	return value
}

// wantJSON compares a value with JSON, whatever its spaces and the order of its keys.
func wantJSON(t *testing.T, what string, got any, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: the expectation is not JSON: %v", what, err)
	}
	if a, b := indented(t, got), indented(t, wanted); a != b {
		t.Errorf("%s is\n%s\nand should be\n%s", what, a, b)
	}
}

func indented(t *testing.T, value any) string {
	t.Helper()
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// tree makes a folder with what the app reads of a repository: the sources of
// functions that do nothing, built for the platform.
func tree(t *testing.T, platform ...string) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "go.mod", "module detour\n\ngo 1.26\n")
	write(t, root, "events/events.go", "package events\n")
	write(t, root, "shared/handler/handler.go", "package handler\n")
	write(t, root, "shared/sim/world.go", "package sim\n")
	for _, name := range []string{"failback", "sweep", "switchover"} {
		write(t, root, "functions/"+name+"/main.go", "package main\n\nfunc main() {}\n")
	}
	for _, name := range []string{"failback", "sweep", "switchover"} {
		compile(t, root, "./functions/"+name, "dist/"+name+"/bootstrap", platform...)
	}
	return root
}

// compile builds a package of a tree for linux/arm64, or as the environment says.
func compile(t *testing.T, root, from, to string, platform ...string) {
	t.Helper()
	if len(platform) == 0 {
		platform = []string{"GOOS=linux", "GOARCH=arm64"}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", to, from)
	cmd.Dir = root
	cmd.Env = slices.Concat(os.Environ(), []string{"CGO_ENABLED=0", "GOFLAGS="}, platform)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", from, err, out)
	}
}

func write(t *testing.T, root, name, text string) string {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// contents are all files below a folder, by their path.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(filepath.Join(folder, path))
		out[path] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compareFolders tells which files are not the same in both.
func compareFolders(t *testing.T, a, b string) {
	t.Helper()
	first, second := contents(t, a), contents(t, b)
	for _, name := range sortedKeys(first) {
		if other, ok := second[name]; !ok {
			t.Errorf("%s is in one of the folders only", name)
		} else if other != first[name] {
			t.Errorf("%s differs", name)
		}
	}
	if len(first) != len(second) {
		t.Errorf("one folder has %d files, the other %d", len(first), len(second))
	}
}
