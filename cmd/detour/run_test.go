package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/shared/lab"
	"detour/shared/sim"
)

// detour runs a command line.
func detour(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestList(t *testing.T) {
	code, out, _ := detour(t, "lab", "list")
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	scenarios, err := lab.Scenarios()
	if err != nil || code != 0 || len(lines) != len(scenarios) {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	for i, s := range scenarios {
		name, title, _ := strings.Cut(lines[i], " ")
		if name != s.Name || strings.TrimSpace(title) != s.Title {
			t.Errorf("line %q, want %s and %s", lines[i], s.Name, s.Title)
		}
	}
	code, out, _ = detour(t, "lab", "list", "--json")
	var items []struct{ Name, Title string }
	if err := json.Unmarshal([]byte(out), &items); err != nil || code != 0 || len(items) != len(lines) || items[0].Title == "" {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

func TestRun(t *testing.T) {
	code, out, errs := detour(t, "lab", "run", "cloud-join")
	if code != 0 || errs != "" || !strings.Contains(out, "verdict       passed: cloud-join, seed 1") {
		t.Fatalf("exit %d, %s%s", code, out, errs)
	}
	if strings.Contains(out, "\x1b") {
		t.Error("there is colour in what is no terminal")
	}
	if _, again, _ := detour(t, "lab", "run", "cloud-join"); again != out {
		t.Error("the same run prints something else")
	}
	if _, other, _ := detour(t, "lab", "run", "cloud-join", "--seed", "7"); other == out || !strings.Contains(other, "seed 7") {
		t.Error("another seed prints the same")
	}
}

// TestRunAllRoutes: a long table is cut short unless it is asked for.
func TestRunAllRoutes(t *testing.T) {
	s, err := lab.Find("cloud-join")
	if err != nil {
		t.Fatal(err)
	}
	table := &s.Topology.TransitGateways[0].Tables[0]
	for n := range 60 {
		table.Routes = append(table.Routes, sim.RouteSpec{Destination: fmt.Sprintf("198.18.%d.0/24", n), Target: "blackhole"})
	}
	text, err := lab.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const cut, last = "more routes, 0 of them changed; --all-routes shows them", "198.18.59.0/24"
	if code, out, errs := detour(t, "lab", "run", file); code != 0 || !strings.Contains(out, cut) || strings.Contains(out, last) {
		t.Errorf("exit %d, %s: %s", code, errs, out)
	}
	if code, out, errs := detour(t, "lab", "run", file, "--all-routes"); code != 0 || strings.Contains(out, cut) || !strings.Contains(out, last) {
		t.Errorf("all routes: exit %d, %s: %s", code, errs, out)
	}
}

func TestRunJSON(t *testing.T) {
	code, out, _ := detour(t, "lab", "run", "cloud-join", "--json", "--seed", "0")
	var got struct {
		Scenario string
		Passed   bool
		Writes   int
		Seed     *int
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Scenario != "cloud-join" || !got.Passed || got.Writes != 2 || got.Seed == nil || *got.Seed != 0 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

func TestRunLogAndTrace(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	code, out, errs := detour(t, "lab", "run", "cloud-join", "--log", "--trace", trace)
	if code != 0 || !strings.Contains(errs, `writes="applied=2"`) || strings.Contains(out, "level=INFO") || !strings.HasPrefix(errs, "at=+00:22.") || strings.Contains(errs, "time=") {
		t.Errorf("exit %d, log %s", code, errs)
	}
	if data, err := os.ReadFile(trace); err != nil || !bytes.Contains(data, []byte("ReplaceTransitGatewayRoute")) {
		t.Errorf("trace: %v, %d bytes", err, len(data))
	}
	if code, _, errs := detour(t, "lab", "run", "cloud-join", "--trace", filepath.Join(trace, "x")); code != 2 || !strings.Contains(errs, "trace file") {
		t.Errorf("a trace that cannot be written: exit %d, %s", code, errs)
	}
}

func TestRunFile(t *testing.T) {
	s, _ := lab.Find("cloud-join")
	write := func(name string) string {
		text, err := lab.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if code, out, errs := detour(t, "lab", "run", write("mine.yaml")); code != 0 {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	one := 1.0
	s.Expect.Metrics["writes"] = lab.Bound{Exactly: &one}
	if code, out, _ := detour(t, "lab", "run", write("wrong.yaml")); code != 1 || !strings.Contains(out, "not as expected: writes is 2, expected exactly 1") {
		t.Errorf("a scenario that fails: exit %d: %s", code, out)
	}
	s.Script[0].VPN = "vpn-1"
	file := write("broken.yaml")
	if code, out, errs := detour(t, "lab", "run", file); code != 2 || out != "" || !strings.Contains(errs, file+":") || !strings.Contains(errs, `script[0].vpn: "vpn-1" is not in the topology`) {
		t.Errorf("a file with a problem: exit %d: %s%s", code, out, errs)
	}
}

func TestWrongUsage(t *testing.T) {
	for line, want := range map[string]string{
		"lab run cloud-jion":                     `detour: there is no scenario "cloud-jion"; did you mean cloud-join? For a file write ./cloud-jion`,
		"lab run xyzzyxyzzyxyzzy":                "there are active-only-check, active-path-flaps, ",
		"lab run":                                "name one scenario or file, not 0",
		"lab run a b":                            "name one scenario or file, not 2",
		"lab run cloud-join --all-routes --json": "--all-routes has no effect with --json",
		"lab replay x --topology y --json --all-routes": "--all-routes has no effect with --json",
		"lab run ./no/such.yaml":                        "reading the scenario: open ./no/such.yaml",
		"lab run cloud-join --sed 1":                    "unknown flag: --sed; run detour lab run --help",
		"lab run cloud-join --seed minus":               `detour: --seed is "minus"; write a whole number from 0 to 18446744073709551615` + "\n",
		"lab run cloud-join --seed -1":                  `--seed is "-1"; write a whole number from 0`,
		"lab run cloud-join --log=x":                    `--log is "x"; write true or false, or the flag alone`,
		"lab fuzz --seeds many":                         `--seeds is "many"; write a whole number`,
		"lab fuzz x":                                    `detour lab fuzz takes no argument, but there is "x"; leave it out`,
		"help nope":                                     `detour has no command "nope"; run detour --help for those that there are`,
		"help lab rnu":                                  `detour lab has no command "rnu"; did you mean "run"?`,
		"lab rnu":                                       `detour lab has no command "rnu"; did you mean "run"?`,
		"lba":                                           `detour has no command "lba"; did you mean "lab"?`,
		"lab list x":                                    `detour lab list takes no argument, but there is "x"; leave it out, or run detour lab list --help`,
		"lab fuzz --seeds 0":                            "--seeds is 0; write how many seeds to try",
		"lab fuzz --parallel 0":                         "--parallel is 0;",
	} {
		code, out, errs := detour(t, strings.Fields(line)...)
		if code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, output %q, error %q, want %q", line, code, out, errs, want)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, line := range []string{"", "--help", "lab", "lab run --help", "lab list --help", "lab fuzz --help", "help", "help lab", "help lab run"} {
		code, out, _ := detour(t, strings.Fields(line)...)
		if code != 0 || !strings.Contains(out, "detour lab ") || !strings.Contains(out, "Usage:") {
			t.Errorf("%q: exit %d: %s", line, code, out)
		}
	}
}

// TestInterrupted: what Ctrl-C ends says so in one line, and the random tester
// prints what it has.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"lab", "run", "cloud-join"}, strings.NewReader(""), &out, &errs)
	if want := "detour: interrupted: scenario cloud-join was not played to its end, and there is no report\n"; code != 1 || out.Len() > 0 || errs.String() != want {
		t.Errorf("lab run: exit %d: %s%s", code, &out, &errs)
	}
	out.Reset()
	errs.Reset()
	code = run(ctx, []string{"lab", "fuzz"}, strings.NewReader(""), &out, &errs)
	if want := "detour: interrupted: 0 of 200 seeds were played, and the report is about those\n"; code != 1 || !strings.Contains(out.String(), "seeds          0, from 1") || !strings.HasSuffix(errs.String(), want) {
		t.Errorf("lab fuzz: exit %d: %s%s", code, &out, &errs)
	}
}

func TestFuzz(t *testing.T) {
	code, out, _ := detour(t, "lab", "fuzz", "--seeds", "3", "--first", "49", "--parallel", "1")
	if code != 0 || !strings.Contains(out, "seeds          3, from 49") || !strings.Contains(out, "run twice      1, same trace\n") || !strings.Contains(out, "task switches") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = detour(t, "lab", "fuzz", "--seeds", "2", "--json")
	var got struct {
		Seeds    int
		Findings []any
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Seeds != 2 || got.Findings == nil {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}
