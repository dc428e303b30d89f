package source_test

import (
	"fmt"
	"strings"
	"testing"

	"detour/shared/config"
	"detour/shared/config/source"
)

// large returns a configuration of one group with so many entries, if any, and
// with so many groups of one entry.
func large(entries, groups int) string {
	var out strings.Builder
	out.WriteString("version: 1\nhome: {account: 111122223333, region: eu-central-1}\ngroups:\n")
	if entries > 0 {
		out.WriteString(`  - name: many
    paths:
      - {name: primary, vpn: vpn-0a00000000000000a}
      - {name: backup, vpn: vpn-0b00000000000000b}
    units:
      - entries:
`)
	}
	for i := range entries {
		fmt.Fprintf(&out, `          - table: tgw-rtb-0c00000000000000c
            destination: 10.%d.%d.0/24
            nextHops:
              primary: tgw-attach-0a00000000000000a
              backup: tgw-attach-0b00000000000000b
`, i/256%256, i%256)
	}
	for i := range groups {
		fmt.Fprintf(&out, `  - {name: g%[1]d, paths: [{name: a, vpn: vpn-a%[1]d}, {name: b, vpn: vpn-b%[1]d}], units: [{entries: [{table: rtb-%[1]d, destination: 10.0.0.0/8, nextHops: {a: tgw-1, b: tgw-2}}]}]}
`, i)
	}
	return out.String()
}

func TestLargeFilesAreRead(t *testing.T) {
	for _, test := range []struct{ entries, groups int }{{1500, 0}, {10_000, 0}, {0, 10_000}} {
		text := large(test.entries, test.groups)
		c := read(t, []byte(text))
		groups, entries := c.Groups(), 0
		for _, group := range groups {
			for _, unit := range group.Units {
				entries += len(unit.Entries)
			}
		}
		if entries != test.entries+test.groups || len(groups) != max(test.groups, 1) {
			t.Errorf("%d bytes: %d groups, %d entries", len(text), len(groups), entries)
		}
	}
}

// TestHostileFilesGetOneClearAnswer: whatever a file holds, the answer is
// bounded in length, and says what to do.
func TestHostileFilesGetOneClearAnswer(t *testing.T) {
	const full = source.MaxSize - 100
	keys := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "key%d: 1\n", i)
		}
		return out.String()
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9))
	}
	for name, test := range map[string]struct{ text, want string }{
		"10 MB":             {strings.Repeat("groups: []\n", 1<<20), "1:1: the file has more than 3145728 bytes"},
		"alias bomb":        {bomb, "1:1: a: unknown key"},
		"an alias":          {"version: 1\nlimits: &a {maxMoves: 3}\ngroups: *a\n", "is an alias, and aliases are not supported; write the value out"},
		"a group in itself": {"version: 1\ngroups: &g\n- *g\n", `3:3: groups[0]: "*g" is an alias, and aliases are not supported; write the value out`},
		"100,000 keys":      {"version: 1\n" + keys(100_000), "2:1: key0: unknown key"},
		"100,000 next hops": {strings.Replace(large(1, 0), "            nextHops:\n", "            nextHops:\n"+strings.ReplaceAll(strings.TrimSuffix("\n"+keys(100_000), "\n"), "\n", "\n              ")[1:]+"\n", 1), `key0: "key0" is not a path of the group; write one of: primary, backup`},
		"deep lists":        {"version: 1\ngroups: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "2:10: groups[0]: is a list where a mapping is expected"},
		"too deep":          {strings.Repeat("[", full), "not YAML: exceeded max depth of 10000"},
		"deep mappings":     {strings.Repeat("{a: ", full/4), "not YAML: exceeded max depth of 10000"},
		"flow list":         {"version: 1\ngroups: [" + strings.Repeat("a,", full/2-20) + "]", `2:9: groups: the list has 1572794 items; write at most 20000`},
		"one long word":     {"version: 1\ngroups: " + strings.Repeat("a", full), `2:9: groups: "` + strings.Repeat("a", 80) + `…" is a single value where a list is expected`},
		"one long key":      {strings.Repeat("a", full) + ": 1", "not YAML"},
		"empty groups":      {"version: 1\ngroups:\n" + strings.Repeat("- {}\n", full/5-10), `3:1: groups: the list has 629115 items`},
		"line breaks":       {strings.Repeat("\n", full), "there is no configuration"},
		"comments":          {strings.Repeat("#\n", full/2), "there is no configuration"},
		"anchors":           {strings.Repeat("- &a x\n", full/7), "is a list where a mapping is expected"},
		"CR only":           {"version: 1\rgroups: []\r", "2:9: groups: missing; declare at least one group or filter"},
		"NUL":               {"version: 1\x00\n", "1:11: control character U+0000; remove it"},
		"UTF-16":            {"\xff\xfev\x00e\x00", "1:1: the file is not UTF-8 text here; save it as UTF-8"},
	} {
		_, err := source.Read([]byte(test.text), "d.yaml")
		if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 20_000 {
			t.Errorf("%s:\n got %.600v\nwant %s", name, err, test.want)
		}
	}
}

// Test300Problems: an error has the first twenty, the value has all.
func Test300Problems(t *testing.T) {
	text := large(300, 0)
	text = strings.ReplaceAll(text, ".0/24", ".1/24")
	_, err := source.Read([]byte(text), "d.yaml")
	problems, ok := err.(source.Problems) //nolint:errorlint // Read says that it is this type.
	if !ok || len(problems) != 300 {
		t.Fatalf("%T with %d problems", err, len(problems))
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || lines[20] != "and 280 more" || !strings.Contains(lines[0], `"10.0.0.1/24" has host bits set; write 10.0.0.0/24`) {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	_, err = source.Read([]byte(strings.ReplaceAll(large(5000, 0), ".0/24", ".1/24")), "d.yaml")
	if problems, _ := err.(source.Problems); len(problems) != config.MaxProblems { //nolint:errorlint // As above.
		t.Errorf("%d problems", len(problems))
	}
}

// TestWhatFollowsFromABrokenValueIsNotReported: a value that could not be read
// is one problem, and not the cause of others.
func TestWhatFollowsFromABrokenValueIsNotReported(t *testing.T) {
	const text = `version: 1
home: {account: 111122223333, region: eu-central-1}
tables: [{name: core, id: tgw-rtb-01}]
prefixLists: [{id: pl-01}]
groups:
  - name: branch
    stateful: true
    paths:
      - {name: one, kind: connect, attachment: tgw-attach-01, peers: [tgw-connect-peer-01]}
      - {name: two, vpn: vpn-02}
    units:
      - entries:
          - {table: core, destination: pl-01, flow: f, nextHops: {one: tgw-attach-03, two: tgw-attach-02}}
      - entries:
          - {table: core, destination: 10.0.0.0/8, flow: f, nextHops: {one: tgw-attach-03, two: tgw-attach-02}}
`
	if _, err := source.Read([]byte(text), "d.yaml"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, replacement, want string }{
		"kind":     {"kind: connect", "knid: connect", `9:21: groups[0].paths[0].knid: unknown key; did you mean kind?`},
		"stateful": {"stateful: true", "stateful: yes", `7:15: groups[0].stateful: "yes" is neither true nor false; write true or false, without quotation marks`},
		"tables":   {"name: core", "nam: core", `3:11: tables[0].nam: unknown key; did you mean name?`},
		"home":     {"home: {", "home: [{", ``},
		"entry":    {"destination: pl-01", "destinations: pl-01", `13:27: groups[0].units[0].entries[0].destinations: unknown key; did you mean destination?`},
	} {
		broken := strings.Replace(text, test.old, test.replacement, 1)
		if name == "home" {
			broken = strings.Replace(broken, "eu-central-1}", "eu-central-1}]", 1)
			test.want = `2:7: home: is a list where a mapping is expected; write keys and values, such as name: value`
		}
		_, err := source.Read([]byte(broken), "d.yaml")
		if err == nil || err.Error() != "d.yaml:"+test.want {
			t.Errorf("%s:\n got %v\nwant d.yaml:%s", name, err, test.want)
		}
	}
}
