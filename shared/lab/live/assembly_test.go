package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/shared/config"
	"detour/shared/lab"
)

// AssemblyOf copies a cloud assembly of shared/lab/stack/testdata into a folder
// of the test, with the configuration beside its functions as cdk synth puts it.
// change edits each template.
func AssemblyOf(t testing.TB, name string, cfg config.Config, change func(template string) string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "cdk.out")
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("..", "stack", "testdata", name))); err != nil {
		t.Fatal(err)
	}
	text, err := cfg.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, asset := range []string{"asset.failback", "asset.sweep", "asset.switchover"} {
		if _, err := os.Stat(filepath.Join(folder, asset)); os.IsNotExist(err) {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, asset, "detour.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	templates, err := filepath.Glob(filepath.Join(folder, "*.template.json"))
	if err != nil || len(templates) == 0 {
		t.Fatalf("%d templates, %v", len(templates), err)
	}
	changed := change == nil
	for _, file := range templates {
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if change == nil {
			continue
		}
		after := change(string(before))
		changed = changed || after != string(before)
		if err := os.WriteFile(file, []byte(after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !changed {
		t.Fatal("the change changes no template")
	}
	return folder
}

// Elsewhere is a topology file with words of its text replaced, in pairs.
func Elsewhere(t testing.TB, name string, pairs ...string) *lab.TopologyFile {
	t.Helper()
	text, err := os.ReadFile("../topologies/" + name + ".topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	pairs = append(pairs, "world: {detectAfter: 10s, recoverAfter: 5s, eventDelay: 2s}", "world: {detectAfter: 1ms, recoverAfter: 1ms, eventDelay: 1ms}")
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(text), pairs[i]) {
			t.Fatalf("the topology has no %q", pairs[i])
		}
	}
	file, err := lab.ParseTopology([]byte(strings.NewReplacer(pairs...).Replace(string(text))), name+".topology.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}
