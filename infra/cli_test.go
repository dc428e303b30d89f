package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detour/infra/prelude"
)

// commandLine is the CDK's, as package.json pins it.
func commandLine(t *testing.T) string {
	t.Helper()
	needNode(t)
	cdk, err := filepath.Abs(filepath.Join(repository, "node_modules/.bin/cdk"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cdk); err != nil {
		t.Skip("LEFT OUT: the CDK's command line is not installed; run make node_modules, which needs npm")
	}
	return cdk
}

// TestCommandLine synthesizes with the CDK's command line and this repository's
// cdk.json, twice: nobody is warned of anything, and both runs are equal to the
// byte. In one of them the CDK validates the templates, and any finding is an
// error.
func TestCommandLine(t *testing.T) {
	cdk := commandLine(t)
	root := tree(t)
	for from, to := range map[string]string{"cdk.json": "cdk.json", "docs/examples/deploy-hub-and-spokes.yaml": "detour.yaml"} {
		body, err := os.ReadFile(filepath.Join(repository, from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, root, to, string(body))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	synthesize := func(into, validation string, arguments ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), cdk, slices.Concat([]string{"synth", "--quiet", "--app", self, "--output", into}, arguments)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), appVariable+"=1", prelude.Validation+"="+validation, "AWS_EC2_METADATA_DISABLED=true", "CI=", "NO_COLOR=1",
			"PATH="+filepath.Dir(cdk)+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	strict := []string{"-c", "@aws-cdk/core:strictCfnValidateErrors=true"}
	for into, validation := range map[string]string{"first": "true", "second": "false"} {
		out, err := synthesize(into, validation, slices.Concat([]string{"-c", "config=detour.yaml"}, strict)...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "Successfully synthesized to ") || !strings.HasPrefix(lines[1], "Supply a stack id (") {
			t.Errorf("told\n%s", out)
		}
	}
	// The report of a validation that found nothing.
	if err := os.Remove(filepath.Join(root, "first/validation-report.json")); err != nil {
		t.Error(err)
	}
	_ = os.Remove(filepath.Join(root, "second/validation-report.json"))
	compareFolders(t, filepath.Join(root, "first"), filepath.Join(root, "second"))

	out, err := synthesize("third", "false", "-c", "config=missing.yaml")
	if err == nil || !strings.HasPrefix(out, "detour: the configuration missing.yaml does not exist; write one") {
		t.Errorf("%v, told\n%s", err, out)
	}
}
