package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// toldFor is what somebody reads who has a configuration prepared, without what
// the temporary folder is called.
func toldFor(t *testing.T, root string, o options) string {
	t.Helper()
	if o.config != "" {
		o.config = filepath.Join(root, o.config)
	}
	_, err := prepare(root, t.TempDir(), o)
	if err == nil {
		return ""
	}
	var out bytes.Buffer
	tell(&out, err)
	return strings.ReplaceAll(out.String(), root+"/", "")
}

const oneGroup = `version: 1
home: {account: 111122223333, region: REGION}
groups:
  - name: office
    paths: [{name: a, vpn: vpn-0a000000000000001}, {name: b, vpn: vpn-0b000000000000002}]
    units:
      - entries:
          - {table: tgw-rtb-0a000000000000001, destination: 10.1.0.0/16, nextHops: {a: tgw-attach-0a000000000000001, b: tgw-attach-0b000000000000002}}
`

func group(region string) string { return strings.ReplaceAll(oneGroup, "REGION", region) }

// TestConfigurationErrors: each says what is wrong, where, and what to do.
func TestConfigurationErrors(t *testing.T) {
	root := t.TempDir()
	write(t, root, "good.yaml", group("eu-central-1"))
	write(t, root, "cn.yaml", group("cn-north-1"))
	write(t, root, "typo.yaml", strings.Replace(group("eu-central-1"), "units:", "unit:", 1))
	write(t, root, "account.yaml", strings.Replace(group("eu-central-1"), "111122223333", "11112222333", 1))
	for name, test := range map[string]struct {
		options options
		want    string
	}{
		"no name": {options{}, "detour: no configuration is named; name one: make synth CONFIG=detour.yaml, or cdk synth -c config=detour.yaml\n"},
		"no file": {
			options{config: "detour.yaml"},
			"detour: the configuration detour.yaml does not exist; write one (docs/configuration.md), or name another with CONFIG=FILE or -c config=FILE\n",
		},
		"a typo": {options{config: "typo.yaml"}, "typo.yaml:6:5: groups[0].unit: unknown key; did you mean units?\n"},
		"no account": {
			options{config: "account.yaml"},
			`account.yaml:2:17: home.account: "11112222333" is not an account number; write the 12 digits of the account whose controller writes the groups` + "\n",
		},
		"another partition": {
			options{config: "cn.yaml"},
			"detour: cn.yaml cannot be deployed:\nnetworkManager.region: missing, and AWS documents none for the partitions of the groups' homes; " +
				"write the Region in which EventBridge gets the events of Network Manager, or none to do without them\n",
		},
		"an external id": {
			options{config: "good.yaml", externalID: "a b"},
			"detour: good.yaml cannot be deployed:\nthe external id is none that STS takes; write 2 to 1224 letters, digits and +=,.@:/-_\n",
		},
		"no functions": {
			options{config: "good.yaml"},
			"detour: dist/failback/bootstrap does not exist; run make build, which builds the functions\n" +
				"dist/sweep/bootstrap does not exist; run make build, which builds the functions\n" +
				"dist/switchover/bootstrap does not exist; run make build, which builds the functions\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := toldFor(t, root, test.options); got != test.want {
				t.Errorf("told\n%s\nand should be\n%s", got, test.want)
			}
		})
	}
}

// TestTellCounts: more than one problem are counted, as detour config check does.
func TestTellCounts(t *testing.T) {
	root := t.TempDir()
	write(t, root, "two.yaml", strings.ReplaceAll(group("eu-central-1"), "name: office", "name: office\n    modes: enforce\n    priorities: 2"))
	got := toldFor(t, root, options{config: "two.yaml"})
	if lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n"); len(lines) != 3 || lines[2] != "2 problems" {
		t.Errorf("told\n%s", got)
	}
}

// TestFunctionErrors: a binary that Lambda would not start, or that is older than
// what it is made from.
func TestFunctionErrors(t *testing.T) {
	root := tree(t)
	write(t, root, "detour.yaml", group("eu-central-1"))
	told := func() string {
		t.Helper()
		return toldFor(t, root, options{config: "detour.yaml"})
	}
	want := func(what, text string) {
		t.Helper()
		if got := told(); got != text {
			t.Errorf("%s: told\n%s\nand should be\n%s", what, got, text)
		}
	}
	want("all is well", "")

	const sweep = "dist/sweep/bootstrap"
	good, err := os.ReadFile(filepath.Join(root, sweep))
	if err != nil {
		t.Fatal(err)
	}
	write(t, root, sweep, "#!/bin/sh\n")
	if got := told(); !strings.HasPrefix(got, "detour: dist/sweep/bootstrap is no program for Linux (") || !strings.HasSuffix(got, "); run make build\n") {
		t.Errorf("a script: told\n%s", got)
	}
	if err := os.Remove(filepath.Join(root, sweep)); err != nil {
		t.Fatal(err)
	}
	compile(t, root, "./functions/switchover", sweep)
	want("another function", "detour: dist/sweep/bootstrap is built from detour/functions/switchover, not from detour/functions/sweep; run make build\n")
	machine := bytes.Clone(good)
	machine[18] = 62 // e_machine of an ELF header: x86-64 in the place of arm64.
	write(t, root, sweep, string(machine))
	want("another machine", "detour: dist/sweep/bootstrap is built for EM_X86_64, and Lambda runs it on arm64; run make build\n")
	write(t, root, sweep, string(good))
	want("as before", "")

	// What is newer than the functions.
	later := time.Now().Add(time.Hour)
	for file, told := range map[string]string{
		"shared/handler/handler.go":      "detour: dist/failback/bootstrap is older than shared/handler/handler.go; run make build\ndist/sweep/bootstrap is older than shared/handler/handler.go; run make build\ndist/switchover/bootstrap is older than shared/handler/handler.go; run make build\n",
		"events/events.go":               "detour: dist/failback/bootstrap is older than events/events.go; run make build\ndist/sweep/bootstrap is older than events/events.go; run make build\ndist/switchover/bootstrap is older than events/events.go; run make build\n",
		"go.mod":                         "detour: dist/failback/bootstrap is older than go.mod; run make build\ndist/sweep/bootstrap is older than go.mod; run make build\ndist/switchover/bootstrap is older than go.mod; run make build\n",
		"functions/switchover/main.go":   "detour: dist/switchover/bootstrap is older than functions/switchover/main.go; run make build\n",
		"shared/handler/handler_test.go": "",
		"shared/sim/world.go":            "",
		"shared/lab/live/live.go":        "",
		"shared/handler/testdata/x.go":   "",
		"docs/anything.go":               "",
		"events/pattern/pattern.json":    "",
	} {
		path := filepath.Join(root, file)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			write(t, root, file, "package x\n")
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
		want(file, told)
		if err := os.Chtimes(path, before.ModTime().Add(-time.Hour), before.ModTime().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStaged: an asset is the binary and the normalized configuration, the same
// for equal input.
func TestStaged(t *testing.T) {
	root := tree(t)
	file := write(t, root, "detour.yaml", group("eu-central-1"))
	one, two := t.TempDir(), t.TempDir()
	for _, scratch := range []string{one, two} {
		d, err := prepare(root, scratch, options{config: file})
		if err != nil {
			t.Fatal(err)
		}
		if got := sortedKeys(d.assets); !slices.Equal(got, []string{"detour-failback", "detour-sweep", "detour-switchover"}) {
			t.Errorf("assets %v", got)
		}
	}
	compareFolders(t, one, two)
	files := contents(t, one)
	if len(files) != 6 {
		t.Errorf("files %v", sortedKeys(files))
	}
	info, err := os.Stat(filepath.Join(one, "detour-sweep/bootstrap"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the binary has the mode %v (%v)", info.Mode(), err)
	}
	if !strings.Contains(files["detour-sweep/detour.json"], `"mode": "observe"`) && !strings.Contains(files["detour-sweep/detour.json"], `"mode":"observe"`) {
		t.Errorf("the configuration is\n%s", files["detour-sweep/detour.json"])
	}
}
