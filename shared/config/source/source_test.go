package source_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/explain"
)

var update = flag.Bool("update", false, "write the golden files")

func branch(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile("testdata/branch.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func read(t *testing.T, data []byte) config.Config {
	t.Helper()
	c, err := source.Read(data, "detour.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadGolden(t *testing.T) {
	const file = "testdata/branch.json"
	got, err := read(t, branch(t)).JSON()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("normalized JSON changed; run with -update and look at the difference\ngot:\n%s", got)
	}
}

func TestRoundTrip(t *testing.T) {
	c := read(t, branch(t))
	data, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, c) {
		t.Errorf("parsed %+v\nwant %+v", parsed, c)
	}
	if again := read(t, data); !reflect.DeepEqual(again, c) {
		t.Errorf("JSON read as YAML: %+v\nwant %+v", again, c)
	}
	tabbed := bytes.ReplaceAll(data, []byte("  "), []byte("\t"))
	if again := read(t, tabbed); !reflect.DeepEqual(again, c) {
		t.Error("JSON that is indented with tabs reads differently")
	}
}

func TestReadTakesTextLiterally(t *testing.T) {
	c := read(t, branch(t))
	g := c.GroupList[0]
	if g.Home.Account != "000012345678" || g.Units[0].Entries[1].Account != "444455556666" {
		t.Errorf("accounts %q and %q", g.Home.Account, g.Units[0].Entries[1].Account)
	}
	if time.Duration(c.Timers.Damping.HalfLife) != 20*time.Minute || c.Timers.Damping.Penalty != 1000 {
		t.Errorf("damping %+v: given and default values do not mix", c.Timers.Damping)
	}
}

func TestReadAcceptsOtherLineBreaksAndByteOrderMark(t *testing.T) {
	want := read(t, branch(t))
	for name, data := range map[string][]byte{
		"CRLF":            bytes.ReplaceAll(branch(t), []byte("\n"), []byte("\r\n")),
		"byte order mark": append([]byte("\uFEFF"), branch(t)...),
		"document start":  append([]byte("---\n"), branch(t)...),
		"document end":    append(branch(t), "...\n"...),
	} {
		if got := read(t, data); !reflect.DeepEqual(got, want) {
			t.Errorf("%s changes the configuration", name)
		}
	}
}

// TestProblemsHavePositions changes one thing in the example, and asserts the
// whole text of what is reported.
func TestProblemsHavePositions(t *testing.T) {
	for name, test := range map[string]struct{ old, replacement, want string }{
		"rule":            {"vpn: vpn-0b00000000000000b", "vpn: tgw-123", `26:14: groups[0].paths[1].vpn: "tgw-123" is not a VPN connection id; write vpn-…`},
		"missing":         {"        vpn: vpn-0b00000000000000b\n", "", `25:9: groups[0].paths[1].vpn: missing; write vpn-…`},
		"unknown key":     {"    mode: enforce", "    moed: enforce", `20:5: groups[0].moed: unknown key; did you mean mode?`},
		"far key":         {"limits:", "bounds:", `5:1: bounds: unknown key; the keys here are version, limits, neverTouch, timers, defaults, home, networkManager, tables, prefixLists, groups, filters`},
		"misspelled must": {"        vpn: vpn-0b00000000000000b", "        vnp: vpn-0b00000000000000b", `26:9: groups[0].paths[1].vnp: unknown key; did you mean vpn?`},
		"key twice":       {"    mode: enforce", "    mode: enforce\n    mode: observe", `21:5: groups[0].mode: the key stands twice, first in line 20; remove one of the two`},
		"hop twice":       {"{primary: tgw-0a", "{backup: vgw-01, primary: tgw-0a", `39:72: groups[0].units[0].entries[1].nextHops.backup: the key stands twice, first in line 39; remove one of the two`},
		"list wanted":     {"  tables: [rtb-0f00000000000000f]", "  tables: rtb-0f", `9:11: neverTouch.tables: "rtb-0f" is a single value where a list is expected; start each item with a hyphen and a space`},
		"mapping wanted":  {"{halfLife: 20m}", "[20m]", `15:12: timers.damping: is a list where a mapping is expected; write keys and values, such as name: value`},
		"value wanted":    {"mode: enforce", "mode: {on: 1}", `20:11: groups[0].mode: is a mapping where a single value is expected; write a single value`},
		"null":            {"    mode: enforce", "    mode:", `20:10: groups[0].mode: there is no value; write one, or remove the key`},
		"empty text":      {"mode: enforce", `mode: ""`, `20:11: groups[0].mode: the text is empty; write a value, or remove the key`},
		"duration number": {"settleTime: 15s", "settleTime: 15", `14:15: timers.settleTime: "15" is a number without a unit; write 15s for seconds, or 15m for minutes`},
		"duration days":   {"settleTime: 15s", "settleTime: 1d", `14:15: timers.settleTime: "1d" is not a duration; write for example 90s, 10m or 1h30m`},
		"octal":           {"maxMoves: 20", "maxMoves: 020", `6:13: limits.maxMoves: "020" is not a whole number; write decimal digits, at most nine, without quotation marks`},
		"quoted number":   {"maxMoves: 20", `maxMoves: "20"`, `6:13: limits.maxMoves: "20" is not a whole number; write decimal digits, at most nine, without quotation marks`},
		"infinite":        {"halfLife: 20m", "penalty: .inf", `15:22: timers.damping.penalty: ".inf" is not a number; write decimal digits, such as 1000 or 0.5, without quotation marks`},
		"bool":            {"mode: enforce", "stateful: yes", `20:15: groups[0].stateful: "yes" is neither true nor false; write true or false, without quotation marks`},
		"alias":           {"mode: enforce", "name: &a b\n    mode: *a", "20:5: groups[0].name: the key stands twice, first in line 18; remove one of the two\nd.yaml:21:11: groups[0].mode: \"*a\" is an alias, and aliases are not supported; write the value out"},
		"tag":             {"mode: enforce", "mode: !!str enforce", `20:11: groups[0].mode: "!!str" is a tag, and tags are not supported; remove it`},
		"merge key":       {"{halfLife: 20m}", "{<<: {halfLife: 20m}}", `15:13: timers.damping: "<<" is a merge key, and merge keys are not supported; write the keys out`},
		"list as key":     {"{halfLife: 20m}", "{[a]: b}", `15:13: timers.damping: a key here is not plain text; write a name as the key`},
		"no version":      {"version: 1\n", "\n", `5:1: version: missing; write version: 1`},
		"quoted version":  {"version: 1", `version: "1"`, `3:10: version: "1" is not a whole number; write decimal digits, at most nine, without quotation marks`},
		"two documents":   {"\nlimits:", "\n---\nlimits:", `6:1: a second document starts here; write one document per file`},
		"tab":             {"  maxMoves", "\tmaxMoves", `6:1: tab in the indentation; indent with spaces`},
		"NUL":             {"maxMoves", "max\x00Moves", `6:6: control character U+0000; remove it`},
		"not UTF-8":       {"maxMoves", "max\xffMoves", `6:6: the file is not UTF-8 text here; save it as UTF-8`},
		"syntax":          {"mode: enforce", "mode: enforce: twice", `20:1: not YAML: mapping values are not allowed in this context; correct the line, or one shortly before it`},
		"revertive typo":  {"    mode: enforce", "    revertve: true\n    waitToRestore: 5m", `20:5: groups[0].revertve: unknown key; did you mean revertive?`},
	} {
		data := strings.Replace(string(branch(t)), test.old, test.replacement, 1)
		if data == string(branch(t)) {
			t.Fatalf("%s: the example does not contain %q", name, test.old)
		}
		_, err := source.Read([]byte(data), "d.yaml")
		if err == nil || err.Error() != "d.yaml:"+test.want {
			t.Errorf("%s:\n got %v\nwant d.yaml:%s", name, err, test.want)
		}
	}
}

func TestFilesThatAreNoConfiguration(t *testing.T) {
	const none = `1:1: there is no configuration; start with version: 1 and groups:`
	for text, want := range map[string]string{
		"":                                      none,
		"# nothing\n":                           none,
		"---\n":                                 `2:1: there is no configuration; start with version: 1 and groups:`,
		"null":                                  none,
		"hello":                                 `1:1: "hello" is a single value where a mapping is expected; write keys and values, such as name: value`,
		"[]":                                    `1:1: is a list where a mapping is expected; write keys and values, such as name: value`,
		"{}":                                    "1:1: version: missing; write version: 1\nd.yaml:1:1: groups: missing; declare at least one group or filter",
		"version: 1\ngroups: []\n":              `2:9: groups: missing; declare at least one group or filter`,
		"\xff\xfev\x00":                         `1:1: the file is not UTF-8 text here; save it as UTF-8`,
		"a: &a [*a, *b]":                        `1:1: not YAML: unknown anchor 'b' referenced; correct the line, or one shortly before it`,
		strings.Repeat("[", 20000):              `1:1: not YAML: exceeded max depth of 10000; correct the line, or one shortly before it`,
		strings.Repeat(" ", source.MaxSize+1):   `1:1: the file has more than 3145728 bytes; write prefix lists in place of many blocks, or one file for each home, with its groups`,
		"version: 1\ngroups: &g\n- paths: *g\n": "x",
	} {
		_, err := source.Read([]byte(text), "d.yaml")
		if err == nil || want != "x" && err.Error() != "d.yaml:"+want {
			t.Errorf("%.30q:\n got %v\nwant d.yaml:%s", text, err, want)
		}
	}
}

func TestAllProblemsAtOnceInTheOrderOfTheFile(t *testing.T) {
	data := strings.NewReplacer("settleTime: 15s", "setleTime: 15s", "mode: enforce", "mode: on", "vpn: vpn-0a00000000000000a", "vpn: x", "10.1.0.0/16", "10.1.2.0/16").Replace(string(branch(t)))
	c, err := source.Read([]byte(data), "d.yaml")
	const want = `d.yaml:14:3: timers.setleTime: unknown key; did you mean settleTime?
d.yaml:20:11: groups[0].mode: "on" is not a mode; write observe or enforce
d.yaml:23:14: groups[0].paths[0].vpn: "x" is not a VPN connection id; write vpn-…
d.yaml:32:26: groups[0].units[0].entries[0].destination: "10.1.2.0/16" has host bits set; write 10.1.0.0/16
d.yaml:38:26: groups[0].units[0].entries[1].destination: "10.1.2.0/16" has host bits set; write 10.1.0.0/16`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	var problems source.Problems
	if !errors.As(err, &problems) || problems[1].Line != 20 || problems[1].Column != 11 || problems[1].Path != "groups[0].mode" {
		t.Errorf("problems %+v", problems)
	}
	if !reflect.DeepEqual(c, config.Config{}) {
		t.Error("a refused file leaves a configuration")
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	_, err := source.Read([]byte("version: 1\n"+strings.Repeat("? [a]\n", 30)), "d.yaml")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 10 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestDecodeSectionOfAScenario(t *testing.T) {
	scenario := "network:\n  groups: 7\n" + strings.Replace(string(branch(t)), "version: 1\n", "", 1) + "steps: []\n"
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(scenario), &root); err != nil {
		t.Fatal(err)
	}
	c, err := source.Decode(source.Section(&root), "scenario.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := read(t, branch(t)); !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
	_, err = source.Decode(&root, "scenario.yaml")
	const want = "scenario.yaml:1:1: network: unknown key; the keys here are version, limits, neverTouch, timers, defaults, home, networkManager, tables, prefixLists, groups, filters\nscenario.yaml:47:1: steps: unknown key; the keys here are version, limits, neverTouch, timers, defaults, home, networkManager, tables, prefixLists, groups, filters"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if _, err := source.Decode(nil, "scenario.yaml"); err == nil {
		t.Error("Decode accepts no node")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(branch(f))
	files, err := filepath.Glob("../../../docs/examples/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("examples %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("version: 1\ngroups: [{name: &a x, paths: *a, <<: {}}]"))
	f.Add([]byte("{\"version\": 1, \"groups\": [{}]}"))
	f.Add([]byte("--- !!map\n? - : |\n\t-\r\n...\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := source.Read(data, "fuzz.yaml")
		var problems source.Problems
		switch {
		case err == nil:
			if found := config.Check(c); len(found) > 0 {
				t.Fatalf("Read accepts what Check refuses: %v", config.Problems(found))
			}
			written, err := c.JSON()
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := config.Parse(written)
			if err != nil || !reflect.DeepEqual(parsed, c) {
				t.Fatalf("normalized JSON does not read back: %v", err)
			}
			c.Groups()
			c.NeverTouch()
			if again := c.Normalize(); !reflect.DeepEqual(again, c) {
				t.Fatal("normalizing twice changes the configuration")
			}
			if text := explain.Text(explain.Explain(c)); !utf8.ValidString(text) {
				t.Fatal("the explanation is not text")
			}
		case !errors.As(err, &problems) || len(problems) == 0 || len(problems) > config.MaxProblems:
			t.Fatalf("the error is %T with %d problems", err, len(problems))
		default:
			for _, problem := range problems {
				if problem.Line < 1 || problem.Column < 1 || problem.What == "" || strings.ContainsAny(problem.String(), "\x00\n") {
					t.Fatalf("bad problem %+v", problem)
				}
			}
		}
	})
}
