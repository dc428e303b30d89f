package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/shared/config"
	"detour/shared/explain"
)

const branchConfig = `version: 1
groups:
  - name: branch
    mode: enforce
    home: {account: "111122223333", region: eu-west-1}
    paths:
      - {name: one, vpn: vpn-0b000000000000001}
      - {name: two, vpn: vpn-0b000000000000002}
    units:
      - entries:
          - table: tgw-rtb-0c000000000000001
            destination: 10.0.0.0/8
            nextHops: {one: tgw-attach-0b000000000000001, two: tgw-attach-0b000000000000002}
`

func TestConfigJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "detour.yaml")
	if err := os.WriteFile(file, []byte(branchConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := detour(t, "config", "json", file)
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	c, err := config.Parse([]byte(out))
	if err != nil || len(c.GroupList) != 1 || c.GroupList[0].Name != "branch" || c.Limits.MaxMoves == 0 {
		t.Errorf("the functions would read %+v, %v", c, err)
	}
	var piped, complaints bytes.Buffer
	if code := run(t.Context(), []string{"config", "json", "-"}, strings.NewReader(branchConfig), &piped, &complaints); code != 0 || piped.String() != out {
		t.Errorf("from standard input: exit %d: %s%s", code, piped.String(), complaints.String())
	}
}

func TestConfigJSONRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "detour.yaml")
	broken := strings.ReplaceAll(strings.Replace(branchConfig, "enforce", "enforced", 1), "10.0.0.0/8", "10.0.0.1/8")
	if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"problems, each with its place": {[]string{"json", file}, []string{"detour.yaml:4:11:", "enforced", "detour.yaml:12:26:", "10.0.0.1/8"}},
		"a file that is not there":      {[]string{"json", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		"no file":                       {[]string{"json"}, []string{"name one configuration file"}},
		"an unknown command":            {[]string{"jason"}, []string{`no command "jason"`, "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := detour(t, append([]string{"config"}, c.args...)...)
			if code != 2 || out != "" {
				t.Errorf("exit %d, %q", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("nothing of %q in: %s", want, errs)
				}
			}
		})
	}
}

// configFile writes a configuration, and returns its name.
func configFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "detour.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestConfigCheck(t *testing.T) {
	file := configFile(t, branchConfig)
	code, out, errs := detour(t, "config", "check", file)
	if want := file + ": nothing is wrong. Groups: 1 (1 in mode enforce). Paths: 2. Entries: 1. Tables: 1.\n"; code != 0 || errs != "" || out != want {
		t.Errorf("exit %d: %q, %q", code, out, errs)
	}
	code, out, _ = detour(t, "config", "check", file, "--json")
	var report checkReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK || report.Counts == nil || report.Counts.Paths != 2 || len(report.Problems) != 0 {
		t.Errorf("exit %d: %s, %v", code, out, err)
	}
	if !strings.Contains(out, `"problems": []`) {
		t.Errorf("problems are no list: %s", out)
	}
}

func TestConfigCheckTellsAllProblems(t *testing.T) {
	broken := strings.ReplaceAll(strings.Replace(branchConfig, "enforce", "enforced", 1), "10.0.0.0/8", "10.0.0.1/8")
	file := configFile(t, broken)
	code, out, errs := detour(t, "config", "check", file)
	want := file + `:4:11: groups[0].mode: "enforced" is not a mode; write observe or enforce
` + file + `:12:26: groups[0].units[0].entries[0].destination: "10.0.0.1/8" has host bits set; write 10.0.0.0/8
2 problems
`
	if code != 1 || out != want || errs != "" {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, _ = detour(t, "config", "check", file, "--json")
	var report map[string]any
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || report["ok"] != false {
		t.Fatalf("exit %d: %s, %v", code, out, err)
	}
	first, _ := report["problems"].([]any)[0].(map[string]any)
	for key, want := range map[string]any{
		"file": file, "line": 4.0, "column": 11.0, "path": "groups[0].mode", "value": "enforced",
		"what": "is not a mode", "remedy": "write observe or enforce",
	} {
		if first[key] != want {
			t.Errorf("%s is %v, want %v", key, first[key], want)
		}
	}
}

// TestConfigCheckIsBounded: it tells 300 problems, all of them, and says where it
// stopped at a thousand.
func TestConfigCheckIsBounded(t *testing.T) {
	for problems, want := range map[int]string{300: "\n300 problems\n", 5000: "\n1000 problems, and there may be more\n"} {
		code, out, _ := detour(t, "config", "check", configFile(t, "version: 1\ngroups:\n"+strings.Repeat("  - x\n", problems)))
		if code != 1 || !strings.HasSuffix(out, want) || strings.Count(out, "\n") != min(problems, 1000)+1 {
			t.Errorf("%d problems: exit %d, %d lines", problems, code, strings.Count(out, "\n"))
		}
	}
}

func TestConfigCheckOfWhatIsNoFile(t *testing.T) {
	for name, args := range map[string][]string{
		"no file":       {},
		"two files":     {"a.yaml", "b.yaml"},
		"a missing one": {"nowhere.yaml"},
		"a folder":      {t.TempDir()},
		"a flag":        {"--jason"},
	} {
		for _, command := range []string{"check", "explain", "json"} {
			if code, out, errs := detour(t, append([]string{"config", command}, args...)...); code != 2 || out != "" || errs == "" {
				t.Errorf("%s %s: exit %d, %q, %q", command, name, code, out, errs)
			}
		}
	}
}

// TestConfigReadsNoMoreThanItMust of an endless input.
func TestConfigReadsNoMoreThanItMust(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"config", "check", "-"}, endless{}, &out, &errs); code != 1 || !strings.Contains(out.String(), "standard input:1:1: the file has more than") {
		t.Errorf("exit %d: %.200s%s", code, out.String(), errs.String())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func TestConfigExplain(t *testing.T) {
	file := configFile(t, branchConfig)
	code, out, errs := detour(t, "config", "explain", file)
	if code != 0 || errs != "" || !strings.HasPrefix(out, "Group branch, mode enforce, home 111122223333 in eu-west-1\n") || !strings.Contains(out, "a failure is known after 30 s (sweep) at best, 2 min 40 s (sweep) at worst") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, out, _ = detour(t, "config", "explain", "--json", file)
	var explanation explain.Explanation
	if err := json.Unmarshal([]byte(out), &explanation); err != nil || code != 0 || len(explanation.Groups) != 1 || len(explanation.Figures) == 0 {
		t.Errorf("exit %d: %v\n%s", code, err, out)
	}
	code, out, errs = detour(t, "config", "explain", configFile(t, "version: 1"))
	if code != 2 || out != "" || !strings.Contains(errs, "groups: missing; declare at least one group or filter") {
		t.Errorf("a wrong file: exit %d: %s%s", code, out, errs)
	}
}

// TestConfigHelpTeaches: every command has an example and its exit status.
func TestConfigHelpTeaches(t *testing.T) {
	for _, command := range []string{"check", "explain", "json"} {
		code, out, _ := detour(t, "config", command, "--help")
		if code != 0 || !strings.Contains(out, "Exit status: 0") || !strings.Contains(out, "Examples:") {
			t.Errorf("%s: %s", command, out)
		}
	}
}
