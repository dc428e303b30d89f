package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/explain"
)

const root = "../.."

var update = flag.Bool("update", false, "write the generated files")

// TestGeneratedFilesAreFresh fails where a generated file is not what configdocs
// would write.
func TestGeneratedFilesAreFresh(t *testing.T) {
	if *update {
		if err := run([]string{root}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		got, err := os.ReadFile(filepath.Join(root, file.name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, file.text) {
			t.Errorf("%s is stale; run go run ./cmd/configdocs in the root of the repository", file.name)
		}
	}
}

// TestRunWritesTheFiles in another folder.
func TestRunWritesTheFiles(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "docs"), os.DirFS(filepath.Join(root, "docs"))); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(folder, pageName)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, part.ReplaceAll(text, []byte("${1}stale\n$4")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{folder}); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(page); err != nil || !bytes.Equal(again, text) {
		t.Errorf("the page was not made anew: %v", err)
	}
	if err := run([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "root of the repository") {
		t.Errorf("in an empty folder: %v", err)
	}
	if err := run([]string{"a", "b"}); err == nil {
		t.Error("two folders are accepted")
	}
}

// TestEveryExampleIsShownAndRead: each file of the examples is on the page,
// names the schema in its first line, passes both, and can be explained.
func TestEveryExampleIsShownAndRead(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, pageName))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, examples, "*.yaml"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	if bounds := fmt.Sprintf("of at most %d MiB, with at most %d,000 items in a list", source.MaxSize>>20, source.MaxItems/1000); !bytes.Contains(page, []byte(bounds)) {
		t.Errorf("%s does not say %q", pageName, bounds)
	}
	schema := compiled(t)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "# yaml-language-server: $schema=../detour.schema.json\n") {
			t.Errorf("%s does not name its schema", file)
		}
		if !bytes.Contains(page, data) {
			t.Errorf("%s is not shown in %s", file, pageName)
		}
		c, err := source.Read(data, file)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := schema.Validate(asEditor(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if text := explain.Text(explain.Explain(c)); text == "" {
			t.Errorf("%s explains nothing", file)
		}
	}
}

// compiled returns the schema, which must be one itself.
func compiled(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	text, err := schemaFile()
	if err != nil {
		tb.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("detour.schema.json", document); err != nil {
		tb.Fatal(err)
	}
	schema, err := compiler.Compile("detour.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// asEditor reads a file as an editor does: account 111122223333 is a number.
func asEditor(t *testing.T, data []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, value)
}

func asJSON(tb interface {
	Helper()
	Fatal(args ...any)
}, value any,
) any {
	tb.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestRulesThatTheSchemaHas: of the rules of the page, the schema refuses
// exactly those that are not marked here.
func TestRulesThatTheSchemaHas(t *testing.T) {
	beyond := map[string]bool{}
	for _, means := range []string{
		"An account has 12 digits", // Without quotation marks it is a number, whose leading zeros an editor does not see.
		"A constant is in its range",
		"A constant has an effect",
		"A sample is an address to which the group has a route in that table",
		"A name is unique where it is used",
		"A group has a home. One in several accounts or Regions has to say which",
		"Where Network Manager is not listened to, it has no account",
		"The events of Network Manager stay in their partition",
		"A resource has the same owner everywhere",
		"A name of a table is declared",
		"A table has one name",
		"A minimum can be reached",
		"Each path is made of something of its own",
		"A move between two paths changes some route",
		"A pin lies outside of all entries of its table, of whichever group, or the check would follow the moves",
		"An alarm speaks for one path",
		"An entry has next hops for no other paths",
		"Table and destination together stand once; overlapping destinations are legal",
		"A destination is a CIDR block without host bits",
		"A target is one that the table can have",
		"A Connect attachment takes no static route",
		"What a path expects to be learned can be read somewhere",
		"An observation table shows something that is expected",
		"An observation table has no entries, whose statics would hide what it is to show",
		"The VPN connections of a virtual private gateway carry no IPv6",
		"A learned route stands in transit gateway tables only: in a VPC table no API shows what a static hides",
		"A learned route is the one that the path's own attachment teaches",
		"No prefix list is learned",
		"In mode enforce one path at most of an entry is learned, since between two BGP chooses",
		"The entries of a flow move together",
		"No entry is in neverTouch",
		"The owner of a prefix list is that of the table, or accepted",
		"What is accepted has an owner",
		"A prefix list that is declared is used",
		"A range of lengths lies inside of its block",
		"Some rule denies something, or the number of prefixes is bounded",
		"No rule repeats what an earlier one decides",
		"A table is written by one filter",
		"No table of a filter that writes is in neverTouch",
		"What is denied by name is not in neverTouch",
		"A filter and a group do not act on the same table and destination",
		"Attachments teach the tables of the filter",
		"A blackhole is put into transit gateway tables only",
		"An egress is a target that the table can have",
		"An egress carries the address family of what is denied",
		"A preset stands for blocks that are denied by name, not for a range",
		"The VPN connections of a virtual private gateway carry no IPv6, so none is preset in a VPC table",
		"A quarantine is put into transit gateway tables only",
		"A quarantine names its attachments, or accepts the loss of what it cannot follow",
		"Each attachment in a quarantine has an observation table, or the loss is accepted",
		"A Connect attachment takes no static routes, so its quarantine needs acceptLoss",
		"Nothing is written into an observation table",
		"An observation table shows one attachment",
	} {
		beyond[means] = true
	}
	schema := compiled(t)
	if err := schema.Validate(asEditor(t, []byte(base))); err != nil {
		t.Fatalf("the base of all rules: %v", err)
	}
	if _, err := source.Read([]byte(base), "base.yaml"); err != nil {
		t.Fatalf("the base of all rules: %v", err)
	}
	for _, s := range ruleSections() {
		for _, r := range s.rules {
			text, err := r.broken()
			if err != nil {
				t.Fatal(err)
			}
			if r.means == "A key stands once" || strings.HasPrefix(r.means, "A value is written out") {
				continue // That is a matter of YAML, which an editor reads by itself.
			}
			if err := schema.Validate(asEditor(t, []byte(text))); (err == nil) != beyond[r.means] {
				t.Errorf("%s: the schema says %v", r.means, err)
			}
		}
	}
}

// TestPropertyTheSchemaAcceptsWhatReadAccepts: random configurations of all kinds
// of path, in normalized form and with defaults left out.
func TestPropertyTheSchemaAcceptsWhatReadAccepts(t *testing.T) {
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		data, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Read(data, "drawn.json"); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		var value any
		if err := json.Unmarshal(data, &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, value)); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
	})
}

// TestPropertyTheSchemaRefusesUnknownKeysAndWrongTypes wherever they stand, as
// Read does.
func TestPropertyTheSchemaRefusesUnknownKeysAndWrongTypes(t *testing.T) {
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		data, err := drawConfig(t).JSON()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(data, &value); err != nil {
			t.Fatal(err)
		}
		damaged := damage(t, value)
		text, err := json.Marshal(damaged)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Read(text, "damaged.json"); err == nil {
			t.Fatalf("Read accepts\n%s", text)
		}
		if err := schema.Validate(asJSON(t, damaged)); err == nil {
			t.Fatalf("the schema accepts\n%s", text)
		}
	})
}

// damage puts a key that no mapping has into one of the mappings, or a list in the
// place of a value.
func damage(t *rapid.T, value any) any {
	var mappings []map[string]any
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			mappings = append(mappings, v)
			for _, key := range sortedKeys(v) {
				collect(v[key])
			}
		case []any:
			for _, item := range v {
				collect(item)
			}
		}
	}
	collect(value)
	m := rapid.SampledFrom(mappings).Draw(t, "mapping")
	if rapid.Bool().Draw(t, "unknown key") {
		m["unknownKey"] = "value"
		return value
	}
	keys := sortedKeys(m)
	if len(keys) == 0 {
		m["unknownKey"] = "value"
		return value
	}
	key := rapid.SampledFrom(keys).Draw(t, "key")
	m[key] = []any{[]any{"wrong"}}
	return value
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// TestTheTableOfKeysAndTheModelAgree: a field without a row, or a row without a
// field, stops the generator.
func TestTheTableOfKeysAndTheModelAgree(t *testing.T) {
	more := keys()
	more["limits.speed"] = key{means: "x"}
	g := generator{keys: more, used: map[string]bool{}}
	if _, err := g.schema(reflect.TypeFor[config.Config](), ""); err != nil {
		t.Fatal(err)
	}
	if err := g.unused(); err == nil || !strings.Contains(err.Error(), "limits.speed") {
		t.Errorf("a row too many: %v", err)
	}
	for path := range keys() {
		if strings.HasSuffix(path, "[]") || strings.HasSuffix(path, ".*") {
			continue
		}
		fewer := keys()
		delete(fewer, path)
		g := generator{keys: fewer, used: map[string]bool{}}
		if _, err := g.schema(reflect.TypeFor[config.Config](), ""); err == nil || !strings.Contains(err.Error(), path+",") {
			t.Errorf("without %s: %v", path, err)
		}
	}
}

func TestARuleThatDoesNotFitTheBaseIsNoticed(t *testing.T) {
	if _, err := (rule{"x", "no such text", "y"}).broken(); err == nil {
		t.Error("a rule that does not fit is accepted")
	}
}
